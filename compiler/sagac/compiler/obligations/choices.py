"""D3, choices: of the steps of a choice one runs, and where it says `exactly`, no second one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from sagac.compiler import wording
from sagac.compiler.model import Choice, Saga
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Story
from sagac.compiler.terms import Formula, both, negation
from sagac.compiler.verdicts import Claim


def owe(saga: Saga, conditions: Conditions) -> tuple[Obligation, ...]:
    """A claim for each choice."""
    return tuple(kept(saga, conditions, choice) for choice in saga.choices)


def kept(saga: Saga, conditions: Conditions, choice: Choice) -> Never:
    """Wherever all steps of a choice are reached, their guards are total, and exclusive where that is said."""
    word = "exactly one of" if choice.kind == "exactly" else "at least one of"
    names = wording.listing(list(choice.steps))
    claim = Claim("D3", saga.full_name, "", f"{word} {names} runs wherever all of them are reached", choice.span)
    return Never(claim, cases(conditions, choice))


def cases(conditions: Conditions, choice: Choice) -> Callable[[], Iterator[Case]]:
    def found() -> Iterator[Case]:
        reached = both(*(conditions.entry[step] for step in choice.steps))
        none = both(*(negation(conditions.done(step)) for step in choice.steps))
        yield Case(both(reached, none), nobody(conditions, choice))
        if choice.kind == "exactly":
            for one, two in combinations(choice.steps, 2):
                yield Case(both(reached, run(conditions, one), run(conditions, two)), several(conditions, one, two))

    return found


def run(conditions: Conditions, step: str) -> Formula:
    """The step runs, given that it is reached."""
    return conditions.guard[step]


def nobody(conditions: Conditions, choice: Choice) -> Story:
    """None of the steps runs."""
    last = conditions.steps[choice.steps[-1]].guard
    others = [conditions.steps[step].guard for step in choice.steps[:-1]]
    written = [wording.expression(guard.condition) for guard in others if guard is not None]
    return Story(
        first=choice.steps,
        subject=choice.steps[0],
        message=f"there is a run in which none of {wording.listing(list(choice.steps))} runs",
        place=None if last is None else last.span,
        place_text="this and the others can be false together",
        help=(f"let the last one cover the rest: `when not ({' or '.join(written)})` in `{choice.steps[-1]}`",),
    )


def several(conditions: Conditions, one: str, two: str) -> Story:
    """Two of the steps run."""
    first, second = conditions.steps[one].guard, conditions.steps[two].guard
    written = "" if first is None else wording.expression(first.condition)
    return Story(
        first=(one, two),
        subject=one,
        other=two,
        message=f"there is a run in which both `{one}` and `{two}` run",
        place=None if second is None else second.span,
        place_text=f"this can hold together with the `when` of `{one}`",
        help=(
            f"exclude the other case: `when … and not ({written})` in `{two}`",
            "or say `at least one of` if both may run",
        ),
    )

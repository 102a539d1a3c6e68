"""C1, unknown outcomes: whatever the plan does about a lost answer is sound for what the contracts declare.

The policy is read from the plan, the capabilities from the contracts; `protocol_table` says whether they go together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from sagac.compiler import planner, wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Handler, Operation, Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.coverage import handler_guard
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Story
from sagac.compiler.protocol import Memory, Profile, Resend, Undoing
from sagac.compiler.protocol_table import ROWS
from sagac.compiler.terms import both
from sagac.compiler.verdicts import Assumed, Claim, Proved, Verdict
from sagac.compiler.wording import duration
from sagac.runtime.plan import Plan, Step

MOVES: Final = {
    "no answer": "no answer comes: nobody knows whether `{do}` took effect",
    "arrives: effect": "`{do}` arrives and takes effect",
    "arrives: known": "`{do}` arrives again; its key is known, and nothing happens",
    "arrives: refused": "`{do}` is refused",
    "arrives: not applied": "`{do}` arrives: not applied, try again",
    "arrives: fenced": "`{do}` arrives after it was revoked, and is refused",
    "arrives: the same": "`{do}` arrives again, and changes nothing",
    "late arrives: the same": "the earlier `{do}` arrives late, and changes nothing",
    "no copy left": "no copy of `{do}` can arrive any more, and the run goes on",
    "late arrives: effect": "the earlier `{do}` arrives late, and takes effect",
    "late arrives: known": "the earlier `{do}` arrives late; its key is known, and nothing happens",
    "late arrives: refused": "the earlier `{do}` arrives late, and is refused",
    "late arrives: not applied": "the earlier `{do}` arrives late, and is not applied",
    "late arrives: fenced": "the earlier `{do}` arrives late, after it was revoked, and is refused",
    "lost": "`{do}` is lost",
    "late lost": "the earlier `{do}` is lost",
    "forgotten": "the window passes: the service forgets the key of `{do}`",
    "ok": "`{do}` is confirmed",
    "refused": "the refusal settles the step",
    "not applied": "it is sent again",
    "held": "a person has to settle it",
    "taken for failed": "the step is taken for failed",
    "undone in doubt": "`{undo}` is sent, though `{do}` may not have happened",
    "probe is believed": "a probe asks at once, and is believed",
    "lapsed": "no copy of `{do}` can arrive any more",
    "probe: present": "the probe finds the effect of `{do}`",
    "probe: absent": "the probe finds nothing: the step is taken for failed",
    "turned": "the run turns back, and `{undo}` is sent",
    "undo arrives": "`{undo}` arrives",
    "undo arrives again": "the earlier `{undo}` arrives too",
    "undo lost": "`{undo}` is lost",
    "undo confirmed": "`{undo}` is confirmed",
    "undo unanswered": "no answer to `{undo}` comes",
    "undo sent again": "no answer to `{undo}` comes, and it is sent again",
}
"""What a move of the protocol is in words."""


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for each call with an effect, and one for each compensation."""
    planned = {step.name: step for step in plan.steps}
    return tuple(
        obligation
        for step in saga.steps
        if project.operation(step.call).kind == "command"
        for obligation in (
            forward(project, saga, conditions, step, planned[step.name]),
            *backward(project, saga, graph, conditions, step),
        )
    )


# --- the do --------------------------------------------------------------------------------------------------------


def forward(project: Project, saga: Saga, conditions: Conditions, step: Written, planned: Step) -> Obligation:
    """A lost answer to the step's call is settled soundly."""
    claim = Claim(
        "C1",
        saga.full_name,
        step.name,
        f"a lost answer to `{step.name}` is settled by what is declared",
        step.call.span,
    )
    row = ROWS[profile(project, step, planned).key]
    lost = doubtful(project, step, planned, row)
    if lost is None:
        return Settled(claim, kept(project, step, planned))
    return Never(claim, lambda: iter((Case(conditions.enabled[step.name], lost),)))


def doubtful(project: Project, step: Written, planned: Step, row: str) -> Story | None:
    """What a lost answer leads to, where that is not settled."""
    if row not in ("sound", "window"):
        return unsound(project, step, row)
    if project.operation(step.call).declared and planned.doubt == "hold" and not step.holds_unknown:
        return unsettled(project, step)
    return None


def kept(project: Project, step: Written, planned: Step) -> Verdict:
    """What it rests on that a lost answer is settled."""
    operation = project.operation(step.call)
    promised = tuple(promises(project, step, planned))
    if not operation.declared:
        return Assumed((*promised, *(f"a person settles a lost answer to `{name(step)}`" for _ in asked(planned))))
    return Proved(promised)  # that no copy comes when the key has been forgotten is C5


def asked(planned: Step) -> tuple[int, ...]:
    """Whether a person is the policy."""
    return (0,) if planned.doubt == "hold" else ()


def name(step: Written) -> str:
    """The command's name, with its service."""
    return wording.operation(planner.called(step.call))


def undo_name(handler: Handler) -> str:
    return wording.operation(planner.called(handler.call))


def profile(project: Project, step: Written, planned: Step) -> Profile:
    """What is declared of the step's call and undo, and what the plan does about a lost answer."""
    operation = project.operation(step.call)
    undoing = weakest(project, step)
    return Profile(
        memory=memory(planned, operation),
        lands=operation.lands_within_ms is not None,
        probe=operation.probe is not None,
        undoing=undoing,
        resend=resend(planned, operation),
        doubt=planned.doubt,
        # An undo that may be called once is held when its answer is lost; that is the undo's own claim.
        repeats_undo=undoing in ("idempotent", "revokes"),
    )


def memory(planned: Step, operation: Operation) -> Memory:
    if not operation.idempotent:
        return "effect" if is_repeated(planned) else "none"
    return "kept" if operation.window_ms is None else "window"


def is_repeated(planned: Step) -> bool:
    """By its effect, and for so long only as its copies can be waited out (R3)."""
    return planned.idempotent_by_effect and planned.lands_within_ms is not None


def resend(planned: Step, operation: Operation) -> Resend:
    if not (operation.idempotent or is_repeated(planned)) or planned.schedule.retries == 0:
        return "never"
    return "forever" if planned.schedule.retries is None else "bounded"


def weakest(project: Project, step: Written) -> Undoing:
    """What all undos of the step promise."""
    order: tuple[Undoing, ...] = ("once", "idempotent", "revokes")
    found = [promised(project, step, handler) for handler in step.handlers]
    return min(found, key=order.index) if found else "none"


def promised(project: Project, step: Written, handler: Handler) -> Undoing:
    """What one undo promises."""
    operation = project.operation(handler.call)
    if handler.call.service == step.call.service and operation.revokes == step.call.operation:
        return "revokes"
    return "idempotent" if operation.idempotent else "once"


def promises(project: Project, step: Written, planned: Step) -> Iterator[str]:
    """The declarations that the policy rests on, by name."""
    operation = project.operation(step.call)
    if operation.idempotent:
        window = "" if operation.window_ms is None else f" for {duration(operation.window_ms)}"
        yield f"`{name(step)}` is idempotent{window}, and a refusal answers its key for good"
    if is_repeated(planned):
        yield f"`{name(step)}` lands within {duration(operation.lands_within_ms or 0)} or never"
    match planned.doubt:
        case "revoke":
            for handler in step.handlers:
                yield f"`{undo_name(handler)}` revokes `{name(step)}`"
        case "probe":
            assert operation.probe is not None
            yield f"`{name(step).rpartition('.')[0]}.{operation.probe.query}` finds whether `{name(step)}` took effect"
            yield f"`{name(step)}` lands within {duration(operation.lands_within_ms or 0)} or never"
        case "hold" | "none":
            return


def unsound(project: Project, step: Written, row: str) -> Story:
    """The plan's policy does not go with what is declared."""
    return replace(
        lost_answer(project, step, row),
        message=f"what the plan does about a lost answer to `{step.name}` is not sound: it can leave a wrong state",
        place_text="what is declared",
    )


def unsettled(project: Project, step: Written) -> Story:
    """Nothing that is declared settles a lost answer, and nobody has said that a person does."""
    # What would go wrong if the step were just taken for failed says why something has to be declared.
    guess = ROWS[Profile("none", False, False, "none", "never", "none", False).key]
    return replace(
        lost_answer(project, step, guess),
        message=f"nothing settles a lost answer to `{step.name}`: it may have taken effect, or not",
        place_text="what is declared of the command",
    )


def lost_answer(project: Project, step: Written, row: str) -> Story:
    """The run up to the call whose answer is lost, and what could follow."""
    return Story(
        then=(step.name,),
        unknown=step.name,
        landed=True,
        subject=step.name,
        events=in_words(row, step, undo_name(step.handlers[0]) if step.handlers else ""),
        place=project.operation(step.call).span,
        help=fixes(project, step),
    )


def in_words(row: str, step: Written, undo: str) -> tuple[str, ...]:
    """A trace of the protocol in words."""
    return tuple(MOVES[move].format(do=name(step), undo=undo) for move in row.split("; "))


def fixes(project: Project, step: Written) -> tuple[str, ...]:
    """What to declare, the cheapest first."""
    operation = project.operation(step.call)
    found = []
    if step.handlers and not step.pivot:
        handler = step.handlers[0]
        if handler.call.service == step.call.service:
            found.append(
                f"declare `revokes {step.call.operation}` on `{undo_name(handler)}`, if it keeps a late call out too"
            )
    if operation.probe is None or operation.lands_within_ms is None:
        missing = [
            word
            for word, given in (("probe …", operation.probe), ("lands within …", operation.lands_within_ms))
            if given is None
        ]
        found.append("declare " + " and ".join(f"`{word}`" for word in missing) + f" on `{name(step)}`")
    if step.pivot and (not operation.idempotent or step.schedule.retries is not None):
        declared = "" if operation.idempotent else f", with `idempotent` declared on `{name(step)}`"
        found.append(f"or `retry forever` in `{step.name}`{declared}")
    return (*found, f"or write `on unknown hold` in `{step.name}`: a person settles it")


# --- the undo ------------------------------------------------------------------------------------------------------


def backward(project: Project, saga: Saga, graph: Graph, conditions: Conditions, step: Written) -> Iterator[Obligation]:
    """A lost answer to each compensation is settled: it is sent again, or a person was named."""
    for handler in step.handlers:
        claim = Claim(
            "C1",
            saga.full_name,
            step.name,
            f"a lost answer to the undo `{undo_name(handler)}` of `{step.name}` is settled by what is declared",
            handler.span,
        )
        if step.holds_unknown or promised(project, step, handler) != "once":
            yield Settled(claim, settled(project, step, handler))
        else:
            yield Never(claim, undone_once(project, graph, conditions, step, handler))


def settled(project: Project, step: Written, handler: Handler) -> Verdict:
    """What it rests on that a lost answer to the undo is settled."""
    operation, undo = project.operation(handler.call), undo_name(handler)
    if promised(project, step, handler) == "once":
        return Proved((f"a person settles a lost answer to `{undo}`",))
    window = "" if operation.window_ms is None else f" for {duration(operation.window_ms)}"
    repeats = (f"`{undo}` is idempotent{window}: a second call changes nothing",)
    return Proved(repeats) if operation.declared else Assumed(repeats)


def undone_once(
    project: Project, graph: Graph, conditions: Conditions, step: Written, handler: Handler
) -> Callable[[], Iterator[Case]]:
    """The run is turned while the step is done, and its undo, which may be called once, is not answered."""
    row = ROWS[Profile("none", False, False, "once", "never", "hold", True).key]
    guard = handler_guard(graph, conditions, step, handler)

    def cases() -> Iterator[Case]:
        for condition, story in turning.ways(project, graph, conditions, step.name)():
            told = replace(
                story,
                undo_lost=True,
                events=in_words(row, step, undo_name(handler)),
                message=f"nothing settles a lost answer to the undo of `{step.name}`: sent again, it could undo twice",
                place=project.operation(handler.call).span,
                place_text="this is not declared `idempotent`",
                help=(
                    f"declare `{undo_name(handler)}` `idempotent`, or `revokes {step.call.operation}`",
                    f"or write `on unknown hold` in `{step.name}`: a person settles it",
                ),
            )
            yield Case(both(condition, guard), told)

    return cases

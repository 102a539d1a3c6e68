"""B4, isolation: whatever other runs do before a step is undone, they could have done as if it had never happened.

Each effect that may still be undone is a right mover past every action, do or undo, of every other run of the project.
So when the undo comes, the others may be told as if they had all come before the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sagac.compiler import actions, histories, repairs, surroundings, wording
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Value, both
from sagac.compiler.model import Saga, Step
from sagac.compiler.obligations import movers, turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Settled
from sagac.compiler.surroundings import Crowd, Part, Surroundings
from sagac.compiler.terms import FALSE
from sagac.compiler.verdicts import Assumed, Claim, History, Refuted


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each step that may be undone; of a command without `changes`, it is assumed."""
    for step in saga.steps:
        if is_undone(graph, conditions, step):
            yield isolated(conditions, around, saga, step)


def is_undone(graph: Graph, conditions: Conditions, step: Step) -> bool:
    """Some run undoes the step: by an undo of its own, or by that of an earlier step."""
    has_undo = step.handlers or (step.remainder is not None and step.remainder.kind == "undone by")
    return bool(has_undo) and turning.premise(graph, conditions, step.name) != FALSE


def isolated(conditions: Conditions, around: Surroundings, saga: Saga, step: Step) -> Obligation:
    """The claim for one step."""
    text = f"whatever other runs do meanwhile, `{step.name}` can be undone as if it had never happened"
    claim = Claim("B4", saga.full_name, step.name, text, step.name_span)
    part = around.does[saga.full_name, step.name]
    if not part.action.effects:
        command = wording.command(part.action.command)
        return Settled(claim, Assumed((f"no other run builds on what `{command}` has done until it is undone",)))
    lenient = any(handler.refusal for handler in step.handlers)
    shallow = "other runs may build on it all the same: an undo that is refused for that is held for a person"
    return Kept(claim, breaches(conditions, around, part, lenient=lenient), shallow=shallow if lenient else "")


def breaches(
    conditions: Conditions, around: Surroundings, part: Part, *, lenient: bool
) -> Callable[[], Iterator[General]]:
    """The step is not a right mover past an action of another run."""

    def found() -> Iterator[General]:
        for others in surroundings.meeting(around, part):
            form = of_forms(around, part, others.first.parts[0], lenient=lenient)
            yield General(form, particular(conditions, around, part, others, lenient=lenient))

    return found


def of_forms(around: Surroundings, part: Part, other: Part, *, lenient: bool) -> Form:
    """The question about two forms, of which nothing else is known."""
    key = ("B4", part.bare.form, other.bare.form, part.saga == other.saga, lenient)
    if key not in around.asked:
        (mine,), (theirs,) = surroundings.strangers(part.bare, other.bare)
        asked = movers.past(around.project, mine, theirs, "another run", lenient=lenient)
        around.asked[key] = Form(asked.premises, asked.broken)
    return around.asked[key]


def particular(
    conditions: Conditions, around: Surroundings, part: Part, others: Crowd, *, lenient: bool
) -> Callable[[], Iterator[General]]:
    """The question about each two forms with all that is known of them, and then about the actions themselves."""

    def found() -> Iterator[General]:
        one = surroundings.bundle(part)
        for alike in surroundings.alike(others, one, others.all, of_another_run=True):
            found = [others.members[number].parts[0] for number in alike]
            form = of_pattern(around, part, found[0], lenient=lenient)
            yield General(form, exactly(conditions, around, part, found, lenient=lenient))

    return found


def of_pattern(around: Surroundings, part: Part, other: Part, *, lenient: bool) -> Form:
    """The question about two forms that share these literals."""
    shared = surroundings.pattern(part.whole, other.whole, of_another_run=True)
    key = ("B4", part.whole.form, other.whole.form, shared, part.saga == other.saga, lenient)
    if key not in around.asked:
        (mine,), (theirs,), apart = surroundings.met(part.whole, other.whole)
        asked = movers.past(around.project, mine, theirs, "another run", lenient=lenient)
        around.asked[key] = Form(asked.premises, both(movers.told(apart), asked.broken))
    return around.asked[key]


def exactly(
    conditions: Conditions, around: Surroundings, part: Part, others: Sequence[Part], *, lenient: bool
) -> Callable[[], Iterator[Breach]]:
    """The questions about these actions, with all that is known where this one runs."""

    def found() -> Iterator[Breach]:
        for other, known in (each for alike in others for each in movers.each_way(around, alike)):
            mine, theirs = part.action, actions.other(other.action)
            asked = movers.past(around.project, mine, theirs, "another run", lenient=lenient)
            premises = (*asked.premises, *movers.sent(conditions, part))
            fixes = tuple(repairs.of_meeting(around.project, part, other))
            yield Breach(premises, both(known, asked.broken), teller(around, part, other, asked), repairs=fixes)

    return found


def teller(around: Surroundings, part: Part, other: Part, asked: Meeting) -> Callable[[Mapping[str, Value]], Refuted]:
    def tell(found: Mapping[str, Value]) -> Refuted:
        values = movers.whole(found, asked.world, part.action, actions.other(other.action))
        mine, theirs = part.action, other.action
        history = History(
            sides=histories.sides(part.deeds, other.deeds, values),
            before=histories.before(around.project, asked.world, values),
            acts=(part.act(0), other.act(1)),
            otherwise=(other.act(1), part.act(0)),
            subject=mine.step,
            other=theirs.step,
        )
        message = f"{who(mine.saga, theirs.saga)} may build on `{mine.step}` before it is undone: {what(other)}"
        return Refuted(history, f"{message} comes out otherwise without it", theirs.span, "what the other run does")

    return tell


def who(mine: str, theirs: str) -> str:
    """The other run, for people."""
    return "another run" if mine == theirs else f"a run of `{theirs.rpartition('.')[2]}`"


def what(part: Part) -> str:
    """An action, for people."""
    return f"`{part.action.step}`" if part.action.undo is None else f"the undo of `{part.action.step}`"

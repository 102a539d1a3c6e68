"""B5, stability: what an undo, or a step that declares no failure, needs of its records stays true whatever others do.

What the service checks holds right after the step (B1), or when the step is sent (D4); here no action of another run
takes it away. So neither is refused: a step whose tries are counted runs out of them for other reasons alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sagac.compiler import actions, histories, records, repairs, surroundings, wording
from sagac.compiler.actions import Action
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Value, both, negation
from sagac.compiler.model import Handler, Project, Saga, Step
from sagac.compiler.obligations import movers
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.isolation import is_undone, what, who
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Premise, Settled
from sagac.compiler.records import Place
from sagac.compiler.surroundings import Bundle, Crowd, Part, Surroundings
from sagac.compiler.verdicts import Act, Assumed, Claim, History, Proved, Refuted


@dataclass(frozen=True, slots=True)
class Need:
    """An action that must not be refused, after the do that it undoes, if it is an undo."""

    bundle: Bundle

    @property
    def parts(self) -> tuple[Part, ...]:
        """The do and its undo, or the do alone."""
        return self.bundle.parts

    @property
    def last(self) -> Part:
        """The action itself."""
        return self.parts[-1]


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each undo that may be needed, and for each step that needs something and declares no failure."""
    for step in saga.steps:
        if step.handlers and is_undone(graph, conditions, step):
            for number, handler in enumerate(step.handlers):
                yield undoable(conditions, around, saga, step, number, handler)
        if not around.project.operation(step.call).fails and needs(around.does[saga.full_name, step.name].action):
            yield certain(conditions, around, saga, graph, step)


def needs(action: Action) -> bool:
    """The service may refuse the action for how a record is."""
    return any(effect.requires or effect.change.source for effect in action.effects)


def undoable(
    conditions: Conditions, around: Surroundings, saga: Saga, step: Step, number: int, handler: Handler
) -> Obligation:
    """The claim for one undo."""
    text = f"the undo of `{step.name}` is not refused, whatever other runs do meanwhile"
    claim = Claim("B5", saga.full_name, step.name, text, handler.span)
    undo = around.undoes[saga.full_name, step.name][number]
    if handler.refusal:
        return Settled(claim, Proved(shallow=f"a refused undo is held for a person: {handler.refusal}"))
    if not undo.action.effects:
        command = wording.command(undo.action.command)
        return Settled(claim, Assumed((f"`{command}` is not refused: its `changes` are not declared",)))
    need = Need(surroundings.bundle(around.does[saga.full_name, step.name], undo))
    return Kept(claim, breaches(conditions, around, need))


def certain(conditions: Conditions, around: Surroundings, saga: Saga, graph: Graph, step: Step) -> Obligation:
    """The claim for a step that declares no failure."""
    text = f"`{step.name}`, which declares no failure, is not refused, whatever other runs do meanwhile"
    claim = Claim("B5", saga.full_name, step.name, text, step.name_span)
    part = around.does[saga.full_name, step.name]
    kept = tuple(lock for lock in part.action.locks if is_held_throughout(around, saga, graph, step, lock))
    return Kept(claim, breaches(conditions, around, Need(surroundings.bundle(surroundings.holding(part, kept)))))


def is_held_throughout(around: Surroundings, saga: Saga, graph: Graph, step: Step, lock: Place) -> bool:
    """The lock keeps others out from when the run comes to know what the step needs, not only from the step on.

    Each earlier step on such records holds it. Of a record that is the run's own, something is known from its start:
    there its state alone has to matter, and a step that surely ran before to have brought it about.
    """
    part = around.does[saga.full_name, step.name]
    earlier = [
        (each, around.does[saga.full_name, each.name].action)
        for each in saga.steps
        if each is not step and not graph.precedes(step.name, each.name)
    ]
    touching = [(each, action) for each, action in earlier if lock.resource in {at.resource for at in places(action)}]
    if not all(lock in action.locks for _, action in touching):
        return False
    if not set(part.action.run_key) <= set(lock.keys):
        return True
    return not any(effect.requires for effect in part.action.effects) and any(
        is_sure(graph, each, step) and any(effect.place == lock and effect.change.target for effect in action.effects)
        for each, action in touching
    )


def places(action: Action) -> Iterator[Place]:
    """The records that the action is about."""
    return (effect.place for effect in action.effects)


def is_sure(graph: Graph, earlier: Step, later: Step) -> bool:
    """Wherever the later step runs, the earlier one is done."""
    if not graph.precedes(earlier.name, later.name):
        return False
    return earlier.guard is None or bool(earlier.otherwise_fails) or earlier.guard == later.guard


def breaches(conditions: Conditions, around: Surroundings, need: Need) -> Callable[[], Iterator[General]]:
    """An action of another run takes away what is needed: right after the do, and then at any later time."""

    def found() -> Iterator[General]:
        for at_once in (True, False) if len(need.parts) > 1 else (False,):
            for others in surroundings.meeting(around, need.last):
                form = of_forms(around, need, others.first.parts[0], at_once=at_once)
                yield General(form, particular(conditions, around, need, others, at_once=at_once))

    return found


def of_forms(around: Surroundings, need: Need, other: Part, *, at_once: bool) -> Form:
    """The question about these forms, of which nothing else is known."""
    key = ("B5", need.bundle.bare.form, other.bare.form, need.last.saga == other.saga, at_once)
    if key not in around.asked:
        mine, (theirs,) = surroundings.strangers(need.bundle.bare, other.bare)
        asked = question(around.project, mine, theirs, at_once=at_once)
        around.asked[key] = Form(asked.premises, asked.broken)
    return around.asked[key]


def particular(
    conditions: Conditions, around: Surroundings, need: Need, others: Crowd, *, at_once: bool
) -> Callable[[], Iterator[General]]:
    """The question about forms with all that is known of them, and then about the actions themselves."""

    def found() -> Iterator[General]:
        for alike in surroundings.alike(others, need.bundle, others.all, of_another_run=True):
            found = [others.members[number].parts[0] for number in alike]
            form = of_pattern(around, need, found[0], at_once=at_once)
            yield General(form, exactly(conditions, around, need, found, at_once=at_once))

    return found


def of_pattern(around: Surroundings, need: Need, other: Part, *, at_once: bool) -> Form:
    """The question about forms that share these literals."""
    mine, theirs = need.bundle.whole, other.whole
    shared = surroundings.pattern(mine, theirs, of_another_run=True)
    key = ("B5", mine.form, theirs.form, shared, need.last.saga == other.saga, at_once)
    if key not in around.asked:
        ours, (their,), apart = surroundings.met(mine, theirs)
        asked = question(around.project, ours, their, at_once=at_once)
        around.asked[key] = Form(asked.premises, both(movers.told(apart), asked.broken))
    return around.asked[key]


def exactly(
    conditions: Conditions, around: Surroundings, need: Need, others: Sequence[Part], *, at_once: bool
) -> Callable[[], Iterator[Breach]]:
    """The questions about these actions, with all that is known where they happen."""

    def found() -> Iterator[Breach]:
        for other, known in (each for alike in others for each in movers.each_way(around, alike)):
            mine, theirs = tuple(part.action for part in need.parts), actions.other(other.action)
            asked = question(around.project, mine, theirs, at_once=at_once)
            premises = (*asked.premises, *movers.sent(conditions, need.parts[0]))
            happens = both(movers.told(movers.sent(conditions, need.last)), known)
            fixes = tuple(repairs.of_meeting(around.project, need.last, other, late=len(need.parts) == 1))
            yield Breach(premises, both(happens, asked.broken), teller(around, need, other, asked), repairs=fixes)

    return found


def question(project: Project, mine: tuple[Action, ...], theirs: Action, *, at_once: bool) -> Meeting:
    """Whether the last of my actions can be refused after theirs, where it was not to be refused before."""
    world = movers.begun(project, *mine, theirs)
    last = mine[-1]
    premises: list[Premise] = [fact for action in (*mine, theirs) for fact in action.facts]
    met, worlds = world, [world]
    if at_once:
        came = records.applied(project, world, mine[0].effects, "this run")
        premises.append(Premise(movers.happens(mine[0], came), f"the service accepts `{last.step}`", mine[0].span))
        premises += movers.own_doing(mine[0], came, "this run")
        met = came.world
        worlds.append(met)
    ready = movers.accepted(records.applied(project, met, last.effects, "this run"))
    between = records.applied(project, met, theirs.effects, "another run")
    worlds.append(between.world)
    premises += [*movers.own_doing(theirs, between, "another run"), *actions.apart(last, theirs)]
    refused = negation(movers.accepted(records.applied(project, between.world, last.effects, "this run")))
    broken = both(ready, movers.happens(theirs, between), refused)
    return Meeting(tuple(movers.standing(project, worlds)), both(movers.told(premises), broken), world)


def teller(around: Surroundings, need: Need, other: Part, asked: Meeting) -> Callable[[Mapping[str, Value]], Refuted]:
    def tell(found: Mapping[str, Value]) -> Refuted:
        values = movers.whole(found, asked.world, *(each.action for each in need.parts), actions.other(other.action))
        mine, theirs = need.last.action, other.action
        history = History(
            sides=histories.sides(need.last.deeds, other.deeds, values),
            before=histories.before(around.project, asked.world, values),
            acts=acts(need, other),
            subject=mine.step,
            other=theirs.step,
        )
        refused = what(need.last) if mine.undo is None else f"the undo of `{mine.step}`"
        message = f"{refused} is refused after {what(other)} of {who(mine.saga, theirs.saga)}"
        person = ('or say `on refusal hold because "…"` in the undo: then a person settles a refused one',)
        return Refuted(
            history, message, theirs.span, "what the other run does", person if mine.undo is not None else ()
        )

    return tell


def acts(need: Need, other: Part) -> tuple[Act, ...]:
    """What happens: the do, what the other run does, and then what is refused."""
    *before, last = need.parts
    return (*(part.act(0) for part in before), other.act(1), last.act(0))

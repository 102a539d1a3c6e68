"""B3, transport: what a step leaves behind when it is undone does not get into the way of the undos that still come.

A step leaves something where its undo mitigates, where it ends in a clean state other than the one before, and where
it says `left` or `undone by`. Every step that is still to be undone then could have come after what is left just as
well, and its own undo is accepted and does the same with it as without. So a rollback leaves exactly what its steps
leave one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from sagac.compiler import actions, histories, logic, records, surroundings
from sagac.compiler.actions import Action
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Symbol, Term, Value, both, implies, negation
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations import movers, turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.isolation import is_undone
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Premise
from sagac.compiler.records import OWNER, STATE, Cells, Effect, Place, World
from sagac.compiler.surroundings import Bundle, Crowd, Part, Surroundings
from sagac.compiler.terms import FALSE
from sagac.compiler.verdicts import Act, Claim, History, Refuted

Ask: TypeAlias = Literal["at once", "before", "when it is undone"]
"""When what is left is there already."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a step leaves behind: its effect, and that of its undo, if it has one."""

    bundle: Bundle
    gone_with: str = ""
    """The earlier step whose undo removes it, for `undone by`."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The do, and its undo."""
        return self.bundle.parts

    @property
    def step(self) -> str:
        """The step that leaves it."""
        return self.parts[0].action.step

    @property
    def resources(self) -> frozenset[str]:
        """Where something is left."""
        return frozenset(resource for part in self.parts for resource in part.resources)


@dataclass(frozen=True, slots=True)
class Later:
    """The steps of a saga that may be undone, by number; sets of them are the bits of an integer."""

    graph: Graph
    crowds: tuple[Crowd, ...]
    touching: Mapping[str, int]
    """By resource."""


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each step that leaves something which shares a record with a step that is undone later."""
    every = undoable(saga, graph, conditions, around)
    for step in saga.steps:
        if turning.premise(graph, conditions, step.name) == FALSE:
            continue
        for leaving in left_by(around, saga, step):
            later = undone_later(every, leaving)
            if later:
                text = f"what `{step.name}` leaves behind does not get into the way of the undos after its own"
                claim = Claim("B3", saga.full_name, step.name, text, step.name_span)
                yield Kept(claim, breaches(conditions, around, every, leaving, later))


def undoable(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Later:
    """The steps that may be undone, each with its undos."""
    touching: dict[str, int] = {}
    found: list[tuple[int, int, Bundle]] = []
    for step in saga.steps:
        do = around.does[saga.full_name, step.name]
        if do.action.effects and is_undone(graph, conditions, step):
            number = graph.number[step.name]
            for resource in do.resources:
                touching[resource] = touching.get(resource, 0) | 1 << number
            for which, undo in enumerate(around.undoes[saga.full_name, step.name] or (None,)):
                undone = (undo,) if undo is not None and undo.action.effects else ()
                found.append((number, which, surroundings.bundle(do, *undone)))
    return Later(graph, surroundings.crowds(found), touching)


def left_by(around: Surroundings, saga: Saga, step: Step) -> Iterator[Leaving]:
    """What a step may leave behind."""
    do = around.does[saga.full_name, step.name]
    if not do.action.effects:
        return
    for handler, undo in zip(step.handlers, around.undoes[saga.full_name, step.name], strict=True):
        if handler.mitigates or not is_exact(around.project, do.action, undo.action):
            yield Leaving(surroundings.bundle(do, undo))
    if step.remainder is not None and step.remainder.kind == "left":
        yield Leaving(surroundings.bundle(do))
    if step.remainder is not None and step.remainder.kind == "undone by":
        yield Leaving(surroundings.bundle(do), step.remainder.step)


def is_exact(project: Project, do: Action, undo: Action) -> bool:
    """The undo has to restore everything (B1): no state of the records lets it leave something behind."""
    return not any(project.resource(effect.place.resource).states for effect in (*do.effects, *undo.effects))


def undone_later(every: Later, leaving: Leaving) -> int:
    """The steps that may stand when something is left, do not come after it, and change the same resource."""
    graph, number = every.graph, every.graph.number[leaving.step]
    found = 0
    for resource in leaving.resources:
        found |= every.touching.get(resource, 0)
    found &= ~graph.descendants[number] & ~(1 << number)
    if leaving.gone_with:
        found &= ~graph.ancestors[graph.number[leaving.gone_with]] & ~(1 << graph.number[leaving.gone_with])
    return found


def breaches(
    conditions: Conditions, around: Surroundings, every: Later, leaving: Leaving, later: int
) -> Callable[[], Iterator[General]]:
    """What is left gets into the way of a step that is undone later."""

    def found() -> Iterator[General]:
        for others in every.crowds:
            if others.all & later:
                for ask in questions(others.first):
                    form = of_forms(around, leaving, others.first, ask)
                    yield General(form, particular(conditions, around, leaving, others, later, ask))

    return found


def of_forms(around: Surroundings, leaving: Leaving, later: Bundle, ask: Ask) -> Form:
    """The question about these forms, of which nothing else is known."""
    key = ("B3", leaving.parts[0].saga, leaving.bundle.bare.form, later.bare.form, ask)
    if key not in around.asked:
        left, undone = surroundings.unrelated(leaving.bundle.bare, later.bare)
        asked = ASKED[ask](around, left, undone)
        around.asked[key] = Form(asked.premises, asked.broken)
    return around.asked[key]


def particular(
    conditions: Conditions, around: Surroundings, leaving: Leaving, others: Crowd, later: int, ask: Ask
) -> Callable[[], Iterator[General]]:
    """The question about forms with what they share, and then about the steps themselves."""

    def found() -> Iterator[General]:
        for alike in surroundings.alike(others, leaving.bundle, others.all & later):
            found = [others.members[number] for number in alike]
            form = of_pattern(around, leaving, found[0], ask)
            yield General(form, exactly(conditions, around, leaving, found, ask))

    return found


def of_pattern(around: Surroundings, leaving: Leaving, later: Bundle, ask: Ask) -> Form:
    """The question about forms that share these values."""
    mine, theirs = leaving.bundle.within, later.within
    key = ("B3", leaving.parts[0].saga, mine.form, theirs.form, surroundings.pattern(mine, theirs), ask)
    if key not in around.asked:
        left, undone, apart = surroundings.related(mine, theirs)
        asked = ASKED[ask](around, left, undone)
        around.asked[key] = Form(asked.premises, both(movers.told(apart), asked.broken))
    return around.asked[key]


def exactly(
    conditions: Conditions, around: Surroundings, leaving: Leaving, others: Sequence[Bundle], ask: Ask
) -> Callable[[], Iterator[Breach]]:
    """The questions about these steps, with all that is known where they run."""

    def found() -> Iterator[Breach]:
        for later in others:
            do, undo = later.parts[0], later.parts[1] if len(later.parts) > 1 else None
            left = tuple(part.action for part in leaving.parts)
            asked = ASKED[ask](around, left, tuple(part.action for part in later.parts))
            known = (fact for part in (*leaving.parts, *later.parts) for fact in movers.sent(conditions, part))
            broken = both(movers.told(known), asked.broken)
            yield Breach(asked.premises, broken, teller(around, leaving, do, undo, asked))

    return found


# --- the question --------------------------------------------------------------------------------------------------


def questions(later: Bundle) -> tuple[Ask, ...]:
    """What is left right after the step; what was left before, by whomever; and what is left when the undo comes."""
    return ("at once", "before") if len(later.parts) == 1 else ("at once", "before", "when it is undone")


def at_once(around: Surroundings, left: tuple[Action, ...], later: tuple[Action, ...]) -> Meeting:
    """Whether what is left right after a step can get into the way of it and its undo."""
    return question(around, left, later, at_once=True)


def left_before(around: Surroundings, left: tuple[Action, ...], later: tuple[Action, ...]) -> Meeting:
    """Whether what was left before a step can get into the way of it and its undo."""
    return question(around, left, later, at_once=False)


def question(around: Surroundings, left: tuple[Action, ...], later: tuple[Action, ...], *, at_once: bool) -> Meeting:
    """Whether what is left can get into the way of a step and its undo."""
    project = around.project
    do, *undone = later
    world = movers.begun(project, *left, *later)
    came = records.applied(project, world, do.effects, "this run")
    after, before = remaining(project, came.world, left), remaining(project, world, left)
    again = records.applied(project, before, do.effects, "this run")
    premises = [
        *(fact for action in (*left, do) for fact in action.facts),
        *movers.own_doing(do, came, "this run"),
        Premise(movers.happens(do, came), f"the service accepts `{do.step}`", do.span),
    ]
    if at_once:
        premises += really(project, came.world, left)
    kept = both(
        records.invariants(project, before),
        movers.accepted(again),
        movers.indistinguishable(project, beside(around, do, after), beside(around, do, again.world)),
        movers.told_alike(do, came, again),
        *(taken_back(around, left, each, came.world, after) for each in undone),
    )
    standing = tuple(movers.standing(project, (world, came.world, after)))
    return Meeting(standing, both(movers.told(premises), negation(kept)), world)


def later_on(around: Surroundings, left: tuple[Action, ...], later: tuple[Action, ...]) -> Meeting:
    """Whether what is left can get into the way of an undo, however the records are by then."""
    _, undo = later
    world = movers.begun(around.project, *left, undo)
    after = remaining(around.project, world, left)
    facts = (fact for action in (*left, undo) for fact in action.facts)
    kept = taken_back(around, left, undo, world, after)
    standing = tuple(movers.standing(around.project, (world, after)))
    return Meeting(standing, both(movers.told(facts), negation(kept)), world)


ASKED: Final[Mapping[Ask, Callable[[Surroundings, tuple[Action, ...], tuple[Action, ...]], Meeting]]] = {
    "at once": at_once,
    "before": left_before,
    "when it is undone": later_on,
}


def beside(around: Surroundings, action: Action, world: World) -> World:
    """The records that other runs may change too: nobody else sees the run's own ones."""
    own = set(action.run_key)
    foreign = {
        name for name, parts in around.touching.items() if any(part.action.saga != action.saga for part in parts)
    }
    return {place: cells for place, cells in world.items() if place.resource in foreign or not own <= set(place.keys)}


def really(project: Project, world: World, left: Sequence[Action]) -> Iterator[Premise]:
    """The step that leaves something, and its undo, are accepted one after the other."""
    met = world
    for action in left:
        came = records.applied(project, met, action.effects, "this run")
        accepted = both(movers.happens(action, came), came.known)
        yield Premise(accepted, f"the service accepts {told(action)}", action.span)
        met = came.world


def told(action: Action) -> str:
    return f"`{action.step}`" if action.undo is None else f"the undo of `{action.step}`"


def taken_back(around: Surroundings, left: Sequence[Action], undo: Action, without: World, after: World) -> Term:
    """The undo is accepted with what is left if it is without, and then does the same."""
    project = around.project
    came, other = (records.applied(project, each, undo.effects, "this run") for each in (without, after))
    facts = both(*(fact.term for fact in undo.facts))
    shared = remaining(project, came.world, left)
    alike = records.same(project, beside(around, undo, other.world), beside(around, undo, shared))
    return implies(both(facts, movers.accepted(came)), both(movers.accepted(other), alike))


def remaining(project: Project, world: World, left: Sequence[Action]) -> World:
    """A world with what is left in it, whatever the services would check."""
    met = world
    captured: dict[Symbol, Term] = {}
    for action in left:
        bound = replace(action, effects=tuple(unchecked(effect) for effect in with_values(action, captured).effects))
        came = records.applied(project, met, bound.effects, "this run")
        for name, cell in came.captured.items():
            captured.update(values_of(action, name, cell.value, cell.present))
        met = came.world
    for place in dict.fromkeys(effect.place for action in left for effect in action.effects):
        if is_brought_back(left, place):
            met = {
                other: {**cells, **unmoved(world[other], cells, records.alias(place, other))}
                for other, cells in met.items()
            }
    return met


def values_of(action: Action, name: str, value: Term | None, present: Term | None) -> Iterator[tuple[Symbol, Term]]:
    """What the unknowns of a result are, once the record has told it."""
    told_as = action.yields.get(name)
    if told_as is None:
        return
    for unknown, known in ((told_as.value, value), (told_as.present, present)):
        if isinstance(unknown, Symbol) and known is not None:
            yield unknown, known


def with_values(action: Action, captured: Mapping[Symbol, Term]) -> Action:
    """The action, with what is known in the places of unknowns."""
    return actions.renamed(action, lambda symbol: captured.get(symbol, symbol)) if captured else action


def unchecked(effect: Effect) -> Effect:
    """The effect, without what the service checks first."""
    return replace(effect, requires=(), change=replace(effect.change, source="", requires=()), owned=False)


def is_brought_back(left: Sequence[Action], place: Place) -> bool:
    """The state of the record is in the end what it was before."""
    moves = [
        effect.change for action in left for effect in action.effects if effect.place == place and effect.change.target
    ]
    return bool(moves) and moves[0].source == moves[-1].target


def unmoved(before: Cells, after: Cells, is_it: Term) -> Cells:
    """The state of a record, as before where it is the one that is brought back."""
    if is_it == logic.FALSE:
        return {}
    return {name: records.either_way(is_it, before[name], after[name]) for name in (STATE, OWNER) if name in after}


# --- the story -----------------------------------------------------------------------------------------------------


def teller(
    around: Surroundings, leaving: Leaving, do: Part, undo: Part | None, asked: Meeting
) -> Callable[[Mapping[str, Value]], Refuted]:
    def tell(found: Mapping[str, Value]) -> Refuted:
        values = movers.whole(
            found,
            asked.world,
            do.action,
            *(each.action for each in leaving.parts),
            *(() if undo is None else (undo.action,)),
        )
        step = do.action.step
        gone = tuple(part.act(0) for part in leaving.parts)
        last: tuple[Act, ...] = () if undo is None else (undo.act(0),)
        history = History(
            sides=(histories.side(do.deeds, values),),
            before=histories.before(around.project, asked.world, values),
            acts=(do.act(0), *gone, *last),
            otherwise=gone,
            subject=leaving.step,
            other=step,
        )
        message = f"what `{leaving.step}` leaves behind gets into the way of undoing `{step}`"
        return Refuted(history, message, do.action.span, "what is undone later")

    return tell

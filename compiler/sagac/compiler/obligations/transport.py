"""B3, transport: what a step leaves behind when it is undone does not get into the way of the undos that still come.

A step leaves something where its undo mitigates, where it ends in a clean state other than the one before, and where
it says `left` or `undone by`. Every step that is still to be undone then could have come after what is left just as
well, and its own undo is accepted and does the same with it as without. So a rollback leaves exactly what its steps
leave one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sagac.compiler import actions, histories, records
from sagac.compiler.actions import Action
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Symbol, Term, Value, both, implies, negation
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations import movers, turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.isolation import is_undone
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Kept, Obligation, Premise
from sagac.compiler.records import OWNER, STATE, Effect, World
from sagac.compiler.surroundings import Part, Surroundings
from sagac.compiler.terms import FALSE
from sagac.compiler.verdicts import Act, Claim, History, Refuted


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a step leaves behind: its effect, and that of its undo, if it has one."""

    parts: tuple[Part, ...]
    gone_with: str = ""
    """The earlier step whose undo removes it, for `undone by`."""

    @property
    def step(self) -> str:
        """The step that leaves it."""
        return self.parts[0].action.step

    @property
    def resources(self) -> frozenset[str]:
        """Where something is left."""
        return frozenset(resource for part in self.parts for resource in part.resources)


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each step that leaves something which shares a record with a step that is undone later."""
    for step in saga.steps:
        if turning.premise(graph, conditions, step.name) == FALSE:
            continue
        for leaving in left_by(around, saga, step):
            later = tuple(undone_later(saga, graph, conditions, around, leaving))
            if later:
                text = f"what `{step.name}` leaves behind does not get into the way of the undos after its own"
                claim = Claim("B3", saga.full_name, step.name, text, step.name_span)
                yield Kept(claim, breaches(conditions, around, leaving, later))


def left_by(around: Surroundings, saga: Saga, step: Step) -> Iterator[Leaving]:
    """What a step may leave behind."""
    do = around.does[saga.full_name, step.name]
    if not do.action.effects:
        return
    for handler, undo in zip(step.handlers, around.undoes[saga.full_name, step.name], strict=True):
        if handler.mitigates or not is_exact(around.project, do.action, undo.action):
            yield Leaving((do, undo))
    if step.remainder is not None and step.remainder.kind == "left":
        yield Leaving((do,))
    if step.remainder is not None and step.remainder.kind == "undone by":
        yield Leaving((do,), step.remainder.step)


def is_exact(project: Project, do: Action, undo: Action) -> bool:
    """The undo has to restore everything (B1): no state of the records lets it leave something behind."""
    return not any(project.resource(effect.place.resource).states for effect in (*do.effects, *undo.effects))


def undone_later(
    saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings, leaving: Leaving
) -> Iterator[Step]:
    """The steps that may stand when something is left, do not come after it, and change the same resource."""
    for step in saga.steps:
        name = step.name
        if name == leaving.step or graph.precedes(leaving.step, name) or not is_undone(graph, conditions, step):
            continue
        if leaving.gone_with and (name == leaving.gone_with or graph.precedes(name, leaving.gone_with)):
            continue
        if around.does[saga.full_name, name].resources & leaving.resources:
            yield step


def breaches(
    conditions: Conditions, around: Surroundings, leaving: Leaving, later: Sequence[Step]
) -> Callable[[], Iterator[Breach]]:
    """What is left gets into the way of a step that is undone later."""

    def found() -> Iterator[Breach]:
        saga = leaving.parts[0].deeds.saga.full_name
        for step in later:
            do = around.does[saga, step.name]
            for undo in around.undoes[saga, step.name] or (None,):
                if undo is not None and not undo.action.effects:
                    undo = None
                known = (*movers.sent(conditions, leaving.parts[0]), *movers.sent(conditions, do))
                for asked in questions(around, leaving, do, undo):
                    broken = both(movers.told(known), asked.broken)
                    yield Breach(asked.premises, broken, teller(around, leaving, do, undo, asked))

    return found


# --- the question --------------------------------------------------------------------------------------------------


def questions(around: Surroundings, leaving: Leaving, do: Part, undo: Part | None) -> Iterator[Meeting]:
    """What is left right after the step; what was left before, by whomever; and what is left when the undo comes."""
    yield question(around, leaving, do.action, undo, at_once=True)
    yield question(around, leaving, do.action, undo, at_once=False)
    if undo is not None:
        yield later_on(around, leaving, undo.action)


def question(around: Surroundings, leaving: Leaving, do: Action, undo: Part | None, *, at_once: bool) -> Meeting:
    """Whether what is left can get into the way of a step and its undo."""
    project = around.project
    left = tuple(part.action for part in leaving.parts)
    undone = () if undo is None else (undo.action,)
    world = movers.begun(project, *left, do, *undone)
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


def later_on(around: Surroundings, leaving: Leaving, undo: Action) -> Meeting:
    """Whether what is left can get into the way of an undo, however the records are by then."""
    left = tuple(part.action for part in leaving.parts)
    world = movers.begun(around.project, *left, undo)
    after = remaining(around.project, world, left)
    facts = (fact for action in (*left, undo) for fact in action.facts)
    kept = taken_back(around, left, undo, world, after)
    standing = tuple(movers.standing(around.project, (world, after)))
    return Meeting(standing, both(movers.told(facts), negation(kept)), world)


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
    return {place: {**cells, **unmoved(left, world, place)} for place, cells in met.items()}


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


def unmoved(left: Sequence[Action], world: World, place: records.Place) -> records.Cells:
    """The state of a record that is brought back to where it was."""
    moves = [
        effect.change for action in left for effect in action.effects if effect.place == place and effect.change.target
    ]
    if moves and moves[0].source == moves[-1].target:
        return {name: world[place][name] for name in (STATE, OWNER)}
    return {}


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

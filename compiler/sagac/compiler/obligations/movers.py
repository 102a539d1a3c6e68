"""Movers: an effect that may just as well come after another one as before it.

An effect is a right mover past an action when, wherever the two come one after the other, they could have come the
other way round: both are accepted, see the same, and leave the same. So whoever came between a step and its undo may
be told as if it had come before the step, and then the undo takes back just what the step did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sagac.compiler import actions, encoding, histories, logic, records, surroundings
from sagac.compiler.actions import Action
from sagac.compiler.encoding import Encoded
from sagac.compiler.logic import TRUE, Symbol, Term, Value, both, negation
from sagac.compiler.model import Project
from sagac.compiler.obligations import coverage, turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Premise
from sagac.compiler.records import OWNER, Actor, Applied, World
from sagac.compiler.surroundings import Part, Surroundings, is_slot, roots_of
from sagac.compiler.terms import Formula
from sagac.compiler.terms import both as both_formulas


@dataclass(frozen=True, slots=True)
class Meeting:
    """A question about actions that meet on records."""

    premises: tuple[Premise, ...]
    broken: Term
    world: World
    """The records before the first of them."""


def past(project: Project, first: Action, second: Action, actor: Actor, *, lenient: bool = False) -> Meeting:
    """Whether this run's `first` can fail to be a right mover past `second`, done by `actor`.

    `lenient` asks only that both leave the same in either order, for a run that need not be able to go first.
    """
    world = begun(project, first, second)
    one = records.applied(project, world, first.effects, "this run")
    two = records.applied(project, one.world, second.effects, actor)
    early = records.applied(project, world, second.effects, actor)
    late = records.applied(project, early.world, first.effects, "this run")
    alike = both(
        indistinguishable(project, two.world, late.world),
        TRUE if lenient else both(accepted(early), records.invariants(project, early.world), accepted(late)),
        TRUE if lenient else both(told_alike(first, one, late), told_alike(second, two, early)),
    )
    happened = both(happens(first, one), happens(second, two))
    known = told(knowing(first, second, one, two, actor))
    return Meeting(
        tuple(standing(project, (world, one.world, two.world))), both(known, happened, negation(alike)), world
    )


def begun(project: Project, *meeting: Action) -> World:
    """Records at all places of these actions."""
    places = dict.fromkeys(effect.place for action in meeting for effect in action.effects)
    return records.begun(project, tuple(places))


def happens(action: Action, came: Applied) -> Term:
    """The service accepts the action, and tells what the run then knows."""
    told = (
        records.same_value(action.yields[name], cell) for name, cell in came.captured.items() if name in action.yields
    )
    return both(came.enabled, *told)


def accepted(came: Applied) -> Term:
    """The service accepts, and the run knows of its own what it has to."""
    return both(came.enabled, came.known)


def told_alike(action: Action, one: Applied, other: Applied) -> Term:
    """The results that somebody reads are the same."""
    return both(
        *(
            records.same_value(cell, other.captured[name])
            for name, cell in one.captured.items()
            if name in action.yields
        )
    )


def indistinguishable(project: Project, one: World, other: World) -> Term:
    """The records hold the same, and the same is known of whose it is."""
    return both(records.same(project, one, other), *(ghosts_alike(cells, other[place]) for place, cells in one.items()))


def ghosts_alike(one: Mapping[str, Encoded], other: Mapping[str, Encoded]) -> Term:
    ghosts = (
        name for name in one if name == OWNER or name.endswith(tuple(f" held by {actor}" for actor in records.ACTORS))
    )
    return both(*(records.same_value(one[name], other[name]) for name in ghosts))


def told(premises: Iterable[Premise]) -> Term:
    """What these say: two actions that never meet break nothing, and that is no contradiction of the claim."""
    return both(*(premise.term for premise in premises))


# --- what may be supposed ------------------------------------------------------------------------------------------


def standing(project: Project, worlds: Iterable[World]) -> Iterator[Premise]:
    """What holds of records whenever no command is under way."""
    first, *later = worlds
    yield Premise(records.lawful(project, first), "one record has one content")
    for place in first:
        resource = project.resource(place.resource)
        if resource.invariants:
            keeps = both(*(records.invariant(project, world, place) for world in (first, *later)))
            yield Premise(keeps, f"`{resource.name}` keeps its invariants", resource.invariants[0].span)
    yield from shared(project, first)


def shared(project: Project, world: World) -> Iterator[Premise]:
    """Amounts that are held have a holder."""
    for place, cells in world.items():
        resource = project.resource(place.resource)
        held = [field for field in resource.fields if field.hold]
        if held:
            names = " and ".join(f"`{resource.name}.{field.name}`" for field in held)
            promise = f"every run gives back only what it holds in {names}"
            yield Premise(records.shares(project, {place: cells}), promise, held[0].span, promise)


def knowing(first: Action, second: Action, one: Applied, two: Applied, actor: Actor) -> Iterator[Premise]:
    """What the runs know when their actions happen."""
    yield from (fact for fact in (*first.facts, *second.facts))
    yield from own_doing(first, one, "this run")
    yield from own_doing(second, two, actor)
    if actor == "another run":
        yield from actions.apart(first, second)


def own_doing(action: Action, came: Applied, actor: Actor) -> Iterator[Premise]:
    """A run takes back only what it has put there."""
    if came.known != TRUE:
        name = (
            f"`{action.step}` takes on only what {'its own run' if actor == 'this run' else 'that run'} has put there"
        )
        yield Premise(came.known, name, action.span)


# --- the two themselves --------------------------------------------------------------------------------------------


def sent(conditions: Conditions, part: Part) -> Iterator[Premise]:
    """What holds of a run in which this action happens: the guards of its step, and of what comes before it."""
    yield from with_types(part, when(conditions, part))


def sent_elsewhere(around: Surroundings, part: Part) -> Term:
    """The same of another run, whose values have other names."""
    known = told(sent(surroundings.conditions_of(around, part), part))
    return logic.replaced(known, lambda symbol: Symbol(actions.OTHER + symbol.name, symbol.sort))


def each_way(around: Surroundings, other: Part) -> Iterator[tuple[Part, Term]]:
    """All actions of another run that do the same as this one, with what holds where they happen, each once."""
    found: dict[tuple[Term, tuple[Symbol, ...]], Part] = {}
    for twin in around.twins[
        surroundings.kind(other)
    ]:  # what holds speaks of values by the names that each has for them
        found.setdefault((sent_elsewhere(around, twin), twin.whole.symbols), twin)
    yield from ((twin, known) for (known, _), twin in found.items())


def when(conditions: Conditions, part: Part) -> Formula:
    """When the action happens: the step is sent; or the run turns back with it, and this undo applies."""
    graph, name = part.deeds.graph, part.action.step
    if part.action.undo is None:
        return both_formulas(conditions.premise, conditions.enabled[name])
    step = conditions.steps[name]
    applies = coverage.handler_guard(graph, conditions, step, step.handlers[part.action.undo])
    return both_formulas(conditions.premise, turning.premise(graph, conditions, name), applies)


def with_types(part: Part, formula: Formula) -> Iterator[Premise]:
    term = encoding.formula(part.deeds.encoding, formula)
    what = f"`{part.action.step}` runs" if part.action.undo is None else f"the undo of `{part.action.step}` runs"
    yield Premise(term, what, part.action.span)
    yield from (Premise(fact, "a value is one of its type") for fact in encoding.facts(part.deeds.encoding, term))


def whole(values: Mapping[str, Value], world: World, *meeting: Action) -> Mapping[str, Value]:
    """The values, with plain ones for the unknowns that the question did not speak of."""
    read = (
        *(key for place in world for key in place.keys),
        *(root for action in meeting for root in roots_of(action)),
    )
    known = {symbol.name: histories.PLAIN[symbol.sort] for symbol in logic.symbols(*read) if not is_slot(symbol)}
    return {**known, **values}

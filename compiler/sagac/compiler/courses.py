"""Courses: what the records hold when some of a run's steps have taken effect, and some of those are undone again.

A course begins before the run's first effect and takes the effects of the steps in an order of the graph, then the
undos in the reverse one. Whether each happens is a truth of its own, bound by what the run can do. That one order
stands for all is what B1 and B2 prove: unordered steps commute, and an undo takes back just what its step did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sagac.compiler import actions, encoding, histories, logic, records
from sagac.compiler.actions import Action, Deeds
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Literally, Symbol, Term, Value, both, either, equal, implies, negation
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.coverage import handler_guard
from sagac.compiler.obligations.obligation import Premise
from sagac.compiler.records import STATE, Place, World
from sagac.compiler.verdicts import Act, History
from sagac.runtime.plan import Constant

Moment: TypeAlias = Literal["completed", "compensated", "always"]

Trait: TypeAlias = tuple[str, int, Value | None]
"""A resource, a place in its key, and the literal that stands there, `None` for an unknown."""

EVERY: Final = -1
"""The place in a key that stands for no place: what all records of a resource have in common."""

ACTS_MAX: Final = 48
"""A course of more steps than this is not looked at: the question would be too large to be sure of an answer."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that the courses of one saga are made from."""

    project: Project
    saga: Saga
    graph: Graph
    conditions: Conditions
    deeds: Deeds
    others: tuple[Deeds, ...]
    """Those of the project's other sagas."""
    foreign: frozenset[str]
    """The resources that other sagas of the project change too."""
    steps: Mapping[str, Step]
    yielding: tuple[str, ...]
    """The steps of which a result is what a record held."""
    touching: Mapping[Trait, frozenset[str]]
    """The steps that change records of a resource whose key has this literal, or an unknown, in this place."""


@dataclass(frozen=True, slots=True)
class Course:
    """A course: how the records stood, how they stand, and what has to be true for it."""

    before: World
    after: World
    premises: tuple[Premise, ...]
    happened: Mapping[str, Term]
    """Whether a step took effect."""
    undone: Mapping[tuple[str, int], Term]
    """Whether an undo of a step did."""


class TooLongError(Exception):
    """More steps take part in a course than are looked at."""


def stage(project: Project, graph: Graph, conditions: Conditions, deeds: Deeds, others: tuple[Deeds, ...]) -> Stage:
    """What the courses of a saga are made from; `others` are the deeds of the project's other sagas."""
    touching: dict[Trait, set[str]] = {}
    for name in graph.order:
        for place in touched(deeds, name):
            for trait in traits(place):
                touching.setdefault(trait, set()).add(name)
    foreign = {effect.place.resource for other in others for action in other.all() for effect in action.effects}
    return Stage(
        project,
        deeds.saga,
        graph,
        conditions,
        deeds,
        others,
        frozenset(foreign),
        {step.name: step for step in deeds.saga.steps},
        tuple(name for name, action in deeds.does.items() if action.yields),
        {trait: frozenset(names) for trait, names in touching.items()},
    )


def touched(deeds: Deeds, step: str) -> Iterator[Place]:
    """The records that a step or one of its undos changes."""
    for action in (deeds.does[step], *deeds.undoes[step]):
        yield from (effect.place for effect in action.effects)


def traits(place: Place) -> Iterator[Trait]:
    """What can tell a record from another one by its key alone; the first trait is that of every record."""
    yield place.resource, EVERY, None
    for position, key in enumerate(place.keys):
        yield place.resource, position, key.value if isinstance(key, Literally) else None


def of(stage: Stage, places: Sequence[Place], moment: Moment, *, only: frozenset[str] | None = None) -> Course:
    """The courses of whole runs as far as they touch the resources of these places, up to a moment.

    `only` names the steps that take part, for a caller who knows that no other one matters. Raises `TooLongError`.
    """
    taking_part = participants(stage, places, only)
    happened = {name: happening(stage, name, moment) for name in taking_part}
    undone = {
        (name, number): Symbol(f"undone {name} {number}", "bool")
        for name in taking_part
        for number in range(len(stage.steps[name].handlers))
        if moment != "completed"
    }
    bounds = tuple(bound(stage, taking_part, happened, undone, moment))
    return played(stage, places, happened, undone, bounds)


def until(stage: Stage, places: Sequence[Place], step: str, *, name: str = "") -> Course:
    """The courses up to where a step is sent: all that it comes after is settled, and what it does not may be.

    `name` tells what the records held at first from what they hold in another world of the same question.
    """
    taking_part = tuple(
        other for other in participants(stage, places, None) if other != step and not stage.graph.precedes(step, other)
    )
    happened: dict[str, Term] = {}
    for other in taking_part:
        certain = stage.graph.precedes(other, step)
        happened[other] = done(stage, other) if certain else Symbol(f"happened {other}", "bool")
    loose = {other: fact for other, fact in happened.items() if not stage.graph.precedes(other, step)}
    bounds = (*ideal(stage, taking_part, happened, loose), *entered(stage, step))
    return played(stage, places, happened, {}, bounds, name)


def reached(stage: Stage, before: World, step: str) -> tuple[Premise, ...]:
    """What the run itself has made of its own records when a step is sent, as far as nobody else changes them."""
    own = tuple(place for place in before if actions.is_own(stage.deeds, place) and place.resource not in stage.foreign)
    try:
        course = until(stage, own, step, name="at first: ") if own else None
    except TooLongError:
        course = None
    if course is None:
        return ()
    same = both(*(records.alike(before[place], course.after[place]) for place in own))
    return (*course.premises, Premise(same, f"what the run has made of its own records before `{step}`"))


def participants(stage: Stage, places: Sequence[Place], only: frozenset[str] | None) -> tuple[str, ...]:
    """The steps that may change one of these records, or one that such a step changes too, in the graph's order."""
    resources = frozenset(place.resource for place in places)
    found: set[str] = set()
    left = list(places)
    while left:
        new = {name for name in near(stage, left.pop()) if only is None or name in only} - found
        found |= new
        if len(found) > ACTS_MAX:
            raise TooLongError(f"more than {ACTS_MAX} steps change the same records")
        left += [place for name in new for place in touched(stage.deeds, name) if place.resource in resources]
    return tuple(sorted(found, key=stage.graph.number.__getitem__))


def beyond(stage: Stage, places: Sequence[Place]) -> tuple[Place, ...]:
    """What else the steps change that may change one of these records, and the steps that may change that, and so on.

    A course that leaves this out supposes too little, which a proof may; a story may not. Nothing where it is too much.
    """
    known = tuple(places)
    while True:
        try:
            steps = participants(stage, known, None)
        except TooLongError:
            return ()
        more = dict.fromkeys(place for name in steps for place in touched(stage.deeds, name))
        resources = {place.resource for place in known}
        further = tuple(place for place in more if place.resource not in resources)
        if not further:
            return known[len(places) :]
        known = (*known, *further)


def near(stage: Stage, place: Place) -> frozenset[str]:
    """The steps that may change this record: nothing in the keys tells theirs from it."""
    none = frozenset[str]()
    first, *others = traits(place)
    found = stage.touching.get(first, none)
    for resource, position, value in others:
        if value is not None:
            unknown = stage.touching.get((resource, position, None), none)
            found &= unknown | stage.touching.get((resource, position, value), none)
    return found


def happening(stage: Stage, step: str, moment: Moment) -> Term:
    """Whether a step takes effect: in a completed run its guard says so, else any that can be done may be."""
    return done(stage, step) if moment == "completed" else Symbol(f"happened {step}", "bool")


def done(stage: Stage, step: str) -> Term:
    """The step is done, given that it is settled."""
    return encoding.formula(stage.deeds.encoding, stage.conditions.done(step))


# --- what a run can do ---------------------------------------------------------------------------------------------


def bound(
    stage: Stage,
    taking_part: tuple[str, ...],
    happened: Mapping[str, Term],
    undone: Mapping[tuple[str, int], Term],
    moment: Moment,
) -> Iterator[Premise]:
    """What a run can do at all."""
    if moment == "completed":
        for name in stage.conditions.failing:
            guard = encoding.formula(stage.deeds.encoding, stage.conditions.guard[name])
            yield Premise(guard, f"`{name}` is not failed by its own `when`", stage.steps[name].name_span)
        return
    yield from ideal(stage, taking_part, happened, happened)
    committed = {name: past_the_pivot(stage, name, happened[name]) for name in taking_part}
    if moment == "compensated":
        for name, past in committed.items():
            yield Premise(negation(past), f"a run that is past the pivot when `{name}` is done never turns back")
        for (name, number), fact in undone.items():
            owed = both(happened[name], undo_guard(stage, name, number))
            yield Premise(equal(fact, owed), f"`{name}` is undone where it was done")
    else:
        yield from unwinding(stage, taking_part, happened, undone, either(*committed.values()))


def ideal(
    stage: Stage, taking_part: tuple[str, ...], happened: Mapping[str, Term], free: Mapping[str, Term]
) -> Iterator[Premise]:
    """A step is done only where its guards let it be, after all that it comes after has settled."""
    for name in free:
        place = stage.graph.number[name]
        sent = encoding.formula(stage.deeds.encoding, stage.conditions.enabled[name])
        before = [
            either(happened[other], negation(done(stage, other)))
            for other in taking_part
            if stage.graph.ancestors[place] >> stage.graph.number[other] & 1
        ]
        yield Premise(implies(happened[name], both(sent, *before)), f"`{name}` is sent when its turn comes")


def past_the_pivot(stage: Stage, step: str, happened: Term) -> Term:
    """The step is done at or behind a pivot that was not skipped."""
    pivots = [pivot for pivot in stage.conditions.pivots if pivot == step or stage.graph.precedes(pivot, step)]
    return both(happened, either(*(done(stage, pivot) for pivot in pivots)))


def unwinding(
    stage: Stage,
    taking_part: tuple[str, ...],
    happened: Mapping[str, Term],
    undone: Mapping[tuple[str, int], Term],
    committed: Term,
) -> Iterator[Premise]:
    """At any time: a step is undone only after all that came after it is, and never past the pivot."""
    for (name, number), fact in undone.items():
        later = [
            both(happened[other], undo_guard(stage, other, place))
            for other, place in undone
            if stage.graph.precedes(name, other)
        ]
        which = [undone[other, place] for other, place in undone if stage.graph.precedes(name, other)]
        order = (implies(owed, done_) for owed, done_ in zip(later, which, strict=True))
        may = both(happened[name], undo_guard(stage, name, number), negation(committed), *order)
        yield Premise(implies(fact, may), f"`{name}` is undone after all that came after it")


def undo_guard(stage: Stage, step: str, number: int) -> Term:
    """This undo of a step is the one that runs."""
    declared = stage.steps[step]
    guard = handler_guard(stage.graph, stage.conditions, declared, declared.handlers[number])
    return encoding.formula(stage.deeds.encoding, guard)


def sent(stage: Stage, step: str, undo: int | None = None) -> tuple[Premise, ...]:
    """What is true of the runs that send a step, or this undo of it, and of the values that this speaks of."""
    found = list(entered(stage, step))
    if undo is not None:
        guard = undo_guard(stage, step, undo)
        found.append(Premise(guard, f"this undo of `{step}` is the one that runs"))
    return (*about(stage, *(premise.term for premise in found)), *found)


def entered(stage: Stage, step: str) -> Iterator[Premise]:
    """What holds when a step is sent."""
    enabled = encoding.formula(stage.deeds.encoding, stage.conditions.enabled[step])
    yield Premise(enabled, f"`{step}` is sent", stage.steps[step].name_span)


# --- what becomes of the records -----------------------------------------------------------------------------------


def played(
    stage: Stage,
    places: Sequence[Place],
    happened: Mapping[str, Term],
    undone: Mapping[tuple[str, int], Term],
    bounds: Sequence[Premise],
    name: str = "",
) -> Course:
    """The course in which these steps, and then these undos, take effect."""
    resources = frozenset(place.resource for place in places)
    acts = [(stage.deeds.does[name], fact) for name, fact in happened.items()]
    acts += [(stage.deeds.undoes[name][number], fact) for (name, number), fact in reversed(tuple(undone.items()))]
    everywhere = tuple(dict.fromkeys((*places, *(place for act, _ in acts for place in places_of(act, resources)))))
    world = before = records.begun(stage.project, everywhere, name)
    accepted: list[Premise] = []
    for act, fact in acts:
        world = taken(stage, world, act, fact, resources, accepted)
    premises = (*beginning(stage, before), *bounds, *accepted)
    return Course(before, world, with_values(stage, premises, places), happened, undone)


def places_of(act: Action, resources: frozenset[str]) -> Iterator[Place]:
    return (effect.place for effect in act.effects if effect.place.resource in resources)


def taken(
    stage: Stage, world: World, act: Action, fact: Term, resources: frozenset[str], accepted: list[Premise]
) -> World:
    """The world after an act, if it happens; the service has then accepted it."""
    effects = tuple(effect for effect in act.effects if effect.place.resource in resources)
    came = records.applied(stage.project, world, effects, "this run")
    captured = both(
        *(records.same_value(act.yields[name], cell) for name, cell in came.captured.items() if name in act.yields)
    )
    accepted.append(Premise(implies(fact, both(came.enabled, captured)), f"the service accepts `{act.step}`", act.span))
    return records.either_world(fact, came.world, world)


def beginning(stage: Stage, before: World) -> Iterator[Premise]:
    """How records stand when the run starts: its own in their initial state, all of them lawful."""
    yield Premise(records.lawful(stage.project, before), "one record has one content")
    for place in before:
        resource = stage.project.resource(place.resource)
        short = resource.name
        keeps = records.invariant(stage.project, before, place)
        if keeps != logic.TRUE:
            yield Premise(keeps, f"`{short}` keeps its invariants", resource.invariants[0].span)
        if actions.is_own(stage.deeds, place):
            promise = f"`{short}` is in its initial state when a run starts" if place.resource in stage.foreign else ""
            yield Premise(initial(stage, before, place), f"`{short}` is the run's own record", resource.span, promise)


def initial(stage: Stage, before: World, place: Place) -> Term:
    """The record is as nobody has touched it yet."""
    resource, cells = stage.project.resource(place.resource), before[place]
    types = encoding.begin(types=records.types_of(stage.project))
    found: list[Term] = []
    if resource.states:
        found.append(equal(records.value_of(cells[STATE]), logic.code(resource.initial)))
    for field in resource.fields:
        if field.has_initial:
            written = encoding.value(types, Constant(field.initial, field.type))
            assert written is not None, field
            found.append(encoding.equal(cells[field.name], written) or logic.TRUE)
    return both(*found)


def with_values(stage: Stage, premises: Sequence[Premise], places: Sequence[Place]) -> tuple[Premise, ...]:
    """The premises, and what is known of the values that they speak of."""
    read = (*(premise.term for premise in premises), *(key for place in places for key in place.keys))
    return (*about(stage, *read), *premises)


def about(stage: Stage, *read: Term) -> tuple[Premise, ...]:
    """What is known of the values that these terms speak of: their `where`, and their types."""
    spoken = (*read, *encoding.facts(stage.deeds.encoding, *read))
    known = actions.cone(frozenset(logic.symbols(*spoken)), stage.deeds.facts)
    typed = encoding.facts(stage.deeds.encoding, *read, *(premise.term for premise in known))
    return (*known, *(Premise(term, "a value is one of its type") for term in typed))


# --- the story -----------------------------------------------------------------------------------------------------


def history(
    stage: Stage, course: Course, values: Mapping[str, Value], *, subject: str = "", also: tuple[Act, ...] = ()
) -> History:
    """What happens in a course with these values; `also` comes last."""
    acts = [Act(0, name) for name, fact in course.happened.items() if histories.come_to(fact, values) is True]
    acts += [
        Act(0, name, number)
        for (name, number), fact in reversed(tuple(course.undone.items()))
        if histories.come_to(fact, values) is True
    ]
    known = histories.completed(values, *(key for place in course.before for key in place.keys))
    return History(
        sides=(histories.side(stage.deeds, known),),
        before=histories.before(stage.project, course.before, known),
        acts=(*acts, *also),
        subject=subject,
    )

"""B6, invariants: every action keeps those of the records it changes, and no record refers to one that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from sagac.compiler import actions, courses, encoding, histories, logic, records, terms, wording
from sagac.compiler.actions import Action, Deeds
from sagac.compiler.courses import Course, Stage, TooLongError
from sagac.compiler.logic import Term, Value, both, negation
from sagac.compiler.model import Reference, Resource
from sagac.compiler.obligations import remedies
from sagac.compiler.obligations.obligation import Breach, Kept, Obligation, Premise, Settled
from sagac.compiler.records import STATE, Effect, Place, World
from sagac.compiler.verdicts import Act, Claim, History, Refuted, Undecided
from sagac.runtime.plan import Result


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each action on a resource with invariants, and for each that makes a record refer to another one."""
    taking = removals(stage)
    return (
        *(begun(stage, resource) for resource in touched(stage)),
        *(kept(stage, action) for action in stage.deeds.all() if has_invariants(stage, action)),
        *(
            reference
            for action in stage.deeds.all()
            if action.undo is None
            for reference in referring(stage, action, taking)
        ),
        *(removal for action in stage.deeds.all() for removal in removing(stage, action)),
    )


# --- new records ---------------------------------------------------------------------------------------------------


def touched(stage: Stage) -> tuple[Resource, ...]:
    """The resources with invariants that the saga changes, and that say what a new record holds."""
    names = dict.fromkeys(effect.place.resource for action in stage.deeds.all() for effect in action.effects)
    resources = (stage.project.resource(name) for name in names)
    return tuple(each for each in resources if each.invariants and any(field.has_initial for field in each.fields))


def begun(stage: Stage, resource: Resource) -> Kept:
    """A record that nobody has touched yet can keep the invariants: else they were broken from the start."""
    span = resource.invariants[0].span
    claim = Claim("B6", stage.saga.full_name, "", f"a new `{resource.name}` keeps its invariants", span)
    place = any_record(stage, resource)
    world = records.begun(stage.project, (place,))
    premises = (
        Premise(
            courses.initial(stage, world, place), f"a new `{resource.name}` holds its initial values", resource.span
        ),
        *invariants_of(stage, world),
    )
    said = written(resource)
    empty = f"a new `{resource.name}` breaks its invariant from the start: `{said}` does not hold of its initial values"
    shape = f"B6 new {resource.full_name}"
    return Kept(claim, lambda: iter((Breach(premises, logic.FALSE, never),)), empty=empty, shape=shape)


def never(values: Mapping[str, Value]) -> Refuted:
    """Nobody tells of what cannot happen."""
    raise AssertionError(values)


def has_invariants(stage: Stage, action: Action) -> bool:
    return any(stage.project.resource(effect.place.resource).invariants for effect in action.effects)


def written(resource: Resource) -> str:
    """The invariants of a resource, as their author wrote them."""
    return " and ".join(wording.expression(guard.condition) for guard in resource.invariants)


# --- invariants ----------------------------------------------------------------------------------------------------


def kept(stage: Stage, action: Action) -> Kept:
    """Where the invariants hold and the service accepts, they hold after it."""
    who = f"`{action.step}`" if action.undo is None else f"the undo of `{action.step}`"
    names = dict.fromkeys(effect.place.resource for effect in action.effects)
    resources = (stage.project.resource(name) for name in names)
    said = ", ".join(f"`{written(each)}` of `{each.name}`" for each in resources if each.invariants)
    claim = Claim("B6", stage.saga.full_name, action.step, f"{who} keeps {said}", action.span)
    ties = tuple(returned(stage, action))
    return Kept(claim, lambda: iter((breaking(stage, action, ties),)), shape="" if ties else f"B6 {action.shape}")


def breaking(stage: Stage, action: Action, ties: tuple[Premise, ...]) -> Breach:
    """An invariant holds before the action and not after it."""
    places = [effect.place for effect in action.effects]
    world = records.begun(stage.project, places)
    came = records.applied(stage.project, world, action.effects, "this run")
    premises = (
        *action.facts,
        *courses.about(
            stage, came.enabled, *actions.all_terms(action.effects), *(premise.term for premise in action.facts)
        ),
        *ties,
        Premise(records.lawful(stage.project, world), "one record has one content"),
        *invariants_of(stage, world),
        Premise(records.shares(stage.project, world), "a `hold` counts at least what all runs hold"),
        Premise(came.enabled, f"the service accepts `{action.step}`", action.span),
        Premise(came.known, f"the run holds what `{action.step}` gives back"),
    )
    lost = negation(records.invariants(stage.project, came.world))
    return Breach(
        premises,
        lost,
        lambda values: told(stage, action, world, values),
        tuple(repair for place in world for repair in remedies.of_inputs(stage, action, resource_at(stage, place))),
        sent=lambda: courses.sent(stage, action.step, action.undo),
    )


def resource_at(stage: Stage, place: Place) -> Resource:
    return stage.project.resource(place.resource)


def returned(stage: Stage, action: Action) -> Iterator[Premise]:
    """What a step has found in a record, and this action reads, was there when the record kept its invariants."""
    read = frozenset(logic.symbols(*actions.all_terms(action.effects)))
    for name in stage.yielding:
        done = stage.deeds.does[name]
        values = [cell.value for cell in done.yields.values() if cell.value is not None]
        if not read & frozenset(logic.symbols(*values)):
            continue
        world = records.begun(stage.project, [effect.place for effect in done.effects], f"when `{name}` was done: ")
        came = records.applied(stage.project, world, done.effects, "this run")
        found = both(*(records.same_value(done.yields[each], cell) for each, cell in came.captured.items()))
        yield Premise(records.lawful(stage.project, world), "one record has one content")
        yield from invariants_of(stage, world)
        yield Premise(both(came.enabled, found), f"`{name}` returns what it has found", done.span)


def invariants_of(stage: Stage, world: World) -> Iterator[Premise]:
    for place in world:
        resource = stage.project.resource(place.resource)
        if resource.invariants:
            keeps = records.invariant(stage.project, world, place)
            yield Premise(keeps, f"`{resource.name}` keeps its invariants", resource.invariants[0].span)


def told(stage: Stage, action: Action, world: World, values: Mapping[str, Value]) -> Refuted:
    resource = next(
        found
        for effect in action.effects
        for found in (stage.project.resource(effect.place.resource),)
        if found.invariants
    )
    known = histories.completed(values, *(key for place in world for key in place.keys))
    return Refuted(
        History(
            sides=(histories.side(stage.deeds, known),),
            before=histories.before(stage.project, world, known),
            acts=(Act(0, action.step, action.undo),),
            subject=action.step,
        ),
        f"`{action.command.rpartition('.')[2]}` can break an invariant of `{resource.name}`",
        resource.invariants[0].span,
        "the invariant",
        remedies.of_invariant(stage, action, resource),
    )


# --- references ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Referral:
    """A record that an action brings into being, or lets refer to another one."""

    effect: Effect
    reference: Reference
    resource: Resource


def referring(stage: Stage, action: Action, taking: Removals) -> Iterator[Obligation]:
    """While the record is there, so is the one that it refers to: whatever is undone, and whoever takes away."""
    for referral in referrals(stage, action):
        target = referral.reference.resource.rpartition(".")[2]
        claim = Claim(
            "B6",
            stage.saga.full_name,
            action.step,
            f"`{referral.resource.name}` never refers to a `{target}` that is not there",
            action.span,
        )
        try:
            breaches = (dangling(stage, action, referral), *bereft(stage, action, referral, taking))
        except TooLongError as reason:
            yield Settled(claim, Undecided(str(reason)))
            continue
        yield only(claim, *breaches)


def only(claim: Claim, *breaches: Breach) -> Kept:
    """A claim that only these break."""
    return Kept(claim, lambda: iter(breaches))


def referrals(stage: Stage, action: Action) -> Iterator[Referral]:
    """Each reference of a record that the action brings into being, or whose reference it sets."""
    for effect in action.effects:
        resource = stage.project.resource(effect.place.resource)
        arises = bool(effect.change.target) and effect.change.target != resource.initial
        set_now = {setting.field for setting in effect.settings}
        for field in resource.fields:
            if field.reference is not None and (arises or set_now & read_by(field.reference)):
                yield Referral(effect, field.reference, resource)


def read_by(reference: Reference) -> set[str]:
    """The record's own fields that say what it refers to."""
    return {leaf.path[0] for key in reference.keys for leaf in terms.leaves(key) if isinstance(leaf, Result)}


def dangling(stage: Stage, action: Action, referral: Referral) -> Breach:
    """The record is there, and the one that it refers to is not."""
    place = referral.effect.place
    referred = referred_place(stage, action, referral)
    course = courses.of(stage, (place, referred), "always")
    after = course.after
    points = points_to(stage, after, place, referral.reference, referred)
    bad = both(
        course.happened[action.step],
        is_there(stage, after, place),
        points,
        negation(is_there(stage, after, referred)),
    )
    return Breach(course.premises, bad, lambda values: lost(stage, action, referral, course, values))


def referred_place(stage: Stage, action: Action, referral: Referral) -> Place:
    """The record that is referred to once the action has taken effect."""
    place = referral.effect.place
    own = tuple(effect for effect in action.effects if effect.place == place)
    after = records.applied(stage.project, records.begun(stage.project, (place,)), own, "this run").world
    return Place(referral.reference.resource, referred_keys(stage, after, place, referral.reference))


def referred_keys(stage: Stage, world: World, place: Place, reference: Reference) -> tuple[Term, ...]:
    known = records.reading(stage.project, world, place)
    return tuple(actions.part(known, key) for key in reference.keys)


def points_to(stage: Stage, world: World, place: Place, reference: Reference, referred: Place) -> Term:
    """The record at one place refers to the one at the other."""
    keys = referred_keys(stage, world, place, reference)
    return records.alias(Place(reference.resource, keys), referred)


def is_there(stage: Stage, world: World, place: Place) -> Term:
    """The record is not in its initial state."""
    resource = stage.project.resource(place.resource)
    if not resource.states:
        return logic.TRUE
    return negation(logic.equal(records.value_of(world[place][STATE]), logic.code(resource.initial)))


def lost(stage: Stage, action: Action, referral: Referral, course: Course, values: Mapping[str, Value]) -> Refuted:
    target = referral.reference.resource.rpartition(".")[2]
    return Refuted(
        courses.history(stage, course, values, subject=action.step),
        f"`{referral.resource.name}` can refer to a `{target}` that is not there, because of `{action.step}`",
        referral.reference.span,
        "the reference",
        remedies.of_reference(stage, action, referral.resource, referral.reference),
    )


# --- what other runs take away -------------------------------------------------------------------------------------


Removals: TypeAlias = Mapping[str, tuple[tuple[Deeds, Action], ...]]
"""By resource, every action of the project that takes one of its records away: of each saga one of each shape."""


def removals(stage: Stage) -> Removals:
    """Who takes records away to which others refer."""
    found: dict[str, dict[tuple[str, str], tuple[Deeds, Action]]] = {}
    for deeds in (stage.deeds, *stage.others):
        for action in deeds.all():
            for resource in dict.fromkeys(effect.place.resource for effect in action.effects):
                if removes(stage, action, resource):
                    found.setdefault(resource, {}).setdefault((action.saga, action.shape), (deeds, action))
    return {resource: tuple(taking.values()) for resource, taking in found.items()}


def bereft(stage: Stage, action: Action, referral: Referral, taking: Removals) -> Iterator[Breach]:
    """Another run takes the record away to which this one has let a record refer.

    Whoever surely changes other records than these two takes nothing away here: then `dangling` says the same.
    """
    place, referred = referral.effect.place, referred_place(stage, action, referral)
    for deeds, removal in taking.get(referred.resource, ()):
        of_another = actions.other(removal)
        if any(may_be(effect.place, one) for effect in of_another.effects for one in (place, referred)):
            yield taken_away(stage, action, referral, place, referred, deeds, of_another)


def may_be(place: Place, other: Place) -> bool:
    """Nothing says that these are different records."""
    return records.alias(place, other) != logic.FALSE


def removes(stage: Stage, removal: Action, resource: str) -> bool:
    """The action puts a record of the resource back into its initial state."""
    initial = stage.project.resource(resource).initial
    return any(
        effect.place.resource == resource and effect.change.target == initial != effect.change.source
        for effect in removal.effects
    )


def taken_away(
    stage: Stage, action: Action, referral: Referral, place: Place, referred: Place, deeds: Deeds, removal: Action
) -> Breach:
    """This run has come to some state, and the other one takes away."""
    resources = {place.resource, referred.resource}
    effects = tuple(effect for effect in removal.effects if effect.place.resource in resources)
    course = courses.of(stage, (place, referred, *(effect.place for effect in effects)), "always")
    came = records.applied(stage.project, course.after, effects, "another run")
    premises = (
        *course.premises,
        *removal.facts,
        *actions.apart(replace(action, locks=()), removal),  # a lock ends with its run, and a reference does not
        Premise(came.known, f"`{removal.step}` of the other run gives back what it has taken"),
    )
    bad = both(
        course.happened[action.step],
        came.enabled,
        is_there(stage, came.world, place),
        points_to(stage, came.world, place, referral.reference, referred),
        negation(is_there(stage, came.world, referred)),
    )

    def tell(values: Mapping[str, Value]) -> Refuted:
        known = histories.completed(values, *(key for at in course.before for key in at.keys))
        told = courses.history(stage, course, known, subject=action.step, also=(Act(1, removal.step, removal.undo),))
        sides = (*told.sides, histories.side(deeds, known, actions.OTHER))
        return bereaved(action, referral, deeds, removal, replace(told, sides=sides))

    return Breach(premises, bad, tell)


def bereaved(action: Action, referral: Referral, deeds: Deeds, removal: Action, told: History) -> Refuted:
    target = referral.reference.resource.rpartition(".")[2]
    return Refuted(
        told,
        f"another run of `{deeds.saga.name}` may take the `{target}` away to which `{action.step}` lets a record refer",
        removal.span,
        "this takes it away",
        (
            f"make the `{target}` in this saga, before `{action.step}`: what a run has made only it takes away",
            f"or keep it: give `{target}` a state for what is closed, and go there instead",
        ),
    )


# --- removals ------------------------------------------------------------------------------------------------------


def removing(stage: Stage, action: Action) -> Iterator[Kept]:
    """No record is taken away that another one refers to.

    A record that the run itself has brought into being is referred to by nobody else: whoever refers to a record has
    brought it into being too, or that is refuted there; and the run's own references are looked at where they arise.
    """
    for effect in action.effects:
        resource = stage.project.resource(effect.place.resource)
        if effect.change.target != resource.initial or effect.change.source == resource.initial or effect.owned:
            continue
        for referrer, reference in references_to(stage, resource):
            text = f"`{referrer.name}` never refers to a `{resource.name}` that `{action.step}` has taken away"
            claim = Claim("B6", stage.saga.full_name, action.step, text, action.span)
            yield only(claim, orphaning(stage, action, effect, referrer, reference))


def references_to(stage: Stage, resource: Resource) -> Iterator[tuple[Resource, Reference]]:
    """Every reference of the project to records of this resource, with the resource that has it."""
    for service in stage.project.services.values():
        for referrer in service.resources.values():
            for field in referrer.fields:
                if field.reference is not None and field.reference.resource == resource.full_name:
                    yield referrer, field.reference


def orphaning(stage: Stage, action: Action, effect: Effect, referrer: Resource, reference: Reference) -> Breach:
    """A record refers to the one that is taken away."""
    orphan = any_record(stage, referrer)
    world = records.begun(stage.project, [orphan, *(each.place for each in action.effects)])
    came = records.applied(stage.project, world, action.effects, "this run")
    points = points_to(stage, came.world, orphan, reference, effect.place)
    premises = (
        *action.facts,
        *courses.about(stage, came.enabled, points, *(premise.term for premise in action.facts)),
        Premise(records.lawful(stage.project, world), "one record has one content"),
        *invariants_of(stage, world),
        Premise(came.enabled, f"the service accepts `{action.step}`", action.span),
    )
    bad = both(is_there(stage, came.world, orphan), points)
    return Breach(premises, bad, lambda values: orphaned(stage, action, world, reference, values))


def any_record(stage: Stage, resource: Resource) -> Place:
    """Some record of a resource."""
    kinds = encoding.begin(types=records.types_of(stage.project))
    keys = (records.fresh(kinds, f"some {resource.name} {key.name}", key.type) for key in resource.keys)
    return Place(resource.full_name, tuple(map(records.value_of, keys)))


def orphaned(stage: Stage, action: Action, world: World, reference: Reference, values: Mapping[str, Value]) -> Refuted:
    known = histories.completed(values, *(key for place in world for key in place.keys))
    target = reference.resource.rpartition(".")[2]
    return Refuted(
        History(
            sides=(histories.side(stage.deeds, known),),
            before=histories.before(stage.project, world, known),
            acts=(Act(0, action.step, action.undo),),
            subject=action.step,
        ),
        f"`{action.step}` takes a `{target}` away that other records may refer to",
        reference.span,
        "the reference",
        (
            f"let only a run that made the `{target}` take it away again, as the undo of what made it",
            f"or keep it: give `{target}` a state for what is closed, such as `retired`, and go there",
        ),
    )

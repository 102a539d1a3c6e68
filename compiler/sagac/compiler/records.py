"""Records as a solver sees them: what those that matter hold, and what a command makes of them.

A world is the records at some places. Two places may be one record, where their keys can be equal: what is written to
one is then written to the other. Beside its fields a place has ghosts that the compiler adds and no service knows: how
much of each `hold` field this run and the others hold, and who put the record into its state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from sagac.compiler import encoding, logic
from sagac.compiler.encoding import SORTS, Encoded, Encoding
from sagac.compiler.logic import Symbol, Term, both, chosen, equal, implies, number
from sagac.compiler.model import Change, Project, Resource
from sagac.compiler.source import Span
from sagac.runtime.plan import Enum, Expression, Input, Record, Result

Actor: TypeAlias = Literal["this run", "another run"]

STATE: Final = "state"
"""The cell with a record's state, where its resource has states."""

OWNER: Final = "who put it there"
"""The ghost that says who put a record into its state: an actor, or `nobody`."""

NOBODY: Final = "nobody"

ACTORS: Final[tuple[Actor, ...]] = ("this run", "another run")


@dataclass(frozen=True, slots=True)
class Place:
    """A record, by the full name of its resource and its key."""

    resource: str
    keys: tuple[Term, ...]


Cells: TypeAlias = Mapping[str, Encoded]
"""What a record holds: its fields, its state, and the ghosts."""

World: TypeAlias = Mapping[Place, Cells]


@dataclass(frozen=True, slots=True)
class Setting:
    """One assignment of an effect; its value reads the record's own fields by their slots."""

    field: str
    operator: Literal["+=", "-=", ":="]
    value: Encoded
    held: bool
    """The field is a `hold`."""
    backed: bool
    """It takes from a hold what an earlier action of the same run may have put there."""
    span: Span


@dataclass(frozen=True, slots=True)
class Effect:
    """One `changes` of a command, with the arguments of a call in the places of its parameters."""

    place: Place
    change: Change
    requires: tuple[Term, ...]
    """Over the slots of the record's own fields."""
    settings: tuple[Setting, ...]
    owned: bool
    """The source state is one into which an earlier action of the same run has put the record."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What comes of a command in a world."""

    enabled: Term
    """The service does not refuse: the states and all `requires` are as they have to be."""
    known: Term
    """What the run that does it knows of its own earlier actions: that it holds what it gives back."""
    world: World
    captured: Mapping[str, Encoded]
    """The fields of the result that a `yields` ties to a field of the record as it was before."""


def held_by(actor: Actor, field: str) -> str:
    """The ghost that counts how much of a `hold` field an actor holds."""
    return f"{field} held by {actor}"


def types_of(project: Project) -> Mapping[str, Record | Enum]:
    """The types of a project by their bare names; one that two packages declare is none that is known."""
    found: dict[str, list[Record | Enum]] = {}
    for name, declared in project.types.items():
        found.setdefault(name.rpartition(".")[2], []).append(declared)
    return {name: declared[0] for name, declared in found.items() if len(declared) == 1}


def slots(project: Project, resource: Resource) -> Mapping[Input | Result, Encoded]:
    """The slots of a resource's fields: what stands for them in an effect until the record is known."""
    known = encoding.begin(types=types_of(project))
    return {own(field.name, field.type): fresh(known, f"own {field.name}", field.type) for field in resource.fields}


def own(field: str, type: str) -> Result:
    """A record's own field, as its resource and the commands that change it read it."""
    return Result("", (field,), type)


def fresh(known: Encoding, name: str, type: str) -> Encoded:
    """A value of this type of which nothing is known."""
    kind = encoding.kind_of(known, type)
    present = Symbol(f"there {name}", "bool") if type.endswith("?") else None
    return Encoded(kind, Symbol(name, SORTS[kind]), present)


# --- worlds --------------------------------------------------------------------------------------------------------


def begun(project: Project, places: Sequence[Place], name: str = "") -> World:
    """A world in which nothing is known of the records at these places; `name` tells its values from another's."""
    known = encoding.begin(types=types_of(project))
    distinct = tuple(dict.fromkeys(places))
    return {
        place: dict(unknown(known, project.resource(place.resource), f"{name}{place.resource} {each}"))
        for each, place in enumerate(distinct)
    }


def unknown(known: Encoding, resource: Resource, name: str) -> Iterator[tuple[str, Encoded]]:
    if resource.states:
        yield STATE, Encoded("code", Symbol(f"{name} {STATE}", "code"))
        yield OWNER, Encoded("code", Symbol(f"{name} {OWNER}", "code"))
    for field in resource.fields:
        yield field.name, fresh(known, f"{name} {field.name}", field.type)
        if field.hold:
            for actor in ACTORS:
                yield held_by(actor, field.name), fresh(known, f"{name} {held_by(actor, field.name)}", field.type)


def lawful(project: Project, world: World) -> Term:
    """What every world is like: one record has one content, states and members are those declared."""
    places, types = tuple(world), types_of(project)
    return both(
        *(ranges(types, project.resource(place.resource), world[place]) for place in places),
        *(
            implies(alias(one, two), alike(world[one], world[two]))
            for later, one in enumerate(places)
            for two in places[:later]
            if one.resource == two.resource
        ),
    )


def alias(one: Place, two: Place) -> Term:
    """Two places are one record."""
    if one.resource != two.resource:
        return logic.FALSE
    return both(*(equal(left, right) for left, right in zip(one.keys, two.keys, strict=True)))


def ranges(types: Mapping[str, Record | Enum], resource: Resource, cells: Cells) -> Term:
    """A state is one of the declared ones, a member of an enum one of its members, an owner an actor or nobody."""
    found = [within(cells[field.name], members(types, field.type)) for field in resource.fields]
    if resource.states:
        found.append(within(cells[STATE], resource.states))
        found.append(within(cells[OWNER], (NOBODY, *ACTORS)))
    return both(*found)


def members(types: Mapping[str, Record | Enum], type: str) -> tuple[str, ...] | None:
    declared = types.get(type.removesuffix("?"))
    return declared.members if isinstance(declared, Enum) else None


def within(cell: Encoded, members: tuple[str, ...] | None) -> Term:
    if members is None or cell.value is None:
        return logic.TRUE
    return logic.one_of(cell.value, members)


def alike(one: Cells, two: Cells) -> Term:
    """All cells that both have hold the same."""
    return both(*(same_value(cell, two[name]) for name, cell in one.items() if name in two))


def same_value(one: Encoded, two: Encoded) -> Term:
    """Both are null, or both are there and the same."""
    assert one.value is not None, one
    assert two.value is not None, two
    if one.present is None or two.present is None:
        return both(one.present or logic.TRUE, two.present or logic.TRUE, equal(one.value, two.value))
    return both(equal(one.present, two.present), implies(one.present, equal(one.value, two.value)))


def visible(project: Project, place: Place) -> tuple[str, ...]:
    """The cells that a service knows: the fields, and the state."""
    resource = project.resource(place.resource)
    return (*((STATE,) if resource.states else ()), *(field.name for field in resource.fields))


def same(project: Project, one: World, two: World) -> Term:
    """The services cannot tell the two worlds apart."""
    return both(
        *(same_value(cells[name], two[place][name]) for place, cells in one.items() for name in visible(project, place))
    )


def invariant(project: Project, world: World, place: Place) -> Term:
    """A record keeps the invariants of its resource."""
    found = project.resource(place.resource).invariants
    return both(*(read(project, world, place, guard.condition) for guard in found))


def invariants(project: Project, world: World) -> Term:
    """Every record keeps the invariants of its resource."""
    return both(*(invariant(project, world, place) for place in world))


def read(project: Project, world: World, place: Place, condition: Expression) -> Term:
    """A condition over a record's own keys and fields."""
    return encoding.condition(reading(project, world, place), condition)


def reading(project: Project, world: World, place: Place) -> Encoding:
    """An encoding in which a record's keys and fields are those of the record at this place."""
    resource, cells, types = project.resource(place.resource), world[place], types_of(project)
    known: dict[Input | Result, Encoded] = {own(field.name, field.type): cells[field.name] for field in resource.fields}
    kinds = encoding.begin(types=types)
    for key, value in zip(resource.keys, place.keys, strict=True):
        known[Input((key.name,), key.type)] = Encoded(encoding.kind_of(kinds, key.type), value)
    return encoding.begin(types=types, places=known)


def shares(project: Project, world: World) -> Term:
    """A `hold` field counts at least what this run and the others hold, and nobody holds less than nothing."""
    found: list[Term] = []
    for place, cells in world.items():
        for field in project.resource(place.resource).fields:
            if field.hold:
                parts = [value_of(cells[held_by(actor, field.name)]) for actor in ACTORS]
                found += [logic.less(number(0), part, strictly=False) for part in parts]
                found.append(logic.less(logic.added(*parts), value_of(cells[field.name]), strictly=False))
    return both(*found)


def value_of(cell: Encoded) -> Term:
    assert cell.value is not None, cell
    return cell.value


# --- what a command does -------------------------------------------------------------------------------------------


def applied(project: Project, world: World, effects: Iterable[Effect], actor: Actor) -> Applied:
    """The effects of one command, done by `actor`: all at once, or not at all where it is refused."""
    enabled: list[Term] = []
    known: list[Term] = []
    captured: dict[str, Encoded] = {}
    after = dict(world)
    for effect in effects:
        before = world[effect.place]
        enabled += needed(effect, before)
        known += backing(effect, before, actor)
        captured |= {each.result: before[each.field] for each in effect.change.yields}
        if effect.change.target:
            put(after, effect.place, STATE, Encoded("code", logic.code(effect.change.target)))
            if effect.change.source != effect.change.target:  # who leaves a record in its state does not take it over
                put(after, effect.place, OWNER, Encoded("code", logic.code(actor)))
        for setting in effect.settings:
            assign(after, effect.place, setting, filled(setting.value, before), actor)
    return Applied(both(*enabled), both(*known), after, captured)


def needed(effect: Effect, before: Cells) -> Iterator[Term]:
    """What the service checks."""
    if effect.change.source:
        yield equal(value_of(before[STATE]), logic.code(effect.change.source))
    for condition in effect.requires:
        yield logic.replaced(condition, filling(before))


def backing(effect: Effect, before: Cells, actor: Actor) -> Iterator[Term]:
    """What the actor's own earlier actions have made sure."""
    if effect.owned:
        yield equal(value_of(before[OWNER]), logic.code(actor))
    for setting in effect.settings:
        if setting.held and setting.backed:
            taken = value_of(filled(setting.value, before))
            yield logic.less(taken, value_of(before[held_by(actor, setting.field)]), strictly=False)


def assign(after: dict[Place, Cells], place: Place, setting: Setting, value: Encoded, actor: Actor) -> None:
    put(after, place, setting.field, combined(after[place][setting.field], setting.operator, value))
    if setting.held and setting.operator != ":=" and (setting.operator == "+=" or setting.backed):
        ghost = held_by(actor, setting.field)
        put(after, place, ghost, combined(after[place][ghost], setting.operator, value))


def combined(before: Encoded, operator: Literal["+=", "-=", ":="], value: Encoded) -> Encoded:
    """What a field holds after an assignment."""
    match operator:
        case "+=":
            return replace(before, value=logic.added(value_of(before), value_of(value)))
        case "-=":
            return replace(before, value=logic.less_by(value_of(before), value_of(value)))
        case ":=":
            return levelled(before, value)


def levelled(before: Encoded, value: Encoded) -> Encoded:
    """The value as one of the field's own kind: an integer in a decimal field, something there in an optional one."""
    if value.value is None:
        return Encoded(before.kind, before.value, logic.FALSE)
    term = logic.as_real(value.value) if before.kind == "decimal" else value.value
    present = None if before.present is None else (value.present or logic.TRUE)
    return Encoded(before.kind, term, present)


def put(after: dict[Place, Cells], place: Place, name: str, cell: Encoded) -> None:
    """The cell at its place, and at every place that may be the same record."""
    for other, cells in after.items():
        one = alias(place, other)
        if other == place:
            after[other] = {**cells, name: cell}
        elif one != logic.FALSE and name in cells:
            after[other] = {**cells, name: either_way(one, cell, cells[name])}


def either_way(condition: Term, then: Encoded, otherwise: Encoded) -> Encoded:
    """One value where the condition holds, another where it does not."""
    value = chosen(condition, value_of(then), value_of(otherwise))
    if then.present is None and otherwise.present is None:
        return Encoded(otherwise.kind, value, None)
    present = chosen(condition, then.present or logic.TRUE, otherwise.present or logic.TRUE)
    return Encoded(otherwise.kind, value, present)


def either_world(condition: Term, then: World, otherwise: World) -> World:
    """One world where the condition holds, another where it does not; both have the same places."""
    return {
        place: {
            name: cell if then[place][name] is cell else either_way(condition, then[place][name], cell)
            for name, cell in cells.items()
        }
        for place, cells in otherwise.items()
    }


def filled(value: Encoded, cells: Cells) -> Encoded:
    """The value with what the record holds in the place of its slots."""
    into = filling(cells)
    return Encoded(
        value.kind,
        None if value.value is None else logic.replaced(value.value, into),
        None if value.present is None else logic.replaced(value.present, into),
    )


def filling(cells: Cells) -> Callable[[Symbol], Term]:
    """What stands for a slot in this record; anything that is no slot stands for itself."""
    known: dict[str, Term] = {}
    for name, cell in cells.items():
        if cell.value is not None:
            known[f"own {name}"] = cell.value
        if cell.present is not None:
            known[f"there own {name}"] = cell.present
    return lambda symbol: known.get(symbol.name, symbol)

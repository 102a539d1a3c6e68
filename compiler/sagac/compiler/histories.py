"""From what a solver found to a story about records: its values, as the runs and the records have them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

from sagac.compiler import logic, records
from sagac.compiler.actions import OTHER, Deeds
from sagac.compiler.encoding import EPOCH
from sagac.compiler.logic import Term, Value
from sagac.compiler.model import Project
from sagac.compiler.records import STATE, Cells, World
from sagac.compiler.verdicts import Before, Side
from sagac.runtime.plan import Input, Wire

DIGITS: Final = 6
"""A fraction without an end is told with so many digits; whether it then still shows anything, a rehearsal says."""


def side(deeds: Deeds, values: Mapping[str, Value], prefix: str = "") -> Side:
    """One run with its values; `prefix` is what its unknowns are called with, `OTHER` for another run's."""
    given: dict[str, Wire] = {}
    results: dict[str, Wire] = {}
    for name, place in deeds.encoding.symbols.items():
        if name.startswith("there ") or prefix + name not in values:
            continue
        is_there = values.get(f"{prefix}there {name}", True)
        found = wire(values[prefix + name], place.type) if is_there else None
        if isinstance(place, Input):
            put(given, place.path, found)
        else:
            put(results, (place.step, *place.path), found)
    return Side(deeds.saga.full_name, given, results)


def sides(deeds: Deeds, theirs: Deeds, values: Mapping[str, Value]) -> tuple[Side, Side]:
    """This run and another one, each with its values."""
    return side(deeds, values), side(theirs, values, OTHER)


def put(whole: dict[str, Wire], path: tuple[str, ...], value: Wire) -> None:
    """The value at its place."""
    if len(path) == 1:
        whole[path[0]] = value
        return
    inner = whole.get(path[0])
    fields = dict(inner) if isinstance(inner, dict) else {}
    put(fields, path[1:], value)
    whole[path[0]] = fields


def before(project: Project, world: World, values: Mapping[str, Value]) -> tuple[Before, ...]:
    """The records of a world with these values, each once."""
    found: dict[tuple[str, tuple[str, ...]], Before] = {}
    for place, cells in world.items():
        resource = project.resource(place.resource)
        key = tuple(
            wire(come_to(term, values), part.type) for term, part in zip(place.keys, resource.keys, strict=True)
        )
        one = Before(place.resource, key, dict(contents(project, place.resource, cells, values)))
        found.setdefault((place.resource, tuple(map(str, key))), one)
    return tuple(found.values())


def contents(project: Project, resource: str, cells: Cells, values: Mapping[str, Value]) -> Iterator[tuple[str, Wire]]:
    """What a record holds, without the ghosts."""
    declared = project.resource(resource)
    if declared.states:
        yield STATE, wire(come_to(records.value_of(cells[STATE]), values), "string")
    for field in declared.fields:
        cell = cells[field.name]
        is_there = cell.present is None or come_to(cell.present, values) is True
        yield field.name, wire(come_to(records.value_of(cell), values), field.type) if is_there else None


def completed(values: Mapping[str, Value], *terms: Term) -> Mapping[str, Value]:
    """The values, and plain ones for the unknowns of these terms that the question did not speak of."""
    known = dict(values)
    for symbol in logic.symbols(*terms):
        known.setdefault(symbol.name, PLAIN[symbol.sort])
    return known


def come_to(term: Term, values: Mapping[str, Value]) -> Value:
    """What a term comes to; an unknown that the question did not speak of is whatever is plainest."""
    return logic.evaluate(term, completed(values, term))


PLAIN: Final[Mapping[logic.Sort, Value]] = {"bool": False, "int": 0, "real": Fraction(0), "code": "any"}


def true(names: Iterable[str], values: Mapping[str, Value]) -> tuple[str, ...]:
    """Those of these truths that hold."""
    return tuple(name for name in names if values.get(name) is True)


# --- values --------------------------------------------------------------------------------------------------------


def wire(value: Value, type: str) -> Wire:
    """A value of the logic as the journal stores one of this type."""
    match type.removesuffix("?"):
        case "bool":
            return value is True
        case "int" | "duration":
            return int(logic.arithmetic(value))
        case "decimal":
            return decimal(logic.arithmetic(value))
        case "timestamp":
            return (EPOCH + timedelta(milliseconds=int(logic.arithmetic(value)))).isoformat().replace("+00:00", "Z")
        case "uuid":
            return uuid(str(value))
        case _:
            return str(value)


def decimal(value: Fraction) -> str:
    """A real number in digits."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    if Fraction(exact) != value:
        exact = round(exact, DIGITS)
    return format(exact.normalize(), "f")


def uuid(spelling: str) -> str:
    """A uuid for a code: itself where it is one, else one that only this spelling has."""
    try:
        return str(UUID(spelling))
    except ValueError:
        number = int(hashlib.sha256(spelling.encode()).hexdigest(), 16) % 10**12
        return f"00000000-0000-4000-8000-{number:012d}"

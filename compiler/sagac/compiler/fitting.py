"""Values that a person gives as JSON, held against the types of the specification."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias, assert_never
from uuid import UUID

from sagac.compiler import typetext, wording
from sagac.compiler.typetext import Inline, Listed, Named, Optional
from sagac.compiler.values import Types
from sagac.runtime.expressions import DIGITS_MAX
from sagac.runtime.plan import Enum, Record, Wire

Json: TypeAlias = Any
"""What a JSON text holds, its fractions as decimals."""


class Misfit(Exception):  # noqa: N818 - not an error: the caller tells the person what does not fit
    """What was given is not of the type that it should have; the text says so."""


def parsed(text: str) -> Json:
    """What a JSON text holds; raises `Misfit` where it is none."""
    try:
        return json.loads(text, parse_float=fraction, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise Misfit(f"{error.msg.lower()} at character {error.pos + 1}") from None
    except (ValueError, ArithmeticError):
        raise Misfit("a number in it has too many digits") from None
    except RecursionError:
        raise Misfit("it is nested too deeply") from None


def fraction(text: str) -> Decimal:
    return Decimal(text)


def no_number(text: str) -> Json:
    raise Misfit(f"`{text}` is no number")


def fitted(given: Json, type: str, types: Types, place: str) -> Wire:
    """The value as a journal has it; raises `Misfit` where it is not of the type. Fields of records may be left out."""
    return of_type(given, typetext.read(type), types, place, part=True)


def of_type(given: Json, type: typetext.Type, types: Types, place: str, *, part: bool) -> Wire:
    match type:
        case Optional(present):
            return None if given is None else of_type(given, present, types, place, part=part)
        case Listed(item):
            if not isinstance(given, list):
                raise Misfit(f"`{place}` is a list, not {told(given)}")
            # Nothing is filled in inside of a list.
            return [of_type(one, item, types, f"{place}[{at}]", part=False) for at, one in enumerate(given)]
        case Inline(fields):
            return of_fields(given, dict(fields), types, place, part=part)
        case Named(name):
            declared = types.get(name)
            if isinstance(declared, Record):
                known = {field.name: typetext.read(field.type) for field in declared.fields}
                return of_fields(given, known, types, place, part=part)
            return of_enum(given, declared, place) if isinstance(declared, Enum) else single(given, name, place)
    assert_never(type)


def of_fields(
    given: Json, fields: Mapping[str, typetext.Type], types: Types, place: str, *, part: bool
) -> dict[str, Wire]:
    if not isinstance(given, dict):
        raise Misfit(f"`{place}` is an object with {wording.listing(list(fields))}, not {told(given)}")
    for name in given:
        if name not in fields:
            raise Misfit(f"`{place}` has no field `{name}`")
    missing = [name for name, each in fields.items() if name not in given and not (part or isinstance(each, Optional))]
    if missing:
        raise Misfit(f"`{place}.{missing[0]}` is not given")
    return {name: of_type(value, fields[name], types, f"{place}.{name}", part=part) for name, value in given.items()}


def of_enum(given: Json, declared: Enum, place: str) -> Wire:
    if given not in declared.members:
        raise Misfit(f"`{place}` is {wording.listing(declared.members, 'or')}, not {told(given)}")
    return str(given)


def single(given: Json, name: str, place: str) -> Wire:
    """A value of a built-in type."""
    try:
        found = READINGS[name](given)
    except (ValueError, ArithmeticError, TypeError, AttributeError):
        found = None
    if found is None:
        raise Misfit(f"`{place}` is {CALLED[name]}, not {told(given)}")
    return found


def as_int(given: Json) -> Wire:
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def as_bool(given: Json) -> Wire:
    return given if isinstance(given, bool) else None


def as_string(given: Json) -> Wire:
    """The text; one with half a character has no form in a journal."""
    return str(given.encode().decode())


def as_decimal(given: Json) -> Wire:
    if isinstance(given, bool) or not isinstance(given, int | str | Decimal):
        return None
    number = Decimal(given)
    small = number.is_finite() and abs(number.adjusted()) <= DIGITS_MAX and len(number.as_tuple().digits) <= DIGITS_MAX
    return format(number, "f") if small else None


def as_uuid(given: Json) -> Wire:
    return str(UUID(given))


def as_timestamp(given: Json) -> Wire:
    instant = datetime.fromisoformat(given)
    return None if instant.tzinfo is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


READINGS: Final = {
    "int": as_int,
    "bool": as_bool,
    "string": as_string,
    "decimal": as_decimal,
    "uuid": as_uuid,
    "timestamp": as_timestamp,
    "duration": as_int,
}
"""How a value of each built-in type is read; nothing comes of one that is of another type."""

CALLED: Final = {
    "int": "a whole number",
    "bool": "`true` or `false`",
    "string": "a string",
    "decimal": 'a decimal, as `12.50` or `"12.50"`',
    "uuid": 'a uuid, as `"00000000-0000-4000-8000-000000000001"`',
    "timestamp": 'an instant with its offset, as `"2026-01-01T00:00:00Z"`',
    "duration": "a whole number of milliseconds",
}
"""What a value of each built-in type is."""

TOLD_MAX: Final = 40
"""So much of a value is repeated in a message."""


def told(given: Json) -> str:
    """A value as it was given, or the beginning of it."""
    text = json.dumps(given, default=str, ensure_ascii=True)
    if isinstance(given, Decimal) and math.isfinite(given):
        text = str(given)
    return f"`{text}`" if len(text) <= TOLD_MAX else f"`{text[:TOLD_MAX]}…`"

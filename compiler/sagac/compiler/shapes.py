"""Types as the resolver sees them: with their members and fields at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Scalar:
    """One of the language's own types."""

    name: str


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An `enum`, or the states of a resource."""

    name: str
    members: tuple[str, ...]
    of_records: bool = False
    """Whether these are states: they belong to no declared type, and are strings where a proof reads them."""

    @property
    def lowered(self) -> str:
        """The type of its members in the plan's terms."""
        return "string" if self.of_records else self.name


@dataclass(frozen=True, slots=True)
class Fields:
    """A record; one written in place has no name."""

    name: str
    fields: tuple[tuple[str, Shape], ...]


@dataclass(frozen=True, slots=True)
class Many:
    """`list[T]`; the item of an empty list written out is `Nothing`."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Maybe:
    """`T?`."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Nothing:
    """The type of `null`, and of the items of `[]`."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The type of what has a finding already: it fits everywhere, so that one mistake is told once."""


Shape: TypeAlias = Scalar | Enumeration | Fields | Many | Maybe | Nothing | Wrong

STRING: Final = Scalar("string")
INT: Final = Scalar("int")
DECIMAL: Final = Scalar("decimal")
BOOL: Final = Scalar("bool")
UUID: Final = Scalar("uuid")
TIMESTAMP: Final = Scalar("timestamp")
DURATION: Final = Scalar("duration")
SCALARS: Final = {scalar.name: scalar for scalar in (STRING, INT, DECIMAL, BOOL, UUID, TIMESTAMP, DURATION)}
NUMBERS: Final = (INT, DECIMAL)
ORDERED: Final = (INT, DECIMAL, DURATION, TIMESTAMP)
WRONG: Final = Wrong()
NOTHING: Final = Nothing()


def text(shape: Shape) -> str:
    """The type as an author writes it."""
    match shape:
        case Scalar() | Enumeration():
            return shape.name
        case Fields():
            return shape.name or "{ " + ", ".join(f"{name}: {text(item)}" for name, item in shape.fields) + " }"
        case Many():
            return f"list[{text(shape.item)}]"
        case Maybe():
            return f"{text(shape.item)}?"
        case Nothing():
            return "null"
        case Wrong():
            return "?"


def fits(found: Shape, wanted: Shape) -> bool:
    """Whether a value of type `found` may stand where `wanted` is expected: `int` widens, `T` is a `T?`."""
    if found is wanted or isinstance(found, Wrong) or isinstance(wanted, Wrong):
        return True
    match found, wanted:
        case Nothing(), Maybe():
            return True
        case Maybe(), Maybe():
            return fits(found.item, wanted.item)
        case _, Maybe():
            return fits(found, wanted.item)
        case Many(), Many():
            return isinstance(found.item, Nothing) or fits(found.item, wanted.item)
        case Fields(), Fields():
            return found == wanted or (not found.name and _covers(found, wanted))
        case _:
            return found == wanted or (found == INT and wanted == DECIMAL)


def _covers(found: Fields, wanted: Fields) -> bool:
    """Whether a record written in place has just the fields of another."""
    given = dict(found.fields)
    return given.keys() == dict(wanted.fields).keys() and all(fits(given[name], item) for name, item in wanted.fields)


def join(first: Shape, second: Shape) -> Shape | None:
    """The smallest type that both fit; `None` where there is none."""
    if fits(first, second):
        return first if isinstance(second, Wrong) else second
    if fits(second, first):
        return first
    if isinstance(first, Nothing):
        return Maybe(second)
    if isinstance(second, Nothing):
        return Maybe(first)
    inner = join(bare(first), bare(second)) if isinstance(first, Maybe) or isinstance(second, Maybe) else None
    return None if inner is None else Maybe(inner)


def bare(shape: Shape) -> Shape:
    """`T` of a `T?`; any other type as it is."""
    return shape.item if isinstance(shape, Maybe) else shape


def is_sound(shape: Shape) -> bool:
    """Whether no part of the type has a finding of its own."""
    match shape:
        case Wrong():
            return False
        case Many() | Maybe():
            return is_sound(shape.item)
        case Fields():
            return all(is_sound(item) for _, item in shape.fields)
        case _:
            return True


def is_equatable(shape: Shape) -> bool:
    """Whether `==` is decided for values of this type."""
    return isinstance(shape, Scalar | Enumeration | Wrong)


def named(shape: Shape) -> tuple[Fields | Enumeration, ...]:
    """The declared records and enums that a type is made of, the outer ones first."""
    match shape:
        case Enumeration():
            return (shape,)
        case Fields():
            inner = tuple(part for _, item in shape.fields for part in named(item))
            return (shape, *inner) if shape.name else inner
        case Many() | Maybe():
            return named(shape.item)
        case _:
            return ()

"""Values on their way: Python's own types for handlers, JSON for the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError

from sagac.runtime.expressions import DIGITS_MAX
from sagac.runtime.plan import Wire, canonical


def encode(value: Any) -> Wire:
    """The JSON of a value; raises `ValueError` for one that JSON cannot hold without loss."""
    wire: Wire = _encode(value)
    canonical(wire)  # a text may hold half a character, which no encoding does: that is a `ValueError` too
    return wire


def encode_fields(model: BaseModel) -> dict[str, Wire]:
    """The fields of a model, encoded."""
    return {wire: encode(getattr(model, name)) for name, wire in wire_names(type(model)).items()}


def wire_names(model: type[BaseModel]) -> dict[str, str]:
    """The fields of a model with their names in the journal: a generated model renames what Python has a use for."""
    return {name: field.serialization_alias or name for name, field in model.model_fields.items()}


def misfit(failure: ValueError) -> str:
    """What does not fit, field by field, in one line."""
    if not isinstance(failure, ValidationError):
        return " ".join(str(failure).split())
    errors = failure.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_finding(error["loc"], error["msg"]) for error in errors)


def _finding(place: tuple[int | str, ...], said: str) -> str:
    """One finding: it begins with what it is about, if that has a name."""
    said = said.removeprefix("Input ").removeprefix("Value error, ")
    about = f"`{'.'.join(map(str, place))}`" if place else "it"
    return f"{about} {said}" if said.startswith("should ") else f"{about}: {said[:1].lower()}{said[1:]}"


class Decoder:
    """Turns JSON into values of one type, and takes values of that type only."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._adapter: TypeAdapter[Any] = TypeAdapter(target)

    def decode(self, wire: Wire) -> Any:
        """The value; raises `ValueError` where it is not one of this type."""
        return self._adapter.validate_python(_with_durations(self._target, wire))

    def check(self, value: Any) -> Any:
        """The value as this type has it; raises `ValueError` where it does not fit."""
        return self._adapter.validate_python(value)


def _encode(value: Any) -> Any:
    # An enum may also be a string, and a bool is an integer: the narrower case comes first.
    match value:
        case Enum():
            return _encode(value.value)
        case None | bool() | int() | str():
            return value
        case Decimal():
            return _decimal(value)
        case UUID():
            return str(value)
        case timedelta():
            return value // timedelta(milliseconds=1)
        case datetime():
            return _instant(value)
        case BaseModel():
            return {wire: _encode(getattr(value, name)) for name, wire in wire_names(type(value)).items()}
        case Mapping():
            return {str(key): _encode(item) for key, item in value.items()}
        case list() | tuple():
            return [_encode(item) for item in value]
        case _:
            raise ValueError(f"a {type(value).__name__} has no form in the journal")


def _decimal(value: Decimal) -> str:
    if not value.is_finite() or abs(value.adjusted()) > DIGITS_MAX:
        raise ValueError(f"a decimal must be finite, and have no more than {DIGITS_MAX} digits")
    return format(value, "f")


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a timestamp needs its offset from UTC")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _with_durations(target: Any, wire: Any) -> Any:
    """The wire value with its durations decoded: pydantic would read their milliseconds as seconds."""
    if target is timedelta:
        return timedelta(milliseconds=wire) if isinstance(wire, int) else wire
    if get_origin(target) is Annotated:
        return _with_durations(get_args(target)[0], wire)
    if isinstance(wire, list) and get_args(target):
        return [_with_durations(get_args(target)[0], item) for item in wire]
    if isinstance(wire, dict) and isinstance(target, type) and issubclass(target, BaseModel):
        names = {wire: name for name, wire in wire_names(target).items()}
        return {
            name: _with_durations(target.model_fields[names[name]].annotation, item) if name in names else item
            for name, item in wire.items()
        }
    return _with_durations_in_union(target, wire)


def _with_durations_in_union(target: Any, wire: Any) -> Any:
    """A `T?`: its one alternative that is not null. The language has no other unions."""
    alternatives = [alternative for alternative in get_args(target) if alternative is not type(None)]
    if wire is None or len(alternatives) != 1 or get_origin(target) in (list, tuple):
        return wire
    return _with_durations(alternatives[0], wire)

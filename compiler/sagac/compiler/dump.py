"""A print of any in-between form: the same data, the same text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum

import msgspec

from sagac.compiler.source import Span

INDENT = "  "


def dump(value: object) -> str:
    """The value as text, one part a line; frozen dataclasses, msgspec structs, collections and plain values."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: object, label: str) -> list[str]:
    start = f"{label}: " if label else ""
    if isinstance(value, Span):
        return [f"{start}{value.start}..{value.end}"]
    if isinstance(value, Mapping):
        entries = sorted(value.items(), key=lambda entry: str(entry[0]))
        return _block(start, "mapping", [(str(key), inner) for key, inner in entries])
    if isinstance(value, frozenset | set):
        return _listing(start, sorted(value, key=lambda item: (str(item), repr(item))))
    if isinstance(value, tuple | list):
        return _listing(start, value)
    if is_dataclass(value) and not isinstance(value, type):
        return _block(_with_place(start, value), type(value).__name__, _parts(value))
    if isinstance(value, msgspec.Struct):
        parts = [(field.name, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
        return _block(start, type(value).__name__, parts)
    return [f"{start}{_plain(value)}"]


def _with_place(start: str, value: object) -> str:
    span = getattr(value, "span", None)
    return f"{start}[{span.start}..{span.end}] " if isinstance(span, Span) else start


def _parts(value: object) -> list[tuple[str, object]]:
    """The fields that say something: a place stands before the name, and what is empty is left out."""
    assert is_dataclass(value)
    named = [(field.name, getattr(value, field.name)) for field in fields(value)]
    return [(name, part) for name, part in named if not (name == "span" and isinstance(part, Span))]


def _block(start: str, title: str, parts: list[tuple[str, object]]) -> list[str]:
    said = [(name, part) for name, part in parts if not _is_empty(part)]
    if len(said) == 1 and isinstance(said[0][1], str):
        return [f"{start}{title} {_plain(said[0][1])}"]
    lines = [f"{start}{title}"]
    for name, part in said:
        lines += [f"{INDENT}{line}" for line in _lines(part, name)]
    return lines


def _listing(start: str, items: tuple[object, ...] | list[object]) -> list[str]:
    if not items:
        return [f"{start}()"]
    if all(isinstance(item, str | int | None) for item in items):
        return [f"{start}({', '.join(_plain(item) for item in items)})"]
    lines = [start.rstrip() or "()"]
    for item in items:
        first, *rest = _lines(item, "")
        lines += [f"{INDENT}- {first}", *(f"{INDENT}  {line}" for line in rest)]
    return lines


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | list | frozenset | set | Mapping) and not value)


def _plain(value: object) -> str:
    match value:
        case Enum():
            return f"{type(value).__name__}.{value.name}"
        case str():
            return f'"{value}"' if value.isprintable() and '"' not in value else repr(value)
        case Decimal():
            return f"decimal {value}"
        case _:
            return repr(value)

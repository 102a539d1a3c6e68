"""Constants: their types, and their values as the journal stores them."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from sagac.compiler import codes, shapes, syntax
from sagac.compiler.finds import Finds, listed, nearest
from sagac.compiler.scopes import MISTAKEN, Typed
from sagac.compiler.shapes import Enumeration, Shape
from sagac.runtime import plan

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def literal(node: syntax.Constant, hint: Shape) -> Finds[Typed]:
    """A constant, as a value of the type that is expected where it can be one."""
    wanted = shapes.bare(hint)
    match node.kind:
        case "null":
            return Typed(shapes.NOTHING, plan.Constant(None, "null"))
        case "string" if wanted in (shapes.UUID, shapes.TIMESTAMP):
            return (yield from _written(node, wanted))
        case "int" if wanted == shapes.DECIMAL:
            return Typed(shapes.DECIMAL, plan.Constant(str(node.value), "decimal"))
        case "decimal":
            assert isinstance(node.value, Decimal), node
            return Typed(shapes.DECIMAL, plan.Constant(format(node.value, "f"), "decimal"))
        case _:
            assert not isinstance(node.value, Decimal), node
            return Typed(shapes.SCALARS[node.kind], plan.Constant(node.value, node.kind))


def _written(node: syntax.Constant, wanted: Shape) -> Finds[Typed]:
    """A string where a `uuid` or `timestamp` stands: it must be one."""
    value, name = str(node.value), shapes.text(wanted)
    if _UUID.fullmatch(value) if wanted == shapes.UUID else _is_timestamp(value):
        return Typed(wanted, plan.Constant(value.lower() if wanted == shapes.UUID else value, name))
    example = "00000000-0000-0000-0000-000000000001" if wanted == shapes.UUID else "2026-01-31T12:00:00Z"
    yield codes.finding("E301", f"`{value}` is not a `{name}`", node.span, help=f'write it like "{example}"')
    return MISTAKEN


def _is_timestamp(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def as_member(node: syntax.Expression, wanted: Shape) -> str | tuple[str, ...]:
    """What to write for a text, or for `Enum.member`, where a member of an enum is expected."""
    expected = shapes.bare(wanted)
    if not isinstance(expected, Enumeration):
        return ()
    match node:
        case syntax.Constant(kind="string"):
            word = str(node.value)
        case syntax.Reference(names=(head, member)) if head.text == expected.name:
            word = member.text
        case syntax.Items(items=(first, *_)):
            return as_member(first, expected)
        case _:
            return ()
    if word in expected.members:
        return f"a member of `{expected.name}` is written by its name alone: `{word}`"
    return nearest(word, expected.members) or f"`{expected.name}` has {listed(expected.members)}"


def is_constant(lowered: plan.Expression) -> bool:
    """Whether an expression is a value written out."""
    match lowered:
        case plan.Constant():
            return True
        case plan.Items():
            return all(is_constant(item) for item in lowered.items)
        case _:
            return False


def wire(lowered: plan.Expression) -> plan.Wire:
    """The value of a constant expression."""
    if isinstance(lowered, plan.Items):
        return [wire(item) for item in lowered.items]
    assert isinstance(lowered, plan.Constant), lowered
    return lowered.value

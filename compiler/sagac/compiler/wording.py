"""Expressions, values and times in the words of the language."""

from __future__ import annotations

import json
from typing import Final, assert_never

from sagac.runtime.plan import Binary, Call, Constant, Expression, Input, Items, Result, Status, Unary, Wire

UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))

BINDING: Final = {"implies": 1, "or": 2, "and": 3, "not": 4, "in": 5, "+": 6, "-": 6, "*": 7}
"""How tightly an operator binds; comparisons bind as `in` does."""
COMPARISON: Final = 5
NEGATION: Final = 8
ATOM: Final = 9


def duration(milliseconds: int) -> str:
    """`5s`, `200ms`, `7d`: in the largest unit that is exact."""
    size, unit = next((size, unit) for size, unit in UNITS if milliseconds % size == 0 or size == 1)
    return f"{milliseconds // size}{unit}" if milliseconds else "0s"


def value(wire: Wire, type: str) -> str:
    """A value as an author would write it."""
    kind = type.removesuffix("?")
    if wire is None:
        return "null"
    if isinstance(wire, bool):
        return "true" if wire else "false"
    if kind == "duration" and isinstance(wire, int):
        return duration(wire)
    if isinstance(wire, str) and kind != "decimal" and kind in ("string", "uuid", "timestamp", ""):
        return json.dumps(wire, ensure_ascii=False)
    if isinstance(wire, list):
        item = kind.removeprefix("list[").removesuffix("]")
        return "[" + ", ".join(value(element, item) for element in wire) + "]"
    if isinstance(wire, dict):
        return "{ " + ", ".join(f"{name} = {field(element)}" for name, element in wire.items()) + " }"
    return str(wire)


def field(wire: Wire) -> str:
    """A value whose type is not at hand."""
    return value(wire, "string" if isinstance(wire, str) else "")


def plainly(condition: Expression) -> Expression:
    """A condition without two `not` that come to nothing."""
    match condition:
        case Unary(operator="not", operand=Unary(operator="not", operand=inner)):
            return plainly(inner)
        case _:
            return condition


def expression(node: Expression) -> str:
    """An expression as an author would write it, with the fewest parentheses."""
    return bound(node)[0]


def bound(node: Expression) -> tuple[str, int]:
    """An expression's text, and how tightly it holds together."""
    match node:
        case Constant():
            return value(node.value, node.type), ATOM
        case Input():
            return ".".join(node.path), ATOM
        case Result():  # a record's own field is a result of the step with no name
            return ".".join((node.step, *node.path) if node.step else node.path), ATOM
        case Status():
            return f"{node.step}.{node.fact}", ATOM
        case Unary():
            return unary(node)
        case Binary():
            return binary(node)
        case Items():
            return "[" + ", ".join(expression(item) for item in node.items) + "]", ATOM
        case _:
            assert_never(node)


def unary(node: Unary) -> tuple[str, int]:
    match node.operator:
        case "size":
            return f"size({expression(node.operand)})", ATOM
        case "not":
            return f"not {inside(node.operand, BINDING['not'])}", BINDING["not"]
        case "-":
            return f"-{inside(node.operand, NEGATION)}", NEGATION
        case "is null" | "is not null":
            return f"{inside(node.operand, COMPARISON + 1)} {node.operator}", COMPARISON
        case _:
            assert_never(node.operator)


def binary(node: Binary) -> tuple[str, int]:
    strength = BINDING.get(node.operator, COMPARISON)
    chains = node.operator in ("and", "or", "+", "-", "*")
    left = inside(node.left, strength if chains else strength + 1)
    right = inside(node.right, strength if node.operator in ("and", "or", "implies") else strength + 1)
    return f"{left} {node.operator} {right}", strength


def inside(node: Expression, strength: int) -> str:
    text, own = bound(node)
    return text if own >= strength else f"({text})"


def operation(call: Call) -> str:
    """`warehouse.reserve`."""
    return f"{call.service}.{call.command}"


def command(full_name: str) -> str:
    """`warehouse.reserve` of `shop.warehouse.reserve`: without the package, as an author writes it."""
    return ".".join(full_name.split(".")[-2:])


def call(node: Call) -> str:
    """`warehouse.reserve(sku, quantity)`: as the author has written it."""
    return f"{operation(node)}({', '.join(expression(given) for _, given in node.arguments)})"


def listing(words: tuple[str, ...] | list[str], joint: str = "and") -> str:
    """``a``, ``a` and `b``, ``a`, `b` and `c``: names in backticks, as a sentence has them."""
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"


def counted(count: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

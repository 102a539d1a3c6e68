"""What a written expression reads, and what a condition shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from sagac.compiler import syntax
from sagac.compiler.scopes import Path


def references(node: syntax.Expression) -> Iterator[syntax.Reference]:
    """Every reference in an expression, in source order."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, syntax.Reference):
            yield current
        elif not isinstance(current, syntax.Constant):
            pending.extend(reversed(parts(current)))


def records_read(node: syntax.Expression, old: bool = False) -> Iterator[tuple[syntax.RecordState, bool]]:
    """Every `R[k]` in an expression, in source order, and whether it stands under `old`."""
    match node:
        case syntax.RecordState():
            yield node, old
        case syntax.Application() if node.function.text == "old":
            for part in parts(node):
                yield from records_read(part, True)
        case _:
            for part in parts(node):
                yield from records_read(part, old)


def parts(node: syntax.Expression) -> tuple[syntax.Expression, ...]:
    """The expressions that an expression is directly made of."""
    match node:
        case syntax.Constant() | syntax.Reference():
            return ()
        case syntax.RecordState():
            return node.keys
        case syntax.Application():
            return node.arguments
        case syntax.Unary():
            return (node.operand,)
        case syntax.Binary():
            return (node.left, node.right)
        case syntax.Items():
            return node.items
        case _:
            assert_never(node)


def words(nodes: tuple[syntax.Node, ...]) -> frozenset[str]:
    """Every name in a part of a file that may be that of something declared elsewhere."""
    found: set[str] = set()
    pending: list[object] = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, syntax.NamedType):
            found.add(node.name)
        elif isinstance(node, syntax.Name):
            found.add(node.text)
        elif isinstance(node, tuple):
            pending.extend(node)
        elif isinstance(node, syntax.Node):
            pending.extend(getattr(node, name) for name in node.__dataclass_fields__ if name != "span")
    return frozenset(found)


def facts(node: syntax.Expression, truth: bool = True) -> frozenset[Path]:
    """The values that are certainly there where a condition came out as `truth` (settled question 11)."""
    match node:
        case syntax.Unary(operator="is null" | "is not null", operand=syntax.Reference() as operand):
            shown = (node.operator == "is not null") == truth
            return frozenset({tuple(name.text for name in operand.names)}) if shown else frozenset()
        case syntax.Unary(operator="not"):
            return facts(node.operand, not truth)
        case syntax.Binary(operator="and" | "or"):
            left, right = facts(node.left, truth), facts(node.right, truth)
            return left | right if (node.operator == "and") == truth else left & right
        case syntax.Binary(operator="implies") if not truth:
            return facts(node.left, True) | facts(node.right, False)
        case _:
            return frozenset()

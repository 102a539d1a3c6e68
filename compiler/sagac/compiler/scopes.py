"""What an expression may read, and what comes of it: its type, and its form in the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from sagac.compiler import syntax
from sagac.compiler.shapes import WRONG, Enumeration, Shape
from sagac.compiler.source import Span
from sagac.runtime import plan

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """What the first name of a reference stands for."""

    kind: Literal["input", "step", "local", "field"]
    """`local` is a parameter, a key or an output, `field` one of the record that the expression is about."""
    shape: Shape
    """For a step, the type of its result; `Nothing` where it returns nothing."""
    span: Span


@dataclass(frozen=True, slots=True)
class Records:
    """A resource as `R[k]` reads it."""

    full_name: str
    """`warehouse.Stock`."""
    keys: tuple[Shape, ...]
    fields: Mapping[str, Shape]
    states: Enumeration | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may read, and under which rules it stands."""

    place: str
    """What the expression is in, for messages: `a guard`."""
    roots: Mapping[str, Root] = field(default_factory=dict)
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Names that exist but cannot be read here, with what they are: `a step`."""
    silent: frozenset[str] = frozenset()
    """Names that have a finding already."""
    present: frozenset[Path] = frozenset()
    """The optional values that a condition has shown to be there."""
    products: bool = False
    """Whether two unknowns may be multiplied: only where nothing is proved about the value."""
    old: bool = False
    records: Mapping[str, Records] | None = None
    """The resources that `R[k]` may name; `None` where records cannot be read."""
    numbers: Mapping[Span, int] = field(default_factory=dict)
    """The number of the record that each `R[k]` reads, by its place."""
    doubled: frozenset[str] = frozenset()
    """Resources that two visible services declare."""
    blind: bool = False
    """Whether an import failed: a resource that is not known may be declared there."""

    def knowing(self, facts: frozenset[Path]) -> Scope:
        """The same scope, with more values shown to be there."""
        return replace(self, present=self.present | facts) if facts else self


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression with its type, lowered for the plan unless it has a finding or reads what no plan can."""

    shape: Shape
    lowered: plan.Expression | None


MISTAKEN: Final = Typed(WRONG, None)


def is_lone(node: syntax.Expression, scope: Scope) -> bool:
    """Whether an expression is one name that is no input or step: a member of an enum, or nothing."""
    return isinstance(node, syntax.Reference) and len(node.names) == 1 and node.names[0].text not in scope.roots

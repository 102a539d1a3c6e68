"""The groups of questions that a report asks of each step, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from sagac.compiler.verdicts import Family

Name: TypeAlias = Literal["control", "effects", "unknown outcomes", "data", "time", "rules"]


@dataclass(frozen=True, slots=True)
class Group:
    """Families of one letter, as one question."""

    name: Name
    letter: str
    question: str


GROUPS: Final[tuple[Group, ...]] = (
    Group("control", "A", "can every run finish or be undone, in order, whatever fails?"),
    Group("effects", "B", "does undoing restore what was there, whatever else goes on beside it?"),
    Group("unknown outcomes", "C", "is a lost answer settled, and nothing done twice?"),
    Group("data", "D", "is every value there when it is read?"),
    Group("time", "E", "does it end in time, and let go in time?"),
    Group("rules", "F", "does every run keep the rules that the author wrote?"),
)

CLAUSES: Final[Mapping[str, Name]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("changes", "requires", "yields", "hold", "references", "clean", "done", "invariant", "observe"), "effects"
        ),
        "idempotent for": "unknown outcomes",
        **dict.fromkeys(("exactly one of", "at least one of"), "data"),
        **dict.fromkeys(("holds for", "deadline", "rollback within", "sla", "lock"), "time"),
        **dict.fromkeys(("ensure", "require", "forbid"), "rules"),
    }
)
"""Which question a clause belongs to, by its word."""


def of_family(family: Family) -> Name:
    """The group that a family belongs to."""
    return next(group.name for group in GROUPS if group.letter == family[0])


def of_clause(clause: str) -> Name:
    """The group that a clause belongs to; what is known of no clause is a rule that the author wrote."""
    return CLAUSES.get(clause, "rules")

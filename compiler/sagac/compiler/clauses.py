"""Clauses of a block: the one of a kind, and no second one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from sagac.compiler import codes, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds

C = TypeVar("C")


def one_each(clauses: Iterable[C], kinds: tuple[type, ...], where: str) -> Finds[None]:
    """A finding for every clause of these kinds that stands a second time."""
    first: dict[type, syntax.Node] = {}
    for clause in clauses:
        if not isinstance(clause, kinds):
            continue
        assert isinstance(clause, syntax.Node), clause
        if type(clause) in first:
            yield codes.finding(
                "E310",
                f"{WORDS[type(clause)]} stands twice in {where}",
                clause.span,
                Label(first[type(clause)].span, "the first one"),
                help="keep one of them",
            )
        else:
            first[type(clause)] = clause


WORDS: Final[Mapping[type, str]] = {
    syntax.Idempotent: "`idempotent`",
    syntax.Fails: "`fails`",
    syntax.LandsWithin: "`lands within`",
    syntax.Probe: "`probe`",
    syntax.Revokes: "`revokes`",
    syntax.HoldsFor: "`holds for`",
    syntax.Changes: "`changes`",
    syntax.Owner: "`owner`",
    syntax.Key: "`key`",
    syntax.InputBlock: "`input`",
    syntax.OutputBlock: "`output`",
    syntax.Deadline: "`deadline`",
    syntax.Rollback: "`rollback`",
    syntax.OnUnknownHold: "`on unknown hold`",
    syntax.After: "`after`",
    syntax.When: "`when`",
    syntax.Do: "`do`",
    syntax.Timeout: "`timeout`",
    syntax.Retry: "`retry`",
    syntax.Irreversible: "`irreversible`",
    syntax.Left: "`left`",
    syntax.UndoneBy: "`undone by`",
    syntax.OnRefusal: "`on refusal`",
    syntax.States: "`states`",
    syntax.Observe: "`observe`",
    syntax.ThenEnd: "the end",
    syntax.ThenOrder: "`order`",
    syntax.GivenInput: "`input`",
}
"""How an author writes each clause."""


def the(clauses: Iterable[object], kind: type[C]) -> C | None:
    """The first clause of a kind, if there is one."""
    return next((clause for clause in clauses if isinstance(clause, kind)), None)


def positive(duration: syntax.Duration, what: str) -> Finds[int]:
    """A time in milliseconds that must be longer than nothing."""
    if duration.ms <= 0:
        yield codes.finding("E319", f"{what} must be longer than 0", duration.span)
    return duration.ms

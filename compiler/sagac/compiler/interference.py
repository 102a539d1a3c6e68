"""Interference seen on concrete records: orders that do not come to the same, and undos that are refused or misled."""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import rehearsal
from sagac.compiler.model import Project
from sagac.compiler.rehearsal import Rehearsal, Row
from sagac.compiler.replay import Unreplayable
from sagac.compiler.verdicts import History


def not_alike(history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """Both orders of the same acts begin alike, and do not come to the same (B2, B4)."""
    accepted(found.rows)
    for row in found.otherwise:
        if row.refused:
            return (f"the other way round {told(row)} is refused: {row.refused}",)
        if not rehearsal.lawful(project, row.after, rehearsal.keys_of(project, history)):
            return (f"the other way round a record breaks its invariant after {told(row)}",)
    heard = {row.act: row.captured for row in found.rows}
    for row in found.otherwise:
        for name, value in row.captured.items():
            first = heard[row.act].get(name)
            if first != value:
                return (f"the other way round {told(row)} returns another `{name}`: {value}, not {first}",)
    differing = tuple(different(found, project))
    if not differing:
        raise Unreplayable("both orders come to the same")
    return tuple(f"the other way round, at the end {line}" for line in differing)


def refused_at_last(found: Rehearsal) -> tuple[str, ...]:
    """All is accepted but the last act (B5)."""
    *before, last = found.rows
    accepted(tuple(before))
    if not last.refused:
        raise Unreplayable(f"{told(last)} is not refused")
    return (f"{told(last)} is refused: {last.refused}",)


def in_the_way(found: Rehearsal, project: Project) -> tuple[str, ...]:
    """An undo is refused for what another one left; or leaves more than that (B3)."""
    *before, last = found.rows
    accepted(tuple(before))
    if last.refused:
        return (f"{told(last)} is refused: {last.refused}",)
    if last.act.undo is None or any(row.refused for row in found.otherwise):
        raise Unreplayable("nothing is in the way of an undo")
    differing = tuple(different(found, project))
    if not differing:
        raise Unreplayable("nothing else is left")
    return tuple(f"had {last.act.step} never happened, at the end {line}" for line in differing)


def accepted(rows: tuple[Row, ...]) -> None:
    """None of these is refused; raises `Unreplayable` where one is."""
    for row in rows:
        if row.refused:
            raise Unreplayable(f"{told(row)} is refused: {row.refused}")


def different(found: Rehearsal, project: Project) -> Iterator[str]:
    """What a record holds at the end of the second order, where the first leaves it otherwise."""
    for record, contents in found.after_otherwise.items():
        if not rehearsal.same(project, record, found.after[record], contents):
            one = rehearsal.listed(project, record, found.after[record])
            yield f"{found.names[record]}: {rehearsal.listed(project, record, contents)}, not {one}"


def told(row: Row) -> str:
    """An act, for people."""
    what = f"the undo of `{row.act.step}`" if row.act.undo is not None else f"`{row.act.step}`"
    return what if row.act.side == 0 else f"{what} of the other run"

"""Instructions: lines of help that say what to write where, read back as edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.edits import Edit, Fix, Page, guarded, retried, starts_after, undo_retried
from sagac.compiler.model import Saga, Step

IN_STEP: Final = re.compile(r"`([^`]+)` in `(\w+)`(?: of `(\w+)`)?")
IN_UNDO: Final = re.compile(r"`(retry [^`]+)` in the undo of `(\w+)`")
GUARD: Final = re.compile(r"(?:guard `(\w+)` at least as tightly|let `(\w+)` run only then): `when ([^`]+)`")
REST: Final = re.compile(r"let the last one cover the rest: `when ([^`]+)` in `(\w+)`")
ALLOW: Final = re.compile(r"allow for it: `((deadline|rollback within) [^`]+)`")


def fixes(page: Page, finding: Diagnostic) -> Iterator[Fix]:
    """Those lines of a finding's help that leave nothing open, as fixes."""
    for line in finding.help:
        edits = () if "…" in line else tuple(found(page, line))
        if edits:
            yield Fix(line, edits)


def found(page: Page, line: str) -> Iterator[Edit]:
    """The edits that a line asks for, all together."""
    if (match := REST.search(line)) is not None:
        step = named(page.saga, match[2])
        if step is not None and step.guard is not None:
            yield Edit(step.guard.span, match[1])
    elif (match := GUARD.search(line)) is not None:
        step = named(page.saga, match[1] or match[2])
        if step is not None:
            yield guarded(page, step, match[3])
    elif (match := IN_UNDO.search(line)) is not None:
        step = named(page.saga, match[2])
        yield from (undo_retried(page, handler, match[1]) for handler in (step.handlers if step is not None else ()))
    elif (match := ALLOW.search(line)) is not None:
        yield from allowed(page.saga, match[1], match[2])
    else:
        yield from in_steps(page, line)


def allowed(saga: Saga, words: str, limit: str) -> Iterator[Edit]:
    """Another limit in place of the one that the saga has."""
    place = saga.deadline_span if limit == "deadline" else saga.rollback_span
    if place is not None:
        yield Edit(place, f"{words} in order" if limit != "deadline" and saga.rollback_in_order else words)


def in_steps(page: Page, line: str) -> Iterator[Edit]:
    """A clause in each step that the line names; nothing where one of them is not known."""
    edits = [edit(page, *match) for match in IN_STEP.findall(line)]
    yield from (each for each in edits if each is not None) if None not in edits else ()


def edit(page: Page, clause: str, name: str, saga: str) -> Edit | None:
    """One clause in one step."""
    where = page.saga if not saga else next((each for each in page.checked.project.sagas if each.name == saga), None)
    step = None if where is None else named(where, name)
    if step is None:
        return None
    word, _, rest = clause.partition(" ")
    match word:
        case "after":
            return starts_after(page, step, rest)
        case "when":
            return guarded(page, step, rest)
        case "retry":
            return retried(page, step, clause)
        case _:
            return page.put_in(step, clause)


def named(saga: Saga, name: str) -> Step | None:
    return next((step for step in saga.steps if step.name == name), None)

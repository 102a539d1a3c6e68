"""Fault: the smallest set of clauses of contracts that a counterexample about effects really goes through.

A clause is left out of the contracts and the story is rehearsed again: where the same harm is done without it, it is
not at fault. What is left is minimal, and is shown beside the finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sagac.compiler import harm, rehearsal
from sagac.compiler.model import Assignment, Change, Guard, Operation, Project
from sagac.compiler.rehearsal import Rehearsal
from sagac.compiler.replay import Unreplayable
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Act, Claim, History

NAMED_MAX: Final = 4
"""With more clauses at fault than this none is named beside the one that the finding names."""

Place: TypeAlias = tuple[Span, str]
"""A clause, and what it does there."""

NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Clause:
    """Something that a command does or checks: an assignment, a `requires`, or the change of a state."""

    service: str
    operation: str
    number: int
    """The `changes` that it is part of, in source order."""
    part: Assignment | Guard | None
    """`None` for the state."""
    place: Place


def clauses(claim: Claim, history: History, project: Project) -> tuple[Place, ...]:
    """The clauses at fault, in the order of the acts; the history has all of its values, and does its harm."""
    harmed = seen(claim, history, project)
    if harmed is None:
        return ()
    without, at_fault = project, []
    for clause in candidates(history, project):
        rest = dropped(without, clause)
        if seen(claim, history, rest) == harmed:
            without = rest
        else:
            at_fault.append(clause.place)
    return tuple(at_fault) if len(at_fault) <= NAMED_MAX else ()


def candidates(history: History, project: Project) -> Iterator[Clause]:
    """The clauses of every command of the story, each once."""
    calls = dict.fromkeys(call_of(history, act, project) for act in (*history.acts, *history.otherwise))
    for service, name in calls:
        operation = project.services[service].operations[name]
        for number, change in enumerate(operation.changes):
            yield from parts(service, operation, number, change)


def parts(service: str, operation: Operation, number: int, change: Change) -> Iterator[Clause]:
    """What one `changes` says."""
    command = f"{service.rpartition('.')[2]}.{operation.name}"
    for guard in change.requires:
        yield Clause(service, operation.name, number, guard, (guard.span, f"`{command}` checks this"))
    for assignment in change.assignments:
        yield Clause(service, operation.name, number, assignment, (assignment.span, f"`{command}` does this"))
    if change.source:
        yield Clause(service, operation.name, number, None, (change.span, led(command, change)))


def led(command: str, change: Change) -> str:
    """What a command does to a state."""
    if change.source == change.target:
        return f"`{command}` needs this state"
    return f"`{command}` leads from `{change.source}` to `{change.target}`"


def call_of(history: History, act: Act, project: Project) -> tuple[str, str]:
    call = rehearsal.call_of(project, history.sides[act.side], act)
    return call.service, call.operation


def dropped(project: Project, clause: Clause) -> Project:
    """The project with a contract that lacks the clause."""
    service = project.services[clause.service]
    operation = service.operations[clause.operation]
    changes = list(operation.changes)
    changes[clause.number] = less(changes[clause.number], clause.part)
    operations = {**service.operations, operation.name: replace(operation, changes=tuple(changes))}
    return replace(project, services={**project.services, clause.service: replace(service, operations=operations)})


def less(change: Change, part: Assignment | Guard | None) -> Change:
    """A change without one of its parts."""
    if part is None:
        return replace(change, source="", target="")
    return replace(
        change,
        requires=tuple(guard for guard in change.requires if guard is not part),
        assignments=tuple(each for each in change.assignments if each is not part),
    )


# --- the same harm ---------------------------------------------------------------------------------------------------


Harm: TypeAlias = tuple[object, ...]
"""What goes wrong, without what records hold beside."""


def seen(claim: Claim, history: History, project: Project) -> Harm | None:
    """The harm that is done under these contracts, if any is."""
    try:
        found = rehearsal.rehearse(history, project)
        lines = harm.seen(claim, history, found, project)
    except Unreplayable:
        return None
    refused = tuple(bool(row.refused) and row.refused for row in (*found.rows, *found.otherwise))
    if any(refused):
        return refused
    differing = tuple(different(claim, found, project))
    return differing or tuple(NUMBER.sub("", line) for line in lines)


def different(claim: Claim, found: Rehearsal, project: Project) -> Sequence[tuple[object, ...]]:
    """The fields of records that do not hold what they should, with what they hold."""
    if found.otherwise:
        one, two = found.after, found.after_otherwise
    elif claim.family == "C2":
        one, two = found.rows[0].after, found.after
    elif claim.family == "B1":
        one, two = found.before, found.after
    else:
        return ()
    return [
        (each, field, one[each][field], two[each][field])
        for each in one
        if each in two
        for field in rehearsal.differences(project, each, one[each], two[each])
    ]

"""What a history leaves unkept of what is said about records: preconditions, invariants, references, what is ensured.

Looked for in its rehearsal on concrete records, with the runtime's own evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sagac.compiler import rehearsal, wording
from sagac.compiler.model import Ensure, Project, RecordReading, Reference, Resource, Saga
from sagac.compiler.rehearsal import STATE, Contents, Record, Records, Rehearsal, Row, is_true
from sagac.compiler.replay import Unreplayable
from sagac.compiler.verdicts import Claim, History
from sagac.runtime.expressions import Unavailable, View, evaluate
from sagac.runtime.plan import Binary, Expression, Wire

REFERRING: Final = " never refers to a "
"""In every claim about a reference, and in no other."""

# --- D4 ------------------------------------------------------------------------------------------------------------


def refused_at_last(found: Rehearsal) -> tuple[str, ...]:
    """All acts are accepted but the last one, which is not."""
    *done, last = found.rows
    accepted(done)
    if not last.refused:
        raise Unreplayable(f"`{last.act.step}` is accepted")
    return (f"the service refuses `{last.act.step}`: {last.refused}",)


def accepted(rows: list[Row]) -> None:
    """Raises `Unreplayable` where a service refuses one of these."""
    for row in rows:
        if row.refused:
            raise Unreplayable(f"`{row.act.step}` is refused: {row.refused}")


# --- B6 ------------------------------------------------------------------------------------------------------------


def broken_or_dangling(claim: Claim, history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """An invariant that held no longer does; or a record refers to one that is not there."""
    accepted(list(found.rows))
    if REFERRING in claim.text:
        return dangling(history, found, project)
    return broken(history, found, project)


def broken(history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    keys = rehearsal.keys_of(project, history)
    if not rehearsal.lawful(project, found.before, keys):
        raise Unreplayable("the invariants do not hold before")
    for record, left in found.after.items():
        resource = project.resource(record.resource)
        for guard in resource.invariants:
            if not is_true(guard.condition, of_record(resource, keys[record], left)):
                return (f"{found.names[record]} breaks its invariant: `{wording.expression(guard.condition)}`",)
    raise Unreplayable("every invariant still holds")


def of_record(resource: Resource, key: tuple[Wire, ...], held: Contents) -> View:
    """What a record's own conditions read."""
    return View({part.name: value for part, value in zip(resource.keys, key, strict=True)}, {"": dict(held)}, {})


def references(project: Project) -> Iterator[tuple[Resource, Reference]]:
    """Every reference of the project, with the resource that has it."""
    for service in project.services.values():
        for resource in service.resources.values():
            yield from ((resource, field.reference) for field in resource.fields if field.reference is not None)


def dangling(history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """A record is there, and what it refers to is in its initial state."""
    keys = rehearsal.keys_of(project, history)
    for resource, reference in references(project):
        for record, held in found.after.items():
            if record.resource != resource.full_name or held.get(STATE) == resource.initial:
                continue
            view = of_record(resource, keys[record], held)
            target = rehearsal.record(project, reference.resource, [evaluate(key, view) for key in reference.keys])
            initial = project.resource(reference.resource).initial
            if target in found.after and found.after[target][STATE] == initial:
                missing = f"which is not there: `{initial}` is its initial state"
                return (f"{found.names[record]} refers to {found.names[target]}, {missing}",)
    raise Unreplayable("every record refers to one that is there")


# --- F, B7 ---------------------------------------------------------------------------------------------------------


def not_ensured(claim: Claim, history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """What a saga ensures does not hold of the records as they are left."""
    saga = rehearsal.saga_of(project, history.sides[0])
    ensure = next(each for each in saga.ensures if each.span == claim.span)
    accepted(list(found.rows))
    if claim.text.endswith("`clean`"):
        return unclean(history, found, project)
    read = {
        f"record {number}": dict(held(history, found, project, record)) for number, record in enumerate(ensure.records)
    }
    side = history.sides[0]
    view = View(side.input, {**side.results, **read}, dict(statuses(history, saga)))
    parts = [part for part in conjuncts(ensure.condition) if wording.expression(part) != "clean"]
    if all(is_true(part, view) for part in parts):
        raise Unreplayable("what is ensured holds")
    return tuple(values(history, found, project, ensure)) or ("what is ensured does not hold",)


def statuses(history: History, saga: Saga) -> Iterator[tuple[str, str]]:
    """Whether each step is done or was skipped, in a run that has completed."""
    side = history.sides[0]
    view = View(side.input, side.results, {})
    for step in saga.steps:
        runs = step.guard is None or is_true(step.guard.condition, view)
        yield step.name, "done" if runs else "skipped"


def conjuncts(condition: Expression) -> Iterator[Expression]:
    """The parts of a condition that are joined by `and`."""
    if isinstance(condition, Binary) and condition.operator == "and":
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    else:
        yield condition


def held(history: History, found: Rehearsal, project: Project, reading: RecordReading) -> Contents:
    """What a record of an `ensure` holds: now, or as it was when the run started."""
    known: Records = found.before if reading.old else found.after
    record = named(history, project, reading)
    if record not in known:
        raise Unreplayable(f"nothing is said of a record of `{project.resource(reading.resource).name}`")
    return known[record]


def named(history: History, project: Project, reading: RecordReading) -> Record:
    side = history.sides[0]
    view = View(side.input, side.results, {})
    try:
        return rehearsal.record(project, reading.resource, [evaluate(key, view) for key in reading.keys])
    except Unavailable as missing:
        raise Unreplayable(f"the key of a record reads what is not there: {missing}") from None


def values(history: History, found: Rehearsal, project: Project, ensure: Ensure) -> Iterator[str]:
    """What the records of an `ensure` hold when it is asked, and held before where that is compared."""
    when = "then" if ensure.at == "always" else "in the end"
    shown: dict[Record, None] = dict.fromkeys(named(history, project, reading) for reading in ensure.records)
    for record in shown:
        was = f", before {rehearsal.listed(project, record, found.before[record])}" if ensure.conserves else ""
        yield f"{when} {found.names[record]}: {rehearsal.listed(project, record, found.after[record])}{was}"


def unclean(history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """A record that the run has changed is neither clean nor as before."""
    for record in dict.fromkeys(record for row in found.rows for record in row.touched):
        resource, before, after = project.resource(record.resource), found.before[record], found.after[record]
        differing = set(rehearsal.differences(project, record, before, after))
        if resource.states and after[STATE] in resource.clean:
            differing = set() if rehearsal.is_own(project, history.sides[0], record) else differing - {STATE}
        if differing:
            return (f"expected {found.names[record]}: {rehearsal.listed(project, record, before)}",)
    raise Unreplayable("every record is as before, or clean")

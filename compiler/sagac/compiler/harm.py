"""The harm that a history does, looked for in its rehearsal on concrete records: never taken on trust.

Each family says here what its claim comes to once records hold values. Nothing of what a solver was told is used.
"""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import interference, rehearsal, unkept
from sagac.compiler.model import Handler, Project, Saga, Step
from sagac.compiler.rehearsal import STATE, Contents, Record, Rehearsal, Row
from sagac.compiler.replay import Unreplayable
from sagac.compiler.verdicts import Claim, History


def seen(claim: Claim, history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """What is wrong with what came of the acts, in words; raises `Unreplayable` where nothing is."""
    match claim.family:
        case "B1":
            return not_restored(history, found, project)
        case "C2":
            return not_once(found, project)
        case "B2" | "B4":
            return interference.not_alike(history, found, project)
        case "B3":
            return interference.in_the_way(found, project)
        case "B5":
            return interference.refused_at_last(found)
        case "D4":
            return unkept.refused_at_last(found)
        case "B6":
            return unkept.broken_or_dangling(claim, history, found, project)
        case "B7" | "F":
            return unkept.not_ensured(claim, history, found, project)
        case _:
            raise Unreplayable(f"{claim.family} is not about records")


# --- B1 ------------------------------------------------------------------------------------------------------------


def not_restored(history: History, found: Rehearsal, project: Project) -> tuple[str, ...]:
    """The last act is an undo that is refused, or leaves a record neither as before nor clean.

    What is said of a `mitigate` is that it takes back what another step did: all is as it were without that one.
    """
    *done, undo = found.rows
    if undo.act.undo is None or any(row.act.undo is not None for row in done):
        raise Unreplayable("it is not one undo after what it undoes")
    for row in done:
        if row.refused:
            raise Unreplayable(f"`{row.act.step}` is refused: {row.refused}")
    if undo.refused:
        return (f"the undo of `{undo.act.step}` is refused: {undo.refused}",)
    if handler_of(project, history, undo).mitigates and not history.otherwise:
        raise Unreplayable("what a `mitigate` leaves different is said to stay")
    if any(row.refused for row in found.otherwise):
        raise Unreplayable("without the step another one is refused")
    expected = found.after_otherwise if history.otherwise else found.before
    for record in dict.fromkeys(record for row in found.rows for record in row.touched):
        before, after = expected[record], found.after[record]
        differing = tuple(broken(project, history, record, before, after))
        if differing:
            return (f"expected {found.names[record]}: {', '.join(differing)}",)
    raise Unreplayable("every record is as before, or clean")


def broken(project: Project, history: History, record: Record, before: Contents, after: Contents) -> Iterator[str]:
    """What a record should hold: what it held before, where it now holds something else that matters."""
    resource = project.resource(record.resource)
    differing = rehearsal.differences(project, record, before, after)
    if resource.states and after[STATE] in resource.clean:
        # Of a record that the run owns, fields do not matter once it is clean; of a shared one they do.
        own = rehearsal.is_own(project, history.sides[0], record)
        differing = () if own else tuple(name for name in differing if name != STATE)
    if differing:
        yield rehearsal.listed(project, record, before)


def type_of(saga: Saga, name: str) -> str:
    return next(given.type for given in saga.inputs if given.name == name)


# --- C2 ------------------------------------------------------------------------------------------------------------


def not_once(found: Rehearsal, project: Project) -> tuple[str, ...]:
    """One command lands twice, and the second time is refused, changes a record, or finds something else."""
    once, twice = found.rows
    if once.act != twice.act or once.refused:
        raise Unreplayable(f"`{once.act.step}` does not land twice")
    if twice.refused:
        return (f"refused the second time, though it has taken effect: {twice.refused}",)
    for record in once.touched:
        if not rehearsal.same(project, record, once.after[record], twice.after[record]):
            return (f"expected {found.names[record]}: {rehearsal.listed(project, record, once.after[record])}",)
    if once.captured != twice.captured:
        return ("the second answer is another one",)
    raise Unreplayable("landing twice is landing once")


# --- whose it is ---------------------------------------------------------------------------------------------------


def step_of(project: Project, history: History, row: Row) -> Step:
    """The step of a row."""
    return rehearsal.step_of(project, history.sides[row.act.side], row.act)


def handler_of(project: Project, history: History, row: Row) -> Handler:
    """The undo that a row is."""
    assert row.act.undo is not None, row
    return step_of(project, history, row).handlers[row.act.undo]


def sides_named(project: Project, history: History) -> tuple[str, ...]:
    """What each run of a history is called."""
    own, *others = (rehearsal.saga_of(project, side) for side in history.sides)
    name = "this run" if all(other.full_name == own.full_name for other in others) else f"this run of `{own.name}`"
    return (
        name,
        *(f"another run of `{other.name}`" if other is own else f"a run of `{other.name}`" for other in others),
    )

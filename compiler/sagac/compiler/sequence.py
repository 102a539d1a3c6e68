"""A counterexample as a Mermaid sequence diagram: who calls whom, what is answered, and where it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from sagac.compiler import rehearsal, timeline, values
from sagac.compiler.model import Project
from sagac.compiler.planner import called
from sagac.compiler.rehearsal import Rehearsal
from sagac.compiler.timeline import Moment, Row
from sagac.compiler.verdicts import History
from sagac.runtime.plan import Undo
from sagac.runtime.run import Run

ENTITIES: Final = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "\n": " ", "`": "'"})
"""What Mermaid would read as its own, or as the end of a message."""

RUN: Final = "run"

Participants: TypeAlias = Mapping[str, str]
"""The diagram's name of each service."""


# --- one run, as the kernel has it ---------------------------------------------------------------------------------


def of_run(moments: Sequence[Moment], consequence: Sequence[str], *, keep: frozenset[str] = frozenset()) -> str:
    """The diagram of a replayed run, with what is wrong at its end. `keep` are the steps that are always told."""
    run = moments[-1].run
    lines = timeline.collapsed(timeline.without_superseded(list(happened(moments))), keep)
    rows = [line for line in lines if isinstance(line, Row)]
    services = tuple(dict.fromkeys(service(run, row) for row in rows))
    known = {name: f"s{number}" for number, name in enumerate(services)}
    told = (each for line in lines for each in (called_by(run, line, known) if isinstance(line, Row) else note(line)))
    ending = (each for line in consequence for each in note(line))
    return "\n".join((*head({RUN: run.plan.saga.rpartition(".")[2]}, known), *told, *ending))


def happened(moments: Sequence[Moment]) -> Iterator[timeline.Line]:
    """What the events of a run brought, one by one."""
    guards = values.guards(moments[0].run.plan)
    mattering = frozenset(place for condition in guards for place in values.variables(condition))
    for before, moment in timeline.earlier(moments):
        yield from timeline.happened(before, moment, mattering)


def head(runs: Mapping[str, str], services: Participants) -> Iterator[str]:
    """The participants: the runs first, then the services in the order in which they are called."""
    yield "sequenceDiagram"
    yield from (f"  participant {name} as {escaped(text)}" for name, text in runs.items())
    yield from (f"  participant {name} as {escaped(text)}" for text, name in services.items())


def service(run: Run, row: Row) -> str:
    """Who is called."""
    i = run.layout.position[row.step]
    step = run.plan.steps[i]
    return undo_of(run, i).call.service if is_undo(row) else step.call.service


def undo_of(run: Run, i: int) -> Undo:
    """The undo that a run chose for a step."""
    return run.plan.steps[i].undos[run.actions[i].undo_index]


def is_undo(row: Row) -> bool:
    return row.name.startswith("undo ")


def called_by(run: Run, row: Row, known: Participants) -> Iterator[str]:
    """A call and its answer; a guard that lets nothing be called is a note."""
    if row.call.startswith("when "):
        yield from note(f"{row.name} is {row.outcome}: {row.call}")
        return
    yield from exchange(RUN, known[service(run, row)], f"{row.name}: {row.call}", row.outcome)


def exchange(caller: str, callee: str, call: str, outcome: str) -> Iterator[str]:
    """The arrow there, and the one back; none comes back where nobody answers."""
    if outcome.startswith(("no answer", "not applied")):
        yield f"  {caller}-x{callee}: {escaped(call)}"
        yield f"  Note over {caller},{callee}: {escaped(outcome)}"
        return
    yield f"  {caller}->>{callee}: {escaped(call)}"
    arrow = "--x" if outcome.startswith(("refused", "fails")) else "-->>"
    yield f"  {callee}{arrow}{caller}: {escaped(outcome)}"


def note(text: str, over: str = RUN) -> Iterator[str]:
    yield f"  Note over {over}: {escaped(text.strip())}"


def escaped(text: str) -> str:
    """Text that Mermaid shows as it is."""
    return text.translate(ENTITIES)


# --- effects on records, by one run or two -------------------------------------------------------------------------


def of_history(history: History, told: Rehearsal, project: Project, consequence: Sequence[str]) -> str:
    """The diagram of a rehearsed history: a participant for each run, and under each call what it has left."""
    runs = {f"r{number}": name for number, name in enumerate(names(history))}
    services = dict.fromkeys(owner(project, history, row) for row in (*told.rows, *told.otherwise))
    known = {name: f"s{number}" for number, name in enumerate(services)}
    lines = [*head(runs, known), *standing(told, project, known, runs)]
    lines += [line for row in told.rows for line in act(history, told, project, row, known)]
    if told.otherwise:
        lines += note("the other way round", over=everybody(runs, known))
        lines += [line for row in told.otherwise for line in act(history, told, project, row, known)]
    lines += [each for line in consequence for each in note(line, over=everybody(runs, known))]
    return "\n".join(lines)


def names(history: History) -> tuple[str, ...]:
    """What each run is called: by its saga, and by number where two are of one saga."""
    sagas = [side.saga.rpartition(".")[2] for side in history.sides]
    if len(set(sagas)) == len(sagas):
        return tuple(sagas)
    return tuple(f"{saga}, run {number}" for number, saga in enumerate(sagas, 1))


def owner(project: Project, history: History, row: rehearsal.Row) -> str:
    """The service that an act calls."""
    return called(rehearsal.call_of(project, history.sides[row.act.side], row.act)).service


def standing(told: Rehearsal, project: Project, known: Participants, runs: Mapping[str, str]) -> Iterator[str]:
    """What the records hold at first."""
    for each, held in told.before.items():
        place = known.get(project.resource(each.resource).service.rpartition(".")[2], next(iter(runs)))
        yield from note(f"{told.names[each]}: {rehearsal.listed(project, each, held)}", over=place)


def act(history: History, told: Rehearsal, project: Project, row: rehearsal.Row, known: Participants) -> Iterator[str]:
    """One command: the call, the answer, and what it has left."""
    name = row.act.step if row.act.undo is None else f"undo {row.act.step}"
    callee = known[owner(project, history, row)]
    outcome = f"refused: {row.refused}" if row.refused else "done" if row.act.undo is None else "undone"
    yield from exchange(f"r{row.act.side}", callee, f"{name}: {row.call}", outcome)
    if not row.refused:
        for each in row.touched:
            yield from note(f"{told.names[each]}: {rehearsal.listed(project, each, row.after[each])}", over=callee)


def everybody(runs: Mapping[str, str], known: Participants) -> str:
    """From the first participant to the last."""
    whole = (*runs, *known.values())
    return whole[0] if len(whole) == 1 else f"{whole[0]},{whole[-1]}"

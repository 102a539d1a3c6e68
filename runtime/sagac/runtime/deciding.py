"""Deciding: the commands that a run's state calls for, complete with every value needed to perform them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from sagac.runtime import locking, settling
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import Due, Expired, Intended, Overdue
from sagac.runtime.plan import Direction, Step, call_key
from sagac.runtime.positions import Positions, listed
from sagac.runtime.run import Action, Run
from sagac.runtime.unwinding import UNDOING, arguments, view

OUTSTANDING: Final = frozenset({"locking", "intended", "sent", "paused", "lingering", "lapsing", "probing"})
"""The states of a do that call for a command."""


def commands(run: Run, now: int) -> Iterator[Command]:
    """The commands of every action, in the plan's order."""
    for i in listed(outstanding(run)):
        step, action = run.plan.steps[i], run.actions[i]
        match action.state:
            case "locking":
                yield once(run, step, action, acquire)
            case "intended":
                yield Append(Intended(step.name, now))
            case "sent" if settling.do_has_expired(step, action, now):
                yield Append(Expired(step.name, "do", now))
            case "sent":
                yield once(run, step, action, send_do)
            case "paused":
                yield Wake(action.due_at, Due(step.name, "do", action.attempt + 1, action.due_at))
            case "lapsing" | "lingering":
                yield Await(step.name, step.lands_within_ms or 0)
            case "probing":
                yield once(run, step, action, ask)
        match action.undo:
            case "sent" if settling.undo_has_expired(step, action, now):
                yield Append(Expired(step.name, "undo", now))
            case "sent":
                yield once(run, step, action, send_undo)
            case "paused":
                yield Wake(action.undo_due_at, Due(step.name, "undo", action.undo_attempt + 1, action.undo_due_at))


def outstanding(run: Run) -> Positions:
    """Where a do or an undo calls for a command."""
    found = 0
    for (do, undo), positions in run.kinds.items():
        if do in OUTSTANDING or undo in UNDOING:
            found |= positions
    return found


def once(run: Run, step: Step, action: Action, put_together: Callable[[Run, Step, Action], Command]) -> Command:
    """What stays the same as long as the action does: all that it may read was journaled before it was sent (R4)."""
    known: Command | None = action.__dict__.get(put_together.__name__)
    if known is None:
        known = action.__dict__[put_together.__name__] = put_together(run, step, action)
    return known


def acquire(run: Run, step: Step, action: Action) -> Acquire:
    """The locks that the step waits for (R16)."""
    until = tuple(action.enabled_at + lock.within_ms for lock in step.locks)
    return Acquire(step.name, locking.names(step, view(run)), until)


def send_do(run: Run, step: Step, action: Action) -> Send:
    """The outstanding attempt of a do, under its key (R13)."""
    return Send(
        step=step.name,
        direction="do",
        attempt=action.attempt,
        service=step.call.service,
        command=step.call.command,
        arguments=arguments(step.call, view(run)),
        key=key_of(run, step, "do"),
        undoes="",
        timeout_ms=step.schedule.timeout_ms,
        pause_ms=settling.pause_max_ms(step.schedule, action.attempt),
    )


def send_undo(run: Run, step: Step, action: Action) -> Send:
    """The outstanding attempt of an undo: its own key, and the key of what it undoes (R13)."""
    undo = step.undos[action.undo_index]
    return Send(
        step=step.name,
        direction="undo",
        attempt=action.undo_attempt,
        service=undo.call.service,
        command=undo.call.command,
        arguments=arguments(undo.call, view(run)),
        key=key_of(run, step, "undo"),
        undoes=undoes(run, step),
        timeout_ms=undo.schedule.timeout_ms,
        pause_ms=settling.pause_max_ms(undo.schedule, action.undo_attempt),
    )


def ask(run: Run, step: Step, action: Action) -> Ask:
    """The outstanding probe of a do in doubt (R3)."""
    assert step.probe is not None, step.name
    return Ask(
        step=step.name,
        attempt=action.probes,
        at=action.due_at,
        service=step.probe.service,
        command=step.probe.command,
        arguments=arguments(step.probe, view(run)),
        key=key_of(run, step, "do"),
        timeout_ms=settling.PROBES.timeout_ms,
        pause_ms=settling.probe_pause_max_ms(step, action),
    )


def key_of(run: Run, step: Step, direction: Direction) -> str:
    """The action's idempotency key (R13)."""
    return call_key(run.plan.saga, run.key, step.name, direction)


def undoes(run: Run, step: Step) -> str:
    """The key of the do that an undo undoes, so that a revoking one can refuse a late copy of it (R13)."""
    return key_of(run, step, "do")


def limits(run: Run) -> Iterator[Wake]:
    """The deadline and `rollback within`, each told once (R5, R7)."""
    if run.mode == "running" and run.plan.deadline_ms is not None and "deadline" not in run.alarms:
        yield at_limit("deadline", run.started_at + run.plan.deadline_ms)
    if run.mode == "unwinding" and run.plan.rollback_within_ms is not None and "rollback within" not in run.alarms:
        yield at_limit("rollback within", run.turned_at + run.plan.rollback_within_ms)


def at_limit(limit: Literal["deadline", "rollback within"], at: int) -> Wake:
    """Append the overrun once the clock reads `at`."""
    return Wake(at, Overdue(limit, at))

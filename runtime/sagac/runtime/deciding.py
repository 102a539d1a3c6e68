"""Deciding: the commands that a run's state calls for, complete with every value needed to perform them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sagac.runtime import settling
from sagac.runtime.commands import Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import Due, Expired, Intended, Overdue
from sagac.runtime.expressions import View
from sagac.runtime.plan import Direction, Step, call_key
from sagac.runtime.run import Action, Run
from sagac.runtime.unwinding import arguments, view


def commands(run: Run, now: int) -> Iterator[Command]:
    """The commands of every action, in the plan's order."""
    facts = view(run)
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        match action.state:
            case "intended":
                yield Append(Intended(step.name, now))
            case "sent" if settling.do_has_expired(step, action, now):
                yield Append(Expired(step.name, "do", now))
            case "sent":
                yield send_do(run, step, action, facts)
            case "paused":
                yield Wake(action.due_at, Due(step.name, "do", action.attempt + 1, action.due_at))
            case "lapsing":
                yield Await(step.name, step.lands_within_ms or 0)
            case "probing":
                yield ask(run, step, action, facts)
        match action.undo:
            case "sent" if settling.undo_has_expired(step, action, now):
                yield Append(Expired(step.name, "undo", now))
            case "sent":
                yield send_undo(run, step, action, facts)
            case "paused":
                yield Wake(action.undo_due_at, Due(step.name, "undo", action.undo_attempt + 1, action.undo_due_at))


def send_do(run: Run, step: Step, action: Action, facts: View) -> Send:
    """The outstanding attempt of a do, under its key (R13)."""
    return Send(
        step=step.name,
        direction="do",
        attempt=action.attempt,
        service=step.call.service,
        command=step.call.command,
        arguments=arguments(step.call, facts),
        key=key_of(run, step, "do"),
        undoes="",
        timeout_ms=step.schedule.timeout_ms,
        pause_ms=settling.pause_max_ms(step.schedule, action.attempt),
    )


def send_undo(run: Run, step: Step, action: Action, facts: View) -> Send:
    """The outstanding attempt of an undo: its own key, and the key of what it undoes (R13)."""
    undo = step.undos[action.undo_index]
    return Send(
        step=step.name,
        direction="undo",
        attempt=action.undo_attempt,
        service=undo.call.service,
        command=undo.call.command,
        arguments=arguments(undo.call, facts),
        key=key_of(run, step, "undo"),
        undoes=undoes(run, step),
        timeout_ms=undo.schedule.timeout_ms,
        pause_ms=settling.pause_max_ms(undo.schedule, action.undo_attempt),
    )


def ask(run: Run, step: Step, action: Action, facts: View) -> Ask:
    """The outstanding probe of a do in doubt (R3)."""
    assert step.probe is not None, step.name
    return Ask(
        step=step.name,
        attempt=action.probes,
        at=action.due_at,
        service=step.probe.service,
        command=step.probe.command,
        arguments=arguments(step.probe, facts),
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

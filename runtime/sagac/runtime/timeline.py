"""A run as a person reads it: what was done on the left, what was undone on the right, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never

from sagac.runtime import kernel
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Expired,
    Intended,
    Lapsed,
    Locked,
    LockExpired,
    Overdue,
    Probed,
    Resumed,
    Started,
)
from sagac.runtime.history import History
from sagac.runtime.plan import Direction, Step, call_key
from sagac.runtime.run import Action, Run

WIDTH = 44
"""How wide the left side is: the right one begins behind it."""


def draw(history: History) -> tuple[str, ...]:
    """The lines of a run: who it is, what happened when, how each step stands, and what is held."""
    return (*_head(history), "", *_happened(history), "", *_steps(history), *_ending(history))


def instant(at: int) -> str:
    """A journal time in UTC, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _head(history: History) -> Iterator[str]:
    entry, plan = history.entry, history.plan
    yield f"run {entry.run} of saga {plan.saga} version {plan.version}, key {entry.key}"
    status = kernel.status(history.run)
    yield f"status {status}{_because(_turned(history.run))}"
    owner = f"owner {entry.worker}" if entry.worker else "no owner"
    yield f"started {instant(entry.started_at)}, {len(history.records)} events, {owner}"


def _turned(run: Run) -> str:
    """What turned the run; once it is compensated, no doubt is left."""
    return run.cause.replace("nobody knows", "nobody knew", 1) if run.mode == "compensated" else run.cause


def _happened(history: History) -> Iterator[str]:
    yield f"{'time':<24}  {'after':>10}  {'do':<{WIDTH}}undo"
    for record in history.records:
        text, side = _told(record.event)
        after = f"+{(record.event.at - history.run.started_at) / 1000:.3f}s"
        column = f"{text:<{WIDTH}}" if side == "do" else f"{'':<{WIDTH}}{text}"
        yield f"{instant(record.event.at)}  {after:>10}  {column}".rstrip()


def _told(event: Event) -> tuple[str, Direction]:
    """What an event says, and on which side it stands."""
    match event:
        case Started():
            return "started", "do"
        case Intended():
            return f"{event.step} is about to be sent", "do"
        case Answered():
            return f"{event.step} #{event.attempt} {_outcome(event)}", event.direction
        case Due():
            return f"{event.step} #{event.attempt} is due", event.direction
        case Locked():
            return f"{event.step} has {', '.join(event.locks)}", "do"
        case LockExpired():
            return f"{event.step} did not get its lock{_because(event.detail)}", "do"
        case Lapsed():
            return f"{event.step} can no longer land late", "do"
        case Probed():
            return f"{event.step} probe #{event.attempt} {event.found}{_because(event.detail)}", "do"
        case Expired():
            return f"{event.step} is not sent again: its window has passed", event.direction
        case Cancelled():
            return f"cancelled{f' by {event.who}' if event.who else ''}{_because(event.reason)}", "do"
        case Overdue():
            return f"the {event.limit} has passed", "do"
        case Resumed():
            return f"resumed by {event.worker}", "do"
    assert_never(event)


def _outcome(event: Answered) -> str:
    """What an attempt came to, in the words of its side; a failure that its detail begins with is told once."""
    outcome = "undone" if (event.direction, event.outcome) == ("undo", "succeeded") else event.outcome
    is_told = event.detail == event.failure or event.detail.startswith(f"{event.failure}:")
    parts = (event.detail,) if is_told else (event.failure, event.detail)
    return outcome + _because(": ".join(part for part in parts if part))


def _because(detail: str) -> str:
    return f": {_first_line(detail)}" if detail else ""


def _first_line(text: str) -> str:
    """What fits into a column: an exception's text may go on for many lines."""
    first, *more = text.strip().splitlines() or [""]
    return f"{first} …" if more else first


def _steps(history: History) -> Iterator[str]:
    """Each step with its do and, mirrored beside it, its undo."""
    steps = history.plan.steps
    width = max(len("step"), *(len(step.name) for step in steps))
    yield f"{'step':<{width}}  {'do':<24}key{'':<10}  {'undo':<24}key"
    for step, action in zip(steps, history.run.actions, strict=True):
        do = f"{_do(action):<24}{_key(history, step, 'do', has_one=action.attempt > 0):<13}"
        undo = f"{_undo(action):<24}{_key(history, step, 'undo', has_one=action.undo_attempt > 0)}"
        yield f"{step.name:<{width}}  {do}  {undo}".rstrip()


def _do(action: Action) -> str:
    state = "revoked" if (action.state, action.undo) == ("revoking", "undone") else action.state
    return state + (f" after {action.attempt}" if action.attempt > 1 else "")


def _undo(action: Action) -> str:
    if action.undo == "none":
        return "-"
    return action.undo + (f" after {action.undo_attempt}" if action.undo_attempt > 1 else "")


def _key(history: History, step: Step, direction: Direction, *, has_one: bool) -> str:
    return call_key(history.plan.saga, history.entry.key, step.name, direction)[:12] if has_one else ""


def _ending(history: History) -> Iterator[str]:
    held = kernel.held(history.run)
    for action in held:
        name = action.step if action.direction == "do" else f"the undo of {action.step}"
        yield ""
        yield f"held: {name}{_because(action.why)}"
        if action.waiting:
            yield f"  waiting for it: the undo of {', '.join(action.waiting)}"
    if held and kernel.standing(history.run):
        yield f"standing, or may be: {', '.join(kernel.standing(history.run))}"
    for left in kernel.residue(history.run):
        yield f"residue: {left.step}: {left.why}"
    for alarm in history.run.alarms:
        yield f"alarm: the {alarm} has passed"

"""Every run of a small plan on the real kernel: each input, each answer, each interleaving, a cancel at any time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from tests.properties.drawn import AMOUNTS, NUMBERS

from sagac.runtime import kernel
from sagac.runtime import plan as plans
from sagac.runtime.events import Answered, Cancelled, Due, Event, Locked, LockExpired, Started
from sagac.runtime.expressions import Unavailable, holds
from sagac.runtime.plan import Plan, Result, Step, Wire
from sagac.runtime.run import Run
from sagac.runtime.unwinding import view

PAUSES_MAX: Final = 1
"""So often a call that is sent for ever is answered "try again" before it is done."""


@dataclass(slots=True)
class Seen:
    """What was seen of a plan, by the names of steps."""

    states: int = 0
    sent: set[str] = field(default_factory=set)
    stuck: bool = False
    """A1: something that cannot be undone stands, and the run can neither finish nor turn back."""
    uncovered: set[str] = field(default_factory=set)
    """A2: done in a run that turned, with no undo or with two."""
    unread: bool = False
    """D1: a step is held because what it reads is not there."""
    undo_unread: set[str] = field(default_factory=set)
    """D2: an undo is held because what it reads is not there."""


def enumerate_runs(plan: Plan) -> Seen:
    """Every state that the plan's runs can reach."""
    seen = Seen()
    for amount, flag in itertools.product(AMOUNTS, (False, True)):
        given: Mapping[str, Wire] = {"amount": amount, "flag": flag}
        started = Started(plans.digest(plan), dict(given), 0)
        walk(kernel.start(plan, plans.run_key(plan, given), started), seen, read_results(plan))
    return seen


def walk(start: Run, seen: Seen, read: frozenset[str]) -> None:
    known = {key_of(start)}
    waiting = [start]
    while waiting:
        run = waiting.pop()
        seen.states += 1
        observe(run, seen)
        for event in events(run, read):
            after = kernel.apply(run, event)
            key = key_of(after)
            if key not in known:
                known.add(key)
                waiting.append(after)


def key_of(run: Run) -> bytes:
    """What tells two states apart."""
    return msgspec.json.encode((run.mode, run.committed, run.actions))


def read_results(plan: Plan) -> frozenset[str]:
    """The steps whose results some expression reads: only there does it matter what they are."""
    text = plans.encode(plan).decode()
    return frozenset(step.name for step in plan.steps if reading(step.name) in text)


def reading(step: str) -> str:
    return msgspec.json.encode(Result(step, ("n",), "int"), order="deterministic").decode()


def events(run: Run, read: frozenset[str]) -> Iterator[Event]:
    """Everything that may happen next."""
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if action.state == "locking":
            yield from (Locked(step.name, (), 0), LockExpired(step.name, 0))
        if action.state == "sent":
            yield from answers(run, step, action.attempt, read)
        if action.state == "paused":
            yield Due(step.name, "do", action.attempt + 1, 0)
        if action.undo == "sent":
            yield Answered(step.name, "undo", action.undo_attempt, "succeeded", 0)
    if run.mode == "running" and not run.committed:
        yield Cancelled(0)


def answers(run: Run, step: Step, attempt: int, read: frozenset[str]) -> Iterator[Event]:
    for number in NUMBERS if step.name in read else NUMBERS[:1]:
        yield Answered(step.name, "do", attempt, "succeeded", 0, result={"n": number})
    if step.fails:
        yield Answered(step.name, "do", attempt, "refused", 0, failure=step.fails[0])
    if attempt <= PAUSES_MAX:
        yield Answered(step.name, "do", attempt, "transient", 0)


# --- what is looked for --------------------------------------------------------------------------------------------


def observe(run: Run, seen: Seen) -> None:
    """Notes what a state shows."""
    pairs = list(zip(run.plan.steps, run.actions, strict=True))
    seen.sent |= {step.name for step, action in pairs if action.attempt}
    seen.unread |= any(action.state == "held" and not action.attempt for _, action in pairs)
    pivots = [action.state for step, action in pairs if step.pivot]
    if run.mode == "running" and "succeeded" in pivots and any(action.state == "refused" for _, action in pairs):
        seen.stuck = True
    if sum(action.attempt > 0 for step, action in pairs if step.pivot) > 1:
        seen.stuck = True
    if run.mode in ("unwinding", "compensated") and is_drained(run):
        observe_turned(run, seen)


def is_drained(run: Run) -> bool:
    """No forward call is on the wire any more."""
    return not any(action.state in ("sent", "paused") for action in run.actions)


def observe_turned(run: Run, seen: Seen) -> None:
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if action.state != "succeeded" or step.query:
            continue
        if step.pivot or step.remains == "irreversible":
            seen.stuck = True
        elif step.remains == "nothing" and enabled(run, step) != 1:
            seen.uncovered.add(step.name)
        if action.undo == "held" and step.undos:
            seen.undo_unread.add(step.name)


def enabled(run: Run, step: Step) -> int:
    """How many of a step's undos apply."""
    return sum(undo.guard is None or is_true(run, undo.guard) for undo in step.undos)


def is_true(run: Run, guard: plans.Expression) -> bool:
    try:
        return holds(guard, view(run))
    except Unavailable:
        return False

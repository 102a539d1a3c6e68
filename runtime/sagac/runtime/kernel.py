"""The kernel: a run as a pure state machine. What the compiler proves things about and every driver drives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from msgspec.structs import replace

from sagac.runtime import deciding, locking, settling, unwinding
from sagac.runtime.commands import Command
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
from sagac.runtime.expressions import Unavailable, evaluate, holds
from sagac.runtime.layout import lay_out
from sagac.runtime.plan import Plan, Step, Wire
from sagac.runtime.positions import Positions, all_of, listed
from sagac.runtime.run import Action, Held, Residue, Run, Status
from sagac.runtime.unwinding import arguments, kind, view, with_action, with_actions

SETTLED: Final = frozenset({"succeeded", "skipped"})

FAILED: Final = frozenset({"refused", "revoking"})

WAITING: Final = frozenset({"locking", "intended"})
"""The states of a do that is enabled, and not sent before one more event."""


def start(plan: Plan, key: str, event: Started) -> Run:
    """The run after its first event, with its first steps enabled."""
    run = Run(
        plan=plan,
        layout=lay_out(plan),
        key=key,
        input=event.input,
        actions=(Action(),) * len(plan.steps),
        kinds={kind(Action()): all_of(len(plan.steps))} if plan.steps else {},
        started_at=event.at,
        events=1,
    )
    return advance(run, event.at, range(len(plan.steps)))


def apply(run: Run, event: Event) -> Run:
    """The run after one more event. Total and deterministic: an event that means nothing here is only counted."""
    changed = run if is_ended(run) else react(run, event)
    if changed is not run:
        changed = advance(changed, event.at, touched(run, event))
    return replace(changed, events=run.events + 1)


def replay(plan: Plan, key: str, events: Iterable[Event]) -> Run:
    """The run that these events tell of; the first is its `Started`."""
    rest = iter(events)
    first = next(rest)
    assert isinstance(first, Started), first
    run = start(plan, key, first)
    for event in rest:
        run = apply(run, event)
    return run


def decide(run: Run, now: int) -> tuple[Command, ...]:
    """Everything that must be outstanding in this state."""
    return () if is_ended(run) else (*deciding.commands(run, now), *deciding.limits(run))


def is_ended(run: Run) -> bool:
    """Whether the run has come to its end; held is not an end (R1)."""
    return run.mode in ("completed", "compensated")


def status(run: Run) -> Status:
    """What a person is told (R1)."""
    if run.mode == "compensated" and residue(run):
        return "compensated with residue"
    if is_ended(run) or is_busy(run):
        return run.mode
    return "held"


def residue(run: Run) -> tuple[Residue, ...]:
    """What a rollback leaves behind, as declared."""
    return unwinding.residue(run)


def standing(run: Run) -> tuple[str, ...]:
    """The steps whose effect stands, or may."""
    return unwinding.standing(run)


def output(run: Run) -> dict[str, Wire]:
    """What a completed run returns; raises `Unavailable` where it reads a result that never was."""
    facts = view(run)
    return {name: evaluate(expression, facts) for name, expression in run.plan.output}


def held(run: Run) -> tuple[Held, ...]:
    """The actions that only a person can settle, why, and which undos wait for each."""
    found = []
    for i, (step, action) in enumerate(zip(run.plan.steps, run.actions, strict=True)):
        if action.undo == "held":
            found.append(Held(step.name, "undo", action.undo_detail, unwinding.waiting_for(run, i)))
        elif do_is_held(run, step, action):
            found.append(Held(step.name, "do", why_held(action), unwinding.waiting_for(run, i)))
    return tuple(found)


def do_is_held(run: Run, step: Step, action: Action) -> bool:
    """A do in doubt that only a person can settle, or a step that cannot finish past the pivot (R3, R9)."""
    failed = action.state in FAILED and run.mode == "running"
    return action.state == "held" or (failed and not turns(run, step, action))


def why_held(action: Action) -> str:
    """Why a do is held, in words."""
    if action.state == "refused" and action.failure:
        return f"refused past the point of no return: {action.failure}"
    return action.detail or "it cannot finish past the point of no return"


def is_busy(run: Run) -> bool:
    """Whether anything but a person is outstanding."""
    return any(do in WAITING or do in unwinding.FORWARD or undo in unwinding.UNDOING for do, undo in run.kinds)


# ---- what an event does


def react(run: Run, event: Event) -> Run:
    """What the event itself changes; the same run where it means nothing."""
    match event:
        case Answered() | Intended() | Locked() | LockExpired() | Due() | Lapsed() | Probed() | Expired():
            i = run.layout.position.get(event.step)
            return run if i is None else react_at(run, i, event)
        case Cancelled():
            return cancel(run, event)
        case Overdue():
            return overdue(run, event)
        case Resumed():
            return resume(run)
        case Started():
            return run


def touched(run: Run, event: Event) -> tuple[int, ...]:
    """The step that an event is of, if it is of one: no other can be settled or discharged by it."""
    match event:
        case Answered() | Intended() | Locked() | LockExpired() | Due() | Lapsed() | Probed() | Expired():
            return (run.layout.position[event.step],)
    return ()


def react_at(
    run: Run, i: int, event: Intended | Locked | LockExpired | Answered | Due | Lapsed | Probed | Expired
) -> Run:
    """What an event of one step changes."""
    step, action, draining = run.plan.steps[i], run.actions[i], run.mode == "unwinding"
    match event:
        case Intended() if action.state == "intended":
            return sent(run, i, event.at)
        case Locked() if locking.is_waiting(action):
            return ready(with_action(run, i, locking.locked(action)), i, event.at)
        case LockExpired() if locking.is_waiting(action):
            return with_action(run, i, locking.expired(action, event))
        case Answered(direction="do") if action.state == "sent" and event.attempt == action.attempt:
            return settle(run, i, settling.answer_do(step, action, event, draining=draining))
        case Due(direction="do") if action.state == "paused" and event.attempt == action.attempt + 1:
            return settle(run, i, settling.due_do(step, action, event.at))
        case Lapsed() if action.state == "lapsing":
            return with_action(run, i, lapsed(run, step, action))
        case Lapsed() if action.state == "lingering":
            return settle(run, i, settling.landed(action))
        case Probed() if action.state == "probing" and event.attempt == action.probes:
            return settle(run, i, settling.probed(step, action, event, draining=draining))
        case Expired(direction="do") if action.state in ("sent", "paused"):
            expired = settling.do_has_expired(step, action, event.at)
            return settle(run, i, settling.expired_do(step, action)) if expired else run
        case Answered(direction="undo") if action.undo == "sent" and event.attempt == action.undo_attempt:
            return with_action(run, i, settling.answer_undo(step, action, event))
        case Due(direction="undo") if action.undo == "paused" and event.attempt == action.undo_attempt + 1:
            return with_action(run, i, settling.due_undo(step, action, event.at))
        case Expired(direction="undo") if action.undo in unwinding.UNDOING:
            expired = settling.undo_has_expired(step, action, event.at)
            return with_action(run, i, settling.undo_failed(action, settling.WINDOW_PASSED)) if expired else run
    return run


def settle(run: Run, i: int, action: Action) -> Run:
    """The run with a do changed; a finished one takes the next place among the finished."""
    if action.state == "succeeded":
        run = replace(run, finished=run.finished + 1)
        action = replace(action, finished=run.finished)
    return with_action(run, i, action)


def lapsed(run: Run, step: Step, action: Action) -> Action:
    """No copy of the do can still arrive: the probe is asked, where it can be (R3)."""
    assert step.probe is not None, step.name
    try:
        arguments(step.probe, view(run))
    except Unavailable as missing:
        return settling.held(action, str(missing))
    return settling.lapsed(action)


def cancel(run: Run, event: Cancelled) -> Run:
    """Somebody's wish turns the run, before the point of no return (R5)."""
    if not may_be_turned(run):
        return run
    who, reason = f" by {event.who}" if event.who else "", f": {event.reason}" if event.reason else ""
    return turn(run, f"cancelled{who}{reason}", "", event.at)


def overdue(run: Run, event: Overdue) -> Run:
    """The deadline turns the run before the point of no return; any other overrun alarms (R5, R7)."""
    if event.limit in run.alarms:
        return run
    run = replace(run, alarms=(*run.alarms, event.limit))
    if event.limit == "deadline" and may_be_turned(run):
        return turn(run, "the deadline passed", "", event.at)
    return run


def may_be_turned(run: Run) -> bool:
    """Before the point of no return; the first turn in the journal wins (R5)."""
    return run.mode == "running" and not run.committed


def resume(run: Run) -> Run:
    """A takeover: everything that was sent has an unanswered attempt (R14)."""
    actions = (
        settling.resumed_undo(step, settling.resumed_do(step, action))
        for step, action in zip(run.plan.steps, run.actions, strict=True)
    )
    return with_actions(run, actions)


def turn(run: Run, cause: str, step: str, at: int) -> Run:
    """The run turns back: nothing is newly enabled, what has no effect is dropped (R5, R6)."""
    run = with_actions(run, map(settling.turned, run.plan.steps, run.actions))
    return replace(run, mode="unwinding", committed=False, turned_at=at, cause=cause, cause_step=step)


# ---- what follows from it


def advance(run: Run, at: int, changed: Sequence[int]) -> Run:
    """Everything that the event enables by what it changed, until nothing more follows."""
    if run.mode == "running":
        run = go_forward(run, at, changed)
    if run.mode == "unwinding":
        run = unwinding.unwind(run, at, changed)
    return run


def go_forward(run: Run, at: int, changed: Sequence[int]) -> Run:
    """Turn at the first failure, enable what is ready, complete when all is settled (R4, R5)."""
    failed = turning_step(run)
    if failed is None:
        run = enable(run, at, changed)
        failed = turning_step(run)
    if failed is not None:
        return turn(run, cause_of(run, failed), run.plan.steps[failed].name, at)
    if all(do in SETTLED for do, _ in run.kinds):
        return replace(run, mode="completed")
    return run


def turning_step(run: Run) -> int | None:
    """The failed step that turns the run, if any."""
    failed = among(run, FAILED)
    if not failed:
        return None
    return next((i for i in listed(failed) if turns(run, run.plan.steps[i], run.actions[i])), None)


def among(run: Run, states: frozenset[str]) -> Positions:
    """Where a do is in one of these states."""
    found = 0
    for (do, _), positions in run.kinds.items():
        if do in states:
            found |= positions
    return found


def turns(run: Run, step: Step, action: Action) -> bool:
    """Past the point of no return only the definite refusal of the pivot turns the run (R5, R9)."""
    return not run.committed or (step.pivot and action.state == "refused")


def cause_of(run: Run, i: int) -> str:
    """What turned the run, in the author's words."""
    name, action = run.plan.steps[i].name, run.actions[i]
    if action.state == "revoking":
        return f"nobody knows whether `{name}` took effect"
    if action.failure:
        return f"`{name}` was refused: {action.failure}"
    return f"`{name}` failed: {action.detail}" if action.detail else f"`{name}` failed"


def enable(run: Run, at: int, changed: Sequence[int]) -> Run:
    """Every step whose predecessors are settled is skipped, failed or sent, in the plan's order (R4).

    What is not among the changed steps, and does not follow one, waits as it did.
    """
    looked_at = [*changed]
    for i in changed:
        looked_at += run.layout.followers[i]
    heapify(looked_at)
    while looked_at:
        i = heappop(looked_at)
        if run.actions[i].state != "pending" or not predecessors_settled(run, i):
            continue
        run = enable_step(run, i, at)
        if run.actions[i].state == "skipped":
            for j in run.layout.followers[i]:
                heappush(looked_at, j)
        elif run.actions[i].state == "refused" and turns(run, run.plan.steps[i], run.actions[i]):
            break  # a run that turns enables nothing more (R5)
    return run


def predecessors_settled(run: Run, i: int) -> bool:
    """Everything that the step comes after is done or skipped (R4)."""
    return not run.layout.after[i] & ~among(run, SETTLED)


def enable_step(run: Run, i: int, at: int) -> Run:
    """The step's guard is evaluated, once; then this event is the intent of its first send (R4, R14).

    A step with locks waits for them first (R16).
    """
    step, action, facts = run.plan.steps[i], run.actions[i], view(run)
    try:
        if step.guard is not None and not holds(step.guard, facts):
            return with_action(run, i, guarded_out(step, action))
        arguments(step.call, facts)
        locking.names(step, facts)
    except Unavailable as missing:
        return with_action(run, i, settling.held(action, str(missing)))
    if locking.is_needed(step):
        return with_action(run, i, replace(action, state="locking", enabled_at=at))
    return ready(run, i, at)


def ready(run: Run, i: int, at: int) -> Run:
    """Nothing but its own intent, where it has one, stands before the first send (R14)."""
    if run.plan.steps[i].intent:
        return with_action(run, i, replace(run.actions[i], state="intended"))
    return sent(run, i, at)


def guarded_out(step: Step, action: Action) -> Action:
    """A false guard skips the step, or fails it (`when … else fail`)."""
    if step.otherwise_fails:
        return settling.refused(step, action, step.otherwise_fails, "")
    return replace(action, state="skipped")


def sent(run: Run, i: int, at: int) -> Run:
    """The first attempt counts as sent; the pivot's is the point of no return (R5)."""
    if run.plan.steps[i].pivot:
        run = replace(run, committed=True)
    return with_action(run, i, replace(run.actions[i], state="sent", attempt=1, enabled_at=at))

"""A replay: the kernel driven with answers that are chosen, instead of asked from services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sagac.compiler.timeline import Moment
from sagac.runtime import kernel
from sagac.runtime import plan as plans
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import (
    LOCK_TIMEOUT,
    Answered,
    Due,
    Event,
    Intended,
    Lapsed,
    Locked,
    LockExpired,
    Outcome,
    Probed,
    Started,
)
from sagac.runtime.plan import Direction, Plan, Wire
from sagac.runtime.run import Action, Run

EVENTS_PER_STEP: Final = 100
"""A replay of more events for each step than this is broken off."""

Moments: TypeAlias = tuple[Moment, ...]

Answer: TypeAlias = Callable[[Run, Send], Outcome]
"""What a call comes to."""


class Unreplayable(Exception):  # noqa: N818 - a reason, which becomes the verdict `undecided`
    """The kernel does not do what a situation says; the text says where they part."""


def begun(plan: Plan, input: Mapping[str, Wire]) -> Moments:
    """A run of the plan after its first event."""
    event = Started(plans.digest(plan), dict(input), 0)
    return with_intents((Moment(event, kernel.start(plan, plans.run_key(plan, input), event)),))


def then(moments: Moments, event: Event) -> Moments:
    """The replay with one more event, and the intents that follow from it."""
    return with_intents((*moments, Moment(event, kernel.apply(moments[-1].run, event))))


def with_intents(moments: Moments) -> Moments:
    """The replay with the intents that the kernel asks for: a driver appends them at once."""
    run = moments[-1].run
    while waiting := [at for at, action in enumerate(run.actions) if action.state == "intended"]:
        event = Intended(run.plan.steps[waiting[0]].name, now(moments))
        run = kernel.apply(run, event)
        moments = (*moments, Moment(event, run))
    return moments


def now(moments: Moments) -> int:
    """The time of the latest event."""
    return moments[-1].event.at


def state(run: Run, step: str) -> Action:
    """What the run knows of a step."""
    return run.actions[run.layout.position[step]]


def ready(moments: Moments, step: str) -> Moments:
    """The replay up to where an attempt of the step's do is on the wire."""
    moments = locked(moments, step)
    action = state(moments[-1].run, step)
    if action.state == "paused":
        moments = then(moments, Due(step, "do", action.attempt + 1, max(action.due_at, now(moments))))
    found = state(moments[-1].run, step).state
    if found != "sent":
        raise Unreplayable(f"`{step}` should be running, but the kernel has it as {found}")
    return moments


def locked(moments: Moments, step: str) -> Moments:
    """The replay in which a step that waits for its locks gets them."""
    for command in kernel.decide(moments[-1].run, now(moments)):
        if isinstance(command, Acquire) and command.step == step:
            return then(moments, Locked(step, command.locks, now(moments)))
    return moments


def with_locks(moments: Moments, failed: Mapping[str, str]) -> Moments:
    """The replay in which whoever waits for locks has got them, and so is under way, but for those who fail by that."""
    for step in moments[-1].run.plan.steps:
        if step.locks and failed.get(step.name) != LOCK_TIMEOUT:
            moments = locked(moments, step.name)
    return moments


def unlocked(moments: Moments, step: str) -> Moments:
    """The replay in which a step that waits for its locks does not get them in time."""
    for command in kernel.decide(moments[-1].run, now(moments)):
        if isinstance(command, Acquire) and command.step == step:
            return then(moments, LockExpired(step, max(now(moments), *command.until)))
    raise Unreplayable(f"`{step}` does not wait for a lock")


def succeed(moments: Moments, step: str, result: Wire) -> Moments:
    """The step's do is answered with a result."""
    moments = ready(moments, step)
    attempt = state(moments[-1].run, step).attempt
    return then(moments, Answered(step, "do", attempt, "succeeded", now(moments), result=result))


def refuse(moments: Moments, step: str, failure: str) -> Moments:
    """The step's do is refused, or does not get its locks."""
    if failure == LOCK_TIMEOUT:
        return unlocked(moments, step)
    moments = ready(moments, step)
    attempt = state(moments[-1].run, step).attempt
    return then(moments, Answered(step, "do", attempt, "refused", now(moments), failure=failure))


def exhaust(moments: Moments, step: str, outcome: Outcome, timeout_ms: int) -> Moments:
    """Every attempt of the step's do comes to this, until the kernel tries no more."""
    for _ in range(EVENTS_PER_STEP):
        moments = ready(moments, step)
        action = state(moments[-1].run, step)
        at = now(moments) + (timeout_ms if outcome == "unknown" else 0)
        detail = "nobody knows whether it took effect" if outcome == "unknown" else "not applied"
        moments = then(moments, Answered(step, "do", action.attempt, outcome, at, detail=detail))
        if state(moments[-1].run, step).state not in ("sent", "paused"):
            return moments
    raise Unreplayable(f"`{step}` is tried again without end")


def settle(
    moments: Moments, answer: Answer, results: Mapping[str, Wire], *, present: bool, last: frozenset[str] = frozenset()
) -> Moments:
    """The replay until nothing but a person is outstanding: each call comes to what `answer` says.

    `present` is what a probe finds. The undos of the steps in `last` are answered after all others.
    """
    limit = EVENTS_PER_STEP * (len(moments[-1].run.plan.steps) + 1) + len(moments)
    while len(moments) < limit:
        wanted = [command for command in kernel.decide(moments[-1].run, now(moments)) if not is_limit(command)]
        if not wanted:
            return moments
        command = min(wanted, key=lambda each: (urgency(each), isinstance(each, Send) and each.step in last))
        moments = then(moments, reaction(moments[-1].run, now(moments), command, answer, results, present=present))
    raise Unreplayable("the run comes to no end")


def is_limit(command: Command) -> bool:
    """Whether this waits for a deadline: a replay has all the time in the world."""
    return isinstance(command, Wake) and not isinstance(command.event, Due)


def urgency(command: Command) -> int:
    """What happens at once goes before what takes time."""
    return {Append: 0, Acquire: 0, Send: 1, Ask: 2, Wake: 3, Await: 4}[type(command)]


def reaction(
    run: Run, at: int, command: Command, answer: Answer, results: Mapping[str, Wire], *, present: bool
) -> Event:
    """The event that a command leads to, in a run whose latest event was at this time."""
    match command:
        case Append():
            return command.event
        case Wake(event=Due() as due):
            return Due(due.step, due.direction, due.attempt, max(at, command.at))
        case Wake():
            return command.event
        case Await():
            return Lapsed(command.step, at + command.after_ms)
        case Acquire():
            return Locked(command.step, command.locks, at)
        case Ask():
            found = results.get(command.step) if present else None
            return Probed(command.step, command.attempt, "present" if present else "absent", max(at, command.at), found)
        case Send():
            return answered(run, command, answer(run, command), at, results)


def answered(run: Run, command: Send, outcome: Outcome, at: int, results: Mapping[str, Wire]) -> Answered:
    """The answer to a call, with what goes with its outcome."""
    done = outcome == "succeeded" and command.direction == "do"
    return Answered(
        command.step,
        command.direction,
        command.attempt,
        outcome,
        at + (command.timeout_ms if outcome == "unknown" else 0),
        result=results.get(command.step) if done else None,
        failure=failure_of(run, command.step, command.direction) if outcome == "refused" else "",
        detail=DETAILS.get(outcome, ""),
    )


DETAILS: Final[Mapping[Outcome, str]] = {
    "transient": "not applied",
    "unknown": "nobody knows whether it took effect",
}


def failure_of(run: Run, step: str, direction: Direction) -> str:
    """The first failure that a call declares."""
    planned = run.plan.steps[run.layout.position[step]]
    declared = planned.fails if direction == "do" else planned.undos[state(run, step).undo_index].fails
    return declared[0] if declared else ""

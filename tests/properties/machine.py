"""The kernel for one plan and input, interned: its states are numbers, and each `apply` and `decide` runs once."""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec.structs import replace
from tests.properties.plans import Case
from tests.properties.world import Message, Services, Violation, World

from sagac.runtime import deciding, kernel, unwinding
from sagac.runtime.commands import Command, Send
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
from sagac.runtime.plan import Direction, Wire
from sagac.runtime.run import Action, Run

ATTEMPTS_COUNTED: Final = 2
"""`retry forever` counts on; beyond this its attempts look alike."""

Flight: TypeAlias = tuple[Direction, int]
"""A call that the present owner has made and waits for."""


class Machine:
    """The kernel for one plan and input: runs as numbers, every answer of it remembered."""

    def __init__(self, case: Case, given: dict[str, Wire]) -> None:
        self.case = case
        self.services = Services(case)
        self.position = {step.name: i for i, step in enumerate(case.plan.steps)}
        self.runs: list[Run] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        self._applied: dict[tuple[int, Event], int] = {}
        self._commands: dict[tuple[int, int], tuple[Command, ...]] = {}
        self._flights: dict[tuple[int, int], frozenset[Flight]] = {}
        self._skipped: dict[int, frozenset[int]] = {}
        self._resting: dict[int, bool] = {}
        self._standing: dict[int, frozenset[int]] = {}
        self.first = self._number(kernel.start(case.plan, "key", Started("", given, 0)))
        self.forgettable = _forgettable(self.runs[self.first])

    def apply(self, run: int, event: Event) -> int:
        """The run after the event."""
        known = self._applied.get((run, event))
        if known is None:
            try:
                known = self._applied[run, event] = self._number(kernel.apply(self.runs[run], event))
            except Violation as violation:
                raise Violation(violation.what, label_of(event)) from None
        return known

    def commands(self, run: int, now: int) -> tuple[Command, ...]:
        """What must be outstanding."""
        known = self._commands.get((run, now))
        if known is None:
            known = self._commands[run, now] = kernel.decide(self.runs[run], now)
        return known

    def flights(self, run: int, now: int) -> frozenset[Flight]:
        """The calls among it."""
        known = self._flights.get((run, now))
        if known is None:
            sends = (one for one in self.commands(run, now) if isinstance(one, Send))
            known = self._flights[run, now] = frozenset((one.direction, self.position[one.step]) for one in sends)
        return known

    def send(self, run: int, now: int, message: Message) -> Send:
        """The call that the message carries."""
        for one in self.commands(run, now):
            if isinstance(one, Send) and (one.direction, self.position[one.step]) == message[:2]:
                return one
        raise AssertionError(message)

    def skipped(self, run: int) -> frozenset[int]:
        """The steps that were skipped."""
        known = self._skipped.get(run)
        if known is None:
            actions = self.runs[run].actions
            known = self._skipped[run] = frozenset(i for i, one in enumerate(actions) if one.state == "skipped")
        return known

    def settled(self, run: int, i: int) -> bool:
        """Whether the step counts as done, so that anything may come after it: other steps, its undo, the run's end."""
        return self.runs[run].actions[i].state == "succeeded"

    def resting(self, run: int) -> bool:
        """Whether the run is at an end, or held."""
        known = self._resting.get(run)
        if known is None:
            known = self._resting[run] = kernel.status(self.runs[run]) not in ("running", "unwinding")
        return known

    def check(self, number: int, world: World) -> None:
        """What must hold in every state: no effect stands at a rest that the run does not account for."""
        if not self.resting(number):
            return
        run = self.runs[number]
        for i, step in enumerate(run.plan.steps):
            if not step.query:
                _check_effect(run, run.actions[i], i, world.values[i], self._accounted(number))

    def _accounted(self, run: int) -> frozenset[int]:
        known = self._standing.get(run)
        if known is None:
            ended = kernel.is_ended(self.runs[run])
            names = [one.step for one in kernel.residue(self.runs[run])] if ended else kernel.standing(self.runs[run])
            known = self._standing[run] = frozenset(self.position[name] for name in names)
        return known

    def _number(self, run: Run) -> int:
        run = _plain(run)
        key = (run.actions, run.mode, run.committed, run.alarms)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = len(self.runs)
            self.runs.append(run)
            _check_run(run)
        return known


def _check_effect(run: Run, action: Action, i: int, value: int, accounted: frozenset[int]) -> None:
    name = run.plan.steps[i].name
    if run.mode == "completed":
        if value != (action.state == "succeeded"):
            raise Violation(f"completed, but {name} took effect {value} times")
    elif value and i not in accounted:
        raise Violation(f"{kernel.status(run)}, but {name} has taken effect")


def _check_run(run: Run) -> None:
    """What must hold of a run by itself, whatever the world."""
    if run.mode == "compensated" and all(action.state in ("succeeded", "skipped") for action in run.actions):
        raise Violation("rolled back, though nothing failed")
    doing = any(action.state in unwinding.FORWARD for action in run.actions)
    if doing and any(action.undo in ("sent", "paused", "undone") for action in run.actions):
        raise Violation("an undo overlaps a forward call")
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if step.locks and action.attempt and not action.locked:
            raise Violation(f"{step.name} is sent without its lock")
    if run.mode == "unwinding":
        _check_turned(run)
    if kernel.status(run) == "held":
        _check_held(run)


def _check_turned(run: Run) -> None:
    """A run turns only before the point of no return, and `rollback in order` undoes one thing at a time."""
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if step.remains == "irreversible" and action.state == "succeeded":
            raise Violation(f"turned, though {step.name} is irreversible and done")
    outstanding = sum(action.undo in ("sent", "paused") for action in run.actions)
    if run.plan.rollback_in_order and outstanding > 1:
        raise Violation("two undos at a time, though the rollback is in order")


def _check_held(run: Run) -> None:
    """A hold says why, and every undo that is still owed either is held or waits for one that is."""
    held = kernel.held(run)
    if not held or not all(one.why for one in held):
        raise Violation("stuck: nothing is outstanding and nothing is held")
    if run.mode == "unwinding":
        named = {one.step for one in held}.union(*(one.waiting for one in held))
        for i, step in enumerate(run.plan.steps):
            if not unwinding.discharged(run, i) and step.name not in named:
                raise Violation(f"held, but {step.name} neither is nor waits")


def _plain(run: Run) -> Run:
    """The run without what is only told to people, and without counters that grow for ever."""
    actions = []
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        attempt = min(action.attempt, ATTEMPTS_COUNTED) if step.schedule.retries is None else action.attempt
        finished = action.finished if run.plan.rollback_in_order else 0
        detail = "told" if action.detail else ""
        undo_detail = "told" if action.undo_detail else ""
        actions.append(
            replace(action, attempt=attempt, finished=finished, detail=detail, undo_detail=undo_detail, result=None)
            if action.state != "succeeded"
            else replace(action, attempt=attempt, finished=finished, detail=detail, undo_detail=undo_detail)
        )
    return replace(run, actions=tuple(actions), events=0, cause="", cause_step="", turned_at=0)


def _forgettable(run: Run) -> frozenset[str]:
    """The keys whose memory was promised for a while only."""
    keys = set()
    for step in run.plan.steps:
        if step.window_ms is not None:
            keys.add(deciding.key_of(run, step, "do"))
            if step.undos and step.undos[0].revokes:
                keys.add(deciding.key_of(run, step, "undo"))
        if step.undos and step.undos[0].window_ms is not None:
            keys.add(deciding.key_of(run, step, "undo"))
    return frozenset(keys)


def label_of(event: Event) -> str:
    """The event as a step of a trace."""
    match event:
        case Answered():
            return f"{event.direction} {event.step}: {event.outcome}"
        case Probed():
            return f"probe {event.step}: {event.found}"
        case Due() | Expired():
            return f"{event.direction} {event.step} is {'due' if isinstance(event, Due) else 'expired'}"
        case Intended() | Lapsed():
            return f"{event.step} {'is intended' if isinstance(event, Intended) else 'lapses'}"
        case Locked() | LockExpired():
            return f"{event.step} {'is locked' if isinstance(event, Locked) else 'finds its lock taken'}"
        case Overdue():
            return f"the {event.limit} passes"
        case Started() | Cancelled() | Resumed():
            return {Started: "start", Cancelled: "cancel", Resumed: "crash"}[type(event)]

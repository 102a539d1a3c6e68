"""An exhaustive search: the real kernel against services that lose, delay, duplicate and refuse, with crashes.

The kernel's states are interned, so that each `apply` and `decide` runs once however many worlds it meets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from sagac.runtime import kernel
from sagac.runtime.commands import Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Expired,
    Intended,
    Lapsed,
    Outcome,
    Overdue,
    Probed,
    Resumed,
    Started,
)
from sagac.runtime.plan import Direction, Wire
from sagac.runtime.run import Action, Run
from tests.properties.plans import WINDOW_MS, Case
from tests.properties.world import Message, Services, Violation, World

LATER: Final = 10 * WINDOW_MS
"""The clock after a crash that outlasts every window."""

ATTEMPTS_COUNTED: Final = 2
"""`retry forever` counts on; beyond this its attempts look alike."""

STATES_MAX: Final = 3_000_000

Flight: TypeAlias = tuple[Direction, int]
"""A call that the present owner has made and waits for."""


class State(NamedTuple):
    """One state of everything: the run (interned), the network, the services and the present owner."""

    run: int
    network: tuple[Message, ...]
    world: World
    waiting: frozenset[Flight]
    crashes: int
    cancels: int
    now: int


class Finding(NamedTuple):
    """Something that must not be, and the way to it."""

    what: str
    trace: tuple[str, ...]


@dataclass(slots=True)
class Explored:
    """What a search saw."""

    states: int = 0
    runs: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)


def explore(case: Case, *, crashes: int = 1, cancels: int = 1, first_only: bool = False) -> Explored:
    """Every state that the case can reach, with every finding (or only the first)."""
    explored = Explored()
    for given in case.inputs:
        _explore(Machine(case, given), explored, crashes, cancels, first_only)
        if first_only and explored.findings:
            break
    return explored


def _explore(machine: Machine, explored: Explored, crashes: int, cancels: int, first_only: bool) -> None:
    first = State(machine.first, (), machine.services.empty(), frozenset(), crashes, cancels, 0)
    parents: dict[State, tuple[State, str] | None] = {first: None}
    children: dict[State, list[State]] = {}
    queue = deque([first])
    while queue:
        assert len(parents) < STATES_MAX, "the search does not end"
        state = queue.popleft()
        following = children[state] = []
        label = ""
        try:
            for label, found in _steps(machine, state):
                following.append(found)
                if found not in parents:
                    parents[found] = (state, label)
                    machine.check(found)
                    queue.append(found)
        except Violation as violation:
            _report(explored, violation.what, parents, state, violation.label or label)
            if first_only:
                return
    if not explored.findings:
        _report_stuck(machine, explored, parents, children)
    explored.states += len(parents)
    explored.runs += len(machine.runs)
    for state in parents:
        if machine.resting(state.run):
            end = kernel.status(machine.runs[state.run])
            explored.ends[end] = explored.ends.get(end, 0) + 1


def _report(
    explored: Explored, what: str, parents: dict[State, tuple[State, str] | None], state: State, last: str = ""
) -> None:
    trace = [last] if last else []
    step = parents[state]
    while step is not None:
        state, label = step
        trace.append(label)
        step = parents[state]
    explored.findings.setdefault(what, Finding(what, tuple(reversed(trace))))


def _report_stuck(
    machine: Machine,
    explored: Explored,
    parents: dict[State, tuple[State, str] | None],
    children: dict[State, list[State]],
) -> None:
    """Every state must be able to reach an end, or a hold that a person is told of."""
    backwards: dict[State, list[State]] = {}
    for state, following in children.items():
        for found in following:
            backwards.setdefault(found, []).append(state)
    reached = {state for state in parents if machine.resting(state.run)}
    queue = deque(reached)
    while queue:
        for state in backwards.get(queue.popleft(), ()):
            if state not in reached:
                reached.add(state)
                queue.append(state)
    for state in parents:
        if state not in reached:
            _report(explored, "stuck: no end and no hold can be reached", parents, state)
            return


# ---- the ways on from a state


def _steps(machine: Machine, state: State) -> Iterator[tuple[str, State]]:
    for command in machine.commands(state.run, state.now):
        match command:
            case Send():
                yield from _calls(machine, state, command)
            case Ask():
                yield from _probes(machine, state, command)
            case Await():
                yield _lapses(machine, state, command)
            case Wake() | Append():
                yield _label(command.event), _after(machine, state, command.event)
    for position, message in enumerate(state.network):
        if position == 0 or message != state.network[position - 1]:
            yield from _deliveries(machine, state, message)
    if state.cancels and not kernel.is_ended(machine.runs[state.run]):
        yield "cancel", _after(machine, state, Cancelled(state.now))._replace(cancels=state.cancels - 1)
    if state.crashes and not kernel.is_ended(machine.runs[state.run]):
        yield "crash", _crashed(machine, state, state.now)
        if machine.case.forgetting:
            yield "long crash", _crashed(machine, state, LATER)


def _calls(machine: Machine, state: State, send: Send) -> Iterator[tuple[str, State]]:
    i = machine.position[send.step]
    flight: Flight = (send.direction, i)
    name = f"{'undo ' if send.direction == 'undo' else ''}{send.step}#{send.attempt}"
    if flight not in state.waiting:
        message = Message(send.direction, i, send.key, send.undoes, True)
        network = _added(state.network, message)
        yield f"send {name}", state._replace(network=network, waiting=state.waiting | {flight})
    else:
        yield f"{name} times out", _after(machine, state, _answer(send, "unknown", state.now))


def _deliveries(machine: Machine, state: State, message: Message) -> Iterator[tuple[str, State]]:
    remaining = _removed(state.network, message)
    name = f"{'' if message.live else 'late '}{message.direction} {machine.case.plan.steps[message.step].name}"
    listening = message.live and (message.direction, message.step) in state.waiting
    for world, outcome in _taken(machine, state, message):
        after = state._replace(network=remaining, world=world)
        if listening:
            send = machine.send(state.run, state.now, message)
            answered = _after(machine, after, _answer(send, outcome, state.now))
            yield f"{name}: {outcome}", answered
            if machine.case.duplicating and machine.services.may_deliver_twice(message):
                copied = answered._replace(network=_added(answered.network, message._replace(live=False)))
                yield f"{name}: {outcome}, and a copy stays on its way", copied
        yield f"{name}: {outcome}, and nobody hears of it", after


def _taken(machine: Machine, state: State, message: Message) -> list[tuple[World, str]]:
    try:
        return list(machine.services.deliver(state.world, message, machine.skipped(state.run)))
    except Violation as violation:
        name = machine.case.plan.steps[message.step].name
        raise Violation(violation.what, f"{'' if message.live else 'late '}{message.direction} {name}") from None


def _probes(machine: Machine, state: State, ask: Ask) -> Iterator[tuple[str, State]]:
    landed = state.world.values[machine.position[ask.step]] > 0
    found: Literal["present", "absent"] = "present" if landed else "absent"
    result: Wire = ask.step if landed else None
    event = Probed(ask.step, ask.attempt, found, state.now, result=result)
    yield f"probe {ask.step}: {found}", _after(machine, state, event)
    silent = Probed(ask.step, ask.attempt, "unanswered", state.now)
    yield f"probe {ask.step}: unanswered", _after(machine, state, silent)


def _lapses(machine: Machine, state: State, awaited: Await) -> tuple[str, State]:
    """After `lands within`, what has not landed never will."""
    i = machine.position[awaited.step]
    network = tuple(one for one in state.network if not (one.direction == "do" and one.step == i))
    event = Lapsed(awaited.step, state.now)
    return f"{awaited.step} lapses", _after(machine, state._replace(network=network), event)


def _crashed(machine: Machine, state: State, now: int) -> State:
    """A new owner: it waits for nothing, and what the old one sent is still on its way, unless that was long ago."""
    network, world = _heard_by(frozenset(), state.network), state.world
    if now > state.now:
        network, world = (), machine.services.forgotten(world, machine.forgettable)
    alone = state._replace(network=network, world=world, waiting=frozenset(), now=now, crashes=state.crashes - 1)
    return _after(machine, alone, Resumed("new", now))


def _after(machine: Machine, state: State, event: Event) -> State:
    """The state after an event; calls that it ends are not waited for, and their messages are late."""
    run = machine.apply(state.run, event)
    waiting = state.waiting & machine.flights(run, state.now)
    if isinstance(event, Answered):
        waiting -= {(event.direction, machine.position[event.step])}
    network = state.network if waiting == state.waiting else _heard_by(waiting, state.network)
    return state._replace(run=run, network=network, waiting=waiting)


def _answer(send: Send, outcome: str, now: int) -> Answered:
    known: dict[str, Outcome] = {
        "succeeded": "succeeded",
        "refused": "refused",
        "transient": "transient",
        "unknown": "unknown",
    }
    result: Wire = send.step if outcome == "succeeded" else None
    return Answered(send.step, send.direction, send.attempt, known[outcome], now, result=result)


def _heard_by(waiting: frozenset[Flight], network: tuple[Message, ...]) -> tuple[Message, ...]:
    """The network where only these calls are waited for; every other message is late."""
    found: tuple[Message, ...] = ()
    for one in network:
        found = _added(found, one._replace(live=one.live and (one.direction, one.step) in waiting))
    return found


def _added(network: tuple[Message, ...], message: Message) -> tuple[Message, ...]:
    """One more message; of copies that nobody waits for, two are as bad as more."""
    if not message.live and network.count(message) >= 2:
        return network
    return tuple(sorted((*network, message)))


def _removed(network: tuple[Message, ...], message: Message) -> tuple[Message, ...]:
    position = network.index(message)
    return (*network[:position], *network[position + 1 :])


def _label(event: Event) -> str:
    match event:
        case Answered():
            return f"{event.direction} {event.step}: {event.outcome}"
        case Probed():
            return f"probe {event.step}: {event.found}"
        case Due() | Expired():
            return f"{event.direction} {event.step} is {'due' if isinstance(event, Due) else 'expired'}"
        case Intended() | Lapsed():
            return f"{event.step} {'is intended' if isinstance(event, Intended) else 'lapses'}"
        case Overdue():
            return f"the {event.limit} passes"
        case Started() | Cancelled() | Resumed():
            return {Started: "start", Cancelled: "cancel", Resumed: "crash"}[type(event)]


# ---- the kernel, interned


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
                raise Violation(violation.what, _label(event)) from None
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

    def resting(self, run: int) -> bool:
        """Whether the run is at an end, or held."""
        known = self._resting.get(run)
        if known is None:
            known = self._resting[run] = kernel.status(self.runs[run]) not in ("running", "unwinding")
        return known

    def check(self, state: State) -> None:
        """What must hold in every state: no effect stands at a rest that the run does not account for."""
        if not self.resting(state.run):
            return
        run = self.runs[state.run]
        for i, step in enumerate(run.plan.steps):
            if not step.query:
                _check_effect(run, run.actions[i], i, state.world.values[i], self._accounted(state.run))

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
    doing = any(action.state in kernel.unwinding.FORWARD for action in run.actions)
    if doing and any(action.undo in ("sent", "paused", "undone") for action in run.actions):
        raise Violation("an undo overlaps a forward call")
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
            if not kernel.unwinding.discharged(run, i) and step.name not in named:
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
            keys.add(kernel.deciding.key_of(run, step, "do"))
            if step.undos and step.undos[0].revokes:
                keys.add(kernel.deciding.key_of(run, step, "undo"))
        if step.undos and step.undos[0].window_ms is not None:
            keys.add(kernel.deciding.key_of(run, step, "undo"))
    return frozenset(keys)

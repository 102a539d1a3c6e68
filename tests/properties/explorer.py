"""An exhaustive search: the real kernel against services that lose, delay, duplicate and refuse, with crashes."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from tests.properties.machine import Flight, Machine, label_of
from tests.properties.plans import WINDOW_MS, Case
from tests.properties.world import Message, Violation, World

from sagac.runtime import kernel
from sagac.runtime.commands import Acquire, Append, Ask, Await, Send, Wake
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Event,
    Lapsed,
    Locked,
    LockExpired,
    Outcome,
    Probed,
    Resumed,
)
from sagac.runtime.plan import Wire
from sagac.runtime.run import Run

LATER: Final = 10 * WINDOW_MS
"""The clock after a crash that outlasts every window."""

STATES_MAX: Final = 3_000_000


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
    runs: list[Run] = field(default_factory=list)
    """The states of the kernel among them."""
    ends: dict[str, int] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)


def explore(case: Case, *, crashes: int = 1, cancels: int = 1, first_only: bool = False) -> Explored:
    """Every state that the case can reach, with every finding (or only the first)."""
    explored = Explored()
    with _without_collection():
        for given in case.inputs:
            _explore(Machine(case, given), explored, crashes, cancels, first_only)
            if first_only and explored.findings:
                break
    return explored


@contextmanager
def _without_collection() -> Iterator[None]:
    """A search makes no cycles, and all that it makes it keeps: collecting would only count it over and over."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _explore(machine: Machine, explored: Explored, crashes: int, cancels: int, first_only: bool) -> None:
    first = beginning(machine, crashes, cancels)
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
                    machine.check(found.run, found.world)
                    queue.append(found)
        except Violation as violation:
            _report(explored, violation.what, parents, state, violation.label or label)
            if first_only:
                return
    if not explored.findings:
        _report_stuck(machine, explored, parents, children)
    explored.states += len(parents)
    explored.runs += machine.runs
    for state in parents:
        if machine.resting(state.run):
            end = kernel.status(machine.runs[state.run])
            explored.ends[end] = explored.ends.get(end, 0) + 1


def beginning(machine: Machine, crashes: int, cancels: int) -> State:
    """The run has just begun, and nothing was sent."""
    return State(machine.first, (), machine.services.empty(), frozenset(), crashes, cancels, 0)


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
    """Of a run by itself: whether it gets its locks is anybody's guess."""
    yield from ways_on(machine, state)
    for command in machine.commands(state.run, state.now):
        if isinstance(command, Acquire):
            for event in (locked(command, state.now), LockExpired(command.step, state.now)):
                yield label_of(event), after(machine, state, event)


def locked(command: Acquire, now: int) -> Locked:
    """The event that the command asks for."""
    return Locked(command.step, command.locks, now)


def ways_on(machine: Machine, state: State) -> Iterator[tuple[str, State]]:
    """What may happen next, but for locks: these depend on other runs."""
    for command in machine.commands(state.run, state.now):
        match command:
            case Send():
                yield from _calls(machine, state, command)
            case Ask():
                yield from _probes(machine, state, command)
            case Await():
                yield _lapses(machine, state, command)
            case Wake() | Append():
                yield label_of(command.event), after(machine, state, command.event)
    for position, message in enumerate(state.network):
        if position == 0 or message != state.network[position - 1]:
            yield from _deliveries(machine, state, message)
    if state.cancels and not kernel.is_ended(machine.runs[state.run]):
        yield "cancel", after(machine, state, Cancelled(state.now))._replace(cancels=state.cancels - 1)
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
        yield f"send {name}", _with(state, network, state.world, waiting=state.waiting | {flight})
    else:
        yield f"{name} times out", after(machine, state, _answer(send, "unknown", state.now))


def _deliveries(machine: Machine, state: State, message: Message) -> Iterator[tuple[str, State]]:
    remaining = _removed(state.network, message)
    name = f"{'' if message.live else 'late '}{message.direction} {machine.case.plan.steps[message.step].name}"
    listening = message.live and (message.direction, message.step) in state.waiting
    for world, outcome in _taken(machine, state, message):
        taken = _with(state, remaining, world)
        if listening:
            send = machine.send(state.run, state.now, message)
            answered = after(machine, taken, _answer(send, outcome, state.now))
            yield f"{name}: {outcome}", answered
            if machine.case.duplicating and machine.services.may_deliver_twice(message):
                copied = answered._replace(network=_added(answered.network, message.unheard()))
                yield f"{name}: {outcome}, and a copy stays on its way", copied
        yield f"{name}: {outcome}, and nobody hears of it", taken


def _taken(machine: Machine, state: State, message: Message) -> list[tuple[World, str]]:
    step = machine.case.plan.steps[message.step]
    if message.direction == "do" and step.idempotent_by_effect and machine.settled(state.run, message.step):
        raise Violation(f"{step.name} lands again after it was settled", f"late do {step.name}")
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
    yield f"probe {ask.step}: {found}", after(machine, state, event)
    silent = Probed(ask.step, ask.attempt, "unanswered", state.now)
    yield f"probe {ask.step}: unanswered", after(machine, state, silent)


def _lapses(machine: Machine, state: State, awaited: Await) -> tuple[str, State]:
    """After `lands within`, what has not landed never will."""
    i = machine.position[awaited.step]
    network = tuple(one for one in state.network if not (one.direction == "do" and one.step == i))
    event = Lapsed(awaited.step, state.now)
    return f"{awaited.step} lapses", after(machine, state._replace(network=network), event)


def _crashed(machine: Machine, state: State, now: int) -> State:
    """A new owner: it waits for nothing, and what the old one sent is still on its way, unless that was long ago."""
    network, world = _heard_by(frozenset(), state.network), state.world
    if now > state.now:
        network, world = (), machine.services.forgotten(world, machine.forgettable)
    alone = state._replace(network=network, world=world, waiting=frozenset(), now=now, crashes=state.crashes - 1)
    return after(machine, alone, Resumed("new", now))


def after(machine: Machine, state: State, event: Event) -> State:
    """The state after an event; calls that it ends are not waited for, and their messages are late."""
    run = machine.apply(state.run, event)
    waiting = state.waiting & machine.flights(run, state.now)
    if isinstance(event, Answered):
        waiting -= {(event.direction, machine.position[event.step])}
    network = state.network if waiting == state.waiting else _heard_by(waiting, state.network)
    return State(run, network, state.world, waiting, state.crashes, state.cancels, state.now)


def _with(state: State, network: tuple[Message, ...], world: World, waiting: frozenset[Flight] | None = None) -> State:
    # Half of a search is making states, and `_replace` is several times as slow as this.
    waiting = state.waiting if waiting is None else waiting
    return State(state.run, network, world, waiting, state.crashes, state.cancels, state.now)


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
        heard = one.live and (one.direction, one.step) in waiting
        found = _added(found, one if heard == one.live else one.unheard())
    return found


def _added(network: tuple[Message, ...], message: Message) -> tuple[Message, ...]:
    """One more message; of copies that nobody waits for, two are as bad as more."""
    if not message.live and network.count(message) >= 2:
        return network
    return tuple(sorted((*network, message)))


def _removed(network: tuple[Message, ...], message: Message) -> tuple[Message, ...]:
    position = network.index(message)
    return (*network[:position], *network[position + 1 :])

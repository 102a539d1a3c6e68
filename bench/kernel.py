"""What the kernel costs: runs of thousands of steps, forward and all the way back, and of three."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time
from typing import Final, Literal, TypeAlias, get_args

from sagac.runtime import kernel
from sagac.runtime.events import Answered, Event, Started
from sagac.runtime.plan import Call, Field, Input, Plan, Result, Schedule, Step, Undo

Shape: TypeAlias = Literal["chain", "wide", "in order"]
"""Each step after the one before; all after the first; so too, undone one at a time."""

SIZES: Final = (3, 1_000, 5_000)
LIMIT_US: Final = {3: 30, 1_000: 50, 5_000: 200}
"""Microseconds for an event."""
REPEATED: Final = {3: 1_000}
"""How many runs are measured at a time, where one is over too soon."""
ROUNDS: Final = {3: 9, 1_000: 3}
"""How often it is measured; the best counts, because others use the machine too."""
DECIDED_MAX: Final = 1_000
"""A wide run wants as many commands as it has steps after every event: more of that only measures the list."""

SCHEDULE: Final = Schedule(timeout_ms=5_000, retries=3, backoff_first_ms=200, backoff_max_ms=10_000)
ORDER: Final = Input(("order",), "uuid")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run took for each of its events, in microseconds."""

    events: int
    apply_us: float
    decide_us: float | None
    """What deciding after every event adds; `None` where it was not asked."""


def lines(quick: bool) -> Iterator[str]:
    """The table, a line at a time."""
    yield f"{'shape':10}{'steps':>7}{'events':>9}{'apply':>12}{'target':>10}{'decide':>12}{'whole replay':>16}"
    for size in SIZES[: 2 if quick else None]:
        for shape in get_args(Shape):
            yield row(shape, size, measure(shape, size))


def row(shape: Shape, size: int, measured: Measured) -> str:
    decided = "-" if measured.decide_us is None else f"{measured.decide_us:.1f}us"
    whole_ms = measured.events * measured.apply_us / 1_000
    over = " over" if measured.apply_us > LIMIT_US[size] else ""
    return (
        f"{shape:10}{size:>7}{measured.events:>9}{measured.apply_us:>10.1f}us{LIMIT_US[size]:>8}us"
        f"{decided:>12}{whole_ms:>14.2f}ms{over}"
    )


def measure(shape: Shape, size: int) -> Measured:
    """A whole run: every step but the last succeeds, the last is refused, every other is undone."""
    plan, events = planned(shape, size), told(shape, size)
    mode = kernel.replay(plan, "key", events).mode
    assert mode == "compensated", mode
    apply_us = best_us(size, len(events), lambda: kernel.replay(plan, "key", events))
    if shape != "chain" and size > DECIDED_MAX:
        return Measured(len(events), apply_us, None)
    return Measured(len(events), apply_us, best_us(size, len(events), lambda: drive(plan, events)) - apply_us)


def best_us(size: int, events: int, run: Callable[[], object]) -> float:
    """The microseconds of this process for an event, in the best round."""
    taken = []
    for _ in range(ROUNDS.get(size, 1)):
        started = process_time()
        for _ in range(REPEATED.get(size, 1)):
            run()
        taken.append(process_time() - started)
    return min(taken) / REPEATED.get(size, 1) / events * 1e6


def drive(plan: Plan, events: tuple[Event, ...]) -> None:
    """A replay that asks before every event what must be outstanding."""
    first, *rest = events
    assert isinstance(first, Started), first
    run = kernel.start(plan, "key", first)
    for event in rest:
        assert kernel.decide(run, event.at), event
        run = kernel.apply(run, event)


def planned(shape: Shape, size: int) -> Plan:
    """A plan of so many steps, each with a compensation."""
    before = [(place - 1,) if shape == "chain" and place else (0,) if place else () for place in range(size)]
    later: list[list[int]] = [[] for _ in range(size)]
    for place, earlier in enumerate(before):
        for one in earlier:
            later[one].append(place)
    steps = tuple(step(place, before[place], later[place]) for place in range(size))
    inputs = (Field("order", "uuid"),)
    return Plan("bench.Saga", 1, ("order",), inputs, steps, rollback_in_order=shape == "in order")


def step(place: int, before: tuple[int, ...], later: list[int]) -> Step:
    """A step that reads the result of one before it."""
    read = Result(name(before[0]), ("id",), "string") if before else ORDER
    return Step(
        name(place),
        Call("work", "begin", (("order", ORDER), ("of", read))),
        SCHEDULE,
        after=tuple(map(name, before)),
        undo_after=tuple(map(name, later)),
        fails=("Refused",),
        result="{ id: string }",
        idempotent=True,
        doubt="revoke",
        undos=(Undo(Call("work", "revert", (("order", ORDER),)), SCHEDULE, revokes=True),),
    )


def told(shape: Shape, size: int) -> tuple[Event, ...]:
    """What happens: forward in the plan's order, and back."""
    last = size - 1
    forward = [Answered(name(place), "do", 1, "succeeded", 1, result={"id": name(place)}) for place in range(last)]
    refused = Answered(name(last), "do", 1, "refused", 2, failure="Refused")
    back = [Answered(name(place), "undo", 1, "succeeded", 3) for place in reversed(range(last))]
    return (Started("", {"order": "0"}, 0), *forward, refused, *back)


def name(place: int) -> str:
    return f"s{place}"

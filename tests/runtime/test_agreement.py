"""Whatever goes wrong, the executor, the kernel, the journal and the world tell the same story."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.runtime.world import FakeWorld, Rejected, Trip, TripInput, VirtualClock, plan, step, told, virtually

from sagac.runtime import Compensated, Completed, Held, MemoryJournal, Outcome, Runtime
from sagac.runtime.audit import audit
from sagac.runtime.events import Answered, Locked, Resumed
from sagac.runtime.history import History, recall
from sagac.runtime.plan import Lock, Plan, format_of
from sagac.runtime.run import Run

NAMES = "abcd"


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A few steps in any order, some of which lock one of two records, together or one after the other."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    steps = [
        step(name, *sorted(draw(st.sets(st.sampled_from(names[:i] or "-"))) - {"-"}), locks=draw(LOCKS))
        for i, name in enumerate(names)
    ]
    return plan(*steps, rollback_in_order=draw(st.booleans()), format=format_of(steps))


LOCKS = st.sampled_from([(), (), *(tuple(Lock(f"w.{name}", (), 60_000) for name in names) for names in ("x", "xy"))])


FAULTS = st.sampled_from(
    ["lost", "hang", ConnectionError("reset"), Rejected("no"), told("busy"), told(retry_after=0.2)]
)
"""What can happen to an attempt of a do; an undo is not refused here, or the run would be held."""

UNDO_FAULTS = st.sampled_from(["lost", "hang", ConnectionError("reset"), told("busy")])


@dataclass(slots=True)
class Told:
    """A run as everybody tells it."""

    outcome: Outcome
    live: Run
    history: History
    world: FakeWorld


async def tell(shape: Plan, faults: dict[Any, Any], cancel_ms: int, crash_ms: int) -> Told:
    """Run a saga through the faults, a cancel and a change of owner, and ask everybody."""
    journal, world = MemoryJournal(), FakeWorld(faults)
    saga = Trip(plan=shape, world=world)
    clock = VirtualClock()
    async with Runtime(journal=journal, sagas=[saga], clock=clock, grace_ms=0) as runtime:
        run = await runtime.start(Trip, TripInput(trip="t"))
        await asyncio.sleep(crash_ms / 1000)
    async with Runtime(journal=journal, sagas=[saga], clock=clock) as runtime:
        live = runtime._executors.get(run.id)
        if cancel_ms:
            await asyncio.sleep(cancel_ms / 1000)
            await runtime.cancel(run.id, reason="enough")
        outcome = await (await runtime.run(run.id)).outcome()
        (entry,) = await journal.entries()
        history = await recall(journal, entry)
        assert (await audit(journal)).findings == ()
        assert await journal.lines() == ()
        return Told(outcome, live.run if live else history.run, history, world)


@settings(max_examples=150, deadline=None)
@given(
    shape=plans(),
    dos=st.dictionaries(st.tuples(st.sampled_from(NAMES), st.just("do"), st.integers(1, 3)), FAULTS, min_size=2),
    undos=st.dictionaries(st.tuples(st.sampled_from(NAMES), st.just("undo"), st.integers(1, 2)), UNDO_FAULTS),
    cancel_ms=st.sampled_from([0, 1, 150, 1_500]),
    crash_ms=st.sampled_from([0, 1, 120, 1_100, 2_500]),
)
def test_everybody_tells_the_same_story(
    shape: Plan, dos: dict[Any, Any], undos: dict[Any, Any], cancel_ms: int, crash_ms: int
) -> None:
    story = virtually(tell(shape, dos | undos, cancel_ms, crash_ms))
    event(type(story.outcome).__name__)
    event(f"locked: {any(isinstance(record.event, Locked) for record in story.history.records)}")
    event(f"handed over: {any(isinstance(record.event, Resumed) for record in story.history.records)}")
    assert story.live == story.history.run
    match story.outcome:
        case Completed():
            assert story.world.effects == dict.fromkeys([each.name for each in shape.steps], 1)
        case Compensated():
            assert not +story.world.effects
        case Held():
            raise AssertionError("every doubt here can be revoked, and every undo be repeated")
    _check_order(story)
    _check_keys(story)


def _check_order(story: Told) -> None:
    """No step before what it comes after, no undo before the undo of what follows, and no step after an undo."""
    log = story.world.log
    for each in story.history.plan.steps:
        for before in each.after:
            if each.name in log:
                assert before in log[: log.index(each.name)], log
        for later in each.undo_after:
            if f"undo {each.name}" in log and story.world.effects[later] == 0 and f"undo {later}" in log:
                last = len(log) - 1 - log[::-1].index(f"undo {later}")
                assert last < log.index(f"undo {each.name}"), log
    dos = [i for i, entry in enumerate(log) if not entry.startswith("undo")]
    undone = [entry.removeprefix("undo ") for entry in log[: max(dos, default=0)] if entry.startswith("undo")]
    assert not undone or set(undone) <= _doubtful(story), log  # only a doubt is revoked in the drain


def _doubtful(story: Told) -> set[str]:
    """The steps with an attempt that was never answered."""
    answers = [record.event for record in story.history.records if isinstance(record.event, Answered)]
    return {answer.step for answer in answers if answer.direction == "do" and answer.outcome == "unknown"}


def _check_keys(story: Told) -> None:
    """An action has one key in all its attempts, and no two actions share one."""
    keys = {(call.step, call.direction, call.key) for call in story.world.calls}
    assert len(keys) == len({key for *_, key in keys}) == len({(step, side) for step, side, _ in keys})

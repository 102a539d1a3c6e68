"""Runs that lock a record stand in line for it, keep it to their ends, and fail definitely where it comes too late."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Coroutine
from contextlib import AsyncExitStack, closing
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import pytest
from tests.runtime.world import (
    FakeWorld,
    Rejected,
    Trip,
    TripInput,
    VirtualClock,
    eventually,
    plan,
    step,
    virtually,
)

from sagac.runtime import Call, Compensated, Completed, Held, Journal, MemoryJournal, Runtime, cli, connect
from sagac.runtime.audit import audit
from sagac.runtime.events import Answered, Event, Intended, Locked, LockExpired, Resumed, Started
from sagac.runtime.history import recall
from sagac.runtime.journal import Place, read
from sagac.runtime.plan import Constant, Input, Lock, Plan, Schedule, format_of
from sagac.runtime.sqlite import SqliteJournal

T = TypeVar("T")

RECORD: Final = 'warehouse.Stock["s"]'
DAY_MS: Final = 86_400_000
"""A watch that never comes due: whatever happens within one process does not wait for it."""


def lock(key: str = "note", within_ms: int = 60_000) -> Lock:
    return Lock("warehouse.Stock", (Input((key,), "string"),), within_ms)


def locking(*steps: Any) -> Plan:
    return plan(*steps, format=format_of(steps))


CHAIN: Final = locking(step("a", locks=(lock(),)), step("b", "a"))


def runtime(journal: Journal, world: Any, shape: Plan = CHAIN, **settings: Any) -> Runtime:
    settings = {"clock": VirtualClock(), "watch_ms": DAY_MS, "lease_ms": 10 * DAY_MS, **settings}
    return Runtime(journal=journal, sagas=[Trip(plan=shape, world=world)], **settings)


def trip(name: str, note: str = "s") -> TripInput:
    return TripInput(trip=name, note=note)


async def ends(running: Runtime, *inputs: TripInput) -> list[object]:
    """The outcomes of runs that are started one after the other, and then all there at once."""
    handles = [await running.start(Trip, each) for each in inputs]
    return [await handle.outcome() for handle in handles]


async def events_of(journal: Journal) -> list[list[Event]]:
    """The events of every run, in the order in which they began."""
    await journal.open()
    entries = await journal.entries()
    found = [[record.event for record in await read(journal, entry.run)] for entry in entries]
    await journal.close()
    return found


def sent(world: FakeWorld) -> list[str]:
    """The calls that reached the world, with the run that each was for, by the order in which runs came."""
    runs = [*dict.fromkeys(call.run for call in world.calls)]
    return [f"{'undo ' * (call.direction == 'undo')}{call.step}{runs.index(call.run)}" for call in world.calls]


async def slow(call: Call) -> None:
    await asyncio.sleep(0.5)


def test_a_run_does_not_touch_a_record_before_another_has_ended() -> None:
    async def story() -> tuple[list[object], list[str], list[list[Event]]]:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): slow})
        async with runtime(journal, world) as running:
            outcomes = await ends(running, trip("x"), trip("y"))
            assert await journal.lines() == ()
        return outcomes, sent(world), await events_of(journal)

    outcomes, log, (first, second) = virtually(story())
    assert [type(outcome) for outcome in outcomes] == [Completed, Completed]
    assert log == ["a0", "b0", "a1", "b1"]
    assert [type(event) for event in first] == [Started, Locked, Answered, Answered] == [type(each) for each in second]
    assert second[1].at == first[-1].at  # told at once, though nobody looks before tomorrow
    assert second[1] == Locked("a", (RECORD,), second[1].at)


def test_runs_with_other_keys_go_on_together() -> None:
    async def story() -> list[str]:
        world = FakeWorld({("a", "do", 1): slow})
        async with runtime(MemoryJournal(), world) as running:
            await ends(running, trip("x", "s"), trip("y", "t"))
        return sent(world)

    assert virtually(story()) == ["a0", "a1", "b0", "b1"]


def test_an_undo_runs_under_the_lock() -> None:
    async def story() -> tuple[list[object], list[str]]:
        async def refuse_first(call: Call) -> None:
            await asyncio.sleep(0.5)
            if call.run == world.calls[0].run:
                raise Rejected

        world = FakeWorld({("b", "do", 1): refuse_first, ("a", "undo", 1): slow})
        async with runtime(MemoryJournal(), world) as running:
            return await ends(running, trip("x"), trip("y")), sent(world)

    outcomes, log = virtually(story())
    assert [type(outcome) for outcome in outcomes] == [Compensated, Completed]
    assert log == ["a0", "b0", "undo a0", "a1", "b1"]


def test_a_lock_that_is_not_got_in_time_is_a_definite_refusal() -> None:
    async def story() -> tuple[list[object], list[str], list[list[Event]]]:
        async def slower(call: Call) -> None:
            await asyncio.sleep(0.9)

        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): slower})
        shape = locking(step("first"), step("a", "first", locks=(lock(within_ms=600),)), step("b", "a"))
        async with runtime(journal, world, shape) as running:
            outcomes = await ends(running, trip("x"), trip("y"))
        return outcomes, sent(world), await events_of(journal)

    outcomes, log, (first, second) = virtually(story())
    (_, compensated) = outcomes
    assert isinstance(compensated, Compensated)
    assert compensated.cause == "`a` was refused: lock timeout"
    assert log == ["first0", "first1", "a0", "b0", "undo first1"]
    expired = next(event for event in second if isinstance(event, LockExpired))
    assert expired.at - second[1].at == 600
    assert expired.detail.startswith(f"`{RECORD}` is held by run ")
    assert not any(isinstance(event, LockExpired) for event in first)


def test_whoever_came_first_is_served_first() -> None:
    async def story() -> list[str]:
        world = FakeWorld({("a", "do", 1): slow})
        async with runtime(MemoryJournal(), world) as running:
            await ends(running, *(trip(f"{number}") for number in range(12)))
        return [call.run for call in world.calls if call.step == "a"]

    async def order() -> list[str]:
        journal, world = MemoryJournal(), FakeWorld({("a", "do", 1): slow})
        async with runtime(journal, world) as running:
            handles = [await running.start(Trip, trip(f"{number}")) for number in range(12)]
            await running.idle()
            return [handle.id for handle in handles]

    assert virtually(story()) == virtually(order())


def test_runs_that_start_at_one_moment_do_not_both_get_the_lock() -> None:
    async def story() -> list[str]:
        world = FakeWorld({("a", "do", 1): slow})
        async with runtime(MemoryJournal(), world) as running:
            handles = await asyncio.gather(*(running.start(Trip, trip(f"{number}")) for number in range(5)))
            await asyncio.gather(*(handle.outcome() for handle in handles))
        return [call.run for call in world.calls]

    log = virtually(story())
    assert log == [run for run in dict.fromkeys(log) for _ in range(2)]


def test_a_run_that_turns_while_it_waits_gives_its_place_up_at_once() -> None:
    async def story() -> tuple[object, list[Place], list[str]]:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): slow})
        async with runtime(journal, world) as running:
            first, second, third = [await running.start(Trip, trip(name)) for name in "xyz"]
            await asyncio.sleep(0.1)
            assert [place.run for place in await journal.lines()] == [first.id, second.id, third.id]
            assert (await running.cancel(second.id, reason="enough")).accepted
            lines = [*await journal.lines()]
            outcome = await second.outcome()
            await asyncio.gather(first.outcome(), third.outcome())
        return outcome, lines, sent(world)

    outcome, lines, log = virtually(story())
    assert isinstance(outcome, Compensated)
    assert len(lines) == 2
    assert log == ["a0", "b0", "a1", "b1"]


def test_a_held_run_keeps_its_lock() -> None:
    async def story() -> tuple[list[object], list[str]]:
        once: dict[str, Any] = {
            "idempotent": False,
            "intent": True,
            "doubt": "hold",
            "undo": None,
            "schedule": Schedule(100, 0, 0, 0),
        }
        shape = locking(step("a", locks=(lock(within_ms=5_000),)), step("b", "a", **once))
        world = FakeWorld({("b", "do", 1): "hang"})
        journal = MemoryJournal()
        async with runtime(journal, world, shape) as running:
            outcomes = await ends(running, trip("x"), trip("y"))
            assert [place.has for place in await journal.lines()] == [True]
        return outcomes, sent(world)

    outcomes, log = virtually(story())
    assert [type(outcome) for outcome in outcomes] == [Held, Compensated]
    assert log == ["a0", "b0"]


def test_locks_of_one_step_are_got_in_their_order_and_kept_together() -> None:
    async def story() -> list[str]:
        both = locking(step("a", locks=(lock(), Lock("w.Other", (Constant(7, "int"),), 60_000))), step("b", "a"))
        world = FakeWorld({("a", "do", 1): slow})
        journal = MemoryJournal()
        async with runtime(journal, world, both) as running:
            first, second = await running.start(Trip, trip("x", "s")), await running.start(Trip, trip("y", "t"))
            await asyncio.sleep(0.1)
            assert [(place.lock, place.run) for place in await journal.lines()] == [
                ('w.Other["7"]', first.id),
                ('w.Other["7"]', second.id),
                ('warehouse.Stock["s"]', first.id),
                ('warehouse.Stock["t"]', second.id),
            ]
            await asyncio.gather(first.outcome(), second.outcome())
        return sent(world)

    assert virtually(story()) == ["a0", "b0", "a1", "b1"]


def test_a_run_need_not_wait_for_itself() -> None:
    async def story() -> tuple[object, list[Event]]:
        shape = locking(step("a", locks=(lock(),)), step("b", "a", locks=(lock(),)), step("c", locks=(lock(),)))
        journal = MemoryJournal()
        async with runtime(journal, FakeWorld(), shape) as running:
            (outcome,) = await ends(running, trip("x"))
        return outcome, (await events_of(journal))[0]

    outcome, events = virtually(story())
    assert isinstance(outcome, Completed)
    assert sum(isinstance(event, Locked) for event in events) == 3


@pytest.mark.parametrize("intent", [False, True])
def test_a_lock_costs_one_event_and_one_durable_write(tmp_path: Path, intent: bool) -> None:
    facts: dict[str, Any] = {"idempotent": not intent, "intent": intent, "doubt": "hold" if intent else "revoke"}

    async def cost(name: str, **more: Any) -> tuple[int, list[type[Event]]]:
        journal = SqliteJournal(tmp_path / f"{name}.db")
        steps = (step("z"), step("a", "z", **facts, **more))
        async with runtime(journal, FakeWorld(), locking(*steps), clock=None) as running:
            before = journal.commits
            await ends(running, trip("x"))
            commits = journal.commits - before
        (events,) = await events_of(SqliteJournal(tmp_path / f"{name}.db"))
        return commits, [type(event) for event in events]

    free, without = asyncio.run(cost("without"))
    paid, with_lock = asyncio.run(cost("with", locks=(lock(),)))
    assert paid == free + 1
    assert with_lock == [*without[:2], Locked, *without[2:]]
    assert (Intended in with_lock) is intent


def test_another_process_sees_a_lock_that_is_free_again_before_long(tmp_path: Path) -> None:
    async def story() -> list[str]:
        path, world = tmp_path / "journal.db", FakeWorld({("b", "do", 1): slow})
        real: dict[str, Any] = {"clock": None, "watch_ms": 20, "lease_ms": 10_000}
        async with (
            runtime(SqliteJournal(path), world, **real) as one,
            runtime(SqliteJournal(path), world, **real) as two,
        ):
            first = await one.start(Trip, trip("x"))
            await eventually(lambda: world.log == ["a", "b"])
            second = await two.start(Trip, trip("y"))
            await asyncio.gather(first.outcome(), second.outcome())
        return sent(world)

    assert asyncio.run(story()) == ["a0", "b0", "a1", "b1"]


def test_a_wait_goes_on_where_its_process_has_ended_and_its_time_is_the_first_ones(tmp_path: Path) -> None:
    async def story() -> tuple[list[str], list[Event]]:
        journal, world, clock = MemoryJournal(), FakeWorld({("b", "do", 1): "hang"}), VirtualClock()
        shape = locking(
            step("a", locks=(lock(within_ms=5_000),)), step("b", "a", schedule=Schedule(60_000, 0, 0, 0), undo=None)
        )
        await journal.open()
        async with runtime(journal, world, shape, clock=clock, grace_ms=0) as running:
            await running.start(Trip, trip("x"))
            second = await running.start(Trip, trip("y"))
            await asyncio.sleep(2)
        lines = await journal.lines()
        assert [place.has for place in lines] == [True, False]
        async with runtime(journal, world, shape, clock=clock, grace_ms=0) as running:
            assert [(place.lock, place.run) for place in await journal.lines()] == [
                (place.lock, place.run) for place in lines
            ]
            await (await running.run(second.id)).outcome()
        entry = await journal.entry(second.id)
        assert entry is not None
        return world.log, [record.event for record in (await recall(journal, entry)).records]

    log, events = virtually(story())
    assert log == ["a", "b", "b"]  # the one that has the lock sends again what was on the wire
    started, *_, expired = events
    assert isinstance(expired, LockExpired)
    assert expired.at - started.at == 5_000
    assert any(isinstance(event, Resumed) for event in events)


def finished(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in real time that ends within seconds."""
    return asyncio.run(asyncio.wait_for(story, 60))


def test_many_runs_over_one_record_all_come_to_their_turn(tmp_path: Path) -> None:
    async def story() -> list[str]:
        path, world = tmp_path / "journal.db", FakeWorld()
        real: dict[str, Any] = {"clock": None, "watch_ms": 20, "lease_ms": 10_000}
        async with (
            runtime(SqliteJournal(path), world, **real) as one,
            runtime(SqliteJournal(path), world, **real) as two,
        ):
            handles = await asyncio.gather(*((one, two)[n % 2].start(Trip, trip(f"{n}")) for n in range(30)))
            await asyncio.gather(*(handle.outcome() for handle in handles))
        return [call.run for call in world.calls]

    log = finished(story())
    assert log == [run for run in dict.fromkeys(log) for _ in range(2)]
    assert len(log) == 60


def test_ps_and_show_tell_who_waits_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shape = locking(step("a", locks=(lock(),)), step("b", "a", schedule=Schedule(60_000, 0, 0, 0)))

    async def story() -> list[str]:
        world = FakeWorld({("b", "do", 1): "hang"})
        async with runtime(connect(cli.JOURNAL), world, shape, clock=None, grace_ms=0) as running:
            handles = [await running.start(Trip, trip(name)) for name in "xyz"]
            await eventually(lambda: world.log == ["a", "b"])
            for _ in range(3):  # the others have looked by the time that these are answered
                await running.cancel((await running.start(Trip, trip("w", "t"))).id, reason="to wait a little")
            return [handle.id for handle in handles]

    first, second, third = finished(story())
    assert cli.main(["ps", "--open"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith("WAITS FOR")
    waits = {row.split()[0]: row.partition(f"{first[:12]}: ")[2] for row in rows}
    assert (waits[first[:12]], waits[second[:12]], waits[third[:12]]) == ("", RECORD, RECORD)
    shown = {run: show(capsys, run) for run in (first, second, third)}
    assert shown[first] == f"has {RECORD}, runs {second[:12]}, {third[:12]} behind it"
    assert shown[second] == f"waits for {RECORD}: run {first[:12]} has it"
    assert shown[third] == f"waits for {RECORD}: run {first[:12]} has it, and run {second[:12]} before this one"
    assert cli.main(["show", third, "--json"]) == 0
    (stand,) = json.loads(capsys.readouterr().out)["locks"]
    assert (stand["lock"], stand["has"], [place["run"] for place in stand["before"]]) == (
        RECORD,
        False,
        [first, second],
    )
    assert cli.main(["verify-journal"]) == 0


def show(capsys: pytest.CaptureFixture[str], run: str) -> str:
    """The last line that the command prints of a run."""
    assert cli.main(["show", run]) == 0
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("DELETE FROM lines", f"its records say that it has `{RECORD}`, and the line for it does not"),
        ("UPDATE lines SET has = 1", f"it has `{RECORD}`, and another run stands before it"),
        ("UPDATE lines SET place = -place", f"it has `{RECORD}`, and another run stands before it"),
        ("", ""),
    ],
)
def test_an_audit_finds_locks_that_nobody_can_have_got(damage: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        world = FakeWorld({("b", "do", 1): "hang"})
        async with runtime(SqliteJournal(path), world, clock=None, grace_ms=0) as running:
            for name in "xy":
                await running.start(Trip, trip(name))
            await eventually(lambda: world.log == ["a", "b"])
            journal = SqliteJournal(path)
            await journal.open()
            for _ in range(20_000):
                if len(await journal.lines()) == 2:
                    break
                await asyncio.sleep(0.001)
            await journal.close()

    async def audited() -> list[str]:
        journal = SqliteJournal(path)
        await journal.open()
        findings = (await audit(journal)).findings
        await journal.close()
        return [finding.what for finding in findings]

    finished(story())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(damage)
    found = asyncio.run(audited())
    assert (what in found) if what else not found


@pytest.mark.parametrize("seed", range(12))
def test_runs_that_take_their_locks_in_one_order_never_tire_of_waiting(seed: int) -> None:
    """Each locks some records, in the order of their names, over some steps: all have their turn in the end (E4)."""
    random = Random(seed)
    shapes = [chosen(random, f"trip.Trip{number}") for number in range(6)]

    async def story() -> list[object]:
        journal, clock = MemoryJournal(), VirtualClock()
        world = FakeWorld({(name, "do", 1): slow for name in "abc"})
        runtimes = [runtime(journal, world, shape, clock=clock, watch_ms=250) for shape in shapes]
        async with AsyncExitStack() as opened:
            handles = []
            for one in runtimes:
                await opened.enter_async_context(one)
                handles += [await one.start(Trip, trip(f"{number}")) for number in range(3)]
            outcomes = await asyncio.gather(*(handle.outcome() for handle in handles))
            assert await journal.lines() == ()
        return [*outcomes]

    assert {type(outcome) for outcome in virtually(story())} == {Completed}


def chosen(random: Random, saga: str) -> Plan:
    """A chain of three steps that lock some of five records, each later in the order than those before."""
    records = sorted(random.sample(range(5), random.randint(1, 4)))
    cuts = sorted(random.randint(0, len(records)) for _ in range(2))
    parts = (records[: cuts[0]], records[cuts[0] : cuts[1]], records[cuts[1] :])
    steps = [
        step(name, *(before and [before]), locks=tuple(Lock(f"w.R{number}", (), DAY_MS) for number in part))
        for name, before, part in zip("abc", ("", "a", "b"), parts, strict=True)
    ]
    return plan(*steps, saga=saga, format=format_of(steps))


def test_runs_that_take_their_locks_in_opposite_orders_are_parted_by_their_time_limits() -> None:
    def shape(saga: str, first: str, second: str, within_ms: int) -> Plan:
        locks = {name: (Lock(f"w.{name}", (), within_ms),) for name in (first, second)}
        steps = (step("a", locks=locks[first]), step("b", "a", locks=locks[second]))
        return plan(*steps, saga=saga, format=format_of(steps))

    async def story() -> list[object]:
        journal, clock, world = MemoryJournal(), VirtualClock(), FakeWorld({("a", "do", 1): slow})
        forward, backward = shape("trip.Forward", "x", "y", 5_000), shape("trip.Backward", "y", "x", 9_000)
        one = runtime(journal, world, forward, clock=clock, watch_ms=250)
        two = runtime(journal, world, backward, clock=clock, watch_ms=250)
        async with one, two:
            handles = [await one.start(Trip, trip("x")), await two.start(Trip, trip("y"))]
            outcomes = await asyncio.gather(*(handle.outcome() for handle in handles))
            assert await journal.lines() == ()
        return [*outcomes]

    turned, completed = virtually(story())
    assert turned == Compensated("`b` was refused: lock timeout")
    assert isinstance(completed, Completed)

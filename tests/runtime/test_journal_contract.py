"""What every journal promises (R14), asked of each store through the same door."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from sagac.runtime import plan as plans
from sagac.runtime.errors import (
    ClosedError,
    JournalDamagedError,
    JournalPlaceError,
    LeaseLostError,
    LockTakenError,
    UnknownRunError,
)
from sagac.runtime.events import Answered, Cancelled, Started
from sagac.runtime.journal import Batch, Begun, Head, Journal, Lease, Opening, Place, Reply, connect, identify, read
from sagac.runtime.memory import MemoryJournal
from sagac.runtime.plan import Call, Field, Plan, Schedule, Step
from sagac.runtime.run import Status
from sagac.runtime.sqlite import SqliteJournal

T = TypeVar("T")

PLAN = Plan(
    saga="trip.Trip",
    version=1,
    key=("trip",),
    inputs=(Field("trip", "string"),),
    steps=(Step(name="flight", call=Call("air", "book"), schedule=Schedule(1000, 0, 0, 0)),),
)


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return MemoryJournal() if request.param == "memory" else SqliteJournal(tmp_path / "journal.db")


def with_journal(journal: Journal, story: Callable[[], Awaitable[T]]) -> T:
    async def told() -> T:
        await journal.open()
        try:
            return await story()
        finally:
            await journal.close()

    return asyncio.run(told())


def opening(key: str = '["a"]', trip: str = "a", at: int = 5) -> Opening:
    started = Started(plan=plans.digest(PLAN), input={"trip": trip}, at=at)
    return Opening(PLAN.saga, key, PLAN, started, "running")


async def begin(journal: Journal, worker: str = "ada", key: str = '["a"]') -> tuple[Begun, Lease]:
    begun = await journal.begin(worker, opening(key))
    assert begun.lease is not None
    return begun, begun.lease


def answered(attempt: int = 1) -> Answered:
    return Answered("flight", "do", attempt, "succeeded", at=7, result={"pnr": "X"})


def batch(head: Head, *, at: int = 7, status: str = "running", replies: tuple[Reply, ...] = ()) -> Batch:
    assert status in ("running", "completed")
    return Batch(head, (answered(),), "completed" if status == "completed" else "running", at, replies)


def test_a_beginning_stores_plan_and_first_record_and_gives_a_lease(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        run = identify(PLAN.saga, '["a"]')
        assert lease == Lease(run, "ada", 1)
        assert await journal.plan(begun.entry.plan) == plans.encode(PLAN)
        assert await journal.entry(run) == begun.entry
        assert (begun.entry.status, begun.entry.head.length, begun.entry.worker) == ("running", 1, "ada")
        (record,) = await read(journal, run)
        assert (record.sequence, record.fence, record.event) == (0, 1, opening().started)

    with_journal(journal, story)


def test_a_second_beginning_finds_the_run_and_changes_nothing(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, _ = await begin(journal)
        again = await journal.begin("ada", opening(trip="other", at=9))
        assert again == Begun(begun.entry, None)
        assert len(await journal.records(begun.entry.run)) == 1

    with_journal(journal, story)


def test_records_form_a_chain_that_reading_checks(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        head = await journal.append(lease, batch(begun.entry.head))
        head = await journal.append(lease, batch(head, at=8))
        records = await read(journal, lease.run)
        assert [record.sequence for record in records] == [0, 1, 2]
        assert [record.previous for record in records[1:]] == [record.hash for record in records[:-1]]
        assert (await journal.entries())[0].head == head == Head(3, records[-1].hash)
        assert (await journal.entries())[0].changed_at == 8

    with_journal(journal, story)


def test_an_append_after_another_head_is_refused(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        await journal.append(lease, batch(begun.entry.head))
        with pytest.raises(LeaseLostError):
            await journal.append(lease, batch(begun.entry.head))
        assert len(await journal.records(lease.run)) == 2

    with_journal(journal, story)


def test_a_takeover_fences_the_old_owner_out(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        await journal.enlist("bob", 1000)
        begun, old = await begin(journal)
        assert await journal.claim("bob", (old.run,)) == ()  # ada still owns it
        assert await journal.dismiss("ada", beat=0)
        with pytest.raises(LeaseLostError):
            await journal.append(old, batch(begun.entry.head))
        (new,) = await journal.claim("bob", (old.run,))
        assert new == Lease(old.run, "bob", 2)
        with pytest.raises(LeaseLostError):
            await journal.append(old, batch(begun.entry.head))
        await journal.append(new, batch(begun.entry.head))
        assert [record.fence for record in await journal.records(old.run)] == [1, 2]

    with_journal(journal, story)


def test_a_worker_that_renewed_in_time_is_not_dismissed(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        _, lease = await begin(journal)
        (seen,) = await journal.workers()
        assert await journal.renew("ada")
        assert not await journal.dismiss("ada", beat=seen.beat)
        (now,) = await journal.workers()
        assert (now.beat > seen.beat, now.gone, now.lease_ms) == (True, False, 1000)
        assert (await journal.entries())[0].worker == lease.worker

    with_journal(journal, story)


def test_a_dismissed_worker_can_neither_renew_nor_begin_nor_claim(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        _, lease = await begin(journal)
        assert await journal.dismiss("ada")
        assert not await journal.dismiss("ada")
        assert not await journal.renew("ada")
        with pytest.raises(LeaseLostError):
            await begin(journal, key='["b"]')
        with pytest.raises(LeaseLostError):
            await journal.claim("ada", (lease.run,))
        assert len(await journal.entries()) == 1

    with_journal(journal, story)


def test_a_lease_that_was_given_back_can_be_claimed_at_once(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        _, lease = await begin(journal)
        assert await journal.orphans() == ()
        await journal.release(lease)
        assert [entry.run for entry in await journal.orphans()] == [lease.run]
        (again,) = await journal.claim("ada", (lease.run,))
        assert again.fence == 2
        await journal.release(lease)  # the old lease has no say any more
        assert (await journal.entries())[0].worker == "ada"

    with_journal(journal, story)


def test_a_run_that_ended_has_no_owner_and_cannot_be_claimed(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        head = await journal.append(lease, batch(begun.entry.head, status="completed"))
        assert await journal.orphans() == ()
        (entry,) = await journal.entries()
        assert (entry.status, entry.worker) == ("completed", "")
        assert await journal.claim("ada", (lease.run,)) == ()
        with pytest.raises(LeaseLostError):
            await journal.append(lease, batch(head))

    with_journal(journal, story)


def test_requests_are_kept_once_for_each_token_and_reach_the_owner(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        first = await journal.ask(lease.run, "cancel", "t1", who="eve", reason="twice", at=6)
        assert await journal.ask(lease.run, "cancel", "t1", who="mallory", reason="else", at=7) == first
        second = await journal.ask(lease.run, "cancel", "t2", who="eve", reason="again", at=8)
        assert await journal.waiting("ada") == await journal.requests(lease.run) == (first, second)
        assert await journal.waiting("bob") == ()
        await journal.append(lease, batch(begun.entry.head, replies=(Reply(first.number, "accepted"),)))
        assert await journal.waiting("ada") == (second,)
        assert await journal.requests(lease.run) == (replace(first, answer="accepted"), second)

    with_journal(journal, story)


def test_a_refused_append_answers_no_request(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        request = await journal.ask(lease.run, "cancel", "t1", who="eve", reason="", at=6)
        with pytest.raises(LeaseLostError):
            stale = Lease(lease.run, "ada", 7)
            await journal.append(stale, batch(begun.entry.head, replies=(Reply(request.number, "accepted"),)))
        assert await journal.waiting("ada") == (request,)

    with_journal(journal, story)


def test_an_answer_needs_no_event(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        request = await journal.ask(lease.run, "cancel", "t1", who="eve", reason="", at=6)
        replies = (Reply(request.number, "refused"),)
        head = await journal.append(lease, Batch(begun.entry.head, (), "running", 6, replies))
        assert head == begun.entry.head
        assert await journal.waiting("ada") == ()

    with_journal(journal, story)


def test_a_request_for_an_unknown_run_is_refused(journal: Journal) -> None:
    async def story() -> None:
        with pytest.raises(UnknownRunError):
            await journal.ask("nobody", "cancel", "t", who="", reason="", at=1)
        assert await journal.entry("nobody") is None
        assert await journal.records("nobody") == ()
        assert await journal.plan("nothing") is None

    with_journal(journal, story)


def test_runs_do_not_disturb_each_other(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun = [await begin(journal, key=f'["{number}"]') for number in range(20)]
        await asyncio.gather(*(journal.append(lease, batch(each.entry.head)) for each, lease in begun))
        assert [entry.key for entry in await journal.entries()] == [each.entry.key for each, _ in begun]
        for _, lease in begun:
            assert [record.event for record in await read(journal, lease.run)][1:] == [answered()]

    with_journal(journal, story)


def test_one_refused_append_leaves_the_others_of_its_group_alone(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        good, stale = await begin(journal), await begin(journal, key='["b"]')
        outcomes = await asyncio.gather(
            journal.append(Lease(stale[1].run, "ada", 9), batch(stale[0].entry.head)),
            journal.append(good[1], batch(good[0].entry.head)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [LeaseLostError, Head]
        assert len(await journal.records(good[1].run)) == 2
        assert len(await journal.records(stale[1].run)) == 1

    with_journal(journal, story)


def test_a_closed_journal_says_so(journal: Journal) -> None:
    async def story() -> None:
        pass

    with_journal(journal, story)
    with pytest.raises(ClosedError):
        asyncio.run(begin_closed(journal))


async def begin_closed(journal: Journal) -> None:
    await journal.begin("ada", opening())


def test_a_location_that_names_no_journal_is_refused() -> None:
    with pytest.raises(JournalPlaceError, match=r"names no journal.*a retry cannot help"):
        connect("postgres://somewhere")


def test_reading_refuses_a_record_that_was_changed() -> None:
    journal = MemoryJournal()

    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        await journal.append(lease, batch(begun.entry.head))
        first, second = journal._records[lease.run]
        forged = replace(second, body=second.body.replace(b"X", b"Y"))
        journal._records[lease.run] = (first, forged)
        with pytest.raises(JournalDamagedError, match="hash"):
            await read(journal, lease.run)
        journal._records[lease.run] = (second,)
        with pytest.raises(JournalDamagedError, match="record 0 is missing"):
            await read(journal, lease.run)

    with_journal(journal, story)


def test_an_event_survives_with_every_field(journal: Journal) -> None:
    async def story() -> None:
        await journal.enlist("ada", 1000)
        begun, lease = await begin(journal)
        cancelled = Cancelled(at=9, who="ada", reason="naïve “quotes” \x00 and 日本")
        await journal.append(lease, Batch(begun.entry.head, (cancelled, answered(3)), "unwinding", 9))
        assert [record.event for record in await read(journal, lease.run)][1:] == [cancelled, answered(3)]

    with_journal(journal, story)


async def begin_many(journal: Journal, *keys: str) -> list[tuple[Begun, Lease]]:
    await journal.enlist("ada", 1000)
    return [await begin(journal, key=f'["{key}"]') for key in keys]


def claiming(head: Head, *locks: str) -> Batch:
    return Batch(head, (answered(),), "running", 7, claims=locks)


async def order(journal: Journal, lock: str) -> list[str]:
    return [place.run for place in await journal.lines() if place.lock == lock]


def test_a_lock_is_one_runs_until_that_run_has_ended(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (b, two) = await begin_many(journal, "a", "b")
        assert await journal.line_up(one, ("x",)) is None
        head = await journal.append(one, claiming(a.entry.head, "x"))
        assert await journal.first(("x", "y")) == (Place("x", one.run, True, 1),)
        with pytest.raises(LockTakenError):
            await journal.append(two, claiming(b.entry.head, "x"))
        assert len(await journal.records(two.run)) == 1
        head = await journal.append(one, Batch(head, (answered(),), "held", 8))
        assert await journal.line_up(two, ("x",)) == Place("x", one.run, True, 1)
        await journal.append(one, Batch(head, (answered(),), "completed", 9))
        assert await journal.line_up(two, ("x",)) is None
        await journal.append(two, claiming(b.entry.head, "x"))
        assert await journal.lines() == (Place("x", two.run, True, 1),)

    with_journal(journal, story)


@pytest.mark.parametrize("status", ["completed", "compensated", "compensated with residue"])
def test_every_end_gives_back_every_lock_and_place(journal: Journal, status: Status) -> None:
    async def story() -> None:
        (a, one), (b, two) = await begin_many(journal, "a", "b")
        await journal.append(two, claiming(b.entry.head, "z"))
        head = await journal.append(one, claiming(a.entry.head, "x", "y"))
        await journal.line_up(one, ("z",))
        await journal.append(one, Batch(head, (answered(),), status, 9))
        assert await journal.lines() == (Place("z", two.run, True, 1),)

    with_journal(journal, story)


def test_nobody_is_passed_by_a_run_that_came_later(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (b, two), (c, three) = await begin_many(journal, "a", "b", "c")
        head = await journal.append(one, claiming(a.entry.head, "x"))
        assert await journal.line_up(three, ("x",)) == Place("x", one.run, True, 1)
        assert await journal.line_up(two, ("x",)) == Place("x", one.run, True, 1)
        assert await journal.line_up(three, ("x",)) == Place("x", one.run, True, 1)
        assert await order(journal, "x") == [one.run, three.run, two.run]
        await journal.append(one, batch(head, status="completed"))
        assert await journal.line_up(two, ("x",)) == Place("x", three.run, False, 1)
        with pytest.raises(LockTakenError):
            await journal.append(two, claiming(b.entry.head, "x"))
        await journal.append(three, claiming(c.entry.head, "x"))
        assert await order(journal, "x") == [three.run, two.run]

    with_journal(journal, story)


def test_locks_are_lined_up_for_one_after_the_other(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (_, two), (c, three) = await begin_many(journal, "a", "b", "c")
        await journal.append(one, claiming(a.entry.head, "y"))
        assert await journal.line_up(two, ("x", "y", "z")) == Place("y", one.run, True, 1)
        assert [(place.lock, place.run) for place in await journal.lines()] == [
            ("x", two.run),
            ("y", one.run),
            ("y", two.run),
        ]
        # What stands before the lock that it waits for is kept for it, what comes after is not.
        assert await journal.line_up(three, ("x",)) == Place("x", two.run, False, 1)
        await journal.append(three, claiming(c.entry.head, "z"))

    with_journal(journal, story)


def test_a_look_at_free_locks_leaves_no_trace(journal: Journal) -> None:
    async def story() -> None:
        (_, one), (b, two) = await begin_many(journal, "a", "b")
        assert await journal.line_up(one, ("x", "y")) is None
        assert await journal.lines() == ()
        await journal.append(two, claiming(b.entry.head, "x"))
        assert await journal.line_up(two, ("x",)) is None
        assert await order(journal, "x") == [two.run]

    with_journal(journal, story)


def test_a_run_that_waits_no_longer_leaves_the_line(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (b, two), (_, three) = await begin_many(journal, "a", "b", "c")
        await journal.append(one, claiming(a.entry.head, "x"))
        await journal.line_up(two, ("x",))
        await journal.line_up(three, ("x",))
        await journal.append(two, Batch(b.entry.head, (Cancelled(at=9),), "unwinding", 9, drops=("x", "never")))
        assert await order(journal, "x") == [one.run, three.run]

    with_journal(journal, story)


def test_a_takeover_keeps_locks_and_places(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (b, two) = await begin_many(journal, "a", "b")
        head = await journal.append(one, claiming(a.entry.head, "x"))
        await journal.line_up(two, ("x",))
        await journal.enlist("bob", 1000)
        await journal.dismiss("ada")
        assert await order(journal, "x") == [one.run, two.run]
        with pytest.raises(LeaseLostError):
            await journal.line_up(two, ("y",))
        with pytest.raises(LeaseLostError):
            await journal.append(two, claiming(b.entry.head, "y"))
        taken, waiting = await journal.claim("bob", (one.run, two.run))
        assert await journal.line_up(waiting, ("x",)) == Place("x", one.run, True, 1)
        await journal.append(taken, batch(head, status="completed"))
        await journal.append(waiting, claiming(b.entry.head, "x"))
        assert await journal.lines() == (Place("x", two.run, True, 2),)

    with_journal(journal, story)


def test_a_refused_append_takes_and_gives_back_nothing(journal: Journal) -> None:
    async def story() -> None:
        (a, one), (b, two) = await begin_many(journal, "a", "b")
        head = await journal.append(one, claiming(a.entry.head, "x"))
        with pytest.raises(LeaseLostError):
            await journal.append(one, Batch(a.entry.head, (answered(),), "completed", 9))
        with pytest.raises(LockTakenError):
            await journal.append(two, claiming(b.entry.head, "w", "x"))
        assert await journal.lines() == (Place("x", one.run, True, 1),)
        await journal.append(one, batch(head, status="completed"))

    with_journal(journal, story)

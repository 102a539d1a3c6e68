"""What the executor does with answers, losses, pauses, cancels and its own end."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.runtime.world import (
    QUICK,
    FakeWorld,
    Receipt,
    Rejected,
    Trip,
    TripInput,
    TripOutput,
    VirtualClock,
    call,
    eventually,
    plan,
    step,
    told,
    virtually,
)

from sagac.runtime import (
    BindingError,
    Call,
    ClosedError,
    Compensated,
    Completed,
    Held,
    InputConflictError,
    InputError,
    JournalError,
    MemoryJournal,
    PayloadError,
    Runtime,
    UnknownRunError,
)
from sagac.runtime.events import Answered, Cancelled, Event, Lapsed, Resumed
from sagac.runtime.history import recall
from sagac.runtime.journal import Batch, Begun, Head, Journal, Lease, Opening, read
from sagac.runtime.plan import Plan, Schedule, Undo
from sagac.runtime.run import Residue, Run
from sagac.runtime.sqlite import SqliteJournal

CHAIN = plan(step("a"), step("b", "a"), step("c", "b"))


def runtime(journal: Journal, world: Any, shape: Plan = CHAIN, **settings: Any) -> Runtime:
    settings.setdefault("clock", VirtualClock())
    return Runtime(journal=journal, sagas=[Trip(plan=shape, world=world)], **settings)


def runtime_of_one(journal: Journal, saga: Trip) -> Runtime:
    """A runtime on real time that need not renew its lease while a test counts commits."""
    return Runtime(journal=journal, sagas=[saga], lease_ms=3_600_000)


async def outcome_of(world: Any, shape: Plan = CHAIN, journal: Journal | None = None, **settings: Any) -> object:
    async with runtime(journal or MemoryJournal(), world, shape, **settings) as running:
        return await (await running.start(Trip, TripInput(trip="t"))).outcome()


async def events_of(journal: Journal) -> list[Event]:
    await journal.open()
    (entry,) = await journal.entries()
    events = [record.event for record in await read(journal, entry.run)]
    await journal.close()
    return events


def run(world: Any, shape: Plan = CHAIN, **settings: Any) -> tuple[object, list[Event]]:
    """The outcome of one run in virtual time, and its journal."""
    journal = MemoryJournal()

    async def story() -> tuple[object, list[Event]]:
        return await outcome_of(world, shape, journal, **settings), await events_of(journal)

    return virtually(story())


def test_a_run_without_trouble_completes_with_its_output() -> None:
    world = FakeWorld()
    outcome, _ = run(world)
    assert outcome == Completed(TripOutput(first=1))
    assert world.log == ["a", "b", "c"]
    assert [call.key for call in world.calls] == [*dict.fromkeys(call.key for call in world.calls)]
    assert {call.undoes for call in world.calls} == {None}


def test_a_step_costs_one_durable_write(tmp_path: Path) -> None:
    async def story(length: int) -> int:
        steps = [step("s0")] + [step(f"s{i}", f"s{i - 1}") for i in range(1, length)]
        journal = SqliteJournal(tmp_path / f"{length}.db")
        async with runtime_of_one(journal, Trip(plan=plan(*steps), world=FakeWorld())) as running:
            before = journal.commits
            handle = await running.start(Trip, TripInput(trip="t"))
            assert isinstance(await handle.outcome(), Completed)
            return journal.commits - before

    for length in (1, 3, 8):
        assert asyncio.run(story(length)) == length + 1


def test_an_undo_costs_one_durable_write_too(tmp_path: Path) -> None:
    async def story() -> int:
        journal, world = SqliteJournal(tmp_path / "journal.db"), FakeWorld({("c", "do", 1): Rejected()})
        async with runtime_of_one(journal, Trip(plan=CHAIN, world=world)) as running:
            before = journal.commits
            assert isinstance(await (await running.start(Trip, TripInput(trip="t"))).outcome(), Compensated)
            return journal.commits - before

    assert asyncio.run(story()) == 1 + 3 + 2


def test_an_intent_shares_the_write_of_what_enabled_it(tmp_path: Path) -> None:
    once: dict[str, Any] = {
        "idempotent": False,
        "intent": True,
        "doubt": "hold",
        "undo": None,
        "schedule": Schedule(1000, 0, 0, 0),
    }
    shape = plan(step("a"), step("b", "a", **once))

    async def story() -> tuple[int, list[Event]]:
        journal = SqliteJournal(tmp_path / "journal.db")
        async with runtime_of_one(journal, Trip(plan=shape, world=FakeWorld())) as running:
            before = journal.commits
            assert isinstance(await (await running.start(Trip, TripInput(trip="t"))).outcome(), Completed)
            commits = journal.commits - before
        return commits, await events_of(SqliteJournal(tmp_path / "journal.db"))

    commits, events = asyncio.run(story())
    assert commits == 3
    assert [type(event).__name__ for event in events] == ["Started", "Answered", "Intended", "Answered"]


def test_a_refusal_undoes_finished_steps_in_reverse() -> None:
    world = FakeWorld({("c", "do", 1): Rejected("full")})
    outcome, events = run(world)
    assert outcome == Compensated("`c` was refused: Rejected")
    assert world.log == ["a", "b", "c", "undo b", "undo a"]
    assert not +world.effects
    undo = next(each for each in world.calls if each.step == "b" and each.direction == "undo")
    do = next(each for each in world.calls if each.step == "b" and each.direction == "do")
    assert (undo.undoes, undo.key == do.key) == (do.key, False)
    (refused,) = [event for event in events if isinstance(event, Answered) and event.outcome == "refused"]
    assert (refused.failure, refused.detail) == ("Rejected", "full")


def test_replaying_the_journal_gives_the_live_run() -> None:
    faults: dict[Any, Any] = {("a", "do", 1): "lost", ("b", "do", 1): told("busy")}
    faults |= {("c", "do", 1): Rejected(), ("b", "undo", 1): "lost"}

    async def story() -> tuple[Run, Run]:
        journal = MemoryJournal()
        async with runtime(journal, FakeWorld(faults)) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            live = running._executors[handle.id]
            assert isinstance(await handle.outcome(), Compensated)
            (entry,) = await journal.entries()
            return live.run, (await recall(journal, entry)).run

    live, replayed = virtually(story())
    assert live == replayed
    assert live.events > 8


def test_a_transient_answer_is_retried_after_the_pause_that_was_drawn() -> None:
    world = FakeWorld({("a", "do", 1): told(), ("a", "do", 2): told()})
    clock = VirtualClock(draws=[70, 130])
    outcome, events = run(world, clock=clock)
    assert isinstance(outcome, Completed)
    assert clock.bounds == [100, 200]
    assert [event.pause_ms for event in events if isinstance(event, Answered)] == [70, 130, 0, 0, 0]
    assert [call.attempt for call in world.calls if call.step == "a"] == [1, 2, 3]
    assert len({call.key for call in world.calls if call.step == "a"}) == 1


@pytest.mark.parametrize(("asked", "pause"), [(0.25, 250), (7200, 300), (-1, 10)])
def test_a_service_may_ask_for_a_longer_pause_up_to_the_schedules_maximum(asked: float, pause: int) -> None:
    world = FakeWorld({("a", "do", 1): told(retry_after=asked)})
    _, events = run(world, clock=VirtualClock(draws=[10]))
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert (first.outcome, first.pause_ms) == ("transient", pause)


def test_spent_transient_retries_fail_the_step_without_effect() -> None:
    world = FakeWorld({("b", "do", attempt): told("busy") for attempt in (1, 2, 3)})
    outcome, _ = run(world)
    assert isinstance(outcome, Compensated)
    assert world.log == ["a", "b", "b", "b", "undo a"]


@pytest.mark.parametrize("fault", ["lost", "hang", ValueError("what"), TimeoutError("slow"), asyncio.CancelledError()])
def test_whatever_nobody_declared_is_unknown_and_sent_again_under_the_same_key(fault: Any) -> None:
    world = FakeWorld({("b", "do", 1): fault})
    outcome, events = run(world)
    assert isinstance(outcome, Completed)
    assert world.effects == {"a": 1, "b": 1, "c": 1}
    assert [event.outcome for event in events if isinstance(event, Answered) and event.step == "b"] == [
        "unknown",
        "succeeded",
    ]


def test_a_timeout_tells_how_long_it_waited() -> None:
    _, events = run(FakeWorld({("a", "do", 1): "hang"}))
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert (first.outcome, first.detail, first.at) == ("unknown", "timed out after 1s", 1_001_000)


def test_a_refusal_that_was_not_declared_is_unknown() -> None:
    outcome, events = run(FakeWorld({("a", "do", 1): Rejected()}), plan(step("a", fails=())))
    outcomes = [event.outcome for event in events if isinstance(event, Answered) and event.direction == "do"]
    assert outcomes == ["unknown", "unknown", "unknown"]
    assert outcome == Compensated("nobody knows whether `a` took effect: undeclared refusal Rejected")


def test_a_subclass_of_a_declared_failure_is_that_failure() -> None:
    class RejectedPolitely(Rejected):
        pass

    outcome, _ = run(FakeWorld({("a", "do", 1): RejectedPolitely()}))
    assert outcome == Compensated("`a` was refused: Rejected")


def test_an_invalid_result_is_unknown() -> None:
    class Wrong(FakeWorld):
        async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
            await FakeWorld.act(self, call, step=step, trip=trip)
            return {"number": "many"} if call.attempt == 1 else Receipt(number=7)  # type: ignore[return-value]  # the defect under test

    world = Wrong()
    outcome, events = run(world)
    assert isinstance(outcome, Completed)
    assert world.effects == {"a": 1, "b": 1, "c": 1}
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert first.outcome == "unknown"
    assert "does not fit" in first.detail


@pytest.mark.parametrize(
    ("asked", "told_of_it"),
    [
        ("soon", "`retry_after` is no number of seconds but 'soon'"),
        (None, "`retry_after` is no number of seconds but None"),
        (float("nan"), "`retry_after` is no number of seconds but nan"),
        (-1, "`retry_after` is negative, -1"),
        (10**400, "a day is the most that is waited"),
        (float("inf"), "`retry_after` is infs: a day is the most that is waited"),
    ],
)
def test_a_pause_that_cannot_be_waited_for_is_told_and_the_run_goes_on(asked: Any, told_of_it: str) -> None:
    outcome, events = run(FakeWorld({("a", "do", 1): told("busy", asked)}))
    assert isinstance(outcome, Completed)
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert first.outcome == "transient"
    assert first.detail.startswith("Transient: busy; ") and told_of_it in first.detail


def test_a_service_is_asked_again_after_a_day_however_long_it_wants() -> None:
    patient = Schedule(timeout_ms=1_000, retries=2, backoff_first_ms=100, backoff_max_ms=10**15)
    seldom = {"lease_ms": 10**12, "watch_ms": 10**12}  # a day of looking around would be all that the test does
    _, events = run(FakeWorld({("a", "do", 1): told("busy", 10**12)}), plan(step("a", schedule=patient)), **seldom)
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert first.pause_ms == 86_400_000


class SpeechlessError(Exception):
    """An exception whose words cannot be had."""

    def __str__(self) -> str:
        raise KeyError("no words")


class RejectedError(SpeechlessError, Rejected):
    """A declared failure of that kind."""


def test_an_exception_that_cannot_say_what_it_is_stops_no_run() -> None:
    outcome, events = run(FakeWorld({("a", "do", 1): SpeechlessError(), ("b", "do", 1): RejectedError()}))
    assert outcome == Compensated("`b` was refused: Rejected")
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert (first.outcome, first.detail) == ("unknown", "SpeechlessError")


class Unusual(BaseException):
    """What a library should not raise, and does."""


@pytest.mark.parametrize("failure", [Unusual("odd"), StopIteration(), GeneratorExit(), asyncio.CancelledError()])
def test_whatever_a_handler_in_a_thread_raises_is_unknown(failure: BaseException) -> None:
    class Threaded(FakeWorld):
        def act(self, call: Call, *, step: str, trip: str) -> Receipt:  # type: ignore[override]  # a handler need not be async
            if call.attempt == 1:
                raise failure
            return Receipt(number=1)

    async def story() -> object:
        quick = Schedule(timeout_ms=1_000, retries=2, backoff_first_ms=1, backoff_max_ms=1)
        journal = MemoryJournal()
        world: Any = Threaded()
        saga = Trip(plan=plan(step("a", schedule=quick)), world=world)
        async with asyncio.timeout(20), runtime_of_one(journal, saga) as running:
            return await (await running.start(Trip, TripInput(trip="t"))).outcome()

    assert asyncio.run(story()) == Completed(TripOutput(first=1))


@pytest.mark.parametrize("failure", [Unusual("odd"), StopIteration(), StopAsyncIteration()])
def test_whatever_a_handler_in_the_loop_raises_is_unknown(failure: BaseException) -> None:
    outcome, events = run(FakeWorld({("a", "do", 1): failure}))
    assert isinstance(outcome, Completed)
    (first, *_) = [event for event in events if isinstance(event, Answered)]
    assert (first.outcome, type(failure).__name__ in first.detail or "StopIteration" in first.detail) == (
        "unknown",
        True,
    )


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_process_is_not_taken_for_an_answer(failure: BaseException) -> None:
    with pytest.raises(type(failure)):
        run(FakeWorld({("a", "do", 1): failure}))


@pytest.mark.parametrize(
    ("fault", "shape", "said"),
    [
        (ValueError("what"), CHAIN, "ValueError: what"),
        (Rejected("no"), plan(step("a", fails=())), "undeclared refusal Rejected: no"),
    ],
)
def test_a_defect_of_a_handler_is_logged_where_it_happened(
    fault: BaseException, shape: Plan, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(FakeWorld({("a", "do", 1): fault}), shape)
    record, *_ = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.name == "sagac"
    assert record.getMessage().startswith("do `a` #1 of saga `trip.Trip`, run `")
    assert record.getMessage().endswith(f"nobody knows whether it took effect: {said}")
    assert record.exc_info is not None and record.exc_info[1] is fault
    place = {name: getattr(record, name) for name in ("saga", "step", "direction", "attempt")}
    assert place == {"saga": "trip.Trip", "step": "a", "direction": "do", "attempt": 1}
    assert record.__dict__["run"]


def test_a_result_that_does_not_fit_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(FakeWorld):
        async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
            return None if call.attempt == 1 else Receipt(number=7)  # type: ignore[return-value]  # the defect under test

    run(Wrong())
    assert "the result does not fit: it should be a valid dictionary or instance of Receipt" in caplog.text


def test_what_is_no_defect_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    run(FakeWorld({("a", "do", 1): "hang", ("b", "do", 1): told("busy"), ("c", "do", 1): Rejected("full")}))
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_a_doubt_is_revoked_before_anything_is_undone() -> None:
    world = FakeWorld({("b", "do", attempt): "lost" for attempt in (1, 2, 3)})
    outcome, _ = run(world)
    assert isinstance(outcome, Compensated)
    assert world.log == ["a", "b", "b", "b", "undo b", "undo a"]
    assert not +world.effects


def test_a_probe_is_believed_only_after_lands_within_has_passed() -> None:
    probing = {"idempotent": False, "doubt": "probe", "probe": call("look", "a"), "lands_within_ms": 60_000}
    undo = Undo(call("back", "a"), QUICK, idempotent=True)
    world = FakeWorld({("a", "do", 1): "lost"})
    outcome, events = run(world, plan(step("a", undo=undo, **probing)))
    assert outcome == Completed(TripOutput(first=1))
    answered, lapsed = events[1], events[2]
    assert isinstance(answered, Answered)
    assert isinstance(lapsed, Lapsed)
    assert 60_000 < lapsed.at - answered.at < 60_010
    assert [call.key for call in world.looks] == [world.calls[0].key]


def test_a_probe_that_finds_nothing_lets_the_step_be_tried_again() -> None:
    probing = {"idempotent": False, "doubt": "probe", "probe": call("look", "a"), "lands_within_ms": 1_000}
    world = FakeWorld({("a", "do", 1): ConnectionError("refused")})
    outcome, _ = run(world, plan(step("a", undo=Undo(call("back", "a"), QUICK, idempotent=True), **probing)))
    assert isinstance(outcome, Completed)
    assert (world.log, world.effects) == (["a", "a"], {"a": 1})


def test_a_failed_undo_is_held_and_independent_undos_go_on() -> None:
    shape = plan(step("root"), step("left", "root"), step("right", "root"), step("last", "left", "right"))
    faults: dict[Any, Any] = {("last", "do", 1): Rejected()} | {("left", "undo", n): "hang" for n in (1, 2, 3)}
    world = FakeWorld(faults)
    outcome, _ = run(world, shape)
    assert isinstance(outcome, Held)
    assert [(each.step, each.direction, each.waiting) for each in outcome.actions] == [("left", "undo", ("root",))]
    assert outcome.standing == ("root", "left")
    assert "undo of `left`: timed out" in outcome.why
    assert "undo right" in world.log
    assert "undo root" not in world.log


def test_what_a_mitigation_leaves_is_told() -> None:
    undo = Undo(call("back", "a"), QUICK, idempotent=True, residue="a fee was paid")
    outcome, _ = run(FakeWorld({("b", "do", 1): Rejected()}), plan(step("a", undo=undo), step("b", "a")))
    assert outcome == Compensated("`b` was refused: Rejected", (Residue("a", "a fee was paid"),))


def test_a_deadline_turns_the_run() -> None:
    world = FakeWorld({("b", "do", 1): "hang"})
    outcome, _ = run(world, plan(step("a"), step("b", "a"), step("c", "b"), deadline_ms=500))
    assert outcome == Compensated("the deadline passed")
    assert "c" not in world.log
    assert not +world.effects


def test_nothing_is_sent_again_when_its_window_has_passed() -> None:
    schedule = Schedule(timeout_ms=1_000, retries=None, backoff_first_ms=400, backoff_max_ms=400)
    undo = Undo(call("back", "a"), QUICK, idempotent=True)
    world = FakeWorld({("a", "do", attempt): "hang" for attempt in range(1, 9)})
    outcome, _ = run(world, plan(step("a", undo=undo, schedule=schedule, window_ms=2_000, doubt="hold")))
    assert isinstance(outcome, Held)
    assert world.log == ["a", "a"]


def test_a_call_in_flight_may_outlast_its_window() -> None:
    async def slow(call: Call) -> None:
        await asyncio.sleep(1 if call.step == "a" else 0.7)

    schedule = Schedule(timeout_ms=2_000, retries=3, backoff_first_ms=1, backoff_max_ms=1)
    world = FakeWorld({("a", "do", 1): slow, ("b", "do", 1): slow})
    shape = plan(step("a", schedule=schedule, window_ms=500), step("b"))
    outcome, events = run(world, shape)  # `b` is answered after the window of `a`, which is still in flight
    assert isinstance(outcome, Completed)
    assert [type(event).__name__ for event in events] == ["Started", "Answered", "Answered"]


def test_a_handler_that_is_not_async_runs_beside_the_loop_and_is_in_flight_until_it_returns() -> None:
    class Sync:
        def __init__(self) -> None:
            self.threads: list[str] = []

        def act(self, call: Call, *, step: str, trip: str) -> Receipt:
            self.threads.append(threading.current_thread().name)
            if call.attempt == 1 and step == "a":
                time.sleep(0.15)  # longer than the timeout: nobody may send a second attempt meanwhile
            return Receipt(number=1)

        def back(self, call: Call, *, step: str, trip: str) -> None:
            raise AssertionError("never")

        def look(self, call: Call, *, step: str, trip: str) -> Receipt | None:
            raise AssertionError("never")

    service, journal = Sync(), MemoryJournal()
    shape = plan(step("a", schedule=Schedule(50, 3, 1, 1)), step("b", "a"))
    settings = {"clock": None}
    assert isinstance(asyncio.run(outcome_of(service, shape, journal, **settings)), Completed)
    assert len(service.threads) == 2
    assert all(name.startswith("sagac-handler") for name in service.threads)


# ---- starting twice


def test_the_same_start_is_the_same_run_and_another_input_is_refused() -> None:
    async def story() -> None:
        world, journal = FakeWorld(), MemoryJournal()
        async with runtime(journal, world) as running:
            first = await running.start(Trip, TripInput(trip="t"))
            again = await running.start(Trip, TripInput(trip="t"))
            assert first.id == again.id
            assert await first.outcome() == await again.outcome() == Completed(TripOutput(first=1))
            with pytest.raises(InputConflictError, match=r"another input .*a retry cannot help"):
                await running.start(Trip, TripInput(trip="t", note="else"))
            assert world.log == ["a", "b", "c"]
            late = await running.start(Trip, TripInput(trip="t"))
            assert await late.outcome() == Completed(TripOutput(first=1))
            assert await late.status() == "completed"

    virtually(story())


def test_a_start_with_the_wrong_model_or_after_the_end_is_refused() -> None:
    async def story() -> None:
        async with runtime(MemoryJournal(), FakeWorld()) as running:
            with pytest.raises(InputError, match="TripInput"):
                await running.start(Trip, TripOutput(first=1))
            with pytest.raises(UnknownRunError):
                await running.run("nobody")
        with pytest.raises(ClosedError):
            await running.start(Trip, TripInput(trip="t"))

    virtually(story())


@pytest.mark.parametrize(
    ("input", "said"),
    [
        (
            {"trip": 7},
            "the input does not fit: `trip` should be a valid string (saga `trip.Trip`; a retry cannot help)",
        ),
        ({}, "the input has no `trip` (saga"),
    ],
)
def test_an_input_that_was_made_without_its_checks_is_refused_at_the_start(input: dict[str, Any], said: str) -> None:
    world = FakeWorld()

    async def story() -> None:
        async with runtime(MemoryJournal(), world) as running:
            with pytest.raises(InputError) as refused:
                await running.start(Trip, TripInput.model_construct(**input))
            assert str(refused.value).startswith(said)

    virtually(story())
    assert world.log == []


def test_a_second_copy_of_a_saga_is_told_by_its_modules() -> None:
    copy = type("Trip", (Trip,), {"__module__": "sagas.trip"})

    async def story() -> None:
        async with runtime(MemoryJournal(), FakeWorld()) as running:
            with pytest.raises(BindingError, match=r"`tests.runtime.world.Trip` is bound, and `sagas.trip.Trip` was"):
                await running.start(copy, TripInput(trip="t"))

    virtually(story())


def test_many_runs_go_on_together() -> None:
    async def story() -> None:
        world = FakeWorld()
        async with runtime(MemoryJournal(), world) as running:
            handles = [await running.start(Trip, TripInput(trip=str(number))) for number in range(100)]
            outcomes = await asyncio.gather(*(handle.outcome() for handle in handles))
            assert {type(outcome) for outcome in outcomes} == {Completed}
        assert world.effects == {"a": 100, "b": 100, "c": 100}

    virtually(story())


def test_a_run_whose_starter_was_cancelled_is_driven_all_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        world, journal = FakeWorld(), SqliteJournal(tmp_path / "journal.db")
        async with runtime(journal, world, clock=None) as running:
            starting = asyncio.ensure_future(running.start(Trip, TripInput(trip="t")))
            await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            again = await running.start(Trip, TripInput(trip="t"))
            assert isinstance(await again.outcome(), Completed)
        assert world.log == ["a", "b", "c"]

    asyncio.run(story())


# ---- cancelling


def test_an_accepted_cancel_turns_the_run() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): "hang"})
        async with runtime(journal, world) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
            answer = await running.cancel(handle.id, reason="twice", who="ada")
            assert answer == (True, "accepted")
            again = await running.cancel(handle.id, reason="again")
            assert answer != again == (False, "the run is turning back already")
            assert await handle.outcome() == Compensated("cancelled by ada: twice")
            over = await running.cancel(handle.id, reason="late")
            assert over == (False, "the run has ended, compensated")
        assert not +world.effects
        assert len([event for event in await events_of(journal) if isinstance(event, Cancelled)]) == 1

    virtually(story())


def test_a_cancel_past_the_point_of_no_return_is_refused_and_leaves_no_event() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): "hang"})
        shape = plan(step("a"), step("b", "a", pivot=True, undo=None, fails=(), remains="irreversible", because="sent"))
        async with runtime(journal, world, shape) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
            answer = await running.cancel(handle.id, reason="late")
            assert answer == (False, "the run is past its point of no return")
            assert isinstance(await handle.outcome(), Completed)
        assert not [event for event in await events_of(journal) if isinstance(event, Cancelled)]

    virtually(story())


def test_a_request_that_another_process_left_is_taken_up_once() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): "hang"})
        async with runtime(journal, world) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            for _ in range(2):
                await journal.ask(handle.id, "cancel", "token", who="eve", reason="", at=1)
            assert await handle.outcome() == Compensated("cancelled by eve")
            assert [request.answer for request in await journal.requests(handle.id)] == ["accepted"]
        assert len([event for event in await events_of(journal) if isinstance(event, Cancelled)]) == 1

    virtually(story())


# ---- leaving and coming back


def test_closing_sends_nothing_new_and_another_runtime_goes_on() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld()

        async def slow(call: Call) -> None:
            await asyncio.sleep(0.5)

        world.faults["b", "do", 1] = slow
        async with runtime(journal, world) as running:
            await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
        assert world.log == ["a", "b"]
        await journal.open()
        (entry,) = await journal.entries()
        assert (entry.worker, entry.status, entry.head.length) == ("", "running", 3)
        assert await journal.workers() == ()
        async with runtime(journal, world) as running:
            assert isinstance(await (await running.run(entry.run)).outcome(), Completed)
        assert world.effects == {"a": 1, "b": 1, "c": 1}
        assert [type(event).__name__ for event in await events_of(journal)] == [
            *("Started", "Answered", "Answered", "Resumed", "Answered"),
        ]

    virtually(story())


def test_closing_says_that_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    world = FakeWorld({("b", "do", 1): "hang"})

    async def story() -> None:
        async with runtime(MemoryJournal(), world, grace_ms=500) as running:
            await running.start(Trip, TripInput(trip="t"))
            await eventually(lambda: "b" in world.log)

    virtually(story())
    assert "closing waits up to 0.5s for calls in flight" in caplog.messages


def test_closing_leaves_what_does_not_settle_in_time_in_doubt() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("a", "do", 1): "hang"})
        shape = plan(step("a", schedule=Schedule(3_600_000, 0, 0, 0)))
        async with runtime(journal, world, shape, grace_ms=2_000) as running:
            await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().time() < 3
        assert len(await events_of(journal)) == 1
        del world.faults["a", "do", 1]
        async with runtime(journal, world, shape) as running:
            (entry,) = await journal.entries()
            assert isinstance(await (await running.run(entry.run)).outcome(), Completed)

    virtually(story())


def test_a_start_that_meets_the_closing_sends_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        world, path = FakeWorld(), tmp_path / "journal.db"
        async with runtime(SqliteJournal(path), world, clock=None) as running:
            starting = asyncio.ensure_future(running.start(Trip, TripInput(trip="t")))
            await asyncio.sleep(0)
        handle = await starting
        assert world.log == []
        async with runtime(SqliteJournal(path), world, clock=None) as running:
            assert isinstance(await (await running.run(handle.id)).outcome(), Completed)

    asyncio.run(story())


def test_closing_waits_for_a_handler_in_a_thread_however_long() -> None:
    release = threading.Event()

    class Sync(FakeWorld):
        def act(self, call: Call, *, step: str, trip: str) -> Receipt:  # type: ignore[override]  # not async, on purpose
            self.log.append(step)
            assert release.wait(20)
            return Receipt(number=1)

    async def story() -> None:
        journal, world = MemoryJournal(), Sync()
        running = runtime(journal, world, clock=None, grace_ms=1)
        await running.__aenter__()
        await running.start(Trip, TripInput(trip="t"))
        await eventually(lambda: bool(world.log))
        closing = asyncio.ensure_future(running.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        release.set()
        await closing
        assert world.log == ["a"]
        assert len(await events_of(journal)) == 2  # the answer was journaled, and what it enabled was not sent

    asyncio.run(story())


def test_a_handler_that_takes_other_arguments_than_an_old_plan_gives_is_not_called() -> None:
    old = plan(step("a", call=replace(call("act", "a"), arguments=call("act", "a").arguments[:1])))
    world = FakeWorld()
    outcome, events = run(world, old)
    assert outcome == Compensated(
        "`a` failed: not sent: the plan gives `step`, the handler takes `step`, `trip`",
    )
    assert world.log == []
    assert {event.outcome for event in events if isinstance(event, Answered)} == {"transient"}


def test_an_outcome_awaited_when_the_runtime_closes_says_so() -> None:
    async def story() -> None:
        world = FakeWorld({("a", "do", 1): "hang"})
        async with runtime(MemoryJournal(), world, grace_ms=0) as running:
            waiting = asyncio.ensure_future((await running.start(Trip, TripInput(trip="t"))).outcome())
            await asyncio.sleep(0.1)
        with pytest.raises(ClosedError):
            await waiting

    virtually(story())


def test_an_owner_whose_lease_has_lapsed_sends_nothing() -> None:
    async def story() -> None:
        journal, world = MutedJournal(), FakeWorld()

        async def stall(call: Call) -> None:
            journal.muted = True
            await asyncio.sleep(0.9)  # the lease ends meanwhile, and is not renewed

        world.faults["a", "do", 1] = stall
        async with runtime(journal, world, lease_ms=500) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(5)
            assert world.log == ["a"]
            journal.muted = False
            assert isinstance(await handle.outcome(), Completed)

    virtually(story())


def test_a_run_is_taken_over_one_lease_after_its_owners_last_sign_of_life() -> None:
    async def story() -> None:
        journal, old_world, new_world = MutedJournal(), FakeWorld({("a", "do", 1): "hang"}), FakeWorld()
        shape = plan(step("a", schedule=Schedule(60_000, 0, 0, 0)), step("b", "a"))
        first = runtime(journal, old_world, shape, lease_ms=1_000)
        await first.__aenter__()
        handle = await first.start(Trip, TripInput(trip="t"))
        await asyncio.sleep(3)  # it renews: nobody takes it away
        clock = VirtualClock(names=10)
        async with runtime(journal, new_world, shape, lease_ms=1_000, clock=clock) as second:
            await asyncio.sleep(3)
            assert new_world.log == []
            journal.muted = True
            silent_since = asyncio.get_running_loop().time()
            assert isinstance(await (await second.run(handle.id)).outcome(), Completed)
            assert 1.0 <= asyncio.get_running_loop().time() - silent_since < 2.5
            assert isinstance(await handle.outcome(), Completed)  # the old owner learns it from the journal
            journal.muted = False
            await asyncio.sleep(1)  # it is back, under another name, and drives nothing of this run
            assert len(await journal.workers()) == 2
        await first.close()
        events = await events_of(journal)
        assert isinstance(events[1], Resumed)
        assert (old_world.log, new_world.log) == (["a"], ["a", "b"])

    virtually(story())


class MutedJournal(MemoryJournal):
    """A journal whose first worker's signs of life can be held back."""

    muted: bool = False

    async def renew(self, worker: str) -> bool:
        if self.muted and worker == "worker-1":
            raise JournalError("no sign of life")
        return await super().renew(worker)


def test_a_held_run_that_changes_hands_gets_no_new_record() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("a", "do", n): "lost" for n in (1, 2, 3)})
        shape = plan(step("a", undo=Undo(call("back", "a"), QUICK, idempotent=True), doubt="hold"))
        for _ in range(3):
            async with runtime(journal, world, shape) as running:
                handle = await running.start(Trip, TripInput(trip="t"))
                assert isinstance(await handle.outcome(), Held)
                await running.idle()
        assert not [event for event in await events_of(journal) if isinstance(event, Resumed)]

    virtually(story())


def test_a_run_of_an_unknown_saga_is_finished_by_whoever_has_its_services() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("b", "do", 1): "hang", ("b", "do", 2): Rejected()})
        async with runtime(journal, world, grace_ms=0) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
        other = plan(step("z"), saga="trip.Other")
        async with runtime(journal, world, other) as running:
            outcome = await (await running.run(handle.id)).outcome()
        assert outcome == Compensated("`b` was refused: Rejected")
        assert world.log == ["a", "b", "b", "b", "undo a"]
        assert not +world.effects

    virtually(story())


def test_a_run_whose_services_are_not_bound_is_left_to_others() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        shape = plan(step("a", schedule=Schedule(60_000, 0, 0, 0)))
        async with runtime(journal, FakeWorld({("a", "do", 1): "hang"}), shape, grace_ms=0) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
        async with Runtime(journal=journal, sagas=[], clock=VirtualClock()) as running:
            await asyncio.sleep(1)
            entry = await journal.entry(handle.id)
            assert entry is not None
            assert (entry.worker, entry.head.length) == ("", 1)
        async with runtime(journal, FakeWorld(), shape) as running:
            assert isinstance(await (await running.run(handle.id)).outcome(), Completed)

    virtually(story())


# ---- when the journal or the kernel cannot be trusted


class BreakingJournal(MemoryJournal):
    """A journal that takes nothing while it is broken."""

    broken: bool = False

    async def begin(self, worker: str, opening: Opening) -> Begun:
        if self.broken:
            await super().begin(worker, opening)  # it became durable all the same: who can know
            raise JournalError("disk full")
        return await super().begin(worker, opening)

    async def append(self, lease: Lease, batch: Batch) -> Head:
        if self.broken:
            raise JournalError("disk full")
        return await super().append(lease, batch)


def test_a_journal_failure_fails_every_waiting_caller_at_once_and_the_run_goes_on_later() -> None:
    async def story() -> None:
        journal, world = BreakingJournal(), FakeWorld()
        async with runtime(journal, world) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            journal.broken = True
            waiting = [asyncio.ensure_future(handle.outcome()) for _ in range(3)]
            failures = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(failure) for failure in failures] == [JournalError] * 3
            assert world.log == ["a"]
            journal.broken = False
            await asyncio.sleep(1)
            assert isinstance(await handle.outcome(), Completed)
            assert world.effects == {"a": 1, "b": 1, "c": 1}

    virtually(story())


def test_a_beginning_that_failed_but_became_durable_is_driven_later() -> None:
    async def story() -> None:
        journal, world = BreakingJournal(), FakeWorld()
        async with runtime(journal, world) as running:
            journal.broken = True
            with pytest.raises(JournalError, match="a retry can help"):
                await running.start(Trip, TripInput(trip="t"))
            assert world.log == []
            journal.broken = False
            assert isinstance(await (await running.start(Trip, TripInput(trip="t"))).outcome(), Completed)

    virtually(story())


def test_another_payload_under_a_used_key_is_not_sent() -> None:
    async def story() -> None:
        journal, world = MemoryJournal(), FakeWorld({("a", "do", 1): told(retry_after=0.3)})
        async with runtime(journal, world) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
            driving = running._executors[handle.id]
            driving.run = replace(driving.run, input={"trip": "other", "note": ""})
            with pytest.raises(PayloadError, match="another payload"):
                await handle.outcome()
            assert world.log == ["a"]

    virtually(story())


def test_events_carry_the_digest_of_what_was_sent() -> None:
    _, events = run(FakeWorld({("a", "do", 1): told()}))
    digests = [event.payload for event in events if isinstance(event, Answered)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert all(digests)


def test_an_intent_is_journaled_before_the_only_send() -> None:
    once = {"idempotent": False, "intent": True, "doubt": "hold", "schedule": Schedule(1_000, 0, 0, 0)}
    journal, world = MemoryJournal(), FakeWorld()
    seen: list[list[str]] = []

    async def look(call: Call) -> None:
        (entry,) = await journal.entries()
        seen.append([type(record.event).__name__ for record in await read(journal, entry.run)])

    world.faults["a", "do", 1] = look

    async def story() -> None:
        assert isinstance(await outcome_of(world, plan(step("a", undo=None, **once)), journal), Completed)

    virtually(story())
    assert seen == [["Started", "Intended"]]


NATURAL: dict[str, Any] = {"idempotent": False, "idempotent_by_effect": True, "lands_within_ms": 5_000, "doubt": "hold"}


def test_what_is_idempotent_by_its_effect_is_sent_again_and_its_copies_are_waited_out() -> None:
    shape = plan(step("a", **NATURAL), step("b", "a"), format=2)
    world = FakeWorld({("a", "do", 1): "hang"})
    outcome, events = run(world, shape)
    assert isinstance(outcome, Completed)
    assert world.log == ["a", "a", "b"]
    answers = [event for event in events if isinstance(event, Answered)]
    lapsed = next(event for event in events if isinstance(event, Lapsed))
    assert [answer.outcome for answer in answers] == ["unknown", "succeeded", "succeeded"]
    assert answers[1].at + 5_000 < lapsed.at <= answers[2].at


def test_an_undo_waits_until_no_copy_of_what_is_idempotent_by_its_effect_can_land() -> None:
    async def unlucky(call: Call) -> None:
        await asyncio.sleep(0.3)
        raise Rejected

    shape = plan(step("a", **NATURAL), step("b"), format=2)
    world = FakeWorld({("a", "do", 1): "hang", ("b", "do", 1): unlucky})
    outcome, events = run(world, shape)
    assert isinstance(outcome, Compensated)
    assert world.log == ["a", "b", "a", "undo a"]
    undone = next(event for event in events if isinstance(event, Answered) and event.direction == "undo")
    assert undone.at >= next(event for event in events if isinstance(event, Lapsed)).at


def test_what_is_answered_at_once_is_not_waited_for() -> None:
    _, events = run(FakeWorld(), plan(step("a", **NATURAL), step("b", "a"), format=2))
    assert not any(isinstance(event, Lapsed) for event in events)

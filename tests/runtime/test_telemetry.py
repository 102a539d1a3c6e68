"""What OpenTelemetry is told of runs: one trace a run, wherever it goes on, and metrics of what became durable."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.runtime.world import (
    QUICK,
    FakeWorld,
    Receipt,
    Rejected,
    Trip,
    TripInput,
    VirtualClock,
    call,
    plan,
    step,
    told,
    virtually,
)

from sagac.runtime import Call, Compensated, Completed, Held, MemoryJournal, Runtime, telemetry
from sagac.runtime.events import Event
from sagac.runtime.journal import read
from sagac.runtime.plan import Constant, Lock, Plan, Schedule, Undo

CHAIN = plan(step("a"), step("b", "a"), step("c", "b"))


@dataclass(slots=True)
class Told:
    """What the exporters were given."""

    tracers: TracerProvider
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self) -> tuple[ReadableSpan, ...]:
        return tuple(self.exporter.get_finished_spans())

    def attempts(self) -> list[tuple[object, ...]]:
        return [(span.name, about(span, "attempt"), about(span, "outcome")) for span in self.spans()]

    def points(self, metric: str) -> dict[tuple[str, ...], Any]:
        """Of a metric, the points by the values of their attributes but the saga, in the order of their names."""
        found = self.reader.get_metrics_data()
        scopes = [scope for resource in found.resource_metrics for scope in resource.scope_metrics] if found else []
        points = [p for scope in scopes for each in scope.metrics if each.name == metric for p in each.data.data_points]
        return {attributes(point.attributes): point for point in points}

    def values(self, metric: str) -> dict[tuple[str, ...], float]:
        return {
            key: point.sum if isinstance(point, HistogramDataPoint) else point.value
            for key, point in self.points(metric).items()
        }


def attributes(given: Any) -> tuple[str, ...]:
    rest = dict(given)
    assert rest.pop("sagac.saga") == "trip.Trip"
    return tuple(rest[name] for name in sorted(rest))


def about(span: ReadableSpan, name: str) -> object:
    assert span.attributes is not None
    return span.attributes[f"sagac.{name}"]


@pytest.fixture
def otel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "instruments", telemetry.create(tracers, meters))
    yield Told(tracers, exporter, reader)
    tracers.shutdown()
    meters.shutdown()


def runtime(journal: MemoryJournal, world: Any, shape: Plan = CHAIN, **settings: Any) -> Runtime:
    settings.setdefault("clock", VirtualClock())
    return Runtime(journal=journal, sagas=[Trip(plan=shape, world=world)], **settings)


def run(world: Any, shape: Plan = CHAIN, trip: str = "t") -> tuple[str, object, list[Event]]:
    """One run in virtual time: its name, its outcome and its journal."""

    async def story() -> tuple[str, object, list[Event]]:
        journal = MemoryJournal()
        async with runtime(journal, world, shape) as running:
            handle = await running.start(Trip, TripInput(trip=trip))
            outcome = await handle.outcome()
            return handle.id, outcome, [record.event for record in await read(journal, handle.id)]

    return virtually(story())


def rejecting() -> FakeWorld:
    """A world in which `a` is asked for twice and `b` refuses."""
    return FakeWorld({("a", "do", 1): told("busy", 0.2), ("b", "do", 1): Rejected("full")})


def test_each_attempt_is_a_span_of_its_runs_trace(otel: Told) -> None:
    world = rejecting()
    name, outcome, _ = run(world)
    assert isinstance(outcome, Compensated)
    assert otel.attempts() == [
        ("do trip.Trip.a", 1, "transient"),
        ("do trip.Trip.a", 2, "succeeded"),
        ("do trip.Trip.b", 1, "refused"),
        ("undo trip.Trip.a", 1, "succeeded"),
    ]
    assert {f"{span.context.trace_id:032x}" for span in otel.spans()} == {f"00000000{name}"}
    assert {span.parent.is_remote for span in otel.spans() if span.parent} == {True}
    assert [about(span, "key") for span in otel.spans()] == [call.key for call in world.calls]
    assert [about(span, "direction") for span in otel.spans()] == ["do", "do", "do", "undo"]
    assert {(about(span, "saga"), about(span, "run")) for span in otel.spans()} == {("trip.Trip", name)}
    assert [about(span, "step") for span in otel.spans()] == ["a", "a", "b", "a"]


def test_an_attempt_that_did_not_succeed_is_an_error_with_its_reason(otel: Told) -> None:
    run(rejecting())
    failed = [span for span in otel.spans() if not span.status.is_ok]
    described = [(span.status.description, dict(span.attributes or {})["error.type"]) for span in failed]
    assert described == [("Transient: busy", "transient"), ("full", "Rejected")]
    assert [span.events for span in failed] == [(), ()]


def test_metrics_tell_what_became_of_runs_and_steps(otel: Told) -> None:
    run(rejecting(), trip="one")
    run(FakeWorld(), trip="two")
    assert otel.values("sagac.run.started") == {(): 2}
    assert otel.values("sagac.run.ended") == {("completed",): 1, ("compensated",): 1}
    assert otel.values("sagac.step.attempts") == {
        ("do", "transient", "a"): 1,
        ("do", "succeeded", "a"): 2,
        ("do", "refused", "b"): 1,
        ("undo", "succeeded", "a"): 1,
        ("do", "succeeded", "b"): 1,
        ("do", "succeeded", "c"): 1,
    }
    durations = otel.points("sagac.step.duration")
    assert {key: point.count for key, point in durations.items()} == {
        ("do", "succeeded", "a"): 2,
        ("do", "refused", "b"): 1,
        ("undo", "undone", "a"): 1,
        ("do", "succeeded", "b"): 1,
        ("do", "succeeded", "c"): 1,
    }
    assert durations["do", "succeeded", "a"].max == 0.2  # with the pause that the service asked for
    assert durations["do", "succeeded", "a"].explicit_bounds == telemetry.DURATIONS_S


def test_a_run_that_ends_as_it_begins_is_counted(otel: Told) -> None:
    nothing = plan(step("a", guard=Constant(False, "bool")))
    assert isinstance(run(FakeWorld(), nothing)[1], Completed)
    assert (otel.values("sagac.run.started"), otel.values("sagac.run.ended")) == ({(): 1}, {("completed",): 1})
    assert otel.values("sagac.run.active") == {}


def test_a_recovered_run_goes_on_in_its_trace(otel: Told) -> None:
    async def story() -> str:
        journal = MemoryJournal()
        async with runtime(journal, FakeWorld({("b", "do", 1): "hang"}), grace_ms=0) as running:
            handle = await running.start(Trip, TripInput(trip="t"))
            await asyncio.sleep(0.1)
        assert otel.attempts() == [("do trip.Trip.a", 1, "succeeded"), ("do trip.Trip.b", 1, "unanswered")]
        async with runtime(journal, FakeWorld(), clock=VirtualClock(names=10)) as running:
            assert isinstance(await (await running.run(handle.id)).outcome(), Completed)
        return handle.id

    name = virtually(story())
    assert otel.attempts()[2:] == [("do trip.Trip.b", 1, "succeeded"), ("do trip.Trip.c", 1, "succeeded")]
    assert {span.context.trace_id for span in otel.spans()} == {int(name, 16)}
    assert len({span.parent.span_id for span in otel.spans() if span.parent}) == 1
    assert otel.values("sagac.run.started") == {(): 1}
    assert otel.values("sagac.run.ended") == {("completed",): 1}


def test_two_runs_are_two_traces(otel: Told) -> None:
    run(FakeWorld(), trip="one")
    run(FakeWorld(), trip="two")
    assert len({span.context.trace_id for span in otel.spans()}) == 2


def test_a_held_run_is_active_as_long_as_it_is_driven_here(otel: Told) -> None:
    shape = plan(step("a", undo=Undo(call("back", "a"), QUICK, idempotent=True), doubt="hold"))
    world = FakeWorld({("a", "do", number): "lost" for number in (1, 2, 3)})

    async def story() -> None:
        journal = MemoryJournal()
        for _ in range(2):
            async with runtime(journal, world, shape) as running:
                handle = await running.start(Trip, TripInput(trip="t"))
                assert isinstance(await handle.outcome(), Held)
                assert otel.values("sagac.run.active") == {("held",): 1, ("running",): 0}
            assert otel.values("sagac.run.active") == {("held",): 0, ("running",): 0}

    virtually(story())


def test_a_probe_is_told_from_a_do(otel: Told) -> None:
    undo = Undo(call("back", "a"), QUICK, idempotent=True)
    facts: dict[str, Any] = {"idempotent": False, "intent": False, "doubt": "probe", "probe": call("look", "a")}
    shape = plan(step("a", undo=undo, lands_within_ms=1_000, schedule=Schedule(1_000, 0, 0, 0), **facts))
    run(FakeWorld({("a", "do", 1): "lost"}), shape)
    names = [span.name for span in otel.spans()]
    assert names[:2] == ["do trip.Trip.a", "probe trip.Trip.a"]
    assert about(otel.spans()[1], "direction") == "probe"


class Nosy(FakeWorld):
    """A world whose handlers trace what they do."""

    tracers: TracerProvider

    async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
        with self.tracers.get_tracer("world").start_as_current_span("within"):
            return await FakeWorld.act(self, call, step=step, trip=trip)


class NosyThread(FakeWorld):
    """The same, in threads."""

    tracers: TracerProvider

    def act(self, call: Call, *, step: str, trip: str) -> Receipt:  # type: ignore[override]  # not async, on purpose
        with self.tracers.get_tracer("world").start_as_current_span("within"):
            return Receipt(number=1)


@pytest.mark.parametrize("kind", [Nosy, NosyThread])
def test_what_a_handler_traces_is_a_part_of_the_attempt(otel: Told, kind: type[Nosy] | type[NosyThread]) -> None:
    async def story() -> None:
        world = kind()
        world.tracers = otel.tracers
        async with runtime(MemoryJournal(), world, plan(step("a")), clock=None) as running:
            await (await running.start(Trip, TripInput(trip="t"))).outcome()

    asyncio.run(story())
    within, attempt = otel.spans()
    assert (within.name, attempt.name) == ("within", "do trip.Trip.a")
    assert within.parent is not None
    assert within.parent.span_id == attempt.context.span_id


def test_an_attempt_is_linked_to_the_span_that_started_the_run(otel: Told) -> None:
    with otel.tracers.get_tracer("shop").start_as_current_span("checkout") as checkout:
        run(FakeWorld())
    *attempts, _ = otel.spans()
    assert len(attempts) == 3
    assert [[link.context for link in span.links] for span in attempts] == [[checkout.get_span_context()]] * 3
    assert checkout.get_span_context().trace_id not in {span.context.trace_id for span in attempts}
    assert not trace.get_current_span().get_span_context().is_valid


def test_without_the_library_nothing_changes(otel: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = run(rejecting())
    told_so_far = len(otel.spans())
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "opentelemetry", None)
        importlib.reload(telemetry)
        try:
            assert telemetry.instruments is None
            assert run(rejecting()) == traced
        finally:
            absent.undo()
            importlib.reload(telemetry)
    assert telemetry.instruments is not None
    assert len(otel.spans()) == told_so_far > 0


class Broken(SpanProcessor):
    """An application's exporter with a bug."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise ValueError("no room for a span")

    def on_end(self, span: ReadableSpan) -> None:
        raise ValueError("no room for a span")


def test_an_exporter_that_raises_stops_no_run_and_is_told_on_the_log(
    otel: Told, caplog: pytest.LogCaptureFixture
) -> None:
    otel.tracers.add_span_processor(Broken())
    with caplog.at_level(logging.WARNING, "sagac"):
        _, outcome, _ = run(rejecting())
    assert isinstance(outcome, Compensated)
    assert "telemetry failed; the run goes on" in caplog.text
    assert "no room for a span" in caplog.text


def test_what_came_of_every_wait_for_a_lock_is_measured(otel: Told) -> None:
    async def hang(call: Call) -> None:
        await asyncio.sleep(2)

    async def story() -> None:
        locks = (Lock("w.Record", (), 1_000),)
        shape = plan(step("a", locks=locks), step("b", "a"), format=2)
        saga = Trip(plan=shape, world=FakeWorld({("b", "do", 1): hang}))
        async with Runtime(journal=MemoryJournal(), sagas=[saga], clock=VirtualClock()) as runtime:
            handles = [await runtime.start(Trip, TripInput(trip=name)) for name in "xyz"]
            await asyncio.sleep(0.5)
            await runtime.cancel(handles[2].id, reason="enough")
            await runtime.idle()

    virtually(story())
    waits = otel.points("sagac.lock.wait")
    assert {key: point.count for key, point in waits.items()} == {
        ("got", "a"): 1,
        ("expired", "a"): 1,
        ("dropped", "a"): 1,
    }
    assert [waits[key, "a"].max for key in ("got", "expired", "dropped")] == [0, 1.0, 0.5]

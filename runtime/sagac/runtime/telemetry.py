"""Tracing and metrics: what the runtime tells OpenTelemetry where its API is installed, and nothing anywhere else."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Final, Literal, NamedTuple, TypeAlias

from sagac.runtime import kernel, locking
from sagac.runtime.attempts import Answer
from sagac.runtime.calls import Call
from sagac.runtime.events import LOCK_TIMEOUT
from sagac.runtime.journal import ENDED
from sagac.runtime.plan import Direction
from sagac.runtime.positions import listed
from sagac.runtime.run import Action, DoState, Run, Status, UndoState
from sagac.runtime.unwinding import FORWARD, UNDOING

try:
    from opentelemetry import metrics, trace
except ImportError:
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

logger = logging.getLogger("sagac")

DURATIONS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)
"""The bounds between which step durations are counted: a step may take as long as its retries and pauses do."""

Purpose: TypeAlias = Literal["do", "undo", "probe"]
"""What an attempt is made for."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is measured, and what traces."""

    tracer: trace.Tracer
    runs_started: metrics.Counter
    runs_ended: metrics.Counter
    runs_active: metrics.UpDownCounter
    attempts: metrics.Counter
    durations: metrics.Histogram
    lock_waits: metrics.Histogram


def create(
    tracers: trace.TracerProvider | None = None, meters: metrics.MeterProvider | None = None
) -> Instruments | None:
    """The instruments of these providers, or of the application's own; none where the API is not installed."""
    if not IS_INSTALLED:
        return None
    version = metadata.version("sagac")
    meter = metrics.get_meter("sagac", version, meters)
    return Instruments(
        tracer=trace.get_tracer("sagac", version, tracers),
        runs_started=meter.create_counter("sagac.run.started", "{run}", "runs begun"),
        runs_ended=meter.create_counter("sagac.run.ended", "{run}", "runs ended, by status"),
        runs_active=meter.create_up_down_counter("sagac.run.active", "{run}", "open runs driven here, by status"),
        attempts=meter.create_counter("sagac.step.attempts", "{attempt}", "calls of handlers, by outcome"),
        durations=meter.create_histogram(
            "sagac.step.duration",
            "s",
            "from when a do or an undo is enabled until it is settled, with every retry and pause",
            explicit_bucket_boundaries_advisory=DURATIONS_S,
        ),
        lock_waits=meter.create_histogram(
            "sagac.lock.wait",
            "s",
            "from when a step is enabled until it has its locks, or waits for them no longer",
            explicit_bucket_boundaries_advisory=DURATIONS_S,
        ),
    )


instruments = create()


async def observed(call: Call, purpose: Purpose, attempting: Awaitable[Answer]) -> Answer:
    """Make an attempt as a span of its run's trace, and count what it came to."""
    if instruments is None:
        return await attempting
    about = {"sagac.saga": call.saga, "sagac.step": call.step, "sagac.direction": purpose}
    answer: Answer | None = None
    span: trace.Span = trace.INVALID_SPAN
    with _harmless():
        span = _span(instruments.tracer, call, purpose, about)
    try:
        # What the handler traces in its turn becomes a part of this span, also in a thread.
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            answer = await attempting
        return answer
    finally:
        with _harmless():
            instruments.attempts.add(1, {**about, "sagac.outcome": _end(span, answer)})


def begun(saga: str, status: Status) -> None:
    """A new run is durable."""
    if instruments is None:
        return
    with _harmless():
        instruments.runs_started.add(1, {"sagac.saga": saga})
        _count_end(instruments, saga, status)


def moved(saga: str, before: Status | None, after: Status | None) -> None:
    """A run that is driven here has another status; none before it is driven, and none after."""
    if instruments is None or before == after:
        return
    with _harmless():
        for status, change in ((before, -1), (after, 1)):
            if status is not None and status not in ENDED:
                instruments.runs_active.add(change, {"sagac.saga": saga, "sagac.status": status})


def recorded(before: Run, after: Run, at: int) -> None:
    """What happened to a run is durable."""
    if instruments is None or kernel.is_ended(before):
        return
    saga, status = after.plan.saga, kernel.status(after)
    moved(saga, kernel.status(before), status)
    with _harmless():
        _count_end(instruments, saga, status)
        for step, *actions in zip(after.plan.steps, before.actions, after.actions, strict=True):
            for settled in _settled(*actions):
                about = {"sagac.saga": saga, "sagac.step": step.name, "sagac.direction": settled.direction}
                duration_s = (at - settled.enabled_at) / 1000
                instruments.durations.record(duration_s, {**about, "sagac.state": settled.state})
        for i in listed(after.layout.locking):
            if outcome := _waited(before.actions[i], after.actions[i]):
                about = {"sagac.saga": saga, "sagac.step": after.plan.steps[i].name, "sagac.outcome": outcome}
                instruments.lock_waits.record((at - before.actions[i].enabled_at) / 1000, about)


@contextmanager
def _harmless() -> Iterator[None]:
    """What an application's exporter raises is told on the log; no run stops for it."""
    try:
        yield
    except Exception:
        logger.warning("telemetry failed; the run goes on", exc_info=True)


def _span(tracer: trace.Tracer, call: Call, purpose: Purpose, about: dict[str, str]) -> trace.Span:
    # Whoever started the run, or opened the runtime that took it over, has a trace of his own.
    starter = trace.get_current_span().get_span_context()
    return tracer.start_span(
        f"{purpose} {call.saga}.{call.step}",
        context=trace.set_span_in_context(trace.NonRecordingSpan(_root(call.run))),
        links=[trace.Link(starter)] if starter.is_valid else [],
        attributes={**about, "sagac.run": call.run, "sagac.attempt": call.attempt, "sagac.key": call.key},
    )


def _end(span: trace.Span, answer: Answer | None) -> str:
    """Close the span of an attempt with what it came to, and say that."""
    outcome = "unanswered" if answer is None else answer.outcome
    span.set_attribute("sagac.outcome", outcome)
    if answer is not None and outcome != "succeeded":
        span.set_attribute("error.type", answer.failure or outcome)
        span.set_status(trace.StatusCode.ERROR, answer.detail or answer.failure)
    span.end()
    return outcome


def _root(run: str) -> trace.SpanContext:
    """The run itself as the parent of its attempts: its name tells the trace, in whatever process it goes on."""
    number = int(run, 16)
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    return trace.SpanContext(number, number % 2**64 or 1, is_remote=True, trace_flags=flags)


def _count_end(instruments: Instruments, saga: str, status: Status) -> None:
    if status in ENDED:
        instruments.runs_ended.add(1, {"sagac.saga": saga, "sagac.status": status})


class _Settled(NamedTuple):
    direction: Direction
    state: DoState | UndoState
    enabled_at: int


def _waited(before: Action, after: Action) -> str:
    """What came of a wait for locks; empty where none is over."""
    if not locking.is_waiting(before) or locking.is_waiting(after):
        return ""
    return "got" if after.locked else "expired" if after.failure == LOCK_TIMEOUT else "dropped"


def _settled(before: Action, after: Action) -> Iterator[_Settled]:
    """The actions of a step of which nothing is outstanding any more."""
    if before.state in FORWARD and after.state not in FORWARD:
        yield _Settled("do", after.state, after.enabled_at)
    if before.undo in UNDOING and after.undo not in UNDOING:
        yield _Settled("undo", after.undo, after.undo_enabled_at)

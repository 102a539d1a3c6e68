"""When attempts time out and when they are repeated: clauses and defaults (settled question 5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sagac.compiler import codes, syntax
from sagac.compiler.clauses import one_each, positive, the
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.finds import Finds
from sagac.compiler.source import Span
from sagac.compiler.wording import duration
from sagac.runtime.plan import Schedule

DO: Final = Schedule(timeout_ms=30_000, retries=3, backoff_first_ms=200, backoff_max_ms=10_000)
"""How a step's own call is repeated; a command without `idempotent` only after a transient answer (R2)."""

UNDO: Final = Schedule(timeout_ms=30_000, retries=10, backoff_first_ms=1_000, backoff_max_ms=60_000)
"""How an undo is repeated."""


def schedule(clauses: Iterable[object], default: Schedule, where: str) -> Finds[Schedule]:
    """The schedule that `timeout` and `retry` clauses say, the rest filled in."""
    clauses = tuple(clauses)
    yield from one_each(clauses, (syntax.Timeout, syntax.Retry), where)
    timeout, retry = the(clauses, syntax.Timeout), the(clauses, syntax.Retry)
    timeout_ms = default.timeout_ms
    if timeout is not None:
        timeout_ms = yield from positive(timeout.duration, "a `timeout`")
        yield from _plain_timeout(timeout, default)
    if retry is None:
        return Schedule(timeout_ms, default.retries, default.backoff_first_ms, default.backoff_max_ms)
    first, most = yield from _backoff(retry, default)
    yield from _plain_retry(retry, default)
    within_ms = None if retry.within is None else (yield from _within(retry.within, timeout_ms))
    return Schedule(timeout_ms, retry.times, first, most, within_ms)


def _within(within: syntax.Duration, timeout_ms: int) -> Finds[int]:
    """A retry's `within` caps the whole, so it needs room for one attempt."""
    if within.ms < timeout_ms:
        yield codes.finding(
            "E319",
            f"`within {duration(within.ms)}` has no room for one attempt, which may take {duration(timeout_ms)}",
            within.span,
            help="make it longer, or write a shorter `timeout`",
        )
    return within.ms


def _backoff(retry: syntax.Retry, default: Schedule) -> Finds[tuple[int, int]]:
    if retry.backoff is None:
        return default.backoff_first_ms, default.backoff_max_ms
    first, most = retry.backoff
    yield from positive(first, "a pause")
    if first.ms > most.ms:
        yield codes.finding(
            "E319",
            f"a pause grows from {duration(first.ms)} to {duration(most.ms)}, which is shorter",
            first.span.to(most.span),
            help=f"write `backoff {duration(most.ms)} to {duration(first.ms)}`",
        )
    return first.ms, most.ms


def _plain_timeout(timeout: syntax.Timeout, default: Schedule) -> Finds[None]:
    if timeout.duration.ms == default.timeout_ms:
        yield _default("timeout", timeout.span)


def _plain_retry(retry: syntax.Retry, default: Schedule) -> Finds[None]:
    pauses = (default.backoff_first_ms, default.backoff_max_ms)
    written = pauses if retry.backoff is None else (retry.backoff[0].ms, retry.backoff[1].ms)
    if retry.times == default.retries and retry.within is None and written == pauses:
        yield _default("retry", retry.span)
    elif retry.backoff is not None and written == pauses:
        yield _default("backoff", retry.backoff[0].span.to(retry.backoff[1].span))


def _default(word: str, span: Span) -> Diagnostic:
    return codes.finding("N601", f"this `{word}` is the default", span, help="it may be left out")

"""E3, retry arithmetic: what is counted with fits the calendar, and nobody gives up on an answer that is on time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sagac.compiler import wording
from sagac.compiler.durations import spelled
from sagac.compiler.model import Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted, Verdict
from sagac.runtime.plan import Plan, Schedule, Step
from sagac.runtime.settling import PROBES

CENTURY_MS: Final = 3_162_240_000_000
"""The longest time that can be written: the clocks, calendars and journals that count all hold a moment so far away."""


def owe(project: Project, saga: Saga, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for all times of the saga, and one for each step whose service says how long it takes to answer."""
    planned = {step.name: step for step in plan.steps}
    claims = (promised(project, saga, step, planned[step.name]) for step in saga.steps)
    return (Settled(calendar_claim(saga), calendar(saga, plan)), *(each for each in claims if each is not None))


# --- the calendar ---------------------------------------------------------------------------------------------------


def calendar_claim(saga: Saga) -> Claim:
    """What is claimed of all times of a saga."""
    return Claim("E3", saga.full_name, "", "every time that a run counts with fits the calendar", saga.name_span)


def calendar(saga: Saga, plan: Plan) -> Verdict:
    """Every time is a part of a century, and every sum of a schedule that ends is."""
    for what, milliseconds in counted(plan):
        if not 0 <= milliseconds <= CENTURY_MS:
            line = f"{what} is {spelled(milliseconds)}, which is more than {spelled(CENTURY_MS)}"
            return Refuted(
                Critical((line,)),
                f"{what} reaches beyond the calendar",
                help=("no clock counts that far: write a time that somebody will live to see",),
            )
    return Proved()


def counted(plan: Plan) -> Iterator[tuple[str, int]]:
    """Every time that the kernel or a worker adds to the time of day, with what it is."""
    yield "the deadline", plan.deadline_ms or 0
    yield "`rollback within`", plan.rollback_within_ms or 0
    for step in plan.steps:
        yield from scheduled(f"of `{step.name}`", step.schedule)
        yield f"`idempotent for` of `{step.name}`", step.window_ms or 0
        yield f"`lands within` of `{step.name}`", step.lands_within_ms or 0
        yield from ((f"`lock … within` of `{step.name}`", lock.within_ms) for lock in step.locks)
        for undo in step.undos:
            yield from scheduled(f"of the undo of `{step.name}`", undo.schedule)
            yield f"`idempotent for` of the undo of `{step.name}`", undo.window_ms or 0


def scheduled(where: str, schedule: Schedule) -> Iterator[tuple[str, int]]:
    """The times of a schedule, and what its attempts and pauses come to."""
    yield f"the timeout {where}", schedule.timeout_ms
    yield f"the longest pause {where}", schedule.backoff_max_ms
    yield f"`within` {where}", schedule.within_ms or 0
    if schedule.retries is not None and schedule.within_ms is None:
        all_ms = (schedule.retries + 1) * schedule.timeout_ms + schedule.retries * schedule.backoff_max_ms
        yield f"the whole schedule {where}", all_ms


# --- what a partner promises ----------------------------------------------------------------------------------------


def promised(project: Project, saga: Saga, step: Written, planned: Step) -> Obligation | None:
    """No attempt of a step is given up before its service has had the time that it may take."""
    limits = tuple(patience(project, step, planned))
    if not limits:
        return None
    services = wording.listing(tuple(dict.fromkeys(service for service, *_ in limits)))
    text = f"every attempt of `{step.name}` waits as long as {services} may take to answer"
    claim = Claim("E3", saga.full_name, step.name, text, step.name_span)
    for service, what, timeout_ms, sla_ms, place in limits:
        if timeout_ms < sla_ms:
            return Settled(claim, impatient(service, what, timeout_ms, sla_ms, place))
    return Settled(claim, Proved())


def patience(project: Project, step: Written, planned: Step) -> Iterator[tuple[str, str, int, int, Span]]:
    """Each call to a service with an `sla`: who it is, what is called, how long that is waited for and may take."""
    service = project.services[step.call.service]
    if service.sla_ms is not None:
        yield service.name, f"`{step.name}`", planned.schedule.timeout_ms, service.sla_ms, step.schedule_span
        if planned.probe is not None and planned.doubt == "probe":
            yield service.name, f"the probe of `{step.name}`", PROBES.timeout_ms, service.sla_ms, step.call.span
    for handler, undo in zip(step.handlers, planned.undos, strict=True):
        service = project.services[handler.call.service]
        if service.sla_ms is not None:
            what = f"the undo of `{step.name}`"
            yield service.name, what, undo.schedule.timeout_ms, service.sla_ms, handler.span


def impatient(service: str, what: str, timeout_ms: int, sla_ms: int, place: Span) -> Refuted:
    """An answer in time comes too late."""
    lines = (
        f"{what} is sent                       0s",
        f"it is taken for unanswered after  {spelled(timeout_ms)}",
        f"`{service}` may answer until          {spelled(sla_ms)}",
    )
    probe = what.startswith("the probe")
    advice = (
        "a probe is a query with the timeout of one: ask for a shorter `sla`, or settle the doubt otherwise, `revokes`"
        if probe
        else f"write `timeout {wording.duration(sla_ms)}` or longer"
    )
    message = f"{what} is given up after {spelled(timeout_ms)}, but `{service}` may take {spelled(sla_ms)} to answer"
    return Refuted(Critical(lines), message, other=place, other_text="this is how it is waited for", help=(advice,))

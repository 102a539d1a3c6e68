"""A run's history: what its records tell, read back from a journal and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from sagac.runtime import kernel
from sagac.runtime import plan as plans
from sagac.runtime.errors import JournalDamagedError, JournalFormatError
from sagac.runtime.events import JournalRecord, Started
from sagac.runtime.journal import Entry, Journal, read
from sagac.runtime.plan import Call, Plan
from sagac.runtime.run import Run
from sagac.runtime.unwinding import FORWARD


class History(NamedTuple):
    """A run, and how it came to be what it is."""

    entry: Entry
    plan: Plan
    records: tuple[JournalRecord, ...]
    run: Run


async def recall(journal: Journal, entry: Entry, plan: Plan | None = None) -> History:
    """The run as its records tell; raises `JournalDamagedError` where they do not hold together.

    Whoever recalls many runs of one plan gives it along, so that it is read once.
    """
    plan = await fetch(journal, entry) if plan is None else plan
    records = await read(journal, entry.run)
    _check_head(entry, records)
    first = records[0].event
    if not isinstance(first, Started) or first.plan != entry.plan:
        raise JournalDamagedError("the first record does not pin the run's plan", saga=entry.saga, run=entry.run)
    return History(entry, plan, records, kernel.replay(plan, entry.key, (record.event for record in records)))


async def fetch(journal: Journal, entry: Entry) -> Plan:
    """The plan that a run pinned, checked against its digest."""
    body = await journal.plan(entry.plan)
    if body is None:
        raise JournalDamagedError("the run's plan is missing", saga=entry.saga, run=entry.run)
    if hashlib.sha256(body).hexdigest() != entry.plan:
        raise JournalDamagedError("the run's plan is not the one that it pinned", saga=entry.saga, run=entry.run)
    try:
        return plans.decode(body)
    except msgspec.DecodeError as failure:
        raise JournalFormatError(f"the run's plan cannot be read: {failure}", saga=entry.saga, run=entry.run) from None


def needed(run: Run) -> tuple[Call, ...]:
    """The calls that may still be made for a run: one that has turned needs its undos and what is in flight."""
    return tuple(_needed(run))


def _needed(run: Run) -> Iterator[Call]:
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if run.mode == "running" or action.state in FORWARD:
            yield step.call
        if step.probe is not None:
            yield step.probe
        yield from (undo.call for undo in step.undos)


def _check_head(entry: Entry, records: tuple[JournalRecord, ...]) -> None:
    """The records reach the head that the entry names; a living owner may have added some since."""
    last = entry.head.length - 1
    if len(records) <= last or last < 0 or records[last].hash != entry.head.hash:
        message = f"the chain ends after {len(records)} records, its head is at {entry.head.length}"
        raise JournalDamagedError(message, saga=entry.saga, run=entry.run, position=len(records))

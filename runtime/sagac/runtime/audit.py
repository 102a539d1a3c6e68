"""The audit of a journal: whether every run's records hold together, and what is wrong where they do not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from sagac.runtime import events, kernel, locking
from sagac.runtime import plan as plans
from sagac.runtime.events import Started
from sagac.runtime.journal import Entry, Head, Journal, StoredRecord, fault
from sagac.runtime.plan import Plan


class Finding(msgspec.Struct, frozen=True):
    """Something in a journal that cannot have been written as it is."""

    run: str
    position: int
    """The sequence of the first record that is wrong or missing."""
    what: str


class Audit(msgspec.Struct, frozen=True):
    """What an audit found, and the heads that a later one can compare with."""

    runs: int
    records: int
    findings: tuple[Finding, ...]
    heads: dict[str, Head]


async def audit(journal: Journal, known: Mapping[str, Head] | None = None) -> Audit:
    """Check every run; `known` heads, kept outside the journal, show what was lost of it since."""
    entries = await journal.entries()
    findings, records, heads = list[Finding](), 0, dict[str, Head]()
    for entry in entries:
        stored = await journal.records(entry.run)
        body = await journal.plan(entry.plan)
        findings += check(entry, body, stored) or await _check_locks(journal, entry, body, stored)
        findings += _lost(entry.run, stored, (known or {}).get(entry.run, Head()))
        records += len(stored)
        heads[entry.run] = entry.head
    missing = sorted(set(known or {}) - set(heads))
    findings += [Finding(run, 0, "the run is missing, a head of it is known") for run in missing]
    return Audit(len(entries), records, tuple(findings), heads)


def check(entry: Entry, body: bytes | None, stored: tuple[StoredRecord, ...]) -> tuple[Finding, ...]:
    """What is wrong with one run. A living owner may have appended since its entry was read."""
    chain = _check_chain(entry, stored)
    plan, finding = _check_plan(entry, body)
    if chain or plan is None:
        return (*chain, *([finding] if finding else []))
    return _check_story(entry, plan, stored)


def _check_chain(entry: Entry, stored: tuple[StoredRecord, ...]) -> tuple[Finding, ...]:
    head, fence, reached = Head(), 0, False
    for record in stored:
        what = fault(entry.run, head, record)
        if not what and record.fence < fence:
            what = f"record {record.sequence} was written under fence {record.fence}, after one under {fence}"
        if what:
            return (Finding(entry.run, head.length, what),)
        head, fence = Head(record.sequence + 1, record.hash), record.fence
        reached = reached or head == entry.head
    if not reached:
        what = f"the chain ends after {head.length} records, its head is at {entry.head.length}"
        return (Finding(entry.run, head.length, what),)
    return ()


def _check_plan(entry: Entry, body: bytes | None) -> tuple[Plan | None, Finding | None]:
    if body is None:
        return None, Finding(entry.run, 0, f"its plan {entry.plan[:12]} is missing")
    if hashlib.sha256(body).hexdigest() != entry.plan:
        return None, Finding(entry.run, 0, f"its plan is not the one with digest {entry.plan[:12]}")
    try:
        return plans.decode(body), None
    except msgspec.DecodeError:
        return None, Finding(entry.run, 0, f"its plan {entry.plan[:12]} cannot be read by this runtime")


def _check_story(entry: Entry, plan: Plan, stored: tuple[StoredRecord, ...]) -> tuple[Finding, ...]:
    """The records begin as a run does, and come to the status that the list of runs shows."""
    told = [events.decode(record.body) for record in stored[: entry.head.length]]
    if not isinstance(told[0], Started) or told[0].plan != entry.plan:
        return (Finding(entry.run, 0, "the first record does not pin the run's plan"),)
    status = kernel.status(kernel.replay(plan, entry.key, told))
    if status != entry.status:
        return (Finding(entry.run, len(told), f"listed as {entry.status}, but its records say {status}"),)
    return ()


async def _check_locks(
    journal: Journal, entry: Entry, body: bytes | None, stored: tuple[StoredRecord, ...]
) -> tuple[Finding, ...]:
    """A run whose records are sound has the locks that they say, and no others; none if it went on meanwhile."""
    plan = plans.decode(body) if body is not None else None
    if plan is None or not any(step.locks for step in plan.steps):
        return ()
    places = await journal.lines()
    if await journal.entry(entry.run) != entry:
        return ()
    told = [events.decode(record.body) for record in stored[: entry.head.length]]
    run = kernel.replay(plan, entry.key, told)
    kept = frozenset[str]() if kernel.is_ended(run) else locking.kept(run)
    has = {place.lock for place in places if place.run == entry.run and place.has}
    first = {place.lock: place.run for place in reversed(places)}
    wrong = (
        *(f"its records say that it has `{lock}`, and the line for it does not" for lock in sorted(kept - has)),
        *(f"it has `{lock}`, and its records do not say so" for lock in sorted(has - kept)),
        *(f"it has `{lock}`, and another run stands before it" for lock in sorted(has) if first[lock] != entry.run),
    )
    return tuple(Finding(entry.run, len(told), what) for what in wrong)


def _lost(run: str, stored: tuple[StoredRecord, ...], known: Head) -> tuple[Finding, ...]:
    if known.length == 0:
        return ()
    if len(stored) < known.length:
        what = f"record {known.length - 1} was there once, the chain ends after {len(stored)} records"
        return (Finding(run, len(stored), what),)
    if stored[known.length - 1].hash != known.hash:
        return (Finding(run, known.length - 1, f"record {known.length - 1} is not the one that was there once"),)
    return ()

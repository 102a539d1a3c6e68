"""The journal: what a store of runs promises, and the values that it takes and returns.

Promises (R14), which `tests/runtime/test_journal_contract.py` asks of every store:

- What a call returned from is durable. A call that raised `LeaseLostError` or `LockTakenError` changed nothing; any
  other `JournalError` fails every call that waits for the store at that moment, and none of them may be taken for
  durable.
- A run's records are only ever added, in sequence, each with the hash of the one before; the plan is stored first.
- One worker owns a run at a time. Its fence is checked by every append, and rises with every change of owner.
- Saga and key are a run's identity: a second beginning returns the run that is there.
- A lock has one line, and whoever stands first in it may have it: no run is passed by another that came later. A run
  has a lock from the append that claims it to the append that ends the run, whoever owns the run meanwhile.
- Anybody may leave a request for a run, once per token; only an append of the run's owner answers it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, Protocol, TypeAlias

import msgspec

from sagac.runtime import events
from sagac.runtime.errors import JournalDamagedError, JournalPlaceError
from sagac.runtime.events import GENESIS, Event, JournalRecord, Started
from sagac.runtime.plan import Plan, canonical
from sagac.runtime.run import Status

RequestKind: TypeAlias = Literal["cancel"]
"""What another process can ask of a run's owner."""

ENDED: frozenset[Status] = frozenset({"completed", "compensated", "compensated with residue"})
"""The statuses in which a run needs no owner any more."""


class Head(msgspec.Struct, frozen=True):
    """Where a run's chain ends: how many records it has, and the hash of the last."""

    length: int = 0
    hash: str = GENESIS


class Entry(msgspec.Struct, frozen=True):
    """What the journal tells of a run without reading its records."""

    run: str
    saga: str
    key: str
    plan: str
    """The plan's digest."""
    input: str
    """The input's digest: tells a second start with another input."""
    status: Status
    head: Head
    started_at: int
    changed_at: int
    worker: str
    """Who owns the run; empty for nobody."""
    fence: int


class Worker(msgspec.Struct, frozen=True):
    """A process that may own runs. It counts as alive as long as its beat changes within `lease_ms`."""

    name: str
    beat: int
    lease_ms: int
    gone: bool = False
    """The store can prove that the process has ended, so nobody need wait for its lease to end."""


class Lease(msgspec.Struct, frozen=True):
    """A worker's right to append to a run; `fence` rises with every change of owner."""

    run: str
    worker: str
    fence: int


class Opening(msgspec.Struct, frozen=True):
    """A run's beginning: the plan to store, the run's first event, and what follows from it at once."""

    saga: str
    key: str
    plan: Plan
    started: Started
    status: Status
    events: tuple[Event, ...] = ()


class Begun(msgspec.Struct, frozen=True):
    """What a beginning came to: the run's entry, and a lease if this call began it."""

    entry: Entry
    lease: Lease | None


class Reply(msgspec.Struct, frozen=True):
    """What a run's owner answers to a request."""

    request: int
    answer: str


class Batch(msgspec.Struct, frozen=True):
    """Events to append to a run, all or none: after `head`, leaving the run in `status`."""

    head: Head
    events: tuple[Event, ...]
    status: Status
    at: int
    replies: tuple[Reply, ...] = ()
    claims: tuple[str, ...] = ()
    """The locks that the run has from here on to its end (R16)."""
    drops: tuple[str, ...] = ()
    """The locks in whose lines the run no longer stands."""


class Request(msgspec.Struct, frozen=True):
    """What another process asked of a run's owner. An empty answer is none yet."""

    number: int
    run: str
    token: str
    kind: RequestKind
    who: str
    reason: str
    at: int
    answer: str = ""


class Place(msgspec.Struct, frozen=True):
    """A run's place in the line for a lock: the first has the lock, or may have it."""

    lock: str
    run: str
    has: bool
    """The run has claimed the lock, and keeps it to its end."""
    fence: int
    """Under which lease of the run it took the place."""


class StoredRecord(msgspec.Struct, frozen=True):
    """A record as the store keeps it: the event still as the bytes that its hash covers."""

    sequence: int
    fence: int
    body: bytes
    hash: str


class Journal(Protocol):
    """A store of runs. Every method may raise `JournalError`."""

    async def open(self) -> None:
        """Make the store ready; what it needs on disk is created."""
        ...

    async def close(self) -> None:
        """Give back what the store holds open; what waits is finished first."""
        ...

    async def enlist(self, worker: str, lease_ms: int) -> None:
        """Let a worker own runs, as long as it renews within `lease_ms`."""
        ...

    async def renew(self, worker: str) -> bool:
        """Change the worker's beat; false if it has been dismissed, and owns nothing any more."""
        ...

    async def workers(self) -> tuple[Worker, ...]:
        """All enlisted workers, by name."""
        ...

    async def dismiss(self, worker: str, beat: int | None = None) -> bool:
        """Take its runs from a worker and forget it, unless its beat is no longer `beat`."""
        ...

    async def begin(self, worker: str, opening: Opening) -> Begun:
        """Store the plan and a run's first record, owned by the worker; or find the run that has this saga and key."""
        ...

    async def claim(self, worker: str, runs: tuple[str, ...]) -> tuple[Lease, ...]:
        """Own those of the runs that nobody owns, each under a higher fence than any before."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a run back; nothing happens if the lease was lost before."""
        ...

    async def append(self, lease: Lease, batch: Batch) -> Head:
        """Make a batch durable; raises `LeaseLostError` if the fence is old or the head is not the batch's.

        Raises `LockTakenError` if another run stands before this one in the line of a lock that the batch claims.
        """
        ...

    async def line_up(self, lease: Lease, locks: tuple[str, ...]) -> Place | None:
        """Stand in line for the locks, one after the other: for each only once those before it may be had.

        Returns the first place in the line where the run has to wait, or none if it may claim them all.
        """
        ...

    async def first(self, locks: tuple[str, ...]) -> tuple[Place, ...]:
        """The first place in the line of each of these locks that has one."""
        ...

    async def lines(self) -> tuple[Place, ...]:
        """All places, by lock, the first of each line first."""
        ...

    async def entry(self, run: str) -> Entry | None:
        """What is known of a run."""
        ...

    async def entries(self) -> tuple[Entry, ...]:
        """All runs in the order in which they began."""
        ...

    async def orphans(self) -> tuple[Entry, ...]:
        """The runs that have not ended and that nobody owns."""
        ...

    async def records(self, run: str) -> tuple[StoredRecord, ...]:
        """A run's records in sequence, unchecked."""
        ...

    async def plan(self, digest: str) -> bytes | None:
        """The plan with this digest as it was stored, unchecked."""
        ...

    async def ask(self, run: str, kind: RequestKind, token: str, *, who: str, reason: str, at: int) -> Request:
        """Leave a request; a second one with the same token for the same run is the first one."""
        ...

    async def requests(self, run: str) -> tuple[Request, ...]:
        """All requests for a run, oldest first."""
        ...

    async def waiting(self, worker: str) -> tuple[Request, ...]:
        """The unanswered requests for the runs of a worker, oldest first."""
        ...


def identify(saga: str, key: str) -> str:
    """The name of the run with this identity: the same for every start and version (R13)."""
    return hashlib.sha256(canonical([saga, key])).hexdigest()[:24]


def chain(lease: Lease, head: Head, added: Iterable[Event]) -> tuple[tuple[StoredRecord, ...], Head]:
    """The records that hang these events on a run's head, and the head after them."""
    records: list[StoredRecord] = []
    for event in added:
        body = events.encode(event)
        assert events.decode(body) == event, event
        link = events.link(lease.run, head.length, lease.fence, body, head.hash)
        records.append(StoredRecord(head.length, lease.fence, body, link))
        head = Head(head.length + 1, link)
    return tuple(records), head


async def read(journal: Journal, run: str) -> tuple[JournalRecord, ...]:
    """A run's records, decoded; raises `JournalDamagedError` where the chain does not hold together."""
    records: list[JournalRecord] = []
    head = Head()
    for stored in await journal.records(run):
        finding = fault(run, head, stored)
        if finding:
            raise JournalDamagedError(finding, run=run, position=head.length)
        event = events.decode(stored.body)
        records.append(JournalRecord(run, stored.sequence, stored.fence, event, head.hash, stored.hash))
        head = Head(stored.sequence + 1, stored.hash)
    return tuple(records)


def fault(run: str, head: Head, stored: StoredRecord) -> str:
    """What is wrong with a record that should follow `head`; empty if nothing is."""
    if stored.sequence != head.length:
        return f"record {head.length} is missing, record {stored.sequence} follows"
    if stored.hash != events.link(run, stored.sequence, stored.fence, stored.body, head.hash):
        return f"record {stored.sequence} does not have the hash that its place and content give"
    try:
        events.decode(stored.body)
    except msgspec.DecodeError:
        return f"record {stored.sequence} holds no event that this runtime knows"
    return ""


def connect(location: str, *, create: bool = True) -> Journal:
    """The journal that a location names: `sqlite:///relative.db`, `sqlite:////absolute.db`, or `memory:`.

    Without `create`, opening one that does not exist is an error.
    """
    # Imported here: a process that keeps its journal elsewhere loads no store that it does not use.
    if location == "memory:":
        from sagac.runtime.memory import MemoryJournal

        return MemoryJournal()
    scheme, _, path = location.partition(":///")
    if scheme != "sqlite" or not path:
        raise JournalPlaceError(f"`{location}` names no journal: write `sqlite:///` and a path, or `memory:`")
    from sagac.runtime.sqlite import SqliteJournal

    return SqliteJournal(path, create=create)

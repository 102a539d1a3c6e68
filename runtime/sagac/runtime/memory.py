"""A journal in memory, for tests: it keeps every promise but to outlive its process."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from sagac.runtime import events
from sagac.runtime import plan as plans
from sagac.runtime.errors import ClosedError, LeaseLostError, LockTakenError, UnknownRunError
from sagac.runtime.journal import (
    ENDED,
    Batch,
    Begun,
    Entry,
    Head,
    Lease,
    Opening,
    Place,
    Request,
    RequestKind,
    StoredRecord,
    Worker,
    chain,
    identify,
)


@dataclass(slots=True)
class MemoryJournal:
    """Runs in dictionaries; several runtimes of one process may share one, also one after the other."""

    commits: int = 0
    """How many appends and beginnings were made: a store on disk would sync at most as often."""
    _plans: dict[str, bytes] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _records: dict[str, tuple[StoredRecord, ...]] = field(default_factory=dict)
    _workers: dict[str, Worker] = field(default_factory=dict)
    _requests: list[Request] = field(default_factory=list)
    _lines: dict[str, list[Place]] = field(default_factory=dict)
    _open: int = 0

    async def open(self) -> None:
        """See `Journal.open`; every opening needs its own closing."""
        self._open += 1

    async def close(self) -> None:
        """See `Journal.close`."""
        self._open = max(0, self._open - 1)

    async def enlist(self, worker: str, lease_ms: int) -> None:
        """See `Journal.enlist`."""
        self._check_open()
        self._workers[worker] = Worker(worker, 0, lease_ms)

    async def renew(self, worker: str) -> bool:
        """See `Journal.renew`."""
        self._check_open()
        known = self._workers.get(worker)
        if known is not None:
            self._workers[worker] = replace(known, beat=known.beat + 1)
        return known is not None

    async def workers(self) -> tuple[Worker, ...]:
        """See `Journal.workers`."""
        self._check_open()
        return tuple(self._workers[name] for name in sorted(self._workers))

    async def dismiss(self, worker: str, beat: int | None = None) -> bool:
        """See `Journal.dismiss`."""
        self._check_open()
        known = self._workers.get(worker)
        if known is None or beat not in (None, known.beat):
            return False
        del self._workers[worker]
        for entry in [entry for entry in self._entries.values() if entry.worker == worker]:
            self._entries[entry.run] = replace(entry, worker="")
        return True

    async def begin(self, worker: str, opening: Opening) -> Begun:
        """See `Journal.begin`."""
        self._check_open()
        run = identify(opening.saga, opening.key)
        if run in self._entries:
            return Begun(self._entries[run], None)
        self._check_worker(worker, run)
        lease = Lease(run, worker, 1)
        self._plans.setdefault(opening.started.plan, plans.encode(opening.plan))
        self._records[run], head = chain(lease, Head(), (opening.started, *opening.events))
        self._entries[run] = _entry(lease, opening, head)
        self.commits += 1
        return Begun(self._entries[run], lease)

    async def claim(self, worker: str, runs: tuple[str, ...]) -> tuple[Lease, ...]:
        """See `Journal.claim`."""
        self._check_open()
        leases = []
        for run in runs:
            self._check_worker(worker, run)
            entry = self._entries.get(run)
            if entry is not None and not entry.worker and entry.status not in ENDED:
                self._entries[run] = replace(entry, worker=worker, fence=entry.fence + 1)
                leases.append(Lease(run, worker, entry.fence + 1))
        return tuple(leases)

    async def release(self, lease: Lease) -> None:
        """See `Journal.release`."""
        self._check_open()
        entry = self._entries.get(lease.run)
        if entry is not None and (entry.worker, entry.fence) == (lease.worker, lease.fence):
            self._entries[lease.run] = replace(entry, worker="")

    async def append(self, lease: Lease, batch: Batch) -> Head:
        """See `Journal.append`."""
        self._check_open()
        entry = self._owned(lease)
        if entry is None or entry.head != batch.head:
            raise LeaseLostError("the run has another owner", run=lease.run, position=batch.head.length)
        for lock in batch.claims:
            if any(place.run != lease.run for place in self._lines.get(lock, [])[:1]):
                raise LockTakenError(f"`{lock}` is another run's", run=lease.run, position=batch.head.length)
        records, head = chain(lease, batch.head, batch.events)
        worker = "" if batch.status in ENDED else lease.worker
        self._records[lease.run] += records
        self._entries[lease.run] = replace(entry, status=batch.status, head=head, changed_at=batch.at, worker=worker)
        for reply in batch.replies:
            self._requests[reply.request - 1] = replace(self._requests[reply.request - 1], answer=reply.answer)
        self._move(lease, batch)
        self.commits += 1
        return head

    async def line_up(self, lease: Lease, locks: tuple[str, ...]) -> Place | None:
        """See `Journal.line_up`."""
        self._check_open()
        if self._owned(lease) is None:
            raise LeaseLostError("the run has another owner", run=lease.run)
        ahead = next((line[0] for lock in locks if (line := self._lines.get(lock)) and line[0].run != lease.run), None)
        if ahead is not None:
            for lock in locks[: locks.index(ahead.lock) + 1]:
                self._stand(lease, lock)
        return ahead

    async def first(self, locks: tuple[str, ...]) -> tuple[Place, ...]:
        """See `Journal.first`."""
        self._check_open()
        return tuple(self._lines[lock][0] for lock in sorted(locks) if lock in self._lines)

    async def lines(self) -> tuple[Place, ...]:
        """See `Journal.lines`."""
        self._check_open()
        return tuple(place for lock in sorted(self._lines) for place in self._lines[lock])

    async def entry(self, run: str) -> Entry | None:
        """See `Journal.entry`."""
        self._check_open()
        return self._entries.get(run)

    async def entries(self) -> tuple[Entry, ...]:
        """See `Journal.entries`."""
        self._check_open()
        return tuple(self._entries.values())

    async def orphans(self) -> tuple[Entry, ...]:
        """See `Journal.orphans`."""
        self._check_open()
        return tuple(entry for entry in self._entries.values() if not entry.worker and entry.status not in ENDED)

    async def records(self, run: str) -> tuple[StoredRecord, ...]:
        """See `Journal.records`."""
        self._check_open()
        return self._records.get(run, ())

    async def plan(self, digest: str) -> bytes | None:
        """See `Journal.plan`."""
        self._check_open()
        return self._plans.get(digest)

    async def ask(self, run: str, kind: RequestKind, token: str, *, who: str, reason: str, at: int) -> Request:
        """See `Journal.ask`."""
        self._check_open()
        if run not in self._entries:
            raise UnknownRunError("the journal has no such run", run=run)
        for request in self._requests:
            if (request.run, request.token) == (run, token):
                return request
        self._requests.append(Request(len(self._requests) + 1, run, token, kind, who, reason, at))
        return self._requests[-1]

    async def requests(self, run: str) -> tuple[Request, ...]:
        """See `Journal.requests`."""
        self._check_open()
        return tuple(request for request in self._requests if request.run == run)

    async def waiting(self, worker: str) -> tuple[Request, ...]:
        """See `Journal.waiting`."""
        self._check_open()
        return tuple(
            request for request in self._requests if not request.answer and self._entries[request.run].worker == worker
        )

    def _owned(self, lease: Lease) -> Entry | None:
        entry = self._entries.get(lease.run)
        return entry if entry is not None and (entry.worker, entry.fence) == (lease.worker, lease.fence) else None

    def _stand(self, lease: Lease, lock: str) -> None:
        line = self._lines.setdefault(lock, [])
        if all(place.run != lease.run for place in line):
            line.append(Place(lock, lease.run, False, lease.fence))

    def _move(self, lease: Lease, batch: Batch) -> None:
        """Have the locks that a batch claims, and leave the lines that it drops; at the run's end all of them."""
        for lock in batch.claims:
            self._lines[lock] = [Place(lock, lease.run, True, lease.fence), *self._lines.get(lock, [])[1:]]
        for lock in [*self._lines] if batch.status in ENDED else batch.drops:
            self._lines[lock] = [place for place in self._lines.get(lock, []) if place.run != lease.run]
            if not self._lines[lock]:
                del self._lines[lock]

    def _check_open(self) -> None:
        if not self._open:
            raise ClosedError("the journal is closed")

    def _check_worker(self, worker: str, run: str) -> None:
        if worker not in self._workers:
            raise LeaseLostError("this worker was dismissed", run=run)


def _entry(lease: Lease, opening: Opening, head: Head) -> Entry:
    """A run's entry after its first record."""
    started = opening.started
    digest = events.input_digest(started.input)
    return Entry(
        run=lease.run,
        saga=opening.saga,
        key=opening.key,
        plan=started.plan,
        input=digest,
        status=opening.status,
        head=head,
        started_at=started.at,
        changed_at=started.at,
        worker=lease.worker,
        fence=lease.fence,
    )

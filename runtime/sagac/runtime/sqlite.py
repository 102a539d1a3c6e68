"""A journal in one SQLite file: write-ahead log, every commit synced, one writer thread, group commit.

All appends of one turn of the event loop, and all that come while a commit is on its way, share the next transaction.
The loop itself never waits for the disk. Several processes may share the file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from sagac.runtime import events, presence
from sagac.runtime import plan as plans
from sagac.runtime.errors import (
    ClosedError,
    JournalError,
    JournalFormatError,
    JournalPlaceError,
    LeaseLostError,
    LockTakenError,
    SagacError,
    UnknownRunError,
)
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

SCHEMA: Final = 2
"""The version of the tables; a file of a later version is refused, one of the first gets what it lacks."""

BUSY_TIMEOUT_MS: Final = 10_000
"""How long a writer waits for the other processes that share the file."""

PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""What may be over the next time, without anybody changing the file: others are at work, or something ran short."""

FORBIDDEN: Final = frozenset({sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})
"""What somebody must allow first."""

T = TypeVar("T")

_TABLES: Final = """
CREATE TABLE schema (version INTEGER NOT NULL);
CREATE TABLE plans (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  run TEXT NOT NULL UNIQUE,
  saga TEXT NOT NULL, key TEXT NOT NULL, plan TEXT NOT NULL REFERENCES plans, input TEXT NOT NULL,
  status TEXT NOT NULL, ended INTEGER NOT NULL, length INTEGER NOT NULL, hash TEXT NOT NULL,
  started_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, worker TEXT NOT NULL, fence INTEGER NOT NULL,
  UNIQUE (saga, key)
);
CREATE INDEX runs_not_ended ON runs (worker) WHERE ended = 0;
CREATE TABLE records (
  number INTEGER NOT NULL REFERENCES runs, sequence INTEGER NOT NULL, fence INTEGER NOT NULL,
  body BLOB NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (number, sequence)
) WITHOUT ROWID;
CREATE TABLE workers (name TEXT PRIMARY KEY, beat INTEGER NOT NULL, lease_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (
  number INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs (run), token TEXT NOT NULL, kind TEXT NOT NULL,
  who TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT NOT NULL, UNIQUE (run, token)
);
CREATE INDEX requests_waiting ON requests (run) WHERE answer = '';
"""

_LINES: Final = """
CREATE TABLE lines (
  place INTEGER PRIMARY KEY, lock TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs (run),
  has INTEGER NOT NULL, fence INTEGER NOT NULL, UNIQUE (lock, run)
);
CREATE INDEX lines_in_order ON lines (lock, place);
CREATE INDEX lines_of_run ON lines (run);
"""
"""What the second version added."""

_ENTRY: Final = (
    "SELECT run, saga, key, plan, input, status, length, hash, started_at, changed_at, worker, fence FROM runs"
)
_REQUEST: Final = "SELECT number, run, token, kind, who, reason, at, answer FROM requests"
_PLACE: Final = "SELECT lock, run, has, fence FROM lines"
_HELD: Final = "WHERE run = ? AND worker = ? AND fence = ?"


class SqliteJournal:
    """Runs in a SQLite file, which is created when it does not exist and may be."""

    def __init__(self, path: str | Path, *, create: bool = True) -> None:
        self.path = Path(path)
        self._create = create
        self.commits = 0
        """How many transactions this object has made durable."""
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._presences: dict[str, int | None] = {}

    async def open(self) -> None:
        """See `Journal.open`."""
        assert self._thread is None, "a journal is opened once"
        _check_place(self.path, create=self._create)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagac-journal")
        try:
            self._connection = await self._in_thread(lambda: _connect(self.path))
        except JournalError:
            self._thread.shutdown()
            self._thread = None
            raise

    async def close(self) -> None:
        """See `Journal.close`."""
        if self._thread is None or self._connection is None:
            return
        if self._flushing is not None:
            await self._flushing
        connection, self._connection = self._connection, None
        await self._in_thread(connection.close)
        for worker, descriptor in self._presences.items():
            presence.drop(presence.path(self.path, worker), descriptor)
        self._presences.clear()
        self._thread.shutdown()
        self._thread = None

    async def enlist(self, worker: str, lease_ms: int) -> None:
        """See `Journal.enlist`."""
        self._presences[worker] = presence.hold(presence.path(self.path, worker))
        await self._write(
            lambda to: to.execute("INSERT INTO workers (name, beat, lease_ms) VALUES (?, 0, ?)", (worker, lease_ms))
        )

    async def renew(self, worker: str) -> bool:
        """See `Journal.renew`."""
        statement = "UPDATE workers SET beat = beat + 1 WHERE name = ?"
        return await self._write(lambda to: to.execute(statement, (worker,)).rowcount == 1)

    async def workers(self) -> tuple[Worker, ...]:
        """See `Journal.workers`."""
        rows = await self._read("SELECT name, beat, lease_ms FROM workers ORDER BY name")
        return tuple(
            Worker(name, beat, lease_ms, gone=presence.is_dropped(presence.path(self.path, name)))
            for name, beat, lease_ms in rows
        )

    async def dismiss(self, worker: str, beat: int | None = None) -> bool:
        """See `Journal.dismiss`."""
        dismissed = await self._write(lambda to: _dismiss(to, worker, beat))
        if dismissed:
            presence.drop(presence.path(self.path, worker), self._presences.pop(worker, None))
        return dismissed

    async def begin(self, worker: str, opening: Opening) -> Begun:
        """See `Journal.begin`."""
        return await self._write(lambda to: _begin(to, worker, opening))

    async def claim(self, worker: str, runs: tuple[str, ...]) -> tuple[Lease, ...]:
        """See `Journal.claim`."""
        return await self._write(lambda to: _claim(to, worker, runs)) if runs else ()

    async def release(self, lease: Lease) -> None:
        """See `Journal.release`."""
        held = (lease.run, lease.worker, lease.fence)
        await self._write(lambda to: to.execute(f"UPDATE runs SET worker = '' {_HELD}", held))

    async def append(self, lease: Lease, batch: Batch) -> Head:
        """See `Journal.append`."""
        records, head = chain(lease, batch.head, batch.events)
        await self._write(lambda to: _append(to, lease, batch, records, head))
        return head

    async def line_up(self, lease: Lease, locks: tuple[str, ...]) -> Place | None:
        """See `Journal.line_up`."""
        return await self._write(lambda to: _line_up(to, lease, locks))

    async def first(self, locks: tuple[str, ...]) -> tuple[Place, ...]:
        """See `Journal.first`."""
        connection = self._opened()
        found = await self._in_thread(lambda: [_first(connection, lock) for lock in sorted(locks)])
        return tuple(place for place in found if place is not None)

    async def lines(self) -> tuple[Place, ...]:
        """See `Journal.lines`."""
        return tuple(map(_place, await self._read(f"{_PLACE} ORDER BY lock, place")))

    async def entry(self, run: str) -> Entry | None:
        """See `Journal.entry`."""
        rows = await self._read(f"{_ENTRY} WHERE run = ?", run)
        return _entry(rows[0]) if rows else None

    async def entries(self) -> tuple[Entry, ...]:
        """See `Journal.entries`."""
        return tuple(_entry(row) for row in await self._read(f"{_ENTRY} ORDER BY number"))

    async def orphans(self) -> tuple[Entry, ...]:
        """See `Journal.orphans`."""
        rows = await self._read(f"{_ENTRY} WHERE ended = 0 AND worker = '' ORDER BY number")
        return tuple(_entry(row) for row in rows)

    async def records(self, run: str) -> tuple[StoredRecord, ...]:
        """See `Journal.records`."""
        rows = await self._read(
            "SELECT sequence, records.fence, CAST(body AS BLOB), lower(hex(records.hash))"
            " FROM records JOIN runs USING (number)"
            " WHERE run = ? ORDER BY sequence",
            run,
        )
        return tuple(StoredRecord(*row) for row in rows)

    async def plan(self, digest: str) -> bytes | None:
        """See `Journal.plan`."""
        rows = await self._read("SELECT CAST(body AS BLOB) FROM plans WHERE digest = ?", digest)
        return rows[0][0] if rows else None

    async def ask(self, run: str, kind: RequestKind, token: str, *, who: str, reason: str, at: int) -> Request:
        """See `Journal.ask`."""
        return await self._write(lambda to: _ask(to, (run, token, kind, who, reason, at)))

    async def requests(self, run: str) -> tuple[Request, ...]:
        """See `Journal.requests`."""
        return tuple(Request(*row) for row in await self._read(f"{_REQUEST} WHERE run = ? ORDER BY number", run))

    async def waiting(self, worker: str) -> tuple[Request, ...]:
        """See `Journal.waiting`."""
        owned = "SELECT run FROM runs WHERE ended = 0 AND worker = ?"
        rows = await self._read(f"{_REQUEST} WHERE answer = '' AND run IN ({owned}) ORDER BY number", worker)
        return tuple(Request(*row) for row in rows)

    def _write(self, operation: Callable[[sqlite3.Connection], T]) -> Awaitable[T]:
        """Queue an operation for the next transaction. It raises a `SagacError` only before it has written anything."""
        self._opened()
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, waiter))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return waiter

    async def _flush(self) -> None:
        """Commit what waits, together, until nothing waits."""
        while self._waiting:
            group, self._waiting = self._waiting, []
            operations = [operation for operation, _ in group]
            try:
                outcomes = await self._in_thread(partial(self._commit, operations))
            except BaseException as failure:
                # Whoever came meanwhile relies on the same store: they fail now rather than after another timeout.
                outcomes = [failure] * (len(group) + len(self._waiting))
                group, self._waiting = group + self._waiting, []
            for (_, waiter), outcome in zip(group, outcomes, strict=True):
                _resolve(waiter, outcome)
        self._flushing = None

    def _commit(self, operations: list[Callable[[sqlite3.Connection], Any]]) -> list[Any]:
        """Run operations in one transaction, on the writer thread."""
        connection = self._opened()
        before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [_attempt(operation, connection) for operation in operations]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.commits += connection.total_changes > before
        return outcomes

    async def _read(self, statement: str, *values: object) -> list[Any]:
        connection = self._opened()
        return await self._in_thread(lambda: connection.execute(statement, values).fetchall())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        assert self._thread is not None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as failure:
            raise _failed(self.path, failure) from failure

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ClosedError("the journal is closed")
        return self._connection


def _failed(path: Path, failure: sqlite3.Error) -> JournalError:
    """The failure in our words. SQLite's extended codes have the plain one in their last byte."""
    code = getattr(failure, "sqlite_errorcode", 0) & 0xFF
    message = f"the journal `{path}` failed: {failure}"
    if code in PASSING:
        return JournalError(message)
    return JournalPlaceError(message) if code in FORBIDDEN else JournalFormatError(message)


def _check_place(path: Path, *, create: bool) -> None:
    try:
        if path.is_dir():
            raise JournalPlaceError(f"the journal `{path}` cannot be opened: it is a folder")
        if not path.parent.is_dir():
            raise JournalPlaceError(f"the journal `{path}` cannot be opened: there is no folder `{path.parent}`")
        if not create and not path.is_file():
            raise JournalFormatError(f"there is no journal at `{path}`")
    except OSError as failure:
        raise JournalPlaceError(f"the journal `{path}` cannot be opened: {failure.strerror}") from failure


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to a file whose tables are there and known."""
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as failure:
        raise JournalPlaceError(f"the journal `{path}` cannot be opened: {failure}") from failure
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        _create(connection, _TABLES + _LINES)
        connection.execute("INSERT INTO schema VALUES (?)", (SCHEMA,))
    elif "schema" not in tables:
        raise JournalFormatError(f"`{path}` is a database, but no journal")
    ((version,),) = connection.execute("SELECT version FROM schema")
    if version == 1:
        _create(connection, _LINES)
        connection.execute("UPDATE schema SET version = ?", (version := SCHEMA,))
    if version != SCHEMA:
        raise JournalFormatError(f"`{path}` has schema {version}, this runtime knows schema {SCHEMA}")
    connection.execute("COMMIT")


def _create(connection: sqlite3.Connection, tables: str) -> None:
    # `executescript` would commit first.
    for statement in tables.split(";\n")[:-1]:
        connection.execute(statement)


def _attempt(operation: Callable[[sqlite3.Connection], Any], connection: sqlite3.Connection) -> Any:
    """What an operation returns; what the runtime itself refuses is that caller's alone, the others go on."""
    try:
        return operation(connection)
    except SagacError as refusal:
        return refusal


def _resolve(waiter: asyncio.Future[Any], outcome: Any) -> None:
    if waiter.done():
        return  # the caller was cancelled; what it asked for is durable all the same
    if isinstance(outcome, BaseException):
        waiter.set_exception(outcome)
    else:
        waiter.set_result(outcome)


def _dismiss(connection: sqlite3.Connection, worker: str, beat: int | None) -> bool:
    condition, values = ("", ()) if beat is None else (" AND beat = ?", (beat,))
    if connection.execute(f"DELETE FROM workers WHERE name = ?{condition}", (worker, *values)).rowcount == 0:
        return False
    connection.execute("UPDATE runs SET worker = '' WHERE ended = 0 AND worker = ?", (worker,))
    return True


def _begin(connection: sqlite3.Connection, worker: str, opening: Opening) -> Begun:
    run = identify(opening.saga, opening.key)
    known = _find(connection, run)
    if known is not None:
        return Begun(known, None)
    _check_worker(connection, worker, run)
    lease, started = Lease(run, worker, 1), opening.started
    records, head = chain(lease, Head(), (started, *opening.events))
    _store_plan(connection, started.plan, opening.plan)
    row = (
        *(run, opening.saga, opening.key, started.plan, events.input_digest(started.input)),
        *(opening.status, opening.status in ENDED, head.length, head.hash, started.at, started.at, worker, lease.fence),
    )
    connection.execute(f"INSERT INTO runs VALUES (NULL{', ?' * len(row)})", row)
    _insert(connection, run, records)
    entry = _find(connection, run)
    assert entry is not None
    return Begun(entry, lease)


def _store_plan(connection: sqlite3.Connection, digest: str, plan: plans.Plan) -> None:
    if not connection.execute("SELECT 1 FROM plans WHERE digest = ?", (digest,)).fetchone():
        connection.execute("INSERT INTO plans VALUES (?, ?)", (digest, plans.encode(plan)))


def _claim(connection: sqlite3.Connection, worker: str, runs: tuple[str, ...]) -> tuple[Lease, ...]:
    leases = []
    for run in runs:
        _check_worker(connection, worker, run)
        statement = "UPDATE runs SET worker = ?, fence = fence + 1 WHERE run = ? AND worker = '' AND ended = 0"
        if connection.execute(statement, (worker, run)).rowcount:
            (fence,) = connection.execute("SELECT fence FROM runs WHERE run = ?", (run,)).fetchone()
            leases.append(Lease(run, worker, fence))
    return tuple(leases)


def _append(
    connection: sqlite3.Connection, lease: Lease, batch: Batch, records: tuple[StoredRecord, ...], head: Head
) -> None:
    ended = batch.status in ENDED
    ahead = _ahead(connection, lease, batch.claims)
    if ahead is not None:
        raise LockTakenError(f"`{ahead.lock}` is another run's", run=lease.run, position=batch.head.length)
    updated = connection.execute(
        f"UPDATE runs SET length = ?, hash = ?, status = ?, ended = ?, changed_at = ?, worker = ? {_HELD} AND hash = ?",
        (
            *(head.length, head.hash, batch.status, ended, batch.at, "" if ended else lease.worker),
            *(lease.run, lease.worker, lease.fence, batch.head.hash),
        ),
    )
    if updated.rowcount == 0:
        raise LeaseLostError("the run has another owner", run=lease.run, position=batch.head.length)
    _insert(connection, lease.run, records)
    connection.executemany(
        "UPDATE requests SET answer = ? WHERE number = ?", [(reply.answer, reply.request) for reply in batch.replies]
    )
    _stand(connection, lease, batch.claims, has=True)
    _leave(connection, lease.run, batch)


def _line_up(connection: sqlite3.Connection, lease: Lease, locks: tuple[str, ...]) -> Place | None:
    owned = connection.execute(f"SELECT 1 FROM runs {_HELD}", (lease.run, lease.worker, lease.fence))
    if owned.fetchone() is None:
        raise LeaseLostError("the run has another owner", run=lease.run)
    ahead = _ahead(connection, lease, locks)
    if ahead is not None:
        _stand(connection, lease, locks[: locks.index(ahead.lock) + 1], has=False)
    return ahead


def _ahead(connection: sqlite3.Connection, lease: Lease, locks: tuple[str, ...]) -> Place | None:
    """The first place in the first line in which another run stands before this one."""
    for lock in locks:
        place = _first(connection, lock)
        if place is not None and place.run != lease.run:
            return place
    return None


def _first(connection: sqlite3.Connection, lock: str) -> Place | None:
    row = connection.execute(f"{_PLACE} WHERE lock = ? ORDER BY place LIMIT 1", (lock,)).fetchone()
    return None if row is None else _place(row)


def _stand(connection: sqlite3.Connection, lease: Lease, locks: tuple[str, ...], *, has: bool) -> None:
    """Have a place in these lines, at their ends where there was none."""
    already = "UPDATE SET has = 1, fence = excluded.fence" if has else "NOTHING"
    connection.executemany(
        f"INSERT INTO lines (lock, run, has, fence) VALUES (?, ?, ?, ?) ON CONFLICT (lock, run) DO {already}",
        [(lock, lease.run, has, lease.fence) for lock in locks],
    )


def _leave(connection: sqlite3.Connection, run: str, batch: Batch) -> None:
    """Leave the lines that a batch drops; at the run's end all of them."""
    if batch.status in ENDED:
        connection.execute("DELETE FROM lines WHERE run = ?", (run,))
    elif batch.drops:
        connection.executemany("DELETE FROM lines WHERE run = ? AND lock = ?", [(run, lock) for lock in batch.drops])


def _insert(connection: sqlite3.Connection, run: str, records: tuple[StoredRecord, ...]) -> None:
    connection.executemany(
        "INSERT INTO records SELECT number, ?, ?, ?, ? FROM runs WHERE run = ?",
        [(record.sequence, record.fence, record.body, bytes.fromhex(record.hash), run) for record in records],
    )


def _ask(connection: sqlite3.Connection, values: tuple[object, ...]) -> Request:
    run, token, *_ = values
    if _find(connection, str(run)) is None:
        raise UnknownRunError("the journal has no such run", run=str(run))
    connection.execute(
        "INSERT INTO requests (run, token, kind, who, reason, at, answer) VALUES (?, ?, ?, ?, ?, ?, '')"
        " ON CONFLICT DO NOTHING",
        values,
    )
    return Request(*connection.execute(f"{_REQUEST} WHERE run = ? AND token = ?", (run, token)).fetchone())


def _find(connection: sqlite3.Connection, run: str) -> Entry | None:
    row = connection.execute(f"{_ENTRY} WHERE run = ?", (run,)).fetchone()
    return None if row is None else _entry(row)


def _entry(row: Any) -> Entry:
    run, saga, key, plan, digest, status, length, link, started_at, changed_at, worker, fence = row
    return Entry(run, saga, key, plan, digest, status, Head(length, link), started_at, changed_at, worker, fence)


def _place(row: Any) -> Place:
    lock, run, has, fence = row
    return Place(lock, run, bool(has), fence)


def _check_worker(connection: sqlite3.Connection, worker: str, run: str) -> None:
    if connection.execute("SELECT 1 FROM workers WHERE name = ?", (worker,)).fetchone() is None:
        raise LeaseLostError("this worker was dismissed", run=run)

"""What the SQLite journal promises beyond the common contract: syncing, group commit, sharing, surviving."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from sagac.runtime import plan as plans
from sagac.runtime import sqlite
from sagac.runtime.errors import JournalError, JournalFormatError, JournalPlaceError
from sagac.runtime.events import Answered, Started
from sagac.runtime.journal import Batch, Begun, Head, Lease, Opening, read
from sagac.runtime.plan import Call, Field, Plan, Schedule, Step
from sagac.runtime.sqlite import SqliteJournal

PLAN = Plan(
    saga="trip.Trip",
    version=1,
    key=("trip",),
    inputs=(Field("trip", "string"),),
    steps=(Step(name="flight", call=Call("air", "book"), schedule=Schedule(1000, 0, 0, 0)),),
)


def opening(key: str) -> Opening:
    return Opening(PLAN.saga, key, PLAN, Started(plans.digest(PLAN), {"trip": key}, at=1), "running")


def batch(head: Head) -> Batch:
    return Batch(head, (Answered("flight", "do", 1, "succeeded", at=2),), "running", 2)


async def begin(journal: SqliteJournal, key: str) -> tuple[Lease, Head]:
    begun: Begun = await journal.begin("ada", opening(key))
    assert begun.lease is not None
    return begun.lease, begun.entry.head


def test_commits_are_synced_and_the_log_is_written_ahead(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        (mode,) = (await journal._read("PRAGMA journal_mode"))[0]
        (synchronous,) = (await journal._read("PRAGMA synchronous"))[0]
        assert (mode, synchronous) == ("wal", 2)
        await journal.close()

    asyncio.run(story())


def test_appends_of_one_turn_share_one_commit(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        before = journal.commits
        runs = await asyncio.gather(*(begin(journal, str(number)) for number in range(50)))
        assert journal.commits == before + 1
        await asyncio.gather(*(journal.append(lease, batch(head)) for lease, head in runs))
        assert journal.commits == before + 2
        await journal.close()

    asyncio.run(story())


def test_the_loop_goes_on_while_a_commit_waits(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        other = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # as another process that is writing
        beginning = asyncio.ensure_future(begin(journal, "a"))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not beginning.done()
        other.execute("ROLLBACK")
        other.close()
        assert (await beginning)[0].fence == 1
        await journal.close()

    asyncio.run(story())


def test_a_worker_is_enlisted_also_where_no_lock_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)

    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        assert [worker.gone for worker in await journal.workers()] == [False]
        await journal.close()

    asyncio.run(story())
    assert not list(tmp_path.glob("*worker*"))


def test_a_failing_store_fails_every_waiting_caller_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        runs = [await begin(journal, str(number)) for number in range(10)]
        broken = sqlite3.connect(tmp_path / "journal.db")
        broken.execute("DROP TABLE records")
        broken.commit()
        broken.close()
        first = [asyncio.ensure_future(journal.append(lease, batch(head))) for lease, head in runs[:5]]
        await asyncio.sleep(0)
        later = [asyncio.ensure_future(journal.append(lease, batch(head))) for lease, head in runs[5:]]
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*first, *later, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [JournalFormatError] * 10
        assert {(await journal.entry(lease.run)).head for lease, _ in runs} == {head for _, head in runs}  # type: ignore[union-attr]  # all ten were begun above
        await journal.close()

    asyncio.run(story())


def test_a_cancelled_caller_does_not_disturb_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        gone = asyncio.ensure_future(begin(journal, "a"))
        stays = asyncio.ensure_future(begin(journal, "b"))
        await asyncio.sleep(0)
        gone.cancel()
        lease, _ = await stays
        assert gone.cancelled()
        assert lease.fence == 1
        await journal.close()

    asyncio.run(story())


def test_what_was_acknowledged_is_there_after_reopening(tmp_path: Path) -> None:
    async def write() -> Lease:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        lease, head = await begin(journal, "a")
        await journal.append(lease, batch(head))
        await journal.close()
        return lease

    async def reopen(lease: Lease) -> None:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        assert len(await read(journal, lease.run)) == 2
        await journal.close()

    asyncio.run(reopen(asyncio.run(write())))


def test_a_log_torn_at_any_byte_leaves_a_whole_prefix(tmp_path: Path) -> None:
    async def write(torn: Path) -> str:
        journal = SqliteJournal(tmp_path / "journal.db")
        await journal.open()
        await journal.enlist("ada", 1000)
        lease, head = await begin(journal, "a")
        for _ in range(4):
            head = await journal.append(lease, batch(head))
        shutil.copy(tmp_path / "journal.db", torn)
        shutil.copy(tmp_path / "journal.db-wal", f"{torn}-wal")
        await journal.close()
        return lease.run

    async def length(path: Path, run: str) -> int:
        journal = SqliteJournal(path)
        await journal.open()
        records, entry = await read(journal, run), await journal.entry(run)
        assert (entry.head.length if entry else 0) == len(records)
        await journal.close()
        return len(records)

    whole = tmp_path / "whole.db"
    run = asyncio.run(write(whole))
    log = Path(f"{whole}-wal").read_bytes()
    lengths = []
    for cut in range(0, len(log), 4096 // 3):
        torn = tmp_path / f"torn-{cut}.db"
        shutil.copy(whole, torn)
        Path(f"{torn}-wal").write_bytes(log[: len(log) - cut])
        lengths.append(asyncio.run(length(torn, run)))
    assert lengths == sorted(lengths, reverse=True)
    assert set(lengths) == {0, 1, 2, 3, 4, 5}


def test_another_process_shares_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_begin_runs, args=(path, name, 20)) for name in ("a", "b", "c")]
    for child in children:
        child.start()
    for child in children:
        child.join(20)
    assert [child.exitcode for child in children] == [0, 0, 0]

    async def count() -> tuple[int, int]:
        journal = SqliteJournal(path)
        await journal.open()
        entries = await journal.entries()
        lengths = [len(await read(journal, entry.run)) for entry in entries]
        await journal.close()
        return len(entries), sum(lengths)

    assert asyncio.run(count()) == (60, 120)


def _begin_runs(path: Path, worker: str, count: int) -> None:
    async def story() -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal.enlist(worker, 1000)
        for number in range(count):
            begun = await journal.begin(worker, opening(f"{worker}{number}"))
            assert begun.lease is not None
            await journal.append(begun.lease, batch(begun.entry.head))
        await journal.close()

    asyncio.run(story())


def test_a_worker_whose_process_died_is_known_to_be_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    child = multiprocessing.get_context("spawn").Process(target=_enlist_and_hang, args=(path,))
    child.start()

    async def gone() -> bool:
        journal = SqliteJournal(path)
        await journal.open()
        workers = await journal.workers()
        await journal.close()
        return bool(workers) and workers[0].gone

    limit = time.monotonic() + 20
    while not (tmp_path / "enlisted").exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert not asyncio.run(gone())
    child.kill()
    child.join()
    assert asyncio.run(gone())


def _enlist_and_hang(path: Path) -> None:
    async def story() -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal.enlist("ada", 60_000)
        (path.parent / "enlisted").touch()
        await asyncio.sleep(60)

    asyncio.run(story())


def test_a_retry_is_advised_only_where_it_can_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)

    async def told(path: Path) -> JournalError:
        with pytest.raises(JournalError) as failed:
            await SqliteJournal(path).open()
        return failed.value

    (tmp_path / "folder").mkdir()
    places = [tmp_path / "folder", tmp_path / "missing" / "journal.db", tmp_path / "folder" / ("n" * 300)]
    errors = [asyncio.run(told(place)) for place in places]
    assert [type(error) for error in errors] == [JournalPlaceError] * 3
    assert [error.retry_helps for error in errors] == [False] * 3
    assert "it is a folder" in str(errors[0]) and "there is no folder" in str(errors[1])
    busy = sqlite3.connect(tmp_path / "busy.db")
    busy.execute("BEGIN EXCLUSIVE")
    error = asyncio.run(told(tmp_path / "busy.db"))
    busy.close()
    assert (type(error), error.retry_helps) == (JournalError, True)


def test_a_file_of_another_kind_or_a_later_schema_is_refused(tmp_path: Path) -> None:
    async def opened(path: Path) -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal.close()

    text, database, later = tmp_path / "text", tmp_path / "other.db", tmp_path / "later.db"
    text.write_text("not a database, and longer than a header of one would have to be to be taken for one" * 4)
    with pytest.raises(JournalFormatError, match=r"not a database .*a retry cannot help"):
        asyncio.run(opened(text))
    for path, statement in ((database, "CREATE TABLE other (x)"), (later, "UPDATE schema SET version = 3")):
        if path is later:
            asyncio.run(opened(path))
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(JournalFormatError, match=r"no journal|schema 3"):
            asyncio.run(opened(path))


def test_a_file_of_the_first_schema_gets_what_it_lacks_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def first() -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal.enlist("ada", 1000)
        await begin(journal, "a")
        await journal.close()

    async def then() -> None:
        journal = SqliteJournal(path)
        await journal.open()
        assert await journal.lines() == ()
        assert [entry.key for entry in await journal.entries()] == ["a"]
        await journal.close()

    asyncio.run(first())
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE lines; UPDATE schema SET version = 1")
    connection.close()
    asyncio.run(then())
    asyncio.run(then())

"""Kills processes that run sagas at every point where it could matter, and tells what became of the world.

A script, not a test module: it forks while no thread is running, and prints one line of JSON for each story. A story
is a row of crash points: the first process begins the run and is killed (`kill -9`) at the first point, the next one
recovers and is killed at the second, and so on; a last one recovers undisturbed. Points are counted: before and after
each append, before each call reaches the participant, and after it has taken effect but before its answer is back.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from tests.runtime.world import Receipt, Rejected, Trip, TripInput, call, plan, step

from sagac.runtime import Call, Runtime
from sagac.runtime.journal import Batch, Begun, Head, Lease, Opening, read
from sagac.runtime.plan import Lock, Plan, Schedule, Undo
from sagac.runtime.sqlite import SqliteJournal

NOW = Schedule(timeout_ms=10_000, retries=5, backoff_first_ms=1, backoff_max_ms=1)
PROBED: dict[str, Any] = {"idempotent": False, "doubt": "probe", "lands_within_ms": 5, "schedule": NOW, "fails": ()}
ONCE: dict[str, Any] = {"idempotent": False, "intent": True, "doubt": "hold", "schedule": NOW, "fails": ()}
PLAIN: dict[str, Any] = {"schedule": NOW}


def back(name: str) -> Undo:
    return Undo(call("back", name), NOW, idempotent=True)


SAGAS: dict[str, Plan] = {
    "forward": plan(step("a", **PLAIN), step("b", "a", **PLAIN), step("c", "a", **PLAIN), step("d", "b", "c", **PLAIN)),
    "unwinding": plan(
        *(step("a", **PLAIN), step("b", "a", **PLAIN), step("c", "a", **PLAIN), step("no", "b", "c", **PLAIN))
    ),
    "short": plan(step("a", **PLAIN), step("b", "a", **PLAIN), step("no", "b", **PLAIN)),
    "probing": plan(step("a", undo=back("a"), probe=call("look", "a"), **PROBED), step("no", "a", **PLAIN)),
    "locked": plan(step("a", locks=(Lock("world.Record", (), 600_000),), **PLAIN), step("no", "a", **PLAIN), format=2),
    "once": plan(step("a", **PLAIN), step("b", "a", undo=back("b"), **ONCE), step("no", "b", **PLAIN)),
}
"""A step that is called `no` is refused."""

TRIPS: dict[str, tuple[str, ...]] = {"locked": ("t", "u")}
"""The runs that the first process begins, where there is more than one."""


class Crash:
    """Counts the points that this process passes, and kills it at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.passed = at, 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class CrashingJournal(SqliteJournal):
    """The SQLite journal, with a point before and after each append."""

    def __init__(self, path: Path, crash: Crash) -> None:
        super().__init__(path)
        self._crash = crash

    async def begin(self, worker: str, opening: Opening) -> Begun:
        self._crash.point()
        begun = await super().begin(worker, opening)
        self._crash.point()
        return begun

    async def append(self, lease: Lease, batch: Batch) -> Head:
        self._crash.point()
        head = await super().append(lease, batch)
        self._crash.point()
        return head


class Participant:
    """A service with a store of its own: knows keys, refuses `no`, and notes whatever happens out of order."""

    def __init__(self, path: Path, shape: Plan, crash: Crash) -> None:
        self._path, self._crash = path, crash
        self._later = {each.name: each.undo_after for each in shape.steps}

    async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
        self._crash.point()
        if step == "no":
            raise Rejected
        with self._store() as store:
            if not store.execute("SELECT 1 FROM revoked WHERE key = ?", (call.key,)).fetchone():
                store.execute("INSERT OR IGNORE INTO effects VALUES (?, ?, ?)", (call.key, step, trip))
            store.execute("INSERT INTO log VALUES (?, ?, ?)", (step, trip, self._trouble(store, step, trip)))
        self._crash.point()
        return Receipt(number=len(step))

    async def back(self, call: Call, *, step: str, trip: str) -> None:
        self._crash.point()
        with self._store() as store:
            standing = {name for (name,) in store.execute("SELECT step FROM effects WHERE trip = ?", (trip,))}
            trouble = "; ".join(f"{step} undone before {name}" for name in self._later[step] if name in standing)
            store.execute("DELETE FROM effects WHERE key = ?", (call.undoes,))
            store.execute("INSERT OR IGNORE INTO revoked VALUES (?)", (call.undoes,))
            store.execute("INSERT INTO log VALUES (?, ?, ?)", (f"undo {step}", trip, trouble))
        self._crash.point()

    async def look(self, call: Call, *, step: str, trip: str) -> Receipt | None:
        self._crash.point()
        with self._store() as store:
            found = store.execute("SELECT 1 FROM effects WHERE key = ?", (call.key,)).fetchone()
        return Receipt(number=len(step)) if found else None

    def _trouble(self, store: sqlite3.Connection, step: str, trip: str) -> str:
        undone = store.execute("SELECT 1 FROM log WHERE what LIKE 'undo %' AND trip = ?", (trip,)).fetchone()
        beside = store.execute("SELECT 1 FROM effects WHERE trip != ?", (trip,)).fetchone()
        return f"{step} after an undo" if undone else f"{step} beside another run" if beside else ""

    def _store(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, factory=_Closing)


class _Closing(sqlite3.Connection):
    """Commits and closes at the end of its `with`."""

    def __exit__(self, *exception: object) -> Literal[False]:
        super().__exit__(*exception)  # type: ignore[arg-type]  # passed on as they came
        self.close()
        return False


def tell(folder: Path, name: str, points: tuple[int, ...], *, torn: bool = False) -> dict[str, object]:
    """One story, in a folder of its own: what the last process left, and how many points it would have passed."""
    prepare(folder)
    killed = []
    for number, point in enumerate(points):
        killed.append(died(in_child(folder, name, point, () if number else trips(name))))
        if torn:
            tear(folder)
    asyncio.run(work(folder, name, crash := Crash(0), () if points else trips(name)))
    left = asyncio.run(remains(folder))
    shutil.rmtree(folder)
    return {"saga": name, "points": points, "killed": killed, "passed": crash.passed, **left}


def contend(folder: Path, point: int) -> dict[str, object]:
    """Two processes with two runs each, all over one record; the first is killed at a point, the second goes on."""
    prepare(folder)
    asyncio.run(work(folder, "locked", Crash(0), ()))  # the journal is there before anybody needs it
    children = [in_child(folder, "locked", point, ("t", "u")), in_child(folder, "locked", 0, ("v", "w"))]
    killed = [died(child) for child in children]
    asyncio.run(work(folder, "locked", crash := Crash(0), ()))
    left = asyncio.run(remains(folder))
    shutil.rmtree(folder)
    return {"saga": "locked", "points": [point], "killed": killed, "passed": crash.passed, **left}


def prepare(folder: Path) -> None:
    """An empty world."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / "world.db")) as store:
        store.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE effects (key TEXT PRIMARY KEY, step TEXT, trip TEXT);"
            "CREATE TABLE revoked (key TEXT PRIMARY KEY); CREATE TABLE log (what TEXT, trip TEXT, trouble TEXT);"
        )


def trips(name: str) -> tuple[str, ...]:
    """The runs that the first process begins."""
    return TRIPS.get(name, ("t",))


def in_child(folder: Path, name: str, point: int, trips: tuple[str, ...]) -> int:
    """Let a forked process work until it is killed at a point, or is done."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(work(folder, name, Crash(point), trips))
        finally:
            os._exit(0)
    return child


def died(child: int) -> bool:
    """Whether the process was killed; false if it came through alive."""
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


async def work(folder: Path, name: str, crash: Crash, trips: tuple[str, ...]) -> None:
    """What one process does: begin runs if it is the first, and finish what it finds."""
    shape = SAGAS[name]
    saga = Trip(plan=shape, world=Participant(folder / "world.db", shape, crash))
    async with Runtime(journal=CrashingJournal(folder / "journal.db", crash), sagas=[saga]) as runtime:
        for trip in trips:
            await runtime.start(Trip, TripInput(trip=trip))
        await runtime.idle()


def tear(folder: Path) -> None:
    """Lose the end of the journal's log, as a power cut does to what was not synced."""
    log = folder / "journal.db-wal"
    if log.exists():
        log.write_bytes(log.read_bytes()[:-100])


async def remains(folder: Path) -> dict[str, object]:
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()
    entries = await journal.entries()
    events = [type(each.event).__name__ for entry in entries for each in await read(journal, entry.run)]
    lines = [place.lock for place in await journal.lines()]
    await journal.close()
    with closing(sqlite3.connect(folder / "world.db")) as store:
        effects = sorted(step for (step,) in store.execute("SELECT step FROM effects"))
        log = store.execute("SELECT what, trouble FROM log").fetchall()
    return {
        "status": [entry.status for entry in entries],
        "events": events,
        "effects": effects,
        "lines": lines,
        "log": [what for what, _ in log],
        "trouble": [trouble for _, trouble in log if trouble],
    }


def stories(folder: Path, name: str, depth: int, *, torn: bool) -> Iterator[dict[str, object]]:
    """The undisturbed story, and every story with up to `depth` crashes."""
    waiting: list[tuple[int, ...]] = [()]
    number = 0
    while waiting:
        points = waiting.pop()
        story = tell(folder / str(number := number + 1), name, points, torn=torn)
        yield story
        passed = story["passed"]
        assert isinstance(passed, int)
        if len(points) < depth:
            waiting.extend((*points, point) for point in range(1, passed + 1))


def contests(folder: Path, depth: int) -> Iterator[dict[str, object]]:
    """A story for each of so many points."""
    for point in range(1, depth + 1):
        yield contend(folder / str(point), point)


if __name__ == "__main__" and sys.argv[2] == "contended":
    for told in contests(Path(sys.argv[1]), int(sys.argv[3])):
        print(json.dumps(told))
elif __name__ == "__main__":
    for told in stories(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), torn=sys.argv[4:] == ["torn"]):
        print(json.dumps(told))

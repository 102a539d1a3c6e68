"""What every participant has: a store, a memory for idempotency keys, tombstones, and faults on demand."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from demo.participants.faults import Faults

Body: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[int, Body]
"""An HTTP status and what goes with it."""

OK, GONE, REFUSED, MISUSED, FAILED = 200, 410, 409, 422, 500

_MEMORY = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, payload TEXT, status INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS tombstones (key TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS history (subject TEXT, operation TEXT, outcome TEXT, at REAL);
"""


class Refused(Exception):  # noqa: N818 - a refusal is an answer of the service, not an error of it
    """A definite no, by the name under which the service's contract declares it: nothing has happened."""

    def __init__(self, failure: str) -> None:
        self.failure = failure
        super().__init__(failure)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the service does, in one transaction of its store."""

    apply: Callable[[sqlite3.Connection, Body], Body]
    revokes: bool = False
    """Undoes a call if it has happened, and otherwise keeps it from ever happening."""
    look: Callable[[sqlite3.Connection, Mapping[str, str], Body], Awaitable[Body]] | None = None
    """What another participant must say first (their addresses by name); the answer joins the body."""


@dataclass(frozen=True, slots=True)
class Service:
    """A participant's contract: its tables, its operations, and what a visitor may see of it."""

    subject: str
    """The field of every body that says which business case a call is about."""
    schema: str
    operations: Mapping[str, Operation]
    state: Callable[[sqlite3.Connection, Mapping[str, str]], Body]


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it came over the wire."""

    operation: str
    body: Body
    key: str = ""
    undoes: str = ""

    @property
    def payload(self) -> str:
        """What tells two payloads under one key apart."""
        text = json.dumps([self.operation, self.body], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Participant:
    """A running service: its contract, its store, and the faults that it was told to have."""

    service: Service
    store: Path
    peers: Mapping[str, str]
    connection: sqlite3.Connection = field(init=False)
    faults: Faults = field(default_factory=Faults)
    on_the_way: list[Request] = field(default_factory=list)
    """Calls that the network holds back until somebody delivers them."""
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def __post_init__(self) -> None:
        self.connection = sqlite3.connect(self.store)
        self.connection.executescript(_MEMORY + self.service.schema)

    async def receive(self, request: Request) -> Answer:
        """What the caller sees: the answer, or whatever fault stands in its way."""
        fault = self.faults.take(request.operation, self._subject(request))
        if fault is None:
            return await self.perform(request)
        match fault.kind:
            case "down":
                return FAILED, {"error": "out of order"}
            case "hang":
                return await _never()
            case "late":
                self.on_the_way.append(request)
                return await _never()
            case "lose":
                await self.perform(request)
                return await _never()
            case "refuse":
                return await self.perform(request, refuse=fault.failure)
            case "slow":
                return await self.perform(request, seconds=fault.seconds)

    async def deliver(self, subject: str) -> list[Answer]:
        """Let the calls about this subject arrive that the network has held back."""
        arriving = [request for request in self.on_the_way if self._subject(request) == subject]
        self.on_the_way = [request for request in self.on_the_way if request not in arriving]
        return [await self.perform(request) for request in arriving]

    async def perform(self, request: Request, *, seconds: float = 0, refuse: str = "") -> Answer:
        """Do what the request asks, once for each key; a second call with the key gets the first one's answer."""
        async with self._turn(request.key):
            await asyncio.sleep(seconds)
            operation = self.service.operations[request.operation]
            body = request.body
            if operation.look is not None:
                body = await operation.look(self.connection, self.peers, body)
            # From here on nothing waits: a tombstone set meanwhile is seen, and none can come in between.
            remembered = self._remembered(request)
            if remembered is not None:
                return remembered
            try:
                with self.connection:
                    if refuse:
                        raise Refused(refuse)
                    answer = OK, self._apply(operation, request, body)
                    self._remember(request, answer, "done")
            except Refused as refusal:
                answer = REFUSED, {"refused": refusal.failure}
                with self.connection:
                    self._remember(request, answer, refusal.failure)
            return answer

    def state(self, query: Mapping[str, str]) -> Body:
        """What a visitor may see of one business case."""
        return self.service.state(self.connection, query)

    def history(self, subject: str) -> list[Body]:
        """What was done about a subject, in order."""
        rows = self.connection.execute(
            "SELECT operation, outcome, at FROM history WHERE subject = ? ORDER BY at", (subject,)
        )
        return [{"operation": operation, "outcome": outcome, "at": at} for operation, outcome, at in rows]

    def _turn(self, key: str) -> asyncio.Lock:
        # Two copies of one call take turns, so that the second finds the first one's answer.
        return self.locks[key] if key else asyncio.Lock()

    def _apply(self, operation: Operation, request: Request, body: Body) -> Body:
        if operation.revokes and request.undoes:
            happened = self._happened(request.undoes)
            self.connection.execute("INSERT OR IGNORE INTO tombstones VALUES (?)", (request.undoes,))
            if not happened:
                return {"happened": False}
        return operation.apply(self.connection, body)

    def _happened(self, key: str) -> bool:
        row = self.connection.execute("SELECT 1 FROM answers WHERE key = ? AND status = ?", (key, OK)).fetchone()
        return row is not None

    def _remembered(self, request: Request) -> Answer | None:
        if not request.key:
            return None
        if self.connection.execute("SELECT 1 FROM tombstones WHERE key = ?", (request.key,)).fetchone():
            return GONE, {"error": "revoked before it arrived, or after"}
        row = self.connection.execute(
            "SELECT payload, status, body FROM answers WHERE key = ?", (request.key,)
        ).fetchone()
        if row is None:
            return None
        if row[0] != request.payload:
            return MISUSED, {"error": "this key came with another payload before"}
        return row[1], json.loads(row[2])

    def _remember(self, request: Request, answer: Answer, outcome: str) -> None:
        if request.key:
            self.connection.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?)",
                (request.key, request.payload, answer[0], json.dumps(answer[1])),
            )
        if outcome == "done" and answer[1].get("happened") is False:
            outcome = "nothing to undo"
        self.connection.execute(
            "INSERT INTO history VALUES (?, ?, ?, ?)", (self._subject(request), request.operation, outcome, time.time())
        )

    def _subject(self, request: Request) -> str:
        return str(request.body[self.service.subject])


async def _never() -> Answer:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")

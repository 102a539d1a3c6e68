"""The trading platform: an account refers to a client's record, and the platform insists that the record is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import httpx

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, client TEXT, allocation TEXT);
"""


async def _with_client(store: sqlite3.Connection, peers: Mapping[str, str], body: Body) -> Body:
    """The foreign key crosses systems: the client's record is looked up where it lives."""
    client = body.get("owner_client") or _client_of(store, body["account"])
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{peers['crm']}/admin/state", params={"client": client})
    return {**body, "client_is_present": answer.json()["client"] == "active"}


def _client_of(store: sqlite3.Connection, account: str) -> str:
    row = store.execute("SELECT client FROM accounts WHERE account = ?", (account,)).fetchone()
    return "" if row is None else str(row[0])


def _open_account(store: sqlite3.Connection, body: Body) -> Body:
    _require_client(body)
    store.execute("INSERT INTO accounts VALUES (?, ?, ?)", (body["account"], body["owner_client"], body["amount"]))
    return {"number": f"A-{body['account'][:8]}"}


def _close_account(store: sqlite3.Connection, body: Body) -> Body:
    _require_client(body)
    if store.execute("DELETE FROM accounts WHERE account = ?", (body["account"],)).rowcount != 1:
        raise Refused("NoSuchAccount")
    return {}


def _require_client(body: Body) -> None:
    if not body["client_is_present"]:
        raise Refused("ReferentialIntegrityViolation")


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT allocation FROM accounts WHERE account = ?", (query["account"],)).fetchone()
    violations = store.execute(
        "SELECT count(*) FROM history WHERE subject = ? AND outcome = 'ReferentialIntegrityViolation'",
        (query["account"],),
    ).fetchone()
    return {"account": "none" if row is None else "open", "allocation": row and row[0], "violations": violations[0]}


SERVICE = Service(
    subject="account",
    schema=_SCHEMA,
    operations={
        "open_account": Operation(_open_account, look=_with_client),
        "close_account": Operation(_close_account, revokes=True, look=_with_client),
    },
    state=_state,
)
"""What the participant offers."""

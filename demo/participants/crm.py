"""The customer relationship system: who answers for what."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS clients (client TEXT PRIMARY KEY, name TEXT);
"""


def _create_client(store: sqlite3.Connection, body: Body) -> Body:
    if _present(store, body["client"]):
        raise Refused("DuplicateClient")
    store.execute("INSERT INTO clients VALUES (?, ?)", (body["client"], body["name"]))
    return {"record": f"C-{body['client'][:8]}"}


def _delete_client(store: sqlite3.Connection, body: Body) -> Body:
    # The record system cannot see the accounts of another system: it deletes what it is told to delete.
    if store.execute("DELETE FROM clients WHERE client = ?", (body["client"],)).rowcount != 1:
        raise Refused("NoSuchClient")
    return {}


def _present(store: sqlite3.Connection, client: str) -> bool:
    return store.execute("SELECT 1 FROM clients WHERE client = ?", (client,)).fetchone() is not None


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    return {"client": "active" if _present(store, query["client"]) else "none"}


SERVICE = Service(
    subject="client",
    schema=_SCHEMA,
    operations={"create_client": Operation(_create_client), "delete_client": Operation(_delete_client, revokes=True)},
    state=_state,
)
"""What the participant offers."""

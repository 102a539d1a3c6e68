"""The carrier: capacity is planned when a shipment is announced, and used when it is confirmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS slots (purchase TEXT PRIMARY KEY, quantity INTEGER, state TEXT);
"""


def _announce(store: sqlite3.Connection, body: Body) -> Body:
    store.execute("INSERT INTO slots VALUES (?, ?, 'planned')", (body["purchase"], body["quantity"]))
    return {}


def _withdraw(store: sqlite3.Connection, body: Body) -> Body:
    if store.execute("DELETE FROM slots WHERE purchase = ?", (body["purchase"],)).rowcount != 1:
        raise Refused("NoSuchSlot")
    return {}


def _confirm(store: sqlite3.Connection, body: Body) -> Body:
    changed = store.execute(
        "UPDATE slots SET state = 'confirmed' WHERE purchase = ? AND state = 'planned'", (body["purchase"],)
    )
    if changed.rowcount != 1:
        raise Refused("NoCapacity")
    return {"tracking": f"T-{body['purchase'][:8]}"}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT state FROM slots WHERE purchase = ?", (query["purchase"],)).fetchone()
    return {"slot": "none" if row is None else row[0]}


SERVICE = Service(
    subject="purchase",
    schema=_SCHEMA,
    operations={
        "announce": Operation(_announce),
        "withdraw": Operation(_withdraw, revokes=True),
        "confirm": Operation(_confirm),
    },
    state=_state,
)
"""What the participant offers."""

"""The enterprise resource planning system: purchase orders."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (purchase TEXT PRIMARY KEY, number TEXT, supplier TEXT, total TEXT, state TEXT);
"""


def _create_order(store: sqlite3.Connection, body: Body) -> Body:
    number = f"PO-{body['purchase'][:8]}"
    store.execute(
        "INSERT INTO orders VALUES (?, ?, ?, ?, 'open')", (body["purchase"], number, body["supplier"], body["total"])
    )
    return {"number": number}


def _cancel_order(store: sqlite3.Connection, body: Body) -> Body:
    changed = store.execute(
        "UPDATE orders SET state = 'cancelled' WHERE purchase = ? AND state = 'open'", (body["purchase"],)
    )
    if changed.rowcount != 1:
        raise Refused("NoSuchOrder")
    return {}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT state FROM orders WHERE purchase = ?", (query["purchase"],)).fetchone()
    return {"order": "none" if row is None else row[0]}


SERVICE = Service(
    subject="purchase",
    schema=_SCHEMA,
    operations={"create_order": Operation(_create_order), "cancel_order": Operation(_cancel_order, revokes=True)},
    state=_state,
)
"""What the participant offers."""

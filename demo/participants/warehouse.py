"""The warehouse management system: every stock keeping unit starts with 500 units."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stock (
    sku TEXT PRIMARY KEY, available INTEGER CHECK (available >= 0), reserved INTEGER CHECK (reserved >= 0)
);
CREATE TABLE IF NOT EXISTS reservations (purchase TEXT, sku TEXT, quantity INTEGER);
"""


def _reserve(store: sqlite3.Connection, body: Body) -> Body:
    available, _ = _stock(store, body["sku"])
    if available < body["quantity"]:
        raise Refused("OutOfStock")
    _move(store, body["sku"], -body["quantity"], body["quantity"])
    store.execute("INSERT INTO reservations VALUES (?, ?, ?)", (body["purchase"], body["sku"], body["quantity"]))
    return {"reservation": f"R-{body['purchase'][:8]}"}


def _release(store: sqlite3.Connection, body: Body) -> Body:
    _move(store, body["sku"], body["quantity"], -body["quantity"])
    return {}


def _dispatch(store: sqlite3.Connection, body: Body) -> Body:
    _move(store, body["sku"], 0, -body["quantity"])
    return {}


def _stock(store: sqlite3.Connection, sku: str) -> tuple[int, int]:
    store.execute("INSERT OR IGNORE INTO stock VALUES (?, 500, 0)", (sku,))
    available, reserved = store.execute("SELECT available, reserved FROM stock WHERE sku = ?", (sku,)).fetchone()
    return available, reserved


def _move(store: sqlite3.Connection, sku: str, available: int, reserved: int) -> None:
    store.execute(
        "UPDATE stock SET available = available + ?, reserved = reserved + ? WHERE sku = ?", (available, reserved, sku)
    )


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    available, reserved = _stock(store, query["sku"])
    return {"available": available, "reserved": reserved}


SERVICE = Service(
    subject="purchase",
    schema=_SCHEMA,
    operations={
        "reserve": Operation(_reserve),
        "release": Operation(_release, revokes=True),
        "dispatch": Operation(_dispatch),
    },
    state=_state,
)
"""What the participant offers."""

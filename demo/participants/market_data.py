"""The market data vendor: subscriptions of an account."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (account TEXT PRIMARY KEY, profile TEXT);
"""


def _activate(store: sqlite3.Connection, body: Body) -> Body:
    store.execute("INSERT INTO subscriptions VALUES (?, ?)", (body["account"], body["profile"]))
    return {"feed": f"F-{body['account'][:8]}"}


def _deactivate(store: sqlite3.Connection, body: Body) -> Body:
    if store.execute("DELETE FROM subscriptions WHERE account = ?", (body["account"],)).rowcount != 1:
        raise Refused("NoSuchSubscription")
    return {}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT 1 FROM subscriptions WHERE account = ?", (query["account"],)).fetchone()
    return {"subscription": "none" if row is None else "active"}


SERVICE = Service(
    subject="account",
    schema=_SCHEMA,
    operations={"activate": Operation(_activate), "deactivate": Operation(_deactivate, revokes=True)},
    state=_state,
)
"""What the participant offers."""

"""Compliance screening: the rules under which an account may trade."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rules (account TEXT PRIMARY KEY, number TEXT);
"""


def _configure(store: sqlite3.Connection, body: Body) -> Body:
    store.execute("INSERT INTO rules VALUES (?, ?)", (body["account"], body["number"]))
    return {"profile": f"S-{body['account'][:8]}"}


def _remove(store: sqlite3.Connection, body: Body) -> Body:
    if store.execute("DELETE FROM rules WHERE account = ?", (body["account"],)).rowcount != 1:
        raise Refused("NoSuchRules")
    return {}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT 1 FROM rules WHERE account = ?", (query["account"],)).fetchone()
    return {"rules": "none" if row is None else "configured"}


SERVICE = Service(
    subject="account",
    schema=_SCHEMA,
    operations={"configure": Operation(_configure), "remove": Operation(_remove, revokes=True)},
    state=_state,
)
"""What the participant offers."""

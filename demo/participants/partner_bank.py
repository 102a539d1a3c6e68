"""The recipient's bank: its compliance screens every recipient."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from demo.participants.participant import Body, Operation, Refused, Service

SANCTIONED = frozenset({"Meridian Shell Ltd"})

_SCHEMA = """
CREATE TABLE IF NOT EXISTS credits (transfer TEXT PRIMARY KEY, recipient TEXT, euros TEXT);
"""


def _credit(store: sqlite3.Connection, body: Body) -> Body:
    if body["recipient"] in SANCTIONED:
        raise Refused("SanctionsHit")
    store.execute("INSERT INTO credits VALUES (?, ?, ?)", (body["transfer"], body["recipient"], body["euros"]))
    return {"reference": f"X-{body['transfer'][:8]}"}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    row = store.execute("SELECT euros FROM credits WHERE transfer = ?", (query["transfer"],)).fetchone()
    return {"credited": "0" if row is None else row[0]}


SERVICE = Service(subject="transfer", schema=_SCHEMA, operations={"credit": Operation(_credit)}, state=_state)
"""What the participant offers."""

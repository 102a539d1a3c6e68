"""The foreign exchange desk: converts at 1.164, and by the time anybody wants out the rate is 1.170."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal

from demo.participants.participant import Body, Operation, Refused, Service

RATE, REVERSE_RATE = Decimal("1.164"), Decimal("1.170")
_PENNY = Decimal("0.01")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deals (transfer TEXT PRIMARY KEY, pounds TEXT, euros TEXT, rate TEXT, state TEXT);
CREATE TABLE IF NOT EXISTS bookings (transfer TEXT, account TEXT, amount TEXT);
"""


def _convert(store: sqlite3.Connection, body: Body) -> Body:
    euros = (Decimal(body["pounds"]) * RATE).quantize(_PENNY)
    store.execute(
        "INSERT INTO deals VALUES (?, ?, ?, ?, 'converted')", (body["transfer"], body["pounds"], str(euros), str(RATE))
    )
    return {"rate": str(RATE), "euros": str(euros)}


def _unwind(store: sqlite3.Connection, body: Body) -> Body:
    """Sell the recorded euros for the recorded pounds; what they no longer fetch is booked to the account named."""
    changed = store.execute(
        "UPDATE deals SET state = 'unwound' WHERE transfer = ? AND state = 'converted'", (body["transfer"],)
    )
    if changed.rowcount != 1:
        raise Refused("NoSuchDeal")
    fetched = (Decimal(body["euros"]) / REVERSE_RATE).quantize(_PENNY)
    shortfall = Decimal(body["pounds"]) - fetched
    store.execute("INSERT INTO bookings VALUES (?, ?, ?)", (body["transfer"], body["losses"], str(shortfall)))
    return {"rate": str(REVERSE_RATE), "shortfall": str(shortfall)}


def _find(store: sqlite3.Connection, body: Body) -> Body:
    row = store.execute("SELECT rate, euros FROM deals WHERE transfer = ?", (body["transfer"],)).fetchone()
    return {"deal": None if row is None else {"rate": row[0], "euros": row[1]}}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    transfer = (query["transfer"],)
    deal = store.execute("SELECT euros FROM deals WHERE transfer = ? AND state = 'converted'", transfer).fetchone()
    reversals = store.execute(
        "SELECT count(*) FROM history WHERE subject = ? AND operation = 'unwind' AND outcome = 'done'", transfer
    ).fetchone()
    booked = store.execute("SELECT amount FROM bookings WHERE transfer = ?", transfer).fetchall()
    return {
        "holding": "0" if deal is None else deal[0],
        "reversals": reversals[0],
        "booked": str(sum((Decimal(amount) for (amount,) in booked), Decimal(0))),
    }


SERVICE = Service(
    subject="transfer",
    schema=_SCHEMA,
    operations={"convert": Operation(_convert), "unwind": Operation(_unwind), "find": Operation(_find)},
    state=_state,
)
"""What the participant offers."""

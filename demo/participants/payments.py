"""The payment gateway: money goes out with `pay` and comes back with `refund`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (purchase TEXT, amount TEXT, refunded INTEGER);
"""


def _pay(store: sqlite3.Connection, body: Body) -> Body:
    # One row a payment: a caller without idempotency keys can pay as often as it asks.
    store.execute("INSERT INTO payments VALUES (?, ?, 0)", (body["purchase"], body["amount"]))
    return {"receipt": f"PAY-{body['purchase'][:8]}"}


def _refund(store: sqlite3.Connection, body: Body) -> Body:
    row = store.execute(
        "SELECT rowid FROM payments WHERE purchase = ? AND NOT refunded", (body["purchase"],)
    ).fetchone()
    if row is None:
        raise Refused("NothingToRefund")
    store.execute("UPDATE payments SET refunded = 1 WHERE rowid = ?", row)
    return {}


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    rows = store.execute("SELECT amount, refunded FROM payments WHERE purchase = ?", (query["purchase"],)).fetchall()
    charged = sum((Decimal(amount) for amount, refunded in rows if not refunded), Decimal(0))
    return {"charged": str(charged), "payments": len(rows), "refunds": sum(refunded for _, refunded in rows)}


SERVICE = Service(
    subject="purchase",
    schema=_SCHEMA,
    operations={"pay": Operation(_pay), "refund": Operation(_refund, revokes=True)},
    state=_state,
)
"""What the participant offers."""

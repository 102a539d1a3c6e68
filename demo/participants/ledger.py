"""The sender's bank: every account starts with GBP 250,000."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal

from demo.participants.participant import Body, Operation, Refused, Service

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, balance TEXT);
"""


def _debit(store: sqlite3.Connection, body: Body) -> Body:
    balance = _balance(store, body["account"])
    if balance < Decimal(body["amount"]):
        raise Refused("InsufficientFunds")
    _set_balance(store, body["account"], balance - Decimal(body["amount"]))
    return {"entry": f"E-{body['transfer'][:8]}"}


def _recredit(store: sqlite3.Connection, body: Body) -> Body:
    _set_balance(store, body["account"], _balance(store, body["account"]) + Decimal(body["amount"]))
    return {}


def _balance(store: sqlite3.Connection, account: str) -> Decimal:
    store.execute("INSERT OR IGNORE INTO accounts VALUES (?, '250000.00')", (account,))
    return Decimal(store.execute("SELECT balance FROM accounts WHERE account = ?", (account,)).fetchone()[0])


def _set_balance(store: sqlite3.Connection, account: str, balance: Decimal) -> None:
    store.execute("UPDATE accounts SET balance = ? WHERE account = ?", (str(balance), account))


def _state(store: sqlite3.Connection, query: Mapping[str, str]) -> Body:
    return {"balance": str(_balance(store, query["account"]))}


SERVICE = Service(
    subject="transfer",
    schema=_SCHEMA,
    operations={"debit": Operation(_debit), "recredit": Operation(_recredit, revokes=True)},
    state=_state,
)
"""What the participant offers."""

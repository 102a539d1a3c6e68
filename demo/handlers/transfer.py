"""The services of the transfer saga."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from demo.handlers.http import Participant
from demo.sagas.transfer import (
    AccountClosed,
    ConvertResult,
    CreditResult,
    DebitResult,
    FindResult,
    InsufficientFunds,
    MarketClosed,
    SanctionsHit,
    UnwindResult,
)
from sagac.runtime import Call


class HttpLedger:
    """The sender's bank."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def debit(self, call: Call, *, transfer: UUID, account: str, amount: Decimal) -> DebitResult:
        """Take the amount from the sender."""
        leg = {"transfer": transfer, "account": account, "amount": amount}
        return DebitResult(**await self.there.command(call, "debit", InsufficientFunds, **leg))

    async def recredit(self, call: Call, *, transfer: UUID, account: str, amount: Decimal) -> None:
        """Give it back."""
        await self.there.command(call, "recredit", transfer=transfer, account=account, amount=amount)


class HttpFx:
    """The foreign exchange desk."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def convert(self, call: Call, *, transfer: UUID, pounds: Decimal) -> ConvertResult:
        """Convert pounds to euros."""
        return ConvertResult(
            **await self.there.command(call, "convert", MarketClosed, transfer=transfer, pounds=pounds)
        )

    async def unwind(self, call: Call, *, transfer: UUID, euros: Decimal, pounds: Decimal, losses: str) -> UnwindResult:
        """Convert back, and book what it costs."""
        deal = {"transfer": transfer, "euros": euros, "pounds": pounds, "losses": losses}
        return UnwindResult(**await self.there.command(call, "unwind", **deal))

    async def find(self, call: Call, *, transfer: UUID) -> FindResult | None:
        """Look a deal up."""
        deal = (await self.there.query("find", transfer=transfer))["deal"]
        return None if deal is None else FindResult(**deal)


class HttpPartnerBank:
    """The recipient's bank."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def credit(self, call: Call, *, transfer: UUID, recipient: str, euros: Decimal) -> CreditResult:
        """Credit the recipient."""
        credit = {"transfer": transfer, "recipient": recipient, "euros": euros}
        return CreditResult(**await self.there.command(call, "credit", SanctionsHit, AccountClosed, **credit))

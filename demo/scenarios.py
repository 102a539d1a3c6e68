"""The scenarios: what goes wrong in each, what must be left afterwards, and where to look for it."""

from __future__ import annotations

import asyncio
import uuid
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias

from demo.pace import real
from demo.participants.faults import Fault
from demo.troupe import Troupe

Given: TypeAlias = dict[str, Any]
Lines: TypeAlias = Mapping[str, str]
"""What each participant ends with, in words that can be compared."""

RUNNER: Final = "the runner says"


class Scenario(Protocol):
    """One thing that goes wrong."""

    @property
    def name(self) -> str:
        """How the table calls it."""

    @property
    def saga(self) -> str:
        """Which saga it is about."""

    @property
    def story(self) -> str:
        """What goes wrong, in a line."""

    @property
    def required(self) -> Lines:
        """What must be left."""

    @abstractmethod
    def given(self, case: str) -> Given:
        """What both runners are asked to do, for a business case of their own."""

    @abstractmethod
    def subjects(self, given: Given) -> tuple[str, ...]:
        """What the services know the business case by."""

    @abstractmethod
    async def before(self, cast: Troupe, given: Given) -> None:
        """Set the traps."""

    @abstractmethod
    async def after(self, cast: Troupe, given: Given) -> None:
        """What the world still has in store once the runner has ended."""

    @abstractmethod
    async def look(self, cast: Troupe, given: Given) -> Lines:
        """What is left."""


@dataclass(frozen=True, slots=True)
class PurchaseScenario:
    """Scenario A: 500 units, GBP 47,500, and a payment gateway that does not answer."""

    name: str
    story: str
    faults: tuple[tuple[str, str, int], ...]
    """What the gateway does: operation, kind of fault, how often (0: from then on always)."""
    required: Lines
    saga: str = "purchase"

    def given(self, case: str) -> Given:
        """See `Scenario.given`."""
        return {
            "purchase": case,
            "supplier": "Northern Fasteners",
            "sku": f"BOLT-M8-{case}",
            "quantity": 500,
            "total": "47500.00",
        }

    def subjects(self, given: Given) -> tuple[str, ...]:
        """See `Scenario.subjects`."""
        return (given["purchase"],)

    async def before(self, cast: Troupe, given: Given) -> None:
        """See `Scenario.before`."""
        for operation, kind, times in self.faults:
            await cast.fault("payments", Fault(operation, given["purchase"], kind, times))  # type: ignore[arg-type]  # the scenarios below use the kinds that exist

    async def after(self, cast: Troupe, given: Given) -> None:
        """Ten seconds after the last word, what the network held back arrives."""
        await asyncio.sleep(10)
        await cast.deliver("payments", given["purchase"])

    async def look(self, cast: Troupe, given: Given) -> Lines:
        """See `Scenario.look`."""
        purchase = given["purchase"]
        stock = await cast.state("warehouse", sku=given["sku"])
        paid = await cast.state("payments", purchase=purchase)
        return {
            "warehouse": f"{stock['available']} free, {stock['reserved']} reserved",
            "erp": f"order {(await cast.state('erp', purchase=purchase))['order']}",
            "payments": f"GBP {Decimal(paid['charged']):,.0f} charged, {_count(paid['refunds'], 'refund')}",
            "logistics": f"slot {(await cast.state('logistics', purchase=purchase))['slot']}",
        }


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


_UNDONE: Final = {
    "warehouse": "500 free, 0 reserved",
    "erp": "order cancelled",
    "payments": "GBP 0 charged, 0 refunds",
    "logistics": "slot none",
    RUNNER: "compensated",
}

PURCHASES: Final = (
    PurchaseScenario(
        "A-absent",
        "the payment times out after 30 s, twice; it never arrived",
        (("pay", "hang", 2),),
        _UNDONE,
    ),
    PurchaseScenario(
        "A-applied",
        "the payment times out after 30 s, twice; the first one was taken",
        (("pay", "lose", 1), ("pay", "hang", 1)),
        _UNDONE | {"payments": "GBP 0 charged, 1 refund"},
    ),
    PurchaseScenario(
        "A-late",
        "the payment times out after 30 s, twice, and arrives 10 s after the rollback",
        (("pay", "late", 1), ("pay", "hang", 1)),
        _UNDONE,
    ),
    PurchaseScenario(
        "A-unknown",
        "as A-applied, and then the gateway is out of order: nobody can know",
        (("pay", "lose", 1), ("pay", "hang", 1), ("refund", "down", 0)),
        {
            "warehouse": "0 free, 500 reserved",
            "erp": "order open",
            "payments": "GBP 47,500 charged, 0 refunds",
            "logistics": "slot none",
            RUNNER: "held: pay",
        },
    ),
)
"""The four endings of one timeout."""


@dataclass(frozen=True, slots=True)
class OnboardingScenario:
    """Scenario B: an account of GBP 250,000 that refers to its client, and a vendor who is down."""

    name: str
    story: str
    backwards: bool
    """In which order the naive runner undoes."""
    closing_takes: float
    saga: str = "onboarding"

    @property
    def required(self) -> Lines:
        """Nothing is left, and the account went before the client it refers to."""
        return {
            "crm": "client none",
            "trading": "account none, 0 violations",
            "screening": "rules none",
            "market data": "subscription none",
            "undone in order": "screening, trading, crm",
            RUNNER: "compensated",
        }

    def given(self, case: str) -> Given:
        """See `Scenario.given`."""
        return {
            "client": case,
            "account": str(uuid.uuid5(uuid.UUID(case), "account")),
            "name": "Blackfriars Capital",
            "allocation": "250000.00",
            "backwards": self.backwards,
        }

    def subjects(self, given: Given) -> tuple[str, ...]:
        """See `Scenario.subjects`."""
        return (given["client"], given["account"])

    async def before(self, cast: Troupe, given: Given) -> None:
        """See `Scenario.before`."""
        if self.closing_takes:
            slow = Fault("close_account", given["account"], "slow", seconds=real(self.closing_takes))
            await cast.fault("trading", slow)

    async def after(self, cast: Troupe, given: Given) -> None:
        """Let the slow one finish what it was asked to do."""
        await asyncio.sleep(self.closing_takes)

    async def look(self, cast: Troupe, given: Given) -> Lines:
        """See `Scenario.look`."""
        account = given["account"]
        held = await cast.state("trading", account=account)
        allocation = f" with GBP {Decimal(held['allocation']):,.0f}" if held["allocation"] else ""
        return {
            "crm": f"client {(await cast.state('crm', client=given['client']))['client']}",
            "trading": f"account {held['account']}{allocation}, {_count(held['violations'], 'violation')}",
            "screening": f"rules {(await cast.state('screening', account=account))['rules']}",
            "market data": f"subscription {(await cast.state('market_data', account=account))['subscription']}",
            "undone in order": ", ".join(await self._undone(cast, given)) or "nothing",
        }

    async def _undone(self, cast: Troupe, given: Given) -> list[str]:
        """The participants in the order in which their undo took effect."""
        undos = {"crm": "delete_client", "trading": "close_account", "screening": "remove"}
        done = []
        for name, undo in undos.items():
            subject = given["client"] if name == "crm" else given["account"]
            entries = await cast.history(name, subject)
            done += [
                (entry["at"], name) for entry in entries if (entry["operation"], entry["outcome"]) == (undo, "done")
            ]
        return [name for _, name in sorted(done)]


ONBOARDINGS: Final = (
    OnboardingScenario("B", "the market data vendor is down; the naive runner undoes in forward order", False, 0),
    OnboardingScenario(
        "B-slow", "the same, and closing the account takes 40 s; the naive runner undoes in reverse", True, 40
    ),
)
"""The foreign key, twice."""


@dataclass(frozen=True, slots=True)
class TransferScenario:
    """Scenario C: GBP 100,000 to EUR 116,400, refused by sanctions screening; the runner is killed in its rollback."""

    name: str = "C"
    story: str = "the credit is refused by sanctions screening, and the runner is killed in the middle of its rollback"
    saga: str = "transfer"

    @property
    def required(self) -> Lines:
        """The sender has every penny back, and the price of the way back stands in the books."""
        return {
            "sender's bank": "GBP 250,000.00, net 0.00",
            "holding": "EUR 0.00",
            "reverse deals": "1",
            "fx-losses": "GBP 512.82",
            "partner bank": "EUR 0.00",
            RUNNER: "compensated with residue",
        }

    def given(self, case: str) -> Given:
        """See `Scenario.given`."""
        return {"transfer": case, "sender": f"sender {case}", "recipient": "Meridian Shell Ltd", "pounds": "100000.00"}

    def subjects(self, given: Given) -> tuple[str, ...]:
        """See `Scenario.subjects`."""
        return (given["transfer"],)

    async def before(self, cast: Troupe, given: Given) -> None:
        """Nothing to set: the partner bank screens by itself."""

    async def after(self, cast: Troupe, given: Given) -> None:
        """Nothing is left to come."""

    async def look(self, cast: Troupe, given: Given) -> Lines:
        """See `Scenario.look`."""
        balance = Decimal((await cast.state("ledger", account=given["sender"]))["balance"])
        desk = await cast.state("fx", transfer=given["transfer"])
        credited = Decimal((await cast.state("partner_bank", transfer=given["transfer"]))["credited"])
        return {
            "sender's bank": f"GBP {balance:,.2f}, net {balance - 250_000:,.2f}",
            "holding": f"EUR {Decimal(desk['holding']):,.2f}",
            "reverse deals": str(desk["reversals"]),
            "fx-losses": f"GBP {Decimal(desk['booked']):,.2f}",
            "partner bank": f"EUR {credited:,.2f}",
        }


CAST: Final[Mapping[str, tuple[str, ...]]] = {
    "purchase": ("warehouse", "erp", "payments", "logistics"),
    "onboarding": ("crm", "trading", "screening", "market_data"),
    "transfer": ("ledger", "fx", "partner_bank"),
}
"""Who takes part in which saga."""

"""The services of the purchase saga."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from demo.handlers.http import Participant
from demo.sagas.purchase import (
    ConfirmResult,
    CreateOrderResult,
    Declined,
    NoCapacity,
    OutOfStock,
    PayResult,
    ReserveResult,
    SupplierBlocked,
)
from sagac.runtime import Call


class HttpWarehouse:
    """The warehouse management system."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def reserve(self, call: Call, *, purchase: UUID, sku: str, quantity: int) -> ReserveResult:
        """Set units aside."""
        goods = {"purchase": purchase, "sku": sku, "quantity": quantity}
        return ReserveResult(**await self.there.command(call, "reserve", OutOfStock, **goods))

    async def release(self, call: Call, *, purchase: UUID, sku: str, quantity: int) -> None:
        """Give them back."""
        await self.there.command(call, "release", purchase=purchase, sku=sku, quantity=quantity)

    async def dispatch(self, call: Call, *, purchase: UUID, sku: str, quantity: int) -> None:
        """Send them on their way."""
        await self.there.command(call, "dispatch", purchase=purchase, sku=sku, quantity=quantity)


class HttpErp:
    """The enterprise resource planning system."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def create_order(
        self, call: Call, *, purchase: UUID, supplier: str, reservation: str, total: Decimal
    ) -> CreateOrderResult:
        """Raise the purchase order."""
        paper = {"purchase": purchase, "supplier": supplier, "reservation": reservation, "total": total}
        return CreateOrderResult(**await self.there.command(call, "create_order", SupplierBlocked, **paper))

    async def cancel_order(self, call: Call, *, purchase: UUID) -> None:
        """Cancel it."""
        await self.there.command(call, "cancel_order", purchase=purchase)


class HttpPayments:
    """The payment gateway."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def pay(self, call: Call, *, purchase: UUID, order: str, amount: Decimal) -> PayResult:
        """Pay the supplier."""
        bill = {"purchase": purchase, "order": order, "amount": amount}
        return PayResult(**await self.there.command(call, "pay", Declined, **bill))

    async def refund(self, call: Call, *, purchase: UUID, amount: Decimal) -> None:
        """Give the money back, or keep it from ever being taken."""
        await self.there.command(call, "refund", purchase=purchase, amount=amount)


class HttpLogistics:
    """The carrier."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def announce(self, call: Call, *, purchase: UUID, quantity: int) -> None:
        """Tell the capacity planning."""
        await self.there.command(call, "announce", purchase=purchase, quantity=quantity)

    async def withdraw(self, call: Call, *, purchase: UUID) -> None:
        """Take the announcement back."""
        await self.there.command(call, "withdraw", purchase=purchase)

    async def confirm(self, call: Call, *, purchase: UUID) -> ConfirmResult:
        """Confirm the shipment."""
        return ConfirmResult(**await self.there.command(call, "confirm", NoCapacity, purchase=purchase))

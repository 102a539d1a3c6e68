"""The services of the onboarding saga."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from demo.handlers.http import Participant
from demo.sagas.onboarding import (
    ActivateResult,
    ConfigureResult,
    CreateClientResult,
    DuplicateClient,
    LimitExceeded,
    NotLicensed,
    OpenAccountResult,
    ProfileRejected,
)
from sagac.runtime import Call


class HttpCrm:
    """The customer relationship system."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def create_client(self, call: Call, *, client: UUID, name: str) -> CreateClientResult:
        """Create the client's record."""
        return CreateClientResult(
            **await self.there.command(call, "create_client", DuplicateClient, client=client, name=name)
        )

    async def delete_client(self, call: Call, *, client: UUID) -> None:
        """Delete it."""
        await self.there.command(call, "delete_client", client=client)


class HttpTrading:
    """The trading platform."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def open_account(
        self, call: Call, *, account: UUID, owner_client: UUID, record: str, amount: Decimal
    ) -> OpenAccountResult:
        """Open a restricted account."""
        form = {"account": account, "owner_client": owner_client, "record": record, "amount": amount}
        return OpenAccountResult(**await self.there.command(call, "open_account", LimitExceeded, **form))

    async def close_account(self, call: Call, *, account: UUID) -> None:
        """Close it."""
        await self.there.command(call, "close_account", account=account)


class HttpScreening:
    """Compliance screening."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def configure(self, call: Call, *, account: UUID, number: str) -> ConfigureResult:
        """Configure an account's rules."""
        return ConfigureResult(
            **await self.there.command(call, "configure", ProfileRejected, account=account, number=number)
        )

    async def remove(self, call: Call, *, account: UUID) -> None:
        """Remove them."""
        await self.there.command(call, "remove", account=account)


class HttpMarketData:
    """The market data vendor."""

    def __init__(self, there: Participant) -> None:
        self.there = there

    async def activate(self, call: Call, *, account: UUID, profile: str) -> ActivateResult:
        """Activate an account's subscriptions."""
        return ActivateResult(
            **await self.there.command(call, "activate", NotLicensed, account=account, profile=profile)
        )

    async def deactivate(self, call: Call, *, account: UUID) -> None:
        """End them."""
        await self.there.command(call, "deactivate", account=account)

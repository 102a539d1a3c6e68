"""The runner that people write: a list of undos in memory, a loop, and a try. What the demo compares with.

It is not a straw man: it retries, has timeouts, undoes what it did and says what goes wrong. What it lacks is what
takes work: it takes no answer for "nothing happened", sends every retry as a new request, keeps its list in memory,
and goes on when an undo fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from demo import lifeline, pace

Action: TypeAlias = Callable[[], Awaitable[Any]]
Arguments: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, how to undo it, and how often to try."""

    name: str
    do: Action
    undo: Action | None = None
    attempts: int = 2


async def run(steps: list[Step], *, backwards: bool = True) -> str:
    """Do the steps; if one fails, undo the ones before it."""
    undos: list[Action] = []
    for step in steps:
        try:
            await attempt(step)
        except (httpx.HTTPError, TimeoutError):
            for undo in reversed(undos) if backwards else undos:
                try:
                    await undo()
                except (httpx.HTTPError, TimeoutError) as error:
                    logging.getLogger("naive").warning("           naive: an undo failed: %s", _why(error))
            return "compensated"
        if step.undo is not None:
            undos.append(step.undo)
    return "completed"


async def attempt(step: Step) -> None:
    """Try a step as often as it allows."""
    for left in reversed(range(step.attempts)):
        try:
            await step.do()
        except (httpx.HTTPError, TimeoutError):
            if not left:
                raise
        else:
            return


def _why(error: Exception) -> str:
    match error:
        case httpx.HTTPStatusError(response=answer):
            return f"{answer.status_code} {answer.text}"
        case _:
            return type(error).__name__


class Services:
    """The participants over HTTP, with the timeout that everybody uses."""

    def __init__(self, http: httpx.AsyncClient, urls: dict[str, str], stop_at: str = "") -> None:
        self.http, self.urls, self.stop_at = http, urls, stop_at

    async def call(self, service: str, operation: str, **body: Any) -> Any:
        """One call; an error status is an error."""
        if operation == self.stop_at:
            print(f"at {operation}", flush=True)  # whoever started this kills it here
            await asyncio.Event().wait()
        answer = await self.http.post(f"{self.urls[service]}/{operation}", json=body, timeout=30)
        return answer.raise_for_status().json()


async def purchase(services: Services, given: Arguments) -> str:
    """Scenario A. The carrier gets its webhook first: it is no step, so nobody wrote an undo for it."""
    purchase, sku, quantity = given["purchase"], given["sku"], given["quantity"]
    await services.call("logistics", "announce", purchase=purchase, quantity=quantity)
    goods = {"purchase": purchase, "sku": sku, "quantity": quantity}
    paper = {"purchase": purchase, "supplier": given["supplier"], "reservation": "", "total": given["total"]}
    return await run(
        [
            Step(
                "reserve",
                lambda: services.call("warehouse", "reserve", **goods),
                lambda: services.call("warehouse", "release", **goods),
            ),
            Step(
                "order",
                lambda: services.call("erp", "create_order", **paper),
                lambda: services.call("erp", "cancel_order", purchase=purchase),
            ),
            Step(
                "pay",
                lambda: services.call("payments", "pay", purchase=purchase, order="", amount=given["total"]),
                lambda: services.call("payments", "refund", purchase=purchase, amount=given["total"]),
            ),
            Step("ship", lambda: services.call("logistics", "confirm", purchase=purchase)),
        ]
    )


async def onboarding(services: Services, given: Arguments) -> str:
    """Scenario B. `backwards` says in which order this team wrote its loop."""
    client, account = given["client"], given["account"]
    return await run(
        [
            Step(
                "client",
                lambda: services.call("crm", "create_client", client=client, name=given["name"]),
                lambda: services.call("crm", "delete_client", client=client),
            ),
            Step(
                "account",
                lambda: services.call(
                    "trading",
                    "open_account",
                    account=account,
                    owner_client=client,
                    record="",
                    amount=given["allocation"],
                ),
                lambda: services.call("trading", "close_account", account=account),
            ),
            Step(
                "screen",
                lambda: services.call("screening", "configure", account=account, number=""),
                lambda: services.call("screening", "remove", account=account),
            ),
            Step("subscribe", lambda: services.call("market_data", "activate", account=account, profile="")),
        ],
        backwards=given["backwards"],
    )


async def transfer(services: Services, given: Arguments) -> str:
    """Scenario C."""
    transfer, pounds = given["transfer"], given["pounds"]
    bought: Arguments = {}

    async def convert() -> None:
        bought.update(await services.call("fx", "convert", transfer=transfer, pounds=pounds))

    async def unwind() -> None:
        await services.call("fx", "unwind", transfer=transfer, euros=bought["euros"], pounds=pounds, losses="fx-losses")

    async def credit() -> None:
        await services.call(
            "partner_bank", "credit", transfer=transfer, recipient=given["recipient"], euros=bought["euros"]
        )

    leg = {"transfer": transfer, "account": given["sender"], "amount": pounds}
    return await run(
        [
            Step(
                "debit",
                lambda: services.call("ledger", "debit", **leg),
                lambda: services.call("ledger", "recredit", **leg),
            ),
            Step("convert", convert, unwind),
            Step("credit", credit, attempts=1),
        ]
    )


async def play(saga: str, urls: dict[str, str], given: Arguments, stop_at: str = "") -> str:
    """Run one of the three; what comes back is what the runner believes."""
    program = {"purchase": purchase, "onboarding": onboarding, "transfer": transfer}[saga]
    async with httpx.AsyncClient() as http:
        return await program(Services(http, urls, stop_at), given)


def main() -> None:
    """The runner as a process of its own, so that it can be killed."""
    parser = argparse.ArgumentParser(prog="python -m demo.naive")
    parser.add_argument("saga")
    parser.add_argument("--urls", type=json.loads, required=True)
    parser.add_argument("--given", type=json.loads, required=True)
    parser.add_argument("--stop-at", default="")
    arguments = parser.parse_args()
    lifeline.hold()
    print(pace.run(play(arguments.saga, arguments.urls, arguments.given, arguments.stop_at)))


if __name__ == "__main__":
    main()

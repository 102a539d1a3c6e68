"""The sagac side: the generated sagas, bound to their handlers, run over a journal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from demo import lifeline, pace
from demo.handlers.http import Boundary, Participant, no_boundary
from demo.handlers.onboarding import HttpCrm, HttpMarketData, HttpScreening, HttpTrading
from demo.handlers.purchase import HttpErp, HttpLogistics, HttpPayments, HttpWarehouse
from demo.handlers.transfer import HttpFx, HttpLedger, HttpPartnerBank
from demo.pace import QuickClock
from demo.sagas.onboarding import Onboarding, OnboardingInput
from demo.sagas.purchase import Purchase, PurchaseInput
from demo.sagas.transfer import Transfer, TransferInput
from demo.scenarios import Given
from sagac.runtime import Compensated, Completed, Held, Outcome, Runtime

_LEASE_MS: Final = 60_000
"""Three seconds at the demo's pace: two runners and eleven participants share a small machine."""


@dataclass(frozen=True, slots=True)
class Played:
    """A run that has ended or is held: its outcome in a word or two, and its name in the journal."""

    belief: str
    run: str


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """A runtime that is open."""

    runtime: Runtime
    clock: QuickClock

    async def play(self, saga: str, given: Given) -> Played:
        """Start a saga, or find the run that this business case has already, and see it to its end."""
        run = await self.runtime.start(*_start(saga, given))
        return Played(_word(await run.outcome()), run.id)


@contextlib.asynccontextmanager
async def orchestrator(
    journal: Path, urls: Mapping[str, str], epoch_ms: int, boundary: Boundary = no_boundary
) -> AsyncIterator[Orchestrator]:
    """The three sagas over one journal; what an earlier process left is finished first."""
    # The participants fail on purpose, and the journal is shown: a traceback for each would bury the story.
    logging.getLogger("sagac").setLevel(logging.ERROR)
    clock = QuickClock(epoch_ms)
    async with httpx.AsyncClient() as http:
        there = {name: Participant(http, url, boundary) for name, url in urls.items()}
        sagas = (
            Purchase(
                warehouse=HttpWarehouse(there["warehouse"]),
                erp=HttpErp(there["erp"]),
                payments=HttpPayments(there["payments"]),
                logistics=HttpLogistics(there["logistics"]),
            ),
            Onboarding(
                crm=HttpCrm(there["crm"]),
                trading=HttpTrading(there["trading"]),
                screening=HttpScreening(there["screening"]),
                market_data=HttpMarketData(there["market_data"]),
            ),
            Transfer(
                ledger=HttpLedger(there["ledger"]),
                fx=HttpFx(there["fx"]),
                partner_bank=HttpPartnerBank(there["partner_bank"]),
            ),
        )
        url = f"sqlite:///{journal}"
        async with Runtime(journal=url, sagas=sagas, clock=clock, lease_ms=_LEASE_MS) as runtime:
            yield Orchestrator(runtime, clock)


def _start(saga: str, given: Given) -> tuple[type, PurchaseInput | OnboardingInput | TransferInput]:
    match saga:
        case "purchase":
            names = {"purchase_id": given["purchase"], **_only(given, "supplier", "sku", "quantity", "total")}
            return Purchase, PurchaseInput.model_validate(names)
        case "onboarding":
            names = {"client_id": given["client"], "account_id": given["account"], **_only(given, "name", "allocation")}
            return Onboarding, OnboardingInput.model_validate(names)
        case _:
            names = {"transfer_id": given["transfer"], **_only(given, "sender", "recipient", "pounds")}
            return Transfer, TransferInput.model_validate(names)


def _only(given: Given, *names: str) -> Given:
    return {name: given[name] for name in names}


def _word(outcome: Outcome) -> str:
    match outcome:
        case Completed():
            return "completed"
        case Compensated(residue=residue):
            return "compensated with residue" if residue else "compensated"
        case Held(actions=actions):
            return f"held: {', '.join(action.step for action in actions)}"


def main() -> None:
    """The orchestrator as a process of its own, so that it can be killed."""
    parser = argparse.ArgumentParser(prog="python -m demo.orchestrator")
    parser.add_argument("saga")
    parser.add_argument("--urls", type=json.loads, required=True)
    parser.add_argument("--given", type=json.loads, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--stop-at", default="")
    lifeline.hold()
    pace.run(_main(parser.parse_args()))


async def _main(arguments: argparse.Namespace) -> None:
    async def boundary(point: str) -> None:
        if point == arguments.stop_at:
            print(f"at {point}", flush=True)  # whoever started this kills it here
            await asyncio.Event().wait()

    async with orchestrator(arguments.journal, arguments.urls, arguments.epoch, boundary) as opened:
        played = await opened.play(arguments.saga, arguments.given)
        await boundary("end")
        print(played.belief, played.run, sep="\t", flush=True)


if __name__ == "__main__":
    main()

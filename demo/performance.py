"""The demo from the first process to the last: all scenarios in turn, and what they show together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.crashes import POINTS
from demo.orchestrator import orchestrator
from demo.playing import Say, Stage, play, play_crashes, play_down
from demo.scenarios import CAST, ONBOARDINGS, PURCHASES, TransferScenario
from demo.table import Row, table, verdict
from demo.troupe import troupe
from sagac.runtime.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo has shown."""

    table: str
    verdict: str
    as_claimed: bool
    run: str
    journal: Path | None
    """Of the last run of scenario C; none when C was not played."""


async def perform(folder: Path, only: Sequence[str] | None, crashes: int | None, say: Say) -> Shown:
    """Play the scenarios (all of them, or only some) with services of their own."""
    rows: list[Row] = []
    async with troupe(folder, [name for names in CAST.values() for name in names]) as cast:
        say(f"{len(cast.ports)} services are up, each a process with a store of its own")
        epoch_ms = SystemClock().wall_ms()
        async with orchestrator(folder / "runs.db", cast.urls, epoch_ms) as opened:
            stage = Stage(cast, opened, folder, say)
            rows += [await play(stage, scenario) for scenario in PURCHASES if _wanted(scenario.name, only)]
            onboardings = [scenario for scenario in ONBOARDINGS if _wanted(scenario.name, only)]
            if onboardings:
                rows += await play_down(stage, onboardings, "market_data")
            run, journal = "", None
            if _wanted("C", only):
                row, journal, run = await play_crashes(stage, TransferScenario(), POINTS[:crashes])
                rows.append(row)
    as_claimed, sentence = verdict(rows)
    return Shown(table(rows), sentence, as_claimed, run, journal)


def _wanted(name: str, only: Sequence[str] | None) -> bool:
    return only is None or name in only

"""A scenario played by both runners, each with a business case of its own, and what is left of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from demo import crashes, naive
from demo.crashes import CrashPoint
from demo.orchestrator import Orchestrator, Played
from demo.scenarios import CAST, RUNNER, Given, Lines, Scenario, TransferScenario
from demo.table import Row
from demo.troupe import Troupe
from sagac.runtime import connect

Say: TypeAlias = Callable[[str], None]

_AT_ONCE: Final = 2
"""How many crash points are tried side by side."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a scenario needs: the participants, the sagac side, a folder for journals, a voice."""

    cast: Troupe
    orchestrator: Orchestrator
    folder: Path
    say: Say


@dataclass(frozen=True, slots=True)
class Ending:
    """What a runner was asked to do, and what it believes has become of it."""

    given: Given
    belief: str


async def play(stage: Stage, scenario: Scenario) -> Row:
    """One scenario, both runners at the same time on the same participants."""
    return await row(stage, scenario, *await perform(stage, scenario))


async def play_down(stage: Stage, scenarios: Sequence[Scenario], down: str) -> list[Row]:
    """Scenarios during which one participant is down: its process is stopped, and comes back before anybody looks."""
    stage.cast.stop(down)
    stage.say(f"{down} goes down: its process is stopped")
    endings = [await perform(stage, scenario) for scenario in scenarios]
    stage.cast.start(down)
    await stage.cast.ready([down])
    return [await row(stage, scenario, *ends) for scenario, ends in zip(scenarios, endings, strict=True)]


async def perform(stage: Stage, scenario: Scenario) -> tuple[Ending, Ending]:
    """Run the naive runner and sagac side by side, and let the world do what it still has in store."""
    stage.say(f"{scenario.name}: {scenario.story}")

    async def by_naive(given: Given) -> Played:
        return Played(await naive.play(scenario.saga, stage.cast.urls, given), "")

    async def by_sagac(given: Given) -> Played:
        return await stage.orchestrator.play(scenario.saga, given)

    async with asyncio.TaskGroup() as both:
        left = both.create_task(_case(stage, scenario, "naive", by_naive))
        right = both.create_task(_case(stage, scenario, "sagac", by_sagac))
    return left.result(), right.result()


async def row(stage: Stage, scenario: Scenario, left: Ending, right: Ending) -> Row:
    """What the participants are left with."""
    return Row(
        scenario.name, await _lines(stage, scenario, left), await _lines(stage, scenario, right), scenario.required
    )


async def play_crashes(stage: Stage, scenario: TransferScenario, points: Sequence[CrashPoint]) -> tuple[Row, Path, str]:
    """Scenario C: the runners are processes, and are killed. The row, and a journal with the name of its run."""
    stage.say(f"{scenario.name}: {scenario.story}")
    left = await _killed_naive(stage, scenario)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int, point: CrashPoint) -> tuple[Path, str, Lines]:
        async with turns:
            return await _killed_sagac(stage, scenario, number, point)

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(one(number, point)) for number, point in enumerate(points, 1)]
    ends = [task.result() for task in tries]
    wrong = [lines for _, _, lines in ends if dict(lines) != dict(scenario.required)]
    stage.say(f"   sagac: {len(ends) - len(wrong)} of {len(ends)} crash points ended as required")
    journal, run, lines = ends[-1]
    return Row(scenario.name, left, wrong[0] if wrong else lines, scenario.required), journal, run


async def _case(stage: Stage, scenario: Scenario, runner: str, run: Callable[[Given], Awaitable[Played]]) -> Ending:
    """One business case from its traps to its end."""
    given = scenario.given(str(uuid.uuid4()))
    await scenario.before(stage.cast, given)
    played = await run(given)
    stage.say(f"   {runner} says: {played.belief}")
    await scenario.after(stage.cast, given)
    if runner == "sagac":
        await _all_faults_met(stage, scenario, given)
    return Ending(given, played.belief)


async def _all_faults_met(stage: Stage, scenario: Scenario, given: Given) -> None:
    """A fault that never happened would make sagac look good. (The naive runner never asks for a refund.)"""
    for name in CAST[scenario.saga]:
        if name in stage.cast.processes:
            unmet = [await stage.cast.unmet(name, subject) for subject in scenario.subjects(given)]
            assert not any(unmet), f"{scenario.name}: {name} was told to go wrong and did not: {unmet}"


async def _lines(stage: Stage, scenario: Scenario, ending: Ending) -> Lines:
    return {**await scenario.look(stage.cast, ending.given), RUNNER: ending.belief}


async def _killed_naive(stage: Stage, scenario: TransferScenario) -> Lines:
    given = scenario.given(str(uuid.uuid4()))
    pid = await crashes.until_killed(crashes.command("demo.naive", stage.cast.urls, given), "unwind")
    stage.say(f"   naive: kill -9 {pid} before the reverse conversion; its list of undos was in its memory")
    return await _lines(stage, scenario, Ending(given, "nothing"))


async def _killed_sagac(
    stage: Stage, scenario: TransferScenario, number: int, point: CrashPoint
) -> tuple[Path, str, Lines]:
    given = scenario.given(str(uuid.uuid4()))
    journal = stage.folder / f"crash-{number}.db"
    command = crashes.command(
        "demo.orchestrator",
        stage.cast.urls,
        given,
        f"--journal={journal}",
        f"--epoch={stage.orchestrator.clock.epoch_ms}",
    )
    pids = [await crashes.until_killed(command, stop) for stop in point.stops]
    between = await _status(journal)
    belief, _, run = (await crashes.to_the_end(command)).partition("\t")
    lines = await _lines(stage, scenario, Ending(given, belief))
    outcome = "as required" if lines == dict(scenario.required) else f"WRONG: {lines}"
    killed = ", ".join(map(str, pids))
    stage.say(f"   sagac: kill -9 {killed}: {point.name}")
    stage.say(f"          its journal tells everybody: {between}; restarted: {belief}, {outcome}")
    return journal, run, lines


async def _status(journal: Path) -> str:
    """What another process can read of the one run in a journal while nobody drives it."""
    opened = connect(f"sqlite:///{journal}", create=False)
    await opened.open()
    try:
        (entry,) = await opened.entries()
        return entry.status
    finally:
        await opened.close()

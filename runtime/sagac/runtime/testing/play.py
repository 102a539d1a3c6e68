"""A play: one case run by the real executor over an in-memory journal, and what was found wrong with it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from sagac.runtime import kernel
from sagac.runtime.clock import Clock
from sagac.runtime.history import recall
from sagac.runtime.run import Run
from sagac.runtime.runtime import Runtime
from sagac.runtime.services import attribute
from sagac.runtime.testing import checks, pace
from sagac.runtime.testing.cases import Cancelled, Case, Crashed, Disturbance
from sagac.runtime.testing.contest import ContestedJournal
from sagac.runtime.testing.faults import Wire
from sagac.runtime.testing.pace import PacedClock
from sagac.runtime.testing.world import Reference, World
from sagac.runtime.wire import Decoder

PATIENCE_S: Final = 400 * 24 * 3600
"""A run that is not settled after so long, in its own time, never will be."""

LEASE_MS: Final = 2 * PATIENCE_S * 1000
WATCH_MS: Final = 24 * 3600 * 1000
"""Beats and watches that hardly ever come due: moving time past them would be all that a test does."""

Bind: TypeAlias = Callable[[type[Any], World], Any]
"""Makes an instance of a saga's class, with the handlers under test or with `world.service(name)` for each field."""


@dataclass(frozen=True, slots=True)
class Played:
    """A run that was played, and everything that is wrong with it."""

    case: Case
    run: Run
    wire: Wire
    findings: tuple[str, ...]
    observed: frozenset[str] = frozenset()
    """The services whose effects can be told."""


def reference(saga: type[Any], world: World) -> Any:
    """The saga over the reference world alone."""
    return saga(**{attribute(name): world.service(name) for name in saga.protocols})


def play(saga: type[Any], case: Case, bind: Bind = reference) -> Played:
    """The case, played to its end and checked."""
    return pace.run(Stage(saga, case, bind).play())


@dataclass(slots=True)
class Stage:
    """Everything of one play."""

    saga: type[Any]
    case: Case
    bind: Bind
    journal: ContestedJournal = field(default_factory=ContestedJournal)
    clock: Clock = field(default_factory=PacedClock)
    disturbances: list[Disturbance] = field(default_factory=list)
    disturbed: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self) -> Played:
        """Run, disturb, let everything arrive that is late, and check."""
        world = World(self.saga, self.case.results)
        wire = Wire(self.saga.plan, self.case, disturb=self._disturb)
        self.journal.faults, self.journal.fired = self.case.faults, wire.fired
        binding = self._tapped(wire, world, self.bind(self.saga, world))
        async with asyncio.timeout(PATIENCE_S):
            run = await self._run(binding, wire)
        wire.over.set()
        await asyncio.gather(*wire.late)
        findings = checks.findings(self.case, run, wire, world)
        return Played(self.case, run, wire, findings, frozenset(world.watched))

    def _disturb(self, disturbance: Disturbance) -> None:
        self.disturbances.append(disturbance)
        self.disturbed.set()

    def _tapped(self, wire: Wire, world: World, binding: Any) -> Any:
        """The binding with the wire in front of every service; the reference services are watched from the start."""
        tapped = {}
        for name, protocol in self.saga.protocols.items():
            handlers = getattr(binding, attribute(name))
            tapped[attribute(name)] = wire.through(handlers, protocol)
            if isinstance(handlers, Reference):
                world.watched.setdefault(name, None)
        return dataclasses.replace(binding, **tapped)

    async def _run(self, binding: Any, wire: Wire) -> Run:
        """Drive the run in one process after the other until it is settled."""
        run = ""
        await self.journal.open()
        while True:
            runtime = Runtime(
                journal=self.journal, sagas=[binding], clock=self.clock, lease_ms=LEASE_MS, watch_ms=WATCH_MS
            )
            bystanders = asyncio.all_tasks()
            async with runtime:
                if not run:
                    run = (await runtime.start(self.saga, Decoder(self.saga.input).decode(dict(self.case.input)))).id
                if await self._settled(runtime, run):
                    break
                await self._kill(bystanders | {*wire.late})
        entry = await self.journal.entry(run)
        assert entry is not None, run
        return (await recall(self.journal, entry)).run

    async def _settled(self, runtime: Runtime, run: str) -> bool:
        """Wait for the end, and cancel on the way if that is to be; false where the process is to die instead."""
        outcome = asyncio.create_task((await runtime.run(run)).outcome())
        while True:
            disturbed = asyncio.create_task(self.disturbed.wait())
            await asyncio.wait([outcome, disturbed], return_when=asyncio.FIRST_COMPLETED)
            disturbed.cancel()
            if not self.disturbances:
                await outcome
                return True
            self.disturbed.clear()
            for disturbance in [self.disturbances.pop(0) for _ in self.disturbances[:]]:
                match disturbance:
                    case Cancelled():
                        await runtime.cancel(run, reason="a test")
                    case Crashed():
                        outcome.cancel()
                        return False

    async def _kill(self, bystanders: set[asyncio.Task[Any]]) -> None:
        """Stop everything that this process does, in the middle of whatever it is doing; its lease is found dead."""
        current = asyncio.current_task()
        dying = [task for task in asyncio.all_tasks() - bystanders if task is not current]
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
        for worker in await self.journal.workers():
            await self.journal.dismiss(worker.name)


def status(played: Played) -> str:
    """How the run ended."""
    return kernel.status(played.run)

"""Time that costs nothing: an event loop that, instead of waiting, moves its clock on to whatever comes next."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")

EPOCH_MS: Final = 1_767_225_600_000
"""The time of day at which every test begins: 2026-01-01 in UTC."""

RESOLUTION_S: Final = 1e-6

SLICE_S: Final = 0.05
"""So long a real wait goes on before it looks whether it is still needed."""


class Pace(selectors.DefaultSelector):
    """Waits for real only while something real is in progress, or while nothing else is left to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.real = 0
        """How many real calls are in progress: while there are any, time takes its own time."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, the time has passed."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.real or timeout is None:
            return self._wait(SLICE_S if timeout is None else min(timeout, SLICE_S))
        self.now += timeout
        return []

    def _wait(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        before = time.monotonic()
        ready = super().select(timeout)
        self.now += time.monotonic() - before
        return ready


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop on its own time."""

    def __init__(self) -> None:
        self.pace = Pace()
        super().__init__(self.pace)
        # What counts as now: a float far from zero has no nanoseconds, and a timer would never be due.
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """See `asyncio.AbstractEventLoop.time`."""
        return self.pace.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Threads end in their own time: the limit that Python 3.12 sets would be over at once on this clock."""
        with real_time():
            await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that runs on its own time."""
    with asyncio.Runner(loop_factory=PacedLoop) as runner:
        return runner.run(main)


@contextmanager
def real_time() -> Iterator[None]:
    """While something real is in progress, the loop waits for it."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, PacedLoop):
        yield
        return
    loop.pace.real += 1
    try:
        yield
    finally:
        loop.pace.real -= 1


class PacedClock:
    """The clock of the running paced loop; every drawn pause is the longest one."""

    def __init__(self) -> None:
        self._names = 0

    def wall_ms(self) -> int:
        """See `Clock.wall_ms`."""
        return EPOCH_MS + self.monotonic_ms()

    def monotonic_ms(self) -> int:
        """See `Clock.monotonic_ms`."""
        # A timer fires a hair before its time, as floats go: the millisecond it meant has come.
        return int(asyncio.get_running_loop().time() * 1000 + 1e-3)

    async def sleep(self, duration_ms: int) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(duration_ms / 1000)

    def draw(self, bound_ms: int) -> int:
        """See `Clock.draw`."""
        return bound_ms

    def fresh(self) -> str:
        """See `Clock.fresh`."""
        self._names += 1
        return f"name-{self._names}"

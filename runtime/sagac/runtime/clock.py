"""Time, chance and fresh names: the one module of the runtime that reads a clock or draws a number."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from typing import Final, Protocol


class Clock(Protocol):
    """What the runtime takes from outside itself, so that a test can give it other times and chances."""

    def wall_ms(self) -> int:
        """The time of day for people and for due times: milliseconds since the epoch in UTC."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds that only ever go forward, at one pace: what leases and `lands within` are counted on."""
        ...

    async def sleep(self, duration_ms: int) -> None:
        """Return after at least this long."""
        ...

    def draw(self, bound_ms: int) -> int:
        """A whole number, uniform in 0 to `bound_ms`: full jitter."""
        ...

    def fresh(self) -> str:
        """A name that nobody else has."""
        ...


_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Where there is one, a clock that goes on while the machine sleeps: a lease must not outlast a suspended laptop."""


class SystemClock:
    """The machine's own clock and chance."""

    def wall_ms(self) -> int:
        """See `Clock.wall_ms`."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """See `Clock.monotonic_ms`."""
        nanoseconds = time.monotonic_ns() if _STEADY is None else time.clock_gettime_ns(_STEADY)
        return nanoseconds // 1_000_000

    async def sleep(self, duration_ms: int) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(duration_ms / 1000)

    def draw(self, bound_ms: int) -> int:
        """See `Clock.draw`."""
        return random.randint(0, bound_ms)

    def fresh(self) -> str:
        """See `Clock.fresh`."""
        return uuid.uuid4().hex

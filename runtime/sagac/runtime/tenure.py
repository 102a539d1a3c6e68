"""A worker's tenure: how long it may send before it must have renewed its lease, on its own monotonic clock (R14)."""

from __future__ import annotations

import asyncio

from sagac.runtime.clock import Clock


class Tenure:
    """Until when this worker owns its runs, whatever has become of the journal since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ms = clock.monotonic_ms()
        self._extended = asyncio.Event()

    def extend(self, until_ms: int) -> None:
        """A renewal that was asked for early enough holds until this moment."""
        self._until_ms = max(self._until_ms, until_ms)
        self._extended.set()

    def stands(self) -> bool:
        """Whether this worker may send at this moment."""
        return self._clock.monotonic_ms() < self._until_ms

    async def standing(self) -> None:
        """Return at a moment at which this worker may send."""
        while not self.stands():
            self._extended.clear()
            await self._extended.wait()

"""The demo's time: twenty times faster than the world's, so that a timeout of 30 seconds takes one and a half."""

from __future__ import annotations

import asyncio
from typing import Final

from sagac.runtime.clock import SystemClock

SCALE: Final = 20
"""How many seconds of a spec pass in one second of the demo. Both runners and every participant keep to it."""


def real(seconds: float) -> float:
    """How long so many seconds of a spec take in the demo."""
    return seconds / SCALE


class QuickClock(SystemClock):
    """The machine's clock, running `SCALE` times faster from `epoch_ms` on; every process is given the same epoch."""

    def __init__(self, epoch_ms: int) -> None:
        self.epoch_ms = epoch_ms

    def wall_ms(self) -> int:
        """Ahead of the real time of day, the more so the longer the demo runs."""
        return self.epoch_ms + (super().wall_ms() - self.epoch_ms) * SCALE

    def monotonic_ms(self) -> int:
        """At the demo's pace."""
        return super().monotonic_ms() * SCALE

    async def sleep(self, duration_ms: int) -> None:
        """At the demo's pace."""
        await asyncio.sleep(real(duration_ms / 1000))

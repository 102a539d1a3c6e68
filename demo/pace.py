"""The demo's time: twenty times faster than the world's, so that a timeout of 30 seconds takes one and a half.

Only the runners live in it, and they live in it whole: their event loop's clock goes faster, so every sleep, timeout
and lease does. The code on both sides says 30 seconds and means it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from sagac.runtime.clock import SystemClock

T = TypeVar("T")

SCALE: Final = 20
"""How many seconds of a spec pass in one second of the world."""


def real(seconds: float) -> float:
    """How long so many seconds of a spec take in the world, where the participants live."""
    return seconds / SCALE


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, at the demo's pace."""
    with asyncio.Runner(loop_factory=_QuickLoop) as runner:
        return runner.run(main)


class QuickClock(SystemClock):
    """The machine's clock at the demo's pace, from `epoch_ms` on; every process is given the same epoch."""

    def __init__(self, epoch_ms: int) -> None:
        self.epoch_ms = epoch_ms

    def wall_ms(self) -> int:
        """Ahead of the real time of day, the more so the longer the demo runs."""
        return self.epoch_ms + (super().wall_ms() - self.epoch_ms) * SCALE

    def monotonic_ms(self) -> int:
        """At the demo's pace."""
        return super().monotonic_ms() * SCALE


class _QuickLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock runs fast."""

    def __init__(self) -> None:
        super().__init__(_QuickSelector())

    def time(self) -> float:
        return super().time() * SCALE


class _QuickSelector(selectors.DefaultSelector):
    """Waits as long in the world as the loop's fast clock asks for."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else real(timeout))

"""Turns: the runs of this process that wait for locks, and who is told that his turn may have come (R16)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sagac.runtime.journal import Journal


@dataclass(eq=False, slots=True)
class Turn:
    """One step's wait: for any of these locks, until it is told to look."""

    run: str
    locks: tuple[str, ...]
    told: asyncio.Event = field(default_factory=asyncio.Event)


class Turns:
    """Everybody who waits here. Whoever is first in a line looks again; all the others sleep on."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: set[Turn] = set()

    @contextmanager
    def standing(self, turn: Turn) -> Iterator[None]:
        """Tell this one too, meanwhile."""
        self._waiting.add(turn)
        try:
            yield
        finally:
            self._waiting.discard(turn)

    async def tell(self, moved: Collection[str] | None = None) -> None:
        """Tell those who are first in the lines that have moved; other processes move lines too, and say nothing."""
        awaited = {lock for turn in self._waiting for lock in turn.locks}
        if moved is not None:
            awaited &= set(moved)
        if not awaited:
            return
        first = {place.lock: place.run for place in await self._journal.first(tuple(awaited))}
        for turn in self._waiting:
            # No first: the line has gone since somebody looked at it.
            if any(first.get(lock, turn.run) == turn.run for lock in turn.locks if lock in awaited):
                turn.told.set()

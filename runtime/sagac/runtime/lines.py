"""Lines: who waits for whose lock, as a person reads it (R16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from sagac.runtime.journal import Place

SHORT: Final = 12
"""So much of a run's name tells it from others."""


class Stand(msgspec.Struct, frozen=True):
    """Where a run stands for one lock."""

    lock: str
    before: tuple[Place, ...]
    """Who goes first; nobody where the run has the lock, or may have it."""
    has: bool
    behind: tuple[Place, ...]


def stands(places: Sequence[Place], run: str) -> Iterator[Stand]:
    """Every line in which the run stands; `places` as `Journal.lines` has them."""
    for own in places:
        if own.run == run:
            line = [place for place in places if place.lock == own.lock]
            at = line.index(own)
            yield Stand(own.lock, tuple(line[:at]), own.has, tuple(line[at + 1 :]))


def waits_for(places: Sequence[Place], run: str) -> str:
    """The run that this one waits for, and the lock; empty for none."""
    return "; ".join(f"{stand.before[0].run[:SHORT]}: {stand.lock}" for stand in stands(places, run) if stand.before)


def draw(places: Sequence[Place], run: str) -> Iterator[str]:
    """A run's locks, a line of text for each."""
    for stand in stands(places, run):
        if stand.before:
            first, *others = stand.before
            more = f", and {_runs(others)} before this one" if others else ""
            yield f"waits for {stand.lock}: run {first.run[:SHORT]} {'has' if first.has else 'goes first to'} it{more}"
        else:
            waiting = f", {_runs(stand.behind)} behind it" if stand.behind else ""
            yield f"{'has' if stand.has else 'may have'} {stand.lock}{waiting}"


def _runs(places: Sequence[Place]) -> str:
    names = ", ".join(place.run[:SHORT] for place in places)
    return f"{'run' if len(places) == 1 else 'runs'} {names}"

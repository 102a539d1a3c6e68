"""Sets of positions in a plan, as the bits of a number: frozen, small, and combined at a stroke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

Positions: TypeAlias = int


def all_of(count: int) -> Positions:
    """The positions from 0 up to, but not including, `count`."""
    return (1 << count) - 1


def gathered(positions: Iterable[int]) -> Positions:
    """These positions as a set."""
    found = 0
    for position in positions:
        found |= 1 << position
    return found


def listed(positions: Positions) -> Iterator[int]:
    """The positions in a set, in the plan's order."""
    bits = f"{positions:b}"[::-1]
    position = bits.find("1")
    while position >= 0:
        yield position
        position = bits.find("1", position + 1)

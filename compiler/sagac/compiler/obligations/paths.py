"""Longest paths through a saga's order: how long until a step is sent, and how long a chain of undos is.

The potentials are the certificate: each is at least that of any step before it plus what that step takes, which is
checked in one pass over the edges. They are exact where no step has a guard; where one has, the paths are listed from
the longest down, with and without each step that may be skipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Final, TypeAlias

from sagac.compiler.graph import Graph

NEVER: Final = -math.inf
"""The potential of what does not lie on any path."""

Path: TypeAlias = tuple[float, tuple[int, ...]]
"""How long it takes, and the steps that it is made of, in the graph's order; skipped ones are not among them."""


def ends(graph: Graph, times: Sequence[float], *, without: int = 0, begin: int | None = None) -> tuple[float, ...]:
    """For each step the longest time until it is over, its own included; steps of the set `without` take no part.

    Where a beginning is named, only paths from there count, and `NEVER` stands where there is none.
    """
    found: list[float] = []
    for number in range(len(graph.order)):
        if without >> number & 1:
            found.append(NEVER)
        else:
            found.append(until(graph, found, number, begin) + times[number])
    return tuple(found)


def until(graph: Graph, found: Sequence[float], number: int, begin: int | None = None) -> float:
    """The longest time until all that a step waits for is over."""
    start = 0.0 if begin in (None, number) else NEVER
    return max((start, *(found[earlier] for earlier in graph.after[number])))


def is_bound(graph: Graph, times: Sequence[float], potentials: Sequence[float]) -> bool:
    """Whether these potentials bound every path: the check of the certificate."""
    return all(
        potentials[number] >= max((0.0, *(potentials[earlier] for earlier in graph.after[number]))) + times[number]
        for number in range(len(graph.order))
        if potentials[number] != NEVER
    )


def longest(
    graph: Graph, times: Sequence[float], found: Sequence[float], end: int, *, optional: int = 0
) -> Iterator[Path]:
    """The paths that end with this step, the longest first; each with and without its optional steps.

    `found` are their potentials. A path begins where nothing before it has one.
    """
    heap: list[tuple[float, tuple[int, ...], int, float]] = [(-found[end], (end,), end, times[end])]
    seen: set[tuple[int, ...]] = set()
    while heap:
        total, taken, at, spent = heappop(heap)
        before = [earlier for earlier in graph.after[at] if found[earlier] != NEVER]
        if not before:
            steps = tuple(reversed(taken))
            if steps not in seen:
                seen.add(steps)
                yield -total, steps
            continue
        for earlier in before:
            heappush(heap, (-(spent + found[earlier]), (*taken, earlier), earlier, spent + times[earlier]))
            if optional >> earlier & 1:
                rest = max((found[other] for other in graph.after[earlier] if found[other] != NEVER), default=0.0)
                heappush(heap, (-(spent + rest), taken, earlier, spent))

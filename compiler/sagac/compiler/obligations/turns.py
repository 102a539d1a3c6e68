"""Turns: the states in which a run can turn back, and the one from which a rollback takes longest.

A rollback has three parts (R6, R7): what is under way settles, then doubts are revoked, then all that stands is undone,
last first. So it is as long as the slowest step that is under way, plus the slowest undo of a doubt, plus the longest
chain of undos: three steps tell all of it, and which of them can be so in one run is a matter of the graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sagac.compiler.graph import Graph, numbers

NEVER: Final = -math.inf
"""The time of what cannot take part."""

LOOKED_MAX: Final = 400_000
"""So many combinations of steps are looked at; where that is not enough, nothing is claimed."""


@dataclass(frozen=True, slots=True)
class Times:
    """What each step, by its number, may add to a rollback; `NEVER` where it cannot take part in it."""

    settle: tuple[float, ...]
    """Until nothing is under way any more, where the step is the last that is."""
    revoke: tuple[float, ...]
    """The undo of the step's doubt."""
    undo: tuple[float, ...]
    """The step's undo."""
    chain: tuple[float, ...]
    """The longest chain of undos that begins with the step's own."""
    alone: float
    """The same where no step is undone but the one in doubt."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What decides whether a run can turn while these steps are under way: its pivots, and who can fail."""

    graph: Graph
    pivots: int
    """The pivots that run whenever they are reached, as a set."""
    refusable: tuple[int, ...]
    """The pivots that may be refused for good: beside a cancel, nothing else turns a run that has reached them."""
    failing: int
    """The steps that may still fail when they are under way as a run turns."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One way to turn, and how long it takes at worst."""

    total: float
    last: int | None
    """The step that settles last."""
    doubtful: int | None
    """The step whose doubt is revoked."""
    first: int | None
    """The step that is undone first of the longest chain."""
    refused: int | None
    """The pivot whose refusal turns the run; `None` for a cancel."""

    @property
    def members(self) -> tuple[int, ...]:
        """Who takes part in it."""
        named = (self.last, self.doubtful, self.first, self.refused)
        return tuple(sorted({number for number in named if number is not None}))


class TooManyError(Exception):
    """More combinations than are looked at."""


def bound(times: Times) -> float:
    """No turn takes longer than this: the longest of each part, whether they go together or not."""
    return max((*times.settle, 0)) + max((*times.revoke, 0)) + max((*times.chain, times.alone if times.chain else 0, 0))


def longest(ways: Ways, times: Times, above: float = 0) -> Turn | None:
    """The turn that takes longest, if one takes longer than `above`; raises where there are too many to look at."""
    floor = [above]
    best = None
    for turn in found(ways, times, floor):
        best, floor[0] = turn, turn.total
    return best


def all_above(ways: Ways, times: Times, above: float) -> tuple[Turn, ...]:
    """Every turn that takes longer, the longest first; raises where there are too many to look at."""
    turns = tuple(found(ways, times, [above]))
    return tuple(sorted(turns, key=lambda turn: (-turn.total, turn.members)))


def found(ways: Ways, times: Times, floor: list[float]) -> Iterator[Turn]:
    """The turns that take longer than the floor, which whoever asks may raise meanwhile."""
    looked = [0]
    for refused in (None, *ways.refusable):
        yield from found_by(ways, times, floor, refused, looked)


def found_by(ways: Ways, times: Times, floor: list[float], refused: int | None, looked: list[int]) -> Iterator[Turn]:
    """The turns by a cancel, or by the refusal of this pivot."""
    lasts, doubts, firsts = ranked(times.settle), ranked(times.revoke), ranked(times.chain)
    lasts = (*lasts, (0.0, None))
    doubts = tuple(sorted((*doubts, (0.0, None)), key=lambda entry: -entry[0]))
    firsts = tuple(sorted((*firsts, (times.alone, None)), key=lambda entry: -entry[0]))
    for chain, first in firsts:
        if chain == NEVER or chain + doubts[0][0] + lasts[0][0] <= floor[0]:
            return
        for revoking, doubtful in doubts:
            if chain + revoking + lasts[0][0] <= floor[0]:
                break
            for settling, last in lasts:
                total = chain + revoking + settling
                looked[0] += 1
                if looked[0] > LOOKED_MAX:
                    raise TooManyError
                if total <= floor[0]:
                    break
                turn = Turn(total, last, doubtful, first, refused)
                if is_possible(ways, turn):
                    yield turn


def ranked(values: Sequence[float]) -> tuple[tuple[float, int | None], ...]:
    """The numbers with their times, the longest first."""
    known = ((value, number) for number, value in enumerate(values) if value != NEVER)
    return tuple(sorted(known, key=lambda entry: (-entry[0], entry[1])))


# --- whether a run can turn so --------------------------------------------------------------------------------------


def is_possible(ways: Ways, turn: Turn) -> bool:
    """Whether the graph allows it: some run turns with these steps under way, in doubt, and about to be undone."""
    graph = ways.graph
    under_way = {number for number in (turn.last, turn.doubtful, turn.refused) if number is not None}
    if any(graph.ancestors[one] >> other & 1 for one in under_way for other in under_way):
        return False
    if turn.refused is not None and turn.refused in (turn.last, turn.doubtful):
        return False
    if turn.first is not None and not is_undone(graph, turn, under_way):
        return False
    return is_uncommitted(ways, turn, under_way) and is_turned(ways, turn, under_way)


def is_undone(graph: Graph, turn: Turn, under_way: set[int]) -> bool:
    """The chain's first step has been sent by then, and it is done when all has settled."""
    assert turn.first is not None
    if turn.first in (turn.doubtful, turn.refused):
        return False
    return not any(graph.ancestors[turn.first] >> other & 1 for other in under_way)


def is_uncommitted(ways: Ways, turn: Turn, under_way: set[int]) -> bool:
    """No pivot but the refused one has been reached."""
    settled = settled_before(ways.graph, turn)
    members = settled | sum(1 << number for number in {*under_way, *named(turn.first)})
    for pivot in numbers(ways.pivots):
        if pivot != turn.refused and (members >> pivot & 1 or not ways.graph.ancestors[pivot] & ~settled):
            return False
    return turn.refused is None or not settled >> turn.refused & 1


def settled_before(graph: Graph, turn: Turn) -> int:
    """All that must have settled for these steps to have been sent."""
    settled = 0
    for number in turn.members:
        settled |= graph.ancestors[number]
    return settled


def is_turned(ways: Ways, turn: Turn, under_way: set[int]) -> bool:
    """Not everything is done in the end: a cancel that finds that is answered by a completed run (R6)."""
    if turn.refused is not None or turn.doubtful is not None:
        return True
    done = settled_before(ways.graph, turn) | sum(1 << number for number in {*under_way, *named(turn.first)})
    if done != (1 << len(ways.graph.order)) - 1:
        return True
    return turn.last is not None and turn.last != turn.first and bool(ways.failing >> turn.last & 1)


def named(number: int | None) -> tuple[int, ...]:
    return () if number is None else (number,)

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
    refusal: tuple[float, ...] = ()
    """Until a pivot is refused, where that counts; else the time begins with its refusal."""

    def refused_after(self, pivot: int | None) -> float:
        """How long it takes until this pivot is refused, if one is."""
        return self.refusal[pivot] if self.refusal and pivot is not None else 0.0


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
    return (
        max((*times.settle, *times.refusal, 0))
        + max((*times.revoke, 0))
        + max((*times.chain, times.alone if times.chain else 0, 0))
    )


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
    firsts = sorted(((time, number) for number, time in enumerate(times.chain) if time != NEVER), reverse=True)
    lasts, doubts = ranked(ways.graph, times.settle), ranked(ways.graph, times.revoke)
    entries: list[tuple[float, int | None]] = [*firsts]
    if times.alone != NEVER:
        entries.append((times.alone, None))
    for refused in (None, *ways.refusable):
        begun = times.refused_after(refused)
        for chain, first in entries:
            if chain + max(lasts.longest, begun) + doubts.longest <= floor[0]:
                break
            for turn in found_with(lasts, doubts, floor, refused, begun, first, chain):
                looked[0] += 1
                if looked[0] > LOOKED_MAX:
                    raise TooManyError
                if turn.total > floor[0] and is_possible(ways, turn):
                    yield turn


def found_with(
    lasts: Ranking,
    doubts: Ranking,
    floor: list[float],
    refused: int | None,
    begun: float,
    first: int | None,
    chain: float,
) -> Iterator[Turn]:
    """The turns with this first undo, the longest doubts first, and for each the longest that settle last."""
    named_already = tuple(number for number in (refused, first) if number is not None)
    for doubtful in (*doubts.beside(named_already, first), None):
        revoking = 0.0 if doubtful is None else doubts.times[doubtful]
        if chain + revoking + max(lasts.longest, begun) <= floor[0]:
            return
        named_now = named_already if doubtful is None else (*named_already, doubtful)
        for last in (*lasts.beside(named_now, first), None):
            total = chain + revoking + max(begun, 0.0 if last is None else lasts.times[last])
            yield Turn(total, last, doubtful, first, refused)
            if total <= floor[0]:
                break


@dataclass(frozen=True, slots=True)
class Ranking:
    """Steps by how long something takes of them, with who comes before and after each, as sets of ranks."""

    numbers: tuple[int, ...]
    """The steps, the longest first: a step's rank is its place."""
    times: tuple[float, ...]
    """By the number of the step."""
    before: tuple[int, ...]
    after: tuple[int, ...]
    longest: float

    def beside(self, members: tuple[int, ...], first: int | None) -> Iterator[int]:
        """The steps that may be under way while these are, the longest first; the first undo may be of an earlier."""
        barred = 0
        for member in members:
            barred |= self.before[member] | (0 if member == first else self.after[member])
        for rank in numbers(~barred & (1 << len(self.numbers)) - 1):
            yield self.numbers[rank]


def ranked(graph: Graph, times: Sequence[float]) -> Ranking:
    """The steps that can take part, ranked."""
    chosen = sorted((number for number, time in enumerate(times) if time != NEVER), key=lambda number: -times[number])
    rank = {number: 1 << place for place, number in enumerate(chosen)}
    count = len(graph.order)
    before, after = [0] * count, [0] * count
    for number in range(count):
        for earlier in graph.after[number]:
            before[number] |= before[earlier] | rank.get(earlier, 0)
    for number in reversed(range(count)):
        for later in graph.before[number]:
            after[number] |= after[later] | rank.get(later, 0)
    longest_time = times[chosen[0]] if chosen else 0.0
    return Ranking(tuple(chosen), tuple(times), tuple(before), tuple(after), longest_time)


# --- doubts that are revoked one after the other ---------------------------------------------------------------------


def heaviest(ways: Ways, times: Sequence[float], candidates: int, settled: int) -> tuple[float, tuple[int, ...]]:
    """The candidates that can be in doubt together and take longest in all; `settled` is what has settled anyway."""
    looked = [0]
    known: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}

    def best(left: int, past: int) -> tuple[float, tuple[int, ...]]:
        if not left:
            return 0.0, ()
        if (left, past) not in known:
            looked[0] += 1
            if looked[0] > LOOKED_MAX:
                raise TooManyError
            known[left, past] = max(chosen(left, past), key=lambda each: each[0])
        return known[left, past]

    def chosen(left: int, past: int) -> Iterator[tuple[float, tuple[int, ...]]]:
        number = left.bit_length() - 1
        rest, related = left & ~(1 << number), ways.graph.ancestors[number] | ways.graph.descendants[number]
        now = past | ways.graph.ancestors[number]
        is_free = not reached(ways, now)
        if is_free:
            total, others = best(rest & ~related, now)
            yield total + times[number], (*others, number)
        if not is_free or ways.pivots or rest & related:
            yield best(rest, past)

    return best(candidates, settled)


def reached(ways: Ways, settled: int) -> bool:
    """Some pivot that runs whenever it is reached has been."""
    return any(not ways.graph.ancestors[pivot] & ~settled for pivot in numbers(ways.pivots))


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

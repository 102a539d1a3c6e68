"""Two runs side by side that lock the same records: the kernel twice, and the lines of the journal between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from tests.properties.explorer import STATES_MAX, State, after, beginning, locked, ways_on
from tests.properties.machine import Machine
from tests.properties.plans import Case
from tests.properties.world import Violation

from sagac.runtime import kernel, locking
from sagac.runtime.commands import Acquire
from sagac.runtime.events import LockExpired
from sagac.runtime.run import Run

Lines: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]
"""For each lock who stands in line for it, the first first; sorted."""

SIDES: Final = (0, 1)


class Pair(NamedTuple):
    """The states of both runs, and the lines."""

    sides: tuple[State, State]
    lines: Lines


@dataclass(slots=True)
class Paired:
    """What a search saw."""

    states: int = 0
    findings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What must not be, each with a way to it."""
    both: int = 0
    """In how many states neither run has got its locks."""


@dataclass(frozen=True, slots=True)
class Table:
    """Two runs over one journal; each has services of its own, since only the locks are in question."""

    machines: tuple[Machine, Machine]
    expiring: bool
    """Whether a run may tire of waiting."""

    def first(self, crashes: int, cancels: int) -> Pair:
        """Both runs have just begun."""
        one, two = self.machines
        return Pair((beginning(one, crashes, cancels), beginning(two, 0, cancels)), ())

    def run(self, pair: Pair, side: int) -> Run:
        """What one of the runs has come to."""
        return self.machines[side].runs[pair.sides[side].run]

    def steps(self, pair: Pair) -> Iterator[tuple[str, Pair]]:
        """Everything that either run may do next."""
        for side in SIDES:
            machine, state = self.machines[side], pair.sides[side]
            for label, found in ways_on(machine, state):
                yield f"{side}: {label}", self.moved(pair, side, found)
            for command in machine.commands(state.run, state.now):
                if isinstance(command, Acquire):
                    yield from self.acquisitions(pair, side, command)

    def acquisitions(self, pair: Pair, side: int, command: Acquire) -> Iterator[tuple[str, Pair]]:
        """The step is locked if nobody stands before the run; else it lines up, and may tire of it."""
        machine, state, lines = self.machines[side], pair.sides[side], dict(pair.lines)
        ahead = next((lock for lock in command.locks if lines.get(lock, (side,))[0] != side), None)
        if ahead is None:
            found = after(machine, state, locked(command, state.now))
            yield f"{side}: {command.step} is locked", self.moved(pair, side, found)
            return
        for lock in command.locks[: command.locks.index(ahead) + 1]:
            if side not in lines.get(lock, ()):
                lines[lock] = (*lines.get(lock, ()), side)
        if (standing := sorted_lines(lines)) != pair.lines:
            yield f"{side}: {command.step} lines up", Pair(pair.sides, standing)
        if self.expiring:
            found = after(machine, state, LockExpired(command.step, state.now))
            yield f"{side}: {command.step} finds its lock taken", self.moved(pair, side, found)

    def moved(self, pair: Pair, side: int, found: State) -> Pair:
        """The lines follow the run, in the commit of its event."""
        before, now = self.run(pair, side), self.machines[side].runs[found.run]
        sides = (found, pair.sides[1]) if side == 0 else (pair.sides[0], found)
        return Pair(sides, pair.lines if now is before else led(pair.lines, side, before, now))

    def check(self, pair: Pair) -> None:
        """No two runs are between a lock and their ends."""
        shared = inside(self.run(pair, 0)) & inside(self.run(pair, 1))
        if shared:
            raise Violation(f"both runs are between the lock {min(shared)} and their ends")

    def waits(self, pair: Pair) -> bool:
        """Whether both wait for their locks."""
        return all(("locking", "none") in self.run(pair, side).kinds for side in SIDES)

    def is_over(self, pair: Pair) -> bool:
        """Whether a person must go on, or nobody need."""
        resting = [machine.resting(state.run) for machine, state in zip(self.machines, pair.sides, strict=True)]
        return all(resting) or any(kernel.status(self.run(pair, side)) == "held" for side in SIDES)


def explore(one: Case, two: Case, *, crashes: int = 0, cancels: int = 1, expiring: bool = True) -> Paired:
    """Every state that the two can reach together; of the first harm, how."""
    table = Table((Machine(one, one.inputs[0]), Machine(two, two.inputs[0])), expiring)
    paired, first = Paired(), table.first(crashes, cancels)
    parents: dict[Pair, tuple[Pair, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        assert len(parents) < STATES_MAX, "the search does not end"
        pair, label, is_last = queue.popleft(), "", True
        paired.both += table.waits(pair)
        try:
            for label, found in table.steps(pair):
                is_last = False
                if found not in parents:
                    parents[found] = (pair, label)
                    queue.append(found)
                    table.check(found)
            if is_last and not table.is_over(pair):
                raise Violation("each run waits for the other")
        except Violation as violation:
            paired.findings[violation.what] = (*way_to(pair, parents), *filter(None, [violation.label or label]))
            break
    paired.states = len(parents)
    return paired


def way_to(pair: Pair, parents: dict[Pair, tuple[Pair, str] | None]) -> tuple[str, ...]:
    """What happened before."""
    trace = []
    while (step := parents[pair]) is not None:
        pair, label = step
        trace.append(label)
    return tuple(reversed(trace))


def led(lines: Lines, side: int, before: Run, now: Run) -> Lines:
    """The lines after an event of one run: what it claims it has, what it drops or gives back it leaves."""
    claims, drops = locking.change(before, now)
    found = dict(lines)
    for lock in claims:
        assert found.get(lock, (side,))[0] == side, lock
        found.setdefault(lock, (side,))
    left = tuple(found) if gives_back(now) else drops
    for lock in left:
        found[lock] = tuple(one for one in found.get(lock, ()) if one != side)
    return sorted_lines(found)


def gives_back(run: Run) -> bool:
    """The end gives every lock back."""
    return kernel.is_ended(run)


def sorted_lines(lines: Mapping[str, tuple[int, ...]]) -> Lines:
    return tuple(sorted((lock, line) for lock, line in lines.items() if line))


def inside(run: Run) -> frozenset[str]:
    """The records that a run may have touched under a lock, or may touch, before its end."""
    if kernel.is_ended(run):
        return frozenset()
    steps = zip(run.plan.steps, run.actions, strict=True)
    return frozenset(lock.resource for step, action in steps if action.attempt for lock in step.locks)

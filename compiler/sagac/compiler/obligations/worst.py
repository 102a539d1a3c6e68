"""The worst case of a saga in numbers: what each step adds, how a sum of it is told, and what would make it fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec.structs import replace

from sagac.compiler import durations
from sagac.compiler.durations import FOREVER, spelled
from sagac.compiler.graph import Graph
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.turns import NEVER, Ways
from sagac.compiler.terms import TRUE
from sagac.compiler.verdicts import Critical
from sagac.compiler.wording import counted, duration
from sagac.runtime.plan import Plan, Schedule, Step

UP: Final = "a worker is up all the time, and adds nothing of its own"
"""The promise about downtime (settled question 16): declared downtime is zero."""

IN_TIME: Final = "a handler returns by its timeout"

UNDISTURBED: Final = "nothing is held for a person meanwhile"

STEADY: Final = (UP, IN_TIME, UNDISTURBED)
"""What every sum of times rests on (R15)."""

LISTED_MAX: Final = 200
"""So many sums that are too long are looked at, where the guards of a saga make the longer ones impossible."""

REPAIRED_MAX: Final = 500
"""In a saga of more steps than this nobody tries what fewer retries would do."""

TRIED_MAX: Final = 4
"""So many calls are tried with fewer retries one at a time."""

Place: TypeAlias = tuple[str, int | None]
"""A schedule: that of a step's do, or that of its undo with this number."""

SHOWN_MAX: Final = 12
"""So many lines of a sum are shown before the middle of it is left out."""


@dataclass(frozen=True, slots=True)
class Worst:
    """What the steps of a saga take at worst, by number."""

    steps: tuple[Step, ...]
    settle: tuple[float, ...]
    """From being enabled to being done, while the run goes forward."""
    drain: tuple[float, ...]
    """From the turn on, where a step is under way then."""
    revoke: tuple[float, ...]
    """The undo of a step in doubt; `NEVER` where its doubt is settled otherwise."""
    undo: tuple[float, ...]


def of(graph: Graph, plan: Plan) -> Worst:
    """The worst case of every step, as the emitted plan has it."""
    named = {step.name: step for step in plan.steps}
    steps = tuple(named[name] for name in graph.order)
    revoking = (durations.revoking_ms(step) for step in steps)
    return Worst(
        steps,
        tuple(map(durations.settling_ms, steps)),
        tuple(map(durations.draining_ms, steps)),
        tuple(NEVER if each is None else each for each in revoking),
        tuple(map(durations.undoing_ms, steps)),
    )


def ways(graph: Graph, conditions: Conditions, worst: Worst) -> Ways:
    """What decides whether a run can turn while certain steps are under way."""
    fixed = 0
    refusable = []
    failing = 0
    for number, step in enumerate(worst.steps):
        if step.pivot and conditions.done(step.name) == TRUE:
            fixed |= 1 << number
        if step.pivot and (step.fails or (step.schedule.retries is not None and not step.query)):
            refusable.append(number)
        if step.fails or step.doubt == "probe":
            failing |= 1 << number
    return Ways(graph, fixed, tuple(refusable), failing)


def skippable(graph: Graph, conditions: Conditions) -> int:
    """The steps that a guard may skip, as a set: a sum may have them or not."""
    return sum(1 << number for number, name in enumerate(graph.order) if conditions.done(name) != TRUE)


# --- telling --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a sum: what happens, why it takes so long, and how long."""

    what: str
    why: str
    takes: float


def told(parts: Sequence[Part], limit: float, limited: str) -> tuple[str, ...]:
    """A sum of times as lines, with what has passed by then, and the limit under it."""
    rows = []
    total = 0.0
    for part in parts:
        total += part.takes
        rows.append((part.what, part.why, spelled(part.takes), spelled(total)))
    rows = shortened(rows)
    rows.append(("in all", f"but {limited}", spelled(limit), spelled(total)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return tuple(
        f"{what:<{widths[0]}}  {why:<{widths[1]}}  {takes:>{widths[2]}}  {sum_:>{widths[3]}}".rstrip()
        for what, why, takes, sum_ in rows
    )


def shortened(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    """A long sum without its middle."""
    left_out = len(rows) - SHOWN_MAX
    if left_out <= 1:
        return rows
    head, tail = rows[: SHOWN_MAX // 2], rows[-SHOWN_MAX // 2 :]
    return [*head, ("…", f"{left_out} more", "", rows[-SHOWN_MAX // 2 - 1][3]), *tail]


def described(schedule: Schedule) -> str:
    """Why a call takes as long as it does."""
    if schedule.retries is None:
        return "repeated for ever"
    attempts = f"{counted(schedule.retries + 1, 'attempt')} of {spelled(schedule.timeout_ms)}"
    pauses = f", {counted(schedule.retries, 'pause')} of up to {spelled(schedule.backoff_max_ms)}"
    within = "" if schedule.within_ms is None else f", within {spelled(schedule.within_ms)}"
    return f"{attempts}{pauses if schedule.retries else ''}{within}"


def settling(worst: Worst, number: int) -> str:
    """Why a step takes as long as it does."""
    step = worst.steps[number]
    asked = "" if step.doubt != "probe" else ", then it lands or is asked about"
    waits = f"locks within {spelled(durations.waiting_ms(step))}, " if step.locks else ""
    return f"{waits}{described(step.schedule)}{asked}"


def undoing(worst: Worst, number: int) -> str:
    """Why a step's undo takes as long as it does."""
    undo = max(worst.steps[number].undos, key=lambda undo: durations.attempts_ms(undo.schedule))
    return described(undo.schedule)


def critical(parts: Iterable[Part], limit: float, limited: str, subject: str) -> Critical:
    """The sum as what shows a refutation."""
    return Critical(told([part for part in parts if part.takes], limit, limited), subject)


# --- what would make it fit -----------------------------------------------------------------------------------------


def fixes(
    plan: Plan, dos: Iterable[str], undos: Iterable[str], total: Callable[[Plan], float], limit: float
) -> tuple[str, ...]:
    """The first repair that was tried and fits: fewer retries of one call on the way, or else of all of them."""
    if len(plan.steps) > REPAIRED_MAX:
        return ()
    named = {step.name: step for step in plan.steps}
    places: list[Place] = [
        *((name, None) for name in dos),
        *((name, place) for name in undos for place in range(len(named[name].undos))),
    ]
    places = [each for each in dict.fromkeys(places) if schedule_of(named[each[0]], each[1]).retries]
    places.sort(key=lambda each: -durations.attempts_ms(schedule_of(named[each[0]], each[1])))
    for place in places[:TRIED_MAX]:
        fitting = most_retries(plan, (place,), total, limit)
        if fitting is not None:
            return (f"write `retry {fitting} times` in {where(place)}: that fits",)
    fitting = most_retries(plan, tuple(places), total, limit) if len(places) > 1 else None
    if fitting is None:
        return ()
    shown = ", ".join(map(where, places)) if len(places) <= TRIED_MAX else "every call on this way"
    return (f"write no more than `retry {fitting} times` in {shown}: that fits",)


def where(place: Place) -> str:
    """The place of a schedule in words."""
    return f"`{place[0]}`" if place[1] is None else f"the undo of `{place[0]}`"


def schedule_of(step: Step, place: int | None) -> Schedule:
    return step.schedule if place is None else step.undos[place].schedule


def most_retries(plan: Plan, places: tuple[Place, ...], total: Callable[[Plan], float], limit: float) -> int | None:
    """The most retries, fewer than now, that all of these may have so that all fits; by trying."""
    named = {step.name: step for step in plan.steps}
    now = (schedule_of(named[name], place).retries for name, place in places)
    low, high = -1, max((retries for retries in now if retries is not None), default=0)
    while high - low > 1:
        middle = (low + high) // 2
        if total(with_retries(plan, places, middle)) <= limit:
            low = middle
        else:
            high = middle
    return None if low < 0 else low


def with_retries(plan: Plan, places: tuple[Place, ...], retries: int) -> Plan:
    """The plan with no more retries than this in these places."""
    chosen = set(places)
    return replace(plan, steps=tuple(with_fewer(step, chosen, retries) for step in plan.steps))


def with_fewer(step: Step, chosen: set[Place], retries: int) -> Step:
    undos = tuple(
        replace(undo, schedule=fewer(undo.schedule, retries)) if (step.name, place) in chosen else undo
        for place, undo in enumerate(step.undos)
    )
    schedule = fewer(step.schedule, retries) if (step.name, None) in chosen else step.schedule
    return replace(step, schedule=schedule, undos=undos)


def fewer(schedule: Schedule, retries: int) -> Schedule:
    return schedule if schedule.retries is None else replace(schedule, retries=min(schedule.retries, retries))


def rounded(milliseconds: float) -> str:
    """A limit that is at least as long, as an author would write it."""
    assert milliseconds != FOREVER
    exact = int(-(-milliseconds // 1000)) * 1000
    for size, slack in ((60_000, 5), (3_600_000, 20), (86_400_000, 20)):
        up = -(-exact // size) * size
        if (up - exact) * slack <= exact:
            exact = up
    return duration(exact)

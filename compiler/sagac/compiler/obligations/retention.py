"""C5, retention: a service remembers a key for as long as a copy of the call may still be sent.

`idempotent for D` counts from the event that enables the first send (R3). The kernel sends nothing once D has passed,
and holds what would have to be sent: so what is shown here is that no run comes to that. A copy that is on its way may
arrive later than it was sent: by `lands within`, or, where that is not declared, by a promise with a number in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from msgspec.structs import replace

from sagac.compiler import durations, planner, wording
from sagac.compiler.durations import FOREVER, spelled
from sagac.compiler.graph import Graph
from sagac.compiler.model import Handler, Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations import hold_time, turns, windows
from sagac.compiler.obligations import worst as worst_of
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Story
from sagac.compiler.obligations.turns import Ranking, TooManyError, Turn, Ways
from sagac.compiler.obligations.worst import IN_TIME, UP, Part, Worst
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Claim, Proved, Undecided
from sagac.runtime.plan import Plan, Schedule, Step

RETRIES_MAX = 1_000
"""No more retries than this are advised in place of `retry forever`."""


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for each call whose service remembers its key for a while only."""
    planned = {step.name: step for step in plan.steps}
    worst = worst_of.of(graph, plan)
    draining = turns.ranked(graph, worst.drain)
    return tuple(
        obligation
        for step in saga.steps
        for obligation in (
            *sent(project, saga, graph, conditions, plan, worst, draining, step, planned[step.name]),
            *undone(project, saga, graph, conditions, plan, worst, step, planned[step.name]),
        )
    )


# --- the do ---------------------------------------------------------------------------------------------------------


def sent(
    project: Project,
    saga: Saga,
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    draining: Ranking,
    step: Written,
    planned: Step,
) -> Iterator[Obligation]:
    """The do, with the undo that revokes it where its answer was lost: that has to know its key too."""
    if planned.window_ms is None:
        return
    name = wording.operation(planned.call)
    text = f"every copy of `{name}` is sent while its key is remembered, for {spelled(planned.window_ms)}"
    claim = Claim("C5", saga.full_name, step.name, text, step.call.span)
    try:
        parts = do_parts(graph, conditions, plan, worst, draining, graph.number[step.name])
    except TooManyError:
        yield Settled(claim, Undecided(windows.MANY))
        return
    span = project.operation(step.call).span
    yield fits(claim, conditions, plan, step, None, parts, planned.window_ms, planned.lands_within_ms, name, span)


def do_parts(
    graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, draining: Ranking, number: int
) -> tuple[Part, ...]:
    """From the first send of a do until the last send of anything that its key has to be known for."""
    step = worst.steps[number]
    if step.doubt != "revoke":
        until = durations.last_send_ms(step.schedule)
        return (Part(f"{step.name}, until its last attempt", worst_of.described(step.schedule), until),)
    ways = worst_of.ways(graph, conditions, worst)
    last, others = (in_turn if plan.rollback_in_order else at_once)(graph, ways, worst, draining, number)
    undo = max(step.undos, key=lambda undo: durations.last_send_ms(undo.schedule))
    parts = [Part(f"{step.name}, in doubt", worst_of.described(step.schedule), durations.answering_ms(step))]
    if last is not None and worst.drain[last]:
        parts.append(Part(f"{graph.order[last]} settles", worst_of.settling(worst, last), worst.drain[last]))
    parts += (
        Part(f"undo {graph.order[other]}, in doubt", worst_of.undoing(worst, other), worst.revoke[other])
        for other in others
    )
    sent = durations.last_send_ms(undo.schedule)
    return (*parts, Part(f"undo {step.name}, until its last attempt", worst_of.described(undo.schedule), sent))


Between: TypeAlias = tuple[int | None, tuple[int, ...]]
"""What is waited for between a doubt and its undo: the step that settles last, and doubts that are revoked before."""


def at_once(graph: Graph, ways: Ways, worst: Worst, draining: Ranking, number: int) -> Between:
    """The slowest step that may be under way beside it: all doubts are revoked together."""
    found = (other for other in draining.beside((number,), None) if other != number)
    return next((other for other in found if turns.is_possible(ways, doubted(other, number))), None), ()


def in_turn(graph: Graph, ways: Ways, worst: Worst, draining: Ranking, number: int) -> Between:
    """The same with all doubts that there can be beside it, of which each is revoked before it."""
    found: list[tuple[float, Between]] = [(0.0, (None, ()))]
    for last in (None, *(other for other in draining.beside((number,), None) if other != number)):
        turn = doubted(last, number)
        if turns.is_possible(ways, turn):
            beside, settled = hold_time.doubtful_beside(graph, worst, turn), turns.settled_before(graph, turn)
            more, others = turns.heaviest(ways, worst.revoke, beside, settled)
            found.append(((0.0 if last is None else worst.drain[last]) + more, (last, others)))
    return max(found, key=lambda each: each[0])[1]


def doubted(last: int | None, number: int) -> Turn:
    """The turn at this step's doubt, where another one settles last."""
    return Turn(0.0, last, number, None, None)


# --- the undo -------------------------------------------------------------------------------------------------------


def undone(
    project: Project,
    saga: Saga,
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    step: Written,
    planned: Step,
) -> Iterator[Obligation]:
    """The undos: by their own window, or, where an undo is idempotent only because it revokes, by that of the do."""
    for place, (handler, undo) in enumerate(zip(step.handlers, planned.undos, strict=True)):
        name = wording.operation(undo.call)
        if undo.idempotent and undo.window_ms is not None:
            limit: float = undo.window_ms
            if undo.revokes:
                limit = FOREVER if planned.window_ms is None else max(limit, planned.window_ms)
            if limit == FOREVER:
                continue
            text = f"every copy of `{name}` is sent while its key is remembered, for {spelled(limit)}"
            claim = Claim("C5", saga.full_name, step.name, text, handler.span)
            last = durations.last_send_ms(undo.schedule)
            parts = (Part(f"undo {step.name}, until its last attempt", worst_of.described(undo.schedule), last),)
            operation = project.operation(handler.call)
            yield fits(
                claim, conditions, plan, step, place, parts, int(limit), operation.lands_within_ms, name, operation.span
            )
        elif undo.revokes and not undo.idempotent and planned.window_ms is not None:
            yield known_still(saga, graph, conditions, plan, worst, step, handler, planned.window_ms)


def known_still(
    saga: Saga,
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    step: Written,
    handler: Handler,
    limit: int,
) -> Obligation:
    """An undo that is idempotent for as long as what it revokes is confirmed before that has passed, however late."""
    name = wording.operation(planner.called(handler.call))
    text = f"`{name}` revokes while the key of what it revokes is remembered, for {spelled(limit)}"
    claim = Claim("C5", saga.full_name, step.name, text, handler.span)
    number = graph.number[step.name]
    sinks = tuple(other for other in range(len(graph.order)) if not graph.before[other])
    span = hold_time.measured(graph, worst, number, number, sinks, forward=False)
    return hold_time.within(claim, graph, conditions, plan, worst, span, limit, step)


# --- both -----------------------------------------------------------------------------------------------------------


def fits(
    claim: Claim,
    conditions: Conditions,
    plan: Plan,
    step: Written,
    place: int | None,
    parts: tuple[Part, ...],
    window_ms: int,
    lands_ms: int | None,
    name: str,
    declared: Span,
) -> Obligation:
    """The parts, and the time in which the last copy lands, are over before the key is forgotten."""
    if lands_ms is not None:
        parts = (*parts, Part("the last copy is on its way", f"lands within {spelled(lands_ms)}", lands_ms))
    total = sum(part.takes for part in parts)
    if total < window_ms:
        return Settled(claim, Proved(rests_on(name, window_ms - total, lands_ms)))
    known = f"its key is remembered for {spelled(window_ms)}"
    message = f"a copy of `{name}` may come {spelled(total)} after the first, but {known}"
    if total == FOREVER:
        message = f"`{name}` is sent again for ever, but {known}"
    story = Story(
        message=message,
        place=declared,
        place_text="this is how long",
        help=repairs(plan, step, place, total, window_ms, parts),
    )
    shown = worst_of.critical(parts, window_ms, f"the key of `{name}` is known for", step.name)
    case = Case(conditions.enabled[step.name], story, critical=shown)
    return Never(claim, lambda: iter((case,)), proved=Proved(rests_on(name, 0, lands_ms)))


def rests_on(name: str, slack: float, lands_ms: int | None) -> tuple[str, ...]:
    """What is taken for granted of copies on their way, and of the worker."""
    if lands_ms is not None:
        return f"`{name}` lands within {wording.duration(lands_ms)} or never", IN_TIME, UP
    return f"a copy of `{name}` arrives within {spelled(slack)} of being sent, or never", IN_TIME, UP


def repairs(
    plan: Plan, step: Written, place: int | None, total: float, window_ms: int, parts: tuple[Part, ...]
) -> tuple[str, ...]:
    """A window that is long enough, or the most retries that fit."""
    planned = next(each for each in plan.steps if each.name == step.name)
    schedule = worst_of.schedule_of(planned, place)
    rest = total - durations.attempts_ms(schedule)
    if total == FOREVER:
        rest = sum(part.takes for part in parts if part.takes != FOREVER) - schedule.timeout_ms
    fewer = fitting(schedule, window_ms - rest)
    where = f"`{step.name}`" if place is None else f"the undo of `{step.name}`"
    found = () if fewer is None else (f"write `retry {fewer} times` in {where}: that fits",)
    if total == FOREVER:
        return (*found, "or declare `idempotent` without `for`")
    return (*found, f"or declare `idempotent for {worst_of.rounded(total + 1)}`, if the service does remember so long")


def fitting(schedule: Schedule, room_ms: float) -> int | None:
    """The most retries, fewer than now, after which all is over within a time."""
    least, beyond = -1, RETRIES_MAX if schedule.retries is None else schedule.retries
    while beyond - least > 1:
        middle = (least + beyond) // 2
        if durations.attempts_ms(replace(schedule, retries=middle)) < room_ms:
            least = middle
        else:
            beyond = middle
    return None if least < 0 else least

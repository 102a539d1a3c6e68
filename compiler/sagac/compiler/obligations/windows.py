"""E2, windows: a run reaches its point of no return by its deadline, and a rollback ends in the time that it is given.

Worst-case durations are added up along the order of the steps: forward to each pivot, or to the end where there is
none; and backward from every state in which the run can turn, with what is under way then, the doubts that are revoked,
and the undos. Nothing here is asked of a solver but whether the guards of a sum that is too long go together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sagac.compiler.durations import FOREVER, spelled
from sagac.compiler.graph import Graph, numbers
from sagac.compiler.model import Saga
from sagac.compiler.obligations import paths, turning, turns
from sagac.compiler.obligations import worst as worst_of
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Story
from sagac.compiler.obligations.turns import NEVER, Times, TooManyError, Turn
from sagac.compiler.obligations.worst import STEADY, Part, Worst
from sagac.compiler.terms import TRUE, Formula, both
from sagac.compiler.verdicts import Claim, Critical, Proved, Undecided
from sagac.runtime.plan import Plan

MANY = "too many combinations of steps take too long to look at each"


def owe(saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for the deadline and one for `rollback within`, where the saga says them."""
    worst = worst_of.of(graph, plan)
    found: list[Obligation] = []
    if saga.deadline_ms is not None:
        found.append(deadline(saga, graph, conditions, plan, worst, saga.deadline_ms))
    if saga.rollback_within_ms is not None:
        found.append(rollback(saga, graph, conditions, plan, worst, saga.rollback_within_ms))
    return tuple(found)


# --- forward --------------------------------------------------------------------------------------------------------


def deadline(saga: Saga, graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, limit: int) -> Obligation:
    """Every run reaches the point of no return, or its end, by the deadline."""
    where = f"its point of no return, `{conditions.pivots[0]}`," if len(conditions.pivots) == 1 else "its end"
    if len(conditions.pivots) > 1:
        where = "a point of no return"
    text = f"a run reaches {where} within its deadline of {spelled(limit)}"
    claim = Claim("E2", saga.full_name, "", text, saga.deadline_span or saga.name_span)
    if forward_ms(graph, conditions, worst) <= limit:
        return Settled(claim, Proved(STEADY))

    def cases() -> Iterator[Case]:
        yield from forward_cases(graph, conditions, plan, worst, limit)

    return Never(claim, cases, proved=Proved(STEADY))


def targets(graph: Graph, conditions: Conditions) -> tuple[tuple[int, bool], ...]:
    """Where the deadline is met: each pivot, before it is sent; each last step after it, if no pivot need run."""
    pivots = tuple((graph.number[name], False) for name in conditions.pivots)
    if any(conditions.done(name) == TRUE for name in conditions.pivots):
        return pivots
    last = (number for number in range(len(graph.order)) if not graph.before[number])
    return (*pivots, *((number, True) for number in last if graph.order[number] not in conditions.pivots))


def forward_ms(graph: Graph, conditions: Conditions, worst: Worst) -> float:
    """The longest way forward, whatever the guards say."""
    over = paths.ends(graph, worst.settle)
    return max(
        (over[number] if whole else paths.until(graph, over, number) for number, whole in targets(graph, conditions)),
        default=0,
    )


def forward_cases(graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, limit: int) -> Iterator[Case]:
    """Each way forward that takes too long, the longest to each target first."""
    over = paths.ends(graph, worst.settle)
    reached = {
        number: over[number] if whole else paths.until(graph, over, number)
        for number, whole in targets(graph, conditions)
    }
    for number, whole in sorted(targets(graph, conditions), key=lambda each: -reached[each[0]]):
        if reached[number] <= limit:
            break
        times = tuple(0.0 if at == number and not whole else each for at, each in enumerate(worst.settle))
        found = paths.ends(graph, times)
        optional = worst_of.skippable(graph, conditions)
        too_long = (path for path in paths.longest(graph, times, found, number, optional=optional))
        for listed, (total, steps) in enumerate(too_long):
            if total <= limit:
                break
            if listed == worst_of.LISTED_MAX:
                yield unexplored()
                return
            yield forward_case(graph, conditions, plan, worst, limit, total, steps, number, whole)


def forward_case(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    limit: int,
    total: float,
    steps: tuple[int, ...],
    number: int,
    whole: bool,
) -> Case:
    """The run in which these steps take as long as they can."""
    names = [graph.order[step] for step in steps]
    condition = both(*(conditions.enabled[name] for name in names))
    if whole:
        settled = graph.ancestors[number]
        condition = both(condition, turning.uncommitted(graph, conditions, settled, graph.order[number]))
    counted = [step for step in steps if whole or step != number]
    parts = [Part(graph.order[step], worst_of.settling(worst, step), worst.settle[step]) for step in counted]
    goal = "its end" if whole else f"the point of no return, `{graph.order[number]}`"
    message = f"a run may take {spelled(total)} to reach {goal}, but its deadline is {spelled(limit)}"
    if total == FOREVER:
        message = f"a run may never reach {goal}, but its deadline is {spelled(limit)}"
    shown = worst_of.critical(parts, limit, "the deadline is", graph.order[number])
    fixes = worst_of.fixes(
        plan,
        [graph.order[step] for step in counted],
        (),
        lambda changed: forward_ms(graph, conditions, worst_of.of(graph, changed)),
        limit,
    )
    longer = forward_ms(graph, conditions, worst)
    more = () if longer == FOREVER else (f"or allow for it: `deadline {worst_of.rounded(longer)}`",)
    return Case(condition, Story(message=message, help=(*fixes, *more)), critical=shown)


def unexplored() -> Case:
    """There are more sums than are looked at: nothing is claimed then."""
    return Case(TRUE, Story(), unexplored=MANY)


# --- back -----------------------------------------------------------------------------------------------------------


def rollback(saga: Saga, graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, limit: int) -> Obligation:
    """From every state in which a run can turn, it is rolled back in time."""
    text = f"a rollback ends within {spelled(limit)}, wherever the run turns"
    claim = Claim("E2", saga.full_name, "", text, saga.rollback_span or saga.name_span)
    if plan.rollback_in_order:
        return in_order(claim, graph, conditions, plan, worst, limit)
    if turns.bound(times(graph, conditions, worst)) <= limit:
        return Settled(claim, Proved(STEADY))
    try:
        if backward_ms(graph, conditions, worst) <= limit:
            return Settled(claim, Proved(STEADY))
    except TooManyError:
        return Settled(claim, Undecided(MANY))

    def cases() -> Iterator[Case]:
        try:
            yield from backward_cases(graph, conditions, plan, worst, limit)
        except TooManyError:
            yield unexplored()

    return Never(claim, cases, proved=Proved(STEADY))


def times(graph: Graph, conditions: Conditions, worst: Worst) -> Times:
    """What each step may add to a rollback: at a pivot that runs in every run, and behind it, none turns any more."""
    committed = 0
    for pivot in numbers(worst_of.ways(graph, conditions, worst).pivots):
        committed |= graph.descendants[pivot] | 1 << pivot
    drain = tuple(NEVER if committed >> number & 1 else each for number, each in enumerate(worst.drain))
    revoke = tuple(NEVER if committed >> number & 1 else each for number, each in enumerate(worst.revoke))
    return Times(drain, revoke, worst.undo, paths.ends(graph, worst.undo), 0)


def backward_ms(graph: Graph, conditions: Conditions, worst: Worst) -> float:
    """The longest rollback, whatever the guards say."""
    turn = turns.longest(worst_of.ways(graph, conditions, worst), times(graph, conditions, worst))
    return 0 if turn is None else turn.total


def backward_cases(graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, limit: int) -> Iterator[Case]:
    """Each rollback that takes too long, the longest first."""
    ways, optional, given = (
        worst_of.ways(graph, conditions, worst),
        worst_of.skippable(graph, conditions),
        times(graph, conditions, worst),
    )
    longest = turns.longest(ways, given)
    assert longest is not None
    first = next(chains(graph, worst, given, longest, optional))
    yield backward_case(graph, conditions, plan, worst, limit, longest, first)
    listed = 0
    for turn in turns.all_above(ways, given, limit):
        for chain in chains(graph, worst, given, turn, optional):
            if chain[0] + turn.total - held(given, turn) <= limit:
                break
            listed += 1
            if listed > worst_of.LISTED_MAX:
                yield unexplored()
                return
            yield backward_case(graph, conditions, plan, worst, limit, turn, chain)


def held(given: Times, turn: Turn) -> float:
    """What the chain of undos adds to a turn."""
    return given.alone if turn.first is None else given.chain[turn.first]


def chains(graph: Graph, worst: Worst, given: Times, turn: Turn, optional: int) -> Iterator[paths.Path]:
    """The chains of undos that a turn may begin with, the longest first."""
    if turn.first is None:
        yield given.alone, ()
        return
    yield from paths.longest(graph, worst.undo, given.chain, turn.first, optional=optional)


def backward_case(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    limit: int,
    turn: Turn,
    chain: paths.Path,
) -> Case:
    """The rollback in which all of this takes as long as it can."""
    parts = [*before_undos(graph, worst, turn, worst.drain), *undone(graph, worst, reversed(chain[1]))]
    total = sum(part.takes for part in parts)
    message = f"a rollback may take {spelled(total)}, but `rollback within` is {spelled(limit)}"
    if total == FOREVER:
        message = f"a rollback may never end, but `rollback within` is {spelled(limit)}"
    fixes = worst_of.fixes(
        plan,
        [graph.order[number] for number in (turn.last,) if number is not None],
        [graph.order[number] for number in (*chain[1], *turns.named(turn.doubtful)) if worst.undo[number]],
        fitting(graph, conditions),
        limit,
    )
    longest = backward_ms(graph, conditions, worst)
    more = () if longest == FOREVER else (f"or allow for it: `rollback within {worst_of.rounded(longest)}`",)
    shown = worst_of.critical(parts, limit, "`rollback within` is", "")
    lines = (how_turned(graph, turn), *shown.lines)
    story = Story(message=message, help=(*fixes, *more))
    return Case(together(graph, conditions, turn, chain[1]), story, critical=Critical(lines))


def fitting(graph: Graph, conditions: Conditions) -> Callable[[Plan], float]:
    """How long a rollback takes with another plan; without end where that is not found out."""

    def total(changed: Plan) -> float:
        try:
            return backward_ms(graph, conditions, worst_of.of(graph, changed))
        except TooManyError:
            return FOREVER

    return total


def how_turned(graph: Graph, turn: Turn) -> str:
    """What turns the run."""
    if turn.refused is not None:
        return f"`{graph.order[turn.refused]}` is refused"
    if turn.last is None and turn.doubtful is not None:
        return f"nobody knows whether `{graph.order[turn.doubtful]}` took effect"
    under_way = "" if turn.last is None else f" while `{graph.order[turn.last]}` is under way"
    return f"the run is cancelled{under_way}"


def before_undos(graph: Graph, worst: Worst, turn: Turn, settling: tuple[float, ...]) -> Iterator[Part]:
    """What comes before the first undo of what is done."""
    if turn.last is not None:
        yield Part(f"{graph.order[turn.last]} settles", worst_of.settling(worst, turn.last), settling[turn.last])
    if turn.doubtful is not None:
        yield Part(
            f"undo {graph.order[turn.doubtful]}, in doubt",
            worst_of.undoing(worst, turn.doubtful),
            worst.revoke[turn.doubtful],
        )


def undone(graph: Graph, worst: Worst, chain: Iterator[int]) -> Iterator[Part]:
    """The undos of a chain, in the order in which they run."""
    for number in chain:
        if worst.undo[number]:
            yield Part(f"undo {graph.order[number]}", worst_of.undoing(worst, number), worst.undo[number])


def together(graph: Graph, conditions: Conditions, turn: Turn, chain: tuple[int, ...]) -> Formula:
    """The guards let all of it happen in one run that has passed no pivot but the one that is refused."""
    settled = turns.settled_before(graph, turn)
    allowed = () if turn.refused is None else (graph.order[turn.refused],)
    members = {*turn.members, *chain}
    return both(
        *(conditions.enabled[graph.order[number]] for number in sorted(members)),
        turning.uncommitted(graph, conditions, settled, *allowed),
    )


# --- back, one undo at a time ---------------------------------------------------------------------------------------


GUARDED_MAX = 10
"""With more guarded undos than this not every choice of them is looked at."""


def in_order(claim: Claim, graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, limit: int) -> Obligation:
    """`rollback in order` undoes one step at a time: the undos of all that stands add up."""
    if max((*worst.drain, 0)) + sum(worst.undo) <= limit:
        return Settled(claim, Proved(STEADY))
    if serial_ms(graph, conditions, worst) <= limit:
        return Settled(claim, Proved(STEADY))

    def cases() -> Iterator[Case]:
        for listed, (turn, steps) in enumerate(serial_choices(graph, conditions, worst, limit)):
            if listed == worst_of.LISTED_MAX:
                yield unexplored()
                return
            yield serial_case(graph, conditions, plan, worst, limit, turn, steps)

    return Never(claim, cases, proved=Proved(STEADY))


def serial_ms(graph: Graph, conditions: Conditions, worst: Worst) -> float:
    """The longest rollback, one undo at a time, whatever the guards say."""
    return max((turn.total for turn, _ in serial_turns(graph, conditions, worst)), default=0)


def serial_turns(
    graph: Graph, conditions: Conditions, worst: Worst, refusal: tuple[float, ...] = ()
) -> Iterator[tuple[Turn, int]]:
    """For each step that settles last, how the run turns, and the most that can have to be undone.

    `refusal` has the time until a pivot is refused, where that counts.
    """
    ways = worst_of.ways(graph, conditions, worst)
    for refused in (None, *ways.refusable):
        for last in (None, *range(len(graph.order))):
            for blocker in blockers(graph, ways, refused, last):
                under_way = {number for number in (refused, last, blocker) if number is not None}
                if (last is not None and last == refused) or not is_uncommitted(graph, ways, refused, under_way):
                    continue
                stands = (1 << len(graph.order)) - 1
                for number in (*under_way, *numbers(ways.pivots)):
                    stands &= ~graph.descendants[number]
                for number in (*turns.named(refused), *numbers(ways.pivots)):
                    stands &= ~(1 << number)
                begun = refusal[refused] if refusal and refused is not None else 0.0
                yield from (
                    (Turn(total_of(worst, last, part, begun), last, None, None, refused), part)
                    for part in turned(graph, ways, worst, stands, last)
                )


def is_uncommitted(graph: Graph, ways: turns.Ways, refused: int | None, under_way: set[int]) -> bool:
    """These can be under way together, and none of them is a pivot, or comes after one, but for the refused one."""
    for one in under_way:
        if any(graph.ancestors[one] >> other & 1 for other in under_way):
            return False
        if one != refused and (graph.ancestors[one] | 1 << one) & ways.pivots:
            return False
    return True


def blockers(graph: Graph, ways: turns.Ways, refused: int | None, last: int | None) -> tuple[int | None, ...]:
    """The steps that may be under way beside the last one, so that no pivot has been reached yet."""
    for pivot in numbers(ways.pivots):
        if pivot == refused:
            continue
        if last is None or not graph.ancestors[pivot] >> last & 1:
            return graph.after[pivot]
    return (None,)


def turned(graph: Graph, ways: turns.Ways, worst: Worst, stands: int, last: int | None) -> Iterator[int]:
    """What stands in the end, without one step that fails where everything else is done."""
    last_ones = [number for number in range(len(graph.order)) if not graph.before[number]]
    everything = (1 << len(graph.order)) - 1
    if stands != everything or any(worst.revoke[number] != turns.NEVER for number in last_ones):
        yield stands  # a step in doubt is revoked: it adds its undo although it has failed
        return
    for number in last_ones:
        if number != last or ways.failing >> number & 1:
            yield stands & ~(1 << number)


def total_of(worst: Worst, last: int | None, stands: int, begun: float = 0.0) -> float:
    """How long it takes until this step has settled, though not before `begun`, and all of these are undone."""
    undos = [worst.undo[number] for number in numbers(stands)]
    return max(begun, 0.0 if last is None else worst.drain[last]) + sum(undos)


def serial_choices(
    graph: Graph, conditions: Conditions, worst: Worst, limit: int, refusal: tuple[float, ...] = ()
) -> Iterator[tuple[Turn, tuple[int, ...]]]:
    """The rollbacks that take too long, with each choice of what a guard may have skipped; the longest turns first."""
    optional = worst_of.skippable(graph, conditions)
    found = sorted(serial_turns(graph, conditions, worst, refusal), key=lambda each: (-each[0].total, each[1]))
    for turn, stands in found:
        if turn.total <= limit:
            return
        fixed = stands & ~optional
        guarded = [number for number in numbers(stands & optional) if worst.undo[number]]
        for choice in range(1 << min(len(guarded), GUARDED_MAX)):
            kept = [number for place, number in enumerate(guarded) if not choice >> place & 1]
            members = fixed | sum(1 << number for number in kept)
            begun = refusal[turn.refused] if refusal and turn.refused is not None else 0.0
            if total_of(worst, turn.last, members, begun) > limit:
                yield turn, tuple(number for number in numbers(members) if worst.undo[number])


def serial_case(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    limit: int,
    turn: Turn,
    steps: tuple[int, ...],
) -> Case:
    """The rollback in which all of this takes as long as it can."""
    parts = [*before_undos(graph, worst, turn, worst.drain), *undone(graph, worst, reversed(steps))]
    total = sum(part.takes for part in parts)
    message = f"a rollback in order may take {spelled(total)}, but `rollback within` is {spelled(limit)}"
    fixes = worst_of.fixes(
        plan,
        [graph.order[number] for number in (turn.last,) if number is not None],
        [graph.order[number] for number in steps],
        lambda changed: serial_ms(graph, conditions, worst_of.of(graph, changed)),
        limit,
    )
    longest = serial_ms(graph, conditions, worst)
    more = () if longest == FOREVER else (f"or allow for it: `rollback within {worst_of.rounded(longest)} in order`",)
    lines = (how_turned(graph, turn), *worst_of.critical(parts, limit, "`rollback within` is", "").lines)
    story = Story(message=message, help=(*fixes, *more))
    return Case(together(graph, conditions, turn, steps), story, critical=Critical(lines))

"""E1, hold time: what a command holds for a while is confirmed or given back before it lapses by itself.

`holds for D skew S` counts from the send of the step's do. The longest way forward from there, among all that is not
over by then, ends with the step that confirms; the longest way back is a turn, what is under way then, and the undos
down to the step's own. Both have to fit into D less S.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sagac.compiler import durations, wording
from sagac.compiler.durations import FOREVER, spelled
from sagac.compiler.graph import Graph, numbers
from sagac.compiler.model import Hold, Operation, Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations import paths, turns, windows
from sagac.compiler.obligations import worst as worst_of
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Story
from sagac.compiler.obligations.turns import NEVER, Times, TooManyError, Turn
from sagac.compiler.obligations.worst import STEADY, Part, Worst
from sagac.compiler.terms import TRUE, both
from sagac.compiler.verdicts import Claim, Critical, Proved, Undecided, Verdict
from sagac.runtime.plan import Plan

EXACT_MAX: Final = 200
"""In a saga of more steps than this, what is left over of a hold is not computed to the millisecond where it fits."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at between the send of a step's do and the moment when nothing is held any more."""

    number: int
    """The step that holds."""
    target: int | None
    """The step whose undo gives it back; `None` where none does."""
    goals: tuple[int, ...]
    """The steps that confirm it, or with which the run is over."""
    before: tuple[float, ...]
    """What each step takes until it has settled, what is repeated for ever aside."""
    over: tuple[float, ...]
    """The longest time, from the send of the step's do, until each step is over."""
    patience: tuple[int, ...]
    """The steps on the way that are repeated for ever: how long they take is a promise."""
    forward: bool = True
    """Whether the way forward counts too."""
    confirmed: int = 0
    """The steps that confirm it in every run, and all that comes after them, as a set: then nothing is to be undone."""


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for each step whose command holds something for a while."""
    held = [(step, hold) for step in saga.steps if (hold := project.operation(step.call).hold) is not None]
    if not held:
        return ()
    worst = worst_of.of(graph, plan)
    calls = called(graph, conditions)
    most = most_ms(graph, worst, plan)
    return tuple(kept(project, saga, graph, conditions, plan, worst, calls, most, step, hold) for step, hold in held)


Calls: TypeAlias = Mapping[tuple[str, str], tuple[Written, int]]
"""For each command a step that calls it, and all that do, as a set."""


def called(graph: Graph, conditions: Conditions) -> Calls:
    """The steps by what they call: steps that call the same confirm the same."""
    found: dict[tuple[str, str], tuple[Written, int]] = {}
    for number, name in enumerate(graph.order):
        step = conditions.steps[name]
        one, steps = found.get((step.call.service, step.call.operation), (step, 0))
        found[step.call.service, step.call.operation] = one, steps | 1 << number
    return found


def most_ms(graph: Graph, worst: Worst, plan: Plan) -> float:
    """No span of the saga takes longer: the longest of each part of any, whether they go together or not."""
    if plan.rollback_in_order or len(graph.order) <= EXACT_MAX:
        return FOREVER
    own = map(durations.answering_ms, worst.steps)
    before = (max(times) for times in zip(map(steady, worst.settle), map(steady, own), strict=True))
    way = max(paths.ends(graph, tuple(before)))
    return way + max((*worst.revoke, 0)) + max((*paths.ends(graph, worst.undo), 0))


def steady(time: float) -> float:
    """A time, what is repeated for ever aside."""
    return 0.0 if time == FOREVER else time


def kept(
    project: Project,
    saga: Saga,
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    calls: Calls,
    most: float,
    step: Written,
    hold: Hold,
) -> Obligation:
    """What the step holds is confirmed or given back in time."""
    limit = hold.for_ms - hold.skew_ms
    less = f" less {spelled(hold.skew_ms)} of skew" if hold.skew_ms else ""
    text = f"what `{step.name}` holds is confirmed or given back within {spelled(hold.for_ms)}{less}"
    claim = Claim("E1", saga.full_name, step.name, text, step.call.span)
    confirming = confirmers(project, graph, calls, step)
    if most <= limit:
        way = awaited(graph, graph.number[step.name], goals_of(graph, graph.number[step.name], confirming))
        return Settled(claim, proved(worst, patient(worst, way), limit - most))
    span = spanned(graph, conditions, worst, step, confirming)
    return within(claim, graph, conditions, plan, worst, span, limit, step)


def within(
    claim: Claim,
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    step: Written,
) -> Obligation:
    """The claim that a span fits into a limit."""
    in_order = plan.rollback_in_order
    total = bound_ms(graph, worst, span, in_order=in_order)
    if len(graph.order) <= EXACT_MAX or total > limit:
        try:
            total = total_ms(graph, conditions, worst, span, in_order=in_order)
        except TooManyError:
            return Settled(claim, Undecided(windows.MANY))
    if total <= limit:
        return Settled(claim, proved(worst, span.patience, limit - total))

    def cases() -> Iterator[Case]:
        try:
            yield from too_long(graph, conditions, plan, worst, span, limit, step)
        except TooManyError:
            yield windows.unexplored()

    return Never(claim, cases, proved=proved(worst, span.patience, 0))


def proved(worst: Worst, patience: Iterable[int], slack: float) -> Verdict:
    """What it rests on: that nothing else adds time, and that what is repeated for ever is answered in time."""
    asked = tuple(dict.fromkeys(wording.operation(worst.steps[number].call) for number in patience))
    if not asked:
        return Proved(STEADY)
    verb = "is" if len(asked) == 1 else "are"
    inside = f"within {spelled(slack)}{' in all' if len(asked) > 1 else ''}"
    return Proved((f"{wording.listing(asked)} {verb} answered {inside}, `retry forever` or not", *STEADY))


# --- the span -------------------------------------------------------------------------------------------------------


def spanned(graph: Graph, conditions: Conditions, worst: Worst, step: Written, confirming: tuple[int, ...]) -> Span:
    """From the step's do to what confirms it, and to what undoes it."""
    number = graph.number[step.name]
    confirmed = 0
    for goal in confirming:
        if conditions.done(graph.order[goal]) == TRUE:
            confirmed |= graph.descendants[goal] | 1 << goal
    goals = goals_of(graph, number, confirming)
    return replace(measured(graph, worst, number, undone_with(graph, step), goals), confirmed=confirmed)


def confirmers(project: Project, graph: Graph, calls: Calls, step: Written) -> tuple[int, ...]:
    """The later steps whose commands confirm what this one holds."""
    found = 0
    for later, steps in calls.values():
        if confirms(project, step, later):
            found |= steps
    return tuple(numbers(found & graph.descendants[graph.number[step.name]]))


def goals_of(graph: Graph, number: int, confirming: tuple[int, ...]) -> tuple[int, ...]:
    """The steps that confirm what a step holds, or with which the run is over."""
    rest = ~graph.ancestors[number] & (1 << len(graph.order)) - 1
    return confirming or tuple(other for other in numbers(rest) if not graph.before[other])


def awaited(graph: Graph, number: int, goals: tuple[int, ...]) -> int:
    """The steps on the way from a step to its goals, as a set."""
    way = 0
    for goal in goals:
        way |= graph.ancestors[goal] | 1 << goal
    return way & ~graph.ancestors[number]


def patient(worst: Worst, way: int) -> tuple[int, ...]:
    """The steps on the way that are repeated for ever."""
    return tuple(number for number in numbers(way) if worst.settle[number] == FOREVER)


def measured(
    graph: Graph, worst: Worst, number: int, target: int | None, goals: tuple[int, ...], *, forward: bool = True
) -> Span:
    """The times of a span, counted from the send of the step's do."""
    before = [each if each != FOREVER else 0.0 for each in worst.settle]
    own = durations.answering_ms(worst.steps[number])
    before[number] = own if own != FOREVER else 0.0
    over = paths.ends(graph, before, without=graph.ancestors[number])
    patience = patient(worst, awaited(graph, number, goals))
    return Span(number, target, goals, tuple(before), over, patience, forward)


def undone_with(graph: Graph, step: Written) -> int | None:
    """The step whose undo gives back what this one holds."""
    if step.handlers:
        return graph.number[step.name]
    if step.remainder is not None and step.remainder.kind == "undone by":
        return graph.number[step.remainder.step]
    return None


def confirms(project: Project, step: Written, later: Written) -> bool:
    """Whether a later step's command makes definite, or uses up, what the step's command holds."""
    holding, using = project.operation(step.call), project.operation(later.call)
    return any(ends(project, holding, using, change.resource) for change in holding.changes)


def ends(project: Project, holding: Operation, using: Operation, resource: str) -> bool:
    """Whether one command ends what another one holds in a resource."""
    declared = project.resource(resource)
    held = {field.name for field in declared.fields if field.hold}
    for change in holding.changes:
        for later in using.changes:
            if change.resource != resource or later.resource != resource:
                continue
            given = {each.field for each in change.assignments if each.operator != "-="} & held
            if given & {each.field for each in later.assignments if each.operator != "+="}:
                return True
            if change.target in declared.held_states and later.source == change.target:
                return True
    return False


# --- sums -----------------------------------------------------------------------------------------------------------


def total_ms(graph: Graph, conditions: Conditions, worst: Worst, span: Span, *, in_order: bool) -> float:
    """The longest time that a span may take, whatever the guards say."""
    forward = max((span.over[goal] for goal in span.goals), default=0) if span.forward else 0
    if in_order:
        return max(forward, serial_ms(graph, conditions, worst, span))
    back = turns.longest(worst_of.ways(graph, conditions, worst), back_times(graph, worst, span))
    revoked = max((turn.total for turn in revocations(graph, conditions, worst, span)), default=0)
    return max(forward, 0 if back is None else back.total, revoked)


def bound_ms(graph: Graph, worst: Worst, span: Span, *, in_order: bool) -> float:
    """A span never takes longer than this: the longest of each part, whether they go together or not."""
    forward = max((span.over[goal] for goal in span.goals), default=0) if span.forward else 0
    if in_order:
        undone = sum(alone(graph, worst, span).undo) if span.target is not None else 0
        return max(forward, max(span.over) + undone)
    own = worst.revoke[span.number]
    revoked = max(span.over) + own if span.target == span.number and own != NEVER else 0
    return max(forward, turns.bound(back_times(graph, worst, span)), revoked)


def back_times(graph: Graph, worst: Worst, span: Span) -> Times:
    """What each step may add to the way back to the step that gives back."""
    none = (NEVER,) * len(graph.order)
    if span.target is None:
        return Times(none, none, none, none, NEVER)
    open_still = [other != span.number and not graph.ancestors[span.number] >> other & 1 for other in range(len(none))]
    revoke = tuple(each if possible else NEVER for each, possible in zip(worst.revoke, open_still, strict=True))
    chain = paths.ends(graph, worst.undo, begin=span.target)
    late = [bool(span.confirmed >> other & 1) for other in range(len(none))]
    settle = tuple(
        NEVER if over and graph.ancestors[other] & span.confirmed else each
        for other, (each, over) in enumerate(zip(span.over, late, strict=True))
    )
    first = tuple(NEVER if over else each for each, over in zip(chain, late, strict=True))
    return Times(settle, revoke, worst.undo, first, NEVER, span.over)


def revocations(graph: Graph, conditions: Conditions, worst: Worst, span: Span) -> Iterator[Turn]:
    """The ways back in which the step's own doubt is revoked, as soon as nothing is under way."""
    number = span.number
    if span.target != number or worst.revoke[number] == NEVER:
        return
    ways = worst_of.ways(graph, conditions, worst)
    related = graph.ancestors[number] | graph.descendants[number]
    for last in range(len(graph.order)):
        if not related >> last & 1:
            turn = Turn(span.over[last] + worst.revoke[number], last, number, None, None)
            if turns.is_possible(ways, turn):
                yield turn


# --- one undo at a time ---------------------------------------------------------------------------------------------


def alone(graph: Graph, worst: Worst, span: Span) -> Worst:
    """What each step adds where one is undone at a time: until it is over, and its undo if it may come before.

    The step's own doubt is looked at by itself: there is nothing to give back but what it is in doubt about.
    """
    assert span.target is not None
    later = ~graph.ancestors[span.target] & ~span.confirmed
    undo = (each if later >> number & 1 else 0.0 for number, each in enumerate(worst.undo))
    given = back_times(graph, worst, span)
    return replace(worst, drain=given.settle, revoke=given.revoke, undo=tuple(undo))


def serial_ms(graph: Graph, conditions: Conditions, worst: Worst, span: Span) -> float:
    """The longest way back, one undo at a time."""
    if span.target is None:
        return 0
    found = windows.serial_turns(graph, conditions, alone(graph, worst, span), span.over)
    back = (turn.total for turn, stands in found if stands >> span.number & 1)
    revoked = (turn.total for turn, _ in serial_revocations(graph, conditions, worst, span))
    return max((*back, *revoked), default=0)


def serial_revocations(
    graph: Graph, conditions: Conditions, worst: Worst, span: Span
) -> Iterator[tuple[Turn, tuple[int, ...]]]:
    """The ways back in which the step's own doubt is revoked after all other doubts that there can be beside it."""
    ways = worst_of.ways(graph, conditions, worst)
    for turn in revocations(graph, conditions, worst, span):
        beside = doubtful_beside(graph, worst, turn)
        more, others = turns.heaviest(ways, worst.revoke, beside, turns.settled_before(graph, turn))
        yield replace(turn, total=turn.total + more), (*others, span.number)


def doubtful_beside(graph: Graph, worst: Worst, turn: Turn) -> int:
    """The steps whose doubt may have to be revoked before that of a turn, as a set."""
    return sum(
        1 << other
        for other, each in enumerate(worst.revoke)
        if each != NEVER and other != turn.doubtful and all(is_beside(graph, other, one) for one in turn.members)
    )


def is_beside(graph: Graph, number: int, other: int) -> bool:
    """Both can be under way at the same time."""
    return not (graph.ancestors[number] | graph.descendants[number]) >> other & 1


def serial_cases(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    step: Written,
    optional: int,
) -> Iterator[Case]:
    """Each way back that takes too long, one undo at a time."""
    if span.target is None:
        return
    given = alone(graph, worst, span)
    chosen = windows.serial_choices(graph, conditions, given, limit, span.over)
    undone = ((turn, steps, given.undo) for turn, steps in chosen if span.target in steps)
    revoked = (
        (turn, steps, worst.revoke)
        for turn, steps in serial_revocations(graph, conditions, worst, span)
        if turn.total > limit
    )
    listed = 0
    for turn, steps, times in (*undone, *revoked):
        for way in ways_to(graph, span, turn, optional):
            last = sum(times[each] for each in steps)
            if sum(span.before[each] for each in way) + last <= limit:
                continue
            listed += 1
            if listed > worst_of.LISTED_MAX:
                yield windows.unexplored()
                return
            turned = replace(turn, doubtful=None)
            yield back_case(graph, conditions, plan, worst, span, limit, step, turned, way, steps)


def too_long(
    graph: Graph, conditions: Conditions, plan: Plan, worst: Worst, span: Span, limit: int, step: Written
) -> Iterator[Case]:
    """Each way that takes too long: forward to what confirms, and back to what gives back."""
    optional = worst_of.skippable(graph, conditions)
    goals = sorted(span.goals, key=lambda goal: (-span.over[goal], goal)) if span.forward else []
    for goal in goals:
        for listed, (total, steps) in enumerate(paths.longest(graph, span.before, span.over, goal, optional=optional)):
            if total <= limit:
                break
            if listed == worst_of.LISTED_MAX:
                yield windows.unexplored()
                return
            yield forward_case(graph, conditions, plan, worst, span, limit, steps, step)
    cases = serial_cases if plan.rollback_in_order else back_cases
    yield from cases(graph, conditions, plan, worst, span, limit, step, optional)


def forward_case(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    steps: tuple[int, ...],
    step: Written,
) -> Case:
    """The run in which all of these take as long as they can, while the step's effect waits to be confirmed."""
    members = {*steps, span.number}
    parts = [Part(graph.order[each], worst_of.settling(worst, each), span.before[each]) for each in steps]
    total = sum(part.takes for part in parts)
    ending = "it is confirmed" if confirmed(span, graph) else "the run is over"
    message = (
        f"what `{step.name}` holds may lapse before {ending}: that may take {spelled(total)}, not {spelled(limit)}"
    )
    names = [graph.order[each] for each in steps]
    return Case(
        both(*(conditions.enabled[graph.order[each]] for each in sorted(members))),
        Story(message=message, help=repairs(graph, conditions, plan, worst, span, limit, names, ())),
        critical=worst_of.critical(parts, limit, f"what `{step.name}` holds lapses after", step.name),
    )


def confirmed(span: Span, graph: Graph) -> bool:
    """Whether the way forward ends with a step that comes after the one that holds."""
    return all(graph.ancestors[goal] >> span.number & 1 for goal in span.goals)


def back_cases(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    step: Written,
    optional: int,
) -> Iterator[Case]:
    """Each way back that takes too long, the longest first."""
    given = back_times(graph, worst, span)
    found = turns.all_above(worst_of.ways(graph, conditions, worst), given, limit)
    revoked = (turn for turn in revocations(graph, conditions, worst, span) if turn.total > limit)
    listed = 0
    for turn in sorted((*found, *revoked), key=lambda turn: (-turn.total, turn.members)):
        for way, chain in choices(graph, worst, span, given, turn, optional):
            if sum(span.before[each] for each in way) + part_of(worst, turn, chain) <= limit:
                continue
            listed += 1
            if listed > worst_of.LISTED_MAX:
                yield windows.unexplored()
                return
            yield back_case(graph, conditions, plan, worst, span, limit, step, turn, way, chain)


def choices(
    graph: Graph, worst: Worst, span: Span, given: Times, turn: Turn, optional: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The ways to the step that settles last, each with the chains of undos that may follow."""
    ways = list(ways_to(graph, span, turn, optional))
    chains = (
        [()]
        if turn.first is None
        else [
            steps for _, steps in limited(paths.longest(graph, worst.undo, given.chain, turn.first, optional=optional))
        ]
    )
    yield from ((way, chain) for way in ways for chain in chains)


def ways_to(graph: Graph, span: Span, turn: Turn, optional: int) -> Iterator[tuple[int, ...]]:
    """The ways to the step that is over last: the one that settles last, or the pivot that is refused."""
    ends = [end for end in (turn.last, turn.refused) if end is not None and span.over[end] != NEVER]
    if not ends:
        yield ()
        return
    end = max(ends, key=lambda each: span.over[each])
    yield from (steps for _, steps in limited(paths.longest(graph, span.before, span.over, end, optional=optional)))


def limited(found: Iterator[paths.Path]) -> Iterator[paths.Path]:
    for listed, path in enumerate(found):
        if listed > worst_of.LISTED_MAX:
            raise TooManyError
        yield path


def part_of(worst: Worst, turn: Turn, chain: tuple[int, ...]) -> float:
    """What comes once nothing is under way any more."""
    revoking = 0 if turn.doubtful is None else worst.revoke[turn.doubtful]
    return revoking + sum(worst.undo[each] for each in chain)


def back_case(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    step: Written,
    turn: Turn,
    way: tuple[int, ...],
    chain: tuple[int, ...],
) -> Case:
    """The run in which all of this takes as long as it can, while the step's effect waits to be given back."""
    parts = [Part(graph.order[each], worst_of.settling(worst, each), span.before[each]) for each in way]
    parts += windows.before_undos(graph, worst, replace(turn, last=None), worst.drain)
    parts += windows.undone(graph, worst, reversed(chain))
    total = sum(part.takes for part in parts)
    late = f"that may take {spelled(total)}, not {spelled(limit)}"
    message = f"what `{step.name}` holds may lapse before it is given back: {late}"
    condition = both(
        windows.together(graph, conditions, turn, (*way, *chain)), conditions.enabled[graph.order[span.number]]
    )
    dos, undos = [graph.order[each] for each in way], [graph.order[each] for each in chain if worst.undo[each]]
    advice = repairs(graph, conditions, plan, worst, span, limit, dos, undos)
    shown = worst_of.critical(parts, limit, f"what `{step.name}` holds lapses after", step.name)
    return Case(condition, Story(message=message, help=advice), critical=Critical(shown.lines, step.name))


def repairs(
    graph: Graph,
    conditions: Conditions,
    plan: Plan,
    worst: Worst,
    span: Span,
    limit: int,
    dos: list[str],
    undos: list[str] | tuple[str, ...],
) -> tuple[str, ...]:
    """Fewer retries that make it fit, or a hold that is long enough."""

    def total(changed: Plan) -> float:
        new = worst_of.of(graph, changed)
        again = measured(graph, new, span.number, span.target, span.goals, forward=span.forward)
        again = replace(again, confirmed=span.confirmed)
        try:
            return total_ms(graph, conditions, new, again, in_order=changed.rollback_in_order)
        except TooManyError:
            return FOREVER

    longest = total_ms(graph, conditions, worst, span, in_order=plan.rollback_in_order)
    fewer = worst_of.fixes(plan, dos, undos, total, limit)
    return (*fewer, f"or have it held for {worst_of.rounded(longest)} or longer, less the skew")

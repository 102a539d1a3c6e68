"""When a step of a saga runs, is skipped, or fails: as formulas over the run's input and results.

A guard is evaluated once, when all that the step comes after is settled. So whether a step is done, skipped or refused
by its own guard depends on values alone, never on how independent steps interleave; and any set of steps that is closed
under "comes after" is the state of some run. That is why the obligations need no variable for an order or a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sagac.compiler.graph import Graph, numbers
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.terms import FALSE, TRUE, Formula, Var, both, either, lower, negation
from sagac.runtime import plan
from sagac.runtime.events import LOCK_TIMEOUT
from sagac.runtime.plan import Expression, Plan, Status


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of every step, by name."""

    premise: Formula
    """What holds of every input: the `where` conditions."""
    guard: Mapping[str, Formula]
    """The step's own `when`, once it is evaluated; true where there is none."""
    entry: Mapping[str, Formula]
    """The step is reached: no `when … else fail` that is evaluated before has failed."""
    enabled: Mapping[str, Formula]
    """The step is sent: `entry` and `guard`."""
    steps: Mapping[str, Step]
    pivots: tuple[str, ...]
    failing: tuple[str, ...]
    """Steps whose guard fails them when it is false."""
    fallible: frozenset[str]
    """Steps that can fail once they are sent (settled question 1)."""
    revoked: frozenset[str]
    """Steps that are undone where their answer was lost."""

    def skipped(self, step: str) -> Formula:
        """The guard is false, and that skips the step, given that it is reached."""
        return FALSE if self.steps[step].otherwise_fails else negation(self.guard[step])

    def done(self, step: str) -> Formula:
        """The step is done, given that it is settled."""
        return TRUE if self.steps[step].otherwise_fails else self.guard[step]

    def refused_by_guard(self, step: str) -> Formula:
        """The step is reached and its `when … else fail` fails it."""
        return both(self.entry[step], negation(self.guard[step])) if self.steps[step].otherwise_fails else FALSE

    def condition(self, expression: Expression | None) -> Formula:
        """A condition that is evaluated where every step it names is settled."""
        return TRUE if expression is None else lower(expression, self.status)

    def answered(self, step: str) -> Formula:
        """The step is done because its call was answered: where its doubt is revoked, it may be undone unanswered."""
        return Var(f"{step}.done") if step in self.revoked else TRUE

    def own_status(self, status: Status) -> Formula:
        """What `s.done` or `s.skipped` comes down to in an undo of `s`: a step in doubt is neither."""
        return self.answered(status.step) if status.fact == "done" else FALSE

    def status(self, status: Status) -> Formula:
        """What `s.done` or `s.skipped` comes down to."""
        return self.done(status.step) if status.fact == "done" else self.skipped(status.step)


def of(project: Project, saga: Saga, graph: Graph, planned: Plan) -> Conditions:
    """The conditions of a saga."""
    steps = {step.name: step for step in saga.steps}
    known: dict[Expression | None, Formula] = {None: TRUE}
    joined: dict[tuple[int, ...], Formula] = {}
    guard: dict[str, Formula] = {}
    entry: dict[str, Formula] = {}
    enabled: dict[str, Formula] = {}
    fallible = frozenset(step.name for step in planned.steps if can_fail(project, steps[step.name], step))
    names = tuple(name for name in graph.order if steps[name].otherwise_fails)
    pivots = tuple(step.name for step in saga.steps if step.pivot)
    revoked = frozenset(step.name for step in planned.steps if step.doubt == "revoke")
    conditions = Conditions(premise(saga, known), guard, entry, enabled, steps, pivots, names, fallible, revoked)
    for name in graph.order:
        written = steps[name].guard
        own = None if written is None else written.condition
        # Guards that are written alike are one formula, so that what is asked of the solver is asked once.
        if own not in known:
            known[own] = conditions.condition(own)
        guard[name] = known[own]
    stubborn = sum(1 << place for place, name in enumerate(graph.order) if conditions.skipped(name) == FALSE)
    waiting = by_what_they_wait_for(graph, names)
    masks: dict[int, Formula] = {0: TRUE}
    for place, name in enumerate(graph.order):
        first, later = evaluated_before(graph, waiting, place)
        late = (late_guard(graph, conditions, stubborn, other, place) for other in numbers(later))
        entry[name] = shared(joined, all_pass(graph, conditions, masks, first), *late)
        enabled[name] = shared(joined, entry[name], guard[name])
    return conditions


def all_pass(graph: Graph, conditions: Conditions, masks: dict[int, Formula], members: int) -> Formula:
    """The guards of all of these hold: said once for each set, and with the latest set that is a part of it."""
    if members not in masks:
        base = next(mask for mask in reversed(masks) if not mask & ~members)
        added = (conditions.guard[graph.order[number]] for number in numbers(members & ~base))
        masks[members] = both(masks[base], *added)
    return masks[members]


def by_what_they_wait_for(graph: Graph, names: Iterable[str]) -> dict[int, int]:
    """Steps as sets, each under the set of all that they come after."""
    waiting: dict[int, int] = {}
    for name in names:
        place = graph.number[name]
        waiting[graph.ancestors[place]] = waiting.get(graph.ancestors[place], 0) | 1 << place
    return waiting


def evaluated_before(graph: Graph, waiting: Mapping[int, int], place: int) -> tuple[int, int]:
    """Of the steps that their guards fail: whose guard is always evaluated before a step is sent, and whose may be.

    The latter stand later in the order, and wait for less than the step does: their turn comes before, or with it.
    """
    settled = graph.ancestors[place]
    open_still = ~settled
    ready = 0
    for needed, members in waiting.items():
        if not needed & open_still:
            ready |= members
    earlier = (1 << place) - 1
    return ready & earlier, ready & ~earlier & ~waiting.get(settled, 0)


def late_guard(graph: Graph, conditions: Conditions, stubborn: int, other: int, place: int) -> Formula:
    """A later step's guard, which has to hold unless one event makes both ready."""
    return either(conditions.guard[graph.order[other]], together(graph, conditions, stubborn, other, place))


def together(graph: Graph, conditions: Conditions, stubborn: int, other: int, place: int) -> Formula:
    """One event makes both ready: what stands between the last answer that they wait for and the step is skipped.

    `stubborn` is the set of all that no guard skips.
    """
    between = graph.ancestors[place] & ~graph.ancestors[other]
    if not graph.after[other]:
        return skipped_all(graph, conditions, stubborn, between)
    return either(
        *(skipped_all(graph, conditions, stubborn, between & graph.descendants[last]) for last in graph.after[other])
    )


def skipped_all(graph: Graph, conditions: Conditions, stubborn: int, members: int) -> Formula:
    """All of these are skipped."""
    if members & stubborn:
        return FALSE
    return both(*(conditions.skipped(graph.order[number]) for number in numbers(members)))


def goes_first(graph: Graph, other: int, place: int) -> bool:
    """Whether the guard of one step is always evaluated before another step is sent.

    Steps that become ready with one event are enabled in the plan's order, up to the first that turns the run (R5).
    """
    return other < place and not graph.ancestors[other] & ~graph.ancestors[place]


def shared(joined: dict[tuple[int, ...], Formula], *operands: Formula) -> Formula:
    """All of these, as one and the same formula whenever they are the same."""
    distinct = tuple({id(operand): operand for operand in operands}.values())
    key = tuple(map(id, distinct))
    if key not in joined:
        joined[key] = both(*distinct)
    return joined[key]


def premise(saga: Saga, known: dict[Expression | None, Formula]) -> Formula:
    """All `where` conditions of the input."""
    found = [field.where.condition for field in saga.inputs if field.where is not None]
    for condition in found:
        known[condition] = lower(condition, free)
    return both(*(known[condition] for condition in found))


def free(status: Status) -> Formula:
    """A state of a step that nothing is known of."""
    return Var(f"{status.step}.{status.fact}")


def can_fail(project: Project, step: Step, planned: plan.Step) -> bool:
    """Whether a step that is enabled may fail.

    By a declared failure, a schedule that ends, a lock that is not got in time, or a doubt that turns the run.
    """
    ends = step.schedule.retries is not None or bool(planned.locks)
    return ends or bool(project.operation(step.call).fails) or planned.doubt == "revoke"


def failure(project: Project, step: Step) -> str:
    """How a step fails first: by a declared failure, by its lock, or, empty, by a schedule that is spent."""
    fails = project.operation(step.call).fails
    if fails:
        return fails[0]
    return LOCK_TIMEOUT if step.locks else ""

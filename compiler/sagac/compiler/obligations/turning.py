"""The ways in which a run is turned back while a step is done: what its effect must be able to survive.

A run is turned by a step that fails, or by a cancel (R5), unless its pivot is enabled by then: a pivot is enabled by
the event that settles the last of what it comes after, if its guard holds. So from who is settled one can tell whether
a pivot is enabled, without a variable for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sagac.compiler.graph import Graph, numbers
from sagac.compiler.model import Project, Step
from sagac.compiler.obligations.conditions import Conditions, failure, goes_first
from sagac.compiler.obligations.obligation import Story
from sagac.compiler.terms import FALSE, TRUE, Formula, both, either, negation


def ways(
    project: Project, graph: Graph, conditions: Conditions, step: str
) -> Callable[[], Iterator[tuple[Formula, Story]]]:
    """Each way to a run that turns back with `step` done: failing steps in order, a cancel, and its own lost answer."""

    def found() -> Iterator[tuple[Formula, Story]]:
        if premise(graph, conditions, step) == FALSE:
            return
        answered = conditions.answered(step)
        for condition, story in failing(project, graph, conditions, step):
            yield both(condition, answered), story
        condition = both(conditions.enabled[step], cancellable(graph, conditions, step), answered)
        if condition != FALSE:
            early = is_pressed(graph, conditions, step)
            yield condition, Story(then=(step,), cancelled=True, early=early, subject=step)
        if step in conditions.revoked:
            condition = both(conditions.enabled[step], negation(answered))
            yield condition, Story(then=(step,), unknown=step, landed=True, subject=step)

    return found


def premise(graph: Graph, conditions: Conditions, step: str) -> Formula:
    """What every way implies: the step is done, and each pivot that it comes after was skipped."""
    passed = (conditions.skipped(pivot) for pivot in conditions.pivots if graph.precedes(pivot, step))
    return both(conditions.enabled[step], *passed)


def failing(project: Project, graph: Graph, conditions: Conditions, step: str) -> Iterator[tuple[Formula, Story]]:
    """Each step that can fail while `step` is done, and is not over by then."""
    place = graph.number[step]
    for number in numbers(~(graph.ancestors[place] | 1 << place) & (1 << len(graph.order)) - 1):
        other = graph.order[number]
        settled = graph.ancestors[place] | graph.ancestors[number]
        turned = both(conditions.enabled[step], uncommitted(graph, conditions, settled, other))
        if graph.precedes(step, other):
            story = Story(first=(step,), then=(other,), subject=step, other=other)
        else:
            # The other one fails while the step is under way: that may be too late once the step has answered.
            story = Story(first=graph.predecessors(step), then=(other, step), subject=step, other=other)
        yield from failures(project, graph, conditions, other, turned, story)


def failures(
    project: Project, graph: Graph, conditions: Conditions, other: str, given: Formula, story: Story
) -> Iterator[tuple[Formula, Story]]:
    """The step's own failure, and the one that its guard declares."""
    step = conditions.steps[other]
    if other in conditions.fallible:
        condition = both(given, conditions.enabled[other])
        if condition != FALSE:
            yield condition, failed(project, step, story)
    late = not goes_first(graph, graph.number[other], graph.number[story.subject])
    condition = both(given, conditions.refused_by_guard(other)) if late else FALSE
    if condition != FALSE:
        yield condition, replace(story, failed=other, failure=step.otherwise_fails)


def failed(project: Project, step: Step, story: Story) -> Story:
    """The story in which the step fails: refused, its schedule spent, or in doubt where it is sent until answered."""
    declared = failure(project, step)
    if declared or step.schedule.retries is not None:
        return replace(story, failed=step.name, failure=declared)
    return replace(story, unknown=step.name)


def uncommitted(graph: Graph, conditions: Conditions, settled: int, *allowed: str) -> Formula:
    """No pivot is enabled once these are settled, but for the allowed ones."""
    return both(
        *(
            negation(conditions.enabled[pivot])
            for pivot in conditions.pivots
            if pivot not in allowed and not graph.ancestors[graph.number[pivot]] & ~settled
        )
    )


def cancellable(graph: Graph, conditions: Conditions, step: str) -> Formula:
    """A cancel while the step is under way is accepted, and does not find the run completed."""
    settled = graph.ancestors[graph.number[step]]
    return both(
        uncommitted(graph, conditions, settled, step) if not conditions.steps[step].pivot else FALSE,
        unfinished(graph, conditions, step),
    )


def is_pressed(graph: Graph, conditions: Conditions, step: str) -> bool:
    """Whether a cancel may come too late once the step has answered, because a pivot waits for nothing else."""
    place = graph.number[step]
    settled = graph.ancestors[place] | 1 << place
    return any(not graph.ancestors[graph.number[pivot]] & ~settled for pivot in conditions.pivots)


def unfinished(graph: Graph, conditions: Conditions, step: str) -> Formula:
    """Something is left to do when only the step and what it comes after are settled."""
    place = graph.number[step]
    settled = graph.ancestors[place]
    rest = tuple(numbers(~(settled | 1 << place) & (1 << len(graph.order)) - 1))
    if any(graph.ancestors[number] & ~settled for number in rest):
        return TRUE
    return either(*(conditions.enabled[graph.order[number]] for number in rest))

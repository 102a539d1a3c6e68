"""A1, recoverability: no run can fail once something in it can no longer be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Story
from sagac.compiler.terms import FALSE, both
from sagac.compiler.verdicts import Claim, Proved


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions) -> tuple[Obligation, ...]:
    """Every step is over before the point of no return or cannot fail; what is irreversible stands behind it."""
    pivots = [conditions.steps[name] for name in conditions.pivots]
    return (
        *(over_in_time(project, saga, graph, conditions, pivots, step) for step in saga.steps if pivots),
        *(irreversible(project, saga, graph, conditions, step) for step in saga.steps if is_early(step)),
        *(exclusive(saga, conditions, one, two) for one, two in combinations(pivots, 2)),
        *(always(saga) for _ in (0,) if not pivots and not any(map(is_early, saga.steps))),
    )


def always(saga: Saga) -> Settled:
    """Without a pivot, and with nothing irreversible, the run can turn back at any time."""
    claim = Claim("A1", saga.full_name, "", "no step is irreversible, so there is always a way back", saga.name_span)
    return Settled(claim, Proved())


def is_early(step: Step) -> bool:
    """A step that says `irreversible` without being the pivot."""
    return step.remainder is not None and step.remainder.kind == "irreversible" and not step.pivot


# --- nothing fails once a pivot is done ----------------------------------------------------------------------------


def over_in_time(
    project: Project, saga: Saga, graph: Graph, conditions: Conditions, pivots: list[Step], step: Step
) -> Never:
    """A step that can fail is over before any pivot that runs with it."""
    claim = Claim(
        "A1",
        saga.full_name,
        step.name,
        f"`{step.name}` is over before the point of no return, or cannot fail",
        step.name_span,
    )
    open_to = [pivot for pivot in pivots if pivot is not step and not graph.precedes(step.name, pivot.name)]
    return Never(claim, late_failures(project, graph, conditions, open_to, step))


def late_failures(
    project: Project, graph: Graph, conditions: Conditions, pivots: list[Step], step: Step
) -> Callable[[], Iterator[Case]]:
    """The step fails, and the pivot is done."""

    def cases() -> Iterator[Case]:
        for pivot in pivots:
            place = "after" if graph.precedes(pivot.name, step.name) else "beside"
            story = Story(
                first=(pivot.name,),
                then=(step.name,),
                subject=pivot.name,
                other=step.name,
                message=f"`{step.name}` can still fail {place} the point of no return, `{pivot.name}`",
                place=pivot.name_span,
                place_text="from here on the run only goes forward",
                help=(infallible(project, step), earlier(step, pivot)),
            )
            given = conditions.enabled[pivot.name]
            for condition, told in turning.failures(project, graph, conditions, step.name, given, story):
                yield Case(condition, told)

    return cases


def infallible(project: Project, step: Step) -> str:
    """How the step is made unable to fail."""
    needed = []
    operation = project.operation(step.call)
    if step.schedule.retries is not None:
        needed.append("write `retry forever`")
    if operation.fails:
        needed.append(f"use a command without `fails` in place of `{step.call.operation}`")
    if step.locks:
        needed.append("take its lock in a step before")
    if step.otherwise_fails:
        needed.append(f"drop `else fail {step.otherwise_fails}`")
    return f"make `{step.name}` unable to fail: " + ", and ".join(needed or ["declare its command `idempotent`"])


def earlier(step: Step, pivot: Step) -> str:
    """How the step is brought before the pivot."""
    return f"or let it be over before: `pivot step {pivot.name} after {after(pivot, step.name)}`"


def after(pivot: Step, name: str) -> str:
    """All that a step comes after as it is written, and one step more."""
    written = (each.step for each in pivot.dependencies if not each.implicit)
    return ", ".join(dict.fromkeys((*written, name)))


# --- nothing turns the run once something irreversible is done -----------------------------------------------------


def irreversible(project: Project, saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Never:
    """A step that is irreversible without being the pivot comes after it, or ends the run."""
    claim = Claim(
        "A1", saga.full_name, step.name, f"nothing can turn the run once `{step.name}` is done", step.name_span
    )

    def cases() -> Iterator[Case]:
        for condition, story in turning.ways(project, graph, conditions, step.name)():
            yield Case(condition, told(step, story, conditions))

    return Never(claim, cases, turning.premise(graph, conditions, step.name))


def told(step: Step, story: Story, conditions: Conditions) -> Story:
    """The story with what is wrong and what to write."""
    other = story.other
    what = "the run can still be cancelled" if story.cancelled else f"`{other}` can still fail"
    return replace(
        story,
        message=f"`{step.name}` cannot be undone, but {what}",
        place=None if story.cancelled else conditions.steps[other].name_span,
        place_text="" if story.cancelled else "this can fail",
        help=(
            f"make it the point of no return, after all that can fail: `pivot step {step.name}`",
            f"or say how `{step.name}` is undone: `compensate …` or `mitigate …`",
        ),
    )


# --- one pivot a run -----------------------------------------------------------------------------------------------


def exclusive(saga: Saga, conditions: Conditions, one: Step, two: Step) -> Never:
    """Two pivots are never reached in the same run."""
    claim = Claim(
        "A1", saga.full_name, two.name, f"no run reaches both pivots, `{one.name}` and `{two.name}`", two.name_span
    )
    story = Story(
        first=(one.name,),
        then=(two.name,),
        subject=two.name,
        other=one.name,
        message=f"a run can reach two pivots, `{one.name}` and `{two.name}`",
        place=one.name_span,
        place_text="the other one",
        help=(
            "keep `pivot` at the first of them, and make the other one unable to fail: `retry forever`, no `fails`",
            "or guard them so that no run reaches both",
        ),
    )
    condition = both(conditions.enabled[one.name], conditions.enabled[two.name])
    found = () if condition == FALSE else (Case(condition, story),)
    return Never(claim, lambda: iter(found))

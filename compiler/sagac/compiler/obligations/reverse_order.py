"""A3, reverse order: the plan as read back from what was emitted undoes everything before what it depended on.

By local induction: an undo waits for what is listed beside it, that waits for what is listed beside it in turn, through
skipped steps, queries and steps without an undo (R7). So it is enough that the list of each step leads, directly or
through other lists, to each step that waits for it; a topological order of the lists is the rank that the induction
descends. It can fail only because the emitted plan is another artefact than the graph: it is read, never derived.
"""

from __future__ import annotations

from collections.abc import Mapping

from sagac.compiler import planner
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.verdicts import Claim, Proved, Refuted, Situation, Verdict
from sagac.runtime.plan import Plan, Step

REPAIR = ("generate the module again from this spec, and change nothing in it by hand",)


def owe(project: Project, saga: Saga, graph: Graph, plan: Plan) -> tuple[Obligation, ...]:
    """One claim for the plan as a whole, and one for each step's order and calls; the plan is one of this saga."""
    assert complete(saga, plan) is None
    planned = {step.name: step for step in plan.steps}
    waits = closure(graph, planned)
    return (
        Settled(whole_claim(saga), Proved()),
        *(
            Settled(
                Claim(
                    "A3",
                    saga.full_name,
                    step.name,
                    f"`{step.name}` is undone after all that comes after it, and as it was written",
                    step.name_span,
                ),
                step_verdict(project, graph, step, planned[step.name], waits),
            )
            for step in saga.steps
        ),
    )


def whole_claim(saga: Saga) -> Claim:
    """What is claimed of the plan as a whole."""
    text = "the emitted plan has the saga's steps, and its undo order has no circle"
    return Claim("A3", saga.full_name, "", text, saga.name_span)


def complete(saga: Saga, plan: Plan) -> Refuted | None:
    """What is wrong with the plan's steps as a whole."""
    names = [step.name for step in plan.steps]
    written = {step.name for step in saga.steps}
    if sorted(names) != sorted(written):
        odd = sorted(written.symmetric_difference(names) or names)[0]
        return Refuted(Situation(subject=odd), f"the emitted plan and the saga differ in the step `{odd}`", help=REPAIR)
    place = {name: number for number, name in enumerate(names)}
    for step in plan.steps:
        for later in step.undo_after:
            if later not in place:
                return broken(step.name, later, f"the undo of `{step.name}` waits for `{later}`, which is no step")
            if place[later] <= place[step.name]:
                return broken(step.name, later, f"the undo of `{step.name}` waits for `{later}`, which comes before it")
    return None


def broken(step: str, other: str, message: str) -> Refuted:
    return Refuted(Situation(subject=step, other=other), message, help=REPAIR)


def closure(graph: Graph, planned: Mapping[str, Step]) -> dict[str, int]:
    """For each step the set of all whose unwinding its undo waits for, by the plan's lists alone."""
    waits: dict[str, int] = {}
    # The plan's own order is the rank: every list names later steps only, which `complete` has checked.
    for name in reversed(tuple(planned)):
        members = 0
        for later in planned[name].undo_after:
            members |= waits[later] | 1 << graph.number[later]
        waits[name] = members
    return waits


def step_verdict(project: Project, graph: Graph, step: Written, planned: Step, waits: Mapping[str, int]) -> Verdict:
    """Whether the plan's step has the order and the calls of the written one."""
    missing = graph.descendants[graph.number[step.name]] & ~waits[step.name]
    if missing:
        return too_early(graph, step, missing)
    if set(planned.after) != set(graph.predecessors(step.name)):
        return broken(step.name, "", f"the emitted plan starts `{step.name}` after other steps than the saga says")
    if planned.call != planner.called(step.call) or tuple(undo.call for undo in planned.undos) != tuple(
        planner.called(handler.call) for handler in step.handlers
    ):
        return broken(
            step.name, "", f"the emitted plan does or undoes `{step.name}` with another call than the saga says"
        )
    if conditions_of(planned) != written_conditions(step):
        return broken(
            step.name, "", f"the emitted plan runs or undoes `{step.name}` under another condition than the saga says"
        )
    return Proved()


def too_early(graph: Graph, step: Written, missing: int) -> Refuted:
    """The nearest step that the undo does not wait for, with the run in which that shows."""
    other = graph.order[(missing & -missing).bit_length() - 1]
    return Refuted(
        Situation(order=graph.closure(step.name, other), cancelled=True, subject=step.name, other=other),
        f"the undo of `{step.name}` does not wait for the undo of `{other}`, which comes after it",
        help=REPAIR,
    )


def conditions_of(planned: Step) -> tuple[object, ...]:
    return planned.guard, planned.otherwise_fails, planned.pivot, tuple(undo.guard for undo in planned.undos)


def written_conditions(step: Written) -> tuple[object, ...]:
    return (
        None if step.guard is None else step.guard.condition,
        step.otherwise_fails,
        step.pivot,
        tuple(None if handler.guard is None else handler.guard.condition for handler in step.handlers),
    )

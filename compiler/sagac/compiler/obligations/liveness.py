"""A6, liveness: every step, undo and failing guard happens in some run, so that no proof is about nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import planner, wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Saga, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.coverage import handler_guard
from sagac.compiler.obligations.obligation import Obligation, Sometimes, Story
from sagac.compiler.terms import TRUE, both, free_variables, negation
from sagac.compiler.verdicts import Claim


def premise(saga: Saga, conditions: Conditions) -> Sometimes:
    """Some input meets every `where`: what all other claims assume."""
    wheres = [field.where for field in saga.inputs if field.where is not None]
    span = wheres[0].span if wheres else saga.name_span
    return Sometimes(
        Claim("A6", saga.full_name, "", "some input meets every `where`", span),
        conditions.premise,
        Story(),
        f"no input of `{saga.name}` meets every `where`, so nothing can ever run",
        ("loosen the `where` that contradicts the others",),
    )


def owe(saga: Saga, graph: Graph, conditions: Conditions) -> tuple[Obligation, ...]:
    """A witness for each step, each guarded undo, and each guard's other side."""
    return tuple(obligation for step in saga.steps for obligation in witnesses(saga, graph, conditions, step))


def witnesses(saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Iterator[Obligation]:
    """What must be possible about one step."""
    yield runs(saga, conditions, step)
    if step.guard is not None and conditions.guard[step.name] != TRUE:
        yield is_guarded_out(saga, graph, conditions, step)
    yield from undos(saga, graph, conditions, step)


def runs(saga: Saga, conditions: Conditions, step: Step) -> Sometimes:
    kind = "pivot" if step.pivot else "step"
    return Sometimes(
        Claim(
            "A6",
            saga.full_name,
            step.name,
            f"some run reaches the {kind} `{step.name}`",
            step.guard.span if step.guard is not None else step.name_span,
        ),
        conditions.enabled[step.name],
        Story(then=(step.name,), subject=step.name),
        f"`{step.name}` never runs: no run meets all that it needs",
        (
            f"loosen the `when` of `{step.name}`, or of an `else fail` before it",
            f"or drop `{step.name}`",
        ),
    )


def is_guarded_out(saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Sometimes:
    """The guard can be false; else it is a guard that says nothing."""
    assert step.guard is not None
    otherwise = f"fails it with `{step.otherwise_fails}`" if step.otherwise_fails else "skips it"
    failing = bool(step.otherwise_fails)
    return Sometimes(
        Claim("A6", saga.full_name, step.name, f"the `when` of `{step.name}` {otherwise} in some run", step.guard.span),
        both(conditions.entry[step.name], negation(conditions.guard[step.name])),
        Story(
            then=(step.name,),
            failed=step.name if failing else "",
            failure=step.otherwise_fails,
            subject=step.name,
        ),
        f"the `when` of `{step.name}` is always true",
        (f"drop the `when` of `{step.name}`, or write the condition that is meant",),
        code="W702",
    )


def undos(saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Iterator[Sometimes]:
    """Each guarded undo applies in some run; an unguarded one does wherever its step is done."""
    guarded = [handler for handler in step.handlers if handler.guard is not None]
    early = bool(guarded) and turning.is_pressed(graph, conditions, step.name)
    for handler in guarded:
        assert handler.guard is not None
        what = wording.operation(planner.called(handler.call))
        guard = handler_guard(graph, conditions, step, handler)
        asks = step.name in conditions.revoked and conditions.answered(step.name) in free_variables(guard)
        yield Sometimes(
            Claim(
                "A6",
                saga.full_name,
                step.name,
                f"some run undoes `{step.name}` with `{what}`",
                handler.guard.span,
            ),
            both(conditions.enabled[step.name], guard),
            Story(then=(step.name,), unknown=step.name if asks else "", cancelled=True, early=early, subject=step.name),
            f"`{what}` never undoes `{step.name}`: its `when` is never true",
            ("write the condition that is meant, or drop this compensation",),
        )

"""The planner: a resolved saga becomes the plan that the proofs read and the kernel runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sagac.compiler import model, notation, typetext
from sagac.compiler.graph import Graph
from sagac.compiler.model import Handler, Operation, Project, Saga
from sagac.runtime.plan import Call, Doubt, Enum, Expression, Field, Lock, Plan, Record, Remains, Step, Undo, format_of


def plan(project: Project, saga: Saga, graph: Graph, natural: frozenset[str] = frozenset()) -> Plan:
    """The plan of a saga, its steps in the graph's order; of the `natural` ones twice is proved to be what once is."""
    named = {step.name: step for step in saga.steps}
    pivots = tuple(step for step in saga.steps if step.pivot)
    steps = tuple(planned(project, named[name], graph, pivots, natural=name in natural) for name in graph.order)
    inputs = tuple(Field(field.name, field.type) for field in saga.inputs)
    return Plan(
        saga=saga.full_name,
        version=saga.version,
        key=saga.key,
        inputs=inputs,
        steps=steps,
        output=tuple((field.name, field.value) for field in saga.outputs),
        types=used_types(saga, mentioned(project, saga, steps)),
        deadline_ms=saga.deadline_ms,
        rollback_within_ms=saga.rollback_within_ms,
        rollback_in_order=saga.rollback_in_order,
        format=format_of(steps),
    )


def planned(project: Project, step: model.Step, graph: Graph, pivots: tuple[model.Step, ...], *, natural: bool) -> Step:
    """One step with its contract's facts, its order and its policies."""
    operation = project.operation(step.call)
    query = operation.kind == "query"
    remains: Remains = "nothing" if step.remainder is None else step.remainder.kind
    return Step(
        name=step.name,
        call=called(step.call),
        schedule=step.schedule,
        after=graph.predecessors(step.name),
        # Turning each edge round, through queries and steps without an undo, keeps the whole order (R7).
        undo_after=graph.successors(step.name),
        guard=None if step.guard is None else step.guard.condition,
        otherwise_fails=step.otherwise_fails,
        query=query,
        pivot=step.pivot,
        fails=operation.fails,
        result=result_type(operation),
        idempotent=operation.idempotent,
        idempotent_by_effect=natural,
        window_ms=operation.window_ms,
        lands_within_ms=operation.lands_within_ms,
        probe=probe(step, operation),
        doubt=doubt(project, step, committed=is_committed(step, graph, pivots)),
        intent=not query and not operation.idempotent and not natural and not is_probeable(operation),
        locks=tuple(Lock(lock.resource, lock.keys, lock.within_ms) for lock in step.locks),
        undos=tuple(undo(project, step, handler) for handler in step.handlers),
        remains=remains,
        undone_by="" if step.remainder is None else step.remainder.step,
        because="" if step.remainder is None else step.remainder.because,
    )


def called(call: model.Call) -> Call:
    """A call as the kernel sends it: the service by its own name, without the package that it comes from."""
    return Call(call.service.rpartition(".")[2], call.operation, call.arguments)


def undo(project: Project, step: model.Step, handler: Handler) -> Undo:
    """A compensation with its contract's facts."""
    operation = project.operation(handler.call)
    return Undo(
        call=called(handler.call),
        schedule=handler.schedule,
        guard=None if handler.guard is None else handler.guard.condition,
        idempotent=operation.idempotent,
        window_ms=operation.window_ms,
        revokes=is_revoked(project, step, handler),
        fails=operation.fails,
        residue=handler.because if handler.mitigates else "",
    )


# --- what settles an unknown outcome (R3) --------------------------------------------------------------------------


def doubt(project: Project, step: model.Step, *, committed: bool) -> Doubt:
    """The policy once resends are spent, the first that the contracts allow."""
    operation = project.operation(step.call)
    if operation.kind == "query" or is_resent_for_ever(step, operation):
        return "none"
    if step.holds_unknown:
        return "hold"
    if not committed and step.handlers and all(is_revoked(project, step, handler) for handler in step.handlers):
        return "revoke"
    return "probe" if is_probeable(operation) else "hold"


def is_resent_for_ever(step: model.Step, operation: Operation) -> bool:
    """Whether the do is sent again until it is answered, under a key that the service never forgets."""
    return step.schedule.retries is None and operation.idempotent and operation.window_ms is None


def is_probeable(operation: Operation) -> bool:
    """Whether a probe can settle the outcome: one that says "not there" is believed after `lands within` only."""
    return operation.probe is not None and operation.lands_within_ms is not None


def is_revoked(project: Project, step: model.Step, handler: Handler) -> bool:
    """Whether the compensation revokes what the step does."""
    same_service = handler.call.service == step.call.service
    return same_service and project.operation(handler.call).revokes == step.call.operation


def is_committed(step: model.Step, graph: Graph, pivots: tuple[model.Step, ...]) -> bool:
    """Whether a run that enabled this step can only go forward (R9): a pivot that may be skipped proves nothing."""
    unavoidable = (pivot for pivot in pivots if pivot.guard is None or pivot.otherwise_fails)
    return step.pivot or any(graph.precedes(pivot.name, step.name) for pivot in unavoidable)


def probe(step: model.Step, operation: Operation) -> Call | None:
    """The probe's call, its arguments in terms of what the step itself is called with."""
    if operation.probe is None:
        return None
    given = dict(step.call.arguments)
    arguments = tuple((name, given[parameter]) for name, parameter in operation.probe.arguments)
    return Call(step.call.service.rpartition(".")[2], operation.probe.query, arguments)


# --- types ---------------------------------------------------------------------------------------------------------


def result_type(operation: Operation) -> str:
    """The type of what an operation returns, as text; empty for nothing."""
    if operation.result is None:
        return ""
    fields = ", ".join(f"{field.name}: {field.type}" for field in operation.result)
    whole = operation.result_record or (f"{{ {fields} }}" if fields else "{ }")
    return f"{whole}?" if operation.result_optional else whole


def mentioned(project: Project, saga: Saga, steps: tuple[Step, ...]) -> Iterator[str]:
    """The text of every type that the plan's values have."""
    for field in saga.inputs:
        yield field.type
    for output in saga.outputs:
        yield output.type
    for step in steps:
        yield step.result
        for expression in notation.expressions(step):
            yield from types_in(expression)
    for call in calls(saga):
        yield from (parameter.type for parameter in project.operation(call).parameters)


def calls(saga: Saga) -> Iterator[model.Call]:
    """Every call that a saga makes."""
    for step in saga.steps:
        yield step.call
        yield from (handler.call for handler in step.handlers)


def types_in(expression: Expression) -> Iterator[str]:
    """The types of an expression's leaves."""
    for leaf in notation.leaves(expression):
        if leaf.type != "null":
            yield leaf.type


def used_types(saga: Saga, texts: Iterable[str]) -> tuple[Record | Enum, ...]:
    """The records and enums that these types are made of, by name."""
    found: dict[str, Record | Enum] = {}
    waiting = {text for text in texts if text}
    while waiting:
        names = {name for text in waiting for name in typetext.names(typetext.read(text))}
        added = {name: saga.types[name] for name in names - found.keys() if name in saga.types}
        found |= added
        waiting = {field.type for one in added.values() if isinstance(one, Record) for field in one.fields}
    return tuple(found[name] for name in sorted(found))

"""D1, D2, and F of what rules read: whatever a step, an undo, the output or a rule reads is there when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sagac.compiler import terms, wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Ensure, Handler, Project, Rule, Saga, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.coverage import handler_guard
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Story
from sagac.compiler.source import Span
from sagac.compiler.terms import FALSE, TRUE, Formula, both, lower, negation
from sagac.compiler.verdicts import Claim, Proved
from sagac.runtime import plan
from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Plan, Result, Status, Unary


@dataclass(frozen=True, slots=True)
class Reading:
    """A result that an expression reads, under what the expression itself has found to be true by then."""

    result: Result
    given: Formula
    span: Span


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """Forward (D1) a claim for each step that reads results, and for the output; for undos (D2) likewise."""
    doubts = {step.name: step for step in plan.steps}
    return tuple(
        obligation
        for found in (
            *(forward(saga, graph, conditions, step) for step in saga.steps),
            (output(saga, graph, conditions),),
            *((ruled(saga, graph, conditions, rule),) for rule in saga.rules),
            *((ensured(saga, graph, conditions, ensure),) for ensure in saga.ensures if ensure.at == "completed"),
            *(
                backward(project, saga, graph, conditions, step, doubts[step.name])
                for step in saga.steps
                if step.handlers
            ),
        )
        for obligation in found
        if obligation is not None
    )


def readings(
    expression: Expression, status: Callable[[Status], Formula], span: Span, given: Formula
) -> Iterator[Reading]:
    """Every reading of a result, with what holds by then: `s.done and s.x > 3` reads only when done."""
    match expression:
        case Constant() | Input() | Status():
            return
        case Result():
            yield Reading(expression, given, span)
        case Unary():
            yield from readings(expression.operand, status, span, given)
        case Binary(operator="and" | "implies"):
            yield from readings(expression.left, status, span, given)
            yield from readings(expression.right, status, span, both(given, lower(expression.left, status)))
        case Binary(operator="or"):
            yield from readings(expression.left, status, span, given)
            yield from readings(expression.right, status, span, both(given, negation(lower(expression.left, status))))
        case Binary():
            yield from readings(expression.left, status, span, given)
            yield from readings(expression.right, status, span, given)
        case Items():
            for item in expression.items:
                yield from readings(item, status, span, given)


# --- D1 ------------------------------------------------------------------------------------------------------------


def forward(saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> tuple[Obligation, ...]:
    """What the guard reads is there when it is evaluated, and what the call reads when it is sent."""
    found: list[Reading] = []
    if step.guard is not None:
        found += readings(step.guard.condition, conditions.status, step.guard.span, conditions.entry[step.name])
    for (_, argument), span in zip(step.call.arguments, step.call.spans, strict=True):
        found += readings(argument, conditions.status, span, conditions.enabled[step.name])
    if not found:
        return ()
    claim = Claim("D1", saga.full_name, step.name, f"every result that `{step.name}` reads is there", found[0].span)

    def cases() -> Iterator[Case]:
        for reading in found:
            yield from absent(graph, conditions, step, reading)

    return (Never(claim, cases),)


def not_turned_at_once(graph: Graph, conditions: Conditions, step: Step) -> Formula:
    """No guard fails the run in the event that makes the step ready: then the step is dropped before it reads."""
    settled = graph.ancestors[graph.number[step.name]]
    ready = [
        name for name in (*conditions.pivots, *conditions.failing) if not graph.ancestors[graph.number[name]] & ~settled
    ]
    others = [name for name in ready if name != step.name]
    if any(name in conditions.pivots for name in others):
        return TRUE
    return both(*(conditions.guard[name] for name in others))


def absent(graph: Graph, conditions: Conditions, step: Step, reading: Reading) -> Iterator[Case]:
    """The step whose result is read was skipped."""
    source = conditions.steps[reading.result.step]
    assert graph.precedes(source.name, step.name), f"{step.name} reads {source.name} without coming after it"
    condition = both(reading.given, conditions.skipped(source.name))
    if condition != FALSE:
        condition = both(condition, not_turned_at_once(graph, conditions, step))
    if condition != FALSE:
        guard = source.guard
        assert guard is not None
        text = wording.expression(reading.result)
        yield Case(
            condition,
            Story(
                first=tuple(graph.predecessors(step.name)),
                subject=step.name,
                other=source.name,
                message=f"`{step.name}` reads `{text}`, but `{source.name}` may have been skipped",
                place=guard.span,
                place_text=f"`{source.name}` is skipped when this is false",
                help=(
                    f"guard `{step.name}` at least as tightly: `when {wording.expression(guard.condition)}`",
                    f"or drop the `when` of `{source.name}`, or write `else fail …` after it",
                ),
            ),
        )


def output(saga: Saga, graph: Graph, conditions: Conditions) -> Obligation | None:
    """What the output reads is there when the run completes."""
    passed = both(*(conditions.guard[step.name] for step in saga.steps if step.otherwise_fails))
    found = [
        (field.name, reading)
        for field in saga.outputs
        for reading in readings(field.value, conditions.status, field.span, passed)
    ]
    if not found:
        return None
    claim = Claim("D1", saga.full_name, "", "every result that the output reads is there", found[0][1].span)

    def cases() -> Iterator[Case]:
        for name, reading in found:
            source = conditions.steps[reading.result.step]
            condition = both(reading.given, conditions.skipped(source.name))
            if condition != FALSE:
                yield Case(condition, missing_output(graph, name, source, reading))

    return Never(claim, cases)


def missing_output(graph: Graph, name: str, source: Step, reading: Reading) -> Story:
    guard = source.guard
    assert guard is not None
    return Story(
        first=graph.order,
        subject=source.name,
        message=f"the output `{name}` reads `{wording.expression(reading.result)}`, but `{source.name}` may be skipped",
        place=guard.span,
        place_text=f"`{source.name}` is skipped when this is false",
        help=(
            f"drop the `when` of `{source.name}`, or write `else fail …` after it",
            f"or drop `{name}` from the output",
        ),
    )


def ruled(saga: Saga, graph: Graph, conditions: Conditions, rule: Rule) -> Obligation | None:
    """What a rule reads is there when its step is sent."""
    found: list[Reading] = []
    given = conditions.enabled[rule.step]
    if rule.guard is not None:
        found += readings(rule.guard.condition, conditions.status, rule.guard.span, given)
        given = both(given, conditions.condition(rule.guard.condition))
    found += readings(rule.condition, conditions.status, rule.span, given)
    claim = Claim(
        "F", saga.full_name, rule.step, f"every result that a rule on `{rule.step}` reads is there", rule.span
    )
    return there_at(claim, conditions, found, (rule.step,), "the rule") if found else None


def ensured(saga: Saga, graph: Graph, conditions: Conditions, ensure: Ensure) -> Obligation | None:
    """What an `ensure` reads is there when the run completes."""
    passed = both(*(conditions.guard[step.name] for step in saga.steps if step.otherwise_fails))
    read = (ensure.condition, *(key for record in ensure.records for key in record.keys))
    found = [reading for expression in read for reading in spoken(expression, conditions, ensure.span, passed)]
    claim = Claim("F", saga.full_name, "", "every result that an `ensure` reads is there", ensure.span)
    return there_at(claim, conditions, found, graph.order, "the `ensure`") if found else None


def spoken(expression: Expression, conditions: Conditions, span: Span, given: Formula) -> Iterator[Reading]:
    """Like `readings`, where records are read too: what they hold says nothing of what else is there."""
    if isinstance(expression, Binary) and expression.operator in ("and", "or", "implies"):
        yield from spoken(expression.left, conditions, span, given)
        if not any(reads_a_record(leaf, conditions) for leaf in terms.leaves(expression.left)):
            left = lower(expression.left, conditions.status)
            given = both(given, negation(left) if expression.operator == "or" else left)
        yield from spoken(expression.right, conditions, span, given)
        return
    for leaf in terms.leaves(expression):
        if isinstance(leaf, Result) and not reads_a_record(leaf, conditions):
            yield Reading(leaf, given, span)


def reads_a_record(leaf: Expression, conditions: Conditions) -> bool:
    return isinstance(leaf, Result) and leaf.step not in conditions.steps


def there_at(
    claim: Claim, conditions: Conditions, found: list[Reading], settled: tuple[str, ...], reader: str
) -> Never:
    """Every result is there once these steps are settled."""

    def cases() -> Iterator[Case]:
        for reading in found:
            source = conditions.steps[reading.result.step]
            condition = both(reading.given, conditions.skipped(source.name))
            if condition != FALSE:
                yield Case(condition, unread(source, reading, settled, reader))

    return Never(claim, cases)


def unread(source: Step, reading: Reading, settled: tuple[str, ...], reader: str) -> Story:
    guard = source.guard
    assert guard is not None
    return Story(
        first=settled,
        subject=source.name,
        message=f"{reader} reads `{wording.expression(reading.result)}`, but `{source.name}` may have been skipped",
        place=guard.span,
        place_text=f"`{source.name}` is skipped when this is false",
        help=(f"say what holds without it: `not {source.name}.done or …`", f"or drop the `when` of `{source.name}`"),
    )


# --- D2 ------------------------------------------------------------------------------------------------------------


def backward(
    project: Project, saga: Saga, graph: Graph, conditions: Conditions, step: Step, planned: plan.Step
) -> tuple[Obligation, ...]:
    """What the compensations of a step read is there whenever they run, also where the outcome stays unknown."""
    found = [reading for handler in step.handlers for reading in undo_readings(graph, conditions, step, handler)]
    if not found:
        return ()
    claim = Claim("D2", saga.full_name, step.name, f"whatever undoes `{step.name}` can read is there", found[0].span)

    def cases() -> Iterator[Case]:
        for reading in found:
            source = reading.result.step
            if source == step.name:
                yield from in_doubt(conditions, step, planned, reading)
            elif not graph.precedes(source, step.name):
                yield from whenever_undone(project, graph, conditions, step, not_before(conditions, step, reading))
            else:
                for case in absent_for_undo(conditions, step, reading):
                    yield from whenever_undone(project, graph, conditions, step, case)

    return (Never(claim, cases, proved=Proved(supplied(step, planned, found))),)


def whenever_undone(project: Project, graph: Graph, conditions: Conditions, step: Step, case: Case) -> Iterator[Case]:
    """The case in each run that is turned while the step is done."""
    for condition, story in turning.ways(project, graph, conditions, step.name)():
        told = replace(
            story,
            other=story.other or case.story.other,
            message=case.story.message,
            place=case.story.place,
            place_text=case.story.place_text,
            help=case.story.help,
        )
        yield Case(both(condition, case.condition), told, case.condition)


def undo_readings(graph: Graph, conditions: Conditions, step: Step, handler: Handler) -> Iterator[Reading]:
    """What a compensation's guard and arguments read."""

    def status(status: Status) -> Formula:
        if status.step == step.name:
            return conditions.own_status(status)
        return conditions.status(status) if graph.precedes(status.step, step.name) else TRUE

    given = conditions.enabled[step.name]
    if handler.guard is not None:
        yield from readings(handler.guard.condition, status, handler.guard.span, given)
    given = both(given, handler_guard(graph, conditions, step, handler))
    for (_, argument), span in zip(handler.call.arguments, handler.call.spans, strict=True):
        yield from readings(argument, status, span, given)


def supplied(step: Step, planned: plan.Step, found: list[Reading]) -> tuple[str, ...]:
    """Who supplies the step's own result where its answer was lost."""
    if all(reading.result.step != step.name for reading in found):
        return ()
    match planned.doubt:
        case "probe":
            return (f"the probe of `{step.name}` returns its result",)
        case "hold":
            return (f"a person who settles `{step.name}` supplies its result",)
        case _:
            return ()


def in_doubt(conditions: Conditions, step: Step, planned: plan.Step, reading: Reading) -> Iterator[Case]:
    """A revoking undo runs where the answer was lost: then the step has no result."""
    if planned.doubt != "revoke":
        return
    text = wording.expression(reading.result)
    yield Case(
        both(reading.given, negation(conditions.answered(step.name))),
        Story(
            then=(step.name,),
            unknown=step.name,
            subject=step.name,
            message=f"the undo of `{step.name}` reads `{text}`, which is not there when the answer was lost",
            place=step.call.span,
            place_text="the answer to this may never come",
            help=(
                "let the undo read the input, and the service find the rest by the key of what it undoes",
                f"or let a person settle it, who also supplies the result: `on unknown hold` in `{step.name}`",
            ),
        ),
    )


def not_before(conditions: Conditions, step: Step, reading: Reading) -> Case:
    """The undo reads a step that may not have run yet."""
    source = conditions.steps[reading.result.step]
    text = wording.expression(reading.result)
    return Case(
        reading.given,
        Story(
            other=source.name,
            message=f"the undo of `{step.name}` reads `{text}`, but `{step.name}` does not come after `{source.name}`",
            place=source.name_span,
            place_text="this may not have run",
            help=(f"write `step {step.name} after {source.name}`", "or let the undo read something else"),
        ),
    )


def absent_for_undo(conditions: Conditions, step: Step, reading: Reading) -> Iterator[Case]:
    """The step whose result the undo reads was skipped."""
    source = conditions.steps[reading.result.step]
    condition = both(reading.given, conditions.skipped(source.name))
    if condition == FALSE:
        return
    assert source.guard is not None
    text = wording.expression(reading.result)
    yield Case(
        condition,
        Story(
            other=source.name,
            message=f"the undo of `{step.name}` reads `{text}`, but `{source.name}` may have been skipped",
            place=source.guard.span,
            place_text=f"`{source.name}` is skipped when this is false",
            help=(
                f"guard `{step.name}` at least as tightly: `when {wording.expression(source.guard.condition)}`",
                f"or give the compensation a `when {source.name}.done`, and add another one for the rest",
            ),
        ),
    )

"""How a plan is written in an emitted module, and which constructors may be read back from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from sagac.compiler import layout, wording
from sagac.compiler.layout import Piece
from sagac.runtime import plan
from sagac.runtime.plan import Plan

MODULE: Final = "planned"
"""The name under which an emitted module imports the plan's types, so that a spec may use their names itself."""

POSITIONAL: Final[dict[type[msgspec.Struct], int]] = {
    plan.Constant: 2,
    plan.Input: 2,
    plan.Result: 3,
    plan.Status: 2,
    plan.Unary: 2,
    plan.Binary: 3,
    plan.Items: 1,
    plan.Call: 2,
    plan.Field: 2,
    plan.Record: 2,
    plan.Enum: 2,
    plan.Lock: 2,
    plan.Step: 1,
    plan.Schedule: 0,
    plan.Undo: 0,
    plan.Plan: 0,
}
"""The plan's types, and how many of each one's first fields are written without their names."""

CONSTRUCTORS: Final = {kind.__name__: kind for kind in POSITIONAL}
"""The plan's types by name."""


Part: TypeAlias = plan.Schedule | plan.Input
"""A part of a plan that has a name of its own: there are few, and they stand in many places."""

Names: TypeAlias = Mapping[Part, str]


def shape(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """The fields of a type, each with its default."""
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))


SHAPES: Final = {kind: shape(kind) for kind in POSITIONAL}


def written(value: Any, constants: Names) -> Piece:
    """A plan, or a part of one, as the expression that builds it; parts that have a name of their own by that name."""
    if isinstance(value, tuple):
        return layout.tuple_of([written(item, constants) for item in value])
    if isinstance(value, msgspec.Struct):
        name = constants.get(value) if isinstance(value, plan.Schedule | plan.Input) else None
        return built(value, constants) if name is None else Piece(name)
    return layout.wire(value)


def built(value: msgspec.Struct, constants: Names) -> Piece:
    """A constructor call, without the fields that have their default."""
    kind = type(value)
    unnamed = POSITIONAL[kind]
    positional = []
    named = []
    for place, (name, default) in enumerate(SHAPES[kind]):
        content = getattr(value, name)
        if place < unnamed:
            positional.append(written(content, constants))
        elif content != default:
            named.append((name, written(content, constants)))
    return layout.call(f"{MODULE}.{kind.__name__}", positional, named)


def shared(found: Plan) -> Iterator[Part]:
    """The parts of a plan that get names of their own, as often as they stand in it."""
    for step in found.steps:
        yield step.schedule
        for undo in step.undos:
            yield undo.schedule
        for expression in expressions(step):
            yield from inputs(expression)
    for _, expression in found.output:
        yield from inputs(expression)


def inputs(expression: plan.Expression) -> Iterator[plan.Input]:
    """The reads of the saga's input in an expression."""
    return (leaf for leaf in leaves(expression) if isinstance(leaf, plan.Input))


def expressions(step: plan.Step) -> Iterator[plan.Expression]:
    """Every expression that stands in a step."""
    calls = [step.call, *(undo.call for undo in step.undos), *([step.probe] if step.probe else [])]
    for call in calls:
        for _, argument in call.arguments:
            yield argument
    for guard in (step.guard, *(undo.guard for undo in step.undos)):
        if guard is not None:
            yield guard
    for lock in step.locks:
        yield from lock.keys


def leaves(expression: plan.Expression) -> Iterator[plan.Constant | plan.Input | plan.Result]:
    """The values that an expression is made of."""
    match expression:
        case plan.Constant() | plan.Input() | plan.Result():
            yield expression
        case plan.Unary():
            yield from leaves(expression.operand)
        case plan.Binary():
            yield from leaves(expression.left)
            yield from leaves(expression.right)
        case plan.Items():
            for item in expression.items:
                yield from leaves(item)
        case plan.Status():
            return
        case _:
            assert_never(expression)


def suggested_name(part: Part) -> str:
    """The name of a part, made of what it says: `INPUT_ORDER_ID`, `TIMEOUT_5S_RETRY_5_BACKOFF_200MS_TO_10S`."""
    if isinstance(part, plan.Input):
        return "_".join(("INPUT", *part.path)).upper()
    words = [f"TIMEOUT_{wording.duration(part.timeout_ms)}"]
    words.append("RETRY_FOREVER" if part.retries is None else f"RETRY_{part.retries}")
    if part.within_ms is not None:
        words.append(f"WITHIN_{wording.duration(part.within_ms)}")
    words.append(f"BACKOFF_{wording.duration(part.backoff_first_ms)}_TO_{wording.duration(part.backoff_max_ms)}")
    return "_".join(words).upper()


def split(found: Plan) -> tuple[list[tuple[str, Any]], tuple[plan.Step, ...], list[tuple[str, Any]]]:
    """A plan's written fields before its steps, the steps, and the fields after them."""
    fields = [(name, content) for name, default in SHAPES[Plan] if (content := getattr(found, name)) != default]
    place = [name for name, _ in fields].index("steps")
    return fields[:place], found.steps, fields[place + 1 :]

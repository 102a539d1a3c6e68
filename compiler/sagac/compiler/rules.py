"""Rules over runs: `ensure`, `require`, `forbid` and choices."""

from __future__ import annotations

from dataclasses import dataclass

from sagac.compiler import codes, expressions, model, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.ensures import ensure
from sagac.compiler.finds import Finds
from sagac.compiler.frames import Frame
from sagac.compiler.names import distinct
from sagac.runtime import plan


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a saga; those with findings are left out."""

    ensures: tuple[model.Ensure, ...]
    rules: tuple[model.Rule, ...]
    choices: tuple[model.Choice, ...]


def rules(saga: syntax.Saga, frame: Frame) -> Finds[Rules]:
    """Every rule of a saga."""
    found: list[model.Ensure | model.Rule | model.Choice | None] = []
    for item in saga.items:
        match item:
            case syntax.Choice():
                found.append((yield from _choice(item, frame)))
            case syntax.Require():
                found.append((yield from _require(item, frame)))
            case syntax.Forbid():
                found.append((yield from _forbid(item, frame)))
            case syntax.Ensure():
                found.append((yield from ensure(item, frame)))
            case _:
                pass
    return Rules(
        tuple(item for item in found if isinstance(item, model.Ensure)),
        tuple(item for item in found if isinstance(item, model.Rule)),
        tuple(item for item in found if isinstance(item, model.Choice)),
    )


def _require(node: syntax.Require, frame: Frame) -> Finds[model.Rule | None]:
    known = yield from frame.is_step(node.step)
    condition = yield from expressions.condition(node.condition, frame.scope("a `require`"))
    guard = None
    if node.guard is not None:
        lowered = yield from expressions.condition(node.guard, frame.scope("a guard"))
        guard = model.Guard(lowered, node.guard.span) if lowered is not None else None
    if not known or condition is None or (node.guard is not None and guard is None):
        return None
    return model.Rule("require", node.step.text, condition, guard, node.span)


def _forbid(node: syntax.Forbid, frame: Frame) -> Finds[model.Rule | None]:
    known = yield from frame.is_step(node.step)
    condition = yield from expressions.condition(node.guard, frame.scope("a `forbid`"))
    if not known or condition is None:
        return None
    return model.Rule("forbid", node.step.text, plan.Unary("not", condition), None, node.span)


def _choice(node: syntax.Choice, frame: Frame) -> Finds[model.Choice]:
    yield from distinct(node.steps, "in this choice")
    for name in node.steps:
        if (yield from frame.is_step(name)) and _guard(frame.steps[name.text]) is None:
            yield codes.finding(
                "E312",
                f"step `{name.text}` always runs, so there is no choice about it",
                name.span,
                Label(frame.steps[name.text].name.span, "the step"),
                help=f"give `{name.text}` a `when`",
            )
    if len(node.steps) < 2:
        yield codes.finding("E311", "a choice is between two steps or more", node.span)
    return model.Choice(node.kind, tuple(name.text for name in node.steps), node.span)


def _guard(step: syntax.Step) -> syntax.When | None:
    return next((clause for clause in step.clauses if isinstance(clause, syntax.When)), None)

"""Rules over runs (`ensure`, `require`, `forbid`, choices): read, checked, and listed as not proved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sagac.compiler import codes, expressions, shapes, syntax
from sagac.compiler.contracts import Outline, visible_records
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds
from sagac.compiler.frames import Frame
from sagac.compiler.model import Unproved
from sagac.compiler.names import distinct
from sagac.compiler.scopes import Root
from sagac.compiler.wording import duration


def rules(saga: syntax.Saga, frame: Frame) -> Finds[None]:
    """Every rule of a saga."""
    for item in saga.items:
        match item:
            case syntax.Choice():
                yield from _choice(item, frame)
            case syntax.Require():
                yield from frame.is_step(item.step)
                yield from expressions.condition(item.condition, frame.scope("a `require`"))
                if item.guard is not None:
                    yield from expressions.condition(item.guard, frame.scope("a guard"))
            case syntax.Forbid():
                yield from frame.is_step(item.step)
                yield from expressions.condition(item.guard, frame.scope("a `forbid`"))
            case syntax.Ensure():
                yield from _ensure(item, frame)
            case _:
                pass


def _choice(node: syntax.Choice, frame: Frame) -> Finds[None]:
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


def _guard(step: syntax.Step) -> syntax.When | None:
    return next((clause for clause in step.clauses if isinstance(clause, syntax.When)), None)


def _ensure(node: syntax.Ensure, frame: Frame) -> Finds[None]:
    """What an end or every state must show; `clean` is known where a rollback ends."""
    visible = visible_records(_services(frame), "an `ensure`")
    scope = replace(
        frame.scope("an `ensure`"),
        records=visible.records,
        doubled=visible.doubled,
        blind=frame.view.blind,
        old=node.at != "always",
    )
    if node.at == "compensated" and "clean" not in scope.roots:
        scope = replace(scope, roots={**scope.roots, "clean": Root("local", shapes.BOOL, node.span)})
    yield from expressions.condition(node.condition, scope)


def _services(frame: Frame) -> Iterator[Outline]:
    """The declared services that the saga's file can see."""
    for seen in frame.view.services.values():
        for declared in seen.choices:
            yield frame.world.contracts[declared.full_name].outline


# --- what is not proved ---------------------------------------------------------------------------------------------


def unproved(saga: syntax.Saga) -> Iterable[Unproved]:
    """What a saga itself says that this version does not prove, in the author's words."""
    for item in saga.items:
        match item:
            case syntax.Choice():
                names = ", ".join(f"`{name.text}`" for name in item.steps)
                word = "exactly one of" if item.kind == "exactly" else "at least one of"
                yield Unproved(word, f"that {word} {names} runs", item.span)
            case syntax.Require():
                when = " under its condition" if item.guard is not None else ""
                yield Unproved("require", f"that what `{item.step.text}` requires holds before it{when}", item.span)
            case syntax.Forbid():
                yield Unproved("forbid", f"that `{item.step.text}` does not run where it is forbidden", item.span)
            case syntax.Ensure():
                yield Unproved("ensure", f"that what is ensured {_WHEN[item.at]} holds", item.span)
            case syntax.Deadline():
                yield Unproved(
                    "deadline",
                    f"that a run reaches its point of no return within {duration(item.duration.ms)}",
                    item.span,
                )
            case syntax.Rollback(within=within) if within is not None:
                yield Unproved("rollback within", f"that a rollback ends within {duration(within.ms)}", item.span)
            case syntax.OutputBlock():
                yield from _refinements(item)
            case _:
                pass


_WHEN: Mapping[str, str] = {
    "completed": "at completion",
    "compensated": "after a rollback",
    "always": "at all times",
}


def _refinements(block: syntax.OutputBlock) -> Iterable[Unproved]:
    for field in block.fields:
        if field.where is not None:
            yield Unproved("where", f"that output `{field.name.text}` is as its `where` says", field.where.span)

"""Scenarios and waivers of a saga, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from sagac.compiler import codes, expressions, model, syntax
from sagac.compiler.clauses import one_each, the
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, gather, nearest
from sagac.compiler.frames import Frame
from sagac.compiler.shapes import Shape
from sagac.compiler.source import Span
from sagac.runtime.plan import Wire


def scenarios(saga: syntax.Saga, frame: Frame, inputs: Mapping[str, Shape]) -> Finds[tuple[model.Scenario, ...]]:
    """Every scenario of a saga."""
    nodes = [item for item in saga.items if isinstance(item, syntax.Scenario)]
    first: dict[str, Span] = {}
    for node in nodes:
        if node.title.value in first:
            yield codes.finding(
                "E207",
                f"two scenarios are called `{node.title.value}`",
                node.title.span,
                Label(first[node.title.value], "the first one"),
                help="give one another title",
            )
        first.setdefault(node.title.value, node.title.span)
    return (yield from gather(_scenario(node, frame, inputs) for node in nodes))


def _scenario(node: syntax.Scenario, frame: Frame, inputs: Mapping[str, Shape]) -> Finds[model.Scenario]:
    title = f"scenario `{node.title.value}`"
    yield from one_each(node.clauses, (syntax.GivenInput, syntax.ThenEnd, syntax.ThenOrder), title)
    values = yield from _input(the(node.clauses, syntax.GivenInput), inputs)
    yield from _settled_once(node, title)
    givens: list[model.Given] = []
    for clause in node.clauses:
        given = yield from _given(clause, frame)
        if given is not None:
            givens.append(given)
    end, order = the(node.clauses, syntax.ThenEnd), the(node.clauses, syntax.ThenOrder)
    if end is None and order is None:
        yield codes.finding(
            "E311", f"{title} does not say what must come of it", node.span, help="write `then completed`, for one"
        )
    items = (yield from _order(order, frame)) if order is not None else ()
    return model.Scenario(node.title.value, values, tuple(givens), end.end if end is not None else "", items, node.span)


def _input(clause: syntax.GivenInput | None, inputs: Mapping[str, Shape]) -> Finds[tuple[tuple[str, Wire], ...]]:
    found: dict[str, Wire] = {}
    for name, value in clause.values if clause is not None else ():
        if name.text not in inputs:
            yield codes.finding(
                "E206", f"the input has no field `{name.text}`", name.span, help=nearest(name.text, inputs)
            )
        elif name.text in found:
            yield codes.finding("E207", f"`{name.text}` is given twice", name.span)
        else:
            what = f"the given `{name.text}`"
            found[name.text] = yield from expressions.constant(value, inputs[name.text], what)
    return tuple(found.items())


def _settled_once(node: syntax.Scenario, title: str) -> Finds[None]:
    """One step fails or is unknown, once; a run is cancelled once."""
    first: dict[tuple[str, str], Span] = {}
    for clause in node.clauses:
        about = _subject(clause)
        if about is None:
            continue
        if about in first:
            yield codes.finding(
                "E326",
                f"{title} says twice what becomes of {about[1]}",
                clause.span,
                Label(first[about], "the first time"),
                help="write two scenarios",
            )
        first.setdefault(about, clause.span)


def _subject(clause: syntax.Given | syntax.Then) -> tuple[str, str] | None:
    match clause:
        case syntax.GivenFails() | syntax.GivenUnknown():
            return "do", f"`{clause.step.text}`"
        case syntax.GivenUndoFails():
            return "undo", f"the undo of `{clause.step.text}`"
        case syntax.GivenAfter(kind="cancel"):
            return "cancel", "the run: it can be cancelled once"
        case _:
            return None


def _given(clause: syntax.Given | syntax.Then, frame: Frame) -> Finds[model.Given | None]:
    match clause:
        case syntax.GivenFails():
            return (yield from _fails(clause, frame))
        case syntax.GivenUnknown():
            return (yield from _unknown(clause, frame))
        case syntax.GivenUndoFails():
            if not (yield from _has_undo(clause.step, frame)):
                return None
            return model.GivenUndoFails(clause.step.text)
        case syntax.GivenAfter():
            return model.GivenAfter(clause.kind, clause.step.text) if (yield from frame.is_step(clause.step)) else None
        case syntax.GivenApproval():
            yield _later(clause.span, "`approval`")
        case syntax.GivenSignal():
            yield _later(clause.span, "`wait for signal`")
        case syntax.GivenInput() | syntax.ThenEnd() | syntax.ThenOrder():
            pass
        case _:
            assert_never(clause)
    return None


def _later(span: Span, words: str) -> Diagnostic:
    return codes.finding(
        "E507", f"{words} is not supported in this version, so no scenario can speak of it", span, help="leave it out"
    )


def _fails(clause: syntax.GivenFails, frame: Frame) -> Finds[model.Given | None]:
    if not (yield from frame.is_step(clause.step)):
        return None
    own = frame.signatures[clause.step.text]
    if own is None:
        return None
    if clause.failure.text not in own.operation.fails:
        known = own.operation.fails
        yield codes.finding(
            "E210",
            f"`{own.operation.name}` does not fail with `{clause.failure.text}`",
            clause.failure.span,
            own.label,
            help=nearest(clause.failure.text, known)
            or f"declare it: `fails {', '.join((*known, clause.failure.text))}`",
        )
        return None
    return model.GivenFails(clause.step.text, clause.failure.text)


def _unknown(clause: syntax.GivenUnknown, frame: Frame) -> Finds[model.Given | None]:
    if not (yield from frame.is_step(clause.step)):
        return None
    own = frame.signatures[clause.step.text]
    if own is not None and own.operation.kind == "query" and clause.landed is not None:
        yield codes.finding(
            "E326",
            f"`{own.operation.name}` is a query: it has no effect that could have landed",
            clause.span,
            own.label,
            help=f"write `given {clause.step.text} unknown`",
        )
        return None
    return model.GivenUnknown(clause.step.text, clause.landed)


def _has_undo(name: syntax.Name, frame: Frame) -> Finds[bool]:
    if not (yield from frame.is_step(name)):
        return False
    step = frame.steps[name.text]
    if any(isinstance(clause, syntax.Undo) for clause in step.clauses):
        return True
    if name.text in frame.silent or name.text in frame.unaccounted:
        return False
    yield codes.finding(
        "E326", f"step `{name.text}` has no undo", name.span, Label(step.name.span, "the step"), help="leave it out"
    )
    return False


def _order(clause: syntax.ThenOrder, frame: Frame) -> Finds[tuple[tuple[Literal["do", "undo"], str], ...]]:
    found: dict[tuple[Literal["do", "undo"], str], None] = {}
    for item in clause.items:
        direction: Literal["do", "undo"] = "undo" if item.undo else "do"
        known = yield from (_has_undo(item.step, frame) if item.undo else frame.is_step(item.step))
        if known and (direction, item.step.text) in found:
            yield codes.finding("E326", f"`{item.step.text}` stands twice in this `order`, and happens once", item.span)
        if known:
            found[direction, item.step.text] = None
    return tuple(found)


# --- waivers --------------------------------------------------------------------------------------------------------


def waivers(saga: syntax.Saga, frame: Frame) -> Finds[tuple[model.Waiver, ...]]:
    """Every waiver of a saga; whether it is still needed is decided when all findings are known."""
    found: list[model.Waiver] = []
    for node in saga.items:
        if not isinstance(node, syntax.Waive):
            continue
        yield from _waivable(node)
        if node.step is not None:
            yield from frame.is_step(node.step)
        step = node.step.text if node.step is not None else ""
        found.append(model.Waiver(node.code.text, step, node.until.value, node.by.value, node.because.value, node.span))
    return tuple(found)


def _waivable(node: syntax.Waive) -> Finds[None]:
    name = node.code.text
    declared = codes.CODES.get(name)
    if declared is None:
        yield codes.finding(
            "E327", f"there is no finding with the code `{name}`", node.code.span, help=nearest(name, codes.CODES)
        )
    elif declared.severity == "note":
        yield codes.finding(
            "E327", f"`{name}` is a note and asks for nothing", node.code.span, help="delete the waiver"
        )
    elif declared.severity == "error" and declared not in codes.OF_PROOFS:
        yield codes.finding(
            "E327",
            f"`{name}` cannot be waived: a spec with it has no meaning that could run",
            node.code.span,
            help="only what the proofs find, and warnings, can be waived",
        )

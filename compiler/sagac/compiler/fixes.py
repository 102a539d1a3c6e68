"""Fixes: help that was tried. An edit of the text is believed only when the check of the edited text says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from sagac.compiler import driver, instructions, wording
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.edits import Edit, Fix, Page, applied, put_after, retried, starts_after, unguarded
from sagac.compiler.model import Handler, Step
from sagac.compiler.obligations.recoverability import after
from sagac.compiler.planner import called
from sagac.compiler.source import Span
from sagac.runtime.plan import Binary, Expression, Unary

STEPS_MAX: Final = 200
"""In a project of more steps nothing is tried: each try is a whole check."""

TRIED_MAX: Final = 12
"""So many fixes are tried in one check; those of the first findings first."""


def verified(checked: Checked, today: date) -> tuple[Diagnostic, ...]:
    """The findings with the help marked that was tried: with it the finding is gone, and there is no new error."""
    if sum(len(saga.steps) for saga in checked.project.sagas) > STEPS_MAX:
        return checked.diagnostics
    left = TRIED_MAX
    told: list[Diagnostic] = []
    for finding in checked.diagnostics:
        tried = tuple(proposals(checked, finding))[:left] if finding.severity == "error" else ()
        left -= len(tried)
        told.append(marked(finding, tuple(fix.advice for fix in tried if repairs(checked, finding, fix, today))))
    return tuple(told)


def marked(finding: Diagnostic, proved: tuple[str, ...]) -> Diagnostic:
    """The finding with these lines of help as verified; a line that it did not have yet stands behind the others."""
    known = tuple(line for line in finding.help if bare(line) in proved)
    lines = frozenset(map(bare, finding.help))
    new = tuple(f"or {line}" if finding.help else line for line in proved if line not in lines)
    return replace(finding, help=(*finding.help, *new), verified=(*known, *new))


def bare(line: str) -> str:
    """A line of help without the word that joins it to the one before."""
    return line.removeprefix("or ")


def repairs(checked: Checked, finding: Diagnostic, fix: Fix, today: date) -> bool:
    """Whether the finding is gone from the edited text, and there is no error in it that was not there before."""
    after = driver.check(applied(checked.sources, fix), today)
    return errors(after) <= errors(checked) - {identity(finding)} and after.plans.keys() == checked.plans.keys()


def errors(checked: Checked) -> set[tuple[str, str, str, str]]:
    told = {identity(finding) for finding in checked.diagnostics if finding.severity == "error"}
    return told | {identity(each.finding) for each in checked.waiting}


def identity(finding: Diagnostic) -> tuple[str, str, str, str]:
    """What makes a finding the same one in an edited text."""
    return finding.code, finding.saga, finding.step, finding.message


# --- what is proposed ----------------------------------------------------------------------------------------------


def proposals(checked: Checked, finding: Diagnostic) -> Iterator[Fix]:
    """The mechanical fixes of a finding, each line once: those of its kind, and those that its help spells out."""
    saga = next((saga for saga in checked.project.sagas if saga.full_name == finding.saga), None)
    if saga is None:
        return
    page = Page(checked, saga)
    step = next((step for step in saga.steps if step.name == finding.step), None)
    found = (*(of_kind(page, finding, step) if step is not None else ()), *instructions.fixes(page, finding))
    once: dict[str, Fix] = {}
    for fix in found:
        once.setdefault(bare(fix.advice), replace(fix, advice=bare(fix.advice)))
    yield from once.values()


def of_kind(page: Page, finding: Diagnostic, step: Step) -> Iterator[Fix]:
    """What the kind of a finding says about its repair."""
    match finding.code:
        case "A1":
            yield from over_in_time(page, finding, step)
        case "A2":
            yield from covered(page, step)
        case "C1":
            yield from declared(page, step)


# --- A1 ------------------------------------------------------------------------------------------------------------


def over_in_time(page: Page, finding: Diagnostic, step: Step) -> Iterator[Fix]:
    """A step that cannot fail, or one that is over before the pivot; a pivot of what cannot be undone."""
    others = [other for label in finding.labels[1:] if (other := page.step_at(label.span)) is not None]
    pivot = next((other for other in others if other.pivot and other is not step), None)
    if pivot is None:
        yield from as_pivot(page, step, others)
        return
    operation = page.checked.project.operation(step.call)
    if step.schedule.retries is not None and not operation.fails and not step.otherwise_fails:
        edit = retried(page, step, "retry forever")
        yield Fix(f"make `{step.name}` unable to fail: write `retry forever`", (edit,))
    edit = starts_after(page, pivot, step.name)
    yield Fix(f"let it be over before: `pivot step {pivot.name} after {after(pivot, step.name)}`", (edit,))


def as_pivot(page: Page, step: Step, others: Sequence[Step]) -> Iterator[Fix]:
    """An irreversible step as the point of no return, alone or with what else may then not fail."""
    if step.pivot:
        return
    head = page.text(Span(step.span.file, step.span.start, step.name_span.start))
    at = step.span.start + head.rindex("step")
    pivot = Edit(Span(step.span.file, at, at), "pivot ")
    yield Fix(f"make it the point of no return, after all that can fail: `pivot step {step.name}`", (pivot,))
    endless = tuple(each for each in (step, *others) if each.schedule.retries is not None)
    if endless:
        names = wording.listing([each.name for each in endless])
        advice = f"make it the point of no return, `pivot step {step.name}`, and write `retry forever` in {names}"
        yield Fix(advice, (pivot, *(retried(page, each, "retry forever") for each in endless)))


# --- A2 ------------------------------------------------------------------------------------------------------------


def covered(page: Page, step: Step) -> Iterator[Fix]:
    """Compensations that leave nothing over, and exclude each other."""
    last = step.handlers[-1] if step.handlers else None
    if last is not None and last.guard is not None:
        yield Fix("drop the `when` of the last one", (unguarded(page, last.guard),))
    if len(step.handlers) > 1:
        yield from exclusive(page, step.handlers)


def exclusive(page: Page, handlers: Sequence[Handler]) -> Iterator[Fix]:
    """The last compensation only where none of the others applies."""
    *others, last = handlers
    rest = [negated(other.guard.condition) for other in others if other.guard is not None]
    if len(rest) < len(others):
        return
    words = " and ".join(rest)
    edit = put_after(last.call.span, f" when {words}") if last.guard is None else Edit(last.guard.span, words)
    call = page.text(last.call.span)
    yield Fix(f"let the last one apply where the others do not: `compensate {call} when {words}`", (edit,))


def negated(condition: Expression) -> str:
    """The opposite of a condition, as an author would write it."""
    match condition:
        case Unary(operator="not"):
            return wording.expression(condition.operand)
        case Binary() if condition.operator in OPPOSITE:
            left, right = wording.expression(condition.left), wording.expression(condition.right)
            return f"{left} {OPPOSITE[condition.operator]} {right}"
        case _:
            return wording.expression(Unary("not", condition))


OPPOSITE: Final[Mapping[str, str]] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


# --- C1 ------------------------------------------------------------------------------------------------------------


def declared(page: Page, step: Step) -> Iterator[Fix]:
    """A promise of the undo, for the author to make sure of."""
    for handler in step.handlers[:1]:
        operation = page.checked.project.operation(handler.call)
        name, words = wording.operation(called(handler.call)), f"revokes {step.call.operation}"
        if handler.call.service == step.call.service and not operation.revokes:
            advice = f"declare `{words}` on `{name}`, if it keeps a late call out too"
            yield Fix(advice, (put_after(operation.span, f" {words}"),))
        if not operation.idempotent:
            advice = f"declare `{name}` `idempotent`, or `{words}`"
            yield Fix(advice, (put_after(operation.span, " idempotent"),))

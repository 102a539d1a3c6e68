"""Fixes: help that was tried. An edit of the text is believed only when the check of the edited text says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sagac.compiler import driver, wording
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.model import Guard, Handler, Saga, Step
from sagac.compiler.planner import called
from sagac.compiler.source import Source, Span
from sagac.runtime.plan import Binary, Expression, Unary

STEPS_MAX: Final = 200
"""In a project of more steps nothing is tried: each try is a whole check."""

TRIED_MAX: Final = 12
"""So many fixes are tried in one check; those of the first findings first."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A place, and what is to stand there; an empty place is where something is put in."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What an author is told to write, and the edits that write it."""

    advice: str
    edits: tuple[Edit, ...]


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
    lines = {bare(line): line for line in finding.help}
    new = tuple(advice for advice in proved if bare(advice) not in lines)
    known = tuple(line for line in finding.help if bare(line) in {bare(advice) for advice in proved})
    new = tuple(f"or {line}" if finding.help and not line.startswith("or ") else line for line in new)
    return replace(finding, help=(*finding.help, *new), verified=(*known, *new))


def bare(line: str) -> str:
    """A line of help without the word that joins it to the one before."""
    return line.removeprefix("or ")


def repairs(checked: Checked, finding: Diagnostic, fix: Fix, today: date) -> bool:
    """Whether the finding is gone from the edited text, and there is no error in it that was not there before."""
    after = driver.check(applied(checked.sources, fix), today)
    return errors(after) <= errors(checked) - {identity(finding)} and after.plans.keys() == checked.plans.keys()


def errors(checked: Checked) -> set[tuple[str, str, str, str]]:
    return {identity(finding) for finding in checked.diagnostics if finding.severity == "error"}


def identity(finding: Diagnostic) -> tuple[str, str, str, str]:
    """What makes a finding the same one in an edited text."""
    return finding.code, finding.saga, finding.step, finding.message


def applied(sources: Mapping[str, Source], fix: Fix) -> tuple[Source, ...]:
    """The texts after the edits of a fix."""
    return tuple(Source(name, edited(source.text, name, fix.edits)) for name, source in sources.items())


def edited(text: str, file: str, edits: Sequence[Edit]) -> str:
    """One text after its edits, the last one first, so that the places of the others stay."""
    for edit in sorted((each for each in edits if each.span.file == file), key=lambda each: each.span, reverse=True):
        text = f"{text[: edit.span.start]}{edit.text}{text[edit.span.end :]}"
    return text


# --- what is proposed ----------------------------------------------------------------------------------------------


def proposals(checked: Checked, finding: Diagnostic) -> Iterator[Fix]:
    """The mechanical fixes of a finding, the smallest first."""
    saga = next((saga for saga in checked.project.sagas if saga.full_name == finding.saga), None)
    if saga is None:
        return
    page = Page(checked, saga)
    step = next((step for step in saga.steps if step.name == finding.step), None)
    if step is None:
        return
    match finding.code:
        case "A1":
            yield from over_in_time(page, finding, step)
        case "A2":
            yield from covered(page, step)
        case "C1":
            yield from declared(page, step)
            yield page.clause(step, "on unknown hold", f"write `on unknown hold` in `{step.name}`: a person settles it")
        case "D1":
            yield from guarded(page, finding, step)
        case "D2":
            yield from guarded(page, finding, step)
            yield page.clause(
                step,
                "on unknown hold",
                f"let a person settle it, who also supplies the result: `on unknown hold` in `{step.name}`",
            )


@dataclass(frozen=True, slots=True)
class Page:
    """A saga with the text that it stands in."""

    checked: Checked
    saga: Saga

    def text(self, span: Span) -> str:
        """What stands at a place."""
        return self.checked.sources[span.file].text[span.start : span.end]

    def clause(self, step: Step, words: str, advice: str) -> Fix:
        """One clause more in a step, in front of its closing brace."""
        return Fix(advice, (self.put_in(step, words),))

    def put_in(self, step: Step, words: str) -> Edit:
        body = self.text(step.span).rstrip()
        assert body.endswith("}"), body
        end = step.span.start + len(body) - 1
        inner = self.text(Span(step.span.file, step.span.start, end))
        kept = step.span.start + len(inner.rstrip())
        line = "\n" if "\n" in inner else " "
        margin = self.margin(step) if line == "\n" else ""
        return Edit(
            Span(step.span.file, kept, kept), f"{line}{margin}{words}" + ("" if inner[len(inner.rstrip()) :] else " ")
        )

    def margin(self, step: Step) -> str:
        """How far in the clauses of a step stand."""
        lines = self.text(step.span).split("\n")
        inside = next((line for line in lines[1:] if line.strip() and line.strip() != "}"), "    ")
        return inside[: len(inside) - len(inside.lstrip())]

    def step_at(self, span: Span) -> Step | None:
        """The step whose name stands at a place, or whose text holds it."""
        return next((step for step in self.saga.steps if holds(step.span, span)), None)


def holds(whole: Span, part: Span) -> bool:
    return whole.file == part.file and whole.start <= part.start and part.end <= whole.end


# --- A1 ------------------------------------------------------------------------------------------------------------


def over_in_time(page: Page, finding: Diagnostic, step: Step) -> Iterator[Fix]:
    """A step that cannot fail, or one that is over before the pivot; a pivot of what cannot be undone."""
    others = [page.step_at(label.span) for label in finding.labels[1:]]
    pivot = next((other for other in others if other is not None and other.pivot and other is not step), None)
    if pivot is None:
        yield from as_pivot(page, step, [other for other in others if other is not None])
        return
    operation = page.checked.project.operation(step.call)
    if step.schedule.retries is not None and not operation.fails and not step.otherwise_fails:
        yield Fix(f"make `{step.name}` unable to fail: write `retry forever`", (retried_forever(page, step),))
    yield Fix(
        f"let it be over before: `pivot step {pivot.name} after {step.name}`", (starts_after(page, pivot, step.name),)
    )


def as_pivot(page: Page, step: Step, others: Sequence[Step]) -> Iterator[Fix]:
    """An irreversible step as the point of no return, alone or with what else may then not fail."""
    if step.pivot:
        return
    head = page.text(Span(step.span.file, step.span.start, step.name_span.start))
    at = step.span.start + head.rindex("step")
    pivot = Edit(Span(step.span.file, at, at), "pivot ")
    yield Fix(f"make it the point of no return, after all that can fail: `pivot step {step.name}`", (pivot,))
    endless = tuple(each for each in (step, *others) if each.schedule.retries is not None)
    names = wording.listing([each.name for each in endless]) if endless else ""
    if endless:
        advice = f"make it the point of no return, `pivot step {step.name}`, and write `retry forever` in {names}"
        yield Fix(advice, (pivot, *(retried_forever(page, each) for each in endless)))


def retried_forever(page: Page, step: Step) -> Edit:
    """The step's `retry` as one that never ends, with the pauses that it has."""
    written = page.text(step.schedule_span)
    if step.schedule_span == step.name_span or not written.startswith("retry"):
        return page.put_in(step, "retry forever")
    _, word, pauses = written.partition("backoff")
    return Edit(step.schedule_span, f"retry forever {word}{pauses}".rstrip())


def starts_after(page: Page, step: Step, other: str) -> Edit:
    """One step more that a step waits for."""
    head = page.text(Span(step.span.file, step.name_span.end, step.span.end)).partition("{")[0]
    end = step.name_span.end + len(head.rstrip())
    return Edit(Span(step.span.file, end, end), f", {other}" if head.strip() else f" after {other}")


# --- C1 ------------------------------------------------------------------------------------------------------------


def declared(page: Page, step: Step) -> Iterator[Fix]:
    """A promise of the undo, for the author to make sure of."""
    for handler in step.handlers[:1]:
        operation = page.checked.project.operation(handler.call)
        name = wording.operation(called(handler.call))
        end = Span(operation.span.file, operation.span.end, operation.span.end)
        if handler.call.service == step.call.service and not operation.revokes:
            words = f"revokes {step.call.operation}"
            advice = f"declare `{words}` on `{name}`, if it keeps a late call out too"
            yield Fix(advice, (Edit(end, f" {words}"),))
        if not operation.idempotent:
            advice = f"declare `{name}` `idempotent`, or `revokes {step.call.operation}`"
            yield Fix(advice, (Edit(end, " idempotent"),))


# --- A2 ------------------------------------------------------------------------------------------------------------


def covered(page: Page, step: Step) -> Iterator[Fix]:
    """Compensations that exclude each other and leave nothing over."""
    if len(step.handlers) == 1 and step.handlers[0].guard is not None:
        yield Fix("drop the `when` of the last one", (unguarded(page, step.handlers[0].guard),))
    if len(step.handlers) > 1:
        last = step.handlers[-1]
        if last.guard is not None:
            yield Fix("drop the `when` of the last one", (unguarded(page, last.guard),))
        yield from exclusive(page, step.handlers)


def unguarded(page: Page, guard: Guard) -> Edit:
    """Nothing in place of a `when` and its condition."""
    text = page.checked.sources[guard.span.file].text
    start = text.rindex("when", 0, guard.span.start)
    start = len(text[:start].rstrip())
    return Edit(Span(guard.span.file, start, guard.span.end), "")


def exclusive(page: Page, handlers: Sequence[Handler]) -> Iterator[Fix]:
    """The last compensation only where none of the others applies."""
    *others, last = handlers
    if any(other.guard is None for other in others):
        return
    rest = [negated(other.guard.condition) for other in others if other.guard is not None]
    words = " and ".join(rest)
    call = page.text(last.call.span)
    edit = (
        Edit(Span(last.call.span.file, last.call.span.end, last.call.span.end), f" when {words}")
        if last.guard is None
        else Edit(last.guard.span, words)
    )
    yield Fix(f"let the last one apply where the others do not: `compensate {call} when {words}`", (edit,))


def negated(condition: Expression) -> str:
    """The opposite of a condition, as an author would write it."""
    if isinstance(condition, Unary) and condition.operator == "not":
        return wording.expression(condition.operand)
    if isinstance(condition, Binary) and condition.operator in OPPOSITE:
        return (
            f"{wording.expression(condition.left)} {OPPOSITE[condition.operator]} {wording.expression(condition.right)}"
        )
    return wording.expression(Unary("not", condition))


OPPOSITE: Final[Mapping[str, str]] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


# --- D1, D2 --------------------------------------------------------------------------------------------------------


def guarded(page: Page, finding: Diagnostic, step: Step) -> Iterator[Fix]:
    """The reader with a guard at least as tight as that of the step it reads."""
    source = next((found for label in finding.labels[1:] if (found := page.step_at(label.span)) is not None), None)
    if source is None or source is step or source.guard is None:
        return
    condition = wording.expression(source.guard.condition)
    advice = f"guard `{step.name}` at least as tightly: `when {condition}`"
    if step.guard is None:
        yield page.clause(step, f"when {condition}", advice)
    else:
        own = wording.expression(Binary("and", step.guard.condition, source.guard.condition))
        yield Fix(advice, (Edit(step.guard.span, own),))

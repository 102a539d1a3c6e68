"""Edits: what would be written where in a spec, as an author would write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sagac.compiler.driver import Checked
from sagac.compiler.model import Guard, Handler, Saga, Step
from sagac.compiler.source import Source, Span

RETRY: Final = re.compile(r"\bretry (forever|\d+ times)")


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


def applied(sources: Mapping[str, Source], fix: Fix) -> tuple[Source, ...]:
    """The texts after the edits of a fix."""
    return tuple(Source(name, edited(source.text, name, fix.edits)) for name, source in sources.items())


def edited(text: str, file: str, edits: Sequence[Edit]) -> str:
    """One text after its edits, the last one first, so that the places of the others stay."""
    for edit in sorted((each for each in edits if each.span.file == file), key=lambda each: each.span, reverse=True):
        text = f"{text[: edit.span.start]}{edit.text}{text[edit.span.end :]}"
    return text


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


# --- one edit ------------------------------------------------------------------------------------------------------


def put_after(span: Span, words: str) -> Edit:
    """Words behind a place."""
    return Edit(Span(span.file, span.end, span.end), words)


def starts_after(page: Page, step: Step, other: str) -> Edit:
    """One step more that a step waits for."""
    head = page.text(Span(step.span.file, step.name_span.end, step.span.end)).partition("{")[0]
    end = step.name_span.end + len(head.rstrip())
    return Edit(Span(step.span.file, end, end), f", {other}" if head.strip() else f" after {other}")


def retried(page: Page, step: Step, words: str) -> Edit:
    """The step's own `retry` with another count, and the pauses that it has; a new one where it has none."""
    text = page.text(step.span)
    for found in RETRY.finditer(text):
        place = Span(step.span.file, step.span.start + found.start(), step.span.start + found.end())
        if not any(holds(handler.span, place) for handler in step.handlers):
            return Edit(place, words)
    return page.put_in(step, words)


def undo_retried(page: Page, handler: Handler, words: str) -> Edit:
    """The same of an undo."""
    text = page.text(handler.span)
    found = RETRY.search(text)
    if found is not None:
        start = handler.span.start + found.start()
        return Edit(Span(handler.span.file, start, start + len(found[0])), words)
    if text.rstrip().endswith("}"):
        end = handler.span.start + text.rindex("}")
        return Edit(Span(handler.span.file, end, end), f" {words} ")
    return put_after(handler.span, f" {{ {words} }}")


def guarded(page: Page, step: Step, condition: str) -> Edit:
    """The step only where this holds too."""
    if step.guard is None:
        return page.put_in(step, f"when {condition}")
    own = page.text(step.guard.span)
    return Edit(step.guard.span, f"({own}) and ({condition})")


def unguarded(page: Page, guard: Guard) -> Edit:
    """Nothing in place of a `when` and its condition."""
    text = page.checked.sources[guard.span.file].text
    start = len(text[: text.rindex("when", 0, guard.span.start)].rstrip())
    return Edit(Span(guard.span.file, start, guard.span.end), "")

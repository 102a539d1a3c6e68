"""Findings about a spec, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sagac.compiler.source import Span

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Label:
    """A place that a finding points at, with what matters there (possibly nothing to add)."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, and what to write instead.

    `message` is one line, lower case, no full stop, the author's words in backticks. The first label is the place
    itself; a second one is for the other place that matters. `trace` holds the lines of a counterexample's timeline.
    `saga` and `step` name what the finding is about, so that a `waive` can name it too. `verified` has those lines of
    `help` that were tried: with what they say the finding is gone, and there is no new error.
    """

    code: str
    severity: Severity
    message: str
    labels: tuple[Label, ...]
    help: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    saga: str = ""
    step: str = ""
    verified: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """The place itself."""
        return self.labels[0].span


def in_order(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each finding once, in source order."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.span, d.code, d.message)))

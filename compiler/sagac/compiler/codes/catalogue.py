"""What a diagnostic code is: declared once, shown by `explain`, and the source of its page."""

from __future__ import annotations

from dataclasses import dataclass

from sagac.compiler.diagnostics import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """A diagnostic code. `wrong` is a whole spec that gives exactly this finding, `fixed` its smallest repair.

    Both are empty for a finding that no spec gives by itself.

    `explanation` says what the rule is, why it is one, and what to do; Markdown, a few short paragraphs.
    """

    code: str
    severity: Severity
    title: str
    explanation: str
    wrong: str
    fixed: str

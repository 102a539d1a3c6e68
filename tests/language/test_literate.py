"""The pages beside this file: each `saga` block is checked, and the `text` block below it is what is said about it.

An empty `text` block means that nothing is said. Notes are left out; they speak of what is not declared, which most
examples do not care about. `--update-golden` rewrites the `text` blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from sagac.compiler import render
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Source

PAGES = sorted(Path(__file__).parent.glob("*.md"))
EXAMPLE = re.compile(
    r"^```saga\n(?P<spec>.*?)^```\n(?P<between>.*?)^```text\n(?P<said>.*?)^```$", re.MULTILINE | re.DOTALL
)
SPEC = re.compile(r"^```saga$", re.MULTILINE)

Check: TypeAlias = Callable[[str], tuple[Diagnostic, ...]]


@dataclass(frozen=True)
class Example:
    """A spec in a page, and what stands below it."""

    page: Path
    line: int
    spec: str
    said: str
    start: int
    end: int
    """Where `said` stands in the page."""


def examples(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    return [
        Example(page, text.count("\n", 0, match.start()) + 1, match["spec"], match["said"], *match.span("said"))
        for match in EXAMPLE.finditer(text)
    ]


def what_is_said(spec: str, check_text: Check) -> str:
    findings = [finding for finding in check_text(spec) if finding.severity != "note"]
    return render.text(findings, {"saga.saga": Source("saga.saga", spec)})


@pytest.mark.parametrize(
    "example",
    [example for page in PAGES for example in examples(page)],
    ids=lambda example: f"{example.page.stem}:{example.line}",
)
def test_an_example_is_answered_as_its_page_says(example: Example, check_text: Check, update_golden: bool) -> None:
    if update_golden:
        pytest.skip("the pages are being rewritten")
    assert what_is_said(example.spec, check_text) == example.said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_spec_of_a_page_has_its_answer(page: Path, check_text: Check, update_golden: bool) -> None:
    text = page.read_text(encoding="utf-8")
    found = examples(page)
    assert len(found) == len(SPEC.findall(text)) > 0
    if update_golden:
        for example in reversed(found):
            text = text[: example.start] + what_is_said(example.spec, check_text) + text[example.end :]
        page.write_text(text, encoding="utf-8")

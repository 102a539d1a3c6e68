"""The examples of the language page are specs: each is proved as it stands, and each undo in them can run."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, parser, report, resolver
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Assumed, Proved

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```saga\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[re.findall(r"saga (\w+)", text)[0] for text in EXAMPLES])
def test_an_example_is_a_spec_without_findings(text: str) -> None:
    file, unread = parser.parse(Source("example.saga", text))
    project, findings = resolver.resolve({"example.saga": file})
    assert (unread, findings) == ((), ())
    assert len(project.sagas) == 1


@pytest.mark.parametrize("text", EXAMPLES, ids=[re.findall(r"saga (\w+)", text)[0] for text in EXAMPLES])
def test_an_example_is_proved_as_it_stands(text: str) -> None:
    checked = driver.check_text(text, date(2026, 1, 1))
    assert checked.diagnostics == ()
    assert all(isinstance(judgement.verdict, Proved | Assumed) for judgement in checked.judgements)
    assert report.exit_code(checked.diagnostics, checked.judgements, strict=True) == report.OK


@pytest.mark.parametrize("text", EXAMPLES, ids=[re.findall(r"saga (\w+)", text)[0] for text in EXAMPLES])
def test_it_is_asked_of_each_undo_of_an_example_whether_it_restores_what_was_there(text: str) -> None:
    checked = driver.check_text(text, date(2026, 1, 1))
    asked = {judgement.claim.step for judgement in checked.judgements if judgement.claim.family == "B1"}
    assert asked == {step.name for saga in checked.project.sagas for step in saga.steps if step.handlers}


@pytest.mark.parametrize(
    "words", ["ensure at compensated: clean", "] == taken", "references Payment[payment]", "forbid", "require", "old("]
)
def test_every_way_to_speak_of_records_is_shown(words: str) -> None:
    assert words in PAGE.split("## What can be said of records")[1].split("## What can be decided")[0]


@pytest.mark.parametrize("word", ["lock", "on refusal hold", "yields", "requires", "+=", "when", "pivot"])
def test_every_countermeasure_is_shown(word: str) -> None:
    section = PAGE.split("## Living with other runs")[1].split("## Settled questions")[0]
    assert any(word in text for text in EXAMPLES if text in section)


@pytest.mark.parametrize("code", ["E501", "E502", "E503", "E504", "E506", "E507", "E508"])
def test_what_is_refused_says_what_is_missing(code: str) -> None:
    assert f"[{code}](diagnostics/{code}.md)" in PAGE.split("## A whole spec")[0]

"""The examples of the language page are specs: each is read without an error, and says nothing twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sagac.compiler import parser, resolver
from sagac.compiler.source import Source

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```saga\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=[re.findall(r"saga (\w+)", text)[0] for text in EXAMPLES])
def test_an_example_is_a_spec_without_findings(text: str) -> None:
    file, unread = parser.parse(Source("example.saga", text))
    project, findings = resolver.resolve({"example.saga": file})
    assert (unread, findings) == ((), ())
    assert len(project.sagas) == 1


@pytest.mark.parametrize("word", ["lock", "on refusal hold", "yields", "requires", "+=", "when", "pivot"])
def test_every_countermeasure_is_shown(word: str) -> None:
    section = PAGE.split("## Living with other runs")[1].split("## Settled questions")[0]
    assert any(word in text for text in EXAMPLES if text in section)


@pytest.mark.parametrize("code", ["E501", "E502", "E503", "E504", "E506", "E507", "E508"])
def test_what_is_refused_says_what_is_missing(code: str) -> None:
    assert f"[{code}](diagnostics/{code}.md)" in PAGE.split("## A whole spec")[0]

"""Texts with mistakes of grammar: each is told, and nothing that only follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sagac.compiler import model, parser, resolver
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").glob("*/*.saga"))

TWO = """
saga One version 1 {
  key a
  input { a: uuid  b: int }
  step first { BROKEN  compensate x.undo(a) }
  step second after first { do x.more(first.c)  compensate x.less(a) }
}

saga Two version 1 {
  key a
  input { a: uuid }
  step first { do x.other(b)  compensate x.undo(a) }
}
"""


def resolve(text: str) -> tuple[model.Project, list[str]]:
    file, syntax_findings = parser.parse(Source("a.saga", text))
    faults = tuple(finding.span for finding in syntax_findings if finding.severity == "error")
    project, findings = resolver.resolve({"a.saga": file}, faults)
    return project, [f"{finding.code} {finding.message}" for finding in findings if finding.severity == "error"]


def test_what_follows_from_a_lost_clause_is_not_told_and_the_rest_is() -> None:
    project, found = resolve(TWO.replace("BROKEN", "doo x.thing(a)"))
    assert found == ["E201 `b` is not known here"]
    assert project.sagas == ()


def test_a_saga_beside_a_broken_one_stays() -> None:
    project, found = resolve(TWO.replace("BROKEN", "doo x.thing(a)").replace("x.other(b)", "x.other(a)"))
    assert found == []
    assert [saga.name for saga in project.sagas] == ["Two"]


def test_a_finding_that_no_lost_clause_explains_is_told_in_a_broken_saga_too() -> None:
    text = TWO.replace("BROKEN", "do x.thing(a) -> { c: int }  timeout 5  when b > true").replace(
        "other(b)", "other(a)"
    )
    _, found = resolve(text)
    assert found == ["E303 `>` compares numbers and times, and this is `bool`"]


def test_a_type_that_could_not_be_read_fits_everywhere() -> None:
    head = "saga One version 1 { key a  input { a: uuid  b: map[string] }"
    body = "step first { when b > 3 and not b  do x.thing(a, b)  compensate x.undo(b) } }"
    assert resolve(f"{head} {body}")[1] == []
    assert resolve(f"{head} {body}".replace("map[string]", "list[string]"))[1] != []


def breakages(text: str) -> Iterator[str]:
    """The text with one of its lines made unreadable, for every fifth line."""
    lines = [
        line for line in re.finditer(r"^ .*\w.*$", text, re.MULTILINE) if not line.group().strip().startswith("//")
    ]
    for line in lines[::5]:
        yield text[: line.start()] + " 5 " + text[line.start() :]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_line_that_cannot_be_read_is_the_only_thing_told(path: Path) -> None:
    for text in breakages(path.read_text(encoding="utf-8")):
        assert resolve(text)[1] == []

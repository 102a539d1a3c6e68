"""Specs that somebody has mistyped: always an answer, in few findings, each with a place in the text."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from sagac.compiler import model, parser, resolver
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").glob("*/*.saga"))
TOKEN = re.compile(r'"[^"]*"|//[^\n]*|\w+|\s+|[^\w\s]')
NAME = re.compile(r"[A-Za-z_]\w*$")


def resolve(text: str) -> tuple[model.Project, tuple[Diagnostic, ...]] | None:
    """What the resolver says; `None` for a text that the parser refuses already."""
    file, findings = parser.parse(Source("a.saga", text))
    return None if findings else resolver.resolve({"a.saga": file})


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_one_misspelt_name_is_hardly_ever_more_than_one_finding(path: Path) -> None:
    tokens = TOKEN.findall(path.read_text(encoding="utf-8"))
    counts: Counter[int] = Counter()
    for at in [at for at, token in enumerate(tokens) if NAME.match(token)][::5]:
        answer = resolve("".join((*tokens[:at], f"{tokens[at]}_x", *tokens[at + 1 :])))
        if answer is not None:
            counts[sum(finding.severity == "error" for finding in answer[1])] += 1
    assert max(counts) <= 3
    assert counts[1] > 3 * (counts[2] + counts[3])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_written_in_place_of_a_word_there_is_an_answer(seed: int) -> None:
    chance = random.Random(seed)
    answered = 0
    for _ in range(40):
        tokens = TOKEN.findall(chance.choice(SPECS).read_text(encoding="utf-8"))
        words = [at for at, token in enumerate(tokens) if NAME.match(token)]
        for _ in range(chance.randint(1, 3)):
            tokens[chance.choice(words)] = tokens[chance.choice(words)]
        text = "".join(tokens)
        answer = resolve(text)
        if answer is None:
            continue
        answered += 1
        project, findings = answer
        assert len(set(findings)) == len(findings)
        assert all(0 <= label.span.start <= label.span.end <= len(text) for each in findings for label in each.labels)
        wrong = {each.saga for each in findings if each.severity == "error"}
        assert not wrong & {saga.full_name for saga in project.sagas}
    assert answered > 6

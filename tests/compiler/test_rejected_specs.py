"""Whole specs with one mistake each: refused in the words that stand beside them, accepted once repaired."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, render
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

FOLDER = Path(__file__).parents[2] / "specs" / "rejected"
WRONG = sorted(path for path in FOLDER.glob("*.saga") if not path.name.endswith(".fixed.saga"))
TODAY = date(2026, 11, 21)

each_wrong_spec = pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)


def check(path: Path) -> Checked:
    return driver.check([Source(path.name, path.read_text(encoding="utf-8"))], TODAY)


@each_wrong_spec
def test_a_wrong_spec_is_refused_in_these_words(path: Path, request: pytest.FixtureRequest) -> None:
    checked = check(path)
    text = render.text(checked.diagnostics, checked.sources, colour=False).rstrip() + "\n"
    expected = path.with_suffix(".txt")
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@each_wrong_spec
def test_a_wrong_spec_is_refused_for_one_reason(path: Path) -> None:
    code, _, _ = path.stem.partition("_")
    assert {finding.code for finding in check(path).diagnostics if finding.severity != "note"} == {code}


@each_wrong_spec
def test_the_repaired_twin_is_clean(path: Path) -> None:
    twin = path.with_name(f"{path.stem}.fixed.saga")
    assert [finding for finding in check(twin).diagnostics if finding.severity != "note"] == []


def test_there_are_wrong_specs_of_every_family() -> None:
    families = {path.name[:2] for path in WRONG}
    assert families >= {"E1", "E2", "E3", "E4", "E5", "W6"}

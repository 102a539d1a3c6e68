"""Sagas that go wrong in one way each: refuted in the words that stand beside them, proved once repaired."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, render, report
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

FOLDER = Path(__file__).parents[2] / "specs" / "refuted"
CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
TODAY = date(2026, 11, 21)
FAMILIES = {
    "a1",
    "a2",
    "a5",
    "a6",
    "b1",
    "b2",
    "b3",
    "b4",
    "b5",
    "b6",
    "b7",
    "c1",
    "c2",
    "d1",
    "d2",
    "d3",
    "d4",
    "f",
    "e401",
    "e402",
    "s101",
    "s102",
    "s103",
    "s111",
    "s112",
    "c5",
    "e1",
    "e2",
    "e3",
    "e4",
}
"""A3 cannot come from a spec: the compiler emits no wrong plan. `test_counterexample.py` tampers with one."""

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def check(path: Path) -> Checked:
    return driver.check([Source(path.name, path.read_text(encoding="utf-8"))], TODAY)


def shown(checked: Checked) -> str:
    """What `sagac check` finds; the summary after it is another test's business."""
    return render.text(checked.diagnostics, checked.sources).rstrip() + "\n"


def exit_code(checked: Checked) -> int:
    return report.exit_code(checked.diagnostics, checked.judgements, strict=False)


@each_case
def test_a_wrong_saga_is_refuted_in_these_words(case: Path, request: pytest.FixtureRequest) -> None:
    text = shown(check(case / "wrong.saga"))
    expected = case / "expected.txt"
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@each_case
def test_a_wrong_saga_is_refuted_for_one_reason(case: Path) -> None:
    code = case.name.partition("_")[0].upper()
    checked = check(case / "wrong.saga")
    # That twice is more than once matters only where nothing settles a lost answer, which is said too.
    expected = {code, *{"S111": ("A1",), "C2": ("C1",)}.get(code, ())}
    assert {finding.code for finding in checked.diagnostics if finding.severity == "error"} == expected
    assert exit_code(checked) == (3 if code == "S103" else 1)


@each_case
def test_the_repaired_twin_is_clean(case: Path) -> None:
    checked = check(case / "fixed.saga")
    assert [finding.message for finding in checked.diagnostics if finding.severity != "note"] == []
    assert exit_code(checked) == 0


def test_there_is_a_wrong_saga_of_every_kind() -> None:
    assert {case.name.partition("_")[0] for case in CASES} == FAMILIES

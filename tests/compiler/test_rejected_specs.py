"""Whole specs with one mistake each: refused in the words that stand beside them, accepted once repaired.

`<CODE>_example.saga` is the catalogue's own example of a code that no other spec here shows: `make golden` writes it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import codes, driver, render
from sagac.compiler.codes.catalogue import Code
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

FOLDER = Path(__file__).parents[2] / "specs" / "rejected"
WRONG = sorted(path for path in FOLDER.glob("*.saga") if not path.name.endswith(".fixed.saga"))
SHOWN = {path.name.partition("_")[0] for path in WRONG if not path.name.endswith("_example.saga")}
REJECTIONS = [code for code in codes.CODES.values() if code.wrong and code.code[1:].isdigit() and len(code.code) == 4]
"""The codes of what is written; those of what a proof refutes are shown in `specs/refuted`."""

TODAY = date(2026, 11, 21)

each_wrong_spec = pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
each_example = pytest.mark.parametrize(
    "code", [code for code in REJECTIONS if code.code not in SHOWN], ids=lambda code: code.code
)


def check(path: Path) -> Checked:
    return driver.check([Source(path.name, path.read_text(encoding="utf-8"))], TODAY)


def words(path: Path) -> str:
    """What `sagac check` prints of the findings."""
    checked = check(path)
    return render.text(checked.diagnostics, checked.sources, colour=False).rstrip() + "\n"


def worth_fixing(checked: Checked, code: str) -> list[Diagnostic]:
    """Every finding but the notes, unless the code is one itself."""
    return [finding for finding in checked.diagnostics if finding.severity != "note" or finding.code == code]


def expect(path: Path, text: str, *, update: bool) -> None:
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.name} is missing: run `make golden`"
    assert text == path.read_text(encoding="utf-8")


@each_example
def test_every_code_has_a_rejected_spec_and_its_repair(code: Code, update_golden: bool) -> None:
    for name, text in (("example", code.wrong), ("example.fixed", code.fixed)):
        expect(FOLDER / f"{code.code}_{name}.saga", text.lstrip("\n"), update=update_golden)
    path = FOLDER / f"{code.code}_example.saga"
    expect(path.with_suffix(".txt"), words(path), update=update_golden)


@each_wrong_spec
def test_a_wrong_spec_is_refused_in_these_words(path: Path, update_golden: bool) -> None:
    expect(path.with_suffix(".txt"), words(path), update=update_golden)


@each_wrong_spec
def test_a_wrong_spec_is_refused_for_one_reason(path: Path) -> None:
    code, _, _ = path.stem.partition("_")
    assert {finding.code for finding in worth_fixing(check(path), code)} == {code}


@each_wrong_spec
def test_the_repaired_twin_is_clean(path: Path) -> None:
    code, _, _ = path.stem.partition("_")
    assert worth_fixing(check(path.with_name(f"{path.stem}.fixed.saga")), code) == []


def test_an_example_gives_way_to_a_spec_that_shows_more() -> None:
    assert [
        path.name for path in WRONG if path.stem.endswith("_example") and path.name.partition("_")[0] in SHOWN
    ] == []

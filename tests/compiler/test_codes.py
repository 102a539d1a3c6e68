"""Every diagnostic code has a page, an example that gives exactly it, and a repaired twin that does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from sagac.compiler import codes
from sagac.compiler.codes import __main__ as pages
from sagac.compiler.codes.catalogue import Code
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Span

FOLDER = Path(__file__).parents[2] / "docs" / "diagnostics"

each_code = pytest.mark.parametrize(
    "code", [code for _, code in sorted(codes.CODES.items()) if code.wrong], ids=lambda c: c.code
)


Check: TypeAlias = Callable[[str], tuple[Diagnostic, ...]]


def found(findings: tuple[Diagnostic, ...]) -> list[str]:
    return [finding.code for finding in findings if finding.severity != "note"]


@each_code
def test_the_wrong_example_gives_exactly_this_finding(code: Code, check_text: Check) -> None:
    findings = check_text(code.wrong)
    assert found(findings) == ([] if code.severity == "note" else [code.code])
    assert code.code in {finding.code for finding in findings}


@each_code
def test_the_repaired_example_is_clean(code: Code, check_text: Check) -> None:
    findings = check_text(code.fixed)
    assert found(findings) == []
    assert code.code not in {finding.code for finding in findings}


def test_only_what_no_spec_can_give_has_no_example() -> None:
    assert [code.code for code in codes.CODES.values() if not code.wrong] == ["A3", "A4", "C3", "C4", "C2"]


@each_code
def test_a_code_says_what_it_means_in_whole_sentences(code: Code) -> None:
    assert code.title == code.title.strip()
    assert not code.title.endswith(".")
    assert code.explanation.strip().endswith((".", "```"))


def test_the_pages_are_those_of_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert pages.main([str(FOLDER), "--check"]) == 0, capsys.readouterr().out


def test_writing_the_pages_removes_what_no_code_stands_for(tmp_path: Path) -> None:
    (tmp_path / "E000.md").write_text("gone\n", encoding="utf-8")
    assert pages.main([str(tmp_path), "--check"]) == 1
    assert pages.main([str(tmp_path)]) == 0
    assert not (tmp_path / "E000.md").exists()
    assert pages.main([str(tmp_path), "--check"]) == 0


def test_every_code_stands_in_the_index() -> None:
    missing = [code for code in codes.CODES if f"[{code}]({code}.md)" not in pages.index()]
    assert missing == []


def test_explain_knows_a_code_in_any_case() -> None:
    page = codes.explain("e101")
    assert page is not None
    assert page.startswith("# E101: ")
    assert codes.explain("E999") is None


def test_a_finding_has_the_severity_of_its_code() -> None:
    assert codes.finding("W101", "nothing", Span("a", 0, 0)).severity == "warning"
    assert codes.finding("E101", "something", Span("a", 0, 0), help="do").help == ("do",)


def test_a_code_that_is_not_declared_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="not declared"):
        codes.finding("X000", "what", Span("a", 0, 0))

"""Help is marked as verified when the text with it was checked: the finding is gone, and no other has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, fixes, render
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.fixes import Edit, Fix
from sagac.compiler.source import Source, Span

TODAY = date(2026, 11, 21)
FOLDER = Path(__file__).parents[2] / "specs" / "refuted"


def check(text: str) -> Checked:
    return driver.check([Source("spec.saga", text)], TODAY)


def wrong(name: str) -> str:
    return (FOLDER / name / "wrong.saga").read_text(encoding="utf-8")


def error(checked: Checked) -> Diagnostic:
    (found,) = [finding for finding in checked.diagnostics if finding.severity == "error"]
    return found


def marked(text: str) -> Diagnostic:
    """The only error of a text, with the help that was tried."""
    checked = check(text)
    return error(replace(checked, diagnostics=fixes.verified(checked, TODAY)))


@pytest.mark.parametrize(
    ("case", "help"),
    [
        ("a1_beside_the_pivot", "or let it be over before: `pivot step charge after flight`"),
        ("a1_guards_that_overlap", "or let it be over before: `pivot step charge after invoice`"),
        (
            "a1_irreversible_too_early",
            "or make it the point of no return, `pivot step send`, and write `retry forever` in `send` and `file`",
        ),
        ("a2_no_compensation_applies", "or drop the `when` of the last one"),
        (
            "a2_two_compensations_apply",
            "or let the last one apply where the others do not: "
            "`compensate bank.credit(ticket, price) when not charge.refundable`",
        ),
        ("c1_an_undo_that_may_be_called_once", "declare `venue.give_back` `idempotent`, or `revokes hold`"),
        ("c1_nobody_knows_and_nobody_asks", "declare `revokes issue` on `cards.void`, if it keeps a late call out too"),
        ("c1_nobody_knows_and_nobody_asks", "or write `on unknown hold` in `issue`: a person settles it"),
        ("d1_a_result_that_may_not_be_there", "guard `board` at least as tightly: `when hungry`"),
        ("d2_an_undo_that_reads_what_was_skipped", "guard `bus` at least as tightly: `when guided`"),
        (
            "d2_an_undo_that_reads_a_lost_answer",
            "or let a person settle it, who also supplies the result: `on unknown hold` in `room`",
        ),
    ],
)
def test_a_fix_that_proves_is_marked(case: str, help: str) -> None:
    found = marked(wrong(case))
    assert help in found.help
    assert help in found.verified
    assert f"= help: {help} (verified)" in render.text([found], {"spec.saga": Source("spec.saga", wrong(case))})


def test_a_fix_that_only_moves_the_fault_is_not_marked() -> None:
    found = marked(wrong("a1_irreversible_too_early"))
    assert "make it the point of no return, after all that can fail: `pivot step send`" in found.help
    assert "make it the point of no return, after all that can fail: `pivot step send`" not in found.verified


def test_a_fix_that_makes_a_circle_is_not_marked() -> None:
    tickets = """\
service card { command charge(order: uuid) idempotent }
service venue { command confirm(order: uuid) idempotent fails Full }
saga Tickets version 1 {
  key order
  input { order: uuid }
  pivot step charge { do card.charge(order)  irreversible because "fees"  retry forever }
  step confirm after charge { do venue.confirm(order)  on unknown hold }
}
"""
    found = marked(tickets)
    assert found.code == "A1"
    assert "or let it be over before: `pivot step charge after confirm`" in found.help
    assert found.verified == ()


@pytest.mark.parametrize("case", sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
def test_every_mark_is_true(case: str) -> None:
    """Each proposal is applied here once more, and what `verified` says of it compared with what the check says."""
    checked = check(wrong(case))
    for finding in checked.diagnostics:
        for fix in fixes.proposals(checked, finding):
            (source,) = fixes.applied(checked.sources, fix)
            edited = driver.check([source], TODAY)
            clean = not [each for each in edited.diagnostics if each.severity == "error"]
            if clean or len([each for each in checked.diagnostics if each.severity == "error"]) == 1:
                assert fixes.repairs(checked, finding, fix, TODAY) == clean


def test_nothing_is_tried_in_a_long_saga(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = check(wrong("a2_no_compensation_applies"))
    monkeypatch.setattr(fixes, "STEPS_MAX", 1)
    assert fixes.verified(checked, TODAY) == checked.diagnostics


def test_no_more_is_tried_than_the_limit_says(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = check(wrong("a2_no_compensation_applies"))
    monkeypatch.setattr(fixes, "TRIED_MAX", 0)
    assert all(finding.verified == () for finding in fixes.verified(checked, TODAY))


def test_edits_of_one_text_do_not_move_each_other() -> None:
    sources = {"a": Source("a", "one two three"), "b": Source("b", "four")}
    fix = Fix("", (Edit(Span("a", 0, 3), "first"), Edit(Span("a", 8, 8), "and "), Edit(Span("b", 0, 4), "4")))
    assert [source.text for source in fixes.applied(sources, fix)] == ["first two and three", "4"]


def test_a_waived_finding_is_left_alone() -> None:
    text = wrong("a2_no_compensation_applies")
    waived = text.replace("  key ", '  waive A2 until 2027-01-31 by "ada" because "soon"\n  key ', 1)
    checked = check(waived)
    assert {finding.severity for finding in checked.diagnostics} == {"note"}
    assert fixes.verified(checked, TODAY) == checked.diagnostics

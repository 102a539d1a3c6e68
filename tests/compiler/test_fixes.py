"""Help is marked as verified when the text with it was checked: the finding is gone, and no other has come."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, edits, fixes, instructions, render
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.edits import Edit, Fix
from sagac.compiler.source import Source, Span

TODAY = date(2026, 11, 21)
FOLDER = Path(__file__).parents[2] / "specs" / "refuted"


def check(text: str) -> Checked:
    return driver.check([Source("spec.saga", text)], TODAY)


def wrong(name: str) -> str:
    return (FOLDER / name / "wrong.saga").read_text(encoding="utf-8")


def marked(text: str, code: str = "") -> Diagnostic:
    """The first error of a text, of this code where one is given, with the help that was tried."""
    found = fixes.verified(check(text), TODAY)
    return next(finding for finding in found if finding.severity == "error" and code in ("", finding.code))


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
        ("b2_packing_a_sealed_box", "order them, with `after pack` in `seal`: then there is one order only"),
        (
            "b4_a_price_that_others_overwrite",
            "write `lock Offer[sku] within 1m` in `reprice`: with that lock this cannot happen",
        ),
        ("d3_the_value_on_the_border", "let the last one cover the rest: `when not (amount < 100)` in `batched`"),
        ("e2_a_deadline_that_passes", "or allow for it: `deadline 9m`"),
        ("e2_a_deadline_that_passes", "write `retry 4 times` in `guests`: that fits"),
        ("e2_a_rollback_that_takes_too_long", "write `retry 3 times` in the undo of `lunch`: that fits"),
        ("f_a_rule_with_a_gap", "let `pay` run only then: `when screen.done`"),
    ],
)
def test_a_fix_that_proves_is_marked(case: str, help: str) -> None:
    found = marked(wrong(case), case.partition("_")[0].upper())
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


TRIED = ("a1_irreversible_too_early", "a2_no_compensation_applies", "a2_an_undo_that_waits_for_an_answer")


@pytest.mark.parametrize("case", TRIED)
def test_a_fix_is_marked_just_when_the_check_of_the_edited_text_has_no_error(case: str) -> None:
    checked = check(wrong(case))
    (finding,) = [finding for finding in checked.diagnostics if finding.severity == "error"]
    for fix in fixes.proposals(checked, finding):
        (source,) = edits.applied(checked.sources, fix)
        clean = not [each for each in driver.check([source], TODAY).diagnostics if each.severity == "error"]
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
    assert [source.text for source in edits.applied(sources, fix)] == ["first two and three", "4"]


def test_a_waived_finding_is_left_alone() -> None:
    text = wrong("a2_no_compensation_applies")
    waived = text.replace("  key ", '  waive A2 until 2027-01-31 by "ada" because "soon"\n  key ', 1)
    checked = check(waived)
    assert {finding.severity for finding in checked.diagnostics} == {"note"}
    assert fixes.verified(checked, TODAY) == checked.diagnostics


WORK = """\
service work {{
  command may(id: uuid) idempotent fails Refused
  command undo(id: uuid) idempotent revokes may
}}
saga Work version 1 {{
  key id
  input {{ id: uuid  amount: int }}
  deadline 1h
  step one {{ do work.may(id)  compensate work.undo(id){undo} }}
  step two{two}
}}
"""
BODY = " after one { do work.may(id)  compensate work.undo(id)  retry 2 times backoff 1s to 2s  when amount > 1 }"


@pytest.mark.parametrize(
    ("undo", "advice", "written"),
    [
        ("", "write `retry 7 times` in `two`", "retry 7 times backoff 1s to 2s"),
        ("", "write `retry 7 times` in `one`", "work.undo(id) retry 7 times }"),
        ("", "write `retry 7 times` in the undo of `one`", "work.undo(id) { retry 7 times } }"),
        (" { retry 3 times }", "write `retry 7 times` in the undo of `one`", "work.undo(id) { retry 7 times } }"),
        (" { timeout 3s }", "write `retry 7 times` in the undo of `one`", "{ timeout 3s  retry 7 times }"),
        ("", "let `two` run only then: `when amount < 9`", "when (amount > 1) and (amount < 9)"),
        ("", "let `one` run only then: `when amount < 9`", "work.undo(id) when amount < 9 }"),
        ("", "with `after two` in `one`", "step one after two {"),
        ("", "write `on unknown hold` in `two`", "when amount > 1 on unknown hold }"),
        ("", "or allow for it: `deadline 3h`", "deadline 3h\n"),
    ],
)
def test_a_line_that_says_what_to_write_where_is_read_back_as_an_edit(undo: str, advice: str, written: str) -> None:
    checked = check(WORK.format(undo=undo, two=BODY))
    page = edits.Page(checked, checked.project.sagas[0])
    finding = replace(marked(wrong("a2_no_compensation_applies")), help=(advice,))
    (fix,) = instructions.fixes(page, finding)
    (source,) = edits.applied(checked.sources, fix)
    assert written in source.text


@pytest.mark.parametrize(
    "advice",
    [
        "write `retry … times` in `two`",
        "write `on unknown hold` in `three`",
        "write `lock A[id] within 1m` in `one`, and `lock A[id] within 1m` in `three`",
        "drop `two`",
        "or allow for it: `rollback within 3h`",
    ],
)
def test_a_line_that_leaves_something_open_is_not_tried(advice: str) -> None:
    checked = check(WORK.format(undo="", two=BODY))
    page = edits.Page(checked, checked.project.sagas[0])
    finding = replace(marked(wrong("a2_no_compensation_applies")), help=(advice,))
    assert list(instructions.fixes(page, finding)) == []

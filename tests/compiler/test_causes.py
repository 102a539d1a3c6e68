"""What is wrong by itself is told first, and what may only follow from it waits: counted, named, never passed."""

from __future__ import annotations

import json
from datetime import date

from sagac.compiler import driver, fixes, report
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Refuted

TODAY = date(2026, 1, 1)

STOCK = """
service shop {
  resource Stock[sku: string] { left: int  invariant left >= 0 }
  command take(sku: string, count: int)
    changes Stock[sku] { requires left >= count  left -= count }
    idempotent
    fails OutOfStock
  command put_back(sku: string, count: int)
    changes Stock[sku] { left += count }
    idempotent
    revokes take
  command count(sku: string, found: int)
    changes Stock[sku] { left := found }
    idempotent
    fails Closed
}

saga Buy version 1 {
  key order
  input { order: uuid  sku: string  count: int where count > 0 }
  step take { do shop.take(sku, count)  compensate shop.put_back(sku, count) }
  step again after take { do shop.take(sku, count)  compensate shop.put_back(sku, count) }
}

saga Recount version 1 {
  key day
  input { day: uuid  sku: string  found: int WHERE }
  step count { do shop.count(sku, found)  left because "what was counted is so"  on unknown hold }
}
"""
"""A count that sets the number comes between what a run takes and gives back; without a `where` it is wrong anyway."""


def check(text: str) -> Checked:
    return driver.check_text(text, TODAY)


def codes(findings: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    return [(finding.code, finding.step) for finding in findings if finding.severity == "error"]


def test_what_an_action_does_to_others_waits_while_it_is_wrong_by_itself() -> None:
    checked = check(STOCK.replace("WHERE", ""))
    assert codes(checked.diagnostics) == [("B6", "count")]
    assert {each.finding.code for each in checked.waiting} >= {"B4"}
    assert all((each.cause.family, each.cause.step) == ("B6", "count") for each in checked.waiting)


def test_it_is_told_once_that_is_repaired() -> None:
    checked = check(STOCK.replace("WHERE", "where found >= 0"))
    assert "B4" in {code for code, _ in codes(checked.diagnostics)}
    assert checked.waiting == ()


def test_what_waits_is_refuted_and_counted_and_named() -> None:
    checked = check(STOCK.replace("WHERE", ""))
    refuted = [each for each in checked.judgements if isinstance(each.verdict, Refuted)]
    assert len(refuted) == len(codes(checked.diagnostics)) + len(checked.waiting)
    summary = report.text(checked.project, checked.plans, checked.judgements, checked.waiting)
    assert "held back       until B6 of `count` in `Recount` is repaired: B4 of `take`" in summary
    document = report.data(checked.project, checked.plans, checked.judgements, checked.waiting)
    held = [entry for saga in json.loads(json.dumps(document)) for entry in saga["held_back"]]
    assert {"claim": "B4 of `take`", "until": "B6 of `count`"} in held


def test_a_waiver_of_the_cause_lets_nothing_pass() -> None:
    waiver = 'waive B6 on count until 2026-12-31 by "somebody" because "a test"\n}\n'
    checked = check(f"{STOCK.replace('WHERE', '').rstrip().removesuffix('}')}  {waiver}")
    assert ("B6", "count") not in codes(checked.diagnostics)
    assert "B4" in {code for code, _ in codes(checked.diagnostics)}
    assert report.exit_code(checked.diagnostics, checked.judgements, strict=False) == report.FINDINGS


def test_what_comes_to_light_behind_a_repair_does_not_speak_against_it() -> None:
    checked = check(STOCK.replace("WHERE", ""))
    assert fixes.errors(checked) == {
        *(fixes.identity(finding) for finding in checked.diagnostics if finding.severity == "error"),
        *(fixes.identity(each.finding) for each in checked.waiting),
    }


def test_causes_are_told_before_what_stands_above_them_in_the_text() -> None:
    late = """
service air {
  command book(trip: uuid)
    idempotent
  command cancel(trip: uuid)
    idempotent
    revokes book
}

saga Trip version 1 {
  key trip
  input { trip: uuid  bags: int }
  rollback within 1m
  step flight { do air.book(trip)  compensate air.cancel(trip) }
  step seat after flight { when bags > 1  do air.book(trip)  compensate air.cancel(trip) when bags > 2 }
  step meal after seat { do air.book(trip)  compensate air.cancel(trip) }
}
"""
    found = [code for code, _ in codes(check(late).diagnostics)]
    assert found.index("A2") < found.index("E2")


def test_whether_an_undo_is_needed_is_told_once_it_is_known_what_settles_a_lost_answer() -> None:
    text = """
service air {
  command book(trip: uuid)
  command cancel(trip: uuid)
    idempotent
}

saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight { do air.book(trip)  compensate air.cancel(trip) }
}
"""
    checked = check(text)
    assert [finding.code for finding in checked.diagnostics] == ["C1"]
    assert [(each.claim.family, each.cause.family, each.finding.code) for each in checked.waiting] == [
        ("A2", "C1", "W701")
    ]
    held = check(text.replace("compensate", "on unknown hold  compensate"))
    assert [finding.code for finding in held.diagnostics] == ["W701"]

"""What claims about records stand on is told by name: what commands do, and that nobody else does anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, footing
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Proved

ORDER = Path(__file__).parents[2] / "specs" / "accepted" / "order" / "order.saga"
NOBODY = "`{}` is changed by nothing outside the project"
DOES = "`{}` does what its `changes` say, and nothing else"

STOCK = ("warehouse.dispatch", "warehouse.release", "warehouse.reserve")
PAYMENT = ("payments.authorize", "payments.capture", "payments.void")


def check(text: str) -> driver.Checked:
    return driver.check([Source("order.saga", text)], date(2026, 11, 21))


@pytest.fixture(scope="module")
def order() -> driver.Checked:
    return check(ORDER.read_text(encoding="utf-8"))


def named(checked: driver.Checked, family: str, step: str) -> Iterator[set[str]]:
    """The names of promises about what changes, of each proved claim of a family."""
    for judgement in checked.judgements:
        if (judgement.claim.family, judgement.claim.step) == (family, step) and isinstance(judgement.verdict, Proved):
            yield {each for each in judgement.verdict.rests_on if "changes` say" in each or "is changed by" in each}


@pytest.mark.parametrize("family", ["B4", "B5"])
def test_what_is_proved_of_other_runs_stands_on_all_that_changes_its_records(
    order: driver.Checked, family: str
) -> None:
    expected = {NOBODY.format("Stock"), *map(DOES.format, STOCK)}
    assert list(named(order, family, "reserve")) == [expected]


def test_an_invariant_is_kept_by_its_own_commands_where_nobody_else_breaks_it(order: driver.Checked) -> None:
    expected = {NOBODY.format("Stock"), *map(DOES.format, STOCK)}
    found = list(named(order, "B6", "reserve"))
    assert found
    assert all(each == expected for each in found)


def test_a_precondition_stands_on_what_comes_before(order: driver.Checked) -> None:
    expected = {NOBODY.format("Payment"), *map(DOES.format, PAYMENT)}
    assert expected in list(named(order, "D4", "capture"))


def test_what_is_ensured_stands_on_the_records_that_it_reads(order: driver.Checked) -> None:
    found = [each for each in named(order, "F", "") if each]
    assert found
    for each in found:
        assert {name for name in each if "is changed by" in name} <= {
            NOBODY.format(one) for one in ("Payment", "Parcel", "Stock")
        }


def test_rules_about_the_order_of_steps_stand_on_no_record() -> None:
    text = ORDER.read_text(encoding="utf-8").replace(
        "  deadline 24h", "  require capture.done before ship\n  deadline 24h"
    )
    assert list(named(check(text), "F", "ship")) == [set()]


def test_where_very_many_commands_change_a_record_they_are_named_together(
    order: driver.Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(footing, "NAMED_MAX", 2)
    (found,) = named(check(ORDER.read_text(encoding="utf-8")), "B5", "reserve")
    assert "each command that changes `Stock` does what its `changes` say, and nothing else" in found
    assert NOBODY.format("Stock") in found

"""The help of a finding says what to type: whole clauses, names that are free, limits that fit, no loose `or`."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import breaches, driver
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.obligations import worst

BANK = """
service bank {
  resource Payment[order: uuid] { amount: decimal = 0  states none*, captured, voided  clean none }
  resource Account[owner: uuid] { balance: int  invariant balance >= 0 }
  command capture(order: uuid, sum: decimal)
    changes Payment[order] none -> captured { amount := sum }
    idempotent
    fails Declined
  command void(order: uuid)
    changes Payment[order] captured -> voided
    idempotent
    revokes capture
  command draw(owner: uuid, sum: int)
    changes Account[owner] { balance -= sum }
    idempotent
    fails Declined
  command repay(owner: uuid, sum: int)
    changes Account[owner] { balance += sum }
    idempotent
    revokes draw
}

saga Pay version 1 {
  key order
  input { order: uuid  owner: uuid  sum: int }
  step capture { do bank.capture(order, sum)  compensate bank.void(order) }
  step draw after capture { do bank.draw(owner, sum)  compensate bank.repay(owner, sum) }
  ensure at completed: Payment[order] == captured
}
"""


def findings(text: str) -> list[Diagnostic]:
    return list(driver.check_text(text, date(2026, 1, 1)).diagnostics)


def helped(text: str, code: str, step: str = "") -> tuple[str, ...]:
    return next(each.help for each in findings(text) if each.code == code and step in ("", each.step))


def test_a_state_that_is_asked_for_with_is_is_answered_with_what_to_write() -> None:
    (advice,) = helped(BANK.replace("== captured", "is captured"), "E101")
    assert advice == "only `null` is asked for with `is`; anything else is compared: `== captured`"


def test_references_as_a_clause_is_answered_with_the_field_it_follows() -> None:
    text = BANK.replace("{ balance: int ", "{ references Payment[order]  balance: int ")
    (found,) = (each for each in findings(text) if each.code == "E101")
    assert found.help == ("it follows a field: `payment: uuid references Payment[payment]`",)


def test_a_parameter_with_a_fields_name_is_given_another() -> None:
    text = BANK.replace("sum: decimal", "amount: decimal").replace(":= sum", ":= amount")
    assert helped(text, "E324") == ("rename the parameter: `new_amount`, for instance",)


def test_an_end_that_is_fine_is_offered_as_clean_first() -> None:
    (found,) = (each for each in findings(BANK) if each.code == "B1")
    assert found.help[0] == "say that a rolled back run may leave it so: `clean none, voided` in `Payment`"
    assert not [each for each in findings(BANK.replace("clean none", "clean none, voided")) if each.code == "B1"]


def test_of_a_record_that_ends_clean_only_its_fields_are_not_restored() -> None:
    text = BANK.replace("clean none", "clean none, voided").replace("bank.capture(order,", "bank.capture(owner,")
    (found,) = (each for each in findings(text.replace("bank.void(order)", "bank.void(owner)")) if each.code == "B1")
    assert found.message == "undoing `capture` does not restore `Payment.amount`"
    assert not any("lead back" in line for line in found.help)


def test_what_can_break_an_invariant_is_answered_with_a_check() -> None:
    assert helped(BANK, "B6", "draw") == (
        "let the command check it: `requires balance >= sum` in its `changes Account`",
    )


def test_a_where_is_offered_only_where_it_keeps_the_invariant() -> None:
    assert helped(BANK.replace("balance -= sum", "balance += sum"), "B6", "draw") == (
        "say what the input can be: `sum: int where sum >= 0`",
        "or let the command check it: `requires sum >= 0` in its `changes Account`",
    )


def test_a_pivots_new_order_is_told_whole() -> None:
    text = BANK.replace("step draw after capture", "step other after capture").replace(
        "  ensure",
        '  pivot step last after capture { do bank.capture(owner, sum)  irreversible because "a test"  retry forever }'
        "\n  ensure",
    )
    told = [line for each in findings(text) if each.code == "A1" for line in each.help]
    assert "or let it be over before: `pivot step last after capture, other`" in told


def test_no_help_begins_with_an_or_that_follows_nothing() -> None:
    assert not [each.help for each in findings(BANK) if each.help and each.help[0].startswith("or ")]
    late = BANK.replace("key order", "key order\n  rollback within 1m")
    assert helped(late, "E2")[0].startswith("allow for it: `rollback within")


@pytest.mark.parametrize(
    ("needed_ms", "limit"),
    [(64 * 60_000 + 20_000, "65m"), (3_090_000, "52m"), (86_000_000, "1d"), (42_600_000, "12h"), (61_000, "61s")],
)
def test_a_limit_that_is_offered_is_hardly_longer_than_what_is_needed(needed_ms: int, limit: str) -> None:
    assert worst.rounded(needed_ms) == limit


def test_what_was_found_to_prove_stands_before_what_else_may_be_said() -> None:
    assert breaches.either_of(("write `lock Stock[sku]`", "write `after a`", "or say `on refusal hold`")) == (
        "write `lock Stock[sku]`",
        "or write `after a`",
        "or say `on refusal hold`",
    )


UNORDERED = """
service club {
  resource Account[member: uuid] { points: int }
  command set_to(member: uuid, points_now: int)
    changes Account[member] { points := points_now }
    idempotent
    fails Closed
  command earn(member: uuid)
    changes Account[member] { points := 7 }
    idempotent
  command pay(member: uuid)
    idempotent
}

saga Buy version 1 {
  key order
  input { order: uuid  member: uuid }
  pivot step pay { do club.pay(member)  irreversible because "a test"  retry forever }
  step earn after pay { do club.earn(member)  retry forever }
  step redeem { do club.set_to(member, 3)  left because "a test"  on unknown hold }
}
"""


def test_what_can_fail_is_not_put_behind_the_point_of_no_return() -> None:
    told = [line for each in findings(UNORDERED) if each.code == "B2" for line in each.help]
    assert "order them, with `after redeem` in `earn`: then there is one order only" in told
    assert not any("`after earn` in `redeem`" in line for line in told)

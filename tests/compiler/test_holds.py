"""A5: what a run takes of a hold it lets go exactly once by every end, and never more than it has taken."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import driver
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Judgement, Proved, Refuted, Situation, Undecided

SERVICES = """
service shop {
  owner "tests"
  resource Stock[sku: string] {
    free: int
    held: int hold
    invariant free >= 0 and held >= 0
  }
  resource Slot[order: uuid] { states none*, planned, confirmed, given_up  clean none  done confirmed }
  command reserve(order: uuid, sku: string, n: int)
    changes Stock[sku] { requires free >= n  free -= n  held += n }
    idempotent
    fails OutOfStock
  command release(order: uuid, sku: string, n: int)
    changes Stock[sku] { free += n  held -= n }
    idempotent
    revokes reserve
  command lose(order: uuid, sku: string, n: int)
    changes Stock[sku] { free += n }
    idempotent
    revokes reserve
  command take(order: uuid, sku: string, n: int)
    changes Stock[sku] { held -= n }
    idempotent
  command take_all(order: uuid, sku: string)
    changes Stock[sku] { held -= held }
    idempotent
  command plan(order: uuid)
    changes Slot[order] none -> planned
    idempotent
    fails Full
  command drop(order: uuid)
    changes Slot[order] planned -> none
    idempotent
    revokes plan
  command confirm(order: uuid)
    changes Slot[order] planned -> confirmed
    idempotent
  command pay(order: uuid)
    idempotent
    fails Declined
}
"""

RESERVE = "step reserve { do shop.reserve(order, sku, n)  compensate shop.release(order, sku, n) }"
PAY = 'pivot step pay after reserve { do shop.pay(order)  irreversible because "it is paid"  retry forever }'
PLAN = "step reserve { do shop.plan(order)  compensate shop.drop(order) }"


def taking(name: str = "take", when: str = "", n: str = "n", after: str = "pay", sku: str = "sku") -> str:
    guard = f"when {when}  " if when else ""
    return f"step {name} after {after} {{ {guard}do shop.take(order, {sku}, {n})  retry forever }}"


def checked(*steps: str, where: str = " where n > 0") -> Checked:
    text = "\n  ".join(steps)
    head = f"key order\n  input {{ order: uuid  sku: string  other: string  n: int{where}  m: int  member: bool }}"
    found = driver.check_text(f"{SERVICES}\nsaga Tested version 1 {{\n  {head}\n  {text}\n}}\n", date(2026, 11, 21))
    assert found.project.sagas, [finding.message for finding in found.diagnostics]
    return found


def verdicts(found: Checked) -> tuple[Judgement, ...]:
    return tuple(judgement for judgement in found.judgements if judgement.claim.family == "A5")


def refuted(found: Checked) -> dict[str, str]:
    """What is refuted of A5, by step; every refutation has happened on the kernel."""
    assert not any(isinstance(each.verdict, Undecided) for each in verdicts(found)), verdicts(found)
    wrong = {each.claim.step: each.verdict for each in verdicts(found) if isinstance(each.verdict, Refuted)}
    assert all(isinstance(each.situation, Situation) for each in wrong.values())
    return {step: each.message for step, each in wrong.items()}


def last(found: Checked) -> str:
    """The last line of the first story."""
    return next(finding for finding in found.diagnostics if finding.code == "A5").trace[-1]


HELD = [
    ("it is confirmed", (RESERVE, PAY, taking())),
    ("it is confirmed in parts", (RESERVE, PAY, taking("some", n="m"), taking("rest", n="n - m", after="some"))),
    ("one of two confirms it",
     (RESERVE, PAY, taking("one", "member"), taking("two", "not member"))),
    ("nothing is held where nothing is confirmed",
     (RESERVE.replace("{ do", "{ when member  do"), PAY, taking(when="member"))),
]  # fmt: skip


@pytest.mark.parametrize("steps", [steps for _, steps in HELD[:1] + HELD[2:]], ids=[HELD[0][0], HELD[2][0], HELD[3][0]])
def test_what_is_let_go_once_by_every_end_is_proved(steps: tuple[str, ...]) -> None:
    found = checked(*steps)
    assert all(isinstance(each.verdict, Proved) for each in verdicts(found)), refuted(found)
    assert any("exactly once" in each.claim.text for each in verdicts(found))


def test_parts_have_to_be_parts() -> None:
    found = checked(*HELD[1][1])
    assert refuted(found) == {"some": "`some` gives back what the run never took of `Stock.held`"}
    assert "that the run never took" in last(found)


def test_a_confirmation_that_is_skipped_leaks() -> None:
    found = checked(RESERVE, PAY, taking(when="member"))
    assert refuted(found) == {
        "reserve": "a run that completes without `take` never lets go what `reserve` holds of `Stock.held`"
    }
    assert last(found) == 'the run ends completed, and still holds 1 of Stock["a"].held'


def test_a_hold_that_nobody_confirms_leaks() -> None:
    found = checked(RESERVE, PAY)
    assert refuted(found) == {
        "reserve": "a run that completes does not let go just what `reserve` holds of `Stock.held`"
    }


def test_a_confirmation_of_another_amount_leaks() -> None:
    assert "reserve" in refuted(checked(RESERVE, PAY, taking(n="n + 1")))
    assert "reserve" in refuted(checked(RESERVE, PAY, taking(n="n - 1")))


def test_a_confirmation_of_another_record_leaks_and_takes_what_others_hold() -> None:
    found = refuted(checked(RESERVE, PAY, taking(sku="other")))
    assert set(found) == {"reserve", "take"}


def test_a_confirmation_that_runs_twice_takes_what_others_hold() -> None:
    found = refuted(checked(RESERVE, PAY, taking("one"), taking("two")))
    assert found["one"] == found["two"].replace("two", "one")
    assert set(found) == {"reserve", "one", "two"}


def test_a_confirmation_where_nothing_was_taken_is_refuted() -> None:
    found = refuted(checked(RESERVE.replace("{ do", "{ when member  do"), PAY, taking()))
    assert "`take` gives back what the run never took of `Stock.held`" in found.values()


def test_an_amount_that_may_be_negative_is_refuted() -> None:
    found = checked(RESERVE, PAY, taking(), where="")
    assert refuted(found) == {
        "reserve": "`reserve` may take less than nothing of `Stock.held`, and so let go what others hold"
    }


def test_an_amount_that_a_record_happens_to_hold_is_undecided() -> None:
    found = checked(RESERVE, PAY, "step take after pay { do shop.take_all(order, sku)  retry forever }")
    assert any(isinstance(each.verdict, Undecided) for each in verdicts(found))


def test_what_a_mitigation_keeps_of_a_hold_leaks() -> None:
    kept = RESERVE.replace("compensate shop.release(order, sku, n)", 'mitigate shop.lose(order, sku, n) because "so"')
    found = checked(kept, PAY, taking())
    assert refuted(found) == {
        "reserve": "a run that turns back keeps what `reserve` holds of `Stock.held`, which is mitigated"
    }
    returned = kept.replace("shop.lose", "shop.release")
    assert refuted(checked(returned, PAY, taking())) == {}


def test_what_is_left_may_not_be_a_hold() -> None:
    left = RESERVE.replace("compensate shop.release(order, sku, n)", 'left because "so"\n    on unknown hold')
    found = checked(left, PAY, taking())
    assert refuted(found) == {
        "reserve": "a run that turns back keeps what `reserve` holds of `Stock.held`, which is left as it is"
    }


def test_a_state_that_is_neither_done_nor_clean_is_held_too() -> None:
    confirm = "step confirm after pay { do shop.confirm(order)  retry forever }"
    assert refuted(checked(PLAN, PAY, confirm)) == {}
    assert refuted(checked(PLAN, PAY)) == {
        "reserve": "a run that completes leaves `Slot` `planned`, which is not `done`"
    }
    skipped = checked(PLAN, PAY, confirm.replace("{ do", "{ when member  do"))
    assert refuted(skipped) == {
        "reserve": "a run that completes without `confirm` leaves `Slot` `planned`, which is not `done`"
    }
    assert last(skipped) == "the run ends completed, and Slot[order] is still planned"


def test_a_state_that_is_neither_done_nor_clean_may_not_be_left() -> None:
    left = PLAN.replace("compensate shop.drop(order)", 'left because "so"\n    on unknown hold')
    confirm = "step confirm after pay { do shop.confirm(order)  retry forever }"
    assert refuted(checked(left, PAY, confirm)) == {
        "reserve": "a run that turns back leaves `Slot` `planned`, which is neither `done` nor `clean`"
    }


def test_a_mitigation_may_not_put_another_record_where_nobody_may_leave_it() -> None:
    service = SERVICES.replace(
        "command confirm", "command lament(order: uuid) changes Slot[order] none -> WHERE idempotent\n  command confirm"
    )
    step = """
saga Tested version 1 {
  key order
  input { order: uuid  sku: string  n: int where n > 0 }
  step reserve { do shop.pay(order)  mitigate shop.lament(order) because "it is written down" on unknown hold }
  step pay after reserve { do shop.pay(order)  left because "asked"  on unknown hold }
}
"""
    found = driver.check_text(service.replace("WHERE", "planned") + step, date(2026, 11, 21))
    assert "A5" in {each.claim.family for each in found.judgements if isinstance(each.verdict, Refuted)}
    fine = driver.check_text(service.replace("WHERE", "confirmed") + step, date(2026, 11, 21))
    assert "A5" not in {each.claim.family for each in fine.judgements if isinstance(each.verdict, Refuted)}

"""Several actions on one record: unordered steps, what undos leave, other runs, and what helps against each."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import driver
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Assumed, Family, History, Judgement, Proved, Refuted, Undecided

TODAY = date(2026, 11, 21)
EFFECTS = frozenset({"B2", "B3", "B4", "B5"})

BANK = """
service bank {
  resource Account[id: string] {
    balance: int
    invariant balance >= 0
  }
  command credit(id: string, amount: int)
    changes Account[id] { balance += amount }
    idempotent
    fails Closed
  command claw_back(id: string, amount: int)
    changes Account[id] { requires balance >= amount  balance -= amount }
    idempotent
    revokes credit
  command spend(id: string, amount: int)
    changes Account[id] { requires balance >= amount  balance -= amount }
    idempotent
    fails TooLittle
  command give_back(id: string, amount: int)
    changes Account[id] { balance += amount }
    idempotent
    revokes spend
  command tell(order: uuid)
    idempotent
    fails Gone
  command untell(order: uuid)
    idempotent
    revokes tell
}
"""

PAY = """
saga Pay version 1 {
  key order
  input { order: uuid  account: string  amount: int where amount > 0 }
  step STEP { do bank.DO(account, amount)  compensate bank.UNDO(account, amount) REST }
  step tell after STEP { do bank.tell(order)  compensate bank.untell(order) }
}
"""


def pay(do: str, undo: str, rest: str = "") -> str:
    """A saga that does one thing to an account, and may fail after it."""
    return PAY.replace("STEP", do).replace("UNDO", undo).replace("DO", do).replace("REST", rest)


def checked(text: str) -> Checked:
    found = driver.check_text(text, TODAY)
    shaping = [
        finding.message for finding in found.diagnostics if finding.code.startswith("E") and len(finding.code) > 2
    ]
    assert not shaping, shaping
    return found


def refuted(text: str) -> dict[Family, str]:
    """The refuted claims about effects, with the step of the last one of each family."""
    found = checked(text).judgements
    return {
        each.claim.family: each.claim.step
        for each in found
        if each.claim.family in EFFECTS and isinstance(each.verdict, Refuted)
    }


def judgement(text: str, family: Family, step: str) -> Judgement:
    (found,) = (each for each in checked(text).judgements if (each.claim.family, each.claim.step) == (family, step))
    return found


def finding(text: str, code: str) -> Diagnostic:
    return next(found for found in checked(text).diagnostics if found.code == code)


# --- B4 and B5: the anomalies of the literature, and the countermeasures against them ---------------------------------


def test_money_that_is_spent_before_it_is_certain_cannot_be_clawed_back() -> None:
    found = refuted(BANK + pay("credit", "claw_back") + pay("spend", "give_back").replace("saga Pay", "saga Shop"))
    assert found == {"B4": "credit", "B5": "credit"}


def test_a_semantic_lock_in_both_sagas_keeps_others_from_what_is_not_certain() -> None:
    lock = " lock Account[account] within 1m"
    found = refuted(
        BANK + pay("credit", "claw_back", lock) + pay("spend", "give_back", lock).replace("saga Pay", "saga Shop")
    )
    assert found == {}


def test_a_lock_in_one_saga_alone_does_not_help() -> None:
    lock = " lock Account[account] within 1m"
    found = refuted(
        BANK + pay("credit", "claw_back", lock) + pay("spend", "give_back").replace("saga Pay", "saga Shop")
    )
    assert found == {"B4": "credit", "B5": "credit"}


def test_updates_that_commute_need_no_lock() -> None:
    assert refuted(BANK + pay("spend", "give_back")) == {}


def test_a_pessimistic_order_puts_the_risky_step_after_the_point_of_no_return() -> None:
    late = """
saga Pay version 1 {
  key order
  input { order: uuid  account: string  amount: int where amount > 0 }
  pivot step tell { do bank.tell(order)  irreversible because "said is said"  retry forever }
  step credit after tell { do bank.credit(account, amount)  retry forever }
}
""".replace("credit(account", "grant(account")
    service = BANK.replace(
        "command tell",
        "command grant(id: string, amount: int) changes Account[id] { balance += amount } idempotent\n  command tell",
    )
    assert refuted(service + late + pay("spend", "give_back").replace("saga Pay", "saga Shop")) == {}


def test_a_record_that_others_do_not_mean_needs_no_countermeasure() -> None:
    own = pay("credit", "claw_back").replace("key order", "key account").replace("account: string", "account: string")
    assert refuted(BANK + own) == {}


def test_by_value_a_large_sum_takes_the_lock_and_a_small_one_does_not() -> None:
    """A guard decides which step runs: only the guarded one touches the account."""
    lock = " lock Account[account] within 1m"
    risky = pay("credit", "claw_back", lock).replace("step credit {", "step credit { when amount > 100")
    assert refuted(BANK + risky) == {}
    assert refuted(BANK + pay("credit", "claw_back").replace("step credit {", "step credit { when amount > 100")) != {}


def test_a_refused_undo_may_be_left_to_a_person_and_is_never_called_proved_without_saying_so() -> None:
    said = (
        BANK
        + pay("credit", "claw_back").replace(
            "claw_back(account, amount)", 'claw_back(account, amount) { on refusal hold because "the money is spent" }'
        )
        + pay("spend", "give_back").replace("saga Pay", "saga Shop")
    )
    found = judgement(said, "B5", "credit")
    assert isinstance(found.verdict, Proved)
    assert found.verdict.shallow == "a refused undo is held for a person: the money is spent"
    isolated = judgement(said, "B4", "credit").verdict
    assert isinstance(isolated, Proved)
    assert isolated.shallow.startswith("other runs may build on it all the same")
    assert "B5" not in refuted(said)


STOCK = """
service warehouse {
  resource Stock[sku: string] {
    available: int
    reserved: int HOLD
    invariant available >= 0 and reserved >= 0
  }
  command reserve(sku: string, quantity: int)
    changes Stock[sku] { requires available >= quantity  available -= quantity  reserved += quantity }
    idempotent
    fails OutOfStock
  command release(sku: string, quantity: int)
    changes Stock[sku] { available += quantity  reserved -= quantity }
    idempotent
    revokes reserve
  command tell(order: uuid)
    idempotent
    fails Gone
  command untell(order: uuid)
    idempotent
    revokes tell
}
saga Order version 1 {
  key order
  input { order: uuid  sku: string  quantity: int where quantity > 0 }
  step reserve { do warehouse.reserve(sku, quantity)  compensate warehouse.release(sku, quantity) }
  step tell after reserve { do warehouse.tell(order)  compensate warehouse.untell(order) }
}
"""


def test_what_has_no_owner_may_be_given_back_by_anybody() -> None:
    assert refuted(STOCK.replace(" HOLD", "")) == {"B4": "reserve"}


def test_a_hold_is_given_back_by_its_owner_alone_and_the_proof_says_that_it_rests_on_that() -> None:
    found = judgement(STOCK.replace("HOLD", "hold"), "B4", "reserve")
    assert isinstance(found.verdict, Proved)
    assert "every run gives back only what it holds in `Stock.reserved`" in found.verdict.rests_on


def test_a_command_without_changes_is_assumed_by_name() -> None:
    found = judgement(BANK + pay("spend", "give_back"), "B4", "tell")
    assert found.verdict == Assumed(("no other run builds on what `bank.tell` has done until it is undone",))


DOOR = """
service house {
  resource Door[id: string] { states closed*, open }
  command open(id: string) changes Door[id] closed -> open idempotent fails Stuck
  command enter(id: string) changes Door[id] open -> open idempotent FAILS
  command shut(id: string) changes Door[id] open -> closed idempotent fails Stuck
}
saga Visit version 1 {
  key visit
  input { visit: uuid  door: string }
  step open { do house.open(door)  left because "who comes shuts it" LOCK }
  step enter after open { do house.enter(door)  left because "nothing to undo"  retry 2 times LATE }
}
saga Leave version 1 {
  key leave
  input { leave: uuid  door: string }
  step shut { do house.shut(door)  left because "that is its end" LOCK }
}
"""


LOCK = " lock Door[door] within 1m"


def door(fails: str = "", lock: str = "", late: str = "") -> str:
    return DOOR.replace("FAILS", fails).replace("LOCK", lock).replace("LATE", late)


def test_what_a_step_needs_that_declares_no_failure_is_not_taken_away_before_it_is_sent() -> None:
    found = finding(door(), "B5")
    assert found.message == "`enter` is refused after `shut` of a run of `Leave`"
    assert refuted(door()) == {"B5": "enter"}


def test_a_step_may_need_what_others_take_away_where_it_may_be_refused_or_a_lock_keeps_them_out() -> None:
    assert refuted(door(fails="fails Shut")) == {}
    assert refuted(door(lock=LOCK)) == {}


def test_a_lock_that_is_taken_after_a_record_was_looked_at_comes_too_late() -> None:
    late = door(late=LOCK).replace('that is its end" ', f'that is its end" {LOCK}')
    assert refuted(late) == {"B5": "enter"}


GUARDED = """
service house {
  resource Door[id: string] { states closed*, open  done closed, open }
  command open(id: string) changes Door[id] closed -> open idempotent fails Stuck
  command shut(id: string) changes Door[id] open -> closed idempotent revokes open
  command enter(id: string) changes Door[id] open -> open idempotent fails Stuck
  command tell(id: uuid) idempotent fails Gone
}
saga Host version 1 {
  key visit
  input { visit: uuid  door: string where door != "back"  quick: bool }
  step open { do house.open(door)  UNDO }
  step tell after open { do house.tell(visit)  left because "told" }
}
saga Guest version 1 {
  key visit
  input { visit: uuid  door: string  level: int  vip: bool }
  step first { do house.tell(visit)  left because "told" }
  step back after first { GUARD do house.tell(visit)  left because "told" }
  step enter after back { do house.enter(door)  left because "in" }
  MORE
}
"""


def guarded(undo: str = "compensate house.shut(door)", guard: str = "", more: str = "") -> str:
    return GUARDED.replace("UNDO", undo).replace("GUARD", guard).replace("MORE", more)


def undecided(text: str) -> list[str]:
    return [each.claim.step for each in checked(text).judgements if isinstance(each.verdict, Undecided)]


def test_a_story_of_another_run_keeps_to_the_guards_of_that_run() -> None:
    vip = guarded().replace("step enter after back {", "step enter after back { when vip and level > 7")
    assert refuted(vip) == {"B4": "open"}
    assert undecided(vip) == []


def test_a_story_keeps_to_the_guards_of_the_undos_in_it() -> None:
    undos = "compensate house.shut(door) when quick  compensate house.shut(door) when not quick"
    assert refuted(guarded(undos)) == {"B4": "open"}
    assert undecided(guarded(undos)) == []


def test_another_run_is_kept_out_by_what_it_has_to_pass_before() -> None:
    only = 'when door == "back" else fail Elsewhere'
    assert refuted(guarded()) == {"B4": "open"}
    assert refuted(guarded(guard=only)) == {}


def test_of_two_steps_of_another_run_that_do_the_same_each_is_looked_at_where_it_is_sent() -> None:
    only = 'when door == "back" else fail Elsewhere'
    more = 'step again { do house.enter(door)  left because "in" }'
    assert refuted(guarded(guard=only, more=more)) == {"B4": "open"}


def test_a_lock_that_shuts_out_everybody_is_a_proof() -> None:
    """What excludes every other run contradicts what is supposed of one: that is no claim about nothing."""
    lock = ' lock Account["shared"] within 1m'
    text = pay("spend", "claw_back", lock).replace("spend(account", 'spend("shared"').replace("(account", '("shared"')
    assert isinstance(judgement(BANK + text.replace("claw_back", "give_back"), "B4", "spend").verdict, Proved)


LEASE = """
service house {
  resource Slot[id: string] { states free*, mine  n: int = 0  invariant n >= 0  clean free  done free, mine }
  command grab(id: string) changes Slot[id] free -> mine idempotent fails Gone
  command drop(id: string) changes Slot[id] mine -> free idempotent revokes grab
  command bump(id: string) changes Slot[id] mine -> mine { n += 1 } idempotent fails Gone
  command unbump(id: string) changes Slot[id] mine -> mine { requires n >= 1  n -= 1 } idempotent revokes bump
}
saga Lease version 1 {
  key lease
  input { lease: uuid  slot: string }
  step grab { do house.grab(slot)  UNDO }
  step bump after grab { do house.bump(slot)  compensate house.unbump(slot) }
}
"""


def test_the_undo_of_what_leaves_a_record_in_the_state_that_its_run_took_is_let_at_it_by_that_run_alone() -> None:
    assert refuted(LEASE.replace("UNDO", "compensate house.drop(slot)")) == {}
    alone = LEASE.replace("step grab { do house.grab(slot)  UNDO }\n", "").replace("bump after grab", "bump")
    assert refuted(alone) != {}


OWN = """
service shop {
  resource Order[id: uuid] { states none*, placed, sent, void  done none, sent, void  FIELD }
  command place(id: uuid) changes Order[id] none -> placed idempotent fails No
  command ship(id: uuid) changes Order[id] placed -> sent REQUIRES idempotent
  command pay(id: uuid) idempotent fails Declined
  command cancel(id: uuid) changes Order[id] placed -> void idempotent fails No
  command note(id: uuid) changes Order[id] placed -> placed EFFECT idempotent fails No
}
saga Buy version 1 {
  key order
  input { order: uuid }
  step place { do shop.place(order)  left because "a draft"  PLACE }
  pivot step pay after place { do shop.pay(order)  irreversible because "paid"  PAY  retry forever }
  step ship after pay { do shop.ship(order)  retry forever }
}
saga Void version 1 {
  key order
  input { order: uuid }
  step cancel { do shop.cancel(order)  left because "void"  lock Order[order] within 1m }
  step note { do shop.note(order)  left because "void"  lock Order[order] within 1m }
}
"""


def own(place: str = "", pay: str = "", field: str = "", requires: str = "", effect: str = "") -> str:
    known = OWN.replace("PLACE", place).replace("PAY", pay).replace("FIELD", field)
    return known.replace("REQUIRES", requires).replace("EFFECT", effect)


def test_a_state_that_the_run_has_brought_about_under_a_lock_stays_as_it_is() -> None:
    lock = "lock Order[order] within 1m"
    assert "B5" not in refuted(own(place=lock))
    assert refuted(own(pay=lock))["B5"] == "ship"
    assert refuted(own())["B5"] == "ship"


def test_what_was_so_when_the_run_started_may_be_otherwise_when_it_gets_the_lock() -> None:
    lock, field, effect = "lock Order[order] within 1m", "n: int = 0", "{ n += 1 }"
    assert "B5" not in refuted(own(lock, "", field, "", effect))
    assert refuted(own(lock, "", field, "{ requires n == 0 }", effect))["B5"] == "ship"


# --- B2 ------------------------------------------------------------------------------------------------------------

BESIDE = """
saga Pay version 1 {
  key account
  input { account: string  amount: int where amount > 0  first: bool }
  step spend { GUARD do bank.spend(account, amount)  compensate bank.give_back(account, amount) }
  step credit ORDER{ OTHER do bank.credit(account, amount)  compensate bank.claw_back(account, amount) }
}
"""


def beside(guard: str = "", other: str = "", order: str = "") -> str:
    return BANK + BESIDE.replace("GUARD", guard).replace("OTHER", other).replace("ORDER", order)


def test_steps_that_enable_one_another_are_not_left_unordered() -> None:
    found = finding(beside(), "B2")
    assert "do not come to the same" in found.message
    assert any("`after" in line for line in found.help)


def test_an_order_makes_one_of_two() -> None:
    assert "B2" not in refuted(beside(order="after spend "))


def test_guards_that_exclude_one_another_make_a_pair_harmless() -> None:
    assert "B2" not in refuted(beside("when first", "when not first"))
    assert "B2" in refuted(beside("when first", "when first"))


# --- evidence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["B4", "B5"])
def test_a_refutation_shows_both_runs_with_their_values(family: Family) -> None:
    text = BANK + pay("credit", "claw_back") + pay("spend", "give_back").replace("saga Pay", "saga Shop")
    found = judgement(text, family, "credit").verdict
    assert isinstance(found, Refuted)
    assert isinstance(found.situation, History)
    assert len(found.situation.sides) == 2
    assert all(side.input["account"] == found.situation.before[0].key[0] for side in found.situation.sides)
    assert {act.side for act in found.situation.acts} == {0, 1}


def test_an_offered_lock_was_asked_about() -> None:
    text = BANK + pay("credit", "claw_back") + pay("spend", "give_back").replace("saga Pay", "saga Shop")
    assert any("lock Account[account] within 1m" in line for line in finding(text, "B4").help)


def test_nothing_is_left_undecided() -> None:
    text = BANK + pay("credit", "claw_back") + pay("spend", "give_back").replace("saga Pay", "saga Shop")
    assert not [each for each in checked(text).judgements if isinstance(each.verdict, Undecided)]

"""Histories on concrete records: what the contracts say happens, computed without anything that a solver is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.compiler.judging import read

from sagac.compiler import rehearsal
from sagac.compiler.model import Project
from sagac.compiler.rehearsal import Record, Rehearsal
from sagac.compiler.replay import Unreplayable
from sagac.compiler.verdicts import Act, Before, History, Side
from sagac.runtime.plan import Wire

ORDER = "00000000-0000-4000-8000-000000000001"

SHOP = """
service shop {
  owner "tests"
  resource Stock[sku: string] {
    available: int
    held: int hold
    price: decimal
    invariant available >= 0 and held >= 0
  }
  resource Parcel[order: uuid] { states none*, booked, gone  clean none, gone }

  command reserve(sku: string, quantity: int) -> { was: int }
    changes Stock[sku] {
      requires available >= quantity
      available -= quantity
      held += quantity
      yields was = available
    }
    idempotent
    fails OutOfStock
  command release(sku: string, quantity: int)
    changes Stock[sku] { available += quantity  held -= quantity }
    idempotent
  command swap(sku: string, other: string, quantity: int)
    changes Stock[sku] { available -= quantity }
    changes Stock[other] { available += quantity }
    idempotent
  command mark(sku: string, up: decimal)
    changes Stock[sku] { price += up }
    idempotent
  command restore(sku: string, stock: int)
    changes Stock[sku] { available := stock }
    idempotent
  command book(order: uuid)
    changes Parcel[order] none -> booked
    idempotent
  command drop(order: uuid)
    changes Parcel[order] booked -> gone
    idempotent
}

saga Buy version 1 {
  key order
  input { order: uuid  sku: string  other: string  quantity: int  up: decimal }
  step reserve { do shop.reserve(sku, quantity)  compensate shop.release(sku, quantity) }
  step swap after reserve { do shop.swap(sku, other, quantity)  compensate shop.swap(other, sku, quantity) }
  step mark after swap { do shop.mark(sku, up)  compensate shop.mark(sku, -up) }
  step book after mark { do shop.book(order)  compensate shop.drop(order) }
  step take after book { do shop.reserve(sku, quantity)  compensate shop.restore(sku, reserve.was) }
}
"""


def project() -> Project:
    return read(SHOP)[0]


def side(**given: Wire) -> Side:
    return Side("Buy", {"order": ORDER, "sku": "a", "other": "a", "quantity": 1, "up": "0.10", **given})


def stock(sku: str, available: int, held: int = 0) -> Before:
    return Before("shop.Stock", (sku,), {"available": available, "held": held, "price": "1.00"})


def parcel(state: str) -> Before:
    return Before("shop.Parcel", (ORDER,), {"state": state})


def rehearsed(history: History) -> Rehearsal:
    return rehearsal.rehearse(history, project())


def of(found: Rehearsal, name: str) -> rehearsal.Contents:
    """What the record of this name holds at the end."""
    (record,) = (record for record, known in found.names.items() if known == name)
    return found.after[record]


def test_a_command_changes_what_its_contract_says() -> None:
    found = rehearsed(History((side(quantity=2),), (stock("a", 3),), (Act(0, "reserve"),)))
    assert of(found, 'Stock["a"]') == {"available": 1, "held": 2, "price": "1.00"}
    assert found.refused == ()


def test_a_command_is_refused_where_what_it_requires_does_not_hold_and_changes_nothing() -> None:
    found = rehearsed(History((side(quantity=4),), (stock("a", 3),), (Act(0, "reserve"),)))
    assert found.refused == (Act(0, "reserve"),)
    assert found.after == found.before
    assert found.rows[0].refused == "`available >= quantity` does not hold"


def test_a_command_is_refused_in_another_state() -> None:
    found = rehearsed(History((side(),), (parcel("gone"),), (Act(0, "book"),)))
    assert found.rows[0].refused == "`Parcel` is `gone`, not `none`"
    found = rehearsed(History((side(),), (parcel("none"),), (Act(0, "book"),)))
    assert of(found, "Parcel[order]") == {"state": "booked"}


def test_all_changes_of_a_command_happen_at_once_also_to_one_record() -> None:
    found = rehearsed(History((side(),), (stock("a", 3),), (Act(0, "swap"),)))
    assert of(found, 'Stock["a"]')["available"] == 3
    found = rehearsed(History((side(other="b"),), (stock("a", 3), stock("b", 0)), (Act(0, "swap"),)))
    assert (of(found, 'Stock["a"]')["available"], of(found, 'Stock["b"]')["available"]) == (2, 1)


def test_decimals_are_exact() -> None:
    marks = tuple(Act(0, "mark") for _ in range(3))
    found = rehearsed(History((side(up="0.10"),), (stock("a", 3),), marks))
    assert of(found, 'Stock["a"]')["price"] == "1.30"


def test_what_a_do_has_captured_is_what_a_later_undo_reads() -> None:
    acts = (Act(0, "reserve"), Act(0, "take"), Act(0, "take", 0))
    told = replace(side(), results={"reserve": {"was": 77}})
    found = rehearsed(History((told,), (stock("a", 9),), acts))
    assert found.rows[0].captured == {"was": 9}
    assert of(found, 'Stock["a"]') == {"available": 9, "held": 2, "price": "1.00"}


def test_two_orders_are_rehearsed_from_the_same_records() -> None:
    acts = (Act(0, "reserve"), Act(1, "reserve"))
    both = History((side(), side(quantity=3)), (stock("a", 3),), acts, acts[::-1])
    found = rehearsed(both)
    assert [bool(row.refused) for row in found.rows] == [False, True]
    assert [bool(row.refused) for row in found.otherwise] == [False, True]
    assert found.after != found.after_otherwise


def test_keys_that_are_written_differently_are_one_record() -> None:
    shout = Before("shop.Parcel", (ORDER.upper(),), {"state": "none"})
    assert rehearsed(History((side(),), (shout,), (Act(0, "book"),))).refused == ()


def test_a_history_that_leaves_out_a_record_or_a_field_is_not_believed() -> None:
    with pytest.raises(Unreplayable, match="nothing is said of a record of `Stock`"):
        rehearsed(History((side(),), (stock("b", 3),), (Act(0, "reserve"),)))
    with pytest.raises(Unreplayable, match=r"nothing is said of `Stock.held`"):
        rehearsed(History((side(),), (Before("shop.Stock", ("a",), {"available": 3}),), ()))
    with pytest.raises(Unreplayable, match="one record is said to hold two things"):
        rehearsed(History((side(),), (parcel("none"), parcel("gone")), ()))
    with pytest.raises(Unreplayable, match="reads what is not there"):
        rehearsed(History((side(),), (stock("a", 3),), (Act(0, "take", 0),)))


def test_records_that_break_an_invariant_are_not_lawful() -> None:
    history = History((side(),), (stock("a", 3, -1), parcel("none")), ())
    keys = rehearsal.keys_of(project(), history)
    assert not rehearsal.lawful(project(), rehearsed(history).before, keys)
    history = History((side(),), (stock("a", 3), parcel("lost")), ())
    assert not rehearsal.lawful(project(), rehearsed(history).before, rehearsal.keys_of(project(), history))
    history = History((side(),), (stock("a", 3), parcel("gone")), ())
    assert rehearsal.lawful(project(), rehearsed(history).before, rehearsal.keys_of(project(), history))


def test_the_difference_of_two_records_is_what_a_service_can_tell() -> None:
    one: rehearsal.Contents = {"available": 1, "held": 0, "price": "1.0"}
    two: rehearsal.Contents = {"available": 1, "held": 2, "price": "1.00"}
    assert rehearsal.differences(project(), Record("shop.Stock", ("a",)), one, two) == ("held",)


def test_the_table_names_both_runs_their_calls_and_what_is_left() -> None:
    acts = (Act(0, "reserve"), Act(1, "reserve"), Act(0, "reserve", 0))
    found = rehearsed(History((side(), side(quantity=3)), (stock("a", 3),), acts))
    assert rehearsal.table(found, project(), ("this run", "another run of `Buy`")) == (
        'before                                               Stock["a"]: available 3, held 0, price 1.00',
        'this run: reserve              shop.reserve("a", 1)  Stock["a"]: available 2, held 1, price 1.00',
        'another run of `Buy`: reserve  shop.reserve("a", 3)  refused: `available >= quantity` does not hold',
        'this run: undo reserve         shop.release("a", 1)  Stock["a"]: available 3, held 0, price 1.00',
    )


MEMBERS = """
service club {
  resource Account[owner: uuid] { points: int }
  command redeem(owner: uuid, count: int)
    changes Account[owner] { points -= count }
    idempotent
}

saga Redeem version 1 {
  key order
  input { order: uuid  member: uuid  points: int }
  step redeem { do club.redeem(member, points)  left because "a test" }
}
"""


def test_a_story_has_the_words_of_the_call_and_not_of_what_happens_to_be_the_same_id() -> None:
    spec = read(MEMBERS)[0]
    one = Side("Redeem", {"order": ORDER, "member": ORDER, "points": 1})
    other = Side("Redeem", {"order": ORDER.replace("1", "2"), "member": ORDER, "points": 2})
    before = (Before("club.Account", (ORDER,), {"points": 5}),)
    found = rehearsal.rehearse(History((one, other), before, (Act(0, "redeem"), Act(1, "redeem"))), spec)
    assert rehearsal.table(found, spec, ("this run", "another run")) == (
        "before                                       Account[member]: points 5",
        "this run: redeem     club.redeem(member, 1)  Account[member]: points 4",
        "another run: redeem  club.redeem(member, 2)  Account[member]: points 2",
    )


def test_another_id_of_another_run_is_told_apart() -> None:
    spec, stranger = read(MEMBERS)[0], ORDER.replace("1", "3")
    one = Side("Redeem", {"order": ORDER, "member": ORDER, "points": 1})
    other = Side("Redeem", {"order": ORDER.replace("1", "2"), "member": stranger, "points": 2})
    before = tuple(Before("club.Account", (key,), {"points": 5}) for key in (ORDER, stranger))
    found = rehearsal.rehearse(History((one, other), before, (Act(0, "redeem"), Act(1, "redeem"))), spec)
    assert [row.call for row in found.rows] == [
        "club.redeem(member, 1)",
        "club.redeem(member of the other run, 2)",
    ]
    assert sorted(found.names.values()) == ["Account[member of the other run]", "Account[member]"]

"""D1 and D2: every result that is read is there, forward and backward; and what the solver knows of values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from random import Random

import pytest
from tests.compiler.judging import SERVICES, judged, story

from sagac.compiler.verdicts import Situation, Undecided

UNDONE = "do work.may(id)  compensate work.revoke_may(id)"
HELD = "on unknown hold"


# --- D1 ------------------------------------------------------------------------------------------------------------


def test_a_reader_has_to_be_guarded_at_least_as_tightly() -> None:
    steps = "step a {{ {0}\n when amount > 10 }}  step b {{ {0}\n when {1} and a.n > 0 }}"
    assert judged(steps.format(UNDONE, "amount > 20")).is_sound()
    assert judged(steps.format(UNDONE, "a.done")).is_sound()
    assert judged(steps.format(UNDONE, "not a.skipped")).is_sound()
    refuted = judged(steps.format(UNDONE, "amount > 9")).refuted("D1")["b"]
    assert refuted.message == "`b` reads `a.n`, but `a` may have been skipped"
    assert refuted.situation == Situation(
        order=("a",), skipped=frozenset({"a"}), input={"amount": 10}, subject="b", other="a"
    )


def test_a_condition_protects_what_stands_behind_it_only() -> None:
    steps = "step a {{ {0}\n when express }}  step b {{ {0}\n when {1} }}"
    assert judged(steps.format(UNDONE, "a.skipped or a.n > 0")).is_sound()
    assert judged(steps.format(UNDONE, "a.done implies a.n > 0")).is_sound()
    assert "b" in judged(steps.format(UNDONE, "a.n > 0 and a.done")).refuted("D1")
    assert "b" in judged(steps.format(UNDONE, "a.done or a.n > 0")).refuted("D1")


def test_a_guard_that_fails_instead_of_skipping_leaves_a_result() -> None:
    found = judged(f"step a {{ {UNDONE}\n when express else fail Slow }}  step b {{ {UNDONE}\n when a.n > 0 }}")
    assert found.is_sound()


def test_the_output_reads_only_what_is_there_at_the_end() -> None:
    steps = "output {{ n: int = a.n }}  step a {{ {0}  {1} }}"
    assert judged(steps.format(UNDONE, "")).is_sound()
    assert judged(steps.format(UNDONE, "\n when express else fail Slow")).is_sound()
    refuted = judged(steps.format(UNDONE, "\n when express")).refuted("D1")[""]
    assert refuted.message == "the output `n` reads `a.n`, but `a` may be skipped"


# --- D2 ------------------------------------------------------------------------------------------------------------


def test_an_undo_that_revokes_cannot_read_the_result_of_its_own_step() -> None:
    refuted = judged("step a { do work.may(id)  compensate work.revoke_n(id, a.n) }").refuted("D2")["a"]
    assert refuted.message == "the undo of `a` reads `a.n`, which is not there when the answer was lost"
    assert story(refuted).unknown == "a"


def test_a_step_in_doubt_is_not_done_for_its_own_undo() -> None:
    answered = "compensate work.revoke_n(id, a.n) when a.done"
    found = judged(f"step a {{ do work.may(id)  {answered}  compensate work.revoke_may(id) when not a.done }}")
    assert found.is_sound()
    done, lost = (judgement.witness for judgement in found.of("A6", "a")[1:])
    assert done is not None
    assert lost is not None
    assert (done.cancelled, done.unknown, lost.cancelled, lost.unknown) == (True, "", False, "a")
    held = judged(f"step a {{ do work.may(id)  {answered} }}").refuted("A2")["a"]
    assert held.message == "no compensation of `a` applies when the answer of `a` is lost"
    read = judged("step a { do work.may(id)  compensate work.revoke_n(id, a.n) when not a.skipped }").refuted("D2")["a"]
    assert story(read).unknown == "a"


def test_a_person_who_settles_a_step_supplies_its_result() -> None:
    found = judged(
        f"step a {{ do work.may(id)  compensate work.revoke_n(id, a.n)  {HELD} }}"
        "  step b after a { do work.look(id) }"
    )
    assert found.is_sound()
    assert found.of("D2", "a")[0].verdict.rests_on == ("a person who settles `a` supplies its result",)  # type: ignore[union-attr]  # proved, as asserted above


def test_an_undo_reads_a_step_that_may_be_skipped_only_where_that_ran() -> None:
    steps = (
        "step a {{ {0}\n when amount > 10 }}"
        "  step b after a {{ do work.may(id)  compensate work.revoke_n(id, a.n) {1} }}"
    )
    assert judged(
        "step a { " + UNDONE + "\n when amount > 10 }"
        "  step b after a { do work.may(id)  when amount > 10  compensate work.revoke_n(id, a.n) }"
    ).is_sound()
    refuted = judged(steps.format(UNDONE, "")).refuted("D2")["b"]
    assert refuted.message == "the undo of `b` reads `a.n`, but `a` may have been skipped"
    assert story(refuted).skipped == {"a"}


# --- values --------------------------------------------------------------------------------------------------------


def guarded(condition: str) -> str:
    """A compensation that leaves a gap where the condition holds."""
    return (
        f"step a {{ do work.sure(id)  compensate work.undo(id) when not ({condition})  {HELD} }}"
        "  step b after a { do work.look(id) }"
    )


@pytest.mark.parametrize(
    ("condition", "input"),
    [
        ("amount > 41", {"amount": 42}),
        ("amount < 0 - 7", {"amount": -8}),
        ("amount * 3 == 12", {"amount": 4}),
        ("price > 0 and price < 1", {"price": "0.01"}),
        ("price == 12.50", {"price": "12.50"}),
        ("tier == vip", {"tier": "vip"}),
        ("tier in [vip]", {"tier": "vip"}),
        ('note == "x"', {"note": "x"}),
        ("limit is null", {"limit": None}),
        ("limit is not null and limit > amount and amount > 2", {"amount": 3, "limit": 4}),
        ("express and amount > 0 and price > amount", {"amount": 1, "price": "2", "express": True}),
    ],
)
def test_the_plainest_values_that_show_it_are_given(condition: str, input: dict[str, object]) -> None:
    refuted = judged(guarded(condition)).refuted("A2")["a"]
    assert story(refuted).input == input


@pytest.mark.parametrize(
    "condition",
    [
        "amount > 5 and amount < 6",
        "tier == vip and tier == standard",
        'note == "x" and note == "y"',
        "price > 1 and price * 2 < 2",
        "limit is null and limit is not null",
    ],
)
def test_what_no_value_meets_is_proved(condition: str) -> None:
    assert "a" not in judged(guarded(condition)).refuted("A2")


ITEM = "type Item { sku: string  price: decimal }"


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ("item is null or item.price > 3", ""),
        ("(item is null or item.price > 3) and amount < 5 and (amount > 5 or item is null)", ""),
        ("amount > 5", "where item is null or item.price > 3"),
    ],
)
def test_what_is_null_has_no_parts(condition: str, where: str) -> None:
    head = f"key id  input {{ id: uuid  amount: int  item: Item? {where} }}"
    assert judged(f"step a {{ {UNDONE}\n when {condition} }}", services=ITEM + SERVICES, head=head).is_sound()


LISTED = "key id  input { id: uuid  names: list[string]  note: string }"


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("size(names) == 2", ["a", "a"]),
        ('"x" in names', ["x"]),
        ('"x" in names and not ("y" in names) and size(names) > 1', ["x", "a"]),
    ],
)
def test_lists_are_known_by_their_length_and_what_is_looked_for_in_them(condition: str, names: list[str]) -> None:
    assert story(judged(guarded(condition), head=LISTED).refuted("A2")["a"]).input == {"names": names}


@pytest.mark.parametrize(
    "condition",
    [
        '"x" in names and size(names) == 0',
        '"x" in names and "y" in names and size(names) == 1',
        'note in names and note == "x" and not ("x" in names)',
        "note in names and size(names) < 1",
    ],
)
def test_what_no_list_meets_is_proved(condition: str) -> None:
    found = judged(guarded(condition), head=LISTED)
    assert found.is_sound()


@pytest.mark.parametrize("seed", range(60))
def test_what_is_said_of_a_list_is_what_some_list_meets(seed: int) -> None:
    condition, is_true = drawn(Random(seed), 2)
    found = judged(f"step a {{ {UNDONE}\n when {condition} }}  step b {{ do work.look(id) }}", head=LISTED)
    truths = {is_true(note, names) for note in SYMBOLS for names in LISTS}
    dead = found.dead().get("a")
    seen = {True, False} if dead is None else {True} if dead.code == "W702" else {False}
    assert seen == truths, condition
    assert not [judgement for judgement in found.judgements if isinstance(judgement.verdict, Undecided)], condition


SYMBOLS = ("x", "y", "v", "w")
LISTS = tuple(names for length in range(5) for names in product(SYMBOLS, repeat=length))
"""More lists than three different strings and a length below four can tell apart."""

Truth = Callable[[str, tuple[str, ...]], bool]


def drawn(random: Random, depth: int) -> tuple[str, Truth]:
    """A condition on a string and a list of strings, and what it says."""
    if depth and random.random() < 0.8:
        one, one_holds = drawn(random, depth - 1)
        two, two_holds = drawn(random, depth - 1)
        if random.random() < 0.7:
            return f"({one}) and ({two})", lambda note, names: one_holds(note, names) and two_holds(note, names)
        return f"not ({one}) or ({two})", lambda note, names: not one_holds(note, names) or two_holds(note, names)
    length, symbol = random.randint(0, 3), random.choice("xy")
    return random.choice(
        (
            (f'"{symbol}" in names', lambda note, names: symbol in names),
            ("note in names", lambda note, names: note in names),
            (f'note == "{symbol}"', lambda note, names: note == symbol),
            (f"size(names) < {length}", lambda note, names: len(names) < length),
            (f"size(names) == {length}", lambda note, names: len(names) == length),
        )
    )


@pytest.mark.parametrize(
    "condition",
    [
        "not (vip in tiers) and not (standard in tiers) and size(tiers) > 0",
        "1.0 in prices and not (1.00 in prices)",
        "amount in prices and price in prices and amount == price and not (price in prices)",
    ],
)
def test_no_list_holds_what_is_none_of_its_values_or_one_twice_over(condition: str) -> None:
    assert "a" in judged(f"step a {{ {UNDONE}\n when {condition} }}", head=VALUED).dead()


def test_a_list_of_decimals_may_hold_a_whole_number() -> None:
    condition = "amount in prices and price in prices and amount != price and size(prices) == 2"
    found = judged(f"step a {{ {UNDONE}\n when {condition} }}", head=VALUED)
    assert found.is_sound()


VALUED = "key id  input { id: uuid  tiers: list[Tier]  prices: list[decimal]  amount: int  price: decimal }"


def test_what_no_decimal_meets_but_some_fraction_is_undecided_and_never_proved() -> None:
    found = judged(guarded("price * 3 == 1"))
    assert not found.is_sound()
    assert not found.refuted("A2")

"""B1: an undo right after its step restores what was there, or the smallest records show that it does not."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import driver
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Assumed, History, Judgement, Proved, Refuted, Undecided

SERVICE = """
service shop {{
  owner "tests"
  resource Stock[sku: string] {{
    available: int
    held: int hold
    loose: int
    price: decimal
    label: string
    invariant available >= 0 and held >= 0
  }}
  resource Paper[order: uuid] {{
    states none*, open, void, lost
    clean none, void
    text: string
  }}
  resource Visits[order: uuid] {{ count: int = 0 }}
  resource Card[number: string] {{
    states none*, open, void
    clean none, void
    text: string
  }}
  command act(order: uuid, sku: string, other: string, n: int, p: decimal) -> {{ old: string  was: int }}
    {do}
    idempotent
    fails Refused
  command undo(order: uuid, sku: string, other: string, n: int, p: decimal, old: string)
    {undo}
    idempotent
  command take(sku: string)
    changes Stock[sku] {{ held += 1 }}
    idempotent
  command send(order: uuid)
    idempotent
    fails Closed
}}
"""

SAGA = """
saga Tested version 1 {{
  key order
  input {{ order: uuid  sku: string  other: string  n: int where n > 0  p: decimal  text: string }}
  on unknown hold
  {first}
  step act {{
    do shop.act(order, sku, other, n, p)
    {word} shop.undo(order, {sku}, other, {n}, p, {old}){why}
  }}
  pivot step send after act {{
    do shop.send(order)
    irreversible because "it is gone"
    retry forever
  }}
}}
"""


def checked(
    do: str,
    undo: str,
    *,
    word: str = "compensate",
    sku: str = "sku",
    n: str = "n",
    old: str = "text",
    why: str = "",
    first: str = "",
) -> Checked:
    service = SERVICE.format(do=do, undo=undo).replace("  enum_here\n", "")
    found = driver.check_text(
        service + SAGA.format(word=word, sku=sku, n=n, old=old, why=why, first=first), date(2026, 11, 21)
    )
    assert found.project.sagas, [finding.message for finding in found.diagnostics]
    return found


def verdict(found: Checked) -> Judgement:
    (judgement,) = (each for each in found.judgements if each.claim.family == "B1")
    return judgement


def trace(found: Checked) -> tuple[str, ...]:
    """The story of the refutation."""
    (finding,) = (each for each in found.diagnostics if each.code == "B1")
    return finding.trace


PROVED = [
    ("changes Stock[sku] { available -= n }", "changes Stock[sku] { available += n }"),
    ("changes Stock[sku] { requires available >= n  available -= n  held += n }",
     "changes Stock[sku] { requires held >= n  available += n  held -= n }"),
    ("changes Stock[sku] { price += p * 3 + 1 }", "changes Stock[sku] { price -= 1 + p * 3 }"),
    ("changes Stock[sku] { available -= n }  changes Stock[other] { available += n }",
     "changes Stock[sku] { available += n }  changes Stock[other] { available -= n }"),
    ("changes Paper[order] none -> open", "changes Paper[order] open -> none"),
    ("changes Paper[order] none -> open { text := sku }", "changes Paper[order] open -> void"),
    ("changes Card[sku] none -> open", "changes Card[sku] open -> void"),
    ("changes Visits[order] { count := n }", "changes Visits[order] { count := 0 }"),
]  # fmt: skip

REFUTED = [
    ("a fee is kept", "changes Stock[sku] { available -= n + 2 }", "changes Stock[sku] { available += n }"),
    ("more is given back", "changes Stock[sku] { available -= n }", "changes Stock[sku] { available += n + 1 }"),
    ("another field is given back", "changes Stock[sku] { available -= n }", "changes Stock[sku] { loose += n }"),
    ("the undo needs more than is there", "changes Stock[sku] { available -= n }",
     "changes Stock[sku] { requires available >= n  available += n }"),
    ("another state is required", "changes Paper[order] none -> open", "changes Paper[order] void -> none"),
    ("it ends in a state that is not clean", "changes Paper[order] none -> open", "changes Paper[order] open -> lost"),
    ("a shared record ends clean but changed", "changes Card[sku] none -> open { text := sku }",
     "changes Card[sku] open -> void"),
    ("what was overwritten is not known", "changes Stock[sku] { label := sku }", "changes Stock[sku] { label := old }"),
    ("the initial value is another one", "changes Visits[order] { count := n }",
     "changes Visits[order] { count := 1 }"),
    ("half of it is undone", "changes Stock[sku] { available -= n }  changes Stock[other] { available += n }",
     "changes Stock[sku] { available += n }"),
]  # fmt: skip


@pytest.mark.parametrize(("do", "undo"), PROVED)
def test_an_undo_that_restores_is_proved(do: str, undo: str) -> None:
    proved = verdict(checked(do, undo)).verdict
    assert isinstance(proved, Proved)
    assert proved.rests_on == (
        "`shop.act` does what its `changes` say, and nothing else",
        "`shop.undo` does what its `changes` say, and nothing else",
        "`shop.send` changes no record that its contract does not name",
    )


@pytest.mark.parametrize(("do", "undo"), [case[1:] for case in REFUTED], ids=[case[0] for case in REFUTED])
def test_an_undo_that_does_not_restore_is_refuted_on_concrete_records(do: str, undo: str) -> None:
    found = checked(do, undo)
    refuted = verdict(found).verdict
    assert isinstance(refuted, Refuted), refuted
    assert isinstance(refuted.situation, History)
    assert [act.undo for act in refuted.situation.acts] == [None, 0]
    assert trace(found)[0].startswith("before")
    assert "expected" in trace(found)[-1] or "is refused" in trace(found)[-1]


def test_the_story_shows_the_record_before_after_and_after_the_undo() -> None:
    found = checked("changes Stock[sku] { available -= n + 2 }", "changes Stock[sku] { available += n }")
    assert [line.rpartition("available ")[2].partition(",")[0] for line in trace(found)] == ["0", "-3", "-2", "0"]


def test_an_undo_of_another_record_is_refuted() -> None:
    found = checked("changes Stock[sku] { available -= n }", "changes Stock[sku] { available += n }", sku="other")
    assert isinstance(verdict(found).verdict, Refuted)


def test_an_undo_with_another_amount_is_refuted() -> None:
    found = checked("changes Stock[sku] { available -= n }", "changes Stock[sku] { available += n }", n="n + n")
    assert isinstance(verdict(found).verdict, Refuted)


def test_an_undo_that_writes_back_what_the_step_found_is_proved() -> None:
    found = checked(
        "changes Stock[sku] { label := sku  yields old = label }",
        "changes Stock[sku] { label := old }",
        old="act.old",
    )
    assert isinstance(verdict(found).verdict, Proved)


def test_a_record_that_the_run_has_changed_before_is_not_in_its_initial_state() -> None:
    call = "shop.act(order, sku, other, n, p)"
    first = f"step first {{ do {call}  compensate shop.undo(order, sku, other, n, p, text) }}"
    do, undo = "changes Visits[order] { count := n }", "changes Visits[order] { count := 0 }"
    found = checked(do, undo, first=first)
    verdicts = {each.claim.step: each.verdict for each in found.judgements if each.claim.family == "B1"}
    assert isinstance(verdicts["first"], Refuted)
    assert isinstance(verdicts["act"], Refuted)


def test_what_a_mitigation_leaves_different_is_no_error_but_it_has_to_be_accepted() -> None:
    leaves = checked(
        "changes Stock[sku] { available -= n + 2 }",
        "changes Stock[sku] { available += n }",
        word="mitigate",
        why=' because "a fee is kept"',
    )
    assert isinstance(verdict(leaves).verdict, Proved)
    refusing = checked(
        "changes Stock[sku] { available -= n }",
        "changes Stock[sku] { requires available >= n  available += n }",
        word="mitigate",
        why=' because "a fee is kept"',
    )
    assert isinstance(verdict(refusing).verdict, Refuted)


def test_a_proof_by_arithmetic_alone_is_shallow() -> None:
    loose = verdict(checked("changes Stock[sku] { loose += n }", "changes Stock[sku] { loose -= n }")).verdict
    assert isinstance(loose, Proved)
    assert loose.shallow == "what is added is taken away again from a field that nothing bounds"
    for field in ("available", "held"):
        bounded = verdict(checked(f"changes Stock[sku] {{ {field} += n }}", f"changes Stock[sku] {{ {field} -= n }}"))
        assert isinstance(bounded.verdict, Proved)
        assert not bounded.verdict.shallow


def test_what_no_contract_declares_is_assumed_by_name() -> None:
    for do, undo, silent in (
        ("", "changes Stock[sku] { available += n }", ": no `changes` of `shop.act` are declared"),
        ("changes Stock[sku] { available -= n }", "", ": no `changes` of `shop.undo` are declared"),
        ("", "", ", of which nothing is declared"),
    ):
        assumed = verdict(checked(do, undo)).verdict
        assert assumed == Assumed((f"`shop.undo` restores what `shop.act` changes{silent}",))


# --- when it is sent -------------------------------------------------------------------------------------------------

GUARDED = """
service shop {
  resource Stock[sku: string] { available: int }
  resource Room[sku: string] { states free*, kept  done free  clean free }
  command put(sku: string, n: int) changes Stock[sku] { available += n } idempotent
  command back(sku: string, n: int) changes Stock[sku] { available -= n } idempotent
  command short(sku: string, n: int) changes Stock[sku] { available -= n + 1 } idempotent
  command keep(sku: string) changes Room[sku] free -> kept idempotent fails Full
  command send(order: uuid) idempotent fails Closed
}
saga Tested version 1 {
  key order
  input { order: uuid  sku: string  n: int where n > 0  level: int  vip: bool }
  on unknown hold
  STEPS
  step send { do shop.send(order)  left because "sent" }
}
"""


def guarded(steps: str) -> Checked:
    return driver.check_text(GUARDED.replace("STEPS", steps), date(2026, 11, 21))


def families(found: Checked, kind: type) -> set[tuple[str, str]]:
    return {
        (each.claim.family, each.claim.step)
        for each in found.judgements
        if isinstance(each.verdict, kind) and each.claim.family in ("A5", "B1")
    }


def test_the_story_of_an_undo_is_of_a_run_that_comes_to_it() -> None:
    guards = "when level > 17", "when not vip", "when vip"
    step = "step put {{ {} do shop.put(sku, n)  compensate shop.short(sku, n) {}  compensate shop.back(sku, n) {} }}"
    found = guarded(step.format(*guards))
    assert ("B1", "put") in families(found, Refuted)
    assert families(found, Undecided) == set()


def test_an_undo_that_restores_only_where_its_step_runs_is_proved() -> None:
    undos = "compensate shop.back(sku, 1) when vip  compensate shop.back(sku, n) when not vip"
    step = f"step put {{ WHEN do shop.put(sku, n)  {undos} }}"
    assert families(guarded(step.replace("WHEN", "")), Refuted) == {("B1", "put")}
    one = 'step first { when not vip or n == 1 else fail Two do shop.send(order)  left because "sent" }\n'
    safe = one + step.replace("put {", "put after first {").replace("WHEN", "")
    assert families(guarded(safe), Refuted) == set()


def test_what_is_proved_of_a_step_for_when_it_is_sent_is_not_proved_of_another_that_does_the_same() -> None:
    undos = "compensate shop.back(sku, 1) when vip  compensate shop.back(sku, n) when not vip"
    step = f"step NAME {{ WHEN do shop.put(sku, n)  {undos} }}\n"
    guards = step.replace("NAME", "put").replace("WHEN", "when not vip")
    assert families(guarded(guards), Refuted) == set()
    assert families(guarded(guards + step.replace("NAME", "again").replace("WHEN", "")), Refuted) == {("B1", "again")}


# --- undone by a mitigation -----------------------------------------------------------------------------------------

LEANING = """
  step put { do shop.put(sku, n)  mitigate shop.back(sku, GIVEN) because "a fee stays" }
  step more after put { do shop.put(sku, n)  undone by put because "one call takes all back" }
"""


def test_what_leaves_its_undo_to_a_mitigation_is_taken_back_by_it_all_the_same() -> None:
    assert families(guarded(LEANING.replace("GIVEN", "n + n - 1")), Refuted) == {("B1", "more")}
    assert families(guarded(LEANING.replace("GIVEN", "n")), Refuted) == {("B1", "more")}
    kept = LEANING.replace("GIVEN", "n").replace(
        "more after put { do shop.put(sku, n)", "more after put { do shop.keep(sku)"
    )
    assert ("B1", "more") in families(guarded(kept), Refuted)


def test_what_a_mitigation_would_leave_without_the_step_too_is_not_laid_at_its_door() -> None:
    setting = LEANING.replace("more after put { do shop.put(sku, n)", "more after put { do shop.put(sku, 0)")
    assert families(guarded(setting.replace("GIVEN", "n - 1")), Refuted) == set()

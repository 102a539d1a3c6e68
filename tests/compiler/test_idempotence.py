"""C2: what the plan may send twice is one effect, by its key or by what it does."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from sagac.compiler import counterexample, driver, proofs
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Assumed, History, Judgement, Proved, Refuted, Undecided
from sagac.runtime.plan import Plan

SPEC = """
service shop {{
  owner "tests"
  resource Stock[sku: string] {{
    free: int
    price: int
    label: string
    invariant free >= 0
  }}
  resource Paper[order: uuid] {{ states none*, open }}
  command act(order: uuid, sku: string, other: string, n: int) -> {{ old: string }}
    {changes}
    {promise}
    fails Refused
  command undo(order: uuid)
    idempotent for 7d
  command send(order: uuid)
    idempotent
    fails Closed
}}
saga Tested version 1 {{
  key order
  input {{ order: uuid  sku: string  other: string  n: int where n > 0 }}
  on unknown hold
  step act {{
    do shop.act(order, sku, other, n)
    compensate shop.undo(order)
  }}
  pivot step send after act {{
    do shop.send(order)
    irreversible because "it is gone"
    retry forever
  }}
}}
"""


def checked(changes: str, promise: str = "lands within 1m") -> Checked:
    found = driver.check_text(SPEC.format(changes=changes, promise=promise), date(2026, 11, 21))
    assert found.project.sagas, [finding.message for finding in found.diagnostics]
    return found


def sent_again(found: Checked, **flags: object) -> Plan:
    """The plan, with other flags of its first step than the compiler gives it."""
    plan = found.plans["Tested"]
    return replace(plan, steps=(replace(plan.steps[0], **flags), *plan.steps[1:]))


def judged(changes: str, promise: str = "lands within 1m", **flags: object) -> tuple[Judgement, tuple[Diagnostic, ...]]:
    """The verdict on the do of `act` in such a plan, as far as it is believed."""
    found = checked(changes, promise)
    plan = sent_again(found, **(flags or {"idempotent_by_effect": True}))
    saga = found.saga("Tested")
    judgements = proofs.judge(found.project, saga, found.graphs["Tested"], plan)
    mine = [each for each in judgements if each.claim.family == "C2" and "shop.act" in each.claim.text]
    believed, findings = counterexample.confirm(mine, found.project, {"Tested": plan})
    (judgement,) = believed
    return judgement, findings


TWICE_IS_ONCE = [
    "changes Stock[sku] { price := n }",
    "changes Stock[sku] { requires free >= n  label := other }",
    "changes Stock[sku] { price := n }  changes Stock[other] { label := sku }",
    "changes Paper[order] open -> open",
]

TWICE_IS_MORE = [
    ("changes Stock[sku] { free -= n }", "what it does twice is not what it does once"),
    ("changes Stock[sku] { price := price + n }", "what it does twice is not what it does once"),
    ("changes Paper[order] none -> open", "is refused the second time, though it has taken effect"),
    ("changes Stock[sku] { requires price < n  price := n }", "is refused the second time"),
    ("changes Stock[sku] { label := other  yields old = label }", "answers something else the second time"),
]


@pytest.mark.parametrize("changes", TWICE_IS_ONCE)
def test_a_command_that_sets_values_may_land_twice(changes: str) -> None:
    judgement, _ = judged(changes)
    assert judgement.verdict == Proved(
        ("`shop.act` does what its `changes` say, and nothing else", "`shop.act` lands within 1m or never")
    )


@pytest.mark.parametrize(("changes", "message"), TWICE_IS_MORE)
def test_a_command_that_does_more_the_second_time_is_refuted_on_records(changes: str, message: str) -> None:
    judgement, (finding,) = judged(changes)
    assert isinstance(judgement.verdict, Refuted), judgement.verdict
    assert isinstance(judgement.verdict.situation, History)
    assert message in judgement.verdict.message
    assert [line.split("  ")[0] for line in finding.trace[:3]] == ["before", "act", "act"]


def test_the_story_shows_the_record_before_once_and_twice() -> None:
    _, (finding,) = judged("changes Stock[sku] { free -= n }")
    assert [line.rpartition("free ")[2].partition(",")[0] for line in finding.trace] == ["0", "-1", "-2", "-1"]


def test_without_lands_within_or_changes_nothing_is_claimed() -> None:
    for changes, promise in (("changes Stock[sku] { price := n }", ""), ("", "lands within 1m")):
        judgement, _ = judged(changes, promise)
        assert isinstance(judgement.verdict, Undecided)


def test_a_plan_that_sends_again_what_no_contract_lets_it_is_not_believed() -> None:
    judgement, _ = judged("changes Stock[sku] { price := n }", idempotent=True)
    assert judgement.verdict == Undecided("the plan sends `shop.act` again, and no contract says that it may")


@pytest.mark.parametrize("changes", TWICE_IS_ONCE)
def test_the_plan_sends_again_what_is_proved_to_do_twice_what_it_does_once(changes: str) -> None:
    found = checked(changes)
    assert found.plans["Tested"].steps[0].idempotent_by_effect
    (judgement,) = [each for each in found.judgements if each.claim.family == "C2" and "shop.act" in each.claim.text]
    assert isinstance(judgement.verdict, Proved)


@pytest.mark.parametrize("changes", [changes for changes, _ in TWICE_IS_MORE])
def test_the_plan_does_not_send_again_what_is_more_the_second_time(changes: str) -> None:
    assert not checked(changes).plans["Tested"].steps[0].idempotent_by_effect


@pytest.mark.parametrize("promise", ["", "idempotent", "lands within 1m  idempotent for 7d"])
def test_a_plan_is_not_told_of_what_cannot_be_waited_out_or_is_kept_by_key(promise: str) -> None:
    assert not checked("changes Stock[sku] { price := n }", promise).plans["Tested"].steps[0].idempotent_by_effect


def test_where_nothing_settles_a_lost_answer_it_is_said_that_twice_is_more() -> None:
    text = SPEC.format(changes="changes Stock[sku] { free -= n }", promise="lands within 1m")
    found = driver.check_text(text.replace("on unknown hold", ""), date(2026, 11, 21))
    wrong = {(each.code, each.step): each for each in found.diagnostics if each.step == "act"}
    assert {("C1", "act"), ("C2", "act")} <= wrong.keys()
    assert [line.split("  ")[0] for line in wrong["C2", "act"].trace[:3]] == ["before", "act", "act"]


def test_what_the_service_keeps_by_key_rests_on_that_promise() -> None:
    found = checked("changes Stock[sku] { free -= n }", "idempotent for 7d")
    texts = {
        each.claim.text: each.verdict
        for each in found.judgements
        if each.claim.family == "C2" and each.claim.step == "act"
    }
    assert texts == {
        "`shop.act`, sent twice for `act`, takes effect once": Proved(
            ("`shop.act` is idempotent for 7d, and a refusal answers its key for good",)
        ),
        "`shop.undo`, sent twice for `act`, takes effect once": Proved(
            ("`shop.undo` is idempotent for 7d: a second call changes nothing",)
        ),
    }


def test_what_is_never_sent_again_owes_nothing() -> None:
    found = checked("changes Stock[sku] { free -= n }")
    assert not [each for each in found.judgements if each.claim.family == "C2" and "shop.act" in each.claim.text]


def test_of_a_service_that_nobody_declared_it_is_assumed() -> None:
    found = driver.check_text(
        "saga Trip version 1 {\n  key id\n  input { id: uuid }\n"
        "  step a { do air.book(id)  compensate air.cancel(id) }\n}\n",
        date(2026, 11, 21),
    )
    assert all(isinstance(each.verdict, Assumed) for each in found.judgements if each.claim.family == "C2")

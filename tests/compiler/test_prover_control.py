"""A1, A2 and A6: each where it holds and where it breaks, with the smallest run that shows it."""

from __future__ import annotations

from typing import Final

import pytest
from tests.compiler.judging import INPUT, judged, story

from sagac.compiler.verdicts import Assumed, Proved, Refuted, Situation
from sagac.runtime import expressions
from sagac.runtime.plan import Wire

UNDONE = "do work.may(id)  compensate work.revoke_may(id)"
PIVOT = 'do work.sure(id)  irreversible because "it is gone"  retry forever'
SURE = "do work.sure(id)  retry forever"


# --- A1 ------------------------------------------------------------------------------------------------------------


def test_what_comes_before_the_pivot_may_fail_and_what_comes_after_it_may_not() -> None:
    found = judged(f"step a {{ {UNDONE} }}  pivot step p after a {{ {PIVOT} }}  step b after p {{ {SURE} }}")
    assert found.is_sound()
    assert len(found.of("A1")) == 3


def test_a_step_that_can_fail_after_the_pivot_is_refuted_with_the_smallest_run() -> None:
    found = judged(
        f"step a {{ {UNDONE} }}  step x {{ {UNDONE} }}  pivot step p after a, x {{ {PIVOT} }}"
        "  step b after p { do work.sure(id)  retry 5 times  on unknown hold }"
    )
    (refuted,) = found.refuted("A1").values()
    assert refuted.message == "`b` can still fail after the point of no return, `p`"
    assert refuted.situation == Situation(order=("a", "x", "p", "b"), failed={"b": ""}, subject="p", other="b")


def test_a_step_that_can_fail_beside_the_pivot_is_refuted() -> None:
    found = judged(f"step a {{ {UNDONE} }}  step b after a {{ {UNDONE} }}  pivot step p after a {{ {PIVOT} }}")
    (refuted,) = found.refuted("A1").values()
    assert refuted.message == "`b` can still fail beside the point of no return, `p`"
    assert story(refuted).order == ("a", "p", "b")
    assert story(refuted).failed == {"b": "Refused"}


def test_a_step_beside_the_pivot_is_fine_where_their_guards_exclude_each_other() -> None:
    steps = (
        "step a {{ {0} }}  step b after a {{ {0}\n when amount <= 10 }}"
        "  pivot step p after a {{ {1}\n when amount > {2} }}"
    )
    assert judged(steps.format(UNDONE, PIVOT, 10)).is_sound()
    overlapping = judged(steps.format(UNDONE, PIVOT, 9)).refuted("A1")
    assert story(overlapping["b"]).input == {"amount": 10}


def test_a_guard_that_fails_its_step_counts_as_a_failure_after_the_pivot() -> None:
    found = judged(f"pivot step p {{ {PIVOT} }}  step b after p {{ when amount > 0 else fail Poor  {SURE} }}")
    assert story(found.refuted("A1")["b"]).failed == {"b": "Poor"}


def test_an_irreversible_step_before_the_pivot_can_be_cancelled() -> None:
    found = judged(
        f'step a {{ do work.sure(id)  irreversible because "it is gone"  on unknown hold }}'
        f"  pivot step p after a {{ {PIVOT} }}"
    )
    refuted = found.refuted("A1")["a"]
    assert refuted.message == "`a` cannot be undone, but the run can still be cancelled"
    # Once `a` has answered the pivot is enabled and a cancel refused: it has to come while `a` is under way.
    assert refuted.situation == Situation(cancelled=True, subject="a")


def test_an_irreversible_step_at_the_very_end_is_fine() -> None:
    found = judged(
        f"step a {{ {UNDONE} }}"
        '  step b after a { do work.may(id)  irreversible because "it is gone"  on unknown hold }'
    )
    assert found.is_sound()


def test_an_irreversible_step_beside_one_that_fails_is_refuted_though_the_other_fails_first() -> None:
    found = judged(
        'step a { do work.sure(id)  irreversible because "it is gone"  on unknown hold }  step b { do work.look(id) }'
    )
    assert found.refuted("A1")["a"].situation == Situation(order=("b", "a"), failed={"b": ""}, subject="a", other="b")


def test_two_pivots_have_to_exclude_each_other() -> None:
    steps = "pivot step p {{ {0}\n when tier == vip }}  pivot step q {{ {0}\n when {1} }}"
    assert judged(steps.format(PIVOT, "tier == standard")).is_sound()
    refuted = judged(steps.format(PIVOT, "express")).refuted("A1")["q"]
    assert refuted.message == "a run can reach two pivots, `p` and `q`"
    assert story(refuted).input == {"tier": "vip", "express": True}


def test_after_a_pivot_that_may_be_skipped_the_rules_for_steps_before_it_hold() -> None:
    steps = (
        "step a {{ {0} }}  pivot step p after a {{ {1}\n when express }}"
        "  step b after p {{ {2}  {3} }}  step c after b {{ {2}  {3} }}"
    )
    assert judged(steps.format(UNDONE, PIVOT, SURE, "when express")).is_sound()
    refuted = judged(steps.format(UNDONE, PIVOT, SURE, "")).refuted("A2")
    assert story(refuted["b"]).input == {"express": False}
    assert story(refuted["b"]).skipped == {"p"}


BOX = """
service work {
  owner "tests"
  resource Box[id: uuid] { states empty*, full, sealed }
  command fill(id: uuid)
    changes Box[id] empty -> full
    idempotent
  command seal(id: uuid)
    changes Box[id] full -> sealed
    idempotent
  command pay(id: uuid)
    idempotent
}
"""


@pytest.mark.parametrize(("command", "verdict"), [("fill", Proved), ("seal", Refuted)])
def test_a_step_that_cannot_fail_owes_its_precondition(command: str, verdict: type) -> None:
    found = judged(
        'pivot step p { do work.pay(id)  irreversible because "paid"  retry forever }'
        f"  step b after p {{ do work.{command}(id)  retry forever }}",
        services=BOX,
        head="key id  input { id: uuid }",
    )
    (judgement,) = found.of("D4", "b")
    assert isinstance(judgement.verdict, verdict)


# --- A2 ------------------------------------------------------------------------------------------------------------


def test_guarded_compensations_cover_every_case_exactly_once() -> None:
    steps = (
        "step a {{ do work.sure(id)  compensate work.undo(id) when amount > 10"
        "  compensate work.revoke_may(id) when {0}  on unknown hold }}  step b after a {{ do work.look(id) }}"
    )
    assert judged(steps.format("amount <= 10")).is_sound()
    gap = judged(steps.format("amount < 10")).refuted("A2")["a"]
    assert gap.message == "no compensation of `a` applies when `b` fails"
    assert story(gap).input == {"amount": 10}
    assert story(gap).order == ("a", "b")
    overlap = judged(steps.format("amount <= 11")).refuted("A2")["a"]
    assert overlap.message == "two compensations of `a` apply at once: `work.undo` and `work.revoke_may`"
    assert story(overlap).input == {"amount": 11}


def test_a_compensation_that_revokes_has_to_apply_where_the_only_answer_was_lost() -> None:
    found = judged("step a { do work.may(id)  compensate work.revoke_may(id) when amount >= 100 }")
    refuted = found.refuted("A2")["a"]
    assert refuted.message == "no compensation of `a` applies when the answer of `a` is lost"
    assert (story(refuted).unknown, story(refuted).input) == ("a", {"amount": 0})


def test_two_compensations_that_revoke_overlap_also_where_only_a_lost_answer_undoes_the_step() -> None:
    one, two = (f"compensate work.revoke_may(id) when amount > {amount}" for amount in (3, 5))
    head = INPUT.replace("amount: int", "amount: int where amount > 3")
    overlapping = judged(f"step a {{ do work.may(id)  {one}  {two} }}", head=head)
    refuted = overlapping.refuted("A2")["a"]
    assert refuted.message.startswith("two compensations of `a` apply at once")
    assert (story(refuted).unknown, story(refuted).input) == ("a", {"amount": 6})


def test_a_compensation_may_be_guarded_by_the_steps_own_result() -> None:
    found = judged(
        "step a { do work.sure(id)  compensate work.undo(id) when a.n > 0  on unknown hold }"
        "  step b after a { do work.look(id) }"
    )
    assert story(found.refuted("A2")["a"]).results == {"a": {"n": 0}}


def test_a_compensation_that_can_be_refused_rests_on_its_precondition() -> None:
    steps = "step a { do work.sure(id)  compensate work.may(id)  on unknown hold }  step b after a { do work.look(id) }"
    found = judged(steps)
    (judgement,) = found.of("A2", "a")
    assert judgement.verdict == Proved(("`work.may` does not answer `Refused` as an undo",))


CHECKED: Final = """
service s {
  owner "tests"
  resource R[id: uuid] { states none*, taken }
  command take(id: uuid)
    changes R[id] none -> taken
    idempotent
    fails Taken
  command give(id: uuid)
    changes R[id] taken -> none
    idempotent
    revokes take
    fails Moved
}
"""


def test_of_an_undo_that_checks_what_it_changes_the_cause_of_a_refusal_is_assumed_alone() -> None:
    steps = "step a { do s.take(id)  compensate s.give(id) }  step b after a { do s.take(id)  compensate s.give(id) }"
    (judgement, _) = judged(steps, services=CHECKED, head="key id  input { id: uuid }").of("A2")
    assert judgement.verdict == Proved(("`s.give` answers `Moved` only where what its `changes` check does not hold",))


def test_a_refusal_that_is_left_to_a_person_rests_on_the_person() -> None:
    steps = 'step a { do s.take(id)  compensate s.give(id) { on refusal hold because "it is rare" } }'
    steps += "  step b after a { do s.take(id)  compensate s.give(id) }"
    (judgement, _) = judged(steps, services=CHECKED, head="key id  input { id: uuid }").of("A2")
    assert judgement.verdict == Proved(("a person settles a refusal of `s.give`",))


def test_a_compensation_is_not_needed_where_the_run_cannot_turn() -> None:
    steps = "step a {{ {0} }}  pivot step p after a {{ {1} }}  step b after p {{ {2} }}"
    assert judged(steps.format(UNDONE, PIVOT, SURE)).is_sound()


def test_a_dead_compensation_is_a_warning() -> None:
    found = judged(f"pivot step p {{ {PIVOT} }}  step b after p {{ {SURE}  compensate work.undo(id) }}")
    assert found.dead()["b"].code == "W701"
    assert not found.refuted("A2")


def test_a_compensation_of_the_last_step_is_dead_where_no_lost_answer_is_revoked() -> None:
    last = "do work.sure(id)  compensate work.undo(id)  on unknown hold"
    found = judged(f"step a {{ {last} }}")
    assert found.dead()["a"].code == "W701"
    assert "a complete run is not undone" in found.dead()["a"].message
    assert found.dead().keys() == {"a"}


@pytest.mark.parametrize(
    "beside", ["step b after a {{ {0} }}", "step b {{ {0} }}", "step b after a {{ when big  {0} }}"]
)
def test_a_compensation_is_not_dead_where_something_is_left_to_do(beside: str) -> None:
    last = "do work.sure(id)  compensate work.undo(id)  on unknown hold"
    steps = f"step a {{ {last} }}  {beside.format('do work.look(id)')}"
    assert "a" not in judged(steps, head="key id  input { id: uuid  big: bool }").dead()


def test_a_compensation_before_the_pivot_is_not_dead() -> None:
    found = judged(f"step a {{ {UNDONE} }}  pivot step p after a {{ {PIVOT} }}")
    assert not found.dead()


def test_undone_by_needs_the_other_step_to_have_run() -> None:
    steps = (
        "step a {{ do work.sure(id)  compensate work.undo(id)  on unknown hold\n {0} }}"
        '  step b after a {{ do work.sure(id)  undone by a because "it goes with it"  on unknown hold }}'
        "  step c after b {{ do work.look(id) }}"
    )
    found = judged(steps.format(""))
    assert found.is_sound()
    assert found.of("A2", "b")[0].verdict == Proved()
    (assumed,) = found.of("B1", "b")  # that the one undo takes back both effects is said there
    assert isinstance(assumed.verdict, Assumed)
    assert story(judged(steps.format("when express")).refuted("A2")["b"]).skipped == {"a"}


# --- A6 ------------------------------------------------------------------------------------------------------------


def test_a_step_that_no_run_reaches_is_vacuous_and_nothing_else_is_said_of_it() -> None:
    found = judged(f"step a {{ {UNDONE} }}  step b after a {{ {UNDONE}\n when amount > 10 and amount < 5 }}")
    assert found.dead()["b"].message == "`b` never runs: no run meets all that it needs"
    assert [judgement.claim.family for judgement in found.judgements if judgement.claim.step == "b"] == ["A6"]


def test_a_step_behind_a_guard_that_always_fails_is_dead_and_told_once() -> None:
    found = judged(f"step a {{ {UNDONE}\n when amount != amount else fail Never }}  step b after a {{ {UNDONE} }}")
    assert list(found.dead()) == ["a"]


def test_contradictory_wheres_are_the_only_thing_that_is_said() -> None:
    found = judged(
        f"step a {{ {UNDONE} }}",
        head="key id  input { id: uuid  amount: int where amount > 5  other: int where other > amount and other < 5 }",
    )
    assert len(found.judgements) == 1
    assert found.dead()[""].message == "no input of `Tested` meets every `where`, so nothing can ever run"


def test_a_guard_that_is_always_true_is_a_warning() -> None:
    found = judged(
        f"step a {{ {UNDONE}\n when amount > 0 }}  step b after a {{ {UNDONE}\n when amount >= 0 }}",
        head="key id  input { id: uuid  amount: int where amount >= 0 }",
    )
    assert {step: verdict.code for step, verdict in found.dead().items()} == {"b": "W702"}


def test_a_compensation_whose_guard_is_never_true_is_vacuous() -> None:
    found = judged(
        "step a { do work.sure(id)  when express  compensate work.undo(id) when express"
        "  compensate work.revoke_may(id) when not express  on unknown hold }  step b after a { do work.look(id) }"
    )
    assert found.dead()["a"].message == "`work.revoke_may` never undoes `a`: its `when` is never true"


def test_every_step_has_a_witness_and_few_runs_witness_many() -> None:
    steps = [f"step s{place} {{ when amount > {place}  {UNDONE} }}" for place in range(20)]
    found = judged("\n".join(steps))
    witnesses = [judgement.witness for judgement in found.of("A6") if judgement.claim.step]
    assert None not in witnesses
    assert len({id(witness) for witness in witnesses}) < 25


def test_a_witness_has_its_values_and_what_disturbs_it_and_leaves_open_who_else_settles() -> None:
    found = judged(
        f"step a {{ {UNDONE} }}"
        "  step b after a { do work.may(id)  when amount > 3 else fail Low"
        "  compensate work.undo(id) when express  compensate work.revoke_may(id) when not express  on unknown hold }"
        f"  pivot step p after b {{ {PIVOT} }}"
    )
    witnesses = {judgement.claim.text: judgement.witness for judgement in found.of("A6", "b")}
    assert witnesses == {
        "some run reaches the step `b`": Situation(input={"amount": 4, "express": True}),
        "the `when` of `b` fails it with `Low` in some run": Situation(
            order=("b",), failed={"b": "Low"}, input={"amount": 1, "express": True}, subject="b"
        ),
        # Once `b` has answered it is too late to cancel: `p` is under way.
        "some run undoes `b` with `work.undo`": Situation(
            order=("a",), input={"amount": 4, "express": True}, cancelled=True, subject="b"
        ),
        "some run undoes `b` with `work.revoke_may`": Situation(
            order=("a",), input={"amount": 4, "express": False}, cancelled=True, subject="b"
        ),
    }


def test_a_witness_shows_its_claim_whatever_the_defaults_of_the_inputs_are() -> None:
    head = "key id  input { id: uuid  amount: int = 9  express: bool = true }"
    found = judged(
        f"step a {{ {UNDONE} }}"
        f"  step b after a {{ when express  {UNDONE} }}  step c after a {{ when amount > 5  {UNDONE} }}"
        f"  step d after a {{ when not express  {UNDONE} }}  step e after a {{ when amount <= 5  {UNDONE} }}",
        head=head,
    )
    defaults: dict[str, Wire] = {"id": "00000000-0000-4000-8000-000000000001", "amount": 9, "express": True}
    shown = 0
    for judgement in found.of("A6"):
        if judgement.claim.step in ("b", "c", "d", "e"):
            assert judgement.witness is not None
            view = expressions.View({**defaults, **judgement.witness.input}, {}, {})
            guard = next(step.guard for step in found.plan.steps if step.name == judgement.claim.step)
            assert guard is not None
            assert expressions.holds(guard, view) == ("reaches" in judgement.claim.text), judgement.claim.text
            shown += 1
    assert shown == 8


def test_the_same_text_gives_the_same_verdicts_and_values() -> None:
    steps = "\n".join(f"step s{place} {{ {UNDONE}\n when amount > {place} or price < {place} }}" for place in range(8))
    assert judged(steps).judgements == judged(steps).judgements

"""The rules of docs/semantics.md, one by one, on runs small enough to read."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.properties.plans import FLAG, FOREVER, ONCE, TWICE, plan, step, undo

from sagac.runtime import kernel
from sagac.runtime.commands import Append, Ask, Await, Send, Wake
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Expired,
    Intended,
    Lapsed,
    Outcome,
    Overdue,
    Probed,
    Resumed,
    Started,
)
from sagac.runtime.plan import Binary, Call, Constant, Input, Result, Schedule, Step, Undo, Wire, call_key
from sagac.runtime.run import Held, Residue, Run


def begin(*steps: Step, flag: bool = True, **options: Any) -> Run:
    return kernel.start(plan(*steps, **options), "key", Started("", {"flag": flag, "amount": "12.50"}, 0))


def after(run: Run, *events: Event) -> Run:
    for event in events:
        run = kernel.apply(run, event)
    return run


def do(name: str, outcome: Outcome = "succeeded", attempt: int = 1, at: int = 0, **more: Any) -> Answered:
    more.setdefault("result", f"result of {name}" if outcome == "succeeded" else None)
    return Answered(name, "do", attempt, outcome, at, **more)


def undid(name: str, outcome: Outcome = "succeeded", attempt: int = 1, at: int = 0, **more: Any) -> Answered:
    return Answered(name, "undo", attempt, outcome, at, **more)


def due(name: str, attempt: int, at: int = 0) -> Due:
    return Due(name, "do", attempt, at)


def refused(name: str) -> Answered:
    return do(name, "refused", failure="Refused")


def sends(run: Run, now: int = 0) -> list[str]:
    prefix = {"do": "", "undo": "undo "}
    return [prefix[one.direction] + one.step for one in kernel.decide(run, now) if isinstance(one, Send)]


def only(run: Run, now: int = 0) -> object:
    (command,) = kernel.decide(run, now)
    return command


def state(run: Run, name: str) -> str:
    return run.actions[run.layout.position[name]].state


CANCEL = Cancelled(0, who="ada", reason="duplicate")

PIVOT = step("p", ("a",), pivot=True, schedule=FOREVER, remains="irreversible", fails=True)


# ---- R1


def test_a_run_whose_steps_all_succeed_is_completed_and_needs_nothing() -> None:
    run = after(begin(step("a"), step("b", ("a",))), do("a"), do("b"))
    assert kernel.status(run) == "completed"
    assert kernel.is_ended(run)
    assert kernel.decide(run, 0) == ()
    assert run.events == 3


def test_a_run_is_held_only_when_nothing_else_is_outstanding() -> None:
    run = begin(step("x", idempotent=False, intent=True), step("b"))
    run = after(run, Intended("x", 0), do("x", "unknown", detail="timed out"))
    assert kernel.status(run) == "running"
    assert kernel.held(run) == (Held("x", "do", "timed out"),)
    run = after(run, do("b"))
    assert kernel.status(run) == "held"
    assert not kernel.is_ended(run)


def test_a_declared_residue_is_told_at_the_end() -> None:
    run = begin(step("l", remains="left"), step("b", ("l",), fails=True))
    run = after(run, do("l"), refused("b"))
    assert kernel.status(run) == "compensated with residue"
    assert kernel.residue(run) == (Residue("l", "it may"),)


def test_a_mitigation_leaves_the_residue_it_declares() -> None:
    run = begin(step("a", undos=(undo("a", residue="a fee"),)), step("b", ("a",), fails=True))
    run = after(run, do("a"), refused("b"), undid("a"))
    assert kernel.residue(run) == (Residue("a", "a fee"),)
    assert kernel.status(run) == "compensated with residue"


def test_an_irreversible_effect_is_never_taken_for_undone() -> None:
    # No checked saga comes here; a counterexample of a refuted one does.
    run = begin(step("a"), step("i", ("a",), remains="irreversible"), step("b", ("i",), fails=True))
    run = after(run, do("a"), do("i"), refused("b"))
    assert kernel.status(run) == "held"
    assert kernel.held(run) == (Held("i", "undo", "irreversible: it may", ("a",)),)
    assert kernel.standing(run) == ("a", "i")


def test_an_effect_that_another_undo_removes_is_held_when_that_undo_never_came() -> None:
    never = undo("s", guard=Constant(False, "bool"))
    run = begin(
        step("s", undos=(never,)), step("u", ("s",), remains="undone by", undone_by="s"), step("b", ("u",), fails=True)
    )
    run = after(run, do("s"), do("u"), refused("b"))
    assert [(one.step, one.why) for one in kernel.held(run)] == [("u", "`s` was not undone")]
    assert kernel.status(run) == "held"


# ---- R2


def test_a_refusal_is_not_retried_and_turns_the_run() -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True)), do("a"), refused("b"))
    assert run.cause == "`b` was refused: Refused"
    assert run.cause_step == "b"
    assert sends(run) == ["undo a"]


def test_a_transient_answer_is_retried_after_the_pause_that_its_event_carries() -> None:
    run = after(begin(step("a")), do("a", "transient", at=100, pause_ms=40))
    assert only(run) == Wake(140, Due("a", "do", 2, 140))
    run = after(run, due("a", 2, at=141))
    assert sends(run) == ["a"]
    assert state(after(run, do("a", "transient", attempt=2)), "a") == "refused"


def test_within_needs_room_for_one_more_attempt() -> None:
    schedule = Schedule(timeout_ms=10, retries=5, backoff_first_ms=1, backoff_max_ms=8, within_ms=100)
    run = begin(step("a", schedule=schedule))
    assert state(after(run, do("a", "transient", at=80, pause_ms=10)), "a") == "paused"
    assert state(after(run, do("a", "transient", at=80, pause_ms=11)), "a") == "refused"


def test_the_bound_of_a_pause_doubles_up_to_its_maximum_and_is_nothing_after_the_last_attempt() -> None:
    schedule = Schedule(timeout_ms=10, retries=3, backoff_first_ms=10, backoff_max_ms=35)
    run, bounds = begin(step("a", schedule=schedule)), []
    for attempt in range(1, 5):
        send = only(run)
        assert isinstance(send, Send)
        bounds.append(send.pause_ms)
        run = after(run, do("a", "transient", attempt), due("a", attempt + 1))
    assert bounds == [10, 20, 35, 0]


def test_spent_retries_leave_a_step_in_doubt_while_an_earlier_attempt_is_unanswered() -> None:
    run = after(begin(step("t", doubt="hold")), do("t", "unknown"), due("t", 2), do("t", "transient", attempt=2))
    assert state(run, "t") == "held"
    answered = after(begin(step("t")), do("t", "transient"), due("t", 2), do("t", "transient", attempt=2))
    assert state(answered, "t") == "refused"


def test_a_refusal_settles_an_idempotent_step_for_every_attempt() -> None:
    run = after(begin(step("t", fails=True)), do("t", "unknown"), due("t", 2), do("t", "refused", attempt=2))
    assert state(run, "t") == "refused"
    assert kernel.status(run) == "compensated"


def test_a_refusal_after_an_unanswered_attempt_of_another_command_settles_nothing() -> None:
    step_ = step("n", idempotent=False, probed=True, fails=True)
    run = after(begin(step_))
    # No event order leads here, because nothing unanswered is resent; the rule stands for itself.
    doubtful = replace(run, actions=(replace(run.actions[0], unanswered=True),))
    assert state(after(doubtful, do("n", "refused")), "n") == "lapsing"


def test_a_query_that_is_not_answered_is_asked_again_and_then_fails() -> None:
    run = after(begin(step("q", query=True, idempotent=False)), do("q", "unknown"), due("q", 2))
    run = after(run, do("q", "unknown", attempt=2))
    assert state(run, "q") == "refused"
    assert kernel.status(run) == "compensated"


def test_a_late_answer_is_only_counted() -> None:
    run = after(begin(step("a")), do("a", "unknown"), due("a", 2))
    for late in (do("a"), do("a", attempt=3), undid("a"), due("a", 2), Lapsed("a", 0), Intended("a", 0), do("nobody")):
        assert after(run, late) == replace(run, events=run.events + 1)


# ---- R3


def test_an_idempotent_step_is_resent_under_its_key() -> None:
    run = begin(step("a"))
    first, again = only(run), only(after(run, do("a", "unknown"), due("a", 2)))
    assert isinstance(first, Send)
    assert isinstance(again, Send)
    assert (first.key, first.arguments) == (again.key, again.arguments)
    assert (first.attempt, again.attempt) == (1, 2)


def test_a_probe_is_asked_only_after_lapsed_and_its_value_becomes_the_result() -> None:
    run = begin(step("n", idempotent=False, probed=True), step("b", ("n",)))
    run = after(run, do("n", "unknown"))
    assert only(run) == Await("n", 5)
    run = after(run, Lapsed("n", 7))
    assert isinstance(only(run), Ask)
    run = after(run, Probed("n", 1, "present", 8, result="found"))
    assert run.actions[0].result == "found"
    assert sends(run) == ["b"]


def test_a_probe_that_finds_nothing_counts_as_transient() -> None:
    run = after(begin(step("n", idempotent=False, probed=True)), do("n", "unknown"), Lapsed("n", 0))
    run = after(run, Probed("n", 1, "absent", 0, pause_ms=3))
    assert only(run) == Wake(3, Due("n", "do", 2, 3))
    run = after(run, due("n", 2), do("n", "unknown", attempt=2), Lapsed("n", 0), Probed("n", 1, "absent", 0))
    assert state(run, "n") == "refused"


def test_a_probe_that_is_not_answered_is_asked_again_and_then_a_person_is() -> None:
    run = after(begin(step("n", idempotent=False, probed=True)), do("n", "unknown"), Lapsed("n", 0))
    for attempt in range(1, 5):
        asked = only(run)
        assert isinstance(asked, Ask)
        assert asked.attempt == attempt
        assert asked.at == (0 if attempt == 1 else 9)
        run = after(run, Probed("n", attempt, "unanswered", 0, pause_ms=9, detail="no route"))
    assert kernel.held(run) == (Held("n", "do", "no route"),)


def test_a_revoking_undo_settles_a_doubt_in_the_drain_before_the_other_undos() -> None:
    run = begin(step("a"), step("r", ("a",), doubt="revoke", undos=(undo("r", revokes=True),), schedule=ONCE))
    run = after(run, do("a"), do("r", "unknown"))
    assert run.cause == "nobody knows whether `r` took effect"
    assert sends(run) == ["undo r"]
    run = after(run, undid("r"))
    assert sends(run) == ["undo a"]
    assert kernel.status(after(run, undid("a"))) == "compensated"


def test_past_the_pivot_nothing_is_revoked() -> None:
    revoking = step("r", doubt="revoke", undos=(undo("r", revokes=True),), schedule=ONCE)
    run = after(begin(step("a"), PIVOT, revoking), do("a"), do("r", "unknown"))
    assert (run.mode, sends(run)) == ("running", ["p"])
    assert [one.step for one in kernel.held(run)] == ["r"]
    run = after(run, refused("p"))
    assert sends(run) == ["undo r"]


def test_a_do_is_not_sent_again_after_its_window() -> None:
    run = after(begin(step("a", window_ms=1_000)), Resumed("w", 2_000))
    assert sends(run, now=999) == ["a"]
    assert only(run, now=1_000) == Append(Expired("a", "do", 1_000))
    assert after(run, Expired("a", "do", 999)).actions == run.actions
    assert kernel.held(after(run, Expired("a", "do", 1_000))) == (Held("a", "do", "window passed"),)


def test_a_pause_that_outlasts_the_window_ends_in_doubt() -> None:
    run = after(begin(step("a", window_ms=1_000)), do("a", "unknown", pause_ms=10))
    assert state(after(run, due("a", 2, at=1_000)), "a") == "held"
    assert state(after(begin(step("a", window_ms=1_000)), do("a", "unknown", at=995, pause_ms=10)), "a") == "held"


def test_an_undo_is_held_after_its_window_saying_so() -> None:
    run = begin(step("a", undos=(undo("a", window_ms=1_000),)), step("b", ("a",), fails=True))
    run = after(run, do("a"), refused("b"), Resumed("w", 1_500))
    assert only(run, now=1_500) == Append(Expired("a", "undo", 1_500))
    run = after(run, Expired("a", "undo", 1_500))
    assert kernel.held(run) == (Held("a", "undo", "window passed"),)


def test_a_revoking_undo_counts_as_idempotent_for_as_long_as_its_do() -> None:
    revoking = step("r", window_ms=1_000, undos=(undo("r", revokes=True, idempotent=False),))
    run = after(begin(revoking, step("b", ("r",), fails=True)), do("r"), refused("b"), Resumed("w", 0))
    assert sends(run, now=999) == ["undo r"]
    assert only(run, now=1_000) == Append(Expired("r", "undo", 1_000))


# ---- R4


def test_a_step_waits_for_everything_it_comes_after() -> None:
    run = begin(step("a"), step("b"), step("c", ("a", "b")))
    assert sends(run) == ["a", "b"]
    assert sends(after(run, do("b"))) == ["a"]
    assert sends(after(run, do("b"), do("a"))) == ["c"]


def test_a_false_guard_skips_and_what_follows_goes_on() -> None:
    run = after(begin(step("a"), step("g", ("a",), guard=FLAG), step("b", ("g",)), flag=False), do("a"))
    assert state(run, "g") == "skipped"
    assert sends(run) == ["b"]


def test_a_false_guard_with_else_fail_fails_the_step_without_sending_it() -> None:
    run = begin(step("a"), step("g", ("a",), guard=FLAG, otherwise_fails="TooMuch"), flag=False)
    run = after(run, do("a"))
    assert run.cause == "`g` was refused: TooMuch"
    assert sends(run) == ["undo a"]


def test_a_guard_that_reads_what_is_not_there_is_held_and_drops_when_the_run_turns() -> None:
    reads = Binary("==", Result("g", (), "string"), Constant("x", "string"))
    run = begin(step("g", guard=FLAG), step("b", ("g",), guard=reads), flag=False)
    assert kernel.held(run) == (Held("b", "do", "`g` has no result"),)
    assert kernel.status(after(run, CANCEL)) == "compensated"


def test_an_undo_gets_the_values_that_were_journaled_when_its_step_finished() -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True)), do("a", result="pnr 7"), refused("b"))
    send = only(run)
    assert isinstance(send, Send)
    assert send.arguments == (("id", "pnr 7"),)


def test_arguments_are_evaluated_where_the_call_is_sent() -> None:
    doubled = Binary("*", Input(("amount",), "decimal"), Constant(2, "int"))
    called = replace(step("a"), call=Call("bank", "pay", (("amount", doubled),)))
    send = only(begin(called))
    assert isinstance(send, Send)
    assert send.arguments == (("amount", "25.00"),)


# ---- R5


def test_a_cancel_before_the_point_of_no_return_turns_the_run() -> None:
    run = after(begin(step("a"), step("b", ("a",))), do("a"), CANCEL)
    assert (run.mode, run.cause) == ("unwinding", "cancelled by ada: duplicate")


def test_the_event_that_enables_the_pivot_is_the_point_of_no_return() -> None:
    run = after(begin(step("a"), PIVOT), do("a"))
    assert run.committed
    assert after(run, CANCEL) == replace(run, events=run.events + 1)
    assert after(run, Overdue("deadline", 5)).mode == "running"


def test_the_intent_event_of_a_pivot_is_its_point_of_no_return() -> None:
    pivot = step("p", ("a",), pivot=True, idempotent=False, intent=True, remains="irreversible")
    run = after(begin(step("a"), pivot), do("a"))
    assert not run.committed
    assert sends(after(run, CANCEL, do("a"))) == ["undo a"]
    assert after(run, Intended("p", 0), CANCEL).mode == "running"


def test_only_a_definite_refusal_of_the_pivot_turns_the_run_past_it() -> None:
    run = after(begin(step("a"), PIVOT), do("a"), do("p", "unknown"), due("p", 2))
    assert run.mode == "running"
    assert sends(after(run, do("p", "refused", attempt=2, failure="Refused"))) == ["undo a"]


def test_the_first_turn_wins() -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True)), do("a"), refused("b"), CANCEL)
    assert run.cause == "`b` was refused: Refused"


def test_the_deadline_turns_the_run_and_is_told_once() -> None:
    run = begin(step("a"), deadline_ms=500)
    assert Wake(500, Overdue("deadline", 500)) in kernel.decide(run, 0)
    run = after(run, Overdue("deadline", 500))
    assert (run.mode, run.cause, run.alarms) == ("unwinding", "the deadline passed", ("deadline",))


def test_the_deadline_past_the_pivot_is_an_alarm() -> None:
    run = after(begin(step("a"), PIVOT, deadline_ms=500), do("a"), Overdue("deadline", 500))
    assert (run.mode, run.alarms) == ("running", ("deadline",))
    assert sends(run) == ["p"]
    assert not any(isinstance(one, Wake) for one in kernel.decide(run, 500))


# ---- R6


def test_what_is_in_flight_settles_before_the_first_undo() -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True), step("c", ("a",))), do("a"), refused("b"))
    assert sends(run) == ["c"]
    assert sends(after(run, do("c"))) == ["undo c"]


def test_a_pause_with_every_attempt_answered_is_dropped_at_the_turn() -> None:
    run = after(begin(step("t")), do("t", "transient", pause_ms=50), CANCEL)
    assert (state(run, "t"), kernel.status(run)) == ("dropped", "compensated")


def test_a_pause_after_an_unanswered_attempt_still_settles_its_doubt() -> None:
    run = after(begin(step("t")), do("t", "unknown", pause_ms=50), CANCEL)
    assert only(run) == Wake(50, Due("t", "do", 2, 50))
    assert sends(after(run, due("t", 2), do("t", attempt=2))) == []
    assert kernel.status(after(run, due("t", 2), do("t", attempt=2))) == "completed"


def test_a_step_that_only_intended_is_dropped_at_the_turn() -> None:
    run = after(begin(step("a"), step("x", ("a",), idempotent=False, intent=True)), do("a"), CANCEL)
    assert state(run, "x") == "dropped"
    assert sends(run) == ["undo a"]


def test_a_hold_stops_the_rollback_and_names_what_waits() -> None:
    run = begin(step("a"), step("x", ("a",), idempotent=False, intent=True))
    run = after(run, do("a"), Intended("x", 0), do("x", "unknown"), CANCEL)
    assert kernel.status(run) == "held"
    assert [(one.step, one.waiting) for one in kernel.held(run)] == [("x", ("a",))]
    assert kernel.standing(run) == ("a", "x")


def test_a_turned_run_in_which_nothing_failed_is_completed() -> None:
    run = after(begin(step("a"), step("b", ("a",))), do("a"), CANCEL)
    assert kernel.status(run) == "unwinding"
    assert kernel.status(after(run, do("b"))) == "completed"


# ---- R7


def test_a_failure_undoes_finished_steps_in_reverse() -> None:
    run = begin(step("a"), step("b", ("a",)), step("c", ("b",), fails=True))
    run = after(run, do("a"), do("b"), refused("c"))
    assert sends(run) == ["undo b"]
    run = after(run, undid("b"))
    assert sends(run) == ["undo a"]
    assert kernel.status(after(run, undid("a"))) == "compensated"


def test_independent_undos_run_in_parallel() -> None:
    run = begin(step("a"), step("b", ("a",)), step("c", ("a",)), step("d", ("b", "c"), fails=True))
    run = after(run, do("a"), do("b"), do("c"), refused("d"))
    assert sends(run) == ["undo b", "undo c"]
    assert sends(after(run, undid("c"))) == ["undo b"]
    assert sends(after(run, undid("c"), undid("b"))) == ["undo a"]


def test_a_rollback_in_order_looks_at_what_an_undo_made_ready_before_it_goes_on() -> None:
    run = begin(step("a"), step("b"), step("c", ("b",)), step("d", ("a", "c"), fails=True), in_order=True)
    run = after(run, do("a"), do("b"), do("c"), refused("d"))
    assert sends(run) == ["undo c"]
    assert sends(after(run, undid("c"))) == ["undo b"]
    assert sends(after(run, undid("c"), undid("b"))) == ["undo a"]


def test_a_rollback_in_order_undoes_the_last_finished_first_one_at_a_time() -> None:
    run = begin(step("a"), step("b"), step("c"), step("d", ("a", "b", "c"), fails=True), in_order=True)
    run, order = after(run, do("b"), do("c"), do("a"), refused("d")), []
    while not kernel.is_ended(run):
        (name,) = sends(run)
        order.append(name)
        run = after(run, undid(name.removeprefix("undo ")))
    assert order == ["undo a", "undo c", "undo b"]


def test_the_order_passes_through_skipped_steps_queries_and_steps_without_an_undo() -> None:
    middle = (
        step("g", ("a",), guard=FLAG),
        step("q", ("g",), query=True),
        step("l", ("q",), remains="left"),
    )
    run = begin(step("a"), *middle, step("b", ("l",)), step("c", ("b",), fails=True), flag=False)
    run = after(run, do("a"), do("q"), do("l"), do("b"), refused("c"))
    assert sends(run) == ["undo b"]
    assert sends(after(run, undid("b"))) == ["undo a"]


def test_the_first_compensation_whose_guard_is_true_is_chosen() -> None:
    large = Binary(">", Input(("amount",), "decimal"), Constant("10", "decimal"))
    undos: tuple[Undo, ...] = (
        replace(undo("a"), guard=Constant(False, "bool")),
        replace(undo("a"), guard=large, call=Call("service", "refund")),
        undo("a"),
    )
    run = after(begin(step("a", undos=undos), step("b", ("a",), fails=True)), do("a"), refused("b"))
    send = only(run)
    assert isinstance(send, Send)
    assert send.command == "refund"


def test_where_no_compensation_applies_there_is_nothing_to_undo() -> None:
    run = begin(step("a", undos=(undo("a", guard=FLAG),)), step("b", ("a",), fails=True), flag=False)
    assert kernel.status(after(run, do("a"), refused("b"))) == "compensated"


def test_overrunning_the_rollback_limit_alarms_and_drops_nothing() -> None:
    small = replace(plan(step("a"), step("b", ("a",), fails=True)), rollback_within_ms=300)
    run = after(kernel.start(small, "key", Started("", {}, 0)), do("a"), do("b", "refused", at=50))
    assert Wake(350, Overdue("rollback within", 350)) in kernel.decide(run, 60)
    run = after(run, Overdue("rollback within", 350))
    assert run.alarms == ("rollback within",)
    assert sends(run) == ["undo a"]


# ---- R8


def test_a_refused_undo_is_held_and_its_dependents_wait_while_independent_ones_go_on() -> None:
    run = begin(
        step("a"), step("b", ("a",), undos=(undo("b", fails=True),)), step("c"), step("d", ("b", "c"), fails=True)
    )
    run = after(run, do("a"), do("b"), do("c"), refused("d"), undid("b", "refused", failure="Closed"))
    assert sends(run) == ["undo c"]
    run = after(run, undid("c"))
    assert kernel.status(run) == "held"
    assert kernel.held(run) == (Held("b", "undo", "refused: Closed", ("a",)),)
    assert kernel.standing(run) == ("a", "b")


@pytest.mark.parametrize("outcome", ["transient", "unknown"])
def test_an_undo_that_spends_its_own_budget_is_held(outcome: Outcome) -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True)), do("a"), refused("b"))
    run = after(run, undid("a", outcome, pause_ms=5), Due("a", "undo", 2, 5), undid("a", outcome, attempt=2))
    assert [one.step for one in kernel.held(run)] == ["a"]


def test_an_undo_that_is_not_idempotent_is_retried_only_after_a_transient_answer() -> None:
    run = begin(step("a", undos=(undo("a", idempotent=False),)), step("b", ("a",), fails=True))
    run = after(run, do("a"), refused("b"))
    assert isinstance(only(after(run, undid("a", "transient"))), Wake)
    assert kernel.status(after(run, undid("a", "unknown"))) == "held"


def test_an_undo_whose_argument_never_was_is_held() -> None:
    reads = Undo(Call("service", "undo_a", (("id", Result("g", (), "string")),)), TWICE, idempotent=True)
    run = begin(step("g", guard=FLAG), step("a", ("g",), undos=(reads,)), step("b", ("a",), fails=True), flag=False)
    run = after(run, do("a"), refused("b"))
    assert kernel.held(run) == (Held("a", "undo", "`g` has no result"),)


# ---- R9


def test_past_the_pivot_a_failed_step_is_held_not_rolled_back() -> None:
    run = begin(step("a"), PIVOT, step("y", ("p",), fails=True), step("z", ("p",)))
    run = after(run, do("a"), do("p"), refused("y"))
    assert (run.mode, sends(run)) == ("running", ["z"])
    run = after(run, do("z"))
    assert kernel.status(run) == "held"
    assert kernel.held(run) == (Held("y", "do", "refused past the point of no return: Refused"),)


# ---- R13


def test_do_and_undo_have_different_keys_that_no_attempt_changes() -> None:
    run = after(begin(step("a"), step("b", ("a",), fails=True)), do("a"), refused("b"))
    first, again = only(run), only(after(run, undid("a", "unknown"), Due("a", "undo", 2, 0)))
    assert isinstance(first, Send)
    assert isinstance(again, Send)
    assert first.key == again.key == call_key("Small", "key", "a", "undo")
    assert first.undoes == call_key("Small", "key", "a", "do") != first.key


# ---- R14


def test_a_takeover_marks_what_was_sent_and_sends_it_again_if_it_is_idempotent() -> None:
    run = after(begin(step("a")), Resumed("w", 0))
    assert run.actions[0].unanswered
    assert sends(run) == ["a"]


def test_a_takeover_leaves_a_do_that_is_not_idempotent_in_doubt() -> None:
    run = after(begin(step("n", idempotent=False, probed=True)), Resumed("w", 0))
    assert state(run, "n") == "lapsing"


def test_a_takeover_holds_an_undo_that_is_neither_idempotent_nor_revoking() -> None:
    run = begin(step("a", undos=(undo("a", idempotent=False),)), step("b", ("a",), fails=True))
    run = after(run, do("a"), refused("b"), Resumed("w", 0))
    assert kernel.held(run) == (Held("a", "undo", "the owner of the run changed while it was sent"),)


def test_an_intent_is_appended_before_the_only_send() -> None:
    run = begin(step("x", idempotent=False, intent=True))
    assert only(run, now=9) == Append(Intended("x", 9))
    assert sends(after(run, Resumed("w", 0), Intended("x", 9))) == ["x"]


def test_replay_gives_the_run_that_was() -> None:
    small = plan(step("a"), step("b", ("a",), fails=True))
    events: list[Event] = [Started("", {}, 0), do("a"), Resumed("w", 3), refused("b"), undid("a")]
    run = kernel.start(small, "key", Started("", {}, 0))
    assert kernel.replay(small, "key", events) == after(run, *events[1:])


def test_an_ended_run_only_counts_events() -> None:
    run = after(begin(step("a")), do("a"))
    for event in (CANCEL, Resumed("w", 0), undid("a"), Overdue("deadline", 0)):
        assert after(run, event) == replace(run, events=run.events + 1)


def test_the_output_is_evaluated_from_the_results() -> None:
    small = replace(plan(step("a")), output=(("pnr", Result("a", (), "string")),))
    run = after(kernel.start(small, "key", Started("", {}, 0)), do("a", result="x7"))
    output: dict[str, Wire] = kernel.output(run)
    assert output == {"pnr": "x7"}

"""Every state of every small plan: no harm in any of them, and exactly as many as ever.

The figures are pinned so that the search cannot quietly look at less. `SAGAC_BRUTE=1` adds a second crash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, get_args

import pytest
from tests.properties.explorer import explore
from tests.properties.plans import CASES

from sagac.runtime import kernel, unwinding
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Expired,
    Intended,
    Lapsed,
    Locked,
    LockExpired,
    Outcome,
    Overdue,
    Probed,
    Resumed,
    Started,
)
from sagac.runtime.plan import Direction, Plan
from sagac.runtime.run import DoState, Run, Status, UndoState

STATES: Final = {
    "chain of two": 6_202,
    "chain of three": 38_293,
    "fork": 25_685,
    "join": 14_851,
    "diamond": 2_203,
    "query in the middle": 21_985,
    "left in the middle": 24_562,
    "skipped in the middle": 13_758,
    "skip between two": 19_133,
    "skip that is read": 568,
    "guard that fails": 1_802,
    "pivot": 7_567,
    "pivot beside": 13_574,
    "fallible after the pivot": 5_779,
    "pivot with an intent": 1_310,
    "pivot with a probe": 8_709,
    "probed": 4_585,
    "probed first": 3_954,
    "idempotent and probed": 3_149,
    "revoking": 39_190,
    "revoking beside": 12_504,
    "revoking beside a hold": 5_924,
    "transient": 2_317,
    "transient alone": 200,
    "transient on a non-idempotent": 396,
    "transient and revoked": 15_083,
    "bare": 764,
    "undo that fails": 27_701,
    "undo that is not idempotent": 2_707,
    "undone by another": 5_776,
    "guarded compensations": 6_074,
    "rollback in order": 2_682,
    "deadline": 1_371,
    "window": 1_551,
    "window of a revoke": 16_122,
    "repeatable": 810,
    "repeatable and refused": 1_278,
    "repeatable and probed": 6_138,
    "repeatable pivot": 586,
    "locked": 18_134,
    "locked beside": 2_192,
    "locked with an intent": 1_523,
    "locked pivot": 4_964,
}
"""With one cancel and one crash."""

STATES_WITH_TWO_CRASHES: Final = {
    "chain of two": 14_307,
    "chain of three": 146_052,
    "fork": 109_981,
    "join": 55_629,
    "diamond": 11_167,
    "query in the middle": 82_249,
    "left in the middle": 105_303,
    "skipped in the middle": 52_553,
    "skip between two": 64_082,
    "skip that is read": 1_193,
    "guard that fails": 4_314,
    "pivot": 20_575,
    "pivot beside": 28_856,
    "fallible after the pivot": 17_793,
    "pivot with an intent": 2_922,
    "pivot with a probe": 21_419,
    "probed": 10_993,
    "probed first": 8_937,
    "idempotent and probed": 8_071,
    "revoking": 90_213,
    "revoking beside": 34_158,
    "revoking beside a hold": 20_681,
    "transient": 5_483,
    "transient alone": 360,
    "transient on a non-idempotent": 612,
    "transient and revoked": 40_199,
    "bare": 1_672,
    "undo that fails": 117_973,
    "undo that is not idempotent": 6_484,
    "undone by another": 20_745,
    "guarded compensations": 16_466,
    "rollback in order": 11_555,
    "deadline": 3_299,
    "window": 4_675,
    "window of a revoke": 47_096,
    "repeatable": 2_056,
    "repeatable and refused": 2_696,
    "repeatable and probed": 15_244,
    "repeatable pivot": 1_176,
    "locked": 71_295,
    "locked beside": 5_964,
    "locked with an intent": 3_437,
    "locked pivot": 14_262,
}

DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
VARIED: Final = (
    "pivot with a probe",
    "revoking",
    "window of a revoke",
    "rollback in order",
    "pivot with an intent",
    "locked beside",
)


@pytest.mark.parametrize("name", CASES)
def test_no_reachable_state_does_harm(name: str) -> None:
    explored = explore(CASES[name])
    assert not explored.findings
    assert explored.states == STATES[name]


@pytest.mark.skipif("SAGAC_BRUTE" not in os.environ, reason="a long search, asked for by SAGAC_BRUTE=1")
@pytest.mark.parametrize("name", CASES)
def test_no_state_reachable_with_two_crashes_does_harm(name: str) -> None:
    explored = explore(CASES[name], crashes=2)
    assert not explored.findings
    assert explored.states == STATES_WITH_TWO_CRASHES[name]


def test_the_search_meets_every_state_that_a_run_and_an_action_can_be_in() -> None:
    runs = [run for case in CASES.values() for run in explore(case, crashes=0).runs]
    assert {kernel.status(run) for run in runs} == set(get_args(Status))
    assert {action.state for run in runs for action in run.actions} == set(get_args(DoState))
    assert {action.undo for run in runs for action in run.actions} == set(get_args(UndoState))


@pytest.mark.parametrize("name", VARIED)
def test_every_event_has_one_answer_in_every_state(name: str) -> None:
    runs = explore(CASES[name], crashes=0).runs
    for event in _every_event(CASES[name].plan):
        for run in runs:
            following = kernel.apply(run, event)
            assert following == kernel.apply(run, event)
            assert following.events == run.events + 1
            assert kernel.decide(following, 0) == kernel.decide(following, 0)


@pytest.mark.parametrize("name", VARIED)
def test_what_a_run_keeps_of_its_actions_is_what_a_look_from_scratch_finds(name: str) -> None:
    runs = explore(CASES[name], crashes=0).runs
    assert any(run.cleared for run in runs)
    for run in runs:
        afresh = unwinding.with_actions(run, run.actions)
        assert run.kinds == afresh.kinds
        assert run.finished == sum(action.state == "succeeded" for action in run.actions)
        assert run.cleared in (None, unwinding.clear(afresh, ())[0].cleared)


@pytest.mark.parametrize("name", VARIED)
def test_an_answer_to_another_attempt_changes_nothing(name: str) -> None:
    for run in explore(CASES[name], crashes=0).runs:
        for event in _every_event(CASES[name].plan, attempts=(7,)):
            if isinstance(event, Answered | Due | Probed):
                assert _without_count(kernel.apply(run, event)) == _without_count(run)


def _every_event(plan: Plan, attempts: tuple[int, ...] = (0, 1, 2)) -> Iterator[Event]:
    yield from (Started("", {}, 0), Cancelled(0), Resumed("new", 0), Lapsed("nobody", 0))
    yield from (Overdue("deadline", 0), Overdue("rollback within", 0))
    for step in plan.steps:
        yield from (Intended(step.name, 0), Lapsed(step.name, 0))
        yield from (Locked(step.name, ("x",), 0), LockExpired(step.name, 0))
        for direction in DIRECTIONS:
            yield from (Expired(step.name, direction, 0), Expired(step.name, direction, 10_000))
            for attempt in attempts:
                yield Due(step.name, direction, attempt, 0)
                yield from (Answered(step.name, direction, attempt, outcome, 0) for outcome in OUTCOMES)
        for attempt in attempts:
            yield Probed(step.name, attempt, "present", 0)
            yield Probed(step.name, attempt, "absent", 0)
            yield Probed(step.name, attempt, "unanswered", 0)


def _without_count(run: Run) -> tuple[object, ...]:
    return run.actions, run.mode, run.committed, run.cause, run.alarms

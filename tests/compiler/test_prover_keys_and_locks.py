"""Proofs about keys, progress, schedules and locks: each where it holds, and where it breaks."""

from __future__ import annotations

import itertools
from typing import Final

import pytest
from msgspec.structs import replace
from tests.compiler.judging import Judged, judged

from sagac.compiler import logic, parser, resolver
from sagac.compiler.model import Project, Saga
from sagac.compiler.obligations import arithmetic, keys, lock_order, progress
from sagac.compiler.obligations.obligation import Settled
from sagac.compiler.obligations.progress import MOVES, NATURAL, RANK, descends, violations
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Critical, Proved, Refuted, Verdict
from sagac.runtime.plan import Field, Result, Schedule, call_key, canonical, run_key

TWO: Final = """
step a { do work.sure(id)  compensate work.undo(id) }
step b after a { do work.may(id)  compensate work.revoke_n(id, a.n) }
"""


@pytest.fixture(scope="module")
def two() -> Judged:
    return judged(TWO)


def verdict(obligations: tuple[object, ...], place: int) -> Verdict:
    found = obligations[place]
    assert isinstance(found, Settled)
    return found.verdict


# --- C3 and C4 ------------------------------------------------------------------------------------------------------


def test_what_a_key_is_a_digest_of_can_be_read_back() -> None:
    values = ["", "a", '","', "ä", "[]", "null"]
    for saga, field, name, direction in itertools.product(values, values, values, ("do", "undo")):
        run = canonical([field, 7, True]).decode()
        text = canonical([saga, run, name, None, direction])
        assert keys.decoded(text) == (saga, (field, 7, True), name, direction)


def test_no_two_calls_of_small_runs_share_a_key() -> None:
    names = ["a", "b", '"', "a,b", ""]
    calls = list(itertools.product(names, names, names, ("do", "undo")))
    found = {call_key(saga, canonical([run]).decode(), step, direction) for saga, run, step, direction in calls}  # type: ignore[arg-type]  # directions
    assert len(found) == len(calls)


def test_keys_are_injective_and_stable_in_a_plan_that_was_not_touched(two: Judged) -> None:
    assert all(isinstance(judgement.verdict, Proved) for judgement in (*two.of("C3"), *two.of("C4")))


def test_a_key_field_with_several_texts_for_one_value_is_refuted(two: Judged) -> None:
    inputs = tuple(Field(field.name, "decimal" if field.name == "id" else field.type) for field in two.plan.inputs)
    found = verdict(keys.owe(two.project, two.saga, replace(two.plan, inputs=inputs)), 0)
    assert isinstance(found, Refuted)
    assert found.message == "the key field `id` is a `decimal`: one value has several texts, or none"


@pytest.mark.parametrize("key", [(), ("nothing",)])
def test_a_key_that_names_no_run_is_refuted(two: Judged, key: tuple[str, ...]) -> None:
    assert isinstance(verdict(keys.owe(two.project, two.saga, replace(two.plan, key=key)), 0), Refuted)


def test_two_sagas_of_one_name_share_keys(two: Judged) -> None:
    doubled = Project(two.project.services, two.project.types, (two.saga, two.saga), two.project.files)
    found = verdict(keys.owe(doubled, two.saga, two.plan), 0)
    assert isinstance(found, Refuted)
    assert "two sagas are called `Tested`" in found.message


def test_a_call_that_reads_what_runs_beside_it_is_refuted(two: Judged) -> None:
    first, second = two.plan.steps
    reading = replace(first, call=replace(first.call, arguments=(("id", Result("b", ("n",), "int")),)))
    found = verdict(keys.owe(two.project, two.saga, replace(two.plan, steps=(reading, second))), 1)
    assert isinstance(found, Refuted)
    assert "it reads `b.n`, which may not be settled by then" in found.message


def test_a_key_is_the_same_for_every_version(two: Judged) -> None:
    given = {field.name: "x" for field in two.plan.inputs}
    assert run_key(two.plan, given) == run_key(replace(two.plan, version=2), given)


# --- A4 -------------------------------------------------------------------------------------------------------------


def test_a_plan_that_was_not_touched_makes_progress_and_ends(two: Judged) -> None:
    assert [judgement.verdict for judgement in two.of("A4")] == [Proved(), Proved()]


def test_a_wait_for_what_comes_later_is_a_circle(two: Judged) -> None:
    first, second = two.plan.steps
    tangled = replace(two.plan, steps=(replace(first, after=("b",)), second))
    found = verdict(progress.owe(two.saga, tangled), 0)
    assert isinstance(found, Refuted) and isinstance(found.situation, Critical)
    assert found.situation.lines == ("`a` waits for `b`", "`b` waits for `a`")


def test_an_undo_that_waits_for_what_comes_before_is_a_circle(two: Judged) -> None:
    first, second = two.plan.steps
    tangled = replace(two.plan, steps=(first, replace(second, undo_after=("a",))))
    found = verdict(progress.owe(two.saga, tangled), 0)
    assert isinstance(found, Refuted) and isinstance(found.situation, Critical)
    assert found.situation.lines == (
        "the undo of `b` waits for the undo of `a`",
        "the undo of `a` waits for the undo of `b`",
    )


def test_a_doubt_that_nobody_can_settle_is_refuted(two: Judged) -> None:
    first, second = two.plan.steps
    for powerless in (replace(first, doubt="probe"), replace(first, doubt="revoke")):
        found = verdict(progress.owe(two.saga, replace(two.plan, steps=(powerless, second))), 0)
        assert isinstance(found, Refuted)


def test_retry_forever_is_the_one_wait_without_end_and_is_named() -> None:
    text = """
pivot step p { do work.sure(id)  irreversible because "so it is"  retry forever }
"""
    _, ending = judged(text).of("A4")
    assert ending.verdict == Proved(("`work.sure` answers at last: nothing else ends `retry forever`",))


def test_an_undo_that_is_repeated_for_ever_is_refuted(two: Judged) -> None:
    first, second = two.plan.steps
    (undo,) = second.undos
    endless = replace(second, undos=(replace(undo, schedule=replace(undo.schedule, retries=None)),))
    assert isinstance(verdict(progress.owe(two.saga, replace(two.plan, steps=(first, endless))), 1), Refuted)


def test_every_move_lowers_the_rank() -> None:
    assert [possible(term) for term in violations(RANK)] == [False] * len(MOVES)


def test_a_rank_that_counts_attempts_before_undos_does_not_fall() -> None:
    assert any(possible(term) for term in violations(("mode", "budget", "life", "alarms")))


def test_every_move_can_happen() -> None:
    assert all(possible(logic.both(NATURAL, move)) for _, move in MOVES)


def test_a_rank_that_stays_does_not_descend() -> None:
    same = dict.fromkeys(RANK, 1) | {f"{name}'": 1 for name in RANK}
    assert logic.evaluate(descends(RANK), same) is False
    assert logic.evaluate(descends(RANK), same | {"life'": 0, "budget'": 9}) is True


def possible(term: logic.Term) -> bool:
    """By small numbers: the terms compare eight integers, of which each matters only against its own twin."""
    names = list(RANK) + [f"{name}'" for name in RANK]
    values = itertools.product(range(2), repeat=len(names))
    return any(logic.evaluate(term, dict(zip(names, each, strict=True))) for each in values)


# --- E3 -------------------------------------------------------------------------------------------------------------


def test_a_schedule_that_reaches_beyond_the_calendar_is_refuted(two: Judged) -> None:
    first, second = two.plan.steps
    most = Schedule(timeout_ms=1_000, retries=3, backoff_first_ms=1, backoff_max_ms=1)
    for schedule in (replace(most, retries=10**10), replace(most, timeout_ms=arithmetic.CENTURY_MS + 1)):
        long = replace(two.plan, steps=(replace(first, schedule=schedule), second))
        assert isinstance(arithmetic.calendar(two.saga, long), Refuted)
    assert isinstance(
        arithmetic.calendar(two.saga, replace(two.plan, steps=(replace(first, schedule=most), second))), Proved
    )


PARTNER: Final = """
service partner {
  owner partner "Slow" sla SLA contract "S-1"
  command do_it(id: uuid)
    lands within 1m
    probe find(id)
  command undo(id: uuid)
    idempotent
  query find(id: uuid) -> { id: uuid }?
}
"""


@pytest.mark.parametrize(("sla", "holds"), [("30s", True), ("31s", False)])
def test_a_probe_waits_as_long_as_a_partner_may_take(sla: str, holds: bool) -> None:
    step = "step a { do partner.do_it(id)  compensate partner.undo(id) { timeout 2m }  timeout 2m }"
    found = judged(step, services=PARTNER.replace("SLA", sla), head="key id  input { id: uuid }")
    assert isinstance(found.of("E3", "a")[0].verdict, Proved) == holds


# --- E4 -------------------------------------------------------------------------------------------------------------

SHOP: Final = """
service shop {
  owner "tests"
  resource A[id: string] { x: int }
  resource B[id: string] { x: int }
  command do_it(id: uuid)
    idempotent
  command undo(id: uuid)
    idempotent
    revokes do_it
}
"""


def locking(*sagas: tuple[str, ...]) -> tuple[Project, tuple[Saga, ...]]:
    """A saga for each line of locks, taken one step after another."""
    texts = []
    for number, locks in enumerate(sagas):
        steps = [
            f"step s{place}{f' after s{place - 1}' if place else ''} "
            f"{{ {lock} do shop.do_it(id)  compensate shop.undo(id) }}"
            for place, lock in enumerate(" ".join(f"lock {one} within 5s" for one in each.split()) for each in locks)
        ]
        inputs = "input { id: uuid  p: string  q: string }"
        texts.append(f"saga S{number} version 1 {{\nkey id\n{inputs}\n" + "\n".join(steps) + "\n}")
    file, _ = parser.parse(Source("test.saga", SHOP + "\n".join(texts)))
    project, findings = resolver.resolve({"test.saga": file})
    assert not [finding for finding in findings if finding.severity == "error"], findings
    return project, project.sagas


def is_ordered(*sagas: tuple[str, ...]) -> bool:
    project, found = locking(*sagas)
    verdicts = [
        obligation.verdict
        for saga in found
        for obligation in lock_order.owe(project, saga)
        if isinstance(obligation, Settled)
    ]
    assert all(isinstance(each, Proved | Refuted) for each in verdicts)
    return all(isinstance(each, Proved) for each in verdicts)


@pytest.mark.parametrize(
    ("sagas", "ordered"),
    [
        ((("A[p]", "B[p]"), ("A[q]", "B[p]")), True),
        ((("A[p]", "B[p]"), ("B[p]", "A[p]")), False),
        ((("A[p] B[p]",), ("A[p] B[q]",)), True),
        ((("A[p] B[p]",), ("B[p] A[p]",)), False),
        ((("A[p]", "A[p]"),), True),
        ((("A[p]", "A[q]"),), False),
        ((('A["x"]', 'A["y"]'), ('A["x"]', 'A["y"]')), True),
        ((('A["x"]', 'A["y"]'), ('A["y"]', 'A["x"]')), False),
        ((("A[p]",), ("B[p]",)), True),
    ],
)
def test_locks_are_ordered_over_all_sagas(sagas: tuple[tuple[str, ...], ...], ordered: bool) -> None:
    assert is_ordered(*sagas) == ordered


def test_a_circle_names_both_runs() -> None:
    project, (one, _) = locking(("A[p]", "B[p]"), ("B[p]", "A[q]"))
    found = verdict(lock_order.owe(project, one), 0)
    assert isinstance(found, Refuted) and isinstance(found.situation, Critical)
    assert found.situation.lines[:2] == (
        "run 1 of `S0` has `A[p]` since `s0`, and waits in `s1` for `B[p]`",
        "run 2 of `S1` has `B[p]` since `s0`, and waits in `s1` for `A[q]`",
    )


def test_the_order_is_named_where_there_is_one() -> None:
    project, (one,) = locking(("B[p]", "A[p]"))
    (found,) = lock_order.owe(project, one)
    assert found.claim.text.endswith(": `B` before `A`")


def test_a_saga_without_locks_owes_no_order(two: Judged) -> None:
    assert lock_order.owe(two.project, two.saga) == ()

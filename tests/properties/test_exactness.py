"""The proofs and the kernel agree: what is proved never happens, what is refuted does, on small random sagas."""

from __future__ import annotations

import os
from random import Random

import pytest
from tests.properties import drawn
from tests.properties.enumeration import enumerate_runs

from sagac.compiler import counterexample, proofs
from sagac.compiler.model import Saga
from sagac.compiler.verdicts import Family, Judgement, Refuted, Undecided, Vacuous
from sagac.runtime.plan import Plan

SEEDS = range(3_000) if os.environ.get("SAGAC_BRUTE") else range(150)
"""`pytest tests/properties/test_exactness.py -k 'seed-17'` repeats one of them."""

PROJECT = drawn.project()


def case(seed: int) -> tuple[Saga, Plan, tuple[Judgement, ...]]:
    random = Random(seed)
    saga = drawn.saga(random, random.randint(2, 4))
    graph, plan = drawn.planned(PROJECT, saga)
    return saga, plan, proofs.judge(PROJECT, saga, graph, plan)


def refuted(judgements: tuple[Judgement, ...], family: Family) -> set[str]:
    return {j.claim.step for j in judgements if j.claim.family == family and isinstance(j.verdict, Refuted)}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_the_verdicts_are_those_of_every_run(seed: int) -> None:
    saga, plan, judgements = case(seed)
    seen = enumerate_runs(plan)
    assert not [judgement for judgement in judgements if isinstance(judgement.verdict, Undecided)]
    never_sent = {step.name for step in saga.steps} - seen.sent
    dead = {judgement.claim.step for judgement in judgements if proofs.is_dead(judgement)}
    late = refuted(judgements, "A1")
    # Past a violation of one claim the others speak of runs that should not be: they are compared where it holds.
    if dead:
        assert late or dead <= never_sent
        return
    assert bool(late) == seen.stuck or refuted(judgements, "D1")
    if late:
        return
    assert bool(refuted(judgements, "D1")) == seen.unread
    if seen.unread:
        return
    assert never_sent == set()
    assert refuted(judgements, "A2") == seen.uncovered
    if not seen.uncovered:
        assert refuted(judgements, "D2") == seen.undo_unread


@pytest.mark.parametrize("seed", list(SEEDS)[: len(SEEDS) // 2], ids=lambda seed: f"seed-{seed}")
def test_every_refutation_replays_on_the_kernel(seed: int) -> None:
    saga, plan, judgements = case(seed)
    found = [judgement for judgement in judgements if isinstance(judgement.verdict, Refuted)]
    traces = [counterexample.believed(judgement, PROJECT, saga, {saga.full_name: plan})[1] for judgement in found]
    # A run that A1 or D1 forbids stops early: what is refuted beside that may lie behind it.
    is_stopped = any(judgement.claim.family in ("A1", "D1") for judgement in found)
    assert any(traces) if is_stopped else all(traces), [judgement.claim for judgement in found]


def test_the_seeds_hold_enough_of_everything() -> None:
    found: dict[str, int] = {}
    for seed in range(150):
        for judgement in case(seed)[2]:
            if isinstance(judgement.verdict, Refuted | Vacuous):
                found[judgement.claim.family] = found.get(judgement.claim.family, 0) + 1
    assert set(found) >= {"A1", "A2", "A6", "D1"}
    assert min(found.values()) >= 1

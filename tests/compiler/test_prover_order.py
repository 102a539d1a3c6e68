"""A3: the plan as it is read back, not as it was meant."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from random import Random

import msgspec
import pytest
import z3  # the second way to the answer asks the solver itself
from tests.compiler.judging import judged, story

from sagac.compiler import proofs
from sagac.compiler.verdicts import Refuted
from sagac.runtime import plan as plans
from sagac.runtime.plan import Plan

UNDONE = "do work.may(id)  compensate work.revoke_may(id)"
STEPS = f"step a {{ {UNDONE} }}  step b after a {{ do work.look(id) }}  step c after b {{ {UNDONE} }}"


def refutations(plan: Plan) -> dict[str, Refuted]:
    found = judged(STEPS)
    judgements = proofs.judge(found.project, found.saga, found.graph, plan)
    return {
        judgement.claim.step: judgement.verdict
        for judgement in judgements
        if judgement.claim.family == "A3" and isinstance(judgement.verdict, Refuted)
    }


def changed(plan: Plan, name: str, **fields: object) -> Plan:
    """The plan with one step tampered with."""
    steps = tuple(msgspec.structs.replace(step, **fields) if step.name == name else step for step in plan.steps)
    return msgspec.structs.replace(plan, steps=steps)


def test_the_plan_as_planned_is_in_order() -> None:
    assert refutations(judged(STEPS).plan) == {}


def test_an_order_lost_across_a_query_is_found() -> None:
    # The obvious mistake: only steps with an undo are linked, and `b` has none.
    plan = changed(judged(STEPS).plan, "b", undo_after=())
    refuted = refutations(plan)
    assert refuted["b"].message == "the undo of `b` does not wait for the undo of `c`, which comes after it"
    assert story(refuted["a"]).order == ("a", "b", "c")
    assert (story(refuted["a"]).subject, story(refuted["a"]).other) == ("a", "c")


def test_a_direct_link_past_the_query_is_an_order_too() -> None:
    plan = changed(judged(STEPS).plan, "a", undo_after=("b", "c"))
    assert refutations(plan) == {}


def test_an_undo_that_waits_for_an_earlier_one_is_refused() -> None:
    plan = changed(judged(STEPS).plan, "c", undo_after=("a",))
    assert refutations(plan)[""].message == "the undo of `c` waits for `a`, which comes before it"


def test_another_start_order_is_found() -> None:
    assert "other steps" in refutations(changed(judged(STEPS).plan, "c", after=("a",)))["c"].message


def test_another_call_is_found() -> None:
    plan = judged(STEPS).plan
    undo = msgspec.structs.replace(
        plan.steps[0].undos[0], call=plans.Call("work", "undo", plan.steps[0].call.arguments)
    )
    assert "another call" in refutations(changed(plan, "a", undos=(undo,)))["a"].message


def test_a_lost_guard_is_found() -> None:
    steps = f"step a {{ {UNDONE}\n when express }}  step b after a {{ {UNDONE} }}"
    found = judged(steps)
    judgements = proofs.judge(found.project, found.saga, found.graph, changed(found.plan, "a", guard=None))
    (message,) = (judgement.verdict.message for judgement in judgements if isinstance(judgement.verdict, Refuted))
    assert message == "the emitted plan runs or undoes `a` under another condition than the saga says"


def test_a_plan_without_a_step_is_found() -> None:
    plan = judged(STEPS).plan
    lacking = msgspec.structs.replace(plan, steps=plan.steps[:2])
    assert refutations(lacking)[""].message == "the emitted plan and the saga differ in the step `c`"


@pytest.mark.parametrize("seed", range(25))
def test_the_local_induction_agrees_with_the_propositional_query(seed: int) -> None:
    random = Random(seed)
    count = random.randint(3, 7)
    orders = {place: [e for e in range(place) if random.random() < 0.4] for place in range(count)}
    steps = "\n".join(
        f"step s{place} {'after ' + ', '.join(f's{e}' for e in before) if before else ''} {{ {UNDONE} }}"
        for place, before in orders.items()
    )
    found = judged(steps)
    plan = found.plan
    for step in plan.steps:
        kept = tuple(name for name in step.undo_after if random.random() < 0.85)
        plan = changed(plan, step.name, undo_after=kept)
    judgements = proofs.judge(found.project, found.saga, found.graph, plan)
    local = {j.claim.step for j in judgements if j.claim.family == "A3" and isinstance(j.verdict, Refuted)}
    assert local == propositional(found.plan, plan)


def propositional(meant: Plan, emitted: Plan) -> set[str]:
    """The steps of which the solver finds one that comes after and that the undo does not wait for."""
    context = z3.Context()
    names = [step.name for step in meant.steps]
    waits: Mapping[str, tuple[str, ...]] = {step.name: step.undo_after for step in emitted.steps}
    early = set()
    for start in names:
        after = {name: z3.Bool(f"after {name}", context) for name in names}
        waited = {name: z3.Bool(f"waited {name}", context) for name in names}
        solver = z3.SimpleSolver(ctx=context)
        for step, earlier in product(meant.steps, names):
            if earlier in step.after:
                solver.add(z3.Implies(after[earlier], after[step.name]) if earlier != start else after[step.name])
        for name in names:
            sources = [other for other in names if name in waits[other]]
            reached = [waited[other] if other != start else z3.BoolVal(True, context) for other in sources]
            solver.add(waited[name] == z3.Or([z3.BoolVal(False, context), *reached]))
        meant_after = {step.name for step in meant.steps if comes_after(meant, start, step.name)}
        solver.add(z3.Or([z3.BoolVal(False, context), *(z3.And(after[n], z3.Not(waited[n])) for n in meant_after)]))
        if solver.check() == z3.sat:
            early.add(start)
    return early


def comes_after(plan: Plan, start: str, name: str) -> bool:
    before = {step.name: step.after for step in plan.steps}
    return start in before[name] or any(comes_after(plan, start, earlier) for earlier in before[name])

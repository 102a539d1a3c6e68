"""A plan's bytes: what is not said takes none, and what a runtime does not know it does not run."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace
from tests.runtime.world import plan, step

from sagac.runtime import plan as plans
from sagac.runtime.plan import Input, Lock, Plan

LOCK = Lock("warehouse.Stock", (Input(("note",), "string"),), 5_000)


def locked() -> Plan:
    steps = (step("a", locks=(LOCK,)), step("b", "a"))
    return plan(*steps, format=plans.format_of(steps))


def test_a_plan_with_locks_reads_back_as_it_was() -> None:
    assert plans.decode(plans.encode(locked())) == locked()


def test_a_plan_without_locks_says_nothing_of_them() -> None:
    body = plans.encode(plan(step("a")))
    assert b"locks" not in body
    assert b"format" not in body


def test_a_plan_with_a_step_that_is_idempotent_by_effect_has_that_format_too() -> None:
    natural = step("a", idempotent=False, idempotent_by_effect=True, lands_within_ms=5)
    assert plans.format_of((natural,)) == plans.FORMAT_NEWEST
    with pytest.raises(msgspec.ValidationError, match="does not say"):
        plans.decode(plans.encode(plan(natural)))


def test_a_plan_with_locks_has_a_format_that_older_runtimes_refuse() -> None:
    assert locked().format == plans.FORMAT_NEWEST > plans.FORMAT
    with pytest.raises(msgspec.ValidationError, match="does not say"):
        plans.decode(plans.encode(replace(locked(), format=plans.FORMAT)))


@pytest.mark.parametrize("format", [0, plans.FORMAT_NEWEST + 1])
def test_a_plan_of_another_format_is_refused(format: int) -> None:
    with pytest.raises(msgspec.ValidationError, match="is not known"):
        plans.decode(plans.encode(replace(locked(), format=format)))

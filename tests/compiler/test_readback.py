"""Plans read back from emitted text: the same plans, and nothing from anything else."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compiler.emitted import AWKWARD, ORDER, TRIP, from_files

from sagac.compiler import generation, layout, notation, readback
from sagac.compiler.readback import Unreadable
from sagac.runtime import plan as plans
from sagac.runtime.plan import Plan

NAMES = st.sampled_from(["a", "bee", "call_2", "type_", "a_rather_long_name_of_a_step_or_service"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WIRES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.builds(plans.Constant, WIRES, TEXTS),
    st.builds(plans.Input, st.lists(NAMES, min_size=1, max_size=3).map(tuple), TEXTS),
    st.builds(plans.Result, NAMES, st.lists(NAMES, max_size=3).map(tuple), TEXTS),
    st.builds(plans.Status, NAMES, st.sampled_from(["done", "skipped"])),
)
EXPRESSIONS: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(plans.Unary, st.sampled_from(["not", "-", "size", "is null"]), inner),
        st.builds(plans.Binary, st.sampled_from(["+", "==", "and", "in"]), inner, inner),
        st.builds(plans.Items, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
MILLISECONDS = st.integers(0, 2**40)
SCHEDULES = st.builds(
    plans.Schedule, MILLISECONDS, st.none() | st.integers(0, 99), MILLISECONDS, MILLISECONDS, st.none() | MILLISECONDS
)
CALLS = st.builds(plans.Call, NAMES, NAMES, st.lists(st.tuples(NAMES, EXPRESSIONS), max_size=3).map(tuple))
UNDOS = st.builds(
    plans.Undo,
    CALLS,
    SCHEDULES,
    st.none() | EXPRESSIONS,
    st.booleans(),
    st.none() | MILLISECONDS,
    st.booleans(),
    st.lists(NAMES, max_size=2).map(tuple),
    TEXTS,
)
STEPS = st.builds(
    plans.Step,
    NAMES,
    CALLS,
    SCHEDULES,
    after=st.lists(NAMES, max_size=3).map(tuple),
    undo_after=st.lists(NAMES, max_size=3).map(tuple),
    guard=st.none() | EXPRESSIONS,
    query=st.booleans(),
    pivot=st.booleans(),
    fails=st.lists(NAMES, max_size=2).map(tuple),
    result=TEXTS,
    probe=st.none() | CALLS,
    doubt=st.sampled_from(["revoke", "probe", "hold", "none"]),
    undos=st.lists(UNDOS, max_size=2).map(tuple),
    because=TEXTS,
)
FIELDS = st.builds(plans.Field, NAMES, TEXTS)
TYPES = st.one_of(
    st.builds(plans.Record, NAMES, st.lists(FIELDS, max_size=3).map(tuple)),
    st.builds(plans.Enum, NAMES, st.lists(NAMES, max_size=3).map(tuple)),
)
PLANS = st.builds(
    Plan,
    NAMES,
    st.integers(1, 99),
    st.lists(NAMES, max_size=2).map(tuple),
    st.lists(FIELDS, max_size=3).map(tuple),
    st.lists(STEPS, max_size=4).map(tuple),
    output=st.lists(st.tuples(NAMES, EXPRESSIONS), max_size=2).map(tuple),
    types=st.lists(TYPES, max_size=2).map(tuple),
    deadline_ms=st.none() | MILLISECONDS,
    rollback_in_order=st.booleans(),
)


def module_of(plan: Plan) -> str:
    """A module with nothing but a plan in it, and a class that binds it."""
    parts = {part: f"PART_{number}" for number, part in enumerate(dict.fromkeys(notation.shared(plan)))}
    head = f"- `{plan.saga}` version {plan.version}, plan {plans.digest(plan)}"
    lines = [f'"""A module.\n\n{head}\n"""', "from sagac.runtime import plan as planned"]
    for part, name in parts.items():
        lines += layout.assignment(name, notation.built(part, {}))
    lines += layout.assignment("PLAN", notation.built(plan, parts))
    return "\n".join([*lines, "class Saga:", "    plan: ClassVar[planned.Plan] = PLAN"])


@settings(max_examples=60, deadline=None)
@given(plan=PLANS)
def test_any_plan_is_read_back_as_it_was_written(plan: Plan) -> None:
    assert readback.plans(module_of(plan)) == (plan,)


@pytest.mark.parametrize("paths", [(ORDER,), (TRIP,), AWKWARD], ids=["order", "trip", "awkward"])
def test_emitted_modules_carry_exactly_the_plans(paths: Any) -> None:
    spec = from_files(*paths)
    (text,) = generation.executors(spec.project, spec.plans).values()
    assert readback.plans(text) == tuple(spec.plans.values())


ORDER_MODULE = generation.executors(from_files(ORDER).project, from_files(ORDER).plans)["order.py"]


def reason(text: str) -> str:
    found = readback.plans(text)
    assert isinstance(found, Unreadable), found
    return found.reason


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("    rollback_within_ms=1_800_000,\n", "", "digests"),
        ('undo_after=("authorize",),', "", "digests"),
        ('    saga="shop.orders.PlaceOrder"', '    saga="shop.orders.Placeorder"', "digests"),
        ("    version=3,", "    version=1 + 2,", "an expression that no plan is written in"),
        ("    version=3,", "    version=int(3),", "a call of something that is no part of a plan"),
        ("    version=3,", "    version=3.0,", "a literal that no plan is written with"),
        ("    version=3,", '    version="3",', "Expected `int`"),
        ("    version=3,", "    version=3, **more,", "arguments that are not written out"),
        ("    version=3,", "    versions=3,", "versions"),
        ("    version=3,", "    version=VERSION,", "an expression that no plan is written in"),
        ("import plan as planned", "import run as planned", "imported from elsewhere"),
        ("from sagac.runtime import plan as planned", "import os", "a statement that no emitted module has"),
        ("class OutOfStock(Refusal)", "class planned(Refusal)", "bound twice"),
        ("plan: ClassVar[planned.Plan] = PLACE_ORDER", "plan: ClassVar[planned.Plan] = INPUT_SKU", "binds no plan"),
        ("plan: ClassVar[planned.Plan] = PLACE_ORDER", "plan: ClassVar[object] = PLACE_ORDER", "digests"),
        ("@dataclass", "PLACE_ORDER = None\n\n\n@dataclass", "bound twice"),
        (
            "@dataclass",
            "PLACE_ORDER.steps = ()\n\n\n@dataclass",
            "a statement that no emitted module has",
        ),
        ("class PlaceOrder:", "class PlaceOrder", "not Python"),
        ('    VIP = "vip"', '    VIP = print("vip")', "no emitted class has"),
        ("    courier: Courier", "    plan: ClassVar[planned.Plan] = PLACE_ORDER", "binds two plans"),
    ],
)
def test_a_module_that_was_changed_by_hand_is_not_believed(before: str, after: str, told: str) -> None:
    assert before in ORDER_MODULE
    assert told in reason(ORDER_MODULE.replace(before, after, 1))


def test_a_text_without_plans_has_none() -> None:
    assert "imported" in reason('"""Nothing."""')


def test_reading_back_runs_nothing() -> None:
    assert "no emitted module" in reason(ORDER_MODULE + "\nraise SystemExit\n")


def big(length: int) -> Plan:
    """A chain of steps like the first one of the order saga."""
    plan = from_files(ORDER).plan("PlaceOrder")
    first, name = plan.steps[0], "step_{:04d}".format
    steps = tuple(
        plans.Step(
            **{
                **{field: getattr(first, field) for field in first.__struct_fields__},
                "name": name(number),
                "after": (name(number - 1),) if number else (),
                "undo_after": (name(number + 1),) if number + 1 < length else (),
            }
        )
        for number in range(length)
    )
    return plans.Plan(plan.saga, 1, plan.key, plan.inputs, steps, types=plan.types)


def test_a_long_plan_is_emitted_and_read_back_in_time_that_grows_with_its_length() -> None:
    spec, took = from_files(ORDER), {}
    for length in (250, 1_000):
        plan = big(length)
        project = replace(spec.project, sagas=tuple(replace(saga, outputs=()) for saga in spec.project.sagas))
        started = time.process_time()
        (text,) = generation.executors(project, {plan.saga: plan}).values()
        assert readback.plans(text) == (plan,)
        took[length] = time.process_time() - started
    assert took[1_000] < 3, took
    assert took[1_000] < 12 * took[250], took

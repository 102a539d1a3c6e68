"""What a plan says of a saga: order, undo order, policies, probes and types."""

from __future__ import annotations

import pytest
from tests.compiler.emitted import AWKWARD, ORDER, TRIP, from_files, from_text

from sagac.runtime.plan import Call, Doubt, Input, Plan, Step

SERVICE = """
service bank {
  owner "bank"
  command plain(id: uuid)
  command keyed(id: uuid)
    idempotent
  command keyed_for_a_day(id: uuid)
    idempotent for 1d
  command probed(other: uuid, id: uuid)
    lands within 1m
    probe look(id)
  command probed_without_end(id: uuid)
    probe look(id)
  command revoked(id: uuid)
    idempotent
  command revoke(id: uuid)
    revokes revoked
  command undo(id: uuid)
    idempotent
  query look(id: uuid) -> { found: string }?
}
"""


def plan_of(steps: str, clauses: str = "") -> Plan:
    text = f"{SERVICE}\nsaga S version 1 {{\n key id\n input {{ id: uuid  n: int }}\n{clauses}\n{steps}\n}}"
    return from_text(text).plan("S")


def step_of(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.name == name)


@pytest.mark.parametrize(
    ("steps", "doubt"),
    [
        ("step s { do bank.look(id) }", "none"),
        ('pivot step s { do bank.keyed(id)  irreversible because "it is"  retry forever }', "none"),
        ("step s { do bank.keyed_for_a_day(id)  compensate bank.undo(id) }", "hold"),
        ("step s { do bank.keyed(id)  compensate bank.undo(id) }", "hold"),
        ("step s { do bank.plain(id)  compensate bank.undo(id) }", "hold"),
        ("step s { do bank.revoked(id)  compensate bank.revoke(id) }", "revoke"),
        ("step s { do bank.revoked(id)  compensate bank.revoke(id)  on unknown hold }", "hold"),
        ("step s { do bank.revoked(id)  compensate bank.undo(id) }", "hold"),
        (
            "step s { do bank.revoked(id)"
            "  compensate bank.revoke(id) when n > 1  compensate bank.undo(id) when n <= 1 }",
            "hold",
        ),
        ("step s { do bank.probed(id, id)  compensate bank.undo(id) }", "probe"),
        ("step s { do bank.probed_without_end(id)  compensate bank.undo(id) }", "hold"),
        ('pivot step s { do bank.revoked(id)  irreversible because "it is" }', "hold"),
        ('pivot step s { do bank.probed(id, id)  irreversible because "it is" }', "probe"),
    ],
)
def test_the_first_policy_that_the_contract_allows_settles_an_unknown_outcome(steps: str, doubt: Doubt) -> None:
    assert step_of(plan_of(steps), "s").doubt == doubt


def test_nothing_is_revoked_after_a_pivot_that_cannot_be_skipped() -> None:
    after = "step s after p { do bank.revoked(id)  compensate bank.revoke(id) }"
    sure = plan_of(f'pivot step p {{ do bank.keyed(id)  irreversible because "x" }}\n{after}')
    skippable = plan_of(f'pivot step p {{ when n > 1  do bank.keyed(id)  irreversible because "x" }}\n{after}')
    failing = plan_of(
        f'pivot step p {{ when n > 1 else fail Small  do bank.keyed(id)  irreversible because "x" }}\n{after}'
    )
    assert [step_of(plan, "s").doubt for plan in (sure, skippable, failing)] == ["hold", "revoke", "hold"]


def test_only_a_command_that_is_neither_idempotent_nor_probeable_needs_an_intent() -> None:
    intents = {
        do: step_of(plan_of(f"step s {{ do bank.{do}  compensate bank.undo(id) }}"), "s").intent
        for do in ("plain(id)", "keyed(id)", "probed(id, id)", "probed_without_end(id)")
    }
    assert intents == {"plain(id)": True, "keyed(id)": False, "probed(id, id)": False, "probed_without_end(id)": True}
    assert not step_of(plan_of("step s { do bank.look(id) }"), "s").intent


def test_a_probe_asks_for_what_the_step_was_called_with() -> None:
    plan = plan_of(
        "step s { do bank.probed(other = id, id = id)  compensate bank.undo(id) }".replace("other = ", "").replace(
            "id = ", ""
        )
    )
    assert step_of(plan, "s").probe == Call("bank", "look", (("id", Input(("id",), "uuid")),))


def test_the_undo_order_passes_through_queries_and_steps_without_an_undo() -> None:
    plan = plan_of(
        """
        step a { do bank.keyed(id)  compensate bank.undo(id) }
        step b after a { do bank.look(id) }
        step c after b { when n > 1  do bank.keyed(id)  left because "x" }
        step d after c, a { do bank.keyed(id)  compensate bank.undo(id) }
        """
    )
    assert {step.name: step.after for step in plan.steps} == {"a": (), "b": ("a",), "c": ("b",), "d": ("c",)}
    assert {step.name: step.undo_after for step in plan.steps} == {"a": ("b",), "b": ("c",), "c": ("d",), "d": ()}


def test_steps_stand_in_a_topological_order_whatever_the_source_says() -> None:
    plan = plan_of(
        """
        step last after first { do bank.look(id) }
        step first { do bank.look(id) }
        """
    )
    assert [step.name for step in plan.steps] == ["first", "last"]


def test_the_order_saga_is_planned_as_its_spec_says() -> None:
    plan = from_files(ORDER).plan("PlaceOrder")
    assert [step.name for step in plan.steps] == ["reserve", "authorize", "capture", "dispatch", "ship"]
    assert [step.doubt for step in plan.steps] == ["revoke", "probe", "none", "none", "none"]
    assert [step.pivot for step in plan.steps] == [False, False, True, False, False]
    assert [step.remains for step in plan.steps] == ["nothing", "nothing", "irreversible", "nothing", "nothing"]
    assert [[undo.revokes for undo in step.undos] for step in plan.steps] == [[True], [False], [], [], []]
    assert (plan.saga, plan.version, plan.key) == ("shop.orders.PlaceOrder", 3, ("order_id",))
    assert (plan.deadline_ms, plan.rollback_within_ms, plan.rollback_in_order) == (86_400_000, 1_800_000, False)
    assert [one.name for one in plan.types] == ["Tier"]


def test_undeclared_services_are_assumed_to_keep_what_is_needed() -> None:
    plan = from_files(TRIP).plan("Trip")
    assert [(step.name, step.idempotent, step.doubt) for step in plan.steps] == [
        ("flight", True, "revoke"),
        ("hotel", True, "revoke"),
    ]
    assert [step.call.service for step in plan.steps] == ["air", "stay"]


def test_a_plan_names_services_bare_and_carries_every_type_that_its_values_have() -> None:
    plan = from_files(*AWKWARD).plan("Field_")
    assert {step.call.service for step in plan.steps} == {"plan_store", "planStore"}
    assert [one.name for one in plan.types] == ["Call", "Decimal", "Field"]
    assert step_of(plan, "third").otherwise_fails == "TooLate"
    assert [undo.residue for undo in step_of(plan, "first").undos] == [
        "half of it",
        'a fee of "5 %" stays: c\'est la vie',
    ]
    assert plan.rollback_in_order


def test_the_same_spec_gives_the_same_plan() -> None:
    assert from_files(ORDER).plans == from_files(ORDER).plans

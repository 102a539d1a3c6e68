"""A scenario is replayed on the kernel in every run that its givens allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagac.compiler import branches, graph, parser, planner, resolver, scenarios, values
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.model import Project, Saga
from sagac.compiler.source import Source
from sagac.runtime.plan import Plan

ACCEPTED = sorted((Path(__file__).parents[2] / "specs" / "accepted").glob("*/*.saga"))

SERVICES = """
type Buyer { name: string  phone: string? }

service shop {
  command reserve(order: uuid) -> { shelf: int }
    idempotent
    fails OutOfStock
  command release(order: uuid)
    idempotent
    revokes reserve
  command wrap(order: uuid)
    idempotent
  command unwrap(order: uuid)
    idempotent
    revokes wrap
}

service bank {
  command charge(order: uuid, total: int)
    idempotent
    fails Declined
    lands within 1m
    probe find(order)
  command refund(order: uuid)
    idempotent
  query find(order: uuid) -> { receipt: string }?
}

service courier {
  command book(order: uuid)
    idempotent
    fails NoCapacity
}
"""

ORDER = """
saga Order version 1 {
  key order
  input { order: uuid  total: int where total > 0  gift: bool  parts: list[int]  buyer: Buyer }

  step reserve {
    do shop.reserve(order)
    compensate shop.release(order)
  }

  step wrap after reserve {
    when gift
    do shop.wrap(order)
    compensate shop.unwrap(order)
  }

  step charge after reserve {
    do bank.charge(order, total)
    compensate bank.refund(order)
  }

  pivot step ship after wrap, charge {
    do courier.book(order)
    irreversible because "the courier sends a truck"
    retry forever
  }

  SCENARIO
}
"""


def project_of(text: str) -> tuple[Project, Saga, Plan]:
    file, syntax_findings = parser.parse(Source("order.saga", text))
    project, findings = resolver.resolve({"order.saga": file})
    assert not [each.message for each in (*syntax_findings, *findings) if each.severity == "error"]
    (saga,) = project.sagas
    dependencies, found = graph.build(saga)
    assert not found
    return project, saga, planner.plan(project, saga, dependencies)


def run(clauses: str, saga: str = ORDER) -> Diagnostic | None:
    text = SERVICES + saga.replace("SCENARIO", f'scenario "it" {{\n{clauses}\n}}')
    project, resolved, plan = project_of(text)
    return scenarios.run(resolved.scenarios[0], project, resolved, plan)


HOLDS = {
    "all goes well": "then completed  then order reserve, charge, ship",
    "a refused pivot turns the run": """
        given ship fails NoCapacity
        then compensated  then order reserve, charge, ship, undo charge, undo reserve""",
    "an unknown outcome is probed, and was there": """
        given charge unknown landed
        then completed  then order reserve, charge, ship""",
    "an unknown outcome is probed, and was not there": """
        given charge unknown not landed
        then compensated  then order reserve, charge, undo reserve""",
    "a revoking undo settles an unknown outcome": """
        given reserve unknown
        then compensated  then order reserve, undo reserve""",
    "a call that is sent for ever is answered in the end": "given ship unknown  then completed",
    "a failed undo holds the run, and what waits for it": """
        given ship fails NoCapacity
        given undo charge fails
        then held  then order charge, ship, undo charge""",
    "a cancel turns the run": """
        given input { gift = false }
        given cancel after reserve
        then compensated  then order reserve, charge, undo charge, undo reserve""",
    "a cancel after the point of no return is refused": "given cancel after ship  then completed",
    "a crash changes nothing": "given crash after reserve  then completed  then order reserve, charge, ship",
    "a crash in the middle of trouble changes nothing": """
        given crash after charge
        given ship fails NoCapacity
        then compensated  then order undo charge, undo reserve""",
    "a guard can be given": "given input { gift = true  total = 5 }  then order reserve, wrap, ship",
}


@pytest.mark.parametrize("clauses", HOLDS.values(), ids=HOLDS)
def test_a_scenario_that_holds_is_no_finding(clauses: str) -> None:
    assert run(clauses) is None


FAILS = {
    "the end is another": (
        "given charge fails Declined  then completed",
        "scenario `it` does not hold: it ends compensated, not completed",
    ),
    "the end is not held": (
        "given charge fails Declined  then held",
        "scenario `it` does not hold: it ends compensated, not held",
    ),
    "a held run is not compensated": (
        "given ship fails NoCapacity  given undo charge fails  then compensated",
        "scenario `it` does not hold: it ends held, not compensated",
    ),
    "independent steps come in either order": (
        "given input { gift = true }  then order wrap, charge",
        "scenario `it` does not hold: `charge` does not happen after `wrap`",
    ),
    "a free input skips a step": (
        "then order reserve, wrap",
        "scenario `it` does not hold: `wrap` does not happen after `reserve`",
    ),
    "an undo that never happens": (
        "given charge fails Declined  then order undo charge",
        "scenario `it` does not hold: `undo charge` never happens",
    ),
    "what may or may not have landed is both": (
        "given charge unknown  then compensated",
        "scenario `it` does not hold: it ends completed, not compensated",
    ),
}


@pytest.mark.parametrize(("clauses", "message"), FAILS.values(), ids=FAILS)
def test_a_scenario_that_fails_in_one_of_its_runs_is_a_finding(clauses: str, message: str) -> None:
    found = run(clauses)
    assert found is not None
    assert (found.code, found.severity, found.message) == ("S101", "error", message)


def test_a_failing_scenario_shows_the_run_and_the_step_that_turned_it() -> None:
    found = run("given input { gift = true  total = 5 }  given charge fails Declined  then completed")
    assert found is not None
    assert [line.rstrip() for line in found.trace] == [
        "with gift = true",
        "reserve       shop.reserve(order)        done",
        "wrap          shop.wrap(order)           done",
        "charge        bank.charge(order, total)  refused: Declined",
        "the run turns back",
        "undo wrap     shop.unwrap(order)         undone",
        "undo reserve  shop.release(order)        undone",
        "the run ends compensated",
    ]
    assert [label.text for label in found.labels] == ["", "this turns the run back"]


def test_the_story_of_a_lost_answer_says_how_long_it_was_waited_for() -> None:
    found = run("given input { gift = true }  given charge unknown not landed  then completed")
    assert found is not None
    assert [" ".join(line.split()) for line in found.trace] == [
        "with gift = true",
        "reserve shop.reserve(order) done",
        "wrap shop.wrap(order) done",
        "charge bank.charge(order, total) no answer to 4 attempts of 30s",
        "1m later no copy of `charge` can arrive any more",
        "the probe of `charge` finds that it did not take effect",
        "the run turns back",
        "undo wrap shop.unwrap(order) undone",
        "undo reserve shop.release(order) undone",
        "the run ends compensated",
    ]


def test_the_story_of_a_crash_says_so() -> None:
    found = run("given crash after reserve  given undo reserve fails  given charge fails Declined  then completed")
    assert found is not None
    story = [" ".join(line.split()) for line in found.trace]
    assert "the orchestrator crashes, and another process takes the run over" in story
    assert story[-2:] == [
        "undo reserve shop.release(order) not applied, 11 attempts",
        "the undo of `reserve` is held: not applied",
    ]


def test_a_scenario_whose_givens_cannot_come_true_says_nothing() -> None:
    found = run("given charge fails Declined  given ship fails NoCapacity  then compensated")
    assert found is not None
    assert found.code == "S102"
    assert "`ship fails NoCapacity` does not come true" in found.message


def test_a_scenario_whose_input_is_refused_says_nothing() -> None:
    found = run("given input { total = 0 }  then completed")
    assert found is not None
    assert found.code == "S102"
    assert "`where`" in found.message


WIDE = "saga Wide version 1 {\n  key order\n  input { order: uuid  total: int }\n" + "".join(
    f"  step s{number} {{ do bank.charge(order, total)  compensate bank.refund(order) }}\n" for number in range(24)
)


def test_independent_successes_are_not_told_apart_where_nobody_watches() -> None:
    assert run("then completed", WIDE + "SCENARIO }") is None


def test_more_states_than_are_looked_at_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "EVENTS_MAX", 500)
    found = run("given s23 fails Declined  then compensated", WIDE + "SCENARIO }")
    assert found is not None
    assert (found.code, found.severity) == ("S103", "error")
    assert "more than 500 events" in found.message


def test_where_guards_leave_too_much_open_the_help_names_them_and_what_they_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(branches, "BRANCHES_MAX", 1)
    found = run("given input { total = 5 }  then completed")
    assert found is not None
    assert found.code == "S103"
    assert found.help == ("give `gift` with `given input`: the guard of `wrap` reads what is not given",)


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_every_scenario_of_the_accepted_sagas_holds(path: Path) -> None:
    project, saga, plan = project_of(path.read_text(encoding="utf-8"))
    assert saga.scenarios
    for scenario in saga.scenarios:
        assert scenarios.run(scenario, project, saga, plan) is None, scenario.title


@pytest.mark.parametrize("clauses", [*HOLDS.values(), *(clauses for clauses, _ in FAILS.values())])
def test_leaving_out_orders_that_make_no_difference_changes_no_verdict(
    clauses: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = run(clauses)
    monkeypatch.setattr(scenarios, "is_quiet", lambda *_: False)
    full = run(clauses)
    assert (short is None) == (full is None)


GUARDS = {
    "total > 100 and reserve.shelf == 3": 4,
    "total > 100 or total > 200": 3,
    "total + reserve.shelf > 100 and reserve.shelf > total": 4,
    "total <= 0": 1,
    "total > 100 and not gift and reserve.done": 4,
    "gift and total > 100 and reserve.shelf == 3 and size(parts) > 0 and buyer.phone is not null": 32,
}


@pytest.mark.parametrize(("guard", "count"), GUARDS.items(), ids=GUARDS)
def test_each_way_in_which_the_guards_come_out_is_tried_once(guard: str, count: int) -> None:
    text = SERVICES + ORDER.replace("when gift", f"when {guard}").replace("SCENARIO", "")
    project, saga, plan = project_of(text)
    chosen = branches.choices(project, saga, plan, {})
    (condition,) = values.guards(plan)
    atoms = tuple(branches.comparisons(condition))
    assert len(chosen) == count
    assert len({branches.signature(choice, atoms) for choice in chosen}) == count


def test_what_is_given_leaves_fewer_ways_open() -> None:
    text = SERVICES + ORDER.replace("when gift", "when gift and total > 100").replace("SCENARIO", "")
    project, saga, plan = project_of(text)
    chosen = branches.choices(project, saga, plan, {"total": 5})
    assert sorted(str(choice.input["gift"]) for choice in chosen) == ["False", "True"]
    assert {choice.input["total"] for choice in chosen} == {5}

"""What the resolver makes of specs that mean something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sagac.compiler import model, parser, resolver
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Source
from sagac.runtime import plan

SPECS = Path(__file__).parents[2] / "specs" / "accepted"

TRIP = """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight { do air.book(trip_id) -> { pnr: string }  compensate air.cancel(trip_id) }
  step hotel after flight { do stay.book(trip_id) -> { ref: string }  compensate stay.cancel(trip_id) }
}
"""

AIR = """
service air {
  command book(trip: uuid, seats: int) -> { pnr: string, price: decimal, seat: string? }
    idempotent
    fails Full
  command cancel(trip: uuid)
    idempotent
    revokes book
  command pay(trip: uuid, amount: decimal)
    idempotent
  query find(trip: uuid) -> { pnr: string, price: decimal, seat: string? }?
}
"""


def resolve(*texts: str) -> tuple[model.Project, tuple[Diagnostic, ...]]:
    files = {}
    for number, text in enumerate(texts):
        name = f"{number}.saga"
        files[name], findings = parser.parse(Source(name, text))
        assert findings == (), findings
    return resolver.resolve(files)


def saga(*texts: str) -> model.Saga:
    project, findings = resolve(*texts)
    assert [finding for finding in findings if finding.severity != "note"] == []
    return project.sagas[-1]


def trip(body: str, inputs: str = "trip_id: uuid  seats: int") -> str:
    return f"saga Trip version 1 {{ key trip_id  input {{ {inputs} }}\n{body}\n}}"


BOOK = "do air.book(trip_id, seats)  compensate air.cancel(trip_id)"


@pytest.mark.parametrize("path", sorted(SPECS.glob("*/*.saga")), ids=lambda path: path.stem)
def test_every_accepted_spec_resolves(path: Path) -> None:
    project, findings = resolve(path.read_text(encoding="utf-8"))
    assert [finding for finding in findings if finding.severity != "note"] == []
    assert len(project.sagas) == 1


def test_services_that_nobody_declared_are_inferred() -> None:
    project, findings = resolve(TRIP)
    assert findings == ()
    book = project.services["air"].operations["book"]
    assert not project.services["air"].declared
    assert not book.declared
    assert [(parameter.name, parameter.type) for parameter in book.parameters] == [("trip_id", "uuid")]
    assert book.result is not None
    assert [(field.name, field.type) for field in book.result] == [("pnr", "string")]
    assert book.idempotent
    assert project.services["air"].operations["cancel"].revokes == "book"
    assert sorted(project.services) == ["air", "stay"]


def test_parameters_without_a_name_are_numbered() -> None:
    project, _ = resolve(
        trip("step flight { do air.book(trip_id, seats + 1, trip_id)  compensate air.cancel(trip_id) }")
    )
    names = [parameter.name for parameter in project.services["air"].operations["book"].parameters]
    assert names == ["trip_id", "arg2", "arg3"]


def test_all_calls_of_an_undeclared_command_give_its_parameters_their_types() -> None:
    body = """
      step one { do air.pay(trip_id, 1)  compensate air.refund(trip_id) }
      step two { do air.pay(trip_id, 1.50)  compensate air.refund(trip_id) }
    """
    project, findings = resolve(trip(body))
    assert findings == ()
    assert [each.type for each in project.services["air"].operations["pay"].parameters] == ["uuid", "decimal"]


def test_a_scenario_gives_an_undeclared_command_its_failures() -> None:
    body = f'step flight {{ {BOOK} }}  scenario "full" {{ given flight fails Full  then compensated }}'
    project, findings = resolve(trip(body))
    assert findings == ()
    assert project.services["air"].operations["book"].fails == ("Full",)


def test_an_undo_of_two_commands_revokes_neither_by_guess() -> None:
    body = """
      step one { do air.book(trip_id)  compensate air.cancel(trip_id) }
      step two { do air.seat(trip_id)  compensate air.cancel(trip_id) }
    """
    project, _ = resolve(trip(body))
    assert project.services["air"].operations["cancel"].revokes == ""


def test_what_a_step_reads_it_comes_after() -> None:
    body = f"""
      step pay {{ when flight.price > 10  do air.pay(trip_id, flight.price)  left because "kept" }}
      step flight {{ {BOOK} }}
    """
    pay = saga(AIR, trip(body)).steps[0]
    assert [(each.step, each.implicit) for each in pay.dependencies] == [("flight", True)]


def test_an_order_that_is_said_is_not_implicit_even_where_it_is_also_read() -> None:
    body = f"""
      step flight {{ {BOOK} }}
      step pay after flight {{ do air.pay(trip_id, flight.price)  left because "kept" }}
    """
    pay = saga(AIR, trip(body)).steps[1]
    assert [(each.step, each.implicit) for each in pay.dependencies] == [("flight", False)]


def test_what_an_undo_reads_adds_no_order() -> None:
    body = f"""
      step flight {{ {BOOK} }}
      step look after flight {{ do air.pay(trip_id, 1)  mitigate air.pay(trip_id, flight.price) because "a fee" }}
      step last after look {{ do air.pay(trip_id, 1)  mitigate air.pay(trip_id, flight.price) because "a fee" }}
    """
    last = saga(AIR, trip(body)).steps[2]
    assert [each.step for each in last.dependencies] == ["look"]
    assert last.handlers[0].mitigates
    assert last.handlers[0].because == "a fee"


def test_references_are_lowered_with_their_declared_types() -> None:
    body = f"""
      step flight {{ {BOOK} }}
      step seat {{
        when flight.seat is not null and flight.done
        do air.pay(trip_id, flight.price * seats)
        left because "kept"
      }}
    """
    seat = saga(AIR, trip(body)).steps[1]
    assert seat.guard is not None
    assert seat.guard.condition == plan.Binary(
        "and",
        plan.Unary("is not null", plan.Result("flight", ("seat",), "string?")),
        plan.Status("flight", "done"),
    )
    assert dict(seat.call.arguments)["amount"] == plan.Binary(
        "*", plan.Result("flight", ("price",), "decimal"), plan.Input(("seats",), "int")
    )


def test_constants_take_the_type_of_what_stands_beside_them() -> None:
    text = "enum Class { economy, business }\n" + trip(
        f"step flight {{ when total > 1000 and class_ == business and class_ in [economy, business]  {BOOK} }}",
        "trip_id: uuid  seats: int  total: decimal  class_: Class",
    )
    guard = saga(AIR, text).steps[0].guard
    assert guard is not None
    constants = re.findall(r"Constant\(value='(\w+)', type='(\w+)'\)", repr(guard.condition))
    assert constants == [
        ("1000", "decimal"),
        ("business", "Class"),
        ("economy", "Class"),
        ("business", "Class"),
    ]


def test_defaults_are_those_of_settled_question_5() -> None:
    step = saga(AIR, trip(f"step flight {{ {BOOK} }}")).steps[0]
    assert step.schedule == plan.Schedule(30_000, 3, 200, 10_000)
    assert step.handlers[0].schedule == plan.Schedule(30_000, 10, 1_000, 60_000)
    assert step.schedule_span == step.name_span


def test_a_schedule_that_is_said_is_kept() -> None:
    undo = "compensate air.cancel(trip_id) { timeout 2s  retry 4 times within 1m }"
    text = trip(f"step flight {{ do air.book(trip_id, seats)  {undo}  timeout 5s  retry 0 times }}")
    step = saga(AIR, text).steps[0]
    assert step.schedule == plan.Schedule(5_000, 0, 200, 10_000)
    assert step.handlers[0].schedule == plan.Schedule(2_000, 4, 1_000, 60_000, 60_000)


def test_forever_is_for_the_pivot_and_what_comes_after_it() -> None:
    body = """
      pivot step pay { do air.pay(trip_id, 1)  retry forever }
      step receipt after pay { do air.pay(trip_id, 2)  retry forever backoff 1s to 2s }
    """
    steps = saga(AIR, trip(body)).steps
    assert [step.schedule.retries for step in steps] == [None, None]
    assert steps[0].pivot


def test_on_unknown_hold_for_the_saga_holds_for_every_command() -> None:
    steps = saga(AIR, trip(f"on unknown hold  step flight {{ {BOOK} }}  step look {{ do air.find(trip_id) }}")).steps
    assert [step.holds_unknown for step in steps] == [True, False]


def test_a_probe_pairs_the_querys_parameters_with_the_commands() -> None:
    text = """
    service air {
      command book(order: uuid, seats: int)
        idempotent for 7d
        lands within 1m
        probe find(order)
      query find(trip: uuid) -> { seats: int }?
    }
    """
    project, findings = resolve(text)
    assert findings == ()
    book = project.services["air"].operations["book"]
    assert book.probe is not None
    assert book.probe.arguments == (("trip", "order"),)
    assert (book.window_ms, book.lands_within_ms) == (7 * 86_400_000, 60_000)


def test_packages_share_declarations_and_see_imports() -> None:
    contracts = "package travel.contracts\n" + AIR
    types = "package travel\nenum Class { economy, business }"
    text = "package travel\nimport travel.contracts\n" + trip(
        f"step flight {{ {BOOK} }}", "trip_id: uuid  seats: int  seat: Class"
    )
    project, findings = resolve(contracts, types, text)
    assert findings == ()
    assert list(project.services) == ["travel.contracts.air"]
    assert project.sagas[0].full_name == "travel.Trip"
    assert project.sagas[0].steps[0].call.service == "travel.contracts.air"
    assert project.types == {"travel.Class": plan.Enum("Class", ("economy", "business"))}
    assert project.sagas[0].types == {"Class": plan.Enum("Class", ("economy", "business"))}


def test_a_saga_carries_the_types_that_its_values_have() -> None:
    text = (
        "type City { name: string }\ntype Leg { start: City, end: City }\nenum Unused { a }\n"
        "service air { command book(legs: list[Leg])  idempotent  command cancel(legs: list[Leg])  idempotent }\n"
        + trip(
            "step flight { do air.book(legs)  compensate air.cancel(legs) }  output { first: City? = city }",
            "trip_id: uuid  legs: list[Leg]  city: City?",
        )
    )
    assert list(saga(text).types) == ["City", "Leg"]


def test_where_an_input_is_shown_to_be_there_it_can_be_used() -> None:
    inputs = "trip_id: uuid  seats: int? where seats is not null and seats > 0"
    read = saga(AIR, trip(f"step flight {{ {BOOK} }}", inputs))
    assert dict(read.steps[0].call.arguments)["seats"] == plan.Input(("seats",), "int?")


def test_a_guard_shows_the_step_and_its_undo_what_is_there() -> None:
    body = """
      step flight { when seats is not null  do air.book(trip_id, seats)  compensate air.pay(trip_id, seats) }
      step other {
        do air.book(trip_id, 1)
        compensate air.pay(trip_id, seats) when seats is not null
        compensate air.cancel(trip_id) when seats is null
      }
    """
    assert len(saga(AIR, trip(body, "trip_id: uuid  seats: int?")).steps) == 2


@pytest.mark.parametrize(
    "guard",
    [
        "seats is not null and seats > 1",
        "seats is null or seats > 1",
        "seats is not null implies seats > 1",
        "not (seats is null) and seats > 1",
        "not (seats is null or flag) and seats > 1",
        "(seats is not null and flag or seats is not null and not flag) and seats > 1",
        "not (seats is not null implies flag) and seats > 1",
    ],
)
def test_a_condition_shows_its_later_parts_what_is_there(guard: str) -> None:
    body = f"step flight {{ when {guard}  do air.book(trip_id, 1)  compensate air.cancel(trip_id) }}"
    assert saga(AIR, trip(body, "trip_id: uuid  seats: int?  flag: bool")).steps


def test_a_query_may_find_nothing() -> None:
    body = f"""
      step look {{ do air.find(trip_id) }}
      step flight {{ when look is null  {BOOK} }}
      step pay {{ when look is not null  do air.pay(trip_id, look.price)  left because "kept" }}
    """
    pay = saga(AIR, trip(body)).steps[2]
    assert dict(pay.call.arguments)["amount"] == plan.Result("look", ("price",), "decimal")
    assert pay.guard is not None
    assert isinstance(pay.guard.condition, plan.Unary)
    assert pay.guard.condition.operand == plan.Result("look", (), "{ pnr: string, price: decimal, seat: string? }?")


def test_inputs_keep_defaults_and_conditions() -> None:
    inputs = """
      trip_id: uuid  seats: int = 2 where seats > 0  price: decimal = 3  note: string? = null
      tags: list[string] = ["a"]  wait: duration = 5s  debt: decimal = -1.50
    """
    fields = saga(AIR, trip(f"step flight {{ {BOOK} }}", inputs)).inputs
    assert [(field.name, field.default, field.has_default) for field in fields] == [
        ("trip_id", None, False),
        ("seats", 2, True),
        ("price", "3", True),
        ("note", None, True),
        ("tags", ["a"], True),
        ("wait", 5000, True),
        ("debt", "-1.50", True),
    ]
    assert fields[1].where is not None


def test_scenarios_are_bound_to_steps_and_typed() -> None:
    body = f"""
      step flight {{ {BOOK} }}
      scenario "full" {{
        given input {{ trip_id = "0190B5E5-0000-7000-8000-000000000001"  seats = 3 }}
        given flight fails Full
        given undo flight fails
        given crash after flight
        given cancel after flight
        then compensated
        then order flight, undo flight
      }}
    """
    read = saga(AIR, trip(body)).scenarios[0]
    assert read.input == (("trip_id", "0190b5e5-0000-7000-8000-000000000001"), ("seats", 3))
    assert read.givens == (
        model.GivenFails("flight", "Full"),
        model.GivenUndoFails("flight"),
        model.GivenAfter("crash", "flight"),
        model.GivenAfter("cancel", "flight"),
    )
    assert read.end == "compensated"
    assert read.order == (("do", "flight"), ("undo", "flight"))


def test_what_is_checked_but_not_proved_is_listed_by_name() -> None:
    order = saga((SPECS / "order" / "order.saga").read_text(encoding="utf-8"))
    clauses = {each.clause for each in order.unproved}
    assert clauses >= {
        *("changes", "requires", "hold", "invariant", "clean", "done", "sla", "ensure"),
        *("deadline", "rollback within", "idempotent for"),
    }
    assert all("`" in each.text or each.clause in ("deadline", "rollback within", "ensure") for each in order.unproved)


def test_rules_over_runs_are_listed_as_not_proved() -> None:
    body = f"""
      step flight {{ when seats > 3  {BOOK} }}
      step train {{ when seats <= 3  {BOOK} }}
      exactly one of flight, train
      at least one of flight, train
      require seats > 0 before flight when seats > 5
      forbid train when seats > 9
      ensure always: flight.done implies seats > 3
    """
    read = saga(AIR, trip(body))
    assert [each.clause for each in read.unproved] == [
        "exactly one of",
        "at least one of",
        "require",
        "forbid",
        "ensure",
    ]


def test_a_saga_with_errors_is_left_out_and_the_others_stay() -> None:
    good = trip(f"step flight {{ {BOOK} }}").replace("Trip", "Good")
    bad = trip("step flight { do air.book(trip_id, sets)  compensate air.cancel(trip_id) }").replace("Trip", "Bad")
    project, findings = resolve(AIR, good, bad)
    assert [finding.code for finding in findings] == ["E201"]
    assert [each.name for each in project.sagas] == ["Good"]


def test_a_saga_that_calls_a_service_with_errors_is_left_out() -> None:
    text = AIR.replace("revokes book", "revokes bok")
    project, findings = resolve(text, trip(f"step flight {{ {BOOK} }}"))
    assert [finding.code for finding in findings] == ["E203"]
    assert project.sagas == ()


def test_findings_say_which_saga_and_step_they_are_about() -> None:
    text = "package travel\n" + trip("step flight { do air.book(trip_id, sets)  compensate air.cancel(trip_id) }")
    _, findings = resolve("package travel\n" + AIR, text)
    assert [(finding.saga, finding.step) for finding in findings] == [("travel.Trip", "flight")]


def test_the_order_of_files_does_not_matter() -> None:
    texts = (AIR, trip(f"step flight {{ {BOOK} }}"))
    files = {f"{number}.saga": parser.parse(Source(f"{number}.saga", text))[0] for number, text in enumerate(texts)}
    backwards = dict(reversed(files.items()))
    assert resolver.resolve(files) == resolver.resolve(backwards)

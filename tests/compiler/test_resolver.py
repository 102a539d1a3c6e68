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
    text = trip("step look { do store.look(sku) }", "trip_id: uuid  sku: string")
    read = saga(STORE.replace("package shop", ""), text)
    assert ("observe", "that `look` shows the real `store.Stock`") in [
        (each.clause, each.text) for each in read.unproved
    ]
    assert all("`" in each.text for each in read.unproved)


def test_rules_over_runs_are_proved_and_not_listed() -> None:
    body = f"""
      step flight {{ when seats > 3  {BOOK} }}
      step train {{ when seats <= 3  {BOOK} }}
      exactly one of flight, train
      at least one of flight, train
      require seats > 0 before flight when seats > 5
      forbid train when seats > 9
      ensure at completed: flight.done implies seats > 3
    """
    read = saga(AIR, trip(body))
    assert read.unproved == ()
    assert (len(read.choices), len(read.rules), len(read.ensures)) == (2, 2, 1)


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


# --- resources, effects and rules -----------------------------------------------------------------------------------

STORE = """
package shop

service store {
  resource Shelf[id: uuid] { states none*, used, worn  done used }
  resource Stock[sku: string] {
    /// What is left.
    free: int = 3
    held: int hold
    shelf: uuid references Shelf[shelf]
    invariant free >= 0 and size >= 0
    size: int
    observe look(sku)
  }
  command reserve(sku: string, count: int, price: int) -> { was: int }
    changes Stock[sku] {
      requires free >= count
      free -= count
      held += count
      size := price * count
      yields was = free
    }
    idempotent
    holds for 1h skew 1s
  command use(id: uuid)
    changes Shelf[id] none -> used
    idempotent
  query look(sku: string) -> { free: int }
}
"""

FREE = plan.Result("", ("free",), "int")
NONE: frozenset[str] = frozenset()
COUNT = plan.Input(("count",), "int")


def store() -> model.Service:
    project, findings = resolve(STORE)
    assert findings == ()
    return project.services["shop.store"]


def test_a_resource_is_resolved_with_all_that_it_declares() -> None:
    stock, shelf = store().resources["Stock"], store().resources["Shelf"]
    assert (stock.full_name, [(key.name, key.type) for key in stock.keys]) == ("shop.store.Stock", [("sku", "string")])
    assert [(each.name, each.type, each.initial, each.has_initial, each.hold, each.doc) for each in stock.fields] == [
        ("free", "int", 3, True, False, "What is left."),
        ("held", "int", None, False, True, ""),
        ("shelf", "uuid", None, False, False, ""),
        ("size", "int", None, False, False, ""),
    ]
    reference = stock.fields[2].reference
    assert reference is not None
    assert (reference.resource, reference.keys) == ("shop.store.Shelf", (plan.Result("", ("shelf",), "uuid"),))
    zero = plan.Constant(0, "int")
    assert [invariant.condition for invariant in stock.invariants] == [
        plan.Binary("and", plan.Binary(">=", FREE, zero), plan.Binary(">=", plan.Result("", ("size",), "int"), zero))
    ]
    assert (stock.states, stock.initial, stock.clean, stock.done, stock.observe) == ((), "", NONE, NONE, "look")
    assert (shelf.states, shelf.initial, shelf.clean, shelf.done) == (
        ("none", "used", "worn"),
        "none",
        frozenset({"none"}),
        frozenset({"used"}),
    )
    assert shelf.held_states == {"worn"}


def test_where_nothing_is_said_a_rollback_leaves_the_initial_state_and_a_completed_run_any() -> None:
    project, findings = resolve("service a { resource R[k: int] { states x, y*, z } }")
    assert findings == ()
    resource = project.services["a"].resources["R"]
    assert (resource.clean, resource.done, resource.held_states) == (frozenset("y"), frozenset("xyz"), NONE)


def test_the_changes_of_a_command_read_its_parameters_and_the_fields_of_the_record() -> None:
    reserve, use = store().operations["reserve"], store().operations["use"]
    (change,) = reserve.changes
    product = plan.Binary("*", plan.Input(("price",), "int"), COUNT)
    assert (change.resource, change.keys, change.source) == ("shop.store.Stock", (plan.Input(("sku",), "string"),), "")
    assert [each.condition for each in change.requires] == [plan.Binary(">=", FREE, COUNT)]
    assert [(each.field, each.operator, each.value) for each in change.assignments] == [
        ("free", "-=", COUNT),
        ("held", "+=", COUNT),
        ("size", ":=", product),
    ]
    assert [(each.result, each.field) for each in change.yields] == [("was", "free")]
    assert [(each.source, each.target, each.keys) for each in use.changes] == [
        ("none", "used", (plan.Input(("id",), "uuid"),))
    ]
    assert reserve.hold is not None
    assert (reserve.hold.for_ms, reserve.hold.skew_ms, use.hold) == (3_600_000, 1_000, None)


USES = """
package shop
saga Use version 1 {
  key id
  input { id: uuid  sku: string  count: int }
  output { was: int = take.was where was > 0 }
  deadline 1h
  rollback within 9m
  step take {
    lock Stock[sku] within 9s
    do store.reserve(sku, count, 1)
    left because "somebody comes for it"
  }
  step use after take { when count > 3  do store.use(id)  left because "it stays" }
  step leave after take { when count <= 3  do store.look(sku) }
  exactly one of use, leave
  require take.was > 1 before use when count > 9
  forbid leave when take.was > 5
  ensure at completed: Stock[sku].free == old(Stock[sku].free) - count and Stock[sku].free > 1
  ensure at compensated: clean or Shelf[id] in [used, none]
}
"""


def test_an_ensure_reads_each_of_its_records_under_one_number() -> None:
    one, two = saga(STORE, USES).ensures
    sku, zero, first = plan.Input(("sku",), "string"), "record 0", "record 1"
    free = plan.Result(zero, ("free",), "int")
    assert one.condition == plan.Binary(
        "and",
        plan.Binary("==", free, plan.Binary("-", plan.Result(first, ("free",), "int"), COUNT)),
        plan.Binary(">", free, plan.Constant(1, "int")),
    )
    assert [(each.resource, each.keys, each.old) for each in one.records] == [
        ("shop.store.Stock", (sku,), False),
        ("shop.store.Stock", (sku,), True),
    ]
    assert (one.at, one.conserves, two.at, two.conserves) == ("completed", True, "compensated", False)
    states = plan.Items((plan.Constant("used", "string"), plan.Constant("none", "string")))
    assert two.condition == plan.Binary(
        "or", plan.Input(("clean",), "bool"), plan.Binary("in", plan.Result(zero, ("state",), "string"), states)
    )


def test_rules_choices_locks_and_limits_stand_in_the_saga() -> None:
    found = saga(STORE, USES)
    was = plan.Result("take", ("was",), "int")
    require, forbid = found.rules
    assert (require.kind, require.step, require.condition) == (
        "require",
        "use",
        plan.Binary(">", was, plan.Constant(1, "int")),
    )
    assert require.guard is not None
    assert require.guard.condition == plan.Binary(">", COUNT, plan.Constant(9, "int"))
    assert (forbid.kind, forbid.step, forbid.guard) == ("forbid", "leave", None)
    assert forbid.condition == plan.Unary("not", plan.Binary(">", was, plan.Constant(5, "int")))
    assert [(choice.kind, choice.steps) for choice in found.choices] == [("exactly", ("use", "leave"))]
    (lock,) = found.steps[0].locks
    assert (lock.resource, lock.keys, lock.within_ms) == ("shop.store.Stock", (plan.Input(("sku",), "string"),), 9_000)
    (where,) = [output.where for output in found.outputs if output.where is not None]
    assert where.condition == plan.Binary(">", plan.Input(("was",), "int"), plan.Constant(0, "int"))
    assert (found.deadline_span is None, found.rollback_span is None) == (False, False)


def test_the_key_of_a_lock_orders_its_step_after_what_it_reads() -> None:
    text = USES.replace("when count > 3  do", "lock Shelf[id] within 1s  when count > 3  do").replace(
        "step leave after take {", "step leave { lock Stock[take.name] within 1s"
    )
    found = saga(STORE.replace("-> { was: int }", "-> { was: int, name: string }"), text)
    (leave,) = [step for step in found.steps if step.name == "leave"]
    assert [(each.step, each.implicit) for each in leave.dependencies] == [("take", True)]


def test_why_a_refused_undo_is_left_to_a_person_stands_in_the_handler() -> None:
    refused = AIR.replace("    revokes book", "    revokes book\n    fails Gone")
    undo = 'compensate air.cancel(trip_id) { on refusal hold because "the desk looks at it" }'
    found = saga(refused, trip(f"step flight {{ do air.book(trip_id, seats)  {undo} }}"))
    assert [handler.refusal for handler in found.steps[0].handlers] == ["the desk looks at it"]
    assert [handler.refusal for handler in saga(AIR, trip(f"step a {{ {BOOK} }}")).steps[0].handlers] == [""]


def test_a_reference_may_be_to_a_record_of_another_package() -> None:
    crm = "package crm\nservice people { resource Client[id: uuid] { states none*, active } }"
    account = "resource Account[id: uuid] { client: uuid references Client[client] }"
    text = f"package desk\nimport crm\nservice desk {{ {account} }}"
    project, findings = resolve(crm, text)
    assert findings == ()
    reference = project.services["desk.desk"].resources["Account"].fields[0].reference
    assert reference is not None
    assert reference.resource == "crm.people.Client"
    assert project.resource(reference.resource).name == "Client"


def test_a_saga_that_speaks_of_a_service_with_errors_is_left_out() -> None:
    broken = "service other { resource Bad[id: uuid] { states none*, used  clean zzz } }"
    text = trip(f"step flight {{ {BOOK} }}  ensure at compensated: Bad[trip_id] == none")
    project, _ = resolve(AIR, broken, text)
    assert project.sagas == ()
    project, _ = resolve(AIR, broken, trip(f"step flight {{ {BOOK} }}"))
    assert len(project.sagas) == 1

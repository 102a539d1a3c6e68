"""Generated tests: they pass over services that keep their contracts, and fail over each that breaks one."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from tests.compiler.emitted import AWKWARD, ORDER, TRIP, from_files, from_text

from sagac.runtime import Call, Transient
from sagac.runtime.testing import (
    Bind,
    Cancelled,
    Case,
    Late,
    Reached,
    Refused,
    Repeated,
    Taken,
    Unanswered,
    World,
    pace,
    play,
    reference,
)
from sagac.runtime.testing.cases import Fault

Handler = Callable[..., Any]


def imported(folder: Path, name: str) -> ModuleType:
    """A generated module, under its own name: the test module imports the executor by it."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """The executor module and the test module of the order saga."""
    folder = tmp_path_factory.mktemp("generated")
    for name, text in from_files(ORDER).modules.items():
        (folder / name).write_text(text, encoding="utf-8")
    yield imported(folder, "order"), imported(folder, "test_order")
    del sys.modules["order"], sys.modules["test_order"]


class Service:
    """A reference service with some handlers of its own."""

    def __init__(self, world: World, name: str, **handlers: Callable[[Handler], Handler]) -> None:
        self._service = world.service(name)
        self._handlers = handlers

    def __getattr__(self, command: str) -> Handler:
        handler: Handler = getattr(self._service, command)
        return self._handlers[command](handler) if command in self._handlers else handler


def bound(**services: dict[str, Callable[[Handler], Handler]]) -> Bind:
    """A bind with some handlers changed."""

    def bind(saga: type[Any], world: World) -> Any:
        return saga(**{name: Service(world, name, **services.get(name, {})) for name in saga.protocols})

    return bind


def found(generated: tuple[Any, Any], bind: Bind) -> str:
    """All that the generated cases find."""
    order, tests = generated
    return "\n".join(
        finding for case in tests.PLACE_ORDER_CASES for finding in play(order.PlaceOrder, case, bind).findings
    )


# --- services that keep their contracts ----------------------------------------------------------------------------


def test_generated_tests_pass_over_the_reference_world(tmp_path: Path) -> None:
    for paths in ((ORDER,), (TRIP,), AWKWARD):
        for name, text in from_files(*paths).modules.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    reached = [line.partition(":")[2] for line in done.stdout.splitlines() if line.startswith(("  steps", "  undos"))]
    assert reached == [" 4 of 4", " 2 of 2", " 1 of 1", " 1 of 1", " 5 of 5", " 2 of 2", " 2 of 2", " 2 of 2"]


LOCKED = """
language 1

service warehouse {
  owner "logistics"
  resource Stock[sku: string] { available: int }
  command reserve(sku: string, quantity: int) -> { reservation: string }
    idempotent
    fails OutOfStock
  command release(sku: string, quantity: int)
    revokes reserve
  command charge(order: uuid)
    idempotent
}

saga Order version 1 {
  key order_id
  input { order_id: uuid  sku: string  quantity: int }
  step note { do warehouse.reserve("note", 1)  compensate warehouse.release("note", 1) }
  step reserve after note {
    do warehouse.reserve(sku, quantity)
    compensate warehouse.release(sku, quantity)
    lock Stock[sku] within 30s
  }
  pivot step charge after reserve {
    do warehouse.charge(order_id)
    irreversible because "paid"
    retry forever
  }
}
"""


def test_generated_tests_take_a_record_away_from_a_step_that_locks_it(tmp_path: Path) -> None:
    for name, text in from_text(LOCKED).modules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    tests = (tmp_path / "test_a.py").read_text(encoding="utf-8")
    assert 'testing.Taken("reserve")' in tests
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "taken" in next(line for line in done.stdout.splitlines() if line.startswith("  faults:"))


def test_a_lock_that_is_said_to_be_taken_and_is_not_is_found(tmp_path: Path) -> None:
    for name, text in from_text(LOCKED).modules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    module = imported(tmp_path, "a")
    given: dict[str, Any] = {"order_id": "00000000-0000-0000-0000-000000000000", "sku": "s", "quantity": 1}
    taken = play(module.Order, Case("taken", given, (Taken("reserve"),), ends="compensated"), reference)
    assert taken.findings == ()
    assert taken.run.cause == "`reserve` was refused: lock timeout"
    free = play(module.Order, Case("free", given, (Taken("charge"),), ends="completed"), reference)
    assert free.findings == ("never happened: Taken(step='charge')",)
    del sys.modules["a"]


@pytest.mark.parametrize(
    ("faults", "ends"),
    [
        ((Late("reserve", 1),), "completed"),
        ((Repeated("reserve"),), "completed"),
        ((Unanswered("reserve", attempts=1),), "completed"),
        ((Late("reserve", 1), Cancelled("reserve")), "compensated"),
        ((Unanswered("reserve", attempts=1), Cancelled("reserve")), "compensated"),
    ],
)
def test_what_is_idempotent_by_its_effect_stands_its_copies(
    faults: tuple[Fault, ...], ends: str, tmp_path: Path
) -> None:
    for name, text in from_text(LOCKED).modules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    saga = imported(tmp_path, "a").Order
    natural = {"idempotent": False, "idempotent_by_effect": True, "lands_within_ms": 60_000, "doubt": "hold"}
    steps = [msgspec.structs.replace(step, **natural) if step.name == "reserve" else step for step in saga.plan.steps]
    saga.plan = msgspec.structs.replace(saga.plan, steps=tuple(steps))
    given: dict[str, Any] = {"order_id": "00000000-0000-0000-0000-000000000000", "sku": "s", "quantity": 1}
    played = play(saga, Case("by effect", given, faults), reference)
    del sys.modules["a"]
    assert played.findings == ()
    assert played.run.mode == ends


def test_a_conftest_puts_the_handlers_under_test(tmp_path: Path) -> None:
    for name, text in from_files(TRIP).modules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "`flight` was undone, and its effect is still there" in done.stdout
    assert "not observed" not in done.stdout


CONFTEST = '''
import pytest


class Air:
    def __init__(self, world):
        self.book = world.service("air").book

    async def cancel(self, call, *, trip_id):
        """Forgets to cancel."""


@pytest.fixture
def bind():
    return lambda saga, world: saga(air=Air(world), stay=world.service("stay"))
'''


def test_the_report_names_the_services_whose_effects_nobody_observed(generated: tuple[Any, Any]) -> None:
    executor, tests = generated

    class Real:
        async def book(self, call: Call, *, order: Any) -> Any:
            return executor.BookResult(tracking="a")

    def bind(saga: type[Any], world: World) -> Any:
        return replace(reference(saga, world), courier=Real())

    def observing(saga: type[Any], world: World) -> Any:
        world.observe("courier", lambda key: 1)
        return bind(saga, world)

    case = next(case for case in tests.PLACE_ORDER_CASES if case.title == "nothing goes wrong")
    told = {}
    for each in (bind, observing, reference):
        reached = Reached()
        reached.add(play(executor.PlaceOrder, case, each))
        told[each] = [line for line in reached.lines() if "not observed" in line]
    line = "  not observed: courier: whether their effects stand was not checked (`world.observe`)"
    assert told == {bind: [line], observing: [], reference: []}


def test_every_kind_of_fault_strikes_every_step_it_can(generated: tuple[Any, Any]) -> None:
    order, tests = generated
    faults = [fault for case in tests.PLACE_ORDER_CASES for fault in case.faults]
    struck = {(type(fault).__name__, getattr(fault, "step", "")) for fault in faults}
    steps = [step.name for step in order.PLACE_ORDER.steps]
    assert {step for kind, step in struck if kind == "Unanswered"} == set(steps)
    assert {step for kind, step in struck if kind == "Refused"} == {"reserve", "authorize", "capture"}
    assert {fault.step for fault in faults if is_undo_twice(fault)} == {"reserve", "authorize"}


def is_undo_twice(fault: object) -> bool:
    return isinstance(fault, Repeated) and fault.direction == "undo"


def test_a_real_handler_takes_its_own_time(generated: tuple[Any, Any]) -> None:
    order, tests = generated

    def slow(handler: Handler) -> Handler:
        def blocking(call: Call, **arguments: Any) -> Any:
            time.sleep(0.03)
            return order.BookResult(tracking="real")

        return blocking

    played = play(order.PlaceOrder, tests.PLACE_ORDER_CASES[0], bound(courier={"book": slow}))
    assert played.run.actions[-1].result == {"tracking": "real"}


def test_the_effects_of_a_real_service_are_checked_where_it_tells_them(generated: tuple[Any, Any]) -> None:
    executor, tests = generated
    parcels: list[str] = []

    class Real:
        async def book(self, call: Call, *, order: Any) -> Any:
            parcels.append(call.key)
            return executor.BookResult(tracking="a")

    def bind(saga: type[Any], world: World) -> Any:
        parcels.clear()
        world.observe("courier", parcels.count)
        return replace(reference(saga, world), courier=Real())

    findings = {case.title: play(executor.PlaceOrder, case, bind).findings for case in tests.PLACE_ORDER_CASES}
    assert findings["nothing goes wrong"] == ()
    assert "`ship` took effect more than once" in findings["ship arrives twice"]


# --- services that break one ---------------------------------------------------------------------------------------


def does_nothing(handler: Handler) -> Handler:
    async def lazy(call: Call, **arguments: Any) -> None:
        return None

    return lazy


def under_another_key_each_time(handler: Handler) -> Handler:
    calls = iter(range(10_000))

    async def forgetful(call: Call, **arguments: Any) -> Any:
        return await handler(replace(call, key=f"{call.key}-{next(calls)}"), **arguments)

    return forgetful


def twice(handler: Handler) -> Handler:
    async def doubled(call: Call, **arguments: Any) -> Any:
        await handler(replace(call, key=f"{call.key}-again"), **arguments)
        return await handler(call, **arguments)

    return doubled


def without_a_tombstone(handler: Handler) -> Handler:
    async def hasty(call: Call, **arguments: Any) -> Any:
        return await handler(replace(call, undoes="another"), **arguments)

    return hasty


def refuses_after_the_fact(handler: Handler) -> Handler:
    async def two_faced(call: Call, **arguments: Any) -> Any:
        await handler(call, **arguments)
        raise Transient("not applied, it says")

    return two_faced


MUTANTS: dict[str, tuple[dict[str, Any], str]] = {
    "an undo that does nothing": (
        {"warehouse": {"release": does_nothing}},
        "`reserve` was undone, and its effect is still there",
    ),
    "a do that happens twice": ({"warehouse": {"reserve": twice}}, "`reserve` took effect more than once"),
    "a do that forgets its key": (
        {"payments": {"authorize": under_another_key_each_time}},
        "`authorize` took effect more than once",
    ),
    "an undo that forgets its key": (
        {"payments": {"void": under_another_key_each_time}},
        "`authorize` was undone where it had no effect",
    ),
    "a revoking undo without a tombstone": (
        {"warehouse": {"release": without_a_tombstone}},
        "`reserve` was undone, and its effect is still there",
    ),
    "a probe that lies": ({"payments": {"find": does_nothing}}, "the effect of `authorize` is still there"),
    "an effect behind a transient answer": (
        {"warehouse": {"reserve": refuses_after_the_fact}},
        "the run is compensated, and the effect of `reserve` is still there",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_service_that_breaks_its_contract_is_found(name: str, generated: tuple[Any, Any]) -> None:
    changed, told = MUTANTS[name]
    assert told in found(generated, bound(**changed))


def test_an_undo_order_that_was_lost_is_found(generated: tuple[Any, Any]) -> None:
    order, tests = generated
    steps = tuple(msgspec.structs.replace(step, undo_after=()) for step in order.PLACE_ORDER.steps)

    class Disordered(order.PlaceOrder):  # type: ignore[misc, name-defined]  # generated while the tests run
        plan = msgspec.structs.replace(order.PLACE_ORDER, steps=steps)

    findings = [finding for case in tests.PLACE_ORDER_CASES for finding in play(Disordered, case).findings]
    assert "the undo of `reserve` was sent before `authorize` was undone" in findings


def test_a_fault_that_never_struck_fails(generated: tuple[Any, Any]) -> None:
    order, tests = generated
    faults = (Refused("reserve", "OutOfStock"), Refused("capture", "CaptureDenied"))
    case = replace(tests.PLACE_ORDER_CASES[0], faults=faults, ends="compensated")
    assert play(order.PlaceOrder, case).findings == (f"never happened: {faults[1]}",)


def test_an_end_or_an_order_that_is_not_the_case_s_fails(generated: tuple[Any, Any]) -> None:
    order, tests = generated
    case = replace(tests.PLACE_ORDER_CASES[0], ends="compensated", order=(("do", "ship"), ("do", "reserve")))
    assert play(order.PlaceOrder, case).findings == (
        "the run ended completed, not compensated",
        "reserve did not happen where it should",
    )


# --- contracts with less to rely on --------------------------------------------------------------------------------

BARE = """
service old {
  owner "old"
  command plain(id: uuid)
  command undo(id: uuid)
  command probed(id: uuid)
    lands within 5m
    probe look(id)
  query look(id: uuid) -> { found: string }?
}
saga Bare version 1 {
  key id
  input { id: uuid }
  step first { do old.plain(id)  compensate old.undo(id)  on unknown hold }
  step second after first { do old.probed(id)  compensate old.undo(id) }
  step third after second { do old.look(id) }
}
"""


def test_calls_without_idempotence_are_held_or_asked_about(tmp_path: Path) -> None:
    for name, text in from_text(BARE).modules.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    bare: Any = imported(tmp_path, "a")
    given = {"id": "00000000-0000-4000-8000-000000000001"}

    def ends(*faults: Any) -> tuple[str, ...]:
        return play(bare.Bare, Case("a", given, faults, ends="any")).findings

    assert ends(Unanswered("first")) == ("the run ended held, not any; first (do): timed out after 30s",)
    assert ends(Unanswered("second")) == ("the run ended completed, not any",)
    assert ends(Late("second")) == ("the run ended completed, not any",)
    assert ends(Unanswered("third")) == ("the run ended compensated, not any",)


def test_a_service_may_bear_a_name_of_the_saga_class_itself(tmp_path: Path) -> None:
    text = """
    saga Printed version 1 {
      key id
      input { id: uuid }
      step first { do output.print(id)  compensate output.pulp(id) }
      step second after first { do input.scan(id)  compensate input.forget(id) }
    }
    """
    for name, module in from_text(text).modules.items():
        (tmp_path / name).write_text(module, encoding="utf-8")
    printed: Any = imported(tmp_path, "a")
    case = Case("a", {"id": "00000000-0000-4000-8000-000000000001"}, ends="completed")
    assert play(printed.Printed, case).findings == ()


# --- time ----------------------------------------------------------------------------------------------------------


def test_a_year_passes_in_no_time() -> None:
    async def sleep() -> float:
        await asyncio.gather(*(asyncio.sleep(days * 24 * 3600) for days in range(365)))
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert pace.run(sleep()) == pytest.approx(364 * 24 * 3600)
    assert time.monotonic() - started < 5


def test_time_stands_by_while_something_real_is_in_progress() -> None:
    async def race() -> str:
        async def real() -> str:
            with pace.real_time():
                await asyncio.to_thread(time.sleep, 0.05)
                return "real"

        done, _ = await asyncio.wait(
            [asyncio.create_task(real(), name="real"), asyncio.create_task(asyncio.sleep(60), name="sixty seconds")],
            return_when=asyncio.FIRST_COMPLETED,
        )
        return done.pop().get_name()

    assert pace.run(race()) == "real"

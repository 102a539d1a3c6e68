"""Handlers are found and checked when a runtime opens, never first in the middle of a rollback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from msgspec.structs import replace
from tests.runtime.world import FakeWorld, Receipt, Trip, World, plan, step

from sagac.runtime import BindingError, Call, JournalPlaceError, MemoryJournal, Runtime
from sagac.runtime.services import bind

SHAPE = plan(step("a"), step("b", "a"))


def findings(world: Any, shape: Any = SHAPE) -> tuple[str, ...]:
    with pytest.raises(BindingError) as refused:
        bind([Trip(plan=shape, world=world)])
    return refused.value.findings


def test_a_whole_service_is_bound_with_all_its_commands() -> None:
    bound = bind([Trip(plan=SHAPE, world=FakeWorld())])
    assert sorted(bound.services["trip.Trip"]) == [("world", "act"), ("world", "back"), ("world", "look")]


def test_all_that_does_not_fit_is_told_at_once() -> None:
    class Half:
        async def act(self, call: Call, *, step: str) -> Receipt:
            raise AssertionError

        back = "not a function"

    assert findings(Half()) == (
        "the handler of `world.act` of saga `trip.Trip` does not take `trip`",
        "`world.back` of saga `trip.Trip` has no handler",
        "`world.look` of saga `trip.Trip` has no handler",
    )


def test_a_handler_that_wants_more_than_it_gets_is_refused() -> None:
    class Greedy(FakeWorld):
        async def act(self, call: Call, *, step: str, trip: str, more: str) -> Receipt:  # type: ignore[override]  # the defect under test
            raise AssertionError

    assert findings(Greedy()) == ("the handler of `world.act` of saga `trip.Trip` asks for `more`, which nobody gives",)


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (lambda call, *, step, tripp: None, "does not take `trip`; asks for `tripp`, which nobody gives"),
        (lambda *, step, trip: None, "has no first parameter for `call`"),
        (lambda step, trip: None, "has `step` where `call` comes first"),
        (lambda call, other, **rest: None, "asks for `other`, which nobody gives"),
        (lambda call, step, /, trip: None, "does not take `step`; asks for `step` by its place"),
        (lambda: None, "has no first parameter for `call`; does not take `step`; does not take `trip`"),
    ],
)
def test_a_handler_that_cannot_be_called_is_told_why(handler: Callable[..., None], said: str) -> None:
    class Odd(FakeWorld):
        act = staticmethod(handler)  # type: ignore[assignment]  # the defect under test

    assert findings(Odd()) == (f"the handler of `world.act` of saga `trip.Trip` {said}",)


@pytest.mark.parametrize(
    "handler", [lambda *all, **rest: None, lambda call, step, trip, more=1: None, lambda call, **rest: None]
)
def test_a_handler_may_take_more_than_it_gets(handler: Callable[..., None]) -> None:
    class Open(FakeWorld):
        act = staticmethod(handler)  # type: ignore[assignment]  # any shape that can be called

    world: Any = Open()
    assert bind([Trip(plan=SHAPE, world=world)]).services


def test_a_plan_that_calls_what_no_protocol_names_is_refused() -> None:
    odd = step("a")
    shape = plan(replace(odd, call=replace(odd.call, command="other")))
    assert findings(FakeWorld(), shape) == ("`world.other` of saga `trip.Trip` is in no protocol of its binding",)


def test_a_saga_is_bound_once() -> None:
    saga = Trip(plan=SHAPE, world=FakeWorld())
    with pytest.raises(BindingError, match="bound twice"):
        Runtime(journal=MemoryJournal(), sagas=[saga, saga])


@pytest.mark.parametrize(
    ("sagas", "said"),
    [
        ([Trip], "`Trip` is not bound: `Trip(world=…)`"),
        (Trip(plan=SHAPE, world=FakeWorld()), "`sagas` takes several: `sagas=[Trip(world=…)]`"),
        (None, "`sagas` takes bound sagas in a list, not a `NoneType`"),
        ([None, FakeWorld()], "a `NoneType` is no bound saga; a `FakeWorld` is no bound saga"),
    ],
)
def test_what_is_no_bound_saga_is_told_in_one_line(sagas: Any, said: str) -> None:
    with pytest.raises(BindingError) as refused:
        Runtime(journal=MemoryJournal(), sagas=sagas)
    assert str(refused.value) == f"{said} (a retry cannot help)"


@pytest.mark.parametrize("journal", [None, Path("runs.db")])
def test_what_is_no_journal_is_told_in_one_line(journal: Any) -> None:
    with pytest.raises(JournalPlaceError, match="is no journal: write `sqlite:///` and a path"):
        Runtime(journal=journal, sagas=[Trip(plan=SHAPE, world=FakeWorld())])


def test_a_service_named_like_a_part_of_the_binding_is_found_beside_it() -> None:
    class Odd(Trip):
        protocols = {"plan": World}  # noqa: RUF012 - as a generated class has it
        plan_ = FakeWorld()

    saga = Odd(plan=plan(step("a", call=replace(step("a").call, service="plan"), undo=None)), world=FakeWorld())
    assert ("plan", "act") in bind([saga]).services["trip.Trip"]


def test_commands_that_a_protocol_inherits_count_too() -> None:
    class More(World, Protocol):
        async def more(self, call: Call) -> None: ...

    class MoreTrip(Trip):
        protocols = {"world": More}  # noqa: RUF012 - as a generated class has it

    saga = MoreTrip(plan=SHAPE, world=FakeWorld())
    with pytest.raises(BindingError, match=r"`world.more` of saga `trip.Trip` has no handler"):
        bind([saga])


def test_each_saga_is_served_by_its_own_handlers_and_a_strange_one_by_any() -> None:
    first, second = FakeWorld(), FakeWorld()
    other = plan(step("a"), saga="trip.Other")
    bound = bind([Trip(plan=SHAPE, world=first), Trip(plan=other, world=second)])
    found = [bound.find(saga, "world", "act") for saga in ("trip.Trip", "trip.Other", "trip.Gone")]
    assert [getattr(handler and handler.function, "__self__", None) for handler in found] == [first, second, first]
    assert bound.missing("trip.Gone", [step("a").call, replace(step("a").call, service="moon")]) == ("moon.act",)

"""The demo's services keep the contracts that the specs declare for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pytest
from demo.participants import crm, fx, ledger, partner_bank, payments, warehouse
from demo.participants.faults import Fault
from demo.participants.participant import GONE, MISUSED, OK, REFUSED, Participant, Request, Service

T = TypeVar("T")

Start: TypeAlias = Callable[[Service], Participant]

PAYMENT = {"purchase": "p1", "order": "PO-1", "amount": "47500.00"}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Participant] = []

    def one(service: Service) -> Participant:
        started.append(Participant(service, tmp_path / f"{len(started)}.db", {}))
        return started[-1]

    yield one
    for there in started:
        there.connection.close()


def call(
    there: Participant, operation: str, key: str = "", undoes: str = "", **body: Any
) -> tuple[int, dict[str, Any]]:
    return run(there.receive(Request(operation, body, key, undoes)))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def charged(there: Participant) -> str:
    return str(there.state({"purchase": "p1"})["charged"])


def test_two_payments_under_one_key_are_one(start: Start) -> None:
    there = start(payments.SERVICE)
    assert call(there, "pay", "k1", **PAYMENT) == call(there, "pay", "k1", **PAYMENT)
    assert there.state({"purchase": "p1"}) == {"charged": "47500.00", "payments": 1, "refunds": 0}


def test_without_keys_every_retry_is_a_payment(start: Start) -> None:
    there = start(payments.SERVICE)
    for _ in range(4):
        call(there, "pay", **PAYMENT)
    assert charged(there) == "190000.00"


def test_a_key_with_another_payload_is_refused(start: Start) -> None:
    there = start(payments.SERVICE)
    call(there, "pay", "k1", **PAYMENT)
    assert call(there, "pay", "k1", **{**PAYMENT, "amount": "1.00"})[0] == MISUSED


def test_a_refund_before_its_payment_keeps_the_payment_from_landing(start: Start) -> None:
    there = start(payments.SERVICE)
    assert call(there, "refund", "k2", undoes="k1", purchase="p1", amount="47500.00")[0] == OK
    assert call(there, "pay", "k1", **PAYMENT)[0] == GONE
    assert there.state({"purchase": "p1"}) == {"charged": "0", "payments": 0, "refunds": 0}


def test_a_refund_sent_twice_refunds_once(start: Start) -> None:
    there = start(payments.SERVICE)
    call(there, "pay", "k1", **PAYMENT)
    for _ in range(2):
        assert call(there, "refund", "k2", undoes="k1", purchase="p1", amount="47500.00")[0] == OK
    assert there.state({"purchase": "p1"}) == {"charged": "0", "payments": 1, "refunds": 1}


def test_a_late_payment_lands_for_those_who_did_not_revoke_it(start: Start) -> None:
    there = start(payments.SERVICE)
    there.faults.coming.append(Fault("pay", "p1", "late"))

    async def paid_late() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(there.receive(Request("pay", PAYMENT)), 0.01)
        assert charged(there) == "0"
        assert [status for status, _ in await there.deliver("p1")] == [OK]

    run(paid_late())
    assert charged(there) == "47500.00"


def test_a_lost_answer_has_had_its_effect(start: Start) -> None:
    there = start(payments.SERVICE)
    there.faults.coming.append(Fault("pay", "p1", "lose"))

    async def lost() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(there.receive(Request("pay", PAYMENT, "k1")), 0.01)

    run(lost())
    assert charged(there) == "47500.00"
    assert call(there, "pay", "k1", **PAYMENT)[0] == OK
    assert charged(there) == "47500.00"


def test_two_copies_of_a_slow_call_take_turns(start: Start) -> None:
    there = start(payments.SERVICE)
    there.faults.coming.append(Fault("pay", "p1", "slow", seconds=0.02))

    async def both() -> list[Any]:
        copies = (there.receive(Request("pay", PAYMENT, "k1")) for _ in range(2))
        return list(await asyncio.gather(*copies))

    first, second = run(both())
    assert first == second
    assert charged(there) == "47500.00"


def test_a_revoke_that_overtakes_a_slow_call_wins(start: Start) -> None:
    there = start(payments.SERVICE)
    there.faults.coming.append(Fault("pay", "p1", "slow", seconds=0.02))
    refund = Request("refund", {"purchase": "p1", "amount": "47500.00"}, "k2", "k1")

    async def both() -> tuple[int, dict[str, Any]]:
        slow = asyncio.create_task(there.receive(Request("pay", PAYMENT, "k1")))
        await asyncio.sleep(0)
        await there.receive(refund)
        return await slow

    assert run(both())[0] == GONE
    assert charged(there) == "0"


def test_a_refusal_answers_its_key_for_good(start: Start) -> None:
    there = start(partner_bank.SERVICE)
    credit = {"transfer": "t1", "recipient": "Meridian Shell Ltd", "euros": "116400.00"}
    assert call(there, "credit", "k1", **credit) == (REFUSED, {"refused": "SanctionsHit"})
    assert call(there, "credit", "k1", **credit) == (REFUSED, {"refused": "SanctionsHit"})
    assert there.history("t1")[0]["outcome"] == "SanctionsHit"
    assert len(there.history("t1")) == 1


def test_the_desk_books_what_the_way_back_costs(start: Start) -> None:
    there = start(fx.SERVICE)
    _, bought = call(there, "convert", "k1", transfer="t1", pounds="100000.00")
    assert bought == {"rate": "1.164", "euros": "116400.00"}
    assert there.state({"transfer": "t1"})["holding"] == "116400.00"
    for _ in range(2):
        call(there, "unwind", "k2", transfer="t1", euros="116400.00", pounds="100000.00", losses="fx-losses")
    assert there.state({"transfer": "t1"}) == {"holding": "0", "reversals": 1, "booked": "512.82"}


def test_the_ledger_gives_back_exactly_what_it_took(start: Start) -> None:
    there = start(ledger.SERVICE)
    leg = {"transfer": "t1", "account": "a", "amount": "100000.00"}
    call(there, "debit", "k1", **leg)
    assert there.state({"account": "a"}) == {"balance": "150000.00"}
    call(there, "recredit", "k2", undoes="k1", **leg)
    assert there.state({"account": "a"}) == {"balance": "250000.00"}


def test_a_refused_reservation_changes_nothing(start: Start) -> None:
    there = start(warehouse.SERVICE)
    assert call(there, "reserve", "k1", purchase="p1", sku="s", quantity=501) == (REFUSED, {"refused": "OutOfStock"})
    assert there.state({"sku": "s"}) == {"available": 500, "reserved": 0}


def test_what_is_deleted_cannot_be_deleted_again_without_its_key(start: Start) -> None:
    there = start(crm.SERVICE)
    call(there, "create_client", "k1", client="c", name="n")
    assert call(there, "delete_client", client="c")[0] == OK
    assert call(there, "delete_client", client="c")[0] == REFUSED

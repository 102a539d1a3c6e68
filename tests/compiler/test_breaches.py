"""Claims about effects: refuted by a breach that can happen, proved on what the proof needs, or about nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import pytest

from sagac.compiler import breaches, logic, solver
from sagac.compiler.logic import Symbol, Term, Value
from sagac.compiler.obligations.obligation import Breach, Kept, Premise
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted, Undecided, Vacuous

CLAIM = Claim("B1", "Trip", "reserve", "the undo restores what was there", Span("trip.saga", 0, 0))

N, M = Symbol("n", "int"), Symbol("m", "int")


def less(left: Term, right: Term) -> Term:
    return logic.less(left, right, strictly=True)


POSITIVE = Premise(less(logic.number(0), N), "`n` is positive")
PROMISED = Premise(less(N, M), "`n` is less than `m`", promise="the contract of `reserve`")
NEEDLESS = Premise(less(logic.number(-9), M), "`m` is not tiny", promise="the contract of nobody")
NEGATIVE = Premise(less(N, logic.number(0)), "`n` is negative")


def tell(values: Mapping[str, Value]) -> Refuted:
    return Refuted(Critical(tuple(f"{name} = {value}" for name, value in values.items())), "it goes wrong")


def kept(*told: tuple[tuple[Premise, ...], Term], shallow: str = "", rests_on: tuple[str, ...] = ()) -> Kept:
    def found() -> Iterator[Breach]:
        return (Breach(premises, broken, tell) for premises, broken in told)

    return Kept(CLAIM, found, shallow, rests_on)


NEGATIVE_M = less(M, logic.number(0))


def test_a_claim_that_nothing_breaks_is_proved_on_what_the_proof_needs() -> None:
    found = breaches.judged(kept(((PROMISED, NEEDLESS, POSITIVE), NEGATIVE_M), rests_on=("another",), shallow="little"))
    assert found == Proved(("another", "the contract of `reserve`"), "little")


def test_a_proof_rests_on_a_promise_only_where_nothing_else_suffices() -> None:
    known = Premise(less(logic.number(5), M), "`m` is more than five")
    assert breaches.judged(kept(((PROMISED, POSITIVE, known), NEGATIVE_M))) == Proved()


def test_the_first_breach_that_can_happen_is_told_with_the_plainest_values() -> None:
    obligation = kept(((POSITIVE, PROMISED), NEGATIVE_M), ((POSITIVE,), less(N, M)), ((), NEGATIVE_M))
    found = breaches.judged(obligation)
    assert found == Refuted(Critical(("n = 1", "m = 2")), "it goes wrong")


def test_a_claim_whose_premises_contradict_one_another_speaks_of_no_run() -> None:
    found = breaches.judged(kept(((POSITIVE, NEGATIVE, PROMISED), NEGATIVE_M)))
    assert found == Vacuous("it speaks of no run, since these never hold together: `n` is positive; `n` is negative")
    never = Premise(less(N, N), "`n` is less than itself")
    assert breaches.judged(kept(((never,), NEGATIVE_M))) == Vacuous(
        "it speaks of no run, since this never holds: `n` is less than itself"
    )


def test_one_breach_that_speaks_of_a_run_is_enough() -> None:
    obligation = kept(((POSITIVE, NEGATIVE), NEGATIVE_M), ((POSITIVE, PROMISED), NEGATIVE_M))
    assert breaches.judged(obligation) == Proved(("the contract of `reserve`",))


def test_what_the_solver_gives_up_on_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "EFFORT", 1)
    names = [Symbol(f"given up {number}", "int") for number in range(9)]
    sums = tuple(
        Premise(logic.equal(logic.added(*names), logic.scaled(Fraction(place + 2), name)), f"sum {place}")
        for place, name in enumerate(names)
    )
    obligation = kept((sums, less(logic.number(7), names[0])))
    assert breaches.judged(obligation) == Undecided(breaches.UNKNOWN)
    assert [asked.answer for asked in breaches.asked(obligation)] == ["unknown", "unknown"]


def test_what_was_asked_is_told_with_the_premises_that_were_needed() -> None:
    asked = list(
        breaches.asked(kept(((PROMISED, NEEDLESS, POSITIVE), NEGATIVE_M), ((POSITIVE,), less(N, M)), ((), NEGATIVE_M)))
    )
    assert [one.answer for one in asked] == ["sat", "unsat", "sat", "sat"]
    assert asked[1].needed == ("`n` is positive", "`n` is less than `m`")
    assert all(one.claim == CLAIM and solver.answer(one.text) == one.answer for one in asked)

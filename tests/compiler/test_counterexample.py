"""A refutation is shown only as a run that the kernel has gone through."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from sagac.compiler import counterexample, driver, proofs, readback
from sagac.compiler.driver import Checked
from sagac.compiler.source import Span
from sagac.compiler.verdicts import (
    Assumed,
    Claim,
    Family,
    Judgement,
    Proved,
    Refuted,
    Situation,
    Undecided,
    Vacuous,
    Verdict,
)
from sagac.runtime.plan import Plan, digest

TODAY = date(2026, 11, 21)
PLACE = Span("trip.saga", 0, 4)

SERVICES = """
service air {
  command book(trip: uuid) -> { seat: int }
    idempotent
    fails SoldOut
  command cancel(trip: uuid)
    idempotent
    revokes book
  query weather(trip: uuid) -> { degrees: int }
}

service stay {
  command book(trip: uuid, nights: int)
    idempotent
    fails NoRoom
  command cancel(trip: uuid)
    idempotent
    revokes book
}

service cab {
  command order(trip: uuid)
    idempotent
    fails NoCab
}
"""

TRIP = (
    SERVICES
    + """
saga Trip version 1 {
  key trip
  input { trip: uuid  nights: int where nights > 2 }

  step flight {
    do air.book(trip)
    compensate air.cancel(trip)
  }

  step weather after flight { do air.weather(trip) }

  step hotel after weather {
    when nights > 5
    do stay.book(trip, nights)
    compensate stay.cancel(trip)
  }

  pivot step ride after hotel {
    do cab.order(trip)
    irreversible because "the cab is on its way"
    retry forever
  }
}
"""
)


def checked(text: str = TRIP) -> Checked:
    found = driver.check_text(text, TODAY, "trip.saga")
    assert not [finding.message for finding in found.diagnostics if finding.severity == "error"]
    return found


def judged(family: Family, step: str, situation: Situation, message: str = "it goes wrong") -> Judgement:
    return Judgement(Claim(family, "Trip", step, f"`{step}` is fine", PLACE), Refuted(situation, message))


def replay(judgement: Judgement, of: Checked) -> counterexample.Replayed | None:
    return counterexample.explain(judgement, of.project, of.saga("Trip"), of.plans["Trip"])


def lines(replayed: counterexample.Replayed | None) -> list[str]:
    assert replayed is not None
    return [" ".join(line.split()) for line in replayed.trace]


# --- what does not happen is not shown -----------------------------------------------------------------------------

UNTRUE = {
    "A1: the step has an undo that works": judged(
        "A1", "flight", Situation(("flight", "weather", "hotel"), failed={"hotel": "NoRoom"}, subject="flight")
    ),
    "A1: the pivot is the last to fail": judged(
        "A1", "ride", Situation(("flight", "weather", "hotel", "ride"), failed={"ride": "NoCab"}, subject="ride")
    ),
    "A2: exactly one compensation applies": judged(
        "A2", "flight", Situation(("flight", "weather"), cancelled=True, subject="flight")
    ),
    "A3: the plan waits as it should": judged(
        "A3",
        "flight",
        Situation(("flight", "weather", "hotel"), cancelled=True, input={"nights": 6}, subject="flight", other="hotel"),
    ),
    "C1: the doubt is settled by a revoking undo": judged(
        "C1", "flight", Situation(unknown="flight", subject="flight")
    ),
    "C1: the call is answered": judged("C1", "flight", Situation(("flight",), subject="flight")),
    "D1: the step reads nothing that is missing": judged("D1", "hotel", Situation(("flight",), subject="hotel")),
    "D2: the undo reads nothing that is missing": judged("D2", "flight", Situation(unknown="flight", subject="flight")),
    "a step that has not been reached": judged(
        "A1", "hotel", Situation(("hotel",), failed={"hotel": "NoRoom"}, subject="hotel")
    ),
    "an input that is refused": judged(
        "A1", "flight", Situation(("flight",), input={"nights": 1}, cancelled=True, subject="flight")
    ),
}


@pytest.mark.parametrize("judgement", UNTRUE.values(), ids=UNTRUE)
def test_a_situation_that_does_not_replay_is_undecided(judgement: Judgement) -> None:
    of = checked()
    assert replay(judgement, of) is None
    (confirmed,), (finding,) = counterexample.confirm([judgement], of.project, of.plans)
    assert isinstance(confirmed.verdict, Undecided)
    assert confirmed.verdict.reason.startswith("the run that was found does not break it: ")
    assert finding.severity == "error"
    assert finding.trace == ()


# --- what happens is shown -----------------------------------------------------------------------------------------


def without_undo(plan: Plan, name: str) -> Plan:
    """The plan as it would be if nothing undid this step."""
    steps = tuple(
        msgspec.structs.replace(step, undos=(), remains="irreversible", because="it is gone", doubt="hold")
        if step.name == name
        else step
        for step in plan.steps
    )
    return msgspec.structs.replace(plan, steps=steps)


def test_an_effect_without_an_undo_stays_when_the_run_turns() -> None:
    of = checked()
    situation = Situation(
        ("flight", "weather", "hotel"), failed={"hotel": "NoRoom"}, input={"nights": 6}, subject="flight", other="hotel"
    )
    plan = without_undo(of.plans["Trip"], "flight")
    replayed = counterexample.explain(judged("A1", "flight", situation), of.project, of.saga("Trip"), plan)
    assert lines(replayed) == [
        "flight air.book(trip) done",
        "weather air.weather(trip) done",
        "hotel stay.book(trip, nights = 6) refused: NoRoom",
        "the run turns back",
        "the undo of `flight` is held: irreversible: it is gone",
        "`flight` has no undo: it stays",
    ]


def test_spent_retries_fail_a_step_as_a_refusal_does() -> None:
    of = checked()
    situation = Situation(("flight", "weather", "hotel"), failed={"hotel": ""}, input={"nights": 6}, subject="flight")
    plan = without_undo(of.plans["Trip"], "flight")
    replayed = counterexample.explain(judged("A1", "flight", situation), of.project, of.saga("Trip"), plan)
    assert "hotel stay.book(trip, nights = 6) fails: not applied, 4 attempts" in lines(replayed)


def test_values_that_a_situation_leaves_open_meet_every_where() -> None:
    of = checked()
    situation = Situation(("flight",), cancelled=True, subject="flight")
    plan = without_undo(of.plans["Trip"], "flight")
    replayed = counterexample.explain(judged("A1", "flight", situation), of.project, of.saga("Trip"), plan)
    assert replayed is not None
    nights = replayed.moments[0].run.input["nights"]
    assert isinstance(nights, int)
    assert nights > 2


# --- a tampered module ---------------------------------------------------------------------------------------------


def tampered(of: Checked) -> dict[str, Plan]:
    """The plan as read back from a module in which `flight` is undone without waiting: text and digest agree."""
    (text,) = of.modules.values()
    plan = of.plans["Trip"]
    flight, *rest = plan.steps
    wrong = msgspec.structs.replace(plan, steps=(msgspec.structs.replace(flight, undo_after=()), *rest))
    line = '            undo_after=("weather",),\n'
    assert text.count(line) == 1
    changed = text.replace(line, "").replace(digest(plan), digest(wrong))
    plans = readback.plans(changed)
    assert plans == (wrong,)
    return {"Trip": wrong}


def verdicts(of: Checked, plans: dict[str, Plan]) -> tuple[Judgement, ...]:
    return proofs.judge(of.project, of.saga("Trip"), of.graphs["Trip"], plans["Trip"])


def test_an_undo_order_that_forgets_the_way_through_a_query_is_refuted_with_the_run_that_shows_it() -> None:
    of = checked()
    plans = tampered(of)
    judgements, findings = counterexample.confirm(verdicts(of, plans), of.project, plans)
    found = [finding for finding in findings if finding.code == "A3" and finding.step == "flight"]
    assert found
    assert all(finding.severity == "error" for finding in found)
    assert any(isinstance(judgement.verdict, Refuted) for judgement in judgements)


def test_undoing_a_flight_before_the_hotel_that_came_after_it_is_shown() -> None:
    of = checked()
    plans = tampered(of)
    situation = Situation(
        ("flight", "weather", "hotel"), input={"nights": 6}, cancelled=True, subject="flight", other="hotel"
    )
    replayed = counterexample.explain(judged("A3", "flight", situation), of.project, of.saga("Trip"), plans["Trip"])
    assert lines(replayed) == [
        "flight air.book(trip) done",
        "weather air.weather(trip) done",
        "the run is cancelled",
        "the run turns back",
        "hotel stay.book(trip, nights = 6) done",
        "undo flight air.cancel(trip) undone",
        "undo hotel stay.cancel(trip) undone",
        "the run ends compensated",
        "the undo of `flight` is sent before the undo of `hotel` is confirmed",
    ]


# --- findings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [Proved(), Assumed(("`air.book` is idempotent",))])
def test_what_holds_is_no_finding(verdict: Verdict) -> None:
    of = checked()
    judgement = Judgement(Claim("A1", "Trip", "flight", "`flight` is fine", PLACE), verdict)
    assert counterexample.confirm([judgement], of.project, of.plans) == ((judgement,), ())


def test_a_vacuous_claim_is_a_finding_of_its_family_or_of_the_code_that_it_names() -> None:
    of = checked()
    claim = Claim("A6", "Trip", "hotel", "some run reaches `hotel`", PLACE)
    dead = Judgement(claim, Vacuous("`hotel` never runs", ("drop it",)))
    always = Judgement(claim, Vacuous("the `when` of `hotel` is always true", code="W702"))
    _, findings = counterexample.confirm([dead, always], of.project, of.plans)
    assert [(finding.code, finding.severity) for finding in findings] == [("A6", "error"), ("W702", "warning")]


def test_what_the_solver_gave_up_on_is_a_finding() -> None:
    of = checked()
    judgement = Judgement(Claim("A1", "Trip", "flight", "`flight` is fine", PLACE), Undecided("the limit"))
    (kept,), (finding,) = counterexample.confirm([judgement], of.project, of.plans)
    assert kept == judgement
    assert finding.severity == "error"
    assert finding.labels[0].text == "the limit"


def test_a_saga_with_very_many_refutations_shows_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counterexample, "SHOWN_MIN", 2)
    monkeypatch.setattr(counterexample, "REPLAYED_STEPS_MAX", 0)
    of = checked()
    plans = {"Trip": without_undo(of.plans["Trip"], "flight")}
    situation = Situation(("flight", "weather"), cancelled=True, subject="flight")
    judgements = [judged("A1", "flight", situation, f"number {number}") for number in range(4)]
    confirmed, findings = counterexample.confirm(judgements, of.project, plans)
    assert [type(judgement.verdict) for judgement in confirmed] == [Refuted, Refuted, Undecided, Undecided]
    assert [finding.message for finding in findings] == ["number 0", "number 1"]


def test_what_does_not_replay_is_no_finding_beside_what_does() -> None:
    of = checked()
    plans = {"Trip": without_undo(of.plans["Trip"], "flight")}
    true = judged("A1", "flight", Situation(("flight", "weather"), cancelled=True, subject="flight"))
    untrue = judged("C1", "flight", Situation(("flight",), subject="flight"))
    confirmed, findings = counterexample.confirm([untrue, true], of.project, plans)
    assert isinstance(confirmed[0].verdict, Undecided)
    assert [finding.code for finding in findings] == ["A1"]


# --- long runs -----------------------------------------------------------------------------------------------------


def after(number: int) -> str:
    return f"after s{number - 1} " if number else ""


def long_chain(length: int) -> str:
    steps = "".join(
        f"  step s{number} {after(number)}{{ do air.book(trip)  compensate air.cancel(trip) }}\n"
        for number in range(length)
    )
    return f"{SERVICES}\nsaga Trip version 1 {{\n  key trip\n  input {{ trip: uuid }}\n{steps}}}\n"


def test_a_long_chain_is_told_in_a_few_lines() -> None:
    of = checked(long_chain(30))
    order = tuple(f"s{number}" for number in range(30))
    situation = Situation(order, failed={"s29": "SoldOut"}, subject="s20", other="s29")
    plan = without_undo(of.plans["Trip"], "s20")
    replayed = counterexample.explain(judged("A1", "s20", situation), of.project, of.saga("Trip"), plan)
    assert lines(replayed) == [
        "20 steps done: `s0` to `s19`",
        "s20 air.book(trip) done",
        "8 steps done: `s21` to `s28`",
        "s29 air.book(trip) refused: SoldOut",
        "the run turns back",
        "8 steps undone: `s28` to `s21`",
        "the undo of `s20` is held: irreversible: it is gone",
        "`s20` has no undo: it stays",
    ]

"""What `check` says after the findings is short, honest and complete."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sagac.compiler import report
from sagac.compiler.diagnostics import Diagnostic, Label, Severity
from sagac.compiler.model import Call, Handler, Project, Saga, Step, Unproved
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
from sagac.runtime import plan as plans
from sagac.runtime.plan import Plan, Schedule

PLACE, NAME, CLAUSE = Span("trip.saga", 0, 90), Span("trip.saga", 5, 9), Span("trip.saga", 20, 30)
DEFAULT = Schedule(timeout_ms=30_000, retries=3, backoff_first_ms=200, backoff_max_ms=10_000)
WRITTEN = Schedule(timeout_ms=5_000, retries=None, backoff_first_ms=200, backoff_max_ms=60_000)


def step(name: str, *, is_default: bool) -> Step:
    call = Call("air", "book", (), (), CLAUSE)
    return Step(
        name=name,
        call=call,
        dependencies=(),
        guard=None,
        otherwise_fails="",
        handlers=(Handler(Call("air", "cancel", (), (), CLAUSE), None, report.UNDO_DEFAULT, False, "", CLAUSE),),
        remainder=None,
        pivot=False,
        schedule=DEFAULT if is_default else WRITTEN,
        schedule_span=NAME if is_default else CLAUSE,
        holds_unknown=False,
        span=PLACE,
        name_span=NAME,
    )


def trip(*unproved: Unproved) -> Saga:
    return Saga(
        package="travel",
        name="Trip",
        version=2,
        owner="",
        key=("trip",),
        inputs=(),
        outputs=(),
        steps=(step("flight", is_default=True), step("hotel", is_default=False)),
        deadline_ms=None,
        rollback_within_ms=None,
        rollback_in_order=False,
        scenarios=(),
        waivers=(),
        unproved=unproved,
        span=PLACE,
        name_span=NAME,
    )


PLAN = Plan(
    saga="travel.Trip",
    version=2,
    key=("trip",),
    inputs=(),
    steps=(
        plans.Step("flight", plans.Call("air", "book"), DEFAULT, remains="left", because="miles are kept"),
        plans.Step(
            "hotel",
            plans.Call("stay", "book"),
            WRITTEN,
            undos=(plans.Undo(plans.Call("stay", "cancel"), DEFAULT, residue="a fee is due"),),
        ),
    ),
)


def judged(verdict: Verdict, family: Family = "A1", name: str = "flight") -> Judgement:
    return Judgement(Claim(family, "travel.Trip", name, f"`{name}` can be undone", PLACE), verdict)


REFUTED = Refuted(Situation(), "`flight` cannot be undone")


def text(judgements: Sequence[Judgement], *unproved: Unproved, verbose: bool = False) -> list[str]:
    project = Project({}, {}, (trip(*unproved),), ("trip.saga",))
    return report.text(project, {"travel.Trip": PLAN}, judgements, verbose=verbose).split("\n")


def test_a_saga_of_which_all_is_proved_has_one_headline() -> None:
    lines = text([judged(Proved()), judged(Proved(), "A2")])
    assert lines[0] == "travel.Trip version 2: all 2 claims proved (A1 A2)"


def test_the_headline_counts_each_verdict() -> None:
    verdicts = (
        Proved(),
        Assumed(("`air.book` is idempotent",)),
        REFUTED,
        Vacuous("`flight` is dead"),
        Undecided("limit"),
    )
    (headline, *rest) = text([judged(verdict) for verdict in verdicts])
    assert headline == ("travel.Trip version 2: 5 claims: 1 proved, 1 assumed, 1 refuted, 1 vacuous, 1 undecided (A1)")
    assert "  refuted         A1 of `flight`" in rest
    assert "  vacuous         A1 of `flight`" in rest
    assert "  undecided       A1 of `flight`" in rest


def test_an_assumption_is_named_once_with_all_that_rests_on_it() -> None:
    name = "`air.book` is idempotent"
    lines = text([judged(Assumed((name,)), "C1"), judged(Assumed((name,)), "C1", "hotel")])
    assert "  assumed         `air.book` is idempotent (C1 of `flight`, C1 of `hotel`)" in lines


def test_a_declared_promise_is_told_apart_from_an_assumption() -> None:
    lines = text([judged(Proved(("`air.cancel` revokes `book`",)), "C1")])
    assert "  relies on       `air.cancel` revokes `book`" in lines
    assert not any(line.startswith("  assumed") for line in lines)


def test_promises_of_one_kind_are_told_together() -> None:
    names = (
        *(f"`air.{name}` does what its `changes` say, and nothing else" for name in ("book", "cancel")),
        *(f"`air.{name}` is idempotent: a second call changes nothing" for name in ("cancel", "leave")),
        "`air.cancel` revokes `air.book`",
        "`air.leave` revokes `air.take`",
        "a handler returns by its timeout",
    )
    lines = text([judged(Proved(names), "C1")])
    assert lines[1:5] == [
        "  relies on       does what its `changes` say, and nothing else: `air.book`, `air.cancel`",
        "                  is idempotent, so a second call changes nothing: `air.cancel`, `air.leave`",
        "                  revokes: `air.cancel` (`air.book`), `air.leave` (`air.take`)",
        "                  a handler returns by its timeout",
    ]
    detailed = text([judged(Proved(names), "C1")], verbose=True)
    assert all(any(name in line for line in detailed) for name in names)


def test_what_is_not_proved_yet_is_named() -> None:
    clauses = [Unproved("ensure", f"ensure {at}", CLAUSE) for at in ("clean", "done")]
    lines = text([judged(Proved())], *clauses, Unproved("deadline", "a run ends within 1h", CLAUSE))
    assert "  not proved yet  `ensure` (2), `deadline`" in lines
    details = text([judged(Proved())], *clauses, verbose=True)
    assert "  not proved yet  `ensure`: ensure clean" in details
    assert "                  `ensure`: ensure done" in details


def test_the_defaults_that_were_filled_in_are_shown() -> None:
    lines = text([judged(Proved())])
    assert "  defaults        timeout 30s retry 3 times backoff 200ms to 10s for `flight`" in lines
    assert (
        "                  timeout 30s retry 10 times backoff 1s to 1m for undo of `flight`, undo of `hotel`" in lines
    )


def test_what_a_rollback_may_leave_behind_is_shown_with_the_reason() -> None:
    lines = text([judged(Proved())])
    assert "  may stay        `flight` (left): miles are kept" in lines
    assert "                  `hotel` (mitigated): a fee is due" in lines


def test_every_claim_is_listed_where_details_are_wanted() -> None:
    lines = text([judged(Proved()), judged(REFUTED, "A2", "hotel")], verbose=True)
    assert "  claims          proved    A1  `flight` can be undone" in lines
    assert "                  refuted   A2  `hotel` can be undone" in lines


def test_a_long_list_is_cut_where_no_details_are_wanted() -> None:
    judgements = [judged(Assumed((f"promise {number:03}",)), "C1") for number in range(50)]
    short = [line for line in text(judgements) if "promise" in line or "more (" in line]
    assert len(short) == report.LISTED_MAX + 1
    assert short[-1] == "                  and 30 more (`--verbose` lists them)"
    assert len([line for line in text(judgements, verbose=True) if "promise" in line]) == 50


def test_a_program_gets_the_same_facts() -> None:
    project = Project({}, {}, (trip(Unproved("ensure", "clean", CLAUSE)),), ())
    facts = report.data(project, {"travel.Trip": PLAN}, [judged(Assumed(("x",)), "C1")])
    assert isinstance(facts, list)
    (saga,) = facts
    assert isinstance(saga, dict)
    assert saga["verdicts"] == {"C1": {"assumed": 1}}
    assert saga["promises"] == [{"name": "x", "declared": False, "claims": ["C1 of `flight`"]}]
    assert saga["not_proved_yet"] == [{"clause": "ensure", "text": "clean"}]


def found(code: str, severity: Severity) -> Diagnostic:
    return Diagnostic(code, severity, "something", (Label(PLACE),))


@pytest.mark.parametrize(
    ("diagnostics", "judgements", "strict", "code"),
    [
        ([], [judged(Proved()), judged(Assumed(("x",)))], True, 0),
        ([found("A1", "error")], [judged(REFUTED)], False, 1),
        ([found("A6", "error")], [judged(Vacuous("dead"))], False, 1),
        ([found("S111", "error")], [], False, 1),
        ([found("S103", "error")], [], False, 3),
        ([], [judged(Undecided("limit"))], False, 3),
        ([found("A1", "error"), found("S103", "error")], [judged(Undecided("limit"))], False, 1),
        ([found("A1", "note")], [judged(REFUTED)], False, 0),
        ([found("A1", "note")], [judged(REFUTED)], True, 1),
        ([found("W601", "warning")], [], False, 0),
        ([found("W601", "warning")], [], True, 1),
        ([found("A1", "note")], [judged(Undecided("limit"))], True, 3),
    ],
    ids=[
        "proved and assumed",
        "refuted",
        "vacuous",
        "expired waiver",
        "undecided scenario",
        "undecided claim",
        "findings outrank undecided",
        "waived",
        "waived, strictly",
        "warning",
        "warning, strictly",
        "undecided outranks strictness",
    ],
)
def test_the_exit_code_says_what_a_pipeline_must_know(
    diagnostics: list[Diagnostic], judgements: list[Judgement], strict: bool, code: int
) -> None:
    assert report.exit_code(diagnostics, judgements, strict=strict) == code

"""A waiver answers for one finding, until a date."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import waivers
from sagac.compiler.diagnostics import Diagnostic, Label, Severity
from sagac.compiler.model import Saga, Waiver
from sagac.compiler.source import Span

TODAY = date(2026, 11, 21)
PLACE = Span("shop.saga", 10, 20)


def saga(*given: Waiver) -> Saga:
    return Saga(
        package="shop",
        name="Order",
        version=1,
        owner="",
        key=("order",),
        inputs=(),
        outputs=(),
        steps=(),
        deadline_ms=None,
        rollback_within_ms=None,
        rollback_in_order=False,
        scenarios=(),
        waivers=given,
        unproved=(),
        span=PLACE,
        name_span=PLACE,
    )


def waiver(code: str = "A1", step: str = "", until: str = "2026-12-31") -> Waiver:
    return Waiver(code, step, until, "ada", "the bank repays by hand", Span("shop.saga", 30, 40))


def found(code: str = "A1", step: str = "charge", severity: Severity = "error") -> Diagnostic:
    return Diagnostic(
        code, severity, "`charge` cannot be undone", (Label(PLACE),), ("help",), ("trace",), "shop.Order", step
    )


def test_a_waived_finding_becomes_a_note_that_says_who_answers_for_it_until_when_and_why() -> None:
    (note,) = waivers.apply([found()], [saga(waiver())], TODAY)
    assert (note.code, note.severity) == ("A1", "note")
    assert note.message == "waived until 2026-12-31 by `ada`: `charge` cannot be undone"
    assert [label.text for label in note.labels] == ["", "because: the bank repays by hand"]
    assert note.trace == ("trace",)


def test_a_waiver_counts_on_its_last_day_and_not_on_the_next() -> None:
    on_the_day = waivers.apply([found()], [saga(waiver(until="2026-11-21"))], TODAY)
    assert [each.severity for each in on_the_day] == ["note"]
    the_day_after = waivers.apply([found()], [saga(waiver(until="2026-11-20"))], TODAY)
    assert [(each.code, each.severity) for each in the_day_after] == [("A1", "error"), ("S111", "error")]


def test_an_expired_waiver_of_nothing_says_to_delete_it() -> None:
    (expired,) = waivers.apply([], [saga(waiver(until="2026-11-20"))], TODAY)
    assert expired.message == (
        "the waiver of `A1` by `ada` expired on 2026-11-20, and there is no such finding any more"
    )
    assert expired.help == ("delete the waiver",)


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        (waiver(code="A2"), found()),
        (waiver(step="ship"), found()),
        (waiver(), found(severity="note")),
        (waiver(code="S103"), found(code="S103")),
        (waiver(code="S120"), found(code="S120")),
        (waiver(code="S112"), found(code="S112")),
    ],
    ids=["another code", "another step", "only a note", "an undecided scenario", "undecided", "a waiver's own fault"],
)
def test_a_waiver_that_covers_nothing_is_an_error_and_changes_nothing(given: Waiver, finding: Diagnostic) -> None:
    kept, unused = waivers.apply([finding], [saga(given)], TODAY)
    assert kept == finding
    assert (unused.code, unused.severity) == ("S112", "error")


def test_a_finding_of_another_saga_is_not_covered() -> None:
    other = Diagnostic("A1", "error", "`charge` cannot be undone", (Label(PLACE),), (), (), "shop.Refund", "charge")
    assert [each.code for each in waivers.apply([other], [saga(waiver())], TODAY)] == ["A1", "S112"]


def test_one_waiver_does_not_cover_the_same_code_on_two_steps() -> None:
    findings = [found(step="charge"), found(step="ship")]
    *kept, wide = waivers.apply(findings, [saga(waiver())], TODAY)
    assert kept == findings
    assert wide.code == "S112"
    assert "`charge` and `ship`" in wide.message


def test_two_waivers_cover_the_same_code_on_two_steps() -> None:
    findings = [found(step="charge"), found(step="ship")]
    notes = waivers.apply(findings, [saga(waiver(step="charge"), waiver(step="ship"))], TODAY)
    assert [each.severity for each in notes] == ["note", "note"]

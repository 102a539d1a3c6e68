"""A mistake that made the parser leave something out is not reported again by the phases after it."""

from __future__ import annotations

import pytest

from sagac.compiler import aftermath, parser, resolver
from sagac.compiler.source import Source

SERVICES = """
service air {
  command book(trip: uuid) -> { pnr: string } idempotent
  command cancel(trip: uuid) idempotent
}
service stay {
  command book(trip: uuid, pnr: string) idempotent
  command cancel(trip: uuid) idempotent
}
"""
SAGA = """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight {
    do air.book(trip_id)
    compensate air.cancel(trip_id)
  }
  step hotel after flight {
    do stay.book(trip_id, flight.pnr)
    compensate stay.cancel(trip_id)
  }
}
"""
SPEC = SERVICES + SAGA


def said(text: str) -> list[str]:
    """The codes of the parser, and of the resolver as far as they can be believed."""
    file, syntax_findings = parser.parse(Source("a.saga", text))
    files = {"a.saga": file}
    _, names_findings = resolver.resolve(files)
    findings = [*syntax_findings, *aftermath.believable(names_findings, files)]
    return [finding.code for finding in findings if finding.severity != "note"]


def test_the_spec_is_clean() -> None:
    assert said(SPEC) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("do air.book(trip_id)", "do air.book(trip_id + )"),
        ("compensate air.cancel(trip_id)", "compensate air.cancel(trip_id +)"),
        ("compensate stay.cancel(trip_id)", "undo stay.cancel(trip_id)"),
        ("input { trip_id: uuid }", "input { trip_id uuid uuid }"),
        ("step flight {", "step {"),
        ("command cancel(trip: uuid) idempotent", "command cancel(trip uuid uuid) idempotent"),
        ("-> { pnr: string }", "-> { pnr string string }"),
    ],
)
def test_a_mistake_is_said_once(right: str, wrong: str) -> None:
    text = SPEC.replace(right, wrong, 1)
    assert text != SPEC
    assert said(text) == ["E101"]


def test_what_was_repaired_hides_nothing() -> None:
    text = SPEC.replace("compensate air", "compensat air").replace("flight.pnr", "flight.prn")
    codes = said(text)
    assert codes[0] == "E102"
    assert len(codes) == 2


def test_a_whole_step_is_still_looked_at_beside_a_broken_one() -> None:
    text = SPEC.replace("do air.book(trip_id)", "do air.book(trip_id + )").replace("trip_id, flight.pnr", "trip_id, 5")
    codes = said(text)
    assert codes[0] == "E101"
    assert [code[:2] for code in codes[1:]] == ["E3"]

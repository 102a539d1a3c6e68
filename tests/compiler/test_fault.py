"""A refutation about effects names the clauses that its story goes through, and no other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, exhibit, fault
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Family, History, Refuted

REFUTED = Path(__file__).parents[2] / "specs" / "refuted"


def checked(name: str) -> Checked:
    path = REFUTED / name / "wrong.saga"
    return driver.check([Source(path.name, path.read_text(encoding="utf-8"))], date(2026, 11, 21))


def named(found: Checked, family: Family) -> list[tuple[str, str]]:
    """The clauses at fault of the first refutation of a family, as they are written, and what is said of each."""
    (first, *_) = [
        each.verdict for each in found.judgements if each.claim.family == family and isinstance(each.verdict, Refuted)
    ]
    return [(found.sources[span.file].text[span.start : span.end], text) for span, text in first.also]


PLACES: list[tuple[str, Family, list[tuple[str, str]]]] = [
    (
        "b2_packing_a_sealed_box",
        "B2",
        [
            ("changes Parcel[order] open -> open { items += count }", "`depot.pack` needs this state"),
            ("changes Parcel[order] open -> sealed", "`depot.seal` leads from `open` to `sealed`"),
        ],
    ),
    (
        "b4_a_price_that_others_overwrite",
        "B4",
        [
            ("price == usual", "`shop.reprice` checks this"),
            ("price := special", "`shop.reprice` does this"),
        ],
    ),
    (
        "b5_stock_that_others_take",
        "B5",
        [
            ("available >= quantity", "`warehouse.take` checks this"),
            ("available -= quantity", "`warehouse.take` does this"),
        ],
    ),
    ("b6_one_seat_too_many", "B6", [("taken += 1", "`airline.seat` does this")]),
    ("c2_a_tag_that_may_be_printed_twice", "C2", [("tags += 1", "`depot.print` does this")]),
]


@pytest.mark.parametrize(("name", "family", "places"), PLACES, ids=[name for name, _, _ in PLACES])
def test_the_clauses_at_fault_are_named(name: str, family: Family, places: list[tuple[str, str]]) -> None:
    found = named(checked(name), family)
    assert sorted((" ".join(text.removeprefix("requires ").split()), said) for text, said in found) == sorted(places)


@pytest.mark.parametrize(("name", "family"), [(name, family) for name, family, _ in PLACES])
def test_without_any_of_them_the_same_story_does_not_do_the_same_harm(name: str, family: Family) -> None:
    found = checked(name)
    (judgement, *_) = [
        each for each in found.judgements if each.claim.family == family and isinstance(each.verdict, Refuted)
    ]
    assert isinstance(judgement.verdict, Refuted)
    assert isinstance(judgement.verdict.situation, History)
    history = exhibit.completed(found, judgement.verdict.situation)
    harmed = fault.seen(judgement.claim, history, found.project)
    assert harmed is not None
    spans = {span for span, _ in judgement.verdict.also}
    rest = found.project
    for clause in fault.candidates(history, found.project):
        if clause.place[0] not in spans:
            rest = fault.dropped(rest, clause)
    assert fault.seen(judgement.claim, history, rest) == harmed
    for clause in fault.candidates(history, rest):
        assert fault.seen(judgement.claim, history, fault.dropped(rest, clause)) != harmed, clause.place


def test_a_clause_beside_the_harm_is_not_named() -> None:
    text = (REFUTED / "c2_a_tag_that_may_be_printed_twice" / "wrong.saga").read_text(encoding="utf-8")
    text = text.replace("tags: int = 0", "tags: int = 0  colour: int = 0").replace(
        "tags += 1", "colour := 1  tags += 1"
    )
    found = driver.check_text(text, date(2026, 11, 21))
    assert named(found, "C2") == [("tags += 1", "`depot.print` does this")]


def test_the_page_of_a_counterexample_lists_them() -> None:
    found = checked("b6_one_seat_too_many")
    (page,) = [text for name, text in exhibit.files(found, ("wrong.saga",)).items() if name.endswith(".md")]
    assert "- `taken += 1` at wrong.saga:9:30: `airline.seat` does this" in page

"""Every in-between form prints: the same data, the same text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec

from sagac.compiler import driver, parser
from sagac.compiler.dump import dump
from sagac.compiler.source import Source, Span


@dataclass(frozen=True, slots=True)
class Leaf:
    span: Span
    name: str


class Record(msgspec.Struct, frozen=True):
    name: str
    count: int = 0
    parts: tuple[Leaf, ...] = ()


def test_a_form_prints_its_parts_in_their_order_and_leaves_out_what_is_empty() -> None:
    leaf = Leaf(Span("a", 3, 5), "x")
    assert dump(Record("r", 2, (leaf, leaf))) == (
        'Record\n  name: "r"\n  count: 2\n  parts:\n    - [3..5] Leaf "x"\n    - [3..5] Leaf "x"\n'
    )
    assert dump(Record("r")) == 'Record\n  name: "r"\n  count: 0\n'


def test_what_has_no_order_of_its_own_is_sorted() -> None:
    assert dump({"b": 1, "a": 2}) == dump({"a": 2, "b": 1}) == "mapping\n  a: 2\n  b: 1\n"
    assert dump(frozenset({"c", "a", "b"})) == '("a", "b", "c")\n'


def test_plain_values_can_be_told_apart() -> None:
    assert dump((1, "1", None)) == '(1, "1", None)\n'
    assert dump(Decimal("1.50")) == "decimal 1.50\n"
    assert dump('say "x"\n') == "'say \"x\"\\n'\n"
    assert dump(()) == "()\n"


def test_every_form_of_a_checked_spec_prints_the_same_twice() -> None:
    text = (Path(__file__).parent / "fixtures" / "trip.saga").read_text(encoding="utf-8")

    def forms() -> list[str]:
        checked = driver.check([Source("trip.saga", text)], date(2026, 11, 21))
        tree, _ = parser.parse(Source("trip.saga", text))
        return [dump(form) for form in (tree, checked.project, dict(checked.graphs), dict(checked.plans))]

    first = forms()
    assert first == forms()
    assert all("flight" in form and " object at 0x" not in form for form in first)

"""Expressions, values and times read as an author would write them."""

from __future__ import annotations

from datetime import date

import pytest

from sagac.compiler import driver, wording
from sagac.compiler.source import Source
from sagac.runtime.plan import Binary, Call, Constant, Expression, Input, Items, Result, Status, Unary, Wire

TOTAL = Input(("total",), "int")
TIER = Input(("customer", "tier"), "Tier")
ONE = Constant(1, "int")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (Binary(">", TOTAL, ONE), "total > 1"),
        (Binary("==", TIER, Constant("vip", "Tier")), "customer.tier == vip"),
        (Unary("is not null", Result("book", ("ref",), "string?")), "book.ref is not null"),
        (Unary("not", Status("book", "done")), "not book.done"),
        (Unary("size", Input(("lines",), "list[int]")), "size(lines)"),
        (
            Binary("in", TIER, Items((Constant("vip", "Tier"), Constant("gold", "Tier")))),
            "customer.tier in [vip, gold]",
        ),
        (Binary("*", Binary("+", TOTAL, ONE), ONE), "(total + 1) * 1"),
        (Binary("+", TOTAL, Binary("*", ONE, ONE)), "total + 1 * 1"),
        (Binary("-", TOTAL, Binary("-", ONE, ONE)), "total - (1 - 1)"),
        (Binary("-", Binary("-", TOTAL, ONE), ONE), "total - 1 - 1"),
        (Unary("not", Binary("and", Status("a", "done"), Status("b", "skipped"))), "not (a.done and b.skipped)"),
        (
            Binary("and", Binary("or", Status("a", "done"), Status("b", "done")), Status("c", "done")),
            "(a.done or b.done) and c.done",
        ),
        (
            Binary("implies", Binary("and", Status("a", "done"), Status("b", "done")), Status("c", "done")),
            "a.done and b.done implies c.done",
        ),
    ],
)
def test_an_expression_has_the_fewest_parentheses(expression: Expression, text: str) -> None:
    assert wording.expression(expression) == text


@pytest.mark.parametrize(
    ("wire", "type", "text"),
    [
        (None, "string?", "null"),
        (True, "bool", "true"),
        ("a", "string", '"a"'),
        ("10.00", "decimal", "10.00"),
        ("vip", "Tier", "vip"),
        (90_000, "duration", "90s"),
        ([1, 2], "list[int]", "[1, 2]"),
        ({"sku": "a", "quantity": 2}, "Line", '{ sku = "a", quantity = 2 }'),
    ],
)
def test_a_value_reads_as_it_is_written(wire: Wire, type: str, text: str) -> None:
    assert wording.value(wire, type) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0s"), (200, "200ms"), (1_500, "1500ms"), (5_000, "5s"), (3_600_000, "1h"), (604_800_000, "7d")],
)
def test_a_duration_has_the_largest_exact_unit(milliseconds: int, text: str) -> None:
    assert wording.duration(milliseconds) == text


def test_a_call_is_told_as_it_is_written() -> None:
    call = Call("bank", "charge", (("total", TOTAL), ("tier", TIER)))
    assert wording.call(call) == "bank.charge(total, customer.tier)"


def test_names_are_listed_as_a_sentence_has_them() -> None:
    assert wording.listing(["a"]) == "`a`"
    assert wording.listing(["a", "b"]) == "`a` and `b`"
    assert wording.listing(["a", "b", "c"], "or") == "`a`, `b` or `c`"


FORBIDDEN = """
service site { command look(id: uuid) -> { ok: bool }  idempotent  command retire(id: uuid)  idempotent }
saga Farewell version 1 {
  key id
  input { id: uuid }
  step look { do site.look(id)  left because "a look"  on unknown hold }
  pivot step retire after look { do site.retire(id)  on unknown hold }
  forbid retire when not look.ok
}
"""


def test_what_is_forbidden_where_something_is_not_is_told_without_two_negations() -> None:
    found = driver.check([Source("spec.saga", FORBIDDEN)], date(2026, 11, 21))
    (finding,) = [each for each in found.diagnostics if each.code == "F"]
    told = (finding.message, *finding.trace, *finding.help)
    assert any("`look.ok` does not hold" in line for line in finding.trace)
    assert not [line for line in told if "not not" in line]
    assert wording.expression(wording.plainly(Unary("not", Unary("not", Unary("not", TOTAL))))) == "not total"

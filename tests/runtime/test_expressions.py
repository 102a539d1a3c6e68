"""Expressions mean what they say: the evaluator against plain Python, and the sentences that Python does not give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Literal, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sagac.runtime.expressions import DIGITS_MAX, Unavailable, View, evaluate, holds, identity
from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Result, Status, Unary, Wire

Connective: TypeAlias = Literal["and", "or", "implies", "==", "!="]

CONNECTIVES: tuple[Connective, ...] = ("and", "or", "implies", "==", "!=")

NOTHING = View({}, {}, {})

NUMBERS = some.integers(-1000, 1000).map(lambda value: (Constant(value, "int"), Fraction(value)))
DECIMALS = some.decimals(-1000, 1000, places=4).map(lambda value: (Constant(str(value), "decimal"), Fraction(value)))


def test_what_is_only_passed_on_keeps_its_spelling() -> None:
    view = View({"total": "10.00", "when": "2026-11-21T10:00:00Z"}, {}, {})
    assert evaluate(Input(("total",), "decimal"), view) == "10.00"
    assert evaluate(Input(("when",), "timestamp"), view) == "2026-11-21T10:00:00Z"
    assert evaluate(Items((Input(("total",), "decimal"),)), view) == ["10.00"]


@some.composite
def arithmetic(draw: some.DrawFn, depth: int = 3) -> tuple[Expression, Fraction]:
    """A tree of `+`, `-`, `*` and negation over ints and decimals, with its exact value."""
    if depth == 0 or draw(some.booleans()):
        return draw(some.one_of(NUMBERS, DECIMALS))
    left, first = draw(arithmetic(depth=depth - 1))
    if draw(some.integers(0, 4)) == 0:
        return Unary("-", left), -first
    right, second = draw(arithmetic(depth=depth - 1))
    operator: Literal["+", "-", "*"] = draw(some.sampled_from(("+", "-", "*")))
    value = {"+": first + second, "-": first - second, "*": first * second}[operator]
    return Binary(operator, left, right), value


@given(arithmetic())
def test_arithmetic_is_exact(case: tuple[Expression, Fraction]) -> None:
    expression, value = case
    assert Fraction(str(evaluate(expression, NOTHING))) == value


@given(arithmetic(), arithmetic(), some.sampled_from(("==", "!=", "<", "<=", ">", ">=")))
def test_numbers_compare_by_value(
    left: tuple[Expression, Fraction],
    right: tuple[Expression, Fraction],
    operator: Literal["==", "!=", "<", "<=", ">", ">="],
) -> None:
    first, second = left[1], right[1]
    expected = {
        "==": first == second,
        "!=": first != second,
        "<": first < second,
        "<=": first <= second,
        ">": first > second,
        ">=": first >= second,
    }[operator]
    assert evaluate(Binary(operator, left[0], right[0]), NOTHING) is expected


@some.composite
def truths(draw: some.DrawFn, depth: int = 4) -> tuple[Expression, bool]:
    """A tree of connectives, with its value."""
    if depth == 0:
        value = draw(some.booleans())
        return Constant(value, "bool"), value
    left, first = draw(truths(depth=depth - 1))
    if draw(some.integers(0, 3)) == 0:
        return Unary("not", left), not first
    right, second = draw(truths(depth=depth - 1))
    operator: Connective = draw(some.sampled_from(CONNECTIVES))
    value = {
        "and": first and second,
        "or": first or second,
        "implies": not first or second,
        "==": first == second,
        "!=": first != second,
    }[operator]
    return Binary(operator, left, right), value


@given(truths())
def test_connectives_are_those_of_logic(case: tuple[Expression, bool]) -> None:
    expression, value = case
    assert evaluate(expression, NOTHING) is value


@given(some.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), some.integers(-(10**12), 10**12))  # noqa: DTZ001 - bounds of naive values, given their zone below
def test_a_timestamp_moves_by_a_duration_and_back(naive: datetime, length_ms: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    start, length = Constant(moment.isoformat(), "timestamp"), Constant(length_ms, "duration")
    moved = evaluate(Binary("+", start, length), NOTHING)
    assert datetime.fromisoformat(str(moved)) == moment + timedelta(milliseconds=length_ms)
    difference = Binary("-", Constant(moved, "timestamp"), start)
    assert evaluate(difference, NOTHING) == length_ms


@given(some.lists(some.integers(0, 9), max_size=5), some.integers(0, 9))
def test_size_and_in_are_those_of_lists(items: list[int], item: int) -> None:
    listed = Input(("xs",), "list[int]")
    view = View({"xs": [*items]}, {}, {})
    assert evaluate(Unary("size", listed), view) == len(items)
    assert evaluate(Binary("in", Constant(item, "int"), listed), view) is (item in items)


def test_decimals_in_a_list_are_found_by_value() -> None:
    view = View({"fees": ["1.50", "2"]}, {}, {})
    assert holds(Binary("in", Constant("1.5", "decimal"), Input(("fees",), "list[decimal]")), view)
    assert holds(Binary("==", Input(("fees",), "list[decimal]"), Items((_decimal("1.5"), _decimal("2.0")))), view)


def test_an_enum_is_compared_by_its_member() -> None:
    tier = Input(("tier",), "Tier")
    view = View({"tier": "gold"}, {}, {})
    assert holds(Binary("==", tier, Constant("gold", "Tier")), view)
    assert holds(Binary("in", tier, Items((Constant("vip", "Tier"), Constant("gold", "Tier")))), view)


def test_uuids_and_timestamps_are_compared_by_what_they_mean() -> None:
    upper, lower = Constant("0A-B", "uuid"), Constant("0a-b", "uuid")
    assert holds(Binary("==", upper, lower), NOTHING)
    here, there = Constant("2026-11-21T12:00:00+02:00", "timestamp"), Constant("2026-11-21T10:00:00Z", "timestamp")
    assert holds(Binary("==", here, there), NOTHING)


def test_a_decimal_keeps_more_digits_than_a_calculator() -> None:
    long = "1" * 200 + ".5"
    assert evaluate(Binary("+", _decimal(long), _decimal("0.5")), NOTHING) == "1" * 199 + "2.0"


def test_a_decimal_is_exact_or_not_at_all() -> None:
    with pytest.raises(Unavailable, match=f"more than {DIGITS_MAX} digits"):
        evaluate(Binary("+", _decimal("1e20000"), _decimal("1")), NOTHING)


def test_a_decimal_is_written_plainly() -> None:
    assert evaluate(Binary("*", _decimal("1e3"), Constant(2, "int")), NOTHING) == "2000"


def test_a_timestamp_out_of_the_calendar_is_not_there() -> None:
    late = Constant("9999-12-31T00:00:00Z", "timestamp")
    with pytest.raises(Unavailable, match="years"):
        evaluate(Binary("+", late, Constant(10**12, "duration")), NOTHING)


def test_absence_can_be_asked_for_before_the_value_is_used() -> None:
    note = Input(("note",), "int?")
    there = Binary("and", Unary("is not null", note), Binary(">", note, Constant(3, "int")))
    assert not holds(there, View({"note": None}, {}, {}))
    assert holds(there, View({"note": 4}, {}, {}))
    assert holds(
        Binary("or", Unary("is null", note), Binary(">", note, Constant(3, "int"))), View({"note": None}, {}, {})
    )
    assert holds(Binary("==", note, Constant(None, "null")), View({"note": None}, {}, {}))


def test_using_what_is_null_is_not_a_third_truth_value() -> None:
    note = Input(("note",), "int?")
    with pytest.raises(Unavailable, match="null"):
        evaluate(Binary(">", note, Constant(3, "int")), View({"note": None}, {}, {}))


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        (Result("book", ("ref",), "string"), "`book` has no result"),
        (Result("find", ("auth",), "string"), "`find` has no `auth`"),
        (Result("pay", ("card", "last"), "string"), "`pay.card` has no `last`"),
        (Input(("nobody",), "string"), "`input` has no `nobody`"),
    ],
)
def test_reading_what_is_not_there_names_it(expression: Expression, missing: str) -> None:
    view = View({}, {"find": None, "pay": {"card": {}}}, {})
    with pytest.raises(Unavailable, match=missing):
        evaluate(expression, view)


def test_a_status_is_false_until_it_is_so() -> None:
    view = View({}, {}, {"a": "done", "b": "skipped"})
    facts = [evaluate(Status(step, fact), view) for step in "abc" for fact in _facts()]
    assert facts == [True, False, False, True, False, False]


def _facts() -> tuple[Literal["done", "skipped"], ...]:
    return "done", "skipped"


def _decimal(text: str) -> Constant:
    value: Wire = text
    return Constant(value, "decimal")


@pytest.mark.parametrize(
    ("type", "one", "two"),
    [
        ("decimal", "10.0", "10"),
        ("decimal", "1E+2", "100"),
        ("decimal", "-0.00", "0"),
        ("decimal?", "0.10", "0.1"),
        ("timestamp", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:00Z"),
        ("uuid", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("list[decimal]", ["1.0", "2"], ["1", "2.00"]),
        ("int", 10**30, 10**30),
    ],
)
def test_equal_values_have_one_identity(type: str, one: Any, two: Any) -> None:
    view = View({"one": one, "two": two}, {}, {})
    first, second = Input(("one",), type), Input(("two",), type)
    assert holds(Binary("==", first, second), view)
    assert identity(first, view) == identity(second, view)


@pytest.mark.parametrize(
    ("type", "one", "two"),
    [
        ("decimal", "10.01", "10.1"),
        ("string", "10.0", "10"),
        ("int", 1, 10),
        ("bool", True, False),
        ("string?", None, ""),
        ("string?", None, "None"),
        ("bool?", None, False),
        ("list[string]", ["a,b"], ["a", "b"]),
    ],
)
def test_other_values_have_other_identities(type: str, one: Any, two: Any) -> None:
    view = View({"one": one, "two": two}, {}, {})
    assert identity(Input(("one",), type), view) != identity(Input(("two",), type), view)

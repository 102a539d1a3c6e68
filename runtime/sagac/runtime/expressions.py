"""Evaluation of plan expressions over wire values: the one meaning of `where`, `when` and every argument."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact
from typing import Final, NamedTuple, TypeAlias, assert_never

from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Result, Status, Unary, Wire

DIGITS_MAX: Final = 10_000
"""A decimal with more digits than this is not computed: exact or not at all."""

MAPPINGS: Final = (dict, Mapping)
"""What has members: mostly the first, and to ask the second takes many times as long."""

Value: TypeAlias = "bool | int | float | str | Decimal | datetime | list[Value] | dict[str, Wire] | None"
"""A wire value with its type's own arithmetic: `decimal` as `Decimal`, `timestamp` as `datetime`, `duration` in ms."""


class Unavailable(Exception):  # noqa: N818 - not an error of ours: the kernel turns it into a state
    """A value that was never there was read; the text says which, in the author's words."""


class View(NamedTuple):
    """What an expression may read of a run: plain mappings, so that anybody can make one."""

    input: Mapping[str, Wire]
    results: Mapping[str, Wire]
    """By step; a step whose result never came back is missing."""
    statuses: Mapping[str, str]
    """By step: `done`, `skipped`, or anything else."""


def evaluate(expression: Expression, view: View) -> Wire:
    """The expression's value in wire form; raises `Unavailable` where it reads what is not there.

    What is only passed on keeps its own spelling: `10.00` stays `10.00`.
    """
    match expression:
        case Constant():
            return expression.value
        case Input():
            return _field(_member(view.input, expression.path[0], "input"), expression.path[1:], "input")
        case Result():
            return _field(_result(expression.step, view), expression.path, expression.step)
        case Items():
            return [evaluate(item, view) for item in expression.items]
        case Status() | Unary() | Binary():
            return _wire(_value(expression, view))
    assert_never(expression)


def holds(expression: Expression, view: View) -> bool:
    """Whether a condition is true; raises `Unavailable` where it reads what is not there."""
    return evaluate(expression, view) is True


def identity(expression: Expression, view: View) -> Wire:
    """The value as the text or list that equal values share, and others do not: `10.0` is `10`."""
    return _alike(_value(expression, view))


def _alike(value: Value) -> Wire:
    match value:
        case bool():
            return value
        case int():
            return str(value)
        case Decimal():
            exact = value.normalize(Context(prec=DIGITS_MAX))
            return format(exact if exact else Decimal(0), "f")
        case list():
            return [_alike(item) for item in value]
    return _wire(value)


def _value(expression: Expression, view: View) -> Value:
    match expression:
        case Constant() | Input() | Result():
            return _typed(evaluate(expression, view), expression.type)
        case Status():
            return view.statuses.get(expression.step) == expression.fact
        case Items():
            return [_value(item, view) for item in expression.items]
        case Unary():
            return _unary(expression, view)
        case Binary():
            return _binary(expression, view)
    assert_never(expression)


def _unary(expression: Unary, view: View) -> Value:
    operand = _value(expression.operand, view)
    match expression.operator:
        case "is null":
            return operand is None
        case "is not null":
            return operand is not None
        case "not":
            return not operand
        case "size":
            sized = _present(operand)
            assert isinstance(sized, list | str), sized
            return len(sized)
        case "-":
            return _arithmetic("-", 0, operand)
    assert_never(expression.operator)


def _binary(expression: Binary, view: View) -> Value:
    left = _value(expression.left, view)
    match expression.operator:
        # The right side is read only where it matters: `x is not null and x > 3` needs no third truth value.
        case "and":
            return left is True and _value(expression.right, view) is True
        case "or":
            return left is True or _value(expression.right, view) is True
        case "implies":
            return left is not True or _value(expression.right, view) is True
    right = _value(expression.right, view)
    match expression.operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "in":
            items = _present(right)
            assert isinstance(items, list), items
            return left in items
        case "<" | "<=" | ">" | ">=":
            return _compare(expression.operator, left, right)
        case "+" | "-" | "*":
            return _arithmetic(expression.operator, left, right)
    assert_never(expression.operator)


def _compare(operator: str, left: Value, right: Value) -> bool:
    match _present(left), _present(right):
        case (int() | Decimal() as first, int() | Decimal() as second):
            order = (first > second) - (first < second)
        case (datetime() as first, datetime() as second):
            order = (first > second) - (first < second)
        case (str() as first, str() as second):
            order = (first > second) - (first < second)
        case _:
            raise AssertionError(f"no order between {left!r} and {right!r}")
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _arithmetic(operator: str, left: Value, right: Value) -> Value:
    match _present(left), _present(right):
        case (int() as first, int() as second):
            return first + second if operator == "+" else first - second if operator == "-" else first * second
        case (int() | Decimal() as first, int() | Decimal() as second):
            return _exact(operator, Decimal(first), Decimal(second))
        case (datetime() as first, datetime() as second) if operator == "-":
            return (first - second) // timedelta(milliseconds=1)
        case (datetime() as moment, int() as length) | (int() as length, datetime() as moment):
            return _moved(moment, length if operator == "+" else -length)
        case (str() as first, str() as second) if operator == "+":
            return first + second
        case (list() as first, list() as second) if operator == "+":
            return [*first, *second]
    raise AssertionError(f"no {operator} between {left!r} and {right!r}")


def _exact(operator: str, left: Decimal, right: Decimal) -> Decimal:
    context = Context(prec=DIGITS_MAX, traps=[Inexact])
    try:
        match operator:
            case "+":
                return context.add(left, right)
            case "-":
                return context.subtract(left, right)
            case _:
                return context.multiply(left, right)
    except Inexact:
        raise Unavailable(f"the decimal has more than {DIGITS_MAX} digits") from None


def _moved(moment: datetime, length_ms: int) -> datetime:
    try:
        return moment + timedelta(milliseconds=length_ms)
    except OverflowError:
        raise Unavailable("the timestamp is outside the years 1 to 9999") from None


def _present(value: Value) -> Value:
    if value is None:
        raise Unavailable("a value that is null was used as if it were there")
    return value


def _result(step: str, view: View) -> Wire:
    try:
        return view.results[step]
    except KeyError:
        raise Unavailable(f"`{step}` has no result") from None


def _field(value: Wire, path: tuple[str, ...], owner: str) -> Wire:
    for name in path:
        value = _member(value, name, owner)
        owner = f"{owner}.{name}"
    return value


def _member(value: Wire | Mapping[str, Wire], name: str, owner: str) -> Wire:
    if not isinstance(value, MAPPINGS) or name not in value:
        raise Unavailable(f"`{owner}` has no `{name}`")
    member: Wire = value[name]
    return member


def _typed(value: Wire, name: str) -> Value:
    if value is None:
        return None
    if name.endswith("?"):
        return _typed(value, name[:-1])
    if isinstance(value, list):
        return [_typed(item, name.removeprefix("list[").removesuffix("]")) for item in value]
    match name:
        case "decimal":
            return Decimal(str(value))
        case "timestamp":
            return _moment(str(value))
        case "uuid":
            return str(value).lower()
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wire(value: Value) -> Wire:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case list():
            return [_wire(item) for item in value]
    return value

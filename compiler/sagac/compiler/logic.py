"""Sorted terms without quantifiers: what a solver is asked, as data that every solver and a person can read.

Linear arithmetic over integers and reals, truth values, and codes: values that can only be compared for equality
(strings, uuids, members of enums, states of records), written out by their spelling. Terms may share parts; whoever
walks one goes by identity, since a term may be a large graph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Final, Literal, TypeAlias, assert_never

Sort: TypeAlias = Literal["bool", "int", "real", "code"]

Operator: TypeAlias = Literal["not", "and", "or", "=", "<", "<=", "+", "scale", "ite", "to real"]
"""`scale` is a literal times a term; `ite` is "if, then, else"; `+` has any number of operands."""

Value: TypeAlias = bool | int | Fraction | str
"""What a term comes to: a truth value, an integer, a real, or the spelling of a code."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """An unknown, by its name."""

    name: str
    sort: Sort
    operands: ClassVar[tuple[Term, ...]] = ()


@dataclass(frozen=True, slots=True)
class Literally:
    """A value written out. Codes that are spelled differently are different."""

    value: Value
    sort: Sort
    operands: ClassVar[tuple[Term, ...]] = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator with its operands."""

    operator: Operator
    operands: tuple[Term, ...]
    sort: Sort


Term: TypeAlias = Symbol | Literally | Apply

TRUE: Final[Term] = Literally(True, "bool")
FALSE: Final[Term] = Literally(False, "bool")


# --- making terms --------------------------------------------------------------------------------------------------


def number(value: int) -> Term:
    """An integer."""
    return Literally(value, "int")


def real(value: Fraction) -> Term:
    """A real number."""
    return Literally(value, "real")


def code(spelling: str) -> Term:
    """A code."""
    return Literally(spelling, "code")


def negation(operand: Term) -> Term:
    """The opposite, without a double negation."""
    if isinstance(operand, Literally):
        return FALSE if operand.value else TRUE
    if isinstance(operand, Apply) and operand.operator == "not":
        return operand.operands[0]
    return Apply("not", (operand,), "bool")


def both(*operands: Term) -> Term:
    """All of these; of none: true."""
    return connected("and", operands, FALSE, TRUE)


def either(*operands: Term) -> Term:
    """One of these; of none: false."""
    return connected("or", operands, TRUE, FALSE)


def connected(operator: Literal["and", "or"], operands: tuple[Term, ...], decisive: Term, neutral: Term) -> Term:
    """The operands under a connective, without what goes without saying."""
    kept: dict[int, Term] = {}
    for operand in operands:
        if isinstance(operand, Literally):
            if operand == decisive:
                return decisive
            continue
        kept[id(operand)] = operand
    if not kept:
        return neutral
    return next(iter(kept.values())) if len(kept) == 1 else Apply(operator, tuple(kept.values()), "bool")


def implies(premise: Term, conclusion: Term) -> Term:
    """The conclusion holds wherever the premise does."""
    return either(negation(premise), conclusion)


def equal(left: Term, right: Term) -> Term:
    """Both are the same; an integer beside a real becomes one."""
    if left is right:
        return TRUE
    if {left.sort, right.sort} == {"int", "real"}:
        left, right = as_real(left), as_real(right)
    assert left.sort == right.sort, (left, right)
    if isinstance(left, Literally) and isinstance(right, Literally):
        return TRUE if left.value == right.value else FALSE
    if isinstance(left, Symbol) and left == right:
        return TRUE
    return Apply("=", (left, right), "bool")


def less(left: Term, right: Term, *, strictly: bool) -> Term:
    """`left < right`, or `left <= right`; numbers only."""
    if left.sort != right.sort:
        left, right = as_real(left), as_real(right)
    if isinstance(left, Literally) and isinstance(right, Literally):
        one, two = arithmetic(left.value), arithmetic(right.value)
        return TRUE if one < two or (one == two and not strictly) else FALSE
    return Apply("<" if strictly else "<=", (left, right), "bool")


def added(*operands: Term) -> Term:
    """The sum of numbers."""
    if any(operand.sort == "real" for operand in operands):
        operands = tuple(map(as_real, operands))
    kept = tuple(operand for operand in operands if not (isinstance(operand, Literally) and operand.value == 0))
    if not kept:
        return operands[0] if operands else number(0)
    return kept[0] if len(kept) == 1 else Apply("+", kept, kept[0].sort)


def scaled(factor: Fraction, operand: Term) -> Term:
    """A literal times a number; an integer stays one only where the factor is one."""
    if factor == 1:
        return operand
    if operand.sort == "int" and factor.denominator == 1:
        return Apply("scale", (Literally(int(factor), "int"), operand), "int")
    return Apply("scale", (Literally(factor, "real"), as_real(operand)), "real")


def less_by(left: Term, right: Term) -> Term:
    """The difference of two numbers."""
    return added(left, scaled(Fraction(-1), right))


def chosen(condition: Term, then: Term, otherwise: Term) -> Term:
    """One value where the condition holds, another where it does not."""
    if then is otherwise or condition == TRUE:
        return then
    if condition == FALSE:
        return otherwise
    if then.sort != otherwise.sort:
        then, otherwise = as_real(then), as_real(otherwise)
    if then.sort == "bool":
        return either(both(condition, then), both(negation(condition), otherwise))
    return Apply("ite", (condition, then, otherwise), then.sort)


def as_real(operand: Term) -> Term:
    """A number as a real one."""
    if operand.sort == "real":
        return operand
    assert operand.sort == "int", operand
    if isinstance(operand, Literally):
        return Literally(Fraction(arithmetic(operand.value)), "real")
    return Apply("to real", (operand,), "real")


def one_of(operand: Term, spellings: tuple[str, ...]) -> Term:
    """A code is one of these."""
    return either(*(equal(operand, code(spelling)) for spelling in spellings))


# --- looking at terms ----------------------------------------------------------------------------------------------


def parts(*terms: Term, known: Container[int] = ()) -> Iterator[Term]:
    """Every part of the terms once, by identity, operands before what they stand in, without what is known.

    No recursion: terms may be thousands deep.
    """
    seen: set[int] = set()
    stack: list[Term] = list(reversed(terms))
    while stack:
        part = stack.pop()
        if id(part) in seen or id(part) in known:
            continue
        missing = [operand for operand in part.operands if id(operand) not in seen and id(operand) not in known]
        if missing:
            stack.append(part)
            stack.extend(reversed(missing))
        else:
            seen.add(id(part))
            yield part


def symbols(*terms: Term) -> tuple[Symbol, ...]:
    """The unknowns of the terms, each once, in the order of first mention."""
    return tuple(dict.fromkeys(part for part in parts(*terms) if isinstance(part, Symbol)))


def replaced(term: Term, new: Callable[[Symbol], Term]) -> Term:
    """The term with other terms in the places of its unknowns; what has none of them stays the same object."""
    made: dict[int, Term] = {}
    for part in parts(term):
        if isinstance(part, Symbol):
            made[id(part)] = new(part)
        elif isinstance(part, Literally):
            made[id(part)] = part
        else:
            operands = tuple(made[id(operand)] for operand in part.operands)
            same = all(one is two for one, two in zip(operands, part.operands, strict=True))
            made[id(part)] = part if same else Apply(part.operator, operands, part.sort)
    return made[id(term)]


def evaluate(term: Term, values: Mapping[str, Value]) -> Value:
    """What a term comes to with these values of its unknowns: the independent reading of what a solver says."""
    known: dict[int, Value] = {}
    for part in parts(term):
        match part:
            case Symbol():
                known[id(part)] = values[part.name]
            case Literally():
                known[id(part)] = part.value
            case Apply():
                known[id(part)] = applied(part.operator, [known[id(operand)] for operand in part.operands])
            case _:
                assert_never(part)
    return known[id(term)]


def applied(operator: Operator, operands: list[Value]) -> Value:
    """An operator's value."""
    match operator:
        case "not":
            return not operands[0]
        case "and":
            return all(operands)
        case "or":
            return any(operands)
        case "=":
            return operands[0] == operands[1]
        case "<":
            return arithmetic(operands[0]) < arithmetic(operands[1])
        case "<=":
            return arithmetic(operands[0]) <= arithmetic(operands[1])
        case "+":
            return sum(map(arithmetic, operands), start=Fraction(0))
        case "scale":
            return arithmetic(operands[0]) * arithmetic(operands[1])
        case "ite":
            return operands[1] if operands[0] else operands[2]
        case "to real":
            return arithmetic(operands[0])
        case _:
            assert_never(operator)


def arithmetic(value: Value) -> Fraction:
    """A number's value."""
    assert isinstance(value, int | Fraction), value
    return Fraction(value)


def name_of(term: Term) -> str:
    """A name that only equal terms have: what an unknown or a literal is called, and a digest of anything else."""
    known: dict[int, str] = {}
    for part in parts(term):
        match part:
            case Symbol():
                known[id(part)] = f"{part.sort} {part.name}"
            case Literally():
                known[id(part)] = f"{part.sort} literally {part.value!r}"
            case Apply():
                told = repr((part.operator, part.sort, [known[id(operand)] for operand in part.operands]))
                known[id(part)] = "#" + hashlib.sha256(told.encode()).hexdigest()[:24]
            case _:
                assert_never(part)
    return known[id(term)]

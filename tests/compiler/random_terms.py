"""Random terms over few unknowns with few values each, and all the ways in which these can come out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from sagac.compiler import logic
from sagac.compiler.logic import Symbol, Term, Value

INTS: Final = (0, 1, 2, -1, -2)
"""The plainest first."""

REALS: Final = (Fraction(0), Fraction(1), Fraction(-1), Fraction(1, 2), Fraction(1, 8))
"""The coarsest first."""

LITERALS: Final = ("p", "q")

UNKNOWNS: Final = (
    Symbol("truth", "bool"),
    Symbol("n", "int"),
    Symbol("m", "int"),
    Symbol("r", "real"),
    Symbol("c", "code"),
    Symbol("d", "code"),
)


def bounds(symbols: Sequence[Symbol]) -> tuple[Term, ...]:
    """The unknowns have no values but those that are tried; codes need no bounds."""
    ints = (logic.either(*(logic.equal(one, logic.number(value)) for value in INTS)) for one in of(symbols, "int"))
    reals = (logic.either(*(logic.equal(one, logic.real(value)) for value in REALS)) for one in of(symbols, "real"))
    return (*ints, *reals)


def of(symbols: Sequence[Symbol], sort: str) -> list[Symbol]:
    return [symbol for symbol in symbols if symbol.sort == sort]


def ways(
    symbols: Sequence[Symbol], literals: Sequence[str], known: Mapping[str, Value] | None = None, fresh: int = 0
) -> Iterator[Mapping[str, Value]]:
    """Every way in which the unknowns can come out, the plainest first; codes up to the names of new ones."""
    known = known or {}
    if not symbols:
        yield known
        return
    for value, count in domain(symbols[0], literals, fresh):
        yield from ways(symbols[1:], literals, {**known, symbols[0].name: value}, count)


def domain(symbol: Symbol, literals: Sequence[str], fresh: int) -> Iterator[tuple[Value, int]]:
    """The values of an unknown, the plainest first, each with the number of new codes that there are then."""
    if symbol.sort == "code":
        yield f"text {fresh}", fresh + 1
        yield from ((code, fresh) for code in (*(f"text {number}" for number in range(fresh)), *literals))
    else:
        domains: Mapping[str, Sequence[Value]] = {"bool": (False, True), "int": INTS, "real": REALS}
        yield from ((value, fresh) for value in domains[symbol.sort])


def term(draw: random.Random, depth: int) -> Term:
    """A condition."""
    if depth == 0:
        return atom(draw)
    match draw.choice(("and", "or", "not", "iff", "ite")):
        case "and":
            return logic.both(*(term(draw, depth - 1) for _ in range(draw.randint(1, 3))))
        case "or":
            return logic.either(*(term(draw, depth - 1) for _ in range(draw.randint(1, 3))))
        case "not":
            return logic.negation(term(draw, depth - 1))
        case "iff":
            return logic.equal(term(draw, depth - 1), term(draw, depth - 1))
        case _:
            return logic.chosen(*(term(draw, depth - 1) for _ in range(3)))


def atom(draw: random.Random) -> Term:
    truth, n, m, r, c, d = UNKNOWNS
    match draw.choice(("truth", "order", "order", "code", "code", "real")):
        case "truth":
            return truth
        case "order":
            return logic.less(whole(draw), whole(draw), strictly=draw.random() < 0.5)
        case "code":
            sides: list[Term] = [c, d, *map(logic.code, LITERALS)]
            return logic.equal(*draw.sample(sides, 2))
        case _:
            factor = Fraction(draw.randint(-3, 3), draw.randint(1, 3))
            return logic.less(logic.added(logic.scaled(factor, r), n), logic.as_real(m), strictly=draw.random() < 0.5)


def whole(draw: random.Random) -> Term:
    _, n, m, _, c, d = UNKNOWNS
    match draw.choice(("n", "m", "literal", "sum", "ite")):
        case "n":
            return n
        case "m":
            return m
        case "literal":
            return logic.number(draw.randint(-2, 2))
        case "sum":
            return logic.added(logic.scaled(Fraction(draw.choice((-2, -1, 2, 3))), n), m)
        case _:
            return logic.chosen(logic.equal(c, d), n, logic.number(draw.randint(0, 2)))

"""Formulas of our own: conditions over a run's input and results, as data that can be evaluated without a solver."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias, assert_never

from sagac.runtime import expressions
from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Result, Status, Unary, Wire


@dataclass(frozen=True, slots=True)
class Var:
    """A truth value by name."""

    name: str
    operands: ClassVar[tuple[Formula, ...]] = ()


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition of the language with no connective on top."""

    expression: Expression
    operands: ClassVar[tuple[Formula, ...]] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """A formula that does not hold."""

    operand: Formula

    @property
    def operands(self) -> tuple[Formula, ...]:
        """What it is made of."""
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold; of none: true."""

    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these holds; of none: false."""

    operands: tuple[Formula, ...]


Formula: TypeAlias = Var | Atom | Not | And | Or

TRUE: Final[Formula] = And(())
FALSE: Final[Formula] = Or(())


@dataclass(frozen=True, slots=True)
class Valuation:
    """Values for what a formula reads: the input, results by step, and the variables that are true."""

    input: Mapping[str, Wire] = field(default_factory=dict)
    results: Mapping[str, Wire] = field(default_factory=dict)
    true: frozenset[str] = frozenset()


def both(*operands: Formula) -> Formula:
    """All of these, without what goes without saying."""
    kept = {id(operand): operand for operand in operands if operand != TRUE}
    if FALSE in kept.values():
        return FALSE
    return one(kept) if len(kept) == 1 else And(tuple(kept.values())) if kept else TRUE


def either(*operands: Formula) -> Formula:
    """One of these, without what goes without saying."""
    kept = {id(operand): operand for operand in operands if operand != FALSE}
    if TRUE in kept.values():
        return TRUE
    return one(kept) if len(kept) == 1 else Or(tuple(kept.values())) if kept else FALSE


def one(kept: Mapping[int, Formula]) -> Formula:
    """The only one there is."""
    return next(iter(kept.values()))


def negation(operand: Formula) -> Formula:
    """The opposite, without a double negation."""
    if operand == TRUE:
        return FALSE
    if operand == FALSE:
        return TRUE
    return operand.operand if isinstance(operand, Not) else Not(operand)


def implies(premise: Formula, conclusion: Formula) -> Formula:
    """The conclusion holds wherever the premise does."""
    return either(negation(premise), conclusion)


def lower(expression: Expression, status: Callable[[Status], Formula]) -> Formula:
    """A condition of the language as a formula; `status` says what `s.done` and `s.skipped` come down to."""
    match expression:
        case Constant(value=bool()):
            return TRUE if expression.value is True else FALSE
        case Status():
            return status(expression)
        case Unary(operator="not"):
            return negation(lower(expression.operand, status))
        case Binary(operator="and"):
            return both(lower(expression.left, status), lower(expression.right, status))
        case Binary(operator="or"):
            return either(lower(expression.left, status), lower(expression.right, status))
        case Binary(operator="implies"):
            return implies(lower(expression.left, status), lower(expression.right, status))
        case Binary(operator="==" | "!=") if speaks_of_status(expression):
            same = alike(lower(expression.left, status), lower(expression.right, status))
            return same if expression.operator == "==" else negation(same)
        case _:
            return Atom(expression)


def alike(left: Formula, right: Formula) -> Formula:
    """Both hold or neither."""
    return either(both(left, right), both(negation(left), negation(right)))


def speaks_of_status(expression: Expression) -> bool:
    """Whether `s.done` or `s.skipped` stands anywhere in an expression."""
    return any(isinstance(leaf, Status) for leaf in leaves(expression))


def leaves(expression: Expression) -> Iterator[Constant | Input | Result | Status]:
    """What an expression reads, and its literals, from left to right."""
    match expression:
        case Constant() | Input() | Result() | Status():
            yield expression
        case Unary():
            yield from leaves(expression.operand)
        case Binary():
            yield from leaves(expression.left)
            yield from leaves(expression.right)
        case Items():
            for item in expression.items:
                yield from leaves(item)
        case _:
            assert_never(expression)


def parts(formula: Formula, known: Container[int] = ()) -> Iterator[Formula]:
    """Every part of a formula once, operands before what they stand in, without the parts whose identity is known.

    No recursion: orders may be thousands deep.
    """
    seen: set[int] = set()
    stack: list[Formula] = [formula]
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


def free_variables(formula: Formula) -> tuple[Input | Result | Var, ...]:
    """What a formula reads, each once, in the order of first mention."""
    found: dict[Input | Result | Var, None] = {}
    for part in parts(formula):
        if isinstance(part, Var):
            found[part] = None
        elif isinstance(part, Atom):
            found |= {leaf: None for leaf in leaves(part.expression) if isinstance(leaf, Input | Result)}
    return tuple(found)


def holds(formula: Formula, valuation: Valuation, truth: dict[int, bool] | None = None) -> bool:
    """Whether a formula is true; a condition that reads what is not there is not.

    `truth` remembers by identity what is known of parts: for a caller who asks of many formulas and keeps them all.
    """
    view = expressions.View(valuation.input, valuation.results, {})
    truth = {} if truth is None else truth
    for part in parts(formula, truth):
        match part:
            case Var():
                truth[id(part)] = part.name in valuation.true
            case Atom():
                truth[id(part)] = is_true(part.expression, view)
            case Not():
                truth[id(part)] = not truth[id(part.operand)]
            case And():
                truth[id(part)] = all(truth[id(operand)] for operand in part.operands)
            case Or():
                truth[id(part)] = any(truth[id(operand)] for operand in part.operands)
            case _:
                assert_never(part)
    return truth[id(formula)]


def is_true(expression: Expression, view: expressions.View) -> bool:
    """A condition's truth as the kernel sees it."""
    try:
        return expressions.holds(expression, view)
    except expressions.Unavailable:
        return False


def value(expression: Expression, view: expressions.View) -> Wire:
    """An expression's value as the kernel sees it; null where it reads what is not there."""
    try:
        return expressions.evaluate(expression, view)
    except expressions.Unavailable:
        return None

"""Terms as SMT-LIB 2: the text that solvers are asked, the same for every question that says the same.

A canonical question has no name of the specification in it: unknowns are numbered as they are first met, and so are
the spellings of codes, which are integers of which only equality is used. So an edit that does not concern a question
leaves its text, and the digest of it, as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, assert_never

from sagac.compiler import logic
from sagac.compiler.logic import Apply, Literally, Operator, Sort, Symbol, Term, Value

SORTS: Final[dict[Sort, str]] = {"bool": "Bool", "int": "Int", "real": "Real", "code": "Int"}

OPERATORS: Final[dict[Operator, str]] = {
    "not": "not", "and": "and", "or": "or", "=": "=", "<": "<", "<=": "<=", "+": "+", "scale": "*", "ite": "ite",
    "to real": "to_real",
}  # fmt: skip

DEPTH_MAX: Final = 20
"""How deep parentheses go before a part gets a name: no reader of the text needs a deep stack."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """A question's text, and what its numbers stand for."""

    text: str
    symbols: tuple[Symbol, ...]
    """`x1` is the first."""
    spellings: tuple[str, ...]
    """The code 0 is the first."""

    @property
    def key(self) -> str:
        """The digest that tells questions apart."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(slots=True)
class Writing:
    """What has been written so far, with the numbers that it got."""

    symbols: dict[Symbol, str] = field(default_factory=dict)
    spellings: dict[str, int] = field(default_factory=dict)
    named: dict[int, tuple[Term, str]] = field(default_factory=dict)
    """What each part is called; the part is kept so that its identity is not given away."""


# --- one question --------------------------------------------------------------------------------------------------


def canonical(assertions: Sequence[Term]) -> Canonical:
    """The question whether all of these can hold at once."""
    nodes, tops = interned(assertions)
    writing = Writing()
    definitions, spelled = written(writing, nodes, tops)
    lines = (
        f"(set-logic {logic_of(nodes)})",
        *(f"(declare-const {name} {SORTS[symbol.sort]})" for symbol, name in writing.symbols.items()),
        *definitions,
        *(f"(assert {spelled[top]})" for top in tops),
        "(check-sat)",
    )
    return Canonical("\n".join(lines) + "\n", tuple(writing.symbols), tuple(writing.spellings))


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a question, its operands by their numbers."""

    part: Term
    operands: tuple[int, ...]


def interned(assertions: Sequence[Term]) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """Every part once, operands first, however often it was made; and which parts are asserted."""
    numbers: dict[int, int] = {}
    known: dict[object, int] = {}
    nodes: list[Node] = []
    for part in logic.parts(*assertions):
        operands = tuple(numbers[id(operand)] for operand in part.operands)
        key = (part.operator, part.sort, operands) if isinstance(part, Apply) else part
        if key not in known:
            known[key] = len(nodes)
            nodes.append(Node(part, operands))
        numbers[id(part)] = known[key]
    return tuple(nodes), tuple(numbers[id(assertion)] for assertion in assertions)


def written(writing: Writing, nodes: Sequence[Node], tops: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Definitions of the parts that are used more than once or lie deep, and how each part is then spelled."""
    uses = [0] * len(nodes)
    for number in (*tops, *(operand for node in nodes for operand in node.operands)):
        uses[number] += 1
    definitions: list[str] = []
    spelled: list[str] = []
    depths: list[int] = []
    for number, node in enumerate(nodes):
        text = spell(writing, node.part, [spelled[operand] for operand in node.operands])
        depth = 1 + max((depths[operand] for operand in node.operands), default=-1)
        if isinstance(node.part, Apply) and (uses[number] > 1 or depth > DEPTH_MAX):
            definitions.append(f"(define-fun d{len(definitions) + 1} () {SORTS[node.part.sort]} {text})")
            text, depth = f"d{len(definitions)}", 0
        spelled.append(text)
        depths.append(depth)
    return tuple(definitions), tuple(spelled)


def logic_of(nodes: Iterable[Node]) -> str:
    """The smallest logic that a question is in."""
    sorts = {node.part.sort for node in nodes}
    whole = "I" if sorts & {"int", "code"} else ""
    real = "R" if "real" in sorts else ""
    return f"QF_L{whole}{real}A" if whole or real else "QF_UF"


# --- many questions, bit by bit ------------------------------------------------------------------------------------


def continued(writing: Writing, term: Term) -> tuple[str, str]:
    """What a term is called, and the declarations and definitions that were not written before."""
    if id(term) in writing.named:
        return "", writing.named[id(term)][1]
    lines: list[str] = []
    for part in logic.parts(term, known=writing.named):
        before = len(writing.symbols)
        text = spell(writing, part, [writing.named[id(operand)][1] for operand in part.operands])
        if len(writing.symbols) > before:
            lines.append(f"(declare-const {text} {SORTS[part.sort]})")
        if isinstance(part, Apply):
            name = f"d{len(writing.named)}"
            lines.append(f"(define-fun {name} () {SORTS[part.sort]} {text})")
            text = name
        writing.named[id(part)] = part, text
    return "\n".join(lines), writing.named[id(term)][1]


# --- parts ---------------------------------------------------------------------------------------------------------


def spell(writing: Writing, part: Term, operands: Sequence[str]) -> str:
    """A part, with its operands as they are spelled."""
    match part:
        case Symbol():
            return writing.symbols.setdefault(part, f"x{len(writing.symbols) + 1}")
        case Literally(value=str()):
            return str(writing.spellings.setdefault(str(part.value), len(writing.spellings)))
        case Literally():
            return literal(part.value, part.sort)
        case Apply():
            return f"({OPERATORS[part.operator]} {' '.join(operands)})"
        case _:
            assert_never(part)


def literal(value: Value, sort: Sort) -> str:
    """A truth value or a number."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | Fraction():
            number = Fraction(value)
            assert sort == "real" or number.denominator == 1, (value, sort)
            plain = fraction(abs(number)) if sort == "real" else str(abs(int(number)))
            return f"(- {plain})" if number < 0 else plain
        case str():
            raise AssertionError(f"the code {value!r} has no number yet")
        case _:
            assert_never(value)


def fraction(number: Fraction) -> str:
    return f"{number}.0" if number.denominator == 1 else f"(/ {number.numerator}.0 {number.denominator}.0)"

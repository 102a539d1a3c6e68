"""The prover: whether some run of a saga meets a formula, and plain values that do.

Formulas are written as terms (`encoding`), and the solver is asked about those, many in one session over the saga's
premise. A model is believed only when `terms.holds` agrees with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, TypeAlias, assert_never

from sagac.compiler import encoding, solver, terms, typetext, values
from sagac.compiler.encoding import Encoding, Leaf
from sagac.compiler.logic import Symbol, Term, Value
from sagac.compiler.model import Project, Saga
from sagac.compiler.solver import Session
from sagac.compiler.terms import FALSE, And, Atom, Formula, Not, Or, Valuation, Var
from sagac.runtime.expressions import View
from sagac.runtime.plan import Input, Result, Wire

LENGTH_MAX: Final = 1_000
"""The longest list that is made up."""

Possibility: TypeAlias = Literal["possible", "impossible", "unknown"]

POSSIBILITIES: Final[dict[str, Possibility]] = {"sat": "possible", "unsat": "impossible", "unknown": "unknown"}

Pick: TypeAlias = Callable[[Symbol], Value]
"""Gives an unknown its value."""


@dataclass(slots=True)
class Question:
    """Everything that one saga's questions share: what has been said, and how it was written."""

    places: dict[str, int]
    """The place of each input and each step in the source; the names of inputs begin with a dot."""
    premise: Formula
    encoding: Encoding
    session: Session
    supposed: int = 0
    """How many of the encoding's facts the solver has been told."""
    answers: dict[int, Possibility] = field(default_factory=dict)
    names: dict[object, int] = field(default_factory=dict)
    numbers: dict[int, tuple[Formula, int]] = field(default_factory=dict)


def ask(project: Project, saga: Saga, premise: Formula) -> Question:
    """The start of all questions about a saga, whose inputs meet the premise."""
    inputs = [f".{declared.name}" for declared in saga.inputs]
    places = {name: place for place, name in enumerate([*inputs, *(step.name for step in saga.steps)])}
    question = Question(places, premise, encoding.begin(saga), solver.begin())
    solver.suppose(question.session, encode(question, premise))
    return question


def possible(question: Question, formula: Formula) -> Possibility:
    """Whether some run meets the formula. The same formula is decided once."""
    key = number(question, formula)
    if key not in question.answers:
        question.answers[key] = "impossible" if formula == FALSE else decide(question, formula)
    return question.answers[key]


def decide(question: Question, formula: Formula) -> Possibility:
    """The solver's answer."""
    said = encode(question, formula)
    return POSSIBILITIES[solver.can_hold(question.session, said)]


def encode(question: Question, formula: Formula) -> Term:
    """The formula as a term; what holds of all that it speaks of is supposed from then on."""
    said = encoding.formula(question.encoding, formula)
    for fact in question.encoding.lasting[question.supposed :]:
        solver.suppose(question.session, fact)
    question.supposed = len(question.encoding.lasting)
    return said


def witness(question: Question, formula: Formula, *, plain: bool = True) -> Valuation | None:
    """Values that meet the formula, the plainest first; `None` where none are found that our own evaluation accepts."""
    said = encode(question, formula)
    together = And((question.premise, formula))
    read = tuple(in_order(question, terms.free_variables(together)))
    with solver.supposing(question.session, said) as answer:
        if answer != "sat":
            return None
        picking = solver.choose if plain else solver.found
        valuation = chosen(question, read, lambda symbol: picking(question.session, symbol))
    if terms.holds(together, valuation):
        return valuation
    return None if plain else witness(question, formula)


def number(question: Question, formula: Formula) -> int:
    """The formula's number: formulas that say the same in the same words have the same one."""
    known = question.numbers.get(id(formula))
    if known is not None:
        return known[1]
    for part in terms.parts(formula, question.numbers):
        key = shape(question, part)
        question.numbers[id(part)] = part, question.names.setdefault(key, len(question.names))
    return question.numbers[id(formula)][1]


def shape(question: Question, part: Formula) -> object:
    """What a formula says, by the numbers of what it is made of."""
    match part:
        case Var():
            return "var", part.name
        case Atom():
            return "atom", part.expression
        case Not():
            return "not", question.numbers[id(part.operand)][1]
        case And():
            return "and", frozenset(question.numbers[id(operand)][1] for operand in part.operands)
        case Or():
            return "or", frozenset(question.numbers[id(operand)][1] for operand in part.operands)
        case _:
            assert_never(part)


# --- plain values --------------------------------------------------------------------------------------------------


def chosen(question: Question, read: Sequence[Input | Result | Var], pick: Pick) -> Valuation:
    """Values for all that is read, one after the other."""
    given: dict[str, Wire] = {}
    results: dict[str, Wire] = {}
    true: set[str] = set()
    for place in read:
        if isinstance(place, Var):
            if pick(encoding.fact(question.encoding, place)) is True:
                true.add(place.name)
            continue
        value = choose(question, place, pick, View(given, results, {}))
        if isinstance(place, Input):
            put(given, place.path, value)
        else:
            put(results, (place.step, *place.path), value)
    return Valuation(given, results, frozenset(true))


def in_order(question: Question, read: Sequence[Input | Result | Var]) -> Iterator[Input | Result | Var]:
    """Inputs as they are declared, then results, then free facts: wholes before their parts, lists at the end."""

    def rank(place: Input | Result | Var) -> tuple[int, int, tuple[str, ...]]:
        match place:
            case Input() | Result() if place.type.startswith("list["):
                return 3, question.places[f".{place.path[0]}" if isinstance(place, Input) else place.step], place.path
            case Input():
                return 0, question.places[f".{place.path[0]}"], place.path
            case Result():
                return 1, question.places[place.step], place.path
            case Var():
                return 2, 0, (place.name,)
            case _:
                assert_never(place)

    yield from sorted(read, key=rank)


def put(whole: dict[str, Wire], path: tuple[str, ...], value: Wire) -> None:
    """The value at its place in a record."""
    if len(path) == 1:
        if not (isinstance(whole.get(path[0]), dict) and value is not None):
            whole[path[0]] = value
        return
    if path[0] in whole and whole[path[0]] is None:
        return  # what is not there has no parts
    inner = whole.get(path[0])
    if not isinstance(inner, dict):
        inner = whole[path[0]] = {}
    put(inner, path[1:], value)


def choose(question: Question, place: Leaf, pick: Pick, view: View) -> Wire:
    """The value for one place, which is then taken as given; `view` has what was chosen before."""
    symbol, present = encoding.leaf_symbols(question.encoding, place)
    if present is not None and pick(present) is not True:
        return None
    if encoding.kind_of(question.encoding, place.type) == "other":
        return listed(question, place, symbol, pick, view)
    return encoding.wire(pick(symbol), place.type)


def listed(question: Question, place: Leaf, symbol: Symbol, pick: Pick, view: View) -> Wire:
    """A list with what it was found to hold, of the length that was chosen for it; or an empty record."""
    plain = place.type.removesuffix("?")
    if not plain.startswith("list["):
        return {}
    of = plain.removeprefix("list[").removesuffix("]")
    known = question.encoding.lists.get(symbol.name)
    if known is None:
        return []
    items: list[Wire] = []
    absent: list[Wire] = []
    for member in known.members.values():
        value = plainly(terms.value(member.left, view), of)
        kept = items if pick(member.fact) is True else absent
        kept += [value] if value not in kept else []
    count = pick(known.length)
    assert isinstance(count, int), count
    filling = filler(question, of, items, absent)
    return [*items, *[filling] * min(count - len(items), LENGTH_MAX)]


def plainly(value: Wire, type: str) -> Wire:
    """The value as an item of this type, spelled in the one way that equal values share."""
    if type == "decimal" and isinstance(value, int | str):
        return format(Decimal(value).normalize(), "f")
    return value.lower() if type == "uuid" and isinstance(value, str) else value


def filler(question: Question, type: str, items: Sequence[Wire], absent: Sequence[Wire]) -> Wire:
    """An item that a list may hold beside what it holds: none that it must not."""
    plain = values.samples(typetext.read(type), question.encoding.types)
    fresh: tuple[Wire, ...] = ()
    if type == "int":
        fresh = (1 + max((value for value in absent if isinstance(value, int)), default=0),)
    elif type == "string":
        fresh = ("".join(map(str, absent)) + "'",)
    return next((value for value in (*plain, *items, *fresh) if value not in absent), plain[0])

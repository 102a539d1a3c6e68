"""The solver: what can hold, what cannot and why, and the plainest values. The only module that knows z3.

It is told everything as text (`smtlib`), and what it says of a question depends on that text alone. Effort is limited
by its own count of resources, never by a clock, so that an answer does not depend on the machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import z3

from sagac.compiler import logic, smtlib
from sagac.compiler.logic import Sort, Symbol, Term, Value
from sagac.compiler.questions import Answer
from sagac.compiler.smtlib import Canonical, Writing

EFFORT: Final = 20_000_000
"""The solver's resources for one question; at most some seconds."""

STEPS_MAX: Final = 200
"""How many times a number is halved on the way to the smallest one."""

DIGITS: Final = (0, 2, 6)
"""How many digits after the point are tried before any fraction will do."""

REMEMBERED_MAX: Final = 100_000
"""How many questions keep their answer."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """The premises rule it out; these of them, by their places, suffice, and none of these can be left out."""

    core: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Possible:
    """It can happen: with these values of the unknowns of the question, by name."""

    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The solver gave up within its limit, or it gave values that our own evaluation does not accept."""


Outcome: TypeAlias = Impossible | Possible | Unknown

Standing: TypeAlias = tuple[int, ...] | Literal["sat", "unknown"]


# --- one question --------------------------------------------------------------------------------------------------


def refute(premises: Sequence[Term], broken: Term) -> Outcome:
    """Whether something can be broken while the premises hold.

    Where it cannot, premises at the end of the list are done without first. Where it can, each unknown in the order of
    the question has the plainest value that fits with those before it.
    """
    said = (*premises, broken)
    asked = smtlib.canonical(said)
    core = decided(asked.text, len(premises))
    if isinstance(core, tuple):
        return Impossible(core)
    if core == "unknown":
        return Unknown()
    values = named(asked, plainest(asked.text, tuple(symbol.sort for symbol in asked.symbols), len(asked.spellings)))
    return Possible(values) if all(logic.evaluate(one, values) is True for one in said) else Unknown()


def standing(premises: Sequence[Term]) -> Standing:
    """Whether the premises can hold together; where they cannot, which of them, by their places, contradict so."""
    return decided(smtlib.canonical(premises).text, len(premises))


@lru_cache(maxsize=REMEMBERED_MAX)
def decided(text: str, premises: int) -> Standing:
    """Whether all that is asserted can hold; where it cannot, which of the first assertions are needed for that."""
    key = hashlib.sha256(f"{version()} {EFFORT} {premises}\n{text}".encode()).hexdigest()
    found = EARLIER.get(key)
    if found is None:
        found = decided_now(text, premises)
        if found != "unknown":
            EARLIER[key] = found
    return found


EARLIER: Final[dict[str, Standing]] = {}
"""Answers by question, solver and effort, also of earlier checks where somebody keeps them (`answers`)."""


def decided_now(text: str, premises: int) -> Standing:
    """The answer of the solver itself."""
    session = begin()
    assertions = session.parser.from_string(text)
    # Which premise is which is told by its place: none may be lost on the way.
    assert len(assertions) == text.count("(assert "), text
    answers = [z3.Bool(f"premise {place}", session.context) for place in range(premises)]
    for place, assertion in enumerate(assertions):
        session.solver.add(z3.Implies(answers[place], assertion) if place < premises else assertion)
    return narrowed(session, answers)


def narrowed(session: Session, answers: Sequence[Any]) -> Standing:
    """The premises without those that can be done without, one after the other from the last."""
    kept = tuple(range(len(answers)))
    answer = verdict(session.solver.check(*answers))
    if answer != "unsat":
        return answer
    enough = core_of(session, answers)
    for place in reversed(range(len(answers))):
        rest = tuple(other for other in kept if other != place)
        if place in enough:
            if session.solver.check(*(answers[other] for other in rest)) != z3.unsat:
                continue
            enough = core_of(session, answers)
        kept = rest
    return kept


def core_of(session: Session, answers: Sequence[Any]) -> frozenset[int]:
    """What the solver used, by place."""
    used = {answer.decl().name() for answer in session.solver.unsat_core()}
    return frozenset(place for place, answer in enumerate(answers) if answer.decl().name() in used)


def version() -> str:
    """The solver's name and version."""
    return f"z3 {z3.get_version_string()}"


def answer(text: str) -> Answer:
    """The answer to the text of a question, whoever wrote it; unknown where it is none."""
    try:
        found = decided(text, 0)
    except (z3.Z3Exception, AssertionError):
        return "unknown"
    return "unsat" if isinstance(found, tuple) else found


@lru_cache(maxsize=REMEMBERED_MAX)
def plainest(text: str, sorts: tuple[Sort, ...], spellings: int) -> tuple[Value, ...]:
    """The plainest values of the unknowns of a question that can hold; a code as its number."""
    session = begin()
    session.literals = session.fresh = spellings
    session.solver.add(session.parser.from_string(text))
    return tuple(plain(session, f"x{place}", sort) for place, sort in enumerate(sorts, start=1))


def named(asked: Canonical, values: Sequence[Value]) -> dict[str, Value]:
    """The values by the names of the unknowns, codes as they are spelled."""
    found = zip(asked.symbols, values, strict=True)
    return {symbol.name: spelled(value, symbol.sort, asked.spellings) for symbol, value in found}


def spelled(value: Value, sort: Sort, spellings: Sequence[str]) -> Value:
    """A code by its spelling: a new one where the number is nobody's."""
    if sort != "code":
        return value
    assert isinstance(value, int), value
    if 0 <= value < len(spellings):
        return spellings[value]
    fresh = f"text {value - len(spellings)}"
    while fresh in spellings:
        fresh += "'"
    return fresh


# --- many questions over the same premises -------------------------------------------------------------------------


@dataclass(slots=True)
class Session:
    """A solver's context, with what has been said in it."""

    context: Any
    parser: Any
    solver: Any
    writing: Writing = field(default_factory=Writing)
    literals: int = 0
    """How many codes are written out; they come first."""
    fresh: int = 0
    """The first code that has not been used."""
    model: Any = None
    """Values that meet all that is supposed, where such were found: most of them are plain, and need no question."""


def begin() -> Session:
    """A solver that knows nothing."""
    context = z3.Context()
    solver = z3.SimpleSolver(ctx=context)
    solver.set("rlimit", EFFORT)
    return Session(context, z3.ParserContext(context), solver)


def suppose(session: Session, term: Term) -> None:
    """The term holds in all that is asked from now on."""
    session.solver.add(told(session, term))
    session.model = None


def told(session: Session, term: Term) -> Any:
    """The term in the solver."""
    lines, name = smtlib.continued(session.writing, term)
    return session.parser.from_string(f"{lines}(assert {name})")[0]


def can_hold(session: Session, term: Term) -> Answer:
    """Whether the term can hold beside all that is supposed."""
    said = told(session, term)
    session.solver.push()
    session.solver.add(said)
    answer = verdict(session.solver.check())
    session.solver.pop()
    return answer


@contextmanager
def supposing(session: Session, term: Term) -> Iterator[Answer]:
    """The term holds until the end of the block, and so does whatever is supposed in it; whether it can."""
    said = told(session, term)
    session.solver.push()
    try:
        session.solver.add(said)
        session.literals = session.fresh = len(session.writing.spellings)
        yield "sat" if fits(session) else verdict(session.solver.check())
    finally:
        session.solver.pop()
        session.model = None


def choose(session: Session, symbol: Symbol) -> Value:
    """The plainest value of an unknown that fits with what is supposed; from then on it is supposed too."""
    value = plain(session, met(session, symbol), symbol.sort)
    return spelled(value, symbol.sort, tuple(session.writing.spellings))


def found(session: Session, symbol: Symbol) -> Value:
    """The value of an unknown that the solver has found to fit with what is supposed."""
    value = python_value(value_of(session, unknown(session, met(session, symbol), symbol.sort)), symbol.sort)
    return spelled(value, symbol.sort, tuple(session.writing.spellings))


def met(session: Session, symbol: Symbol) -> str:
    """What an unknown is called; one that was not met before is declared."""
    lines, name = smtlib.continued(session.writing, symbol)
    if lines:
        session.parser.from_string(lines)
    return name


def verdict(answer: Any) -> Answer:
    return "sat" if answer == z3.sat else "unsat" if answer == z3.unsat else "unknown"


# --- plain values --------------------------------------------------------------------------------------------------


def unknown(session: Session, name: str, sort: Sort) -> Any:
    """An unknown as the solver has it."""
    made = {"bool": z3.Bool, "real": z3.Real}.get(sort, z3.Int)
    return made(name, session.context)


def plain(session: Session, name: str, sort: Sort) -> Value:
    """The plainest value that fits, which is then supposed."""
    handle = unknown(session, name, sort)
    match sort:
        case "bool":
            return truth(session, handle)
        case "int":
            return smallest(session, handle)
        case "real":
            return coarsest(session, name, handle)
        case "code":
            return code(session, handle)


def fits(session: Session, *facts: Any) -> bool:
    """Whether these can hold beside all that is supposed."""
    found = session.solver.check(*facts) == z3.sat
    if found:
        session.model = session.solver.model()
    return bool(found)


def is_so(session: Session, fact: Any) -> bool:
    """Whether a fact can hold: asked only where it does not among the values that are known to fit."""
    known = session.model is not None and z3.is_true(session.model.eval(fact, model_completion=True))
    return known or fits(session, fact)


def truth(session: Session, handle: Any) -> bool:
    """False where it can be."""
    found = not is_so(session, z3.Not(handle))
    session.solver.add(handle if found else z3.Not(handle))
    return found


def smallest(session: Session, handle: Any) -> int:
    """The number nearest to nought that fits, and a positive one if there is one."""
    found = 0 if is_so(session, handle == 0) else nearest(session, handle, 1 if is_so(session, handle > 0) else -1)
    session.solver.add(handle == found)
    return found


def nearest(session: Session, handle: Any, sign: int) -> int:
    """The smallest distance from nought on one side, by halving."""
    is_fit = is_so(session, sign * handle > 0)
    assert is_fit, handle
    near, far = 0, sign * int(value_of(session, handle).as_long())
    for _ in range(STEPS_MAX):
        if far - near <= 1:
            break
        middle = (near + far) // 2
        if fits(session, sign * handle > 0, sign * handle <= middle):
            far = sign * int(value_of(session, handle).as_long())
        else:
            near = middle
    return sign * far


def value_of(session: Session, handle: Any) -> Any:
    """A value that is known to fit."""
    return session.model.eval(handle, model_completion=True)


def coarsest(session: Session, name: str, handle: Any) -> Fraction:
    """The coarsest decimal that fits, and of those the one nearest to nought; or else any fraction that fits."""
    for digits in DIGITS:
        whole = z3.Int(f"{name} to {digits} digits", session.context)
        link = handle * 10**digits == z3.ToReal(whole)
        if fits(session, link):
            session.solver.add(link)
            return Fraction(smallest(session, whole), 10**digits)
    is_fit = session.model is not None or fits(session)
    assert is_fit, name
    found = value_of(session, handle)
    session.solver.add(handle == found)
    return Fraction(found.as_fraction())


def code(session: Session, handle: Any) -> int:
    """A code of its own where it can be; else the first that fits of those already chosen, or of those written out."""
    found = session.fresh
    if is_so(session, handle == session.fresh):
        session.fresh += 1
    else:
        is_chosen = is_so(session, z3.And(handle >= session.literals, handle < session.fresh))
        bounds = (session.literals, session.fresh) if is_chosen else (0, session.literals)
        found = first(session, handle, *bounds)
    session.solver.add(handle == found)
    return found


def first(session: Session, handle: Any, low: int, end: int) -> int:
    """The first number from `low` on and before `end` that fits, by halving."""
    while end - low > 1:
        middle = (low + end) // 2
        low, end = (low, middle) if is_so(session, z3.And(handle >= low, handle < middle)) else (middle, end)
    return low


def python_value(value: Any, sort: Sort) -> Value:
    """A value of a model."""
    if sort == "bool":
        return bool(z3.is_true(value))
    return Fraction(value.as_fraction()) if sort == "real" else int(value.as_long())

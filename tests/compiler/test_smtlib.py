"""The text of a question: the same for the same question, and with the same answer wherever it is asked."""

from __future__ import annotations

from fractions import Fraction

import pytest
import z3
from tests.compiler.test_solver import case

from sagac.compiler import logic, smtlib, solver
from sagac.compiler.logic import Apply, Literally, Symbol, Term
from sagac.compiler.solver import Impossible

SEEDS = 60


def asked_alone(text: str) -> str:
    """What the solver says when it is given the text as it stands, by another way than ours."""
    solver = z3.Solver()
    solver.from_string(text)
    return str(solver.check())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_text_alone_has_the_same_answer(seed: int) -> None:
    premises, broken = case(seed)
    text = smtlib.canonical((*premises, broken)).text
    answer = "unsat" if isinstance(solver.refute(premises, broken), Impossible) else "sat"
    assert asked_alone(text) == answer


def renamed(term: Term, spelling: dict[str, str]) -> Term:
    """The same under other names, in new objects."""
    match term:
        case Symbol():
            return Symbol(f"other {term.name[::-1]}", term.sort)
        case Literally(value=str()):
            return logic.code(spelling[str(term.value)])
        case Literally():
            return Literally(term.value, term.sort)
        case Apply():
            return Apply(term.operator, tuple(renamed(operand, spelling) for operand in term.operands), term.sort)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_other_names_give_the_same_text(seed: int) -> None:
    premises, broken = case(seed)
    said = (*premises, broken)
    one = smtlib.canonical(said)
    assert smtlib.canonical([renamed(term, {"p": "zebra", "q": "apple"}) for term in said]).text == one.text
    assert "other" not in one.text


def test_another_question_has_another_text() -> None:
    keys = {smtlib.canonical((*case(seed)[0], case(seed)[1])).key for seed in range(SEEDS)}
    assert len(keys) == SEEDS
    n, m = Symbol("n", "int"), Symbol("m", "int")
    less, more = logic.less(n, m, strictly=True), logic.less(m, n, strictly=True)
    assert smtlib.canonical((less, more)).key != smtlib.canonical((less, less)).key
    assert smtlib.canonical((less,)).key == smtlib.canonical((more,)).key


def test_the_text_reads_as_a_person_would_write_it() -> None:
    n, state = Symbol("n", "int"), Symbol("state", "code")
    left = logic.less(logic.number(-3), n, strictly=True)
    said = (logic.either(left, logic.equal(state, logic.code("open"))), logic.negation(left))
    assert smtlib.canonical(said).text == (
        "(set-logic QF_LIA)\n"
        "(declare-const x1 Int)\n"
        "(declare-const x2 Int)\n"
        "(define-fun d1 () Bool (< (- 3) x1))\n"
        "(assert (or d1 (= x2 0)))\n"
        "(assert (not d1))\n"
        "(check-sat)\n"
    )


def test_the_logic_is_the_smallest_that_fits() -> None:
    truth, n, r = Symbol("truth", "bool"), Symbol("n", "int"), Symbol("r", "real")
    positive, small = (
        logic.less(logic.number(0), n, strictly=True),
        logic.less(r, logic.real(Fraction(1)), strictly=True),
    )

    def first_line(*said: Term) -> str:
        return smtlib.canonical(said).text.splitlines()[0]

    assert first_line(truth) == "(set-logic QF_UF)"
    assert first_line(truth, positive) == "(set-logic QF_LIA)"
    assert first_line(small) == "(set-logic QF_LRA)"
    assert first_line(positive, small) == "(set-logic QF_LIRA)"

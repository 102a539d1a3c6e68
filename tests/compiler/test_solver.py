"""What the solver says, beside trying every value: that it can happen and how, or that it cannot and why."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from tests.compiler import random_terms

from sagac.compiler import logic, smtlib, solver
from sagac.compiler.logic import Literally, Symbol, Term
from sagac.compiler.solver import Impossible, Possible, Unknown

SEEDS = 120


def case(seed: int) -> tuple[tuple[Term, ...], Term]:
    draw = random.Random(seed)
    said = [random_terms.term(draw, draw.randint(0, 2)) for _ in range(draw.randint(1, 4))]
    broken = random_terms.term(draw, 2)
    symbols = logic.symbols(*said, broken)
    return (*said, *random_terms.bounds(symbols)), broken


def first_way(*terms: Term) -> object:
    """The plainest values that meet the terms, by trying all."""
    symbols = logic.symbols(*terms)
    parts = logic.parts(*terms)
    literals = dict.fromkeys(str(p.value) for p in parts if isinstance(p, Literally) and p.sort == "code")
    tried = random_terms.ways(symbols, tuple(literals))
    return next((values for values in tried if all(logic.evaluate(term, values) for term in terms)), None)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_answer_is_the_one_that_trying_every_value_gives(seed: int) -> None:
    premises, broken = case(seed)
    found = solver.refute(premises, broken)
    values = first_way(*premises, broken)
    if values is None:
        assert isinstance(found, Impossible)
    else:
        assert found == Possible(values)  # type: ignore[arg-type]  # compared, whatever it is


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_core_suffices_and_none_of_it_can_be_left_out(seed: int) -> None:
    premises, broken = case(seed)
    found = solver.refute(premises, broken)
    if not isinstance(found, Impossible):
        return  # `test_both_answers_are_given` counts the rest
    core = [premises[place] for place in found.core]
    assert isinstance(solver.refute(core, broken), Impossible)
    for place in range(len(core)):
        assert isinstance(solver.refute([*core[:place], *core[place + 1 :]], broken), Possible)


def test_both_answers_are_given() -> None:
    found = [solver.refute(*case(seed)) for seed in range(SEEDS)]
    assert sum(isinstance(one, Possible) for one in found) > SEEDS / 3
    assert sum(isinstance(one, Impossible) and bool(one.core) for one in found) > SEEDS / 10


def test_the_last_premises_are_done_without_first() -> None:
    n = Symbol("n", "int")
    small, smaller = logic.less(n, logic.number(5), strictly=True), logic.less(n, logic.number(4), strictly=True)
    broken = logic.less(logic.number(9), n, strictly=True)
    assert solver.refute((small, smaller), broken) == Impossible((0,))
    assert solver.refute((smaller, small), broken) == Impossible((0,))


def test_premises_that_contradict_one_another_are_named() -> None:
    n = Symbol("n", "int")
    positive, negative = logic.less(logic.number(0), n, strictly=True), logic.less(n, logic.number(0), strictly=True)
    other = Symbol("other", "bool")
    assert solver.standing((other, positive, negative)) == (1, 2)
    assert solver.standing((other, positive)) == "sat"
    assert solver.standing(()) == "sat"


def test_numbers_are_small_decimals_short_and_codes_new() -> None:
    n, r = Symbol("n", "int"), Symbol("r", "real")
    a, b, c = (Symbol(name, "code") for name in "abc")
    far = logic.less(n, logic.number(-(10**12)), strictly=False)
    between = logic.both(
        logic.less(logic.real(Fraction(1, 3)), r, strictly=True),
        logic.less(r, logic.real(Fraction(1, 2)), strictly=True),
    )
    third = logic.equal(logic.scaled(Fraction(3), r), logic.real(Fraction(1)))
    codes = logic.both(logic.equal(a, b), logic.one_of(c, ("x", "y")), logic.negation(logic.equal(c, logic.code("x"))))
    assert solver.refute((far,), between) == Possible({"n": -(10**12), "r": Fraction(34, 100)})
    assert solver.refute((), third) == Possible({"r": Fraction(1, 3)})
    assert solver.refute((), codes) == Possible({"a": "text 0", "b": "text 0", "c": "y"})


def test_a_new_code_is_spelled_like_no_other() -> None:
    a = Symbol("a", "code")
    assert solver.refute((), logic.negation(logic.equal(a, logic.code("text 0")))) == Possible({"a": "text 0'"})


def test_values_that_our_own_evaluation_does_not_accept_are_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    n = Symbol("n", "int")
    monkeypatch.setattr(solver, "plainest", lambda *_: (0,))
    assert solver.refute((), logic.less(n, logic.number(3), strictly=True)) == Possible({"n": 0})
    assert solver.refute((), logic.less(logic.number(3), n, strictly=True)) == Unknown()


def test_what_takes_too_long_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "EFFORT", 1)
    names = [Symbol(f"effort {number}", "int") for number in range(9)]
    sums = [logic.equal(logic.added(*names), logic.scaled(Fraction(number + 2), names[number])) for number in range(9)]
    assert solver.refute(sums, logic.less(logic.number(7), names[0], strictly=True)) == Unknown()


def test_one_question_is_asked_once_whatever_its_unknowns_are_called() -> None:
    before = solver.decided.cache_info().misses
    for number in range(50):
        a, b = Symbol(f"a {number}", "int"), Symbol(f"b {number}", "int")
        assert isinstance(
            solver.refute((logic.less(a, b, strictly=True),), logic.less(b, a, strictly=False)), Impossible
        )
    assert solver.decided.cache_info().misses - before <= 1


def test_a_session_says_the_same_as_single_questions() -> None:
    for seed in range(0, SEEDS, 5):
        premises, broken = case(seed)
        session = solver.begin()
        for premise in premises:
            solver.suppose(session, premise)
        single = solver.refute(premises, broken)
        assert solver.can_hold(session, broken) == ("unsat" if isinstance(single, Impossible) else "sat")
        with solver.supposing(session, broken) as answer:
            if answer == "sat":
                values = {one.name: solver.choose(session, one) for one in logic.symbols(*premises, broken)}
                assert single == Possible(values)
        with solver.supposing(session, broken) as answer:
            if answer == "sat":
                values = {one.name: solver.found(session, one) for one in logic.symbols(*premises, broken)}
                assert all(logic.evaluate(one, values) for one in (*premises, broken))


def test_a_term_may_be_thousands_deep() -> None:
    said: Term = Symbol("b", "bool")
    for number in range(20_000):
        said = logic.both(Symbol(f"v{number}", "bool"), logic.negation(said))
    assert solver.refute((said,), logic.negation(said)) == Impossible((0,))
    session = solver.begin()
    solver.suppose(session, said)
    assert solver.can_hold(session, said) == "sat"
    assert solver.can_hold(session, logic.negation(said)) == "unsat"
    assert len(smtlib.canonical((said,)).text) < 2_000_000


PROGRAM = """
from tests.compiler.test_solver import case
from sagac.compiler import smtlib, solver
for seed in range(25):
    premises, broken = case(seed)
    print(smtlib.canonical((*premises, broken)).key, solver.refute(premises, broken))
"""


def test_other_hash_seeds_give_the_same_answers() -> None:
    def output(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert output("1") == output("2") != ""

"""Formulas of our own: what they say, and what they read."""

from __future__ import annotations

from sagac.compiler import terms
from sagac.compiler.terms import FALSE, TRUE, And, Atom, Formula, Not, Or, Valuation, Var
from sagac.runtime.plan import Binary, Constant, Input, Result, Status, Unary

AMOUNT = Input(("amount",), "int")
LARGE = Binary(">", AMOUNT, Constant(10, "int"))
RESULT = Binary(">", Result("a", ("n",), "int"), Constant(0, "int"))
A, B = Var("a"), Var("b")


def facts(status: Status) -> Formula:
    return Var(f"{status.step} {status.fact}")


def test_what_goes_without_saying_is_not_said() -> None:
    assert terms.both() == terms.both(TRUE, TRUE) == TRUE
    assert terms.both(A, TRUE) is A
    assert terms.both(A, FALSE, B) == FALSE
    assert terms.either(A, FALSE) is A
    assert terms.either(A, TRUE) == TRUE
    assert terms.either() == FALSE
    assert terms.negation(terms.negation(A)) is A
    assert terms.negation(TRUE) == FALSE


def test_connectives_become_formulas_and_the_rest_stays_an_atom() -> None:
    expression = Binary("and", LARGE, Unary("not", Binary("or", Status("a", "done"), RESULT)))
    assert terms.lower(expression, facts) == And((Atom(LARGE), Not(Or((Var("a done"), Atom(RESULT))))))
    assert terms.lower(Binary("implies", LARGE, Constant(False, "bool")), facts) == Not(Atom(LARGE))


def test_a_state_beside_an_equals_sign_is_no_atom() -> None:
    formula = terms.lower(Binary("==", Status("a", "done"), Constant(False, "bool")), facts)
    assert terms.holds(formula, Valuation())
    assert not terms.holds(formula, Valuation(true=frozenset({"a done"})))


def test_a_formula_holds_as_the_kernel_would_have_it() -> None:
    formula = terms.lower(Binary("and", LARGE, RESULT), facts)
    assert terms.holds(formula, Valuation({"amount": 11}, {"a": {"n": 1}}))
    assert not terms.holds(formula, Valuation({"amount": 10}, {"a": {"n": 1}}))
    assert not terms.holds(formula, Valuation({"amount": 11}))


def test_what_a_formula_reads_is_listed_once_in_order() -> None:
    formula = And((Atom(LARGE), Or((Atom(RESULT), A, Atom(LARGE)))))
    assert terms.free_variables(formula) == (AMOUNT, Result("a", ("n",), "int"), A)


def test_a_formula_thousands_deep_is_no_problem() -> None:
    formula: Formula = A
    for _ in range(5_000):
        formula = And((formula, Not(B)))
    assert terms.holds(formula, Valuation(true=frozenset({"a"})))
    assert terms.free_variables(formula) == (A, B)

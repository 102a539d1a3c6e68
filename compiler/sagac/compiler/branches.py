"""Every way in which a saga's guards can come out, each with values that make it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from sagac.compiler import prover, terms, values
from sagac.compiler.model import Project, Saga
from sagac.compiler.prover import Question
from sagac.compiler.terms import TRUE, Atom, Formula, both, negation
from sagac.compiler.values import Choice
from sagac.runtime.expressions import View
from sagac.runtime.plan import Binary, Constant, Expression, Input, Plan, Unary, Wire

Signs: TypeAlias = tuple[bool, ...]
"""The truth value of each comparison."""

BRANCHES_MAX: Final = 256
"""How many ways are told apart before the search gives up."""


class Unsettled(Exception):  # noqa: N818 - a reason, which becomes an undecided finding
    """Not every way is known; the text says why."""


def choices(project: Project, saga: Saga, plan: Plan, given: Mapping[str, Wire]) -> tuple[Choice, ...]:
    """One choice of inputs and results for each way in which the guards' comparisons can come out; none where the
    given input is refused. Raises `Unsettled` where the solver cannot tell."""
    atoms = tuple(dict.fromkeys(atom for condition in values.guards(plan) for atom in comparisons(condition)))
    known = fixed(saga, given)
    question = prover.ask(project, saga, known)
    if prover.possible(question, TRUE) == "impossible":
        return ()
    found = []
    for way, wanted in ways(question, atoms, TRUE):
        found.append(with_values(project, saga, plan, given, question, way, atoms, wanted))
        if len(found) > BRANCHES_MAX:
            raise Unsettled(f"its guards can come out in more than {BRANCHES_MAX} ways")
    return tuple(found)


def comparisons(condition: Expression) -> Iterator[Expression]:
    """The parts of a condition that are true or false by values alone, no step's status among them."""
    for atom in values.comparisons(condition):
        if not terms.speaks_of_status(atom):
            yield atom
        elif isinstance(atom, Binary):
            yield from (*comparisons(atom.left), *comparisons(atom.right))
        elif isinstance(atom, Unary):
            yield from comparisons(atom.operand)


def fixed(saga: Saga, given: Mapping[str, Wire]) -> Formula:
    """What is known of every input: its `where` conditions, and the given values."""
    wheres = (terms.lower(field.where.condition, no_status) for field in saga.inputs if field.where is not None)
    facts = (fact(field.name, field.type, given[field.name]) for field in saga.inputs if field.name in given)
    return both(*wheres, *facts)


def no_status(status: object) -> Formula:
    raise AssertionError(f"a `where` speaks of {status}")


def fact(name: str, type: str, value: Wire) -> Formula:
    """A field of the input has this value; of lists and records the solver is told nothing."""
    place = Input((name,), type)
    if value is None:
        return Atom(Unary("is null", place))
    if isinstance(value, list | dict):
        return TRUE
    if isinstance(value, bool):
        return Atom(place) if value else negation(Atom(place))
    return Atom(Binary("==", place, Constant(value, type.removesuffix("?"))))


def ways(
    question: Question, atoms: Sequence[Expression], known: Formula, so_far: Signs = ()
) -> Iterator[tuple[Formula, Signs]]:
    """Each combination of truth values of the comparisons that some values have, as a formula and as they stand."""
    if not atoms:
        yield known, so_far
        return
    for sign in (True, False):
        narrowed = both(known, Atom(atoms[0]) if sign else negation(Atom(atoms[0])))
        answer = prover.possible(question, narrowed)
        if answer == "unknown":
            raise Unsettled("the solver gave up on how its guards come out")
        if answer == "possible":
            yield from ways(question, atoms[1:], narrowed, (*so_far, sign))


def with_values(
    project: Project,
    saga: Saga,
    plan: Plan,
    given: Mapping[str, Wire],
    question: Question,
    way: Formula,
    atoms: Sequence[Expression],
    wanted: Signs,
) -> Choice:
    """Values that make the guards come out this way: the solver's, or else made-up ones that happen to."""
    valuation = prover.witness(question, way)
    if valuation is not None:
        choice = completed(project, saga, plan, {**valuation.input, **given}, valuation.results)
        if choice is not None and signature(choice, atoms) == wanted:
            return choice
    try:
        made_up = values.choices(saga, plan, saga.types, given)
    except values.TooMany as limit:
        raise Unsettled(str(limit)) from None
    for choice in made_up:
        if signature(choice, atoms) == wanted:
            return choice
    raise Unsettled("its guards compare what no values were found for")


def completed(
    project: Project, saga: Saga, plan: Plan, input: Mapping[str, Wire], results: Mapping[str, Wire]
) -> Choice | None:
    """A choice with these values, and plain ones for the rest."""
    inputs = values.complete(saga, saga.types, input)
    if inputs is None:
        return None
    return Choice(
        inputs, {step.name: values.result_of(step, results.get(step.name), saga.types) for step in plan.steps}
    )


def signature(choice: Choice, atoms: Sequence[Expression]) -> Signs:
    """The truth value that each comparison has."""
    view = View(choice.input, choice.results, {})
    return tuple(values.truth(atom, view) is True for atom in atoms)

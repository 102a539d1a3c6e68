"""The questions behind the proofs of a saga, each as a text of its own that any solver can be asked.

A proof asks many questions in one session; here each stands alone, with all that it supposes, and is decided alone. Its
text depends on nothing but the formula, the premise and the types: so it can be written again from a certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from sagac.compiler import encoding, smtlib, terms
from sagac.compiler.obligations.obligation import Case, Never
from sagac.compiler.questions import Answer, Asked
from sagac.compiler.smtlib import Canonical
from sagac.compiler.terms import FALSE, And, Atom, Formula, Not, Or, Var
from sagac.runtime.plan import Enum, Expression, Plan, Record

Solve: TypeAlias = Callable[[str], Answer]
"""Decides the text of a question."""

Json: TypeAlias = Any
"""What a JSON text holds."""

Types: TypeAlias = Mapping[str, Record | Enum]
"""The types of the values that a plan uses, by name."""


@dataclass(slots=True)
class Inquiry:
    """What was asked about a saga, and what came of it."""

    solve: Solve
    types: Types
    premise: Formula
    parts: dict[object, Formula] = field(default_factory=dict)
    """Every part of a formula once, by what it says."""
    texts: dict[str, str] = field(default_factory=dict)
    """The text of each question, by its key."""
    answers: dict[str, Answer] = field(default_factory=dict)
    keys: dict[int, tuple[Formula, str]] = field(default_factory=dict)
    """The key of each formula; the formula is kept so that its identity is not given away."""


def begin(plan: Plan, premise: Formula, solve: Solve) -> Inquiry:
    """The start of all questions about a saga, whose inputs meet the premise."""
    return Inquiry(solve, {declared.name: declared for declared in plan.types}, premise)


def impossible(inquiry: Inquiry, formula: Formula) -> str:
    """The key of the question whether some run meets the formula, where none does; else nothing."""
    if id(formula) not in inquiry.keys:
        said = tuple(once(inquiry.parts, each) for each in (inquiry.premise, formula))
        inquiry.keys[id(formula)] = formula, ask(inquiry, question(inquiry.types, *said))
    key = inquiry.keys[id(formula)][1]
    return key if inquiry.answers[key] == "unsat" else ""


def once(parts: dict[object, Formula], formula: Formula) -> Formula:
    """The formula with parts that say the same as one: how often a part was made does not change what is written."""
    made: dict[int, Formula] = {}
    for part in terms.parts(formula):
        same = with_operands(part, [made[id(operand)] for operand in part.operands])
        key = (type(same), *(id(operand) for operand in same.operands)) if same.operands else same
        made[id(part)] = parts.setdefault(key, same)
    return made[id(formula)]


def with_operands(part: Formula, operands: Sequence[Formula]) -> Formula:
    """The same part, made of these."""
    match part:
        case And():
            return And(tuple(operands))
        case Or():
            return Or(tuple(operands))
        case Not():
            return Not(operands[0])
        case _:
            return part


def question(types: Types, premise: Formula, formula: Formula) -> Canonical:
    """A formula and its premise, with all that holds of what they speak of."""
    written = encoding.begin(types=types)
    said = tuple(encoding.formula(written, one) for one in (premise, formula))
    return smtlib.canonical((*encoding.facts(written, *said), *said))


def formulas(nodes: Json) -> list[Formula]:
    """The formulas of a certificate's nodes, each of which is made of nodes before it."""
    made: list[Formula] = []
    for kind, rest in nodes:
        match kind:
            case "var":
                made.append(Var(rest))
            case "atom":
                made.append(Atom(msgspec.convert(rest, Expression)))
            case "not":
                made.append(Not(made[rest]))
            case "and" | "or":
                operands = tuple(made[place] for place in rest)
                made.append(And(operands) if kind == "and" else Or(operands))
            case _:
                raise ValueError(f"a formula of the unknown kind `{kind}`")
    return made


def ask(inquiry: Inquiry, asked: Canonical) -> str:
    """The key of a question, which is decided once."""
    if asked.key not in inquiry.answers:
        inquiry.answers[asked.key] = inquiry.solve(asked.text)
        inquiry.texts[asked.key] = asked.text
    return asked.key


# --- obligations ---------------------------------------------------------------------------------------------------


def excluded(inquiry: Inquiry, obligation: Never) -> Iterator[tuple[Formula, str]]:
    """The formulas that rule out every case of a claim, with the keys of their questions.

    One for all where the premise is impossible; a case that the order excludes has none.
    """
    if obligation.premise != FALSE and (key := impossible(inquiry, obligation.premise)):
        yield obligation.premise, key
        return
    for case in obligation.cases():
        yield from excluded_case(inquiry, case)


def excluded_case(inquiry: Inquiry, case: Case) -> Iterator[tuple[Formula, str]]:
    if FALSE in (case.needs, case.condition):
        return
    for formula in (case.needs, case.condition):
        if key := impossible(inquiry, formula):
            yield formula, key
            return


def told(inquiry: Inquiry, asked: Asked) -> str:
    """The key of a question that was asked elsewhere, with its answer."""
    inquiry.texts[asked.key], inquiry.answers[asked.key] = asked.text, asked.answer
    return asked.key

"""The questions behind the proofs of a saga, each as a text of its own that any solver can be asked.

A proof asks many questions in one session; here each stands alone, with all that it supposes, and is decided alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from sagac.compiler import encoding, smtlib
from sagac.compiler.encoding import Encoding
from sagac.compiler.model import Saga
from sagac.compiler.obligations.obligation import Case, Never
from sagac.compiler.questions import Answer, Asked
from sagac.compiler.smtlib import Canonical
from sagac.compiler.terms import FALSE, Formula

Solve: TypeAlias = Callable[[str], Answer]
"""Decides the text of a question."""


@dataclass(slots=True)
class Inquiry:
    """What was asked about a saga, and what came of it."""

    solve: Solve
    encoding: Encoding
    premise: Formula
    texts: dict[str, str] = field(default_factory=dict)
    """The text of each question, by its key."""
    answers: dict[str, Answer] = field(default_factory=dict)
    keys: dict[int, tuple[Formula, str]] = field(default_factory=dict)
    """The key of each formula; the formula is kept so that its identity is not given away."""


def begin(saga: Saga, premise: Formula, solve: Solve) -> Inquiry:
    """The start of all questions about a saga, whose inputs meet the premise."""
    return Inquiry(solve, encoding.begin(saga), premise)


def impossible(inquiry: Inquiry, formula: Formula) -> str:
    """The key of the question whether some run meets the formula, where none does; else nothing."""
    if id(formula) not in inquiry.keys:
        inquiry.keys[id(formula)] = formula, ask(inquiry, question(inquiry, formula))
    key = inquiry.keys[id(formula)][1]
    return key if inquiry.answers[key] == "unsat" else ""


def question(inquiry: Inquiry, formula: Formula) -> Canonical:
    """A formula with all that holds of what it speaks of."""
    said = tuple(encoding.formula(inquiry.encoding, one) for one in (inquiry.premise, formula))
    return smtlib.canonical((*encoding.facts(inquiry.encoding, *said), *said))


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

"""Hypothesis strategies: the cases of a saga under any few faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from sagac.runtime.plan import Plan, Step
from sagac.runtime.testing.cases import (
    Busy,
    Cancelled,
    Case,
    Crashed,
    Fault,
    Late,
    Refused,
    Repeated,
    Taken,
    Unanswered,
)

FAULTS_MAX: Final = 3
"""So many faults befall one run; more hide one another."""


def disturbed(saga: type[Any], cases: Sequence[Case]) -> st.SearchStrategy[Case]:
    """The inputs and results of the given cases, under any few faults that the contracts allow."""
    inputs = list({repr((case.input, case.results)): case for case in cases}.values())
    faults = st.lists(st.sampled_from(list(possible(saga.plan))), max_size=FAULTS_MAX, unique_by=place)
    return st.builds(under, st.sampled_from(inputs), faults)


def under(case: Case, faults: Sequence[Fault]) -> Case:
    """The case's input and results, with other faults, and with no word about the end."""
    return dataclasses.replace(case, title="any faults", faults=tuple(faults), ends="", order=(), must_strike=False)


def place(fault: Fault) -> tuple[str, str]:
    """Where a fault strikes: one call meets one fault."""
    if isinstance(fault, Cancelled | Crashed):
        return type(fault).__name__, ""
    return fault.step, "do" if isinstance(fault, Late | Taken) else fault.direction


def possible(plan: Plan) -> Iterator[Fault]:
    """Every fault that may befall a run without anybody breaking a contract."""
    for step in plan.steps:
        yield Cancelled(step.name)
        yield Crashed(step.name)
        yield from do_faults(step)
        if step.undos:
            yield from undo_faults(step)


def do_faults(step: Step) -> Iterator[Fault]:
    """What may befall a do. One that is sent for ever is answered at last."""
    endless = step.schedule.retries is None
    attempts = 2 if endless else None
    yield from (Refused(step.name, failure) for failure in step.fails)
    if step.locks:
        yield Taken(step.name)
    yield Unanswered(step.name, landed=True, attempts=attempts)
    yield Unanswered(step.name, landed=False, attempts=attempts)
    if not endless:
        yield Busy(step.name)
    if (step.idempotent or step.idempotent_by_effect) and not step.query:
        yield Repeated(step.name)
        yield Late(step.name, attempts)


def undo_faults(step: Step) -> Iterator[Fault]:
    """What may befall an undo."""
    yield Unanswered(step.name, "undo", landed=True, attempts=1)
    yield Unanswered(step.name, "undo", landed=False, attempts=1)
    yield Busy(step.name, "undo")
    if all(undo.idempotent or undo.revokes for undo in step.undos):
        yield Repeated(step.name, "undo")

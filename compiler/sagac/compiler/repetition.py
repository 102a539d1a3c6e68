"""Repetition: which calls may be sent twice because of what they do, though their service keeps no key (R3).

The planner is told before it plans; that the plan says no more than that is proved again (C2), and that nobody is in
between two landings is what B2, B4 and the kernel's wait for `lands within` are for.
"""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import breaches
from sagac.compiler.actions import Deeds
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations import idempotence
from sagac.compiler.obligations.obligation import Kept
from sagac.compiler.verdicts import Claim, Proved


def proved(project: Project, saga: Saga, graph: Graph, deeds: Deeds) -> frozenset[str]:
    """The steps of which a second landing, right after the first, is proved to change nothing."""
    return frozenset(step.name for step in candidates(project, saga, graph) if is_once(project, deeds, step))


def candidates(project: Project, saga: Saga, graph: Graph) -> Iterator[Step]:
    """The steps that may be undone, whose contract has no other word on what a lost answer means."""
    pivots = [step.name for step in saga.steps if step.pivot]
    for step in saga.steps:
        is_committed = step.pivot or any(graph.precedes(pivot, step.name) for pivot in pivots)
        if not is_committed and step.handlers and not any(handler.refusal for handler in step.handlers):
            operation = project.operation(step.call)
            is_silent = not operation.idempotent and operation.probe is None
            if operation.kind == "command" and is_silent and operation.changes and operation.lands_within_ms:
                yield step


def is_once(project: Project, deeds: Deeds, step: Step) -> bool:
    """Twice is once: as C2 asks, of a plan that would send it again."""
    claim = Claim("C2", deeds.saga.full_name, step.name, "", step.call.span)
    return isinstance(breaches.judged(Kept(claim, lambda: idempotence.breaches(project, deeds, step))), Proved)

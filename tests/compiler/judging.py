"""From a text to its verdicts: what the tests of the proofs share."""

from __future__ import annotations

from dataclasses import dataclass

from sagac.compiler import graph, parser, planner, proofs, resolver
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Assumed, Family, Judgement, Proved, Refuted, Situation, Vacuous
from sagac.runtime.plan import Plan

SERVICES = """
enum Tier { standard, vip }

service work {
  owner "tests"
  command may(id: uuid) -> { n: int }
    idempotent
    fails Refused
  command sure(id: uuid) -> { n: int }
    idempotent
  command undo(id: uuid)
    idempotent
  command revoke_may(id: uuid)
    idempotent
    revokes may
  command undo_n(n: int)
    idempotent
  command revoke_n(id: uuid, n: int)
    idempotent
    revokes may
  query look(id: uuid) -> { n: int }
}
"""

INPUT = """
  key id
  input {
    id: uuid
    amount: int
    tier: Tier = standard
    express: bool = false
    note: string = "plain"
    price: decimal = 0
    limit: int? = null
  }
"""


@dataclass(frozen=True)
class Judged:
    """A saga with everything that was made of it."""

    project: Project
    saga: Saga
    graph: Graph
    plan: Plan
    judgements: tuple[Judgement, ...]

    def of(self, family: Family, step: str | None = None) -> tuple[Judgement, ...]:
        """The judgements of a family, of one step if it is named."""
        return tuple(
            judgement
            for judgement in self.judgements
            if judgement.claim.family == family and step in (None, judgement.claim.step)
        )

    def refuted(self, family: Family) -> dict[str, Refuted]:
        """The refutations of a family by their steps."""
        return {
            judgement.claim.step: judgement.verdict
            for judgement in self.of(family)
            if isinstance(judgement.verdict, Refuted)
        }

    def dead(self) -> dict[str, Vacuous]:
        """What never happens, by its step."""
        return {
            judgement.claim.step: judgement.verdict
            for judgement in self.judgements
            if isinstance(judgement.verdict, Vacuous)
        }

    def is_sound(self) -> bool:
        """Nothing is refuted, vacuous or undecided."""
        return all(isinstance(judgement.verdict, Proved | Assumed) for judgement in self.judgements)


def read(text: str) -> tuple[Project, Saga]:
    """The only saga of a text without errors."""
    file, syntax = parser.parse(Source("test.saga", text))
    project, names = resolver.resolve({"test.saga": file})
    errors = [finding for finding in (*syntax, *names) if finding.severity == "error"]
    assert not errors, [finding.message for finding in errors]
    (saga,) = project.sagas
    return project, saga


def judged(steps: str, *, services: str = SERVICES, head: str = INPUT) -> Judged:
    """The verdicts on a saga of these steps."""
    project, saga = read(f"{services}\nsaga Tested version 1 {{\n{head}\n{steps}\n}}\n")
    return verdicts(project, saga)


def verdicts(project: Project, saga: Saga) -> Judged:
    built, findings = graph.build(saga)
    assert not [finding for finding in findings if finding.severity == "error"], findings
    plan = planner.plan(project, saga, built)
    return Judged(project, saga, built, plan, proofs.judge(project, saga, built, plan))


def story(verdict: Refuted) -> Situation:
    """The run that shows a refutation about the states of a run."""
    assert isinstance(verdict.situation, Situation), verdict
    return verdict.situation

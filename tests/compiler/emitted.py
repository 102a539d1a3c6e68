"""Projects as the generator gets them, from the specs that its tests use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagac.compiler import generation, graph, parser, planner, resolver
from sagac.compiler.model import Project
from sagac.compiler.source import Source
from sagac.runtime.plan import Plan

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "compiler" / "fixtures"
ORDER = ROOT / "specs" / "accepted" / "order" / "order.saga"
TRIP = ROOT / "specs" / "accepted" / "trip" / "trip.saga"
AWKWARD = (FIXTURES / "awkward.saga", FIXTURES / "awkward_contracts.saga")


@dataclass(frozen=True)
class Planned:
    """A project with its plans, by the sagas' full names."""

    project: Project
    plans: Mapping[str, Plan]

    @property
    def modules(self) -> generation.Modules:
        """Everything that is generated."""
        return generation.generate(self.project, self.plans)

    def plan(self, name: str) -> Plan:
        """The plan of the saga with this bare name."""
        return next(plan for saga, plan in self.plans.items() if saga.rpartition(".")[2] == name)


def planned(*sources: Source) -> Planned:
    """A project, resolved without a finding and planned."""
    parsed = {source.name: parser.parse(source) for source in sources}
    project, findings = resolver.resolve({name: file for name, (file, _) in parsed.items()})
    errors = [*findings, *(finding for _, found in parsed.values() for finding in found)]
    assert [finding.message for finding in errors if finding.severity == "error"] == []
    plans = {}
    for saga in project.sagas:
        built, order = graph.build(saga)
        assert [finding.message for finding in order if finding.severity == "error"] == []
        plans[saga.full_name] = planner.plan(project, saga, built)
    return Planned(project, plans)


def from_files(*paths: Path) -> Planned:
    """A project of spec files."""
    return planned(*(Source(path.name, path.read_text(encoding="utf-8")) for path in paths))


def from_text(text: str) -> Planned:
    """A project of one text."""
    return planned(Source("a.saga", text))

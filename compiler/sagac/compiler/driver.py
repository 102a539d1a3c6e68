"""The order of the phases: from texts to plans, verdicts and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sagac.compiler import (
    actions,
    causes,
    counterexample,
    generation,
    graph,
    parser,
    planner,
    proofs,
    readback,
    repetition,
    resolver,
    scenarios,
    syntax,
    waivers,
)
from sagac.compiler.causes import Waiting
from sagac.compiler.diagnostics import Diagnostic, in_order
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Judgement
from sagac.runtime.plan import Plan


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found out, phase by phase. Graphs and plans stand under their saga's full name."""

    sources: Mapping[str, Source]
    files: Mapping[str, syntax.File]
    project: Project
    graphs: Mapping[str, Graph]
    plans: Mapping[str, Plan]
    """As read back from the emitted modules: what is proved is what runs."""
    modules: Mapping[str, str] = field(repr=False)
    judgements: tuple[Judgement, ...]
    diagnostics: tuple[Diagnostic, ...]
    waiting: tuple[Waiting, ...] = ()
    """What is not told yet, because one of the findings may be all there is to it."""

    def saga(self, full_name: str) -> Saga:
        """The saga of this full name."""
        return next(saga for saga in self.project.sagas if saga.full_name == full_name)


def check(sources: Sequence[Source], today: date) -> Checked:
    """Everything there is to say about these files together."""
    files, syntax_findings = parse(sources)
    faults = tuple(finding.span for finding in syntax_findings if finding.severity == "error")
    project, names_findings = resolver.resolve(files, faults)
    if faults:  # a note may be about what the parser put in for something that it could not read
        names_findings = tuple(finding for finding in names_findings if finding.severity != "note")
    graphs, order_findings = build_graphs(project)
    plans, modules = plan(project, graphs)
    judgements = judge(project, graphs, plans)
    judgements, proof_findings = counterexample.confirm(judgements, project, plans)
    scenario_findings = replay_scenarios(project, plans)
    found = in_order([*syntax_findings, *names_findings, *order_findings, *proof_findings, *scenario_findings])
    told, waiting = causes.told_apart(waivers.apply(found, project.sagas, today), judgements)
    return Checked(
        sources={source.name: source for source in sources},
        files=files,
        project=project,
        graphs=graphs,
        plans=plans,
        modules=modules,
        judgements=judgements,
        diagnostics=told,
        waiting=waiting,
    )


def check_text(text: str, today: date, name: str = "saga.saga") -> Checked:
    """A check of one text."""
    return check([Source(name, text)], today)


def generate(checked: Checked, package: str = "") -> generation.Modules:
    """The modules that `gen` writes, by their paths below the output folder; `package` as in `generation.generate`."""
    return generation.generate(checked.project, checked.plans, checked.judgements, package)


# --- a phase over all files, or all sagas --------------------------------------------------------------------------


def parse(sources: Iterable[Source]) -> tuple[dict[str, syntax.File], list[Diagnostic]]:
    parsed = {source.name: parser.parse(source) for source in sources}
    files = {name: file for name, (file, _) in parsed.items()}
    return files, [finding for _, findings in parsed.values() for finding in findings]


def build_graphs(project: Project) -> tuple[dict[str, Graph], list[Diagnostic]]:
    built = {saga.full_name: graph.build(saga) for saga in project.sagas}
    findings = [finding for _, found in built.values() for finding in found]
    sound = {name: one for name, (one, found) in built.items() if not any(f.severity == "error" for f in found)}
    return sound, findings


def plan(project: Project, graphs: Mapping[str, Graph]) -> tuple[dict[str, Plan], generation.Modules]:
    """The plans as an executor will find them: planned, emitted, and read back from the emitted text."""
    ordered = [saga for saga in project.sagas if saga.full_name in graphs]
    planned = {saga.full_name: plan_one(project, saga, graphs[saga.full_name]) for saga in ordered}
    modules = generation.executors(project, planned)
    return read_back(modules), modules


def plan_one(project: Project, saga: Saga, order: Graph) -> Plan:
    """The plan of one saga, told what may be sent again because of what it does."""
    natural = repetition.proved(project, saga, order, actions.of(project, saga, order))
    return planner.plan(project, saga, order, natural)


def read_back(modules: generation.Modules) -> dict[str, Plan]:
    found: dict[str, Plan] = {}
    for text in modules.values():
        plans = readback.plans(text)
        assert not isinstance(plans, readback.Unreadable), plans
        found.update((plan.saga, plan) for plan in plans)
    return found


def judge(project: Project, graphs: Mapping[str, Graph], plans: Mapping[str, Plan]) -> tuple[Judgement, ...]:
    planned = [saga for saga in project.sagas if saga.full_name in plans]
    deeds = {saga.full_name: actions.of(project, saga, graphs[saga.full_name]) for saga in planned}
    return tuple(
        judgement
        for saga in planned
        for judgement in proofs.judge(project, saga, graphs[saga.full_name], plans[saga.full_name], deeds)
    )


def replay_scenarios(project: Project, plans: Mapping[str, Plan]) -> list[Diagnostic]:
    ran = (
        scenarios.run(scenario, project, saga, plans[saga.full_name])
        for saga in project.sagas
        if saga.full_name in plans
        for scenario in saga.scenarios
    )
    return [finding for finding in ran if finding is not None]

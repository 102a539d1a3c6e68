"""Certificates: what shows each claim about a saga, as plain data that a small checker can go through again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, assert_never

from sagac.compiler import checker, model, planner, protocol, terms, wording
from sagac.compiler.model import Saga
from sagac.compiler.obligations import rules
from sagac.compiler.obligations.obligation import Kept, Never, Obligation, Settled, Sometimes
from sagac.compiler.terms import And, Atom, Formula, Not, Or, Var
from sagac.compiler.verdicts import Claim
from sagac.runtime import plan as plans
from sagac.runtime.plan import Plan, Step

Json: TypeAlias = Any
"""What a JSON text holds."""


@dataclass(slots=True)
class Nodes:
    """Formulas as a list of nodes, each made of nodes before it; those that were asked about under their keys."""

    listed: list[Json] = field(default_factory=list)
    number: dict[int, int] = field(default_factory=dict)
    kept: list[Formula] = field(default_factory=list)
    """So that no identity is given away twice."""
    shapes: dict[str, int] = field(default_factory=dict)
    asked: dict[str, set[int]] = field(default_factory=dict)

    def add(self, formula: Formula, key: str) -> None:
        """A formula and the key of its question."""
        self.asked.setdefault(key, set()).add(self.of(formula))

    def of(self, formula: Formula) -> int:
        """The number of a formula's node."""
        for part in terms.parts(formula, self.number):
            shape = self.shape(part)
            text = checker.canonical(shape)
            if text not in self.shapes:
                self.shapes[text] = len(self.listed)
                self.listed.append(shape)
            self.number[id(part)] = self.shapes[text]
            self.kept.append(part)
        return self.number[id(formula)]

    def shape(self, part: Formula) -> Json:
        """A node, over the numbers of what it is made of."""
        match part:
            case Var():
                return ["var", part.name]
            case Atom():
                return ["atom", plain(part.expression)]
            case Not():
                return ["not", self.number[id(part.operand)]]
            case And():
                return ["and", [self.number[id(operand)] for operand in part.operands]]
            case Or():
                return ["or", [self.number[id(operand)] for operand in part.operands]]
            case _:
                assert_never(part)


def certificate(saga: Saga, plan: Plan, project: model.Project, premise: Formula, nodes: Nodes) -> Json:
    """All that the claims about a saga are shown by, but for the questions' texts and the runs."""
    supposed = nodes.of(premise)
    return {
        "saga": saga.full_name,
        "source": written(saga, project),
        "rank": {step.name: place for place, step in enumerate(plan.steps)},
        "protocols": protocols(plan),
        "premise": supposed,
        "nodes": nodes.listed,
        "formulas": {key: sorted(places) for key, places in sorted(nodes.asked.items())},
    }


def plain(value: Any) -> Json:
    """A part of a plan as it stands in the plan's canonical JSON."""
    return json.loads(plans.canonical(value))


# --- what the author wrote, as resolved ----------------------------------------------------------------------------


def written(saga: Saga, project: model.Project) -> Json:
    """The part of the resolved saga that the plan has to agree with, and what is taken to hold of its input."""
    return {
        "where": [plain(declared.where.condition) for declared in saga.inputs if declared.where is not None],
        "steps": [written_step(step, project) for step in saga.steps],
        "output": [[output.name, plain(output.value)] for output in saga.outputs],
        "rules": [
            {
                "step": rule.step,
                "text": rules.text(rule),
                "condition": plain(rule.condition),
                "guard": None if rule.guard is None else plain(rule.guard.condition),
            }
            for rule in saga.rules
        ],
        "choices": [{"kind": choice.kind, "steps": list(choice.steps)} for choice in saga.choices],
        "ensures": [
            {"at": each.at, "condition": plain(each.condition), "conserves": each.conserves} for each in saga.ensures
        ],
        "refined": [
            {
                "name": output.name,
                "text": wording.expression(output.where.condition),
                "condition": plain(rules.with_value(output.where.condition, output)),
            }
            for output in saga.outputs
            if output.where is not None
        ],
    }


def written_step(step: model.Step, project: model.Project) -> Json:
    remainder = step.remainder
    return {
        "name": step.name,
        "dependencies": sorted({dependency.step for dependency in step.dependencies}),
        "call": plain(planner.called(step.call)),
        "guard": None if step.guard is None else plain(step.guard.condition),
        "otherwise_fails": step.otherwise_fails,
        "pivot": step.pivot,
        "remains": "nothing" if remainder is None else remainder.kind,
        "undone_by": "" if remainder is None else remainder.step,
        "undos": [
            {
                "call": plain(planner.called(handler.call)),
                "guard": None if handler.guard is None else plain(handler.guard.condition),
                "command": f"{handler.call.service}.{handler.call.operation}",
                "refusal": bool(handler.refusal),
            }
            for handler in step.handlers
        ],
        "holds_unknown": step.holds_unknown,
        "command": f"{step.call.service}.{step.call.operation}",
    }


# --- contracts -----------------------------------------------------------------------------------------------------


def contracts(project: model.Project) -> Json:
    """All that the services of a project promise, as resolved: what claims about records are called for by."""
    services = sorted(project.services.items())
    return {
        "commands": {
            f"{name}.{operation.name}": contract(service, operation)
            for name, service in services
            for _, operation in sorted(service.operations.items())
        },
        "resources": {
            resource.full_name: declared(resource)
            for _, service in services
            for _, resource in sorted(service.resources.items())
        },
    }


def contract(service: model.Service, operation: model.Operation) -> Json:
    """What a service promises of a command or a query."""
    return {
        "service": service.name,
        "sla_ms": service.sla_ms,
        "declared": operation.declared,
        "fails": list(operation.fails),
        "idempotent": operation.idempotent,
        "window_ms": operation.window_ms,
        "lands_within_ms": operation.lands_within_ms,
        "revokes": operation.revokes,
        "holds": None if operation.hold is None else [operation.hold.for_ms, operation.hold.skew_ms],
        "changes": [changed(change) for change in operation.changes],
    }


def changed(change: model.Change) -> Json:
    """One `changes`."""
    return {
        "resource": change.resource,
        "keys": [plain(key) for key in change.keys],
        "source": change.source,
        "target": change.target,
        "requires": [plain(guard.condition) for guard in change.requires],
        "assignments": [[each.field, each.operator, plain(each.value)] for each in change.assignments],
        "yields": [[each.result, each.field] for each in change.yields],
    }


def declared(resource: model.Resource) -> Json:
    """What holds of the records of a resource."""
    return {
        "keys": [[key.name, key.type] for key in resource.keys],
        "fields": [
            {
                "name": each.name,
                "type": each.type,
                "initial": each.initial if each.has_initial else None,
                "hold": each.hold,
                "references": None
                if each.reference is None
                else [each.reference.resource, [plain(key) for key in each.reference.keys]],
            }
            for each in resource.fields
        ],
        "states": list(resource.states),
        "initial": resource.initial,
        "clean": sorted(resource.clean),
        "done": sorted(resource.done),
        "invariants": [plain(guard.condition) for guard in resource.invariants],
        "keeps": " and ".join(wording.expression(guard.condition) for guard in resource.invariants),
    }


# --- the protocol --------------------------------------------------------------------------------------------------


def protocols(plan: Plan) -> Json:
    """For each profile of the plan's commands how many states there are, and the hash of the closed set."""
    profiles = {profile.key: profile for profile in map(profile_of, plan.steps) if profile is not None}
    return {key: explored(profile) for key, profile in sorted(profiles.items())}


def profile_of(step: Step) -> protocol.Profile | None:
    """The profile of a step, as the plan has it; a query has none."""
    if step.query:
        return None
    memory: protocol.Memory = "none" if not step.idempotent else "kept" if step.window_ms is None else "window"
    if step.idempotent_by_effect and step.lands_within_ms is not None:
        memory = "effect"
    resend: protocol.Resend = "bounded" if step.schedule.retries is not None else "forever"
    undoing = weakest(step)
    return protocol.Profile(
        memory=memory,
        lands=step.lands_within_ms is not None,
        probe=step.probe is not None,
        undoing=undoing,
        resend=resend if memory != "none" and step.schedule.retries != 0 else "never",
        doubt=step.doubt,
        repeats_undo=undoing in ("idempotent", "revokes"),
    )


def weakest(step: Step) -> protocol.Undoing:
    """What all undos of a step promise."""
    order: tuple[protocol.Undoing, ...] = ("once", "idempotent", "revokes")
    found = [order[2 if undo.revokes else 1 if undo.idempotent else 0] for undo in step.undos]
    return min(found, key=order.index) if found else "none"


EXPLORED: Final[dict[str, Json]] = {}
"""What was found of each profile: it depends on nothing else."""


def explored(profile: protocol.Profile) -> Json:
    """The closed set of each number of attempts, as number and hash."""
    if profile.key not in EXPLORED:
        EXPLORED[profile.key] = [closed(profile, attempts) for attempts in protocol.ATTEMPTS]
    return EXPLORED[profile.key]


def closed(profile: protocol.Profile, attempts: int) -> Json:
    states = protocol.reachable(profile, attempts)
    rows = sorted(checker.canonical([getattr(state, name) for name in ROW]) for state in states)
    return {"states": len(rows), "sha256": checker.sha256("\n".join(rows).encode())}


ROW: Final = tuple(protocol.State.__slots__)
"""The order in which a state is written out."""


# --- which certificate a claim has ---------------------------------------------------------------------------------


def kind(obligation: Obligation | None, claim: Claim) -> str:
    """What a proof of an obligation is re-checked by; the checker goes through the cases of the families it counts."""
    match obligation:
        case Never():
            return "cases" if checker.is_by_cases(claim.family, claim.text) else "questions"
        case Sometimes():
            return "run"
        case Settled():
            return "check"
        case Kept() | None:
            return "questions"
        case _:
            assert_never(obligation)


# --- runs ----------------------------------------------------------------------------------------------------------


def shows(claim: Claim, known: Mapping[str, model.Step]) -> Json:
    """What happens in the witness of a claim: what to look for in the run, and for which undo."""
    if not claim.step:
        return ["started", 0]
    step = known[claim.step]
    if claim.family == "A2":
        return ["undone", -1]
    if claim.text.startswith(("some run reaches", "some run meets")):
        return ["sent", 0]
    if claim.text.startswith("the `when`"):
        return ["refused" if step.otherwise_fails else "skipped", 0]
    return ["undone", next(place for place, handler in enumerate(step.handlers) if is_of(handler, claim))]


def is_of(handler: model.Handler, claim: Claim) -> bool:
    return handler.guard is not None and handler.guard.span == claim.span

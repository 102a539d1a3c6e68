"""The bundle of evidence of a check: what was proved of which text, and all that somebody else needs to check it again.

The same specification gives the same bytes on any machine: no time, no path, nothing in an order that is not its own.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from sagac.compiler import actions, breaches, certificate, checker, counterexample, generation, inquiry, proofs, solver
from sagac.compiler.actions import Deeds
from sagac.compiler.certificate import Json, Nodes
from sagac.compiler.checker import canonical, sha256
from sagac.compiler.driver import Checked
from sagac.compiler.inquiry import Inquiry, Solve
from sagac.compiler.model import Saga, Step
from sagac.compiler.obligations import conditions, liveness, reverse_order
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Kept, Never, Obligation, Sometimes
from sagac.compiler.replay import Moments, Unreplayable
from sagac.compiler.source import Source, Span
from sagac.compiler.verdicts import Assumed, Claim, Judgement, Proved, Refuted, Situation, Undecided, Vacuous
from sagac.runtime import kernel
from sagac.runtime import plan as plans

LANGUAGE: Final = 1
"""The version of the language that the specifications are in."""

Files: TypeAlias = Mapping[str, bytes]
"""The content of each file, by its path in the bundle."""


@dataclass(slots=True)
class Bundle:
    """The files of a bundle while it is made."""

    checked: Checked
    names: Mapping[str, str]
    """Each specification's path in the bundle, by the name that it has in the check."""
    deeds: Mapping[str, Deeds]
    """What the actions of each saga do: each is the environment of the others."""
    solve: Solve
    files: dict[str, bytes] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)
    """The run of each situation, by its identity: an undisturbed one is the witness of many claims."""


def is_possible(checked: Checked) -> bool:
    """Whether there is something to bear witness to: sagas, in texts without an error of syntax, names or order."""
    # `E401` is an error in the text, `E2` is a family of proofs.
    broken = any(found.severity == "error" and re.fullmatch(r"E\d{3}", found.code) for found in checked.diagnostics)
    return bool(checked.plans) and not broken


def name_of(checked: Checked) -> str:
    """The folder of a bundle: the hash of the language and the specifications."""
    return name_of_sources(tuple(checked.sources.values()))


def name_of_sources(sources: Sequence[Source]) -> str:
    """The same, of the texts of a project."""
    names = relative(tuple(source.name for source in sources))
    specs = [(names[source.name], sha256(source.text.encode())) for source in sources]
    return checker.specification_hash(LANGUAGE, specs)


def bundle(checked: Checked, solve: Solve = solver.answer) -> Files:
    """The files of the bundle; `solve` decides the questions, each of which stands alone there."""
    deeds = {name: actions.of(checked.project, checked.saga(name), checked.graphs[name]) for name in checked.plans}
    made = Bundle(checked, relative(tuple(checked.sources)), deeds, solve)
    for name, source in checked.sources.items():
        made.files[made.names[name]] = source.text.encode()
    made.files[checker.CONTRACTS] = as_file(certificate.contracts(checked.project))
    sagas = [whole(made, checked.saga(name)) for name in sorted(checked.plans)]
    manifest = {
        "format": checker.FORMAT,
        "language": LANGUAGE,
        "specification": name_of(checked),
        "specs": [{"file": name, "sha256": sha256(made.files[name])} for name in sorted(made.names.values())],
        "solver": solver.version(),
        "sagas": [entry for entry, _ in sagas],
        "obligations": [one for _, obligations in sagas for one in obligations],
        "questions": dict(sorted(made.expected.items())),
        "files": {name: sha256(body) for name, body in sorted(made.files.items())},
    }
    return {**made.files, checker.MANIFEST: as_file(manifest)}


def relative(names: Sequence[str]) -> dict[str, str]:
    """Where each specification stands in the bundle: by its place below the folder that they have in common."""
    folders = [posixpath.dirname(posixpath.normpath(name)) for name in names]
    shared = posixpath.commonpath(folders) if len({name.startswith("/") for name in names}) == 1 else ""
    return {name: f"specs/{posixpath.relpath(name, shared or '.')}" for name in names}


def as_file(value: Json) -> bytes:
    """A value as the text of a file, with lines: so two bundles can be compared."""
    if not isinstance(value, dict):
        return f"{canonical(value)}\n".encode()
    lines = [f'"{name}":{spread(inner)}' for name, inner in sorted(value.items())]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def spread(value: Json) -> str:
    """A list or an object of objects with each of them on a line of its own."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(canonical(item) for item in value) + "\n]"
    if isinstance(value, dict) and value:
        return (
            "{\n" + ",\n".join(f"{canonical(name)}:{canonical(item)}" for name, item in sorted(value.items())) + "\n}"
        )
    return canonical(value)


# --- one saga ------------------------------------------------------------------------------------------------------


def whole(made: Bundle, saga: Saga) -> tuple[Json, list[Json]]:
    """A saga's entry in the manifest, and its obligations; its files are added."""
    name, plan = saga.full_name, made.checked.plans[saga.full_name]
    module = module_of(made, saga)
    body = plans.encode(plan)
    made.files[f"plans/{name}.json"] = body
    known = conditions.of(made.checked.project, saga, made.checked.graphs[name], plan)
    nodes = Nodes()
    told = list(obliged(made, saga, known, nodes))
    made.files[f"cert/{name}.json"] = as_file(
        certificate.certificate(saga, plan, made.checked.project, known.premise, nodes)
    )
    entry = {
        "saga": name,
        "version": plan.version,
        "module": module,
        "plan": f"plans/{name}.json",
        "digest": plans.digest(plan),
        "certificate": f"cert/{name}.json",
        "waivers": [
            {"code": one.code, "step": one.step, "until": one.until, "by": one.by, "because": one.because}
            for one in saga.waivers
        ],
        "not_proved": [{"clause": one.clause, "text": one.text} for one in saga.unproved],
    }
    return entry, told


def module_of(made: Bundle, saga: Saga) -> str:
    """The path of the saga's module, which is added: named after its specification."""
    emitted = generation.names(made.checked.project, made.checked.plans)[saga.span.file]
    name = made.names[saga.span.file].removeprefix("specs/").removesuffix(".saga")
    path = f"modules/{name}.py"
    made.files[path] = made.checked.modules[f"{emitted}.py"].encode()
    return path


@dataclass(frozen=True, slots=True)
class Account:
    """What the claims about a saga are accounted for with."""

    made: Bundle
    saga: Saga
    steps: Mapping[str, Step]
    nodes: Nodes
    inquiry: Inquiry


def obliged(made: Bundle, saga: Saga, known: Conditions, nodes: Nodes) -> Iterator[Json]:
    """Each claim about a saga with its verdict and what it is re-checked by."""
    plan = made.checked.plans[saga.full_name]
    steps = {step.name: step for step in saga.steps}
    account = Account(made, saga, steps, nodes, inquiry.begin(plan, known.premise, made.solve))
    owed = {obligation.claim: obligation for obligation in obligations(made, saga, known)}
    counts: Counter[str] = Counter()
    for judgement in made.checked.judgements:
        claim = judgement.claim
        if claim.saga == saga.full_name:
            name = "/".join(part for part in (claim.family, claim.saga, claim.step) if part)
            counts[name] += 1
            told = said(made, claim, f"{name}/{counts[name]}")
            yield {**told, **judged(account, judgement, owed.get(claim))}


def said(made: Bundle, claim: Claim, name: str) -> Json:
    """A claim, with what holds of one that nothing is shown of."""
    return {
        "id": name,
        "family": claim.family,
        "saga": claim.saga,
        "step": claim.step,
        "claim": claim.text,
        "place": place(made, claim.span),
        "questions": [],
        "certificate": {"kind": "none"},
    }


def obligations(made: Bundle, saga: Saga, known: Conditions) -> Iterator[Obligation]:
    """All that is owed for a saga, as it was when it was proved; of a plan of another saga there is nothing to say."""
    project, graph, plan = made.checked.project, made.checked.graphs[saga.full_name], made.checked.plans[saga.full_name]
    if reverse_order.complete(saga, plan) is None:
        yield liveness.premise(saga, known)
        yield from liveness.owe(saga, graph, known)
        yield from proofs.owed(project, saga, graph, known, plan, made.deeds)


def place(made: Bundle, span: Span) -> Json:
    """A place in a specification, by line and column from 1."""
    source: Source = made.checked.sources[span.file]
    start, end = source.position(span.start), source.position(span.end)
    return {"file": made.names[span.file], "from": list(start), "to": list(end)}


def judged(account: Account, judgement: Judgement, obligation: Obligation | None) -> Json:
    """The verdict, the certificate and the questions of a claim."""
    match judgement.verdict:
        case Proved() as shown:
            told = {"verdict": "proved", "rests_on": sorted(shown.rests_on), "shallow": shown.shallow}
            return {**told, **proved(account, judgement, obligation)}
        case Assumed() as shown:
            told = {"verdict": "assumed", "rests_on": sorted(shown.rests_on)}
            return {**told, **proved(account, judgement, obligation)}
        case Refuted() as refuted:
            path = counter(account.made, account.saga, judgement, refuted)
            return {"verdict": "refuted", "message": refuted.message, "counterexample": path}
        case Vacuous() as vacuous:
            return {"verdict": "vacuous", "message": vacuous.message, "warning": bool(vacuous.code)}
        case Undecided() as undecided:
            return {"verdict": "undecided", "message": undecided.reason}
        case _:
            assert_never(judgement.verdict)


def proved(account: Account, judgement: Judgement, obligation: Obligation | None) -> Json:
    """What a proof is re-checked by."""
    kind = certificate.kind(obligation, judgement.claim)
    match obligation:
        case Sometimes() if judgement.witness is not None:
            shows = certificate.shows(judgement.claim, account.steps)
            witness = witnessed(account.made, account.saga, judgement.witness)
            return {"certificate": {"kind": kind, "shows": shows}} | ({"witness": witness} if witness else {})
        case Never():
            found = tuple(inquiry.excluded(account.inquiry, obligation))
            for formula, key in found if kind == "cases" else ():
                account.nodes.add(formula, key)
            return {"certificate": {"kind": kind}, "questions": asked(account, (key for _, key in found))}
        case Kept():
            keys = [inquiry.told(account.inquiry, one) for one in breaches.asked(obligation)]
            return {"certificate": {"kind": kind}, "questions": asked(account, keys)}
        case _:
            return {"certificate": {"kind": kind}}


def asked(account: Account, keys: Iterable[str]) -> list[str]:
    """The keys of these questions, whose files are added with the answers that are expected."""
    found = list(dict.fromkeys(keys))
    for key in found:
        answer = account.inquiry.answers[key]
        account.made.expected[key] = answer
        text = f"{checker.status_line(answer)}\n{account.inquiry.texts[key]}"
        account.made.files[f"smt2/{key}.smt2"] = text.encode()
    return found


# --- runs ----------------------------------------------------------------------------------------------------------


def witnessed(made: Bundle, saga: Saga, situation: Situation) -> str:
    """The path of the run of a situation, which is replayed once."""
    if id(situation) not in made.runs:
        made.runs[id(situation)] = shown(made, saga, situation)
    return made.runs[id(situation)]


def shown(made: Bundle, saga: Saga, situation: Situation) -> str:
    """The path of the run that a situation comes to, as its events; empty where the kernel has no such run."""
    graph, plan = made.checked.graphs[saga.full_name], made.checked.plans[saga.full_name]
    steps = (*situation.order, *([situation.subject] if situation.subject else ()))
    order = graph.closure(*steps)
    if situation.subject not in situation.order:  # it is under way, or never answered, when the run turns
        order = tuple(name for name in order if name != situation.subject)
    try:
        moments = counterexample.enact(replace(situation, order=order), made.checked.project, saga, plan)
    except Unreplayable:
        return ""
    return run_file(made, saga, moments, ())


def counter(made: Bundle, saga: Saga, judgement: Judgement, refuted: Refuted) -> str:
    """The path of a counterexample: its run, its situation and its story."""
    plan = made.checked.plans[saga.full_name]
    replayed = counterexample.explain(judgement, made.checked.project, saga, plan)
    assert replayed is not None, judgement
    return run_file(made, saga, replayed.moments, replayed.trace, refuted.situation)


def run_file(made: Bundle, saga: Saga, moments: Moments, story: Sequence[str], situation: object = None) -> str:
    """A run as a file of its own, named by what is in it."""
    plan = made.checked.plans[saga.full_name]
    told: dict[str, Json] = {
        "saga": saga.full_name,
        "plan": plans.digest(plan),
        "events": [msgspec.to_builtins(moment.event) for moment in moments],
        "end": kernel.status(moments[-1].run) if moments else "",
        "story": list(story),
    }
    if situation is not None:
        told["situation"] = as_data(situation)
    body = as_file(told)
    path = f"witness/{sha256(body)[:32]}.json"
    made.files[path] = body
    return path


def as_data(value: Any) -> Json:
    """A frozen value as JSON, with what is empty left out."""
    if is_dataclass(value) and not isinstance(value, type):
        inner = {one.name: as_data(getattr(value, one.name)) for one in fields(value)}
        return {"kind": type(value).__name__.lower(), **{name: part for name, part in inner.items() if part}}
    if isinstance(value, Mapping):
        return {str(name): as_data(part) for name, part in sorted(value.items())}
    if isinstance(value, frozenset | set):
        return sorted(value)
    return [as_data(part) for part in value] if isinstance(value, list | tuple) else value

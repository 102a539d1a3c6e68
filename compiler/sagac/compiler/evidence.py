"""The bundle of evidence of a check: what was proved of which text, and all that somebody else needs to check it again.

The same specification gives the same bytes on any machine: no time, no path, nothing in an order that is not its own.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Final, TypeAlias

import msgspec

from sagac.compiler import certificate, checker, counterexample, generation
from sagac.compiler.certificate import Json, KeyOf, Nodes
from sagac.compiler.checker import canonical, sha256
from sagac.compiler.driver import Checked
from sagac.compiler.model import Saga
from sagac.compiler.obligations import (
    assignment,
    conditions,
    coverage,
    liveness,
    recoverability,
    reverse_order,
    unknown_outcomes,
)
from sagac.compiler.obligations.obligation import Never, Obligation, Sometimes
from sagac.compiler.questions import Asked
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
    asked: Mapping[Claim, tuple[Asked, ...]]
    files: dict[str, bytes] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)


def is_possible(checked: Checked) -> bool:
    """Whether there is something to bear witness to: sagas, in texts without an error of syntax, names or order."""
    broken = any(found.severity == "error" and found.code.startswith("E") for found in checked.diagnostics)
    return bool(checked.plans) and not broken


def name_of(checked: Checked) -> str:
    """The folder of a bundle: the hash of the language and the specifications."""
    names = relative(tuple(checked.sources))
    specs = [(names[name], sha256(source.text.encode())) for name, source in checked.sources.items()]
    return checker.specification_hash(LANGUAGE, specs)


def bundle(
    checked: Checked, asked: Sequence[Asked] = (), keys: Mapping[str, KeyOf] | None = None, solver: str = ""
) -> Files:
    """The files of the bundle. `keys` has, for each saga, the key of the question that a formula comes to."""
    made = Bundle(checked, relative(tuple(checked.sources)), by_claim(asked))
    for name, source in checked.sources.items():
        made.files[made.names[name]] = source.text.encode()
    sagas = [whole(made, checked.saga(name), (keys or {}).get(name)) for name in sorted(checked.plans)]
    manifest = {
        "format": checker.FORMAT,
        "language": LANGUAGE,
        "specification": name_of(checked),
        "specs": [{"file": name, "sha256": sha256(made.files[name])} for name in sorted(made.names.values())],
        "solvers": [solver] if solver else [],
        "sagas": [entry for entry, _ in sagas],
        "obligations": [one for _, obligations in sagas for one in obligations],
        "questions": dict(sorted(made.expected.items())),
        "files": {name: sha256(body) for name, body in sorted(made.files.items())},
    }
    return {**made.files, checker.MANIFEST: as_file(manifest)}


def by_claim(asked: Sequence[Asked]) -> dict[Claim, tuple[Asked, ...]]:
    """The questions of each claim."""
    found: dict[Claim, dict[str, Asked]] = {}
    for one in asked:
        found.setdefault(one.claim, {})[one.key] = one
    return {claim: tuple(questions.values()) for claim, questions in found.items()}


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


def whole(made: Bundle, saga: Saga, key_of: KeyOf | None) -> tuple[Json, list[Json]]:
    """A saga's entry in the manifest, and its obligations; its files are added."""
    name, plan = saga.full_name, made.checked.plans[saga.full_name]
    module = module_of(made, saga)
    body = plans.encode(plan)
    made.files[f"plans/{name}.json"] = body
    nodes = Nodes()
    obligations = list(obliged(made, saga, key_of, nodes))
    made.files[f"cert/{name}.json"] = as_file(certificate.certificate(saga, plan, made.checked.project, nodes))
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
    return entry, obligations


def module_of(made: Bundle, saga: Saga) -> str:
    """The path of the saga's module, which is added: named after its specification."""
    emitted = generation.names(made.checked.project, made.checked.plans)[saga.span.file]
    name = made.names[saga.span.file].removeprefix("specs/").removesuffix(".saga")
    path = f"modules/{name}.py"
    made.files[path] = made.checked.modules[f"{emitted}.py"].encode()
    return path


def obliged(made: Bundle, saga: Saga, key_of: KeyOf | None, nodes: Nodes) -> Iterator[Json]:
    """Each claim about a saga with its verdict and what it is re-checked by."""
    owed = {obligation.claim: obligation for obligation in obligations(made.checked, saga)}
    counts: dict[str, int] = {}
    for judgement in made.checked.judgements:
        claim = judgement.claim
        if claim.saga != saga.full_name:
            continue
        name = "/".join(part for part in (claim.family, claim.saga, claim.step) if part)
        counts[name] = counts.get(name, 0) + 1
        told = {
            "id": f"{name}/{counts[name]}",
            "family": claim.family,
            "saga": claim.saga,
            "step": claim.step,
            "claim": claim.text,
            "place": place(made, claim.span),
            "questions": [],
        }
        yield {**told, **judged(made, saga, judgement, owed.get(claim), key_of, nodes)}


def obligations(checked: Checked, saga: Saga) -> Iterator[Obligation]:
    """What the checker works out again by itself, as it was when it was proved."""
    project, graph, plan = checked.project, checked.graphs[saga.full_name], checked.plans[saga.full_name]
    known = conditions.of(project, saga, graph, plan)
    yield liveness.premise(saga, known)
    yield from liveness.owe(saga, graph, known)
    yield from recoverability.owe(project, saga, graph, known)
    yield from coverage.owe(project, saga, graph, known, plan)
    yield from unknown_outcomes.owe(project, saga, graph, known, plan)
    yield from assignment.owe(project, saga, graph, known, plan)
    if reverse_order.complete(saga, plan) is None:
        yield from reverse_order.owe(project, saga, graph, plan)


def place(made: Bundle, span: Span) -> Json:
    """A place in a specification, by line and column from 1."""
    source: Source = made.checked.sources[span.file]
    start, end = source.position(span.start), source.position(span.end)
    return {"file": made.names[span.file], "from": list(start), "to": list(end)}


def judged(
    made: Bundle, saga: Saga, judgement: Judgement, obligation: Obligation | None, key_of: KeyOf | None, nodes: Nodes
) -> Json:
    """The verdict, the certificate and the questions of a claim."""
    told: dict[str, Json] = {"certificate": {"kind": "none"}}
    match judgement.verdict:
        case Proved() | Assumed() as shown:
            told |= proved(made, saga, judgement, obligation, key_of, nodes)
            told["verdict"] = "proved" if isinstance(shown, Proved) else "assumed"
            told["rests_on"] = sorted(shown.rests_on)
            if isinstance(shown, Proved) and shown.shallow:
                told["shallow"] = shown.shallow
        case Refuted() as refuted:
            told |= {"verdict": "refuted", "message": refuted.message}
            told["counterexample"] = counter(made, saga, judgement, refuted)
        case Vacuous() as vacuous:
            told |= {"verdict": "vacuous", "message": vacuous.message, "warning": bool(vacuous.code)}
            told["questions"] = [asked(made, one) for one in made.asked.get(judgement.claim, ())]
        case Undecided() as undecided:
            told |= {"verdict": "undecided", "message": undecided.reason}
    return told


def proved(
    made: Bundle, saga: Saga, judgement: Judgement, obligation: Obligation | None, key_of: KeyOf | None, nodes: Nodes
) -> Json:
    """What a proof is re-checked by."""
    questions = {one.key: one for one in made.asked.get(judgement.claim, ())}
    kind = certificate.kind(obligation)
    if isinstance(obligation, Sometimes) and judgement.witness is not None:
        steps = {step.name: step for step in saga.steps}
        shows = certificate.shows(saga, judgement.claim, obligation, steps)
        witness = shown(made, saga, judgement.witness)
        return {"certificate": {"kind": kind, "shows": shows}} | ({"witness": witness} if witness else {})
    if isinstance(obligation, Never) and key_of is not None:
        refuted = frozenset(key for key, one in questions.items() if one.answer == "unsat")
        used = dict.fromkeys(certificate.discharged(obligation, refuted, key_of, nodes))
        return {"certificate": {"kind": kind}, "questions": [asked(made, questions[key]) for key in used]}
    return {"certificate": {"kind": kind}, "questions": [asked(made, one) for one in questions.values()]}


def asked(made: Bundle, question: Asked) -> str:
    """The key of a question, whose file is added with the answer that is expected."""
    if question.answer != "unknown":
        made.expected[question.key] = question.answer
        head = checker.status_line(question.answer)
        made.files[f"smt2/{question.key}.smt2"] = f"{head}\n{question.text}".encode()
    return question.key


# --- runs ----------------------------------------------------------------------------------------------------------


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

"""Verifies a bundle: the checker goes through it, its runs are replayed on the kernel, its questions decided again.

None of this needs the front end of the compiler: no specification is understood. What does is in `rederivation.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from sagac.compiler import checker, inquiry
from sagac.compiler.checker import Broken, Report
from sagac.compiler.questions import Answer
from sagac.compiler.terms import Formula
from sagac.runtime import events, kernel
from sagac.runtime import expressions as evaluation
from sagac.runtime import plan as plans
from sagac.runtime.events import Event, Started
from sagac.runtime.expressions import View
from sagac.runtime.plan import Expression, Plan
from sagac.runtime.run import Run
from sagac.runtime.unwinding import view

Json: TypeAlias = Any
"""What a JSON text holds."""

Solve: TypeAlias = Callable[[str], Answer]
"""Decides the text of a question."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a bundle: the checker's report, and what the kernel and the solvers say."""

    report: Report
    runs: int
    """How many runs the kernel repeated."""
    decided: Mapping[str, int]
    """How many questions each solver decided as expected."""
    problems: tuple[str, ...]
    rederived: bool = False
    """The bundle was made once more from its specifications, and compared."""
    obligations: tuple[Mapping[str, Json], ...] = field(default=(), repr=False)

    @property
    def is_sound(self) -> bool:
        """Everything was checked, and is right."""
        return self.report.is_sound and not self.problems


def verify(folder: Path, solvers: Mapping[str, Solve], today: date | None = None) -> Verified:
    """Everything about a bundle that can be checked again; `today` is what waivers are held against."""
    report = checker.check(folder, today)
    try:
        manifest = checker.loaded(folder, checker.MANIFEST)
        sagas = read_sagas(folder, manifest)
        runs, wrong_runs = replayed(folder, manifest, sagas)
        wrong_texts = list(miswritten(folder, manifest, sagas))
        decided, wrong_answers = answered(folder, manifest, solvers)
        told = told_of(manifest, report)
    except Broken as broken:
        return Verified(report, 0, {}, (str(broken),))
    except UNREADABLE as error:
        return Verified(report, 0, {}, () if report.problems else (checker.misshapen(error),))
    return Verified(report, runs, decided, (*wrong_runs, *wrong_texts, *wrong_answers), obligations=told)


UNREADABLE: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    AssertionError,
    RecursionError,
    MemoryError,
)
"""What a bundle of another shape leads to; `msgspec.ValidationError` is a `ValueError`."""


def told_of(manifest: Json, report: Report) -> tuple[Mapping[str, Json], ...]:
    """Each obligation with its verdict and what became of it."""
    verdicts = {one["id"]: one["verdict"] for one in manifest["obligations"]}
    return tuple(
        {
            "id": finding.obligation,
            "claim": finding.claim,
            "verdict": verdicts[finding.obligation],
            "status": finding.status,
            "note": finding.note,
            "questions": list(finding.questions),
        }
        for finding in report.findings
    )


# --- runs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planned:
    """A saga's plan, and what is taken to hold of its input."""

    plan: Plan
    where: tuple[Expression, ...]


def read_sagas(folder: Path, manifest: Json) -> dict[str, Planned]:
    """The plans of the bundle, each as the runtime reads it."""
    found = {}
    for entry in manifest["sagas"]:
        plan = plans.decode(checker.content(folder, entry["plan"]))
        if plans.digest(plan) != entry["digest"]:
            raise Broken(f"`{entry['saga']}`: the runtime reads its plan differently")
        where = checker.loaded(folder, entry["certificate"])["source"]["where"]
        found[entry["saga"]] = Planned(plan, tuple(msgspec.convert(one, Expression) for one in where))
    return found


def replayed(folder: Path, manifest: Json, sagas: Mapping[str, Planned]) -> tuple[int, list[str]]:
    """How many runs the kernel repeats, and those that it does not."""
    repeated: dict[str, tuple[Run, ...]] = {}
    problems: list[str] = []
    for one in manifest["obligations"]:
        for name in (one.get("witness"), one.get("counterexample")):
            if name and name not in repeated:
                try:
                    repeated[name] = repeat(checker.loaded(folder, name), one, sagas)
                except Broken as broken:
                    problems.append(f"`{name}`: {broken}")
                    repeated[name] = ()
        runs = repeated.get(one.get("witness", ""))
        if runs is not None and not (runs and is_seen(one, runs)):
            problems.append(f"the witness of {one['id']} does not show that {one['claim']}")
    return sum(bool(runs) for runs in repeated.values()), problems


def repeat(told: Json, obligation: Json, sagas: Mapping[str, Planned]) -> tuple[Run, ...]:
    """Every state of a run, event by event; none where the story has no run."""
    if told["saga"] != obligation["saga"] or told["saga"] not in sagas:
        raise Broken("it is a run of another saga")
    planned = sagas[told["saga"]]
    if told["plan"] != plans.digest(planned.plan):
        raise Broken("it is a run of another plan")
    found = [events.decode(msgspec.json.encode(event)) for event in told["events"]]
    if not found:
        return ()
    runs = tuple(states(planned, found))
    if kernel.status(runs[-1]) != told["end"]:
        raise Broken(f"the kernel ends it `{kernel.status(runs[-1])}`, not `{told['end']}`")
    return runs


def states(planned: Planned, found: Sequence[Event]) -> Iterator[Run]:
    first, *rest = found
    if not isinstance(first, Started) or first.plan != plans.digest(planned.plan):
        raise Broken("it does not begin with the start of a run of its plan")
    if not all(holds(where, first) for where in planned.where):
        raise Broken("its input does not meet every `where`")
    run = kernel.start(planned.plan, plans.run_key(planned.plan, first.input), first)
    yield run
    for event in rest:
        run = kernel.apply(run, event)
        yield run


def holds(where: Expression, started: Started) -> bool:
    """Whether the input meets a condition."""
    try:
        return evaluation.holds(where, View(started.input, {}, {}))
    except evaluation.Unavailable:
        return False


def is_seen(obligation: Json, runs: Sequence[Run]) -> bool:
    """Whether what the obligation says happens in the run."""
    what, undo = obligation["certificate"]["shows"]
    if what == "started":
        return True
    actions = [run.actions[run.layout.position[obligation["step"]]] for run in runs]
    match what:
        case "sent":
            return any(action.attempt for action in actions)
        case "skipped":
            return actions[-1].state == "skipped"
        case "refused":
            return actions[-1].state == "refused" and not actions[-1].attempt
        case "undone":
            return any(action.undo != "none" for action in actions) and (
                undo < 0 or applies(runs[-1], obligation, undo)
            )
        case _:
            return False


def applies(run: Run, obligation: Json, undo: int) -> bool:
    """Whether the guard of an undo holds in a run: where two hold the kernel takes the first, which is A2's concern."""
    guard = run.plan.steps[run.layout.position[obligation["step"]]].undos[undo].guard
    try:
        return guard is None or evaluation.holds(guard, view(run))
    except evaluation.Unavailable:
        return False


# --- questions -----------------------------------------------------------------------------------------------------


def miswritten(folder: Path, manifest: Json, sagas: Mapping[str, Planned]) -> Iterator[str]:
    """Questions that do not say what the formulas say that they stand for: each is written again from its formula."""
    for entry in manifest["sagas"]:
        told = checker.loaded(folder, entry["certificate"])
        types = {declared.name: declared for declared in sagas[entry["saga"]].plan.types}
        parts: dict[object, Formula] = {}
        formulas = [inquiry.once(parts, formula) for formula in inquiry.formulas(told["nodes"])]
        for key, places in told["formulas"].items():
            for place in places:
                if inquiry.question(types, formulas[told["premise"]], formulas[place]).key != key:
                    yield f"the question `{key}` does not say what its formula in `{entry['certificate']}` says"


def answered(folder: Path, manifest: Json, solvers: Mapping[str, Solve]) -> tuple[dict[str, int], list[str]]:
    """How many questions each solver decides as expected, and those that it does not."""
    decided = dict.fromkeys(solvers, 0)
    problems: list[str] = []
    for key, expected in sorted(manifest["questions"].items()):
        _, _, text = checker.content(folder, f"smt2/{key}.smt2").decode().partition("\n")
        for name, solve in solvers.items():
            answer = solve(text)
            decided[name] += answer == expected
            if answer != expected:
                problems.append(f"{name} answers the question `{key}` with {answer}, not {expected}")
    return decided, problems


# --- the account ---------------------------------------------------------------------------------------------------


def text_of(verified: Verified, *, verbose: bool) -> str:
    """What was verified, for a person."""
    lines = [checker.text_of(verified.report, verbose=verbose)]
    told, *rest = lines[0].split("\n")
    told_once = [problem for problem in verified.problems if problem not in verified.report.problems]
    lines = [told, *(f"  wrong: {problem}" for problem in dict.fromkeys(told_once)), *rest]
    runs = f"{checker.counted(verified.runs, 'run')}, each of which may show several claims"
    lines += [f"  replayed on the kernel: {runs}"] if verified.runs else []
    lines += [
        f"  decided again by {name}: {checker.counted(count, 'question')}" for name, count in verified.decided.items()
    ]
    lines += ["  made once more from its specifications, and compared"] if verified.rederived else []
    lines.append(outcome(verified))
    return "\n".join(lines)


def outcome(verified: Verified) -> str:
    """The last line: in so many words what may be said of the whole."""
    if not verified.is_sound:
        return "  NOT VERIFIED"
    counts = Counter(finding.status for finding in verified.report.findings)
    left = [f"{counts['word']} on the compiler's word"] if counts["word"] else []
    left += [f"{counts['waived']} waived"] if counts["waived"] else []
    return f"  verified, but for {' and '.join(left)}" if left else "  verified"


def data_of(verified: Verified) -> Json:
    """What was verified, for a program."""
    return {
        "bundle": verified.report.folder,
        "about": list(verified.report.about),
        "verified": verified.is_sound,
        "complete": verified.report.is_complete,
        "rederived": verified.rederived,
        "problems": [*verified.report.problems, *verified.problems],
        "runs": verified.runs,
        "decided": dict(verified.decided),
        "obligations": list(verified.obligations),
    }


def json_of(all_verified: Sequence[Verified]) -> str:
    """Several of them as one document."""
    return json.dumps([data_of(verified) for verified in all_verified], indent=2, sort_keys=True)

"""Guarantees: for each step and each group of questions what is proved, what it rests on, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sagac.compiler import advice, groups, report, residue
from sagac.compiler.advice import Advice
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.groups import GROUPS, Name
from sagac.compiler.model import Call, Project, Saga, Step, Unproved, Waiver
from sagac.compiler.report import Promise
from sagac.compiler.residue import Residue, Wait
from sagac.compiler.source import Source, Span
from sagac.compiler.verdicts import Assumed, Family, Judgement, Proved, Undecided, Vacuous
from sagac.runtime.plan import Plan, Wire

Word: TypeAlias = Literal[
    "refuted",
    "vacuous",
    "undecided",
    "waived",
    "not proved",
    "not declared",
    "assumed",
    "shallow",
    "proved",
    "",
]
"""What is said of a step and a group: the worst of what is known; empty where there is nothing to ask."""

WORST_FIRST: Final[tuple[Word, ...]] = (
    "refuted",
    "vacuous",
    "undecided",
    "waived",
    "not proved",
    "not declared",
    "assumed",
    "shallow",
    "proved",
    "",
)

FORMAT: Final = 1
"""Version of the shape that programs read; it changes only when a field changes its meaning or goes away."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One claim with what became of it."""

    family: Family
    step: str
    text: str
    word: Word
    rests_on: tuple[str, ...]
    reason: str
    """Why it is shallow, undecided, vacuous or refuted; empty where it is proved."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step, or the saga itself where the name is empty, with the word for each group."""

    step: str
    words: Mapping[Name, Word]


@dataclass(frozen=True, slots=True)
class Failure:
    """A finding about the saga that is not waived."""

    code: str
    severity: str
    step: str
    message: str
    place: str
    """`trip.saga:12:8`."""
    trace: tuple[str, ...]
    help: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excuse:
    """A waiver, with what it covers; nothing where it is expired or unused."""

    waiver: Waiver
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A declared clause that is not proved."""

    group: Name
    steps: tuple[str, ...]
    """Whose calls it is about; empty for the whole saga."""
    clause: str
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """Everything that a report says of one saga."""

    saga: str
    version: int
    owner: str
    rows: tuple[Row, ...]
    guarantees: tuple[Guarantee, ...]
    promises: tuple[Promise, ...]
    failures: tuple[Failure, ...]
    excuses: tuple[Excuse, ...]
    gaps: tuple[Gap, ...]
    advice: tuple[Advice, ...]
    residues: tuple[Residue, ...]
    waits: tuple[Wait, ...]


def accounts(
    project: Project,
    plans: Mapping[str, Plan],
    judgements: Sequence[Judgement],
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, Source],
) -> tuple[Account, ...]:
    """The account of each saga that could be judged, in the project's order."""
    return tuple(
        account(
            project,
            saga,
            plans[saga.full_name],
            tuple(judgement for judgement in judgements if judgement.claim.saga == saga.full_name),
            tuple(finding for finding in diagnostics if finding.saga in (saga.full_name, saga.name)),
            sources,
        )
        for saga in project.sagas
        if saga.full_name in plans
    )


def account(
    project: Project,
    saga: Saga,
    plan: Plan,
    judgements: Sequence[Judgement],
    findings: Sequence[Diagnostic],
    sources: Mapping[str, Source],
) -> Account:
    """What is known of one saga."""
    excuses = tuple(excuse(waiver, findings) for waiver in saga.waivers)
    excused = frozenset(
        (one.waiver.code, finding.step, finding.span)
        for one in excuses
        for finding in findings
        if is_covered(one.waiver, finding)
    )
    given = tuple(guarantee(judgement, excused) for judgement in judgements)
    gaps = tuple(gap(project, saga, clause) for clause in saga.unproved)
    lacking = advice.lacking(project, saga)
    return Account(
        saga=saga.full_name,
        version=saga.version,
        owner=saga.owner,
        rows=tuple(rows(saga, given, gaps, lacking)),
        guarantees=given,
        promises=report.promises(judgements),
        failures=tuple(failure(finding, sources) for finding in findings if finding.severity != "note"),
        excuses=excuses,
        gaps=gaps,
        advice=lacking,
        residues=residue.residues(project, saga),
        waits=residue.waits(project, saga, plan),
    )


# --- claims --------------------------------------------------------------------------------------------------------


def guarantee(judgement: Judgement, excused: frozenset[tuple[str, str, Span]]) -> Guarantee:
    """A judgement in a word, with its reasons; a refutation that somebody answers for is waived."""
    claim, verdict = judgement.claim, judgement.verdict
    word: Word = report.word(verdict)
    reason, code = "", str(claim.family)
    match verdict:
        case Proved():
            reason = verdict.shallow
            word = "shallow" if reason else word
        case Undecided():
            reason = verdict.reason
        case Vacuous():
            reason, code = verdict.message, verdict.code or claim.family
        case Assumed():
            pass
        case _:
            reason = verdict.message
    if (code, claim.step, claim.span) in excused:
        word = "waived"
    rests_on = verdict.rests_on if isinstance(verdict, Proved | Assumed) else ()
    return Guarantee(claim.family, claim.step, claim.text, word, rests_on, reason)


def excuse(waiver: Waiver, findings: Sequence[Diagnostic]) -> Excuse:
    """A waiver with the findings that it turned into notes."""
    return Excuse(waiver, tuple(unwaived(finding.message) for finding in findings if is_covered(waiver, finding)))


def is_covered(waiver: Waiver, finding: Diagnostic) -> bool:
    """Whether this finding is a note because of the waiver: its second place is the waiver's own."""
    return finding.severity == "note" and any(label.span == waiver.span for label in finding.labels[1:])


def unwaived(message: str) -> str:
    """The finding's own words, behind who waived it."""
    return message.partition(": ")[2]


def failure(finding: Diagnostic, sources: Mapping[str, Source]) -> Failure:
    line, column = sources[finding.span.file].position(finding.span.start)
    place = f"{finding.span.file}:{line}:{column}"
    return Failure(finding.code, finding.severity, finding.step, finding.message, place, finding.trace, finding.help)


# --- clauses that are not proved -----------------------------------------------------------------------------------


def gap(project: Project, saga: Saga, clause: Unproved) -> Gap:
    """An unproved clause, with the steps that it is about."""
    steps = tuple(step.name for step in saga.steps if concerns(project, step, clause.span))
    return Gap(groups.of_clause(clause.clause), steps, clause.clause, clause.text)


def concerns(project: Project, step: Step, place: Span) -> bool:
    """Whether a clause stands in the contract of something that the step calls, or of what that changes."""
    calls = (step.call, *(handler.call for handler in step.handlers))
    return any(is_inside(place, span) for call in calls for span in contracts(project, call))


def contracts(project: Project, call: Call) -> Iterator[Span]:
    """Where a call's contract stands: its operation, and the resources that it changes."""
    operation = project.operation(call)
    yield operation.span
    yield from (project.resource(change.resource).span for change in operation.changes)


def is_inside(place: Span, whole: Span) -> bool:
    return place.file == whole.file and whole.start <= place.start < whole.end


# --- the table -----------------------------------------------------------------------------------------------------


def rows(saga: Saga, given: Sequence[Guarantee], gaps: Sequence[Gap], lacking: Sequence[Advice]) -> Iterator[Row]:
    """A row for each step in source order, and one for the saga itself."""
    found: dict[tuple[str, Name], Word] = {}

    def note(step: str, group: Name, word: Word) -> None:
        found[step, group] = worst(word, found.get((step, group), ""))

    for one in given:
        note(one.step, groups.of_family(one.family), one.word)
    for each in gaps:
        for step in each.steps or ("",):
            note(step, each.group, "not proved")
    for line in lacking:
        for step in line.steps or ("",):
            if (step, line.group) not in found:
                note(step, line.group, "not declared")
    for step in (*(step.name for step in saga.steps), ""):
        yield Row(step, {group.name: found.get((step, group.name), "") for group in GROUPS})


def worst(one: Word, other: Word) -> Word:
    """The word that says less good."""
    return min(one, other, key=WORST_FIRST.index)


# --- for a program -------------------------------------------------------------------------------------------------


def as_wire(account: Account) -> Wire:
    """The account as JSON values; `docs/report.md` says what each field means."""
    return {
        "saga": account.saga,
        "version": account.version,
        "owner": account.owner,
        "table": [
            {"step": row.step, **{group: word or None for group, word in row.words.items()}} for row in account.rows
        ],
        "guarantees": [
            {
                "family": one.family,
                "group": groups.of_family(one.family),
                "step": one.step,
                "text": one.text,
                "verdict": one.word,
                "rests_on": list(one.rests_on),
                "reason": one.reason,
            }
            for one in account.guarantees
        ],
        "promises": [
            {"name": promise.name, "declared": promise.declared, "guarantees": list(promise.claims)}
            for promise in account.promises
        ],
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "step": one.step,
                "message": one.message,
                "place": one.place,
                "trace": list(one.trace),
                "help": list(one.help),
            }
            for one in account.failures
        ],
        "waivers": [
            {
                "code": one.waiver.code,
                "step": one.waiver.step,
                "until": one.waiver.until,
                "by": one.waiver.by,
                "because": one.waiver.because,
                "covers": list(one.covers),
            }
            for one in account.excuses
        ],
        "not_proved": [
            {"group": each.group, "steps": list(each.steps), "clause": each.clause, "text": each.text}
            for each in account.gaps
        ],
        "to_declare": [
            {
                "group": line.group,
                "steps": list(line.steps),
                "place": line.place.replace("`", ""),
                "line": line.line,
                "proves": line.proves,
            }
            for line in account.advice
        ],
        "residue": [
            {
                "step": one.step,
                "kind": one.kind,
                "when": residue.WHEN[one.kind],
                "because": one.because,
                "records": list(one.records),
            }
            for one in account.residues
        ],
        "held": [{"step": wait.step, "direction": wait.direction, "why": wait.why} for wait in account.waits],
    }

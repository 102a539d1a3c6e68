"""What `check` says after the findings: what is proved, on what it rests, and what is not proved."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, assert_never

from sagac.compiler import wording
from sagac.compiler.causes import Waiting
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.model import Project, Saga
from sagac.compiler.verdicts import (
    Assumed,
    Claim,
    Family,
    Judgement,
    Proved,
    Refuted,
    Undecided,
    Vacuous,
    Verdict,
)
from sagac.runtime.plan import Plan, Schedule, Wire

Word: TypeAlias = Literal["proved", "assumed", "refuted", "vacuous", "undecided"]
WORDS: Final[tuple[Word, ...]] = ("proved", "assumed", "refuted", "vacuous", "undecided")

UNDECIDED_CODES: Final = frozenset({"S103", "S120"})

UNDO_DEFAULT: Final = Schedule(timeout_ms=30_000, retries=10, backoff_first_ms=1_000, backoff_max_ms=60_000)
"""Settled question 5. What a step got is read from the model, where the place of its schedule tells a default."""

TITLE_WIDTH: Final = 16

LISTED_MAX: Final = 20
"""So many entries of a list are shown where no details are wanted."""

LIST_WIDTH: Final = 104
"""A list of names is broken into lines of so many characters."""

UNBROKEN: Final = "\0"
"""Stands for a space at which no line is broken."""

QUOTED: Final = re.compile(r"`[^`]*`")

PLACES_MAX: Final = 4
"""So many steps with the same default are named where no details are wanted."""

OK, FINDINGS, UNDECIDED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that the verdicts need and nobody proved: its name, and the claims that rest on it."""

    name: str
    claims: tuple[str, ...]
    declared: bool
    """Whether somebody declared it; else it is assumed because nothing is declared."""


@dataclass(frozen=True, slots=True)
class Default:
    """A value that the author left out."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Residue:
    """What may be left behind once a run has been rolled back, or can never be taken back."""

    step: str
    kind: Literal["irreversible", "left", "mitigated"]
    because: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of one saga."""

    saga: str
    version: int
    counts: Mapping[Family, Mapping[Word, int]]
    promises: tuple[Promise, ...]
    shallow: tuple[tuple[str, str], ...]
    unproved: tuple[tuple[str, str], ...]
    defaults: tuple[Default, ...]
    residues: tuple[Residue, ...]
    claims: tuple[tuple[Claim, Word], ...]
    waiting: tuple[Waiting, ...] = ()
    """What is refuted, and not told yet."""


def exit_code(diagnostics: Sequence[Diagnostic], judgements: Sequence[Judgement], *, strict: bool) -> int:
    """0 when all is proved or declared as assumed, 1 for findings, 3 when something is undecided (question 15)."""
    errors = {finding.code for finding in diagnostics if finding.severity == "error"}
    if errors - UNDECIDED_CODES:
        return FINDINGS
    if errors or any(isinstance(judgement.verdict, Undecided) for judgement in judgements):
        return UNDECIDED
    return FINDINGS if strict and diagnostics else OK


def text(
    project: Project,
    plans: Mapping[str, Plan],
    judgements: Sequence[Judgement],
    waiting: Sequence[Waiting] = (),
    *,
    verbose: bool = False,
) -> str:
    """The summary of every saga, for a person: short, or with every claim and every clause by name."""
    known = summaries(project, plans, judgements, waiting)
    return "\n\n".join("\n".join(lines(summary, verbose=verbose)) for summary in known)


def data(
    project: Project, plans: Mapping[str, Plan], judgements: Sequence[Judgement], waiting: Sequence[Waiting] = ()
) -> list[Wire]:
    """The summary of every saga, for a program."""
    return [as_wire(summary) for summary in summaries(project, plans, judgements, waiting)]


def summaries(
    project: Project, plans: Mapping[str, Plan], judgements: Sequence[Judgement], waiting: Sequence[Waiting] = ()
) -> tuple[Summary, ...]:
    """What is known of each saga of which there is something to know, in the project's order."""
    return tuple(
        summarise(
            saga,
            plans.get(saga.full_name),
            [j for j in judgements if j.claim.saga in (saga.full_name, saga.name)],
            [each for each in waiting if each.claim.saga == saga.full_name],
        )
        for saga in project.sagas
    )


def summarise(
    saga: Saga, plan: Plan | None, judgements: Sequence[Judgement], waiting: Sequence[Waiting] = ()
) -> Summary:
    return Summary(
        saga=saga.full_name,
        version=saga.version,
        counts=counted(judgements),
        promises=promises(judgements),
        shallow=tuple((about(j.claim), why) for j in judgements if (why := shallow(j.verdict))),
        unproved=tuple((clause.clause, clause.text) for clause in saga.unproved),
        defaults=tuple(defaults(saga)),
        residues=() if plan is None else tuple(residues(plan)),
        claims=tuple((j.claim, word(j.verdict)) for j in judgements),
        waiting=tuple(waiting),
    )


def word(verdict: Verdict) -> Word:
    """A verdict in one word."""
    match verdict:
        case Proved():
            return "proved"
        case Assumed():
            return "assumed"
        case Refuted():
            return "refuted"
        case Vacuous():
            return "vacuous"
        case Undecided():
            return "undecided"
        case _:
            assert_never(verdict)


def counted(judgements: Sequence[Judgement]) -> Mapping[Family, Mapping[Word, int]]:
    """How many claims of each family have which verdict; families and verdicts that occur."""
    counts = Counter((judgement.claim.family, word(judgement.verdict)) for judgement in judgements)
    families = sorted({family for family, _ in counts})
    return {family: {each: counts[family, each] for each in WORDS if counts[family, each]} for family in families}


def promises(judgements: Sequence[Judgement]) -> tuple[Promise, ...]:
    """Every promise that a verdict rests on, once, with the claims that do; the assumed ones first."""
    resting: dict[tuple[bool, str], list[str]] = {}
    for judgement in judgements:
        if isinstance(judgement.verdict, Proved | Assumed):
            for name in judgement.verdict.rests_on:
                resting.setdefault((isinstance(judgement.verdict, Proved), name), []).append(about(judgement.claim))
    return tuple(Promise(name, tuple(claims), declared) for (declared, name), claims in sorted(resting.items()))


def about(claim: Claim) -> str:
    """A claim in three words, or a few more where it is about an undo, or about no step."""
    undo = f"the undo of `{claim.step}`"
    who = undo if claim.text.startswith(undo) else f"`{claim.step}`"
    return f"{claim.family} of {who}" if claim.step else f"{claim.family} ({claim.text})"


def shallow(verdict: Verdict) -> str:
    """Why a proof says little; empty where it says what it should."""
    return verdict.shallow if isinstance(verdict, Proved) else ""


def defaults(saga: Saga) -> Iterator[Default]:
    """The schedules that the author did not write."""
    for step in saga.steps:
        if step.schedule_span == step.name_span:
            yield Default(f"`{step.name}`", schedule(step.schedule))
        for handler in step.handlers:
            if handler.schedule == UNDO_DEFAULT:
                yield Default(f"undo of `{step.name}`", schedule(handler.schedule))


def schedule(given: Schedule) -> str:
    """A schedule as an author would write it."""
    times = "forever" if given.retries is None else f"{given.retries} times"
    within = "" if given.within_ms is None else f" within {wording.duration(given.within_ms)}"
    backoff = f" backoff {wording.duration(given.backoff_first_ms)} to {wording.duration(given.backoff_max_ms)}"
    retry = f" retry {times}{within}{backoff}" if given.retries != 0 else " retry 0 times"
    return f"timeout {wording.duration(given.timeout_ms)}{retry}"


def residues(plan: Plan) -> Iterator[Residue]:
    """What a rollback does not take back, as the author said."""
    for step in plan.steps:
        if step.remains == "irreversible" or step.remains == "left":
            yield Residue(step.name, step.remains, step.because)
        for undo in step.undos:
            if undo.residue:
                yield Residue(step.name, "mitigated", undo.residue)


# --- for a person --------------------------------------------------------------------------------------------------


def lines(summary: Summary, *, verbose: bool) -> Iterator[str]:
    """The headline, then what a reader must know before believing it."""
    yield headline(summary)
    for title, entries in sections(summary, verbose=verbose):
        yield from section(title, entries if verbose else shortened(entries))


def sections(summary: Summary, *, verbose: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """The lists under the headline; empty ones are not shown."""
    for each in ("refuted", "vacuous", "undecided"):
        named = counting([about(claim) for claim, found in summary.claims if found == each])
        yield each, wrapped(", ".join(named if verbose else shortened(named))) if named else []
    if {"refuted", "undecided"} <= {found for _, found in summary.claims}:
        yield "", ["what of this is not told above waits for what is refuted, which may be all there is to it"]
    yield "held back", list(held_back(summary))
    yield "assumed", [resting(promise) for promise in summary.promises if not promise.declared]
    yield "relies on", promised([promise for promise in summary.promises if promise.declared], verbose=verbose)
    yield "not proved yet", unproved(summary, verbose=verbose)
    yield "may stay", [f"`{each.step}` ({each.kind}): {each.because}" for each in summary.residues]
    yield "defaults", grouped(summary.defaults, verbose=verbose)
    if verbose:
        yield "says little", [f"{claim}: {why}" for claim, why in summary.shallow]
        yield "claims", [f"{found:<10}{claim.family}  {claim.text}" for claim, found in summary.claims]


def counting(names: Sequence[str]) -> list[str]:
    """Each name once, with how often it stands there."""
    return [name if count == 1 else f"{name} ({count} times)" for name, count in Counter(names).items()]


def held_back(summary: Summary) -> Iterator[str]:
    """What is refuted and not told yet, by what has to be repaired first."""
    behind: dict[str, list[str]] = {}
    for each in summary.waiting:
        elsewhere = "" if each.cause.saga == summary.saga else f" in `{each.cause.saga.rpartition('.')[2]}`"
        behind.setdefault(f"{about(each.cause)}{elsewhere}", []).append(about(each.claim))
    for cause, claims in behind.items():
        yield from wrapped(f"until {cause} is repaired: {', '.join(counting(claims))}")


def shortened(entries: Sequence[str]) -> Sequence[str]:
    """The first entries, and how many more there are; a last one by itself takes no more room than its number."""
    more = len(entries) - LISTED_MAX
    return entries if more <= 1 else [*entries[:LISTED_MAX], f"and {more} more (`--verbose` lists them)"]


def headline(summary: Summary) -> str:
    total = len(summary.claims)
    found = Counter(each for _, each in summary.claims)
    families = " ".join(summary.counts)
    verdicts = ", ".join(f"{found[each]} {each}" for each in WORDS if found[each])
    is_proved = total > 0 and found["proved"] == total
    tally = f"all {total} claims proved" if is_proved else f"{wording.counted(total, 'claim')}: {verdicts}"
    return f"{summary.saga} version {summary.version}: " + (f"{tally} ({families})" if total else "nothing claimed")


def section(title: str, entries: Sequence[str]) -> Iterator[str]:
    """A titled list, its entries under each other; nothing when there is nothing to list."""
    for number, entry in enumerate(entries):
        yield f"  {title if number == 0 else '':<{TITLE_WIDTH}}{entry}"


def resting(promise: Promise) -> str:
    return f"{promise.name} ({', '.join(promise.claims)})"


def promised(declared: Sequence[Promise], *, verbose: bool) -> list[str]:
    """The declared promises: each with what rests on it where details are wanted, else those of one kind together."""
    if verbose:
        return [resting(promise) for promise in declared]
    kinds: dict[str, list[str]] = {}
    for promise in declared:
        kinds.setdefault(QUOTED.sub("`", promise.name), []).append(promise.name)
    return [line for names in kinds.values() for line in wrapped(kind(names))]


def kind(names: Sequence[str]) -> str:
    """Promises that are alike up to what they are about: what is promised, and then of whom."""
    if len(names) == 1 or not names[0].startswith("`"):
        return "; ".join(names)
    said, about_each = QUOTED.split(names[0]), [QUOTED.findall(name) for name in names]
    shared = [len(set(each)) == 1 for each in zip(*about_each, strict=True)]
    open_places = [place for place in range(1, len(shared)) if not shared[place]]
    words = (
        ("…" if place in open_places else about_each[0][place]) + said[place + 1] for place in range(1, len(shared))
    )
    text = (said[1] + "".join(words)).strip().removesuffix("…").rstrip().replace(": ", ", so ")
    return f"{text}: " + ", ".join(subject(each, open_places) for each in about_each)


def subject(words: Sequence[str], open_places: Sequence[int]) -> str:
    """Who promises it, and what of it differs from one to the other."""
    return words[0] + (f" ({', '.join(words[place] for place in open_places)})" if open_places else "")


def wrapped(text: str) -> list[str]:
    """A long list in lines, of which the later ones stand further in; what is quoted stays on one."""
    text = QUOTED.sub(lambda quoted: quoted[0].replace(" ", UNBROKEN), text)
    lines = textwrap.wrap(text, LIST_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return [line.replace(UNBROKEN, " ") for line in lines]


def unproved(summary: Summary, *, verbose: bool) -> list[str]:
    """The clauses that are checked for form only: by name, or counted by their word."""
    if verbose:
        return [f"`{clause}`: {text}" for clause, text in summary.unproved]
    counts = Counter(clause for clause, _ in summary.unproved)
    if not counts:
        return []
    return [", ".join(f"`{clause}`" + (f" ({count})" if count > 1 else "") for clause, count in counts.items())]


def grouped(given: Sequence[Default], *, verbose: bool) -> list[str]:
    """Defaults with the places that got the same ones together."""
    places: dict[str, dict[str, None]] = {}
    for default in given:
        places.setdefault(default.text, {})[default.place] = None
    return [f"{text} for {who(tuple(where), verbose=verbose)}" for text, where in places.items()]


def who(places: Sequence[str], *, verbose: bool) -> str:
    """Who got a default: by name, or counted where there are many."""
    if verbose or len(places) <= PLACES_MAX:
        return ", ".join(places)
    return f"{places[0]} and {len(places) - 1} more"


# --- for a program -------------------------------------------------------------------------------------------------


def as_wire(summary: Summary) -> Wire:
    return {
        "saga": summary.saga,
        "version": summary.version,
        "verdicts": {family: dict(counts.items()) for family, counts in summary.counts.items()},
        "claims": [
            {"family": claim.family, "step": claim.step, "text": claim.text, "verdict": found}
            for claim, found in summary.claims
        ],
        "held_back": [{"claim": about(each.claim), "until": about(each.cause)} for each in summary.waiting],
        "promises": [
            {"name": promise.name, "declared": promise.declared, "claims": list(promise.claims)}
            for promise in summary.promises
        ],
        "shallow": [{"claim": claim, "why": why} for claim, why in summary.shallow],
        "not_proved_yet": [{"clause": clause, "text": text} for clause, text in summary.unproved],
        "defaults": [{"place": default.place.replace("`", ""), "value": default.text} for default in summary.defaults],
        "may_stay": [
            {"step": residue.step, "kind": residue.kind, "because": residue.because} for residue in summary.residues
        ],
    }

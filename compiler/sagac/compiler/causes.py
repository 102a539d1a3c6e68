"""Causes: which findings are told first, and which wait because another one may be all there is to them.

Of actions that meet, nothing can be repaired while one of them is wrong by itself: a lock would only hide it. What
waits is still refuted, is counted, and is told by name; it is a finding again once its cause is repaired or waived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Claim, Family, History, Judgement, Refuted, Vacuous

FIRST: Final[tuple[Family, ...]] = (
    *("D1", "D2", "D3"),
    *("A1", "A2", "A3", "A4", "A6"),
    *("C1", "C3", "C4", "C5"),
    *("B6", "C2", "B1", "A5", "D4"),
    *("B2", "B3", "B4", "B5", "B7", "F"),
    *("E1", "E2", "E3", "E4"),
)
"""What reads what, who undoes what, what is sent, what each action does by itself, what several do, and how long."""

BY_ITSELF: Final[frozenset[Family]] = frozenset({"B6", "C2", "B1", "A5", "D4"})
TOGETHER: Final[frozenset[Family]] = frozenset({"B2", "B3", "B4", "B5"})
AT_THE_END: Final[frozenset[Family]] = frozenset({"B7", "F"})
"""Of these, what is said of a rollback waits for the undos in it."""

REFERRING: Final = " never refers to a "
"""In every claim about a reference, and in no other."""

DEAD: Final = "W701"

Identity: TypeAlias = tuple[str, str, Span, str]

OF_TEXTS: Final = re.compile(r"E\d{3}")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A finding that is not told yet, with the claim whose repair it waits for."""

    claim: Claim
    cause: Claim
    finding: Diagnostic


def told_apart(
    findings: Sequence[Diagnostic], judgements: Sequence[Judgement]
) -> tuple[tuple[Diagnostic, ...], tuple[Waiting, ...]]:
    """The findings that are told, causes first, and those that wait."""
    errors = {identity(finding): finding for finding in findings if finding.severity == "error"}
    refuted = [(judgement, one) for judgement in judgements if (one := errors.get(found(judgement))) is not None]
    roots = causes(judgement.claim for judgement, _ in refuted)
    waiting = (
        *(Waiting(judgement.claim, cause, one) for judgement, one in refuted for cause in first(roots, judgement)),
        *repeated(refuted),
        *unsettled(findings, judgements, [judgement.claim for judgement, _ in refuted]),
    )
    held = {identity(each.finding) for each in waiting}
    return in_order(finding for finding in findings if identity(finding) not in held), waiting


def identity(finding: Diagnostic) -> Identity:
    """What tells one finding from another."""
    return finding.code, finding.saga, finding.span, finding.message


def found(judgement: Judgement) -> Identity:
    """The finding that a refutation becomes; of another verdict, none."""
    claim, verdict = judgement.claim, judgement.verdict
    return claim.family, claim.saga, claim.span, verdict.message if isinstance(verdict, Refuted) else ""


def causes(refuted: Iterable[Claim]) -> dict[tuple[str, str], list[Claim]]:
    """What is wrong with each step by itself, by its saga and name."""
    roots: dict[tuple[str, str], list[Claim]] = {}
    for claim in refuted:
        if claim.family in BY_ITSELF:
            roots.setdefault((claim.saga, claim.step), []).append(claim)
    return roots


def first(roots: dict[tuple[str, str], list[Claim]], judgement: Judgement) -> Iterator[Claim]:
    """The cause that a refutation waits for, if it has one."""
    wanted = waits_for(judgement)
    known = [claim for step in involved(judgement) for claim in roots.get(step, ()) if claim.family in wanted]
    yield from sorted(known, key=lambda claim: FIRST.index(claim.family))[:1]


def waits_for(judgement: Judgement) -> frozenset[Family]:
    """The families of findings that may be the cause of this one."""
    if judgement.claim.family in TOGETHER:
        return BY_ITSELF
    return frozenset({"B1"}) if judgement.claim.family in AT_THE_END else frozenset()


def involved(judgement: Judgement) -> Iterator[tuple[str, str]]:
    """The steps of the story, by saga and name; at the end of a run, those that it undoes."""
    verdict = judgement.verdict
    if not isinstance(verdict, Refuted) or not isinstance(verdict.situation, History):
        return
    history = verdict.situation
    for act in (*history.acts, *history.otherwise):
        if judgement.claim.family not in AT_THE_END or act.undo is not None:
            yield history.sides[act.side].saga, act.step


def repeated(refuted: Iterable[tuple[Judgement, Diagnostic]]) -> Iterator[Waiting]:
    """Of a reference that is to nothing, the first step of which that is said is enough: the later ones follow."""
    said: dict[tuple[str, Span], Claim] = {}
    for judgement, one in refuted:
        if judgement.claim.family == "B6" and REFERRING in judgement.claim.text and len(one.labels) > 1:
            cause = said.setdefault((judgement.claim.saga, one.labels[1].span), judgement.claim)
            if cause is not judgement.claim and (cause.saga, cause.step) in set(involved(judgement)):
                yield Waiting(judgement.claim, cause, one)


def unsettled(
    findings: Iterable[Diagnostic], judgements: Iterable[Judgement], refuted: Iterable[Claim]
) -> Iterator[Waiting]:
    """Whether an undo is ever needed is told once it is known what settles a lost answer: that may be the undo."""
    roots = {(claim.saga, claim.step): claim for claim in refuted if claim.family == "C1"}
    warned = {identity(finding)[1:]: finding for finding in findings if finding.code == DEAD}
    for judgement in judgements:
        claim, verdict = judgement.claim, judgement.verdict
        if isinstance(verdict, Vacuous) and verdict.code == DEAD and (claim.saga, claim.step) in roots:
            one = warned.get((claim.saga, claim.span, verdict.message))
            if one is not None and one.severity == "warning":
                yield Waiting(claim, roots[claim.saga, claim.step], one)


# --- the order -----------------------------------------------------------------------------------------------------


def in_order(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What is wrong with the texts, then what is wrong with each saga, causes first, then warnings and notes."""
    once = sorted(dict.fromkeys(findings), key=lambda each: (each.span, each.code, each.message))
    sagas = list(dict.fromkeys(each.saga for each in once))
    return tuple(sorted(once, key=lambda each: place(each, sagas)))


def place(finding: Diagnostic, sagas: Sequence[str]) -> tuple[int, int, int]:
    """Where a finding stands among the others; those of one place stand in source order."""
    if finding.severity != "error":
        return 2, 0, 0
    if OF_TEXTS.fullmatch(finding.code):
        return 0, 0, 0
    known = [family for family in FIRST if family == finding.code]
    return 1, sagas.index(finding.saga), FIRST.index(known[0]) if known else len(FIRST)

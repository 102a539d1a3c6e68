"""Waivers: findings that somebody has answered for, until a date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sagac.compiler import codes, wording
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.model import Saga, Waiver

UNWAIVABLE = frozenset({"S103", "S111", "S112", "S120"})
"""Nobody can answer for what is not known, and a waiver does not excuse a waiver."""


def apply(diagnostics: Sequence[Diagnostic], sagas: Sequence[Saga], today: date) -> tuple[Diagnostic, ...]:
    """The findings with the waived ones as notes, and a finding for each waiver that is expired, unused or too wide."""
    answered = list(diagnostics)
    complaints: list[Diagnostic] = []
    for saga in sagas:
        for waiver in saga.waivers:
            found = [at for at, finding in enumerate(answered) if covers(waiver, saga, finding)]
            complaint = fault(waiver, saga, [answered[at] for at in found], today)
            if complaint is not None:
                complaints.append(complaint)
                continue
            for at in found:
                answered[at] = waived(answered[at], waiver)
    return (*answered, *complaints)


def covers(waiver: Waiver, saga: Saga, finding: Diagnostic) -> bool:
    """Whether the waiver speaks of this finding."""
    return (
        finding.code == waiver.code
        and finding.severity != "note"
        and finding.code not in UNWAIVABLE
        and finding.saga in (saga.full_name, saga.name)
        and (not waiver.step or finding.step == waiver.step)
    )


def fault(waiver: Waiver, saga: Saga, found: Sequence[Diagnostic], today: date) -> Diagnostic | None:
    """What is wrong with the waiver itself."""
    if date.fromisoformat(waiver.until) < today:
        return expired(waiver, saga, found)
    if not found:
        return unused(waiver, saga)
    steps = sorted({finding.step for finding in found})
    if len(steps) > 1:
        return too_wide(waiver, saga, found, steps)
    return None


def expired(waiver: Waiver, saga: Saga, found: Sequence[Diagnostic]) -> Diagnostic:
    still = "the finding is still there" if found else "there is no such finding any more"
    advice = (
        "repair what it covers; or have it decided again, with a new date and a new name"
        if found
        else "delete the waiver"
    )
    return codes.finding(
        "S111",
        f"the waiver of `{waiver.code}` by `{waiver.by}` expired on {waiver.until}, and {still}",
        waiver.span,
        *places(found),
        help=advice,
        saga=saga.full_name,
        step=waiver.step,
    )


def unused(waiver: Waiver, saga: Saga) -> Diagnostic:
    where = f" on `{waiver.step}`" if waiver.step else ""
    return codes.finding(
        "S112",
        f"nothing is found that this waiver of `{waiver.code}`{where} could cover",
        waiver.span,
        help="delete the waiver: what it excused is repaired, or stands elsewhere",
        saga=saga.full_name,
        step=waiver.step,
    )


def too_wide(waiver: Waiver, saga: Saga, found: Sequence[Diagnostic], steps: Sequence[str]) -> Diagnostic:
    named = [step for step in steps if step]
    return codes.finding(
        "S112",
        f"this waiver of `{waiver.code}` would cover {len(found)} findings, on {wording.listing(named)}",
        waiver.span,
        *places(found),
        help=f"a waiver answers for one finding: write `waive {waiver.code} on {named[0]} until …`, and one for each",
        saga=saga.full_name,
    )


def places(found: Sequence[Diagnostic]) -> tuple[Label, ...]:
    """The first finding that the waiver is about, as the second place."""
    return tuple(Label(finding.span, "the finding") for finding in found[:1])


def waived(finding: Diagnostic, waiver: Waiver) -> Diagnostic:
    """The finding as a note that says who answers for it, until when, and why."""
    return replace(
        finding,
        severity="note",
        message=f"waived until {waiver.until} by `{waiver.by}`: {finding.message}",
        labels=(*finding.labels[:1], Label(waiver.span, f"because: {waiver.because}")),
        help=(),
    )

"""What a check says of a mutant that it does not say of the spec that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias

from sagac.compiler import driver, report, residue
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Assumed, Proved, Refuted, Undecided, Vacuous

TODAY: Final = date(2026, 11, 21)

Kill: TypeAlias = Literal[
    "refused", "refuted", "vacuous", "undecided", "warned", "assumed", "claims", "residue", "plan", "survives"
]
"""How a mutant is told from the spec, the strongest first: by a finding before any proof; by a verdict; by a warning or
note; by what the proofs now rest on; by what is claimed; by what the report says a run may leave; by the plan alone."""

KILLS: Final[tuple[Kill, ...]] = (
    "refused",
    "refuted",
    "vacuous",
    "undecided",
    "warned",
    "assumed",
    "claims",
    "residue",
    "plan",
    "survives",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a check says of a spec, as far as mutants are told by it."""

    findings: frozenset[tuple[str, str]]
    errors: frozenset[str]
    refuted: frozenset[str]
    vacuous: frozenset[str]
    undecided: frozenset[str]
    rests_on: frozenset[tuple[str, str]]
    claims: tuple[str, ...]
    report: str
    plans: str


def told(checked: Checked) -> Told:
    """What is said of a spec."""
    verdicts = [(judgement.claim, judgement.verdict) for judgement in checked.judgements]
    return Told(
        findings=frozenset((finding.code, finding.message) for finding in checked.diagnostics),
        errors=frozenset(finding.code for finding in checked.diagnostics if finding.severity == "error"),
        refuted=frozenset(claim.family for claim, verdict in verdicts if isinstance(verdict, Refuted)),
        vacuous=frozenset(claim.family for claim, verdict in verdicts if isinstance(verdict, Vacuous)),
        undecided=frozenset(claim.family for claim, verdict in verdicts if isinstance(verdict, Undecided)),
        rests_on=frozenset(
            (claim.family, name)
            for claim, verdict in verdicts
            if isinstance(verdict, Proved | Assumed)
            for name in (*verdict.rests_on, *(["shallow"] if isinstance(verdict, Proved) and verdict.shallow else []))
        ),
        claims=tuple(sorted(f"{claim.family} {claim.step} {claim.text}" for claim, _ in verdicts)),
        report=report.text(checked.project, checked.plans, checked.judgements, verbose=True) + left(checked),
        plans=repr(sorted(checked.plans.items())) + repr(driver.generate(checked)),
    )


def left(checked: Checked) -> str:
    """What the report says that a run may leave behind."""
    return repr([residue.residues(checked.project, saga) for saga in checked.project.sagas])


def check(text: str) -> Checked:
    """A check of one spec."""
    return driver.check_text(text, TODAY, "mutant.saga")


def kill(spec: Told, mutant: Told) -> tuple[Kill, str]:
    """How the mutant is told from the spec, and by which families or codes."""
    early = frozenset(code for code in mutant.errors - spec.errors if code[0] in "ES" and len(code) > 2) - {"S120"}
    for word, found in (
        ("refuted", mutant.refuted - spec.refuted),
        ("vacuous", mutant.vacuous - spec.vacuous),
        ("undecided", mutant.undecided - spec.undecided),
        ("refused", early),
    ):
        if found:
            return word, " ".join(sorted(found))  # type: ignore[return-value]  # the words above are kills
    if mutant.findings - spec.findings:
        return "warned", " ".join(sorted({code for code, _ in mutant.findings - spec.findings}))
    if mutant.rests_on - spec.rests_on:
        return "assumed", " ".join(sorted({family for family, _ in mutant.rests_on - spec.rests_on}))
    if mutant.claims != spec.claims:
        return "claims", " ".join(sorted({each.split()[0] for each in {*mutant.claims} ^ {*spec.claims}}))
    if mutant.report != spec.report:
        return "residue", ""
    return ("plan", "") if mutant.plans != spec.plans else ("survives", "")

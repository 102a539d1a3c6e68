"""Obligations and what became of them: what is owed for a saga, and the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sagac.compiler.source import Span
from sagac.runtime.plan import Wire

Family: TypeAlias = Literal["A1", "A2", "A3", "A6", "C1", "D1", "D2"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What an obligation says, of what: `A2` of step `charge`, in words a person can check."""

    family: Family
    saga: str
    step: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Situation:
    """A run that shows a refutation, before it is replayed: who is done, skipped, failed, and with what values.

    `order` lists the steps in the order in which they settle. A step in `failed` maps to its declared failure, or to
    the empty string where bounded retries were spent. `results` holds results that matter. `unknown` names a step whose
    call was never answered; `landed` whether its effect is there. `cancelled` means an accepted cancel after `order`.
    `events` are extra lines of the story, in order, which the replay cannot express (a message that lands late).
    """

    order: tuple[str, ...] = ()
    skipped: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, Wire] = field(default_factory=dict)
    results: Mapping[str, Wire] = field(default_factory=dict)
    unknown: str = ""
    landed: bool = False
    undo_lost: bool = False
    """The undo of the subject is never answered either."""
    cancelled: bool = False
    subject: str = ""
    """The step whose effect, undo or reading is at stake."""
    other: str = ""
    """The second step, where two matter: the one that failed, or the one undone too early."""
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proved:
    """Holds in every run. `rests_on` names the declared promises it needs; `shallow` says why it says little."""

    rests_on: tuple[str, ...] = ()
    shallow: str = ""


@dataclass(frozen=True, slots=True)
class Assumed:
    """Holds if what nobody declared is true: the names of what is assumed."""

    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuted:
    """Fails: the smallest run that shows it, what is wrong in one line, the other place that matters, and fixes."""

    situation: Situation
    message: str
    other: Span | None = None
    other_text: str = ""
    help: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """The solver gave up within its limit, or a model did not replay. Never a proof."""

    reason: str


@dataclass(frozen=True, slots=True)
class Vacuous:
    """Nothing meets what the claim assumes: a dead step, a dead handler, contradictory conditions."""

    message: str
    help: tuple[str, ...] = ()
    code: str = ""
    """The code of the warning that this is; empty where it is the finding of the claim's family."""


Verdict: TypeAlias = Proved | Assumed | Refuted | Undecided | Vacuous


@dataclass(frozen=True, slots=True)
class Judgement:
    """A claim with its verdict. `witness` is a run that shows the claim's subject happening (A6)."""

    claim: Claim
    verdict: Verdict
    witness: Situation | None = None

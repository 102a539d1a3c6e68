"""Obligations and what became of them: what is owed for a saga, and the verdict on each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sagac.compiler.source import Span
from sagac.runtime.plan import Wire

Family: TypeAlias = Literal[
    "A1", "A2", "A3", "A4", "A5", "A6",
    "B1", "B2", "B3", "B4", "B5", "B6", "B7",
    "C1", "C2", "C3", "C4", "C5",
    "D1", "D2", "D3", "D4",
    "E1", "E2", "E3", "E4",
    "F",
]  # fmt: skip
"""The families of `docs/proofs.md`: control, effects, unknown outcomes and keys, data, time, rules."""


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
class Side:
    """One of the runs in a story about effects, with its values."""

    saga: str
    """Its full name."""
    input: Mapping[str, Wire] = field(default_factory=dict)
    results: Mapping[str, Wire] = field(default_factory=dict)
    """Results by step, as far as they matter."""


@dataclass(frozen=True, slots=True)
class Act:
    """One command that takes effect: the do of a step, or one of its undos."""

    side: int
    """Which of the runs: 0 is the one that the claim is about."""
    step: str
    undo: int | None = None
    """The number of the undo, in source order; `None` for the do."""


@dataclass(frozen=True, slots=True)
class Before:
    """A record as it stands when the story begins."""

    resource: str
    """The full name of the resource."""
    key: tuple[Wire, ...]
    fields: Mapping[str, Wire]
    """Its fields, and its state as `state` where the resource has states."""


@dataclass(frozen=True, slots=True)
class History:
    """Effects that show a refutation, before they are rehearsed on concrete records: what stands, and who does what.

    Where a claim is about two orders, `otherwise` has the acts in the second one.
    """

    sides: tuple[Side, ...]
    before: tuple[Before, ...]
    acts: tuple[Act, ...]
    otherwise: tuple[Act, ...] = ()
    subject: str = ""
    """The step that it is about."""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Critical:
    """A sum of times that is too long, or a circle of locks: what it is made of, in order, with numbers."""

    lines: tuple[str, ...]
    subject: str = ""


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

    situation: Situation | History | Critical
    message: str
    other: Span | None = None
    other_text: str = ""
    help: tuple[str, ...] = ()
    also: tuple[tuple[Span, str], ...] = ()
    """Further places: the clauses that the counterexample goes through, and what each does."""


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

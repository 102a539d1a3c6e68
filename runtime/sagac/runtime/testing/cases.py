"""Cases: what a generated test gives to a run, and how the run must end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sagac.runtime.plan import Direction, Wire

Values: TypeAlias = Mapping[str, Wire]
"""Inputs, or results by step, as the journal stores them."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Every attempt is refused with a declared failure."""

    step: str
    failure: str
    direction: Direction = "do"


@dataclass(frozen=True, slots=True)
class Busy:
    """Every attempt is answered with: not applied, try again."""

    step: str
    direction: Direction = "do"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Attempts get no answer: all of them, or the first few. The call arrives (`landed`) or is lost on its way."""

    step: str
    direction: Direction = "do"
    landed: bool = True
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """Attempts get no answer, and their calls arrive as late as the contract allows, or after the run."""

    step: str
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """Every attempt arrives twice."""

    step: str
    direction: Direction = "do"


@dataclass(frozen=True, slots=True)
class Taken:
    """Another run has a lock of the step for longer than the step waits."""

    step: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody cancels the run right after the step's first answer, or after none came in time."""

    after: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process dies right after the step's first answer, or after none came in time; another one takes over."""

    after: str


CallFault: TypeAlias = Refused | Busy | Unanswered | Late | Repeated
Disturbance: TypeAlias = Cancelled | Crashed
Fault: TypeAlias = CallFault | Disturbance | Taken


@dataclass(frozen=True, slots=True)
class Case:
    """One run: its input, what befalls it, and how it must end."""

    title: str
    input: Values
    faults: tuple[Fault, ...] = ()
    results: Values = field(default_factory=dict)
    """What steps return, where it matters."""
    ends: str = ""
    """`completed`, `compensated` or `held`; empty where any end will do that leaves nothing undone."""
    order: tuple[tuple[Direction, str], ...] = ()
    """What must happen in this order, among other things."""
    must_strike: bool = True
    """Whether a fault that never came to pass is a finding."""

    def __str__(self) -> str:
        return self.title

"""Test cases as data: what befalls a run, and how it must end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sagac.runtime.plan import Direction, Wire

Kind: TypeAlias = Literal["Refused", "Busy", "Unanswered", "Late", "Repeated", "Taken", "Cancelled", "Crashed"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that befalls a step. The kinds are those of the runtime's test library."""

    kind: Kind
    step: str
    direction: Direction = "do"
    failure: str = ""
    landed: bool = True
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One run: its values, what befalls it, and how it must end."""

    title: str
    input: Mapping[str, Wire]
    results: Mapping[str, Wire]
    faults: tuple[Fault, ...] = ()
    ends: str = ""
    order: tuple[tuple[Direction, str], ...] = ()

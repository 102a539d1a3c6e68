"""A walk through a saga: a run whose answers are chosen, what its services have done, and what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from sagac.compiler import replay
from sagac.compiler.model import Saga
from sagac.compiler.replay import Moments
from sagac.runtime import kernel
from sagac.runtime.commands import Command
from sagac.runtime.events import Event
from sagac.runtime.plan import Direction, Plan, Step, Undo, Wire
from sagac.runtime.run import Action, Run


@dataclass(frozen=True, slots=True)
class Effect:
    """What the service of a step has done, whatever the run knows of it."""

    standing: int = 0
    """How often the effect stands; below 0 it was undone more often than done."""
    known: bool = False
    """A copy of the call has arrived."""
    refused: bool = False
    fenced: bool = False
    """It was revoked: a copy that arrives now changes nothing."""
    undo_known: bool = False
    in_flight: int = 0
    """Copies of the call that may still arrive."""
    undo_in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """A run so far, what the services have done, and what has happened that the run does not see."""

    saga: Saga
    moments: Moments
    effects: Mapping[str, Effect]
    unseen: tuple[tuple[int, str], ...] = ()
    """After how many moments which line belongs into the story."""

    @property
    def run(self) -> Run:
        """The run as the kernel has it."""
        return self.moments[-1].run

    @property
    def plan(self) -> Plan:
        """The plan that it follows."""
        return self.run.plan

    @property
    def now(self) -> int:
        """The time of the latest event."""
        return replay.now(self.moments)


Verb: TypeAlias = Literal[
    "succeeds", "fails", "busy", "unanswered", "lands", "retry", "probe", "lapse", "lock", "lock out", "cancel",
    "deadline", "crash",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may happen next: what to write for it, what it means, and what it is."""

    text: str
    says: str
    verb: Verb
    step: str = ""
    direction: Direction = "do"
    failure: str = ""
    landed: bool = True
    result: Wire = None
    """What the call returns, where that is said."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that is no choice, and why."""

    text: str


def told(walk: Walk, event: Event) -> Walk:
    """The walk after an event that the run sees."""
    return replace(walk, moments=replay.then(walk.moments, event))


def wanted(walk: Walk) -> tuple[Command, ...]:
    """What the kernel has outstanding."""
    return kernel.decide(walk.run, walk.now)


def planned(walk: Walk, name: str) -> Step:
    return walk.plan.steps[walk.run.layout.position[name]]


def state(walk: Walk, name: str) -> Action:
    return replay.state(walk.run, name)


def undo_of(walk: Walk, name: str) -> Undo:
    """The undo that the run chose for a step."""
    return planned(walk, name).undos[state(walk, name).undo_index]


def with_effect(walk: Walk, name: str, effect: Effect) -> Walk:
    return replace(walk, effects={**walk.effects, name: effect})

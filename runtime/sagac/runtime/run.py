"""A run as the kernel knows it: one frozen value, changed only by `kernel.apply`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from sagac.runtime.layout import NOWHERE, Layout
from sagac.runtime.plan import Direction, Plan, Wire
from sagac.runtime.positions import Positions

DoState: TypeAlias = Literal[
    "pending",  # waits for what it comes after, or was never enabled in a run that turned
    "locking",  # waits for its locks; nothing was sent (R16)
    "intended",  # waits for its own durable intent event (R14)
    "sent",  # on the wire, or may be: every durable event is the intent of what it enables
    "paused",  # between attempts; sent again only after a `due` event (R6)
    "lingering",  # done, but an earlier attempt may still land; waits for `lapsed` before it counts as such (R3)
    "lapsing",  # in doubt; waits for `lapsed` before the probe is believed (R3)
    "probing",  # in doubt; a probe is outstanding, or paused between probes
    "revoking",  # in doubt; its revoking undo settles it (R3); stays so when undone; held past the pivot
    "held",  # a person must settle it
    "succeeded",
    "refused",  # definitely without effect: refused, or retries spent with every attempt answered; held past the pivot
    "skipped",
    "dropped",  # enabled, but definitely without effect when the run turned
]

UndoState: TypeAlias = Literal[
    "none",
    "sent",
    "paused",
    "undone",
    "held",
]

Mode: TypeAlias = Literal["running", "unwinding", "completed", "compensated"]

Status: TypeAlias = Literal["running", "unwinding", "held", "completed", "compensated", "compensated with residue"]
"""What a person is told: the mode, with `held` where an action is held and nothing else is outstanding (R1)."""


class Action(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """One step in a run: its do and its undo. What it asks for is remembered beside its fields, no part of it."""

    state: DoState = "pending"
    attempt: int = 0
    unanswered: bool = False
    """An earlier attempt may have landed, or may still land (R2)."""
    enabled_at: int = 0
    due_at: int = 0
    result: Wire = None
    locked: bool = False
    """Its locks were got: the run keeps them to its end (R16)."""
    has_result: bool = False
    """False while, and after, the outcome is unknown: then nothing may read the result."""
    failure: str = ""
    detail: str = ""
    finished: int = 0
    """The position among finished steps, from 1: what `rollback in order` sorts by."""
    probes: int = 0
    undo: UndoState = "none"
    undo_index: int = 0
    """Which of the step's guarded compensations was chosen."""
    undo_attempt: int = 0
    undo_enabled_at: int = 0
    undo_due_at: int = 0
    undo_detail: str = ""


Kind: TypeAlias = tuple[DoState, UndoState]
"""All that most rules ask of an action."""


class Residue(msgspec.Struct, frozen=True):
    """What a finished rollback leaves behind, as declared."""

    step: str
    why: str


class Held(msgspec.Struct, frozen=True):
    """An action that only a person can settle, and the undos that wait for it."""

    step: str
    direction: Direction
    why: str
    waiting: tuple[str, ...] = ()
    """The steps whose undo is not sent before this one is settled."""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """A saga's run. `actions` stand in the order of the plan's steps.

    The last fields follow from the others. They are there so that an event costs what it changes, not what the plan
    has.
    """

    plan: Plan
    key: str
    input: Mapping[str, Wire]
    actions: tuple[Action, ...]
    mode: Mode = "running"
    started_at: int = 0
    turned_at: int = 0
    committed: bool = False
    """The pivot has been enabled: past the point of no return (R5)."""
    cause: str = ""
    """What turned the run, in the author's words: `charge was refused: Declined`, `cancelled by ada: duplicate`."""
    cause_step: str = ""
    alarms: tuple[str, ...] = ()
    events: int = 0
    """How many events were applied: the next record's sequence."""
    layout: Layout = NOWHERE
    kinds: Mapping[Kind, Positions] = {}
    """Every kind of action that there is, and where."""
    finished: int = 0
    """How many dos have succeeded."""
    cleared: Positions | None = None
    """Where nothing is left to undo, nor in what must be unwound before; `None` until the drain is over."""
    waiting: tuple[int, ...] = ()
    """The undos that `rollback in order` holds back, the next one last."""


def told(run: Run) -> Run:
    """The run for others to read: without what follows from the rest."""
    return replace(run, layout=NOWHERE, kinds={}, finished=0, cleared=None, waiting=())

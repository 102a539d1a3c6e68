"""The events of a run, and the record that a journal keeps of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from sagac.runtime.plan import Direction, Wire

Outcome: TypeAlias = Literal["succeeded", "refused", "transient", "unknown"]
"""What one attempt came to (R2)."""


LOCK_TIMEOUT: Final = "lock timeout"
"""The failure of a step that did not get its locks in time; no name that a spec declares has a space (R16)."""


class Started(msgspec.Struct, frozen=True, tag_field="event", tag="started"):
    """The first event: pins the plan by digest and enables the first steps."""

    plan: str
    input: dict[str, Wire]
    at: int


class Intended(msgspec.Struct, frozen=True, tag_field="event", tag="intended"):
    """The explicit intent of a do that is neither idempotent nor probeable (R14)."""

    step: str
    at: int


class Locked(msgspec.Struct, frozen=True, tag_field="event", tag="locked"):
    """The run has got all the locks of a step, and keeps them to its end: from here on the step may be sent (R16)."""

    step: str
    locks: tuple[str, ...]
    """As every run calls them."""
    at: int


class LockExpired(msgspec.Struct, frozen=True, tag_field="event", tag="lock expired", omit_defaults=True):
    """The step did not get its locks within the time that it says: nothing was sent, and it has failed (R16)."""

    step: str
    at: int
    detail: str = ""
    """Which lock was not got, and who has it."""


class Answered(msgspec.Struct, frozen=True, tag_field="event", tag="answered", omit_defaults=True):
    """The outcome of one attempt of a do or an undo."""

    step: str
    direction: Direction
    attempt: int
    outcome: Outcome
    at: int
    result: Wire = None
    failure: str = ""
    """The declared failure's name when refused; empty otherwise."""
    detail: str = ""
    """What the driver saw, for a person: an exception's text, `timed out after 5s`."""
    pause_ms: int = 0
    """The drawn pause before the next attempt, should there be one."""
    payload: str = ""
    """The digest of the arguments that were sent under the action's key (R13)."""


class Due(msgspec.Struct, frozen=True, tag_field="event", tag="due"):
    """The pause before an attempt is over: from here on the attempt counts as sent (R6)."""

    step: str
    direction: Direction
    attempt: int
    at: int


class Lapsed(msgspec.Struct, frozen=True, tag_field="event", tag="lapsed"):
    """`lands within` has passed since the last possible send of the do: no copy of it can still arrive (R3)."""

    step: str
    at: int


class Probed(msgspec.Struct, frozen=True, tag_field="event", tag="probed", omit_defaults=True):
    """What a probe found. `unanswered` is a probe that got no answer."""

    step: str
    attempt: int
    found: Literal["present", "absent", "unanswered"]
    at: int
    result: Wire = None
    detail: str = ""
    pause_ms: int = 0


class Expired(msgspec.Struct, frozen=True, tag_field="event", tag="expired"):
    """The window of an `idempotent for` has passed: the action is not sent again (R3)."""

    step: str
    direction: Direction
    at: int


class Cancelled(msgspec.Struct, frozen=True, tag_field="event", tag="cancelled", omit_defaults=True):
    """Somebody asked for the run to be turned back. Refused by `apply` past the point of no return (R5)."""

    at: int
    who: str = ""
    reason: str = ""


class Overdue(msgspec.Struct, frozen=True, tag_field="event", tag="overdue"):
    """A limit has passed: `deadline` turns the run before the point of no return; else it alarms (R5, R7)."""

    limit: Literal["deadline", "rollback within"]
    at: int


class Resumed(msgspec.Struct, frozen=True, tag_field="event", tag="resumed"):
    """A new owner took the run over: everything that was sent has an unanswered attempt (R14)."""

    worker: str
    at: int


Event: TypeAlias = (
    Started
    | Intended
    | Locked
    | LockExpired
    | Answered
    | Due
    | Lapsed
    | Probed
    | Expired
    | Cancelled
    | Overdue
    | Resumed
)


class JournalRecord(msgspec.Struct, frozen=True):
    """One event in a run's chain. `hash` covers every other field, `previous` is the hash of the record before."""

    run: str
    sequence: int
    fence: int
    event: Event
    previous: str
    hash: str


GENESIS = "0" * 64
"""What stands for the hash before a run's first record."""

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The canonical bytes of an event."""
    return _encoder.encode(event)


def decode(body: bytes) -> Event:
    """The event in `body`; raises `msgspec.ValidationError` where it is none."""
    return _decoder.decode(body)


def link(run: str, sequence: int, fence: int, body: bytes, previous: str) -> str:
    """The hash of a record: SHA-256 over its place in the chain and the event's canonical bytes."""
    head = f"{run}\n{sequence}\n{fence}\n{previous}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def input_digest(input: Mapping[str, Wire]) -> str:
    """What tells a second start with the same key and another input."""
    return hashlib.sha256(_encoder.encode(dict(input))).hexdigest()

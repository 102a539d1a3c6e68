"""What a run needs from its driver: the commands that `kernel.decide` returns."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from sagac.runtime.events import Event
from sagac.runtime.plan import Direction, Wire


class Send(msgspec.Struct, frozen=True):
    """Call a service and feed back an `Answered` for this attempt. Times in milliseconds.

    `key` is the action's own idempotency key, `undoes` the key of the do that an undo undoes (empty for a do).
    `pause_ms` is the upper bound of the pause to draw for the next attempt; 0 where none follows.
    """

    step: str
    direction: Direction
    attempt: int
    service: str
    command: str
    arguments: tuple[tuple[str, Wire], ...]
    key: str
    undoes: str
    timeout_ms: int
    pause_ms: int


class Ask(msgspec.Struct, frozen=True):
    """Call a probe query, not before the wall clock reads `at`, and feed back a `Probed` for this attempt.

    A probe has no effect, so a clock alone may start it. `key` is the key of the do in doubt.
    """

    step: str
    attempt: int
    at: int
    service: str
    command: str
    arguments: tuple[tuple[str, Wire], ...]
    key: str
    timeout_ms: int
    pause_ms: int


class Wake(msgspec.Struct, frozen=True):
    """Append `event` once the wall clock reads `at` (with the `at` of that moment): a pause's end."""

    at: int
    event: Event


class Await(msgspec.Struct, frozen=True):
    """Append `Lapsed(step)` once `after_ms` have passed since the last attempt of the step's do can have been sent.

    Counted on the driver's monotonic clock from the return of the last attempt's handler; by a new owner from the end
    of the old lease; never from journaled wall time (R3).
    """

    step: str
    after_ms: int


class Acquire(msgspec.Struct, frozen=True):
    """Get these locks for the run, one after the other, and append `Locked(step, locks)` (R16).

    Append `LockExpired(step)` instead once the wall clock reads the time in `until` of one that it has not got.
    """

    step: str
    locks: tuple[str, ...]
    until: tuple[int, ...]
    """For each lock."""


class Append(msgspec.Struct, frozen=True):
    """Append this event now: an intent, a passed window, a passed limit."""

    event: Event


Command: TypeAlias = Send | Ask | Wake | Await | Acquire | Append

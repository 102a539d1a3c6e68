"""What a handler is given with every call, and what it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagac.runtime.plan import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One attempt of one action, as its handler sees it."""

    key: str
    """The idempotency key (R13): the same for every attempt, different for do and undo. Send it along."""
    undoes: str | None
    """The key of the call that this one undoes; none for a do."""
    run: str
    saga: str
    step: str
    direction: Direction
    attempt: int
    """From 1; for the log, never for a key."""
    deadline: datetime
    """When the runtime stops waiting for this attempt, in UTC."""
    element: int | None = None


class Refusal(Exception):  # noqa: N818 - the failures that authors declare are its subclasses, and bear their names
    """A declared failure: definitely nothing happened. Raised by handlers, never retried."""


class Transient(Exception):  # noqa: N818 - reads as the service's answer, not as an error of ours
    """The service says that it did nothing and may be asked again.

    It may say after how many seconds, and is believed up to a day, as far as the schedule waits at all.
    """

    def __init__(self, reason: str = "", *, retry_after: float = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after

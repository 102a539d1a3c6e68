"""The errors that a person who runs sagas can meet: each says where it happened and whether a retry can help."""

from __future__ import annotations

from collections.abc import Sequence


class SagacError(Exception):
    """Something the runtime could not do. The message ends with the place, and whether trying again can help."""

    retry_helps = False
    """Whether the same request can succeed later without anybody changing anything."""

    def __init__(
        self, message: str, *, saga: str = "", run: str = "", step: str = "", attempt: int = 0, position: int = 0
    ) -> None:
        self.message = message
        self.saga, self.run, self.step, self.attempt, self.position = saga, run, step, attempt, position
        super().__init__(f"{message} ({'; '.join((*self._place(), self._advice()))})")

    def _place(self) -> tuple[str, ...]:
        parts = (
            f"saga `{self.saga}`" if self.saga else "",
            f"run `{self.run}`" if self.run else "",
            f"step `{self.step}`" if self.step else "",
            f"attempt {self.attempt}" if self.attempt else "",
            f"position {self.position}" if self.position else "",
        )
        return (", ".join(part for part in parts if part),) if any(parts) else ()

    def _advice(self) -> str:
        return "a retry can help" if self.retry_helps else "a retry cannot help"


class BindingError(SagacError):
    """The services given to a runtime do not fit what its sagas call."""

    def __init__(self, findings: Sequence[str], *, saga: str = "") -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(self.findings), saga=saga)


class InputError(SagacError):
    """A run cannot start with this input."""


class InputConflictError(InputError):
    """A run with the same saga and key exists, and was started with another input."""


class UnknownRunError(SagacError):
    """The journal has no such run."""


class ClosedError(SagacError):
    """The runtime or the journal is closed, or is closing."""


class PayloadError(SagacError):
    """A call would be sent under a key that was used with another payload (R13): it is not sent."""


class JournalError(SagacError):
    """The journal could not do what was asked; nothing of it is durable unless a later reading shows it."""

    retry_helps = True


class JournalPlaceError(JournalError):
    """A location names no journal, or none that can be opened and written there."""

    retry_helps = False


class LeaseLostError(JournalError):
    """Another worker owns the run, or this worker's lease was taken: nothing was appended."""


class LockTakenError(JournalError):
    """Another run has a lock that the append claims, or stands before this one in its line: nothing was appended."""


class JournalFormatError(JournalError):
    """The journal is not one, is malformed, or was written by a newer runtime."""

    retry_helps = False


class JournalDamagedError(JournalError):
    """A run's chain of records does not hold together: the run is left alone."""

    retry_helps = False

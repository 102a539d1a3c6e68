"""The saga runtime: what generated executors and the services around them import."""

from sagac.runtime.calls import Call, Refusal, Transient
from sagac.runtime.clock import Clock, SystemClock
from sagac.runtime.errors import (
    BindingError,
    ClosedError,
    InputConflictError,
    InputError,
    JournalDamagedError,
    JournalError,
    JournalFormatError,
    JournalPlaceError,
    LeaseLostError,
    PayloadError,
    SagacError,
    UnknownRunError,
)
from sagac.runtime.journal import Journal, connect
from sagac.runtime.memory import MemoryJournal
from sagac.runtime.outcomes import Compensated, Completed, Held, Outcome
from sagac.runtime.plan import Plan
from sagac.runtime.run import Residue
from sagac.runtime.runtime import CancelAnswer, RunHandle, Runtime
from sagac.runtime.services import Binding

__all__ = [
    "Binding",
    "BindingError",
    "Call",
    "CancelAnswer",
    "Clock",
    "ClosedError",
    "Compensated",
    "Completed",
    "Held",
    "InputConflictError",
    "InputError",
    "Journal",
    "JournalDamagedError",
    "JournalError",
    "JournalFormatError",
    "JournalPlaceError",
    "LeaseLostError",
    "MemoryJournal",
    "Outcome",
    "PayloadError",
    "Plan",
    "Refusal",
    "Residue",
    "RunHandle",
    "Runtime",
    "SagacError",
    "SystemClock",
    "Transient",
    "UnknownRunError",
    "connect",
]

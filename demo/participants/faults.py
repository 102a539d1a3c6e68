"""The ways in which a participant can be told to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "refuse",  # a definite no
    "hang",  # the call gets lost: no effect, no answer
    "late",  # no answer, and the effect arrives long after the caller has given up
    "lose",  # the effect is there, its answer gets lost
    "slow",  # the effect and its answer take their time
    "down",  # an error that says nothing about the effect; there is none
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the next `times` calls of an operation about one subject; 0 means to all of them."""

    operation: str
    subject: str
    kind: Kind
    times: int = 1
    seconds: float = 0
    failure: str = ""


@dataclass(slots=True)
class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    coming: list[Fault] = field(default_factory=list)
    met: set[Fault] = field(default_factory=set)
    """Those of the endless ones that a call has met."""

    def take(self, operation: str, subject: str) -> Fault | None:
        """The fault that this call meets, if any."""
        for place, fault in enumerate(self.coming):
            if (fault.operation, fault.subject) == (operation, subject):
                if fault.times == 1:
                    del self.coming[place]
                elif fault.times > 1:
                    self.coming[place] = replace(fault, times=fault.times - 1)
                else:
                    self.met.add(fault)
                return fault
        return None

    def unmet(self, subject: str) -> list[Fault]:
        """The faults about a subject that no call has met: a scenario in which they stay away shows nothing."""
        return [fault for fault in self.coming if fault.subject == subject and fault not in self.met]

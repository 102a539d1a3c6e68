"""A contested journal: another run has a record's lock whenever a step asks that is to be without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sagac.runtime import kernel, locking
from sagac.runtime.commands import Acquire
from sagac.runtime.history import recall
from sagac.runtime.journal import Lease, Place
from sagac.runtime.memory import MemoryJournal
from sagac.runtime.run import Run
from sagac.runtime.testing.cases import Fault, Taken

RIVAL: Final = "somebody else"
"""The run that has the lock; it never ends."""


@dataclass(slots=True)
class ContestedJournal(MemoryJournal):
    """The journal of one run, which does not get its locks where a case says so."""

    faults: tuple[Fault, ...] = ()
    fired: set[Fault] = field(default_factory=set)

    async def line_up(self, lease: Lease, locks: tuple[str, ...]) -> Place | None:
        """See `Journal.line_up`; whoever has the lock has had it from before."""
        taken = [fault for fault in self.faults if isinstance(fault, Taken)]
        if taken:
            run = (await recall(self, self._entries[lease.run])).run
            for fault in taken:
                if lock := wanted(run, fault.step, locks):
                    self._give(lock)
                    self.fired.add(fault)
        return await MemoryJournal.line_up(self, lease, locks)  # a class with slots is remade, and `super` is not told

    def _give(self, lock: str) -> None:
        line = self._lines.setdefault(lock, [])
        if all(place.run != RIVAL for place in line):
            line.insert(0, Place(lock, RIVAL, True, 1))


def wanted(run: Run, step: str, locks: tuple[str, ...]) -> str:
    """The first of these locks that the run has not got, where they are those that the step waits for."""
    for command in kernel.decide(run, 0):
        if isinstance(command, Acquire) and (command.step, command.locks) == (step, locks):
            return next((lock for lock in locks if lock not in locking.kept(run)), "")
    return ""

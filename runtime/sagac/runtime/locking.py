"""Locking: the semantic locks of a run, from before the step that takes them to the run's end (rule R16)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from sagac.runtime.events import LOCK_TIMEOUT, LockExpired
from sagac.runtime.expressions import View, identity
from sagac.runtime.plan import Step, canonical
from sagac.runtime.positions import listed
from sagac.runtime.run import Action, Run
from sagac.runtime.unwinding import view


class Change(NamedTuple):
    """What an event does to the locks of a run, before its end."""

    claims: tuple[str, ...] = ()
    """What the run has from here on."""
    drops: tuple[str, ...] = ()
    """What it no longer waits for."""


def names(step: Step, facts: View) -> tuple[str, ...]:
    """What every run calls the step's locks, in their order; raises `Unavailable` where a key was never there."""
    return tuple(lock.resource + canonical([identity(key, facts) for key in lock.keys]).decode() for lock in step.locks)


def is_needed(step: Step) -> bool:
    """Whether the step waits for locks before it is sent."""
    return bool(step.locks)


def locked(action: Action) -> Action:
    """The step has its locks, until the run ends."""
    return replace(action, locked=True)


def expired(action: Action, event: LockExpired) -> Action:
    """Not got in time: definitely nothing was sent."""
    return replace(action, state="refused", failure=LOCK_TIMEOUT, detail=event.detail)


def kept(run: Run) -> frozenset[str]:
    """The locks that the run has: other runs wait until it has ended."""
    return frozenset(_names(run, lambda action: action.locked))


def awaited(run: Run) -> frozenset[str]:
    """The locks that the run waits for."""
    return frozenset(_names(run, is_waiting))


def is_waiting(action: Action) -> bool:
    """Whether the step is not sent before its locks are got."""
    return action.state == "locking"


def change(before: Run, after: Run) -> Change:
    """What became of a run's locks between two of its states."""
    moved = [i for i in listed(after.layout.locking) if before.actions[i] is not after.actions[i]]
    if not any(is_waiting(before.actions[i]) for i in moved):
        return Change()
    got = kept(after)
    return Change(tuple(sorted(got - kept(before))), tuple(sorted(awaited(before) - awaited(after) - got)))


def _names(run: Run, chosen: Callable[[Action], bool]) -> Iterator[str]:
    for i in listed(run.layout.locking):
        if chosen(run.actions[i]):
            yield from names(run.plan.steps[i], view(run))

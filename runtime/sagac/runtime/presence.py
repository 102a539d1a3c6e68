"""Proof that a worker's process is alive: a lock on a file, which the operating system drops when the process ends.

The proof only ever shortens a wait. Where it is not to be had (no such locks, a file that somebody removed, a forked
child that keeps its parent's lock), a dead worker is noticed by its beat, one lease later.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - a system without such locks
    fcntl = None  # type: ignore[assignment]  # the absence is what every function asks for


def path(journal: Path, worker: str) -> Path:
    """Where the lock of a worker of this journal is."""
    return journal.with_name(f"{journal.name}-worker-{worker}")


def hold(lock: Path) -> int | None:
    """Take a lock for as long as this process lives, or until `drop`; None where there is none to be had."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks: without one, nothing may look as if it could be asked
        drop(lock, descriptor)
        return None
    return descriptor


def drop(lock: Path, descriptor: int | None) -> None:
    """Give a lock back, and remove what is left of it."""
    lock.unlink(missing_ok=True)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def is_dropped(lock: Path) -> bool:
    """Whether the holder has certainly ended."""
    if fcntl is None:
        return False
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True

"""The `sagac` command from its first moment on: an interrupt ends it in one line, also while it loads."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None

INTERRUPTED: Final = 130
"""The exit code, as a shell tells it of any command."""


def main() -> int:
    """Loads the commands, and runs the one that is asked for."""
    with at_once():
        from sagac.runtime import cli  # to load it takes long enough to be interrupted
    try:
        code = cli.main()
        # Nothing is left to be done but to leave.
        heard(leave)
        return code
    except KeyboardInterrupt:
        leave()


@contextmanager
def at_once() -> Iterator[None]:
    """An interrupt ends the process where it stands: one that is raised in the midst of loading gets lost there."""
    before = signal.getsignal(signal.SIGINT)
    heard(leave)
    try:
        yield
    finally:
        heard(before)


def heard(handler: Handler) -> None:
    """From now on interrupts are for this one; where they are ignored, as behind a shell's `&`, they stay so."""
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None):
        signal.signal(signal.SIGINT, handler)


def leave(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    """Says so, and is gone."""
    os.write(sys.stderr.fileno(), b"sagac: interrupted\n")
    os._exit(INTERRUPTED)

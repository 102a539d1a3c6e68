"""Processes that are killed at a boundary of the rollback, with `kill -9`, and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from demo.pace import SCALE

_ROOT: Final = Path(__file__).parent.parent
_PATIENCE: Final = 40.0 * SCALE


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """Where each process in turn is killed; the one after the last finishes the run."""

    name: str
    stops: tuple[str, ...]


POINTS: Final = (
    CrashPoint("the refusal came back, nobody has written it down", ("credit:after",)),
    CrashPoint("the rollback is decided, nothing is undone", ("unwind:before",)),
    CrashPoint("the reverse conversion is done, nobody has written it down", ("unwind:after",)),
    CrashPoint("the reverse conversion is written down, the re-credit is not sent", ("recredit:before",)),
    CrashPoint("the re-credit is done, nobody has written it down", ("recredit:after",)),
    CrashPoint("the end is written down, nobody has heard of it", ("end",)),
    CrashPoint("killed again at the same place while recovering", ("unwind:after", "unwind:after")),
    CrashPoint("killed three times on the way", ("unwind:before", "unwind:after", "recredit:after")),
)
"""Every boundary of scenario C's rollback, and two that follow one another."""


async def until_killed(command: Sequence[str], stop_at: str) -> int:
    """Start a runner that stops at a boundary, and kill it there; its process id."""
    process = await _start([*command, f"--stop-at={stop_at}"])
    try:
        line = await _line(process)
        assert line.startswith("at "), f"the runner ended with `{line}` before it came to {stop_at}"
    finally:
        _kill(process)
        await process.wait()
    return process.pid


async def to_the_end(command: Sequence[str]) -> str:
    """Start a runner and let it finish; its last word."""
    process = await _start(command)
    try:
        return await _line(process)
    finally:
        _kill(process)
        await process.wait()


def command(module: str, urls: Mapping[str, str], given: Mapping[str, Any], *options: str) -> list[str]:
    """How to start a runner for the transfer saga."""
    return [
        *(sys.executable, "-m", module, "transfer"),
        *(f"--urls={json.dumps(dict(urls))}", f"--given={json.dumps(dict(given))}", *options),
    ]


async def _start(command: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=_ROOT,
    )


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None, "started with a pipe"
    line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE)
    return line.decode().strip()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)

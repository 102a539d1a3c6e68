"""The `sagac` command: what it does with journals, and how the compiler's commands join it."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import hashlib
import importlib
import inspect
import json
import logging
import math
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from sagac.entry import at_once
from sagac.runtime import lines
from sagac.runtime.audit import audit
from sagac.runtime.clock import SystemClock
from sagac.runtime.errors import JournalPlaceError, SagacError
from sagac.runtime.history import recall
from sagac.runtime.journal import ENDED, Entry, Head, Journal, Place, connect
from sagac.runtime.run import told
from sagac.runtime.runtime import ANSWER_MS, LEASE_MS, Runtime, cancel_answer
from sagac.runtime.services import Binding
from sagac.runtime.timeline import draw, instant

OK, FINDINGS, USAGE, UNAVAILABLE, UNREAD = 0, 1, 2, 69, 141
"""Exit codes: as asked; something is wrong or not as asked; a wrong call; an extra is not installed; whoever reads has
closed the pipe before all was said, as a shell tells it of any command."""

JOURNAL: Final = "sqlite:///sagac.db"
"""Where a journal is when nothing else is said."""

COMPILER_COMMANDS: Final = ("check", "report", "verify", "gen", "sim", "graph", "explain", "dump")
"""What the compiler adds: named here so that a base install can say what is missing."""

SHORT: Final = lines.SHORT
"""So much of a run's name is shown in a table; as much as is unique is enough everywhere."""

CANDIDATES: Final = 5
"""So many runs are named where the beginning of a name is not enough."""

T = TypeVar("T")


class Subcommand(Protocol):
    """One word after `sagac`: how its arguments are read, and what it does."""

    @property
    def name(self) -> str:
        """The word."""
        ...

    @property
    def help(self) -> str:
        """What it does, in one line."""
        ...

    @property
    def configure(self) -> Callable[[argparse.ArgumentParser], None]:
        """Declares its arguments."""
        ...

    @property
    def run(self) -> Callable[[argparse.Namespace], int]:
        """Does it, and returns the exit code."""
        ...


class Command(NamedTuple):
    """A command of the runtime itself."""

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class UsageError(Exception):
    """A call that cannot be taken: its text is for the user."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever goes wrong is told in one line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _main(words)
        sys.stdout.flush()
        return code
    except UsageError as error:
        return _complain(str(error), USAGE)
    except JournalPlaceError as error:
        return _complain(error.message, USAGE)
    except SagacError as error:
        return _complain(str(error), FINDINGS)
    except BrokenPipeError:
        # Whoever reads has read enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:
        return _complain(_system(error), FINDINGS)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except Exception as error:
        said = f"this is a defect of sagac: {type(error).__name__}: {error}"
        return _complain(f"{said}{_reported(error)}", FINDINGS)


def _main(words: list[str]) -> int:
    wanted = next((word for word in words if not word.startswith("-")), "")
    commands: dict[str, Subcommand] = {command.name: command for command in COMMANDS}
    if wanted not in commands:  # the compiler takes a second to load: no command of a journal waits for it
        commands |= _joined(wanted)
    parser = argparse.ArgumentParser(prog="sagac", description="Check, generate, run and recover sagas.")
    parser.add_argument("--version", action="version", version=f"sagac {metadata.version('sagac')}")
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in commands.values():
        command.configure(choices.add_parser(command.name, help=command.help, description=command.help))
    parsed = parser.parse_args(words)
    return commands[parsed.command].run(parsed)


def _joined(wanted: str) -> dict[str, Subcommand]:
    """The commands of installed extras; where the compiler is missing, one that says so under each of its names."""
    commands: dict[str, Subcommand] = {}
    missing = ""
    for point in sorted(metadata.entry_points(group="sagac.commands"), key=lambda point: point.name):
        try:
            with _loading():
                commands |= {command.name: command for command in point.load()}
        except ImportError as error:
            missing = error.name or str(error)
    absent = [name for name in COMPILER_COMMANDS if name not in commands]
    return commands | {name: _unavailable(name, missing) for name in absent}


def _loading() -> AbstractContextManager[None]:
    """Interrupts end the process at once while a command loads; signals belong to the main thread alone."""
    return at_once() if threading.current_thread() is threading.main_thread() else nullcontext()


def _unavailable(name: str, missing: str) -> Command:
    def run(arguments: argparse.Namespace) -> int:
        because = f" (`{missing}` is not installed)" if missing else ""
        return _complain(f"`sagac {name}` needs the compiler: pip install 'sagac[compiler]'{because}", UNAVAILABLE)

    def configure(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("anything", nargs=argparse.REMAINDER)

    return Command(name, "needs the extra `compiler`", configure, run)


def _complain(text: str, code: int) -> int:
    print(f"sagac: {' '.join(text.split())}", file=sys.stderr)
    return code


def _system(error: OSError) -> str:
    """What the operating system would not do, without its numbers."""
    if error.filename is None or not error.strerror:
        return error.strerror or str(error)
    return f"`{error.filename}`: {error.strerror[:1].lower()}{error.strerror[1:]}"


def _reported(error: Exception) -> str:
    """Where the whole story of a defect is: whoever reports it can send it along."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="sagac-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as report:
            report.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f" (its traceback is in `{report.name}`)"


# ---- ps


def _configure_ps(parser: argparse.ArgumentParser) -> None:
    _add_journal(parser)
    parser.add_argument("--open", action="store_true", help="only runs that have not ended")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _ps(arguments: argparse.Namespace) -> int:
    known, places = _reading(arguments, _entries)
    entries = [entry for entry in known if not (arguments.open and entry.status in ENDED)]
    if arguments.json:
        _print_json(entries)
        return OK
    rows = [("RUN", "STATUS", "EVENTS", "STARTED", "CHANGED", "SAGA", "KEY"), *map(_row, entries)]
    waits = [lines.waits_for(places, entry.run) for entry in entries]
    if any(waits):
        rows = [(*row, wait) for row, wait in zip(rows, ("WAITS FOR", *waits), strict=True)]
    for line in _table(rows):
        print(line)
    return OK


async def _entries(journal: Journal) -> tuple[tuple[Entry, ...], tuple[Place, ...]]:
    return await journal.entries(), await journal.lines()


def _row(entry: Entry) -> tuple[str, ...]:
    times = instant(entry.started_at), instant(entry.changed_at)
    return (entry.run[:SHORT], entry.status, str(entry.head.length), *times, entry.saga, entry.key)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


# ---- show


def _configure_show(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    _add_journal(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _show(arguments: argparse.Namespace) -> int:
    async def story(journal: Journal) -> None:
        entry = await _find(journal, arguments.run_name)
        history = await recall(journal, entry)
        places = await journal.lines()
        if arguments.json:
            locks = list(lines.stands(places, entry.run))
            _print_json({"entry": entry, "records": history.records, "run": told(history.run), "locks": locks})
            return
        for line in (*draw(history), *lines.draw(places, entry.run)):
            print(line)

    _reading(arguments, story)
    return OK


async def _find(journal: Journal, name: str) -> Entry:
    """The run with this name, or the only one whose name begins so."""
    if not name:
        raise UsageError("which run? write its name, or as much of it as is unique")
    found = [entry for entry in await journal.entries() if entry.run.startswith(name)]
    if not found:
        raise UsageError(f"no run with a name that begins with `{name}`")
    if len(found) > 1:
        shown = [f"`{entry.run}`" for entry in found[:CANDIDATES]] + ["…"] * (len(found) > CANDIDATES)
        raise UsageError(f"{len(found)} runs with a name that begins with `{name}`: {', '.join(shown)}")
    return found[0]


# ---- cancel


def _configure_cancel(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    _add_journal(parser)
    parser.add_argument("--reason", type=_words, required=True, help="why; it is journaled")
    parser.add_argument("--who", help="who asks; it is journaled (default: the user's name)")
    parser.add_argument("--wait", type=_seconds, default=3, metavar="SECONDS", help="how long to wait for the answer")


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of seconds")
    return seconds


def _cancel(arguments: argparse.Namespace) -> int:
    async def story(journal: Journal) -> int:
        entry = await _find(journal, arguments.run_name)
        who = _user() if arguments.who is None else arguments.who
        clock = SystemClock()
        token = hashlib.sha256(json.dumps([who, arguments.reason]).encode()).hexdigest()[:16]
        request = await journal.ask(entry.run, "cancel", token, who=who, reason=arguments.reason, at=clock.wall_ms())
        until_ms = clock.monotonic_ms() + round(arguments.wait * 1000)
        while (answer := await cancel_answer(journal, request)) is None and clock.monotonic_ms() < until_ms:
            await clock.sleep(ANSWER_MS)
        if answer is None:
            print(f"requested: whoever drives run {entry.run} next will answer")
            return OK
        print(answer.detail if answer.accepted else f"refused: {answer.detail}")
        return OK if answer.accepted else FINDINGS

    return _reading(arguments, story)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


# ---- resume


def _configure_resume(parser: argparse.ArgumentParser) -> None:
    _add_journal(parser)
    parser.add_argument(
        "--bind",
        action="append",
        required=True,
        metavar="MODULE:ATTRIBUTE",
        help="bound sagas: one, several, or a function that returns them (may be given again)",
    )


def _resume(arguments: argparse.Namespace) -> int:
    sys.path.insert(0, str(Path.cwd()))
    logging.basicConfig(level=logging.WARNING, format="sagac: %(message)s")

    async def story() -> int:
        sagas = [saga for place in arguments.bind for saga in await _bound(place)]
        journal = connect(arguments.journal, create=False)
        async with Runtime(journal=journal, sagas=sagas) as runtime:
            entries = await _driven(journal, runtime)
        for line in _table([("RUN", "STATUS", "EVENTS", "STARTED", "CHANGED", "SAGA", "KEY"), *map(_row, entries)]):
            print(line)
        return OK if all(entry.status in ENDED for entry in entries) else FINDINGS

    return asyncio.run(story())


async def _driven(journal: Journal, runtime: Runtime) -> tuple[Entry, ...]:
    """What has become of the runs that were open, once none of them goes on without a person or a service."""
    clock = SystemClock()
    opened = {entry.run for entry in await journal.entries() if entry.status not in ENDED}
    while True:
        await runtime.idle()
        entries = tuple(entry for entry in await journal.entries() if entry.run in opened)
        if not any(entry.worker and entry.status in ("running", "unwinding") for entry in entries):
            return entries
        await clock.sleep(LEASE_MS // 40)


async def _bound(place: str) -> tuple[Binding, ...]:
    """The sagas that `module:attribute` names."""
    module, _, attribute = place.partition(":")
    if not module or not attribute:
        raise UsageError(f"`{place}` is not of the form MODULE:ATTRIBUTE")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
        if not hasattr(found, "plan") and callable(found):
            found = found()
            found = await found if inspect.isawaitable(found) else found
    except Exception as error:  # the user's own module: whatever it raises is theirs to read
        raise UsageError(f"`{place}` cannot be bound: {type(error).__name__}: {error}") from error
    sagas = tuple(found) if isinstance(found, Iterable) else (found,)
    if not sagas or not all(hasattr(saga, "plan") and hasattr(saga, "protocols") for saga in sagas):
        raise UsageError(f"`{place}` is no bound saga, and returns none")
    return sagas


# ---- verify-journal


def _configure_verify(parser: argparse.ArgumentParser) -> None:
    _add_journal(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--heads", type=Path, metavar="FILE", help="compare with heads that were written before")
    parser.add_argument("--write-heads", type=Path, metavar="FILE", help="write the heads, to be kept elsewhere")


def _verify(arguments: argparse.Namespace) -> int:
    known = None
    if arguments.heads is not None:
        known = _heads(arguments.heads)
    result = _reading(arguments, lambda journal: audit(journal, known))
    if arguments.write_heads is not None:
        arguments.write_heads.write_bytes(msgspec.json.encode(result.heads, order="deterministic"))
    if arguments.json:
        _print_json({"runs": result.runs, "records": result.records, "findings": result.findings})
    else:
        for finding in result.findings:
            print(f"run {finding.run}, record {finding.position}: {finding.what}")
        found = _counted(len(result.findings), "finding") if result.findings else "no findings"
        print(f"{_counted(result.runs, 'run')}, {_counted(result.records, 'record')}, {found}")
    return FINDINGS if result.findings else OK


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _heads(file: Path) -> dict[str, Head]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Head])
    except msgspec.DecodeError as error:
        raise UsageError(f"`{file}` holds no heads: {error}") from error


# ---- what they share


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_name", metavar="RUN", help="a run's name, or as much of it as is unique")


def _add_journal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--journal", default=JOURNAL, metavar="PLACE", help=f"where the journal is (default: {JOURNAL})"
    )


def _reading(arguments: argparse.Namespace, story: Callable[[Journal], Awaitable[T]]) -> T:
    """What a story tells of the journal that the arguments name; it must exist."""

    async def told() -> T:
        journal = connect(arguments.journal, create=False)
        await journal.open()
        try:
            return await story(journal)
        finally:
            await journal.close()

    return asyncio.run(told())


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value)).decode())


COMMANDS: Final = (
    Command("ps", "list the runs of a journal", _configure_ps, _ps),
    Command("show", "show what was done and undone in a run, and what is held", _configure_show, _show),
    Command("cancel", "ask for a run to be turned back", _configure_cancel, _cancel),
    Command("resume", "recover the runs of a journal and drive them to their ends", _configure_resume, _resume),
    Command("verify-journal", "check that no record was lost or changed", _configure_verify, _verify),
)
"""What a base install can do."""

if __name__ == "__main__":
    sys.exit(main())

"""`python -m demo`: check and generate three sagas, run them against real services and faults, show what is left."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from demo import pace
from demo.pace import SCALE
from demo.scenarios import CAST

ROOT: Final = Path(__file__).parent.parent
SAGAS: Final = ROOT / "demo" / "sagas"
REPORT: Final = "check.txt"
"""Where the details of the check go; also what marks a folder as the demo's."""
_BEGUN: Final = time.monotonic()


def main() -> int:
    """The whole demo, or a slice of it; 0 if sagac ended as required everywhere, and the naive runner nowhere."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--only", action="append", metavar="SCENARIO", help="this scenario (may be given repeatedly)")
    parser.add_argument("--crashes", type=int, metavar="N", help="only the first N crash points of C")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "demo" / "run", help="for stores, journals and the check's report"
    )
    arguments = parser.parse_args()
    folder = arguments.folder.absolute()
    empty(folder)
    prepare(folder)
    # Only now: it imports the modules that have just been generated.
    from demo.performance import perform

    shown = pace.run(perform(folder, arguments.only, arguments.crashes, say))
    print()
    print(shown.table)
    print()
    sagac("ps", "--journal", journal(folder / "runs.db"))
    print()
    if shown.journal is not None:
        say("what the journal says of the transfer that was killed last:")
        sagac("show", shown.run, "--journal", journal(shown.journal))
        print()
    say(shown.verdict)
    return 0 if shown.as_claimed else 1


def empty(folder: Path) -> None:
    """An empty folder, if it is new or was the demo's before."""
    if folder.exists() and any(folder.iterdir()) and not (folder / REPORT).exists():
        sys.exit(f"the demo ends here: {shortest(folder)} is not empty, and not the demo's")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / REPORT).touch()


def prepare(folder: Path) -> None:
    """Check the specs, and generate what runs."""
    say(f"three sagas, {sum(map(len, CAST.values()))} services, and what can go wrong; {SCALE} s pass in one")
    specs = [f"specs/accepted/{saga}" for saga in CAST]
    sagac("check", *specs, brief=folder / REPORT)
    sagac("gen", *specs, "--out", shortest(SAGAS))


def journal(path: Path) -> str:
    """How a journal is named on the command line."""
    return f"sqlite:///{shortest(path)}"


def shortest(path: Path) -> str:
    """A path as a visitor would type it."""
    return (path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).as_posix()


def say(line: str) -> None:
    """A line of progress."""
    print(f"[{time.monotonic() - _BEGUN:5.1f} s] {line}", flush=True)


def sagac(*arguments: str, brief: Path | None = None) -> None:
    """One command as a visitor would type it; a failure ends the demo. With `brief`, details go to that file."""
    print(f"$ sagac {' '.join(arguments)}", flush=True)
    program = Path(sys.executable).with_name("sagac")
    output = None if brief is None else subprocess.PIPE
    ended = subprocess.run([program, *arguments], cwd=ROOT, check=False, text=True, stdout=output)
    if brief is not None:
        brief.write_text(ended.stdout, encoding="utf-8")
        print(ended.stdout if ended.returncode else headlines(ended.stdout, brief), flush=True)
    if ended.returncode:
        sys.exit(f"the demo ends here: sagac {arguments[0]} failed with {ended.returncode}")


def headlines(report: str, whole: Path) -> str:
    """The lines of a report that are not details, and where the details are."""
    lines = [line for line in report.splitlines() if line and not line.startswith(" ")]
    return "\n".join([*lines, f"(what this rests on: {shortest(whole)})"])


if __name__ == "__main__":
    sys.exit(main())

"""Writes a page a code, and their index: `python -m sagac.compiler.codes DIR [--check]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from sagac.compiler import driver, render
from sagac.compiler.codes import CODES, page
from sagac.compiler.codes.catalogue import Code
from sagac.compiler.source import Source

CHECKED_ON = date(2026, 11, 21)
"""The day on which the examples are checked: some of them hold a waiver that has expired by then."""

FAMILIES = {
    "E1": "Texts that are not specs",
    "E2": "Names",
    "E3": "Types and shapes",
    "E4": "Order",
    "E5": "Not in this version",
    "A": "Recovery",
    "B": "Effects on records",
    "C": "Calls whose outcome is unknown",
    "D": "Values",
    "E": "Time and locks",
    "F": "What a saga promises",
    "S": "Scenarios and waivers",
    "W": "Warnings",
    "N": "Notes",
}


def pages() -> Mapping[str, str]:
    """Every generated page, by its file name."""
    written = {f"{code}.md": page(declared, said(declared)) for code, declared in sorted(CODES.items())}
    return written | {"README.md": index()}


def said(code: Code) -> str:
    """What a check says about the example of a code, in this respect."""
    source = Source("example.saga", code.wrong.strip() + "\n")
    checked = driver.check([source], CHECKED_ON)
    return render.text([found for found in checked.diagnostics if found.code == code.code], checked.sources)


def index() -> str:
    """The table of all codes, family by family."""
    codes = sorted(CODES)
    sections = [
        f"## {title}\n\n| code | severity | what it says |\n| --- | --- | --- |\n"
        + "".join(f"| [{code}]({code}.md) | {CODES[code].severity} | {CODES[code].title} |\n" for code in members)
        for title, members in ((title, [code for code in codes if _family(code) == f]) for f, title in FAMILIES.items())
        if members
    ]
    intro = "Every finding carries one of these codes; `sagac explain CODE` shows its page.\n"
    return "\n".join(["# Diagnostics\n", intro, *sections])


def _family(code: str) -> str:
    """`E2` is a proof about time, `E201` a finding about names."""
    return code[:2] if code.startswith("E") and len(code) > 2 else code[0]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which of them are stale."""
    parser = argparse.ArgumentParser(prog="python -m sagac.compiler.codes", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    options = parser.parse_args(arguments)
    wanted = pages()
    stale = _stale(options.folder, wanted)
    for name in stale:
        if options.check:
            print(f"{options.folder / name} is stale; run `make docs`")
        elif name in wanted:
            options.folder.mkdir(parents=True, exist_ok=True)
            (options.folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (options.folder / name).unlink()
    return 1 if options.check and stale else 0


def _stale(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """The pages that are not what they should be, or that no code stands for any more."""
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in present.keys() | wanted.keys() if present.get(name) != wanted.get(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The pages that a newcomer types in: every file they show is written, every command is run, every output compared.

In a page, a fenced block whose info string is `LANGUAGE FILE` writes that file; a `console` block holds commands after
`$ ` and what they print. A line `…` in the output stands for any lines, and `<…>` inside a line for any text.
`make` commands are what other tests run; they are passed over here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/tutorial.md")
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    file: str
    body: str
    line: int


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, file = match["info"].strip().partition(" ")
        found.append(Block(language, file, match["body"], text.count("\n", 0, match.start()) + 1))
    return found


def commands(body: str) -> list[tuple[str, str]]:
    """Each command of a console block with the output shown for it."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def pattern(shown: str) -> re.Pattern[str]:
    """What the shown output stands for."""
    lines = ["(?:.*\n)*?" if line == "…" else any_text(line) + "\n" for line in shown.rstrip("\n").split("\n")]
    return re.compile("".join(lines) if shown.strip() else "")


def any_text(line: str) -> str:
    return ".*?".join(re.escape(part) for part in line.split("<…>"))


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_when_typed_in(page: str, tmp_path: Path) -> None:
    typed = 0
    for block in blocks(page):
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.body, encoding="utf-8")
        if block.language == "console":
            for command, shown in commands(block.body):
                if command.startswith(("make", "git clone", "pip", "cd")):
                    continue
                printed = run(command, tmp_path)
                assert pattern(shown).fullmatch(printed), (
                    f"{page}:{block.line}: `{command}` printed\n{printed}\nnot\n{shown}"
                )
                typed += 1
    assert typed > 0, f"{page} shows no command"

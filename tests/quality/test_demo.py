"""A fast slice of the demo ends as the whole of it must, and leaves nothing running."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from demo.scenarios import CAST
from demo.table import Row, table, verdict

ROOT = Path(__file__).parents[2]
SLICE = ("--only", "A-late", "--only", "B", "--only", "C", "--crashes", "2")


@pytest.mark.slow
def test_a_slice_of_the_demo_ends_as_the_whole_of_it_must(tmp_path: Path) -> None:
    # One test, so that there is one demo: two at once would wait for one another's processors.
    shown = run("-m", "demo", *SLICE, "--folder", str(tmp_path / "run"))
    assert "sagac: 3 of 3 scenarios as required; the naive runner: 0 of 3" in shown
    assert_losses_are_shown(shown)
    assert len(re.findall(r"sagac: kill -9 \d+: ", shown)) == 2, "the runner was not killed"
    assert "resumed by" in shown, "the timeline does not show the recovery"
    processes = subprocess.run(["ps", "-A", "-o", "args"], check=True, capture_output=True, text=True).stdout
    assert str(tmp_path) not in processes, "a process outlived the demo"
    specs = [f"specs/accepted/{saga}" for saga in CAST]
    assert run("-m", "sagac.runtime.cli", "gen", *specs, "--out", "demo/sagas", "--check") == ""


def run(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False, capture_output=True, text=True, timeout=200
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def assert_losses_are_shown(shown: str) -> None:
    rows = shown.partition("scenario ")[2].splitlines()
    text = "\n".join(" ".join(row.split()) for row in rows)
    for line in (
        "payments ✗ GBP 47,500 charged, 0 refunds GBP 0 charged, 0 refunds GBP 0 charged, 0 refunds",
        "trading ✗ account open with GBP 250,000, 1 violation account none, 0 violations account none, 0 violations",
        "sender's bank ✗ GBP 150,000.00, net -100,000.00 GBP 250,000.00, net 0.00 GBP 250,000.00, net 0.00",
        "fx-losses ✗ GBP 0.00 GBP 512.82 GBP 512.82",
    ):
        assert line in text


def test_a_wrong_row_of_sagac_fails_the_demo() -> None:
    right, wrong = {"erp": "order cancelled"}, {"erp": "order open"}
    assert verdict([Row("A", wrong, right, right)])[0]
    assert not verdict([Row("A", wrong, wrong, right)])[0]


def test_a_naive_row_that_is_right_fails_the_demo() -> None:
    right = {"erp": "order cancelled"}
    assert not verdict([Row("A", right, right, right)])[0]


def test_the_table_marks_what_is_wrong() -> None:
    right, wrong = {"erp": "order cancelled"}, {"erp": "order open"}
    line = table([Row("A", wrong, right, right)]).splitlines()[-1]
    assert line.split() == ["A", "erp", "✗", "order", "open", "order", "cancelled", "order", "cancelled"]

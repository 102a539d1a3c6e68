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


@pytest.fixture(scope="module")
def shown() -> str:
    """What the demo prints for one scenario of each saga."""
    ended = subprocess.run(
        [sys.executable, "-m", "demo", *SLICE], cwd=ROOT, check=False, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_sagac_ends_as_required_where_the_naive_runner_does_not(shown: str) -> None:
    assert "sagac: 3 of 3 scenarios as required; the naive runner: 0 of 3" in shown


@pytest.mark.slow
def test_the_table_shows_what_the_naive_runner_lost(shown: str) -> None:
    rows = shown.partition("scenario ")[2].splitlines()
    text = "\n".join(" ".join(row.split()) for row in rows)
    assert "payments ✗ GBP 47,500 charged, 0 refunds GBP 0 charged, 0 refunds GBP 0 charged, 0 refunds" in text
    assert "trading ✗ account open with GBP 250,000, 1 violation account none, 0 violations" in text
    assert "sender's bank ✗ GBP 150,000.00, net -100,000.00 GBP 250,000.00, net 0.00" in text
    assert "fx-losses ✗ GBP 0.00 GBP 512.82 GBP 512.82" in text


@pytest.mark.slow
def test_the_runner_was_really_killed(shown: str) -> None:
    assert len(re.findall(r"sagac: kill -9 \d+ ", shown)) == 2


@pytest.mark.slow
def test_no_service_outlives_the_demo(shown: str) -> None:
    processes = subprocess.run(["ps", "-A", "-o", "args"], check=True, capture_output=True, text=True).stdout
    assert f"--store={ROOT / 'demo' / 'run'}" not in processes


def test_the_generated_sagas_are_what_the_specs_say() -> None:
    specs = [f"specs/accepted/{saga}" for saga in CAST]
    command = [Path(sys.executable).with_name("sagac"), "gen", *specs, "--out", "demo/sagas", "--check"]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")


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

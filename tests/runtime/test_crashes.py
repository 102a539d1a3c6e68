"""Processes are killed after every event, and between every append and every send: the world must not show it (R14)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

DEEPER = int("SAGAC_BRUTE" in os.environ)
"""One more crash in every story: minutes, not seconds."""

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses no page of it, and nothing waits for a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


def stories(folder: Path, saga: str, depth: int, *options: str) -> list[dict[str, Any]]:
    """Every story of a saga with up to `depth` crashes, as `crashes.py` tells them."""
    path = ":".join(str(ROOT / part) for part in (".", "compiler", "runtime", "grammar"))
    told = subprocess.run(
        [sys.executable, "-m", "tests.runtime.crashes", str(folder), saga, str(depth), *options],
        cwd=ROOT,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=3600 if DEEPER else 600,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return [json.loads(line) for line in told.stdout.splitlines()]


def crashed(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stories in which every planned crash happened, and the run had begun before the first."""
    assert all(all(story["killed"]) for story in told)
    return [story for story in told if story["status"]]


def check(told: list[dict[str, Any]], *, points: int, effects: list[str], status: str) -> None:
    first, *_ = told
    assert (first["points"], first["passed"], first["effects"], first["status"]) == ([], points, effects, [status])
    assert {tuple(story["points"]) for story in told if len(story["points"]) == 1} == {
        (n,) for n in range(1, points + 1)
    }
    for story in crashed(told):
        assert (story["effects"], story["status"], story["trouble"]) == (effects, [status], []), story
    for story in told:
        if not story["status"]:  # killed before the first event was durable: then nothing was sent
            assert (story["effects"], story["log"]) == ([], []), story


def test_a_run_that_is_killed_anywhere_completes_all_the_same(folder: Path) -> None:
    told = stories(folder / "s", "forward", 1 + DEEPER)
    check(told, points=16, effects=["a", "b", "c", "d"], status="completed")
    for story in told:
        assert max(Counter(story["log"]).values(), default=0) <= 1 + len(story["points"])


def test_a_rollback_that_is_killed_anywhere_leaves_no_trace(folder: Path) -> None:
    check(stories(folder / "s", "unwinding", 1 + DEEPER), points=25, effects=[], status="compensated")


def test_a_recovery_that_is_killed_anywhere_leaves_no_trace_either(folder: Path) -> None:
    told = stories(folder / "s", "short", 2 + DEEPER)
    check(told, points=21, effects=[], status="compensated")
    twice = [story for story in crashed(told) if len(story["points"]) == 2]
    assert len(twice) > 200
    assert any(story["events"].count("Resumed") == 2 for story in twice)


def test_a_probed_step_that_is_killed_anywhere_is_found_again(folder: Path) -> None:
    told = stories(folder / "s", "probing", 1 + DEEPER)
    check(told, points=13, effects=[], status="compensated")
    assert any("Probed" in story["events"] for story in told)
    assert max(Counter(story["log"])["a"] for story in told) == 1


def test_what_may_be_sent_only_once_is_never_sent_twice(folder: Path) -> None:
    told = stories(folder / "s", "once", 1)
    assert all(all(story["killed"]) for story in told)
    for story in told:
        assert Counter(story["log"])["b"] <= 1, story
        assert story["trouble"] == [], story
    endings = Counter((*story["status"], *story["effects"]) for story in told)
    # Killed between the intent and the answer: a person must say whether `b` happened, and `a` waits for that.
    assert set(endings) == {(), ("compensated",), ("held", "a"), ("held", "a", "b")}
    assert endings["held", "a", "b"] == 2


def test_two_runs_over_one_record_that_are_killed_anywhere_never_meet_there(folder: Path) -> None:
    told = stories(folder / "s", "locked", 1 + DEEPER)
    first, *_ = told
    assert first["passed"] >= 30
    assert first["status"] == ["compensated"] * 2
    assert first["events"].count("Locked") == 2
    for story in crashed(told):
        assert (story["effects"], story["lines"], story["trouble"]) == ([], [], []), story
        assert set(story["status"]) == {"compensated"}, story
    # Killed between the lock and the send, and while it waits in line.
    assert any(("Locked", "Resumed") in pairwise(story["events"]) for story in crashed(told))
    assert any(("Started", "Resumed") in pairwise(story["events"]) for story in crashed(told))


def test_processes_that_contend_for_a_record_never_meet_there_though_one_is_killed(folder: Path) -> None:
    told = stories(folder / "s", "contended", 8 + 22 * DEEPER)
    assert len(told) >= 8
    for story in told:
        assert story["killed"] == [True, False]
        assert (story["effects"], story["lines"], story["trouble"]) == ([], [], []), story
        assert set(story["status"]) == {"compensated"}, story
        assert len(story["status"]) >= 2
        assert story["events"].count("Locked") == len(story["status"])


@pytest.mark.parametrize("saga", ["short", "probing"])
def test_a_log_that_is_torn_as_well_recovers_from_its_last_whole_record(folder: Path, saga: str) -> None:
    whole = {tuple(story["points"]): story for story in stories(folder / "whole", saga, 1)}
    told = stories(folder / "torn", saga, 1, "torn")
    assert any(len(story["events"]) != len(whole[tuple(story["points"])]["events"]) for story in told)
    for story in crashed(told):
        # The torn commit was not acknowledged to anybody who sent anything for it, but for what it had enabled.
        assert story["effects"] == [], story
        assert story["status"] == ["compensated"], story

"""The tests that `sagac gen` writes pass for every accepted saga, over the reference world."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sagac.runtime.cli import main

ROOT = Path(__file__).resolve().parents[2]
SPECS = [
    *sorted((ROOT / "specs" / "accepted").glob("*/*.saga")),
    ROOT / "tests" / "compiler" / "fixtures" / "records.saga",
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_the_generated_suite_passes_over_the_reference_world(spec: Path, tmp_path: Path) -> None:
    assert main(["gen", str(spec), "--out", str(tmp_path)]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "undos done" in done.stdout

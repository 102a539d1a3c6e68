"""The generated sagas that are measured: nothing is wrong with them but what was seeded."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from bench import everything, flaws
from bench.generate import Shape

from sagac.compiler import driver

STEPS = 40


def errors(text: str) -> set[str]:
    """The codes of the errors in a saga."""
    return {
        finding.code
        for finding in driver.check_text(text, date(2026, 11, 21)).diagnostics
        if finding.severity == "error"
    }


@pytest.mark.parametrize("shape", get_args(Shape))
def test_a_generated_saga_is_proved(shape: Shape) -> None:
    assert errors(everything.text(shape, STEPS, seed=1)) == set()


@pytest.mark.parametrize("family", flaws.FLAWS)
def test_a_seeded_defect_is_found_and_nothing_else(family: str) -> None:
    assert errors(everything.text("chain", STEPS, seed=1, defect=family)) == {family}

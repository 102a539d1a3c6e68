"""Generated sagas of every shape: sound ones are proved, and the one defect of the others is found and replayed."""

from __future__ import annotations

from datetime import date
from typing import get_args

import pytest
from bench import generate
from bench.generate import Defect, Shape

from sagac.compiler import driver
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Refuted, Vacuous

STEPS = 60
DEFECTS = tuple(defect for defect in get_args(Defect) if defect)

each_shape = pytest.mark.parametrize("shape", get_args(Shape))


def checked(shape: Shape, seed: int, defect: Defect = "") -> Checked:
    return driver.check_text(generate.text(shape, STEPS, seed, defect), date(2026, 1, 1))


def errors(found: Checked) -> list[str]:
    return [finding.code for finding in found.diagnostics if finding.severity == "error"]


@each_shape
@pytest.mark.parametrize("seed", range(2))
def test_a_sound_saga_is_proved(shape: Shape, seed: int) -> None:
    found = checked(shape, seed)
    assert errors(found) == []
    assert len(found.judgements) > 5 * STEPS


@each_shape
@pytest.mark.parametrize("defect", DEFECTS)
def test_the_only_defect_is_the_only_finding(shape: Shape, defect: Defect) -> None:
    found = checked(shape, 3, defect)
    assert errors(found) == [defect]
    broken = [j for j in found.judgements if isinstance(j.verdict, Refuted | Vacuous) and not is_warning(j.verdict)]
    assert [judgement.claim.family for judgement in broken] == [defect]


def is_warning(verdict: Refuted | Vacuous) -> bool:
    return isinstance(verdict, Vacuous) and bool(verdict.code)


def test_a_seed_is_a_saga() -> None:
    assert generate.text("random", STEPS, 7) == generate.text("random", STEPS, 7)
    assert generate.text("random", STEPS, 7) != generate.text("random", STEPS, 8)

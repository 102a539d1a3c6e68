"""A slice of what `make mutants` tries: no defect of a spec, and none of the checker, goes unnoticed."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from tests.mutants import corpus, judging, noticing
from tests.mutants.corpus import Spec
from tests.mutants.defects import DEFECTS, Defect
from tests.mutants.operators import OPERATORS

SEED = 20261121
MUTANTS_TRIED = 120
DEFECTS_TRIED = 16


@pytest.mark.slow
def test_no_mutant_is_silently_green_but_those_that_mean_the_same() -> None:
    chance = random.Random(SEED)
    every = [(spec, key, mutant) for spec in corpus.specs() for key, mutant in corpus.mutants(spec)]
    told = {spec.name: judging.told(judging.check(spec.text)) for spec in corpus.specs()}
    outcomes = tuple(
        corpus.outcome(spec, told[spec.name], key, mutant) for spec, key, mutant in chance.sample(every, MUTANTS_TRIED)
    )
    assert corpus.unexpected(outcomes) == ()
    assert {"refused", "refuted"} <= {each.kill for each in outcomes}


@pytest.mark.slow
def test_some_spec_notices_each_defect_of_the_checker() -> None:
    chance = random.Random(SEED)
    tried = chance.sample([defect for defect in DEFECTS if not defect.equivalent], DEFECTS_TRIED)
    assert noticing.unexpected(tuple(map(noticing.noticed, tried))) == ()


@pytest.mark.slow
def test_a_spec_without_a_defect_is_as_before() -> None:
    nothing = Defect("nothing", "records", "needed", lambda right: right, "d4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(noticing, "samples", lambda: SOME)
        assert noticing.noticed(nothing).by == ""


SOME = noticing.samples()[:6]


def test_every_operator_finds_something_to_do() -> None:
    counted = Counter(mutant.operator for spec in corpus.specs() for _, mutant in corpus.mutants(spec))
    assert set(counted) == set(OPERATORS) - {"drop `on refusal hold`"}
    assert sum(counted.values()) > 3000


def test_what_is_listed_as_equivalent_is_still_a_mutant() -> None:
    specs = {spec.name: spec for spec in corpus.specs()}
    gone = [key for name, keys in corpus.equivalents().items() for key in keys if key not in keys_of(specs[name])]
    assert gone == []


def keys_of(spec: Spec) -> frozenset[str]:
    return frozenset(key for key, _ in corpus.mutants(spec))

"""Every state of every small plan: no harm in any of them, and exactly as many as ever.

The figures are pinned so that the search cannot quietly look at less. `SAGAC_BRUTE=1` adds a second crash.
"""

from __future__ import annotations

import os

import pytest
from tests.properties.explorer import explore
from tests.properties.plans import CASES

STATES: dict[str, int] = {}
"""With one cancel and one crash."""

ENDS_SEEN = {
    "pivot": {"completed", "compensated", "held"},
    "left in the middle": {"completed", "compensated", "compensated with residue", "held"},
}

STATES_TWO_CRASHES: dict[str, int] = {}


@pytest.mark.parametrize("name", CASES)
def test_no_reachable_state_does_harm(name: str) -> None:
    explored = explore(CASES[name])
    assert not explored.findings
    assert explored.states == STATES[name]


@pytest.mark.parametrize(("name", "ends"), ENDS_SEEN.items())
def test_the_search_sees_every_kind_of_end(name: str, ends: set[str]) -> None:
    assert set(explore(CASES[name], crashes=0).ends) == ends


@pytest.mark.skipif("SAGAC_BRUTE" not in os.environ, reason="a long search, asked for by SAGAC_BRUTE=1")
@pytest.mark.parametrize("name", CASES)
def test_no_state_reachable_with_two_crashes_does_harm(name: str) -> None:
    explored = explore(CASES[name], crashes=2)
    assert not explored.findings
    assert explored.states == STATES_TWO_CRASHES[name]

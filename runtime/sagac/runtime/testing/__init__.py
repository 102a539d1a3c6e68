"""What generated tests use: a reference world, faults on the way to it, and checks after every run."""

from __future__ import annotations

from typing import Any

import pytest

from sagac.runtime.testing.cases import (
    Busy,
    Cancelled,
    Case,
    Crashed,
    Late,
    Refused,
    Repeated,
    Taken,
    Unanswered,
    Values,
)
from sagac.runtime.testing.play import Bind, Played, play, reference
from sagac.runtime.testing.reached import Reached, reporting
from sagac.runtime.testing.strategies import disturbed
from sagac.runtime.testing.world import World

__all__ = [
    "Bind",
    "Busy",
    "Cancelled",
    "Case",
    "Crashed",
    "Late",
    "Played",
    "Reached",
    "Refused",
    "Repeated",
    "Taken",
    "Unanswered",
    "Values",
    "World",
    "bound",
    "check",
    "disturbed",
    "play",
    "reference",
    "reporting",
]


def bound(request: pytest.FixtureRequest) -> Bind:
    """The fixture `bind` where a `conftest.py` has one: the handlers under test; else the reference world."""
    try:
        bind: Bind = request.getfixturevalue("bind")
    except pytest.FixtureLookupError:
        return reference
    return bind


def check(saga: type[Any], case: Case, bind: Bind, reached: Reached) -> None:
    """Play a case, and fail with everything that is wrong with it."""
    __tracebackhide__ = True
    played = play(saga, case, bind)
    reached.add(played)
    if played.findings:
        lines = (f"{saga.__name__}, {case}:", *(f"- {finding}" for finding in played.findings))
        pytest.fail("\n".join(lines), pytrace=False)

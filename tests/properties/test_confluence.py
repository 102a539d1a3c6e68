"""What is proved of effects, against what happens: every run, every order, every other run in between (B1 to B5).

Small random projects are judged by the checker and tried on concrete records. What is proved must never go wrong; what
is refused and yet never goes wrong is counted, and shown.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest
from tests.properties import confluence

from sagac.compiler import actions, records
from sagac.compiler.logic import FALSE, TRUE
from sagac.compiler.obligations import movers

BRUTE = bool(os.environ.get("SAGAC_BRUTE"))
COUNT = 20_000 if BRUTE else 500
STARTS = 6
"""With so many values of the inputs and the records is each project tried."""


def tried(seed: int, *, without: str = "", varied: bool = False) -> tuple[bool, str]:
    """Whether the project of a seed is proved, and what goes wrong in it."""
    case = confluence.drawn(seed, varied=varied)
    proved = confluence.is_proved(case, without=without)
    return proved, confluence.happens(case, random.Random(seed), STARTS if proved else STARTS // 2)


@pytest.mark.parametrize("varied", [False, True], ids=["plain", "varied"])
def test_what_is_proved_never_goes_wrong(varied: bool) -> None:
    found: Counter[tuple[bool, bool]] = Counter()
    wrong: list[str] = []
    for seed in range(COUNT):
        proved, why = tried(seed, varied=varied)
        found[proved, not why] += 1
        if proved and why:
            wrong.append(f"seed {seed}: {why}\n{confluence.drawn(seed, varied=varied).text.partition('saga Mine')[2]}")
    print(
        f"{COUNT} projects: {found[True, True]} proved and fine, {found[False, False]} refused and wrong, "
        f"{found[False, True]} refused though nothing went wrong where it was tried"
    )
    assert not wrong, "\n".join(wrong)
    assert found[True, True] > COUNT // 10, found
    assert found[False, False] > COUNT // 5, found


# --- every part of the checker is needed ---------------------------------------------------------------------------


def blind_to_enabledness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movers, "accepted", lambda came: TRUE)


def blind_to_what_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movers, "told_alike", lambda action, one, other: TRUE)


def blind_to_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movers, "indistinguishable", lambda project, one, other: TRUE)


def blind_to_equal_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "alias", lambda one, two: TRUE if one == two else FALSE)


def sure_that_all_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "is_owned", lambda workshop, writers, action, effect: True)


MUTANTS: tuple[tuple[str | Callable[[pytest.MonkeyPatch], None], int], ...] = (
    ("B1", 1),
    ("B2", 460),
    ("B3", 818),
    ("B4", 8),
    (blind_to_enabledness, 65),
    (blind_to_what_is_returned, 189),
    (blind_to_what_is_left, 517),
    (blind_to_equal_keys, 8),
    (sure_that_all_is_its_own, 215),
)
"""What is left out of the checker, and the seed of a project that it then proves although it goes wrong."""


@pytest.mark.parametrize(("mutant", "seed"), MUTANTS, ids=lambda given: getattr(given, "__name__", str(given)))
def test_without_any_part_of_the_checker_something_wrong_is_proved(
    mutant: str | Callable[[pytest.MonkeyPatch], None], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    proved, why = tried(seed)
    assert why, "the project goes wrong"
    assert not proved
    if not isinstance(mutant, str):
        mutant(monkeypatch)
    assert tried(seed, without=mutant if isinstance(mutant, str) else "")[0]


# --- what was once proved and goes wrong ----------------------------------------------------------------------------

WRONG: dict[str, tuple[str, str]] = {
    "what a step needs that declares no failure is taken away": (
        """
  step t0 { do s.publish(k)  left because "open" }
  step t1 after t0 { do s.visit(k)  left because "a visit" }
""",
        """
  step t0 { do s.seal(k)  left because "over" }
""",
    ),
    "of two steps that do the same under one condition, the condition speaks of the record of one": (
        """
  step t0 { when k != 1 else fail Shut do s.ask(k) left because "asked" }
  step t1 after t0 { do s.note(k, q)  compensate s.unnote(k, q) }
  step t2 after t1 { do s.ask(k)  left because "asked" }
""",
        """
  step gate { when k == 1 else fail Shut do s.ask(k) left because "asked" }
  step t0 after gate { do s.write(k, q)  left because "ink" }
  step t1 after gate, t0 { do s.write(j, q)  left because "ink" }
""",
    ),
    "the run's own record is one that another run names": (
        """
  step t0 { do s.publish(id)  left because "open" }
  step t1 after t0 { do s.visit(id)  left because "a visit" }
  step t2 after t1 { do s.seal(k)  left because "over" }
""",
        "",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_goes_wrong_is_not_proved(name: str) -> None:
    mine, theirs = WRONG[name]
    sagas = [("Mine", mine), *([("Other", theirs)] if theirs else [])]
    written = (f"saga {each} version 1 {{\n{confluence.INPUT}{steps}}}\n" for each, steps in sagas)
    case = confluence.read("\n".join((confluence.SERVICE, *written)))
    assert confluence.happens(case, random.Random(1), 60), "the project goes wrong"
    assert not confluence.is_proved(case)

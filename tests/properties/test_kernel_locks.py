"""Two runs that lock the same records: every state of both, no harm in any, and each part of the rule needed (R16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace
from tests.properties import pairs
from tests.properties.pairs import Paired, explore
from tests.properties.plans import FOREVER, ONCE, Case, plan, step, undo
from tests.properties.world import Violation

from sagac.runtime import locking, settling
from sagac.runtime.plan import Step
from sagac.runtime.run import Action, Run


def locked(name: str, *after: str, locks: tuple[str, ...] = (), **facts: Any) -> Step:
    return step(name, after, locks=locks, **({"schedule": ONCE} | facts))


HELD: Final = (undo("l", schedule=ONCE, fails=True),)

CASES: Final[dict[str, tuple[Case, Case]]] = {
    "one record": (
        Case(plan(locked("l", locks=("x",)), locked("b", "l", fails=True))),
        Case(plan(locked("l", locks=("x",)), locked("b", "l", fails=True))),
    ),
    "sent again": (
        Case(plan(step("l", locks=("x",)), locked("b", "l", fails=True))),
        Case(plan(locked("l", locks=("x",)))),
    ),
    "an undo that may be held": (
        Case(plan(locked("l", locks=("x",), undos=HELD), locked("b", "l", fails=True))),
        Case(plan(locked("l", locks=("x",)))),
    ),
    "an intent": (
        Case(plan(locked("l", locks=("x",), idempotent=False, intent=True))),
        Case(plan(locked("l", locks=("x",), idempotent=False, intent=True))),
    ),
    "a pivot": (
        Case(plan(locked("p", locks=("x",), schedule=FOREVER, pivot=True, remains="irreversible"))),
        Case(plan(locked("l", locks=("x",)), locked("b", "l", fails=True))),
    ),
    "two records in one order": (
        Case(plan(locked("l", locks=("x",)), locked("m", "l", locks=("y",)))),
        Case(plan(locked("l", locks=("x", "y")), locked("m", "l", locks=("y",)))),
    ),
    "two records beside each other": (
        Case(plan(locked("l", locks=("x",)), locked("m", locks=("x", "y")))),
        Case(plan(locked("m", locks=("y",)))),
    ),
}

STATES: Final = {
    "one record": 11_805,
    "sent again": 10_214,
    "an undo that may be held": 2_172,
    "an intent": 396,
    "a pivot": 4_740,
    "two records in one order": 5_808,
    "two records beside each other": 10_064,
}
"""With a cancel of each run and a crash of the first one's owner."""

OPPOSITE: Final = (
    Case(plan(locked("l", locks=("x",)), locked("m", "l", locks=("y",)))),
    Case(plan(locked("l", locks=("y",)), locked("m", "l", locks=("x",)))),
)


@pytest.mark.parametrize("name", CASES)
def test_no_two_runs_are_between_a_lock_and_their_ends(name: str) -> None:
    paired = explore(*CASES[name], crashes=1)
    assert not paired.findings
    assert paired.states == STATES[name]
    assert paired.both


@pytest.mark.parametrize("name", CASES)
def test_runs_that_lock_in_one_order_need_no_time_limit(name: str) -> None:
    assert not explore(*CASES[name], expiring=False).findings
    assert not explore(*CASES[name], expiring=False, cancels=0).findings


def test_runs_that_lock_in_opposite_orders_wait_for_each_other_until_their_time_is_over() -> None:
    assert list(explore(*OPPOSITE, expiring=False, cancels=0).findings) == ["each run waits for the other"]
    assert not explore(*OPPOSITE, cancels=0).findings


_turned = settling.turned


def still_waiting(step: Step, action: Action) -> Action:
    """A turn that leaves a step in its line."""
    return action if action.state == "locking" else _turned(step, action)


def given_back_on_turning(run: Run) -> bool:
    """A run that gives its locks back before its undos."""
    return run.mode != "running"


def taken_for_done(action: Action, event: object) -> Action:
    """A lock that was not got, and is not waited for."""
    return replace(action, state="intended")


@pytest.mark.parametrize(
    ("module", "name", "instead", "case", "harm", "last"),
    [
        (locking, "is_needed", lambda step: False, "one record", "l is sent without its lock", ""),
        (locking, "expired", taken_for_done, "one record", "l is sent without its lock", "l is intended"),
        (
            pairs,
            "gives_back",
            given_back_on_turning,
            "one record",
            "both runs are between the lock x and their ends",
            "1: l is locked",
        ),
        (settling, "turned", still_waiting, "two records beside each other", "an undo overlaps a forward call", ""),
    ],
    ids=["a step waits for its lock", "a lock not got is no lock", "a lock is kept to the end", "a turn ends the wait"],
)
def test_without_the_rule_the_search_finds_harm(
    module: Any,
    name: str,
    instead: Callable[..., object],
    case: str,
    harm: str,
    last: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, name, instead)
    found = harmed(case)
    assert list(found.findings) == [harm]
    assert last in found.findings[harm][-1]


def harmed(case: str) -> Paired:
    """What is found of runs that may be harmed before they are looked at for the first time."""
    try:
        return explore(*CASES[case])
    except Violation as violation:
        return Paired(findings={violation.what: (violation.label,)})

"""Plans that nobody thought of: any three steps of any kind in any order, explored like the others."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.properties.explorer import explore
from tests.properties.plans import FLAG, ONCE, TWICE, Case, plan, step, undo

from sagac.runtime.plan import Schedule, Step

BRUTE: Final = "SAGAC_BRUTE" in os.environ

Kind = Callable[[str, tuple[str, ...], Schedule], Step]

KINDS: Final[dict[str, Kind]] = {
    "idempotent": lambda name, after, schedule: step(name, after, schedule=schedule),
    "refusing": lambda name, after, schedule: step(name, after, schedule=schedule, fails=True),
    "query": lambda name, after, schedule: step(name, after, schedule=schedule, query=True, fails=True),
    "probed": lambda name, after, schedule: step(name, after, schedule=schedule, idempotent=False, probed=True),
    "revoked": lambda name, after, schedule: step(
        name, after, schedule=schedule, doubt="revoke", undos=(undo(name, revokes=True),)
    ),
    "bare": lambda name, after, schedule: step(name, after, idempotent=False, intent=True, fails=True),
    "locked": lambda name, after, schedule: step(name, after, schedule=schedule, locks=("x",)),
    "repeatable": lambda name, after, schedule: step(name, after, schedule=schedule, by_effect=True),
    "left": lambda name, after, schedule: step(name, after, schedule=schedule, remains="left"),
    "guarded": lambda name, after, schedule: step(name, after, schedule=schedule, guard=FLAG),
    "undo refused": lambda name, after, schedule: step(name, after, schedule=schedule, undos=(undo(name, fails=True),)),
    "undo once": lambda name, after, schedule: step(
        name, after, schedule=schedule, undos=(undo(name, idempotent=False, schedule=ONCE),)
    ),
}


@some.composite
def cases(draw: some.DrawFn) -> Case:
    """Three steps, each of some kind, after some of those before it."""
    names = ("a", "b", "c")
    steps = []
    for i, name in enumerate(names):
        after = tuple(other for other in names[:i] if draw(some.booleans()))
        schedule = draw(some.sampled_from((ONCE, TWICE) if i else (ONCE,)))
        steps.append(KINDS[draw(some.sampled_from(sorted(KINDS)))](name, after, schedule))
    flag = draw(some.booleans())
    transient = frozenset(name for name in names if draw(some.integers(0, 3)) == 0)
    return Case(plan(*steps, in_order=draw(some.booleans())), inputs=({"flag": flag},), transient=transient)


@settings(
    max_examples=60 if BRUTE else 12,
    deadline=None,
    derandomize=not BRUTE,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(cases())
def test_no_plan_of_three_steps_reaches_harm(case: Case) -> None:
    assert not explore(case, crashes=1 if BRUTE else 0, first_only=True).findings

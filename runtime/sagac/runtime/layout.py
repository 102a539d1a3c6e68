"""The layout: a plan's names as positions, so that nothing is looked up twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from sagac.runtime.plan import Plan
from sagac.runtime.positions import Positions, gathered

LAYOUTS_MAX: Final = 64
"""How many plans are kept laid out."""


class Layout(msgspec.Struct, frozen=True):
    """For each step by its position: what it waits for, and what waits for it."""

    position: Mapping[str, int]
    after: tuple[Positions, ...]
    followers: tuple[tuple[int, ...], ...]
    """The steps that stand after each, in the plan's order."""
    undo_after: tuple[Positions, ...]
    undo_followers: tuple[tuple[int, ...], ...]
    """The steps whose undo waits for each."""
    locking: Positions = 0
    """The steps that take locks."""


NOWHERE: Final = Layout({}, (), (), (), ())
"""The layout of a run that is only told of."""

_layouts: dict[int, tuple[Plan, Layout]] = {}


def lay_out(plan: Plan) -> Layout:
    """The plan's layout, made once for each plan that is in use."""
    known = _layouts.get(id(plan))  # no other plan can have the number while this one is kept
    if known is None:
        if len(_layouts) >= LAYOUTS_MAX:
            _layouts.clear()
        known = _layouts[id(plan)] = plan, laid_out(plan)
    return known[1]


def laid_out(plan: Plan) -> Layout:
    """The plan's names as positions; `after` points back and `undo_after` forward in the plan's order."""
    position = {step.name: i for i, step in enumerate(plan.steps)}
    after = tuple(tuple(position[name] for name in step.after) for step in plan.steps)
    undo_after = tuple(tuple(position[name] for name in step.undo_after) for step in plan.steps)
    assert all(j < i for i, before in enumerate(after) for j in before), "a step stands before one that it follows"
    assert all(j > i for i, later in enumerate(undo_after) for j in later), "an undo waits for an earlier step's"
    return Layout(
        position,
        tuple(map(gathered, after)),
        turned_around(after),
        tuple(map(gathered, undo_after)),
        turned_around(undo_after),
        gathered(i for i, step in enumerate(plan.steps) if step.locks),
    )


def turned_around(pointing: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """For each position, those that point to it."""
    found: list[list[int]] = [[] for _ in pointing]
    for i, targets in enumerate(pointing):
        for j in targets:
            found[j].append(i)
    return tuple(map(tuple, found))

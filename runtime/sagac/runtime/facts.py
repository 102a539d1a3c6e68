"""Facts: what expressions may read of a run, looked up only when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sagac.runtime.plan import Wire
from sagac.runtime.run import Run

FACTS: Final[Mapping[str, str]] = {"succeeded": "done", "skipped": "skipped"}
"""What an expression can say of a step, by the state of its do."""


class Results(Mapping[str, Wire]):
    """The results of a run by step; a step whose result never came back is missing."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getitem__(self, step: str) -> Wire:
        action = self._run.actions[self._run.layout.position[step]]
        if not action.has_result:
            raise KeyError(step)
        return action.result

    def __iter__(self) -> Iterator[str]:
        steps = zip(self._run.plan.steps, self._run.actions, strict=True)
        return (step.name for step, action in steps if action.has_result)

    def __len__(self) -> int:
        return sum(action.has_result for action in self._run.actions)


class Statuses(Mapping[str, str]):
    """Which steps of a run are done, and which are skipped."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getitem__(self, step: str) -> str:
        return FACTS[self._run.actions[self._run.layout.position[step]].state]

    def __iter__(self) -> Iterator[str]:
        steps = zip(self._run.plan.steps, self._run.actions, strict=True)
        return (step.name for step, action in steps if action.state in FACTS)

    def __len__(self) -> int:
        return sum(action.state in FACTS for action in self._run.actions)

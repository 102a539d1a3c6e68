"""What the plays of a test module reached: steps, undos, faults and ends, told when the module is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from sagac.runtime.plan import Plan
from sagac.runtime.testing.play import Played, status


@dataclass(slots=True)
class Reached:
    """Counts of what happened in the plays of one module."""

    plans: dict[str, Plan] = field(default_factory=dict)
    runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: dict[str, set[str]] = field(default_factory=dict)
    undone: dict[str, set[str]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    states: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    """The services of the steps that were sent and have effects."""
    observed: set[str] = field(default_factory=set)
    """The services whose effects could be told in any play."""

    def add(self, played: Played) -> None:
        """Count one play."""
        plan = played.run.plan
        self.plans[plan.saga] = plan
        self.runs[plan.saga, status(played)] += 1
        done, undone = self.done.setdefault(plan.saga, set()), self.undone.setdefault(plan.saga, set())
        for step, action in zip(plan.steps, played.run.actions, strict=True):
            done |= {step.name} if action.state == "succeeded" else set()
            undone |= {step.name} if action.undo == "undone" else set()
            self.states |= {action.state, f"undo {action.undo}"} - {"undo none"}
        sent = {line.step for line in played.wire.log if line.passage == "sent"}
        self.called |= {step.call.service for step in plan.steps if step.name in sent and not step.query}
        self.observed |= played.observed
        self.faults.update(type(fault).__name__.lower() for fault in played.wire.fired)

    def lines(self) -> Iterator[str]:
        """The report."""
        for saga, plan in sorted(self.plans.items()):
            undoable = [step.name for step in plan.steps if step.undos]
            ends = [f"{count} {end}" for (name, end), count in sorted(self.runs.items()) if name == saga]
            yield f"{saga}: {', '.join(ends)}"
            yield f"  steps done: {share([step.name for step in plan.steps], self.done[saga])}"
            yield f"  undos done: {share(undoable, self.undone[saga])}"
        yield f"  faults: {', '.join(f'{name} {count}' for name, count in sorted(self.faults.items())) or 'none'}"
        if self.called - self.observed:
            names = ", ".join(sorted(self.called - self.observed))
            yield f"  not observed: {names}: whether their effects stand was not checked (`world.observe`)"
        yield f"  states: {', '.join(sorted(self.states))}"


def share(all_names: list[str], reached: set[str]) -> str:
    """How many were reached, and which were not."""
    missing = [name for name in all_names if name not in reached]
    told = f"{len(all_names) - len(missing)} of {len(all_names)}"
    return f"{told}, not {', '.join(missing)}" if missing else told


@contextmanager
def reporting(config: pytest.Config) -> Iterator[Reached]:
    """Count what is reached, and print it past pytest's capture when all is done."""
    reached = Reached()
    yield reached
    capture = config.pluginmanager.getplugin("capturemanager")
    if reached.plans and capture is not None:
        with capture.global_and_fixture_disabled():
            print()
            print("\n".join(reached.lines()))

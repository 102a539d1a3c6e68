"""A run ends: on every transition that the exploration of small plans sees, the rank of A4 falls, as its moves say."""

from __future__ import annotations

from typing import Final

import pytest
from tests.properties import explorer
from tests.properties.machine import Machine
from tests.properties.plans import CASES, Case

from sagac.compiler import logic
from sagac.compiler.obligations.progress import MOVES, NATURAL, RANK, descends
from sagac.runtime.events import Event, Resumed
from sagac.runtime.plan import Schedule, Step, Wire
from sagac.runtime.run import Action, Run
from sagac.runtime.settling import PROBES

MODES: Final = {"running": 2, "unwinding": 1}

DO_LIFE: Final = {"pending": 4, "locking": 3, "intended": 2, "sent": 1, "paused": 1, "lapsing": 1, "probing": 1}

UNDO_LIFE: Final = {"none": 2, "sent": 1, "paused": 1}

STAGES: Final = 8
"""What one attempt can come to: it is sent, its doubt lapses, it is probed four times, the next one is paused for."""

EXPLORED: Final = (
    "chain of two",
    "diamond",
    "guard that fails",
    "pivot",
    "pivot with an intent",
    "idempotent and probed",
    "probed",
    "transient on a non-idempotent",
    "guarded compensations",
    "rollback in order",
    "deadline",
    "window",
)


def rank(run: Run) -> dict[str, int]:
    """The numbers of the rank of a run."""
    pairs = tuple(zip(run.plan.steps, run.actions, strict=True))
    return {
        "mode": MODES.get(run.mode, 0),
        "life": sum(DO_LIFE.get(action.state, 0) + UNDO_LIFE.get(action.undo, 0) for _, action in pairs),
        "budget": sum(do_budget(step, action) + undo_budget(step, action) for step, action in pairs),
        "alarms": 2 - len(run.alarms),
    }


def do_budget(step: Step, action: Action) -> int:
    """How many attempts, and what is left of the present one; of `retry forever` this says nothing."""
    stage = {"sent": 7, "lapsing": 6, "probing": 6 - action.probes, "paused": 1}.get(action.state)
    return 0 if stage is None else STAGES * left(step.schedule, action.attempt) + stage


def undo_budget(step: Step, action: Action) -> int:
    stage = {"sent": 1, "paused": 0}.get(action.undo)
    return 0 if stage is None else 2 * left(step.undos[action.undo_index].schedule, action.undo_attempt) + stage


def left(schedule: Schedule, attempt: int) -> int:
    return 0 if schedule.retries is None else schedule.retries + 1 - attempt


class Watched(Machine):
    """A machine that remembers which run followed which."""

    def __init__(self, case: Case, given: dict[str, Wire]) -> None:
        self.followed: set[tuple[int, int]] = set()
        super().__init__(case, given)

    def apply(self, run: int, event: Event) -> int:
        """The run after the event, which is remembered unless it is a takeover: those are bounded from outside."""
        after = super().apply(run, event)
        if not isinstance(event, Resumed):
            self.followed.add((run, after))
        return after


def transitions(name: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Run, Run]]:
    """Every transition of the kernel that the exploration of a plan sees, but for those that change nothing."""
    machines: list[Watched] = []

    def watched(case: Case, given: dict[str, Wire]) -> Watched:
        machines.append(Watched(case, given))
        return machines[-1]

    monkeypatch.setattr(explorer, "Machine", watched)
    assert not explorer.explore(CASES[name], crashes=1, cancels=1).findings
    pairs = ((machine.runs[one], machine.runs[two]) for machine in machines for one, two in sorted(machine.followed))
    return [(before, after) for before, after in pairs if not same_but_count(before, after)]


def same_but_count(before: Run, after: Run) -> bool:
    """An event that means nothing is only counted."""
    return (before.actions, before.mode, before.alarms) == (after.actions, after.mode, after.alarms)


def is_licensed(before: Run, after: Run) -> bool:
    """All that has changed is an attempt of `retry forever`: the one wait that nothing but an answer ends."""
    changed = [at for at, (one, two) in enumerate(zip(before.actions, after.actions, strict=True)) if one != two]
    active = ("sent", "paused")
    return before.mode == after.mode and all(
        before.plan.steps[at].schedule.retries is None
        and before.actions[at].state in active
        and after.actions[at].state in active
        for at in changed
    )


@pytest.mark.parametrize("name", EXPLORED)
def test_the_rank_falls_with_every_event(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = set()
    for before, after in transitions(name, monkeypatch):
        if is_licensed(before, after):
            continue
        values = numbers(before, after)
        ways = [words for words, move in MOVES if logic.evaluate(logic.both(NATURAL, move), values)]
        assert ways, (before, after, values)
        assert logic.evaluate(descends(RANK), values)
        moved.update(ways)
    assert len(moved) >= 2


def numbers(before: Run, after: Run) -> dict[str, logic.Value]:
    found: dict[str, logic.Value] = dict(rank(before))
    return found | {f"{name}'": value for name, value in rank(after).items()}


def test_attempts_before_undos_is_no_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = descends(("mode", "budget", "life", "alarms"))
    assert not all(logic.evaluate(wrong, numbers(*pair)) for pair in transitions("chain of two", monkeypatch))


def test_a_probe_has_as_many_attempts_as_the_rank_counts() -> None:
    assert PROBES.retries == 3

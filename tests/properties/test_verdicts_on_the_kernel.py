"""What the solver says of a saga and what the kernel can do with it agree, on many small sagas that nobody chose.

Two independent ways to the same answer: the proofs speak of values and order ideals, the search here plays every answer
that services can give, in every order, with a cancel at every moment, and looks at how each run ends.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

import msgspec
import pytest

from sagac.compiler import driver, replay, timeline, values
from sagac.compiler.driver import Checked
from sagac.compiler.model import Saga
from sagac.compiler.timeline import Moment
from sagac.compiler.values import Choice
from sagac.compiler.verdicts import Assumed, Judgement, Proved, Refuted, Undecided, Vacuous
from sagac.runtime import kernel
from sagac.runtime.commands import Command, Send
from sagac.runtime.events import Cancelled, Event, Outcome
from sagac.runtime.expressions import Unavailable
from sagac.runtime.plan import Plan, Step
from sagac.runtime.run import Action, Run

TODAY = date(2026, 11, 21)
SEEDS = range(1_500 if os.environ.get("SAGAC_BRUTE") else 60)
STATES_MAX = 100_000

SERVICE = """
service desk {
  command go(k: uuid) -> { n: int  ok: bool }
    idempotent
    fails No
    lands within 1m
    probe find(k)
  command back(k: uuid, n: int)
    idempotent
  command once(k: uuid, n: int)
  command revoke(k: uuid, n: int)
    idempotent
    revokes go
  command sure(k: uuid) -> { n: int  ok: bool }
    idempotent
  command unsure(k: uuid)
    idempotent
    revokes sure
  query find(k: uuid) -> { n: int  ok: bool }?
  query look(k: uuid) -> { n: int  ok: bool }
}
"""

# --- sagas that nobody chose ---------------------------------------------------------------------------------------


def spec(random: Random) -> str:
    """A saga of two to five steps, mostly sound."""
    size = random.randint(2, 5)
    pivot = random.choice([None, *range(size)])
    guards: dict[str, str] = {}
    steps = "".join(step(random, number, pivot, guards) for number in range(size))
    order = "  rollback in order\n" if random.random() < 0.2 else ""
    head = "  key k\n  input { k: uuid  x: int where x > 0  b: bool }\n"
    return f"{SERVICE}\nsaga Small version 1 {{\n{head}{order}{steps}}}\n"


def step(random: Random, number: int, pivot: int | None, guards: dict[str, str]) -> str:
    name, earlier = f"a{number}", [f"a{before}" for before in range(number)]
    is_late = pivot is not None and number > pivot
    before = [one for one in earlier if random.random() < 0.5]
    if number == pivot and random.random() < 0.85:
        before = earlier
    if is_late and f"a{pivot}" not in before and random.random() < 0.85:
        before.append(f"a{pivot}")
    guard = guarded(random, name, before, guards, may_fail=not is_late) if random.random() < 0.4 else ""
    command = "sure" if is_late and random.random() < 0.9 else random.choice(["go", "go", "sure", "look"])
    lines = [
        f"  {'pivot ' if number == pivot else ''}step {name}{' after ' + ', '.join(before) if before else ''} {{",
        guard,
        f"    do desk.{command}(k)",
        undo(random, name, command, before, guards, is_pivot=number == pivot, is_late=is_late),
        "    retry forever" if (number == pivot or is_late) and random.random() < 0.9 else "",
        "    on unknown hold" if random.random() < 0.08 else "",
        "  }",
    ]
    return "".join(f"{line}\n" for line in lines if line)


def guarded(random: Random, name: str, before: list[str], guards: dict[str, str], *, may_fail: bool) -> str:
    readable = [f"{one}.n > 3" for one in before if one not in guards]
    alike = [guards[one] for one in before if one in guards]
    guard = random.choice(["x > 5", "b", "x > 5 and b", *readable, *alike, *(f"{one}.done" for one in before)])
    if may_fail and random.random() < 0.3:
        return f"    when {guard} else fail Bad"
    guards[name] = guard
    return f"    when {guard}"


def undo(
    random: Random, name: str, command: str, before: list[str], guards: dict[str, str], *, is_pivot: bool, is_late: bool
) -> str:
    kind = random.random()
    if command == "look" or (is_late and not is_pivot):
        return ""
    if is_pivot and kind < 0.8:
        return '    irreversible because "it is gone"'
    if kind < 0.1:
        return '    left because "it is small"'
    if kind < 0.2 and before:
        return f'    undone by {random.choice(before)} because "it goes with it"'
    if command == "sure":
        return answered_or_not(random, name, "desk.unsure(k)")
    way = random.choice(["back", "back", "back", "once", "revoke", "revoke", "revoke"])
    reads = ["x", *(f"{one}.n" for one in before if one not in guards or guards.get(name) == guards[one])]
    argument = random.choice([*reads, f"{name}.n"] if way != "revoke" else reads)
    if random.random() < 0.7:
        return f"    compensate desk.{way}(k, {argument})"
    if random.random() < 0.3:
        return answered_or_not(random, name, f"desk.{way}(k, {argument})", f"desk.{way}(k, {random.choice(reads)})")
    guard = random.choice(["x > 5", "b", f"{name}.ok"] if way != "revoke" else ["x > 5", "b"])
    return f"    compensate desk.{way}(k, {argument}) when {guard}\n    compensate desk.{way}(k, x) when not ({guard})"


def answered_or_not(random: Random, name: str, one: str, two: str = "") -> str:
    """Undos that ask whether their own step was answered: a step in doubt is neither done nor skipped."""
    done = f"{name}.done"
    guard = random.choice(["", done, done, f"not {name}.skipped", f"{done} or x > 5", f"{done} and b"])
    if not guard:
        return f"    compensate {one}"
    if random.random() < 0.4:
        return f"    compensate {one} when {guard}"
    return f"    compensate {one} when {guard}\n    compensate {two or one} when not ({guard})"


# --- every run of the kernel ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A state on the way."""

    run: Run
    event: Event
    is_cancelled: bool
    before: Node | None


def bad_end(checked: Checked) -> tuple[str, Node] | None:
    """How the saga goes wrong, with the run that does; nothing where every run ends well."""
    (saga,) = checked.project.sagas
    plan = impatient(checked.plans[saga.full_name])
    for choice in values.choices(saga, plan, checked.project.types, {}):
        for is_present in (True, False):
            for node in ends(plan, choice, is_present=is_present):
                fault = wrong(saga, node.run)
                if fault:
                    return fault, node
    return None


def impatient(plan: Plan) -> Plan:
    """The plan with a single attempt where there are a few: what more of them come to is no different."""
    return msgspec.structs.replace(plan, steps=tuple(once(step) for step in plan.steps))


def once(step: Step) -> Step:
    if step.schedule.retries is None:
        return step
    return msgspec.structs.replace(step, schedule=msgspec.structs.replace(step.schedule, retries=0))


def ends(plan: Plan, choice: Choice, *, is_present: bool) -> Iterator[Node]:
    """Every state in which nothing but a person is outstanding."""
    start = replay.begun(plan, choice.input)[0]
    waiting, known = [Node(start.run, start.event, False, None)], set()
    while waiting:
        node = waiting.pop()
        marks = tuple(timeless(action, in_order=plan.rollback_in_order) for action in node.run.actions)
        mark = (marks, node.run.mode, node.run.committed, node.is_cancelled)
        if mark in known:
            continue
        known.add(mark)
        assert len(known) < STATES_MAX
        wanted = [each for each in kernel.decide(node.run, node.event.at) if not replay.is_limit(each)]
        if not wanted:
            yield node
            continue
        events = [event for command in wanted for event in answers(node, command, choice, is_present=is_present)]
        waiting.extend(Node(kernel.apply(node.run, event), event, node.is_cancelled, node) for event in events)
        if not node.is_cancelled:
            cancel = Cancelled(node.event.at)
            waiting.append(Node(kernel.apply(node.run, cancel), cancel, True, node))


def timeless(action: Action, *, in_order: bool) -> tuple[object, ...]:
    """What decides the rest of a run in which nothing passes but answers."""
    forward = (action.state, min(action.attempt, 2), action.unanswered, action.probes, action.failure)
    return (*forward, action.finished if in_order else 0, action.undo, action.undo_index)


def answers(node: Node, command: Command, choice: Choice, *, is_present: bool) -> Iterator[Event]:
    """Whatever a command can lead to."""
    outcomes: list[Outcome] = ["succeeded"]
    if isinstance(command, Send):
        planned = node.run.plan.steps[node.run.layout.position[command.step]]
        if command.direction == "do":
            outcomes = list(possible(planned, command.attempt))
        elif not planned.undos[replay.state(node.run, command.step).undo_index].idempotent:
            outcomes = ["succeeded", "unknown"]
    for outcome in outcomes:
        yield replay.reaction(
            node.run, node.event.at, command, lambda *_, it=outcome: it, choice.results, present=is_present
        )


def possible(step: Step, attempt: int) -> Iterator[Outcome]:
    """What an attempt of a do can come to; one that is made for ever is answered at the second."""
    yield "succeeded"
    if step.fails:
        yield "refused"
    if step.schedule.retries is not None or attempt == 1:
        yield "transient"
        yield "unknown"


def wrong(saga: Saga, run: Run) -> str:
    """What is wrong with how a run ends; empty where nothing is."""
    status = kernel.status(run)
    if status == "held":
        said = [step.name for step in saga.steps if step.holds_unknown and in_doubt(run, step.name)]
        return "" if said else f"held: {kernel.held(run)}"
    if status == "completed":
        try:
            kernel.output(run)
        except Unavailable as missing:
            return str(missing)
        return ""
    if not status.startswith("compensated"):
        return status
    return next((f"`{name}` stands" for name in kernel.standing(run) if not may_stand(run, name)), "")


def in_doubt(run: Run, name: str) -> bool:
    """Whether a person must say whether the step took effect, or its undo."""
    action = replay.state(run, name)
    return (action.state == "held" and action.unanswered) or (action.undo == "held" and action.undo_attempt > 0)


def may_stand(run: Run, name: str) -> bool:
    """Whether the author said that the effect may stay, or that another undo took it back."""
    step = run.plan.steps[run.layout.position[name]]
    if step.remains == "undone by":
        return replay.state(run, step.undone_by).undo == "undone"
    return step.remains == "left"


def story(node: Node) -> str:
    way: list[Moment] = []
    at: Node | None = node
    while at is not None:
        way.append(Moment(at.event, at.run))
        at = at.before
    return "\n".join(timeline.tell(way[::-1]))


# --- they agree ----------------------------------------------------------------------------------------------------


def judged(seed: int) -> tuple[str, Checked]:
    text = spec(Random(seed))
    return text, driver.check_text(text, TODAY, f"seed{seed}.saga")


def is_shown(judgement: Judgement) -> bool:
    verdict = judgement.verdict
    return isinstance(verdict, Proved | Assumed) or (isinstance(verdict, Vacuous) and bool(verdict.code))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_solver_and_the_kernel_agree(seed: int) -> None:
    text, checked = judged(seed)
    if not checked.judgements:
        return  # refused before anything was judged; `test_the_sagas_are_of_both_kinds` counts the rest
    verdicts = {type(judgement.verdict) for judgement in checked.judgements}
    assert Undecided not in verdicts or Refuted in verdicts, text
    found = bad_end(checked)
    if all(is_shown(judgement) for judgement in checked.judgements):
        assert found is None, f"proved, but {found[0]}\n{story(found[1])}\n{text}"
    elif Refuted in verdicts:
        assert found is not None, f"refuted, but every run ends well\n{text}"


def test_the_sagas_are_of_both_kinds() -> None:
    proved = refuted = 0
    for seed in range(60):
        judgements = judged(seed)[1].judgements
        proved += bool(judgements) and all(is_shown(judgement) for judgement in judgements)
        refuted += any(isinstance(judgement.verdict, Refuted) for judgement in judgements)
    assert proved >= 20
    assert refuted >= 5

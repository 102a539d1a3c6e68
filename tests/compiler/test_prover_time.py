"""Proofs about time: sums over the graph agree with every state that a run can turn in, and with the kernel's clock."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace
from tests.compiler.judging import Judged, judged

from sagac.compiler import durations
from sagac.compiler.durations import FOREVER, spelled
from sagac.compiler.graph import Graph, numbers
from sagac.compiler.obligations import conditions, hold_time, paths, retention, turns, windows
from sagac.compiler.obligations import worst as worst_of
from sagac.compiler.obligations.obligation import Never
from sagac.compiler.obligations.worst import Worst
from sagac.compiler.verdicts import Critical, Proved
from sagac.runtime import kernel
from sagac.runtime.commands import Append, Ask, Await, Send, Wake
from sagac.runtime.events import Answered, Cancelled, Event, Lapsed, Probed, Started
from sagac.runtime.plan import Call, Plan, Schedule, Step, Undo
from sagac.runtime.run import Action, Run

SEEDS: Final = 60

HEAD: Final = "key id  input { id: uuid }"

SERVICE: Final = """
service s {
  owner "tests"
  resource R[id: uuid] { states none*, held, sold  done sold }
  command plain(id: uuid)
    idempotent
  command may(id: uuid)
    idempotent
    fails No
  command asked(id: uuid)
    lands within 7s
    probe find(id)
  command undo(id: uuid)
    idempotent
  command revoke(id: uuid)
    idempotent
    revokes may
  command revoke_plain(id: uuid)
    idempotent
    revokes plain
  command take(id: uuid)
    changes R[id] none -> held
    idempotent
    fails No
    holds for LIMIT
  command give(id: uuid)
    changes R[id] held -> none
    idempotent
    revokes take
  command sell(id: uuid)
    changes R[id] held -> sold
    idempotent
  query find(id: uuid) -> { id: uuid }?
}
"""


# --- sums against every state ---------------------------------------------------------------------------------------


def drawn(seed: int, *, tail: str = "") -> Judged:
    """A small saga with an order, schedules, policies and perhaps a pivot that are drawn at random."""
    draw = random.Random(seed)
    size = draw.randint(2, 6)
    pivot = draw.randrange(size) if draw.random() < 0.5 else None
    steps = []
    for number in range(size):
        after = [f"s{earlier}" for earlier in range(number) if draw.random() < 0.4]
        steps.append(step(draw, number, after, number == pivot))
    text = "on unknown hold\n" + tail + "\n".join(steps)
    return judged(text, services=SERVICE.replace("LIMIT", "36500d"), head=HEAD)


def step(draw: random.Random, number: int, after: list[str], pivot: bool) -> str:
    """One step of it; `on unknown hold` is said for the saga, and only what does not hold is counted."""
    written = f" after {', '.join(after)}" if after else ""
    timing = f"timeout {draw.randint(1, 9)}s  retry {draw.randint(0, 4)} times backoff 1s to {draw.randint(1, 20)}s"
    if pivot:
        may = draw.choice(("may", "plain"))
        return f'pivot step s{number}{written} {{ do s.{may}(id)  irreversible because "so it is"  {timing} }}'
    do, undo = draw.choice((("plain", "undo"), ("may", "undo"), ("may", "revoke"), ("asked", "undo")))
    undoing = f"timeout {draw.randint(1, 9)}s  retry {draw.randint(0, 3)} times backoff 1s to {draw.randint(2, 20)}s"
    return f"step s{number}{written} {{ do s.{do}(id)  compensate s.{undo}(id) {{ {undoing} }}  {timing} }}"


def revoking(found: Judged) -> tuple[Plan, Worst]:
    """The plan with each policy that its contracts allow: no person is asked."""
    named = {
        each.name: replace(
            each,
            doubt="revoke"
            if not each.pivot and any(undo.revokes for undo in each.undos)
            else "probe"
            if each.probe is not None
            else "hold",
        )
        for each in found.plan.steps
    }
    plan = replace(found.plan, steps=tuple(named[each.name] for each in found.plan.steps))
    return plan, worst_of.of(found.graph, plan)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_longest_rollback_is_that_of_some_state_and_no_state_has_a_longer_one(seed: int) -> None:
    found = drawn(seed)
    plan, worst = revoking(found)
    known = conditions.of(found.project, found.saga, found.graph, plan)
    longest = max(rollbacks(found.graph, worst, in_order=False), default=0)
    assert windows.backward_ms(found.graph, known, worst) == longest


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_same_holds_where_one_step_is_undone_at_a_time(seed: int) -> None:
    found = drawn(seed)
    plan, worst = revoking(found)
    known = conditions.of(found.project, found.saga, found.graph, plan)
    longest = max(rollbacks(found.graph, worst, in_order=True), default=0)
    assert windows.serial_ms(found.graph, known, worst) == longest


def rollbacks(graph: Graph, worst: Worst, *, in_order: bool) -> Iterator[float]:
    """How long it takes to roll back from each state in which a run can turn, in each way that it can go."""
    everything = (1 << len(graph.order)) - 1
    for settled in range(everything + 1):
        if any(graph.ancestors[number] & ~settled for number in numbers(settled)):
            continue
        sent = [n for n in range(len(graph.order)) if not settled >> n & 1 and not graph.ancestors[n] & ~settled]
        committed = [number for number in sent if worst.steps[number].pivot]
        if any(worst.steps[number].pivot for number in numbers(settled)) or len(committed) > 1:
            continue
        if committed and not can_be_refused(worst.steps[committed[0]]):
            continue
        waiting = [number for number in sent if number not in committed]
        for outcome in product(*(outcomes(worst, number) for number in waiting)):
            done = settled | sum(1 << n for n, (_, what) in zip(waiting, outcome, strict=True) if what == "done")
            if done == everything:
                continue
            drain = max((took for took, _ in outcome), default=0)
            doubts = [n for n, (_, what) in zip(waiting, outcome, strict=True) if what == "doubt"]
            yield drain + undoing(graph, worst, done, doubts, in_order=in_order)


def can_be_refused(step: Step) -> bool:
    return bool(step.fails) or step.schedule.retries is not None


def outcomes(worst: Worst, number: int) -> list[tuple[float, str]]:
    """What can become of a step that is under way when the run turns: at once, or as late as can be."""
    step, late = worst.steps[number], worst.drain[number]
    found = [(0.0, "done"), (0.0, "dropped"), (late, "done")]
    if step.fails or step.doubt == "probe":
        found.append((late, "dropped"))
    if step.doubt == "revoke":
        found.append((late, "doubt"))
    return found


def undoing(graph: Graph, worst: Worst, done: int, doubts: list[int], *, in_order: bool) -> float:
    """How long the doubts take to revoke, and then what is done to undo."""
    if in_order:
        return sum(worst.undo[n] for n in doubts) + sum(worst.undo[n] for n in numbers(done))
    ends: dict[int, float] = {}
    for number in reversed(list(numbers(done))):
        later = (ends[each] for each in ends if graph.ancestors[each] >> number & 1)
        ends[number] = max(later, default=0.0) + worst.undo[number]
    return max((worst.undo[n] for n in doubts), default=0.0) + max(ends.values(), default=0.0)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_longest_way_forward_is_that_of_some_path(seed: int) -> None:
    found = drawn(seed)
    _, worst = revoking(found)
    over = paths.ends(found.graph, worst.settle)
    assert paths.is_bound(found.graph, worst.settle, over)
    for end in range(len(found.graph.order)):
        every = [sum(worst.settle[each] for each in path) for path in ways(found.graph, end)]
        assert over[end] == max(every)
        listed = [total for total, _ in paths.longest(found.graph, worst.settle, over, end)]
        assert listed == sorted(set_of_paths(found.graph, worst, end), reverse=True)


def ways(graph: Graph, end: int) -> Iterator[tuple[int, ...]]:
    """Every path to a step, along the reduced order."""
    if not graph.after[end]:
        yield (end,)
    for earlier in graph.after[end]:
        yield from ((*path, end) for path in ways(graph, earlier))


def set_of_paths(graph: Graph, worst: Worst, end: int) -> list[float]:
    return [sum(worst.settle[each] for each in path) for path in set(ways(graph, end))]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_potentials_of_another_saga_are_no_certificate(seed: int) -> None:
    found = drawn(seed)
    _, worst = revoking(found)
    over = paths.ends(found.graph, worst.settle)
    less = (over[0] - 1, *over[1:])
    assert not paths.is_bound(found.graph, worst.settle, less)


# --- spans against every state --------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_a_step_holds_is_given_back_as_late_as_in_some_state_and_never_later(seed: int, in_order: bool) -> None:
    found = drawn(seed)
    plan, worst = revoking(found)
    known = conditions.of(found.project, found.saga, found.graph, plan)
    sinks = tuple(number for number in range(len(found.graph.order)) if not found.graph.before[number])
    for number, step in enumerate(worst.steps):
        if not step.pivot:
            span = hold_time.measured(found.graph, worst, number, number, sinks, forward=False)
            longest = max(returns(found.graph, worst, span.over, number, in_order=in_order), default=0)
            assert hold_time.total_ms(found.graph, known, worst, span, in_order=in_order) == longest, step.name


def returns(graph: Graph, worst: Worst, over: tuple[float, ...], own: int, *, in_order: bool) -> Iterator[float]:
    """When the step's own effect has been taken back, from the send of its do, in each way that a run can turn."""
    for late, done, doubts in turned_states(graph, worst):
        begun = max((over[each] for each in late), default=0.0)
        if own in doubts:
            yield begun + sum(worst.undo[each] for each in (doubts if in_order else [own]))
        elif done >> own & 1:
            revoked = [worst.undo[each] for each in doubts]
            if in_order:
                before = [each for each in numbers(done) if not graph.ancestors[own] >> each & 1]
                yield begun + sum(revoked) + sum(worst.undo[each] for each in before)
            else:
                yield begun + max(revoked, default=0.0) + worst.undo[own] + down(graph, worst, done, own)


def down(graph: Graph, worst: Worst, done: int, own: int) -> float:
    """The longest chain of undos that has to be over before the step's own begins."""
    later = [each for each in graph.before[own] if done >> each & 1]
    return max((worst.undo[each] + down(graph, worst, done, each) for each in later), default=0.0)


def turned_states(graph: Graph, worst: Worst) -> Iterator[tuple[list[int], int, list[int]]]:
    """Each state with nothing under way after a turn: who settled as late as can be, who is done, who is in doubt."""
    everything = (1 << len(graph.order)) - 1
    for settled in range(everything + 1):
        if any(graph.ancestors[number] & ~settled for number in numbers(settled)):
            continue
        sent = [n for n in range(len(graph.order)) if not settled >> n & 1 and not graph.ancestors[n] & ~settled]
        committed = [number for number in sent if worst.steps[number].pivot]
        if any(worst.steps[number].pivot for number in numbers(settled)) or len(committed) > 1:
            continue
        if committed and not can_be_refused(worst.steps[committed[0]]):
            continue
        waiting = [number for number in sent if number not in committed]
        for outcome in product(*(outcomes(worst, number) for number in waiting)):
            late = [n for n, (took, _) in zip(waiting, outcome, strict=True) if took]
            done = settled | sum(1 << n for n, (_, what) in zip(waiting, outcome, strict=True) if what == "done")
            doubts = [n for n, (_, what) in zip(waiting, outcome, strict=True) if what == "doubt"]
            if done != everything:
                yield [*late, *committed], done, doubts


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_doubt_is_revoked_as_late_as_in_some_state_and_never_later(seed: int, in_order: bool) -> None:
    found = drawn(seed)
    plan, worst = revoking(found)
    known = conditions.of(found.project, found.saga, found.graph, plan)
    plan = replace(plan, rollback_in_order=in_order)
    draining = turns.ranked(found.graph, worst.drain)
    for number, step in enumerate(worst.steps):
        if step.doubt == "revoke":
            parts = retention.do_parts(found.graph, known, plan, worst, draining, number)
            longest = max(revocations(found.graph, worst, number, in_order=in_order), default=None)
            # A doubt beside a pivot that is always enabled by then is none that a run turns with.
            assert longest in (None, sum(part.takes for part in parts)), step.name


def revocations(graph: Graph, worst: Worst, own: int, *, in_order: bool) -> Iterator[float]:
    """When the last copy of the undo of the step's doubt is sent, from the send of its do."""
    step = worst.steps[own]
    last = max(durations.last_send_ms(undo.schedule) for undo in step.undos)
    for late, _, doubts in turned_states(graph, worst):
        if own in doubts and not any(worst.steps[each].pivot for each in late):
            drain = max((worst.drain[each] for each in late if each != own), default=0.0)
            others = [worst.undo[each] for each in doubts if each != own and in_order]
            yield durations.answering_ms(step) + drain + sum(others) + last


# --- durations against the kernel's clock ---------------------------------------------------------------------------


Latest: TypeAlias = dict[tuple[tuple[Action, ...], int], int]


def alone(schedule: Schedule, *, idempotent: bool, doubt: str = "hold", window_ms: int | None = None) -> Plan:
    """A plan of one step, which may be undone by an undo that revokes; `natural` is one that is repeated by effect."""
    natural, doubt = doubt == "natural", "revoke" if doubt == "natural" else doubt
    step = Step(
        name="a",
        call=Call("s", "do"),
        schedule=schedule,
        fails=("No",),
        idempotent=idempotent,
        window_ms=window_ms,
        idempotent_by_effect=natural,
        lands_within_ms=40 if doubt == "probe" or natural else None,
        probe=Call("s", "find") if doubt == "probe" else None,
        doubt="probe" if doubt == "probe" else "revoke" if doubt == "revoke" else "hold",
        undos=(Undo(Call("s", "undo"), schedule, idempotent=True, revokes=doubt == "revoke"),),
    )
    return Plan(saga="t", version=1, key=(), inputs=(), steps=(step,))


def started(plan: Plan) -> Run:
    return kernel.start(plan, "[]", Started("", {}, 0))


def latest(run: Run, now: int, seen: Latest) -> int:
    """The latest moment at which the do of a lone step can still be unsettled, by every answer and every pause."""
    if run.actions[0].state not in ("sent", "paused", "lingering", "lapsing", "probing"):
        return now
    key = (run.actions, now)
    if key not in seen:
        seen[key] = max(latest(kernel.apply(run, event), event.at, seen) for event in events(run, now))
    return seen[key]


def events(run: Run, now: int) -> Iterator[Event]:
    """Every event that may follow: answers come when the attempt times out, pauses are none or the longest."""
    for command in kernel.decide(run, now):
        match command:
            case Send():
                at = now + command.timeout_ms
                # A service that says "not applied, try again" may ask for the longest pause of the schedule (R15).
                longest = run.plan.steps[0].schedule.backoff_max_ms
                yield Answered("a", command.direction, command.attempt, "succeeded", at)
                for pause in (0, longest):
                    yield Answered("a", command.direction, command.attempt, "transient", at, pause_ms=pause)
                for pause in (0, command.pause_ms):
                    yield Answered("a", command.direction, command.attempt, "unknown", at, pause_ms=pause)
            case Ask():
                at = max(now, command.at) + command.timeout_ms
                for pause in (0, command.pause_ms):
                    yield Probed("a", command.attempt, "absent", at, pause_ms=pause)
                    yield Probed("a", command.attempt, "unanswered", at, pause_ms=pause)
            case Await():
                yield Lapsed("a", now + command.after_ms)
            case Wake():
                yield replace(command.event, at=max(now, command.at))
            case Append():
                yield command.event
            case _:
                raise AssertionError(command)


SCHEDULES: Final = [
    Schedule(timeout_ms=timeout, retries=retries, backoff_first_ms=first, backoff_max_ms=most)
    for timeout, retries, first, most in ((10, 0, 1, 1), (10, 1, 3, 7), (10, 2, 3, 100), (5, 3, 2, 6))
]
POLICIES: Final = [
    (True, "hold"),
    (False, "hold"),
    (True, "revoke"),
    (True, "probe"),
    (False, "probe"),
    (False, "natural"),
]

each_schedule = pytest.mark.parametrize("schedule", SCHEDULES)
each_policy = pytest.mark.parametrize(("idempotent", "doubt"), POLICIES)


@each_schedule
@each_policy
def test_a_step_takes_as_long_as_is_said_and_no_longer(schedule: Schedule, idempotent: bool, doubt: str) -> None:
    plan = alone(schedule, idempotent=idempotent, doubt=doubt)
    assert latest(started(plan), 0, {}) == durations.settling_ms(plan.steps[0])


@each_schedule
@each_policy
def test_a_drain_takes_as_long_as_is_said_and_no_longer(schedule: Schedule, idempotent: bool, doubt: str) -> None:
    plan = alone(schedule, idempotent=idempotent, doubt=doubt)
    turned = kernel.apply(started(plan), Cancelled(0))
    assert turned.mode == "unwinding"
    assert latest(turned, 0, {}) == durations.draining_ms(plan.steps[0])


@each_schedule
@each_policy
@pytest.mark.parametrize("within_ms", [10, 25, 60])
def test_no_attempt_outlasts_within(schedule: Schedule, idempotent: bool, doubt: str, within_ms: int) -> None:
    plan = alone(replace(schedule, within_ms=within_ms), idempotent=idempotent, doubt=doubt)
    turned = kernel.apply(started(plan), Cancelled(0))
    assert latest(started(plan), 0, {}) <= durations.settling_ms(plan.steps[0])
    assert latest(turned, 0, {}) <= durations.draining_ms(plan.steps[0])


@pytest.mark.parametrize("schedule", SCHEDULES[1:])
def test_a_window_is_never_passed_if_it_is_longer_than_the_last_send_and_else_it_can_be(schedule: Schedule) -> None:
    last_ms = int(durations.last_send_ms(schedule))
    enough = alone(schedule, idempotent=True, window_ms=last_ms + 1)
    short = alone(schedule, idempotent=True, window_ms=last_ms)
    assert not passes(started(enough), 0, set())
    assert passes(started(short), 0, set())


def passes(run: Run, now: int, seen: set[tuple[tuple[Action, ...], int]]) -> bool:
    """Whether some run leaves attempts unused because its window has passed."""
    action, schedule = run.actions[0], run.plan.steps[0].schedule
    if action.state not in ("sent", "paused"):
        spent = action.attempt > (schedule.retries or 0)
        return action.state in ("held", "refused") and action.failure == "" and not spent
    if (run.actions, now) in seen:
        return False
    seen.add((run.actions, now))
    return any(passes(kernel.apply(run, event), event.at, seen) for event in events(run, now))


# --- verdicts -------------------------------------------------------------------------------------------------------

TWO: Final = """
step a { do s.may(id)  compensate s.revoke(id) { timeout 10s  retry 2 times backoff 1s to 5s }
  timeout 10s  retry 2 times backoff 1s to 5s }
step b after a { do s.may(id)  compensate s.revoke(id) { timeout 10s  retry 2 times backoff 1s to 5s }
  timeout 10s  retry 2 times backoff 1s to 5s }
"""


def limited(clauses: str, steps: str = TWO, limit: str = "36500d") -> Judged:
    return judged(f"{clauses}\n{steps}", services=SERVICE.replace("LIMIT", limit), head=HEAD)


def test_a_limit_is_proved_to_the_second_and_refuted_one_second_below() -> None:
    assert isinstance(limited("deadline 80s").of("E2")[0].verdict, Proved)
    refuted = limited("deadline 79s").refuted("E2")[""]
    assert isinstance(refuted.situation, Critical)
    assert refuted.situation.lines[-1].endswith("1m 20s")


def test_a_rollback_is_proved_to_the_second_and_refuted_one_second_below() -> None:
    # What is under way is sent again after the schedule's own first pause: 36s, and two undos of 40s.
    assert isinstance(limited("rollback within 116s").of("E2")[0].verdict, Proved)
    refuted = limited("rollback within 115s").refuted("E2")[""]
    assert refuted.message == "a rollback may take 1m 56s, but `rollback within` is 1m 55s"
    assert refuted.help[-1] == "or allow for it: `rollback within 2m`"


def test_a_fix_that_is_offered_proves() -> None:
    refuted = limited("rollback within 105s").refuted("E2")[""]
    assert refuted.help[0] == "write `retry 1 times` in `b`: that fits"
    before, after = TWO.rsplit("retry 2 times", 1)
    fixed = f"{before}retry 1 times{after}"
    assert isinstance(limited("rollback within 105s", fixed).of("E2")[0].verdict, Proved)


EXCLUSIVE: Final = """
step a { when amount > 10  do s.may(id)  compensate s.revoke(id)  timeout 50s  retry 0 times }
step b after a { when amount < 5  do s.may(id)  compensate s.revoke(id)  timeout 50s  retry 0 times }
step c after b { do s.may(id)  compensate s.revoke(id)  timeout 10s  retry 0 times }
"""


@pytest.mark.parametrize(("deadline", "holds"), [("60s", True), ("59s", False)])
def test_steps_whose_guards_exclude_one_another_do_not_add_up(deadline: str, holds: bool) -> None:
    head = "key id  input { id: uuid  amount: int }"
    found = judged(f"deadline {deadline}\n{EXCLUSIVE}", services=SERVICE.replace("LIMIT", "1d"), head=head)
    assert isinstance(found.of("E2")[0].verdict, Proved) == holds


def test_a_step_that_is_sent_for_ever_lets_no_rollback_end() -> None:
    found = limited("rollback within 1h")
    known = conditions.of(found.project, found.saga, found.graph, found.plan)
    first, second = found.plan.steps
    patient = replace(found.plan, steps=(first, replace(second, schedule=replace(second.schedule, retries=None))))
    assert windows.backward_ms(found.graph, known, worst_of.of(found.graph, patient)) == FOREVER
    (obligation,) = windows.owe(found.saga, found.graph, known, patient)
    assert isinstance(obligation, Never)
    (case, *_) = obligation.cases()
    assert case.story.message == "a rollback may never end, but `rollback within` is 1h"


HELD: Final = """
step take { do s.take(id)  compensate s.give(id) { timeout 10s  retry 1 times backoff 1s to 5s }
  timeout 10s  retry 0 times }
step pay after take { do s.may(id)  compensate s.revoke(id) { timeout 10s  retry 1 times backoff 1s to 5s }
  timeout 10s  retry 1 times backoff 1s to 5s }
pivot step sell after pay { do s.sell(id)  irreversible because "so it is"  retry forever }
"""


def test_what_is_held_is_given_back_before_it_lapses_and_not_a_second_later() -> None:
    # Taken after 10s, paid or in doubt after 25s more, revoked in 25s, given back in 25s.
    (proved,) = limited("", HELD, "85s").of("E1", "take")
    assert isinstance(proved.verdict, Proved)
    refuted = limited("", HELD, "84s").refuted("E1")["take"]
    assert isinstance(refuted.situation, Critical)
    assert refuted.message.endswith("that may take 1m 25s, not 1m 24s")


def test_the_time_that_is_left_for_a_step_that_is_sent_for_ever_is_a_promise() -> None:
    (proved,) = limited("", HELD, "10m").of("E1", "take")
    assert isinstance(proved.verdict, Proved)
    assert "`s.sell` is answered within 8m 35s, `retry forever` or not" in proved.verdict.rests_on


ALSO: Final = """
step NAME after take { do s.may(id)  compensate s.revoke(id) { timeout 10s  retry 1 times backoff 1s to 5s }
  timeout 10s  retry 1 times backoff 1s to 5s }
"""
BESIDE: Final = "".join(
    (HELD.replace("after pay", "after pay, pack, ship"), ALSO.replace("NAME", "pack"), ALSO.replace("NAME", "ship"))
)


def test_where_one_step_is_undone_at_a_time_a_hold_waits_for_all_the_others() -> None:
    # As above, with what is done beside the doubt undone before, for 25s in all: or for 25s each.
    assert isinstance(limited("", BESIDE, "110s").of("E1", "take")[0].verdict, Proved)
    assert isinstance(limited("rollback in order", BESIDE, "135s").of("E1", "take")[0].verdict, Proved)
    refuted = limited("rollback in order", BESIDE, "134s").refuted("E1")["take"]
    assert refuted.message.endswith("that may take 2m 15s, not 2m 14s")


def test_the_time_until_a_point_of_no_return_is_refused_counts() -> None:
    # Taken after 10s, paid after 25s more, refused after 10s more; both undone in 25s each.
    refusable = HELD.replace("s.sell(id)", "s.may(id)").replace("retry forever", "timeout 10s  retry 0 times")
    assert isinstance(limited("", refusable, "95s").of("E1", "take")[0].verdict, Proved)
    refuted = limited("", refusable, "94s").refuted("E1")["take"]
    assert isinstance(refuted.situation, Critical)
    assert refuted.message.endswith("that may take 1m 35s, not 1m 34s")


REMEMBERED: Final = """
step a { do s.may(id)  compensate s.revoke(id) { timeout 10s  retry 0 times }  timeout 10s  retry 0 times }
step b { do s.may(id)  compensate s.revoke(id) { timeout 30s  retry 0 times }  timeout 10s  retry 0 times }
"""


def test_where_one_doubt_is_revoked_at_a_time_a_key_is_needed_for_longer() -> None:
    # In doubt after 10s; the other one too, 10s later; and that one may be revoked first, which takes 30s.
    short = SERVICE.replace("LIMIT", "1d").replace(
        "idempotent\n    fails No\n  command asked", "idempotent for 45s\n    fails No\n  command asked"
    )
    assert short != SERVICE.replace("LIMIT", "1d")
    together = judged(REMEMBERED, services=short, head=HEAD)
    assert isinstance(together.of("C5", "a")[0].verdict, Proved)
    refuted = judged(f"rollback in order\n{REMEMBERED}", services=short, head=HEAD).refuted("C5")["a"]
    assert refuted.message == "a copy of `s.may` may come 50s after the first, but its key is remembered for 45s"


def test_a_confirming_step_is_found_by_what_it_changes() -> None:
    found = limited("", HELD, "10m")
    steps = {step.name: step for step in found.saga.steps}
    assert hold_time.confirms(found.project, steps["take"], steps["sell"])
    assert not hold_time.confirms(found.project, steps["take"], steps["pay"])


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0s"), (200, "200ms"), (61_000, "1m 1s"), (90_061_001, "1d 1h 1m 1s 1ms"), (FOREVER, "for ever")],
)
def test_times_are_spelled_in_as_many_units_as_they_take(milliseconds: float, words: str) -> None:
    assert spelled(milliseconds) == words

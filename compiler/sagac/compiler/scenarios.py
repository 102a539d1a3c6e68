"""Scenarios: each is replayed on the kernel in every run that its givens allow.

Free are the order in which calls are answered, and every input and result that is not given and that a guard reads:
one choice is made for each way in which the guards' comparisons can come out (`branches`). What is not given
succeeds, and nothing waits long enough for a deadline to pass. A run in which a given does not come true is not one of
those that the scenario speaks of.

`s fails F` refuses every attempt of `s`. `s unknown` leaves every attempt unanswered, or the first where the plan sends
for ever; `landed` is what a probe finds. `undo s fails` refuses the undo, or never applies it where no failure is
declared. A step or undo *happens* when its call gets its first answer, or none within its timeout: that is what `then
order` lists, and right after it comes what is given `after s`.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sagac.compiler import branches, codes, replay, timeline, values, wording
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.model import (
    Given,
    GivenAfter,
    GivenFails,
    GivenUndoFails,
    GivenUnknown,
    Project,
    Saga,
    Scenario,
)
from sagac.compiler.timeline import Moment
from sagac.runtime import kernel
from sagac.runtime.commands import Ask, Command, Send
from sagac.runtime.events import Answered, Cancelled, Event, Outcome, Resumed
from sagac.runtime.plan import Input, Plan
from sagac.runtime.run import Action, Run

EVENTS_MAX: Final = 20_000
"""How many events of a scenario's runs are looked at before the answer is `undecided`."""

Landed: TypeAlias = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class World:
    """One choice of everything that does not depend on the order of events."""

    scenario: Scenario
    plan: Plan
    choice: values.Choice
    landed: Landed


@dataclass(frozen=True, slots=True)
class Node:
    """A state on the way: the run, how much of the order has happened, which givens have come true."""

    run: Run
    at: int
    progress: int
    met: frozenset[int]
    happened: frozenset[tuple[str, str]]
    event: Event
    before: Node | None = field(default=None, repr=False)
    """The way here."""


@dataclass(slots=True)
class Search:
    """What an exploration has seen so far."""

    events: int = 0
    counted: int = 0
    unmet: frozenset[int] = frozenset()


class OutOfBounds(Exception):  # noqa: N818 - a reason, which becomes an undecided finding
    """The scenario has more runs than are looked at."""


def run(scenario: Scenario, project: Project, saga: Saga, plan: Plan) -> Diagnostic | None:
    """The finding about a scenario: a run in which it fails, that no run meets its givens, or that nobody can tell."""
    search = Search(unmet=frozenset(range(len(scenario.givens))))
    has_input = False
    try:
        for world in every_world(scenario, project, saga, plan):
            has_input = True
            end = explore(world, search)
            if end is not None:
                return failing(scenario, saga, end)
    except (OutOfBounds, branches.Unsettled) as limit:
        return undecided(scenario, saga, str(limit), help=settling(scenario, plan, limit))
    if search.counted == 0:
        return impossible(scenario, saga, search, has_input=has_input)
    return None


def every_world(scenario: Scenario, project: Project, saga: Saga, plan: Plan) -> Iterator[World]:
    """Each way in which the guards can come out, with each way in which an unknown call may have gone."""
    unknown = {given.step: given.landed for given in scenario.givens if isinstance(given, GivenUnknown)}
    ways = [[True, False] if landed is None else [landed] for landed in unknown.values()]
    for choice in branches.choices(project, saga, plan, dict(scenario.input)):
        for landed in itertools.product(*ways):
            yield World(scenario, plan, choice, dict(zip(unknown, landed, strict=True)))


# --- the search ----------------------------------------------------------------------------------------------------


def explore(world: World, search: Search) -> Node | None:
    """The first end, breadth first, in which the scenario does not hold; `None` when it holds in all."""
    waiting = deque([first(world)])
    known: set[tuple[object, ...]] = set()
    while waiting:
        node = waiting.popleft()
        following = tuple(successors(world, node))
        search.events += len(following)
        if search.events > EVENTS_MAX:
            raise OutOfBounds(f"its runs have more than {EVENTS_MAX} events")
        if not following and is_counted(world, node, search) and fault(world.scenario, node) is not None:
            return node
        if len(following) == 1 and not waiting:
            waiting.append(following[0])  # the only way there is meets no other
            continue
        for successor in following:
            mark = fingerprint(successor)
            if mark not in known:
                known.add(mark)
                waiting.append(successor)
    return None


def first(world: World) -> Node:
    """The start of the run."""
    moment = replay.begun(world.plan, world.choice.input)[0]
    node = Node(moment.run, 0, 0, frozenset(), frozenset(), moment.event)
    return with_met(world, node)


def is_counted(world: World, node: Node, search: Search) -> bool:
    """Whether this end is one that the scenario speaks of: all of its givens have come true."""
    missing = frozenset(range(len(world.scenario.givens))) - node.met
    search.unmet = min(search.unmet, missing, key=lambda each: (len(each), sorted(each)))
    search.counted += not missing
    return not missing


def successors(world: World, node: Node) -> Iterator[Node]:
    """The states that may come next; only one of them where the order makes no difference."""
    wanted = [command for command in kernel.decide(node.run, node.at) if not replay.is_limit(command)]
    if not is_disturbed(world, node):
        quiet = next((command for command in wanted if is_quiet(world, node, command)), None)
        wanted = wanted if quiet is None else [quiet]
    for command in wanted:
        yield step(world, node, command)


def is_disturbed(world: World, node: Node) -> bool:
    """Whether a failure, a cancel or a crash may still come: then the order of independent answers matters."""
    if any(isinstance(given, GivenAfter) and at not in node.met for at, given in enumerate(world.scenario.givens)):
        return True
    if node.run.mode != "running":
        return False
    fails_by_guard = any(
        planned.otherwise_fails and action.state == "pending"
        for planned, action in zip(world.plan.steps, node.run.actions, strict=True)
    )
    return fails_by_guard or any(
        isinstance(given, GivenFails | GivenUnknown) and replay.state(node.run, given.step).state != "skipped"
        for given in world.scenario.givens
    )


def is_quiet(world: World, node: Node, command: Command) -> bool:
    """Whether the command's answer is a plain success that nobody watches for: it may as well come now."""
    return (
        isinstance(command, Send)
        and (command.direction, command.step) not in world.scenario.order
        and answer(world, node.run, command) == "succeeded"
    )


def step(world: World, node: Node, command: Command) -> Node:
    """The state after a command's event, and after what is given right after it."""
    present = world.landed.get(command.step, True) if isinstance(command, Ask) else True
    event = replay.reaction(
        node.run,
        node.at,
        command,
        lambda run, send: answer(world, run, send),
        world.choice.results,
        present=present,
    )
    return after(world, moved(world, node, event), event)


def moved(world: World, node: Node, event: Event) -> Node:
    """The state after one event."""
    progress, happened = node.progress, node.happened
    if isinstance(event, Answered) and (event.direction, event.step) not in happened:
        order, item = world.scenario.order, (event.direction, event.step)
        happened |= {item} & set(order)
        progress += progress < len(order) and order[progress] == item
    run = kernel.apply(node.run, event)
    return with_met(world, Node(run, event.at, progress, node.met, happened, event, node), event)


def after(world: World, node: Node, event: Event) -> Node:
    """The state after the cancels and crashes that are given to come right after what has just happened."""
    if not isinstance(event, Answered) or event.direction != "do":
        return node
    for at, given in enumerate(world.scenario.givens):
        if isinstance(given, GivenAfter) and given.step == event.step and at not in node.met:
            disturbance = Cancelled(node.at) if given.kind == "cancel" else Resumed("another process", node.at)
            node = moved(world, node, disturbance)
            node = Node(node.run, node.at, node.progress, node.met | {at}, node.happened, node.event, node.before)
    return node


def answer(world: World, run: Run, command: Send) -> Outcome:
    """What a call comes to, as given; else it succeeds."""
    planned = run.plan.steps[run.layout.position[command.step]]
    for given in world.scenario.givens:
        match given:
            case GivenFails(step=name) if name == command.step and command.direction == "do":
                if given.failure in planned.fails or given.failure != planned.otherwise_fails:
                    return "refused"
            case GivenUnknown(step=name) if name == command.step and command.direction == "do":
                # Sent for ever without ever being answered is no run that ends.
                endless = planned.schedule.retries is None and planned.idempotent
                return "succeeded" if endless and command.attempt > 1 else "unknown"
            case GivenUndoFails(step=name) if name == command.step and command.direction == "undo":
                undo = planned.undos[replay.state(run, name).undo_index]
                return "refused" if undo.fails else "transient"
            case _:
                continue
    return "succeeded"


def with_met(world: World, node: Node, event: Event | None = None) -> Node:
    """The state with the givens that have come true by now."""
    now = frozenset(at for at, given in enumerate(world.scenario.givens) if is_met(given, node.run, event))
    return Node(node.run, node.at, node.progress, node.met | now, node.happened, node.event, node.before)


def is_met(given: Given, run: Run, event: Event | None) -> bool:
    """Whether a given has come true with this event."""
    match given:
        case GivenFails():
            action = replay.state(run, given.step)
            return action.state == "refused" and action.failure == given.failure
        case GivenUnknown():
            return is_answer(event, given.step, "do") and event.outcome == "unknown"  # type: ignore[union-attr]
        case GivenUndoFails():
            return is_answer(event, given.step, "undo") and event.outcome != "succeeded"  # type: ignore[union-attr]
        case GivenAfter():
            return False  # `after` sees to these


def is_answer(event: Event | None, name: str, direction: str) -> bool:
    return isinstance(event, Answered) and event.step == name and event.direction == direction


def fingerprint(node: Node) -> tuple[object, ...]:
    """What decides the rest of a run; in which order its steps finished does only where the rollback goes by it."""
    in_order = node.run.plan.rollback_in_order
    actions = tuple(action_mark(action, in_order=in_order) for action in node.run.actions)
    return (
        actions,
        node.run.mode,
        node.run.committed,
        node.run.alarms,
        node.at,
        node.progress,
        node.met,
        node.happened,
    )


def action_mark(action: Action, *, in_order: bool) -> tuple[object, ...]:
    return (
        action.state,
        action.attempt,
        action.unanswered,
        action.enabled_at,
        action.due_at,
        action.failure,
        action.probes,
        action.finished if in_order else 0,
        action.undo,
        action.undo_index,
        action.undo_attempt,
        action.undo_enabled_at,
        action.undo_due_at,
    )


# --- the verdict on one end ----------------------------------------------------------------------------------------


def fault(scenario: Scenario, node: Node) -> str | None:
    """What is wrong with an end of the run, in words; `None` where the scenario holds."""
    end = kernel.status(node.run).removesuffix(" with residue")
    if scenario.end and end != scenario.end:
        return f"it ends {end}, not {scenario.end}"
    if node.progress < len(scenario.order):
        missed = item(scenario.order[node.progress])
        if node.progress == 0:
            return f"{missed} never happens"
        return f"{missed} does not happen after {item(scenario.order[node.progress - 1])}"
    return None


def item(listed: tuple[str, str]) -> str:
    direction, name = listed
    return f"`undo {name}`" if direction == "undo" else f"`{name}`"


# --- findings ------------------------------------------------------------------------------------------------------


def failing(scenario: Scenario, saga: Saga, end: Node) -> Diagnostic:
    why = fault(scenario, end)
    assert why is not None, scenario.title
    keep = frozenset({name for _, name in scenario.order} | {given.step for given in scenario.givens})
    return codes.finding(
        "S101",
        f"scenario `{scenario.title}` does not hold: {why}",
        scenario.span,
        *turning_place(scenario, saga, end),
        help=advice(scenario, end),
        trace=timeline.tell(moments(end), keep=keep),
        saga=saga.full_name,
    )


def advice(scenario: Scenario, end: Node) -> tuple[str, ...]:
    status = kernel.status(end.run).removesuffix(" with residue")
    if scenario.end and status != scenario.end:
        return (f"write `then {status}` if the timeline is what you want, or change what leads there",)
    return ("`then order` lists a subsequence; steps that do not wait for each other come in either order",)


def turning_place(scenario: Scenario, saga: Saga, end: Node) -> tuple[Label, ...]:
    """The step at which the run parted from what was expected."""
    status = kernel.status(end.run).removesuffix(" with residue")
    if scenario.end and status != scenario.end:
        stuck = [held.step for held in kernel.held(end.run)]
        name, text = (stuck[0], "this is held") if stuck else (end.run.cause_step, "this turns the run back")
    else:
        name, text = scenario.order[end.progress][1], "this is expected"
    return tuple(Label(step.name_span, text) for step in saga.steps if step.name == name)


def moments(end: Node) -> Sequence[Moment]:
    """The way to an end, from the start."""
    way: list[Moment] = []
    node: Node | None = end
    while node is not None:
        way.append(Moment(node.event, node.run))
        node = node.before
    return way[::-1]


def impossible(scenario: Scenario, saga: Saga, search: Search, *, has_input: bool) -> Diagnostic:
    if not has_input:
        why = "its input does not meet the `where` conditions"
    else:
        why = f"no run of its saga has all of what is given; {missing_given(scenario, search)} does not come true"
    return codes.finding(
        "S102",
        f"scenario `{scenario.title}` says nothing: {why}",
        scenario.span,
        help="give what can happen together: a step is reached only when all that it comes after is done or skipped",
        saga=saga.full_name,
    )


def missing_given(scenario: Scenario, search: Search) -> str:
    return wording.listing([given_text(scenario.givens[at]) for at in sorted(search.unmet)])


def given_text(given: Given) -> str:
    """A given as it was written."""
    match given:
        case GivenFails():
            return f"{given.step} fails {given.failure}"
        case GivenUnknown():
            return f"{given.step} unknown" + {None: "", True: " landed", False: " not landed"}[given.landed]
        case GivenUndoFails():
            return f"undo {given.step} fails"
        case GivenAfter():
            return f"{given.kind} after {given.step}"


def undecided(scenario: Scenario, saga: Saga, limit: str, *, help: str) -> Diagnostic:
    return codes.finding(
        "S103",
        f"scenario `{scenario.title}` is undecided: {limit}",
        scenario.span,
        help=help,
        saga=saga.full_name,
    )


def settling(scenario: Scenario, plan: Plan, limit: Exception) -> str:
    """What would let a scenario be decided: where its guards are too much, the input that they read."""
    steps, fields = open_guards(scenario, plan)
    if not fields or not isinstance(limit, branches.Unsettled):
        return "give more of the input, or fewer failures at once, so that fewer runs are possible"
    guards = f"the guards of {wording.listing(steps)} read" if len(steps) > 1 else f"the guard of `{steps[0]}` reads"
    return f"give {wording.listing(fields)} with `given input`: {guards} what is not given"


def open_guards(scenario: Scenario, plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps whose guards read input that a scenario does not give, and that input."""
    steps: dict[str, None] = {}
    fields: dict[str, None] = {}
    for planned in plan.steps:
        for guard in (planned.guard, *(undo.guard for undo in planned.undos)):
            free = values.open_variables([guard] if guard is not None else [], dict(scenario.input))
            named = [place.path[0] for place in free if isinstance(place, Input)]
            fields.update(dict.fromkeys(named))
            steps.update(dict.fromkeys([planned.name] if named else []))
    return tuple(steps), tuple(fields)

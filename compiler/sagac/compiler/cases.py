"""The cases of a generated test module: what befalls each run, and the end that the kernel gives it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sagac.compiler import replay, values
from sagac.compiler.model import (
    GivenAfter,
    GivenFails,
    GivenUndoFails,
    GivenUnknown,
    Saga,
    Scenario,
)
from sagac.compiler.trials import Case, Fault
from sagac.compiler.values import Choice
from sagac.compiler.verdicts import Judgement, Situation
from sagac.runtime import kernel, locking
from sagac.runtime.commands import Acquire, Ask, Command, Send
from sagac.runtime.events import LOCK_TIMEOUT, Answered, Cancelled, Event, LockExpired, Outcome, Resumed
from sagac.runtime.plan import Plan, Result, Step, Wire
from sagac.runtime.run import Run

STEPS_MAX: Final = 100
"""Faults strike at so many steps of a saga; in a longer one, at steps evenly apart: a play costs its length squared."""

CHOICES_MAX: Final = 512
"""So many ways in which the guards can come out are tried for a fault that needs one of them."""

PATHS_MAX: Final = 16
"""So many different paths are played without a fault."""


@dataclass(slots=True)
class Rehearsal:
    """A case as the kernel plays it."""

    run: Run
    struck: set[Fault] = field(default_factory=set)
    happened: set[tuple[str, str]] = field(default_factory=set)
    """What has had its first answer, or timeout."""


def cases(saga: Saga, plan: Plan, judgements: Iterable[Judgement]) -> tuple[Case, ...]:
    """Every case of a saga, each under its own title."""
    ways = choices(saga, plan, saga.types)
    found = itertools.chain(
        undisturbed(plan, ways),
        told(saga, plan, saga.types),
        witnessed(saga, plan, saga.types, judgements),
        struck(plan, ways),
        undone(plan, ways),
    )
    return tuple({case.title: case for case in found}.values())


def choices(saga: Saga, plan: Plan, types: values.Types, given: Mapping[str, Wire] | None = None) -> list[Choice]:
    """Inputs and results for each way in which the guards can come out, or for one where there are too many."""
    given = given or {}
    try:
        return list(itertools.islice(values.choices(saga, plan, types, given), CHOICES_MAX))
    except values.TooMany:
        whole = values.complete(saga, types, given)
        results = {step.name: values.result_of(step, None, types) for step in plan.steps}
        return [] if whole is None else [Choice(whole, results)]


def chosen(plan: Plan) -> tuple[Step, ...]:
    """The steps at which faults strike."""
    stride = -(-len(plan.steps) // STEPS_MAX)
    return plan.steps[::stride]


# --- kinds of cases ------------------------------------------------------------------------------------------------


def undisturbed(plan: Plan, ways: Sequence[Choice]) -> Iterator[Case]:
    """Nothing goes wrong, on each path that the guards leave."""
    paths: dict[tuple[tuple[str, int], ...], Choice] = {}
    for way in ways:
        run = rehearse(plan, way, ()).run
        paths.setdefault(tuple((action.state, action.undo_index) for action in run.actions), way)
    for number, way in enumerate(itertools.islice(paths.values(), PATHS_MAX), 1):
        title = "nothing goes wrong" + (f", path {number} of {len(paths)}" if len(paths) > 1 else "")
        yield from confirmed(plan, title, [way], ())


def told(saga: Saga, plan: Plan, types: values.Types) -> Iterator[Case]:
    """The author's scenarios."""
    for scenario in saga.scenarios:
        ways = choices(saga, plan, types, dict(scenario.input))
        for faults in given_faults(plan, scenario):
            title = f"scenario: {scenario.title}" + "".join(
                f" ({'landed' if fault.landed else 'not landed'})"
                for fault in faults
                if fault.kind == "Unanswered" and fault.direction == "do"
            )
            for case in confirmed(plan, title, ways, faults, ends=scenario.end):
                yield replace(case, order=scenario.order)


def given_faults(plan: Plan, scenario: Scenario) -> Iterator[tuple[Fault, ...]]:
    """What a scenario gives, once for each way in which its unknown calls may have gone."""
    steps = {step.name: step for step in plan.steps}
    ways: list[tuple[Fault | None, ...]] = []
    for given in scenario.givens:
        match given:
            case GivenFails(step, failure):
                ways.append((Fault("Refused", step, failure=failure),))
            case GivenUnknown(step, landed):
                lost = [unanswered(steps[step], landed=way) for way in (True, False) if landed in (None, way)]
                ways.append(tuple(lost))
            case GivenUndoFails(step):
                ways.append((undo_refused(steps[step]),))
            case GivenAfter(kind, step):
                ways.append((Fault("Cancelled" if kind == "cancel" else "Crashed", step),))
    for combination in itertools.product(*ways):
        yield tuple(fault for fault in combination if fault is not None)


def undo_refused(step: Step) -> Fault:
    """The undo of a step fails for good."""
    failure = next((failure for undo in step.undos for failure in undo.fails), "")
    return Fault("Refused", step.name, "undo", failure) if failure else Fault("Busy", step.name, "undo")


def witnessed(saga: Saga, plan: Plan, types: values.Types, judgements: Iterable[Judgement]) -> Iterator[Case]:
    """The runs that show that each step, undo and guard matters."""
    wanted = {step.name for step in chosen(plan)} | {""}
    for judgement in judgements:
        situation = judgement.witness
        if judgement.claim.saga != saga.full_name or situation is None or judgement.claim.step not in wanted:
            continue
        whole = values.complete(saga, types, situation.input)
        if whole is not None:
            plain = {step.name: values.result_of(step, situation.results.get(step.name), types) for step in plan.steps}
            title = f"witness: {judgement.claim.text}".replace("`", "")
            yield from confirmed(plan, title, [Choice(whole, plain)], situated(plan, situation))


def situated(plan: Plan, situation: Situation) -> tuple[Fault, ...]:
    """What befalls the run of a situation."""
    steps = {step.name: step for step in plan.steps}
    faults = []
    for name, failure in situation.failed.items():
        if failure == LOCK_TIMEOUT:
            faults.append(Fault("Taken", name))
        elif failure in steps[name].fails:
            faults.append(Fault("Refused", name, failure=failure))
        elif not failure:
            faults.append(Fault("Busy", name))
    if situation.unknown:
        faults.append(unanswered(steps[situation.unknown], landed=situation.landed))
    if situation.cancelled and situation.order:
        faults.append(Fault("Cancelled", situation.order[-1]))
    return tuple(faults)


def struck(plan: Plan, ways: Sequence[Choice]) -> Iterator[Case]:
    """A refusal, an unknown outcome and a crash at every step."""
    for step in chosen(plan):
        for failure in step.fails:
            title = f"{step.name} is refused: {failure}"
            yield from confirmed(plan, title, ways, (Fault("Refused", step.name, failure=failure),))
        if step.locks:
            yield from confirmed(plan, f"{step.name} does not get its lock", ways, (Fault("Taken", step.name),))
        if step.schedule.retries is not None:
            yield from confirmed(plan, f"{step.name} is never applied", ways, (Fault("Busy", step.name),))
        for landed in (True, False):
            title = f"{step.name} gets no answer, and {'took effect' if landed else 'took none'}"
            yield from confirmed(plan, title, ways, (unanswered(step, landed=landed),))
        if (step.idempotent or step.idempotent_by_effect) and not step.query:
            late = Fault("Late", step.name, attempts=attempts(step))
            yield from confirmed(plan, f"{step.name} gets no answer, and arrives late", ways, (late,))
            yield from confirmed(plan, f"{step.name} arrives twice", ways, (Fault("Repeated", step.name),))
        yield from confirmed(plan, f"the process dies after {step.name}", ways, (Fault("Crashed", step.name),))


def undone(plan: Plan, ways: Sequence[Choice]) -> Iterator[Case]:
    """Each undo twice: repeated on its way, and sent again after no answer."""
    for step in chosen(plan):
        if not step.undos:
            continue
        title = f"the undo of {step.name}"
        if all(undo.idempotent or undo.revokes for undo in step.undos):
            yield from turned(plan, f"{title} arrives twice", ways, step, Fault("Repeated", step.name, "undo"))
        for landed in (True, False):
            lost = Fault("Unanswered", step.name, "undo", landed=landed, attempts=1)
            title = f"the undo of {step.name} gets no answer, and {'took effect' if landed else 'took none'}"
            yield from turned(plan, title, ways, step, lost)


def turned(plan: Plan, title: str, ways: Sequence[Choice], step: Step, fault: Fault) -> Iterator[Case]:
    """A fault of an undo, in a run that turns by the first thing that gets it there."""
    for cause in causes(plan, step):
        found = list(confirmed(plan, title, ways, (*cause, fault)))
        if found:
            yield found[0]
            return


def causes(plan: Plan, step: Step) -> Iterator[tuple[Fault, ...]]:
    """What may turn a run so that this step is undone: the step's own end, or that of any other."""
    yield (Fault("Cancelled", step.name),)
    if step.doubt == "revoke":
        yield (unanswered(step, landed=True),)
    for other in plan.steps:
        if other.name != step.name:
            yield from ((Fault("Refused", other.name, failure=failure),) for failure in other.fails[:1])
            if other.locks:
                yield (Fault("Taken", other.name),)
            yield (Fault("Busy", other.name),)
            yield (Fault("Cancelled", other.name),)


def unanswered(step: Step, *, landed: bool) -> Fault:
    """No attempt of a step is answered; the first two, where it is sent for ever."""
    return Fault("Unanswered", step.name, landed=landed, attempts=attempts(step))


def attempts(step: Step) -> int | None:
    return 2 if step.schedule.retries is None else None


# --- rehearsal -----------------------------------------------------------------------------------------------------


def confirmed(
    plan: Plan, title: str, ways: Iterable[Choice], faults: tuple[Fault, ...], ends: str = ""
) -> Iterator[Case]:
    """The case in the first way in which every fault strikes, with the end that the kernel gives it."""
    for way in ways:
        try:
            rehearsal = rehearse(plan, way, faults)
        except replay.Unreplayable:
            continue
        end = kernel.status(rehearsal.run).removesuffix(" with residue")
        if rehearsal.struck == set(faults) and ends in ("", end):
            yield Case(title, way.input, mattering(plan, way.results), faults, end)
            return


def mattering(plan: Plan, results: Mapping[str, Wire]) -> Mapping[str, Wire]:
    """The results that some guard reads."""
    read = {
        place.step for guard in values.guards(plan) for place in values.variables(guard) if isinstance(place, Result)
    }
    return {name: results[name] for name in sorted(read)}


def rehearse(plan: Plan, way: Choice, faults: tuple[Fault, ...]) -> Rehearsal:
    """The run, with each call coming to what its fault says."""
    first = replay.begun(plan, way.input)[0]
    rehearsal = Rehearsal(first.run)
    at = first.event.at
    for _ in range(replay.EVENTS_PER_STEP * (len(plan.steps) + 1)):
        wanted = [command for command in kernel.decide(rehearsal.run, at) if not replay.is_limit(command)]
        if not wanted:
            return rehearsal
        command = min(wanted, key=lambda each: (replay.urgency(each), is_unknown(each, faults)))
        event = reaction(rehearsal, at, command, way, faults)
        rehearsal.run = kernel.apply(rehearsal.run, event)
        at = event.at
        disturb(rehearsal, event, faults)
    raise replay.Unreplayable("the run comes to no end")


def is_unknown(command: Command, faults: tuple[Fault, ...]) -> bool:
    """Whether the answer to a call takes its whole timeout."""
    return isinstance(command, Send) and outcome(command, striking(command, faults)) == "unknown"


def reaction(rehearsal: Rehearsal, at: int, command: Command, way: Choice, faults: tuple[Fault, ...]) -> Event:
    """The event that a command leads to."""
    if isinstance(command, Acquire) and (taken := losing(rehearsal.run, command, faults)) is not None:
        rehearsal.struck.add(taken)
        return LockExpired(command.step, max(at, *command.until))
    if isinstance(command, Send) and (fault := striking(command, faults)) is not None:
        rehearsal.struck.add(fault)
    present = isinstance(command, Ask) and has_landed(rehearsal.run, command, faults)
    return replay.reaction(
        rehearsal.run,
        at,
        command,
        lambda run, send: outcome(send, striking(send, faults)),
        way.results,
        present=present,
    )


def losing(run: Run, command: Acquire, faults: tuple[Fault, ...]) -> Fault | None:
    """The fault that keeps a lock from a step; it cannot be one that the run has already."""
    if not set(command.locks) - locking.kept(run):
        return None
    return next((fault for fault in faults if (fault.kind, fault.step) == ("Taken", command.step)), None)


def striking(command: Send, faults: tuple[Fault, ...]) -> Fault | None:
    """The fault that befalls a call."""
    for fault in faults:
        here = (fault.step, fault.direction) == (command.step, command.direction)
        if here and fault.kind not in ("Cancelled", "Crashed", "Taken"):
            return fault if fault.attempts is None or command.attempt <= fault.attempts else None
    return None


def outcome(command: Send, fault: Fault | None) -> Outcome:
    """What a call comes to."""
    match fault:
        case Fault("Refused"):
            return "refused"
        case Fault("Busy"):
            return "transient"
        case Fault("Unanswered" | "Late"):
            return "unknown"
        case _:
            return "succeeded"


def has_landed(run: Run, command: Ask, faults: tuple[Fault, ...]) -> bool:
    """What a probe finds."""
    lost = [fault for fault in faults if (fault.step, fault.direction) == (command.step, "do")]
    return all(fault.landed for fault in lost if fault.kind in ("Unanswered", "Late"))


def disturb(rehearsal: Rehearsal, event: Event, faults: tuple[Fault, ...]) -> None:
    """What is to happen right after a step's first answer."""
    if not isinstance(event, Answered) or event.direction != "do" or (event.step, "do") in rehearsal.happened:
        return
    rehearsal.happened.add((event.step, "do"))
    for fault in faults:
        if fault.step == event.step and fault.kind in ("Cancelled", "Crashed"):
            disturbance = Cancelled(event.at) if fault.kind == "Cancelled" else Resumed("another process", event.at)
            rehearsal.struck.add(fault)
            rehearsal.run = kernel.apply(rehearsal.run, disturbance)

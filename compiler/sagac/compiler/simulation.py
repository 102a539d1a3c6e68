"""A simulation: a run of the real kernel whose answers are chosen, over a world that keeps what contracts promise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from sagac.compiler import replay, timeline, values, wording
from sagac.compiler.model import Saga
from sagac.compiler.replay import Moments
from sagac.runtime import kernel
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Lapsed,
    Locked,
    LockExpired,
    Outcome,
    Overdue,
    Probed,
    Resumed,
)
from sagac.runtime.plan import Direction, Plan, Step, Undo, Wire
from sagac.runtime.run import Action, Run

FAULTS_PER_STEP: Final = 2
"""So many faults for each step strike on a random walk, and a few more; then all goes well."""

FAULTS_LEAST: Final = 4

CHOICES_PER_STEP: Final = 100
"""A walk of more choices for each step than this is broken off."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the service of a step has done, whatever the run knows of it."""

    standing: int = 0
    """How often the effect stands; below 0 it was undone more often than done."""
    known: bool = False
    """A copy of the call has arrived."""
    refused: bool = False
    fenced: bool = False
    """It was revoked: a copy that arrives now changes nothing."""
    undo_known: bool = False
    in_flight: int = 0
    """Copies of the call that may still arrive."""
    undo_in_flight: int = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """A run so far, what the services have done, and what has happened that the run does not see."""

    saga: Saga
    moments: Moments
    effects: Mapping[str, Effect]
    unseen: tuple[tuple[int, str], ...] = ()
    """After how many moments which line belongs into the story."""

    @property
    def run(self) -> Run:
        """The run as the kernel has it."""
        return self.moments[-1].run

    @property
    def plan(self) -> Plan:
        """The plan that it follows."""
        return self.run.plan

    @property
    def now(self) -> int:
        """The time of the latest event."""
        return replay.now(self.moments)


Verb: TypeAlias = Literal[
    "succeeds", "fails", "busy", "unanswered", "lands", "retry", "probe", "lapse", "lock", "lock out", "cancel",
    "deadline", "crash",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may happen next: what to write for it, what it means, and what it is."""

    text: str
    says: str
    verb: Verb
    step: str = ""
    direction: Direction = "do"
    failure: str = ""
    landed: bool = True
    result: Wire = None
    """What the call returns, where that is said."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that is no choice, and why."""

    text: str


GOOD: Final = frozenset({"succeeds", "retry", "probe", "lapse", "lock"})
"""What happens where nothing goes wrong."""


# --- the walk ------------------------------------------------------------------------------------------------------


def begin(saga: Saga, plan: Plan, given: Mapping[str, Wire]) -> Walk | Mistake:
    """A run with this input, and plain values for what it leaves open."""
    unknown = sorted(given.keys() - {each.name for each in saga.inputs})
    if unknown:
        return Mistake(f"`{saga.name}` has no input `{unknown[0]}`")
    whole = values.complete(saga, saga.types, given)
    if whole is None:
        return Mistake("no input was found that has these values and meets every `where`: give more of it")
    return at_once(Walk(saga, replay.begun(plan, whole), {step.name: Effect() for step in plan.steps}))


def at_once(walk: Walk) -> Walk:
    """The walk with all that happens by itself: intents, passed windows, and limits that time has run past."""
    for _ in range(replay.EVENTS_PER_STEP):
        due = [command for command in wanted(walk) if is_due(command, walk.now)]
        if not due:
            return walk
        command = due[0]
        assert isinstance(command, Append | Wake)
        walk = told(walk, command.event)
    raise AssertionError("what happens by itself comes to no end")


def is_due(command: Command, now: int) -> bool:
    limit = isinstance(command, Wake) and isinstance(command.event, Overdue) and command.at <= now
    return limit or isinstance(command, Append)


def wanted(walk: Walk) -> tuple[Command, ...]:
    """What the kernel has outstanding."""
    return kernel.decide(walk.run, walk.now)


def told(walk: Walk, event: Event) -> Walk:
    """The walk after an event that the run sees."""
    return replace(walk, moments=replay.then(walk.moments, event))


def is_over(walk: Walk) -> bool:
    """Nothing can happen any more, seen or unseen."""
    return not choices(walk)


def choose(walk: Walk, line: str) -> Walk | Mistake:
    """The walk after what a line says: the words of a choice, or its number."""
    offered = choices(walk)
    words, brace, given = line.partition("{")
    words = " ".join(words.split())
    if not offered:
        return Mistake("the run is over: nothing can happen any more")
    if words.isdecimal() and 1 <= int(words) <= len(offered):
        chosen = offered[int(words) - 1]
    else:
        named = [each for each in offered if words in (each.text, *short(each))]
        if not named:
            return Mistake(refusal(walk, words, offered))
        chosen = named[0]
    if not brace:
        return happen(walk, chosen)
    result = returned(walk, chosen, f"{{{given}")
    return result if isinstance(result, Mistake) else happen(walk, replace(chosen, result=result))


def short(choice: Choice) -> tuple[str, ...]:
    """A call that succeeds may be named alone."""
    return (choice.text.removesuffix(" succeeds"),) if choice.verb == "succeeds" else ()


def refusal(walk: Walk, words: str, offered: Sequence[Choice]) -> str:
    """Why a line is no choice."""
    if words.isdecimal():
        return f"there is no choice {words}: there are {len(offered)}"
    names = {step.name for step in walk.plan.steps}
    meant = next((word for word in words.split() if word in names), "")
    if meant:
        possible = [each.text for each in offered if each.step == meant]
        if possible:
            return f"`{words}` cannot happen now; of `{meant}` there is {wording.listing(possible, 'or')}"
        return f"nothing of `{meant}` is outstanding now: {standing_of(walk, meant)}"
    return f"`{words}` is no choice; `help` lists what there is"


def returned(walk: Walk, choice: Choice, given: str) -> Wire | Mistake:
    """The result that a line gives for a call."""
    if choice.verb != "succeeds" or choice.direction == "undo":
        return Mistake(f"`{choice.text}` returns nothing")
    if not planned(walk, choice.step).result:
        return Mistake(f"`{choice.step}` returns nothing")
    try:
        found: Wire = json.loads(given)
    except json.JSONDecodeError as error:
        return Mistake(f"the result is not JSON: {error.msg.lower()} at character {error.pos + 1}")
    return found


def planned(walk: Walk, name: str) -> Step:
    return walk.plan.steps[walk.run.layout.position[name]]


def state(walk: Walk, name: str) -> Action:
    return replay.state(walk.run, name)


# --- what may happen next ------------------------------------------------------------------------------------------


def choices(walk: Walk) -> tuple[Choice, ...]:
    """Everything that may happen next, in the order of the kernel's commands; a disturbance comes last."""
    answers = tuple(choice for command in wanted(walk) for choice in of_command(walk, command))
    return (*answers, *late(walk), *disturbances(walk))


def of_command(walk: Walk, command: Command) -> Iterator[Choice]:
    """What may come of one command."""
    match command:
        case Send():
            yield from of_call(walk, command)
        case Ask():
            yield Choice(f"probe {command.step}", "the probe is answered, as things are", "probe", command.step)
            yield Choice(
                f"probe {command.step} unanswered", "the probe is not answered", "probe", command.step, landed=False
            )
        case Wake(event=Due() as due):
            name = action_name(due.step, due.direction)
            yield Choice(
                f"retry {name}", f"the pause is over: attempt {due.attempt} is sent", "retry", due.step, due.direction
            )
        case Await():
            after = wording.duration(command.after_ms)
            yield Choice(f"lapse {command.step}", f"{after} pass: no copy can arrive any more", "lapse", command.step)
        case Acquire():
            locks = wording.listing(command.locks)
            yield Choice(f"lock {command.step}", f"the run gets {locks}", "lock", command.step)
            yield Choice(
                f"lock out {command.step}", f"another run keeps {locks} for too long", "lock out", command.step
            )
        case Wake() | Append():
            return


def action_name(step: str, direction: Direction) -> str:
    return step if direction == "do" else f"undo {step}"


def of_call(walk: Walk, send: Send) -> Iterator[Choice]:
    """What may come of a call that is on the wire, as far as its contract allows."""
    step, name = planned(walk, send.step), action_name(send.step, send.direction)
    effect = walk.effects[send.step]

    def choice(words: str, says: str, verb: Verb, failure: str = "", *, landed: bool = True) -> Choice:
        return Choice(f"{name} {words}", says, verb, send.step, send.direction, failure, landed)

    yield choice("succeeds", f"{send.service}.{send.command} answers that it is done", "succeeds")
    if not (send.direction == "do" and step.idempotent and effect.known):
        for failure in failures(walk, send):
            yield choice(f"fails {failure}", f"it is refused: {failure}, and nothing happened", "fails", failure)
        yield choice("busy", "it answers: not applied, try again", "busy")
    if step.query:
        yield choice("unanswered", "no answer comes", "unanswered", landed=False)
        return
    yield choice("unanswered landed", "it takes effect, and its answer is lost", "unanswered")
    yield choice("unanswered not landed", "no answer comes; the call is late, or lost", "unanswered", landed=False)


def failures(walk: Walk, send: Send) -> tuple[str, ...]:
    """The failures that a call declares."""
    step = planned(walk, send.step)
    return step.fails if send.direction == "do" else undo_of(walk, send.step).fails


def undo_of(walk: Walk, name: str) -> Undo:
    """The undo that the run chose for a step."""
    return planned(walk, name).undos[state(walk, name).undo_index]


def late(walk: Walk) -> Iterator[Choice]:
    """Calls that nobody waits for any more, but that may still arrive."""
    for step in walk.plan.steps:
        effect = walk.effects[step.name]
        if effect.in_flight:
            yield Choice(f"{step.name} lands", "an earlier copy of the call arrives late", "lands", step.name)
        if effect.undo_in_flight:
            yield Choice(
                f"undo {step.name} lands", "an earlier copy of the undo arrives late", "lands", step.name, "undo"
            )


def disturbances(walk: Walk) -> Iterator[Choice]:
    """What may happen to a run that is under way."""
    if kernel.is_ended(walk.run):
        return
    yield Choice("cancel", "somebody asks for the run to be turned back", "cancel")
    limit = next((each for each in wanted(walk) if isinstance(each, Wake) and isinstance(each.event, Overdue)), None)
    if limit is not None:
        assert isinstance(limit.event, Overdue)
        yield Choice("deadline", f"the {limit.event.limit} passes", "deadline")
    yield Choice("crash", "the process dies, and another one takes the run over", "crash")


# --- what it does --------------------------------------------------------------------------------------------------


def happen(walk: Walk, choice: Choice) -> Walk:
    """The walk after a choice, with all that follows by itself."""
    match choice.verb:
        case "succeeds" | "fails" | "busy" | "unanswered":
            walk = told(on_the_wire(walk, choice), answer(walk, choice))
        case "lands":
            walk = landed_late(walk, choice)
        case "cancel":
            walk = told(walk, Cancelled(walk.now))
        case "crash":
            walk = told(adrift(walk), Resumed("another process", walk.now))
        case _:
            walk = of_time(walk, choice)
    return at_once(walk)


def answer(walk: Walk, choice: Choice) -> Answered:
    """The answer to a call, at its time."""
    send = next(
        each
        for each in wanted(walk)
        if isinstance(each, Send) and (each.step, each.direction) == (choice.step, choice.direction)
    )
    outcome = OUTCOMES[choice.verb]
    done = choice.verb == "succeeds" and choice.direction == "do"
    return Answered(
        step=choice.step,
        direction=choice.direction,
        attempt=send.attempt,
        outcome=outcome,
        at=walk.now + (send.timeout_ms if outcome == "unknown" else 0),
        result=values.result_of(planned(walk, choice.step), choice.result, walk.saga.types) if done else None,
        failure=choice.failure,
        detail=replay.DETAILS.get(outcome, ""),
        pause_ms=send.pause_ms,
    )


OUTCOMES: Final[Mapping[str, Outcome]] = {
    "succeeds": "succeeded",
    "fails": "refused",
    "busy": "transient",
    "unanswered": "unknown",
}


def of_time(walk: Walk, choice: Choice) -> Walk:
    """The end of a pause, of a limit, of a wait for locks or for a call that may be late; or what a probe finds."""
    for command in wanted(walk):
        match choice.verb, command:
            case "retry", Wake(event=Due() as due) if (due.step, due.direction) == (choice.step, choice.direction):
                at = max(walk.now, command.at)
                return told(walk, Due(due.step, due.direction, due.attempt, at))
            case "deadline", Wake(event=Overdue() as overdue):
                return told(walk, Overdue(overdue.limit, max(walk.now, command.at)))
            case "probe", Ask() if command.step == choice.step:
                return told(walk, probed(walk, command, choice))
            case "lapse", Await() if command.step == choice.step:
                walk = with_effect(walk, choice.step, replace(walk.effects[choice.step], in_flight=0))
                return told(walk, Lapsed(command.step, walk.now + command.after_ms))
            case "lock", Acquire() if command.step == choice.step:
                return told(walk, Locked(command.step, command.locks, walk.now))
            case "lock out", Acquire() if command.step == choice.step:
                return told(walk, LockExpired(command.step, max(walk.now, *command.until)))
    raise AssertionError(f"{choice} was not offered")


def probed(walk: Walk, command: Ask, choice: Choice) -> Probed:
    """What a probe finds: the truth, where it is answered."""
    at = max(walk.now, command.at)
    if not choice.landed:
        return Probed(command.step, command.attempt, "unanswered", at, pause_ms=command.pause_ms)
    if walk.effects[command.step].standing <= 0:
        return Probed(command.step, command.attempt, "absent", at)
    result = values.result_of(planned(walk, command.step), None, walk.saga.types)
    return Probed(command.step, command.attempt, "present", at, result)


# --- what the services do ------------------------------------------------------------------------------------------


def on_the_wire(walk: Walk, choice: Choice) -> Walk:
    """What a call does to its service: it arrives, is refused, or stays on its way."""
    undo = choice.direction == "undo"
    if choice.verb == "succeeds" or (choice.verb == "unanswered" and choice.landed):
        return arrived(walk, choice.step, undo=undo)
    effect = walk.effects[choice.step]
    if choice.verb == "fails" and not undo:
        return with_effect(walk, choice.step, replace(effect, refused=True))
    if choice.verb == "unanswered" and not planned(walk, choice.step).query:
        return late_by_one(walk, choice.step, effect, 1, undo=undo)
    return walk


def late_by_one(walk: Walk, name: str, effect: Effect, by: int, *, undo: bool) -> Walk:
    """One copy more, or less, on its way."""
    if undo:
        return with_effect(walk, name, replace(effect, undo_in_flight=effect.undo_in_flight + by))
    return with_effect(walk, name, replace(effect, in_flight=effect.in_flight + by))


def with_effect(walk: Walk, name: str, effect: Effect) -> Walk:
    return replace(walk, effects={**walk.effects, name: effect})


def arrived(walk: Walk, name: str, *, undo: bool) -> Walk:
    """A copy of a call has arrived, and the service has done what its contract says."""
    effect = walk.effects[name]
    after = undone(undo_of(walk, name), effect) if undo else done(planned(walk, name), effect)
    return with_effect(walk, name, after)


def done(step: Step, effect: Effect) -> Effect:
    """A do arrives: once more where nothing keeps it out."""
    if step.query or effect.fenced or (step.idempotent and (effect.known or effect.refused)):
        return replace(effect, known=True)
    return replace(effect, known=True, standing=effect.standing + 1)


def undone(undo: Undo, effect: Effect) -> Effect:
    """An undo arrives: an idempotent one changes nothing the second time, a revoking one keeps late copies out."""
    if undo.revokes:
        return replace(effect, standing=0, fenced=True, undo_known=True)
    if undo.idempotent and (effect.undo_known or effect.standing <= 0):
        return replace(effect, undo_known=True)
    return replace(effect, standing=effect.standing - 1, undo_known=True)


def landed_late(walk: Walk, choice: Choice) -> Walk:
    """A copy arrives that the run no longer waits for."""
    undo = choice.direction == "undo"
    before = walk.effects[choice.step]
    walk = arrived(late_by_one(walk, choice.step, before, -1, undo=undo), choice.step, undo=undo)
    changed = walk.effects[choice.step].standing != before.standing
    what = "takes effect" if changed else "changes nothing"
    line = f"a late copy of {timeline.named(choice.step, choice.direction)} arrives, and {what}"
    return replace(walk, unseen=(*walk.unseen, (len(walk.moments), line)))


def adrift(walk: Walk) -> Walk:
    """A crash: nobody hears the answers to what was sent, and it may still arrive."""
    for command in wanted(walk):
        if isinstance(command, Send) and not planned(walk, command.step).query:
            effect = walk.effects[command.step]
            walk = late_by_one(walk, command.step, effect, 1, undo=command.direction == "undo")
    return walk


# --- walks without a person ----------------------------------------------------------------------------------------


def finished(walk: Walk) -> Walk:
    """The walk to its end, with nothing going wrong any more."""
    for _ in range(CHOICES_PER_STEP * (len(walk.plan.steps) + 1)):
        good = next((choice for choice in choices(walk) if choice.verb in GOOD and choice.landed), None)
        if good is None:
            return walk
        walk = happen(walk, good)
    raise AssertionError("a run in which nothing goes wrong comes to no end")


@dataclass(slots=True)
class Dice:
    """Draws that a seed decides, the same on every machine."""

    seed: int
    drawn: int = field(default=0)

    def draw(self, sides: int) -> int:
        """A number from 0 to one less than `sides`."""
        self.drawn += 1
        digest = hashlib.sha256(f"{self.seed}:{self.drawn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % sides


def strolled(walk: Walk, seed: int) -> Iterator[tuple[Choice, Walk]]:
    """A random walk with faults, choice by choice; once enough of them have struck, all goes well to the end."""
    dice, faults = Dice(seed), FAULTS_LEAST + FAULTS_PER_STEP * len(walk.plan.steps)
    for _ in range(CHOICES_PER_STEP * (len(walk.plan.steps) + 1)):
        offered = [each for each in choices(walk) if faults or (each.verb in GOOD and each.landed)]
        if not offered or kernel.is_ended(walk.run):
            return
        good = [each for each in offered if each.verb in GOOD and each.landed]
        # Every other time all goes well: a walk of nothing but faults does not get far.
        chosen = good[dice.draw(len(good))] if good and dice.draw(2) else offered[dice.draw(len(offered))]
        faults -= bool(faults and chosen not in good)
        walk = happen(walk, chosen)
        yield chosen, walk


# --- what is told --------------------------------------------------------------------------------------------------


def story(walk: Walk) -> tuple[str, ...]:
    """The timeline so far, with what the run does not see."""
    guards = values.guards(walk.plan)
    mattering = frozenset(place for condition in guards for place in values.variables(condition))
    lines: list[timeline.Line] = []
    for number, (before, moment) in enumerate(timeline.earlier(walk.moments), 1):
        lines += timeline.happened(before, moment, mattering)
        lines += [text for after, text in walk.unseen if after == number]
    return timeline.laid_out(timeline.collapsed(timeline.without_superseded(lines), frozenset()))


def states(walk: Walk) -> tuple[str, ...]:
    """Each step with what the run knows of it."""
    width = max((len(step.name) for step in walk.plan.steps), default=0)
    return tuple(f"{step.name:<{width}}  {standing_of(walk, step.name)}" for step in walk.plan.steps)


WORDS: Final[Mapping[str, str]] = {
    "pending": "waits",
    "locking": "waits for its locks",
    "intended": "is about to be sent",
    "sent": "on the wire",
    "paused": "between two attempts",
    "lapsing": "in doubt, until no copy can arrive",
    "probing": "in doubt, being asked after",
    "revoking": "in doubt, being revoked",
    "held": "held for a person",
    "succeeded": "done",
    "refused": "failed",
    "skipped": "skipped",
    "dropped": "dropped",
}
"""What a step's state is in words; one that has no word here is told as the kernel calls it."""

UNDO_WORDS: Final[Mapping[str, str]] = {
    "none": "",
    "sent": "its undo is on the wire",
    "paused": "its undo is between two attempts",
    "undone": "undone",
    "held": "its undo is held for a person",
}


def standing_of(walk: Walk, name: str) -> str:
    """What the run knows of a step, in words."""
    action = state(walk, name)
    undo = UNDO_WORDS[action.undo]
    return WORDS.get(action.state, action.state) + (f", {undo}" if undo else "")


def outcome(walk: Walk) -> tuple[str, ...]:
    """How far the run is, why, and what stands in the world, with what the run does not know."""
    run, status = walk.run, kernel.status(walk.run)
    word = {"running": "is under way", "unwinding": "is turning back", "held": "waits for a person"}.get(status)
    because = f": {run.cause}" if run.cause else ""
    if status == "completed" and run.cause:
        because = f", though it had turned back ({run.cause}): everything was done by then"
    lines = [f"the run {word or f'ended {status}'}{because}"]
    lines += [f"{timeline.named(held.step, held.direction)} is held: {held.why}" for held in kernel.held(run)]
    lines += [f"left behind by `{residue.step}`: {residue.why}" for residue in kernel.residue(run)]
    standing = [line for step in walk.plan.steps for line in stands(walk, step)]
    return (*lines, *(standing or ["nothing stands"]))


def stands(walk: Walk, step: Step) -> Iterator[str]:
    """Whether the effect of a step stands, and whether the run knows."""
    count, known = walk.effects[step.name].standing, step.name in kernel.standing(walk.run)
    if count > 0:
        times = "" if count == 1 else f" {count} times"
        unknown = "" if known else ", and the run takes it for undone or never done"
        yield f"`{step.name}` stands{times}{unknown}"
    elif count < 0:
        yield f"`{step.name}` was undone more often than done"

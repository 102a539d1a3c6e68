"""A simulation: a run of the real kernel whose answers are chosen, over services that keep what contracts promise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sagac.compiler import replay, values, wording
from sagac.compiler.fitting import Json, Misfit, fitted, parsed
from sagac.compiler.landing import adrift, landed_late, on_the_wire
from sagac.compiler.model import Saga
from sagac.compiler.options import choices
from sagac.compiler.recital import standing_of
from sagac.compiler.walk import Choice, Effect, Mistake, Walk, planned, told, wanted, with_effect
from sagac.runtime import kernel
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Lapsed,
    Locked,
    LockExpired,
    Outcome,
    Overdue,
    Probed,
    Resumed,
)
from sagac.runtime.plan import Plan, Wire

FAULTS_PER_STEP: Final = 2
"""So many faults for each step strike on a random walk, and a few more; then all goes well."""

FAULTS_LEAST: Final = 4

CHOICES_PER_STEP: Final = 100
"""A walk of more choices for each step than this is broken off."""

GOOD: Final = frozenset({"succeeds", "retry", "probe", "lapse", "lock"})
"""What happens where nothing goes wrong."""


def begin(saga: Saga, plan: Plan, given: Mapping[str, Json]) -> Walk | Mistake:
    """A run with this input, and plain values for what it leaves open; `given` is as `fitting.parsed` reads it."""
    unknown = sorted(given.keys() - {each.name for each in saga.inputs})
    if unknown:
        return Mistake(f"`{saga.name}` has no input `{unknown[0]}`")
    try:
        fit = {
            each.name: fitted(given[each.name], each.type, saga.types, each.name)
            for each in saga.inputs
            if each.name in given
        }
    except Misfit as misfit:
        return Mistake(str(misfit))
    whole = values.complete(saga, saga.types, fit)
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
    result = planned(walk, choice.step).result
    if not result:
        return Mistake(f"`{choice.step}` returns nothing")
    try:
        found = parsed(given)
    except Misfit as misfit:
        return Mistake(f"the result is not JSON: {misfit}")
    try:
        return fitted(found, result, walk.saga.types, choice.step)
    except Misfit as misfit:
        return Mistake(str(misfit))


# --- what a choice does --------------------------------------------------------------------------------------------


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

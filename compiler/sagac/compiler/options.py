"""What may happen next in a walk: every answer that the contracts allow, late arrivals, and disturbances."""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import wording
from sagac.compiler.walk import Choice, Verb, Walk, planned, undo_of, wanted
from sagac.runtime import kernel
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.events import Due, Overdue
from sagac.runtime.plan import Direction


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

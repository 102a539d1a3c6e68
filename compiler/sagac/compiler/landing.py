"""Landing: what the services of a walk do with the calls that reach them, as their contracts promise."""

from __future__ import annotations

from dataclasses import replace

from sagac.compiler import timeline
from sagac.compiler.walk import Choice, Effect, Walk, planned, undo_of, wanted, with_effect
from sagac.runtime.commands import Send
from sagac.runtime.plan import Step, Undo


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


def arrived(walk: Walk, name: str, *, undo: bool) -> Walk:
    """A copy of a call has arrived, and the service has done what its contract says."""
    effect = walk.effects[name]
    after = undone(undo_of(walk, name), effect) if undo else done(planned(walk, name), effect)
    return with_effect(walk, name, after)


def done(step: Step, effect: Effect) -> Effect:
    """A do arrives: once more where nothing keeps it out."""
    if step.query or effect.fenced or (step.idempotent and (effect.known or effect.refused)):
        return replace(effect, known=True)
    if step.idempotent_by_effect and effect.standing > 0:
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

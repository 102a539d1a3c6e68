"""A recital: the story of a walk so far, what is known of each step, and what stands in the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sagac.compiler import timeline, values
from sagac.compiler.walk import Walk, state
from sagac.runtime import kernel
from sagac.runtime.plan import Step


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

"""How long calls take at worst: what a schedule, the policy for a lost answer, and an undo add up to.

Milliseconds, `FOREVER` for what has no end. Every attempt may take its whole timeout. A pause may always be the longest
one that the schedule knows: a service that says "not applied, try again" may ask for it (R15).
"""

from __future__ import annotations

import math
from typing import Final

from sagac.compiler.wording import UNITS
from sagac.runtime.plan import Schedule, Step
from sagac.runtime.settling import PROBES, pause_max_ms

FOREVER: Final = math.inf


def attempts_ms(schedule: Schedule) -> float:
    """From the first send of a call until its last attempt has been answered, or has timed out."""
    return capped(schedule, counted_ms(schedule, schedule.backoff_max_ms))


def last_send_ms(schedule: Schedule) -> float:
    """From the first send of a call until its last attempt is sent."""
    return attempts_ms(schedule) - schedule.timeout_ms


def counted_ms(schedule: Schedule, first_pause_ms: int) -> float:
    """All attempts with all pauses, of which the first is given."""
    if schedule.retries is None:
        return FOREVER
    pauses_ms = first_pause_ms + (schedule.retries - 1) * schedule.backoff_max_ms if schedule.retries else 0
    return (schedule.retries + 1) * schedule.timeout_ms + pauses_ms


def capped(schedule: Schedule, total_ms: float) -> float:
    """No attempt is sent that could end after `within`; the first one always is."""
    if schedule.within_ms is None:
        return total_ms
    return min(total_ms, max(schedule.within_ms, schedule.timeout_ms))


def settling_ms(step: Step) -> float:
    """From the event that enables a step until it is done, has failed, is in doubt, or is held."""
    return waiting_ms(step) + answering_ms(step)


def waiting_ms(step: Step) -> float:
    """How long a step may wait for its locks: each within its own time, counted from one moment (R16)."""
    return max((lock.within_ms for lock in step.locks), default=0)


def answering_ms(step: Step) -> float:
    """From the first send of a step's do until it has settled."""
    if step.doubt != "probe":
        return max(attempts_ms(step.schedule), repeated_ms(step))
    asking_ms = (step.lands_within_ms or 0) + probing_ms(longest_pause_ms(step.schedule))
    if step.idempotent or step.schedule.retries is None:
        return attempts_ms(step.schedule) + asking_ms
    # Where nothing is sent twice in doubt, each attempt may be asked about before the next.
    return asked_each_ms(step)


def repeated_ms(step: Step) -> float:
    """The same where an answer was lost on the way, so that copies are waited out: the pause after it is its own."""
    if not lingering_ms(step) or not step.schedule.retries:
        return 0
    own_ms = pause_max_ms(step.schedule, step.schedule.retries)
    return capped(step.schedule, counted_ms(step.schedule, own_ms)) + lingering_ms(step)


def lingering_ms(step: Step) -> float:
    """Until no copy of a do that is repeated by its effect can land any more; none is where it is sent once."""
    if step.idempotent or not step.idempotent_by_effect or step.schedule.retries == 0:
        return 0
    return step.lands_within_ms or 0


def asked_each_ms(step: Step) -> float:
    """All attempts of a do that is not idempotent, each with the probes that settle its lost answer."""
    schedule, total_ms = step.schedule, 0.0
    assert schedule.retries is not None, step.name
    lands_ms = step.lands_within_ms or 0
    for attempt in range(1, schedule.retries + 1):
        pause_ms = pause_max_ms(schedule, attempt)
        asked_ms = lands_ms + probing_ms(pause_ms) + pause_ms
        total_ms += schedule.timeout_ms + max(schedule.backoff_max_ms, asked_ms)
    total_ms += schedule.timeout_ms + lands_ms + probing_ms(0)
    if schedule.within_ms is None:
        return total_ms
    return min(total_ms, capped(schedule, FOREVER) + lands_ms + probing_ms(longest_pause_ms(schedule)))


def draining_ms(step: Step) -> float:
    """From the turn of a run until a step that is under way has settled (R6); queries are dropped at once."""
    schedule = step.schedule
    if step.query:
        return 0
    asking_ms = (step.lands_within_ms or 0) + probing_ms(longest_pause_ms(schedule)) if step.doubt == "probe" else 0
    if not (step.idempotent or step.idempotent_by_effect):
        return schedule.timeout_ms + asking_ms
    # Only what is unanswered is sent again in a drain; and the pause after a lost answer is the schedule's own.
    return capped(schedule, counted_ms(schedule, pause_max_ms(schedule, 1))) + asking_ms + lingering_ms(step)


def undoing_ms(step: Step) -> float:
    """From the event that enables a step's undo until it is confirmed, or is held."""
    return max((attempts_ms(undo.schedule) for undo in step.undos), default=0)


def revoking_ms(step: Step) -> float | None:
    """The same for an undo of a do in doubt; `None` where that is not how the step's doubt is settled."""
    return undoing_ms(step) if step.doubt == "revoke" else None


def probing_ms(pause_ms: int) -> float:
    """All probes with their pauses, where the step's own next pause may be as long as given."""
    retries = PROBES.retries or 0
    pauses_ms = sum(max(pause_max_ms(PROBES, probe), pause_ms) for probe in range(1, retries + 1))
    return (retries + 1) * PROBES.timeout_ms + pauses_ms


def longest_pause_ms(schedule: Schedule) -> int:
    """The longest pause that may follow a probe: none where all attempts are spent before one is asked."""
    if schedule.retries == 0 or (schedule.within_ms is None and schedule.retries is not None):
        return 0
    return schedule.backoff_max_ms


def spelled(milliseconds: float) -> str:
    """`1h 20m`, `4m 30s`: in as many units as it takes."""
    if milliseconds == FOREVER:
        return "for ever"
    left, words = int(milliseconds), []
    for size, unit in UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words) or "0s"

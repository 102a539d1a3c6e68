"""Settling: what answers, pauses, probes and passed windows mean for one action (rules R2, R3 and R8)."""

from __future__ import annotations

import math
from typing import Final

from msgspec.structs import replace

from sagac.runtime.events import Answered, Probed
from sagac.runtime.plan import Schedule, Step, Undo, Wire
from sagac.runtime.run import Action

PROBES: Final = Schedule(timeout_ms=30_000, retries=3, backoff_first_ms=200, backoff_max_ms=10_000)
"""How a probe is asked and asked again: the schedule of a query that says nothing else."""

WINDOW_PASSED: Final = "window passed"

# ---- a do


def answer_do(step: Step, action: Action, event: Answered, *, draining: bool) -> Action:
    """What the answer to the outstanding attempt makes of the do (R2)."""
    match event.outcome:
        case "succeeded" if lingers(step, action):
            return replace(succeeded(action, event.result), state="lingering")
        case "succeeded":
            return succeeded(action, event.result)
        case "refused":
            return refused(step, action, event.failure, event.detail)
        case "transient":
            return not_applied(step, action, event.at + event.pause_ms, event.detail, draining=draining)
        case "unknown":
            return unanswered(step, action, event.at + event.pause_ms, event.detail)


def succeeded(action: Action, result: Wire) -> Action:
    """The do took effect and said so."""
    return replace(action, state="succeeded", result=result, has_result=True)


def lingers(step: Step, action: Action) -> bool:
    """A second landing changes nothing only right after the first: copies must not come after anything else (R3)."""
    return action.unanswered and is_repeatable(step) and not step.idempotent


def landed(action: Action) -> Action:
    """No copy of a do that is done can still arrive: now others may come after it (R3)."""
    return replace(action, state="succeeded", unanswered=False)


def refused(step: Step, action: Action, failure: str, detail: str) -> Action:
    """A declared failure: settles the step where the refusal speaks for every attempt (R2)."""
    answered = replace(action, failure=failure, detail=detail)
    return replace(answered, state="refused") if refusal_settles(step, action) else in_doubt(step, answered)


def refusal_settles(step: Step, action: Action) -> bool:
    """A refusal speaks for its attempt only, unless the command is idempotent: then for its key, for good (R2)."""
    return not action.unanswered or step.idempotent or step.query


def not_applied(step: Step, action: Action, due_at: int, detail: str, *, draining: bool) -> Action:
    """This attempt had no effect: try again by schedule, or see what the earlier ones mean (R2)."""
    if draining and not action.unanswered:
        return replace(action, state="dropped", detail=detail)
    if may_send_again(step, action, due_at):
        return replace(action, state="paused", due_at=due_at, detail=detail)
    return spent(step, replace(action, detail=detail))


def unanswered(step: Step, action: Action, due_at: int, detail: str) -> Action:
    """This attempt may have landed, or may still land: resend under the same key, or else the policy (R3)."""
    action = replace(action, unanswered=True, detail=detail)
    if may_send_again(step, action, due_at):
        return replace(action, state="paused", due_at=due_at)
    return spent(step, action)


def spent(step: Step, action: Action) -> Action:
    """No further attempt: without effect only if every attempt was answered; else in doubt (R2)."""
    if spent_settles(step, action):
        return replace(action, state="refused")
    return in_doubt(step, action)


def spent_settles(step: Step, action: Action) -> bool:
    """An answer speaks for its attempt only: an earlier unanswered attempt leaves the step in doubt (R2)."""
    return not action.unanswered or step.query


def in_doubt(step: Step, action: Action) -> Action:
    """Nobody knows: the policy that the contract allows (R3)."""
    match step.doubt:
        case "revoke":
            return replace(action, state="revoking")
        case "probe":
            return replace(action, state="lapsing")
        case "hold" | "none":
            return held(action, action.detail or "nobody knows whether it took effect")


def held(action: Action, why: str) -> Action:
    """A person must settle the do."""
    return replace(action, state="held", detail=why)


def lapsed(action: Action) -> Action:
    """No copy can still arrive: from here on the probe is believed (R3)."""
    return replace(action, state="probing", probes=1, due_at=0)


def probed(step: Step, action: Action, event: Probed, *, draining: bool) -> Action:
    """What a believed probe says: its value is the result, absence counts as transient (R3)."""
    match event.found:
        case "present":
            return succeeded(replace(action, unanswered=False), event.result)
        case "absent":
            detail = event.detail or "it did not take effect"
            due_at = event.at + event.pause_ms
            return not_applied(step, replace(action, unanswered=False), due_at, detail, draining=draining)
        case "unanswered":
            return probe_again(action, event)


def probe_again(action: Action, event: Probed) -> Action:
    """The next probe by its schedule; spent, a person must look (R3)."""
    if PROBES.retries is not None and action.probes > PROBES.retries:
        return held(action, event.detail or "the probe was not answered")
    return replace(action, probes=action.probes + 1, due_at=event.at + event.pause_ms, detail=event.detail)


def resumed_do(step: Step, action: Action) -> Action:
    """A takeover: what was sent has an unanswered attempt, and only what is idempotent is sent again (R14)."""
    if action.state != "sent" or step.query:
        return action
    action = marked_unanswered(action)
    return action if step.idempotent or is_repeatable(step) else in_doubt(step, action)


def marked_unanswered(action: Action) -> Action:
    """The mark that a takeover leaves on every do that was sent (R14)."""
    return replace(action, unanswered=True, detail="the owner of the run changed while it was sent")


def expired_do(step: Step, action: Action) -> Action:
    """The window has passed: what may have been sent is in doubt and not sent again (R3)."""
    return spent(step, replace(action, unanswered=action.unanswered or action.state == "sent", detail=WINDOW_PASSED))


def due_do(step: Step, action: Action, at: int) -> Action:
    """The pause is over: the next attempt counts as sent, if its window still stands (R3, R6)."""
    if do_has_expired(step, action, at):
        return spent(step, replace(action, detail=WINDOW_PASSED))
    return replace(action, state="sent", attempt=action.attempt + 1)


def turned(step: Step, action: Action) -> Action:
    """The run turns: what has no effect is dropped; what is in flight or in doubt settles by its policy (R6)."""
    match action.state:
        case "intended" | "locking":
            return replace(action, state="dropped")
        case "sent" if step.query:
            return replace(action, state="dropped")
        case "paused" if pause_is_dropped(step, action):
            return replace(action, state="dropped")
        case "held" if action.attempt == 0:
            return replace(action, state="dropped")
    return action


def pause_is_dropped(step: Step, action: Action) -> bool:
    """A pause is dropped unless an earlier attempt is unanswered: then the resend still settles the doubt (R2, R6)."""
    return not action.unanswered or step.query


def may_send_again(step: Step, action: Action, due_at: int) -> bool:
    """Whether schedule, idempotence and window allow another attempt at `due_at` (R2, R3)."""
    return (
        schedule_lasts(step.schedule, action.attempt, action.enabled_at, due_at)
        and may_resend(step, action)
        and window_stands(do_lasts_ms(step), action.enabled_at, due_at)
    )


def may_resend(step: Step, action: Action) -> bool:
    """A do with an unanswered attempt is sent again only where a second landing is no second effect (R3).

    Under a key that the service remembers, or by an effect that changes nothing the second time.
    """
    return not action.unanswered or step.idempotent or step.query or is_repeatable(step)


def is_repeatable(step: Step) -> bool:
    """By its effect, and for so long only as its copies can be waited out."""
    return step.idempotent_by_effect and step.lands_within_ms is not None


def do_lasts_ms(step: Step) -> float:
    """How long a do may be sent again: `idempotent for`, or without end."""
    return math.inf if step.window_ms is None else step.window_ms


# ---- an undo


def answer_undo(step: Step, action: Action, event: Answered) -> Action:
    """What the answer to the outstanding attempt makes of the undo (R8)."""
    undo, due_at = step.undos[action.undo_index], event.at + event.pause_ms
    match event.outcome:
        case "succeeded":
            return replace(action, undo="undone", undo_detail="")
        case "refused":
            return undo_failed(action, f"refused: {event.failure}" if event.failure else "refused")
        case "transient":
            again = undo_schedule_lasts(step, undo, action, due_at)
        case "unknown":
            again = undo_schedule_lasts(step, undo, action, due_at) and undo_is_idempotent(undo)
    if again:
        return replace(action, undo="paused", undo_due_at=due_at, undo_detail=event.detail)
    return undo_failed(action, event.detail or f"{event.outcome} after {action.undo_attempt} attempts")


def undo_failed(action: Action, why: str) -> Action:
    """Its budget spent or refused: held, never skipped, never retried for ever in silence (R8)."""
    return replace(action, undo="held", undo_detail=why)


def undo_schedule_lasts(step: Step, undo: Undo, action: Action, due_at: int) -> bool:
    """Whether schedule and window allow another attempt of the undo at `due_at`."""
    return schedule_lasts(undo.schedule, action.undo_attempt, action.undo_enabled_at, due_at) and window_stands(
        undo_lasts_ms(step, undo), action.undo_enabled_at, due_at
    )


def resumed_undo(step: Step, action: Action) -> Action:
    """A takeover: a sent undo is sent again only if it is idempotent; else a person must look (R14)."""
    if action.undo != "sent" or undo_is_idempotent(step.undos[action.undo_index]):
        return action
    return undo_failed(action, "the owner of the run changed while it was sent")


def due_undo(step: Step, action: Action, at: int) -> Action:
    """The pause is over: the next attempt counts as sent, if its window still stands (R3, R6)."""
    if undo_has_expired(step, action, at):
        return undo_failed(action, WINDOW_PASSED)
    return replace(action, undo="sent", undo_attempt=action.undo_attempt + 1)


def undo_is_idempotent(undo: Undo) -> bool:
    """Whether two calls of the undo are one effect: declared, or because it revokes."""
    return undo.idempotent or undo.revokes


def undo_lasts_ms(step: Step, undo: Undo) -> float:
    """How long an undo may be sent again: its own `idempotent for`, or while the do that it revokes is idempotent."""
    own = undo.window_ms if undo.idempotent and undo.window_ms is not None else math.inf
    revoked = do_lasts_ms(step) if undo.revokes else math.inf
    if undo.idempotent and undo.revokes:
        return max(own, revoked)
    return own if undo.idempotent else revoked


# ---- both


def schedule_lasts(schedule: Schedule, attempt: int, enabled_at: int, due_at: int) -> bool:
    """Whether the budget holds one more attempt at `due_at`; `within` needs room for the whole of it."""
    if schedule.retries is not None and attempt > schedule.retries:
        return False
    return schedule.within_ms is None or due_at + schedule.timeout_ms <= enabled_at + schedule.within_ms


def window_stands(lasts_ms: float, enabled_at: int, at: int) -> bool:
    """Whether the service still remembers the key at `at` (R3): from the event that enabled the first send."""
    return at < enabled_at + lasts_ms


def do_has_expired(step: Step, action: Action, at: int) -> bool:
    """Whether the service may have forgotten the do's key by then (R3)."""
    return not window_stands(do_lasts_ms(step), action.enabled_at, at)


def undo_has_expired(step: Step, action: Action, at: int) -> bool:
    """Whether the service may have forgotten the undo's key by then (R3)."""
    return not window_stands(undo_lasts_ms(step, step.undos[action.undo_index]), action.undo_enabled_at, at)


def pause_max_ms(schedule: Schedule, attempt: int) -> int:
    """The upper bound of the pause after this attempt, 0 where none follows (settled question 5)."""
    if schedule.retries is not None and attempt > schedule.retries:
        return 0
    # The doubling stops mattering long before 2**40, and `retry forever` counts on.
    return min(schedule.backoff_max_ms, schedule.backoff_first_ms << min(attempt - 1, 40))


def probe_pause_max_ms(step: Step, action: Action) -> int:
    """The bound of the pause after a probe: before the next probe, or before the do is sent again."""
    return max(pause_max_ms(PROBES, action.probes), pause_max_ms(step.schedule, action.attempt))

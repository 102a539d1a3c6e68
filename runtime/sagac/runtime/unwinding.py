"""Unwinding: what a turned run drains, and in which order it is undone (rules R6 to R8)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from sagac.runtime.expressions import Unavailable, View, evaluate, holds
from sagac.runtime.facts import Results, Statuses
from sagac.runtime.plan import Call, Wire
from sagac.runtime.positions import Positions, all_of, listed
from sagac.runtime.run import Action, Kind, Residue, Run
from sagac.runtime.settling import undo_failed

FORWARD: Final = frozenset({"sent", "paused", "lingering", "lapsing", "probing"})
"""The states of a do that is, or may be, on the wire, or whose doubt is being settled by asking."""

UNSETTLED: Final = FORWARD | {"held"}

UNDOING: Final = frozenset({"sent", "paused"})


def unwind(run: Run, at: int, changed: Sequence[int]) -> Run:
    """Drain, then undo what is ready, then end (R6, R7). Only the `changed` steps are not as they were left."""
    if not forward_settled(run):
        return run
    run = revoke_doubts(run, at)
    if not drained(run):
        return run
    if nothing_failed(run):
        return replace(run, mode="completed")
    run, ready = clear(run, changed)
    if run.cleared == all_of(len(run.actions)):
        run = hold_leftovers(run)
        return run if any_held(run) else replace(run, mode="compensated")
    return start_undos(run, ready, at)


def forward_settled(run: Run) -> bool:
    """No forward call is in flight and no doubt is being asked about: nothing is undone before (R6)."""
    return not any(do in FORWARD for do, _ in run.kinds)


def revoke_doubts(run: Run, at: int) -> Run:
    """In-doubt steps whose policy is a revoking undo are revoked in the drain (R6)."""
    doubts = run.kinds.get(("revoking", "none"))
    return start_undos(run, listed(doubts), at) if doubts else run


def drained(run: Run) -> bool:
    """Every forward call is settled and every doubt is settled by its policy, before the first undo (R6)."""
    return not any(
        do in UNSETTLED or (do == "revoking" and undo in ("none", "sent", "paused")) for do, undo in run.kinds
    )


def nothing_failed(run: Run) -> bool:
    """The drain found every step settled and none failed: the run is completed after all (R6)."""
    return all(do in ("succeeded", "skipped") and undo == "none" for do, undo in run.kinds)


def clear(run: Run, changed: Sequence[int]) -> tuple[Run, list[int]]:
    """The run with every step cleared that is unwound, and before it all that must be; and what may be undone now.

    The order passes through skipped steps, queries and steps with no undo, because they are cleared only when what
    follows them is (R7). What is cleared stays so, until a takeover looks again at everything.
    """
    cleared, ready = run.cleared or 0, []
    looked_at = [*(range(len(run.actions)) if run.cleared is None else changed)]
    for i in changed:
        looked_at += run.layout.undo_followers[i]
    while looked_at:
        i = looked_at.pop()
        if cleared >> i & 1 or not followers_cleared(run, i, cleared):
            continue
        if discharged(run, i):
            cleared |= 1 << i
            looked_at += run.layout.undo_followers[i]
        else:
            ready.append(i)
    return replace(run, cleared=cleared), ready


def followers_cleared(run: Run, i: int, cleared: Positions) -> bool:
    """Whether everything that must be unwound before step `i` is."""
    return not run.layout.undo_after[i] & ~cleared


def discharged(run: Run, i: int) -> bool:
    """Whether the step itself leaves nothing to undo: no effect, undone and confirmed, or declared to stay (R7)."""
    action = run.actions[i]
    if action.undo == "held" or action.state in UNSETTLED:
        return False
    return undo_confirmed(action) or not needs_undo(run, i)


def undo_confirmed(action: Action) -> bool:
    """Only the service's own answer confirms an undo (R7)."""
    return action.undo == "undone"


def needs_undo(run: Run, i: int) -> bool:
    """Whether the step's effect landed, or may have, and an undo of its own must take it back."""
    step, action = run.plan.steps[i], run.actions[i]
    if action.state == "revoking":
        return True
    if action.state != "succeeded" or step.query or step.remains in ("left", "undone by"):
        return False
    return step.remains == "irreversible" or choose(run, i) is not None


def choose(run: Run, i: int) -> int | None:
    """The first compensation whose guard is true over the journaled values; -1 where a guard cannot be answered."""
    undos = run.plan.steps[i].undos
    if not undos or undos[0].guard is None:
        return 0 if undos else None
    facts = view(run)
    for position, undo in enumerate(undos):
        try:
            if undo.guard is None or holds(undo.guard, facts):
                return position
        except Unavailable:
            return -1
    return None


def start_undos(run: Run, ready: Iterable[int], at: int) -> Run:
    """Enable the undos of these steps, and of those that wait: together, or one at a time, last finished first (R7)."""
    waiting = list(run.waiting)
    for i in set(ready).difference(waiting):
        insort(waiting, i, key=lambda i: (run.actions[i].finished, i))
    while waiting and may_start(run):
        i = waiting.pop()
        if run.actions[i].undo == "none":
            run = with_action(run, i, start_undo(run, i, at))
    return replace(run, waiting=tuple(waiting)) if waiting or run.waiting else run


def may_start(run: Run) -> bool:
    """`rollback in order` has one undo outstanding at a time; else independent undos run in parallel (R7)."""
    return not (run.plan.rollback_in_order and any(undo in UNDOING for _, undo in run.kinds))


def start_undo(run: Run, i: int, at: int) -> Action:
    """The undo counts as sent from this event on; what cannot be undone is held (R8)."""
    step, action, chosen = run.plan.steps[i], run.actions[i], choose(run, i)
    if step.remains == "irreversible":
        return undo_failed(action, f"irreversible: {step.because}")
    if chosen is None or chosen < 0:
        return undo_failed(action, "no compensation can be chosen from what is known")
    if action.state == "revoking" and not step.undos[chosen].revokes:
        return undo_failed(action, "nobody knows whether it took effect, and its compensation does not revoke")
    try:
        arguments(step.undos[chosen].call, view(run))
    except Unavailable as missing:
        return undo_failed(action, str(missing))
    return replace(action, undo="sent", undo_index=chosen, undo_attempt=1, undo_enabled_at=at)


def hold_leftovers(run: Run) -> Run:
    """An effect that another step's undo removes is not discharged unless that undo was confirmed (R1)."""
    for i, step in enumerate(run.plan.steps):
        if run.actions[i].state == "succeeded" and step.remains == "undone by":
            remover = run.actions[run.layout.position[step.undone_by]]
            if not undo_confirmed(remover):
                run = with_action(run, i, undo_failed(run.actions[i], f"`{step.undone_by}` was not undone"))
    return run


def any_held(run: Run) -> bool:
    """Whether an action waits for a person."""
    return any(do == "held" or undo == "held" for do, undo in run.kinds)


def waiting_for(run: Run, i: int) -> tuple[str, ...]:
    """The steps whose undo waits until step `i` is settled: all of them while it stops the drain (R6, R8)."""
    if run.mode != "unwinding":
        return ()
    later = 1 << i if run.actions[i].undo == "held" else all_of(len(run.actions))
    waiting = []
    for j in reversed(range(len(run.actions))):
        if j != i and (later >> j & 1 or later & run.layout.undo_after[j]):
            later |= 1 << j
            if run.actions[j].undo == "none" and needs_undo(run, j):
                waiting.append(run.plan.steps[j].name)
    return tuple(reversed(waiting))


def residue(run: Run) -> tuple[Residue, ...]:
    """What a rollback leaves behind, as declared: effects that stay, and what a mitigation does not restore."""
    if run.mode not in ("unwinding", "compensated"):
        return ()
    found = []
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        if action.state == "succeeded" and step.remains == "left":
            found.append(Residue(step.name, step.because))
        elif action.undo == "undone" and step.undos[action.undo_index].residue:
            found.append(Residue(step.name, step.undos[action.undo_index].residue))
    return tuple(found)


def standing(run: Run) -> tuple[str, ...]:
    """The steps whose effect stands, or may: what a person who takes the run over must know of."""
    return tuple(
        step.name
        for step, action in zip(run.plan.steps, run.actions, strict=True)
        if not step.query and action.undo != "undone" and may_stand(action)
    )


def may_stand(action: Action) -> bool:
    """Whether the do took effect, or may have."""
    return action.state in ("succeeded", "sent", "lingering", "lapsing", "probing", "revoking") or (
        action.state in ("paused", "held") and action.unanswered
    )


# ---- what every rule needs of a run


def with_action(run: Run, i: int, action: Action) -> Run:
    """The run with one action changed."""
    actions, before = list(run.actions), run.actions[i]
    actions[i] = action
    if before.state == action.state and before.undo == action.undo:
        return replace(run, actions=tuple(actions))
    return replace(run, actions=tuple(actions), kinds=moved(run.kinds, i, kind(before), kind(action)))


def with_actions(run: Run, actions: Iterable[Action]) -> Run:
    """The run with all of its actions looked at anew."""
    found = tuple(actions)
    kinds: dict[Kind, Positions] = {}
    for i, action in enumerate(found):
        kinds[kind(action)] = kinds.get(kind(action), 0) | 1 << i
    return replace(run, actions=found, kinds=kinds, cleared=None, waiting=())


def kind(action: Action) -> Kind:
    """What most rules look at."""
    return action.state, action.undo


def moved(kinds: Mapping[Kind, Positions], i: int, before: Kind, after: Kind) -> dict[Kind, Positions]:
    """The kinds after a step has gone from one to another; none is without a step."""
    found = {**kinds, after: kinds.get(after, 0) | 1 << i}
    found[before] ^= 1 << i
    if not found[before]:
        del found[before]
    return found


def view(run: Run) -> View:
    """What expressions may read of the run: journaled values only (R4)."""
    return View(run.input, Results(run), Statuses(run))


def arguments(call: Call, facts: View) -> tuple[tuple[str, Wire], ...]:
    """The call's arguments in wire form; raises `Unavailable` where one was never there."""
    return tuple((name, evaluate(expression, facts)) for name, expression in call.arguments)

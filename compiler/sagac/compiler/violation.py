"""The violation itself, looked for in a run of the kernel and in what its expressions say: never taken on trust."""

from __future__ import annotations

from sagac.compiler import wording
from sagac.compiler.model import Saga
from sagac.compiler.replay import Moments, Unreplayable, state
from sagac.compiler.verdicts import Claim, Situation
from sagac.runtime import kernel
from sagac.runtime.expressions import Unavailable, evaluate, holds
from sagac.runtime.plan import Call, Expression, Step
from sagac.runtime.run import Run
from sagac.runtime.unwinding import view


def seen(claim: Claim, situation: Situation, moments: Moments, saga: Saga) -> tuple[str, ...]:
    """What is wrong with the run, in words; raises `Unreplayable` where nothing is."""
    subject = situation.subject or claim.step
    match claim.family:
        case "A1":
            return unrecoverable(moments[-1].run, subject)
        case "A2":
            return uncovered(moments[-1].run, subject)
        case "A3":
            return out_of_order(moments, subject, situation.other, saga)
        case "C1":
            return unsettled(moments, subject, saga)
        case "D1":
            return unreadable_do(moments[-1].run, subject)
        case "D2":
            return unreadable_undo(moments, subject)
        case "A6":
            raise Unreplayable("that nothing happens is not a run")


def planned(run: Run, name: str) -> Step:
    return run.plan.steps[run.layout.position[name]]


# --- A1 ------------------------------------------------------------------------------------------------------------


def unrecoverable(run: Run, subject: str) -> tuple[str, ...]:
    """An effect without an undo stands, and the run can neither take it back nor finish."""
    step = planned(run, subject)
    if subject not in kernel.standing(run) or state(run, subject).state != "succeeded":
        raise Unreplayable(f"the effect of `{subject}` does not stand")
    if step.undos or step.remains in ("left", "undone by"):
        raise Unreplayable(f"`{subject}` has an undo")
    if run.mode not in ("unwinding", "compensated") and not kernel.held(run):
        raise Unreplayable(f"the run is {kernel.status(run)}")
    if run.committed:
        stuck = wording.listing([held.step for held in kernel.held(run)])
        return (f"`{subject}` has no undo and stays, and {stuck} cannot finish",)
    return (f"`{subject}` has no undo: it stays",)


# --- A2 ------------------------------------------------------------------------------------------------------------


def uncovered(run: Run, subject: str) -> tuple[str, ...]:
    """A finished step in a turned run, of whose compensations none or several are enabled."""
    step, action = planned(run, subject), state(run, subject)
    if action.state != "succeeded" or run.mode not in ("unwinding", "compensated"):
        raise Unreplayable(f"`{subject}` is not done in a run that turned")
    enabled = [undo for undo in step.undos if undo.guard is None or condition_holds(run, undo.guard)]
    if len(enabled) == 1 or (not enabled and subject not in kernel.standing(run)):
        raise Unreplayable(f"exactly one compensation of `{subject}` is enabled")
    if not enabled:
        return (f"no compensation of `{subject}` is enabled: its effect stays",)
    both = " and ".join(f"`{wording.call(undo.call)}`" for undo in enabled)
    return (f"of the compensations of `{subject}` both {both} are enabled",)


def condition_holds(run: Run, condition: Expression) -> bool:
    """Whether a condition is true in a run; not where it reads what is not there."""
    try:
        return holds(condition, view(run))
    except Unavailable:
        return False


# --- A3 ------------------------------------------------------------------------------------------------------------


def out_of_order(moments: Moments, subject: str, other: str, saga: Saga) -> tuple[str, ...]:
    """The undo of a step is sent while the undo of one that comes after it is not confirmed."""
    if other not in later(saga, subject):
        raise Unreplayable(f"`{other}` does not come after `{subject}`")
    for moment in moments:
        first, dependent = state(moment.run, subject), state(moment.run, other)
        if first.undo in ("sent", "undone") and dependent.state == "succeeded" and dependent.undo != "undone":
            return (f"the undo of `{subject}` is sent before the undo of `{other}` is confirmed",)
    raise Unreplayable(f"the undo of `{subject}` waits for the undo of `{other}`")


def later(saga: Saga, name: str) -> frozenset[str]:
    """All that comes after a step, by what the author wrote."""
    reached = {name}
    waits = {step.name: {dependency.step for dependency in step.dependencies} for step in saga.steps}
    while grown := {step for step, before in waits.items() if before & reached} - reached:
        reached |= grown
    return frozenset(reached - {name})


# --- C1 ------------------------------------------------------------------------------------------------------------


def unsettled(moments: Moments, subject: str, saga: Saga) -> tuple[str, ...]:
    """Nobody can say whether a call took effect, and nothing that was declared settles it."""
    run = moments[-1].run
    action = state(run, subject)
    doubtful = any(state(moment.run, subject).unanswered for moment in moments)
    if not doubtful:
        raise Unreplayable(f"every attempt of `{subject}` is answered")
    if action.state == "held" and not next(step for step in saga.steps if step.name == subject).holds_unknown:
        return (f"nobody can tell whether `{subject}` took effect, and nothing settles it",)
    if action.undo == "held":
        return (f"nobody can tell whether the undo of `{subject}` took effect, and nothing settles it",)
    raise Unreplayable(f"the doubt about `{subject}` is settled: {action.state}")


# --- D1, D2 --------------------------------------------------------------------------------------------------------


def unreadable_do(run: Run, subject: str) -> tuple[str, ...]:
    """A step is enabled, but a value that its guard or call reads is not there."""
    step, action = planned(run, subject), state(run, subject)
    if action.attempt or action.state not in ("held", "dropped"):
        raise Unreplayable(f"`{subject}` has all that it reads")
    missing = missing_in(run, step.call) if step.guard is None or condition_holds(run, step.guard) else action.detail
    return (f"`{subject}` reads what is not there: {missing or action.detail}",)


def unreadable_undo(moments: Moments, subject: str) -> tuple[str, ...]:
    """A step is to be undone, but a value that its undo reads is not there."""
    run = moments[-1].run
    step, action = planned(run, subject), state(run, subject)
    if action.undo != "held":
        raise Unreplayable(f"the undo of `{subject}` has all that it reads")
    reasons = [reason for undo in step.undos if (reason := missing_in(run, undo.call))]
    if not reasons:
        raise Unreplayable(f"the undo of `{subject}` has all that it reads")
    return (f"the undo of `{subject}` reads what is not there: {reasons[0]}",)


def missing_in(run: Run, call: Call) -> str:
    """Which value of a call is not there; empty when all are."""
    facts = view(run)
    for _, given in call.arguments:
        try:
            evaluate(given, facts)
        except Unavailable as missing:
            return str(missing)
    return ""

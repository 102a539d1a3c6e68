"""The violation itself, looked for in a run of the kernel and in what its expressions say: never taken on trust."""

from __future__ import annotations

from typing import Final

from sagac.compiler import wording
from sagac.compiler.model import Saga
from sagac.compiler.replay import Moments, Unreplayable, state
from sagac.compiler.verdicts import Claim, Situation
from sagac.runtime import kernel
from sagac.runtime.expressions import Unavailable, evaluate, holds
from sagac.runtime.plan import Call, Expression, Step
from sagac.runtime.run import Action, Run
from sagac.runtime.unwinding import view

READING: Final = "every result that "
"""How a claim begins that says what rules read, and not what they ask for."""


def seen(claim: Claim, situation: Situation, moments: Moments, saga: Saga) -> tuple[str, ...]:
    """What is wrong with the run, in words; raises `Unreplayable` where nothing is."""
    subject = situation.subject or claim.step
    match claim.family:
        case "A1":
            return both_pivots(moments, subject, situation.other) or unrecoverable(moments[-1].run, subject)
        case "A2":
            return uncovered(moments[-1].run, subject)
        case "A3":
            return out_of_order(moments, subject, situation.other, saga)
        case "C1":
            return unsettled(moments, subject, situation, saga)
        case "D1" if not claim.step:
            return unreadable_output(moments[-1].run)
        case "D1":
            return unreadable_do(moments[-1].run, subject)
        case "D2":
            return unreadable_undo(moments[-1].run, subject)
        case "D3":
            return misjudged(moments[-1].run, saga, claim)
        case "F" if claim.text.startswith(READING):
            return unreadable_rule(moments[-1].run, subject)
        case "F":
            return against_the_rule(moments, saga, claim)
        case "A6":
            raise Unreplayable("that nothing happens is not a run")
        case _:
            raise Unreplayable(f"{claim.family} is not about the states of one run")


def planned(run: Run, name: str) -> Step:
    return run.plan.steps[run.layout.position[name]]


# --- A1 ------------------------------------------------------------------------------------------------------------


def both_pivots(moments: Moments, subject: str, other: str) -> tuple[str, ...]:
    """The run has sent two pivots: empty where it has not."""
    run = moments[-1].run
    if not other or not (planned(run, subject).pivot and planned(run, other).pivot):
        return ()
    if not (state(run, subject).attempt and state(run, other).attempt):
        return ()
    return (f"the run is past two points of no return, `{other}` and `{subject}`",)


def unrecoverable(run: Run, subject: str) -> tuple[str, ...]:
    """An effect stands that is not undone, and the run can neither take it back nor finish."""
    if subject not in kernel.standing(run) or state(run, subject).state != "succeeded":
        raise Unreplayable(f"the effect of `{subject}` does not stand")
    if run.committed:
        return stuck_past_the_pivot(run, subject)
    if planned(run, subject).remains in ("left", "undone by"):
        raise Unreplayable(f"the effect of `{subject}` may stay")
    if run.mode not in ("unwinding", "compensated"):
        raise Unreplayable(f"the run is {kernel.status(run)}")
    return (f"`{subject}` has no undo: it stays",)


def stuck_past_the_pivot(run: Run, subject: str) -> tuple[str, ...]:
    """Past the point of no return a run that cannot finish cannot turn either."""
    stuck = [held.step for held in kernel.held(run)]
    if run.mode != "running" or not stuck:
        raise Unreplayable(f"the run is {kernel.status(run)}")
    return (f"past `{subject}` the run only goes forward, but {wording.listing(stuck)} cannot finish",)


# --- A2 ------------------------------------------------------------------------------------------------------------


def uncovered(run: Run, subject: str) -> tuple[str, ...]:
    """A finished step in a turned run, of whose compensations none or several are enabled."""
    step, action = planned(run, subject), state(run, subject)
    # A step whose answer was lost is undone as if it were done, where its undo revokes.
    if action.state not in ("succeeded", "revoking") or run.mode not in ("unwinding", "compensated"):
        raise Unreplayable(f"`{subject}` is not done in a run that turned")
    if step.remains != "nothing":
        return undone_elsewhere(run, step, action)
    enabled = [undo for undo in step.undos if undo.guard is None or condition_holds(run, undo.guard)]
    if len(enabled) > 1:
        both = " and ".join(f"`{wording.operation(undo.call)}`" for undo in enabled)
        return (f"both {both} apply to `{subject}`: each would undo it",)
    if enabled or subject not in kernel.standing(run):
        raise Unreplayable(f"exactly one compensation of `{subject}` applies")
    return (f"nothing undoes `{subject}`: its effect stays",)


def undone_elsewhere(run: Run, step: Step, action: Action) -> tuple[str, ...]:
    """A step whose effect another step's undo should take back, or that says two things at once."""
    if step.undos:
        return (f"`{step.name}` has a compensation, and says that it has none",)
    if step.remains == "undone by" and step.name in kernel.standing(run) and not is_undone(run, step.undone_by):
        return (f"`{step.undone_by}` is not undone, so the effect of `{step.name}` stays",)
    raise Unreplayable(f"the effect of `{step.name}` is accounted for")


def is_undone(run: Run, name: str) -> bool:
    return name in run.layout.position and state(run, name).undo == "undone"


def condition_holds(run: Run, condition: Expression) -> bool:
    """Whether a condition is true in a run; not where it reads what is not there."""
    try:
        return holds(condition, view(run))
    except Unavailable:
        return False


# --- A3 ------------------------------------------------------------------------------------------------------------


def out_of_order(moments: Moments, subject: str, other: str, saga: Saga) -> tuple[str, ...]:
    """The undo of a step is sent while the undo of one that comes after it is not confirmed."""
    if other not in later(saga, subject) or not planned(moments[-1].run, other).undos:
        raise Unreplayable(f"no undo of `{other}` goes before the undo of `{subject}`")
    for moment in moments:
        first, dependent = state(moment.run, subject), state(moment.run, other)
        if first.undo in ("sent", "undone") and dependent.state == "succeeded" and dependent.undo != "undone":
            return (f"the undo of `{subject}` is sent before the undo of `{other}` is confirmed",)
    raise Unreplayable(f"the undo of `{subject}` waits for the undo of `{other}`")


def later(saga: Saga, name: str) -> tuple[str, ...]:
    """All that comes after a step by what the author wrote, in source order."""
    reached = {name}
    waits = {step.name: {dependency.step for dependency in step.dependencies} for step in saga.steps}
    while grown := {step for step, before in waits.items() if before & reached} - reached:
        reached |= grown
    return tuple(step.name for step in saga.steps if step.name in reached - {name})


# --- C1 ------------------------------------------------------------------------------------------------------------


def unsettled(moments: Moments, subject: str, situation: Situation, saga: Saga) -> tuple[str, ...]:
    """Nobody can say whether a call took effect, and nothing that was declared settles it."""
    if situation.undo_lost:
        return unsettled_undo(moments[-1].run, subject)
    action = state(moments[-1].run, subject)
    if not any(state(moment.run, subject).unanswered for moment in moments):
        raise Unreplayable(f"every attempt of `{subject}` is answered")
    says_hold = next(step.holds_unknown for step in saga.steps if step.name == subject)
    if action.undo != "held" and (action.state != "held" or says_hold):
        raise Unreplayable(f"the doubt about `{subject}` is settled: {action.state}")
    if situation.events:
        return ("nothing that is declared settles it, and a guess may be wrong:",)
    return ("nothing that is declared settles it",)


def unsettled_undo(run: Run, subject: str) -> tuple[str, ...]:
    """Nobody can say whether an undo took effect, and it may not be sent again."""
    action = state(run, subject)
    if action.undo != "held" or not action.undo_attempt:
        raise Unreplayable(f"the undo of `{subject}` is {action.undo}")
    return ("nothing that is declared settles it, and a guess may be wrong:",)


# --- D1, D2 --------------------------------------------------------------------------------------------------------


def unreadable_do(run: Run, subject: str) -> tuple[str, ...]:
    """A step is enabled, but a value that its guard or call reads is not there; the run's story says which."""
    step, action = planned(run, subject), state(run, subject)
    if action.attempt or action.state != "held" or not unreadable(run, step.guard, step.call):
        raise Unreplayable(f"`{subject}` has all that it reads")
    return ()


def unreadable_rule(run: Run, subject: str) -> tuple[str, ...]:
    """A step of which a rule or an `ensure` reads a result was skipped."""
    if state(run, subject).state != "skipped":
        raise Unreplayable(f"`{subject}` is {state(run, subject).state}")
    return (f"`{subject}` was skipped, so what it returns is not there",)


def unreadable_output(run: Run) -> tuple[str, ...]:
    """The run completes, but a value that its output reads is not there."""
    if run.mode != "completed":
        raise Unreplayable(f"the run is {kernel.status(run)}")
    try:
        kernel.output(run)
    except Unavailable as missing:
        return (f"the output reads what is not there: {missing}",)
    raise Unreplayable("the output has all that it reads")


def unreadable_undo(run: Run, subject: str) -> tuple[str, ...]:
    """A step is to be undone, but a value that its undo reads is not there; the run's story says which."""
    undos = planned(run, subject).undos
    if state(run, subject).undo != "held" or not any(unreadable(run, undo.guard, undo.call) for undo in undos):
        raise Unreplayable(f"the undo of `{subject}` has all that it reads")
    return ()


def unreadable(run: Run, guard: Expression | None, call: Call) -> bool:
    """Whether a guard, or the call that it lets pass, reads what is not there."""
    facts = view(run)
    try:
        if guard is None or holds(guard, facts):
            for _, given in call.arguments:
                evaluate(given, facts)
    except Unavailable:
        return True
    return False


# --- D3, F ---------------------------------------------------------------------------------------------------------


def misjudged(run: Run, saga: Saga, claim: Claim) -> tuple[str, ...]:
    """All steps of a choice are settled, and none of them ran, or more than may."""
    choice = next(each for each in saga.choices if each.span == claim.span)
    states = {name: state(run, name) for name in choice.steps}
    ran = [name for name, action in states.items() if action.attempt]
    if not ran and all(action.state == "skipped" for action in states.values()):
        return (f"none of {wording.listing(list(choice.steps))} runs",)
    if len(ran) > 1 and choice.kind == "exactly":
        return (f"both {wording.listing(ran)} run",)
    raise Unreplayable(f"{wording.listing(ran) if ran else 'none of them'} runs")


def against_the_rule(moments: Moments, saga: Saga, claim: Claim) -> tuple[str, ...]:
    """A step is sent although a rule says no; or the run completes with an output that is not as its `where` says."""
    rule = next((each for each in saga.rules if each.span == claim.span), None)
    run = moments[-1].run
    if rule is None:
        return refuted_output(run, saga, claim)
    if not state(run, rule.step).attempt:
        raise Unreplayable(f"`{rule.step}` is not sent")
    if rule.guard is not None and not condition_holds(run, rule.guard.condition):
        raise Unreplayable("the rule does not apply")
    if condition_holds(run, rule.condition):
        raise Unreplayable("the rule is kept")
    return (f"`{rule.step}` is sent, but `{wording.expression(wording.plainly(rule.condition))}` does not hold",)


def refuted_output(run: Run, saga: Saga, claim: Claim) -> tuple[str, ...]:
    """The run completes, and an output's value is not as its `where` says."""
    output = next(each for each in saga.outputs if each.where is not None and each.where.span == claim.span)
    if run.mode != "completed" or output.where is None:
        raise Unreplayable(f"the run is {kernel.status(run)}")
    facts = view(run)
    given = {**facts.input, output.name: evaluate(output.value, facts)}
    if holds(output.where.condition, facts._replace(input=given)):
        raise Unreplayable(f"the output `{output.name}` is as its `where` says")
    return (f"`{output.name}` is {wording.value(given[output.name], output.type)}",)

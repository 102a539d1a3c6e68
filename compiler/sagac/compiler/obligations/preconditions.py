"""D4, preconditions at the call: what a service checks holds whenever a step is sent that may not be refused.

Of one that may be, some run has it accepted: else all that is said of what comes after it would be about no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagac.compiler import actions, courses, logic, records, wording
from sagac.compiler.actions import Action
from sagac.compiler.courses import Course, Stage, TooLongError
from sagac.compiler.logic import Value, negation
from sagac.compiler.model import Step
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Premise, Settled
from sagac.compiler.records import Effect, Place
from sagac.compiler.verdicts import Act, Claim, Proved, Refuted, Undecided


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each step whose command checks something: it declares a failure, or what it checks holds."""
    return tuple(
        owed
        for step in stage.saga.steps
        for action in (stage.deeds.does[step.name],)
        if any(map(checks, action.effects))
        for owed in (accepted(stage, step, action), *possible(stage, step, action))
    )


def checks(effect: Effect) -> bool:
    """Whether the service refuses the change somewhere."""
    return bool(effect.change.source or effect.requires)


def accepted(stage: Stage, step: Step, action: Action) -> Obligation:
    """The service accepts the step, or its refusal is one of the failures that the saga reckons with."""
    claim = Claim("D4", stage.saga.full_name, step.name, f"`{step.name}` is accepted, or may fail", step.call.span)
    fails = stage.project.operation(step.call).fails
    if fails:
        command = wording.command(action.command)
        promise = f"`{command}` answers {wording.listing(list(fails), 'or')} where it cannot do what it is asked"
        return Settled(claim, Proved((promise,)))
    places = tuple(effect.place for effect in action.effects)
    try:
        breach = refused(stage, step, action, places)
    except TooLongError as reason:
        return Settled(claim, Undecided(str(reason)))
    further = courses.beyond(stage, places)
    if not further:
        return Kept(claim, lambda: iter((breach,)))
    exactly = General(
        Form(breach.premises, breach.broken), lambda: iter((refused(stage, step, action, (*places, *further)),))
    )
    return Kept(claim, lambda: iter((exactly,)))


def possible(stage: Stage, step: Step, action: Action) -> Iterator[Obligation]:
    """A step that may be refused is accepted in some run, as far as the saga alone decides it: by its own records."""
    places = [effect.place for effect in action.effects if is_decided_here(stage, effect)]
    if not places or not stage.project.operation(step.call).fails:
        return
    claim = Claim("D4", stage.saga.full_name, step.name, f"some run has `{step.name}` accepted", step.call.span)
    try:
        course = courses.until(stage, places, step.name)
    except TooLongError:  # nothing is claimed of it then: that others rest on it is looked at with each of them
        return
    effects = [effect for effect in action.effects if effect.place in places]
    accepts = records.applied(stage.project, course.after, effects, "this run").enabled
    premises = (*course.premises, Premise(accepts, f"the service accepts `{step.name}`", step.call.span))
    never = Breach(premises, logic.FALSE, lambda values: told(stage, step, action, course, values))
    yield Kept(claim, lambda: iter((never,)))


def is_decided_here(stage: Stage, effect: Effect) -> bool:
    """The service checks something of a record that nobody but this run changes."""
    return checks(effect) and actions.is_own(stage.deeds, effect.place) and effect.place.resource not in stage.foreign


def refused(stage: Stage, step: Step, action: Action, places: tuple[Place, ...]) -> Breach:
    """The service refuses the step, after a course through these places."""
    course = courses.until(stage, places, step.name)
    enabled = records.applied(stage.project, course.after, action.effects, "this run").enabled
    premises = (*courses.about(stage, enabled), *course.premises)
    return Breach(premises, negation(enabled), lambda values: told(stage, step, action, course, values))


def told(stage: Stage, step: Step, action: Action, course: Course, values: Mapping[str, Value]) -> Refuted:
    change = next(effect.change for effect in action.effects if checks(effect))
    operation = stage.project.operation(step.call)
    resource = change.resource.rpartition(".")[2]
    wanted = f"`{resource}` in state `{change.source}`" if change.source else f"what `{resource}` requires"
    return Refuted(
        courses.history(stage, course, values, subject=step.name, also=(Act(0, step.name),)),
        f"`{step.name}` needs {wanted}, which may not be so, and `{operation.name}` declares no failure",
        change.span,
        "the service checks this",
        (
            f"let a step before `{step.name}` bring it about: `after …`",
            f"or say how it is refused: `fails …` on `{operation.name}`; then `{step.name}` may fail",
        ),
    )

"""D4, preconditions at the call: what a service checks holds whenever a step is sent that may not be refused."""

from __future__ import annotations

from collections.abc import Mapping

from sagac.compiler import courses, records, wording
from sagac.compiler.actions import Action
from sagac.compiler.courses import Course, Stage, TooLongError
from sagac.compiler.logic import Value, negation
from sagac.compiler.model import Step
from sagac.compiler.obligations.obligation import Breach, Kept, Obligation, Settled
from sagac.compiler.records import Effect
from sagac.compiler.verdicts import Act, Claim, Proved, Refuted, Undecided


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each step whose command checks something: it declares a failure, or what it checks holds."""
    return tuple(
        owed
        for step in stage.saga.steps
        if any(map(checks, stage.deeds.does[step.name].effects))
        for owed in (accepted(stage, step, stage.deeds.does[step.name]),)
    )


def checks(effect: Effect) -> bool:
    """Whether the service refuses the change somewhere."""
    return bool(effect.change.source or effect.requires)


def accepted(stage: Stage, step: Step, action: Action) -> Obligation:
    """The service accepts the step, or its refusal is one of the failures that the saga reckons with."""
    claim = Claim("D4", stage.saga.full_name, step.name, f"`{step.name}` is accepted, or may fail", step.call.span)
    fails = stage.project.operation(step.call).fails
    if fails:
        rests_on = (
            f"`{action.command}` answers {wording.listing(list(fails), 'or')} where it cannot do what it is asked",
        )
        return Settled(claim, Proved(rests_on))
    try:
        breach = refused(stage, step, action)
    except TooLongError as reason:
        return Settled(claim, Undecided(str(reason)))
    return Kept(claim, lambda: iter((breach,)))


def refused(stage: Stage, step: Step, action: Action) -> Breach:
    """The service refuses the step."""
    course = courses.until(stage, [effect.place for effect in action.effects], step.name)
    enabled = records.applied(stage.project, course.after, action.effects, "this run").enabled
    return Breach(course.premises, negation(enabled), lambda values: told(stage, step, action, course, values))


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

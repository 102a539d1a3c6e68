"""What a run may leave behind: computed from what its steps change, and from what their undos give back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sagac.compiler import planner, wording
from sagac.compiler.model import Assignment, Call, Change, Handler, Project, Saga, Step
from sagac.runtime.plan import Binary, Expression, Input, Items, Plan, Result, Unary
from sagac.runtime.plan import Step as Planned
from sagac.runtime.settling import PROBES

Kind: TypeAlias = Literal["irreversible", "left", "mitigated", "not as before"]

Arguments: TypeAlias = Mapping[str, Expression]
"""What a call gives for each parameter."""

INVERSE: Final = {"+=": "-=", "-=": "+="}

WHEN: Final[Mapping[Kind, str]] = {
    "irreversible": "once it is done: nothing takes it back",
    "left": "after a rollback in which it was done",
    "mitigated": "after a rollback that has mitigated it",
    "not as before": "after a rollback: its undo leaves it so",
}
"""In which runs it stays."""


@dataclass(frozen=True, slots=True)
class Residue:
    """What stays of one step, why, and what that is in terms of records."""

    step: str
    kind: Kind
    because: str
    """As the author says; empty where it is computed alone."""
    records: tuple[str, ...]
    """What is different from before, one line a record or field; empty where no `changes` is declared."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Where a run may stop for a person, with effects that stand until somebody has decided."""

    step: str
    direction: Literal["do", "undo"]
    why: str


def residues(project: Project, saga: Saga) -> tuple[Residue, ...]:
    """Everything that stays of a saga's runs, in the order of its steps."""
    return tuple(residue for step in saga.steps for residue in of_step(project, step))


def of_step(project: Project, step: Step) -> Iterator[Residue]:
    """What stays of one step."""
    if step.remainder is not None and step.remainder.kind != "undone by":
        stays = tuple(line for change in changes(project, step.call) for line in effect(project, step.call, change))
        yield Residue(step.name, step.remainder.kind, step.remainder.because, stays)
    for handler in step.handlers:
        differing = tuple(differences(project, step, handler))
        if handler.mitigates:
            yield Residue(step.name, "mitigated", handler.because, differing)
        elif differing:
            yield Residue(step.name, "not as before", "", differing)


def changes(project: Project, call: Call) -> tuple[Change, ...]:
    """What a call's contract declares to change."""
    return project.operation(call).changes


def effect(project: Project, call: Call, change: Change) -> Iterator[str]:
    """A change that stays, in words."""
    given = dict(call.arguments)
    record = named(change, given)
    if change.target and change.target != change.source:
        yield f"`{record}` stays `{change.target}`, which was `{change.source}`"
    for assignment in change.assignments:
        yield f"`{record}.{assignment.field}` keeps `{text(assignment, given)}`"


def differences(project: Project, step: Step, handler: Handler) -> Iterator[str]:
    """What a step and its undo together leave different from before, record by record."""
    done, undone = dict(step.call.arguments), dict(handler.call.arguments)
    back = {(change.resource, named(change, undone)): change for change in changes(project, handler.call)}
    for change in changes(project, step.call):
        record = named(change, done)
        inverse = back.pop((change.resource, record), None)
        if inverse is None:
            yield from effect(project, step.call, change)
            continue
        if change.source and inverse.target != change.source:
            yield f"`{record}` ends `{inverse.target or change.target}`, which was `{change.source}`"
        if handler.mitigates:
            yield from fields(record, change, done, inverse, undone)
    for change in back.values():
        yield from effect(project, handler.call, change)


def fields(record: str, change: Change, done: Arguments, inverse: Change, undone: Arguments) -> Iterator[str]:
    """The fields that a mitigation does not give back to the last bit."""
    first = {assignment.field: assignment for assignment in change.assignments}
    then = {assignment.field: assignment for assignment in inverse.assignments}
    for field in dict.fromkeys((*first, *then)):
        one, other = first.get(field), then.get(field)
        if one is not None and other is not None and cancels(one, done, other, undone):
            continue
        told = [text(each, given) for each, given in ((one, done), (other, undone)) if each is not None]
        yield f"`{record}.{field}` keeps " + ", then ".join(f"`{each}`" for each in told)


def cancels(one: Assignment, done: Arguments, other: Assignment, undone: Arguments) -> bool:
    """Whether the second assignment takes back the first, by its form."""
    if INVERSE.get(one.operator) != other.operator:
        return False
    return instantiated(one.value, done) == instantiated(other.value, undone)


def text(assignment: Assignment, given: Arguments) -> str:
    """An assignment with what the call gives for the parameters."""
    return f"{assignment.operator} {wording.expression(instantiated(assignment.value, given))}"


def named(change: Change, given: Arguments) -> str:
    """The record that a change is of: `Payment[order_id]`."""
    keys = ", ".join(wording.expression(instantiated(key, given)) for key in change.keys)
    return f"{change.resource.rpartition('.')[2]}[{keys}]"


def instantiated(expression: Expression, given: Arguments) -> Expression:
    """An expression over a command's parameters as one over what a call gives for them."""
    match expression:
        case Input() if expression.path[0] in given:
            return inside(given[expression.path[0]], expression)
        case Result(step=""):
            return Input(expression.path, expression.type)
        case Unary():
            return Unary(expression.operator, instantiated(expression.operand, given))
        case Binary():
            return Binary(
                expression.operator, instantiated(expression.left, given), instantiated(expression.right, given)
            )
        case Items():
            return Items(tuple(instantiated(item, given) for item in expression.items))
        case _:
            return expression


def inside(value: Expression, place: Input) -> Expression:
    """A part of what is given for a parameter."""
    rest = place.path[1:]
    match value:
        case Input():
            return Input((*value.path, *rest), place.type)
        case Result():
            return Result(value.step, (*value.path, *rest), place.type)
        case _:
            return value


def waits(project: Project, saga: Saga, plan: Plan) -> tuple[Wait, ...]:
    """Where a run may be held, in the order of the steps."""
    planned = {step.name: step for step in plan.steps}
    return tuple(wait for step in saga.steps for wait in of_step_and_undos(project, step, planned.get(step.name)))


def of_step_and_undos(project: Project, step: Step, planned: Planned | None) -> Iterator[Wait]:
    if planned is not None:
        yield from of_doubt(planned)
    for handler in step.handlers:
        undo = project.operation(handler.call)
        name = f"`{wording.operation(planner.called(handler.call))}`"
        if undo.fails:
            refusals = wording.listing(undo.fails, "or")
            said = f", as said: {handler.refusal}" if handler.refusal else ""
            yield Wait(step.name, "undo", f"{name} answers {refusals}{said}")
        if handler.schedule.retries is not None:
            tries = wording.counted(handler.schedule.retries + 1, "attempt")
            yield Wait(step.name, "undo", f"{name} comes to nothing in {tries}")


def of_doubt(planned: Planned) -> Iterator[Wait]:
    """Where a lost answer of a step may be left to a person."""
    if planned.doubt == "hold":
        yield Wait(planned.name, "do", "its answer is lost for good, and nothing that is declared settles it")
    if planned.doubt == "probe" and planned.probe is not None and PROBES.retries is not None:
        name, tries = wording.operation(planned.probe), wording.counted(PROBES.retries + 1, "attempt")
        yield Wait(planned.name, "do", f"its answer is lost, and its probe `{name}` is not answered in {tries}")

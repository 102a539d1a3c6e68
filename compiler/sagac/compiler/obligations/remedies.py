"""Remedies: what to type against an action that breaks an invariant, or lets a record refer to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagac.compiler import actions, logic, terms, wording
from sagac.compiler.actions import Action
from sagac.compiler.courses import Stage
from sagac.compiler.model import Assignment, Call, Change, InputField, Reference, Resource, Saga
from sagac.compiler.obligations.obligation import Repair
from sagac.runtime.plan import Expression, Input, Result

NUMBERS = frozenset({"int", "decimal"})


def of_invariant(stage: Stage, action: Action, resource: Resource) -> tuple[str, ...]:
    """What keeps the invariants of a resource: the command checks, or the field counts holds."""
    changes = changes_to(stage, action, resource)
    return (*checked(changes, resource), *held(stage, action, changes, resource))


def of_inputs(stage: Stage, action: Action, resource: Resource) -> tuple[Repair, ...]:
    """A `where` on each number that is given by an input which says nothing of itself: it helps in some cases only."""
    changes = changes_to(stage, action, resource)
    sent = dict(call_of(stage, action).arguments)
    open_inputs = {given.name: given for given in stage.saga.inputs if given.where is None and given.type in NUMBERS}
    read = [place for change in changes for each in change.assignments for place in inputs_of(each.value, sent)]
    return tuple(bounded(stage, open_inputs[name]) for name in dict.fromkeys(read) if name in open_inputs)


def bounded(stage: Stage, given: InputField) -> Repair:
    value = actions.part(stage.deeds.encoding, Input((given.name,), given.type))
    said = f"or say what the input can be: `{given.name}: {given.type} where {given.name} >= 0`"
    return Repair(logic.less(logic.number(0), value, strictly=False), said)


def changes_to(stage: Stage, action: Action, resource: Resource) -> list[Change]:
    return [change for change in changes_of(stage, action) if change.resource == resource.full_name]


def changes_of(stage: Stage, action: Action) -> tuple[Change, ...]:
    return stage.project.operation(call_of(stage, action)).changes


def call_of(stage: Stage, action: Action) -> Call:
    """What an action calls."""
    step = stage.steps[action.step]
    return step.call if action.undo is None else step.handlers[action.undo].call


def checked(changes: list[Change], resource: Resource) -> Iterator[str]:
    needed = [
        enough(each)
        for change in changes
        for each in change.assignments
        if each.operator != ":=" and not is_held(resource, each.field)
    ]
    condition = " and ".join(needed) or "…"
    yield f"let the command check it: `requires {condition}` in its `changes {resource.name}`"


def enough(assignment: Assignment) -> str:
    """What a command would check before it takes so much, or adds it."""
    value = wording.expression(assignment.value)
    return f"{assignment.field} >= {value}" if assignment.operator == "-=" else f"{value} >= 0"


def inputs_of(value: Expression, sent: Mapping[str, Expression]) -> Iterator[str]:
    """The inputs that stand as they are in a call, for what an expression of its contract reads."""
    for leaf in terms.leaves(value):
        if isinstance(leaf, Input):
            argument = sent.get(leaf.path[0])
            if isinstance(argument, Input) and len(argument.path) == 1:
                yield argument.path[0]


def held(stage: Stage, action: Action, changes: list[Change], resource: Resource) -> Iterator[str]:
    """A field that is given back by this command, and was taken up before it in the saga, may count holds."""
    for change in changes:
        for each in change.assignments:
            if (
                each.operator == "-="
                and not is_held(resource, each.field)
                and is_raised(stage, action, resource, each.field)
            ):
                declared = f"{each.field}: {type_of(resource, each)} hold"
                yield f"or, if `{each.field}` counts what runs hold, say so: `{declared}`"


def is_held(resource: Resource, field: str) -> bool:
    return any(each.name == field and each.hold for each in resource.fields)


def type_of(resource: Resource, assignment: Assignment) -> str:
    return next(each.type for each in resource.fields if each.name == assignment.field)


def is_raised(stage: Stage, action: Action, resource: Resource, field: str) -> bool:
    """A step before the action adds to the field."""
    return any(
        change.resource == resource.full_name and each.field == field and each.operator == "+="
        for step in stage.saga.steps
        if stage.graph.precedes(step.name, action.step) or (step.name == action.step and action.undo is not None)
        for change in stage.project.operation(step.call).changes
        for each in change.assignments
    )


# --- references ----------------------------------------------------------------------------------------------------


def of_reference(stage: Stage, action: Action, resource: Resource, reference: Reference) -> tuple[str, ...]:
    """What lets a record refer to one that is there: it is set, or comes later."""
    target = reference.resource.rpartition(".")[2]
    fields = dict.fromkeys(
        leaf.path[0] for key in reference.keys for leaf in terms.leaves(key) if isinstance(leaf, Result)
    )
    unset = [field for field in fields if not is_set(stage, stage.saga, resource, field)]
    if unset:
        lines = "  ".join(f"{field} := {given(stage, action, resource, field)}" for field in unset)
        return (f"set it, where the record comes into being: `{lines}` in `changes {resource.name}`",)
    return (f"let `{action.step}` come after the step that makes the `{target}`: then it is undone before it too",)


def given(stage: Stage, action: Action, resource: Resource, field: str) -> str:
    """A parameter of the command that could be what the field refers to."""
    needed = next(each.type for each in resource.fields if each.name == field)
    parameters = stage.project.operation(call_of(stage, action)).parameters
    return next((each.name for each in parameters if each.type == needed), "…")


def is_set(stage: Stage, saga: Saga, resource: Resource, field: str) -> bool:
    """Some step of the saga says what the field is."""
    return any(
        change.resource == resource.full_name and each.field == field
        for step in saga.steps
        for change in stage.project.operation(step.call).changes
        for each in change.assignments
    )

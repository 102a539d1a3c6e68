"""What commands do to records: their `changes`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from sagac.compiler import codes, expressions, model, reading, shapes, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, nearest
from sagac.compiler.names import distinct
from sagac.compiler.resources import own_scope, state
from sagac.compiler.scopes import Records, Root, Scope
from sagac.compiler.shapes import Fields, Shape, Wrong
from sagac.compiler.signatures import Signature


def changes(
    node: syntax.Operation, signature: Signature, service: syntax.Service, own: Mapping[str, Records]
) -> Finds[tuple[model.Change, ...]]:
    """Every `changes` of a command; one with findings is left out."""
    resources = {item.name.text: item for item in reversed(service.items) if isinstance(item, syntax.Resource)}
    found: list[model.Change] = []
    for clause in node.clauses:
        if not isinstance(clause, syntax.Changes):
            continue
        if clause.resource.text not in own:
            yield codes.finding(
                "E203",
                f"`{service.name.text}` has no resource `{clause.resource.text}`",
                clause.resource.span,
                help=nearest(clause.resource.text, own) or "a command changes records of its own service",
            )
            continue
        name = clause.resource.text
        change = yield from _change(clause, signature, resources[name], own[name], node)
        if change is not None:
            found.append(change)
    yield from _apart(found)
    yield from distinct((item.result for clause in node.clauses for item in _yielding(clause)), "by these `yields`")
    return tuple(found)


def held(node: syntax.Service, own: Mapping[str, Records]) -> Finds[None]:
    """A finding for each `hold` field that no command of the service adds to."""
    for resource, field in _holds(node):
        counts = own[resource.name.text].fields[field.name.text] in shapes.NUMBERS
        if counts and not any(_adds(item, resource, field) for item in node.items):
            yield codes.finding(
                "E333",
                f"no command adds to `{field.name.text}`, so no run ever holds any of it",
                field.span,
                help=f"write `{field.name.text} += …` in the `changes` of the command that takes it, "
                "or leave `hold` out",
            )


def _holds(node: syntax.Service) -> Iterator[tuple[syntax.Resource, syntax.ResourceField]]:
    for resource in node.items:
        for field in resource.items if isinstance(resource, syntax.Resource) else ():
            if isinstance(resource, syntax.Resource) and isinstance(field, syntax.ResourceField) and field.hold:
                yield resource, field


def _adds(item: object, resource: syntax.Resource, field: syntax.ResourceField) -> bool:
    """Whether a command adds to a field, or sets it, which has a finding of its own."""
    return isinstance(item, syntax.Operation) and any(
        isinstance(setting, syntax.Assignment)
        and setting.operator in ("+=", ":=")
        and setting.field.text == field.name.text
        for clause in item.clauses
        if isinstance(clause, syntax.Changes) and clause.resource.text == resource.name.text
        for setting in clause.items
    )


def _apart(found: Iterable[model.Change]) -> Finds[None]:
    """All changes of a command happen at once, so two of one record would be two answers to one question."""
    first: dict[object, model.Change] = {}
    for change in found:
        other = first.setdefault((change.resource, change.keys), change)
        if other is not change:
            yield codes.finding(
                "E332",
                f"this changes the same record of `{change.resource.rpartition('.')[2]}` again, and both at once",
                change.span,
                Label(other.span, "the first change"),
                help="say both in one `changes`",
            )


def _yielding(clause: syntax.OperationClause) -> Iterator[syntax.Yields]:
    for item in clause.items if isinstance(clause, syntax.Changes) else ():
        if isinstance(item, syntax.Yields):
            yield item


def _change(
    node: syntax.Changes, signature: Signature, resource: syntax.Resource, record: Records, operation: syntax.Operation
) -> Finds[model.Change | None]:
    parameters = {
        parameter.name.text: Root("local", shape, parameter.span)
        for parameter, (_, shape) in zip(operation.parameters, signature.parameters, strict=False)
        if shape is not None
    }
    place = Scope("a record's key", parameters, products=True)
    keys = yield from expressions.keys(node.keys, record.keys, node.resource, place)
    yield from _transition(node, resource, record)
    clashing = yield from _clashes(node, resource, record, operation)
    own = {name: root for name, root in own_scope("", resource, record).roots.items() if name in record.fields}
    scope = Scope("`changes`", {**parameters, **own}, silent=clashing, products=True)
    yield from distinct((item.field for item in node.items if isinstance(item, syntax.Assignment)), "in this `changes`")
    body = yield from _body(node, signature, resource, record, scope)
    if keys is None or body is None:
        return None
    return model.Change(
        resource=record.full_name,
        keys=keys,
        source=node.source.text if node.source is not None else "",
        target=node.target.text if node.target is not None else "",
        requires=body.requires,
        assignments=body.assignments,
        yields=body.yields,
        span=node.span,
    )


@dataclass(frozen=True, slots=True)
class _Body:
    """What stands in the braces of a `changes`."""

    requires: tuple[model.Guard, ...]
    assignments: tuple[model.Assignment, ...]
    yields: tuple[model.Yield, ...]


def _body(
    node: syntax.Changes, signature: Signature, resource: syntax.Resource, record: Records, scope: Scope
) -> Finds[_Body | None]:
    found: list[model.Guard | model.Assignment | model.Yield] = []
    for item in node.items:
        built = yield from _item(item, signature, resource, record, scope)
        if built is not None:
            found.append(built)
    if len(found) < len(node.items):
        return None
    return _Body(
        tuple(item for item in found if isinstance(item, model.Guard)),
        tuple(item for item in found if isinstance(item, model.Assignment)),
        tuple(item for item in found if isinstance(item, model.Yield)),
    )


def _transition(node: syntax.Changes, resource: syntax.Resource, record: Records) -> Finds[None]:
    if node.source is None or node.target is None:
        return
    if record.states is None:
        yield codes.finding(
            "E312", f"`{resource.name.text}` has no states to change", node.source.span, resource.name.span
        )
        return
    yield from state(node.source, resource.name.text, record.states)
    yield from state(node.target, resource.name.text, record.states)


def _clashes(
    node: syntax.Changes, resource: syntax.Resource, record: Records, operation: syntax.Operation
) -> Finds[frozenset[str]]:
    """A parameter may not have the name of a field that the same `changes` uses (settled question 12)."""
    used = frozenset(_used(node)) & record.fields.keys()
    places = {item.name.text: item.span for item in resource.items if isinstance(item, syntax.ResourceField)}
    for parameter in operation.parameters:
        if parameter.name.text in used:
            yield codes.finding(
                "E324",
                f"parameter `{parameter.name.text}` has the name of a field of `{resource.name.text}` "
                "that this command uses",
                parameter.name.span,
                Label(places[parameter.name.text], "the field"),
                help=f"rename the parameter: `{other_name(parameter.name.text, resource, operation)}`, for instance",
            )
    return used


def other_name(name: str, resource: syntax.Resource, operation: syntax.Operation) -> str:
    """A name that neither a field nor a parameter has."""
    taken = {item.name.text for item in resource.items if isinstance(item, syntax.ResourceField)}
    taken |= {parameter.name.text for parameter in operation.parameters}
    return next(each for each in (f"{word}_{name}" for word in ("new", "given", "the_new")) if each not in taken)


def _used(node: syntax.Changes) -> Iterator[str]:
    """The names that the body of a `changes` reads or assigns."""
    for item in node.items:
        match item:
            case syntax.Requires():
                yield from _heads(item.condition)
            case syntax.Assignment():
                yield item.field.text
                yield from _heads(item.value)
            case syntax.Yields():
                yield item.field.text
            case _:
                assert_never(item)


def _heads(node: syntax.Expression) -> Iterator[str]:
    return (reference.names[0].text for reference in reading.references(node))


def _item(
    item: syntax.Requires | syntax.Assignment | syntax.Yields,
    signature: Signature,
    resource: syntax.Resource,
    record: Records,
    scope: Scope,
) -> Finds[model.Guard | model.Assignment | model.Yield | None]:
    match item:
        case syntax.Requires():
            condition = yield from expressions.condition(item.condition, replace(scope, place="`requires`"))
            return None if condition is None else model.Guard(condition, item.condition.span)
        case syntax.Assignment():
            shape = yield from _its_field(item.field, resource, record)
            yield from _counted(item, resource)
            return None if shape is None else (yield from _assignment(item, shape, scope))
        case syntax.Yields():
            return (yield from _yields(item, signature, resource, record))
        case _:
            assert_never(item)


def _its_field(name: syntax.Name, resource: syntax.Resource, record: Records) -> Finds[Shape | None]:
    if name.text not in record.fields:
        is_key = any(key.name.text == name.text for key in resource.keys)
        yield codes.finding(
            "E206",
            f"`{name.text}` is a key of `{resource.name.text}` and never changes"
            if is_key
            else f"`{resource.name.text}` has no field `{name.text}`",
            name.span,
            help=() if is_key else nearest(name.text, record.fields),
        )
        return None
    return record.fields[name.text]


def _counted(item: syntax.Assignment, resource: syntax.Resource) -> Finds[None]:
    """What runs hold is counted, so it is never set."""
    for field in resource.items:
        if not isinstance(field, syntax.ResourceField) or field.name.text != item.field.text:
            continue
        if field.hold and item.operator == ":=":
            yield codes.finding(
                "E303",
                f"`{field.name.text}` counts what all runs hold: one can only add to it and take from it",
                item.span,
                Label(field.span, "the `hold`"),
                help="write `+=` or `-=`",
            )


def _assignment(item: syntax.Assignment, shape: Shape, scope: Scope) -> Finds[model.Assignment | None]:
    if item.operator != ":=" and shape not in shapes.NUMBERS and not isinstance(shape, Wrong):
        yield codes.finding(
            "E303",
            f"`{item.operator}` needs a number, and `{item.field.text}` is `{shapes.text(shape)}`",
            item.field.span,
            help="write `:=`",
        )
        return None
    value = yield from expressions.checked(item.value, scope, shape, f"field `{item.field.text}`")
    if value.lowered is None:
        return None
    return model.Assignment(item.field.text, item.operator, value.lowered, item.span)


def _yields(
    item: syntax.Yields, signature: Signature, resource: syntax.Resource, record: Records
) -> Finds[model.Yield | None]:
    shape = yield from _its_field(item.field, resource, record)
    result = shapes.bare(signature.result)
    if isinstance(result, Wrong):
        return None
    known = dict(result.fields) if isinstance(result, Fields) else {}
    if item.result.text not in known:
        yield codes.finding(
            "E206",
            f"the result of `{signature.operation.name}` has no field `{item.result.text}`",
            item.result.span,
            help=nearest(item.result.text, known),
        )
    elif shape is not None and not shapes.fits(shape, known[item.result.text]):
        yield codes.finding(
            "E301",
            f"`{item.result.text}` is `{shapes.text(known[item.result.text])}`, "
            f"but `{item.field.text}` is `{shapes.text(shape)}`",
            item.span,
        )
    return model.Yield(item.result.text, item.field.text, item.span)

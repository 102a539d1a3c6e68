"""Resources and what commands do to them: read and checked, and listed as not proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from sagac.compiler import codes, expressions, reading, shapes, syntax
from sagac.compiler.clauses import one_each, the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, gather, nearest
from sagac.compiler.names import View, distinct
from sagac.compiler.scopes import Records, Root, Scope
from sagac.compiler.shapes import Enumeration, Fields, Shape, Wrong
from sagac.compiler.signatures import Signature, wrong_count
from sagac.compiler.typetable import Types, fields, shape_of


def records(node: syntax.Service, view: View, types: Types) -> Finds[Mapping[str, Records]]:
    """The resources of a service as rules and other resources read them."""
    found = [item for item in node.items if isinstance(item, syntax.Resource)]
    yield from distinct((each.name for each in found), f"in `{node.name.text}`")
    known: dict[str, Records] = {}
    for each in found:
        read = yield from _record(each, view, types)
        known.setdefault(each.name.text, read)
    return known


def _record(node: syntax.Resource, view: View, types: Types) -> Finds[Records]:
    own = [item for item in node.items if isinstance(item, syntax.ResourceField)]
    yield from distinct((*(key.name for key in node.keys), *(each.name for each in own)), f"in `{node.name.text}`")
    keys = yield from fields(node.keys, view, types.find, "")
    for key, (_, shape) in zip(node.keys, keys, strict=False):
        if not shapes.is_equatable(shape):
            yield codes.finding(
                "E321", f"a record cannot be found by `{key.name.text}`, which is `{shapes.text(shape)}`", key.span
            )
    known: dict[str, Shape] = {}
    for each in own:
        shape = yield from shape_of(each.type, view, types.find)
        known.setdefault(each.name.text, shape)
    states = the(node.items, syntax.States)
    names = tuple(dict.fromkeys(state.name.text for state in states.states)) if states is not None else ()
    named = Enumeration(f"{node.name.text} state", names) if states is not None else None
    return Records(tuple(shape for _, shape in keys), known, named)


def check(
    node: syntax.Service, own: Mapping[str, Records], visible: Scope, known: Mapping[str, Signature]
) -> Finds[None]:
    """The clauses of every resource of a service; `visible` holds the resources that it may refer to."""
    for each in node.items:
        if isinstance(each, syntax.Resource):
            yield from _resource(each, own[each.name.text], visible, known)


def _resource(node: syntax.Resource, record: Records, visible: Scope, known: Mapping[str, Signature]) -> Finds[None]:
    where = f"`{node.name.text}`"
    yield from one_each(node.items, (syntax.States, syntax.Observe), where)
    yield from _once_each_set(node)
    scope = _scope("an invariant", node, record)
    for item in node.items:
        match item:
            case syntax.ResourceField():
                yield from _field(item, record, replace(visible, roots=scope.roots))
            case syntax.States():
                yield from _states(item, where)
            case syntax.StateSet():
                yield from _state_set(item, node, record)
            case syntax.Invariant():
                yield from expressions.condition(item.condition, scope)
            case syntax.Observe():
                yield from _observe(item, known, replace(scope, place="`observe`"), node)
            case _:
                assert_never(item)


def _scope(place: str, node: syntax.Resource, record: Records) -> Scope:
    """The keys and fields of a record, as its own clauses read them."""
    roots = {key.name.text: Root("local", shape, key.span) for key, shape in zip(node.keys, record.keys, strict=False)}
    for item in node.items:
        if isinstance(item, syntax.ResourceField):
            roots.setdefault(item.name.text, Root("local", record.fields[item.name.text], item.span))
    return Scope(place, roots)


def _once_each_set(node: syntax.Resource) -> Finds[None]:
    first: dict[str, syntax.StateSet] = {}
    for item in node.items:
        if not isinstance(item, syntax.StateSet):
            continue
        if item.kind in first:
            yield codes.finding(
                "E310",
                f"`{item.kind}` stands twice in `{node.name.text}`",
                item.span,
                Label(first[item.kind].span, "the first one"),
                help="keep one of them",
            )
        first.setdefault(item.kind, item)


def _field(node: syntax.ResourceField, record: Records, scope: Scope) -> Finds[None]:
    shape = record.fields[node.name.text]
    if node.default is not None:
        yield from expressions.constant(node.default, shape, f"the initial value of `{node.name.text}`")
    if node.hold and shape not in shapes.NUMBERS and not isinstance(shape, Wrong):
        yield codes.finding(
            "E303", f"a `hold` field counts what runs hold, and `{node.name.text}` is `{shapes.text(shape)}`", node.span
        )
    if node.references is not None:
        yield from _references(node.references, scope)


def _references(node: syntax.RecordState, scope: Scope) -> Finds[None]:
    target = yield from expressions.resource_of(node.resource, scope)
    if target is None:
        return
    yield from expressions.keys(node.keys, target.keys, node.resource, replace(scope, records=None))
    if node.fields or target.states is None:
        yield codes.finding(
            "E312",
            f"a reference is to a record that can be absent, and `{node.resource.text}` has no states"
            if target.states is None
            else "a reference is to a whole record, not to a field",
            node.span,
            help="give it `states absent*, present`" if target.states is None else (),
        )


def _states(node: syntax.States, where: str) -> Finds[None]:
    yield from distinct((state.name for state in node.states), f"in {where}")
    initial = [state for state in node.states if state.initial]
    if len(initial) != 1:
        labels = [Label(state.span) for state in initial[:2]] or [Label(node.span)]
        yield codes.finding(
            "E328",
            f"a record starts in one state, and {len(initial) or 'none'} of these {'are' if initial else 'is'} marked",
            *labels,
            help=f"mark one: `states {node.states[0].name.text}*, …`",
        )


def _state_set(node: syntax.StateSet, resource: syntax.Resource, record: Records) -> Finds[None]:
    yield from distinct(node.states, f"in this `{node.kind}`")
    if record.states is None:
        yield codes.finding(
            "E312", f"`{node.kind}` needs `states`, and `{resource.name.text}` has none", node.span, resource.name.span
        )
        return
    for state in node.states:
        yield from _state(state, resource.name.text, record.states)


def _state(name: syntax.Name, resource: str, states: Enumeration) -> Finds[None]:
    if name.text not in states.members:
        yield codes.finding(
            "E205",
            f"`{resource}` has no state `{name.text}`",
            name.span,
            help=nearest(name.text, states.members) or f"it has {', '.join(f'`{each}`' for each in states.members)}",
        )


def _observe(
    node: syntax.Observe, known: Mapping[str, Signature], scope: Scope, resource: syntax.Resource
) -> Finds[None]:
    name = node.call.path[-1]
    query = known.get(name.text)
    if query is None or query.operation.kind != "query" or len(node.call.path) > 1:
        queries = [each for each, other in known.items() if other.operation.kind == "query"]
        yield codes.finding(
            "E203", f"this service has no query `{name.text}`", name.span, help=nearest(name.text, queries)
        )
        return
    if len(node.call.arguments) != len(query.parameters):
        yield wrong_count(node.call, query)
        return
    keys = {key.name.text for key in resource.keys}
    own = replace(scope, roots={each: root for each, root in scope.roots.items() if each in keys})
    for argument, (parameter, wanted) in zip(node.call.arguments, query.parameters, strict=True):
        assert wanted is not None
        yield from expressions.checked(argument, own, wanted, f"parameter `{parameter}`")


# --- changes --------------------------------------------------------------------------------------------------------


def changes(
    node: syntax.Operation, signature: Signature, service: syntax.Service, own: Mapping[str, Records]
) -> Finds[None]:
    """Every `changes` of a command."""
    resources = {item.name.text: item for item in reversed(service.items) if isinstance(item, syntax.Resource)}
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
        yield from _change(clause, signature, resources[name], own[name], node)


def _change(
    node: syntax.Changes, signature: Signature, resource: syntax.Resource, record: Records, operation: syntax.Operation
) -> Finds[None]:
    parameters = {
        parameter.name.text: Root("local", shape, parameter.span)
        for parameter, (_, shape) in zip(operation.parameters, signature.parameters, strict=False)
        if shape is not None
    }
    yield from expressions.keys(node.keys, record.keys, node.resource, Scope("a record's key", parameters))
    yield from _transition(node, resource, record)
    clashing = yield from _clashes(node, resource, record, operation)
    own = {name: root for name, root in _scope("", resource, record).roots.items() if name in record.fields}
    scope = Scope("`changes`", {**parameters, **own}, silent=clashing)
    yield from distinct((item.field for item in node.items if isinstance(item, syntax.Assignment)), "in this `changes`")
    yield from gather(_item(item, signature, resource, record, scope) for item in node.items)


def _transition(node: syntax.Changes, resource: syntax.Resource, record: Records) -> Finds[None]:
    if node.source is None or node.target is None:
        return
    if record.states is None:
        yield codes.finding(
            "E312", f"`{resource.name.text}` has no states to change", node.source.span, resource.name.span
        )
        return
    yield from _state(node.source, resource.name.text, record.states)
    yield from _state(node.target, resource.name.text, record.states)


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
                help="rename the parameter",
            )
    return used


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
) -> Finds[None]:
    match item:
        case syntax.Requires():
            yield from expressions.condition(item.condition, replace(scope, place="`requires`"))
        case syntax.Assignment():
            shape = yield from _its_field(item.field, resource, record)
            if shape is not None:
                yield from _assignment(item, shape, scope)
        case syntax.Yields():
            yield from _yields(item, signature, resource, record)
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


def _assignment(item: syntax.Assignment, shape: Shape, scope: Scope) -> Finds[None]:
    if item.operator != ":=" and shape not in shapes.NUMBERS and not isinstance(shape, Wrong):
        yield codes.finding(
            "E303",
            f"`{item.operator}` needs a number, and `{item.field.text}` is `{shapes.text(shape)}`",
            item.field.span,
            help="write `:=`",
        )
        return
    yield from expressions.checked(item.value, scope, shape, f"field `{item.field.text}`")


def _yields(item: syntax.Yields, signature: Signature, resource: syntax.Resource, record: Records) -> Finds[None]:
    shape = yield from _its_field(item.field, resource, record)
    result = shapes.bare(signature.result)
    if isinstance(result, Wrong):
        return
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

"""Resources: the abstract state of a service, a record for each key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from sagac.compiler import codes, expressions, model, shapes, syntax
from sagac.compiler.clauses import one_each, the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, gather, nearest
from sagac.compiler.names import View, distinct, qualified
from sagac.compiler.scopes import Records, Root, Scope
from sagac.compiler.shapes import Enumeration, Fields, Many, Maybe, Shape, Wrong
from sagac.compiler.signatures import Signature, wrong_count
from sagac.compiler.typetable import Types, fields, shape_of
from sagac.runtime.plan import Wire


def records(node: syntax.Service, full_name: str, view: View, types: Types) -> Finds[Mapping[str, Records]]:
    """The resources of a service as rules and other resources read them."""
    found = [item for item in node.items if isinstance(item, syntax.Resource)]
    yield from distinct((each.name for each in found), f"in `{node.name.text}`")
    known: dict[str, Records] = {}
    for each in found:
        read = yield from _record(each, qualified(full_name, each.name.text), view, types)
        known.setdefault(each.name.text, read)
    return known


def _record(node: syntax.Resource, full_name: str, view: View, types: Types) -> Finds[Records]:
    own = [item for item in node.items if isinstance(item, syntax.ResourceField)]
    yield from distinct((*(key.name for key in node.keys), *(each.name for each in own)), f"in `{node.name.text}`")
    keys = yield from fields(node.keys, view, types.find, "")
    for key, (_, shape) in zip(node.keys, keys, strict=False):
        if shape == shapes.DECIMAL:
            yield codes.finding(
                "E321",
                f"a record cannot be found by `{key.name.text}`: one `decimal` can be written in several ways, "
                "as `1` and `1.0`",
                key.span,
                help="take an `int`, a `string` or a `uuid`",
            )
        elif not shapes.is_equatable(shape):
            yield codes.finding(
                "E321", f"a record cannot be found by `{key.name.text}`, which is `{shapes.text(shape)}`", key.span
            )
    known: dict[str, Shape] = {}
    for each in own:
        shape = yield from shape_of(each.type, view, types.find)
        yield from _decidable(each, shape)
        known.setdefault(each.name.text, shape)
    states = the(node.items, syntax.States)
    names = tuple(dict.fromkeys(state.name.text for state in states.states)) if states is not None else ()
    named = Enumeration(f"{node.name.text} state", names, of_records=True) if states is not None else None
    return Records(full_name, tuple(shape for _, shape in keys), known, named)


def _decidable(node: syntax.ResourceField, shape: Shape) -> Finds[None]:
    """A field holds one value that is always there: more than that no proof about records could decide."""
    instead = ""
    match shape:
        case Many():
            instead = "write a resource of its own, with a record for each element, or a field that counts them"
        case Fields():
            instead = "write its fields here, one by one"
        case Maybe():
            instead = "say with a state of the record whether it is there"
        case _:
            return
    yield codes.finding(
        "E331",
        f"`{node.name.text}` is `{shapes.text(shape)}`, and a record holds single values that are always there",
        node.type.span,
        help=instead,
    )


# --- clauses --------------------------------------------------------------------------------------------------------


def check(
    node: syntax.Service,
    full_name: str,
    own: Mapping[str, Records],
    visible: Scope,
    known: Mapping[str, Signature],
) -> Finds[Mapping[str, model.Resource]]:
    """Every resource of a service, by bare name; `visible` holds the resources that it may refer to."""
    found: dict[str, model.Resource] = {}
    for each in node.items:
        if isinstance(each, syntax.Resource):
            resource = yield from _resource(each, full_name, own[each.name.text], visible, known)
            found.setdefault(resource.name, resource)
    return found


def _resource(
    node: syntax.Resource, service: str, record: Records, visible: Scope, known: Mapping[str, Signature]
) -> Finds[model.Resource]:
    where = f"`{node.name.text}`"
    yield from one_each(node.items, (syntax.States, syntax.Observe), where)
    yield from _once_each_set(node)
    scope = own_scope("an invariant", node, record)
    states, observe = the(node.items, syntax.States), the(node.items, syntax.Observe)
    initial = (yield from _states(states, where)) if states is not None else ""
    if observe is not None:
        yield from _observe(observe, known, replace(scope, place="`observe`"), node)
    return model.Resource(
        service=service,
        name=node.name.text,
        keys=tuple(
            model.Parameter(key.name.text, shapes.text(shape), key.span, key.doc)
            for key, shape in zip(node.keys, record.keys, strict=False)
        ),
        fields=(yield from _fields(node, record, replace(visible, roots=scope.roots))),
        states=record.states.members if record.states is not None else (),
        initial=initial,
        clean=(yield from _set(node, "clean", record, frozenset({initial} if initial else ()))),
        done=(yield from _set(node, "done", record, frozenset(record.states.members if record.states else ()))),
        invariants=(yield from _invariants(node, scope)),
        observe=observe.call.path[-1].text if observe is not None else "",
        span=node.span,
        doc=node.doc,
    )


def own_scope(place: str, node: syntax.Resource, record: Records) -> Scope:
    """The keys and fields of a record, as its own clauses read them."""
    roots = {key.name.text: Root("local", shape, key.span) for key, shape in zip(node.keys, record.keys, strict=False)}
    for item in node.items:
        if isinstance(item, syntax.ResourceField):
            roots.setdefault(item.name.text, Root("field", record.fields[item.name.text], item.span))
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


def _fields(node: syntax.Resource, record: Records, scope: Scope) -> Finds[tuple[model.ResourceField, ...]]:
    found: dict[str, model.ResourceField] = {}
    for item in node.items:
        if isinstance(item, syntax.ResourceField):
            field = yield from _field(item, record, scope)
            found.setdefault(field.name, field)
    return tuple(found.values())


def _field(node: syntax.ResourceField, record: Records, scope: Scope) -> Finds[model.ResourceField]:
    shape = record.fields[node.name.text]
    initial: Wire = None
    if node.name.text == "state" and record.states is not None:
        yield codes.finding(
            "E212",
            "`state` cannot name a field of a resource that has states: it would be taken for the record's own state",
            node.name.span,
            help="write `state_`, or make it one of the `states`",
        )
    if node.default is not None:
        initial = yield from expressions.constant(node.default, shape, f"the initial value of `{node.name.text}`")
    if node.hold and shape not in shapes.NUMBERS and not isinstance(shape, Wrong):
        yield codes.finding(
            "E303", f"a `hold` field counts what runs hold, and `{node.name.text}` is `{shapes.text(shape)}`", node.span
        )
    return model.ResourceField(
        name=node.name.text,
        type=shapes.text(shape),
        initial=initial,
        has_initial=node.default is not None,
        hold=node.hold,
        reference=(yield from _reference(node.references, scope)) if node.references is not None else None,
        span=node.span,
        doc=node.doc,
    )


def _reference(node: syntax.RecordState, scope: Scope) -> Finds[model.Reference | None]:
    target = yield from expressions.resource_of(node.resource, scope)
    if target is None:
        return None
    keys = yield from expressions.keys(node.keys, target.keys, node.resource, replace(scope, records=None))
    if node.fields or target.states is None:
        yield codes.finding(
            "E312",
            f"a reference is to a record that can be absent, and `{node.resource.text}` has no states"
            if target.states is None
            else "a reference is to a whole record, not to a field",
            node.span,
            help="give it `states absent*, present`" if target.states is None else (),
        )
    return None if keys is None else model.Reference(target.full_name, keys, node.span)


def _states(node: syntax.States, where: str) -> Finds[str]:
    """The state that records start in."""
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
    return (initial or node.states)[0].name.text


def _set(
    node: syntax.Resource, kind: Literal["clean", "done"], record: Records, default: frozenset[str]
) -> Finds[frozenset[str]]:
    """The states that `clean` or `done` lists, or the default where nothing does."""
    clause = next((item for item in node.items if isinstance(item, syntax.StateSet) and item.kind == kind), None)
    if clause is None:
        return default
    yield from distinct(clause.states, f"in this `{kind}`")
    if record.states is None:
        yield codes.finding(
            "E312", f"`{kind}` needs `states`, and `{node.name.text}` has none", clause.span, node.name.span
        )
        return frozenset()
    for name in clause.states:
        yield from state(name, node.name.text, record.states)
    found = frozenset(name.text for name in clause.states)
    if found == default:
        yield codes.finding("N601", f"this `{kind}` is the default", clause.span, help="it may be left out")
    return found


def state(name: syntax.Name, resource: str, states: Enumeration) -> Finds[None]:
    """A finding where a resource has no state of this name."""
    if name.text not in states.members:
        yield codes.finding(
            "E205",
            f"`{resource}` has no state `{name.text}`",
            name.span,
            help=nearest(name.text, states.members) or f"it has {', '.join(f'`{each}`' for each in states.members)}",
        )


def _invariants(node: syntax.Resource, scope: Scope) -> Finds[tuple[model.Guard, ...]]:
    clauses = [item for item in node.items if isinstance(item, syntax.Invariant)]
    lowered = yield from gather(expressions.condition(clause.condition, scope) for clause in clauses)
    return tuple(
        model.Guard(condition, clause.condition.span)
        for clause, condition in zip(clauses, lowered, strict=True)
        if condition is not None
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

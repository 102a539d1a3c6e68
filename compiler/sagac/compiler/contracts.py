"""Services: their owner, operations and resources together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sagac.compiler import effects, model, resources, syntax, unproved
from sagac.compiler.clauses import one_each, positive, the
from sagac.compiler.finds import Finds
from sagac.compiler.names import Declared, View
from sagac.compiler.promises import promises
from sagac.compiler.scopes import Records, Scope
from sagac.compiler.signatures import Signature, signatures
from sagac.compiler.source import Span
from sagac.compiler.typetable import Types


@dataclass(frozen=True, slots=True)
class Outline:
    """A service's operations and records, before its clauses are checked against those of others."""

    declared: Declared
    node: syntax.Service
    signatures: Mapping[str, Signature]
    records: Mapping[str, Records]


@dataclass(frozen=True, slots=True)
class Contract:
    """A service, with what calls and rules need to know of it."""

    service: model.Service
    outline: Outline
    unproved: tuple[model.Unproved, ...]
    """What is declared for the whole service and not proved."""
    sla_span: Span
    """Where the partner's `sla` stands, or the service's name where there is none."""


def outline(declared: Declared, view: View, types: Types) -> Finds[Outline]:
    """What a service offers."""
    node = declared.node
    assert isinstance(node, syntax.Service), node
    known = yield from promises((yield from signatures(node, declared.full_name, view, types)), view)
    return Outline(declared, node, known, (yield from resources.records(node, declared.full_name, view, types)))


def visible_records(outlines: Iterable[Outline], place: str, own: Mapping[str, Records] | None = None) -> Scope:
    """A scope with the resources of these services; `own` ones go before others of the same name."""
    known: dict[str, Records] = {}
    doubled: set[str] = set()
    for outline in outlines:
        doubled |= known.keys() & outline.records.keys()
        known |= outline.records
    first = own or {}
    return Scope(place, records={**known, **first}, doubled=frozenset(doubled - first.keys()))


def contract(outline: Outline, visible: Iterable[Outline], *, blind: bool = False) -> Finds[Contract]:
    """The service whole; `visible` are the services whose resources it can refer to, all of them unless `blind`."""
    node = outline.node
    owner = yield from _owner(node)
    scope = replace(visible_records(visible, "a reference", outline.records), blind=blind)
    known = yield from resources.check(node, outline.declared.full_name, outline.records, scope, outline.signatures)
    operations = [item for item in node.items if isinstance(item, syntax.Operation)]
    changed = yield from _operations(outline, operations)
    yield from effects.held(node, outline.records)
    return Contract(
        _service(outline, owner, changed, known),
        outline,
        tuple(unproved.service(node)),
        owner.sla.span if owner is not None and owner.sla is not None else node.name.span,
    )


def _operations(outline: Outline, nodes: Iterable[syntax.Operation]) -> Finds[Mapping[str, model.Operation]]:
    """The operations with what they change; of two with one name, the first."""
    found: dict[str, model.Operation] = {}
    for node in nodes:
        signature = outline.signatures[node.name.text]
        changes: tuple[model.Change, ...] = ()
        if node.kind == "command":
            changes = yield from effects.changes(node, signature, outline.node, outline.records)
        found.setdefault(node.name.text, replace(signature.operation, changes=changes))
    return found


def _owner(node: syntax.Service) -> Finds[syntax.Owner | None]:
    yield from one_each(node.items, (syntax.Owner,), f"`{node.name.text}`")
    owner = the(node.items, syntax.Owner)
    if owner is None:
        return None
    if owner.sla is not None:
        yield from positive(owner.sla, "an `sla`")
    return owner


def _service(
    outline: Outline,
    owner: syntax.Owner | None,
    operations: Mapping[str, model.Operation],
    known: Mapping[str, model.Resource],
) -> model.Service:
    node = outline.node
    return model.Service(
        name=node.name.text,
        owner=owner.name.value if owner is not None else "",
        partner=owner is not None and owner.partner,
        sla_ms=owner.sla.ms if owner is not None and owner.sla is not None else None,
        contract=owner.contract.value if owner is not None and owner.contract is not None else "",
        operations=operations,
        resources=known,
        declared=True,
        span=node.span,
        doc=node.doc,
    )

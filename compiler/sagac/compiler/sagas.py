"""Sagas: everything that one says, read and checked together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sagac.compiler import codes, givens, inputs, model, ordering, reading, rules, shapes, steps, syntax
from sagac.compiler.clauses import one_each, positive, the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, about, collect
from sagac.compiler.frames import Frame, Use, World, signature
from sagac.compiler.names import Declared, View
from sagac.compiler.scopes import Root
from sagac.compiler.shapes import Shape
from sagac.compiler.signatures import Signature, result_shape
from sagac.compiler.source import Span
from sagac.compiler.steps import Resolved
from sagac.compiler.typetable import lower
from sagac.runtime.plan import Enum, Record


@dataclass(frozen=True, slots=True)
class Read:
    """A saga as far as it could be read; `saga` is `None` where a part is missing."""

    name: str
    saga: model.Saga | None
    uses: tuple[Use, ...]


_ONCE = (
    syntax.Owner,
    syntax.Key,
    syntax.InputBlock,
    syntax.OutputBlock,
    syntax.Deadline,
    syntax.Rollback,
    syntax.OnUnknownHold,
)


def saga(declared: Declared, view: View, world: World) -> Finds[Read]:
    """One saga; its findings are marked with its name."""
    return (yield from about(_saga(declared, view, world), declared.full_name))


def _saga(declared: Declared, view: View, world: World) -> Finds[Read]:
    node = declared.node
    assert isinstance(node, syntax.Saga), node
    yield from one_each(node.items, _ONCE, f"`{node.name.text}`")
    yield from _unsupported(node)
    block = the(node.items, syntax.InputBlock)
    known = yield from inputs.input_shapes(block, view, world.types)
    frame = yield from _frame(declared, view, world, known)
    fields = yield from inputs.inputs(block, known, frame.steps)
    key = yield from inputs.key(the(node.items, syntax.Key), node, known)
    (resolved, unsure), findings = collect(_steps(node, frame))
    yield from findings
    frame = replace(frame, unaccounted=frozenset(each.step for each in findings if each.code == "E314"))
    output = yield from inputs.outputs(the(node.items, syntax.OutputBlock), frame)
    ruled = yield from rules.rules(node, frame)
    yield from ordering.rules(node, resolved, frame, unsure)
    scenarios = yield from givens.scenarios(node, frame, known)
    waivers = yield from givens.waivers(node, frame)
    deadline, rollback = the(node.items, syntax.Deadline), the(node.items, syntax.Rollback)
    within = rollback.within if rollback is not None else None
    values = (*known.values(), *(shape for _, shape in output), *_contract_shapes(resolved, frame))
    types = yield from _types(node, values)
    built = tuple(each.step for each in resolved.values() if each.step is not None)
    complete = model.Saga(
        package=declared.package,
        name=node.name.text,
        version=node.version,
        owner=(yield from _owner(node)),
        key=key,
        inputs=fields,
        outputs=tuple(field for field, _ in output),
        steps=built,
        deadline_ms=(yield from positive(deadline.duration, "a `deadline`")) if deadline is not None else None,
        rollback_within_ms=(yield from positive(within, "`rollback within`")) if within is not None else None,
        rollback_in_order=rollback is not None and rollback.in_order,
        scenarios=scenarios,
        waivers=waivers,
        unproved=tuple(_unproved_contracts(resolved, frame)),
        span=node.span,
        name_span=node.name.span,
        doc=node.doc,
        types=types,
        ensures=ruled.ensures,
        rules=ruled.rules,
        choices=ruled.choices,
        deadline_span=deadline.span if deadline is not None else None,
        rollback_span=rollback.span if rollback is not None else None,
    )
    sound = all(map(shapes.is_sound, values)) and len(built) == len(frame.steps)
    uses = tuple(use for each in resolved.values() for use in each.uses)
    return Read(declared.full_name, complete if sound else None, uses)


def _unsupported(node: syntax.Saga) -> Finds[None]:
    if node.version < 1:
        yield codes.finding("E319", "versions count from 1", node.name.span, help=f"write `{node.name.text} version 1`")
    for item in node.items:
        if isinstance(item, syntax.Approval):
            yield codes.finding(
                "E502",
                "`approval` is not supported in this version",
                item.name.span,
                help=(
                    "let a service ask for the decision, and make it a step that can be refused",
                    "why: a run moves by answers to calls: no claim about its end and its rules (A1, A4, F) covers a "
                    "decision that a person makes or does not make",
                ),
            )
    if not any(isinstance(item, syntax.Step | syntax.Approval) for item in node.items):
        yield codes.finding("E311", f"`{node.name.text}` has no steps", node.name.span, help="write a `step`")


def _owner(node: syntax.Saga) -> Finds[str]:
    owner = the(node.items, syntax.Owner)
    if owner is None:
        return ""
    if owner.partner:
        yield codes.finding(
            "E312", "a saga belongs to a team; a partner owns a service", owner.span, help='write `owner "team"`'
        )
    return owner.name.value


# --- names ----------------------------------------------------------------------------------------------------------


def _frame(declared: Declared, view: View, world: World, known: Mapping[str, Shape]) -> Finds[Frame]:
    """The names of a saga: inputs, steps, approvals and services share one space (settled question 12)."""
    node = declared.node
    assert isinstance(node, syntax.Saga), node
    yield from _one_space(node)
    nodes: dict[str, syntax.Step] = {}
    doubled: set[str] = set()
    for item in node.items:
        if isinstance(item, syntax.Step) and nodes.setdefault(item.name.text, item) is not item:
            doubled.add(item.name.text)
    signatures: dict[str, Signature | None] = {}
    for name, step in nodes.items():
        own = yield from about(_own_signature(step, view, world), declared.full_name, name)
        signatures[name] = None if name in doubled else own
    roots = {name: Root("step", own.result, nodes[name].name.span) for name, own in signatures.items() if own}
    block = the(node.items, syntax.InputBlock)
    places = {field.name.text: field.name.span for field in reversed(block.fields)} if block is not None else {}
    roots.update({name: Root("input", shape, places[name]) for name, shape in known.items()})
    roots = {name: root for name, root in roots.items() if name not in nodes or name not in known}
    silent = {name for name, own in signatures.items() if own is None} | (nodes.keys() & known.keys())
    silent |= {item.name.text for item in node.items if isinstance(item, syntax.Approval)}
    present = inputs.shown(block) | inputs.keyed(the(node.items, syntax.Key))
    if doubled:  # one of the two was meant to have another name, which anything else here may speak of
        silent |= reading.words((node,)) - nodes.keys() - known.keys()
    return Frame(declared.full_name, view, world, nodes, signatures, roots, frozenset(silent), present)


def _one_space(node: syntax.Saga) -> Finds[None]:
    first: dict[str, tuple[str, Span]] = {}
    told: set[str] = set()
    for what, name in _named(node):
        if name.text not in first:
            first[name.text] = (what, name.span)
            continue
        before, place = first[name.text]
        if what == "a service" and (before == "a service" or name.text in told):
            continue
        told.add(name.text)
        message = (
            f"`{name.text}` is declared twice in `{node.name.text}`"
            if what == before
            else f"`{name.text}` names {before} and {what} of `{node.name.text}`"
        )
        yield codes.finding("E207", message, name.span, Label(place, before), help="rename one of them")


def _named(node: syntax.Saga) -> Iterator[tuple[str, syntax.Name]]:
    """Everything in a saga that has a name in its one space, then the services that it calls."""
    for item in node.items:
        match item:
            case syntax.InputBlock():
                yield from (("an input", field.name) for field in item.fields)
            case syntax.Step():
                yield "a step", item.name
            case syntax.Approval():
                yield "an approval", item.name
            case _:
                pass
    for item in node.items:
        for clause in item.clauses if isinstance(item, syntax.Step) else ():
            if isinstance(clause, syntax.Do | syntax.Undo) and len(clause.call.path) == 2:
                yield "a service", clause.call.path[0]


def _own_signature(node: syntax.Step, view: View, world: World) -> Finds[Signature | None]:
    """The contract of a step's own call."""
    do = the(node.clauses, syntax.Do)
    if do is None:
        if not steps.is_untyped(node):
            yield codes.finding(
                "E311", f"step `{node.name.text}` does nothing", node.name.span, help="write `do service.command(…)`"
            )
        return None
    own = yield from signature(do.call.path, view, world)
    if own is None:
        return None
    if do.result is not None and own.operation.declared:
        yield from _written_result(do, own, view, world)
    return None if steps.is_untyped(node) else own


def _written_result(do: syntax.Do, own: Signature, view: View, world: World) -> Finds[None]:
    assert do.result is not None
    yield from result_shape(do.result, view, world.types)
    yield codes.finding(
        "E308",
        f"the result of `{own.operation.name}` is declared already",
        do.result.span,
        own.label,
        help="delete the `-> …` here",
    )


# --- steps ----------------------------------------------------------------------------------------------------------


def _steps(node: syntax.Saga, frame: Frame) -> Finds[tuple[Mapping[str, Resolved], frozenset[str]]]:
    """All steps, in source order, and the rules between them; and the names whose order is not known for sure."""
    holds = the(node.items, syntax.OnUnknownHold) is not None
    found: dict[str, Resolved] = {}
    unsure: set[str] = set()
    for item in node.items:
        if isinstance(item, syntax.Step) and item is frame.steps[item.name.text]:
            resolved, findings = collect(about(steps.step(item, frame, holds), frame.name, item.name.text))
            yield from findings
            found[item.name.text] = resolved
            unknown = any(finding.code.startswith(("E2", "E5")) for finding in findings)
            if unknown or steps.reads_approval(item, frame):
                unsure.add(item.name.text)
    doubtful = frozenset(unsure) | frame.silent
    yield from ordering.check(found, frame, doubtful)
    return found, doubtful


def _called(resolved: Mapping[str, Resolved]) -> Iterator[model.Call]:
    for each in resolved.values():
        if each.step is not None:
            yield each.step.call
            yield from (handler.call for handler in each.step.handlers)


def _unproved_contracts(resolved: Mapping[str, Resolved], frame: Frame) -> Iterable[model.Unproved]:
    """What the contracts that a saga relies on declare, and this version does not prove; each once."""
    found: dict[model.Unproved, None] = {}
    for call in _called(resolved):
        contract = frame.world.contracts.get(call.service)
        if contract is not None:
            found.update(dict.fromkeys(contract.unproved))
    return found


# --- types ----------------------------------------------------------------------------------------------------------


def _types(node: syntax.Saga, values: tuple[Shape, ...]) -> Finds[Mapping[str, Record | Enum]]:
    """The declared types that a run's values can have, by bare name; two of one name cannot stand in one plan."""
    found: dict[str, Shape] = {}
    for part in values:
        for shape in shapes.named(part):
            if found.setdefault(shape.name, shape) != shape:
                yield codes.finding(
                    "E208",
                    f"`{node.name.text}` meets two types called `{shape.name}`, from different packages",
                    node.name.span,
                    help="rename one of them",
                )
    return {name: lower(found[name]) for name in sorted(found)}


def _contract_shapes(resolved: Mapping[str, Resolved], frame: Frame) -> Iterator[Shape]:
    seen: set[tuple[str, str]] = set()
    for service in sorted({call.service for call in _called(resolved)} & frame.world.contracts.keys()):
        for record in frame.world.contracts[service].outline.records.values():
            yield from (*record.keys, *record.fields.values())
    for call in _called(resolved):
        if (call.service, call.operation) in seen:
            continue
        seen.add((call.service, call.operation))
        contract = frame.world.contracts.get(call.service)
        if contract is not None:
            own = contract.outline.signatures[call.operation]
            yield from (shape for _, shape in own.parameters if shape is not None)
            yield own.result

"""Services that nobody declared: what they offer is inferred from how sagas call them (settled question 13)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from keyword import iskeyword

from sagac.compiler import codes, model, shapes, syntax
from sagac.compiler.calls import join
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, about
from sagac.compiler.frames import Use
from sagac.compiler.names import TAKEN, Declared, View, qualified
from sagac.compiler.shapes import Shape
from sagac.compiler.signatures import Signature, lowered_result, result_shape
from sagac.compiler.source import Span
from sagac.compiler.typetable import Types


@dataclass(slots=True)
class _Calls:
    """All that sagas say of one operation, in source order."""

    first: syntax.Call
    results: list[tuple[syntax.Type, View, str]] = field(default_factory=list)
    failures: dict[str, None] = field(default_factory=dict)
    undoes: set[tuple[str, str]] = field(default_factory=set)


def operations(sagas: Iterable[tuple[Declared, View]], types: Types) -> Finds[Mapping[str, Mapping[str, Signature]]]:
    """Every operation that a saga calls, by the full name of its service; the types of parameters still open."""
    seen: dict[tuple[str, str], _Calls] = {}
    for declared, view in sagas:
        assert isinstance(declared.node, syntax.Saga), declared
        _observe(declared.node, declared.full_name, view, seen)
    known: dict[str, dict[str, Signature]] = {}
    for (service, operation), calls in seen.items():
        known.setdefault(service, {})[operation] = yield from _signature(service, operation, calls, types)
    return known


def _observe(saga: syntax.Saga, full_name: str, view: View, seen: dict[tuple[str, str], _Calls]) -> None:
    """Notes what one saga says of the operations it calls."""
    doing: dict[str, tuple[str, str]] = {}
    for step in saga.items:
        if not isinstance(step, syntax.Step):
            continue
        for clause in step.clauses:
            if not isinstance(clause, syntax.Do) or len(clause.call.path) != 2:
                continue
            name = _name(clause.call, view)
            doing.setdefault(step.name.text, name)
            calls = seen.setdefault(name, _Calls(clause.call))
            if clause.result is not None:
                calls.results.append((clause.result, view, full_name))
        for call in _undos(step):
            calls = seen.setdefault(_name(call, view), _Calls(call))
            if step.name.text in doing:
                calls.undoes.add(doing[step.name.text])
    for given in _refusals(saga):
        if given.step.text in doing:
            seen[doing[given.step.text]].failures[given.failure.text] = None


def _name(call: syntax.Call, view: View) -> tuple[str, str]:
    return qualified(view.package, call.path[0].text), call.path[1].text


def _undos(step: syntax.Step) -> Iterator[syntax.Call]:
    for clause in step.clauses:
        if isinstance(clause, syntax.Undo) and len(clause.call.path) == 2:
            yield clause.call


def _refusals(saga: syntax.Saga) -> Iterator[syntax.GivenFails]:
    """The failures that scenarios speak of: nobody else can declare those of an undeclared service."""
    for item in saga.items:
        if isinstance(item, syntax.Scenario):
            yield from (clause for clause in item.clauses if isinstance(clause, syntax.GivenFails))


def _signature(service: str, name: str, calls: _Calls, types: Types) -> Finds[Signature]:
    result, written = yield from _result(name, calls, types)
    fields, record, optional = lowered_result(result, written)
    undone = {operation for other, operation in calls.undoes if other == service}
    operation = model.Operation(
        name=name,
        kind="command",
        parameters=(),
        result=fields,
        result_record=record,
        result_optional=optional,
        fails=tuple(calls.failures),
        idempotent=True,
        window_ms=None,
        lands_within_ms=None,
        probe=None,
        revokes=undone.pop() if len(undone) == 1 else "",
        declared=False,
        span=calls.first.span,
    )
    return Signature(service, operation, tuple((each, None) for each in parameters(calls.first)), result, _place(calls))


def _place(calls: _Calls) -> Span:
    return calls.first.path[-1].span


def _result(name: str, calls: _Calls, types: Types) -> Finds[tuple[Shape, syntax.Type | None]]:
    """The result that the calls write beside them; all that write one must agree."""
    if not calls.results:
        return shapes.NOTHING, None
    first, view, saga = calls.results[0]
    found = yield from about(result_shape(first, view, types), saga)
    for other, its_view, its_saga in calls.results[1:]:
        again = yield from about(result_shape(other, its_view, types), its_saga)
        if again != found and shapes.is_sound(again) and shapes.is_sound(found):
            yield codes.finding(
                "E308",
                f"`{name}` returns `{shapes.text(again)}` here and `{shapes.text(found)}` elsewhere",
                other.span,
                Label(first.span, "elsewhere"),
                help="declare the service, or write the same result",
                saga=its_saga,
            )
    return found, first


def parameters(call: syntax.Call) -> tuple[str, ...]:
    """A name for each parameter: its argument's own last name, or `arg1`, `arg2` …"""
    names: list[str] = []
    for at, argument in enumerate(call.arguments, start=1):
        own = argument.names[-1].text if isinstance(argument, syntax.Reference) else ""
        usable = own and own not in names and own not in TAKEN and not iskeyword(own)
        names.append(own if usable else f"arg{at}")
    return tuple(names)


def services(known: Mapping[str, Mapping[str, Signature]], uses: Iterable[Use]) -> Finds[Mapping[str, model.Service]]:
    """The services that the calls imply, their parameters typed by all calls together."""
    grouped: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        grouped.setdefault((use.service, use.operation), []).append(use)
    found: dict[str, model.Service] = {}
    for service, signatures in known.items():
        operations: dict[str, model.Operation] = {}
        for name, signature in signatures.items():
            if (service, name) in grouped:
                typed = yield from join(grouped[service, name])
                operations[name] = _typed(signature, typed, grouped[service, name][0])
        if operations:
            found[service] = _service(service, operations)
    return found


def _typed(signature: Signature, joined: tuple[Shape, ...], first: Use) -> model.Operation:
    rows = zip(signature.parameters, joined, first.spans, strict=True)
    lowered = tuple(model.Parameter(name, shapes.text(shape), span) for (name, _), shape, span in rows)
    return replace(signature.operation, parameters=lowered)


def _service(full_name: str, operations: Mapping[str, model.Operation]) -> model.Service:
    first = next(iter(operations.values()))
    return model.Service(
        name=full_name.rpartition(".")[2],
        owner="",
        partner=False,
        sla_ms=None,
        contract="",
        operations=operations,
        resources={},
        declared=False,
        span=first.span,
    )

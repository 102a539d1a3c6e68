"""Commands and queries: what a call of one must look like, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from sagac.compiler import codes, model, shapes, syntax
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, gather
from sagac.compiler.names import View, distinct, usable
from sagac.compiler.shapes import WRONG, Fields, Maybe, Shape, Wrong
from sagac.compiler.source import Span
from sagac.compiler.typetable import Types, fields, shape_of


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call of an operation must look like, and what it gives."""

    service: str
    """The service's full name."""
    operation: model.Operation
    parameters: tuple[tuple[str, Shape | None], ...]
    """The shape is `None` where it is inferred from the arguments."""
    result: Shape
    """`Nothing` where it returns nothing."""
    name_span: Span

    @property
    def label(self) -> Label:
        """The declaration, as the other place of a finding."""
        return Label(self.name_span, f"the {self.operation.kind}" if self.operation.declared else "the first call")


def signatures(
    node: syntax.Service, full_name: str, view: View, types: Types
) -> Finds[tuple[tuple[syntax.Operation, Signature], ...]]:
    """All operations of a service, their promises still unread."""
    operations = [item for item in node.items if isinstance(item, syntax.Operation)]
    yield from distinct((operation.name for operation in operations), f"in `{node.name.text}`")
    yield from usable(node.name, "a service")
    for operation in operations:
        yield from usable(operation.name, f"a {operation.kind}")
    shaped = yield from gather(_shape(operation, full_name, view, types) for operation in operations)
    return tuple(zip(operations, shaped, strict=True))


def lowered_result(shape: Shape, node: syntax.Type | None) -> tuple[tuple[model.Parameter, ...] | None, str, bool]:
    """A result's fields, the name of its record, and whether it may be absent."""
    record = shapes.bare(shape)
    if not isinstance(record, Fields):
        return None, "", False
    places = {field.name.text: field for field in _written(node)}
    span = node.span if node is not None else Span("", 0, 0)
    lowered = tuple(
        model.Parameter(
            name,
            shapes.text(item),
            places[name].span if name in places else span,
            places[name].doc if name in places else "",
        )
        for name, item in record.fields
    )
    return lowered, record.name, isinstance(shape, Maybe)


def _written(node: syntax.Type | None) -> tuple[syntax.Field, ...]:
    """The fields of a result that was written in place."""
    if isinstance(node, syntax.OptionalType):
        return _written(node.item)
    return node.fields if isinstance(node, syntax.RecordType) else ()


def result_shape(node: syntax.Type | None, view: View, types: Types) -> Finds[Shape]:
    """The type of a result: a record, perhaps optional, or nothing."""
    if node is None:
        return shapes.NOTHING
    shape = yield from shape_of(node, view, types.find, result=True)
    if isinstance(shapes.bare(shape), Fields | Wrong):
        return shape
    yield codes.finding(
        "E330",
        f"a result has named fields, and this is `{shapes.text(shape)}`",
        node.span,
        help=f"write `-> {{ value: {shapes.text(shape)} }}`, with a name that says what it is",
    )
    return WRONG


def _shape(node: syntax.Operation, full_name: str, view: View, types: Types) -> Finds[Signature]:
    """An operation's parameters and result, its promises still unread."""
    parameters = yield from fields(node.parameters, view, types.find, f"in `{node.name.text}`")
    result = yield from result_shape(node.result, view, types)
    lowered, record, optional = lowered_result(result, node.result)
    places = {field.name.text: field for field in reversed(node.parameters)}
    operation = model.Operation(
        name=node.name.text,
        kind=node.kind,
        parameters=tuple(
            model.Parameter(name, shapes.text(shape), places[name].span, places[name].doc) for name, shape in parameters
        ),
        result=lowered,
        result_record=record,
        result_optional=optional,
        fails=(),
        idempotent=False,
        window_ms=None,
        lands_within_ms=None,
        probe=None,
        revokes="",
        declared=True,
        span=node.span,
        doc=node.doc,
    )
    return Signature(full_name, operation, parameters, result, node.name.span)


def wrong_count(call: syntax.Call, signature: Signature) -> Diagnostic:
    """The finding for a call with too many or too few arguments."""
    wanted, given = len(signature.parameters), len(call.arguments)
    names = ", ".join(name for name, _ in signature.parameters)
    plural = "argument" if wanted == 1 else "arguments"
    return codes.finding(
        "E302",
        f"`{signature.operation.name}` takes {wanted} {plural}, here {given} {'is' if given == 1 else 'are'} given",
        call.span,
        signature.label,
        help=f"write `{signature.operation.name}({names})`" if signature.operation.declared else (),
    )


def mismatch(node: syntax.Expression, parameter: str, wanted: Shape, found: Shape) -> Diagnostic:
    """The finding for an argument that does not fit its parameter."""
    return codes.finding(
        "E301", f"parameter `{parameter}` is `{shapes.text(wanted)}`, but this is `{shapes.text(found)}`", node.span
    )

"""A saga's input, key and output, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sagac.compiler import codes, expressions, model, shapes, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, nearest
from sagac.compiler.frames import Frame
from sagac.compiler.names import View, usable
from sagac.compiler.reading import facts, references
from sagac.compiler.scopes import Path, Root, Scope
from sagac.compiler.shapes import Fields, Many, Maybe, Shape, Wrong
from sagac.compiler.typetable import Types, shape_of
from sagac.runtime.plan import Wire


def input_shapes(block: syntax.InputBlock | None, view: View, types: Types) -> Finds[Mapping[str, Shape]]:
    """The types of the input's fields; of two fields with one name, the first."""
    known: dict[str, Shape] = {}
    for node in block.fields if block is not None else ():
        yield from usable(node.name, "a field of an input")
        shape = yield from shape_of(node.type, view, types.find)
        known.setdefault(node.name.text, shape)
    return known


def inputs(
    block: syntax.InputBlock | None, known: Mapping[str, Shape], steps: Mapping[str, syntax.Step]
) -> Finds[tuple[model.InputField, ...]]:
    """The input's fields with their defaults and conditions."""
    roots = {
        node.name.text: Root("input", known[node.name.text], node.name.span)
        for node in reversed(block.fields if block is not None else ())
    }
    scope = Scope("a `where`", roots, hidden=dict.fromkeys(steps, "a step"))
    found: dict[str, model.InputField] = {}
    for node in block.fields if block is not None else ():
        field = yield from _field(node, known[node.name.text], scope)
        found.setdefault(field.name, field)
    return tuple(found.values())


def _field(node: syntax.Field, shape: Shape, scope: Scope) -> Finds[model.InputField]:
    default: Wire = None
    if node.default is not None:
        default = yield from expressions.constant(node.default, shape, f"the default of `{node.name.text}`")
    where = None
    if node.where is not None:
        lowered = yield from expressions.condition(node.where, scope)
        where = model.Guard(lowered, node.where.span) if lowered is not None else None
    return model.InputField(
        node.name.text, shapes.text(shape), default, node.default is not None, where, node.span, node.doc
    )


def shown(block: syntax.InputBlock | None) -> frozenset[Path]:
    """The inputs that a `where` shows to be there."""
    nodes = block.fields if block is not None else ()
    return frozenset().union(*(facts(node.where) for node in nodes if node.where is not None))


def keyed(clause: syntax.Key | None) -> frozenset[Path]:
    """The inputs of a key: one that may be `null` is a finding of the key, and not of each place that reads it."""
    return frozenset((name.text,) for name in clause.names) if clause is not None else frozenset()


def key(clause: syntax.Key | None, saga: syntax.Saga, known: Mapping[str, Shape]) -> Finds[tuple[str, ...]]:
    """The fields that a run is known by."""
    if clause is None:
        yield codes.finding(
            "E311",
            f"`{saga.name.text}` does not say by which input a run is known",
            saga.name.span,
            help=f"write `key {next(iter(known), 'id')}`: a second start with the same key is the same run",
        )
        return ()
    found: dict[str, None] = {}
    for name in clause.names:
        if name.text in found:
            yield codes.finding("E207", f"`{name.text}` stands twice in this `key`", name.span)
        elif name.text not in known:
            yield codes.finding(
                "E206", f"the input has no field `{name.text}`", name.span, help=nearest(name.text, known)
            )
        else:
            yield from _identifies(name, known[name.text])
        found[name.text] = None
    return tuple(found)


def _identifies(name: syntax.Name, shape: Shape) -> Finds[None]:
    why = _unfit(shape)
    if why:
        yield codes.finding(
            "E321",
            f"`{name.text}` cannot be part of a key: {why}",
            name.span,
            help="a key is made of `string`, `int`, `uuid`, `bool`, `timestamp`, `duration` or enum fields",
        )


def _unfit(shape: Shape) -> str:
    """Why a run cannot be known by a field of this type; empty where it can."""
    match shape:
        case Maybe():
            return "it may be `null`"
        case Fields() | Many():
            return f"`{shapes.text(shape)}` is not a single value"
        case shapes.DECIMAL:
            return "one `decimal` can be written in several ways, as `1` and `1.0`"
        case _:
            return ""


def outputs(block: syntax.OutputBlock | None, frame: Frame) -> Finds[tuple[tuple[model.OutputField, Shape], ...]]:
    """The output's fields with their values."""
    found: dict[str, tuple[model.OutputField, Shape]] = {}
    first: dict[str, syntax.Name] = {}
    for node in block.fields if block is not None else ():
        if node.name.text in first:
            yield codes.finding(
                "E207", f"`{node.name.text}` stands twice in the output", node.name.span, first[node.name.text].span
            )
        first.setdefault(node.name.text, node.name)
        field = yield from _output(node, frame)
        if field is not None:
            found.setdefault(node.name.text, field)
    return tuple(found.values())


def _output(node: syntax.Field, frame: Frame) -> Finds[tuple[model.OutputField, Shape] | None]:
    yield from usable(node.name, "a field of an output")
    shape = yield from shape_of(node.type, frame.view, frame.world.types.find)
    if node.default is None:
        yield codes.finding(
            "E311",
            f"output `{node.name.text}` has no value",
            node.span,
            help=f"write `{node.name.text}: {shapes.text(shape)} = …`, as a rule a step's result",
        )
        return None
    where = yield from _refinement(node, shape, frame)
    scope = frame.scope("an output", products=True)
    value = yield from expressions.checked(node.default, scope, shape, f"output `{node.name.text}`")
    if value.lowered is None:
        return None
    return model.OutputField(node.name.text, shapes.text(shape), value.lowered, node.default.span, where), shape


def _refinement(node: syntax.Field, shape: Shape, frame: Frame) -> Finds[model.Guard | None]:
    """The `where` of an output: it reads the output itself beside inputs and results."""
    if node.where is None or isinstance(shape, Wrong):
        return None
    scope = frame.scope("a `where`")
    name = node.name.text
    if name in scope.roots and any(each.names[0].text == name for each in references(node.where)):
        yield codes.finding(
            "E208",
            f"`{name}` can be read in two ways: as this output, and as a name of the saga",
            node.where.span,
            Label(scope.roots[name].span, "the name"),
            help="rename the output, or say it of the input with a `where` there",
        )
        return None
    own = Root("local", shape, node.name.span)
    condition = yield from expressions.condition(node.where, replace(scope, roots={**scope.roots, name: own}))
    return None if condition is None else model.Guard(condition, node.where.span)

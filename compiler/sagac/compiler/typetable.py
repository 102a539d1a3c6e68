"""The records and enums of a project as shapes, and the reading of types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from sagac.compiler import codes, shapes, syntax
from sagac.compiler.damage import holds
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, nearest
from sagac.compiler.names import TAKEN, Declared, TypeNode, View, distinct, look_up, usable
from sagac.compiler.shapes import WRONG, Enumeration, Fields, Many, Maybe, Shape
from sagac.runtime import plan

Finder: TypeAlias = Callable[[Declared, syntax.NamedType], Finds[Shape]]


@dataclass(frozen=True, slots=True)
class Types:
    """Every declared type of the project, by full name."""

    shapes: Mapping[str, Shape]

    def find(self, declared: Declared, node: syntax.NamedType) -> Finds[Shape]:
        """The shape of a declared type."""
        yield from ()
        return self.shapes[declared.full_name]


def declare(declared: Iterable[Declared], views: Mapping[str, View]) -> Finds[Types]:
    """The shapes of all declared types, each record after the types of its fields."""
    done: dict[str, Shape] = {}
    opened: dict[str, Declared] = {}

    def find(each: Declared, node: syntax.NamedType) -> Finds[Shape]:
        if each.full_name in opened:
            yield codes.finding(
                "E309",
                f"a record of type `{each.node.name.text}` would contain itself",
                node.span,
                Label(each.node.name.span, "the record"),
                help="records hold their fields by value: keep an identifier instead",
            )
            return WRONG
        if each.full_name not in done:
            done[each.full_name] = yield from shape(each)
        return done[each.full_name]

    def shape(each: Declared) -> Finds[Shape]:
        opened[each.full_name] = each
        assert isinstance(each.node, TypeNode), each
        found = yield from _declaration(each.node, views[each.file], find)
        del opened[each.full_name]
        return found

    for each in declared:
        if isinstance(each.node, TypeNode) and each.full_name not in done:
            done[each.full_name] = yield from shape(each)
    return Types(done)


def _declaration(node: TypeNode, view: View, find: Finder) -> Finds[Shape]:
    if isinstance(node, syntax.EnumDeclaration):
        yield from distinct(node.members, f"in `{node.name.text}`")
        return Enumeration(node.name.text, tuple(dict.fromkeys(member.text for member in node.members)))
    return Fields(node.name.text, (yield from fields(node.fields, view, find, f"in `{node.name.text}`")))


def fields(
    nodes: tuple[syntax.Field, ...], view: View, find: Finder, where: str
) -> Finds[tuple[tuple[str, Shape], ...]]:
    """Named fields with their types, for a record, a result or a parameter list."""
    yield from distinct((node.name for node in nodes), where)
    known: dict[str, Shape] = {}
    for node in nodes:
        yield from usable(node.name, "a field or parameter", TAKEN)
        yield from _plain(node)
        found = yield from shape_of(node.type, view, find)
        known.setdefault(node.name.text, found)
    return tuple(known.items())


def _plain(node: syntax.Field) -> Finds[None]:
    """Defaults and conditions belong to a saga's input."""
    extra = node.default or node.where
    if extra is not None:
        word = "default" if node.default is not None else "`where`"
        yield codes.finding(
            "E508",
            f"the {word} of `{node.name.text}` has no effect here in this version",
            extra.span,
            help="defaults and `where` stand in a saga's `input`",
        )


def shape_of(node: syntax.Type, view: View, find: Finder, *, result: bool = False) -> Finds[Shape]:
    """The shape of a written type; `result` where a record may be written in place."""
    if any(holds(node.span, fault) for fault in view.faults):
        return WRONG
    match node:
        case syntax.NamedType():
            return (yield from _name(node, view, find))
        case syntax.ListType():
            return Many((yield from shape_of(node.item, view, find)))
        case syntax.OptionalType():
            return (yield from _optional(node, view, find, result))
        case syntax.RecordType():
            if not result:
                yield codes.finding(
                    "E330",
                    "a record is written in place only as a result",
                    node.span,
                    help="declare it: `type Line { … }`",
                )
                return WRONG
            return Fields("", (yield from fields(node.fields, view, find, "in this result")))
        case _:
            assert_never(node)


def _optional(node: syntax.OptionalType, view: View, find: Finder, result: bool) -> Finds[Shape]:
    item = yield from shape_of(node.item, view, find, result=result)
    if isinstance(item, Maybe):
        yield codes.finding("E330", "a type that is optional twice says no more than once", node.span)
        return item
    return Maybe(item)


def _name(node: syntax.NamedType, view: View, find: Finder) -> Finds[Shape]:
    if node.name in shapes.SCALARS:
        return shapes.SCALARS[node.name]
    declared = yield from look_up(syntax.Name(node.span, node.name), view.types, "type")
    if declared is None:
        if not view.blind:
            yield _no_type(node, view)
        return WRONG
    if len(view.types[node.name].choices) > 1:
        return WRONG
    return (yield from find(declared, node))


def _no_type(node: syntax.NamedType, view: View) -> Diagnostic:
    missing = view.to_import(node.name, syntax.TypeDeclaration, syntax.EnumDeclaration)
    near = nearest(node.name, (*view.types, *shapes.SCALARS))
    advice = f"write {missing}" if missing else near or "declare it with `type` or `enum`"
    return codes.finding("E204", f"there is no type `{node.name}`", node.span, help=advice)


def lower(shape: Shape) -> plan.Record | plan.Enum:
    """A declared type as the plan stores it."""
    match shape:
        case Fields():
            return plan.Record(shape.name, tuple(plan.Field(name, shapes.text(item)) for name, item in shape.fields))
        case Enumeration():
            return plan.Enum(shape.name, shape.members)
        case _:
            raise AssertionError(shape)

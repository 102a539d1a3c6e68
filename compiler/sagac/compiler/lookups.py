"""References: what a name, or a path of names, stands for."""

from __future__ import annotations

from typing import Final

from sagac.compiler import codes, literals, shapes, syntax
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, listed, nearest
from sagac.compiler.scopes import MISTAKEN, Path, Root, Scope, Typed
from sagac.compiler.shapes import WRONG, Enumeration, Fields, Maybe, Nothing, Shape, Wrong
from sagac.runtime import plan

STATUSES: Final = ("done", "skipped")
OWN_RECORD: Final = ""
"""The step's name by which the fields of the record are read that an expression is about."""


def reference(node: syntax.Reference, scope: Scope, hint: Shape) -> Finds[Typed]:
    """What a reference stands for: an input, a step's result, or a member of the enum that is expected."""
    head = node.names[0].text
    member = isinstance(wanted := shapes.bare(hint), Enumeration) and len(node.names) == 1
    root = scope.roots.get(head)
    if member and isinstance(wanted, Enumeration) and head in wanted.members:
        if root is not None:
            yield _two_readings(node, root, wanted)
            return MISTAKEN
        return Typed(wanted, plan.Constant(head, wanted.lowered))
    if root is not None:
        return (yield from _rooted(node, root, scope))
    if head not in scope.silent:
        yield from _unknown(node, scope, wanted, member=member)
    return MISTAKEN


def _two_readings(node: syntax.Reference, root: Root, wanted: Enumeration) -> Diagnostic:
    name = node.names[0].text
    return codes.finding(
        "E208",
        f"`{name}` can be read in two ways: as {_a(root.kind)} and as a member of `{wanted.name}`",
        node.span,
        Label(root.span, f"the {_noun(root.kind)}"),
        help=f"rename the {_noun(root.kind)} `{name}`",
    )


def _noun(kind: str) -> str:
    return {"input": "input", "step": "step", "local": "parameter or key", "field": "field"}[kind]


def _a(kind: str) -> str:
    return f"an {_noun(kind)}" if kind == "input" else f"a {_noun(kind)}"


def _unknown(node: syntax.Reference, scope: Scope, wanted: Shape, *, member: bool) -> Finds[None]:
    head = node.names[0]
    if head.text in scope.hidden:
        yield codes.finding(
            "E214", f"{scope.place} cannot read `{head.text}`, which is {scope.hidden[head.text]}", node.span
        )
    elif member and isinstance(wanted, Enumeration):
        near = nearest(head.text, (*wanted.members, *scope.roots))
        yield codes.finding(
            "E205",
            f"`{wanted.name}` has no `{head.text}`",
            head.span,
            help=near or f"`{wanted.name}` has {listed(wanted.members)}",
        )
    else:
        advice = literals.as_member(node, wanted) or nearest(head.text, scope.roots)
        yield codes.finding("E201", f"`{head.text}` is not known here", head.span, help=advice)


def _rooted(node: syntax.Reference, root: Root, scope: Scope) -> Finds[Typed]:
    status = (yield from _status(node, root)) if root.kind == "step" else None
    if status is not None:
        return status
    if root.kind == "step" and isinstance(root.shape, Nothing):
        yield codes.finding(
            "E206",
            f"step `{node.names[0].text}` returns nothing that could be read",
            node.span,
            Label(root.span, "the step"),
            help=f"`{node.names[0].text}.done` and `{node.names[0].text}.skipped` say what became of it",
        )
        return MISTAKEN
    declared = yield from walked(node, root.shape, scope)
    if isinstance(declared, Wrong):
        return MISTAKEN
    path = tuple(name.text for name in node.names)
    shape = shapes.bare(declared) if path in scope.present else declared
    return Typed(shape, _lowered(root, path, declared))


def _lowered(root: Root, path: Path, declared: Shape) -> plan.Expression:
    """The plan's node; its type is the declared one, so that one value has one type wherever it is read."""
    match root.kind:
        case "input":
            return plan.Input(path, shapes.text(declared))
        case "step":
            return plan.Result(path[0], path[1:], shapes.text(declared))
        case "local":
            return plan.Input(path, shapes.text(declared))
        case "field":
            return plan.Result(OWN_RECORD, path, shapes.text(declared))


def _status(node: syntax.Reference, root: Root) -> Finds[Typed | None]:
    """`s.done` or `s.skipped`; `None` for any other reference."""
    if len(node.names) != 2 or node.names[1].text not in STATUSES:
        return None
    step, fact = node.names[0].text, node.names[1].text
    result = shapes.bare(root.shape)
    if isinstance(result, Fields) and fact in dict(result.fields):
        yield codes.finding(
            "E208",
            f"`{step}.{fact}` can be read in two ways: what became of the step, and a field of its result",
            node.span,
            Label(root.span, "the step"),
            help=f"rename the field `{fact}` in the command's result",
        )
        return MISTAKEN
    return Typed(shapes.BOOL, plan.Status(step, "done" if fact == "done" else "skipped"))


def walked(node: syntax.Reference, shape: Shape, scope: Scope) -> Finds[Shape]:
    """The type at the end of a path of fields."""
    for at, name in enumerate(node.names[1:], start=1):
        before = tuple(part.text for part in node.names[:at])
        if isinstance(shape, Maybe) and before not in scope.present:
            yield may_be_absent(syntax.Reference(node.names[0].span.to(node.names[at - 1].span), node.names[:at]))
            return WRONG
        owner = shapes.bare(shape)
        if isinstance(owner, Wrong):
            return WRONG
        if not isinstance(owner, Fields):
            yield codes.finding("E206", f"`{'.'.join(before)}` is `{shapes.text(owner)}` and has no fields", name.span)
            return WRONG
        known = dict(owner.fields)
        if name.text not in known:
            yield codes.finding(
                "E206",
                f"`{'.'.join(before)}` has no field `{name.text}`",
                name.span,
                help=nearest(name.text, known) or (f"it has {listed(known)}",),
            )
            return WRONG
        shape = known[name.text]
    return shape


def may_be_absent(node: syntax.Expression) -> Diagnostic:
    """The finding for a `T?` that is used as a `T`."""
    if not isinstance(node, syntax.Reference):
        return codes.finding("E304", "this may be `null`", node.span)
    name = ".".join(part.text for part in node.names)
    return codes.finding(
        "E304",
        f"`{name}` may be `null` here",
        node.span,
        help=f"show that it is there: `{name} is not null` in the step's `when`, or in a `where` for an input",
    )

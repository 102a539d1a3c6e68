"""What contracts declare and this version does not prove, in the author's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

from sagac.compiler import syntax
from sagac.compiler.model import Unproved


def resources(node: syntax.Service) -> Iterable[Unproved]:
    """What the resources of a service declare, in the author's words."""
    for resource in node.items:
        if not isinstance(resource, syntax.Resource):
            continue
        for item in resource.items:
            yield from _item(item, f"{node.name.text}.{resource.name.text}")


def _item(
    item: syntax.ResourceField | syntax.States | syntax.StateSet | syntax.Invariant | syntax.Observe, owner: str
) -> Iterable[Unproved]:
    match item:
        case syntax.ResourceField():
            if item.hold:
                yield Unproved("hold", f"that runs give back what they hold in `{owner}.{item.name.text}`", item.span)
            if item.references is not None:
                target = item.references.resource.text
                yield Unproved(
                    "references", f"that `{owner}.{item.name.text}` refers to a present `{target}`", item.span
                )
        case syntax.States():
            return
        case syntax.StateSet():
            states = ", ".join(f"`{state.text}`" for state in item.states)
            end = "a finished rollback" if item.kind == "clean" else "a completed run"
            yield Unproved(item.kind, f"that {end} leaves `{owner}` in {states}", item.span)
        case syntax.Invariant():
            yield Unproved("invariant", f"the invariant of `{owner}`", item.span)
        case syntax.Observe():
            yield Unproved("observe", f"that `{item.call.path[-1].text}` shows the real `{owner}`", item.span)
        case _:
            assert_never(item)


_VERBS: Final = {"+=": "adds to", "-=": "takes from", ":=": "sets"}


def operation(node: syntax.Operation, service: str) -> Iterable[Unproved]:
    """What an operation declares beyond its promises, in the author's words."""
    name = f"{service}.{node.name.text}"
    for clause in node.clauses:
        match clause:
            case syntax.Changes():
                yield from _change(clause, name)
            case syntax.Idempotent() if clause.window is not None:
                yield Unproved(
                    "idempotent for", f"that every copy of `{name}` is sent and arrives in its window", clause.span
                )
            case syntax.HoldsFor():
                skew = " less its skew" if clause.skew is not None else ""
                yield Unproved(
                    "holds for", f"that what `{name}` holds is confirmed or undone in its time{skew}", clause.span
                )
            case _:
                pass


def _change(node: syntax.Changes, name: str) -> Iterable[Unproved]:
    target = node.resource.text
    moved = node.source is not None and node.target is not None
    step = f" from `{node.source.text}` to `{node.target.text}`" if moved and node.source and node.target else ""
    yield Unproved("changes", f"that `{name}` changes `{target}`{step}, and that its undo restores it", node.span)
    for item in node.items:
        match item:
            case syntax.Requires():
                yield Unproved("requires", f"that `{target}` is as `{name}` requires", item.span)
            case syntax.Assignment():
                yield Unproved(
                    "changes", f"that `{name}` {_VERBS[item.operator]} `{target}.{item.field.text}`", item.span
                )
            case syntax.Yields():
                yield Unproved("yields", f"that `{name}` returns the old `{target}.{item.field.text}`", item.span)
            case _:
                assert_never(item)

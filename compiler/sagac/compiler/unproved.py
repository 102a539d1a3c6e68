"""What a spec declares and this version does not prove, in the author's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sagac.compiler import syntax
from sagac.compiler.model import Unproved


def service(node: syntax.Service) -> Iterable[Unproved]:
    """What is declared for a whole service and not proved."""
    for resource in node.items:
        if isinstance(resource, syntax.Resource):
            for item in resource.items:
                yield from _item(item, f"{node.name.text}.{resource.name.text}")


def _item(
    item: syntax.ResourceField | syntax.States | syntax.StateSet | syntax.Invariant | syntax.Observe, owner: str
) -> Iterable[Unproved]:
    match item:
        case syntax.ResourceField() if item.hold:
            yield Unproved("hold", f"that runs give back what they hold in `{owner}.{item.name.text}`", item.span)
        case syntax.StateSet():
            states = ", ".join(f"`{state.text}`" for state in item.states)
            end = "a finished rollback" if item.kind == "clean" else "a completed run"
            yield Unproved(item.kind, f"that {end} leaves `{owner}` in {states}", item.span)
        case syntax.Observe():
            yield Unproved("observe", f"that `{item.call.path[-1].text}` shows the real `{owner}`", item.span)
        case _:
            pass


_VERBS: Final = {"+=": "adds to", "-=": "takes from", ":=": "sets"}


def operation(node: syntax.Operation, service: str) -> Iterable[Unproved]:
    """What an operation of a service declares and is not proved."""
    name = f"{service}.{node.name.text}"
    for clause in node.clauses:
        if isinstance(clause, syntax.Changes):
            yield from _change(clause, name)


def _change(node: syntax.Changes, name: str) -> Iterable[Unproved]:
    target = node.resource.text
    moved = node.source is not None and node.target is not None
    step = f" from `{node.source.text}` to `{node.target.text}`" if moved and node.source and node.target else ""
    yield Unproved("changes", f"that `{name}` changes `{target}`{step}, and that its undo restores it", node.span)
    for item in node.items:
        match item:
            case syntax.Assignment():
                yield Unproved(
                    "changes", f"that `{name}` {_VERBS[item.operator]} `{target}.{item.field.text}`", item.span
                )
            case syntax.Yields():
                yield Unproved("yields", f"that `{name}` returns the old `{target}.{item.field.text}`", item.span)
            case _:
                pass

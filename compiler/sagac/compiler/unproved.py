"""What a spec declares and this version does not prove, in the author's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

from sagac.compiler import syntax
from sagac.compiler.model import Unproved
from sagac.compiler.wording import duration

NOT_PROVED: Final = frozenset(
    {
        "at least one of",
        "changes",
        "clean",
        "deadline",
        "done",
        "ensure",
        "exactly one of",
        "forbid",
        "hold",
        "holds for",
        "idempotent for",
        "invariant",
        "observe",
        "on refusal",
        "references",
        "require",
        "requires",
        "rollback within",
        "sla",
        "where",
        "yields",
    }
)
"""The clauses that no proof speaks of yet: whoever proves one takes its line away."""


def service(node: syntax.Service) -> Iterable[Unproved]:
    """What is declared for a whole service and not proved."""
    return _listed(_service(node))


def operation(node: syntax.Operation, service: str) -> Iterable[Unproved]:
    """What an operation of a service declares and is not proved."""
    return _listed(_operation(node, service))


def saga(node: syntax.Saga) -> Iterable[Unproved]:
    """What a saga itself says and is not proved."""
    return _listed(_saga(node))


def _listed(found: Iterable[Unproved]) -> Iterable[Unproved]:
    return (each for each in found if each.clause in NOT_PROVED)


# --- services -------------------------------------------------------------------------------------------------------


def _service(node: syntax.Service) -> Iterable[Unproved]:
    for item in node.items:
        match item:
            case syntax.Owner(sla=sla) if sla is not None:
                yield Unproved(
                    "sla", f"that `{node.name.text}` answers within its `sla`, in the worst case of a run", sla.span
                )
            case syntax.Resource():
                for clause in item.items:
                    yield from _item(clause, f"{node.name.text}.{item.name.text}")
            case _:
                pass


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


def _operation(node: syntax.Operation, service: str) -> Iterable[Unproved]:
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


# --- sagas ----------------------------------------------------------------------------------------------------------


def _saga(saga: syntax.Saga) -> Iterable[Unproved]:
    for item in saga.items:
        match item:
            case syntax.Choice():
                names = ", ".join(f"`{name.text}`" for name in item.steps)
                word = "exactly one of" if item.kind == "exactly" else "at least one of"
                yield Unproved(word, f"that {word} {names} runs", item.span)
            case syntax.Require():
                when = " under its condition" if item.guard is not None else ""
                yield Unproved("require", f"that what `{item.step.text}` requires holds before it{when}", item.span)
            case syntax.Forbid():
                yield Unproved("forbid", f"that `{item.step.text}` does not run where it is forbidden", item.span)
            case syntax.Ensure():
                yield Unproved("ensure", f"that what is ensured {_WHEN[item.at]} holds", item.span)
            case syntax.Deadline():
                yield Unproved(
                    "deadline",
                    f"that a run reaches its point of no return within {duration(item.duration.ms)}",
                    item.span,
                )
            case syntax.Rollback(within=within) if within is not None:
                yield Unproved("rollback within", f"that a rollback ends within {duration(within.ms)}", item.span)
            case syntax.OutputBlock():
                yield from _refinements(item)
            case syntax.Step():
                yield from _refusals(item)
            case _:
                pass


_WHEN: Final = {
    "completed": "at completion",
    "compensated": "after a rollback",
    "always": "at all times",
}


def _refinements(block: syntax.OutputBlock) -> Iterable[Unproved]:
    for field in block.fields:
        if field.where is not None:
            yield Unproved("where", f"that output `{field.name.text}` is as its `where` says", field.where.span)


def _refusals(step: syntax.Step) -> Iterable[Unproved]:
    for undo in step.clauses:
        for clause in undo.clauses if isinstance(undo, syntax.Undo) else ():
            if isinstance(clause, syntax.OnRefusal):
                yield Unproved("on refusal", f"that only a refused undo of `{step.name.text}` is held", clause.span)

"""Rules about a step that depend on the steps it comes after: pivots, undos, reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sagac.compiler import codes, model
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, about
from sagac.compiler.frames import Frame
from sagac.compiler.signatures import Signature
from sagac.compiler.steps import Resolved

PAIRS: Final = (
    ("reserve", ("release", "unreserve", "cancel")),
    ("book", ("cancel", "unbook", "release")),
    ("charge", ("refund", "void")),
    ("authorize", ("void", "release", "cancel")),
    ("debit", ("credit",)),
    ("credit", ("debit",)),
    ("create", ("delete", "remove", "cancel")),
    ("open", ("close",)),
    ("add", ("remove",)),
    ("lock", ("unlock",)),
    ("hold", ("release",)),
    ("start", ("stop", "cancel")),
    ("order", ("cancel",)),
    ("subscribe", ("unsubscribe",)),
    ("grant", ("revoke",)),
    ("register", ("unregister", "deregister")),
    ("allocate", ("free", "release")),
    ("transfer", ("reverse", "return")),
    ("pay", ("refund",)),
    ("notify", ("cancel",)),
)
"""Verbs and what undoes them."""


def check(resolved: Mapping[str, Resolved], frame: Frame) -> Finds[None]:
    """What must hold between the steps of a saga. A step with findings is not here, nor are the steps after it judged
    by what it would have said."""
    complete = resolved.keys() >= frame.steps.keys()
    order = Order(resolved)
    for name, each in resolved.items():
        yield from about(_step(each, order, frame, complete), frame.name, name)


class Order:
    """Who comes after whom, transitively."""

    def __init__(self, resolved: Mapping[str, Resolved]) -> None:
        self.resolved = resolved
        self.after_pivot = self._followers(name for name, each in resolved.items() if each.step.pivot)

    def _followers(self, starts: Iterable[str]) -> frozenset[str]:
        """The steps that come after one of these."""
        followers: dict[str, list[str]] = {}
        for name, each in self.resolved.items():
            for dependency in each.step.dependencies:
                followers.setdefault(dependency.step, []).append(name)
        found: set[str] = set()
        pending = list(starts)
        while pending:
            fresh = [name for name in followers.get(pending.pop(), ()) if name not in found]
            found.update(fresh)
            pending.extend(fresh)
        return frozenset(found)

    def comes_after(self, step: str, other: str) -> bool:
        """Whether a step waits for another one."""
        seen: set[str] = set()
        pending = [step]
        while pending:
            current = self.resolved.get(pending.pop())
            for dependency in current.step.dependencies if current is not None else ():
                if dependency.step == other:
                    return True
                if dependency.step not in seen:
                    seen.add(dependency.step)
                    pending.append(dependency.step)
        return False


def _step(each: Resolved, order: Order, frame: Frame, complete: bool) -> Finds[None]:
    step = each.step
    committed = step.pivot or step.name in order.after_pivot
    if complete:
        yield from _undo_reads(each, order)
        yield from _undone_by(step, order)
        if not committed:
            yield from _effect(each, frame)
    yield from _forever(each, committed or not complete)


def _undo_reads(each: Resolved, order: Order) -> Finds[None]:
    """An undo may read its own step and the steps that this one comes after."""
    told: set[str] = set()
    for name, span in each.undo_reads:
        if name in told or name == each.step.name or order.comes_after(each.step.name, name):
            continue
        told.add(name)
        yield codes.finding(
            "E211",
            f"the undo of `{each.step.name}` reads `{name}`, which may not have run yet",
            span,
            Label(order.resolved[name].step.name_span, f"`{name}`"),
            help=f"write `after {name}` on `{each.step.name}`, or read something that it comes after",
        )


def _undone_by(step: model.Step, order: Order) -> Finds[None]:
    """`undone by s` needs a step `s` that ran before, and that has an undo."""
    if step.remainder is None or step.remainder.kind != "undone by":
        return
    other = order.resolved[step.remainder.step]
    place = Label(other.step.name_span, f"`{other.step.name}`")
    if not order.comes_after(step.name, other.step.name):
        yield codes.finding(
            "E325",
            f"`{step.name}` does not come after `{other.step.name}`, so the undo of `{other.step.name}` may run "
            "without it",
            step.remainder.span,
            place,
            help=f"write `after {other.step.name}`",
        )
    elif not other.step.handlers:
        yield codes.finding(
            "E325",
            f"`{other.step.name}` has no undo that could remove the effect of `{step.name}`",
            step.remainder.span,
            place,
            help=f"give `{other.step.name}` a `compensate`, or `{step.name}` one of its own",
        )


def _forever(each: Resolved, committed: bool) -> Finds[None]:
    """`retry forever` is for the pivot and what comes after it, and never repeats an effect."""
    step, operation = each.step, each.signature.operation
    if step.schedule.retries is not None:
        return
    if not committed:
        yield codes.finding(
            "E318",
            f"step `{step.name}` cannot `retry forever`: it does not come after a pivot, and a run that can still "
            "turn back must be able to give up",
            step.schedule_span,
            help="write `retry 3 times`, as many as the service needs, or let it come after the pivot",
        )
    elif operation.kind == "command" and (not operation.idempotent or operation.window_ms is not None):
        short = "only for a while" if operation.idempotent else "not"
        yield codes.finding(
            "E318",
            f"step `{step.name}` cannot `retry forever`: `{operation.name}` is {short} idempotent",
            step.schedule_span,
            each.signature.label,
            help=f"declare `{operation.name}` as `idempotent`, if it is, or retry a number of times",
        )


def _effect(each: Resolved, frame: Frame) -> Finds[None]:
    """Before the pivot every effect says what becomes of it (settled question 1)."""
    step, operation = each.step, each.signature.operation
    if operation.kind == "query" or step.handlers or step.remainder is not None:
        return
    yield codes.finding(
        "E314",
        f"nothing undoes step `{step.name}`, and the run can still turn back after it",
        step.name_span,
        Label(step.call.span, "its effect"),
        help=(
            f"add `compensate {_suggested(each, frame)}`",
            'or say `left because "…"`, `undone by … because "…"`, or let it come after the `pivot`',
        ),
    )


def _suggested(each: Resolved, frame: Frame) -> str:
    """The call that most likely undoes a command: one that revokes it, or the other verb of a pair."""
    operation = each.signature.operation
    known = _commands(each.signature.service, frame)
    found = next((name for name, other in known.items() if other.operation.revokes == operation.name), None)
    found = found or next((verb for verb in _opposites(operation.name) if verb in known), None)
    bare = each.signature.service.rpartition(".")[2]
    if found is not None and operation.declared:
        arguments = ", ".join(name for name, _ in known[found].parameters)
        return f"{bare}.{found}({arguments})"
    verb = found or next(iter(_opposites(operation.name)), f"cancel_{operation.name}")
    return f"{bare}.{verb}(…)"


def _commands(service: str, frame: Frame) -> Mapping[str, Signature]:
    contract = frame.world.contracts.get(service)
    known = contract.outline.signatures if contract is not None else frame.world.implicit.get(service, {})
    return {name: other for name, other in known.items() if other.operation.kind == "command"}


def _opposites(name: str) -> tuple[str, ...]:
    """`release_stock` for `reserve_stock`."""
    for verb, undone in PAIRS:
        if name == verb or name.startswith(f"{verb}_"):
            return tuple(name.replace(verb, opposite, 1) for opposite in undone)
    return ()

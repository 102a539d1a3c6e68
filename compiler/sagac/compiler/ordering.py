"""Rules about a step that depend on the steps it comes after: pivots, undos, reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sagac.compiler import codes, reading, syntax, undoing
from sagac.compiler.clauses import the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, about
from sagac.compiler.frames import Frame
from sagac.compiler.lookups import STATUSES
from sagac.compiler.signatures import Signature
from sagac.compiler.source import Span
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


def check(resolved: Mapping[str, Resolved], frame: Frame, unsure: frozenset[str]) -> Finds[None]:
    """What must hold between the steps of a saga. Nothing is said of steps whose order is not known for sure: those
    with a name that has a finding, and all that come after them."""
    order = Order(resolved, frozenset(name for name, node in frame.steps.items() if node.pivot))
    unknown = unsure | order.after(unsure)
    for name, each in resolved.items():
        if name not in unknown:
            yield from about(_step(frame.steps[name], each, order, frame), frame.name, name)


def rules(saga: syntax.Saga, resolved: Mapping[str, Resolved], frame: Frame, unsure: frozenset[str]) -> Finds[None]:
    """A rule about a step reads what is known when that step is sent: the steps that it comes after."""
    order = Order(resolved, frozenset())
    unknown = unsure | order.after(unsure)
    for item in saga.items:
        if isinstance(item, syntax.Require | syntax.Forbid) and item.step.text in frame.steps.keys() - unknown:
            yield from _rule(item, order, frame)


def _rule(node: syntax.Require | syntax.Forbid, order: Order, frame: Frame) -> Finds[None]:
    own = node.step.text
    told: set[str] = set()
    for name, span in _awaited(node, frame):
        if name in told or (name != own and order.comes_after(own, name)):
            continue
        told.add(name)
        yield codes.finding(
            "E211",
            f"this reads `{name}`, which may not have run yet when `{own}` is sent"
            if name != own
            else f"`{own}` has never run when it is sent",
            span,
            Label(frame.steps[own].name.span, f"`{own}`"),
            help=_awaitable(own, name, order),
        )


def _awaited(node: syntax.Require | syntax.Forbid, frame: Frame) -> Iterator[tuple[str, Span]]:
    """The steps that must be settled before the step of a rule: those of the condition, and all whose results are read.

    A guard may ask what became of a step that runs beside it: it holds, or not yet.
    """
    conditions = (node.condition,) if isinstance(node, syntax.Require) else ()
    for condition in conditions:
        yield from undoing.reads(condition, frame)
    for guard in (node.guard,) if node.guard is not None else ():
        for reference in reading.references(guard):
            name = reference.names[0].text
            about = len(reference.names) == 2 and reference.names[1].text in STATUSES
            if name in frame.steps and (not about or name == node.step.text):
                yield name, reference.span


def _awaitable(own: str, name: str, order: Order) -> str:
    if name == own:
        return "read a step that it comes after"
    if order.comes_after(name, own):
        return f"`{name}` comes after `{own}`: name a step that it comes before, or read another one"
    return f"write `after {name}` on `{own}`"


@dataclass(frozen=True)
class Order:
    """Who comes after whom, transitively."""

    resolved: Mapping[str, Resolved]
    pivots: frozenset[str]

    @cached_property
    def followers(self) -> Mapping[str, Sequence[str]]:
        """The steps that directly come after each step."""
        found: dict[str, list[str]] = {}
        for name, each in self.resolved.items():
            for dependency in each.dependencies:
                found.setdefault(dependency.step, []).append(name)
        return found

    def after(self, starts: Iterable[str]) -> frozenset[str]:
        """The steps that come after one of these."""
        found: set[str] = set()
        pending = list(starts)
        while pending:
            fresh = [name for name in self.followers.get(pending.pop(), ()) if name not in found]
            found.update(fresh)
            pending.extend(fresh)
        return frozenset(found)

    @cached_property
    def committed(self) -> frozenset[str]:
        """The pivots and all that comes after them."""
        return self.pivots | self.after(self.pivots)

    @cached_property
    def number(self) -> Mapping[str, int]:
        """A bit for each step."""
        return {name: 1 << at for at, name in enumerate(self.resolved)}

    @cached_property
    def before(self) -> Mapping[str, int]:
        """The bits of all steps that each step comes after; a step on a cycle, or behind one, is not here."""
        waiting = {name: len(each.dependencies) for name, each in self.resolved.items()}
        ready = [name for name, count in waiting.items() if count == 0]
        found = dict.fromkeys(ready, 0)
        while ready:
            name = ready.pop()
            for follower in self.followers.get(name, ()):
                found[follower] = found.get(follower, 0) | found[name] | self.number[name]
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    ready.append(follower)
        return {name: bits for name, bits in found.items() if waiting[name] == 0}

    def comes_after(self, step: str, other: str) -> bool:
        """Whether a step waits for another one. On a cycle every step does: the cycle itself is the finding."""
        return step not in self.before or bool(self.before[step] & self.number[other])


def _step(node: syntax.Step, each: Resolved, order: Order, frame: Frame) -> Finds[None]:
    own = frame.signatures[node.name.text]
    committed = node.name.text in order.committed
    yield from _undo_reads(node, each, order, frame)
    yield from _undone_by(node, order, frame)
    if own is not None:
        yield from _forever(node, own, committed)
        if _is_unaccounted(node.name.text, order, frame):
            yield from _effect(node, own, frame)


def _undo_reads(node: syntax.Step, each: Resolved, order: Order, frame: Frame) -> Finds[None]:
    """An undo may read its own step and the steps that this one comes after."""
    own = node.name.text
    told: set[str] = set()
    for name, span in each.undo_reads:
        if name in told or name == own or order.comes_after(own, name):
            continue
        told.add(name)
        yield codes.finding(
            "E211",
            f"the undo of `{own}` reads `{name}`, which may not have run yet",
            span,
            Label(frame.steps[name].name.span, f"`{name}`"),
            help=_readable(own, name, order),
        )


def _readable(own: str, name: str, order: Order) -> str:
    """What to write instead of reading a step that need not have run."""
    if order.comes_after(name, own):
        return f"`{name}` comes after `{own}`: read the input, `{own}` itself, or what it comes after"
    return f"write `after {name}` on `{own}`, or read something that it comes after"


def _undone_by(node: syntax.Step, order: Order, frame: Frame) -> Finds[None]:
    """`undone by s` needs a step `s` that ran before, and that has an undo."""
    clause = the(node.clauses, syntax.UndoneBy)
    if clause is None:
        return
    own, other = node.name.text, clause.step.text
    place = Label(frame.steps[other].name.span, f"`{other}`")
    if not order.comes_after(own, other):
        yield codes.finding(
            "E325",
            f"`{own}` does not come after `{other}`, so `{other}` may be undone without it",
            clause.span,
            place,
            help=f"write `after {other}`" if own != other else "name an earlier step",
        )
    elif the(frame.steps[other].clauses, syntax.Undo) is None and not _is_unaccounted(other, order, frame):
        yield codes.finding(
            "E325",
            f"`{other}` has no undo that could remove the effect of `{own}`",
            clause.span,
            place,
            help=f"give `{other}` a `compensate`, or `{own}` one of its own",
        )


def _forever(node: syntax.Step, own: Signature, committed: bool) -> Finds[None]:
    """`retry forever` is for the pivot and what comes after it, and never repeats an effect."""
    retry, operation = the(node.clauses, syntax.Retry), own.operation
    if retry is None or retry.times is not None:
        return
    if not committed:
        yield codes.finding(
            "E318",
            f"step `{node.name.text}` cannot `retry forever`: it comes after no pivot, so the run must be able to turn "
            "back",
            retry.span,
            help="write `retry 3 times`, as many as the service needs, or let it come after the pivot",
        )
    elif operation.kind == "command" and (not operation.idempotent or operation.window_ms is not None):
        short = "`idempotent` only for a while" if operation.idempotent else "not `idempotent`"
        yield codes.finding(
            "E318",
            f"step `{node.name.text}` cannot `retry forever`: `{operation.name}` is {short}",
            retry.span,
            own.label,
            help=f"declare `{operation.name}` as `idempotent`, if it is, or retry a number of times",
        )


_ACCOUNTS: Final = (syntax.Undo, syntax.Irreversible, syntax.Left, syntax.UndoneBy)


def _is_unaccounted(name: str, order: Order, frame: Frame) -> bool:
    """Whether a step changes something before the pivot, and nothing is said of what becomes of it."""
    own = frame.signatures[name]
    if name in order.committed or own is None or own.operation.kind != "command":
        return False
    return not any(isinstance(clause, _ACCOUNTS) for clause in frame.steps[name].clauses)


def _effect(node: syntax.Step, own: Signature, frame: Frame) -> Finds[None]:
    """Before the pivot every effect says what becomes of it (settled question 1)."""
    do = the(node.clauses, syntax.Do)
    assert do is not None, node
    yield codes.finding(
        "E314",
        f"nothing undoes step `{node.name.text}`, and the run can still turn back after it",
        node.name.span,
        Label(do.span, "its effect"),
        help=(
            f"add `compensate {_suggested(do.call, own, frame)}`",
            'or say `left because "…"`, `undone by … because "…"`, or let it come after the `pivot`',
        ),
    )


def _suggested(call: syntax.Call, own: Signature, frame: Frame) -> str:
    """The call that most likely undoes a command: one that revokes it, or the other verb of a pair."""
    name = own.operation.name
    known = _commands(own.service, frame)
    found = next((each for each, other in known.items() if other.operation.revokes == name), None)
    found = found or next((verb for verb in _opposites(name) if verb in known), None)
    bare = own.service.rpartition(".")[2]
    if found is not None and own.operation.declared:
        return f"{bare}.{found}({_same_arguments(call, own, known[found])})"
    verb = found or next(iter(_opposites(name)), f"cancel_{name}")
    return f"{bare}.{verb}(…)"


def _same_arguments(call: syntax.Call, own: Signature, undo: Signature) -> str:
    """What the step's own call gives for parameters of the same names; the parameter's name for others."""
    given = {
        name: ".".join(part.text for part in argument.names)
        for (name, _), argument in zip(own.parameters, call.arguments, strict=False)
        if isinstance(argument, syntax.Reference)
    }
    return ", ".join(given.get(name, name) for name, _ in undo.parameters)


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

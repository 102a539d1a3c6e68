"""Steps: their call, guard, undo and policy, read and checked one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from sagac.compiler import codes, expressions, model, reading, schedules, syntax, undoing
from sagac.compiler.calls import Called, called
from sagac.compiler.clauses import one_each, positive, the
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.finds import Finds, gather
from sagac.compiler.frames import Frame, Use
from sagac.compiler.promises import failure_name
from sagac.compiler.reading import facts
from sagac.compiler.scopes import Path
from sagac.compiler.signatures import Signature
from sagac.compiler.source import Span
from sagac.runtime.plan import Schedule


@dataclass(frozen=True, slots=True)
class Resolved:
    """What could be read of a step."""

    step: model.Step | None
    """`None` where a part of it has a finding."""
    dependencies: tuple[model.Dependency, ...]
    undo_reads: tuple[tuple[str, Span], ...]
    """What its undo reads of steps."""
    uses: tuple[Use, ...] = ()
    """What it says about operations that nobody declared."""


_ONCE: Final = (
    syntax.After,
    syntax.When,
    syntax.Do,
    syntax.Irreversible,
    syntax.Left,
    syntax.UndoneBy,
    syntax.OnUnknownHold,
)

WAITS: Final = "a run moves by answers to calls: no claim about progress and time (A1, A4, E2) covers a wait"

LATER: Final = {
    syntax.ForEach: (
        "E501",
        "`for each`",
        "write a step for each element, or let the service take the whole list",
        "the rollback theorem and its claims (A1 to A5, B1 to B5, C3) are about a fixed set of steps",
    ),
    syntax.WaitFor: ("E503", "`wait`", "let a service wait, and query it", WAITS),
    syntax.WaitUntil: ("E503", "`wait until`", "let a service wait, and query it", WAITS),
    syntax.WaitSignal: ("E503", "`wait for signal`", "let a service take the signal, and query it", WAITS),
    syntax.DoSaga: (
        "E504",
        "`do saga`",
        "call a command that starts the other saga and one that rolls it back",
        "the rollback theorem needs the effect of a step and of its undo (A2, B1, C1): a saga declares neither",
    ),
    syntax.OnFailure: (
        "E506",
        "`on failure`",
        "leave it out: a failed step turns the run back",
        "the rollback theorem is about runs that turn at a failure (A1, A2), not about runs that go on after one (B3)",
    ),
}
"""Clauses that language 1 has and this version does not: their code, their words, what to write, and what no theorem
covers yet."""


def later(clauses: tuple[syntax.StepClause, ...]) -> Iterator[Diagnostic]:
    """A finding for each clause that this version does not know how to run."""
    for clause in clauses:
        if type(clause) in LATER:
            code, words, instead, why = LATER[type(clause)]
            message = f"{words} is not supported in this version"
            yield codes.finding(code, message, clause.span, help=(instead, f"why: {why}"))


UNTYPED: Final = (syntax.ForEach, syntax.WaitFor, syntax.WaitUntil, syntax.WaitSignal, syntax.DoSaga)
"""Those of them that change what the step itself is, so that nothing more can be said about it."""


def is_untyped(node: syntax.Step) -> bool:
    """Whether a step is of a kind that this version does not know."""
    return any(isinstance(clause, UNTYPED) for clause in node.clauses)


def step(node: syntax.Step, frame: Frame, holds: bool) -> Finds[Resolved]:
    """One step; `holds` where the saga says `on unknown hold` for all of them."""
    yield from later(node.clauses)
    yield from one_each(node.clauses, _ONCE, f"step `{node.name.text}`")
    dependencies = yield from _dependencies(node, frame)
    if is_untyped(node):
        return Resolved(None, dependencies, (), ())
    built, uses = yield from _built(node, frame, dependencies, holds)
    reads = tuple(
        read for each in node.clauses if isinstance(each, syntax.Undo) for read in undoing.undo_reads(each, frame)
    )
    return Resolved(built, dependencies, reads, uses)


def _built(
    node: syntax.Step, frame: Frame, dependencies: tuple[model.Dependency, ...], holds: bool
) -> Finds[tuple[model.Step | None, tuple[Use, ...]]]:
    """The step itself, with what it says about undeclared operations."""
    own = frame.signatures.get(node.name.text)
    when = the(node.clauses, syntax.When)
    guard = yield from _guard(when, frame)
    shown = facts(when.condition) if when is not None else frozenset()
    call = yield from _call(node, own, frame, shown)
    schedule = yield from schedules.schedule(node.clauses, schedules.DO, f"step `{node.name.text}`")
    undos = yield from gather(
        undoing.undo(each, frame, shown) for each in node.clauses if isinstance(each, syntax.Undo)
    )
    remainder = yield from undoing.remainder(node, frame)
    locks = yield from _locks(node, frame, shown)
    if own is not None:
        yield from _fitting(node, own, schedule, frame, holds)
    handled = tuple(undo for undo in undos if undo is not None)
    if call is None or own is None or len(handled) < len(undos) or (when is not None and guard is None):
        return None, ()
    uses = (call.use, *(undo.use for undo in handled))
    held = holds or the(node.clauses, syntax.OnUnknownHold) is not None
    built = model.Step(
        name=node.name.text,
        call=call.call,
        dependencies=dependencies,
        guard=guard,
        otherwise_fails=when.otherwise.text if when is not None and when.otherwise is not None else "",
        handlers=tuple(undo.handler for undo in handled),
        remainder=remainder,
        pivot=node.pivot,
        schedule=schedule,
        schedule_span=schedule_span(node),
        holds_unknown=held and own.operation.kind == "command",
        span=node.span,
        name_span=node.name.span,
        doc=node.doc,
        locks=locks,
    )
    return built, tuple(use for use in uses if use is not None)


def _call(node: syntax.Step, own: Signature | None, frame: Frame, shown: frozenset[Path]) -> Finds[Called | None]:
    do = the(node.clauses, syntax.Do)
    if do is None or own is None:
        return None
    return (yield from called(do.call, own, frame.scope("an argument", products=True).knowing(shown), frame.name))


def _locks(node: syntax.Step, frame: Frame, shown: frozenset[Path]) -> Finds[tuple[model.Lock, ...]]:
    """The locks of a step; those with findings are left out."""
    found: list[model.Lock] = []
    for clause in node.clauses:
        if not isinstance(clause, syntax.Lock):
            continue
        scope = frame.recording("a lock").knowing(shown)
        within_ms = yield from positive(clause.within, "the `within` of a lock")
        resource = yield from expressions.resource_of(clause.resource, scope)
        if resource is None:
            continue
        scope = replace(scope, records=None, place=expressions.KEY)
        keys = yield from expressions.keys(clause.keys, resource.keys, clause.resource, scope)
        if keys is not None:
            found.append(model.Lock(resource.full_name, keys, within_ms, clause.span))
    return tuple(found)


def _fitting(node: syntax.Step, own: Signature, schedule: Schedule, frame: Frame, holds: bool) -> Finds[None]:
    """Whether what the step says fits the operation that it calls."""
    yield from undoing.undone_once(node, own)
    yield from _hold_clause(node, own, holds)
    yield from undoing.slow(schedule, own, frame, schedule_span(node))


def schedule_span(node: syntax.Step) -> Span:
    """The clause that says the schedule, or the step's name where all of it is default."""
    clause = the(node.clauses, syntax.Retry) or the(node.clauses, syntax.Timeout)
    return clause.span if clause is not None else node.name.span


def _guard(when: syntax.When | None, frame: Frame) -> Finds[model.Guard | None]:
    if when is None:
        return None
    if when.otherwise is not None:
        yield from failure_name(when.otherwise)
    lowered = yield from expressions.condition(when.condition, frame.scope("a guard"))
    return None if lowered is None else model.Guard(lowered, when.condition.span)


# --- order ----------------------------------------------------------------------------------------------------------


def _dependencies(node: syntax.Step, frame: Frame) -> Finds[tuple[model.Dependency, ...]]:
    """What the step comes after: as said, then as read (settled question 6)."""
    found: dict[str, model.Dependency] = {}
    after = the(node.clauses, syntax.After)
    for name in after.steps if after is not None else ():
        if name.text == node.name.text:
            yield _after_itself(node, name.span)
        elif name.text in found:
            yield codes.finding("E207", f"`{name.text}` stands twice in this `after`", name.span, found[name.text].span)
        elif (yield from frame.is_step(name)):
            found[name.text] = model.Dependency(name.text, False, name.span)
    for read, span in _forward_reads(node, frame):
        if read == node.name.text:
            yield _after_itself(node, span)
        elif read not in found:
            found[read] = model.Dependency(read, True, span)
    return tuple(found.values())


def _after_itself(node: syntax.Step, span: Span) -> Diagnostic:
    return codes.finding(
        "E211",
        f"step `{node.name.text}` would have to come after itself",
        span,
        help="its own result can be read only in its `compensate`",
    )


def _forward_reads(node: syntax.Step, frame: Frame) -> Iterator[tuple[str, Span]]:
    """The steps that a step's guard, locks and arguments read."""
    for clause in node.clauses:
        if isinstance(clause, syntax.When):
            yield from undoing.reads(clause.condition, frame)
        elif isinstance(clause, syntax.Do | syntax.Lock):
            for argument in clause.keys if isinstance(clause, syntax.Lock) else clause.call.arguments:
                yield from undoing.reads(argument, frame)


def reads_approval(node: syntax.Step, frame: Frame) -> bool:
    """Whether a step's order depends on something that has a finding and is not a step."""
    names: list[str] = []
    for clause in node.clauses:
        match clause:
            case syntax.After():
                names += [name.text for name in clause.steps]
            case syntax.UndoneBy():
                names.append(clause.step.text)
            case syntax.When():
                names += [each.names[0].text for each in reading.references(clause.condition)]
            case syntax.Do():
                parts = clause.call.arguments
                names += [each.names[0].text for part in parts for each in reading.references(part)]
            case syntax.Lock():
                names += [each.names[0].text for part in clause.keys for each in reading.references(part)]
            case _:
                pass
    return any(name in frame.silent and name not in frame.steps for name in names)


# --- policy ---------------------------------------------------------------------------------------------------------


def _hold_clause(node: syntax.Step, own: Signature, holds: bool) -> Finds[None]:
    clause = the(node.clauses, syntax.OnUnknownHold)
    if clause is None:
        return
    if own.operation.kind == "query":
        yield codes.finding(
            "E316",
            "a query has no effect, so nothing about it stays unknown",
            clause.span,
            own.label,
            help="delete `on unknown hold`",
        )
    elif holds:
        yield codes.finding(
            "W603", "`on unknown hold` is said for the whole saga already", clause.span, help="delete one of them"
        )

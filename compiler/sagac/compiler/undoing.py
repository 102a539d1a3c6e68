"""What becomes of a step's effect when the run turns back: undos and their accounts, read and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sagac.compiler import codes, expressions, model, reading, schedules, syntax
from sagac.compiler.calls import called
from sagac.compiler.clauses import one_each, the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds
from sagac.compiler.frames import Frame, Use, signature
from sagac.compiler.reading import facts
from sagac.compiler.scopes import Path
from sagac.compiler.signatures import Signature
from sagac.compiler.source import Span
from sagac.compiler.wording import duration
from sagac.runtime.plan import Schedule


@dataclass(frozen=True, slots=True)
class Handled:
    handler: model.Handler
    use: Use | None


def undo(node: syntax.Undo, frame: Frame, shown: frozenset[Path]) -> Finds[Handled | None]:
    guard = None
    if node.guard is not None:
        guard = yield from expressions.condition(node.guard, frame.scope("a guard").knowing(shown))
        shown = shown | facts(node.guard)
    schedule = yield from _undo_schedule(node)
    own = yield from signature(node.call.path, frame.view, frame.world)
    if own is None:
        return None
    if own.operation.kind == "query":
        yield codes.finding(
            "E317",
            f"`{own.operation.name}` is a query and undoes nothing",
            node.call.span,
            own.label,
            help=f"`{node.kind}` calls a command",
        )
        return None
    yield from slow(schedule, own, frame, node.span)
    call = yield from called(node.call, own, frame.scope("an undo", products=True).knowing(shown), frame.name)
    if call is None or (node.guard is not None and guard is None):
        return None
    handler = model.Handler(
        call.call,
        model.Guard(guard, node.guard.span) if guard is not None and node.guard is not None else None,
        schedule,
        node.kind == "mitigate",
        node.because.value if node.because is not None else "",
        node.span,
        refusal=(yield from _refusal(node, own, frame)),
    )
    return Handled(handler, call.use)


def _refusal(node: syntax.Undo, own: Signature, frame: Frame) -> Finds[str]:
    """Why a refusal of this undo may be left to a person; empty where nothing is said of it."""
    yield from one_each(node.clauses, (syntax.OnRefusal,), f"this `{node.kind}`")
    clause = the(node.clauses, syntax.OnRefusal)
    if clause is None:
        return ""
    if not _is_refused(own, frame):
        yield codes.finding(
            "E312",
            f"`{own.operation.name}` is never refused, as far as is declared",
            clause.span,
            own.label,
            help="leave it out, or declare when it is refused: `fails`, `requires` or a source state",
        )
    return clause.because.value


def _is_refused(own: Signature, frame: Frame) -> bool:
    """Whether a command declares a refusal, or needs something of the records that it changes."""
    contract = frame.world.contracts.get(own.service)
    changes = contract.service.operations[own.operation.name].changes if contract is not None else ()
    return bool(own.operation.fails) or any(change.source or change.requires for change in changes)


def _undo_schedule(node: syntax.Undo) -> Finds[Schedule]:
    retry = the(node.clauses, syntax.Retry)
    if retry is not None and retry.times is None:
        yield codes.finding(
            "E318",
            "an undo cannot `retry forever`: a rollback that never ends would never be seen",
            retry.span,
            help="write `retry 10 times`, as many as the service needs; what is left is held for a person",
        )
    return (yield from schedules.schedule(node.clauses, schedules.UNDO, f"this `{node.kind}`"))


def undo_reads(node: syntax.Undo, frame: Frame) -> Iterator[tuple[str, Span]]:
    """The steps that an undo reads, its own included."""
    for part in (*node.call.arguments, *([node.guard] if node.guard is not None else [])):
        yield from reads(part, frame)


def remainder(node: syntax.Step, frame: Frame) -> Finds[model.Remainder | None]:
    found: list[model.Remainder] = []
    for clause in node.clauses:
        match clause:
            case syntax.Irreversible():
                found.append(model.Remainder("irreversible", "", clause.because.value, clause.span))
            case syntax.Left():
                found.append(model.Remainder("left", "", clause.because.value, clause.span))
            case syntax.UndoneBy():
                yield from frame.is_step(clause.step)
                found.append(model.Remainder("undone by", clause.step.text, clause.because.value, clause.span))
            case _:
                pass
    return found[0] if found else None


_UNDOING: Final = (syntax.Undo, syntax.Irreversible, syntax.Left, syntax.UndoneBy)


def undone_once(node: syntax.Step, own: Signature) -> Finds[None]:
    """What becomes of a step's effect is said in one way."""
    clauses = [clause for clause in node.clauses if isinstance(clause, _UNDOING)]
    if own.operation.kind == "query":
        yield from _nothing_to_undo(node, own, clauses)
        return
    kinds = {_undo_word(clause): clause for clause in reversed(clauses)}
    if len(kinds) > 1:
        (first, one), (second, other) = sorted(kinds.items(), key=lambda item: item[1].span)[:2]
        yield codes.finding(
            "E313",
            f"step `{node.name.text}` says both `{first}` and `{second}`",
            other.span,
            Label(one.span, f"the `{first}`"),
            help="an effect is undone, mitigated, left or irreversible: keep one",
        )
        return
    yield from _guarded_apart([clause for clause in clauses if isinstance(clause, syntax.Undo)])


def _undo_word(clause: object) -> str:
    match clause:
        case syntax.Undo():
            return clause.kind
        case syntax.Irreversible():
            return "irreversible"
        case syntax.Left():
            return "left"
        case _:
            return "undone by"


def _nothing_to_undo(
    node: syntax.Step, own: Signature, clauses: list[syntax.Undo | syntax.Irreversible | syntax.Left | syntax.UndoneBy]
) -> Finds[None]:
    for clause in clauses:
        yield codes.finding(
            "E316",
            f"step `{node.name.text}` calls a query, which has no effect, so `{_undo_word(clause)}` has no meaning",
            clause.span,
            own.label,
            help="delete the clause",
        )
    if node.pivot:
        yield codes.finding(
            "E316",
            f"step `{node.name.text}` calls a query, which has no effect, so it is no point of no return",
            node.name.span,
            own.label,
            help="mark the step whose effect cannot be taken back as `pivot`",
        )


def _guarded_apart(undos: list[syntax.Undo]) -> Finds[None]:
    """Of several undos each says when it is the one (settled question 6)."""
    unguarded = next((undo for undo in undos if undo.guard is None), None)
    if unguarded is None or len(undos) == 1:
        return
    other = next(undo for undo in undos if undo is not unguarded)
    yield codes.finding(
        "E315",
        f"this `{unguarded.kind}` stands beside another and has no `when`: both would run",
        unguarded.span,
        Label(other.span, "the other"),
        help="give each a `when`; together they must cover every run and never overlap",
    )


def reads(node: syntax.Expression, frame: Frame) -> Iterator[tuple[str, Span]]:
    """The steps that an expression reads."""
    for reference in reading.references(node):
        if reference.names[0].text in frame.steps:
            yield reference.names[0].text, reference.span


def slow(schedule: Schedule, own: Signature, frame: Frame, span: Span) -> Finds[None]:
    """A timeout shorter than what a partner promises gives up on answers that are still on time."""
    contract = frame.world.contracts.get(own.service)
    sla_ms = contract.service.sla_ms if contract is not None else None
    if contract is not None and sla_ms is not None and schedule.timeout_ms < sla_ms:
        yield codes.finding(
            "E320",
            f"a timeout of {duration(schedule.timeout_ms)} is shorter than the {duration(sla_ms)} that "
            f"`{contract.service.name}` may take",
            span,
            Label(contract.sla_span, "the partner's promise"),
            help=f"write `timeout {duration(sla_ms)}` or longer",
        )

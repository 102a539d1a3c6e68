"""What a command promises: failures, idempotence, probes, revoking; read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from keyword import iskeyword
from typing import Final

from sagac.compiler import codes, identifiers, model, shapes, syntax
from sagac.compiler.clauses import WORDS, one_each, positive, the
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, nearest
from sagac.compiler.names import View, distinct
from sagac.compiler.shapes import Fields, Maybe, Nothing, Shape, Wrong
from sagac.compiler.signatures import Signature, mismatch, wrong_count

RESERVED_FAILURES: Final = frozenset(
    {
        *("Any", "Call", "Compensated", "Completed", "Decimal", "Held", "Literal", "Outcome", "Protocol", "Run"),
        *("Runtime", "Transient", "UUID"),
        *("ArithmeticError", "AssertionError", "BaseException", "ConnectionError", "Ellipsis", "EOFError", "Exception"),
        *("IndexError", "KeyError", "KeyboardInterrupt", "LookupError", "NotImplementedError", "OSError"),
        *("OverflowError", "PermissionError", "RuntimeError", "StopAsyncIteration", "StopIteration", "SystemExit"),
        *("TimeoutError", "TypeError", "ValueError", "Warning", "ZeroDivisionError"),
    }
)
"""Names that already mean something where generated code raises and catches failures."""


def promises(read: tuple[tuple[syntax.Operation, Signature], ...], view: View) -> Finds[Mapping[str, Signature]]:
    """The operations of a service with their promises, by name; of two with one name, the first."""
    known = {signature.operation.name: signature for _, signature in reversed(read)}
    complete: dict[str, Signature] = {}
    for operation, signature in read:
        promised = yield from _read(operation, signature, known, view)
        complete.setdefault(operation.name.text, replace(signature, operation=promised))
    return complete


def failure_name(name: syntax.Name) -> Finds[None]:
    """A finding where a failure has a name that generated code could not give to it."""
    if not name.text[0].isupper():
        yield codes.finding(
            "E212",
            f"`{name.text}` cannot name a failure: failures start with a capital letter",
            name.span,
            help=f"write `{name.text[0].upper()}{name.text[1:]}`",
        )
    elif name.text in RESERVED_FAILURES | identifiers.IMPORTED or iskeyword(name.text):
        yield codes.finding(
            "E212",
            f"`{name.text}` cannot name a failure: the word means something already where failures are caught",
            name.span,
            help="say what was refused, as in `OutOfStock`",
        )


_ONCE: Final = (syntax.Idempotent, syntax.Fails, syntax.LandsWithin, syntax.Probe, syntax.Revokes, syntax.HoldsFor)
_OF_COMMANDS: Final = (
    syntax.Changes,
    syntax.Idempotent,
    syntax.LandsWithin,
    syntax.Probe,
    syntax.Revokes,
    syntax.HoldsFor,
)


def _read(
    node: syntax.Operation, signature: Signature, known: Mapping[str, Signature], view: View
) -> Finds[model.Operation]:
    yield from one_each(node.clauses, _ONCE, f"`{node.name.text}`")
    if node.kind == "query":
        yield from _no_effect(node)
    idempotent, lands = the(node.clauses, syntax.Idempotent), the(node.clauses, syntax.LandsWithin)
    probe, revokes = the(node.clauses, syntax.Probe), the(node.clauses, syntax.Revokes)
    window = idempotent.window if idempotent is not None else None
    return replace(
        signature.operation,
        hold=(yield from _hold(node)),
        fails=(yield from _failures(the(node.clauses, syntax.Fails), view)),
        idempotent=idempotent is not None,
        window_ms=(yield from positive(window, "`idempotent for`")) if window is not None else None,
        lands_within_ms=(yield from positive(lands.duration, "`lands within`")) if lands is not None else None,
        probe=(yield from _probe(probe, node, signature, known)) if probe is not None else None,
        revokes=(yield from _revokes(revokes, signature, known)) if revokes is not None else "",
    )


def _no_effect(node: syntax.Operation) -> Finds[None]:
    for clause in node.clauses:
        if isinstance(clause, _OF_COMMANDS):
            yield codes.finding(
                "E312",
                f"a query has no effect, so {WORDS[type(clause)]} says nothing about `{node.name.text}`",
                clause.span,
                help="delete the clause, or make it a `command`",
            )


def _hold(node: syntax.Operation) -> Finds[model.Hold | None]:
    clause = the(node.clauses, syntax.HoldsFor)
    if clause is None:
        return None
    if node.kind == "command" and the(node.clauses, syntax.Changes) is None:
        yield codes.finding(
            "E312",
            f"`{node.name.text}` has no `changes`, so nothing is said of what it holds",
            clause.span,
            help="say what it changes: `changes R[k] { held += … }` or `changes R[k] a -> b`",
        )
    for_ms = yield from positive(clause.duration, "`holds for`")
    skew_ms = clause.skew.ms if clause.skew is not None else 0
    if clause.skew is not None and skew_ms >= for_ms:
        yield codes.finding("E319", "a `skew` as long as the hold leaves nothing of it", clause.skew.span)
    return model.Hold(for_ms, skew_ms, clause.span)


def _failures(clause: syntax.Fails | None, view: View) -> Finds[tuple[str, ...]]:
    if clause is None:
        return ()
    yield from distinct(clause.names, "in this `fails`")
    for name in clause.names:
        yield from failure_name(name)
        other = view.types.get(name.text)
        if other is not None:
            yield codes.finding(
                "E208",
                f"`{name.text}` can be read in two ways: as a failure and as a type",
                name.span,
                Label(other.choices[0].node.name.span, "the type"),
                help="rename one of them",
            )
    return tuple(dict.fromkeys(name.text for name in clause.names))


def _probe(
    clause: syntax.Probe, node: syntax.Operation, signature: Signature, known: Mapping[str, Signature]
) -> Finds[model.ProbeContract | None]:
    """`probe q(args)`: a query of the same service that tells whether the command took effect."""
    name = clause.call.path[-1]
    query = known.get(name.text)
    if query is None or len(clause.call.path) > 1:
        queries = [each for each, other in known.items() if other.operation.kind == "query"]
        yield codes.finding(
            "E203",
            f"this service has no query `{'.'.join(part.text for part in clause.call.path)}`",
            clause.call.span,
            help=nearest(name.text, queries),
        )
        return None
    if query.operation.kind != "query":
        yield codes.finding("E322", f"a probe asks a query, and `{name.text}` is a command", name.span, query.label)
        return None
    yield from _probe_result(clause, signature, query)
    arguments = yield from _probe_arguments(clause, signature, query)
    return None if arguments is None else model.ProbeContract(name.text, arguments, clause.span)


def _probe_arguments(
    clause: syntax.Probe, signature: Signature, query: Signature
) -> Finds[tuple[tuple[str, str], ...] | None]:
    """The query's parameters with the command's parameters that are given for them."""
    own = dict(signature.parameters)
    if len(clause.call.arguments) != len(query.parameters):
        yield wrong_count(clause.call, query)
        return None
    pairs: list[tuple[str, str]] = []
    for argument, (parameter, wanted) in zip(clause.call.arguments, query.parameters, strict=True):
        if not isinstance(argument, syntax.Reference) or len(argument.names) != 1:
            yield codes.finding(
                "E322", "a probe is asked with the command's own parameters", argument.span, signature.label
            )
            continue
        name = argument.names[0]
        if name.text not in own:
            yield codes.finding(
                "E206",
                f"`{signature.operation.name}` has no parameter `{name.text}`",
                name.span,
                help=nearest(name.text, own),
            )
            continue
        found = own[name.text]
        assert found is not None and wanted is not None
        if not shapes.fits(found, wanted):
            yield mismatch(argument, parameter, wanted, found)
        pairs.append((parameter, name.text))
    return tuple(pairs)


def _probe_result(clause: syntax.Probe, signature: Signature, query: Signature) -> Finds[None]:
    """The query's answer is the command's result, or `null` where it did not take effect."""
    if isinstance(query.result, Wrong) or isinstance(signature.result, Wrong):
        return
    if not isinstance(query.result, Maybe):
        yield codes.finding(
            "E322",
            f"`{query.operation.name}` cannot answer that `{signature.operation.name}` did not take effect: "
            "its result is never `null`",
            clause.call.span,
            query.label,
            help=f"let it return `{_optional(signature.result)}`",
        )
        return
    missing = _unanswered(shapes.bare(signature.result), shapes.bare(query.result))
    if missing:
        yield codes.finding(
            "E322",
            f"`{query.operation.name}` does not give `{missing}`, which is part of the result of "
            f"`{signature.operation.name}`",
            clause.call.span,
            query.label,
            help=f"let it return `{_optional(signature.result)}`",
        )


def _optional(result: Shape) -> str:
    return f"{shapes.text(shapes.bare(result))}?" if not isinstance(result, Nothing) else "{ … }?"


def _unanswered(wanted: Shape, given: Shape) -> str:
    """The first field of a result that an answer does not give; empty when it gives all."""
    if not isinstance(wanted, Fields) or not isinstance(given, Fields):
        return ""
    known = dict(given.fields)
    return next((name for name, item in wanted.fields if name not in known or not shapes.fits(known[name], item)), "")


def _revokes(clause: syntax.Revokes, signature: Signature, known: Mapping[str, Signature]) -> Finds[str]:
    """`revokes c`: another command of the same service, which this one's parameters can identify."""
    name = clause.command
    other = known.get(name.text)
    commands = [each for each, one in known.items() if one.operation.kind == "command"]
    if other is None:
        yield codes.finding(
            "E203",
            f"this service has no command `{name.text}`",
            name.span,
            help=nearest(name.text, [each for each in commands if each != signature.operation.name]),
        )
        return ""
    if other.operation.kind != "command" or name.text == signature.operation.name:
        what = "itself" if name.text == signature.operation.name else f"`{name.text}`, which is a query"
        yield codes.finding(
            "E323", f"`{signature.operation.name}` cannot revoke {what}", name.span, help="name the command it undoes"
        )
        return ""
    yield from _identifies(clause, signature, other)
    return name.text


def _identifies(clause: syntax.Revokes, signature: Signature, other: Signature) -> Finds[None]:
    own = [shape for _, shape in signature.parameters if shape is not None]
    theirs = [shape for _, shape in other.parameters if shape is not None]
    if theirs and not any(shapes.fits(one, another) for one in theirs for another in own):
        yield codes.finding(
            "E323",
            f"no parameter of `{signature.operation.name}` can say which `{other.operation.name}` it revokes",
            clause.span,
            other.label,
            help=f"give it a parameter of `{other.operation.name}`, such as `{other.parameters[0][0]}`",
        )

"""Commands and queries: their parameters, results and promises, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from keyword import iskeyword
from typing import Final, TypeVar

from sagac.compiler import codes, model, shapes, syntax
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, gather, nearest
from sagac.compiler.names import View, distinct, usable
from sagac.compiler.shapes import WRONG, Fields, Maybe, Nothing, Shape, Wrong
from sagac.compiler.source import Span
from sagac.compiler.typetable import Types, fields, shape_of

C = TypeVar("C")

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


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call of an operation must look like, and what it gives."""

    service: str
    """The service's full name."""
    operation: model.Operation
    parameters: tuple[tuple[str, Shape | None], ...]
    """The shape is `None` where it is inferred from the arguments."""
    result: Shape
    """`Nothing` where it returns nothing."""
    name_span: Span

    @property
    def label(self) -> Label:
        """The declaration, as the other place of a finding."""
        return Label(self.name_span, f"the {self.operation.kind}" if self.operation.declared else "the first call")


def signatures(node: syntax.Service, full_name: str, view: View, types: Types) -> Finds[Mapping[str, Signature]]:
    """All operations of a service, by name."""
    operations = [item for item in node.items if isinstance(item, syntax.Operation)]
    yield from distinct((operation.name for operation in operations), f"in `{node.name.text}`")
    yield from usable(node.name, "a service")
    for operation in operations:
        yield from usable(operation.name, f"a {operation.kind}")
    shaped = yield from gather(_shape(operation, full_name, view, types) for operation in operations)
    read = tuple(zip(operations, shaped, strict=True))
    known = {signature.operation.name: signature for signature in reversed(shaped)}
    complete: dict[str, Signature] = {}
    for operation, signature in read:
        promised = yield from _promises(operation, signature, known, view)
        complete.setdefault(operation.name.text, replace(signature, operation=promised))
    return complete


def one_each(clauses: Iterable[C], kinds: tuple[type, ...], where: str) -> Finds[None]:
    """A finding for every clause of these kinds that stands a second time."""
    first: dict[type, syntax.Node] = {}
    for clause in clauses:
        if not isinstance(clause, kinds):
            continue
        assert isinstance(clause, syntax.Node), clause
        if type(clause) in first:
            yield codes.finding(
                "E310",
                f"{WORDS[type(clause)]} stands twice in {where}",
                clause.span,
                Label(first[type(clause)].span, "the first one"),
                help="keep one of them",
            )
        else:
            first[type(clause)] = clause


WORDS: Final[Mapping[type, str]] = {
    syntax.Idempotent: "`idempotent`",
    syntax.Fails: "`fails`",
    syntax.LandsWithin: "`lands within`",
    syntax.Probe: "`probe`",
    syntax.Revokes: "`revokes`",
    syntax.HoldsFor: "`holds for`",
    syntax.Changes: "`changes`",
    syntax.Owner: "`owner`",
    syntax.Key: "`key`",
    syntax.InputBlock: "`input`",
    syntax.OutputBlock: "`output`",
    syntax.Deadline: "`deadline`",
    syntax.Rollback: "`rollback`",
    syntax.OnUnknownHold: "`on unknown hold`",
    syntax.After: "`after`",
    syntax.When: "`when`",
    syntax.Do: "`do`",
    syntax.Timeout: "`timeout`",
    syntax.Retry: "`retry`",
    syntax.Irreversible: "`irreversible`",
    syntax.Left: "`left`",
    syntax.UndoneBy: "`undone by`",
    syntax.States: "`states`",
    syntax.Observe: "`observe`",
    syntax.ThenEnd: "the end",
    syntax.ThenOrder: "`order`",
    syntax.GivenInput: "`input`",
}
"""How an author writes each clause."""


def the(clauses: Iterable[object], kind: type[C]) -> C | None:
    """The first clause of a kind, if there is one."""
    return next((clause for clause in clauses if isinstance(clause, kind)), None)


def positive(duration: syntax.Duration, what: str) -> Finds[int]:
    """A time in milliseconds that must be longer than nothing."""
    if duration.ms <= 0:
        yield codes.finding("E319", f"{what} must be longer than 0", duration.span)
    return duration.ms


def failure_name(name: syntax.Name) -> Finds[None]:
    """A finding where a failure has a name that generated code could not give to it."""
    if not name.text[0].isupper():
        yield codes.finding(
            "E212",
            f"`{name.text}` cannot name a failure: failures start with a capital letter",
            name.span,
            help=f"write `{name.text[0].upper()}{name.text[1:]}`",
        )
    elif name.text in RESERVED_FAILURES or iskeyword(name.text):
        yield codes.finding(
            "E212",
            f"`{name.text}` cannot name a failure: the word means something already where failures are caught",
            name.span,
            help="say what was refused, as in `OutOfStock`",
        )


def lowered_result(shape: Shape, node: syntax.Type | None) -> tuple[tuple[model.Parameter, ...] | None, str, bool]:
    """A result's fields, the name of its record, and whether it may be absent."""
    record = shapes.bare(shape)
    if not isinstance(record, Fields):
        return None, "", False
    places = {field.name.text: field for field in _written(node)}
    span = node.span if node is not None else Span("", 0, 0)
    lowered = tuple(
        model.Parameter(
            name,
            shapes.text(item),
            places[name].span if name in places else span,
            places[name].doc if name in places else "",
        )
        for name, item in record.fields
    )
    return lowered, record.name, isinstance(shape, Maybe)


def _written(node: syntax.Type | None) -> tuple[syntax.Field, ...]:
    """The fields of a result that was written in place."""
    if isinstance(node, syntax.OptionalType):
        return _written(node.item)
    return node.fields if isinstance(node, syntax.RecordType) else ()


def result_shape(node: syntax.Type | None, view: View, types: Types) -> Finds[Shape]:
    """The type of a result: a record, perhaps optional, or nothing."""
    if node is None:
        return shapes.NOTHING
    shape = yield from shape_of(node, view, types.find, result=True)
    if isinstance(shapes.bare(shape), Fields | Wrong):
        return shape
    yield codes.finding(
        "E330",
        f"a result has named fields, and this is `{shapes.text(shape)}`",
        node.span,
        help=f"write `-> {{ value: {shapes.text(shape)} }}`, with a name that says what it is",
    )
    return WRONG


def _shape(node: syntax.Operation, full_name: str, view: View, types: Types) -> Finds[Signature]:
    """An operation's parameters and result, its promises still unread."""
    parameters = yield from fields(node.parameters, view, types.find, f"in `{node.name.text}`")
    result = yield from result_shape(node.result, view, types)
    lowered, record, optional = lowered_result(result, node.result)
    places = {field.name.text: field for field in reversed(node.parameters)}
    operation = model.Operation(
        name=node.name.text,
        kind=node.kind,
        parameters=tuple(
            model.Parameter(name, shapes.text(shape), places[name].span, places[name].doc) for name, shape in parameters
        ),
        result=lowered,
        result_record=record,
        result_optional=optional,
        fails=(),
        idempotent=False,
        window_ms=None,
        lands_within_ms=None,
        probe=None,
        revokes="",
        declared=True,
        span=node.span,
        doc=node.doc,
    )
    return Signature(full_name, operation, parameters, result, node.name.span)


# --- promises -------------------------------------------------------------------------------------------------------

_ONCE: Final = (syntax.Idempotent, syntax.Fails, syntax.LandsWithin, syntax.Probe, syntax.Revokes, syntax.HoldsFor)
_OF_COMMANDS: Final = (
    syntax.Changes,
    syntax.Idempotent,
    syntax.LandsWithin,
    syntax.Probe,
    syntax.Revokes,
    syntax.HoldsFor,
)


def _promises(
    node: syntax.Operation, signature: Signature, known: Mapping[str, Signature], view: View
) -> Finds[model.Operation]:
    yield from one_each(node.clauses, _ONCE, f"`{node.name.text}`")
    if node.kind == "query":
        yield from _no_effect(node)
    idempotent, lands = the(node.clauses, syntax.Idempotent), the(node.clauses, syntax.LandsWithin)
    probe, revokes = the(node.clauses, syntax.Probe), the(node.clauses, syntax.Revokes)
    window = idempotent.window if idempotent is not None else None
    yield from _holds(the(node.clauses, syntax.HoldsFor))
    return replace(
        signature.operation,
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


def _holds(clause: syntax.HoldsFor | None) -> Finds[None]:
    if clause is None:
        return
    yield from positive(clause.duration, "`holds for`")
    if clause.skew is not None and clause.skew.ms >= clause.duration.ms:
        yield codes.finding("E319", "a `skew` as long as the hold leaves nothing of it", clause.skew.span)


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


def wrong_count(call: syntax.Call, signature: Signature) -> Diagnostic:
    """The finding for a call with too many or too few arguments."""
    wanted, given = len(signature.parameters), len(call.arguments)
    names = ", ".join(name for name, _ in signature.parameters)
    plural = "argument" if wanted == 1 else "arguments"
    return codes.finding(
        "E302",
        f"`{signature.operation.name}` takes {wanted} {plural}, here {given} {'is' if given == 1 else 'are'} given",
        call.span,
        signature.label,
        help=f"write `{signature.operation.name}({names})`" if signature.operation.declared else (),
    )


def mismatch(node: syntax.Expression, parameter: str, wanted: Shape, found: Shape) -> Diagnostic:
    """The finding for an argument that does not fit its parameter."""
    return codes.finding(
        "E301", f"parameter `{parameter}` is `{shapes.text(wanted)}`, but this is `{shapes.text(found)}`", node.span
    )

"""From what a grammar rule matched to a node of the tree: one function a rule, named as the rule is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar, cast

from sagac.compiler import syntax
from sagac.compiler.codes import finding
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.source import Span
from sagac.compiler.tokens import Token

LANGUAGE_VERSION = 1
DEPTH_MAX = 100
"""How deep expressions and types may nest; the phases after this one recurse over them."""

PLACEHOLDERS = frozenset({"", "todo", "tbd", "fixme", "xxx", "na", "none", "because", "reason", "later", "test"})
LAST_DAY = "9999-12-31"

# What the parser hands to a rule: tokens, nodes, tails, and lists of repeated parts.
Part: TypeAlias = Any
Parts: TypeAlias = Sequence[Part]
NodeT = TypeVar("NodeT", bound=syntax.Node)


class Tail(NamedTuple):
    """A part of a clause that is no node of its own, such as `within 5s` or `because "…"`."""

    name: str
    span: Span
    value: Any


class TooDeepError(Exception):
    """An expression or a type that nests deeper than `DEPTH_MAX`; the parser makes it a finding."""

    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


class Builder:
    """Builds the nodes of one file, and notes what the grammar alone cannot refuse."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.findings: list[Diagnostic] = []
        self.documented: set[int] = set()
        """Where the tokens stand whose doc comments found their place."""
        self.depths: dict[int, tuple[syntax.Node, int]] = {}
        """The depth of each node that nests, by identity; the node is kept so that its identity stays its own."""

    # --- the file

    def start(self, parts: Parts) -> tuple[Part, ...]:
        return tuple(_flat(parts))

    def language(self, parts: Parts) -> Tail:
        version = parts[1]
        if version.value != LANGUAGE_VERSION:
            message = f"language `{version.text}` is not supported"
            self.report("E116", message, version.span, f"write `language {LANGUAGE_VERSION}`")
        return Tail("language", _span(parts), version.value)

    def package(self, parts: Parts) -> Tail:
        return Tail("package", _span(parts), parts[1].value)

    def import_(self, parts: Parts) -> syntax.Import:
        return syntax.Import(_span(parts), parts[1].value)

    def path(self, parts: Parts) -> Tail:
        if len(parts) == 1:
            return Tail("path", parts[0].span, (_name(parts[0]),))
        return Tail("path", _span(parts), _names(parts))

    def names(self, parts: Parts) -> Tail:
        return Tail("names", _span(parts), _names(parts))

    # --- types

    def enum(self, parts: Parts) -> syntax.EnumDeclaration:
        self.refuse_empty(parts, f"enum `{parts[1].text}`", "a member")
        return syntax.EnumDeclaration(_span(parts), _name(parts[1]), _names(parts[3:]), self.doc(parts[0]))

    def type_declaration(self, parts: Parts) -> syntax.TypeDeclaration:
        self.refuse_empty(parts, f"type `{parts[1].text}`", "a field")
        fields = _nodes(parts, syntax.Field)
        return syntax.TypeDeclaration(_span(parts), _name(parts[1]), fields, self.doc(parts[0]))

    def field(self, parts: Parts) -> syntax.Field:
        name = parts[0]
        default = where = None
        for tail in parts[3:]:
            if tail.name == "default":
                default = tail.value
            else:
                where = tail.value
        return syntax.Field(_span(parts), _name(name), parts[2], default, where, self.doc(name))

    def default(self, parts: Parts) -> Tail:
        return Tail("default", _span(parts), parts[1])

    def where(self, parts: Parts) -> Tail:
        return Tail("where", _span(parts), parts[1])

    def named_type(self, parts: Parts) -> syntax.NamedType:
        return syntax.NamedType(parts[0].span, parts[0].text)

    def list_type(self, parts: Parts) -> syntax.ListType:
        if parts[0].text != "list":
            message = f"`{parts[0].text}` does not take a type in brackets"
            self.report("E101", message, parts[0].span, "only `list[T]` does")
        return self.nested(syntax.ListType(_span(parts), parts[2]), parts[2])

    def optional_type(self, parts: Parts) -> syntax.OptionalType:
        return self.nested(syntax.OptionalType(_span(parts), parts[0]), parts[0])

    def record(self, parts: Parts) -> syntax.RecordType:
        self.refuse_empty(parts, "this result", "a field")
        return syntax.RecordType(_span(parts), _nodes(parts, syntax.Field))

    # --- services

    def service(self, parts: Parts) -> syntax.Service:
        items = _items(parts[3:])
        return syntax.Service(_span(parts), _name(parts[1]), items, self.doc(parts[0]))

    def owner(self, parts: Parts) -> syntax.Owner:
        if parts[1].kind == "STRING":
            return syntax.Owner(_span(parts), _text(parts[1]))
        tails = _tails(parts)
        sla, contract = tails.get("sla"), tails.get("contract")
        return syntax.Owner(_span(parts), _text(parts[2]), True, sla, contract)

    def sla(self, parts: Parts) -> Tail:
        return Tail("sla", _span(parts), _duration(parts[1]))

    def contract(self, parts: Parts) -> Tail:
        return Tail("contract", _span(parts), _text(parts[1]))

    def resource(self, parts: Parts) -> syntax.Resource:
        at = _index(parts, "]")
        keys = _nodes(parts[3:at], syntax.Field)
        if not keys:
            message = f"resource `{parts[1].text}` has no key"
            self.report(
                "E119", message, _span(parts[2 : at + 1]), "write the key in the brackets, such as `[id: uuid]`"
            )
        return syntax.Resource(_span(parts), _name(parts[1]), keys, _items(parts[at + 2 :]), self.doc(parts[0]))

    def resource_field(self, parts: Parts) -> syntax.ResourceField:
        tails = _tails(parts)
        hold = any(type(part) is Token and part.kind == "hold" for part in parts[3:])
        written = parts[:-1] if type(parts[-1]) is Token and parts[-1].kind == "," else parts
        name = _name(parts[0])
        default, references = tails.get("default"), tails.get("references")
        return syntax.ResourceField(_span(written), name, parts[2], default, hold, references, self.doc(parts[0]))

    def references(self, parts: Parts) -> Tail:
        return Tail("references", _span(parts), parts[1])

    def states(self, parts: Parts) -> syntax.States:
        return syntax.States(_span(parts), _nodes(parts, syntax.State))

    def state(self, parts: Parts) -> syntax.State:
        return syntax.State(_span(parts), _name(parts[0]), len(parts) == 2)

    def state_set(self, parts: Parts) -> syntax.StateSet:
        return syntax.StateSet(_span(parts), parts[0].text, parts[1].value)

    def invariant(self, parts: Parts) -> syntax.Invariant:
        return syntax.Invariant(_span(parts), parts[1])

    def observe(self, parts: Parts) -> syntax.Observe:
        return syntax.Observe(_span(parts), parts[1])

    def operation(self, parts: Parts) -> syntax.Operation:
        at = _index(parts, ")")
        clauses = _items(part for part in parts[at + 1 :] if type(part) is not tuple)
        return syntax.Operation(
            _span(parts),
            parts[0].text,
            _name(parts[1]),
            _nodes(parts[3:at], syntax.Field),
            _tails(parts[at + 1 :]).get("result"),
            clauses,
            self.doc(parts[0]),
        )

    def arrow(self, parts: Parts) -> Tail:
        return Tail("result", _span(parts), parts[1])

    def changes(self, parts: Parts) -> syntax.Changes:
        tails = _tails(parts[5:])
        source, target = tails.get("transition", (None, None))
        items = tails.get("block", ())
        if "transition" not in tails and "block" not in tails:
            message = f"this does not say what changes in `{parts[1].text}`"
            self.report("E119", message, _span(parts), "write `a -> b` after it, or assignments in braces")
        return syntax.Changes(_span(parts), _name(parts[1]), parts[3], source, target, items)

    def transition(self, parts: Parts) -> Tail:
        return Tail("transition", _span(parts), (_name(parts[0]), _name(parts[2])))

    def changes_block(self, parts: Parts) -> Tail:
        self.refuse_empty(parts, "this block", "an assignment")
        return Tail("block", _span(parts), _items(parts[1:]))

    def requires(self, parts: Parts) -> syntax.Requires:
        return syntax.Requires(_span(parts), parts[1])

    def assignment(self, parts: Parts) -> syntax.Assignment:
        return syntax.Assignment(_span(parts), _name(parts[0]), parts[1].kind, parts[2])

    def yields(self, parts: Parts) -> syntax.Yields:
        return syntax.Yields(_span(parts), _name(parts[1]), _name(parts[3]))

    def idempotent(self, parts: Parts) -> syntax.Idempotent:
        return syntax.Idempotent(_span(parts), _duration(parts[2]) if len(parts) > 1 else None)

    def fails(self, parts: Parts) -> syntax.Fails:
        return syntax.Fails(_span(parts), parts[1].value)

    def lands_within(self, parts: Parts) -> syntax.LandsWithin:
        return syntax.LandsWithin(_span(parts), _duration(parts[2]))

    def probe(self, parts: Parts) -> syntax.Probe:
        return syntax.Probe(_span(parts), parts[1])

    def revokes(self, parts: Parts) -> syntax.Revokes:
        return syntax.Revokes(_span(parts), _name(parts[1]))

    def holds_for(self, parts: Parts) -> syntax.HoldsFor:
        return syntax.HoldsFor(_span(parts), _duration(parts[2]), _tails(parts).get("skew"))

    def skew(self, parts: Parts) -> Tail:
        return Tail("skew", _span(parts), _duration(parts[1]))

    # --- sagas

    def saga(self, parts: Parts) -> syntax.Saga:
        items = _items(parts[5:])
        return syntax.Saga(_span(parts), _name(parts[1]), parts[3].value, items, self.doc(parts[0]))

    def key(self, parts: Parts) -> syntax.Key:
        return syntax.Key(_span(parts), parts[1].value)

    def input(self, parts: Parts) -> syntax.InputBlock:
        return syntax.InputBlock(_span(parts), _nodes(parts, syntax.Field))

    def output(self, parts: Parts) -> syntax.OutputBlock:
        return syntax.OutputBlock(_span(parts), _nodes(parts, syntax.Field))

    def deadline(self, parts: Parts) -> syntax.Deadline:
        return syntax.Deadline(_span(parts), _duration(parts[1]))

    def rollback(self, parts: Parts) -> syntax.Rollback:
        tails = _tails(parts)
        return syntax.Rollback(_span(parts), tails.get("within"), "in order" in tails)

    def in_order(self, parts: Parts) -> Tail:
        return Tail("in order", _span(parts), True)

    def within(self, parts: Parts) -> Tail:
        return Tail("within", _span(parts), _duration(parts[1]))

    def on_unknown_hold(self, parts: Parts) -> syntax.OnUnknownHold:
        return syntax.OnUnknownHold(_span(parts))

    def step(self, parts: Parts) -> syntax.Step:
        pivot = parts[0].kind == "pivot"
        name = parts[2] if pivot else parts[1]
        return syntax.Step(_span(parts), _name(name), pivot, _items(parts), self.doc(parts[0]))

    def after(self, parts: Parts) -> syntax.After:
        return syntax.After(_span(parts), parts[1].value)

    def when(self, parts: Parts) -> syntax.When:
        return syntax.When(_span(parts), parts[1], _name(parts[4]) if len(parts) == 5 else None)

    def do(self, parts: Parts) -> syntax.Do:
        return syntax.Do(_span(parts), parts[1], _tails(parts).get("result"))

    def do_saga(self, parts: Parts) -> syntax.DoSaga:
        return syntax.DoSaga(_span(parts), parts[2])

    def call(self, parts: Parts) -> syntax.Call:
        path = (_name(parts[0]),) if type(parts[0]) is Token else parts[0].value
        return syntax.Call(_span(parts), path, parts[2])

    def wait_for(self, parts: Parts) -> syntax.WaitFor:
        return syntax.WaitFor(_span(parts), _duration(parts[1]))

    def wait_until(self, parts: Parts) -> syntax.WaitUntil:
        return syntax.WaitUntil(_span(parts), parts[2])

    def wait_signal(self, parts: Parts) -> syntax.WaitSignal:
        fields = parts[4].fields if type(parts[4]) is syntax.RecordType else ()
        return syntax.WaitSignal(_span(parts), _name(parts[3]), fields, _duration(parts[-1]))

    def for_each(self, parts: Parts) -> syntax.ForEach:
        tails = _tails(parts[5:])
        return syntax.ForEach(_span(parts), _name(parts[2]), parts[4], tails.get("limit"), "in order" in tails)

    def limit(self, parts: Parts) -> Tail:
        return Tail("limit", _span(parts), parts[1].value)

    def undo(self, parts: Parts) -> syntax.Undo:
        tails = _tails(parts)
        clauses = tails.get("block", ())
        return syntax.Undo(_span(parts), parts[0].kind, parts[1], tails.get("guard"), tails.get("because"), clauses)

    def guard(self, parts: Parts) -> Tail:
        return Tail("guard", _span(parts), parts[1])

    def because(self, parts: Parts) -> Tail:
        self.refuse_placeholder(parts[1])
        return Tail("because", _span(parts), _text(parts[1]))

    def undo_block(self, parts: Parts) -> Tail:
        self.refuse_empty(parts, "this block", "a `timeout`, a `retry` or an `on refusal`")
        return Tail("block", _span(parts), _items(parts[1:]))

    def on_refusal(self, parts: Parts) -> syntax.OnRefusal:
        return syntax.OnRefusal(_span(parts), parts[3].value)

    def irreversible(self, parts: Parts) -> syntax.Irreversible:
        return syntax.Irreversible(_span(parts), parts[1].value)

    def left(self, parts: Parts) -> syntax.Left:
        return syntax.Left(_span(parts), parts[1].value)

    def undone_by(self, parts: Parts) -> syntax.UndoneBy:
        return syntax.UndoneBy(_span(parts), _name(parts[2]), parts[3].value)

    def timeout(self, parts: Parts) -> syntax.Timeout:
        return syntax.Timeout(_span(parts), _duration(parts[1]))

    def retry(self, parts: Parts) -> syntax.Retry:
        tails = _tails(parts)
        times = None if parts[1].kind == "forever" else parts[1].value
        return syntax.Retry(_span(parts), times, tails.get("within"), tails.get("backoff"))

    def backoff(self, parts: Parts) -> Tail:
        return Tail("backoff", _span(parts), (_duration(parts[1]), _duration(parts[3])))

    def on_failure(self, parts: Parts) -> syntax.OnFailure:
        text = None
        if parts[2].kind == "continue":
            text = parts[3].value
        elif parts[2].kind == "escalate":
            text = _text(parts[4])
        return syntax.OnFailure(_span(parts), parts[2].kind, text)

    def lock(self, parts: Parts) -> syntax.Lock:
        return syntax.Lock(_span(parts), _name(parts[1]), parts[3], _duration(parts[6]))

    def approval(self, parts: Parts) -> syntax.Approval:
        return syntax.Approval(_span(parts), _name(parts[1]), _items(parts), self.doc(parts[0]))

    def approval_within(self, parts: Parts) -> syntax.Within:
        return syntax.Within(_span(parts), _duration(parts[1]))

    def ask(self, parts: Parts) -> syntax.Ask:
        tails = _tails(parts)
        return syntax.Ask(_span(parts), _text(parts[2]), tails.get("quorum"), tails.get("except"))

    def quorum(self, parts: Parts) -> Tail:
        return Tail("quorum", _span(parts), parts[1].value)

    def except_(self, parts: Parts) -> Tail:
        return Tail("except", _span(parts), parts[1])

    def show(self, parts: Parts) -> syntax.Show:
        self.refuse_empty(parts, "this block", "a value to show")
        return syntax.Show(_span(parts), _nodes(parts, syntax.Reference))

    def choice(self, parts: Parts) -> syntax.Choice:
        kind: Literal["exactly", "at least"] = "exactly" if parts[0].kind == "exactly" else "at least"
        return syntax.Choice(_span(parts), kind, parts[-1].value)

    def require(self, parts: Parts) -> syntax.Require:
        return syntax.Require(_span(parts), parts[1], _name(parts[3]), _tails(parts).get("guard"))

    def forbid(self, parts: Parts) -> syntax.Forbid:
        return syntax.Forbid(_span(parts), _name(parts[1]), parts[2].value)

    def ensure(self, parts: Parts) -> syntax.Ensure:
        return syntax.Ensure(_span(parts), parts[-3].kind, parts[-1])

    # --- scenarios and waivers

    def scenario(self, parts: Parts) -> syntax.Scenario:
        self.refuse_empty(parts, "this scenario", "a `then`")
        return syntax.Scenario(_span(parts), _text(parts[1]), _items(parts))

    def given_input(self, parts: Parts) -> syntax.GivenInput:
        return syntax.GivenInput(_span(parts), parts[2].value)

    def given_fails(self, parts: Parts) -> syntax.GivenFails:
        return syntax.GivenFails(_span(parts), _name(parts[1]), _name(parts[3]))

    def given_unknown(self, parts: Parts) -> syntax.GivenUnknown:
        landed = {3: None, 4: True, 5: False}[len(parts)]
        return syntax.GivenUnknown(_span(parts), _name(parts[1]), landed)

    def given_undo_fails(self, parts: Parts) -> syntax.GivenUndoFails:
        return syntax.GivenUndoFails(_span(parts), _name(parts[2]))

    def given_approval(self, parts: Parts) -> syntax.GivenApproval:
        return syntax.GivenApproval(_span(parts), _name(parts[1]), parts[2].kind)

    def given_signal(self, parts: Parts) -> syntax.GivenSignal:
        return syntax.GivenSignal(_span(parts), _name(parts[2]), parts[3].value)

    def given_after(self, parts: Parts) -> syntax.GivenAfter:
        return syntax.GivenAfter(_span(parts), parts[1].kind, _name(parts[3]))

    def bindings(self, parts: Parts) -> Tail:
        self.refuse_empty(parts, "this block", "a value")
        return Tail("bindings", _span(parts), tuple(part.value for part in _flat(parts) if type(part) is Tail))

    def binding(self, parts: Parts) -> Tail:
        return Tail("binding", _span(parts), (_name(parts[0]), parts[2]))

    def then_end(self, parts: Parts) -> syntax.ThenEnd:
        return syntax.ThenEnd(_span(parts), parts[1].kind)

    def then_order(self, parts: Parts) -> syntax.ThenOrder:
        return syntax.ThenOrder(_span(parts), _nodes(parts, syntax.OrderItem))

    def order_item(self, parts: Parts) -> syntax.OrderItem:
        return syntax.OrderItem(_span(parts), _name(parts[-1]), len(parts) == 2)

    def waive(self, parts: Parts) -> syntax.Waive:
        tails = _tails(parts)
        at = _index(parts, "until")
        until, by = parts[at + 1], parts[at + 3]
        if not _is_date(until.text):
            self.report("E118", f"there is no day `{until.text}`", until.span, "write a day such as `2026-12-31`")
            until.value = LAST_DAY  # or it would be reported as expired, too
        self.refuse_placeholder(by)
        step, because = tails.get("step"), tails["because"]
        return syntax.Waive(_span(parts), _name(parts[1]), step, _text(until), _text(by), because)

    def waived_step(self, parts: Parts) -> Tail:
        return Tail("step", _span(parts), _name(parts[1]))

    # --- expressions

    def binary(self, parts: Parts) -> syntax.Binary:
        left, sign, right = parts
        return self.nested(syntax.Binary(left.span.to(right.span), sign.kind, left, right), left, right)

    def chained(self, parts: Parts) -> syntax.Binary:
        left, sign, right = parts
        span = left.span.to(right.span)
        if type(left) is not syntax.Binary:
            self.report("E112", "comparisons cannot be chained", span, "compare twice and write `and` between")
            return self.binary(parts)
        first, middle, last = (self.text[part.span.start : part.span.end] for part in (left, left.right, right))
        advice = f"write `{first} and {middle} {sign.kind} {last}`"
        self.report("E112", "comparisons cannot be chained", span, " ".join(advice.split()))
        # Read as it was meant, so that nothing else is said about it.
        second = syntax.Binary(left.right.span.to(right.span), sign.kind, left.right, right)
        return self.nested(syntax.Binary(span, "and", left, second), left, right)

    def unary(self, parts: Parts) -> syntax.Unary:
        sign, operand = parts
        return self.nested(syntax.Unary(sign.span.to(operand.span), sign.kind, operand), operand)

    def is_null(self, parts: Parts) -> syntax.Unary:
        operator: Literal["is null", "is not null"] = "is null" if len(parts) == 3 else "is not null"
        return self.nested(syntax.Unary(_span(parts), operator, parts[0]), parts[0])

    def parenthesised(self, parts: Parts) -> syntax.Expression:
        inner = parts[1]
        wider: syntax.Expression = replace(inner, span=_span(parts))
        return self.nested(wider, inner)

    def constant(self, parts: Parts) -> syntax.Constant:
        token = parts[0]
        match token.kind:
            case "true" | "false":
                return syntax.Constant(token.span, "bool", token.kind == "true")
            case "null":
                return syntax.Constant(token.span, "null", None)
            case kind:
                return syntax.Constant(token.span, kind.lower(), token.value)

    def reference(self, parts: Parts) -> syntax.Reference:
        return syntax.Reference(parts[0].span, parts[0].value)

    def record_state(self, parts: Parts) -> syntax.RecordState:
        node = syntax.RecordState(_span(parts), _name(parts[0]), parts[2], _names(parts[4:]))
        return self.nested(node, *parts[2])

    def application(self, parts: Parts) -> syntax.Application:
        node = syntax.Application(_span(parts), _name(parts[0]), parts[2])
        return self.nested(node, *parts[2])

    def items(self, parts: Parts) -> syntax.Items:
        return self.nested(syntax.Items(_span(parts), parts[1]), *parts[1])

    def arguments(self, parts: Parts) -> tuple[syntax.Expression, ...]:
        return tuple(part for part in _flat(parts) if type(part) is not Token)

    # --- what the grammar alone cannot refuse

    def nested(self, node: NodeT, *inner: syntax.Node) -> NodeT:
        """The node itself, its depth noted and within the limit."""
        depths = self.depths
        depth = 1 + max([depths[id(part)][1] for part in inner if id(part) in depths], default=0)
        if depth > DEPTH_MAX:
            raise TooDeepError(node.span)
        depths[id(node)] = (node, depth)
        return node

    def doc(self, token: Token) -> str:
        if token.doc:
            self.documented.add(token.span.start)
        return token.doc

    def refuse_empty(self, parts: Parts, what: str, wanted: str) -> None:
        if parts[-2].__class__ is Token and parts[-2].kind == "{":
            self.report("E119", f"{what} is empty", _span(parts[-2:]), f"write {wanted} in the braces")

    def refuse_placeholder(self, text: Token) -> None:
        words = "".join(letter for letter in str(text.value).lower() if letter.isalnum())
        if text.text and words in PLACEHOLDERS:
            message = f"`{text.value}` is not an answer" if str(text.value).strip() else "this text is empty"
            self.report("E114", message, text.span, "write what a reader who was not there needs to know")

    def report(self, code: str, message: str, span: Span, advice: str) -> None:
        self.findings.append(finding(code, message, Label(span), help=advice))


def _span(parts: Parts) -> Span:
    last = parts[-1]
    return cast("Span", parts[0].span.to((last[-1] if type(last) is list else last).span))


def _flat(parts: Parts) -> Iterable[Part]:
    for part in parts:
        if type(part) is list:
            yield from part
        else:
            yield part


def _items(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The nodes among the parts; names, types and arguments of the head are tokens or tails, and fall away."""
    return tuple(part for part in _flat(tuple(parts)) if isinstance(part, syntax.Node))


def _nodes(parts: Parts, kind: type[NodeT]) -> tuple[NodeT, ...]:
    return tuple(part for part in _flat(parts) if type(part) is kind)


def _names(parts: Parts) -> tuple[syntax.Name, ...]:
    return tuple(_name(part) for part in _flat(parts) if type(part) is Token and part.kind == "NAME")


def _tails(parts: Parts) -> dict[str, Any]:
    return {part.name: part.value for part in parts if type(part) is Tail}


def _index(parts: Parts, sign: str) -> int:
    return next(at for at, part in enumerate(parts) if type(part) is Token and part.kind == sign)


def _name(token: Token) -> syntax.Name:
    return syntax.Name(token.span, token.text)


def _text(token: Token) -> syntax.Text:
    return syntax.Text(token.span, cast("str", token.value))


def _duration(token: Token) -> syntax.Duration:
    return syntax.Duration(token.span, cast("int", token.value))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True

"""Calls of commands and queries: their arguments, checked against the contract or inferred from it."""

from __future__ import annotations

from dataclasses import dataclass

from sagac.compiler import codes, expressions, model, shapes, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, gather
from sagac.compiler.frames import Use
from sagac.compiler.scopes import MISTAKEN, Scope, Typed
from sagac.compiler.shapes import Fields, Many, Maybe, Nothing, Shape, Wrong
from sagac.compiler.signatures import Signature, wrong_count


@dataclass(frozen=True, slots=True)
class Called:
    """A call with its arguments in the parameters' order; `use` is what it says about an undeclared operation."""

    call: model.Call
    use: Use | None


def called(node: syntax.Call, signature: Signature, scope: Scope, saga: str) -> Finds[Called | None]:
    """The call, checked; `None` where it has findings."""
    if len(node.arguments) != len(signature.parameters):
        yield wrong_count(node, signature)
        return None
    given = yield from gather(_argument(node, signature, at, scope) for at in range(len(node.arguments)))
    lowered = [each.lowered for each in given if each.lowered is not None]
    if len(lowered) < len(given):
        return None
    names = (name for name, _ in signature.parameters)
    spans = tuple(argument.span for argument in node.arguments)
    call = model.Call(
        signature.service, signature.operation.name, tuple(zip(names, lowered, strict=True)), spans, node.span
    )
    if signature.operation.declared:
        return Called(call, None)
    inferred = tuple(each.shape for each in given)
    return Called(call, Use(signature.service, signature.operation.name, inferred, spans, saga))


def _argument(node: syntax.Call, signature: Signature, at: int, scope: Scope) -> Finds[Typed]:
    """One argument, checked against its parameter where that has a declared type."""
    name, wanted = signature.parameters[at]
    if wanted is None:
        return (yield from _inferred(node.arguments[at], scope))
    declared = Label(signature.operation.parameters[at].span, "the parameter")
    return (yield from expressions.checked(node.arguments[at], scope, wanted, f"parameter `{name}`", declared))


def _inferred(node: syntax.Expression, scope: Scope) -> Finds[Typed]:
    """An argument whose type is that of its parameter."""
    found = yield from expressions.typed(node, scope)
    if isinstance(found.shape, Wrong) or is_certain(found.shape):
        return found
    yield codes.finding(
        "E307",
        "the type of this parameter cannot be inferred from its argument",
        node.span,
        help="declare the service and its command",
    )
    return MISTAKEN


def is_certain(shape: Shape) -> bool:
    """Whether a type says of what it is: `null` and `[]` do not, and a record in place has no name to refer to."""
    match shape:
        case Nothing():
            return False
        case Many() | Maybe():
            return is_certain(shape.item)
        case Fields():
            return bool(shape.name)
        case _:
            return True


def join(uses: list[Use]) -> Finds[tuple[Shape, ...]]:
    """The types of an undeclared operation's parameters: wide enough for every call."""
    joined = list(uses[0].shapes)
    for use in uses[1:]:
        for at, shape in enumerate(use.shapes):
            wider = shapes.join(joined[at], shape)
            if wider is None:
                yield codes.finding(
                    "E308",
                    f"`{use.operation}` is called with `{shapes.text(shape)}` here and with "
                    f"`{shapes.text(joined[at])}` elsewhere",
                    use.spans[at],
                    Label(uses[0].spans[at], "elsewhere"),
                    help="declare the service, or call it in one way",
                    saga=use.saga,
                )
            else:
                joined[at] = wider
    return tuple(joined)

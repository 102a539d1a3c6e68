"""The types of expressions, and their lowering to expressions of the plan."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal, TypeAlias, assert_never

from sagac.compiler import codes, literals, lookups, shapes, syntax
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, gather, listed, nearest
from sagac.compiler.reading import facts, records_read, references
from sagac.compiler.scopes import MISTAKEN, Path, Records, Scope, Typed, is_lone
from sagac.compiler.shapes import WRONG, Enumeration, Many, Maybe, Nothing, Shape, Wrong
from sagac.runtime import plan

RECORD: Final = "record "
"""What the names of the records of an `ensure` begin with; no step's name has a blank."""


KEY: Final = "the key of a record"
"""The place of what stands in the brackets of `R[k]`."""


def typed(node: syntax.Expression, scope: Scope, hint: Shape = WRONG) -> Finds[Typed]:
    """The type of an expression; `hint` is the type that the place beside it suggests, if any."""
    match node:
        case syntax.Constant():
            return (yield from literals.literal(node, hint))
        case syntax.Reference():
            return (yield from lookups.reference(node, scope, hint))
        case syntax.RecordState():
            return (yield from _record_state(node, scope))
        case syntax.Application():
            return (yield from _application(node, scope, hint))
        case syntax.Unary():
            return (yield from _unary(node, scope, hint))
        case syntax.Binary():
            return (yield from _binary(node, scope, hint))
        case syntax.Items():
            return (yield from _items(node, scope, hint))
        case _:
            assert_never(node)


def checked(node: syntax.Expression, scope: Scope, wanted: Shape, what: str, *declared: Label) -> Finds[Typed]:
    """The expression as a value of type `wanted`; `what` names what takes it, and `declared` shows where it says so."""
    if isinstance(wanted, Wrong) and is_lone(node, scope):
        return MISTAKEN
    found = yield from typed(node, scope, wanted)
    if shapes.fits(found.shape, wanted):
        return found
    if shapes.fits(shapes.bare(found.shape), wanted):
        yield lookups.may_be_absent(node)
        return MISTAKEN
    message = f"{what} is `{shapes.text(wanted)}`, but this is `{shapes.text(found.shape)}`"
    yield codes.finding("E301", message, node.span, *declared, help=literals.as_member(node, wanted))
    return MISTAKEN


def condition(node: syntax.Expression, scope: Scope) -> Finds[plan.Expression | None]:
    """A condition: an expression of type `bool`."""
    return (yield from checked(node, scope, shapes.BOOL, scope.place)).lowered


def constant(node: syntax.Expression, wanted: Shape, what: str) -> Finds[plan.Wire]:
    """The value of a constant of type `wanted`, as the journal stores it; `None` with a finding otherwise."""
    for reference in references(node):
        if not shapes.is_sound(wanted):
            return None
        if len(reference.names) > 1 or not isinstance(shapes.bare(wanted), Enumeration | Many):
            advice = literals.as_member(reference, wanted)
            yield codes.finding("E214", f"{what} must be a constant", reference.span, help=advice)
            return None
    found = yield from checked(node, Scope(what, products=True), wanted, what)
    if found.lowered is None:
        return None
    if not literals.is_constant(found.lowered):
        yield codes.finding("E214", f"{what} must be a constant", node.span, help="write the value itself")
        return None
    return literals.wire(found.lowered)


# --- records and functions ------------------------------------------------------------------------------------------


def _record_state(node: syntax.RecordState, scope: Scope) -> Finds[Typed]:
    if scope.records is None:
        yield codes.finding(
            "E214",
            f"{scope.place} cannot read the record `{node.resource.text}`: it belongs to a service",
            node.span,
            help="give it as an input, a result or a parameter"
            if scope.place == KEY
            else "records can be read in `ensure`; a run reads them through a query",
        )
        return MISTAKEN
    resource = yield from resource_of(node.resource, scope)
    return MISTAKEN if resource is None else (yield from _state_of(node, resource, scope))


def resource_of(name: syntax.Name, scope: Scope) -> Finds[Records | None]:
    """The resource that `R[k]` names."""
    known = scope.records or {}
    if name.text in scope.doubled:
        yield codes.finding(
            "E208",
            f"`{name.text}` can be read in two ways: two of the services here have a resource of this name",
            name.span,
            help="rename one of them",
        )
        return None
    if name.text not in known and not scope.blind:
        yield codes.finding(
            "E203",
            f"no resource `{name.text}` is known here",
            name.span,
            help=nearest(name.text, known) or f"declare `resource {name.text}[…] {{ … }}` in the service it belongs to",
        )
    return known.get(name.text)


def _state_of(node: syntax.RecordState, resource: Records, scope: Scope) -> Finds[Typed]:
    yield from keys(node.keys, resource.keys, node.resource, replace(scope, records=None, place=KEY))
    if not node.fields:
        if resource.states is None:
            yield codes.finding(
                "E206",
                f"`{node.resource.text}` has no states to compare",
                node.span,
                help=f"read one of its fields: {listed(resource.fields)}" if resource.fields else (),
            )
            return MISTAKEN
        return Typed(resource.states, _of_record(node, ("state",), resource.states.lowered, scope))
    first = resource.fields.get(node.fields[0].text)
    if first is None:
        name = node.fields[0]
        yield codes.finding(
            "E206",
            f"`{node.resource.text}` has no field `{name.text}`",
            name.span,
            help=nearest(name.text, resource.fields),
        )
        return MISTAKEN
    fields = syntax.Reference(node.span, node.fields)
    shape = yield from lookups.walked(fields, first, replace(scope, present=frozenset()))
    return Typed(shape, _of_record(node, tuple(name.text for name in node.fields), shapes.text(shape), scope))


def _of_record(node: syntax.RecordState, path: Path, type: str, scope: Scope) -> plan.Expression | None:
    """What a numbered record shows."""
    number = scope.numbers.get(node.span)
    return None if number is None else plan.Result(record_name(number), path, type)


def record_name(number: int) -> str:
    """The step's name by which an `ensure` reads one of its records."""
    return f"{RECORD}{number}"


def keys(
    given: tuple[syntax.Expression, ...], wanted: tuple[Shape, ...], resource: syntax.Name, scope: Scope
) -> Finds[tuple[plan.Expression, ...] | None]:
    """The keys of `R[k, …]`: as many as the resource has, each of its type; `None` where they have findings."""
    if len(given) != len(wanted):
        yield codes.finding(
            "E302", f"`{resource.text}` has {_count(len(wanted), 'key')}, here {_are(len(given))} given", resource.span
        )
        return None
    found = yield from gather(
        checked(key, scope, shape, f"the key of `{resource.text}`") for key, shape in zip(given, wanted, strict=True)
    )
    lowered = tuple(key.lowered for key in found if key.lowered is not None)
    return lowered if len(lowered) == len(found) else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _are(number: int) -> str:
    return f"{number} is" if number == 1 else f"{number} are"


def _application(node: syntax.Application, scope: Scope, hint: Shape) -> Finds[Typed]:
    name = node.function.text
    if name not in ("size", "old"):
        yield codes.finding(
            "E213",
            f"there is no function `{name}`",
            node.function.span,
            help=nearest(name, ("size", "old")) or "the language has `size(list)`, and `old(e)` in `ensure`",
        )
        return MISTAKEN
    if len(node.arguments) != 1:
        yield codes.finding("E302", f"`{name}` takes 1 argument, not {len(node.arguments)}", node.span)
        return MISTAKEN
    return (yield from (_size(node, scope) if name == "size" else _old(node, scope, hint)))


def _size(node: syntax.Application, scope: Scope) -> Finds[Typed]:
    found = yield from typed(node.arguments[0], scope, WRONG)
    if isinstance(found.shape, Wrong):
        return MISTAKEN
    if isinstance(found.shape, Maybe) and isinstance(found.shape.item, Many):
        yield lookups.may_be_absent(node.arguments[0])
        return MISTAKEN
    if not isinstance(found.shape, Many):
        yield codes.finding(
            "E303", f"`size` counts a list, and this is `{shapes.text(found.shape)}`", node.arguments[0].span
        )
        return MISTAKEN
    return Typed(shapes.INT, found.lowered and plan.Unary("size", found.lowered))


def _old(node: syntax.Application, scope: Scope, hint: Shape) -> Finds[Typed]:
    if not scope.old:
        yield codes.finding(
            "E214",
            f"`old` stands only in `ensure at completed` and `ensure at compensated`, not in {scope.place}",
            node.span,
            help="`old(e)` is the value when the run started",
        )
        return MISTAKEN
    if not any(True for _ in records_read(node)):
        yield codes.finding(
            "E312",
            "`old` is about what records hold, and no record is read here",
            node.span,
            help="inputs and results do not change: leave `old` out",
        )
    return (yield from typed(node.arguments[0], replace(scope, old=False), hint))


# --- operators ------------------------------------------------------------------------------------------------------


def _unary(node: syntax.Unary, scope: Scope, hint: Shape) -> Finds[Typed]:
    match node.operator:
        case "not":
            found = yield from _operand(node.operand, scope, shapes.BOOL, "not")
            return Typed(shapes.BOOL, found.lowered and plan.Unary("not", found.lowered))
        case "-":
            return (yield from _negative(node, scope, hint))
        case "is null" | "is not null":
            return (yield from _presence(node, node.operator, scope))
        case _:
            assert_never(node.operator)


def _operand(node: syntax.Expression, scope: Scope, wanted: Shape, operator: str) -> Finds[Typed]:
    """An operand whose type the operator fixes."""
    found = yield from typed(node, scope, wanted)
    if shapes.fits(found.shape, wanted):
        return found
    if shapes.fits(shapes.bare(found.shape), wanted):
        yield lookups.may_be_absent(node)
        return MISTAKEN
    yield codes.finding(
        "E303",
        f"`{operator}` needs `{shapes.text(wanted)}`, and this is `{shapes.text(found.shape)}`",
        node.span,
    )
    return MISTAKEN


def _negative(node: syntax.Unary, scope: Scope, hint: Shape) -> Finds[Typed]:
    found = yield from typed(node.operand, scope, hint)
    if isinstance(found.shape, Wrong):
        return MISTAKEN
    if found.shape not in (*shapes.NUMBERS, shapes.DURATION):
        yield from _not_a_number(node.operand, found.shape, "-")
        return MISTAKEN
    if isinstance(found.lowered, plan.Constant):
        return Typed(found.shape, plan.Constant(_negated(found.lowered.value), found.lowered.type))
    return Typed(found.shape, found.lowered and plan.Unary("-", found.lowered))


def _negated(value: plan.Wire) -> plan.Wire:
    if isinstance(value, str):
        return format(-Decimal(value), "f")
    assert isinstance(value, int), value
    return -value


def _not_a_number(node: syntax.Expression, shape: Shape, operator: str) -> Finds[None]:
    if shapes.bare(shape) in (*shapes.NUMBERS, shapes.DURATION):
        yield lookups.may_be_absent(node)
        return
    yield codes.finding("E303", f"`{operator}` needs a number, and this is `{shapes.text(shape)}`", node.span)


def _presence(node: syntax.Unary, operator: Literal["is null", "is not null"], scope: Scope) -> Finds[Typed]:
    # What an earlier condition has shown to be there may still be asked about.
    found = yield from typed(node.operand, replace(scope, present=_without(scope.present, node.operand)), WRONG)
    if isinstance(found.shape, Wrong):
        return MISTAKEN
    if not isinstance(found.shape, Maybe):
        yield codes.finding(
            "E303",
            f"`{operator}` asks about something that is never `null`: this is `{shapes.text(found.shape)}`",
            node.operand.span,
            help="only a type that ends in `?` can be `null`",
        )
        return MISTAKEN
    return Typed(shapes.BOOL, found.lowered and plan.Unary(operator, found.lowered))


def _without(present: frozenset[Path], operand: syntax.Expression) -> frozenset[Path]:
    if not isinstance(operand, syntax.Reference):
        return present
    return present - {tuple(name.text for name in operand.names)}


def _binary(node: syntax.Binary, scope: Scope, hint: Shape) -> Finds[Typed]:
    match node.operator:
        case "and" | "or" | "implies":
            return (yield from _connective(node, node.operator, scope))
        case "+" | "-" | "*":
            return (yield from _arithmetic(node, node.operator, scope, hint))
        case "/":
            return (yield from _division(node, scope, hint))
        case "==" | "!=":
            return (yield from _equality(node, node.operator, scope))
        case "<" | "<=" | ">" | ">=":
            return (yield from _comparison(node, node.operator, scope))
        case "in":
            return (yield from _membership(node, scope))
        case _:
            assert_never(node.operator)


def _connective(node: syntax.Binary, operator: Literal["and", "or", "implies"], scope: Scope) -> Finds[Typed]:
    left = yield from _operand(node.left, scope, shapes.BOOL, operator)
    shown = facts(node.left, operator != "or")
    right = yield from _operand(node.right, scope.knowing(shown), shapes.BOOL, operator)
    return Typed(shapes.BOOL, _joined(operator, left, right))


_Operator: TypeAlias = Literal["+", "-", "*", "==", "!=", "<", "<=", ">", ">=", "and", "or", "implies", "in"]


def _joined(operator: _Operator, left: Typed, right: Typed) -> plan.Expression | None:
    if left.lowered is None or right.lowered is None:
        return None
    return plan.Binary(operator, left.lowered, right.lowered)


def _sides(node: syntax.Binary, scope: Scope, hint: Shape = WRONG) -> Finds[tuple[Typed, Typed]]:
    """Both operands; the one whose type does not depend on the other first."""
    if _waits(node.left, scope):
        right = yield from typed(node.right, scope, hint)
        return (yield from _beside(node.left, scope, right, node.right, hint)), right
    left = yield from typed(node.left, scope, hint)
    return left, (yield from _beside(node.right, scope, left, node.left, hint))


def _beside(
    node: syntax.Expression, scope: Scope, other: Typed, beside: syntax.Expression, hint: Shape
) -> Finds[Typed]:
    """The second operand; beside a mistake a lone name is not judged, since it may be a member of what was meant."""
    if isinstance(other.shape, Wrong) and is_lone(node, scope) and not is_lone(beside, scope):
        return MISTAKEN
    return (yield from typed(node, scope, _stronger(other.shape, hint)))


def _stronger(shape: Shape, hint: Shape) -> Shape:
    return hint if isinstance(shape, Wrong | Nothing) else shape


def _waits(node: syntax.Expression, scope: Scope) -> bool:
    """Whether the type of an operand can depend on what stands beside it."""
    match node:
        case syntax.Constant() | syntax.Items():
            return True
        case syntax.Reference():
            return node.names[0].text not in scope.roots
        case syntax.Unary(operator="-"):
            return _waits(node.operand, scope)
        case _:
            return False


def _arithmetic(node: syntax.Binary, operator: Literal["+", "-", "*"], scope: Scope, hint: Shape) -> Finds[Typed]:
    left, right = yield from _sides(node, scope, hint)
    if isinstance(left.shape, Wrong) or isinstance(right.shape, Wrong):
        return MISTAKEN
    shape = yield from _number(node, operator, left.shape, right.shape)
    if shape is None:
        return MISTAKEN
    if operator == "*" and not (_is_literal(left) or _is_literal(right)):
        if not scope.products:
            yield codes.finding(
                "E305",
                f"{scope.place} cannot multiply two values that are both unknown: that cannot be decided",
                node.span,
                help="one side must be a number; let a query or an input give the product",
            )
            return MISTAKEN
        if _reads_record(left) or _reads_record(right):
            yield codes.finding(
                "E305",
                f"{scope.place} cannot multiply what a record holds by an unknown value: that cannot be decided",
                node.span,
                help="multiply it by a number, or let the command take the product as a parameter",
            )
            return MISTAKEN
    return Typed(shape, _joined(operator, left, right))


def _reads_record(side: Typed) -> bool:
    """Whether a factor reads a field of a record, which changes while a run goes on."""
    pending = [side.lowered]
    while pending:
        match pending.pop():
            case plan.Result(step=step):
                if step == lookups.OWN_RECORD or step.startswith(RECORD):
                    return True
            case plan.Unary(operand=operand):
                pending.append(operand)
            case plan.Binary(left=left, right=right):
                pending += [left, right]
            case plan.Items(items=items):
                pending += items
            case _:
                pass
    return False


def _is_literal(side: Typed) -> bool:
    """Whether a factor is a number written out, sums and products of numbers included."""
    pending = [side.lowered]
    while pending:
        match pending.pop():
            case plan.Constant():
                pass
            case plan.Binary(left=left, right=right):
                pending += [left, right]
            case _:
                return False
    return True


def _number(node: syntax.Binary, operator: str, left: Shape, right: Shape) -> Finds[Shape | None]:
    """The type of `left operator right`; durations can be added, and multiplied by a whole number."""
    if left == right == shapes.DURATION and operator != "*":
        return shapes.DURATION
    if operator == "*" and sorted((shapes.text(left), shapes.text(right))) == ["duration", "int"]:
        return shapes.DURATION
    for operand, shape in ((node.left, left), (node.right, right)):
        if shape not in (*shapes.NUMBERS, shapes.DURATION):
            yield from _not_a_number(operand, shape, operator)
            return None
    if shapes.DURATION in (left, right):
        yield _cannot(node, operator, left, right)
        return None
    return shapes.DECIMAL if shapes.DECIMAL in (left, right) else shapes.INT


def _cannot(node: syntax.Binary, operator: str, left: Shape, right: Shape) -> Diagnostic:
    return codes.finding(
        "E303",
        f"`{operator}` does not take `{shapes.text(left)}` and `{shapes.text(right)}`",
        node.span,
        help=literals.as_member(node.right, left) or literals.as_member(node.left, right),
    )


def _division(node: syntax.Binary, scope: Scope, hint: Shape) -> Finds[Typed]:
    yield from _sides(node, scope, hint)
    yield codes.finding(
        "E305",
        "`/` is not part of the language: how a quotient is rounded would be a guess",
        node.span,
        help="multiply by a decimal (`* 0.5`), or compare with a product (`a > 2 * b`)",
    )
    return MISTAKEN


def _equality(node: syntax.Binary, operator: Literal["==", "!="], scope: Scope) -> Finds[Typed]:
    left, right = yield from _sides(node, scope)
    if isinstance(left.shape, Wrong) or isinstance(right.shape, Wrong):
        return MISTAKEN
    if isinstance(left.shape, Nothing) or isinstance(right.shape, Nothing):
        yield codes.finding(
            "E303",
            f"`{operator}` does not compare with `null`",
            node.span,
            help=f"write `{'is null' if operator == '==' else 'is not null'}`",
        )
        return MISTAKEN
    if not (yield from _comparable(node, operator, left.shape, right.shape)):
        return MISTAKEN
    return Typed(shapes.BOOL, _joined(operator, left, right))


def _comparable(node: syntax.Binary, operator: str, left: Shape, right: Shape) -> Finds[bool]:
    if not (shapes.fits(shapes.bare(left), shapes.bare(right)) or shapes.fits(shapes.bare(right), shapes.bare(left))):
        yield _cannot(node, operator, left, right)
        return False
    for operand, shape in ((node.left, left), (node.right, right)):
        if isinstance(shape, Maybe):
            yield lookups.may_be_absent(operand)
            return False
    if not shapes.is_equatable(left):
        yield codes.finding(
            "E305",
            f"`{operator}` compares single values, not `{shapes.text(left)}`",
            node.span,
            help="compare the fields that matter",
        )
        return False
    return True


def _comparison(node: syntax.Binary, operator: Literal["<", "<=", ">", ">="], scope: Scope) -> Finds[Typed]:
    left, right = yield from _sides(node, scope)
    if isinstance(left.shape, Wrong) or isinstance(right.shape, Wrong):
        return MISTAKEN
    for operand, shape in ((node.left, left.shape), (node.right, right.shape)):
        if isinstance(shape, Maybe) and shape.item in shapes.ORDERED:
            yield lookups.may_be_absent(operand)
            return MISTAKEN
        if shape not in shapes.ORDERED:
            yield codes.finding(
                "E303",
                f"`{operator}` compares numbers and times, and this is `{shapes.text(shape)}`",
                operand.span,
                help="it is equal to another one or it is not: write `==` or `!=`"
                if shapes.is_equatable(shape)
                else (),
            )
            return MISTAKEN
    if not (shapes.fits(left.shape, right.shape) or shapes.fits(right.shape, left.shape)):
        yield _cannot(node, operator, left.shape, right.shape)
        return MISTAKEN
    return Typed(shapes.BOOL, _joined(operator, left, right))


def _membership(node: syntax.Binary, scope: Scope) -> Finds[Typed]:
    if isinstance(node.right, syntax.Items) and not _waits(node.left, scope):
        left = yield from typed(node.left, scope, WRONG)
        right = yield from typed(node.right, scope, Many(left.shape))
    else:
        right = yield from typed(node.right, scope, WRONG)
        item = right.shape.item if isinstance(right.shape, Many) else WRONG
        left = yield from typed(node.left, scope, item)
    if isinstance(left.shape, Wrong) or isinstance(right.shape, Wrong):
        return MISTAKEN
    if isinstance(right.shape, Maybe) and isinstance(right.shape.item, Many):
        yield lookups.may_be_absent(node.right)
        return MISTAKEN
    if not isinstance(right.shape, Many):
        yield codes.finding("E303", f"`in` needs a list, and this is `{shapes.text(right.shape)}`", node.right.span)
        return MISTAKEN
    if isinstance(right.shape.item, Nothing):
        yield codes.finding("E307", "nothing is in an empty list", node.right.span, help="write what it may hold")
        return MISTAKEN
    if not (yield from _comparable(node, "in", left.shape, right.shape.item)):
        return MISTAKEN
    return Typed(shapes.BOOL, _joined("in", left, right))


def _items(node: syntax.Items, scope: Scope, hint: Shape) -> Finds[Typed]:
    wanted = hint.item if isinstance(hint, Many) else WRONG
    found = yield from gather(typed(item, scope, wanted) for item in node.items)
    shape: Shape = shapes.NOTHING
    for item, part in zip(node.items, found, strict=True):
        if isinstance(part.shape, Wrong):
            return MISTAKEN
        wider = shapes.join(shape, part.shape) if item is not node.items[0] else part.shape
        if wider is None:
            yield codes.finding(
                "E301",
                f"the items of a list have one type: `{shapes.text(shape)}` before, here `{shapes.text(part.shape)}`",
                item.span,
            )
            return MISTAKEN
        shape = wider
    lowered = [part.lowered for part in found if part.lowered is not None]
    complete = len(lowered) == len(found)
    return Typed(Many(shape), plan.Items(tuple(lowered)) if complete else None)

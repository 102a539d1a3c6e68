"""The encoding: conditions of the language and formulas over them, as terms of the logic. Pure; it knows no solver.

Theory: truth values, linear integer and linear real arithmetic, and equality. `int` and `duration` are integers,
`timestamp` is the milliseconds since 2026, `decimal` is a real; a member of an enum, a string and a uuid are codes.
`T?` has a truth value for "is there". A list has a length, and a truth value for each thing that is looked for in it.
What the theory does not have is a free value, one for each way it is written and each thing it is written about: a
proof holds whatever it is, and a model is believed only when `terms.holds` agrees with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, TypeAlias, assert_never

from sagac.compiler import logic, terms, wording
from sagac.compiler.logic import Literally, Sort, Symbol, Term, Value, both, either, implies, negation
from sagac.compiler.model import Saga
from sagac.compiler.terms import And, Atom, Formula, Not, Or, Var
from sagac.runtime.plan import Binary, Constant, Enum, Expression, Input, Items, Record, Result, Status, Unary, Wire

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

SPELLED_MAX: Final = 80
"""A name that is longer than this is cut, and told apart by a digest."""

Leaf: TypeAlias = Input | Result

Kind: TypeAlias = Literal["bool", "number", "decimal", "timestamp", "code", "null", "other"]
"""How values of a type are seen: `null` is what is surely null, `other` a list, a record or what is not typed."""

SORTS: Final[Mapping[Kind, Sort]] = {
    "bool": "bool",
    "number": "int",
    "decimal": "real",
    "timestamp": "int",
    "code": "code",
    "other": "code",
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value in the logic: what it is, and whether it is there, where it may be null.

    Of a list or a record, only which one it is is known: its value is a name that nothing else is compared with.
    """

    kind: Kind
    value: Term | None
    present: Term | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Whether a list holds something, as a free truth."""

    left: Expression
    sought: Encoded | None
    fact: Symbol


@dataclass(slots=True)
class Sought:
    """What is known of one list: its length, and all that was looked for in it."""

    length: Symbol
    members_max: int | None = None
    """How many different things it can hold: of an enum so many, of others without end."""
    members: dict[Symbol, Member] = field(default_factory=dict)


@dataclass(slots=True)
class Encoding:
    """Everything that has been encoded so far, with the names that it got."""

    types: Mapping[str, Record | Enum]
    prefix: str = ""
    """What the names of unknowns begin with: two encodings with different ones speak of different runs."""
    places: Mapping[Leaf, Encoded] = field(default_factory=dict)
    """What stands in the place of inputs and results; what is not here is an unknown."""
    leaves: dict[Leaf, Encoded] = field(default_factory=dict)
    symbols: dict[str, Leaf] = field(default_factory=dict)
    """The place that an unknown value is read from, by the unknown's name."""
    written: dict[int, tuple[Formula, Term]] = field(default_factory=dict)
    """What a formula is in the logic; the formula is kept so that its identity is not given away."""
    conditions: dict[Expression, Term] = field(default_factory=dict)
    names: dict[Expression, str] = field(default_factory=dict)
    products: dict[Symbol, tuple[Term, ...]] = field(default_factory=dict)
    """What each unknown that stands for a product is the product of."""
    free: dict[str, Symbol] = field(default_factory=dict)
    enums: dict[Symbol, tuple[str, ...]] = field(default_factory=dict)
    lists: dict[str, Sought] = field(default_factory=dict)
    """By the list's name."""
    places_of_lists: dict[str, Leaf] = field(default_factory=dict)
    """Where a list is read from, by its name."""
    listed: dict[Symbol, str] = field(default_factory=dict)
    """The name of the list that a length or a membership is of."""
    lasting: list[Term] = field(default_factory=list)
    """What holds of all that has been encoded so far, in the order in which it was met."""


def begin(
    saga: Saga | None = None,
    *,
    types: Mapping[str, Record | Enum] | None = None,
    prefix: str = "",
    places: Mapping[Leaf, Encoded] | None = None,
) -> Encoding:
    """An encoding of nothing yet: over a saga's types, or over these."""
    known = types if types is not None else saga.types if saga is not None else {}
    return Encoding(known, prefix, places or {})


# --- formulas and conditions ---------------------------------------------------------------------------------------


def formula(encoding: Encoding, said: Formula) -> Term:
    """A formula as a term; each part of it once, and without recursion."""
    known = encoding.written.get(id(said))
    if known is not None:
        return known[1]
    for part in terms.parts(said, encoding.written):
        encoding.written[id(part)] = part, formula_part(encoding, part)
    return encoding.written[id(said)][1]


def formula_part(encoding: Encoding, part: Formula) -> Term:
    match part:
        case Var():
            return fact(encoding, part)
        case Atom():
            return condition(encoding, part.expression)
        case Not():
            return negation(encoding.written[id(part.operand)][1])
        case And():
            return both(*(encoding.written[id(operand)][1] for operand in part.operands))
        case Or():
            return either(*(encoding.written[id(operand)][1] for operand in part.operands))
        case _:
            assert_never(part)


def fact(encoding: Encoding, part: Var) -> Symbol:
    """The unknown that stands for a truth value by name."""
    return free(encoding, named(encoding, f"fact {part.name}"), "bool")


def condition(encoding: Encoding, expression: Expression) -> Term:
    """A condition of the language; true only where all that it reads is there, as the kernel has it."""
    if expression not in encoding.conditions:
        encoding.conditions[expression] = conditioned(encoding, expression)
    return encoding.conditions[expression]


def conditioned(encoding: Encoding, expression: Expression) -> Term:
    match expression:
        case Constant():
            return logic.TRUE if expression.value is True else logic.FALSE
        case Unary(operator="is null" | "is not null"):
            return presence(encoding, expression)
        case Unary(operator="not"):
            return negation(condition(encoding, expression.operand))
        case Binary(operator="and" | "or" | "implies"):
            return connected(encoding, expression)
        case Binary(operator="==" | "!="):
            same = equal(value(encoding, expression.left), value(encoding, expression.right))
            if same is None:
                return free_truth(encoding, expression)
            return same if expression.operator == "==" else negation(same)
        case Binary(operator="<" | "<=" | ">" | ">="):
            return compared(encoding, expression)
        case Binary(operator="in"):
            return contained(encoding, expression)
        case Input() | Result():
            found = leaf(encoding, expression)
            return (
                there(found.value, found) if found.kind == "bool" and found.value else free_truth(encoding, expression)
            )
        case _:
            return free_truth(encoding, expression)


def connected(encoding: Encoding, expression: Binary) -> Term:
    left, right = condition(encoding, expression.left), condition(encoding, expression.right)
    match expression.operator:
        case "and":
            return both(left, right)
        case "or":
            return either(left, right)
        case _:
            return implies(left, right)


def there(truth: Term, *found: Encoded) -> Term:
    """The truth holds, and all that it was computed from is there."""
    return both(truth, *(one.present for one in found if one.present is not None))


def presence(encoding: Encoding, expression: Unary) -> Term:
    found = value(encoding, expression.operand)
    if found is None:
        return free_truth(encoding, expression)
    return is_there(found) if expression.operator == "is not null" else negation(is_there(found))


def is_there(found: Encoded) -> Term:
    if found.kind == "null":
        return logic.FALSE
    return logic.TRUE if found.present is None else found.present


def equal(one: Encoded | None, two: Encoded | None) -> Term | None:
    """Both are null, or both are there and the same; nothing where the theory cannot say."""
    if one is None or two is None:
        return None
    if one.kind == "null" or two.kind == "null":
        return negation(is_there(two if one.kind == "null" else one))
    levels = levelled(one, two)
    if levels is None:
        return None
    same = logic.equal(*levels)
    if one.present is None and two.present is None:
        return same
    return both(alike(is_there(one), is_there(two)), implies(is_there(one), same))


def alike(left: Term, right: Term) -> Term:
    """Both truths hold or neither."""
    for one, two in ((left, right), (right, left)):
        if isinstance(one, Literally):
            return two if one.value else negation(two)
    return logic.equal(left, right)


def levelled(one: Encoded, two: Encoded) -> tuple[Term, Term] | None:
    """Two values of the same sort; an integer beside a decimal becomes one."""
    if one.value is None or two.value is None:
        return None
    if one.kind == two.kind and one.kind != "other":
        return one.value, two.value
    if {one.kind, two.kind} == {"number", "decimal"}:
        return logic.as_real(one.value), logic.as_real(two.value)
    return None


def compared(encoding: Encoding, expression: Binary) -> Term:
    one, two = value(encoding, expression.left), value(encoding, expression.right)
    if one is None or two is None or one.kind in ("code", "bool"):
        return free_truth(encoding, expression)
    levels = levelled(one, two)
    if levels is None:
        return free_truth(encoding, expression)
    left, right = levels if expression.operator in ("<", "<=") else (levels[1], levels[0])
    return there(logic.less(left, right, strictly=expression.operator in ("<", ">")), one, two)


def contained(encoding: Encoding, expression: Binary) -> Term:
    """`x in [a, b]`: one of them; in a list that is a value, a free truth."""
    if not isinstance(expression.right, Items):
        return member(encoding, expression)
    sought = value(encoding, expression.left)
    same = [equal(sought, value(encoding, item)) for item in expression.right.items]
    known = tuple(one for one in same if one is not None)
    return either(*known) if len(known) == len(same) else free_truth(encoding, expression)


# --- values --------------------------------------------------------------------------------------------------------


def value(encoding: Encoding, expression: Expression) -> Encoded | None:
    """An expression's value; nothing where the theory has no such value."""
    match expression:
        case Constant():
            return literal(encoding, expression.value, expression.type)
        case Input() | Result():
            return leaf(encoding, expression)
        case Unary(operator="size"):
            return size(encoding, expression.operand)
        case Unary(operator="-"):
            return negative(value(encoding, expression.operand))
        case Binary(operator="+" | "-"):
            return sum_of(encoding, expression)
        case Binary(operator="*"):
            return product(encoding, expression)
        case Unary() | Binary():
            return Encoded("bool", condition(encoding, expression))
        case Items() | Status():
            return None
        case _:
            assert_never(expression)


def kind_of(encoding: Encoding, type: str) -> Kind:
    """How values of a type are seen by the logic."""
    plain = type.removesuffix("?")
    match plain:
        case "bool":
            return "bool"
        case "int" | "duration":
            return "number"
        case "decimal":
            return "decimal"
        case "timestamp":
            return "timestamp"
        case "string" | "uuid":
            return "code"
    return "code" if isinstance(encoding.types.get(plain), Enum) else "other"


def literal(encoding: Encoding, wire: Wire, type: str) -> Encoded | None:
    """A value that is written out, of this type."""
    if wire is None:
        return Encoded("null", None)
    kind = kind_of(encoding, type)
    match kind:
        case "bool":
            return Encoded(kind, logic.TRUE if wire is True else logic.FALSE)
        case "number":
            assert isinstance(wire, int), wire
            return Encoded(kind, logic.number(wire))
        case "decimal":
            return Encoded(kind, logic.real(Fraction(str(wire))))
        case "timestamp":
            return Encoded(kind, logic.number(milliseconds(str(wire))))
        case "code":
            text = str(wire)
            return Encoded(kind, logic.code(text.lower() if type.removesuffix("?") == "uuid" else text))
        case "other" | "null":
            return None
        case _:
            assert_never(kind)


def wire(value: Value, type: str) -> Wire:
    """A value of the logic as a run has it, of this type: the way back from `literal`."""
    match type.removesuffix("?"):
        case "bool":
            return value is True
        case "int" | "duration":
            return int(logic.arithmetic(value))
        case "decimal":
            return digits(logic.arithmetic(value))
        case "timestamp":
            moment = EPOCH + timedelta(milliseconds=int(logic.arithmetic(value)))
            return moment.isoformat().replace("+00:00", "Z")
        case "uuid":
            return uuid(str(value))
        case _:
            return str(value)


def digits(value: Fraction) -> str:
    """A fraction as a decimal, in cents where it has any: cut where it has no end, and our own evaluation then says
    whether that still fits."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    if value.denominator != 1 and (value * 100).denominator == 1:
        return format(exact, ".2f")
    return format(exact.normalize() if exact else Decimal(0), "f")


def uuid(spelling: str) -> str:
    """A uuid for a code: itself where it is one, else one that only this spelling has."""
    if UUID.fullmatch(spelling):
        return spelling
    told = spelling.removeprefix("text ")
    number = int(told) + 1 if told.isdecimal() else int(hashlib.sha256(spelling.encode()).hexdigest()[:12], 16)
    return f"00000000-0000-4000-8000-{number:012x}"


def milliseconds(text: str) -> int:
    """A timestamp as the time since the epoch of this module."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def leaf(encoding: Encoding, place: Leaf) -> Encoded:
    """What is read of the input or of a result."""
    if place not in encoding.leaves:
        given = encoding.places.get(place)
        encoding.leaves[place] = unknown(encoding, place) if given is None else given
    return encoding.leaves[place]


def unknown(encoding: Encoding, place: Leaf) -> Encoded:
    kind = kind_of(encoding, place.type)
    symbol, present = leaf_symbols(encoding, place)
    encoding.symbols[symbol.name] = place
    if present is not None:
        encoding.symbols[present.name] = place
    declared = encoding.types.get(place.type.removesuffix("?"))
    if isinstance(declared, Enum):
        encoding.enums[symbol] = declared.members
        encoding.lasting.append(logic.one_of(symbol, declared.members))
    return Encoded(kind, symbol, present)


def leaf_symbols(encoding: Encoding, place: Leaf) -> tuple[Symbol, Symbol | None]:
    """The unknown that stands for a place's value, and the one for whether it is there, where it may be null."""
    name = named(encoding, leaf_name(place))
    symbol = Symbol(name, SORTS[kind_of(encoding, place.type)])
    return symbol, Symbol(f"there {name}", "bool") if place.type.endswith("?") else None


def leaf_name(place: Leaf) -> str:
    """`input total`, `result reserve.price`; `field price` is a record's own."""
    match place:
        case Input():
            return f"input {'.'.join(place.path)}"
        case Result(step=""):
            return f"field {'.'.join(place.path)}"
        case Result():
            return f"result {'.'.join((place.step, *place.path))}"
        case _:
            assert_never(place)


def named(encoding: Encoding, name: str) -> str:
    return f"{encoding.prefix} {name}" if encoding.prefix else name


def negative(found: Encoded | None) -> Encoded | None:
    if found is None or found.value is None or found.kind not in ("number", "decimal"):
        return None
    return Encoded(found.kind, logic.scaled(Fraction(-1), found.value), found.present)


def sum_of(encoding: Encoding, expression: Binary) -> Encoded | None:
    """A sum or a difference, of numbers or of a moment and a length of time."""
    one, two = value(encoding, expression.left), value(encoding, expression.right)
    if one is None or two is None or one.value is None or two.value is None:
        return None
    kind = sum_kind(frozenset((one.kind, two.kind)))
    if kind is None:
        return None
    summed = logic.added if expression.operator == "+" else logic.less_by
    return Encoded(kind, summed(one.value, two.value), all_there(one, two))


def sum_kind(kinds: frozenset[Kind]) -> Kind | None:
    """What the sum or the difference of values of these kinds is."""
    if kinds <= {"number", "decimal"}:
        return "decimal" if "decimal" in kinds else "number"
    if kinds == {"timestamp"}:
        return "number"
    return "timestamp" if kinds == {"timestamp", "number"} else None


def all_there(*found: Encoded) -> Term | None:
    needed = [one.present for one in found if one.present is not None]
    return both(*needed) if needed else None


def product(encoding: Encoding, expression: Binary) -> Encoded | None:
    """A product; unless one side is a literal, the theory knows nothing of it but which product it is."""
    one, two = value(encoding, expression.left), value(encoding, expression.right)
    if one is None or two is None or not {one.kind, two.kind} <= {"number", "decimal"}:
        return None
    assert one.value is not None and two.value is not None, expression
    factor, other = (one.value, two.value) if isinstance(one.value, Literally) else (two.value, one.value)
    kind: Kind = "decimal" if "decimal" in (one.kind, two.kind) else "number"
    if not isinstance(factor, Literally):
        return Encoded(kind, multiplied(encoding, one.value, two.value, SORTS[kind]), all_there(one, two))
    other = logic.as_real(other) if kind == "decimal" else other
    return Encoded(kind, logic.scaled(logic.arithmetic(factor.value), other), all_there(one, two))


def multiplied(encoding: Encoding, one: Term, two: Term, sort: Sort) -> Symbol:
    """The unknown that stands for a product, however its factors are grouped and ordered."""
    factors = tuple(sorted((*factors_of(encoding, one), *factors_of(encoding, two)), key=logic.name_of))
    told = hashlib.sha256(" times ".join(map(logic.name_of, factors)).encode()).hexdigest()[:16]
    symbol = free(encoding, named(encoding, f"product #{told}"), sort)
    encoding.products.setdefault(symbol, factors)
    return symbol


def factors_of(encoding: Encoding, term: Term) -> tuple[Term, ...]:
    """What a term is a product of; itself where it is none."""
    return encoding.products.get(term, (term,)) if isinstance(term, Symbol) else (term,)


# --- what is free --------------------------------------------------------------------------------------------------


def free(encoding: Encoding, name: str, sort: Sort) -> Symbol:
    """The unknown of this name."""
    if name not in encoding.free:
        encoding.free[name] = Symbol(name, sort)
    return encoding.free[name]


def free_truth(encoding: Encoding, expression: Expression) -> Term:
    """A condition that the theory knows nothing of: written alike of the same things, it is the same truth."""
    return free(encoding, f"whether {name_of(encoding, expression)}", "bool")


def name_of(encoding: Encoding, expression: Expression) -> str:
    """A name that only what is written alike of the same things has."""
    if expression not in encoding.names:
        told = tuple(encoded_name(leaf(encoding, place)) for place in read_by(expression))
        digest = hashlib.sha256(repr((told, skeleton(expression))).encode()).hexdigest()[:16]
        encoding.names[expression] = f"{wording.expression(expression)[:SPELLED_MAX]} #{digest}"
    return encoding.names[expression]


def read_by(expression: Expression) -> tuple[Leaf, ...]:
    return tuple(found for found in terms.leaves(expression) if isinstance(found, Input | Result))


def skeleton(expression: Expression) -> object:
    """How an expression is written, without the names of what it reads."""
    match expression:
        case Constant():
            return expression.type, expression.value
        case Input() | Result():
            return expression.type
        case Status():
            return expression.step, expression.fact
        case Unary():
            return expression.operator, skeleton(expression.operand)
        case Binary():
            return expression.operator, skeleton(expression.left), skeleton(expression.right)
        case Items():
            return tuple(map(skeleton, expression.items))
        case _:
            assert_never(expression)


def encoded_name(found: Encoded) -> str:
    """A name that only the same value has."""
    told = (logic.name_of(term) if term is not None else "" for term in (found.value, found.present))
    return f"{found.kind} {' there '.join(told)}"


# --- lists ---------------------------------------------------------------------------------------------------------


def sought(encoding: Encoding, expression: Expression) -> tuple[str, Sought, Encoded | None]:
    """What is known of a list or a text: its name, and all that was looked for in it."""
    found = value(encoding, expression)
    whole = None if found is None else found.value
    name = whole.name if isinstance(whole, Symbol) else name_of(encoding, expression)
    if name not in encoding.lists:
        length = free(encoding, f"size of {name}", "int")
        encoding.lists[name] = Sought(length, members_max(encoding, expression))
        encoding.listed[length] = name
        encoding.lasting.append(logic.less(logic.number(0), length, strictly=False))
        if isinstance(expression, Input | Result):
            encoding.places_of_lists[name] = expression
    return name, encoding.lists[name], found


def members_max(encoding: Encoding, place: Expression) -> int | None:
    if not isinstance(place, Input | Result):
        return None
    declared = encoding.types.get(place.type.removesuffix("?").removeprefix("list[").removesuffix("]"))
    return len(declared.members) if isinstance(declared, Enum) else None


def size(encoding: Encoding, operand: Expression) -> Encoded:
    """A length: any that is not negative."""
    _, known, found = sought(encoding, operand)
    return Encoded("number", known.length, None if found is None else found.present)


def member(encoding: Encoding, expression: Binary) -> Term:
    """Whether a list holds something: a free truth, of which `facts` says what follows from it."""
    name, known, found = sought(encoding, expression.right)
    left = value(encoding, expression.left)
    told = name_of(encoding, expression.left) if left is None else encoded_name(left)
    held = free(encoding, f"{name} holds {told}", "bool")
    if held not in known.members:
        one, before = Member(expression.left, left, held), tuple(known.members.values())
        known.members[held] = one
        encoding.listed[held] = name
        encoding.lasting += (*member_facts(known, before, one), *counted(known, (*before, one)))
    return held if found is None else there(held, found)


# --- facts ---------------------------------------------------------------------------------------------------------


def facts(encoding: Encoding, *about: Term) -> tuple[Term, ...]:
    """What holds of all that these terms speak of, or, without any, of all that has been encoded so far.

    An enum has so many members; a length is not negative; what is equal to what a list holds is in the list too; a
    product has the sign that its factors give it.
    """
    if not about:
        return tuple(encoding.lasting)
    found: tuple[Term, ...] = ()
    known: tuple[Symbol, ...] = ()
    reached = logic.symbols(*about)
    while len(reached) > len(known):
        known = reached
        products = product_facts(encoding, known)
        found = (*enum_facts(encoding, known), *list_facts(encoding, frozenset(known)), *products)
        reached = tuple(dict.fromkeys((*known, *logic.symbols(*found))))
    return found


def product_facts(encoding: Encoding, about: tuple[Symbol, ...]) -> Iterator[Term]:
    """The sign of a product, and that it is no less than a factor where the other one is at least one."""
    for symbol in about:
        factors = encoding.products.get(symbol, ())
        if factors:
            zero = [logic.equal(factor, nought(factor)) for factor in factors]
            yield implies(both(*(positive(factor) for factor in factors)), positive(symbol))
            yield implies(either(*zero), logic.equal(symbol, nought(symbol)))
        if len(factors) == 2:
            yield from pair_facts(symbol, *factors)


def pair_facts(symbol: Symbol, one: Term, two: Term) -> Iterator[Term]:
    """What holds of a product of two."""
    yield implies(both(negative_one(one), negative_one(two)), positive(symbol))
    for first, second in ((one, two), (two, one)):
        yield implies(both(positive(first), negative_one(second)), negative_one(symbol))
        least = logic.less(logic.number(1), second, strictly=False)
        yield implies(both(positive(first), least), logic.less(first, symbol, strictly=False))


def positive(term: Term) -> Term:
    return logic.less(nought(term), term, strictly=True)


def negative_one(term: Term) -> Term:
    return logic.less(term, nought(term), strictly=True)


def nought(term: Term) -> Term:
    return logic.real(Fraction(0)) if term.sort == "real" else logic.number(0)


def enum_facts(encoding: Encoding, about: tuple[Symbol, ...]) -> Iterator[Term]:
    for symbol in about:
        if symbol in encoding.enums:
            yield logic.one_of(symbol, encoding.enums[symbol])


def list_facts(encoding: Encoding, about: frozenset[Symbol]) -> Iterator[Term]:
    """What holds of the lists that some of these speak of, as far as they do."""
    touched = {encoding.listed[symbol] for symbol in about if symbol in encoding.listed}
    for name, known in encoding.lists.items():
        if name in touched:
            yield logic.less(logic.number(0), known.length, strictly=False)
            members = tuple(one for one in known.members.values() if one.fact in about)
            for place, one in enumerate(members):
                yield from member_facts(known, members[:place], one)
            yield from counted(known, members)


def member_facts(known: Sought, before: tuple[Member, ...], one: Member) -> Iterator[Term]:
    """What holds of something that a list may hold, beside what was looked for before."""
    yield implies(one.fact, logic.less(logic.number(0), known.length, strictly=True))
    for other in before:
        same = equal(one.sought, other.sought)
        if same is not None:
            yield implies(same, alike(one.fact, other.fact))


def counted(known: Sought, members: tuple[Member, ...]) -> Iterator[Term]:
    """A list is as long as the different things that it holds; and it holds one of all that there are."""
    apart = distinct(members)
    if len(apart) > 1:
        held = (logic.chosen(fact, logic.number(1), logic.number(0)) for fact in apart)
        yield logic.less(logic.added(*held), known.length, strictly=False)
    if len(apart) == known.members_max:
        yield implies(logic.less(logic.number(0), known.length, strictly=True), either(*apart))


def distinct(members: tuple[Member, ...]) -> tuple[Symbol, ...]:
    """The free truths of the literals that are looked for in a list: as many as hold are in it."""
    found: dict[Term, Symbol] = {}
    for one in members:
        if one.sought is not None and isinstance(one.sought.value, Literally):
            found[one.sought.value] = one.fact
    return tuple(found.values())

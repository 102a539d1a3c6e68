"""The prover: obligation to verdict. The only module that knows the solver.

Theory: truth values, linear integer and linear real arithmetic, and equality. `int` and `duration` are integers,
`timestamp` is the milliseconds since 2026, `decimal` is a real; a member of an enum, a string and a uuid are a number
each (bounded for an enum, and equality is all that is known of them). `T?` has a truth value for "is there". A list
has a length, and a truth value for each thing that is looked for in it. What the theory does not have is a free
value, one for each way it is written: a proof holds whatever it is, and a model is believed only when `terms.holds`
agrees with it. Effort is limited by the solver's own count of resources, never by a clock, so that a verdict does not
depend on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, assert_never

import z3

from sagac.compiler import terms, typetext, values, wording
from sagac.compiler.model import Project, Saga
from sagac.compiler.terms import FALSE, And, Atom, Formula, Not, Or, Valuation, Var
from sagac.runtime.expressions import View
from sagac.runtime.plan import Binary, Constant, Enum, Expression, Input, Items, Result, Status, Unary, Wire

EFFORT: Final = 20_000_000
"""The solver's resources for one question; at most some seconds."""

STEPS_MAX: Final = 200
"""How many times a number is halved on the way to the smallest one."""

LENGTH_MAX: Final = 1_000
"""The longest list that is made up."""

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)

Leaf: TypeAlias = Input | Result

Answer: TypeAlias = Literal["possible", "impossible", "unknown"]

Kind: TypeAlias = Literal["bool", "number", "decimal", "timestamp", "code", "other"]


@dataclass(frozen=True, slots=True)
class Term:
    """A value in the solver: none where it is surely null, and whether it is there, where it may be null."""

    kind: Kind
    value: Any
    present: Any = None


@dataclass(slots=True)
class Question:
    """Everything that one saga's questions share: the solver's context, and what has been said in it."""

    places: Mapping[str, int]
    """The place of each input and each step in the source; the names of inputs begin with a dot."""
    types: Mapping[str, Any]
    premise: Formula
    context: Any = field(default_factory=z3.Context)
    solver: Any = None
    leaves: dict[Leaf, Term] = field(default_factory=dict)
    written: dict[int, tuple[Formula, Any]] = field(default_factory=dict)
    """What a formula is in the solver; the formula is kept so that its identity is not given away."""
    atoms: dict[Expression, Any] = field(default_factory=dict)
    opaque: dict[Expression, Any] = field(default_factory=dict)
    codes: dict[tuple[str, Wire], int] = field(default_factory=dict)
    """The number of each literal string and uuid."""
    answers: dict[int, Answer] = field(default_factory=dict)
    names: dict[object, int] = field(default_factory=dict)
    numbers: dict[int, tuple[Formula, int]] = field(default_factory=dict)


def ask(project: Project, saga: Saga, premise: Formula) -> Question:
    """The start of all questions about a saga, whose inputs meet the premise."""
    inputs = [f".{declared.name}" for declared in saga.inputs]
    places = {name: place for place, name in enumerate([*inputs, *(step.name for step in saga.steps)])}
    question = Question(places, saga.types, premise)
    question.solver = z3.SimpleSolver(ctx=question.context)
    question.solver.set("rlimit", EFFORT)
    question.solver.add(encode(question, premise))
    return question


def possible(question: Question, formula: Formula) -> Answer:
    """Whether some run meets the formula. The same formula is decided once."""
    key = number(question, formula)
    if key not in question.answers:
        question.answers[key] = "impossible" if formula == FALSE else decide(question, formula)
    return question.answers[key]


def decide(question: Question, formula: Formula) -> Answer:
    """The solver's answer."""
    said = encode(question, formula)
    question.solver.push()
    question.solver.add(said)
    answer = question.solver.check()
    question.solver.pop()
    if answer == z3.sat:
        return "possible"
    return "impossible" if answer == z3.unsat else "unknown"


def witness(question: Question, formula: Formula, *, plain: bool = True) -> Valuation | None:
    """Values that meet the formula, the plainest first; `None` where none are found that our own evaluation accepts."""
    said = encode(question, formula)
    together = And((question.premise, formula))
    read = tuple(in_order(question, terms.free_variables(together)))
    question.solver.push()
    try:
        question.solver.add(said)
        if question.solver.check() != z3.sat:
            return None
        model = None if plain else question.solver.model()
        valuation = chosen(question, read, model)
    finally:
        question.solver.pop()
    if terms.holds(together, valuation):
        return valuation
    return None if plain else witness(question, formula)


# --- formulas ------------------------------------------------------------------------------------------------------


def number(question: Question, formula: Formula) -> int:
    """The formula's number: formulas that say the same in the same words have the same one."""
    known = question.numbers.get(id(formula))
    if known is not None:
        return known[1]
    for part in terms.parts(formula, question.numbers):
        key = shape(question, part)
        question.numbers[id(part)] = part, question.names.setdefault(key, len(question.names))
    return question.numbers[id(formula)][1]


def shape(question: Question, part: Formula) -> object:
    """What a formula says, by the numbers of what it is made of."""
    match part:
        case Var():
            return "var", part.name
        case Atom():
            return "atom", part.expression
        case Not():
            return "not", question.numbers[id(part.operand)][1]
        case And():
            return "and", frozenset(question.numbers[id(operand)][1] for operand in part.operands)
        case Or():
            return "or", frozenset(question.numbers[id(operand)][1] for operand in part.operands)
        case _:
            assert_never(part)


def encode(question: Question, formula: Formula) -> Any:
    """The formula in the solver; each part of it once."""
    known = question.written.get(id(formula))
    if known is not None:
        return known[1]
    for part in terms.parts(formula, question.written):
        question.written[id(part)] = part, encode_part(question, part)
    return question.written[id(formula)][1]


def encode_part(question: Question, part: Formula) -> Any:
    match part:
        case Var():
            return z3.Bool(f"fact {part.name}", question.context)
        case Atom():
            return condition(question, part.expression)
        case Not():
            return z3.Not(question.written[id(part.operand)][1], question.context)
        case And():
            return z3.And([yes(question), *(question.written[id(operand)][1] for operand in part.operands)])
        case Or():
            return z3.Or([no(question), *(question.written[id(operand)][1] for operand in part.operands)])
        case _:
            assert_never(part)


def yes(question: Question) -> Any:
    return z3.BoolVal(True, question.context)


def no(question: Question) -> Any:
    return z3.BoolVal(False, question.context)


def condition(question: Question, expression: Expression) -> Any:
    """A condition of the language; true only where all that it reads is there, as the kernel has it."""
    if expression not in question.atoms:
        question.atoms[expression] = conditioned(question, expression)
    return question.atoms[expression]


def conditioned(question: Question, expression: Expression) -> Any:
    match expression:
        case Constant():
            return yes(question) if expression.value is True else no(question)
        case Unary(operator="is null" | "is not null"):
            return presence(question, expression)
        case Unary(operator="not"):
            return z3.Not(condition(question, expression.operand), question.context)
        case Binary(operator="and" | "or" | "implies"):
            left, right = condition(question, expression.left), condition(question, expression.right)
            joined = {"and": z3.And, "or": z3.Or, "implies": z3.Implies}
            return joined[expression.operator](left, right, question.context)
        case Binary(operator="==" | "!="):
            same = equal(question, expression.left, expression.right)
            return (
                free_truth(question, expression)
                if same is None
                else same
                if expression.operator == "=="
                else z3.Not(same)
            )
        case Binary(operator="<" | "<=" | ">" | ">="):
            return compared(question, expression)
        case Binary(operator="in"):
            return contained(question, expression)
        case Input() | Result():
            found = leaf(question, expression)
            return free_truth(question, expression) if found.kind != "bool" else there(question, found.value, found)
        case _:
            return free_truth(question, expression)


def free_truth(question: Question, expression: Expression) -> Any:
    """A condition that the theory knows nothing of."""
    if expression not in question.opaque:
        question.opaque[expression] = z3.Bool(f"condition {len(question.opaque)}", question.context)
    return question.opaque[expression]


def there(question: Question, value: Any, *found: Term) -> Any:
    """The value is true, and all that it was computed from is there."""
    needed = [term.present for term in found if term.present is not None]
    return z3.And([value, *needed]) if needed else value


def presence(question: Question, expression: Unary) -> Any:
    found = term(question, expression.operand)
    if found is None:
        return free_truth(question, expression)
    present = no(question) if found.value is None else yes(question) if found.present is None else found.present
    return present if expression.operator == "is not null" else z3.Not(present)


def equal(question: Question, left: Expression, right: Expression) -> Any:
    """Both are null, or both are there and the same; nothing where the theory cannot say."""
    one, two = term(question, left), term(question, right)
    if one is None or two is None:
        return None
    one_there, two_there = is_there(question, one), is_there(question, two)
    if one.value is None or two.value is None:
        return z3.Not(two_there if one.value is None else one_there)
    both = levelled(one, two)
    if both is None:
        return None
    if one.present is None and two.present is None:
        return both[0] == both[1]
    return z3.And(one_there == two_there, z3.Implies(one_there, both[0] == both[1]))


def is_there(question: Question, found: Term) -> Any:
    if found.value is None:
        return no(question)
    return yes(question) if found.present is None else found.present


def levelled(one: Term, two: Term) -> tuple[Any, Any] | None:
    """Two values of the same sort; an integer beside a decimal becomes one."""
    if one.kind == two.kind and one.kind != "other":
        return one.value, two.value
    if {one.kind, two.kind} == {"number", "decimal"}:
        return as_real(one), as_real(two)
    return None


def as_real(found: Term) -> Any:
    return z3.ToReal(found.value) if found.kind == "number" else found.value


def compared(question: Question, expression: Binary) -> Any:
    one, two = term(question, expression.left), term(question, expression.right)
    if one is None or two is None or one.value is None or two.value is None or one.kind in ("code", "bool"):
        return free_truth(question, expression)
    both = levelled(one, two)
    if both is None:
        return free_truth(question, expression)
    left, right = both
    ordered = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[expression.operator]
    return there(question, ordered, one, two)


def contained(question: Question, expression: Binary) -> Any:
    """`x in [a, b]`: one of them."""
    if not isinstance(expression.right, Items):
        return member(question, expression)
    same = [equal(question, expression.left, item) for item in expression.right.items]
    return free_truth(question, expression) if None in same else z3.Or([no(question), *same])


def member(question: Question, expression: Binary) -> Any:
    """Whether a list holds something: what is equal to it is in the list too, and the list is not empty."""
    before = tuple(memberships(question, expression.right))
    fact = free_truth(question, expression)
    length = size(question, Unary("size", expression.right)).value
    lasting(question, z3.Implies(fact, length > 0))
    for left, held in before:
        same = equal(question, expression.left, left)
        if same is not None:
            lasting(question, z3.Implies(same, fact == held))
    held_apart = distinct(question, expression.right)
    one, nought = z3.IntVal(1, question.context), z3.IntVal(0, question.context)
    lasting(question, length >= z3.Sum([z3.If(held, one, nought) for held in held_apart]))
    if len(held_apart) == members_max(question, expression.right):
        lasting(question, z3.Implies(length > 0, z3.Or(held_apart)))
    return fact


def members_max(question: Question, place: Expression) -> int | None:
    """How many different things a list can hold: of an enum so many, of others without end."""
    if not isinstance(place, Input | Result):
        return None
    declared = question.types.get(place.type.removesuffix("?").removeprefix("list[").removesuffix("]"))
    return len(declared.members) if isinstance(declared, Enum) else None


def distinct(question: Question, place: Expression) -> tuple[Any, ...]:
    """The free truths of the literals that are looked for in a list: as many as hold are in it."""
    facts = {}
    for left, fact in memberships(question, place):
        found = literal(question, left) if isinstance(left, Constant) else None
        if found is not None and found.value is not None:
            facts[found.value.sexpr()] = fact
    return tuple(facts.values())


# --- values --------------------------------------------------------------------------------------------------------


def kind_of(question: Question, type: str) -> Kind:
    """How values of a type are seen by the solver."""
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
    return "code" if isinstance(question.types.get(plain), Enum) else "other"


def term(question: Question, expression: Expression) -> Term | None:
    """An expression's value; nothing where the theory has no such value."""
    match expression:
        case Constant():
            return literal(question, expression)
        case Input() | Result():
            return leaf(question, expression)
        case Unary(operator="size"):
            return size(question, expression)
        case Unary(operator="-"):
            return negative(term(question, expression.operand))
        case Binary(operator="+" | "-"):
            return sum_of(question, expression)
        case Binary(operator="*"):
            return product(question, expression)
        case Unary() | Binary():
            return Term("bool", condition(question, expression))
        case Items() | Status():
            return None
        case _:
            assert_never(expression)


def literal(question: Question, constant: Constant) -> Term | None:
    if constant.value is None:
        return Term("other", None)
    kind = kind_of(question, constant.type)
    match kind:
        case "bool":
            return Term(kind, z3.BoolVal(constant.value is True, question.context))
        case "number":
            return Term(kind, z3.IntVal(constant.value, question.context))
        case "decimal":
            return Term(kind, z3.RealVal(str(constant.value), question.context))
        case "timestamp":
            return Term(kind, z3.IntVal(milliseconds(str(constant.value)), question.context))
        case "code":
            return Term(
                kind, z3.IntVal(code(question, constant.type.removesuffix("?"), constant.value), question.context)
            )
        case "other":
            return None
        case _:
            assert_never(kind)


def milliseconds(text: str) -> int:
    """A timestamp as the time since the epoch of this module."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def code(question: Question, type: str, value: Wire) -> int:
    """The number of a literal: its place in an enum, or the order in which it was first met."""
    declared = question.types.get(type)
    if isinstance(declared, Enum):
        return declared.members.index(str(value))
    text = str(value).lower() if type == "uuid" else value
    return question.codes.setdefault((type, text), len(question.codes))


def leaf(question: Question, expression: Leaf) -> Term:
    """What is read of the input or of a result."""
    if expression not in question.leaves:
        question.leaves[expression] = new_leaf(question, expression)
    return question.leaves[expression]


def new_leaf(question: Question, expression: Leaf) -> Term:
    name = wording.expression(expression)
    kind = kind_of(question, expression.type)
    sort = {"bool": z3.Bool, "decimal": z3.Real}.get(kind, z3.Int)
    value = sort(f"value {name}", question.context)
    bound(question, expression, value)
    optional = expression.type.endswith("?")
    return Term(kind, value, z3.Bool(f"there {name}", question.context) if optional else None)


def bound(question: Question, expression: Leaf, value: Any) -> None:
    """An enum has so many members and no more; other numbers of names are not negative."""
    if kind_of(question, expression.type) != "code":
        return
    declared = question.types.get(expression.type.removesuffix("?"))
    lasting(question, value >= 0)
    if isinstance(declared, Enum):
        lasting(question, value < len(declared.members))


def lasting(question: Question, fact: Any) -> None:
    """A fact that holds in every question: said now, and again with the formulas that are already written."""
    question.solver.add(fact)


def size(question: Question, expression: Unary) -> Term:
    """A length: any that is not negative."""
    if expression not in question.opaque:
        question.opaque[expression] = z3.Int(f"size {len(question.opaque)}", question.context)
        lasting(question, question.opaque[expression] >= 0)
    return Term("number", question.opaque[expression])


def negative(found: Term | None) -> Term | None:
    if found is None or found.value is None or found.kind not in ("number", "decimal"):
        return None
    return Term(found.kind, -found.value, found.present)


def sum_of(question: Question, expression: Binary) -> Term | None:
    """A sum or a difference, of numbers or of a moment and a length of time."""
    one, two = term(question, expression.left), term(question, expression.right)
    if one is None or two is None or one.value is None or two.value is None:
        return None
    kinds = {one.kind, two.kind}
    present = all_there(one, two)
    if "timestamp" in kinds and kinds <= {"timestamp", "number"}:
        kind: Kind = "number" if kinds == {"timestamp"} else "timestamp"
        return Term(kind, one.value + two.value if expression.operator == "+" else one.value - two.value, present)
    if not kinds <= {"number", "decimal"}:
        return None
    both = levelled(one, two)
    assert both is not None
    left, right = both
    kind = "decimal" if "decimal" in kinds else "number"
    return Term(kind, left + right if expression.operator == "+" else left - right, present)


def all_there(*found: Term) -> Any:
    needed = [term.present for term in found if term.present is not None]
    return z3.And(needed) if needed else None


def product(question: Question, expression: Binary) -> Term | None:
    """A product with a literal; the theory has no other."""
    if not (isinstance(expression.left, Constant) or isinstance(expression.right, Constant)):
        return None
    one, two = term(question, expression.left), term(question, expression.right)
    if one is None or two is None or not {one.kind, two.kind} <= {"number", "decimal"}:
        return None
    both = levelled(one, two)
    assert both is not None
    kind: Kind = "decimal" if "decimal" in (one.kind, two.kind) else "number"
    return Term(kind, both[0] * both[1], all_there(one, two))


# --- plain values --------------------------------------------------------------------------------------------------


def chosen(question: Question, read: Sequence[Input | Result | Var], model: Any) -> Valuation:
    """Values for all that is read: those of the model, or each the plainest that still fits with those before it."""
    given: dict[str, Wire] = {}
    results: dict[str, Wire] = {}
    true: set[str] = set()
    for place in read:
        if isinstance(place, Var):
            if truth(question, z3.Bool(f"fact {place.name}", question.context), model):
                true.add(place.name)
            continue
        value = choose(question, place, model, View(given, results, {}))
        if isinstance(place, Input):
            put(given, place.path, value)
        else:
            put(results, (place.step, *place.path), value)
    return Valuation(given, results, frozenset(true))


def in_order(question: Question, read: Sequence[Input | Result | Var]) -> Iterator[Input | Result | Var]:
    """Inputs as they are declared, then results, then free facts: wholes before their parts, lists at the end."""

    def rank(place: Input | Result | Var) -> tuple[int, int, tuple[str, ...]]:
        match place:
            case Input() | Result() if place.type.startswith("list["):
                return 3, question.places[f".{place.path[0]}" if isinstance(place, Input) else place.step], place.path
            case Input():
                return 0, question.places[f".{place.path[0]}"], place.path
            case Result():
                return 1, question.places[place.step], place.path
            case Var():
                return 2, 0, (place.name,)
            case _:
                assert_never(place)

    yield from sorted(read, key=rank)


def put(whole: dict[str, Wire], path: tuple[str, ...], value: Wire) -> None:
    """The value at its place in a record."""
    if len(path) == 1:
        if not (isinstance(whole.get(path[0]), dict) and value is not None):
            whole[path[0]] = value
        return
    if path[0] in whole and whole[path[0]] is None:
        return  # what is not there has no parts
    inner = whole.get(path[0])
    if not isinstance(inner, dict):
        inner = whole[path[0]] = {}
    put(inner, path[1:], value)


def choose(question: Question, place: Leaf, model: Any, view: View) -> Wire:
    """The value for one place, which is then taken as given; `view` has what was chosen before."""
    found = leaf(question, place)
    if found.present is not None and not truth(question, found.present, model):
        return None
    match found.kind:
        case "bool":
            return truth(question, found.value, model)
        case "number":
            return smallest(question, found.value, model)
        case "timestamp":
            moment = EPOCH + timedelta(milliseconds=smallest(question, found.value, model))
            return moment.isoformat().replace("+00:00", "Z")
        case "decimal":
            return decimal(question, place, found.value, model)
        case "code":
            return named(question, place, smallest(question, found.value, model))
        case "other":
            return listed(question, place, model, view)
        case _:
            assert_never(found.kind)


def fits(question: Question, *facts: Any) -> bool:
    """Whether these can hold beside all that is chosen."""
    return bool(question.solver.check(*facts) == z3.sat)


def truth(question: Question, fact: Any, model: Any) -> bool:
    """The model's choice; without one, false where it can be, from now on."""
    if model is not None:
        return bool(z3.is_true(model.eval(fact, model_completion=True)))
    found = not fits(question, z3.Not(fact))
    question.solver.add(fact if found else z3.Not(fact))
    return found


def some(question: Question, value: Any) -> Any:
    """A value that the solver picks beside all that is chosen."""
    answer = question.solver.check()
    assert answer == z3.sat, answer
    return question.solver.model().eval(value, model_completion=True)


def smallest(question: Question, value: Any, model: Any) -> int:
    """The model's choice; without one, the number nearest to nought that fits, and a positive one if there is one."""
    if model is not None:
        return int(model.eval(value, model_completion=True).as_long())
    found = 0 if fits(question, value == 0) else nearest(question, value, 1 if fits(question, value > 0) else -1)
    question.solver.add(value == found)
    return found


def nearest(question: Question, value: Any, sign: int) -> int:
    """The smallest distance from nought on one side, by halving."""
    question.solver.push()
    question.solver.add(sign * value > 0)
    far = sign * int(some(question, value).as_long())
    question.solver.pop()
    near = 0
    for _ in range(STEPS_MAX):
        if far - near <= 1:
            break
        middle = (near + far) // 2
        if fits(question, sign * value > 0, sign * value <= middle):
            far = middle
        else:
            near = middle
    return sign * far


def decimal(question: Question, place: Leaf, value: Any, model: Any) -> Wire:
    """The model's choice; without one, the coarsest decimal that fits, and of those the one nearest to nought."""
    if model is not None:
        return written(model.eval(value, model_completion=True))
    for digits in (0, 2, 6):
        scaled = z3.Int(f"scaled {digits} {wording.expression(place)}", question.context)
        link = value * 10**digits == z3.ToReal(scaled)
        if fits(question, link):
            question.solver.add(link)
            return format(Decimal(smallest(question, scaled, None)).scaleb(-digits), "f")
    found = some(question, value)
    question.solver.add(value == found)
    return written(found)


def written(value: Any) -> str:
    """A fraction as a decimal, cut where it has no end: our own evaluation then says whether that still fits."""
    return str(value.as_decimal(20)).rstrip("?")


def named(question: Question, place: Leaf, number: int) -> Wire:
    """The literal of a number; a new one where the number is nobody's."""
    plain = place.type.removesuffix("?")
    declared = question.types.get(plain)
    if isinstance(declared, Enum):
        return declared.members[number]
    literals = {found: value for (kind, value), found in question.codes.items() if kind == plain}
    if number in literals:
        return literals[number]
    if plain == "uuid":
        return f"00000000-0000-4000-8000-{number + 1:012x}"
    fresh = f"text {number}"
    return fresh if fresh not in literals.values() else f"{fresh}'"


def listed(question: Question, place: Leaf, model: Any, view: View) -> Wire:
    """A list with what it was found to hold, of the length that was chosen for it; or an empty record."""
    length = question.opaque.get(Unary("size", place))
    plain = place.type.removesuffix("?")
    if not plain.startswith("list["):
        return {}
    of = plain.removeprefix("list[").removesuffix("]")
    items: list[Wire] = []
    absent: list[Wire] = []
    for left, fact in memberships(question, place):
        value = plainly(terms.value(left, view), of)
        kept = items if truth(question, fact, model) else absent
        kept += [value] if value not in kept else []
    count = len(items) if length is None else smallest(question, length, model)
    filling = filler(question, of, items, absent)
    return [*items, *[filling] * min(count - len(items), LENGTH_MAX)]


def memberships(question: Question, place: Expression) -> Iterator[tuple[Expression, Any]]:
    """What some condition looks for in a list, each with the free truth that stands for it."""
    for expression, fact in question.opaque.items():
        if isinstance(expression, Binary) and expression.operator == "in" and expression.right == place:
            yield expression.left, fact


def plainly(value: Wire, type: str) -> Wire:
    """The value as an item of this type, spelled in the one way that equal values share."""
    if type == "decimal" and isinstance(value, int | str):
        return format(Decimal(value).normalize(), "f")
    return value.lower() if type == "uuid" and isinstance(value, str) else value


def filler(question: Question, type: str, items: Sequence[Wire], absent: Sequence[Wire]) -> Wire:
    """An item that a list may hold beside what it holds: none that it must not."""
    plain = values.samples(typetext.read(type), question.types)
    fresh: tuple[Wire, ...] = ()
    if type == "int":
        fresh = (1 + max((value for value in absent if isinstance(value, int)), default=0),)
    elif type == "string":
        fresh = ("".join(map(str, absent)) + "'",)
    return next((value for value in (*plain, *items, *fresh) if value not in absent), plain[0])

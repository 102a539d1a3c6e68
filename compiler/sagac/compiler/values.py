"""Representative values: for a type, for a condition, and for every way in which a saga's guards can come out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

from sagac.compiler import typetext
from sagac.compiler.model import InputField, Saga
from sagac.compiler.typetext import Inline, Listed, Named, Optional
from sagac.runtime.expressions import Unavailable, View, evaluate
from sagac.runtime.plan import (
    Binary,
    Constant,
    Enum,
    Expression,
    Input,
    Items,
    Plan,
    Record,
    Result,
    Status,
    Step,
    Unary,
    Wire,
)

Types: TypeAlias = Mapping[str, Record | Enum]

Variable: TypeAlias = Input | Result
"""A place that a condition reads and that nothing else determines."""

COMBINATIONS_MAX: Final = 20_000
"""How many combinations of candidate values are tried before the search gives up."""

ITEMS_MAX: Final = 5
"""The longest list that is made up."""

SAMPLES: Final[Mapping[str, tuple[Wire, ...]]] = {
    "int": (1, 0, 2),
    "decimal": ("1", "0", "2"),
    "string": ("a", "b"),
    "bool": (True, False),
    "uuid": ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"),
    "timestamp": ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    "duration": (1_000, 0, 60_000),
}
"""The first is what stands where a value does not matter."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An input, and the results that the steps of a run return."""

    input: Mapping[str, Wire]
    results: Mapping[str, Wire]


class TooMany(Exception):  # noqa: N818 - not an error: the caller says `undecided`
    """There are more combinations than are tried."""


def sample(type: str, types: Types) -> Wire:
    """The value that stands where a value of this type does not matter."""
    return samples(typetext.read(type), types)[0]


def samples(type: typetext.Type, types: Types) -> tuple[Wire, ...]:
    """A few different values of a type, the plainest first."""
    match type:
        case Optional(present):
            return (*samples(present, types), None)
        case Listed(item):
            return ([samples(item, types)[0]], [])
        case Inline(fields):
            return ({name: samples(field, types)[0] for name, field in fields},)
        case Named(name):
            return named_samples(name, types)
    assert_never(type)


def named_samples(name: str, types: Types) -> tuple[Wire, ...]:
    declared = types.get(name)
    if isinstance(declared, Enum):
        return declared.members
    if isinstance(declared, Record):
        return ({field.name: sample(field.type, types) for field in declared.fields},)
    return SAMPLES[name]


def result_of(step: Step, given: Wire, types: Types) -> Wire:
    """What a call of this step returns: the given fields, and plain values for the rest."""
    if not step.result or (given is None and step.result.endswith("?")):
        return given
    plain = sample(step.result, types)
    return plain if given is None else filled(given, plain)


def filled(given: Wire, plain: Wire) -> Wire:
    """A value of which only some fields may be given, with plain ones for the rest, also inside its records."""
    if not isinstance(given, dict) or not isinstance(plain, dict):
        return given
    return {**plain, **{name: filled(value, plain.get(name)) for name, value in given.items()}}


def complete(saga: Saga, types: Types, given: Mapping[str, Wire]) -> Mapping[str, Wire] | None:
    """An input with the given fields that meets every `where`; `None` where none is found."""
    wheres = tuple(field.where.condition for field in saga.inputs if field.where is not None)
    plain = plain_inputs(saga, types, given)
    if meets(plain, wheres):
        return plain
    free = open_variables(wheres, given)
    tried = (
        {**plain, **with_values(Choice(plain, {}), dict(zip(free, combination, strict=True))).input}
        for combination in combinations(free, wheres, types)
    )
    return next((inputs for inputs in tried if meets(inputs, wheres)), None)


def plain_inputs(saga: Saga, types: Types, given: Mapping[str, Wire]) -> dict[str, Wire]:
    """Each input field as given, else its default, else a plain value: no two of its own have one id or text."""
    taken = set(texts(list(given.values())))
    return {field.name: filled_field(field, types, given, taken) for field in saga.inputs}


def texts(value: Wire) -> Iterator[str]:
    """Every text in a value."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for item in value.values():
                yield from texts(item)


def filled_field(field: InputField, types: Types, given: Mapping[str, Wire], taken: set[str]) -> Wire:
    """The value of an input field; what is made up for it is taken from then on."""
    if field.name not in given and field.has_default:
        return field.default
    plain = fresh(typetext.read(field.type), types, taken)
    return filled(given[field.name], plain) if field.name in given else plain


def fresh(type: typetext.Type, types: Types, taken: set[str]) -> Wire:
    """A plain value in which every id and every text is a new one: a mix-up of two of them is seen."""
    match type:
        case Optional(present):
            return fresh(present, types, taken)
        case Listed(item):
            return [fresh(item, types, taken)]
        case Inline(fields):
            return {name: fresh(field, types, taken) for name, field in fields}
        case Named("uuid" | "string" as name):
            found = next(text for text in many(name) if text not in taken)
            taken.add(found)
            return found
        case Named(name):
            declared = types.get(name)
            if isinstance(declared, Record):
                return {field.name: fresh(typetext.read(field.type), types, taken) for field in declared.fields}
            return named_samples(name, types)[0]
    assert_never(type)


def many(name: str) -> Iterator[str]:
    """Ids or texts without end, the plainest first."""
    for number in itertools.count(1):
        if name == "uuid":
            yield f"00000000-0000-4000-8000-{number:012d}"
        else:
            yield chr(ord("a") + (number - 1) % 26) + (str((number - 1) // 26) if number > 26 else "")


def meets(inputs: Mapping[str, Wire], wheres: Sequence[Expression]) -> bool:
    view = View(inputs, {}, {})
    return all(truth(where, view) is True for where in wheres)


# --- every way in which the guards can come out --------------------------------------------------------------------


def choices(saga: Saga, plan: Plan, types: Types, given: Mapping[str, Wire]) -> tuple[Choice, ...]:
    """One choice of inputs and results for each way in which the guards' comparisons can come out.

    Complete for comparisons of one value with constants, of values of finite types, and for `is null`. Comparisons of
    two open values are tried at, just below and just above each other. Raises `TooMany` beyond `COMBINATIONS_MAX`.
    """
    conditions = tuple(guards(plan))
    wheres = tuple(field.where.condition for field in saga.inputs if field.where is not None)
    atoms = tuple(dict.fromkeys(atom for condition in conditions for atom in comparisons(condition)))
    free = open_variables((*conditions, *wheres), given)
    plain = plain_choice(saga, plan, types, given)
    found: dict[tuple[object, ...], Choice] = {}
    for values in combinations(free, (*conditions, *wheres), types):
        choice = with_values(plain, dict(zip(free, values, strict=True)))
        view = View(choice.input, choice.results, {})
        if all(truth(where, view) is True for where in wheres):
            found.setdefault(tuple(truth(atom, view) for atom in atoms), choice)
    return tuple(found.values())


def guards(plan: Plan) -> Iterator[Expression]:
    """Every condition that steers a run of this plan."""
    for step in plan.steps:
        if step.guard is not None:
            yield step.guard
        yield from (undo.guard for undo in step.undos if undo.guard is not None)


def comparisons(condition: Expression) -> Iterator[Expression]:
    """The parts of a condition that are true or false by values alone."""
    match condition:
        case Binary(operator="and" | "or" | "implies"):
            yield from comparisons(condition.left)
            yield from comparisons(condition.right)
        case Unary(operator="not"):
            yield from comparisons(condition.operand)
        case Status() | Constant():
            return
        case _:
            yield condition


def truth(condition: Expression, view: View) -> object:
    """What a condition comes to; `None` where it reads what is not there."""
    try:
        return evaluate(condition, view)
    except Unavailable:
        return None


def open_variables(conditions: Iterable[Expression], given: Mapping[str, Wire]) -> tuple[Variable, ...]:
    """The places that the conditions read and that are not given, each once."""
    read = dict.fromkeys(place for condition in conditions for place in variables(condition))
    return tuple(place for place in read if isinstance(place, Result) or place.path[0] not in given)


def variables(expression: Expression) -> Iterator[Variable]:
    """The inputs and results that an expression reads."""
    match expression:
        case Input() | Result():
            yield expression
        case Unary():
            yield from variables(expression.operand)
        case Binary():
            yield from variables(expression.left)
            yield from variables(expression.right)
        case Items():
            for item in expression.items:
                yield from variables(item)


def plain_choice(saga: Saga, plan: Plan, types: Types, given: Mapping[str, Wire]) -> Choice:
    """Defaults and plain values wherever nothing is given."""
    inputs = plain_inputs(saga, types, given)
    return Choice(inputs, {step.name: result_of(step, None, types) for step in plan.steps})


def with_values(plain: Choice, chosen: Mapping[Variable, Wire]) -> Choice:
    """The plain choice with these places changed; the shortest path first, so that a whole never hides its part."""
    inputs: dict[str, Wire] = dict(plain.input)
    results: dict[str, Wire] = dict(plain.results)
    for place, value in sorted(chosen.items(), key=lambda item: len(item[0].path)):
        if isinstance(place, Input):
            inputs[place.path[0]] = placed(inputs[place.path[0]], place.path[1:], value)
        else:
            results[place.step] = placed(results[place.step], place.path, value)
    return Choice(inputs, results)


def placed(whole: Wire, path: tuple[str, ...], value: Wire) -> Wire:
    """The value with one field replaced; a null has no field to replace."""
    if not path:
        return value
    if not isinstance(whole, dict):
        return whole
    return {**whole, path[0]: placed(whole.get(path[0]), path[1:], value)}


def combinations(
    free: Sequence[Variable], conditions: Sequence[Expression], types: Types
) -> Iterator[tuple[Wire, ...]]:
    """Every combination of candidate values of the free places."""
    domains = [telling(place, candidates(place, conditions, types), conditions) for place in free]
    total = 1
    for domain in domains:
        total *= len(domain)
    if total > COMBINATIONS_MAX:
        raise TooMany(f"its conditions compare more than {COMBINATIONS_MAX} combinations of values")
    return itertools.product(*domains)


def telling(place: Variable, values: tuple[Wire, ...], conditions: Sequence[Expression]) -> tuple[Wire, ...]:
    """The values without those that no comparison tells apart, where nothing but constants meets the place."""
    atoms = [atom for condition in conditions for atom in comparisons(condition) if place in variables(atom)]
    if any(other != place for atom in atoms for other in variables(atom)):
        return values
    plainest: dict[tuple[object, ...], Wire] = {}
    for value in values:
        plainest.setdefault(tuple(truth(atom, alone(place, value)) for atom in atoms), value)
    return tuple(plainest.values())


def alone(place: Variable, value: Wire) -> View:
    """What a condition sees when only this place has a value."""
    nested: Wire = value
    for name in reversed(place.path[1:] if isinstance(place, Input) else place.path):
        nested = {name: nested}
    return View({place.path[0]: nested}, {}, {}) if isinstance(place, Input) else View({}, {place.step: nested}, {})


def candidates(place: Variable, conditions: Sequence[Expression], types: Types) -> tuple[Wire, ...]:
    """The values of a place at which some comparison may change, the plainest first."""
    kind = place.type.removesuffix("?")
    near = [constant for condition in conditions for constant in neighbours(place, condition)]
    plain = samples(typetext.read(place.type), types)
    if kind.startswith("list["):
        made = (*plain, *lists(kind[len("list[") : -1], near, types))
    elif kind in ("int", "duration"):
        made = (*plain, *(at + by for at in near if isinstance(at, int) for by in (-1, 0, 1)))
    elif kind == "decimal":
        made = (*plain, *decimals([Decimal(str(at)) for at in near if isinstance(at, int | str | float)]))
    elif kind == "timestamp":
        made = (*plain, *(moved(at, by) for at in near if isinstance(at, str) for by in (-1, 0, 1)))
    else:
        made = (*plain, *near)
    return distinct(made)


def neighbours(place: Variable, condition: Expression) -> Iterator[Wire]:
    """The constants that stand in a comparison with this place, or with one that does."""
    for atom in comparisons(condition):
        if place in variables(atom):
            yield from (constant for constant in constants(atom) if not isinstance(constant, bool))


def constants(expression: Expression) -> Iterator[Wire]:
    match expression:
        case Constant() if expression.value is not None:
            yield expression.value
        case Unary():
            yield from (negated(expression, constant) for constant in constants(expression.operand))
        case Binary():
            yield from constants(expression.left)
            yield from constants(expression.right)
        case Items():
            for item in expression.items:
                yield from constants(item)


def negated(expression: Unary, constant: Wire) -> Wire:
    if expression.operator == "-" and isinstance(constant, int):
        return -constant
    if expression.operator == "-" and isinstance(constant, str):
        return str(-Decimal(constant))
    return constant


def decimals(near: Sequence[Decimal]) -> Iterator[Wire]:
    """Each constant, one to either side, and one between each two."""
    points = sorted({at + by for at in near for by in (-1, 0, 1)})
    middles = [(low + high) / 2 for low, high in itertools.pairwise(points)]
    yield from (format(point, "f") for point in (*points, *middles))


def lists(item: str, near: Sequence[Wire], types: Types) -> Iterator[Wire]:
    """Lists of each length that a size is compared with, and lists of each constant that membership asks for."""
    plain = sample(item, types)
    for at in near:
        if isinstance(at, int):
            yield from ([plain] * length for length in (at - 1, at, at + 1) if 0 <= length <= ITEMS_MAX)
        yield [at] if type(at) is type(plain) else [plain]


def moved(at: str, seconds: int) -> Wire:
    return (datetime.fromisoformat(at) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def distinct(made: Iterable[Wire]) -> tuple[Wire, ...]:
    """Each value once, `1` and `true` apart."""
    return tuple({(type(value).__name__, repr(value)): value for value in made}.values())

"""Conditions and formulas as terms: they come to the same as the kernel's own evaluation, whatever the values."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from sagac.compiler import encoding, logic, terms
from sagac.compiler.encoding import Encoded, Encoding
from sagac.compiler.logic import Literally, Symbol, Value
from sagac.compiler.terms import Atom, Formula, Valuation, Var
from sagac.runtime.expressions import View
from sagac.runtime.plan import Binary, Constant, Enum, Expression, Input, Items, Result, Unary, Wire

TYPES = {"Tier": Enum("Tier", ("basic", "gold", "vip"))}

WIRES: Mapping[str, tuple[Wire, ...]] = {
    "int": (-2, 0, 1, 3),
    "decimal": ("-0.5", "0", "1", "1.0", "2.25"),
    "bool": (True, False),
    "string": ("", "a", "b"),
    "uuid": ("00000000-0000-4000-8000-00000000000A", "00000000-0000-4000-8000-00000000000a"),
    "timestamp": ("2026-01-01T00:00:00Z", "2025-12-31T23:59:59.500Z", "2026-01-01T01:00:00+01:00"),
    "duration": (0, 500, 3_600_000),
    "Tier": ("basic", "gold", "vip"),
    "list[int]": ([], [1], [1, 3, 3]),
    "list[Tier]": ([], ["vip"], ["basic", "gold"]),
}

PLACES: tuple[Input | Result, ...] = (
    *(Input((f"i{number}",), kind) for number, kind in enumerate(WIRES)),
    *(Input((f"n{number}",), f"{kind}?") for number, kind in enumerate(WIRES)),
    *(Result("s", ("of", f"r{number}"), kind) for number, kind in enumerate(WIRES)),
    *(Result("s", ("of", f"o{number}"), f"{kind}?") for number, kind in enumerate(WIRES)),
)


def absent(place: Input | Result, number: int) -> Value:
    """What stands for a value that is not there: anything that its type allows, and not the same for all."""
    kind = place.type.removesuffix("?")
    sorts: Mapping[str, Value] = {
        "bool": number % 2 == 0,
        "Tier": TYPES["Tier"].members[number % 3],
        "string": f"nothing {number}",
        "uuid": f"nothing {number}",
    }
    return sorts.get(kind, -100 - number)


def places(type: str) -> list[Input | Result]:
    return [place for place in PLACES if place.type == type]


def number(draw: random.Random, kind: str, depth: int) -> Expression:
    """A value of a type that has arithmetic, none of it null."""
    if depth == 0 or draw.random() < 0.3:
        return draw.choice([*places(kind), Constant(draw.choice(WIRES[kind]), kind)])
    match draw.choice(("+", "-", "*", "negative", "size", "since")):
        case "*":
            return Binary("*", Constant(draw.choice(WIRES[kind]), kind), number(draw, kind, depth - 1))
        case "negative":
            return Unary("-", number(draw, kind, depth - 1))
        case "size" if kind == "int":
            return Unary("size", draw.choice([*places("list[int]"), *places("string")]))
        case "since" if kind == "duration":
            return Binary("-", moment(draw), moment(draw))
        case _:
            operator = draw.choice(("+", "-"))
            first, second = number(draw, kind, depth - 1), number(draw, kind, depth - 1)
            return Binary("+", first, second) if operator == "+" else Binary("-", first, second)


def moment(draw: random.Random) -> Expression:
    place: Expression = draw.choice(places("timestamp"))
    return Binary("+", place, number(draw, "duration", 0)) if draw.random() < 0.3 else place


def comparison(draw: random.Random, depth: int) -> Expression:
    """A condition with no connective on top."""
    match draw.choice(("order", "order", "mixed", "moments", "same", "same", "null", "listed", "in", "bool", "text")):
        case "order":
            kind = draw.choice(("int", "decimal", "duration"))
            return Binary(
                draw.choice(("<", "<=", ">", ">=", "==", "!=")), number(draw, kind, depth), number(draw, kind, depth)
            )
        case "mixed":
            return Binary(draw.choice(("<", "==", ">=")), number(draw, "int", depth), number(draw, "decimal", depth))
        case "moments":
            return Binary(draw.choice(("<", "<=", "==", "!=")), moment(draw), moment(draw))
        case "same":
            kind = draw.choice(("int", "decimal", "bool", "string", "uuid", "timestamp", "duration", "Tier"))
            sides = [*places(kind), *places(f"{kind}?"), Constant(draw.choice(WIRES[kind]), kind)]
            return Binary(draw.choice(("==", "!=")), draw.choice(sides), draw.choice([*sides, Constant(None, "null")]))
        case "null":
            optional = [place for place in PLACES if place.type.endswith("?")]
            return Unary(draw.choice(("is null", "is not null")), draw.choice(optional))
        case "listed":
            kind = draw.choice(("string", "Tier"))
            items = draw.sample([Constant(wire, kind) for wire in WIRES[kind]], 2)
            return Binary("in", draw.choice(places(kind)), Items((*items, draw.choice(places(kind)))))
        case "in":
            kind = draw.choice(("int", "Tier"))
            sought = draw.choice([*places(kind), *(Constant(wire, kind) for wire in WIRES[kind])])
            return Binary("in", sought, draw.choice(places(f"list[{kind}]")))
        case "text":
            return Binary(draw.choice(("<", ">=")), draw.choice(places("string")), Constant("a", "string"))
        case _:
            return draw.choice(places("bool"))


def formula(draw: random.Random, depth: int) -> Formula:
    if depth == 0:
        return Var(draw.choice("xyz")) if draw.random() < 0.2 else Atom(comparison(draw, 2))
    match draw.choice(("not", "and", "or")):
        case "not":
            return terms.negation(formula(draw, depth - 1))
        case "and":
            return terms.both(*(formula(draw, depth - 1) for _ in range(draw.randint(0, 3))))
        case _:
            return terms.either(*(formula(draw, depth - 1) for _ in range(draw.randint(0, 3))))


def valuation(draw: random.Random) -> Valuation:
    def wire(place: Input | Result) -> Wire:
        if place.type.endswith("?") and draw.random() < 0.4:
            return None
        return draw.choice(WIRES[place.type.removesuffix("?")])

    given = {place.path[0]: wire(place) for place in PLACES if isinstance(place, Input)}
    results = {place.path[1]: wire(place) for place in PLACES if isinstance(place, Result)}
    return Valuation(given, {"s": {"of": results}}, frozenset(name for name in "xyz" if draw.random() < 0.5))


def values(of: Encoding, known: Valuation) -> dict[str, Value]:
    """What every unknown of an encoding is, by the kernel's evaluation."""
    view = View(known.input, known.results, {})
    found: dict[str, Value] = {f"fact {name}": name in known.true for name in "xyz"}
    for number, place in enumerate(of.leaves):
        wire = terms.value(place, view)
        symbol, present = encoding.leaf_symbols(of, place)
        literal = encoding.literal(of, wire, place.type)
        known_value = None if literal is None else literal.value
        found[symbol.name] = known_value.value if isinstance(known_value, Literally) else absent(place, number)
        if present is not None:
            found[present.name] = wire is not None
    for expression, name in of.names.items():
        found[f"whether {name}"] = terms.is_true(expression, view)
    for name, place in of.places_of_lists.items():
        whole = terms.value(place, view)
        assert isinstance(whole, list | str), (name, whole)
        found[of.lists[name].length.name] = len(whole)
        for member in of.lists[name].members.values():
            found[member.fact.name] = terms.value(member.left, view) in whole
    return found


@pytest.mark.parametrize("seed", range(300))
def test_a_formula_and_its_term_come_to_the_same(seed: int) -> None:
    draw = random.Random(seed)
    of = encoding.begin(types=TYPES)
    said = formula(draw, draw.randint(0, 4))
    term = encoding.formula(of, said)
    assert all(
        "< " in name or ">= " in name for name in of.free if name.startswith("whether")
    )  # the texts' order alone
    for _ in range(20):
        known = valuation(draw)
        found = values(of, known)
        assert logic.evaluate(term, found) == terms.holds(said, known), (said, known)


@pytest.mark.parametrize("seed", range(300))
def test_the_facts_hold_whatever_the_values(seed: int) -> None:
    draw = random.Random(seed)
    of = encoding.begin(types=TYPES)
    term = encoding.formula(of, formula(draw, 5))
    everything = encoding.facts(of)
    some = encoding.facts(of, term) if logic.symbols(term) else ()
    for _ in range(20):
        found = values(of, valuation(draw))
        assert all(logic.evaluate(fact, found) for fact in (*everything, *some))


def test_the_formulas_and_the_facts_are_of_many_kinds() -> None:
    truths: dict[bool, int] = {True: 0, False: 0}
    facts = 0
    for seed in range(300):
        draw = random.Random(seed)
        of = encoding.begin(types=TYPES)
        said = formula(draw, draw.randint(1, 5))
        term = encoding.formula(of, said)
        facts += bool(encoding.facts(of))
        truths[terms.holds(said, valuation(draw))] += bool(logic.symbols(term))
    assert truths[True] > 60
    assert truths[False] > 60
    assert facts > 60


def test_a_formula_may_be_thousands_deep() -> None:
    said: Formula = Atom(Input(("b",), "bool"))
    for number in range(20_000):
        said = terms.both(Var(f"v{number}"), terms.negation(said))
    of = encoding.begin(types={})
    assert len(list(logic.parts(encoding.formula(of, said)))) > 40_000


def test_the_same_formula_is_one_term() -> None:
    of = encoding.begin(types=TYPES)
    said = formula(random.Random(3), 4)
    assert encoding.formula(of, said) is encoding.formula(of, said)


def test_what_the_theory_lacks_is_the_same_where_it_is_written_alike_of_the_same() -> None:
    name, note = Input(("name",), "string"), Input(("note",), "string")
    later = Binary("<", name, Constant("b", "string"))
    one = encoding.condition(encoding.begin(types={}), later)
    assert one == encoding.condition(encoding.begin(types={}), later)
    assert one != encoding.condition(encoding.begin(types={}, prefix="other"), later)
    given = encoding.begin(types={}, places={note: Encoded("code", Symbol("input name", "code"))})
    assert encoding.condition(given, Binary("<", note, Constant("b", "string"))).operands == one.operands
    assert encoding.condition(given, later) == one


def test_a_place_is_what_the_caller_says() -> None:
    amount = Input(("amount",), "int")
    given = encoding.begin(types={}, places={amount: Encoded("number", logic.number(3))})
    assert encoding.condition(given, Binary(">", amount, Constant(2, "int"))) == logic.TRUE
    own = Result("", ("stock",), "int")
    needed = encoding.condition(given, Binary(">=", own, amount))
    assert logic.symbols(needed) == (Symbol("field stock", "int"),)
    assert logic.evaluate(needed, {"field stock": 3}) is True
    assert logic.evaluate(needed, {"field stock": 2}) is False


def test_only_what_a_question_speaks_of_has_facts() -> None:
    of = encoding.begin(types=TYPES)
    tier, other = Input(("tier",), "Tier"), Input(("other",), "Tier")
    tiers = Input(("tiers",), "list[Tier]")
    vip = encoding.condition(of, Binary("==", tier, Constant("vip", "Tier")))
    held = encoding.condition(of, Binary("in", other, tiers))
    assert len(encoding.facts(of, vip)) == 1
    assert {symbol.name for symbol in logic.symbols(*encoding.facts(of, vip))} == {"input tier"}
    assert "input tier" not in {symbol.name for symbol in logic.symbols(*encoding.facts(of, held))}
    assert len(encoding.facts(of)) > len(encoding.facts(of, held)) >= 2


def test_a_list_is_as_long_as_the_different_things_that_it_holds_and_may_be_no_longer() -> None:
    of = encoding.begin(types=TYPES)
    tiers = places("list[Tier]")[0]
    held = [encoding.condition(of, Binary("in", Constant(tier, "Tier"), tiers)) for tier in ("basic", "gold")]
    length = of.lists["input i9"].length
    both = {symbol.name: True for symbol in logic.symbols(*held)}
    facts = encoding.facts(of, *held)
    assert all(logic.evaluate(fact, {**both, length.name: 2}) for fact in facts)
    assert not all(logic.evaluate(fact, {**both, length.name: 1}) for fact in facts)

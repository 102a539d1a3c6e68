"""Seeded defects of specs: each is one small mistake that an author could make, by the family that should notice it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from sagac.compiler import parser, syntax
from sagac.compiler.source import Source, Span

Edit: TypeAlias = tuple[Span, str]
"""A place in a text, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A spec with one defect."""

    operator: str
    line: int
    """In the spec as it was."""
    was: str
    becomes: str
    text: str
    """The whole spec."""

    @property
    def name(self) -> str:
        """What a person calls it: the line, and what is different there."""
        return f"{self.line}: {short(self.was)} -> {short(self.becomes) or 'nothing'}"


def short(text: str) -> str:
    """On one line, and no longer than one."""
    words = " ".join(text.split())
    return words if len(words) <= 90 else f"{words[:60]} … {words[-27:]}"


def mutants(text: str) -> Iterator[Mutant]:
    """Every mutant of a spec, each text once."""
    tree, findings = parser.parse(Source("mutant.saga", text))
    assert findings == (), findings
    seen = {text}
    for operator, edits in OPERATORS.items():
        for span, instead in edits(tree, text):
            mutated = text[: span.start] + instead + text[span.end :]
            if mutated not in seen:
                seen.add(mutated)
                line = text.count("\n", 0, span.start) + 1
                yield Mutant(operator, line, text[span.start : span.end], instead, mutated)


def without_scenarios(text: str) -> str:
    """The spec alone, its lines where they were."""
    for node in reversed(list(nodes(parser.parse(Source("mutant.saga", text))[0], syntax.Scenario))):
        lost = text[node.span.start : node.span.end]
        text = text[: node.span.start] + "\n" * lost.count("\n") + text[node.span.end :]
    return text


def nodes(tree: object, *kinds: type[syntax.Node]) -> Iterator[syntax.Node]:
    """Every node of these kinds, or of any, in source order."""
    if isinstance(tree, syntax.Node):
        if not kinds or isinstance(tree, kinds):
            yield tree
        for field in dataclasses.fields(tree):
            yield from nodes(getattr(tree, field.name), *kinds)
    elif isinstance(tree, tuple):
        for item in tree:
            yield from nodes(item, *kinds)


def within(node: syntax.Node, text: str) -> str:
    return text[node.span.start : node.span.end]


# --- dropping ------------------------------------------------------------------------------------------------------


def dropping(*kinds: type[syntax.Node]) -> Callable[[syntax.File, str], Iterator[Edit]]:
    """Whole clauses of these kinds."""

    def edits(tree: syntax.File, text: str) -> Iterator[Edit]:
        for node in nodes(tree, *kinds):
            yield node.span, ""

    return edits


def item_dropped(items: Sequence[syntax.Node]) -> Iterator[Edit]:
    """One of a list that keeps at least one, with its comma."""
    for place, item in enumerate(items):
        if len(items) > 1:
            if place:
                yield Span(item.span.file, items[place - 1].span.end, item.span.end), ""
            else:
                yield Span(item.span.file, item.span.start, items[1].span.start), ""


def listed(tree: syntax.File, text: str) -> Iterator[Edit]:
    """One step of an `after`, one failure, one key field, one step of a choice."""
    for node in nodes(tree, syntax.After, syntax.Fails, syntax.Key, syntax.Choice):
        match node:
            case syntax.After() | syntax.Choice():
                yield from item_dropped(node.steps)
            case syntax.Fails() | syntax.Key():
                yield from item_dropped(node.names)


def conjuncts(tree: syntax.File, text: str) -> Iterator[Edit]:
    """One side of an `and`, an `or` or an `implies`."""
    for node in nodes(tree, syntax.Binary):
        assert isinstance(node, syntax.Binary)
        if node.operator in ("and", "or", "implies"):
            yield node.span, within(node.left, text)
            yield node.span, within(node.right, text)


def where_dropped(tree: syntax.File, text: str) -> Iterator[Edit]:
    for node in nodes(tree, syntax.Field):
        assert isinstance(node, syntax.Field)
        if node.where is not None:
            yield Span(node.span.file, text.rindex("where", 0, node.where.span.start), node.where.span.end), ""


def words_dropped(word: str, *kinds: type[syntax.Node]) -> Callable[[syntax.File, str], Iterator[Edit]]:
    """A word that stands in nodes of these kinds."""

    def edits(tree: syntax.File, text: str) -> Iterator[Edit]:
        for node in nodes(tree, *kinds):
            for found in re.finditer(rf"\b{word}\b(?:\[[^]]*\])?", within(node, text)):
                yield Span(node.span.file, node.span.start + found.start(), node.span.start + found.end()), ""

    return edits


def references_dropped(tree: syntax.File, text: str) -> Iterator[Edit]:
    for node in nodes(tree, syntax.ResourceField):
        assert isinstance(node, syntax.ResourceField)
        if node.references is not None:
            start = text.rindex("references", 0, node.references.span.start)
            yield Span(node.span.file, start, node.references.span.end), ""


def default_dropped(tree: syntax.File, text: str) -> Iterator[Edit]:
    for node in nodes(tree, syntax.ResourceField):
        assert isinstance(node, syntax.ResourceField)
        if node.default is not None:
            yield Span(node.span.file, text.rindex("=", 0, node.default.span.start), node.default.span.end), ""


# --- effects -------------------------------------------------------------------------------------------------------


def direction(tree: syntax.File, text: str) -> Iterator[Edit]:
    """`+=` where `-=` stands, and the other way round; `:=` in the place of both."""
    for node in nodes(tree, syntax.Assignment):
        assert isinstance(node, syntax.Assignment)
        field, value = node.field.text, within(node.value, text)
        for operator in ("+=", "-=", ":="):
            if operator != node.operator:
                yield node.span, f"{field} {operator} {value}"


def amount(tree: syntax.File, text: str) -> Iterator[Edit]:
    """One more, and one less."""
    for node in nodes(tree, syntax.Assignment):
        assert isinstance(node, syntax.Assignment)
        value = within(node.value, text)
        for instead in (f"{value} + 1", f"{value} - 1"):
            yield node.value.span, instead


def other_field(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another field of the same resource."""
    fields = fields_of(tree)
    for change in nodes(tree, syntax.Changes):
        assert isinstance(change, syntax.Changes)
        for item in change.items:
            if isinstance(item, syntax.Assignment | syntax.Yields):
                for field in fields.get(change.resource.text, ()):
                    if field != item.field.text:
                        yield item.field.span, field


def fields_of(tree: syntax.File) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for node in nodes(tree, syntax.Resource):
        assert isinstance(node, syntax.Resource)
        names = (item.name.text for item in node.items if isinstance(item, syntax.ResourceField))
        found[node.name.text] = tuple(names)
    return found


def states_of(tree: syntax.File) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for node in nodes(tree, syntax.Resource):
        assert isinstance(node, syntax.Resource)
        found[node.name.text] = tuple(
            state.name.text for item in node.items if isinstance(item, syntax.States) for state in item.states
        )
    return found


def moves(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another source or target state."""
    states = states_of(tree)
    for node in nodes(tree, syntax.Changes):
        assert isinstance(node, syntax.Changes)
        for name in (node.source, node.target):
            if name is not None:
                for state in states.get(node.resource.text, ()):
                    if state != name.text:
                        yield name.span, state


def state_sets(tree: syntax.File, text: str) -> Iterator[Edit]:
    """`clean` or `done` with one state less, or another one."""
    for resource in nodes(tree, syntax.Resource):
        assert isinstance(resource, syntax.Resource)
        states = states_of(tree)[resource.name.text]
        for node in resource.items:
            if isinstance(node, syntax.StateSet):
                named = [name.text for name in node.states]
                yield from item_dropped(node.states)
                for name in node.states:
                    for state in states:
                        if state not in named:
                            yield name.span, state


def first_state(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another initial state."""
    for node in nodes(tree, syntax.States):
        assert isinstance(node, syntax.States)
        names = [state.name.text for state in node.states]
        old = next((state.name.text for state in node.states if state.initial), None)
        for name in names:
            if old is not None and name != old:
                marked = ", ".join(f"{each}*" if each == name else each for each in names)
                yield node.span, f"states {marked}"


def record_keys(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another parameter of the same type as the key of the record that is changed."""
    for operation in nodes(tree, syntax.Operation):
        assert isinstance(operation, syntax.Operation)
        types = {field.name.text: within(field.type, text) for field in operation.parameters}
        for change in operation.clauses:
            if isinstance(change, syntax.Changes):
                for key in change.keys:
                    for other, type_ in types.items():
                        if other != within(key, text) and type_ == types.get(within(key, text)):
                            yield key.span, other


# --- calls ---------------------------------------------------------------------------------------------------------


def swapped(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Two arguments of a call, the one in the place of the other."""
    for node in nodes(tree, syntax.Undo, syntax.Do, syntax.Probe):
        for call in nodes(node, syntax.Call):
            assert isinstance(call, syntax.Call)
            for one, two in pairwise(call.arguments):
                span = Span(call.span.file, one.span.start, two.span.end)
                yield span, f"{within(two, text)}, {within(one, text)}"


def arguments(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another input, or the same and one more, as an argument."""
    inputs = [
        field.name.text
        for block in nodes(tree, syntax.InputBlock)
        if isinstance(block, syntax.InputBlock)
        for field in block.fields
    ]
    for node in nodes(tree, syntax.Undo, syntax.Do):
        for call in nodes(node, syntax.Call):
            assert isinstance(call, syntax.Call)
            for argument in call.arguments:
                for other in (*inputs, f"{within(argument, text)} + 1"):
                    if other != within(argument, text):
                        yield argument.span, other


def other_undo(tree: syntax.File, text: str) -> Iterator[Edit]:
    """The undo of another step."""
    for saga in nodes(tree, syntax.Saga):
        undos = [node for node in nodes(saga, syntax.Undo) if isinstance(node, syntax.Undo)]
        for one in undos:
            for two in undos:
                yield one.call.span, within(two.call, text)


def undo_kind(tree: syntax.File, text: str) -> Iterator[Edit]:
    """`compensate` where `mitigate` stands, or nothing but a word."""
    for node in nodes(tree, syntax.Undo):
        assert isinstance(node, syntax.Undo)
        if node.kind == "mitigate":
            guard = "" if node.guard is None else f" when {within(node.guard, text)}"
            yield node.span, f"compensate {within(node.call, text)}{guard}"
        yield node.span, 'left because "it may stay"'
        yield node.span, 'irreversible because "nobody takes it back"'


def remainder_kind(tree: syntax.File, text: str) -> Iterator[Edit]:
    """`left` where `irreversible` stands."""
    for node in nodes(tree, syntax.Irreversible):
        yield node.span, 'left because "it may stay"'


# --- conditions ----------------------------------------------------------------------------------------------------

LOOSER: Final = {">=": (">", "<="), "<=": ("<", ">="), ">": (">=", "<"), "<": ("<=", ">"), "==": ("!=",), "!=": ("==",)}


def comparisons(tree: syntax.File, text: str) -> Iterator[Edit]:
    """A border on the other side, or the opposite."""
    for node in nodes(tree, syntax.Binary):
        assert isinstance(node, syntax.Binary)
        for operator in LOOSER.get(node.operator, ()):
            yield node.span, f"{within(node.left, text)} {operator} {within(node.right, text)}"
        if node.operator in (">=", "<=", ">", "<"):
            for more in ("+ 1", "- 1"):
                yield node.right.span, f"{within(node.right, text)} {more}"


def connectives(tree: syntax.File, text: str) -> Iterator[Edit]:
    """`or` for `and`, and the like."""
    others = {"and": "or", "or": "and", "implies": "and"}
    for node in nodes(tree, syntax.Binary):
        assert isinstance(node, syntax.Binary)
        if node.operator in others:
            yield node.span, f"({within(node.left, text)}) {others[node.operator]} ({within(node.right, text)})"


def constants(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another number."""
    for node in nodes(tree, syntax.Constant):
        assert isinstance(node, syntax.Constant)
        if node.kind in ("int", "decimal"):
            yield node.span, f"{node.value} + 1" if node.value != 0 else "1"


def ensured_states(tree: syntax.File, text: str) -> Iterator[Edit]:
    """Another state in an `ensure`, or another moment."""
    states = states_of(tree)
    for ensure in nodes(tree, syntax.Ensure):
        assert isinstance(ensure, syntax.Ensure)
        for node in nodes(ensure, syntax.Binary):
            assert isinstance(node, syntax.Binary)
            if isinstance(node.left, syntax.RecordState) and isinstance(node.right, syntax.Reference):
                for state in states.get(node.left.resource.text, ()):
                    if state != within(node.right, text):
                        yield node.right.span, state
        head = within(ensure, text)
        condition = within(ensure.condition, text)
        for moment in ("at completed", "at compensated", "always"):
            if moment not in head[: ensure.condition.span.start - ensure.span.start]:
                yield ensure.span, f"ensure {moment}: {condition}"


# --- time ----------------------------------------------------------------------------------------------------------

SHORT: Final = "1s"
LONG: Final = "30d"


def durations(kind: type[syntax.Node], instead: str) -> Callable[[syntax.File, str], Iterator[Edit]]:
    """Each length of time of these nodes."""

    def edits(tree: syntax.File, text: str) -> Iterator[Edit]:
        for node in nodes(tree, kind):
            for each in nodes(node, syntax.Duration):
                yield each.span, instead

    return edits


def windows(tree: syntax.File, text: str) -> Iterator[Edit]:
    """A promise of idempotence that ends."""
    for node in nodes(tree, syntax.Idempotent):
        yield node.span, "idempotent for 1s"


def schedules(tree: syntax.File, text: str) -> Iterator[Edit]:
    """More attempts than any window has room for; an end to those that have none, and none to those that have one."""
    for node in nodes(tree, syntax.Retry):
        assert isinstance(node, syntax.Retry)
        written = within(node, text)
        if node.times is None:
            yield node.span, written.replace("forever", "3 times")
        else:
            yield node.span, re.sub(r"retry \d+ times", "retry 100000 times", written)
            yield node.span, re.sub(r"retry \d+ times", "retry forever", written)


def partner_promise(tree: syntax.File, text: str) -> Iterator[Edit]:
    """A partner that takes longer."""
    for node in nodes(tree, syntax.Owner):
        assert isinstance(node, syntax.Owner)
        if node.sla is not None:
            yield node.sla.span, "1h"


# --- order ---------------------------------------------------------------------------------------------------------


def pivots(tree: syntax.File, text: str) -> Iterator[Edit]:
    """A pivot that is none; a step that is one."""
    for node in nodes(tree, syntax.Step):
        assert isinstance(node, syntax.Step)
        if node.pivot:
            yield Span(node.span.file, text.index("pivot", node.span.start), text.index("step", node.span.start)), ""
        else:
            start = node.name.span.start - len("step ")
            yield Span(node.span.file, start, start), "pivot "


def lock_order(tree: syntax.File, text: str) -> Iterator[Edit]:
    """The locks of two steps, or of one, taken the other way round."""
    locks = list(nodes(tree, syntax.Lock))
    for one, two in pairwise(locks):
        span = Span(one.span.file, one.span.start, two.span.end)
        yield span, within(two, text) + text[one.span.end : two.span.start] + within(one, text)


OPERATORS: Final[Mapping[str, Callable[[syntax.File, str], Iterator[Edit]]]] = {
    "drop `requires`": dropping(syntax.Requires),
    "drop an assignment": dropping(syntax.Assignment),
    "drop `yields`": dropping(syntax.Yields),
    "drop `changes`": dropping(syntax.Changes),
    "drop `hold`": words_dropped("hold", syntax.ResourceField),
    "drop `invariant`": dropping(syntax.Invariant),
    "drop `references`": references_dropped,
    "drop an initial value": default_dropped,
    "drop `clean` or `done`": dropping(syntax.StateSet),
    "drop `fails`": dropping(syntax.Fails),
    "drop `idempotent`": dropping(syntax.Idempotent),
    "drop `revokes`": dropping(syntax.Revokes),
    "drop `probe`": dropping(syntax.Probe),
    "drop `lands within`": dropping(syntax.LandsWithin),
    "drop `holds for`": dropping(syntax.HoldsFor),
    "drop `after`": dropping(syntax.After),
    "drop one of a list": listed,
    "drop an undo": dropping(syntax.Undo, syntax.UndoneBy),
    "drop a remainder": dropping(syntax.Irreversible, syntax.Left),
    "drop `on refusal hold`": dropping(syntax.OnRefusal),
    "drop `on unknown hold`": dropping(syntax.OnUnknownHold),
    "drop `when`": dropping(syntax.When),
    "drop `where`": where_dropped,
    "drop `lock`": dropping(syntax.Lock),
    "drop `retry` or `timeout`": dropping(syntax.Retry, syntax.Timeout),
    "drop a rule": dropping(syntax.Ensure, syntax.Require, syntax.Forbid, syntax.Choice),
    "drop a limit of time": dropping(syntax.Deadline, syntax.Rollback),
    "drop a part of a condition": conjuncts,
    "swap `+=`, `-=` and `:=`": direction,
    "one more, one less": amount,
    "another field": other_field,
    "another source or target": moves,
    "another `clean` or `done`": state_sets,
    "another initial state": first_state,
    "another record": record_keys,
    "swap arguments": swapped,
    "another argument": arguments,
    "another undo": other_undo,
    "another kind of undo": undo_kind,
    "another kind of remainder": remainder_kind,
    "move a border": comparisons,
    "`or` for `and`": connectives,
    "another number": constants,
    "another state ensured": ensured_states,
    "forget old": words_dropped("old", syntax.Ensure),
    "hold too short": durations(syntax.HoldsFor, SHORT),
    "land too late": durations(syntax.LandsWithin, LONG),
    "remember too short": windows,
    "deadline too short": durations(syntax.Deadline, SHORT),
    "rollback too short": durations(syntax.Rollback, SHORT),
    "wait for a lock too long": durations(syntax.Lock, LONG),
    "another schedule": schedules,
    "a slower attempt": durations(syntax.Timeout, LONG),
    "a slower partner": partner_promise,
    "another pivot": pivots,
    "locks the other way round": lock_order,
}
"""What is done to a spec, by what a report calls it."""

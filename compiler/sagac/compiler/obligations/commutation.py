"""B2, commutation: steps of one run that are not ordered may take effect in either order, and come to the same.

Accepted in one order, they are accepted in the other, return the same and leave the same. So one order stands for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sagac.compiler import histories, repairs, surroundings
from sagac.compiler.graph import Graph, numbers
from sagac.compiler.logic import Symbol, Value, both
from sagac.compiler.model import Saga
from sagac.compiler.obligations import movers
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation
from sagac.compiler.surroundings import MINE, Part, Surroundings
from sagac.compiler.verdicts import Claim, History, Refuted


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each step that shares a record with a later one that is not ordered with it."""
    pairs = unordered(saga, graph, around)
    kinds = numbered(saga, around)
    for step in saga.steps:
        if pairs[step.name]:
            text = f"`{step.name}` and the steps beside it come to the same in either order"
            claim = Claim("B2", saga.full_name, step.name, text, step.name_span)
            yield Kept(claim, breaches(saga, conditions, around, kinds, step.name, pairs[step.name]))


def unordered(saga: Saga, graph: Graph, around: Surroundings) -> Mapping[str, tuple[str, ...]]:
    """For each step those of a larger number that change the same resource, where neither comes after the other."""
    touching: dict[str, int] = {}
    for place, name in enumerate(graph.order):
        for resource in around.does[saga.full_name, name].resources:
            touching[resource] = touching.get(resource, 0) | 1 << place
    found: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(graph.order):
        sharing = 0
        for resource in around.does[saga.full_name, name].resources:
            sharing |= touching[resource]
        beside = sharing & ~graph.descendants[place] & (-1 << place + 1)
        found[name] = tuple(graph.order[number] for number in numbers(beside))
    return found


def numbered(saga: Saga, around: Surroundings) -> Mapping[str, int]:
    """A number for each step, the same for steps that do the same with the same values."""
    numbers: dict[tuple[str, tuple[Symbol, ...]], int] = {}
    parts = {step.name: around.does[saga.full_name, step.name] for step in saga.steps}
    return {name: numbers.setdefault((part.form, part.symbols), len(numbers)) for name, part in parts.items()}


def breaches(
    saga: Saga,
    conditions: Conditions,
    around: Surroundings,
    kinds: Mapping[str, int],
    step: str,
    others: Sequence[str],
) -> Callable[[], Iterator[General]]:
    """Each two forms that meet, once; and where those can differ, the pairs of steps that have them."""

    def found() -> Iterator[General]:
        one = around.does[saga.full_name, step]
        pairs: dict[int, list[Part]] = {}
        for name in others:
            pairs.setdefault(kinds[name], []).append(around.does[saga.full_name, name])
        for alike in pairs.values():
            for turned in (False, True):
                form = of_forms(around, *((alike[0], one) if turned else (one, alike[0])))
                yield General(form, exactly(conditions, around, one, alike, turned=turned))

    return found


def of_forms(around: Surroundings, first: Part, second: Part) -> Form:
    """The question whether the first of two forms can go behind the second, made once."""
    key = ("B2", first.form, second.form, surroundings.pattern(first, second))
    if key not in around.asked:
        one, other = surroundings.named([first, second], MINE)
        asked = movers.past(around.project, one, other, "this run")
        around.asked[key] = Form(asked.premises, asked.broken)
    return around.asked[key]


def exactly(
    conditions: Conditions, around: Surroundings, one: Part, others: Sequence[Part], *, turned: bool
) -> Callable[[], Iterator[Breach]]:
    """The questions about these steps, with all that is known where both run: guards may exclude one another."""

    def found() -> Iterator[Breach]:
        for other in others:
            first, second = (other, one) if turned else (one, other)
            asked = movers.past(around.project, first.action, second.action, "this run")
            sent = movers.told((*movers.sent(conditions, first), *movers.sent(conditions, second)))
            fixes = tuple(repairs.of_order(around.project, one, other))
            yield Breach(asked.premises, both(sent, asked.broken), teller(around, first, second, asked), repairs=fixes)

    return found


def teller(around: Surroundings, first: Part, second: Part, asked: Meeting) -> Callable[[Mapping[str, Value]], Refuted]:
    def tell(found: Mapping[str, Value]) -> Refuted:
        values = movers.whole(found, asked.world, first.action, second.action)
        history = History(
            sides=(histories.side(first.deeds, values),),
            before=histories.before(around.project, asked.world, values),
            acts=(first.act(0), second.act(0)),
            otherwise=(second.act(0), first.act(0)),
            subject=first.action.step,
            other=second.action.step,
        )
        message = f"`{first.action.step}` and `{second.action.step}` are not ordered, and do not come to the same"
        order = f"order them, with `after {first.action.step}` in `{second.action.step}`: then there is one order only"
        return Refuted(history, f"{message} the other way round", second.action.span, "the step beside it", (order,))

    return tell

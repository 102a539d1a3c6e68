"""B2, commutation: steps of one run that are not ordered may take effect in either order, and come to the same.

Accepted in one order, they are accepted in the other, return the same and leave the same. So one order stands for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sagac.compiler import histories, repairs, surroundings
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Value, both
from sagac.compiler.model import Saga
from sagac.compiler.obligations import movers
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.movers import Meeting
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation
from sagac.compiler.surroundings import Crowd, Part, Surroundings
from sagac.compiler.verdicts import Claim, History, Refuted


def owe(saga: Saga, graph: Graph, conditions: Conditions, around: Surroundings) -> Iterator[Obligation]:
    """One claim for each step that shares a record with a later one that is not ordered with it."""
    beside = unordered(saga, graph, around)
    crowds = surroundings.crowds(
        (number, 0, surroundings.bundle(around.does[saga.full_name, name]))
        for number, name in enumerate(graph.order)
        if around.does[saga.full_name, name].action.effects
    )
    for step in saga.steps:
        if beside[step.name]:
            text = f"`{step.name}` and the steps beside it come to the same in either order"
            claim = Claim("B2", saga.full_name, step.name, text, step.name_span)
            part = around.does[saga.full_name, step.name]
            yield Kept(claim, breaches(conditions, around, crowds, part, beside[step.name]))


def unordered(saga: Saga, graph: Graph, around: Surroundings) -> Mapping[str, int]:
    """For each step those of a larger number that change the same resource, where neither comes after the other."""
    touching: dict[str, int] = {}
    for place, name in enumerate(graph.order):
        for resource in around.does[saga.full_name, name].resources:
            touching[resource] = touching.get(resource, 0) | 1 << place
    found: dict[str, int] = {}
    for place, name in enumerate(graph.order):
        sharing = 0
        for resource in around.does[saga.full_name, name].resources:
            sharing |= touching[resource]
        found[name] = sharing & ~graph.descendants[place] & (-1 << place + 1)
    return found


def breaches(
    conditions: Conditions, around: Surroundings, crowds: Sequence[Crowd], one: Part, beside: int
) -> Callable[[], Iterator[General]]:
    """Each two forms that meet, in either order."""

    def found() -> Iterator[General]:
        for others in crowds:
            if others.all & beside:
                for turned in (False, True):
                    form = of_forms(around, one, others.first.parts[0], turned=turned)
                    yield General(form, particular(conditions, around, one, others, beside, turned=turned))

    return found


def of_forms(around: Surroundings, one: Part, other: Part, *, turned: bool) -> Form:
    """The question about two forms, of which nothing else is known: in this order, or in the other."""
    key = ("B2", one.bare.form, other.bare.form, turned)
    if key not in around.asked:
        (mine,), (beside,) = surroundings.unrelated(one.bare, other.bare)
        asked = movers.past(around.project, *((beside, mine) if turned else (mine, beside)), "this run")
        around.asked[key] = Form(asked.premises, asked.broken)
    return around.asked[key]


def particular(
    conditions: Conditions, around: Surroundings, one: Part, others: Crowd, beside: int, *, turned: bool
) -> Callable[[], Iterator[General]]:
    """The question about each two forms with what they share, and then about the pairs of steps that have them."""

    def found() -> Iterator[General]:
        for alike in surroundings.alike(others, surroundings.bundle(one), others.all & beside):
            found = [others.members[number].parts[0] for number in alike]
            form = of_pattern(around, *((found[0], one) if turned else (one, found[0])))
            yield General(form, exactly(conditions, around, one, found, turned=turned))

    return found


def of_pattern(around: Surroundings, first: Part, second: Part) -> Form:
    """The question whether the first of two forms can go behind the second, with what they share, made once."""
    key = ("B2", first.within.form, second.within.form, surroundings.pattern(first.within, second.within))
    if key not in around.asked:
        (one,), (other,), apart = surroundings.related(first.within, second.within)
        asked = movers.past(around.project, one, other, "this run")
        around.asked[key] = Form(asked.premises, both(movers.told(apart), asked.broken))
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
        before, after = (second, first) if is_late(first) and not is_late(second) else (first, second)
        order = f"order them, with `after {before.action.step}` in `{after.action.step}`: then there is one order only"
        return Refuted(history, f"{message} the other way round", second.action.span, "the step beside it", (order,))

    return tell


def is_late(part: Part) -> bool:
    """The step is the point of no return, or comes after it: what can fail does not come after such a step."""
    name = part.action.step
    return any(
        step.pivot and (step.name == name or part.deeds.graph.precedes(step.name, name))
        for step in part.deeds.saga.steps
    )

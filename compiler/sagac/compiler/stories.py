"""Situations: who is done, skipped and failed in a run that meets a condition, told from the values alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sagac.compiler import terms, values
from sagac.compiler.graph import Graph, numbers
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Story
from sagac.compiler.terms import Formula, Valuation
from sagac.compiler.values import Types
from sagac.compiler.verdicts import Situation
from sagac.runtime.plan import Input, Result, Wire


def told(graph: Graph, conditions: Conditions, types: Types, story: Story, valuation: Valuation) -> Situation:
    """The smallest run of a story: only what has to be settled for it is."""
    order = ordered(graph, story)
    valuation = with_plain(types, [conditions.guard[name] for name in order], valuation)
    settled = order[:-1] if story.early else order
    return Situation(
        order=settled,
        skipped=skipped(conditions, settled, valuation, but=story.failed),
        failed={story.failed: story.failure} if story.failed else {},
        input=valuation.input,
        results={step: result for step, result in valuation.results.items() if step in order},
        unknown=story.unknown,
        landed=story.landed,
        cancelled=story.cancelled,
        subject=story.subject,
        other=story.other,
        events=story.events,
    )


def ordered(graph: Graph, story: Story) -> tuple[str, ...]:
    """All that is settled, in the order in which it is."""
    order = dict.fromkeys(graph.closure(*story.first))
    for step in story.then:
        # What a step comes after is settled before it, and the step itself when its turn comes.
        order |= dict.fromkeys(name for name in graph.closure(step) if name != step)
        order[step] = None
    return tuple(order)


def with_plain(types: Types, conditions: Iterable[Formula], valuation: Valuation) -> Valuation:
    """The values, and plain ones for whatever else these conditions read."""
    given, results = dict(valuation.input), dict(valuation.results)
    for place in read(conditions):
        if isinstance(place, Input):
            put(given, place.path, values.sample(place.type, types))
        else:
            put(results, (place.step, *place.path), values.sample(place.type, types))
    return Valuation(given, results, valuation.true)


def read(conditions: Iterable[Formula]) -> Iterator[Input | Result]:
    """What conditions read of a run, each place once for each condition that is written differently."""
    for condition in {id(condition): condition for condition in conditions}.values():
        yield from (place for place in terms.free_variables(condition) if isinstance(place, Input | Result))


def put(whole: dict[str, Wire], path: tuple[str, ...], value: Wire) -> None:
    """The value at its place, where there is none yet."""
    if len(path) == 1:
        whole.setdefault(path[0], value)
        return
    inner = whole.get(path[0], {})
    if isinstance(inner, dict):
        inner = dict(inner)
        put(inner, path[1:], value)
        whole[path[0]] = inner


def skipped(conditions: Conditions, order: Iterable[str], valuation: Valuation, *, but: str = "") -> frozenset[str]:
    """Who is skipped by a guard."""
    truth: dict[int, bool] = {}
    found = set()
    for name in order:
        guard = conditions.guard[name]
        if id(guard) not in truth:
            truth[id(guard)] = terms.holds(guard, valuation)
        if not truth[id(guard)] and name != but and not conditions.steps[name].otherwise_fails:
            found.add(name)
    return frozenset(found)


# --- whole runs, which witness many claims at once -----------------------------------------------------------------


def whole(graph: Graph, conditions: Conditions, valuation: Valuation) -> Situation | None:
    """The run with these values in which all goes well; nothing where a guard fails it.

    Its order is left open: what is not given succeeds at once, and guards skip what they skip.
    """
    failing = {id(guard): guard for guard in (conditions.guard[name] for name in conditions.failing)}
    if not all(terms.holds(guard, valuation) for guard in failing.values()):
        return None
    return Situation(input=valuation.input, results=valuation.results)


def turned(graph: Graph, conditions: Conditions, types: Types, valuation: Valuation) -> Situation | None:
    """The whole run, cancelled as late as may be; nothing where a cancel is always too late."""
    everything = (1 << len(graph.order)) - 1
    left = everything
    for pivot in conditions.pivots:
        place = graph.number[pivot]
        if not graph.after[place]:
            return None
        last = graph.after[place][-1]
        left &= ~(1 << last | graph.descendants[last])
    if left == everything:
        left ^= 1 << len(graph.order) - 1
    order = tuple(graph.order[number] for number in numbers(left))
    known = with_plain(types, [conditions.guard[name] for name in order], valuation)
    return Situation(
        order=order,
        skipped=skipped(conditions, order, known),
        input=valuation.input,
        results=valuation.results,
        cancelled=True,
    )

"""Situations: who is done, skipped and failed in a run that meets a condition, told from the values alone."""

from __future__ import annotations

from collections.abc import Iterable

from sagac.compiler import terms, values
from sagac.compiler.graph import Graph
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Story
from sagac.compiler.terms import And, Formula, Valuation
from sagac.compiler.values import Types
from sagac.compiler.verdicts import Situation
from sagac.runtime.plan import Input, Result, Wire


def told(graph: Graph, conditions: Conditions, types: Types, story: Story, valuation: Valuation) -> Situation:
    """The smallest run of a story: only what has to be settled for it is."""
    order = ordered(graph, story)
    valuation = with_plain(types, read(conditions.guard[name] for name in order), valuation)
    settled = order[:-1] if story.early else order
    return Situation(
        order=settled,
        skipped=skipped(conditions, settled, valuation, but=story.failed),
        failed={story.failed: story.failure} if story.failed else {},
        input=valuation.input,
        results={step: result for step, result in valuation.results.items() if step in order},
        unknown=story.unknown,
        landed=story.landed,
        undo_lost=story.undo_lost,
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


def with_plain(types: Types, places: Iterable[Input | Result], valuation: Valuation) -> Valuation:
    """The values, and plain ones for the places that have none."""
    given, results = dict(valuation.input), dict(valuation.results)
    for place in places:
        if isinstance(place, Input):
            put(given, place.path, values.sample(place.type, types))
        else:
            put(results, (place.step, *place.path), values.sample(place.type, types))
    return Valuation(given, results, valuation.true)


def read(conditions: Iterable[Formula]) -> tuple[Input | Result, ...]:
    """What conditions read of a run, each place once."""
    together = And(tuple({id(condition): condition for condition in conditions}.values()))
    return tuple(place for place in terms.free_variables(together) if isinstance(place, Input | Result))


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


# --- witnesses -----------------------------------------------------------------------------------------------------


def undisturbed(valuation: Valuation) -> Situation:
    """The run with these values in which every call succeeds at once: the values alone decide who is settled."""
    return Situation(input=valuation.input, results=valuation.results)


def disturbed(graph: Graph, story: Story, valuation: Valuation) -> Situation:
    """The run with these values that fails, or is cancelled after the one step that its order names.

    A step that the story has unknown is not answered, unless the values have it done.
    """
    (step,) = story.then
    if story.unknown and f"{step}.done" not in valuation.true:
        return Situation((), input=valuation.input, results=valuation.results, unknown=step, landed=True, subject=step)
    return Situation(
        order=graph.predecessors(step)[-1:] if story.early else (step,),
        failed={story.failed: story.failure} if story.failed else {},
        input=valuation.input,
        results=valuation.results,
        cancelled=story.cancelled,
        subject=story.subject,
    )

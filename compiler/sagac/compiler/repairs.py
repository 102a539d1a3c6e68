"""Repairs: what an author may write where two actions meet badly, each with what would then hold as well.

A repair is offered only after the question was asked again with it, and nothing can go wrong any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler import actions, records, wording
from sagac.compiler.logic import FALSE, negation
from sagac.compiler.model import Call, Project
from sagac.compiler.obligations.obligation import Repair
from sagac.compiler.records import Place
from sagac.compiler.surroundings import Part


def of_order(project: Project, one: Part, other: Part) -> Iterator[Repair]:
    """For steps of one run: records that differ."""
    mine, theirs = keyed(project, one), keyed(project, other)
    for (place, key), (other_place, other_key) in pairs(mine, theirs):
        apart = negation(records.alias(place, other_place))
        if apart != FALSE:
            yield Repair(
                apart, f"let the records differ, with a condition on the input: `where {unlike(key, other_key)}`"
            )


def of_meeting(project: Project, part: Part, other: Part, *, late: bool = False) -> Iterator[Repair]:
    """For runs beside one another: a lock of the record that both change; `late` where it is to be taken before."""
    theirs = actions.other(other.action)
    for place, key in keyed(project, part):
        for (_, other_key), effect in zip(keyed(project, other), theirs.effects, strict=True):
            apart = negation(records.alias(place, effect.place))
            if effect.place.resource == place.resource and apart != FALSE:
                yield Repair(apart, locks(part, place, key, other, other_key, late=late))


def locks(part: Part, place: Place, key: str, other: Part, other_key: str, *, late: bool) -> str:
    """Both take a lock, in the author's words."""
    name = place.resource.rpartition(".")[2]
    mine, theirs = part.action, other.action
    which = f"a step before the point of no return that comes before `{mine.step}`" if late else f"`{mine.step}`"
    first = f"write `lock {name}[{key}] within 1m` in {which}"
    if (mine.saga, mine.step) == (theirs.saga, theirs.step):
        return f"{first}: with that lock this cannot happen"
    where = "" if mine.saga == theirs.saga else f" of `{theirs.saga.rpartition('.')[2]}`"
    return f"{first}, and `lock {name}[{other_key}] within 1m` in `{theirs.step}`{where}: with both this cannot happen"


def keyed(project: Project, part: Part) -> list[tuple[Place, str]]:
    """The records that an action changes, with their keys as the author would write them in its step."""
    call = call_of(part)
    given = dict(call.arguments)
    return [
        (effect.place, ", ".join(wording.expression(actions.instance(key, given)) for key in effect.change.keys))
        for effect in part.action.effects
    ]


def call_of(part: Part) -> Call:
    """What the action calls."""
    step = next(step for step in part.deeds.saga.steps if step.name == part.action.step)
    return step.call if part.action.undo is None else step.handlers[part.action.undo].call


def pairs(
    mine: list[tuple[Place, str]], theirs: list[tuple[Place, str]]
) -> Iterator[tuple[tuple[Place, str], tuple[Place, str]]]:
    """Two records of one resource."""
    for one in mine:
        yield from ((one, other) for other in theirs if other[0].resource == one[0].resource)


def unlike(key: str, other: str) -> str:
    return f"{key} != {other}"

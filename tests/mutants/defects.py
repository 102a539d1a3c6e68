"""Seeded defects of the checker itself: each takes one thing out of the encoding, or puts it in wrongly."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from sagac.compiler import records, terms
from sagac.compiler.logic import FALSE, TRUE, Term
from sagac.compiler.records import Applied, Effect, Place, World
from sagac.compiler.surroundings import Crowd, Part

# A defect stands in the place of functions of many signatures: what it takes and gives is theirs.
Broken: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Defect:
    """A function of the checker, and what stands in its place."""

    name: str
    module: str
    """Below `sagac.compiler`."""
    function: str
    broken: Callable[[Broken], Broken]
    """Given the right one."""
    families: str
    """Whose specs, or which samples, are likely to notice; all others are tried after them."""
    equivalent: str = ""
    """Why nothing can notice it, where that is so."""


@contextmanager
def seeded(defect: Defect) -> Iterator[None]:
    """The checker with this defect."""
    module = importlib.import_module(f"sagac.compiler.{defect.module}")
    owner: object = module
    *path, name = defect.function.split(".")
    for part in path:
        owner = getattr(owner, part)
    right = getattr(owner, name)
    setattr(owner, name, defect.broken(right))
    try:
        yield
    finally:
        setattr(owner, name, right)


def always(value: object) -> Callable[[Broken], Broken]:
    """Whatever is asked, this."""
    return lambda right: lambda *given, **named: value


def nothing(right: Broken) -> Broken:
    """None of what it should find."""
    return lambda *given, **named: iter(())


def first_only(right: Broken) -> Broken:
    """The first of what it should find."""
    return lambda *given, **named: tuple(right(*given, **named))[:1]


def opposite(right: Broken) -> Broken:
    """Yes for no."""
    return lambda *given, **named: not right(*given, **named)


# --- records -------------------------------------------------------------------------------------------------------


def without_requires(right: Broken) -> Broken:
    def needed(effect: Effect, before: records.Cells) -> Iterator[Term]:
        return iter(tuple(right(replace(effect, requires=()), before)))

    return needed


def without_source(right: Broken) -> Broken:
    def needed(effect: Effect, before: records.Cells) -> Iterator[Term]:
        return iter(tuple(right(replace(effect, change=replace(effect.change, source="")), before)))

    return needed


def written_alike(right: Broken) -> Broken:
    """Two places are one record only where they are written alike."""
    return lambda one, two: TRUE if one == two else FALSE


def one_for_all(right: Broken) -> Broken:
    """A resource has one record."""
    return lambda one, two: TRUE if one.resource == two.resource else FALSE


def put_once(right: Broken) -> Broken:
    """What is written to a record is not seen under its other names."""

    def put(after: dict[Place, records.Cells], place: Place, name: str, cell: object) -> None:
        after[place] = {**after[place], name: cell}  # type: ignore[dict-item]  # a cell, as everywhere

    return put


def without_captured(right: Broken) -> Broken:
    def applied(*given: object) -> Applied:
        came: Applied = right(*given)
        return replace(came, captured={})

    return applied


def without_owner(right: Broken) -> Broken:
    """Who has put a record into its state is not written down."""

    def applied(project: object, world: World, effects: object, actor: object) -> Applied:
        came: Applied = right(project, world, effects, actor)
        kept = {place: {**cells, **_owner(world[place])} for place, cells in came.world.items()}
        return replace(came, world=kept)

    return applied


def _owner(cells: records.Cells) -> records.Cells:
    return {records.OWNER: cells[records.OWNER]} if records.OWNER in cells else {}


def without_shares(right: Broken) -> Broken:
    """What a run holds is not counted as its own."""

    def assign(after: object, place: object, setting: records.Setting, value: object, actor: object) -> None:
        right(after, place, replace(setting, held=False), value, actor)

    return assign


def not_at_once(right: Broken) -> Broken:
    """`+=` and `-=` set the field."""
    return lambda before, operator, value: right(before, ":=", value)


def always_adding(right: Broken) -> Broken:
    return lambda before, operator, value: right(before, "+=" if operator == "-=" else operator, value)


def state_unseen(right: Broken) -> Broken:
    return lambda project, place: tuple(name for name in right(project, place) if name != records.STATE)


def fields_unseen(right: Broken) -> Broken:
    return lambda project, place: tuple(name for name in right(project, place) if name == records.STATE)


def other_strictness(right: Broken) -> Broken:
    return lambda one, two, *, strictly: right(one, two, strictly=not strictly)


def met(keeps: Callable[[Crowd, Part], bool]) -> Callable[[Broken], Broken]:
    """Only some of the actions of other runs are thought of."""

    def broken(right: Broken) -> Broken:
        return lambda around, part: tuple(each for each in right(around, part) if keeps(each, part))

    return broken


def is_do(crowd: Crowd, part: Part) -> bool:
    return crowd.first.parts[-1].action.undo is None


def is_of_another_saga(crowd: Crowd, part: Part) -> bool:
    return crowd.first.parts[-1].action.saga != part.action.saga


def is_of_the_same_saga(crowd: Crowd, part: Part) -> bool:
    return not is_of_another_saga(crowd, part)


def untouched(right: Broken) -> Broken:
    """What it is given."""
    return lambda given: given


def nobody_beside(right: Broken) -> Broken:
    """No two steps are unordered."""
    return lambda saga, graph, around: {step.name: () for step in saga.steps}


def lenient(right: Broken) -> Broken:
    return lambda *given, **named: right(*given, **{**named, "lenient": True})


def old_is_now(right: Broken) -> Broken:
    return lambda ensure, places, before, after: right(ensure, places, after, after)


def no_key(right: Broken) -> Broken:
    return lambda *given, **named: ()


def same_world(right: Broken) -> Broken:
    """Nothing is left behind."""
    return lambda project, world, left: world


def free_of(right: Broken) -> Broken:
    """What is said of another run is said of this one."""
    return lambda action: action


def skipped_never(right: Broken) -> Broken:
    return lambda self, step: terms.FALSE


def done_always(right: Broken) -> Broken:
    return lambda self, step: terms.TRUE


def unsigned(right: Broken) -> Broken:
    """What is taken back counts as taken."""
    return lambda changes: right(tuple(replace(each, operator="+=") for each in changes))


def kept_alone(right: Broken) -> Broken:
    """The same record under another name is another one."""
    return lambda hold, every: ()


def sure(right: Broken) -> Broken:
    return lambda premises: "sat"


DEFECTS: Final[tuple[Defect, ...]] = (
    Defect("a service checks nothing", "records", "needed", nothing, "d4 b1 b6"),
    Defect("a service checks no `requires`", "records", "needed", without_requires, "b6 b5 b2"),
    Defect("a service checks no state", "records", "needed", without_source, "d4 f b2"),
    Defect("two keys are never equal", "records", "alias", written_alike, "b4 b6 b2"),
    Defect("all keys are equal", "records", "alias", one_for_all, "b4 b6 b7"),
    Defect("a record is written under one name only", "records", "put", put_once, "b4 b6 b2 b7"),
    Defect("what a record told is forgotten", "records", "applied", without_captured, "b1 b2 b4"),
    Defect("who owns a state is not written down", "records", "applied", without_owner, "b4 b2"),
    Defect(
        "who holds an amount is not written down",
        "records",
        "assign",
        without_shares,
        "sample",
        "every question supposes anew what is held before its actions, and none asks what is held after the last",
    ),
    Defect("an amount is set, not added", "records", "combined", not_at_once, "b1 b7"),
    Defect("an amount is added, not taken", "records", "combined", always_adding, "b1 b7"),
    Defect(
        "states are not compared",
        "records",
        "visible",
        state_unseen,
        "b2 b4 b3",
        "a state is left by commands that need one: two orders that leave other states are not both accepted",
    ),
    Defect("fields are not compared", "records", "visible", fields_unseen, "sample"),
    Defect("holds have no holders", "records", "shares", always(TRUE), "b6 b4 e1"),
    Defect("holds are impossible", "records", "shares", always(FALSE), "b6 b4 e1"),
    Defect("a run knows nothing of its own", "records", "backing", nothing, "b4 b6"),
    Defect("invariants hold by themselves", "records", "invariant", always(TRUE), "b6"),
    Defect("one record may have two contents", "records", "lawful", always(TRUE), "b4 b6 d3"),
    Defect("a border belongs to the other side", "logic", "less", other_strictness, "b6 d3"),
    Defect("every state is the run's own doing", "actions", "is_owned", always(True), "b4 b5 b6"),
    Defect("no state is the run's own doing", "actions", "is_owned", always(False), "b2 b4 b5"),
    Defect("every amount is the run's own", "actions", "is_backed", always(True), "sample"),
    Defect("no amount is the run's own", "actions", "is_backed", always(False), "b6 b4"),
    Defect("all runs are one run", "actions", "apart", nothing, "b4 b2"),
    Defect("nothing is known of the input", "actions", "cone", always(()), "b6 b5"),
    Defect("every earlier step is done", "actions", "is_certain", always(True), "sample"),
    Defect("locks lock nothing", "actions", "locked", always(()), "b4"),
    Defect("the other run has this one's values", "actions", "other", free_of, "b4"),
    Defect("undos of other runs are forgotten", "surroundings", "meeting", met(is_do), "b4 b5"),
    Defect("other runs of the saga are forgotten", "surroundings", "meeting", met(is_of_another_saga), "b4 b5"),
    Defect("other sagas are forgotten", "surroundings", "meeting", met(is_of_the_same_saga), "b4 b5"),
    Defect(
        "a state is owned though others take it", "surroundings", "without_doubtful_ownership", untouched, "sample b4"
    ),
    Defect("results are read by nobody", "surroundings", "results_read", nothing, "b2 b4"),
    Defect("whoever is second is accepted", "obligations.movers", "accepted", always(TRUE), "b2 b5 b3"),
    Defect("whoever is second is told the same", "obligations.movers", "told_alike", always(TRUE), "b2 b4"),
    Defect("two orders leave the same", "obligations.movers", "indistinguishable", always(TRUE), "sample"),
    Defect(
        "ghosts are not compared",
        "obligations.movers",
        "ghosts_alike",
        always(TRUE),
        "b4 b2",
        "a ghost is added to with its field, and who owns a state is who came last into it: they agree where those do",
    ),
    Defect("records may be anyhow when runs meet", "obligations.movers", "standing", nothing, "b4 b5 b2"),
    Defect("runs that meet know nothing", "obligations.movers", "knowing", nothing, "b4 b2"),
    Defect("a run that meets another knows not its own", "obligations.movers", "own_doing", nothing, "b4 b5 b2"),
    Defect("guards are unknown where runs meet", "obligations.movers", "sent", nothing, "sample"),
    Defect("only the effect must commute", "obligations.movers", "past", lenient, "b4 b2"),
    Defect("no steps are unordered", "obligations.commutation", "unordered", nobody_beside, "b2"),
    Defect("an undo restores everything", "obligations.inverse", "restored", always(TRUE), "b1"),
    Defect("records may be anyhow before a step", "obligations.inverse", "beginning", nothing, "sample"),
    Defect("an undo reads what nobody told", "obligations.inverse", "captured", nothing, "sample"),
    Defect("what is left is not there", "obligations.transport", "remaining", same_world, "b3"),
    Defect("nothing is left", "obligations.transport", "left_by", nothing, "b3"),
    Defect("no undo comes later", "obligations.transport", "undone_later", always(()), "b3"),
    Defect("a run holds what it never took", "obligations.holds", "is_negative", always(terms.FALSE), "sample"),
    Defect("holds are let go by themselves", "obligations.holds", "is_not_nought", always(terms.FALSE), "a5"),
    Defect("what is let go counts as taken", "obligations.holds", "summed", unsigned, "a5 b6 e1"),
    Defect("a hold has one name only", "obligations.holds", "beside", kept_alone, "sample"),
    Defect("no state is left behind", "obligations.holds", "states", always(()), "sample"),
    Defect("steps have no turn", "courses", "ideal", nothing, "f b6 d4"),
    Defect("undos have no order", "courses", "unwinding", nothing, "b6 f"),
    Defect("no run is past the pivot", "courses", "past_the_pivot", always(FALSE), "f b7"),
    Defect("every run is past the pivot", "courses", "past_the_pivot", always(TRUE), "f b7 b6"),
    Defect("a run's records begin anyhow", "courses", "initial", always(TRUE), "f d4 b6"),
    Defect("no record is the run's own", "actions", "is_own", always(False), "f d4"),
    Defect("every record is the run's own", "actions", "is_own", always(True), "sample"),
    Defect("records begin anyhow", "courses", "beginning", nothing, "f d4 b7"),
    Defect("every undo runs", "courses", "undo_guard", always(TRUE), "sample"),
    Defect("every step before is done", "courses", "done", always(TRUE), "d4 f"),
    Defect("nothing is known when a step is sent", "courses", "entered", nothing, "sample"),
    Defect("a record that is referred to is there", "obligations.invariants", "is_there", always(TRUE), "b6"),
    Defect("nothing refers to anything", "obligations.invariants", "points_to", always(FALSE), "b6"),
    Defect("nobody takes a record away", "obligations.invariants", "removing", nothing, "b6"),
    Defect("what was is what is", "obligations.ensures", "cells_read", old_is_now, "b7"),
    Defect("a shared record begins as ensured anyhow", "obligations.ensures", "held_before", nothing, "sample"),
    Defect("everything is clean", "obligations.ensures", "unclean", nothing, "sample"),
    Defect("nothing is checked at the call", "obligations.preconditions", "checks", always(False), "d4"),
    Defect("values have no types", "encoding", "facts", always(()), "sample"),
    Defect("no step fails", "obligations.conditions", "can_fail", always(False), "a1 a2"),
    Defect("no guard skips", "obligations.conditions", "Conditions.skipped", skipped_never, "a1 d1 d2"),
    Defect("every step is done", "obligations.conditions", "Conditions.done", done_always, "d1 a2 d3"),
    Defect("every input is possible", "obligations.conditions", "premise", always(terms.TRUE), "a6 a1 f"),
    Defect("no failure turns a run", "obligations.turning", "failing", nothing, "a1 a2 d2"),
    Defect(
        "no cancel turns a run",
        "obligations.turning",
        "cancellable",
        always(terms.FALSE),
        "a1 a2 b1",
        "before a pivot every step may fail, so a failure turns a run wherever a cancel does",
    ),
    Defect("every undo applies", "obligations.coverage", "handler_guard", always(terms.TRUE), "a2"),
    Defect("contradictions are fine", "solver", "standing", sure, "d4 a6"),
)

"""E4, lock order: the locks of all sagas together are taken in an order that never comes round in a circle.

A lock is kept to its run's end, so a run that waits for one holds all that it has taken before. If every run takes the
locks that it shares with others in one order, then whoever has the last of them waits for nobody. The order that is
found is the certificate; a circle, with the steps that take its locks, is the counterexample. Two records of one
resource are two locks that another run may take the other way round, unless they are surely the same record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sagac.compiler import graph as graphs
from sagac.compiler import wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Lock, Project, Saga, Step
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted
from sagac.runtime.plan import Constant, Expression, Input

Node: TypeAlias = tuple[str, tuple[Expression, ...]]
"""A resource, and a record of it where every lock of the resource names one by constants; else no keys: any record."""


@dataclass(frozen=True, slots=True)
class Taking:
    """A lock, with who takes it, and when."""

    saga: Saga
    step: Step
    place: int
    """Among the locks of its step, which are taken one after the other."""
    lock: Lock


@dataclass(frozen=True, slots=True)
class Wait:
    """A run that has one lock may wait for another."""

    has: Taking
    wants: Taking


def owe(project: Project, saga: Saga) -> tuple[Obligation, ...]:
    """One claim for a saga that takes locks."""
    if not any(step.locks for step in saga.steps):
        return ()
    waits = edges(project, saga)
    order = tuple(dict.fromkeys(resource.rpartition(".")[2] for resource, _ in topological(waits) or ()))
    taken = f": {wording.listing(order, 'before')}" if len(order) > 1 else ""
    text = f"no runs wait for one another's locks in a circle{taken}"
    claim = Claim("E4", saga.full_name, "", text, next(lock.span for step in saga.steps for lock in step.locks))
    circle = shortest_circle(saga, waits)
    return (Settled(claim, Proved() if circle is None else refuted(saga, circle)),)


# --- who waits for what ---------------------------------------------------------------------------------------------


def edges(project: Project, saga: Saga) -> dict[Node, dict[Node, Wait]]:
    """For each lock those that a run may wait for while it has it, each with one that does: of this saga, if any."""
    takings = tuple(shared(project))
    constant = {taking.lock.resource for taking in takings} - {
        taking.lock.resource for taking in takings if not is_constant(taking.lock)
    }
    waits: dict[Node, dict[Node, Wait]] = {}
    by_saga: dict[str, list[Taking]] = {}
    for taking in takings:
        waits.setdefault(node(taking.lock, constant), {})
        by_saga.setdefault(taking.saga.full_name, []).append(taking)
    for own in sorted(by_saga.values(), key=lambda own: own[0].saga.full_name != saga.full_name):
        order, _ = graphs.build(own[0].saga)
        for has in own:
            for wants in own:
                if may_follow(order, has, wants):
                    waits[node(has.lock, constant)].setdefault(node(wants.lock, constant), Wait(has, wants))
    return waits


def shared(project: Project) -> Iterator[Taking]:
    """Every lock that two runs may want; a record that only its own run can name is nobody else's."""
    takings = tuple(
        Taking(saga, step, place, lock)
        for saga in project.sagas
        for step in saga.steps
        for place, lock in enumerate(step.locks)
    )
    for taking in takings:
        users = {other.saga.full_name for other in takings if other.lock.resource == taking.lock.resource}
        named = {key_places(other) for other in takings if other.lock.resource == taking.lock.resource}
        if len(users) > 1 or len(named) > 1 or None in named:
            yield taking


def key_places(taking: Taking) -> tuple[int, ...] | None:
    """Where the run's key stands in the record's: where it always stands there, no other run of the saga names it."""
    fields = [key.path[0] if isinstance(key, Input) and len(key.path) == 1 else "" for key in taking.lock.keys]
    return tuple(fields.index(name) for name in taking.saga.key) if set(taking.saga.key) <= set(fields) else None


def is_constant(lock: Lock) -> bool:
    return all(isinstance(key, Constant) for key in lock.keys)


def node(lock: Lock, constant: set[str]) -> Node:
    return lock.resource, lock.keys if lock.resource in constant else ()


def may_follow(order: Graph, has: Taking, wants: Taking) -> bool:
    """Whether a run that has one lock may still have to wait for the other, another record."""
    if (has.lock.resource, has.lock.keys) == (wants.lock.resource, wants.lock.keys):
        return False
    if has.step.name == wants.step.name:
        return has.place < wants.place
    return not order.precedes(wants.step.name, has.step.name)


# --- circles --------------------------------------------------------------------------------------------------------


def shortest_circle(saga: Saga, waits: Mapping[Node, Mapping[Node, Wait]]) -> tuple[Wait, ...] | None:
    """The shortest circle in which a run of this saga waits, if there is one."""
    found = [
        circle
        for start, following in waits.items()
        for target in following
        if (circle := back(waits, start, target)) is not None
        and any(wait.has.saga.full_name == saga.full_name for wait in circle)
    ]
    return min(found, key=len, default=None)


def back(waits: Mapping[Node, Mapping[Node, Wait]], start: Node, first: Node) -> tuple[Wait, ...] | None:
    """The shortest way from a lock, by this first wait, back to it."""
    ways: dict[Node, tuple[Wait, ...]] = {first: (waits[start][first],)}
    queue = [first]
    for at in queue:
        if at == start:
            return ways[at]
        for following, wait in waits[at].items():
            if following not in ways:
                ways[following] = (*ways[at], wait)
                queue.append(following)
    return None


def topological(waits: Mapping[Node, Mapping[Node, Wait]]) -> tuple[Node, ...] | None:
    """The locks in an order in which every run takes them; `None` where there is none."""
    left = dict(waits)
    found: list[Node] = []
    while left:
        free = [one for one in left if not any(one in left[other] for other in left)]
        if not free:
            return None
        found += free
        for one in free:
            del left[one]
    return tuple(found)


# --- telling --------------------------------------------------------------------------------------------------------


def refuted(saga: Saga, circle: Sequence[Wait]) -> Refuted:
    """The circle, run by run: each has a lock that the one before it waits for."""
    if len(circle) == 1:
        (wait,) = circle
        message = f"two runs can wait for one another: each has a `{short(wait.has)}` that the other one wants"
        turned = (told(1, wait), f"run 2 of `{wait.has.saga.name}` has that one, and waits for the one that run 1 has")
        lines: tuple[str, ...] = turned
    else:
        names = wording.listing(tuple(dict.fromkeys(short(wait.has) for wait in circle)))
        message = f"runs can wait for one another's locks of {names} in a circle"
        lines = tuple(told(number, wait) for number, wait in enumerate(circle, 1))
    last = circle[-1]
    return Refuted(
        Critical((*lines, "nobody goes on before a lock has not been got in time"), last.wants.step.name),
        message,
        other=last.wants.lock.span,
        other_text="this one closes the circle",
        help=repairs(circle),
    )


def told(number: int, wait: Wait) -> str:
    """One run of the circle."""
    return (
        f"run {number} of `{wait.has.saga.name}` has {locked(wait.has)} since `{wait.has.step.name}`, "
        f"and waits in `{wait.wants.step.name}` for {locked(wait.wants)}"
    )


def locked(taking: Taking) -> str:
    keys = ", ".join(map(wording.expression, taking.lock.keys))
    return f"`{short(taking)}[{keys}]`"


def short(taking: Taking) -> str:
    return taking.lock.resource.rpartition(".")[2]


def repairs(circle: Sequence[Wait]) -> tuple[str, ...]:
    """What breaks the circle."""
    if len(circle) == 1:
        (wait,) = circle
        return (
            f"take one lock for both in place of {locked(wait.has)} and {locked(wait.wants)}: one that covers them",
            "or let the service take both at once, in one command",
        )
    last = circle[-1]
    return (
        f"let `{last.has.saga.name}` take {locked(last.wants)} first, "
        f"before it takes {locked(last.has)} in `{last.has.step.name}`",
    )

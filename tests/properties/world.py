"""The services of a small plan: effects that land, keys that are remembered, and what must never happen to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tests.properties.plans import Case

from sagac.runtime.plan import Direction, Step


class Message(NamedTuple):
    """A call on its way. Only the answer to a live one can still reach the driver."""

    direction: Direction
    step: int
    key: str
    undoes: str
    live: bool

    def unheard(self) -> Message:
        """The same message, with nobody waiting for its answer."""
        return Message(self.direction, self.step, self.key, self.undoes, False)


class World(NamedTuple):
    """What the services hold: for each step how often its effect stands and whether it was undone, and the keys."""

    values: tuple[int, ...]
    undone: frozenset[int]
    memory: frozenset[tuple[str, str]]
    """Pairs of a key and `applied`, `refused` or `revoked`."""


class Violation(Exception):  # noqa: N818 - a finding of the search, not an error of it
    """Something that must never happen, and the step that it happened in."""

    def __init__(self, what: str, label: str = "") -> None:
        super().__init__(what)
        self.what, self.label = what, label


@dataclass(frozen=True)
class Services:
    """The services of a case, and what they may answer."""

    case: Case

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The plan's steps."""
        return self.case.plan.steps

    @cached_property
    def before(self) -> tuple[frozenset[int], ...]:
        """For each step, every step that it comes after, transitively."""
        position = {step.name: i for i, step in enumerate(self.steps)}
        found: list[frozenset[int]] = []
        for step in self.steps:
            direct = [position[name] for name in step.after]
            found.append(frozenset(direct).union(*(found[i] for i in direct)))
        return tuple(found)

    def empty(self) -> World:
        """Nothing has happened."""
        return World((0,) * len(self.steps), frozenset(), frozenset())

    def deliver(self, world: World, message: Message, skipped: frozenset[int]) -> Iterator[tuple[World, str]]:
        """Every way in which the service may take the message, with its answer."""
        return self.do(world, message, skipped) if message.direction == "do" else self.undo(world, message)

    def do(self, world: World, message: Message, skipped: frozenset[int]) -> Iterator[tuple[World, str]]:
        """A do: refused when it was revoked, deduplicated by key where that was promised, else an effect."""
        i, key, step = message.step, message.key, self.steps[message.step]
        if step.query:
            yield world, "succeeded"
            if step.fails:
                yield world, "refused"
            return
        if (key, "revoked") in world.memory or (step.idempotent and (key, "refused") in world.memory):
            yield world, "refused"
            return
        if step.idempotent and (key, "applied") in world.memory:
            yield world, "succeeded"
            return
        yield self.landed(world, i, key, skipped), "succeeded"
        if step.fails:
            yield remembering(world, key, "refused"), "refused"
        if step.name in self.case.transient:
            yield world, "transient"

    def landed(self, world: World, i: int, key: str, skipped: frozenset[int]) -> World:
        """The effect of a do."""
        name = self.steps[i].name
        if i in world.undone:
            raise Violation(f"the effect of {name} lands after its undo")
        if self.steps[i].idempotent_by_effect and world.values[i]:
            return self.landed_again(world, i)
        if world.values[i]:
            raise Violation(f"double effect of {name}")
        for j in self.before[i]:
            if not self.steps[j].query and j not in skipped and not world.values[j]:
                raise Violation(f"{name} lands before {self.steps[j].name}, which it comes after")
        return remembering(with_value(world, i, 1), key, "applied")

    def landed_again(self, world: World, i: int) -> World:
        """A second landing changes nothing as long as nothing has come after the first."""
        for j, other in enumerate(self.steps):
            if world.values[j] and i in self.before[j]:
                raise Violation(f"{self.steps[i].name} lands again after {other.name}, which comes after it")
        return world

    def undo(self, world: World, message: Message) -> Iterator[tuple[World, str]]:
        """An undo: deduplicated by key where that was promised; a revoking one also refuses what it undoes."""
        i, key, step = message.step, message.key, self.steps[message.step]
        undo = step.undos[0]
        if (undo.idempotent or undo.revokes) and (key, "applied") in world.memory:
            yield world, "succeeded"
            return
        if undo.fails:
            yield world, "refused"
        if f"undo {step.name}" in self.case.transient:
            yield world, "transient"
        if not world.values[i] and not undo.revokes:
            raise Violation(f"blind undo of {step.name}")
        if not world.values[i] and i in world.undone:
            raise Violation(f"double undo of {step.name}")
        yield self.taken_back(world, message, revokes=undo.revokes), "succeeded"

    def taken_back(self, world: World, message: Message, *, revokes: bool) -> World:
        """The effect of an undo."""
        i, name = message.step, self.steps[message.step].name
        for j, other in enumerate(self.steps):
            if world.values[j] and i in self.before[j] and other.undos:
                raise Violation(f"undo order: {name} is undone before {other.name}")
            if world.values[j] and other.remains == "irreversible":
                raise Violation(f"{name} is undone past the point of no return")
        world = remembering(with_value(world, i, 0), message.key, "applied")
        for j, other in enumerate(self.steps):
            if other.undone_by == name:
                world = with_value(world, j, 0)._replace(undone=world.undone | {j})
        world = world._replace(undone=world.undone | {i})
        return remembering(world, message.undoes, "revoked") if revokes else world

    def forgotten(self, world: World, keys: frozenset[str]) -> World:
        """The world after every window has passed: these keys are not remembered any more."""
        return world._replace(memory=frozenset((key, fact) for key, fact in world.memory if key not in keys))

    def may_deliver_twice(self, message: Message) -> bool:
        """Whether the network may duplicate the message: only what is idempotent stands it."""
        step = self.steps[message.step]
        if message.direction == "do":
            return step.query or step.idempotent
        return step.undos[0].idempotent or step.undos[0].revokes


def with_value(world: World, i: int, value: int) -> World:
    """The world with one effect set or taken back."""
    return World((*world.values[:i], value, *world.values[i + 1 :]), world.undone, world.memory)


def remembering(world: World, key: str, fact: str) -> World:
    """The world with one more remembered key."""
    return World(world.values, world.undone, world.memory | {(key, fact)})

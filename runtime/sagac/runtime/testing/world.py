"""The reference world: each service of a saga in memory, keeping exactly what its contract declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from sagac.runtime.calls import Call, Refusal
from sagac.runtime.plan import Plan, Step, Undo, Wire
from sagac.runtime.testing.pace import PacedClock
from sagac.runtime.testing.samples import sample
from sagac.runtime.wire import Decoder


@dataclass(slots=True)
class Effect:
    """The resource of one step: there or not. A service that keeps its contract makes it once, and undoes it once."""

    made: int = 0
    undone: int = 0

    @property
    def stands(self) -> bool:
        """Whether the effect is there."""
        return self.made > self.undone


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a service answered under a key, and when it first heard of the key."""

    answer: Any
    at: int


@dataclass(slots=True)
class World:
    """The services of one run, what they remember, and what has become of every step's effect."""

    saga: type[Any]
    """The saga's generated class."""
    results: Mapping[str, Wire]
    clock: PacedClock = field(default_factory=PacedClock)
    effects: dict[str, Effect] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What no service that is asked by a correct runtime would ever see."""
    watched: dict[str, Callable[[str], int] | None] = field(default_factory=dict)
    """The services whose effects can be told; the function counts those that stand under a key."""
    _remembered: dict[tuple[str, str, str], Remembered] = field(default_factory=dict)
    _revoked: set[str] = field(default_factory=set)

    @property
    def plan(self) -> Plan:
        """The plan of the saga that these services are for."""
        plan: Plan = self.saga.plan
        return plan

    def service(self, name: str) -> Any:
        """A reference service, for a field of the saga's class."""
        return Reference(self, name)

    def observe(self, name: str, standing: Callable[[str], int]) -> None:
        """Have a real service's effects checked: `standing` counts those that stand under a do's idempotency key."""
        self.watched[name] = standing

    def effect(self, step: str) -> Effect:
        """What has become of a step's effect."""
        return self.effects.setdefault(step, Effect())

    def answer(self, service: str, command: str, call: Call) -> Any:
        """What a service answers to a call, and what it does for it."""
        self.watched.setdefault(service, None)
        step = next(step for step in self.plan.steps if step.name == call.step)
        if call.direction == "undo":
            undo = next(undo for undo in step.undos if (undo.call.service, undo.call.command) == (service, command))
            return self._undo(step, undo, call)
        if step.query:
            return self._result(service, command, step)
        if step.probe is not None and command == step.probe.command:
            return self._result(service, command, step) if self.effect(step.name).stands else None
        return self._do(step, call)

    def _do(self, step: Step, call: Call) -> Any:
        memory = (step.call.service, step.call.command, call.key)
        if step.idempotent and self._knows(memory, step.window_ms):
            return self._remembered[memory].answer
        if step.idempotent_by_effect and self.effect(step.name).stands:
            return self._result(step.call.service, step.call.command, step)  # by its effect, whatever the key
        if call.key in self._revoked:
            raise Refusal(f"`{step.name}` was revoked before it arrived")
        answer = self._result(step.call.service, step.call.command, step)
        self.effect(step.name).made += 1
        self._remembered[memory] = Remembered(answer, self.clock.wall_ms())
        return answer

    def _undo(self, step: Step, undo: Undo, call: Call) -> Any:
        memory = (undo.call.service, undo.call.command, call.key)
        if (undo.idempotent or undo.revokes) and self._knows(memory, undo.window_ms):
            return self._remembered[memory].answer
        if undo.revokes:
            self._revoked.add(call.undoes or "")
        effect = self.effect(step.name)
        if effect.stands:
            effect.undone += 1
        elif not undo.revokes:
            self.faults.append(f"`{step.name}` was undone where it had no effect")
        answer = sample(self._returned(undo.call.service, undo.call.command))
        self._remembered[memory] = Remembered(answer, self.clock.wall_ms())
        return answer

    def _knows(self, memory: tuple[str, str, str], window_ms: int | None) -> bool:
        known = self._remembered.get(memory)
        return known is not None and (window_ms is None or self.clock.wall_ms() < known.at + window_ms)

    def _result(self, service: str, command: str, step: Step) -> Any:
        """The result that a case gives, or the plainest one."""
        returned = self._returned(service, command)
        if step.name in self.results:
            return Decoder(returned).decode(self.results[step.name])
        return sample(returned)

    def _returned(self, service: str, command: str) -> Any:
        """The type of what a command returns."""
        return get_type_hints(getattr(self.saga.protocols[service], command), include_extras=True)["return"]


class Reference:
    """One reference service: whatever its protocol names, it answers."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    def __getattr__(self, command: str) -> Callable[..., Any]:
        if command not in vars(self._world.saga.protocols[self._name]):
            raise AttributeError(command)

        async def handler(call: Call, **arguments: Any) -> Any:
            return self._world.answer(self._name, command, call)

        return handler

"""A small world for the runtime's tests: one service, plans that call it, faults on order, and time that jumps."""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict

from sagac.runtime import Call, Refusal, Transient
from sagac.runtime import plan as plans
from sagac.runtime.plan import Constant, Direction, Field, Input, Plan, Result, Schedule, Step, Undo

T = TypeVar("T")

QUICK = Schedule(timeout_ms=1_000, retries=2, backoff_first_ms=100, backoff_max_ms=300)


class Rejected(Refusal):
    """The one failure that the world's command declares."""


class Receipt(BaseModel):
    """What an action returns."""

    model_config = ConfigDict(frozen=True)
    number: int


class World(Protocol):
    """The service that every plan here calls."""

    async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
        """Take effect."""
        ...

    async def back(self, call: Call, *, step: str, trip: str) -> None:
        """Take the effect back, also before it came."""
        ...

    async def look(self, call: Call, *, step: str, trip: str) -> Receipt | None:
        """Whether the effect is there."""
        ...


class TripInput(BaseModel):
    """The input of every saga here."""

    model_config = ConfigDict(frozen=True)
    trip: str
    note: str = ""


class TripOutput(BaseModel):
    """The output of every saga here that has a step `a`."""

    model_config = ConfigDict(frozen=True)
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """A binding as it is generated, but for the plan: every test brings its own."""

    protocols: ClassVar[Mapping[str, type]] = {"world": World}
    input: ClassVar[type[TripInput]] = TripInput
    output: ClassVar[type[TripOutput] | None] = TripOutput
    plan: Plan
    world: World


def call(command: str, step: str) -> plans.Call:
    return plans.Call("world", command, (("step", Constant(step, "string")), ("trip", Input(("trip",), "string"))))


def step(name: str, *after: str, undo: Undo | Literal[True] | None = True, **facts: Any) -> Step:
    """A step of the world; idempotent and with an idempotent, revoking undo, unless told otherwise."""
    chosen = (Undo(call("back", name), QUICK, idempotent=True, revokes=True),) if undo is True else ()
    given: dict[str, Any] = {"schedule": QUICK, "fails": ("Rejected",), "idempotent": True, "doubt": "revoke"}
    given |= {"undos": (undo,) if isinstance(undo, Undo) else chosen, "result": "Receipt", "call": call("act", name)}
    return Step(name=name, after=after, **(given | facts))


def plan(*steps: Step, saga: str = "trip.Trip", **facts: Any) -> Plan:
    """A plan of these steps, unwound in the reverse of their order."""
    later = {each.name: tuple(other.name for other in steps if each.name in other.after) for each in steps}
    return Plan(
        saga=saga,
        version=1,
        key=("trip",),
        inputs=(Field("trip", "string"), Field("note", "string")),
        steps=tuple(replace(each, undo_after=later[each.name]) for each in steps),
        output=(("first", Result(steps[0].name, ("number",), "int")),),
        **facts,
    )


Fault: TypeAlias = "str | BaseException | Callable[[Call], Awaitable[Any]]"
"""`lost` applies and does not answer, `hang` neither; an exception is raised; a function is awaited."""


@dataclass(slots=True)
class FakeWorld:
    """The world itself: remembers keys, obeys faults, and writes down what was sent."""

    faults: dict[tuple[str, Direction, int], Fault] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    """For each step, how many of its effects stand."""
    looks: list[Call] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _revoked: set[str] = field(default_factory=set)
    _refused: dict[str, Refusal] = field(default_factory=dict)
    """An idempotent service that has refused a key refuses it for good, and one that it has served it never refuses."""

    async def act(self, call: Call, *, step: str, trip: str) -> Receipt:
        self.log.append(step)
        await self._fault(call, lambda: self._apply(call, step))
        return Receipt(number=self._apply(call, step))

    async def back(self, call: Call, *, step: str, trip: str) -> None:
        self.log.append(f"undo {step}")
        await self._fault(call, lambda: self._take_back(call, step))
        self._take_back(call, step)

    async def look(self, call: Call, *, step: str, trip: str) -> Receipt | None:
        self.looks.append(call)
        return Receipt(number=self._known[call.key]) if call.key in self._known else None

    async def _fault(self, call: Call, apply: Callable[[], object]) -> None:
        self.calls.append(call)
        if call.key in self._refused:
            raise self._refused[call.key]
        match self.faults.get((call.step, call.direction, call.attempt)):
            case None:
                return
            case Refusal() as refusal:
                if call.key not in self._known:
                    raise self._refused.setdefault(call.key, refusal)
            case "lost":
                apply()
                raise ConnectionError("reset by peer")
            case "hang":
                await asyncio.sleep(1_000_000)
            case BaseException() as failure:
                raise failure
            case str() as other:
                raise AssertionError(other)
            case function:
                await function(call)

    def _apply(self, call: Call, step: str) -> int:
        assert call.direction == "do", call
        if call.key not in self._known and call.key not in self._revoked:
            self._known[call.key] = len(self._known) + 1
            self.effects[step] += 1
        return self._known.get(call.key, 0)

    def _take_back(self, call: Call, step: str) -> None:
        assert call.undoes is not None, call
        if self._known.pop(call.undoes, None) is not None:
            self.effects[step] -= 1
        self._revoked.add(call.undoes)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        self._jumped = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._jumped

    def jump(self, seconds: float) -> None:
        self._jumped += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing will ever happen again"
            self._loop.jump(timeout)
        return ready


@dataclass(slots=True)
class VirtualClock:
    """The loop's time as a clock; draws are the largest that they may be, or as scripted."""

    draws: list[int] = field(default_factory=list)
    bounds: list[int] = field(default_factory=list)
    names: int = 0
    skew_ms: int = 0

    def wall_ms(self) -> int:
        return 1_000_000 + self.monotonic_ms() + self.skew_ms

    def monotonic_ms(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    async def sleep(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    def draw(self, bound_ms: int) -> int:
        self.bounds.append(bound_ms)
        return min(self.draws.pop(0), bound_ms) if self.draws else bound_ms

    def fresh(self) -> str:
        self.names += 1
        return f"worker-{self.names}"


def virtually(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


async def eventually(fact: Callable[[], bool], seconds: float = 20) -> None:
    """Return as soon as a fact holds, in real time: what a busy machine delays does not fail a test."""
    for _ in range(round(seconds * 1000)):
        if fact():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"it has not come to pass in {seconds} seconds")


def told(reason: str = "", retry_after: float = 0) -> Transient:
    return Transient(reason, retry_after=retry_after)


def in_order(log: Sequence[str], *expected: str) -> bool:
    """Whether these entries occur in the log in this order."""
    rest = iter(log)
    return all(entry in rest for entry in expected)

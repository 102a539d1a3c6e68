"""Faults on the way: what stands between the runtime and each service, and notes all that passes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from sagac.runtime.calls import Call, Refusal, Transient
from sagac.runtime.plan import Direction, Plan, Step
from sagac.runtime.testing.cases import (
    Busy,
    CallFault,
    Cancelled,
    Case,
    Crashed,
    Fault,
    Late,
    Refused,
    Repeated,
    Taken,
    Unanswered,
)
from sagac.runtime.testing.pace import real_time

TRAVEL_S: Final = 0.01
"""How long a call is on its way, so that what goes on beside it has a before and an after."""

MARGIN_S: Final = 0.001
"""As close to a limit as a call may come."""

Passage: TypeAlias = Literal["sent", "landed", "answered", "settled", "asked"]
"""What the log notes of a call; `settled` is its first answer, or its first timeout without one."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One line of the log."""

    passage: Passage
    step: str
    direction: Direction
    key: str = ""
    undoes: str = ""


@dataclass(slots=True)
class Wire:
    """The wire between a runtime and the services of one run."""

    plan: Plan
    case: Case
    log: list[Noted] = field(default_factory=list)
    fired: set[Fault] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    late: list[asyncio.Task[Any]] = field(default_factory=list)
    """Calls that arrive when nobody waits for them any more."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """The run is over: what had no limit to arrive within arrives now."""
    disturb: Callable[[Cancelled | Crashed], None] = lambda disturbance: None
    """What makes a disturbance happen."""

    def through(self, handlers: Any, protocol: type) -> Tapped:
        """A service as the runtime sees it."""
        return Tapped(self, handlers, protocol)

    async def carry(self, function: Callable[..., Any], command: str, call: Call, arguments: dict[str, Any]) -> Any:
        """One attempt of one call, with what befalls it."""
        step = next(step for step in self.plan.steps if step.name == call.step)
        deliver = Delivery(function, call, arguments)
        if call.direction == "do" and step.probe is not None and command == step.probe.command:
            self.note("asked", call)
            return await deliver()
        self.note("sent", call)
        fault = self._fault(call)
        try:
            await asyncio.sleep(TRAVEL_S)
            answer = await self._befallen(step, call, deliver, fault)
            self.note("answered", call)
            return answer
        finally:
            self._settled(call)

    def note(self, passage: Passage, call: Call) -> None:
        """Add a line to the log."""
        self.log.append(Noted(passage, call.step, call.direction, call.key, call.undoes or ""))

    def _fault(self, call: Call) -> CallFault | None:
        for fault in self.case.faults:
            if isinstance(fault, Cancelled | Crashed | Taken) or fault.step != call.step:
                continue
            direction = "do" if isinstance(fault, Late) else fault.direction
            attempts = fault.attempts if isinstance(fault, Unanswered | Late) else None
            if direction == call.direction and (attempts is None or call.attempt <= attempts):
                self.fired.add(fault)
                return fault
        return None

    async def _befallen(self, step: Step, call: Call, deliver: Delivery, fault: CallFault | None) -> Any:
        match fault:
            case None:
                return await self._landing(call, deliver)
            case Refused():
                raise type(fault.failure, (Refusal,), {})(f"`{step.name}` is refused by the test")
            case Busy():
                raise Transient("the test says: not now")
            case Repeated():
                return await self._twice(step, call, deliver)
            case Unanswered():
                if fault.landed:
                    await self._landing(call, deliver)
            case Late():
                self.late.append(asyncio.create_task(self._arrive_late(step, call, deliver)))
        return await asyncio.Event().wait()

    async def _landing(self, call: Call, deliver: Delivery) -> Any:
        answer = await deliver()
        self.note("landed", call)
        return answer

    async def _twice(self, step: Step, call: Call, deliver: Delivery) -> Any:
        first = await self._landing(call, deliver)
        second = await deliver()
        if first != second:
            self.findings.append(f"two copies of `{step.name}` ({call.direction}) were answered differently")
        return first

    async def _arrive_late(self, step: Step, call: Call, deliver: Delivery) -> None:
        """The call arrives as late as it may; with no limit, when the run is over."""
        if step.lands_within_ms is None:
            await self.over.wait()
        else:
            await asyncio.sleep(step.lands_within_ms / 1000 - TRAVEL_S - MARGIN_S)
        try:
            await self._landing(call, deliver)
        except (Refusal, Transient):
            return

    def _settled(self, call: Call) -> None:
        """Note the first answer or timeout, and let happen what is to happen right after it."""
        if any(
            (line.passage, line.step, line.direction) == ("settled", call.step, call.direction) for line in self.log
        ):
            return
        self.note("settled", call)
        for fault in self.case.faults:
            if isinstance(fault, Cancelled | Crashed) and fault.after == call.step and call.direction == "do":
                self.fired.add(fault)
                asyncio.get_running_loop().call_later(MARGIN_S, self.disturb, fault)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call that is ready to be given to its handler."""

    function: Callable[..., Any]
    call: Call
    arguments: dict[str, Any]

    async def __call__(self) -> Any:
        with real_time():
            if inspect.iscoroutinefunction(self.function):
                return await self.function(self.call, **self.arguments)
            answer = await asyncio.to_thread(self.function, self.call, **self.arguments)
            return await answer if inspect.isawaitable(answer) else answer


class Tapped:
    """A service with the wire in front of it."""

    def __init__(self, wire: Wire, handlers: Any, protocol: type) -> None:
        self._wire = wire
        self._handlers = handlers
        self._protocol = protocol

    def __getattr__(self, command: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if command not in vars(self._protocol):
            raise AttributeError(command)
        function = getattr(self._handlers, command)

        async def handler(call: Call, **arguments: Any) -> Any:
            return await self._wire.carry(function, command, call, arguments)

        return handler

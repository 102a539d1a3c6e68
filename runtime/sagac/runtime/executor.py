"""The executor of one run: performs what the kernel wants outstanding, and journals what comes of it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Container, Coroutine, Iterable
from concurrent.futures import Executor as Threads
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from sagac.runtime import kernel, locking, telemetry
from sagac.runtime.attempts import Answer, attempt
from sagac.runtime.calls import Call
from sagac.runtime.clock import Clock
from sagac.runtime.commands import Acquire, Append, Ask, Await, Command, Send, Wake
from sagac.runtime.errors import LeaseLostError, LockTakenError, PayloadError, SagacError
from sagac.runtime.events import Answered, Cancelled, Event, Expired, Lapsed, Locked, LockExpired, Probed
from sagac.runtime.journal import Batch, Head, Journal, Lease, Reply, Request
from sagac.runtime.plan import Direction, Step, Wire, canonical
from sagac.runtime.run import Run, Status
from sagac.runtime.services import Bound, Handler
from sagac.runtime.tenure import Tenure
from sagac.runtime.turns import Turn, Turns

SLEEP_MAX_MS: Final = 60_000
"""A wait for the time of day looks at it this often: it may be set while we sleep."""

FOLLOWING_MAX: Final = 1_000
"""So many rounds of events that call for further events are believed; more is a defect of the kernel."""

Slot: TypeAlias = tuple[object, ...]
"""What tells one command from another: the same command of the next decision is the one that is being performed."""

logger = logging.getLogger("sagac")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every executor of a runtime shares."""

    journal: Journal
    clock: Clock
    tenure: Tenure
    turns: Turns
    bound: Bound
    threads: Threads
    places: asyncio.Semaphore
    """One for each thread: a call that waited in a queue would be sent long after its lease was looked at."""


class Executor:
    """Drives one run from where it stands until it ends, is taken away, or the runtime closes."""

    def __init__(self, around: Surroundings, lease: Lease, head: Head, run: Run, known: Iterable[Event] = ()) -> None:
        self.run = run
        """The run after its last durable event."""
        self.failure: Exception | None = None
        self.is_lost = False
        """Somebody else owns the run now."""
        self._around = around
        self._lease = lease
        self._head = head
        self._saga = run.plan.saga
        self._steps = {step.name: step for step in run.plan.steps}
        self._owned_since_ms = around.clock.monotonic_ms()
        self._returned_ms: dict[str, int] = {}
        self._payloads = {(e.step, e.direction): e.payload for e in known if isinstance(e, Answered) and e.payload}
        self._latest_at = max((event.at for event in known), default=run.started_at)
        self._inbox: list[Event | Request] = []
        self._seen: set[int] = set()
        self._posted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._writing = asyncio.Lock()
        self._tasks: dict[Slot, asyncio.Task[None]] = {}
        self._in_flight: set[Slot] = set()
        self._in_threads: set[Slot] = set()
        self._is_closing = False

    @property
    def status(self) -> Status:
        """What a person is told of the run."""
        return kernel.status(self.run)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more comes of waiting: the run has ended, is held, or is no longer driven here."""
        over = self.is_lost or self._is_closing or self.failure is not None
        return over or self.status not in ("running", "unwinding")

    @property
    def is_calling(self) -> bool:
        """Whether a call is in flight."""
        return bool(self._in_flight)

    def post(self, item: Event | Request) -> None:
        """Have an event journaled, or a request answered, with whatever else is waiting."""
        if isinstance(item, Request):
            if item.number in self._seen:
                return
            self._seen.add(item.number)
        self._inbox.append(item)
        self._posted.set()

    async def settled(self) -> None:
        """Return when the run has ended, is held, or is no longer driven here."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_settled)
        if self.failure is not None:
            raise self.failure

    async def drive(self) -> None:
        """Perform and journal until there is nothing left to drive."""
        telemetry.moved(self._saga, None, self.status)
        try:
            if not self._inbox:
                self._perform()
            while not kernel.is_ended(self.run) and not await self._turn():
                pass
        except LeaseLostError:
            self.is_lost = True
            logger.warning("the run has another owner now", extra=self._about())
        except Exception as failure:
            self.failure = failure
            logger.exception("the run cannot be driven any further", extra=self._about())
        finally:
            telemetry.moved(self._saga, self.status, None)
            await self._abandon_tasks()
            await self._announce()

    async def close(self, grace_ms: int) -> None:
        """Send nothing new; let what is in flight settle, or leave it in doubt. `drive` returns then."""
        self._is_closing = True
        for slot, task in self._tasks.items():
            if slot not in self._in_flight:
                task.cancel()
        stoppable = [task for slot, task in self._tasks.items() if slot in self._in_flight - self._in_threads]
        if stoppable:
            _, late = await asyncio.wait(stoppable, timeout=grace_ms / 1000)
            for task in late:
                task.cancel()
        self._posted.set()

    def stop(self) -> None:
        """The lease is gone: send nothing new, and journal nothing."""
        self.is_lost = True
        self._posted.set()

    async def _turn(self) -> bool:
        """Wait for something to journal, journal it, and see what it calls for; true when all is over."""
        await self._posted.wait()
        self._posted.clear()
        if self.failure is not None:
            raise self.failure
        if self.is_lost:
            return True
        if self._inbox:
            await self._record()
            await self._announce()
        self._perform()
        return self._is_closing and not self._in_flight and not self._inbox

    async def _record(self) -> None:
        """Make everything that waits durable in one append, together with what it calls for at once."""
        items, self._inbox = self._inbox, []
        run, events, replies = self.run, list[Event](), list[Reply]()
        for item in items:
            if isinstance(item, Request):
                turned, answer = self._cancelled(run, item)
                replies.append(Reply(item.number, answer))
                if turned is None:
                    continue
                item = turned
            if isinstance(item, Locked) and not self._waits(item.step, run):
                continue  # the run turned meanwhile, and has not got it
            events.append(item)
            run = kernel.apply(run, item)
        if not self._is_closing:
            run, following = follow(run, self._now, self._in_flight)
            events.extend(following)
        locks = locking.change(self.run, run)
        batch = Batch(self._head, tuple(events), kernel.status(run), self._now(), tuple(replies), *locks)
        try:
            await self._append(run, batch)
        except LockTakenError:
            self._look_again(items)
            return
        self._log(events)

    async def _append(self, run: Run, batch: Batch) -> None:
        """Make a batch durable, and the run what it is after it; whoever waits for a lock of the run is told."""
        before = self.run
        async with self._writing:
            self._head = await self._around.journal.append(self._lease, batch)
            self.run = run
        telemetry.recorded(before, run, batch.at)
        moved = batch.drops if not kernel.is_ended(run) else locking.kept(before) | locking.awaited(before)
        if moved:
            with contextlib.suppress(SagacError):  # they look for themselves before long
                await self._around.turns.tell(moved)

    def _look_again(self, items: Iterable[Event | Request]) -> None:
        """Another run came first, after this one had looked: now it lines up, and the rest is journaled without it."""
        rest: list[Event | Request] = []
        for item in items:
            if isinstance(item, Locked):
                self._tasks.pop(("acquire", item.step), None)
            else:
                rest.append(item)
        self._inbox = [*rest, *self._inbox]
        if self._inbox:
            self._posted.set()

    def _cancelled(self, run: Run, request: Request) -> tuple[Event | None, str]:
        """The event that a request becomes, if it changes anything, and what is answered (R5)."""
        event = Cancelled(at=self._now(), who=request.who, reason=request.reason)
        if kernel.apply(run, event).mode != run.mode:
            return event, "accepted"
        if kernel.is_ended(run):
            return None, f"refused: the run has ended, {kernel.status(run)}"
        if run.mode == "unwinding":
            return None, "refused: the run is turning back already"
        return None, "refused: the run is past its point of no return"

    def _perform(self) -> None:
        """Start what should be outstanding and is not, and stop the waiting for what need not be any more."""
        if self._is_closing or self.is_lost:
            return
        commands = kernel.decide(self.run, self._now())
        due = _appends(self.run, commands, self._now(), self._in_flight)
        if due:
            # Time alone has called for an event since the last append: it goes first.
            self._inbox.extend(due)
            self._posted.set()
            return
        wanted = _by_slot(commands)
        for slot in [slot for slot in self._tasks if slot not in wanted]:
            if slot not in self._in_flight:
                self._tasks.pop(slot).cancel()
        for slot, command in wanted.items():
            if slot not in self._tasks:
                self._tasks[slot] = asyncio.create_task(self._guarded(slot, command))

    async def _guarded(self, slot: Slot, command: Command) -> None:
        """What goes wrong in a task is the run's failure: it must not be lost with the task."""
        try:
            await self._performed(slot, command)
        except Exception as failure:
            self.failure = failure
            logger.exception("the run cannot be driven any further", extra=self._about())
        finally:
            self._in_flight.discard(slot)
            self._in_threads.discard(slot)
            self._posted.set()

    def _performed(self, slot: Slot, command: Command) -> Coroutine[Any, Any, None]:
        match command:
            case Send():
                return self._send(slot, command)
            case Ask():
                return self._ask(slot, command)
            case Wake():
                return self._wake(command)
            case Await():
                return self._await(command)
            case Acquire():
                return self._acquire(command)
            case Append():
                raise AssertionError("an append is no task")

    async def _send(self, slot: Slot, command: Send) -> None:
        """Make one attempt of an action, and post what came of it."""
        payload = self._payload(command)
        fails = _fails(self._steps[command.step], self.run, command)
        answer = await self._attempt(slot, command, command.direction, command.undoes, fails)
        if answer is None:
            return
        if command.direction == "do":
            self._returned_ms[command.step] = self._around.clock.monotonic_ms()
        self.post(
            Answered(
                step=command.step,
                direction=command.direction,
                attempt=command.attempt,
                outcome=answer.outcome,
                at=self._now(),
                result=answer.result,
                failure=answer.failure,
                detail=answer.detail,
                pause_ms=self._pause(command, answer),
                payload=payload,
            )
        )

    async def _ask(self, slot: Slot, command: Ask) -> None:
        """Ask a probe when its time has come, and post what it found."""
        await self._until(command.at)
        answer = await self._attempt(slot, command, "do", "", ())
        if answer is None:
            return
        found = answer.outcome == "succeeded"
        self.post(
            Probed(
                step=command.step,
                attempt=command.attempt,
                found=("absent" if answer.result is None else "present") if found else "unanswered",
                at=self._now(),
                result=answer.result,
                detail=answer.detail,
                pause_ms=self._around.clock.draw(command.pause_ms),
            )
        )

    async def _wake(self, command: Wake) -> None:
        await self._until(command.at)
        self.post(replace(command.event, at=self._now()))

    async def _await(self, command: Await) -> None:
        """Wait out `lands within`, from when the last attempt can have been sent (R3)."""
        clock = self._around.clock
        since_ms = self._returned_ms.get(command.step, self._owned_since_ms)
        while (left_ms := since_ms + command.after_ms - clock.monotonic_ms()) >= 0:
            await clock.sleep(min(left_ms + 1, SLEEP_MAX_MS))
        self.post(Lapsed(command.step, self._now()))

    async def _acquire(self, command: Acquire) -> None:
        """Stand in line for a step's locks, and post that it has them all, or that one was not got in time (R16)."""
        turn = Turn(self._lease.run, command.locks)
        with self._around.turns.standing(turn):
            while True:
                turn.told.clear()
                turn.locks = command.locks
                async with self._writing:
                    if not self._waits(command.step, self.run):
                        return  # its place in a line would be nobody's
                    ahead = await self._around.journal.line_up(self._lease, command.locks)
                if ahead is None:
                    self.post(Locked(command.step, command.locks, self._now()))
                    return
                turn.locks = (ahead.lock,)
                until = min(command.until[command.locks.index(ahead.lock) :])
                if self._now() >= until:
                    had = "held" if ahead.has else "awaited"
                    self.post(LockExpired(command.step, self._now(), f"`{ahead.lock}` is {had} by run {ahead.run}"))
                    return
                await self._told(turn, until)

    def _waits(self, step: str, run: Run) -> bool:
        """Whether the step still waits for its locks."""
        return locking.is_waiting(run.actions[run.layout.position[step]])

    async def _told(self, turn: Turn, until: int) -> None:
        """Return when it may be the run's turn, or at this time of day."""
        telling, sleeping = asyncio.create_task(turn.told.wait()), asyncio.create_task(self._until(until))
        try:
            await asyncio.wait([telling, sleeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            telling.cancel()
            sleeping.cancel()

    async def _until(self, at: int) -> None:
        clock = self._around.clock
        while (left_ms := at - clock.wall_ms()) > 0:
            await clock.sleep(min(left_ms, SLEEP_MAX_MS))

    async def _attempt(
        self, slot: Slot, command: Send | Ask, direction: Direction, undoes: str, fails: tuple[str, ...]
    ) -> Answer | None:
        """Call the handler as soon as this worker may; nothing if it had to wait and the call is out of date (R14)."""
        handler = self._handler(command)
        async with contextlib.nullcontext() if handler.is_async else self._around.places:
            if not self._around.tenure.stands():
                await self._around.tenure.standing()
                if slot not in _by_slot(kernel.decide(self.run, self._now())):
                    self._tasks.pop(slot, None)
                    return None
            return await self._call(slot, handler, command, direction, undoes, fails)

    async def _call(
        self,
        slot: Slot,
        handler: Handler,
        command: Send | Ask,
        direction: Direction,
        undoes: str,
        fails: tuple[str, ...],
    ) -> Answer:
        self._in_flight.add(slot)
        if not handler.is_async:
            self._in_threads.add(slot)
        call = Call(
            key=command.key,
            undoes=undoes or None,
            run=self._lease.run,
            saga=self._saga,
            step=command.step,
            direction=direction,
            attempt=command.attempt,
            deadline=self._deadline(command.timeout_ms),
        )
        attempting = attempt(
            handler,
            call,
            dict(command.arguments),
            timeout_ms=command.timeout_ms,
            fails=fails,
            threads=self._around.threads,
        )
        return await telemetry.observed(call, "probe" if isinstance(command, Ask) else direction, attempting)

    def _handler(self, command: Send | Ask) -> Handler:
        handler = self._around.bound.find(self._saga, command.service, command.command)
        if handler is None:
            message = f"no service is bound for `{command.service}.{command.command}`"
            raise SagacError(message, saga=self._saga, run=self._lease.run, step=command.step, attempt=command.attempt)
        return handler

    def _payload(self, command: Send) -> str:
        """The digest of what is sent; another payload under a key that was used is not sent (R13)."""
        content: Wire = [command.service, command.command, [[name, value] for name, value in command.arguments]]
        digest = hashlib.sha256(canonical(content)).hexdigest()[:32]
        if self._payloads.setdefault((command.step, command.direction), digest) != digest:
            raise PayloadError(
                f"the {command.direction} of `{command.step}` was sent with another payload under its key",
                saga=self._saga,
                run=self._lease.run,
                step=command.step,
                attempt=command.attempt,
                position=self._head.length,
            )
        return digest

    def _pause(self, command: Send, answer: Answer) -> int:
        """The drawn pause; longer if the service asks for it, but never over the schedule's maximum (R15)."""
        if answer.outcome not in ("transient", "unknown"):
            return 0
        step, action = self._steps[command.step], self.run.actions[self.run.layout.position[command.step]]
        schedule = step.schedule if command.direction == "do" else step.undos[action.undo_index].schedule
        drawn_ms = self._around.clock.draw(command.pause_ms)
        return max(drawn_ms, min(answer.retry_after_ms, schedule.backoff_max_ms))

    def _deadline(self, timeout_ms: int) -> datetime:
        now = datetime.fromtimestamp(self._around.clock.wall_ms() / 1000, UTC)
        return now + timedelta(milliseconds=timeout_ms)

    def _now(self) -> int:
        """The time of day, but never before an event of this run."""
        self._latest_at = max(self._latest_at, self._around.clock.wall_ms())
        return self._latest_at

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _abandon_tasks(self) -> None:
        """Stop every task that can be stopped; a handler in a thread is in flight until it returns."""
        for slot, task in self._tasks.items():
            if slot not in self._in_threads:
                task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _about(self) -> dict[str, object]:
        return {"saga": self._saga, "run": self._lease.run, "position": self._head.length}

    def _log(self, events: list[Event]) -> None:
        if not logger.isEnabledFor(logging.INFO):
            return
        for event in events:
            if isinstance(event, Answered):
                about = {"step": event.step, "direction": event.direction, "attempt": event.attempt}
                logger.info("%s %s: %s", event.direction, event.step, event.outcome, extra={**self._about(), **about})


def follow(run: Run, now: Callable[[], int], in_flight: Container[Slot] = ()) -> tuple[Run, tuple[Event, ...]]:
    """The run after the events that it calls for at once: an intent shares the commit of what enabled it (R14)."""
    events: list[Event] = []
    for _ in range(FOLLOWING_MAX):
        wanted = _appends(run, kernel.decide(run, now()), now(), in_flight)
        if not wanted:
            return run, tuple(events)
        for event in wanted:
            run = kernel.apply(run, event)
        events.extend(wanted)
    raise AssertionError(f"the kernel keeps asking for {events[-1]}")


def _appends(run: Run, commands: Iterable[Command], now: int, in_flight: Container[Slot]) -> list[Event]:
    """The events that are called for. While a call is in flight its window does not matter: it was sent in time."""
    wanted = [replace(each.event, at=now) for each in commands if isinstance(each, Append)]
    return [event for event in wanted if not (isinstance(event, Expired) and _sent_slot(run, event) in in_flight)]


def _sent_slot(run: Run, event: Expired) -> Slot:
    action = run.actions[run.layout.position[event.step]]
    attempt = action.attempt if event.direction == "do" else action.undo_attempt
    return ("send", event.step, event.direction, attempt)


def _by_slot(commands: Iterable[Command]) -> dict[Slot, Command]:
    return {_slot(command): command for command in commands if not isinstance(command, Append)}


def _slot(command: Command) -> Slot:
    match command:
        case Send():
            return ("send", command.step, command.direction, command.attempt)
        case Ask():
            return ("ask", command.step, command.attempt)
        case Wake():
            return ("wake", replace(command.event, at=0), command.at)
        case Await():
            return ("await", command.step)
        case Acquire():
            return ("acquire", command.step)
        case Append():
            raise AssertionError("an append is no task")


def _fails(step: Step, run: Run, command: Send) -> tuple[str, ...]:
    """The failures that are declared for this call."""
    if command.direction == "do":
        return step.fails
    return step.undos[run.actions[run.layout.position[step.name]].undo_index].fails

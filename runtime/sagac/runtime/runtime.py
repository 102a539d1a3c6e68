"""The runtime: opens a journal, drives the runs that this process owns, and finishes what others left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

from pydantic import BaseModel

from sagac.runtime import events, kernel, services, telemetry, wire
from sagac.runtime import plan as plans
from sagac.runtime.clock import Clock, SystemClock
from sagac.runtime.errors import (
    BindingError,
    ClosedError,
    InputConflictError,
    InputError,
    JournalError,
    JournalPlaceError,
    SagacError,
    UnknownRunError,
)
from sagac.runtime.events import Resumed, Started
from sagac.runtime.executor import Executor, Surroundings, follow
from sagac.runtime.history import History, fetch, needed, recall
from sagac.runtime.journal import ENDED, Entry, Journal, Lease, Opening, Request, Worker, connect, identify
from sagac.runtime.outcomes import Outcome, project
from sagac.runtime.plan import Plan
from sagac.runtime.run import Run, Status
from sagac.runtime.services import Binding
from sagac.runtime.tenure import Tenure
from sagac.runtime.turns import Turns

LEASE_MS: Final = 10_000
"""How long a worker that shows no sign of life keeps its runs; one whose process has died loses them at once."""

BEATS: Final = 4
"""How often a lease is renewed in its own time: a few renewals may be late or fail."""

WATCH_MS: Final = 250
"""How often a runtime looks for requests, for orphaned runs, for its turn at locks, and at runs that others drive."""

GRACE_MS: Final = 10_000
"""How long a closing runtime waits for calls in flight."""

THREADS_MAX: Final = 64
"""How many handlers that are not async may be in flight at once."""

ANSWER_MS: Final = 20
"""How often somebody who asked a run's owner looks for the answer."""

T = TypeVar("T")

logger = logging.getLogger("sagac")


class CancelAnswer(NamedTuple):
    """What came of a wish to cancel. An accepted one turned the run; the outcome says whether anything had failed."""

    accepted: bool
    detail: str


class Runtime:
    """Runs sagas over a journal: `async with Runtime(journal="sqlite:///runs.db", sagas=[...]) as runtime`."""

    def __init__(
        self,
        *,
        journal: Journal | str,
        sagas: Sequence[Binding],
        clock: Clock | None = None,
        lease_ms: int = LEASE_MS,
        watch_ms: int = WATCH_MS,
        grace_ms: int = GRACE_MS,
    ) -> None:
        self._journal = _journal(journal)
        self._bound = services.bind(sagas)
        self._by_class = {type(saga): saga for saga in sagas}
        self._digests = {saga.plan.saga: plans.digest(saga.plan) for saga in sagas}
        self._clock = SystemClock() if clock is None else clock
        self._lease_ms, self._watch_ms, self._grace_ms = lease_ms, watch_ms, grace_ms
        self._is_open = False
        self._executors: dict[str, Executor] = {}
        self._driving: set[asyncio.Task[None]] = set()
        self._beginning: set[asyncio.Task[Entry]] = set()
        self._watching: list[asyncio.Task[None]] = []
        self._beating: list[asyncio.Task[None]] = []
        self._to_release: list[Lease] = []
        self._failures: dict[str, Exception] = {}
        """Why runs are no longer driven here."""
        self._refused: set[str] = set()
        """Runs that cannot be driven here: damaged, or without a service."""
        self._beats: dict[str, tuple[int, int]] = {}
        """For each other worker, its last beat and when it was first seen, on our own monotonic clock."""

    async def __aenter__(self) -> Self:
        await self._journal.open()
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self, saga: type[Any], input: BaseModel) -> RunHandle:
        """Begin a run, or find the one that has this key; the same key with another input is refused."""
        self._check_open()
        binding = self._binding(saga, input)
        fields = _fields(binding, input)
        plan, key = binding.plan, plans.run_key(binding.plan, fields)
        started = Started(self._digests[plan.saga], fields, self._clock.wall_ms())
        run, following = follow(kernel.start(plan, key, started), self._clock.wall_ms)
        opening = Opening(plan.saga, key, plan, started, kernel.status(run), following)
        # Shielded: a caller that is cancelled meanwhile must not leave a run behind that nobody drives.
        beginning = asyncio.create_task(self._begin(opening, run))
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)
        entry = await asyncio.shield(beginning)
        _check_same_input(entry, started)
        return RunHandle(self, entry.run)

    async def run(self, run: str) -> RunHandle:
        """The run with this name, whoever drives it."""
        self._check_open()
        return RunHandle(self, (await self._entry(run)).run)

    async def cancel(self, run: str, *, reason: str, who: str = "") -> CancelAnswer:
        """Ask the run's owner to turn it back, and wait for the answer."""
        self._check_open()
        at = self._clock.wall_ms()
        request = await self._journal.ask(run, "cancel", self._clock.fresh(), who=who, reason=reason, at=at)
        self._hand_over((request,))
        while (answer := await cancel_answer(self._journal, request)) is None:
            await self._clock.sleep(min(self._watch_ms, ANSWER_MS))
        return answer

    async def idle(self) -> None:
        """Return when no run that this process drives can go on without a person."""
        while self._executors:
            busy = [driving for driving in self._executors.values() if not driving.is_settled]
            if not busy:
                return
            await asyncio.gather(*(driving.settled() for driving in busy), return_exceptions=True)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Send nothing new, let calls in flight settle or leave them in doubt, give the leases back."""
        was_open, self._is_open = self._is_open, False
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await asyncio.gather(*self._beginning, return_exceptions=True)
        if self._grace_ms and any(driving.is_calling for driving in self._executors.values()):
            logger.warning("closing waits up to %gs for calls in flight", self._grace_ms / 1000)
        await asyncio.gather(*(driving.close(self._grace_ms) for driving in self._executors.values()))
        await asyncio.gather(*self._driving)
        for task in self._beating:
            task.cancel()
        await asyncio.gather(*self._beating, return_exceptions=True)
        if was_open:
            self._threads.shutdown()
            with contextlib.suppress(JournalError):
                await self._journal.dismiss(self._worker)
        await self._journal.close()

    async def _begin(self, opening: Opening, run: Run) -> Entry:
        """Make a run's beginning durable, and drive it if it is new."""
        worker = self._worker
        try:
            begun = await self._journal.begin(worker, opening)
        except JournalError:
            self._to_release.append(Lease(identify(opening.saga, opening.key), worker, 1))  # it may be durable
            raise
        if begun.lease is not None:
            telemetry.begun(opening.saga, opening.status)
        if begun.lease is not None and self._is_open:  # a closing runtime gives it back with all the others
            known = (opening.started, *opening.events)
            self._drive(Executor(self._around, begun.lease, begun.entry.head, run, known), begun.lease)
        return begun.entry

    # ---- opening, and what goes on while it is open

    async def _open(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=THREADS_MAX, thread_name_prefix="sagac-handler")
        self._tenure = Tenure(self._clock)
        self._around = Surroundings(
            journal=self._journal,
            clock=self._clock,
            tenure=self._tenure,
            turns=Turns(self._journal),
            bound=self._bound,
            threads=self._threads,
            places=asyncio.Semaphore(THREADS_MAX),
        )
        self._is_open = True
        await self._enlist()
        self._beating = [asyncio.create_task(self._keep(self._beat, max(1, self._lease_ms // BEATS)))]
        await self._recover()
        self._watching = [asyncio.create_task(self._keep(self._watch, self._watch_ms))]

    async def _enlist(self) -> None:
        self._worker = self._clock.fresh()
        until_ms = self._clock.monotonic_ms() + self._lease_ms
        await self._journal.enlist(self._worker, self._lease_ms)
        self._tenure.extend(until_ms)

    async def _keep(self, duty: Callable[[], Awaitable[None]], pause_ms: int) -> None:
        """Do a duty again and again; a journal that fails is tried again, sends wait for a lease that stands."""
        while True:
            await self._clock.sleep(pause_ms)
            try:
                await duty()
            except SagacError as failure:
                logger.warning("the journal could not be reached: %s", failure)
            except Exception:
                logger.exception("a defect in the runtime")

    async def _beat(self) -> None:
        """Show that this worker is alive; if it was taken for dead, begin again under another name."""
        until_ms = self._clock.monotonic_ms() + self._lease_ms
        if await self._journal.renew(self._worker):
            self._tenure.extend(until_ms)
            return
        for driving in self._executors.values():
            driving.stop()
        await self._enlist()

    async def _watch(self) -> None:
        """Hand over requests, give back what cannot be driven, take over what nobody drives."""
        while self._to_release:
            await self._journal.release(self._to_release[0])
            del self._to_release[0]
        self._hand_over(await self._journal.waiting(self._worker))
        await self._around.turns.tell()
        await self._recover()

    def _hand_over(self, requests: Sequence[Request]) -> None:
        for request in requests:
            if request.run in self._executors:
                self._executors[request.run].post(request)

    # ---- recovery

    async def _recover(self) -> None:
        """Take over the runs of workers that are dead, and those that nobody owns."""
        for worker in await self._journal.workers():
            if worker.name != self._worker and self._is_dead(worker):
                await self._journal.dismiss(worker.name, worker.beat)
        orphans = [entry for entry in await self._journal.orphans() if self._may_take(entry)]
        histories = {history.entry.run: history for history in await self._recall(orphans)}
        await self._adopt_all(histories)

    async def _recall(self, entries: Sequence[Entry]) -> list[History]:
        """Those of the runs that can be driven here, as their records tell."""
        pinned: dict[str, Plan] = {}
        for entry in entries:
            if entry.plan not in pinned and (plan := await self._sound(entry, fetch(self._journal, entry))):
                pinned[entry.plan] = plan
        known = [entry for entry in entries if entry.plan in pinned]
        recalling = (self._sound(entry, recall(self._journal, entry, pinned[entry.plan])) for entry in known)
        recalled = await asyncio.gather(*recalling)
        return [history for history in recalled if history is not None and self._is_served(history)]

    async def _sound(self, entry: Entry, reading: Coroutine[Any, Any, T]) -> T | None:
        """What was read of a run; nothing if it is damaged: it is left alone, and the others go on."""
        try:
            return await reading
        except SagacError as damage:
            if damage.retry_helps:
                raise
            logger.error("left alone: %s", damage)
        except Exception:
            logger.exception("left alone: run `%s` of saga `%s`", entry.run, entry.saga)
        self._refused.add(entry.run)
        return None

    def _is_served(self, history: History) -> bool:
        """Whether every service that the run still needs is bound here."""
        entry = history.entry
        missing = self._bound.missing(entry.saga, needed(history.run))
        if missing:
            self._refused.add(entry.run)
            logger.warning("run `%s` of saga `%s` needs %s", entry.run, entry.saga, ", ".join(missing))
        return not missing

    async def _adopt_all(self, histories: Mapping[str, History]) -> None:
        """Claim runs and drive them on. What was claimed and not adopted is given back."""
        claimed = {history.entry.run: history.entry.fence + 1 for history in histories.values()}
        unsure = {run: Lease(run, self._worker, fence) for run, fence in claimed.items()}
        try:
            leases = await self._journal.claim(self._worker, tuple(histories)) if histories else ()
            unsure = {lease.run: lease for lease in leases}
            requests = await self._journal.waiting(self._worker) if leases else ()
            for lease in leases:
                await self._adopt(lease, histories[lease.run], [each for each in requests if each.run == lease.run])
                del unsure[lease.run]
        except SagacError:
            self._to_release.extend(unsure.values())
            raise

    def _is_dead(self, worker: Worker) -> bool:
        """Its process has ended, or its beat has not changed for a whole lease on our own monotonic clock."""
        now_ms = self._clock.monotonic_ms()
        beat, since_ms = self._beats.get(worker.name, (None, now_ms))
        if beat != worker.beat:
            self._beats[worker.name] = worker.beat, now_ms
            since_ms = now_ms
        return worker.gone or now_ms - since_ms > worker.lease_ms

    def _may_take(self, entry: Entry) -> bool:
        return entry.run not in self._refused and entry.run not in self._executors

    async def _adopt(self, lease: Lease, history: History, requests: Sequence[Request]) -> None:
        """Drive a run on: `resumed` goes before anything is sent, if anything may have been (R14)."""
        if lease.fence != history.entry.fence + 1:  # somebody has owned it since it was read
            entry = await self._journal.entry(lease.run)
            assert entry is not None, lease
            history = await recall(self._journal, entry)
        known = tuple(record.event for record in history.records)
        driving = Executor(self._around, lease, history.entry.head, history.run, known)
        if kernel.decide(history.run, self._clock.wall_ms()):
            driving.post(Resumed(self._worker, max(self._clock.wall_ms(), known[-1].at)))
        for request in requests:
            driving.post(request)
        self._drive(driving, lease)

    def _drive(self, driving: Executor, lease: Lease) -> None:
        self._executors[lease.run] = driving
        self._failures.pop(lease.run, None)
        task = asyncio.create_task(self._driven(driving, lease))
        self._driving.add(task)
        task.add_done_callback(self._driving.discard)

    async def _driven(self, driving: Executor, lease: Lease) -> None:
        """Drive a run to where nothing more can be done here, and remember why."""
        await driving.drive()
        del self._executors[lease.run]
        if isinstance(driving.failure, JournalError):
            self._to_release.append(lease)  # the records will tell what became durable
        elif driving.failure is not None:
            self._refused.add(lease.run)
        if driving.failure is not None:
            self._failures[lease.run] = driving.failure

    # ---- what handles ask

    async def _settled(self, run: str) -> Run:
        """The run once it has ended or is held, whoever drives it."""
        while True:
            driving = self._executors.get(run)
            if driving is not None:
                await driving.settled()
                if _is_told(driving.status):
                    return driving.run
            elif run in self._failures:
                raise self._failures[run]
            else:
                entry = await self._entry(run)
                if _is_told(entry.status):
                    return (await recall(self._journal, entry)).run
            self._check_open()
            await self._clock.sleep(self._watch_ms)

    async def _entry(self, run: str) -> Entry:
        entry = await self._journal.entry(run)
        if entry is None:
            raise UnknownRunError("the journal has no such run", run=run)
        return entry

    def _binding(self, saga: type[Any], input: BaseModel) -> Binding:
        binding = self._by_class.get(saga)
        if binding is None:
            raise BindingError((_unbound(saga, self._by_class),))
        if not isinstance(input, binding.input):
            name = binding.input.__name__
            raise InputError(f"the input is no `{name}` but a `{type(input).__name__}`", saga=binding.plan.saga)
        return binding

    def _check_open(self) -> None:
        if not self._is_open:
            raise ClosedError("the runtime is closed")


class RunHandle:
    """A run, for the code that started it or asks for it."""

    def __init__(self, runtime: Runtime, id: str) -> None:
        self._runtime = runtime
        self.id = id
        """The run's name in the journal."""

    async def outcome(self) -> Outcome:
        """What became of the run, as soon as it has ended or is held."""
        run = await self._runtime._settled(self.id)
        return project(run, self._runtime._bound.sagas.get(run.plan.saga))

    async def status(self) -> Status:
        """What the journal says of the run now."""
        return (await self._runtime._entry(self.id)).status


def _unbound(saga: type[Any], bound: Iterable[type[Any]]) -> str:
    """Why a class is not bound; a second import of a generated module makes classes of the same names."""
    for other in bound:
        if other.__qualname__ == saga.__qualname__ and other.__module__ != saga.__module__:
            asked, known = (f"{kind.__module__}.{kind.__qualname__}" for kind in (saga, other))
            return f"`{known}` is bound, and `{asked}` was asked for: import the module by one name everywhere"
    return f"`{saga.__name__}` is none of the sagas of this runtime"


def _journal(given: Journal | str) -> Journal:
    if isinstance(given, str):
        return connect(given)
    if not callable(getattr(given, "begin", None)):
        kind = type(given).__name__
        raise JournalPlaceError(f"a `{kind}` is no journal: write `sqlite:///` and a path, or `memory:`")
    return given


async def cancel_answer(journal: Journal, request: Request) -> CancelAnswer | None:
    """What the owner of the run has answered; an ended run needs no owner to say no."""
    answers = [each.answer for each in await journal.requests(request.run) if each.number == request.number]
    if answers and answers[0]:
        return CancelAnswer(answers[0] == "accepted", answers[0].removeprefix("refused: "))
    entry = await journal.entry(request.run)
    if entry is not None and entry.status in ENDED:
        return CancelAnswer(accepted=False, detail=f"the run has ended, {entry.status}")
    return None


def _is_told(status: Status) -> bool:
    return status not in ("running", "unwinding")


def _fields(binding: Binding, input: BaseModel) -> dict[str, plans.Wire]:
    """The input in wire form. A model may have been made without its checks: no handler would take what it holds."""
    try:
        fields = wire.encode_fields(input)
    except AttributeError as failure:
        raise InputError(f"the input has no `{failure.name}`", saga=binding.plan.saga) from failure
    except ValueError as failure:
        raise InputError(f"the input cannot be journaled: {failure}", saga=binding.plan.saga) from failure
    try:
        _decoder(binding.input).decode(fields)
    except ValueError as failure:
        raise InputError(f"the input does not fit: {wire.misfit(failure)}", saga=binding.plan.saga) from failure
    return fields


@lru_cache
def _decoder(model: type[BaseModel]) -> wire.Decoder:
    return wire.Decoder(model)


def _check_same_input(entry: Entry, started: Started) -> None:
    if entry.input != events.input_digest(started.input):
        message = f"the key {entry.key} was used with another input"
        raise InputConflictError(message, saga=entry.saga, run=entry.run)

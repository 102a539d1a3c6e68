"""One attempt: a handler is called, and whatever comes of it is one of the four outcomes of R2."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor as Threads
from functools import partial
from typing import Any, Final, NamedTuple

from sagac.runtime import wire
from sagac.runtime.calls import Call, Refusal, Transient
from sagac.runtime.events import Outcome
from sagac.runtime.plan import Wire
from sagac.runtime.services import Handler

DETAIL_MAX: Final = 500
"""So many characters of an exception's text are journaled: it may quote a whole page of the service's."""

RETRY_AFTER_MAX_MS: Final = 86_400_000
"""A day: a service that asks for more than that is asked again all the same."""

logger = logging.getLogger("sagac")


class Answer(NamedTuple):
    """What one attempt came to."""

    outcome: Outcome
    result: Wire = None
    failure: str = ""
    detail: str = ""
    retry_after_ms: int = 0


class _Hopeless(Exception):  # noqa: N818 - never leaves this module
    """The arguments do not fit the handler's protocol: nothing was sent."""


async def attempt(
    handler: Handler,
    call: Call,
    arguments: Mapping[str, Wire],
    *,
    timeout_ms: int,
    fails: tuple[str, ...],
    threads: Threads,
) -> Answer:
    """Call the handler once. Only what ends the task or the process gets out of here."""
    try:
        values = _values(handler, arguments)
        returned = await _call(handler, partial(handler.function, call, **values), timeout_ms, threads)
        return Answer("succeeded", result=_result(handler, returned))
    except Transient as answer:
        return _transient(answer)
    except Refusal as refusal:
        return _refused(refusal, fails, call)
    except _Hopeless as mismatch:
        return Answer("transient", detail=f"not sent: {mismatch}")
    except TimeoutError as failure:
        return Answer("unknown", detail=_text(failure) if _said(failure) else f"timed out after {timeout_ms / 1000:g}s")
    except asyncio.CancelledError:
        if _is_being_cancelled():
            raise
        return Answer("unknown", detail="the handler was cancelled from within")
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as failure:
        return _unknown(_text(failure), failure, call)


async def _call(handler: Handler, function: Any, timeout_ms: int, threads: Threads) -> Any:
    if not handler.is_async:
        # A thread cannot be stopped: the attempt is in flight until it returns, whatever the timeout says.
        context = contextvars.copy_context()
        returned = await asyncio.get_running_loop().run_in_executor(threads, context.run, _contained, function)
        if not inspect.isawaitable(returned):
            return returned
        function = partial(_identity, returned)
    async with asyncio.timeout(timeout_ms / 1000):
        return await function()


def _contained(function: Callable[[], Any]) -> Any:
    """What a function returns; it may not raise what means something else to the coroutine that awaits it."""
    try:
        return function()
    except (StopIteration, GeneratorExit) as failure:
        raise RuntimeError(f"the handler raised {_text(failure)}") from failure


def _identity(value: Any) -> Any:
    return value


def _values(handler: Handler, arguments: Mapping[str, Wire]) -> dict[str, Any]:
    """The arguments as the handler's protocol has them: an older plan may know another protocol than this process."""
    if arguments.keys() != handler.arguments.keys():
        raise _Hopeless(f"the plan gives {_names(arguments)}, the handler takes {_names(handler.arguments)}")
    try:
        return {name: handler.arguments[name].decode(value) for name, value in arguments.items()}
    except ValueError as failure:
        raise _Hopeless(f"an argument does not fit: {_kept(wire.misfit(failure))}") from failure


def _names(arguments: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(arguments)) or "nothing"


def _result(handler: Handler, returned: Any) -> Wire:
    """The result in wire form. An invalid one is no answer: something happened, but nobody knows what."""
    if handler.result is None:
        return None
    try:
        return wire.encode(handler.result.check(returned))
    except ValueError as failure:
        raise RuntimeError(f"the result does not fit: {_kept(wire.misfit(failure))}") from failure


def _transient(answer: Transient) -> Answer:
    """Not applied, whatever it says about the pause: what cannot be waited for is told beside the reason."""
    asked: object = getattr(answer, "retry_after", 0)
    pause_ms, why_not = _pause_ms(asked)
    return Answer("transient", detail=_kept("; ".join(filter(None, (_text(answer), why_not)))), retry_after_ms=pause_ms)


def _pause_ms(asked: object) -> tuple[int, str]:
    """The pause that a service asks for, and why it is another one if it is."""
    if not isinstance(asked, int | float) or (isinstance(asked, float) and math.isnan(asked)):
        return 0, f"`retry_after` is no number of seconds but {_shown(asked)}: not waited for"
    if asked < 0:
        return 0, f"`retry_after` is negative, {_shown(asked)}: not waited for"
    if asked > RETRY_AFTER_MAX_MS / 1000:
        return RETRY_AFTER_MAX_MS, f"`retry_after` is {_shown(asked)}s: a day is the most that is waited"
    return round(asked * 1000), ""


def _shown(value: object) -> str:
    try:
        return repr(value)[:40]
    except Exception:
        return f"a `{type(value).__name__}`"


def _refused(refusal: Refusal, fails: tuple[str, ...], call: Call) -> Answer:
    """A refusal counts only where it was declared; a subclass of a declared failure is that failure."""
    names = [kind.__name__ for kind in type(refusal).__mro__]
    declared = next((name for name in names if name in fails), None)
    if declared is None:
        return _unknown(f"undeclared refusal {_text(refusal)}", refusal, call)
    return Answer("refused", failure=declared, detail=_kept(_said(refusal)))


def _unknown(detail: str, failure: BaseException, call: Call) -> Answer:
    """Nobody knows what happened: the run goes on by its contract, and whoever wrote the handler reads why."""
    place = {"saga": call.saga, "run": call.run, "step": call.step}
    extra = {**place, "direction": call.direction, "attempt": call.attempt}
    message = "%s `%s` #%d of saga `%s`, run `%s`: nobody knows whether it took effect: %s"
    told = (call.direction, call.step, call.attempt, call.saga, call.run, detail)
    logger.warning(message, *told, exc_info=failure, extra=extra)
    return Answer("unknown", detail=_kept(detail))


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _text(failure: BaseException) -> str:
    name, text = type(failure).__name__, _said(failure)
    return _kept(f"{name}: {text}" if text else name)


def _said(failure: BaseException) -> str:
    """An exception's own words; none if it fails to find them: its class is the author's, and may have any defect."""
    try:
        return str(failure)
    except Exception:
        return ""


def _kept(text: str) -> str:
    """What the journal keeps of a text: not all of it, and only what it can store."""
    return text[:DETAIL_MAX].encode("utf-8", "replace").decode()

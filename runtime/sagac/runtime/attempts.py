"""One attempt: a handler is called, and whatever comes of it is one of the four outcomes of R2."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor as Threads
from functools import partial
from typing import Any, NamedTuple

from sagac.runtime import wire
from sagac.runtime.calls import Call, Refusal, Transient
from sagac.runtime.events import Outcome
from sagac.runtime.plan import Wire
from sagac.runtime.services import Handler

DETAIL_MAX = 500
"""So many characters of an exception's text are journaled: it may quote a whole page of the service's."""


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
    """Call the handler once. Only a cancellation of the caller's own task gets out of here."""
    try:
        values = _values(handler, arguments)
        returned = await _call(handler, partial(handler.function, call, **values), timeout_ms, threads)
        return Answer("succeeded", result=_result(handler, returned))
    except Transient as answer:
        return Answer("transient", detail=_text(answer), retry_after_ms=max(0, round(answer.retry_after * 1000)))
    except Refusal as refusal:
        return _refused(refusal, fails)
    except _Hopeless as mismatch:
        return Answer("transient", detail=f"not sent: {mismatch}")
    except TimeoutError as failure:
        return Answer("unknown", detail=_text(failure) if str(failure) else f"timed out after {timeout_ms / 1000:g}s")
    except asyncio.CancelledError:
        if _is_being_cancelled():
            raise
        return Answer("unknown", detail="the handler was cancelled from within")
    except Exception as failure:
        return Answer("unknown", detail=_text(failure))


async def _call(handler: Handler, function: Any, timeout_ms: int, threads: Threads) -> Any:
    if not handler.is_async:
        # A thread cannot be stopped: the attempt is in flight until it returns, whatever the timeout says.
        context = contextvars.copy_context()
        returned = await asyncio.get_running_loop().run_in_executor(threads, context.run, function)
        if not inspect.isawaitable(returned):
            return returned
        function = partial(_identity, returned)
    async with asyncio.timeout(timeout_ms / 1000):
        return await function()


def _identity(value: Any) -> Any:
    return value


def _values(handler: Handler, arguments: Mapping[str, Wire]) -> dict[str, Any]:
    """The arguments as the handler's protocol has them: an older plan may know another protocol than this process."""
    if arguments.keys() != handler.arguments.keys():
        raise _Hopeless(f"the plan gives {_names(arguments)}, the handler takes {_names(handler.arguments)}")
    try:
        return {name: handler.arguments[name].decode(value) for name, value in arguments.items()}
    except ValueError as failure:
        raise _Hopeless(f"an argument does not fit: {_first_line(failure)}") from failure


def _names(arguments: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(arguments)) or "nothing"


def _result(handler: Handler, returned: Any) -> Wire:
    """The result in wire form. An invalid one is no answer: something happened, but nobody knows what."""
    if handler.result is None:
        return None
    try:
        return wire.encode(handler.result.check(returned))
    except ValueError as failure:
        raise RuntimeError(f"the result does not fit: {_first_line(failure)}") from failure


def _refused(refusal: Refusal, fails: tuple[str, ...]) -> Answer:
    """A refusal counts only where it was declared; a subclass of a declared failure is that failure."""
    names = [kind.__name__ for kind in type(refusal).__mro__]
    declared = next((name for name in names if name in fails), None)
    if declared is None:
        return Answer("unknown", detail=f"undeclared refusal {_text(refusal)}")
    return Answer("refused", failure=declared, detail=_kept(str(refusal)))


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _text(failure: BaseException) -> str:
    name, text = type(failure).__name__, str(failure)
    return _kept(f"{name}: {text}" if text else name)


def _first_line(failure: ValueError) -> str:
    return _kept(" ".join(str(failure).split()))


def _kept(text: str) -> str:
    """What the journal keeps of a text: not all of it, and only what it can store."""
    return text[:DETAIL_MAX].encode("utf-8", "replace").decode()

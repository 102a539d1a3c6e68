"""How every handler speaks to its participant: keys in headers, refusals by name, and nothing guessed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from sagac.runtime import Call, Refusal, Transient

Boundary: TypeAlias = Callable[[str], Awaitable[None]]
"""Told of every `operation:before` and `operation:after`: where the demo may kill this process."""


async def no_boundary(point: str) -> None:
    """Nothing happens at any boundary."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant, as its handlers see it."""

    http: httpx.AsyncClient
    url: str
    boundary: Boundary = no_boundary

    async def command(self, call: Call, operation: str, *refusals: type[Refusal], **body: Any) -> dict[str, Any]:
        """Have the participant do something, once for the call's key."""
        headers = {"Idempotency-Key": call.key} | ({"Undoes": call.undoes} if call.undoes else {})
        await self.boundary(f"{operation}:before")
        answer = await self._post(operation, body, headers)
        await self.boundary(f"{operation}:after")
        if answer.status_code == httpx.codes.CONFLICT:
            raise _refusal(answer, refusals)
        return _content(answer)

    async def query(self, operation: str, **body: Any) -> dict[str, Any]:
        """Ask the participant something."""
        return _content(await self._post(operation, body, {}))

    async def _post(self, operation: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        content = {name: value if isinstance(value, int) else str(value) for name, value in body.items()}
        try:
            # The step's own timeout ends this call; the client needs none.
            return await self.http.post(f"{self.url}/{operation}", json=content, headers=headers, timeout=None)
        except httpx.ConnectError as failure:
            raise Transient(f"nobody listens: {failure}") from failure  # nothing was sent, so nothing happened


def _refusal(answer: httpx.Response, refusals: tuple[type[Refusal], ...]) -> Exception:
    name = answer.json()["refused"]
    declared = next((refusal for refusal in refusals if refusal.__name__ == name), None)
    return RuntimeError(f"a refusal that nobody declared: {name}") if declared is None else declared()


def _content(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != httpx.codes.OK:
        # It says nothing about what has happened: the contract decides what comes next.
        raise RuntimeError(f"answered {answer.status_code}: {answer.text}")
    return dict(answer.json())

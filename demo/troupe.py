"""The participants as processes: started on free ports, told what to do, stopped without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from demo.pace import SCALE
from demo.participants.faults import Fault

PEERS: Final[Mapping[str, tuple[str, ...]]] = {"trading": ("crm",)}
"""Who asks whom by itself."""

_READY_WITHIN: Final = 30.0 * SCALE
_ROOT: Final = Path(__file__).parent.parent


@dataclass(slots=True)
class Troupe:
    """The participants that are up, and the wire to each."""

    folder: Path
    http: httpx.AsyncClient
    ports: Mapping[str, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def urls(self) -> dict[str, str]:
        """Where each participant listens."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    def start(self, name: str) -> None:
        """Start a participant; its store survives from the last time."""
        peers = [f"--peer={peer}={self.urls[peer]}" for peer in PEERS.get(name, ()) if peer in self.ports]
        command = [sys.executable, "-m", "demo.participants", name, f"--store={self.folder / name}.db"]
        self.processes[name] = subprocess.Popen(
            [*command, f"--port={self.ports[name]}", *peers], stdin=subprocess.PIPE, start_new_session=True, cwd=_ROOT
        )

    def stop(self, name: str) -> None:
        """Take a participant down, and whatever it may have started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None, "started with a pipe"
        process.stdin.close()

    async def ready(self, names: Iterable[str]) -> None:
        """Return once all of these answer."""
        await asyncio.wait_for(asyncio.gather(*map(self._answers, names)), _READY_WITHIN)

    async def fault(self, name: str, fault: Fault) -> None:
        """Tell a participant to go wrong."""
        await self._post(f"{self.urls[name]}/admin/faults", {slot: getattr(fault, slot) for slot in Fault.__slots__})

    async def unmet(self, name: str, subject: str) -> list[str]:
        """The faults that a participant was told to have, and that no call has met."""
        answer = await self.http.get(f"{self.urls[name]}/admin/unmet", params={"subject": subject})
        return list(answer.raise_for_status().json())

    async def deliver(self, name: str, subject: str) -> None:
        """Let the calls arrive that the network has held back."""
        await self._post(f"{self.urls[name]}/admin/deliver", {"subject": subject})

    async def state(self, name: str, **query: str) -> dict[str, Any]:
        """What a participant says about one business case."""
        answer = await self.http.get(f"{self.urls[name]}/admin/state", params=query)
        return dict(answer.raise_for_status().json())

    async def history(self, name: str, subject: str) -> list[dict[str, Any]]:
        """What a participant did about a subject, in order."""
        answer = await self.http.get(f"{self.urls[name]}/admin/history", params={"subject": subject})
        return list(answer.raise_for_status().json())

    async def _post(self, url: str, body: Mapping[str, Any]) -> None:
        (await self.http.post(url, json=body)).raise_for_status()

    async def _answers(self, name: str) -> None:
        while True:
            with contextlib.suppress(httpx.TransportError):
                await self.http.get(f"{self.urls[name]}/admin/history", params={"subject": ""})
                return
            assert self.processes[name].poll() is None, f"{name} did not start"
            await asyncio.sleep(0.05 * SCALE)


@contextlib.asynccontextmanager
async def troupe(folder: Path, names: Iterable[str]) -> AsyncIterator[Troupe]:
    """The participants, up and answering; none of them is left when this is over."""
    async with httpx.AsyncClient(timeout=10 * SCALE) as http:
        cast = Troupe(folder, http, _free_ports(tuple(names)))
        try:
            for name in cast.ports:
                cast.start(name)
            await cast.ready(cast.ports)
            yield cast
        finally:
            for name in tuple(cast.processes):
                cast.stop(name)


def _free_ports(names: tuple[str, ...]) -> dict[str, int]:
    """A port that nobody listens on for each name; all are held at once, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = {name: held.enter_context(socket.socket()) for name in names}
        for bound in sockets.values():
            bound.bind(("127.0.0.1", 0))
        return {name: int(bound.getsockname()[1]) for name, bound in sockets.items()}

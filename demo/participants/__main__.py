"""One participant as a process: `python -m demo.participants warehouse --store w.db --port 8001`."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import uvicorn

from demo import lifeline
from demo.participants.participant import Participant, Service
from demo.participants.web import application


def main() -> None:
    """Serve until told to stop, or until whoever started this is gone."""
    lifeline.hold()
    parser = argparse.ArgumentParser(prog="python -m demo.participants")
    parser.add_argument("name", help="a module of this package")
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=URL")
    arguments = parser.parse_args()
    peers = dict(peer.split("=", 1) for peer in arguments.peer)
    participant = Participant(_service(arguments.name), arguments.store, peers)
    uvicorn.run(
        application(participant),
        port=arguments.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _service(name: str) -> Service:
    service = importlib.import_module(f"demo.participants.{name}").SERVICE
    assert isinstance(service, Service), name
    return service


main()

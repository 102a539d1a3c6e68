"""A participant on the wire: operations as POST, and a back door for the demo's stage directions."""

from __future__ import annotations

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from demo.participants.faults import Fault
from demo.participants.participant import Participant, Request


def application(participant: Participant) -> Starlette:
    """The participant's web application."""

    async def operate(http: HttpRequest) -> JSONResponse:
        name = http.path_params["operation"]
        if name not in participant.service.operations:
            return JSONResponse({"error": f"no such operation: {name}"}, 404)
        request = Request(
            operation=name,
            body=await _body(http),
            key=http.headers.get("Idempotency-Key", ""),
            undoes=http.headers.get("Undoes", ""),
        )
        status, answer = await participant.receive(request)
        return JSONResponse(answer, status)

    async def fault(http: HttpRequest) -> JSONResponse:
        participant.faults.coming.append(Fault(**await _body(http)))
        return JSONResponse({})

    async def unmet(http: HttpRequest) -> JSONResponse:
        faults = participant.faults.unmet(http.query_params["subject"])
        return JSONResponse([f"{fault.operation} {fault.kind}" for fault in faults])

    async def deliver(http: HttpRequest) -> JSONResponse:
        answers = await participant.deliver((await _body(http))["subject"])
        return JSONResponse({"statuses": [status for status, _ in answers]})

    async def state(http: HttpRequest) -> JSONResponse:
        return JSONResponse(participant.state(dict(http.query_params)))

    async def history(http: HttpRequest) -> JSONResponse:
        return JSONResponse(participant.history(http.query_params["subject"]))

    return Starlette(
        routes=[
            Route("/admin/faults", fault, methods=["POST"]),
            Route("/admin/unmet", unmet),
            Route("/admin/deliver", deliver, methods=["POST"]),
            Route("/admin/state", state),
            Route("/admin/history", history),
            Route("/{operation}", operate, methods=["POST"]),
        ]
    )


async def _body(http: HttpRequest) -> dict[str, Any]:
    body = json.loads(await http.body())
    assert isinstance(body, dict), body
    return body

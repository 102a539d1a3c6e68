"""The services behind the plans: their handlers, found and checked against their protocols when a runtime opens."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, TypeAlias, get_type_hints

from pydantic import BaseModel

from sagac.runtime import plan as plans
from sagac.runtime.errors import BindingError
from sagac.runtime.plan import Plan
from sagac.runtime.wire import Decoder

BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
BY_PLACE: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)
"""How a handler can take an argument, and how it can take the call."""


class Binding(Protocol):
    """What a generated saga class offers: its plan, its models, and one attribute a service."""

    @property
    def plan(self) -> Plan:
        """The plan as data."""
        ...

    @property
    def input(self) -> type[BaseModel]:
        """The model of a run's input."""
        ...

    @property
    def output(self) -> type[BaseModel] | None:
        """The model of a completed run's output."""
        ...

    @property
    def protocols(self) -> Mapping[str, type]:
        """The protocol of each service, by the service's name."""
        ...


@dataclass(frozen=True, slots=True)
class Handler:
    """One command of a bound service, ready to be called."""

    function: Callable[..., Any]
    is_async: bool
    arguments: Mapping[str, Decoder]
    result: Decoder | None
    """None for a command that returns nothing."""


Services: TypeAlias = Mapping[tuple[str, str], Handler]
"""Handlers by service and command."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The sagas that a runtime was given, checked."""

    EMPTY: ClassVar[Services] = {}
    sagas: Mapping[str, Binding]
    services: Mapping[str, Services]
    """By saga."""
    anywhere: Services
    """What any of the sagas brings: enough to finish a run of a saga that this process does not know."""

    def find(self, saga: str, service: str, command: str) -> Handler | None:
        """The handler for a call of a saga's run: its own first, then whatever is bound under that name."""
        own = self.services.get(saga, self.EMPTY).get((service, command))
        return own if own is not None else self.anywhere.get((service, command))

    def missing(self, saga: str, calls: Sequence[plans.Call]) -> tuple[str, ...]:
        """Those of the calls that nothing is bound for."""
        names = {(call.service, call.command) for call in calls}
        return tuple(
            f"{service}.{command}" for service, command in sorted(names) if not self.find(saga, service, command)
        )


def bind(sagas: Sequence[Binding]) -> Bound:
    """Check every handler that the sagas can call; raises `BindingError` with all that does not fit."""
    findings = [*_unbound(sagas)]
    if findings:
        raise BindingError(findings)
    findings.extend(_twice(sagas))
    services: dict[str, Services] = {}
    for saga in sagas:
        services[saga.plan.saga] = _services(saga, findings)
    if findings:
        raise BindingError(findings)
    anywhere: dict[tuple[str, str], Handler] = {}
    for table in services.values():
        anywhere = {**table, **anywhere}
    return Bound({saga.plan.saga: saga for saga in sagas}, services, anywhere)


def calls(plan: Plan) -> Iterator[plans.Call]:
    """Every call that a plan can make."""
    for step in plan.steps:
        yield step.call
        yield from (undo.call for undo in step.undos)
        if step.probe is not None:
            yield step.probe


def attribute(service: str) -> str:
    """The field of a binding that holds a service: one named like a part of the binding gets an underscore."""
    return f"{service}_" if service in ("plan", "input", "output", "protocols") else service


def _unbound(sagas: Any) -> Iterator[str]:
    """What stands where bound sagas should."""
    if _is_saga(sagas):
        yield f"`sagas` takes several: `sagas=[{_instance(sagas)}]`"
        return
    if not isinstance(sagas, Sequence) or isinstance(sagas, str):
        yield f"`sagas` takes bound sagas in a list, not a `{type(sagas).__name__}`"
        return
    for saga in sagas:
        if isinstance(saga, type) and _is_saga(saga):
            yield f"`{saga.__name__}` is not bound: `{_instance(saga)}`"
        elif not _is_saga(saga):
            yield f"a `{type(saga).__name__}` is no bound saga"


def _is_saga(found: Any) -> bool:
    return hasattr(found, "protocols") and hasattr(found, "input")


def _instance(saga: Any) -> str:
    """How a saga is bound, as it is written."""
    name = saga.__name__ if isinstance(saga, type) else type(saga).__name__
    return f"{name}({', '.join(f'{attribute(service)}=…' for service in saga.protocols)})"


def _twice(sagas: Sequence[Binding]) -> Iterator[str]:
    names = [saga.plan.saga for saga in sagas]
    yield from (f"saga `{name}` is bound twice" for name in sorted(set(names)) if names.count(name) > 1)


def _services(saga: Binding, findings: list[str]) -> Services:
    """The handlers of one saga: all that its protocols name, since a newer plan's undo may serve an older run."""
    table: dict[tuple[str, str], Handler] = {}
    for service, protocol in saga.protocols.items():
        implementation = getattr(saga, attribute(service), None)
        for command, declared in sorted(_commands(protocol).items()):
            place = f"`{service}.{command}` of saga `{saga.plan.saga}`"
            handler = _handler(place, getattr(implementation, command, None), declared, findings)
            if handler is not None:
                table[service, command] = handler
    for service, command in sorted({(call.service, call.command) for call in calls(saga.plan)}):
        if command not in _commands(saga.protocols.get(service, object)):
            findings.append(f"`{service}.{command}` of saga `{saga.plan.saga}` is in no protocol of its binding")
    return table


def _commands(protocol: type) -> dict[str, Callable[..., Any]]:
    members = {name: member for base in reversed(protocol.__mro__) for name, member in vars(base).items()}
    return {name: member for name, member in members.items() if inspect.isfunction(member) and not name.startswith("_")}


def _handler(
    place: str, function: Callable[..., Any] | None, declared: Callable[..., Any], findings: list[str]
) -> Handler | None:
    if not callable(function):
        findings.append(f"{place} has no handler")
        return None
    names = [name for name in inspect.signature(declared).parameters if name not in ("self", "call")]
    mismatch = _mismatch(inspect.signature(function), names)
    if mismatch:
        findings.append(f"the handler of {place} {mismatch}")
        return None
    hints = get_type_hints(declared, include_extras=True)
    arguments = {name: Decoder(hints.get(name, Any)) for name in names}
    returned = hints.get("return", Any)
    result = None if returned is type(None) else Decoder(returned)
    return Handler(function, inspect.iscoroutinefunction(function), arguments, result)


def _mismatch(signature: inspect.Signature, names: Sequence[str]) -> str:
    """Why a function cannot be called with the call in its first place, and the arguments by their names."""
    try:
        signature.bind(None, **dict.fromkeys(names))
    except TypeError as failure:
        return "; ".join(_reasons(signature, names)) or f"cannot be called: {failure}"
    return ""


def _reasons(signature: inspect.Signature, names: Sequence[str]) -> Iterator[str]:
    by_place = [each for each in signature.parameters.values() if each.kind in BY_PLACE]
    first = by_place[0].name if by_place else ""
    if not first:
        yield "has no first parameter for `call`"
    elif first in names:
        yield f"has `{first}` where `call` comes first"
        return
    taken = {each.name for each in signature.parameters.values() if each.kind in BY_NAME}
    takes_any = any(each.kind == inspect.Parameter.VAR_KEYWORD for each in signature.parameters.values())
    yield from (f"does not take `{name}`" for name in names if name not in taken and not takes_any)
    needed = [name for name, each in signature.parameters.items() if name != first and _is_needed(each)]
    for name in needed:
        if name not in taken:
            yield f"asks for `{name}` by its place"
        elif name not in names:
            yield f"asks for `{name}`, which nobody gives"


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )

"""What to declare so that more is proved: one line of the language each, with the place where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sagac.compiler import wording
from sagac.compiler.groups import Name
from sagac.compiler.model import Call, Handler, Operation, Parameter, Project, Saga, Step


@dataclass(frozen=True, slots=True)
class Advice:
    """A line that the contract or the saga lacks, and what it lets the compiler prove."""

    group: Name
    steps: tuple[str, ...]
    """Whose guarantee it is; empty for the whole saga."""
    place: str
    line: str
    proves: str


def lacking(project: Project, saga: Saga) -> tuple[Advice, ...]:
    """Every line that would turn something unproved into a question that is decided."""
    clauses = frozenset(clause.clause for clause in saga.unproved)
    return tuple(dict.fromkeys((*contracts(project, saga), *effects(project, saga), *limits(saga, clauses))))


# --- services that nobody declared ---------------------------------------------------------------------------------


def contracts(project: Project, saga: Saga) -> Iterator[Advice]:
    """A contract for each operation of a service that is not declared: what is assumed now is then promised."""
    callers: dict[tuple[str, str], list[str]] = {}
    for step in saga.steps:
        for call in (step.call, *(handler.call for handler in step.handlers)):
            if not project.operation(call).declared:
                callers.setdefault((call.service, call.operation), []).append(step.name)
    for (service, operation), steps in callers.items():
        line = contract(project.services[service].operations[operation])
        proves = f"that a lost answer to `{short(service)}.{operation}` is settled"
        yield Advice("unknown outcomes", tuple(dict.fromkeys(steps)), in_service(service), line, proves)


def contract(operation: Operation) -> str:
    """The declaration that says what is assumed of an operation."""
    parameters = ", ".join(f"{parameter.name}: {parameter.type}" for parameter in operation.parameters)
    words = [f"{operation.kind} {operation.name}({parameters}){result(operation.result, operation.result_optional)}"]
    if operation.idempotent and operation.kind == "command":
        words.append("idempotent")
    if operation.revokes:
        words.append(f"revokes {operation.revokes}")
    return " ".join(words)


def result(fields: tuple[Parameter, ...] | None, optional: bool) -> str:
    if fields is None:
        return ""
    inside = ", ".join(f"{field.name}: {field.type}" for field in fields)
    return f" -> {{ {inside} }}{'?' if optional else ''}"


def short(service: str) -> str:
    """A service's own name, without the package that it comes from."""
    return service.rpartition(".")[2]


def in_service(service: str) -> str:
    return f"in `service {short(service)} {{ … }}`"


def of_command(call: Call) -> str:
    return f"at `command {call.operation}` of `{short(call.service)}`"


# --- effects that nobody declared ----------------------------------------------------------------------------------


def effects(project: Project, saga: Saga) -> Iterator[Advice]:
    """A resource and its changes for each command that says nothing of its effect."""
    callers: dict[tuple[str, str], list[Step]] = {}
    for step in saga.steps:
        operation = project.operation(step.call)
        if operation.kind == "command" and not operation.changes and not is_described(saga, operation):
            callers.setdefault((step.call.service, step.call.operation), []).append(step)
    for steps in callers.values():
        yield from effect(project, saga, steps)


def is_described(saga: Saga, operation: Operation) -> bool:
    """Whether the command has a `changes` that this version does not prove."""
    return any(
        clause.clause == "changes"
        and clause.span.file == operation.span.file
        and operation.span.start <= clause.span.start < operation.span.end
        for clause in saga.unproved
    )


def effect(project: Project, saga: Saga, steps: Sequence[Step]) -> Iterator[Advice]:
    """The lines for the steps of one command: a record keyed by what identifies the run."""
    call = steps[0].call
    key = key_of(saga, project.operation(call), call)
    if key is None:
        return
    names = tuple(step.name for step in steps)
    name = resource_name(project, call.service, names)
    whose = f"`{names[0]}`" if len(names) == 1 else f"what `{short(call.service)}.{call.operation}` did"
    proves = f"that undoing {whose} restores what was there"
    resource = f"resource {name}[{key.name}: {key.type}] {{ states absent*, present }}"
    yield Advice("effects", names, in_service(call.service), resource, proves)
    yield Advice("effects", names, of_command(call), f"changes {name}[{key.name}] absent -> present", proves)
    for handler in steps[0].handlers:
        other = same_key(project, steps[0], handler, dict(call.arguments)[key.name])
        if other:
            line = f"changes {name}[{other}] present -> absent"
            yield Advice("effects", names, of_command(handler.call), line, proves)


def key_of(saga: Saga, operation: Operation, call: Call) -> Parameter | None:
    """The parameter that gets one of the saga's key fields; else the first one."""
    given = {name: wording.expression(value) for name, value in call.arguments}
    keyed = [parameter for parameter in operation.parameters if given.get(parameter.name) in saga.key]
    return next(iter((*keyed, *operation.parameters)), None)


def same_key(project: Project, step: Step, handler: Handler, given: object) -> str:
    """The parameter of an undo in the same service that names the same record."""
    if handler.call.service != step.call.service or project.operation(handler.call).changes:
        return ""
    return next((name for name, value in handler.call.arguments if value == given), "")


def resource_name(project: Project, service: str, steps: Sequence[str]) -> str:
    """A name that nothing else has for the record of a step, or of the service where several steps change it."""
    words = steps[0] if len(steps) == 1 else short(service)
    name = "".join(part[:1].upper() + part[1:] for part in words.split("_"))
    taken = {*project.types, *project.services[service].resources}
    return f"{name}Record" if name in taken else name


# --- limits and rules that nobody wrote ----------------------------------------------------------------------------


def limits(saga: Saga, clauses: frozenset[str]) -> Iterator[Advice]:
    """The bounds and ends that a saga does not state."""
    place = f"in `saga {saga.name} {{ … }}`"
    if saga.deadline_ms is None:
        yield Advice("time", (), place, "deadline 24h", "that a run reaches its point of no return in time")
    if not any(step.handlers for step in saga.steps):
        return
    if saga.rollback_within_ms is None:
        yield Advice("time", (), place, "rollback within 1h", "that a rollback ends in time")
    if not saga.ensures and "ensure" not in clauses:
        yield Advice("rules", (), place, "ensure at compensated: clean", "that a rolled back run leaves nothing behind")

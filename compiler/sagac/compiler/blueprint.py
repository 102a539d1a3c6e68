"""What an emitted module holds, named and typed for Python, before it is text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from sagac.compiler import identifiers, layout, model, notation, typetext, wording
from sagac.compiler.identifiers import Names
from sagac.compiler.layout import Piece
from sagac.compiler.model import Operation, Project, Saga
from sagac.compiler.typetext import Inline, Listed, Named, Optional
from sagac.runtime import plan
from sagac.runtime.plan import Enum, Expression, Input, Plan, Record, Schedule, Wire

SCALARS: Final = {
    "string": "str",
    "int": "int",
    "decimal": "Decimal",
    "bool": "bool",
    "uuid": "UUID",
    "timestamp": "AwareDatetime",
    "duration": "timedelta",
}
"""The language's own types in Python."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an enum: its Python name, and the author's word."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enum's class."""

    name: str
    doc: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A model's field. `wire` is the author's name for it."""

    name: str
    wire: str
    annotation: str
    default: Piece | None
    doc: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model's class: an input, an output, a record or a result."""

    name: str
    doc: str
    attributes: tuple[Attribute, ...]
    conditions: str = ""
    """The constant that holds what every instance must satisfy; empty where there is nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A declared failure's exception class."""

    name: str
    doc: str


@dataclass(frozen=True, slots=True)
class Method:
    """A command or query as a handler's method."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: str
    doc: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service's protocol."""

    name: str
    wire: str
    attribute: str
    doc: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """A saga's class, with its plan and its models."""

    name: str
    doc: str
    constant: str
    conditions_constant: str
    conditions: tuple[tuple[str, Expression], ...]
    plan: Plan
    input: Model
    output: Model | None
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Everything in one emitted module, in its order."""

    source: str
    enums: tuple[Enumeration, ...]
    records: tuple[Model, ...]
    failures: tuple[Failure, ...]
    services: tuple[Service, ...]
    shared: tuple[tuple[str, Schedule | Input], ...]
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that types have in the module."""

    types: Mapping[str, str]
    enums: Mapping[str, Mapping[str, str]]
    """The Python name of each member of each enum."""
    records: Mapping[str, Record]
    taken: frozenset[str] = field(default_factory=frozenset)
    """The names of the module's own types, which no field may hide."""


def draw(project: Project, source: str, plans: Mapping[str, Plan]) -> Blueprint:
    """The blueprint for the sagas of one spec file; `plans` by the sagas' full names."""
    sagas = tuple(saga for saga in project.sagas if saga.span.file == source and saga.full_name in plans)
    services = used_services(project, sagas)
    names = Names()
    failures = tuple(names.keep(name) for name in sorted(declared_failures(sagas, services)))
    scope = type_scope(names, project, sagas, services, [plans[saga.full_name] for saga in sagas])
    saga_names = {saga.full_name: names.give(saga.name) for saga in sagas}
    results = result_names(names, services)
    protocols = tuple(
        protocol(names, service, {key[1]: name for key, name in results.items() if key[0] == service.name}, scope)
        for service in services
    )
    return Blueprint(
        source=source.rpartition("/")[2],
        enums=tuple(enumerations(scope, project)),
        records=(*declared_records(scope), *result_models(services, results, scope)),
        failures=tuple(Failure(name, failure_doc(name, sagas, services)) for name in failures),
        services=protocols,
        shared=shared_parts(names, sagas, [plans[saga.full_name] for saga in sagas]),
        bindings=tuple(
            binding(names, project, saga, saga_names[saga.full_name], plans[saga.full_name], protocols, scope)
            for saga in sagas
        ),
    )


# --- what the sagas of a file use ----------------------------------------------------------------------------------


def used_services(project: Project, sagas: Iterable[Saga]) -> tuple[model.Service, ...]:
    """The services that the sagas call, by name: declared in this file or not."""
    found = {call.service for saga in sagas for call in calls(saga)}
    return tuple(sorted((project.services[name] for name in found), key=lambda service: service.name))


def calls(saga: Saga) -> Iterator[model.Call]:
    """Every call that a saga makes."""
    for step in saga.steps:
        yield step.call
        yield from (handler.call for handler in step.handlers)


def declared_failures(sagas: Iterable[Saga], services: Iterable[model.Service]) -> frozenset[str]:
    """The failures that handlers can raise."""
    return frozenset(
        failure for service in services for operation in service.operations.values() for failure in operation.fails
    )


def owned(doc: str, owner: str) -> str:
    """A description, with whom to ask about it."""
    return f"{doc}\n\nOwner: {owner}." if owner else doc


def failure_doc(name: str, sagas: Iterable[Saga], services: Iterable[model.Service]) -> str:
    """Who raises a failure."""
    raised = [
        f"{service.name}.{operation.name}"
        for service in services
        for operation in service.operations.values()
        if name in operation.fails
    ]
    return f"A refusal by {wording.listing(raised, 'or')}: definitely nothing happened."


# --- types ---------------------------------------------------------------------------------------------------------


def type_scope(
    names: Names, project: Project, sagas: Iterable[Saga], services: Iterable[model.Service], plans: Iterable[Plan]
) -> Scope:
    """The enums and records of the module: all that its plans and protocols mention."""
    used = {one.name: one for found in plans for one in found.types} | {
        one.name: one for one in mentioned(project, services)
    }
    types = {name: names.give(name) for name in sorted(used)}
    enums = {name: member_names(one) for name, one in used.items() if isinstance(one, Enum)}
    records = {name: one for name, one in used.items() if isinstance(one, Record)}
    return Scope(types, enums, records, frozenset(types.values()))


def mentioned(project: Project, services: Iterable[model.Service]) -> Iterator[Record | Enum]:
    """The declared types that the protocols speak of, with what they are made of."""
    known = {one.name: one for one in project.types.values()}
    waiting = [
        part.type
        for service in services
        for operation in service.operations.values()
        for part in (*operation.parameters, *(operation.result or ()))
    ]
    waiting += [operation.result_record for service in services for operation in service.operations.values()]
    seen: set[str] = set()
    while waiting:
        text = waiting.pop()
        for name in typetext.names(typetext.read(text)) if text else ():
            if name in known and name not in seen:
                seen.add(name)
                one = known[name]
                yield one
                waiting += [part.type for part in one.fields] if isinstance(one, Record) else []


def member_names(enum: Enum) -> Mapping[str, str]:
    names = Names(())
    return {member: names.give(identifiers.member(member)) for member in enum.members}


def annotation(type: typetext.Type, scope: Scope) -> str:
    """A type as Python annotates it."""
    match type:
        case Named(name):
            return SCALARS.get(name) or scope.types[name]
        case Listed(item):
            return f"tuple[{annotation(item, scope)}, ...]"
        case Optional(present):
            return f"{annotation(present, scope)} | None"
        case Inline():
            raise AssertionError("a record is written in place only as a whole result")
        case _:
            assert_never(type)


def attribute(name: str, type: str, scope: Scope, default: Piece | None = None, doc: str = "") -> Attribute:
    """A field of a model."""
    return Attribute(identifiers.field(name, scope.taken), name, annotation(typetext.read(type), scope), default, doc)


def enumerations(scope: Scope, project: Project) -> Iterator[Enumeration]:
    for name in sorted(scope.enums):
        members = tuple(Member(python, wire) for wire, python in scope.enums[name].items())
        yield Enumeration(scope.types[name], f"`{name}`, by the words of the spec.", members)


def declared_records(scope: Scope) -> Iterator[Model]:
    """The records, each after those that its fields have: a model of an unfinished one is unfinished itself."""
    ordered = dict.fromkeys(inner for name in sorted(scope.records) for inner in inside_out(name, scope))
    for name in ordered:
        attributes = tuple(attribute(part.name, part.type, scope) for part in scope.records[name].fields)
        yield Model(scope.types[name], f"The record `{name}`.", attributes)


def inside_out(name: str, scope: Scope) -> Iterator[str]:
    """The records that a record is made of, then itself."""
    for part in scope.records[name].fields:
        for inner in typetext.names(typetext.read(part.type)):
            if inner in scope.records:
                yield from inside_out(inner, scope)
    yield name


# --- services ------------------------------------------------------------------------------------------------------


def result_names(names: Names, services: Iterable[model.Service]) -> Mapping[tuple[str, str], str]:
    """The classes of results that are written in place: by the command, and the service where two have one name."""
    inline = [
        (service.name, operation.name)
        for service in services
        for operation in service.operations.values()
        if operation.result is not None and not operation.result_record
    ]
    commands = [command for _, command in inline]
    return {
        (service, command): names.give(
            *([f"{identifiers.pascal(command)}Result"] if commands.count(command) == 1 else []),
            f"{identifiers.pascal(service)}{identifiers.pascal(command)}Result",
        )
        for service, command in inline
    }


def result_models(
    services: Iterable[model.Service], results: Mapping[tuple[str, str], str], scope: Scope
) -> Iterator[Model]:
    for service in services:
        for operation in service.operations.values():
            if (service.name, operation.name) in results:
                attributes = tuple(
                    attribute(part.name, part.type, scope, doc=part.doc) for part in operation.result or ()
                )
                name = results[service.name, operation.name]
                yield Model(name, f"What `{service.name}.{operation.name}` returns.", attributes)


def protocol(names: Names, service: model.Service, results: Mapping[str, str], scope: Scope) -> Service:
    """A service's protocol: all of its contract, used by these sagas or not."""
    pascal = identifiers.pascal(service.name)
    return Service(
        name=names.give(pascal, f"{pascal}Service"),
        wire=service.name,
        attribute=identifiers.attribute(service.name),
        doc=owned(service.doc or f"The service `{service.name}`.", service.owner),
        methods=tuple(method(operation, results, scope) for operation in service.operations.values()),
    )


def method(operation: Operation, results: Mapping[str, str], scope: Scope) -> Method:
    """A command or query as a method."""
    parameters = tuple((part.name, annotation(typetext.read(part.type), scope)) for part in operation.parameters)
    return Method(operation.name, parameters, returned(operation, results, scope), method_doc(operation))


def returned(operation: Operation, results: Mapping[str, str], scope: Scope) -> str:
    """The annotation of what an operation returns."""
    if operation.result is None:
        return "None"
    whole = scope.types[operation.result_record] if operation.result_record else results[operation.name]
    return f"{whole} | None" if operation.result_optional else whole


def method_doc(operation: Operation) -> str:
    """What an implementation must keep to: the author's words, then the contract."""
    contract = "\n".join(promised(operation))
    return "\n\n".join(
        part for part in (operation.doc or f"The {operation.kind} `{operation.name}`.", contract) if part
    )


def promised(operation: Operation) -> Iterator[str]:
    """The contract in sentences."""
    if not operation.declared:
        yield "No contract is declared; the proofs assume what follows."
    if operation.idempotent:
        window = f" for {wording.duration(operation.window_ms)}" if operation.window_ms is not None else ""
        yield f"Idempotent{window}: all calls with one `call.key` are one effect."
    if operation.revokes:
        yield f"Revokes `{operation.revokes}`: after it the call with the key `call.undoes` never takes effect."
    if operation.lands_within_ms is not None:
        yield f"Takes effect within {wording.duration(operation.lands_within_ms)} of being sent, or never."
    if operation.fails:
        yield f"Raises {wording.listing(operation.fails, 'or')} where nothing happened."


# --- sagas ---------------------------------------------------------------------------------------------------------


def shared_parts(
    names: Names, sagas: Iterable[Saga], plans: Iterable[Plan]
) -> tuple[tuple[str, Schedule | Input], ...]:
    """The parts of plans that get names of their own, inputs first."""
    parts = dict.fromkeys(part for found in plans for part in notation.shared(found))
    parts |= dict.fromkeys(part for saga in sagas for _, where in conditions(saga) for part in notation.inputs(where))
    ordered = sorted(parts, key=lambda part: (isinstance(part, Schedule), repr(part)))
    return tuple((names.give(notation.suggested_name(part)), part) for part in ordered)


def binding(
    names: Names, project: Project, saga: Saga, name: str, found: Plan, protocols: Iterable[Service], scope: Scope
) -> Binding:
    """A saga's class with its models."""
    constant = identifiers.constant(saga.name)
    where = conditions(saga)
    conditions_constant = names.give(f"{constant}_CONDITIONS") if where else ""
    called = {project.services[call.service].name for call in calls(saga)}
    return Binding(
        name=name,
        doc=owned(saga.doc or f"The saga `{saga.name}`, version {saga.version}.", saga.owner),
        constant=names.give(constant, f"{constant}_PLAN"),
        conditions_constant=conditions_constant,
        conditions=where,
        plan=found,
        input=input_model(names, saga, scope, conditions_constant),
        output=output_model(names, saga, scope),
        services=tuple(service for service in protocols if service.wire in called),
    )


def conditions(saga: Saga) -> tuple[tuple[str, Expression], ...]:
    """What every input must satisfy, with the author's words."""
    return tuple(
        (wording.expression(field.where.condition), field.where.condition)
        for field in saga.inputs
        if field.where is not None
    )


def input_model(names: Names, saga: Saga, scope: Scope, conditions: str) -> Model:
    attributes = tuple(
        attribute(
            field.name,
            field.type,
            scope,
            input_default(field, scope),
            field.doc,
        )
        for field in saga.inputs
    )
    return Model(names.give(f"{saga.name}Input"), f"What a run of `{saga.name}` starts with.", attributes, conditions)


def input_default(field: model.InputField, scope: Scope) -> Piece | None:
    """The default of an input's field; an optional one that has none may be left out too."""
    kind = typetext.read(field.type)
    return literal(field.default, kind, scope) if field.has_default or isinstance(kind, Optional) else None


def output_model(names: Names, saga: Saga, scope: Scope) -> Model | None:
    if not saga.outputs:
        return None
    attributes = tuple(attribute(field.name, field.type, scope) for field in saga.outputs)
    return Model(names.give(f"{saga.name}Output"), f"What a completed run of `{saga.name}` returns.", attributes)


def literal(value: Wire, type: typetext.Type, scope: Scope) -> Piece:
    """A wire value of this type as a Python expression."""
    match type:
        case Optional(present):
            return Piece("None") if value is None else literal(value, present, scope)
        case Listed(item) if isinstance(value, list):
            return layout.tuple_of([literal(one, item, scope) for one in value])
        case Named(name) if name in scope.enums and isinstance(value, str):
            return Piece(f"{scope.types[name]}.{scope.enums[name][value]}")
        case Named(name) if name in scope.records and isinstance(value, dict):
            return record(value, scope.records[name], scope)
        case Named(name):
            return scalar(value, name)
        case _:
            raise AssertionError((value, type))


def record(value: dict[str, Wire], kind: plan.Record, scope: Scope) -> Piece:
    given = (
        (identifiers.field(part.name, scope.taken), literal(value[part.name], typetext.read(part.type), scope))
        for part in kind.fields
        if part.name in value
    )
    return layout.call(scope.types[kind.name], (), given)


def scalar(value: Wire, type: str) -> Piece:
    """A value of one of the language's own types."""
    written = layout.wire(value)
    match type:
        case "decimal":
            return layout.call("Decimal", [Piece(layout.string(str(value)))])
        case "uuid":
            return layout.call("UUID", [written])
        case "timestamp":
            return layout.call("datetime.fromisoformat", [written])
        case "duration":
            return layout.call("timedelta", (), [("milliseconds", written)])
        case _:
            return written

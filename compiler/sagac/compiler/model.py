"""The resolved model: what a spec means, with every name bound and every default filled in.

Expressions are those of the plan (`sagac.runtime.plan`), typed and without places; every clause keeps its span.
Types are text as in the language: `int`, `decimal?`, `list[Line]`, `Tier`. Times are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sagac.compiler import syntax
from sagac.compiler.source import Span
from sagac.runtime.plan import Enum, Expression, Record, Schedule, Wire


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a command or query, or a field of its result."""

    name: str
    type: str
    span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class ProbeContract:
    """`probe query(args)`: the arguments are the command's own parameters, by name, in the query's order."""

    query: str
    arguments: tuple[tuple[str, str], ...]
    """Pairs of the query's parameter and the command's parameter."""
    span: Span


@dataclass(frozen=True, slots=True)
class Operation:
    """A command or query of a service, with all that its contract declares."""

    name: str
    kind: Literal["command", "query"]
    parameters: tuple[Parameter, ...]
    result: tuple[Parameter, ...] | None
    """The result's fields; `None` when it returns nothing."""
    result_record: str
    """The name of the record type that the result was declared with; empty for inline fields or none."""
    result_optional: bool
    fails: tuple[str, ...]
    idempotent: bool
    window_ms: int | None
    lands_within_ms: int | None
    probe: ProbeContract | None
    revokes: str
    """The command that this one revokes; empty for none."""
    declared: bool
    """False when the service was never declared and all of this is assumed (settled question 2 and 13)."""
    span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the unit of independent state."""

    name: str
    owner: str
    partner: bool
    sla_ms: int | None
    contract: str
    operations: Mapping[str, Operation]
    resources: tuple[syntax.Resource, ...]
    """Type-checked; their effects are not proved in this version."""
    declared: bool
    span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation, with an expression for every parameter in the declared order."""

    service: str
    operation: str
    arguments: tuple[tuple[str, Expression], ...]
    spans: tuple[Span, ...]
    """The place of each argument."""
    span: Span


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition with its place."""

    condition: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Dependency:
    """An order that a step stands under: `after`, or a result that its `do` or `when` reads (`implicit`)."""

    step: str
    implicit: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Handler:
    """A `compensate` or `mitigate` of a step."""

    call: Call
    guard: Guard | None
    schedule: Schedule
    mitigates: bool
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class Remainder:
    """`irreversible`, `left` or `undone by`: why a step with an effect has no undo of its own."""

    kind: Literal["irreversible", "left", "undone by"]
    step: str
    """The step that undoes it, for `undone by`; empty otherwise."""
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class Step:
    """A step: its call, order, guard, undo and policy."""

    name: str
    call: Call
    dependencies: tuple[Dependency, ...]
    guard: Guard | None
    otherwise_fails: str
    handlers: tuple[Handler, ...]
    remainder: Remainder | None
    pivot: bool
    schedule: Schedule
    schedule_span: Span
    """The `retry` or `timeout` clause, or the step's name where both are defaults."""
    holds_unknown: bool
    """`on unknown hold`, said in the step or for the saga."""
    span: Span
    """The whole step."""
    name_span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class InputField:
    """A field of a saga's input."""

    name: str
    type: str
    default: Wire
    has_default: bool
    where: Guard | None
    """A condition over the input that holds whenever a run exists: it may be assumed."""
    span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class OutputField:
    """A field of a saga's output, with its value."""

    name: str
    type: str
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class GivenFails:
    """`given s fails F`."""

    step: str
    failure: str


@dataclass(frozen=True, slots=True)
class GivenUnknown:
    """`given s unknown [landed | not landed]`."""

    step: str
    landed: bool | None


@dataclass(frozen=True, slots=True)
class GivenUndoFails:
    """`given undo s fails`."""

    step: str


@dataclass(frozen=True, slots=True)
class GivenAfter:
    """`given cancel after s` or `given crash after s`."""

    kind: Literal["cancel", "crash"]
    step: str


Given: TypeAlias = GivenFails | GivenUnknown | GivenUndoFails | GivenAfter


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario: what is given, and what must then hold in every run that the givens allow."""

    title: str
    input: tuple[tuple[str, Wire], ...]
    givens: tuple[Given, ...]
    end: Literal["completed", "compensated", "held", ""]
    order: tuple[tuple[Literal["do", "undo"], str], ...]
    """A subsequence of what happens."""
    span: Span


@dataclass(frozen=True, slots=True)
class Waiver:
    """`waive CODE [on step] until DATE by "…" because "…"`."""

    code: str
    step: str
    until: str
    by: str
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class Unproved:
    """A clause that is parsed and type-checked but not proved in this version; the report names each."""

    clause: str
    """The clause's word: `changes`, `ensure`, `deadline` …"""
    text: str
    """What is not proved, in the author's words."""
    span: Span


@dataclass(frozen=True, slots=True)
class Saga:
    """A saga with every name resolved. Steps stand in source order."""

    package: str
    name: str
    version: int
    owner: str
    key: tuple[str, ...]
    inputs: tuple[InputField, ...]
    outputs: tuple[OutputField, ...]
    steps: tuple[Step, ...]
    deadline_ms: int | None
    rollback_within_ms: int | None
    rollback_in_order: bool
    scenarios: tuple[Scenario, ...]
    waivers: tuple[Waiver, ...]
    unproved: tuple[Unproved, ...]
    span: Span
    name_span: Span
    doc: str = ""
    types: Mapping[str, Record | Enum] = field(default_factory=dict)
    """The declared types that the values of a run can have, by the bare name that type texts use."""

    @property
    def full_name(self) -> str:
        """Package and name: `shop.orders.PlaceOrder`, or just the name in a file without a package."""
        return f"{self.package}.{self.name}" if self.package else self.name


@dataclass(frozen=True, slots=True)
class Project:
    """All files of a check, resolved together. Only sagas without errors of their own are here."""

    services: Mapping[str, Service]
    types: Mapping[str, Record | Enum]
    sagas: tuple[Saga, ...]
    files: tuple[str, ...]

    def operation(self, call: Call) -> Operation:
        """The contract of what a call calls."""
        return self.services[call.service].operations[call.operation]

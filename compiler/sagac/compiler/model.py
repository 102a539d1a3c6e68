"""The resolved model: what a spec means, with every name bound and every default filled in.

Expressions are those of the plan (`sagac.runtime.plan`), typed and without places; every clause keeps its span.
Types are text as in the language: `int`, `decimal?`, `list[Line]`, `Tier`. Times are whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

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
class Reference:
    """`references R[k]` on a field: the record that must be there while this one is."""

    resource: str
    """Its full name, `warehouse.Stock`."""
    keys: tuple[Expression, ...]
    """Over the record's own keys (`Input`) and fields (`Result` of the step with no name)."""
    span: Span


@dataclass(frozen=True, slots=True)
class ResourceField:
    """A field of a resource's records."""

    name: str
    type: str
    initial: Wire
    has_initial: bool
    """False: the field of a record in its initial state may have any value that the invariants allow."""
    hold: bool
    reference: Reference | None
    span: Span
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """Abstract state of a service: a record for each key.

    Expressions of `invariants` and references read a record's keys as `Input((key,), type)` and its own fields as
    `Result("", (field,), type)`; its state is no value of the language there.
    """

    service: str
    """The service's full name."""
    name: str
    keys: tuple[Parameter, ...]
    fields: tuple[ResourceField, ...]
    states: tuple[str, ...]
    """Empty where the resource has none."""
    initial: str
    clean: frozenset[str]
    """What a finished rollback may leave; the initial state where nothing is said."""
    done: frozenset[str]
    """What a completed run may leave; every state where nothing is said."""
    invariants: tuple[Guard, ...]
    observe: str
    """The query that reads the record's real state; empty for none."""
    span: Span
    doc: str = ""

    @property
    def full_name(self) -> str:
        """`warehouse.Stock`."""
        return f"{self.service}.{self.name}"

    @property
    def held_states(self) -> frozenset[str]:
        """The states that no run may leave behind at any end: neither `done` nor `clean`."""
        return frozenset(self.states) - self.done - self.clean


@dataclass(frozen=True, slots=True)
class Assignment:
    """`f += e`, `f -= e`, `f := e` in a `changes`."""

    field: str
    operator: Literal["+=", "-=", ":="]
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Yield:
    """`yields r = f`: the result's field is the record's field as it was before."""

    result: str
    field: str
    span: Span


@dataclass(frozen=True, slots=True)
class Change:
    """`changes R[k] a -> b { … }`.

    Its expressions read the command's parameters as `Input((parameter,), type)` and the record's own fields, before the
    change, as `Result("", (field,), type)`. The service refuses the command when a source state or a `requires` of any
    of its changes does not hold; else all their assignments happen at once.
    """

    resource: str
    """The full name of the resource."""
    keys: tuple[Expression, ...]
    source: str
    """The state that it needs; empty where it needs and changes none."""
    target: str
    requires: tuple[Guard, ...]
    assignments: tuple[Assignment, ...]
    yields: tuple[Yield, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Hold:
    """`holds for D [skew D]`: what the command reserves lapses by itself after D. Milliseconds."""

    for_ms: int
    skew_ms: int
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
    changes: tuple[Change, ...] = ()
    """Empty: the contract says nothing of its effect, and nothing is proved about it."""
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service: the unit of independent state."""

    name: str
    owner: str
    partner: bool
    sla_ms: int | None
    contract: str
    operations: Mapping[str, Operation]
    resources: Mapping[str, Resource]
    """By bare name."""
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
    refusal: str = ""
    """Why a refusal of this undo may be left to a person, `on refusal hold because "…"`; empty where it may not be."""


@dataclass(frozen=True, slots=True)
class Remainder:
    """`irreversible`, `left` or `undone by`: why a step with an effect has no undo of its own."""

    kind: Literal["irreversible", "left", "undone by"]
    step: str
    """The step that undoes it, for `undone by`; empty otherwise."""
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class Lock:
    """`lock R[k] within D`: taken before the step and kept to the run's end."""

    resource: str
    """The full name of the resource."""
    keys: tuple[Expression, ...]
    within_ms: int
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
    locks: tuple[Lock, ...] = ()


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
    where: Guard | None = None
    """What its value must satisfy; the condition reads the output itself as `Input((output,), type)`, and no input has
    its name; inputs and results as everywhere."""


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
class RecordReading:
    """`R[k]` in an `ensure`: a record, now or, under `old`, as it was when the run started."""

    resource: str
    keys: tuple[Expression, ...]
    old: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Ensure:
    """`ensure at completed / at compensated / always: e`.

    The condition reads record number n of `records`, counted from 0, as `Result("record n", path, type)`: the path is
    `("state",)` for its state (a string), or that of a field. `clean` reads as `Input(("clean",), "bool")`: every
    record that the run changed is in a clean state, or as before.
    """

    at: Literal["completed", "compensated", "always"]
    condition: Expression
    records: tuple[RecordReading, ...]
    span: Span

    @property
    def conserves(self) -> bool:
        """Whether it compares with what was there before (B7)."""
        return any(record.old for record in self.records)


@dataclass(frozen=True, slots=True)
class Rule:
    """`require e before s [when e]`, or `forbid s when e` (whose `condition` is the negated `e`, without a guard)."""

    kind: Literal["require", "forbid"]
    step: str
    condition: Expression
    """What holds whenever the step is sent and the guard holds."""
    guard: Guard | None
    span: Span


@dataclass(frozen=True, slots=True)
class Choice:
    """`exactly one of a, b` or `at least one of a, b`: of guarded steps."""

    kind: Literal["exactly", "at least"]
    steps: tuple[str, ...]
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
    ensures: tuple[Ensure, ...] = ()
    rules: tuple[Rule, ...] = ()
    choices: tuple[Choice, ...] = ()
    deadline_span: Span | None = None
    rollback_span: Span | None = None

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

    def resource(self, full_name: str) -> Resource:
        """The resource of this full name, `warehouse.Stock`."""
        service, _, name = full_name.rpartition(".")
        return self.services[service].resources[name]

    def operation(self, call: Call) -> Operation:
        """The contract of what a call calls."""
        return self.services[call.service].operations[call.operation]

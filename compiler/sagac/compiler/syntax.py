"""The syntax tree: what was written, with the place of every node."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from sagac.compiler.source import Span


@dataclass(frozen=True, slots=True)
class Node:
    """Anything with a place."""

    span: Span


@dataclass(frozen=True, slots=True)
class Name(Node):
    """One identifier."""

    text: str


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string literal, its escapes resolved."""

    value: str


@dataclass(frozen=True, slots=True)
class Duration(Node):
    """A length of time such as `200ms`, `5s`, `7d`."""

    ms: int


@dataclass(frozen=True, slots=True)
class Comment(Node):
    """A `//` comment, or a `///` doc comment when `doc`; the text without its slashes and one leading space."""

    text: str
    doc: bool


# --- types ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """`string`, `Tier`."""

    name: str


@dataclass(frozen=True, slots=True)
class ListType(Node):
    """`list[T]`."""

    item: Type


@dataclass(frozen=True, slots=True)
class OptionalType(Node):
    """`T?`."""

    item: Type


@dataclass(frozen=True, slots=True)
class RecordType(Node):
    """`{ a: T, b: U }`, only as a result."""

    fields: tuple[Field, ...]


Type: TypeAlias = NamedType | ListType | OptionalType | RecordType


@dataclass(frozen=True, slots=True)
class Field(Node):
    """`name: T [= default] [where e]` in an input, a `type`, a result or a parameter list."""

    name: Name
    type: Type
    default: Expression | None = None
    where: Expression | None = None
    doc: str = ""


# --- expressions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number, string, boolean, duration or `null`."""

    kind: Literal["int", "decimal", "string", "bool", "duration", "null"]
    value: int | Decimal | str | bool | None
    """A duration's value is whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Reference(Node):
    """`a.b.c`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class RecordState(Node):
    """`Payment[order_id]` or `Stock[sku].held`."""

    resource: Name
    keys: tuple[Expression, ...]
    fields: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Application(Node):
    """`size(xs)`, `old(e)`; any other name is a finding of the resolver."""

    function: Name
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """An operator with one operand."""

    operator: Literal["not", "-", "is null", "is not null"]
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """An operator with two operands; a chain such as `0 < x < 5` is a finding of the parser."""

    operator: Literal["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "implies", "in"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Items(Node):
    """`[a, b]`."""

    items: tuple[Expression, ...]


Expression: TypeAlias = Constant | Reference | RecordState | Application | Unary | Binary | Items


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`service.command(args)`, `query(args)` in a `probe`, or `saga Child(args)`."""

    path: tuple[Name, ...]
    arguments: tuple[Expression, ...]


# --- services ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owner(Node):
    """`owner "x"` or `owner partner "x" [sla D] [contract "c"]`."""

    name: Text
    partner: bool = False
    sla: Duration | None = None
    contract: Text | None = None


@dataclass(frozen=True, slots=True)
class ResourceField(Node):
    """`available: int [= e] [hold] [references R[k]]`."""

    name: Name
    type: Type
    default: Expression | None
    hold: bool
    references: RecordState | None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class State(Node):
    """A state in `states a*, b`; the star marks the initial one."""

    name: Name
    initial: bool


@dataclass(frozen=True, slots=True)
class States(Node):
    """`states a*, b, c`."""

    states: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class StateSet(Node):
    """`clean a, b` or `done c`."""

    kind: Literal["clean", "done"]
    states: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Invariant(Node):
    """`invariant e` in a resource."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Observe(Node):
    """`observe query(args)` in a resource."""

    call: Call


@dataclass(frozen=True, slots=True)
class Resource(Node):
    """`resource R[k: T] { … }`."""

    name: Name
    keys: tuple[Field, ...]
    items: tuple[ResourceField | States | StateSet | Invariant | Observe, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Requires(Node):
    """`requires e` in a `changes`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`f += e`, `f -= e`, `f := e`."""

    field: Name
    operator: Literal["+=", "-=", ":="]
    value: Expression


@dataclass(frozen=True, slots=True)
class Yields(Node):
    """`yields result = field`."""

    result: Name
    field: Name


@dataclass(frozen=True, slots=True)
class Changes(Node):
    """`changes R[k] [a -> b] [{ … }]`."""

    resource: Name
    keys: tuple[Expression, ...]
    source: Name | None
    target: Name | None
    items: tuple[Requires | Assignment | Yields, ...]


@dataclass(frozen=True, slots=True)
class Idempotent(Node):
    """`idempotent [for D]`."""

    window: Duration | None


@dataclass(frozen=True, slots=True)
class Fails(Node):
    """`fails A, B`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class LandsWithin(Node):
    """`lands within D`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Probe(Node):
    """`probe query(args)`."""

    call: Call


@dataclass(frozen=True, slots=True)
class Revokes(Node):
    """`revokes command`."""

    command: Name


@dataclass(frozen=True, slots=True)
class HoldsFor(Node):
    """`holds for D [skew D]`."""

    duration: Duration
    skew: Duration | None


OperationClause: TypeAlias = Changes | Idempotent | Fails | LandsWithin | Probe | Revokes | HoldsFor


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """`command name(params) [-> result] clauses` or `query …`."""

    kind: Literal["command", "query"]
    name: Name
    parameters: tuple[Field, ...]
    result: Type | None
    clauses: tuple[OperationClause, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Service(Node):
    """`service name { … }`."""

    name: Name
    items: tuple[Owner | Resource | Operation, ...]
    doc: str = ""


# --- sagas ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retry(Node):
    """`retry N times [within D] [backoff A to B]`, or `retry forever [backoff A to B]` with no `times`."""

    times: int | None
    within: Duration | None
    backoff: tuple[Duration, Duration] | None


@dataclass(frozen=True, slots=True)
class Timeout(Node):
    """`timeout D`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class After(Node):
    """`after a, b`, in a step's head or as a clause."""

    steps: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class When(Node):
    """`when e [else fail F]`, a guard on a line of its own: it guards the step."""

    condition: Expression
    otherwise: Name | None


@dataclass(frozen=True, slots=True)
class Do(Node):
    """`do service.command(args) [-> { inline results }]`."""

    call: Call
    result: Type | None


@dataclass(frozen=True, slots=True)
class DoSaga(Node):
    """`do saga Child(args)`."""

    call: Call


@dataclass(frozen=True, slots=True)
class WaitFor(Node):
    """`wait D`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class WaitUntil(Node):
    """`wait until e`."""

    condition: Expression


@dataclass(frozen=True, slots=True)
class WaitSignal(Node):
    """`wait for signal s { fields } within D`."""

    signal: Name
    fields: tuple[Field, ...]
    within: Duration


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """`for each x in xs [limit N] [in order]`."""

    variable: Name
    items: Expression
    limit: int | None
    in_order: bool


@dataclass(frozen=True, slots=True)
class Undo(Node):
    """`compensate c(args) [when e] [{ … }]` or `mitigate c(args) [when e] because "…" [{ … }]`."""

    kind: Literal["compensate", "mitigate"]
    call: Call
    guard: Expression | None
    because: Text | None
    clauses: tuple[Timeout | Retry | OnRefusal, ...]


@dataclass(frozen=True, slots=True)
class OnRefusal(Node):
    """`on refusal hold because "…"` in the block of an undo."""

    because: Text


@dataclass(frozen=True, slots=True)
class Irreversible(Node):
    """`irreversible because "…"`."""

    because: Text


@dataclass(frozen=True, slots=True)
class Left(Node):
    """`left because "…"`."""

    because: Text


@dataclass(frozen=True, slots=True)
class UndoneBy(Node):
    """`undone by s because "…"`."""

    step: Name
    because: Text


@dataclass(frozen=True, slots=True)
class OnUnknownHold(Node):
    """`on unknown hold`, in a step or once for the saga."""


@dataclass(frozen=True, slots=True)
class OnFailure(Node):
    """`on failure compensate | continue because "…" | escalate to "…"`."""

    kind: Literal["compensate", "continue", "escalate"]
    text: Text | None


@dataclass(frozen=True, slots=True)
class Lock(Node):
    """`lock R[k] within D`."""

    resource: Name
    keys: tuple[Expression, ...]
    within: Duration


StepClause: TypeAlias = (
    After
    | When
    | Do
    | DoSaga
    | WaitFor
    | WaitUntil
    | WaitSignal
    | ForEach
    | Undo
    | Irreversible
    | Left
    | UndoneBy
    | Timeout
    | Retry
    | OnUnknownHold
    | OnFailure
    | Lock
)


@dataclass(frozen=True, slots=True)
class Step(Node):
    """`[pivot] step name [after …] { … }`; an `after` in the head is the first clause."""

    name: Name
    pivot: bool
    clauses: tuple[StepClause, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Ask(Node):
    """`ask role "r" [quorum n] [except f]`."""

    role: Text
    quorum: int | None
    exclude: Reference | None


@dataclass(frozen=True, slots=True)
class Show(Node):
    """`show { a, b }`."""

    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Within(Node):
    """`within D` in an approval."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Approval(Node):
    """`approval name [after …] { … }`."""

    name: Name
    clauses: tuple[After | When | Ask | Show | Within, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Key(Node):
    """`key a, b`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class InputBlock(Node):
    """`input { … }`."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class OutputBlock(Node):
    """`output { tracking: string = ship.tracking }`: each field's `default` is its value."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Deadline(Node):
    """`deadline D`."""

    duration: Duration


@dataclass(frozen=True, slots=True)
class Rollback(Node):
    """`rollback within D`, `rollback in order`, or both in one clause."""

    within: Duration | None
    in_order: bool


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """`exactly one of a, b` or `at least one of a, b`."""

    kind: Literal["exactly", "at least"]
    steps: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Require(Node):
    """`require e before s [when e]`."""

    condition: Expression
    step: Name
    guard: Expression | None


@dataclass(frozen=True, slots=True)
class Forbid(Node):
    """`forbid s when e`."""

    step: Name
    guard: Expression


@dataclass(frozen=True, slots=True)
class Ensure(Node):
    """`ensure at completed: e`, `ensure at compensated: e`, `ensure always: e`; `clean` alone is a Reference."""

    at: Literal["completed", "compensated", "always"]
    condition: Expression


@dataclass(frozen=True, slots=True)
class GivenInput(Node):
    """`given input { f = e }`."""

    values: tuple[tuple[Name, Expression], ...]


@dataclass(frozen=True, slots=True)
class GivenFails(Node):
    """`given s fails F`."""

    step: Name
    failure: Name


@dataclass(frozen=True, slots=True)
class GivenUnknown(Node):
    """`given s unknown [landed | not landed]`."""

    step: Name
    landed: bool | None


@dataclass(frozen=True, slots=True)
class GivenUndoFails(Node):
    """`given undo s fails`."""

    step: Name


@dataclass(frozen=True, slots=True)
class GivenApproval(Node):
    """`given review approved | rejected | unanswered`."""

    approval: Name
    answer: Literal["approved", "rejected", "unanswered"]


@dataclass(frozen=True, slots=True)
class GivenSignal(Node):
    """`given signal s { f = e }`."""

    signal: Name
    values: tuple[tuple[Name, Expression], ...]


@dataclass(frozen=True, slots=True)
class GivenAfter(Node):
    """`given cancel after s` or `given crash after s`."""

    kind: Literal["cancel", "crash"]
    step: Name


@dataclass(frozen=True, slots=True)
class ThenEnd(Node):
    """`then completed | compensated | held`."""

    end: Literal["completed", "compensated", "held"]


@dataclass(frozen=True, slots=True)
class OrderItem(Node):
    """`a` or `undo a` in a `then order`."""

    step: Name
    undo: bool


@dataclass(frozen=True, slots=True)
class ThenOrder(Node):
    """`then order a, b, undo a`: a subsequence of what happens."""

    items: tuple[OrderItem, ...]


Given: TypeAlias = GivenInput | GivenFails | GivenUnknown | GivenUndoFails | GivenApproval | GivenSignal | GivenAfter
Then: TypeAlias = ThenEnd | ThenOrder


@dataclass(frozen=True, slots=True)
class Scenario(Node):
    """`scenario "…" { given … then … }`."""

    title: Text
    clauses: tuple[Given | Then, ...]


@dataclass(frozen=True, slots=True)
class Waive(Node):
    """`waive CODE [on step] until DATE by "…" because "…"`, in a saga; `until` as `YYYY-MM-DD`."""

    code: Name
    step: Name | None
    until: Text
    by: Text
    because: Text


SagaItem: TypeAlias = (
    Owner
    | Key
    | InputBlock
    | OutputBlock
    | Deadline
    | Rollback
    | OnUnknownHold
    | Step
    | Approval
    | Choice
    | Require
    | Forbid
    | Ensure
    | Scenario
    | Waive
)


@dataclass(frozen=True, slots=True)
class Saga(Node):
    """`saga Name version N { … }`."""

    name: Name
    version: int
    items: tuple[SagaItem, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class EnumDeclaration(Node):
    """`enum Tier { standard, vip }`."""

    name: Name
    members: tuple[Name, ...]
    doc: str = ""


@dataclass(frozen=True, slots=True)
class TypeDeclaration(Node):
    """`type Line { sku: string, quantity: int }`."""

    name: Name
    fields: tuple[Field, ...]
    doc: str = ""


Declaration: TypeAlias = EnumDeclaration | TypeDeclaration | Service | Saga


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import shop.contracts`: that package's declarations become visible here by their bare names."""

    package: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class File(Node):
    """A whole file."""

    language: int | None = None
    package: tuple[Name, ...] = ()
    imports: tuple[Import, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    comments: tuple[Comment, ...] = field(default=(), repr=False)
    skipped: tuple[Span, ...] = ()
    """What could not be understood and was left out: what it would have declared may seem to be missing."""

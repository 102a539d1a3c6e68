"""The plan: what the compiler proved and what the kernel runs, as data with a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

FORMAT: Final = 1
"""Version of the plan's own shape; a kernel refuses a plan of a format it does not know."""

FORMAT_NEWEST: Final = 2
"""That of a plan with locks, or with a step that is idempotent by its effect: an older runtime must not run it."""

if TYPE_CHECKING:
    Wire: TypeAlias = "bool | int | float | str | list[Wire] | dict[str, Wire] | None"
else:
    Wire = Any  # the decoder needs no more than "any JSON", and has no recursive types
"""A value as the journal stores it: JSON. `decimal`, `uuid`, `timestamp` are strings, `duration` whole milliseconds."""

Direction: TypeAlias = Literal["do", "undo"]


class Constant(msgspec.Struct, frozen=True, tag_field="node", tag="constant"):
    """A literal; `type` is the language's name of its type (`decimal`, `Tier`, `null`)."""

    value: Wire
    type: str


class Input(msgspec.Struct, frozen=True, tag_field="node", tag="input"):
    """A field of the saga's input, or a field of a record in it."""

    path: tuple[str, ...]
    type: str


class Result(msgspec.Struct, frozen=True, tag_field="node", tag="result"):
    """A field of a step's result; the path is empty for the whole result."""

    step: str
    path: tuple[str, ...]
    type: str


class Status(msgspec.Struct, frozen=True, tag_field="node", tag="status"):
    """Whether a step is done, or was skipped by its guard."""

    step: str
    fact: Literal["done", "skipped"]


class Unary(msgspec.Struct, frozen=True, tag_field="node", tag="unary"):
    """An operator with one operand."""

    operator: Literal["not", "-", "size", "is null", "is not null"]
    operand: Expression


class Binary(msgspec.Struct, frozen=True, tag_field="node", tag="binary"):
    """An operator with two operands of types that the resolver found to fit."""

    operator: Literal["+", "-", "*", "==", "!=", "<", "<=", ">", ">=", "and", "or", "implies", "in"]
    left: Expression
    right: Expression


class Items(msgspec.Struct, frozen=True, tag_field="node", tag="items"):
    """A list written out, as in `tier in [vip, gold]`."""

    items: tuple[Expression, ...]


Expression: TypeAlias = Constant | Input | Result | Status | Unary | Binary | Items


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """When an attempt times out and when the next one follows (settled question 5). Times in milliseconds.

    `retries` counts the attempts after the first; `None` is for ever. The pause before retry n (from 0) is uniform in
    0 to min(backoff_max_ms, backoff_first_ms * 2**n). `within_ms` caps the whole, counted from the first send.
    """

    timeout_ms: int
    retries: int | None
    backoff_first_ms: int
    backoff_max_ms: int
    within_ms: int | None = None


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a service's command or query, with an expression for every parameter in the declared order."""

    service: str
    command: str
    arguments: tuple[tuple[str, Expression], ...] = ()


class Undo(msgspec.Struct, frozen=True, omit_defaults=True):
    """One guarded compensation of a step."""

    call: Call
    schedule: Schedule
    guard: Expression | None = None
    idempotent: bool = False
    window_ms: int | None = None
    """`idempotent for`: how long the service remembers a key, from the event that enabled the first send."""
    revokes: bool = False
    """After it returns the do has no effect and never will: it may undo an unknown outcome."""
    fails: tuple[str, ...] = ()
    residue: str = ""
    """Why something differs from before, for a `mitigate`; empty for a `compensate`."""


class Lock(msgspec.Struct, frozen=True):
    """A semantic lock: the record that a run keeps from other runs, from before a step until the run's end (R16)."""

    resource: str
    """The full name of the resource, `warehouse.Stock`."""
    keys: tuple[Expression, ...]
    """The record's key; read when the step is enabled."""
    within_ms: int
    """How long after the step was enabled it must have been got; otherwise the step has failed."""


Doubt: TypeAlias = Literal["revoke", "probe", "hold", "none"]
"""What settles an outcome that stays unknown once resends are spent (R3); `none` for a query and for a do that is
resent for ever."""

Remains: TypeAlias = Literal["nothing", "irreversible", "left", "undone by"]
"""Why a step with an effect has no undo of its own; `nothing` when it has one, or has no effect."""


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step: its call, what it waits for, and how it is undone."""

    name: str
    call: Call
    schedule: Schedule
    after: tuple[str, ...] = ()
    """The steps that must be settled before this one is enabled (R4): declared and by data, transitively reduced."""
    undo_after: tuple[str, ...] = ()
    """The steps that must be unwound before this one's undo is sent (R7). The kernel unwinds by this table alone."""
    guard: Expression | None = None
    otherwise_fails: str = ""
    """The failure that a false guard means (`when e else fail F`); empty: a false guard skips the step."""
    query: bool = False
    pivot: bool = False
    fails: tuple[str, ...] = ()
    result: str = ""
    """The result's type as text, `{ auth: string }?` style; empty when the command returns nothing."""
    idempotent: bool = False
    idempotent_by_effect: bool = False
    """Proved, not promised: a second landing right after the first changes nothing, whatever its key. With
    `lands_within_ms` it may be sent again, and what may still land is waited out before anything else happens (R3)."""
    window_ms: int | None = None
    lands_within_ms: int | None = None
    probe: Call | None = None
    doubt: Doubt = "none"
    intent: bool = False
    """Neither idempotent nor probeable: an explicit intent event goes before the only send (R14)."""
    locks: tuple[Lock, ...] = ()
    """Taken before the step is sent, in this order, and kept to the run's end (R16)."""
    undos: tuple[Undo, ...] = ()
    remains: Remains = "nothing"
    undone_by: str = ""
    because: str = ""


class Field(msgspec.Struct, frozen=True):
    """A named, typed field of an input or a record."""

    name: str
    type: str


class Record(msgspec.Struct, frozen=True, tag_field="node", tag="record"):
    """A record type that the plan's values use."""

    name: str
    fields: tuple[Field, ...]


class Enum(msgspec.Struct, frozen=True, tag_field="node", tag="enum"):
    """An enumeration that the plan's values use."""

    name: str
    members: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """A saga as the kernel runs it. Steps stand in a topological order of `after`."""

    saga: str
    """Package and name, `shop.orders.PlaceOrder`: with the run key, a run's identity."""
    version: int
    key: tuple[str, ...]
    inputs: tuple[Field, ...]
    steps: tuple[Step, ...]
    output: tuple[tuple[str, Expression], ...] = ()
    types: tuple[Record | Enum, ...] = ()
    deadline_ms: int | None = None
    rollback_within_ms: int | None = None
    rollback_in_order: bool = False
    format: int = FORMAT


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Plan)


def encode(plan: Plan) -> bytes:
    """The canonical bytes of a plan: the same plan gives the same bytes."""
    return _encoder.encode(plan)


def decode(body: bytes) -> Plan:
    """The plan in `body`; raises `msgspec.ValidationError` where it is not one of a format this runtime knows."""
    plan = _decoder.decode(body)
    if not FORMAT <= plan.format <= FORMAT_NEWEST:
        known = f"this runtime reads format {FORMAT} and {FORMAT_NEWEST}"
        raise msgspec.ValidationError(f"plan format {plan.format} is not known, {known}")
    if plan.format < format_of(plan.steps):
        raise msgspec.ValidationError(f"a plan of format {plan.format} does not say what this one says")
    return plan


def format_of(steps: Iterable[Step]) -> int:
    """The format of a plan with these steps: the oldest that says all that they need."""
    return FORMAT_NEWEST if any(step.locks or step.idempotent_by_effect for step in steps) else FORMAT


def digest(plan: Plan) -> str:
    """The SHA-256 of the canonical bytes, in hexadecimal: how runs pin their plan."""
    return hashlib.sha256(encode(plan)).hexdigest()


def canonical(value: Wire) -> bytes:
    """A wire value as canonical JSON bytes (keys sorted)."""
    return _encoder.encode(value)


def run_key(plan: Plan, input: Mapping[str, Wire]) -> str:
    """The run's identity within its saga: its key fields as canonical JSON."""
    return canonical([input[name] for name in plan.key]).decode()


def call_key(saga: str, run_key: str, step: str, direction: Direction) -> str:
    """The idempotency key of an action (R13): the same for every attempt and version, different for do and undo."""
    return hashlib.sha256(canonical([saga, run_key, step, None, direction])).hexdigest()[:32]

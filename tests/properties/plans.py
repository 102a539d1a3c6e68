"""Small plans, one for each thing that a saga can do, and what their services may do to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from sagac.runtime.plan import (
    Call,
    Doubt,
    Expression,
    Field,
    Input,
    Lock,
    Plan,
    Remains,
    Result,
    Schedule,
    Status,
    Step,
    Unary,
    Undo,
    Wire,
)

WINDOW_MS: Final = 1_000
"""The `idempotent for` of the plans that have one."""

ONCE: Final = Schedule(timeout_ms=10, retries=0, backoff_first_ms=0, backoff_max_ms=0)
TWICE: Final = Schedule(timeout_ms=10, retries=1, backoff_first_ms=0, backoff_max_ms=0)
FOREVER: Final = Schedule(timeout_ms=10, retries=None, backoff_first_ms=0, backoff_max_ms=0)


@dataclass(frozen=True, slots=True)
class Case:
    """A plan with the inputs to start it with and the liberties of its services beyond losing and delaying."""

    plan: Plan
    inputs: tuple[dict[str, Wire], ...] = ({},)
    transient: frozenset[str] = field(default_factory=frozenset)
    """The actions that may answer `not applied, try again`: `a`, `undo a`."""
    duplicating: bool = False
    """The network may deliver a message to an idempotent command twice."""
    forgetting: bool = False
    """A crash may last longer than every window, after which services have forgotten what they promised for a while."""


def step(
    name: str,
    after: tuple[str, ...] = (),
    *,
    schedule: Schedule = TWICE,
    idempotent: bool = True,
    undos: tuple[Undo, ...] | None = None,
    fails: bool = False,
    query: bool = False,
    pivot: bool = False,
    guard: Expression | None = None,
    otherwise_fails: str = "",
    doubt: Doubt = "hold",
    intent: bool = False,
    probed: bool = False,
    remains: Remains = "nothing",
    undone_by: str = "",
    window_ms: int | None = None,
    by_effect: bool = False,
    locks: tuple[str, ...] = (),
) -> Step:
    """A step that is idempotent, has one undo and never refuses, unless told otherwise.

    By its effect alone: a second landing right after the first changes nothing, and no key is remembered.
    """
    own_undo = () if query or remains != "nothing" else (undo(name),)
    return Step(
        name=name,
        call=Call("service", name),
        schedule=schedule,
        after=after,
        guard=guard,
        otherwise_fails=otherwise_fails,
        query=query,
        pivot=pivot,
        fails=("Refused",) if fails else (),
        idempotent=idempotent and not by_effect,
        idempotent_by_effect=by_effect,
        window_ms=window_ms,
        lands_within_ms=5 if probed or by_effect else None,
        probe=Call("service", f"find_{name}") if probed else None,
        doubt="probe" if probed else doubt,
        intent=intent,
        undos=own_undo if undos is None else undos,
        remains=remains,
        undone_by=undone_by,
        because="it may" if remains != "nothing" else "",
        locks=tuple(Lock(name, (), 100) for name in locks),
    )


def undo(
    name: str,
    *,
    schedule: Schedule = TWICE,
    idempotent: bool = True,
    revokes: bool = False,
    fails: bool = False,
    guard: Expression | None = None,
    residue: str = "",
    window_ms: int | None = None,
) -> Undo:
    """An undo that reads its step's result, unless it revokes: then there may be none."""
    arguments = () if revokes else (("id", Result(name, (), "string")),)
    return Undo(
        call=Call("service", f"undo_{name}", arguments),
        schedule=schedule,
        guard=guard,
        idempotent=idempotent,
        window_ms=window_ms,
        revokes=revokes,
        fails=("Refused",) if fails else (),
        residue=residue,
    )


def plan(*steps: Step, in_order: bool = False, deadline_ms: int | None = None) -> Plan:
    """The plan of these steps, its undo order the reverse of `after`."""
    turned = tuple(_with_undo_after(one, steps) for one in steps)
    inputs = (Field("flag", "bool"),)
    return Plan("Small", 1, (), inputs, turned, rollback_in_order=in_order, deadline_ms=deadline_ms)


def _with_undo_after(one: Step, steps: tuple[Step, ...]) -> Step:
    return replace(one, undo_after=tuple(other.name for other in steps if one.name in other.after))


FLAG: Final = Input(("flag",), "bool")
EITHER: Final[tuple[dict[str, Wire], ...]] = ({"flag": True}, {"flag": False})

PIVOT_END: Final = step("z", ("p",), schedule=FOREVER, remains="irreversible")

LAST: Final = step("c", ("b",), schedule=ONCE, idempotent=False, intent=True, fails=True)

CASES: Final[dict[str, Case]] = {
    "chain of two": Case(plan(step("a", fails=True), step("b", ("a",), fails=True)), duplicating=True),
    "chain of three": Case(plan(step("a"), step("b", ("a",)), step("c", ("b",), fails=True))),
    "fork": Case(plan(step("a"), step("b", ("a",), schedule=ONCE, fails=True), step("c", ("a",)))),
    "join": Case(plan(step("a", fails=True, schedule=ONCE), step("b"), step("c", ("a", "b"), schedule=ONCE))),
    "diamond": Case(
        plan(
            step("a", schedule=ONCE, undos=(undo("a", schedule=ONCE),)),
            step("b", ("a",), schedule=ONCE, undos=(undo("b", schedule=ONCE),)),
            step("c", ("a",), schedule=ONCE, undos=(undo("c", schedule=ONCE),), fails=True),
            step("d", ("b", "c"), schedule=ONCE, undos=(undo("d", schedule=ONCE),)),
        )
    ),
    "query in the middle": Case(
        plan(step("a", schedule=ONCE), step("q", ("a",), query=True, fails=True), step("b", ("q",)), LAST)
    ),
    "left in the middle": Case(
        plan(step("a", schedule=ONCE), step("l", ("a",), remains="left"), step("b", ("l",)), LAST)
    ),
    "skipped in the middle": Case(
        plan(step("a", schedule=ONCE), step("g", ("a",), guard=FLAG), step("c", ("g",), fails=True)), inputs=EITHER
    ),
    "skip between two": Case(
        plan(step("a"), step("g", ("a",), guard=FLAG), step("b", ("g",)), LAST), inputs=({"flag": False},)
    ),
    "skip that is read": Case(
        plan(step("g", guard=FLAG), step("c", ("g",), guard=Status("g", "skipped"), fails=True)), inputs=EITHER
    ),
    "guard that fails": Case(plan(step("a"), step("g", ("a",), guard=FLAG, otherwise_fails="TooMuch")), inputs=EITHER),
    "pivot": Case(
        plan(
            step("a"),
            step("p", ("a",), pivot=True, schedule=FOREVER, remains="irreversible", fails=True),
            PIVOT_END,
        )
    ),
    "pivot beside": Case(
        plan(
            step("p", pivot=True, schedule=FOREVER, remains="irreversible", fails=True),
            step("b", schedule=FOREVER),
        )
    ),
    "fallible after the pivot": Case(
        plan(
            step("a"),
            step("p", ("a",), pivot=True, schedule=FOREVER, remains="irreversible"),
            step("y", ("p",), fails=True),
        )
    ),
    "pivot with an intent": Case(
        plan(
            step("a"),
            step("p", ("a",), pivot=True, idempotent=False, intent=True, remains="irreversible", fails=True),
        )
    ),
    "pivot with a probe": Case(
        plan(
            step("a", schedule=ONCE),
            step("p", ("a",), pivot=True, idempotent=False, probed=True, remains="irreversible", fails=True),
            PIVOT_END,
        )
    ),
    "probed": Case(plan(step("a", schedule=ONCE), step("n", ("a",), idempotent=False, probed=True, fails=True))),
    "probed first": Case(plan(step("n", idempotent=False, probed=True), step("b", ("n",), fails=True, schedule=ONCE))),
    "idempotent and probed": Case(plan(step("a", schedule=ONCE), step("n", ("a",), probed=True, fails=True))),
    "revoking": Case(
        plan(step("a"), step("r", ("a",), doubt="revoke", undos=(undo("r", revokes=True),), fails=True)),
        duplicating=True,
    ),
    "revoking beside": Case(
        plan(
            step("r", doubt="revoke", undos=(undo("r", revokes=True, idempotent=False),)),
            step("b", fails=True, schedule=ONCE),
        )
    ),
    "revoking beside a hold": Case(
        plan(
            step("a", schedule=ONCE),
            step("r", ("a",), doubt="revoke", schedule=ONCE, undos=(undo("r", revokes=True, schedule=ONCE),)),
            step("b", ("a",), idempotent=False, intent=True, schedule=ONCE),
        )
    ),
    "transient": Case(plan(step("a"), step("t", ("a",))), transient=frozenset({"t", "undo t"})),
    "transient alone": Case(plan(step("t")), transient=frozenset({"t"})),
    "transient on a non-idempotent": Case(plan(step("t", idempotent=False, probed=True)), transient=frozenset({"t"})),
    "transient and revoked": Case(
        plan(step("t", doubt="revoke", undos=(undo("t", revokes=True),)), step("b", schedule=ONCE, fails=True)),
        transient=frozenset({"t"}),
    ),
    "bare": Case(plan(step("a"), step("x", ("a",), idempotent=False, intent=True))),
    "undo that fails": Case(
        plan(
            step("a"),
            step("b", ("a",), undos=(undo("b", fails=True),)),
            step("c", ("a",), fails=True, schedule=ONCE),
        )
    ),
    "undo that is not idempotent": Case(
        plan(step("a", undos=(undo("a", idempotent=False),)), step("b", ("a",), fails=True)),
        transient=frozenset({"undo a"}),
    ),
    "undone by another": Case(
        plan(
            step("a"),
            step("u", ("a",), remains="undone by", undone_by="a"),
            step("b", ("u",), fails=True, schedule=ONCE),
        )
    ),
    "guarded compensations": Case(
        plan(
            step("a", undos=(undo("a", guard=FLAG), undo("a", guard=Unary("not", FLAG), residue="a fee"))),
            step("b", ("a",), fails=True),
        ),
        inputs=EITHER,
    ),
    "rollback in order": Case(
        plan(
            step("a", schedule=ONCE, undos=(undo("a", schedule=ONCE),)),
            step("b", schedule=ONCE, undos=(undo("b", schedule=ONCE, fails=True),)),
            step("c", ("a", "b"), schedule=ONCE, fails=True),
            in_order=True,
        )
    ),
    "deadline": Case(plan(step("a"), step("b", ("a",), schedule=ONCE), deadline_ms=100)),
    "window": Case(
        plan(
            step("a", window_ms=WINDOW_MS, undos=(undo("a", window_ms=WINDOW_MS),)),
            step("b", ("a",), fails=True, schedule=ONCE),
        ),
        forgetting=True,
    ),
    "window of a revoke": Case(
        plan(
            step(
                "r",
                window_ms=WINDOW_MS,
                doubt="revoke",
                undos=(undo("r", revokes=True, idempotent=False),),
            ),
            step("b", fails=True, schedule=ONCE),
        ),
        forgetting=True,
    ),
    "repeatable": Case(
        plan(step("n", by_effect=True), step("b", ("n",), schedule=ONCE, fails=True)),
    ),
    "repeatable and refused": Case(
        plan(step("n", by_effect=True, fails=True, doubt="revoke", undos=(undo("n", revokes=True),))),
        transient=frozenset({"n"}),
    ),
    "repeatable and probed": Case(
        plan(step("n", by_effect=True, probed=True), step("b", schedule=ONCE, fails=True)),
    ),
    "repeatable pivot": Case(
        plan(
            step("p", by_effect=True, schedule=FOREVER, doubt="none", pivot=True, remains="irreversible"),
            step("y", ("p",), schedule=FOREVER, by_effect=True),
        )
    ),
    "locked": Case(
        plan(step("a"), step("l", ("a",), locks=("x",)), step("b", ("l",), schedule=ONCE, fails=True)),
    ),
    "locked beside": Case(
        plan(step("l", locks=("x", "y"), schedule=ONCE), step("m", locks=("y",), schedule=ONCE, fails=True)),
    ),
    "locked with an intent": Case(
        plan(
            step("a"),
            step("x", ("a",), idempotent=False, intent=True, schedule=ONCE, undos=(undo("x"),), locks=("x",)),
        )
    ),
    "locked pivot": Case(
        plan(
            step("a"),
            step("p", ("a",), schedule=FOREVER, pivot=True, remains="irreversible", locks=("x",)),
            step("y", ("p",), locks=("y",)),
        )
    ),
}
"""By name; the names are what the tests pin their figures to."""

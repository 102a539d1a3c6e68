"""C3 and C4, keys: no two calls that differ share an idempotency key, and a key never changes.

A key is a digest of canonical JSON of the saga's name, the run's key, the step and the direction (R13). Canonical JSON
can be read back (`decoded`), so two texts are equal only if all their parts are: what is left to show is that the parts
tell every two calls apart, and that none of them depends on an attempt, a clock or a version. Language 1 has no keys
that an author writes: what an author chooses is the run's key, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from sagac.compiler import notation, wording
from sagac.compiler.model import Project, Saga
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted, Verdict
from sagac.runtime.plan import Enum, Expression, Input, Plan, Result, Status, Step, Wire

DIGEST: Final = "no two keys are the same by chance: 128 bits of SHA-256"

SPELLED_ONCE: Final = frozenset({"string", "int", "uuid", "bool", "timestamp", "duration"})
"""Types of which equal values have one text in the journal."""


def owe(project: Project, saga: Saga, plan: Plan) -> tuple[Obligation, ...]:
    """One claim for the keys of a saga, and one for what they and the calls under them are made of."""
    apart = Claim(
        "C3",
        saga.full_name,
        "",
        "two calls have the same key only if they are the same call of the same run",
        saga.name_span,
    )
    stable = Claim(
        "C4", saga.full_name, "", "a key, and what is sent under it, is the same for every attempt", saga.name_span
    )
    return Settled(apart, injectivity(project, saga, plan)), Settled(stable, stability(saga, plan))


# --- C3 -------------------------------------------------------------------------------------------------------------


def injectivity(project: Project, saga: Saga, plan: Plan) -> Verdict:
    """Whether saga, run key, step and direction tell every two calls apart."""
    for found in (*ambiguous_names(project, saga, plan), *ambiguous_runs(plan)):
        return found
    return Proved((DIGEST,))


def ambiguous_names(project: Project, saga: Saga, plan: Plan) -> Iterator[Refuted]:
    """Two sagas, or two steps, of one name."""
    if plan.saga != saga.full_name:
        yield wrong(f"the emitted plan makes its keys under the name `{plan.saga}`", "generate the module again")
    if sum(other.full_name == saga.full_name for other in project.sagas) > 1:
        yield wrong(f"two sagas are called `{saga.full_name}`: their runs would share keys", "rename one of them")
    for name, count in Counter(step.name for step in plan.steps).items():
        if count > 1:
            yield wrong(f"two steps are called `{name}`: their calls would share keys", "rename one of them")


def ambiguous_runs(plan: Plan) -> Iterator[Refuted]:
    """A run that its key does not name: the key has no fields, or a value of one is spelled in several ways."""
    types = {field.name: field.type for field in plan.inputs}
    enums = {one.name for one in plan.types if isinstance(one, Enum)}
    if not plan.key:
        yield wrong("a run has no key: all runs would share theirs", "write `key` with the input that names a run")
    for name in plan.key:
        if name not in types:
            yield wrong(f"the key names `{name}`, which is no input", "name an input")
        elif types[name] not in SPELLED_ONCE | enums:
            yield wrong(
                f"the key field `{name}` is a `{types[name]}`: one value has several texts, or none",
                "let the key be made of fields that have one text for each value",
            )


def decoded(text: bytes) -> tuple[str, tuple[Wire, ...], str, str]:
    """Saga, run key, step and direction, read back from what a key is a digest of: that is why it is injective."""
    saga, run_key, step, element, direction = msgspec.json.decode(text)
    assert element is None, element
    return saga, tuple(msgspec.json.decode(run_key)), step, direction


# --- C4 -------------------------------------------------------------------------------------------------------------


def stability(saga: Saga, plan: Plan) -> Verdict:
    """Whether keys are made of the input alone, and what is sent of that and of results that were there before."""
    inputs = {field.name for field in plan.inputs}
    for name in plan.key:
        if name not in inputs:
            return wrong(f"the key names `{name}`, which is not journaled when the run starts", "name an input")
    settled = before(plan)
    for step in plan.steps:
        for expression in sent(step):
            for leaf in notation.leaves(expression):
                late = changing(leaf, settled, step.name, inputs)
                if late:
                    return wrong(
                        f"what `{step.name}` sends may change from one attempt to the next: it reads {late}",
                        f"let `{step.name}` come after what it reads",
                    )
    return Proved()


def before(plan: Plan) -> dict[str, tuple[int, int]]:
    """For each step its place, and the set of the places of all that has settled when it is enabled, by the plan."""
    settled: dict[str, tuple[int, int]] = {}
    for place, step in enumerate(plan.steps):
        members = 0
        for earlier in step.after:
            at, known = settled.get(earlier, (0, 0))
            members |= known | (1 << at if earlier in settled else 0)
        settled[step.name] = place, members
    return settled


def sent(step: Step) -> Iterator[Expression]:
    """What is evaluated for each attempt of a do, and of its probe; by the time of an undo nothing changes any more."""
    yield from (value for _, value in step.call.arguments)
    if step.probe is not None:
        yield from (value for _, value in step.probe.arguments)
    yield from (key for lock in step.locks for key in lock.keys)


def changing(leaf: Expression, settled: Mapping[str, tuple[int, int]], step: str, inputs: set[str]) -> str:
    """What a leaf reads that may change while the step is under way; empty where it reads no such thing."""
    match leaf:
        case Input() if leaf.path[0] not in inputs:
            return f"`{wording.expression(leaf)}`, which is no input"
        case Result() | Status() if leaf.step not in settled or not settled[step][1] >> settled[leaf.step][0] & 1:
            return f"`{wording.expression(leaf)}`, which may not be settled by then"
        case _:
            return ""


def wrong(message: str, help: str) -> Refuted:
    return Refuted(Critical((message,)), message, help=(help,))

"""Small random sagas, built as models: guards, guarded undos, pivots and readings that may or may not be sound."""

from __future__ import annotations

from random import Random
from typing import Final

from sagac.compiler import graph, planner
from sagac.compiler.graph import Graph
from sagac.compiler.model import (
    Call,
    Dependency,
    Guard,
    Handler,
    InputField,
    Lock,
    Operation,
    Parameter,
    Project,
    Remainder,
    Resource,
    Saga,
    Service,
    Step,
)
from sagac.compiler.source import Span
from sagac.runtime.plan import Binary, Constant, Expression, Input, Plan, Result, Schedule, Status, Unary

PLACE: Final = Span("drawn.saga", 0, 0)
ONCE: Final = Schedule(timeout_ms=1, retries=0, backoff_first_ms=1, backoff_max_ms=1)
FOREVER: Final = Schedule(timeout_ms=1, retries=None, backoff_first_ms=1, backoff_max_ms=1)

RECORD: Final = Resource(
    service="work",
    name="Record",
    keys=(Parameter("n", "int", PLACE),),
    fields=(),
    states=("none", "there"),
    initial="none",
    clean=frozenset({"none"}),
    done=frozenset({"none", "there"}),
    invariants=(),
    observe="",
    span=PLACE,
)
"""What a step may lock: then it can fail."""

AMOUNTS: Final = (0, 1, 2, 3, 4)
"""Every threshold, and an amount on each side of it."""
NUMBERS: Final = (0, 5)


def project() -> Project:
    """One service that promises all that a plan needs."""
    number = (Parameter("n", "int", PLACE),)
    operations = {
        "sure": operation("sure", number, number),
        "may": operation("may", number, number, "Refused"),
        "undo": operation("undo", number, None),
        "look": operation("look", number, number, kind="query"),
    }
    service = Service("work", "", False, None, "", operations, {"Record": RECORD}, True, PLACE)
    return Project({"work": service}, {}, (), ("drawn.saga",))


def operation(
    name: str,
    parameters: tuple[Parameter, ...],
    result: tuple[Parameter, ...] | None,
    *fails: str,
    kind: str = "command",
) -> Operation:
    return Operation(
        name=name,
        kind="query" if kind == "query" else "command",
        parameters=parameters,
        result=result,
        result_record="",
        result_optional=False,
        fails=fails,
        idempotent=True,
        window_ms=None,
        lands_within_ms=None,
        probe=None,
        revokes="",
        declared=True,
        span=PLACE,
    )


def saga(random: Random, steps: int) -> Saga:
    """A saga of so many steps; about one in three has something wrong with it."""
    names = tuple(f"s{place}" for place in range(steps))
    pivots = frozenset(random.sample(names, random.choice((0, 1, 1, 1, 2)) if steps > 1 else 0))
    drawn: list[Step] = []
    for place, name in enumerate(names):
        drawn.append(step(random, name, names[:place], drawn, pivots))
    inputs = (
        InputField("amount", "int", None, False, None, PLACE),
        InputField("flag", "bool", None, False, None, PLACE),
    )
    return Saga(
        package="",
        name="Drawn",
        version=1,
        owner="",
        key=("amount",),
        inputs=inputs,
        outputs=(),
        steps=tuple(drawn),
        deadline_ms=None,
        rollback_within_ms=None,
        rollback_in_order=False,
        scenarios=(),
        waivers=(),
        unproved=(),
        span=PLACE,
        name_span=PLACE,
    )


def planned(project: Project, saga: Saga) -> tuple[Graph, Plan]:
    """The saga's graph and plan."""
    built, findings = graph.build(saga)
    assert not [finding for finding in findings if finding.severity == "error"]
    return built, planner.plan(project, saga, built)


def step(random: Random, name: str, before: tuple[str, ...], drawn: list[Step], pivots: frozenset[str]) -> Step:
    after = tuple(sorted(random.sample(before, random.randint(0, min(2, len(before))))))
    above = ancestors(after, drawn)
    guard = condition(random, above) if random.random() < 0.5 else None
    argument = (
        Result(random.choice(above), ("n",), "int") if above and random.random() < 0.2 else Input(("amount",), "int")
    )
    dependencies = tuple(Dependency(other, False, PLACE) for other in after)
    late = any(other in pivots for other in above)
    command = random.choice(("sure", "sure", "sure", "look", "may")) if late else random.choice(("may", "sure", "look"))
    pivot = name in pivots
    if pivot:
        command = random.choice(("sure", "may"))
    handlers, remainder = undos(random, name, above) if command != "look" and not pivot and not late else ((), None)
    return Step(
        name=name,
        call=Call("work", command, (("n", argument),), (PLACE,), PLACE),
        dependencies=dependencies,
        guard=None if guard is None else Guard(guard, PLACE),
        otherwise_fails="Guarded" if guard is not None and random.random() < 0.25 else "",
        handlers=handlers,
        remainder=remainder,
        pivot=pivot,
        schedule=FOREVER if (late or pivot) and random.random() < 0.85 else random.choice((ONCE, ONCE, FOREVER)),
        schedule_span=PLACE,
        holds_unknown=True,
        span=PLACE,
        name_span=PLACE,
        locks=(Lock("work.Record", (argument,), 1, PLACE),) if random.random() < 0.1 else (),
    )


def ancestors(after: tuple[str, ...], drawn: list[Step]) -> tuple[str, ...]:
    """All that a step with these dependencies comes after."""
    found = set(after)
    for step in reversed(drawn):
        if step.name in found:
            found |= {dependency.step for dependency in step.dependencies}
    return tuple(sorted(found))


def undos(random: Random, name: str, above: tuple[str, ...]) -> tuple[tuple[Handler, ...], Remainder | None]:
    """One undo, a guarded one, two, none, or a reason for none."""
    match random.choice(("one", "one", "one", "guarded", "two", "left", "irreversible", "none")):
        case "one":
            return (handler(random, None, name, above),), None
        case "guarded":
            return (handler(random, condition(random, (*above, name)), name, above),), None
        case "two":
            first = condition(random, (*above, name))
            second = Unary("not", first) if random.random() < 0.6 else condition(random, (*above, name))
            return (handler(random, first, name, above), handler(random, second, name, above)), None
        case "left":
            return (), Remainder("left", "", "it may stay", PLACE)
        case "irreversible":
            return (), Remainder("irreversible", "", "it is gone", PLACE)
        case _:
            return (), None


def handler(random: Random, guard: Expression | None, name: str, above: tuple[str, ...]) -> Handler:
    source = random.choice((*above, name)) if random.random() < 0.3 else ""
    argument = Result(source, ("n",), "int") if source else Input(("amount",), "int")
    call = Call("work", "undo", (("n", argument),), (PLACE,), PLACE)
    return Handler(call, None if guard is None else Guard(guard, PLACE), FOREVER, False, "", PLACE)


def condition(random: Random, readable: tuple[str, ...]) -> Expression:
    """A condition over the input, and over what steps before have come to."""
    if random.random() < 0.25:
        operator = "and" if random.random() < 0.5 else "or"
        left, right = condition(random, readable), condition(random, readable)
        return Binary("and", left, right) if operator == "and" else Binary("or", left, right)
    kinds = ["amount", "amount", "flag", "not flag", *(["result", "done"] if readable else [])]
    match random.choice(kinds):
        case "amount":
            threshold = Constant(random.choice((1, 3)), "int")
            amount = Input(("amount",), "int")
            return Binary(">", amount, threshold) if random.random() < 0.5 else Binary("<", amount, threshold)
        case "flag":
            return Input(("flag",), "bool")
        case "not flag":
            return Unary("not", Input(("flag",), "bool"))
        case "done":
            return Status(random.choice(readable), random.choice(("done", "skipped")))
        case _:
            return Binary(">", Result(random.choice(readable), ("n",), "int"), Constant(2, "int"))

"""Generated sagas: chains, wide and random graphs with guards, and with one defect on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, TypeAlias

Shape: TypeAlias = Literal["chain", "wide", "random"]

Defect: TypeAlias = Literal["", "A1", "A2", "A6", "C1", "D1", "D2"]
"""The family of the only claim that does not hold; empty for none."""

HEAD: Final = """\
enum Tier { standard, silver, gold }

service work {
  owner "bench"

  command begin(order: uuid, amount: int) -> { amount: int }
    idempotent
    fails Refused

  command revert(order: uuid, amount: int)
    idempotent
    revokes begin

  command start(order: uuid, amount: int) -> { amount: int }
    fails Refused

  command finish(order: uuid, amount: int) -> { amount: int }
    idempotent

  query look(order: uuid) -> { amount: int }
}

saga Generated version 1 {
  key order

  input {
    order: uuid
    amount: int where amount >= 0
    tier: Tier = standard
    express: bool = false
  }

"""

BEFORE: Final = 0.8
"""The part of the steps that comes before the pivot."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A step before it is written."""

    name: str
    after: tuple[str, ...]
    kind: Literal["command", "query", "pivot", "final"]
    guard: str = ""
    fails: bool = False
    """The guard fails the step instead of skipping it."""
    reads: str = ""
    """The step whose result it reads; empty for the input."""
    defect: Defect = ""


def text(shape: Shape, steps: int, seed: int, defect: Defect = "") -> str:
    """A saga of so many steps. Nothing is wrong with it but the defect."""
    random = Random(seed)
    names = tuple(f"s{number}" for number in range(steps))
    early = max(1, int(steps * BEFORE))
    orders = ORDERS[shape](random, names[:early]) | after_pivot(shape, names[early:])
    orders[names[early]] = tuple(sinks(orders, names[:early]))
    broken = {"": -1, "A1": steps - 1}.get(defect, early // 2)
    drawn: dict[str, Drawn] = {}
    for number, name in enumerate(names):
        here: Defect = defect if number == broken else ""
        drawn[name] = draw(random, drawn, name, orders[name], kind(random, number, early, here), here)
    return HEAD + "".join(written(step) for step in drawn.values()) + "}\n"


# --- orders --------------------------------------------------------------------------------------------------------


def chain(random: Random, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Each after the one before."""
    return {name: tuple(names[max(0, place - 1) : place]) for place, name in enumerate(names)}


def wide(random: Random, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """All after the first."""
    return {name: tuple(names[:1]) if place else () for place, name in enumerate(names)}


def scattered(random: Random, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Each after one to three of the thirty before."""
    found: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(names):
        near = names[max(0, place - 30) : place]
        found[name] = tuple(sorted(random.sample(near, min(len(near), random.randint(1, 3))), key=names.index))
    return found


ORDERS: Final[dict[Shape, Callable[[Random, tuple[str, ...]], dict[str, tuple[str, ...]]]]] = {
    "chain": chain,
    "wide": wide,
    "random": scattered,
}


def after_pivot(shape: Shape, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The pivot, and what comes after it."""
    if shape == "chain":
        return {name: tuple(names[max(0, place - 1) : place]) for place, name in enumerate(names)}
    return dict.fromkeys(names, names[:1])


def sinks(orders: dict[str, tuple[str, ...]], names: tuple[str, ...]) -> list[str]:
    """The steps that nothing comes after."""
    waited = {earlier for name in names for earlier in orders[name]}
    return [name for name in names if name not in waited]


# --- steps ---------------------------------------------------------------------------------------------------------


def kind(random: Random, number: int, early: int, defect: Defect) -> Literal["command", "query", "pivot", "final"]:
    if number == early:
        return "pivot"
    if number > early:
        return "final"
    return "query" if not defect and number and random.random() < 0.1 else "command"


def draw(
    random: Random,
    drawn: dict[str, Drawn],
    name: str,
    after: tuple[str, ...],
    kind: Literal["command", "query", "pivot", "final"],
    defect: Defect,
) -> Drawn:
    """A step with a guard or not, reading an earlier result or not, so that everything it reads is there."""
    guard = "" if kind == "pivot" or not after or random.random() > 0.3 else condition(random, drawn, after)
    source = random.choice(after) if after else ""
    readable = source and (not drawn[source].guard or drawn[source].fails or drawn[source].guard == guard)
    reads = source if readable and random.random() < 0.5 else ""
    if defect == "A6":
        guard = "amount > 100 and amount < 50"
    if defect == "D1":
        return Drawn(name, after, kind, "", False, skipped(drawn, name), defect)
    if not defect and kind == "command" and random.random() < 0.03:
        # None of these implies another one, and all can hold together.
        return Drawn(name, after, kind, f"amount != {1_000_000 + len(drawn)}", True, "", defect)
    return Drawn(name, after, kind, "" if defect == "A2" else guard, False, "" if defect == "A6" else reads, defect)


def condition(random: Random, drawn: dict[str, Drawn], after: tuple[str, ...]) -> str:
    """A guard over the input, or over a result that is always there."""
    sure = [name for name in after if not drawn[name].guard or drawn[name].fails]
    choices = [f"amount > {random.randint(0, 5000)}", f"amount <= {random.randint(1, 5000)}"]
    choices += [f"tier == {random.choice(['standard', 'silver', 'gold'])}", "express", "not express"]
    choices += [f"express or amount < {random.randint(1, 900)}"]
    if sure:
        choices += [f"{random.choice(sure)}.amount > {random.randint(-500, 500)}"] * 2
    return random.choice(choices)


def skipped(drawn: dict[str, Drawn], name: str) -> str:
    """The latest step before that can be skipped."""
    return next(step.name for step in reversed(drawn.values()) if step.guard and not step.fails)


def written(step: Drawn) -> str:
    """A step's text."""
    order = f" after {', '.join(step.after)}" if step.after else ""
    guard = f"    when {step.guard}{' else fail Guarded' if step.fails else ''}\n" if step.guard else ""
    value = f"{step.reads}.amount" if step.reads else "amount"
    head = f"  {'pivot ' if step.kind == 'pivot' else ''}step {step.name}{order} {{\n{guard}"
    return head + "".join(f"    {line}\n" for line in clauses(step, value)) + "  }\n\n"


def clauses(step: Drawn, value: str) -> tuple[str, ...]:
    match step.kind:
        case "query":
            return ("do work.look(order)",)
        case "pivot":
            return (
                f"do work.finish(order, {value})",
                'irreversible because "it is paid"',
                "retry forever backoff 1s to 1m",
            )
        case "final":
            command = "begin" if step.defect == "A1" else "finish"
            return (f"do work.{command}(order, {value})", "retry forever backoff 1s to 1m")
        case "command":
            command = "start" if step.defect == "C1" else "begin"
            when = " when amount > 10" if step.defect == "A2" else ""
            undone = f"{step.name}.amount" if step.defect == "D2" else "amount"
            return (f"do work.{command}(order, {value})", f"compensate work.revert(order, {undone}){when}")

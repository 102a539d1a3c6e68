"""Generated sagas with records, locks, rules and times: every family of claims has something to prove in each of them.

Steps come in kinds, by what they do to records; the kinds take turns. With a defect, a few steps with contracts of
their own come in between, of which exactly one claim does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from bench import flaws
from bench.generate import ORDERS, Shape, sinks

LOCKS: Final = 20
"""So many locks are taken, one after the other."""

ACCOUNTS: Final = 10
"""So many accounts, counters and members are named by the input; steps share them."""

BEFORE: Final = 0.8
"""The part of the steps that comes before the pivot, if there is enough to do behind it."""

TURNS: Final = (
    "own", "hold", "escrow", "guarded", "shared", "counter", "parent", "version", "fee", "own", "hold", "query",
)  # fmt: skip
"""The kinds of steps before the pivot, in turns; beside them the locked ones, and a child for each parent."""

CONTRACTS: Final = """\
service documents {
  resource Doc[order: uuid, part: int] { states none*, open, closed  clean none, closed  done open }
  command open(order: uuid, part: int) changes Doc[order, part] none -> open  idempotent  fails Known
  command close(order: uuid, part: int) changes Doc[order, part] open -> closed  idempotent  revokes open
}

service hall {
  resource Seat[show: string, seat: int] { states free*, taken }
  command take(show: string, seat: int) changes Seat[show, seat] free -> taken  idempotent  fails Taken
  command free(show: string, seat: int) changes Seat[show, seat] taken -> free  idempotent  revokes take
}

service warehouse {
  resource Stock[sku: string, bin: int] {
    available: int
    held: int hold
    invariant available >= 0 and held >= 0
  }
  command reserve(sku: string, bin: int, quantity: int)
    changes Stock[sku, bin] { requires available >= quantity  available -= quantity  held += quantity }
    idempotent  fails OutOfStock  holds for 36600d
  command release(sku: string, bin: int, quantity: int)
    changes Stock[sku, bin] { available += quantity  held -= quantity }
    idempotent  revokes reserve
  command dispatch(sku: string, bin: int, quantity: int)
    changes Stock[sku, bin] { held -= quantity }
    idempotent
}

service bank {
  resource Account[account: string] { balance: decimal  invariant balance >= 0 }
  command debit(account: string, amount: decimal)
    changes Account[account] { requires balance >= amount  balance -= amount }
    idempotent  fails Broke
  command recredit(account: string, amount: decimal)
    changes Account[account] { balance += amount }
    idempotent  revokes debit
}

service ledger {
  resource Book[book: string] { balance: int  invariant balance >= 0 }
  command withdraw(book: string, amount: int)
    changes Book[book] { requires balance >= amount  balance -= amount }
    idempotent  fails Broke
  command restore(book: string, amount: int)
    changes Book[book] { balance += amount }
    idempotent  revokes withdraw
  command deposit(book: string, amount: int)
    changes Book[book] { balance += amount }
    idempotent
}

service traffic {
  resource Counter[day: string] { count: int }
  command count(day: string) changes Counter[day] { count += 1 }  idempotent  fails Closed
  command uncount(day: string) changes Counter[day] { count -= 1 }  idempotent  revokes count
}

service club {
  resource Card[member: string, card: int] { points: int  version: int  invariant points >= 0 }
  command grant(member: string, card: int, points_more: int) -> { seen: int }
    changes Card[member, card] { points += points_more  version += 1  yields seen = version }
    idempotent  fails Closed
  command take_back(member: string, card: int, points_more: int, seen: int)
    changes Card[member, card] {
      requires version == seen + 1 and points >= points_more
      points -= points_more
      version -= 1
    }
    idempotent  fails Moved
}

service registry {
  resource Client[order: uuid, part: int] { states none*, active }
  resource Contract[order: uuid, part: int] {
    states none*, active
    of: uuid references Client[of, place]
    place: int
  }
  command register(order: uuid, part: int) changes Client[order, part] none -> active  idempotent  fails Known
  command strike(order: uuid, part: int) changes Client[order, part] active -> none  idempotent  revokes register
  command sign(order: uuid, part: int)
    changes Contract[order, part] none -> active { of := order  place := part }
    idempotent  fails Refused
  command void(order: uuid, part: int) changes Contract[order, part] active -> none  idempotent  revokes sign
}

service tariff {
  resource Fee[order: uuid, part: int] { paid: int = 0  fees: int = 0 }
  command charge(order: uuid, part: int, amount: int)
    changes Fee[order, part] { paid += amount }
    idempotent  fails Declined
  command refund(order: uuid, part: int, amount: int)
    changes Fee[order, part] { paid -= amount  fees += 1 }
    idempotent  revokes charge
}

service work {
  command begin(order: uuid, amount: int) -> { amount: int }  idempotent  fails Refused
  command revert(order: uuid, amount: int)  idempotent  revokes begin
  command finish(order: uuid, amount: int) -> { amount: int }  idempotent
  query look(order: uuid) -> { amount: int }
}
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A step: its name, what it comes after, and its clauses."""

    name: str
    after: tuple[str, ...]
    clauses: tuple[str, ...]
    pivot: bool = False


def text(shape: Shape, steps: int, seed: int, defect: str = "") -> str:
    """A saga of so many steps. Nothing is wrong with it but the defect, a family of `flaws`."""
    early = tuple(before_pivot(shape, round(steps * BEFORE), Random(seed)))
    orders = {step.name: step.after for step in early}
    pivot = Written(
        "pivot_step",
        tuple(sinks(orders, tuple(orders))),
        ("do work.finish(order, amount)", 'irreversible because "it is paid"', "retry forever backoff 1s to 1m"),
        pivot=True,
    )
    late = tuple(behind_pivot(shape, early, steps - len(early) - 1))
    flaw = flaws.FLAWS[defect] if defect else flaws.NONE
    middle = len(early) // 2
    body = (
        *map(written, early[:middle]),
        flaw.steps.replace("BEFORE", early[middle - 1].name),
        *map(written, early[middle:]),
        written(pivot) if not flaw.tail else written(pivot).replace(" after ", f" after {flaw.tail}, ", 1),
        *map(written, late),
    )
    return "".join((CONTRACTS, tariffs(), flaw.contracts, head(flaw.inputs), *body, ensured(early), flaw.claims, "}\n"))


def tariffs() -> str:
    """A resource of its own for each lock: locks of one resource could stand in a circle."""
    return "".join(
        f"""
service shop{number} {{
  resource Price{number}[item: string] {{ amount: decimal }}
  command set(item: string, new: decimal) -> {{ before: decimal }}
    changes Price{number}[item] {{ amount := new  yields before = amount }}
    idempotent  fails Closed  lands within 1m  probe find(item)
  command reset(item: string, old_amount: decimal) changes Price{number}[item] {{ amount := old_amount }}  idempotent
  query find(item: string) -> {{ before: decimal }}?
}}
"""
        for number in range(LOCKS)
    )


def head(more: str) -> str:
    """The saga up to its first step."""
    named = "".join(
        f"    account{number}: string\n    paid{number}: decimal where paid{number} > 0\n    day{number}: string\n"
        for number in range(ACCOUNTS)
    )
    return f"""
saga Generated version 1 {{
  key order

  input {{
    order: uuid
    amount: int where amount > 0
    sku: string
    show: string
    member: string
    item: string
    price: decimal where price > 0
    sender: string
    recipient: string where recipient != sender
    express: bool = false
{named}{more}  }}

  deadline 36600d
  rollback within 36600d

"""


# --- before the pivot ----------------------------------------------------------------------------------------------


def before_pivot(shape: Shape, count: int, random: Random) -> Iterator[Written]:
    """The steps that can be undone, in the shape's order; a locked one also waits for the lock before its own."""
    names = tuple(f"s{number}" for number in range(count))
    orders = ORDERS[shape](random, names)
    every = max(2, count // LOCKS)
    kinds: dict[str, str] = {}
    turn = locks = 0
    for number, name in enumerate(names):
        after = orders[name]
        if number % every == every - 1 and locks < LOCKS:
            kinds[name] = f"lock {locks}"
            after = (*after, *(other for other, kind in kinds.items() if kind == f"lock {locks - 1}"))
            locks += 1
        elif number and kinds[names[number - 1]] == "parent":
            kinds[name] = "child"
            after = (*after, names[number - 1])
        elif number == 0:
            kinds[name] = "withdraw"
        else:
            kinds[name] = TURNS[turn % len(TURNS)]
            turn += 1
        yield Written(name, tuple(dict.fromkeys(after)), clauses(kinds[name], name, number))


def clauses(kind: str, name: str, number: int) -> tuple[str, ...]:
    """What a step of this kind says."""
    kind, _, lock = kind.partition(" ")
    which = number % ACCOUNTS
    match kind:
        case "own":
            return f"do documents.open(order, {number})", f"compensate documents.close(order, {number})"
        case "shared":
            return f"do hall.take(show, {number})", f"compensate hall.free(show, {number})"
        case "hold":
            return (
                f"do warehouse.reserve(sku, {number}, amount)",
                f"compensate warehouse.release(sku, {number}, amount)",
            )
        case "escrow":
            return (
                f"do bank.debit(account{which}, paid{which})",
                f"compensate bank.recredit(account{which}, paid{which})",
            )
        case "withdraw":
            return "do ledger.withdraw(sender, amount)", "compensate ledger.restore(sender, amount)"
        case "counter":
            return f"do traffic.count(day{which})", f"compensate traffic.uncount(day{which})"
        case "version":
            return (
                f"do club.grant(member, {number}, amount)",
                f"compensate club.take_back(member, {number}, amount, {name}.seen) "
                '{ on refusal hold because "the card has moved since" }',
                "on unknown hold",
            )
        case "parent":
            return f"do registry.register(order, {number})", f"compensate registry.strike(order, {number})"
        case "child":
            return f"do registry.sign(order, {number - 1})", f"compensate registry.void(order, {number - 1})"
        case "fee":
            return (
                f"do tariff.charge(order, {number}, amount)",
                f'mitigate tariff.refund(order, {number}, amount) because "the fee is kept"',
            )
        case "lock":
            return (
                f"lock Price{lock}[item] within 10s",
                f"do shop{lock}.set(item, price)",
                f"compensate shop{lock}.reset(item, {name}.before)",
                "on unknown hold",
            )
        case "guarded":
            return (
                f"when amount > {number % 7 + 1} or express",
                "do work.begin(order, amount)",
                "compensate work.revert(order, amount)",
            )
        case "query":
            return ("do work.look(order)",)
        case _:
            raise AssertionError(kind)


# --- behind the pivot ----------------------------------------------------------------------------------------------


def behind_pivot(shape: Shape, early: Sequence[Written], count: int) -> Iterator[Written]:
    """What has to be finished: what is held is dispatched, what was withdrawn is deposited; and so on."""
    held = [step for step in early if "warehouse.reserve" in step.clauses[0]]
    todo = [
        "do ledger.deposit(recipient, amount)",
        *(step.clauses[0].replace("reserve", "dispatch") for step in held),
    ]
    todo += ["do work.finish(order, amount)"] * (count - len(todo))
    before = "pivot_step"
    for number, do in enumerate(todo):
        name = f"f{number}"
        yield Written(name, (before,), (do, "retry forever backoff 1s to 1m"))
        if shape == "chain":
            before = name


def ensured(early: Sequence[Written]) -> str:
    """What the saga promises as a whole."""
    first = next(step for step in early if "documents.open" in step.clauses[0])
    part = first.name.removeprefix("s")
    child = next((step for step in early if "registry.sign" in step.clauses[0]), None)
    lines = [
        f"ensure at completed: Doc[order, {part}] == open",
        "ensure at completed: Book[sender].balance + Book[recipient].balance"
        " == old(Book[sender].balance) + old(Book[recipient].balance)",
        "ensure at compensated: Book[sender].balance == old(Book[sender].balance)",
        f"require {first.name}.done before pivot_step when amount > 1000",
    ]
    if child is not None:
        place = int(child.name.removeprefix("s")) - 1
        lines.append(f"ensure always: Contract[order, {place}] == active implies Client[order, {place}] == active")
    return "".join(f"  {line}\n" for line in lines)


def written(step: Written) -> str:
    """A step's text."""
    order = f" after {', '.join(step.after)}" if step.after else ""
    lines = "".join(f"    {line}\n" for line in step.clauses)
    return f"  {'pivot ' if step.pivot else ''}step {step.name}{order} {{\n{lines}  }}\n\n"

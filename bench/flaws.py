"""Defects to seed: steps with contracts of their own, of which exactly one family of claims does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is added to a generated saga."""

    contracts: str = ""
    inputs: str = ""
    steps: str = ""
    """`BEFORE` stands for the step that they come after."""
    tail: str = ""
    """The step that the pivot waits for."""
    claims: str = ""


NONE: Final = Flaw()

FEE: Final = """
service flawed {
  resource Tab[order: uuid] { paid: int = 0  fees: int = 0 }
  command pay(order: uuid, amount: int) changes Tab[order] { paid += amount }  idempotent  fails Declined
  command repay(order: uuid, amount: int)
    changes Tab[order] { paid -= amount  fees += 1 }
    idempotent  revokes pay
}
"""

TAG: Final = """
service flawed {
  resource Tag[item: string] { amount: decimal }
  command set(item: string, new: decimal) -> { before: decimal }
    changes Tag[item] { amount := new  yields before = amount }
    idempotent  fails Closed  lands within 1m  probe find(item)
  command reset(item: string, old_amount: decimal) changes Tag[item] { amount := old_amount }  idempotent
  query find(item: string) -> { before: decimal }?
}
"""

FLAWS: Final[Mapping[str, Flaw]] = {
    "A2": Flaw(
        steps="""
  step flaw after BEFORE {
    do work.begin(order, amount)
    compensate work.revert(order, amount) when amount > 10
  }
""",
        tail="flaw",
    ),
    "B1": Flaw(
        contracts=FEE,
        steps="""
  step flaw after BEFORE { do flawed.pay(order, amount)  compensate flawed.repay(order, amount) }
""",
        tail="flaw",
    ),
    "B4": Flaw(
        contracts=TAG,
        steps="""
  step flaw after BEFORE {
    do flawed.set(member, price)
    compensate flawed.reset(member, flaw.before)
    on unknown hold
  }
""",
        tail="flaw",
    ),
    "D3": Flaw(
        steps="""
  step flaw after BEFORE {
    when amount < 100  do work.begin(order, amount)  compensate work.revert(order, amount)
  }
  step other_flaw after BEFORE {
    when amount > 100  do work.begin(order, amount)  compensate work.revert(order, amount)
  }
""",
        tail="flaw, other_flaw",
        claims="  exactly one of flaw, other_flaw\n",
    ),
    "F": Flaw(
        steps="""
  step flaw after BEFORE {
    when amount > 5000
    do work.begin(order, amount)
    compensate work.revert(order, amount)
  }
""",
        tail="flaw",
        claims="  require flaw.done before pivot_step when amount > 1000\n",
    ),
}
"""By the family of the claim that does not hold."""

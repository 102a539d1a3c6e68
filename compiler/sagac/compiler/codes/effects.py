"""Codes of the proofs about effects: what commands do to records, and what their undos give back."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

INVERSE = """
service wallet {
  owner "payments"
  resource Account[customer: string] {
    balance: int
    invariant balance >= 0
  }
  command charge(order: uuid, customer: string, amount: int)
    changes Account[customer] { requires balance >= amount + 2  balance -= amount + 2 }
    idempotent
    fails NotEnough
  command refund(order: uuid, customer: string, amount: int)
    changes Account[customer] { balance += REFUNDED }
    idempotent
    revokes charge
}

saga Order version 1 {
  key order
  input { order: uuid  customer: string  amount: int where amount > 0 }
  step charge {
    do wallet.charge(order, customer, amount)
    compensate wallet.refund(order, customer, amount)
  }
}
"""

CODES: tuple[Code, ...] = (
    Code(
        "B1",
        "error",
        "an undo does not restore what its step changed",
        """
Right after a step, its undo has to be accepted by the service, and to leave every record as it was before the step.
With unordered steps that commute (B2), every rollback then restores what was there, in whatever order it happens.

A record may also end in a state that its resource declares `clean`. Of a record that the run owns, because it is keyed
by all key fields of the run, nothing more matters then; of a record that runs share, its fields have to be as before.

The trace shows the records before the step, after it and after its undo, and what was expected. Either let the undo
give back what the step takes, with what the step found if it has overwritten something (`yields old = field`), or say
`mitigate … because "…"`: what stays different is then no error, but reported as residue.
""",
        INVERSE.replace("REFUNDED", "amount"),
        INVERSE.replace("REFUNDED", "amount + 2"),
    ),
)

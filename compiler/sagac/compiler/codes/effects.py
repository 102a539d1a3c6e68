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

HOLD = """
service theatre {
  owner "front office"
  resource Show[show: string] {
    free: int
    pending: int hold
    invariant free >= 0 and pending >= 0
  }
  command hold(order: uuid, show: string, seats: int)
    changes Show[show] { requires free >= seats  free -= seats  pending += seats }
    idempotent
    fails SoldOut
  command release(order: uuid, show: string, seats: int)
    changes Show[show] { free += seats  pending -= seats }
    idempotent
    revokes hold
  command confirm(order: uuid, show: string, seats: int)
    changes Show[show] { pending -= seats }
    idempotent
}

saga Tickets version 1 {
  key order
  input { order: uuid  show: string  seats: int where seats > 0  member: bool }
  step hold {
    do theatre.hold(order, show, seats)
    compensate theatre.release(order, show, seats)
  }
  pivot step confirm after hold {
WHEN    do theatre.confirm(order, show, seats)
    irreversible because "the tickets are printed"
    retry forever
  }
}
"""

CODES: tuple[Code, ...] = (
    Code(
        "C2",
        "error",
        "what is sent again takes effect again",
        """
A call whose answer is lost is sent again only where twice is once. Mostly that is so because the service keeps the key
that every attempt carries: `idempotent` is that promise. It can also be so because of what the command does: setting a
value, `:=`, twice is setting it once. Then the command has to say `lands within`, since a late copy would overwrite
what comes after it, and its `changes` have to show that a second landing changes nothing, is not refused, and finds
what the first one found.

The trace shows the records before, after the first landing, and after the second. No specification shows it by itself:
the compiler plans no call to be sent again that may not be. It guards against a plan that somebody has changed.
""",
        "",
        "",
    ),
    Code(
        "A5",
        "error",
        "a run ends and still holds something, or lets go what it never took",
        """
A `hold` field counts what runs have set aside: seats, stock, money. What a run adds to it, the run takes from it again,
exactly once, by every end: by confirming it, or by undoing the step. Else it is held for nobody, for ever. And a run
never takes more from it than it has added by then, since that would be what another run holds. In the same way a run
that completes leaves the records that it changes in a state that is `done`.

The trace shows the smallest run that breaks this, with what the run holds after each step. Let whatever confirms the
hold run wherever the step that takes it does, or add a step that lets go in the other cases.
""",
        HOLD.replace("WHEN", "    when member\n"),
        HOLD.replace("WHEN", "").replace("  member: bool", ""),
    ),
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

"""Codes of the proofs about keys, locks and time: what is remembered, held and waited for long enough, and ends."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (
    Code(
        "A4",
        "error",
        "a run may wait for ever",
        """
In every state of a run something is outstanding, a call, a pause or a probe, until the run ends or waits for a person;
and no run goes on without end, but for `retry forever`, which ends when the service answers. This is checked on the
plan that is read back from the generated module: a step waits only for steps before it, an undo only for steps after.

No spec gives this finding by itself. It means that a generated module was changed by hand, or that this compiler has a
defect. Generate the module again; if the finding stays, report it.
""",
        "",
        "",
    ),
    Code(
        "C3",
        "error",
        "two calls share an idempotency key",
        """
The key of a call is a digest of the saga's name, the run's key, the step and the direction. Two calls that are not the
same must differ in one of them: so no two sagas of a project have one name, no two steps of a saga do, and a run's key
is made of fields of which every value has one text.

No spec gives this finding by itself: the names and the key are checked before (`E207`, `E321`). It means that a
generated module was changed by hand, or that this compiler has a defect.
""",
        "",
        "",
    ),
    Code(
        "C4",
        "error",
        "a key changes from one attempt to the next",
        """
A call is sent again under the same key and with the same arguments, or the service could not know it for the same one.
So the key is made of the saga's input, and the arguments of the input and of results of steps that have settled before:
nothing of an attempt, a clock or a version.

No spec gives this finding by itself. It means that a generated module was changed by hand, or that this compiler has a
defect.
""",
        "",
        "",
    ),
    Code(
        "C5",
        "error",
        "a key is forgotten while copies of its call may still come",
        """
`idempotent for D` says that the service knows a key for D, from the first send on. If retries, pauses and timeouts can
last longer, a copy may come when the key has been forgotten, and take effect a second time. The executor sends nothing
any more once D has passed, and waits for a person: this is what the check finds before it happens. Where a lost answer
is settled by an undo that revokes, that undo counts too: the service has to know the call that it revokes.

Retry less, or find out how long the service really remembers.
""",
        """
service payments {
  owner "payments"
  command charge(order: uuid)
    idempotent for 5m
    fails Declined
  command refund(order: uuid)
    idempotent
  query find(order: uuid) -> { receipt: string }?
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  on unknown hold
  step charge {
    do payments.charge(order)
    compensate payments.refund(order)
    retry 20 times backoff 1s to 1m
  }
  step receipt after charge { do payments.find(order) }
}
""",
        """
service payments {
  owner "payments"
  command charge(order: uuid)
    idempotent for 5m
    fails Declined
  command refund(order: uuid)
    idempotent
  query find(order: uuid) -> { receipt: string }?
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  on unknown hold
  step charge {
    do payments.charge(order)
    compensate payments.refund(order)
    retry 2 times backoff 1s to 1m
  }
  step receipt after charge { do payments.find(order) }
}
""",
    ),
    Code(
        "E1",
        "error",
        "what is held lapses before it is confirmed or given back",
        """
`holds for D skew S` says that what a command sets aside lapses by itself after D. The longest way from there to the
step that confirms it, with every timeout, retry and pause, has to fit into D less S; and so has the longest way back,
through whatever is under way when the run turns, down to the undo. Otherwise somebody else may have it by then.

Retry less on that way, confirm earlier, or have it held for longer. How long a step with `retry forever` takes is not
counted: the time that is left for it is listed as a promise.
""",
        """
service venue {
  owner "venue"
  resource Seat[order: uuid] {
    states none*, held, sold
    done sold
  }
  command hold(order: uuid)
    changes Seat[order] none -> held
    idempotent
    fails SoldOut
    holds for 10m
  command release(order: uuid)
    changes Seat[order] held -> none
    idempotent
    revokes hold
  command sell(order: uuid)
    changes Seat[order] held -> sold
    idempotent
}

service payments {
  owner "payments"
  command charge(order: uuid)
    idempotent
    fails Declined
  command refund(order: uuid)
    idempotent
    revokes charge
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  step hold {
    do venue.hold(order)
    compensate venue.release(order) { retry 2 times }
  }
  step charge after hold {
    do payments.charge(order)
    compensate payments.refund(order) { retry 2 times }
    retry 10 times
  }
  pivot step sell after charge {
    do venue.sell(order)
    irreversible because "whoever bought a seat keeps it"
    retry forever
  }
}
""",
        """
service venue {
  owner "venue"
  resource Seat[order: uuid] {
    states none*, held, sold
    done sold
  }
  command hold(order: uuid)
    changes Seat[order] none -> held
    idempotent
    fails SoldOut
    holds for 1h
  command release(order: uuid)
    changes Seat[order] held -> none
    idempotent
    revokes hold
  command sell(order: uuid)
    changes Seat[order] held -> sold
    idempotent
}

service payments {
  owner "payments"
  command charge(order: uuid)
    idempotent
    fails Declined
  command refund(order: uuid)
    idempotent
    revokes charge
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  step hold {
    do venue.hold(order)
    compensate venue.release(order) { retry 2 times }
  }
  step charge after hold {
    do payments.charge(order)
    compensate payments.refund(order) { retry 2 times }
    retry 10 times
  }
  pivot step sell after charge {
    do venue.sell(order)
    irreversible because "whoever bought a seat keeps it"
    retry forever
  }
}
""",
    ),
    Code(
        "E2",
        "error",
        "a deadline or a rollback takes longer than is allowed",
        """
A run reaches its point of no return, or its end, within `deadline`, and from wherever it turns it is rolled back within
`rollback within`: with every timeout, retry and pause as long as it can be. A rollback first waits for what is under
way, then revokes what is in doubt, then undoes the rest, last first. The trace is the critical path, with numbers.

Fewer retries or shorter timeouts on that path help, and so does work side by side; or allow for the time it takes.
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  rollback within 10m
  step flight { do air.book(trip)  compensate air.cancel(trip) }
  step hotel after flight { do stay.book(trip)  compensate stay.cancel(trip) }
}
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  rollback within 1h
  step flight { do air.book(trip)  compensate air.cancel(trip) }
  step hotel after flight { do stay.book(trip)  compensate stay.cancel(trip) }
}
""",
    ),
    Code(
        "E3",
        "error",
        "times that do not add up",
        """
Every time that a run counts with, timeouts, pauses, windows and what the attempts of a schedule come to, fits into a
century: clocks, calendars and journals can count that far. And a partner with an `sla` is waited for at least that
long, in each attempt, each undo and each probe: an attempt that is given up too soon makes a doubt of an answer that
was on time.
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight { do air.book(trip)  compensate air.cancel(trip)  timeout 30000d }
}
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight { do air.book(trip)  compensate air.cancel(trip)  timeout 40s }
}
""",
    ),
    Code(
        "E4",
        "error",
        "runs can wait for one another's locks in a circle",
        """
A lock is kept to its run's end. If one run has what another one wants, and wants what that one has, both wait until the
`within` of a lock has passed, and then fail. So all sagas of a project together take their locks in one order. Two
records of one resource count as two locks: another run may take them the other way round.

Take the locks in the same order everywhere, or one lock that covers both.
""",
        """
service bank {
  owner "bank"
  resource Account[number: string] { balance: int }
  command debit(account: string, amount: int)
    idempotent
  command credit(account: string, amount: int)
    idempotent
    revokes debit
}

saga Transfer version 1 {
  key transfer
  input { transfer: uuid  sender: string  recipient: string  amount: int }
  step debit {
    lock Account[sender] within 5s
    do bank.debit(sender, amount)
    compensate bank.credit(sender, amount)
  }
  step credit after debit {
    lock Account[recipient] within 5s
    do bank.debit(recipient, amount)
    compensate bank.credit(recipient, amount)
  }
}
""",
        """
service bank {
  owner "bank"
  resource Account[number: string] { balance: int }
  command debit(account: string, amount: int)
    idempotent
  command credit(account: string, amount: int)
    idempotent
    revokes debit
}

saga Transfer version 1 {
  key transfer
  input { transfer: uuid  sender: string  recipient: string  amount: int }
  step debit {
    lock Account[sender] within 5s
    do bank.debit(sender, amount)
    compensate bank.credit(sender, amount)
  }
  step credit after debit {
    do bank.debit(recipient, amount)
    compensate bank.credit(recipient, amount)
  }
}
""",
    ),
)

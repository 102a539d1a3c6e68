"""Codes of the proofs: a claim of each family that does not hold, and warnings about what is never needed (W70x)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (
    Code(
        "A1",
        "error",
        "a run can fail where nothing can be undone",
        """
From the point of no return on, a run only goes forward: the pivot's effect cannot be taken back. So whatever can
still fail has to be over before it, and whatever comes after it, or runs beside it, has to be unable to fail: `retry
forever`, no `fails`, no `else fail`. The same holds for a step that says `irreversible` without being the pivot, and
there a cancel counts as a failure too. A run never reaches two pivots.

The trace shows the smallest run in which something irreversible is done and the run can neither finish nor turn back.
Either make what fails unable to fail, or let it be over before the pivot.
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid }
  step hold { do venue.hold(order)  compensate venue.release(order) }
  pivot step charge after hold {
    do payments.charge(order)
    irreversible because "card fees are kept"
    retry forever
  }
  step confirm after charge { do venue.confirm(order)  retry 5 times }
}
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid }
  step hold { do venue.hold(order)  compensate venue.release(order) }
  pivot step charge after hold {
    do payments.charge(order)
    irreversible because "card fees are kept"
    retry forever
  }
  step confirm after charge { do venue.confirm(order)  retry forever }
}
""",
    ),
    Code(
        "A2",
        "error",
        "an effect has no undo, or two, in a run that turns back",
        """
When a run turns back, the effect of each finished step is undone by exactly one compensation. A compensation with a
`when` covers only the runs in which that is true; the trace shows values for which none applies, or two do.

Let the conditions of a step's compensations be exclusive, and let them together cover every case: the last one may have
no `when` at all if the others are written as its exceptions.
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  amount: int where amount > 0 }
  step charge {
    do payments.charge(order, amount)
    compensate payments.refund(order, amount) when amount >= 100
  }
  step send after charge { do post.send(order)  compensate post.recall(order) }
}
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  amount: int where amount > 0 }
  step charge {
    do payments.charge(order, amount)
    compensate payments.refund(order, amount) when amount >= 100
    compensate payments.write_off(order, amount) when amount < 100
  }
  step send after charge { do post.send(order)  compensate post.recall(order) }
}
""",
    ),
    Code(
        "A3",
        "error",
        "the emitted plan undoes in the wrong order",
        """
An undo is sent only after everything that came to depend on the step has been undone, and that confirmed: through
skipped steps, queries and steps without an undo. This is checked on the plan that is read back from the generated
module, because that is what runs, and not the compiler's own idea of it.

No spec gives this finding by itself. It means that a generated module was changed by hand, or that this compiler has a
defect. Generate the module again; if the finding stays, report it.
""",
        "",
        "",
    ),
    Code(
        "A6",
        "error",
        "something in the spec can never happen",
        """
A step whose conditions no run meets is dead: everything that is proved of it is proved of nothing. The same holds for
a compensation whose `when` is never true, and for an input that no value satisfies. Usually two conditions contradict
each other, or a bound is written the wrong way round.
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  amount: int }
  step charge { do payments.charge(order, amount)  compensate payments.refund(order, amount) }
  step insure after charge {
    when amount > 1000 and amount < 100
    do insurance.cover(order)
    compensate insurance.cancel(order)
  }
}
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  amount: int }
  step charge { do payments.charge(order, amount)  compensate payments.refund(order, amount) }
  step insure after charge {
    when amount < 1000 and amount > 100
    do insurance.cover(order)
    compensate insurance.cancel(order)
  }
}
""",
    ),
    Code(
        "C1",
        "error",
        "nothing settles a lost answer",
        """
A call that times out may have taken effect, or may still. Sending it again is safe only under a key that the service
remembers (`idempotent`); undoing it is safe only with an undo that also keeps a late call out (`revokes`); asking is
safe only with a `probe`, once the call can no longer arrive (`lands within`). Where the contract declares none of
these, no policy is sound, and the trace shows what would go wrong. An undo that is sent again has to be `idempotent`
too.

Declare what the service promises, the cheapest first. If it promises nothing, `on unknown hold` says that a person
settles it.
""",
        """
service payments {
  owner "payments"
  command charge(order: uuid)
    fails Declined
  command refund(order: uuid)
    idempotent
  query find(order: uuid) -> { receipt: string }?
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  step charge { do payments.charge(order)  compensate payments.refund(order) }
  step receipt after charge { do payments.find(order) }
}
""",
        """
service payments {
  owner "payments"
  command charge(order: uuid)
    fails Declined
  command refund(order: uuid)
    idempotent
    revokes charge
  query find(order: uuid) -> { receipt: string }?
}

saga Tickets version 1 {
  key order
  input { order: uuid }
  step charge { do payments.charge(order)  compensate payments.refund(order) }
  step receipt after charge { do payments.find(order) }
}
""",
    ),
    Code(
        "D1",
        "error",
        "a result is read that may not be there",
        """
A step that is skipped has no result. Whoever reads it, a later step or the output, has to be guarded at least as
tightly as the step itself, so that it runs only when that ran; or the step has to fail instead of being skipped
(`else fail`).
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid  nights: int }
  step hotel {
    when nights > 0
    do stay.book(trip) -> { room: string }
    compensate stay.cancel(trip)
  }
  step breakfast { do kitchen.order(trip, hotel.room)  compensate kitchen.cancel(trip) }
}
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid  nights: int }
  step hotel {
    when nights > 0
    do stay.book(trip) -> { room: string }
    compensate stay.cancel(trip)
  }
  step breakfast {
    when nights > 0
    do kitchen.order(trip, hotel.room)
    compensate kitchen.cancel(trip)
  }
}
""",
    ),
    Code(
        "D2",
        "error",
        "an undo reads what may not be there",
        """
An undo can run when the answer to its step was lost: then the step has no result to read. It can also read only what
the step comes after, and of a step that may be skipped only where that ran. Let the undo read the run's input; the
service finds the rest by the key of the call that is undone, which every undo carries.
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight {
    do air.book(trip) -> { pnr: string }
    compensate air.cancel(flight.pnr)
  }
  step hotel after flight { do stay.book(trip)  compensate stay.cancel(trip) }
}
""",
        """
saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight {
    do air.book(trip) -> { pnr: string }
    compensate air.cancel(trip)
  }
  step hotel after flight { do stay.book(trip)  compensate stay.cancel(trip) }
}
""",
    ),
    Code(
        "W701",
        "warning",
        "a compensation is never needed",
        """
From the point of no return on nothing is undone, so a compensation of the pivot, or of a step that comes after it,
never runs. Nor does that of a step with which the run is complete, unless it revokes a lost call. It does no harm, but
it promises a way back that there is none, and nothing is proved of it.

Drop it, or let the pivot, or a step that can fail, come later.
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid }
  pivot step charge {
    do payments.charge(order)
    irreversible because "card fees are kept"
    retry forever
  }
  step send after charge { do post.send(order)  compensate post.recall(order)  retry forever }
}
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid }
  pivot step charge {
    do payments.charge(order)
    irreversible because "card fees are kept"
    retry forever
  }
  step send after charge { do post.send(order)  retry forever }
}
""",
    ),
    Code(
        "W702",
        "warning",
        "a `when` is always true",
        """
No run skips the step, or fails at it, so its `when` says nothing. Either it is not needed, or it is not the condition
that was meant.
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  seats: int where seats > 0 }
  step hold {
    when seats >= 1
    do venue.hold(order, seats)
    compensate venue.release(order, seats)
  }
}
""",
        """
saga Tickets version 1 {
  key order
  input { order: uuid  seats: int where seats > 0 }
  step hold {
    when seats > 1
    do venue.hold(order, seats)
    compensate venue.release(order, seats)
  }
}
""",
    ),
)

"""Codes of the dependency graph: cycles, contradictory orders and needless ones (E4xx, N4xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (
    Code(
        "E401",
        "error",
        "steps wait for one another",
        """
A step starts when all that it comes after is settled. Steps that come after one another in a circle never start, so
there is nothing to prove and nothing to run.

The finding shows the shortest circle, with the place of each of its orders. Drop one of them: usually the `after` that
was written last, or the one that says the opposite of what happens in the business.
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight after hotel { do air.book(trip_id)  compensate air.cancel(trip_id) }
  step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }
}
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }
  step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }
}
""",
    ),
    Code(
        "E402",
        "error",
        "the written order contradicts what a step reads",
        """
Reading another step's result is an order of its own: `do stay.book(flight.pnr)` comes after `flight`, whether `after`
says so or not. Here a written `after` says the opposite, so the steps wait for one another and none of them starts.

Drop the written order, or let the step read something that is known earlier.
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight after hotel {
    do air.book(trip_id) -> { pnr: string }
    compensate air.cancel(trip_id)
  }
  step hotel { do stay.book(trip_id, flight.pnr)  compensate stay.cancel(trip_id) }
}
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight {
    do air.book(trip_id) -> { pnr: string }
    compensate air.cancel(trip_id)
  }
  step hotel { do stay.book(trip_id, flight.pnr)  compensate stay.cancel(trip_id) }
}
""",
    ),
    Code(
        "N403",
        "note",
        "an `after` that other orders imply",
        """
Order is transitive: where `c` comes after `b` and `b` after `a`, writing `c after a` adds nothing. It does no harm, but
a reader looks for a reason that is not there, and the next change keeps an order that nobody needs.
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }
  step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }
  step car after hotel, flight { do cars.book(trip_id)  compensate cars.cancel(trip_id) }
}
""",
        """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }
  step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }
  step car after hotel { do cars.book(trip_id)  compensate cars.cancel(trip_id) }
}
""",
    ),
)

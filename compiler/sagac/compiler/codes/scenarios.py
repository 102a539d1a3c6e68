"""Codes of scenarios and waivers, and of what no solver and no replay could decide (S1xx)."""

from __future__ import annotations

from textwrap import indent

from sagac.compiler.codes.catalogue import Code

SERVICES = """
service air {
  command book(trip: uuid)
    idempotent
    fails SoldOut
  command cancel(trip: uuid)
    idempotent
    revokes book
}

service stay {
  command book(trip: uuid, nights: int)
    idempotent
    fails NoRoom
  command cancel(trip: uuid)
    idempotent
    revokes book
}
"""

TRIP = """
saga Trip version 1 {
  key trip
  input { trip: uuid  nights: int }

  step flight {
    do air.book(trip)
    compensate air.cancel(trip)
  }

  step hotel after flight {
    when nights > 0
    do stay.book(trip, nights)
    compensate stay.cancel(trip)
  }
CLAUSES}
"""

SHARED = """
saga Rooms version 1 {
  key trip
  input {
    trip: uuid
    price: decimal where PRICE
  }

  step hotel {
    do stay.book(trip, 1)
    compensate stay.cancel(trip)
  }
CLAUSES}
"""

WIDE = """
saga Tour version 1 {
  key trip
  input { trip: uuid }

STEPS
CLAUSES}
""".replace(
    "STEPS",
    "\n".join(
        f"  step hotel{number} {{ do stay.book(trip, {number})  compensate stay.cancel(trip) }}"
        for number in range(1, 14)
    ),
)
"""Thirteen calls that may be answered in any order."""


def spec(saga: str, *clauses: str) -> str:
    """An example: the services, and the saga with these clauses at its end."""
    written = "".join(f"\n{indent(clause.strip(), '  ')}\n" for clause in clauses)
    return SERVICES + saga.replace("CLAUSES", written)


NO_ROOM = """
scenario "no room" {
  given hotel fails NoRoom
  then END
  then order flight, hotelORDER
}
"""


NO_NIGHTS = """
scenario "no room" {
  given input { nights = NIGHTS }
  given hotel fails NoRoom
  then compensated
}
"""

FULL = """
scenario "one hotel is full" {
  given hotel13 fails NoRoom
  then compensated
}
"""

EMPTY = """
scenario "all is well" {
  then completed
}
"""


def waiver(until: str, step: str = " on flight") -> str:
    return f'waive A1{step} until {until} by "ada" because "the airline repays these tickets by hand until June"'


CODES: tuple[Code, ...] = (
    Code(
        "S101",
        "error",
        "a scenario does not hold",
        """
A scenario is replayed against the kernel that will run the saga: in every order in which independent calls may be
answered, and for every way in which the guards can come out that its `given` lines leave open. In at least one of these
runs the scenario's `then` does not come true. The timeline shows the shortest.

Either the saga does something that was not meant, or the scenario promises too much. Give more (an input, a failure),
or expect what the timeline shows. `then order` lists a subsequence: other steps may come between the listed ones, but
two steps that do not wait for each other may come in either order.

`s fails F` refuses the call of `s`. `s unknown` leaves every attempt without an answer (only the first, where the step
is retried for ever under an idempotency key), and `landed` or `not landed` is what a probe finds. `undo s fails`
refuses the undo, or never applies it where it declares no failure. `cancel after s` and `crash after s` come right
after the first answer to `s`. All else succeeds at once, and no deadline passes.
""",
        spec(TRIP, NO_ROOM.replace("END", "completed").replace("ORDER", "")),
        spec(TRIP, NO_ROOM.replace("END", "compensated").replace("ORDER", ", undo flight")),
    ),
    Code(
        "S102",
        "error",
        "a scenario that says nothing",
        """
No run of the saga meets all that the scenario gives, so whatever it expects holds for no reason. Often a given fails a
step that is never reached, because an earlier given fails a step before it; or the given input does not meet a `where`,
or skips the step that should fail.

Drop the given that cannot come true, or give an input with which it can.
""",
        spec(TRIP, NO_NIGHTS.replace("NIGHTS", "0")),
        spec(TRIP, NO_NIGHTS.replace("NIGHTS", "2")),
    ),
    Code(
        "S103",
        "error",
        "an undecided scenario",
        """
The scenario leaves so much open that not all of its runs were looked at: a failure, a cancel or a crash may come before
or after each of many independent answers, or the guards can come out in very many ways. Nothing was found, but that is
no proof, and what is undecided fails the check (with exit code 3).

Give more of the input, or fewer failures at once; or let steps wait for each other where they may as well. Where
nothing disturbs a run, the order of its answers makes no difference, and any number of steps is looked at.
""",
        spec(WIDE, FULL),
        spec(WIDE, EMPTY),
    ),
    Code(
        "S111",
        "error",
        "an expired waiver",
        """
A waiver lets a named person answer for one finding until a date. The date has passed, so the waiver no longer covers
anything: if the finding is still there, it counts again.

Repair what the waiver covered, and delete it. Or have it decided again, with a new date, a name, and a reason that
holds today.
""",
        spec(TRIP, waiver("2026-01-31")),
        spec(TRIP),
    ),
    Code(
        "S112",
        "error",
        "a waiver that does not cover one finding",
        """
A waiver answers for one finding. This one covers none: the code is another one, the finding is on another step, or
somebody has repaired what it excused; a waiver that covers nothing today would silently cover something tomorrow. Or it
names no step and its code is found on several: the person who signed it may have seen only one of them.

Delete an unused waiver. For several findings write several waivers, each with `on` and the name of its step.
""",
        spec(TRIP, waiver("2099-12-31")),
        spec(TRIP),
    ),
    Code(
        "S120",
        "error",
        "an undecided claim",
        """
The solver gave up within its limit, or found values that would break the claim but that no run has. Nothing is proved
and nothing is refuted, so the check fails with exit code 3; a waiver cannot cover it, for nobody knows what it covers.

Most often a decimal would need digits without end, or a list would have to be longer than any that is tried. Ask for
a range instead of one value, or let what is computed be an input of its own.
""",
        spec(SHARED.replace("PRICE", "price * 3 == 1")),
        spec(SHARED.replace("PRICE", "price * 3 >= 1")),
    ),
)

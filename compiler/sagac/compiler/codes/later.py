"""Codes for what is not in this version (E5xx), warnings (W6xx) and notes on defaults (N6xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code
from sagac.compiler.codes.examples import FLIGHT, trip

CODES: tuple[Code, ...] = (
    Code(
        "E501",
        "error",
        "`for each` is not supported in this version",
        """
The clause belongs to the language, and this version cannot prove or run it yet. It is refused rather than
ignored. Let one command take the whole list, or write a step for each element.

What is missing: the theorem behind the proofs of order and effects (A1 to A5, B1 to B5) and the keys of calls (C3)
speak of a fixed set of steps. With one action for each element of a list, they would have to hold for any number.
""",
        trip(
            "step flight { for each guest in guests  do air.book(trip_id, guest)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  guests: list[string]",
        ),
        trip(
            "step flight { do air.book(trip_id, guests)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  guests: list[string]",
        ),
    ),
    Code(
        "E502",
        "error",
        "`approval` is not supported in this version",
        """
The clause belongs to the language, and this version cannot prove or run it yet. It is refused rather than
ignored. Let a service ask for the decision, and make the asking a step that can be refused.

What is missing: a run moves by answers to calls. A decision that a person makes, or does not make in time, is no
event that the proofs of recovery, progress and rules (A1, A4, F) speak of.
""",
        trip(FLIGHT, 'approval boss after flight { ask role "boss"  within 4h }'),
        trip(FLIGHT, "step boss after flight { do desk.approve(trip_id)  compensate desk.withdraw(trip_id) }"),
    ),
    Code(
        "E503",
        "error",
        "`wait` is not supported in this version",
        """
The clause belongs to the language, in three forms, and this version cannot prove or run it yet. It is refused
rather than ignored. Let a service wait or take the signal, and query it.

What is missing: a run moves by answers to calls. The passing of time and signals from outside are no events that the
proofs of recovery, progress and time (A1, A4, E2) speak of.
""",
        trip(FLIGHT, "step pause after flight { wait 3d }"),
        trip(FLIGHT),
    ),
    Code(
        "E504",
        "error",
        "`do saga` is not supported in this version",
        """
The clause belongs to the language, and this version cannot prove or run it yet. It is refused rather than
ignored. Let a service start the other saga, and undo it.

What is missing: the theorem behind the proofs needs to know the effect of a step and of its undo (A2, B1) and what
settles a lost answer (C1). A saga that is called as a step would have to declare them, and they would have to be
proved of all its runs.
""",
        trip(FLIGHT, "step stay after flight { do saga Stay(trip_id) }"),
        trip(FLIGHT, "step stay after flight { do stays.start(trip_id)  compensate stays.roll_back(trip_id) }"),
    ),
    Code(
        "E506",
        "error",
        "`on failure` is not supported in this version",
        """
The clause belongs to the language, and this version cannot prove or run it yet. It is refused rather than
ignored. A step that fails before the pivot turns the run back; one that fails after it is held for a person.

What is missing: the theorem behind the proofs is about runs that turn at a failure (A1, A2). Of a run that goes on
after one, the effects that may or may not be there (B3) are not known yet.
""",
        trip(
            "step flight { do air.book(trip_id)  compensate air.cancel(trip_id)",
            '  on failure continue because "we can walk" }',
        ),
        trip("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E507",
        "error",
        "a scenario about what is not supported in this version",
        """
A scenario gives what happens to approvals and signals, and this version has neither.
""",
        trip(FLIGHT, 'scenario "the boss agrees" { given boss approved  then completed }'),
        trip(FLIGHT, 'scenario "nothing goes wrong" { then completed }'),
    ),
    Code(
        "E508",
        "error",
        "a default or `where` outside of an input",
        """
In this version defaults and conditions stand in the input of a saga. In a type, a parameter or a result they
would have no effect, so they are refused rather than ignored.
""",
        "\ntype Booking { trip: uuid, seats: int = 1 }\n",
        "\ntype Booking { trip: uuid, seats: int }\n",
    ),
    Code(
        "W602",
        "warning",
        "an import that is not needed",
        """
Nothing of the imported package is used in this file. A file sees its own package without importing it.
""",
        "\npackage travel\n\nimport travel\n" + trip(FLIGHT),
        "\npackage travel\n" + trip(FLIGHT),
    ),
    Code(
        "W603",
        "warning",
        "`on unknown hold` said twice",
        """
Said once for the saga, `on unknown hold` holds for all of its steps. Saying it again in a step adds nothing,
and hides which of the two a reader should change.
""",
        trip(
            "on unknown hold",
            "step flight { do air.book(trip_id)  on unknown hold  compensate air.cancel(trip_id) }",
            FLIGHT.replace("flight", "back"),
        ),
        trip("on unknown hold", FLIGHT, FLIGHT.replace("flight", "back")),
    ),
    Code(
        "N601",
        "note",
        "a clause that says what is so anyway",
        """
The clause equals its default, so leaving it out changes nothing. Defaults: a timeout of 30s; a step's own
call is retried 3 times with pauses from 200ms to 10s; an undo 10 times with pauses from 1s to 1m.
""",
        trip("step flight { do air.book(trip_id)  timeout 30s  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
)

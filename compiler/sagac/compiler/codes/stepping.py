"""Codes about steps, their undo and their policy, and about scenarios and waivers as written (E3xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code
from sagac.compiler.codes.examples import AIR, FLIGHT, declared, trip

PARTNER = AIR.replace("service air {\n", 'service air {\n  owner partner "Fair Air" sla 20s\n')

CODES: tuple[Code, ...] = (
    Code(
        "E313",
        "error",
        "two accounts of one effect",
        """
What becomes of a step's effect when the run turns back is said in one way: it is compensated, or mitigated,
or left, or undone by another step, or irreversible.
""",
        trip('step flight { do air.book(trip_id)  compensate air.cancel(trip_id)  left because "it lapses" }'),
        trip("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E314",
        "error",
        "an effect that nothing undoes",
        """
Until the point of no return a run can turn back: because a step fails, because it is cancelled, because its
deadline passes. Every effect before that point therefore says what becomes of it: `compensate`, `mitigate`,
`left`, or `undone by` an earlier step whose undo removes it too. A step that cannot be taken back is the
`pivot`, or comes after it.
""",
        trip(FLIGHT, "step hotel after flight { do stay.book(trip_id) }"),
        trip(FLIGHT, "step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }"),
    ),
    Code(
        "E315",
        "error",
        "an undo without a guard beside another",
        """
A step may have several undos for different cases. Then each has a `when`, exactly one of which is true
wherever an undo is needed. One without a `when` would always run too.
""",
        trip(
            "step flight {",
            "  do air.book(trip_id)",
            "  compensate air.cancel(trip_id)",
            "  compensate air.refund(trip_id) when paid",
            "}",
            input="trip_id: uuid  paid: bool",
        ),
        trip(
            "step flight {",
            "  do air.book(trip_id)",
            "  compensate air.cancel(trip_id) when not paid",
            "  compensate air.refund(trip_id) when paid",
            "}",
            input="trip_id: uuid  paid: bool",
        ),
    ),
    Code(
        "E316",
        "error",
        "a query treated as an effect",
        """
A query has no effect. It needs no undo, leaves nothing behind, is no point of no return, and nothing about it
stays unknown.
""",
        declared(FLIGHT, 'step look { do air.find(trip_id)  left because "it is only a question" }'),
        declared(FLIGHT, "step look { do air.find(trip_id) }"),
    ),
    Code(
        "E317",
        "error",
        "an undo that calls a query",
        """
An undo must have an effect, and a query has none.
""",
        declared("step flight { do air.book(trip_id)  compensate air.find(trip_id) }"),
        declared("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E318",
        "error",
        "a `retry forever` that is not allowed",
        """
Only the pivot and what comes after it may be tried for ever: until then a run must be able to give up and
turn back. And only a command that is `idempotent`, without an end, can be sent again and again without being
done again. An undo is never tried for ever: what cannot be undone is held and shown to a person.
""",
        trip("step flight { do air.book(trip_id)  retry forever  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  retry 9 times  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E319",
        "error",
        "a time that cannot be",
        """
Times are longer than 0. Pauses grow: `backoff A to B` starts with at most A and ends with at most B. The
`within` of a `retry` caps all attempts together, so it needs room for one of them.
""",
        trip("step flight { do air.book(trip_id)  retry 9 times backoff 9s to 1s  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  retry 9 times backoff 1s to 9s  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E320",
        "error",
        "a timeout shorter than a partner's promise",
        """
The partner may take as long as its `sla` says. A shorter timeout gives up on answers that are still on time,
and turns them into unknown outcomes.
""",
        declared("step flight { do air.book(trip_id)  timeout 5s  compensate air.cancel(trip_id) }", air=PARTNER),
        declared("step flight { do air.book(trip_id)  timeout 25s  compensate air.cancel(trip_id) }", air=PARTNER),
    ),
    Code(
        "E325",
        "error",
        "an `undone by` that cannot be true",
        """
`undone by s` says that the undo of an earlier step `s` removes this step's effect too. So this step comes
after `s`, which then has run whenever this one has, and `s` has an undo.
""",
        trip(FLIGHT, 'step seat { do air.seat(trip_id)  undone by flight because "a seat goes with its booking" }'),
        trip(
            FLIGHT,
            'step seat after flight { do air.seat(trip_id)  undone by flight because "a seat goes with its booking" }',
        ),
    ),
    Code(
        "E326",
        "error",
        "a scenario that contradicts itself",
        """
A scenario gives one thing for each step, cancels a run once, speaks of the undo of steps that have one, and
lists what happens once once.
""",
        declared(FLIGHT, 'scenario "no seat" { given flight fails Full  given flight unknown  then compensated }'),
        declared(FLIGHT, 'scenario "no seat" { given flight fails Full  then compensated }'),
    ),
    Code(
        "E327",
        "error",
        "a waiver that waives nothing",
        """
A waiver names a code of a finding that can be lived with for a while: one of the proofs, or a warning. An
error of the spec itself cannot be waived, because such a spec has no meaning that could run. The date is
written as `2027-01-31`.
""",
        trip(FLIGHT, 'waive E314 on flight until 2027-01-31 by "team travel" because "we will see"'),
        trip(FLIGHT),
    ),
)

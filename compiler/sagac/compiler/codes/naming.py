"""Codes about names (E2xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code
from sagac.compiler.codes.examples import FLIGHT, declared, service, trip

CODES: tuple[Code, ...] = (
    Code(
        "E201",
        "error",
        "a name that is not known",
        """
An expression reads the inputs and the steps of its saga, by name: `total`, `order.customer`, `flight.pnr`.
This name is neither. A name is known in the whole saga, wherever it is declared; members of an enum are known
where a value of that enum is expected.
""",
        trip("step flight { do air.book(trip)  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E202",
        "error",
        "a step that does not exist",
        """
`after`, `undone by`, scenarios, rules and waivers speak of steps by name, and there is no step of this name
in the saga.
""",
        trip(FLIGHT, "step hotel after fligth { do stay.book(trip_id)  compensate stay.cancel(trip_id) }"),
        trip(FLIGHT, "step hotel after flight { do stay.book(trip_id)  compensate stay.cancel(trip_id) }"),
    ),
    Code(
        "E203",
        "error",
        "a service, command, query or resource that does not exist",
        """
A call names a service that its file can see, and a command or query which that service declares.

A project may leave its services undeclared, and then everything a call needs is inferred and assumed. As soon
as one service is declared all must be: otherwise a misspelt name would quietly become a service of its own. What
another package declares is visible with its `import`.
""",
        declared("step flight { do air.bok(trip_id)  compensate air.cancel(trip_id) }"),
        declared("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E204",
        "error",
        "a type that does not exist",
        """
Types are `string`, `int`, `decimal`, `bool`, `uuid`, `timestamp`, `duration`, `list[T]`, `T?`, and what a
visible `type` or `enum` declares. Those of another package are visible with its `import`.
""",
        trip(FLIGHT, input="trip_id: uuid  nights: integer"),
        trip(FLIGHT, input="trip_id: uuid  nights: int"),
    ),
    Code(
        "E205",
        "error",
        "a member or state that does not exist",
        """
A member of an enum, or a state of a resource, is looked up by the type beside it. That type has none of this
name.
""",
        "\nenum Class { economy, business }\n" + trip(FLIGHT, input="trip_id: uuid  seat: Class = busines"),
        "\nenum Class { economy, business }\n" + trip(FLIGHT, input="trip_id: uuid  seat: Class = business"),
    ),
    Code(
        "E206",
        "error",
        "a field that does not exist",
        """
A record, a result, a resource or the input has no field of this name.
""",
        trip(FLIGHT, "output { pnr: string = flight.code }").replace(
            "air.book(trip_id)", "air.book(trip_id) -> { pnr: string }"
        ),
        trip(FLIGHT, "output { pnr: string = flight.pnr }").replace(
            "air.book(trip_id)", "air.book(trip_id) -> { pnr: string }"
        ),
    ),
    Code(
        "E207",
        "error",
        "a name that is taken",
        """
Inputs, steps, approvals and the services that a saga calls share one space of names; so do the declarations
of a package, the fields of a record, the commands and queries of a service. Two things with one name could be
confused by a reader even where the compiler could tell them apart.
""",
        trip(FLIGHT, FLIGHT),
        trip(FLIGHT),
    ),
    Code(
        "E208",
        "error",
        "a name that can be read in two ways",
        """
There are two things that this name could mean here, and a silent choice between them would be a guess: a
member of an enum and an input, the declarations of two packages, a field of a result and what became of the
step.
""",
        "\nenum Class { economy, business }\n"
        + trip(
            "step flight { when seat == economy  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seat: Class  economy: bool",
        ),
        "\nenum Class { economy, business }\n"
        + trip(
            "step flight { when seat == economy  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seat: Class  thrifty: bool",
        ),
    ),
    Code(
        "E209",
        "error",
        "a package that does not exist",
        """
`import` makes the declarations of another package visible. No file of this check belongs to that package: the
name is misspelt, or its files were not given to `sagac check`. Until it is found, no name that it may declare is
missed in this file.
""",
        "\nimport travel.contracts\n" + trip(FLIGHT),
        trip(FLIGHT),
    ),
    Code(
        "E210",
        "error",
        "a failure that a command does not have",
        """
A scenario lets a step fail with one of the failures that its command declares under `fails`. Anything else
would be an unknown outcome, for which a scenario says `given step unknown`.
""",
        declared(FLIGHT, 'scenario "no seat" { given flight fails SoldOut  then compensated }'),
        declared(FLIGHT, 'scenario "no seat" { given flight fails Full  then compensated }'),
    ),
    Code(
        "E211",
        "error",
        "a step is read that need not have run",
        """
A step comes after every step that its `do` and its `when` read, so it cannot read itself. Its undo reads what
was recorded when the run went forward: its own result, the input, and results of steps that it comes after.
What an undo reads does not add order, because undoing must never make a run wait for something new.
""",
        trip(
            "step flight { do air.book(trip_id)  compensate air.cancel(hotel.ref) }",
            "step hotel { do stay.book(trip_id) -> { ref: string }  compensate stay.cancel(trip_id) }",
        ),
        trip(
            "step flight after hotel { do air.book(trip_id)  compensate air.cancel(hotel.ref) }",
            "step hotel { do stay.book(trip_id) -> { ref: string }  compensate stay.cancel(trip_id) }",
        ),
    ),
    Code(
        "E212",
        "error",
        "a name that cannot be used here",
        """
Types cannot have the names of the language's own types. Failures become classes of the generated code, so
they start with a capital letter and do not take a word that already means something there. A few words are
taken for fields and parameters, because generated code could not spell them.
""",
        service("command book(trip: uuid)", "  fails full"),
        service("command book(trip: uuid)", "  fails Full"),
    ),
    Code(
        "E213",
        "error",
        "a function that does not exist",
        """
The language has `size(list)`, and `old(e)` in `ensure`. There are no others, and none can be declared: what a
run decides stays within what can be proved.
""",
        trip(
            "step flight { when count(guests) > 0  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  guests: list[string]",
        ),
        trip(
            "step flight { when size(guests) > 0  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  guests: list[string]",
        ),
    ),
    Code(
        "E214",
        "error",
        "a value that cannot be read here",
        """
A `where` is checked before a run starts, so it reads only the input. A default, an initial value and a value
that a scenario gives are constants. The records of a service can be spoken of in `ensure`, but a run has to
ask a query for them; and `old` has a meaning only in `ensure`.
""",
        trip(FLIGHT, input="trip_id: uuid  nights: int where flight.done"),
        trip(FLIGHT, input="trip_id: uuid  nights: int where nights > 0"),
    ),
)

"""Codes about types and about contracts (E3xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code
from sagac.compiler.codes.examples import FLIGHT, declared, service, trip

CODES: tuple[Code, ...] = (
    Code(
        "E301",
        "error",
        "a value of another type",
        """
What stands here does not have the type that the place needs. `int` widens to `decimal` by itself, and a `T`
can stand where a `T?` is expected; nothing else is converted.
""",
        trip(FLIGHT, input='trip_id: uuid  nights: int = "two"'),
        trip(FLIGHT, input="trip_id: uuid  nights: int = 2"),
    ),
    Code(
        "E302",
        "error",
        "too many or too few arguments",
        """
A call gives one argument for each parameter, in the declared order; `R[k]` gives one key for each key of the
resource.
""",
        declared("step flight { do air.book()  compensate air.cancel(trip_id) }"),
        declared("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E303",
        "error",
        "an operator on a type that it does not take",
        """
Arithmetic takes numbers, and durations can be added. `<` and its kin compare numbers and times. `==` compares
two values of one type. `in` needs a list, `size` counts one, and `is null` asks about a type that ends in
`?`.
""",
        trip(
            "step flight { when name > 3  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  name: string",
        ),
        trip(
            "step flight { when seats > 3  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seats: int",
        ),
    ),
    Code(
        "E304",
        "error",
        "a value that may be `null`",
        """
A `T?` can be used as a `T` only where something shows that it is there: an earlier part of the same condition
(`x is not null and x > 3`), the step's `when`, or the `where` of an input.
""",
        trip(
            "step flight { when seats > 3  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seats: int?",
        ),
        trip(
            "step flight {",
            "  when seats is not null and seats > 3",
            "  do air.book(trip_id)",
            "  compensate air.cancel(trip_id)",
            "}",
            input="trip_id: uuid  seats: int?",
        ),
    ),
    Code(
        "E305",
        "error",
        "an expression that cannot be decided",
        """
Guards, conditions and rules are proved for all values at once, and that must always come to an end. So a
product has a number on one side, there is no division, and `==` compares single values, not lists or records.
An argument of a call may hold any product: nothing is proved about its value.
""",
        trip(
            "step flight { when seats * price > 100  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seats: int  price: int",
        ),
        trip(
            "step flight { when seats * 30 > 100  do air.book(trip_id)  compensate air.cancel(trip_id) }",
            input="trip_id: uuid  seats: int",
        ),
    ),
    Code(
        "E307",
        "error",
        "a type that cannot be inferred",
        """
The parameters of an undeclared command get their types from the arguments. `null`, an empty list and a record
without a name say too little for that.
""",
        trip("step flight { do air.book(trip_id, null)  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E308",
        "error",
        "two accounts of one command",
        """
A declared command has its result from its declaration, so a call does not write one. The calls of an
undeclared command must agree about its parameters and its result, since nothing else says what they are.
""",
        declared("step flight { do air.book(trip_id) -> { pnr: string }  compensate air.cancel(trip_id) }"),
        declared("step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E309",
        "error",
        "a record that contains itself",
        """
Records hold their fields by value, so a record cannot contain one of its own type, not even through a list or
another record. Keep an identifier of the other one instead.
""",
        "\ntype Leg { from_city: string, next: list[Leg] }\n",
        "\ntype Leg { from_city: string, next: list[string] }\n",
    ),
    Code(
        "E310",
        "error",
        "a clause that stands twice",
        """
This clause says one thing, and says it once. Of two of them one would be ignored, and nobody could tell
which.
""",
        trip("step flight { do air.book(trip_id)  timeout 5s  timeout 9s  compensate air.cancel(trip_id) }"),
        trip("step flight { do air.book(trip_id)  timeout 9s  compensate air.cancel(trip_id) }"),
    ),
    Code(
        "E311",
        "error",
        "something is missing",
        """
A saga needs a `key` and a step, a step needs a `do`, an output field a value, a scenario a `then`, a reason a
text.
""",
        "\nsaga Trip version 1 {\n  input { trip_id: uuid }\n  " + FLIGHT + "\n}\n",
        "\nsaga Trip version 1 {\n  key trip_id\n  input { trip_id: uuid }\n  " + FLIGHT + "\n}\n",
    ),
    Code(
        "E312",
        "error",
        "a clause that does not belong here",
        """
A query has no effect, so nothing about effects can be said of it. Transitions, `clean`, `done` and references
need a resource with states. What a command `holds for` a while, its `changes` say. `old` is about what records
hold. An undo that nothing refuses has no use for `on refusal`. Only a partner has an `sla`, and only a service
belongs to one. A choice is between steps that have a guard.
""",
        service("query find(trip: uuid) -> { pnr: string }?", "  idempotent"),
        service("query find(trip: uuid) -> { pnr: string }?"),
    ),
    Code(
        "E321",
        "error",
        "a key that cannot identify",
        """
A run is known by its key: a second start with the same key is the same run. So a key is made of single values
that are always there and have one spelling. A resource is keyed in the same way.
""",
        trip(FLIGHT, input="trip_id: uuid?").replace("air.cancel(trip_id)", "air.cancel(trip_id)"),
        trip(FLIGHT, input="trip_id: uuid"),
    ),
    Code(
        "E322",
        "error",
        "a probe that cannot tell",
        """
A probe settles an unknown outcome. It asks a query of the same service with the command's own parameters; a
value means that the command took effect, and becomes its result, `null` means that it did not. So the query's
result is optional and has all fields of the command's result.
""",
        service(
            "command book(trip: uuid) -> { pnr: string }",
            "  probe find(trip)",
            "  lands within 1m",
            "query find(trip: uuid) -> { pnr: string }",
        ),
        service(
            "command book(trip: uuid) -> { pnr: string }",
            "  probe find(trip)",
            "  lands within 1m",
            "query find(trip: uuid) -> { pnr: string }?",
        ),
    ),
    Code(
        "E323",
        "error",
        "a command that cannot revoke",
        """
`revokes c` says that after this command returns, the `c` that it undoes has no effect and never will. So `c`
is another command of the same service, and the parameters must be able to say which `c` is meant.
""",
        service("command book(trip: uuid)", "  revokes book"),
        service("command book(trip: uuid)", "command cancel(trip: uuid)", "  revokes book"),
    ),
    Code(
        "E324",
        "error",
        "a parameter with the name of a field",
        """
In a `changes` the fields of the record and the parameters of the command can both be read by name. A
parameter that has the name of a field used there could be either.
""",
        service(
            "resource Seats[flight: string] { free: int }",
            "command block(flight: string, free: int)",
            "  changes Seats[flight] { free -= free }",
        ),
        service(
            "resource Seats[flight: string] { free: int }",
            "command block(flight: string, seats: int)",
            "  changes Seats[flight] { free -= seats }",
        ),
    ),
    Code(
        "E328",
        "error",
        "states without one beginning",
        """
A record starts in one state, which is marked with a star: `states none*, booked`.
""",
        service("resource Seat[code: string] { states free, booked }"),
        service("resource Seat[code: string] { states free*, booked }"),
    ),
    Code(
        "E330",
        "error",
        "a type that cannot stand here",
        """
A result has named fields. A record can be written in place only as a result; elsewhere it is declared with
`type`. A type is optional or it is not: `T??` says no more than `T?`.
""",
        service("query price(trip: uuid) -> decimal"),
        service("query price(trip: uuid) -> { price: decimal }"),
    ),
    Code(
        "E331",
        "error",
        "a field that no proof could decide about",
        """
What commands do to records is proved for every record, every value and every order. That can be decided as long
as a record holds single values: numbers, truth values, times, texts that are only compared, members of an enum.
A list is a resource of its own with a record for each element, or a field that counts them. A value that is not
always there is a state of the record.
""",
        service("resource Seats[flight: string] { taken: list[string] }"),
        service("resource Seat[flight: string, seat: string] {", "  states free*, taken", "}"),
    ),
    Code(
        "E332",
        "error",
        "one record changed twice at once",
        """
A command may have several `changes`. They are of different records, and happen at once: all of them read what
was there before. Two of one record would be two answers to what becomes of it.
""",
        service(
            "resource Seats[flight: string] { free: int  sold: int }",
            "command sell(flight: string, seats: int)",
            "  changes Seats[flight] { free -= seats }",
            "  changes Seats[flight] { sold += seats }",
        ),
        service(
            "resource Seats[flight: string] { free: int  sold: int }",
            "command sell(flight: string, seats: int)",
            "  changes Seats[flight] { free -= seats  sold += seats }",
        ),
    ),
    Code(
        "E333",
        "error",
        "a hold that nobody takes",
        """
A `hold` field counts what runs keep for themselves until they confirm it or give it back. A command takes a part
with `+=`, and another one, or the undo, gives it back with `-=`. Where no command adds to the field, no run holds
any of it, and the proof that all of it is given back would be about nothing. It is counted, so it is never set.
""",
        service(
            "resource Seats[flight: string] { free: int  held: int hold }",
            "command block(flight: string, seats: int)",
            "  changes Seats[flight] { free -= seats }",
        ),
        service(
            "resource Seats[flight: string] { free: int  held: int hold }",
            "command block(flight: string, seats: int)",
            "  changes Seats[flight] { free -= seats  held += seats }",
        ),
    ),
)

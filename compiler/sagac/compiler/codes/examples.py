"""Small specs that the codes of the resolver show."""

from __future__ import annotations

from typing import Final

FLIGHT: Final = "step flight { do air.book(trip_id)  compensate air.cancel(trip_id) }"

SAGA: Final = """
saga Trip version 1 {
  key trip_id
  input { INPUT }
BODY}
"""

AIR: Final = """
service air {
  command book(trip: uuid) -> { pnr: string }
    idempotent
    fails Full
  command cancel(trip: uuid)
    idempotent
    revokes book
  query find(trip: uuid) -> { pnr: string }?
}
"""


def lines(clauses: tuple[str, ...]) -> str:
    return "".join(f"  {clause}\n" for clause in clauses)


def trip(*clauses: str, input: str = "trip_id: uuid") -> str:
    """A saga whose services nobody declared, with these clauses after its input."""
    return SAGA.replace("INPUT", input).replace("BODY", lines(clauses))


def declared(*clauses: str, input: str = "trip_id: uuid", air: str = AIR) -> str:
    """The same, beside a declared service."""
    return air + trip(*clauses, input=input)


def service(*clauses: str, name: str = "air") -> str:
    """A service and nothing else."""
    return f"\nservice {name} {{\n{lines(clauses)}}}\n"

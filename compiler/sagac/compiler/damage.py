"""What can still be said of files that could not be read whole: nothing that a lost clause may explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sagac.compiler import syntax
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Span

CONSEQUENCES: Final = frozenset(
    {
        *("E201", "E202", "E203", "E204", "E205", "E206", "E209", "E210", "E211"),
        *("E302", "E311", "E312", "E314", "E318", "E322", "E323", "E325", "E326", "W602"),
    }
)
"""Codes of findings that a clause which could not be read may have prevented."""


NEAR: Final = 40
"""How far behind a word that the parser put in its object may stand: a line's end and an indentation."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Where texts could not be read."""

    faults: tuple[Span, ...]
    sagas: tuple[Span, ...]
    """The sagas that have lost a clause."""
    beyond: bool
    """Whether something else has lost a clause, or whole declarations are lost: no saga can be judged then."""

    def explains(self, finding: Diagnostic) -> bool:
        """Whether a finding may be only the consequence of what could not be read."""
        guessed = any(touches(fault, finding.span) for fault in self.faults)
        return guessed or (finding.code in CONSEQUENCES and self.spoils(finding.span))

    def spoils(self, place: Span) -> bool:
        """Whether what stands in a place may have lost something it needs."""
        return self.beyond or any(holds(saga, place) for saga in self.sagas)


def damage(files: Mapping[str, syntax.File], faults: Sequence[Span]) -> Damage:
    """The declarations in which the faults lie."""
    sagas = [node.span for file in files.values() for node in file.declarations if isinstance(node, syntax.Saga)]
    hit = tuple(saga for saga in sagas if any(holds(saga, fault) for fault in faults))
    return Damage(tuple(faults), hit, any(not any(holds(saga, fault) for saga in hit) for fault in faults))


def touches(fault: Span, place: Span) -> bool:
    """Whether a place is that of a fault, or what stands behind a word that the parser had to put in."""
    near = Span(fault.file, fault.start, fault.end + NEAR) if fault.start == fault.end else fault
    return holds(near, place) or holds(place, fault)


def holds(whole: Span, part: Span) -> bool:
    """Whether a place lies in a range."""
    return whole.file == part.file and whole.start <= part.start < whole.end

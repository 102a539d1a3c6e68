"""What is left of everything, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demo.scenarios import Lines

_WRONG = "✗ "


@dataclass(frozen=True, slots=True)
class Row:
    """How one scenario ended for both runners, and how it must end."""

    scenario: str
    naive: Lines
    sagac: Lines
    required: Lines

    @property
    def sagac_is_right(self) -> bool:
        """Every line is what is required."""
        return dict(self.sagac) == dict(self.required)

    @property
    def naive_is_right(self) -> bool:
        """Every line is what is required; then the scenario shows nothing."""
        return dict(self.naive) == dict(self.required)


def table(rows: Sequence[Row]) -> str:
    """The one table; what is wrong is marked."""
    cells = [("scenario", "participant", "naive", "sagac", "required")]
    for row in rows:
        cells += _lines(row)
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([texts[0], rule, *_apart(texts[1:])])


def verdict(rows: Sequence[Row]) -> tuple[bool, str]:
    """Whether the demo shows what it claims, and the sentence that says so."""
    wrong = [row.scenario for row in rows if not row.sagac_is_right]
    lucky = [row.scenario for row in rows if row.naive_is_right]
    if wrong:
        return False, f"sagac ended wrong in {', '.join(wrong)}"
    if lucky:
        return False, f"the naive runner ended right in {', '.join(lucky)}: the fault did not happen"
    return True, f"sagac: {len(rows)} of {len(rows)} scenarios as required; the naive runner: 0 of {len(rows)}"


def _lines(row: Row) -> Iterator[tuple[str, str, str, str, str]]:
    for position, (participant, required) in enumerate(row.required.items()):
        naive, sagac = row.naive.get(participant, "nothing"), row.sagac.get(participant, "nothing")
        name = row.scenario if position == 0 else ""
        yield name, participant, _marked(naive, required), _marked(sagac, required), required


def _marked(cell: str, required: str) -> str:
    return cell if cell == required else _WRONG + cell


def _apart(texts: Sequence[str]) -> Iterator[str]:
    """An empty line before each scenario but the first."""
    for position, text in enumerate(texts):
        if position and not text.startswith(" "):
            yield ""
        yield text

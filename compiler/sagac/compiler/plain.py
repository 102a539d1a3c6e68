"""A document as text for a terminal, in a hundred columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from sagac.compiler.document import Block, Document, Heading, Item, Lines, Listing, Paragraph, Table

WIDTH: Final = 100

GAP: Final = "  "
"""What stands between two columns of a table."""

NARROWEST: Final = 6
"""A column that is made narrower for the others to fit keeps this much."""


def text(document: Document) -> str:
    """The document's text, without an end of line at its end."""
    return "\n".join(line.rstrip() for block in document.blocks for line in block_lines(block)).strip("\n")


def block_lines(block: Block) -> Iterator[str]:
    """The lines of one block, and the empty one that sets it apart."""
    match block:
        case Heading():
            yield from heading(block)
        case Paragraph():
            yield from textwrap.wrap(block.text, WIDTH, break_on_hyphens=False)
            yield ""
        case Listing():
            for item in block.items:
                yield from item_lines(item)
            yield ""
        case Table():
            yield from table(block)
            yield ""
        case Lines():
            yield from (f"    {line}" for line in block.lines)
            yield ""
        case _:
            assert_never(block)


def heading(given: Heading) -> Iterator[str]:
    yield ""
    yield given.text
    if given.level < 3:
        yield ("=" if given.level == 1 else "-") * min(len(given.text), WIDTH)


def item_lines(item: Item) -> Iterator[str]:
    """An entry, and what is below it, further in."""
    yield from wrapped(f"{item.label}: {item.text}" if item.label else item.text, "- ", "  ")
    for each in item.below:
        yield from wrapped(each, "    ", "    ")


def wrapped(words: str, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False, break_long_words=False
    )


# --- tables --------------------------------------------------------------------------------------------------------


def table(given: Table) -> Iterator[str]:
    """A table whose columns are as wide as what stands in them, narrowed where they do not fit."""
    rows = [given.head, *given.rows]
    widths = fitting([max(len(row[column]) for row in rows) for column in range(len(given.head))])
    yield from row_lines(given.head, widths)
    yield GAP.join("-" * width for width in widths)
    for row in given.rows:
        yield from row_lines(row, widths)


def fitting(widths: list[int]) -> list[int]:
    """The widths with the widest made narrower until a row fits."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > WIDTH:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
    return widths


def row_lines(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """A row; a cell that is too long for its column goes on below."""
    parts = [
        textwrap.wrap(cell, width, break_on_hyphens=False) or [""] for cell, width in zip(cells, widths, strict=True)
    ]
    for number in range(max(map(len, parts))):
        texts = [part[number] if number < len(part) else "" for part in parts]
        yield GAP.join(f"{each:<{width}}" for each, width in zip(texts, widths, strict=True)).rstrip()

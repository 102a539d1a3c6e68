"""A document as Markdown that can be pasted into a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from sagac.compiler.document import Block, Document, Heading, Item, Lines, Listing, Paragraph, Table

SPECIAL: Final = re.compile(r"([\\*_\[\]<>|~@#])")
"""What Markdown, or the page that it is pasted into, would read as its own."""


def text(document: Document) -> str:
    """The document's Markdown, without an end of line at its end."""
    blocks = (f"# {document.title}\n", *("\n".join(lines(block)) for block in document.blocks))
    return "\n".join(blocks).rstrip("\n")


def lines(block: Block) -> Iterator[str]:
    """The lines of one block, and the empty one that ends it."""
    match block:
        case Heading():
            yield f"{'#' * (block.level + 1)} {escaped(block.text)}"
        case Paragraph():
            yield escaped(block.text)
        case Listing():
            for item in block.items:
                yield from item_lines(item)
        case Table():
            yield from table(block)
        case Lines():
            yield from fenced(block)
        case _:
            assert_never(block)
    yield ""


def item_lines(item: Item) -> Iterator[str]:
    yield f"- **{item.label}**: {escaped(item.text)}" if item.label else f"- {escaped(item.text)}"
    yield from (f"  - {escaped(each)}" for each in item.below)


def fenced(block: Lines) -> Iterator[str]:
    """Lines in a fence that nothing in them closes."""
    longest = max((len(run) for line in block.lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{block.language}"
    yield from block.lines
    yield fence


def table(given: Table) -> Iterator[str]:
    yield row(given.head)
    yield row(["---"] * len(given.head), plain=True)
    yield from (row(cells) for cells in given.rows)


def row(cells: Sequence[str], *, plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else in_cell(cell) for cell in cells) + " |"


def in_cell(words: str) -> str:
    """A cell's text: a bar ends a cell even inside code."""
    parts = escaped(words).split("`")
    return "`".join(part.replace("|", "\\|") if number % 2 else part for number, part in enumerate(parts))


def escaped(words: str) -> str:
    """Text that Markdown shows as it is, with what stands in backticks as code."""
    parts = words.split("`")
    if len(parts) % 2 == 0:  # a backtick of the author's own that nothing closes
        parts[-2:] = [f"{parts[-2]}'{parts[-1]}"]
    return "`".join(part if number % 2 else SPECIAL.sub(r"\\\1", part) for number, part in enumerate(parts))

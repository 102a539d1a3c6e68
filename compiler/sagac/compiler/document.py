"""A document: headings, paragraphs, lists and tables, before anybody decides how they look.

Words of the spec stand in backticks, as in every message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    """The start of a part; `level` counts from 1, the document's title being above all of them."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list, with what belongs below it."""

    text: str
    below: tuple[str, ...] = ()
    label: str = ""
    """A word that the entry is about, before a colon."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries under each other."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first cell of a row says what the row is about."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: bool = False
    """Whether the cells behind the first are single words that a reader looks for by colour."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that stand as they are: a spec's, or a timeline's."""

    lines: tuple[str, ...]
    language: str = "text"


Block: TypeAlias = Heading | Paragraph | Listing | Table | Lines


@dataclass(frozen=True, slots=True)
class Document:
    """A title and what stands under it."""

    title: str
    blocks: tuple[Block, ...]

"""Python data and literals as text, in the formatter's own style."""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sagac.runtime.plan import Wire

WIDTH: Final = 88
"""The formatter's default width: emitted modules are formatted as a project without settings formats them."""

INDENT: Final = 4

WIDE_LETTERS: Final = ("Lo", "Lm")
"""Unicode categories of the characters that take two columns and are letters; other wide ones are escaped."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A value in print: on one line where it fits (`flat` is empty where it never does), else a part on each line."""

    flat: str
    opening: str = ""
    parts: tuple[tuple[str, Piece], ...] = ()
    closing: str = ""


def lines(prefix: str, piece: Piece, suffix: str = "", indent: int = 0) -> list[str]:
    """The lines of `prefix` and the piece and `suffix`, at this indentation."""
    printed: list[str] = []
    spread(prefix, piece, suffix, indent, printed)
    return printed


def spread(prefix: str, piece: Piece, suffix: str, indent: int, printed: list[str]) -> None:
    """Append the lines of a piece to `printed`."""
    if not piece.parts or (piece.flat and indent + width(prefix + piece.flat + suffix) <= WIDTH):
        printed.append(f"{' ' * indent}{prefix}{piece.flat}{suffix}")
        return
    printed.append(f"{' ' * indent}{prefix}{piece.opening}")
    for name, part in piece.parts:
        spread(name, part, ",", indent + INDENT, printed)
    printed.append(f"{' ' * indent}{piece.closing}{suffix}")


def assignment(target: str, piece: Piece, indent: int = 0) -> list[str]:
    """An assignment; a value that cannot be split goes into parentheses where only they make it fit."""
    prefix = f"{target} = "
    too_long = not piece.parts and indent + width(prefix + piece.flat) > WIDTH
    if not too_long or indent + INDENT + width(piece.flat) > WIDTH:
        return lines(prefix, piece, indent=indent)
    margin = " " * indent
    return [f"{margin}{prefix}(", f"{margin}{' ' * INDENT}{piece.flat}", f"{margin})"]


def bracketed(opening: str, parts: Sequence[tuple[str, Piece]], closing: str) -> Piece:
    """Parts between brackets, each with its prefix (`name=`)."""
    texts = []
    room = WIDTH - len(opening) - len(closing)
    for prefix, part in parts:
        room -= len(prefix) + len(part.flat)
        if room < 0 or not part.flat:
            return Piece("", opening, tuple(parts), closing)
        texts.append(prefix + part.flat)
    return Piece(f"{opening}{', '.join(texts)}{closing}", opening, tuple(parts), closing)


def call(name: str, positional: Iterable[Piece], named: Iterable[tuple[str, Piece]] = ()) -> Piece:
    """A call: positional arguments first."""
    parts = [*(("", piece) for piece in positional), *((f"{word}=", piece) for word, piece in named)]
    return bracketed(f"{name}(", parts, ")")


def tuple_of(items: Sequence[Piece]) -> Piece:
    """A tuple, with the comma that one element alone needs."""
    parts = [("", item) for item in items]
    if len(items) == 1:
        alone = items[0].flat
        return Piece(f"({alone},)" if alone else "", "(", tuple(parts), ")")
    return bracketed("(", parts, ")")


def list_of(items: Sequence[Piece]) -> Piece:
    """A list."""
    return bracketed("[", [("", item) for item in items], "]")


def dict_of(items: Iterable[tuple[str, Piece]]) -> Piece:
    """A dictionary with text keys."""
    return bracketed("{", [(f"{string(key)}: ", value) for key, value in items], "}")


def wire(value: Wire) -> Piece:
    """A wire value."""
    if isinstance(value, str):
        return Piece(string(value))
    if isinstance(value, list):
        return list_of([wire(item) for item in value])
    if isinstance(value, dict):
        return dict_of((key, wire(value[key])) for key in sorted(value))
    return Piece(number(value) if type(value) is int else repr(value))


def number(value: int) -> str:
    """An integer, its thousands apart."""
    return f"{value:_}"


def string(text: str) -> str:
    """A string literal with the quotes that the formatter prefers."""
    if text.isidentifier() and text.isascii():
        return f'"{text}"'
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(escaped(character, quote) for character in text) + quote


def escaped(character: str, quote: str) -> str:
    """One character of a string literal."""
    if character in ("\\", quote):
        return "\\" + character
    if " " <= character <= "~" or is_plain(character):
        return character
    return ascii(character)[1:-1]


def is_plain(character: str) -> bool:
    """Whether every terminal and formatter agrees on what a character beyond ASCII looks like and how wide it is."""
    if not character.isprintable() or unicodedata.combining(character):
        return False
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return unicodedata.category(character) in WIDE_LETTERS and "\u3040" <= character <= "\ud7a3"
    return character < "\u2e80" and unicodedata.category(character)[0] in "LNPS" and not is_pictograph(character)


def is_pictograph(character: str) -> bool:
    """Whether a symbol has an emoji form, whose width nobody agrees on."""
    return unicodedata.category(character) == "So" or "\u2190" <= character <= "\u2bff"


def width(text: str) -> int:
    """The columns that a line takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in ("W", "F") else 1 for character in text)


def docstring(text: str, indent: int) -> list[str]:
    """The lines of a docstring, none for an empty text."""
    rows = [documented(row) for row in inspect.cleandoc(text).splitlines()]
    if not rows:
        return []
    margin = " " * indent
    # The formatter keeps a quote in the text apart from the quotes around it.
    start = " " if rows[0].startswith('"') else ""
    if len(rows) == 1:
        end = " " if rows[0].endswith('"') else ""
        return [f'{margin}"""{start}{rows[0]}{end}"""']
    return [f'{margin}"""{start}{rows[0]}', *(margin + row if row else "" for row in rows[1:]), f'{margin}"""']


def documented(row: str) -> str:
    """One line of a docstring: nothing in it ends the docstring, and all of it can be seen."""
    shown = (
        character if " " <= character <= "~" or is_plain(character) else ascii(character)[1:-1]
        for character in row.rstrip().replace("\\", "\\\\")
    )
    return "".join(shown).replace('"""', '\\"\\"\\"')

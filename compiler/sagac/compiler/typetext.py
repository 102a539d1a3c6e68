"""The language's types, read from their text: `int`, `decimal?`, `list[Line]`, `{ auth: string }?`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

TOKEN: Final = re.compile(r"[A-Za-z_][\w.]*|[\[\]{}:,?]")


@dataclass(frozen=True, slots=True)
class Named:
    """A built-in type, an enum or a record."""

    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """`list[T]`."""

    item: Type


@dataclass(frozen=True, slots=True)
class Optional:
    """`T?`."""

    present: Type


@dataclass(frozen=True, slots=True)
class Inline:
    """`{ a: T, b: U }`: fields without a name of their own."""

    fields: tuple[tuple[str, Type], ...]


Type: TypeAlias = Named | Listed | Optional | Inline


def read(text: str) -> Type:
    """The type that a text says; the resolver wrote the text, so it says one."""
    tokens = TOKEN.findall(text)
    tokens.reverse()
    found = type_of(tokens)
    assert not tokens, text
    return found


def type_of(tokens: list[str]) -> Type:
    """The type at the end of the reversed tokens, which are taken away."""
    word = tokens.pop()
    if word == "{":
        found: Type = Inline(tuple(fields(tokens)))
    elif word == "list":
        found = Listed(in_brackets(tokens))
    else:
        found = Named(word)
    while tokens and tokens[-1] == "?":
        tokens.pop()
        found = Optional(found)
    return found


def in_brackets(tokens: list[str]) -> Type:
    opening = tokens.pop()
    item = type_of(tokens)
    closing = tokens.pop()
    assert (opening, closing) == ("[", "]"), (opening, closing)
    return item


def fields(tokens: list[str]) -> Iterator[tuple[str, Type]]:
    while tokens[-1] != "}":
        name, colon = tokens.pop(), tokens.pop()
        assert colon == ":", name
        yield name, type_of(tokens)
        if tokens[-1] == ",":
            tokens.pop()
    tokens.pop()


def names(type: Type) -> Iterator[str]:
    """The names of all types that a type is made of."""
    match type:
        case Named(name):
            yield name
        case Listed(inner) | Optional(inner):
            yield from names(inner)
        case Inline(parts):
            for _, part in parts:
                yield from names(part)

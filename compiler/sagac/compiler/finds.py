"""Functions that find things: generators that yield each finding and return what they made."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeAlias, TypeVar

from sagac.compiler.diagnostics import Diagnostic

T = TypeVar("T")

Finds: TypeAlias = Generator[Diagnostic, None, T]
"""What a rule of the resolver returns: `value = yield from rule(…)` passes its findings on."""


def collect(part: Finds[T]) -> tuple[T, tuple[Diagnostic, ...]]:
    """The value and the findings of a rule."""
    found: list[Diagnostic] = []
    while True:
        try:
            found.append(next(part))
        except StopIteration as end:
            return end.value, tuple(found)


def gather(parts: Iterable[Finds[T]]) -> Finds[tuple[T, ...]]:
    """The values of several rules, in order."""
    values: list[T] = []
    for part in parts:
        value = yield from part
        values.append(value)
    return tuple(values)


def about(part: Finds[T], saga: str, step: str = "") -> Finds[T]:
    """The same rule, its findings marked with the saga and step that they are about."""
    value, found = collect(part)
    for finding in found:
        yield replace(finding, saga=finding.saga or saga, step=finding.step or step)
    return value


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """A help line with the name that was probably meant; none where nothing is near."""
    candidates = sorted(known)
    folded = {name.lower(): name for name in reversed(candidates)}
    for match in get_close_matches(word.lower(), folded, n=1, cutoff=0.6):
        return (f"did you mean `{folded[match]}`?",)
    return ()


def listed(words: Iterable[str], joint: str = "and", most: int = 6) -> str:
    """``a``, ``a` and `b``: names in backticks, as a sentence has them; a long list is cut."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) > most:
        return f"{', '.join(quoted[:most])} and {len(quoted) - most} more"
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"

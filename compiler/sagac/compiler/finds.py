"""Functions that find things: generators that yield each finding and return what they made."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, TypeAlias, TypeVar

from sagac.compiler.diagnostics import Diagnostic, Label, in_order

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
    quoted = [f"`{word}`" for word in words] or ["nothing"]
    if len(quoted) > most:
        return f"{', '.join(quoted[:most])} and {len(quoted) - most} more"
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}"


REPEATED: Final = frozenset({"E201", "E202", "E203", "E204", "E205", "E206", "E208", "E210", "E212"})
"""Codes of names that mean nothing, or too much: one declaration can be at fault in many places."""


def once(findings: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings, those about one name of one saga or service told at its first place only."""
    groups: dict[object, list[Diagnostic]] = {}
    for finding in in_order(list(findings)):
        groups.setdefault(_faulty_name(finding) or finding, []).append(finding)
    for first, *others in groups.values():
        yield _also(first, others) if others else first


def _faulty_name(finding: Diagnostic) -> tuple[str, str, str, str] | None:
    """Which name a finding is about, and whose; `None` for other findings."""
    if finding.code not in REPEATED:
        return None
    if finding.code in ("E201", "E202"):
        return "name", finding.message.split("`")[1], finding.saga, finding.span.file
    # What a file cannot see, none of its sagas can.
    saga = "" if finding.code in ("E203", "E204") else finding.saga
    return finding.code, finding.message, saga, finding.span.file


def _also(first: Diagnostic, others: Sequence[Diagnostic]) -> Diagnostic:
    """The first finding, with the place of the second and the number of the rest."""
    more = (
        f", and in {len(others) - 1} more places" if len(others) > 2 else ", and in 1 more" if len(others) > 1 else ""
    )
    return replace(first, labels=(first.labels[0], Label(others[0].span, f"also here{more}")))

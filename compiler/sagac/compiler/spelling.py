"""Which word was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SYNONYMS: Final[Mapping[str, str]] = {
    "undo": "compensate",
    "revert": "compensate",
    "call": "do",
    "invoke": "do",
    "run": "do",
    "if": "when",
    "depends": "after",
    "needs": "after",
    "requires": "after",
    "errors": "fails",
    "raises": "fails",
    "throws": "fails",
    "reason": "because",
    "retries": "retry",
    "module": "package",
    "namespace": "package",
    "use": "import",
    "struct": "type",
    "record": "type",
    "workflow": "saga",
    "expect": "then",
}
"""Words that other languages have for ours."""


def nearest(text: str, words: frozenset[str]) -> str | None:
    """The word that was probably meant, if one is near enough in letters or in meaning."""
    if SYNONYMS.get(text.lower()) in words:
        return SYNONYMS[text.lower()]
    near = sorted((distance(text.lower(), word), word) for word in words if abs(len(text) - len(word)) <= 2)
    allowed = 1 if len(text) <= 4 else 2
    return near[0][1] if near and near[0][0] <= allowed else None


def distance(left: str, right: str) -> int:
    """How many letters were added, left out, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        earlier, before = before, row
        row = [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]

"""Answers that the solver gave in earlier checks, by the text of the question: for speed, and for nothing else.

What is kept is an answer to a text, never a verdict: every check works out all its claims and questions anew, and a
question that differs in one letter, or is for another version of the solver, is asked. An `unknown` is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from sagac.compiler.solver import Standing

NAME: Final = "answers.json"


def read(body: bytes) -> dict[str, Standing]:
    """The answers in a file; none where it is not such a file: then all questions are asked."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    known = {key: standing(answer) for key, answer in told.items()} if isinstance(told, dict) else {}
    return {key: answer for key, answer in known.items() if answer is not None}


def standing(told: object) -> Standing | None:
    """One answer: it can hold, or which premises it takes for that it cannot."""
    if told == "sat":
        return "sat"
    if isinstance(told, list) and all(type(place) is int for place in told):
        return tuple(told)
    return None


def written(known: Mapping[str, Standing]) -> bytes:
    """The answers as a file: the same answers, the same bytes."""
    return (json.dumps(dict(sorted(known.items())), separators=(",", ":"), indent=0) + "\n").encode()

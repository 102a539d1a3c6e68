"""The conditions of an input: what the proofs take for granted of every run, asked before there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from sagac.runtime import wire
from sagac.runtime.expressions import Unavailable, View, holds
from sagac.runtime.plan import Expression

Input = TypeVar("Input", bound=BaseModel)


def satisfying(input: Input, conditions: Sequence[tuple[str, Expression]]) -> Input:
    """The input itself; raises `ValueError` with the author's words for the conditions that it does not meet."""
    view = View(wire.encode_fields(input), {}, {})
    broken = [words for words, condition in conditions if not _holds(condition, view)]
    if broken:
        raise ValueError("the input must be such that " + " and ".join(f"`{words}`" for words in broken))
    return input


def _holds(condition: Expression, view: View) -> bool:
    """A condition that reads what is not there does not hold."""
    try:
        return holds(condition, view)
    except Unavailable:
        return False

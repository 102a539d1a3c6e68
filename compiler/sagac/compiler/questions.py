"""What a solver was asked for a claim and what it said, as text that any other solver can be asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sagac.compiler.verdicts import Claim

Answer: TypeAlias = Literal["sat", "unsat", "unknown"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a claim, with its answer.

    For most claims `unsat` proves (nothing breaks it); where a witness is sought, or premises must not contradict one
    another, it is `sat` that shows the claim.
    """

    claim: Claim
    key: str
    """The SHA-256 of the text, in hex: questions of the same text are the same question."""
    text: str
    """SMT-LIB 2, canonical: no names of the specification, no order but that of the question itself."""
    answer: Answer
    needed: tuple[str, ...] = ()
    """The names of the premises that an `unsat` needs, where the premises have names."""

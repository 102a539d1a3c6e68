"""Codes of the proofs: refuted and undecided obligations, and notes (N7xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = ()

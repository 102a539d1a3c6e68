"""Codes of the dependency graph: cycles and contradictory orders (E4xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = ()

"""Codes of the parser: texts that are not specs (E1xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = ()

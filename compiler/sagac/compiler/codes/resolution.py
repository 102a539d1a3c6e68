"""Codes of the resolver: names (E2xx), types and shapes (E3xx), not in this version (E5xx), warnings (W6xx)."""

from __future__ import annotations

from sagac.compiler.codes import later, naming, shaping, stepping
from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (*naming.CODES, *shaping.CODES, *stepping.CODES, *later.CODES)

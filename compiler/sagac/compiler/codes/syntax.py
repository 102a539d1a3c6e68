"""Codes of the parser: texts that are not specs (E1xx), and texts that say nothing (W1xx)."""

from __future__ import annotations

from sagac.compiler.codes.catalogue import Code

CODES: tuple[Code, ...] = (
    Code("E101", "error", "", "", "", ""),
    Code("E102", "error", "", "", "", ""),
    Code("E103", "error", "", "", "", ""),
    Code("E104", "error", "", "", "", ""),
    Code("E105", "error", "", "", "", ""),
    Code("E106", "error", "", "", "", ""),
    Code("E107", "error", "", "", "", ""),
    Code("E108", "error", "", "", "", ""),
    Code("E109", "error", "", "", "", ""),
    Code("E110", "error", "", "", "", ""),
    Code("E111", "error", "", "", "", ""),
    Code("E112", "error", "", "", "", ""),
    Code("E113", "error", "", "", "", ""),
    Code("E114", "error", "", "", "", ""),
    Code("E115", "error", "", "", "", ""),
    Code("E116", "error", "", "", "", ""),
    Code("E117", "error", "", "", "", ""),
    Code("E118", "error", "", "", "", ""),
    Code("E119", "error", "", "", "", ""),
    Code("E120", "error", "", "", "", ""),
    Code("W101", "warning", "", "", "", ""),
    Code("W102", "warning", "", "", "", ""),
)

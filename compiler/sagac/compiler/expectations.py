"""What could stand at a place, in the author's words."""

from __future__ import annotations

from collections.abc import Mapping

from sagac.compiler.machine import END, OPERATORS
from sagac.compiler.tokens import Token

CLAUSES = {
    "item": "a declaration",
    "service_item": "a part of a service",
    "resource_item": "a part of a resource",
    "operation_clause": "a clause of a command",
    "change": "a change",
    "saga_item": "a clause of a saga",
    "step_clause": "a clause of a step",
    "approval_clause": "a clause of an approval",
    "undo_clause": "`timeout` or `retry`",
    "scenario_clause": "`given` or `then`",
}
"""The repeated rules of the grammar, in the author's words."""

KINDS = {
    "NAME": "a name",
    "INT": "a whole number",
    "DECIMAL": "a decimal",
    "STRING": "a text in double quotes",
    "DURATION": "a duration such as `5s`",
    "DATE": "a day such as `2026-12-31`",
    "WHEN_TAIL": "`when` on the same line",
    END: "the end of the text",
}
EXPRESSION = frozenset({"NAME", "INT", "DECIMAL", "DURATION", "STRING", "true", "false", "null", "(", "[", "-"})
CONTINUATIONS = frozenset({*OPERATORS, "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", ".", "?", "(", "["}) - {
    "not",
    "true",
    "false",
    "null",
}

ALTERNATIVES_MAX = 6


def groups(accepted: frozenset[str], heads: Mapping[str, frozenset[str]]) -> list[str]:
    """The clauses that can start here; the narrower ones only where the wider ones cannot."""
    here = [rule for rule in CLAUSES if heads[rule] <= accepted]
    return [rule for rule in here if not any(heads[rule] < heads[other] for other in here)]


def describe(accepted: frozenset[str], heads: Mapping[str, frozenset[str]]) -> str:
    """What can stand here, in the author's words."""
    rest, clauses = set(accepted), groups(accepted, heads)
    said = [CLAUSES[rule] for rule in clauses]
    for rule in clauses:
        rest -= heads[rule]
    if rest >= EXPRESSION:
        said.append("an expression")
        rest -= EXPRESSION | {"not"}
    if len(rest - CONTINUATIONS) or said:
        rest -= CONTINUATIONS
    said += [KINDS[kind] for kind in sorted(rest) if kind in KINDS]
    said += [f"`{kind}`" for kind in sorted(rest) if kind not in KINDS]
    if len(said) > ALTERNATIVES_MAX:
        said = [*said[: ALTERNATIVES_MAX - 1], "…"]
    if len(said) < 2:
        return "".join(said)
    return f"{', '.join(said[:-1])} or {said[-1]}"


def found(token: Token) -> str:
    """The token as the author wrote it."""
    if token.kind == END:
        return "the end of the text"
    return f"`{token.text}`" if len(token.text) <= 40 else f"`{token.text[:36]}…`"

"""Where reading goes on after a mistake, and what is left out for it."""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler.machine import CLOSING, END, LITERALS, Machine
from sagac.compiler.source import Span
from sagac.compiler.tokens import Token

DECLARATIONS = frozenset({"saga", "service", "enum", "type"})
DEPTH_TO_CLOSE = 4
MISSING = "(missing)"
"""Stands for a text that nobody wrote."""


class Resumption:
    """Goes on at the next clause, field or brace; remembers what it left out."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.file = machine.end.span.file
        self.left_out: list[Span] = []
        braces = [token.kind for token in machine.tokens if token.kind in ("{", "}")]
        self.surplus = max(0, len(braces) - 2 * braces.count("{"))
        """How many closing braces the text has too many: one on the line of a mistake belongs to it."""
        self.unclosed = max(0, min(2 * braces.count("{") - len(braces), DEPTH_TO_CLOSE))
        """How many closing braces the text lacks; with none lacking, a clause in the wrong block is just that."""

    def skip(self, index: int) -> int:
        """Leave out what is unfinished, up to a word or brace from which reading can go on."""
        start, depth = index, 0
        count, line = len(self.machine.tokens), self.machine.next_line(index)
        while index < count:
            token = self.machine.tokens[index]
            if token.text in DECLARATIONS and token.is_first:
                depth = 0
            if token.kind in CLOSING.values():
                depth += 1
            elif token.kind in CLOSING and depth:
                depth -= 1
            elif token.kind == "}" and self.surplus and index < line:
                self.surplus -= 1
            elif not depth and self.is_sync(index, start) and self.resume(index, start):
                return index
            index += 1
        self.resume(count, start)
        return count

    def is_sync(self, index: int, start: int) -> bool:
        token = self.machine.tokens[index]
        if token.kind == "}" or self.machine.is_head(index) or self.machine.is_field(index):
            return True
        before = self.machine.before(index)
        ends_clause = before is not None and (before.kind in LITERALS or before.kind in (")", "}"))
        return token.text in self.machine.table.all_heads and ends_clause and index > start

    def resume(self, index: int, start: int) -> bool:
        """Cut the stack back to where this token can stand, closing blocks where it starts an outer clause."""
        machine, token = self.machine, self.machine.token(index)
        outermost = token.kind == END or (token.is_first and token.text in DECLARATIONS)
        closable = DEPTH_TO_CLOSE if outermost else 0 if token.kind == "}" else self.unclosed
        for depth in self.depths(outermost):
            if depth <= len(machine.values) and machine.states[depth - 1] not in machine.table.boundaries:
                continue
            if depth > len(machine.values) and start < index and self.machine.in_expression():
                continue
            states: list[int] | None = machine.states[:depth]
            for closed in range(closable + 1):
                if states is None:
                    break
                if self.can_follow(states, index):
                    self.leave_out(depth, start, index)
                    for _ in range(closed):
                        self.add(index, "}")
                    return True
                states = machine.after(states, "}")
        return False

    def depths(self, outermost: bool) -> Iterator[int]:
        """Where the stack may be cut, from the top down.

        Never so that a bracket that was closed is open again, and not beyond the innermost open block, unless what
        follows ends every block: a clause in the wrong block does not end that block.
        """
        values, closed = self.machine.values, 0
        yield len(values) + 1
        for depth in range(len(values), 0, -1):
            value = values[depth - 1]
            kind = value.kind if type(value) is Token else ""
            if kind in CLOSING:
                closed += 1
            elif kind in CLOSING.values() and closed:
                closed -= 1
            elif kind == "{" and not outermost:
                return
            if not closed:
                yield depth

    def can_follow(self, states: list[int], index: int) -> bool:
        token = self.machine.token(index)
        kind = self.machine.kind(index, states) if token.kind == "WORD" else token.kind
        if kind != "NAME":
            return self.machine.accepts(states, kind)
        after = self.machine.after(states, kind) if self.machine.is_field(index) else None
        return after is not None and self.machine.accepts(after, self.machine.token(index + 1).kind)

    def leave_out(self, depth: int, start: int, index: int) -> None:
        dropped = self.machine.values[depth - 1 :]
        place = self.machine.token(start).span if start < index else self.machine.end_of(index)
        for value in dropped[:1]:
            place = _first_span(value) or place
        last = self.machine.before(index)
        end = place.end if last is None else max(place.end, last.span.end)
        if dropped or start < index:
            self.left_out.append(Span(self.file, place.start, end))
        self.machine.truncate(depth)

    def add(self, index: int, kind: str) -> None:
        """Feed a token that is not written."""
        place = self.machine.end_of(index)
        value: int | str = 1 if kind == "INT" else MISSING
        fed = self.machine.feed(kind, Token(kind, "", place, False, value))
        assert fed, (kind, place)
        if kind == "}":
            self.unclosed = max(0, self.unclosed - 1)


def _first_span(value: object) -> Span | None:
    if isinstance(value, list):
        return _first_span(value[0]) if value else None
    span = getattr(value, "span", None)
    return span if isinstance(span, Span) else None

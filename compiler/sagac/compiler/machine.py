"""The pushdown machine that reads tokens by an LALR table, and decides what each word is where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagac.compiler.source import Span
from sagac.compiler.tokens import DOUBLE_ARROW, MALFORMED, Token

END = "$END"

OPERATORS = frozenset({"and", "or", "not", "implies", "in", "is", "null", "true", "false"})
"""The only words that can never be names."""

NAME_IF_BEFORE = frozenset({":", ".", "->", "+=", "-=", ":="})
"""A word before one of these is a name, whatever else it may mean."""

CLOSING = {"}": "{", ")": "(", "]": "["}

LITERALS = frozenset({"STRING", "INT", "DECIMAL", "DURATION", "DATE"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A grammar rule: how many symbols it takes, what they make, and the function that makes it."""

    size: int
    origin: str
    function: str
    """Empty where the rule passes its one symbol on; `*` where it collects a repetition."""


@dataclass(frozen=True, slots=True)
class Table:
    """An LALR table, keyed by the words and signs themselves."""

    actions: tuple[Mapping[str, int], ...]
    """By state and terminal: the next state, or a rule's number with its bits flipped."""
    gotos: tuple[Mapping[str, int], ...]
    """By state and rule: the next state."""
    rules: tuple[Rule, ...]
    first: int
    last: int
    words: frozenset[str]
    """The words of the language."""
    heads: Mapping[str, frozenset[str]]
    """By repeated rule, such as `step_clause`: the words that start one."""
    all_heads: frozenset[str]
    boundaries: frozenset[int]
    """The states between two clauses, fields or members of a block."""


class Machine:
    """The stack of one parse. It only ever holds the beginning of some text that the grammar accepts."""

    def __init__(self, table: Table, tokens: Sequence[Token], end: Token, builder: object) -> None:
        self.table = table
        self.tokens = tokens
        self.end = end
        self.states = [table.first]
        self.values: list[Any] = []
        self.functions = tuple(_function(rule, builder) for rule in table.rules)

    def feed(self, kind: str, token: Token) -> bool:
        """Take a token; false, and nothing taken, where it cannot stand here."""
        states, values = self.states, self.values
        actions, gotos, rules, functions = self.table.actions, self.table.gotos, self.table.rules, self.functions
        while True:
            action = actions[states[-1]].get(kind)
            if action is None:
                return kind == END and states[-1] == self.table.last
            if action >= 0:
                token.kind = kind
                states.append(action)
                values.append(token)
                return True
            number = ~action
            rule, function = rules[number], functions[number]
            size = rule.size
            if function is not None:
                if size:
                    parts = values[-size:]
                    del states[-size:]
                    del values[-size:]
                else:
                    parts = []
                values.append(function(parts))
            else:
                del states[-1]
            states.append(gotos[states[-1]][rule.origin])

    def kind(self, index: int, states: Sequence[int]) -> str:
        """What the token is, where these states have been reached: a word of the language, a name, or itself."""
        token = self.token(index)
        if token.kind != "WORD":
            return token.kind if token.kind not in (MALFORMED, DOUBLE_ARROW) else self.meant(token, states)
        text = token.text
        if text not in self.table.words:
            return "NAME"
        if text in OPERATORS:
            return text
        row = self.table.actions[states[-1]]
        word = self.when(token, states) if text == "when" else text
        if "NAME" not in row:
            return word
        if self.token(index + 1).kind in NAME_IF_BEFORE and self.accepts(states, "NAME"):
            return "NAME"
        if word in row and self.accepts(states, word):
            return word
        return word if self.starts_clause(index, states) else "NAME"

    def meant(self, token: Token, states: Sequence[int]) -> str:
        """What something was meant to be that was already reported."""
        row = self.table.actions[states[-1]]
        if token.kind == DOUBLE_ARROW:
            return "->" if "->" in row else "implies"
        return "DURATION" if "DURATION" in row and "INT" not in row else "INT"

    def when(self, token: Token, states: Sequence[int]) -> str:
        """Which `when` this is: first on its line it guards the step, otherwise what stands before it."""
        for kind in ("when", "WHEN_TAIL") if token.is_first else ("WHEN_TAIL", "when"):
            if self.accepts(states, kind):
                return kind
        return "when"

    def starts_clause(self, index: int, states: Sequence[int]) -> bool:
        """Whether a word that could be a name is more likely the start of a clause, after something unfinished."""
        token = self.tokens[index]
        if not token.is_first or token.text not in self.table.all_heads:
            return False
        after = self.tokens[index + 1] if index + 1 < len(self.tokens) else None
        if after is not None and not after.is_first and _follows_a_word(after):
            return True
        if not self.names(after, states):
            return True
        block = next((state for state in reversed(states) if state in self.table.boundaries), None)
        if block is None or token.text not in self.table.actions[block]:
            return False
        before = self.tokens[index - 1].kind if index else ""
        return before not in ("{", ",", "[", "(") and (after is None or after.kind not in ("=", ","))

    def names(self, following: Token | None, states: Sequence[int]) -> bool:
        """Whether what follows can follow a name here."""
        named = self.after(states, "NAME")
        if named is None or following is None:
            return named is not None
        row = self.table.actions[named[-1]]
        kinds = (following.text, "NAME") if following.kind == "WORD" else (following.kind,)
        return any(kind in row for kind in kinds)

    def accepts(self, states: Sequence[int], kind: str) -> bool:
        """Whether a token of this kind can stand after these states."""
        actions, gotos, rules = self.table.actions, self.table.gotos, self.table.rules
        left = len(states)
        made: list[int] = []
        state = states[-1]
        while True:
            action = actions[state].get(kind)
            if action is None:
                return kind == END and state == self.table.last
            if action >= 0:
                return True
            rule = rules[~action]
            from_made = min(rule.size, len(made))
            del made[len(made) - from_made :]
            left -= rule.size - from_made
            state = gotos[made[-1] if made else states[left - 1]][rule.origin]
            made.append(state)

    def after(self, states: Sequence[int], kind: str) -> list[int] | None:
        """The states after one more token, or nothing where it cannot stand."""
        actions, gotos, rules = self.table.actions, self.table.gotos, self.table.rules
        stack = list(states)
        while True:
            action = actions[stack[-1]].get(kind)
            if action is None:
                return stack if kind == END and stack[-1] == self.table.last else None
            if action >= 0:
                stack.append(action)
                return stack
            rule = rules[~action]
            if rule.size:
                del stack[-rule.size :]
            stack.append(gotos[stack[-1]][rule.origin])

    def accepted(self) -> frozenset[str]:
        """Every kind of token that can stand next."""
        return frozenset(kind for kind in self.table.actions[self.states[-1]] if self.accepts(self.states, kind))

    def token(self, index: int) -> Token:
        """The token at this index; behind the last one, the end of the text."""
        return self.tokens[index] if index < len(self.tokens) else self.end

    def before(self, index: int) -> Token | None:
        """The token before this index."""
        return self.tokens[index - 1] if index else None

    def end_of(self, index: int) -> Span:
        """The place right behind the token before this one; the end of the text where nothing follows."""
        token, before = self.token(index), self.before(index)
        if token.kind == END or before is None:
            return Span(token.span.file, token.span.start, token.span.start)
        return Span(before.span.file, before.span.end, before.span.end)

    def next_line(self, index: int) -> int:
        """The first token of a line after this one."""
        count = len(self.tokens)
        return next((at for at in range(index + 1, count) if self.tokens[at].is_first), count)

    def is_head(self, index: int) -> bool:
        """Whether a line starts here with a word that starts clauses."""
        token = self.token(index)
        return token.is_first and token.text in self.table.all_heads

    def is_field(self, index: int) -> bool:
        """Whether a line starts here with a field or an assignment."""
        token = self.token(index)
        return token.is_first and token.kind == "WORD" and self.token(index + 1).kind in (":", ":=", "+=", "-=")

    def in_expression(self) -> bool:
        """Whether an expression could go on here: what is left of it after a mistake would mean something else."""
        return "==" in self.table.actions[self.states[-1]]

    def fits(self, states: list[int], index: int, worth: int) -> bool:
        """Whether the next tokens can stand after these states."""
        for at in range(index, index + worth):
            kind = self.kind(at, states)
            after = self.after(states, kind)
            if after is None:
                return False
            if kind in (END, "}") or (self.is_head(at) and kind != "NAME"):
                return True
            states = after
        return True

    def opened(self) -> list[Token]:
        """The brackets that are open, innermost last."""
        opened: list[Token] = []
        for value in self.values:
            if type(value) is Token and value.kind in CLOSING.values():
                opened.append(value)
            elif type(value) is Token and value.kind in CLOSING and opened:
                opened.pop()
        return opened

    def truncate(self, depth: int) -> None:
        """Forget what is unfinished above this depth; what remains is still a beginning."""
        del self.states[depth:]
        del self.values[depth - 1 :]


def _follows_a_word(token: Token) -> bool:
    return token.kind in LITERALS or (token.kind == "WORD" and token.text not in OPERATORS)


def _function(rule: Rule, builder: object) -> Callable[[list[Any]], Any] | None:
    if rule.function == "*":
        return _collect
    if not rule.function:
        return None
    function: Callable[[list[Any]], Any] = getattr(builder, rule.function)
    return function


def _collect(parts: list[Any]) -> list[Any]:
    """A repetition: the list so far, which nobody else holds, and what follows it."""
    if parts and type(parts[0]) is list:
        so_far = parts[0]
        so_far.extend(parts[1:])
        return so_far
    return list(parts)

"""What is said about a token that cannot stand where it does, and how reading goes on after it."""

from __future__ import annotations

from collections.abc import Iterator

from sagac.compiler.codes import finding
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.machine import END, LITERALS, OPERATORS, Machine
from sagac.compiler.source import Source, Span
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

DECLARATIONS = frozenset({"saga", "service", "enum", "type"})
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
SIGNS_TO_ADD = (")", "]", ",", ":", "{", "}", "(", "=")
CLOSING = {"}": "{", ")": "(", "]": "["}
LIKELY_SIGNS = {"=": ("==", ":=", ":"), "==": ("=",), ":": ("=", ":="), ":=": ("=", ":"), ">": ("->",)}
"""Signs that are easily taken for each other, the likeliest first."""
MEANINGS = {"=": "gives a value, it does not compare", "==": "compares, it does not give a value"}
MISSING = "(missing)"
DEPTH_TO_CLOSE = 4
ALTERNATIVES_MAX = 6
REPAIR_WORTH = 4
"""How many tokens must fit after a repair before it is believed; the end of the clause will do, too."""
SPELLING_WORTH = 2
"""How many must fit after a word whose spelling already speaks for it."""


class Reader:
    """The findings of one parse, and how it goes on after each."""

    def __init__(self, machine: Machine, source: Source) -> None:
        self.machine = machine
        self.source = source
        self.file = source.name
        self.findings: list[Diagnostic] = []
        self.left_out: list[Span] = []
        self.quiet_until = -1
        """A mistake before this token belongs to one that was reported already."""
        braces = [token.kind for token in machine.tokens if token.kind in ("{", "}")]
        self.unclosed = max(0, min(2 * braces.count("{") - len(braces), DEPTH_TO_CLOSE))
        """How many closing braces the text lacks; with none lacking, a clause in the wrong block is just that."""

    @property
    def skipped(self) -> tuple[Span, ...]:
        """What was left out, in order."""
        return tuple(self.left_out)

    def recover(self, index: int) -> int:
        """Report the token that does not fit, and say where reading goes on."""
        if index >= self.quiet_until:
            for repair in (
                self.add_reason,
                self.replace_sign,
                self.replace_word,
                self.take_as_name,
                self.add_token,
                self.add_version,
                self.close_blocks,
                self.drop_closing,
                self.drop_token,
            ):
                after = repair(index)
                if after is not None:
                    self.quiet_until = self.end_of_repair(index)
                    return after
            self.report_unexpected(index)
        return self.skip(index)

    def end_of_repair(self, index: int) -> int:
        """Up to where a further mistake still belongs to this one: a few tokens, or the next line."""
        end = index + REPAIR_WORTH + 1
        lines = (at for at in range(index, end) if self.is_head(at) or (at > index and self.token(at).is_first))
        return next(lines, end)

    def too_deep(self, span: Span, index: int) -> int:
        """Report what nests too deep, and leave its clause out."""
        self.report("E115", "this is nested too deeply", span, help="split it up, or name its parts")
        return self.skip(index)

    # --- repairs: each reports and repairs, or leaves everything as it is

    def add_reason(self, index: int) -> int | None:
        before, token = self.before(index), self.token(index)
        if token.kind == "STRING":
            return None
        states = self.machine.states
        if self.machine.accepts(states, "because"):
            self.add(index, "because")
        elif not (before is not None and before.kind == "because" and self.machine.accepts(states, "STRING")):
            return None
        self.add(index, "STRING")
        place = self.end_of(index) if before is None or not before.text.isalpha() else before.span
        self.report("E113", "a reason is missing", place, help='write `because "…"`, for whoever was not there')
        return index

    def replace_sign(self, index: int) -> int | None:
        token = self.token(index)
        for sign in LIKELY_SIGNS.get(token.kind, ()):
            states = self.machine.after(self.machine.states, sign)
            if states is not None and self.fits(states, index + 1):
                message = f"`{token.text}` {MEANINGS[token.kind]}" if token.kind in MEANINGS else f"expected `{sign}`"
                self.report("E111", message, token.span, help=f"write `{sign}`")
                self.machine.feed(sign, token)
                return index + 1
        return None

    def replace_word(self, index: int) -> int | None:
        token = self.token(index)
        if token.kind != "WORD":
            return self.replace_earlier_word(index)
        words = self.machine.accepted() & self.machine.table.words
        word = nearest(token.text, words - {token.text})
        if word is None:
            return self.replace_earlier_word(index)
        states = self.machine.after(self.machine.states, word)
        if states is None or not self.fits(states, index + 1, SPELLING_WORTH):
            return None
        self.report_spelling(token, word)
        self.machine.feed(word, token)
        return index + 1

    def replace_earlier_word(self, index: int) -> int | None:
        """A misspelt word at the start of a line may have been read as the name of a field."""
        before = self.before(index)
        if before is None or before.kind != "NAME" or not before.is_first:
            return None
        heads = self.machine.table.heads
        accepted = self.machine.accepted()
        rules = [rule for rule, sign in (("resource_item", ":"), ("change", ":=")) if sign in accepted]
        word = nearest(before.text, frozenset().union(*(heads[rule] for rule in rules)))
        if word is None:
            return None
        self.report_spelling(before, word)
        return self.skip(index)

    def take_as_name(self, index: int) -> int | None:
        token = self.token(index)
        if token.text not in OPERATORS or token.kind != "WORD":
            return None
        states = self.machine.after(self.machine.states, "NAME")
        if states is None or not self.fits(states, index + 1):
            return None
        self.report("E120", f"`{token.text}` cannot be a name", token.span, help="choose another name")
        token.text += "_"
        self.machine.feed("NAME", token)
        return index + 1

    def add_token(self, index: int) -> int | None:
        token, states = self.token(index), self.machine.states
        accepted = self.machine.accepted()
        continues = "==" in accepted or "." in accepted
        fitting = []
        for kind in self.to_add(accepted):
            if (kind == "," and token.is_first) or (kind in ("(", "[") and continues):
                continue
            if kind == "}" and not self.unclosed:
                continue
            after = self.machine.after(states, kind)
            if after is not None and self.fits(after, index):
                fitting.append(kind)
        signs = [kind for kind in fitting if not kind.isalpha()]
        if not signs and len(fitting) != 1:
            return None
        kind = (signs or fitting)[0]
        if kind in CLOSING:
            self.report_unclosed(index, 1)
        else:
            self.report_expected(f"`{kind}`", index)
        self.add(index, kind)
        return index

    def to_add(self, accepted: frozenset[str]) -> list[str]:
        words = accepted & self.machine.table.words - OPERATORS
        return [*(sign for sign in SIGNS_TO_ADD if sign in accepted), *sorted(words)]

    def add_version(self, index: int) -> int | None:
        states = self.machine.after(self.machine.states, "version")
        states = states and self.machine.after(states, "INT")
        if states is None or not self.fits(states, index):
            return None
        self.report_expected("`version` and a number", index)
        self.add(index, "version")
        self.add(index, "INT")
        return index

    def close_blocks(self, index: int) -> int | None:
        token = self.token(index)
        if token.kind != END and not self.is_head(index):
            return None
        states: list[int] | None = self.machine.states
        for count in range(1, self.unclosed + 1):
            states = self.machine.after(states, "}") if states is not None else None
            if states is not None and self.fits(states, index):
                self.report_unclosed(index, count)
                for _ in range(count):
                    self.add(index, "}")
                return index
        return None

    def drop_closing(self, index: int) -> int | None:
        token = self.token(index)
        if token.kind not in CLOSING:
            return None
        opened = self.opened()
        if opened and opened[-1].kind == CLOSING[token.kind]:
            return None
        if any(other.kind == CLOSING[token.kind] for other in opened):
            return None
        self.report("E104", f"this `{token.text}` closes nothing", token.span, help="remove it")
        return index + 1

    def drop_token(self, index: int) -> int | None:
        token = self.token(index)
        if token.kind == END or token.kind in CLOSING or token.kind in CLOSING.values() or self.is_head(index):
            return None
        if self.in_expression() or not self.fits(self.machine.states, index + 1):
            return None
        self.report_unexpected(index)
        self.left_out.append(token.span)
        return index + 1

    # --- going on at the next clause

    def skip(self, index: int) -> int:
        """Leave out what is unfinished, up to a word or brace from which reading can go on."""
        start, depth = index, 0
        count = len(self.machine.tokens)
        while index < count:
            token = self.machine.tokens[index]
            if token.text in DECLARATIONS and token.is_first:
                depth = 0
            if token.kind in CLOSING.values():
                depth += 1
            elif token.kind in CLOSING and depth:
                depth -= 1
            elif not depth and self.is_sync(index, start) and self.resume(index, start):
                return index
            index += 1
        self.resume(count, start)
        return count

    def is_sync(self, index: int, start: int) -> bool:
        token = self.machine.tokens[index]
        if token.kind == "}" or self.is_head(index) or self.is_field(index):
            return True
        before = self.before(index)
        ends_clause = before is not None and (before.kind in LITERALS or before.kind in (")", "}"))
        return token.text in self.machine.table.all_heads and ends_clause and index > start

    def is_head(self, index: int) -> bool:
        token = self.token(index)
        return token.is_first and token.text in self.machine.table.all_heads

    def in_expression(self) -> bool:
        """Whether an expression could go on here: what is left of it after a mistake would mean something else."""
        return "==" in self.machine.table.actions[self.machine.states[-1]]

    def is_field(self, index: int) -> bool:
        token = self.token(index)
        return token.is_first and token.kind == "WORD" and self.token(index + 1).kind in (":", ":=", "+=", "-=")

    def resume(self, index: int, start: int) -> bool:
        """Cut the stack back to where this token can stand, closing blocks where it starts an outer clause."""
        machine, token = self.machine, self.token(index)
        outermost = token.kind == END or (token.is_first and token.text in DECLARATIONS)
        closable = DEPTH_TO_CLOSE if outermost else 0 if token.kind == "}" else self.unclosed
        for depth in self.depths(outermost):
            if depth <= len(machine.values) and machine.states[depth - 1] not in machine.table.boundaries:
                continue
            if depth > len(machine.values) and start < index and self.in_expression():
                continue
            states: list[int] | None = machine.states[:depth]
            for closed in range(closable + 1):
                if states is None:
                    break
                if self.fits_as_itself(states, index):
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

    def fits_as_itself(self, states: list[int], index: int) -> bool:
        token = self.token(index)
        kind = self.machine.kind(index, states) if token.kind == "WORD" else token.kind
        if kind != "NAME":
            return self.machine.accepts(states, kind)
        after = self.machine.after(states, kind) if self.is_field(index) else None
        return after is not None and self.machine.accepts(after, self.token(index + 1).kind)

    def leave_out(self, depth: int, start: int, index: int) -> None:
        dropped = self.machine.values[depth - 1 :]
        place = self.token(start).span if start < index else self.end_of(index)
        for value in dropped[:1]:
            place = _first_span(value) or place
        last = self.before(index)
        end = place.end if last is None else max(place.end, last.span.end)
        if dropped or start < index:
            self.left_out.append(Span(self.file, place.start, end))
        self.machine.truncate(depth)

    # --- words for it

    def report_spelling(self, token: Token, word: str) -> None:
        known = token.text in self.machine.table.words
        message = f"`{token.text}` {'cannot stand here' if known else 'is not a word of the language'}"
        self.report("E102", message, token.span, help=f"did you mean `{word}`?")

    def report_unclosed(self, index: int, count: int) -> None:
        opened = self.opened()
        place = self.end_of(index)
        if not opened:
            self.report_expected("`}`", index)
            return
        opening = opened[-1]
        sign = {"{": "}", "(": ")", "[": "]"}[opening.kind]
        advice = f"write `{sign * count}` {'at the end' if self.token(index).kind == END else 'here'}"
        self.report(
            "E103",
            f"this `{opening.text}` is not closed",
            opening.span,
            Label(place, f"`{sign}` is missing"),
            help=advice,
        )

    def report_expected(self, expected: str, index: int) -> None:
        token = self.token(index)
        place = self.end_of(index) if token.is_first or token.kind == END else token.span
        self.report("E101", f"expected {expected}, found {_found(token)}", place)

    def report_unexpected(self, index: int) -> None:
        token, accepted = self.token(index), self.machine.accepted()
        groups = self.groups(accepted)
        if groups and token.kind == "WORD" and (token.is_first or self.opens_block(index)):
            said = [CLAUSES[rule] for rule in groups]
            negation = "not " + said[0] if len(said) == 1 else f"neither {' nor '.join(said)}"
            self.report("E101", f"`{token.text}` is {negation}", token.span, help=self.advice(index, groups))
            return
        braces = token.kind == "{" and "operation_clause" in groups
        advice = "the clauses of a command stand without braces" if braces else ()
        expected = describe(accepted, groups, self.machine)
        self.report("E101", f"expected {expected}, found {_found(token)}", token.span, help=advice)

    def groups(self, accepted: frozenset[str]) -> list[str]:
        """The clauses that can start here; the narrower ones only where the wider ones cannot."""
        heads = self.machine.table.heads
        groups = [rule for rule in CLAUSES if heads[rule] <= accepted]
        return [rule for rule in groups if not any(heads[rule] < heads[other] for other in groups)]

    def opens_block(self, index: int) -> bool:
        before = self.before(index)
        return before is not None and before.kind in ("{", ")", "}")

    def advice(self, index: int, groups: list[str]) -> str:
        text, following = self.token(index).text, self.token(index + 1)
        homes = [CLAUSES[rule] for rule, words in self.machine.table.heads.items() if text in words]
        if homes:
            return f"`{text}` is {' or '.join(homes)}"
        if "step_clause" in groups and following.kind == ".":
            return f"to call a service, write `do {text}.…`"
        words = sorted(frozenset().union(*(self.machine.table.heads[rule] for rule in groups)))
        return "there are " + ", ".join(f"`{word}`" for word in words)

    def report(self, code: str, message: str, *places: Label | Span, help: str | tuple[str, ...] = ()) -> None:
        self.findings.append(finding(code, message, *places, help=help))

    # --- looking around

    def fits(self, states: list[int], index: int, worth: int = REPAIR_WORTH) -> bool:
        """Whether the next tokens can stand after these states."""
        for at in range(index, index + worth):
            token = self.token(at)
            kind = END if token.kind == END else self.machine.kind(at, states)
            after = self.machine.after(states, kind)
            if after is None:
                return False
            if kind in (END, "}") or (self.is_head(at) and kind != "NAME"):
                return True
            states = after
        return True

    def add(self, index: int, kind: str) -> None:
        """Feed a token that is not written."""
        place = self.end_of(index)
        value: int | str = 1 if kind == "INT" else MISSING
        fed = self.machine.feed(kind, Token(kind, "", place, False, value))
        assert fed, (kind, place)
        if kind == "}":
            self.unclosed = max(0, self.unclosed - 1)

    def token(self, index: int) -> Token:
        if index < len(self.machine.tokens):
            return self.machine.tokens[index]
        end = len(self.source.text)
        return Token(END, "", Span(self.file, end, end), True, None)

    def before(self, index: int) -> Token | None:
        return self.machine.tokens[index - 1] if index else None

    def end_of(self, index: int) -> Span:
        """The place right behind the token before this one; the end of the text where nothing follows."""
        token, before = self.token(index), self.before(index)
        if token.kind == END or before is None:
            return Span(self.file, token.span.start, token.span.start)
        return Span(self.file, before.span.end, before.span.end)

    def opened(self) -> list[Token]:
        """The brackets that are open, innermost last."""
        opened: list[Token] = []
        for value in self.machine.values:
            if type(value) is Token and value.kind in CLOSING.values():
                opened.append(value)
            elif type(value) is Token and value.kind in CLOSING and opened:
                opened.pop()
        return opened


def describe(accepted: frozenset[str], groups: list[str], machine: Machine) -> str:
    """What can stand here, in the author's words."""
    rest = set(accepted)
    said = [CLAUSES[rule] for rule in groups]
    for rule in groups:
        rest -= machine.table.heads[rule]
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


def nearest(text: str, words: frozenset[str]) -> str | None:
    """The word that was probably meant, if one is near enough."""
    near = sorted((distance(text.lower(), word), word) for word in words if abs(len(text) - len(word)) <= 2)
    allowed = 1 if len(text) <= 4 else 2
    return near[0][1] if near and near[0][0] <= allowed else None


def distance(left: str, right: str) -> int:
    """How many letters were added, left out, changed or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        earlier, before = before, row
        row = [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _found(token: Token) -> str:
    if token.kind == END:
        return "the end of the text"
    return f"`{token.text}`" if len(token.text) <= 40 else f"`{token.text[:36]}…`"


def _first_span(value: object) -> Span | None:
    if isinstance(value, list):
        return _first_span(value[0]) if value else None
    span = getattr(value, "span", None)
    return span if isinstance(span, Span) else None

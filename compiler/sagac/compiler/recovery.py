"""What is said about a token that cannot stand where it does, and how reading goes on after it."""

from __future__ import annotations

from sagac.compiler import expectations, spelling
from sagac.compiler.codes import finding
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.machine import CLOSING, END, OPERATORS, Machine
from sagac.compiler.resumption import Resumption
from sagac.compiler.source import Span
from sagac.compiler.tokens import UNITS_MS, Token

SIGNS_TO_ADD = (")", "]", ",", ":", "{", "}", "(", "=")
LIKELY_SIGNS = {"=": ("==", ":=", ":"), "==": ("=",), ":": ("=", ":="), ":=": ("=", ":"), ">": ("->",)}
"""Signs that are easily taken for each other, the likeliest first."""
MEANINGS = {
    ("=", "=="): "gives a value, it does not compare",
    ("==", "="): "compares, it does not give a value",
}
REPAIR_WORTH = 4
"""How many tokens must fit after a repair before it is believed; the end of the clause will do, too."""
SPELLING_WORTH = 2
"""How many must fit after a word whose spelling already speaks for it."""


class Reader:
    """The findings of one parse, and how it goes on after each."""

    def __init__(self, machine: Machine, reported: frozenset[int]) -> None:
        self.machine = machine
        self.reported = reported
        """Where the tokens start that something was said about already."""
        self.findings: list[Diagnostic] = []
        self.resumption = Resumption(machine)
        self.quiet_until = -1
        """A mistake before this token belongs to one that was reported already."""

    @property
    def skipped(self) -> tuple[Span, ...]:
        """What was left out, in order."""
        return tuple(self.resumption.left_out)

    def recover(self, index: int) -> int:
        """Report the token that does not fit, and say where reading goes on."""
        if index >= self.quiet_until and self.machine.token(index).span.start not in self.reported:
            for repair in (
                self.add_reason,
                self.move_reference,
                self.add_unit,
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
        after = self.resumption.skip(index)
        if not self.machine.token(after).is_first:
            self.quiet_until = self.machine.next_line(after)
        return after

    def end_of_repair(self, index: int) -> int:
        """Up to where a further mistake still belongs to this one: a few tokens, or the next line."""
        end = index + REPAIR_WORTH + 1
        lines = (
            at
            for at in range(index, end)
            if self.machine.is_head(at) or (at > index and self.machine.token(at).is_first)
        )
        return next(lines, end)

    def too_deep(self, span: Span, index: int) -> int:
        """Report what nests too deep, and leave its clause out."""
        self.report("E115", "this is nested too deeply", span, help="split it up, or name its parts")
        return self.resumption.skip(index)

    # --- repairs: each reports and repairs, or leaves everything as it is

    def add_reason(self, index: int) -> int | None:
        before, token = self.machine.before(index), self.machine.token(index)
        if token.kind == "STRING":
            return None
        states = self.machine.states
        if self.machine.accepts(states, "because"):
            self.resumption.add(index, "because")
        elif not (before is not None and before.kind == "because" and self.machine.accepts(states, "STRING")):
            return None
        self.resumption.add(index, "STRING")
        place = self.machine.end_of(index) if before is None or not before.text.isalpha() else before.span
        self.report("E113", "a reason is missing", place, help='write `because "…"`, for whoever was not there')
        return index

    def move_reference(self, index: int) -> int | None:
        """`references` as a clause of its own has been read as the name of a field."""
        before, token = self.machine.before(index), self.machine.token(index)
        if before is None or before.text != "references" or token.kind != "WORD":
            return None
        if ":" not in self.machine.accepted():
            return None
        example = f"{token.text.lower()}: uuid references {token.text}[{token.text.lower()}]"
        self.report(
            "E101", "`references` is no clause of its own", before.span, help=f"it follows a field: `{example}`"
        )
        return self.resumption.skip(index)

    def add_unit(self, index: int) -> int | None:
        token, unit = self.machine.token(index), self.machine.token(index + 1)
        if token.kind not in ("INT", "DECIMAL") or not self.machine.accepts(self.machine.states, "DURATION"):
            return None
        if unit.text in UNITS_MS and not unit.is_first:
            together = f"{token.text}{unit.text}"
            self.report(
                "E109", "a number and its unit stand together", token.span.to(unit.span), help=f"write `{together}`"
            )
        else:
            self.report(
                "E109", f"`{token.text}` has no unit", token.span, help=f"write `{token.text}s` or `{token.text}m`"
            )
            unit = token
        token.value = 1
        self.machine.feed("DURATION", token)
        return index + 1 if unit is token else index + 2

    def replace_sign(self, index: int) -> int | None:
        token = self.machine.token(index)
        if self.names_an_argument(index, self.machine.accepted()):
            return None
        for sign in LIKELY_SIGNS.get(token.kind, ()):
            states = self.machine.after(self.machine.states, sign)
            if states is not None and self.machine.fits(states, index + 1, REPAIR_WORTH):
                meaning = MEANINGS.get((token.kind, sign), "cannot stand here")
                self.report("E111", f"`{token.text}` {meaning}", token.span, help=f"write `{sign}`")
                self.machine.feed(sign, token)
                return index + 1
        return None

    def replace_word(self, index: int) -> int | None:
        token = self.machine.token(index)
        if token.kind != "WORD":
            return self.replace_earlier_word(index)
        words = self.machine.accepted() & self.machine.table.words
        word = spelling.nearest(token.text, words - {token.text})
        if word is None:
            return self.replace_earlier_word(index)
        states = self.machine.after(self.machine.states, word)
        if states is None or not self.machine.fits(states, index + 1, SPELLING_WORTH):
            return None
        self.report_spelling(token, word)
        self.machine.feed(word, token)
        return index + 1

    def replace_earlier_word(self, index: int) -> int | None:
        """A misspelt word at the start of a line may have been read as the name of a field."""
        before = self.machine.before(index)
        if before is None or before.kind != "NAME" or not before.is_first:
            return None
        heads = self.machine.table.heads
        accepted = self.machine.accepted()
        rules = [rule for rule, sign in (("resource_item", ":"), ("change", ":=")) if sign in accepted]
        word = spelling.nearest(before.text, frozenset().union(*(heads[rule] for rule in rules)))
        if word is None:
            return None
        self.report_spelling(before, word)
        return self.resumption.skip(index)

    def take_as_name(self, index: int) -> int | None:
        token = self.machine.token(index)
        if token.text not in OPERATORS or token.kind != "WORD":
            return None
        states = self.machine.after(self.machine.states, "NAME")
        if states is None or not self.machine.fits(states, index + 1, REPAIR_WORTH):
            return None
        self.report("E120", f"`{token.text}` cannot be a name", token.span, help="choose another name")
        token.text += "_"
        self.machine.feed("NAME", token)
        return index + 1

    def add_token(self, index: int) -> int | None:
        token, states = self.machine.token(index), self.machine.states
        accepted = self.machine.accepted()
        continues = "==" in accepted or "." in accepted
        fitting = []
        for kind in self.to_add(accepted):
            if (kind == "," and token.is_first) or (kind in ("(", "[") and continues):
                continue
            if kind == "}" and not self.resumption.unclosed:
                continue
            after = self.machine.after(states, kind)
            if after is not None and self.machine.fits(after, index, REPAIR_WORTH):
                fitting.append(kind)
        signs = [kind for kind in fitting if not kind.isalpha()]
        if not signs and len(fitting) != 1:
            return None
        kind = (signs or fitting)[0]
        if kind in CLOSING:
            self.report_unclosed(index, 1)
        else:
            self.report_expected(f"`{kind}`", index)
        self.resumption.add(index, kind)
        return index

    def to_add(self, accepted: frozenset[str]) -> list[str]:
        heads = self.machine.table.heads
        words = accepted & self.machine.table.words - OPERATORS
        for rule in expectations.groups(accepted, heads):
            words -= heads[rule]
        return [*(sign for sign in SIGNS_TO_ADD if sign in accepted), *sorted(words)]

    def add_version(self, index: int) -> int | None:
        states = self.machine.after(self.machine.states, "version")
        states = states and self.machine.after(states, "INT")
        if states is None or not self.machine.fits(states, index, REPAIR_WORTH):
            return None
        self.report_expected("`version` and a number", index)
        self.resumption.add(index, "version")
        self.resumption.add(index, "INT")
        return index

    def close_blocks(self, index: int) -> int | None:
        token = self.machine.token(index)
        if token.kind != END and not self.machine.is_head(index):
            return None
        states: list[int] | None = self.machine.states
        for count in range(1, self.resumption.unclosed + 1):
            states = self.machine.after(states, "}") if states is not None else None
            if states is not None and self.machine.fits(states, index, REPAIR_WORTH):
                self.report_unclosed(index, count)
                for _ in range(count):
                    self.resumption.add(index, "}")
                return index
        return None

    def drop_closing(self, index: int) -> int | None:
        token = self.machine.token(index)
        if token.kind not in CLOSING:
            return None
        opened = self.machine.opened()
        if opened and opened[-1].kind == CLOSING[token.kind]:
            return None
        if any(other.kind == CLOSING[token.kind] for other in opened):
            return None
        self.report("E104", f"this `{token.text}` closes nothing", token.span, help="remove it")
        return index + 1

    def drop_token(self, index: int) -> int | None:
        token = self.machine.token(index)
        if token.kind == END or token.kind in CLOSING or token.kind in CLOSING.values() or self.machine.is_head(index):
            return None
        if self.machine.in_expression() or not self.machine.fits(self.machine.states, index + 1, REPAIR_WORTH):
            return None
        self.report_unexpected(index)
        self.resumption.left_out.append(token.span)
        return index + 1

    # --- words for it

    def report_spelling(self, token: Token, word: str) -> None:
        known = token.text in self.machine.table.words
        message = f"`{token.text}` {'cannot stand here' if known else 'is not a word of the language'}"
        self.report("E102", message, token.span, help=f"did you mean `{word}`?")

    def report_unclosed(self, index: int, count: int) -> None:
        opened = self.machine.opened()
        place = self.machine.end_of(index)
        if not opened:
            self.report_expected("`}`", index)
            return
        opening = opened[-1]
        sign = {"{": "}", "(": ")", "[": "]"}[opening.kind]
        advice = f"write `{sign * count}` {'at the end' if self.machine.token(index).kind == END else 'here'}"
        self.report(
            "E103",
            f"this `{opening.text}` is not closed",
            opening.span,
            Label(place, f"`{sign}` is missing"),
            help=advice,
        )

    def report_expected(self, expected: str, index: int) -> None:
        token = self.machine.token(index)
        place = self.machine.end_of(index) if token.is_first or token.kind == END else token.span
        advice = self.habit(index, self.machine.accepted())
        self.report("E101", f"expected {expected}, found {expectations.found(token)}", place, help=advice)

    def report_unexpected(self, index: int) -> None:
        token, accepted = self.machine.token(index), self.machine.accepted()
        groups = expectations.groups(accepted, self.machine.table.heads)
        if groups and token.kind == "WORD" and (token.is_first or self.opens_block(index)):
            said = [expectations.CLAUSES[rule] for rule in groups]
            negation = "not " + said[0] if len(said) == 1 else f"neither {' nor '.join(said)}"
            self.report("E101", f"`{token.text}` is {negation}", token.span, help=self.advice(index, groups))
            return
        advice = self.habit(index, accepted)
        expected = expectations.describe(accepted, self.machine.table.heads)
        self.report("E101", f"expected {expected}, found {expectations.found(token)}", token.span, help=advice)

    def habit(self, index: int, accepted: frozenset[str]) -> str | tuple[()]:
        """What to write for something that other languages have."""
        before, token, following = (self.machine.token(at) for at in (index - 1, index, index + 1))
        word = spelling.nearest(token.text, accepted & self.machine.table.words)
        match token.kind:
            case "{" if "operation_clause" in expectations.groups(accepted, self.machine.table.heads):
                return "the clauses of a command stand without braces"
            case _ if self.names_an_argument(index, accepted):
                return "arguments stand in the order of the parameters, without their names"
            case "?" if "NAME" in accepted and following.kind == "WORD":
                return f"write `{following.text}?`"
            case "<" if before.text.lower() == "list" and following.kind == "WORD":
                return f"write `list[{following.text}]`"
            case "-" if before.span.end == token.span.start and token.span.end == following.span.start:
                return f"a name is made of letters, digits and `_`: write `{before.text}_{following.text}`"
            case "WORD" if before.text == "is" and "null" in accepted:
                return f"only `null` is asked for with `is`; anything else is compared: `== {token.text}`"
            case "WORD" if before.text == "pivot" and "after" in accepted:
                return f"write `pivot step {token.text}`"
            case "WORD" if word is not None:
                return f"did you mean `{word}`?"
            case _:
                return ()

    def names_an_argument(self, index: int, accepted: frozenset[str]) -> bool:
        if self.machine.token(index).kind not in (":", "=") or not {",", ")"} <= accepted:
            return False
        return index > 1 and self.machine.token(index - 2).kind in ("(", ",")

    def opens_block(self, index: int) -> bool:
        before = self.machine.before(index)
        return before is not None and before.kind in ("{", ")", "}")

    def advice(self, index: int, groups: list[str]) -> str:
        text, following = self.machine.token(index).text, self.machine.token(index + 1)
        homes = [expectations.CLAUSES[rule] for rule, words in self.machine.table.heads.items() if text in words]
        if homes:
            return f"`{text}` is {' or '.join(homes)}"
        if "step_clause" in groups and following.kind == ".":
            return f"to call a service, write `do {text}.{self.machine.token(index + 2).text}(…)`"
        words = sorted(frozenset().union(*(self.machine.table.heads[rule] for rule in groups)))
        return "there are " + ", ".join(f"`{word}`" for word in words)

    def report(self, code: str, message: str, *places: Label | Span, help: str | tuple[str, ...] = ()) -> None:
        self.findings.append(finding(code, message, *places, help=help))

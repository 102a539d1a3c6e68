"""From a text to its words, numbers, strings and signs, with the comments beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sagac.compiler.codes import finding
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.source import Source, Span
from sagac.compiler.syntax import Comment

INT_MAX = 2**63 - 1
DECIMAL_DIGITS_MAX = 28
DURATION_MS_MAX = 100 * 366 * 24 * 60 * 60 * 1000
MALFORMED = "MALFORMED"
"""The kind of a number that was reported already; the parser takes it for the kind that fits."""

UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
FOREIGN = {"&&": "and", "||": "or", "!": "not", "===": "==", "!==": "!=", "<>": "!="}
DOUBLE_ARROW = "=>"
"""A sign of other languages for two of ours; the parser takes it for the one that fits."""

ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}

PATTERN = re.compile(
    r"""
      (?P<blank>[ \t\r\n\f\v]+)
    | (?P<comment>//[^\n]*)
    | (?P<hash>\#[^\n]*)
    | (?P<word>[^\W\d]\w*)
    | (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\w))
    | (?P<number>[0-9]+(?:\.[0-9]+)?\w*)
    | (?P<string>"(?:\\[^\r\n]|[^"\\\r\n])*(?:"|\\?))
    | (?P<quoted>'[^'\r\n]*'|[“”„«‘][^“”„«»‘’"\r\n]*[“”»’])
    | (?P<block>/\*(?s:.)*?(?:\*/|\Z))
    | (?P<foreign>&&|\|\||===|!==|<>|=>|!(?!=))
    | (?P<sign>->|:=|\+=|-=|==|!=|<=|>=|[{}()\[\],.:?=+*/<>-])
    | (?P<other>.)
    """,
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}|\\(.)")
NUMBER = re.compile(r"([0-9]+)(\.[0-9]+)?(ms|s|m|h|d)?")


class Token:
    """One word, number, string or sign. `kind` is the sign itself, or WORD, STRING, INT, DECIMAL, DURATION, DATE."""

    __slots__ = ("doc", "is_first", "kind", "span", "text", "value")

    def __init__(self, kind: str, text: str, span: Span, is_first: bool, value: int | Decimal | str | None) -> None:
        self.kind = kind
        self.text = text
        self.span = span
        self.is_first = is_first
        """Whether nothing but blanks stands before it on its line."""
        self.value = value
        """A string without its escapes, a number, a duration in milliseconds."""
        self.doc = ""
        """The `///` lines above it."""


@dataclass(frozen=True, slots=True)
class Lexed:
    """The tokens of a text, its comments, and findings."""

    tokens: tuple[Token, ...]
    comments: tuple[Comment, ...]
    docs: Mapping[int, Span]
    """Where the doc comments stand, by the start of the token after them."""
    strays: tuple[Span, ...]
    """Doc comments that no token follows, or that stand behind something on its line."""
    findings: tuple[Diagnostic, ...]


def lex(source: Source) -> Lexed:
    """Everything that the text is made of; what is not part of the language is a finding and left out."""
    return _Lexing(source).run()


class _Lexing:
    """The state of one pass over a text."""

    def __init__(self, source: Source) -> None:
        self.file = source.name
        self.text = source.text
        self.tokens: list[Token] = []
        self.comments: list[Comment] = []
        self.findings: list[Diagnostic] = []
        self.waiting: list[Comment] = []
        """The doc comments since the last token."""
        self.docs: dict[int, Span] = {}
        self.strays: list[Span] = []

    def run(self) -> Lexed:
        file, tokens = self.file, self.tokens
        is_first = True
        for match in PATTERN.finditer(self.text, 1 if self.text.startswith("\ufeff") else 0):
            kind, text = match.lastgroup, match.group()
            if kind == "blank":
                is_first = is_first or "\n" in text
                continue
            span = Span(file, match.start(), match.end())
            if kind == "comment":
                self.comment(text, span, is_first)
                continue
            if kind == "sign":
                token: Token | None = Token(text, text, span, is_first, None)
            elif kind == "word":
                if not text.isascii():
                    self.report_identifier(text, span)
                token = Token("WORD", text, span, is_first, None)
            else:
                token = self.literal(kind or "", text, span, is_first)
            if token is None:
                continue
            if self.waiting:
                token.doc = "\n".join(comment.text for comment in self.waiting)
                self.docs[span.start] = self.waiting[0].span.to(self.waiting[-1].span)
                self.waiting.clear()
            tokens.append(token)
            is_first = False
        strays = (*self.strays, *(comment.span for comment in self.waiting))
        return Lexed(tuple(tokens), tuple(self.comments), self.docs, strays, tuple(self.findings))

    def comment(self, text: str, span: Span, is_first: bool) -> None:
        doc = text.startswith("///") and not text.startswith("////")
        words = text.lstrip("/") if text.startswith("////") else text[3 if doc else 2 :]
        words = words.rstrip().removeprefix(" ")
        comment = Comment(span, words, doc)
        self.comments.append(comment)
        if doc and is_first:
            self.waiting.append(comment)
        elif doc:
            self.strays.append(span)

    def literal(self, kind: str, text: str, span: Span, is_first: bool) -> Token | None:
        match kind:
            case "number":
                return self.number(text, span, is_first)
            case "string":
                return Token("STRING", text, span, is_first, self.string(text, span))
            case "quoted":
                self.report("E107", f"`{text}` is not a text", span, _advice(text[0]))
                return Token("STRING", text, span, is_first, text[1:-1])
            case "date":
                return self.date(text, span, is_first)
            case "foreign":
                return self.foreign(text, span, is_first)
            case "hash":
                # Whoever writes it means the rest of the line.
                sign = Span(self.file, span.start, span.start + 1)
                self.report("E107", "`#` is not part of the language", sign, "comments start with `//`")
                return None
            case "block":
                advice = "comments start with `//` and end with the line"
                self.report("E107", "`/*` is not part of the language", span, advice)
                return None
            case _:
                self.other(text, span)
                return None

    def number(self, text: str, span: Span, is_first: bool) -> Token:
        match = NUMBER.fullmatch(text)
        if match is None or (match[2] and match[3]):
            return self.malformed_number(text, span, is_first)
        digits, fraction, unit = match.groups()
        if unit:
            limit = DURATION_MS_MAX
            value = int(digits) * UNITS_MS[unit] if len(digits) < 20 else limit + 1
            if value > limit:
                self.report("E110", f"`{_short(text)}` is too long a time", span, "the longest is 36600d")
            return Token("DURATION", text, span, is_first, min(value, limit))
        if fraction:
            if len(text) - 1 > DECIMAL_DIGITS_MAX:
                digits_text = f"a decimal has at most {DECIMAL_DIGITS_MAX} digits"
                self.report("E110", f"`{_short(text)}` has too many digits", span, digits_text)
                text = text[:DECIMAL_DIGITS_MAX]
            return Token("DECIMAL", text, span, is_first, Decimal(text))
        whole = int(digits) if len(digits) < 20 else INT_MAX + 1
        if whole > INT_MAX:
            self.report("E110", f"`{_short(text)}` is too large", span, f"the largest whole number is {INT_MAX}")
        return Token("INT", text, span, is_first, min(whole, INT_MAX))

    def malformed_number(self, text: str, span: Span, is_first: bool) -> Token:
        if re.fullmatch(r"[0-9]+\.[0-9]+(ms|s|m|h|d)", text):
            message, advice = f"`{text}` is not a duration", "write a whole number of a smaller unit, such as `1500ms`"
        elif "_" in text and text.replace("_", "").isdecimal():
            message, advice = f"`{text}` is not a number", f"write `{text.replace('_', '')}`"
        elif "." in text:
            message, advice = f"`{text}` is not a number", "write a decimal such as `0.50`"
        else:
            message = f"`{text}` is neither a number nor a duration"
            advice = "durations are written `200ms`, `5s`, `10m`, `4h` or `7d`; a name cannot start with a digit"
        self.report("E109", message, span, advice)
        return Token(MALFORMED, text, span, is_first, 1)

    def string(self, text: str, span: Span) -> str:
        inside = text[1:]
        if len(text) > 1 and _is_closed(text):
            inside = text[1:-1]
        else:
            self.report("E105", "this text has no closing quote", span, 'end the text with `"` on the same line')
        return ESCAPE.sub(lambda match: self.escape(match, span.start + 1), inside) if "\\" in inside else inside

    def escape(self, match: re.Match[str], offset: int) -> str:
        number, letter = match.groups()
        if number and int(number, 16) <= 0x10FFFF and not 0xD800 <= int(number, 16) <= 0xDFFF:
            return chr(int(number, 16))
        if letter in ESCAPES:
            return ESCAPES[letter]
        place = Span(self.file, offset + match.start(), offset + match.end())
        advice = 'write `\\"`, `\\\\`, `\\n`, `\\t`, `\\r` or `\\u{1F600}`; a backslash itself is `\\\\`'
        self.report("E106", f"`{match[0]}` is not an escape", place, advice)
        return match[0]

    def date(self, text: str, span: Span, is_first: bool) -> Token | None:
        if self.tokens and self.tokens[-1].text == "until":
            return Token("DATE", text, span, is_first, text)
        # Anywhere else it is a subtraction.
        offset = span.start
        for part in re.findall(r"[0-9]+|-", text):
            place = Span(self.file, offset, offset + len(part))
            kind, value = ("-", None) if part == "-" else ("INT", int(part))
            self.tokens.append(Token(kind, part, place, is_first, value))
            is_first, offset = False, place.end
        return None

    def foreign(self, text: str, span: Span, is_first: bool) -> Token:
        if text == DOUBLE_ARROW:
            advice = "write `implies` in a condition, `->` before a result"
            self.report("E107", f"`{text}` is not part of the language", span, advice)
            return Token(text, text, span, is_first, None)
        word = FOREIGN[text]
        self.report("E107", f"`{text}` is not part of the language", span, f"write `{word}`")
        return Token("WORD" if word.isalpha() else word, word, span, is_first, None)

    def other(self, text: str, span: Span) -> None:
        message = f"{_shown(text)} is not part of the language"
        before = self.findings[-1] if self.findings else None
        if before is not None and before.message == message and before.span.end == span.start:
            wider = Label(Span(self.file, before.span.start, span.end))
            self.findings[-1] = finding("E107", message, wider, help=before.help)
        else:
            self.report("E107", message, span, _advice(text))

    def report_identifier(self, text: str, span: Span) -> None:
        advice = "names are made of the letters a to z and A to Z, digits and `_`; any letter may stand in a text"
        self.report("E108", f"`{text}` cannot be a name", span, advice)

    def report(self, code: str, message: str, span: Span, advice: str) -> None:
        self.findings.append(finding(code, message, span, help=advice))


def _is_closed(text: str) -> bool:
    if not text.endswith('"'):
        return False
    before = text[1:-1]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 0


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:20]}…"


def _shown(text: str) -> str:
    return f"`{text}`" if text.isprintable() and not text.isspace() else f"the character U+{ord(text[0]):04X}"


def _advice(text: str) -> str:
    match text:
        case ";":
            return "leave it out; a new line is enough"
        case "“" | "”" | "„" | "«" | "»":
            return 'write a text in plain double quotes, `"`'
        case "'" | "‘" | "’":
            return "write a text in double quotes"
        case _:
            return "leave it out"

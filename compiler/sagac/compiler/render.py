"""Findings as text for a terminal, as JSON, and as annotations for a pull request."""

from __future__ import annotations

import json as json_module
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.source import Source, Span

Sources: TypeAlias = Mapping[str, Source]

TAB = "    "
EXCERPT_MAX = 160
"""Longer lines are shown in part."""

COLOURS = {"error": "31;1", "warning": "33;1", "note": "34;1", "frame": "34;1", "help": "36;1", "message": "1"}
ANNOTATIONS = {"error": "error", "warning": "warning", "note": "notice"}


def text(diagnostics: Sequence[Diagnostic], sources: Sources, *, colour: bool = False) -> str:
    """The findings as a person reads them, one after the other with an empty line between; empty for none."""
    return "\n".join(_Page(sources, colour).finding(diagnostic) for diagnostic in diagnostics)


def json(diagnostics: Sequence[Diagnostic], sources: Sources, sagas: object = ()) -> str:
    """A JSON object: the findings, and beside them what else is known of each saga."""
    data = {"findings": [_data(diagnostic, sources) for diagnostic in diagnostics], "sagas": sagas}
    return json_module.dumps(data, indent=2, ensure_ascii=False) + "\n"


def github(diagnostics: Sequence[Diagnostic], sources: Sources) -> str:
    """The findings as workflow commands, which GitHub shows beside the changed lines."""
    return "".join(f"{_annotation(diagnostic, sources)}\n" for diagnostic in diagnostics)


def said(advice: str, diagnostic: Diagnostic) -> str:
    """A line of help, with whether it was tried."""
    return f"{advice} (verified)" if advice in diagnostic.verified else advice


class _Page:
    """What findings look like in a terminal."""

    def __init__(self, sources: Sources, colour: bool) -> None:
        self.sources = sources
        self.colour = colour

    def finding(self, diagnostic: Diagnostic) -> str:
        title = self.paint(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
        lines = [f"{title}{self.paint('message', f': {diagnostic.message}')}"]
        width = len(str(max(self.line_of(label) for label in diagnostic.labels)))
        margin = " " * width
        for file, labels in _by_file(diagnostic.labels):
            lines += self.excerpt(file, labels, width, is_first=labels[0] is diagnostic.labels[0])
        if diagnostic.trace:
            lines += [f"{margin} {self.frame('=')} what happens:"]
            lines += [f"{margin} {self.frame('|')}   {line}".rstrip() for line in diagnostic.trace]
        for advice in diagnostic.help:
            lines.append(f"{margin} {self.frame('=')} {self.paint('help', 'help:')} {said(advice, diagnostic)}")
        return "\n".join(lines) + "\n"

    def excerpt(self, file: str, labels: Sequence[Label], width: int, is_first: bool) -> list[str]:
        """Where it is, and the lines with what matters in them underlined."""
        source = self.sources[file]
        line, column = source.position(labels[0].span.start)
        arrow = "-->" if is_first else ":::"
        bar = self.frame("|")
        lines = [f"{' ' * width}{self.frame(arrow)} {file}:{line}:{column}", f"{' ' * width} {bar}"]
        shown = sorted({self.line_of(label) for label in labels})
        for number, before in zip(shown, [None, *shown], strict=False):
            if before is not None and number > before + 1:
                lines.append(self.frame("..."))
            written = source.line(number)
            start, cut = _window(written, [self.columns(label)[0] for label in labels if self.line_of(label) == number])
            lines.append(f"{self.frame(str(number).rjust(width))} {bar} {cut}".rstrip())
            here = [label for label in labels if self.line_of(label) == number]
            primary = labels[0] if is_first else None
            lines += [f"{' ' * width} {bar} {marks}" for marks in self.marks(here, written, start, primary)]
        lines.append(f"{' ' * width} {bar}")
        return lines

    def marks(self, labels: Sequence[Label], written: str, start: int, primary: Label | None) -> list[str]:
        """The underlines below a line, from right to left where they need rows of their own."""
        rows: list[list[Label]] = []
        for label in sorted(labels, key=lambda label: label.span):
            if rows and not rows[-1][-1].text and self.columns(rows[-1][-1])[1] < self.columns(label)[0]:
                rows[-1].append(label)
            else:
                rows.append([label])
        return [self.row(row, written, start, primary) for row in reversed(rows)]

    def row(self, labels: Sequence[Label], written: str, start: int, primary: Label | None) -> str:
        lead = "…" if start else ""
        said, at = "", 0
        for label in labels:
            first, last = self.columns(label)
            column = _cells(lead + written[start:first])
            count = min(max(1, _cells(written[first:last])), EXCERPT_MAX)
            marks = f"{('^' if label is primary else '-') * count} {label.text}".rstrip()
            said += " " * (column - at) + self.paint("error" if label is primary else "frame", marks)
            at = column + len(marks)
        return said

    def columns(self, label: Label) -> tuple[int, int]:
        """Where the label starts and ends on its first line, counted from 0."""
        source = self.sources[label.span.file]
        line, column = source.position(label.span.start)
        first = min(column - 1, len(source.line(line)))
        return first, min(first + label.span.end - label.span.start, len(source.line(line)))

    def line_of(self, label: Label) -> int:
        return self.sources[label.span.file].position(label.span.start)[0]

    def frame(self, words: str) -> str:
        return self.paint("frame", words)

    def paint(self, role: str, words: str) -> str:
        return f"\x1b[{COLOURS[role]}m{words}\x1b[0m" if self.colour and words else words


def _by_file(labels: Sequence[Label]) -> Iterable[tuple[str, list[Label]]]:
    files = dict.fromkeys(label.span.file for label in labels)
    return [(file, [label for label in labels if label.span.file == file]) for file in files]


def _window(written: str, firsts: Sequence[int]) -> tuple[int, str]:
    """Where the shown part of a line starts, and that part, tabs as blanks."""
    if len(written) <= EXCERPT_MAX:
        return 0, _plain(written)
    start = max(0, min(firsts) - EXCERPT_MAX // 2)
    part = written[start : start + EXCERPT_MAX]
    end = "…" if start + EXCERPT_MAX < len(written) else ""
    return start, f"{'…' if start else ''}{_plain(part)}{end}"


def _plain(written: str) -> str:
    """What a terminal shows as it is: no control characters, which could rewrite the page."""
    return "".join(TAB if c == "\t" else c if c.isprintable() or c == " " else "�" for c in written)


def _cells(written: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(map(_cell, written))


def _cell(character: str) -> int:
    if character == "\t":
        return len(TAB)
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _data(diagnostic: Diagnostic, sources: Sources) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "saga": diagnostic.saga,
        "step": diagnostic.step,
        "places": [{**_place(label.span, sources), "text": label.text} for label in diagnostic.labels],
        "help": list(diagnostic.help),
        "verified": list(diagnostic.verified),
        "trace": list(diagnostic.trace),
    }


def _place(span: Span, sources: Sources) -> dict[str, object]:
    source = sources[span.file]
    line, column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    return {"file": span.file, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _annotation(diagnostic: Diagnostic, sources: Sources) -> str:
    place = _place(diagnostic.span, sources)
    where = {
        "file": place["file"],
        "line": place["line"],
        "endLine": place["end_line"],
        "col": place["column"],
        "endColumn": place["end_column"],
        "title": diagnostic.code,
    }
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in where.items())
    advice = (f"help: {said(line, diagnostic)}" for line in diagnostic.help)
    message = "\n".join([diagnostic.message, *diagnostic.trace, *advice])
    return f"::{ANNOTATIONS[diagnostic.severity]} {properties}::{_escaped(message)}"


def _escaped(value: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        value = value.replace(character, f"%{ord(character):02X}")
    return value

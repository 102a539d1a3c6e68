"""Findings as text, JSON and annotations."""

from __future__ import annotations

import json
import re

from sagac.compiler import render
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.source import Source, Span

TEXT = 'saga A version 1 {\n\tkey a\n  owner "漢字" x\n\n\n  step b { }\n}\n'
SOURCES = {"a.saga": Source("a.saga", TEXT), "b.saga": Source("b.saga", "saga B version 1 { }\r\n")}


def place(words: str, text: str = "", file: str = "a.saga") -> Label:
    start = SOURCES[file].text.index(words)
    return Label(Span(file, start, start + len(words)), text)


def shown(*labels: Label, trace: tuple[str, ...] = (), help: tuple[str, ...] = ()) -> str:
    return render.text([Diagnostic("E999", "error", "it is wrong", labels, help, trace)], SOURCES)


def test_a_finding_shows_its_line_and_what_to_write() -> None:
    assert shown(place("step b", "here"), help=("write `step c`", "or nothing")) == (
        "error[E999]: it is wrong\n"
        " --> a.saga:6:3\n"
        "  |\n"
        "6 |   step b { }\n"
        "  |   ^^^^^^ here\n"
        "  |\n"
        "  = help: write `step c`\n"
        "  = help: or nothing\n"
    )


def test_a_second_place_is_underlined_with_dashes() -> None:
    assert shown(place("step b"), place("saga A", "opened here")) == (
        "error[E999]: it is wrong\n"
        " --> a.saga:6:3\n"
        "  |\n"
        "1 | saga A version 1 {\n"
        "  | ------ opened here\n"
        "...\n"
        "6 |   step b { }\n"
        "  |   ^^^^^^\n"
        "  |\n"
    )


def test_two_places_on_a_line_stand_apart() -> None:
    assert shown(place("version", "one"), place("saga", "two")).splitlines()[3:6] == [
        "1 | saga A version 1 {",
        "  |        ^^^^^^^ one",
        "  | ---- two",
    ]
    assert shown(place("saga"), place("version", "two")).splitlines()[4] == "  | ^^^^   ------- two"


def test_a_place_in_another_file_has_its_own_excerpt() -> None:
    lines = shown(place("step b"), place("saga B", file="b.saga")).splitlines()
    assert lines[6:] == [" ::: b.saga:1:1", "  |", "1 | saga B version 1 { }", "  | ------", "  |"]


def test_tabs_and_wide_letters_keep_the_marks_in_place() -> None:
    assert shown(place("key")).splitlines()[3:5] == ["2 |     key a", "  |     ^^^"]
    assert shown(place("x")).splitlines()[3:5] == ['3 |   owner "漢字" x', "  |                ^"]


def test_the_end_of_the_text_has_a_mark() -> None:
    end = Label(Span("a.saga", len(TEXT), len(TEXT)))
    assert shown(end).splitlines()[1:5] == [" --> a.saga:8:1", "  |", "8 |", "  | ^"]


def test_a_place_over_several_lines_is_marked_on_its_first() -> None:
    assert shown(Label(Span("a.saga", 0, len(TEXT)))).splitlines()[4] == "  | ^^^^^^^^^^^^^^^^^^"


def test_a_long_line_is_shown_in_part() -> None:
    text = "a" * 500 + "b" + "c" * 500
    source = Source("long", text)
    page = render.text([Diagnostic("E999", "error", "long", (Label(Span("long", 500, 501)),))], {"long": source})
    line, marks = page.splitlines()[3:5]
    assert len(line) < 170
    assert line[marks.index("^")] == "b"


def test_control_characters_never_reach_the_terminal() -> None:
    source = Source("x", 'owner "\x1b[2J\x07"')
    page = render.text([Diagnostic("E999", "error", "x", (Label(Span("x", 0, 5)),))], {"x": source})
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", page)


def test_a_counterexample_is_told_line_by_line() -> None:
    assert shown(place("step b"), trace=("b  done", "", "c  refused")).splitlines()[-4:] == [
        "  = what happens:",
        "  |   b  done",
        "  |",
        "  |   c  refused",
    ]


def test_colour_changes_nothing_but_colour() -> None:
    finding = Diagnostic("W999", "warning", "it is odd", (place("step b"), place("saga", "two")), ("do",), ("x",))
    coloured = render.text([finding], SOURCES, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render.text([finding], SOURCES)


def test_findings_are_apart_and_none_is_nothing() -> None:
    finding = Diagnostic("E999", "error", "it is wrong", (place("step b"),))
    assert render.text([], SOURCES) == ""
    assert render.text([finding, finding], SOURCES).count("\n\nerror") == 1


def test_json_says_the_same() -> None:
    finding = Diagnostic("E999", "error", "it is wrong", (place("step b", "here"),), ("do",), ("x",), "A", "b")
    data = json.loads(render.json([finding], SOURCES, [{"saga": "A"}]))
    assert data == {
        "findings": [
            {
                "code": "E999",
                "severity": "error",
                "message": "it is wrong",
                "saga": "A",
                "step": "b",
                "places": [
                    {"file": "a.saga", "line": 6, "column": 3, "end_line": 6, "end_column": 9, "text": "here"},
                ],
                "help": ["do"],
                "verified": [],
                "trace": ["x"],
            }
        ],
        "sagas": [{"saga": "A"}],
    }


def test_annotations_are_escaped() -> None:
    finding = Diagnostic("N999", "note", "100% sure,\r fine", (place("step b"),), ("a: b, c",))
    assert render.github([finding], SOURCES) == (
        "::notice file=a.saga,line=6,endLine=6,col=3,endColumn=9,title=N999::100%25 sure,%0D fine%0Ahelp: a: b, c\n"
    )


def test_help_that_was_tried_says_so_everywhere() -> None:
    finding = Diagnostic("E999", "error", "it is wrong", (place("step b"),), ("do", "or not"), verified=("or not",))
    assert "  = help: do\n" in render.text([finding], SOURCES)
    assert "  = help: or not (verified)\n" in render.text([finding], SOURCES)
    assert "help: or not (verified)" in render.github([finding], SOURCES)
    assert json.loads(render.json([finding], SOURCES))["findings"][0]["verified"] == ["or not"]


def test_as_many_places_as_matter_are_shown_each_with_its_words() -> None:
    labels = (place("step b", "one"), place("saga A", "two"), place("key a", "three"), place("version 1", "four"))
    shown = render.text([Diagnostic("E999", "error", "it is wrong", labels)], SOURCES)
    assert [word for word in ("^^^^^^ one", "------ two", "----- three", "--------- four") if word not in shown] == []

"""What the parser understands, what it says about what it does not, and how it goes on."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagac.compiler import parser, syntax, tokens
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.dump import dump
from sagac.compiler.source import Source

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = Path(__file__).parents[1] / "golden"
ORDERS = (FIXTURES / "orders.saga").read_text(encoding="utf-8")
TRIP = (FIXTURES / "trip.saga").read_text(encoding="utf-8")
EVERY_CLAUSE = (FIXTURES / "every_clause.saga").read_text(encoding="utf-8")
SPECS = (ORDERS, TRIP, EVERY_CLAUSE)

NodeT = TypeVar("NodeT")


def parse(text: str) -> tuple[syntax.File, tuple[Diagnostic, ...]]:
    return parser.parse(Source("a.saga", text))


def clean(text: str) -> syntax.File:
    file, findings = parse(text)
    assert [finding.message for finding in findings] == []
    return file


def said(text: str) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in parse(text)[1]]


def codes(text: str) -> list[str]:
    return [finding.code for finding in parse(text)[1]]


def step(clauses: str) -> str:
    return f"saga A version 1 {{\n  step s {{\n{clauses}\n  }}\n}}\n"


def inputs(fields: str) -> str:
    return f"saga A version 1 {{\n  input {{\n{fields}\n  }}\n}}\n"


def saga_of(file: syntax.File) -> syntax.Saga:
    return next(declared for declared in file.declarations if isinstance(declared, syntax.Saga))


def only(kind: type[NodeT], items: tuple[object, ...]) -> NodeT:
    found = [item for item in items if isinstance(item, kind)]
    assert len(found) == 1, found
    return found[0]


def clauses_of(text: str) -> tuple[syntax.StepClause, ...]:
    return only(syntax.Step, saga_of(clean(text)).items).clauses


def fields_of(text: str) -> tuple[syntax.Field, ...]:
    return only(syntax.InputBlock, saga_of(clean(text)).items).fields


# --- the language as it is described


@pytest.mark.parametrize("name", ["orders", "trip", "every_clause"])
def test_a_spec_parses_without_findings_into_the_pinned_tree(name: str, update_golden: bool) -> None:
    tree = dump(clean((FIXTURES / f"{name}.saga").read_text(encoding="utf-8")))
    golden = GOLDEN / f"tree_{name}.txt"
    if update_golden:
        golden.write_text(tree, encoding="utf-8")
    assert tree == golden.read_text(encoding="utf-8")


def test_every_node_kind_of_the_tree_occurs_in_the_fixtures() -> None:
    printed = "\n".join(dump(clean(text)) for text in SPECS)
    kinds = {
        name
        for name, kind in vars(syntax).items()
        if isinstance(kind, type) and issubclass(kind, syntax.Node) and kind is not syntax.Node
    }
    assert {name for name in kinds if f" {name}" not in printed} == set()


def test_every_node_lies_inside_the_node_above_it() -> None:
    for text in SPECS:
        check_places(clean(text), text)


def check_places(node: object, text: str) -> None:
    if isinstance(node, tuple):
        for part in node:
            check_places(part, text)
    elif isinstance(node, syntax.Node):
        assert 0 <= node.span.start <= node.span.end <= len(text)
        for name in node.__dataclass_fields__:
            part = getattr(node, name)
            check_places(part, text)
            for inner in part if isinstance(part, tuple) else (part,):
                if isinstance(inner, syntax.Node):
                    assert node.span.start <= inner.span.start <= inner.span.end <= node.span.end


def test_the_text_of_a_name_stands_at_its_place() -> None:
    for text in SPECS:
        for declared in clean(text).declarations:
            assert text[declared.name.span.start : declared.name.span.end] == declared.name.text


def test_marks_tabs_and_carriage_returns_do_not_matter() -> None:
    plain = dump_without_places(TRIP)
    assert dump_without_places("\ufeff" + TRIP) == plain
    assert dump_without_places(TRIP.replace("\n", "\r\n").replace("  ", "\t")) == plain


def dump_without_places(text: str) -> str:
    return "\n".join(line.split("] ")[-1].strip(" -") for line in dump(clean(text)).splitlines())


def test_commas_between_fields_are_optional() -> None:
    lines = dump_without_places(inputs("a: int\nb: int"))
    assert lines == dump_without_places(inputs("a: int, b: int,")) == dump_without_places(inputs("a: int b: int"))


# --- a word is never both the start of a clause and the tail of another


def test_a_guard_on_the_line_of_an_undo_guards_the_undo() -> None:
    clauses = clauses_of(step("do a.b()\ncompensate a.c() when x > 1"))
    assert only(syntax.Undo, clauses).guard is not None
    assert not any(isinstance(clause, syntax.When) for clause in clauses)


def test_a_guard_on_its_own_line_guards_the_step() -> None:
    clauses = clauses_of(step("do a.b()\ncompensate a.c()\nwhen x > 1"))
    assert only(syntax.Undo, clauses).guard is None
    assert isinstance(only(syntax.When, clauses).condition, syntax.Binary)


def test_both_guards_can_stand_together() -> None:
    clauses = clauses_of(step("do a.b()\ncompensate a.c() when x > 1 { timeout 5s }\nwhen y"))
    assert isinstance(only(syntax.When, clauses).condition, syntax.Reference)
    undo = only(syntax.Undo, clauses)
    assert isinstance(undo.guard, syntax.Binary)
    assert [type(clause) for clause in undo.clauses] == [syntax.Timeout]


def test_a_guard_before_everything_else_guards_the_step_on_one_line_too() -> None:
    only(syntax.When, clauses_of(step("when x do a.b() compensate a.c()")))


def test_the_guard_of_a_rule_may_stand_on_the_next_line() -> None:
    saga = saga_of(
        clean("saga A version 1 {\n  require r.approved before s\n    when x > 1\n  forbid s\n    when y\n}\n")
    )
    assert only(syntax.Require, saga.items).guard is not None
    assert isinstance(only(syntax.Forbid, saga.items).guard, syntax.Reference)


def test_an_order_after_a_list_is_not_a_membership() -> None:
    for_each = only(syntax.ForEach, clauses_of(step("for each x in xs in order\ndo a.b(x)")))
    assert for_each.in_order
    assert isinstance(for_each.items, syntax.Reference)


# --- words as names


@pytest.mark.parametrize(
    "word",
    ["key", "state", "done", "after", "input", "step", "saga", "within", "when", "order", "hold", "type", "where"],
)
def test_a_word_of_the_language_may_name_a_field(word: str) -> None:
    fields = fields_of(inputs(f"{word}: int\nb: int = {word if word != 'when' else 1}\n{word}_: int"))
    assert fields[0].name.text == word


def test_words_of_the_language_may_be_members_and_states() -> None:
    file = clean(
        "enum T {\n  open\n  done\n  held\n}\nservice s {\n  resource R[key: int] { states done*, held clean held }\n}"
    )
    enum = only(syntax.EnumDeclaration, file.declarations)
    assert [member.text for member in enum.members] == ["open", "done", "held"]


def test_a_result_may_be_called_like_a_clause() -> None:
    do = only(syntax.Do, clauses_of(step("do wait.order(after.done, step.key)")))
    assert [name.text for name in do.call.path] == ["wait", "order"]


def test_the_words_of_conditions_are_never_names() -> None:
    assert said(inputs("in: int")) == [("E120", "`in` cannot be a name")]


# --- literals


def test_durations_are_milliseconds() -> None:
    backoff = only(syntax.Retry, clauses_of(step("retry 5 times within 4h backoff 200ms to 7d")))
    assert backoff.within is not None
    assert backoff.backoff is not None
    assert [d.ms for d in (backoff.within, *backoff.backoff)] == [14_400_000, 200, 604_800_000]


def test_numbers_and_texts_have_their_values() -> None:
    fields = fields_of(inputs('a: decimal = 0.50\nb: string = "\\"\\u{1F600}\\n"\nc: int = 9223372036854775807'))
    values = [field.default.value for field in fields if isinstance(field.default, syntax.Constant)]
    assert values == [Decimal("0.50"), '"😀\n', 2**63 - 1]


def test_a_text_holds_any_unicode() -> None:
    left = only(syntax.Left, clauses_of(step('left because "Ünïcödé 漢字 — ok"')))
    assert left.because.value == "Ünïcödé 漢字 — ok"


def test_a_date_is_one_word_only_in_a_waiver() -> None:
    waive = 'waive A1 on s until 2026-12-31 by "ada" because "the partner is moving"'
    saga = saga_of(clean(f"saga A version 1 {{\n  {waive}\n}}"))
    assert only(syntax.Waive, saga.items).until.value == "2026-12-31"
    difference = fields_of(inputs("a: int = 2026-12-31"))[0].default
    assert isinstance(difference, syntax.Binary)


def test_operators_bind_as_everywhere() -> None:
    field = fields_of(inputs("a: bool where a or b and not c == d + e * -f implies g implies h"))[0]
    assert shown(field.where) == "((a or (b and (not (c == (d + (e * (- f))))))) implies (g implies h))"


def shown(node: object) -> str:
    match node:
        case syntax.Binary():
            return f"({shown(node.left)} {node.operator} {shown(node.right)})"
        case syntax.Unary():
            return f"({node.operator} {shown(node.operand)})"
        case syntax.Reference():
            return ".".join(name.text for name in node.names)
        case _:
            raise AssertionError(node)


def test_absence_is_tested_with_is() -> None:
    fields = fields_of(inputs("a: int? where a is null or a is not null and a in [1, 2]"))
    assert isinstance(fields[0].where, syntax.Binary)


# --- comments


def test_comments_survive() -> None:
    file = clean("// one\n/// two\nsaga A version 1 { // three\n}\n//// four\n")
    assert [(comment.text, comment.doc) for comment in file.comments] == [
        ("one", False),
        ("two", True),
        ("three", False),
        ("four", False),
    ]


def test_a_doc_comment_belongs_to_what_stands_below_it() -> None:
    fields = "  input {\n    /// who\n    a: int\n  }\n"
    text = f"/// the saga\n/// of all\nsaga A version 1 {{\n{fields}  /// first\n  pivot step s {{ }}\n}}"
    saga = saga_of(clean(text))
    assert saga.doc == "the saga\nof all"
    assert only(syntax.InputBlock, saga.items).fields[0].doc == "who"
    assert only(syntax.Step, saga.items).doc == "first"


@pytest.mark.parametrize(
    "text",
    [
        step("/// why\ntimeout 5s"),
        inputs("a: int /// the amount\nb: int"),
        TRIP + "/// the end\n",
    ],
)
def test_a_doc_comment_that_documents_nothing_is_a_warning(text: str) -> None:
    assert codes(text) == ["W102"]


# --- findings, in the author's words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (step("compensat a.c()"), [("E102", "`compensat` is not a word of the language")]),
        (step("retry 5 time"), [("E102", "`time` is not a word of the language")]),
        (step("retry 5 backoff 1s to 2s"), [("E101", "expected `times`, found `backoff`")]),
        (step("do a.b(x"), [("E103", "this `(` is not closed")]),
        (step("do a.b(x y)"), [("E101", "expected `,`, found `y`")]),
        (step("do a.b("), [("E103", "this `(` is not closed")]),
        (step("do a.b(\ntimeout 5s"), [("E103", "this `(` is not closed")]),
        (step("do a.b(x,, y)"), [("E101", "expected an expression or `)`, found `,`")]),
        (step("a.b(x)"), [("E101", "`a` is not a clause of a step")]),
        (step("deadline 5s"), [("E101", "`deadline` is not a clause of a step")]),
        (step("timeout 5"), [("E109", "`5` has no unit")]),
        (step("timeout 5 s\ndo a.b()"), [("E109", "a number and its unit stand together")]),
        (step("do a.b() => { c: int }"), [("E107", "`=>` is not part of the language")]),
        (step("when a => b"), [("E107", "`=>` is not part of the language")]),
        (step("do a.b() -> { c }"), [("E101", "expected `:`, found `}`")]),
        (step("timeout"), [("E101", "expected a duration such as `5s`, found `}`")]),
        (step("timeout 5x"), [("E109", "`5x` is neither a number nor a duration")]),
        (step("timeout 1.5s"), [("E109", "`1.5s` is not a duration")]),
        (step("retry 1_000 times"), [("E109", "`1_000` is not a number")]),
        (step("irreversible"), [("E113", "a reason is missing")]),
        (step("irreversible because"), [("E113", "a reason is missing")]),
        (step("mitigate a.c()"), [("E113", "a reason is missing")]),
        (step('irreversible "it is gone"'), [("E101", 'expected `because`, found `"it is gone"`')]),
        (step('left because ""'), [("E114", "this text is empty")]),
        (step('left because "tbd."'), [("E114", "`tbd.` is not an answer")]),
        (step("when x >\ndo a.b()"), [("E101", "expected an expression, found `do`")]),
        (step("when a = b"), [("E111", "`=` gives a value, it does not compare")]),
        (step("when a && b"), [("E107", "`&&` is not part of the language")]),
        (step("when 0 < x <= 5"), [("E112", "comparisons cannot be chained")]),
        (inputs("q: int where q = 0"), [("E111", "`=` gives a value, it does not compare")]),
        ("service s {\n  command c()\n    changes R[a] { held = held + 1 }\n}", [("E111", "`=` cannot stand here")]),
        ("service s {\n  command c() -> { b: int\n  idempotent\n}", [("E103", "this `{` is not closed")]),
        (inputs("q: int == 0"), [("E111", "`==` compares, it does not give a value")]),
        (inputs("q int"), [("E101", "expected `:`, found `int`")]),
        (inputs("q: set[int]"), [("E101", "`set` does not take a type in brackets")]),
        (inputs("flüge: int"), [("E108", "`flüge` cannot be a name")]),
        (inputs('q: string = "a'), [("E105", "this text has no closing quote")]),
        (inputs("q: string = 'a'"), [("E107", "`'a'` is not a text")]),
        (inputs('q: string = "\\q"'), [("E106", "`\\q` is not an escape")]),
        (inputs("q: int = 9223372036854775808"), [("E110", "`9223372036854775808` is too large")]),
        (inputs(f"q: int = {'9' * 5000}"), [("E110", f"`{'9' * 20}…` is too large")]),
        (inputs("q: int;"), [("E107", "`;` is not part of the language")]),
        (inputs("q: int\u00a0= 5"), [("E107", "the character U+00A0 is not part of the language")]),
        ("saga A { }", [("E101", "expected `version` and a number, found `{`")]),
        ("sagga A version 1 { }", [("E102", "`sagga` is not a word of the language")]),
        ("language 2", [("E116", "language `2` is not supported")]),
        ("package a\nlanguage 1", [("E117", "`language` stands at the top of the file")]),
        ("enum T { }", [("E119", "enum `T` is empty")]),
        ("enum T { a }\n}", [("E104", "this `}` closes nothing")]),
        ("enum T { a }\n# saga A { and more", [("E107", "`#` is not part of the language")]),
        (step("irreversible because “it is gone”"), [("E107", "`“it is gone”` is not a text")]),
        ("enum T { a }\n/* b */", [("E107", "`/*` is not part of the language")]),
        ("", [("W101", "this file declares nothing")]),
        ("// only words\n", [("W101", "this file declares nothing")]),
        (
            "service s {\n  command c() {\n    idempotent\n  }\n}",
            [
                ("E101", "expected a part of a service, a clause of a command, `->` or `}`, found `{`"),
            ],
        ),
        (
            "service s {\n  resource R[a: int] {\n    stats none*\n    clean none\n  }\n}",
            [
                ("E102", "`stats` is not a word of the language"),
            ],
        ),
    ],
)
def test_one_mistake_is_one_finding(text: str, expected: list[tuple[str, str]]) -> None:
    assert said(text) == expected


def test_help_says_what_to_write() -> None:
    (finding,) = parse(step("compensat a.c()"))[1]
    assert finding.help == ("did you mean `compensate`?",)
    (finding,) = parse(step("air.book(x)"))[1]
    assert finding.help == ("to call a service, write `do air.book(…)`",)
    (finding,) = parse("saga A version 1 {\n  compensate a.b()\n}")[1]
    assert finding.help == ("`compensate` is a clause of a step",)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        (step("undo a.c()"), "did you mean `compensate`?"),
        (step("if x"), "did you mean `when`?"),
        (step("do a.b(x: y)"), "arguments stand in the order of the parameters, without their names"),
        (step("do a.b(x = y)"), "arguments stand in the order of the parameters, without their names"),
        ("saga A version 1 {\n  step s depends on t { do a.b() }\n}\n", "did you mean `after`?"),
        ("saga A version 1 {\n  step book-it { do a.b() }\n}\n", None),
        ("saga A version 1 {\n  step pivot pay { do a.b() }\n}\n", "write `pivot step pay`"),
        ("type T { q: ?int }\n", "write `int?`"),
        ("type T { q: List<int> }\n", "write `list[int]`"),
        ("namespace shop\n", "did you mean `package`?"),
        ("service s {\n  command c()\n    throws No\n}\n", "did you mean `fails`?"),
    ],
)
def test_the_habits_of_other_languages_are_answered_with_ours(text: str, help: str | None) -> None:
    (finding,) = parse(text)[1]
    assert finding.help == (help or "a name is made of letters, digits and `_`: write `book_it`",)


def test_each_mistake_of_a_file_is_found_in_one_run() -> None:
    text = (
        "saga A version 1 {\n"
        "  step a {\n    do a.b(\n    compensat a.c()\n    timeout 5\n  }\n"
        "  step b {\n    when x >\n    left\n"
        "  step c { do a.b() compensate a.c() }\n"
        "  deadlin 5s\n"
        "}\n"
        "servic s { }\n"
    )
    found = [(finding.code, Source("a", text).position(finding.span.start)[0]) for finding in parse(text)[1]]
    assert found == [
        ("E101", 4),
        ("E109", 5),
        ("E103", 7),
        ("E101", 9),
        ("E113", 9),
        ("E102", 11),
        ("E102", 13),
    ]


def test_what_stands_around_a_mistake_is_kept() -> None:
    file, _ = parse(step("do a.b(x)\nfoo bar { baz }\ncompensate a.c()\ntimeout"))
    clauses = only(syntax.Step, saga_of(file).items).clauses
    assert [type(clause) for clause in clauses] == [syntax.Do, syntax.Undo]
    assert len(file.skipped) == 2


def test_a_missing_brace_is_found_where_the_block_should_end() -> None:
    text = "saga A version 1 {\n  step a {\n    timeout 5s\n  step b {\n    timeout 6s\n  }\n}\n"
    file, (finding,) = parse(text)
    assert finding.code == "E103"
    assert [text[: label.span.start].count("\n") + 1 for label in finding.labels] == [2, 3]
    assert [item.name.text for item in saga_of(file).items if isinstance(item, syntax.Step)] == ["a", "b"]


def test_a_text_that_ends_early_is_marked_at_its_end() -> None:
    text = "saga A version 1 {\n  step a {\n    timeout"
    (finding,) = parse(text)[1]
    assert finding.message == "expected a duration such as `5s`, found the end of the text"
    assert finding.span.start == len(text)


def test_everything_is_kept_of_a_text_whose_last_braces_are_missing() -> None:
    file, findings = parse(TRIP.rstrip().removesuffix("}").rstrip().removesuffix("}"))
    assert [finding.code for finding in findings] == ["E103"]
    assert len(saga_of(file).items) == 4


def test_findings_never_show_what_lark_calls_a_token() -> None:
    for text in SPECS:
        for at in range(0, len(text), 37):
            for _, message in said(text[:at] + " ? " + text[at:]):
                assert "ANON" not in message
                assert not any(name in message for name in ("RBRACE", "LPAR", "NAME", "STRING", "DURATION", "$END"))


def test_a_word_that_is_left_out_is_nearly_always_one_finding() -> None:
    counts = Counter(
        min(len(said(text[: token.span.start] + text[token.span.end :])), 2)
        for text in (EVERY_CLAUSE, TRIP)
        for token in tokens.lex(Source("a", text)).tokens
    )
    # Some texts mean something else without a word, as with a comma left out between two fields.
    assert (counts.total(), counts[0]) == (818, 78)
    assert counts[2] <= 5


# --- limits


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 101 + "1" + ")" * 101,
        "not " * 101 + "a",
        "- " * 101 + "1",
        " + ".join("1" * 102),
        " implies ".join("a" * 102),
        "size(" * 101 + "a" + ")" * 101,
        "[" * 101 + "]" * 101,
        "(" * 100_000 + "1" + ")" * 100_000,
    ],
    ids=["brackets", "not", "minus", "sum", "implies", "calls", "lists", "hundred thousand"],
)
def test_too_much_nesting_is_a_finding(condition: str) -> None:
    assert codes(inputs(f"a: int\nb: bool where {condition}\nc: int")) == ["E115"]


def test_types_nest_only_so_deep() -> None:
    assert codes(inputs(f"a: {'list[' * 101}int{']' * 101}\nb: int")) == ["E115"]
    assert codes(inputs(f"a: int{'?' * 101}\nb: int")) == ["E115"]


def test_a_hundred_levels_are_fine() -> None:
    fields_of(inputs(f"b: bool where {' + '.join('1' * 100)} == 1"))


def test_a_long_file_is_read_in_time() -> None:
    at = ORDERS.index("/// Take the money")
    services, saga = ORDERS[:at], ORDERS[at:]
    text = services + "".join(saga.replace("PlaceOrder", f"PlaceOrder{n}") for n in range(145))
    assert text.count("\n") > 10_000
    parse(TRIP)
    started = time.perf_counter()
    clean(text)
    # Measured 0.3 s; the limit only notices when reading is no longer linear.
    assert time.perf_counter() - started < 5


# --- anything at all


def words_of(text: str) -> list[str]:
    return [token.text for token in tokens.lex(Source("a", text)).tokens]


WORDS = {text: words_of(text) for text in SPECS}
ALL_WORDS = sorted({word for words in WORDS.values() for word in words})


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A spec with a few of its words left out, doubled, swapped, replaced or set apart by a new line."""
    words = list(WORDS[draw(st.sampled_from(SPECS))])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "replace", "cut", "break"])):
            case "drop":
                del words[at]
            case "double":
                words.insert(at, words[at])
            case "swap":
                other = draw(st.integers(0, len(words) - 1))
                words[at], words[other] = words[other], words[at]
            case "replace":
                words[at] = draw(st.sampled_from(ALL_WORDS))
            case "cut":
                del words[at + 1 :]
            case _:
                words.insert(at, "\n")
        if not words:
            return ""
    line_after = {"{", "}"}
    return "".join(f"{word}\n" if word in line_after else f"{word} " for word in words)


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_any_mutation_of_a_spec_is_read_with_findings_inside_the_text(text: str) -> None:
    check_any(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("aé_1 \n\t\r\"\\'{}()[]:,.=<>+-*/?!&|;#\u00a0\ufeff漢"), max_size=60))
def test_any_characters_are_read_with_findings_inside_the_text(text: str) -> None:
    check_any(text)


def check_any(text: str) -> None:
    file, findings = parse(text)
    for finding in findings:
        for label in finding.labels:
            assert 0 <= label.span.start <= label.span.end <= len(text)
    for place in file.skipped:
        assert 0 <= place.start <= place.end <= len(text)
    check_places(file, text)
    assert parse(text) == (file, findings)

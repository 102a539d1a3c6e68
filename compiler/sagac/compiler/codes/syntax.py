"""Codes of the parser: texts that are not specs (E1xx), and texts that say nothing (W1xx)."""

from __future__ import annotations

from textwrap import dedent, indent

from sagac.compiler.codes.catalogue import Code


def _trip(*, step: str = "", saga: str = "", after: str = "", inputs: str = "trip_id: uuid") -> str:
    """A small saga, with these lines in its step, in itself and behind it."""
    return (
        "saga Trip version 1 {\n"
        "  key trip_id\n"
        f"  input {{ {inputs} }}\n"
        "  step flight {\n"
        "    do air.book(trip_id) -> { pnr: string }\n"
        "    compensate air.cancel(trip_id)\n"
        f"{indent(dedent(step), '    ')}"
        "  }\n"
        f"{indent(dedent(saga), '  ')}"
        "}\n"
        f"{dedent(after)}"
    )


UNDO = "    compensate air.cancel(trip_id)\n"
"""The line of `_trip` that some examples replace."""

WAIVED = """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid }
  step flight {
    do air.book(trip_id)
    irreversible because "the airline never gives money back"
  }
  step hotel after flight {
    do stay.book(trip_id)
    compensate stay.cancel(trip_id)
  }
  waive A1 on flight until DAY by "ada" because "the travel desk resells these tickets by hand"
}
"""

CODES: tuple[Code, ...] = (
    Code(
        "E101",
        "error",
        "something else is expected here",
        """
        The text cannot be read any further at this place: the message says what may stand there instead. A
        clause that cannot be understood is left out, and reading goes on at the next clause, so that one
        mistake is reported once and the rest of the file is still checked.

        The words of the language stand in `docs/language.md`.
        """,
        _trip(step="timeout after 5s\n"),
        _trip(step="timeout 5s\n"),
    ),
    Code(
        "E102",
        "error",
        "a misspelt word",
        """
        The word is not one that can stand here, but it is close to one that can. The rest of the clause is read
        as if the nearest word had been written.
        """,
        _trip().replace("compensate", "compensat"),
        _trip(),
    ),
    Code(
        "E103",
        "error",
        "a bracket that is not closed",
        """
        Every `{`, `(` and `[` needs its closing partner. The finding points at the bracket that was opened, and
        at the place where its partner is missing: before the next clause that cannot stand inside, or at the
        end of the text.
        """,
        _trip().replace("cancel(trip_id)", "cancel(trip_id"),
        _trip(),
    ),
    Code(
        "E104",
        "error",
        "a closing bracket that closes nothing",
        """
        There is one closing bracket more than opening ones. Remove it, or look above for a block that was
        closed too early.
        """,
        _trip(after="}\n"),
        _trip(),
    ),
    Code(
        "E105",
        "error",
        "a text without its closing quote",
        """
        A text starts and ends with `"` on one line. A quote inside a text is written `\\"`, a new line `\\n`.
        """,
        _trip().replace(UNDO, '    left because "the airline forgets it by itself\n'),
        _trip().replace(UNDO, '    left because "the airline forgets it by itself"\n'),
    ),
    Code(
        "E106",
        "error",
        "an escape that does not exist",
        """
        A backslash in a text starts an escape. There are `\\"`, `\\\\`, `\\n`, `\\t`, `\\r`, and `\\u{1F600}`
        for any character by its number. Every other character may simply be written; texts hold any Unicode.
        """,
        _trip().replace(UNDO, '    left because "see Z:\\contracts"\n'),
        _trip().replace(UNDO, '    left because "see Z:\\\\contracts"\n'),
    ),
    Code(
        "E107",
        "error",
        "a sign that is not part of the language",
        """
        The language has no semicolons, no block comments and no symbols for logic: a new line ends a clause, a
        comment starts with `//` and ends with its line, and conditions are joined with `and`, `or`, `not` and
        `implies`.
        """,
        _trip(step="timeout 5s;\n"),
        _trip(step="timeout 5s\n"),
    ),
    Code(
        "E108",
        "error",
        "a name with letters outside a to z",
        """
        Names are made of the letters `a` to `z` and `A` to `Z`, digits and `_`, because they become names in
        generated code, keys and journals, where two letters that look alike must not be two names. Texts may
        hold any Unicode.
        """,
        _trip().replace("flight", "flüge"),
        _trip().replace("flight", "fluege"),
    ),
    Code(
        "E109",
        "error",
        "neither a number nor a duration",
        """
        Whole numbers are written `5`, decimals `0.50`, durations `200ms`, `5s`, `10m`, `4h`, `7d`: a whole
        number with its unit right behind it. There are no separators, exponents or hexadecimal numbers, and no
        name starts with a digit.
        """,
        _trip(step="timeout 1.5s\n"),
        _trip(step="timeout 1500ms\n"),
    ),
    Code(
        "E110",
        "error",
        "a number that is too large",
        """
        Whole numbers have 64 bits, decimals 28 digits, and no time is longer than 36600 days: what is proved
        about a number must also be true of the number that the executor and the journal hold.
        """,
        _trip(step="timeout 99999999d\n"),
        _trip(step="timeout 99s\n"),
    ),
    Code(
        "E111",
        "error",
        "one sign in the place of another",
        """
        `=` gives a value to a field, `==` compares, `:=` sets a field of a record, `:` stands before a type. In
        a condition write `==`; for a default write `=`.
        """,
        _trip(inputs="trip_id: uuid, seats: int where seats = 1"),
        _trip(inputs="trip_id: uuid, seats: int where seats == 1"),
    ),
    Code(
        "E112",
        "error",
        "comparisons in a chain",
        """
        `0 < x < 5` could be read as a comparison of a truth with a number, so it is refused. Compare twice and
        join the two with `and`.
        """,
        _trip(inputs="trip_id: uuid, seats: int where 0 < seats < 5"),
        _trip(inputs="trip_id: uuid, seats: int where 0 < seats and seats < 5"),
    ),
    Code(
        "E113",
        "error",
        "a missing reason",
        """
        Whatever is not undone, not proved or not waited for needs a reason, `because "…"`. It is shown in
        reports and kept as evidence, for whoever has to answer for it and was not there.
        """,
        _trip().replace(UNDO, "    left\n"),
        _trip().replace(UNDO, '    left because "an unpaid booking lapses within the hour"\n'),
    ),
    Code(
        "E114",
        "error",
        "a reason that is none",
        """
        An empty reason, or a placeholder such as `TODO`, says nothing to whoever has to answer for the decision.
        """,
        _trip().replace(UNDO, '    left because "TODO"\n'),
        _trip().replace(UNDO, '    left because "an unpaid booking lapses within the hour"\n'),
    ),
    Code(
        "E115",
        "error",
        "too much nesting",
        """
        Conditions and types nest up to 100 levels deep. A chain of operators counts one level for each
        operator. Split a condition over several fields or guards.
        """,
        _trip(inputs=f"trip_id: uuid, seats: int where seats > {'(' * 101}1{')' * 101}"),
        _trip(inputs=f"trip_id: uuid, seats: int where seats > {'(' * 9}1{')' * 9}"),
    ),
    Code(
        "E116",
        "error",
        "a language that this compiler does not know",
        """
        The first line of a file may say which version of the language it is written in. There is `language 1`;
        a file without the line is read as that.
        """,
        "language 2\n" + _trip(),
        "language 1\n" + _trip(),
    ),
    Code(
        "E117",
        "error",
        "the top of the file is out of order",
        """
        A file starts with `language`, `package` and its imports, each at most once but for imports, in this
        order; the declarations follow.
        """,
        _trip(after="package travel\n"),
        "package travel\n" + _trip(),
    ),
    Code(
        "E118",
        "error",
        "a day that does not exist",
        """
        A waiver ends on a day, written `YYYY-MM-DD`. The calendar has no such day.
        """,
        WAIVED.replace("DAY", "2098-02-30"),
        WAIVED.replace("DAY", "2098-02-28"),
    ),
    Code(
        "E119",
        "error",
        "nothing in the braces",
        """
        A block that holds nothing says nothing. Fill it, or leave the clause out.
        """,
        "enum Class { }\n" + _trip(),
        "enum Class { economy, business }\n" + _trip(),
    ),
    Code(
        "E120",
        "error",
        "a word that cannot be a name",
        """
        Nearly every word of the language may also be a name where only a name can stand. The exceptions are the
        words of conditions: `and`, `or`, `not`, `implies`, `in`, `is`, `null`, `true`, `false`.
        """,
        _trip(inputs="trip_id: uuid, in: int"),
        _trip(inputs="trip_id: uuid, inside: int"),
    ),
    Code(
        "W101",
        "warning",
        "a file that declares nothing",
        """
        The file holds no declaration. That is allowed, and probably not what was meant.
        """,
        "// nothing yet\n",
        _trip(),
    ),
    Code(
        "W102",
        "warning",
        "a doc comment that documents nothing",
        """
        A `///` comment becomes the documentation of what stands below it: a declaration, a step, an approval, a
        command, a query, a resource or a field. Anywhere else it would be lost, so write `//` there.
        """,
        _trip(step="/// the airline answers within two seconds\ntimeout 5s\n"),
        _trip(step="// the airline answers within two seconds\ntimeout 5s\n"),
    ),
)

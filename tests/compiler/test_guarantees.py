"""The report says of each step what is proved, on what it rests, what is missing, and what a run may leave."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from sagac.compiler import (
    advice,
    briefing,
    driver,
    guarantees,
    markdown,
    parser,
    plain,
    residue,
    resolver,
    simulation,
    webpage,
)
from sagac.compiler.driver import Checked
from sagac.compiler.groups import Name
from sagac.compiler.guarantees import Account
from sagac.compiler.model import Assignment, Change, Operation, Project, Saga, Unproved
from sagac.compiler.source import Source, Span
from sagac.compiler.walk import Walk
from sagac.runtime import kernel
from sagac.runtime.plan import Binary, Constant, Expression, Input

TODAY = date(2026, 11, 21)

SERVICES = """\
service air {
  command book(trip: uuid, seats: int) -> { pnr: string }
    idempotent
    fails NoSeats
  command cancel(trip: uuid)
    idempotent
    revokes book
}
service stay {
  command book(trip: uuid) -> { ref: string }
    idempotent
  command cancel(trip: uuid)
    idempotent
    revokes book
    fails TooLate
}
"""
TRIP = (
    SERVICES
    + """
saga Trip version 2 {
  owner "team-travel"
  key trip
  input { trip: uuid  seats: int where seats > 0 }
  deadline 1h
  step flight { do air.book(trip, seats)  compensate air.cancel(trip) }
  step hotel after flight { do stay.book(trip)  mitigate stay.cancel(trip) because "a fee | is due" }
  step miles after hotel { do air.book(trip, seats)  left because "miles are kept" }
}
"""
)

PROBED = """\
service desk {
  command book(trip: uuid)  fails Full  lands within 1m  probe find(trip)
  command cancel(trip: uuid)  idempotent
  query find(trip: uuid) -> { found: bool }?
}
saga Seat version 1 {
  key trip
  input { trip: uuid }
  deadline 1h
  step seat { do desk.book(trip)  compensate desk.cancel(trip) }
}
"""


def check(text: str) -> Checked:
    return driver.check_text(text, TODAY)


def accounts(checked: Checked) -> tuple[Account, ...]:
    return guarantees.accounts(checked.project, checked.plans, checked.judgements, checked.diagnostics, checked.sources)


def account(text: str) -> Account:
    (one,) = accounts(check(text))
    return one


def word(of: Account, step: str, group: Name) -> str:
    return next(row for row in of.rows if row.step == step).words[group]


# --- the table -----------------------------------------------------------------------------------------------------


def test_a_step_has_a_word_for_each_group_of_questions() -> None:
    found = account(TRIP)
    assert word(found, "flight", "control") == "proved"
    assert word(found, "flight", "unknown outcomes") == "proved"
    assert word(found, "flight", "data") == ""
    assert [row.step for row in found.rows] == ["flight", "hotel", "miles", ""]


def test_a_promise_that_nobody_made_is_told_apart_from_a_proof() -> None:
    found = account(
        "saga Trip version 1 { key trip input { trip: uuid }\n"
        "step flight { do air.book(trip) compensate air.cancel(trip) } }"
    )
    assert word(found, "flight", "unknown outcomes") == "assumed"
    (revoking,) = [promise for promise in found.promises if "revokes" in promise.name]
    assert revoking.claims == ("C1 of `flight`",)
    assert not revoking.declared


def test_a_refutation_is_the_worst_that_is_known_of_a_step() -> None:
    found = account(TRIP.replace('left because "miles are kept"', "compensate air.cancel(trip) when seats > 2"))
    assert word(found, "miles", "control") == "refuted"
    assert word(found, "hotel", "control") == "proved"
    (finding,) = found.failures
    assert (finding.code, finding.step) == ("A2", "miles")
    assert finding.trace[-1] == "nothing undoes `miles`: its effect stays"


def test_a_clause_that_is_not_proved_is_found_at_the_steps_that_it_is_about() -> None:
    checked = check(TRIP)
    saga = checked.project.sagas[0]
    book = checked.project.services[next(name for name in checked.project.services if name.endswith("air"))]
    at = book.operations["book"].span
    clause = Unproved("idempotent for", "that every copy is sent in its window", Span(at.file, at.end - 2, at.end))
    open_project = replace(checked.project, sagas=(replace(saga, unproved=(clause,)),))
    (found,) = accounts(replace(checked, project=open_project))
    assert [(gap.group, gap.steps) for gap in found.gaps] == [("unknown outcomes", ("flight", "miles"))]
    assert word(found, "flight", "unknown outcomes") == "not proved"
    assert word(found, "hotel", "unknown outcomes") == "proved"


def test_a_waiver_says_who_answers_for_what_until_when() -> None:
    refuted = TRIP.replace('left because "miles are kept"', "compensate air.cancel(trip) when seats > 2").replace(
        "deadline 1h", 'deadline 1h\n  waive A2 on miles until 2027-01-31 by "ada" because "a contract runs out"'
    )
    found = account(refuted)
    (excuse,) = found.excuses
    assert excuse.covers and "no compensation of `miles` applies" in excuse.covers[0]
    assert word(found, "miles", "control") == "waived"
    assert found.failures == ()
    shown = plain.text(briefing.brief((found,), merged=True))
    assert "ada" in shown and "2027-01-31" in shown and "a contract runs out" in shown


def test_a_waiver_that_covers_nothing_waives_nothing() -> None:
    found = account(
        TRIP.replace("deadline 1h", 'waive A2 on hotel until 2027-01-31 by "ada" because "a contract runs out"')
    )
    (excuse,) = found.excuses
    assert excuse.covers == ()
    assert "waived" not in {word for row in found.rows for word in row.words.values()}


# --- what to declare -----------------------------------------------------------------------------------------------


def declared(text: str) -> dict[str, str]:
    return {each.line: each.place for each in account(text).advice}


def test_a_service_that_is_not_declared_is_answered_with_its_contract() -> None:
    lines = declared(
        "saga Trip version 1 { key trip input { trip: uuid }\n"
        "step flight { do air.book(trip) -> { pnr: string } compensate air.cancel(trip) } }"
    )
    assert lines["command book(trip: uuid) -> { pnr: string } idempotent"] == "in `service air { … }`"
    assert lines["command cancel(trip: uuid) idempotent revokes book"] == "in `service air { … }`"


def test_an_effect_that_is_not_declared_is_answered_with_a_resource_and_its_changes() -> None:
    lines = declared(TRIP)
    assert lines["resource Hotel[trip: uuid] { states absent*, present }"] == "in `service stay { … }`"
    assert lines["changes Hotel[trip] absent -> present"] == "at `command book` of `stay`"
    assert lines["changes Hotel[trip] present -> absent"] == "at `command cancel` of `stay`"


def test_what_is_declared_is_not_asked_for_again() -> None:
    assert "deadline 24h" not in declared(TRIP)
    assert "deadline 24h" in declared(TRIP.replace("deadline 1h", ""))


def test_every_advised_line_is_taken_by_the_language() -> None:
    advised = account(TRIP).advice
    text = TRIP
    for each in advised:
        text = with_line(text, each)
    file, syntax = parser.parse(Source("trip.saga", text))
    project, names = resolver.resolve({"trip.saga": file})
    errors = [finding.message for finding in (*syntax, *names) if finding.severity == "error"]
    assert errors == []
    assert advice.lacking(project, project.sagas[0]) == ()


def test_the_advised_lines_turn_what_was_assumed_into_proofs() -> None:
    plain_trip = "\n".join(line for line in TRIP.split("\n") if "miles" not in line and "TooLate" not in line)
    plain_trip = plain_trip.replace(
        'mitigate stay.cancel(trip) because "a fee | is due"', "compensate stay.cancel(trip)"
    )
    text = plain_trip
    for each in account(plain_trip).advice:
        text = with_line(text, each)
    assert {one.word for one in account(text).guarantees} <= {"proved", "shallow"}
    assert "assumed" in {one.word for one in account(plain_trip).guarantees}


def with_line(text: str, each: advice.Advice) -> str:
    """The text with a line where the advice says."""
    words = each.place.split("`")
    if words[0] == "in ":
        head = words[1].removesuffix(" … }")
        at = text.index(head.removesuffix(" {")) if "service" in head else text.index("  key trip")
        at = text.index("{", at) + 1 if "service" in head else at
        return f"{text[:at]}\n  {each.line}\n{text[at:]}"
    at = text.index(f"{words[1]}(", text.index(f"service {words[3]} "))
    end = text.index("idempotent", at)
    return f"{text[:end]}{each.line}\n    {text[end:]}"


# --- what a run may leave ------------------------------------------------------------------------------------------


def test_what_stays_is_told_with_the_reason_and_the_runs_in_which_it_does() -> None:
    found = {each.step: each for each in account(TRIP).residues}
    assert (found["miles"].kind, found["miles"].because) == ("left", "miles are kept")
    assert (found["hotel"].kind, found["hotel"].because) == ("mitigated", "a fee | is due")
    assert "flight" not in found


def test_an_undo_that_may_be_refused_is_a_place_where_a_run_waits_for_a_person() -> None:
    waits = [(wait.step, wait.why) for wait in account(TRIP).waits]
    assert ("hotel", "`stay.cancel` answers `TooLate`") in waits


def test_a_probe_that_is_not_answered_is_a_place_where_a_run_waits_for_a_person() -> None:
    waits = [(wait.step, wait.direction, wait.why) for wait in account(PROBED).waits]
    probe = "its answer is lost, and its probe `desk.find` is not answered in 4 attempts"
    assert [wait for wait in waits if wait[1] == "do"] == [("seat", "do", probe)]
    document = briefing.brief([account(PROBED)], merged=True)
    for write in (plain.text, markdown.text, webpage.text):
        assert "is not answered in 4 attempts" in write(document)
    assert probe in json.dumps(guarantees.as_wire(account(PROBED)))


def test_the_kernel_holds_a_run_whose_probe_is_never_answered() -> None:
    checked = driver.check([Source("spec.saga", PROBED)], TODAY)
    (saga,) = checked.project.sagas
    walk = simulation.begin(saga, checked.plans[saga.full_name], {})
    for line in ("seat unanswered landed", "lapse seat", *(["probe seat unanswered"] * 4)):
        assert isinstance(walk, Walk), walk
        walk = simulation.choose(walk, line)
    assert isinstance(walk, Walk), walk
    assert kernel.status(walk.run) == "held"


def test_a_state_that_differs_from_before_is_residue_though_it_is_clean() -> None:
    project, saga = changed(
        book=change("none", "booked"),
        cancel=change("booked", "cancelled"),
    )
    assert residue.residues(project, saga)[0] == residue.Residue(
        "flight", "not as before", "", ("`Seat[trip]` ends `cancelled`, which was `none`",)
    )


def test_an_undo_that_gives_everything_back_leaves_nothing() -> None:
    project, saga = changed(book=change("none", "booked"), cancel=change("booked", "none"))
    assert [each for each in residue.residues(project, saga) if each.step == "flight"] == []


def test_a_fee_that_a_mitigation_keeps_is_computed_from_both_effects() -> None:
    seats = Input(("seats",), "int")
    fee: Expression = Binary("+", seats, Constant(2, "int"))
    project, saga = changed(
        book=change("", "", ("-=", fee), ("-=", seats)),
        cancel=change("", "", ("+=", seats), ("+=", seats)),
        service="stay",
    )
    (found,) = [each for each in residue.residues(project, saga) if each.step == "hotel"]
    assert found.records == ("`Seat[trip].first` keeps `-= seats + 2`, then `+= seats`",)


PLACE = Span("trip.saga", 0, 1)


def change(source: str, target: str, *assigned: tuple[str, Expression]) -> Change:
    fields = zip(("first", "second"), assigned, strict=False)
    return Change(
        resource="air.Seat",
        keys=(Input(("trip",), "uuid"),),
        source=source,
        target=target,
        requires=(),
        assignments=tuple(
            Assignment(name, operator, value, PLACE)  # type: ignore[arg-type]  # the test writes real operators only
            for name, (operator, value) in fields
        ),
        yields=(),
        span=PLACE,
    )


def changed(book: Change, cancel: Change, service: str = "air") -> tuple[Project, Saga]:
    """The trip with effects that are put into the model by hand."""
    project = check(TRIP).project
    name = next(each for each in project.services if each.endswith(service))
    given = project.services[name]
    operations: dict[str, Operation] = {
        **given.operations,
        "book": replace(given.operations["book"], changes=(book,)),
        "cancel": replace(given.operations["cancel"], changes=(cancel,)),
    }
    services = {**project.services, name: replace(given, operations=operations)}
    return replace(project, services=services), project.sagas[0]


# --- how it looks --------------------------------------------------------------------------------------------------


def long(steps: int, last: str = "") -> str:
    lines = [
        f"  step s{number:03}{f' after s{number - 1:03}' if number else ''} "
        f"{{ do air.book(trip, {number})  compensate air.cancel(trip) {last if number == steps - 1 else ''} }}"
        for number in range(steps)
    ]
    head = f"{SERVICES}\nsaga Long version 1 {{\n  key trip\n  input {{ trip: uuid  seats: int }}\n"
    return head + "\n".join(lines) + "\n}\n"


@pytest.mark.parametrize("text", [TRIP, long(60), long(60, "when seats > 3"), "enum Tier { vip }"])
def test_the_text_fits_a_hundred_columns(text: str) -> None:
    shown = plain.text(briefing.brief(accounts(check(text)), merged=True))
    lines = [line for line in shown.split("\n") if not line.startswith("    ")]
    assert max(map(len, lines)) <= plain.WIDTH


def test_neighbours_of_which_the_same_is_known_are_one_row_of_a_long_table() -> None:
    found = accounts(check(long(60)))
    assert "| `s000` to `s059` (60 steps) | proved |" in markdown.text(briefing.brief(found, merged=True))
    page = webpage.text(briefing.brief(found, merged=False))
    assert all(f'<th scope="row"><code>s{number:03}</code></th>' in page for number in range(60))


def test_a_bar_in_a_reason_does_not_break_a_markdown_table() -> None:
    told = markdown.text(
        briefing.brief(
            accounts(
                check(TRIP.replace("deadline 1h", 'waive A2 on flight until 2027-01-31 by "a|b" because "<b> *x* `"'))
            ),
            merged=True,
        )
    )
    (row,) = [line for line in told.split("\n") if "A2 on" in line]
    assert row.count("|") - row.count("\\|") == 6
    assert "\\<b\\> \\*x\\* '" in row


class Reader(HTMLParser):
    """Notes what an HTML page holds, and whether its elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_from_outside() -> None:
    reader = Reader()
    reader.feed(webpage.text(briefing.brief((*accounts(check(TRIP)), *accounts(check(long(3)))), merged=False)))
    assert reader.open == []
    assert "script" not in reader.seen and "link" not in reader.seen and "img" not in reader.seen
    assert reader.links == ["#saga-1", "#saga-2"]
    assert {"main", "nav", "caption", "th"} <= set(reader.seen)


def test_a_reason_is_shown_and_not_run() -> None:
    page = webpage.text(
        briefing.brief(accounts(check(TRIP.replace("miles are kept", "<script>x</script>"))), merged=True)
    )
    assert "<script>" not in page
    assert "&lt;script&gt;x" in page


def test_a_program_gets_every_part_of_the_account() -> None:
    found = json.loads(json.dumps(guarantees.as_wire(account(TRIP))))
    assert set(found) == {
        *("saga", "version", "owner", "table", "guarantees", "promises", "findings", "waivers", "not_proved"),
        *("to_declare", "residue", "held"),
    }
    assert found["table"][0]["control"] == "proved"
    assert found["table"][0]["data"] is None
    assert [each["step"] for each in found["residue"]] == ["hotel", "miles"]


def test_the_same_spec_gives_the_same_bytes() -> None:
    pages = [
        (plain.text(briefing.brief(told, merged=True)), webpage.text(briefing.brief(told, merged=False)))
        for told in (accounts(check(TRIP)), accounts(check(TRIP)))
    ]
    assert pages[0] == pages[1]

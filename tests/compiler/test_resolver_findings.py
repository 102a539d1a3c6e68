"""What the resolver finds, a line for each way to be wrong: every finding of a text, and nothing else."""

from __future__ import annotations

import pytest

from sagac.compiler import parser, resolver
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.source import Source

AIR = """
enum Class { economy, business }
type Guest { name: string, age: int? }
service air {
  command book(trip: uuid, seats: int) -> { pnr: string, price: decimal, seat: string? }
    idempotent
    fails Full
  command cancel(trip: uuid)
    idempotent
    revokes book
  command upgrade(trip: uuid, to: Class)
  command pay(trip: uuid, amount: decimal)
    idempotent for 7d
  query find(trip: uuid) -> { pnr: string, price: decimal, seat: string? }?
}
"""

INPUTS = "trip_id: uuid  seats: int  total: decimal  note: string?  class_: Class  guests: list[Guest]  flag: bool"
BOOK = "do air.book(trip_id, seats)  compensate air.cancel(trip_id)"
FLIGHT = f"step flight {{ {BOOK} }}"


def trip(body: str, inputs: str = INPUTS) -> str:
    return f"saga Trip version 1 {{ key trip_id  input {{ {inputs} }}\n{body}\n}}"


def find(*texts: str) -> tuple[Diagnostic, ...]:
    files = {}
    for number, text in enumerate(texts):
        name = f"{number}.saga"
        files[name], findings = parser.parse(Source(name, text))
        assert findings == (), findings
    return resolver.resolve(files)[1]


def said(*texts: str) -> list[str]:
    return [f"{finding.code} {finding.message}" for finding in find(*texts)]


GUARDS = [
    ("sets > 3", "E201 `sets` is not known here"),
    ("class_ == busines", "E205 `Class` has no `busines`"),
    ("busines == class_", "E205 `Class` has no `busines`"),
    ("class_ in [economy, first]", "E205 `Class` has no `first`"),
    ("sets == busines", "E201 `sets` is not known here|E201 `busines` is not known here"),
    ("seats.size > 3", "E206 `seats` is `int` and has no fields"),
    ("count(guests) > 3", "E213 there is no function `count`"),
    ("size(guests, guests) > 3", "E302 `size` takes 1 argument, not 2"),
    ("size(note) > 3", "E303 `size` counts a list, and this is `string?`"),
    ("size(seats) > 3", "E303 `size` counts a list, and this is `int`"),
    ("old(seats) > 3", "E214 `old` stands only in `ensure at completed` and `ensure at compensated`, not in a guard"),
    ("Seat[trip_id] == free", "E214 a guard cannot read the record `Seat`: it belongs to a service"),
    ("seats", "E301 a guard is `bool`, but this is `int`"),
    ("not seats", "E303 `not` needs `bool`, and this is `int`"),
    ("flag and seats", "E303 `and` needs `bool`, and this is `int`"),
    ('flag or "a"', "E303 `or` needs `bool`, and this is `string`"),
    ("seats implies flag", "E303 `implies` needs `bool`, and this is `int`"),
    ("-flag > 3", "E303 `-` needs a number, and this is `bool`"),
    ("flag + 1 > 3", "E303 `+` needs a number, and this is `bool`"),
    ("1 - class_ > 3", "E303 `-` needs a number, and this is `Class`"),
    ("5s + seats > 9s", "E303 `+` does not take `duration` and `int`"),
    ("5s > seats", "E303 `>` does not take `duration` and `int`"),
    ("flag > flag", "E303 `>` compares numbers and times, and this is `bool`"),
    ('note > "a"', "E303 `>` compares numbers and times, and this is `string?`"),
    ("seats == flag", "E303 `==` does not take `int` and `bool`"),
    ("seats == null", "E303 `==` does not compare with `null`"),
    ("note != null", "E303 `!=` does not compare with `null`"),
    ("seats is null", "E303 `is null` asks about something that is never `null`: this is `int`"),
    ("seats in total", "E303 `in` needs a list, and this is `decimal`"),
    ("seats in []", "E307 nothing is in an empty list"),
    ('seats in ["a"]', "E303 `in` does not take `int` and `string`"),
    ('seats in [1, "a"]', "E301 the items of a list have one type: `int` before, here `string`"),
    ('note == "a"', "E304 `note` may be `null` here"),
    ('"a" == note', "E304 `note` may be `null` here"),
    ('note in ["a"]', "E304 `note` may be `null` here"),
    ('note is null and note == "a"', "E304 `note` may be `null` here"),
    ('note is not null or note == "a"', "E304 `note` may be `null` here"),
    ("seats * seats > 3", "E305 a guard cannot multiply two values that are both unknown: that cannot be decided"),
    ("seats / 2 > 3", "E305 `/` is not part of the language: how a quotient is rounded would be a guess"),
    ("guests == guests", "E305 `==` compares single values, not `list[Guest]`"),
    ("flight.done", "E211 step `flight` would have to come after itself"),
    ("flight.price > 3", "E211 step `flight` would have to come after itself"),
    ("hotel.code > 3", "E206 `hotel` has no field `code`"),
    ("hotel.seat.row > 3", "E304 `hotel.seat` may be `null` here"),
    ("plain.x > 3", "E206 step `plain` returns nothing that could be read"),
    ("nulls > 3 and nulls > 4", "E201 `nulls` is not known here"),
]


@pytest.mark.parametrize(("guard", "expected"), GUARDS, ids=[guard[:40] for guard, _ in GUARDS])
def test_a_wrong_condition_is_told_once(guard: str, expected: str) -> None:
    body = f"""
      step flight {{ when {guard}  {BOOK} }}
      step hotel {{ {BOOK} }}
      step plain {{ do air.pay(trip_id, 1)  left because "kept" }}
    """
    assert said(AIR, trip(body)) == expected.split("|")


RIGHT = [
    "seats * 3 > 2 * (1 + 2) * seats",
    "total > seats and total > 3 and 3 < total and seats * 1.5 > total",
    "class_ == business and business == class_ and class_ != economy",
    "class_ in [economy, business]",
    "seats in [1, 2] and total in [1, 2.5]",
    "size(guests) > 0",
    "5s * seats > 1m and 5s + 5s > 9s",
    "note is null or not flag",
    "hotel.done and not hotel.skipped",
    'hotel.seat is not null and hotel.seat == "1A"',
    "-seats < -3",
    "true and not false",
]


@pytest.mark.parametrize("guard", RIGHT)
def test_a_right_condition_is_not_complained_about(guard: str) -> None:
    assert said(AIR, trip(f"step flight {{ when {guard}  {BOOK} }}  step hotel {{ {BOOK} }}")) == []


STEPS = [
    ("step a { do air.book(trip_id)  compensate air.cancel(trip_id) }",
     "E302 `book` takes 2 arguments, here 1 is given"),
    ("step a { do air.book(trip_id, total)  compensate air.cancel(trip_id) }",
     "E301 parameter `seats` is `int`, but this is `decimal`"),
    ("step a { do air.book(trip_id, note)  compensate air.cancel(trip_id) }",
     "E301 parameter `seats` is `int`, but this is `string?`"),
    ('step a { do air.book("nonsense", 1)  compensate air.cancel(trip_id) }', "E301 `nonsense` is not a `uuid`"),
    ("step a { do air.upgrade(trip_id, first)  left because \"kept\" }", "E205 `Class` has no `first`"),
    ("step a { do rail.book(trip_id)  compensate rail.cancel(trip_id) }",
     "E203 there is no service `rail`"),
    ("step a { do air.bok(trip_id)  compensate air.cancle(trip_id) }",
     "E203 `air` has no command or query `bok`|E203 `air` has no command or query `cancle`"),
    (f"step a {{ {BOOK}  {BOOK} }}",
     "E315 this `compensate` stands beside another and has no `when`: both would run|"
     "E310 `do` stands twice in step `a`"),
    (f"step a {{ {BOOK}  timeout 1s  timeout 2s }}", "E310 `timeout` stands twice in step `a`"),
    (f"step a {{ {BOOK}  retry 1 times  retry 2 times }}", "E310 `retry` stands twice in step `a`"),
    (f"step a {{ {BOOK}\n when flag\n when flag }}", "E310 `when` stands twice in step `a`"),
    ("step a { do air.book(trip_id, 1)  compensate air.cancel(trip_id) { timeout 1s  timeout 2s } }",
     "E310 `timeout` stands twice in this `compensate`"),
    (f"step a after b {{ {BOOK}  after b }}  step b {{ {BOOK} }}", "E310 `after` stands twice in step `a`"),
    ("step a { compensate air.cancel(trip_id) }", "E311 step `a` does nothing"),
    (f"step a after a {{ {BOOK} }}", "E211 step `a` would have to come after itself"),
    (f"step a after zzz {{ {BOOK} }}", "E202 `zzz` is not a step of this saga"),
    (f"step a after seats {{ {BOOK} }}", "E202 `seats` is not a step of this saga, it is an input"),
    (f"step a after b, b {{ {BOOK} }}  step b {{ {BOOK} }}", "E207 `b` stands twice in this `after`"),
    (f"step a {{ {BOOK} }}  step a {{ {BOOK} }}", "E207 `a` is declared twice in `Trip`"),
    (f"step seats {{ {BOOK.replace('seats', '1')} }}", "E207 `seats` names an input and a step of `Trip`"),
    (f"step air {{ {BOOK} }}", "E207 `air` names a step and a service of `Trip`"),
    (f"step a {{ {BOOK} }}  step look {{ do air.find(trip_id)  compensate air.cancel(trip_id) }}",
     "E316 step `look` calls a query, which has no effect, so `compensate` has no meaning"),
    ("pivot step look { do air.find(trip_id) }",
     "E316 step `look` calls a query, which has no effect, so it is no point of no return"),
    ("step look { do air.find(trip_id)  on unknown hold }",
     "E316 a query has no effect, so nothing about it stays unknown"),
    ("step a { do air.book(trip_id, 1)  compensate air.find(trip_id) }",
     "E317 `find` is a query and undoes nothing"),
    ('step a { do air.book(trip_id, 1)  irreversible because "x"  left because "y" }',
     "E313 step `a` says both `irreversible` and `left`"),
    ('step a { do air.book(trip_id, 1)  compensate air.cancel(trip_id) when flag  '
     'mitigate air.cancel(trip_id) when not flag because "x" }',
     "E313 step `a` says both `compensate` and `mitigate`"),
    ("step a { do air.book(trip_id, 1) }",
     "E314 nothing undoes step `a`, and the run can still turn back after it"),
    ("step a { do air.book(trip_id, 1) -> { pnr: string }  compensate air.cancel(trip_id) }",
     "E308 the result of `book` is declared already"),
    (f"step a {{ {BOOK}  retry forever }}",
     "E318 step `a` cannot `retry forever`: it comes after no pivot, so the run must be able to turn back"),
    ("pivot step a { do air.upgrade(trip_id, economy)  retry forever }",
     "E318 step `a` cannot `retry forever`: `upgrade` is not `idempotent`"),
    ("pivot step a { do air.pay(trip_id, 1)  retry forever }",
     "E318 step `a` cannot `retry forever`: `pay` is `idempotent` only for a while"),
    ("step a { do air.book(trip_id, 1)  compensate air.cancel(trip_id) { retry forever } }",
     "E318 an undo cannot `retry forever`: a rollback that never ends would never be seen"),
    (f"step a {{ {BOOK}  timeout 0s }}", "E319 a `timeout` must be longer than 0"),
    (f"step a {{ {BOOK}  timeout 9s  retry 2 times within 8s }}",
     "E319 `within 8s` has no room for one attempt, which may take 9s"),
    (f"step a {{ {BOOK}  retry 2 times backoff 9s to 8s }}",
     "E319 a pause grows from 9s to 8s, which is shorter"),
    (f"step a {{ {BOOK}  retry 2 times backoff 0s to 8s }}", "E319 a pause must be longer than 0"),
    (f"step a {{ {BOOK} }}  step b {{ do air.book(trip_id, 1)  undone by a because \"x\" }}",
     "E325 `b` does not come after `a`, so `a` may be undone without it"),
    ('step a { do air.book(trip_id, 1)  left because "x" }  '
     'step b after a { do air.book(trip_id, 1)  undone by a because "x" }',
     "E325 `a` has no undo that could remove the effect of `b`"),
    ('step b { do air.book(trip_id, 1)  undone by zzz because "x" }', "E202 `zzz` is not a step of this saga"),
    ("step a { do air.book(trip_id, 1)  mitigate air.pay(trip_id, b.price) because \"x\" }  "
     f"step b {{ {BOOK} }}",
     "E211 the undo of `a` reads `b`, which may not have run yet"),
    (f"step a {{ {BOOK}\n when flag else fail broken }}",
     "E212 `broken` cannot name a failure: failures start with a capital letter"),
    (f"step a {{ {BOOK}  for each g in guests }}", "E501 `for each` is not supported in this version"),
    (
        "step a { for each g in guests  do air.book(g)  compensate air.cancel(g) }",
        "E501 `for each` is not supported in this version",
    ),
    (f"{FLIGHT} step a {{ wait 3d }}", "E503 `wait` is not supported in this version"),
    (f"{FLIGHT} step a {{ wait until flag }}", "E503 `wait until` is not supported in this version"),
    (f"{FLIGHT} step a {{ wait for signal s {{ ok: bool }} within 3d }}",
     "E503 `wait for signal` is not supported in this version"),
    ("step a { do saga Child(trip_id) }", "E504 `do saga` is not supported in this version"),
    (f"step a {{ {BOOK}  lock Seat[trip_id] within 3s }}", "E203 no resource `Seat` is known here"),
    (f"step a {{ {BOOK}  on failure compensate }}", "E506 `on failure` is not supported in this version"),
    (f"on unknown hold  step a {{ {BOOK}  on unknown hold }}",
     "W603 `on unknown hold` is said for the whole saga already"),
    (f"step a {{ {BOOK}  timeout 30s }}", "N601 this `timeout` is the default"),
    (f"step a {{ {BOOK}  retry 3 times }}", "N601 this `retry` is the default"),
    (f"step a {{ {BOOK}  retry 5 times backoff 200ms to 10s }}", "N601 this `backoff` is the default"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), STEPS, ids=[expected[:60] for _, expected in STEPS])
def test_a_wrong_step_is_told_once(body: str, expected: str) -> None:
    assert said(AIR, trip(body)) == expected.split("|")


SAGAS = [
    ("key trip_id", "E310 `key` stands twice in `Trip`"),
    ("deadline 0s", "E319 a `deadline` must be longer than 0"),
    ("rollback within 0s", "E319 `rollback within` must be longer than 0"),
    ('owner partner "x"', "E312 a saga belongs to a team; a partner owns a service"),
    ("output { pnr: string }", "E311 output `pnr` has no value"),
    ("output { pnr: string = flight.price }", "E301 output `pnr` is `string`, but this is `decimal`"),
    ("output { seat: string = flight.seat }", "E304 `flight.seat` may be `null` here"),
    ("output { a: int = 1  a: int = 2 }", "E207 `a` stands twice in the output"),
    ("output { class: int = 1 }", "E212 `class` cannot name a field of an output: generated code needs the word for "
     "itself"),
    ('approval boss { ask role "x"  within 1h }', "E502 `approval` is not supported in this version"),
    ("exactly one of flight, zzz",
     "E312 step `flight` always runs, so there is no choice about it|E202 `zzz` is not a step of this saga"),
    ("require look.done before flight", "E211 this reads `look`, which may not have run yet when `flight` is sent"),
    ("require flight.done before look", "E211 this reads `flight`, which may not have run yet when `look` is sent"),
    ("require flight.done and flight.price > 3 before flight", "E211 `flight` has never run when it is sent"),
    ("forbid flight when look is not null", "E211 this reads `look`, which may not have run yet when `flight` is sent"),
    ("forbid flight when flight.done", "E211 `flight` has never run when it is sent"),
    ("require seats before flight", "E301 a `require` is `bool`, but this is `int`"),
    ("require flag before zzz", "E202 `zzz` is not a step of this saga"),
    ("forbid flight when sets", "E201 `sets` is not known here"),
    ("ensure always: old(seats) > 3",
     "E214 `old` stands only in `ensure at completed` and `ensure at compensated`, not in `ensure always`"),
    ("ensure at completed: clean", "E201 `clean` is not known here"),
    ("ensure at completed: Seat[trip_id] == free", "E203 no resource `Seat` is known here"),
    ('scenario "x" { given flight fails Sold  then completed }', "E210 `book` does not fail with `Sold`"),
    ('scenario "x" { given flight fails Full }', "E311 scenario `x` does not say what must come of it"),
    ('scenario "x" { given zzz fails Full  then completed }', "E202 `zzz` is not a step of this saga"),
    ('scenario "x" { given look unknown landed  then completed }',
     "E326 `find` is a query: it has no effect that could have landed"),
    ('scenario "x" { given undo look fails  then completed }', "E326 step `look` has no undo"),
    ('scenario "x" { given flight fails Full  given flight unknown  then completed }',
     "E326 scenario `x` says twice what becomes of `flight`"),
    ('scenario "x" { given cancel after look  given cancel after flight  then completed }',
     "E326 scenario `x` says twice what becomes of the run: it can be cancelled once"),
    ('scenario "x" { then completed  then compensated }', "E310 the end stands twice in scenario `x`"),
    ('scenario "x" { then order flight, flight }', "E326 `flight` stands twice in this `order`, and happens once"),
    ('scenario "x" { then order flight, undo look }', "E326 step `look` has no undo"),
    ('scenario "x" { given boss approved  then completed }',
     "E507 `approval` is not supported in this version, so no scenario can speak of it"),
    ('scenario "x" { given signal go { a = 1 }  then completed }',
     "E507 `wait for signal` is not supported in this version, so no scenario can speak of it"),
    ('scenario "x" { given input { sets = 1 }  then completed }', "E206 the input has no field `sets`"),
    ('scenario "x" { given input { seats = "a" }  then completed }',
     "E301 the given `seats` is `int`, but this is `string`"),
    ('scenario "x" { given input { seats = total }  then completed }', "E214 the given `seats` must be a constant"),
    ('scenario "x" { given input { class_ = first }  then completed }', "E205 `Class` has no `first`"),
    ('scenario "x" { then completed }  scenario "x" { then held }', "E207 two scenarios are called `x`"),
    ('waive Z999 until 2027-01-31 by "a" because "b"', "E327 there is no finding with the code `Z999`"),
    ('waive E201 until 2027-01-31 by "a" because "b"',
     "E327 `E201` cannot be waived: a spec with it has no meaning that could run"),
    ('waive N601 until 2027-01-31 by "a" because "b"', "E327 `N601` is a note and asks for nothing"),
    ('waive W602 on zzz until 2027-01-31 by "a" because "b"', "E202 `zzz` is not a step of this saga"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), SAGAS, ids=[body[:60] for body, _ in SAGAS])
def test_a_wrong_clause_of_a_saga_is_told_once(body: str, expected: str) -> None:
    assert said(AIR, trip(f"{FLIGHT}  step look {{ do air.find(trip_id) }}\n{body}")) == expected.split("|")


INPUT = [
    ("trip_id: uuid  seats: int  n: integer", "E204 there is no type `integer`"),
    ("trip_id: uuid  seats: int  seats: int", "E207 `seats` is declared twice in `Trip`"),
    ("trip_id: uuid?  seats: int", "E321 `trip_id` cannot be part of a key: it may be `null`"),
    ('trip_id: uuid  seats: int = "a"', "E301 the default of `seats` is `int`, but this is `string`"),
    ("trip_id: uuid  seats: int = flight.price", "E214 the default of `seats` must be a constant"),
    ("trip_id: uuid  seats: int where flight.done", "E214 a `where` cannot read `flight`, which is a step"),
    ("trip_id: uuid  seats: int where seats", "E301 a `where` is `bool`, but this is `int`"),
    ("trip_id: uuid  seats: int where seats * seats > 3",
     "E305 a `where` cannot multiply two values that are both unknown: that cannot be decided"),
    ("trip_id: uuid  seats: int  from: string",
     "E212 `from` cannot name a field of an input: generated code needs the word for itself"),
    ("trip_id: uuid  seats: int  n: int??", "E330 a type that is optional twice says no more than once"),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "expected"), INPUT, ids=[inputs[15:60] for inputs, _ in INPUT])
def test_a_wrong_input_is_told_once(inputs: str, expected: str) -> None:
    assert sorted(said(AIR, trip(FLIGHT, inputs))) == sorted(expected.split("|"))


KEYS = [
    ("key zzz", "E206 the input has no field `zzz`"),
    ("key trip_id, trip_id", "E207 `trip_id` stands twice in this `key`"),
    (
        "key total",
        "E321 `total` cannot be part of a key: one `decimal` can be written in several ways, as `1` and `1.0`",
    ),
    ("key guests", "E321 `guests` cannot be part of a key: `list[Guest]` is not a single value"),
    ("", "E311 `Trip` does not say by which input a run is known"),
]


@pytest.mark.parametrize(("key", "expected"), KEYS, ids=[key or "none" for key, _ in KEYS])
def test_a_wrong_key_is_told_once(key: str, expected: str) -> None:
    assert said(AIR, trip(FLIGHT).replace("key trip_id", key)) == [expected]


SERVICES = [
    ("query q() -> int", "E330 a result has named fields, and this is `int`"),
    ("query q(a: { b: int })", None),
    ("query q() -> { a: int }  changes Seat[1] free -> taken",
     "E312 a query has no effect, so `changes` says nothing about `q`"),
    ("command c(a: int)  idempotent  idempotent", "E310 `idempotent` stands twice in `c`"),
    ("command c(a: int)  command c(a: int)", "E207 `c` is declared twice in `air`"),
    ("command c(a: int, a: int)", "E207 `a` is declared twice in `c`"),
    ("command c(call: int)", "E212 `call` cannot name a field or parameter: generated code needs the word for itself"),
    ("command return(a: int)", "E212 `return` cannot name a command: generated code needs the word for itself"),
    ("command c(a: int)  idempotent for 0s", "E319 `idempotent for` must be longer than 0"),
    ("command c(a: int)  lands within 0s", "E319 `lands within` must be longer than 0"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { n += 1 }  holds for 5s skew 9s",
     "E319 a `skew` as long as the hold leaves nothing of it"),
    ("command c(a: int)  fails A, A", "E207 `A` is declared twice in this `fails`"),
    ("command c(a: int)  fails TimeoutError",
     "E212 `TimeoutError` cannot name a failure: the word means something already where failures are caught"),
    ("command c(a: int)  revokes zzz", "E203 this service has no command `zzz`"),
    ("command c(a: int)  revokes c", "E323 `c` cannot revoke itself"),
    ("command c(a: int)  revokes q  query q(a: int) -> { x: int }?",
     "E323 `c` cannot revoke `q`, which is a query"),
    ("command c(a: int)  revokes d  command d(b: string)",
     "E323 no parameter of `c` can say which `d` it revokes"),
    ("command c(a: int)  probe zzz(a)", "E203 this service has no query `zzz`"),
    ("command c(a: int)  probe d(a)  command d(a: int)", "E322 a probe asks a query, and `d` is a command"),
    ("command c(a: int)  probe q(a)  query q(a: int) -> { x: int }",
     "E322 `q` cannot answer that `c` did not take effect: its result is never `null`"),
    ("command c(a: int) -> { y: int }  probe q(a)  query q(a: int) -> { x: int }?",
     "E322 `q` does not give `y`, which is part of the result of `c`"),
    ("command c(a: int)  probe q()  query q(a: int) -> { x: int }?", "E302 `q` takes 1 argument, here 0 are given"),
    ("command c(a: int)  probe q(1)  query q(a: int) -> { x: int }?",
     "E322 a probe is asked with the command's own parameters"),
    ("command c(a: int)  probe q(b)  query q(a: int) -> { x: int }?", "E206 `c` has no parameter `b`"),
    ("command c(a: string)  probe q(a)  query q(a: int) -> { x: int }?",
     "E301 parameter `a` is `int`, but this is `string`"),
    ('owner "a" sla 5s', None),
    ('owner "a"  owner "b"', "E310 `owner` stands twice in `air`"),
    ("resource S[k: int] { n: int }  resource S[k: int] { n: int }", "E207 `S` is declared twice in `air`"),
    ("resource S[k: int] { k: int }", "E207 `k` is declared twice in `S`"),
    ("resource S[k: int?] { n: int }", "E321 a record cannot be found by `k`, which is `int?`"),
    ("resource S[k: int] { n: string hold }", "E303 a `hold` field counts what runs hold, and `n` is `string`"),
    ('resource S[k: int] { n: int = "a" }', "E301 the initial value of `n` is `int`, but this is `string`"),
    ("resource S[k: int] { n: int references T[n] }", "E203 no resource `T` is known here"),
    ("resource S[k: int] { n: int references T[n] }  resource T[k: int] { m: int }",
     "E312 a reference is to a record that can be absent, and `T` has no states"),
    ("resource S[k: int] { n: string references T[n] }  resource T[k: int] { states a*, b }",
     "E301 the key of `T` is `int`, but this is `string`"),
    ("resource S[k: int] { n: int references T[n, n] }  resource T[k: int] { states a*, b }",
     "E302 `T` has 1 key, here 2 are given"),
    ("resource S[k: int] { states a, b }", "E328 a record starts in one state, and none of these is marked"),
    ("resource S[k: int] { states a*, b* }", "E328 a record starts in one state, and 2 of these are marked"),
    ("resource S[k: int] { states a*, a }", "E207 `a` is declared twice in `S`"),
    ("resource S[k: int] { states a*  states b* }", "E310 `states` stands twice in `S`"),
    ("resource S[k: int] { states a*  clean b }", "E205 `S` has no state `b`"),
    ("resource S[k: int] { states a*, b  clean b  clean a }", "E310 `clean` stands twice in `S`"),
    ("resource S[k: int] { n: int  done b }", "E312 `done` needs `states`, and `S` has none"),
    ("resource S[k: int] { n: int  invariant n }", "E301 an invariant is `bool`, but this is `int`"),
    ("resource S[k: int] { n: int  invariant m > 0 }", "E201 `m` is not known here"),
    ("resource S[k: int] { n: int  observe q(k) }", "E203 this service has no query `q`"),
    ("resource S[k: int] { n: int  observe q(n) }  query q(a: int) -> { n: int }", "E201 `n` is not known here"),
    ("resource S[k: int] { n: int  observe q() }  query q(a: int) -> { n: int }",
     "E302 `q` takes 1 argument, here 0 are given"),
    ("resource S[k: int] { n: int hold }", "E333 no command adds to `n`, so no run ever holds any of it"),
    (
        "resource S[k: int] { n: int hold }  command c(a: int)  changes S[a] { n -= 1 }",
        "E333 no command adds to `n`, so no run ever holds any of it",
    ),
    (
        "resource S[k: int] { n: int hold }  command c(a: int)  changes S[a] { n += 1 }"
        "  command d(a: int)  changes S[a] { n := 0 }",
        "E303 `n` counts what all runs hold: one can only add to it and take from it",
    ),
    ("resource S[k: int] { n: list[int] }",
     "E331 `n` is `list[int]`, and a record holds single values that are always there"),
    ("resource S[k: int] { n: int? }", "E331 `n` is `int?`, and a record holds single values that are always there"),
    ("resource S[k: decimal] { n: int }",
     "E321 a record cannot be found by `k`: one `decimal` can be written in several ways, as `1` and `1.0`"),
    ("resource S[k: int] { states a*, b  state: int }",
     "E212 `state` cannot name a field of a resource that has states: it would be taken for the record's own state"),
    ("resource S[k: int] { states a*, b  clean a }", "N601 this `clean` is the default"),
    ("resource S[k: int] { states a*, b  done b, a }", "N601 this `done` is the default"),
    (
        "resource S[k: int] { n: int  m: int }"
        "  command c(a: int, b: int)  changes S[a] { n += 1 }  changes S[b] { n -= 1 }  changes S[a] { m += 1 }",
        "E332 this changes the same record of `S` again, and both at once",
    ),
    ("command c(a: int)  holds for 5s", "E312 `c` has no `changes`, so nothing is said of what it holds"),
    ("resource S[k: int] { n: string  invariant n > k }",
     "E303 `>` compares numbers and times, and this is `string`"),
    ("resource S[k: int] { n: int  invariant n * k > 3 }",
     "E305 an invariant cannot multiply two values that are both unknown: that cannot be decided"),
    (
        "resource S[k: int] { n: int }  command c(a: int) -> { b: int }"
        "  changes S[a] { yields b = n  yields b = n }",
        "E207 `b` is declared twice by these `yields`",
    ),
    ("command c(a: int)  changes S[a] { n += 1 }", "E203 `air` has no resource `S`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a, a] { n += 1 }",
     "E302 `S` has 1 key, here 2 are given"),
    ("resource S[k: int] { n: int }  command c(a: string)  changes S[a] { n += 1 }",
     "E301 the key of `S` is `int`, but this is `string`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] x -> y",
     "E312 `S` has no states to change"),
    ("resource S[k: int] { states x*, y }  command c(a: int)  changes S[a] x -> z", "E205 `S` has no state `z`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { m += 1 }", "E206 `S` has no field `m`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { k += 1 }",
     "E206 `k` is a key of `S` and never changes"),
    ("resource S[k: int] { n: string }  command c(a: int)  changes S[a] { n += 1 }",
     "E303 `+=` needs a number, and `n` is `string`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { n := \"x\" }",
     "E301 field `n` is `int`, but this is `string`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { n += 1  n -= 1 }",
     "E207 `n` is declared twice in this `changes`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { n += a * n }",
     "E305 `changes` cannot multiply what a record holds by an unknown value: that cannot be decided"),
    ("resource S[k: int] { n: int }  command c(a: int, n: int)  changes S[a] { n += 1 }",
     "E324 parameter `n` has the name of a field of `S` that this command uses"),
    ("resource S[k: int] { n: int }  command c(a: int) -> { r: int }  changes S[a] { yields q = n }",
     "E206 the result of `c` has no field `q`"),
    ("resource S[k: int] { n: int }  command c(a: int) -> { r: string }  changes S[a] { yields r = n }",
     "E301 `r` is `string`, but `n` is `int`"),
    ("resource S[k: int] { n: int }  command c(a: int)  changes S[a] { requires n }",
     "E301 `requires` is `bool`, but this is `int`"),
]  # fmt: skip


@pytest.mark.parametrize(("items", "expected"), SERVICES, ids=[items[:70] for items, _ in SERVICES])
def test_a_wrong_contract_is_told_once(items: str, expected: str | None) -> None:
    text = f"service air {{ {items} }}"
    if expected is None:
        assert parser.parse(Source("0.saga", text))[1], "the parser refuses this already"
    else:
        assert said(text) == expected.split("|")


@pytest.mark.parametrize(
    "items",
    [
        "resource S[k: int] { n: int }  command c(a: int, b: int)  changes S[a] { requires n >= a * b  n -= a * b }",
        "resource S[k: int] { n: int }  command c(a: int, b: int)  changes S[a] { n += 1 }  changes S[b] { n -= 1 }",
        "resource S[k: int] { states a*, b }  command c(a: int)  changes S[a] b -> b  holds for 5s",
        "resource S[k: string] { t: timestamp  d: duration  u: uuid  b: bool  x: decimal  invariant x > 2 * x }",
    ],
)
def test_what_can_be_decided_is_accepted(items: str) -> None:
    assert said(f"service air {{ {items} }}") == []


DECLARATIONS = [
    ("type A { b: A }", "E309 a record of type `A` would contain itself"),
    ("type A { b: B }  type B { a: list[A] }", "E309 a record of type `A` would contain itself"),
    ("type A { b: int }  enum A { x }", "E207 `A` is declared twice in this package"),
    ("enum A { x, x }", "E207 `x` is declared twice in `A`"),
    ("type int { b: string }", "E212 `int` is a type of the language and cannot be declared again"),
    ("type A { b: int = 1 }", "E508 the default of `b` has no effect here in this version"),
    ("type A { b: int where b > 1 }", "E508 the `where` of `b` has no effect here in this version"),
    ("type A { b: B }", "E204 there is no type `B`"),
    ("type Full { b: int }  service s { command c(a: int)  fails Full }",
     "E208 `Full` can be read in two ways: as a failure and as a type"),
    ("import nowhere  type A { b: int }", "E209 no file of this check belongs to package `nowhere`"),
    ("saga S version 1 { key a  input { a: int } }", "E311 `S` has no steps"),
    ("saga S version 0 { key a  input { a: int }  step s { do x.y(a)  compensate x.z(a) } }",
     "E319 versions count from 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DECLARATIONS, ids=[text[:60] for text, _ in DECLARATIONS])
def test_a_wrong_declaration_is_told_once(text: str, expected: str) -> None:
    assert said(text) == [expected]


UNDECLARED = [
    ("step a { do import.y(1)  left because \"z\" }",
     "E212 `import` cannot name a service: generated code needs the word for itself"),
    ("step a { do x.del(1)  left because \"z\" }",
     "E212 `del` cannot name a command: generated code needs the word for itself"),
    ("step a { do x.y(null)  left because \"z\" }",
     "E307 the type of this parameter cannot be inferred from its argument"),
    ("step a { do x.y([])  left because \"z\" }",
     "E307 the type of this parameter cannot be inferred from its argument"),
    ("step a { do x.y(1)  left because \"z\" }  step b { do x.y(1, 2)  left because \"z\" }",
     "E302 `y` takes 1 argument, here 2 are given"),
    ("step a { do x.y(1)  left because \"z\" }  step b { do x.y(\"s\")  left because \"z\" }",
     "E308 `y` is called with `string` here and with `int` elsewhere"),
    ("step a { do x.y(1) -> { r: int }  left because \"z\" }  "
     "step b { do x.y(1) -> { r: string }  left because \"z\" }",
     "E308 `y` returns `{ r: string }` here and `{ r: int }` elsewhere"),
    ("step a { do x.y(1) -> { r: integer }  left because \"z\" }  "
     "step b { when a.r > 1  do x.z(a.r)  left because \"z\" }",
     "E204 there is no type `integer`"),
    ("step a { do x.y.z(1)  left because \"z\" }", "E203 `x.y.z` does not name a command of a service"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), UNDECLARED, ids=[expected[:60] for _, expected in UNDECLARED])
def test_a_wrong_use_of_an_undeclared_service_is_told_once(body: str, expected: str) -> None:
    text = trip(body, "trip_id: uuid")
    assert parser.parse(Source("0.saga", text))[1] == ()
    assert said(text) == [expected]


def test_every_wrong_use_leaves_its_saga_out() -> None:
    for body, _ in UNDECLARED:
        file, findings = parser.parse(Source("0.saga", trip(body, "trip_id: uuid")))
        assert findings or resolver.resolve({"0.saga": file})[0].sagas == ()


# --- more than one file ---------------------------------------------------------------------------------------------


def test_words_that_only_generated_classes_would_have_to_spell_are_free() -> None:
    text = "enum class { call, self }\ntype import { from_city: string }\n" + trip(
        f"step try {{ {BOOK} }}  step def {{ when k == call  {BOOK} }}", "trip_id: uuid  seats: int  k: class"
    )
    assert said(AIR, text) == []


def test_two_packages_with_one_name_are_never_chosen_between() -> None:
    one, two = (f"package {name}\n{AIR}" for name in ("one", "two"))
    text = "package travel\nimport one\nimport two\n" + trip(FLIGHT, "trip_id: uuid  seats: int")
    assert [finding.code for finding in find(one, two, text)] == ["E208"]


UPGRADE = 'step a { do air.upgrade(trip_id, economy)  left because "kept" }'


def test_two_types_that_a_file_sees_are_never_chosen_between() -> None:
    own = "package travel\nimport one\nenum Class { first }\n" + trip(UPGRADE, "trip_id: uuid  mine: Class")
    other = "package one\nenum Class { economy }\nservice air { command upgrade(trip: uuid, to: Class) }"
    assert said(other, own) == ["E208 `Class` can be read in two ways: packages `travel` and `one` both declare it"]


def test_two_types_of_one_name_do_not_meet_in_one_saga() -> None:
    base = "package base\nenum Class { economy }"
    other = "package one\nimport base\nservice air { command upgrade(trip: uuid, to: Class) }"
    own = "package travel\nimport one\nenum Class { first }\n" + trip(UPGRADE, "trip_id: uuid  mine: Class")
    assert said(base, other, own) == ["E208 `Trip` meets two types called `Class`, from different packages"]


def test_an_import_of_which_nothing_is_used_is_a_warning() -> None:
    text = "package travel\nimport one\n" + trip(FLIGHT, "trip_id: uuid  seats: int")
    assert said("package one\nenum Other { x }", "package travel\n" + AIR, text) == [
        "W602 nothing of `one` is used in this file"
    ]


def test_an_import_of_which_only_a_resource_is_used_is_used() -> None:
    one = "package one\nservice seats { resource Seat[trip: uuid] { states free*, taken } }"
    text = "package travel\nimport one\n" + trip(
        f"{FLIGHT} ensure at compensated: Seat[trip_id] == free", "trip_id: uuid  seats: int"
    )
    assert said(one, "package travel\n" + AIR, text) == []


def test_importing_twice_and_importing_oneself() -> None:
    text = "package travel\nimport one\nimport one\nimport travel\nenum A { x }\ntype B { a: Other }"
    assert said("package one\nenum Other { x }", text) == [
        "E207 `one` is imported twice",
        "W602 `travel` is this file's own package: its declarations are visible anyway",
    ]


def test_two_resources_of_one_name_are_never_chosen_between() -> None:
    text = """
    service a { resource Seat[k: uuid] { states free*, taken } }
    service b { resource Seat[k: uuid] { states free*, taken } }
    """
    rule = trip(f"{FLIGHT} ensure always: Seat[trip_id] == free", "trip_id: uuid  seats: int")
    assert [finding.code for finding in find(AIR, text, rule)] == ["E208"]


# --- records in rules -----------------------------------------------------------------------------------------------

SEATS = """
service seats {
  resource Seat[trip: uuid, row: int] { rows: int  states free*, taken }
  resource Bag[trip: uuid] { weight: decimal }
}
"""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ensure always: Seat[trip_id, 1] == taken implies Bag[trip_id].weight > 0", ""),
        ("ensure at completed: Bag[trip_id].weight == old(Bag[trip_id].weight) + 1", ""),
        ("ensure at completed: Seat[trip_id, 1].rows == 3 and seats * seats > 3", ""),
        ("ensure at completed: Seat[trip_id, 1].rows == 2 * old(Seat[trip_id, 1].rows)", ""),
        ("ensure at compensated: clean and Seat[trip_id, seats] == free", ""),
        ("ensure always: Seat[trip_id] == taken", "E302 `Seat` has 2 keys, here 1 is given"),
        ("ensure always: Seat[trip_id, total] == taken", "E301 the key of `Seat` is `int`, but this is `decimal`"),
        ("ensure always: Seat[trip_id, 1] == gone", "E205 `Seat state` has no `gone`"),
        ("ensure always: Bag[trip_id] == free", "E206 `Bag` has no states to compare"),
        ("ensure always: Bag[trip_id].wieght > 3", "E206 `Bag` has no field `wieght`"),
        ("ensure always: Sead[trip_id, 1] == free", "E203 no resource `Sead` is known here"),
        ("ensure always: Seat[trip_id, 1].rows.name > 3", "E206 `rows` is `int` and has no fields"),
        (
            "ensure always: Seat[trip_id, 1].rows * seats > 3",
            "E305 `ensure always` cannot multiply what a record holds by an unknown value: that cannot be decided",
        ),
        (
            "ensure always: Seat[trip_id, Seat[trip_id, 1].rows] == free",
            "E214 the key of a record cannot read the record `Seat`: it belongs to a service",
        ),
        ("ensure at completed: old(seats) > 3", "E312 `old` is about what records hold, and no record is read here"),
        (
            "ensure at completed: old(old(Seat[trip_id, 1].rows)) > 3",
            "E214 `old` stands only in `ensure at completed` and `ensure at compensated`, not in `ensure at completed`",
        ),
    ],
)
def test_rules_read_the_records_of_services(rule: str, expected: str) -> None:
    assert said(AIR, SEATS, trip(f"{FLIGHT} {rule}")) == ([expected] if expected else [])


VALUES = [
    ('t: timestamp = "2026-01-31T12:00:00Z"', ""),
    ('t: timestamp = "2026-01-31T12:00:00"', "E301 `2026-01-31T12:00:00` is not a `timestamp`"),
    ('t: timestamp = "soon"', "E301 `soon` is not a `timestamp`"),
    ("t: int = 1 + 2", "E214 the default of `t` must be a constant"),
    ("t: Class = business", ""),
    ("t: list[Class] = [business, economy]", ""),
    ("t: list[int] = []", ""),
    ("t: list[Nope] = [business]", "E204 there is no type `Nope`"),
    ("t: int? = null", ""),
    ("t: int = null", "E301 the default of `t` is `int`, but this is `null`"),
    ("t: int? = 3  u: list[decimal] = [1, 2.5]", ""),
    ("t: bool? where t is not null and t", ""),
    ("t: bool? where t", "E304 `t` may be `null` here"),
    ("t: bool? where not t", "E304 `t` may be `null` here"),
    ("t: int? where t + 1 > 3", "E304 `t` may be `null` here"),
    ("t: int? where -t > 3", "E304 `t` may be `null` here"),
    ("t: list[int]? where size(t) > 3", "E304 `t` may be `null` here"),
    ("t: list[int]? where 3 in t", "E304 `t` may be `null` here"),
    ("t: list[int] where 3 in t and not (4 in t)", ""),
    ("economy: bool where class_ == economy",
     "E208 `economy` can be read in two ways: as an input and as a member of `Class`"),
    ("t: Guest where t.age is not null and t.age > 3", ""),
    ("t: Guest where t.age > 3", "E304 `t.age` may be `null` here"),
    ("t: Guest? where t.name == \"x\"", "E304 `t` may be `null` here"),
    ("t: Guest? where t is not null and t.name == \"x\"", ""),
    ("t: Guest where t.name.first == \"x\"", "E206 `t.name` is `string` and has no fields"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "expected"), VALUES, ids=[field for field, _ in VALUES])
def test_values_and_conditions_of_inputs(field: str, expected: str) -> None:
    assert said(AIR, trip(FLIGHT, f"trip_id: uuid  seats: int  class_: Class  {field}")) == (
        [expected] if expected else []
    )


def test_a_refinement_of_an_output_may_read_the_output() -> None:
    assert said(AIR, trip(f"{FLIGHT} output {{ price: decimal = flight.price where price > total }}")) == []
    assert said(AIR, trip(f"{FLIGHT} output {{ price: decimal = flight.price where price }}")) == [
        "E301 a `where` is `bool`, but this is `decimal`"
    ]


def test_an_undo_that_reads_a_later_step_is_told_what_it_can_read() -> None:
    body = f"""
      step flight {{ do air.book(trip_id, 1)  mitigate air.pay(trip_id, back.price) because "a fee" }}
      step back after flight {{ {BOOK} }}
    """
    assert find(AIR, trip(body))[0].help == (
        "`back` comes after `flight`: read the input, `flight` itself, or what it comes after",
    )


def test_calls_of_an_undeclared_command_meet_in_the_wider_type() -> None:
    body = """
      step a { do x.y(n, 1)  left because "it is only a count" }
      step b { do x.y(3, 1)  left because "it is only a count" }
      step c { do x.y(d, 2.5)  left because "it is only a count" }
    """
    assert said(trip(body, "trip_id: uuid  n: int?  d: decimal")) == []


# --- how it is said -------------------------------------------------------------------------------------------------


def test_a_missing_name_is_told_at_its_first_place_with_the_number_of_the_others() -> None:
    body = " ".join(f"step s{n} {{ when sets > {n}  {BOOK} }}" for n in range(4))
    findings = find(AIR, trip(body))
    assert [finding.code for finding in findings] == ["E201"]
    assert findings[0].labels[1].text == "also here, and in 2 more places"
    assert findings[0].help == ("did you mean `seats`?",)


def test_an_unknown_step_is_answered_with_the_steps_there_are() -> None:
    unknown = 'scenario "x" { given zzz unknown  then completed }'
    assert find(AIR, trip(f"{FLIGHT} {unknown}"))[0].help == ("its only step is `flight`",)
    assert find(AIR, trip(f"{FLIGHT} step back {{ {BOOK} }} {unknown}"))[0].help == ("it has `flight` and `back`",)


ALONE = "a member of `Class` is written by its name alone: `business`"


@pytest.mark.parametrize(
    ("guard", "code", "advice"),
    [
        ("class_ == Class.business", "E201", ALONE),
        ("Class.business == class_", "E201", ALONE),
        ("class_ in [Class.business]", "E201", ALONE),
        ("class_ == Class.busines", "E201", "did you mean `business`?"),
        ("class_ == Class.first", "E201", "`Class` has `economy` and `business`"),
        ("class_ == Klass.first", "E201", "did you mean `class_`?"),
        ('class_ == "business"', "E303", ALONE),
        ('"business" != class_', "E303", ALONE),
        ('class_ in ["business", "first"]', "E303", ALONE),
        ('class_ == "first"', "E303", "`Class` has `economy` and `business`"),
    ],
)
def test_a_member_in_quotes_or_behind_its_enum_is_answered_with_its_name(guard: str, code: str, advice: str) -> None:
    (finding,) = find(AIR, trip(f"step flight {{ when {guard}  {BOOK} }}"))
    assert (finding.code, finding.help) == (code, (advice,))


@pytest.mark.parametrize(("written", "code"), [('"business"', "E301"), ("Class.business", "E214")])
def test_a_given_member_in_quotes_or_behind_its_enum_is_answered_with_its_name(written: str, code: str) -> None:
    (finding,) = find(AIR, trip(f'{FLIGHT} scenario "x" {{ given input {{ class_ = {written} }}  then completed }}'))
    assert (finding.code, finding.help) == (code, (ALONE,))


def test_no_order_is_judged_behind_a_name_that_is_not_known() -> None:
    body = f"""
      step flight {{ {BOOK} }}
      pivot step pay after flight {{ do air.book(trip_id, 1)  irreversible because "spent" }}
      step receipt after pey {{ do air.book(trip_id, 1)  retry forever }}
      step parcel after receipt {{ do air.book(trip_id, 1)  retry forever }}
    """
    assert said(AIR, trip(body)) == ["E202 `pey` is not a step of this saga"]


def test_an_approval_is_refused_once_and_silences_what_speaks_of_it() -> None:
    body = f"""
      {FLIGHT}
      approval boss after flight {{ ask role "boss"  within 4h }}
      pivot step pay after boss {{ do air.book(trip_id, 1)  irreversible because "spent" }}
      step receipt after pay {{ when boss.approved  do air.book(trip_id, 1)  retry forever }}
      require boss.approved before pay when seats > 3
    """
    assert said(AIR, trip(body)) == ["E502 `approval` is not supported in this version"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("reserve_seats", "air.release_seats(trip_id)"),
        ("book", "air.cancel(trip_id)"),
        ("charge", "air.refund(trip_id)"),
        ("create_order", "air.delete_order(trip_id)"),
        ("ping", "air.cancel_ping(…)"),
    ],
)
def test_a_missing_undo_is_suggested_by_its_verb(command: str, expected: str) -> None:
    names = (
        "reserve_seats",
        "release_seats",
        "book",
        "cancel",
        "charge",
        "refund",
        "create_order",
        "delete_order",
        "ping",
    )
    service = "service air { " + " ".join(f"command {name}(trip: uuid)" for name in names) + " }"
    findings = find(service, trip(f"step a {{ do air.{command}(trip_id) }}", "trip_id: uuid"))
    assert [finding.code for finding in findings] == ["E314"]
    assert findings[0].help[0] == f"add `compensate {expected}`"


def test_a_field_called_done_makes_a_status_ambiguous() -> None:
    text = "service s { command c(a: uuid) -> { done: bool }  idempotent }"
    body = 'step a { do s.c(trip_id)  left because "x" }  step b { when a.done  do s.c(trip_id)  left because "x" }'
    assert said(text, trip(body, "trip_id: uuid")) == [
        "E208 `a.done` can be read in two ways: what became of the step, and a field of its result"
    ]


def test_a_timeout_shorter_than_what_a_partner_promises_is_told_for_do_and_undo() -> None:
    slow = AIR.replace("service air {", 'service air { owner partner "Fair Air" sla 40s')
    codes = [finding.code for finding in find(slow, trip(FLIGHT))]
    assert codes == ["E320", "E320"]


def test_every_finding_is_one_line_in_the_words_of_the_language() -> None:
    bodies = [body for body, _ in (*STEPS, *SAGAS)] + [f"step flight {{ when {guard}  {BOOK} }}" for guard, _ in GUARDS]
    for body in bodies:
        for finding in find(AIR, trip(body)):
            for line in (finding.message, *finding.help):
                assert "\n" not in line
                assert not line.endswith(".")
                assert line[0] in "`/" or not line[0].isupper()
                assert "None" not in line


# --- what follows from a mistake is not told ------------------------------------------------------------------------


def test_a_missing_undo_is_not_missed_again_by_what_speaks_of_it() -> None:
    body = f"""
      step room {{ do air.book(trip_id, 1) }}
      step flight after room {{ {BOOK} }}
      step bag after room {{ do air.book(trip_id, 1)  undone by room because "it is in the room" }}
      scenario "x" {{ given flight fails Full  then order room, undo room }}
      scenario "y" {{ given flight fails Full  given undo room fails  then held }}
    """
    assert said(AIR, trip(body)) == ["E314 nothing undoes step `room`, and the run can still turn back after it"]


def test_a_name_that_two_steps_have_is_told_once_and_what_speaks_of_either_is_not() -> None:
    body = f"""
      step room {{ do air.pay(trip_id, 1)  left because "kept" }}
      step room after room {{ {BOOK} }}
      step taxi after hotel {{ when room.price > 3 and hotel.price > 3  do air.book(trip_id, hotel.seats)
        compensate air.cancel(trip_id) }}
      scenario "x" {{ given room fails Full  then order hotel, undo room, undo hotel }}
    """
    assert said(AIR, trip(body)) == ["E207 `room` is declared twice in `Trip`"]


# --- packages -------------------------------------------------------------------------------------------------------

USES_AIR = """
saga Trip version 1 {
  key trip_id
  input { trip_id: uuid  class_: Class }
  step flight { do air.book(trip_id, 1)  compensate air.cancel(trip_id) }
}
"""


def told(*texts: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{finding.code} {finding.message}", finding.help) for finding in find(*texts)]


def test_what_another_package_declares_is_to_be_imported() -> None:
    assert told(f"package shop.air\n{AIR}", f"package shop\n{USES_AIR}") == [
        ("E204 there is no type `Class`", ("write `import shop.air`",)),
        ("E203 there is no service `air`", ("write `import shop.air`",)),
    ]


def test_what_several_packages_declare_is_to_be_imported_from_one_of_them() -> None:
    files = (f"package shop.air\n{AIR}", f"package shop.sky\n{AIR}", f"package shop\n{USES_AIR}")
    assert {advice for _, (advice,) in told(*files)} == {"write `import shop.air` or `import shop.sky`"}


def test_a_name_of_another_kind_is_not_to_be_imported() -> None:
    files = ("package shop.air\ntype air { a: int }", AIR.replace("Class", "Klass"), f"package shop\n{USES_AIR}")
    assert all("import" not in advice for _, (advice,) in told(*files))


@pytest.mark.parametrize("declared", ["package shop.air\n" + AIR, "package other"])
def test_behind_an_import_that_failed_no_type_service_or_resource_is_missed(declared: str) -> None:
    rule = "ensure at completed: Bag[trip_id].weight > 3"
    store = "service store { resource Shelf[bag: uuid] { of: uuid references Bag[of] } }" if "air" in declared else ""
    uses = USES_AIR.replace("  step", f"  {rule}\n  step") + store
    assert said(declared, f"package shop\nimport shop.aire\n{uses}") == [
        "E209 no file of this check belongs to package `shop.aire`"
    ]


def test_no_import_of_the_files_own_package_or_of_one_imported_already_is_suggested() -> None:
    (finding,) = find(f"package shop.air\n{AIR}", f"package shop\nimport shop.air\nimport shop.airs\n{USES_AIR}")
    assert finding.help == ("check it together with its files",)
    (finding,) = find(f"package shop\nimport shops\n{USES_AIR}")
    assert finding.help == ("check it together with its files",)


def test_a_missing_import_is_told_once_for_all_sagas_of_a_file() -> None:
    second = USES_AIR.replace("saga Trip", "saga Again")
    assert told(f"package shop.air\n{AIR}", f"package shop\n{USES_AIR}{second}") == [
        ("E204 there is no type `Class`", ("write `import shop.air`",)),
        ("E203 there is no service `air`", ("write `import shop.air`",)),
    ]


# --- locks and refusals ---------------------------------------------------------------------------------------------

LOCKS = [
    ("lock Seat[trip_id, seats] within 3s", ""),
    ("lock Seat[trip_id, size(guests)] within 3s", ""),
    ("lock Seat[trip_id, seats] within 0s", "E319 the `within` of a lock must be longer than 0"),
    ("lock Seat[trip_id] within 3s", "E302 `Seat` has 2 keys, here 1 is given"),
    ("lock Seat[trip_id, total] within 3s", "E301 the key of `Seat` is `int`, but this is `decimal`"),
    ("lock Sead[trip_id, 1] within 3s", "E203 no resource `Sead` is known here"),
    (
        "lock Seat[trip_id, Bag[trip_id].weight] within 3s",
        "E214 the key of a record cannot read the record `Bag`: it belongs to a service",
    ),
]


@pytest.mark.parametrize(("lock", "expected"), LOCKS, ids=[lock for lock, _ in LOCKS])
def test_a_lock_names_a_record_of_a_declared_service(lock: str, expected: str) -> None:
    text = trip(f"step flight {{ {BOOK}  {lock} }}")
    assert said(AIR, SEATS, text) == ([expected] if expected else [])


def test_a_lock_waits_for_the_results_that_its_key_reads() -> None:
    wrong = (
        "step flight { do air.book(trip_id, seats)  lock Paid[flight.pnr] within 3s  compensate air.cancel(trip_id) }"
    )
    paid = "service bank { resource Paid[pnr: string] { states none*, paid } }"
    assert said(AIR, paid, trip(wrong)) == ["E211 step `flight` would have to come after itself"]


def test_a_reason_for_a_refused_undo_is_said_once() -> None:
    block = '{ on refusal hold because "the desk looks"  on refusal hold because "or the bank" }'
    text = trip(f"step flight {{ do air.book(trip_id, seats)  compensate air.cancel(trip_id) {block} }}")
    refused = AIR.replace("    revokes book", "    revokes book\n    fails TooLate")
    assert said(refused, text) == ["E310 `on refusal` stands twice in this `compensate`"]


@pytest.mark.parametrize(
    ("promises", "expected"),
    [
        ("idempotent", ["E312 `cancel` is never refused, as far as is declared"]),
        ("idempotent  changes Trip[trip] { seats += 1 }", ["E312 `cancel` is never refused, as far as is declared"]),
        ("idempotent  changes Trip[trip] { requires seats > 0  seats -= 1 }", []),
        ("idempotent  changes Trip[trip] booked -> none", []),
        ("idempotent  fails TooLate", []),
    ],
)
def test_only_an_undo_that_can_be_refused_needs_a_reason_for_it(promises: str, expected: list[str]) -> None:
    air = f"""
    service air {{
      resource Trip[trip: uuid] {{ states none*, booked  seats: int }}
      command book(trip: uuid)  changes Trip[trip] none -> booked
      command cancel(trip: uuid)  {promises}
    }}
    """
    block = '{ on refusal hold because "the desk looks at it" }'
    text = trip(f"step flight {{ do air.book(trip_id)  compensate air.cancel(trip_id) {block} }}", "trip_id: uuid")
    assert said(air, text) == expected

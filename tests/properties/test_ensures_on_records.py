"""What a saga ensures, against what happens to concrete records: in every order, at each end, at all times (F, B7).

Small random sagas are judged by the checker and tried on records. What is proved must never go wrong; what is refused
and yet never goes wrong where it was tried is counted, and shown.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from tests.properties import confluence
from tests.properties.confluence import Case, Runner

from sagac.compiler import actions, courses, logic, planner, rehearsal
from sagac.compiler.model import Ensure
from sagac.compiler.obligations import conditions, ensures, preconditions
from sagac.compiler.obligations.obligation import Kept
from sagac.compiler.rehearsal import Record, Records
from sagac.compiler.verdicts import Side
from sagac.runtime.expressions import View, evaluate
from sagac.runtime.plan import Wire

BRUTE = bool(os.environ.get("SAGAC_BRUTE"))
COUNT = 5_000 if BRUTE else 150
STARTS = 8

SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "completed": (
        "Doc[id] == live",
        "Doc[id] == draft or Doc[id] == live",
        "Pot[k].a == old(Pot[k].a)",
        "Pot[k].a <= old(Pot[k].a)",
        "Pot[k].h == old(Pot[k].h)",
        "Pot[k].a + Pot[j].a == old(Pot[k].a) + old(Pot[j].a)",
        "Doc[id] == live implies flag",
        "Doc[id].v == old(Doc[id].v)",
    ),
    "compensated": (
        "clean",
        "Doc[id] == draft",
        "Doc[id] != live",
        "Pot[k].a == old(Pot[k].a)",
        "Pot[k].a >= old(Pot[k].a)",
        "Doc[id].v == old(Doc[id].v)",
    ),
    "always": (
        "Doc[id] != gone",
        "Doc[id] == live implies flag",
        "Pot[k].a >= 0",
        "Doc[id] == gone implies Doc[k] != live",
        "Pot[id].h == 0",
    ),
}


def drawn(seed: int) -> Case:
    """A saga that ensures something."""
    draw = random.Random(seed)
    text = confluence.saga(draw, "Mine", draw.randint(1, 4), varied=False)
    at = draw.choice(sorted(SAID))
    said = draw.choice(SAID[at])
    when = at if at == "always" else f"at {at}"
    return confluence.read("\n".join((confluence.SERVICE, text.rstrip()[:-1] + f"  ensure {when}: {said}\n}}\n")))


def is_proved(case: Case) -> bool:
    """The checker says that it holds, and that nothing is refused that nobody reckons with."""
    (saga,) = case.project.sagas
    order = case.graphs[saga.full_name]
    known = conditions.of(case.project, saga, order, planner.plan(case.project, saga, order))
    stage = courses.stage(case.project, order, known, actions.of(case.project, saga, order), ())
    owed = (*ensures.owe(stage), *preconditions.owe(stage))
    return all(confluence.is_kept(each) for each in owed if isinstance(each, Kept))


def wrong(case: Case, draw: random.Random) -> str:
    """A run in which it does not hold; nothing where none was found."""
    (saga,) = case.project.sagas
    (ensure,) = saga.ensures
    for _ in range(STARTS):
        side, _, records = confluence.beginning(case, draw)
        records = own_as_new(case, side, records)
        if ensure.at == "always" and not holds(case, ensure, side, records, records, frozenset()):
            continue  # what others left behind before is not this run's doing
        for me, left in states(case, side, records, ensure):
            if not holds(case, ensure, side, records, left, me.done):
                return f"{dict(side.input)}: {sorted(me.done)} done, {sorted(me.undone)} undone, {left}"
    return ""


def own_as_new(case: Case, side: Side, records: Records) -> Records:
    """The run's own document is a draft that nobody has touched, and its pot is lawful."""
    found = dict(records)
    for number in (1, 2, 3):
        found.setdefault(rehearsal.record(case.project, "s.Doc", (number,)), {"state": "draft", "v": 0})
        found.setdefault(rehearsal.record(case.project, "s.Pot", (number,)), {"a": 1, "h": 0})
    mine = rehearsal.record(case.project, "s.Doc", (side.input["id"],))
    return {**found, mine: {**found[mine], "state": "draft"}}


def states(case: Case, side: Side, records: Records, ensure: Ensure) -> Iterator[tuple[Runner, Records]]:
    """Every state of every run that the `ensure` speaks of."""
    (saga,) = case.project.sagas
    first = (Runner(side), confluence.frozen(records))
    seen, stack = {first}, [first]
    while stack:
        me, left = stack.pop()
        settled = all(step.name in me.done or not confluence.runs(step, me) for step in saga.steps)
        ended = me.turned and me.done == me.undone
        if (
            ensure.at == "always"
            or (ensure.at == "completed" and settled and not me.turned)
            or (ensure.at == "compensated" and ended)
        ):
            yield me, confluence.thawed(left)
        for following, after, _ in confluence.moves(case, me, left, 0):
            if (following, after) not in seen:
                seen.add((following, after))
                stack.append((following, after))


def holds(case: Case, ensure: Ensure, side: Side, before: Records, after: Records, done: frozenset[str]) -> bool:
    """What is ensured, read with the runtime's own evaluation."""
    if ensure.condition == ensures.CLEAN:
        return all(is_clean(case, side, record, before[record], after[record]) for record in after)
    read: dict[str, Wire] = {}
    for number, reading in enumerate(ensure.records):
        keys = [evaluate(key, View(side.input, {}, {})) for key in reading.keys]
        record = rehearsal.record(case.project, reading.resource, keys)
        read[f"record {number}"] = dict((before if reading.old else after)[record])
    return rehearsal.is_true(ensure.condition, View(side.input, read, {}))


def is_clean(case: Case, side: Side, record: Record, before: Mapping[str, Wire], after: Mapping[str, Wire]) -> bool:
    """As before, or in a clean state; then the fields matter only where the record is not the run's own."""
    if before == after:
        return True
    resource = case.project.resource(record.resource)
    if after.get("state") not in resource.clean:
        return False
    own = record == rehearsal.record(case.project, record.resource, (side.input["id"],))
    return own or {**before, "state": ""} == {**after, "state": ""}


def test_what_is_ensured_and_proved_never_goes_wrong() -> None:
    found: Counter[tuple[bool, bool]] = Counter()
    bad: list[str] = []
    for seed in range(COUNT):
        case = drawn(seed)
        proved = is_proved(case)
        try:
            why = wrong(case, random.Random(seed))
        except confluence.BrokenError:  # an undo that is refused: B1's business, and then nothing is said of the end
            continue
        found[proved, not why] += 1
        if proved and why:
            bad.append(f"seed {seed}: {why}\n{case.text.partition('saga Mine')[2]}")
    print(
        f"{COUNT} sagas: {found[True, True]} proved and fine, {found[False, False]} refused and wrong, "
        f"{found[False, True]} refused though nothing went wrong where it was tried"
    )
    assert not bad, "\n".join(bad)
    assert found[True, True] > COUNT // 10, found
    assert found[False, False] > COUNT // 10, found


def without_undos(monkeypatch: pytest.MonkeyPatch) -> None:
    played = courses.played
    monkeypatch.setattr(
        courses, "played", lambda stage, places, happened, undone, *rest: played(stage, places, happened, {}, *rest)
    )


def without_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "done", lambda stage, step: logic.TRUE)


def sure_of_every_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "is_own", lambda deeds, place: True)


@pytest.mark.parametrize("blinded", [without_undos, without_guards, sure_of_every_record])
def test_every_part_of_a_course_is_needed(blinded: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a part of it taken away, something that goes wrong is proved."""
    assert callable(blinded)
    blinded(monkeypatch)
    for seed in range(COUNT * 4):
        case = drawn(seed)
        try:
            if is_proved(case) and wrong(case, random.Random(seed)):
                return
        except confluence.BrokenError:
            continue
    pytest.fail("nothing that goes wrong was proved")

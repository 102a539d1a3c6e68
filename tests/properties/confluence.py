"""Small random projects, what the checker says of them, and what really happens: the confluence theorem from both ends.

One run of a saga goes forward through any of its order ideals in any order, and is rolled back in any order that R7
allows; beside it another run, of the same saga or of another one, does and undoes what it likes, in between. Commands
are done by the rehearsal on concrete records. Beside the real records stand those of a world in which only the other
run exists: at the end both must be the same but for what the undos say that they leave.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from sagac.compiler import actions, courses, graph, parser, planner, rehearsal, resolver, solver, surroundings
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga, Step
from sagac.compiler.obligations import (
    commutation,
    conditions,
    invariants,
    inverse,
    isolation,
    preconditions,
    stability,
    transport,
)
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Settled
from sagac.compiler.rehearsal import Record, Records
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Act, Proved, Side
from sagac.runtime.expressions import View
from sagac.runtime.plan import Input, Wire

SERVICE: Final = """
service s {
  resource Pot[k: int] {
    a: int
    h: int hold
    invariant a >= 0 and h >= 0
  }
  resource Doc[k: int] {
    states draft*, live, gone
    v: int
    clean draft, gone
  }
  command dec(k: int, q: int) changes Pot[k] { requires a >= q  a -= q } idempotent fails No
  command inc(k: int, q: int) changes Pot[k] { a += q } idempotent fails No
  command take(k: int, q: int) changes Pot[k] { requires a >= q  a -= q } idempotent
  command bump(k: int, q: int) changes Pot[k] { a += q + 1 } idempotent
  command reserve(k: int, q: int) changes Pot[k] { requires a >= q  a -= q  h += q } idempotent fails No
  command release(k: int, q: int) changes Pot[k] { a += q  h -= q } idempotent
  command use(k: int, q: int) changes Pot[k] { h -= q } idempotent fails No
  command unuse(k: int, q: int) changes Pot[k] { h += q } idempotent
  command write(k: int, q: int) -> { old: int } changes Doc[k] { v := q  yields old = v } idempotent fails No
  command rewrite(k: int, old: int) changes Doc[k] { v := old } idempotent
  command empty(k: int, q: int) changes Pot[k] { requires a == 0  a += q } idempotent fails No
  command unempty(k: int, q: int) changes Pot[k] { requires a == q  a -= q } idempotent
  command move(k: int, j: int, q: int)
    changes Pot[k] { requires a >= q  a -= q }
    changes Pot[j] { a += q }
    idempotent fails No
  command back(k: int, j: int, q: int) changes Pot[k] { a += q } changes Pot[j] { a -= q } idempotent
  command peek(k: int) -> { old: int } changes Doc[k] { yields old = v } idempotent fails No
  command publish(k: int) changes Doc[k] draft -> live idempotent fails No
  command withdraw(k: int) changes Doc[k] live -> draft idempotent
  command retire(k: int) changes Doc[k] live -> gone idempotent
  command sell(k: int, q: int) changes Doc[k] live -> live { v += q } idempotent fails No
  command unsell(k: int, q: int) changes Doc[k] live -> live { v -= q } idempotent
  command note(k: int, q: int) changes Doc[k] { v += q } idempotent fails No
  command unnote(k: int, q: int) changes Doc[k] { v -= q } idempotent
  command blank(k: int) changes Doc[k] { requires v == 0 } idempotent fails No
  command unblank(k: int) changes Doc[k] { requires v == 0 } idempotent
  command seal(k: int) changes Doc[k] live -> gone idempotent fails No
  command unseal(k: int) changes Doc[k] gone -> live idempotent
  command reopen(k: int) changes Doc[k] draft -> live idempotent
  command visit(k: int) changes Doc[k] live -> live idempotent
  command check(k: int, q: int) changes Pot[k] { requires a >= q } idempotent fails No
  command ask(k: int) idempotent
}
"""

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "dec": ("dec({k}, q)", "compensate s.inc({k}, q)"),
    "inc": ("inc({k}, q)", "compensate s.take({k}, q)"),
    "bad": ("dec({k}, q)", "compensate s.bump({k}, q)"),
    "fee": ("dec({k}, q)", 'mitigate s.bump({k}, q) because "a present"'),
    "reserve": ("reserve({k}, q)", "compensate s.release({k}, q)"),
    "write": ("write({k}, q)", "compensate s.rewrite({k}, {s}.old)"),
    "peek": ("peek({k})", "compensate s.rewrite({k}, {s}.old)"),
    "smear": ("write({k}, q)", 'left because "ink"'),
    "empty": ("empty({k}, q)", "compensate s.unempty({k}, q)"),
    "move": ("move({k}, {j}, q)", "compensate s.back({k}, {j}, q)"),
    "publish": ("publish({k})", "compensate s.withdraw({k})"),
    "retire": ("publish({k})", "compensate s.retire({k})"),
    "sell": ("sell({k}, q)", "compensate s.unsell({k}, q)"),
    "note": ("note({k}, q)", "compensate s.unnote({k}, q)"),
    "keep": ("note({k}, q)", 'left because "a note"'),
    "blank": ("blank({k})", "compensate s.unblank({k})"),
    "seal": ("seal({k})", "compensate s.unseal({k})"),
    "use": ("use({k}, q)", "compensate s.unuse({k}, q)"),
}

VARIED: Final[Mapping[str, tuple[str, str]]] = {
    **KINDS,
    "sure": ("take({k}, q)", "compensate s.inc({k}, q)"),
    "check": ("check({k}, q)", 'left because "a look"'),
    "close": ("withdraw({k})", "compensate s.reopen({k})"),
    "stay": ("visit({k})", 'left because "a visit"'),
    "open": ("publish({k})", 'left because "open"'),
    "bury": ("seal({k})", 'left because "over"'),
}
"""With steps that need something and declare no failure, and steps that bring about what these need."""

INPUT: Final = "  key id\n  input { id: int  k: int  j: int  q: int where q > 0  flag: bool }\n"


Frozen: TypeAlias = tuple[tuple[Record, tuple[tuple[str, Wire], ...]], ...]
"""Records that can be looked up in a set."""


@dataclass(frozen=True)
class Case:
    """A project, with what is known of each of its sagas."""

    text: str
    project: Project
    graphs: Mapping[str, Graph]


# --- random projects -----------------------------------------------------------------------------------------------


def drawn(seed: int, *, varied: bool = False) -> Case:
    """The project of a seed; `varied` ones have steps that may not be refused, more guards, and written keys."""
    draw = random.Random(seed)
    sagas = [saga(draw, "Mine", draw.randint(1, 4), varied=varied)]
    if draw.random() < 0.7:
        sagas.append(saga(draw, "Other", draw.randint(1, 2), varied=varied))
    return read("\n".join((SERVICE, *sagas)))


POTS: Final = ("dec", "inc", "bad", "fee", "reserve", "empty", "move")
DOCS: Final = ("write", "peek", "smear", "publish", "retire", "sell", "note", "keep", "blank", "seal")
GUARDS: Final = ("", "", "", "  when flag", "  when not flag")
KEYS: Final = ("k", "k", "k", "j", "id", "id", "id")
MORE_GUARDS: Final = (*GUARDS, "", "", "  when k == 1", "  when k != id", "  when q > 1")
GATES: Final = ("k == 1", "k != 1", "j != k", "q > 1", "k == id")


def saga(draw: random.Random, name: str, count: int, *, varied: bool) -> str:
    """A saga of so many steps; `use` comes after a `reserve` of the same record, and nowhere else.

    A varied one may have a gate, which fails it at once.
    """
    family = draw.choice((("Pot",), ("Doc",), ("Pot", "Doc")))
    pots = [*POTS, *(("sure", "sure", "check", "check") if varied else ())]
    docs = [*DOCS, *(("close", *("stay", "open", "bury") * 5) if varied else ())]
    kinds = [*(pots if "Pot" in family else []), *(docs if "Doc" in family else [])]
    lines: list[str] = []
    names: list[str] = []
    gate = draw.choice(GATES) if varied and draw.random() < 0.3 else ""
    if gate:
        lines.append(f'  step gate {{ when {gate} else fail Shut do s.ask(k) left because "asked" }}')
    reserved = ""
    for number in range(count):
        step = f"t{number}"
        kind = "use" if reserved and draw.random() < 0.4 else draw.choice(kinds)
        key = draw.choice((*KEYS, "1") if varied else KEYS)
        after = {other for other in names if draw.random() < (0.6 if varied else 0.4)} | ({"gate"} if gate else set())
        if kind == "use":
            of, key, guard = reserved.split(" ", 2)
            after.add(of)
            reserved = ""
        else:
            guard = draw.choice(MORE_GUARDS if varied else GUARDS)
        if kind == "reserve":
            reserved = f"{step} {key} {guard}"
        other_key = "j" if key == "k" else "k"
        do, undo = (part.format(k=key, j=other_key, s=step) for part in VARIED[kind])
        order = f" after {', '.join(sorted(after))}" if after else ""
        lines.append(f"  step {step}{order} {{ do s.{do}  {undo}{guard and chr(10) + guard} }}")
        names.append(step)
    return f"saga {name} version 1 {{\n{INPUT}" + "\n".join(lines) + "\n}\n"


def read(text: str) -> Case:
    """A project from its text."""
    file, syntax = parser.parse(Source("case.saga", text))
    project, found = resolver.resolve({"case.saga": file})
    errors = [finding.message for finding in (*syntax, *found) if finding.severity == "error"]
    assert not errors, (errors, text)
    return Case(text, project, {each.full_name: graph.build(each)[0] for each in project.sagas})


# --- what the checker says -----------------------------------------------------------------------------------------


def claims(case: Case) -> Iterator[Obligation]:
    """All that the theorem rests on, of every saga of the project."""
    deeds = {each.full_name: actions.of(case.project, each, case.graphs[each.full_name]) for each in case.project.sagas}
    around = surroundings.of(case.project, deeds)
    for each in case.project.sagas:
        order = case.graphs[each.full_name]
        known = conditions.of(case.project, each, order, planner.plan(case.project, each, order))
        others = tuple(other for name, other in deeds.items() if name != each.full_name)
        stage = courses.stage(case.project, order, known, deeds[each.full_name], others)
        yield from inverse.owe(stage)
        yield from commutation.owe(each, order, known, around)
        yield from transport.owe(each, order, known, around)
        yield from isolation.owe(each, order, known, around)
        yield from stability.owe(each, order, known, around)
        yield from invariants.owe(stage)
        yield from preconditions.owe(stage)


def is_proved(case: Case, *, without: str = "") -> bool:
    """Nothing can break any of the claims; `without` names a family that is not asked."""
    return all(is_kept(each) for each in claims(case) if each.claim.family != without)


def is_kept(obligation: Obligation) -> bool:
    """None of the breaches can happen. Only that is asked here: no story, and no reasons."""
    if isinstance(obligation, Settled):
        return isinstance(obligation.verdict, Proved)
    assert isinstance(obligation, Kept), obligation
    return all(map(cannot_happen, obligation.breaches()))


def cannot_happen(breach: Breach | General) -> bool:
    """A breach cannot happen; of one form, the form cannot, or none of them."""
    if isinstance(breach, Breach):
        return is_impossible(breach)
    return is_impossible(breach.form) or all(map(cannot_happen, breach.breaches()))


def is_impossible(breach: Breach | Form) -> bool:
    return isinstance(solver.standing((*(premise.term for premise in breach.premises), breach.broken)), tuple)


# --- what happens --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runner:
    """One of the two runs: who is done, skipped or undone so far, and what it was told."""

    side: Side = field(compare=False)
    done: frozenset[str] = frozenset()
    undone: frozenset[str] = frozenset()
    turned: bool = False
    told: tuple[tuple[str, Wire], ...] = ()

    def with_results(self) -> Side:
        return replace(self.side, results={step: {"old": value} for step, value in self.told})


@dataclass(frozen=True)
class World:
    """The records, real and imagined: as if this run had never been."""

    real: Frozen
    alone: Frozen


class BrokenError(Exception):
    """The theorem does not hold."""


def happens(case: Case, draw: random.Random, starts: int) -> str:
    """What goes wrong in some run, in words; nothing where nothing does."""
    ROWS.clear()
    for _ in range(starts):
        try:
            explore(case, *beginning(case, draw))
        except BrokenError as broken:
            return str(broken)
    return ""


def beginning(case: Case, draw: random.Random) -> tuple[Side, Side, Records]:
    """Values of both runs, and of the records."""
    mine = Side("Mine", given(draw, 1))
    theirs = Side(draw.choice([each.full_name for each in case.project.sagas]), given(draw, 2))
    records = {
        rehearsal.record(case.project, "s.Pot", (k,)): {"a": draw.randint(0, 4), "h": draw.randint(0, 1)}
        for k in (1, 2)
    }
    docs = {
        rehearsal.record(case.project, "s.Doc", (k,)): {
            "state": draw.choice(("draft", "draft", "live", "gone")) if not is_someones(case) else "draft",
            "v": draw.choice((0, 0, 1)),
        }
        for k in (1, 2)
    }
    return mine, theirs, {**records, **docs}


def is_someones(case: Case) -> bool:
    """A step counts on a document that is its run's own: then these are as nobody has touched them yet."""
    steps = [step for each in case.project.sagas for step in each.steps]
    changes = [(step, change) for step in steps for change in case.project.operation(step.call).changes]
    sure = any(change.source and not case.project.operation(step.call).fails for step, change in changes)
    return sure and any(
        change.resource == "s.Doc" and dict(step.call.arguments)["k"] == Input(("id",), "int")
        for step, change in changes
    )


def given(draw: random.Random, id: int) -> Mapping[str, Wire]:
    k = draw.choice((1, 1, 2))
    return {"id": id, "k": k, "j": draw.choice((k, 3 - k)), "q": draw.choice((1, 2)), "flag": draw.random() < 0.5}


def frozen(records: Records) -> Frozen:
    return tuple((record, tuple(sorted(contents.items()))) for record, contents in records.items())


def thawed(records: Frozen) -> Records:
    return {record: dict(contents) for record, contents in records}


def explore(case: Case, mine: Side, theirs: Side, records: Records) -> None:
    """Every interleaving from here; raises `BrokenError` at the first that the theorem excludes."""
    first = (Runner(mine), Runner(theirs), World(frozen(records), frozen(records)))
    seen = {first}
    stack = [first]
    while stack:
        me, other, world = stack.pop()
        if me.turned and me.done == me.undone:
            compared(me, world)
        for following in (*my_moves(case, me, other, world), *other_moves(case, me, other, world)):
            if following not in seen:
                seen.add(following)
                stack.append(following)


def my_moves(case: Case, me: Runner, other: Runner, world: World) -> Iterator[tuple[Runner, Runner, World]]:
    """What this run leaves is part of the imagined world from when it is left: whoever comes may build on it."""
    for following, real, act in moves(case, me, world.real, 0):
        yield following, other, World(real, world.alone if act is None else left(case, me, act, world.alone))


def other_moves(case: Case, me: Runner, other: Runner, world: World) -> Iterator[tuple[Runner, Runner, World]]:
    """The other run acts in both worlds: it must be accepted in the imagined one too, and be told the same."""
    for following, real, act in moves(case, other, world.real, 1):
        if act is None:
            yield me, following, World(real, world.alone)
            continue
        row = done(case, other, act, world.alone)
        if row.refused:
            raise BrokenError(f"{act} of the other run builds on this one: {row.refused}")
        if (told := row.captured.get("old")) is not None and dict(following.told)[act.step] != told:
            raise BrokenError(f"{act} of the other run is told otherwise")
        yield me, following, World(real, frozen(row.after))


def moves(case: Case, runner: Runner, records: Frozen, side: int) -> Iterator[tuple[Runner, Frozen, Act | None]]:
    """All that a run may do next: a step, the turn, an undo."""
    found = case.project.sagas[0] if runner.side.saga == "Mine" else case.project.sagas[1]
    order = case.graphs[found.full_name]
    if not runner.turned and any(step.name not in runner.done and runs(step, runner) for step in found.steps):
        yield replace(runner, turned=True), records, None
    for step in found.steps:
        act = Act(side, step.name)
        if not runner.turned and is_next(found, order, runner, step):
            row = done(case, runner, act, records)
            if row.refused and not case.project.operation(step.call).fails:
                raise BrokenError(f"{act} is refused, and declares no failure: {row.refused}")
            if not row.refused:
                told = {**dict(runner.told), **({step.name: row.captured["old"]} if "old" in row.captured else {})}
                after = replace(runner, done=runner.done | {step.name}, told=tuple(sorted(told.items())))
                yield after, frozen(row.after), act
        if runner.turned and step.name in runner.done - runner.undone and is_last(order, runner, step.name):
            after = replace(runner, undone=runner.undone | {step.name})
            if not step.handlers:
                yield after, records, None
                continue
            undo = Act(side, step.name, 0)
            row = done(case, runner, undo, records)
            if row.refused:
                raise BrokenError(f"{undo} is refused: {row.refused}")
            yield after, frozen(row.after), undo


def is_next(saga: Saga, order: Graph, runner: Runner, step: Step) -> bool:
    """All that the step comes after is settled, and its guard holds."""
    if step.name in runner.done or not runs(step, runner):
        return False
    steps = {each.name: each for each in saga.steps}
    return all(
        name in runner.done or (not runs(steps[name], runner) and not steps[name].otherwise_fails)
        for name in steps
        if order.precedes(name, step.name)
    )


def runs(step: Step, runner: Runner) -> bool:
    if step.guard is None:
        return True
    return rehearsal.is_true(step.guard.condition, View(runner.side.input, {}, {}))


def is_last(order: Graph, runner: Runner, step: str) -> bool:
    """All that came after the step is undone."""
    return all(name in runner.undone for name in runner.done if order.precedes(step, name))


def done(case: Case, runner: Runner, act: Act, records: Frozen) -> rehearsal.Row:
    key = (id(case), runner.side.saga, tuple(runner.side.input.items()), runner.told, act, records)
    if key not in ROWS:
        ROWS[key] = rehearsal.done(case.project, runner.with_results(), thawed(records), act, {})
    return ROWS[key]


ROWS: dict[object, rehearsal.Row] = {}


def compared(me: Runner, world: World) -> None:
    """The real records are those of the imagined world."""
    expected = thawed(world.alone)
    for record, contents in thawed(world.real).items():
        if contents != expected[record]:
            raise BrokenError(
                f"{record.resource}{record.key}: {contents}, not {expected[record]} after {sorted(me.done)}"
            )


def left(case: Case, me: Runner, act: Act, records: Frozen) -> Frozen:
    """What is left, said by hand: one more in the pot, a document that is gone, or a note."""
    declared = next(each for each in case.project.sagas[0].steps if each.name == act.step)
    undo = declared.handlers[0].call.operation if declared.handlers else ""
    if undo == "bump" and not declared.handlers[0].mitigates:
        return records
    if (undo in ("bump", "retire")) != (act.undo is not None) or undo not in ("", "bump", "retire"):
        return records
    if not undo and declared.call.operation in ("ask", "check", "visit"):
        return records
    key = dict(declared.call.arguments)["k"]
    value = me.side.input[key.path[0]] if isinstance(key, Input) else 1
    resource, field_name, by = ("s.Pot", "a", 1) if undo == "bump" else ("s.Doc", "v", me.side.input["q"])
    record = rehearsal.record(case.project, resource, (value,))
    known = {each: dict(contents) for each, contents in records}
    if undo == "retire":
        known[record]["state"] = "gone"
    elif declared.call.operation in ("publish", "seal"):
        known[record]["state"] = "live" if declared.call.operation == "publish" else "gone"
    elif declared.call.operation == "write":
        known[record]["v"] = by
    else:
        known[record][field_name] = int(str(known[record][field_name])) + int(str(by))
    return frozen(known)

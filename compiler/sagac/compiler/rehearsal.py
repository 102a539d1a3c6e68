"""The rehearsal of a history: commands done one after the other on concrete records, as their contracts say.

It reads the contracts with the runtime's own evaluation and exact arithmetic, and shares nothing with what a solver is
told (`records`, `encoding`): a history that a solver has made up is believed only when it happens here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sagac.compiler import planner, wording
from sagac.compiler.model import Assignment, Call, Change, Operation, Project, Resource, Saga, Step
from sagac.compiler.replay import Unreplayable
from sagac.compiler.verdicts import Act, Before, History, Side
from sagac.runtime.expressions import Unavailable, View, evaluate, holds, identity
from sagac.runtime.plan import Binary, Constant, Expression, Input, Result, Wire

STATE: Final = "state"

Contents: TypeAlias = Mapping[str, Wire]
"""What a record holds: its fields, and its state as `state`."""


@dataclass(frozen=True, slots=True)
class Record:
    """Which record: the full name of its resource, and its key as texts that equal keys share."""

    resource: str
    key: tuple[str, ...]


Records: TypeAlias = Mapping[Record, Contents]

Nicknames: TypeAlias = Mapping[str, tuple[str, ...]]
"""What each uuid is called, this run's names first."""

OTHERS: Final = " of the other run"
"""Behind a name that is not this run's."""


@dataclass(frozen=True, slots=True)
class Row:
    """One act: what was called, what it met, and what it left."""

    act: Act
    call: str
    """The call with its values, `warehouse.reserve("a", 1)`."""
    refused: str
    """Why the service refuses it; empty where it takes effect."""
    before: Records
    after: Records
    """The same as before, where it is refused."""
    touched: Mapping[Record, str]
    """The records that the command is about, as the author writes them in its call: `Account[member]`."""
    captured: Contents
    """The results that it takes from records as they were before."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of the acts of a history; `otherwise` is the second order, where there is one."""

    before: Records
    rows: tuple[Row, ...]
    names: Mapping[Record, str]
    """How an author writes each record: `Stock["a"]`, `Payment[order_id]`."""
    otherwise: tuple[Row, ...] = ()

    @property
    def after(self) -> Records:
        """The records at the end."""
        return last(self.before, self.rows)

    @property
    def after_otherwise(self) -> Records:
        """The records at the end of the second order."""
        return last(self.before, self.otherwise)

    @property
    def refused(self) -> tuple[Act, ...]:
        """Who is refused."""
        return tuple(row.act for row in self.rows if row.refused)


def last(before: Records, rows: Sequence[Row]) -> Records:
    """The records after these rows."""
    return rows[-1].after if rows else before


def rehearse(history: History, project: Project) -> Rehearsal:
    """What comes of a history; raises `Unreplayable` where it leaves out what its acts read."""
    before = {record(project, each.resource, each.key): contents(project, each) for each in history.before}
    if len(before) < len(history.before):
        raise Unreplayable("one record is said to hold two things")
    rows = tuple(done_in_turn(history, project, before, history.acts))
    otherwise = tuple(done_in_turn(history, project, before, history.otherwise))
    return Rehearsal(before, rows, names(project, history, (*rows, *otherwise)), otherwise)


def same(project: Project, record: Record, one: Contents, two: Contents) -> bool:
    """A service cannot tell the two contents of a record apart."""
    return not differences(project, record, one, two)


def differences(project: Project, record: Record, one: Contents, two: Contents) -> tuple[str, ...]:
    """The fields, and the state, in which two contents of a record differ."""
    resource = project.resource(record.resource)
    found = [STATE] if resource.states and one[STATE] != two[STATE] else []
    return (*found, *(each.name for each in resource.fields if not alike(each.type, one, two, each.name)))


def alike(type: str, one: Contents, two: Contents, field: str) -> bool:
    return text(one[field], type) == text(two[field], type)


def text(value: Wire, type: str) -> str:
    """The text that equal values share, and others do not."""
    return repr(identity(Constant(value, type), View({}, {}, {})))


def lawful(project: Project, known: Records, keys: Mapping[Record, tuple[Wire, ...]]) -> bool:
    """Every record keeps the invariants of its resource, and is in one of its states."""
    for each, found in known.items():
        resource = project.resource(each.resource)
        given = {key.name: value for key, value in zip(resource.keys, keys[each], strict=True)}
        view = View(given, {"": dict(found)}, {})
        if resource.states and found[STATE] not in resource.states:
            return False
        if not all(is_true(guard.condition, view) for guard in resource.invariants):
            return False
    return True


def keys_of(project: Project, history: History) -> Mapping[Record, tuple[Wire, ...]]:
    """The keys of the records of a history, as they are written there."""
    return {record(project, each.resource, each.key): each.key for each in history.before}


def is_true(condition: Expression, view: View) -> bool:
    """A condition holds; not where it reads what is not there."""
    try:
        return holds(condition, view)
    except Unavailable:
        return False


# --- records -------------------------------------------------------------------------------------------------------


def record(project: Project, resource: str, key: Sequence[Wire]) -> Record:
    """Which record has this key."""
    keys = project.resource(resource).keys
    return Record(resource, tuple(text(value, each.type) for value, each in zip(key, keys, strict=True)))


def contents(project: Project, before: Before) -> Contents:
    """What a record holds when the story begins: every field, and the state where its resource has states."""
    resource = project.resource(before.resource)
    needed = [*(field.name for field in resource.fields), *([STATE] if resource.states else [])]
    missing = [field for field in needed if field not in before.fields]
    if missing:
        raise Unreplayable(f"nothing is said of `{resource.name}.{missing[0]}`")
    return {field: before.fields[field] for field in needed}


def names(project: Project, history: History, rows: Iterable[Row]) -> Mapping[Record, str]:
    """What each record is called: as the first call that is about it has it, else by its key."""
    known_as = nicknames(project, history.sides)
    found: dict[Record, str] = {}
    for row in rows:
        for each, words in row.touched.items():
            if each not in found and words not in found.values():
                found[each] = words
    for before in history.before:
        found.setdefault(record(project, before.resource, before.key), name(project, before, known_as))
    return found


def name(project: Project, before: Before, known_as: Nicknames) -> str:
    """A record by its key."""
    resource = project.resource(before.resource)
    keys = (readable(value, key.type, known_as) for value, key in zip(before.key, resource.keys, strict=True))
    return f"{resource.name}[{', '.join(keys)}]"


def nicknames(project: Project, sides: Sequence[Side]) -> Nicknames:
    """What a uuid is called: by the inputs that it is, since nobody can tell one from another."""
    found: dict[str, tuple[str, ...]] = {}
    for number, side in enumerate(sides):
        for given in saga_of(project, side).inputs:
            value = side.input.get(given.name)
            if given.type.removesuffix("?") == "uuid" and isinstance(value, str):
                words = f"{given.name}{OTHERS}" if number else given.name
                found[value.lower()] = (*found.get(value.lower(), ()), words)
    return found


def readable(value: Wire, type: str, known_as: Nicknames) -> str:
    """A value as an author would write it."""
    if type.removesuffix("?") == "uuid" and isinstance(value, str) and value.lower() in known_as:
        return known_as[value.lower()][0]
    return wording.value(value, type)


def is_own(project: Project, side: Side, record: Record) -> bool:
    """The record has the run's key where every record of its resource has it that the run's saga changes."""
    saga = saga_of(project, side)
    types = {given.name: given.type for given in saga.inputs}
    keys = tuple(keys_changed(project, saga, record.resource))
    for name in saga.key:
        places = [place for place in range(len(record.key)) if all(key[place] == name for key in keys)]
        if not keys or not places or record.key[places[0]] != text(side.input[name], types[name]):
            return False
    return True


def keys_changed(project: Project, saga: Saga, resource: str) -> Iterable[tuple[str, ...]]:
    """The keys of the records of a resource that a saga changes: each part by the input that it is, if it is one."""
    for step in saga.steps:
        for call in (step.call, *(handler.call for handler in step.handlers)):
            given = dict(call.arguments)
            for change in project.operation(call).changes:
                if change.resource == resource:
                    yield tuple(input_named(given, key) for key in change.keys)


def input_named(given: Mapping[str, Expression], key: Expression) -> str:
    """The input that a part of a key is; empty where it is something else."""
    argument = given.get(key.path[0]) if isinstance(key, Input) and len(key.path) == 1 else None
    return argument.path[0] if isinstance(argument, Input) and len(argument.path) == 1 else ""


# --- acts ----------------------------------------------------------------------------------------------------------


def done_in_turn(history: History, project: Project, before: Records, acts: Iterable[Act]) -> list[Row]:
    """The acts one after the other, each on what the one before it has left."""
    sides, known_as = list(history.sides), nicknames(project, history.sides)
    rows: list[Row] = []
    for act in acts:
        row = done(project, sides[act.side], last(before, rows), act, known_as)
        rows.append(row)
        if act.undo is None and not row.refused and row.captured:
            sides[act.side] = with_results(sides[act.side], act.step, row.captured)
    return rows


def with_results(side: Side, step: str, captured: Contents) -> Side:
    """The run, whose step has returned what it found."""
    known = side.results.get(step)
    result: Wire = {**(known if isinstance(known, dict) else {}), **captured}
    return replace(side, results={**side.results, step: result})


def done(project: Project, side: Side, before: Records, act: Act, known_as: Nicknames) -> Row:
    """One command on the records as they are: refused, or all of its changes at once."""
    call = call_of(project, side, act)
    operation = project.operation(call)
    given = arguments(call, operation, side)
    words = spelled(call, operation, given, known_as, act.side)
    found = [(change, touched(project, before, change, given)) for change in operation.changes]
    refusals = [
        why
        for change, each in found
        for why in refusing(project.resource(change.resource), change, before[each], given)
    ]
    after, captured = (before, {}) if refusals else changed(project, before, found, given)
    return Row(
        act, written(call, operation, words), "".join(refusals[:1]), before, after,
        {each: titled(project, change, given, words) for change, each in found}, captured,
    )  # fmt: skip


def saga_of(project: Project, side: Side) -> Saga:
    """The saga of a run."""
    return next(saga for saga in project.sagas if saga.full_name == side.saga)


def step_of(project: Project, side: Side, act: Act) -> Step:
    """The step of an act."""
    return next(step for step in saga_of(project, side).steps if step.name == act.step)


def call_of(project: Project, side: Side, act: Act) -> Call:
    """What an act calls."""
    step = step_of(project, side, act)
    return step.call if act.undo is None else step.handlers[act.undo].call


def arguments(call: Call, operation: Operation, side: Side) -> Mapping[str, Wire]:
    """The values of a call, by parameter."""
    view = View(side.input, side.results, {})
    try:
        return {parameter: evaluate(given, view) for parameter, given in call.arguments}
    except Unavailable as missing:
        raise Unreplayable(f"`{call.service}.{operation.name}` reads what is not there: {missing}") from None


def written(call: Call, operation: Operation, words: Mapping[str, str]) -> str:
    """A call with these words for its arguments."""
    return f"{wording.operation(planner.called(call))}({', '.join(words[each.name] for each in operation.parameters)})"


def spelled(
    call: Call, operation: Operation, given: Mapping[str, Wire], known_as: Nicknames, number: int
) -> Mapping[str, str]:
    """The arguments of a call by parameter: a uuid as the author has written it, anything else by its value."""
    sent = dict(call.arguments)
    return {
        each.name: uuid_of(sent[each.name], given[each.name], known_as, number)
        if each.type.removesuffix("?") == "uuid"
        else readable(given[each.name], each.type, known_as)
        for each in operation.parameters
    }


def uuid_of(argument: Expression, value: Wire, known_as: Nicknames, number: int) -> str:
    """A uuid in the author's words; of another run, in those of this run where both mean the same one."""
    if not isinstance(argument, Input | Result) or not isinstance(value, str):
        return readable(value, "uuid", known_as)
    words = wording.expression(argument)
    ours = [each for each in known_as.get(value.lower(), ()) if not each.endswith(OTHERS)]
    if number == 0 or words in ours:
        return words
    return ours[0] if ours else f"{words}{OTHERS}"


def titled(project: Project, change: Change, given: Mapping[str, Wire], words: Mapping[str, str]) -> str:
    """The record that a change is of, as the call has it."""
    resource, view = project.resource(change.resource), View(given, {}, {})
    keys = (
        words[key.path[0]]
        if isinstance(key, Input) and len(key.path) == 1
        else readable(evaluate(key, view), declared.type, {})
        for key, declared in zip(change.keys, resource.keys, strict=True)
    )
    return f"{resource.name}[{', '.join(keys)}]"


def touched(project: Project, before: Records, change: Change, given: Mapping[str, Wire]) -> Record:
    """The record that a change is of."""
    view = View(given, {}, {})
    try:
        key = tuple(evaluate(each, view) for each in change.keys)
    except Unavailable as missing:
        raise Unreplayable(f"the key of a record reads what is not there: {missing}") from None
    found = record(project, change.resource, key)
    if found not in before:
        raise Unreplayable(f"nothing is said of a record of `{project.resource(change.resource).name}`")
    return found


def refusing(resource: Resource, change: Change, before: Contents, given: Mapping[str, Wire]) -> Iterable[str]:
    """Why the service refuses the change."""
    if change.source and before[STATE] != change.source:
        yield f"`{resource.name}` is `{before[STATE]}`, not `{change.source}`"
    view = View(given, {"": dict(before)}, {})
    for guard in change.requires:
        if not is_true(guard.condition, view):
            yield f"`{wording.expression(guard.condition)}` does not hold"


def changed(
    project: Project, before: Records, found: Iterable[tuple[Change, Record]], given: Mapping[str, Wire]
) -> tuple[Records, Contents]:
    """All changes of a command at once, and the results that they take from the records as they were."""
    after: dict[Record, Contents] = dict(before)
    captured: dict[str, Wire] = {}
    for change, each in found:
        resource, old = project.resource(change.resource), before[each]
        new = dict(after[each])
        if change.target:
            new[STATE] = change.target
        for assignment in change.assignments:
            new[assignment.field] = assigned(resource, assignment, old, new[assignment.field], given)
        captured |= {one.result: old[one.field] for one in change.yields}
        after[each] = new
    return after, captured


def assigned(resource: Resource, assignment: Assignment, old: Contents, value: Wire, given: Mapping[str, Wire]) -> Wire:
    """What a field holds after an assignment; its expression reads the record as it was before the command."""
    kind = next(field.type for field in resource.fields if field.name == assignment.field)
    view = View(given, {"": dict(old)}, {})
    try:
        operand = evaluate(assignment.value, view)
        match assignment.operator:
            case ":=":
                return operand
            case "+=":
                return evaluate(Binary("+", Constant(value, kind), Constant(operand, kind)), view)
            case "-=":
                return evaluate(Binary("-", Constant(value, kind), Constant(operand, kind)), view)
    except Unavailable as missing:
        raise Unreplayable(
            f"`{resource.name}.{assignment.field}` is computed of what is not there: {missing}"
        ) from None


# --- as a table ----------------------------------------------------------------------------------------------------


def table(rehearsal: Rehearsal, project: Project, sides: Sequence[str]) -> tuple[str, ...]:
    """The story line by line: what stands at first, who does what, and what the records it is about hold then."""
    shown = tuple(dict.fromkeys(each for row in (*rehearsal.rows, *rehearsal.otherwise) for each in row.touched))
    first = [("before", "", each) for each in held(rehearsal, project, shown, rehearsal.before)]
    lines = [*first, *(line for row in rehearsal.rows for line in told(rehearsal, project, sides, row))]
    if rehearsal.otherwise:
        is_part = (
            len(rehearsal.otherwise) < len(rehearsal.rows) and rehearsal.otherwise[-1].act == rehearsal.rows[-1].act
        )
        lines += [("without it" if is_part else "the other way round", "", ""), *first]
        lines += [line for row in rehearsal.otherwise for line in told(rehearsal, project, sides, row)]
    return laid_out(lines)


def laid_out(lines: Sequence[tuple[str, str, str]]) -> tuple[str, ...]:
    """Lines of three columns."""
    widths = [max((len(line[place]) for line in lines if line[2]), default=0) for place in (0, 1)]
    return tuple("  ".join((f"{line[0]:<{widths[0]}}", f"{line[1]:<{widths[1]}}", line[2])).rstrip() for line in lines)


def told(rehearsal: Rehearsal, project: Project, sides: Sequence[str], row: Row) -> list[tuple[str, str, str]]:
    """An act, and what it leaves."""
    who = f"{sides[row.act.side]}: " if len(sides) > 1 else ""
    what = f"{who}{'' if row.act.undo is None else 'undo '}{row.act.step}"
    if row.refused:
        return [(what, row.call, f"refused: {row.refused}")]
    left = held(rehearsal, project, row.touched, row.after) or ["nothing changes"]
    return [(what, row.call, left[0]), *(("", "", each) for each in left[1:])]


def held(rehearsal: Rehearsal, project: Project, shown: Iterable[Record], known: Records) -> list[str]:
    """What these records hold."""
    return [f"{rehearsal.names[each]}: {listed(project, each, known[each])}" for each in shown]


def listed(project: Project, record: Record, known: Contents) -> str:
    """`authorized, amount 3`: the state and the fields of a record."""
    resource = project.resource(record.resource)
    state = [f"{known[STATE]}"] if resource.states else []
    fields = [f"{field.name} {wording.value(known[field.name], field.type)}" for field in resource.fields]
    return ", ".join((*state, *fields)) or "nothing"

"""F and B7, what a saga ensures of records, at an end of a run or at all times; compared with before: conservation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagac.compiler import actions, courses, encoding, logic, records, silence, terms, wording
from sagac.compiler.courses import Course, Stage, TooLongError
from sagac.compiler.encoding import Encoded
from sagac.compiler.logic import Term, Value, both, either, equal, negation
from sagac.compiler.model import Ensure, RecordReading, Resource
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Obligation, Premise, Settled
from sagac.compiler.records import STATE, Cells, Place, World
from sagac.compiler.terms import TRUE
from sagac.compiler.verdicts import Claim, Family, Refuted, Undecided
from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Result, Unary

WHEN: Mapping[str, str] = {"completed": "at completion", "compensated": "after a rollback", "always": "at all times"}

CLEAN = Input(("clean",), "bool")


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each `ensure`; for `clean` and for the rest of one apart."""
    return tuple(kept(stage, ensure, part) for ensure in stage.saga.ensures for part in conjuncts(stage, ensure))


def conjuncts(stage: Stage, ensure: Ensure) -> tuple[Expression, ...]:
    """What is ensured, with `clean` apart from the rest: it is about every record that the run touches."""
    parts = tuple(flat(ensure.condition))
    rest = [part for part in parts if not is_clean(stage, part)]
    clean = [part for part in parts if is_clean(stage, part)][:1]
    return (*([joined(rest)] if rest else []), *clean)


def flat(condition: Expression) -> Iterator[Expression]:
    if isinstance(condition, Binary) and condition.operator == "and":
        yield from flat(condition.left)
        yield from flat(condition.right)
    else:
        yield condition


def joined(parts: list[Expression]) -> Expression:
    first, *others = parts
    for other in others:
        first = Binary("and", first, other)
    return first


def is_clean(stage: Stage, condition: Expression) -> bool:
    """The word `clean`, where no input has that name."""
    return condition == CLEAN and all(given.name != "clean" for given in stage.saga.inputs)


def kept(stage: Stage, ensure: Ensure, condition: Expression) -> Obligation:
    """The condition holds at its moment, whatever a run does before."""
    said = text(ensure, condition)
    family: Family = "B7" if ensure.conserves else "F"
    claim = Claim(family, stage.saga.full_name, "", f"{WHEN[ensure.at]}, `{said}`", ensure.span)
    undeclared = silent(stage, ensure, everything=condition == CLEAN)
    if condition == CLEAN:
        return Kept(claim, lambda: unclean(stage, ensure), rests_on=undeclared)
    places = tuple(place_of(stage, reading) for reading in ensure.records)
    try:
        breach = broken(stage, ensure, condition, places, ())
    except TooLongError as reason:
        return Settled(claim, Undecided(str(reason)))
    further = courses.beyond(stage, places)
    if not further:
        return Kept(claim, lambda: iter((breach,)), rests_on=undeclared)
    form = Form(breach.premises, breach.broken)
    exactly = General(form, lambda: iter((broken(stage, ensure, condition, places, further),)))
    return Kept(claim, lambda: iter((exactly,)), rests_on=undeclared)


def silent(stage: Stage, ensure: Ensure, *, everything: bool) -> tuple[str, ...]:
    """What is supposed of commands whose contracts say nothing of what they change, where that could matter."""
    services = {reading.resource.rpartition(".")[0] for reading in ensure.records}
    found = silence.promises(stage.project)
    return tuple(text for service, texts in found.items() if everything or service in services for text in texts)


# --- a condition over named records --------------------------------------------------------------------------------


def broken(
    stage: Stage, ensure: Ensure, condition: Expression, places: tuple[Place, ...], further: tuple[Place, ...]
) -> Breach:
    """The condition is false at its moment; `further` are other places that the course goes through too."""
    said = text(ensure, condition)
    course = courses.of(stage, (*places, *further), ensure.at)
    known = encoding.begin(stage.saga, places=cells_read(ensure, places, course.before, course.after))
    # Where a run has completed, whether a step is done is what its guard says; elsewhere nothing may ask.
    fails = negation(encoding.formula(known, terms.lower(condition, stage.conditions.status)))
    typed = (Premise(term, "a value is one of its type") for term in encoding.facts(known, fails))
    held = () if ensure.at != "always" else held_before(stage, ensure, condition, places, course, said)
    premises = (*courses.about(stage, fails), *typed, *course.premises, *held)
    return Breach(premises, fails, lambda values: told(stage, ensure, course, values, said))


def place_of(stage: Stage, reading: RecordReading) -> Place:
    """The record that `R[k]` names."""
    return Place(reading.resource, tuple(actions.part(stage.deeds.encoding, key) for key in reading.keys))


def held_before(
    stage: Stage, ensure: Ensure, condition: Expression, places: tuple[Place, ...], course: Course, said: str
) -> Iterator[Premise]:
    """What other runs did to shared records before is not this run's doing."""
    if not all(actions.is_own(stage.deeds, place) for place in places):
        known = encoding.begin(stage.saga, places=cells_read(ensure, places, course.before, course.before))
        holds = encoding.condition(known, condition)
        yield Premise(holds, "it holds when the run starts", ensure.span, f"`{said}` holds when a run starts")


def cells_read(ensure: Ensure, places: tuple[Place, ...], before: World, after: World) -> dict[Input | Result, Encoded]:
    """What the condition reads of each record: now, or as it was when the run started."""
    found: dict[Input | Result, Encoded] = {}
    for number, (reading, place) in enumerate(zip(ensure.records, places, strict=True)):
        cells = (before if reading.old else after)[place]
        for leaf in terms.leaves(ensure.condition):
            if isinstance(leaf, Result) and leaf.step == f"record {number}":
                found[leaf] = cells[leaf.path[0]]
    return found


def told(stage: Stage, ensure: Ensure, course: Course, values: Mapping[str, Value], said: str) -> Refuted:
    return Refuted(
        courses.history(stage, course, values),
        f"`{said}` does not hold {WHEN[ensure.at]} in every run",
        help=advice(ensure),
    )


def advice(ensure: Ensure) -> tuple[str, ...]:
    match ensure.at:
        case "completed":
            return ("add the step that brings it about, or take its `when` away", "or ensure what really holds then")
        case "compensated":
            return ("let the undo of the last act below restore it", "or ensure what really holds then")
        case "always":
            return ("order the steps so that what it needs comes first: `after …`", "or ensure what really holds then")


def text(ensure: Ensure, condition: Expression) -> str:
    """The condition as its author wrote it."""
    return wording.expression(as_written(ensure, condition))


def as_written(ensure: Ensure, condition: Expression) -> Expression:
    """The condition with `R[k]` in the place of its records, and the names of states as names."""
    match condition:
        case Result() if condition.step.startswith("record "):
            return name(ensure.records[int(condition.step.removeprefix("record "))], condition.path)
        case Binary(left=Result(path=path), right=Constant(value=str())) if path == (STATE,):
            return Binary(condition.operator, as_written(ensure, condition.left), bare(condition.right))
        case Binary(left=Result(path=path), right=Items(items=items)) if path == (STATE,):
            members = Items(tuple(map(bare, items)))
            return Binary(condition.operator, as_written(ensure, condition.left), members)
        case Binary():
            left, right = as_written(ensure, condition.left), as_written(ensure, condition.right)
            return Binary(condition.operator, left, right)
        case Unary():
            return Unary(condition.operator, as_written(ensure, condition.operand))
        case _:
            return condition


def name(record: RecordReading, path: tuple[str, ...]) -> Expression:
    """`Stock[sku].held`, `old(Stock[sku].held)`; its state is the record itself."""
    keys = ", ".join(map(wording.expression, record.keys))
    shown = f"{record.resource.rpartition('.')[2]}[{keys}]" + ("" if path == (STATE,) else f".{'.'.join(path)}")
    return Input((f"old({shown})" if record.old else shown,), "")


def bare(constant: Expression) -> Expression:
    return Input((str(constant.value),), "") if isinstance(constant, Constant) else constant


# --- clean ---------------------------------------------------------------------------------------------------------


def unclean(stage: Stage, ensure: Ensure) -> Iterator[Breach]:
    """For each record that the run changes: it is neither clean nor as before when the run has turned back."""
    seen: set[object] = set()
    for place, steps in writers(stage).items():
        alike = likeness(stage, steps)
        if alike is None or alike not in seen:
            seen.add(alike)
            yield left(stage, ensure, place, frozenset(steps))


def likeness(stage: Stage, steps: tuple[str, ...]) -> object:
    """What a step that nothing but its own effect decides about has in common with others; nothing for other steps.

    Such a step has no guard, nor have its undos, no `when … else fail` goes before it, and no pivot does.
    """
    if len(steps) > 1:
        return None
    step = stage.steps[steps[0]]
    is_plain = step.guard is None and all(handler.guard is None for handler in step.handlers)
    behind = any(pivot == step.name or stage.graph.precedes(pivot, step.name) for pivot in stage.conditions.pivots)
    if not is_plain or behind or stage.conditions.enabled[step.name] != TRUE:
        return None
    every = (stage.deeds.does[step.name], *stage.deeds.undoes[step.name])
    return tuple(
        (action.shape, actions.is_own(stage.deeds, effect.place)) for action in every for effect in action.effects
    )


def writers(stage: Stage) -> dict[Place, tuple[str, ...]]:
    """The steps that change each record, in the graph's order."""
    found: dict[Place, dict[str, None]] = {}
    for name in stage.graph.order:
        for action in (stage.deeds.does[name], *stage.deeds.undoes[name]):
            for effect in action.effects:
                found.setdefault(effect.place, {})[name] = None
    return {place: tuple(names) for place, names in found.items()}


def left(stage: Stage, ensure: Ensure, place: Place, steps: frozenset[str]) -> Breach:
    """This record is left behind."""
    resource = stage.project.resource(place.resource)
    course = courses.of(stage, (place,), ensure.at, only=steps)
    dirty = negation(restored(stage, resource, place, course))
    name = f"{resource.name}[…]"
    last = next(step for step in reversed(stage.graph.order) if step in steps)

    def tell(values: Mapping[str, Value]) -> Refuted:
        return Refuted(
            courses.history(stage, course, values, subject=last),
            f"`{name}` is not clean {WHEN[ensure.at]}: what `{last}` did to it may stay",
            resource.span,
            "this is the record",
            (f"undo it in `{last}`: `compensate …`", "or name the state as one that may stay: `clean …`"),
        )

    return Breach(course.premises, dirty, tell)


def restored(stage: Stage, resource: Resource, place: Place, course: Course) -> Term:
    """The record is in a clean state, or as it was; in a shared one the fields are as they were."""
    before, after = course.before[place], course.after[place]
    fields = both(*(records.same_value(before[field.name], after[field.name]) for field in resource.fields))
    if not resource.states:
        return fields
    unmoved = equal(records.value_of(before[STATE]), records.value_of(after[STATE]))
    clean = is_one_of(after, tuple(sorted(resource.clean)))
    if actions.is_own(stage.deeds, place):
        return either(clean, both(unmoved, fields))
    return both(either(clean, unmoved), fields)


def is_one_of(cells: Cells, states: tuple[str, ...]) -> Term:
    return logic.one_of(records.value_of(cells[STATE]), states)

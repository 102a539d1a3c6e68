"""B1, inverses: an undo right after its step leaves the records as they were, or in a state that is declared clean.

With B2 (unordered steps commute) this carries over to whole rollbacks, in any order that R7 allows. Of a record that
the run owns, fields do not matter once it is in a clean state (settled question 8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from sagac.compiler import actions, courses, encoding, histories, logic, planner, records, wording
from sagac.compiler.actions import Action, Deeds
from sagac.compiler.courses import Stage
from sagac.compiler.logic import Term, Value, both, either, negation
from sagac.compiler.model import Assignment, Call, Change, Handler, Project, Resource, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.obligation import Breach, Kept, Obligation, Premise, Settled
from sagac.compiler.records import STATE, Place, World
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Act, Assumed, Claim, History, Refuted, Undecided

TOGETHER_MAX = 4
"""So many steps may leave their undo to one other step."""

SHALLOW = "what is added is taken away again from a field that nothing bounds"


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each undo that some run may need."""
    return tuple(obligation for step in stage.saga.steps for obligation in of_step(stage, step))


def of_step(stage: Stage, step: Step) -> Iterator[Obligation]:
    """A claim for each undo of a step, or for each undo of the step that it leaves its undo to."""
    if stage.project.operation(step.call).kind != "command" or not may_turn(stage, step.name):
        return
    for number in range(len(step.handlers)):
        yield inverse(stage, step, step, number, ((step,),))
    if step.remainder is not None and step.remainder.kind == "undone by" and step.remainder.step in stage.steps:
        yield from together(stage, step, stage.steps[step.remainder.step])


def may_turn(stage: Stage, step: str) -> bool:
    """Some run may turn back with the step done."""
    return next(turning.ways(stage.project, stage.graph, stage.conditions, step)(), None) is not None


def together(stage: Stage, step: Step, other: Step) -> Iterator[Obligation]:
    """The undo of another step takes back what both did, whoever else leaves its undo to that one."""
    beside = [
        each
        for each in stage.saga.steps
        if each.remainder is not None and each.remainder.step == other.name and each.name != step.name
    ]
    for number, handler in enumerate(other.handlers):
        if len(beside) >= TOGETHER_MAX:
            why = f"more than {TOGETHER_MAX} steps leave their undo to `{other.name}`"
            yield Settled(claimed(stage, step, handler), Undecided(why))
        else:
            sets = (chosen for count in range(len(beside) + 1) for chosen in combinations(beside, count))
            yield inverse(stage, step, other, number, tuple(in_order(stage, (other, step, *chosen)) for chosen in sets))


def in_order(stage: Stage, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps in the graph's order."""
    return tuple(sorted(steps, key=lambda each: stage.graph.number[each.name]))


def claimed(stage: Stage, step: Step, handler: Handler) -> Claim:
    """What is claimed of an undo."""
    text = f"`{named(handler.call)}` restores what `{step.name}` changes"
    return Claim("B1", stage.saga.full_name, step.name, text, handler.span)


def named(call: Call) -> str:
    """A command as the author writes it."""
    return wording.operation(planner.called(call))


def inverse(stage: Stage, step: Step, of: Step, number: int, runs: tuple[tuple[Step, ...], ...]) -> Obligation:
    """The claim for one undo of the step `of`, in each of these runs of steps that it has to take back."""
    handler = of.handlers[number]
    claim = claimed(stage, step, handler)
    calls = (*(each.call for run in runs for each in run), handler.call)
    silent = tuple(dict.fromkeys(named(call) for call in calls if not stage.project.operation(call).changes))
    if silent:
        return Settled(claim, Assumed((undeclared(named(handler.call), named(step.call), silent),)))
    deeds = tuple(Deed(stage, step, of, number, handler, run) for run in runs)
    return Kept(
        claim,
        lambda: (breach for deed in deeds for breach in breaches(deed)),
        shallow=SHALLOW if all(map(is_shallow, deeds)) else "",
        rests_on=tuple(
            dict.fromkeys(f"`{named(call)}` does what its `changes` say, and nothing else" for call in calls)
        ),
        shape=" then ".join(map(shape, deeds)),
    )


def undeclared(undo: str, do: str, silent: tuple[str, ...]) -> str:
    """What is assumed where a contract says nothing of an effect."""
    if {undo, do} <= set(silent):
        return f"`{undo}` restores what `{do}` changes, of which nothing is declared"
    return f"`{undo}` restores what `{do}` changes: no `changes` of {wording.listing(silent)} are declared"


# --- the question --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deed:
    """Steps that are done, and the undo that takes them back."""

    stage: Stage
    step: Step
    """The step that the claim is about."""
    of: Step
    """The step whose undo it is."""
    number: int
    handler: Handler
    done: tuple[Step, ...]

    @property
    def deeds(self) -> Deeds:
        """The actions of the saga."""
        return self.stage.deeds

    @property
    def undo(self) -> Action:
        """What the undo does."""
        return self.deeds.undoes[self.of.name][self.number]

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that is done, in order; the undo last."""
        return (*(self.deeds.does[each.name] for each in self.done), self.undo)


def breaches(deed: Deed) -> Iterator[Breach]:
    """The service refuses the undo; or a record is not as it was."""
    project = deed.stage.project
    places = tuple(dict.fromkeys(effect.place for action in deed.actions for effect in action.effects))
    world = before = records.begun(project, places)
    premises = [*beginning(project, before), *untouched(deed, before)]
    for action in deed.actions[:-1]:
        came = records.applied(project, world, action.effects, "this run")
        premises.append(Premise(both(came.enabled, came.known), f"the service accepts `{action.step}`", action.span))
        premises += captured(action, came)
        world = came.world
    undone = records.applied(project, world, deed.undo.effects, "this run")
    premises += facts(deed)
    premises += uncommitted(deed)
    premises += typed(deed, (*(premise.term for premise in premises), *keys(places)))
    known = tuple(premises)
    yield Breach(
        known, negation(undone.enabled), told(deed, before, undone.world, refused(deed)), sent=sent(deed, before)
    )
    if deed.handler.mitigates and deed.step is deed.of:
        return
    expected = without(deed, before) if is_beside_mitigation(deed) else before
    accepted = Premise(undone.enabled, f"the service accepts `{named(deed.handler.call)}`")
    for place in places:
        broken = negation(restored(deed, expected, undone.world, place))
        tell = told(deed, before, undone.world, differs(deed, expected, undone.world, place))
        yield Breach((*known, accepted), broken, tell, sent=sent(deed, before))


def is_beside_mitigation(deed: Deed) -> bool:
    """The step leaves its undo to one that need not restore what the other step has changed."""
    return deed.handler.mitigates and deed.step is not deed.of


def without(deed: Deed, before: World) -> World:
    """The records if the step had never been: what its mitigated undo takes back of others may stay different."""
    world = before
    for action in (*(deed.deeds.does[each.name] for each in deed.done if each is not deed.step), deed.undo):
        world = records.applied(deed.stage.project, world, action.effects, "this run").world
    return world


def beginning(project: Project, before: World) -> Iterator[Premise]:
    """How records stand before the step."""
    yield Premise(records.lawful(project, before), "one record has one content")
    for place in before:
        resource = project.resource(place.resource)
        keeps = records.invariant(project, before, place)
        if keeps != logic.TRUE:
            yield Premise(keeps, f"`{resource.name}` keeps its invariants", resource.invariants[0].span)
    shares = records.shares(project, before)
    if shares != logic.TRUE:
        yield Premise(shares, "what is held is at least what this run and the others hold")


def untouched(deed: Deed, before: World) -> Iterator[Premise]:
    """A record that the run owns, and that none of its other steps changes, is in its initial state."""
    stage = deed.stage
    for place in alone(deed, before):
        resource = stage.project.resource(place.resource)
        promise = f"`{resource.name}` is in its initial state when a run starts"
        yield Premise(
            courses.initial(stage, before, place),
            f"`{resource.name}` is the run's own record",
            resource.span,
            promise if place.resource in stage.foreign else "",
        )


def alone(deed: Deed, places: Iterable[Place]) -> tuple[Place, ...]:
    """The records that the run owns and that only these steps change."""
    names = {each.name for each in deed.done}
    return tuple(
        place for place in places if actions.is_own(deed.deeds, place) and courses.near(deed.stage, place) <= names
    )


def captured(action: Action, came: records.Applied) -> Iterator[Premise]:
    """The results that a step takes from records are what they held."""
    for name, cell in came.captured.items():
        if name in action.yields:
            term = records.same_value(action.yields[name], cell)
            yield Premise(term, f"`{action.step}.{name}` is what the record held", action.span)


def facts(deed: Deed) -> Iterator[Premise]:
    """What the run knows when it does all this, each fact once."""
    yield from {id(each.term): each for action in deed.actions for each in action.facts}.values()


def sent(deed: Deed, before: World) -> Callable[[], tuple[Premise, ...]]:
    """What is true of the runs that do all this."""

    def found() -> tuple[Premise, ...]:
        steps = (premise for each in deed.done for premise in courses.sent(deed.stage, each.name))
        made = courses.reached(deed.stage, before, deed.of.name) if len(deed.done) == 1 else ()
        return (*steps, *courses.sent(deed.stage, deed.of.name, deed.number), *made)

    return found


def uncommitted(deed: Deed) -> Iterator[Premise]:
    """A run that turns back has skipped the pivots that it has passed."""
    conditions = deed.stage.conditions
    for pivot in conditions.pivots:
        if any(deed.stage.graph.precedes(pivot, each.name) for each in deed.done):
            term = encoding.formula(deed.deeds.encoding, conditions.skipped(pivot))
            yield Premise(term, f"a run that turns back has skipped `{pivot}`", deed.stage.steps[pivot].name_span)


def typed(deed: Deed, terms: Sequence[Term]) -> Iterator[Premise]:
    """A member of an enum is one of its members."""
    for term in encoding.facts(deed.deeds.encoding, *terms):
        yield Premise(term, "a value is one of its type")


def keys(places: Iterable[Place]) -> Iterator[Term]:
    return (key for place in places for key in place.keys)


def restored(deed: Deed, before: World, after: World, place: Place) -> Term:
    """The record is as before, or ends clean: with the fields that it had, where it is not the run's own."""
    resource = deed.stage.project.resource(place.resource)
    fields = both(*(records.same_value(before[place][each.name], after[place][each.name]) for each in resource.fields))
    if not resource.states:
        return fields
    as_before = both(fields, records.same_value(before[place][STATE], after[place][STATE]))
    is_clean = logic.one_of(records.value_of(after[place][STATE]), tuple(sorted(resource.clean)))
    return either(as_before, is_clean if actions.is_own(deed.deeds, place) else both(is_clean, fields))


# --- what is said --------------------------------------------------------------------------------------------------


Saying = Callable[[Mapping[str, Value]], Refuted]


def told(deed: Deed, before: World, after: World, saying: Callable[[History, Mapping[str, Value]], Refuted]) -> Saying:
    """The refutation as the story of one run: the steps, and then the undo."""

    def tell(values: Mapping[str, Value]) -> Refuted:
        acts = (*(Act(0, each.name) for each in deed.done), Act(0, deed.of.name, deed.number))
        known = histories.completed(values, *keys(before))
        sides = (histories.side(deed.deeds, known),)
        records_before = histories.before(deed.stage.project, before, known)
        rest = tuple(act for act in acts if act.step != deed.step.name) if is_beside_mitigation(deed) else ()
        history = History(sides, records_before, acts, rest, subject=deed.step.name)
        return saying(history, known)

    return tell


def refused(deed: Deed) -> Callable[[History, Mapping[str, Value]], Refuted]:
    """The service can refuse the undo."""

    def saying(history: History, values: Mapping[str, Value]) -> Refuted:
        return Refuted(
            history,
            f"`{named(deed.handler.call)}` can be refused right after `{deed.step.name}`, whose undo it is",
            changes_span(deed, deed.handler.call),
            "what it needs",
            (f"let `{named(deed.handler.call)}` need no more than what `{named(deed.step.call)}` leaves",),
        )

    return saying


def differs(deed: Deed, before: World, after: World, place: Place) -> Callable[[History, Mapping[str, Value]], Refuted]:
    """The record is not as it was."""

    def saying(history: History, values: Mapping[str, Value]) -> Refuted:
        resource = deed.stage.project.resource(place.resource)
        found = different(resource, before, after, place, values)
        told = wording.listing([f"{resource.name}.{field}" for field in found])
        return Refuted(
            history,
            f"undoing `{deed.step.name}` does not restore {told}",
            changes_span(deed, deed.step.call),
            "what it undoes",
            tuple(repairs(deed, place, found)),
        )

    return saying


def different(
    resource: Resource, before: World, after: World, place: Place, values: Mapping[str, Value]
) -> tuple[str, ...]:
    """The state and the fields that are not as they were, with these values."""
    left = histories.come_to(records.value_of(after[place][STATE]), values) if resource.states else ""
    is_clean = left in resource.clean
    names = (*((STATE,) if resource.states and not is_clean else ()), *(field.name for field in resource.fields))
    return tuple(
        name
        for name in names
        if histories.come_to(records.same_value(before[place][name], after[place][name]), values) is not True
    )


def repairs(deed: Deed, place: Place, found: Sequence[str]) -> Iterator[str]:
    """What to write: that the end is a fine one, what undoes each field, or the word for what cannot be restored."""
    undo = named(deed.handler.call)
    changes = [
        change for change in deed.stage.project.operation(deed.step.call).changes if change.resource == place.resource
    ]
    fine = tuple(may_be_clean(deed, place)) if STATE in found else ()
    back = [
        line
        for change in changes
        for line in (
            *(repair(deed, change, each) for each in change.assignments if each.field in found),
            *leading_back(undo, change, found),
        )
    ]
    yield from fine
    yield from (f"or {line}" if number == 0 and fine else line for number, line in enumerate(back))
    if is_beside_mitigation(deed):
        yield f"or give `{deed.step.name}` an undo of its own: that of `{deed.of.name}` only mitigates"
    else:
        yield f'or write `mitigate {undo}(…) because "…"`: what stays different is then reported as residue'


def leading_back(undo: str, change: Change, found: Sequence[str]) -> Iterator[str]:
    """The state that the undo has to lead back to."""
    if change.source and STATE in found:
        yield f"let `{undo}` lead back: `{change.target} -> {change.source}`"


def may_be_clean(deed: Deed, place: Place) -> Iterator[str]:
    """What to declare where the state that the undo leaves is a fine end."""
    resource = deed.stage.project.resource(place.resource)
    for change in deed.stage.project.operation(deed.handler.call).changes:
        if change.resource == place.resource and change.target and change.target not in resource.clean:
            states = [state for state in resource.states if state in resource.clean or state == change.target]
            yield f"say that a rolled back run may leave it so: `clean {', '.join(states)}` in `{resource.name}`"


def repair(deed: Deed, change: Change, assignment: Assignment) -> str:
    """What the undo has to do about a field."""
    undo, do, field = named(deed.handler.call), named(deed.step.call), assignment.field
    if assignment.operator != ":=":
        back = "-=" if assignment.operator == "+=" else "+="
        return f"let `{undo}` take back just what `{do}` does: `{field} {back} {wording.expression(assignment.value)}`"
    told = next((each.result for each in change.yields if each.field == field), None)
    if told is not None:
        return f"let `{undo}` write back what the step itself has found: `{deed.step.name}.{told}`"
    return f"let `{do}` say what it found, `yields old = {field}`, and `{undo}` write it back, `{field} := old`"


def changes_span(deed: Deed, call: Call) -> Span:
    return deed.stage.project.operation(call).changes[0].span


# --- how much it says ----------------------------------------------------------------------------------------------


def is_shallow(deed: Deed) -> bool:
    """All is `+=` and `-=` on fields that no invariant, `requires` or hold speaks of: arithmetic alone proves it."""
    return all(
        not effect.change.source
        and not effect.requires
        and all(
            setting.operator != ":="
            and not setting.held
            and not is_bounded(deed.stage.project, effect.place, setting.field)
            for setting in effect.settings
        )
        for action in deed.actions
        for effect in action.effects
    )


def is_bounded(project: Project, place: Place, field: str) -> bool:
    """An invariant of the resource reads the field."""
    resource = project.resource(place.resource)
    slots = records.slots(project, resource)
    mine = {
        symbol
        for leaf, cell in slots.items()
        if leaf.path == (field,)
        for symbol in logic.symbols(records.value_of(cell))
    }
    world = records.begun(project, (place,))
    cell = set(logic.symbols(records.value_of(world[place][field])))
    return bool((mine | cell) & set(logic.symbols(records.invariant(project, world, place))))


# --- shapes --------------------------------------------------------------------------------------------------------


def shape(deed: Deed) -> str:
    """Deeds of one shape are one question, whatever their values are called."""
    roots: list[Term] = []
    for action in deed.actions:
        roots += actions.all_terms(action.effects)
        roots += (fact.term for fact in action.facts)
        for cell in action.yields.values():
            roots += (term for term in (cell.value, cell.present) if term is not None)
    roots += (premise.term for premise in uncommitted(deed))
    roots += encoding.facts(deed.deeds.encoding, *roots)
    flags = [
        (
            action.command,
            action.undo is not None,
            [(effect.owned, [each.backed for each in effect.settings]) for effect in action.effects],
        )
        for action in deed.actions
    ]
    fresh = [
        place.resource
        for place in alone(deed, dict.fromkeys(effect.place for each in deed.actions for effect in each.effects))
    ]
    which = deed.done.index(deed.step) if is_beside_mitigation(deed) else -1
    return f"B1 {deed.handler.mitigates} {which} {fresh} {flags} {actions.text((*roots, *deed.deeds.run_key))}"

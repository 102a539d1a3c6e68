"""Every action of every saga, as what it does to records: the do of each step and each of its undos.

An action is an instance of a command's contract: the arguments of the call stand in the places of its parameters, and
it comes with what its run knows whenever it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, TypeAlias, assert_never

from sagac.compiler import encoding, logic, records, terms, wording
from sagac.compiler.encoding import Encoded, Encoding
from sagac.compiler.graph import Graph
from sagac.compiler.logic import Symbol, Term
from sagac.compiler.model import Call, Change, Handler, Lock, Project, Saga, Step
from sagac.compiler.obligations.obligation import Premise
from sagac.compiler.records import Effect, Place, Setting
from sagac.compiler.source import Span
from sagac.runtime.plan import Binary, Constant, Expression, Input, Items, Result, Status, Unary

OTHER: Final = "other "
"""What the unknowns of another run are called, before their own names."""


@dataclass(frozen=True, slots=True)
class Action:
    """The do of a step, or one of its undos, as what it does to records."""

    saga: str
    """Its full name."""
    step: str
    undo: int | None
    """The number of the undo, in source order; `None` for the do."""
    command: str
    """The full name of the command, `warehouse.reserve`."""
    effects: tuple[Effect, ...]
    """None: the contract says nothing of what the command changes, or it is a query."""
    facts: tuple[Premise, ...]
    """What its run knows when it happens: the `where` and `when` that speak of what the effects read."""
    locks: tuple[Place, ...]
    """What its run has locked by then."""
    run_key: tuple[Term, ...]
    """The key of its run: no two runs of a saga have the same."""
    yields: Mapping[str, Encoded]
    """The results that a `yields` ties to a record, as the run's own undos read them."""
    mitigates: bool
    span: Span
    shape: str = ""
    """Actions of one shape do the same, whatever their values are called."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a run knows, with the unknowns that it speaks of."""

    premise: Premise
    symbols: frozenset[Symbol]


@dataclass(frozen=True, slots=True)
class Deeds:
    """The actions of one saga, by step."""

    saga: Saga
    graph: Graph
    encoding: Encoding
    does: Mapping[str, Action]
    undoes: Mapping[str, tuple[Action, ...]]
    facts: tuple[Fact, ...]
    """What holds of every input: the `where` conditions."""
    run_key: tuple[Term, ...]
    """No two runs of the saga have the same."""
    own: Mapping[str, tuple[int, ...]]
    """Where the run's key stands in the keys of the records that are the run's own, by resource."""

    def all(self) -> Iterator[Action]:
        """Every action that has an effect, in source order, each do before its undos."""
        for step in self.saga.steps:
            yield from (action for action in (self.does[step.name], *self.undoes[step.name]) if action.effects)


def of(project: Project, saga: Saga, graph: Graph) -> Deeds:
    """The actions of a saga."""
    encoded = encoding.begin(saga, places=slots(project))
    steps = {step.name: step for step in saga.steps}
    locking = tuple(step for step in saga.steps if step.locks)
    workshop = Workshop(
        project, saga, graph, encoded, known_facts(saga, encoded), steps, locking, key_of(saga, encoded)
    )
    does = {step.name: done(workshop, step) for step in saga.steps}
    writers = by_place(does.values())
    sure = {name: with_ownership(workshop, writers, action) for name, action in does.items()}
    undoes = {
        step.name: tuple(
            with_ownership(workshop, writers, undone(workshop, step, number, handler))
            for number, handler in enumerate(step.handlers)
        )
        for step in saga.steps
    }
    every = (*sure.values(), *(each for found in undoes.values() for each in found))
    own = own_places(workshop.run_key, every)
    return Deeds(saga, graph, encoded, sure, undoes, workshop.facts, workshop.run_key, own)


def is_own(deeds: Deeds, place: Place) -> bool:
    """The record is keyed by all of the run's key, where all records of its resource that the saga changes are.

    So no other run of the saga changes it; `R[a, b]` beside `R[b, a]`, or `R[other]` beside `R[key]`, would be one.
    """
    positions = deeds.own.get(place.resource)
    return positions is not None and tuple(place.keys[each] for each in positions) == deeds.run_key


def own_places(run_key: tuple[Term, ...], every: Iterable[Action]) -> Mapping[str, tuple[int, ...]]:
    """Where the run's key stands in every key of a resource; resources of which it is not always there are left out."""
    keys: dict[str, set[tuple[Term, ...]]] = {}
    for action in every:
        for each in action.effects:
            keys.setdefault(each.place.resource, set()).add(each.place.keys)
    found = {resource: tuple(positions(run_key, among)) for resource, among in keys.items()}
    return {resource: places for resource, places in found.items() if len(places) == len(run_key)}


def positions(run_key: tuple[Term, ...], among: Iterable[tuple[Term, ...]]) -> Iterator[int]:
    """For each part of the run's key, the first place in which all of these keys have it."""
    known = tuple(among)
    for part in run_key:
        always = (each for each in range(len(known[0])) if all(key[each] == part for key in known))
        yield from islice(always, 1)


def other(action: Action) -> Action:
    """The action as one of another run: none of its values are this run's."""
    return renamed(action, lambda symbol: Symbol(OTHER + symbol.name, symbol.sort))


def apart(one: Action, two: Action) -> Iterator[Premise]:
    """What tells the run of one action from the run of another: their keys, and that a lock has one holder."""
    if one.saga == two.saga:
        pairs = zip(one.run_key, two.run_key, strict=True)
        alike = logic.both(*(logic.equal(mine, theirs) for mine, theirs in pairs))
        yield Premise(logic.negation(alike), "two runs of one saga have different keys")
    for mine in one.locks:
        for theirs in two.locks:
            if mine.resource == theirs.resource:
                yield Premise(
                    logic.negation(records.alias(mine, theirs)),
                    f"`lock {mine.resource.rpartition('.')[2]}` has one holder at a time",
                )


# --- making actions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all actions of a saga are made with."""

    project: Project
    saga: Saga
    graph: Graph
    encoding: Encoding
    facts: tuple[Fact, ...]
    """The `where` of every input."""
    steps: Mapping[str, Step]
    locking: tuple[Step, ...]
    """The steps that take a lock."""
    run_key: tuple[Term, ...]
    guards: dict[Expression, Fact] = field(default_factory=dict)


def slots(project: Project) -> dict[Input | Result, Encoded]:
    """The slots of all resources."""
    found: dict[Input | Result, Encoded] = {}
    for service in project.services.values():
        for resource in service.resources.values():
            found |= records.slots(project, resource)
    return found


def known_facts(saga: Saga, encoded: Encoding) -> tuple[Fact, ...]:
    return tuple(
        fact(encoded, given.where.condition, f"`{given.name}` is as its `where` says", given.where.span)
        for given in saga.inputs
        if given.where is not None
    )


def fact(encoded: Encoding, condition: Expression, name: str, span: Span) -> Fact:
    """A condition that a run knows to be true; what it says of the states of steps is left open."""
    term = encoding.formula(encoded, terms.lower(condition, lambda status: terms.Var(f"{status.step}.{status.fact}")))
    return Fact(Premise(term, name, span), frozenset(logic.symbols(term)))


def done(workshop: Workshop, step: Step) -> Action:
    """The do of a step."""
    operation = workshop.project.operation(step.call)
    effects = tuple(effect(workshop, change, step.call) for change in operation.changes)
    yields = {
        each.result: value(workshop, Result(step.name, (each.result,), result_type(workshop, step, each.result)))
        for change in operation.changes
        for each in change.yields
    }
    guard = guard_of(workshop, step)
    return action(workshop, step, None, step.call, effects, guard, yields, span=step.call.span)


def undone(workshop: Workshop, step: Step, number: int, handler: Handler) -> Action:
    """One of the undos of a step: it runs only where the step was done, so under the step's own guard too."""
    operation = workshop.project.operation(handler.call)
    effects = tuple(effect(workshop, change, handler.call) for change in operation.changes)
    guards = list(guard_of(workshop, step))
    if handler.guard is not None:
        text = f"this undo of `{step.name}` runs only when {wording.expression(handler.guard.condition)}"
        guards.append(fact(workshop.encoding, handler.guard.condition, text, handler.guard.span))
    made = action(workshop, step, number, handler.call, effects, guards, {}, span=handler.span)
    return replace(made, mitigates=handler.mitigates)


def guard_of(workshop: Workshop, step: Step) -> tuple[Fact, ...]:
    """What holds where a step runs."""
    if step.guard is None:
        return ()
    condition = step.guard.condition
    if condition not in workshop.guards:
        text = f"`{step.name}` runs only when {wording.expression(condition)}"
        workshop.guards[condition] = fact(workshop.encoding, condition, text, step.guard.span)
    return (workshop.guards[condition],)


def action(
    workshop: Workshop,
    step: Step,
    undo: int | None,
    call: Call,
    effects: tuple[Effect, ...],
    guards: Iterable[Fact],
    yields: Mapping[str, Encoded],
    *,
    span: Span,
) -> Action:
    said = tuple(all_terms(effects))
    # What a product is the product of matters too: its sign is theirs.
    products = encoding.facts(workshop.encoding, *said) if workshop.encoding.products else ()
    read = frozenset(logic.symbols(*said, *products))
    return Action(
        saga=workshop.saga.full_name,
        step=step.name,
        undo=undo,
        command=f"{call.service}.{call.operation}",
        effects=effects,
        facts=cone(read, (*workshop.facts, *guards)) if effects else (),
        locks=locked(workshop, step),
        run_key=workshop.run_key,
        yields=yields,
        mitigates=False,
        span=span,
    )


def cone(read: frozenset[Symbol], facts: Iterable[Fact]) -> tuple[Premise, ...]:
    """The facts that speak of these unknowns, or of what others of them speak of too."""
    kept: list[Fact] = []
    left = list(facts)
    reached = set(read)
    while near := [each for each in left if each.symbols & reached]:
        kept += near
        left = [each for each in left if not each.symbols & reached]
        for each in near:
            reached |= each.symbols
    return tuple(each.premise for each in kept)


def key_of(saga: Saga, encoded: Encoding) -> tuple[Term, ...]:
    """The run's key."""
    types = {given.name: given.type for given in saga.inputs}
    return tuple(part(encoded, Input((name,), types[name])) for name in saga.key)


def part(encoded: Encoding, expression: Expression) -> Term:
    """An expression that is always there."""
    found = encoding.value(encoded, expression)
    assert found is not None, expression
    return records.value_of(found)


def result_type(workshop: Workshop, step: Step, name: str) -> str:
    result = workshop.project.operation(step.call).result
    assert result is not None, step.name
    return next(each.type for each in result if each.name == name)


def value(workshop: Workshop, expression: Expression) -> Encoded:
    """An expression over the run's values."""
    found = encoding.value(workshop.encoding, expression)
    assert found is not None, expression
    return found


# --- effects -------------------------------------------------------------------------------------------------------


def effect(workshop: Workshop, change: Change, call: Call) -> Effect:
    """A `changes` with the arguments of a call."""
    arguments = dict(call.arguments)
    resource = workshop.project.resource(change.resource)
    held = {each.name for each in resource.fields if each.hold}
    keys = (records.value_of(value(workshop, instance(key, arguments))) for key in change.keys)
    return Effect(
        place=Place(change.resource, tuple(keys)),
        change=change,
        requires=tuple(
            encoding.condition(workshop.encoding, instance(guard.condition, arguments)) for guard in change.requires
        ),
        settings=tuple(
            Setting(
                each.field,
                each.operator,
                value(workshop, instance(each.value, arguments)),
                held=each.field in held,
                backed=False,
                span=each.span,
            )
            for each in change.assignments
        ),
        owned=False,
    )


def instance(expression: Expression, arguments: Mapping[str, Expression]) -> Expression:
    """The expression with the arguments of a call in the places of the parameters."""
    match expression:
        case Input():
            return within(arguments[expression.path[0]], expression.path[1:], expression.type)
        case Constant() | Result() | Status():
            return expression
        case Unary():
            return Unary(expression.operator, instance(expression.operand, arguments))
        case Binary():
            left, right = instance(expression.left, arguments), instance(expression.right, arguments)
            return Binary(expression.operator, left, right)
        case Items():
            return Items(tuple(instance(item, arguments) for item in expression.items))
        case _:
            assert_never(expression)


def within(argument: Expression, path: tuple[str, ...], type: str) -> Expression:
    """A field of an argument; the argument itself where the path is empty."""
    if not path:
        return argument
    match argument:
        case Input():
            return Input((*argument.path, *path), type)
        case Result():
            return Result(argument.step, (*argument.path, *path), type)
        case _:
            raise AssertionError(argument)


# --- what a run knows of its own actions ---------------------------------------------------------------------------


Writers: TypeAlias = Mapping[Place, tuple[tuple[str, Effect], ...]]


def by_place(actions: Iterable[Action]) -> Writers:
    """The steps that change each place, with how."""
    found: dict[Place, list[tuple[str, Effect]]] = {}
    for action in actions:
        for each in action.effects:
            found.setdefault(each.place, []).append((action.step, each))
    return {place: tuple(writers) for place, writers in found.items()}


def with_ownership(workshop: Workshop, writers: Writers, action: Action) -> Action:
    """The action, with what its run has done before it to the same records; and its shape."""
    effects = tuple(
        replace(
            each,
            owned=bool(each.change.source) and is_owned(workshop, writers, action, each),
            settings=tuple(
                replace(setting, backed=is_backed(workshop, writers, action, each.place, setting))
                for setting in each.settings
            ),
        )
        for each in action.effects
    )
    known = replace(action, effects=effects)
    return replace(known, shape=shape(known)) if effects else known


def is_owned(workshop: Workshop, writers: Writers, action: Action, effect: Effect) -> bool:
    """An earlier action of the run has put the record into the state that this one needs, and no other moves it.

    An undo needs the state that its step has left: one that the step has put the record into, or has found it in.
    """
    writing = writers.get(effect.place, ())
    own = [each for name, each in writing if name == action.step and each.change.target == effect.change.source]
    if action.undo is not None and any(each.change.source != each.change.target for each in own):
        return True
    if action.undo is not None and not own:
        return False
    movers = [(name, each) for name, each in writing if each.change.target != each.change.source and each.change.target]
    return any(
        each.change.target == effect.change.source
        and is_certain(workshop, name, action.step)
        and all(is_elsewhere(workshop, other_name, name, action.step) for other_name, _ in movers)
        for name, each in movers
    )


def is_certain(workshop: Workshop, earlier: str, later: str) -> bool:
    """Wherever the later step runs, the earlier one is done."""
    if not workshop.graph.precedes(earlier, later):
        return False
    guard = workshop.steps[earlier].guard
    if guard is None or workshop.steps[earlier].otherwise_fails:
        return True
    own = workshop.steps[later].guard
    return own is not None and own.condition == guard.condition


def is_elsewhere(workshop: Workshop, name: str, earlier: str, later: str) -> bool:
    """A step is never done between two others."""
    if name in (earlier, later):
        return True
    return workshop.graph.precedes(name, earlier) or workshop.graph.precedes(later, name)


def is_backed(workshop: Workshop, writers: Writers, action: Action, place: Place, setting: Setting) -> bool:
    """The run may have put into the hold before what it takes from it now."""
    if not setting.held or setting.operator != "-=":
        return False
    return any(
        (name == action.step and action.undo is not None) or workshop.graph.precedes(name, action.step)
        for name, each in writers.get(place, ())
        if any(other.field == setting.field and other.operator == "+=" for other in each.settings)
    )


def locked(workshop: Workshop, step: Step) -> tuple[Place, ...]:
    """What the run has locked when the step is sent, and from then on."""
    return tuple(
        lock_place(workshop, lock)
        for other_step in workshop.locking
        for lock in other_step.locks
        if other_step.name == step.name or is_certain(workshop, other_step.name, step.name)
    )


def lock_place(workshop: Workshop, lock: Lock) -> Place:
    return Place(lock.resource, tuple(records.value_of(value(workshop, key)) for key in lock.keys))


# --- renaming and shapes -------------------------------------------------------------------------------------------


def renamed(action: Action, name: Callable[[Symbol], Term]) -> Action:
    """The action with other terms in the places of its unknowns; the slots of records keep theirs."""

    def new(symbol: Symbol) -> Term:
        return symbol if symbol.name.startswith(("own ", "there own ")) else name(symbol)

    def term(old: Term) -> Term:
        return logic.replaced(old, new)

    def cell(old: Encoded) -> Encoded:
        return Encoded(
            old.kind,
            None if old.value is None else term(old.value),
            None if old.present is None else term(old.present),
        )

    def place(old: Place) -> Place:
        return Place(old.resource, tuple(map(term, old.keys)))

    return replace(
        action,
        effects=tuple(
            replace(
                each,
                place=place(each.place),
                requires=tuple(map(term, each.requires)),
                settings=tuple(replace(setting, value=cell(setting.value)) for setting in each.settings),
            )
            for each in action.effects
        ),
        facts=tuple(replace(each, term=term(each.term)) for each in action.facts),
        locks=tuple(map(place, action.locks)),
        run_key=tuple(map(term, action.run_key)),
        yields={each: cell(old) for each, old in action.yields.items()},
    )


def all_terms(effects: Iterable[Effect]) -> Iterator[Term]:
    """Every term of these effects."""
    for each in effects:
        yield from each.place.keys
        yield from each.requires
        for setting in each.settings:
            yield from (term for term in (setting.value.value, setting.value.present) if term is not None)


def shape(action: Action) -> str:
    """What the action does, with its unknowns called by the order in which they are met."""
    flags = [[each.owned, *(setting.backed for setting in each.settings)] for each in action.effects]
    locks = [lock.resource for lock in action.locks]
    roots = (
        *all_terms(action.effects),
        *(key for lock in action.locks for key in lock.keys),
        *action.run_key,
        *(each.term for each in action.facts),
        *(term for each in action.yields.values() for term in (each.value, each.present) if term is not None),
    )
    return f"{action.command} {action.undo is not None} {flags} {locks} {text(roots)}"


def text(roots: Iterable[Term]) -> str:
    """Terms written out, each part once, with their unknowns called by the order in which they are met."""
    together = tuple(roots)
    numbers: dict[int, int] = {}
    names: dict[Symbol, str] = {}
    lines: list[str] = []
    for part in logic.parts(*together):
        numbers[id(part)] = len(numbers)
        if isinstance(part, Symbol):
            is_slot = part.name.startswith(("own ", "there own "))
            lines.append(names.setdefault(part, part.name if is_slot else f"{part.sort}{len(names)}"))
        elif isinstance(part, logic.Literally):
            lines.append(f"{part.value!r}")
        else:
            lines.append(f"{part.operator}({','.join(str(numbers[id(each)]) for each in part.operands)})")
    return ";".join([*lines, *(str(numbers[id(root)]) for root in together)])

"""The surroundings of a run: every action of every saga of the project that may come between two of its own.

Every two actions that may meet are asked about, but not one by one. Actions of one form do the same, whatever their
values are called. So a question about two forms is asked first with nothing known of their values but the key of the
run: it has fewer premises than the question about any two actions of these forms, so where nothing can go wrong in it,
nothing can for them. Where something can, it is asked again for each way in which the two share values (a pattern),
and then, where something still can, for the two actions themselves.

What stands literally in a key is a value like any other here, and values that are written differently differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from sagac.compiler import actions, encoding, logic, planner, terms
from sagac.compiler.actions import OTHER, Action, Deeds
from sagac.compiler.graph import numbers
from sagac.compiler.logic import Literally, Symbol, Term
from sagac.compiler.model import Project, Saga
from sagac.compiler.obligations import conditions
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Form, Premise
from sagac.compiler.records import Effect, Place
from sagac.compiler.verdicts import Act
from sagac.runtime.plan import Expression, Result

Pattern: TypeAlias = tuple[int, ...]
"""For each unknown of a second group of actions its place among those of the first, or -1 where it is another one."""

WRITTEN: Final = "written "
"""What the unknown is called that stands for a literal in a key, before its sort and the literal."""

MINE: Final = "mine "
"""What the unknowns of this run are called under one name for each place."""

BESIDE: Final = "beside "
"""What they are called of a second group of its actions, where nothing is known of what the two share."""


@dataclass(frozen=True, slots=True)
class Face:
    """Actions of one run that a question is about together, with their unknowns in the order in which they are met."""

    actions: tuple[Action, ...]
    symbols: tuple[Symbol, ...]
    form: Hashable
    """Equal for actions that do the same."""


@dataclass(frozen=True, slots=True)
class Part:
    """An action, and how it looks from further and further away."""

    deeds: Deeds
    action: Action
    whole: Face
    """With unknowns in the places of the literals of its keys."""
    within: Face
    """To its own run: its locks keep out nobody there."""
    bare: Face
    """Without its guards and locks as well: less is known of it."""

    @property
    def resources(self) -> frozenset[str]:
        """The full names of the resources that it changes."""
        return frozenset(effect.place.resource for effect in self.action.effects)

    @property
    def saga(self) -> str:
        """The full name of its saga."""
        return self.action.saga

    def act(self, side: int) -> Act:
        """The action in a story, by this side."""
        return Act(side, self.action.step, self.action.undo)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Actions of one run that a question is about together, as a do and its undo."""

    parts: tuple[Part, ...]
    whole: Face
    within: Face
    bare: Face

    def seen(self, *, of_another_run: bool) -> Face:
        """How actions of its own run, or of another one, see it."""
        return self.whole if of_another_run else self.within


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All actions of a project, by saga and by resource, and what has been made of them."""

    project: Project
    does: Mapping[tuple[str, str], Part]
    """By saga and step."""
    undoes: Mapping[tuple[str, str], tuple[Part, ...]]
    touching: Mapping[str, tuple[Part, ...]]
    """By resource, in source order: of each saga one of each form and literals."""
    twins: Mapping[object, tuple[Part, ...]]
    """All of a saga that are of one form and literals: they differ in when they are sent."""
    asked: dict[object, Form] = field(default_factory=dict)
    """Questions by the forms that they are about: each is made once."""
    met: dict[tuple[frozenset[str], str], tuple[Crowd, ...]] = field(default_factory=dict)
    """Who may meet an action, by what it changes and by its saga: the same for many actions."""
    conditions: dict[str, Conditions] = field(default_factory=dict)
    """When the steps of a saga run, for each saga of which it was asked."""


def of(project: Project, deeds: Mapping[str, Deeds]) -> Surroundings:
    """The surroundings that the sagas of a project are to one another."""
    deeds = without_doubtful_ownership(deeds)
    does: dict[tuple[str, str], Part] = {}
    undoes: dict[tuple[str, str], tuple[Part, ...]] = {}
    for name, each in deeds.items():
        read = frozenset(results_read(each.saga))
        for step in each.saga.steps:
            does[name, step.name] = part(each, each.does[step.name], read)
            undoes[name, step.name] = tuple(part(each, undo, read) for undo in each.undoes[step.name])
    touching: dict[str, dict[object, Part]] = {}
    twins: dict[object, list[Part]] = {}
    for key, done in does.items():
        for one in (done, *undoes[key]):
            twins.setdefault(kind(one), []).append(one)
            for resource in one.resources:
                touching.setdefault(resource, {}).setdefault(kind(one), one)
    return Surroundings(
        project,
        does,
        undoes,
        {name: tuple(found.values()) for name, found in touching.items()},
        {each: tuple(found) for each, found in twins.items()},
    )


def kind(part: Part) -> object:
    """Equal for actions of one saga that do the same with the same literals."""
    return part.saga, part.whole.form, tuple(filter(is_written, part.whole.symbols))


def conditions_of(around: Surroundings, part: Part) -> Conditions:
    """When the steps of the action's saga run."""
    if part.saga not in around.conditions:
        saga, graph = part.deeds.saga, part.deeds.graph
        planned = planner.plan(around.project, saga, graph)
        around.conditions[part.saga] = conditions.of(around.project, saga, graph, planned)
    return around.conditions[part.saga]


def part(deeds: Deeds, action: Action, read: frozenset[tuple[str, str]]) -> Part:
    """The action as far as somebody can tell what came of it: a result that nobody reads is none."""
    if not action.effects:
        nothing = Face((action,), (), "")
        return Part(deeds, action, nothing, nothing, nothing)
    told = {name: cell for name, cell in action.yields.items() if (action.step, name) in read}
    known = typed(deeds, replace(action, yields=told))
    near = frozenset(logic.symbols(*actions.all_terms(action.effects)))
    bare = typed(deeds, replace(action, yields=told, locks=(), facts=actions.cone(near, deeds.facts)))
    whole = face(known)
    return Part(deeds, known, whole, face(replace(known, locks=())) if known.locks else whole, face(bare))


def holding(part: Part, locks: tuple[Place, ...]) -> Part:
    """The action, where of its locks only these matter."""
    if locks == part.action.locks:
        return part
    known = replace(part.action, locks=locks)
    return replace(part, action=known, whole=face(known))


def typed(deeds: Deeds, action: Action) -> Action:
    """The action with what is known of its values by their types."""
    found = encoding.facts(deeds.encoding, *roots_of(action))
    return replace(action, facts=(*action.facts, *(Premise(term, "a value is one of its type") for term in found)))


def face(action: Action) -> Face:
    """One action by itself, with unknowns for the literals of its keys, also where they are written into a field."""
    literals = {key for effect in action.effects for key in effect.place.keys if isinstance(key, Literally)}
    seen = replace(
        action,
        effects=tuple(
            replace(
                effect,
                place=unwritten(effect.place),
                settings=tuple(
                    replace(setting, value=replace(setting.value, value=unknown(setting.value.value)))
                    if isinstance(setting.value.value, Literally) and setting.value.value in literals
                    else setting
                    for setting in effect.settings
                ),
            )
            for effect in action.effects
        ),
        locks=tuple(map(unwritten, action.locks)),
    )
    symbols = tuple(symbol for symbol in logic.symbols(*roots_of(seen)) if not is_slot(symbol))
    written = tuple(place for place, symbol in enumerate(symbols) if is_written(symbol))
    return Face((seen,), symbols, (actions.shape(seen), written))


def unwritten(place: Place) -> Place:
    """The place with unknowns for the literals of its key."""
    return Place(place.resource, tuple(unknown(key) if isinstance(key, Literally) else key for key in place.keys))


def unknown(literal: Literally) -> Symbol:
    """The unknown that stands for a literal."""
    return Symbol(f"{WRITTEN}{literal.sort} {literal.value!r}", literal.sort)


def is_written(symbol: Symbol) -> bool:
    """It stands for a literal."""
    return symbol.name.startswith(WRITTEN)


def bundle(*parts: Part) -> Bundle:
    """These actions of one run, together."""
    return Bundle(
        parts,
        together([part.whole for part in parts]),
        together([part.within for part in parts]),
        together([part.bare for part in parts]),
    )


def together(faces: Sequence[Face]) -> Face:
    """Actions of one run; their form says which unknowns they share."""
    if len(faces) == 1:
        return faces[0]
    symbols = tuple(dict.fromkeys(symbol for each in faces for symbol in each.symbols))
    places = {symbol: place for place, symbol in enumerate(symbols)}
    form = tuple((each.form, tuple(places[symbol] for symbol in each.symbols)) for each in faces)
    return Face(tuple(action for each in faces for action in each.actions), symbols, form)


def roots_of(action: Action) -> Iterator[Term]:
    """Every term of an action."""
    yield from actions.all_terms(action.effects)
    yield from (key for lock in action.locks for key in lock.keys)
    yield from action.run_key
    yield from (fact.term for fact in action.facts)
    for cell in action.yields.values():
        yield from (term for term in (cell.value, cell.present) if term is not None)


def is_slot(symbol: Symbol) -> bool:
    return symbol.name.startswith(("own ", "there own "))


def results_read(saga: Saga) -> Iterator[tuple[str, str]]:
    """The results that anything in a saga reads, by step and field."""
    for expression in expressions(saga):
        for leaf in terms.leaves(expression):
            if isinstance(leaf, Result) and leaf.path:
                yield leaf.step, leaf.path[0]


def expressions(saga: Saga) -> Iterator[Expression]:
    """All that a run of the saga evaluates, and all that is claimed of one."""
    for step in saga.steps:
        guards = [step.guard, *(handler.guard for handler in step.handlers)]
        yield from (guard.condition for guard in guards if guard is not None)
        for call in (step.call, *(handler.call for handler in step.handlers)):
            yield from (value for _, value in call.arguments)
        yield from (key for lock in step.locks for key in lock.keys)
    yield from (output.value for output in saga.outputs)
    yield from (output.where.condition for output in saga.outputs if output.where is not None)
    for ensure in saga.ensures:
        yield ensure.condition
        yield from (key for record in ensure.records for key in record.keys)
    for rule in saga.rules:
        yield rule.condition
        yield from (guard.condition for guard in (rule.guard,) if guard is not None)


# --- who meets whom ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Crowd:
    """Bundles of one bare form, and what each speaks of, so that all that share values with another are found at once.

    Members have numbers; sets of them are the bits of an integer.
    """

    members: Mapping[int, Bundle]
    all: int
    kinds: tuple[int, ...]
    """Sets of members of one form that have the common unknowns in the same places."""
    speaking: Mapping[Symbol, int]
    """Who speaks of an unknown that is not common."""

    @property
    def first(self) -> Bundle:
        """Any one of them."""
        return next(iter(self.members.values()))


COMMON: Final = 8
"""An unknown of which more members speak is common."""


def crowd(members: Mapping[int, Bundle], *, of_another_run: bool = False) -> Crowd:
    """Bundles of one bare form; of another run they share nothing but literals."""
    told = {
        number: tuple(
            symbol if is_written(symbol) or not of_another_run else None
            for symbol in member.seen(of_another_run=of_another_run).symbols
        )
        for number, member in members.items()
    }
    counts = Counter(symbol for symbols in told.values() for symbol in set(symbols))
    kinds: dict[object, int] = {}
    speaking: dict[Symbol, int] = {}
    for number, symbols in told.items():
        common = tuple(symbol if counts[symbol] > COMMON else None for symbol in symbols)
        kind = (members[number].seen(of_another_run=of_another_run).form, common)
        kinds[kind] = kinds.get(kind, 0) | 1 << number
        for symbol in symbols:
            if symbol is not None and counts[symbol] <= COMMON:
                speaking[symbol] = speaking.get(symbol, 0) | 1 << number
    everybody = sum(1 << number for number in members)
    return Crowd(members, everybody, tuple(kinds.values()), speaking)


def crowds(bundles: Iterable[tuple[int, int, Bundle]]) -> tuple[Crowd, ...]:
    """A crowd for each bare form; the numbers are the member's, and which of several of its number it is."""
    found: dict[object, dict[int, Bundle]] = {}
    for number, which, each in bundles:
        found.setdefault((which, each.bare.form), {})[number] = each
    return tuple(map(crowd, found.values()))


def alike(crowd: Crowd, one: Bundle, candidates: int, *, of_another_run: bool = False) -> Iterator[tuple[int, ...]]:
    """The candidates, those together that are of one form and share the same values with `one`."""
    near, mine = 0, one.seen(of_another_run=of_another_run)
    for symbol in mine.symbols:
        near |= crowd.speaking.get(symbol, 0)
    near &= candidates
    found: dict[object, list[int]] = {}
    for number in numbers(near):
        other = crowd.members[number].seen(of_another_run=of_another_run)
        shared = pattern(mine, other, of_another_run=of_another_run)
        found.setdefault((other.form, shared), []).append(number)
    yield from map(tuple, found.values())
    for kind in crowd.kinds:  # none of these shares more than what is common, and that is in the same places
        rest = kind & candidates & ~near
        if rest:
            yield tuple(numbers(rest))


def meeting(surroundings: Surroundings, one: Part) -> tuple[Crowd, ...]:
    """Every action of another run that may meet this one on a record: a crowd for each form, of its own saga or not."""
    key = (one.resources, one.saga)
    if key not in surroundings.met:
        found: dict[object, dict[int, Bundle]] = {}
        seen: set[int] = set()
        for resource in sorted(one.resources):
            for other in surroundings.touching.get(resource, ()):
                if id(other) not in seen:
                    seen.add(id(other))
                    members = found.setdefault((other.bare.form, other.saga == one.saga), {})
                    members[len(members)] = bundle(other)
        surroundings.met[key] = tuple(crowd(members, of_another_run=True) for members in found.values())
    return surroundings.met[key]


# --- whose a state is ----------------------------------------------------------------------------------------------


def without_doubtful_ownership(deeds: Mapping[str, Deeds]) -> Mapping[str, Deeds]:
    """The actions, each owning the state that its run put a record into only where no other run takes it from there.

    An action that does not own the state it starts from may take any record in that state, whoever put it there. Those
    that lose their ownership so may in turn take what others own; what is left in the end is stable.
    """
    while True:
        takers = frozenset(taken for each in deeds.values() for taken in taking(each))
        known = {name: disowned(each, takers) for name, each in deeds.items()}
        if all(known[name] is each for name, each in deeds.items()):
            return deeds
        deeds = known


def taking(deeds: Deeds) -> Iterator[tuple[str, str, str, bool]]:
    """The states that a saga takes records from without owning them: resource, state, saga, and whether of its own."""
    for action in deeds.all():
        for effect in action.effects:
            change = effect.change
            if change.source != change.target and not effect.owned:
                yield change.resource, change.source, action.saga, is_own(action, effect)


def is_own(action: Action, effect: Effect) -> bool:
    """The record is the run's own: no other run of its saga means it."""
    return effect.place.keys[: len(action.run_key)] == action.run_key


def disowned(deeds: Deeds, takers: frozenset[tuple[str, str, str, bool]]) -> Deeds:
    """The deeds, without the ownership that takers make doubtful; the same where they make none."""
    does = {step: certain(action, takers) for step, action in deeds.does.items()}
    undoes = {step: tuple(certain(each, takers) for each in found) for step, found in deeds.undoes.items()}
    same = all(does[step] is action for step, action in deeds.does.items()) and all(
        one is two for step, found in deeds.undoes.items() for one, two in zip(undoes[step], found, strict=True)
    )
    return deeds if same else replace(deeds, does=does, undoes=undoes)


def certain(action: Action, takers: frozenset[tuple[str, str, str, bool]]) -> Action:
    """The action, owning only what nobody takes."""

    def is_taken(effect: Effect) -> bool:
        return any(
            resource == effect.place.resource
            and state == effect.change.source
            and not (saga == action.saga and own and is_own(action, effect))
            for resource, state, saga, own in takers
        )

    if not any(effect.owned and is_taken(effect) for effect in action.effects):
        return action
    effects = tuple(replace(effect, owned=effect.owned and not is_taken(effect)) for effect in action.effects)
    return replace(action, effects=effects)


# --- one name for each place ---------------------------------------------------------------------------------------


def named(face: Face, prefix: str, known: Mapping[Symbol, Symbol] | None = None) -> dict[Symbol, Symbol]:
    """Names for the unknowns of actions that depend on their form alone; those that are known keep theirs."""
    names = dict(known or {})
    for place, symbol in enumerate(face.symbols):
        names.setdefault(symbol, Symbol(f"{prefix}{symbol.sort} {place}", symbol.sort))
    return names


def seen(face: Face, names: Mapping[Symbol, Symbol]) -> tuple[Action, ...]:
    """The actions with these names for their unknowns."""
    return tuple(actions.renamed(action, lambda symbol: names[symbol]) for action in face.actions)


def unrelated(one: Face, other: Face) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    """Two groups of actions of one run, of which nothing is known but that it is one run."""
    mine = named(one, MINE)
    key = {symbol: mine[symbol] for symbol in logic.symbols(*one.actions[0].run_key)}
    return seen(one, mine), seen(other, named(other, BESIDE, key))


def related(one: Face, other: Face) -> tuple[tuple[Action, ...], tuple[Action, ...], tuple[Premise, ...]]:
    """Two groups of actions of one run, with what they share, and that what is written differently differs."""
    names = named(together([one, other]), MINE)
    return seen(one, names), seen(other, names), tuple(differing(names))


def strangers(one: Face, other: Face) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    """Actions of two runs, of which nothing is known."""
    return seen(one, named(one, MINE)), seen(other, named(other, OTHER))


def met(one: Face, other: Face) -> tuple[tuple[Action, ...], tuple[Action, ...], tuple[Premise, ...]]:
    """Actions of two runs, with the literals that they share, and that what is written differently differs."""
    mine = named(one, MINE)
    theirs = named(other, OTHER, {symbol: name for symbol, name in mine.items() if is_written(symbol)})
    return seen(one, mine), seen(other, theirs), tuple(differing(mine | theirs))


def differing(names: Mapping[Symbol, Symbol]) -> Iterator[Premise]:
    """Literals that are written differently differ."""
    written = [name for symbol, name in names.items() if is_written(symbol)]
    for place, one in enumerate(written):
        for other in written[:place]:
            if one.sort == other.sort:
                yield Premise(logic.negation(logic.equal(one, other)), "what is written differently differs")


def pattern(first: Face, second: Face, *, of_another_run: bool = False) -> Pattern:
    """Which unknowns of the second group are also those of the first; of another run only literals can be."""
    places = {symbol: place for place, symbol in enumerate(first.symbols) if is_written(symbol) or not of_another_run}
    return tuple(places.get(symbol, -1) for symbol in second.symbols)

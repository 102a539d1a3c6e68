"""The surroundings of a run: every action of every saga of the project that may come between two of its own.

Actions are grouped by their form: two of one form do the same, whatever their values are called, so what is proved of
one pair of forms is proved of every pair of actions that has them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from sagac.compiler import actions, encoding, logic, terms
from sagac.compiler.actions import Action, Deeds
from sagac.compiler.logic import Symbol, Term
from sagac.compiler.model import Project, Saga
from sagac.compiler.obligations.obligation import Form, Premise
from sagac.compiler.records import Effect
from sagac.compiler.verdicts import Act
from sagac.runtime.plan import Expression, Result

Pattern: TypeAlias = tuple[int, ...]
"""For each unknown of a second action its place among those of the first, or -1 where it is another one."""


@dataclass(frozen=True, slots=True)
class Part:
    """An action with its unknowns in the order in which they are met."""

    deeds: Deeds
    action: Action
    symbols: tuple[Symbol, ...]
    form: str
    """Equal for actions that do the same."""

    @property
    def resources(self) -> frozenset[str]:
        """The full names of the resources that it changes."""
        return frozenset(effect.place.resource for effect in self.action.effects)

    def act(self, side: int) -> Act:
        """The action in a story, by this side."""
        return Act(side, self.action.step, self.action.undo)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All actions of a project, by saga and by resource, and what has been made of them."""

    project: Project
    does: Mapping[tuple[str, str], Part]
    """By saga and step."""
    undoes: Mapping[tuple[str, str], tuple[Part, ...]]
    touching: Mapping[str, tuple[Part, ...]]
    """By resource, in source order: of each saga one of each form."""
    asked: dict[object, Form] = field(default_factory=dict)
    """Questions by the forms that they are about: each is made once."""


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
    touching: dict[str, dict[tuple[str, str], Part]] = {}
    for key, done in does.items():
        for one in (done, *undoes[key]):
            for resource in one.resources:
                touching.setdefault(resource, {}).setdefault((key[0], one.form), one)
    return Surroundings(project, does, undoes, {name: tuple(found.values()) for name, found in touching.items()})


def part(deeds: Deeds, action: Action, read: frozenset[tuple[str, str]]) -> Part:
    """The action as far as somebody can tell what came of it: a result that nobody reads is none."""
    if not action.effects:
        return Part(deeds, action, (), "")
    told = {name: cell for name, cell in action.yields.items() if (action.step, name) in read}
    roots = tuple(roots_of(replace(action, yields=told)))
    typed = encoding.facts(deeds.encoding, *roots)
    facts = (*action.facts, *(Premise(term, "a value is one of its type") for term in typed))
    known = replace(action, yields=told, facts=facts)
    known = replace(known, shape=actions.shape(known))
    symbols = tuple(symbol for symbol in logic.symbols(*roots_of(known)) if not is_slot(symbol))
    return Part(deeds, known, symbols, sys.intern(known.shape))  # compared many thousand times


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
    """All that a run of the saga evaluates."""
    for step in saga.steps:
        guards = [step.guard, *(handler.guard for handler in step.handlers)]
        yield from (guard.condition for guard in guards if guard is not None)
        for call in (step.call, *(handler.call for handler in step.handlers)):
            yield from (value for _, value in call.arguments)
        yield from (key for lock in step.locks for key in lock.keys)
    yield from (output.value for output in saga.outputs)


def meeting(surroundings: Surroundings, one: Part) -> Iterator[Part]:
    """Every action of another run that may meet this one on a record: one for each form, of its own saga or not."""
    found: dict[tuple[str, bool], Part] = {}
    for resource in sorted(one.resources):
        for other in surroundings.touching.get(resource, ()):
            found.setdefault((other.form, other.action.saga == one.action.saga), other)
    yield from found.values()


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


def named(parts: Sequence[Part], prefix: str) -> tuple[Action, ...]:
    """Actions of one run with names for their unknowns that depend on their forms and on what they share alone."""
    names = canonical(parts, prefix)
    return tuple(actions.renamed(each.action, lambda symbol: names[symbol]) for each in parts)


def canonical(parts: Sequence[Part], prefix: str) -> dict[Symbol, Symbol]:
    """The names of the unknowns of actions of one run."""
    found: dict[Symbol, Symbol] = {}
    for each in parts:
        for symbol in each.symbols:
            found.setdefault(symbol, Symbol(f"{prefix}{symbol.sort} {len(found)}", symbol.sort))
    return found


def pattern(first: Part, second: Part) -> Pattern:
    """Which unknowns of the second action are also those of the first."""
    places = {symbol: place for place, symbol in enumerate(first.symbols)}
    return tuple(places.get(symbol, -1) for symbol in second.symbols)


MINE: Final = "mine "
"""What the unknowns of this run are called under one name for each place."""

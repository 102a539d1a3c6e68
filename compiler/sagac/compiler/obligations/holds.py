"""A5, holds: what a run takes of a `hold` it lets go exactly once by every end, and never more than it has taken.

A run that completes leaves the records that it changes in a `done` state. What compensations give back is B1's claim;
here are the runs that complete, and what `mitigate` and `left` leave of a run that turns back: nothing that is held, so
no record in a state that is neither `done` nor `clean`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Final, Literal, TypeAlias

from sagac.compiler import actions, planner, terms, wording
from sagac.compiler.courses import Stage
from sagac.compiler.model import Call, Handler, Resource, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.coverage import handler_guard
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Story
from sagac.compiler.records import Effect, Place
from sagac.compiler.source import Span
from sagac.compiler.terms import FALSE, TRUE, Atom, Formula, both, negation
from sagac.compiler.verdicts import Claim, Proved
from sagac.runtime.plan import Binary, Constant, Expression, Result, Unary

WAYS_MAX: Final = 1024
"""So many ways in which the steps of one hold can come out are looked at."""

NOUGHT: Final = Constant(0, "int")


@dataclass(frozen=True, slots=True)
class Change:
    """What a step, or one of its undos, adds to a hold or takes from it."""

    step: str
    operator: Literal["+=", "-="]
    amount: Expression
    """Over the run's input and results."""
    command: str
    span: Span


@dataclass(frozen=True, slots=True)
class Hold:
    """A `hold` field of one record, with all that the steps of the run do to it."""

    place: Place
    field: str
    changes: tuple[Change, ...]
    """Of the dos, in the graph's order."""
    keys: tuple[Expression, ...] = ()
    """The record's key, over the run's input and results."""

    @property
    def text(self) -> str:
        """`Stock.held`."""
        return f"{self.place.resource.rpartition('.')[2]}.{self.field}"


def owe(stage: Stage) -> tuple[Obligation, ...]:
    """A claim for each step that takes or lets go, for each hold at completion, and for each state that is held."""
    found: list[Obligation] = []
    every = holds(stage)
    for hold in every:
        found.append(let_go(stage, hold, every))
        found += [backed(stage, hold, change, every) for change in hold.changes]
    for step in stage.saga.steps:
        found += remaining(stage, step)
    return (*found, *states(stage))


def holds(stage: Stage) -> tuple[Hold, ...]:
    """Every hold that some step of the saga changes."""
    found: dict[tuple[Place, str], list[Change]] = {}
    keys: dict[Place, tuple[Expression, ...]] = {}
    for name in stage.graph.order:
        call = stage.steps[name].call
        for effect, (field, change) in changed(stage, stage.steps[name], call, stage.deeds.does[name].effects):
            found.setdefault((effect.place, field), []).append(change)
            arguments = dict(call.arguments)
            keys.setdefault(effect.place, tuple(actions.instance(key, arguments) for key in effect.change.keys))
    return tuple(Hold(place, field, tuple(changes), keys[place]) for (place, field), changes in found.items())


def beside(hold: Hold, every: Sequence[Hold]) -> tuple[Hold, ...]:
    """The same field of records that may be the same, since their keys are only written differently."""
    return tuple(
        other
        for other in every
        if other.place.resource == hold.place.resource and other.field == hold.field and other.place != hold.place
    )


def identified(hold: Hold, others: Sequence[Hold]) -> Iterator[tuple[Formula, tuple[Change, ...]]]:
    """Each way in which the record can be one with some of the others and none of the rest, with all that is done to
    it then."""
    same = [both(*(Atom(Binary("==", *pair)) for pair in zip(hold.keys, other.keys, strict=True))) for other in others]
    for choice in product((False, True), repeat=len(others)):
        condition = both(*(fact if is_one else negation(fact) for fact, is_one in zip(same, choice, strict=True)))
        more = (change for other, is_one in zip(others, choice, strict=True) if is_one for change in other.changes)
        yield condition, (*hold.changes, *more)


def changed(
    stage: Stage, step: Step, call: Call, effects: Sequence[Effect]
) -> Iterator[tuple[Effect, tuple[str, Change]]]:
    """What a call does to holds."""
    arguments = dict(call.arguments)
    for effect in effects:
        held = {each.name for each in stage.project.resource(effect.place.resource).fields if each.hold}
        for each in effect.change.assignments:
            if each.field in held:
                assert each.operator != ":=", each
                amount = actions.instance(each.value, arguments)
                change = Change(step.name, each.operator, amount, wording.operation(planner.called(call)), each.span)
                yield effect, (each.field, change)


# --- amounts -------------------------------------------------------------------------------------------------------


Sum: TypeAlias = Mapping[Expression, Fraction]
"""A linear form: how often each thing is in it; what is only a number counts as so many ones."""

ONE: Final = Constant(1, "int")


def summed(changes: Iterable[Change]) -> Sum:
    """What these changes come to together, without what cancels out."""
    found: dict[Expression, Fraction] = {}
    for change in changes:
        sign = Fraction(1 if change.operator == "+=" else -1)
        for part, factor in linear(change.amount):
            found[part] = found.get(part, Fraction(0)) + sign * factor
    return {part: factor for part, factor in found.items() if factor}


def linear(expression: Expression) -> Iterator[tuple[Expression, Fraction]]:
    """The parts of a sum, with their factors."""
    match expression:
        case Constant(value=int() | str() as value) if expression.type in ("int", "decimal"):
            yield ONE, Fraction(str(value))
        case Binary(operator="+" | "-"):
            sign = 1 if expression.operator == "+" else -1
            yield from linear(expression.left)
            yield from ((part, sign * factor) for part, factor in linear(expression.right))
        case Unary(operator="-"):
            yield from ((part, -factor) for part, factor in linear(expression.operand))
        case _:
            yield expression, Fraction(1)


def known(changes: Sequence[Change]) -> bool:
    """Whether what is added and taken depends on nothing that others may change."""
    return not any(
        isinstance(leaf, Result) and not leaf.step for change in changes for leaf in terms.leaves(change.amount)
    )


def total(changes: Sequence[Change]) -> Expression:
    """The sum as an expression."""
    found: Expression = NOUGHT
    for change in changes:
        found = Binary("+" if change.operator == "+=" else "-", found, change.amount)
    return found


def is_not_nought(changes: Sequence[Change]) -> Formula:
    """The changes come to something."""
    left = summed(changes)
    if not left:
        return FALSE
    return TRUE if set(left) == {ONE} else Atom(Binary("!=", total(changes), NOUGHT))


def is_negative(changes: Sequence[Change]) -> Formula:
    """The changes come to less than nothing."""
    left = summed(changes)
    if set(left) <= {ONE}:
        return TRUE if left.get(ONE, Fraction(0)) < 0 else FALSE
    return Atom(Binary("<", total(changes), NOUGHT))


# --- runs that complete --------------------------------------------------------------------------------------------


def let_go(stage: Stage, hold: Hold, every: Sequence[Hold]) -> Never:
    """In every run that completes, what was taken was let go."""
    first = next((change for change in hold.changes if change.operator == "+="), hold.changes[0])
    text = f"what `{first.step}` holds of `{hold.text}` is let go exactly once in every run that completes"
    claim = Claim("A5", stage.saga.full_name, first.step, text, stage.steps[first.step].call.span)
    return Never(claim, leaking(stage, hold, first, every), proved=Proved(tuple(rests(hold.changes))))


def rests(changes: Sequence[Change]) -> Iterator[str]:
    """What contracts are taken at their word."""
    yield from dict.fromkeys(f"`{change.command}` does what its `changes` say, and nothing else" for change in changes)


def leaking(stage: Stage, hold: Hold, first: Change, every: Sequence[Hold]) -> Callable[[], Iterator[Case]]:
    """Each way in which the steps can come out that leaves something over, or lets go too much.

    Where the steps that write the record's key alike leave nothing over, no others matter.
    """

    def cases() -> Iterator[Case]:
        passed = both(*(stage.conditions.guard[name] for name in stage.conditions.failing))
        if not any(is_leaking(condition, done) for condition, done in outcomes(stage, hold.changes)):
            yield from unexplored(stage, hold.changes, (), first)
            return
        others = beside(hold, every)
        yield from unexplored(stage, hold.changes, others, first)
        for same, changes in identified(hold, others) if is_explored(stage, hold.changes, others) else ():
            for condition, done in outcomes(stage, changes):
                if is_leaking(condition, done):
                    wrong = both(passed, same, condition, is_not_nought(done))
                    yield Case(wrong, leak(stage, hold, first, done))

    return cases


def is_leaking(condition: Formula, done: Sequence[Change]) -> bool:
    """Something may be left over, as far as the form of the sum says."""
    return condition != FALSE and is_not_nought(done) != FALSE


def is_explored(stage: Stage, changes: Sequence[Change], others: Sequence[Hold]) -> bool:
    """Whether every way in which this can come out is looked at."""
    every = (*changes, *(change for other in others for change in other.changes))
    return known(every) and 2 ** (len(open_guards(stage, every)) + len(others)) <= WAYS_MAX


def unexplored(stage: Stage, changes: Sequence[Change], others: Sequence[Hold], about: Change) -> Iterator[Case]:
    """Nothing is said where an amount is what a record happens to hold, or where there are too many ways."""
    if not is_explored(stage, changes, others):
        is_read = not known((*changes, *(change for other in others for change in other.changes)))
        why = (
            "what is taken is read from a record that others change"
            if is_read
            else "too many steps, with keys or conditions of their own, change one hold"
        )
        yield Case(TRUE, Story(then=(about.step,), subject=about.step), unexplored=why)


def open_guards(stage: Stage, changes: Sequence[Change]) -> Mapping[int, tuple[Formula, Formula]]:
    """The conditions of the steps that may be skipped: when they are done, and when not. Each once."""
    steps = dict.fromkeys(change.step for change in changes)
    conditions = stage.conditions
    return {
        id(conditions.done(step)): (conditions.done(step), conditions.skipped(step))
        for step in steps
        if conditions.skipped(step) != FALSE
    }


def outcomes(stage: Stage, changes: Sequence[Change]) -> Iterator[tuple[Formula, tuple[Change, ...]]]:
    """Each way in which the steps of these changes can be done or skipped, with the changes of those that are done."""
    guards = open_guards(stage, changes)
    if 2 ** len(guards) > WAYS_MAX:
        return
    for choice in product((True, False), repeat=len(guards)):
        chosen = dict(zip(guards, choice, strict=True))
        condition = both(*(guards[number][0 if is_done else 1] for number, is_done in chosen.items()))
        yield condition, tuple(each for each in changes if chosen.get(id(stage.conditions.done(each.step)), True))


def leak(stage: Stage, hold: Hold, first: Change, done: Sequence[Change]) -> Story:
    """The story of a run that completes and still holds something, or has let go too much."""
    skipped = [each for each in hold.changes if each not in done and each.operator == "-="]
    takers = [each for each in done if each.operator == "+="]
    if not takers:
        message = f"a run that completes lets go of `{hold.text}` what it never took"
    elif skipped:
        names = wording.listing(list(dict.fromkeys(each.step for each in skipped)))
        message = f"a run that completes without {names} never lets go what `{first.step}` holds of `{hold.text}`"
    else:
        message = f"a run that completes does not let go just what `{first.step}` holds of `{hold.text}`"
    other = skipped[0] if skipped else None
    guard = None if other is None else stage.steps[other.step].guard
    return Story(
        then=tuple(dict.fromkeys(each.step for each in hold.changes)),
        subject=first.step,
        message=message,
        place=None if guard is None else guard.span,
        place_text="false here",
        help=tuple(leak_help(stage, hold, first, skipped)),
    )


def leak_help(stage: Stage, hold: Hold, first: Change, skipped: Sequence[Change]) -> Iterator[str]:
    for each in skipped:
        yield f"let `{each.step}` run wherever `{first.step}` does"
        yield f"or add a step that lets it go where `{each.step}` is skipped"
        return
    if all(each.operator == "+=" for each in hold.changes):
        yield f"add a step that takes it from `{hold.text}` again: a confirmation, or a release"
    else:
        yield f"let the steps together take from `{hold.text}` just what they add to it"


# --- nothing that was never taken ----------------------------------------------------------------------------------


def backed(stage: Stage, hold: Hold, change: Change, every: Sequence[Hold]) -> Never:
    """A step lets go no more than its run holds by then, and takes no less than nothing."""
    word = "lets go no more than the run holds" if change.operator == "-=" else "takes no less than nothing"
    text = f"`{change.step}` {word} of `{hold.text}`"
    claim = Claim("A5", stage.saga.full_name, change.step, text, stage.steps[change.step].call.span)
    if change.operator == "+=":
        return Never(claim, negative(stage, hold, change), proved=Proved(tuple(rests((change,)))))
    return Never(claim, unbacked(stage, hold, change, every), proved=Proved(tuple(rests(hold.changes))))


def negative(stage: Stage, hold: Hold, change: Change) -> Callable[[], Iterator[Case]]:
    """What is taken is less than nothing."""

    def cases() -> Iterator[Case]:
        yield from unexplored(stage, (change,), (), change)
        wrong = is_negative((change,)) if known((change,)) else FALSE
        if wrong != FALSE:
            yield Case(both(stage.conditions.enabled[change.step], wrong), overdrawn(hold, change, (change,)))

    return cases


def unbacked(stage: Stage, hold: Hold, change: Change, every: Sequence[Hold]) -> Callable[[], Iterator[Case]]:
    """Each way in which the steps before can come out that does not leave the run enough.

    Where the steps that write the record's key alike leave enough, no others matter: they leave enough for themselves.
    """

    def cases() -> Iterator[Case]:
        sure = by_then(stage, hold.changes, change)
        if not any(is_short(condition, (*done, change)) for condition, done in outcomes(stage, sure)):
            yield from unexplored(stage, (*sure, change), (), change)
            return
        others = beside(hold, every)
        yield from unexplored(stage, hold.changes, others, change)
        for same, changes in identified(hold, others) if is_explored(stage, hold.changes, others) else ():
            for condition, done in outcomes(stage, by_then(stage, changes, change)):
                if is_short(condition, (*done, change)):
                    entered = both(stage.conditions.enabled[change.step], same, condition)
                    yield Case(both(entered, is_negative((*done, change))), overdrawn(hold, change, (*done, change)))

    return cases


def is_short(condition: Formula, done: Sequence[Change]) -> bool:
    """There may be too little, as far as the form of the sum says."""
    return condition != FALSE and is_negative(done) != FALSE


def by_then(stage: Stage, changes: Sequence[Change], change: Change) -> tuple[Change, ...]:
    """What the run has surely done by then, and what it may have let go."""
    return tuple(
        each
        for each in changes
        if stage.graph.precedes(each.step, change.step)
        or (each.operator == "-=" and is_beside(stage, each, change))
        or (each.step == change.step and each is not change and each.operator == "-=")
    )


def is_beside(stage: Stage, one: Change, other: Change) -> bool:
    """Neither step comes after the other."""
    return (
        one.step != other.step
        and not stage.graph.precedes(one.step, other.step)
        and not stage.graph.precedes(other.step, one.step)
    )


def overdrawn(hold: Hold, change: Change, done: Sequence[Change]) -> Story:
    """The story of a run that lets go more than it holds."""
    order = dict.fromkeys(each.step for each in done if each.step != change.step)
    story = Story(then=(*order, change.step), subject=change.step, place=change.span, place_text="this")
    if change.operator == "+=":
        return replace(
            story,
            message=f"`{change.step}` may take less than nothing of `{hold.text}`, and so let go what others hold",
            help=(f"bound what is taken: `where {wording.expression(change.amount)} >= 0`",),
        )
    return replace(
        story,
        message=f"`{change.step}` gives back what the run never took of `{hold.text}`",
        help=(
            f"let `{change.step}` come after a step that takes as much, and run only where that one does",
            f"or let `{change.command}` take no more than that",
        ),
    )


# --- runs that turn back -------------------------------------------------------------------------------------------


def remaining(stage: Stage, step: Step) -> Iterator[Never]:
    """What a step that is mitigated, or left, keeps of a hold when the run turns back: nothing."""
    taken = list(changed(stage, step, step.call, stage.deeds.does[step.name].effects))
    if step.remainder is not None and step.remainder.kind == "left" and taken:
        yield returned(stage, step, None, taken)
    for number, handler in enumerate(step.handlers):
        if handler.mitigates:
            given = list(changed(stage, step, handler.call, stage.deeds.undoes[step.name][number].effects))
            if taken or given:
                yield returned(stage, step, handler, [*taken, *given])


def returned(
    stage: Stage, step: Step, handler: Handler | None, found: Sequence[tuple[Effect, tuple[str, Change]]]
) -> Never:
    """In every run that turns back, the step and its undo together take nothing."""
    word = "left" if handler is None else f"mitigated by `{wording.operation(planner.called(handler.call))}`"
    text = f"`{step.name}`, {word}, keeps nothing of what it holds when the run turns back"
    span = step.call.span if handler is None else handler.span
    claim = Claim("A5", stage.saga.full_name, step.name, text, span)
    by_hold: dict[tuple[Place, str], list[Change]] = {}
    for effect, (field, change) in found:
        by_hold.setdefault((effect.place, field), []).append(change)
    guard = TRUE if handler is None else handler_guard(stage.graph, stage.conditions, step, handler)

    def cases() -> Iterator[Case]:
        for (place, field), changes in by_hold.items():
            yield from unexplored(stage, changes, (), changes[0])
            wrong = is_not_nought(changes) if known(changes) else FALSE
            if wrong == FALSE:
                continue
            for condition, story in turning.ways(stage.project, stage.graph, stage.conditions, step.name)():
                yield Case(
                    both(condition, guard, wrong), kept(story, step, handler, Hold(place, field, tuple(changes)))
                )

    rested = tuple(rests([change for _, (_, change) in found]))
    return Never(claim, cases, turning.premise(stage.graph, stage.conditions, step.name), Proved(rested))


def kept(story: Story, step: Step, handler: Handler | None, hold: Hold) -> Story:
    """The story of a run that turns back and still holds something."""
    word = "is left as it is" if handler is None else "is mitigated"
    return replace(
        story,
        subject=step.name,
        message=f"a run that turns back keeps what `{step.name}` holds of `{hold.text}`, which {word}",
        help=(f"let the undo of `{step.name}` take from `{hold.text}` just what the step adds to it",),
    )


# --- states --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """A step that brings a record into a state."""

    step: str
    effect: Effect

    @property
    def target(self) -> str:
        """The state it is in then."""
        return self.effect.change.target

    @property
    def text(self) -> str:
        """The record's resource, by its own name."""
        return self.effect.place.resource.rpartition(".")[2]


def states(stage: Stage) -> Iterator[Never]:
    """A run that completes leaves records `done`; one that turns back leaves none held that it says it leaves."""
    by_place: dict[Place, list[Move]] = {}
    for name in stage.graph.order:
        for effect in stage.deeds.does[name].effects:
            if effect.change.target:
                by_place.setdefault(effect.place, []).append(Move(name, effect))
    for place, moves in by_place.items():
        resource = stage.project.resource(place.resource)
        if resource.done != frozenset(resource.states):
            yield finished(stage, moves, resource)
        for move in moves:
            if any(True for _ in ends(stage, move)):
                text = f"a run that turns back leaves no `{resource.name}` held that `{move.step}` changes"
                yield left_behind(stage, move, resource, text, tuple(ends(stage, move)), command(stage, move))
    for step in stage.saga.steps:
        yield from elsewhere(stage, step)


def elsewhere(stage: Stage, step: Step) -> Iterator[Never]:
    """What the mitigations of a step do to the states of records that the step itself does not move."""
    moved = {effect.place for effect in stage.deeds.does[step.name].effects if effect.change.target}
    for handler, undo in zip(step.handlers, stage.deeds.undoes[step.name], strict=True):
        for effect in undo.effects if handler.mitigates else ():
            if effect.change.target and effect.place not in moved:
                move, resource = Move(step.name, effect), stage.project.resource(effect.place.resource)
                named = wording.operation(planner.called(handler.call))
                text = f"a run that turns back leaves no `{resource.name}` held that `{named}` of `{step.name}` changes"
                guard = handler_guard(stage.graph, stage.conditions, step, handler)
                yield left_behind(stage, move, resource, text, ((guard, move.target),), named)


def finished(stage: Stage, moves: Sequence[Move], resource: Resource) -> Never:
    """In every run that completes, the last state of the record is `done`."""
    allowed = wording.listing(sorted(resource.done), "or") if resource.done else "in no state"
    text = f"a run that completes leaves `{resource.name}` {allowed}, if it changes it"
    claim = Claim("A5", stage.saga.full_name, moves[0].step, text, stage.steps[moves[0].step].call.span)

    def cases() -> Iterator[Case]:
        passed = both(*(stage.conditions.guard[name] for name in stage.conditions.failing))
        for move in moves:
            later = [each for each in moves if moves_on(stage, move, each)]
            stays = both(stage.conditions.done(move.step), *(stage.conditions.skipped(each.step) for each in later))
            if move.target not in resource.done and stays != FALSE:
                yield Case(both(passed, stays), stuck(stage, move, later))

    promised = dict.fromkeys(
        f"`{command(stage, move)}` does what its `changes` say, and nothing else" for move in moves
    )
    return Never(claim, cases, proved=Proved(tuple(promised)))


def command(stage: Stage, move: Move) -> str:
    return wording.operation(planner.called(stage.steps[move.step].call))


def moves_on(stage: Stage, move: Move, other: Move) -> bool:
    """The other step comes after, or can only happen after, since it needs the state."""
    if stage.graph.precedes(move.step, other.step):
        return True
    is_free = other.step != move.step and not stage.graph.precedes(other.step, move.step)
    return is_free and other.effect.change.source == move.target


def ends(stage: Stage, move: Move) -> Iterator[tuple[Formula, str]]:
    """In which state a step that is left, or a mitigation of it, leaves the record; and when it does."""
    step = stage.steps[move.step]
    if step.remainder is not None and step.remainder.kind == "left":
        yield TRUE, move.target
    for number, handler in enumerate(step.handlers):
        if handler.mitigates:
            effects = stage.deeds.undoes[step.name][number].effects
            end = next((each.change.target for each in effects if each.place == move.effect.place), "") or move.target
            yield handler_guard(stage.graph, stage.conditions, step, handler), end


def left_behind(
    stage: Stage, move: Move, resource: Resource, text: str, found: Sequence[tuple[Formula, str]], named: str
) -> Never:
    """A run that turns back leaves the record in a state in which somebody may leave it."""
    claim = Claim("A5", stage.saga.full_name, move.step, text, stage.steps[move.step].call.span)

    def cases() -> Iterator[Case]:
        for guard, end in found:
            if end not in resource.held_states or end == move.effect.change.source:
                continue
            for condition, story in turning.ways(stage.project, stage.graph, stage.conditions, move.step)():
                told = replace(
                    story,
                    subject=move.step,
                    message=f"a run that turns back leaves `{move.text}` `{end}`, which is neither `done` nor `clean`",
                    help=(f"let the undo of `{move.step}` bring it into a state that is `clean`",),
                )
                yield Case(both(condition, guard), told)

    promise = f"`{named}` does what its `changes` say, and nothing else"
    return Never(claim, cases, proved=Proved((promise,)))


def stuck(stage: Stage, move: Move, later: Sequence[Move]) -> Story:
    """The story of a run that completes and leaves the record where nobody may leave it."""
    names = list(dict.fromkeys(each.step for each in later))
    without = f" without {wording.listing(names)}" if names else ""
    guard = stage.steps[names[0]].guard if names else None
    nexts = tuple(f"let `{name}` run wherever `{move.step}` does" for name in names[:1])
    return Story(
        then=tuple(dict.fromkeys((move.step, *names))),
        subject=move.step,
        message=f"a run that completes{without} leaves `{move.text}` `{move.target}`, which is not `done`",
        place=None if guard is None else guard.span,
        place_text="false here",
        help=(*nexts, f"or declare `{move.target}` `done`, if a completed run may leave it so"),
    )

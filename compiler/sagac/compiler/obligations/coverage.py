"""A2, coverage: every effect of a run that can still be turned back has exactly one undo; and no undo is dead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

from sagac.compiler import planner, wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Handler, Project, Remainder, Saga, Step
from sagac.compiler.obligations import turning
from sagac.compiler.obligations.conditions import Conditions, free
from sagac.compiler.obligations.obligation import Case, Never, Obligation, Settled, Sometimes, Story
from sagac.compiler.source import Span
from sagac.compiler.terms import FALSE, TRUE, Formula, both, either, lower, negation
from sagac.compiler.verdicts import Claim, Proved, Refuted, Situation
from sagac.runtime.plan import Plan, Status


def owe(project: Project, saga: Saga, graph: Graph, conditions: Conditions, plan: Plan) -> tuple[Obligation, ...]:
    """One claim for each step with an effect, and one for each that may have a dead compensation."""
    effects = [step for step in saga.steps if project.operation(step.call).kind == "command"]
    doubts = {step.name: step.doubt for step in plan.steps}
    needed = functools.partial(is_needed, graph, conditions, unguarded(graph, conditions))
    return (
        *(covered(project, saga, graph, conditions, step) for step in effects if not is_final(step)),
        *(
            alive(project, saga, graph, conditions, step)
            for step in effects
            if step.handlers and doubts[step.name] != "revoke" and not needed(step)
        ),
    )


def is_final(step: Step) -> bool:
    """A step that nobody expects to be undone; what that needs is recoverability's claim."""
    return not step.handlers and (step.pivot or (step.remainder is not None and step.remainder.kind == "irreversible"))


def covered(project: Project, saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Obligation:
    """The claim for one step, by what it declares."""
    claim = Claim(
        "A2", saga.full_name, step.name, f"the effect of `{step.name}` is undone exactly once", step.name_span
    )
    match step.remainder:
        case None if step.handlers and step.pivot:
            return Settled(claim, Proved())
        case None if step.handlers:
            premise = turning.premise(graph, conditions, step.name)
            unrefused = Proved(tuple(unrefusable(project, step)))
            return Never(claim, undo_cases(project, graph, conditions, step), premise, unrefused)
        case None:
            premise = turning.premise(graph, conditions, step.name)
            return Never(claim, uncovered_cases(project, graph, conditions, step), premise)
        case Remainder() if step.handlers:
            return Settled(claim, said_twice(step, step.remainder))
        case Remainder(kind="left"):
            return Settled(claim, Proved((f"the effect of `{step.name}` may stay: {step.remainder.because}",)))
        case _:
            return undone_by(project, graph, conditions, claim, step, step.remainder)


# --- no undo at all ------------------------------------------------------------------------------------------------


def uncovered_cases(project: Project, graph: Graph, conditions: Conditions, step: Step) -> Callable[[], Iterator[Case]]:
    """The run is turned while the step is done, and nothing undoes it."""

    def cases() -> Iterator[Case]:
        for condition, story in turning.ways(project, graph, conditions, step.name)():
            yield Case(condition, uncovered(step, story, conditions))

    return cases


def uncovered(step: Step, story: Story, conditions: Conditions) -> Story:
    return replace(
        story,
        message=f"nothing undoes `{step.name}` when {turned(story)}",
        place=place(story, conditions),
        place_text=place_text(story),
        help=(
            f"say how it is undone: `compensate …` in `{step.name}`",
            'or why not: `mitigate …`, `undone by … because "…"`, `left because "…"`',
            "or let it come after the pivot, where the run only goes forward",
        ),
    )


def turned(story: Story) -> str:
    """What turns the run, in words."""
    if story.cancelled:
        return "the run is cancelled"
    return f"`{story.failed}` fails" if story.failed else f"the answer of `{story.unknown}` is lost"


def place(story: Story, conditions: Conditions) -> Span | None:
    """Where the step stands that turns the run."""
    return conditions.steps[story.other].name_span if story.other else None


def place_text(story: Story) -> str:
    return "this can fail" if story.other else ""


# --- guarded undos -------------------------------------------------------------------------------------------------


def undo_cases(project: Project, graph: Graph, conditions: Conditions, step: Step) -> Callable[[], Iterator[Case]]:
    """The run is turned while the step is done, and no undo of it applies, or two do."""
    guards = [handler_guard(graph, conditions, step, handler) for handler in step.handlers]
    none = negation(either(*guards))
    pairs = [
        (both(guards[one], guards[two]), step.handlers[one], step.handlers[two])
        for two in range(len(guards))
        for one in range(two)
    ]

    def cases() -> Iterator[Case]:
        if none == FALSE and all(pair == FALSE for pair, _, _ in pairs):
            return
        done = conditions.enabled[step.name]
        lacking = both(done, none)
        doubled = [both(done, pair) for pair, _, _ in pairs]
        for condition, story in turning.ways(project, graph, conditions, step.name)():
            yield Case(both(condition, none), none_applies(step, story), lacking)
            for (pair, one, two), needs in zip(pairs, doubled, strict=True):
                yield Case(both(condition, pair), two_apply(step, story, one, two), needs)

    return cases


def unrefusable(project: Project, step: Step) -> Iterator[str]:
    """An undo that is refused is held (R8): what has to be true of those that declare a failure.

    That what its `changes` check holds when it comes is proved elsewhere (B1, B5); that nothing else refuses it is not.
    """
    for handler in step.handlers:
        operation, name = project.operation(handler.call), wording_of(handler)
        failures = " or ".join(f"`{failure}`" for failure in operation.fails)
        if handler.refusal:
            yield f"a person settles a refusal of `{name}`"
        elif failures and any(change.source or change.requires for change in operation.changes):
            yield f"`{name}` answers {failures} only where what its `changes` check does not hold"
        elif failures:
            yield f"`{name}` does not answer {failures} as an undo"


def handler_guard(graph: Graph, conditions: Conditions, step: Step, handler: Handler) -> Formula:
    """When a compensation applies, of a step that is done."""

    def status(status: Status) -> Formula:
        if status.step == step.name:
            return conditions.own_status(status)
        return conditions.status(status) if graph.precedes(status.step, step.name) else free(status)

    return TRUE if handler.guard is None else lower(handler.guard.condition, status)


def none_applies(step: Step, story: Story) -> Story:
    guard = step.handlers[0].guard
    return replace(
        story,
        message=f"no compensation of `{step.name}` applies when {turned(story)}",
        place=None if guard is None else guard.span,
        place_text="false here",
        help=(
            f"add a `compensate … when …` to `{step.name}` for what is left over",
            "or drop the `when` of the last one",
        ),
    )


def two_apply(step: Step, story: Story, one: Handler, two: Handler) -> Story:
    return replace(
        story,
        message=f"two compensations of `{step.name}` apply at once: `{wording_of(one)}` and `{wording_of(two)}`",
        place=two.span,
        place_text="this one applies too",
        help=("make their `when` exclusive, so that exactly one applies",),
    )


def wording_of(handler: Handler) -> str:
    """A compensation's command as the author wrote it."""
    return wording.operation(planner.called(handler.call))


def said_twice(step: Step, remainder: Remainder) -> Refuted:
    return Refuted(
        Situation(order=(step.name,), subject=step.name),
        f"`{step.name}` has both a compensation and `{remainder.kind}`",
        step.handlers[0].span,
        "its compensation",
        ("keep the one that is meant: an effect has exactly one of them",),
    )


# --- undone by another step's undo ---------------------------------------------------------------------------------


def undone_by(
    project: Project, graph: Graph, conditions: Conditions, claim: Claim, step: Step, remainder: Remainder
) -> Obligation:
    """The other step comes before, ran whenever this one did, and has an undo of its own."""
    other = conditions.steps.get(remainder.step)
    if other is None or not graph.precedes(other.name, step.name) or not other.handlers:
        lacks = "does not come before it" if other is None or other.handlers else "has no compensation"
        return Settled(
            claim,
            Refuted(
                Situation(order=graph.closure(step.name), cancelled=True, subject=step.name, other=remainder.step),
                f"`{step.name}` cannot be undone by `{remainder.step}`, which {lacks}",
                remainder.span,
                "said here",
                (f"name a step with a compensation that `{step.name}` comes after",),
            ),
        )
    needs = both(conditions.enabled[step.name], conditions.skipped(other.name))

    def cases() -> Iterator[Case]:
        for condition, story in turning.ways(project, graph, conditions, step.name)() if needs != FALSE else ():
            yield Case(
                both(condition, conditions.skipped(other.name)), other_skipped(step, other, story, remainder), needs
            )

    return Never(claim, cases)  # that the other undo takes this effect back too is B1


def other_skipped(step: Step, other: Step, story: Story, remainder: Remainder) -> Story:
    return replace(
        story,
        other=story.other or other.name,
        message=f"`{step.name}` can run where `{other.name}`, whose undo should remove its effect, is skipped",
        place=remainder.span,
        place_text="said here",
        help=(f"guard `{step.name}` at least as tightly as `{other.name}`", "or give it a compensation of its own"),
    )


# --- dead compensations --------------------------------------------------------------------------------------------


def is_needed(graph: Graph, conditions: Conditions, always: int, step: Step) -> bool:
    """Whether a cancel can always come in time: every pivot comes after the step; or, without one, some step does that
    is never skipped, or is under way beside it."""
    if conditions.pivots:
        return all(graph.precedes(step.name, pivot) for pivot in conditions.pivots)
    place = graph.number[step.name]
    return bool(always & ~(graph.ancestors[place] | 1 << place))


def unguarded(graph: Graph, conditions: Conditions) -> int:
    """The steps that run in every run, as a set."""
    return sum(1 << graph.number[name] for name, step in conditions.steps.items() if step.guard is None)


def alive(project: Project, saga: Saga, graph: Graph, conditions: Conditions, step: Step) -> Sometimes:
    """Some run that has the step done is turned back."""
    claim = Claim(
        "A2",
        saga.full_name,
        step.name,
        f"the compensation of `{step.name}` is needed in some run",
        step.handlers[0].span,
    )
    found = tuple(turning.ways(project, graph, conditions, step.name)()) if not step.pivot else ()
    condition = either(*(condition for condition, _ in found))
    return Sometimes(
        claim,
        condition,
        Story(then=(step.name,), cancelled=True, subject=step.name),
        f"the compensation of `{step.name}` can never run: {why_dead(conditions)}",
        revivals(conditions, step),
        code="W701",
    )


def why_dead(conditions: Conditions) -> str:
    """Why an undo is never needed."""
    if conditions.pivots:
        return "from the point of no return on, nothing is undone"
    return "with it the run is complete, and a complete run is not undone"


def revivals(conditions: Conditions, step: Step) -> tuple[str, ...]:
    """What to write in its place, or what gives it a use."""
    if conditions.pivots:
        return f"drop the `compensate` of `{step.name}`", "or let the pivot come after it"
    return f'write `left because "…"` in `{step.name}` in its place', "or let a step that can fail come after it"

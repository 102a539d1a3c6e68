"""The proofs of a saga: every family's obligations, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sagac.compiler import actions, breaches, courses, footing, prover, silence, stories, surroundings, terms
from sagac.compiler.actions import Deeds
from sagac.compiler.graph import Graph
from sagac.compiler.model import Project, Saga
from sagac.compiler.obligations import (
    arithmetic,
    assignment,
    choices,
    commutation,
    conditions,
    coverage,
    ensures,
    hold_time,
    holds,
    idempotence,
    invariants,
    inverse,
    isolation,
    keys,
    liveness,
    lock_order,
    preconditions,
    progress,
    recoverability,
    retention,
    reverse_order,
    rules,
    stability,
    transport,
    unknown_outcomes,
    windows,
)
from sagac.compiler.obligations.conditions import Conditions
from sagac.compiler.obligations.obligation import Case, Kept, Never, Obligation, Settled, Sometimes, Story
from sagac.compiler.prover import Question
from sagac.compiler.terms import Formula, Valuation, both
from sagac.compiler.verdicts import Judgement, Proved, Refuted, Situation, Undecided, Vacuous, Verdict
from sagac.runtime.plan import Input, Plan, Result

REMEMBERED: Final = 8
"""So many values are kept complete, and tried as a witness before the solver is asked."""

UNKNOWN: Final = "the solver gave up within its limit"
UNCONFIRMED: Final = "no values were found that show it: it may need a decimal without end, or a very long list"


@dataclass(slots=True)
class Scene:
    """Everything that the claims about one saga are judged with."""

    project: Project
    saga: Saga
    graph: Graph
    conditions: Conditions
    question: Question
    read: tuple[Input | Result, ...]
    """What the guards read, those of undos too."""
    seen: list[Valuation] = field(default_factory=list)
    """Values of earlier witnesses."""
    complete: list[Valuation] = field(default_factory=list)
    """The first of them, with plain values for whatever else a guard reads: most conditions are met by one of these."""
    truths: list[dict[int, bool]] = field(default_factory=list)
    """What is known of each formula with each of these; the question keeps every formula that it has numbered."""
    runs: dict[int, Situation] = field(default_factory=dict)
    """The undisturbed run with each of the values."""
    witnessed: dict[int, int] = field(default_factory=dict)
    """Which of the values meet a condition, by the condition's number."""
    shapes: set[str] = field(default_factory=set)
    """The shapes of claims about effects that are proved."""


def judge(
    project: Project, saga: Saga, graph: Graph, plan: Plan, deeds: Mapping[str, Deeds] | None = None
) -> tuple[Judgement, ...]:
    """The verdict on every claim about a saga; `plan` is the plan as read back from the emitted module.

    `deeds` are those of every saga of the project, by full name, each the environment of the others; without them the
    saga is alone.

    Where the plan is not one of this saga, or no input is possible, that is the only judgement; and of a step that
    never runs, only that is judged: a claim about nothing would be proved, and worth nothing.
    """
    odd = reverse_order.complete(saga, plan)
    if odd is not None:
        return (Judgement(reverse_order.whole_claim(saga), odd),)
    known = conditions.of(project, saga, graph, plan)
    world = {saga.full_name: actions.of(project, saga, graph)} if deeds is None else deeds
    read = stories.read(guards(saga, graph, known))
    scene = Scene(project, saga, graph, known, prover.ask(project, saga, known.premise), read)
    premise = decide(scene, liveness.premise(saga, known))
    if not is_shown(premise):
        return (premise,)
    witnessing(scene, both(*(known.guard[step.name] for step in saga.steps if step.otherwise_fails)))
    lively = tuple(decide(scene, obligation) for obligation in liveness.owe(saga, graph, known))
    dead = frozenset(judgement.claim.step for judgement in lively if is_dead(judgement))
    lively = tuple(judgement for judgement in lively if not is_behind(scene, judgement, dead))
    rest = tuple(
        decide(scene, obligation)
        for obligation in footing.standing(
            silence.supposed(owed(project, saga, graph, known, plan, world), saga, silence.promises(project)),
            project,
            saga,
        )
        if obligation.claim.step not in dead
    )
    return premise, *lively, *rest


def guards(saga: Saga, graph: Graph, known: Conditions) -> Iterator[Formula]:
    """Every `when`: of steps and of their undos."""
    yield from known.guard.values()
    for step in saga.steps:
        yield from (coverage.handler_guard(graph, known, step, handler) for handler in step.handlers if handler.guard)


def owed(
    project: Project, saga: Saga, graph: Graph, known: Conditions, plan: Plan, deeds: Mapping[str, Deeds]
) -> tuple[Obligation, ...]:
    """All that is owed beside liveness."""
    others = tuple(each for name, each in deeds.items() if name != saga.full_name)
    stage = courses.stage(project, graph, known, deeds[saga.full_name], others)
    around = surroundings.of(project, deeds)
    return (
        *recoverability.owe(project, saga, graph, known),
        *coverage.owe(project, saga, graph, known, plan),
        *reverse_order.owe(project, saga, graph, plan),
        *unknown_outcomes.owe(project, saga, graph, known, plan),
        *assignment.owe(project, saga, graph, known, plan),
        *progress.owe(saga, plan),
        *keys.owe(project, saga, plan),
        *retention.owe(project, saga, graph, known, plan),
        *hold_time.owe(project, saga, graph, known, plan),
        *arithmetic.owe(project, saga, plan),
        *lock_order.owe(project, saga),
        *windows.owe(saga, graph, known, plan),
        *choices.owe(saga, known),
        *rules.owe(saga, known),
        *holds.owe(stage),
        *idempotence.owe(stage, plan),
        *inverse.owe(stage),
        *commutation.owe(saga, graph, known, around),
        *transport.owe(saga, graph, known, around),
        *isolation.owe(saga, graph, known, around),
        *stability.owe(saga, graph, known, around),
        *preconditions.owe(stage),
        *invariants.owe(stage),
        *ensures.owe(stage),
    )


def is_shown(judgement: Judgement) -> bool:
    return not isinstance(judgement.verdict, Vacuous | Undecided)


def is_dead(judgement: Judgement) -> bool:
    """The claim that a step runs has failed."""
    return isinstance(judgement.verdict, Vacuous) and judgement.claim.text.startswith("some run reaches")


def is_behind(scene: Scene, judgement: Judgement, dead: frozenset[str]) -> bool:
    """Nothing more is said of a dead step; nor of one that is dead only because another one always fails before."""
    step = judgement.claim.step
    if step not in dead:
        return False
    return not is_dead(judgement) or prover.possible(scene.question, scene.conditions.entry[step]) == "impossible"


# --- verdicts ------------------------------------------------------------------------------------------------------


def decide(scene: Scene, obligation: Obligation) -> Judgement:
    """An obligation with its verdict."""
    match obligation:
        case Settled():
            return Judgement(obligation.claim, obligation.verdict)
        case Never():
            return Judgement(obligation.claim, refutation(scene, obligation))
        case Sometimes():
            return shown(scene, obligation)
        case Kept():
            return Judgement(obligation.claim, kept(scene, obligation))


def kept(scene: Scene, obligation: Kept) -> Verdict:
    """The verdict on a claim about effects; one of a shape that is proved needs no question of its own."""
    if obligation.shape in scene.shapes:
        return Proved(obligation.rests_on, obligation.shallow)
    verdict = breaches.judged(obligation)
    # What a proof rests on besides is told in words that another claim of the shape may have to say otherwise.
    is_plain = obligation.shape and verdict == Proved(obligation.rests_on, obligation.shallow)
    if is_plain and breaches.is_proved_by_its_shape(obligation):
        scene.shapes.add(obligation.shape)
    return verdict


def refutation(scene: Scene, obligation: Never) -> Verdict:
    """The first case that can happen, if any does."""
    if is_impossible(scene, obligation.premise):
        return obligation.proved
    undecided: Verdict | None = None
    for case in obligation.cases():
        if case.unexplored:
            undecided = undecided or Undecided(case.unexplored)
            continue
        if is_impossible(scene, case.needs):
            continue
        answer = prover.possible(scene.question, case.condition)
        if answer == "impossible":
            continue
        if answer == "possible":
            valuation = prover.witness(scene.question, case.condition)
            if valuation is not None:
                return refuted(scene, case, valuation)
        undecided = undecided or Undecided(UNKNOWN if answer == "unknown" else UNCONFIRMED)
    return undecided or obligation.proved


def is_impossible(scene: Scene, condition: Formula) -> bool:
    """No run meets the condition; the solver is asked only where no earlier witness meets it."""
    return remembered(scene, condition) is None and prover.possible(scene.question, condition) == "impossible"


def refuted(scene: Scene, case: Case, valuation: Valuation) -> Refuted:
    story = case.story
    if case.critical is not None:
        return Refuted(case.critical, story.message, story.place, story.place_text, story.help)
    situation = stories.told(scene.graph, scene.conditions, scene.saga.types, story, valuation)
    return Refuted(situation, story.message, story.place, story.place_text, story.help)


def shown(scene: Scene, obligation: Sometimes) -> Judgement:
    """The claim with its witness."""
    place = witnessing(scene, obligation.condition)
    if place is not None:
        return Judgement(obligation.claim, Proved(), witness_of(scene, obligation.story, place))
    return Judgement(obligation.claim, unseen(scene, obligation))


def unseen(scene: Scene, obligation: Sometimes) -> Verdict:
    """Why there is no witness."""
    match prover.possible(scene.question, obligation.condition):
        case "impossible":
            return Vacuous(obligation.message, obligation.help, obligation.code)
        case "unknown":
            return Undecided(UNKNOWN)
        case "possible":
            return Undecided(UNCONFIRMED)


def witnessing(scene: Scene, condition: Formula) -> int | None:
    """Which of the values meet the condition; new ones where none do."""
    place = remembered(scene, condition)
    if place is not None:
        return place
    valuation = prover.witness(scene.question, condition, plain=len(scene.seen) < REMEMBERED)
    if valuation is None:
        return None
    scene.seen.append(valuation)
    if len(scene.seen) <= REMEMBERED:
        scene.complete.append(stories.with_plain(scene.saga.types, scene.read, valuation))
        scene.truths.append({})
    scene.witnessed[prover.number(scene.question, condition)] = len(scene.seen) - 1
    return len(scene.seen) - 1


def remembered(scene: Scene, condition: Formula) -> int | None:
    """Which of the first values meet the condition."""
    key = prover.number(scene.question, condition)
    if key not in scene.witnessed:
        for place, valuation in enumerate(scene.complete):
            if terms.holds(condition, valuation, scene.truths[place]):
                scene.witnessed[key] = place
                break
    return scene.witnessed.get(key)


def witness_of(scene: Scene, story: Story, place: int) -> Situation:
    """A run that shows the story; an undisturbed one witnesses other claims too."""
    valuation = scene.complete[place] if place < REMEMBERED else scene.seen[place]
    if story.failed or story.cancelled:
        return stories.disturbed(scene.graph, story, valuation)
    if place not in scene.runs:
        scene.runs[place] = stories.undisturbed(valuation)
    return scene.runs[place]

"""A refutation as a run that a person can follow: replayed on the kernel, and believed only if it happens there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sagac.compiler import codes, fault, harm, leaks, rehearsal, timeline, values, violation
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.model import Project, Saga
from sagac.compiler.rehearsal import Row
from sagac.compiler.replay import (
    Answer,
    Moments,
    Unreplayable,
    begun,
    exhaust,
    now,
    ready,
    refuse,
    settle,
    state,
    succeed,
    then,
    with_locks,
)
from sagac.compiler.source import Span
from sagac.compiler.verdicts import (
    Act,
    Claim,
    Critical,
    History,
    Judgement,
    Refuted,
    Side,
    Situation,
    Undecided,
    Vacuous,
)
from sagac.runtime.commands import Send
from sagac.runtime.events import Answered, Cancelled, Outcome
from sagac.runtime.plan import Plan, Wire
from sagac.runtime.run import Run

OF_RECORDS: Final = frozenset({"B1", "B2", "B3", "B4", "B5", "B6", "B7", "C2", "D4", "F"})
"""What is claimed of these is about what commands do to records, more than about conditions."""

UNSENT: Final = frozenset({"pending", "skipped", "held"})

SEARCHED_MAX: Final = 50
"""In a saga of more steps than this only the situation itself is tried."""

SHOWN_MIN: Final = 10
REPLAYED_STEPS_MAX: Final = 50_000
"""A replay costs more the longer the saga is: so many steps are replayed in all, but for the first refutations."""

ENOUGH: Final = "not replayed: many refutations of this saga come before it"

CHOICES_MAX: Final = 64
"""How many other choices of values are tried."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A refutation that happened on the kernel: the run, event by event, and its story."""

    moments: Moments
    trace: tuple[str, ...]


def confirm(
    judgements: Sequence[Judgement], project: Project, plans: Mapping[str, Plan]
) -> tuple[tuple[Judgement, ...], tuple[Diagnostic, ...]]:
    """The judgements, with each refutation that does not replay as undecided; and a finding for each that needs one.

    A refutation that does not replay is no finding of its own in a saga that has others: mostly these are what stands
    in its way, and it comes true or goes away with them.
    """
    sagas = {saga.full_name: saga for saga in project.sagas}
    told: list[tuple[Judgement, tuple[str, ...]]] = []
    shown: Counter[str] = Counter()
    for judgement in judgements:
        saga, plan = sagas[judgement.claim.saga], plans[judgement.claim.saga]
        if isinstance(judgement.verdict, Refuted) and shown[saga.full_name] >= shown_max(plan):
            told.append((replace(judgement, verdict=Undecided(ENOUGH)), ()))
            continue
        told.append(believed(judgement, project, saga, plans))
        shown[saga.full_name] += isinstance(told[-1][0].verdict, Refuted)
    wrong = {after.claim.saga for after, _ in told if isinstance(after.verdict, Refuted)}
    found = [
        one
        for before, (after, trace) in zip(judgements, told, strict=True)
        if not parted(before, after) or after.claim.saga not in wrong
        for one in finding(after, trace)
    ]
    return tuple(after for after, _ in told), tuple(found)


def parted(before: Judgement, after: Judgement) -> bool:
    """A refutation was not believed."""
    return isinstance(before.verdict, Refuted) and not isinstance(after.verdict, Refuted)


def shown_max(plan: Plan) -> int:
    """How many refutations of one saga are replayed."""
    return max(SHOWN_MIN, REPLAYED_STEPS_MAX // max(1, len(plan.steps)))


def believed(
    judgement: Judgement, project: Project, saga: Saga, plans: Mapping[str, Plan]
) -> tuple[Judgement, tuple[str, ...]]:
    """The judgement with its story; undecided where the kernel disagrees."""
    if not isinstance(judgement.verdict, Refuted):
        return judgement, ()
    try:
        trace = replayed(judgement, judgement.verdict, project, saga, plans).trace
        return replace(judgement, verdict=blamed(judgement.claim, judgement.verdict, project, plans)), trace
    except Unreplayable as parted:
        return replace(judgement, verdict=Undecided(f"the run that was found does not break it: {parted}")), ()


def blamed(claim: Claim, refuted: Refuted, project: Project, plans: Mapping[str, Plan]) -> Refuted:
    """The refutation with the clauses at fault, where it is about effects."""
    if not isinstance(refuted.situation, History):
        return refuted
    history = refuted.situation
    told = replace(history, sides=tuple(whole(side, project, plans) for side in history.sides))
    return replace(refuted, also=fault.clauses(claim, told, project))


def explain(judgement: Judgement, project: Project, saga: Saga, plan: Plan) -> Replayed | None:
    """The run that shows a refutation; `None` for another verdict, or where the kernel disagrees."""
    if not isinstance(judgement.verdict, Refuted):
        return None
    try:
        return replayed(judgement, judgement.verdict, project, saga, {saga.full_name: plan})
    except Unreplayable:
        return None


def replayed(
    judgement: Judgement, refuted: Refuted, project: Project, saga: Saga, plans: Mapping[str, Plan]
) -> Replayed:
    """The situation as a run of the kernel in which the claim is broken; raises `Unreplayable` where it is not."""
    situation, plan = refuted.situation, plans[saga.full_name]
    if isinstance(situation, Critical):
        return Replayed((), situation.lines)
    if isinstance(situation, History):
        return rehearsed(judgement.claim, situation, project, plans)
    if judgement.claim.family == "A3" and not situation.order:
        return Replayed((), ())  # the plan itself is not the saga's: there is no run to show
    try:
        return replayed_as(situation, judgement, project, saga, plan)
    except Unreplayable as parted:
        found = first(others(situation, judgement.claim, project, saga, plan), judgement, project, saga, plan)
        if found is None:
            raise parted from None
        return found


def first(
    situations: Iterable[Situation], judgement: Judgement, project: Project, saga: Saga, plan: Plan
) -> Replayed | None:
    """The first of these situations that replays."""
    for situation in situations:
        try:
            return replayed_as(situation, judgement, project, saga, plan)
        except Unreplayable:
            continue
    return None


def replayed_as(situation: Situation, judgement: Judgement, project: Project, saga: Saga, plan: Plan) -> Replayed:
    moments = enact(situation, project, saga, plan)
    consequence = seen(judgement.claim, situation, moments, project, saga)
    keep = frozenset({situation.subject, situation.other, situation.unknown, *situation.failed}) - {""}
    further = tuple(f"  {event}" for event in situation.events)
    return Replayed(moments, (*timeline.tell(moments, keep=keep), *consequence, *further))


def seen(claim: Claim, situation: Situation, moments: Moments, project: Project, saga: Saga) -> tuple[str, ...]:
    """What is wrong with the run, in words."""
    if claim.family == "A5":
        return leaks.seen(claim, moments, project)
    return violation.seen(claim, situation, moments, saga)


def others(situation: Situation, claim: Claim, project: Project, saga: Saga, plan: Plan) -> Iterator[Situation]:
    """Like situations with other values: a guard beside the story may have failed the run too early in the first one.

    Of a wrong undo order also with another second step: what it breaks may lie behind one that has nothing to undo.
    """
    if len(plan.steps) > SEARCHED_MAX:
        return
    try:
        choices = values.choices(saga, plan, saga.types, {})
    except values.TooMany:
        return
    for told in (situation, *(reversals(situation, saga, plan) if claim.family == "A3" else ())):
        for choice in choices[:CHOICES_MAX]:
            yield replace(told, input=choice.input, results=choice.results)


def reversals(situation: Situation, saga: Saga, plan: Plan) -> Iterator[Situation]:
    """Each run in which the step and one that comes after it are both done, and then undone."""
    for other in violation.later(saga, situation.subject):
        before = [step.name for step in plan.steps if other in violation.later(saga, step.name)]
        yield replace(situation, order=(*before, other), other=other)


# --- effects -------------------------------------------------------------------------------------------------------


def rehearsed(claim: Claim, history: History, project: Project, plans: Mapping[str, Plan]) -> Replayed:
    """The history on concrete records, by runs that the kernel allows; raises `Unreplayable` where it shows nothing.

    The moments are those of the run that the claim is about.
    """
    told = replace(history, sides=tuple(whole(side, project, plans) for side in history.sides))
    found = rehearsal.rehearse(told, project)
    if not rehearsal.lawful(project, found.before, rehearsal.keys_of(project, told)):
        raise Unreplayable("no record can be like that")
    are_apart(told, project)
    captured = replace(told, sides=with_captured(told, found.rows))
    moments = tuple(
        run_of(captured, number, project, plans[side.saga])
        for number, side in enumerate(captured.sides)
        if side.saga in plans
    )
    wrong = harm.seen(claim, told, found, project)
    return Replayed(moments[0], (*rehearsal.table(found, project, harm.sides_named(project, told)), *wrong))


def whole(side: Side, project: Project, plans: Mapping[str, Plan]) -> Side:
    """The run's values, with plain ones for what the history leaves open."""
    saga = rehearsal.saga_of(project, side)
    inputs = values.complete(saga, saga.types, side.input)
    if inputs is None:
        raise Unreplayable("no input was found that meets every `where`")
    steps = plans[side.saga].steps if side.saga in plans else ()
    results = {step.name: values.result_of(step, side.results.get(step.name), saga.types) for step in steps}
    return replace(side, input=inputs, results={**side.results, **results})


def are_apart(history: History, project: Project) -> None:
    """No two runs of one saga have the same key."""
    seen: set[tuple[str, ...]] = set()
    for side in history.sides:
        saga = rehearsal.saga_of(project, side)
        types = {given.name: given.type for given in saga.inputs}
        key = (side.saga, *(rehearsal.text(side.input[name], types[name]) for name in saga.key))
        if key in seen:
            raise Unreplayable(f"two runs of `{saga.name}` have the same key")
        seen.add(key)


def with_captured(history: History, rows: Sequence[Row]) -> tuple[Side, ...]:
    """The runs, whose steps have returned what they found in the records."""
    sides = list(history.sides)
    for row in rows:
        if row.act.undo is None and row.captured and not row.refused:
            sides[row.act.side] = rehearsal.with_results(sides[row.act.side], row.act.step, row.captured)
    return tuple(sides)


def run_of(history: History, number: int, project: Project, plan: Plan) -> Moments:
    """The kernel's run with the values of one side, in which all of its acts are sent."""
    side, saga = history.sides[number], rehearsal.saga_of(project, history.sides[number])
    acts = [act for act in (*history.acts, *history.otherwise) if act.side == number]
    done = frozenset(act.step for act in acts)
    needed = frozenset(
        name for name in (step.name for step in saga.steps) if done & {name, *violation.later(saga, name)}
    )
    order = tuple(step.name for step in plan.steps if step.name in needed)
    return first_sent(turns(order, side, acts), acts, project, saga, plan)


def turns(order: tuple[str, ...], side: Side, acts: Sequence[Act]) -> Iterator[Situation]:
    """The run up to its last act; one that undoes something is cancelled then, or loses the last answer."""
    turned = any(act.undo is not None for act in acts)
    yield Situation(order, input=side.input, results=results_of(side), cancelled=turned)
    if turned:
        yield Situation(order[:-1], input=side.input, results=results_of(side), unknown=order[-1], landed=True)


def first_sent(
    situations: Iterable[Situation], acts: Sequence[Act], project: Project, saga: Saga, plan: Plan
) -> Moments:
    """The first of these runs in which all of the acts are sent."""
    parted = Unreplayable("no run was looked at")
    for situation in situations:
        try:
            moments = enact(situation, project, saga, plan)
            for act in acts:
                is_sent(moments[-1].run, act)
        except Unreplayable as reason:
            parted = reason
        else:
            return moments
    raise parted


def is_sent(run: Run, act: Act) -> None:
    """The step is done, and undone by this undo if that is what the act is; else raises `Unreplayable`."""
    action = state(run, act.step)
    if act.undo is None and action.state not in ("succeeded", "revoking"):
        raise Unreplayable(f"`{act.step}` should be done, but the kernel has it as {action.state}")
    if act.undo is not None and (action.undo == "none" or action.undo_index != act.undo):
        raise Unreplayable(f"`{act.step}` should be undone, but the kernel has its undo as {action.undo}")


def results_of(side: Side) -> Mapping[str, Wire]:
    """The results that are there."""
    return {step: result for step, result in side.results.items() if result is not None}


# --- the run -------------------------------------------------------------------------------------------------------


def enact(situation: Situation, project: Project, saga: Saga, plan: Plan) -> Moments:
    """The kernel's run of a situation, up to where nothing but a person is outstanding."""
    choice = completed(situation, project, saga, plan)
    moments = with_locks(begun(plan, choice.input), situation.failed)
    for name in settling(situation):
        if situation.cancelled and name == situation.order[-1] and is_last_call(moments, name, choice.results):
            break
        if not is_settled_already(moments, name):
            moments = settled(moments, name, situation, plan, choice.results)
        moments = with_locks(moments, situation.failed)
    if situation.cancelled:
        moments = then(moments, Cancelled(now(moments)))
    last = frozenset({situation.other}) if situation.other and situation.other not in situation.failed else frozenset()
    return settle(moments, answering(situation), choice.results, present=situation.landed, last=last)


def settling(situation: Situation) -> tuple[str, ...]:
    """Who settles, in order."""
    return tuple(name for name in dict.fromkeys((*situation.order, *situation.failed, situation.unknown)) if name)


def is_last_call(moments: Moments, name: str, results: Mapping[str, Wire]) -> bool:
    """Whether a cancel comes too late once this step has answered: the run ends, or is past the point of no return."""
    if is_settled_already(moments, name):
        return False
    after = succeed(moments, name, results[name])[-1].run
    return after.mode == "completed" or (after.committed and not moments[-1].run.committed)


def completed(situation: Situation, project: Project, saga: Saga, plan: Plan) -> values.Choice:
    """The situation's values, with plain ones for what it leaves open."""
    inputs = values.complete(saga, saga.types, situation.input)
    if inputs is None:
        raise Unreplayable("no input was found that meets every `where`")
    results = {step.name: values.result_of(step, situation.results.get(step.name), saga.types) for step in plan.steps}
    return values.Choice(inputs, results)


def is_settled_already(moments: Moments, name: str) -> bool:
    """Whether a guard has settled the step, so that nobody answers for it."""
    action = state(moments[-1].run, name)
    return action.state in UNSENT or (action.state == "refused" and action.attempt == 0)


def settled(moments: Moments, name: str, situation: Situation, plan: Plan, results: Mapping[str, Wire]) -> Moments:
    """The replay with this step settled as the situation says."""
    timeout_ms = plan.steps[moments[-1].run.layout.position[name]].schedule.timeout_ms
    if name == situation.unknown:
        return unanswered(moments, name, timeout_ms)
    if name not in situation.failed:
        return succeed(moments, name, results[name])
    failure = situation.failed[name]
    return refuse(moments, name, failure) if failure else exhaust(moments, name, "transient", timeout_ms)


def unanswered(moments: Moments, name: str, timeout_ms: int) -> Moments:
    """No attempt of the step is answered: of one that is sent for ever, the first is not."""
    planned = moments[-1].run.plan.steps[moments[-1].run.layout.position[name]]
    if planned.schedule.retries is not None or not planned.idempotent:
        return exhaust(moments, name, "unknown", timeout_ms)
    moments = ready(moments, name)
    at = now(moments) + timeout_ms
    return then(moments, Answered(name, "do", 1, "unknown", at, detail="nobody knows whether it took effect"))


def answering(situation: Situation) -> Answer:
    """What the calls come to that are still under way when all has settled that the situation settles."""
    told = frozenset({*situation.order, situation.subject, situation.other})

    def answer(run: Run, command: Send) -> Outcome:
        if situation.undo_lost and command.direction == "undo" and command.step == situation.subject:
            return "unknown"
        # What else was under way when the run turned is not part of the story.
        beside = command.step not in told and not state(run, command.step).unanswered
        return "transient" if command.direction == "do" and run.mode == "unwinding" and beside else "succeeded"

    return answer


# --- the finding ---------------------------------------------------------------------------------------------------


def finding(judgement: Judgement, trace: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """What a judgement that is no proof says to the author."""
    claim, verdict = judgement.claim, judgement.verdict
    match verdict:
        case Refuted():
            return (
                codes.finding(
                    claim.family,
                    verdict.message,
                    claim.span,
                    *other_places(claim, verdict),
                    help=verdict.help,
                    trace=trace,
                    saga=claim.saga,
                    step=claim.step,
                ),
            )
        case Vacuous():
            return (
                codes.finding(
                    verdict.code or claim.family,
                    verdict.message,
                    claim.span,
                    help=verdict.help,
                    saga=claim.saga,
                    step=claim.step,
                ),
            )
        case Undecided():
            return (undecided(judgement, verdict),)
        case _:
            return ()


def other_places(claim: Claim, refuted: Refuted) -> Iterator[Label]:
    """The other places that matter, each once: of one that has another one in it only that."""
    known = {place: text for place, text in refuted.also if place != claim.span}
    if refuted.other is not None:
        known[refuted.other] = refuted.other_text
    for place, text in sorted(known.items()):
        if not any(is_within(inner, place) for inner in known if inner != place):
            yield Label(place, text)


def is_within(inner: Span, outer: Span) -> bool:
    return inner.file == outer.file and outer.start <= inner.start and inner.end <= outer.end


def undecided(judgement: Judgement, verdict: Undecided) -> Diagnostic:
    claim = judgement.claim
    return codes.finding(
        "S120",
        f"undecided: {claim.text}",
        Label(claim.span, verdict.reason),
        help=decidable(claim),
        saga=claim.saga,
        step=claim.step,
    )


def decidable(claim: Claim) -> str:
    """What to write so that a claim of its kind is decided."""
    if claim.family == "C1":
        return f"write `on unknown hold` in `{claim.step}`: a person settles it; what is undecided fails the check"
    if claim.family in OF_RECORDS:
        return "say more in the contracts, or order the steps that meet here; what is undecided fails the check"
    return "simplify the conditions that meet here; what is undecided fails the check"

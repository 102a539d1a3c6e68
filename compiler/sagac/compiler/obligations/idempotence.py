"""C2, idempotence: what the plan may send twice is one effect, by the key that the service keeps or by what it does.

By what it does: a second landing changes no record, is not refused, and finds what the first one found. That holds only
while nothing else has happened in between: the kernel waits out `lands within` before it goes on (R3), and B4 says that
no other run's effect is undone by a late copy. What the plan never sends again needs neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagac.compiler import encoding, histories, planner, records, wording
from sagac.compiler.actions import Action, Deeds
from sagac.compiler.courses import Stage
from sagac.compiler.logic import Term, Value, both, negation
from sagac.compiler.model import Call, Project, Step
from sagac.compiler.obligations import inverse
from sagac.compiler.obligations.obligation import Breach, Kept, Obligation, Premise, Settled
from sagac.compiler.records import World
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Act, Assumed, Claim, History, Proved, Refuted, Undecided, Verdict
from sagac.compiler.wording import duration
from sagac.runtime import plan
from sagac.runtime.plan import Plan


def owe(stage: Stage, planned: Plan) -> tuple[Obligation, ...]:
    """A claim for each call with an effect that the plan may send again once its answer is lost."""
    steps = {step.name: step for step in planned.steps}
    return tuple(
        obligation
        for step in stage.saga.steps
        if stage.project.operation(step.call).kind == "command"
        for obligation in of_step(stage, step, steps[step.name])
    )


def of_step(stage: Stage, step: Step, planned: plan.Step) -> Iterator[Obligation]:
    """The do, and each undo."""
    if planned.idempotent:
        yield by_key(stage, step, step.call, step.call.span, "and a refusal answers its key for good")
    elif planned.idempotent_by_effect or would_be_sent_again(stage, step, planned):
        yield by_effect(stage, step, planned)
    for handler, undo in zip(step.handlers, planned.undos, strict=True):
        if undo.idempotent or undo.revokes:
            yield by_key(stage, step, handler.call, handler.span, "a second call changes nothing")


def would_be_sent_again(stage: Stage, step: Step, planned: plan.Step) -> bool:
    """Nothing settles a lost answer, though copies can be waited out: it is sent again only where twice is once."""
    unsettled = planned.doubt == "hold" and not step.holds_unknown and bool(step.handlers)
    is_bounded = planned.lands_within_ms is not None and planned.probe is None
    return unsettled and is_bounded and bool(stage.project.operation(step.call).changes)


# --- by key --------------------------------------------------------------------------------------------------------


def by_key(stage: Stage, step: Step, call: Call, span: Span, meaning: str) -> Settled:
    """The service keeps the key, as its contract promises."""
    text = f"`{named(call)}`, sent twice for `{step.name}`, takes effect once"
    return Settled(Claim("C2", stage.saga.full_name, step.name, text, span), promised(stage, call, meaning))


def promised(stage: Stage, call: Call, meaning: str) -> Verdict:
    """What it rests on that a key is kept."""
    operation = stage.project.operation(call)
    if not operation.idempotent and not operation.revokes:
        return Undecided(f"the plan sends `{named(call)}` again, and no contract says that it may")
    window = "" if operation.window_ms is None else f" for {duration(operation.window_ms)}"
    joint = "," if meaning.startswith("and ") else ":"
    service = named(call).rpartition(".")[0]
    promise = (
        f"`{named(call)}` is idempotent{window}{joint} {meaning}"
        if operation.idempotent
        else f"`{named(call)}` revokes `{service}.{operation.revokes}`"
    )
    return Proved((promise,)) if operation.declared else Assumed((promise,))


def named(call: Call) -> str:
    """A command as the author writes it."""
    return wording.operation(planner.called(call))


# --- by effect -----------------------------------------------------------------------------------------------------


def by_effect(stage: Stage, step: Step, planned: plan.Step) -> Obligation:
    """A second landing of the do changes nothing."""
    text = f"`{named(step.call)}`, landing twice for `{step.name}`, does what it does once"
    claim = Claim("C2", stage.saga.full_name, step.name, text, step.call.span)
    operation = stage.project.operation(step.call)
    if not operation.changes:
        return Settled(claim, Undecided(f"`{named(step.call)}` declares no `changes`, so nobody knows what twice is"))
    if operation.lands_within_ms is None or planned.lands_within_ms is None:
        return Settled(claim, Undecided(f"`{named(step.call)}` declares no `lands within`: a copy may land much later"))
    lands = f"`{named(step.call)}` lands within {duration(operation.lands_within_ms)} or never"
    does = f"`{named(step.call)}` does what its `changes` say, and nothing else"
    return Kept(claim, lambda: breaches(stage.project, stage.deeds, step), rests_on=(does, lands))


def breaches(project: Project, deeds: Deeds, step: Step) -> Iterator[Breach]:
    """The second one is refused; changes a record; or finds something else."""
    action = deeds.does[step.name]
    before = records.begun(project, tuple(effect.place for effect in action.effects))
    once = records.applied(project, before, action.effects, "this run")
    twice = records.applied(project, once.world, action.effects, "this run")
    premises = tuple(supposed(project, deeds, action, before, once))
    found = both(*(records.same_value(cell, twice.captured[name]) for name, cell in once.captured.items()))
    for broken, message in (
        (negation(twice.enabled), f"`{named(step.call)}` is refused the second time, though it has taken effect"),
        (negation(records.same(project, once.world, twice.world)), twice_is_more(step)),
        (negation(found), f"`{named(step.call)}` answers something else the second time"),
    ):
        yield told(project, deeds, step, premises, before, broken, message)


def twice_is_more(step: Step) -> str:
    return f"`{named(step.call)}` has no key, and what it does twice is not what it does once"


def supposed(project: Project, deeds: Deeds, action: Action, before: World, once: records.Applied) -> Iterator[Premise]:
    """How the records stand, what the run knows, and that the first one is accepted."""
    known = [
        *inverse.beginning(project, before),
        Premise(both(once.enabled, once.known), f"the service accepts `{action.step}`", action.span),
        *action.facts,
    ]
    yield from known
    read: tuple[Term, ...] = (*(premise.term for premise in known), *inverse.keys(before))
    for term in encoding.facts(deeds.encoding, *read):
        yield Premise(term, "a value is one of its type")


def told(
    project: Project, deeds: Deeds, step: Step, premises: tuple[Premise, ...], before: World, broken: Term, message: str
) -> Breach:
    """The breach, with its story: the records before, after the first landing, and after the second."""

    def tell(values: Mapping[str, Value]) -> Refuted:
        known = histories.completed(values, *inverse.keys(before))
        sides = (histories.side(deeds, known),)
        acts = (Act(0, step.name), Act(0, step.name))
        return Refuted(
            History(sides, histories.before(project, before, known), acts, subject=step.name),
            message,
            project.operation(step.call).changes[0].span,
            "what it does each time",
            (
                f"declare `{named(step.call)}` `idempotent`, if the service keeps its key",
                "or let it set a value, `:=`, in place of adding to one",
            ),
        )

    return Breach(premises, broken, tell)

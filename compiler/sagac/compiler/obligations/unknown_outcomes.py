"""C1, unknown outcomes: whatever the plan does about a lost answer is sound for what the contracts declare.

The policy is read from the plan, the capabilities from the contracts; `protocol_table` says whether they go together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sagac.compiler import planner, wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Handler, Operation, Project, Saga
from sagac.compiler.model import Step as Written
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.protocol import Memory, Profile, Resend, Undoing
from sagac.compiler.protocol_table import ROWS
from sagac.compiler.verdicts import Assumed, Claim, Proved, Refuted, Situation, Verdict
from sagac.compiler.wording import duration
from sagac.runtime.plan import Plan, Step

MOVES: Final = {
    "no answer": "no answer comes: nobody knows whether `{do}` took effect",
    "arrives: effect": "`{do}` arrives and takes effect",
    "arrives: known": "`{do}` arrives again; its key is known, and nothing happens",
    "arrives: refused": "`{do}` is refused",
    "arrives: not applied": "`{do}` arrives: not applied, try again",
    "arrives: fenced": "`{do}` arrives after it was revoked, and is refused",
    "late arrives: effect": "the earlier `{do}` arrives late, and takes effect",
    "late arrives: known": "the earlier `{do}` arrives late; its key is known, and nothing happens",
    "late arrives: refused": "the earlier `{do}` arrives late, and is refused",
    "late arrives: not applied": "the earlier `{do}` arrives late, and is not applied",
    "late arrives: fenced": "the earlier `{do}` arrives late, after it was revoked, and is refused",
    "lost": "`{do}` is lost",
    "late lost": "the earlier `{do}` is lost",
    "forgotten": "the window passes: the service forgets the key of `{do}`",
    "ok": "`{do}` is confirmed",
    "refused": "the refusal settles the step",
    "not applied": "it is sent again",
    "held": "a person has to settle it",
    "taken for failed": "the step is taken for failed",
    "undone in doubt": "`{undo}` is sent, though `{do}` may not have happened",
    "probe is believed": "a probe asks at once, and is believed",
    "lapsed": "no copy of `{do}` can arrive any more",
    "probe: present": "the probe finds the effect of `{do}`",
    "probe: absent": "the probe finds nothing: the step is taken for failed",
    "turned": "the run turns back, and `{undo}` is sent",
    "undo arrives": "`{undo}` arrives",
    "undo arrives again": "the earlier `{undo}` arrives too",
    "undo lost": "`{undo}` is lost",
    "undo confirmed": "`{undo}` is confirmed",
    "undo unanswered": "no answer to `{undo}` comes",
    "undo sent again": "no answer to `{undo}` comes, and it is sent again",
}
"""What a move of the protocol is in words."""


def owe(project: Project, saga: Saga, graph: Graph, plan: Plan) -> tuple[Obligation, ...]:
    """A claim for each call with an effect, and one for each compensation."""
    planned = {step.name: step for step in plan.steps}
    return tuple(
        obligation
        for step in saga.steps
        if project.operation(step.call).kind == "command"
        for obligation in (
            forward(project, saga, graph, step, planned[step.name]),
            *backward(project, saga, graph, step, planned[step.name]),
        )
    )


# --- the do --------------------------------------------------------------------------------------------------------


def forward(project: Project, saga: Saga, graph: Graph, step: Written, planned: Step) -> Settled:
    """A lost answer to the step's call is settled soundly."""
    claim = Claim(
        "C1",
        saga.full_name,
        step.name,
        f"a lost answer to `{step.name}` is settled by what is declared",
        step.call.span,
    )
    return Settled(claim, forward_verdict(project, saga, graph, step, planned))


def forward_verdict(project: Project, saga: Saga, graph: Graph, step: Written, planned: Step) -> Verdict:
    operation = project.operation(step.call)
    row = ROWS[profile(project, step, planned).key]
    if row not in ("sound", "window"):
        return unsound(project, graph, step, planned, row)
    promised = tuple(promises(project, step, planned))
    if not operation.declared:
        return Assumed((*promised, *(f"a person settles a lost answer to `{name(step)}`" for _ in asked(planned))))
    if planned.doubt == "hold" and not step.holds_unknown:
        return unsettled(project, graph, step, planned)
    outlived = (
        f"no copy of `{name(step)}` arrives once {duration(operation.window_ms or 0)} have passed (not proved yet)",
    )
    return Proved((*promised, *(outlived if row == "window" else ())))


def asked(planned: Step) -> tuple[int, ...]:
    """Whether a person is the policy."""
    return (0,) if planned.doubt == "hold" else ()


def name(step: Written) -> str:
    """The command's name, with its service."""
    return wording.operation(planner.called(step.call))


def undo_name(handler: Handler) -> str:
    return wording.operation(planner.called(handler.call))


def profile(project: Project, step: Written, planned: Step) -> Profile:
    """What is declared of the step's call and undo, and what the plan does about a lost answer."""
    operation = project.operation(step.call)
    undoing = weakest(project, step)
    return Profile(
        memory=memory(operation),
        lands=operation.lands_within_ms is not None,
        probe=operation.probe is not None,
        undoing=undoing,
        resend=resend(planned, operation),
        doubt=planned.doubt,
        # An undo that may be called once is held when its answer is lost; that is the undo's own claim.
        repeats_undo=undoing in ("idempotent", "revokes"),
    )


def memory(operation: Operation) -> Memory:
    if not operation.idempotent:
        return "none"
    return "kept" if operation.window_ms is None else "window"


def resend(planned: Step, operation: Operation) -> Resend:
    if not operation.idempotent or planned.schedule.retries == 0:
        return "never"
    return "forever" if planned.schedule.retries is None else "bounded"


def weakest(project: Project, step: Written) -> Undoing:
    """What all undos of the step promise."""
    order: tuple[Undoing, ...] = ("once", "idempotent", "revokes")
    found = [promised(project, step, handler) for handler in step.handlers]
    return min(found, key=order.index) if found else "none"


def promised(project: Project, step: Written, handler: Handler) -> Undoing:
    """What one undo promises."""
    operation = project.operation(handler.call)
    if handler.call.service == step.call.service and operation.revokes == step.call.operation:
        return "revokes"
    return "idempotent" if operation.idempotent else "once"


def promises(project: Project, step: Written, planned: Step) -> Iterator[str]:
    """The declarations that the policy rests on, by name."""
    operation = project.operation(step.call)
    if operation.idempotent:
        window = "" if operation.window_ms is None else f" for {duration(operation.window_ms)}"
        yield f"`{name(step)}` is idempotent{window}, and a refusal answers its key for good"
    match planned.doubt:
        case "revoke":
            for handler in step.handlers:
                yield f"`{undo_name(handler)}` revokes `{name(step)}`"
        case "probe":
            assert operation.probe is not None
            yield f"`{name(step).rpartition('.')[0]}.{operation.probe.query}` finds whether `{name(step)}` took effect"
            yield f"`{name(step)}` lands within {duration(operation.lands_within_ms or 0)} or never"
        case "hold" | "none":
            return


def unsound(project: Project, graph: Graph, step: Written, planned: Step, row: str) -> Refuted:
    """The plan's policy does not go with what is declared."""
    return Refuted(
        situation(graph, step, story(step, row)),
        f"what the plan does about a lost answer to `{step.name}` is not sound: it can leave a wrong state",
        project.operation(step.call).span,
        "what is declared",
        help=fixes(project, step),
    )


def unsettled(project: Project, graph: Graph, step: Written, planned: Step) -> Refuted:
    """Nothing that is declared settles a lost answer, and nobody has said that a person does."""
    # What would go wrong if the step were just taken for failed says why something has to be declared.
    guess = ROWS[Profile("none", False, False, "none", "never", "none", False).key]
    return Refuted(
        situation(graph, step, story(step, guess)),
        f"nothing settles a lost answer to `{step.name}`: it may have taken effect, or not",
        project.operation(step.call).span,
        "what is declared of the command",
        help=fixes(project, step),
    )


def situation(graph: Graph, step: Written, events: tuple[str, ...]) -> Situation:
    """The run up to the call whose answer is lost, and what could follow."""
    return Situation(
        order=tuple(earlier for earlier in graph.closure(step.name) if earlier != step.name),
        unknown=step.name,
        landed=True,
        subject=step.name,
        events=events,
    )


def story(step: Written, row: str) -> tuple[str, ...]:
    """A trace of the protocol in words."""
    undo = undo_name(step.handlers[0]) if step.handlers else ""
    return tuple(MOVES[move].format(do=name(step), undo=undo) for move in row.split("; "))


def fixes(project: Project, step: Written) -> tuple[str, ...]:
    """What to declare, the cheapest first."""
    operation = project.operation(step.call)
    found = []
    if step.handlers and not step.pivot:
        handler = step.handlers[0]
        if handler.call.service == step.call.service:
            found.append(
                f"declare `revokes {step.call.operation}` on `{undo_name(handler)}`, if it keeps a late call out too"
            )
    if operation.probe is None or operation.lands_within_ms is None:
        missing = [
            word
            for word, given in (("probe …", operation.probe), ("lands within …", operation.lands_within_ms))
            if given is None
        ]
        found.append("declare " + " and ".join(f"`{word}`" for word in missing) + f" on `{name(step)}`")
    if step.pivot and (not operation.idempotent or step.schedule.retries is not None):
        declared = "" if operation.idempotent else f", with `idempotent` declared on `{name(step)}`"
        found.append(f"or `retry forever` in `{step.name}`{declared}")
    return (*found, f"or write `on unknown hold` in `{step.name}`: a person settles it")


# --- the undo ------------------------------------------------------------------------------------------------------


def backward(project: Project, saga: Saga, graph: Graph, step: Written, planned: Step) -> Iterator[Settled]:
    """A lost answer to each compensation is settled: it is sent again, or a person was named."""
    for handler in step.handlers:
        claim = Claim(
            "C1",
            saga.full_name,
            step.name,
            f"a lost answer to the undo `{undo_name(handler)}` of `{step.name}` is settled by what is declared",
            handler.span,
        )
        yield Settled(claim, backward_verdict(project, graph, step, handler))


def backward_verdict(project: Project, graph: Graph, step: Written, handler: Handler) -> Verdict:
    operation = project.operation(handler.call)
    repeats = f"`{undo_name(handler)}` is idempotent: a second call changes nothing"
    if promised(project, step, handler) != "once":
        return Proved((repeats,)) if operation.declared else Assumed((repeats,))
    if step.holds_unknown:
        return Proved((f"a person settles a lost answer to `{undo_name(handler)}`",))
    row = ROWS[Profile("none", False, False, "once", "never", "hold", True).key]
    return Refuted(
        Situation(
            order=graph.closure(step.name),
            cancelled=True,
            unknown=step.name,
            landed=True,
            subject=step.name,
            events=story_of_undo(step, handler, row),
        ),
        f"nothing settles a lost answer to the undo of `{step.name}`: sent again, it could undo twice",
        operation.span,
        "this is not declared `idempotent`",
        help=(
            f"declare `{undo_name(handler)}` `idempotent`, or `revokes {step.call.operation}`",
            f"or write `on unknown hold` in `{step.name}`: a person settles it",
        ),
    )


def story_of_undo(step: Written, handler: Handler, row: str) -> tuple[str, ...]:
    return tuple(MOVES[move].format(do=name(step), undo=undo_name(handler)) for move in row.split("; "))

"""A4, progress and termination: in every state of a run something is outstanding, until it ends or waits for a person.

Progress is a fact of the plan as it was read back. A step waits only for steps that stand before it, an undo only for
steps that stand after, and the first undo for no more than the drain; so the first step in order that is not settled,
or the last that is not unwound, has nothing to wait for. A lost answer leads to a policy that the plan can carry out.

Termination is a rank: four numbers, in this order, of which every event lowers one and raises none before it.
What the kernel does to them is `MOVES`; tests hold it to every transition of the kernel that they explore. Only `retry
forever` is not bounded by it, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from sagac.compiler import logic, wording
from sagac.compiler.logic import Symbol, Term, both, either, equal, less, number
from sagac.compiler.model import Saga
from sagac.compiler.obligations.obligation import Obligation, Settled
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted, Verdict
from sagac.runtime.plan import Plan, Step

REPAIR: Final = ("generate the module again from this spec, and change nothing in it by hand",)

Rank: TypeAlias = tuple[str, ...]

RANK: Final[Rank] = ("mode", "life", "budget", "alarms")
"""Whether the run goes forward, unwinds or has ended; how far its steps and undos are from being settled; how many
attempts, pauses and probes they have left; how many limits have not been told yet."""


def owe(saga: Saga, plan: Plan) -> tuple[Obligation, ...]:
    """One claim for progress, and one for termination."""
    going = Claim(
        "A4",
        saga.full_name,
        "",
        "in every state something is outstanding, until a run ends or waits for a person",
        saga.name_span,
    )
    ending = Claim("A4", saga.full_name, "", "a run comes to that after finitely many events", saga.name_span)
    return Settled(going, progress(plan)), Settled(ending, termination(plan))


# --- progress -------------------------------------------------------------------------------------------------------


def progress(plan: Plan) -> Verdict:
    """Whether every wait in the plan is for something that settles."""
    place = {step.name: at for at, step in enumerate(plan.steps)}
    for step in plan.steps:
        for earlier in step.after:
            if place.get(earlier, len(place)) >= place[step.name]:
                return stuck(plan, step, earlier, undoing=False)
        for later in step.undo_after:
            if place.get(later, -1) <= place[step.name]:
                return stuck(plan, step, later, undoing=True)
        powerless = unable(step)
        if powerless:
            return Refuted(Critical((powerless,), step.name), powerless, help=REPAIR)
    return Proved()


def stuck(plan: Plan, step: Step, other: str, *, undoing: bool) -> Refuted:
    """A wait for what does not settle before: the circle, if there is one."""
    what = "the undo of " if undoing else ""
    names = [each.name for each in plan.steps]
    if other not in names:
        lines: tuple[str, ...] = (f"{what}`{step.name}` waits for `{other}`, which is no step",)
    else:
        waits = {each.name: each.undo_after if undoing else each.after for each in plan.steps}
        lines = tuple(f"{what}`{one}` waits for {what}`{two}`" for one, two in circle(waits, step.name, other))
    return Refuted(
        Critical(lines, step.name), f"{what}`{step.name}` waits for `{other}`, and may wait for ever", help=REPAIR
    )


def circle(waits: dict[str, tuple[str, ...]], start: str, first: str) -> Iterator[tuple[str, str]]:
    """The waits from one step on, up to where they come round, or end."""
    ways: dict[str, tuple[tuple[str, str], ...]] = {first: ((start, first),)}
    queue = [first]
    for at in queue:
        if at == start:
            return iter(ways[at])
        for following in waits.get(at, ()):
            if following not in ways:
                ways[following] = (*ways[at], (at, following))
                queue.append(following)
    return iter(((start, first),))


def unable(step: Step) -> str:
    """What the plan would do about a lost answer, and cannot; empty where it can."""
    if step.doubt == "probe" and (step.probe is None or step.lands_within_ms is None):
        return f"a lost answer to `{step.name}` is to be probed, and there is no probe to wait for"
    if step.doubt == "revoke" and not any(undo.revokes for undo in step.undos):
        return f"a lost answer to `{step.name}` is to be revoked, and no undo revokes it"
    if step.schedule.timeout_ms <= 0 or any(undo.schedule.timeout_ms <= 0 for undo in step.undos):
        return f"an attempt of `{step.name}` has no time at all"
    return ""


# --- termination ----------------------------------------------------------------------------------------------------


def termination(plan: Plan) -> Verdict:
    """Every budget of the plan is a number, or it is `retry forever`: licensed, where the service answers at last."""
    for step in plan.steps:
        for undo in step.undos:
            if undo.schedule.retries is None:
                line = f"the undo of `{step.name}` is sent again for ever"
                return Refuted(Critical((line,), step.name), f"a rollback may never end: {line}", help=REPAIR)
    patient = tuple(dict.fromkeys(wording.operation(step.call) for step in plan.steps if step.schedule.retries is None))
    if not patient:
        return Proved()
    verb = "answers" if len(patient) == 1 else "answer"
    return Proved((f"{wording.listing(patient)} {verb} at last: nothing else ends `retry forever`",))


def before(name: str) -> Symbol:
    """A number of the rank before an event."""
    return Symbol(name, "int")


def after(name: str) -> Symbol:
    """The same after it."""
    return Symbol(f"{name}'", "int")


def falls(name: str) -> Term:
    return less(after(name), before(name), strictly=True)


def stays(name: str) -> Term:
    return equal(after(name), before(name))


MOVES: Final[tuple[tuple[str, Term], ...]] = (
    ("the run turns, or ends: whatever this enables or drops", falls("mode")),
    (
        "a step or an undo is sent for the first time, or settles: what that enables has its whole budget yet",
        both(stays("mode"), falls("life")),
    ),
    (
        "an attempt is answered and another may follow, a pause ends, a probe is asked",
        both(stays("mode"), stays("life"), falls("budget")),
    ),
    (
        "a limit is told, or a window passes for nothing",
        both(stays("mode"), stays("life"), stays("budget"), falls("alarms")),
    ),
)
"""What an event of the kernel does to the numbers of the rank, in words and as a term."""

NATURAL: Final[Term] = both(*(less(number(0), made(name), strictly=False) for name in RANK for made in (before, after)))
"""No number is negative: so a rank cannot fall for ever."""


def descends(rank: Rank) -> Term:
    """The rank is lower after the event, number by number in this order."""
    ways = [both(*map(stays, rank[:at]), falls(name)) for at, name in enumerate(rank)]
    return either(*ways)


def violations(rank: Rank) -> tuple[Term, ...]:
    """For each move: it happens, and the rank is no lower. None of them may be satisfiable."""
    return tuple(both(NATURAL, move, logic.negation(descends(rank))) for _, move in MOVES)

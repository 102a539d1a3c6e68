"""What must hold after every run: nothing left undone, nothing done twice, everything in its order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sagac.runtime import kernel
from sagac.runtime.plan import Plan, Step
from sagac.runtime.run import Run
from sagac.runtime.testing.cases import Case
from sagac.runtime.testing.faults import Wire
from sagac.runtime.testing.world import World


def findings(case: Case, run: Run, wire: Wire, world: World) -> tuple[str, ...]:
    """Everything that is wrong with a run that has come to its end, a line each."""
    return (
        *unfired(case, wire),
        *ending(case, run),
        *sequence(case, wire),
        *wire.findings,
        *world.faults,
        *keys(wire),
        *effects(run, wire, world),
        *forward_order(run.plan, wire),
        *undo_order(run.plan, wire),
    )


def unfired(case: Case, wire: Wire) -> Iterator[str]:
    """The faults that never came to pass: a test of them tested nothing."""
    for fault in case.faults:
        if case.must_strike and fault not in wire.fired:
            yield f"never happened: {fault}"


def ending(case: Case, run: Run) -> Iterator[str]:
    """The run ends as the case says."""
    status = kernel.status(run)
    if case.ends and status.removesuffix(" with residue") != case.ends:
        why = "".join(f"; {held.step} ({held.direction}): {held.why}" for held in kernel.held(run))
        yield f"the run ended {status}, not {case.ends}{why}"


def sequence(case: Case, wire: Wire) -> Iterator[str]:
    """What the case lists happened in its order."""
    happened = iter([(line.direction, line.step) for line in wire.log if line.passage == "settled"])
    for direction, step in case.order:
        if (direction, step) not in happened:
            yield f"{'undo ' * (direction == 'undo')}{step} did not happen where it should"
            return


def keys(wire: Wire) -> Iterator[str]:
    """Every attempt of an action bears one key, no two actions bear the same, and an undo knows its do's (R13)."""
    sent = [line for line in wire.log if line.passage == "sent"]
    by_action: dict[tuple[str, str], str] = {}
    for line in sent:
        if by_action.setdefault((line.step, line.direction), line.key) != line.key:
            yield f"`{line.step}` ({line.direction}) was sent under two keys"
        if line.direction == "undo" and line.undoes != by_action.get((line.step, "do")):
            yield f"the undo of `{line.step}` does not bear the key of what it undoes"
    if len(set(by_action.values())) < len(by_action):
        yield "two actions were sent under one key"


# --- effects -------------------------------------------------------------------------------------------------------


def effects(run: Run, wire: Wire, world: World) -> Iterator[str]:
    """Each effect stands once where it should, and nowhere else."""
    status = kernel.status(run)
    known = {line.step: line.key for line in wire.log if line.direction == "do" and line.key}
    standing = {step.name: count(step, known, world) for step in run.plan.steps if not step.query}
    undone = {line.step for line in wire.log if (line.passage, line.direction) == ("landed", "undo")}
    told = frozenset(kernel.standing(run))
    for step, action in zip(run.plan.steps, run.actions, strict=True):
        stands = standing.get(step.name)
        if stands is None:
            continue
        if stands > 1 or (step.call.service in world.watched and world.effect(step.name).made > 1):
            yield f"`{step.name}` took effect more than once"
        if stands < 0:
            yield f"`{step.name}` was undone more than once"
        if status == "completed" and stands != (action.state == "succeeded"):
            yield f"the run completed, and the effect of `{step.name}` is {'there' if stands else 'missing'}"
        if stands > 0 and action.undo == "undone":
            yield f"`{step.name}` was undone, and its effect is still there"
        elif stands > 0 and status.startswith("compensated") and not may_stay(run.plan, step, undone, standing):
            yield f"the run is compensated, and the effect of `{step.name}` is still there"
        elif stands > 0 and status == "held" and not is_told(run.plan, step, told, undone):
            yield f"the run is held, and does not say that the effect of `{step.name}` stands"


def count(step: Step, known: Mapping[str, str], world: World) -> int | None:
    """How many effects of a step stand; `None` where nobody can tell."""
    if step.call.service not in world.watched:
        return None
    observe = world.watched[step.call.service]
    if observe is not None:
        return observe(known[step.name]) if step.name in known else 0
    effect = world.effect(step.name)
    return effect.made - effect.undone


def may_stay(plan: Plan, step: Step, undone: set[str], standing: Mapping[str, int | None]) -> bool:
    """Whether a rollback may leave the effect, by what the spec declares."""
    if step.remains == "undone by":
        return step.undone_by in undone or not standing.get(step.undone_by)
    return step.remains == "left"


def is_told(plan: Plan, step: Step, told: frozenset[str], undone: set[str]) -> bool:
    """Whether a held run names the effect, or the spec lets it stay."""
    return step.name in told or step.remains == "left" or (step.remains == "undone by" and step.undone_by in undone)


# --- order ---------------------------------------------------------------------------------------------------------


def forward_order(plan: Plan, wire: Wire) -> Iterator[str]:
    """No step starts before all that it comes after is answered, and none once something is undone (R4, R6)."""
    answered: set[str] = set()
    started: set[str] = set()
    undoing = ""
    for line in wire.log:
        if line.direction == "undo":
            undoing = undoing or (line.step if line.passage == "sent" else "")
        elif line.passage in ("answered", "asked"):
            answered.add(line.step)
        elif line.passage == "sent" and line.step not in started:
            started.add(line.step)
            step = next(step for step in plan.steps if step.name == line.step)
            yield from (f"`{step.name}` was sent before `{name}` was answered" for name in waited(step, wire, answered))
            if undoing:
                yield f"`{step.name}` was sent after the undo of `{undoing}`"


def waited(step: Step, wire: Wire, answered: set[str]) -> list[str]:
    """What a step comes after and that was not answered, though it was ever sent."""
    ever = {line.step for line in wire.log if line.passage == "sent" and line.direction == "do"}
    return [name for name in step.after if name in ever and name not in answered]


def undo_order(plan: Plan, wire: Wire) -> Iterator[str]:
    """A step is undone only after everything that comes after it and took effect (R7), told by `after` alone."""
    later = followers(plan)
    undoable = {step.name for step in plan.steps if step.undos}
    landed: set[str] = set()
    undone: set[str] = set()
    begun: set[str] = set()
    for line in wire.log:
        if line.passage == "landed":
            (landed if line.direction == "do" else undone).add(line.step)
        elif (line.passage, line.direction) == ("sent", "undo") and line.step not in begun:
            begun.add(line.step)
            for name in sorted(later[line.step] & landed & undoable - undone):
                yield f"the undo of `{line.step}` was sent before `{name}` was undone"


def followers(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Everything that comes after each step, directly or through others."""
    later: dict[str, set[str]] = {step.name: set() for step in plan.steps}
    for step in reversed(plan.steps):
        for earlier in step.after:
            later[earlier] |= {step.name} | later[step.name]
    return {name: frozenset(names) for name, names in later.items()}

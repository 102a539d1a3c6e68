"""Leaks, looked for in a run of the kernel: what it takes of a hold and never lets go, or lets go without having it.

Only the kernel's run and the contracts' own expressions are read, with the runtime's evaluation: never a formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sagac.compiler import rehearsal
from sagac.compiler.model import Change, Project
from sagac.compiler.rehearsal import STATE, Record
from sagac.compiler.replay import Moments, Unreplayable
from sagac.compiler.verdicts import Act, Claim, Side
from sagac.runtime import kernel
from sagac.runtime.expressions import Unavailable, View, evaluate
from sagac.runtime.plan import Wire
from sagac.runtime.run import Run
from sagac.runtime.unwinding import view


@dataclass(slots=True)
class Account:
    """What a run holds by now, and into which states it has brought records."""

    shares: dict[tuple[Record, str], Decimal] = field(default_factory=dict)
    states: dict[Record, tuple[str, str]] = field(default_factory=dict)
    """With the step that has brought it there."""
    names: dict[Record, str] = field(default_factory=dict)
    touched: dict[str, set[tuple[Record, str]]] = field(default_factory=dict)
    """What each step is about."""
    lines: list[tuple[str, str, str]] = field(default_factory=list)


def seen(claim: Claim, moments: Moments, project: Project) -> tuple[str, ...]:
    """What is wrong with what the run holds, in words; raises `Unreplayable` where nothing is."""
    run = moments[-1].run
    side = Side(claim.saga, run.input, dict(view(run).results))
    account = Account()
    for act in acts(moments):
        wrong = done(project, side, account, act)
        if wrong and act.step == claim.step:
            return (*rehearsal.laid_out(account.lines), wrong)
    left = tuple(left_over(project, run, account, claim))
    if not left:
        raise Unreplayable(f"the run is {kernel.status(run)} and holds nothing that `{claim.step}` took")
    return (*rehearsal.laid_out(account.lines), *left)


def acts(moments: Moments) -> Iterator[Act]:
    """The commands that took effect, in order."""
    before: Run | None = None
    for moment in moments:
        for place, action in enumerate(moment.run.actions):
            old = None if before is None else before.actions[place]
            name = moment.run.plan.steps[place].name
            if action.state == "succeeded" and (old is None or old.state != "succeeded"):
                yield Act(0, name)
            if action.undo == "undone" and (old is None or old.undo != "undone"):
                yield Act(0, name, action.undo_index)
        before = moment.run


def done(project: Project, side: Side, account: Account, act: Act) -> str:
    """Enters what a command does; what is wrong with it, if anything is."""
    call = rehearsal.call_of(project, side, act)
    operation = project.operation(call)
    given = rehearsal.arguments(call, operation, side)
    words = rehearsal.spelled(call, operation, given, rehearsal.nicknames(project, (side,)), act.side)
    said = rehearsal.written(call, operation, words)
    wrong = ""
    for change in operation.changes:
        record = record_of(project, account, change, given, words)
        if change.target:
            account.states[record] = (change.target, act.step)
            account.touched.setdefault(act.step, set()).add((record, STATE))
            tell(account, act, said, f"{account.names[record]}: {change.target}")
        for field_name, amount in amounts(project, change, given):
            wrong = entered(account, act, record, field_name, amount) or wrong
            has = format(account.shares[record, field_name], "f")
            text = f"of {account.names[record]}.{field_name} the run holds {has}"
            tell(account, act, said, text)
    return wrong


def record_of(
    project: Project, account: Account, change: Change, given: Mapping[str, Wire], words: Mapping[str, str]
) -> Record:
    """The record that a change is of, with its name."""
    key = tuple(evaluate(each, View(given, {}, {})) for each in change.keys)
    record = rehearsal.record(project, change.resource, key)
    account.names.setdefault(record, rehearsal.titled(project, change, given, words))
    return record


def amounts(project: Project, change: Change, given: Mapping[str, Wire]) -> Iterator[tuple[str, Decimal]]:
    """What a change adds to each hold; less than nothing where it takes from it."""
    held = {each.name for each in project.resource(change.resource).fields if each.hold}
    for each in change.assignments:
        if each.field in held:
            try:
                amount = Decimal(str(evaluate(each.value, View(given, {}, {}))))
            except Unavailable as missing:
                raise Unreplayable(f"what is taken is read from a record: {missing}") from None
            yield each.field, amount if each.operator == "+=" else -amount


def entered(account: Account, act: Act, record: Record, field_name: str, amount: Decimal) -> str:
    """Adds to what the run holds; says so where it then holds less than nothing."""
    total = account.shares.get((record, field_name), Decimal(0)) + amount
    account.shares[record, field_name] = total
    account.touched.setdefault(act.step, set()).add((record, field_name))
    if total < 0:
        more, what = format(-total, "f"), f"{account.names[record]}.{field_name}"
        return f"`{act.step}` lets go {more} of {what} that the run never took"
    return ""


def tell(account: Account, act: Act, said: str, text: str) -> None:
    account.lines.append((f"{'' if act.undo is None else 'undo '}{act.step}", said, text))


def left_over(project: Project, run: Run, account: Account, claim: Claim) -> Iterator[str]:
    """What the run still holds at its end of what the step is about."""
    if run.mode not in ("completed", "compensated"):
        return
    everything = {*account.shares, *((record, STATE) for record in account.states)}
    about = account.touched.get(claim.step, everything)
    for (record, name), share in account.shares.items():
        if share and (record, name) in about:
            yield f"the run ends {run.mode}, and still holds {format(share, 'f')} of {account.names[record]}.{name}"
    for record, (state, _) in account.states.items():
        resource = project.resource(record.resource)
        allowed = resource.done if run.mode == "completed" else resource.done | resource.clean
        if state not in allowed and (record, STATE) in about:
            yield f"the run ends {run.mode}, and {account.names[record]} is still {state}"

"""A counterexample as a runnable pytest module: green while the spec has the fault, and then what keeps it repaired."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from sagac.compiler import violation
from sagac.compiler.counterexample import Replayed
from sagac.compiler.rehearsal import Rehearsal
from sagac.compiler.verdicts import Critical, History, Judgement, Refuted, Situation
from sagac.runtime import kernel
from sagac.runtime.events import Event
from sagac.runtime.run import Run

HEAD: Final = '''\
"""{title}

{how}
The test is green while the spec has the fault. Once the spec is repaired, set `REPAIRED = True`: from then on the test
fails when the fault comes back.
"""

from datetime import UTC, datetime
from pathlib import Path

{imports}

REPAIRED = False

SPECS = {specs}
SAGA, CODE, STEP = {about}
'''

TAIL: Final = '''

def check() -> driver.Checked:
    """What the compiler says of the spec as it is now."""
    folder = Path(__file__).resolve().parent
    sources = [Source(name, (folder / name).read_text(encoding="utf-8")) for name in SPECS]
    return driver.check(sources, datetime.now(UTC).date())


def verdicts(checked: driver.Checked) -> list[Verdict]:
    """What became of the claims that this is about."""
    return [
        judgement.verdict
        for judgement in checked.judgements
        if (judgement.claim.saga, judgement.claim.family, judgement.claim.step) == (SAGA, CODE, STEP)
    ]


def test_the_counterexample() -> None:
    checked = check()
    if REPAIRED:
        assert SAGA in checked.plans, "the spec cannot be judged"
        assert all(isinstance(verdict, Proved | Assumed) for verdict in verdicts(checked))
        return
    # If this fails, the spec is no longer the one that the run was found in: set `REPAIRED` where that was the repair.
'''

RUN_IMPORTS: Final = (
    "from sagac.compiler import driver",
    "from sagac.compiler.source import Source",
    "from sagac.compiler.verdicts import Assumed, Proved, Verdict",
    "from sagac.runtime import kernel, plan",
)


def module(judgement: Judgement, refuted: Refuted, told: Replayed | Rehearsal | None, specs: Sequence[str]) -> str:
    """The module's text. `specs` are the spec files, as seen from where the module will stand."""
    match refuted.situation:
        case Situation() as situation:
            assert isinstance(told, Replayed)
            return of_run(judgement, refuted, situation, told, specs)
        case History() as history:
            assert isinstance(told, Rehearsal)
            return of_history(judgement, refuted, history, told, specs)
        case Critical() as critical:
            return of_sum(judgement, refuted, critical, specs)


def head(judgement: Judgement, refuted: Refuted, how: str, imports: Iterable[str], specs: Sequence[str]) -> str:
    claim = judgement.claim
    of = f" of `{claim.step}`" if claim.step else ""
    return HEAD.format(
        title=quoted(f"{claim.family}{of}: {refuted.message}."),
        how=how,
        imports="\n".join(imports),
        specs=whole(specs),
        about=", ".join(map(literal, (claim.saga, claim.family, claim.step))),
    )


def quoted(text: str) -> str:
    """Text that can stand in a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''")


def literal(text: str) -> str:
    """Text as it stands in Python."""
    return json.dumps(text, ensure_ascii=False)


def whole(entries: Sequence[str]) -> str:
    """A tuple of texts."""
    return f"({', '.join(map(literal, entries))},)"


def rows(name: str, entries: Iterable[str]) -> str:
    """A constant with an entry a line."""
    return "\n".join((f"{name} = (", *(f"    {entry}," for entry in entries), ")"))


# --- one run, on the kernel ----------------------------------------------------------------------------------------


def of_run(judgement: Judgement, refuted: Refuted, situation: Situation, told: Replayed, specs: Sequence[str]) -> str:
    """The run event by event, and what it has come to."""
    run = told.moments[-1].run
    events = [moment.event for moment in told.moments]
    extra, needs = consequence(judgement, situation, run)
    kinds = ", ".join(sorted({type(event).__name__ for event in events}))
    imports = sorted((*RUN_IMPORTS, f"from sagac.runtime.events import {kinds}", *needs))
    how = "`sagac check` found the run below; it is replayed on the kernel that runs in production."
    story = "\n".join(f"# {line}" for line in told.trace)
    return (
        head(judgement, refuted, how, imports, specs)
        + f"\n{story}\n{rows('EVENTS', (written(event) for event in events))}\n{TAIL}"
        + "".join(f"    {line}\n" for line in (*REPLAYED, *facts(run), *extra))
    )


REPLAYED: Final = (
    "now = checked.plans[SAGA]",
    "run = kernel.replay(now, plan.run_key(now, EVENTS[0].input), EVENTS)",
)


def facts(run: Run) -> Iterator[str]:
    """What the run has come to: how it ended, what stands, and what only a person can settle."""
    held = [(each.step, each.direction) for each in kernel.held(run)]
    yield f"assert kernel.status(run) == {literal(kernel.status(run))}"
    yield f"assert kernel.standing(run) == {kernel.standing(run)!r}"
    yield f"assert [(held.step, held.direction) for held in kernel.held(run)] == {held!r}"


def consequence(judgement: Judgement, situation: Situation, run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What else is wrong, where those facts do not say it; with what that has to import."""
    subject = situation.subject or judgement.claim.step
    if judgement.claim.family == "D1" and not judgement.claim.step:
        return OUTPUT, ("import pytest", "from sagac.runtime.expressions import Unavailable")
    if judgement.claim.family != "A2":
        return (), ()
    step = violation.planned(run, subject)
    applying = [undo for undo in step.undos if undo.guard is None or violation.condition_holds(run, undo.guard)]
    if len(applying) < 2:
        return (), ()
    lines = (
        f"step = now.steps[run.layout.position[{literal(subject)}]]",
        "applying = [undo for undo in step.undos if undo.guard is None or holds(undo.guard, view(run))]",
        f'assert len(applying) == {len(applying)}, "each of these would undo it"',
    )
    return lines, ("from sagac.runtime.expressions import holds", "from sagac.runtime.unwinding import view")


OUTPUT: Final = ("with pytest.raises(Unavailable):", "    kernel.output(run)")


def written(event: Event) -> str:
    """An event as the call that makes it, without what is as by default."""
    given = []
    for field in msgspec.structs.fields(event):
        value = getattr(event, field.name)
        if field.required or value != field.default:
            given.append(repr(value) if field.required else f"{field.name}={value!r}")
    return f"{type(event).__name__}({', '.join(given)})"


# --- effects on records --------------------------------------------------------------------------------------------


def of_history(judgement: Judgement, refuted: Refuted, history: History, told: Rehearsal, specs: Sequence[str]) -> str:
    """The acts one by one, and what the records hold then."""
    imports = sorted(
        (
            "from sagac.compiler import driver",
            "from sagac.compiler.rehearsal import rehearse",
            "from sagac.compiler.source import Source",
            "from sagac.compiler.verdicts import Act, Assumed, Before, History, Proved, Side, Verdict",
        )
    )
    how = "`sagac check` found the acts below; they are rehearsed on concrete records, as the contracts say."
    parts = [
        rows("SIDES", map(repr, history.sides)),
        rows("BEFORE", map(repr, history.before)),
        rows("ACTS", map(repr, history.acts)),
        rows("OTHERWISE", map(repr, history.otherwise)) if history.otherwise else "OTHERWISE = ()",
    ]
    return (
        head(judgement, refuted, how, imports, specs)
        + "\n"
        + "\n".join(parts)
        + f"\n{TAIL}"
        + "".join(f"    {line}\n" for line in (REHEARSED, *rehearsed("rows", told, second=False)))
        + "".join(f"    {line}\n" for line in (rehearsed("otherwise", told, second=True) if told.otherwise else ()))
    )


REHEARSED: Final = "told = rehearse(History(SIDES, BEFORE, ACTS, OTHERWISE), checked.project)"


def rehearsed(which: str, told: Rehearsal, *, second: bool) -> tuple[str, ...]:
    """Who is refused, and what each record holds at the end of one order."""
    found = told.otherwise if second else told.rows
    after = told.after_otherwise if second else told.after
    name = "after_otherwise" if second else "after"
    return (
        f"assert [row.refused for row in told.{which}] == {[row.refused for row in found]!r}",
        f"assert {{told.names[each]: dict(held) for each, held in told.{name}.items()}} == {{",
        *(f"    {told.names[each]!r}: {dict(held)!r}," for each, held in after.items()),
        "}",
    )


# --- sums and circles ----------------------------------------------------------------------------------------------


def of_sum(judgement: Judgement, refuted: Refuted, critical: Critical, specs: Sequence[str]) -> str:
    """A sum of times, or a circle of locks: the compiler still finds the same one."""
    imports = sorted(
        (
            "from sagac.compiler import driver",
            "from sagac.compiler.source import Source",
            "from sagac.compiler.verdicts import Assumed, Critical, Proved, Refuted, Verdict",
        )
    )
    how = "`sagac check` computed the lines below from the spec."
    lines = (
        "found = [verdict.situation for verdict in verdicts(checked) if isinstance(verdict, Refuted)]",
        "assert LINES in [each.lines for each in found if isinstance(each, Critical)]",
    )
    return (
        head(judgement, refuted, how, imports, specs)
        + f"\n{rows('LINES', map(repr, critical.lines))}\n{TAIL}"
        + "".join(f"    {line}\n" for line in lines)
    )

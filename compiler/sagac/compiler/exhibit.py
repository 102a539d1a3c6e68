"""What `check --counterexamples` writes: for each refutation a page with its story, and a test that repeats it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from sagac.compiler import counterexample, rehearsal, reproducer, sequence
from sagac.compiler.counterexample import Replayed
from sagac.compiler.driver import Checked
from sagac.compiler.rehearsal import Rehearsal
from sagac.compiler.replay import Unreplayable
from sagac.compiler.source import Span
from sagac.compiler.verdicts import Critical, History, Judgement, Refuted, Situation

Files: TypeAlias = Mapping[str, str]
"""The text of each file by its name."""


def files(checked: Checked, specs: Sequence[str], first: int = 1, of: int = 0) -> Files:
    """The page and the test of every refutation, numbered in the order of the findings.

    `specs` are the spec files as seen from the folder that the files will stand in; `first` is the first of the
    numbers there, and `of` the last, where there are others: all are as long as that, so that they sort.
    """
    refuted = list(refutations(checked))
    digits = len(str(max(of, len(refuted))))
    refuted.sort(key=lambda judgement: (judgement.claim.span, judgement.claim.family))
    made: dict[str, str] = {}
    for number, judgement in enumerate(refuted, first):
        made.update(of_one(checked, judgement, f"{number:0{digits}}", specs))
    return made


def refutations(checked: Checked) -> tuple[Judgement, ...]:
    """All that is refuted."""
    return tuple(judgement for judgement in checked.judgements if isinstance(judgement.verdict, Refuted))


def of_one(checked: Checked, judgement: Judgement, number: str, specs: Sequence[str]) -> Files:
    """The two files of one refutation; the page alone where there is no run to repeat."""
    refuted = judgement.verdict
    assert isinstance(refuted, Refuted)
    told = retold(checked, judgement, refuted)
    name = slug(judgement, number)
    if isinstance(refuted.situation, History) and told is not None:
        refuted = replace(refuted, situation=completed(checked, refuted.situation))
    test = f"test_{name.replace('-', '_')}.py"
    has_test = told is not None or isinstance(refuted.situation, Critical)
    text = page(checked, judgement, refuted, told, test if has_test else "")
    made = {f"{name}.md": text}
    if has_test:
        made[test] = reproducer.module(judgement, refuted, told, specs)
    return made


def slug(judgement: Judgement, number: str) -> str:
    """`1-A1-ship`: a name for the files, in the order of the findings."""
    parts = (number, judgement.claim.family, judgement.claim.step or judgement.claim.saga.rpartition(".")[2])
    return re.sub(r"[^A-Za-z0-9-]", "_", "-".join(parts))


def retold(checked: Checked, judgement: Judgement, refuted: Refuted) -> Replayed | Rehearsal | None:
    """The run on the kernel, or the acts on records; nothing where there is neither."""
    match refuted.situation:
        case Situation():
            name = judgement.claim.saga
            replayed = counterexample.explain(judgement, checked.project, checked.saga(name), checked.plans[name])
            return replayed if replayed is not None and replayed.moments else None
        case History() as history:
            try:
                return rehearsal.rehearse(completed(checked, history), checked.project)
            except Unreplayable:
                return None
        case Critical():
            return None


def completed(checked: Checked, history: History) -> History:
    """The history with plain values for what it leaves open."""
    sides = tuple(counterexample.whole(side, checked.project, checked.plans) for side in history.sides)
    return replace(history, sides=sides)


# --- the page ------------------------------------------------------------------------------------------------------


def page(checked: Checked, judgement: Judgement, refuted: Refuted, told: Replayed | Rehearsal | None, test: str) -> str:
    """The finding, the story line by line and as a diagram, what would repair it, and how to repeat it."""
    claim = judgement.claim
    line, column = checked.sources[claim.span.file].position(claim.span.start)
    of = f" of `{claim.step}`" if claim.step else ""
    parts = [
        f"# {claim.family}{of}: {refuted.message}",
        f"At `{claim.span.file}:{line}:{column}`. What does not hold: {claim.text}.",
        *at_fault(checked, refuted),
        *story(checked, judgement),
        *diagram(checked, refuted, told),
        *(("## What would repair it", "\n".join(f"- {advice}" for advice in refuted.help)) if refuted.help else ()),
        *(("## Repeat it", f"```console\n$ python -m pytest {test}\n```") if test else ()),
    ]
    return "\n\n".join(parts) + "\n"


def at_fault(checked: Checked, refuted: Refuted) -> Iterator[str]:
    """The clauses that the story goes through."""
    if refuted.also:
        yield "## What it goes through"
        yield "\n".join(f"- {place(checked, span)}: {text}" for span, text in refuted.also)


def place(checked: Checked, span: Span) -> str:
    """A clause with where it stands."""
    source = checked.sources[span.file]
    line, column = source.position(span.start)
    return f"`{' '.join(source.text[span.start : span.end].split())}` at {span.file}:{line}:{column}"


def story(checked: Checked, judgement: Judgement) -> Iterator[str]:
    """The lines that `check` shows."""
    trace = next((found.trace for found in checked.diagnostics if is_of(found.code, found.span, judgement)), ())
    if trace:
        yield "## What happens"
        yield "\n".join(("```text", *trace, "```"))


def is_of(code: str, span: object, judgement: Judgement) -> bool:
    return (code, span) == (judgement.claim.family, judgement.claim.span)


def diagram(checked: Checked, refuted: Refuted, told: Replayed | Rehearsal | None) -> Iterator[str]:
    """The sequence diagram, which GitHub and most Markdown tools draw."""
    match refuted.situation, told:
        case Situation() as situation, Replayed():
            keep = frozenset({situation.subject, situation.other, situation.unknown, *situation.failed}) - {""}
            text = sequence.of_run(told.moments, (refuted.message,), keep=keep)
        case History() as history, Rehearsal():
            text = sequence.of_history(history, told, checked.project, (refuted.message,))
        case _:
            return
    yield f"```mermaid\n{text}\n```"

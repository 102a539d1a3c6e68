"""Lower or reject: whatever clause is deleted from an accepted spec, a plan, a module, a proof or a finding differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, parser, report, syntax
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").rglob("*.saga"))
TODAY = date(2026, 11, 21)

CLAUSES = (
    *(syntax.Service, syntax.Operation, syntax.Resource, syntax.ResourceField, syntax.StateSet),
    *(syntax.Invariant, syntax.Changes, syntax.Requires, syntax.Assignment, syntax.Idempotent, syntax.Fails),
    *(syntax.LandsWithin, syntax.Probe, syntax.Revokes, syntax.HoldsFor, syntax.Key, syntax.OutputBlock),
    *(syntax.Deadline, syntax.Rollback, syntax.Step, syntax.Ensure, syntax.Retry, syntax.Timeout, syntax.After),
    *(syntax.When, syntax.Do, syntax.Undo, syntax.Irreversible, syntax.Left, syntax.UndoneBy, syntax.Scenario),
    *(syntax.GivenInput, syntax.GivenFails, syntax.GivenUnknown, syntax.GivenUndoFails, syntax.GivenAfter),
)
"""Everything that an author can delete whole."""

OTHERWISE = {"completed": "compensated", "compensated": "completed", "held": "completed"}


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_clause_is_accepted_and_ignored(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = check(text)
    cuts = list(deletions(text))
    ignored = [clause for clause, left in cuts if is_same(check(left), whole)]
    assert len(cuts) > 9
    assert ignored == []


@pytest.mark.slow
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_scenario_that_promises_otherwise_is_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lies = list(broken_promises(text))
    believed = [promise for promise, lie in lies if "S101" not in codes(check(lie))]
    assert lies
    assert believed == []


def deletions(text: str) -> Iterator[tuple[str, str]]:
    """Each clause of a spec, and the spec without it."""
    tree, findings = parser.parse(Source("cut.saga", text))
    assert findings == ()
    for node in nodes(tree):
        if isinstance(node, CLAUSES):
            yield text[node.span.start : node.span.end], text[: node.span.start] + text[node.span.end :]


def nodes(tree: object) -> Iterator[syntax.Node]:
    """Every node of a tree."""
    if isinstance(tree, syntax.Node):
        yield tree
        for field in dataclasses.fields(tree):
            yield from nodes(getattr(tree, field.name))
    elif isinstance(tree, tuple):
        for item in tree:
            yield from nodes(item)


def broken_promises(text: str) -> Iterator[tuple[str, str]]:
    """Each `then` of a spec's scenarios, and the spec with the opposite in its place."""
    for node in nodes(parser.parse(Source("cut.saga", text))[0]):
        match node:
            case syntax.ThenEnd(span, end):
                lie = f"then {OTHERWISE[end]}"
            case syntax.ThenOrder(span, items):
                lie = "then order " + ", ".join(("undo " if item.undo else "") + item.step.text for item in items[::-1])
            case _:
                continue
        yield text[span.start : span.end], text[: span.start] + lie + text[span.end :]


def check(text: str) -> Checked:
    return driver.check_text(text, TODAY, "cut.saga")


def codes(checked: Checked) -> set[str]:
    return {finding.code for finding in checked.diagnostics}


def is_same(left: Checked, right: Checked) -> bool:
    """Whether two specs lead to the same modules with their plans, findings, and verdicts as reported."""
    return (
        messages(left) == messages(right)
        and left.modules == right.modules
        and told(left) == told(right)
        and driver.generate(left) == driver.generate(right)
    )


def messages(checked: Checked) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in checked.diagnostics]


def told(checked: Checked) -> str:
    return report.text(checked.project, checked.plans, checked.judgements, verbose=True)

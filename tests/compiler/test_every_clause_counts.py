"""Lower or reject: whatever clause is deleted from an accepted spec, a plan, a module, a proof or a finding differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pytest

from sagac.compiler import driver, generation, parser, report, syntax
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").rglob("*.saga"))
TODAY = date(2026, 11, 21)

Kinds: TypeAlias = tuple[type[syntax.Node], ...]

CLAUSES = (
    *(syntax.Owner, syntax.Service, syntax.Operation, syntax.Resource, syntax.ResourceField, syntax.StateSet),
    *(syntax.Invariant, syntax.Changes, syntax.Requires, syntax.Assignment, syntax.Idempotent, syntax.Fails),
    *(syntax.LandsWithin, syntax.Probe, syntax.Revokes, syntax.HoldsFor, syntax.Key, syntax.OutputBlock),
    *(syntax.Deadline, syntax.Rollback, syntax.Step, syntax.Ensure, syntax.Retry, syntax.Timeout, syntax.After),
    *(syntax.When, syntax.Do, syntax.Undo, syntax.Irreversible, syntax.Left, syntax.UndoneBy, syntax.OnRefusal),
    *(syntax.Lock, syntax.Yields, syntax.Observe, syntax.Choice, syntax.Require, syntax.Forbid),
)
"""Everything that an author can delete whole, outside of scenarios."""

STORIES = (
    *(syntax.Scenario, syntax.GivenInput, syntax.GivenFails, syntax.GivenUnknown),
    *(syntax.GivenUndoFails, syntax.GivenAfter),
)
"""What can be deleted of a scenario; its promises are not deleted but broken."""

OTHERWISE = {"completed": "compensated", "compensated": "completed", "held": "completed"}

each_spec = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


@pytest.mark.slow
@each_spec
def test_no_clause_is_accepted_and_ignored(path: Path) -> None:
    text = without_scenarios(path.read_text(encoding="utf-8"))
    assert len(list(deletions(text, CLAUSES))) > 7
    assert ignored(text, CLAUSES) == []


@pytest.mark.slow
@each_spec
def test_nothing_in_a_scenario_is_accepted_and_ignored(path: Path) -> None:
    assert ignored(path.read_text(encoding="utf-8"), STORIES) == []


@pytest.mark.slow
@each_spec
def test_a_scenario_that_promises_otherwise_is_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lies = list(broken_promises(text))
    believed = [promise for promise, lie in lies if "S101" not in codes(check(lie))]
    assert lies
    assert believed == []


def ignored(text: str, kinds: Kinds) -> list[str]:
    """The clauses that may as well not be there."""
    whole = check(text)
    modules = driver.generate(whole)
    return [clause for clause, left in deletions(text, kinds) if is_same(check(left), whole, modules)]


def deletions(text: str, kinds: Kinds) -> Iterator[tuple[str, str]]:
    """Each clause of these kinds, and the spec without it."""
    tree, findings = parser.parse(Source("cut.saga", text))
    assert findings == ()
    for node in nodes(tree):
        if isinstance(node, kinds):
            yield text[node.span.start : node.span.end], text[: node.span.start] + text[node.span.end :]


def without_scenarios(text: str) -> str:
    """The spec alone: replaying its scenarios for every cut would take long, and change nothing."""
    scenarios = [node for node in nodes(parser.parse(Source("cut.saga", text))[0]) if isinstance(node, syntax.Scenario)]
    for scenario in reversed(scenarios):
        text = text[: scenario.span.start] + text[scenario.span.end :]
    return text


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


def is_same(left: Checked, right: Checked, modules: generation.Modules) -> bool:
    """Whether two specs lead to the same modules with their plans, findings, and verdicts as reported."""
    return (
        messages(left) == messages(right)
        and left.modules == right.modules
        and told(left) == told(right)
        and driver.generate(left) == modules
    )


def messages(checked: Checked) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in checked.diagnostics]


def told(checked: Checked) -> str:
    return report.text(checked.project, checked.plans, checked.judgements, verbose=True)

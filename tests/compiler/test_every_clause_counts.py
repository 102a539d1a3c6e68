"""Lower or reject: whatever clause is deleted from an accepted spec, a plan, a module, a proof or a finding differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.mutants import judging, operators

from sagac.compiler import driver, generation, parser, report, syntax
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

SPECS = sorted((Path(__file__).parents[2] / "specs" / "accepted").rglob("*.saga"))
TODAY = date(2026, 11, 21)

Kinds: TypeAlias = tuple[type[syntax.Node], ...]

PARTS = (
    *("drop `hold`", "drop `references`", "drop an initial value", "drop one of a list", "drop `where`"),
    *("drop a part of a condition", "forget old"),
)
"""What can be deleted of a clause and is no node of its own, by the operators that do so."""

SAYS_LESS = {"order": ("where total > 0", "none, ")}
"""What a spec can do without, since it says less then and is proved as before.

Nothing is computed from the total; and what stands in `clean` beside a state that a run may leave anyhow, its first
one, changes nothing.
"""

STORIES = (
    *(syntax.Scenario, syntax.GivenInput, syntax.GivenFails, syntax.GivenUnknown),
    *(syntax.GivenUndoFails, syntax.GivenAfter),
)
"""What can be deleted of a scenario; its promises are not deleted but broken."""

OTHERWISE = {"completed": "compensated", "compensated": "completed", "held": "completed"}

each_spec = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


@pytest.mark.slow
@each_spec
def test_nothing_that_can_be_left_out_of_a_spec_is_accepted_and_ignored(path: Path) -> None:
    text = operators.without_scenarios(path.read_text(encoding="utf-8"))
    whole = judging.told(judging.check(text))
    became = {
        clause: judging.kill(whole, judging.told(judging.check(left))) for clause, left in shortened(text).items()
    }
    counted = Counter(kill for kill, _ in became.values())
    assert counted["refused"] and (counted["refuted"] or path.stem == "trip"), counted
    silent = [clause for clause, (kill, _) in became.items() if kill == "survives"]
    assert [clause for clause in silent if not clause.startswith(SAYS_LESS.get(path.stem, ()))] == []


def shortened(text: str) -> dict[str, str]:
    """The spec without each of its nodes, and without each part of a clause, as far as there is a spec left."""
    tree, findings = parser.parse(Source("cut.saga", text))
    assert findings == ()
    spans = [node.span for node in operators.nodes(tree) if not isinstance(node, syntax.Comment)]
    edits = [(span, "") for span in spans]
    edits += [edit for part in PARTS for edit in operators.OPERATORS[part](tree, text)]
    found: dict[str, str] = {}
    for span, instead in edits:
        left = text[: span.start] + instead + text[span.end :]
        if text[span.start : span.end].strip() and left not in found.values() and is_spec(left):
            clause = " ".join(text[span.start : span.end].split())
            found[f"{clause} ({text.count(chr(10), 0, span.start) + 1})"] = left
    return found


def is_spec(text: str) -> bool:
    """Whether the parser finds nothing wrong with it: what it refuses is refused."""
    return parser.parse(Source("cut.saga", text))[1] == ()


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
    for node in operators.nodes(tree):
        if isinstance(node, kinds):
            yield text[node.span.start : node.span.end], text[: node.span.start] + text[node.span.end :]


def broken_promises(text: str) -> Iterator[tuple[str, str]]:
    """Each `then` of a spec's scenarios, and the spec with the opposite in its place."""
    for node in operators.nodes(parser.parse(Source("cut.saga", text))[0]):
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

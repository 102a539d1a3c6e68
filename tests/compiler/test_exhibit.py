"""A refutation becomes a page with a diagram, and a test that repeats it until the spec is repaired."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pytest

from sagac.compiler import counterexample, driver, exhibit, rehearsal, reproducer, sequence
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Act, Before, Critical, History, Judgement, Refuted, Side, Situation
from sagac.runtime.cli import main

TODAY = date(2026, 11, 21)
FOLDER = Path(__file__).parents[2] / "specs" / "refuted"
CASES = [case for case in sorted(FOLDER.iterdir()) if case.name[:2] in ("a1", "a2", "c1", "d1", "d2")]
OTHERS = (
    "b1_a_fee_that_nobody_declared",
    "b2_packing_a_sealed_box",
    "b4_a_price_that_others_overwrite",
    "b5_stock_that_others_take",
    "c5_a_key_that_is_forgotten",
    "e1_a_hold_that_lapses",
    "e2_a_rollback_that_takes_too_long",
    "f_a_parcel_before_the_money",
)
"""Effects by one run and by two, sums of times, and what a saga ensures."""

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def made(folder: Path, text: str) -> dict[str, str]:
    """The files about a spec that stands beside them."""
    (folder / "spec.saga").write_text(text, encoding="utf-8")
    files = dict(exhibit.files(driver.check([Source("spec.saga", text)], TODAY), ["spec.saga"]))
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return files


def run(test: Path, *, repaired: bool = False) -> None:
    """What pytest would do with a test module; raises where it fails."""
    module = runpy.run_path(str(test))
    module["test_the_counterexample"].__globals__["REPAIRED"] = repaired
    cast("Callable[[], None]", module["test_the_counterexample"])()


def only_test(folder: Path) -> Path:
    (test,) = folder.glob("test_*.py")
    return test


def wrong(case: Path) -> str:
    return (case / "wrong.saga").read_text(encoding="utf-8")


# --- the test ------------------------------------------------------------------------------------------------------


@each_case
def test_a_counterexample_reproduces(case: Path, tmp_path: Path) -> None:
    made(tmp_path, wrong(case))
    run(only_test(tmp_path))


@pytest.mark.parametrize("case", OTHERS)
def test_a_counterexample_about_effects_or_times_reproduces_too(case: str, tmp_path: Path) -> None:
    files = made(tmp_path, wrong(FOLDER / case))
    for test in sorted(tmp_path.glob("test_*.py")):
        run(test)
        with pytest.raises(AssertionError):
            run(test, repaired=True)
    first = next(text for name, text in files.items() if name.startswith("1-"))
    assert ("```mermaid" in first) == (case[0] not in "ce")


@each_case
def test_a_counterexample_does_not_pass_for_repaired(case: Path, tmp_path: Path) -> None:
    made(tmp_path, wrong(case))
    with pytest.raises(AssertionError):
        run(only_test(tmp_path), repaired=True)


@each_case
def test_a_repaired_spec_is_kept_so(case: Path, tmp_path: Path) -> None:
    made(tmp_path, wrong(case))
    (tmp_path / "spec.saga").write_text((case / "fixed.saga").read_text(encoding="utf-8"), encoding="utf-8")
    run(only_test(tmp_path), repaired=True)


def test_the_numbers_of_counterexamples_are_as_long_as_the_last_one() -> None:
    found = driver.check([Source("spec.saga", wrong(CASES[0]))], TODAY)
    one = next(iter(exhibit.files(found, ["spec.saga"])))
    assert one.startswith("1-")
    assert next(iter(exhibit.files(found, ["spec.saga"], 3, 123))) == f"003{one[1:]}"


def test_a_spec_that_cannot_be_judged_is_not_repaired(tmp_path: Path) -> None:
    made(tmp_path, wrong(CASES[0]))
    (tmp_path / "spec.saga").write_text("saga Broken version 1 {", encoding="utf-8")
    with pytest.raises(AssertionError, match="cannot be judged"):
        run(only_test(tmp_path), repaired=True)


def test_a_run_that_the_repair_makes_harmless_fails_the_test_of_the_fault(tmp_path: Path) -> None:
    case = FOLDER / "a2_two_compensations_apply"
    made(tmp_path, wrong(case))
    (tmp_path / "spec.saga").write_text((case / "fixed.saga").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(AssertionError):
        run(only_test(tmp_path))


# --- the page ------------------------------------------------------------------------------------------------------


@each_case
def test_the_page_has_the_story_and_how_to_repeat_it(case: Path, tmp_path: Path) -> None:
    files = made(tmp_path, wrong(case))
    (page,) = [text for name, text in files.items() if name.endswith(".md")]
    checked = driver.check([Source("spec.saga", wrong(case))], TODAY)
    (finding,) = [finding for finding in checked.diagnostics if finding.trace]
    assert "\n".join(finding.trace) in page
    assert f"pytest {only_test(tmp_path).name}" in page


MERMAID = re.compile(
    r"sequenceDiagram(\n  (participant \w+ as [^;#]+|Note over \w+(,\w+)?: [^;]*|\w+(->>|-->>|-x|--x)\w+: [^;]*))+"
)


@each_case
def test_the_diagram_has_nothing_but_participants_messages_and_notes(case: Path, tmp_path: Path) -> None:
    (page,) = [text for name, text in made(tmp_path, wrong(case)).items() if name.endswith(".md")]
    (diagram,) = re.findall(r"```mermaid\n(.*?)\n```", page, re.DOTALL)
    assert MERMAID.fullmatch(re.sub(r"#\w+;", "", diagram)), diagram


def test_what_mermaid_would_read_as_its_own_is_escaped() -> None:
    assert sequence.escaped("a; b # c\n<d>") == "a#59; b #35; c #lt;d#gt;"


LONG = (
    "service work {\n  command may(id: uuid, n: int) idempotent fails Refused\n"
    "  command undo(id: uuid) idempotent revokes may\n}\n"
    "saga Long version 1 {\n  key id\n  input { id: uuid  amount: int }\n"
)


def long(steps: int) -> str:
    lines = [
        f"  step s{number:03}{f' after s{number - 1:03}' if number else ''} {{ do work.may(id, {number})  "
        f"compensate work.undo(id) {'when amount > 5' if number == steps // 2 else ''} }}"
        for number in range(steps)
    ]
    return LONG + "\n".join(lines) + "\n}\n"


def test_a_long_chain_is_told_in_a_few_lines(tmp_path: Path) -> None:
    files = made(tmp_path, long(600))
    assert "  Note over run: 300 steps done: 's000' to 's299'\n" in files["1-A2-s300.md"]
    assert len(files["1-A2-s300.md"].split("\n")) < 60
    run(only_test(tmp_path))


def test_the_same_spec_gives_the_same_files(tmp_path: Path) -> None:
    assert made(tmp_path, wrong(CASES[0])) == made(tmp_path, wrong(CASES[0]))


def test_the_command_writes_them_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, folder = tmp_path / "spec.saga", tmp_path / "found"
    spec.write_text(wrong(CASES[0]), encoding="utf-8")
    assert main(["check", str(spec), "--format", "json", "--counterexamples", str(folder)]) == 1
    assert "1 counterexample written" in capsys.readouterr().err
    assert sorted(path.suffix for path in folder.iterdir()) == [".md", ".py"]
    run(only_test(folder))


# --- effects, by two runs ------------------------------------------------------------------------------------------

STOCK = """\
service warehouse {
  resource Stock[sku: string] { available: int  held: int hold }
  command reserve(sku: string, quantity: int)
    changes Stock[sku] { requires available >= quantity  available -= quantity  held += quantity }
    idempotent
    fails OutOfStock
  command release(sku: string, quantity: int)
    changes Stock[sku] { available += quantity  held -= quantity }
    idempotent
    revokes reserve
}
saga Order version 1 {
  key order
  input { order: uuid  sku: string  quantity: int where quantity > 0 }
  step reserve { do warehouse.reserve(sku, quantity)  compensate warehouse.release(sku, quantity) }
}
"""
ONE, TWO = (
    Side("Order", {"order": f"0000000{n}-0000-4000-8000-000000000000", "sku": "a", "quantity": n}) for n in (1, 2)
)
BOTH = History(
    sides=(ONE, TWO),
    before=(Before("warehouse.Stock", ("a",), {"available": 2, "held": 0}),),
    acts=(Act(0, "reserve"), Act(1, "reserve"), Act(0, "reserve", 0)),
    otherwise=(Act(1, "reserve"), Act(0, "reserve")),
    subject="reserve",
)


def stock() -> Checked:
    return driver.check([Source("spec.saga", STOCK)], TODAY)


def test_two_runs_are_two_participants_with_what_each_leaves() -> None:
    project = stock().project
    assert sequence.of_history(BOTH, rehearsal.rehearse(BOTH, project), project, ("it goes wrong",)).split("\n") == [
        "sequenceDiagram",
        "  participant r0 as Order, run 1",
        "  participant r1 as Order, run 2",
        "  participant s0 as warehouse",
        '  Note over s0: Stock["a"]: available 2, held 0',
        '  r0->>s0: reserve: warehouse.reserve("a", 1)',
        "  s0-->>r0: done",
        '  Note over s0: Stock["a"]: available 1, held 1',
        '  r1->>s0: reserve: warehouse.reserve("a", 2)',
        "  s0--xr1: refused: 'available #gt;= quantity' does not hold",
        '  r0->>s0: undo reserve: warehouse.release("a", 1)',
        "  s0-->>r0: undone",
        '  Note over s0: Stock["a"]: available 2, held 0',
        "  Note over r0,s0: the other way round",
        '  r1->>s0: reserve: warehouse.reserve("a", 2)',
        "  s0-->>r1: done",
        '  Note over s0: Stock["a"]: available 0, held 2',
        '  r0->>s0: reserve: warehouse.reserve("a", 1)',
        "  s0--xr0: refused: 'available #gt;= quantity' does not hold",
        "  Note over r0,s0: it goes wrong",
    ]


def refuting(situation: History | Critical) -> tuple[Judgement, Refuted]:
    """A judgement of the stock's saga with a situation that is made up."""
    refuted = Refuted(situation, "it goes wrong")
    claim = next(judgement.claim for judgement in stock().judgements if judgement.claim.step == "reserve")
    return Judgement(claim, refuted), refuted


def test_a_history_reproduces_on_concrete_records(tmp_path: Path) -> None:
    (tmp_path / "spec.saga").write_text(STOCK, encoding="utf-8")
    judgement, refuted = refuting(BOTH)
    told = rehearsal.rehearse(BOTH, stock().project)
    test = tmp_path / "test_it.py"
    test.write_text(reproducer.module(judgement, refuted, told, ["spec.saga"]), encoding="utf-8")
    run(test)
    (tmp_path / "spec.saga").write_text(STOCK.replace("available += quantity", "available := 7"), encoding="utf-8")
    with pytest.raises(AssertionError):
        run(test)


def test_a_sum_reproduces_only_while_the_compiler_finds_it(tmp_path: Path) -> None:
    (tmp_path / "spec.saga").write_text(STOCK, encoding="utf-8")
    judgement, refuted = refuting(Critical(("reserve  30s",)))
    test = tmp_path / "test_it.py"
    test.write_text(reproducer.module(judgement, refuted, None, ["spec.saga"]), encoding="utf-8")
    with pytest.raises(AssertionError):
        run(test)


def test_a_history_that_cannot_be_rehearsed_has_a_page_and_no_test() -> None:
    checked = stock()
    judgement, _ = refuting(replace(BOTH, before=()))
    files = exhibit.of_one(checked, judgement, "1", ["spec.saga"])
    assert [Path(name).suffix for name in files] == [".md"]


def test_a_finding_that_does_not_replay_has_a_page_and_no_test() -> None:
    case = FOLDER / "a1_guards_that_overlap"
    checked = driver.check([Source("spec.saga", wrong(case))], TODAY)
    (judgement,) = [each for each in checked.judgements if isinstance(each.verdict, Refuted)]
    assert isinstance(judgement.verdict, Refuted)
    assert isinstance(judgement.verdict.situation, Situation)
    situation = replace(judgement.verdict.situation, failed={})
    broken = replace(judgement, verdict=replace(judgement.verdict, situation=situation))
    assert counterexample.explain(broken, checked.project, checked.project.sagas[0], checked.plans["Payment"]) is None
    assert [Path(name).suffix for name in exhibit.of_one(checked, broken, "1", ["spec.saga"])] == [".md"]

"""The sagas that the project is judged by: proved as they stand, refused once a promise that they need is gone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sagac.compiler import driver, report
from sagac.compiler.driver import Checked
from sagac.compiler.verdicts import Assumed, Proved

FOLDER = Path(__file__).parents[2] / "specs" / "accepted"
SPECS = sorted(FOLDER.rglob("*.saga"))
TODAY = date(2026, 11, 21)

each_spec = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)

WEAKENED = (
    ("purchase", "a late payment could land after the rollback", "    revokes pay\n", "", "C1"),
    ("purchase", "the early word has no cancel", "    compensate logistics.withdraw(purchase_id)\n", "", "E314"),
    ("purchase", "the truck could leave unannounced", "after pay, announce", "after pay", "A1"),
    ("purchase", "the payment is tried without end", "retry 1 times backoff 1s to 1s", "retry forever", "E318"),
    ("onboarding", "an account nobody is sure of stays", "    revokes open_account\n", "", "C1"),
    ("onboarding", "the account could outlive its client", "client.record, allocation", "name, allocation", "S101"),
    ("transfer", "nobody can ask for the deal", "    probe find(transfer)\n", "", "C1"),
    ("transfer", "a probe is believed too early", "    lands within 1m\n", "", "C1"),
    (
        "transfer",
        "the credit could be sent twice",
        "    idempotent\n    fails Sanctions",
        "    fails Sanctions",
        "E318",
    ),
    ("transfer", "the credit could overtake the debit", "step convert after debit", "step convert", "A1"),
    ("order", "a card could stay authorized", "    probe find(order)\n", "", "C1"),
    ("order", "the capture could beat the stock", "step authorize after reserve", "step authorize", "A1"),
)
"""A saga, what could go wrong without a promise, the promise as written, what stands there instead, the finding."""


@each_spec
def test_an_accepted_spec_is_proved(path: Path) -> None:
    checked = check(path.read_text(encoding="utf-8"))
    assert [finding.message for finding in checked.diagnostics if finding.severity != "note"] == []
    assert report.exit_code(checked.diagnostics, checked.judgements, strict=False) == 0
    allowed = (Proved, Assumed) if path.stem == "trip" else Proved
    assert [judgement for judgement in checked.judgements if not isinstance(judgement.verdict, allowed)] == []


@each_spec
def test_an_accepted_spec_is_told_in_a_few_lines(path: Path) -> None:
    assert (path.parent / "README.md").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(
    ("saga", "danger", "promise", "instead", "code"), WEAKENED, ids=[danger for _, danger, *_ in WEAKENED]
)
def test_without_one_of_its_promises_it_is_refused(
    saga: str, danger: str, promise: str, instead: str, code: str
) -> None:
    text = (FOLDER / saga / f"{saga}.saga").read_text(encoding="utf-8")
    assert text.count(promise) == 1, promise
    errors = {
        finding.code for finding in check(text.replace(promise, instead)).diagnostics if finding.severity == "error"
    }
    assert code in errors, danger


def test_the_undo_order_of_the_onboarding_follows_what_reads_what() -> None:
    plan = check((FOLDER / "onboarding" / "onboarding.saga").read_text(encoding="utf-8")).plans["onboarding.Onboarding"]
    assert {step.name: step.undo_after for step in plan.steps} == {
        "client": ("account",),
        "account": ("screen",),
        "screen": ("subscribe",),
        "subscribe": (),
    }


def test_the_carrier_waits_for_nothing_that_the_payment_holds() -> None:
    plan = check((FOLDER / "purchase" / "purchase.saga").read_text(encoding="utf-8")).plans["procurement.Purchase"]
    waits = {step.name: step.undo_after for step in plan.steps}
    assert waits["announce"] == ("ship",)
    assert waits["order"] == ("pay",)


def check(text: str) -> Checked:
    return driver.check_text(text, TODAY)

"""The solver's answers of earlier checks: they save time, and change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagac.compiler import answers, solver
from sagac.compiler.solver import Standing
from sagac.runtime.cli import main

ORDER = Path(__file__).parents[2] / "specs" / "accepted" / "order" / "order.saga"

CANNOT = "(set-logic QF_UF)\n(declare-const x1 Bool)\n(assert x1)\n(assert (not x1))\n(check-sat)\n"
CAN = "(set-logic QF_UF)\n(declare-const x1 Bool)\n(assert x1)\n(check-sat)\n"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Each test, and what comes after it, begins without answers."""
    forget()
    yield
    forget()


def forget() -> None:
    solver.decided.cache_clear()
    solver.EARLIER.clear()


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions that the solver itself is asked from now on."""
    texts: list[str] = []
    now = solver.decided_now

    def listening(text: str, premises: int) -> Standing:
        texts.append(text)
        return now(text, premises)

    monkeypatch.setattr(solver, "decided_now", listening)
    return texts


def test_what_is_written_is_read_again() -> None:
    known: dict[str, Standing] = {"b": "sat", "a": (), "c": (0, 2)}
    assert answers.read(answers.written(known)) == known
    assert answers.written(dict(sorted(known.items()))) == answers.written(known)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[1]", b'{"a": "fine"}', b'{"a": [true]}', b'{"a": "unknown"}'], ids=repr
)
def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    assert answers.read(body) == {}


def test_a_question_that_was_answered_before_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = asked(monkeypatch)
    assert (solver.answer(CANNOT), solver.answer(CAN)) == ("unsat", "sat")
    known = dict(solver.EARLIER)
    forget()
    solver.EARLIER.update(answers.read(answers.written(known)))
    assert (solver.answer(CANNOT), solver.answer(CAN)) == ("unsat", "sat")
    assert texts == [CANNOT, CAN]


def test_a_question_that_differs_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = asked(monkeypatch)
    solver.answer(CAN)
    solver.answer(CAN.replace("x1", "x2"))
    solver.decided(CAN, 1)
    assert len(texts) == 3


def test_an_answer_of_another_solver_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = asked(monkeypatch)
    solver.answer(CAN)
    solver.decided.cache_clear()
    monkeypatch.setattr(solver, "version", lambda: "another one")
    solver.answer(CAN)
    assert len(texts) == 2


def test_that_the_solver_gave_up_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "decided_now", lambda text, premises: "unknown")
    assert solver.answer(CAN) == "unknown"
    assert solver.EARLIER == {}


def test_a_second_check_says_the_same_and_asks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = asked(monkeypatch)
    first = main(["check", str(ORDER), "--verbose", "--cache", str(tmp_path)]), capsys.readouterr().out
    asked_first, kept = len(texts), (tmp_path / "answers.json").read_bytes()
    assert asked_first > 5
    forget()
    second = main(["check", str(ORDER), "--verbose", "--cache", str(tmp_path)]), capsys.readouterr().out
    assert first == second
    assert len(texts) == asked_first
    assert (tmp_path / "answers.json").read_bytes() == kept
    assert [path.name for path in tmp_path.iterdir()] == ["answers.json"]


def test_a_cache_that_was_spoilt_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answers.json").write_bytes(b"{")
    texts = asked(monkeypatch)
    main(["check", str(ORDER), "--cache", str(tmp_path)])
    assert texts
    assert answers.read((tmp_path / "answers.json").read_bytes())


def test_a_check_without_a_cache_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main(["check", str(ORDER)])
    assert list(tmp_path.iterdir()) == []


def test_what_a_wrong_answer_leads_to_is_not_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers are trusted by a check, and by nobody who verifies its evidence: the questions are decided again."""
    main(["check", str(ORDER), "--cache", str(tmp_path), "--evidence", str(tmp_path / "proof")])
    turned = {
        key: () if answer == "sat" else answer
        for key, answer in answers.read((tmp_path / "answers.json").read_bytes()).items()
    }
    assert turned != solver.EARLIER
    (tmp_path / "answers.json").write_bytes(answers.written(turned))
    forget()
    main(["check", str(ORDER), "--cache", str(tmp_path), "--evidence", str(tmp_path / "proof")])
    forget()
    assert main(["verify", str(tmp_path / "proof")]) == 1

"""Verifying: the kernel repeats the runs, two solvers decide the questions again, and nothing changed passes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagac.compiler import checker, cli, crosscheck, driver, evidence, rederivation, solver, verification
from sagac.compiler.questions import Answer
from sagac.compiler.source import Source
from sagac.runtime.cli import main

SPECS = Path(__file__).parents[2] / "specs"
GUARDED = SPECS / "refuted" / "a1_guards_that_overlap" / "fixed.saga"
WRONG = SPECS / "refuted" / "a1_guards_that_overlap" / "wrong.saga"

FIRST = {"first": solver.answer}
BOTH = {"first": solver.answer, "second": crosscheck.decide}


def written(below: Path, path: Path) -> Path:
    """The bundle of a check, on disk."""
    found = driver.check([Source(path.as_posix(), path.read_text(encoding="utf-8"))], cli.today())
    root = below / evidence.name_of(found)
    cli.write_exactly(root, evidence.bundle(found))
    return root


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("pristine"), GUARDED)


@pytest.fixture
def bundle(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / pristine.name))


def change(root: Path, by: Callable[[Any], None]) -> None:
    """Somebody changes the manifest, and makes all hashes right again."""
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    by(manifest)
    present = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    manifest["files"] = {
        name: checker.sha256((root / name).read_bytes()) for name in present if name != "manifest.json"
    }
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def own_question(root: Path) -> tuple[Any, Path]:
    """The claim that two guards are exclusive, and the file of its question."""
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    one = next(one for one in manifest["obligations"] if one["family"] == "A1" and one["questions"])
    return one, root / "smt2" / f"{one['questions'][0]}.smt2"


def faults(root: Path) -> str:
    """All that is held against a bundle."""
    verified = verification.verify(root, FIRST)
    assert not verified.is_sound, "nothing was noticed"
    assert verification.text_of(verified, verbose=False).endswith("NOT VERIFIED")
    return "\n".join((*verified.report.problems, *verified.problems, *(one.note for one in verified.report.findings)))


# --- what holds ----------------------------------------------------------------------------------------------------


def test_an_accepted_specification_is_verified_by_two_solvers_and_the_kernel(pristine: Path) -> None:
    verified = verification.verify(pristine, BOTH)
    assert verified.is_sound, verification.text_of(verified, verbose=True)
    assert verified.runs >= 2
    assert verified.decided["first"] == verified.decided["second"] >= 1


def test_a_claim_that_needs_a_solver_rests_on_a_question_that_is_named(pristine: Path) -> None:
    one, path = own_question(pristine)
    assert one["certificate"] == {"kind": "cases"}
    text = path.read_text(encoding="utf-8")
    assert text.startswith("(set-info :status unsat)\n(set-logic ")
    assert text.endswith("(check-sat)\n")
    assert checker.sha256(text.partition("\n")[2].encode()) == path.stem
    report = checker.check(pristine)
    (finding,) = [finding for finding in report.findings if finding.obligation == one["id"]]
    assert (finding.status, finding.questions) == ("questions", tuple(one["questions"]))


def test_a_question_has_no_name_of_the_specification_in_it(pristine: Path) -> None:
    for path in (pristine / "smt2").iterdir():
        assert not re.search("amount|Payment|invoice|input", path.read_text(encoding="utf-8"))


def test_a_refuted_specification_is_told_and_not_verified(tmp_path: Path) -> None:
    root = written(tmp_path, WRONG)
    verified = verification.verify(root, FIRST)
    assert not verified.problems
    assert not verified.is_sound
    assert "not proved: A1/" in verification.text_of(verified, verbose=False)


# --- questions -----------------------------------------------------------------------------------------------------


def test_a_changed_question_is_noticed(bundle: Path) -> None:
    _, path = own_question(bundle)
    path.write_text(path.read_text(encoding="utf-8").replace("(check-sat)", "(assert false)\n(check-sat)"), "utf-8")
    assert f"`smt2/{path.name}` was changed" in faults(bundle)


def test_a_changed_question_is_noticed_though_all_hashes_are_right(bundle: Path) -> None:
    _, path = own_question(bundle)
    path.write_text(path.read_text(encoding="utf-8").replace("(check-sat)", "(assert false)\n(check-sat)"), "utf-8")
    change(bundle, lambda manifest: None)
    assert f"`smt2/{path.name}` does not hold the question of its name" in faults(bundle)


def test_another_expected_answer_is_noticed(bundle: Path) -> None:
    _, path = own_question(bundle)
    path.write_text(path.read_text(encoding="utf-8").replace("status unsat", "status sat"), encoding="utf-8")
    change(bundle, lambda manifest: None)
    assert f"`smt2/{path.name}` expects another answer than the manifest, which says unsat" in faults(bundle)


def test_an_answer_that_is_expected_in_vain_is_noticed(bundle: Path) -> None:
    """A question that can be met is passed off as one that cannot."""
    text = "(set-logic QF_UF)\n(declare-const x1 Bool)\n(assert x1)\n(check-sat)\n"
    key = checker.sha256(text.encode())
    (bundle / "smt2" / f"{key}.smt2").write_text(f"(set-info :status unsat)\n{text}", encoding="utf-8")

    def add(manifest: Any) -> None:
        manifest["questions"][key] = "unsat"

    change(bundle, add)
    assert f"first answers the question `{key}` with sat, not unsat" in faults(bundle)


def test_a_dropped_question_is_noticed(bundle: Path) -> None:
    one, path = own_question(bundle)
    path.unlink()

    def drop(manifest: Any) -> None:
        del manifest["questions"][path.stem]

    change(bundle, drop)
    assert f"its question `{one['questions'][0]}` is not in the bundle" in faults(bundle)


def test_a_claim_without_its_question_is_noticed(bundle: Path) -> None:
    one, path = own_question(bundle)
    path.unlink()

    def drop(manifest: Any) -> None:
        del manifest["questions"][path.stem]
        for each in manifest["obligations"]:
            each["questions"] = [key for key in each["questions"] if key != path.stem]

    change(bundle, drop)
    assert one["verdict"] == "proved"
    assert "a way to break it is excluded neither by the order nor by one of its questions" in faults(bundle)


def test_another_question_in_the_place_of_the_right_one_is_noticed(bundle: Path) -> None:
    """That something impossible is impossible shows nothing of the claim."""
    one, _ = own_question(bundle)
    text = "(set-logic QF_UF)\n(assert false)\n(check-sat)\n"
    key = checker.sha256(text.encode())
    (bundle / "smt2" / f"{key}.smt2").write_text(f"(set-info :status unsat)\n{text}", encoding="utf-8")

    def swap(manifest: Any) -> None:
        manifest["questions"][key] = "unsat"
        next(each for each in manifest["obligations"] if each["id"] == one["id"])["questions"] = [key]

    change(bundle, swap)
    assert "a way to break it is excluded neither by the order nor by one of its questions" in faults(bundle)


def test_a_question_that_is_passed_off_as_that_of_a_formula_is_noticed(tmp_path: Path) -> None:
    """A refutation is called a proof, and a question without a model is said to be about the case that breaks it."""
    root = written(tmp_path, WRONG)
    text = "(set-logic QF_UF)\n(assert false)\n(check-sat)\n"
    key = checker.sha256(text.encode())
    (root / "smt2" / f"{key}.smt2").parent.mkdir(exist_ok=True)
    (root / "smt2" / f"{key}.smt2").write_text(f"(set-info :status unsat)\n{text}", encoding="utf-8")
    path = next((root / "cert").iterdir())
    certificate = json.loads(path.read_text(encoding="utf-8"))
    pairs = both_guards(certificate)
    certificate["nodes"].append(["and", pairs])
    certificate["formulas"][key] = [len(certificate["nodes"]) - 1]
    path.write_text(json.dumps(certificate), encoding="utf-8")

    def swap(manifest: Any) -> None:
        manifest["questions"][key] = "unsat"
        for one in manifest["obligations"]:
            if one["verdict"] == "refuted":
                one.update(verdict="proved", rests_on=[], questions=[key], certificate={"kind": "cases"})

    change(root, swap)
    assert checker.check(root).is_sound, "the checker alone cannot know what a question says"
    told = faults(root)
    assert f"the question `{key}` does not say what its formula in" in told


def both_guards(certificate: Any) -> list[int]:
    """The numbers of new nodes for the guards of both steps: that both hold is the case that breaks the claim."""
    guards = [step["guard"] for step in certificate["source"]["steps"]]
    assert len(guards) == 2
    first = len(certificate["nodes"])
    certificate["nodes"] += [["atom", guard] for guard in guards]
    return [first, first + 1]


def test_solvers_that_disagree_are_noticed(bundle: Path) -> None:
    def contrary(text: str) -> Answer:
        return "sat" if solver.answer(text) == "unsat" else "unsat"

    verified = verification.verify(bundle, {**FIRST, "contrary": contrary})
    assert not verified.is_sound
    assert verified.decided["contrary"] == 0
    assert all("contrary answers" in problem for problem in verified.problems)


def test_what_is_no_question_has_no_answer() -> None:
    for solve in (solver.answer, crosscheck.decide):
        assert solve("(assert (nonsense 1))(check-sat)") == "unknown"


# --- runs ----------------------------------------------------------------------------------------------------------


def rewrite_run(root: Path, name: str, by: Callable[[Any], None]) -> None:
    told = json.loads((root / name).read_text(encoding="utf-8"))
    by(told)
    (root / name).write_text(json.dumps(told), encoding="utf-8")
    change(root, lambda manifest: None)


def witness_of(root: Path, claim: str) -> str:
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    found = [one["witness"] for one in manifest["obligations"] if one.get("witness") and claim in one["claim"]]
    return str(found[0])


def test_a_witness_in_which_nothing_happens_is_noticed(tmp_path: Path) -> None:
    root = written(tmp_path, SPECS / "accepted" / "order" / "order.saga")

    def stop(told: Any) -> None:
        told["events"], told["end"] = told["events"][:1], "running"

    rewrite_run(root, witness_of(root, "some run reaches the pivot"), stop)
    assert "does not show that some run reaches the pivot" in faults(root)


def test_a_witness_that_ends_otherwise_is_noticed(bundle: Path) -> None:
    def claim(told: Any) -> None:
        told["end"] = "compensated"

    rewrite_run(bundle, witness_of(bundle, "some run reaches the pivot"), claim)
    assert "the kernel ends it `completed`, not `compensated`" in faults(bundle)


def test_a_witness_of_another_plan_is_noticed(bundle: Path) -> None:
    def claim(told: Any) -> None:
        told["plan"] = "0" * 64

    rewrite_run(bundle, witness_of(bundle, "some run reaches the pivot"), claim)
    assert "it is a run of another plan" in faults(bundle)


def test_a_witness_whose_input_is_refused_is_noticed(tmp_path: Path) -> None:
    root = written(tmp_path, SPECS / "accepted" / "order" / "order.saga")

    def claim(told: Any) -> None:
        told["events"][0]["input"]["quantity"] = 0

    rewrite_run(root, witness_of(root, "some run reaches the pivot"), claim)
    assert "its input does not meet every `where`" in faults(root)


def test_a_counterexample_that_does_not_happen_is_noticed(tmp_path: Path) -> None:
    root = written(tmp_path, WRONG)
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    (name,) = [one["counterexample"] for one in manifest["obligations"] if one.get("counterexample")]

    def claim(told: Any) -> None:
        told["end"] = "compensated with residue"

    rewrite_run(root, name, claim)
    assert "not `compensated with residue`" in faults(root)


def test_a_witness_without_events_shows_nothing(tmp_path: Path) -> None:
    root = written(tmp_path, SPECS / "accepted" / "order" / "order.saga")
    rewrite_run(root, witness_of(root, "some run reaches the pivot"), lambda told: told.update(events=[]))
    assert "does not show that some run reaches the pivot" in faults(root)


# --- made once more from the specifications ------------------------------------------------------------------------


def parted(root: Path) -> str:
    """In what a bundle differs from one that is made of its specifications."""
    found = rederivation.differences(root, solver.answer, cli.today())
    assert found, "nothing was noticed"
    return "\n".join(found)


def test_a_bundle_is_what_its_specifications_come_to(pristine: Path) -> None:
    assert rederivation.differences(pristine, solver.answer, cli.today()) == []


@pytest.mark.parametrize("family", ["A5", "B1", "B4", "B5", "B6", "C2", "D4", "F"])
def test_a_dropped_obligation_of_whatever_family_is_missed(tmp_path: Path, family: str) -> None:
    root = written(tmp_path, SPECS / "accepted" / "order" / "order.saga")

    def drop(manifest: Any) -> None:
        manifest["obligations"].remove(next(one for one in manifest["obligations"] if one["family"] == family))

    change(root, drop)
    assert f"an obligation of its specifications is missing: {family}/" in parted(root)


def test_a_weaker_question_in_the_place_of_the_right_one_is_noticed(tmp_path: Path) -> None:
    """With premises that can hold, and an answer that is right: only that it is not what the claim asks for."""
    root = written(tmp_path, SPECS / "accepted" / "order" / "order.saga")

    def swap(manifest: Any) -> None:
        one, other = (next(one for one in manifest["obligations"] if one["family"] == name) for name in ("B4", "B5"))
        one["questions"] = other["questions"]

    change(root, swap)
    assert checker.check(root).is_sound, "the checker alone cannot know what a question has to be"
    assert "is not what its specifications come to: another questions" in parted(root)


def test_a_plan_that_is_changed_everywhere_but_in_the_specification_is_noticed(bundle: Path) -> None:
    plan, module = next((bundle / "plans").iterdir()), next((bundle / "modules").iterdir())
    before, text = checker.sha256(plan.read_bytes()), plan.read_text(encoding="utf-8")
    timeout = re.search(r'"timeout_ms":(\d+)', text)
    assert timeout is not None
    plan.write_text(text.replace(timeout[0], '"timeout_ms":77000'), encoding="utf-8")
    after = checker.sha256(plan.read_bytes())
    number = f"{int(timeout[1]):_}"
    module.write_text(
        module.read_text(encoding="utf-8").replace(number, "77_000").replace(before, after), encoding="utf-8"
    )
    change(bundle, lambda manifest: manifest["sagas"][0].update(digest=after))
    assert f"`modules/{module.name}` is not what its specifications come to" in parted(bundle)


def test_a_condition_that_only_the_certificate_has_is_noticed(bundle: Path) -> None:
    path = next((bundle / "cert").iterdir())
    certificate = json.loads(path.read_text(encoding="utf-8"))
    certificate["source"]["where"] = []
    path.write_text(json.dumps(certificate), encoding="utf-8")
    change(bundle, lambda manifest: None)
    assert "is not what its specifications come to" in parted(bundle)


def test_of_another_solver_only_what_it_may_find_otherwise_may_differ(bundle: Path) -> None:
    def other(manifest: Any) -> None:
        manifest["solver"] = "another solver"
        for one in manifest["obligations"]:
            one["rests_on"] = ["something else"]

    change(bundle, other)
    assert rederivation.differences(bundle, solver.answer, cli.today()) == []
    change(bundle, lambda manifest: manifest["obligations"].pop())
    assert "an obligation of its specifications is missing" in parted(bundle)


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_evidence_and_verifies_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(GUARDED), "--evidence", str(tmp_path)]) == 0
    assert "evidence in `" in capsys.readouterr().err
    assert main(["verify", str(tmp_path), "--crosscheck"]) == 0
    told = capsys.readouterr().out
    assert f"decided again by {solver.version()}: " in told
    assert f"decided again by {crosscheck.version()}: " in told
    assert told.rstrip().endswith("verified")


def test_the_command_tells_a_program_what_became_of_each_obligation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", str(GUARDED), "--evidence", str(tmp_path)])
    capsys.readouterr()
    assert main(["verify", str(tmp_path), "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["verified"] is True
    assert {one["status"] for one in told["obligations"]} <= {"checked", "questions", "run", "assumed"}


def test_the_command_fails_for_a_refuted_specification(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(WRONG), "--evidence", str(tmp_path)]) == 1
    assert main(["verify", str(tmp_path)]) == 1


def test_the_command_says_that_there_is_nothing_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert "there is no evidence in" in capsys.readouterr().err


def test_a_missing_second_solver_is_said_and_fails_only_where_it_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["check", str(GUARDED), "--evidence", str(tmp_path)])
    monkeypatch.setattr(crosscheck, "library", lambda: None)
    capsys.readouterr()
    assert main(["verify", str(tmp_path)]) == 0
    assert "not cross-checked: the second solver is not installed" in capsys.readouterr().err
    assert main(["verify", str(tmp_path), "--crosscheck"]) == 1


def test_evidence_that_is_written_again_leaves_nothing_from_before(tmp_path: Path) -> None:
    main(["check", str(GUARDED), "--evidence", str(tmp_path)])
    (root,) = tmp_path.iterdir()
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    (root / "smt2" / "left.smt2").write_text("", encoding="utf-8")
    main(["check", str(GUARDED), "--evidence", str(tmp_path)])
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_no_evidence_is_written_for_a_specification_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.saga"
    broken.write_text("saga Broken version 1 {", encoding="utf-8")
    assert main(["check", str(broken), "--evidence", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_the_command_makes_the_bundle_once_more_unless_it_is_told_not_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", str(GUARDED), "--evidence", str(tmp_path)])
    (root,) = tmp_path.iterdir()

    def drop(manifest: Any) -> None:
        manifest["obligations"].remove(next(one for one in manifest["obligations"] if one["family"] == "C2"))

    change(root, drop)
    capsys.readouterr()
    assert main(["verify", str(tmp_path)]) == 1
    assert "an obligation of its specifications is missing: C2/" in capsys.readouterr().out
    main(["verify", str(tmp_path), "--no-rederive"])
    assert "of its specifications" not in capsys.readouterr().out


# --- rules and choices ---------------------------------------------------------------------------------------------

RULED = """
service x {
  command a(k: uuid) -> { fee: int }  idempotent  fails No
  command ua(k: uuid)  idempotent  revokes a
  command b(k: uuid)  idempotent
}
saga T version 1 {
  key k
  input { k: uuid  n: int where n > 0 }
  output { m: int = n where m >= 0 }
  step one { do x.a(k)  compensate x.ua(k) }
  pivot step two after one { do x.b(k)  irreversible because "yes"  retry forever }
  step three after two { do x.b(k)  when n > 10  retry forever }
  step four after two { do x.b(k)  when n <= 10  retry forever }
  require one.done before three
  forbid three when n < 5
  exactly one of three, four
}
"""


@pytest.fixture
def ruled(tmp_path: Path) -> Path:
    (tmp_path / "ruled.saga").write_text(RULED, encoding="utf-8")
    return written(tmp_path, tmp_path / "ruled.saga")


def test_what_the_order_alone_settles_of_rules_is_checked_without_a_solver(ruled: Path) -> None:
    verified = verification.verify(ruled, BOTH)
    assert verified.is_sound, verification.text_of(verified, verbose=True)
    became = {one.claim: one.status for one in verified.report.findings if one.obligation[:2] in ("F/", "D3")}
    assert became == {
        "`require one.done before three`": "checked",
        "`forbid three when n < 5`": "questions",
        "exactly one of `three` and `four` runs wherever all of them are reached": "questions",
        "output `m` is such that `m >= 0`": "questions",
    }


@pytest.mark.parametrize("family", ["F", "D3"])
def test_a_rule_without_its_question_is_noticed(ruled: Path, family: str) -> None:
    def drop(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["family"] == family:
                one["questions"] = []

    change(ruled, drop)
    assert "a way to break it is excluded neither by the order nor by one of its questions" in faults(ruled)


def test_another_rule_in_the_certificate_is_not_the_one_that_was_asked_about(ruled: Path) -> None:
    path = next((ruled / "cert").iterdir())
    certificate = json.loads(path.read_text(encoding="utf-8"))
    for rule in certificate["source"]["rules"]:
        rule["condition"] = certificate["source"]["refined"][0]["condition"]
    path.write_text(json.dumps(certificate), encoding="utf-8")
    change(ruled, lambda manifest: None)
    assert "a way to break it is excluded neither by the order nor by one of its questions" in faults(ruled)


# --- what must be there --------------------------------------------------------------------------------------------


def two_bundles(folder: Path) -> tuple[Path, Path]:
    """Two projects, with the evidence of both below one folder."""
    for name in ("one", "two"):
        (folder / f"{name}.saga").write_text(RULED.replace("saga T", f"saga {name.title()}"), encoding="utf-8")
        assert main(["check", str(folder / f"{name}.saga"), "--evidence", str(folder / "proof")]) == 0
    one, two = (folder / "proof").iterdir()
    return one, two


def test_a_bundle_without_a_manifest_is_not_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, _ = two_bundles(tmp_path)
    assert main(["verify", str(tmp_path / "proof"), "--no-rederive"]) == 0
    capsys.readouterr()
    (one / "manifest.json").unlink()
    assert main(["verify", str(tmp_path / "proof"), "--no-rederive"]) == 1
    assert f"{one.name[:16]}: 0 obligations\n  wrong: `manifest.json` is missing\n" in capsys.readouterr().out


def test_evidence_that_there_must_be_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, _ = two_bundles(tmp_path)
    specs = ["--specs", str(tmp_path / "one.saga")]
    others = ["--specs", str(tmp_path / "two.saga")]
    proof = str(tmp_path / "proof")
    assert [main(["verify", proof, "--no-rederive", *each]) for each in (specs, others)] == [0, 0]
    shutil.rmtree(one)
    capsys.readouterr()
    assert sorted(main(["verify", proof, "--no-rederive", *each]) for each in (specs, others)) == [0, 1]
    assert "sagac: NOT VERIFIED: there is no evidence of `" in capsys.readouterr().err


def test_the_account_says_what_it_is_about_and_what_is_wrong_first(
    ruled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(ruled)]) == 0
    told = capsys.readouterr().out
    assert " of `ruled.saga`; `T`\n" in told
    assert "  replayed on the kernel: 2 runs, each of which may show several claims\n" in told
    change(ruled, lambda manifest: manifest["obligations"][-1]["certificate"].update(kind="oracle"))
    change(ruled, lambda manifest: manifest["obligations"][3].update(verdict="fine"))
    assert main(["verify", str(ruled), "--no-rederive"]) == 1
    lines = [line.strip() for line in capsys.readouterr().out.split("\n")]
    assert lines[1] == "WRONG: 1"
    assert [line.partition(":")[0] for line in lines if line.startswith(("wrong:", "not checked:"))] == [
        "wrong",
        "not checked",
    ]


@pytest.mark.parametrize("text", ["[]", '"a"', '{"format": 1, "sagas": [], "specs": [7]}', "{}"])
def test_a_manifest_of_another_shape_is_told_once_and_in_plain_words(
    bundle: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (bundle / "manifest.json").write_text(text, encoding="utf-8")
    assert main(["verify", str(bundle)]) == 1
    out = capsys.readouterr().out
    assert out.count("wrong: ") == 1
    assert "Error" not in out
    assert "compared" not in out


def test_the_checker_is_printed_for_whoever_wants_to_keep_it(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--print-checker"]) == 0
    (tmp_path / "checker.py").write_text(capsys.readouterr().out, encoding="utf-8")
    words = [sys.executable, "-I", "-S", str(tmp_path / "checker.py"), str(bundle)]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
    assert main(["verify"]) == 2

"""Evidence: what a bundle holds, and that the checker passes what is right and nothing that was changed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sagac.compiler import checker, driver, evidence, protocol
from sagac.compiler.certificate import plain, profile_of
from sagac.compiler.source import Source

TODAY = date(2026, 1, 1)
SPECS = Path(__file__).parents[2] / "specs"
ACCEPTED = sorted((SPECS / "accepted").iterdir())
REFUTED = sorted((SPECS / "refuted").glob("*/wrong.saga"))

ORDER = SPECS / "accepted" / "order" / "order.saga"
WRONG = SPECS / "refuted" / "a1_beside_the_pivot" / "wrong.saga"


def checked(*paths: Path) -> driver.Checked:
    return driver.check([Source(path.as_posix(), path.read_text(encoding="utf-8")) for path in paths], TODAY)


def written(folder: Path, found: driver.Checked) -> Path:
    """The bundle of a check, on disk."""
    root = folder / evidence.name_of(found)
    for name, body in evidence.bundle(found).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(body)
    return root


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("pristine"), checked(ORDER))


@pytest.fixture
def bundle(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / pristine.name))


def manifest_of(root: Path) -> Any:
    return json.loads((root / "manifest.json").read_text(encoding="utf-8"))


def change_manifest(root: Path, change: Callable[[Any], None]) -> None:
    """Somebody changes the manifest, and makes all hashes right again."""
    manifest = manifest_of(root)
    change(manifest)
    manifest["files"] = {name: checker.sha256((root / name).read_bytes()) for name in manifest["files"]}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def unchanged(manifest: Any) -> None:
    """Only the hashes are made right again."""


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def only(folder: Path) -> Path:
    (found,) = [path for path in folder.rglob("*") if path.is_file()]
    return found


def faults(root: Path) -> str:
    """All that the checker has against a bundle."""
    report = checker.check(root)
    assert not report.is_sound, "nothing was noticed"
    notes = [f"{finding.claim}: {finding.note}" for finding in report.findings if finding.status != "checked"]
    return "\n".join([*report.problems, *notes])


# --- what holds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ACCEPTED, ids=lambda folder: folder.name)
def test_the_checker_counts_the_claims_of_accepted_specs_as_the_compiler_does(folder: Path, tmp_path: Path) -> None:
    found = checked(*sorted(folder.rglob("*.saga")))
    report = checker.check(written(tmp_path, found))
    assert not report.problems
    assert len(report.findings) == len(found.judgements)
    for finding in report.findings:
        if finding.obligation[:2] in checker.COUNTED:
            assert finding.status in ("checked", "questions", "run", "assumed"), finding


@pytest.mark.parametrize("path", REFUTED, ids=lambda path: path.parent.name)
def test_the_checker_counts_the_claims_of_refuted_specs_as_the_compiler_does(path: Path, tmp_path: Path) -> None:
    found = checked(path)
    if not evidence.is_possible(found):
        assert path.parent.name.startswith("e4")
        return
    assert not checker.check(written(tmp_path, found)).problems


def test_a_bundle_has_the_same_bytes_wherever_the_specification_lies(tmp_path: Path) -> None:
    shutil.copy(ORDER, tmp_path / "order.saga")
    here, there = checked(ORDER), checked(tmp_path / "order.saga")
    assert evidence.name_of(here) == evidence.name_of(there)
    assert evidence.bundle(here) == evidence.bundle(there)


def test_a_bundle_has_the_same_bytes_in_whatever_order_sets_come(tmp_path: Path) -> None:
    code = "import sys; from sagac.runtime.cli import main; main(sys.argv[1:])"
    folders = [tmp_path / seed for seed in ("1", "2")]
    for folder in folders:
        environment = {"PYTHONHASHSEED": folder.name, "PYTHONPATH": os.pathsep.join(sys.path)}
        arguments = [sys.executable, "-c", code, "check", str(ORDER), "--evidence", str(folder)]
        subprocess.run(arguments, env=environment, capture_output=True, check=True)
    one, two = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert one
    assert one == two


def test_nothing_in_a_bundle_tells_where_it_was_made(pristine: Path) -> None:
    for path in pristine.rglob("*"):
        if path.is_file():
            assert str(SPECS.parent) not in path.read_text(encoding="utf-8")


def test_a_bundle_holds_the_specification_the_module_the_plan_and_the_certificate(pristine: Path) -> None:
    names = {path.relative_to(pristine).as_posix() for path in pristine.rglob("*") if path.is_file()}
    assert {
        "manifest.json",
        "specs/order.saga",
        "modules/order.py",
        "plans/shop.orders.PlaceOrder.json",
        "cert/shop.orders.PlaceOrder.json",
    } <= names
    assert (pristine / "specs" / "order.saga").read_bytes() == ORDER.read_bytes()


def test_there_is_no_evidence_of_a_specification_with_an_error() -> None:
    found = driver.check_text("saga Half version 1 { key id  input { id: uuid }  step a { do x.y(missing) } }", TODAY)
    assert not evidence.is_possible(found)


def test_a_refutation_is_in_the_bundle_with_its_run_and_its_story(tmp_path: Path) -> None:
    root = written(tmp_path, checked(WRONG))
    (refuted,) = [one for one in manifest_of(root)["obligations"] if one["verdict"] == "refuted"]
    told = json.loads((root / refuted["counterexample"]).read_text(encoding="utf-8"))
    assert told["events"][0]["event"] == "started"
    assert told["story"]
    report = checker.check(root)
    assert not report.is_sound
    assert [finding.obligation for finding in report.findings if finding.status == "not proved"] == [refuted["id"]]


def test_the_checker_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(checker.__file__).read_text(encoding="utf-8"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def test_the_checker_runs_as_a_file_of_its_own(pristine: Path, tmp_path: Path) -> None:
    alone = shutil.copy(checker.__file__, tmp_path / "alone.py")
    right = subprocess.run([sys.executable, "-I", alone, str(pristine)], capture_output=True, text=True, check=False)
    assert right.returncode == 0, right.stdout + right.stderr
    broken = shutil.copytree(pristine, tmp_path / pristine.name)
    replace_in(broken / "modules" / "order.py", "Take the money", "Keep the money")
    wrong = subprocess.run([sys.executable, "-I", alone, str(broken)], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "`modules/order.py` was changed" in wrong.stdout


def test_the_checker_explores_the_protocol_as_the_compiler_does() -> None:
    for profile in protocol.profiles():
        again = checker.Profile(
            profile.memory,
            profile.lands,
            profile.probe,
            profile.undoing,
            profile.resend,
            profile.doubt,
            profile.repeats_undo,
        )
        assert again.key == profile.key
        row = protocol.outcome(profile)
        assert checker.is_sound(again) == (row in ("sound", "window")), profile.key


def test_the_compiler_and_the_checker_read_the_same_profile_from_a_plan() -> None:
    for folder in ACCEPTED:
        for plan in checked(*sorted(folder.rglob("*.saga"))).plans.values():
            for step in plan.steps:
                found = profile_of(step)
                if found is not None:
                    told = plain(step)
                    assert checker.profile_of(told).key == found.key


# --- what was changed, by somebody who leaves the hashes alone ------------------------------------------------------


def test_a_changed_specification_is_noticed(bundle: Path) -> None:
    replace_in(bundle / "specs" / "order.saga", "deadline 24h", "deadline 25h")
    assert "`specs/order.saga` was changed" in faults(bundle)


def test_a_changed_module_is_noticed(bundle: Path) -> None:
    replace_in(bundle / "modules" / "order.py", "retries=4", "retries=400")
    assert "`modules/order.py` was changed" in faults(bundle)


def test_a_changed_plan_is_noticed(bundle: Path) -> None:
    replace_in(only(bundle / "plans"), '"retries":4', '"retries":400')
    assert "was changed" in faults(bundle)


def test_a_changed_certificate_is_noticed(bundle: Path) -> None:
    replace_in(only(bundle / "cert"), '"pivot":true', '"pivot":false')
    assert "was changed" in faults(bundle)


def test_a_missing_and_an_added_file_are_noticed(bundle: Path) -> None:
    (bundle / "cert" / "more.json").write_text("{}", encoding="utf-8")
    only(bundle / "plans").unlink()
    told = faults(bundle)
    assert "`cert/more.json` is not in the manifest" in told
    assert "`plans/shop.orders.PlaceOrder.json` is missing" in told


# --- what was changed, by somebody who makes the hashes right again -------------------------------------------------


def test_another_specification_under_the_same_name_is_noticed(bundle: Path) -> None:
    replace_in(bundle / "specs" / "order.saga", "deadline 24h", "deadline 25h")

    def change(manifest: Any) -> None:
        manifest["specs"][0]["sha256"] = checker.sha256((bundle / "specs" / "order.saga").read_bytes())

    change_manifest(bundle, change)
    assert "the hash of the specification is not that of the files" in faults(bundle)


def test_another_plan_in_the_module_is_noticed(bundle: Path) -> None:
    replace_in(bundle / "modules" / "order.py", 'undo_after=("capture",)', "undo_after=()")
    change_manifest(bundle, unchanged)
    assert "the plan in its module is not the one in `plans/" in faults(bundle)


def test_a_lost_undo_order_is_noticed_even_where_plan_module_and_digest_agree(bundle: Path) -> None:
    plan, module = only(bundle / "plans"), bundle / "modules" / "order.py"
    before = checker.sha256(plan.read_bytes())
    replace_in(module, '            undo_after=("capture",),\n', "")
    replace_in(plan, '"undo_after":["capture"],', "")
    after = checker.sha256(plan.read_bytes())
    replace_in(module, before, after)

    def change(manifest: Any) -> None:
        manifest["sagas"][0]["digest"] = after

    change_manifest(bundle, change)
    assert "the undo of `authorize` does not wait for the undo of `capture`" in faults(bundle)


def test_a_promise_that_the_plan_does_not_have_is_noticed(bundle: Path) -> None:
    plan, module = only(bundle / "plans"), bundle / "modules" / "order.py"
    before = checker.sha256(plan.read_bytes())
    replace_in(module, "                    revokes=True,\n", "")
    replace_in(plan, '"window_ms":604800000,"revokes":true', '"window_ms":604800000')
    after = checker.sha256(plan.read_bytes())
    replace_in(module, before, after)

    def change(manifest: Any) -> None:
        manifest["sagas"][0]["digest"] = after

    change_manifest(bundle, change)
    assert "a lost answer to `reserve` is settled by what is declared: " in faults(bundle)


def test_a_plan_that_a_module_changes_after_it_is_noticed(bundle: Path) -> None:
    with (bundle / "modules" / "order.py").open("a", encoding="utf-8") as module:
        module.write("\nPlaceOrder.plan = PLACE_ORDER\n")
    change_manifest(bundle, unchanged)
    assert "a statement that no emitted module has" in faults(bundle)


def test_a_changed_closed_set_of_the_protocol_is_noticed(bundle: Path) -> None:
    path = only(bundle / "cert")
    certificate = json.loads(path.read_text(encoding="utf-8"))
    first = next(iter(certificate["protocols"].values()))
    first[0]["states"] -= 1
    path.write_text(json.dumps(certificate), encoding="utf-8")
    change_manifest(bundle, unchanged)
    assert "are not those of the certificate" in faults(bundle)


def test_a_dropped_obligation_is_noticed(bundle: Path) -> None:
    dropped = manifest_of(bundle)["obligations"][7]
    change_manifest(bundle, lambda manifest: manifest["obligations"].pop(7))
    assert f"an obligation is missing: {dropped['family']}, {dropped['claim']}" in faults(bundle)


@pytest.mark.parametrize("family", checker.COUNTED)
def test_a_dropped_obligation_of_any_counted_family_is_noticed(bundle: Path, family: str) -> None:
    def change(manifest: Any) -> None:
        of_family = [one for one in manifest["obligations"] if one["family"] == family]
        if of_family:
            manifest["obligations"].remove(of_family[-1])

    if not any(one["family"] == family for one in manifest_of(bundle)["obligations"]):
        assert family == "D2"  # the order's undos read the input alone
        return
    change_manifest(bundle, change)
    assert f"an obligation is missing: {family}, " in faults(bundle)


def test_an_added_obligation_is_noticed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        more = {**manifest["obligations"][-1], "id": "A1/shop.orders.PlaceOrder/more", "family": "A1"}
        manifest["obligations"].append({**more, "claim": "the moon is made of cheese"})

    change_manifest(bundle, change)
    assert "nothing calls for this obligation: A1, the moon is made of cheese" in faults(bundle)


def test_an_obligation_of_a_saga_that_is_not_there_is_noticed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["obligations"].append({**manifest["obligations"][-1], "id": "x", "saga": "shop.Other"})

    change_manifest(bundle, change)
    assert "there are claims about `shop.Other`, which could not be read" in faults(bundle)


def test_an_unknown_kind_of_certificate_is_not_checked_and_not_fine(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["obligations"][-1]["certificate"] = {"kind": "oracle"}

    change_manifest(bundle, change)
    assert "this checker knows no certificate of the kind `oracle`" in faults(bundle)
    assert [one.status for one in checker.check(bundle).findings].count("not checked") == 1


def test_a_certificate_of_a_kind_that_does_not_show_the_claim_is_noticed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["family"] == "A1":
                one["certificate"] = {"kind": "questions"}

    change_manifest(bundle, change)
    assert "a claim of its kind is not shown by a certificate of the kind `questions`" in faults(bundle)


def test_a_refutation_that_is_called_a_proof_is_noticed(tmp_path: Path) -> None:
    root = written(tmp_path, checked(WRONG))

    def change(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["verdict"] == "refuted":
                one["verdict"], one["certificate"] = "proved", {"kind": "cases"}

    change_manifest(root, change)
    assert "a way to break it is excluded neither by the order nor by one of its questions" in faults(root)


def test_a_verdict_that_nobody_knows_is_noticed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["obligations"][0]["verdict"] = "fine"

    change_manifest(bundle, change)
    assert "a verdict that this checker does not know: fine" in faults(bundle)


def test_a_witness_that_is_said_to_show_something_else_is_noticed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        one = next(one for one in manifest["obligations"] if one["family"] == "A6" and one["step"])
        one["certificate"]["shows"] = ["started", 0]

    change_manifest(bundle, change)
    assert "its witness is said to show something else" in faults(bundle)


def test_a_file_outside_the_bundle_is_not_read(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["sagas"][0]["module"] = "../../order.py"

    change_manifest(bundle, change)
    assert "`../../order.py` is no file of the bundle" in faults(bundle)


def test_a_manifest_that_says_a_name_twice_is_not_read(bundle: Path) -> None:
    replace_in(bundle / "manifest.json", '"format":1', '"format":1,"format":1')
    assert "a name stands twice in one object" in faults(bundle)


def test_a_bundle_of_another_format_is_not_read(bundle: Path) -> None:
    change_manifest(bundle, lambda manifest: manifest.update(format=2))
    assert "the bundle has format 2, this checker reads format 1" in faults(bundle)


def test_a_bundle_of_another_shape_is_told_so(bundle: Path) -> None:
    change_manifest(bundle, lambda manifest: manifest.update(obligations=[1]))
    assert "the bundle is not of the shape that it should have" in faults(bundle)


# --- forged by somebody who knows how the checker works -------------------------------------------------------------


def changed_text(root: Path, path: Path, old: str, new: str) -> None:
    """A text is changed, and so is every hash of it."""
    replace_in(path, old, new)
    change_manifest(root, unchanged)


def test_a_step_that_is_called_dead_is_not_left_out_of_account(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        rest = [
            one for one in manifest["obligations"] if one["step"] != "reserve" or "some run reaches" in one["claim"]
        ]
        for one in rest:
            if one["step"] == "reserve":
                one.update(verdict="vacuous", warning=True)
        manifest["obligations"] = rest

    change_manifest(bundle, change)
    report = checker.check(bundle)
    assert [one.status for one in report.findings if "`reserve`" in one.claim] == ["not proved"]
    assert not report.is_sound


def test_a_saga_that_is_said_never_to_start_is_not_fine(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        first = next(one for one in manifest["obligations"] if one["claim"] == "some input meets every `where`")
        first.update(verdict="vacuous", warning=True)
        manifest["obligations"] = [first]

    change_manifest(bundle, change)
    assert not checker.check(bundle).is_sound


def test_a_saga_that_the_manifest_does_not_name_is_missed(bundle: Path) -> None:
    shutil.rmtree(bundle / "smt2")

    def change(manifest: Any) -> None:
        manifest.update(sagas=[], obligations=[], questions={})
        manifest["files"] = {name: "" for name in manifest["files"] if not name.startswith("smt2/")}

    change_manifest(bundle, change)
    told = faults(bundle)
    assert "`shop.orders.PlaceOrder` is a saga of the specifications or of the manifest, and not of both" in told


def test_a_step_that_plan_and_module_both_lack_is_missed(bundle: Path) -> None:
    (bundle / "specs" / "order.saga").write_text(ORDER.read_text(encoding="utf-8") + "\n// step more {\n", "utf-8")
    assert "has other steps" not in faults(bundle), "a comment is none"
    changed_text(bundle, bundle / "specs" / "order.saga", "  step authorize", "  step hidden { }\n  step authorize")
    assert "has other steps than its specification" in faults(bundle)


def test_a_specification_that_the_bundle_is_not_named_by_is_noticed(bundle: Path) -> None:
    (bundle / "specs" / "more.saga").write_text("saga More version 1 {}", encoding="utf-8")
    change_manifest(bundle, lambda manifest: manifest["files"].update({"specs/more.saga": ""}))
    assert "`specs/more.saga` is not among the specifications that the bundle is named by" in faults(bundle)


def test_a_link_out_of_the_bundle_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    elsewhere = shutil.move(bundle / "modules", tmp_path / "elsewhere")
    (bundle / "modules").symlink_to(elsewhere)
    told = faults(bundle)
    assert "`modules` is neither a file nor a folder" in told
    assert "a link leads to it" in told


def test_what_would_be_read_for_ever_is_not_read(bundle: Path) -> None:
    os.mkfifo(bundle / "witness" / "endless.json")
    assert "`witness/endless.json` is neither a file nor a folder" in faults(bundle)


def test_a_plan_that_says_a_name_twice_is_not_read(bundle: Path) -> None:
    changed_text(bundle, only(bundle / "plans"), "{", '{"saga":"another",')
    assert "a name stands twice in one object" in faults(bundle)


def test_a_class_that_binds_a_second_plan_under_another_type_is_noticed(bundle: Path) -> None:
    module = bundle / "modules" / "order.py"
    changed_text(bundle, module, " = PLACE_ORDER\n", " = PLACE_ORDER\n    plan: object = None\n")
    assert "`PlaceOrder` binds `plan` twice" in faults(bundle)


@pytest.mark.parametrize(
    "text",
    [
        "class More:\n    def more(self, plan=exec('1')): ...\n",
        "class More:\n    more: int = exec('1')\n",
        "class More:\n    @exec('1')\n    def more(self): ...\n",
        "class More(exec('1')):\n    pass\n",
    ],
)
def test_a_class_that_does_something_when_it_is_made_is_noticed(bundle: Path, text: str) -> None:
    with (bundle / "modules" / "order.py").open("a", encoding="utf-8") as module:
        module.write(f"\n\n{text}")
    change_manifest(bundle, unchanged)
    assert "that no emitted " in faults(bundle)


def test_a_text_that_is_nested_too_deep_is_told_so(bundle: Path) -> None:
    only(bundle / "cert").write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")
    change_manifest(bundle, unchanged)
    assert "cannot be read" in faults(bundle)


def test_what_contracts_speak_of_cannot_be_assumed(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["family"] in ("B4", "B5", "D4"):
                one.update(verdict="assumed", rests_on=["nothing goes wrong"], questions=[])

    change_manifest(bundle, change)
    assert "it is assumed, though contracts say what it could be proved from" in faults(bundle)


def test_premises_that_cannot_hold_prove_nothing(bundle: Path) -> None:
    """Each question gets one more premise, which is false; what it asks is impossible then, whatever it is."""

    def change(manifest: Any) -> None:
        others = {}
        for key in list(manifest["questions"]):
            path = bundle / "smt2" / f"{key}.smt2"
            text = path.read_text(encoding="utf-8").partition("\n")[2].replace("(assert", "(assert false)\n(assert", 1)
            path.unlink()
            others[key] = checker.sha256(text.encode())
            (bundle / "smt2" / f"{others[key]}.smt2").write_text(f"(set-info :status unsat)\n{text}", encoding="utf-8")
        manifest["questions"] = dict.fromkeys(others.values(), "unsat")
        for one in manifest["obligations"]:
            one["questions"] = [others[key] for key in one["questions"]]
        kept = [name for name in manifest["files"] if not name.startswith("smt2/")]
        manifest["files"] = dict.fromkeys([*kept, *(f"smt2/{key}.smt2" for key in others.values())])

    change_manifest(bundle, change)
    assert "no question shows that what it supposes can hold at all" in faults(bundle)


def test_that_another_claims_premises_can_hold_does_not_help(bundle: Path) -> None:
    def change(manifest: Any) -> None:
        b1, b5 = (next(one for one in manifest["obligations"] if one["family"] == name) for name in ("B1", "B5"))
        answers = manifest["questions"]
        unsat = [key for key in b1["questions"] if answers[key] == "unsat"]
        b1["questions"] = unsat + [key for key in b5["questions"] if answers[key] == "sat"]

    before = manifest_of(bundle)
    change_manifest(bundle, change)
    assert manifest_of(bundle)["obligations"] != before["obligations"]
    assert "no question shows that what it supposes can hold at all" in faults(bundle)


def test_a_refutation_that_somebody_answers_for_is_waived_until_the_day_comes(tmp_path: Path) -> None:
    waiver = '  waive A1 until 2026-06-30 by "the head of shop" because "the new service comes in May"\n}'
    text = WRONG.read_text(encoding="utf-8").rstrip().removesuffix("}") + waiver
    (tmp_path / "wrong.saga").write_text(text, encoding="utf-8")
    root = written(tmp_path, checked(tmp_path / "wrong.saga"))
    before, after = (checker.check(root, day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert before.is_sound, checker.text_of(before)
    assert "waived until 2026-06-30 by `the head of shop`" in checker.text_of(before)
    assert not after.is_sound


def test_a_waiver_that_its_specification_does_not_have_is_noticed(tmp_path: Path) -> None:
    root = written(tmp_path, checked(WRONG))
    waiver = {"code": "A1", "step": "", "until": "9999-01-01", "by": "me", "because": "why not"}
    change_manifest(root, lambda manifest: manifest["sagas"][0]["waivers"].append(waiver))
    assert "are not those of its specification" in faults(root)


# --- contracts -----------------------------------------------------------------------------------------------------

LEAVING = SPECS / "refuted" / "b3_a_fee_in_the_way" / "fixed.saga"
CHOOSING = SPECS / "refuted" / "d3_the_value_on_the_border" / "fixed.saga"
PURCHASE = SPECS / "accepted" / "purchase" / "purchase.saga"
FORGETTING = SPECS / "refuted" / "c5_a_key_that_is_forgotten" / "fixed.saga"
ASKING = {"B2": CHOOSING, "B3": LEAVING, "C5": FORGETTING, "D3": CHOOSING}
"""Where a family has claims, if not in the purchase."""


@pytest.mark.parametrize("family", checker.LISTED)
def test_a_dropped_obligation_that_contracts_call_for_is_missed(tmp_path: Path, family: str) -> None:
    """By the checker alone."""
    root = written(tmp_path, checked(ASKING.get(family, PURCHASE)))

    def change(manifest: Any) -> None:
        rest = [one for one in manifest["obligations"] if one["family"] == family]
        manifest["obligations"].remove(next(one for one in rest if not one["claim"].startswith("some run has ")))

    change_manifest(root, change)
    assert f"an obligation is missing: {family}, " in faults(root)


def test_contracts_that_change_less_than_their_specification_says_are_noticed(bundle: Path) -> None:
    path = only(bundle / "contracts")
    contracts = json.loads(path.read_text(encoding="utf-8"))
    contracts["commands"]["shop.orders.warehouse.reserve"]["changes"] = []
    path.write_text(json.dumps(contracts), encoding="utf-8")
    change_manifest(bundle, unchanged)
    assert "the contract of `shop.orders.warehouse.reserve` is not that of its specification" in faults(bundle)


def test_contracts_that_change_otherwise_than_their_specification_says_are_noticed(bundle: Path) -> None:
    changed_text(bundle, only(bundle / "contracts"), '"-="', '"+="')
    assert "is not that of its specification" in faults(bundle)


def test_a_promise_that_the_contracts_do_not_give_is_noticed(bundle: Path) -> None:
    changed_text(bundle, only(bundle / "contracts"), '"idempotent":true', '"idempotent":false')
    assert "counts on what its contracts do not say" in faults(bundle)


def test_a_step_that_is_said_to_call_another_command_is_noticed(bundle: Path) -> None:
    changed_text(bundle, only(bundle / "cert"), ".warehouse.reserve", ".warehouse.release")
    assert "`shop.orders.warehouse.release` is not what `warehouse.reserve` calls" in faults(bundle)


def test_an_ensure_that_the_certificate_does_not_have_is_missed(bundle: Path) -> None:
    path = only(bundle / "cert")
    certificate = json.loads(path.read_text(encoding="utf-8"))
    certificate["source"]["ensures"].pop()
    path.write_text(json.dumps(certificate), encoding="utf-8")
    change_manifest(bundle, unchanged)
    assert "does not have every `ensure` of its specification" in faults(bundle)


def test_a_hold_that_lapses_too_soon_is_not_called_kept(tmp_path: Path) -> None:
    """The checker works the sum out again: with a time that is too short it has nothing to say for the claim."""
    root = written(tmp_path, checked(SPECS / "refuted" / "e1_a_hold_that_lapses" / "wrong.saga"))

    def change(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["verdict"] == "refuted":
                one.update(verdict="proved", rests_on=[], certificate={"kind": "check"})

    change_manifest(root, change)
    report = checker.check(root)
    assert [one.status for one in report.findings if one.obligation.startswith("E1/")] == ["word"]
    assert not report.is_complete


def test_a_hold_that_is_never_let_go_is_not_called_kept(tmp_path: Path) -> None:
    """With a confirmation that a guard may skip, the checker does not work out that nothing stays held."""
    root = written(tmp_path, checked(SPECS / "refuted" / "a5_a_seat_that_is_never_confirmed" / "wrong.saga"))

    def change(manifest: Any) -> None:
        for one in manifest["obligations"]:
            if one["verdict"] == "refuted":
                one.update(verdict="proved", rests_on=[], certificate={"kind": "questions"})

    change_manifest(root, change)
    report = checker.check(root)
    assert "word" in [one.status for one in report.findings if one.obligation.startswith("A5/")]
    assert not report.is_complete


def test_what_accepted_specs_hold_is_worked_out_by_the_checker_or_left_to_solvers(tmp_path: Path) -> None:
    for folder in ACCEPTED:
        report = checker.check(written(tmp_path, checked(*sorted(folder.rglob("*.saga")))))
        assert report.is_complete, checker.text_of(report)

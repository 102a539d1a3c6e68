"""The compiler's commands, as a person types them: what is printed, and what the exit code says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sagac.runtime.cli import main

TRIP = """\
package travel

saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight { do air.book(trip)  compensate air.cancel(trip) }
  step hotel after flight { do stay.book(trip)  compensate stay.cancel(trip) }
}
"""
UNSETTLED = """\
service air {
  command book(trip: uuid)
  command cancel(trip: uuid)
    idempotent
}

saga Trip version 1 {
  key trip
  input { trip: uuid }
  step flight { do air.book(trip)  compensate air.cancel(trip) }
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def test_a_saga_that_is_proved_exits_0_and_lists_what_is_assumed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", write(folder, "trip.saga", TRIP)]) == 0
    printed = capsys.readouterr().out
    assert "travel.Trip version 1" in printed
    assert "`air.cancel` revokes `air.book`" in printed


def test_a_refuted_saga_exits_1_with_the_run_that_shows_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(folder, "trip.saga", UNSETTLED)]) == 1
    printed = capsys.readouterr().out
    assert "error[C1]" in printed
    assert "trip.saga:10:" in printed
    assert "what happens:" in printed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", "missing.saga"], "there is no file `missing.saga`"),
        (["check", "empty"], "no `.saga` file in `empty`"),
        (["explain", "Z99"], "there is no code `Z99`"),
        (["graph", "trip.saga", "--saga", "Tripp"], "there is no saga `Tripp` here; there is `travel.Trip`"),
    ],
)
def test_a_wrong_call_exits_2_and_says_what_is_wrong_with_it(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    (folder / "empty").mkdir()
    write(folder, "trip.saga", TRIP)
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_text_that_is_not_utf_8_is_refused_with_the_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "latin.saga").write_bytes(b"package a\n// caf\xe9\n")
    assert main(["check", "latin.saga"]) == 2
    assert "`latin.saga` is not UTF-8 text: byte 16" in capsys.readouterr().err


def test_a_folder_without_specs_of_its_own_stands_for_the_projects_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "all/one/trip.saga", TRIP)
    write(folder, "all/two/deep/trip.saga", UNSETTLED.replace("idempotent\n", "idempotent\n    revokes book\n"))
    assert main(["check", "all"]) == 0
    assert capsys.readouterr().out.count("version 1") == 2


def test_nothing_is_proved_of_a_text_that_could_not_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(folder, "trip.saga", TRIP.replace("compensate stay", "compensat stay"))]) == 1
    printed = capsys.readouterr().out
    assert "did you mean `compensate`" in printed
    assert "proved" not in printed


def test_findings_come_as_json_and_as_annotations_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(folder, "trip.saga", UNSETTLED)
    assert main(["check", name, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert "C1" in json.dumps(told)
    assert main(["check", name, "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=trip.saga,line=10")


def test_gen_writes_modules_that_gen_check_then_accepts_until_the_spec_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = write(folder, "trip.saga", TRIP)
    assert main(["gen", name, "--out", "sagas"]) == 0
    assert {path.name for path in (folder / "sagas").iterdir()} == {"trip.py", "test_trip.py"}
    assert main(["gen", name, "--out", "sagas", "--check"]) == 0
    write(folder, "trip.saga", TRIP.replace("version 1", "version 2"))
    capsys.readouterr()
    assert main(["gen", name, "--out", "sagas", "--check"]) == 1
    assert "`trip.py` is stale: run `sagac gen`" in capsys.readouterr().out


def test_gen_writes_nothing_while_the_check_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gen", write(folder, "trip.saga", UNSETTLED), "--out", "sagas"]) == 1
    assert not (folder / "sagas").exists()
    assert "the check must pass first" in capsys.readouterr().err


def test_gen_can_name_the_package_that_tests_import_from(folder: Path) -> None:
    assert main(["gen", write(folder, "trip.saga", TRIP), "--out", "sagas", "--package", "shop.sagas"]) == 0
    assert "from shop.sagas.trip import Trip" in (folder / "sagas" / "test_trip.py").read_text(encoding="utf-8")


def test_graph_prints_the_order_and_the_undo_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", write(folder, "trip.saga", TRIP)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("flowchart")
    assert "s0 --> s1" in printed
    assert "s1 -.->|undo| s0" in printed


def test_explain_says_what_a_code_means(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "A3"]) == 0
    assert capsys.readouterr().out.startswith("# A3")


@pytest.mark.parametrize("phase", ["syntax", "model", "graph", "plan", "module", "verdicts"])
def test_every_phase_prints_and_prints_the_same_twice(
    folder: Path, capsys: pytest.CaptureFixture[str], phase: str
) -> None:
    name = write(folder, "trip.saga", TRIP)
    assert main(["dump", name, "--phase", phase]) == 0
    first = capsys.readouterr().out
    assert main(["dump", name, "--phase", phase]) == 0
    assert capsys.readouterr().out == first
    assert "flight" in first


def test_a_check_of_no_saga_says_that_nothing_was_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(folder, "types.saga", "package travel\n\nenum Class { economy, business }\n")]) == 0
    assert capsys.readouterr().out == "there is no saga here: nothing was proved\n"


def test_generating_from_no_saga_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gen", write(folder, "types.saga", "enum Class { economy, business }\n"), "--out", "out"]) == 2
    assert "there is no saga here" in capsys.readouterr().err


def test_two_projects_never_write_one_module(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "a/trip.saga", TRIP)
    write(folder, "b/trip.saga", TRIP)
    assert main(["gen", "a", "b", "--out", "out"]) == 2
    assert "two projects would write `trip.py`" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_tests_import_from_the_package_that_they_are_generated_into(folder: Path) -> None:
    write(folder, "trip.saga", TRIP)
    write(folder, "shop/__init__.py", "")
    write(folder, "shop/sagas/__init__.py", "")
    assert main(["gen", "trip.saga", "--out", "shop/sagas"]) == 0
    assert "from shop.sagas.trip import Trip" in (folder / "shop/sagas/test_trip.py").read_text(encoding="utf-8")
    assert main(["gen", "trip.saga", "--out", "loose"]) == 0
    assert "from trip import Trip" in (folder / "loose/test_trip.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["my shop", "shop.class", "shop."])
def test_a_package_that_cannot_be_imported_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], package: str
) -> None:
    assert main(["gen", write(folder, "trip.saga", TRIP), "--out", "out", "--package", package]) == 2
    assert f"`{package}` cannot be imported" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["gen", "broken.saga", "--out", "taken"],
        ["check", "broken.saga", "--evidence", "taken"],
        ["check", "broken.saga", "--evidence", "taken/below/it"],
        ["check", "broken.saga", "--cache", "taken"],
        ["check", "broken.saga", "--counterexamples", "taken/below"],
        ["report", "broken.saga", "--output", "taken/report.html"],
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    write(folder, "taken", "")
    write(folder, "broken.saga", UNSETTLED)
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.err == "sagac: `taken` is in the way: it is a file, where a folder is needed\n"
    assert printed.out == ""


@pytest.mark.parametrize("words", [["check", "--evidence"], ["check", "--cache"], ["gen", "--out"]])
def test_folders_that_are_missing_are_made(folder: Path, words: list[str]) -> None:
    command, option = words
    assert main([command, write(folder, "trip.saga", TRIP), option, "made/for/it"]) == 0
    assert any((folder / "made/for/it").iterdir())


def test_a_report_is_not_written_over_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "there").mkdir()
    assert main(["report", write(folder, "trip.saga", TRIP), "--output", "there"]) == 2
    assert capsys.readouterr().err == "sagac: `there` cannot be written: it is a folder\n"


def test_a_failing_check_whose_reader_has_gone_does_not_pass(folder: Path) -> None:
    write(folder, "trip.saga", UNSETTLED)
    words = [sys.executable, "-c", "import sys; from sagac.runtime.cli import main; sys.exit(main())"]
    read, written = os.pipe()
    os.close(read)
    ended = subprocess.run([*words, "check", "trip.saga"], stdout=written, stderr=subprocess.PIPE, check=False)
    os.close(written)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_no_note_is_made_of_what_could_not_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = TRIP.replace("compensate air.cancel(trip)", "compensate air.cancel(trip) { retry 10 }")
    assert main(["check", write(folder, "trip.saga", text)]) == 1
    printed = capsys.readouterr().out
    assert "expected `times`" in printed
    assert "is the default" not in printed


def test_the_json_of_several_projects_is_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "a/trip.saga", TRIP)
    write(folder, "b/trip.saga", UNSETTLED)
    assert main(["check", "--format", "json", "a", "b"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [saga["saga"] for saga in document["sagas"]] == ["travel.Trip", "Trip"]
    assert {finding["places"][0]["file"] for finding in document["findings"]} == {"b/trip.saga"}


def test_a_report_exits_as_the_check_does(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", write(folder, "trip.saga", TRIP)]) == 0
    assert "Guarantees by step" in capsys.readouterr().out
    assert main(["report", write(folder, "trip.saga", UNSETTLED), "--format", "json"]) == 1
    (saga,) = json.loads(capsys.readouterr().out)["sagas"]
    assert saga["findings"][0]["code"] == "C1"


def test_a_report_goes_to_a_file_where_one_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "trip.saga", TRIP)
    assert main(["report", "trip.saga", "--format", "html", "--output", "out/report.html"]) == 0
    assert capsys.readouterr().out == "wrote out/report.html\n"
    assert (folder / "out/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_hides_no_error_that_belongs_to_no_saga(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "trip.saga", TRIP.replace("air.book(trip)", "air.book(trap)"))
    assert main(["report", "trip.saga"]) == 1
    printed = capsys.readouterr()
    assert "nothing was proved" in printed.out
    assert "`trap`" in printed.err

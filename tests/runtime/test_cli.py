"""What the `sagac` command does with a journal, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.runtime.world import QUICK, FakeWorld, Rejected, Trip, TripInput, call, eventually, plan, step

from sagac.runtime import Completed, Runtime, cli
from sagac.runtime.plan import Undo
from sagac.runtime.sqlite import SqliteJournal

CHAIN = plan(step("a"), step("b", "a"), step("c", "b"))
ONE_TRY = replace(QUICK, retries=0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def work(world: FakeWorld, trip: str = "t", shape: Any = CHAIN, **settings: Any) -> str:
    """One run in the journal of this folder, worked on until it ends, is held, or the runtime closes."""

    async def story() -> str:
        async with Runtime(journal=cli.JOURNAL, sagas=[Trip(plan=shape, world=world)], **settings) as runtime:
            run = await runtime.start(Trip, TripInput(trip=trip))
            if settings:
                await eventually(lambda: "b" in world.log)
            else:
                await run.outcome()
            return run.id

    return asyncio.run(story())


def sagac(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def held(trip: str = "t") -> str:
    """A run whose rollback is held at the undo of `b`."""
    undo = Undo(call("back", "b"), ONE_TRY, idempotent=True)
    shape = plan(step("a"), step("b", "a", undo=undo), step("c", "b"))
    return work(FakeWorld({("c", "do", 1): Rejected("full"), ("b", "undo", 1): OSError("down")}), trip, shape)


def test_ps_lists_runs_with_their_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, undone = work(FakeWorld(), "one"), work(FakeWorld({("b", "do", 1): Rejected()}), "two")
    code, out, _ = sagac(capsys, "ps")
    head, first, second = out.splitlines()
    assert (code, head.split()[:2]) == (0, ["RUN", "STATUS"])
    assert first.split()[:3] == [done[:12], "completed", "4"]
    assert second.split()[:3] == [undone[:12], "compensated", "4"]
    assert '["two"]' in second
    code, out, _ = sagac(capsys, "ps", "--open")
    assert len(out.splitlines()) == 1
    code, out, _ = sagac(capsys, "ps", "--json")
    assert [(each["run"], each["status"]) for each in json.loads(out)] == [(done, "completed"), (undone, "compensated")]


def test_show_mirrors_do_and_undo(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = work(FakeWorld({("c", "do", 1): Rejected("full"), ("a", "do", 1): "lost"}))
    code, out, _ = sagac(capsys, "show", run[:8])
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"run {run} of saga trip.Trip version 1, key [")
    assert lines[1] == "status compensated: `c` was refused: Rejected"
    column = next(line for line in lines if line.startswith("time")).index("undo")
    do = [line for line in lines if "a #1 unknown: ConnectionError: reset by peer" in line]
    undo = [line for line in lines if line[column:] == "b #1 undone"]
    assert (len(do), len(undo)) == (1, 1)
    assert lines.index(do[0]) < lines.index(undo[0])
    (a,) = [line for line in lines if line.startswith("a ")]
    assert a.split()[:4] == ["a", "succeeded", "after", "2"]
    assert "undone" in a
    assert len(a.split()) == 7  # its name, its do with attempts and key, its undo with key
    code, out, _ = sagac(capsys, "show", run, "--json")
    assert [record["event"]["event"] for record in json.loads(out)["records"]][:2] == ["started", "answered"]


def test_show_tells_a_doubt_that_was_settled_as_settled(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = plan(step("a"), step("b", "a", schedule=ONE_TRY))
    run = work(FakeWorld({("b", "do", 1): "lost"}), shape=shape)
    lines = sagac(capsys, "show", run)[1].splitlines()
    assert lines[1] == "status compensated: nobody knew whether `b` took effect"
    (b,) = [line for line in lines if line.startswith("b ")]
    assert (b.split()[1], "undone" in b) == ("revoked", True)


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Rejected("full"), "c #1 refused: Rejected: full"),
        (Rejected("Rejected"), "c #1 refused: Rejected"),
        (Rejected("Rejected: full"), "c #1 refused: Rejected: full"),
        (Rejected(), "c #1 refused: Rejected"),
        (Rejected("full\nof guests"), "c #1 refused: Rejected: full …"),
        (ValueError("2 errors\n  sku\n  quantity"), "c #1 unknown: ValueError: 2 errors …"),
        (ValueError("\n"), "c #1 unknown: ValueError:"),
    ],
)
def test_show_tells_an_answer_once_and_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], fault: Exception, shown: str
) -> None:
    run = work(FakeWorld({("c", "do", 1): fault}))
    _, out, _ = sagac(capsys, "show", run)
    head, story, steps = out.split("\n\n")
    assert [line.partition("s  ")[2] for line in story.splitlines() if "c #1" in line] == [shown]
    assert {line[:2] for line in story.splitlines()[1:]} == {"20"}  # every line begins with its time
    assert (len(head.splitlines()), len(steps.splitlines())) == (3, 4)


def test_show_says_what_is_held_and_which_undos_wait(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = sagac(capsys, "show", held())
    assert code == 0
    assert "status held: `c` was refused: Rejected" in out
    assert "held: the undo of b: OSError: down" in out
    assert "  waiting for it: the undo of a" in out
    assert "standing, or may be: a, b" in out


def test_a_run_is_found_by_what_is_unique_of_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [work(FakeWorld(), trip) for trip in map(str, range(20))]
    assert sagac(capsys, "show", "nothing") == (2, "", "sagac: no run with a name that begins with `nothing`\n")
    assert sagac(capsys, "show", "") == (2, "", "sagac: which run? write its name, or as much of it as is unique\n")
    beginning = next(first for first, count in Counter(run[0] for run in runs).items() if count > 1)
    candidates = ", ".join([f"`{run}`" for run in runs if run[0] == beginning][:5])
    code, _, err = sagac(capsys, "show", beginning)
    assert code == 2
    assert f"runs with a name that begins with `{beginning}`: {candidates}" in err


def test_cancel_leaves_a_request_that_the_next_owner_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = FakeWorld({("b", "do", 1): "hang"})
    run = work(world, grace_ms=0)
    words = ("cancel", run, "--reason", "twice", "--who", "ada", "--wait", "0")
    assert sagac(capsys, *words) == (0, f"requested: whoever drives run {run} next will answer\n", "")
    assert sagac(capsys, *words)[0] == 0  # the same request again is the same request
    assert work(FakeWorld({("b", "do", 1): "lost"})) == run
    _, out, _ = sagac(capsys, "show", run)
    assert "status compensated: cancelled by ada: twice" in out
    assert out.count("cancelled by ada") == 2
    assert sagac(capsys, *words) == (0, "accepted\n", "")
    late = sagac(capsys, "cancel", run, "--reason", "again")
    assert late == (1, "refused: the run has ended, compensated\n", "")


BINDING = """
from pathlib import Path
from tests.runtime.test_cli import CHAIN
from tests.runtime.world import FakeWorld, Trip

world = FakeWorld()
trip = Trip(plan=CHAIN, world=world)

def sagas():
    return [trip]

async def opened():
    return (trip,)

def nothing():
    return []

def broken():
    raise RuntimeError("no configuration")
"""


@pytest.mark.parametrize("attribute", ["trip", "sagas", "opened"])
def test_resume_drives_what_was_left_to_its_end(
    folder: Path, capsys: pytest.CaptureFixture[str], attribute: str
) -> None:
    (folder / f"bound_{attribute}.py").write_text(BINDING)
    run = work(FakeWorld({("b", "do", 1): "hang"}), grace_ms=0)
    code, out, _ = sagac(capsys, "resume", "--bind", f"bound_{attribute}:{attribute}")
    assert (code, out.splitlines()[1].split()[:2]) == (0, [run[:12], "completed"])
    again = sagac(capsys, "resume", "--bind", f"bound_{attribute}:{attribute}")
    assert again[:2] == (0, "RUN  STATUS  EVENTS  STARTED  CHANGED  SAGA  KEY\n")


def test_resume_says_when_a_person_is_needed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bound_held.py").write_text(BINDING)
    run = held()
    code, out, _ = sagac(capsys, "resume", "--bind", "bound_held:trip")
    assert (code, out.splitlines()[1].split()[:2]) == (1, [run[:12], "held"])


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("nowhere", "not of the form MODULE:ATTRIBUTE"),
        ("nowhere:at_all", "`nowhere:at_all` cannot be bound: ModuleNotFoundError"),
        ("bound_wrong:missing", "has no attribute 'missing'"),
        ("bound_wrong:broken", "RuntimeError: no configuration"),
        ("bound_wrong:Path", "is no bound saga"),
        ("bound_wrong:nothing", "`bound_wrong:nothing` is no bound saga, and returns none"),
    ],
)
def test_resume_refuses_what_it_cannot_bind(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str, words: str
) -> None:
    (folder / "bound_wrong.py").write_text(BINDING)
    code, _, err = sagac(capsys, "resume", "--bind", place)
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1


def test_verify_finds_nothing_wrong_with_a_good_journal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work(FakeWorld(), "one")
    held("two")
    code, out, _ = sagac(capsys, "verify-journal", "--write-heads", "heads.json")
    assert (code, out) == (0, "2 runs, 9 records, no findings\n")
    assert sagac(capsys, "verify-journal", "--heads", "heads.json")[0] == 0


def test_verify_counts_one_run_and_one_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work(FakeWorld({("a", "do", 1): "hang", ("b", "do", 1): "hang"}), shape=plan(step("a"), step("b")), grace_ms=0)
    assert sagac(capsys, "verify-journal")[:2] == (0, "1 run, 1 record, no findings\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM records WHERE sequence = 1", "record 1 is missing, record 2 follows"),
        ("DELETE FROM records WHERE sequence = 3", "the chain ends after 3 records, its head is at 4"),
        (
            "UPDATE records SET body = replace(body, 'succeeded', 'refused') WHERE sequence = 2",
            "does not have the hash",
        ),
        ("UPDATE records SET sequence = 7 WHERE sequence = 2", "record 2 is missing"),
        ("UPDATE records SET fence = 9 WHERE sequence = 1", "does not have the hash"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM plans", "its plan"),
        ("UPDATE plans SET body = replace(body, 'act', 'back')", "its plan is not the one with digest"),
        ("UPDATE runs SET status = 'held'", "listed as held, but its records say completed"),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM records WHERE sequence = 3;"
            "UPDATE runs SET length = 3, status = 'running',"
            "hash = (SELECT lower(hex(hash)) FROM records WHERE sequence = 2)",
            "record 3 was there once, the chain ends after 3 records",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM records; DELETE FROM runs",
            "the run is missing, a head of it is known",
        ),
    ],
)
def test_verify_finds_what_was_lost_or_changed(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, words: str
) -> None:
    work(FakeWorld())
    assert sagac(capsys, "verify-journal", "--write-heads", "heads.json")[0] == 0
    connection = sqlite3.connect("sagac.db")
    connection.executescript(damage)
    connection.commit()
    connection.close()
    code, out, _ = sagac(capsys, "verify-journal", "--heads", "heads.json")
    assert code == 1
    assert words in out
    assert "finding" in out.splitlines()[-1]
    code, out, _ = sagac(capsys, "verify-journal", "--heads", "heads.json", "--json")
    assert any(words in finding["what"] for finding in json.loads(out)["findings"])


def test_a_damaged_run_is_not_driven_and_the_others_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bound_damaged.py").write_text(BINDING)
    bad, good = [work(FakeWorld({("b", "do", 1): "hang"}), trip, grace_ms=0) for trip in ("one", "two")]
    connection = sqlite3.connect("sagac.db")
    connection.execute("UPDATE records SET body = replace(body, 'succeeded', 'refused') WHERE number = 1")
    connection.commit()
    connection.close()
    code, out, _ = sagac(capsys, "resume", "--bind", "bound_damaged:trip")
    told = {line.split()[0]: line.split()[1] for line in out.splitlines()[1:]}
    assert (code, told) == (1, {bad[:12]: "running", good[:12]: "completed"})


def test_a_missing_or_wrong_journal_is_told_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("ps",), ("show", "x"), ("verify-journal",), ("cancel", "x", "--reason", "y")):
        code, out, err = sagac(capsys, *words)
        assert (code, out) == (1, "")
        assert err.startswith("sagac: there is no journal at `sagac.db`")
    for place in ("postgres://x", "orders.db", "sqlite:///"):
        code, _, err = sagac(capsys, "ps", "--journal", place)
        assert (code, err.startswith(f"sagac: `{place}` names no journal")) == (2, True)
        assert "retry" not in err
    (folder / "sagac.db").write_text("something else, which is no database and is longer than a header " * 3)
    assert sagac(capsys, "ps")[0] == 1
    assert not list(folder.glob("*-wal"))


def test_a_wrong_call_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    cancel = ("cancel", "x", "--reason")
    waits = [(*cancel, "y", f"--wait={wait}") for wait in ("-3", "nan", "inf", "soon")]
    for words in ((), ("nonsense",), ("show",), ("cancel", "x"), ("resume",), (*cancel, " "), *waits):
        with pytest.raises(SystemExit) as left:
            cli.main(words)
        assert left.value.code == 2
    capsys.readouterr()


def test_a_file_that_is_not_there_is_told_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work(FakeWorld())
    told = sagac(capsys, "verify-journal", "--heads", "nope.json")
    assert told == (1, "", "sagac: `nope.json`: no such file or directory\n")


def test_a_defect_leaves_its_traceback_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: object) -> int:
        raise KeyError("Implant")

    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("ps", "", lambda parser: None, fail),))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code, _, err = sagac(capsys, "ps")
    (report,) = tmp_path.iterdir()
    assert (code, err) == (
        1,
        f"sagac: this is a defect of sagac: KeyError: 'Implant' (its traceback is in `{report}`)\n",
    )
    assert "in fail\n" in report.read_text()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert sagac(capsys, "ps")[2] == "sagac: this is a defect of sagac: KeyError: 'Implant'\n"


def test_without_the_compiler_its_commands_say_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        name = "compiler"

        def load(self) -> Any:
            raise ModuleNotFoundError("No module named 'lark'", name="lark")

    for points in ((Point(),), ()):
        monkeypatch.setattr(metadata, "entry_points", lambda group, points=points: points)
        for name in cli.COMPILER_COMMANDS:
            code, out, err = sagac(capsys, name, "specs", "--strict")
            assert (code, out) == (69, "")
            assert f"`sagac {name}` needs the compiler: pip install 'sagac[compiler]'" in err


def test_the_compilers_commands_join_and_have_the_names_that_a_base_install_knows() -> None:
    (point,) = metadata.entry_points(group="sagac.commands")
    assert {command.name for command in point.load()} == set(cli.COMPILER_COMMANDS)


def test_a_journal_command_loads_no_compiler(folder: Path) -> None:
    loaded = "[module for module in sys.modules if 'z3' in module or 'sagac.compiler' in module]"
    code = f"import sys; from sagac.runtime import cli; cli.main(['ps']); print({loaded})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_request_reaches_a_runtime_in_another_process(folder: Path) -> None:
    async def story() -> object:
        answered = asyncio.Event()
        shape = plan(step("a"), step("b", "a", schedule=replace(ONE_TRY, timeout_ms=60_000)), step("c", "b"))
        world = FakeWorld({("b", "do", 1): lambda call: answered.wait()})
        journal = SqliteJournal("sagac.db")
        async with Runtime(journal=journal, sagas=[Trip(plan=shape, world=world)], watch_ms=20) as runtime:
            run = await runtime.start(Trip, TripInput(trip="t"))
            words = ("cancel", run.id, "--reason", "from outside", "--wait", "20")
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "sagac.runtime.cli", *words, stdout=subprocess.PIPE
            )
            out, _ = await other.communicate()
            answered.set()
            return other.returncode, out, not isinstance(await run.outcome(), Completed)

    assert asyncio.run(story()) == (0, b"accepted\n", True)


# --- interrupts ----------------------------------------------------------------------------------------------------

INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == place:
            os.kill(os.getpid(), signal.SIGINT)

place = sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
from sagac.entry import main
sys.exit(main())
"""


@pytest.mark.parametrize("place", ["sagac.runtime", "msgspec", "sagac.compiler.cli", "z3", "sagac.compiler.driver"])
def test_an_interrupt_is_told_in_one_line_whatever_is_being_loaded(place: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED, place, "check", "nowhere"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "sagac: interrupted\n")


def test_a_command_that_is_not_interrupted_ends_as_ever() -> None:
    words = [sys.executable, "-c", INTERRUPTED, "nothing", "check", "nowhere"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "sagac: there is no file `nowhere`\n")

"""The compiler's commands: the only place of the compiler that reads and writes files."""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from keyword import iskeyword
from pathlib import Path

from sagac.compiler import (
    answers,
    briefing,
    checker,
    codes,
    crosscheck,
    driver,
    dump,
    evidence,
    exhibit,
    fitting,
    fixes,
    generation,
    guarantees,
    markdown,
    picture,
    plain,
    rederivation,
    render,
    report,
    session,
    simulation,
    solver,
    verification,
    webpage,
    wording,
)
from sagac.compiler.checker import Broken
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source
from sagac.compiler.verification import Verified
from sagac.compiler.walk import Mistake, Walk

OK, FINDINGS, USAGE, UNDECIDED = 0, 1, 2, 3
"""Exit codes: proved (or declared as assumed), findings, a wrong call, undecided."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One word after `sagac`: how its arguments are read, and what it does."""

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class UsageError(Exception):
    """A call that cannot be taken: its text is for the user."""


def guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """`run`, with a wrong call told in one line; and without garbage collection, since all that is made is kept."""

    def inner(arguments: argparse.Namespace) -> int:
        gc.disable()
        try:
            return run(arguments)
        except UsageError as error:
            print(f"sagac: {error}", file=sys.stderr)
            return USAGE
        finally:
            gc.enable()

    return inner


# --- check ---------------------------------------------------------------------------------------------------------


def configure_check(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument("--format", choices=["text", "json", "github"], default="text", help="how findings are printed")
    parser.add_argument("--strict", action="store_true", help="warnings and notes fail the check too")
    parser.add_argument("--verbose", action="store_true", help="every claim with its verdict, and every default")
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="write the evidence of the check below this folder"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the solver's answers there for the next check")
    parser.add_argument(
        "--counterexamples",
        type=Path,
        metavar="DIR",
        help="write each refutation there as a page with a sequence diagram, and as a test that repeats it",
    )


def check(arguments: argparse.Namespace) -> int:
    for folder in (arguments.evidence, arguments.cache, arguments.counterexamples):
        if folder is not None:
            must_be_writable(folder / "any")
    if arguments.cache is None:
        return checked_now(arguments)
    recall(arguments.cache)
    try:
        return checked_now(arguments)
    finally:
        keep(arguments.cache)


def recall(folder: Path) -> None:
    """The solver's answers of earlier checks, where there are any."""
    with contextlib.suppress(OSError):
        solver.EARLIER.update(answers.read((folder / answers.NAME).read_bytes()))


def keep(folder: Path) -> None:
    """The solver's answers for the next check: written beside, then moved, so that no reader finds half of them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f"{answers.NAME}.{os.getpid()}"
        beside.write_bytes(answers.written(solver.EARLIER))
        beside.replace(folder / answers.NAME)
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be written: {error.strerror}") from None


def checked_now(arguments: argparse.Namespace) -> int:
    told = [shown(tried(driver.check(sources, today())), arguments) for sources in projects(arguments.paths)]
    if arguments.evidence is not None:
        attest(told, arguments.evidence)
    if arguments.counterexamples is not None:
        put_exhibits(told, arguments.counterexamples)
    if arguments.format == "json":
        write(as_json(told))
    return worst(
        [report.exit_code(checked.diagnostics, checked.judgements, strict=arguments.strict) for checked in told]
    )


def put_exhibits(told: Sequence[Checked], folder: Path) -> None:
    """The files of every refutation; what was written is said apart from the findings, which a program may read."""
    count, total = 0, sum(len(exhibit.refutations(checked)) for checked in told)
    for checked in told:
        specs = [Path(os.path.relpath(name, folder)).as_posix() for name in checked.sources]
        for name, text in exhibit.files(checked, specs, count + 1, total).items():
            put(folder / name, text)
            count += name.endswith(".md")
    print(f"sagac: {wording.counted(count, 'counterexample')} written to `{folder}`", file=sys.stderr)


def tried(checked: Checked) -> Checked:
    """The check with the help marked that was tried, and proves."""
    return replace(checked, diagnostics=fixes.verified(checked, today()))


def shown(checked: Checked, arguments: argparse.Namespace) -> Checked:
    """A project's findings are shown as soon as they are known, where that does not break the format."""
    if arguments.format in FORMATS:
        write(FORMATS[arguments.format](checked, arguments))
    return checked


def attest(told: Sequence[Checked], below: Path) -> None:
    """The evidence of each check is written, where there is any."""
    for checked in told:
        if evidence.is_possible(checked):
            folder = below / evidence.name_of(checked)
            write_exactly(folder, evidence.bundle(checked))
            print(f"sagac: evidence in `{folder}`", file=sys.stderr)
        else:
            print("sagac: no evidence: there is no saga here, or an error in it", file=sys.stderr)


def write_exactly(folder: Path, files: Mapping[str, bytes]) -> None:
    """These files and no others: the folder is named by its content, so what else is there is left from before."""
    try:
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()
        for name, body in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be written: {error.strerror}") from None


# --- verify --------------------------------------------------------------------------------------------------------


def configure_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DIR", help="a folder that `sagac check --evidence` has written"
    )
    parser.add_argument(
        "--specs",
        nargs="+",
        metavar="PATH",
        help="the specifications that there must be evidence of: fail where that of one of them is missing",
    )
    parser.add_argument(
        "--print-checker",
        action="store_true",
        help="print the checker: one file for Python's standard library alone, to read, to keep and to run anywhere",
    )
    parser.add_argument("--crosscheck", action="store_true", help="fail where the second solver is not installed")
    parser.add_argument("--strict", action="store_true", help="fail where something is taken on the compiler's word")
    parser.add_argument(
        "--rederive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="make the bundle once more from the specifications in it, and compare",
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the account is printed")
    parser.add_argument("--verbose", action="store_true", help="every obligation, with what became of it")


def verify(arguments: argparse.Namespace) -> int:
    if arguments.print_checker:
        sys.stdout.write(inspect.getsource(checker))
        return OK
    if arguments.folder is None:
        raise UsageError("say which folder has the evidence: `sagac verify DIR`")
    folders = checker.bundles(arguments.folder)
    if not folders:
        raise UsageError(f"there is no evidence in `{arguments.folder}`")
    absent = missed(arguments.specs or (), {folder.resolve().name for folder in folders})
    for line in absent:
        print(f"sagac: NOT VERIFIED: {line}", file=sys.stderr)
    asked = solvers()
    told = [verification.verify(folder, asked, today()) for folder in folders]
    if arguments.rederive:
        told = [rederived(folder, one, asked) for folder, one in zip(folders, told, strict=True)]
    if arguments.format == "json":
        write(verification.json_of(told))
    else:
        write("\n".join(verification.text_of(one, verbose=arguments.verbose) for one in told))
    missing = not crosscheck.version()
    if missing:
        print(f"sagac: not cross-checked: {crosscheck.MISSING}", file=sys.stderr)
    sound = all(one.is_sound and (one.report.is_complete or not arguments.strict) for one in told)
    return OK if sound and not absent and not (missing and arguments.crosscheck) else FINDINGS


def missed(paths: Sequence[str], names: frozenset[str] | set[str]) -> list[str]:
    """Each project with a saga of which there is no bundle."""
    lines = []
    for sources in projects(paths) if paths else ():
        name = evidence.name_of_sources(sources)
        if name not in names and any(checker.sagas_named(source.text) for source in sources):
            lines.append(f"there is no evidence of {wording.listing([source.name for source in sources])}: `{name}`")
    return lines


def solvers() -> Mapping[str, verification.Solve]:
    """Every solver that is installed, by name and version."""
    second = {crosscheck.version(): crosscheck.decide} if crosscheck.version() else {}
    return {solver.version(): functools.cache(solver.answer), **second}


def rederived(folder: Path, verified: Verified, asked: Mapping[str, verification.Solve]) -> Verified:
    """The account, with all in which the bundle differs from one that is made of its specifications now."""
    try:
        found = rederivation.differences(folder, asked[solver.version()], today())
    except Broken as broken:
        return replace(verified, problems=(*verified.problems, str(broken)))
    except verification.UNREADABLE as error:
        told = verified.report.problems or verified.problems
        return replace(verified, problems=tuple(verified.problems) if told else (checker.misshapen(error),))
    return replace(verified, problems=(*verified.problems, *found), rederived=True)


# --- how findings are printed --------------------------------------------------------------------------------------


def as_text(checked: Checked, arguments: argparse.Namespace) -> str:
    findings = render.text(checked.diagnostics, checked.sources, colour=sys.stdout.isatty())
    summary = report.text(
        checked.project, checked.plans, checked.judgements, checked.waiting, verbose=arguments.verbose
    )
    return "\n".join(part for part in (findings, summary or nothing_to_prove(checked)) if part)


def nothing_to_prove(checked: Checked) -> str:
    """A check of no saga must not look like a check that found everything in order."""
    broken = any(finding.severity == "error" for finding in checked.diagnostics)
    return "" if broken else "there is no saga here: nothing was proved"


def as_json(told: Sequence[Checked]) -> str:
    """One document, however many projects there are."""
    summaries = [
        summary
        for checked in told
        for summary in report.data(checked.project, checked.plans, checked.judgements, checked.waiting)
    ]
    sources = {name: source for checked in told for name, source in checked.sources.items()}
    return render.json([finding for checked in told for finding in checked.diagnostics], sources, summaries)


def as_github(checked: Checked, arguments: argparse.Namespace) -> str:
    return render.github(checked.diagnostics, checked.sources)


FORMATS = {"text": as_text, "github": as_github}


def worst(exits: Sequence[int]) -> int:
    """Findings outrank undecided, undecided outranks proved."""
    return FINDINGS if FINDINGS in exits else max(exits, default=OK)


# --- report --------------------------------------------------------------------------------------------------------


def configure_report(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument("--format", choices=list(REPORTS), default="text", help="how the report is written")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report to a file")


def report_on(arguments: argparse.Namespace) -> int:
    if arguments.output is not None:
        must_be_writable(arguments.output)
    told = [driver.check(sources, today()) for sources in projects(arguments.paths)]
    for checked in told:
        show_unreported(checked)
    text = REPORTS[arguments.format]([account for checked in told for account in accounts(checked)])
    if arguments.output is None:
        write(text)
    else:
        write_file(arguments.output, f"{text}\n")
    return worst([report.exit_code(checked.diagnostics, checked.judgements, strict=False) for checked in told])


def accounts(checked: Checked) -> tuple[guarantees.Account, ...]:
    return guarantees.accounts(checked.project, checked.plans, checked.judgements, checked.diagnostics, checked.sources)


def show_unreported(checked: Checked) -> None:
    """Errors that belong to no saga of the report must not get lost with it."""
    reported = {name for saga in checked.plans for name in (saga, saga.rpartition(".")[2])}
    errors = [each for each in checked.diagnostics if each.severity == "error" and each.saga not in reported]
    if errors:
        print(render.text(errors, checked.sources, colour=sys.stderr.isatty()), file=sys.stderr)


def report_as_json(accounts: Sequence[guarantees.Account]) -> str:
    document = {"format": guarantees.FORMAT, "sagas": [guarantees.as_wire(account) for account in accounts]}
    return json.dumps(document, indent=2, ensure_ascii=False)


REPORTS: dict[str, Callable[[Sequence[guarantees.Account]], str]] = {
    "text": lambda accounts: plain.text(briefing.brief(accounts, merged=True)),
    "markdown": lambda accounts: markdown.text(briefing.brief(accounts, merged=True)),
    "json": report_as_json,
    "html": lambda accounts: webpage.text(briefing.brief(accounts, merged=False)),
}


# --- gen -----------------------------------------------------------------------------------------------------------


def configure_gen(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument("--out", required=True, type=Path, help="the folder for the generated modules")
    parser.add_argument(
        "--package",
        help="where tests import the executors from (default: beside them, or the package that the folder is in, where "
        "it has an `__init__.py`)",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a generated module is stale")


def gen(arguments: argparse.Namespace) -> int:
    if not arguments.check:
        must_be_writable(arguments.out / "any")
    package = package_of(arguments.out) if arguments.package is None else named(arguments.package)
    modules: dict[str, str] = {}
    exits = []
    for sources in projects(arguments.paths):
        checked = driver.check(sources, today())
        exits.append(report.exit_code(checked.diagnostics, checked.judgements, strict=False))
        if exits[-1] == OK:
            add_modules(modules, driver.generate(checked, package))
        else:
            write(render.text(checked.diagnostics, checked.sources, colour=sys.stdout.isatty()))
    return put_out(modules, arguments) if worst(exits) == OK else nothing_generated(worst(exits))


def named(package: str) -> str:
    if package and not all(part.isidentifier() and not iskeyword(part) for part in package.split(".")):
        raise UsageError(f"`{package}` cannot be imported: a package is named like `shop.sagas`")
    return package


def package_of(folder: Path) -> str:
    """The package that the folder is, as pytest and Python find it: as far up as there is an `__init__.py`."""
    folder = folder.absolute()
    if not (folder / "__init__.py").exists():
        return ""
    return f"{package_of(folder.parent)}.{folder.name}".lstrip(".")


def add_modules(modules: dict[str, str], more: generation.Modules) -> None:
    for name in more:
        if name in modules:
            raise UsageError(f"two projects would write `{name}`: generate each into a folder of its own")
    modules.update(more)


def nothing_generated(verdict: int) -> int:
    print("sagac: nothing generated: the check must pass first", file=sys.stderr)
    return verdict


def put_out(modules: generation.Modules, arguments: argparse.Namespace) -> int:
    if not modules:
        raise UsageError("nothing generated: there is no saga here")
    if arguments.check:
        return report_stale(modules, arguments.out)
    for name, text in modules.items():
        write_file(arguments.out / name, text)
    return OK


def report_stale(modules: generation.Modules, out: Path) -> int:
    present = {name: read(out / name) for name in modules if (out / name).exists()}
    stale = generation.stale(modules, present)
    for line in stale:
        print(line)
    return FINDINGS if stale else OK


def write_file(path: Path, text: str) -> None:
    put(path, text)
    print(f"wrote {path}")


def must_be_writable(path: Path) -> None:
    """A place that cannot be written is found out before the work; folders that are missing are made with the file."""
    there = next(folder for folder in path.parents if folder.exists())
    if path.is_dir():
        raise UsageError(f"`{path}` cannot be written: it is a folder")
    if not there.is_dir():
        raise UsageError(f"`{there}` is in the way: it is a file, where a folder is needed")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"nothing can be written below `{there}`: permission denied")


def put(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror}") from None


# --- sim -----------------------------------------------------------------------------------------------------------


def configure_sim(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a spec file, or the folder of a project")
    parser.add_argument("--saga", help="which saga, by name or full name, where there are several")
    parser.add_argument(
        "--input", metavar="JSON", default="{}", help="input fields of the run; plain values for the rest"
    )
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="choices, one a line; `-` reads them from standard input"
    )
    parser.add_argument("--faults", action="store_true", help="a random walk with faults, instead of asking")
    parser.add_argument("--seed", type=int, metavar="N", help="repeat the random walk of this seed")


def sim(arguments: argparse.Namespace) -> int:
    walk = begun(arguments)
    if arguments.faults or arguments.seed is not None:
        seed = int.from_bytes(os.urandom(4)) if arguments.seed is None else arguments.seed
        for line in session.stroll(walk, seed):
            print(line)
        return OK
    if arguments.script is None and sys.stdin.isatty():
        session.play(session.start(walk), typed(), print)
        return OK
    script = sys.stdin.read() if arguments.script in (None, Path("-")) else read(arguments.script)
    ended = session.follow(session.start(walk), script.splitlines(), print)
    if isinstance(ended, Mistake):
        raise UsageError(f"{arguments.script or '-'}: {ended.text}")
    return OK


def begun(arguments: argparse.Namespace) -> Walk:
    """The walk at its beginning, of the one saga that is meant."""
    (sources, *more) = projects([arguments.path])
    if more:
        raise UsageError(f"`{arguments.path}` has several projects: name the folder of one")
    checked = driver.check(sources, today())
    if not checked.plans:
        show_findings(checked)
        raise UsageError("there is no saga here that could run")
    names = chosen(checked, arguments.saga)
    if len(names) > 1:
        raise UsageError("say which with `--saga`: " + ", ".join(f"`{name}`" for name in names))
    walk = simulation.begin(checked.saga(names[0]), checked.plans[names[0]], given(arguments.input))
    if isinstance(walk, Mistake):
        raise UsageError(walk.text)
    return walk


def given(text: str) -> dict[str, fitting.Json]:
    try:
        found = fitting.parsed(text)
    except fitting.Misfit as misfit:
        raise UsageError(f"the input is not JSON: {misfit}") from None
    if not isinstance(found, dict):
        raise UsageError('the input is a JSON object: `{"quantity": 3}`')
    return found


def typed() -> Iterator[str]:
    """The lines that a person types, until there are no more."""
    while True:
        try:
            yield input("? ")
        except EOFError:
            return


# --- explain, graph, dump ------------------------------------------------------------------------------------------


def configure_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", help="a code from a finding, such as A1")


def explain(arguments: argparse.Namespace) -> int:
    text = codes.explain(arguments.code)
    if text is None:
        raise UsageError(f"there is no code `{arguments.code}`; `docs/diagnostics/` lists them all")
    write(text)
    return OK


def configure_graph(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument("--saga", help="only this saga, by name or full name")


def graph(arguments: argparse.Namespace) -> int:
    exits = []
    for sources in projects(arguments.paths):
        checked = driver.check(sources, today())
        for name in chosen(checked, arguments.saga):
            write(picture.mermaid(checked.saga(name), checked.graphs[name], checked.plans[name]))
        exits.append(OK if checked.plans else show_findings(checked))
    return worst(exits)


def chosen(checked: Checked, wanted: str | None) -> tuple[str, ...]:
    names = tuple(name for name in checked.plans if wanted in (None, name, name.rpartition(".")[2]))
    if wanted is not None and not names and checked.plans:
        raise UsageError(
            f"there is no saga `{wanted}` here; there is " + ", ".join(f"`{name}`" for name in checked.plans)
        )
    return names


def show_findings(checked: Checked) -> int:
    write(render.text(checked.diagnostics, checked.sources, colour=sys.stdout.isatty()))
    return FINDINGS


def configure_dump(parser: argparse.ArgumentParser) -> None:
    add_paths(parser)
    parser.add_argument("--phase", required=True, choices=list(PHASES), help="which in-between form to print")


def dump_phase(arguments: argparse.Namespace) -> int:
    for sources in projects(arguments.paths):
        checked = driver.check(sources, today())
        write(PHASES[arguments.phase](checked))
    return OK


PHASES: dict[str, Callable[[Checked], str]] = {
    "syntax": lambda checked: "\n".join(dump.dump(file) for file in checked.files.values()),
    "model": lambda checked: dump.dump(checked.project),
    "graph": lambda checked: "\n".join(dump.dump(graph) for graph in checked.graphs.values()),
    "plan": lambda checked: "\n".join(dump.dump(plan) for plan in checked.plans.values()),
    "module": lambda checked: "\n".join(checked.modules.values()),
    "verdicts": lambda checked: "\n".join(dump.dump(judgement) for judgement in checked.judgements),
}


# --- files ---------------------------------------------------------------------------------------------------------


def add_paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        default=["."],
        metavar="PATH",
        help="spec files, together one project, and folders: one with spec files is a project with all below it, "
        "one without stands for the folders in it (default: .)",
    )


def projects(paths: Sequence[str]) -> Iterator[tuple[Source, ...]]:
    """The sources of each project: what each folder holds, and the files named beside them together."""
    files = [Path(path) for path in paths if not Path(path).is_dir()]
    if files:
        yield tuple(load(path) for path in files)
    for folder in (Path(path) for path in paths if Path(path).is_dir()):
        found = tuple(inside(folder))
        if not found:
            raise UsageError(f"no `.saga` file in `{folder}`")
        yield from found


def inside(folder: Path) -> Iterator[tuple[Source, ...]]:
    """A folder with spec files is a project with all below it; one without stands for the folders in it."""
    if any(folder.glob("*.saga")):
        yield tuple(load(path) for path in sorted(folder.rglob("*.saga")))
        return
    for below in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        yield from inside(below)


def load(path: Path) -> Source:
    return Source(path.as_posix(), read(path))


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no file `{path}`") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"`{path}` is not UTF-8 text: byte {error.start} is not part of a character") from None
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}") from None


def today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251  # the command line is where the date comes in (waivers expire)


def write(text: str) -> None:
    if text:
        print(text)


COMMANDS: Sequence[Subcommand] = (
    Subcommand("check", "prove the sagas of a project, or show what can go wrong", configure_check, guarded(check)),
    Subcommand("verify", "check evidence again, by other means than made it", configure_verify, guarded(verify)),
    Subcommand(
        "report", "say what is guaranteed, on what it rests, and what is missing", configure_report, guarded(report_on)
    ),
    Subcommand("gen", "write the executor and test modules of a checked project", configure_gen, guarded(gen)),
    Subcommand("sim", "walk through a saga step by step, with every answer chosen", configure_sim, guarded(sim)),
    Subcommand("graph", "print the steps and the undo order as a Mermaid diagram", configure_graph, guarded(graph)),
    Subcommand("explain", "say what a diagnostic code means and how to fix it", configure_explain, guarded(explain)),
    Subcommand("dump", "print an in-between form of the compiler", configure_dump, guarded(dump_phase)),
)
"""What joins the `sagac` command line through the entry-point group `sagac.commands`."""

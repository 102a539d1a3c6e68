"""The compiler's commands: the only place of the compiler that reads and writes files."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from keyword import iskeyword
from pathlib import Path

from sagac.compiler import (
    briefing,
    codes,
    driver,
    dump,
    generation,
    guarantees,
    markdown,
    picture,
    plain,
    render,
    report,
    webpage,
)
from sagac.compiler.driver import Checked
from sagac.compiler.source import Source

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


def check(arguments: argparse.Namespace) -> int:
    told = [shown(driver.check(sources, today()), arguments) for sources in projects(arguments.paths)]
    if arguments.format == "json":
        write(as_json(told))
    return worst(
        [report.exit_code(checked.diagnostics, checked.judgements, strict=arguments.strict) for checked in told]
    )


def shown(checked: Checked, arguments: argparse.Namespace) -> Checked:
    """A project's findings are shown as soon as they are known, where that does not break the format."""
    if arguments.format in FORMATS:
        write(FORMATS[arguments.format](checked, arguments))
    return checked


def as_text(checked: Checked, arguments: argparse.Namespace) -> str:
    findings = render.text(checked.diagnostics, checked.sources, colour=sys.stdout.isatty())
    summary = report.text(checked.project, checked.plans, checked.judgements, verbose=arguments.verbose)
    return "\n".join(part for part in (findings, summary or nothing_to_prove(checked)) if part)


def nothing_to_prove(checked: Checked) -> str:
    """A check of no saga must not look like a check that found everything in order."""
    broken = any(finding.severity == "error" for finding in checked.diagnostics)
    return "" if broken else "there is no saga here: nothing was proved"


def as_json(told: Sequence[Checked]) -> str:
    """One document, however many projects there are."""
    summaries = [
        summary for checked in told for summary in report.data(checked.project, checked.plans, checked.judgements)
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror}") from None
    print(f"wrote {path}")


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
    Subcommand(
        "report", "say what is guaranteed, on what it rests, and what is missing", configure_report, guarded(report_on)
    ),
    Subcommand("gen", "write the executor and test modules of a checked project", configure_gen, guarded(gen)),
    Subcommand("graph", "print the steps and the undo order as a Mermaid diagram", configure_graph, guarded(graph)),
    Subcommand("explain", "say what a diagnostic code means and how to fix it", configure_explain, guarded(explain)),
    Subcommand("dump", "print an in-between form of the compiler", configure_dump, guarded(dump_phase)),
)
"""What joins the `sagac` command line through the entry-point group `sagac.commands`."""

"""Checks a bundle of evidence with nothing but the standard library: copy this one file anywhere and run it.

It knows neither the compiler nor a solver nor the runtime. From the *emitted module* it reads the plan as data, and
from the plan it works out again which claims there must be, which formula each of them comes to, in which order the
undos go, and every state of the call protocol. What a formula needs a solver for is left to the solvers, by the key of
the question; that the question says what the formula says is the one thing about it that is taken on trust here.
What it does not know it calls not checked, never fine. `docs/evidence.md` says what the files hold.

    python checker.py [--verbose] [--strict] FOLDER
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import stat
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

FORMAT: Final = 1
"""The shape of the bundle that this checker reads."""

MANIFEST: Final = "manifest.json"
CONTRACTS: Final = "contracts/contracts.json"

Json: TypeAlias = Any
"""What a JSON text holds."""

Status: TypeAlias = Literal[
    "checked", "questions", "run", "assumed", "word", "waived", "not checked", "not proved", "wrong"
]
"""What became of an obligation: checked here; left to solvers; shown by a run that the kernel can replay; assumed by
name, where contracts say nothing; not checked, of a family that is known to have nothing to check it by; refuted, and
answered for by somebody until a date; not checked, of a kind that is not known here; not claimed to be proved;
contradicted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One obligation with what became of it."""

    obligation: str
    claim: str
    status: Status
    note: str = ""
    questions: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """All that was found in a bundle. `problems` are those of the bundle as a whole."""

    folder: str
    problems: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    about: tuple[str, ...] = ()
    """The specifications and the sagas that it is about."""

    @property
    def is_sound(self) -> bool:
        """Nothing is wrong or unproved, and nothing of an unknown kind went unchecked."""
        bad = ("wrong", "not proved", "not checked")
        return not self.problems and not any(finding.status in bad for finding in self.findings)

    @property
    def is_complete(self) -> bool:
        """Nothing is taken on the compiler's word either."""
        return not any(finding.status == "word" for finding in self.findings)


class Broken(Exception):  # noqa: N818  # becomes a line of the report
    """The bundle contradicts itself; the text says where."""


# --- the bundle ----------------------------------------------------------------------------------------------------


BUNDLE: Final = re.compile(r"[0-9a-f]{64}")
"""The name of a bundle."""


def bundles(folder: Path) -> tuple[Path, ...]:
    """The bundles in a folder: itself, or those right below it; what is named as one needs no manifest to be one."""
    if (folder / MANIFEST).is_file() or BUNDLE.fullmatch(folder.name):
        return (folder,)
    below = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(path for path in below if (path / MANIFEST).is_file() or BUNDLE.fullmatch(path.name)))


def check(folder: Path, today: date | None = None) -> Report:
    """Everything that this checker can say about a bundle; without a date no waiver excuses anything."""
    report = Report(folder.name)
    try:
        manifest = loaded(folder, MANIFEST)
        if not isinstance(manifest, dict):
            raise Broken(f"`{MANIFEST}` is no object: it should have the bundle's sagas, obligations and files")
        if manifest.get("format") != FORMAT:
            raise Broken(f"the bundle has format {manifest.get('format')}, this checker reads format {FORMAT}")
        report.about = about(manifest)
        report.problems += files_changed(folder, manifest)
        report.problems += wrong_name(folder, manifest)
        report.problems += left_out(folder, manifest)
        report.problems += commands_differ(folder, manifest)
        sagas = read_sagas(folder, manifest, report.problems)
        report.findings += judged(manifest, sagas, report.problems)
        report.findings = waived(manifest, report.findings, today)
    except Broken as broken:
        report.problems.append(str(broken))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, MemoryError) as error:
        report.problems.append(misshapen(error))
    return report


def misshapen(error: Exception) -> str:
    """What a bundle of another shape leads to, in the words of whoever reads it."""
    match error:
        case KeyError(args=(str(name), *_)):
            told = f"something has no `{name}`, or names a `{name}` that is not there"
        case RecursionError() | MemoryError():
            told = "something in it is nested too deeply, or too large"
        case _:
            told = "something in it is a list, an object, a text or a number where it should be another of them"
    return f"the bundle is not of the shape that it should have: {told}"


def about(manifest: Json) -> tuple[str, ...]:
    """The files and the sagas of a bundle."""
    files = ", ".join(f"`{spec['file'].removeprefix('specs/')}`" for spec in manifest["specs"])
    return files, ", ".join(f"`{entry['saga']}`" for entry in manifest["sagas"])


def loaded(folder: Path, name: str) -> Json:
    """A JSON file of the bundle; one that says a name twice is not read."""
    try:
        return json.loads(content(folder, name).decode(), object_pairs_hook=unambiguous)
    except (ValueError, RecursionError) as error:
        raise Broken(f"`{name}` cannot be read: {error}") from None


def unambiguous(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def content(folder: Path, name: str) -> bytes:
    """A file's bytes; only files inside the bundle are read, and no links to elsewhere."""
    parts = name.split("/") if isinstance(name, str) else [""]
    if not all(part and part not in (".", "..") and not set(part) & {"\\", ":", "\0"} for part in parts):
        raise Broken(f"`{name}` is no file of the bundle")
    try:
        path = folder
        for part in parts:
            path = path / part
            if path.is_symlink():
                raise Broken(f"`{name}` is no file of the bundle: a link leads to it")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > SIZE_MAX:
            raise Broken(f"`{name}` is no file of the bundle: it is too large, or no file at all")
        return path.read_bytes()
    except OSError:
        raise Broken(f"`{name}` is missing") from None


SIZE_MAX: Final = 256 << 20
"""No file of a bundle is larger: so that nobody makes a checker read for ever."""


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def files_changed(folder: Path, manifest: Json) -> Iterator[str]:
    """Files that are not what the manifest says, or that it does not know of."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    yield from (f"`{name}` is neither a file nor a folder" for name, path in sorted(found.items()) if is_odd(path))
    present = {name for name, path in found.items() if path.is_file()}
    listed = manifest["files"]
    for name in sorted({*present, *listed} - {MANIFEST}):
        if name not in listed:
            yield f"`{name}` is not in the manifest"
        elif name not in present:
            yield f"`{name}` is missing"
        elif sha256(content(folder, name)) != listed[name]:
            yield f"`{name}` was changed: its hash is not the one in the manifest"
    yield from questions_changed(folder, manifest)


def is_odd(path: Path) -> bool:
    """A link, a pipe or the like: what it holds is not what the bundle holds."""
    return path.is_symlink() or not (path.is_file() or path.is_dir())


def questions_changed(folder: Path, manifest: Json) -> Iterator[str]:
    """Questions whose text is not the one that their key is the hash of, or whose answer is not the expected one."""
    for key, expected in sorted(manifest["questions"].items()):
        name = f"smt2/{key}.smt2"
        if name not in manifest["files"]:
            yield f"the question `{key}` has no file"
            continue
        head, _, text = content(folder, name).decode().partition("\n")
        if sha256(text.encode()) != key:
            yield f"`{name}` does not hold the question of its name"
        if head != status_line(expected):
            yield f"`{name}` expects another answer than the manifest, which says {expected}"
    for name in manifest["files"]:
        if name.startswith("smt2/") and name.removeprefix("smt2/").removesuffix(".smt2") not in manifest["questions"]:
            yield f"`{name}` is no question of the manifest"


def status_line(expected: str) -> str:
    """How a file says which answer it expects."""
    return f"(set-info :status {expected})"


def wrong_name(folder: Path, manifest: Json) -> Iterator[str]:
    """The bundle is named by the hash of its specification, and holds it."""
    specs = manifest["specs"]
    name = specification_hash(manifest["language"], [(spec["file"], spec["sha256"]) for spec in specs])
    if manifest["specification"] != name:
        yield "the hash of the specification is not that of the files that it is made of"
    if folder.name != name:
        yield f"the folder should be named by the hash of its specification, {name}"
    for spec in specs:
        if manifest["files"].get(spec["file"]) != spec["sha256"]:
            yield f"`{spec['file']}` is not the specification that the manifest names"
    named = {spec["file"] for spec in specs}
    for file in sorted({name for name in manifest["files"] if name.startswith("specs/")} ^ named):
        yield f"`{file}` is not among the specifications that the bundle is named by, or none of them"


def specification_hash(language: int, specs: Sequence[tuple[str, str]]) -> str:
    """The name of a bundle."""
    return sha256(canonical([language, sorted([name, digest] for name, digest in specs)]).encode())


def canonical(value: Json) -> str:
    """A value as the one JSON text that equal values share."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- the specification, as far as its words go ---------------------------------------------------------------------

WORD: Final = re.compile(r'//[^\n]*|"(?:\\.|[^"\\\n])*"|[A-Za-z_][A-Za-z0-9_]*|[0-9][\w.-]*|[+:-]=|\S')
"""A comment, a string, a word, a number or a sign."""


def left_out(folder: Path, manifest: Json) -> Iterator[str]:
    """Sagas that a specification has and the manifest does not, or the other way round; and likewise their steps.

    Nothing is understood of a specification here: a saga is the words `saga NAME version NUMBER`, a step `step NAME`.
    """
    found: dict[str, Named] = {}
    for spec in manifest["specs"]:
        found |= sagas_named(content(folder, spec["file"]).decode())
    told = {entry["saga"]: entry for entry in manifest["sagas"]}
    if not found or len(told) != len(manifest["sagas"]):
        yield "there is no saga in the bundle, or one is there twice"
    for name in sorted(found.keys() ^ told.keys()):
        yield f"`{name}` is a saga of the specifications or of the manifest, and not of both"
    for name in sorted(found.keys() & told.keys()):
        version, steps, waivers, ensures = found[name]
        if len(loaded(folder, told[name]["certificate"])["source"]["ensures"]) != len(ensures):
            yield f"the certificate of `{name}` does not have every `ensure` of its specification"
        if sorted(map(canonical, waivers)) != sorted(canonical(waiver_words(one)) for one in told[name]["waivers"]):
            yield f"the waivers of `{name}` are not those of its specification"
        planned = loaded(folder, told[name]["plan"])
        if sorted(step["name"] for step in planned["steps"]) != sorted(steps) or planned["version"] != version:
            yield f"the plan of `{name}` has other steps than its specification, or another version"


def waiver_words(waiver: Json) -> list[str]:
    """What a waiver is for, and until when, as words of a specification."""
    on = ["on", waiver["step"]] if waiver["step"] else []
    return ["waive", waiver["code"], *on, "until", waiver["until"]]


Named: TypeAlias = tuple[int, list[str], list[list[str]], list[str]]
"""A saga's version, its steps, the words of its waivers, and the moments of which it ensures something."""


def sagas_named(text: str) -> dict[str, Named]:
    """Each saga of a specification with its version, the names of its steps, its waivers, and what it ensures."""
    words = [word for word in WORD.findall(text) if not word.startswith("//")]
    found: dict[str, Named] = {}
    package, depth = "", 0
    steps: list[str] = []
    waivers: list[list[str]] = []
    ensures: list[str] = []
    for place, word in enumerate(words):
        following = words[place + 1 : place + 4]
        if depth == 0 and word == "package":
            package = "".join(dotted(words[place + 1 :]))
        if depth == 0 and word == "saga" and following[1:2] == ["version"] and following[2].isdigit():
            steps, waivers, ensures = [], [], []
            found[f"{package}.{following[0]}" if package else following[0]] = (
                int(following[2]),
                steps,
                waivers,
                ensures,
            )
        if depth == 1 and word == "step" and following[1:2] in (["{"], ["after"]):
            steps.append(following[0])
        if depth == 1 and word == "waive":
            waivers.append(words[place : place + (6 if following[1:2] == ["on"] else 4)])
        if depth == 1 and word == "ensure" and ":" in (following[1:2] if following[0] == "always" else following[2:]):
            ensures.append(following[0])
        depth += {"{": 1, "}": -1}.get(word, 0)
    return found


def commands_differ(folder: Path, manifest: Json) -> Iterator[str]:
    """Commands whose contract in the bundle changes other resources, or does so otherwise, than their specification.

    Nothing is understood here either: what counts is each `changes NAME[`, and how often `+=`, `-=` and `:=` stand.
    """
    written: dict[str, Counter[str]] = {}
    for spec in manifest["specs"]:
        written |= commands_named(content(folder, spec["file"]).decode())
    resolved = {
        name: Counter(each for change in contract["changes"] for each in signs_of(change))
        for name, contract in loaded(folder, CONTRACTS)["commands"].items()
        if contract["declared"]
    }
    for name in sorted(written.keys() | resolved.keys()):
        if written.get(name) != resolved.get(name):
            yield f"the contract of `{name}` is not that of its specification"


def signs_of(change: Json) -> Iterator[str]:
    """The words of a `changes` that are looked for in the specification."""
    yield change["resource"].rpartition(".")[2]
    yield from (operator for _, operator, _ in change["assignments"])


def commands_named(text: str) -> dict[str, Counter[str]]:
    """The commands and queries of the services of a specification, each with what it is said to change."""
    words = [word for word in WORD.findall(text) if not word.startswith("//")]
    found: dict[str, Counter[str]] = {}
    package, service, depth = "", "", 0
    signs: Counter[str] = Counter()
    for place, word in enumerate(words):
        following = words[place + 1 : place + 3]
        if depth == 0:
            package = "".join((*dotted(words[place + 1 :]), ".")) if word == "package" else package
            is_service = word == "service" and following[1:] == ["{"]
            service = following[0] if is_service else "" if word == "saga" else service
        if depth == 1 and service and word in ("command", "query") and following[1:] == ["("]:
            signs = found[f"{package}{service}.{following[0]}"] = Counter()
        if service and word == "changes" and following[1:] == ["["]:
            signs[following[0]] += 1
        if service and word in ("+=", "-=", ":="):
            signs[word] += 1
        depth += {"{": 1, "}": -1}.get(word, 0)
    return found


def dotted(words: Sequence[str]) -> Iterator[str]:
    """The words of a dotted name."""
    for place, word in enumerate(words):
        if (word == ".") != (place % 2 == 1):
            return
        yield word


# --- the emitted module --------------------------------------------------------------------------------------------

NODES: Final[Mapping[str, tuple[str, ...]]] = {
    "Constant": ("value", "type"),
    "Input": ("path", "type"),
    "Result": ("step", "path", "type"),
    "Status": ("step", "fact"),
    "Unary": ("operator", "operand"),
    "Binary": ("operator", "left", "right"),
    "Items": ("items",),
    "Record": ("name", "fields"),
    "Enum": ("name", "members"),
}
"""The tagged parts of a plan, with the fields that are written without their names."""

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Call": ("service", "command"),
    "Field": ("name", "type"),
    "Lock": ("resource", "keys", "within_ms"),
    "Schedule": (),
    "Step": ("name",),
    "Undo": (),
    "Plan": (),
}
"""The other parts of a plan, likewise."""

PLAN_IMPORT: Final = ("sagac.runtime", "plan", "planned")


def plans_of(text: str) -> dict[str, Json]:
    """The plans that the classes of an emitted module bind, by saga: read from its text, which is never run."""
    module = parsed(text)
    constants: dict[str, Json] = {}
    found: dict[str, Json] = {}
    bound: set[str] = set()
    for node in module.body:
        names = names_bound(node)
        if bound & names:
            raise Broken(f"line {node.lineno}: `{min(bound & names)}` is bound twice")
        bound |= names
        if isinstance(node, ast.Assign):
            constants[min(names)] = value_of(node.value, constants)
        elif isinstance(node, ast.ClassDef) and (name := plan_name(node)) is not None:
            if constants[name]["saga"] in found:
                raise Broken(f"two classes bind a plan of `{constants[name]['saga']}`")
            found[constants[name]["saga"]] = constants[name]
    if "planned" not in bound:
        raise Broken("the module does not import the plan's types")
    return found


def parsed(text: str) -> ast.Module:
    """The statements of a module."""
    try:
        return ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise Broken(f"the module is not Python: {error}") from None


def names_bound(node: ast.stmt) -> frozenset[str]:
    """The names that a statement binds; a statement of a kind that no emitted module has is refused."""
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return frozenset()
        case ast.ImportFrom(module=module, names=names, level=0) if all(alias.name != "*" for alias in names):
            told = {alias.asname or alias.name: (module, alias.name, alias.asname) for alias in names}
            if told.get("planned", PLAN_IMPORT) != PLAN_IMPORT:
                raise Broken("the module takes the plan's types from elsewhere")
            return frozenset(told)
        case ast.ClassDef(decorator_list=decorators, keywords=keywords, bases=bases) if (
            all(map(is_plain, decorators))
            and all(isinstance(keyword.value, ast.Constant) for keyword in keywords)
            and all(isinstance(base, ast.Name) for base in bases)
        ):
            return frozenset({node.name})
        case ast.Assign(targets=[ast.Name(id=name)]):
            return frozenset({name})
        case _:
            raise Broken(f"line {node.lineno}: a statement that no emitted module has")


def is_plain(decorator: ast.expr) -> bool:
    """The one decorator that emitted classes have."""
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "dataclass"


def plan_name(node: ast.ClassDef) -> str | None:
    """The constant that a class binds as its plan."""
    found: dict[str, str | None] = {}
    for statement in node.body:
        name, plan = bound_in_class(statement, node.name)
        if name and name in found:
            raise Broken(f"line {statement.lineno}: `{node.name}` binds `{name}` twice")
        found[name] = plan
    return found.get("plan")


def bound_in_class(statement: ast.stmt, name: str) -> tuple[str, str | None]:
    """The name that a statement of a class binds, and the constant where that is its plan; nothing in it is run."""
    match statement:
        case ast.AnnAssign(target=ast.Name(id="plan"), annotation=annotation, value=ast.Name(id=constant)) if (
            ast.unparse(annotation) == "ClassVar[planned.Plan]"
        ):
            return "plan", constant
        case ast.AnnAssign(target=ast.Name(id=bound), value=value) if value is None or is_inert(value):
            return bound, None
        case ast.AsyncFunctionDef() | ast.FunctionDef() if is_inert_method(statement):
            return statement.name, None
        case ast.Assign(targets=[ast.Name(id=bound)], value=ast.Constant()):
            return bound, None
        case ast.Expr(value=ast.Constant(value=str())):
            return "", None
        case _:
            raise Broken(f"line {statement.lineno}: `{name}` has a statement that no emitted class has")


def is_inert_method(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A method of which nothing is run when its class is made."""
    defaults = [*method.args.defaults, *(one for one in method.args.kw_defaults if one is not None)]
    decorators = [ast.unparse(one) for one in method.decorator_list]
    return all(map(is_inert, defaults)) and all(one == "model_validator(mode='after')" for one in decorators)


MAKERS: Final = ("Field", "AliasChoices", "Decimal", "UUID", "datetime", "timedelta", "date")
"""What a default of an emitted class is made with."""


def is_inert(value: ast.expr) -> bool:
    """A literal, a name, or one of these made into a value."""
    inner = (part for part in ast.walk(value) if isinstance(part, ast.expr))
    return all(isinstance(part, PLAIN) or is_made(part) for part in inner)


PLAIN: Final = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Dict, ast.UnaryOp,
)  # fmt: skip
"""Expressions that do nothing."""


def is_made(part: ast.expr) -> bool:
    return isinstance(part, ast.Call) and ast.unparse(part.func).partition(".")[0] in MAKERS


def value_of(node: ast.expr, constants: Mapping[str, Json]) -> Json:
    """A part of a plan as plain data."""
    match node:
        case ast.Constant(value=None | bool() | int() | str()):
            return node.value
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return [value_of(item, constants) for item in items]
        case ast.Dict():
            return dictionary(node, constants)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)) if not isinstance(number, bool):
            return -number
        case ast.Call(func=ast.Attribute(value=ast.Name(id="planned"), attr=kind)) if kind in NODES or kind in PARTS:
            return part(node, kind, constants)
        case _:
            raise Broken(f"line {node.lineno}: an expression that no plan is written in")


def dictionary(node: ast.Dict, constants: Mapping[str, Json]) -> dict[str, Json]:
    keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
    if not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise Broken(f"line {node.lineno}: a dictionary whose keys are not all different texts")
    return {str(key): value_of(item, constants) for key, item in zip(keys, node.values, strict=True)}


def part(node: ast.Call, kind: str, constants: Mapping[str, Json]) -> dict[str, Json]:
    """What a constructor call says."""
    unnamed = NODES.get(kind) or PARTS.get(kind, ())
    if len(node.args) > len(unnamed):
        raise Broken(f"line {node.lineno}: `{kind}` has more parts than it should")
    told: dict[str, Json] = {"node": kind.lower()} if kind in NODES else {}
    written = [*zip(unnamed, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
    for name, item in written:
        if name is None or name in told:
            raise Broken(f"line {node.lineno}: `{kind}` says something twice, or does not write it out")
        told[name] = value_of(item, constants)
    return told


# --- sagas ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Saga:
    """A saga's plan with its order as sets: the bits of an integer, by the place of each step in the plan."""

    name: str
    plan: Json
    certificate: Json
    steps: list[Json]
    number: dict[str, int]
    written: dict[str, Json]
    after: list[list[int]]
    ancestors: list[int]
    descendants: list[int]
    waits: list[int]
    """All whose unwinding the undo of a step waits for."""
    formulas: Formulas
    asserted: Callable[[str], tuple[int, ...]] = lambda key: ()
    """What a question asserts, each part by its number."""
    contracts: Json = None
    """What the services promise."""
    runs: dict[str, int] = field(default_factory=dict)
    """How many events each witness of the saga has."""

    def precedes(self, earlier: str, later: str) -> bool:
        """Whether `later` comes after `earlier`."""
        return bool(self.ancestors[self.number[later]] >> self.number[earlier] & 1)

    def step(self, name: str) -> Json:
        """The plan's step of this name."""
        return self.steps[self.number[name]]

    @property
    def source(self) -> list[Json]:
        """The plan's steps in the order of the source."""
        return [self.steps[self.number[name]] for name in self.written]

    @property
    def all(self) -> int:
        """The set of all steps."""
        return (1 << len(self.steps)) - 1


def read_sagas(folder: Path, manifest: Json, problems: list[str]) -> dict[str, Saga]:
    """Each saga as its module has it, once it is the plan that the bundle names."""
    emitted: dict[str, dict[str, Json]] = {}
    found: dict[str, Saga] = {}
    texts = Texts(folder)
    contracts = loaded(folder, CONTRACTS)
    for entry in manifest["sagas"]:
        name, module = entry["saga"], entry["module"]
        try:
            if module not in emitted:
                emitted[module] = plans_of(content(folder, module).decode())
            found[name] = read_saga(folder, entry, emitted[module].pop(name, None), contracts)
            found[name].asserted = texts.asserted
            found[name].runs = dict(witnesses(folder, manifest, entry))
        except Broken as broken:
            problems.append(f"`{name}`: {broken}")
    problems += [f"`{name}` of {module} is not in the manifest" for module, rest in emitted.items() for name in rest]
    return found


def witnesses(folder: Path, manifest: Json, entry: Json) -> Iterator[tuple[str, int]]:
    """The witnesses of a saga's plan with the number of their events."""
    for name in sorted({one["witness"] for one in manifest["obligations"] if one.get("witness")}):
        told = loaded(folder, name)
        if told["saga"] == entry["saga"] and told["plan"] == entry["digest"]:
            yield name, len(told["events"])


def read_saga(folder: Path, entry: Json, plan: Json, contracts: Json) -> Saga:
    if plan is None:
        raise Broken("its module has no such plan")
    body = content(folder, entry["plan"])
    if canonical(loaded(folder, entry["plan"])) != canonical(plan):
        raise Broken(f"the plan in its module is not the one in `{entry['plan']}`")
    if sha256(body) != entry["digest"] or f"plan {entry['digest']}" not in docstring(folder, entry["module"]):
        raise Broken("the digest of its plan is not the one that its module and the manifest name")
    certificate = loaded(folder, entry["certificate"])
    if certificate["saga"] != entry["saga"]:
        raise Broken(f"`{entry['certificate']}` is the certificate of another saga")
    for step in certificate["source"]["steps"]:
        for one in (step, *step["undos"]):
            one |= effect_of(contracts, one)
    return replace(ordered(plan, certificate), contracts=contracts)


def effect_of(contracts: Json, one: Json) -> Json:
    """What the contract of a command says of its effect and its service, as far as claims depend on it."""
    contract, (service, _, command) = contracts["commands"][one["command"]], one["command"].rpartition(".")
    if (service.rpartition(".")[2], command) != (one["call"]["service"], one["call"]["command"]):
        raise Broken(f"`{one['command']}` is not what `{called(one['call'])}` calls")
    changes = contract["changes"]
    resources = list(dict.fromkeys(change["resource"] for change in changes))
    return {
        "effects": changes,
        "resources": resources,
        "changes": list(dict.fromkeys(name.rpartition(".")[2] for name in resources)),
        "checks": any(change["source"] or change["requires"] for change in changes),
        "keeps": [
            f"`{contracts['resources'][name]['keeps']}` of `{name.rpartition('.')[2]}`"
            for name in resources
            if contracts["resources"][name]["invariants"]
        ],
        **{name: contract[name] for name in ("declared", "service", "sla_ms", "lands_within_ms", "holds", "fails")},
        **{name: contract[name] for name in ("idempotent", "revokes", "window_ms")},
    }


def docstring(folder: Path, module: str) -> str:
    return ast.get_docstring(parsed(content(folder, module).decode())) or ""


def ordered(plan: Json, certificate: Json) -> Saga:
    """The saga with its order worked out."""
    steps = plan["steps"]
    number = {step["name"]: place for place, step in enumerate(steps)}
    written = {step["name"]: step for step in certificate["source"]["steps"]}
    if len(number) != len(steps) or set(number) != set(written):
        raise Broken("the plan and the specification have different steps")
    after = [[number[name] for name in step.get("after", [])] for step in steps]
    if any(earlier >= place for place, before in enumerate(after) for earlier in before):
        raise Broken("a step of the plan comes after one that stands behind it")
    ancestors: list[int] = []
    for before in after:
        ancestors.append(closed(before, ancestors))
    descendants = [0] * len(steps)
    for place in reversed(range(len(steps))):
        for earlier in after[place]:
            descendants[earlier] |= descendants[place] | 1 << place
    formulas = Formulas(certificate)
    waits = unwound(steps, number)
    return Saga(plan["saga"], plan, certificate, steps, number, written, after, ancestors, descendants, waits, formulas)


def closed(direct: Iterable[int], closures: Sequence[int] | Mapping[int, int]) -> int:
    members = 0
    for place in direct:
        members |= closures[place] | 1 << place
    return members


def unwound(steps: Sequence[Json], number: Mapping[str, int]) -> list[int]:
    """For each step all whose unwinding its undo waits for, by the emitted table alone: an induction down the plan."""
    waits: dict[int, int] = {}
    for place in reversed(range(len(steps))):
        direct = [number[name] for name in steps[place].get("undo_after", [])]
        if any(later <= place for later in direct):
            raise Broken(f"the undo of `{steps[place]['name']}` waits for a step that comes before it")
        waits[place] = closed(direct, waits)
    return [waits[place] for place in range(len(steps))]


def numbers(members: int) -> Iterator[int]:
    """The members of a set, ascending."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


# --- formulas ------------------------------------------------------------------------------------------------------

Formula: TypeAlias = int
"""The number of a formula: formulas that say the same up to order and nesting have the same one."""

TRUE: Final = 0
FALSE: Final = 1


class Formulas:
    """Formulas in a normal form, and which of them a solver was asked about."""

    def __init__(self, certificate: Json) -> None:
        """With the formulas of a certificate."""
        self.kinds: list[tuple[str, Any]] = [("and", frozenset()), ("or", frozenset())]
        self.known: dict[tuple[str, Any], Formula] = {kind: place for place, kind in enumerate(self.kinds)}
        told: list[Formula] = []
        for node in certificate["nodes"]:
            told.append(self.told(node, told))
        self.asked = {told[place]: key for key, places in certificate["formulas"].items() for place in places}
        self.premise = told[certificate["premise"]]

    def told(self, node: Json, before: Sequence[Formula]) -> Formula:
        """A node of a certificate: it is made of nodes that stand before it."""
        kind, rest = node
        if kind == "var" or kind == "atom":
            return self.made(kind, rest if kind == "var" else canonical(rest))
        if kind == "not":
            return self.negation(before[rest])
        if kind not in ("and", "or"):
            raise Broken(f"a formula of the unknown kind `{kind}`")
        joined = self.both if kind == "and" else self.either
        return joined(before[place] for place in rest)

    def made(self, kind: str, rest: Any) -> Formula:
        key = kind, rest
        if key not in self.known:
            self.known[key] = len(self.kinds)
            self.kinds.append(key)
        return self.known[key]

    def var(self, name: str) -> Formula:
        """A free truth value."""
        return self.made("var", name)

    def negation(self, operand: Formula) -> Formula:
        """The opposite."""
        if operand in (TRUE, FALSE):
            return FALSE if operand == TRUE else TRUE
        kind, rest = self.kinds[operand]
        return int(rest) if kind == "not" else self.made("not", operand)

    def both(self, operands: Iterable[Formula]) -> Formula:
        """All of these."""
        return self.joined("and", operands, FALSE)

    def either(self, operands: Iterable[Formula]) -> Formula:
        """One of these."""
        return self.joined("or", operands, TRUE)

    def joined(self, connective: str, operands: Iterable[Formula], decisive: Formula) -> Formula:
        members: set[Formula] = set()
        for operand in operands:
            kind, rest = self.kinds[operand]
            members |= rest if kind == connective else {operand}
        if decisive in members:
            return decisive
        return next(iter(members)) if len(members) == 1 else self.made(connective, frozenset(members))

    def lowered(self, expression: Json, status: Callable[[Json], Formula]) -> Formula:
        """A condition of the language; `status` says what `s.done` and `s.skipped` come to."""
        node, operator = expression["node"], expression.get("operator")
        if node == "constant" and isinstance(expression["value"], bool):
            return TRUE if expression["value"] else FALSE
        if node == "status":
            return status(expression)
        if node == "unary" and operator == "not":
            return self.negation(self.lowered(expression["operand"], status))
        connects = node == "binary" and (operator in ("and", "or", "implies") or is_about_status(expression))
        if not connects:
            return self.made("atom", canonical(expression))
        left, right = self.lowered(expression["left"], status), self.lowered(expression["right"], status)
        match operator:
            case "and":
                return self.both((left, right))
            case "or":
                return self.either((left, right))
            case "implies":
                return self.either((self.negation(left), right))
        alike = self.either((self.both((left, right)), self.both((self.negation(left), self.negation(right)))))
        return alike if operator == "==" else self.negation(alike)


def is_about_status(expression: Json) -> bool:
    """Whether two conditions are compared, one of which names a step's state."""
    return expression["operator"] in ("==", "!=") and any(leaf["node"] == "status" for leaf in leaves(expression))


def leaves(expression: Json) -> Iterator[Json]:
    """What an expression reads, and its literals."""
    match expression["node"]:
        case "unary":
            yield from leaves(expression["operand"])
        case "binary":
            yield from leaves(expression["left"])
            yield from leaves(expression["right"])
        case "items":
            for item in expression["items"]:
                yield from leaves(item)
        case _:
            yield expression


# --- when a step runs ----------------------------------------------------------------------------------------------


class Conditions:
    """When each step of a saga runs, is skipped or fails, worked out again from the plan alone."""

    def __init__(self, saga: Saga) -> None:
        """The conditions of a saga's steps, in their order."""
        self.saga, self.formulas = saga, saga.formulas
        premise = self.formulas.both(self.plain(where) for where in saga.certificate["source"]["where"])
        if premise != self.formulas.premise:
            raise Broken(f"`{saga.name}`: its questions suppose something else than every `where`")
        self.pivots = [step["name"] for step in saga.source if step.get("pivot")]
        self.failing = [step["name"] for step in saga.steps if step.get("otherwise_fails")]
        self.revoked = {step["name"] for step in saga.steps if step.get("doubt") == "revoke"}
        self.fallible = {step["name"] for step in saga.steps if can_fail(step)}
        self.guard: dict[str, Formula] = {}
        self.entry: dict[str, Formula] = {}
        self.enabled: dict[str, Formula] = {}
        for step in saga.steps:
            guard = step.get("guard")
            self.guard[step["name"]] = TRUE if guard is None else self.formulas.lowered(guard, self.status)
        for place, step in enumerate(saga.steps):
            name = step["name"]
            self.entry[name] = self.formulas.both(self.passed(place))
            self.enabled[name] = self.formulas.both((self.entry[name], self.guard[name]))

    def settled(self, expression: Json) -> Formula:
        """A condition that is evaluated where every step that it names is settled."""
        return self.formulas.lowered(expression, self.status)

    def plain(self, expression: Json) -> Formula:
        return self.formulas.lowered(expression, self.free)

    def free(self, status: Json) -> Formula:
        """A state of a step that nothing is known of."""
        return self.formulas.var(f"{status['step']}.{status['fact']}")

    def status(self, status: Json) -> Formula:
        """What a step's state comes to, where it is settled."""
        name = status["step"]
        return self.done(name) if status["fact"] == "done" else self.skipped(name)

    def done(self, name: str) -> Formula:
        return TRUE if self.saga.step(name).get("otherwise_fails") else self.guard[name]

    def skipped(self, name: str) -> Formula:
        return FALSE if self.saga.step(name).get("otherwise_fails") else self.formulas.negation(self.guard[name])

    def refused(self, name: str) -> Formula:
        """The step's own `when … else fail` fails it."""
        if not self.saga.step(name).get("otherwise_fails"):
            return FALSE
        return self.formulas.both((self.entry[name], self.formulas.negation(self.guard[name])))

    def answered(self, name: str) -> Formula:
        """The step's call was answered: one whose doubt is revoked may be undone unanswered."""
        return self.formulas.var(f"{name}.done") if name in self.revoked else TRUE

    def passed(self, place: int) -> Iterator[Formula]:
        """Every `when … else fail` that is evaluated before the step at this place is sent."""
        settled = self.saga.ancestors[place]
        for name in self.failing:
            other = self.saga.number[name]
            waits = self.saga.ancestors[other]
            if waits & ~settled or (other >= place and waits == settled):
                continue
            guard = self.guard[name]
            yield guard if other < place else self.formulas.either((guard, self.together(other, place)))

    def together(self, other: int, place: int) -> Formula:
        """One event makes both ready: all is skipped between what the other waits for and the step."""
        between = self.saga.ancestors[place] & ~self.saga.ancestors[other]
        if not self.saga.after[other]:
            return self.all_skipped(between)
        return self.formulas.either(
            self.all_skipped(between & self.saga.descendants[last]) for last in self.saga.after[other]
        )

    def all_skipped(self, members: int) -> Formula:
        return self.formulas.both(self.skipped(self.saga.steps[number]["name"]) for number in numbers(members))

    def goes_first(self, other: str, name: str) -> bool:
        """The guard of one step is always evaluated before another step is sent."""
        one, two = self.saga.number[other], self.saga.number[name]
        return one < two and not self.saga.ancestors[one] & ~self.saga.ancestors[two]

    def of_undo(self, name: str, undo: Json) -> Formula:
        """When an undo applies, of a step that is done."""

        def status(status: Json) -> Formula:
            if status["step"] == name:
                return self.answered(name) if status["fact"] == "done" else FALSE
            return self.status(status) if self.saga.precedes(status["step"], name) else self.free(status)

        return TRUE if undo.get("guard") is None else self.formulas.lowered(undo["guard"], status)

    # How a run is turned back while a step is done.

    def premise_of_turning(self, name: str) -> Formula:
        """What every way implies: the step is done, and each pivot before it was skipped."""
        passed = [self.skipped(pivot) for pivot in self.pivots if self.saga.precedes(pivot, name)]
        return self.formulas.both((self.enabled[name], *passed))

    def ways(self, name: str) -> Iterator[Formula]:
        """Every way: each other step that can fail, a cancel, and a lost answer that is revoked."""
        if self.premise_of_turning(name) == FALSE:
            return
        place, done, answered = self.saga.number[name], self.enabled[name], self.answered(name)
        for number in numbers(self.saga.all & ~self.saga.ancestors[place] & ~(1 << place)):
            other = self.saga.steps[number]["name"]
            settled = self.saga.ancestors[place] | self.saga.ancestors[number]
            turned = self.formulas.both((done, self.uncommitted(settled, other)))
            for failure in self.failures(other, turned, name):
                yield self.formulas.both((failure, answered))
        yield self.formulas.both((done, self.cancellable(name), answered))
        if name in self.revoked:
            yield self.formulas.both((done, self.formulas.negation(answered)))

    def failures(self, other: str, given: Formula, name: str) -> Iterator[Formula]:
        """A step fails by itself, or its guard fails it."""
        if other in self.fallible:
            yield self.formulas.both((given, self.enabled[other]))
        if not self.goes_first(other, name):
            yield self.formulas.both((given, self.refused(other)))

    def uncommitted(self, settled: int, allowed: str) -> Formula:
        """No pivot is enabled once these are settled."""
        ready = [
            pivot
            for pivot in self.pivots
            if pivot != allowed and not self.saga.ancestors[self.saga.number[pivot]] & ~settled
        ]
        return self.formulas.both(self.formulas.negation(self.enabled[pivot]) for pivot in ready)

    def cancellable(self, name: str) -> Formula:
        """A cancel while the step is under way is accepted, and something is left to do."""
        if self.saga.step(name).get("pivot"):
            return FALSE
        place = self.saga.number[name]
        settled = self.saga.ancestors[place]
        rest = self.saga.all & ~settled & ~(1 << place)
        unfinished = TRUE
        if not any(self.saga.ancestors[number] & ~settled for number in numbers(rest)):
            unfinished = self.formulas.either(self.enabled[self.saga.steps[number]["name"]] for number in numbers(rest))
        return self.formulas.both((self.uncommitted(settled, name), unfinished))

    def not_turned_at_once(self, name: str) -> Formula:
        """No guard fails the run in the event that makes the step ready."""
        settled = self.saga.ancestors[self.saga.number[name]]
        ready = [
            other
            for other in (*self.pivots, *self.failing)
            if other != name and not self.saga.ancestors[self.saga.number[other]] & ~settled
        ]
        if any(other in self.pivots for other in ready):
            return TRUE
        return self.formulas.both(self.guard[other] for other in ready)


def can_fail(step: Json) -> bool:
    """A step that is enabled may fail: a declared failure, a schedule that ends, a lock, a doubt that turns the run."""
    ends = step["schedule"]["retries"] is not None or bool(step.get("locks"))
    return ends or bool(step.get("fails")) or step.get("doubt") == "revoke"


# --- claims --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One way to break a claim; where `needs` is impossible, so is the condition."""

    condition: Formula
    needs: Formula = TRUE


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that the plan calls for, and what shows it."""

    family: str
    step: str
    text: str
    shown_by: Literal["cases", "run", "check", "questions", "declared", "sum", "either"]
    cases: Callable[[], Iterator[Case]] = lambda: iter(())
    premise: Formula = TRUE
    checked: Callable[[], str] = str
    """For a claim that is checked here: what is wrong with it, or nothing."""
    shows: tuple[str, int] = ("", 0)
    """For a claim that a run shows: what happens to the step in it, and with which of its undos."""


COUNTED: Final = ("A1", "A2", "A3", "A4", "A6", "C1", "C3", "C4", "D1", "D2", "E3")
"""The families whose claims are worked out again here whole, each of them from the plan."""


def is_by_cases(family: str, text: str) -> bool:
    """Whether a claim is shown by each way to break it being excluded: those about choices, rules and outputs too."""
    return family in (*COUNTED, "D3") or (family == "F" and text.startswith(("`require ", "`forbid ", "output ")))


LISTED: Final = ("A5", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C2", "C5", "D3", "D4", "E1", "E2", "F")
"""The families of which none may be missing that the plan and its contracts call for: there may be more."""


def claims(saga: Saga) -> Iterator[Claim]:
    """Every claim that there must be about a saga."""
    conditions = Conditions(saga)
    yield from recoverability(saga, conditions)
    yield from coverage(saga, conditions)
    yield from reverse_order(saga)
    yield from liveness(saga, conditions)
    yield from unknown_outcomes(saga, conditions)
    yield from assignment(saga, conditions)
    yield from effects(saga, conditions)
    yield from meetings(saga, conditions)
    yield from sent_twice(saga)
    yield from holds(saga, known=conditions)
    yield from held_for(saga, conditions)
    yield from rules(saga, conditions)
    yield from windows(saga, conditions)
    yield from progress(saga)
    yield from keys(saga)
    yield from retention(saga)
    yield from arithmetic(saga)


def called(call: Json) -> str:
    """`warehouse.reserve`."""
    return f"{call['service']}.{call['command']}"


# A1


def recoverability(saga: Saga, known: Conditions) -> Iterator[Claim]:
    early = [step["name"] for step in saga.source if step.get("remains") == "irreversible" and not step.get("pivot")]
    for step in saga.source if known.pivots else ():
        name = step["name"]
        text = f"`{name}` is over before the point of no return, or cannot fail"
        yield Claim("A1", name, text, "cases", late_failures(saga, known, name))
    for name in early:
        text = f"nothing can turn the run once `{name}` is done"
        yield Claim("A1", name, text, "cases", simply(known.ways, name), known.premise_of_turning(name))
    for place, two in enumerate(known.pivots):
        for one in known.pivots[:place]:
            together = known.formulas.both((known.enabled[one], known.enabled[two]))
            text = f"no run reaches both pivots, `{one}` and `{two}`"
            yield Claim("A1", two, text, "cases", just(Case(together)))
    if not known.pivots and not early:
        yield Claim("A1", "", "no step is irreversible, so there is always a way back", "check")


def late_failures(saga: Saga, known: Conditions, name: str) -> Callable[[], Iterator[Case]]:
    """The step fails while a pivot that is not behind it is enabled."""

    def cases() -> Iterator[Case]:
        for pivot in known.pivots:
            if pivot != name and not saga.precedes(name, pivot):
                yield from map(Case, known.failures(name, known.enabled[pivot], pivot))

    return cases


def simply(ways: Callable[[str], Iterator[Formula]], name: str) -> Callable[[], Iterator[Case]]:
    return lambda: map(Case, ways(name))


def just(*cases: Case) -> Callable[[], Iterator[Case]]:
    return lambda: iter(cases)


# A2


def coverage(saga: Saga, known: Conditions) -> Iterator[Claim]:
    effects = [step for step in saga.source if not step.get("query")]
    for step in effects:
        if step.get("undos") or not (step.get("pivot") or step.get("remains") == "irreversible"):
            yield covered(saga, known, step)
    always = sum(1 << saga.number[step["name"]] for step in saga.source if step.get("guard") is None)
    for step in effects:
        name = step["name"]
        later = always & ~(saga.ancestors[saga.number[name]] | 1 << saga.number[name])
        needed = all(saga.precedes(name, pivot) for pivot in known.pivots) if known.pivots else bool(later)
        if step.get("undos") and step.get("doubt") != "revoke" and not needed:
            yield Claim("A2", name, f"the compensation of `{name}` is needed in some run", "run", shows=("undone", -1))


def covered(saga: Saga, known: Conditions, step: Json) -> Claim:
    name, undos, remains = step["name"], step.get("undos", []), step.get("remains", "nothing")
    claim = Claim("A2", name, f"the effect of `{name}` is undone exactly once", "check")
    premise = known.premise_of_turning(name)
    if undos and remains != "nothing":
        return replace(claim, checked=lambda: f"`{name}` is both undone and `{remains}`")
    if undos and step.get("pivot"):
        return claim
    if undos:
        return replace(claim, shown_by="cases", premise=premise, cases=undo_cases(known, name, undos))
    if remains == "nothing":
        return replace(claim, shown_by="cases", premise=premise, cases=simply(known.ways, name))
    if remains == "left":
        return claim
    return undone_elsewhere(saga, known, claim, step.get("undone_by", ""))


def undo_cases(known: Conditions, name: str, undos: Sequence[Json]) -> Callable[[], Iterator[Case]]:
    """No undo applies, or two do."""
    formulas = known.formulas
    guards = [known.of_undo(name, undo) for undo in undos]
    broken = [formulas.negation(formulas.either(guards))]
    broken += [formulas.both((guards[one], guards[two])) for two in range(len(guards)) for one in range(two)]

    def cases() -> Iterator[Case]:
        if all(case == FALSE for case in broken):
            return
        for way in known.ways(name):
            for case in broken:
                yield Case(formulas.both((way, case)), formulas.both((known.enabled[name], case)))

    return cases


def undone_elsewhere(saga: Saga, known: Conditions, claim: Claim, other: str) -> Claim:
    """Another step's undo removes the effect: it comes before, has one, and ran whenever this one did."""
    name = claim.step
    if other not in saga.number or not saga.precedes(other, name) or not saga.step(other).get("undos"):
        return replace(claim, checked=lambda: f"`{other}` cannot undo `{name}`")
    needs = known.formulas.both((known.enabled[name], known.skipped(other)))

    def cases() -> Iterator[Case]:
        for way in known.ways(name) if needs != FALSE else ():
            yield Case(known.formulas.both((way, known.skipped(other))), needs)

    return replace(claim, shown_by="cases", cases=cases)


# A3


def reverse_order(saga: Saga) -> Iterator[Claim]:
    text = "the emitted plan has the saga's steps, and its undo order has no circle"
    yield Claim("A3", "", text, "check", checked=lambda: output_differs(saga))
    # What comes after what, by the dependencies as they were written: through all steps, with an undo or without.
    below = [0] * len(saga.steps)
    for place in reversed(range(len(saga.steps))):
        for earlier in saga.written[saga.steps[place]["name"]]["dependencies"]:
            if saga.number[earlier] < place:
                below[saga.number[earlier]] |= below[place] | 1 << place
    for step in saga.source:
        name = step["name"]
        text = f"`{name}` is undone after all that comes after it, and as it was written"
        yield Claim("A3", name, text, "check", checked=undone_in_order(saga, name, below[saga.number[name]]))


def output_differs(saga: Saga) -> str:
    written = saga.certificate["source"]
    differs = canonical(saga.plan.get("output", [])) != canonical(written["output"])
    return "the plan's output is not the one that is written" if differs else ""


def undone_in_order(saga: Saga, name: str, below: int) -> Callable[[], str]:
    def wrong() -> str:
        place, step, written = saga.number[name], saga.step(name), saga.written[name]
        missing = below & ~saga.waits[place]
        if missing:
            other = saga.steps[next(numbers(missing))]["name"]
            return f"the undo of `{name}` does not wait for the undo of `{other}`, which comes after it"
        if any(saga.number[earlier] >= place for earlier in written["dependencies"]):
            return f"`{name}` stands before a step that it comes after"
        if saga.ancestors[place] != closed((saga.number[e] for e in written["dependencies"]), saga.ancestors):
            return f"`{name}` comes after other steps than it is written to"
        if canonical(as_planned(step)) != canonical(as_written(written)):
            return f"`{name}` is not as written"
        return promised_otherwise(step, written)

    return wrong


def promised_otherwise(step: Json, written: Json) -> str:
    """A promise that the plan counts on and the contract does not give."""
    both = [(step, written), *zip(step.get("undos", []), written["undos"], strict=True)]
    for planned, contract in both:
        if planned.get("idempotent", False) > contract["idempotent"] or planned.get("fails", []) != contract["fails"]:
            return f"the plan of `{step['name']}` counts on what its contracts do not say"
        if planned.get("window_ms") != contract["window_ms"] or (planned.get("revokes") and not contract["revokes"]):
            return f"the plan of `{step['name']}` counts on what its contracts do not say"
    if step.get("lands_within_ms") not in (None, written["lands_within_ms"]):
        return f"the plan of `{step['name']}` counts on what its contracts do not say"
    return ""


def as_planned(step: Json) -> Json:
    """What a step does and undoes, and when, by the plan."""
    undos = [{"call": undo["call"], "guard": undo.get("guard")} for undo in step.get("undos", [])]
    return {
        "call": step["call"],
        "guard": step.get("guard"),
        "otherwise_fails": step.get("otherwise_fails", ""),
        "pivot": step.get("pivot", False),
        "remains": step.get("remains", "nothing"),
        "undone_by": step.get("undone_by", ""),
        "undos": undos,
    }


def as_written(written: Json) -> Json:
    """The same, by the specification as the compiler resolved it."""
    names = ("call", "guard", "otherwise_fails", "pivot", "remains", "undone_by")
    undos = [{"call": undo["call"], "guard": undo["guard"]} for undo in written["undos"]]
    return {**{name: written[name] for name in names}, "undos": undos}


# A6


def liveness(saga: Saga, known: Conditions) -> Iterator[Claim]:
    yield Claim("A6", "", "some input meets every `where`", "run", shows=("started", 0))
    for step in saga.source:
        name = step["name"]
        reached = f"some run reaches the {'pivot' if step.get('pivot') else 'step'} `{name}`"
        yield Claim("A6", name, reached, "run", shows=("sent", 0))
        if step.get("guard") is not None and known.guard[name] != TRUE:
            failure = step.get("otherwise_fails")
            otherwise = f"fails it with `{failure}`" if failure else "skips it"
            shows = ("refused" if failure else "skipped", 0)
            yield Claim("A6", name, f"the `when` of `{name}` {otherwise} in some run", "run", shows=shows)
        for number, undo in enumerate(step.get("undos", [])):
            if undo.get("guard") is not None:
                text = f"some run undoes `{name}` with `{called(undo['call'])}`"
                yield Claim("A6", name, text, "run", shows=("undone", number))


# C1


def unknown_outcomes(saga: Saga, known: Conditions) -> Iterator[Claim]:
    for step in saga.source:
        if not step.get("query"):
            yield settled_do(saga, known, step)
            for undo in step.get("undos", []):
                yield settled_undo(saga, known, step, undo)


def settled_do(saga: Saga, known: Conditions, step: Json) -> Claim:
    name = step["name"]
    written = saga.written[name]
    profile = profile_of(step)
    claim = Claim("C1", name, f"a lost answer to `{name}` is settled by what is declared", "check")
    unsaid = written["declared"] and step.get("doubt", "none") == "hold" and not written["holds_unknown"]
    if unsaid or not is_sound(profile):
        return replace(claim, shown_by="cases", cases=just(Case(known.enabled[name])))
    return replace(claim, checked=lambda: states_differ(saga, profile))


def settled_undo(saga: Saga, known: Conditions, step: Json, undo: Json) -> Claim:
    name = step["name"]
    text = f"a lost answer to the undo `{called(undo['call'])}` of `{name}` is settled by what is declared"
    claim = Claim("C1", name, text, "check")
    if saga.written[name]["holds_unknown"] or undo.get("revokes") or undo.get("idempotent"):
        return claim
    guard = known.of_undo(name, undo)
    cases = lambda: (Case(known.formulas.both((way, guard))) for way in known.ways(name))  # noqa: E731  # one use
    return replace(claim, shown_by="cases", cases=cases)


def states_differ(saga: Saga, profile: Profile) -> str:
    """The certificate has the closed set of states, by number and hash; it is explored again."""
    told = saga.certificate["protocols"].get(profile.key)
    if told is None:
        return f"the certificate lacks the protocol of `{profile.key}`"
    found = summary(profile)
    return "" if told == found else f"the states of the protocol `{profile.key}` are not those of the certificate"


# D1, D2


@dataclass(frozen=True, slots=True)
class Reading:
    """A result that is read, and what is known where it is."""

    step: str
    given: Formula


def readings(
    formulas: Formulas, expression: Json, status: Callable[[Json], Formula], given: Formula
) -> Iterator[Reading]:
    """Every reading of a result: the right side of `and`, `or` and `implies` is read only where the left leaves it."""
    node, operator = expression["node"], expression.get("operator")
    if node == "result":
        yield Reading(expression["step"], given)
    elif node == "unary":
        yield from readings(formulas, expression["operand"], status, given)
    elif node == "binary":
        yield from readings(formulas, expression["left"], status, given)
        if operator in ("and", "or", "implies"):
            left = formulas.lowered(expression["left"], status)
            given = formulas.both((given, formulas.negation(left) if operator == "or" else left))
        yield from readings(formulas, expression["right"], status, given)
    elif node == "items":
        for item in expression["items"]:
            yield from readings(formulas, item, status, given)


def assignment(saga: Saga, known: Conditions) -> Iterator[Claim]:
    for step in saga.source:
        yield from forward(known, step)
    yield from output(saga, known)
    for step in saga.source:
        if step.get("undos"):
            yield from backward(saga, known, step)


def forward(known: Conditions, step: Json) -> Iterator[Claim]:
    name = step["name"]
    found: list[Reading] = []
    if step.get("guard") is not None:
        found += readings(known.formulas, step["guard"], known.status, known.entry[name])
    for _, argument in step["call"].get("arguments", []):
        found += readings(known.formulas, argument, known.status, known.enabled[name])
    at_once = known.not_turned_at_once(name)
    absent = [known.formulas.both((one.given, known.skipped(one.step), at_once)) for one in found]
    if found:
        yield Claim("D1", name, f"every result that `{name}` reads is there", "cases", just(*map(Case, absent)))


def output(saga: Saga, known: Conditions) -> Iterator[Claim]:
    passed = known.formulas.both(known.guard[name] for name in known.failing)
    found = [
        reading
        for _, value in saga.plan.get("output", [])
        for reading in readings(known.formulas, value, known.status, passed)
    ]
    absent = [known.formulas.both((one.given, known.skipped(one.step))) for one in found]
    if found:
        yield Claim("D1", "", "every result that the output reads is there", "cases", just(*map(Case, absent)))


def backward(saga: Saga, known: Conditions, step: Json) -> Iterator[Claim]:
    name = step["name"]
    found = [reading for undo in step["undos"] for reading in undo_readings(saga, known, name, undo)]

    def cases() -> Iterator[Case]:
        for reading in found:
            own = reading.step == name
            if own and step.get("doubt") == "revoke":
                lost = known.formulas.negation(known.answered(name))
                yield Case(known.formulas.both((reading.given, lost)))
            elif not own:
                before = saga.precedes(reading.step, name)
                absent = known.skipped(reading.step) if before else TRUE
                needs = known.formulas.both((reading.given, absent))
                for way in known.ways(name) if needs != FALSE else ():
                    yield Case(known.formulas.both((way, needs)), needs)

    if found:
        yield Claim("D2", name, f"whatever undoes `{name}` can read is there", "cases", cases)


def undo_readings(saga: Saga, known: Conditions, name: str, undo: Json) -> Iterator[Reading]:
    def status(status: Json) -> Formula:
        if status["step"] == name:
            return known.answered(name) if status["fact"] == "done" else FALSE
        return known.status(status) if saga.precedes(status["step"], name) else TRUE

    given = known.enabled[name]
    if undo.get("guard") is not None:
        yield from readings(known.formulas, undo["guard"], status, given)
    given = known.formulas.both((given, known.of_undo(name, undo)))
    for _, argument in undo["call"].get("arguments", []):
        yield from readings(known.formulas, argument, status, given)


# B1, B6, D4


def effects(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """What contracts that speak of records call for."""
    for step in saga.source:
        name = step["name"]
        written = saga.written[name]
        if not step.get("query") and any(way != FALSE for way in known.ways(name)):
            yield from inverses(saga, name)
        if written["checks"]:
            shown_by: Literal["either", "questions"] = "either" if step.get("fails") else "questions"
            yield Claim("D4", name, f"`{name}` is accepted, or may fail", shown_by)
        whose = [(f"`{name}`", written), *((f"the undo of `{name}`", undo) for undo in written["undos"])]
        for who, effect in whose:
            if effect["keeps"]:
                yield Claim("B6", name, f"{who} keeps {', '.join(effect['keeps'])}", "questions")


def inverses(saga: Saga, name: str) -> Iterator[Claim]:
    """Each undo restores what the step changed, or that is assumed where one of them declares no effect."""
    written = saga.written[name]
    of: Json = saga.written.get(written["undone_by"], written)
    beside = [one for one in saga.written.values() if of is not written and one["undone_by"] == written["undone_by"]]
    for undo in of["undos"]:
        silent = not all(one["changes"] for one in (written, of, undo, *beside))
        text = f"`{called(undo['call'])}` restores what `{name}` changes"
        yield Claim("B1", name, text, "declared" if silent else "questions")


# B2, B3, B4, B5


def meetings(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """What steps that meet on a record call for, and whatever other runs may do meanwhile."""
    for step in saga.source:
        name, written = step["name"], saga.written[step["name"]]
        if any(map(set(written["resources"]).intersection, beside_later(saga, name))):
            yield Claim("B2", name, f"`{name}` and the steps beside it come to the same in either order", "questions")
        for resources, gone_with in left_by(saga, step):
            if known.premise_of_turning(name) != FALSE and is_in_the_way(saga, known, name, resources, gone_with):
                text = f"what `{name}` leaves behind does not get into the way of the undos after its own"
                yield Claim("B3", name, text, "questions")
        if is_undone(saga, known, name):
            text = f"whatever other runs do meanwhile, `{name}` can be undone as if it had never happened"
            yield Claim("B4", name, text, "questions" if written["changes"] else "declared")
            for undo in written["undos"]:
                text = f"the undo of `{name}` is not refused, whatever other runs do meanwhile"
                shown_by: Literal["check", "questions", "declared"] = "questions" if undo["changes"] else "declared"
                yield Claim("B5", name, text, "check" if undo["refusal"] else shown_by)
        if not written["fails"] and written["checks"]:
            text = f"`{name}`, which declares no failure, is not refused, whatever other runs do meanwhile"
            yield Claim("B5", name, text, "questions")


def is_undone(saga: Saga, known: Conditions, name: str) -> bool:
    """Some run undoes the step: by an undo of its own, or by that of an earlier step."""
    written = saga.written[name]
    has_undo = written["undos"] or written["remains"] == "undone by"
    return bool(has_undo) and known.premise_of_turning(name) != FALSE


def beside_later(saga: Saga, name: str) -> Iterator[Sequence[str]]:
    """What the steps change that stand behind this one in the plan and are not ordered with it."""
    place = saga.number[name]
    for other in range(place + 1, len(saga.steps)):
        if not saga.descendants[place] >> other & 1:
            yield saga.written[saga.steps[other]["name"]]["resources"]


def left_by(saga: Saga, step: Json) -> Iterator[tuple[set[str], str]]:
    """Where a step may leave something, each with the earlier step whose undo removes it, if one does."""
    written = saga.written[step["name"]]
    changed = set(written["resources"])
    if not changed:
        return
    for undo, contract in zip(step.get("undos", []), written["undos"], strict=True):
        both = changed | set(contract["resources"])
        if undo.get("residue") or any(saga.contracts["resources"][name]["states"] for name in both):
            yield both, ""
    if written["remains"] == "left":
        yield changed, ""
    if written["remains"] == "undone by":
        yield changed, written["undone_by"]


def is_in_the_way(saga: Saga, known: Conditions, name: str, resources: set[str], gone_with: str) -> bool:
    """Some step that may stand when something is left, and does not come after it, changes the same."""
    for other, written in saga.written.items():
        if other == name or saga.precedes(name, other) or not is_undone(saga, known, other):
            continue
        if gone_with and (other == gone_with or saga.precedes(other, gone_with)):
            continue
        if resources & set(written["resources"]):
            return True
    return False


# A5


@dataclass(frozen=True, slots=True)
class Taking:
    """What a step, or one of its undos, adds to a `hold` or takes from it; over the run's input and results."""

    step: str
    operator: str
    amount: Json


def holds(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """Each hold that is changed, each change, what stays of it when a run turns back, and each state that is held."""
    by_hold: dict[tuple[str, str, str], list[Taking]] = {}
    for step in saga.steps:
        for hold, taking in takings(saga, step["name"], saga.written[step["name"]]):
            by_hold.setdefault(hold, []).append(taking)
    for (resource, _, field_), changes in by_hold.items():
        what = f"`{resource.rpartition('.')[2]}.{field_}`"
        first = next((change for change in changes if change.operator == "+="), changes[0]).step
        text = f"what `{first}` holds of {what} is let go exactly once in every run that completes"
        yield Claim("A5", first, text, "sum", checked=said(unbalanced(known, changes)))
        for change in changes:
            word = "lets go no more than the run holds" if change.operator == "-=" else "takes no less than nothing"
            so_far = by_then(saga, changes, change) if change.operator == "-=" else []
            wrong = overdrawn(known, so_far, change)
            yield Claim("A5", change.step, f"`{change.step}` {word} of {what}", "sum", checked=said(wrong))
    for step in saga.source:
        yield from remaining(saga, step)
    yield from states(saga, known)


def takings(saga: Saga, step: str, written: Json) -> Iterator[tuple[tuple[str, str, str], Taking]]:
    """What a call does to holds, each with the record, by its resource and key, and the field."""
    arguments = dict(written["call"].get("arguments", []))
    for effect in written["effects"]:
        held = {each["name"] for each in saga.contracts["resources"][effect["resource"]]["fields"] if each["hold"]}
        for field_, operator, value in effect["assignments"]:
            if field_ in held:
                hold = (effect["resource"], record_of(effect, arguments), field_)
                yield hold, Taking(step, operator, instance(value, arguments))


def record_of(effect: Json, arguments: Json) -> str:
    return canonical([instance(key, arguments) for key in effect["keys"]])


def instance(expression: Json, arguments: Json) -> Json:
    """The expression with the arguments of a call in the places of the parameters."""
    if isinstance(expression, list):
        return [instance(part, arguments) for part in expression]
    if not isinstance(expression, dict):
        return expression
    if expression["node"] == "input":
        argument, path = arguments[expression["path"][0]], expression["path"][1:]
        return {**argument, "path": [*argument["path"], *path], "type": expression["type"]} if path else argument
    return {name: instance(part, arguments) if name != "node" else part for name, part in expression.items()}


def summed(changes: Sequence[Taking]) -> dict[str, Fraction] | None:
    """What changes come to together, as a sum of things, `1` for numbers; `None` where a record that others change is
    read."""
    found: dict[str, Fraction] = {}
    for change in changes:
        for part, factor in linear(change.amount, Fraction(1 if change.operator == "+=" else -1)):
            found[part] = found.get(part, Fraction(0)) + factor
        if any(leaf["node"] == "result" and not leaf["step"] for leaf in leaves(change.amount)):
            return None
    return {part: factor for part, factor in found.items() if factor}


def linear(expression: Json, factor: Fraction) -> Iterator[tuple[str, Fraction]]:
    """The parts of a sum, with their factors."""
    node, operator = expression["node"], expression.get("operator")
    if node == "constant" and expression["type"] in ("int", "decimal"):
        yield "1", factor * Fraction(str(expression["value"]))
    elif node == "binary" and operator in ("+", "-"):
        yield from linear(expression["left"], factor)
        yield from linear(expression["right"], factor if operator == "+" else -factor)
    elif node == "unary" and operator == "-":
        yield from linear(expression["operand"], -factor)
    else:
        yield canonical(expression), factor


CHOICES_MAX: Final = 10
"""With more conditions than this it is not looked at which changes go together."""


def outcomes(known: Conditions, changes: Sequence[Taking]) -> Iterator[Sequence[Taking]]:
    """Which of these changes can be done together, as far as their conditions say."""
    conditions = sorted({known.done(change.step) for change in changes} - {TRUE})
    for choice in range(1 << len(conditions)):
        chosen = {one for place, one in enumerate(conditions) if choice >> place & 1}
        told = [one if one in chosen else known.formulas.negation(one) for one in conditions]
        if known.formulas.both(told) != FALSE:
            yield [change for change in changes if known.done(change.step) in (TRUE, *chosen)]


UNSURE: Final = "whether the amounts come to the same is not worked out here"


def unbalanced(known: Conditions, changes: Sequence[Taking]) -> str:
    """Something may be left over, or let go that was never taken."""
    few = len({known.done(change.step) for change in changes}) <= CHOICES_MAX
    return "" if few and all(summed(done) == {} for done in outcomes(known, changes)) else UNSURE


def overdrawn(known: Conditions, so_far: Sequence[Taking], change: Taking) -> str:
    """There may be less than nothing with this change."""
    every = [*so_far, change]
    few = len({known.done(each.step) for each in every}) <= CHOICES_MAX
    totals = [summed(done) for done in outcomes(known, every) if change in done] if few else [None]
    sure = all(total is not None and set(total) <= {"1"} and total.get("1", 0) >= 0 for total in totals)
    return "" if sure else UNSURE


def by_then(saga: Saga, changes: Sequence[Taking], change: Taking) -> list[Taking]:
    """What the run has surely done by then, and what it may have let go."""
    return [
        each
        for each in changes
        if saga.precedes(each.step, change.step)
        or (each is not change and each.operator == "-=" and not saga.precedes(change.step, each.step))
    ]


def remaining(saga: Saga, step: Json) -> Iterator[Claim]:
    """What a step that is mitigated, or left, keeps of a hold when the run turns back: nothing."""
    name, written = step["name"], saga.written[step["name"]]
    taken = list(takings(saga, name, written))
    ways = [("left", taken)] if written["remains"] == "left" and taken else []
    for undo, contract in zip(step.get("undos", []), written["undos"], strict=True):
        given = list(takings(saga, name, contract))
        if undo.get("residue") and (taken or given):
            ways.append((f"mitigated by `{called(undo['call'])}`", [*taken, *given]))
    for word, found in ways:
        by_hold: dict[object, list[Taking]] = {}
        for hold, taking in found:
            by_hold.setdefault(hold, []).append(taking)
        text = f"`{name}`, {word}, keeps nothing of what it holds when the run turns back"
        balanced = all(summed(changes) == {} for changes in by_hold.values())
        yield Claim("A5", name, text, "sum", checked=said("" if balanced else UNSURE))


def states(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """A run that completes leaves records `done`; one that turns back leaves none held that it says it leaves."""
    by_record: dict[tuple[str, str], list[tuple[str, Json]]] = {}
    for step in saga.steps:
        written = saga.written[step["name"]]
        for effect in written["effects"]:
            if effect["target"]:
                record = (effect["resource"], record_of(effect, dict(written["call"].get("arguments", []))))
                by_record.setdefault(record, []).append((step["name"], effect))
    for record, moves_ in by_record.items():
        resource, short = saga.contracts["resources"][record[0]], record[0].rpartition(".")[2]
        if set(resource["done"]) != set(resource["states"]):
            allowed = listing(resource["done"], "or") if resource["done"] else "in no state"
            text = f"a run that completes leaves `{short}` {allowed}, if it changes it"
            wrong = unfinished(saga, known, moves_, resource["done"])
            yield Claim("A5", moves_[0][0], text, "sum", checked=said(wrong))
        for name, effect in moves_:
            ends = list(left_in(saga, name, record, effect["target"]))
            if ends:
                held = set(resource["states"]) - set(resource["done"]) - set(resource["clean"])
                wrong = "it may be left held" if any(end in held and end != effect["source"] for end in ends) else ""
                text = f"a run that turns back leaves no `{short}` held that `{name}` changes"
                yield Claim("A5", name, text, "sum", checked=said(wrong))


def unfinished(saga: Saga, known: Conditions, moves_: Sequence[tuple[str, Json]], done: Sequence[str]) -> str:
    """A run may complete and leave the record where nobody may leave it, as far as the conditions say."""
    for name, effect in moves_:
        later = [
            other
            for other, following in moves_
            if saga.precedes(name, other)
            or (other != name and not saga.precedes(other, name) and following["source"] == effect["target"])
        ]
        stays = known.formulas.both((known.done(name), *(known.skipped(other) for other in later)))
        if effect["target"] not in done and stays != FALSE:
            return f"whether something follows `{name}` is not worked out here"
    return ""


def left_in(saga: Saga, name: str, record: tuple[str, str], target: str) -> Iterator[str]:
    """In which states a step that is left, or a mitigation of it, leaves the record."""
    written = saga.written[name]
    if written["remains"] == "left":
        yield target
    for undo, contract in zip(saga.step(name).get("undos", []), written["undos"], strict=True):
        if undo.get("residue"):
            arguments = dict(contract["call"].get("arguments", []))
            same = (each for each in contract["effects"] if (each["resource"], record_of(each, arguments)) == record)
            yield next((each["target"] for each in same), "") or target


# C2


def sent_twice(saga: Saga) -> Iterator[Claim]:
    """What the plan may send twice is kept by its key, as the contract says, or does what it does once."""
    for step in saga.source:
        name, written = step["name"], saga.written[step["name"]]
        if step.get("query"):
            continue
        if step.get("idempotent"):
            yield kept_by_key(name, step["call"], written)
        elif step.get("idempotent_by_effect") or would_be_sent_again(step, written):
            text = f"`{called(step['call'])}`, landing twice for `{name}`, does what it does once"
            yield Claim("C2", name, text, "questions")
        for undo, contract in zip(step.get("undos", []), written["undos"], strict=True):
            if undo.get("idempotent") or undo.get("revokes"):
                yield kept_by_key(name, undo["call"], contract)


def would_be_sent_again(step: Json, written: Json) -> bool:
    """Nothing settles a lost answer to it, though its copies can be waited out."""
    unsettled = step.get("doubt", "none") == "hold" and not written["holds_unknown"] and bool(step.get("undos"))
    return unsettled and bool(written["changes"]) and step.get("lands_within_ms") is not None and not step.get("probe")


def kept_by_key(name: str, call: Json, contract: Json) -> Claim:
    """A second call under the same key does nothing."""
    wrong = "" if contract["idempotent"] or contract["revokes"] else "its contract does not say that it keeps keys"
    text = f"`{called(call)}`, sent twice for `{name}`, takes effect once"
    return Claim("C2", name, text, "check", checked=said(wrong))


# E1


def held_for(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """What is held for a while is confirmed or given back in time: by a sum that no run can take longer than."""
    for step in saga.source:
        held = saga.written[step["name"]]["holds"]
        if held is not None:
            less = f" less {spelled(held[1])} of skew" if held[1] else ""
            text = f"what `{step['name']}` holds is confirmed or given back within {spelled(held[0])}{less}"
            total, limit = holding_ms(saga, known, step["name"]), held[0] - held[1]
            yield Claim("E1", step["name"], text, "sum", checked=said(too_long(total, limit)))


def holding_ms(saga: Saga, known: Conditions, name: str) -> float:
    """From the send of a do: the longest way to what confirms it; or the longest wait, doubt and chain of undos.

    What is repeated for ever counts nothing: that it is answered in time is a promise, which the claim rests on.
    """
    place, written = saga.number[name], saga.written[name]
    over = [0.0] * len(saga.steps)
    for number, step in enumerate(saga.steps):
        if not saga.ancestors[place] >> number & 1:
            waiting = max((lock["within_ms"] for lock in step.get("locks", [])), default=0) if number == place else 0
            time = settling_ms(step) - waiting
            over[number] = before(saga, over, number) + (0.0 if time == FOREVER else time)
    confirming = [number for number in numbers(saga.descendants[place]) if confirms(saga, name, number)]
    sure = [number for number in confirming if known.done(saga.steps[number]["name"]) == TRUE]
    past = {later for number in sure for later in numbers(saga.descendants[number])}
    forward = max(over[number] for number in confirming or range(len(saga.steps)))
    giver = {"undone by": written["undone_by"]}.get(written["remains"], name if written["undos"] else "")
    if not giver:
        return forward
    back = max(each for number, each in enumerate(over) if number not in past)
    return max(forward, back + giving_back_ms(saga, saga.number[giver], past))


def giving_back_ms(saga: Saga, target: int, past: set[int]) -> float:
    """The slowest doubt that is revoked, and the longest chain of undos that ends with this one."""
    undos = [max((attempts_ms(undo["schedule"]) for undo in step.get("undos", [])), default=0.0) for step in saga.steps]
    undos = [0.0 if number in past else each for number, each in enumerate(undos)]
    revoking = max(
        (each for each, step in zip(undos, saga.steps, strict=True) if step.get("doubt") == "revoke"), default=0.0
    )
    if saga.plan.get("rollback_in_order"):
        return revoking + sum(undos)
    chain = [0.0] * len(undos)
    for number in reversed(range(len(undos))):
        following = (chain[later] for later in range(number + 1, len(undos)) if number in saga.after[later])
        chain[number] = undos[number] + max(following, default=0.0)
    return revoking + chain[target]


def confirms(saga: Saga, name: str, number: int) -> bool:
    """Whether a later step's command makes definite, or uses up, what this step's command holds."""
    later = saga.written[saga.steps[number]["name"]]
    for one in saga.written[name]["effects"]:
        resource = saga.contracts["resources"][one["resource"]]
        held = {each["name"] for each in resource["fields"] if each["hold"]}
        given = {each for each, operator, _ in one["assignments"] if operator != "-="} & held
        for other in (each for each in later["effects"] if each["resource"] == one["resource"]):
            if given & {each for each, operator, _ in other["assignments"] if operator != "+="}:
                return True
            is_held = one["target"] in set(resource["states"]) - set(resource["done"]) - set(resource["clean"])
            if is_held and other["source"] == one["target"]:
                return True
    return False


# D3, F


def rules(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """What choices and rules call for."""
    written = saga.certificate["source"]
    for choice in written["choices"]:
        word = "exactly one of" if choice["kind"] == "exactly" else "at least one of"
        text = f"{word} {listing(choice['steps'])} runs wherever all of them are reached"
        yield Claim("D3", "", text, "cases", choice_cases(known, choice))
    for rule in written["rules"]:
        applies = TRUE if rule["guard"] is None else known.settled(rule["guard"])
        broken = known.formulas.negation(known.settled(rule["condition"]))
        against = known.formulas.both((known.enabled[rule["step"]], applies, broken))
        yield Claim("F", rule["step"], f"`{rule['text']}`", "cases", just(Case(against)))
        if rule["guard"] is not None:
            text = f"some run meets the condition of `{rule['text']}`"
            yield Claim("A6", rule["step"], text, "run", shows=("sent", 0))
    passed = [known.guard[name] for name in known.failing]
    for output in written["refined"]:
        broken = known.formulas.both((*passed, known.formulas.negation(known.settled(output["condition"]))))
        text = f"output `{output['name']}` is such that `{output['text']}`"
        yield Claim("F", "", text, "cases", just(Case(broken)))


def choice_cases(known: Conditions, choice: Json) -> Callable[[], Iterator[Case]]:
    """None of the steps runs where all are reached; or two of them do."""

    def cases() -> Iterator[Case]:
        steps, formulas = choice["steps"], known.formulas
        reached = [known.entry[step] for step in steps]
        yield Case(formulas.both((*reached, *(formulas.negation(known.done(step)) for step in steps))))
        if choice["kind"] == "exactly":
            for one, two in combinations(steps, 2):
                yield Case(formulas.both((*reached, known.guard[one], known.guard[two])))

    return cases


def listing(names: Sequence[str], word: str = "and") -> str:
    """Names as a person lists them."""
    told = [f"`{name}`" for name in names]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} {word} {told[-1]}"


# E2


def windows(saga: Saga, known: Conditions) -> Iterator[Claim]:
    """The deadline and the time for a rollback, by sums along the order that no run can take longer than."""
    limit, back = saga.plan.get("deadline_ms"), saga.plan.get("rollback_within_ms")
    if limit is not None:
        where = f"its point of no return, `{known.pivots[0]}`," if len(known.pivots) == 1 else "its end"
        where = "a point of no return" if len(known.pivots) > 1 else where
        text = f"a run reaches {where} within its deadline of {spelled(limit)}"
        yield Claim("E2", "", text, "sum", checked=lambda: too_long(forward_ms(saga, known), limit))
    if back is not None:
        text = f"a rollback ends within {spelled(back)}, wherever the run turns"
        yield Claim("E2", "", text, "sum", checked=lambda: too_long(rollback_ms(saga, known), back))


def too_long(milliseconds: float, limit: int) -> str:
    return "" if milliseconds <= limit else f"by the sum that this checker knows it may take {spelled(milliseconds)}"


UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


def spelled(milliseconds: float) -> str:
    """A length of time as a person writes it."""
    if milliseconds == FOREVER:
        return "for ever"
    left, words = int(milliseconds), []
    for size, unit in UNITS:
        count, left = divmod(left, size)
        words += [f"{count}{unit}"] if count else []
    return " ".join(words) or "0s"


FOREVER: Final = float("inf")

PROBES: Final[Json] = {"timeout_ms": 30_000, "retries": 3, "backoff_first_ms": 200, "backoff_max_ms": 10_000}
"""How a probe is asked and asked again."""


def forward_ms(saga: Saga, known: Conditions) -> float:
    """The longest way to a point of no return before it is sent, or to the end where no pivot need run."""
    over: list[float] = []
    for place, step in enumerate(saga.steps):
        over.append(before(saga, over, place) + settling_ms(step))
    pivots = [saga.number[name] for name in known.pivots]
    found = [before(saga, over, place) for place in pivots]
    if not any(known.done(name) == TRUE for name in known.pivots):
        last = [place for place in range(len(saga.steps)) if not saga.descendants[place] and place not in pivots]
        found += [over[place] for place in last]
    return max(found, default=0.0)


def before(saga: Saga, over: Sequence[float], place: int) -> float:
    return max((0.0, *(over[earlier] for earlier in saga.after[place])))


def rollback_ms(saga: Saga, known: Conditions) -> float:
    """What no rollback takes longer than: the slowest call under way, the slowest doubt, and the longest undos.

    A pivot that no guard skips, and what comes after it, takes no part: once it is sent only its refusal turns the run.
    """
    sure = [saga.number[name] for name in known.pivots if known.done(name) == TRUE]
    past = {place for pivot in sure for place in (pivot, *numbers(saga.descendants[pivot]))}
    steps = [{} if place in past else step for place, step in enumerate(saga.steps)]
    undos = [max((attempts_ms(undo["schedule"]) for undo in step.get("undos", [])), default=0.0) for step in steps]
    draining = max((0.0, *(draining_ms(step) for step in steps if step)))
    if saga.plan.get("rollback_in_order"):
        return draining + sum(undos)
    chain: list[float] = []
    for place, undo in enumerate(undos):
        chain.append(undo + before(saga, chain, place))
    revoking = [undo if step.get("doubt") == "revoke" else 0.0 for step, undo in zip(steps, undos, strict=True)]
    whole = draining + max((0.0, *revoking)) + max((0.0, *chain))
    if len(steps) > TURNS_MAX:
        return whole
    drains = [draining_ms(step) if step else 0.0 for step in steps]
    return min(whole, longest_turn(saga, drains, revoking, chain))


TURNS_MAX: Final = 100
"""With more steps than this it is not looked at which of them can be under way together."""


def longest_turn(saga: Saga, drains: Sequence[float], revoking: Sequence[float], chain: Sequence[float]) -> float:
    """The same, of steps that can take part together: what is under way is before nothing that is done or under way."""
    longest = 0.0
    for first in (None, *range(len(chain))):
        done = 0 if first is None else saga.ancestors[first] | 1 << first
        undone = 0.0 if first is None else chain[first]
        under_way = tuple(numbers(saga.all & ~done))
        for last in under_way:
            beside = ~(saga.ancestors[last] | saga.descendants[last])
            doubt = max((0.0, *(revoking[other] for other in under_way if beside >> other & 1)))
            longest = max(longest, undone + drains[last] + doubt)
        longest = max(longest, undone)
    return longest


def attempts_ms(schedule: Json) -> float:
    """From the first send until the last attempt is answered or has timed out, with the longest pauses."""
    return capped(schedule, counted_ms(schedule, schedule["backoff_max_ms"]))


def counted_ms(schedule: Json, first_pause_ms: int) -> float:
    retries = schedule["retries"]
    if retries is None:
        return FOREVER
    pauses = first_pause_ms + (retries - 1) * schedule["backoff_max_ms"] if retries else 0
    return float((retries + 1) * schedule["timeout_ms"] + pauses)


def capped(schedule: Json, total: float) -> float:
    within = schedule.get("within_ms")
    return total if within is None else min(total, float(max(within, schedule["timeout_ms"])))


def settling_ms(step: Json) -> float:
    """From the event that enables a step until it has settled."""
    schedule = step["schedule"]
    waiting = float(max((lock["within_ms"] for lock in step.get("locks", [])), default=0))
    if step.get("doubt") != "probe":
        return waiting + max(attempts_ms(schedule), repeated_ms(step))
    if step.get("idempotent") or schedule["retries"] is None:
        return waiting + attempts_ms(schedule) + asking_ms(step)
    return waiting + asked_each_ms(step)


def repeated_ms(step: Json) -> float:
    """The same where an answer was lost on the way, and copies are waited out."""
    schedule = step["schedule"]
    if not lingering_ms(step) or schedule["retries"] is None:
        return 0.0
    return capped(schedule, counted_ms(schedule, pause_ms(schedule, schedule["retries"]))) + lingering_ms(step)


def lingering_ms(step: Json) -> float:
    """Until no copy of a do that is repeated by its effect can land any more."""
    repeated = step.get("idempotent_by_effect") and not step.get("idempotent") and step["schedule"]["retries"] != 0
    return float(step.get("lands_within_ms") or 0) if repeated else 0.0


def asked_each_ms(step: Json) -> float:
    """Where nothing is sent twice in doubt, each attempt may be asked about before the next."""
    schedule, lands = step["schedule"], step.get("lands_within_ms") or 0
    total = 0.0
    for attempt in range(1, schedule["retries"] + 1):
        pause = pause_ms(schedule, attempt)
        total += schedule["timeout_ms"] + max(schedule["backoff_max_ms"], lands + probing_ms(pause) + pause)
    total += schedule["timeout_ms"] + lands + probing_ms(0)
    if schedule.get("within_ms") is None:
        return float(total)
    return float(min(total, capped(schedule, FOREVER) + asking_ms(step)))


def asking_ms(step: Json) -> float:
    """What the probe of a lost answer adds."""
    schedule = step["schedule"]
    spent = schedule["retries"] == 0 or (schedule.get("within_ms") is None and schedule["retries"] is not None)
    return float((step.get("lands_within_ms") or 0) + probing_ms(0 if spent else schedule["backoff_max_ms"]))


def probing_ms(pause: float) -> float:
    retries = PROBES["retries"]
    pauses = sum(max(pause_ms(PROBES, probe), pause) for probe in range(1, retries + 1))
    return float((retries + 1) * PROBES["timeout_ms"] + pauses)


def pause_ms(schedule: Json, attempt: int) -> int:
    """The longest pause after an attempt."""
    if schedule["retries"] is not None and attempt > schedule["retries"]:
        return 0
    return int(min(schedule["backoff_max_ms"], schedule["backoff_first_ms"] << min(attempt - 1, 40)))


def draining_ms(step: Json) -> float:
    """From the turn of a run until a step that is under way has settled."""
    if step.get("query"):
        return 0.0
    schedule = step["schedule"]
    asking = asking_ms(step) if step.get("doubt") == "probe" else 0.0
    if not (step.get("idempotent") or step.get("idempotent_by_effect")):
        return float(schedule["timeout_ms"] + asking)
    return capped(schedule, counted_ms(schedule, pause_ms(schedule, 1))) + asking + lingering_ms(step)


# A4


def progress(saga: Saga) -> Iterator[Claim]:
    """Every wait is for what settles before, which reading the plan has shown; and every policy can be carried out."""
    text = "in every state something is outstanding, until a run ends or waits for a person"
    yield Claim("A4", "", text, "check", checked=lambda: first_of(map(unable, saga.steps)))
    text = "a run comes to that after finitely many events"
    yield Claim("A4", "", text, "check", checked=lambda: first_of(map(endless, saga.steps)))


def first_of(found: Iterable[str]) -> str:
    """The first thing that is wrong, if any is."""
    return next(filter(None, found), "")


def unable(step: Json) -> str:
    """A policy that cannot be carried out, or an attempt without time."""
    name, undos = step["name"], step.get("undos", [])
    if step.get("doubt") == "probe" and (step.get("probe") is None or step.get("lands_within_ms") is None):
        return f"a lost answer to `{name}` cannot be probed"
    if step.get("doubt") == "revoke" and not any(undo.get("revokes") for undo in undos):
        return f"a lost answer to `{name}` cannot be revoked"
    timeouts = [step["schedule"]["timeout_ms"], *(undo["schedule"]["timeout_ms"] for undo in undos)]
    return f"an attempt of `{name}` has no time" if min(timeouts) <= 0 else ""


def endless(step: Json) -> str:
    """An undo that is sent again for ever."""
    forever = any(undo["schedule"]["retries"] is None for undo in step.get("undos", []))
    return f"the undo of `{step['name']}` is sent again for ever" if forever else ""


# C3, C4

SPELLED_ONCE: Final = ("string", "int", "uuid", "bool", "timestamp", "duration")
"""Types of which equal values have one text."""


def keys(saga: Saga) -> Iterator[Claim]:
    """The run's key tells runs apart; saga and steps have one name each, which reading the plan has shown."""
    text = "two calls have the same key only if they are the same call of the same run"
    yield Claim("C3", "", text, "check", checked=lambda: ambiguous(saga.plan))
    text = "a key, and what is sent under it, is the same for every attempt"
    yield Claim("C4", "", text, "check", checked=lambda: first_of(changing(saga)))


def ambiguous(plan: Json) -> str:
    types = {field["name"]: field["type"] for field in plan["inputs"]}
    enums = {one["name"] for one in plan.get("types", []) if one["node"] == "enum"}
    odd = [name for name in plan["key"] if types.get(name) not in (*SPELLED_ONCE, *enums)]
    return "" if plan["key"] and not odd else f"the key {plan['key']} does not tell runs apart"


def changing(saga: Saga) -> Iterator[str]:
    """Whatever an attempt sends that may change before the next one."""
    inputs = {field["name"] for field in saga.plan["inputs"]}
    for place, step in enumerate(saga.steps):
        calls = [step["call"], *([step["probe"]] if step.get("probe") else [])]
        sent = [value for call in calls for _, value in call.get("arguments", [])]
        sent += [key for lock in step.get("locks", []) for key in lock["keys"]]
        for leaf in (leaf for value in sent for leaf in leaves(value)):
            read = saga.number.get(leaf.get("step", ""))
            late = leaf["node"] in ("result", "status") and (read is None or not saga.ancestors[place] >> read & 1)
            if late or (leaf["node"] == "input" and leaf["path"][0] not in inputs):
                yield f"what `{step['name']}` sends may change from one attempt to the next"
    if not set(saga.plan["key"]) <= inputs:
        yield "the key is not made of the input"


# C5


def retention(saga: Saga) -> Iterator[Claim]:
    """A key is remembered for longer than copies of its call are sent."""
    for place, step in enumerate(saga.steps):
        name, window = step["name"], step.get("window_ms")
        if window is not None:
            text = f"every copy of `{called(step['call'])}` is sent while its key is remembered, for {spelled(window)}"
            total = doing_ms(saga, place) + (step.get("lands_within_ms") or 0)
            yield Claim("C5", name, text, "sum", checked=sum_check(total, window))
        for undo, written in zip(step.get("undos", []), saga.written[name]["undos"], strict=True):
            limit = undo.get("window_ms")
            if not undo.get("idempotent") or limit is None or (undo.get("revokes") and window is None):
                continue
            limit = max(limit, window) if undo.get("revokes") else limit
            text = f"every copy of `{called(undo['call'])}` is sent while its key is remembered, for {spelled(limit)}"
            total = last_send_ms(undo["schedule"]) + (written["lands_within_ms"] or 0)
            yield Claim("C5", name, text, "sum", checked=sum_check(total, limit))


def sum_check(total: float, limit: int) -> Callable[[], str]:
    """Less than the limit, not as much."""
    return lambda: "" if total < limit else too_long(total, 0)


def doing_ms(saga: Saga, place: int) -> float:
    """From the first send of a do until the last send of anything that its key has to be known for."""
    step = saga.steps[place]
    if step.get("doubt") != "revoke":
        return last_send_ms(step["schedule"])
    beside = numbers(saga.all & ~(saga.ancestors[place] | saga.descendants[place] | 1 << place))
    slowest = max((0.0, *(draining_ms(saga.steps[other]) for other in beside)))
    waiting = max((float(lock["within_ms"]) for lock in step.get("locks", [])), default=0.0)
    undoing = max(last_send_ms(undo["schedule"]) for undo in step["undos"])
    if saga.plan.get("rollback_in_order"):  # all doubts beside it may be revoked before it, one after the other
        beside = numbers(saga.all & ~(saga.ancestors[place] | saga.descendants[place] | 1 << place))
        doubtful = [saga.steps[other] for other in beside if saga.steps[other].get("doubt") == "revoke"]
        undoing += sum(max(attempts_ms(undo["schedule"]) for undo in other["undos"]) for other in doubtful)
    return settling_ms(step) - waiting + slowest + undoing


def last_send_ms(schedule: Json) -> float:
    """From the first send of a call until its last attempt is sent."""
    return attempts_ms(schedule) - float(schedule["timeout_ms"])


# E3

CENTURY_MS: Final = 3_162_240_000_000


def arithmetic(saga: Saga) -> Iterator[Claim]:
    """Every time fits the calendar, and no attempt is given up before its service has had the time that it may take."""
    text = "every time that a run counts with fits the calendar"
    yield Claim("E3", "", text, "check", checked=lambda: first_of(beyond(saga)))
    for step in saga.source:
        limits = list(patience(saga, step))
        if limits:
            names = listing(list(dict.fromkeys(service for service, _, _ in limits)))
            text = f"every attempt of `{step['name']}` waits as long as {names} may take to answer"
            hasty = [service for service, timeout, sla in limits if timeout < sla]
            note = f"`{hasty[0]}` may take longer" if hasty else ""
            yield Claim("E3", step["name"], text, "check", checked=said(note))


def said(note: str) -> Callable[[], str]:
    return lambda: note


def beyond(saga: Saga) -> Iterator[str]:
    """Times that no calendar has."""
    times = [saga.plan.get("deadline_ms"), saga.plan.get("rollback_within_ms")]
    for step in saga.steps:
        calls = (step, *step.get("undos", []))
        times += [one.get(name) for one in calls for name in ("window_ms", "lands_within_ms")]
        times += [lock["within_ms"] for lock in step.get("locks", [])]
        for schedule in (one["schedule"] for one in calls):
            times += [schedule["timeout_ms"], schedule["backoff_max_ms"], schedule.get("within_ms")]
            retries = schedule["retries"]
            if retries is not None and schedule.get("within_ms") is None:
                times.append((retries + 1) * schedule["timeout_ms"] + retries * schedule["backoff_max_ms"])
    return (f"{time} is no time" for time in times if time is not None and not 0 <= time <= CENTURY_MS)


def patience(saga: Saga, step: Json) -> Iterator[tuple[str, int, int]]:
    """Each call to a service that says how long it may take: its name, how long that is waited for, and may take."""
    written = saga.written[step["name"]]
    if written["sla_ms"] is not None:
        yield written["service"], step["schedule"]["timeout_ms"], written["sla_ms"]
        if step.get("probe") is not None and step.get("doubt") == "probe":
            yield written["service"], PROBES["timeout_ms"], written["sla_ms"]
    for undo, contract in zip(step.get("undos", []), written["undos"], strict=True):
        if contract["sla_ms"] is not None:
            yield contract["service"], undo["schedule"]["timeout_ms"], contract["sla_ms"]


# --- the protocol of a call and its undo ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """What is declared of a call and its undo, and what the plan does about a lost answer."""

    memory: str
    lands: bool
    probe: bool
    undoing: str
    resend: str
    doubt: str
    repeats_undo: bool

    @property
    def key(self) -> str:
        """The profile in a line."""
        lands, probe = "lands" if self.lands else "-", "probe" if self.probe else "-"
        repeats = "repeated" if self.repeats_undo else "-"
        return " ".join((self.memory, lands, probe, self.undoing, self.resend, self.doubt, repeats))


def profile_of(step: Json) -> Profile:
    """The profile of a step of a plan: of several undos the weakest promise counts."""
    idempotent, retries = step.get("idempotent", False), step["schedule"]["retries"]
    ranks = ("once", "idempotent", "revokes")
    kinds = [
        "revokes" if undo.get("revokes") else "idempotent" if undo.get("idempotent") else "once"
        for undo in step.get("undos", [])
    ]
    undoing = min(kinds, key=ranks.index) if kinds else "none"
    by_effect = step.get("idempotent_by_effect", False) and step.get("lands_within_ms") is not None
    kept = "kept" if step.get("window_ms") is None else "window"
    return Profile(
        memory=kept if idempotent else "effect" if by_effect else "none",
        lands=step.get("lands_within_ms") is not None,
        probe=step.get("probe") is not None,
        undoing=undoing,
        resend="never" if retries == 0 or not (idempotent or by_effect) else "bounded" if retries else "forever",
        doubt=step.get("doubt", "none"),
        repeats_undo=undoing in ("idempotent", "revokes"),
    )


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One state of the protocol: what the kernel believes, what is on the wire, and what is true."""

    phase: str = "sent"
    attempt: int = 1
    unanswered: bool = False
    call: bool = True
    late: int = 0
    answer: str = ""
    effect: int = 0
    known: str = "fresh"
    forgotten: bool = False
    undo_call: bool = False
    undo_late: int = 0
    undo_answer: bool = False
    undo_known: bool = False
    blind: bool = False

    @property
    def row(self) -> list[Json]:
        """The state as a line of the closed set."""
        return [getattr(self, name) for name in Moment.__slots__]


ATTEMPTS: Final = (1, 2, 3)
"""With so many attempts, or so many on the wire at a time, a profile is explored."""

SUMMARIES: Final[dict[str, Json]] = {}
"""What was found of each profile: there are few, and every saga has the same ones."""


def summary(profile: Profile) -> Json:
    """The number of states that can be reached with each number of attempts, and the hash of the sorted set."""
    if profile.key not in SUMMARIES:
        SUMMARIES[profile.key] = [of_states(explored(profile, attempts)) for attempts in ATTEMPTS]
    return SUMMARIES[profile.key]


def of_states(states: Iterable[Moment]) -> Json:
    rows = sorted(canonical(state.row) for state in states)
    return {"states": len(rows), "sha256": sha256("\n".join(rows).encode())}


@cache
def is_sound(profile: Profile) -> bool:
    """No state that can be reached is wrong, as long as no call outlives its window."""
    return not any(is_wrong(state) for attempts in ATTEMPTS for state in explored(profile, attempts))


@cache
def explored(profile: Profile, attempts: int) -> frozenset[Moment]:
    """The closed set of the states that can be reached."""
    start = Moment()
    seen = {start}
    waiting = deque([start])
    while waiting:
        for after in moves(profile, attempts, waiting.popleft()):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return frozenset(seen)


def is_wrong(at: Moment) -> bool:
    """With nothing on the wire, the world is not what the kernel believes; or something was undone that never was."""
    if at.blind:
        return True
    if at.call or at.late or at.undo_call or at.undo_late:
        return False
    believed = {"succeeded": 1, "failed": 0, "undone": 0}.get(at.phase)
    return believed is not None and at.effect != believed


def moves(profile: Profile, attempts: int, at: Moment) -> Iterator[Moment]:
    """Everything that can happen next."""
    if at.call:
        yield from delivered(profile, replace(at, call=False), current=True)
        yield replace(at, call=False)
    if at.late:
        yield from delivered(profile, replace(at, late=at.late - 1), current=False)
        yield replace(at, late=at.late - 1)
    if at.undo_call:
        yield replace(undone(profile, replace(at, undo_call=False)), undo_answer=True)
        yield replace(at, undo_call=False)
    if at.undo_late:
        yield undone(profile, replace(at, undo_late=at.undo_late - 1))
        yield replace(at, undo_late=at.undo_late - 1)
    if profile.memory == "window" and not at.forgotten and not (at.call or at.late):
        yield replace(at, forgotten=True, known="fresh")
    yield from kernel_moves(profile, attempts, at)


def delivered(profile: Profile, at: Moment, *, current: bool) -> Iterator[Moment]:
    """The service gets a call: a key that it knows is answered as before, else it does it, refuses or puts it off."""

    def answered(after: Moment, answer: str) -> Moment:
        return replace(after, answer=answer) if current and after.phase == "sent" else after

    if at.known == "fenced":
        yield answered(at, "refused")
    elif profile.memory == "effect" and at.effect > 0:
        yield from (answered(at, answer) for answer in ("ok", "refused", "transient"))
    elif at.known in ("done", "refused") and profile.memory in ("window", "kept"):
        yield answered(at, "ok" if at.known == "done" else "refused")
    else:
        yield answered(replace(at, effect=at.effect + 1, known="done"), "ok")
        yield answered(at if at.known == "done" else replace(at, known="refused"), "refused")
        yield answered(at, "transient")


def undone(profile: Profile, at: Moment) -> Moment:
    """What an undo does to the world."""
    if profile.undoing in ("idempotent", "revokes") and at.undo_known:
        return at
    happened = at.effect > 0
    if profile.undoing == "revokes":
        return replace(at, effect=at.effect - happened, known="fenced", undo_known=True)
    return replace(at, effect=at.effect - happened, undo_known=True, blind=at.blind or not happened)


def kernel_moves(profile: Profile, attempts: int, at: Moment) -> Iterator[Moment]:
    """What the kernel makes of what it knows."""
    match at.phase:
        case "sent":
            yield from attempted(profile, attempts, at)
        case "doubt":
            yield from doubted(profile, at)
        case "lingering" if not (at.call or at.late):
            yield replace(at, phase="succeeded", unanswered=False)
        case "lapsed":
            yield replace(at, phase="succeeded") if at.effect > 0 else retried(profile, attempts, at, "transient")
        case "succeeded" if profile.undoing != "none":
            yield replace(at, phase="undoing", undo_call=True)
        case "undoing" | "revoking":
            yield from unwinding(profile, attempts, at)


def attempted(profile: Profile, attempts: int, at: Moment) -> Iterator[Moment]:
    """The answer comes, or it does not."""
    if at.answer == "ok":
        lingers = profile.memory == "effect" and at.unanswered
        yield replace(at, phase="lingering" if lingers else "succeeded", answer="")
    elif at.answer == "refused":
        settles = not at.unanswered or profile.memory in ("window", "kept")
        yield replace(at, phase="failed" if settles else "doubt", answer="")
    elif at.answer == "transient":
        yield retried(profile, attempts, replace(at, answer=""), "transient")
    lost = replace(at, answer="", call=False, late=at.late + at.call, unanswered=True)
    yield retried(profile, attempts, lost, "unknown")


def retried(profile: Profile, attempts: int, at: Moment, outcome: str) -> Moment:
    """The next attempt, or what follows where there is none."""
    if outcome == "transient" and at.phase == "lapsed":
        at = replace(at, unanswered=False)
    safe = outcome == "transient" and not at.unanswered
    forever = profile.resend == "forever"
    allowed = not at.forgotten and (profile.resend != "never" or safe) and at.late < attempts
    if allowed and (forever or at.attempt < attempts):
        return replace(at, phase="sent", attempt=1 if forever else at.attempt + 1, call=True)
    if forever and not at.forgotten:
        return replace(at, phase="sent")
    return replace(at, phase="doubt" if at.unanswered else "failed")


def doubted(profile: Profile, at: Moment) -> Iterator[Moment]:
    """The policy for an outcome that stays unknown."""
    if profile.doubt == "hold" or (at.forgotten and profile.doubt != "none"):
        yield replace(at, phase="held")
    elif profile.doubt == "none":
        yield replace(at, phase="failed")
    elif profile.doubt == "revoke":
        yield replace(at, phase="revoking", undo_call=True)
    elif not profile.lands or not (at.call or at.late):
        yield replace(at, phase="lapsed")


def unwinding(profile: Profile, attempts: int, at: Moment) -> Iterator[Moment]:
    """The undo is confirmed, or its answer is lost."""
    if at.undo_answer:
        yield replace(at, phase="undone" if at.phase == "undoing" else "failed", undo_answer=False)
    late = at.undo_late + at.undo_call
    if not profile.repeats_undo:
        yield replace(at, phase="held", undo_answer=False, undo_call=False, undo_late=late)
    elif late < attempts:
        yield replace(at, undo_answer=False, undo_call=True, undo_late=late)


# --- obligations ---------------------------------------------------------------------------------------------------


def judged(manifest: Json, sagas: Mapping[str, Saga], problems: list[str]) -> Iterator[Finding]:
    """Each obligation of the manifest; what is missing among them, and what is too much, are problems."""
    obligations = manifest["obligations"]
    twice = [name for name, count in Counter(one["id"] for one in obligations).items() if count > 1]
    problems += [f"two obligations are called `{name}`" for name in twice]
    for name in sorted({one["saga"] for one in obligations} - sagas.keys()):
        problems.append(f"there are claims about `{name}`, which could not be read")
    for name, saga in sagas.items():
        found = [one for one in obligations if one["saga"] == name]
        wanted = expected(saga, found)
        locking = len(wanted) > 1 and any(step.get("locks") for step in saga.steps)
        is_live = len(wanted) > 1
        problems += differences(name, found, wanted, ensured(saga) if is_live else Counter(), has_locks=locking)
        shown = {(claim.family, claim.step, claim.text): claim for claim in wanted}
        for one in found:
            claim = shown.get((one["family"], one["step"], one["claim"]))
            yield finding(manifest, sagas, one, claim)


def waived(manifest: Json, findings: Sequence[Finding], today: date | None) -> list[Finding]:
    """What was found to be wrong, and somebody has answered for until a date that has not come: of one step alone."""
    told = {one["id"]: one for one in manifest["obligations"]}
    by_saga = {entry["saga"]: entry["waivers"] for entry in manifest["sagas"]}
    open_ = [one for one in findings if one.status == "not proved" and one.note in ("refuted", "vacuous")]
    answered: dict[str, str] = {}
    for name, waivers in by_saga.items():
        for waiver in waivers:
            found = [
                one for one in open_ if told[one.obligation]["saga"] == name and covers(waiver, told[one.obligation])
            ]
            of_one_step = len({told[one.obligation]["step"] for one in found}) == 1
            if of_one_step and today is not None and date.fromisoformat(waiver["until"]) >= today:
                note = f"waived until {waiver['until']} by `{waiver['by']}`: {waiver['because']}"
                answered |= {one.obligation: note for one in found}
    return [
        replace(one, status="waived", note=answered[one.obligation]) if one.obligation in answered else one
        for one in findings
    ]


def covers(waiver: Json, one: Json) -> bool:
    """Whether a waiver speaks of this claim."""
    return bool(waiver["code"] == one["family"] and waiver["step"] in ("", one["step"]))


def expected(saga: Saga, found: Sequence[Json]) -> tuple[Claim, ...]:
    """The claims that there must be: of a step that never runs only that; of a saga that never starts only that."""
    dead = {one["step"] for one in found if one["verdict"] == "vacuous" and one["claim"].startswith("some run reaches")}
    wanted = tuple(claims(saga))
    start = next(claim for claim in wanted if claim.family == "A6" and not claim.step)
    if any(one["claim"] == start.text and one["verdict"] in ("vacuous", "undecided") for one in found):
        return (start,)
    return tuple(claim for claim in wanted if claim.step not in dead)


def differences(
    name: str, found: Sequence[Json], wanted: Sequence[Claim], ensures: Counter[tuple[str, str]], *, has_locks: bool
) -> Iterator[str]:
    """Claims that are missing or too many, of the families that are worked out again."""
    there = Counter((one["family"], one["step"], one["claim"]) for one in found)
    owed = Counter((claim.family, claim.step, claim.text) for claim in wanted)
    dead = {one["step"] for one in found if one["verdict"] == "vacuous"} - {""}
    for family, _, text in sorted((owed - there).elements()):
        yield f"`{name}`: an obligation is missing: {family}, {text}"
    yield from ensures_missing(name, found, ensures)
    if has_locks and not any(one["family"] == "E4" for one in found):
        yield f"`{name}`: an obligation is missing: E4, the order of its locks"
    for family, step, text in sorted((there - owed).elements()):
        if family in COUNTED and not (family == "A6" and step in dead):
            yield f"`{name}`: nothing calls for this obligation: {family}, {text}"


ENDS: Final = {"completed": "at completion, ", "compensated": "after a rollback, ", "always": "at all times, "}


def ensured(saga: Saga) -> Counter[tuple[str, str]]:
    """How many claims there must be for what is ensured, by family and moment: `clean` is one of its own."""
    found: Counter[tuple[str, str]] = Counter()
    has_input = any(each["name"] == "clean" for each in saga.plan["inputs"])
    for ensure in saga.certificate["source"]["ensures"]:
        parts = list(conjuncts(ensure["condition"]))
        clean = [part for part in parts if part == CLEAN and not has_input]
        family = "B7" if ensure["conserves"] else "F"
        found[family, ENDS[ensure["at"]]] += (len(clean) < len(parts)) + bool(clean)
    return found


CLEAN: Final = {"node": "input", "path": ["clean"], "type": "bool"}


def conjuncts(condition: Json) -> Iterator[Json]:
    """The parts of a condition that all have to hold."""
    if condition["node"] == "binary" and condition["operator"] == "and":
        yield from conjuncts(condition["left"])
        yield from conjuncts(condition["right"])
    else:
        yield condition


def ensures_missing(name: str, found: Sequence[Json], owed: Counter[tuple[str, str]]) -> Iterator[str]:
    """What is ensured and not claimed."""
    for (family, moment), count in sorted(owed.items()):
        claimed = {one["claim"] for one in found if one["family"] == family and one["claim"].startswith(moment)}
        there = sum(one["family"] == family and one["claim"].startswith(moment) for one in found)
        if there < count or not claimed:
            yield f"`{name}`: an obligation is missing: {family}, {count} claims of what holds {moment.strip(', ')}"


def finding(manifest: Json, sagas: Mapping[str, Saga], one: Json, claim: Claim | None) -> Finding:
    """What there is to say about one obligation."""
    saga = sagas[one["saga"]]
    told = Finding(one["id"], one["claim"], "wrong", questions=tuple(one["questions"]))
    unknown = [key for key in told.questions if key not in manifest["questions"]]
    if unknown:
        return replace(told, note=f"its question `{unknown[0]}` is not in the bundle")
    if one["verdict"] not in ("proved", "assumed"):
        if one["verdict"] not in ("refuted", "vacuous", "undecided"):
            return replace(told, note=f"a verdict that this checker does not know: {one['verdict']}")
        warns = one["verdict"] == "vacuous" and one.get("warning") and is_lint(one)
        return replace(told, status="word" if warns else "not proved", note=one["verdict"])
    if one["verdict"] == "assumed" and not (one["rests_on"] and may_be_assumed(saga, one)):
        return replace(told, note="it is assumed, though contracts say what it could be proved from")
    kind = one["certificate"]["kind"]
    if kind not in KINDS:
        return replace(told, status="not checked", note=f"this checker knows no certificate of the kind `{kind}`")
    if claim is None:
        return uncounted(manifest, sagas, one, told)
    if claim.shown_by not in ("declared", "sum", "either", kind):
        return replace(told, note=f"a claim of its kind is not shown by a certificate of the kind `{kind}`")
    match claim.shown_by:
        case "questions":
            return left_to_solvers(manifest, saga, one, told)
        case "either":  # a declared failure is enough; where more is claimed, there are questions
            return (
                left_to_solvers(manifest, saga, one, told) if kind == "questions" else replace(told, status="checked")
            )
        case "declared":
            promised = one["verdict"] == "assumed"
            return replace(told, status="assumed") if promised else replace(told, note="it can only be assumed")
        case "sum":
            wrong = claim.checked()
            if wrong and kind == "questions" and told.questions:
                return left_to_solvers(manifest, saga, one, told)
            return replace(told, status="word" if wrong else "checked", note=wrong)
        case "check":
            wrong = claim.checked()
            shown: Status = "assumed" if one["verdict"] == "assumed" else "checked"
            return replace(told, note=wrong) if wrong else replace(told, status=shown)
        case "run":
            if not saga.runs.get(one.get("witness", "")):
                return replace(told, note="it has no witness, or one without events")
            if one["certificate"].get("shows") != list(claim.shows):
                return replace(told, note="its witness is said to show something else")
            return replace(told, status="run")
        case "cases":
            return discharged(manifest, saga, told, claim)


def is_lint(one: Json) -> bool:
    """A `when` that is always true, or a rule that speaks of no run: nothing that is proved rests on that it is not."""
    return bool(
        one["family"] == "A6" and one["claim"].startswith(("the `when` of ", "some run meets the condition of"))
    )


KINDS: Final = ("check", "cases", "run", "questions")
"""The certificates that are known here."""


def uncounted(manifest: Json, sagas: Mapping[str, Saga], one: Json, told: Finding) -> Finding:
    """A claim of a family that is not worked out again: its questions are all that there is, but for the locks."""
    if one["verdict"] == "assumed" and one["family"].startswith("B"):
        return replace(told, status="assumed")
    if one["family"] == "E4":
        wrong = "" if is_ordered(waits_for_locks(sagas.values())) else "this checker finds no order of the locks"
        return replace(told, status="not checked" if wrong else "checked", note=wrong)
    saga = sagas[one["saga"]]
    if one["certificate"]["kind"] != "questions" or not told.questions:
        status: Status = "word" if one["family"] in ON_ITS_WORD else "not checked"
        return replace(told, status=status, note="this checker does not know what the claim comes to")
    return left_to_solvers(manifest, saga, one, told)


ON_ITS_WORD: Final = ("A5", "B1", "B2", "B3", "B4", "B5", "B6", "B7", "C2", "C5", "D4", "E1", "E2", "F")
"""The families of which a claim may be a fact of the order, a sum or a table that nothing here works out again."""


def waits_for_locks(sagas: Iterable[Saga]) -> dict[str, set[str]]:
    """For each lock those that a run may wait for while it has it; other records of a resource are the same lock."""
    waits: dict[str, set[str]] = {}
    for saga in sagas:
        takings = [
            (place, at, lock) for place, step in enumerate(saga.steps) for at, lock in enumerate(step.get("locks", []))
        ]
        for place, at, has in takings:
            following = waits.setdefault(has["resource"], set())
            for other, later, wants in takings:
                before = saga.ancestors[place] >> other & 1 or (other == place and later <= at)
                if not before and canonical([has["resource"], has["keys"]]) != canonical(
                    [wants["resource"], wants["keys"]]
                ):
                    following.add(wants["resource"])
    return waits


def is_ordered(waits: Mapping[str, set[str]]) -> bool:
    """Whether the waits never come round in a circle: what waits for nothing that is left is taken away, to the end."""
    left = {name: set(following) for name, following in waits.items()}
    while free := [name for name, following in left.items() if not following & left.keys()]:
        for name in free:
            del left[name]
    return not left


def may_be_assumed(saga: Saga, one: Json) -> bool:
    """The contract of a step, or of one of its undos, says nothing of an effect; or there is no contract at all."""
    written = saga.written.get(one["step"])
    if written is None or one["family"] not in ("B1", "B2", "B3", "B4", "B5", "C1", "C2"):
        return False
    effects = (written, *written["undos"], *undone_with(saga, written))
    if one["family"].startswith("B"):
        return not all(effect["changes"] for effect in effects)
    return not all(effect["declared"] for effect in effects)


def undone_with(saga: Saga, written: Json) -> list[Json]:
    """The step whose undo undoes this one, with its undos and all that it undoes."""
    of = saga.written.get(written["undone_by"])
    beside = [one for one in saga.written.values() if of and one["undone_by"] == written["undone_by"]]
    return [of, *of["undos"], *beside] if of else []


def left_to_solvers(manifest: Json, saga: Saga, one: Json, told: Finding) -> Finding:
    """A claim about records, by its questions: something is impossible, given what can be."""
    answers = {key: manifest["questions"][key] for key in told.questions}
    impossible = [key for key, answer in answers.items() if answer == "unsat"]
    if not impossible or "unknown" in answers.values():
        return replace(told, note="its questions do not show it")
    possible = {saga.asserted(key) for key, answer in answers.items() if answer == "sat"}
    if is_about_records(one) and not any(saga.asserted(key)[:-1] in possible for key in impossible):
        return replace(told, note="no question shows that what it supposes can hold at all")
    return replace(told, status="questions", note="that these questions are what the claim needs is not checked here")


def is_about_records(one: Json) -> bool:
    """Whether its questions suppose more than the input's conditions, which some run meets (A6)."""
    about_ends = one["claim"].startswith(("at completion, ", "after a rollback, ", "at all times, "))
    return one["family"].startswith("B") or one["family"] in ("C2", "D4") or about_ends


class Texts:
    """What the questions of a bundle assert: parts that are the same have the same number, however they are written."""

    def __init__(self, folder: Path) -> None:
        """With the questions of a bundle, each of which is read when it is asked for."""
        self.folder = folder
        self.numbers: dict[tuple[object, ...], int] = {}
        self.known: dict[str, tuple[int, ...]] = {}

    def asserted(self, key: str) -> tuple[int, ...]:
        """The assertions of a question, in their order."""
        if key not in self.known:
            _, _, text = content(self.folder, f"smt2/{key}.smt2").decode().partition("\n")
            self.known[key] = tuple(self.read(text))
        return self.known[key]

    def read(self, text: str) -> Iterator[int]:
        """Each assertion of a text, with every name that it defines replaced by what it stands for."""
        named: dict[str, int] = {}
        for command in parsed_lists(text):
            match command:
                case ["declare-const", str(name), str(sort)]:
                    named[name] = self.number(("unknown", name, sort))
                case ["define-fun", str(name), [], str(_), body]:
                    named[name] = self.of(body, named)
                case ["assert", body]:
                    yield self.of(body, named)

    def of(self, part: Json, named: Mapping[str, int]) -> int:
        if isinstance(part, str):
            return named[part] if part in named else self.number((part,))
        return self.number(tuple(self.of(inner, named) for inner in part))

    def number(self, key: tuple[object, ...]) -> int:
        return self.numbers.setdefault(key, len(self.numbers))


def parsed_lists(text: str) -> list[Json]:
    """A text of nested lists in parentheses."""
    open_: list[list[Json]] = [[]]
    for word in re.findall(r"[()]|[^\s()]+", text):
        if word == "(":
            open_.append([])
        elif word == ")" and len(open_) > 1:
            done = open_.pop()
            open_[-1].append(done)
        elif word == ")":
            raise Broken("a question has more closed than open parentheses")
        else:
            open_[-1].append(word)
    if len(open_) != 1:
        raise Broken("a question has open parentheses at its end")
    return open_[0]


def discharged(manifest: Json, saga: Saga, told: Finding, claim: Claim) -> Finding:
    """Each case of the claim is impossible by the order, or by a question of this very obligation."""
    own = {key for key in told.questions if manifest["questions"][key] == "unsat"}
    refuted = {formula for formula, key in saga.formulas.asked.items() if key in own}
    if claim.premise == FALSE:
        return replace(told, status="checked")
    if claim.premise in refuted:
        return replace(told, status="questions")
    used = False
    for case in claim.cases():
        if case.condition == FALSE or case.needs == FALSE:
            continue
        if case.needs not in refuted and case.condition not in refuted:
            return replace(told, note="a way to break it is excluded neither by the order nor by one of its questions")
        used = True
    return replace(told, status="questions" if used else "checked")


# --- the command ---------------------------------------------------------------------------------------------------


def text_of(report: Report, *, verbose: bool = False) -> str:
    """The report for a person."""
    counts = Counter(finding.status for finding in report.findings)
    of = f" of {'; '.join(report.about)}" if report.about else ""
    lines = [f"{report.folder[:16]}: {counted(len(report.findings), 'obligation')}{of}"]
    lines += [f"  {WORDS[status]}: {counts[status]}" for status in WORDS if counts[status]]
    lines += [f"  wrong: {problem}" for problem in report.problems]
    shown = ("wrong", "not proved", "not checked", "word", "waived")
    # What is wrong comes first, and what is right last.
    for finding in sorted(report.findings, key=lambda one: shown.index(one.status) if one.status in shown else 9):
        if verbose or finding.status in shown:
            note = f" ({finding.note})" if finding.note else ""
            status = "not checked" if finding.status == "word" else finding.status
            lines.append(f"  {status}: {finding.obligation}: {finding.claim}{note}")
    return "\n".join(lines)


def counted(number: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


WORDS: Final[Mapping[Status, str]] = {
    "wrong": "WRONG",
    "checked": "checked here, without a solver",
    "questions": "checked but for their questions, which are for the solvers",
    "run": "shown by a run, which is for the kernel",
    "assumed": "assumed by name, since contracts say nothing",
    "word": "NOT CHECKED, on the compiler's word",
    "waived": "refuted, and WAIVED until a date",
    "not checked": "NOT CHECKED, of an unknown kind",
    "not proved": "not proved",
}


def main(arguments: Sequence[str]) -> int:
    """Checks every bundle in the folders; 0 where nothing is wrong, unproved or of an unknown kind."""
    verbose, strict = "--verbose" in arguments, "--strict" in arguments
    folders = [bundle for name in arguments if not name.startswith("--") for bundle in bundles(Path(name))]
    if not folders:
        print("usage: checker.py [--verbose] [--strict] FOLDER: there is no bundle here", file=sys.stderr)
        return 2
    today = datetime.now(UTC).date()  # noqa: TID251  # run as a file of its own, this is the outermost place
    reports = [check(folder, today) for folder in folders]
    for report in reports:
        print(text_of(report, verbose=verbose))
    return 0 if all(report.is_sound and (report.is_complete or not strict) for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

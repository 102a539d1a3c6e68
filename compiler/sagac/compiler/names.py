"""What each package declares, and what each file can see of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Final, TypeAlias, TypeVar

from sagac.compiler import codes, syntax
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.finds import Finds, gather, nearest
from sagac.compiler.shapes import SCALARS
from sagac.compiler.source import Span

TAKEN: Final = frozenset({"self", "call"})
"""Names that the parameters of generated methods have already."""

WORDS: Final = frozenset({*SCALARS, "list"})

TypeNode: TypeAlias = syntax.EnumDeclaration | syntax.TypeDeclaration
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration with the package and file in which it stands."""

    package: str
    file: str
    node: syntax.Declaration

    @property
    def full_name(self) -> str:
        """Package and name, or just the name in a file without a package."""
        return qualified(self.package, self.node.name.text)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a bare name means in a file: one declaration, or several from different packages."""

    choices: tuple[Declared, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What one file can see: its own package and what it imports, by bare name."""

    file: str
    package: str
    types: Mapping[str, Seen] = field(default_factory=dict)
    services: Mapping[str, Seen] = field(default_factory=dict)
    imports: tuple[tuple[str, Span], ...] = ()
    blind: bool = False
    """Whether an import failed: what is not seen may be declared there."""
    elsewhere: tuple[Declared, ...] = ()
    """What packages declare that the file could import."""
    faults: tuple[Span, ...] = ()
    """Where its text could not be read."""

    def to_import(self, name: str, *kinds: type) -> str:
        """What to write for a name that another package declares; empty where none does."""
        found = {
            each.package for each in self.elsewhere if each.node.name.text == name and isinstance(each.node, kinds)
        }
        return " or ".join(f"`import {package}`" for package in sorted(found))


def qualified(package: str, name: str) -> str:
    """`shop.orders.PlaceOrder`, or `PlaceOrder` where there is no package."""
    return f"{package}.{name}" if package else name


def package_of(file: syntax.File) -> str:
    """The package that a file says it belongs to."""
    return ".".join(name.text for name in file.package)


def declarations(files: Mapping[str, syntax.File]) -> Finds[tuple[Declared, ...]]:
    """All declarations of all files; of two with one name in one package, the first."""
    first: dict[str, Declared] = {}
    for name in sorted(files):
        for node in files[name].declarations:
            declared = Declared(package_of(files[name]), name, node)
            yield from _named(declared)
            if declared.full_name not in first:
                first[declared.full_name] = declared
                continue
            yield twice(node.name, first[declared.full_name].node.name.span, "in this package")
    return tuple(first.values())


def twice(name: syntax.Name, before: Span, where: str) -> Diagnostic:
    """The finding for a second declaration of one name."""
    return codes.finding(
        "E207",
        f"`{name.text}` is declared twice {where}",
        name.span,
        Label(before, "the first one"),
        help=f"rename or delete one `{name.text}`",
    )


def distinct(names: Iterable[syntax.Name], where: str) -> Finds[None]:
    """A finding for each name that stands twice among these."""
    first: dict[str, Span] = {}
    for name in names:
        if name.text in first:
            yield twice(name, first[name.text], where)
        else:
            first[name.text] = name.span


def usable(name: syntax.Name, noun: str, taken: frozenset[str] = frozenset()) -> Finds[None]:
    """A finding where generated code could not spell the name, or needs it for itself."""
    if name.text in taken or iskeyword(name.text):
        yield codes.finding(
            "E212",
            f"`{name.text}` cannot name {noun}: generated code needs the word for itself",
            name.span,
            help=f"write `{name.text}_`" if name.text.islower() else "choose another name",
        )


def _named(declared: Declared) -> Finds[None]:
    name = declared.node.name
    if name.text in WORDS:
        yield codes.finding("E212", f"`{name.text}` is a type of the language and cannot be declared again", name.span)


def views(
    files: Mapping[str, syntax.File], declared: tuple[Declared, ...], faults: Sequence[Span] = ()
) -> Finds[tuple[View, ...]]:
    """What each file sees; `faults` are the places where a text could not be read."""
    packages = {package_of(file) for file in files.values()}
    by_package: dict[str, list[Declared]] = {package: [] for package in packages}
    for declaration in declared:
        by_package[declaration.package].append(declaration)
    return (yield from gather(_view(name, files[name], by_package, faults) for name in sorted(files)))


def _view(
    name: str, file: syntax.File, by_package: Mapping[str, list[Declared]], faults: Sequence[Span]
) -> Finds[View]:
    package = package_of(file)
    imports = yield from _imports(file, package, by_package)
    seen = (package, *(one for one, _ in imports))
    visible = [declared for each in seen for declared in by_package[each]]
    return View(
        name,
        package,
        _grouped(each for each in visible if isinstance(each.node, TypeNode)),
        _grouped(each for each in visible if isinstance(each.node, syntax.Service)),
        imports,
        any(dotted(node) not in by_package for node in file.imports),
        tuple(declared for each in by_package if each and each not in seen for declared in by_package[each]),
        tuple(fault for fault in faults if fault.file == name),
    )


def dotted(node: syntax.Import) -> str:
    """The package that an import names."""
    return ".".join(part.text for part in node.package)


def _imports(
    file: syntax.File, package: str, by_package: Mapping[str, list[Declared]]
) -> Finds[tuple[tuple[str, Span], ...]]:
    """The packages that a file imports, each once."""
    known: dict[str, Span] = {}
    for node in file.imports:
        name = dotted(node)
        if name in known:
            yield codes.finding("E207", f"`{name}` is imported twice", node.span, Label(known[name], "the first one"))
        elif name == package:
            yield codes.finding(
                "W602", f"`{name}` is this file's own package: its declarations are visible anyway", node.span
            )
        elif name not in by_package:
            yield codes.finding(
                "E209",
                f"no file of this check belongs to package `{name}`",
                node.span,
                help=nearest(name, (each for each in by_package if each and each != package and each not in known))
                or "check it together with its files",
            )
        else:
            known[name] = node.span
    return tuple(known.items())


def _grouped(declared: Iterator[Declared]) -> Mapping[str, Seen]:
    groups: dict[str, list[Declared]] = {}
    for each in declared:
        groups.setdefault(each.node.name.text, []).append(each)
    return {name: Seen(tuple(choices)) for name, choices in groups.items()}


def look_up(name: syntax.Name, seen: Mapping[str, Seen], noun: str) -> Finds[Declared | None]:
    """The one declaration that a bare name means; `None` with a finding where there are two, silently where none."""
    found = seen.get(name.text)
    if found is None:
        return None
    if len(found.choices) > 1:
        first, second = found.choices[:2]
        yield codes.finding(
            "E208",
            f"`{name.text}` can be read in two ways: packages `{first.package}` and `{second.package}` both declare it",
            name.span,
            Label(first.node.name.span, "one"),
            help=f"rename one {noun}, or import only one of the packages",
        )
    return found.choices[0]

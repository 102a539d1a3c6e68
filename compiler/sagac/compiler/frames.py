"""What the clauses of one saga share: its names, and the services it can call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sagac.compiler import codes, syntax
from sagac.compiler.contracts import Contract, Outline, visible_records
from sagac.compiler.diagnostics import Diagnostic
from sagac.compiler.finds import Finds, listed, nearest
from sagac.compiler.names import View, look_up, qualified, usable
from sagac.compiler.scopes import Path, Root, Scope
from sagac.compiler.shapes import Shape
from sagac.compiler.signatures import Signature
from sagac.compiler.source import Span
from sagac.compiler.typetable import Types


@dataclass(frozen=True, slots=True)
class World:
    """What is known of the whole project when its sagas are read."""

    types: Types
    contracts: Mapping[str, Contract]
    """Declared services, by full name."""
    implicit: Mapping[str, Mapping[str, Signature]]
    """Operations of services that nobody declared, by full service name; only where a project declares none."""


@dataclass(frozen=True, slots=True)
class Use:
    """One call of an operation that nobody declared: what its parameters must take."""

    service: str
    operation: str
    shapes: tuple[Shape, ...]
    spans: tuple[Span, ...]
    saga: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What one saga's clauses can name."""

    name: str
    """The saga's full name."""
    view: View
    world: World
    steps: Mapping[str, syntax.Step]
    signatures: Mapping[str, Signature | None]
    """The contract of each step's own call; `None` where it has a finding."""
    roots: Mapping[str, Root]
    silent: frozenset[str]
    """Names that have a finding already."""
    present: frozenset[Path] = frozenset()
    """The inputs that a `where` shows to be there."""
    unaccounted: frozenset[str] = frozenset()
    """The steps with a finding that nothing undoes them."""

    def scope(self, place: str, *, products: bool = False) -> Scope:
        """The inputs and steps of the saga."""
        return Scope(place, self.roots, silent=self.silent, present=self.present, products=products)

    def recording(self, place: str, *, products: bool = False) -> Scope:
        """The same, with the resources of the declared services that the saga's file can see."""
        visible = visible_records(self._outlines(), place)
        return replace(
            self.scope(place, products=products),
            records=visible.records,
            doubled=visible.doubled,
            blind=self.view.blind,
        )

    def _outlines(self) -> Iterator[Outline]:
        for seen in self.view.services.values():
            for declared in seen.choices:
                if declared.full_name in self.world.contracts:
                    yield self.world.contracts[declared.full_name].outline

    def is_step(self, name: syntax.Name) -> Finds[bool]:
        """Whether a name is that of a step; a finding where it is nothing at all."""
        if name.text in self.steps:
            return True
        if name.text not in self.silent:
            what = f", it is {_ROLES[self.roots[name.text].kind]}" if name.text in self.roots else ""
            yield codes.finding(
                "E202",
                f"`{name.text}` is not a step of this saga{what}",
                name.span,
                help=nearest(name.text, self.steps) or self._listed_steps(),
            )
        return False

    def _listed_steps(self) -> str | tuple[()]:
        if not self.steps:
            return ()
        return f"it has {listed(self.steps)}" if len(self.steps) > 1 else f"its only step is {listed(self.steps)}"


_ROLES = {"input": "an input", "step": "a step", "local": "a parameter", "field": "a field"}


def signature(path: tuple[syntax.Name, ...], view: View, world: World) -> Finds[Signature | None]:
    """The contract of `service.operation`."""
    if len(path) != 2:
        yield codes.finding(
            "E203",
            f"`{'.'.join(name.text for name in path)}` does not name a command of a service",
            path[0].span.to(path[-1].span),
            help="write `service.command(…)`; services of other packages are imported",
        )
        return None
    known = yield from _operations(path[0], view, world)
    if known is None:
        return None
    name = path[1]
    if name.text not in known:
        yield codes.finding(
            "E203",
            f"`{path[0].text}` has no command or query `{name.text}`",
            name.span,
            help=nearest(name.text, known) or f"declare it in `service {path[0].text}`",
        )
        return None
    if not known[name.text].operation.declared:
        yield from usable(name, "a command")
    return known[name.text]


def _operations(name: syntax.Name, view: View, world: World) -> Finds[Mapping[str, Signature] | None]:
    """The operations of a service, declared or not."""
    if not world.contracts:
        yield from usable(name, "a service")
        if view.blind:
            return None
        return world.implicit[qualified(view.package, name.text)]
    declared = yield from look_up(name, view.services, "service")
    if declared is None:
        if not view.blind:
            yield _no_service(name, view)
        return None
    return world.contracts[declared.full_name].outline.signatures


def _no_service(name: syntax.Name, view: View) -> Diagnostic:
    missing = view.to_import(name.text, syntax.Service)
    declared = f"declare `service {name.text} {{ … }}`: some services of this project are declared, so all must be"
    advice = f"write {missing}" if missing else nearest(name.text, view.services) or declared
    return codes.finding("E203", f"there is no service `{name.text}`", name.span, help=advice)

"""`ensure`: what the records of services show when a run ends, or all the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sagac.compiler import codes, expressions, model, shapes, syntax
from sagac.compiler.diagnostics import Label
from sagac.compiler.finds import Finds, collect
from sagac.compiler.frames import Frame
from sagac.compiler.reading import records_read, references
from sagac.compiler.scopes import Root, Scope
from sagac.compiler.source import Span

CLEAN = "clean"


def ensure(node: syntax.Ensure, frame: Frame) -> Finds[model.Ensure | None]:
    """One `ensure`, its records numbered in the order in which it first reads them."""
    scope = yield from _scope(node, frame)
    readings = _readings(node, scope)
    scope = replace(scope, numbers=readings.numbers)
    condition = yield from expressions.condition(node.condition, scope)
    return None if condition is None else model.Ensure(node.at, condition, readings.records, node.span)


def _scope(node: syntax.Ensure, frame: Frame) -> Finds[Scope]:
    """What an `ensure` may read; `clean` is known where a rollback ends."""
    place = "`ensure always`" if node.at == "always" else f"`ensure at {node.at}`"
    scope = replace(frame.recording(place, products=True), old=node.at != "always")
    if node.at != "completed":
        scope = _without_results(scope)
    other = scope.roots.get(CLEAN)
    if other is None:
        own = {CLEAN: Root("local", shapes.BOOL, node.span)} if node.at == "compensated" else {}
        return replace(scope, roots={**scope.roots, **own})
    for reference in references(node.condition):
        if reference.names[0].text == CLEAN:
            yield codes.finding(
                "E208",
                "`clean` can be read in two ways: as what a rollback leaves, and as a name of this saga",
                reference.span,
                Label(other.span, "the name"),
                help="rename it",
            )
            return replace(scope, silent=scope.silent | {CLEAN}, roots=_without(scope.roots))
    return scope


def _without_results(scope: Scope) -> Scope:
    """Where a run may have turned back before a step, what the step returns may not be there."""
    steps = {name for name, root in scope.roots.items() if root.kind == "step"}
    return replace(
        scope,
        roots={name: root for name, root in scope.roots.items() if name not in steps},
        hidden={**scope.hidden, **dict.fromkeys(steps, "a step: the run may have turned back before it")},
    )


def _without(roots: Mapping[str, Root]) -> Mapping[str, Root]:
    return {name: root for name, root in roots.items() if name != CLEAN}


@dataclass(frozen=True, slots=True)
class _Readings:
    """The records that an `ensure` reads, and which of them each `R[k]` is, by its place."""

    records: tuple[model.RecordReading, ...]
    numbers: Mapping[Span, int]


def _readings(node: syntax.Ensure, scope: Scope) -> _Readings:
    """Each record once; one whose keys have findings is left out, and these are told where it is typed."""
    numbers: dict[tuple[object, ...], int] = {}
    records: list[model.RecordReading] = []
    places: dict[Span, int] = {}
    for record, old in records_read(node.condition):
        known = (scope.records or {}).get(record.resource.text)
        if known is None:
            continue
        keyed = expressions.keys(
            record.keys, known.keys, record.resource, replace(scope, records=None, place=expressions.KEY)
        )
        keys, _ = collect(keyed)
        if keys is None:
            continue
        number = numbers.setdefault((known.full_name, keys, old), len(records))
        if number == len(records):
            records.append(model.RecordReading(known.full_name, keys, old, record.span))
        places[record.span] = number
    return _Readings(tuple(records), places)

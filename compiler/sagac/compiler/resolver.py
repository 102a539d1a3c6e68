"""The resolver: trees to a project with every name bound, every type checked and every default filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sagac.compiler import codes, contracts, damage, implicit, model, names, reading, sagas, syntax, typetable
from sagac.compiler.diagnostics import Diagnostic, in_order
from sagac.compiler.finds import Finds, collect, gather, once
from sagac.compiler.frames import World
from sagac.compiler.names import Declared, View
from sagac.compiler.source import Span


def resolve(
    files: Mapping[str, syntax.File], faults: Sequence[Span] = ()
) -> tuple[model.Project, tuple[Diagnostic, ...]]:
    """The project that these files make together, and everything that is wrong with it.

    `faults` are the places where a text could not be read. What may be only a consequence of one is not told, and a
    saga that may have lost something to one is left out, as one with errors is.
    """
    project, found = collect(_project(files, faults))
    lost = damage.damage(files, faults)
    findings = in_order([*once([finding for finding in found if not lost.explains(finding)])])
    wrong = {finding.saga for finding in found if finding.severity == "error"}
    sound = tuple(each for each in project.sagas if each.full_name not in wrong and not lost.spoils(each.name_span))
    return replace(project, sagas=sound), findings


def _project(files: Mapping[str, syntax.File], faults: Sequence[Span]) -> Finds[model.Project]:
    declared = yield from names.declarations(files)
    views = {view.file: view for view in (yield from names.views(files, declared, faults))}
    types = yield from typetable.declare(declared, views)
    known, unsound = yield from _contracts(declared, views, types)
    found = [(each, views[each.file]) for each in declared if isinstance(each.node, syntax.Saga)]
    inferred = {} if known else (yield from implicit.operations(found, types))
    world = World(types, known, inferred)
    read = yield from gather(sagas.saga(each, view, world) for each, view in found)
    services = {name: contract.service for name, contract in known.items()}
    services.update((yield from implicit.services(inferred, (use for each in read for use in each.uses))))
    yield from _unused(files, views.values(), declared)
    complete = [each.saga for each in read if each.saga is not None]
    return model.Project(
        services={name: services[name] for name in sorted(services)},
        types={name: typetable.lower(types.shapes[name]) for name in sorted(types.shapes)},
        sagas=tuple(saga for saga in complete if not any(name in unsound for name in _services(saga))),
        files=tuple(sorted(files)),
    )


def _contracts(
    declared: Iterable[Declared], views: Mapping[str, View], types: typetable.Types
) -> Finds[tuple[Mapping[str, contracts.Contract], frozenset[str]]]:
    """All declared services, and the names of those that have errors."""
    outlines: dict[str, contracts.Outline] = {}
    wrong: set[str] = set()
    for each in declared:
        if isinstance(each.node, syntax.Service):
            outline, findings = collect(contracts.outline(each, views[each.file], types))
            yield from findings
            outlines[each.full_name] = outline
            wrong |= {each.full_name for finding in findings if finding.severity == "error"}
    known: dict[str, contracts.Contract] = {}
    for name, outline in outlines.items():
        view = views[outline.declared.file]
        visible = (outlines[other.full_name] for seen in view.services.values() for other in seen.choices)
        known[name], findings = collect(contracts.contract(outline, visible, blind=view.blind))
        yield from findings
        wrong |= {name for finding in findings if finding.severity == "error"}
    return known, frozenset(wrong)


def _services(saga: model.Saga) -> Iterator[str]:
    """The services that a saga calls, locks records of, or speaks of."""
    for step in saga.steps:
        yield step.call.service
        yield from (handler.call.service for handler in step.handlers)
        yield from (lock.resource.rpartition(".")[0] for lock in step.locks)
    yield from (record.resource.rpartition(".")[0] for rule in saga.ensures for record in rule.records)


def _unused(files: Mapping[str, syntax.File], views: Iterable[View], declared: tuple[Declared, ...]) -> Finds[None]:
    """A warning for each import of which nothing is used."""
    for view in views:
        words = reading.words(files[view.file].declarations) if view.imports else frozenset()
        for package, span in view.imports:
            if not any(words & _offered(each.node) for each in declared if each.package == package):
                yield codes.finding(
                    "W602", f"nothing of `{package}` is used in this file", span, help="delete the import"
                )


def _offered(node: syntax.Declaration) -> frozenset[str]:
    """The names by which a declaration can be used: its own, and those of its resources."""
    items = node.items if isinstance(node, syntax.Service) else ()
    return frozenset({node.name.text, *(item.name.text for item in items if isinstance(item, syntax.Resource))})

"""The dependency graph of a saga: who waits for whom, in a deterministic topological order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import networkx

from sagac.compiler import codes
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.model import Dependency, Saga, Step


@dataclass(frozen=True, slots=True)
class Graph:
    """Who waits for whom. Steps are numbered by their position in `order`; sets of steps are the bits of an integer."""

    order: tuple[str, ...]
    """A topological order; among steps that could stand next, the one that stands first in the source."""
    number: Mapping[str, int]
    after: tuple[tuple[int, ...], ...]
    """What each step waits for, transitively reduced: no dependency that others imply."""
    before: tuple[tuple[int, ...], ...]
    """What waits for each step, transitively reduced."""
    ancestors: tuple[int, ...]
    """All that a step comes after, as a set; a set never holds the step itself."""
    descendants: tuple[int, ...]
    """All that comes after a step, as a set."""

    def precedes(self, earlier: str, later: str) -> bool:
        """Whether `later` comes after `earlier`, directly or through others."""
        return bool(self.ancestors[self.number[later]] >> self.number[earlier] & 1)

    def predecessors(self, step: str) -> tuple[str, ...]:
        """The names of what a step waits for, reduced."""
        return tuple(self.order[number] for number in self.after[self.number[step]])

    def successors(self, step: str) -> tuple[str, ...]:
        """The names of what waits for a step, reduced."""
        return tuple(self.order[number] for number in self.before[self.number[step]])

    def closure(self, *steps: str) -> tuple[str, ...]:
        """These steps and all that they come after, in order."""
        members = 0
        for step in steps:
            members |= self.ancestors[self.number[step]] | 1 << self.number[step]
        return tuple(self.order[number] for number in numbers(members))


def numbers(members: int) -> Iterator[int]:
    """The members of a set, ascending."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


def build(saga: Saga) -> tuple[Graph, tuple[Diagnostic, ...]]:
    """The graph of a saga, and what is wrong with its order. A graph with cycles has the rest of it without them."""
    dependencies = {step.name: edges(step) for step in saga.steps}
    waits = network(saga, dependencies)
    findings = tuple(cycle(saga, dependencies, path) for path in cycles(saga, waits))
    if findings:
        waits.remove_edges_from([edge for part in knots(waits) for edge in waits.subgraph(part).edges])
    graph = number(saga, waits)
    return graph, findings if findings else tuple(redundancies(saga, graph))


def edges(step: Step) -> dict[str, Dependency]:
    """A step's dependencies by the step they name: the written one where there are several."""
    chosen: dict[str, Dependency] = {}
    for dependency in step.dependencies:
        if dependency.step not in chosen or chosen[dependency.step].implicit:
            chosen[dependency.step] = dependency
    return chosen


def network(saga: Saga, dependencies: Mapping[str, Mapping[str, Dependency]]) -> networkx.DiGraph[str]:
    """The library's graph, with an edge from each step to what waits for it."""
    waits: networkx.DiGraph[str] = networkx.DiGraph()
    waits.add_nodes_from(step.name for step in saga.steps)
    waits.add_edges_from((earlier, step) for step, found in dependencies.items() for earlier in found)
    return waits


def number(saga: Saga, waits: networkx.DiGraph[str]) -> Graph:
    """The steps in order, with their reduced neighbours and their closures."""
    source = {step.name: place for place, step in enumerate(saga.steps)}
    order = tuple(networkx.lexicographical_topological_sort(waits, key=source.__getitem__))
    place = {name: number for number, name in enumerate(order)}
    ancestors: list[int] = []
    after: list[tuple[int, ...]] = []
    for name in order:
        reduced, above = reduce([place[earlier] for earlier in waits.predecessors(name)], ancestors)
        after.append(reduced)
        ancestors.append(above)
    before = turned(after)
    return Graph(order, place, tuple(after), before, tuple(ancestors), below(before))


def reduce(direct: list[int], ancestors: list[int]) -> tuple[tuple[int, ...], int]:
    """The dependencies that no other implies, and everything above."""
    above = 0
    kept = []
    # Whatever implies a dependency stands later in the order, so the latest is never implied.
    for earlier in sorted(direct, reverse=True):
        if not above >> earlier & 1:
            kept.append(earlier)
            above |= ancestors[earlier] | 1 << earlier
    return tuple(reversed(kept)), above


def turned(after: list[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """The same edges from the other end."""
    before: list[list[int]] = [[] for _ in after]
    for later, direct in enumerate(after):
        for earlier in direct:
            before[earlier].append(later)
    return tuple(map(tuple, before))


def below(before: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    """All that comes after each step."""
    descendants = [0] * len(before)
    for earlier in reversed(range(len(before))):
        for later in before[earlier]:
            descendants[earlier] |= descendants[later] | 1 << later
    return tuple(descendants)


def knots(waits: networkx.DiGraph[str]) -> tuple[frozenset[str], ...]:
    """The groups of steps that wait for one another in a circle."""
    return tuple(
        frozenset(part)
        for part in networkx.strongly_connected_components(waits)
        if len(part) > 1 or waits.has_edge(min(part), min(part))
    )


def cycles(saga: Saga, waits: networkx.DiGraph[str]) -> tuple[tuple[str, ...], ...]:
    """For each knot a shortest cycle through its first step in the source, in the direction of time, closed."""
    source = {step.name: place for place, step in enumerate(saga.steps)}
    found = []
    for part in sorted(knots(waits), key=lambda part: min(source[name] for name in part)):
        first = min(part, key=source.__getitem__)
        inside = waits.subgraph(part)
        starts = sorted(inside.successors(first), key=source.__getitem__)
        paths = [networkx.shortest_path(inside, start, first) for start in starts]
        found.append((first, *min(paths, key=len)))
    return tuple(found)


def cycle(saga: Saga, dependencies: Mapping[str, Mapping[str, Dependency]], path: tuple[str, ...]) -> Diagnostic:
    """The finding for a cycle: each step of the path comes after the one before it."""
    links = tuple((earlier, later, dependencies[later][earlier]) for earlier, later in pairwise(path))
    read = [link for link in links if link[2].implicit]
    labels = tuple(Label(dependency.span, reason(earlier, later, dependency)) for earlier, later, dependency in links)
    shown = " -> ".join(path)
    if len(links) == 1:
        message = f"`{path[0]}` waits for itself"
    elif read and len(read) < len(links):
        message = f"the written order contradicts what the steps read: `{shown}`"
    else:
        message = f"these steps wait for one another: `{shown}`"
    return codes.finding(
        "E402" if read and len(read) < len(links) else "E401",
        message,
        *labels,
        help=advice(links, read),
        trace=tuple(reason(earlier, later, dependency) for earlier, later, dependency in links),
        saga=saga.full_name,
        step=path[0],
    )


def reason(earlier: str, later: str, dependency: Dependency) -> str:
    """Why one step comes after another, in words."""
    why = f"reads a result of `{earlier}`" if dependency.implicit else f"says `after {earlier}`"
    return f"`{later}` {why}"


def advice(links: tuple[tuple[str, str, Dependency], ...], read: list[tuple[str, str, Dependency]]) -> str:
    """What to write instead: a written order can be dropped, a reading has to move."""
    written = [link for link in links if not link[2].implicit]
    if written:
        earlier, later, _ = written[-1]
        return f"drop `{earlier}` from the `after` of `{later}`, unless another of these orders is the wrong one"
    earlier, later, _ = read[-1]
    return f"let `{later}` read something else than a result of `{earlier}`, or split one of these steps in two"


def redundancies(saga: Saga, graph: Graph) -> Iterator[Diagnostic]:
    """A note for each written `after` that the step's other dependencies imply."""
    for step in saga.steps:
        kept = set(graph.predecessors(step.name))
        for dependency in step.dependencies:
            if not dependency.implicit and dependency.step not in kept:
                via = next(
                    name for name in reversed(graph.predecessors(step.name)) if graph.precedes(dependency.step, name)
                )
                yield codes.finding(
                    "N403",
                    f"`{step.name}` comes after `{dependency.step}` already, through `{via}`",
                    dependency.span,
                    help=f"drop `{dependency.step}` from the `after` of `{step.name}`",
                    saga=saga.full_name,
                    step=step.name,
                )

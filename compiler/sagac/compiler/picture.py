"""A saga as a Mermaid diagram: the steps with their order, and the undo order against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sagac.compiler import wording
from sagac.compiler.graph import Graph
from sagac.compiler.model import Saga
from sagac.runtime.plan import Plan, Step

ENTITIES: Final = {
    "#": "#35;",
    "&": "#amp;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "\n": " ",
}
"""What Mermaid or its HTML labels would read as their own."""


def mermaid(saga: Saga, graph: Graph, plan: Plan) -> str:
    """The diagram's text. Solid arrows: starts after. Dotted arrows: is undone before."""
    names = {step.name: f"s{number}" for number, step in enumerate(plan.steps)}
    return "\n".join(
        (
            "flowchart TD",
            f"  %% {saga.full_name} version {saga.version}",
            *(f"  {node(names[step.name], step)}" for step in plan.steps),
            *(f"  {names[earlier]} --> {names[later]}" for later in names for earlier in graph.predecessors(later)),
            *undo_order(plan, names),
            *styles(plan, names),
        )
    )


def node(name: str, step: Step) -> str:
    """One step: its shape tells pivots, queries and the rest apart."""
    label = "<br/>".join(escape(line) for line in lines(step))
    if step.pivot:
        return f'{name}{{{{"{label}"}}}}'
    return f'{name}(["{label}"])' if step.query else f'{name}["{label}"]'


def lines(step: Step) -> Iterator[str]:
    """What a step's box says."""
    yield f"pivot {step.name}" if step.pivot else step.name
    yield wording.call(step.call)
    if step.guard is not None:
        otherwise = f" else fail {step.otherwise_fails}" if step.otherwise_fails else ""
        yield f"when {wording.expression(step.guard)}{otherwise}"
    for undo in step.undos:
        condition = f" when {wording.expression(undo.guard)}" if undo.guard is not None else ""
        yield f"{'mitigate' if undo.residue else 'undo'}: {wording.call(undo.call)}{condition}"
    if step.remains == "undone by":
        yield f"undone by {step.undone_by}"
    elif step.remains != "nothing":
        yield step.remains


def escape(text: str) -> str:
    """The text as a Mermaid label shows it, whatever an author wrote."""
    return "".join(ENTITIES.get(character, character) for character in text)


def undo_order(plan: Plan, names: Mapping[str, str]) -> Iterator[str]:
    """The plan's own undo table, from what is unwound first to what waits for it."""
    for step in plan.steps:
        for first in step.undo_after:
            yield f"  {names[first]} -.->|undo| {names[step.name]}"


def styles(plan: Plan, names: Mapping[str, str]) -> Iterator[str]:
    """Steps whose effect stays are drawn with a thick border."""
    staying = [names[step.name] for step in plan.steps if step.remains in ("irreversible", "left")]
    if staying:
        yield "  classDef stays stroke-width:3px"
        yield f"  class {','.join(staying)} stays"

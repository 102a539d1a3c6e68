"""The catalogue of diagnostic codes: each declared once, in the module of its family."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from types import MappingProxyType

from sagac.compiler.codes import effects, ensuring, graph, isolation, proofs, resolution, scenarios, syntax, timing
from sagac.compiler.codes.catalogue import Code
from sagac.compiler.diagnostics import Diagnostic, Label
from sagac.compiler.source import Span

FAMILIES: tuple[tuple[Code, ...], ...] = (
    syntax.CODES,
    resolution.CODES,
    graph.CODES,
    proofs.CODES,
    ensuring.CODES,
    timing.CODES,
    effects.CODES,
    isolation.CODES,
    scenarios.CODES,
)

OF_PROOFS: tuple[Code, ...] = (
    *proofs.CODES, *ensuring.CODES, *timing.CODES, *effects.CODES, *isolation.CODES,
)  # fmt: skip
"""What the proofs find."""

CODES: Mapping[str, Code] = MappingProxyType({code.code: code for family in FAMILIES for code in family})
"""Every code that a finding may carry, by its name."""

assert len(CODES) == sum(map(len, FAMILIES)), "a code is declared twice"


def finding(
    code: str,
    message: str,
    *places: Label | Span,
    help: str | tuple[str, ...] = (),
    trace: tuple[str, ...] = (),
    saga: str = "",
    step: str = "",
) -> Diagnostic:
    """A finding with the severity that the catalogue declares; the first place is the place itself."""
    assert code in CODES, f"{code} is not declared in the catalogue"
    assert places, f"{code} needs a place"
    assert "\n" not in message, f"{code}: a message is one line: {message!r}"
    labels = tuple(place if isinstance(place, Label) else Label(place) for place in places)
    first, *others = (help,) if isinstance(help, str) else help or ("",)
    lines = (first.removeprefix("or "), *others) if first else ()  # there is nothing before the first one
    return Diagnostic(code, CODES[code].severity, message, labels, lines, trace, saga, step)


def explain(code: str) -> str | None:
    """The page of a code as Markdown; `None` for a code that does not exist."""
    declared = CODES.get(code.upper())
    return None if declared is None else page(declared)


def page(code: Code, said: str = "") -> str:
    """What `explain` shows; with what is said about the example, what stands in `docs/diagnostics/`."""
    answer = f"```text\n{said.strip()}\n```\n\n" if said else ""
    return (
        f"# {code.code}: {code.title}\n\n"
        f"Severity: {code.severity}\n\n"
        f"{dedent(code.explanation).strip()}\n\n"
        f"## Example\n\n```saga\n{code.wrong.strip()}\n```\n\n{answer}"
        f"## Repaired\n\n```saga\n{code.fixed.strip()}\n```\n"
    )

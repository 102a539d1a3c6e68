"""What the proofs cost, from a resolved model to the verdicts, on generated sagas of thousands of steps."""

from __future__ import annotations

import multiprocessing
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import Final, get_args

from bench import generate
from bench.generate import Defect, Shape
from sagac.compiler import driver, graph, parser, planner, proofs, resolver
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Judgement, Refuted, Vacuous

SIZES: Final = (1_000, 5_000)
LIMITS: Final = {1_000: 1.5, 5_000: 6.0}
"""Seconds from the resolved model to the verdicts."""
MEMORY_MAX_MB: Final = 500
CHECK_MAX: Final = 4.0
"""Seconds for a whole check of a file of a thousand steps."""
SEED: Final = 1
DEFECTS: Final[tuple[Defect, ...]] = tuple(defect for defect in get_args(Defect) if defect)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one saga took, in seconds and megabytes, and what came of it."""

    read_s: float
    prove_s: float
    peak_mb: float
    claims: int
    found: tuple[str, ...]


def lines(quick: bool) -> Iterator[str]:
    """The table, a line at a time."""
    yield f"{'shape':8}{'steps':>7}  {'defect':8}{'read':>8}{'prove':>8}{'target':>8}{'peak':>9}  {'claims':>7}  found"
    for size in SIZES[: 1 if quick else None]:
        for shape in get_args(Shape):
            for defect in ("", *(DEFECTS if size == SIZES[0] else ("A1",))):
                yield row(shape, size, defect, alone(shape, size, defect))
    yield from checked()


def row(shape: Shape, size: int, defect: Defect, measured: Measured) -> str:
    over = " over" if measured.prove_s > LIMITS[size] or measured.peak_mb > MEMORY_MAX_MB else ""
    return (
        f"{shape:8}{size:>7}  {defect or '-':8}{measured.read_s:>7.2f}s{measured.prove_s:>7.2f}s{LIMITS[size]:>7.1f}s"
        f"{measured.peak_mb:>7.0f}MB  {measured.claims:>7}  {', '.join(measured.found) or '-'}{over}"
    )


def alone(shape: Shape, size: int, defect: Defect) -> Measured:
    """The measurement in a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (shape, size, defect))


def measure(shape: Shape, size: int, defect: Defect) -> Measured:
    """Reads the saga, then proves it: the graph, the plan, and A1, A2, A3, A6, C1, D1, D2."""
    text = generate.text(shape, size, SEED, defect)
    started = perf_counter()
    file, _ = parser.parse(Source("generated.saga", text))
    project, _ = resolver.resolve({"generated.saga": file})
    resolved = perf_counter()
    (saga,) = project.sagas
    built, _ = graph.build(saga)
    judgements = proofs.judge(project, saga, built, planner.plan(project, saga, built))
    ended = perf_counter()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(resolved - started, ended - resolved, peak_mb, len(judgements), tuple(found(judgements)))


def found(judgements: tuple[Judgement, ...]) -> Iterator[str]:
    """How many claims of each family do not hold."""
    families = Counter(j.claim.family for j in judgements if isinstance(j.verdict, Refuted | Vacuous))
    for family, count in sorted(families.items()):
        yield f"{count} {family}"


def checked() -> Iterator[str]:
    """A whole check of a thousand steps: text to findings, the module emitted and read back on the way."""
    yield ""
    for shape in get_args(Shape):
        text = generate.text(shape, SIZES[0], SEED)
        started = perf_counter()
        result = driver.check_text(text, date(2026, 1, 1))
        taken = perf_counter() - started
        errors = [finding.code for finding in result.diagnostics if finding.severity == "error"]
        over = " over" if taken > CHECK_MAX else ""
        yield f"check {shape:8}{SIZES[0]:>7} steps {taken:>7.2f}s, target {CHECK_MAX:.1f}s{over}  {errors or ''}"

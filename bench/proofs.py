"""What reading and proving cost, on generated sagas of thousands of steps.

Seconds are of the wall clock; `x` says how often the yardstick, a loop of plain Python, would have run in that time.
"""

from __future__ import annotations

import gc
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
from sagac.compiler import driver, parser, resolver
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Judgement, Refuted, Vacuous

SIZES: Final = (1_000, 5_000)
LIMITS: Final = {1_000: 1.5, 5_000: 6.0}
"""Seconds from the resolved model to the verdicts, the module emitted and read back on the way."""
MEMORY_MAX_MB: Final = 500
CHECK_MAX: Final = 4.0
"""Seconds for a whole check of a file of a thousand steps."""
READ_LINES: Final = 10_000
READ_MAX: Final = 2.5
"""Seconds for parsing and resolving so many lines."""
YARDSTICK: Final = 10_000_000
"""How many numbers the yardstick adds up."""
SEED: Final = 1
DEFECTS: Final[tuple[Defect, ...]] = tuple(defect for defect in get_args(Defect) if defect)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one saga took, in seconds and megabytes, and what came of it."""

    read_s: float
    plan_s: float
    prove_s: float
    yardstick_s: float
    peak_mb: float
    claims: int
    found: tuple[str, ...]

    @property
    def verdicts_s(self) -> float:
        """From the resolved model to the verdicts."""
        return self.plan_s + self.prove_s


def lines(quick: bool) -> Iterator[str]:
    """The tables, a line at a time."""
    yield from read()
    yield ""
    yield (
        f"{'shape':8}{'steps':>6}  {'defect':7}{'read':>8}{'plan':>8}{'prove':>8}{'verdicts':>10}{'target':>8}{'x':>7}"
        f"{'peak':>8}{'claims':>8}  found"
    )
    for size in SIZES[: 1 if quick else None]:
        for shape in get_args(Shape):
            for defect in ("", *(DEFECTS if size == SIZES[0] else ("A1",))):
                yield row(shape, size, defect, alone(shape, size, defect))
    yield ""
    yield from checked()


def row(shape: Shape, size: int, defect: Defect, measured: Measured) -> str:
    over = " over" if measured.verdicts_s > LIMITS[size] or measured.peak_mb > MEMORY_MAX_MB else ""
    return (
        f"{shape:8}{size:>6}  {defect or '-':7}"
        f"{measured.read_s:>7.2f}s{measured.plan_s:>7.2f}s{measured.prove_s:>7.2f}s"
        f"{measured.verdicts_s:>9.2f}s{LIMITS[size]:>7.1f}s{measured.verdicts_s / measured.yardstick_s:>7.1f}"
        f"{measured.peak_mb:>6.0f}MB{measured.claims:>8}  {', '.join(measured.found) or '-'}{over}"
    )


def alone(shape: Shape, size: int, defect: Defect) -> Measured:
    """The measurement in a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (shape, size, defect))


def measure(shape: Shape, size: int, defect: Defect) -> Measured:
    """Reads the saga, plans it by way of the emitted module, then proves A1, A2, A3, A6, C1, D1, D2."""
    text = generate.text(shape, size, SEED, defect)
    gc.disable()  # as the command line does
    started = perf_counter()
    file, _ = parser.parse(Source("generated.saga", text))
    project, _ = resolver.resolve({"generated.saga": file})
    resolved = perf_counter()
    graphs, _ = driver.build_graphs(project)
    plans, _ = driver.plan(project, graphs)
    planned = perf_counter()
    judgements = driver.judge(project, graphs, plans)
    ended = perf_counter()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(
        read_s=resolved - started,
        plan_s=planned - resolved,
        prove_s=ended - planned,
        yardstick_s=yardstick(),
        peak_mb=peak_mb,
        claims=len(judgements),
        found=tuple(found(judgements)),
    )


def yardstick() -> float:
    """Seconds that a loop of plain Python takes now, on this machine."""
    started = perf_counter()
    total = 0
    for number in range(YARDSTICK):
        total += number
    return perf_counter() - started


def found(judgements: tuple[Judgement, ...]) -> Iterator[str]:
    """How many claims of each family do not hold."""
    families = Counter(j.claim.family for j in judgements if isinstance(j.verdict, Refuted | Vacuous))
    for family, count in sorted(families.items()):
        yield f"{count} {family}"


def read() -> Iterator[str]:
    """Parsing and resolving a file of ten thousand lines."""
    text = generate.text("random", READ_LINES // 5, SEED)
    started = perf_counter()
    file, _ = parser.parse(Source("generated.saga", text))
    parsed = perf_counter()
    resolver.resolve({"generated.saga": file})
    ended = perf_counter()
    over = " over" if ended - started > READ_MAX else ""
    yield (
        f"read {text.count(chr(10)):,} lines: parse {parsed - started:.2f}s, resolve {ended - parsed:.2f}s, "
        f"together {ended - started:.2f}s, target {READ_MAX:.1f}s, x {(ended - started) / yardstick():.1f}{over}"
    )


def checked() -> Iterator[str]:
    """A whole check of a thousand steps: text to findings, with counterexamples replayed."""
    for shape in get_args(Shape):
        for defect in ("", "A1"):
            text = generate.text(shape, SIZES[0], SEED, defect)
            started = perf_counter()
            result = driver.check_text(text, date(2026, 1, 1))
            taken = perf_counter() - started
            errors = [finding.code for finding in result.diagnostics if finding.severity == "error"]
            over = " over" if taken > CHECK_MAX else ""
            yield (
                f"check {shape:8}{SIZES[0]:>6} steps {taken:>7.2f}s, target {CHECK_MAX:.1f}s, "
                f"x {taken / yardstick():.1f}{over}  {', '.join(errors)}"
            )

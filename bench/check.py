"""What the whole check costs: every family, on generated sagas with records, locks, rules and times.

Seconds are of this process (`cpu`) and of the wall clock; `x` says how often the yardstick, a loop of plain Python,
would have run in the same time of this process.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final, get_args

from bench import everything, flaws
from bench.generate import Shape
from sagac.compiler import driver, parser, proofs, resolver, solver
from sagac.compiler.obligations.obligation import Obligation
from sagac.compiler.proofs import Scene
from sagac.compiler.source import Source
from sagac.compiler.verdicts import Assumed, Judgement, Proved

SIZES: Final = (100, 1_000, 5_000)
LIMITS: Final = {1_000: 3.0, 5_000: 15.0}
"""Seconds from the resolved model to the verdicts, on a quiet machine."""
SEED: Final = 1
YARDSTICK: Final = 10_000_000
SLOWEST: Final = 5
"""So many families are listed, the slowest first."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one saga took, in seconds of the process but where it says otherwise, and what came of it."""

    plan_s: float
    prove_s: float
    wall_s: float
    warm_s: float
    """Proving once more, with the solver's answers kept as `sagac check --cache` keeps them."""
    yardstick_s: float
    peak_mb: float
    claims: int
    wrong: tuple[str, ...]
    families: tuple[tuple[str, float], ...]

    @property
    def verdicts_s(self) -> float:
        """From the resolved model to the verdicts."""
        return self.plan_s + self.prove_s


def lines(quick: bool) -> Iterator[str]:
    """The table, a line at a time."""
    yield (
        f"{'shape':8}{'steps':>6}  {'defect':7}{'claims':>8}{'plan':>8}{'prove':>9}{'verdicts':>10}{'wall':>9}{'x':>7}"
        f"{'target':>8}{'warm':>8}{'peak':>8}  not proved; slowest families"
    )
    for size in SIZES[: 2 if quick else None]:
        for shape in get_args(Shape):
            yield row(shape, size, "", alone(shape, size, ""))
    for family in flaws.FLAWS:
        yield row("chain", SIZES[0], family, alone("chain", SIZES[0], family))


def row(shape: Shape, size: int, defect: str, measured: Measured) -> str:
    target = f"{LIMITS[size]:.0f}s" if size in LIMITS else "-"
    slowest = ", ".join(f"{family} {seconds:.2f}s" for family, seconds in measured.families[:SLOWEST])
    return (
        f"{shape:8}{size:>6}  {defect or '-':7}{measured.claims:>8}{measured.plan_s:>7.2f}s{measured.prove_s:>8.2f}s"
        f"{measured.verdicts_s:>9.2f}s{measured.wall_s:>8.2f}s{measured.verdicts_s / measured.yardstick_s:>7.1f}"
        f"{target:>8}{measured.warm_s:>7.2f}s{measured.peak_mb:>6.0f}MB  {', '.join(measured.wrong) or '-'}; {slowest}"
    )


def alone(shape: Shape, size: int, defect: str) -> Measured:
    """The measurement in a process of its own, so that nothing is known from another one."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (shape, size, defect))


def measure(shape: Shape, size: int, defect: str) -> Measured:
    """Reads the saga, plans it by way of the emitted module, proves everything, and proves it again."""
    gc.disable()  # as the command line does
    file, _ = parser.parse(Source("generated.saga", everything.text(shape, size, SEED, defect)))
    project, _ = resolver.resolve({"generated.saga": file})
    clock, started = perf_counter(), process_time()
    graphs, _ = driver.build_graphs(project)
    plans, _ = driver.plan(project, graphs)
    planned = process_time()
    with_families = timed()
    judgements = driver.judge(project, graphs, plans)
    proved, wall_s = process_time(), perf_counter() - clock
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    families = tuple(sorted(with_families.items(), key=lambda each: -each[1]))
    solver.decided.cache_clear()  # what is left is what a file of answers keeps
    again = process_time()
    driver.judge(project, graphs, plans)
    warm_s = process_time() - again
    return Measured(
        plan_s=planned - started,
        prove_s=proved - planned,
        wall_s=wall_s,
        warm_s=warm_s,
        yardstick_s=yardstick(),
        peak_mb=peak_mb,
        claims=len(judgements),
        wrong=tuple(unproved(judgements)),
        families=families,
    )


def timed() -> dict[str, float]:
    """From now on the seconds of each family's verdicts, as they come; making the claims is not among them."""
    taken: dict[str, float] = defaultdict(float)
    decide = proofs.decide

    def timing(scene: Scene, obligation: Obligation) -> Judgement:
        started = process_time()
        judgement = decide(scene, obligation)
        taken[obligation.claim.family] += process_time() - started
        return judgement

    proofs.decide = timing
    return taken


def yardstick() -> float:
    """Seconds of this process that a loop of plain Python takes now, on this machine."""
    begun = process_time()
    total = 0
    for number in range(YARDSTICK):
        total += number
    return process_time() - begun


def unproved(judgements: tuple[Judgement, ...]) -> Iterator[str]:
    """How many claims of each family are neither proved nor assumed."""
    families = Counter(each.claim.family for each in judgements if not isinstance(each.verdict, Proved | Assumed))
    for family, count in sorted(families.items()):
        yield f"{count} {family}"

"""`python -m tests.mutants`: all mutants of all proved specs, and all defects seeded into the checker, as a table."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing import Pool
from typing import Final

from tests.mutants import corpus, judging, noticing
from tests.mutants.corpus import Outcome, Spec
from tests.mutants.defects import DEFECTS
from tests.mutants.judging import KILLS, Kill
from tests.mutants.noticing import Noticed

CHUNK: Final = 25
"""So many mutants of a spec are checked by one worker at a time."""


def main() -> None:
    """Tries everything; the exit says whether all is as listed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="list every mutant that survives")
    given = parser.parse_args()
    with Pool(given.workers) as pool:
        outcomes = tuple(each for some in pool.imap(tried, chunks(), chunksize=1) for each in some)
        noticed = tuple(pool.imap(seen, range(len(DEFECTS)), chunksize=1))
    print("\n".join(table(outcomes)))
    print("\n".join(defects(noticed)))
    if given.list:
        print("\n".join(f"{each.spec}: {each.key}" for each in outcomes if each.kill == "survives"))
    wrong = (*corpus.unexpected(outcomes), *noticing.unexpected(noticed))
    for line in wrong:
        print(f"! {line}", file=sys.stderr)
    sys.exit(bool(wrong))


def chunks() -> Iterator[tuple[Spec, int]]:
    """Parts of the work."""
    for spec in corpus.specs():
        for start in range(0, sum(1 for _ in corpus.mutants(spec)), CHUNK):
            yield spec, start


def tried(part: tuple[Spec, int]) -> tuple[Outcome, ...]:
    """What becomes of some mutants of a spec."""
    spec, start = part
    told = judging.told(judging.check(spec.text))
    some = tuple(corpus.mutants(spec))[start : start + CHUNK]
    return tuple(corpus.outcome(spec, told, key, mutant) for key, mutant in some)


def seen(number: int) -> Noticed:
    """Who notices the defect of this number: a defect itself is no message between processes."""
    return noticing.noticed(DEFECTS[number])


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """How many mutants of each operator are told by what, and what their equivalents are."""
    shown = [kill for kill in KILLS if any(each.kill == kill for each in outcomes)]
    yield f"{'operator':32}{'mutants':>9}" + "".join(f"{kill:>11}" for kill in shown)
    operators = tuple(dict.fromkeys(each.operator for each in outcomes))
    for operator in sorted(operators):
        yield row(operator, [each for each in outcomes if each.operator == operator], shown)
    yield row("all", outcomes, shown)


def row(name: str, outcomes: Sequence[Outcome], shown: Sequence[Kill]) -> str:
    counted = Counter(each.kill for each in outcomes)
    return f"{name:32}{len(outcomes):>9}" + "".join(f"{counted[kill] or '':>11}" for kill in shown)


def defects(noticed: Sequence[Noticed]) -> Iterator[str]:
    """Which spec notices each defect of the checker, and how."""
    yield ""
    yield f"{'defect of the checker':50}noticed by"
    for each in noticed:
        yield f"{each.defect:50}{f'{each.by}: {each.how}' if each.by else f'nobody: {each.how}'}"


if __name__ == "__main__":
    main()

"""The specs that mutants are made of, and the mutants that nothing can tell from them."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants import judging, operators
from tests.mutants.judging import Kill, Told
from tests.mutants.operators import Mutant

ROOT: Final = Path(__file__).parents[2] / "specs"
EQUIVALENTS: Final = Path(__file__).with_name("equivalents.toml")
TRIED: Final = (
    *("a5", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "c1", "c2", "c5"),
    *("d1", "d2", "d3", "d4", "e1", "e2", "e3", "e4", "f"),
)
"""Of the repaired twins those of these families; the others are about the order of two steps, or about scenarios."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec that is proved."""

    name: str
    text: str
    """Without its scenarios: replaying them for each mutant would take long, and the proofs come first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    spec: str
    operator: str
    key: str
    kill: Kill
    by: str


def specs() -> tuple[Spec, ...]:
    """Every accepted spec, and the repaired twin of every refuted one of effects, data, time and rules."""
    accepted = ((path.stem, path) for path in sorted((ROOT / "accepted").rglob("*.saga")))
    twins = ((path.parent.name, path) for path in sorted((ROOT / "refuted").rglob("fixed.saga")))
    chosen = (*accepted, *((name, path) for name, path in twins if name.partition("_")[0] in TRIED))
    return tuple(Spec(name, operators.without_scenarios(path.read_text(encoding="utf-8"))) for name, path in chosen)


def mutants(spec: Spec) -> Iterator[tuple[str, Mutant]]:
    """The mutants of a spec by their keys: the operator, the line as written, and what is different in it."""
    lines = spec.text.split("\n")
    counted: Counter[str] = Counter()
    for mutant in operators.mutants(spec.text):
        change = mutant.name.partition(": ")[2]
        key = f"{mutant.operator} | {' '.join(lines[mutant.line - 1].split())} | {change}"
        counted[key] += 1
        yield (f"{key} ({counted[key]})" if counted[key] > 1 else key), mutant


def outcome(spec: Spec, told: Told, key: str, mutant: Mutant) -> Outcome:
    """What becomes of a mutant."""
    kill, by = judging.kill(told, judging.told(judging.check(mutant.text)))
    return Outcome(spec.name, mutant.operator, key, kill, by)


def equivalents() -> Mapping[str, Mapping[str, str]]:
    """By spec the keys of the mutants that may survive, each with the reason that somebody has given for it."""
    found: dict[str, dict[str, str]] = {}
    for group in tomllib.loads(EQUIVALENTS.read_text(encoding="utf-8"))["group"]:
        for name, keys in group["mutants"].items():
            found.setdefault(name, {}).update(dict.fromkeys(keys, group["reason"]))
    return found


def unexpected(outcomes: tuple[Outcome, ...]) -> tuple[str, ...]:
    """Survivors that are not listed, and listed ones that do not survive."""
    listed = equivalents()
    return tuple(
        f"{'survives and is not listed' if each.kill == 'survives' else f'is listed, and is {each.kill}'}: "
        f"{each.spec}: {each.key}"
        for each in outcomes
        if (each.kill == "survives") != (each.key in listed.get(each.spec, {}))
    )

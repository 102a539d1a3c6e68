"""A bundle made once more from its specifications, and compared: that its claims and questions are the right ones.

Whoever forges a bundle may leave out a claim, or ask something weaker for it; the rest of `verify` cannot know of
everything. This trusts the front end and the obligations of the compiler, and no verdict, answer or hash of the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

from sagac.compiler import checker, driver, evidence
from sagac.compiler.checker import Broken
from sagac.compiler.inquiry import Solve
from sagac.compiler.source import Source

Json: TypeAlias = Any
"""What a JSON text holds."""

OF_THE_SOLVER: Final = ("rests_on", "witness", "counterexample", "message")
"""What another version of the solver may find otherwise: the premises that it needs, and the values of its runs."""


def differences(folder: Path, solve: Solve, today: date) -> list[str]:
    """What a bundle of the same specifications, made here and now, has otherwise."""
    manifest = checker.loaded(folder, checker.MANIFEST)
    made = remade(folder, manifest, solve, today)
    again = json.loads(made[checker.MANIFEST])
    same_solver = manifest["solver"] == again["solver"]
    found = [*claims_differ(manifest, again, same_solver), *entries_differ(manifest, again)]
    return found + list(files_differ(folder, made, same_solver))


def remade(folder: Path, manifest: Json, solve: Solve, today: date) -> evidence.Files:
    """The bundle of the specifications that this bundle holds."""
    names = sorted(spec["file"] for spec in manifest["specs"])
    checked = driver.check([Source(name, checker.content(folder, name).decode()) for name in names], today)
    if not evidence.is_possible(checked):
        raise Broken("there is no evidence of its specifications: they have an error, or no saga")
    return evidence.bundle(checked, solve)


def claims_differ(manifest: Json, again: Json, same_solver: bool) -> Iterator[str]:
    """Claims that are missing, too many, or shown otherwise."""
    told = {one["id"]: told_of(one, same_solver) for one in manifest["obligations"]}
    owed = {one["id"]: told_of(one, same_solver) for one in again["obligations"]}
    for name in sorted(owed.keys() - told.keys()):
        yield f"an obligation of its specifications is missing: {name}, {owed[name]['claim']}"
    for name in sorted(told.keys() - owed.keys()):
        yield f"its specifications do not call for this obligation: {name}"
    for name in sorted(told.keys() & owed.keys()):
        parts = sorted(part for part in {*told[name], *owed[name]} if told[name].get(part) != owed[name].get(part))
        if parts:
            yield f"{name} is not what its specifications come to: another {', '.join(parts)}"


def told_of(one: Json, same_solver: bool) -> Mapping[str, Json]:
    return one if same_solver else {name: part for name, part in one.items() if name not in OF_THE_SOLVER}


def entries_differ(manifest: Json, again: Json) -> Iterator[str]:
    """Sagas, answers and versions that differ."""
    for name in ("format", "language", "specification", "specs", "sagas", "questions"):
        if manifest[name] != again[name]:
            yield f"the `{name}` of its manifest are not those of its specifications"


def files_differ(folder: Path, made: evidence.Files, same_solver: bool) -> Iterator[str]:
    """Files that differ: modules, plans, certificates and questions; runs too, where the solver is the same."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted({*present, *made} - {checker.MANIFEST}):
        if name.startswith("witness/") and not same_solver:
            continue
        if name not in made or name not in present or checker.content(folder, name) != made[name]:
            yield f"`{name}` is not what its specifications come to"

"""Whether any spec notices a defect of the checker: its findings are then not those that they should be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.mutants import defects, operators
from tests.mutants.defects import Defect
from tests.mutants.judging import TODAY

from sagac.compiler import driver

ROOT: Final = Path(__file__).parents[2] / "specs"


@dataclass(frozen=True, slots=True)
class Noticed:
    """The spec that notices a defect, and what is found in it then; empty where none does."""

    defect: str
    by: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A spec whose findings are known."""

    name: str
    family: str
    text: str


@cache
def samples() -> tuple[Sample, ...]:
    """Every refuted spec with its repaired twin, every accepted one, and some that are here for one defect each."""
    found = [
        Sample(f"{path.parent.name}/{path.stem}", path.parent.name.partition("_")[0], path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "refuted").rglob("*.saga"))
        if not path.parent.name.startswith("s")
    ]
    extra = sorted(Path(__file__).with_name("samples").glob("*.saga"))
    found += [Sample(path.stem, "sample", path.read_text(encoding="utf-8")) for path in extra]
    accepted = sorted((ROOT / "accepted").rglob("*.saga"))
    found += [Sample(path.stem, "accepted", path.read_text(encoding="utf-8")) for path in accepted]
    return tuple(Sample(each.name, each.family, operators.without_scenarios(each.text)) for each in found)


def noticed(defect: Defect) -> Noticed:
    """The first spec that notices the defect; those of its families are tried first."""
    hints = defect.families.split()
    for sample in sorted(samples(), key=lambda each: hints.index(each.family) if each.family in hints else len(hints)):
        right = findings(sample)
        with defects.seeded(defect):
            wrong = found(sample)
        if wrong != right:
            return Noticed(defect.name, sample.name, difference(right, wrong))
    return Noticed(defect.name, how=defect.equivalent)


def unexpected(found: tuple[Noticed, ...]) -> tuple[str, ...]:
    """Defects that nobody notices, and those that somebody does against the reason that is given."""
    reasons = {defect.name: defect.equivalent for defect in defects.DEFECTS}
    return tuple(
        f"{each.defect} is noticed by {each.by or 'nobody'}"
        for each in found
        if bool(each.by) == bool(reasons[each.defect])
    )


@cache
def findings(sample: Sample) -> tuple[tuple[str, str], ...]:
    """The errors that are found in a spec without any defect."""
    return found(sample)


def found(sample: Sample) -> tuple[tuple[str, str], ...]:
    try:
        checked = driver.check_text(sample.text, TODAY)
    except Exception as error:  # a defect may break an assertion of the checker: that is noticed too
        return (("an exception", type(error).__name__),)
    return tuple((each.code, each.message) for each in checked.diagnostics if each.severity == "error")


def difference(right: tuple[tuple[str, str], ...], wrong: tuple[tuple[str, str], ...]) -> str:
    """What is found now, and what was before."""
    one, other = (" ".join(sorted({code for code, _ in each})) or "proved" for each in (right, wrong))
    return f"{other}, not {one}" if one != other else f"{one} in other words"

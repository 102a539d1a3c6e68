"""An obligation: a claim, and the conditions under which a run would break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sagac.compiler.logic import Term, Value
from sagac.compiler.source import Span
from sagac.compiler.terms import TRUE, Formula
from sagac.compiler.verdicts import Claim, Critical, Proved, Refuted, Verdict


@dataclass(frozen=True, slots=True)
class Story:
    """How to tell a run that meets a condition: who settles in which order, and what is said about it.

    `first` are settled with all that they come after, then `then`, one by one, each with what it comes after. All are
    done or skipped as their guards decide, but for `failed`, and `unknown`, which is never answered.
    """

    first: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    failed: str = ""
    failure: str = ""
    unknown: str = ""
    landed: bool = False
    undo_lost: bool = False
    """The undo of the subject is never answered."""
    cancelled: bool = False
    early: bool = False
    """The cancel comes while the last step is under way, which then takes effect."""
    subject: str = ""
    other: str = ""
    events: tuple[str, ...] = ()
    message: str = ""
    place: Span | None = None
    """The other place that matters."""
    place_text: str = ""
    help: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One way to break a claim: it can happen when the condition is satisfiable."""

    condition: Formula
    story: Story
    needs: Formula = TRUE
    """What the condition implies and other cases share: where it is impossible, the condition is not looked at."""
    critical: Critical | None = None
    """The sum of times that shows it, in place of a run."""
    unexplored: str = ""
    """Why the cases from here on are not looked at: then nothing is claimed."""


def no_cases() -> Iterator[Case]:
    """For a claim that the graph alone proves."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Never:
    """None of the cases can happen; the smallest run stands first. All of them imply the premise."""

    claim: Claim
    cases: Callable[[], Iterator[Case]] = no_cases
    premise: Formula = TRUE
    proved: Verdict = Proved()  # noqa: RUF009 - frozen
    """The verdict when no case can happen: with what it rests on."""


@dataclass(frozen=True, slots=True)
class Sometimes:
    """A run that meets the condition exists; the story is its witness."""

    claim: Claim
    condition: Formula
    story: Story
    message: str
    """What is said when there is none."""
    help: tuple[str, ...] = ()
    code: str = ""
    """The code of the warning that this is; empty where it is an error."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim that a graph fact or a table has decided: no solver is asked."""

    claim: Claim
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Premise:
    """Something that a claim about effects may suppose, by name: unsat cores are told in these names and places."""

    term: Term
    name: str
    """What it is, in the author's words: "`Stock` keeps its invariant"."""
    span: Span | None = None
    promise: str = ""
    """The assumption that this is, for the report; empty where it is proved elsewhere or a fact of the run."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that an author may write against a breach: offered where the breach cannot happen with it."""

    term: Term
    """What would then hold as well."""
    help: str


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A question that many breaches have in common, up to names: it is answered once."""

    premises: tuple[Premise, ...]
    broken: Term


@dataclass(frozen=True, slots=True)
class Breach:
    """One way to break a claim about effects: it happens when the premises and `broken` hold together."""

    premises: tuple[Premise, ...]
    broken: Term
    tell: Callable[[Mapping[str, Value]], Refuted]
    """The refutation with these values of all unknowns."""
    repairs: tuple[Repair, ...] = ()
    sent: Callable[[], tuple[Premise, ...]] | None = None
    """What else is true of the runs that could show it: asked only where it can happen without."""


@dataclass(frozen=True, slots=True)
class General:
    """Breaches of one form: where the form cannot happen none of them can, else each is looked at by itself."""

    form: Form
    breaches: Callable[[], Iterator[Breach | General]]


@dataclass(frozen=True, slots=True)
class Kept:
    """None of the breaches can happen. What is proved rests on the promises among the premises that were needed."""

    claim: Claim
    breaches: Callable[[], Iterator[Breach | General]]
    shallow: str = ""
    """Why the proof says little, where it does."""
    rests_on: tuple[str, ...] = ()
    """Promises that it needs beside those of its premises."""
    empty: str = ""
    """What is said where the premises of every breach contradict one another, in the place of their names."""
    shape: str = ""
    """Claims of one shape are proved together: whoever gives one says that their questions differ in names only."""


Obligation: TypeAlias = Never | Sometimes | Settled | Kept

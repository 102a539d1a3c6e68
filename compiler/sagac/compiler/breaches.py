"""Breaches of claims about effects: whether one of them can happen, and what it rests on that none can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from sagac.compiler import smtlib, solver
from sagac.compiler.logic import Term, Value
from sagac.compiler.obligations.obligation import Breach, Form, General, Kept, Premise
from sagac.compiler.questions import Answer, Asked
from sagac.compiler.solver import Impossible, Outcome, Possible, Unknown
from sagac.compiler.verdicts import Claim, Proved, Refuted, Undecided, Vacuous, Verdict

UNKNOWN: Final = "the solver gave up within its limit"

FORMS_MAX: Final = 10_000
"""So many forms keep their answer."""


def judged(obligation: Kept) -> Verdict:
    """The first breach that can happen, told; or the proof that none can, with the promises that it rests on.

    Where the premises of every breach contradict one another, nothing is proved: no run is spoken of.
    """
    needed: dict[str, None] = dict.fromkeys(obligation.rests_on)
    undecided: Verdict | None = None
    empty: tuple[Premise, ...] | None = None
    is_spoken_of = False
    for breach in ways(obligation):
        match outcome(breach):
            case Possible(values):
                assert isinstance(breach, Breach), breach
                return told(breach, values)
            case Unknown():
                undecided = undecided or Undecided(UNKNOWN)
            case Impossible(core):
                needed |= dict.fromkeys(promised(breach, core))
        if not is_spoken_of:
            contradicting = contradiction(ordered(breach))
            is_spoken_of = contradicting is None
            empty = empty or contradicting
    if empty is not None and not is_spoken_of:
        return Vacuous(obligation.empty) if obligation.empty else vacuous(empty)
    return undecided or Proved(tuple(needed), obligation.shallow)


def ways(obligation: Kept) -> Iterator[Breach | Form]:
    """Every breach of a claim; in the place of those of one form, the form, where it cannot happen."""
    for breach in obligation.breaches():
        yield from unfolded(breach)


def unfolded(breach: Breach | General) -> Iterator[Breach | Form]:
    """A breach by itself; of one form, the form where it cannot happen, else all of them."""
    if isinstance(breach, Breach):
        yield sharpened(breach)
    elif isinstance(outcome(breach.form), Impossible):
        yield breach.form
    else:
        for each in breach.breaches():
            yield from unfolded(each)


def sharpened(breach: Breach) -> Breach:
    """The breach with all that is true of the runs that could show it, where it can happen without."""
    if breach.sent is None or isinstance(outcome(breach), Impossible):
        return breach
    return replace(breach, premises=(*breach.premises, *breach.sent()), sent=None)


def is_proved_by_its_shape(obligation: Kept) -> bool:
    """Nothing but what claims of one shape have in common was needed: not where a step stands in its saga."""
    return not any(
        isinstance(breach, Breach) and breach.sent is not None and not isinstance(outcome(breach), Impossible)
        for breach in obligation.breaches()
    )


def outcome(breach: Breach | Form) -> Outcome:
    """Whether a breach can happen."""
    if isinstance(breach, Form):
        return outcome_of_form(breach)
    return solver.refute(supposed(ordered(breach)), breach.broken)


@lru_cache(maxsize=FORMS_MAX)
def outcome_of_form(form: Form) -> Outcome:
    return solver.refute(supposed(ordered(form)), form.broken)


def promised(breach: Breach | Form, core: tuple[int, ...]) -> tuple[str, ...]:
    """The promises among the premises that were needed."""
    if isinstance(breach, Form):
        return promised_of_form(breach, core)
    premises = ordered(breach)
    return tuple(premises[place].promise for place in core if premises[place].promise)


@lru_cache(maxsize=FORMS_MAX)
def promised_of_form(form: Form, core: tuple[int, ...]) -> tuple[str, ...]:
    premises = ordered(form)
    return tuple(premises[place].promise for place in core if premises[place].promise)


def told(breach: Breach, values: Mapping[str, Value]) -> Refuted:
    """The refutation, with the repairs that were found to prove."""
    refuted = breach.tell(values)
    premises = supposed(ordered(breach))
    sure = tuple(each.help for each in breach.repairs if is_sure(premises, each.term, breach.broken))
    return replace(refuted, help=either_of((*sure, *refuted.help)) if sure else refuted.help)


def either_of(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines of help of which one is enough; what was found to prove stands first."""
    return tuple(f"or {line.removeprefix('or ')}" if number else line for number, line in enumerate(lines))


def is_sure(premises: Sequence[Term], added: Term, broken: Term) -> bool:
    """With this the breach cannot happen, and something still can."""
    if not isinstance(solver.refute((*premises, added), broken), Impossible):
        return False
    return solver.standing((*premises, added)) == "sat"


def ordered(breach: Breach | Form) -> tuple[Premise, ...]:
    """The premises, promises last: a proof does without those first."""
    return tuple(sorted(breach.premises, key=lambda premise: bool(premise.promise)))


def supposed(premises: Sequence[Premise]) -> tuple[Term, ...]:
    """What the premises say."""
    return tuple(premise.term for premise in premises)


def contradiction(premises: Sequence[Premise]) -> tuple[Premise, ...] | None:
    """The premises that cannot hold together, if there are such."""
    core = solver.standing(supposed(premises))
    return tuple(premises[place] for place in core) if isinstance(core, tuple) else None


def vacuous(contradicting: Sequence[Premise]) -> Vacuous:
    """The finding that a claim speaks of no run."""
    names = tuple(dict.fromkeys(premise.name for premise in contradicting))
    if len(names) == 1:
        return Vacuous(f"it speaks of no run, since this never holds: {names[0]}")
    return Vacuous(f"it speaks of no run, since these never hold together: {'; '.join(names)}")


def asked(obligation: Kept) -> Iterator[Asked]:
    """What the solver was asked for a claim, up to the first breach that can happen: that its premises can hold, and
    whether it can happen."""
    for breach in ways(obligation):
        premises = ordered(breach)
        said = supposed(premises)
        standing = solver.standing(said)
        if isinstance(standing, tuple):
            yield question(obligation.claim, said, "unsat", premises, standing)
        else:
            yield question(obligation.claim, said, standing)
        match solver.refute(said, breach.broken):
            case Possible():
                yield question(obligation.claim, (*said, breach.broken), "sat")
                return
            case Unknown():
                yield question(obligation.claim, (*said, breach.broken), "unknown")
            case Impossible(core):
                yield question(obligation.claim, (*said, breach.broken), "unsat", premises, core)


def question(
    claim: Claim, said: Sequence[Term], answer: Answer, premises: Sequence[Premise] = (), core: Sequence[int] = ()
) -> Asked:
    text = smtlib.canonical(said)
    return Asked(claim, text.key, text.text, answer, tuple(premises[place].name for place in core))

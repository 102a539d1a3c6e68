"""The account of each saga as a document: what a reader has to know, the most important first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from sagac.compiler import residue, wording
from sagac.compiler.document import Block, Document, Heading, Item, Lines, Listing, Paragraph, Table
from sagac.compiler.groups import GROUPS
from sagac.compiler.guarantees import WORST_FIRST, Account, Excuse, Failure, Gap, Guarantee, Row
from sagac.compiler.report import Promise

TITLE: Final = "What is guaranteed"

ROWS_MAX: Final = 20
"""A longer table tells neighbours of which the same is known together, where that is wanted."""

CLAIMS_MAX: Final = 6
"""So many guarantees that rest on a promise are named; of more, how many there are."""

NAMED_MAX: Final = 4
"""So many steps that wait for the same reason are named; of more, the first and how many."""

EXPLAINED: Final = {
    "proved": "holds in every run, at every failure point, in every interleaving, given the declared contracts",
    "shallow": "proved, but it says little: the contract leaves nothing that could fail it",
    "assumed": "holds if promises that nobody declared are kept",
    "not declared": "nobody has declared what the question is about: a line of the spec would let it be decided",
    "not proved": "a clause is declared, and this version does not prove it",
    "waived": "refuted, and somebody answers for it until a date",
    "undecided": "the solver gave up within its limit, or a counterexample did not replay; never a proof",
    "vacuous": "nothing meets what the question supposes",
    "refuted": "there is a run that breaks it",
}
"""What each word of the table means."""


def brief(accounts: Sequence[Account], *, merged: bool) -> Document:
    """The document about these sagas. `merged` tells steps of a long saga together where the same is known of them."""
    blocks = tuple(block for account in accounts for block in of_saga(account, merged=merged))
    return Document(TITLE, blocks or (Paragraph("There is no saga here: nothing was proved."),))


def of_saga(account: Account, *, merged: bool) -> Iterator[Block]:
    """Everything about one saga."""
    yield Heading(1, f"{account.saga} version {account.version}")
    yield Paragraph(" ".join(verdict(account)))
    yield from table(account, merged=merged)
    yield from failures(account.failures)
    yield from part("Open claims", [open_claim(each) for each in account.guarantees if each.word in OPEN])
    yield from excuses(account.excuses)
    yield from part("What it assumes", [resting(each) for each in account.promises if not each.declared], ASSUMED)
    yield from part("What it relies on", [resting(each) for each in account.promises if each.declared], DECLARED)
    yield from part("Proofs that say little", [shallow(each) for each in account.guarantees if each.word == "shallow"])
    yield from part("What is not proved", list(gaps(account.gaps)), UNPROVED)
    yield from declarations(account)
    yield from residues(account)


OPEN: Final = ("undecided", "vacuous")

ASSUMED: Final = "Nobody declared these. Each is followed by the guarantees that would fall with it."
DECLARED: Final = "The contracts declare these. Each is followed by the guarantees that rest on it."
NOTHING: Final = (
    "Nothing is declared to stay. That each undo gives back all that its step changed is as sure as the table says "
    "under effects."
)
UNPROVED: Final = "These clauses are read and type-checked; this version does not prove them."


# --- the headline and the table ------------------------------------------------------------------------------------


def verdict(account: Account) -> Iterator[str]:
    """How much of it is proved, in a sentence or two."""
    if account.owner:
        yield f"Owned by {account.owner}."
    counts = Counter(one.word for one in account.guarantees)
    total = len(account.guarantees)
    if total and counts["proved"] == total:
        yield f"All {total} claims are proved."
    elif total:
        told = ", ".join(f"{counts[word]} {word}" for word in reversed(WORST_FIRST) if counts[word])
        yield f"{wording.counted(total, 'claim')}: {told}."
    else:
        yield "Nothing is claimed."
    if account.gaps:
        yield f"{wording.counted(len(account.gaps), 'declared clause')} not proved yet."


def table(account: Account, *, merged: bool) -> Iterator[Block]:
    """The guarantees by step, and what the words in it mean."""
    yield Heading(2, "Guarantees by step")
    head = ("step", *(group.name for group in GROUPS))
    found = tuple(cells(rows) for rows in stretches(account.rows, merged=merged))
    yield Table(f"Guarantees of {account.saga} by step", head, found, verdicts=True)
    asked = [Item(group.question, label=f"{group.name} ({group.letter})") for group in GROUPS]
    used = [word for word in EXPLAINED if any(word in row for row in found)]
    yield Listing((*asked, *(Item(EXPLAINED[word], label=word) for word in used)))


def stretches(rows: Sequence[Row], *, merged: bool) -> Iterator[tuple[Row, ...]]:
    """Each row alone; in a long table neighbours of which the same is known together."""
    if not merged or len(rows) <= ROWS_MAX:
        yield from ((row,) for row in rows)
        return
    for _, alike in groupby(rows, key=lambda row: (not row.step, tuple(row.words.values()))):
        yield tuple(alike)


def cells(rows: Sequence[Row]) -> tuple[str, ...]:
    """The cells of a stretch of rows: who, and the word for each group."""
    first, last = rows[0], rows[-1]
    who = f"`{first.step}`" if first.step else "whole saga"
    if len(rows) > 1:
        who = f"`{first.step}` to `{last.step}` ({len(rows)} steps)"
    return (who, *(word or "-" for word in first.words.values()))


# --- what is wrong -------------------------------------------------------------------------------------------------


def failures(found: Sequence[Failure]) -> Iterator[Block]:
    """Every finding with its run."""
    if found:
        yield Heading(2, "Findings")
    for each in found:
        yield Heading(3, f"{each.severity} {each.code} at {each.place}")
        yield Paragraph(sentence(each.message))
        if each.trace:
            yield Lines(each.trace)
        if each.help:
            yield Listing(tuple(Item(advice) for advice in each.help))


def open_claim(one: Guarantee) -> Item:
    return Item(f"{one.family}, {one.word}: {one.text}", (one.reason,) if one.reason else ())


def shallow(one: Guarantee) -> Item:
    return Item(f"{one.family}: {one.text}", (one.reason,))


def excuses(given: Sequence[Excuse]) -> Iterator[Block]:
    """Who answers for what, until when."""
    if not given:
        return
    yield Heading(2, "Waivers")
    yield Table("Waivers", ("waived", "by", "until", "because", "finding"), tuple(excused(each) for each in given))


def excused(excuse: Excuse) -> tuple[str, ...]:
    waiver = excuse.waiver
    where = f"{waiver.code} on `{waiver.step}`" if waiver.step else waiver.code
    covers = "; ".join(excuse.covers) or "covers nothing: it has expired, or nothing is found"
    return where, waiver.by, waiver.until, waiver.because, covers


# --- what it rests on, and what is missing -------------------------------------------------------------------------


def part(title: str, items: Sequence[Item], lead: str = "") -> Iterator[Block]:
    """A titled list with what is said before it; nothing where there is nothing to list."""
    if items:
        yield Heading(2, title)
        if lead:
            yield Paragraph(lead)
        yield Listing(tuple(items))


def resting(promise: Promise) -> Item:
    """A promise with what rests on it."""
    shown = promise.claims[:CLAIMS_MAX]
    more = len(promise.claims) - len(shown)
    return Item(f"{promise.name}", (", ".join(shown) + (f" and {more} more" if more else ""),))


def gaps(given: Sequence[Gap]) -> Iterator[Item]:
    """The unproved clauses of each group, counted by their word, with what each says below."""
    for group in GROUPS:
        for clause, found in by_clause(each for each in given if each.group == group.name):
            yield Item(f"{group.name}: `{clause}`", tuple(each.text for each in found))


def by_clause(given: Iterable[Gap]) -> Iterator[tuple[str, tuple[Gap, ...]]]:
    found: dict[str, list[Gap]] = {}
    for each in given:
        found.setdefault(each.clause, []).append(each)
    yield from ((clause, tuple(gaps)) for clause, gaps in found.items())


def declarations(account: Account) -> Iterator[Block]:
    """The lines that would let more be decided."""
    if not account.advice:
        return
    yield Heading(2, "What to declare to have more proved")
    yield Listing(tuple(Item(f"{each.place}: `{each.line}`", (each.proves,)) for each in account.advice))


# --- what a run leaves ---------------------------------------------------------------------------------------------


def residues(account: Account) -> Iterator[Block]:
    """What a failed run may leave behind, and where it may wait for a person."""
    yield Heading(2, "What a run may leave behind")
    if account.residues:
        yield Listing(tuple(left(each) for each in account.residues))
    else:
        yield Paragraph(NOTHING)
    if account.waits:
        yield Paragraph("A run stops and waits for a person, with what was done so far still standing, where:")
        yield Listing(tuple(waiting(account.waits)))


def waiting(waits: Sequence[residue.Wait]) -> Iterator[Item]:
    """Where a run may stop, those with the same reason together."""
    found: dict[tuple[str, str], list[str]] = {}
    for wait in waits:
        found.setdefault((wait.direction, wait.why), []).append(wait.step)
    for (direction, why), steps in found.items():
        who = wording.listing(steps) if len(steps) <= NAMED_MAX else f"`{steps[0]}` and {len(steps) - 1} more"
        yield Item(f"{'the undo of ' if direction == 'undo' else ''}{who}: {why}")


def left(each: residue.Residue) -> Item:
    because = f": {each.because}" if each.because else ""
    return Item(f"`{each.step}` ({each.kind}){because}", (f"stays {residue.WHEN[each.kind]}", *each.records))


def sentence(message: str) -> str:
    """A message as a sentence of a page."""
    first = message[:1].upper() if message[:1].isalpha() else message[:1]
    return f"{first}{message[1:]}."

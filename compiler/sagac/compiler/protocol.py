"""The protocol of one call and its undo, explored to the end: which policy is sound for which declared capabilities.

The kernel sends, resends, probes, revokes and undoes as rules R2 and R3 say; the service and the network do their
worst: lose calls and answers, deliver calls late, refuse, answer "not applied, try again", and forget a key once its
window has passed. A policy is unsound when, with nothing left on the wire, an effect stands that the kernel takes for
absent, or the other way round. `sagac.compiler.protocol_table` holds the outcome for every case; a test regenerates it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, Literal, TypeAlias, get_args

Memory: TypeAlias = Literal["none", "effect", "window", "kept"]
"""How long the service knows a key again: never, for the time of `idempotent for`, for good.

`effect` has no key, but what the call does is the same the second time, as long as it stands.
"""

Undoing: TypeAlias = Literal["none", "once", "idempotent", "revokes"]
"""What the undo promises: there is none, it may be called once, it may be repeated, it revokes."""

Resend: TypeAlias = Literal["never", "bounded", "forever"]

Doubt: TypeAlias = Literal["revoke", "probe", "hold", "none"]

ATTEMPTS: Final = (1, 2, 3)
"""A schedule that ends is explored with so many attempts; one that does not, with so many on the wire at a time."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is declared of a call and its undo, and what the kernel does about a lost answer."""

    memory: Memory
    lands: bool
    probe: bool
    undoing: Undoing
    resend: Resend
    doubt: Doubt
    repeats_undo: bool
    """Whether an undo whose answer was lost is sent again."""
    attempts: int = ATTEMPTS[0]

    @property
    def key(self) -> str:
        """The profile as a line of the table."""
        facts = (
            self.memory,
            "lands" if self.lands else "-",
            "probe" if self.probe else "-",
            self.undoing,
            self.resend,
            self.doubt,
            "repeated" if self.repeats_undo else "-",
        )
        return " ".join(facts)


@dataclass(frozen=True, slots=True)
class State:
    """One moment of the protocol."""

    phase: Literal[
        "sent", "doubt", "lingering", "lapsed", "revoking", "succeeded", "failed", "undoing", "undone", "held"
    ] = "sent"
    attempt: int = 1
    unanswered: bool = False
    call: bool = True
    """The latest attempt is on its way."""
    late: int = 0
    """Earlier attempts that are still on their way."""
    answer: Literal["", "ok", "refused", "transient"] = ""
    effect: int = 0
    """How often the call has taken effect, less how often that was undone."""
    known: Literal["fresh", "done", "refused", "fenced"] = "fresh"
    """What the service knows of the call's key."""
    forgotten: bool = False
    undo_call: bool = False
    undo_late: int = 0
    undo_answer: bool = False
    undo_known: bool = False
    blind: bool = False
    """Something was undone that had not happened."""


Move: TypeAlias = tuple[str, State]


def profiles() -> Iterator[Profile]:
    """Every profile that a spec can have, and some that only a wrong planner would make."""
    for memory, lands, probe, undoing, resend, doubt, repeats in product(
        get_args(Memory),
        (False, True),
        (False, True),
        get_args(Undoing),
        get_args(Resend),
        get_args(Doubt),
        (False, True),
    ):
        possible = (
            (memory != "none" or resend == "never")
            and (memory != "effect" or (lands and not probe and resend != "forever"))
            and (doubt != "probe" or probe)
            and (doubt != "revoke" or undoing != "none")
            and (undoing != "none" or not repeats)
        )
        if possible:
            yield Profile(memory, lands, probe, undoing, resend, doubt, repeats)


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of exploring a profile: how many states there are, and the shortest way to a wrong one, if any."""

    states: int
    trace: tuple[str, ...] = ()


def explore(profile: Profile, *, outlives: bool) -> Explored:
    """Every state that can be reached; `outlives` says whether a call may arrive after its key was forgotten."""
    start = State()
    came: dict[State, tuple[State, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        if is_wrong(state):
            return Explored(len(came), path(came, state))
        for name, after in moves(profile, state, outlives=outlives):
            if after not in came:
                came[after] = state, name
                waiting.append(after)
    return Explored(len(came))


def reachable(profile: Profile, attempts: int) -> frozenset[State]:
    """Every state that can be reached with so many attempts, as long as no call outlives its window."""
    profile = replace(profile, attempts=attempts)
    seen = {State()}
    waiting = deque(seen)
    while waiting:
        for _, after in moves(profile, waiting.popleft(), outlives=False):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return frozenset(seen)


def path(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    """The moves that led to a state."""
    found = []
    step = came[state]
    while step is not None:
        found.append(step[1])
        step = came[step[0]]
    return tuple(reversed(found))


def is_wrong(state: State) -> bool:
    """With nothing on the wire, the world is not what the kernel believes."""
    if state.blind:
        return True
    if state.call or state.late or state.undo_call or state.undo_late:
        return False
    match state.phase:
        case "succeeded":
            return state.effect != 1
        case "failed" | "undone":
            return state.effect != 0
        case _:
            return False


# --- moves ---------------------------------------------------------------------------------------------------------


def moves(profile: Profile, state: State, *, outlives: bool) -> Iterator[Move]:
    """Everything that can happen next."""
    if state.call:
        yield from delivered(profile, replace(state, call=False), current=True)
        yield "lost", replace(state, call=False)
    if state.late:
        yield from delivered(profile, replace(state, late=state.late - 1), current=False)
        yield "late lost", replace(state, late=state.late - 1)
    if state.undo_call or state.undo_late:
        yield from undo_delivered(profile, state)
    if profile.memory == "window" and not state.forgotten and (outlives or not (state.call or state.late)):
        yield "forgotten", forget(state)
    yield from kernel_moves(profile, state)


def forget(state: State) -> State:
    """The window has passed: the service does not know the key any more, and the kernel sends nothing more under it."""
    return replace(state, forgotten=True, known="fresh")


def delivered(profile: Profile, state: State, *, current: bool) -> Iterator[Move]:
    """The service gets a call: it does it, refuses it or puts it off; a key that it knows is answered as before."""
    word = "arrives" if current else "late arrives"
    known = state.known
    if known == "fenced":
        yield f"{word}: fenced", answered(state, "refused", current=current)
    elif profile.memory == "effect" and state.effect > 0:
        yield f"{word}: the same", answered(state, "ok", current=current)
        yield f"{word}: refused", answered(state, "refused", current=current)
        yield f"{word}: not applied", answered(state, "transient", current=current)
    elif known == "done" and remembers(profile):
        yield f"{word}: known", answered(state, "ok", current=current)
    elif known == "refused" and remembers(profile):
        yield f"{word}: refused", answered(state, "refused", current=current)
    else:
        yield f"{word}: effect", answered(replace(state, effect=state.effect + 1, known="done"), "ok", current=current)
        refused = state if known == "done" else replace(state, known="refused")
        yield f"{word}: refused", answered(refused, "refused", current=current)
        yield f"{word}: not applied", answered(state, "transient", current=current)


def remembers(profile: Profile) -> bool:
    """The service knows a key again."""
    return profile.memory in ("window", "kept")


def answered(state: State, answer: Literal["ok", "refused", "transient"], *, current: bool) -> State:
    """The answer is on its way; to a call that was given up, nobody listens."""
    return replace(state, answer=answer) if current and state.phase == "sent" else state


def undo_delivered(profile: Profile, state: State) -> Iterator[Move]:
    """The service gets an undo, the latest or an earlier one."""
    if state.undo_call:
        after = undone_once(profile, replace(state, undo_call=False))
        yield "undo arrives", replace(after, undo_answer=True)
        yield "undo lost", replace(state, undo_call=False)
    if state.undo_late:
        yield "undo arrives again", undone_once(profile, replace(state, undo_late=state.undo_late - 1))
        yield "undo lost", replace(state, undo_late=state.undo_late - 1)


def undone_once(profile: Profile, state: State) -> State:
    """What an undo does to the world."""
    if profile.undoing in ("idempotent", "revokes") and state.undo_known:
        return state
    done = state.effect > 0
    if profile.undoing == "revokes":
        return replace(state, effect=state.effect - done, known="fenced", undo_known=True)
    return replace(state, effect=state.effect - done, undo_known=True, blind=state.blind or not done)


def kernel_moves(profile: Profile, state: State) -> Iterator[Move]:
    """What the kernel makes of what it knows."""
    match state.phase:
        case "sent":
            yield from attempt_moves(profile, state)
        case "doubt":
            yield from doubt_moves(profile, state)
        case "lingering" if not (state.call or state.late):
            yield "no copy left", replace(state, phase="succeeded", unanswered=False)
        case "lapsed":
            # It looks at the effect, not at the key, which may be forgotten by now.
            present = state.effect > 0
            found = "present" if present else "absent"
            yield (
                f"probe: {found}",
                replace(state, phase="succeeded") if present else retried(profile, state, "transient"),
            )
        case "succeeded" if profile.undoing != "none":
            yield "turned", replace(state, phase="undoing", undo_call=True)
        case "undoing" | "revoking":
            yield from undo_moves(profile, state)
        case _:
            return


def attempt_moves(profile: Profile, state: State) -> Iterator[Move]:
    """The answer comes, or does not."""
    if state.answer == "ok":
        lingers = profile.memory == "effect" and state.unanswered
        yield "ok", replace(state, phase="lingering" if lingers else "succeeded", answer="")
    elif state.answer == "refused":
        # Only an idempotent command's refusal speaks for the attempts before it (R2).
        settles = not state.unanswered or remembers(profile)
        yield "refused", replace(state, phase="failed" if settles else "doubt", answer="")
    elif state.answer == "transient":
        yield "not applied", retried(profile, replace(state, answer=""), "transient")
    lost = replace(state, answer="", call=False, late=state.late + state.call, unanswered=True)
    yield "no answer", retried(profile, lost, "unknown")


def retried(profile: Profile, state: State, outcome: Literal["transient", "unknown"]) -> State:
    """The next attempt, or what follows when there is none."""
    if outcome == "transient" and state.phase == "lapsed":
        state = replace(state, unanswered=False)
    safe = outcome == "transient" and not state.unanswered
    allowed = not state.forgotten and (profile.resend != "never" or safe)
    if allowed and state.late < profile.attempts and (profile.resend == "forever" or state.attempt < profile.attempts):
        attempt = 1 if profile.resend == "forever" else state.attempt + 1
        return replace(state, phase="sent", attempt=attempt, call=True)
    if profile.resend == "forever" and not state.forgotten:
        # As many on the wire as are explored: the next one waits for one of them to arrive or to be lost.
        return replace(state, phase="sent")
    return replace(state, phase="doubt" if state.unanswered else "failed")


def doubt_moves(profile: Profile, state: State) -> Iterator[Move]:
    """The policy for an outcome that stays unknown (R3)."""
    if profile.doubt == "hold" or (state.forgotten and profile.doubt != "none"):
        yield "held", replace(state, phase="held")
    elif profile.doubt == "none":
        yield "taken for failed", replace(state, phase="failed")
    elif profile.doubt == "revoke":
        yield "undone in doubt", replace(state, phase="revoking", undo_call=True)
    elif not profile.lands:
        yield "probe is believed", replace(state, phase="lapsed")
    elif not (state.call or state.late):
        yield "lapsed", replace(state, phase="lapsed")


def undo_moves(profile: Profile, state: State) -> Iterator[Move]:
    """The undo is confirmed, or its answer is lost."""
    after: Literal["undone", "failed"] = "undone" if state.phase == "undoing" else "failed"
    if state.undo_answer:
        yield "undo confirmed", replace(state, phase=after, undo_answer=False)
    if not profile.repeats_undo:
        gone = replace(
            state, phase="held", undo_answer=False, undo_call=False, undo_late=state.undo_late + state.undo_call
        )
        yield "undo unanswered", gone
    elif state.undo_late + state.undo_call < profile.attempts:
        again = replace(state, undo_answer=False, undo_call=True, undo_late=state.undo_late + state.undo_call)
        yield "undo sent again", again


# --- the table -----------------------------------------------------------------------------------------------------


def table() -> dict[str, str]:
    """For each profile: `sound`; `sound unless a call outlives its window`; or the shortest trace to a wrong state."""
    return {profile.key: outcome(profile) for profile in profiles()}


def outcome(profile: Profile) -> str:
    """The line of one profile."""
    trace = shortest(profile, outlives=True)
    if not trace:
        return "sound"
    if profile.memory != "window":
        return "; ".join(trace)
    return "; ".join(shortest(profile, outlives=False)) or "window"


def shortest(profile: Profile, *, outlives: bool) -> tuple[str, ...]:
    """The shortest way to a wrong state, with few attempts if they suffice; empty where there is none."""
    for attempts in ATTEMPTS:
        explored = explore(replace(profile, attempts=attempts), outlives=outlives)
        if explored.trace:
            return explored.trace
    return ()


def module(rows: dict[str, str]) -> str:
    """The table as the text of its module."""
    return HEAD + "".join(f'    "{key}": "{row}",\n' for key, row in sorted(rows.items())) + "}\n"


HEAD: Final = '''"""Which policy is sound for which declared capabilities; made by `python -m sagac.compiler.protocol`.

A line is `sound`, `window` (sound as long as no call arrives after its key was forgotten), or a trace.
"""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ROWS: Final[Mapping[str, str]] = {
'''


if __name__ == "__main__":
    print(module(table()), end="")

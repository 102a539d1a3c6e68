"""A session with a simulation: lines in, lines out, with a way back from every choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sagac.compiler import options, recital, simulation, wording
from sagac.compiler.walk import Mistake, Walk
from sagac.runtime import kernel

WORDS: Final = {
    "back": "take the last choice back",
    "forward": "make it again",
    "show": "the story so far, and what is known of each step",
    "help": "everything that may happen next, and these words",
    "finish": "let everything go well to the end",
    "quit": "leave",
}
"""What may be written beside the choices."""

Say: TypeAlias = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Session:
    """Where a walk is, where it came from, and what was taken back."""

    walk: Walk
    past: tuple[Walk, ...] = ()
    future: tuple[Walk, ...] = ()
    is_over: bool = False


def start(walk: Walk) -> Session:
    """A session at the beginning of a walk."""
    return Session(walk)


def take(session: Session, line: str) -> tuple[Session, tuple[str, ...] | Mistake]:
    """The session after a line, and what is shown for it; or the session as it was, and what is wrong with the line."""
    word = line.strip()
    match word:
        case "back":
            return backward(session)
        case "forward":
            return forward(session)
        case "show":
            return session, shown(session.walk)
        case "help":
            return session, (*offered(session.walk), *(f"  {name}: {says}" for name, says in WORDS.items()))
        case "finish":
            return moved(session, simulation.finished(session.walk))
        case "quit":
            return replace(session, is_over=True), ()
        case _:
            after = simulation.choose(session.walk, word)
            return (session, after) if isinstance(after, Mistake) else moved(session, after)


def moved(session: Session, walk: Walk) -> tuple[Session, tuple[str, ...]]:
    """The session one choice further, and the lines that it adds to the story."""
    before, after = recital.story(session.walk), recital.story(walk)
    return Session(walk, (*session.past, session.walk)), news(before, after)


def news(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of a story that the one before it does not have, whatever their columns."""
    known = {" ".join(line.split()) for line in before}
    return tuple(line for line in after if " ".join(line.split()) not in known)


def backward(session: Session) -> tuple[Session, tuple[str, ...] | Mistake]:
    if not session.past:
        return session, Mistake("there is no choice to take back")
    *past, walk = session.past
    return Session(walk, tuple(past), (session.walk, *session.future)), ("one choice is taken back",)


def forward(session: Session) -> tuple[Session, tuple[str, ...] | Mistake]:
    if not session.future:
        return session, Mistake("no choice was taken back")
    walk, *future = session.future
    after, lines = moved(session, walk)
    return replace(after, future=tuple(future)), lines


# --- what is shown -------------------------------------------------------------------------------------------------


def opening(walk: Walk) -> tuple[str, ...]:
    """What it is a walk of, and with which values."""
    types = {field.name: field.type for field in walk.plan.inputs}
    given = ", ".join(f"{name} = {wording.value(value, types[name])}" for name, value in walk.run.input.items())
    return (f"{walk.saga.full_name} version {walk.saga.version}", *((f"with {given}",) if given else ()))


def offered(walk: Walk) -> tuple[str, ...]:
    """The choices, numbered."""
    choices = options.choices(walk)
    if not choices:
        return ("the run is over, and no call is on its way any more",)
    width = max(len(choice.text) for choice in choices)
    return tuple(f"{number:>3}  {choice.text:<{width}}  {choice.says}" for number, choice in enumerate(choices, 1))


def shown(walk: Walk) -> tuple[str, ...]:
    """The whole story, each step, and how the run stands."""
    return ("", *recital.story(walk), "", *recital.states(walk), "", *recital.outcome(walk))


def play(session: Session, lines: Iterable[str], say: Say) -> Session:
    """A session with a person: the choices are shown before each line, and a wrong line is answered and asked again."""
    for line in (*opening(session.walk), "", *offered(session.walk)):
        say(line)
    for line in lines:
        if not line.strip():
            continue
        session, answer = take(session, line)
        if session.is_over:
            break
        for each in (answer.text,) if isinstance(answer, Mistake) else answer:
            say(each)
        if not isinstance(answer, Mistake) and line.strip() not in ("help", "show"):
            for each in ("", *offered(session.walk)):
                say(each)
    for line in shown(session.walk):
        say(line)
    return session


def follow(session: Session, lines: Iterable[str], say: Say) -> Session | Mistake:
    """A session without a person: each choice is shown as it is made; the first wrong line ends it."""
    for line in opening(session.walk):
        say(line)
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].strip() if "{" not in line else line.strip()
        if not words:
            continue
        say(f"> {words}")
        session, answer = take(session, words)
        if isinstance(answer, Mistake):
            return Mistake(f"line {number}: {answer.text}")
        if session.is_over:
            break
        if words in ("show", "help"):
            for each in answer:
                say(each)
    for line in shown(session.walk):
        say(line)
    return session


def stroll(walk: Walk, seed: int) -> Iterator[str]:
    """A random walk with faults: the seed, each choice, and how it ends."""
    yield from opening(walk)
    yield f"seed {seed}"
    for choice, after in simulation.strolled(walk, seed):
        yield f"> {choice.text}"
        walk = after
    yield from shown(walk)
    if not kernel.is_ended(walk.run) and not kernel.held(walk.run):
        yield "the walk was broken off: it comes to no end"

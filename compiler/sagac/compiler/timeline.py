"""A replayed run as a short story: one line for what each step came to, in the author's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from sagac.compiler import values, wording
from sagac.runtime.events import (
    Answered,
    Cancelled,
    Due,
    Event,
    Expired,
    Intended,
    Lapsed,
    Locked,
    LockExpired,
    Overdue,
    Probed,
    Resumed,
    Started,
)
from sagac.runtime.expressions import Unavailable, View, evaluate
from sagac.runtime.plan import Call, Direction, Expression, Input, Result, Step
from sagac.runtime.run import Action, Run
from sagac.runtime.unwinding import view

COLLAPSE_OVER: Final = 4
"""So many like lines in a row are told one by one; more become one line."""

SENT_AGAIN: Final = "no answer, sent again"

CALL_WIDTH_MAX: Final = 64
"""A longer call pushes its own outcome to the right, not everybody's."""

IN_DOUBT: Final = ("lapsing", "probing", "revoking", "held")


@dataclass(frozen=True, slots=True)
class Moment:
    """An event, and the run after it."""

    event: Event
    run: Run


@dataclass(frozen=True, slots=True)
class Row:
    """What an action came to."""

    name: str
    call: str
    outcome: str
    step: str


Line: TypeAlias = Row | str


def tell(moments: Sequence[Moment], *, keep: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The run's story. `keep` names the steps that are never collapsed into a line with others."""
    plan = moments[0].run.plan
    mattering = frozenset(place for condition in values.guards(plan) for place in values.variables(condition))
    lines = [line for before, moment in earlier(moments) for line in happened(before, moment, mattering)]
    shown = collapsed(without_superseded(lines), keep)
    return laid_out([*unseen(moments, mattering, shown), *shown])


def without_superseded(lines: Sequence[Line]) -> list[Line]:
    """The lines without those that the next one tells better: a retry that comes to nothing either."""
    following = (*lines[1:], "")
    return [line for line, then in zip(lines, following, strict=False) if not is_superseded(line, then)]


def is_superseded(line: Line, then: Line) -> bool:
    return isinstance(line, Row) and isinstance(then, Row) and line.outcome == SENT_AGAIN and line.name == then.name


def earlier(moments: Sequence[Moment]) -> Iterator[tuple[Run | None, Moment]]:
    """Each moment with the run before it."""
    before: Run | None = None
    for moment in moments:
        yield before, moment
        before = moment.run


# --- what one event brought ----------------------------------------------------------------------------------------


def happened(before: Run | None, moment: Moment, mattering: frozenset[values.Variable]) -> Iterator[Line]:
    """The lines of one event: its own, then what the kernel made of it."""
    if before is not None:
        yield from told(before, moment, mattering)
    yield from settled_by_guard(before, moment.run)
    yield from turned(before, moment.run)
    yield from stuck(before, moment.run)
    yield from ended(before, moment.run)


def told(before: Run, moment: Moment, mattering: frozenset[values.Variable]) -> Iterator[Line]:
    event = moment.event
    match event:
        case Answered(direction="do"):
            yield from answered(before, moment.run, event, mattering)
        case Answered():
            yield from undo_answered(moment.run, event, mattering)
        case Cancelled():
            yield "the run is cancelled" if moment.run.mode != before.mode else "a cancel is refused"
        case Overdue():
            yield f"the {event.limit} has passed"
        case Resumed():
            yield "the orchestrator crashes, and another process takes the run over"
        case Lapsed():
            yield f"{lasting(moment.run, event.step)}no copy of `{event.step}` can arrive any more"
        case LockExpired():
            yield f"another run keeps the lock of `{event.step}` for so long that the step fails"
        case Probed():
            yield f"the probe of `{event.step}` {FOUND[event.found]}"
        case Expired():
            yield f"the window of {named(event.step, event.direction)} has passed"
        case Started() | Intended() | Locked() | Due():
            return
        case _:
            assert_never(event)


def lasting(run: Run, name: str) -> str:
    """How long a call may be on its way, where that is declared."""
    lands_within_ms = found(run, name)[0].lands_within_ms
    return "" if lands_within_ms is None else f"{wording.duration(lands_within_ms)} later "


FOUND: Final = {
    "present": "finds that it took effect",
    "absent": "finds that it did not take effect",
    "unanswered": "is not answered",
}


def answered(before: Run, run: Run, event: Answered, mattering: frozenset[values.Variable]) -> Iterator[Line]:
    """A do's answer, once it means something: retries are told with what ends them."""
    step, action = found(run, event.step)
    text = called(step.call, run, mattering)
    outcome = do_outcome(event, action, wording.duration(step.schedule.timeout_ms))
    if outcome:
        returned = matters_returned(step, action, mattering)
        yield Row(step.name, text, f"{outcome}{returned}", step.name)


def do_outcome(event: Answered, action: Action, timeout: str) -> str:
    """What became of a do with this answer; empty while it is tried again."""
    tries = f" within {timeout}" if event.attempt == 1 else f" to {event.attempt} attempts of {timeout}"
    match event.outcome:
        case "succeeded":
            return "done" if event.attempt == 1 else f"done at attempt {event.attempt}"
        case "refused" if action.state == "refused":
            return f"refused: {event.failure}" if event.failure else "refused"
        case "refused":
            return f"refused: {event.failure}, but an earlier attempt is unanswered"
        case "transient" if action.state == "refused":
            return f"fails: not applied, {wording.counted(event.attempt, 'attempt')}"
        case "transient" if action.state == "dropped":
            return "not applied, and not tried again"
        case "transient" | "unknown" if action.state in IN_DOUBT or action.state == "refused":
            return f"no answer{tries}"
        case "unknown" if event.attempt == 1:
            return SENT_AGAIN
        case _:
            return ""


def undo_answered(run: Run, event: Answered, mattering: frozenset[values.Variable]) -> Iterator[Line]:
    """An undo's answer, once it means something."""
    step, action = found(run, event.step)
    outcome = undo_outcome(event, action)
    if outcome:
        text = called(step.undos[action.undo_index].call, run, mattering)
        yield Row(f"undo {step.name}", text, outcome, step.name)


def undo_outcome(event: Answered, action: Action) -> str:
    if event.outcome == "succeeded":
        return "undone" if event.attempt == 1 else f"undone at attempt {event.attempt}"
    if action.undo != "held":
        return ""
    if event.outcome == "refused":
        return f"refused: {event.failure}" if event.failure else "refused"
    word = "not applied" if event.outcome == "transient" else "no answer"
    return f"{word}, {wording.counted(event.attempt, 'attempt')}"


def settled_by_guard(before: Run | None, run: Run) -> Iterator[Line]:
    """Steps that a guard skipped or failed."""
    for step, old, new in changes(before, run):
        if new.state == "skipped" and (old is None or old.state != "skipped"):
            yield Row(step.name, condition(step, run), "skipped", step.name)
        if new.state == "refused" and new.attempt == 0 and (old is None or old.state != "refused"):
            yield Row(step.name, condition(step, run), f"fails: {new.failure or new.detail}", step.name)


def condition(step: Step, run: Run) -> str:
    """A false guard with the values it saw."""
    if step.guard is None:
        return wording.call(step.call)
    seen = ", ".join(f"{place_name(place)} = {shown}" for place, shown in seen_values(step.guard, run))
    return f"when {wording.expression(step.guard)}" + (f"  ({seen})" if seen else "")


def seen_values(expression: Expression, run: Run) -> Iterator[tuple[values.Variable, str]]:
    for place in dict.fromkeys(values.variables(expression)):
        try:
            yield place, wording.value(evaluate(place, view(run)), place.type)
        except Unavailable:
            continue


def turned(before: Run | None, run: Run) -> Iterator[Line]:
    if run.cause and not (before is not None and before.cause):
        yield "the run turns back"


def stuck(before: Run | None, run: Run) -> Iterator[Line]:
    """Actions that only a person can settle from here on."""
    for step, old, new in changes(before, run):
        if new.state == "held" and (old is None or old.state != "held"):
            yield f"`{step.name}` is held: {new.detail or new.failure or 'a person must settle it'}"
        if new.undo == "held" and (old is None or old.undo != "held"):
            yield f"the undo of `{step.name}` is held: {new.undo_detail or 'a person must settle it'}"


def ended(before: Run | None, run: Run) -> Iterator[Line]:
    if run.mode in ("completed", "compensated") and (before is None or before.mode != run.mode):
        yield f"the run ends {run.mode}"


def changes(before: Run | None, run: Run) -> Iterator[tuple[Step, Action | None, Action]]:
    """Each step whose action changed, with what it was."""
    old = (None,) * len(run.actions) if before is None else before.actions
    for step, was, now in zip(run.plan.steps, old, run.actions, strict=True):
        if was is not now:
            yield step, was, now


def found(run: Run, name: str) -> tuple[Step, Action]:
    at = next(at for at, step in enumerate(run.plan.steps) if step.name == name)
    return run.plan.steps[at], run.actions[at]


def named(step: str, direction: Direction) -> str:
    return f"`{step}`" if direction == "do" else f"the undo of `{step}`"


# --- calls and values ----------------------------------------------------------------------------------------------


def called(call: Call, run: Run, mattering: frozenset[values.Variable]) -> str:
    """A call as the author has written it, with the values of the arguments that some condition reads."""
    texts = [argument(given, run, mattering) for _, given in call.arguments]
    return f"{wording.operation(call)}({', '.join(texts)})"


def argument(given: Expression, run: Run, mattering: frozenset[values.Variable]) -> str:
    words = wording.expression(given)
    if not isinstance(given, Input | Result) or given not in mattering:
        return words
    try:
        return f"{words} = {wording.value(evaluate(given, view(run)), given.type)}"
    except Unavailable:
        return words


def matters_returned(step: Step, action: Action, mattering: frozenset[values.Variable]) -> str:
    """The parts of a result that some condition reads."""
    if not action.has_result:
        return ""
    read = sorted(
        (place for place in mattering if isinstance(place, Result) and place.step == step.name), key=place_name
    )
    seen = View({}, {step.name: action.result}, {})
    return "".join(f", {place_name(place)} = {readable(place, seen)}" for place in read)


def readable(place: values.Variable, seen: View) -> str:
    try:
        return wording.value(evaluate(place, seen), place.type)
    except Unavailable:
        return "not there"


def place_name(place: values.Variable) -> str:
    return wording.expression(place)


def unseen(moments: Sequence[Moment], mattering: frozenset[values.Variable], shown: Sequence[Line]) -> Iterator[Line]:
    """The inputs that some condition reads, but no line shows."""
    texts = " ".join(line.call for line in shown if isinstance(line, Row))
    inputs = sorted((place for place in mattering if isinstance(place, Input)), key=place_name)
    facts = View(moments[0].run.input, {}, {})
    missing = [place for place in inputs if f"{place_name(place)} = " not in texts]
    if missing:
        yield "with " + ", ".join(f"{place_name(place)} = {readable(place, facts)}" for place in missing)


# --- layout --------------------------------------------------------------------------------------------------------


def collapsed(lines: Sequence[Line], keep: frozenset[str]) -> list[Line]:
    """Long stretches of steps that went alike, as one line each."""
    told: list[Line] = []
    stretch: list[Row] = []
    for line in (*lines, ""):
        if isinstance(line, Row) and line.step not in keep and (not stretch or alike(stretch[-1], line)):
            stretch.append(line)
            continue
        told.extend(stretch if len(stretch) <= COLLAPSE_OVER else [summary(stretch)])
        stretch = [line] if isinstance(line, Row) and line.step not in keep else []
        if not stretch and line:
            told.append(line)
    return told


def alike(one: Row, other: Row) -> bool:
    return one.outcome == other.outcome and one.name.startswith("undo ") == other.name.startswith("undo ")


def summary(stretch: Sequence[Row]) -> str:
    first, last = stretch[0], stretch[-1]
    return f"{len(stretch)} steps {first.outcome}: `{first.step}` to `{last.step}`"


def laid_out(lines: Sequence[Line]) -> tuple[str, ...]:
    """Rows in three columns, sentences as they are."""
    rows = [line for line in lines if isinstance(line, Row)]
    name_width = max((len(row.name) for row in rows), default=0)
    call_width = min(max((len(row.call) for row in rows), default=0), CALL_WIDTH_MAX)
    return tuple(
        f"{line.name:<{name_width}}  {line.call:<{call_width}}  {line.outcome}" if isinstance(line, Row) else line
        for line in lines
    )

"""Every rule is needed: with any one of them switched off, the search finds the harm, and how it comes about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from tests.properties.explorer import explore
from tests.properties.plans import CASES

from sagac.runtime import deciding, kernel, settling, unwinding
from sagac.runtime.commands import Command, Send
from sagac.runtime.plan import Step
from sagac.runtime.positions import Positions, listed
from sagac.runtime.run import Action, Run


@dataclass(frozen=True)
class Removal:
    """A rule, what stands in its place, and the harm on a named plan."""

    rule: str
    instead: tuple[tuple[Any, str, Any], ...]
    """Module, name and replacement of each function that the rule is."""
    case: str
    harm: str
    on_the_way: str
    """A step of the trace: the harm comes about in the expected way."""


def always(value: object) -> Callable[..., object]:
    """A rule that no longer looks."""
    return lambda *_, **__: value


def unchanged(step: Step, action: Action) -> Action:
    """A takeover that changes nothing."""
    return action


def marked_only(step: Step, action: Action) -> Action:
    """A takeover that sends again what is not idempotent."""
    return settling.marked_unanswered(action) if action.state == "sent" else action


def believed_at_once(step: Step, action: Action) -> Action:
    """A probe that is asked before the calls have lapsed."""
    return settling.lapsed(action) if step.probe else settling.held(action, "unknown")


def answered_for_all(step: Step, action: Action, due_at: int, detail: str, *, draining: bool) -> Action:
    """A transient answer that speaks for the earlier attempts too."""
    again = settling.may_send_again(step, action, due_at)
    return replace(action, state="paused" if again else "refused")


def assumed_failed(step: Step, action: Action) -> Action:
    """An unknown outcome that counts as failed."""
    return replace(action, state="refused")


def undone_anyway(action: Action, why: str) -> Action:
    """A failed undo that is skipped."""
    return replace(action, undo="undone")


def followers_alone(run: Run, i: int, cleared: Positions) -> bool:
    """An order that looks at direct neighbours only, and stops at what has no undo."""
    return all(unwinding.discharged(run, j) for j in listed(run.layout.undo_after[i]))


def confirmed_when_sent(action: Action) -> bool:
    """An undo that counts once it is on its way."""
    return action.undo in ("sent", "paused", "undone")


def followers_sent(run: Run, i: int, cleared: Positions) -> bool:
    """An undo that is sent as soon as the later ones are."""
    return all(confirmed_when_sent(run.actions[j]) for j in listed(run.layout.undo_after[i] & ~cleared))


def without_holds(run: Run) -> bool:
    """A drain that does not wait for people."""
    return not any(action.state in unwinding.FORWARD for action in run.actions)


def one_key(saga: str, run_key: str, step: str, direction: str) -> str:
    """A key that does and undos share."""
    return f"{step}"


_commands = deciding.commands


def sent_by_the_clock(run: Run, now: int) -> Iterator[Command]:
    """A driver that sends when a pause is over, without the event that says so."""
    yield from _commands(run, now)
    for i, action in enumerate(run.actions):
        if action.state == "paused":
            sent = replace(action, state="sent", attempt=action.attempt + 1)
            for command in _commands(unwinding.with_action(run, i, sent), now):
                if isinstance(command, Send) and command.step == run.plan.steps[i].name:
                    yield command


REMOVALS = (
    Removal(
        "R2 an answer speaks for its attempt only",
        ((settling, "not_applied", answered_for_all),),
        "transient alone",
        "compensated, but t has taken effect",
        "do t: transient",
    ),
    Removal(
        "R2 a dropped pause does not settle an earlier attempt",
        ((settling, "pause_is_dropped", always(True)),),
        "chain of two",
        "compensated, but a has taken effect",
        "a#1 times out",
    ),
    Removal(
        "R3 only what is idempotent is sent again",
        ((settling, "may_resend", always(True)),),
        "probed",
        "double effect of n",
        "n#1 times out",
    ),
    Removal(
        "R3 an unknown outcome is not a failure",
        ((settling, "in_doubt", assumed_failed),),
        "revoking",
        "compensated, but a has taken effect",
        "times out",
    ),
    Removal(
        "R3 a probe is believed only after the calls have lapsed",
        ((settling, "in_doubt", believed_at_once),),
        "probed",
        "double effect of n",
        "probe n: absent",
    ),
    Removal(
        "R3 what may still land by its effect is waited out before its undo",
        ((settling, "lingers", always(False)),),
        "repeatable",
        "n lands again after it was settled",
        "late do n",
    ),
    Removal(
        "R3 what may still land by its effect is waited out before the run's end",
        ((settling, "lingers", always(False)),),
        "repeatable pivot",
        "p lands again after it was settled",
        "late do p",
    ),
    Removal(
        "R2 a refusal answers no key that a service does not remember",
        ((settling, "refusal_settles", always(True)),),
        "repeatable and refused",
        "compensated, but n has taken effect",
        "do n: refused",
    ),
    Removal(
        "R3 after its window a do is not sent again",
        ((settling, "do_lasts_ms", always(float("inf"))),),
        "window",
        "double effect of a",
        "long crash",
    ),
    Removal(
        "R3 after its window an undo is not sent again",
        ((settling, "undo_lasts_ms", always(float("inf"))),),
        "window",
        "blind undo of a",
        "long crash",
    ),
    Removal(
        "R3 a revoking undo is idempotent only as long as its do",
        ((settling, "undo_lasts_ms", always(float("inf"))),),
        "window of a revoke",
        "double undo of r",
        "long crash",
    ),
    Removal(
        "R4 a step waits for what it comes after",
        ((kernel, "predecessors_settled", always(True)),),
        "chain of two",
        "b lands before a, which it comes after",
        "send b#1",
    ),
    Removal(
        "R5 no cancel is accepted past the point of no return",
        ((kernel, "may_be_turned", lambda run: run.mode == "running"),),
        "pivot",
        "turned, though p is irreversible and done",
        "cancel",
    ),
    Removal(
        "R6 every forward call settles before the first undo",
        ((unwinding, "forward_settled", always(True)), (unwinding, "drained", always(True))),
        "fork",
        "an undo overlaps a forward call",
        "cancel",
    ),
    Removal(
        "R6 a hold stops the rollback",
        ((unwinding, "drained", without_holds), (unwinding, "UNSETTLED", unwinding.FORWARD)),
        "bare",
        "undo order: a is undone before x",
        "x#1 times out",
    ),
    Removal(
        "R6 a turned run in which nothing failed is completed",
        ((unwinding, "nothing_failed", always(False)),),
        "chain of two",
        "rolled back, though nothing failed",
        "cancel",
    ),
    Removal(
        "R6 only a durable event sends the attempt after a pause",
        ((deciding, "commands", sent_by_the_clock),),
        "transient alone",
        "compensated, but t has taken effect",
        "send t#2",
    ),
    Removal(
        "R7 an undo counts only when it is confirmed",
        ((unwinding, "undo_confirmed", confirmed_when_sent),),
        "chain of three",
        "compensated, but a has taken effect",
        "do a: succeeded",
    ),
    Removal(
        "R7 an undo waits until the later ones are confirmed",
        ((unwinding, "followers_cleared", followers_sent),),
        "chain of three",
        "undo order: a is undone before b",
        "send undo a#1",
    ),
    Removal(
        "R7 the order passes through a query",
        ((unwinding, "followers_cleared", followers_alone),),
        "query in the middle",
        "undo order: a is undone before b",
        "send undo a#1",
    ),
    Removal(
        "R7 the order passes through a skipped step",
        ((unwinding, "followers_cleared", followers_alone),),
        "skip between two",
        "undo order: a is undone before b",
        "send undo a#1",
    ),
    Removal(
        "R7 the order passes through a step without an undo",
        ((unwinding, "followers_cleared", followers_alone),),
        "left in the middle",
        "undo order: a is undone before b",
        "send undo a#1",
    ),
    Removal(
        "R7 a rollback in order undoes one thing at a time",
        ((unwinding, "may_start", always(True)),),
        "rollback in order",
        "two undos at a time, though the rollback is in order",
        "",
    ),
    Removal(
        "R8 a failed undo is held",
        ((settling, "undo_failed", undone_anyway),),
        "undo that fails",
        "compensated, but a has taken effect",
        "undo a#2 times out",
    ),
    Removal(
        "R8 an undo that is not idempotent is not sent again",
        ((settling, "undo_is_idempotent", always(True)),),
        "undo that is not idempotent",
        "blind undo of a",
        "",
    ),
    Removal(
        "R9 past the pivot a failed step is held",
        ((kernel, "turns", always(True)),),
        "fallible after the pivot",
        "turned, though p is irreversible and done",
        "do y: refused",
    ),
    Removal(
        "R13 an undo has a key of its own",
        ((deciding, "call_key", one_key),),
        "chain of two",
        "compensated, but a has taken effect",
        "undo a: succeeded",
    ),
    Removal(
        "R13 an undo knows the key of what it undoes",
        ((deciding, "undoes", always("")),),
        "revoking",
        "the effect of r lands after its undo",
        "undo r: succeeded",
    ),
    Removal(
        "R14 a takeover marks what was sent",
        ((settling, "marked_unanswered", lambda action: action),),
        "transient alone",
        "compensated, but t has taken effect",
        "crash",
    ),
    Removal(
        "R14 a takeover does not send again what is not idempotent",
        ((settling, "resumed_do", marked_only),),
        "bare",
        "double effect of x",
        "crash",
    ),
    Removal(
        "R14 a takeover holds an undo that is not idempotent",
        ((settling, "resumed_undo", unchanged),),
        "undo that is not idempotent",
        "blind undo of a",
        "crash",
    ),
)


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: removal.rule)
def test_without_the_rule_the_search_finds_harm(removal: Removal, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, replacement in removal.instead:
        monkeypatch.setattr(module, name, replacement)
    findings = explore(CASES[removal.case], first_only=True).findings
    assert [removal.harm] == list(findings)
    assert any(removal.on_the_way in label for label in findings[removal.harm].trace), findings

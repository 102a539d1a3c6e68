"""C1: a lost answer is settled by what is declared; and the protocol that says which policies are sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.compiler.judging import INPUT, Judged, judged, story

from sagac.compiler import protocol, protocol_table
from sagac.compiler.obligations.unknown_outcomes import MOVES
from sagac.compiler.protocol import Profile
from sagac.compiler.verdicts import Assumed, Proved, Refuted, Verdict

HEAD = "key id  input { id: uuid }"


LATER = "step last after pay { do bank.find(id) }"


def declared(
    do: str = "", undo: str = "", step: str = "", *, pivot: bool = False, more: str = "", head: str = HEAD
) -> Judged:
    """A saga of one call and its undo, with these promises."""
    services = f"""
    enum Tier {{ standard, vip }}
    service bank {{
      owner "tests"
      command charge(id: uuid)
        {do}
      command refund(id: uuid)
        {undo}
      query find(id: uuid) -> {{ found: bool }}?
    }}
    """
    if pivot:
        steps = f'pivot step pay {{ do bank.charge(id)  irreversible because "paid"\n {step} }}'
    else:
        steps = f"step pay {{ do bank.charge(id)  compensate bank.refund(id)\n {step} }}"
    return judged(f"{steps}  {more}", services=services, head=head)


def forward(found: Judged) -> Verdict:
    return found.of("C1", "pay")[0].verdict


def test_a_revoking_undo_settles_a_lost_answer() -> None:
    verdict = forward(declared(undo="idempotent  revokes charge"))
    assert verdict == Proved(("`bank.refund` revokes `bank.charge`",))


def test_a_probe_settles_it_only_once_no_call_can_arrive_any_more() -> None:
    probed = forward(declared("probe find(id)  lands within 1m", "idempotent"))
    assert isinstance(probed, Proved)
    assert "`bank.find` finds whether `bank.charge` took effect" in probed.rests_on
    too_early = forward(declared("probe find(id)", "idempotent"))
    assert isinstance(too_early, Refuted)
    assert "declare `lands within …` on `bank.charge`" in too_early.help


def test_a_key_alone_settles_nothing_before_the_pivot() -> None:
    verdict = forward(declared("idempotent", "idempotent"))
    assert isinstance(verdict, Refuted)
    assert verdict.message == "nothing settles a lost answer to `pay`: it may have taken effect, or not"
    assert verdict.help[0].startswith("declare `revokes charge` on `bank.refund`")
    assert story(verdict).unknown == "pay"
    assert story(verdict).events == (
        "`bank.charge` arrives and takes effect",
        "no answer comes: nobody knows whether `bank.charge` took effect",
        "the step is taken for failed",
    )


def test_a_person_may_be_the_policy() -> None:
    assert isinstance(forward(declared(undo="idempotent", step="on unknown hold")), Proved)


def test_a_pivot_is_sent_for_ever_or_probed_or_held() -> None:
    assert isinstance(forward(declared("idempotent", step="retry forever", pivot=True)), Proved)
    assert isinstance(forward(declared("probe find(id)  lands within 1m", pivot=True)), Proved)
    assert isinstance(forward(declared(step="on unknown hold", pivot=True)), Proved)
    bounded = forward(declared("idempotent", step="retry 5 times", pivot=True))
    assert isinstance(bounded, Refuted)
    assert "or `retry forever` in `pay`" in bounded.help


def test_a_window_is_enough_for_an_answer_that_is_lost() -> None:
    found = declared("idempotent for 7d", "idempotent  revokes charge")
    assert isinstance(forward(found), Proved)
    (kept,) = found.of("C5", "pay")
    assert isinstance(kept.verdict, Proved)
    assert any(promise.startswith("a copy of `bank.charge` arrives within 6d 23h") for promise in kept.verdict.rests_on)


def test_a_probe_sees_the_effect_also_when_the_key_is_forgotten() -> None:
    found = declared("idempotent for 7d  probe find(id)  lands within 1m", "idempotent", more=LATER)
    assert found.is_sound()
    promises = forward(found).rests_on  # type: ignore[union-attr]  # proved, as asserted above
    assert "`bank.charge` is idempotent for 7d, and a refusal answers its key for good" in promises
    assert "`bank.charge` lands within 1m or never" in promises


def test_an_undo_that_is_not_idempotent_cannot_be_sent_again() -> None:
    found = declared("probe find(id)  lands within 1m", more=LATER)
    refuted = found.refuted("C1")["pay"]
    assert refuted.message == "nothing settles a lost answer to the undo of `pay`: sent again, it could undo twice"
    assert story(refuted).events[-3:] == (
        "`bank.refund` arrives",
        "no answer to `bank.refund` comes, and it is sent again",
        "`bank.refund` arrives",
    )


def test_an_undo_that_is_never_needed_may_be_called_once() -> None:
    found = declared("probe find(id)  lands within 1m")
    assert "C1" not in {each.claim.family for each in found.judgements if not isinstance(each.verdict, Proved)}
    assert found.dead()["pay"].code == "W701"


def test_a_lost_answer_is_told_with_the_values_that_lead_to_it() -> None:
    found = declared("idempotent", "idempotent", 'when note == "x" and amount > 500', more=LATER, head=INPUT)
    assert story(found.refuted("C1")["pay"]).input == {"note": "x", "amount": 501}


def test_an_undo_rests_on_its_window() -> None:
    found = declared("probe find(id)  lands within 1m", "idempotent for 7d")
    assert found.of("C1", "pay")[1].verdict == Proved(
        ("`bank.refund` is idempotent for 7d: a second call changes nothing",)
    )


def test_what_nobody_declared_is_assumed_by_name() -> None:
    found = judged("step a { do air.book(id)  compensate air.cancel(id) }", services="", head=HEAD)
    verdict = forward_of(found, "a")
    assert isinstance(verdict, Assumed)
    assert "`air.cancel` revokes `air.book`" in verdict.rests_on


def forward_of(found: Judged, step: str) -> Verdict:
    return found.of("C1", step)[0].verdict


# --- the protocol --------------------------------------------------------------------------------------------------


def test_the_table_is_what_the_exploration_finds() -> None:
    # `python -m sagac.compiler.protocol` prints the module again.
    assert Path(protocol_table.__file__).read_text(encoding="utf-8") == protocol.module(protocol.table())


def test_the_table_has_a_line_for_every_profile() -> None:
    assert len(protocol_table.ROWS) == len(set(protocol.profiles())) == 698


def test_every_move_has_words() -> None:
    moves = {move for row in protocol_table.ROWS.values() for move in row.split("; ")} - {"sound", "window"}
    assert moves <= MOVES.keys()


@pytest.mark.parametrize(
    ("profile", "states"),
    [
        (Profile("kept", False, False, "idempotent", "forever", "none", True, 3), 119),
        (Profile("none", False, False, "revokes", "never", "revoke", True, 3), 232),
        (Profile("none", True, True, "idempotent", "never", "probe", True, 3), 162),
        (Profile("effect", True, False, "revokes", "bounded", "revoke", True, 3), 290),
    ],
)
def test_a_sound_policy_is_explored_to_the_end(profile: Profile, states: int) -> None:
    explored = protocol.explore(profile, outlives=True)
    assert explored.trace == ()
    assert explored.states == states


def test_taking_a_lost_answer_for_a_failure_is_sound_only_where_every_call_is_answered() -> None:
    for key, row in protocol_table.ROWS.items():
        memory, _, _, _, resend, doubt, _ = key.split()
        if doubt == "none" and resend != "forever":
            assert row not in ("sound", "window"), (memory, key)


def test_a_probe_that_is_believed_at_once_is_never_sound() -> None:
    for key, row in protocol_table.ROWS.items():
        memory, lands, _, _, resend, doubt, _ = key.split()
        if doubt == "probe" and lands == "-" and resend != "forever":
            assert row not in ("sound", "window"), (memory, key)


def test_undoing_in_doubt_is_sound_only_with_an_undo_that_revokes() -> None:
    for key, row in protocol_table.ROWS.items():
        _, _, _, undoing, resend, doubt, _ = key.split()
        if doubt == "revoke" and resend != "forever":
            assert (row in ("sound", "window")) == (undoing == "revokes"), key


def test_what_is_the_same_the_second_time_is_settled_by_what_settles_a_key() -> None:
    for key, row in protocol_table.ROWS.items():
        memory, *rest = key.split()
        if memory == "effect":
            assert (row == "sound") == (protocol_table.ROWS[" ".join(("kept", *rest))] == "sound"), key


def test_without_waiting_for_copies_what_is_undone_may_land_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = protocol.attempt_moves

    def at_once(profile: Profile, state: protocol.State) -> Iterator[protocol.Move]:
        for move, after in hasty(profile, state):
            yield move, replace(after, phase="succeeded") if after.phase == "lingering" else after

    profile = Profile("effect", True, False, "idempotent", "bounded", "hold", True)
    assert protocol.shortest(profile, outlives=True) == ()
    monkeypatch.setattr(protocol, "attempt_moves", at_once)
    assert "late arrives: effect" in protocol.shortest(profile, outlives=True)


def test_a_call_that_is_sent_again_without_a_key_is_never_even_a_profile() -> None:
    assert not any(profile.memory == "none" and profile.resend != "never" for profile in protocol.profiles())

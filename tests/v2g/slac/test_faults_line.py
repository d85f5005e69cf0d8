"""Frames that are lost, doubled, late or foreign, one kind at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, evse, pair
from tests.v2g.slac.rig import LINE_MS, Line
from v2g.common.effects import Log
from v2g.homeplug.frame import BROADCAST, Frame
from v2g.homeplug.slac import (
    GROUPS,
    NO_ID,
    AttenCharInd,
    AttenCharRsp,
    AttenProfileInd,
    MnbcSoundInd,
    SetKeyReq,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    message_of,
)
from v2g.slac import timing
from v2g.slac.effects import Failed, Matched, Reason, RequestErrorRoutine
from v2g.slac.ev import EvPhase
from v2g.slac.events import Command, FrameReceived
from v2g.slac.evse import Phase

ONCE = [SlacParmReq, SlacParmCnf, AttenCharInd, AttenCharRsp, SlacMatchReq, SlacMatchCnf]


class KindFate:
    """Loses the first ``losses`` frames of a kind, or gives every one of them these delays."""

    def __init__(self, kind, losses=0, delays=None):
        self.kind, self.losses, self.delays = kind, losses, delays

    def __call__(self, _number, message):
        if not isinstance(message, self.kind):
            return [LINE_MS]
        if self.delays is not None:
            return self.delays
        self.losses -= 1
        return [] if self.losses >= 0 else [LINE_MS]


def with_fate(kind, losses=0, delays=None, **config):
    return pair(KindFate(kind, losses, delays), **config)


def assert_matched(both):
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED
    assert both.evse.of(Matched)[-1] == both.ev.of(Matched)[-1]


@pytest.mark.parametrize("losses", [1, 2])
@pytest.mark.parametrize("kind", ONCE)
def test_a_message_that_is_lost_is_sent_again(kind, losses):
    both = with_fate(kind, losses).start(4_000)
    assert_matched(both)
    assert both.evse.of(Failed) == both.ev.of(Failed) == []


@pytest.mark.parametrize("kind", ONCE)
def test_a_message_that_is_always_lost_ends_the_process_with_a_reason(kind):
    both = with_fate(kind, 1_000).start(200_000)
    reason = {
        SlacParmReq: Reason.NO_PARM_CNF,
        SlacParmCnf: Reason.NO_PARM_CNF,
        AttenCharInd: Reason.NO_ATTEN_CHAR,
        SlacMatchReq: Reason.NO_MATCH_CNF,
        SlacMatchCnf: Reason.NO_MATCH_CNF,
    }.get(kind)
    if kind is AttenCharRsp:
        # The request to match shows that the car has the values.
        assert_matched(both)
        return
    assert [failed.reason for failed in both.ev.of(Failed)] == [reason] * timing.C_CONN_MAX_MATCH
    assert [failed.final for failed in both.ev.of(Failed)] == [False, False, True]
    assert both.ev.core.phase is EvPhase.UNMATCHED
    assert both.evse.of(Matched) == []
    assert both.evse.of(Failed)
    assert both.evse.core.phase is Phase.MATCHING


def test_a_charger_that_asks_again_is_answered_again():
    both = with_fate((AttenCharRsp, SlacMatchReq), 1_000)
    both.start(1_100)
    told = [m for m in both.evse.sent() if isinstance(m, AttenCharInd)]
    assert len(told) == 1 + timing.C_EV_MATCH_RETRY
    assert len([m for m in both.ev.sent() if isinstance(m, AttenCharRsp)]) == len(told)


def test_one_start_indication_is_enough():
    assert_matched(with_fate(StartAttenCharInd, 2).start())
    both = with_fate(StartAttenCharInd, 1_000).start(20_000)
    assert both.evse.of(Failed)[0] == Failed(Reason.NO_START, final=False)
    assert both.ev.of(Failed)[-1] == Failed(Reason.NO_ATTEN_CHAR, final=True)


@pytest.mark.parametrize("losses", [1, 5, 9])
def test_lost_sounds_are_waited_for_and_counted(losses):
    both = with_fate(MnbcSoundInd, losses).start()
    assert_matched(both)
    start = next(when for when, m in timed(both.ev) if isinstance(m, StartAttenCharInd))
    when, message = next((when, m) for when, m in timed(both.evse) if isinstance(m, AttenCharInd))
    assert message.num_sounds == 10 - losses
    assert when == start + LINE_MS + timing.TT_EVSE_MATCH_MNBC_MS


def timed(station):
    return [
        (when, message_of(Frame.parse(effect.data)))
        for when, effect in station.done
        if type(effect).__name__ == "SendFrame"
    ]


def test_no_sound_at_all():
    both = with_fate(MnbcSoundInd, 1_000).start(20_000)
    assert both.evse.of(Failed)[0] == Failed(Reason.NO_SOUNDS, final=False)
    assert not [m for m in both.evse.sent() if isinstance(m, AttenCharInd)]
    assert both.ev.of(Failed)[-1] == Failed(Reason.NO_ATTEN_CHAR, final=True)


@pytest.mark.parametrize("kind", [*ONCE, StartAttenCharInd, MnbcSoundInd, SetKeyReq])
def test_a_message_that_comes_twice_changes_nothing(kind):
    both = with_fate(kind, delays=[LINE_MS, LINE_MS + 7]).start()
    assert_matched(both)
    assert both.evse.of(Failed) == both.ev.of(Failed) == []
    assert len(both.evse.of(Matched)) == len(both.ev.of(Matched)) == 1


@pytest.mark.spec(327)
def test_only_the_first_start_indication_counts():
    both = pair().start()
    lines = [effect.text for effect in both.evse.of(object) if hasattr(effect, "text")]
    assert sum("CM_START_ATTEN_CHAR.IND" in line for line in lines) == 1


def test_a_charger_without_a_car_that_speaks_asks_for_the_error_routine():
    line = Line()
    station = evse(line)
    line.tell(station, Command.START)
    line.plug(station)
    line.run(10 * timing.TT_EVSE_SLAC_INIT_MS)
    assert len(station.of(RequestErrorRoutine)) == timing.C_SEQU_RETRY
    assert station.of(Failed) == [
        Failed(Reason.NO_SLAC, final=False),
        Failed(Reason.NO_SLAC, final=False),
        Failed(Reason.NO_SLAC, final=True),
    ]
    assert station.core.deadline() is None
    # A car that begins late is answered all the same.
    line.inject(SlacParmReq(0, 0, bytes(8)).frame(BROADCAST, EV_MAC))
    line.run(line.now + 100)
    assert isinstance(station.sent()[-1], SlacParmCnf)


def test_the_error_routine_itself_is_counted_over_the_pilots_changes():
    line = Line()
    station = evse(line, slac_init_ms=20_000)
    line.tell(station, Command.START)
    line.plug(station)
    for _ in range(5):
        line.run(line.now + 20_010)
        line.plug(station, state="E")
        line.run(line.now + timing.T_STEP_EF_MS)
        line.plug(station, state="B")
    assert len(station.of(RequestErrorRoutine)) == timing.C_SEQU_RETRY


MATCH = SlacMatchReq(0, 0, 0x3E, NO_ID, EV_MAC, NO_ID, EVSE_MAC, bytes(8))
OTHER = bytes.fromhex("0200000000aa")


@pytest.mark.parametrize(
    "frame",
    [
        StartAttenCharInd(0, 0, 10, 6, 1, OTHER, bytes(8)).frame(BROADCAST, OTHER),
        MnbcSoundInd(0, 0, NO_ID, 3, bytes(8), bytes(16)).frame(BROADCAST, EV_MAC),
        AttenProfileInd(OTHER, bytes(GROUPS)).frame(BROADCAST, OTHER),
        AttenCharRsp(0, 0, EV_MAC, b"stalerun", NO_ID, NO_ID, 0).frame(EVSE_MAC, EV_MAC),
        MATCH.frame(EVSE_MAC, EV_MAC),
        MATCH.frame(EVSE_MAC, OTHER),
        SlacParmCnf.answer(b"stalerun", EV_MAC).frame(EV_MAC, OTHER),
        AttenCharInd(0, 0, EV_MAC, b"stalerun", NO_ID, NO_ID, 10, bytes(GROUPS)).frame(EV_MAC, OTHER),
        SlacMatchCnf(0, 0, 0x56, NO_ID, EV_MAC, NO_ID, OTHER, b"stalerun", bytes(7), bytes(16)).frame(
            EV_MAC, OTHER
        ),
        SlacParmReq(1, 0, bytes(8)).frame(BROADCAST, OTHER),
        SlacParmReq(0, 1, bytes(8)).frame(BROADCAST, OTHER),
        Frame(BROADCAST, OTHER, SlacParmReq.MMTYPE, b"", 1).pack()[:20],
        b"\x00" * 14,
        b"",
    ],
)
def test_stale_and_foreign_frames_at_any_time_change_nothing(frame):
    plain = pair().start()
    both = pair()
    for when in range(0, 5_000, 13):
        both.line.at(when, both.evse, FrameReceived(frame))
        both.line.at(when, both.ev, FrameReceived(frame))
    both.start()
    for disturbed, quiet in ((both.evse, plain.evse), (both.ev, plain.ev)):
        assert disturbed.of(Matched) == quiet.of(Matched)
        assert disturbed.of(Failed) == []
        assert [type(m) for m in disturbed.sent()] == [type(m) for m in quiet.sent()]


def test_a_key_from_another_station_than_the_chosen_one_is_not_taken():
    both = with_fate(SlacMatchReq, 1_000)
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.plug(both.evse, both.ev)
    both.line.run(560)
    run_id = next(m.run_id for m in both.ev.sent() if isinstance(m, SlacParmReq))
    forged = SlacMatchCnf(0, 0, 0x56, NO_ID, EV_MAC, NO_ID, OTHER, run_id, bytes(7), bytes(16))
    assert isinstance(both.ev.sent()[-1], SlacMatchReq)
    both.line.inject(forged.frame(EV_MAC, OTHER))
    both.line.run(600)
    assert not [m for m in both.ev.sent() if isinstance(m, SetKeyReq)]
    assert both.ev.core.phase is EvPhase.MATCHING


def half_way(charger_mac=EVSE_MAC):
    """A charger that has told a car what it heard."""
    line = Line()
    station = evse(line)
    line.tell(station, Command.START)
    line.plug(station)
    line.run(10)
    run_id = b"\x01" * 8
    line.inject(SlacParmReq(0, 0, run_id).frame(BROADCAST, EV_MAC))
    line.inject(StartAttenCharInd(0, 0, 1, 6, 1, EV_MAC, run_id).frame(BROADCAST, EV_MAC))
    line.inject(MnbcSoundInd(0, 0, NO_ID, 0, run_id, bytes(16)).frame(BROADCAST, EV_MAC))
    line.run(100)
    line.inject(AttenCharRsp(0, 0, EV_MAC, run_id, NO_ID, NO_ID, 0).frame(EVSE_MAC, EV_MAC))
    line.run(110)
    return line, station, SlacMatchReq(0, 0, 0x3E, NO_ID, EV_MAC, NO_ID, charger_mac, run_id)


def test_a_request_to_match_that_names_another_charger_gets_no_key():
    line, station, request = half_way(OTHER)
    line.inject(request.frame(EVSE_MAC, EV_MAC))
    line.run(line.now + 50)
    assert not [m for m in station.sent() if isinstance(m, SlacMatchCnf)]


def test_a_request_to_match_in_the_name_of_another_car_gets_no_key():
    line, station, request = half_way()
    line.inject(replace(request, ev_mac=OTHER).frame(EVSE_MAC, EV_MAC))
    line.inject(request.frame(EVSE_MAC, OTHER))
    line.run(line.now + 50)
    assert not [m for m in station.sent() if isinstance(m, SlacMatchCnf)]
    line.inject(request.frame(EVSE_MAC, EV_MAC))
    line.run(line.now + 50)
    assert len([m for m in station.sent() if isinstance(m, SlacMatchCnf)]) == 1


def test_frames_to_others_are_not_for_us():
    # An interface may be promiscuous.
    line, station, request = half_way()
    line.at(line.now, station, FrameReceived(request.frame(OTHER, EV_MAC)))
    line.at(line.now, station, FrameReceived(SlacParmReq(0, 0, bytes(8)).frame(OTHER, EV_MAC)))
    sent = len(station.sent())
    line.run(line.now + 50)
    assert len(station.sent()) == sent

    both = pair()
    both.line.tell(both.ev, Command.START)
    both.line.plug(both.ev)
    both.line.run(50)
    run_id = both.ev.sent()[0].run_id
    answer = SlacParmCnf.answer(run_id, EV_MAC)
    both.line.at(60, both.ev, FrameReceived(answer.frame(OTHER, EVSE_MAC)))
    both.line.run(190)
    assert [type(m) for m in both.ev.sent()] == [SlacParmReq]


def test_a_sound_that_comes_twice_is_told_once():
    both = with_fate(MnbcSoundInd, delays=[LINE_MS, LINE_MS + 3]).start()
    lines = [effect.text for effect in both.evse.of(Log)]
    assert sum("CM_MNBC_SOUND.IND" in line for line in lines) == 10
    sounds = [when for when, m in timed(both.ev) if isinstance(m, MnbcSoundInd)]
    told, message = next((when, m) for when, m in timed(both.evse) if isinstance(m, AttenCharInd))
    # Not before the last sound, however many profiles the modem made of the others.
    assert told > sounds[-1]
    assert message.num_sounds == 10


def test_a_modem_that_hands_on_profiles_alone():
    line = Line()
    station = evse(line)
    line.tell(station, Command.START)
    line.plug(station)
    line.run(10)
    run_id = b"\x01" * 8
    line.inject(SlacParmReq(0, 0, run_id).frame(BROADCAST, EV_MAC))
    line.inject(StartAttenCharInd(0, 0, 10, 6, 1, EV_MAC, run_id).frame(BROADCAST, EV_MAC))
    for number in range(10):
        assert not [m for m in station.sent() if isinstance(m, AttenCharInd)]
        line.inject(AttenProfileInd(EV_MAC, bytes((number,)) * GROUPS).frame(EVSE_MAC, station.modem.mac))
        line.run(line.now + 20)
    message = station.sent()[-1]
    assert isinstance(message, AttenCharInd)
    assert message.num_sounds == 10
    assert message.attenuation == bytes((5,)) * GROUPS


def test_a_refused_attenuation_ends_the_session():
    line = Line()
    station = evse(line)
    line.tell(station, Command.START)
    line.plug(station)
    line.run(10)
    run_id = b"\x01" * 8
    line.inject(SlacParmReq(0, 0, run_id).frame(BROADCAST, EV_MAC))
    line.inject(StartAttenCharInd(0, 0, 1, 6, 1, EV_MAC, run_id).frame(BROADCAST, EV_MAC))
    line.inject(MnbcSoundInd(0, 0, NO_ID, 0, run_id, bytes(16)).frame(BROADCAST, EV_MAC))
    line.run(100)
    assert isinstance(station.sent()[-1], AttenCharInd)
    line.inject(AttenCharRsp(0, 0, EV_MAC, run_id, NO_ID, NO_ID, 1).frame(EVSE_MAC, EV_MAC))
    line.run(110)
    assert station.of(Failed) == [Failed(Reason.REFUSED, final=False)]


def test_a_car_that_does_not_choose_this_charger_is_let_go_after_a_while():
    line = Line()
    station = evse(line)
    line.tell(station, Command.START)
    line.plug(station)
    line.run(10)
    run_id = b"\x01" * 8
    line.inject(SlacParmReq(0, 0, run_id).frame(BROADCAST, EV_MAC))
    line.inject(StartAttenCharInd(0, 0, 10, 6, 1, EV_MAC, run_id).frame(BROADCAST, EV_MAC))
    for remaining in range(9, -1, -1):
        line.inject(MnbcSoundInd(0, 0, NO_ID, remaining, run_id, bytes(16)).frame(BROADCAST, EV_MAC))
    line.run(100)
    line.inject(AttenCharRsp(0, 0, EV_MAC, run_id, NO_ID, NO_ID, 0).frame(EVSE_MAC, EV_MAC))
    line.run(110 + timing.TT_EVSE_MATCH_SESSION_MS)
    assert station.of(Failed) == [Failed(Reason.NO_MATCH_REQ, final=False)]
    assert station.core.phase is Phase.MATCHING


def test_a_car_that_gives_up_does_not_start_after_the_time_for_repetitions():
    both = with_fate(SlacParmCnf, 10_000, most_attempts=1_000).start(100_000)
    times = [when for when, effect in both.ev.done if isinstance(effect, Failed)]
    assert both.ev.of(Failed)[-1].final
    assert times[-1] - times[0] <= timing.TT_MATCHING_REPETITION_MS + 3 * timing.TT_MATCH_RESPONSE_MS
    # Each takes three responses that do not come, and TT_matching_rate.
    assert len(times) == 11

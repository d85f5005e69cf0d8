"""A car and a charger find each other, and part again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, evse, pair
from tests.v2g.slac.rig import Line
from v2g.common.effects import Checkpoint, Log
from v2g.homeplug.frame import BROADCAST
from v2g.homeplug.keys import nid_of
from v2g.homeplug.slac import (
    NO_ID,
    AttenCharInd,
    AttenCharRsp,
    MnbcSoundInd,
    SetKeyReq,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
)
from v2g.slac import timing
from v2g.slac.effects import AskLinkStatus, DLinkReady, Failed, Matched, ModemReady, Reason, SendFrame
from v2g.slac.ev import EvPhase
from v2g.slac.events import Command, FrameReceived, PilotState
from v2g.slac.evse import Phase


def test_both_match_and_hold_the_same_random_key():
    both = pair().start()
    (charger,), (car,) = both.evse.of(Matched), both.ev.of(Matched)
    assert charger == car
    assert (car.ev_mac, car.evse_mac) == (EV_MAC, EVSE_MAC)
    assert car.nid == nid_of(car.nmk)
    assert both.evse.modem.nmk == both.ev.modem.nmk == car.nmk
    assert both.evse.of(DLinkReady) == both.ev.of(DLinkReady) == [DLinkReady(True)]
    assert both.evse.core.ev_mac == EV_MAC
    assert both.evse.of(Failed) == both.ev.of(Failed) == []


@pytest.mark.spec(346)
def test_the_messages_of_a_match_in_their_order():
    both = pair().start()
    run_id = next(m.run_id for m in both.ev.sent() if isinstance(m, SlacParmReq))
    assert [type(message) for message in both.ev.sent()] == [
        SlacParmReq,
        *[StartAttenCharInd] * 3,
        *[MnbcSoundInd] * 10,
        AttenCharRsp,
        SlacMatchReq,
        SetKeyReq,
    ]
    assert [type(message) for message in both.evse.sent()] == [
        SetKeyReq,
        SlacParmCnf,
        AttenCharInd,
        SlacMatchCnf,
    ]
    with_run = [m for m in both.ev.sent() + both.evse.sent() if not isinstance(m, SetKeyReq)]
    assert {message.run_id for message in with_run} == {run_id}
    assert [m.remaining for m in both.ev.sent() if isinstance(m, MnbcSoundInd)] == list(range(9, -1, -1))
    assert len({m.random for m in both.ev.sent() if isinstance(m, MnbcSoundInd)}) == 10


@pytest.mark.spec(346)
def test_the_checkpoints_of_both_sides():
    both = pair().start()
    ev = [100, 102, 103, 104, 130, 140, 150, 160, 170, 180, 190]
    assert [c.number for c in both.ev.of(Checkpoint)] == ev
    evse = [1, 4, 100, 101, 103, 104, 110, 120, 140, 150, 155, 190]
    assert [c.number for c in both.evse.of(Checkpoint)] == evse


@pytest.mark.spec(327)
def test_the_trace_names_run_and_car_and_takes_well_under_a_second():
    both = pair().start()
    run_id = next(m.run_id for m in both.ev.sent() if isinstance(m, SlacParmReq))
    head = f"SLAC run_id {run_id.hex()} ev_mac 02:00:00:00:00:02: "
    lines = [line.text for line in both.evse.of(Log) if "CP state" not in line.text]
    assert lines[:2] == [
        "SLAC: CM_SET_KEY.REQ",
        f"SLAC: CM_SET_KEY.CNF, NID {both.evse.of(Matched)[0].nid.hex()}",
    ]
    assert all(line.startswith(head) for line in lines[2:])
    sounds = [
        text
        for number in range(10)
        for text in (f"CM_MNBC_SOUND.IND, {9 - number} to come", f"CM_ATTEN_PROFILE.IND {number + 1}")
    ]
    assert [line.removeprefix(head) for line in lines[2:]] == [
        "CM_SLAC_PARM.REQ, CM_SLAC_PARM.CNF",
        "CM_START_ATTEN_CHAR.IND",
        *sounds,
        "CM_ATTEN_CHAR.IND",
        "CM_ATTEN_CHAR.RSP",
        "CM_SLAC_MATCH.REQ",
        "CM_SLAC_MATCH.CNF",
        "D-LINK_READY",
    ]
    begun = next(when for when, effect in both.evse.done if effect == Checkpoint(100))
    ready = next(when for when, effect in both.evse.done if effect == DLinkReady(True))
    assert ready - begun < 800


@pytest.mark.spec(326)
def test_a_change_of_the_pilot_is_logged_with_both_peaks():
    line = Line()
    charger = evse(line)
    for event in (PilotState("B", 9150, -300), PilotState("B", 9000, -310), PilotState("C", 6010, -12000)):
        line.at(line.now, charger, event)
    line.run(1)
    assert [log.text for log in charger.of(Log)] == [
        "CP state change from A to B, U_CP+: 9150 mV, U_CP-: -300 mV",
        "CP state change from B to C, U_CP+: 6010 mV, U_CP-: -12000 mV",
    ]
    line.plug(charger, state="F")
    line.run(2)
    assert charger.of(Log)[-1].text == "CP state change from C to F"


def test_ids_of_a_car_come_back():
    line = Line()
    charger = evse(line)
    line.tell(charger, Command.START)
    line.plug(charger)
    line.run(10)
    run_id, vin = b"\x01" * 8, b"WVWZZZ1JZ3W386752"
    line.inject(SlacParmReq(0, 0, run_id).frame(BROADCAST, EV_MAC))
    line.inject(StartAttenCharInd(0, 0, 1, 6, 1, EV_MAC, run_id).frame(BROADCAST, EV_MAC))
    line.inject(MnbcSoundInd(0, 0, vin, 0, run_id, bytes(16)).frame(BROADCAST, EV_MAC))
    line.run(100)
    evse_id = b"DE*ABC*E1234567890"[:17]
    line.inject(SlacMatchReq(0, 0, 0x3E, vin, EV_MAC, evse_id, EVSE_MAC, run_id).frame(EVSE_MAC, EV_MAC))
    line.run(110)
    answer = charger.sent()[-1]
    assert isinstance(answer, SlacMatchCnf)
    assert (answer.ev_id, answer.evse_id, answer.length) == (vin, evse_id, 0x56)


def test_the_key_is_in_no_log_and_no_repr():
    both = pair().start()
    nmk = both.evse.modem.nmk
    for _, effect in both.evse.done + both.ev.done:
        assert nmk.hex() not in repr(effect)
        assert repr(nmk)[2:-1] not in repr(effect)


def test_intervals_of_starts_and_sounds():
    both = pair().start()
    times = [when for when, effect in both.ev.done if isinstance(effect, SendFrame)][1:14]
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert gaps == {timing.TP_EV_BATCH_MSG_INTERVAL_MS}
    assert 20 <= timing.TP_EV_BATCH_MSG_INTERVAL_MS <= 50
    assert times[-1] - times[0] < timing.TT_EVSE_MATCH_MNBC_MS


@pytest.mark.spec(345)
def test_every_session_has_a_key_of_its_own():
    both = pair().start()
    first = both.evse.modem.nmk
    both.line.plug(both.evse, both.ev, state="A")
    both.line.run(6_000)
    assert both.evse.modem.nmk not in (b"", first)
    assert both.ev.modem.nmk not in (first, both.evse.modem.nmk)
    assert both.evse.of(DLinkReady)[-1] == both.ev.of(DLinkReady)[-1] == DLinkReady(False)
    assert both.evse.core.phase is Phase.UNMATCHED
    assert both.ev.core.phase is EvPhase.UNMATCHED
    both.line.plug(both.evse, both.ev)
    both.line.run(10_000)
    charger, car = both.evse.of(Matched), both.ev.of(Matched)
    assert len(charger) == 2
    assert charger == car
    assert charger[0].nmk != charger[1].nmk


@pytest.mark.spec(64)
def test_a_car_that_was_there_first_waits_until_the_modem_has_its_key():
    both = pair()
    both.evse.modem.results = [None, None]
    both.line.plug(both.evse, both.ev)
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(2_001)
    # Not ready, so the pilot is not put to 5 %, and no car is answered.
    assert both.evse.of(ModemReady) == [ModemReady(False)]
    assert not [m for m in both.evse.sent() if isinstance(m, SlacParmCnf)]
    both.line.run(8_000)
    assert both.evse.of(ModemReady) == [ModemReady(False), ModemReady(True)]
    assert both.evse.core.phase is Phase.MATCHED
    assert both.ev.core.phase is EvPhase.MATCHED


def test_a_key_that_no_car_got_is_kept():
    both = pair()
    both.line.tell(both.evse, Command.START)
    both.line.run(10)
    for state in ("B", "A", "B", "A"):
        both.line.plug(both.evse, state=state)
        both.line.run(both.line.now + 100)
    assert both.evse.modem.keys_taken == 1
    assert both.evse.core.phase is Phase.UNMATCHED


def test_a_pilot_error_ends_the_link():
    for state in ("E", "F"):
        both = pair().start()
        both.line.plug(both.evse, both.ev, state=state)
        both.line.run(5_500)
        assert both.evse.of(DLinkReady)[-1] == both.ev.of(DLinkReady)[-1] == DLinkReady(False)
        assert both.evse.modem.nmk != both.ev.modem.nmk


def test_charging_changes_nothing():
    both = pair().start()
    for state in ("C", "D", "C", "B"):
        both.line.plug(both.evse, both.ev, state=state)
        both.line.run(both.line.now + 1_000)
    assert both.evse.of(DLinkReady) == both.ev.of(DLinkReady) == [DLinkReady(True)]


def test_modems_that_cannot_tell_of_their_link():
    both = pair(evse_config={"link_detection": False}, link_detection=False).start(1_000)
    assert both.evse.of(DLinkReady) == both.ev.of(DLinkReady) == [DLinkReady(True)]
    assert both.evse.core.deadline() is None
    assert both.ev.core.deadline() is None


def test_unplugged_in_the_middle():
    both = pair()
    both.line.tell(both.evse, Command.START)
    both.line.tell(both.ev, Command.START)
    both.line.run(50)
    both.line.plug(both.evse, both.ev)
    both.line.run(300)
    both.line.plug(both.evse, both.ev, state="A")
    both.line.run(60_000)
    assert both.evse.of(Failed) == [Failed(Reason.UNPLUGGED, final=False)]
    assert both.ev.of(Failed) == [Failed(Reason.UNPLUGGED, final=True)]
    assert both.evse.core.deadline() is None
    assert both.ev.core.deadline() is None


def forge(both, *when, source=EV_MAC):
    """CM_SLAC_PARM.REQ with the car's address, which the charger alone hears."""
    frame = SlacParmReq(0, 0, b"whatever").frame(BROADCAST, source)
    for each in when:
        both.line.at(each, both.evse, FrameReceived(frame))


def test_a_parm_request_in_the_cars_name_does_not_end_a_live_session():
    both = pair().start()
    asked = len(both.evse.of(AskLinkStatus))
    forge(both, *range(6_000, 26_000, 10))
    both.line.run(60_000)
    assert both.evse.of(DLinkReady) == both.ev.of(DLinkReady) == [DLinkReady(True)]
    assert both.evse.of(Failed) == []
    assert len(both.evse.of(Matched)) == 1
    # Nor does it flood the modem: once in LINK_POLL_JOINING_MS, and as ever afterwards.
    assert len(both.evse.of(AskLinkStatus)) - asked <= 20_000 // timing.LINK_POLL_JOINING_MS + 40


def test_a_car_that_lost_the_network_and_begins_anew_is_found_out_quickly():
    both = pair().start()
    both.line.run(5_500)
    both.ev.modem.nmk = b"forgotten"
    forge(both, 5_510)
    both.line.run(5_510 + timing.LINK_LOSSES * timing.LINK_POLL_JOINING_MS + 10)
    assert both.evse.of(DLinkReady) == [DLinkReady(True), DLinkReady(False)]
    assert both.evse.of(Failed) == [Failed(Reason.LINK_LOST, final=False)]
    assert both.evse.core.phase is Phase.MATCHING


def test_a_parm_request_does_not_make_one_missed_beacon_a_loss():
    both = pair().start()
    both.line.run(5_500)
    key, both.ev.modem.nmk = both.ev.modem.nmk, b"noise"
    forge(both, 5_510)
    both.line.run(5_515)
    both.ev.modem.nmk = key
    both.line.run(30_000)
    assert both.evse.of(DLinkReady) == [DLinkReady(True)]


def test_a_slow_answer_to_a_quick_question_is_no_loss():
    both = pair().start()
    both.line.run(5_500)
    both.line.modems_tell = False
    forge(both, 5_510)
    both.line.run(5_510 + (timing.LINK_LOSSES + 1) * timing.LINK_POLL_JOINING_MS)
    both.line.modems_tell = True
    both.line.run(30_000)
    assert both.evse.of(DLinkReady) == [DLinkReady(True)]


def test_a_paused_car_that_begins_anew_is_believed():
    both = pair().start()
    for station in (both.evse, both.ev):
        both.line.tell(station, Command.PAUSE)
    forge(both, both.line.now + 100)
    both.line.run(both.line.now + 200)
    assert both.evse.of(DLinkReady)[-1] == DLinkReady(False)


@pytest.mark.parametrize("after_ms", [200, 11_000])
def test_a_lost_key_is_sent_again_also_without_link_detection(after_ms):
    both = pair(evse_config={"link_detection": False}, link_detection=False).start(1_000)
    both.line.run(both.line.now + after_ms)
    (answer,) = [m for m in both.evse.sent() if isinstance(m, SlacMatchCnf)]
    request = SlacMatchReq(0, 0, 0x3E, NO_ID, EV_MAC, NO_ID, EVSE_MAC, answer.run_id)
    both.line.inject(request.frame(EVSE_MAC, EV_MAC))
    both.line.run(both.line.now + 10)
    assert [m for m in both.evse.sent() if isinstance(m, SlacMatchCnf)] == [answer, answer]
    assert both.evse.of(DLinkReady) == [DLinkReady(True)]
    assert len([m for m in both.evse.sent() if isinstance(m, SetKeyReq)]) == 1


@pytest.mark.parametrize(("detection", "at"), [(False, 13_000), (True, 1_000), (True, 5_000)])
def test_the_key_is_told_to_nobody_who_asks_late(detection, at):
    both = pair(evse_config={"link_detection": detection}).start(at)
    (answer,) = [m for m in both.evse.sent() if isinstance(m, SlacMatchCnf)]
    request = SlacMatchReq(0, 0, 0x3E, NO_ID, EV_MAC, NO_ID, EVSE_MAC, answer.run_id)
    both.line.inject(request.frame(EVSE_MAC, EV_MAC))
    both.line.run(both.line.now + 10)
    assert len([m for m in both.evse.sent() if isinstance(m, SlacMatchCnf)]) == 1

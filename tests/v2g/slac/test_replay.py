"""Real cars against our charger, real chargers against our car: their captured frames, at their times."""

from __future__ import annotations

import pytest

from tests.v2g.slac.rig import captured
from v2g.common.effects import Checkpoint
from v2g.homeplug.frame import Frame
from v2g.homeplug.slac import (
    GROUPS,
    AttenCharInd,
    AttenProfileInd,
    SetKeyCnf,
    SetKeyReq,
    SlacMatchCnf,
    SlacMatchReq,
    SlacParmCnf,
    SlacParmReq,
    StartAttenCharInd,
    message_of,
)
from v2g.slac import timing
from v2g.slac.attenuation import Found, judge, mean_db
from v2g.slac.effects import AskLinkStatus, DLinkReady, Failed, Matched, Reason, SendFrame
from v2g.slac.ev import EvPhase, EvSlac
from v2g.slac.ev_attempt import EvConfig
from v2g.slac.events import Command, FrameReceived, LinkStatus, PilotState, Tick
from v2g.slac.evse import EvseSlac, Phase
from v2g.slac.matching import EvseConfig

PYPLC = bytes.fromhex("dc0ea1116708")
PYPLC_PI = bytes.fromhex("b827ebd31e5a")
MODEM = bytes.fromhex("00b052000009")


class Replay:
    """A core that is fed one side of a capture; its modem answers at once."""

    def __init__(self, core, own_mac, modem=MODEM):
        self.core, self.own_mac, self.modem = core, own_mac, modem
        self.done = []

    def feed(self, event, now):
        while (due := self.core.deadline()) is not None and due < now:
            self._step(Tick(), due)
        self._step(event, now)

    def until(self, kind):
        """Let time pass until a kind of message is sent; when it was."""
        while not (times := [when for when, sent in self.sent() if isinstance(sent, kind)]):
            due = self.core.deadline()
            assert due is not None
            self._step(Tick(), due)
        return times[0]

    def _step(self, event, now):
        for effect in self.core.handle(event, now):
            self.done.append((now, effect))
            if isinstance(effect, SendFrame):
                request = message_of(Frame.parse(effect.data))
                if isinstance(request, SetKeyReq):
                    answer = SetKeyCnf(1, 0x1234, request.my_nonce, 4, 0, 0xFF, 0)
                    self._step(FrameReceived(answer.frame(self.own_mac, self.modem)), now)

    def sent(self):
        return [
            (when, message_of(Frame.parse(effect.data)))
            for when, effect in self.done
            if isinstance(effect, SendFrame)
        ]

    def of(self, kind):
        return [effect for _, effect in self.done if isinstance(effect, kind)]


@pytest.mark.spec(346)
@pytest.mark.parametrize(
    ("file", "own_mac", "car", "run_id"),
    [
        ("slac-ioniq.txt", PYPLC, "0465650064c3", "0465650064c30000"),
        ("slac-model-y.txt", PYPLC, "98ed5cdad998", "5445534c41204556"),
        ("slac-polestar.txt", PYPLC_PI, "48c58db1e43e", "43c06e5631b77b61"),
    ],
)
def test_our_charger_takes_a_real_car_through_the_same_steps(file, own_mac, car, run_id):
    ev_mac = bytes.fromhex(car)
    frames = captured(file)
    # The one that confirmed pyPLC's key; the profiles come from it, too.
    (modem,) = {f.source for _, data in frames if (f := Frame.parse(data)).mmtype == SetKeyCnf.MMTYPE}
    assert {data[6:12] for _, data in frames if data[15:17] == b"\x86\x60"} == {modem}
    replay = Replay(EvseSlac(EvseConfig(own_mac), random), own_mac, modem)
    replay.feed(Command.START, 0)
    begun = next(when for when, data in frames if data[6:12] == ev_mac)
    replay.feed(PilotState("B"), begun - 1)
    theirs = []
    shift = 0
    for when, data in frames:
        frame = Frame.parse(data)
        message = message_of(frame)
        if frame.source == own_mac:
            theirs.append(message)
            if isinstance(message, AttenCharInd):
                # The car goes on as long after our values as it went on after theirs.
                replay.feed(Tick(), when + timing.PROFILE_GRACE_MS)
                ours_at = next(time for time, m in replay.sent() if isinstance(m, AttenCharInd))
                shift = max(ours_at - when, 0)
                assert shift < timing.PROFILE_GRACE_MS
        elif not isinstance(message, SetKeyCnf):
            replay.feed(FrameReceived(data), when + shift)
    last = frames[-1][0] + shift + 50
    replay.feed(LinkStatus(True), last)
    ours = [message for _, message in replay.sent()]
    # What pyPLC answered and the car accepted.
    assert [type(m) for m in ours] == [type(m) for m in theirs]
    for our, their in zip(ours, theirs, strict=True):
        if isinstance(our, SlacParmCnf):
            assert our == their
        elif isinstance(our, AttenCharInd):
            assert (our.source_address, our.run_id, our.num_sounds) == (ev_mac, their.run_id, 10)
            assert len(our.attenuation) == GROUPS
            assert 0 < max(our.attenuation) <= timing.C_EV_MATCH_SIGNALATTN_DIRECT_DB
        elif isinstance(our, SlacMatchCnf):
            assert (our.ev_mac, our.evse_mac, our.run_id) == (ev_mac, own_mac, their.run_id)
            assert our.nmk != their.nmk
    assert {m.run_id.hex() for m in ours if not isinstance(m, SetKeyReq)} == {run_id}
    numbers = [c.number for c in replay.of(Checkpoint)]
    # The modem (AR7420) told nothing of the sounds' loudness: no 110.
    assert list(dict.fromkeys(numbers)) == [1, 4, 100, 101, 103, 104, 120, 140, 150, 155, 190]
    assert replay.of(Matched)[0].ev_mac == ev_mac
    assert replay.of(DLinkReady) == [DLinkReady(True)]
    assert replay.of(Failed) == []


@pytest.mark.spec(347)
@pytest.mark.parametrize("file", ["slac-ioniq.txt", "slac-model-y.txt", "slac-polestar.txt"])
def test_a_real_ar7420_tells_profiles_without_groups(file):
    profiles = [
        m for _, data in captured(file) if isinstance(m := message_of(Frame.parse(data)), AttenProfileInd)
    ]
    assert len(profiles) == 10
    assert {profile.attenuation for profile in profiles} == {b""}


@pytest.mark.parametrize(
    ("file", "charger", "run_id"),
    [
        ("slac-alpitronic.txt", "9a8ab66d2df6", "dc0ea11167080000"),
        ("slac-compleo.txt", "801f12e8e647", "dc0ea11167080000"),
        ("slac-abb.txt", "5410eca1f3e2", "dc0ea11167080000"),
    ],
)
def test_our_car_takes_a_real_charger_through_the_same_steps(file, charger, run_id):
    evse_mac = bytes.fromhex(charger)
    replay = Replay(
        EvSlac(EvConfig(PYPLC), lambda size: bytes.fromhex(run_id)[:size].ljust(size, b"\1")), PYPLC
    )
    messages = [(when, data, message_of(Frame.parse(data))) for when, data in captured(file)]
    answered = next(when for when, _, m in messages if isinstance(m, SlacParmCnf))
    asked = max(when for when, _, m in messages if isinstance(m, SlacParmReq) and when <= answered)
    replay.feed(Command.START, asked)
    replay.feed(PilotState("B"), asked)
    # The charger's answers come as long after our frames as they came after the other car's.
    before = {AttenCharInd: StartAttenCharInd, SlacMatchCnf: SlacMatchReq}
    shift = 0
    for when, data, message in messages:
        if Frame.parse(data).source != evse_mac:
            continue
        if ask := before.get(type(message)):
            theirs = next(time for time, _, m in messages if isinstance(m, ask))
            shift = replay.until(ask) - theirs
        replay.feed(FrameReceived(data), when + shift)
    match = next(m for _, _, m in messages if isinstance(m, SlacMatchCnf))
    assert replay.core.phase is EvPhase.JOINING
    assert [type(effect) for effect in replay.of(AskLinkStatus)] == [AskLinkStatus]
    replay.feed(LinkStatus(True), replay.done[-1][0] + 20)
    (matched,) = replay.of(Matched)
    assert (matched.evse_mac, matched.nid, matched.nmk) == (evse_mac, match.nid, match.nmk)
    assert [c.number for c in replay.of(Checkpoint)] == [
        100,
        102,
        103,
        104,
        130,
        140,
        150,
        160,
        170,
        180,
        190,
    ]
    (key,) = [m for _, m in replay.sent() if isinstance(m, SetKeyReq)]
    assert (key.nid, key.new_key) == (match.nid, match.nmk)
    assert replay.of(Failed) == []


def test_our_charger_answers_a_taycan_at_once_every_time_it_asks():
    replay = Replay(EvseSlac(EvseConfig(PYPLC), random), PYPLC)
    replay.feed(Command.START, 0)
    replay.feed(PilotState("B"), 1)
    asked = [(when, data) for when, data in captured("slac-taycan.txt") if data[15:17] == b"\x64\x60"]
    assert len(asked) == 6
    for when, data in asked:
        replay.feed(FrameReceived(data), when)
    answers = [(when, m) for when, m in replay.sent() if isinstance(m, SlacParmCnf)]
    assert [when for when, _ in answers] == [when for when, _ in asked]
    assert {m.run_id.hex() for _, m in answers} == {"944dc3d0ed5abf0a", "f43ddf1bd990a3a8"}
    replay.feed(Tick(), asked[-1][0] + timing.TT_MATCH_SEQUENCE_MS)
    assert replay.of(Failed)[-1] == Failed(Reason.NO_START, final=False)
    assert replay.core.phase is Phase.MATCHING


def test_what_real_chargers_report_is_within_a_cars_thresholds():
    averages = []
    for file in ("slac-alpitronic.txt", "slac-compleo.txt", "slac-abb.txt", "slac-listener.txt"):
        told = next(m for _, d in captured(file) if isinstance(m := message_of(Frame.parse(d)), AttenCharInd))
        averages.append(mean_db(told.attenuation, EvConfig(PYPLC).attenuation_correction_db))
    assert {judge(average) for average in averages} == {Found.FOUND, Found.POTENTIALLY}


def random(size):
    return bytes(range(1, size + 1))

"""A third station that hears a car and a charger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.v2g.slac.pair import pair
from tests.v2g.slac.rig import captured, random_bytes
from v2g.common.effects import Checkpoint
from v2g.homeplug.frame import BROADCAST, Frame
from v2g.homeplug.slac import SetKeyCnf, SetKeyReq, SlacParmReq, message_of
from v2g.slac.effects import Matched, ModemReady, SendFrame
from v2g.slac.events import FrameReceived, Tick
from v2g.slac.listen import MOST_RUNS, Listener, Overheard

OWN = bytes.fromhex("dc0ea1116708")
MODEM = bytes.fromhex("9848275a3ce6")


def listener(**config):
    return Listener(OWN, random_bytes("listener"), **config)


def feed(ear, frames):
    return [(when, effect) for when, data in frames for effect in ear.handle(FrameReceived(data), when)]


@pytest.mark.spec(349)
def test_the_key_of_a_real_match_is_found_and_set_into_the_own_modem():
    ear = listener()
    frames = captured("slac-listener.txt")
    done = [effect for _, effect in feed(ear, [row for row in frames if row[1][6:12] not in (OWN, MODEM)])]
    (found,) = [effect.run for effect in done if isinstance(effect, Overheard)]
    assert found.nid.hex() == "bc90751a5e390e"
    assert found.nmk.hex() == "3b1fe4cc1bb8f8b8484096dc2eb59e8b"
    assert found.ev_mac.hex() == "0465650064c3"
    assert found.evse_mac.hex() == "6257251844be"
    assert found.run_id.hex() == "0465650064c30000"
    assert found.attenuation_db == pytest.approx(9.76, abs=0.01)
    assert [c.number for c in done if isinstance(c, Checkpoint)] == [101, 120, 155]
    (sent,) = [message_of(Frame.parse(effect.data)) for effect in done if isinstance(effect, SendFrame)]
    # As the listener of the capture did it.
    theirs = next(m for _, data in frames if isinstance(m := message_of(Frame.parse(data)), SetKeyReq))
    assert (sent.nid, sent.new_key, sent.new_eks) == (theirs.nid, theirs.new_key, theirs.new_eks)
    answer = SetKeyCnf(1, 5, sent.my_nonce, 4, 0, 255, 0).frame(OWN, MODEM)
    assert ear.handle(FrameReceived(answer), 2_000)[-1] == ModemReady(True)
    assert ear.deadline() is None


@pytest.mark.spec(349)
@pytest.mark.parametrize(
    "file",
    [
        "slac-ioniq.txt",
        "slac-model-y.txt",
        "slac-polestar.txt",
        "slac-alpitronic.txt",
        "slac-compleo.txt",
        "slac-abb.txt",
    ],
)
def test_whole_conversations_are_followed(file):
    ear = Listener(bytes(6), random_bytes("listener"), join=False)
    done = [effect for _, effect in feed(ear, captured(file))]
    (found,) = [effect.run for effect in done if isinstance(effect, Overheard)]
    assert found.sounds == 10
    assert found.attenuation_db is not None
    assert len(found.nmk) == 16
    numbers = [c.number for c in done if isinstance(c, Checkpoint)]
    assert numbers[-8:] == [100, 101, 103, 104, 120, 140, 150, 155]
    assert not [effect for effect in done if isinstance(effect, SendFrame)]


def test_our_own_stations_are_overheard():
    both = pair().start()
    ear = Listener(OWN, random_bytes("listener"), join=False)
    frames = sorted(
        (when, effect.data)
        for station in (both.evse, both.ev)
        for when, effect in station.done
        if isinstance(effect, SendFrame)
    )
    (found,) = [effect.run for _, effect in feed(ear, frames) if isinstance(effect, Overheard)]
    matched = both.ev.of(Matched)[0]
    assert (found.ev_mac, found.evse_mac, found.nid, found.nmk) == (
        matched.ev_mac,
        matched.evse_mac,
        matched.nid,
        matched.nmk,
    )
    assert found.nmk.hex() not in repr(found)
    assert ear.runs == (found,)


def test_a_modem_that_takes_no_key():
    ear = listener()
    feed(ear, [row for row in captured("slac-listener.txt") if row[1][6:12] not in (OWN, MODEM)])
    done = []
    while (due := ear.deadline()) is not None:
        done += ear.handle(Tick(), due)
    assert done[-1] == ModemReady(False)
    assert len([effect for effect in done if isinstance(effect, SendFrame)]) == 2


def test_a_confirmation_that_comes_twice_is_one_match():
    ear = Listener(bytes(6), random_bytes("listener"))
    frames = captured("slac-alpitronic.txt")
    done = feed(ear, [row for row in frames for _ in range(2)])
    assert len([effect for _, effect in done if isinstance(effect, Overheard)]) == 1


def test_memory_is_bounded():
    ear = listener()
    for number in range(1_000):
        frame = SlacParmReq(0, 0, number.to_bytes(8, "big")).frame(BROADCAST, MODEM)
        ear.handle(FrameReceived(frame), number)
    assert len(ear.runs) == MOST_RUNS
    assert ear.runs[-1].run_id == (999).to_bytes(8, "big")


@given(st.lists(st.binary(max_size=130)))
def test_any_bytes_are_heard_without_harm(datas):
    ear = listener()
    for data in datas:
        ear.handle(FrameReceived(data), 0)

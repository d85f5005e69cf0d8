"""Amplitude maps that the other station asks for."""

from __future__ import annotations

import pytest

from tests.v2g.slac.pair import EV_MAC, EVSE_MAC, pair
from v2g.homeplug.slac import AmpMapCnf, AmpMapReq
from v2g.slac import timing
from v2g.slac.events import FrameReceived

OTHER = bytes.fromhex("0200000000aa")
MAP = AmpMapReq(917, bytes(range(200, 256)) + bytes(403))


@pytest.fixture(params=["evse", "ev"])
def side(request):
    both = pair().start()
    # The modem of the rig takes keys only: what it is sent is seen at the line.
    both.line.fate = lambda _number, message: [] if isinstance(message, AmpMapReq) else [2]
    both.line.run(both.line.now + 10)
    if request.param == "evse":
        return both, both.evse, EVSE_MAC, EV_MAC
    return both, both.ev, EV_MAC, EVSE_MAC


def answers(station):
    return [message for message in station.sent() if isinstance(message, AmpMapCnf)]


@pytest.mark.parametrize("result", [0, 1])
def test_a_map_goes_to_the_modem_and_its_answer_back(side, result):
    both, station, own, peer = side
    both.line.inject(MAP.frame(own, peer))
    both.line.run(both.line.now + 10)
    assert station.sent()[-1] == MAP
    both.line.inject(AmpMapCnf(result).frame(own, station.modem.mac))
    both.line.run(both.line.now + 10)
    assert answers(station) == [AmpMapCnf(result)]
    both.line.run(both.line.now + 1_000)
    assert answers(station) == [AmpMapCnf(result)]


def test_a_modem_that_does_not_answer_is_a_failure(side):
    both, station, own, peer = side
    both.line.inject(MAP.frame(own, peer))
    both.line.run(both.line.now + timing.TP_AMP_MAP_EXCHANGE_MS + 10)
    assert answers(station) == [AmpMapCnf(1)]


@pytest.mark.parametrize("stranger", [OTHER, EVSE_MAC, EV_MAC])
def test_only_the_own_modem_confirms_a_map(side, stranger):
    both, station, own, peer = side
    both.line.inject(MAP.frame(own, peer))
    both.line.run(both.line.now + 10)
    both.line.at(both.line.now, station, FrameReceived(AmpMapCnf(0).frame(own, stranger)))
    both.line.run(both.line.now + 10)
    assert answers(station) == []
    both.line.inject(AmpMapCnf(0).frame(own, station.modem.mac))
    both.line.run(both.line.now + 10)
    assert answers(station) == [AmpMapCnf(0)]


def test_strangers_set_no_map(side):
    both, station, own, _ = side
    both.line.inject(MAP.frame(own, OTHER))
    both.line.inject(AmpMapCnf(0).frame(own, OTHER))
    both.line.run(both.line.now + 1_000)
    assert answers(station) == []
    assert MAP not in station.sent()

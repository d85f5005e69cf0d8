"""Cars of real sessions at our station: their recorded requests, byte for byte, and what our core answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.v2g.capture.recordings import data
from v2g.common.terms import EnergyMode
from v2g.secc import effects
from v2g.secc.din.protocol import PROTOCOL as DIN
from v2g.secc.engine import Secc
from v2g.secc.station import Authorization, DcLimits, Isolation, Setup, Station
from v2gexi import capture, decode, v2gtp


@dataclass(frozen=True)
class Exchanged:
    """A recorded request, and the response that the recorded station gave."""

    request: bytes
    sent: Any
    answered: Any


def exchanges(name: str) -> list[list[Exchanged]]:
    """The conversations of a recording, each from its handshake on."""
    frames = [each for each in capture.read(data(name)).frames if each.connection and not each.problem]
    conversations = []
    for connection in sorted({each.connection for each in frames}):
        pairs: list[Exchanged] = []
        request = None
        for frame in (each for each in frames if each.connection == connection):
            if frame.from_car:
                request = frame
            elif request is not None:
                kind = "app" if not pairs else "din"
                sent, answered = decode(request.payload, kind), decode(frame.payload, kind)
                pairs.append(Exchanged(v2gtp.pack(request.payload), sent, answered))
                request = None
        if pairs:
            conversations.append(pairs)
    return conversations


def body(message: Any) -> Any:
    return message.Body.BodyElement if hasattr(message, "Body") else message


class Replay:
    """Our station, which is as far as the recorded one was when it answered."""

    def __init__(self, pairs: list[Exchanged]) -> None:
        self.pairs = pairs
        session_id = pairs[min(2, len(pairs) - 1)].sent.Header.SessionID
        self.station = Station(
            setup=Setup(protocols=(DIN.namespace,), energy_modes=(EnergyMode.DC_EXTENDED,)),
            dc=DcLimits(maximum_voltage_v=1000, maximum_current_a=500, maximum_power_w=150_000),
            authorization=Authorization.ONGOING,
        )
        # The recorded requests carry the id that the recorded station gave.
        self.core = Secc(self.station, [DIN], lambda _: session_id, lambda: 1_700_000_000)
        self.core.connected(0)
        self.now_ms = 0

    def run(self) -> Iterator[tuple[Exchanged, Any]]:
        """Each recorded exchange with our response; None where we gave none."""
        for pair in self.pairs:
            self._get_as_far(body(pair.sent), body(pair.answered))
            self.now_ms += 100
            effects_ = self.core.received(pair.request, self.now_ms)
            if not any(isinstance(each, effects.MessageSeen) and not each.request for each in effects_):
                effects_ += self._wait()
            ours = _response(effects_)
            if _processing(ours) == "Ongoing" and _processing(pair.answered) == "Finished":
                # The recorded station checked no cable: here the car asks once more.
                self._get_as_far(body(pair.sent), body(pair.answered))
                ours = _response(self.core.received(pair.request, self.now_ms))
            yield pair, ours

    def _wait(self) -> list[effects.Effect]:
        self.station.contactor_closed = False
        return self.core.changed(self.now_ms)

    def _get_as_far(self, sent: Any, answered: Any) -> None:
        station, name = self.station, type(sent).__name__
        finished = getattr(answered, "EVSEProcessing", "Finished") == "Finished"
        if name == "ContractAuthenticationReqType":
            station.authorization = Authorization.ACCEPTED if finished else Authorization.ONGOING
        elif name == "ChargeParameterDiscoveryReqType":
            station.parameters_ready = finished
        elif name == "CableCheckReqType":
            station.pilot = "C"
            self.core.changed(self.now_ms)
            if finished and self.core.session is not None:
                station.isolation, station.contactor_closed = Isolation.VALID, True
                if "cable check" in self.core.session.ongoing_since_ms:
                    station.cable_check = True
        elif hasattr(answered, "EVSEPresentVoltage"):
            voltage = answered.EVSEPresentVoltage
            station.present_voltage_v = voltage.Value * 10.0**voltage.Multiplier


def _response(found: list[effects.Effect]) -> Any:
    seen = [each for each in found if isinstance(each, effects.MessageSeen) and not each.request]
    return seen[-1].message if seen else None


def _processing(message: Any) -> str:
    return getattr(body(message), "EVSEProcessing", "")


CARS: Final = {
    "2022-11-25_v0.2_ABB_until_ChargeParamDiscovery": "ServicePaymentSelectionReq",
    "2022-12-13_compleo_with_bulb": "PreChargeReq",
    "2022-12-20_alpi_currentDemandSequenceErrorShutdown": "CurrentDemandReq",
    "2023-03-02_SuperCharger_CableCheck_error": "CableCheckReq",
    "2023-05-24_pyPlc_with_Ioniq93prcSoc": "CurrentDemandReq",
    "2024-04-20_ModelY_pyPLC_stop_in_precharge": "PreChargeReq",
    "2024-06-11_Griffigroen_polestar2_stop_in_precharge": "PreChargeReq",
}
"""Recordings, and the request up to which their cars came."""


@pytest.mark.parametrize("name", CARS)
def test_a_recorded_car_walks_the_same_way_at_our_station(name: str):
    reached = set()
    for pairs in exchanges(name):
        if len(pairs) < 2:
            continue
        for pair, ours in Replay(pairs).run():
            request = type(body(pair.sent)).__name__.removesuffix("Type")
            reached.add(request)
            assert ours is not None, request
            theirs, mine = body(pair.answered), body(ours)
            assert type(mine) is type(theirs)
            if theirs.ResponseCode.startswith("OK"):
                assert mine.ResponseCode.startswith("OK"), request
            assert _processing(ours) == _processing(pair.answered), request
            if mine.ResponseCode.upper().startswith("FAILED"):
                break
    assert CARS[name] in reached

"""Real chargers' responses out of captures, played to the EV's core as far as the order fits.

Requests are answered with the charger's responses of that kind in the order of the capture, the last one
again when there are no more: how often an EV asks is its own affair."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

import v2gexi
from tests.v2g.capture import recordings
from tests.v2g.evcc.charger import Charger, name_of
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN
from v2g.evcc import effects
from v2g.evcc.din.protocol import PROTOCOL
from v2g.evcc.effects import Contactors
from v2g.evcc.facts import ChargerFact
from v2g.evcc.vehicle import Battery, Setup, Vehicle
from v2gexi import capture, v2gtp


class Replay(Charger):
    """A charger that says what one said in a capture; what it never said is made up."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.recorded: dict[str, list[bytes]] = defaultdict(list)
        for frame in capture.read(recordings.data(name)).frames:
            if frame.from_car is not False or frame.payload_type != v2gtp.PayloadType.EXI:
                continue
            try:
                message = v2gexi.decode(frame.payload, "din")
            except v2gexi.DecodeError:
                continue  # the handshake
            body = message.Body.BodyElement
            if not type(body).__name__.endswith("ResType"):
                continue
            request = type(body).__name__.removesuffix("ResType") + "Req"
            if request == "SessionSetupReq" and self.recorded[request]:
                break  # the next session
            self.session_id = message.Header.SessionID
            self.recorded[request].append(frame.payload)

    def answer(self, body: Any) -> Any:
        name = name_of(body)
        recorded = self.recorded.get(name)
        if not recorded:
            return super().answer(body)
        self.counts[name] = self.counts.get(name, 0) + 1
        payload = recorded.pop(0) if len(recorded) > 1 else recorded[0]
        return v2gtp.pack(payload)


def replay(name: str, **battery: Any) -> Rig:
    vehicle = Vehicle(setup=Setup(protocols=(DIN,)), battery=Battery(**battery))
    return Rig(PROTOCOL, Replay(name), vehicle)


def told(rig: Rig) -> dict[ChargerFact, Any]:
    return {each.fact: each.value for each in rig.all(effects.ChargerTold)}


def test_abb() -> None:
    rig = replay(recordings.ABB).until("ContractAuthentication")
    assert rig.sent[-1].Header.SessionID == bytes.fromhex("4142423030303036")
    assert told(rig)[ChargerFact.ENERGY_MODES] == ("DC_extended",)


def test_compleo_reaches_pre_charge_and_its_emergency_ends_it() -> None:
    rig = replay(recordings.COMPLEO, voltage_v=230.0).run()
    assert rig.requests[-1] == "PreChargeReq"
    assert rig.ended == effects.SessionEnded("the charger reports EVSE_EmergencyShutdown", ok=False)
    assert Contactors(True) not in rig.plant
    facts = told(rig)
    assert facts[ChargerFact.MAXIMUM_CURRENT_A] == 125.0
    assert facts[ChargerFact.MAXIMUM_POWER_W] == 50_000.0
    assert facts[ChargerFact.ISOLATION] == "Valid"
    check(rig)


def test_compleos_voltage_is_believed_within_20_v() -> None:
    rig = replay(recordings.COMPLEO, voltage_v=100.0, minimum_voltage_v=80.0)
    rig.until("PowerDeliveryStart")
    voltages = [
        each.value for each in rig.all(effects.ChargerTold) if each.fact is ChargerFact.PRESENT_VOLTAGE_V
    ]
    assert voltages[-1] == 81.0
    assert Contactors(True) in rig.plant


def test_alpitronic_refuses_the_first_current_demand() -> None:
    rig = replay(recordings.ALPITRONIC, voltage_v=230.0).run()
    assert rig.order[-3:] == ["PreChargeReq", "PowerDeliveryReq", "CurrentDemandReq"]
    assert rig.charger.count("CurrentDemandReq") == 1
    assert rig.ended == effects.SessionEnded("CurrentDemandRes: FAILED_SequenceError", ok=False)
    assert told(rig)[ChargerFact.PRESENT_VOLTAGE_V] == 228.0
    check(rig)


def test_superchargers_have_short_session_ids() -> None:
    """The captured car wrote the id of four bytes with eight, and was unknown from then on."""
    rig = replay(recordings.SUPERCHARGER).run()
    assert rig.sent[-1].Header.SessionID == bytes.fromhex("06ef0071")
    assert rig.requests[-1] == "ServiceDiscoveryReq"
    assert rig.ended == effects.SessionEnded("ServiceDiscoveryRes: FAILED_UnknownSession", ok=False)


def test_a_supercharger_that_knew_the_session() -> None:
    rig = replay(recordings.SUPERCHARGER)
    assert isinstance(rig.charger, Replay)
    for name, payloads in rig.charger.recorded.items():
        for place, payload in enumerate(payloads):
            message = v2gexi.decode(payload, "din")
            if name != "SessionSetupReq":
                message.Body.BodyElement.ResponseCode = "OK"
            if hasattr(message.Body.BodyElement, "EVSEProcessing"):
                message.Body.BodyElement.EVSEProcessing = "Finished"
            payloads[place] = v2gexi.encode(message, lenient=True)
    rig.until("PowerDeliveryStart")
    profile = rig.sent[-1].Body.BodyElement.ChargingProfile
    # Its schedule says -2,135 W: 63,401 W in sixteen bits.
    assert profile.SAScheduleTupleID == 123
    assert [each.ChargingProfileEntryMaxPower for each in profile.ProfileEntry] == [32_767]
    rig.until("CurrentDemand")


@pytest.mark.parametrize("name", [recordings.MODEL_Y, recordings.POLESTAR])
def test_pre_charge_that_never_comes_near_ends_in_time(name: str) -> None:
    rig = replay(name, voltage_v=426.0)
    # Both cars waited for a voltage that they measured themselves.
    rig.change(inlet_voltage_v=12.0)
    rig.run()
    assert rig.ended is not None
    assert rig.ended.reason == "PreCharge is not finished in time (evcc_pre_charge_ms)"
    assert rig.requests[-1] == "SessionStopReq"
    assert Contactors(True) not in rig.plant
    check(rig)


def test_a_whole_session() -> None:
    rig = replay(recordings.IONIQ, voltage_v=380.0)
    rig.run(lambda: rig.charger.count("CurrentDemandReq") > 40 or rig.ended is not None)
    assert rig.ended is None
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)

"""DC sessions of ISO 15118-2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.evcc.charger import SESSION_ID, Charger
from tests.v2g.evcc.iso2.cars import car, session
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN, ISO_2, EnergyMode, LinkWish
from v2g.evcc import effects
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2g.evcc.iso2.protocol import PROTOCOL
from v2g.evcc.session import Paused
from v2g.evcc.vehicle import Battery
from v2gexi import iso2

PAUSED = Paused(SESSION_ID, ISO_2, {"service": 3, "schedule_id": 7})


@pytest.mark.spec(329)
def test_order_of_messages() -> None:
    rig = session().until("CurrentDemand")
    rig.change(stop=True)
    rig.run()
    assert rig.order == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "PaymentServiceSelectionReq",
        "AuthorizationReq",
        "ChargeParameterDiscoveryReq",
        "CableCheckReq",
        "PreChargeReq",
        "PowerDeliveryReq",
        "CurrentDemandReq",
        "PowerDeliveryReq",
        "WeldingDetectionReq",
        "SessionStopReq",
    ]
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    assert rig.checkpoints[-6:] == [700, 800, 806, 810, 850, 900]
    check(rig)


def test_authorisation_may_wait_for_a_customer_without_a_limit() -> None:
    rig = session()
    waiting = {"processing": "Ongoing_WaitingForCustomerInteraction"}

    def answer(charger: Charger, body: Any) -> Any:
        response = charger.usual("AuthorizationReq", body)
        response.EVSEProcessing = waiting["processing"]
        return response

    rig.charger.script["AuthorizationReq"] = answer
    rig.run(within_ms=400_000)
    assert rig.core.state == "Authorization"
    waiting["processing"] = "Ongoing"
    rig.run(within_ms=59_000)
    assert rig.core.state == "Authorization"
    rig.run(within_ms=3_000)
    assert rig.ended is not None
    assert "evcc_ongoing_ms" in rig.ended.reason


def test_what_the_ev_tells_of_its_battery() -> None:
    rig = session(
        vehicle=car(
            battery=Battery(soc_percent=41, capacity_wh=60_000.0, maximum_current_a=300.5), departure_s=7_200
        )
    ).until("ChargeParameterDiscovery")
    body = rig.sent[-1].Body.BodyElement
    parameter = body.EVChargeParameter
    assert (body.MaxEntriesSAScheduleTuple, body.RequestedEnergyTransferMode) == (3, "DC_extended")
    assert (parameter.DepartureTime, parameter.FullSOC, parameter.BulkSOC) == (7_200, 100, 80)
    assert parameter.DC_EVStatus.EVRESSSOC == 41
    current = parameter.EVMaximumCurrentLimit
    assert current.Value * 10.0**current.Multiplier == pytest.approx(300.5)
    capacity = parameter.EVEnergyCapacity
    assert capacity.Value * 10.0**capacity.Multiplier == 60_000


def test_a_charger_of_too_low_a_voltage() -> None:
    rig = session(vehicle=car(battery=Battery(voltage_v=720.0, maximum_voltage_v=820.0))).run()
    assert rig.ended is not None
    assert not rig.ended.ok
    assert "FAILED_ChargingSystemIncompatibility" in rig.ended.reason
    assert rig.requests[-1] == "SessionStopReq"


def test_a_charger_without_direct_current() -> None:
    rig = Rig(PROTOCOL, Charger(iso2, dc=False), car()).run()
    assert rig.ended is not None
    assert "AC_three_phase_core" in rig.ended.reason


@pytest.mark.parametrize("who", ["EV", "charger"])
def test_renegotiation(who: str) -> None:
    rig = session().until("CurrentDemand")
    first = len(rig.happened)
    if who == "EV":
        rig.change(renegotiate=True)
    else:
        rig.charger.notification = "ReNegotiation"
    rig.run(lambda: rig.core.state == "PowerDeliveryRenegotiate")
    rig.charger.notification = "None"
    rig.charger.counts.clear()
    rig.until("CurrentDemand")
    after = [each for _, each in rig.happened[first:]]
    assert [each.state for each in after if isinstance(each, effects.StateChanged)] == [
        "RampDownToRenegotiate",
        "PowerDeliveryRenegotiate",
        "ChargeParameterDiscovery",
        "CableCheck",
        "PreCharge",
        "PowerDeliveryStart",
        "CurrentDemand",
    ]
    plant = [each for each in after if isinstance(each, PilotState | Contactors | LockConnector)]
    assert plant == [PilotState("B"), Contactors(False), PilotState("C"), Contactors(True)]
    assert not rig.vehicle.renegotiate
    rig.change(stop=True)
    rig.run()
    check(rig)


def test_a_stop_during_a_renegotiation() -> None:
    rig = session().until("CurrentDemand")
    rig.change(renegotiate=True)
    rig.until("ChargeParameterDiscovery")
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_pause() -> None:
    rig = session().until("CurrentDemand")
    rig.change(pause=True)
    rig.run()
    assert rig.sent[-1].Body.BodyElement.ChargingSession == "Pause"
    assert rig.ended == effects.SessionEnded("the EV pauses", ok=True, paused=PAUSED)
    assert rig.all(effects.Link) == [effects.Link(LinkWish.PAUSE)]
    assert rig.plant[-2:] == [PilotState("B"), Contactors(False)]
    check(rig)


def test_a_pause_waits_for_the_charge_loop() -> None:
    rig = session(vehicle=car(pause=True)).run()
    assert "CurrentDemandReq" in rig.requests or "PowerDeliveryReq" in rig.requests
    assert rig.ended is not None
    assert rig.ended.paused == PAUSED


def test_a_pause_can_unlock() -> None:
    rig = session(vehicle=car(setup={"lock_when_paused": False})).until("CurrentDemand")
    rig.change(pause=True)
    rig.run()
    assert rig.plant[-1] == LockConnector(False)


def test_a_pause_that_fails_is_none() -> None:
    rig = session().until("CurrentDemand")
    rig.charger.script["WeldingDetectionReq"] = lambda charger, body: None
    rig.change(pause=True)
    rig.run()
    assert rig.ended is not None
    assert rig.ended.paused is None
    assert not rig.ended.ok
    assert rig.all(effects.Link) == [effects.Link(LinkWish.ERROR)]


def test_a_paused_session_goes_on() -> None:
    rig = session(resumes=PAUSED)
    rig.charger.script["SessionSetupReq"] = lambda charger, body: iso2.SessionSetupResType(
        ResponseCode="OK_OldSessionJoined", EVSEID="DE*ABC*E1"
    )
    rig.until("CurrentDemand")
    assert rig.sent[0].Header.SessionID == SESSION_ID
    assert "the paused session goes on" in rig.logs


@pytest.mark.parametrize("session_id", [SESSION_ID, bytes.fromhex("1122334455667788")])
def test_a_paused_session_that_the_charger_forgot(session_id: bytes) -> None:
    rig = session(resumes=PAUSED)
    rig.charger.session_id = session_id
    rig.until("CurrentDemand")
    assert rig.sent[0].Header.SessionID == SESSION_ID
    assert rig.sent[1].Header.SessionID == session_id
    assert any("cannot be joined again" in line for line in rig.logs)


def test_a_paused_session_of_another_protocol() -> None:
    rig = session(resumes=Paused(SESSION_ID, DIN)).until("ServiceDiscovery")
    assert rig.sent[0].Header.SessionID == bytes(8)


def test_the_next_session_resumes_the_paused_one_by_itself() -> None:
    rig = session().until("CurrentDemand")
    rig.change(pause=True)
    rig.run()
    rig.change(pause=False)
    rig.does(rig.core.connected(rig.now_ms))
    rig.until("SessionSetup")
    assert rig.sent[-1].Header.SessionID == SESSION_ID


def test_a_connection_that_is_lost_early_does_not_lose_the_paused_session() -> None:
    rig = session(resumes=PAUSED)
    rig.does(rig.core.disconnected(rig.now_ms))
    assert rig.ended is not None
    rig.does(rig.core.connected(rig.now_ms))
    rig.until("SessionSetup")
    assert rig.sent[-1].Header.SessionID == SESSION_ID


def test_an_unplugged_car_forgets_the_paused_session() -> None:
    rig = session(resumes=PAUSED, connect=False)
    rig.core.forget_paused()
    rig.does(rig.core.connected(rig.now_ms))
    rig.until("SessionSetup")
    assert rig.sent[-1].Header.SessionID == bytes(8)


def test_without_a_schedule_the_first_is_named() -> None:
    rig = session()

    def answer(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        response.SASchedules = None
        return response

    rig.charger.script["ChargeParameterDiscoveryReq"] = answer
    rig.until("PowerDeliveryStart")
    body = rig.sent[-1].Body.BodyElement
    assert (body.SAScheduleTupleID, body.ChargingProfile) == (1, None)


def test_no_receipt_is_signed_without_a_contract() -> None:
    rig = session()
    rig.charger.meter = iso2.MeterInfoType(MeterID="m", MeterReading=12)
    rig.charger.receipt = True
    rig.until("CurrentDemand")
    rig.run(within_ms=2_000)
    assert "MeteringReceiptReq" not in rig.requests
    assert len([line for line in rig.logs if "receipt" in line]) == 1


@pytest.mark.parametrize("isolation", [None, "Invalid", "Warning", "Valid", "No_IMD"])
def test_isolation_that_is_no_fault_is_taken(isolation: str | None) -> None:
    rig = session()
    rig.charger.isolation = isolation
    rig.until("CurrentDemand")
    assert any("isolation" in line for line in rig.logs) is (isolation not in ("Valid", "No_IMD"))


def test_modes_are_taken_in_the_evs_order() -> None:
    vehicle = car()
    modes = (EnergyMode.DC_COMBO_CORE, EnergyMode.DC_EXTENDED)
    vehicle.setup = type(vehicle.setup)(protocols=(ISO_2,), energy_modes=modes)
    rig = session(vehicle=vehicle).until("ChargeParameterDiscovery")
    assert rig.sent[-1].Body.BodyElement.RequestedEnergyTransferMode == "DC_extended"

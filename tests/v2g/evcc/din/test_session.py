"""Whole DIN SPEC 70121 sessions with a scripted charger, in virtual time."""

from __future__ import annotations

import pytest

from tests.v2g.evcc.charger import Charger
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN, LinkWish
from v2g.evcc import effects
from v2g.evcc.din.protocol import PROTOCOL
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2g.evcc.facts import ChargerFact
from v2g.evcc.vehicle import Battery, Setup, Vehicle
from v2gexi import din


def vehicle(**more: object) -> Vehicle:
    return Vehicle(setup=Setup(protocols=(DIN,)), **more)  # type: ignore[arg-type]


def session(car: Vehicle | None = None, charger: Charger | None = None) -> Rig:
    return Rig(PROTOCOL, charger or Charger(), car or vehicle())


@pytest.mark.spec(358)
def test_a_session_until_the_battery_is_full() -> None:
    rig = session()
    rig.until("CurrentDemand")
    rig.at(3_000, lambda: rig.change(battery=Battery(soc_percent=100)))
    rig.run()
    assert rig.order == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "ServicePaymentSelectionReq",
        "ContractAuthenticationReq",
        "ChargeParameterDiscoveryReq",
        "CableCheckReq",
        "PreChargeReq",
        "PowerDeliveryReq",
        "CurrentDemandReq",
        "PowerDeliveryReq",
        "WeldingDetectionReq",
        "SessionStopReq",
    ]
    assert rig.ended == effects.SessionEnded("the battery is full", ok=True)
    assert rig.all(effects.Link) == [effects.Link(LinkWish.TERMINATE)]
    assert rig.checkpoints == [
        *(400, 403, 500, 506, 510, 520, 530, 540, 550, 555, 556, 560, 566, 570, 581, 590, 600),
        *(700, 710, 800, 806, 810, 850, 900),
    ]
    check(rig)


@pytest.mark.spec(350)
def test_session_id_zero_asks_for_a_new_session_and_the_chargers_is_used() -> None:
    rig = session().until("ServicePaymentSelection")
    ids = [message.Header.SessionID for message in rig.sent]
    assert ids == [bytes(8), rig.charger.session_id, rig.charger.session_id]


@pytest.mark.spec(353)
def test_nothing_is_asked_of_the_cable_before_the_lock_is_confirmed() -> None:
    rig = session()
    rig.obeys = False
    rig.run(lambda: LockConnector(True) in rig.plant)
    assert rig.plant == [PilotState("C"), LockConnector(True)]
    rig.run(lambda: False, within_ms=2_000)
    assert "CableCheckReq" not in rig.requests
    rig.change(connector_locked=True)
    assert rig.requests[-1] == "CableCheckReq"
    status = rig.sent[-1].Body.BodyElement.DC_EVStatus
    assert (status.EVReady, status.EVErrorCode, status.EVRESSSOC) == (True, "NO_ERROR", 50)
    assert rig.checkpoints[-3:] == [555, 556, 560]


@pytest.mark.spec(353)
def test_a_lock_that_does_not_move_ends_the_session() -> None:
    rig = session()
    rig.obeys = False
    rig.run()
    assert rig.order[-1] == "SessionStopReq"
    assert rig.ended is not None
    assert not rig.ended.ok
    assert "ConnectorLock" in rig.ended.reason
    check(rig)


@pytest.mark.spec(352)
@pytest.mark.parametrize(
    ("voltage", "over"), [(329, False), (330, False), (331, True), (369, True), (370, False)]
)
def test_pre_charge_ends_within_20_v(voltage: int, over: bool) -> None:
    rig = session(vehicle(battery=Battery(voltage_v=350.0)))

    def answer(charger: Charger, body: object) -> object:
        response = charger.usual("PreChargeReq", body)
        response.EVSEPresentVoltage = charger.physical("V", voltage)
        return response

    rig.charger.script["PreChargeReq"] = answer
    rig.run(lambda: rig.charger.count("PreChargeReq") == 3 or "PowerDeliveryReq" in rig.requests)
    assert (rig.charger.count("PreChargeReq") == 1) is over


@pytest.mark.spec(352)
def test_a_measured_inlet_voltage_counts_before_the_chargers() -> None:
    rig = session(vehicle(inlet_voltage_v=12.0)).until("PreCharge")
    rig.run(lambda: rig.charger.count("PreChargeReq") > 5)
    assert rig.core.state == "PreCharge"
    rig.change(inlet_voltage_v=345.0)
    rig.until("CurrentDemand")


def test_contactors_close_before_the_charger_is_told_to_start() -> None:
    rig = session()
    rig.contactors_ms = 700
    rig.until("CurrentDemand")
    start = next(
        time
        for time, effect in rig.happened
        if isinstance(effect, effects.MessageSeen) and effect.name == "PowerDeliveryReq" and effect.request
    )
    assert start == rig.time_of(Contactors(True)) + 700


@pytest.mark.spec(351)
def test_an_orderly_end_waits_for_the_current_and_for_the_contactors() -> None:
    rig = session().until("CurrentDemand")
    left = iter((40, 20, 5, 0, 0, 0))

    def slowly(charger: Charger, body: object) -> object:
        response = charger.usual("CurrentDemandReq", body)
        if not body.EVTargetCurrent.Value:  # type: ignore[attr-defined]
            response.EVSEPresentCurrent = charger.physical("A", next(left))
        return response

    rig.run(lambda: rig.charger.count("CurrentDemandReq") > 3)
    rig.charger.script["CurrentDemandReq"] = slowly
    rig.contactors_ms = 300
    rig.change(stop=True)
    rig.run()
    assert rig.plant[3:] == [PilotState("B"), Contactors(False), LockConnector(False)]
    last = [
        message.Body.BodyElement
        for message in rig.sent
        if isinstance(message.Body.BodyElement, din.CurrentDemandReqType)
    ][-4:]
    assert [each.EVTargetCurrent.Value for each in last] == [0, 0, 0, 0]
    opened = rig.time_of(Contactors(False))
    welding = next(
        time
        for time, effect in rig.happened
        if isinstance(effect, effects.MessageSeen) and effect.name == "WeldingDetectionReq"
    )
    assert welding >= opened + 300
    assert rig.time_of(LockConnector(False)) > welding
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_welding_is_suspected_when_the_voltage_stays() -> None:
    rig = session().until("CurrentDemand")

    def stays(charger: Charger, body: object) -> object:
        charger.voltage_v = 380
        return charger.usual("WeldingDetectionReq", body)

    rig.charger.script["WeldingDetectionReq"] = stays
    rig.change(stop=True)
    rig.run()
    assert effects.ChargerTold(ChargerFact.WELDED, True) in rig.all(effects.ChargerTold)
    assert rig.charger.count("WeldingDetectionReq") > 5
    assert rig.order[-1] == "SessionStopReq"


@pytest.mark.parametrize(
    ("state", "last"),
    [
        ("ServiceDiscovery", ["SessionStopReq"]),
        ("ServicePaymentSelection", ["SessionStopReq"]),
        ("ContractAuthentication", ["SessionStopReq"]),
        ("ChargeParameterDiscovery", ["SessionStopReq"]),
        ("CableCheck", ["SessionStopReq"]),
        ("PreCharge", ["SessionStopReq"]),
        ("PowerDeliveryStart", ["PowerDeliveryReq", "WeldingDetectionReq", "SessionStopReq"]),
        ("CurrentDemand", ["PowerDeliveryReq", "WeldingDetectionReq", "SessionStopReq"]),
    ],
)
def test_the_ev_stops_in_every_state(state: str, last: list[str]) -> None:
    rig = session()
    rig.charger.ongoing = 3
    rig.charger.step_v = 100
    rig.until(state)
    rig.change(stop=True)
    rig.run()
    assert rig.order[-len(last) :] == last
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_a_stop_is_followed_at_once_while_a_request_pauses() -> None:
    rig = session()
    rig.charger.ongoing = 1_000
    rig.until("ContractAuthentication")
    rig.run(lambda: False, within_ms=5_100)
    asked = rig.charger.count("ContractAuthenticationReq")
    rig.change(stop=True)
    assert rig.requests[-1] == "SessionStopReq"
    assert rig.charger.count("ContractAuthenticationReq") == asked


def test_a_pause_is_an_end() -> None:
    rig = session().until("CurrentDemand")
    rig.change(pause=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops: this protocol knows no pause", ok=True)


def test_no_more_current_is_asked_for_than_the_charger_has() -> None:
    rig = session(vehicle(battery=Battery(target_current_a=200.0, maximum_current_a=180.0))).until(
        "CurrentDemand"
    )
    demand = rig.sent[-1].Body.BodyElement.EVTargetCurrent
    assert demand.Value * 10.0**demand.Multiplier == 100.0


def test_the_schedule_is_taken_with_its_id_and_the_batterys_power() -> None:
    rig = session(vehicle(battery=Battery(maximum_power_w=15_000.0))).until("PowerDeliveryStart")
    profile = rig.sent[-1].Body.BodyElement.ChargingProfile
    assert profile.SAScheduleTupleID == 7
    entries = [
        (each.ChargingProfileEntryStart, each.ChargingProfileEntryMaxPower) for each in profile.ProfileEntry
    ]
    assert entries == [(0, 15_000)]

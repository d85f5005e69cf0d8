"""From SessionSetup to the schedules: what an EV of ISO 15118-20 says, and how it takes the answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.evcc.charger import SESSION_ID
from tests.v2g.evcc.iso20.charger20 import (
    MODES,
    UNIX_S,
    Charger20,
    car,
    changed,
    n,
    name_of,
    session,
)
from tests.v2g.evcc.order import check
from v2g.common.terms import ISO_2, ISO_20_AC, ISO_20_DC, ISO_20_TLS, EnergyMode, Payment
from v2g.common.values import number
from v2g.evcc import effects
from v2g.evcc.engine import Evcc
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.protocol import PROTOCOL as ISO_2_PROTOCOL
from v2g.evcc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.evcc.iso20.service_discovery import wanted
from v2g.evcc.iso20.terms import Choice
from v2g.evcc.session import Paused
from v2g.evcc.vehicle import Battery, OnBoardCharger, Setup, Vehicle
from v2gexi import iso20_common as common

CHOICE = Choice(2, 1, EnergyMode.DC_EXTENDED, dynamic=True, by_secc=False)
PAUSED = Paused(SESSION_ID, ISO_20_DC, {"choice": CHOICE, "payment": Payment.EXTERNAL})


def told(rig: Any, fact: ChargerFact) -> Any:
    """What the charger last told."""
    found = [each.value for each in rig.all(effects.ChargerTold) if each.fact is fact]
    return found[-1] if found else None


@pytest.mark.parametrize(("kind", "namespace"), [("ac", ISO_20_AC), ("dc", ISO_20_DC), ("mcs", ISO_20_DC)])
def test_only_the_message_set_of_the_evs_current_is_offered(kind: str, namespace: str) -> None:
    vehicle = Vehicle(setup=Setup(protocols=(ISO_20_DC, ISO_20_AC), energy_modes=MODES[kind]))
    core = Evcc(vehicle, [AC_PROTOCOL, DC_PROTOCOL], bytes, lambda: UNIX_S)
    happened = core.connected(0, tls=True, tls_version=ISO_20_TLS)
    assert offered(happened) == [namespace]


def offered(happened: Any) -> list[str]:
    """Namespaces of the handshake's request, the favourite first."""
    seen = [each for each in happened if isinstance(each, effects.MessageSeen)]
    return [each.ProtocolNamespace for each in seen[0].message.AppProtocol] if seen else []


@pytest.mark.parametrize("tls_version", ["", "TLSv1.2", ISO_20_TLS])
@pytest.mark.parametrize("anyhow", [False, True])
@pytest.mark.parametrize("kind", ["ac", "dc", "mcs"])
def test_it_is_offered_over_tls_1_3_only(kind: str, anyhow: bool, tls_version: str) -> None:
    vehicle = Vehicle(
        setup=Setup(
            protocols=(ISO_20_DC, ISO_20_AC, ISO_2), energy_modes=MODES[kind], iso20_without_tls=anyhow
        )
    )
    core = Evcc(vehicle, [AC_PROTOCOL, DC_PROTOCOL, ISO_2_PROTOCOL], bytes, lambda: UNIX_S)
    found = offered(core.connected(0, tls=bool(tls_version), tls_version=tls_version))
    newest = [ISO_20_AC if kind == "ac" else ISO_20_DC] if anyhow or tls_version == ISO_20_TLS else []
    assert found == [*newest, ISO_2]


@pytest.mark.parametrize("tls_version", ["", "TLSv1.2"])
def test_an_ev_with_nothing_else_to_offer_goes(tls_version: str) -> None:
    vehicle = Vehicle(setup=Setup(protocols=(ISO_20_DC,), energy_modes=MODES["dc"]))
    core = Evcc(vehicle, [DC_PROTOCOL], bytes, lambda: UNIX_S)
    happened = core.connected(0, tls=bool(tls_version), tls_version=tls_version)
    assert not [each for each in happened if isinstance(each, effects.Send)]
    assert [each for each in happened if isinstance(each, effects.Disconnect)]
    ended = happened[-1]
    assert isinstance(ended, effects.SessionEnded)
    assert not ended.ok
    assert "TLSv1.3" in ended.reason
    assert not core.running
    assert core.deadline() is None
    # Another connection may do.
    again = core.connected(1_000, tls=True, tls_version=ISO_20_TLS)
    assert offered(again) == [ISO_20_DC]


def test_every_header_has_the_session_and_the_time() -> None:
    rig = session().until("ChargeLoop")
    assert {each.Header.TimeStamp for each in rig.sent} == {UNIX_S}
    assert [each.Header.SessionID for each in rig.sent] == [bytes(8)] + [SESSION_ID] * (len(rig.sent) - 1)


@pytest.mark.spec(335)
def test_the_evs_id_is_free_text() -> None:
    rig = session(setup={"evcc_id": "CB-F0-CHARGEMODULE-0-2"}).until("AuthorizationSetup")
    assert rig.sent[0].EVCCID == "CB-F0-CHARGEMODULE-0-2"
    assert told(rig, ChargerFact.EVSE_ID) == "DE*ABC*E1"


@pytest.mark.parametrize("joined", [True, False])
def test_a_paused_session_is_joined_with_its_service(joined: bool) -> None:
    rig = session(resumes=PAUSED)
    rig.charger.service, rig.charger.dynamic = 2, True
    if joined:
        rig.charger.script["SessionSetupReq"] = changed(ResponseCode="OK_OldSessionJoined")
    rig.until("ChargeLoop")
    assert rig.sent[0].Header.SessionID == SESSION_ID
    assert ("AuthorizationSetupReq" in rig.requests) is not joined
    assert ("ServiceSelectionReq" in rig.requests) is not joined


# ---------------------------------------------------------------------- authorisation


def test_external_authorisation_has_three_minutes() -> None:
    rig = session()
    rig.charger.ongoing = 10**6
    rig.run(within_ms=179_000)
    assert rig.core.state == "Authorization"
    rig.run(within_ms=3_000)
    assert rig.ended is not None
    assert "evcc_eim_ongoing_ms" in rig.ended.reason
    assert rig.requests[-1] == "SessionStopReq"
    assert rig.sent[-1].EVTerminationExplanation == rig.ended.reason


def test_a_customer_may_take_any_time() -> None:
    rig = session()
    rig.charger.script["AuthorizationReq"] = changed(EVSEProcessing="Ongoing_WaitingForCustomerInteraction")
    rig.run(within_ms=400_000)
    assert rig.core.state == "Authorization"


def test_a_refused_customer_ends_the_session_in_order() -> None:
    rig = session()
    rig.charger.script["AuthorizationReq"] = changed(1, ResponseCode="WARNING_EIMAuthorizationFailure")
    rig.run()
    assert rig.ended == effects.SessionEnded("not authorised: WARNING_EIMAuthorizationFailure", ok=False)
    assert rig.requests[-1] == "SessionStopReq"


def test_no_way_to_pay() -> None:
    rig = session()
    rig.charger.authorizations = ["PnC"]
    rig.run()
    assert rig.ended == effects.SessionEnded("no way to pay: the charger takes PnC", ok=False)


# ---------------------------------------------------------------------- services


@pytest.mark.parametrize(
    ("modes", "bidirectional", "services"),
    [
        ((EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE), False, [2, 2]),
        ((EnergyMode.DC_EXTENDED,), True, [6, 2]),
        ((EnergyMode.MCS, EnergyMode.DC), False, [8, 2]),
        ((EnergyMode.MCS, EnergyMode.DC), True, [9, 8, 6, 2]),
        ((EnergyMode.DC_BPT,), False, [6]),
        ((EnergyMode.DC, EnergyMode.AC_THREE_PHASE), False, [2]),
        ((EnergyMode.AC_THREE_PHASE, EnergyMode.DC), True, [5, 1]),
    ],
)
def test_the_services_that_an_ev_can_take(
    modes: tuple[EnergyMode, ...], bidirectional: bool, services: list[int]
) -> None:
    assert [each for each, _ in wanted(Setup(energy_modes=modes, bidirectional=bidirectional))] == services


@pytest.mark.spec(336)
def test_mcs_is_found_among_services() -> None:
    rig = session("mcs")
    rig.charger.services = (2, 8, 9)
    rig.charger.added = (65,)
    rig.until("ChargeLoop")
    assert rig.last("ServiceDetailReq").ServiceID == 8
    assert rig.last("ServiceSelectionReq").SelectedEnergyTransferService.ServiceID == 8
    assert told(rig, ChargerFact.ENERGY_MODES) == ("DC", "MCS", "MCS_BPT")
    assert told(rig, ChargerFact.SERVICES) == (65,)
    assert told(rig, ChargerFact.ENERGY_MODE) == "MCS"


def test_a_charger_without_a_fitting_service() -> None:
    rig = session("mcs")
    rig.charger.services = (2, 4)
    rig.run()
    assert rig.ended is not None
    assert rig.ended.reason == "FAILED_ChargingSystemIncompatibility: the charger offers DC, 4"
    assert rig.requests[-1] == "SessionStopReq"


def test_details_of_several_services_until_one_fits() -> None:
    rig = session(setup={"bidirectional": True})

    def details(charger: Charger20, body: Any) -> Any:
        charger.sets = ((1, 2, 2),) if body.ServiceID == 6 else ((9, 2, 1),)
        return charger.usual("ServiceDetailReq", body)

    rig.charger.script["ServiceDetailReq"] = details
    rig.until("ChargeLoop")
    assert [each.ServiceID for each in rig.sent if name_of(each) == "ServiceDetailReq"] == [6, 2]
    selected = rig.last("ServiceSelectionReq").SelectedEnergyTransferService
    assert (selected.ServiceID, selected.ParameterSetID) == (2, 9)


@pytest.mark.spec(337)
@pytest.mark.parametrize(
    ("setup", "sets", "chosen"),
    [
        ({}, ((1, 1, 1), (2, 2, 1), (3, 2, 2)), 2),
        ({"dynamic_mode": False}, ((1, 2, 1), (2, 1, 1)), 2),
        ({"mobility_needs_by_secc": True}, ((1, 2, 1), (2, 1, 1), (3, 2, 2)), 3),
        ({"mobility_needs_by_secc": True}, ((1, 2, 1), (2, 1, 1)), 1),
        ({}, ((4, 1, 1),), 4),
        ({"dynamic_mode": False}, ((4, 2, 1),), 4),
    ],
)
def test_the_parameter_set_that_fits_best(
    setup: dict[str, Any], sets: tuple[tuple[int, int, int], ...], chosen: int
) -> None:
    rig = session(setup=setup)
    rig.charger.sets = sets
    rig.until("ChargeLoop")
    assert rig.last("ServiceSelectionReq").SelectedEnergyTransferService.ParameterSetID == chosen


@pytest.mark.parametrize("sets", [((1, 2, 2),), ((1, 3, 1),), ((1, 0, 1),)])
def test_no_parameter_set_fits(sets: tuple[tuple[int, int, int], ...]) -> None:
    rig = session()
    rig.charger.sets = sets
    rig.run()
    assert rig.ended is not None
    assert "no service has parameters that fit" in rig.ended.reason
    assert rig.requests[-1] == "SessionStopReq"


def test_details_of_another_service_than_asked_for_do_not_count() -> None:
    rig = session()
    rig.charger.script["ServiceDetailReq"] = changed(ServiceID=8)
    rig.run()
    assert rig.ended is not None
    assert "no service has parameters that fit" in rig.ended.reason


# ---------------------------------------------------------------------- parameters


def test_what_a_dc_ev_tells_of_its_limits() -> None:
    battery = Battery(
        maximum_current_a=300.5, maximum_power_w=150_000.0, minimum_current_a=999.0, full_soc_percent=85
    )
    rig = session(vehicle=car(battery=battery)).until("ScheduleExchange")
    mode = rig.last("DC_ChargeParameterDiscoveryReq").DC_CPDReqEnergyTransferMode
    assert number(mode.EVMaximumChargeCurrent) == 300.5
    assert number(mode.EVMaximumChargePower) == 150_000
    assert number(mode.EVMinimumChargeCurrent) == 300.5, "no minimum above its maximum"
    assert (number(mode.EVMaximumVoltage), number(mode.EVMinimumVoltage)) == (420, 200)
    assert mode.TargetSOC == 85


def test_what_a_bidirectional_ev_tells() -> None:
    battery = Battery(discharge_current_a=25.0, discharge_power_w=9_000.0)
    rig = session(vehicle=car(setup={"bidirectional": True}, battery=battery)).until("ChargeLoop")
    mode = rig.last("DC_ChargeParameterDiscoveryReq").DC_CPDReqEnergyTransferMode
    assert number(mode.EVMaximumDischargeCurrent) == 25
    assert number(mode.EVMaximumDischargePower) == 9_000
    assert told(rig, ChargerFact.MAXIMUM_DISCHARGE_CURRENT_A) == 30
    loop = rig.last("DC_ChargeLoopReq").CLReqControlMode
    assert number(loop.EVMaximumDischargeCurrent) == 25
    assert rig.last("PowerDeliveryReq").BPT_ChannelSelection == "Charge"


def test_a_bidirectional_service_without_limits_of_discharging() -> None:
    rig = session(setup={"bidirectional": True})

    def plain(charger: Charger20, body: Any) -> Any:
        charger.service = 2
        return charger.usual("DC_ChargeParameterDiscoveryReq", body)

    rig.charger.script["DC_ChargeParameterDiscoveryReq"] = plain
    rig.run()
    assert rig.ended is not None
    assert rig.ended.reason == "the charger gave no limits of discharging"


def test_a_charger_of_too_low_a_voltage() -> None:
    rig = session(vehicle=car(battery=Battery(voltage_v=1_100.0, maximum_voltage_v=1_200.0))).run()
    assert rig.ended is not None
    assert "at most 1000 V" in rig.ended.reason


def test_what_an_ac_ev_tells() -> None:
    rig = session("ac", car("ac", charger=OnBoardCharger(maximum_current_a=16.0, energy_wh=12_000.0)))
    rig.until("ChargeLoop")
    mode = rig.last("AC_ChargeParameterDiscoveryReq").AC_CPDReqEnergyTransferMode
    assert (number(mode.EVMaximumChargePower), number(mode.EVMinimumChargePower)) == (11_040, 4_140)
    needs = rig.last("ScheduleExchangeReq").Dynamic_SEReqControlMode
    assert number(needs.EVTargetEnergyRequest) == 12_000
    assert told(rig, ChargerFact.MAXIMUM_POWER_W) == 11_000
    assert told(rig, ChargerFact.FREQUENCY_HZ) == 50
    assert told(rig, ChargerFact.NOMINAL_VOLTAGE_V) == 230


# ---------------------------------------------------------------------- schedules


def test_what_the_ev_needs_in_dynamic_mode() -> None:
    battery = Battery(soc_percent=40, capacity_wh=80_000.0, energy_request_wh=None, minimum_energy_wh=4_000.0)
    rig = session(vehicle=car(battery=battery, departure_s=7_200, setup={"most_schedules": 5_000}))
    rig.until("CableCheck")
    request = rig.last("ScheduleExchangeReq")
    assert request.MaximumSupportingPoints == 1_024
    needs = request.Dynamic_SEReqControlMode
    assert needs.DepartureTime == 7_200
    assert number(needs.EVTargetEnergyRequest) == pytest.approx(48_000)
    assert number(needs.EVMaximumEnergyRequest) == pytest.approx(48_000)
    assert number(needs.EVMinimumEnergyRequest) == 4_000
    assert request.Scheduled_SEReqControlMode is None


def test_what_the_ev_needs_in_scheduled_mode() -> None:
    rig = session(setup={"dynamic_mode": False}).until("CableCheck")
    request = rig.last("ScheduleExchangeReq")
    assert request.MaximumSupportingPoints == 12
    assert request.Scheduled_SEReqControlMode.DepartureTime is None
    assert request.Dynamic_SEReqControlMode is None


def test_what_the_charger_decides_is_told() -> None:
    rig = session(setup={"mobility_needs_by_secc": True})
    rig.charger.script["ScheduleExchangeReq"] = changed(
        Dynamic_SEResControlMode=common.Dynamic_SEResControlModeType(
            DepartureTime=3_600, MinimumSOC=30, TargetSOC=85
        ),
        EVSEProcessing="Finished",
    )
    rig.until("CableCheck")
    facts = (ChargerFact.DEPARTURE_TIME_S, ChargerFact.MINIMUM_SOC, ChargerFact.TARGET_SOC)
    assert [told(rig, fact) for fact in facts] == [3_600, 30, 85]


@pytest.mark.parametrize("phases", [False, True])
def test_the_profile_keeps_to_schedule_and_ev(phases: bool) -> None:
    battery = Battery(maximum_power_w=15_000.0)
    rig = session(vehicle=car(setup={"dynamic_mode": False}, battery=battery))
    rig.charger.phases_told = phases
    rig.until("ChargeLoop")
    profile = rig.last("PowerDeliveryReq").EVPowerProfile
    assert profile.Scheduled_EVPPTControlMode.SelectedScheduleTupleID == 7
    entries = profile.EVPowerProfileEntries.EVPowerProfileEntry
    assert [each.Duration for each in entries] == [3_600, 3_600]

    def total(entry: Any) -> float:
        parts = (entry.Power, entry.Power_L2, entry.Power_L3)
        return sum(number(part) for part in parts if part is not None)

    assert [total(each) for each in entries] == pytest.approx([15_000, 10_000], abs=3)
    assert (entries[0].Power_L3 is not None) is phases


def test_a_forecast_in_dynamic_mode() -> None:
    rig = session(vehicle=car(departure_s=1_800)).until("ChargeLoop")
    profile = rig.last("PowerDeliveryReq").EVPowerProfile
    assert profile.Dynamic_EVPPTControlMode is not None
    entry = profile.EVPowerProfileEntries.EVPowerProfileEntry[0]
    assert (entry.Duration, number(entry.Power)) == (1_800, 50_000)


def test_no_schedule_in_scheduled_mode() -> None:
    rig = session(setup={"dynamic_mode": False})
    rig.charger.script["ScheduleExchangeReq"] = changed(
        Dynamic_SEResControlMode=common.Dynamic_SEResControlModeType(),
        Scheduled_SEResControlMode=None,
        EVSEProcessing="Finished",
    )
    rig.run()
    assert rig.ended == effects.SessionEnded("the charger gave no schedule", ok=False)


def test_go_to_pause() -> None:
    rig = session()
    rig.charger.go_to_pause = True
    rig.run()
    assert rig.sent[-1].ChargingSession == "Pause"
    assert rig.ended == effects.SessionEnded("the charger asks to pause", ok=True, paused=PAUSED)
    assert effects.Contactors(True) not in rig.plant
    check(rig)


# ---------------------------------------------------------------------- pre-charge


def test_pre_charge_ends_with_finished_within_20_v() -> None:
    rig = session()
    rig.charger.step_v = 110.0
    rig.until("PowerDeliveryStart")
    asked = [each for each in rig.sent if name_of(each) == "DC_PreChargeReq"]
    assert [each.EVProcessing for each in asked] == [*["Ongoing"] * 4, "Finished"]
    assert [number(each.EVPresentVoltage) for each in asked] == [0, 110, 220, 330, 350]
    assert {number(each.EVTargetVoltage) for each in asked} == {350}


def test_the_measured_voltage_counts() -> None:
    rig = session(vehicle=car(inlet_voltage_v=100.0)).until("PreCharge")
    rig.run(within_ms=2_000)
    assert rig.core.state == "PreCharge"
    rig.change(inlet_voltage_v=335.0)
    rig.until("PowerDeliveryStart")
    assert number(rig.last("DC_PreChargeReq").EVPresentVoltage) == 335


def test_a_voltage_that_does_not_stay() -> None:
    rig = session()
    rig.charger.script["DC_PreChargeReq"] = changed(1, EVSEPresentVoltage=n(100))
    rig.run()
    assert rig.ended == effects.SessionEnded("the voltage did not stay after pre-charge", ok=False)
    assert effects.Contactors(True) not in rig.plant


def test_pre_charge_has_ten_seconds() -> None:
    rig = session()
    rig.charger.step_v = 0.0
    rig.run()
    assert rig.ended is not None
    assert "evcc_pre_charge_ms" in rig.ended.reason
    times = [
        time
        for time, each in rig.happened
        if isinstance(each, effects.MessageSeen) and each.request and each.name == "DC_PreChargeReq"
    ]
    assert 9_800 <= times[-1] - times[0] <= 10_000

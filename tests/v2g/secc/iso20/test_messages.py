"""Every message's response codes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.rig import UNIX_S
from v2g.common.terms import EnergyMode
from v2g.secc import effects
from v2g.secc.iso20.protocol import AC_PROTOCOL, DC_PROTOCOL
from v2g.secc.schedule import Period, Schedule
from v2g.secc.station import AddedService, MeterReading, StationError


def code(rig: ev.Rig20, request: Any) -> str:
    answer = rig.ask(request)
    assert answer is not None
    return str(answer.ResponseCode)


def test_evse_id_may_be_long() -> None:
    station = ev.station()
    object.__setattr__(station.setup, "evse_id", "E" * 300)
    assert ev.rig("DC", station).ask(ev.setup).EVSEID == "E" * 255


def test_an_unknown_session_id_begins_a_new_session() -> None:
    rig = ev.rig()
    answer = rig.ask(ev.setup, session_id=b"12345678")
    assert answer.ResponseCode == "OK_NewSessionEstablished"
    assert answer.Header.SessionID == b"\x01" * 8


@pytest.mark.parametrize(
    ("kind", "modes", "supported", "found"),
    [
        ("DC", (), None, [2, 6, 8, 9]),
        ("AC", (), None, [1, 5]),
        ("DC", (), (2, 1, 77), [2]),
        ("DC", (EnergyMode.DC_CORE, EnergyMode.DC_EXTENDED), None, [2]),
        ("DC", (EnergyMode.MCS_BPT, EnergyMode.MCS), None, [9, 8]),
        ("AC", (EnergyMode.AC_THREE_PHASE,), None, [1]),
    ],
)
def test_services_on_offer(kind: str, modes: Any, supported: Any, found: list[int]) -> None:
    rig = ev.walk(ev.rig(kind, ev.station(*modes, free_service=True)), "WaitForServiceDiscovery")
    answer = rig.ask(ev.discovery if supported is None else ev.supporting(*supported))
    assert [each.ServiceID for each in answer.EnergyTransferServiceList.Service] == found
    assert all(each.FreeService for each in answer.EnergyTransferServiceList.Service)
    assert answer.ServiceRenegotiationSupported
    assert answer.VASList is None


def test_no_service_in_common() -> None:
    rig = ev.walk(ev.rig(), "WaitForServiceDiscovery")
    assert code(rig, ev.supporting(1, 5)) == "FAILED"


@pytest.mark.parametrize(
    ("modes", "agreed"),
    [
        ((EnergyMode.AC_THREE_PHASE,), AC_PROTOCOL.namespace),
        ((EnergyMode.AC_SINGLE_PHASE, EnergyMode.MCS), DC_PROTOCOL.namespace),
        ((EnergyMode.WPT, EnergyMode.DC_ACDP), ""),
    ],
)
def test_the_handshake_leaves_out_what_the_station_has_no_service_for(modes: Any, agreed: str) -> None:
    rig = ev.Rig20(AC_PROTOCOL, DC_PROTOCOL, station=ev.station(*modes))
    rig.handshake((DC_PROTOCOL.namespace, 1, 0), (AC_PROTOCOL.namespace, 1, 0))
    assert rig.sent(effects.ProtocolSelected) == effects.ProtocolSelected(agreed)


def test_bidirectional_services_need_a_discharge_limit() -> None:
    station = ev.station()
    station.dc.discharge_power_w = 0.0
    rig = ev.walk(ev.rig("DC", station), "WaitForServiceDiscovery")
    found = rig.ask(ev.discovery).EnergyTransferServiceList.Service
    assert [each.ServiceID for each in found] == [2, 8]


def parameters(rig: ev.Rig20, service: int) -> list[dict[str, Any]]:
    return [
        {p.Name: p.intValue for p in each.Parameter}
        for each in rig.ask(ev.detail(service)).ServiceParameterList.ParameterSet
    ]


def test_parameter_sets() -> None:
    rig = ev.walk(ev.rig(), "WaitForServiceDetail")
    plain = {"Connector": 1, "ControlMode": 2, "MobilityNeedsMode": 1, "Pricing": 0}
    assert parameters(rig, 2) == [plain, plain | {"ControlMode": 1}]  # DC_core is the first DC mode
    back = {"BPTChannel": 1, "GeneratorMode": 1}
    assert parameters(rig, 6) == [
        plain | {"Connector": 2} | back,
        plain | {"Connector": 2, "ControlMode": 1} | back,
    ]
    assert parameters(rig, 8) == [plain, plain | {"ControlMode": 1}]
    assert parameters(rig, 9) == [plain | back, plain | {"ControlMode": 1} | back]
    rig = ev.walk(ev.rig("AC"), "WaitForServiceDetail")
    three = plain | {"Connector": 3, "EVSENominalVoltage": 230}
    assert parameters(rig, 1) == [three, three | {"ControlMode": 1}]
    found = parameters(rig, 5)
    assert found[0] == three | back | {"DetectionMethodGridCodeIslanding": 2}
    rig = ev.rig("AC", ev.station(dynamic_mode=False))
    rig.station.ac.phases = 1
    ev.walk(rig, "WaitForServiceDetail")
    assert parameters(rig, 1) == [three | {"Connector": 1, "ControlMode": 1}]


def test_service_ids_that_are_not_on_offer() -> None:
    rig = ev.walk(ev.rig(), "WaitForServiceDetail")
    assert code(rig, ev.detail(1)) == "FAILED_ServiceIDInvalid"
    rig = ev.walk(ev.rig(), "WaitForServiceSelection")
    assert code(rig, ev.selection(1, 1)) == "FAILED_NoEnergyTransferServiceSelected"
    rig = ev.walk(ev.rig(), "WaitForServiceSelection")
    assert code(rig, ev.selection(2, 9)) == "FAILED_ServiceSelectionInvalid"
    rig = ev.walk(ev.rig(), "WaitForServiceSelection")
    assert code(rig, ev.selection(2, 1, (65, 1))) == "FAILED_ServiceSelectionInvalid"


def test_value_added_services() -> None:
    internet = AddedService(65, True, {3: {"Protocol": "http", "Port": 80, "Filtered": False}})
    station = ev.station(added_services=(internet, AddedService(66, False, {1: {"IntendedService": 1}})))
    rig = ev.walk(ev.rig("DC", station), "WaitForServiceDiscovery")
    found = rig.ask(ev.supporting(2, 65))
    assert [(each.ServiceID, each.FreeService) for each in found.VASList.Service] == [(65, True)]
    rig.ask(ev.detail(2))
    sets = rig.ask(ev.detail(65)).ServiceParameterList.ParameterSet
    assert [each.ParameterSetID for each in sets] == [3]
    values = {p.Name: (p.finiteString, p.intValue, p.boolValue) for p in sets[0].Parameter}
    assert values == {
        "Protocol": ("http", None, None),
        "Port": (None, 80, None),
        "Filtered": (None, None, False),
    }
    assert code(rig, ev.selection(2, 1, (65, 3))) == "OK"


@pytest.mark.parametrize(
    "changes",
    [
        {"EVMaximumVoltage": 100.0},
        {"EVMinimumVoltage": 980.0, "EVMaximumVoltage": 1000.0},
        {"EVMinimumChargePower": 200_000.0},
        {"EVMinimumChargeCurrent": 301.0},
        {"EVMinimumVoltage": 860.0},
    ],
)
def test_dc_parameters_that_do_not_fit(changes: dict[str, Any]) -> None:
    rig = ev.walk(ev.rig(), "WaitForChargeParameterDiscovery")
    assert code(rig, ev.dc_parameters(**changes)) == "FAILED_WrongChargeParameter"


def test_parameters_of_another_service() -> None:
    rig = ev.walk(ev.rig(), "WaitForChargeParameterDiscovery")
    assert code(rig, ev.dc_parameters(True)) == "FAILED_WrongChargeParameter"
    rig = ev.walk(ev.rig(), "WaitForChargeParameterDiscovery", bpt=True)
    assert code(rig, ev.dc_parameters()) == "FAILED_WrongChargeParameter"
    rig = ev.walk(ev.rig(), "WaitForChargeParameterDiscovery", bpt=True)
    changes: dict[str, Any] = {"EVMinimumDischargeCurrent": 31.0}
    assert code(rig, ev.dc_parameters(True, **changes)) == "FAILED_WrongChargeParameter"
    rig = ev.walk(ev.rig("AC"), "WaitForChargeParameterDiscovery")
    assert code(rig, ev.ac_parameters(True)) == "FAILED_WrongChargeParameter"
    rig = ev.walk(ev.rig("AC"), "WaitForChargeParameterDiscovery", bpt=True)
    assert code(rig, ev.ac_parameters()) == "FAILED_WrongChargeParameter"


def test_ac_parameters() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForChargeParameterDiscovery")
    assert code(rig, ev.ac_parameters(EVMinimumChargePower=12_000)) == "FAILED_WrongChargeParameter"
    rig = ev.walk(ev.rig("AC"), "WaitForChargeParameterDiscovery")
    phases: dict[str, Any] = {"EVMaximumChargePower_L2": 5_000, "EVMaximumChargePower_L3": 6_000}
    mode = rig.ask(ev.ac_parameters(**phases)).AC_CPDResEnergyTransferMode
    assert rig.told()["ac_ev_max_power"] == 22_000.0
    number = mode.EVSEMaximumChargePower
    assert number.Value * 10**number.Exponent == 22_080
    number = mode.EVSEMinimumChargePower
    assert number.Value * 10**number.Exponent == 1_380
    assert mode.EVSENominalFrequency.Value * 10.0**mode.EVSENominalFrequency.Exponent == 50


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_control_mode_has_to_be_the_agreed_one(kind: str) -> None:
    rig = ev.walk(ev.rig(kind), "WaitForScheduleExchange")
    assert code(rig, ev.schedule(False)) == "FAILED"
    for wrong in ({"dynamic": False}, {"bpt": True}):
        rig = ev.walk(ev.rig(kind), "ChargeLoop")
        loop = ev.ac_loop(**wrong) if kind == "AC" else ev.dc_loop(**wrong)
        assert code(rig, loop) == "FAILED"
        assert not rig.closed


def test_schedules_of_the_station() -> None:
    rig = ev.walk(ev.rig(), "WaitForScheduleExchange", dynamic=False)
    rig.changed(
        schedules=(
            Schedule(4, (Period(0, 20_000.0), Period(600, 99_000.0)), 3600),
            Schedule(7, (Period(0, 5_000.0),)),
            *(Schedule(n, (Period(0, 1.0),)) for n in (8, 9)),
        )
    )
    tuples = rig.ask(ev.schedule(False)).Scheduled_SEResControlMode.ScheduleTuple
    assert [each.ScheduleTupleID for each in tuples] == [4, 7, 8]
    entries = tuples[0].ChargingSchedule.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry
    assert [(e.Duration, e.Power.Value * 10**e.Power.Exponent) for e in entries] == [
        (600, 20_000),
        (3000, 50_000),
    ]
    assert tuples[0].ChargingSchedule.PowerSchedule.TimeAnchor == UNIX_S
    assert tuples[0].DischargingSchedule is None
    rig.changed(pilot="C", cable_check=True)
    ev.walk(rig, "WaitForPowerDelivery", dynamic=False)
    assert code(rig, ev.power("Start", ev.profile(False, (900, 5_000), tuple_id=7))) == "OK"
    assert rig.told()["charging_profile"] == {"tuple_id": 7, "entries": [(900, 5_000.0)]}


def test_a_bidirectional_schedule() -> None:
    rig = ev.walk(ev.rig(), "WaitForScheduleExchange", dynamic=False, bpt=True)
    made = rig.ask(ev.schedule(False)).Scheduled_SEResControlMode.ScheduleTuple[0].DischargingSchedule
    entry = made.PowerSchedule.PowerScheduleEntries.PowerScheduleEntry[0]
    assert (entry.Duration, entry.Power.Value * 10**entry.Power.Exponent) == (86_400, 20_000)
    rig.changed(pilot="C", cable_check=True)
    ev.walk(rig, "WaitForPowerDelivery", dynamic=False, bpt=True)
    assert code(rig, ev.power("Start", ev.profile(False, (60, 10_000), (60, -20_000)))) == "OK"


SCHEDULE = (Schedule(1, (Period(0, 20_000.0), Period(600, 10_000.0)), 3600),)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (None, "FAILED_EVPowerProfileInvalid"),
        (ev.profile(True), "FAILED_EVPowerProfileInvalid"),
        (ev.profile(False, tuple_id=2), "FAILED_ScheduleSelectionInvalid"),
        (ev.profile(False, (600, 20_000), (3000, 10_000)), "OK"),
        (ev.profile(False, (600, 20_001)), "FAILED_EVPowerProfileInvalid"),
        (ev.profile(False, (601, 20_000)), "FAILED_EVPowerProfileInvalid"),
        (ev.profile(False, (100_000, 10_000)), "OK"),
        (ev.profile(False, (60, -1)), "FAILED_EVPowerProfileInvalid"),
        (ev.profile(False, (60, 1), tolerance="PowerToleranceConfirmed"), "OK_PowerToleranceConfirmed"),
        (
            ev.profile(False, (60, 1), tolerance="PowerToleranceNotConfirmed"),
            "WARNING_PowerToleranceNotConfirmed",
        ),
    ],
)
def test_power_profiles(made: Any, found: str) -> None:
    station = ev.station()
    station.schedules = SCHEDULE
    rig = ev.walk(ev.rig("DC", station), "WaitForPowerDelivery", dynamic=False)
    assert code(rig, ev.power("Start", made)) == found
    refused = found.startswith("FAILED")
    assert rig.closed is not refused
    assert rig.core.session is not None
    assert rig.state == ("WaitForPowerDelivery" if refused else "ChargeLoop")


def test_dynamic_mode_needs_no_profile_and_takes_no_schedule() -> None:
    rig = ev.walk(ev.rig(), "WaitForPowerDelivery")
    assert code(rig, ev.power("Start")) == "OK"
    rig = ev.walk(ev.rig(), "WaitForPowerDelivery")
    assert code(rig, ev.power("Start", ev.profile(False))) == "FAILED_EVPowerProfileInvalid"


def test_a_profile_that_begins_later_than_the_schedule() -> None:
    station = ev.station()
    station.schedules = SCHEDULE
    rig = ev.walk(ev.rig("DC", station), "WaitForPowerDelivery", dynamic=False)
    made = ev.profile(False, (600, 20_000))
    made.TimeAnchor = UNIX_S + 1
    assert code(rig, ev.power("Start", made)) == "FAILED_EVPowerProfileInvalid"


def test_start_before_pre_charge() -> None:
    for state in ("WaitForCableCheck", "WaitForPreCharge"):
        rig = ev.walk(ev.rig(), state)
        assert code(rig, ev.power("Start", ev.profile(True))) == "FAILED_SequenceError"
        assert not rig.closed


def test_standby_is_not_on_offer() -> None:
    rig = ev.walk(ev.rig(), "WaitForPowerDelivery")
    assert code(rig, ev.power("Standby")) == "WARNING_StandbyNotAllowed"
    assert rig.state == "WaitForPowerDelivery"
    ev.walk(rig, "ChargeLoop")
    assert code(rig, ev.power("Standby")) == "WARNING_StandbyNotAllowed"
    assert rig.state == "ChargeLoop"
    assert rig.closed


def test_an_ev_that_is_still_planning() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C")
    assert code(rig, ev.power("Start", processing="Ongoing")) == "OK"
    assert rig.state == "WaitForPowerDelivery"
    assert not rig.closed
    for found in ("OK", "OK", "FAILED_PowerDeliveryNotApplied"):
        rig.later(20_000)
        assert code(rig, ev.power("Start", processing="Ongoing")) == found


def test_renegotiation_outside_the_charge_loop() -> None:
    rig = ev.walk(ev.rig(), "WaitForPowerDelivery")
    assert code(rig, ev.power("ScheduleRenegotiation")) == "FAILED_ScheduleRenegotiation"


@pytest.mark.parametrize("error", [None, *StationError])
def test_power_is_refused_by_the_station(error: StationError | None) -> None:
    facts: dict[str, Any] = {"stop": True} if error is None else {"error": error}
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C", **facts)
    assert code(rig, ev.power("Start", ev.profile(True))) == "FAILED_PowerDeliveryNotApplied"
    assert not rig.of(effects.Contactor)
    for state, request in (
        ("WaitForScheduleExchange", ev.schedule(True)),
        ("WaitForCableCheck", ev.cable_check),
        ("WaitForPreCharge", ev.pre_charge),
        ("WaitForPowerDelivery", ev.pre_charge),
    ):
        rig = ev.walk(ev.rig(), state)
        rig.changed(**facts)
        assert code(rig, request) == "FAILED"
        assert not rig.closed


def test_a_tripped_rcd_lets_no_power_on() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery")
    rig.changed(pilot="C", rcd_tripped=True)
    assert code(rig, ev.power("Start")) == "FAILED_PowerDeliveryNotApplied"


def test_welding_detection() -> None:
    rig = ev.walk(ev.rig(), "WaitForWeldingDetection")
    rig.changed(present_voltage_v=12.5)
    answer = rig.ask(ev.welding("Ongoing"))
    assert answer.EVSEPresentVoltage.Value * 10.0**answer.EVSEPresentVoltage.Exponent == 12.5
    assert rig.state == "WaitForWeldingDetection"
    assert code(rig, ev.welding()) == "OK"
    assert rig.state == "WaitForSessionStop"


def test_welding_detection_may_be_left_out() -> None:
    rig = ev.walk(ev.rig(), "WaitForWeldingDetection")
    assert code(rig, ev.stop()) == "OK"


def test_session_stop_codes() -> None:
    rig = ev.walk(ev.rig("DC", ev.station(service_renegotiation=False)), "WaitForSessionStop")
    assert code(rig, ev.stop("ServiceRenegotiation")) == "FAILED_NoServiceRenegotiationSupported"
    rig = ev.walk(ev.rig(), "WaitForServiceDiscovery")
    assert code(rig, ev.stop("ServiceRenegotiation")) == "FAILED_NoServiceRenegotiationSupported"
    rig = ev.walk(ev.rig("DC", ev.station(pause=False)), "WaitForSessionStop")
    assert code(rig, ev.stop("Pause")) == "FAILED_PauseNotAllowed"
    rig = ev.walk(ev.rig(), "WaitForServiceDiscovery")
    assert code(rig, ev.stop("Pause")) == "FAILED_PauseNotAllowed"
    rig = ev.walk(ev.rig(), "WaitForSessionStop")
    assert code(rig, ev.stop(code="EV-7")) == "OK"
    assert rig.told()["ev_termination"] == {"code": "EV-7", "explanation": None}


def test_a_reading_cannot_be_confirmed_without_a_contract() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.changed(meter=MeterReading("m", 1), receipt_required=True)
    answer = rig.ask(ev.dc_loop(meter=True))
    assert answer.EVSEStatus is None
    request = ev.metering(answer.MeterInfo, answer.Header.SessionID)
    assert code(rig, request) == "FAILED_MeteringSignatureNotValid"


def test_certificate_installation_is_on_offer_over_tls_only() -> None:
    for tls in (True, False):
        for service in (True, False):
            rig = ev.rig("DC", ev.station(certificate_service=service), tls=tls)
            rig.ask(ev.setup)
            answer = rig.ask(ev.authorization_setup)
            assert answer.CertificateInstallationService is (tls and service)
            installed = code(rig, ev.installation) if not (tls and service) else ""
            assert installed in ("", "WARNING_NoCertificateAvailable")


def test_numbers_are_written_to_a_tenth() -> None:
    """Finer digits would only change for nothing."""
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.changed(present_voltage_v=701.26, present_current_a=12.34)
    answer = rig.ask(ev.dc_loop())
    assert (answer.EVSEPresentVoltage.Value, answer.EVSEPresentVoltage.Exponent) == (7013, -1)
    assert (answer.EVSEPresentCurrent.Value, answer.EVSEPresentCurrent.Exponent) == (123, -1)


def test_a_meter_that_counts_backwards_is_written_as_nothing() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.changed(meter=MeterReading("m", -5, -7))
    info = rig.ask(ev.dc_loop(meter=True)).MeterInfo
    assert (info.ChargedEnergyReadingWh, info.BPT_DischargedEnergyReadingWh) == (0, 0)


@pytest.mark.parametrize("bpt", [True, False])
def test_a_flat_price(bpt: bool) -> None:
    rig = ev.rig("DC", ev.station(flat_price=True))
    ev.walk(rig, "WaitForServiceDetail")
    assert all(each["Pricing"] == 2 for each in parameters(rig, 2))
    ev.walk(rig, "WaitForScheduleExchange", dynamic=False, bpt=bpt)
    made = rig.ask(ev.schedule(False)).Scheduled_SEResControlMode.ScheduleTuple[0]
    assert (made.DischargingSchedule is not None) is bpt
    for each in filter(None, (made.ChargingSchedule, made.DischargingSchedule)):
        prices = each.PriceLevelSchedule
        assert (prices.PriceScheduleID, prices.TimeAnchor, prices.NumberOfPriceLevels) == (1, UNIX_S, 1)
        entry = prices.PriceLevelScheduleEntries.PriceLevelScheduleEntry[0]
        assert (entry.Duration, entry.PriceLevel) == (86_400, 1)


def written(number: Any) -> float:
    return float(number.Value * 10.0**number.Exponent)


def test_limits_of_a_bidirectional_output() -> None:
    rig = ev.walk(ev.rig(), "WaitForChargeParameterDiscovery", bpt=True)
    mode = rig.ask(ev.dc_parameters(True)).DC_CPDResEnergyTransferMode
    wanted = {
        "EVSEMaximumChargePower": 50_000.0,
        "EVSEMinimumChargePower": 0.0,
        "EVSEMaximumChargeCurrent": 125.0,
        "EVSEMinimumChargeCurrent": 0.0,
        "EVSEMaximumVoltage": 950.0,
        "EVSEMinimumVoltage": 150.0,
        "EVSEMaximumDischargePower": 20_000.0,
        "EVSEMinimumDischargePower": 0.0,
        "EVSEMaximumDischargeCurrent": 50.0,
        "EVSEMinimumDischargeCurrent": 0.0,
    }
    assert {name: written(getattr(mode, name)) for name in wanted} == wanted
    ev.walk(rig, "ChargeLoop", bpt=True)
    mode = rig.ask(ev.dc_loop(bpt=True)).CLResControlMode
    named = {name: written(getattr(mode, name)) for name in wanted if hasattr(mode, name)}
    assert named.items() <= wanted.items()
    assert len(named) == 8


def test_limits_of_a_bidirectional_outlet() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForChargeParameterDiscovery", bpt=True)
    mode = rig.ask(ev.ac_parameters(True)).AC_CPDResEnergyTransferMode
    assert written(mode.EVSEMaximumDischargePower) == 11_000.0
    assert written(mode.EVSEMinimumDischargePower) == 0.0
    rig = ev.walk(ev.rig("AC"), "ChargeLoop", bpt=True)
    rig.changed(ac_target_power_w=-20_000.0)
    mode = rig.ask(ev.ac_loop(bpt=True)).CLResControlMode
    assert written(mode.EVSETargetActivePower) == -11_000.0


def test_the_voltage_at_the_ev_is_told_in_pre_charge() -> None:
    rig = ev.walk(ev.rig(), "WaitForPreCharge")
    rig.ask(ev.pre_charge)
    assert rig.told()["ev_present_voltage"] == 12.0


@pytest.mark.spec(369)
@pytest.mark.parametrize("state", ev.DC_ORDER[:-2])
def test_a_new_set_up_is_for_the_next_session(state: str) -> None:
    rig = ev.walk(ev.rig("DC", ev.station(EnergyMode.MCS)), state, service=8)
    other = ev.station(EnergyMode.DC, pause=False, flat_price=True).setup
    rig.changed(setup=other)
    ev.walk(rig, "ChargeLoop", service=8)
    ev.walk(rig, "WaitForSessionStop", service=8)
    old = rig.ask(ev.stop("Pause"))
    assert old.ResponseCode == "OK"
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    assert rig.ask(ev.setup, session_id=old.Header.SessionID).ResponseCode == "OK_NewSessionEstablished"
    ev.walk(rig, "WaitForServiceDetail")
    assert [each["Pricing"] for each in parameters(rig, 2)] == [2, 2]

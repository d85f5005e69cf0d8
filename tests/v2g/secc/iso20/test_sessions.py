"""Whole ISO 15118-20 sessions in the ordinary way: AC, DC, MCS; scheduled and dynamic; both directions."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.v2g.secc.iso20 import requests as ev
from tests.v2g.secc.rig import UNIX_S
from v2g.common.effects import Checkpoint
from v2g.common.terms import EnergyMode, LinkWish, Phase
from v2g.secc import effects
from v2g.secc.effects import Milestone
from v2g.secc.station import Authorization, MeterReading
from v2gexi import iso20_ac as ac
from v2gexi import iso20_common as common
from v2gexi import iso20_dc as dc


def value(number: Any) -> float:
    return float(number.Value * 10.0**number.Exponent)


def near(voltage_v: float, current_a: float) -> Any:
    """A target, whatever the last digits of its current."""
    return effects.DcTarget(voltage_v, cast(float, pytest.approx(current_a)))


def names(rig: ev.Rig20, request: bool = True) -> list[str]:
    return [each.name for each in rig.of(effects.MessageSeen) if each.request is request]


@pytest.mark.spec(335, 336, 337)
def test_the_guides_mcs_session() -> None:
    """Dynamic control, mobility needs provided by the EV, services 8 and 9, a free EVCCID."""
    station = ev.station(EnergyMode.MCS, EnergyMode.MCS_BPT)
    station.authorization = Authorization.ONGOING
    rig = ev.rig("DC", station)
    ask = rig.ask
    assert ask(ev.setup).ResponseCode == "OK_NewSessionEstablished"
    ask(ev.authorization_setup)
    for _ in range(3):
        assert ask(ev.authorization).EVSEProcessing == "Ongoing"
    rig.changed(authorization=Authorization.ACCEPTED)
    assert ask(ev.authorization).EVSEProcessing == "Finished"
    found = ask(ev.supporting(8, 9))
    assert [each.ServiceID for each in found.EnergyTransferServiceList.Service] == [8, 9]
    sets = {
        each.ParameterSetID: {p.Name: p.intValue for p in each.Parameter}
        for each in ask(ev.detail(8)).ServiceParameterList.ParameterSet
    }
    assert sets[1] == {"Connector": 1, "ControlMode": 2, "MobilityNeedsMode": 1, "Pricing": 0}
    ask(ev.selection(8, 1))
    limits = ask(ev.dc_parameters()).DC_CPDResEnergyTransferMode
    assert type(limits) is dc.DC_CPDResEnergyTransferModeType
    assert value(limits.EVSEMaximumVoltage) == 950.0
    assert ask(ev.schedule(True)).Dynamic_SEResControlMode is not None
    rig.changed(pilot="C")
    for _ in range(2):
        assert ask(ev.cable_check).EVSEProcessing == "Ongoing"
    rig.changed(contactor_closed=True, present_voltage_v=800.0)
    assert ask(ev.cable_check).EVSEProcessing == "Ongoing"
    rig.changed(cable_check=True, present_voltage_v=0.0)
    assert ask(ev.cable_check).EVSEProcessing == "Finished"
    assert ask(ev.pre_charge).ResponseCode == "OK"
    rig.changed(present_voltage_v=699.0)
    assert ask(ev.power("Start", ev.profile(True))).ResponseCode == "OK"
    for _ in range(5):
        answer = ask(ev.dc_loop())
        assert type(answer.CLResControlMode) is dc.Dynamic_DC_CLResControlModeType
        assert answer.EVSEStatus is None
    rig.changed(stop=True)
    assert ask(ev.dc_loop()).EVSEStatus.EVSENotification == "Terminate"
    rig.changed(contactor_closed=False)
    assert ask(ev.power("Stop")).ResponseCode == "OK"
    for _ in range(2):
        assert ask(ev.welding("Ongoing")).ResponseCode == "OK"
    assert ask(ev.stop()).ResponseCode == "OK"

    once = [name for before, name in zip(["", *names(rig)], names(rig), strict=False) if name != before]
    assert once == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "AuthorizationSetupReq",
        "AuthorizationReq",
        "ServiceDiscoveryReq",
        "ServiceDetailReq",
        "ServiceSelectionReq",
        "DC_ChargeParameterDiscoveryReq",
        "ScheduleExchangeReq",
        "DC_CableCheckReq",
        "DC_PreChargeReq",
        "PowerDeliveryReq",
        "DC_ChargeLoopReq",
        "PowerDeliveryReq",
        "DC_WeldingDetectionReq",
        "SessionStopReq",
    ]
    told = rig.told()
    assert told["evcc_id"] == "CB-F0-CHARGEMODULE-0-2"
    assert told["control_mode"] == "Dynamic"
    assert told["mobility_needs_mode"] == "ProvidedByEvcc"
    assert told["requested_energy_transfer_mode"] == "MCS"
    assert told["selected_service_id"] == 8
    assert told["departure_time"] == 7000
    assert rig.sent(effects.Disconnect) is None
    ends = rig.later(5_000)
    hung_up = ends.index(effects.Disconnect("the session is over"))
    # The modem forwards nothing more once it has left: the connection ends before.
    assert hung_up < ends.index(effects.Link(LinkWish.TERMINATE))
    assert rig.of(effects.Link) == [effects.Link(LinkWish.TERMINATE)]


@pytest.mark.spec(361, 362, 363)
def test_a_dc_session_tells_its_steps_in_order() -> None:
    rig = ev.rig()
    rig.station.dc.maximum_power_w = 200_000
    rig = ev.walk(rig, "ChargeLoop")
    rig.ask(ev.dc_loop())
    rig.ask(ev.dc_loop())
    ev.walk(rig, "WaitForSessionStop")
    rig.ask(ev.stop())
    steps = [
        each
        for each in rig.all
        if isinstance(each, effects.Contactor | effects.CableCheck | effects.Reached | effects.DcTarget)
    ]
    assert steps == [
        effects.Contactor(True),
        effects.CableCheck(),
        effects.DcTarget(700.0, 2.0),
        effects.Reached(Milestone.V2G_SETUP_FINISHED),
        effects.Reached(Milestone.CURRENT_DEMAND_STARTED),
        effects.DcTarget(850.0, 125.0),  # at 200 kW the largest current is the bound
        effects.Contactor(False),
        effects.Reached(Milestone.V2G_SETUP_FINISHED),
        effects.Reached(Milestone.CURRENT_DEMAND_FINISHED),
        effects.Reached(Milestone.SESSION_STOP),
    ]
    numbers = [each.number for each in rig.of(Checkpoint)]
    assert list(dict.fromkeys(numbers)) == [
        *(303, 401, 402, 500, 505, 530, 535, 538, 510, 515, 520, 525, 540, 545),
        *(560, 561, 565, 570, 575, 600, 605, 700, 800, 805, 850, 855, 900, 905),
    ]
    phases = [(each.phase, each.started) for each in rig.of(effects.PhaseChanged)]
    order = (Phase.INIT, Phase.AUTH, Phase.PARAMETER, Phase.CHARGE)
    assert phases == [(phase, on) for phase in order for on in (True, False)]


@pytest.mark.spec(360)
@pytest.mark.parametrize("dynamic", [True, False])
def test_an_ac_session(dynamic: bool) -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForPowerDelivery", dynamic=dynamic)
    rig.changed(pilot="C")
    assert rig.ask(ev.power("Start", ev.profile(dynamic))) is None
    assert rig.sent(effects.Contactor) == effects.Contactor(True)
    rig.changed(contactor_closed=True)
    assert rig.answer().ResponseCode == "OK"
    rig.changed(present_power_w=10_200.0)
    answer = rig.ask(ev.ac_loop(dynamic))
    mode: Any = answer.CLResControlMode
    kinds: dict[bool, Any] = {
        True: ac.Dynamic_AC_CLResControlModeType,
        False: ac.Scheduled_AC_CLResControlModeType,
    }
    assert type(mode) is kinds[dynamic]
    assert value(mode.EVSEPresentActivePower) == 10_200.0
    if dynamic:
        assert value(mode.EVSETargetActivePower) == pytest.approx(22_080.0)
        rig.changed(ac_target_power_w=6_000.0)
        assert value(rig.ask(ev.ac_loop(True)).CLResControlMode.EVSETargetActivePower) == 6_000.0
        rig.changed(ac_target_power_w=-6_000.0)
        assert value(rig.ask(ev.ac_loop(True)).CLResControlMode.EVSETargetActivePower) == 0.0
    assert rig.told()["ac_ev_present_power"] == 10_200.0
    rig.changed(contactor_closed=True)
    assert rig.ask(ev.power("Stop")) is None
    assert isinstance(rig.last[0], effects.Contactor)
    assert not rig.closed
    rig.changed(contactor_closed=False)
    assert rig.answer().ResponseCode == "OK"
    assert rig.state == "WaitForSessionStop"
    assert rig.ask(ev.stop()).ResponseCode == "OK"


@pytest.mark.parametrize("kind", ["AC", "DC"])
@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("bpt", [True, False])
def test_every_combination_charges_and_ends(kind: str, dynamic: bool, bpt: bool) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop", dynamic=dynamic, bpt=bpt)
    loop = ev.all_of(kind, dynamic, bpt)[f"{kind}_ChargeLoopReq"]
    for _ in range(3):
        answer = rig.ask(loop)
        assert answer.ResponseCode == "OK"
        name = type(answer.CLResControlMode).__name__
        assert name.startswith("BPT_") is bpt
        assert ("Dynamic" in name) is dynamic
    assert rig.closed
    ev.walk(rig, "WaitForSessionStop", dynamic=dynamic, bpt=bpt)
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    assert not rig.closed
    assert rig.told()["control_mode"] == ("Dynamic" if dynamic else "Scheduled")


@pytest.mark.parametrize("service", [8, 9])
def test_mcs_both_services(service: int) -> None:
    bpt = service == 9
    rig = ev.walk(ev.rig(), "ChargeLoop", bpt=bpt, service=service)
    assert rig.ask(ev.dc_loop(bpt=bpt)).ResponseCode == "OK"
    assert rig.told()["requested_energy_transfer_mode"] == ("MCS_BPT" if bpt else "MCS")


@pytest.mark.spec(366)
def test_what_the_ev_tells() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop", dynamic=False)
    rig.ask(ev.dc_loop(False))
    told = rig.told()
    assert told["dc_ev_target_voltage_current"] == {"voltage_v": 800.0, "current_a": 100.0}
    assert told["dc_ev_maximum_limits"] == {"current_a": 300.0, "power_w": 150_000.0, "voltage_v": 850.0}
    assert told["dc_ev_remaining_time"] == {"full_s": 2400, "bulk_s": 1200}
    assert told["dc_charging_complete"] is False
    assert told["dc_ev_energy_capacity"] == 100_000.0
    assert told["dc_ev_energy_request"] == 40_000.0
    assert told["dc_full_soc"] == 95
    assert told["soc"] == 41
    assert told["target_soc"] == 80
    assert told["minimum_soc"] == 20
    assert told["ev_present_voltage"] == 698.5
    assert told["charging_profile"] == {"tuple_id": 1, "entries": [(3600, 11_000.0)]}


def test_facts_are_told_once() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.ask(ev.dc_loop())
    rig.ask(ev.dc_loop())
    assert not any(isinstance(each, effects.EvTold | effects.DcTarget) for each in rig.last)


@pytest.mark.spec(370)
def test_limits_change_in_the_loop() -> None:
    rig = ev.rig()
    rig.station.dc.maximum_power_w = 200_000
    rig = ev.walk(rig, "ChargeLoop", dynamic=False)
    first = rig.ask(ev.dc_loop(False))
    assert value(first.CLResControlMode.EVSEMaximumChargeCurrent) == 125.0
    assert rig.sent(effects.DcTarget) == effects.DcTarget(800.0, 100.0)
    assert not first.EVSECurrentLimitAchieved
    rig.station.dc.maximum_current_a = 40.0
    second = rig.ask(ev.dc_loop(False))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(800.0, 40.0)
    assert value(second.CLResControlMode.EVSEMaximumChargeCurrent) == 40.0
    assert second.EVSECurrentLimitAchieved
    rig.changed(present_voltage_v=701.2, present_current_a=39.9)
    third = rig.ask(ev.dc_loop(False))
    assert value(third.EVSEPresentVoltage) == pytest.approx(701.2)
    assert value(third.EVSEPresentCurrent) == pytest.approx(39.9)


def test_power_flows_back_only_with_a_bidirectional_service() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop", dynamic=False)
    rig.ask(ev.dc_loop(False, current=-20.0))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(800.0, 0.0)
    rig = ev.walk(ev.rig(), "ChargeLoop", dynamic=False, bpt=True)
    rig.ask(ev.dc_loop(False, True, current=-20.0))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(800.0, -20.0)
    rig.ask(ev.dc_loop(False, True, current=-80.0))
    assert rig.sent(effects.DcTarget) == effects.DcTarget(800.0, -50.0)


def test_the_stations_own_target_in_dynamic_mode() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop", bpt=True)
    rig.changed(dc_target_power_w=6_985.0)
    rig.ask(ev.dc_loop(bpt=True))
    assert rig.sent(effects.DcTarget) == near(850.0, 10.0)
    rig.changed(dc_target_power_w=-6_985.0)
    rig.ask(ev.dc_loop(bpt=True))
    assert rig.sent(effects.DcTarget) == near(850.0, -10.0)
    rig.changed(dc_target_power_w=-100_000.0)
    rig.ask(ev.dc_loop(bpt=True))  # the EV's 11 kW are the least
    assert rig.sent(effects.DcTarget) == near(850.0, -11_000 / 698.5)
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.changed(dc_target_power_w=-6_985.0)
    rig.ask(ev.dc_loop())
    assert rig.sent(effects.DcTarget) == effects.DcTarget(850.0, 0.0)


def test_meter_information_on_request() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    assert rig.ask(ev.dc_loop(meter=True)).MeterInfo is None
    rig.changed(meter=MeterReading("M" * 40, 1234, 5, 0, UNIX_S, b"\x01" * 64))
    assert rig.ask(ev.dc_loop()).MeterInfo is None
    info = rig.ask(ev.dc_loop(meter=True)).MeterInfo
    assert info == common.MeterInfoType(
        MeterID="M" * 32,
        ChargedEnergyReadingWh=1234,
        BPT_DischargedEnergyReadingWh=5,
        MeterStatus=0,
        MeterTimestamp=UNIX_S,
        MeterSignature=b"\x01" * 64,
    )


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_mobility_needs_of_the_station(kind: str) -> None:
    modes = (EnergyMode.DC, EnergyMode.AC_THREE_PHASE)
    station = ev.station(*modes, mobility_needs_by_secc=True, scheduled_mode=False)
    station.departure_s, station.target_soc, station.minimum_soc = 3600, 80, 20
    rig = ev.walk(ev.rig(kind, station), "WaitForServiceSelection")
    service = 1 if kind == "AC" else 2
    wanted = ("ControlMode", "MobilityNeedsMode")
    sets = {
        each.ParameterSetID: [p.intValue for p in each.Parameter if p.Name in wanted]
        for each in rig.ask(ev.detail(service)).ServiceParameterList.ParameterSet
    }
    assert sets == {1: [2, 1], 2: [2, 2]}
    rig.ask(ev.selection(service, 2))
    assert rig.told()["mobility_needs_mode"] == "ProvidedBySecc"
    rig.ask(ev.all_of(kind)[f"{kind}_ChargeParameterDiscoveryReq"])
    mode = rig.ask(ev.schedule(True)).Dynamic_SEResControlMode
    assert (mode.DepartureTime, mode.MinimumSOC, mode.TargetSOC) == (3600, 20, 80)
    ev.walk(rig, "ChargeLoop")
    mode = rig.ask(ev.all_of(kind)[f"{kind}_ChargeLoopReq"]).CLResControlMode
    assert (mode.DepartureTime, mode.MinimumSOC, mode.TargetSOC) == (3600, 20, 80)


def test_every_response_has_the_sessions_header() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    headers = [
        each.message.Header
        for each in rig.of(effects.MessageSeen)
        if not each.request and hasattr(each.message, "Header")
    ]
    assert len(headers) == 12
    assert {(header.SessionID, header.TimeStamp) for header in headers} == {(b"\x01" * 8, UNIX_S)}


def test_side_streams_are_answered_in_their_own_payload_type() -> None:
    """Schedules are renegotiated, and readings confirmed, beside the charge loop (0x8101, 0x8102)."""
    rig = ev.walk(ev.rig(), "ChargeLoop")
    answer = rig.ask(ev.schedule(True), payload_type=0x8101)
    assert answer.ResponseCode == "OK"
    assert rig.state == "ChargeLoop"
    assert rig.sent(effects.Send).data[2:4] == b"\x81\x01"
    assert rig.ask(ev.dc_loop()).ResponseCode == "OK"
    assert rig.sent(effects.Send).data[2:4] == b"\x80\x04"


def test_states_of_charge_that_the_ev_wants() -> None:
    rig = ev.walk(ev.rig("AC"), "WaitForScheduleExchange")
    rig.ask(ev.schedule(True))
    told = rig.told()
    assert (told["minimum_soc"], told["target_soc"], told["departure_time"]) == (30, 80, 7200)
    wanted = {"target_wh": 40_000.0, "maximum_wh": 60_000.0, "minimum_wh": -20_000.0}
    assert told["ev_energy_request"] == wanted
    assert told["ac_eamount"] == 40_000.0

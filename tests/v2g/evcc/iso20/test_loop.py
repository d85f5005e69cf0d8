"""The charge loop of ISO 15118-20 and what leads out of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.v2g.evcc.charger import SESSION_ID
from tests.v2g.evcc.iso20.charger20 import car, changed, failing, name_of, notifying, session
from tests.v2g.evcc.iso20.test_setup import PAUSED, told
from tests.v2g.evcc.order import check
from v2g.common.terms import LinkWish
from v2g.common.values import number
from v2g.evcc import effects
from v2g.evcc.effects import Contactors, DrawCurrent, LockConnector, PilotState
from v2g.evcc.facts import ChargerFact
from v2g.evcc.vehicle import Battery, OnBoardCharger

LOOP = {"ac": "AC_ChargeLoopReq", "dc": "DC_ChargeLoopReq", "mcs": "DC_ChargeLoopReq"}
KINDS = list(LOOP)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("both_ways", [True, False])
def test_a_whole_session(kind: str, dynamic: bool, both_ways: bool) -> None:
    rig = session(kind, setup={"dynamic_mode": dynamic, "bidirectional": both_ways}).until("ChargeLoop")
    rig.run(within_ms=2_000)
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    mode = type(rig.last(LOOP[kind]).CLReqControlMode).__name__
    assert mode.startswith("BPT_") is both_ways
    assert ("Dynamic" in mode) is dynamic
    ends = ["PowerDeliveryReq", "SessionStopReq"]
    if kind != "ac":
        ends.insert(1, "DC_WeldingDetectionReq")
    assert rig.order[-len(ends) :] == ends
    assert rig.last("SessionStopReq").ChargingSession == "Terminate"
    assert rig.last("SessionStopReq").EVTerminationExplanation is None
    assert rig.all(effects.Link) == [effects.Link(LinkWish.TERMINATE)]
    assert rig.plant[-3:] == [PilotState("B"), Contactors(False), LockConnector(False)]
    check(rig)


def test_the_pilot_goes_to_c_with_the_first_power_delivery_of_ac() -> None:
    rig = session("ac").until("ChargeLoop")
    seen = [each for _, each in rig.happened if isinstance(each, PilotState | effects.MessageSeen)]
    at = seen.index(PilotState("C"))
    assert seen[at + 1].name == "PowerDeliveryReq"
    assert seen[at + 1].request


def test_dc_scheduled_target() -> None:
    battery = Battery(target_current_a=90.0, voltage_v=400.0, maximum_voltage_v=450.0)
    rig = session(vehicle=car(setup={"dynamic_mode": False}, battery=battery))
    rig.charger.schedule = ((10, 20_000.0), (3_600, 10_000.0))
    rig.until("ChargeLoop")
    assert number(rig.last("DC_ChargeLoopReq").CLReqControlMode.EVTargetCurrent) == 50
    rig.run(within_ms=12_000)
    assert number(rig.last("DC_ChargeLoopReq").CLReqControlMode.EVTargetCurrent) == 25


def test_the_schedules_time_is_the_chargers() -> None:
    rig = session(vehicle=car(setup={"dynamic_mode": False}))
    rig.charger.schedule = ((100, 20_000.0), (3_600, 7_000.0))
    rig.charger.clock_s += 98
    rig.until("ChargeLoop")
    rig.run(within_ms=3_000)
    assert number(rig.last("DC_ChargeLoopReq").CLReqControlMode.EVTargetCurrent) == 20


def test_dc_dynamic_limits_are_those_of_the_moment() -> None:
    rig = session().until("ChargeLoop")
    mode = rig.last("DC_ChargeLoopReq").CLReqControlMode
    assert number(mode.EVMaximumChargeCurrent) == 50
    rig.vehicle.battery.target_current_a = 20.0
    rig.run(within_ms=500)
    request = rig.last("DC_ChargeLoopReq")
    assert number(request.CLReqControlMode.EVMaximumChargeCurrent) == 20
    assert number(request.EVPresentVoltage) == 350
    assert (request.DisplayParameters.PresentSOC, request.DisplayParameters.ChargingComplete) == (50, False)


def test_what_the_charger_measures_is_told() -> None:
    rig = session().until("ChargeLoop")
    rig.charger.script["DC_ChargeLoopReq"] = changed(EVSECurrentLimitAchieved=True)
    rig.run(within_ms=500)
    assert told(rig, ChargerFact.PRESENT_VOLTAGE_V) == 350
    assert told(rig, ChargerFact.PRESENT_CURRENT_A) == 50
    assert told(rig, ChargerFact.LIMIT_ACHIEVED) == ("current",)


@pytest.mark.parametrize(
    ("target_w", "both_ways", "dynamic", "current_a"),
    [
        (6_900.0, False, True, 10.0),
        (50_000.0, False, True, 15.9),
        (2_000.0, False, True, 0.0),
        (-3_450.0, False, True, 0.0),
        (-3_450.0, True, True, -5.0),
        (-32_000.0, True, True, -7.2),
        (None, False, False, 15.9),
        (6_900.0, False, False, 10.0),
    ],
)
def test_ac_current(target_w: float | None, both_ways: bool, dynamic: bool, current_a: float) -> None:
    charger = OnBoardCharger(discharge_power_w=7_000.0)
    rig = session(
        "ac", car("ac", charger=charger, setup={"bidirectional": both_ways, "dynamic_mode": dynamic})
    )
    rig.charger.target_w = target_w
    rig.until("ChargeLoop")
    rig.run(within_ms=1_000)
    assert ([0.0] + [each.current_a for each in rig.all(DrawCurrent)])[-1] == current_a


def test_ac_takes_no_more_once_the_target_is_gone() -> None:
    """A target of scheduled mode holds for as long as it is said."""
    rig = session("ac", setup={"dynamic_mode": False})
    rig.charger.target_w = 6_900.0
    rig.until("ChargeLoop")
    rig.run(within_ms=1_000)
    rig.charger.target_w = None
    rig.run(within_ms=1_000)
    assert [each.current_a for each in rig.all(DrawCurrent)] == [15.9, 10.0, 15.9]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dynamic", [True, False])
def test_no_power_is_asked_for_before_the_stop(kind: str, dynamic: bool) -> None:
    rig = session(kind, setup={"dynamic_mode": dynamic}).until("ChargeLoop")
    rig.run(within_ms=1_000)
    rig.change(stop=True)
    rig.until("PowerDeliveryStop")
    mode = rig.last(LOOP[kind]).CLReqControlMode
    if kind == "ac":
        assert rig.all(DrawCurrent)[-1] == DrawCurrent(0.0)
        assert number(mode.EVMaximumChargePower) == 0
    else:
        assert number(mode.EVMaximumChargeCurrent if dynamic else mode.EVTargetCurrent) == 0
        assert told(rig, ChargerFact.PRESENT_CURRENT_A) == 0
    # The station hears something all the time: after 0.5 s of silence it ends the session.
    times = [
        time
        for time, each in rig.happened
        if isinstance(each, effects.MessageSeen) and each.name in (LOOP[kind], "PowerDeliveryReq")
    ]
    loop = times[-20:]
    assert max(b - a for a, b in pairwise(loop)) < 400


@pytest.mark.parametrize("kind", KINDS)
def test_the_charger_asks_to_stop(kind: str) -> None:
    rig = session(kind)
    rig.charger.script[LOOP[kind]] = notifying("Terminate", 5)
    rig.run()
    assert rig.ended == effects.SessionEnded("the charger asks to stop", ok=True)
    assert rig.requests[-1] == "SessionStopReq"
    check(rig)


@pytest.mark.parametrize("who", ["EV", "charger"])
def test_pause(who: str) -> None:
    rig = session().until("ChargeLoop")
    if who == "EV":
        rig.change(pause=True)
    else:
        rig.charger.script["DC_ChargeLoopReq"] = notifying("Pause", rig.charger.count("DC_ChargeLoopReq"))
    rig.run()
    assert rig.sent[-1].ChargingSession == "Pause"
    assert rig.ended is not None
    assert rig.ended.ok
    assert rig.ended.paused == PAUSED
    assert rig.all(effects.Link) == [effects.Link(LinkWish.PAUSE)]
    assert rig.plant[-2:] == [PilotState("B"), Contactors(False)], "locked while it is paused"
    check(rig)


def test_a_pause_that_is_not_allowed_is_the_end() -> None:
    rig = session().until("ChargeLoop")
    rig.charger.script["SessionStopReq"] = failing("FAILED_PauseNotAllowed")
    rig.change(pause=True)
    rig.run()
    assert rig.ended is not None
    assert not rig.ended.ok
    assert "SessionStopRes: FAILED_PauseNotAllowed" in rig.ended.reason
    assert rig.ended.paused is None
    check(rig)


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_is_selected_anew(kind: str) -> None:
    rig = session(kind)
    rig.charger.script[LOOP[kind]] = notifying("ServiceRenegotiation", 5)
    rig.run(lambda: rig.requests.count("ServiceSelectionReq") == 2)
    assert rig.last("SessionStopReq").ChargingSession == "ServiceRenegotiation"
    assert rig.vehicle.contactors_closed is False
    assert rig.ended is None
    rig.until("ChargeLoop")
    assert {each.Header.SessionID for each in rig.sent[1:]} == {SESSION_ID}
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_a_stop_on_the_way_to_another_service() -> None:
    rig = session()
    rig.charger.script["DC_ChargeLoopReq"] = notifying("ServiceRenegotiation", 5)
    rig.run(lambda: rig.core.state == "WeldingDetection")
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    assert [each.ChargingSession for each in rig.sent if name_of(each) == "SessionStopReq"] == [
        "ServiceRenegotiation",
        "Terminate",
    ]
    check(rig)


def test_another_service_from_a_charger_without_that() -> None:
    rig = session()
    rig.charger.renegotiates_service = False
    rig.charger.script["DC_ChargeLoopReq"] = notifying("ServiceRenegotiation", 5)
    rig.run()
    assert rig.ended is not None
    assert "which it said it does not offer" in rig.ended.reason
    assert rig.sent[-1].ChargingSession == "Terminate"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", ["EV", "charger"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_new_schedules_with_power_on(kind: str, who: str, dynamic: bool) -> None:
    rig = session(kind, setup={"dynamic_mode": dynamic}).until("ChargeLoop")
    first = len(rig.happened)
    rig.charger.ongoing = rig.charger.count("ScheduleExchangeReq") + 2
    if who == "EV":
        rig.change(renegotiate=True)
    else:
        rig.charger.script[LOOP[kind]] = notifying("ScheduleRenegotiation", rig.charger.count(LOOP[kind]) + 1)
    rig.charger.schedule = ((3_600, 7_000.0),)
    rig.run(within_ms=3_000)
    after = [each for _, each in rig.happened[first:]]
    states = [each.state for each in after if isinstance(each, effects.StateChanged)]
    assert states == [
        "ScheduleRenegotiation",
        *["ScheduleExchangeInLoop", "ChargeLoop"] * 2,
        "ScheduleExchangeInLoop",
        "NewPowerProfile",
        "ChargeLoop",
    ]
    assert not [each for each in after if isinstance(each, PilotState | Contactors | LockConnector)]
    asked = [each for each in after if isinstance(each, effects.MessageSeen) and each.request]
    kinds = {each.payload_type for each in asked if each.name == "ScheduleExchangeReq"}
    assert kinds == {0x8101}
    progress = [each.ChargeProgress for each in rig.sent if name_of(each) == "PowerDeliveryReq"]
    assert progress == ["Start", "ScheduleRenegotiation", "Start"]
    if not dynamic:
        entries = rig.last("PowerDeliveryReq").EVPowerProfile.EVPowerProfileEntries.EVPowerProfileEntry
        assert [number(each.Power) for each in entries] == [7_000]
    assert not rig.vehicle.renegotiate
    rig.change(stop=True)
    rig.run()
    check(rig)


@pytest.mark.parametrize("how", ["refused", "warned", "for ever"])
def test_schedules_stay_if_there_are_no_new_ones(how: str) -> None:
    rig = session(setup={"dynamic_mode": False}).until("ChargeLoop")
    if how == "refused":
        rig.charger.script["PowerDeliveryReq"] = changed(ResponseCode="WARNING_ScheduleRenegotiationFailed")
    elif how == "warned":
        rig.charger.script["ScheduleExchangeReq"] = changed(
            ResponseCode="WARNING_ScheduleRenegotiationFailed"
        )
    else:
        rig.charger.ongoing = 10**6
    rig.change(renegotiate=True)
    rig.run(within_ms=70_000)
    assert rig.core.state == "ChargeLoop"
    assert any(line.startswith("schedules stay as they were") for line in rig.logs)
    assert rig.requests[-1] == "DC_ChargeLoopReq"
    assert "NewPowerProfile" not in rig.states


@pytest.mark.parametrize("state", ["ScheduleRenegotiation", "ScheduleExchangeInLoop", "NewPowerProfile"])
def test_a_stop_while_schedules_are_renegotiated(state: str) -> None:
    rig = session().until("ChargeLoop")
    rig.change(renegotiate=True)
    rig.until(state)
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    assert rig.requests[-1] == "SessionStopReq"
    check(rig)


def test_no_contract_confirms_no_reading() -> None:
    from v2gexi import iso20_common as common

    rig = session()
    rig.charger.meter = common.MeterInfoType(MeterID="m", ChargedEnergyReadingWh=1)
    rig.charger.notification = "MeteringConfirmation"
    rig.until("ChargeLoop")
    rig.run(within_ms=2_000)
    assert "MeteringConfirmationReq" not in rig.requests
    assert sum("confirmed reading" in line for line in rig.logs) == 1
    assert told(rig, ChargerFact.METER) == rig.charger.meter


def test_contactors_that_open_by_themselves() -> None:
    rig = session().until("ChargeLoop")
    rig.change(contactors_closed=False)
    rig.run()
    assert rig.ended is not None
    assert rig.ended.reason == "the contactors opened by themselves"
    assert rig.requests[-1] == "SessionStopReq"


@pytest.mark.parametrize("kind", ["ac", "dc"])
def test_contactors_that_do_not_close(kind: str) -> None:
    rig = session(kind)
    rig.obeys = False
    rig.vehicle.connector_locked = True
    rig.run()
    assert rig.ended is not None
    assert rig.ended.reason == "the contactors are not confirmed closed"
    assert rig.requests[-1] == "SessionStopReq"
    check(rig)


@pytest.mark.parametrize("falls", [True, False])
def test_welding_detection(falls: bool) -> None:
    rig = session(vehicle=car(inlet_voltage_v=350.0)).until("ChargeLoop")
    rig.change(stop=True)
    rig.run(lambda: rig.core.state == "WeldingDetection")
    rig.run(within_ms=1_000)
    if falls:
        rig.change(inlet_voltage_v=12.0)
    rig.run()
    asked = [each.EVProcessing for each in rig.sent if name_of(each) == "DC_WeldingDetectionReq"]
    assert asked[-1] == "Finished"
    assert set(asked[:-1]) == {"Ongoing"}
    assert told(rig, ChargerFact.WELDED) is not falls
    assert rig.requests[-1] == "SessionStopReq"
    rig.run(lambda: False, within_ms=2_000)
    assert rig.vehicle.connector_locked is not falls


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", ["EV", "charger"])
def test_standby(kind: str, who: str) -> None:
    rig = session(kind).until("ChargeLoop")
    rig.run(within_ms=1_000)
    rig.change(standby=True)
    rig.until("Standby")
    rig.run(within_ms=5_000)
    assert rig.core.state == "Standby"
    assert rig.last("PowerDeliveryReq").ChargeProgress == "Standby"
    assert rig.vehicle.contactors_closed
    mode = rig.last(LOOP[kind]).CLReqControlMode
    assert number(mode.EVMaximumChargePower) == 0
    if kind == "ac":
        assert rig.all(DrawCurrent)[-1] == DrawCurrent(0.0)
    if who == "EV":
        rig.change(standby=False)
    else:
        rig.charger.script[LOOP[kind]] = notifying("ExitStandby", rig.charger.count(LOOP[kind]))
    rig.until("ChargeLoop")
    rig.run(within_ms=1_000)
    assert rig.core.state == "ChargeLoop"
    assert not rig.vehicle.standby
    assert rig.last("PowerDeliveryReq").ChargeProgress == "Start"
    assert number(rig.last(LOOP[kind]).CLReqControlMode.EVMaximumChargePower) > 0
    rig.change(standby=True)
    rig.until("Standby")
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_a_standby_that_is_not_allowed_is_asked_for_once() -> None:
    rig = session().until("ChargeLoop")
    rig.charger.script["PowerDeliveryReq"] = changed(ResponseCode="WARNING_StandbyNotAllowed")
    for count in (1, 2):
        rig.change(standby=True)
        rig.run(within_ms=2_000)
        progress = [each.ChargeProgress for each in rig.sent if name_of(each) == "PowerDeliveryReq"]
        assert progress == ["Start", *["Standby"] * count]
        assert rig.core.state == "ChargeLoop"
        rig.change(standby=False)
        rig.run(within_ms=1_000)

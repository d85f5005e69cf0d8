"""AC sessions of ISO 15118-2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.v2g.evcc.charger import Charger
from tests.v2g.evcc.iso2.cars import car, session
from tests.v2g.evcc.order import check
from v2g.evcc import effects
from v2g.evcc.effects import Contactors, DrawCurrent, LockConnector, PilotState
from v2g.evcc.iso2.charging_status import DRAW_OFF_MS
from v2g.evcc.vehicle import OnBoardCharger
from v2gexi import iso2


def test_a_session() -> None:
    rig = session(dc=False).until("ChargingStatus")
    rig.run(lambda: rig.charger.count("ChargingStatusReq") > 3)
    rig.change(stop=True)
    rig.run()
    assert rig.order == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "PaymentServiceSelectionReq",
        "AuthorizationReq",
        "ChargeParameterDiscoveryReq",
        "PowerDeliveryReq",
        "ChargingStatusReq",
        "PowerDeliveryReq",
        "SessionStopReq",
    ]
    wanted = [each for _, each in rig.happened if isinstance(each, DrawCurrent)]
    assert wanted == [DrawCurrent(16.0), DrawCurrent(0.0)]
    assert rig.plant == [
        PilotState("C"),
        LockConnector(True),
        Contactors(True),
        PilotState("B"),
        Contactors(False),
        LockConnector(False),
    ]
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    check(rig)


def test_nothing_is_drawn_before_the_contactors_are_closed() -> None:
    rig = session(dc=False)
    rig.contactors_ms = 900
    rig.until("ChargingStatus")
    assert rig.time_of(DrawCurrent(16.0)) == rig.time_of(Contactors(True)) + 900


def test_the_charger_is_told_to_stop_when_nothing_is_drawn_any_more() -> None:
    rig = session(dc=False).until("ChargingStatus")
    rig.change(present_current_a=15.8)
    rig.change(stop=True)
    rig.run(within_ms=1_500)
    assert rig.core.state == "RampDownAc"
    rig.change(present_current_a=0.2)
    assert rig.requests[-1] == "PowerDeliveryReq"
    rig.run()
    check(rig)


def test_a_current_that_does_not_end_is_cut_after_a_while() -> None:
    rig = session(dc=False).until("ChargingStatus")
    rig.change(present_current_a=15.8)
    rig.change(stop=True)
    rig.run()
    assert rig.time_of(PilotState("B")) - rig.time_of(DrawCurrent(0.0)) == pytest.approx(5_000, abs=20)
    assert rig.time_of(Contactors(False)) - rig.time_of(PilotState("B")) == 2_000


def test_an_unmeasured_current_has_its_time_to_end() -> None:
    rig = session(dc=False).until("ChargingStatus")
    rig.change(stop=True)
    rig.run()
    assert rig.time_of(Contactors(False)) - rig.time_of(DrawCurrent(0.0)) == pytest.approx(
        DRAW_OFF_MS, abs=20
    )


@pytest.mark.parametrize(
    ("own", "status", "power_w", "drawn"),
    [
        (32.0, None, 22_000, 16.0),
        (10.0, None, 22_000, 10.0),
        (32.0, 13, 22_000, 13.0),
        (32.0, 40, 6_900, 10.0),
        (32.0, 5, 22_000, None),
    ],
)
def test_how_much_is_drawn(own: float, status: int | None, power_w: int, drawn: float | None) -> None:
    rig = session(dc=False, vehicle=car(False, charger=OnBoardCharger(maximum_current_a=own)))

    def parameters(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        entry = response.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[0]
        entry.PMax = charger.physical("W", power_w)
        return response

    def told(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargingStatusReq", body)
        response.EVSEMaxCurrent = None if status is None else charger.physical("A", status)
        return response

    rig.charger.script = {"ChargeParameterDiscoveryReq": parameters, "ChargingStatusReq": told}
    rig.until("ChargingStatus")
    rig.run(lambda: rig.charger.count("ChargingStatusReq") > 2)
    currents = [each.current_a for _, each in rig.happened if isinstance(each, DrawCurrent)]
    assert currents[-1] == (drawn or 0.0)


def test_one_phase() -> None:
    rig = session(dc=False)

    def single(charger: Charger, body: Any) -> Any:
        response = charger.usual("ServiceDiscoveryReq", body)
        response.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode = ["AC_single_phase_core"]
        return response

    def parameters(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        entry = response.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry[0]
        entry.PMax = charger.physical("W", 2_990)
        return response

    rig.charger.script = {"ServiceDiscoveryReq": single, "ChargeParameterDiscoveryReq": parameters}
    rig.until("PowerDeliveryStart")
    entries = rig.sent[-1].Body.BodyElement.ChargingProfile.ProfileEntry
    power = entries[0].ChargingProfileEntryMaxPower
    assert power.Value * 10.0**power.Multiplier == 2_990
    rig.until("ChargingStatus")
    assert rig.all(DrawCurrent) == [DrawCurrent(13.0)]


def test_a_schedule_is_followed_in_time() -> None:
    rig = session(dc=False)

    def parameters(charger: Charger, body: Any) -> Any:
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        response.SASchedules.SAScheduleTuple[0].PMaxSchedule.PMaxScheduleEntry = [
            iso2.PMaxScheduleEntryType(
                TimeInterval=iso2.RelativeTimeIntervalType(start=start), PMax=charger.physical("W", power)
            )
            for start, power in ((0, 6_900), (60, 4_140), (120, 0))
        ]
        return response

    rig.charger.script["ChargeParameterDiscoveryReq"] = parameters
    rig.until("ChargingStatus")
    began = rig.now_ms
    rig.run(within_ms=130_000)
    drawn = [(time - began, each.current_a) for time, each in rig.happened if isinstance(each, DrawCurrent)]
    assert [current for _, current in drawn] == [10.0, 6.0, 0.0]
    assert [time for time, _ in drawn] == [pytest.approx(each, abs=1_100) for each in (0, 60_000, 120_000)]


@pytest.mark.parametrize("reason", ["rcd", "stop"])
def test_ends_by_the_charger(reason: str) -> None:
    rig = session(dc=False).until("ChargingStatus")
    if reason == "rcd":
        rig.charger.rcd = True
    else:
        rig.charger.notification = "StopCharging"
    rig.run()
    assert rig.ended is not None
    assert rig.ended.ok is (reason == "stop")
    assert rig.requests[-1] == "SessionStopReq"
    check(rig)


@pytest.mark.parametrize("who", ["EV", "charger"])
def test_renegotiation(who: str) -> None:
    rig = session(dc=False).until("ChargingStatus")
    first = len(rig.happened)
    if who == "EV":
        rig.change(renegotiate=True)
    else:
        rig.charger.notification = "ReNegotiation"
    rig.run(lambda: rig.core.state == "PowerDeliveryRenegotiate")
    rig.charger.notification = "None"
    rig.until("ChargingStatus")
    states = [each.state for _, each in rig.happened[first:] if isinstance(each, effects.StateChanged)]
    assert states == [
        "RampDownAcToRenegotiate",
        "PowerDeliveryRenegotiate",
        "ChargeParameterDiscovery",
        "PowerDeliveryStart",
        "ChargingStatus",
    ]
    rig.change(stop=True)
    rig.run()
    check(rig)


@pytest.mark.spec(351)
@pytest.mark.parametrize("measured", [None, 15.0])
def test_loss_of_the_connection(measured: float | None) -> None:
    rig = session(dc=False).until("ChargingStatus")
    rig.change(present_current_a=measured)
    rig.does(rig.core.disconnected(rig.now_ms))
    lost = rig.now_ms
    assert rig.plant[-1] == PilotState("B")
    assert rig.all(DrawCurrent)[-1] == DrawCurrent(0.0)
    rig.run()
    assert rig.time_of(Contactors(False)) == lost + 2_000
    check(rig)


def test_direct_current_parameters_in_an_ac_session() -> None:
    rig = session(dc=False)

    def answer(charger: Charger, body: Any) -> Any:
        charger.dc = True
        response = charger.usual("ChargeParameterDiscoveryReq", body)
        charger.dc = False
        return response

    rig.charger.script["ChargeParameterDiscoveryReq"] = answer
    rig.run()
    assert rig.ended == effects.SessionEnded("the charger gave no AC charge parameters", ok=False)

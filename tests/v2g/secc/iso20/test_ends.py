"""Ends other than the EV's own: errors, pilot, connection, station; pauses and renegotiations."""

from __future__ import annotations

import pytest

from tests.v2g.secc.iso20 import requests as ev
from v2g.common.effects import Checkpoint
from v2g.common.terms import LinkWish
from v2g.secc import effects
from v2g.secc.effects import Milestone
from v2g.secc.station import StationError

EVERYWHERE = [(kind, state) for kind, order in (("AC", ev.AC_ORDER), ("DC", ev.DC_ORDER)) for state in order]


@pytest.mark.parametrize("pilot", ["A", "E", "F"])
@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_loss_of_the_pilot(kind: str, state: str, pilot: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    news = rig.changed(pilot=pilot)
    assert (news[0] == effects.Contactor(False)) is power
    assert not rig.closed
    assert any(isinstance(each, effects.Disconnect) for each in news)
    assert news[-1] == effects.Link(LinkWish.ERROR)
    assert rig.core.deadline() is None


@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_loss_of_the_connection(kind: str, state: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    news = rig.core.disconnected(rig.now_ms)
    assert (news[0] == effects.Contactor(False)) is power
    assert news[-1] == effects.Link(LinkWish.ERROR)
    assert rig.core.deadline() is None


@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_the_station_aborts(kind: str, state: str) -> None:
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    news = rig.changed(abort=True)
    assert (news[0] == effects.Contactor(False)) is power
    assert news[-1] == effects.Link(LinkWish.ERROR)


@pytest.mark.spec(371)
@pytest.mark.parametrize("error", StationError)
@pytest.mark.parametrize(("kind", "state"), EVERYWHERE)
def test_an_error_of_the_station(kind: str, state: str, error: StationError) -> None:
    """Power goes off at once, and no way leads on to power, even if the error is taken back."""
    rig = ev.walk(ev.rig(kind), state)
    power = rig.closed
    news = rig.changed(error=error)
    assert bool(news and news[0] == effects.Contactor(False)) is power
    assert not rig.closed
    if power:
        rig.changed(error=None)
    for name in ev.PROTOCOL_ORDER[kind]:
        if not rig.state or state in ("WaitForWeldingDetection", "WaitForSessionStop"):
            break
        if name in rig.core.session.protocol.states[rig.state].accepts:
            rig.changed(pilot="C", cable_check=True)
            answer = rig.ask(ev.all_of(kind)[name])
            if answer is None:
                rig.later(2_000)
                answer = rig.answer()
            assert not rig.closed, name
            if answer.ResponseCode.startswith("FAILED"):
                return
            if name.endswith("ChargeLoopReq"):
                assert answer.EVSEStatus.EVSENotification == "Terminate"
                return
    assert state in ("WaitForWeldingDetection", "WaitForSessionStop")


@pytest.mark.spec(371)
@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_the_station_stops(kind: str) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop")
    loop = ev.all_of(kind)[f"{kind}_ChargeLoopReq"]
    assert rig.ask(loop).EVSEStatus is None
    rig.changed(stop=True)
    answer = rig.ask(loop)
    assert answer.ResponseCode == "OK"
    assert answer.EVSEStatus.EVSENotification == "Terminate"
    assert Checkpoint(790) in rig.last
    assert rig.closed
    if kind == "DC":
        assert rig.sent(effects.DcTarget).current_a == 0.0
    else:
        number = answer.CLResControlMode.EVSETargetActivePower
        assert number.Value == 0
    rig.changed(stop=False)
    assert rig.ask(loop).EVSEStatus is None
    rig.changed(stop=True, contactor_closed=None)
    assert rig.ask(loop).EVSEStatus.EVSENotification == "Terminate"
    assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
    assert rig.last[0] == effects.Contactor(False)


def test_pilot_b_in_the_loop_ends_power_and_then_charging() -> None:
    """The EV of the guide's session does it; the end comes by messages."""
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.ask(ev.dc_loop())
    news = rig.changed(pilot="B")
    assert news[0] == effects.Contactor(False)
    assert rig.ask(ev.dc_loop()).EVSEStatus.EVSENotification == "Terminate"
    rig.changed(pilot="C")
    assert rig.ask(ev.dc_loop()).EVSEStatus.EVSENotification == "Terminate"
    assert not rig.closed
    rig.changed(contactor_closed=False, pilot="B")
    assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
    assert rig.ask(ev.welding()).ResponseCode == "OK"
    assert rig.ask(ev.stop()).ResponseCode == "OK"


# ---------------------------------------------------------------------- pause


@pytest.mark.spec(368)
@pytest.mark.parametrize("kind", ["AC", "DC"])
@pytest.mark.parametrize("again", [True, False])
def test_pause_and_resume(kind: str, again: bool) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop", dynamic=False)
    loop = ev.all_of(kind, False)[f"{kind}_ChargeLoopReq"]
    rig.changed(pause=True)
    status = rig.ask(loop).EVSEStatus
    assert (status.EVSENotification, status.NotificationMaxDelay) == ("Pause", 0)
    ev.walk(rig, "WaitForSessionStop", dynamic=False)
    old = rig.ask(ev.stop("Pause")).Header.SessionID
    rig.later(5_000)
    assert rig.of(effects.Link) == [effects.Link(LinkWish.PAUSE)]
    rig.changed(pause=False, pilot="B")
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    answer = rig.ask(ev.setup, session_id=old)
    assert answer.ResponseCode == "OK_OldSessionJoined"
    assert answer.Header.SessionID == old
    if again:
        rig.ask(ev.authorization_setup)
        ev.walk(rig, "WaitForChargeParameterDiscovery", dynamic=False)
    rig.ask(ev.all_of(kind)[f"{kind}_ChargeParameterDiscoveryReq"])
    ev.walk(rig, "ChargeLoop", dynamic=False)
    assert rig.ask(loop).ResponseCode == "OK"


def test_a_paused_session_is_resumed_by_its_id_and_protocol_only() -> None:
    rig = ev.walk(ev.rig(), "WaitForSessionStop")
    old = rig.ask(ev.stop("Pause")).Header.SessionID
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    assert rig.ask(ev.setup, session_id=b"\x55" * 8).ResponseCode == "OK_NewSessionEstablished"
    # The car that has begun another session has given the paused one up: its id is worth nothing any more.
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    answer = rig.ask(ev.setup, session_id=old)
    assert answer.ResponseCode == "OK_NewSessionEstablished"


def test_a_terminated_session_is_not_resumed() -> None:
    rig = ev.walk(ev.rig(), "WaitForSessionStop")
    old = rig.ask(ev.stop()).Header.SessionID
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    assert rig.ask(ev.setup, session_id=old).ResponseCode == "OK_NewSessionEstablished"


def test_a_service_that_is_gone_is_not_resumed() -> None:
    rig = ev.walk(ev.rig(), "WaitForSessionStop", bpt=True)
    old = rig.ask(ev.stop("Pause")).Header.SessionID
    rig.station.dc.discharge_power_w = 0.0
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    assert rig.ask(ev.setup, session_id=old).ResponseCode == "OK_NewSessionEstablished"


def test_pause_before_charging() -> None:
    """GoToPause: the EV goes straight to PowerDelivery (stop)."""
    rig = ev.walk(ev.rig(), "WaitForScheduleExchange")
    rig.changed(pause=True)
    assert rig.ask(ev.schedule(True)).GoToPause is True
    assert rig.ask(ev.power("Stop")).ResponseCode == "OK"
    assert rig.ask(ev.stop("Pause")).ResponseCode == "OK"


def test_a_wish_to_pause_in_dynamic_mode_leaves_time() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.changed(pause=True)
    status = rig.ask(ev.dc_loop()).EVSEStatus
    assert (status.EVSENotification, status.NotificationMaxDelay) == ("Pause", 60)


def test_no_pause_where_pauses_are_not_allowed() -> None:
    rig = ev.walk(ev.rig("DC", ev.station(pause=False)), "ChargeLoop")
    rig.changed(pause=True)
    assert rig.ask(ev.dc_loop()).EVSEStatus is None


# ---------------------------------------------------------------------- renegotiation


@pytest.mark.parametrize("kind", ["AC", "DC"])
@pytest.mark.parametrize("dynamic", [True, False])
def test_schedules_are_renegotiated(kind: str, dynamic: bool) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop", dynamic=dynamic)
    loop = ev.all_of(kind, dynamic)[f"{kind}_ChargeLoopReq"]
    rig.changed(renegotiate=True)
    assert rig.ask(loop).EVSEStatus.EVSENotification == "ScheduleRenegotiation"
    assert rig.ask(ev.power("ScheduleRenegotiation")).ResponseCode == "OK"
    assert effects.Reached(Milestone.RENEGOTIATION) in rig.last
    assert not rig.station.renegotiate
    rig.changed(parameters_ready=False)
    assert rig.ask(ev.schedule(dynamic)).EVSEProcessing == "Ongoing"
    assert rig.ask(loop).EVSEStatus is None
    rig.changed(parameters_ready=True)
    assert rig.ask(ev.schedule(dynamic)).EVSEProcessing == "Finished"
    made = ev.profile(dynamic, (60, 5_000))
    assert rig.ask(ev.power("Start", made)).ResponseCode == "OK"
    assert rig.state == "ChargeLoop"
    assert rig.closed
    assert rig.ask(loop).ResponseCode == "OK"


def test_a_new_profile_by_schedule_renegotiation() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop", dynamic=False)
    made = ev.profile(False, (60, 5_000))
    assert rig.ask(ev.power("ScheduleRenegotiation", made)).ResponseCode == "OK"
    assert rig.told()["charging_profile"]["entries"] == [(60, 5_000.0)]
    made = ev.profile(False, tuple_id=9)
    assert rig.ask(ev.power("ScheduleRenegotiation", made)).ResponseCode == "FAILED_ScheduleSelectionInvalid"
    assert not rig.closed


def test_a_renegotiation_that_takes_too_long_leaves_all_as_it_was() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop", dynamic=False)
    rig.changed(parameters_ready=False)
    rig.ask(ev.schedule(False))
    rig.later(55_000)
    answer = rig.ask(ev.schedule(False))
    assert answer.ResponseCode == "WARNING_ScheduleRenegotiationFailed"
    assert rig.state == "ChargeLoop"
    assert rig.ask(ev.power("Start", ev.profile(False))).ResponseCode == "OK"
    assert rig.closed


@pytest.mark.parametrize("kind", ["AC", "DC"])
def test_services_are_renegotiated(kind: str) -> None:
    rig = ev.walk(ev.rig(kind), "ChargeLoop")
    rig.changed(renegotiate_service=True)
    loop = ev.all_of(kind)[f"{kind}_ChargeLoopReq"]
    assert rig.ask(loop).EVSEStatus.EVSENotification == "ServiceRenegotiation"
    ev.walk(rig, "WaitForSessionStop")
    assert rig.ask(ev.stop("ServiceRenegotiation")).ResponseCode == "OK"
    assert rig.state == "WaitForServiceDiscovery"
    assert not rig.station.renegotiate_service
    assert not rig.closed
    assert rig.of(effects.Link) == []
    ev.walk(rig, "ChargeLoop", dynamic=False, bpt=True)
    assert rig.told()["control_mode"] == "Scheduled"
    again = ev.all_of(kind, False, True)[f"{kind}_ChargeLoopReq"]
    assert rig.ask(again).ResponseCode == "OK"
    starts = [each for each in rig.of(effects.Reached) if each.milestone is Milestone.CURRENT_DEMAND_STARTED]
    assert len(starts) == 2


@pytest.mark.parametrize("state", ["WaitForPreCharge", "WaitForPowerDelivery", "WaitForWeldingDetection"])
def test_services_are_renegotiated_from_everywhere(state: str) -> None:
    """Nothing of the first round is left: the cable is checked again."""
    rig = ev.walk(ev.rig(), state)
    if state == "WaitForWeldingDetection":
        rig.ask(ev.welding("Ongoing"))
    assert rig.ask(ev.stop("ServiceRenegotiation")).ResponseCode == "OK"
    assert not rig.closed
    rig.later(59_000)
    ev.walk(rig, "ChargeLoop")
    assert len(rig.of(effects.CableCheck)) == 2
    ev.walk(rig, "WaitForWeldingDetection")
    assert rig.ask(ev.welding("Ongoing")).ResponseCode == "OK"


def test_an_error_that_nobody_told_of_opens_with_the_next_request() -> None:
    rig = ev.walk(ev.rig(), "ChargeLoop")
    rig.ask(ev.dc_loop())
    rig.station.error = StationError.MALFUNCTION
    answer = rig.ask(ev.dc_loop())
    assert rig.last[0] == effects.Contactor(False)
    assert answer.EVSEStatus.EVSENotification == "Terminate"

"""Whole ISO 15118-2 sessions, their ends in every state, and pauses."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.v2g.secc.iso2 import contracts
from tests.v2g.secc.iso2 import requests as ev
from tests.v2g.secc.iso2.requests import AC, DC, EVERY, rig_at, stopped
from tests.v2g.secc.rig import Rig
from v2g.common.effects import Checkpoint
from v2g.common.terms import EnergyMode, LinkWish, Payment, Phase
from v2g.secc import effects
from v2g.secc.effects import Milestone
from v2g.secc.iso2.protocol import PROTOCOL
from v2g.secc.iso2.states import STATES
from v2g.secc.station import Station, StationError

EACH = pytest.mark.parametrize(("dc", "state"), EVERY)
CONTRACT_STATES = (
    "WaitForPaymentDetailsOrCertificate",
    "WaitForPaymentDetails",
    "WaitForMeteringReceipt",
)


def any_rig_at(dc: bool, state: str) -> Rig:
    """A session in any state, one with a contract where the state needs it."""
    if state not in CONTRACT_STATES:
        return rig_at(state, dc=dc)
    if state == "WaitForMeteringReceipt":
        rig = contracts.rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc)
        rig.changed(meter=contracts.METER, receipt_required=True)
        rig.ask(ev.demand() if dc else ev.charging_status())
    else:
        rig = contracts.rig_at("WaitForPaymentDetailsOrCertificate", dc=dc)
        if state == "WaitForPaymentDetails":
            from tests.v2g.secc.iso2.test_contract import backend
            from v2g.secc.station import CertificateResponse

            rig.ask(ev.installation())
            rig.changed(certificate_response=CertificateResponse(backend()))
    assert rig.state == state
    return rig


ALL_STATES = [*EVERY, *((True, state) for state in CONTRACT_STATES), (False, "WaitForMeteringReceipt")]
REALLY_EACH = pytest.mark.parametrize(("dc", "state"), ALL_STATES)


def test_every_state_is_among_those_that_the_tests_go_to():
    assert {state for _, state in ALL_STATES} == set(STATES)


def test_the_states_in_which_power_may_be_on():
    assert {name for name, state in STATES.items() if state.power} == {
        "WaitForPowerDelivery",
        "WaitForChargingStatus",
        "WaitForCableCheck",
        "WaitForPreCharge",
        "WaitForCurrentDemand",
        "WaitForMeteringReceipt",
    }


@pytest.mark.parametrize("dc", [True, False])
def test_the_table_names_all_that_may_follow(dc):
    """Every step of whole sessions is one that its exchange declares, with a code that it declares."""
    exchanges = {exchange.name: exchange for exchange in PROTOCOL.exchanges.values()}
    rig = rig_at(DC[-1] if dc else AC[-1], dc=dc)
    rig.ask(ev.stop())
    names = [each for each in rig.of(effects.MessageSeen) if not each.name.startswith("supported")]
    for request, response in zip(names[::2], names[1::2], strict=True):
        assert (request.request, response.request) == (True, False)
        assert response.name == request.name.replace("Req", "Res")
        assert response.message.Body.BodyElement.ResponseCode in exchanges[request.name].codes
    for state in STATES.values():
        assert set(state.accepts) <= set(exchanges)
    for exchange in exchanges.values():
        assert set(exchange.leads_to) <= {*STATES, ""}


@pytest.mark.spec(329)
def test_a_whole_dc_session():
    rig = rig_at("WaitForCurrentDemand")
    for soc in (41, 42, 43):
        assert rig.ask(ev.demand(400, 50, soc)).ResponseCode == "OK"
        assert rig.closed
    assert stopped(rig).ResponseCode == "OK"
    rig.changed(pilot="B", present_voltage_v=12.0)
    assert rig.ask(ev.welding()).ResponseCode == "OK"
    assert rig.ask(ev.welding()).ResponseCode == "OK"
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    last = rig.later(10_000)
    assert effects.Link(LinkWish.TERMINATE) in last
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert [each.milestone for each in rig.of(effects.Reached)] == [
        Milestone.V2G_SETUP_FINISHED,
        Milestone.CURRENT_DEMAND_STARTED,
        Milestone.V2G_SETUP_FINISHED,
        Milestone.CURRENT_DEMAND_FINISHED,
        Milestone.SESSION_STOP,
    ]
    assert [(each.phase, each.started) for each in rig.of(effects.PhaseChanged)] == [
        (phase, started) for phase in Phase for started in (True, False)
    ]
    assert [each.closed for each in rig.of(effects.Contactor)] == [True, False]
    order = [each.name for each in rig.of(effects.MessageSeen) if each.request]
    assert order == [
        "supportedAppProtocolReq",
        "SessionSetupReq",
        "ServiceDiscoveryReq",
        "PaymentServiceSelectionReq",
        "AuthorizationReq",
        "ChargeParameterDiscoveryReq",
        *["CableCheckReq"] * 2,
        "PreChargeReq",
        "PowerDeliveryReq",
        *["CurrentDemandReq"] * 3,
        "PowerDeliveryReq",
        *["WeldingDetectionReq"] * 2,
        "SessionStopReq",
    ]


def test_a_whole_ac_session():
    rig = rig_at("WaitForChargingStatus", dc=False)
    for _ in range(3):
        assert rig.ask(ev.charging_status()).ResponseCode == "OK"
        assert rig.closed
    assert stopped(rig).ResponseCode == "OK"
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    assert effects.Link(LinkWish.TERMINATE) in rig.later(10_000)
    assert [each.milestone for each in rig.of(effects.Reached)] == [
        Milestone.V2G_SETUP_FINISHED,
        Milestone.V2G_SETUP_FINISHED,
        Milestone.SESSION_STOP,
    ]
    assert [(each.phase, each.started) for each in rig.of(effects.PhaseChanged)] == [
        (phase, started) for phase in Phase for started in (True, False)
    ]


@pytest.mark.spec(358)
def test_checkpoints_come_in_the_order_of_their_numbers_up_to_the_loop():
    rig = rig_at("WaitForCurrentDemand")
    rig.ask(ev.demand())
    stopped(rig)
    rig.ask(ev.welding())
    rig.ask(ev.stop())
    numbers = [each.number for each in rig.of(Checkpoint)]
    assert numbers == sorted(numbers)
    wanted = {
        303,
        401,
        402,
        500,
        505,
        510,
        515,
        520,
        525,
        530,
        535,
        538,
        540,
        545,
        560,
        561,
        565,
        570,
        575,
        600,
    }
    assert wanted | {605, 700, 800, 805, 850, 855, 900, 905} == set(numbers)


# ---------------------------------------------------------------------- ends


@REALLY_EACH
def test_the_car_may_stop_in_every_state(dc, state):
    if state == "WaitForSessionSetup":
        return
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    assert rig.ask(ev.stop()).ResponseCode == "OK"
    assert not rig.closed
    if was_closed:
        kinds = [type(each) for each in rig.last]
        assert kinds.index(effects.Contactor) < kinds.index(effects.Send)
    assert effects.Link(LinkWish.TERMINATE) in rig.later(5_000)


@REALLY_EACH
@pytest.mark.parametrize("name", ev.ALL)
def test_a_request_out_of_order_is_a_sequence_error_of_its_own_response(dc, state, name):
    if name in STATES[state].accepts:
        return
    rig = any_rig_at(dc, state)
    answer = rig.ask(ev.ALL[name]())
    assert answer.ResponseCode == "FAILED_SequenceError"
    assert type(answer).__name__ == name.replace("Req", "ResType")
    assert not rig.closed
    assert rig.ask(ev.stop()) is None
    assert effects.Link(LinkWish.ERROR) in rig.later(5_000)


@REALLY_EACH
def test_a_foreign_session_id_ends_the_session(dc, state):
    if state == "WaitForSessionSetup":
        return
    for name in STATES[state].accepts:
        for identifier in (b"\xff" * 8, bytes(8), b""):
            rig = any_rig_at(dc, state)
            answer = rig.ask(ev.ALL[name](), session_id=identifier)
            assert answer.ResponseCode == "FAILED_UnknownSession"
            assert not rig.closed


@REALLY_EACH
def test_silence_ends_the_session_after_60_s(dc, state):
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    rig.later(59_999)
    assert rig.state == state
    last = rig.later(1)
    assert rig.state == ""
    assert effects.Link(LinkWish.ERROR) in last
    assert not was_closed or last[0] == effects.Contactor(False)


@pytest.mark.spec(66)
@REALLY_EACH
@pytest.mark.parametrize("pilot", "AEF")
def test_the_loss_of_the_pilot_in_every_state(dc, state, pilot):
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    last = rig.changed(pilot=pilot)
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert effects.Link(LinkWish.ERROR) in last
    assert not was_closed or last[0] == effects.Contactor(False)


@REALLY_EACH
def test_a_lost_connection_in_every_state(dc, state):
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    last = rig._take(rig.core.disconnected(rig.now_ms))
    assert effects.Link(LinkWish.ERROR) in last
    assert not was_closed or last[0] == effects.Contactor(False)
    assert not rig.closed
    assert rig.core.deadline() is None


@REALLY_EACH
def test_an_abort_of_the_station_in_every_state(dc, state):
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    last = rig.changed(abort=True)
    assert any(isinstance(each, effects.Disconnect) for each in last)
    assert not was_closed or last[0] == effects.Contactor(False)


@REALLY_EACH
@pytest.mark.parametrize("error", list(StationError))
def test_an_error_in_every_state_takes_power_off_first(dc, state, error):
    rig = any_rig_at(dc, state)
    was_closed = rig.closed
    last = rig.changed(error=error)
    assert not was_closed or last[0] == effects.Contactor(False)
    assert not rig.closed
    if "PowerDeliveryReq" in STATES[state].accepts and not rig.station.contactor_closed:
        assert rig.ask(ev.power("Start")).ResponseCode.startswith("FAILED")
        assert not rig.closed


@REALLY_EACH
def test_back_to_state_b_takes_power_off(dc, state):
    rig = any_rig_at(dc, state)
    rig.changed(pilot="B")
    assert not rig.closed


@pytest.mark.parametrize("lost", ["connection", "pilot", "abort"])
@pytest.mark.parametrize(
    ("dc", "state", "request_"),
    [
        (False, "WaitForPowerDelivery", ev.power("Start")),
        (False, "WaitForChargingStatus", ev.power("Stop")),
        (True, "WaitForCurrentDemand", ev.power("Renegotiate")),
        (True, "WaitForCableCheck", ev.cable_check()),
    ],
)
def test_a_loss_while_an_answer_waits(dc, state, request_, lost):
    rig = rig_at(state, dc=dc)
    if state == "WaitForPowerDelivery":
        rig.changed(pilot="C")
    assert rig.ask(request_) is None
    if lost == "connection":
        rig._take(rig.core.disconnected(rig.now_ms))
    else:
        rig.changed(**{"pilot": "E"} if lost == "pilot" else {"abort": True})
    assert not rig.closed
    assert rig.core.deadline() is None
    assert effects.Link(LinkWish.ERROR) in rig.last


# ---------------------------------------------------------------------- pauses


def paused_at(dc: bool = False, **changes: Any) -> Rig:
    setup = dataclasses.replace(ev.DC_SETUP if dc else ev.AC_SETUP, **changes)
    rig = rig_at("WaitForCurrentDemand" if dc else "WaitForChargingStatus", dc=dc, setup=setup)
    stopped(rig)
    return rig


def come_back(rig: Rig, identifier: bytes) -> Any:
    rig._take(rig.core.disconnected(rig.now_ms))
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    return rig.ask(ev.setup(), session_id=identifier)


@pytest.mark.parametrize("dc", [True, False])
def test_a_pause_and_its_end(dc):
    rig = paused_at(dc)
    identifier = rig.core.session.session_id
    assert rig.ask(ev.stop("Pause")).ResponseCode == "OK"
    rig._take(rig.core.disconnected(rig.now_ms))
    assert rig.sent(effects.Link) == effects.Link(LinkWish.PAUSE)
    rig.station.setup = dataclasses.replace(
        rig.station.setup, energy_modes=tuple(EnergyMode), payments=(Payment.EXTERNAL,)
    )
    assert come_back(rig, identifier).ResponseCode == "OK_OldSessionJoined"
    assert rig.core.session.session_id == identifier
    answer = rig.ask(ev.discovery())
    mode = "DC_extended" if dc else "AC_three_phase_core"
    assert answer.ChargeService.SupportedEnergyTransferMode.EnergyTransferMode == [mode]
    assert answer.PaymentOptionList.PaymentOption == ["ExternalPayment"]
    ev.walk(rig, "WaitForAuthorization")


def test_a_session_can_be_resumed_once_only():
    rig = paused_at()
    identifier = rig.core.session.session_id
    rig.ask(ev.stop("Pause"))
    assert come_back(rig, identifier).ResponseCode == "OK_OldSessionJoined"
    rig.ask(ev.stop())
    assert come_back(rig, identifier).ResponseCode == "OK_NewSessionEstablished"
    assert rig.core.session.session_id != identifier


@pytest.mark.parametrize("identifier", [b"\xee" * 8, bytes(8)])
def test_another_id_after_a_pause_begins_a_new_session(identifier):
    rig = paused_at()
    paused = rig.core.session.session_id
    rig.ask(ev.stop("Pause"))
    assert come_back(rig, identifier).ResponseCode == "OK_NewSessionEstablished"
    assert rig.core.session.session_id not in (identifier, paused)


def test_an_unplugged_car_does_not_come_back():
    rig = paused_at()
    identifier = rig.core.session.session_id
    rig.ask(ev.stop("Pause"))
    rig.core.forget_paused()
    assert come_back(rig, identifier).ResponseCode == "OK_NewSessionEstablished"


@pytest.mark.spec(174)
def test_a_station_without_pauses_refuses_cleanly():
    rig = paused_at(pause=False)
    identifier = rig.core.session.session_id
    assert rig.ask(ev.stop("Pause")).ResponseCode == "FAILED"
    assert effects.Link(LinkWish.ERROR) in rig.later(5_000)
    rig._take(rig.core.connected(rig.now_ms))
    rig.handshake()
    assert rig.ask(ev.setup(), session_id=identifier).ResponseCode == "OK_NewSessionEstablished"


@pytest.mark.parametrize("state", ["WaitForServiceDiscovery", "WaitForPreCharge", "WaitForCurrentDemand"])
def test_a_pause_before_power_was_taken_off(state):
    rig = rig_at(state)
    assert rig.ask(ev.stop("Pause")).ResponseCode == "FAILED"
    assert not rig.closed


def test_a_dc_session_pauses_after_welding_detection():
    rig = paused_at(True)
    rig.ask(ev.welding())
    assert rig.ask(ev.stop("Pause")).ResponseCode == "OK"


def test_a_new_id_is_never_the_one_that_was_asked_for():
    station = Station(setup=ev.DC_SETUP)
    rig = Rig(PROTOCOL, station=station)
    rig.handshake()
    assert rig.ask(ev.setup(), session_id=b"\x01" * 8).ResponseCode == "OK_NewSessionEstablished"
    assert rig.core.session.session_id == b"\xfe" + b"\x01" * 7

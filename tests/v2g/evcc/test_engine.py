"""What the engine does whatever the message set: handshake, frames, ids, timers, wishes, losses."""

from __future__ import annotations

from typing import Any

import pytest

import v2gexi
from tests.v2g.evcc.charger import SESSION_ID, Charger, name_of
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.effects import Log
from v2g.common.terms import DIN, ISO_2, EnergyMode, LinkWish
from v2g.evcc import effects
from v2g.evcc.din.protocol import PROTOCOL
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2g.evcc.engine import Evcc
from v2g.evcc.iso2.protocol import PROTOCOL as ISO_2_PROTOCOL
from v2g.evcc.vehicle import EvError, Setup, Vehicle
from v2gexi import app, din, v2gtp


def rig(**more: Any) -> Rig:
    return Rig(PROTOCOL, Charger(), Vehicle(setup=Setup(protocols=(DIN,))), **more)


def shaken(response: Any) -> Rig:
    """A session whose handshake is answered like this."""
    made = rig(connect=False)
    made.charger.script["supportedAppProtocolReq"] = lambda charger, request: response
    made.does(made.core.connected(made.now_ms))
    return made


def answer(code: str, schema_id: int | None) -> bytes:
    response = app.supportedAppProtocolRes(ResponseCode=code, SchemaID=schema_id)  # type: ignore[arg-type]
    return v2gtp.pack(v2gexi.encode(response, "app"))


# ---------------------------------------------------------------------- handshake


@pytest.mark.spec(350)
def test_protocols_are_offered_in_the_order_of_the_set_up() -> None:
    core = Evcc(Vehicle(setup=Setup(protocols=(ISO_2, DIN))), [PROTOCOL, ISO_2_PROTOCOL], bytes, lambda: 0)
    seen = next(each for each in core.connected(0) if isinstance(each, effects.MessageSeen))
    assert [(each.ProtocolNamespace, each.Priority) for each in seen.message.AppProtocol] == [
        (ISO_2, 1),
        (DIN, 2),
    ]


@pytest.mark.spec(350)
@pytest.mark.parametrize(("schema_id", "namespace"), [(0, ISO_2), (1, DIN)])
def test_the_charger_chooses_by_schema_id(schema_id: int, namespace: str) -> None:
    core = Evcc(Vehicle(setup=Setup(protocols=(ISO_2, DIN))), [PROTOCOL, ISO_2_PROTOCOL], bytes, lambda: 0)
    core.connected(0)
    news = core.received(answer("OK_SuccessfulNegotiation", schema_id), 5)
    assert effects.ProtocolSelected(namespace) in news
    assert core.state == "SessionSetup"


@pytest.mark.parametrize(
    ("code", "schema_id", "goes_on"),
    [
        ("OK_SuccessfulNegotiation", 0, True),
        ("OK_SuccessfulNegotiation", None, True),
        ("OK_SuccessfulNegotiationWithMinorDeviation", 0, True),
        ("OK_SuccessfulNegotiation", 4, False),
        ("Failed_NoNegotiation", None, False),
        ("Failed_NoNegotiation", 0, False),
    ],
)
def test_handshake(code: str, schema_id: int | None, goes_on: bool) -> None:
    made = shaken(answer(code, schema_id))
    made.run(lambda: made.core.state == "SessionSetup" or made.ended is not None)
    assert (made.ended is None) is goes_on
    if made.ended is not None:
        assert made.ended == effects.SessionEnded(f"no protocol in common: {code}", ok=False)
        assert made.all(effects.ProtocolSelected) == [effects.ProtocolSelected("")]


def test_a_handshake_needs_a_schema_id_where_two_protocols_were_offered() -> None:
    core = Evcc(Vehicle(setup=Setup(protocols=(ISO_2, DIN))), [PROTOCOL, ISO_2_PROTOCOL], bytes, lambda: 0)
    core.connected(0)
    core.received(answer("OK_SuccessfulNegotiation", None), 5)
    assert not core.running


@pytest.mark.parametrize(
    "data",
    [
        v2gtp.pack(b"\x80\xff\xff"),
        v2gtp.pack(
            v2gexi.encode(
                app.supportedAppProtocolReq(
                    AppProtocol=[
                        app.AppProtocolType(
                            ProtocolNamespace=DIN,
                            VersionNumberMajor=2,
                            VersionNumberMinor=0,
                            SchemaID=0,
                            Priority=1,
                        )
                    ]
                ),
                "app",
            )
        ),
    ],
    ids=["nonsense", "a request"],
)
def test_something_else_in_place_of_the_handshake(data: bytes) -> None:
    made = shaken(data).run()
    assert made.ended is not None
    assert "supportedAppProtocolRes" in made.ended.reason
    assert made.requests == ["supportedAppProtocolReq"]


def test_no_protocol_to_offer_is_an_error_of_the_caller() -> None:
    core = Evcc(Vehicle(setup=Setup(protocols=("urn:other",))), [PROTOCOL], bytes, lambda: 0)
    with pytest.raises(ValueError, match="urn:other"):
        core.connected(0)


def test_an_ac_car_does_not_offer_a_protocol_of_dc() -> None:
    setup = Setup(protocols=(DIN, ISO_2), energy_modes=(EnergyMode.AC_THREE_PHASE,))
    core = Evcc(Vehicle(setup=setup), [PROTOCOL, ISO_2_PROTOCOL], bytes, lambda: 0)
    seen = next(each for each in core.connected(0) if isinstance(each, effects.MessageSeen))
    assert [each.ProtocolNamespace for each in seen.message.AppProtocol] == [ISO_2]


def test_a_session_does_not_begin_within_another() -> None:
    made = rig()
    with pytest.raises(ValueError, match="running"):
        made.core.connected(made.now_ms)


# ---------------------------------------------------------------------- frames and ids


def test_a_response_in_pieces() -> None:
    made = rig().until("ServicePaymentSelection")
    frame = made.frame(din.ServicePaymentSelectionResType(ResponseCode="OK"))
    for at in range(len(frame)):
        assert made.core.state == "ServicePaymentSelection"
        made.data(frame[at : at + 1])
    assert made.core.state == "ContractAuthentication"


def test_frames_of_unknown_types_are_ignored() -> None:
    made = rig().until("ServiceDiscovery")
    made.data(v2gtp.pack(b"1234", 0xA001))
    assert made.logs[-1] == "frame with payload type 0xa001 ignored"
    made.until("CurrentDemand")


def test_a_response_that_nobody_waits_for_is_ignored() -> None:
    made = rig().until("ContractAuthentication")
    body = din.ContractAuthenticationResType(ResponseCode="OK", EVSEProcessing="Ongoing")
    frame = made.frame(body)
    made.data(frame + frame)
    assert made.logs[-1] == "a message that nobody asked for was ignored"
    assert made.core.state == "ContractAuthentication"
    made.until("CurrentDemand")


def test_another_response_than_asked_for() -> None:
    made = rig().until("PreCharge")
    made.respond(
        din.CableCheckResType(
            ResponseCode="OK", DC_EVSEStatus=made.charger.dc_status(), EVSEProcessing="Finished"
        )
    )
    made.run()
    assert made.ended == effects.SessionEnded("CableCheckRes is no response to PreChargeReq", ok=False)
    check(made)


def test_a_request_in_place_of_a_response() -> None:
    made = rig().until("ServiceDiscovery")
    made.respond(din.ServiceDiscoveryReqType())
    made.run()
    assert made.ended is not None
    assert "is no response" in made.ended.reason


def test_another_sessions_id() -> None:
    made = rig().until("ServicePaymentSelection")
    made.respond(din.ServicePaymentSelectionResType(ResponseCode="OK"), session_id=bytes(8))
    made.run()
    assert made.ended is not None
    assert made.ended.reason.endswith(f"has session id {bytes(8).hex()}, not {SESSION_ID.hex()}")


def test_a_message_without_a_body() -> None:
    made = rig().until("ServiceDiscovery")
    message = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=SESSION_ID), Body=din.BodyType(BodyElement=None)
    )
    made.data(v2gtp.pack(v2gexi.encode(message)))
    made.run()
    assert made.ended is not None
    assert not made.ended.ok


# ---------------------------------------------------------------------- timers


def test_no_session_within_the_setup_time() -> None:
    core = Evcc(Vehicle(setup=Setup(protocols=(DIN,))), [PROTOCOL], bytes, lambda: 0)
    assert core.deadline() is None
    core.link_ready(100)
    assert core.deadline() == 20_100
    assert core.tick(20_099) == []
    assert core.tick(20_100) == [
        Log("no session within V2G_EVCC_CommunicationSetup_Timeout"),
        effects.Link(LinkWish.ERROR),
    ]
    assert core.deadline() is None


def test_the_setup_time_runs_on_in_the_session() -> None:
    made = rig(connect=False)
    made.core.link_ready(made.now_ms)
    made.now_ms += 19_500
    made.charger.script["SessionSetupReq"] = lambda charger, body: None
    made.does(made.core.connected(made.now_ms))
    made.run()
    assert made.now_ms == 21_000
    assert made.ended is not None
    assert "CommunicationSetup" in made.ended.reason


def test_the_setup_time_is_over_with_the_session_set_up() -> None:
    made = rig(connect=False)
    made.core.link_ready(made.now_ms)
    made.does(made.core.connected(made.now_ms))
    made.charger.ongoing = 70
    made.until("CurrentDemand")
    assert made.now_ms > 1_000 + 20_000


@pytest.mark.parametrize(
    ("state", "timeout_ms"),
    [
        ("ServiceDiscovery", 2_000),
        ("CableCheck", 2_000),
        ("PowerDeliveryStart", 2_000),
        ("CurrentDemand", 250),
    ],
)
def test_message_timeouts(state: str, timeout_ms: int) -> None:
    made = rig().until(state)
    since = made.now_ms
    made._queue.clear()
    made.run(lambda: PilotState("B") in made.plant or made.ended is not None)
    assert made.now_ms == since + timeout_ms


def test_din_sessions_have_to_be_ready_in_time() -> None:
    made = rig()
    made.charger.script["ContractAuthenticationReq"] = lambda charger, body: slow(charger, body, 115)
    made.charger.script["ChargeParameterDiscoveryReq"] = lambda charger, body: slow(charger, body, 235)
    made.charger.script["CableCheckReq"] = lambda charger, body: slow(charger, body, 158)
    made.run()
    assert made.ended == effects.SessionEnded(
        "not ready to charge within V2G_EVCC_ReadyToCharge_Timeout", ok=False
    )
    assert made.requests[-1] == "SessionStopReq"
    assert made.time_of(made.ended) - 1_000 == pytest.approx(150_000, abs=20)


def slow(charger: Charger, body: Any, rounds: int) -> Any:
    name = name_of(body)
    response = charger.usual(name, body)
    response.EVSEProcessing = "Ongoing" if charger.count(name) < rounds else "Finished"
    return response


def test_no_pause_is_made_where_none_is_wanted() -> None:
    made = Rig(PROTOCOL, Charger(), Vehicle(setup=Setup(protocols=(DIN,), longest_pace_ms=0)))
    made.charger.ongoing = 10
    made.lock_ms = made.contactors_ms = made.answer_ms = 0
    made.until("CurrentDemand")
    assert made.now_ms == 1_000 + 5  # the handshake's answer was under way already


# ---------------------------------------------------------------------- wishes and losses


@pytest.mark.spec(351)
@pytest.mark.parametrize("loss", ["connection", "pilot", "abort"])
@pytest.mark.parametrize(
    "state",
    [
        "SessionSetup",
        "ContractAuthentication",
        "CableCheck",
        "PreCharge",
        "PowerDeliveryStart",
        "CurrentDemand",
    ],
)
def test_losses_in_every_state(state: str, loss: str) -> None:
    made = rig()
    made.charger.step_v = 100
    made.until(state)
    asked = len(made.requests)
    if loss == "connection":
        made.does(made.core.disconnected(made.now_ms))
    elif loss == "pilot":
        made.change(pilot_ok=False)
    else:
        made.change(abort=True)
    made.run()
    assert len(made.requests) == asked
    assert made.ended is not None
    assert not made.ended.ok
    assert bool(made.all(effects.Disconnect)) is (loss != "connection")
    assert made.all(effects.Link) == [effects.Link(LinkWish.ERROR)]
    made.run(lambda: False, within_ms=1_000)
    assert not made.vehicle.connector_locked
    assert made.vehicle.contactors_closed is False
    check(made)


@pytest.mark.parametrize("error", list(EvError))
def test_errors_of_the_ev_are_told_and_end_the_session(error: EvError) -> None:
    made = rig().until("CurrentDemand")
    made.change(error=error)
    made.run()
    told = {
        each.Body.BodyElement.DC_EVStatus.EVErrorCode
        for each in made.sent
        if hasattr(each.Body.BodyElement, "DC_EVStatus")
    }
    assert told == {"NO_ERROR", error.value}
    assert made.ended == effects.SessionEnded(error.value, ok=False)
    assert made.requests[-1] == "SessionStopReq"
    check(made)


@pytest.mark.spec(353)
def test_a_lock_that_opens_in_the_charge_loop_ends_the_session() -> None:
    made = rig().until("CurrentDemand")
    made.change(connector_locked=False)
    made.run()
    assert made.ended == effects.SessionEnded("FAILED_ChargerConnectorLockFault", ok=False)
    check(made)


def test_contactors_that_do_not_close() -> None:
    made = rig()
    made.contactors_ms = 1_000_000
    made.run()
    assert made.ended is not None
    assert not made.ended.ok
    assert "not confirmed closed" in made.ended.reason
    assert made.order[-3:] == ["PowerDeliveryReq", "WeldingDetectionReq", "SessionStopReq"]
    start = [
        each.Body.BodyElement
        for each in made.sent
        if isinstance(each.Body.BodyElement, din.PowerDeliveryReqType)
    ]
    assert [each.ReadyToChargeState for each in start] == [False]
    check(made)


def test_contactors_that_open_by_themselves() -> None:
    made = rig().until("CurrentDemand")
    made.change(contactors_closed=False)
    made.run()
    assert made.ended == effects.SessionEnded("the contactors opened by themselves", ok=False)
    check(made)


def test_contactors_that_are_closed_too_early() -> None:
    made = rig().until("CableCheck")
    made.change(contactors_closed=True)
    made.run()
    assert made.ended is not None
    assert made.ended.reason == "the contactors are closed though they were not to be"
    assert Contactors(True) not in made.plant
    assert LockConnector(False) not in made.plant


@pytest.mark.spec(351)
def test_the_lock_stays_closed_until_the_contactors_are_open() -> None:
    made = rig().until("CurrentDemand")
    made.obeys = False
    made.change(stop=True)
    made.run()
    assert made.ended is not None
    assert LockConnector(False) not in made.plant
    assert any("stays locked" in line for line in made.logs)
    made.now_ms += 60_000
    made.change(contactors_closed=False)
    assert made.plant[-1] == LockConnector(False)
    made.change(contactors_closed=False)
    assert made.plant.count(LockConnector(False)) == 1


@pytest.mark.spec(351)
def test_the_lock_stays_closed_while_the_inlet_has_voltage() -> None:
    made = rig().until("CurrentDemand")
    made.change(inlet_voltage_v=380.0, stop=True)
    made.run()
    assert LockConnector(False) not in made.plant
    made.change(inlet_voltage_v=59.0)
    assert made.plant[-1] == LockConnector(False)


def test_sessions_follow_each_other() -> None:
    made = rig().until("CurrentDemand")
    made.change(stop=True)
    made.run()
    made.run(lambda: False, within_ms=1_000)
    made.charger.voltage_v = 0
    first = len(made.happened)
    made.change(stop=False)
    made.does(made.core.connected(made.now_ms))
    made.until("CurrentDemand")
    assert [each for _, each in made.happened[first:] if isinstance(each, Contactors)] == [Contactors(True)]


def test_what_a_charger_says_after_the_end_changes_nothing() -> None:
    made = rig().until("CurrentDemand")
    made.change(abort=True)
    made.run()
    assert made.core.received(made.frame(din.SessionStopResType(ResponseCode="OK")), made.now_ms) == []
    assert made.core.disconnected(made.now_ms) == []
    assert made.core.tick(made.now_ms) == []
    assert made.core.deadline() is None


def test_an_empty_connection_ends_in_the_handshake() -> None:
    made = rig()
    made.does(made.core.disconnected(made.now_ms))
    assert made.ended == effects.SessionEnded("the connection is lost", ok=False)
    assert made.plant == []

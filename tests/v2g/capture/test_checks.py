"""Anomalies: those that real sessions had, and for each kind a session that has it."""

from __future__ import annotations

from typing import Any

import pytest

import v2gexi
from tests.v2g.capture import recordings as r
from v2g.capture.limits import FINDINGS
from v2g.homeplug import slac
from v2gexi import din, v2gtp

RUN = bytes.fromhex("1122334455667788")
OTHER_RUN = bytes.fromhex("9922334455667788")
CAR, STATION = r.CAR.hardware, r.STATION.hardware
NID, NMK = bytes(range(7)), bytes(range(16))


def _is(name: str, kind: str) -> list[str]:
    return [text for session in r.read(name)[1] for text in r.texts(session, kind)]


def test_alpitronic_refuses_the_charge_loop():
    """The car had said ReadyToChargeState false and asked for current nevertheless."""
    _, (session,) = r.read(r.ALPITRONIC)
    assert r.texts(session, "failed") == ["CurrentDemandRes says FAILED_SequenceError"]
    assert r.texts(session, "evse-status") == ["EVSEStatusCode EVSE_Shutdown"]
    assert r.texts(session, "sequence") == [
        "CurrentDemand after PowerDelivery (stop); WeldingDetection would be in order"
    ]
    (refused,) = [e for e in session.events if any(f.kind == "failed" for f in e.findings)]
    assert refused.packet == 2722
    closed = "no SessionStopReq: after CurrentDemandReq station closes the connection"
    assert r.texts(session, "no-stop") == [closed]
    assert len(r.texts(session, "tcp-reset")) == 21
    assert r.texts(session, "no-connection")[0] == "refused at port 51110"


def test_supercharger_knows_no_such_session():
    sessions = r.read(r.SUPERCHARGER)[1]
    cable_checks = [e for e in sessions[0].events if e.name == "CableCheckRes"]
    assert {e.findings[0].text for e in cable_checks} == {"CableCheckRes says FAILED_UnknownSession"}
    assert len(cable_checks) == 31
    ids = set(r.texts(sessions[0], "session-id"))
    assert ids == {"session id DEADBEEFDEADBEEF; the station gave 06EF0071"}
    closed = "no SessionStopReq: after CableCheckRes car closes the connection"
    assert r.texts(sessions[0], "no-stop") == [closed]


def test_the_taycan_gets_answers_with_another_run():
    _, (session,) = r.read(r.TAYCAN)
    assert r.texts(session, "slac-failed") == [
        "6 × CM_SLAC_PARM.REQ, 6 answered, but with another RunID than the car's"
    ]
    again = [text.partition(" (")[0] for text in r.texts(session, "slac-repeated")]
    same, other = "the car begins SLAC again with the same RunID", "the car begins SLAC again"
    assert again == [same, same, other, same, same]
    stale = r.texts(session, "stale-run-id")
    assert len(stale) == 6
    assert stale[0] == "RunID 00188700a1d60000; the car's run is 944dc3d0ed5abf0a"


def test_compleo_shuts_down_in_pre_charge():
    assert _is(r.COMPLEO, "evse-status") == ["EVSEStatusCode EVSE_EmergencyShutdown"] * 4
    apart = "1 V of 230 V: 229 V apart, at most 20 V would do; nothing follows"
    assert _is(r.COMPLEO, "pre-charge") == [apart]
    assert _is(r.COMPLEO, "sdp-repeated") == ["the car asks again after 500 ms: it got no answer"]
    assert len(_is(r.COMPLEO, "slac-unanswered")) == 3
    assert _is(r.COMPLEO, "ongoing") == [
        "7166 ms after the first PreChargeReq; V2G_EVCC_PreCharge_Timeout is 7000 ms"
    ]


def test_the_car_at_abb_left_out_the_authorisation():
    assert _is(r.ABB, "sequence") == [
        "ChargeParameterDiscovery after ServicePaymentSelection; ContractAuthentication would be in order"
    ]
    assert _is(r.ABB, "sdp-late") == ["429 ms after the question; cars ask again after 250 ms"]
    assert _is(r.ABB, "no-response") == ["no answer came"]
    far = "22.1 dB on average; above 20 dB a car takes it for another station's"
    assert _is(r.ABB, "attenuation") == [far]


def test_sessions_that_were_stopped_by_hand():
    reached = "347 V of 344 V were reached, yet the car goes on with SessionStopReq"
    assert _is(r.MODEL_Y, "pre-charge") == [reached]
    assert _is(r.MODEL_Y, "no-stop") == _is(r.POLESTAR, "no-stop") == []
    assert _is(r.DEHNER, "sdp-unanswered") == ["no station answers"]


def test_what_was_hidden_from_the_observer_is_no_anomaly():
    """Of this session only the station's frames of SLAC were heard."""
    _, (session,) = r.read(r.WP4)
    assert r.kinds(session) == []


def _whole(build, between, stop=r.STOP) -> None:
    build.connect()
    build.messages(r.SET_UP)
    build.message(din.ServiceDiscoveryReqType())
    offered = din.ServiceChargeType(
        ServiceTag=din.ServiceTagType(ServiceID=1, ServiceCategory="EVCharging"),
        FreeService=True,
        EnergyTransferType="DC_extended",
    )
    options = din.PaymentOptionsType(PaymentOption=["ExternalPayment"])
    build.message(
        din.ServiceDiscoveryResType(ResponseCode="OK", PaymentOptions=options, ChargeService=offered)
    )
    services = din.SelectedServiceListType(SelectedService=[din.SelectedServiceType(ServiceID=1)])
    build.message(
        din.ServicePaymentSelectionReqType(
            SelectedPaymentOption="ExternalPayment", SelectedServiceList=services
        )
    )
    build.message(din.ServicePaymentSelectionResType(ResponseCode="OK"))
    build.message(din.ContractAuthenticationReqType())
    build.message(din.ContractAuthenticationResType(ResponseCode="OK", EVSEProcessing="Finished"))
    build.message(_parameters())
    build.message(_offered())
    build.messages(between)
    build.messages(stop)
    build.close()


def _parameters() -> din.ChargeParameterDiscoveryReqType:
    limits: dict[str, Any] = {
        "EVMaximumCurrentLimit": r.physical(100),
        "EVMaximumVoltageLimit": r.physical(400),
    }
    return din.ChargeParameterDiscoveryReqType(
        EVRequestedEnergyTransferType="DC_extended",
        EVChargeParameter=din.DC_EVChargeParameterType(DC_EVStatus=r.ev_status(), **limits),
    )


def _schedules() -> din.SAScheduleListType:
    entry = din.PMaxScheduleEntryType(TimeInterval=din.RelativeTimeIntervalType(start=0), PMax=1000)
    schedule = din.PMaxScheduleType(PMaxScheduleID=1, PMaxScheduleEntry=[entry])
    each = din.SAScheduleTupleType(SAScheduleTupleID=1, PMaxSchedule=schedule)
    return din.SAScheduleListType(SAScheduleTuple=[each])


def _offered(code: Any = "OK") -> din.ChargeParameterDiscoveryResType:
    return din.ChargeParameterDiscoveryResType(
        ResponseCode=code,
        EVSEProcessing="Finished",
        SASchedules=_schedules(),
        EVSEChargeParameter=din.DC_EVSEChargeParameterType(
            DC_EVSEStatus=r.evse_status(),
            EVSEMaximumCurrentLimit=r.physical(200),
            EVSEMaximumVoltageLimit=r.physical(500),
            EVSEMinimumCurrentLimit=r.physical(1),
            EVSEMinimumVoltageLimit=r.physical(100),
            EVSEPeakCurrentRipple=r.physical(1),
        ),
    )


def _power(ready: bool) -> tuple[object, object]:
    return (
        din.PowerDeliveryReqType(ReadyToChargeState=ready),
        din.PowerDeliveryResType(ResponseCode="OK", EVSEStatus=r.evse_status()),
    )


def _demand(target: int, present: int, **changes) -> tuple[object, object]:
    return (
        din.CurrentDemandReqType(
            DC_EVStatus=r.ev_status(**changes),
            EVTargetCurrent=r.physical(10),
            ChargingComplete=False,
            EVTargetVoltage=r.physical(target),
        ),
        din.CurrentDemandResType(
            ResponseCode="OK",
            DC_EVSEStatus=r.evse_status(),
            EVSEPresentVoltage=r.physical(present),
            EVSEPresentCurrent=r.physical(10),
            EVSECurrentLimitAchieved=False,
            EVSEVoltageLimitAchieved=False,
            EVSEPowerLimitAchieved=False,
        ),
    )


GOOD = [*r.cable_check(), *r.pre_charge(350, 348), *_power(True), *_demand(360, 360), *_power(False)]


def test_the_end_of_the_power_is_no_beginning(build):
    _whole(build, GOOD)
    _, (session,) = build.read()
    powers = [(e.checkpoint, e.phase) for e in session.messages if e.base == "PowerDelivery"]
    assert powers == [(600, "power delivery"), (605, "power delivery"), (800, "stop"), (805, "stop")]


def test_frames_behind_the_match_are_no_part_of_slac(build):
    frames = list(_matching())
    for frame in (*frames, frames[15], frames[15]):
        build.packet(frame)
    _, (session,) = build.read()
    (phase,) = session.phases
    assert (phase.phase, phase.events, phase.end) == ("SLAC", 19, session.first("CM_SLAC_MATCH.CNF").time)


def test_who_sent_what_cannot_be_read(build):
    build.connect()
    build.payload(True, b"\x80\xff\xff")
    build.payload(False, b"\x80\xff\xff")
    _, (session,) = build.read()
    bad = [(e.name, e.side.value) for e in session.events if any(f.kind == "undecodable" for f in e.findings)]
    assert bad == [("V2GTP frame", "car"), ("V2GTP frame", "station")]


def test_a_session_without_anomaly(build):
    _slac(build)
    build.udp(True, v2gtp.pack(b"\x10\x00", v2gtp.PayloadType.SDP_REQUEST))
    answer = bytes.fromhex("fe80000000000000" + "0000000000000002" + "ee48" + "1000")
    build.udp(False, v2gtp.pack(answer, v2gtp.PayloadType.SDP_RESPONSE))
    _whole(build, GOOD)
    _, (session,) = build.read()
    assert r.kinds(session) == []
    assert len(session.messages) == 24


def _slac(build, *, wait=0, frames=None, **changes) -> None:
    """Matching; ``frames``: only so many of its frames."""
    for number, frame in enumerate(list(_matching(**changes))[:frames]):
        build.packet(frame)
        if number == 0:
            build.wait(wait)


def _matching(*, starts=3, sounds=10, attenuation=9, run=RUN, key_result=1):
    no_id, everyone = slac.NO_ID, b"\xff" * 6
    yield slac.SlacParmReq(0, 0, RUN).frame(everyone, CAR)
    yield slac.SlacParmCnf.answer(run, CAR).frame(CAR, STATION)
    for _ in range(starts):
        yield slac.StartAttenCharInd(0, 0, 10, 6, 1, CAR, RUN).frame(everyone, CAR)
    for left in reversed(range(sounds)):
        yield slac.MnbcSoundInd(0, 0, no_id, left, RUN, bytes(16)).frame(everyone, CAR)
    profile = bytes([attenuation]) * 58
    yield slac.AttenCharInd(0, 0, CAR, RUN, no_id, no_id, 10, profile).frame(CAR, STATION)
    yield slac.AttenCharRsp(0, 0, CAR, RUN, no_id, no_id, 0).frame(STATION, CAR)
    match = slac.SlacMatchReq(0, 0, slac.MATCH_REQ_LENGTH, no_id, CAR, no_id, STATION, RUN)
    yield match.frame(STATION, CAR)
    found = slac.SlacMatchCnf(0, 0, slac.MATCH_CNF_LENGTH, no_id, CAR, no_id, STATION, RUN, NID, NMK)
    yield found.frame(CAR, STATION)
    yield slac.SetKeyReq.of(NID, NMK).frame(everyone, CAR)
    yield slac.SetKeyCnf(key_result, 0, 0, 4, 0, 0, 0).frame(CAR, b"\x0a" * 6)


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (1, "1 × CM_SLAC_PARM.REQ and no station answers"),
        (2, "1 × CM_SLAC_PARM.REQ, 1 answered, and the car never goes on: "),
        (3, "the station never tells the attenuation"),
        (15, "the station never tells the attenuation"),
        (16, "the car does not acknowledge the attenuation: "),
        (17, "the car does not ask for the match: "),
        (18, "the station does not answer the car's wish to match"),
    ],
)
def test_where_slac_ended(frames, reason, build):
    _slac(build, frames=frames)
    _, (session,) = build.read()
    (text,) = r.texts(session, "slac-failed")
    assert text.startswith(reason)


def test_a_modem_that_does_not_answer(build):
    _slac(build, frames=20)
    _, (session,) = build.read()
    assert r.texts(session, "key") == ["the modem does not answer"]
    assert r.kinds(session) == ["key"]


@pytest.mark.parametrize(
    ("starts", "said"), [(2, ["2 start indications before it; there should be 3"]), (3, [])]
)
def test_start_indications_are_counted(starts, said, build):
    _slac(build, starts=starts)
    _, (session,) = build.read()
    assert r.texts(session, "slac-sounds") == said


@pytest.mark.parametrize(("attenuation", "kinds"), [(1, []), (20, []), (21, ["attenuation"])])
def test_too_much_attenuation(attenuation, kinds, build):
    _slac(build, attenuation=attenuation)
    _, (session,) = build.read()
    assert r.kinds(session) == kinds


@pytest.mark.parametrize(("present", "kinds"), [(331, []), (329, ["pre-charge"]), (350, [])])
def test_pre_charge_may_differ_by_twenty_volts(present, kinds, build):
    _whole(build, [*GOOD[:2], *r.pre_charge(350, present), *GOOD[4:]])
    _, (session,) = build.read()
    assert r.kinds(session) == kinds


@pytest.mark.parametrize(("present", "kinds"), [(378, []), (379, ["overshoot"])])
def test_overshoot_begins_above_a_twentieth(present, kinds, build):
    _whole(build, [*GOOD[:6], *_demand(360, present), *_demand(360, present), *_power(False)])
    _, (session,) = build.read()
    assert r.kinds(session) == kinds


@pytest.mark.parametrize(("wait", "kinds"), [(1990, []), (1991, ["late-response"])])
def test_late_begins_after_the_timeout(wait, kinds, build):
    build.connect()
    build.message(r.SET_UP[0])
    build.wait(wait)
    build.message(r.SET_UP[1])
    build.messages(r.STOP)
    _, (session,) = build.read()
    assert r.kinds(session) == kinds


def _ids(build):
    build.connect()
    build.messages(r.SET_UP)
    build.message(r.STOP[0], bytes(7) + b"\x01")
    build.message(r.STOP[1])


def _unanswered(build):
    build.connect()
    build.messages(r.SET_UP)
    build.message(din.ServiceDiscoveryReqType())
    build.message(r.STOP[0])
    build.message(r.STOP[1])


def _late(build):
    build.connect()
    build.message(r.SET_UP[0])
    build.wait(2100)
    build.message(r.SET_UP[1])
    build.wait(61_000)
    build.messages(r.STOP)


def _undecodable(build):
    build.connect()
    build.payload(True, b"\x80\xff\xff")


def _guessed(build):
    message = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=r.SESSION_ID), Body=din.BodyType(BodyElement=r.STOP[0])
    )
    for _, packet in build.conversation.open():
        build.packet(packet)
    build.payload(True, v2gexi.encode(message))


def _segments(build, order):
    build.connect()
    message = din.V2G_Message(
        Header=din.MessageHeaderType(SessionID=bytes(8)), Body=din.BodyType(BodyElement=r.SET_UP[0])
    )
    frame = v2gtp.pack(v2gexi.encode(message))
    parts = [
        packet
        for part in (frame[:10], frame[10:20], frame[20:])
        for packet in build.conversation.data(True, part)
    ]
    for number in order:
        build.packet(parts[number])


def _reset(build):
    build.connect()
    packet = bytearray(next(build.conversation.close(False))[1])
    packet[14 + 40 + 13] = 0x04  # the flags: RST instead of FIN
    build.packet(bytes(packet))


def _sdp(*times):
    def made(build):
        for wait in times:
            build.wait(wait)
            build.udp(True, v2gtp.pack(b"\x10\x00", v2gtp.PayloadType.SDP_REQUEST))

    return made


def _no_connection(build):
    build.packet(next(build.conversation.open())[1])


def _between(*bodies):
    return lambda build: _whole(build, bodies)


def _good_but(*, stop=r.STOP, instead=(), **changes):
    def made(build):
        _whole(build, instead or [*GOOD[:6], *_demand(360, 360, **changes), *_power(False)], stop)

    return made


def _two_matches(build):
    _slac(build)
    match = slac.SlacMatchReq(0, 0, slac.MATCH_REQ_LENGTH, slac.NO_ID, CAR, slac.NO_ID, STATION, RUN)
    build.packet(match.frame(STATION, CAR))


def _refused_parameters(build):
    _whole(build, (_parameters(), _offered("FAILED_WrongChargeParameter")))


CASES = {
    "failed": (_refused_parameters, "ChargeParameterDiscoveryRes says FAILED_WrongChargeParameter"),
    "ev-error": (
        _good_but(EVErrorCode="FAILED_EVRESSMalfunction"),
        "EVErrorCode FAILED_EVRESSMalfunction",
    ),
    "evse-status": (
        _between(*r.cable_check(EVSEStatusCode="EVSE_Malfunction")),
        "EVSEStatusCode EVSE_Malfunction",
    ),
    "isolation": (_between(*r.cable_check(EVSEIsolationStatus="Fault")), "EVSEIsolationStatus Fault"),
    "stop-asked": (
        _between(*r.cable_check(EVSENotification="StopCharging")),
        "EVSENotification StopCharging",
    ),
    "late-response": (_late, "2110 ms after SessionSetupReq; cars wait 2000 ms (DIN SPEC 70121)"),
    "silence": (
        _late,
        "61010 ms after SessionSetupRes; stations wait 60000 ms (V2G_SECC_Sequence_Timeout)",
    ),
    "no-response": (_unanswered, "the car sends SessionStopReq without having got an answer"),
    "sequence": (_between(*_demand(360, 360)), "CurrentDemand after ChargeParameterDiscovery; "),
    "session-id": (_ids, "session id 0000000000000001; the station gave 0102030405060708"),
    "pre-charge": (
        _between(*r.pre_charge(350, 300), *_power(True)),
        "300 V of 350 V: 50 V apart, at most 20 V would do; the car goes on with PowerDeliveryReq",
    ),
    "overshoot": (_between(*r.pre_charge(350, 380)), "380 V, 30 V above the target of 350 V"),
    "no-stop": (_good_but(stop=()), "no SessionStopReq: after PowerDeliveryRes car closes the connection"),
    "slac-unanswered": (lambda b: b.packet(slac.SlacParmReq(0, 0, RUN).frame(b"\xff" * 6, CAR)), "nobody"),
    "slac-failed": (
        lambda b: b.packet(slac.SlacParmReq(0, 0, RUN).frame(b"\xff" * 6, CAR)),
        "1 × CM_SLAC_PARM.REQ and no station answers",
    ),
    "slac-repeated": (_two_matches, "the car asks for the match again"),
    "slac-sounds": (lambda b: _slac(b, sounds=8), "8 of 10 sounds were captured"),
    "slac-late": (
        lambda b: _slac(b, wait=250),
        "260 ms after CM_SLAC_PARM.REQ; TT_match_response is 200 ms (ISO 15118-3)",
    ),
    "attenuation": (lambda b: _slac(b, attenuation=0), "all groups have 0 dB"),
    "stale-run-id": (
        lambda b: _slac(b, run=OTHER_RUN),
        "RunID 9922334455667788; the car's run is 1122334455667788",
    ),
    "key": (lambda b: _slac(b, key_result=0), "result 0"),
    "sdp-repeated": (_sdp(0, 250), "the car asks again after 260 ms"),
    "sdp-unanswered": (_sdp(0), "no station answers"),
    "no-connection": (_no_connection, "nobody answers at port 61000"),
    "tcp-reset": (_reset, "the connection is broken off (RST)"),
    "retransmission": (lambda b: _segments(b, (0, 1, 1, 2)), "10 bytes are sent again"),
    "lost-segment": (lambda b: _segments(b, (0, 2)), "10 bytes before this packet are missing here"),
    "out-of-order": (lambda b: _segments(b, (0, 2, 1)), "10 bytes arrive after later ones"),
    "undecodable": (_undecodable, "3 bytes of payload, 80ffff"),
    "guessed": (_guessed, "no handshake: taken for din"),
}


@pytest.mark.parametrize("kind", list(CASES))
def test_each_kind_is_found(kind, build):
    make, text = CASES[kind]
    make(build)
    _, sessions = build.read()
    found = [each for session in sessions for each in r.texts(session, kind)]
    assert found
    assert found[0].startswith(text)


@pytest.mark.parametrize("kind", sorted(set(FINDINGS) - set(CASES) - {"warning"}))
def test_the_other_kinds_are_found_in_real_sessions(kind):
    assert any(kind in r.kinds(session) for name in r.ALL for session in r.read(name)[1])


def test_a_fin_without_answer_is_sent_again(build):
    build.connect()
    fin = next(build.conversation.close(True))[1]
    for _ in range(3):
        build.wait(300)
        build.packet(fin)
    _, (session,) = build.read()
    assert r.texts(session, "retransmission") == ["FIN sent again"] * 2


def test_a_warning_of_iso_15118_20_is_told(build):
    from v2gexi import iso20_common as common

    header = common.MessageHeaderType(SessionID=r.SESSION_ID, TimeStamp=0)
    answer = common.AuthorizationRes(
        Header=header, ResponseCode="WARNING_EIMAuthorizationFailure", EVSEProcessing="Finished"
    )
    for _, packet in build.conversation.open():
        build.packet(packet)
    for packet in build.conversation.data(False, v2gtp.pack(v2gexi.encode(answer), v2gtp.PayloadType.COMMON)):
        build.packet(packet)
    _, (session,) = build.read()
    assert r.texts(session, "warning") == ["AuthorizationRes says WARNING_EIMAuthorizationFailure"]


def test_a_target_that_was_just_lowered_makes_no_overshoot(build):
    _whole(build, [*GOOD[:6], *_demand(400, 399), *_demand(300, 395), *_power(False)])
    _, (session,) = build.read()
    assert "overshoot" not in r.kinds(session)


def test_every_order_of_messages_leads_to_known_ones():
    from v2g.capture import limits
    from v2g.capture.places import MESSAGES

    for follows in limits.FOLLOWS.values():
        names = set(follows) - {"", limits.STOPPED} | {each for after in follows.values() for each in after}
        assert names <= set(MESSAGES)
    for times in limits.MESSAGE_TIMES.values():
        assert {name.removesuffix("Req") for name in times} <= set(MESSAGES)

"""Fault injection: what goes wrong at a charger of ISO 15118-20, and how the EV ends.

The kinds are those that the tests of the other message sets have, for the messages of this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.v2g.evcc.iso20.charger20 import Answer, Charger20, changed, failing, notifying, session, silent
from tests.v2g.evcc.order import check
from v2g.common.terms import LinkWish
from v2g.common.timers import ISO20_MESSAGES
from v2g.evcc import effects
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2gexi import v2gtp


@dataclass(frozen=True)
class Fault:
    """A fault and its outcome.

    Attributes:
        request: whose answer is wrong.
        answer: what comes instead.
        says: part of the reason.
        stops: the session ends with SessionStopReq; else nothing is sent after the request.
        closed: the contactors were closed by then.
        ok: it ends without a fault.
    """

    name: str
    request: str
    answer: Answer
    says: str
    stops: bool = False
    closed: bool = False
    ok: bool = False


BEFORE = (
    "SessionSetupReq",
    "AuthorizationSetupReq",
    "AuthorizationReq",
    "ServiceDiscoveryReq",
    "ServiceDetailReq",
    "ServiceSelectionReq",
    "{}_ChargeParameterDiscoveryReq",
    "ScheduleExchangeReq",
)
DC = ("DC_CableCheckReq", "DC_PreChargeReq")
AFTER = ("DC_WeldingDetectionReq", "SessionStopReq")


def requests(kind: str) -> list[str]:
    names = [each.format(kind.upper()) for each in BEFORE]
    names += [*(DC if kind == "dc" else ()), "PowerDeliveryReq", f"{kind.upper()}_ChargeLoopReq"]
    return [*names, *(AFTER if kind == "dc" else AFTER[1:])]


EVERY = [(kind, request) for kind in ("ac", "dc") for request in requests(kind)]


def run(kind: str, request: str, answer: Answer) -> Any:
    rig = session(kind)
    rig.charger.step_v = 50.0
    late = request in AFTER
    if not late:
        rig.charger.script[request] = answer
    if late:
        rig.until("ChargeLoop")
        rig.run(within_ms=1_000)
        rig.charger.script[request] = answer
        rig.change(stop=True)
    rig.run()
    assert rig.ended is not None
    rig.run(lambda: False, within_ms=2_000)
    assert rig.core.deadline() is None
    assert not rig.vehicle.contactors_closed
    assert rig.vehicle.connector_locked is False
    check(rig)
    return rig


@pytest.mark.spec(354)
@pytest.mark.parametrize("code", ["FAILED", "FAILED_SequenceError", "FAILED_UnknownSession"])
@pytest.mark.parametrize(("kind", "request_name"), EVERY)
def test_a_failed_response_is_the_end(kind: str, request_name: str, code: str) -> None:
    rig = run(kind, request_name, failing(code))
    assert f"{request_name.removesuffix('Req')}Res: {code}" in rig.ended.reason
    assert not rig.ended.ok
    assert rig.requests[-1] == request_name
    assert rig.all(effects.Link) == [effects.Link(LinkWish.ERROR)]


@pytest.mark.spec(354)
@pytest.mark.parametrize(("kind", "request_name"), EVERY)
def test_silence_is_the_end_after_the_messages_timeout(kind: str, request_name: str) -> None:
    rig = run(kind, request_name, silent())
    assert "V2G_EVCC_Msg_Timeout" in rig.ended.reason
    assert rig.requests[-1] == request_name
    asked = max(time for time, each in rig.happened if isinstance(each, effects.MessageSeen) and each.request)
    hung_up = next(time for time, each in rig.happened if isinstance(each, effects.Disconnect))
    assert hung_up - asked == ISO20_MESSAGES[request_name].timeout_ms


@pytest.mark.parametrize(("kind", "request_name"), [each for each in EVERY if each[1] != "SessionSetupReq"])
@pytest.mark.parametrize("what", ["session", "message", "set", "bytes", "frame"])
def test_what_is_no_response_to_the_request(kind: str, request_name: str, what: str) -> None:
    def answer(charger: Charger20, body: Any) -> Any:
        if what == "bytes":
            return v2gtp.pack(b"\x80\xff", v2gtp.PayloadType.COMMON)
        if what == "frame":
            return b"HTTP/1.1 404"
        if what == "set":
            return v2gtp.pack(b"\x80\x98\x00", v2gtp.PayloadType.EXI)
        if what == "message":
            return charger.usual("SessionSetupReq", body)
        response = charger.usual(request_name, body)
        response.Header.SessionID = b"\x01" * 8
        return response

    rig = run(kind, request_name, answer)
    reasons = {
        "session": "has session id 0101010101010101",
        "message": "SessionSetupRes is no response to",
        "set": "V2G_EVCC_Msg_Timeout",
        "bytes": "is no iso20-common message",
        "frame": "no V2GTP frame",
    }
    assert reasons[what] in rig.ended.reason
    assert rig.requests[-1] == request_name


ENDLESS = {
    "AuthorizationReq": "evcc_eim_ongoing_ms",
    "ScheduleExchangeReq": "evcc_ongoing_ms",
    "DC_CableCheckReq": "evcc_cable_check_ms",
}
FAULTS = (
    *(
        Fault(f"{request} for ever", request, changed(EVSEProcessing="Ongoing"), limit, stops=True)
        for request, limit in ENDLESS.items()
    ),
    Fault(
        "terminate in the loop",
        "DC_ChargeLoopReq",
        notifying("Terminate", 20),
        "the charger asks to stop",
        stops=True,
        closed=True,
        ok=True,
    ),
    Fault("failure in the loop", "DC_ChargeLoopReq", failing("FAILED", 20), "FAILED", closed=True),
    Fault("silence in the loop", "DC_ChargeLoopReq", silent(20), "V2G_EVCC_Msg_Timeout", closed=True),
    Fault(
        "no power", "PowerDeliveryReq", failing("FAILED_PowerDeliveryNotApplied"), "NotApplied", closed=True
    ),
    Fault("contactor", "PowerDeliveryReq", failing("FAILED_ContactorError"), "ContactorError", closed=True),
    Fault(
        "profile", "PowerDeliveryReq", failing("FAILED_EVPowerProfileInvalid"), "ProfileInvalid", closed=True
    ),
    Fault("selection", "ServiceSelectionReq", failing("FAILED_ServiceSelectionInvalid"), "SelectionInvalid"),
    Fault(
        "wrong parameters",
        "DC_ChargeParameterDiscoveryReq",
        failing("FAILED_WrongChargeParameter"),
        "WrongChargeParameter",
    ),
)


@pytest.mark.spec(354)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault) -> None:
    rig = run("dc", fault.request, fault.answer)
    assert fault.says in rig.ended.reason
    assert rig.ended.ok is fault.ok
    assert rig.requests[-1] == ("SessionStopReq" if fault.stops else fault.request)
    assert rig.all(effects.Link) == [effects.Link(LinkWish.TERMINATE if fault.stops else LinkWish.ERROR)]
    assert (Contactors(True) in rig.plant) is fault.closed
    if fault.closed:
        ends = rig.plant[rig.plant.index(PilotState("B")) :]
        assert ends == [PilotState("B"), Contactors(False), LockConnector(False)]


STATES = [
    (kind, state)
    for kind, states in {
        "ac": ("AuthorizationSetup", "ServiceDetail", "ScheduleExchange", "PowerDeliveryStart", "ChargeLoop"),
        "dc": (
            "Authorization",
            "ScheduleExchange",
            "CableCheck",
            "PreCharge",
            "PowerDeliveryStart",
            "ChargeLoop",
        ),
    }.items()
    for state in states
]


@pytest.mark.parametrize(("kind", "state"), STATES)
@pytest.mark.parametrize("end", ["stop", "cut", "abort", "pilot", "error"])
def test_the_ev_ends_in_every_state(kind: str, state: str, end: str) -> None:
    from v2g.evcc.vehicle import EvError

    rig = session(kind).until(state)
    facts: dict[str, dict[str, Any]] = {
        "stop": {"stop": True},
        "abort": {"abort": True},
        "pilot": {"pilot_ok": False},
        "error": {"error": EvError.RESS_MALFUNCTION},
    }
    if end == "cut":
        rig.does(rig.core.disconnected(rig.now_ms))
    else:
        rig.change(**facts[end])
    rig.run()
    assert rig.ended is not None
    assert rig.ended.ok is (end == "stop")
    assert (rig.requests[-1] == "SessionStopReq") is (end in ("stop", "error"))
    if end == "error":
        assert rig.sent[-1].EVTerminationExplanation == "FAILED_EVRESSMalfunction"
    rig.run(lambda: False, within_ms=2_000)
    assert rig.vehicle.contactors_closed is False
    assert rig.vehicle.connector_locked is False
    check(rig)

"""Fault injection: what goes wrong at the charger, in either message set, and how the EV ends.

The first table has the kinds of fault that the pyPLC project tests, the second what its list leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.v2g.evcc.charger import Charger, failing, name_of, reporting, silent
from tests.v2g.evcc.order import check
from tests.v2g.evcc.rig import Rig
from v2g.common.terms import DIN, ISO_2, LinkWish
from v2g.evcc import effects
from v2g.evcc.din.protocol import PROTOCOL as DIN_PROTOCOL
from v2g.evcc.effects import Contactors, LockConnector, PilotState
from v2g.evcc.iso2.protocol import PROTOCOL as ISO_2_PROTOCOL
from v2g.evcc.vehicle import Setup, Vehicle
from v2gexi import din, iso2

PAYMENT = {"din": "ServicePaymentSelectionReq", "iso2": "PaymentServiceSelectionReq"}
AUTHORISATION = {"din": "ContractAuthenticationReq", "iso2": "AuthorizationReq"}


@dataclass(frozen=True)
class Fault:
    """A fault and its outcome.

    Attributes:
        request: whose answer is wrong; "payment" and "authorisation" are named differently in each set.
        answer: what comes instead.
        last: the request after which nothing is sent any more; "" for ``request`` itself.
        closed: the contactors were closed by then.
        says: part of the reason.
    """

    name: str
    request: str
    answer: Callable[[Charger, Any], Any]
    says: str
    last: str = ""
    closed: bool = False


def notifying(notification: str, after: int = 0) -> Callable[[Charger, Any], Any]:
    def answer(charger: Charger, body: Any) -> Any:
        name = name_of(body)
        if charger.count(name) > after:
            charger.notification = notification
        return charger.usual(name, body)

    return answer


def ongoing(charger: Charger, name: str, body: Any) -> Any:
    response = charger.usual(name, body)
    response.EVSEProcessing = "Ongoing"
    return response


def stuck(charger: Charger, body: Any) -> Any:
    charger.voltage_v = -1_000 + 90
    return charger.usual("PreChargeReq", body)


def isolation(charger: Charger, body: Any) -> Any:
    charger.isolation = "Fault"
    return charger.usual("CableCheckReq", body)


PYPLC = (
    Fault(
        "sequence error in SessionSetup", "SessionSetupReq", failing("FAILED_SequenceError"), "SequenceError"
    ),
    Fault("failed cable check", "CableCheckReq", failing("FAILED"), "CableCheckRes: FAILED"),
    Fault(
        "sequence error in ServiceDiscovery",
        "ServiceDiscoveryReq",
        failing("FAILED_SequenceError"),
        "ServiceDiscoveryRes: FAILED_SequenceError",
    ),
    Fault("sequence error in payment selection", "payment", failing("FAILED_SequenceError"), "SequenceError"),
    Fault(
        "sequence error in authorisation", "authorisation", failing("FAILED_SequenceError"), "SequenceError"
    ),
    Fault(
        "wrong service in ChargeParameterDiscovery",
        "ChargeParameterDiscoveryReq",
        failing("FAILED_ServiceSelectionInvalid"),
        "FAILED_ServiceSelectionInvalid",
    ),
    Fault("failed pre-charge", "PreChargeReq", failing("FAILED", 2), "PreChargeRes: FAILED"),
    Fault(
        "failed power delivery",
        "PowerDeliveryReq",
        failing("FAILED"),
        "PowerDeliveryRes: FAILED",
        closed=True,
    ),
    Fault(
        "failed current demand", "CurrentDemandReq", failing("FAILED", 10), "CurrentDemandRes", closed=True
    ),
    Fault("silence in the cable check", "CableCheckReq", silent(), "V2G_EVCC_Msg_Timeout"),
    Fault("silence in pre-charge", "PreChargeReq", silent(1), "V2G_EVCC_Msg_Timeout"),
    Fault(
        "shutdown in pre-charge",
        "PreChargeReq",
        reporting("EVSE_Shutdown", 2),
        "EVSE_Shutdown",
        "SessionStopReq",
    ),
    Fault(
        "shutdown in the charge loop",
        "CurrentDemandReq",
        reporting("EVSE_Shutdown", 20),
        "EVSE_Shutdown",
        "SessionStopReq",
        closed=True,
    ),
    Fault(
        "malfunction in the charge loop",
        "CurrentDemandReq",
        reporting("EVSE_Malfunction", 5),
        "EVSE_Malfunction",
        closed=True,
    ),
    Fault("silence in the charge loop", "CurrentDemandReq", silent(30), "V2G_EVCC_Msg_Timeout", closed=True),
)
"""The sixteenth kind is the good case, which every other test has."""
MORE = (
    Fault(
        "cable check for ever",
        "CableCheckReq",
        lambda c, b: ongoing(c, "CableCheckReq", b),
        "CableCheck",
        "SessionStopReq",
    ),
    Fault(
        "parameters for ever",
        "ChargeParameterDiscoveryReq",
        lambda c, b: ongoing(c, "ChargeParameterDiscoveryReq", b),
        "evcc_ongoing_ms",
        "SessionStopReq",
    ),
    Fault(
        "voltage never reached",
        "PreChargeReq",
        stuck,
        "PreCharge is not finished",
        "SessionStopReq",
    ),
    Fault("isolation fault", "CableCheckReq", isolation, "isolation fault", "SessionStopReq"),
    Fault(
        "emergency in pre-charge",
        "PreChargeReq",
        reporting("EVSE_EmergencyShutdown"),
        "EVSE_EmergencyShutdown",
    ),
    Fault(
        "emergency in the charge loop",
        "CurrentDemandReq",
        reporting("EVSE_EmergencyShutdown", 3),
        "EVSE_EmergencyShutdown",
        closed=True,
    ),
    Fault(
        "utility interrupt",
        "CurrentDemandReq",
        reporting("EVSE_UtilityInterruptEvent", 3),
        "EVSE_UtilityInterruptEvent",
        "SessionStopReq",
        closed=True,
    ),
    Fault(
        "notification StopCharging",
        "CurrentDemandReq",
        notifying("StopCharging", 3),
        "the charger asks to stop",
        "SessionStopReq",
        closed=True,
    ),
    Fault(
        "notification in the cable check",
        "CableCheckReq",
        notifying("StopCharging"),
        "asks to stop",
        "SessionStopReq",
    ),
    Fault(
        "unknown session",
        "CurrentDemandReq",
        failing("FAILED_UnknownSession", 4),
        "UnknownSession",
        closed=True,
    ),
    Fault(
        "silence in welding detection", "WeldingDetectionReq", silent(), "WeldingDetectionReq", closed=True
    ),
    Fault("silence in the stop", "SessionStopReq", silent(), "SessionStopReq", closed=True),
    Fault(
        "bytes of no message",
        "CurrentDemandReq",
        lambda c, b: b"\x01\xfe\x80\x01\x00\x00\x00\x02\x80\xff",
        "is no",
        closed=True,
    ),
    Fault("bytes of no frame", "PreChargeReq", lambda c, b: b"HTTP/1.1 404", "no V2GTP frame"),
    Fault("too long a frame", "PreChargeReq", lambda c, b: bytes.fromhex("01fe8001000fffff"), "above 65536"),
)


def rig_of(message_set: str) -> Rig:
    namespace, protocol, module = (
        (DIN, DIN_PROTOCOL, din) if message_set == "din" else (ISO_2, ISO_2_PROTOCOL, iso2)
    )
    return Rig(protocol, Charger(module), Vehicle(setup=Setup(protocols=(namespace,))))


@pytest.mark.spec(354)
@pytest.mark.spec(351)
@pytest.mark.parametrize("message_set", ["din", "iso2"])
@pytest.mark.parametrize("fault", [*PYPLC, *MORE], ids=lambda fault: fault.name)
def test_fault(fault: Fault, message_set: str) -> None:
    rig = rig_of(message_set)
    names = {"payment": PAYMENT, "authorisation": AUTHORISATION}
    request = names[fault.request][message_set] if fault.request in names else fault.request
    rig.charger.script[request] = fault.answer
    rig.charger.step_v = 50
    if fault.request in ("WeldingDetectionReq", "SessionStopReq"):
        rig.until("CurrentDemand")
        rig.change(stop=True)
    rig.run()
    assert rig.ended is not None
    ok = fault.last == "SessionStopReq" and (
        "asks to stop" in fault.says or fault.says in ("EVSE_Shutdown", "EVSE_UtilityInterruptEvent")
    )
    assert rig.ended.ok is ok
    assert fault.says in rig.ended.reason
    assert rig.requests[-1] == (fault.last or request)
    assert rig.all(effects.Link) == [
        effects.Link(LinkWish.TERMINATE if fault.last == "SessionStopReq" else LinkWish.ERROR)
    ]
    assert (Contactors(True) in rig.plant) is fault.closed
    if fault.closed:
        ends = rig.plant[rig.plant.index(PilotState("B")) :]
        assert ends == [PilotState("B"), Contactors(False), LockConnector(False)]
    assert rig.vehicle.contactors_closed is False
    rig.run(lambda: False, within_ms=1_000)
    assert rig.vehicle.connector_locked is False
    check(rig)


@pytest.mark.parametrize("message_set", ["din", "iso2"])
def test_a_stop_that_the_charger_does_not_expect_is_a_stop(message_set: str) -> None:
    rig = rig_of(message_set)
    rig.charger.script["SessionStopReq"] = failing("FAILED_SequenceError")
    rig.until("CableCheck")
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops", ok=True)
    assert "SessionStopRes: FAILED_SequenceError" in rig.logs
    assert rig.all(effects.Link) == [effects.Link(LinkWish.TERMINATE)]


def test_the_first_reason_is_told_with_the_last() -> None:
    rig = rig_of("din").until("CurrentDemand")
    rig.charger.script["PowerDeliveryReq"] = failing("FAILED")
    rig.change(stop=True)
    rig.run()
    assert rig.ended == effects.SessionEnded("the EV stops; then: PowerDeliveryRes: FAILED", ok=False)


def test_the_time_from_a_silent_charger_to_open_contactors_is_bounded() -> None:
    rig = rig_of("din")
    rig.charger.script["CurrentDemandReq"] = silent(5)
    rig.run()
    asked = max(
        time for time, effect in rig.happened if isinstance(effect, effects.MessageSeen) and effect.request
    )
    assert rig.time_of(PilotState("B")) == asked + 250
    assert rig.time_of(Contactors(False)) == asked + 250 + 2_000


def test_measured_current_shortens_the_wait() -> None:
    rig = rig_of("din").until("CurrentDemand")
    rig.change(present_current_a=48.0)
    rig.charger.script["CurrentDemandReq"] = silent()
    rig.run(lambda: PilotState("B") in rig.plant)
    assert rig.plant[-1] == PilotState("B")
    rig.now_ms += 120
    rig.change(present_current_a=12.0)
    assert rig.plant[-1] == PilotState("B")
    rig.change(present_current_a=0.4)
    assert rig.plant[-1] == Contactors(False)
    assert rig.time_of(Contactors(False)) == rig.time_of(PilotState("B")) + 120

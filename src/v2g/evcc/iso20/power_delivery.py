"""PowerDelivery: the power is to be there, to end, or to be planned anew while it is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.timers import ISO20_TIMES
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.schedule import profile
from v2g.evcc.iso20.schedule_exchange import keep_schedule
from v2g.evcc.iso20.terms import chosen, header, terms
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso20_common as common


def _request(session: Session, progress: Any) -> Any:
    starts = progress == "Start"
    return common.PowerDeliveryReqType(
        Header=header(session),
        EVProcessing="Finished",
        ChargeProgress=progress,
        EVPowerProfile=profile(session) if starts else None,
        BPT_ChannelSelection="Charge" if starts and chosen(session).bidirectional else None,
    )


def _hear(session: Session, response: Any) -> None:
    """Notifications come again in the charge loop, from where they can be followed in order."""
    code = response.ResponseCode
    if code.startswith("WARNING"):
        session.log(f"PowerDeliveryRes: {code}")
    if response.EVSEStatus is not None:
        session.told(ChargerFact.NOTIFICATION, response.EVSEStatus.EVSENotification)


def _ask_start_dc(session: Session) -> Any:
    return session.close_contactors() or _request(session, "Start")


def _ask_start_ac(session: Session) -> Any:
    # Control pilot state C is shown with the first request, and not before it ([V2G20-1617]).
    session.want_pilot("C")
    return _request(session, "Start")


def _take_start(session: Session, response: Any) -> Move:
    _hear(session, response)
    return Go("ChargeLoop")


def _ask_stop(session: Session) -> Any:
    session.draw(0.0)
    return _request(session, "Stop")


def _take_stop(session: Session, response: Any) -> Move:
    _hear(session, response)
    session.renegotiating = False
    terms(session).exchange_by_ms = None
    return Go("WeldingDetection" if session.setup.dc else "SessionStop")


def _ask_renegotiate(session: Session) -> Any:
    return _request(session, "ScheduleRenegotiation")


def _take_renegotiate(session: Session, response: Any) -> Move:
    _hear(session, response)
    if response.ResponseCode == "WARNING_ScheduleRenegotiationFailed":
        return keep_schedule(session, response.ResponseCode)
    terms(session).exchange_by_ms = session.now_ms + ISO20_TIMES.evcc_ongoing_ms
    return Go("ScheduleExchangeInLoop")


def _take_new(session: Session, response: Any) -> Move:
    _hear(session, response)
    session.renegotiating = False
    return Go("ChargeLoop")


def _ask_standby(session: Session) -> Any:
    session.draw(0.0)
    return _request(session, "Standby")


def _take_standby(session: Session, response: Any) -> Move:
    _hear(session, response)
    if response.ResponseCode.startswith("WARNING"):
        terms(session).standby_refused = True
        return Go("ChargeLoop")
    return Go("Standby")


def _step(
    name: str,
    ask: Callable[[Session], Any],
    take: Callable[[Session, Any], Move],
    leads_to: tuple[str, ...],
    meaning: str,
    **more: Any,
) -> Step:
    features: dict[str, Any] = {"pilot": "C", "power": True} | more
    return Step(
        name=name,
        request="PowerDeliveryReq",
        responses=(common.PowerDeliveryResType,),
        ask=ask,
        take=take,
        leads_to=(*leads_to, ""),
        meaning=meaning,
        phase=Phase.CHARGE,
        **features,
    )


START_DC: Final = _step(
    "PowerDeliveryStart",
    _ask_start_dc,
    _take_start,
    ("ChargeLoop", "PowerDeliveryStop"),
    "The contactors are closed. Then the charger is told to start.",
    locked=True,
    stop="PowerDeliveryStop",
    sent=600,
)
START_AC: Final = _step(
    "PowerDeliveryStart",
    _ask_start_ac,
    _take_start,
    ("ChargeLoop", "SessionStop"),
    "The charger is told to start; with the request the pilot goes to C.",
    locked=True,
    pilot="B",
    power=False,
    sent=600,
)
RENEGOTIATE: Final = _step(
    "ScheduleRenegotiation",
    _ask_renegotiate,
    _take_renegotiate,
    ("ScheduleExchangeInLoop", "ChargeLoop", "RampDown"),
    "New schedules are asked for; power stays on.",
    stop="RampDown",
)
NEW: Final = _step(
    "NewPowerProfile",
    lambda session: _request(session, "Start"),
    _take_new,
    ("ChargeLoop", "RampDown"),
    "What the EV makes of the new schedules; power stays on.",
    stop="RampDown",
)
STANDBY: Final = _step(
    "PowerDeliveryStandby",
    _ask_standby,
    _take_standby,
    ("Standby", "ChargeLoop", "RampDown"),
    "No power is wanted for a while; the session goes on.",
    stop="RampDown",
)
STOP_DC: Final = _step(
    "PowerDeliveryStop",
    _ask_stop,
    _take_stop,
    ("WeldingDetection",),
    "The charger is told to stop; after its answer the contactors open.",
    stop="",
    sent=800,
    taken=806,
)
STOP_AC: Final = _step(
    "PowerDeliveryStop",
    _ask_stop,
    _take_stop,
    ("SessionStop",),
    "The charger is told to stop; after its answer the contactors open.",
    stop="",
    sent=800,
    taken=806,
)

"""AC_ChargeLoop: the EV tells its power, the station what it is to be."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import phases, watts, watts_or_none
from v2g.secc.facts import EvFact
from v2g.secc.iso20.notification import (
    LOOP,
    enter,
    evse_status,
    go_on,
    hear_display,
    meter_info,
    silence_ms,
)
from v2g.secc.iso20.schedule_exchange import hear_needs
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_ac as ac
from v2gexi import iso20_common as common

_REQUESTS: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): ac.Scheduled_AC_CLReqControlModeType,
    (False, True): ac.BPT_Scheduled_AC_CLReqControlModeType,
    (True, False): ac.Dynamic_AC_CLReqControlModeType,
    (True, True): ac.BPT_Dynamic_AC_CLReqControlModeType,
}
"""Control mode of the request, by dynamic and bidirectional; the class itself, not a derived one."""
_RESPONSES: Final[dict[tuple[bool, bool], Any]] = {
    (False, False): ac.Scheduled_AC_CLResControlModeType,
    (False, True): ac.BPT_Scheduled_AC_CLResControlModeType,
    (True, False): ac.Dynamic_AC_CLResControlModeType,
    (True, True): ac.BPT_Dynamic_AC_CLResControlModeType,
}


def answer(session: Session, request: Any) -> Reply:
    """Take what the EV tells; say which power it is to take."""
    agreed = terms(session)
    mode: Any = request.CLReqControlMode
    if type(mode) is not _REQUESTS[agreed.dynamic, agreed.bidirectional]:
        session.log(f"AC_ChargeLoopReq with {type(mode).__name__.removesuffix('Type')}")
        return Reply(response(session, "FAILED"), "")
    enter(session)
    hear_display(session, request.DisplayParameters)
    hear_needs(session, mode)
    if agreed.dynamic:
        session.told(EvFact.DEPARTURE_TIME_S, mode.DepartureTime)
    session.told(EvFact.AC_PRESENT_POWER_W, phases(mode, "EVPresentActivePower"))
    session.told(EvFact.AC_MAX_POWER_W, phases(mode, "EVMaximumChargePower"))
    session.told(EvFact.AC_MIN_POWER_W, phases(mode, "EVMinimumChargePower"))
    if not go_on(session):
        return Reply(response(session, "FAILED"), "")
    return Reply(response(session, "OK", request.MeterInfoRequested), LOOP, within_ms=silence_ms(session))


def _target(session: Session) -> float | None:
    """What the EV is to take: the station's wish within its limits; nothing once it has to end."""
    station = session.station
    wish, limits = station.ac_target_power_w, station.ac
    if session.stop_wanted or terms(session).terminate:
        return 0.0
    if wish is None:
        return limits.maximum_power_w if terms(session).dynamic else None
    least = -limits.discharge_power_w if terms(session).bidirectional else 0.0
    return min(max(wish, least), limits.maximum_power_w)


def response(session: Session, code: common.responseCodeType, meter: bool = False) -> Any:
    """The response with a code."""
    agreed = terms(session)
    values: dict[str, Any] = {
        "EVSETargetActivePower": watts_or_none(_target(session)),
        "EVSEPresentActivePower": watts_or_none(session.station.present_power_w),
    }
    if agreed.dynamic:
        values["EVSETargetActivePower"] = watts(_target(session) or 0.0)
        if agreed.by_secc:
            values["DepartureTime"] = session.station.departure_s
            values["MinimumSOC"] = session.station.minimum_soc
            values["TargetSOC"] = session.station.target_soc
    info = meter_info(session, meter)
    return ac.AC_ChargeLoopResType(
        Header=header(session),
        ResponseCode=code,
        EVSEStatus=evse_status(session),
        MeterInfo=info,
        CLResControlMode=_RESPONSES[agreed.dynamic, agreed.bidirectional](**values),
    )


EXCHANGE: Final = Exchange(
    request=ac.AC_ChargeLoopReqType,
    name="AC_ChargeLoopReq",
    answer=answer,
    refuse=response,
    leads_to=("ChargeLoop", ""),
    codes=("OK", "FAILED"),
    meaning="the charge loop: the EV tells its power, the station what it is to be",
)

"""PowerDelivery: the power is to be there, to end, or to be negotiated again."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.iso2.profile import profile, schedule_id
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.shared.status import ev_status, judge
from v2gexi import iso2


def _request(session: Session, progress: Any) -> Any:
    parameter = None
    if session.setup.dc:
        battery = session.vehicle.battery
        parameter = iso2.DC_EVPowerDeliveryParameterType(
            DC_EVStatus=ev_status(session, iso2),
            BulkChargingComplete=battery.bulk_full,
            ChargingComplete=battery.full,
        )
    return iso2.PowerDeliveryReqType(
        ChargeProgress=progress,
        SAScheduleTupleID=schedule_id(session),
        ChargingProfile=profile(session) if progress == "Start" else None,
        EVPowerDeliveryParameter=parameter,
    )


def _ask_start(session: Session) -> Any:
    wait = session.close_contactors() if session.setup.dc else None
    return wait or _request(session, "Start")


def _take_start(session: Session, response: Any) -> Move:
    return judge(session, response.EVSEStatus) or Go(
        "CurrentDemand" if session.setup.dc else "ChargingStatus"
    )


def _ask_stop(session: Session) -> Any:
    session.draw(0.0)
    return _request(session, "Stop")


def _take_stop(session: Session, response: Any) -> Move:
    move = judge(session, response.EVSEStatus)
    if move is not None and not isinstance(move, Stop):
        return move
    return Go("WeldingDetection" if session.setup.dc else "SessionStop")


def _ask_renegotiate(session: Session) -> Any:
    return _request(session, "Renegotiate")


def _take_renegotiate(session: Session, response: Any) -> Move:
    return judge(session, response.EVSEStatus) or Go("ChargeParameterDiscovery")


START: Final = Step(
    name="PowerDeliveryStart",
    request="PowerDeliveryReq",
    responses=(iso2.PowerDeliveryResType,),
    ask=_ask_start,
    take=_take_start,
    leads_to=("CurrentDemand", "ChargingStatus", "PowerDeliveryStop", ""),
    meaning="DC: the contactors are closed. Then the charger is told to start.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    locked=True,
    stop="PowerDeliveryStop",
    sent=600,
)
STOP: Final = Step(
    name="PowerDeliveryStop",
    request="PowerDeliveryReq",
    responses=(iso2.PowerDeliveryResType,),
    ask=_ask_stop,
    take=_take_stop,
    leads_to=("WeldingDetection", "SessionStop", ""),
    meaning="The charger is told to stop; after its answer the contactors open.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="",
    sent=800,
    taken=806,
)
RENEGOTIATE: Final = Step(
    name="PowerDeliveryRenegotiate",
    request="PowerDeliveryReq",
    responses=(iso2.PowerDeliveryResType,),
    ask=_ask_renegotiate,
    take=_take_renegotiate,
    leads_to=("ChargeParameterDiscovery", "PowerDeliveryStop", ""),
    meaning="Limits and schedules are to be negotiated again; after the answer the contactors open.",
    phase=Phase.CHARGE,
    pilot="C",
    power=True,
    stop="PowerDeliveryStop",
)

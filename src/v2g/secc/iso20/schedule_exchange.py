"""ScheduleExchange: what the EV needs, and when the station can give how much; again in the charge loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from v2g.common.amounts import watts
from v2g.common.values import number_or_none
from v2g.secc.facts import EvFact
from v2g.secc.iso20.notification import LOOP
from v2g.secc.iso20.terms import Terms, alternating, header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.schedule import Schedule, steady
from v2g.secc.session import Session
from v2gexi import iso20_common as common

_WAITING: Final = "schedules"
_AGAIN: Final = "WaitForScheduleExchange"
_MOST_TUPLES: Final = 3
"""Schedule tuples in a response."""


def answer(session: Session, request: Any) -> Reply:
    """Ongoing until the station's parameters are there; a renegotiation that takes too long is dropped."""
    agreed = terms(session)
    looping = session.state == LOOP
    mode = request.Dynamic_SEReqControlMode if agreed.dynamic else request.Scheduled_SEReqControlMode
    if mode is None:
        session.log("ScheduleExchangeReq has the wrong control mode")
        return Reply(response(session, "FAILED"), "")
    hear_needs(session, mode)
    session.told(EvFact.DEPARTURE_TIME_S, mode.DepartureTime)
    if agreed.dynamic:
        session.told(EvFact.TARGET_SOC, mode.TargetSOC)
        session.told(EvFact.MINIMUM_SOC, mode.MinimumSOC)
    if session.stop_wanted and not looping:
        session.log("the station is not to charge")
        return Reply(response(session, "FAILED"), "")
    state = LOOP if looping else _AGAIN
    if not session.station.parameters_ready:
        if session.ongoing_ms(_WAITING) < session.protocol.times.secc_ongoing_ms:
            return Reply(response(session, "OK", "Ongoing", request.MaximumSupportingPoints), state)
        session.log("schedules take too long")
        session.finished(_WAITING)
        if not looping:
            return Reply(response(session, "FAILED"), "")
        return Reply(response(session, "WARNING_ScheduleRenegotiationFailed", tuples=agreed.tuples), LOOP)
    session.finished(_WAITING)
    agreed.anchor_s = session.unix_s()
    agreed.tuples = tuple(_tuples(session, request.MaximumSupportingPoints))
    if not looping:
        state = "WaitForPowerDelivery" if alternating(session) else "WaitForCableCheck"
    return Reply(response(session, "OK", tuples=agreed.tuples), state)


def hear_needs(session: Session, mode: Any) -> None:
    """Tell the energy that a control mode of a request asks for."""
    needs = {
        "target_wh": number_or_none(mode.EVTargetEnergyRequest),
        "maximum_wh": number_or_none(mode.EVMaximumEnergyRequest),
        "minimum_wh": number_or_none(mode.EVMinimumEnergyRequest),
    }
    if any(value is not None for value in needs.values()):
        session.told(EvFact.ENERGY_NEEDS, needs)
        fact = EvFact.AC_ENERGY_WH if alternating(session) else EvFact.DC_ENERGY_REQUEST_WH
        session.told(fact, needs["target_wh"])


def _most_power(session: Session) -> float:
    station = session.station
    return station.ac.maximum_power_w if alternating(session) else station.dc.maximum_power_w


def _tuples(session: Session, points: int = 1024) -> list[common.ScheduleTupleType]:
    """The station's schedules within its present limit, with no more periods than the EV can take."""
    most = _most_power(session)
    station, agreed = session.station, terms(session)
    back = station.ac.discharge_power_w if alternating(session) else station.dc.discharge_power_w
    anchor = agreed.anchor_s or session.unix_s()
    flat = session.setup.flat_price
    made = []
    for schedule in (station.schedules or (steady(most),))[:_MOST_TUPLES]:
        charging = _charging(schedule, most, anchor, points, flat)
        discharging = None
        if agreed.bidirectional:
            steadily = replace(steady(back, schedule.tuple_id), duration_s=schedule.duration_s)
            discharging = _charging(steadily, back, anchor, points, flat)
        made.append(
            common.ScheduleTupleType(
                ScheduleTupleID=schedule.tuple_id,
                ChargingSchedule=charging,
                DischargingSchedule=discharging,
            )
        )
    return made


def _charging(
    schedule: Schedule, most: float, anchor: int, points: int, flat: bool
) -> common.ChargingScheduleType:
    periods = schedule.periods[: max(points, 1)]
    # A period that ends past the EV's last point is cut; a new schedule can be negotiated then.
    ends = [period.start_s for period in schedule.periods[1 : len(periods) + 1]]
    ends += [schedule.duration_s] * (len(periods) - len(ends))
    return common.ChargingScheduleType(
        PowerSchedule=common.PowerScheduleType(
            TimeAnchor=anchor,
            PowerScheduleEntries=common.PowerScheduleEntryListType(
                PowerScheduleEntry=[
                    common.PowerScheduleEntryType(
                        Duration=max(end - period.start_s, 0), Power=watts(min(period.maximum_power_w, most))
                    )
                    for period, end in zip(periods, ends, strict=True)
                ]
            ),
        ),
        PriceLevelSchedule=_one_price(schedule, anchor) if flat else None,
    )


def _one_price(schedule: Schedule, anchor: int) -> common.PriceLevelScheduleType:
    """The same price all the time."""
    entry = common.PriceLevelScheduleEntryType(Duration=schedule.duration_s, PriceLevel=1)
    return common.PriceLevelScheduleType(
        TimeAnchor=anchor,
        PriceScheduleID=schedule.tuple_id,
        NumberOfPriceLevels=1,
        PriceLevelScheduleEntries=common.PriceLevelScheduleEntryListType(PriceLevelScheduleEntry=[entry]),
    )


def response(
    session: Session,
    code: common.responseCodeType,
    processing: common.processingType = "Finished",
    points: int = 1024,
    tuples: tuple[Any, ...] = (),
) -> Any:
    """The response with a code; the control mode is mandatory in every one."""
    agreed = terms(session)
    pause = session.station.pause and session.setup.pause
    return common.ScheduleExchangeResType(
        Header=header(session),
        ResponseCode=code,
        EVSEProcessing=processing,
        GoToPause=True if pause else None,
        Dynamic_SEResControlMode=_dynamic(session, agreed) if agreed.dynamic else None,
        Scheduled_SEResControlMode=None
        if agreed.dynamic
        else common.Scheduled_SEResControlModeType(ScheduleTuple=list(tuples) or _tuples(session, points)),
    )


def _dynamic(session: Session, agreed: Terms) -> common.Dynamic_SEResControlModeType:
    """Departure and states of charge are the station's to say only if it knows the mobility needs."""
    if not agreed.by_secc:
        return common.Dynamic_SEResControlModeType()
    station = session.station
    return common.Dynamic_SEResControlModeType(
        DepartureTime=station.departure_s, MinimumSOC=station.minimum_soc, TargetSOC=station.target_soc
    )


EXCHANGE: Final = Exchange(
    request=common.ScheduleExchangeReqType,
    name="ScheduleExchangeReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForScheduleExchange", "WaitForPowerDelivery", "WaitForCableCheck", "ChargeLoop", ""),
    codes=("OK", "WARNING_ScheduleRenegotiationFailed", "FAILED"),
    meaning="the EV's needs and the station's schedules; repeated until those are there",
)

"""AC_ChargeParameterDiscovery: both sides tell their limits."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.amounts import hertz, phases, watts, watts_or_none
from v2g.common.terms import Phase
from v2g.secc.facts import EvFact
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_ac as ac
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """The parameters have to be of the selected service, and no minimum above its maximum."""
    session.checkpoint(540)
    session.phase(Phase.PARAMETER)
    mode = request.AC_CPDReqEnergyTransferMode
    both_ways = isinstance(mode, ac.BPT_AC_CPDReqEnergyTransferModeType)
    most, least = phases(mode, "EVMaximumChargePower"), phases(mode, "EVMinimumChargePower")
    ranges = [(least, most)]
    if both_ways:
        ranges.append((phases(mode, "EVMinimumDischargePower"), phases(mode, "EVMaximumDischargePower")))
    if both_ways != terms(session).bidirectional or not all(in_order(*pair) for pair in ranges):
        return Reply(response(session, "FAILED_WrongChargeParameter"), "")
    session.told(EvFact.AC_MAX_POWER_W, most)
    session.told(EvFact.AC_MIN_POWER_W, least)
    session.checkpoint(545)
    return Reply(response(session, "OK"), "WaitForScheduleExchange")


def in_order(least: float | None, most: float | None) -> bool:
    """Whether a minimum is not above its maximum; discharging may be written with negative numbers."""
    return least is not None and most is not None and abs(least) <= abs(most)


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code; powers are those of all phases."""
    station, limits = session.station, session.station.ac
    least = limits.nominal_voltage_v * limits.minimum_current_a
    values = {
        "EVSEMaximumChargePower": watts(limits.maximum_power_w),
        "EVSEMinimumChargePower": watts(min(least, limits.maximum_power_w)),
        "EVSENominalFrequency": hertz(limits.nominal_frequency_hz),
        "EVSEPresentActivePower": watts_or_none(station.present_power_w),
    }
    mode: Any = ac.AC_CPDResEnergyTransferModeType
    if terms(session).bidirectional:
        mode = ac.BPT_AC_CPDResEnergyTransferModeType
        values["EVSEMaximumDischargePower"] = watts(limits.discharge_power_w)
        values["EVSEMinimumDischargePower"] = watts(0.0)
    return ac.AC_ChargeParameterDiscoveryResType(
        Header=header(session), ResponseCode=code, AC_CPDResEnergyTransferMode=mode(**values)
    )


EXCHANGE: Final = Exchange(
    request=ac.AC_ChargeParameterDiscoveryReqType,
    name="AC_ChargeParameterDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForScheduleExchange", ""),
    codes=("OK", "FAILED_WrongChargeParameter"),
    meaning="both sides tell their AC limits",
)

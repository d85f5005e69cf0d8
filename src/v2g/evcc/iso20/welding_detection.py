"""DC_WeldingDetection: with open contactors and the charger off, the voltage at the inlet has to fall."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import header, terms
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import SAFE_VOLTAGE_V, Session
from v2g.evcc.shared.welding_detection import WELDING_MS
from v2gexi import iso20_dc as dc


def _ask(session: Session) -> Any:
    agreed = terms(session)
    if session.round == 0:
        agreed.welding_seen = False
    return dc.DC_WeldingDetectionReqType(
        Header=header(session), EVProcessing="Finished" if agreed.welding_seen else "Ongoing"
    )


def _take(session: Session, response: Any) -> Move:
    agreed = terms(session)
    session.told(ChargerFact.PRESENT_VOLTAGE_V, number(response.EVSEPresentVoltage))
    if agreed.welding_seen:
        return Go("SessionStop")
    voltage = session.inlet_voltage_v or 0.0
    if abs(voltage) < SAFE_VOLTAGE_V:
        session.told(ChargerFact.WELDED, False)
        agreed.welding_seen = True
    elif session.now_ms - session.entered_ms >= WELDING_MS:
        session.told(ChargerFact.WELDED, True)
        session.log(
            f"{voltage:g} V at the inlet {WELDING_MS} ms after the contactors opened: they may be welded"
        )
        agreed.welding_seen = True
    return Go("WeldingDetection")


STEP: Final = Step(
    name="WeldingDetection",
    request="DC_WeldingDetectionReq",
    responses=(dc.DC_WeldingDetectionResType,),
    ask=_ask,
    take=_take,
    leads_to=("SessionStop", ""),
    meaning="Repeated until the voltage at the inlet is below 60 V; the last request says that it is over.",
    phase=Phase.CHARGE,
    stop="",
    sent=850,
)

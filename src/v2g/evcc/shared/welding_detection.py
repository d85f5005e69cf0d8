"""WeldingDetection: with open contactors and the charger off, the voltage at the inlet has to fall."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.common.values import number
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import SAFE_VOLTAGE_V, Session
from v2g.evcc.shared.status import ev_status

WELDING_MS: Final = 5_000
"""The voltage is to have fallen by then; otherwise contactors are taken for welded. Our own bound."""


def welding_detection(module: Any) -> Step:
    """The step over a message set."""

    def ask(session: Session) -> Any:
        return module.WeldingDetectionReqType(DC_EVStatus=ev_status(session, module))

    return Step(
        name="WeldingDetection",
        request="WeldingDetectionReq",
        responses=(module.WeldingDetectionResType,),
        ask=ask,
        take=_take,
        leads_to=("SessionStop", ""),
        meaning="Repeated until the voltage at the inlet is below 60 V.",
        phase=Phase.CHARGE,
        stop="",
        sent=850,
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.PRESENT_VOLTAGE_V, number(response.EVSEPresentVoltage))
    voltage = session.inlet_voltage_v or 0.0
    if abs(voltage) < SAFE_VOLTAGE_V:
        session.told(ChargerFact.WELDED, False)
        return Go("SessionStop")
    if session.now_ms - session.entered_ms < WELDING_MS:
        return Go("WeldingDetection")
    session.told(ChargerFact.WELDED, True)
    session.log(f"{voltage:g} V at the inlet {WELDING_MS} ms after the contactors opened: they may be welded")
    return Go("SessionStop")

"""ServiceDiscovery: ways of paying, and the kinds of energy transfer that the charger's socket has."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import EvError
from v2gexi import din

_EXTENDED: Final = (EnergyMode.DC_EXTENDED,)
_CORE: Final = (EnergyMode.DC_CORE,)
MODES: Final = {
    "DC_core": _CORE,
    "DC_extended": _EXTENDED,
    "DC_combo_core": (EnergyMode.DC_COMBO_CORE,),
    "DC_dual": (EnergyMode.DC_EXTENDED, EnergyMode.DC_CORE),
    "AC_core1p_DC_extended": _EXTENDED,
    "AC_single_DC_core": _CORE,
    "AC_single_phase_three_phase_core_DC_extended": _EXTENDED,
    "AC_core3p_DC_extended": _EXTENDED,
}
"""What an EV may ask for where a charger announces an ``EVSESupportedEnergyTransferType``."""


def _ask(session: Session) -> Any:
    return din.ServiceDiscoveryReqType(ServiceCategory="EVCharging")


def _take(session: Session, response: Any) -> Move:
    service = response.ChargeService
    payments = tuple(response.PaymentOptions.PaymentOption)
    session.told(ChargerFact.PAYMENTS, payments)
    session.told(ChargerFact.ENERGY_MODES, (service.EnergyTransferType,))
    session.agreed["service"] = service.ServiceTag.ServiceID
    if "ExternalPayment" not in payments:
        session.log(f"the charger offers only payment by {', '.join(payments)}; ExternalPayment is tried")
    modes = MODES.get(service.EnergyTransferType, ())
    for mode in session.setup.energy_modes:
        if mode in modes:
            session.mode = mode
            session.told(ChargerFact.ENERGY_MODE, mode.value)
            return Go("ServicePaymentSelection")
    return Stop(f"{EvError.INCOMPATIBLE.value}: the charger offers {service.EnergyTransferType}")


STEP: Final = Step(
    name="ServiceDiscovery",
    request="ServiceDiscoveryReq",
    responses=(din.ServiceDiscoveryResType,),
    ask=_ask,
    take=_take,
    leads_to=("ServicePaymentSelection", "SessionStop", ""),
    meaning="What the charger offers.",
    phase=Phase.INIT,
    sent=510,
)

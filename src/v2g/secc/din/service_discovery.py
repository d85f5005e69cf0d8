"""ServiceDiscovery: the one service of DIN SPEC 70121, DC charging paid by external means."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import EnergyMode
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din

CHARGE_SERVICE: Final = 1
"""Service id of charging."""
_TYPES: Final[dict[EnergyMode, din.EVSESupportedEnergyTransferType]] = {
    EnergyMode.DC_CORE: "DC_core",
    EnergyMode.DC_EXTENDED: "DC_extended",
    EnergyMode.DC_COMBO_CORE: "DC_combo_core",
    EnergyMode.DC_UNIQUE: "DC_dual",
    EnergyMode.DC: "DC_extended",
}


def energy_type(session: Session) -> din.EVSESupportedEnergyTransferType:
    """The ``EnergyTransferType`` on offer: that of the station's first DC mode."""
    return next((_TYPES[mode] for mode in session.setup.energy_modes if mode in _TYPES), "DC_extended")


def answer(session: Session, request: Any) -> Reply:
    """The charge service."""
    session.checkpoint(510)
    session.told(EvFact.SERVICE_CATEGORY, request.ServiceCategory)
    session.told(EvFact.SERVICE_SCOPE, request.ServiceScope)
    session.checkpoint(515)
    return Reply(response(session, "OK"), "WaitForServicePaymentSelection")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.ServiceDiscoveryResType(
        ResponseCode=code,
        PaymentOptions=din.PaymentOptionsType(PaymentOption=["ExternalPayment"]),
        ChargeService=din.ServiceChargeType(
            ServiceTag=din.ServiceTagType(ServiceID=CHARGE_SERVICE, ServiceCategory="EVCharging"),
            FreeService=session.setup.free_service,
            EnergyTransferType=energy_type(session),
        ),
    )


EXCHANGE: Final = Exchange(
    request=din.ServiceDiscoveryReqType,
    name="ServiceDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServicePaymentSelection",),
    codes=("OK",),
    meaning="the station offers its charge service and the ways to pay",
)

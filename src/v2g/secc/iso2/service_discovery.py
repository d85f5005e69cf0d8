"""ServiceDiscovery: charging, ways to pay, and the certificate service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from v2g.secc.facts import EvFact
from v2g.secc.iso2.status import (
    CERTIFICATE_SERVICE,
    CHARGE_SERVICE,
    certificates_offered,
    offered_modes,
    offered_payments,
)
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """The charge service always, other services if they fit the scope and category that the EV asks for."""
    session.checkpoint(510)
    session.told(EvFact.SERVICE_CATEGORY, request.ServiceCategory)
    session.told(EvFact.SERVICE_SCOPE, request.ServiceScope)
    if not offered_payments(session) or not offered_modes(session):
        session.log(
            "nothing to offer: contracts need TLS and trusted roots, and ISO 15118-2 its own energy modes"
        )
        return Reply(response(session, "FAILED"), "")
    session.checkpoint(515)
    services = [] if request.ServiceScope else _services(session, request.ServiceCategory)
    return Reply(response(session, "OK", services), "WaitForPaymentServiceSelection")


def _services(session: Session, category: str | None) -> list[Any]:
    """What is on offer besides charging, in a category; None: in all."""
    services: list[tuple[int, str, iso2.serviceCategoryType]] = []
    if certificates_offered(session):
        services.append((CERTIFICATE_SERVICE, "Certificate", "ContractCertificate"))
    bidirectional = session.setup.sae_j2847
    if bidirectional is not None:
        services.append((bidirectional.value, f"SAE J2847/2 {bidirectional.name}", "OtherCustom"))
    return [
        iso2.ServiceType(ServiceID=number, ServiceName=name, ServiceCategory=kind, FreeService=True)
        for number, name, kind in services
        if category in (None, kind)
    ]


def response(session: Session, code: iso2.responseCodeType, services: Sequence[Any] = ()) -> Any:
    """The response with a code."""
    return iso2.ServiceDiscoveryResType(
        ResponseCode=code,
        PaymentOptionList=iso2.PaymentOptionListType(
            PaymentOption=[payment.value for payment in offered_payments(session)] or ["ExternalPayment"]
        ),
        ChargeService=iso2.ChargeServiceType(
            ServiceID=CHARGE_SERVICE,
            ServiceName="AC_DC_Charging",
            ServiceCategory="EVCharging",
            FreeService=session.setup.free_service,
            SupportedEnergyTransferMode=iso2.SupportedEnergyTransferModeType(
                EnergyTransferMode=list(offered_modes(session)) or ["DC_extended"]
            ),
        ),
        ServiceList=iso2.ServiceListType(Service=list(services)) if services else None,
    )


EXCHANGE: Final = Exchange(
    request=iso2.ServiceDiscoveryReqType,
    name="ServiceDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForPaymentServiceSelection", ""),
    codes=("OK", "FAILED"),
    meaning="the station offers its services and the ways to pay",
)

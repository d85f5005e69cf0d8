"""PaymentServiceSelection: charging, the way of paying, perhaps the certificate service."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso2.service_detail import PARAMETER_SETS
from v2g.evcc.iso2.service_discovery import CERTIFICATE_SERVICE
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2g.evcc.vehicle import Provisioning
from v2gexi import iso2


def _ask(session: Session) -> Any:
    services = [iso2.SelectedServiceType(ServiceID=session.agreed["service"])]
    parameter_set = session.agreed.get("provisioning")
    if parameter_set is not None:
        services.append(iso2.SelectedServiceType(ServiceID=CERTIFICATE_SERVICE, ParameterSetID=parameter_set))
    option: Any = session.payment.value
    return iso2.PaymentServiceSelectionReqType(
        SelectedPaymentOption=option,
        SelectedServiceList=iso2.SelectedServiceListType(SelectedService=services),
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.SELECTED_SERVICE, session.agreed["service"])
    session.told(ChargerFact.PAYMENT, session.payment.value)
    if session.payment is Payment.EXTERNAL:
        return Go("Authorization")
    parameter_set = session.agreed.get("provisioning")
    if parameter_set == PARAMETER_SETS[Provisioning.INSTALL]:
        return Go("CertificateInstallation")
    if parameter_set == PARAMETER_SETS[Provisioning.UPDATE]:
        return Go("CertificateUpdate")
    return Go("PaymentDetails")


STEP: Final = Step(
    name="PaymentServiceSelection",
    request="PaymentServiceSelectionReq",
    responses=(iso2.PaymentServiceSelectionResType,),
    ask=_ask,
    take=_take,
    leads_to=(
        "Authorization",
        "PaymentDetails",
        "CertificateInstallation",
        "CertificateUpdate",
        "SessionStop",
        "",
    ),
    meaning="Services and the way of paying are chosen.",
    phase=Phase.INIT,
    sent=520,
)

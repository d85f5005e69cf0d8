"""PaymentServiceSelection: the EV chooses services and how to pay."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.secc.facts import EvFact
from v2g.secc.iso2.service_detail import PARAMETER_SETS
from v2g.secc.iso2.status import CERTIFICATE_SERVICE, CHARGE_SERVICE, certificates_offered, offered_payments
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2


def answer(session: Session, request: Any) -> Reply:
    """OK for what was offered, the charge service among it."""
    session.checkpoint(520)
    session.told(EvFact.SELECTED_PAYMENT_OPTION, request.SelectedPaymentOption)
    offered = {payment.value: payment for payment in offered_payments(session)}
    payment = offered.get(request.SelectedPaymentOption)
    if payment is None:
        return Reply(response(session, "FAILED_PaymentSelectionInvalid"), "")
    services = request.SelectedServiceList.SelectedService
    if all(service.ServiceID != CHARGE_SERVICE for service in services):
        return Reply(response(session, "FAILED_NoChargeServiceSelected"), "")
    if not all(_on_offer(session, service) for service in services):
        return Reply(response(session, "FAILED_ServiceSelectionInvalid"), "")
    session.told(EvFact.SELECTED_SERVICE_ID, CHARGE_SERVICE)
    if any(_bidirectional(session, service) for service in services):
        session.told(EvFact.BIDI_MODE, True)
    session.payment = payment
    session.checkpoint(525)
    if payment is Payment.CONTRACT:
        return Reply(response(session, "OK"), "WaitForPaymentDetailsOrCertificate")
    session.phase(Phase.AUTH)
    return Reply(response(session, "OK"), "WaitForAuthorization")


def _on_offer(session: Session, service: Any) -> bool:
    parameters = service.ParameterSetID
    if service.ServiceID == CHARGE_SERVICE or _bidirectional(session, service):
        return True
    known = parameters is None or parameters in PARAMETER_SETS
    return bool(service.ServiceID == CERTIFICATE_SERVICE and certificates_offered(session) and known)


def _bidirectional(session: Session, service: Any) -> bool:
    offered = session.setup.sae_j2847
    return offered is not None and service.ServiceID == offered.value


def response(session: Session, code: iso2.responseCodeType) -> Any:
    """The response with a code."""
    return iso2.PaymentServiceSelectionResType(ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=iso2.PaymentServiceSelectionReqType,
    name="PaymentServiceSelectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForPaymentDetailsOrCertificate", "WaitForAuthorization", ""),
    codes=(
        "OK",
        "FAILED_PaymentSelectionInvalid",
        "FAILED_NoChargeServiceSelected",
        "FAILED_ServiceSelectionInvalid",
    ),
    meaning="the EV selects services and the way to pay",
)

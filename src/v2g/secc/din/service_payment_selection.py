"""ServicePaymentSelection: the EV takes the charge service and external payment."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.secc.din.service_discovery import CHARGE_SERVICE
from v2g.secc.facts import EvFact
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import din


def answer(session: Session, request: Any) -> Reply:
    """OK for what was offered."""
    session.checkpoint(520)
    session.told(EvFact.SELECTED_PAYMENT_OPTION, request.SelectedPaymentOption)
    services = [each.ServiceID for each in request.SelectedServiceList.SelectedService]
    if request.SelectedPaymentOption != Payment.EXTERNAL.value:
        return Reply(response(session, "FAILED_PaymentSelectionInvalid"), "")
    if services != [CHARGE_SERVICE]:
        return Reply(response(session, "FAILED_ServiceSelectionInvalid"), "")
    session.told(EvFact.SELECTED_SERVICE_ID, CHARGE_SERVICE)
    session.payment = Payment.EXTERNAL
    session.checkpoint(525)
    session.phase(Phase.AUTH)
    return Reply(response(session, "OK"), "WaitForContractAuthentication")


def response(session: Session, code: din.responseCodeType) -> Any:
    """The response with a code."""
    return din.ServicePaymentSelectionResType(ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=din.ServicePaymentSelectionReqType,
    name="ServicePaymentSelectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForContractAuthentication", ""),
    codes=("OK", "FAILED_PaymentSelectionInvalid", "FAILED_ServiceSelectionInvalid"),
    meaning="the EV selects the service and the way to pay",
)

"""ServicePaymentSelection: the charge service, paid externally."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import din


def _ask(session: Session) -> Any:
    service = session.agreed["service"]
    return din.ServicePaymentSelectionReqType(
        SelectedPaymentOption="ExternalPayment",
        SelectedServiceList=din.SelectedServiceListType(
            SelectedService=[din.SelectedServiceType(ServiceID=service)]
        ),
    )


def _take(session: Session, response: Any) -> Move:
    session.told(ChargerFact.SELECTED_SERVICE, session.agreed["service"])
    session.told(ChargerFact.PAYMENT, "ExternalPayment")
    return Go("ContractAuthentication")


STEP: Final = Step(
    name="ServicePaymentSelection",
    request="ServicePaymentSelectionReq",
    responses=(din.ServicePaymentSelectionResType,),
    ask=_ask,
    take=_take,
    leads_to=("ContractAuthentication", "SessionStop", ""),
    meaning="Charging is chosen, and external payment.",
    phase=Phase.INIT,
    sent=520,
)

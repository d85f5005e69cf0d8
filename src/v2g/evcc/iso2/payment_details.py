"""PaymentDetails: the contract's id and certificates; the charger answers with a challenge."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.iso2.certificates import chain
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2gexi import iso2


def _ask(session: Session) -> Any:
    signer = session.signer
    if signer is None or not signer.contract_chain:
        return Stop("there is no contract certificate")
    return iso2.PaymentDetailsReqType(
        eMAID=signer.emaid, ContractSignatureCertChain=chain(signer.contract_chain)
    )


def _take(session: Session, response: Any) -> Move:
    if response.ResponseCode == "OK_CertificateExpiresSoon":
        session.log("the contract certificate expires soon")
    session.agreed["challenge"] = response.GenChallenge
    return Go("Authorization")


STEP: Final = Step(
    name="PaymentDetails",
    request="PaymentDetailsReq",
    responses=(iso2.PaymentDetailsResType,),
    ask=_ask,
    take=_take,
    leads_to=("Authorization", "SessionStop", ""),
    meaning="Plug & Charge: the contract is shown.",
    phase=Phase.INIT,
)

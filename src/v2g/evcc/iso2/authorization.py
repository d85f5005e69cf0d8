"""Authorization: until the customer is known; with a contract the charger's challenge is signed."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.contract import SigningKey
from v2g.evcc.iso2.signing import ID
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso2

WAITING: Final = "Ongoing_WaitingForCustomerInteraction"
"""EVSEProcessing while only the customer can end it: no time limit counts."""


def _ask(session: Session) -> Any:
    if session.payment is Payment.EXTERNAL:
        return iso2.AuthorizationReqType()
    session.sign_with = SigningKey.CONTRACT
    return iso2.AuthorizationReqType(Id=ID, GenChallenge=session.agreed["challenge"])


def _take(session: Session, response: Any) -> Move:
    if response.EVSEProcessing == "Finished":
        return Go("ChargeParameterDiscovery")
    session.unlimited = response.EVSEProcessing == WAITING
    return Go("Authorization")


STEP: Final = Step(
    name="Authorization",
    request="AuthorizationReq",
    responses=(iso2.AuthorizationResType,),
    ask=_ask,
    take=_take,
    leads_to=("ChargeParameterDiscovery", "SessionStop", ""),
    meaning="Repeated until the charger has finished the authorisation.",
    phase=Phase.AUTH,
    limit="evcc_ongoing_ms",
    pace_ms=500,
    sent=530,
)

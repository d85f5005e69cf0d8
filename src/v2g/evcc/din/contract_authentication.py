"""ContractAuthentication: until the customer is known to the charger."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Phase
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import din


def _ask(session: Session) -> Any:
    return din.ContractAuthenticationReqType()


def _take(session: Session, response: Any) -> Move:
    if response.EVSEProcessing == "Finished":
        return Go("ChargeParameterDiscovery")
    return Go("ContractAuthentication")


STEP: Final = Step(
    name="ContractAuthentication",
    request="ContractAuthenticationReq",
    responses=(din.ContractAuthenticationResType,),
    ask=_ask,
    take=_take,
    leads_to=("ChargeParameterDiscovery", "SessionStop", ""),
    meaning="Repeated until the charger has finished the authorisation.",
    phase=Phase.AUTH,
    limit="evcc_ongoing_ms",
    pace_ms=500,
    sent=530,
)

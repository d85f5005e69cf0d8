"""ServiceDetail: whether certificates can be installed or updated."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.iso2.service_discovery import CERTIFICATE_SERVICE
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import Provisioning
from v2gexi import iso2

PARAMETER_SETS: Final = {Provisioning.INSTALL: 1, Provisioning.UPDATE: 2}
"""ParameterSetID of the certificate service (ISO 15118-2, table of its parameters)."""


def _ask(session: Session) -> Any:
    return iso2.ServiceDetailReqType(ServiceID=CERTIFICATE_SERVICE)


def _take(session: Session, response: Any) -> Move:
    wanted = PARAMETER_SETS[session.setup.provisioning]
    sets = response.ServiceParameterList.ParameterSet if response.ServiceParameterList is not None else ()
    if wanted in (each.ParameterSetID for each in sets):
        session.agreed["provisioning"] = wanted
        return Go("PaymentServiceSelection")
    session.log(f"the charger's certificate service cannot {session.setup.provisioning.value}")
    signer = session.signer
    if signer is not None and signer.contract_chain:
        return Go("PaymentServiceSelection")
    session.payment = Payment.EXTERNAL
    return Stop("there is no contract certificate, and none can be installed")


STEP: Final = Step(
    name="ServiceDetail",
    request="ServiceDetailReq",
    responses=(iso2.ServiceDetailResType,),
    ask=_ask,
    take=_take,
    leads_to=("PaymentServiceSelection", "SessionStop", ""),
    meaning="Details of the certificate service, where the EV wants a certificate.",
    phase=Phase.INIT,
)

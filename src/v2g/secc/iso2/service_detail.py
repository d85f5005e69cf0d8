"""ServiceDetail: the parameter sets of a service."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.iso2.status import CERTIFICATE_SERVICE, CHARGE_SERVICE, certificates_offered
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso2

PARAMETER_SETS: Final = {1: "Installation", 2: "Update"}
"""Parameter sets of the certificate service, by id (ISO 15118-2:2014 table 106)."""


def answer(session: Session, request: Any) -> Reply:
    """The certificate service's parameter sets; the others have none."""
    service = request.ServiceID
    session.agreed["service detail"] = service
    if service == CERTIFICATE_SERVICE and certificates_offered(session):
        return Reply(response(session, "OK", certificates=True), "WaitForPaymentServiceSelection")
    bidirectional = session.setup.sae_j2847
    if service == CHARGE_SERVICE or (bidirectional is not None and service == bidirectional.value):
        return Reply(response(session, "OK"), "WaitForPaymentServiceSelection")
    session.log(f"service {service} is not on offer")
    return Reply(response(session, "FAILED_ServiceIDInvalid"), "")


def response(session: Session, code: iso2.responseCodeType, *, certificates: bool = False) -> Any:
    """The response with a code; the service id is the request's."""
    sets = [
        iso2.ParameterSetType(
            ParameterSetID=number, Parameter=[iso2.ParameterType(Name="Service", stringValue=value)]
        )
        for number, value in PARAMETER_SETS.items()
    ]
    return iso2.ServiceDetailResType(
        ResponseCode=code,
        ServiceID=session.agreed.get("service detail", CHARGE_SERVICE),
        ServiceParameterList=iso2.ServiceParameterListType(ParameterSet=sets) if certificates else None,
    )


EXCHANGE: Final = Exchange(
    request=iso2.ServiceDetailReqType,
    name="ServiceDetailReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForPaymentServiceSelection", ""),
    codes=("OK", "FAILED_ServiceIDInvalid"),
    meaning="the EV asks for a service's parameter sets",
)

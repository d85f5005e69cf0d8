"""ServiceDetail: the parameter sets of a service."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.iso20.services import added_list, parameter_list
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """Parameter sets of a service that was offered; the EV may ask for several services."""
    service = request.ServiceID
    if service in terms(session).services:
        parameters = parameter_list(session, service)
    else:
        added = next((each for each in session.setup.added_services if each.service_id == service), None)
        if added is None:
            return Reply(response(session, "FAILED_ServiceIDInvalid", service), "")
        parameters = added_list(added)
    return Reply(response(session, "OK", service, parameters), "WaitForServiceSelection")


def response(
    session: Session, code: common.responseCodeType, service: int = 0, parameters: Any = None
) -> Any:
    """The response with a code; a parameter is mandatory in every one."""
    return common.ServiceDetailResType(
        Header=header(session),
        ResponseCode=code,
        ServiceID=service,
        ServiceParameterList=parameters if parameters is not None else _NOTHING,
    )


_NOTHING: Final = common.ServiceParameterListType(
    ParameterSet=[
        common.ParameterSetType(
            ParameterSetID=0, Parameter=[common.ParameterType(Name="None", boolValue=False)]
        )
    ]
)

EXCHANGE: Final = Exchange(
    request=common.ServiceDetailReqType,
    name="ServiceDetailReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServiceSelection", ""),
    codes=("OK", "FAILED_ServiceIDInvalid"),
    meaning="the parameter sets of one service",
)

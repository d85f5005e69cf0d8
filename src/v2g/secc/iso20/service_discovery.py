"""ServiceDiscovery: the energy services and the value added services of the station."""

from __future__ import annotations

from typing import Any, Final

from v2g.secc.iso20.services import offered
from v2g.secc.iso20.terms import alternating, header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """Offer what the station has and, if the EV says what it supports, the EV too."""
    session.checkpoint(510)
    wanted = request.SupportedServiceIDs
    supported = None if wanted is None else wanted.ServiceID
    services = tuple(each for each in offered(session) if supported is None or each in supported)
    terms(session).services = services
    if not services:
        session.log("no energy service in common with the EV")
        return Reply(response(session, "FAILED"), "")
    session.checkpoint(515)
    return Reply(response(session, "OK", supported), "WaitForServiceDetail")


def response(session: Session, code: common.responseCodeType, supported: list[int] | None = None) -> Any:
    """The response with a code; one energy service at least is mandatory in every one."""
    setup = session.setup
    services = terms(session).services or (1 if alternating(session) else 2,)
    added = [
        common.ServiceType(ServiceID=each.service_id, FreeService=each.free)
        for each in setup.added_services
        if supported is None or each.service_id in supported
    ]
    return common.ServiceDiscoveryResType(
        Header=header(session),
        ResponseCode=code,
        ServiceRenegotiationSupported=setup.service_renegotiation,
        EnergyTransferServiceList=common.ServiceListType(
            Service=[
                common.ServiceType(ServiceID=service, FreeService=setup.free_service) for service in services
            ]
        ),
        VASList=common.ServiceListType(Service=added) if added else None,
    )


EXCHANGE: Final = Exchange(
    request=common.ServiceDiscoveryReqType,
    name="ServiceDiscoveryReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForServiceDetail", ""),
    codes=("OK", "FAILED"),
    meaning="the station offers energy services and value added services",
)

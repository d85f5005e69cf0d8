"""ServiceDiscovery: the energy services on offer, and which of them fit the EV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from v2g.common.energy_services import ALTERNATING, BOTH_WAYS, NAMES, SERVICE_OF
from v2g.common.terms import EnergyMode, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import header, terms
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import EvError, Setup
from v2gexi import iso20_common as common


def wanted(setup: Setup) -> Iterator[tuple[int, EnergyMode]]:
    """Services that an EV can take, of the kind of its first energy mode, the favourite first.

    Where power in both directions is preferred, the bidirectional service comes before the plain one."""
    for mode in setup.energy_modes:
        service = SERVICE_OF.get(mode)
        if service is None or (service in ALTERNATING) is setup.dc:
            continue
        if setup.bidirectional and service in BOTH_WAYS:
            yield BOTH_WAYS[service], mode
        yield service, mode


def _ask(session: Session) -> Any:
    return common.ServiceDiscoveryReqType(Header=header(session))


def _take(session: Session, response: Any) -> Move:
    agreed = terms(session)
    agreed.service_renegotiation = response.ServiceRenegotiationSupported
    offered = tuple(each.ServiceID for each in response.EnergyTransferServiceList.Service)
    names = tuple(NAMES.get(service, str(service)) for service in offered)
    session.told(ChargerFact.ENERGY_MODES, names)
    added = () if response.VASList is None else response.VASList.Service
    session.told(ChargerFact.SERVICES, tuple(each.ServiceID for each in added))
    fitting: dict[int, EnergyMode] = {}
    for service, mode in wanted(session.setup):
        if service in offered:
            fitting.setdefault(service, mode)
    agreed.candidates = tuple(fitting.items())
    if not fitting:
        return Stop(f"{EvError.INCOMPATIBLE.value}: the charger offers {', '.join(names)}")
    return Go("ServiceDetail")


STEP: Final = Step(
    name="ServiceDiscovery",
    request="ServiceDiscoveryReq",
    responses=(common.ServiceDiscoveryResType,),
    ask=_ask,
    take=_take,
    leads_to=("ServiceDetail", "SessionStop", ""),
    meaning="The charger offers energy services and others.",
    phase=Phase.PARAMETER,
    sent=510,
)

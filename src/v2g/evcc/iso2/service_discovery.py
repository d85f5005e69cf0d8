"""ServiceDiscovery: ways of paying and of energy transfer, and the certificate service."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.terms import Payment, Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.vehicle import EvError, Provisioning
from v2gexi import iso2

CERTIFICATE_SERVICE: Final = 2
"""ServiceID of certificate installation and update (ISO 15118-2, table of services)."""


def _ask(session: Session) -> Any:
    return iso2.ServiceDiscoveryReqType()


def _take(session: Session, response: Any) -> Move:
    service = response.ChargeService
    payments = tuple(response.PaymentOptionList.PaymentOption)
    modes = tuple(service.SupportedEnergyTransferMode.EnergyTransferMode)
    more = response.ServiceList.Service if response.ServiceList is not None else ()
    services = tuple(each.ServiceID for each in more)
    session.told(ChargerFact.PAYMENTS, payments)
    session.told(ChargerFact.ENERGY_MODES, modes)
    session.told(ChargerFact.SERVICES, services)
    session.agreed["service"] = service.ServiceID
    mode = next((each for each in session.setup.energy_modes if each.value in modes), None)
    if mode is None:
        return Stop(f"{EvError.INCOMPATIBLE.value}: the charger offers {', '.join(modes)}")
    session.mode = mode
    session.told(ChargerFact.ENERGY_MODE, mode.value)
    provisioning = session.setup.provisioning is not Provisioning.NONE and _can_provision(session, services)
    payment = _payment(session, payments, provisioning)
    if payment is None:
        return Stop(f"no way to pay: the charger takes {', '.join(payments)}")
    session.payment = payment
    if provisioning and payment is Payment.CONTRACT:
        return Go("ServiceDetail")
    return Go("PaymentServiceSelection")


def _can_provision(session: Session, services: tuple[int, ...]) -> bool:
    signer, setup = session.signer, session.setup
    if signer is None or not session.tls:
        return False
    chain = signer.provisioning_chain if setup.provisioning is Provisioning.INSTALL else signer.contract_chain
    if not chain:
        session.log("no certificate with which another one could be asked for")
        return False
    if CERTIFICATE_SERVICE not in services:
        session.log("the charger has no certificate service")
        return False
    return True


def _payment(session: Session, payments: tuple[str, ...], provisioning: bool) -> Payment | None:
    """By contract if that is wished and possible, else externally."""
    if session.setup.payment is Payment.CONTRACT:
        signer = session.signer
        why = ""
        if not session.tls:
            why = "the connection is not encrypted"
        elif signer is None or not (signer.contract_chain or provisioning):
            why = "there is no contract certificate"
        elif Payment.CONTRACT.value not in payments:
            why = "the charger does not offer it"
        if not why:
            return Payment.CONTRACT
        session.log(f"no payment by contract: {why}")
    return Payment.EXTERNAL if Payment.EXTERNAL.value in payments else None


STEP: Final = Step(
    name="ServiceDiscovery",
    request="ServiceDiscoveryReq",
    responses=(iso2.ServiceDiscoveryResType,),
    ask=_ask,
    take=_take,
    leads_to=("ServiceDetail", "PaymentServiceSelection", "SessionStop", ""),
    meaning="What the charger offers.",
    phase=Phase.INIT,
    sent=510,
)

"""ServiceSelection: the energy service with the parameter set that fits best."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.energy_services import NAMES
from v2g.common.terms import Phase
from v2g.evcc.facts import ChargerFact
from v2g.evcc.iso20.terms import chosen, header
from v2g.evcc.protocol import Go, Move, Step
from v2g.evcc.session import Session
from v2gexi import iso20_common as common


def _ask(session: Session) -> Any:
    choice = chosen(session)
    return common.ServiceSelectionReqType(
        Header=header(session),
        SelectedEnergyTransferService=common.SelectedServiceType(
            ServiceID=choice.service, ParameterSetID=choice.parameter_set
        ),
    )


def _take(session: Session, response: Any) -> Move:
    choice = chosen(session)
    control = "Dynamic" if choice.dynamic else "Scheduled"
    needs = "ProvidedBySecc" if choice.by_secc else "ProvidedByEvcc"
    session.told(ChargerFact.SELECTED_SERVICE, choice.service)
    session.told(ChargerFact.ENERGY_MODE, choice.mode.value)
    session.told(ChargerFact.CONTROL_MODE, control)
    session.told(ChargerFact.PAYMENT, session.payment.value)
    session.log(f"service {NAMES[choice.service]}, control mode {control}, mobility needs {needs}")
    return Go("ChargeParameterDiscovery")


STEP: Final = Step(
    name="ServiceSelection",
    request="ServiceSelectionReq",
    responses=(common.ServiceSelectionResType,),
    ask=_ask,
    take=_take,
    leads_to=("ChargeParameterDiscovery", "SessionStop", ""),
    meaning="The service is selected, with control mode and mobility needs.",
    phase=Phase.PARAMETER,
    sent=520,
)

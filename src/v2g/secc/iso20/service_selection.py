"""ServiceSelection: one energy service with one of its parameter sets, and value added services."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.energy_services import NAMES
from v2g.secc.facts import EvFact
from v2g.secc.iso20.services import choices, mode_of
from v2g.secc.iso20.terms import header, terms
from v2g.secc.protocol import Exchange, Reply
from v2g.secc.session import Session
from v2gexi import iso20_common as common


def answer(session: Session, request: Any) -> Reply:
    """OK for what was offered."""
    session.checkpoint(520)
    agreed = terms(session)
    selected = request.SelectedEnergyTransferService
    if selected.ServiceID not in agreed.services:
        return Reply(response(session, "FAILED_NoEnergyTransferServiceSelected"), "")
    choice = choices(session).get(selected.ParameterSetID)
    if choice is None or not _added_fit(session, request.SelectedVASList):
        return Reply(response(session, "FAILED_ServiceSelectionInvalid"), "")
    agreed.service, agreed.parameter_set = selected.ServiceID, selected.ParameterSetID
    agreed.dynamic, agreed.by_secc = choice.dynamic, choice.by_secc
    session.mode = mode_of(session, selected.ServiceID)
    control = "Dynamic" if choice.dynamic else "Scheduled"
    needs = "ProvidedBySecc" if choice.by_secc else "ProvidedByEvcc"
    session.told(EvFact.SELECTED_SERVICE_ID, selected.ServiceID)
    session.told(EvFact.REQUESTED_ENERGY_MODE, session.mode.value)
    session.told(EvFact.CONTROL_MODE, control)
    session.told(EvFact.MOBILITY_NEEDS, needs)
    session.log(f"service {NAMES[selected.ServiceID]}, control mode {control}, mobility needs {needs}")
    session.checkpoint(525)
    return Reply(response(session, "OK"), "WaitForChargeParameterDiscovery")


def _added_fit(session: Session, selected: Any) -> bool:
    """Whether the value added services were offered with these parameter sets."""
    if selected is None:
        return True
    sets = {each.service_id: each.parameter_sets for each in session.setup.added_services}
    return all(each.ParameterSetID in sets.get(each.ServiceID, ()) for each in selected.SelectedService)


def response(session: Session, code: common.responseCodeType) -> Any:
    """The response with a code."""
    return common.ServiceSelectionResType(Header=header(session), ResponseCode=code)


EXCHANGE: Final = Exchange(
    request=common.ServiceSelectionReqType,
    name="ServiceSelectionReq",
    answer=answer,
    refuse=response,
    leads_to=("WaitForChargeParameterDiscovery", ""),
    codes=("OK", "FAILED_NoEnergyTransferServiceSelected", "FAILED_ServiceSelectionInvalid"),
    meaning="the EV selects an energy service and a parameter set",
)

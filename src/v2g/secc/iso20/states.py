"""The states of an ISO 15118-20 session: what is in order when.

An EV may end its session by SessionStopReq in every state but the charge loop, which it leaves by
PowerDeliveryReq (stop) first. New schedules are negotiated within the charge loop: power stays on.
"""

from __future__ import annotations

from typing import Final

from v2g.secc.protocol import State

_STOP: Final = "SessionStopReq"
_POWER: Final = "PowerDeliveryReq"


def _states(kind: str, *between: State) -> dict[str, State]:
    """The states that AC and DC share, with those of one of them."""
    parameters, loop = f"{kind}_ChargeParameterDiscoveryReq", f"{kind}_ChargeLoopReq"
    both = (
        State("WaitForSessionSetup", ("SessionSetupReq",)),
        # After a pause, the EV may go on with what was agreed.
        State("WaitForResumption", ("AuthorizationSetupReq", parameters, _STOP)),
        State("WaitForAuthorizationSetup", ("AuthorizationSetupReq", _STOP)),
        State("WaitForAuthorization", ("AuthorizationReq", "CertificateInstallationReq", _STOP)),
        State("WaitForServiceDiscovery", ("ServiceDiscoveryReq", _STOP)),
        State("WaitForServiceDetail", ("ServiceDetailReq", _STOP)),
        State("WaitForServiceSelection", ("ServiceDetailReq", "ServiceSelectionReq", _STOP)),
        State("WaitForChargeParameterDiscovery", (parameters, _STOP)),
        State("WaitForScheduleExchange", ("ScheduleExchangeReq", _STOP)),
        *between,
        State(
            "ChargeLoop",
            (loop, _POWER, "ScheduleExchangeReq", "MeteringConfirmationReq"),
            power=True,
        ),
        State("WaitForSessionStop", (_STOP,)),
    )
    return {state.name: state for state in both}


AC_STATES: Final = _states("AC", State("WaitForPowerDelivery", (_POWER, _STOP), power=True))

DC_STATES: Final = _states(
    "DC",
    # An EV that is told to pause goes straight to PowerDeliveryReq (stop).
    State("WaitForCableCheck", ("DC_CableCheckReq", _POWER, _STOP), power=True),
    State("WaitForPreCharge", ("DC_PreChargeReq", _POWER, _STOP), power=True),
    State("WaitForPowerDelivery", ("DC_PreChargeReq", _POWER, _STOP), power=True),
    State("WaitForWeldingDetection", ("DC_WeldingDetectionReq", _STOP)),
)

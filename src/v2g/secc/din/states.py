"""The states of a DIN SPEC 70121 session: what is in order when.

An EV may end its session in every state: with SessionStopReq, and with PowerDeliveryReq (stop) once it could
have had voltage on the cable."""

from __future__ import annotations

from typing import Final

from v2g.secc.protocol import State

STATES: Final = {
    state.name: state
    for state in (
        State("WaitForSessionSetup", ("SessionSetupReq",)),
        State("WaitForServiceDiscovery", ("ServiceDiscoveryReq", "SessionStopReq")),
        State("WaitForServicePaymentSelection", ("ServicePaymentSelectionReq", "SessionStopReq")),
        State("WaitForContractAuthentication", ("ContractAuthenticationReq", "SessionStopReq")),
        State("WaitForChargeParameterDiscovery", ("ChargeParameterDiscoveryReq", "SessionStopReq")),
        State("WaitForCableCheck", ("CableCheckReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForPreCharge", ("PreChargeReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForCurrentDemand", ("CurrentDemandReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForWeldingDetection", ("WeldingDetectionReq", "SessionStopReq")),
    )
}

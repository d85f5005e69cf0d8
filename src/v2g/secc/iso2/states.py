"""The states of an ISO 15118-2 session: what is in order when (ISO 15118-2:2014 clause 8.8).

An EV may end its session with SessionStopReq in every state, and with PowerDeliveryReq (Stop) wherever it
could have voltage on the cable."""

from __future__ import annotations

from typing import Final

from v2g.secc.protocol import State

STATES: Final = {
    state.name: state
    for state in (
        State("WaitForSessionSetup", ("SessionSetupReq",)),
        State("WaitForServiceDiscovery", ("ServiceDiscoveryReq", "SessionStopReq")),
        State(
            "WaitForPaymentServiceSelection",
            ("ServiceDetailReq", "PaymentServiceSelectionReq", "SessionStopReq"),
        ),
        State(
            "WaitForPaymentDetailsOrCertificate",
            ("PaymentDetailsReq", "CertificateInstallationReq", "CertificateUpdateReq", "SessionStopReq"),
        ),
        State("WaitForPaymentDetails", ("PaymentDetailsReq", "SessionStopReq")),
        State("WaitForAuthorization", ("AuthorizationReq", "SessionStopReq")),
        State("WaitForChargeParameterDiscovery", ("ChargeParameterDiscoveryReq", "SessionStopReq")),
        # AC. The contactor closes while the request to start is being answered.
        State("WaitForPowerDelivery", ("PowerDeliveryReq", "SessionStopReq"), power=True),
        State(
            "WaitForChargingStatus", ("ChargingStatusReq", "PowerDeliveryReq", "SessionStopReq"), power=True
        ),
        # DC
        State("WaitForCableCheck", ("CableCheckReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForPreCharge", ("PreChargeReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForCurrentDemand", ("CurrentDemandReq", "PowerDeliveryReq", "SessionStopReq"), power=True),
        State("WaitForWeldingDetection", ("WeldingDetectionReq", "SessionStopReq")),
        # Both
        State("WaitForMeteringReceipt", ("MeteringReceiptReq", "SessionStopReq"), power=True),
        State("WaitForSessionStop", ("SessionStopReq",)),
    )
}

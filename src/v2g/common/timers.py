"""Times that both sides of a V2G session have to keep, as the standards name them, in milliseconds.

For each message pair: how long the EVCC waits for the response (``V2G_EVCC_Msg_Timeout``) and within what
the SECC has to give it (``V2G_SECC_Msg_Performance_Time``). Capture analysis reads the same tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class MessageTimes:
    """Times of one pair of messages."""

    timeout_ms: int
    performance_ms: int


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Times of a message set that belong to no single message.

    Attributes:
        secc_sequence_ms: the SECC waits this long for the next request (V2G_SECC_Sequence_Timeout).
        evcc_setup_ms: from plug-in or D-LINK_READY to SessionSetupRes at the EV (CommunicationSetup).
        secc_setup_ms: the same at the SECC.
        evcc_ongoing_ms: the EV takes "Ongoing" of authorisation and parameters this long (V2G_EVCC_Ongoing).
        secc_ongoing_ms: the SECC has to finish by then.
        evcc_cable_check_ms, secc_cable_check_ms: from the first CableCheckReq on (DC).
        evcc_pre_charge_ms: from the first PreChargeReq on (DC). The 5 s of the SECC
            (V2G_SECC_PreCharge_Performance_Time) are a demand on its power supply, and end no session.
        cp_state_ms: the SECC waits this long for state C or D (V2G_SECC_CPState_Detection_Timeout).
        evcc_ready_to_charge_ms: from plug-in to PowerDelivery at the EV (DIN SPEC 70121); None: none.
        secc_close_ms: after the last response the SECC waits this long for the EV to close the connection.
        secc_loop_sequence_ms: V2G_SECC_Sequence_Timeout after a response of the charge loop; None: as always.
        evcc_eim_ongoing_ms, secc_eim_ongoing_ms: the ongoing times of authorisation by external means; None:
            as always.
    """

    secc_sequence_ms: int
    evcc_setup_ms: int
    secc_setup_ms: int
    evcc_ongoing_ms: int
    secc_ongoing_ms: int
    evcc_cable_check_ms: int
    secc_cable_check_ms: int
    evcc_pre_charge_ms: int
    cp_state_ms: int
    secc_close_ms: int
    evcc_ready_to_charge_ms: int | None = None
    secc_loop_sequence_ms: int | None = None
    evcc_eim_ongoing_ms: int | None = None
    secc_eim_ongoing_ms: int | None = None


_QUICK: Final = MessageTimes(2_000, 1_500)
_SLOW: Final = MessageTimes(5_000, 4_500)

DIN_TIMES: Final = SessionTimes(
    secc_sequence_ms=60_000,
    evcc_setup_ms=20_000,
    secc_setup_ms=18_000,
    evcc_ongoing_ms=60_000,
    secc_ongoing_ms=55_000,
    evcc_cable_check_ms=40_000,
    secc_cable_check_ms=38_000,
    evcc_pre_charge_ms=7_000,
    cp_state_ms=1_500,
    secc_close_ms=5_000,
    evcc_ready_to_charge_ms=150_000,
)
"""DIN SPEC 70121:2014, clause 9.6 (timing of messages and of the session)."""

DIN_MESSAGES: Final = {
    "supportedAppProtocolReq": _QUICK,
    "SessionSetupReq": _QUICK,
    "ServiceDiscoveryReq": _QUICK,
    "ServicePaymentSelectionReq": _QUICK,
    "ContractAuthenticationReq": _QUICK,
    "ChargeParameterDiscoveryReq": _QUICK,
    "CableCheckReq": _QUICK,
    "PreChargeReq": _QUICK,
    "PowerDeliveryReq": _QUICK,
    "CurrentDemandReq": MessageTimes(250, 25),
    "WeldingDetectionReq": _QUICK,
    "SessionStopReq": _QUICK,
}
"""DIN SPEC 70121:2014, clause 9.6."""

ISO2_TIMES: Final = SessionTimes(
    secc_sequence_ms=60_000,
    evcc_setup_ms=20_000,
    secc_setup_ms=18_000,
    evcc_ongoing_ms=60_000,
    secc_ongoing_ms=55_000,
    evcc_cable_check_ms=40_000,
    secc_cable_check_ms=38_000,
    evcc_pre_charge_ms=7_000,
    cp_state_ms=1_500,
    secc_close_ms=5_000,
)
"""ISO 15118-2:2014, clause 8.7.2 (tables 109 to 112)."""

ISO2_MESSAGES: Final = {
    "supportedAppProtocolReq": _QUICK,
    "SessionSetupReq": _QUICK,
    "ServiceDiscoveryReq": _QUICK,
    "ServiceDetailReq": _SLOW,
    "PaymentServiceSelectionReq": _QUICK,
    "PaymentDetailsReq": _SLOW,
    "AuthorizationReq": _QUICK,
    "ChargeParameterDiscoveryReq": _QUICK,
    "ChargingStatusReq": _QUICK,
    "MeteringReceiptReq": _QUICK,
    "PowerDeliveryReq": _SLOW,
    "CableCheckReq": _QUICK,
    "PreChargeReq": _QUICK,
    "CurrentDemandReq": MessageTimes(250, 25),
    "WeldingDetectionReq": _QUICK,
    "SessionStopReq": _QUICK,
    "CertificateInstallationReq": _SLOW,
    "CertificateUpdateReq": _SLOW,
}
"""ISO 15118-2:2014, table 109."""

ISO20_TIMES: Final = SessionTimes(
    secc_sequence_ms=60_000,
    evcc_setup_ms=20_000,
    secc_setup_ms=18_000,
    evcc_ongoing_ms=60_000,
    secc_ongoing_ms=55_000,
    evcc_cable_check_ms=40_000,
    secc_cable_check_ms=38_000,
    evcc_pre_charge_ms=10_000,
    cp_state_ms=1_500,
    secc_close_ms=5_000,
    secc_loop_sequence_ms=500,
    evcc_eim_ongoing_ms=180_000,
    secc_eim_ongoing_ms=180_000,
)
"""ISO 15118-20:2022, clause 8.5.4 (table 215; after charge loop responses tables 216 for AC, 217 for DC). The
station has no time of its own for pre-charge: it is the EV's."""

ISO20_MESSAGES: Final = {
    "supportedAppProtocolReq": _QUICK,
    "SessionSetupReq": _QUICK,
    "AuthorizationSetupReq": _QUICK,
    "AuthorizationReq": _QUICK,
    "ServiceDiscoveryReq": _QUICK,
    "ServiceDetailReq": _SLOW,
    "ServiceSelectionReq": _QUICK,
    "CertificateInstallationReq": _SLOW,
    "ScheduleExchangeReq": _QUICK,
    "PowerDeliveryReq": _QUICK,
    "MeteringConfirmationReq": _QUICK,
    "SessionStopReq": _QUICK,
    "AC_ChargeParameterDiscoveryReq": _QUICK,
    "AC_ChargeLoopReq": MessageTimes(500, 250),
    "DC_ChargeParameterDiscoveryReq": _QUICK,
    "DC_CableCheckReq": _QUICK,
    "DC_PreChargeReq": _QUICK,
    "DC_ChargeLoopReq": MessageTimes(500, 250),
    "DC_WeldingDetectionReq": _QUICK,
}
"""ISO 15118-20:2022, tables 215 (common), 216 (AC) and 217 (DC)."""

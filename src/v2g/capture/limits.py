"""What counts as an anomaly: the kinds of findings, the limits, and the order of messages, as data.

Times of SLAC and of messages are those that the cores run with: :mod:`v2g.slac.timing`,
:mod:`v2g.common.timers`.
"""

from __future__ import annotations

from typing import Final

from v2g.common import timers

FINDINGS: Final = {
    "failed": "a response code that refuses",
    "warning": "a response code that warns",
    "ev-error": "the car reports an error",
    "evse-status": "the station reports an error or stops",
    "isolation": "the station's isolation measurement is not good",
    "stop-asked": "the station asks the car to stop or to negotiate again",
    "late-response": "a response later than the car has to wait for it",
    "no-response": "a request without response",
    "sequence": "a request that may not follow the one before it",
    "session-id": "a message with another session id than the station gave",
    "ongoing": "the station is not finished when its time is over",
    "silence": "a pause longer than the station has to wait for a request",
    "pre-charge": "pre-charge did not bring the voltage to the target",
    "overshoot": "the voltage is above its target",
    "no-stop": "the connection ended without SessionStop",
    "slac-unanswered": "a request of SLAC without confirmation",
    "slac-repeated": "a step of SLAC again",
    "slac-failed": "SLAC ended without match",
    "slac-sounds": "fewer sounds or start indications than there should be",
    "slac-late": "a frame of SLAC later than its time",
    "attenuation": "attenuation values that say nothing, or too much attenuation",
    "stale-run-id": "a frame of another run of SLAC",
    "key": "a modem did not take a key",
    "sdp-repeated": "the car asks for the station again",
    "sdp-late": "the station answers after the car has asked again",
    "sdp-unanswered": "nobody answers the car's question for the station",
    "no-connection": "the station lets nobody connect",
    "tcp-reset": "the connection was broken off",
    "retransmission": "a segment was sent again",
    "lost-segment": "bytes are missing",
    "out-of-order": "a segment overtook another one",
    "undecodable": "bytes that are no message",
    "guessed": "the message set was guessed, for want of a handshake",
}
"""Kinds of findings and what they mean."""

FATAL_STATUS: Final = frozenset(
    ("EVSE_Shutdown", "EVSE_UtilityInterruptEvent", "EVSE_EmergencyShutdown", "EVSE_Malfunction")
)
"""EVSEStatusCode with which a session ends (DIN SPEC 70121 and ISO 15118-2, DC_EVSEStatusCodeType)."""
BAD_ISOLATION: Final = frozenset(("Warning", "Fault", "No_IMD"))
"""EVSEIsolationStatus that is not good; Invalid is what it is before it was measured."""

SDP_REQUEST_INTERVAL_MS: Final = 250
"""After this the car asks again (ISO 15118-2:2014, SECC discovery protocol; DIN SPEC 70121:2014)."""
PRE_CHARGE_TOLERANCE_V: Final = 20.0
"""Largest difference between the station's and the battery's voltage with which a car may connect them
(DIN SPEC 70121:2014, pre-charge; IEC 61851-23, annex CC)."""
OVERSHOOT_SHARE: Final = 0.05
OVERSHOOT_V: Final = 10.0
"""Above the target by more than a twentieth and more than this: it stands out. No standard's limit."""
OVERSHOOT_SETTLE_MS: Final = 2_000
"""The voltage may stay above a target that was just lowered for this long. No standard's limit."""

MESSAGE_TIMES: Final = {
    "app": timers.DIN_MESSAGES,
    "din": timers.DIN_MESSAGES,
    "iso2": timers.ISO2_MESSAGES,
    "iso20-common": timers.ISO20_MESSAGES,
    "iso20-ac": timers.ISO20_MESSAGES,
    "iso20-dc": timers.ISO20_MESSAGES,
}
SESSION_TIMES: Final = {
    "din": timers.DIN_TIMES,
    "iso2": timers.ISO2_TIMES,
    "iso20-common": timers.ISO20_TIMES,
    "iso20-ac": timers.ISO20_TIMES,
    "iso20-dc": timers.ISO20_TIMES,
}
STANDARDS: Final = {
    "app": "DIN SPEC 70121 and ISO 15118-2",
    "din": "DIN SPEC 70121",
    "iso2": "ISO 15118-2",
    "iso20-common": "ISO 15118-20",
    "iso20-ac": "ISO 15118-20 AC",
    "iso20-dc": "ISO 15118-20 DC",
    "iso20-wpt": "ISO 15118-20 WPT",
    "iso20-acdp": "ISO 15118-20 ACDP",
}
"""Message sets by the names of their standards."""

_DC: Final = {
    "CableCheck": ("CableCheck", "PreCharge", "PowerDelivery"),
    "PreCharge": ("PreCharge", "PowerDelivery"),
    "WeldingDetection": ("WeldingDetection",),
    "PowerDelivery (stop)": ("WeldingDetection",),
}
STOPPED: Final = "PowerDelivery (stop)"
"""PowerDelivery that ends the power: what may follow it is less than after one that begins it."""
_DIN: Final = {
    "": ("SessionSetup",),
    "SessionSetup": ("ServiceDiscovery",),
    "ServiceDiscovery": ("ServicePaymentSelection",),
    "ServicePaymentSelection": ("ContractAuthentication",),
    "ContractAuthentication": ("ContractAuthentication", "ChargeParameterDiscovery"),
    "ChargeParameterDiscovery": ("ChargeParameterDiscovery", "CableCheck", "PowerDelivery"),
    "PowerDelivery": ("CurrentDemand", "WeldingDetection", "ChargeParameterDiscovery"),
    "CurrentDemand": ("CurrentDemand", "PowerDelivery"),
    **_DC,
}
_ISO2: Final = {
    "": ("SessionSetup",),
    "SessionSetup": ("ServiceDiscovery",),
    "ServiceDiscovery": ("ServiceDetail", "PaymentServiceSelection"),
    "ServiceDetail": ("ServiceDetail", "PaymentServiceSelection"),
    "PaymentServiceSelection": (
        "PaymentDetails",
        "Authorization",
        "CertificateInstallation",
        "CertificateUpdate",
    ),
    "CertificateInstallation": ("PaymentDetails",),
    "CertificateUpdate": ("PaymentDetails",),
    "PaymentDetails": ("Authorization",),
    "Authorization": ("Authorization", "ChargeParameterDiscovery"),
    "ChargeParameterDiscovery": ("ChargeParameterDiscovery", "CableCheck", "PowerDelivery"),
    "PowerDelivery": ("ChargingStatus", "CurrentDemand", "WeldingDetection", "ChargeParameterDiscovery"),
    "ChargingStatus": ("ChargingStatus", "MeteringReceipt", "PowerDelivery"),
    "CurrentDemand": ("CurrentDemand", "MeteringReceipt", "PowerDelivery"),
    "MeteringReceipt": ("ChargingStatus", "CurrentDemand", "PowerDelivery"),
    **_DC,
}
_ISO20: Final = {
    "": ("SessionSetup",),
    "SessionSetup": ("AuthorizationSetup", "ServiceDiscovery"),
    "AuthorizationSetup": ("Authorization", "CertificateInstallation"),
    "CertificateInstallation": ("CertificateInstallation", "Authorization"),
    "Authorization": ("Authorization", "ServiceDiscovery"),
    "ServiceDiscovery": ("ServiceDetail",),
    "ServiceDetail": ("ServiceDetail", "ServiceSelection"),
    "ServiceSelection": ("AC_ChargeParameterDiscovery", "DC_ChargeParameterDiscovery"),
    "AC_ChargeParameterDiscovery": ("AC_ChargeParameterDiscovery", "ScheduleExchange"),
    "DC_ChargeParameterDiscovery": ("DC_ChargeParameterDiscovery", "ScheduleExchange"),
    "ScheduleExchange": ("ScheduleExchange", "DC_CableCheck", "PowerDelivery"),
    "DC_CableCheck": ("DC_CableCheck", "DC_PreCharge"),
    "DC_PreCharge": ("DC_PreCharge", "PowerDelivery"),
    "PowerDelivery": (
        "PowerDelivery",
        "AC_ChargeLoop",
        "DC_ChargeLoop",
        "ScheduleExchange",
        "DC_WeldingDetection",
    ),
    "AC_ChargeLoop": ("AC_ChargeLoop", "MeteringConfirmation", "PowerDelivery"),
    "DC_ChargeLoop": ("DC_ChargeLoop", "MeteringConfirmation", "PowerDelivery"),
    "MeteringConfirmation": ("AC_ChargeLoop", "DC_ChargeLoop", "PowerDelivery"),
    "DC_WeldingDetection": ("DC_WeldingDetection",),
    "PowerDelivery (stop)": ("PowerDelivery", "DC_WeldingDetection"),
    "SessionStop": ("ServiceDiscovery",),
}
FOLLOWS: Final = {
    "din": _DIN,
    "iso2": _ISO2,
    "iso20-common": _ISO20,
    "iso20-ac": _ISO20,
    "iso20-dc": _ISO20,
}
"""Requests that may follow a request that was answered with OK, by message set; "" is the handshake.
SessionStop may follow any. Source: the message sequences of DIN SPEC 70121:2014, ISO 15118-2:2014 and ISO
15118-20:2022."""

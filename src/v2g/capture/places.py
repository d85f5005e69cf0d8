"""Where an event stands in a session: its checkpoint number and its phase, as tables.

The numbers are those of :mod:`v2g.common.checkpoints`. What a capture shows is the moment of sending: numbers
of what happens inside a car or charger (a modem's restart, a voltage that rises) have no frame and are not
here."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

from v2g.capture.events import Event, Layer, Side


@unique
class Phase(StrEnum):
    """Parts of a session in their order."""

    SLAC = "SLAC"
    """From the first CM_SLAC_PARM.REQ to CM_SLAC_MATCH.CNF."""
    DISCOVERY = "SDP"
    CONNECTION = "TCP connect"
    TLS = "TLS handshake"
    HANDSHAKE = "protocol handshake"
    SET_UP = "session setup"
    AUTHORIZATION = "authorisation"
    PARAMETERS = "parameters"
    CABLE_CHECK = "cable check"
    PRE_CHARGE = "pre-charge"
    POWER_ON = "power delivery"
    CHARGING = "charge loop"
    STOP = "stop"


FRAMES: Final[dict[str, int]] = {
    "CM_SLAC_PARM.REQ": 100,
    "CM_SLAC_PARM.CNF": 101,
    "CM_START_ATTEN_CHAR.IND": 103,
    "CM_MNBC_SOUND.IND": 104,
    "CM_ATTEN_PROFILE.IND": 110,
    "CM_ATTEN_CHAR.IND": 120,
    "CM_ATTEN_CHAR.RSP": 140,
    "CM_SLAC_MATCH.REQ": 150,
    "CM_SLAC_MATCH.CNF": 155,
    "SECCDiscoveryReq": 200,
    "SECCDiscoveryRes": 202,
    "neighbour solicitation": 204,
    "neighbour advertisement": 205,
    "SYN": 301,
    "SYN ACK": 302,
    "ACK": 303,
}
"""Checkpoints of what is below the messages."""
_KEY_OF_STATION, _KEY_OF_CAR = 1, 170
"""CM_SET_KEY.REQ, before a match by the station and after it by the car."""

MESSAGES: Final[dict[str, tuple[Phase, int | None, int | None]]] = {
    "supportedAppProtocol": (Phase.HANDSHAKE, 400, 402),
    "SessionSetup": (Phase.SET_UP, 500, 505),
    "ServiceDiscovery": (Phase.SET_UP, 510, 515),
    "ServiceDetail": (Phase.SET_UP, None, None),
    "ServicePaymentSelection": (Phase.SET_UP, 520, 525),
    "PaymentServiceSelection": (Phase.SET_UP, 520, 525),
    "ServiceSelection": (Phase.SET_UP, 520, 525),
    "CertificateInstallation": (Phase.AUTHORIZATION, None, None),
    "CertificateUpdate": (Phase.AUTHORIZATION, None, None),
    "PaymentDetails": (Phase.AUTHORIZATION, None, None),
    "AuthorizationSetup": (Phase.AUTHORIZATION, None, None),
    "ContractAuthentication": (Phase.AUTHORIZATION, 530, 535),
    "Authorization": (Phase.AUTHORIZATION, 530, 535),
    "ChargeParameterDiscovery": (Phase.PARAMETERS, 540, 545),
    "AC_ChargeParameterDiscovery": (Phase.PARAMETERS, 540, 545),
    "DC_ChargeParameterDiscovery": (Phase.PARAMETERS, 540, 545),
    "ScheduleExchange": (Phase.PARAMETERS, None, None),
    "CableCheck": (Phase.CABLE_CHECK, 560, 565),
    "DC_CableCheck": (Phase.CABLE_CHECK, 560, 565),
    "PreCharge": (Phase.PRE_CHARGE, 570, 575),
    "DC_PreCharge": (Phase.PRE_CHARGE, 570, 575),
    "PowerDelivery": (Phase.POWER_ON, 600, 605),
    "CurrentDemand": (Phase.CHARGING, 700, 705),
    "ChargingStatus": (Phase.CHARGING, 700, 705),
    "AC_ChargeLoop": (Phase.CHARGING, 700, 705),
    "DC_ChargeLoop": (Phase.CHARGING, 700, 705),
    "MeteringReceipt": (Phase.CHARGING, None, None),
    "MeteringConfirmation": (Phase.CHARGING, None, None),
    "WeldingDetection": (Phase.STOP, 850, 855),
    "DC_WeldingDetection": (Phase.STOP, 850, 855),
    "SessionStop": (Phase.STOP, 900, 905),
}
"""Phase, and checkpoints of request and response, by a message's name without Req and Res."""
_STOPPED: Final = (Phase.STOP, 800, 805)
_AUTHORIZED: Final = 538
"""The response to ContractAuthentication or Authorization that says Finished."""


def wants_power(event: Event) -> bool | None:
    """Whether a PowerDeliveryReq begins the power; None: it is something else (renegotiation, standby)."""
    ready = event.values.get("ReadyToChargeState")
    if isinstance(ready, bool):
        return ready
    return {"Start": True, "Stop": False}.get(event.text("ChargeProgress"))


class Places:
    """Gives the events of one session their checkpoints and phases, in their order."""

    def __init__(self) -> None:
        self._matched = False
        self._handshaken = False
        self._stopping = False

    def put(self, event: Event) -> None:
        """Fill in ``checkpoint`` and ``phase``."""
        if event.layer is Layer.V2G:
            self._message(event)
        elif event.name == "CM_SET_KEY.REQ":
            if not self._matched:
                event.checkpoint = _KEY_OF_STATION
            elif event.side is Side.CAR:
                event.checkpoint = _KEY_OF_CAR
        else:
            if event.name == "CM_SLAC_PARM.REQ" and not self._handshaken:
                self._matched = False
            event.checkpoint = FRAMES.get(event.name)
            event.phase = self._phase_below(event)
            self._matched |= event.name == "CM_SLAC_MATCH.CNF"

    def _phase_below(self, event: Event) -> str:
        if event.layer is Layer.SLAC:
            # What comes after the match is a station that repeats itself, or another car.
            return "" if self._matched or self._handshaken else Phase.SLAC
        if event.layer is Layer.SDP:
            return Phase.DISCOVERY
        if event.layer is Layer.TLS:
            return Phase.TLS
        if event.layer is Layer.TCP and not self._handshaken and event.name in FRAMES:
            return Phase.CONNECTION
        return ""

    def _message(self, event: Event) -> None:
        self._handshaken = True
        place = MESSAGES.get(event.base)
        if place is None:
            return
        if event.base == "PowerDelivery":
            if event.is_request:
                self._stopping = wants_power(event) is False
            if self._stopping:
                place = _STOPPED
        event.phase, request, response = place
        event.checkpoint = request if event.is_request else response
        if response == 535 and event.text("EVSEProcessing") == "Finished" and event.is_response:
            event.checkpoint = _AUTHORIZED

"""Parts that several DIN SPEC 70121 responses have: the EVSE's status, and what is read of the EV's."""

from __future__ import annotations

from typing import Any, Final

from v2g.common.values import physical
from v2g.secc.facts import EvFact
from v2g.secc.session import Session
from v2g.secc.station import Isolation, StationError
from v2gexi import din

CONTACTOR_OPEN_MS: Final = 1_400
"""PowerDelivery(stop) is answered when the output is confirmed off, at the latest after this; its response is
due after 1.5 s."""

_ERROR_CODES: Final[dict[StationError, din.DC_EVSEStatusCodeType]] = {
    StationError.UTILITY_INTERRUPT: "EVSE_UtilityInterruptEvent",
    StationError.EMERGENCY_SHUTDOWN: "EVSE_EmergencyShutdown",
}


def evse_status(session: Session, code: din.DC_EVSEStatusCodeType = "EVSE_Ready") -> Any:
    """``DC_EVSEStatus``, with ``code`` unless an error or a wish to stop says another."""
    station = session.station
    if session.error is not None:
        code = _ERROR_CODES.get(session.error, "EVSE_Malfunction")
    elif station.stop:
        code = "EVSE_Shutdown"
    isolation = station.isolation
    return din.DC_EVSEStatusType(
        EVSEIsolationStatus=(Isolation.INVALID if isolation is Isolation.NO_IMD else isolation).value,
        EVSEStatusCode=code,
        NotificationMaxDelay=session.setup.notification_max_delay_s,
        EVSENotification="StopCharging" if session.stop_wanted else "None",
    )


def hear_status(session: Session, status: Any) -> None:
    """Tell what an EV's ``DC_EVStatus`` says."""
    session.told(EvFact.SOC, status.EVRESSSOC)
    session.told(
        EvFact.DC_STATUS,
        {"EVReady": status.EVReady, "EVErrorCode": status.EVErrorCode, "EVRESSSOC": status.EVRESSSOC},
    )


def volts(value: float) -> Any:
    """A voltage."""
    return physical(din, "V", value)


def amperes(value: float) -> Any:
    """A current."""
    return physical(din, "A", value)


def watts(value: float) -> Any:
    """A power."""
    return physical(din, "W", value)

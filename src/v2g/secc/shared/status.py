"""The station's status in responses, and what requests tell of the EV's."""

from __future__ import annotations

from typing import Any, Final, Literal

from v2g.secc.direct import tell_maxima
from v2g.secc.facts import EvFact
from v2g.secc.session import Session
from v2g.secc.station import Isolation, StationError
from v2gexi import din

_ERROR_CODES: Final = {
    StationError.UTILITY_INTERRUPT: "EVSE_UtilityInterruptEvent",
    StationError.EMERGENCY_SHUTDOWN: "EVSE_EmergencyShutdown",
}
"""EVSEStatusCode values of errors; of all others it is EVSE_Malfunction."""


def notification(session: Session, module: Any) -> Literal["None", "StopCharging", "ReNegotiation"]:
    """What the EV is asked to do: stopping comes before all else; DIN SPEC 70121 renegotiates nothing."""
    if session.stop_wanted:
        return "StopCharging"
    return "ReNegotiation" if session.station.renegotiate and module is not din else "None"


def dc_status(session: Session, module: Any, code: str = "EVSE_Ready") -> Any:
    """``DC_EVSEStatus``, with ``code`` unless an error or a wish to stop says another."""
    station = session.station
    if session.error is not None:
        code = _ERROR_CODES.get(session.error, "EVSE_Malfunction")
    elif station.stop:
        code = "EVSE_Shutdown"
    isolation = station.isolation
    if isolation is Isolation.NO_IMD and module is din:
        isolation = Isolation.INVALID
    return module.DC_EVSEStatusType(
        EVSEIsolationStatus=isolation.value,
        EVSEStatusCode=code,
        NotificationMaxDelay=session.setup.notification_max_delay_s,
        EVSENotification=notification(session, module),
    )


def hear_status(session: Session, status: Any) -> None:
    """Tell what an EV's ``DC_EVStatus`` says."""
    session.told(EvFact.SOC, status.EVRESSSOC)
    session.told(
        EvFact.DC_STATUS,
        {"EVReady": status.EVReady, "EVErrorCode": status.EVErrorCode, "EVRESSSOC": status.EVRESSSOC},
    )


def hear_power_delivery(session: Session, parameter: Any) -> None:
    """Tell what an EV's ``DC_EVPowerDeliveryParameter`` says."""
    hear_status(session, parameter.DC_EVStatus)
    session.told(EvFact.DC_BULK_COMPLETE, parameter.BulkChargingComplete)
    session.told(EvFact.DC_CHARGING_COMPLETE, parameter.ChargingComplete)


def hear_limits(session: Session, request: Any) -> None:
    """Tell an EV's ``EVMaximum...Limit`` elements."""
    tell_maxima(
        session, request.EVMaximumCurrentLimit, request.EVMaximumPowerLimit, request.EVMaximumVoltageLimit
    )

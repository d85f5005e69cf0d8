"""The EV's status as it is told, and how the EV takes the charger's."""

from __future__ import annotations

from typing import Any, Final

from v2g.evcc.facts import ChargerFact
from v2g.evcc.protocol import Fail, Move, Stop
from v2g.evcc.session import Session

AT_ONCE: Final = frozenset(("EVSE_EmergencyShutdown", "EVSE_Malfunction"))
"""EVSEStatusCode values after which nothing more is said: the charger has switched off or is about to."""
ORDERLY: Final = {"EVSE_Shutdown": True, "EVSE_UtilityInterruptEvent": True}
"""EVSEStatusCode values by which a charger ends charging in an orderly way, and whether that is no fault."""


def ev_status(session: Session, module: Any) -> Any:
    """The ``DC_EVStatus`` of a request."""
    error = session.error
    return module.DC_EVStatusType(
        EVReady=session.ready and error is None,
        EVErrorCode=error.value if error is not None else "NO_ERROR",
        EVRESSSOC=min(max(session.vehicle.battery.soc_percent, 0), 100),
    )


def judge(session: Session, status: Any) -> Move | None:
    """What follows from an ``EVSEStatus``, DC or AC; None: nothing.

    A renegotiation that the charger wants is taken up by the next step that can begin one."""
    if status is None:
        return None
    notification = status.EVSENotification
    session.told(ChargerFact.NOTIFICATION, notification)
    code = getattr(status, "EVSEStatusCode", None)
    session.told(ChargerFact.STATUS, code)
    isolation = getattr(status, "EVSEIsolationStatus", None)
    session.told(ChargerFact.ISOLATION, isolation)
    rcd = getattr(status, "RCD", None)
    session.told(ChargerFact.RCD, rcd)
    if code in AT_ONCE:
        return Fail(f"the charger reports {code}")
    if isolation == "Fault":
        return Stop("the charger reports an isolation fault")
    if rcd:
        return Stop("the charger's residual current device has tripped")
    if code in ORDERLY:
        return Stop(f"the charger reports {code}", ORDERLY[code])
    if notification == "StopCharging":
        return Stop("the charger asks to stop", True)
    session.renegotiation_asked = notification == "ReNegotiation"
    return None

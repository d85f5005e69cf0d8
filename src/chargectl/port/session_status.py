"""What a V2G session has to know of the port (high-level charging)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations import errors
from chargectl.declarations.port_link import PortStatus, PortTrouble
from chargectl.declarations.types import ErrorRow
from chargectl.port.machine import Port

_TROUBLE: Final[dict[str, PortTrouble]] = {
    errors.POWER_SWITCH_FAILURE.code: PortTrouble.CONTACTOR,
    errors.EMERGENCY_SHUTDOWN.code: PortTrouble.EMERGENCY,
    errors.RCD_GROUND_FAILURE.code: PortTrouble.RCD,
    errors.SPURIOUS_RCD.code: PortTrouble.RCD,
}


def status_of(port: Port, now_ms: int) -> PortStatus:
    """Return it, as it is at ``now_ms``."""
    primary = port.path.primary
    allowed = port.authorization.allowed
    return PortStatus(
        pilot=port.pilot.state.value if port.pilot.known else "F",
        connected=port.connected,
        contactor_closed=_closed(port, now_ms),
        locked=not port.settings.pluggable or port.lock.locked,
        ready=port.may_close(now_ms) and (port.path.on or primary.may_close(now_ms)),
        authorized=allowed,
        stop=port.stopping or port.blocked,
        offered_a=port.offered_a,
        phases=port.settings.phase_count,
        rcd_tripped=port.rcd.tripped,
        trouble=_trouble(port.active_errors),
    )


def _closed(port: Port, now_ms: int) -> bool | None:
    primary = port.path.primary
    if primary.has_feedback:
        return primary.reported_closed() if primary.position_known else None
    # Without feedback a contactor counts as moving until its reaction time has passed.
    return primary.confirmed_closed(now_ms) if primary.target else not primary.confirmed_open(now_ms)


def _trouble(active: tuple[ErrorRow, ...]) -> PortTrouble:
    if not active:
        return PortTrouble.NONE
    first = min(active, key=lambda row: row.priority)
    return _TROUBLE.get(first.code, PortTrouble.OTHER)

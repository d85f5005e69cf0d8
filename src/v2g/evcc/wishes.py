"""What the EV's wishes, confirmations and times make of a step, before its request is sent."""

from __future__ import annotations

from v2g.evcc.protocol import Go, Move, Step, Stop
from v2g.evcc.session import Session
from v2g.evcc.timers import Timers, over


def wish(session: Session, step: Step) -> Move | None:
    """What the EV wants other than the step; None: nothing.

    In this order: errors and stops, contactors that are not as they should be, a pause, a renegotiation."""
    if session.stopping or not step.stop:
        return None
    vehicle = session.vehicle
    if stop := session.wish():
        return Stop(*stop)
    if session.contactors and session.closing_confirmed and vehicle.contactors_closed is False:
        return Stop("the contactors opened by themselves")
    if vehicle.contactors_closed and not session.contactors:
        return Stop("the contactors are closed though they were not to be")
    protocol = session.protocol
    if vehicle.pause and protocol is not None:
        if not protocol.pausable:
            return Stop("the EV stops: this protocol knows no pause", True)
        if step.pause:
            session.pausing = True
            return Stop("the EV pauses", True)
    if (vehicle.renegotiate or session.renegotiation_asked) and step.renegotiate:
        vehicle.renegotiate = session.renegotiation_asked = False
        session.renegotiating = True
        return Go(step.renegotiate)
    return None


def late(timers: Timers, step: Step, now_ms: int) -> Move | None:
    """What follows from the time that the step, and all before the power, may last; None: nothing."""
    if over(timers.limit_by, now_ms):
        return Stop(f"{step.name} is not finished in time ({step.limit})")
    if over(timers.ready_by, now_ms):
        return Stop("not ready to charge within V2G_EVCC_ReadyToCharge_Timeout")
    return None

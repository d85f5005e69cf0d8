"""Anomalies of voltages: pre-charge that does not converge, overshoot."""

from __future__ import annotations

from v2g.capture import limits
from v2g.capture.checks_link import between_ms
from v2g.capture.events import Event
from v2g.capture.splitting import Session

_PRE_CHARGE = ("PreCharge", "DC_PreCharge")
_POWER = (*_PRE_CHARGE, "CurrentDemand", "DC_ChargeLoop")


def check(session: Session) -> None:
    """Every anomaly of a session's voltages."""
    _pre_charge(session)
    _overshoot(session)


def _pre_charge(session: Session) -> None:
    target: float | None = None
    last: Event | None = None
    for event in session.messages:
        if event.base in _PRE_CHARGE:
            if event.is_request:
                wanted = event.number("EVTargetVoltage")
                target = target if wanted is None else wanted
            else:
                last = event
        elif event.is_request and last is not None:
            _not_reached(last, target, event)
            last = None
    if last is not None:
        _not_reached(last, target, None)


def _not_reached(last: Event, target: float | None, follows: Event | None) -> None:
    present = last.number("EVSEPresentVoltage")
    if present is None or target is None:
        return
    what = "nothing follows" if follows is None else f"the car goes on with {follows.name}"
    missing = abs(target - present)
    tolerance = limits.PRE_CHARGE_TOLERANCE_V
    if missing > tolerance:
        reason = f"{present:g} V of {target:g} V: {missing:g} V apart, at most {tolerance:g} V would do"
        last.finds("pre-charge", f"{reason}; {what}")
    elif follows is None or follows.base != "PowerDelivery":
        last.finds("pre-charge", f"{present:g} V of {target:g} V were reached, yet {what}")


def _overshoot(session: Session) -> None:
    targets: list[tuple[Event, float]] = []
    above = False
    resumed: Event | None = None
    for event in session.messages:
        if event.resumed:
            targets, above, resumed = [], False, event
        if event.base not in _POWER:
            targets, above = [], False
            continue
        if event.is_request:
            wanted = event.number("EVTargetVoltage")
            if wanted is not None:
                targets.append((event, wanted))
            continue
        present = event.number("EVSEPresentVoltage")
        while len(targets) > 1 and (between_ms(targets[1][0], event) or 0) > limits.OVERSHOOT_SETTLE_MS:
            targets.pop(0)
        target = max((wanted for _, wanted in targets), default=None)
        if present is None or target is None:
            continue
        if resumed is not None and (between_ms(resumed, event) or 0) <= limits.OVERSHOOT_SETTLE_MS:
            continue  # targets from before may still count
        limit = target + max(limits.OVERSHOOT_V, target * limits.OVERSHOOT_SHARE)
        if present > limit and not above:
            event.finds(
                "overshoot", f"{present:g} V, {present - target:g} V above the target of {target:g} V"
            )
        above = present > limit

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
    watch = _Overshoot()
    for event in session.messages:
        if event.base not in _POWER or event.resumed:
            watch.begin(event if event.resumed else None)
        if event.base not in _POWER:
            continue
        if event.is_request:
            watch.wants(event)
        else:
            watch.gets(event)
    watch.settle()


class _Overshoot:
    """Voltages above what the car asks for, from one message that is not of this kind to the next."""

    def __init__(self) -> None:
        self._first: tuple[Event, float, float] | None = None
        """A first response that is too high: an event, its voltage, and the target."""
        self.begin(None)

    def begin(self, resumed: Event | None) -> None:
        """Nothing counts that was before. ``resumed``: messages before it are not kept."""
        self._targets: list[tuple[Event, float]] = []
        self._above = False
        self._begun = resumed is not None
        self._resumed = resumed

    def wants(self, event: Event) -> None:
        wanted = event.number("EVTargetVoltage")
        if wanted is not None:
            self._targets.append((event, wanted))

    def gets(self, event: Event) -> None:
        settle = limits.OVERSHOOT_SETTLE_MS
        present = event.number("EVSEPresentVoltage")
        while len(self._targets) > 1 and (between_ms(self._targets[1][0], event) or 0) > settle:
            self._targets.pop(0)
        target = max((wanted for _, wanted in self._targets), default=None)
        if present is None or target is None:
            return
        if self._resumed is not None and (between_ms(self._resumed, event) or 0) <= settle:
            return  # targets from before may still count
        self.settle(present)
        above = present > target + max(limits.OVERSHOOT_V, target * limits.OVERSHOOT_SHARE)
        if above and not self._begun and event.base in _PRE_CHARGE:
            # It may be cable check's voltage, which falls: the next response tells.
            self._first = (event, present, target)
        elif above and not self._above:
            _too_high(event, present, target)
        self._above, self._begun = above, True

    def settle(self, present: float | None = None) -> None:
        """Whether the first response was too high for good; ``present``: what the next one says."""
        if self._first is not None and (present is None or present >= self._first[1]):
            _too_high(*self._first)
        self._first = None


def _too_high(event: Event, present: float, target: float) -> None:
    event.finds("overshoot", f"{present:g} V, {present - target:g} V above the target of {target:g} V")

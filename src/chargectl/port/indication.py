"""Which conditions of the status LED hold (declared in ``declarations.leds``)."""

from __future__ import annotations

from typing import Final

from chargectl.declarations.types import Duty
from chargectl.pilot.levels import CpState
from chargectl.port.settings import AuthenticationMode
from chargectl.port.state import PortState

ANSWER_MS: Final = 3_000
"""How long the answer to an authorization counts as new: long enough to be seen, then the state shows
again.
"""


class Indication:
    """Names the conditions that hold for a port; remembers only what is an answer, not a state."""

    __slots__ = ("_accepted_until", "_allowed", "_refusals", "_rejected_until")

    def __init__(self) -> None:
        self._allowed = False
        self._refusals = 0
        self._accepted_until = 0
        self._rejected_until = 0

    def conditions(self, port: PortState, now_ms: int) -> frozenset[str]:
        """Return the names of the conditions that hold at ``now_ms``."""
        holding = {"ready"}
        self._add_answers(port, now_ms, holding)
        _add_errors(port, holding)
        if port.connected:
            _add_session(port, holding)
        return frozenset(holding)

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes the conditions next (ms)."""
        times = (self._accepted_until, self._rejected_until)
        return min((time for time in times if time > now_ms), default=None)

    def _add_answers(self, port: PortState, now_ms: int, holding: set[str]) -> None:
        authorization = port.authorization
        if port.settings.authentication is AuthenticationMode.FREE:
            return
        if authorization.allowed and not self._allowed:
            self._accepted_until, self._rejected_until = now_ms + ANSWER_MS, 0
        if authorization.refusals != self._refusals and not self._allowed:
            self._rejected_until, self._accepted_until = now_ms + ANSWER_MS, 0
        self._allowed, self._refusals = authorization.allowed, authorization.refusals
        if now_ms < self._accepted_until:
            holding.add("auth_accepted")
        if now_ms < self._rejected_until:
            holding.add("auth_rejected")


def _add_errors(port: PortState, holding: set[str]) -> None:
    rows = (row.connected if port.connected else row.disconnected for row in port.active_errors)
    duties = {reaction.duty for reaction in rows}
    if Duty.NEGATIVE in duties:
        holding.add("failure")
    elif Duty.STEADY in duties:
        holding.add("error")


def _add_session(port: PortState, holding: set[str]) -> None:
    holding.add("connected")
    ventilated = port.pilot.state is CpState.D
    if port.path.on and port.path.primary.reported_closed():
        holding.add("ventilation_1" if ventilated else "charge_1")
    elif ventilated:
        holding.add("ventilation_request")
    elif port.pilot.state is CpState.C:
        holding.add("charge_request")
    if not port.authorization.allowed:
        holding.add("auth_pending")

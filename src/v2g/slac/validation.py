"""Validation at a charger: a car toggles the pilot to prove that it hangs on this very cable (CM_VALIDATE).

On offer, not required: a charger that does not take part answers "not required", and the car may match.
"""

from __future__ import annotations

from v2g.homeplug.slac import ValidateCnf, ValidateReq, ValidateResult
from v2g.slac import timing
from v2g.slac.effects import Effect, SendFrame
from v2g.slac.events import PilotLetter

_PILOT_TOGGLES = 0
"""The only signal type of CM_VALIDATE that ISO 15118-3 knows: S2 toggles on the pilot."""

_MOST_ASKING_MS = timing.C_EV_MATCH_RETRY * timing.TT_MATCH_RESPONSE_MS + timing.TT_MATCH_SEQUENCE_MS
"""From a car's first request on: its repetitions (C_EV_match_retry), and the time to go on after the last
one's answer. A car that asks longer keeps others from validating."""


class Validation:
    """The validation of one car at a time."""

    def __init__(self, own_mac: bytes, offered: bool) -> None:
        self._own_mac = own_mac
        self._offered = offered
        self._ev_mac = b""
        self._due: int | None = None
        self._last_ms = 0
        """The latest time for the second request, however often the first one is repeated."""
        self._counting = False
        self._toggles = 0
        self._pilot: PilotLetter = "A"

    def reset(self) -> None:
        """Forget the car; the pilot is what it is."""
        self._ev_mac, self._due, self._counting = b"", None, False

    def forget(self, ev_mac: bytes) -> None:
        """A car's session has ended or begins anew: the next car need not wait."""
        if ev_mac == self._ev_mac:
            self.reset()

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        return self._due

    def pilot(self, state: PilotLetter) -> None:
        """The pilot changed: each change from B to C is a toggle."""
        if self._counting and self._pilot == "B" and state == "C":
            self._toggles = min(self._toggles + 1, 0xFF)
        self._pilot = state

    def request(self, message: ValidateReq, ev_mac: bytes, now_ms: int) -> list[Effect]:
        """CM_VALIDATE.REQ came from a car that knows its attenuation."""
        if message.signal_type != _PILOT_TOGGLES:
            return []
        if not self._offered:
            return self._answer(ev_mac, ValidateResult.NOT_REQUIRED)
        busy = self._due is not None
        if busy and ev_mac != self._ev_mac:
            return self._answer(ev_mac, ValidateResult.NOT_READY)
        if self._counting:
            return []
        if message.timer == 0:
            if not busy:
                self._ev_mac, self._last_ms = ev_mac, now_ms + _MOST_ASKING_MS
            # Asked again: the answer was lost, and the car goes on from the one that it gets.
            self._due = min(now_ms + timing.TT_MATCH_SEQUENCE_MS, self._last_ms)
            return self._answer(ev_mac, ValidateResult.READY)
        if not busy or message.result != ValidateResult.READY:
            # The second request without the first one, or a car that gave up.
            self._due = None
            return []
        self._counting, self._toggles = True, 0
        self._due = now_ms + min((message.timer + 1) * 100, timing.TT_EVSE_VALD_TOGGLE_MS)
        return []

    def tick(self, now_ms: int) -> list[Effect]:
        """The time to toggle is over: tell how often. Or the second request did not come."""
        if self._due is None or now_ms < self._due:
            return []
        self._due = None
        if not self._counting:
            return []
        self._counting = False
        return self._answer(self._ev_mac, ValidateResult.SUCCESS, self._toggles)

    def _answer(self, ev_mac: bytes, result: ValidateResult, toggles: int = 0) -> list[Effect]:
        return [SendFrame(ValidateCnf(_PILOT_TOGGLES, toggles, result).frame(ev_mac, self._own_mac))]

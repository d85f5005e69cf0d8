"""Validation at a car: toggle the pilot between B and C, and see whether the charger counts as many."""

from __future__ import annotations

from enum import Enum, unique

from v2g.homeplug.slac import ValidateCnf, ValidateReq, ValidateResult
from v2g.slac import timing
from v2g.slac.effects import Effect, SendFrame, SetPilotLoad

_PILOT_TOGGLES = 0


@unique
class Verdict(Enum):
    """What became of a charger's validation."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class EvValidation:
    """The validation of one charger after the other."""

    def __init__(self, own_mac: bytes, retries: int) -> None:
        self._own = own_mac
        self._retries = retries
        self._evse = b""
        self._sent = 0
        self._due: int | None = None
        self._changes = 0
        """Changes of the pilot that are still to be made."""
        self._toggling = False
        self._over_ms = 0
        self.verdict = Verdict.OPEN

    def deadline(self) -> int | None:
        """When `tick` has something to do."""
        return self._due

    def begin(self, evse_mac: bytes, now_ms: int) -> list[Effect]:
        """Send the first CM_VALIDATE.REQ to a charger."""
        self._evse, self._sent, self._toggling, self._changes = evse_mac, 0, False, 0
        self.verdict = Verdict.OPEN
        return self._ask(now_ms)

    def abort(self) -> list[Effect]:
        """Stop, with the pilot in state B."""
        in_c = self._changes % 2 == 1
        self._due, self._changes = None, 0
        return [SetPilotLoad("B")] if in_c else []

    def confirmed(self, message: ValidateCnf, now_ms: int) -> list[Effect]:
        """CM_VALIDATE.CNF came from the charger that is being validated."""
        if self.verdict is not Verdict.OPEN or message.signal_type != _PILOT_TOGGLES:
            return []
        if self._toggling:
            # The answer to the first request may come twice.
            if message.result == ValidateResult.READY:
                return []
            good = message.result == ValidateResult.SUCCESS
            return self._end(good and message.toggle_num == timing.C_EV_VALD_NB_TOGGLES)
        if message.result == ValidateResult.READY:
            return self._toggle(now_ms)
        if message.result == ValidateResult.NOT_READY:
            # Busy with another car: asked again as if nothing had come.
            return []
        return self._end(message.result == ValidateResult.NOT_REQUIRED)

    def tick(self, now_ms: int) -> list[Effect]:
        """The next change of the pilot, or an answer that did not come."""
        if self._due is None or now_ms < self._due:
            return []
        if self._changes:
            return self._change(now_ms)
        if self._toggling or self._sent > self._retries:
            return self._end(False)
        return self._ask(now_ms)

    def _ask(self, now_ms: int) -> list[Effect]:
        self._sent += 1
        self._due = now_ms + timing.TT_MATCH_RESPONSE_MS
        return [self._request(0)]

    def _toggle(self, now_ms: int) -> list[Effect]:
        self._toggling = True
        self._changes = 2 * timing.C_EV_VALD_NB_TOGGLES
        self._over_ms = now_ms + timing.TP_EV_VALD_TOGGLE_MS + timing.TT_MATCH_RESPONSE_MS
        # Not before the charger has the request and looks.
        self._due = now_ms + timing.TP_MATCH_SEQUENCE_MS
        return [self._request(timing.TP_EV_VALD_TOGGLE_MS // 100 - 1)]

    def _change(self, now_ms: int) -> list[Effect]:
        to_c = self._changes % 2 == 0
        self._changes -= 1
        self._due = now_ms + timing.TP_EV_VALD_STATE_DURATION_MS if self._changes else self._over_ms
        return [SetPilotLoad("C" if to_c else "B")]

    def _end(self, passed: bool) -> list[Effect]:
        effects = self.abort()
        self.verdict = Verdict.PASSED if passed else Verdict.FAILED
        return effects

    def _request(self, timer: int) -> Effect:
        message = ValidateReq(_PILOT_TOGGLES, timer, ValidateResult.READY)
        return SendFrame(message.frame(self._evse, self._own))

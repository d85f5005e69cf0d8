"""The power path: primary contactor, and the secondary one of phase switching (guide 15.20).

Power comes on secondary first (for three phases), then primary; it goes off primary first, then secondary.
A change of the phase count while power is on is a pause: the offer is withdrawn, all is switched off, the
guard delay runs from the moment the primary went off, and then current is offered again. It runs as well when
the primary went off for another reason shortly before the change, or by a restart.
"""

from __future__ import annotations

from chargectl.port.contactor import Contactor
from chargectl.port.settings import PortSettings
from chargectl.port.timing import PHASE_SWITCH_DELAY_S


class PowerPath:
    """Both contactors and the count of phases that they put through."""

    __slots__ = (
        "_active",
        "_delay_s",
        "_off_at",
        "_resume_at",
        "_settings",
        "primary",
        "secondary",
        "wanted_phases",
    )

    def __init__(self, settings: PortSettings, now_ms: int) -> None:
        self._settings = settings
        self._active = settings.phase_count
        self._delay_s = settings.phases.delay_s
        self._off_at = now_ms
        self._resume_at: int | None = None
        self.wanted_phases = settings.phase_count
        self.primary = Contactor(settings.contactor_feedback, now_ms)
        self.secondary = Contactor(settings.phases.feedback, now_ms) if settings.phase_switching else None

    @property
    def failed(self) -> bool:
        """Whether a contactor did not follow."""
        return self.primary.failed or (self.secondary is not None and self.secondary.failed)

    @property
    def on(self) -> bool:
        """Whether the EV is meant to have power."""
        return self.primary.target

    def confirmed_open(self, now_ms: int) -> bool:
        """Whether no current can flow, as far as anybody can know."""
        return self.primary.confirmed_open(now_ms)

    def want_phases(self, count: int) -> bool:
        """Take the wanted phase count; return False when it is ignored."""
        if self.secondary is None or count not in (1, 3):
            return False
        self.wanted_phases = count
        return True

    def set_delay(self, seconds: int) -> bool:
        """Take a new guard delay; return False when it is ignored."""
        if self.secondary is None or not PHASE_SWITCH_DELAY_S[0] <= seconds <= PHASE_SWITCH_DELAY_S[1]:
            return False
        self._delay_s = seconds
        return True

    def pausing(self, now_ms: int) -> bool:
        """Whether a change of the phase count holds the offer back."""
        if self.wanted_phases != self._active:
            return True
        return self._resume_at is not None and now_ms < self._resume_at

    def actual_phases(self) -> int:
        """Count of phases that the EV gets: 0 while off."""
        if not self.primary.reported_closed():
            return 0
        if self.secondary is None:
            return self._settings.phase_count
        return 3 if self.secondary.reported_closed() else 1

    def step(self, power: bool, now_ms: int) -> None:
        """Bring the contactors one step towards ``power``."""
        primary, secondary = self.primary, self.secondary
        primary.step(now_ms)
        if secondary is not None:
            secondary.step(now_ms)
        power = power and not self.failed
        if not power and primary.target:
            primary.switch(False, now_ms)
            self._off_at = now_ms
        if secondary is None:
            if power and primary.may_close(now_ms):
                primary.switch(True, now_ms)
        else:
            self._step_both(primary, secondary, power, now_ms)

    def _step_both(self, primary: Contactor, secondary: Contactor, power: bool, now_ms: int) -> None:
        if not primary.target and (primary.confirmed_open(now_ms) or primary.failed):
            if self.wanted_phases != self._active and secondary.confirmed_open(now_ms):
                self._active = self.wanted_phases
                self._resume_at = self._off_at + self._delay_s * 1000
            if secondary.target and (not power or self._active != 3):
                secondary.switch(False, now_ms)
            elif power and self._active == 3 and not secondary.target:
                # Waiting for both guards keeps the secondary from closing long before the primary may.
                if secondary.may_close(now_ms) and primary.may_close(now_ms):
                    secondary.switch(True, now_ms)
        if power and primary.may_close(now_ms):
            three = self._active == 3
            ready = secondary.confirmed_closed(now_ms) if three else secondary.confirmed_open(now_ms)
            if ready and not self.pausing(now_ms):
                primary.switch(True, now_ms)

    def deadline(self, now_ms: int) -> int | None:
        """Return when time alone changes something next (ms)."""
        times = [self.primary.deadline(now_ms), self._resume_at]
        if self.secondary is not None:
            times.append(self.secondary.deadline(now_ms))
        return min((time for time in times if time is not None and time > now_ms), default=None)

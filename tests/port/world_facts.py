"""What the port has been told, kept by the tests in their own words.

Written from the guide and IEC 61851-1, not from the port: the judge in ``world_oracle`` compares the port's
effects with these facts.
"""

from __future__ import annotations

from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import events
from chargectl.port.events import LockPosition
from chargectl.port.settings import AuthenticationMode, Feedback, PortSettings

EV_STATES = (CpState.B, CpState.C, CpState.D)
POWER_STATES = (CpState.C, CpState.D)
CABLE_BELIEVED_MS = 100
NAMES = 5
_BY_MESSAGE = (AuthenticationMode.MQTT, AuthenticationMode.OCPP)
AMPERES = {Cable.A13: 13, Cable.A20: 20, Cable.A32: 32, Cable.A63: 63}


class Facts:
    """Everything the events said, and what must be remembered of it."""

    def __init__(self, settings: PortSettings, now: int) -> None:
        self.settings = settings
        self.pilot = CpState.A
        self.connected = False
        self.diode_missing = False
        self.closed: bool | None = None
        self.secondary_closed: bool | None = None
        self.lock: LockPosition | None = None
        self.driver_fault = False
        self.rcd: bool | None = None
        self.tripped_with_ev = False
        self.emergency = False
        self.unplug_needed = False
        self._allowed = settings.authentication is AuthenticationMode.FREE
        self._for_session = False
        self.stopping = False
        self._station = -1.0
        self._names: dict[str, tuple[float, int]] = {}
        self._failsafe = True
        self.faults: dict[str, int] = {}
        self.fault_cleared: int | None = None
        self.ventilation_available = settings.ventilation.enable and not settings.ventilation.external
        self.ventilation_wanted = False
        self.phases = settings.phase_count
        self.delay_s = settings.phases.delay_s
        self._cable: Cable | None = None
        self._cable_since = now
        self.least_cable: int | None = None

    # ---------------------------------------------------------------- events

    def take(self, event: events.Event, now: int, *, trip_explained: bool) -> None:
        """Remember what ``event`` says; ``trip_explained`` while an RCD test or an RCD error is on."""
        if not (self._take_input(event, now) or self._take_wish(event, now)):
            self._take_relay2(event)
        if not self.emergency and self.pilot is CpState.A:
            self.unplug_needed = False
        if self.rcd is False and self.connected and not trip_explained:
            self.tripped_with_ev = True

    def _take_input(self, event: events.Event, now: int) -> bool:
        match event:
            case events.PilotSeen(state, diode_ok):
                self._take_pilot(state, diode_ok)
            case events.ProximitySeen(cable):
                if cable is not self._cable:
                    self._cable, self._cable_since = cable, now
            case events.PrimarySense(level):
                self.closed = _closed(level, self.settings.contactor_feedback)
            case events.SecondarySense(level):
                self.secondary_closed = _closed(level, self.secondary_feedback)
            case events.LockSense(position):
                self.lock = position
            case events.LockDriverFault(active):
                self.driver_fault = active
            case events.RcdFeedback(healthy):
                self.rcd = healthy
            case events.BoardFault(source, active):
                self._take_fault(source, active, now)
            case events.EmergencyInput(asserted) if self.settings.emergency_enable:
                self.emergency = asserted
                self.unplug_needed = self.unplug_needed or asserted
            case _:
                return False
        return True

    def _take_wish(self, event: events.Event, now: int) -> bool:
        mode = self.settings.authentication
        match event:
            case events.KeySwitch(on) if mode is AuthenticationMode.KEY_SWITCH:
                self._allowed = on
            case events.Authorization(allowed, session) if mode in _BY_MESSAGE:
                self._allowed, self._for_session = allowed, session
            case events.DynamicLimit(name, ampere) if name in self._names or len(self._names) < NAMES:
                self._names[name] = (ampere, now)
                self._failsafe = False
            case events.Stop():
                self.stopping = True
            case events.StationLimit(ampere):
                self._station, self._failsafe = ampere, False
            case _:
                return False
        return True

    def _take_pilot(self, state: CpState, diode_ok: bool) -> None:
        self.pilot = state
        if state in EV_STATES:
            self.connected = True
            self.diode_missing = self.diode_missing or not diode_ok
        elif state is CpState.A:
            if self.connected and self._for_session:
                self._allowed = self._for_session = False
            self.connected = self.diode_missing = self.tripped_with_ev = False
            self.least_cable = None

    def _take_fault(self, source: str, active: bool, now: int) -> None:
        if not active:
            if self.faults.pop(source, None) is not None and not self.faults:
                self.fault_cleared = now
            return
        self.faults.setdefault(source, now)
        if source == "relay1_sense":
            self.closed = None
        elif source == "relay2_sense":
            self.secondary_closed = None
        elif source == "rcd_feedback":
            self.rcd = None
        elif source == "lock_adc":
            self.lock = None

    def _take_relay2(self, event: events.Event) -> None:
        match event:
            case events.VentilationAvailable(available):
                if self.settings.ventilation.external:
                    self.ventilation_available = available
            case events.VentilationTarget(on):
                self.ventilation_wanted = on and self.settings.ventilation.external
            case events.PhaseTarget(count):
                if count in (1, 3) and self.settings.phase_switching:
                    self.phases = count
            case events.PhaseSwitchDelay(seconds):
                if 10 <= seconds <= 300:
                    self.delay_s = seconds
            case _:
                pass

    # ---------------------------------------------------------------- conclusions

    @property
    def authorized(self) -> bool:
        """Whether somebody may charge, and the program does not end."""
        return self._allowed and not self.stopping

    @property
    def rcd_in_order(self) -> bool:
        """Whether a monitored RCD tells that it is healthy, and no trip waits for the EV to be unplugged."""
        return not self.settings.rcd.enable or (self.rcd is True and not self.tripped_with_ev)

    @property
    def secondary_feedback(self) -> Feedback:
        """Contact type behind relay 2's sense input."""
        settings = self.settings
        return settings.phases.feedback if settings.phase_switching else settings.ventilation.feedback

    def cable_a(self, now: int) -> int | None:
        """Rating of a cable that was seen long enough; None when there is none."""
        if self._cable is None or now < self._cable_since + CABLE_BELIEVED_MS:
            return None
        if self._cable is Cable.A63 and self.settings.phase_count == 1:
            return 70
        return AMPERES.get(self._cable)

    def cable_known(self, now: int) -> bool:
        """Whether the latest reading has been there long enough to count."""
        return self._cable is not None and now >= self._cable_since + CABLE_BELIEVED_MS

    def powered(self, now: int) -> None:
        """Power is on: a cable seen meanwhile bounds the current until the EV is unplugged."""
        rating = self.cable_a(now)
        if rating is not None:
            self.least_cable = rating if self.least_cable is None else min(rating, self.least_cable)

    def limits(self) -> dict[str, float]:
        """The dynamic limits that count."""
        return {name: ampere for name, (ampere, _) in self._names.items()}

    def least_limit_a(self, now: int) -> float:
        """The least active limit but for a plugged cable's; exactly -1 is no limit."""
        settings = self.settings
        limits: list[float] = [settings.grid_limit_a, settings.evse_limit_a, self._station]
        if not settings.pluggable:
            limits.append(settings.fixed_cable_limit_a)
        if self._failsafe:
            limits.append(settings.failsafe_limit_a)
        age_ms = settings.dynamic_limit_maximum_age_s * 1000
        for ampere, heard in self._names.values():
            silent = age_ms > 0 and now - heard >= age_ms
            limits.append(max(settings.failsafe_limit_a, 0) if silent else ampere)
        return min((limit for limit in limits if limit != -1), default=0.0)

    def serves_ventilation(self, fan: bool) -> bool:
        """Whether state D may charge (guide Table 80); ``fan`` is relay 2's target."""
        settings = self.settings.ventilation
        if settings.always_accept_state_d:
            return True
        if not settings.enable or self.settings.phase_switching or not self.ventilation_available:
            return False
        follows = settings.feedback is Feedback.NONE or (self.secondary_closed or False) is fan
        return follows and (fan or settings.external)

    def board_works(self, now: int) -> bool:
        """Whether no source of the board has failed for 60 ms, nor did within the last second."""
        return all(now < since + 60 for since in self.faults.values())


def _closed(level: bool, feedback: Feedback) -> bool | None:
    if feedback is Feedback.NONE:
        return None
    return level is (feedback is Feedback.NORMALLY_OPEN)

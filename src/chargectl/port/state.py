"""The port's parts and what was last derived from them."""

from __future__ import annotations

from chargectl.declarations.types import ErrorRow, Reaction
from chargectl.pilot.duty import STEADY_CENTI
from chargectl.port.authorization import AuthorizationState
from chargectl.port.board_health import BoardHealth
from chargectl.port.effects import Note
from chargectl.port.high_level import HighLevel
from chargectl.port.limits import CurrentLimits
from chargectl.port.lock import PlugLock
from chargectl.port.phases import PowerPath
from chargectl.port.pilot_watch import PilotWatch
from chargectl.port.proximity import PluggedCable
from chargectl.port.rcd import Rcd
from chargectl.port.settings import PortSettings
from chargectl.port.ventilation import Ventilation
from chargectl.port.wake_up import WakeUp


class PortState:
    """Everything there is to know about the port at one moment."""

    def __init__(self, settings: PortSettings, now_ms: int) -> None:
        self.settings = settings
        self.pilot = PilotWatch()
        self.cable = PluggedCable(settings.phase_count, now_ms)
        self.limits = CurrentLimits(settings)
        self.authorization = AuthorizationState(settings.authentication)
        self.rcd = Rcd(settings.rcd, now_ms)
        self.lock = PlugLock(settings.lock)
        self.path = PowerPath(settings, now_ms)
        self.ventilation = None if settings.phase_switching else Ventilation(settings.ventilation)
        """None where relay 2 belongs to phase switching."""
        self.board = BoardHealth()
        self.wake_up = WakeUp(settings.force_wake_up, settings.wake_up_after_timeout)
        self.high_level = HighLevel() if settings.high_level else None
        """None where current is offered by the duty cycle."""
        self.emergency = False
        self.blocked = False
        """After an emergency: no power before the EV was unplugged (releasing a switch restarts nothing)."""
        self.stopping = False
        """The program ends: no offer any more."""
        self.connected = False
        """Whether an EV is there, as the parts were last told."""
        self.active_errors: tuple[ErrorRow, ...] = ()
        self.reaction = Reaction()
        self.duty_centi: int | None = STEADY_CENTI
        """Hundredths of a percent; None while the pilot is held at 0 V."""
        self.offered_a = 0.0
        self.notes: list[Note] = []
        """Lines for the journal that the next effects carry out."""

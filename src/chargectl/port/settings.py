"""What the port must know of its installation: the configuration keys that concern it, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, unique

from chargectl.config.configuration import Configuration
from chargectl.declarations import locks
from chargectl.declarations.types import LockType


@unique
class Feedback(Enum):
    """Auxiliary contact of a contactor (``contactor/feedback_type``)."""

    NORMALLY_CLOSED = "nc"
    NORMALLY_OPEN = "no"
    NONE = "none"


@unique
class AuthenticationMode(Enum):
    """How a user is authorized (``user_authentication``)."""

    FREE = "free"
    OCPP = "ocpp"
    MQTT = "mqtt"
    KEY_SWITCH = "key-switch"


def _lock(name: str) -> LockType:
    lock = locks.by_name(name)
    if lock is None:
        raise ValueError(f"no such plug lock type: {name!r}")
    return lock


@dataclass(frozen=True, slots=True)
class VentilationSettings:
    """The ``ventilation`` keys."""

    enable: bool = False
    external: bool = False
    feedback: Feedback = Feedback.NORMALLY_OPEN
    always_accept_state_d: bool = False


@dataclass(frozen=True, slots=True)
class RcdSettings:
    """The ``rcd_monitor`` keys; times in ms. ``test`` is False when there is no test output."""

    enable: bool = False
    test: bool = True
    trigger_ms: int = 815
    check_tripped_ms: int = 810
    check_normal_ms: int = 410


@dataclass(frozen=True, slots=True)
class PhaseSettings:
    """The ``switch3to1phase`` keys, and what its preconditions need to know of the board (guide 15.20)."""

    enable: bool = False
    feedback: Feedback = Feedback.NORMALLY_OPEN
    delay_s: int = 20
    two_relays: bool = True


@dataclass(frozen=True, slots=True)
class PortSettings:
    """Everything the port machine is told at start. Currents in ampere per phase; -1 is no limit."""

    pluggable: bool = True
    fixed_cable_limit_a: int = 6
    evse_limit_a: int = 6
    grid_limit_a: int = 16
    phase_count: int = 3
    failsafe_limit_a: int = -1
    dynamic_limit_maximum_age_s: int = 0
    contactor_feedback: Feedback = Feedback.NORMALLY_OPEN
    emergency_enable: bool = False
    lock: LockType = field(default_factory=lambda: _lock("EV-T2M3S-E-LOCK12V"))
    authentication: AuthenticationMode = AuthenticationMode.FREE
    force_wake_up: bool = False
    wake_up_after_timeout: bool = False
    basic_charging: bool = True
    """``charging_type`` is "basic"."""
    high_level: bool = False
    """``charging_type`` is "highlevel"."""
    rcd: RcdSettings = RcdSettings()
    ventilation: VentilationSettings = VentilationSettings()
    phases: PhaseSettings = PhaseSettings()

    @property
    def phase_switching(self) -> bool:
        """Whether all preconditions of phase switching hold (guide 15.20)."""
        return (
            self.phases.enable
            and self.phases.two_relays
            and self.phase_count == 3
            and self.basic_charging
            and not self.ventilation.enable
        )

    @classmethod
    def read(
        cls, customer: Configuration, *, phase_count: int, grid_limit_a: int, two_relays: bool
    ) -> PortSettings:
        """Read the port's keys of customer.json; the rest comes from the rotary switch and the board variant.

        A ventilation, internal or external, needs the second relay; without it the keys do not apply.
        """
        boolean, integer, string = customer.boolean, customer.integer, customer.string
        return cls(
            pluggable=boolean("ports[0]/pluggable"),
            fixed_cable_limit_a=integer("ports[0]/pp/cable_current_limit"),
            evse_limit_a=integer("ports[0]/evse_current_limit"),
            grid_limit_a=grid_limit_a,
            phase_count=phase_count,
            failsafe_limit_a=integer("ports[0]/failsafe_current_limit"),
            dynamic_limit_maximum_age_s=integer("ports[0]/dynamic_limit_maximum_age"),
            contactor_feedback=Feedback(string("ports[0]/contactor/feedback_type")),
            emergency_enable=boolean("ports[0]/emergency_alarm/enable"),
            lock=_lock(string("ports[0]/plug_lock/type")),
            authentication=AuthenticationMode(string("ports[0]/user_authentication")),
            force_wake_up=boolean("ports[0]/force_wake_up"),
            wake_up_after_timeout=boolean("ports[0]/wake_up_after_timeout"),
            basic_charging=string("ports[0]/charging_type") == "basic",
            high_level=string("ports[0]/charging_type") == "highlevel",
            rcd=RcdSettings(
                enable=boolean("ports[0]/rcd_monitor/enable"),
                test=integer("ports[0]/rcd_monitor/test_gpio") >= 0,
                trigger_ms=integer("ports[0]/rcd_monitor/test_trigger_time"),
                check_tripped_ms=integer("ports[0]/rcd_monitor/test_check_tripped_time"),
                check_normal_ms=integer("ports[0]/rcd_monitor/test_check_normal_time"),
            ),
            ventilation=VentilationSettings(
                enable=two_relays and boolean("ports[0]/ventilation/enable"),
                external=two_relays and string("ports[0]/ventilation/control") == "external",
                feedback=Feedback(string("ports[0]/ventilation/feedback_type")),
                always_accept_state_d=boolean("ports[0]/always_accept_cp_state_d"),
            ),
            phases=PhaseSettings(
                enable=boolean("ports[0]/switch3to1phase/enable"),
                feedback=Feedback(string("ports[0]/switch3to1phase/feedback_type")),
                delay_s=integer("ports[0]/switch3to1phase/switch_delay"),
                two_relays=two_relays,
            ),
        )

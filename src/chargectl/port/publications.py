"""What the port tells the world: one line per topic, published when its value changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.port.effects import Effect, Publish, PublishedValue, PublishTime
from chargectl.port.events import LockPosition
from chargectl.port.state import PortState

_PLUG_STATUS: Final = {LockPosition.LOCKED: "locked", LockPosition.UNLOCKED: "unlocked"}


def _plug_status(port: PortState) -> str:
    if not port.settings.pluggable or port.lock.position is None:
        return "unknown"
    return _PLUG_STATUS.get(port.lock.position, "unknown")


def _contactor_status(port: PortState) -> str:
    if not port.path.primary.position_known:
        return "unknown"
    return "closed" if port.path.primary.reported_closed() else "opened"


def _duty(port: PortState) -> float:
    # At 0 V nothing oscillates and nothing is offered.
    return (port.duty_centi or 0) / 100


def _cable_limit(port: PortState) -> int:
    if not port.settings.pluggable or port.cable.limit_a is None:
        return -1
    return port.cable.limit_a


def _ventilation_available(port: PortState) -> bool | None:
    return False if port.ventilation is None else port.ventilation.available


def _ventilation_target(port: PortState) -> bool | None:
    ventilation = port.ventilation
    return ventilation.target if ventilation is not None and ventilation.publishes_target else None


def _ventilation_actual(port: PortState) -> bool:
    return port.ventilation is not None and port.ventilation.actual


def _rcd_error(port: PortState) -> str:
    return port.rcd.error.code if port.rcd.error is not None else ""


def _proximity_error(port: PortState) -> str:
    return port.cable.error.code if port.settings.pluggable and port.cable.error is not None else ""


def _lock_failure(port: PortState) -> str:
    return port.lock.failure.code if port.settings.pluggable and port.lock.failure is not None else ""


def _cp_status(port: PortState) -> str | None:
    return port.pilot.state.value if port.pilot.known else None


def _errors(port: PortState) -> list[PublishedValue]:
    return [row.code for row in sorted(port.active_errors, key=lambda row: row.priority)]


def _protocol(port: PortState) -> str | None:
    return "IEC61851" if port.pilot.connected and port.settings.basic_charging else None


_PUBLISHED: Final[tuple[tuple[Topic, Callable[[PortState], PublishedValue | None]], ...]] = (
    (topics.TOPIC_CHARGE_INIT_PROTOCOL, _protocol),
    (topics.TOPIC_CHARGE_CP_STATUS, _cp_status),
    (topics.TOPIC_CHARGE_PWM_STATUS, _duty),
    (topics.TOPIC_CP_DUTY_CYCLE, _duty),
    (topics.TOPIC_CHARGE_PLUG_STATUS, _plug_status),
    (topics.TOPIC_PLUG_LOCK, lambda port: port.lock.target is LockPosition.LOCKED),
    (topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE, _lock_failure),
    (topics.TOPIC_CONTACTOR_STATE_TARGET, lambda port: port.path.primary.target),
    (topics.TOPIC_CONTACTOR_STATE_ACTUAL, lambda port: port.path.primary.reported_closed()),
    (topics.TOPIC_CHARGE_CONTACTOR_STATUS, _contactor_status),
    (topics.TOPIC_CONTACTOR_ERROR, lambda port: port.path.failed),
    (topics.TOPIC_CHARGING, lambda port: port.path.on and port.path.primary.reported_closed()),
    (topics.TOPIC_VENTILATION_AVAILABLE, _ventilation_available),
    (topics.TOPIC_VENTILATION_STATE_TARGET, _ventilation_target),
    (topics.TOPIC_VENTILATION_STATE_ACTUAL, _ventilation_actual),
    (topics.TOPIC_EVSE_PHASE_ACTUAL, lambda port: port.path.actual_phases()),
    (topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL, lambda port: port.settings.grid_limit_a),
    (topics.TOPIC_EVSE_EVSE_CURRENT_LIMIT_ACTUAL, lambda port: port.settings.evse_limit_a),
    (topics.TOPIC_CABLE_CURRENT_LIMIT, _cable_limit),
    (topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT, lambda port: port.limits.physical_a()),
    (topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT, lambda port: port.offered_a),
    (topics.TOPIC_RCD_FEEDBACK_AVAILABLE, lambda port: port.rcd.monitors),
    (topics.TOPIC_RCD_TEST_AVAILABLE, lambda port: port.rcd.tests),
    (topics.TOPIC_RCD_STATE_ACTUAL, lambda port: not port.rcd.tripped),
    (topics.TOPIC_RCD_ERROR, _rcd_error),
    (topics.TOPIC_EMERGENCY_SHUTDOWN, lambda port: port.emergency),
    (topics.TOPIC_SESSION_PROXIMITY_ERROR, _proximity_error),
    (topics.TOPIC_PORTD_ERRORS, _errors),
)
"""Every topic that the port publishes and where its value comes from; None is not published."""


_AT_PLUG_IN: Final = (topics.TOPIC_CHARGE_INIT_PROTOCOL, topics.TOPIC_EVSE_BASIC_PHYSICAL_CURRENT_LIMIT)
"""Published anew with each plug-in (guide Tables 58, 74)."""


class Publisher:
    """Remembers what was published last and finds what is new."""

    __slots__ = ("_again", "_last", "_test_ended")

    def __init__(self) -> None:
        self._last: list[PublishedValue | None] = [None] * len(_PUBLISHED)
        self._again: list[Topic] = []
        self._test_ended = False

    def plugged_in(self) -> None:
        """An EV was connected: what belongs to a session's beginning is published anew."""
        self._again += _AT_PLUG_IN

    def rcd_test_ended(self) -> None:
        """A test has ended: its time and its result are published, the result even when it is the old one."""
        self._test_ended = True
        self.rcd_answered()

    def rcd_answered(self) -> None:
        """Somebody asked for a test that cannot be made: the error that is there is the answer."""
        self._again.append(topics.TOPIC_RCD_ERROR)

    def changes(self, port: PortState) -> list[Effect]:
        """Return what is to be published now."""
        effects: list[Effect] = []
        last = self._last
        if self._test_ended:
            effects.append(PublishTime(topics.TOPIC_RCD_TEST_TIMESTAMP))
            self._test_ended = False
        for index, (topic, value_of) in enumerate(_PUBLISHED):
            value = value_of(port)
            again = bool(self._again) and topic in self._again
            if value != last[index] or again:
                last[index] = value
                if value is not None:
                    effects.append(Publish(topic, value, again))
        self._again.clear()
        return effects

"""Events into facts: what each event changes in the port's parts. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chargectl.port import events
from chargectl.port.effects import Note
from chargectl.port.state import PortState

_CONTACTOR_SENSE: Final = "relay1_sense"
_SECONDARY_SENSE: Final = "relay2_sense"
_RCD_SOURCE: Final = "rcd_feedback"
_LOCK_SENSE: Final = "lock_adc"


def take(port: PortState, event: events.Event, now_ms: int) -> None:
    """Put what ``event`` says into the part that it concerns; a Tick says nothing but the time."""
    handler = _HANDLERS.get(type(event))
    if handler is not None:
        handler(port, event, now_ms)


def _on_pilot(port: PortState, event: events.PilotSeen, now_ms: int) -> None:
    port.pilot.seen(event.state, event.diode_ok, now_ms)


def _on_proximity(port: PortState, event: events.ProximitySeen, now_ms: int) -> None:
    port.cable.seen(event.cable, now_ms)


def _on_primary(port: PortState, event: events.PrimarySense, now_ms: int) -> None:
    port.path.primary.sense(event.level, now_ms)


def _on_secondary(port: PortState, event: events.SecondarySense, now_ms: int) -> None:
    _sense_relay2(port, event.level, now_ms)


def _sense_relay2(port: PortState, level: bool | None, now_ms: int) -> None:
    if port.path.secondary is not None:
        port.path.secondary.sense(level, now_ms)
    elif port.ventilation is not None:
        port.ventilation.sense(level)


def _on_lock(port: PortState, event: events.LockSense, _now_ms: int) -> None:
    port.lock.sense(event.position)


def _on_capacitor(port: PortState, event: events.LockCapacitor, _now_ms: int) -> None:
    port.lock.capacitor(event.charged)


def _on_driver_fault(port: PortState, event: events.LockDriverFault, _now_ms: int) -> None:
    port.lock.driver_fault(event.active)


def _on_rcd(port: PortState, event: events.RcdFeedback, _now_ms: int) -> None:
    port.rcd.feedback(event.healthy)


def _on_emergency(port: PortState, event: events.EmergencyInput, _now_ms: int) -> None:
    if port.settings.emergency_enable:
        port.emergency = event.asserted
        port.blocked = port.blocked or event.asserted


def _on_key(port: PortState, event: events.KeySwitch, _now_ms: int) -> None:
    port.authorization.key(event.on)


def _on_authorization(port: PortState, event: events.Authorization, _now_ms: int) -> None:
    port.authorization.message(event.allowed, event.session)


def _on_dynamic_limit(port: PortState, event: events.DynamicLimit, now_ms: int) -> None:
    if not port.limits.set_dynamic(event.name, event.ampere, now_ms):
        text = f"current limit {event.name!r} ignored: five names are in use"
        port.notes.append(Note(text, problem=True))


def _on_station_limit(port: PortState, event: events.StationLimit, _now_ms: int) -> None:
    port.limits.set_station(event.ampere)


def _on_ventilation_available(port: PortState, event: events.VentilationAvailable, _now_ms: int) -> None:
    if port.ventilation is not None:
        port.ventilation.customer_available(event.available)


def _on_ventilation_target(port: PortState, event: events.VentilationTarget, _now_ms: int) -> None:
    if port.ventilation is not None:
        port.ventilation.customer_target(event.on)


def _on_phases(port: PortState, event: events.PhaseTarget, _now_ms: int) -> None:
    if not port.path.want_phases(event.count):
        port.notes.append(Note(f"phase count {event.count} ignored: not 1 or 3, or not switchable here"))


def _on_phase_delay(port: PortState, event: events.PhaseSwitchDelay, _now_ms: int) -> None:
    if not port.path.set_delay(event.seconds):
        port.notes.append(Note(f"phase switch delay {event.seconds} s ignored: not 10 to 300"))


def _on_rcd_request(port: PortState, _event: events.RcdTestRequest, _now_ms: int) -> None:
    if not port.rcd.request():
        port.rcd.unanswered = True


def _on_wish(port: PortState, event: events.SessionWished, now_ms: int) -> None:
    if port.high_level is not None:
        port.high_level.hear(event.wish, now_ms)
        allowed = event.wish is not None and event.wish.authorized
        port.authorization.session_result(allowed, port.connected)


def _on_board_fault(port: PortState, event: events.BoardFault, now_ms: int) -> None:
    port.board.fault(event.source, event.active, now_ms)
    if not event.active:
        return
    # What cannot be read any more is not known any more.
    if event.source == _CONTACTOR_SENSE:
        port.path.primary.sense(None, now_ms)
    elif event.source == _SECONDARY_SENSE:
        _sense_relay2(port, None, now_ms)
    elif event.source == _RCD_SOURCE:
        port.rcd.feedback(None)
    elif event.source == _LOCK_SENSE:
        port.lock.sense(None)


def _on_stop(port: PortState, _event: events.Stop, _now_ms: int) -> None:
    port.stopping = True


_HANDLERS: Final[dict[type, Callable[..., None]]] = {
    events.PilotSeen: _on_pilot,
    events.ProximitySeen: _on_proximity,
    events.PrimarySense: _on_primary,
    events.SecondarySense: _on_secondary,
    events.LockSense: _on_lock,
    events.LockCapacitor: _on_capacitor,
    events.LockDriverFault: _on_driver_fault,
    events.RcdFeedback: _on_rcd,
    events.EmergencyInput: _on_emergency,
    events.KeySwitch: _on_key,
    events.Authorization: _on_authorization,
    events.DynamicLimit: _on_dynamic_limit,
    events.StationLimit: _on_station_limit,
    events.VentilationAvailable: _on_ventilation_available,
    events.VentilationTarget: _on_ventilation_target,
    events.PhaseTarget: _on_phases,
    events.PhaseSwitchDelay: _on_phase_delay,
    events.RcdTestRequest: _on_rcd_request,
    events.SessionWished: _on_wish,
    events.BoardFault: _on_board_fault,
    events.Stop: _on_stop,
}

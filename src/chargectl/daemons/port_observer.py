"""From what the board reads to what the port is told: beliefs, thresholds, and only what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from chargectl.board.port_board import Inputs
from chargectl.declarations.types import LockType
from chargectl.pilot.duty import NEGATIVE_CENTI, STEADY_CENTI
from chargectl.pilot.proximity import Cable, cable_for_voltage
from chargectl.pilot.tracker import CONFIRMING_SAMPLES, PilotTracker
from chargectl.port import events
from chargectl.port.lock import position_for_voltage

log = logging.getLogger(__name__)

CAPACITOR_CHARGED_MV: Final = 10_000
"""From here on the lock motor's capacitor holds enough for a drive (board data of Charge Control C)."""


class PortObserver:
    """Compares each cycle's inputs with the last and yields the events that the port has to know."""

    def __init__(self, lock: LockType | None) -> None:
        self._lock = lock
        self._pilot = PilotTracker()
        self._pilot_samples = 0
        self._duty_centi: int | None = STEADY_CENTI
        self._cable: Cable | None = None
        self._primary: bool | None = None
        self._secondary: bool | None = None
        self._position: events.LockPosition | None = None
        self._charged: bool | None = None
        self._driver_fault: bool | None = None
        self._rcd: bool | None = None
        self._emergency: bool | None = None
        self._key: bool | None = None
        self._faults: dict[str, str] = {}

    def pilot_set(self, duty_centi: int | None) -> None:
        """Take what the pilot was just set to: the next samples are judged by it."""
        self._duty_centi = duty_centi
        self._pilot.restart()

    def urgent(self, emergency: bool | None, rcd_healthy: bool | None) -> Iterator[events.Event]:
        """Yield what must not wait for the next cycle. None is "not fitted" or "not readable"."""
        if emergency is not None and emergency is not self._emergency:
            self._emergency = emergency
            yield events.EmergencyInput(emergency)
        if rcd_healthy is not None and rcd_healthy is not self._rcd:
            self._rcd = rcd_healthy
            yield events.RcdFeedback(rcd_healthy)

    def observe(self, inputs: Inputs) -> Iterator[events.Event]:
        """Yield the events of one cycle, the urgent ones first."""
        yield from self.urgent(inputs.emergency, inputs.rcd_healthy)
        if inputs.relay1_sense is not None and inputs.relay1_sense is not self._primary:
            self._primary = inputs.relay1_sense
            yield events.PrimarySense(inputs.relay1_sense)
        if inputs.relay2_sense is not None and inputs.relay2_sense is not self._secondary:
            self._secondary = inputs.relay2_sense
            yield events.SecondarySense(inputs.relay2_sense)
        if inputs.faults or self._faults:
            yield from self._fault_events(inputs)
        if inputs.pilot is not None:
            yield from self._pilot_events(*inputs.pilot)
        if inputs.proximity_mv is not None:
            cable = cable_for_voltage(inputs.proximity_mv)
            if cable is not self._cable:
                self._cable = cable
                yield events.ProximitySeen(cable)
        if self._lock is not None:
            yield from self._lock_events(self._lock, inputs)
        if inputs.key_switch is not None and inputs.key_switch is not self._key:
            self._key = inputs.key_switch
            yield events.KeySwitch(inputs.key_switch)

    def _pilot_events(self, positive_mv: int, negative_mv: int) -> Iterator[events.Event]:
        before = self._pilot.state
        pwm_running = self._duty_centi not in (None, NEGATIVE_CENTI, STEADY_CENTI)
        changed = self._pilot.feed(positive_mv, negative_mv, pwm_running)
        # After a start nobody knows what is plugged in: it is told when it is believed, not before.
        if self._pilot_samples < CONFIRMING_SAMPLES:
            self._pilot_samples += 1
            changed = changed or self._pilot_samples == CONFIRMING_SAMPLES
        if changed:
            if self._pilot.state is not before:
                log.info(
                    "CP state change from %s to %s, U_CP+: %d mV, U_CP-: %d mV",
                    before.value,
                    self._pilot.state.value,
                    positive_mv,
                    negative_mv,
                )
            yield events.PilotSeen(self._pilot.state, self._pilot.diode_ok)

    def _lock_events(self, lock: LockType, inputs: Inputs) -> Iterator[events.Event]:
        if inputs.capacitor_mv is not None:
            charged = inputs.capacitor_mv >= CAPACITOR_CHARGED_MV
            if charged is not self._charged:
                self._charged = charged
                yield events.LockCapacitor(charged)
        if inputs.lock_fault is not None and inputs.lock_fault is not self._driver_fault:
            self._driver_fault = inputs.lock_fault
            yield events.LockDriverFault(inputs.lock_fault)
        if inputs.lock_mv is not None:
            position = position_for_voltage(lock, inputs.lock_mv)
            if position is not self._position:
                self._position = position
                yield events.LockSense(position)

    def _fault_events(self, inputs: Inputs) -> Iterator[events.Event]:
        failing = {fault.source for fault in inputs.faults}
        for fault in inputs.faults:
            if fault.source not in self._faults:
                self._faults[fault.source] = str(fault)
                log.error("%s", fault)
                self._forget(fault.source)
                yield events.BoardFault(fault.source, True)
        for source in [source for source in self._faults if source not in failing]:
            del self._faults[source]
            log.warning("%s works again", source)
            yield events.BoardFault(source, False)

    def _forget(self, source: str) -> None:
        """What failed is told anew when it works again: the port forgot it with the fault."""
        if source == "relay1_sense":
            self._primary = None
        elif source == "relay2_sense":
            self._secondary = None
        elif source == "rcd_feedback":
            self._rcd = None
        elif source == "lock_adc":
            self._position = None

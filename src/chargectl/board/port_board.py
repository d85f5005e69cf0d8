"""One charging port at its pins: everything portd samples and drives, behind one object.

Reading never raises: a source that fails gives no value and one fault, and the others are read all the same.
What failed is opened anew in the following cycles, so a fault ends by itself when the cause is gone.
Driving raises BoardError: whoever wanted a relay to open has to know that it did not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from chargectl.board.digital_io import InputThreshold
from chargectl.board.errors import BoardError
from chargectl.board.gpio import InputLine, OutputLine
from chargectl.board.iio import AnalogInput
from chargectl.board.motor import LockMotor
from chargectl.board.pilot_io import PilotOutput, PilotPeaks
from chargectl.board.profile import BoardProfile
from chargectl.board.relay import Relay
from chargectl.board.sysfs import Sleep
from chargectl.board.urgent import UrgentInputs
from chargectl.port.effects import LockMotion

_T = TypeVar("_T")

_STEADY_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class PortWiring:
    """What the configuration connects to the port. A GPIO of None: not there, or not monitored."""

    emergency_gpio: int | None = None
    emergency_active_low: bool = False
    rcd_gpio: int | None = None
    rcd_healthy_high: bool = True
    """The feedback's level in normal operation."""
    rcd_test_gpio: int | None = None
    rcd_test_active_high: bool = True
    key_switch_gpio: int | None = None
    threshold_mv: int = 6000
    """Threshold of all digital inputs (0..12000 mV)."""
    status_led_gpios: tuple[int, ...] = ()
    use_relay2: bool = False
    """Relay 2 is the port's own (ventilation, secondary contactor); otherwise it is left alone."""
    pluggable: bool = True
    """A socket: with proximity contact and plug lock."""


@dataclass(slots=True)
class Inputs:
    """One sample of everything. None is a value that does not exist or could not be read (see ``faults``)."""

    emergency: bool | None
    """The emergency switch is asserted."""
    rcd_healthy: bool | None
    relay1_sense: bool | None
    """Raw level."""
    relay2_sense: bool | None
    """Raw level."""
    lock_fault: bool | None
    """The motor driver reports a fault."""
    pilot: tuple[int, int] | None
    """Positive and negative peak in mV."""
    proximity_mv: int | None
    lock_mv: int | None
    """Voltage of the lock's position switch."""
    capacitor_mv: int | None
    """Voltage of the lock's capacitor."""
    key_switch: bool | None
    """Level of the authorization key switch."""
    faults: tuple[BoardError, ...]


@dataclass(slots=True)
class Urgent:
    """The two inputs that must be acted on at once."""

    emergency: bool | None
    rcd_healthy: bool | None
    faults: tuple[BoardError, ...]


class _Part(Protocol):
    def open(self, sleep: Sleep | None = None) -> None: ...

    def close(self) -> None: ...


class PortBoard:
    """The pins of one port.

    ``sleep`` takes seconds; it times the pilot measurement (3.5 ms a sample) and waits for udev in ``open``.
    Raises ValueError when the wiring asks for what the board does not have.
    """

    def __init__(
        self, profile: BoardProfile, wiring: PortWiring, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        relays = profile.relays[: 2 if wiring.use_relay2 else 1]
        if wiring.use_relay2 and len(relays) < 2:
            raise ValueError(f"relay 2: {profile.name} {profile.variant} has only one relay")
        self._wiring = wiring
        self._sleep = sleep
        self._relays = tuple(Relay(pins, index) for index, pins in enumerate(relays, start=1))
        self._relay2_sense = self._relays[1].sense_line if wiring.use_relay2 else None
        self._motor = LockMotor(profile.plug_lock, "lock_motor", "lock_fault")
        self._pilot = PilotOutput(profile.pilot)
        self._peaks = PilotPeaks(profile.pilot, sleep)
        self._threshold = InputThreshold(profile, wiring.threshold_mv)
        self._emergency = _input(wiring.emergency_gpio, "emergency_input", edges=True)
        self._rcd = _input(wiring.rcd_gpio, "rcd_feedback", edges=True)
        self._key_switch = _input(wiring.key_switch_gpio, "key_switch")
        self._rcd_test = (
            None
            if wiring.rcd_test_gpio is None
            else OutputLine(wiring.rcd_test_gpio, "rcd_test", safe=not wiring.rcd_test_active_high)
        )
        self._leds = {gpio: OutputLine(gpio, "status_led", safe=False) for gpio in wiring.status_led_gpios}
        socket = wiring.pluggable
        self._lock_fault = self._motor.fault_line if socket else None
        self._proximity = AnalogInput(profile.proximity, "proximity_adc") if socket else None
        self._lock_sense = AnalogInput(profile.plug_lock.sense, "lock_adc") if socket else None
        self._capacitor = AnalogInput(profile.lock_capacitor, "capacitor_adc") if socket else None
        self._driven = (
            *(relay.line for relay in self._relays),
            self._motor.in1,
            self._motor.in2,
            *((self._rcd_test,) if self._rcd_test else ()),
        )
        """Outputs whose loss is a fault of the port. The status LED's is not: it must not end a charge."""
        self._urgent = UrgentInputs([line for line in (self._emergency, self._rcd) if line])
        self._faults: list[BoardError] = []

    def open(self) -> tuple[BoardError, ...]:
        """Open everything, outputs first and at their safe levels, and return what did not work.

        What did not work is tried again with every ``sample``. The pilot is at 0 V (state E) afterwards.
        """
        for part in self._parts():
            self._try(partial(part.open, self._sleep))
        return self._take_faults()

    def close(self) -> None:
        """Close all files. Outputs stay as they are: call ``safe_outputs`` first."""
        for part in self._parts():
            part.close()
        self._urgent.close()

    def sample(self) -> Inputs:
        """Read everything once; takes about 4 ms, most of it in the pilot's peak detectors. Never raises.

        What can demand to open the contactor comes first.
        """
        emergency, rcd_healthy = self._read_emergency(), self._read_rcd()
        relay1_sense = self._level(self._relays[0].sense_line)
        relay2_sense = self._level(self._relay2_sense)
        lock_fault = self._try(self._motor.fault) if self._lock_fault else None
        self._reopen_outputs()
        return Inputs(
            emergency=emergency,
            rcd_healthy=rcd_healthy,
            relay1_sense=relay1_sense,
            relay2_sense=relay2_sense,
            lock_fault=lock_fault,
            pilot=self._try(self._peaks.measure),
            proximity_mv=self._millivolts(self._proximity),
            lock_mv=self._millivolts(self._lock_sense),
            capacitor_mv=self._millivolts(self._capacitor),
            key_switch=self._level(self._key_switch),
            faults=self._take_faults(),
        )

    def urgent_fds(self) -> tuple[int, ...]:
        """Return the descriptors of the emergency and RCD inputs that work, to be polled for EPOLLPRI."""
        return self._urgent.fds()

    def wait_urgent(self, timeout_s: float) -> bool:
        """Wait for an edge of the emergency or RCD input, at most ``timeout_s``; return whether one came.

        An edge is reported until ``read_urgent`` or ``sample`` has read the input.
        """
        return self._urgent.wait(timeout_s)

    def read_urgent(self) -> Urgent:
        """Read the emergency and RCD inputs alone. Never raises."""
        return Urgent(self._read_emergency(), self._read_rcd(), self._take_faults())

    def set_duty(self, percent: float) -> None:
        """Put a duty cycle (0..100 %) on the pilot. Raises ValueError for another one, BoardError."""
        self._pilot.set_duty(percent)

    def pilot_off(self) -> None:
        """Put the pilot to 0 V (state E); takes 2 ms. Raises BoardError."""
        self._pilot.off(self._sleep)

    def set_relay(self, index: int, on: bool) -> None:
        """Close or open relay 1 or 2. Raises BoardError, also for closing a relay that is not the port's.

        A relay that could not be closed is open or gets opened, as soon as its pin works again.
        """
        if 1 <= index <= len(self._relays):
            self._relays[index - 1].set(on)
        elif on:
            raise BoardError(f"relay{index}_output", f"relay {index}", None, problem="not used by this port")

    def drive_lock(self, motion: LockMotion) -> None:
        """Drive the plug lock's motor until told otherwise, or stop it. Raises BoardError."""
        self._motor.drive(motion)

    def set_rcd_test(self, active: bool) -> None:
        """Switch the RCD's test trigger. Raises BoardError, also for switching on where there is none."""
        if self._rcd_test is not None:
            self._rcd_test.write(active is self._wiring.rcd_test_active_high)
        elif active:
            raise BoardError("rcd_test", "test_gpio", None, problem="no test trigger is configured")

    def set_output(self, gpio: int, high: bool) -> None:
        """Set a status LED's output. Raises BoardError, also for a GPIO that is no status LED."""
        line = self._leds.get(gpio)
        if line is None:
            raise BoardError("status_led", f"gpio{gpio}", None, problem="not configured as a status LED")
        line.write(high)

    def safe_outputs(self) -> tuple[BoardError, ...]:
        """Open the relays, stop the motor, end the RCD test, offer no current (pilot 100 %).

        Tries each of them whatever happens to the others and returns what did not work.
        """
        for relay in self._relays:
            self._try(partial(relay.set, False))
        self._try(lambda: self._motor.drive(LockMotion.OFF))
        self._try(lambda: self.set_rcd_test(False))
        self._try(lambda: self._pilot.set_duty(_STEADY_PERCENT))
        return self._take_faults()

    def _parts(self) -> Sequence[_Part]:
        parts: tuple[_Part | None, ...] = (
            *self._driven,
            self._pilot,
            self._threshold,
            self._emergency,
            self._rcd,
            *(relay.sense_line for relay in self._relays),
            self._lock_fault,
            self._peaks,
            self._proximity,
            self._lock_sense,
            self._capacitor,
            self._key_switch,
            *self._leds.values(),
        )
        return [part for part in parts if part is not None]

    def _reopen_outputs(self) -> None:
        for line in self._driven:
            if line.fd < 0:
                self._try(line.open)
        if not self._pilot.works:
            self._try(lambda: self._pilot.restore(self._sleep))
        if not self._threshold.works:
            self._try(self._threshold.open)

    def _read_emergency(self) -> bool | None:
        level = self._level(self._emergency)
        return None if level is None else level is not self._wiring.emergency_active_low

    def _read_rcd(self) -> bool | None:
        level = self._level(self._rcd)
        return None if level is None else level is self._wiring.rcd_healthy_high

    def _level(self, line: InputLine | None) -> bool | None:
        return None if line is None else self._try(line.read)

    def _millivolts(self, analog: AnalogInput | None) -> int | None:
        return None if analog is None else self._try(analog.read_mv)

    def _try(self, action: Callable[[], _T]) -> _T | None:
        try:
            return action()
        except BoardError as error:
            # Without its traceback: that holds this frame, and with it a cycle for the garbage collector.
            self._faults.append(error.with_traceback(None))
            return None

    def _take_faults(self) -> tuple[BoardError, ...]:
        if not self._faults:
            return ()
        faults = tuple(self._faults)
        self._faults.clear()
        return faults


def _input(gpio: int | None, source: str, *, edges: bool = False) -> InputLine | None:
    return None if gpio is None else InputLine(gpio, source, edges=edges)

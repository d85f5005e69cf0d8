"""The control pilot at its pins: the source's duty cycle and the two peak voltages on the line."""

from __future__ import annotations

from typing import Final

from chargectl.board.errors import BoardError
from chargectl.board.gpio import OutputLine
from chargectl.board.iio import AnalogInput
from chargectl.board.profile import PilotPins, Pin
from chargectl.board.pwm import PwmOutput
from chargectl.board.sysfs import Sleep

_OFF_STEADY_S: Final = 0.002
"""How long the source stays at steady +12 V before it is taken from the line: two periods, so that it is not
cut in a negative half wave and the line's last level is always the same."""
_RESET_S: Final = 0.0015
"""Peak detectors held in reset: longer than one period of 1 ms."""
_ACQUIRE_S: Final = 0.002
"""From the release to the reading: two full periods, so each detector has seen both half waves."""


def _inactive(pin: Pin, source: str) -> OutputLine:
    return OutputLine(pin.number, source, safe=pin.active_low)


class PilotOutput:
    """The pilot's source. After ``open`` it is off the line (0 V, state E) until a duty cycle is set."""

    __slots__ = ("_applied", "_invert", "_on_line", "_pwm", "_wanted")

    def __init__(self, pins: PilotPins) -> None:
        self._pwm = PwmOutput(pins.pwm, "pilot_output")
        self._invert = _inactive(pins.invert, "pilot_output")
        self._wanted: int | None = None
        """High time in ns; None is off."""
        self._applied = True
        """Whether the last command went through."""
        self._on_line = False

    @property
    def works(self) -> bool:
        """Whether the last command went through and both files are open."""
        return self._applied and self._pwm.is_open and self._invert.fd >= 0

    def open(self, sleep: Sleep | None = None) -> None:
        """Open both; the source is taken from the line first. Raises BoardError."""
        self._wanted, self._on_line, self._applied = None, False, False
        self._invert.open(sleep)
        self._pwm.open(sleep)
        self._applied = True

    def close(self) -> None:
        """Close the files; the pilot stays as it is."""
        self._invert.close()
        self._pwm.close()

    def set_duty(self, percent: float) -> None:
        """Put the duty cycle (0..100 %, in steps of 0.01 %, at 1 kHz) on the line.

        100 is steady +12 V, 0 steady -12 V (state F). Raises ValueError for another duty, BoardError when a
        pin refuses.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"pilot duty {percent} %: 0 to 100 is allowed")
        self._wanted = round(percent * 100) * self._pwm.period_ns // 10_000
        self._put(self._wanted)

    def off(self, sleep: Sleep) -> None:
        """Take the source from the line in a defined way: 0 V, state E. Takes 2 ms. Raises BoardError.

        The line is left alone even when the PWM refuses.
        """
        self._wanted, self._on_line, self._applied = None, False, False
        failure: BoardError | None = None
        try:
            self._pwm.set_duty_ns(self._pwm.period_ns)
            sleep(_OFF_STEADY_S)
        except BoardError as error:
            failure = error
        self._invert.write(self._invert.safe)
        if failure is not None:
            raise failure
        self._pwm.enable(False)
        self._applied = True

    def restore(self, sleep: Sleep) -> None:
        """Open anew what failed and repeat the last command. Raises BoardError while that is not possible."""
        if self._wanted is None:
            self.off(sleep)
        else:
            self._put(self._wanted)

    def _put(self, duty_ns: int) -> None:
        steady = self.works and self._on_line
        self._applied = False
        self._pwm.set_duty_ns(duty_ns)
        if not steady:
            # The source runs before it reaches the line: a stopped PWM there would be steady -12 V.
            self._pwm.enable(True)
            self._invert.write(not self._invert.safe)
            self._on_line = True
        self._applied = True


class PilotPeaks:
    """The peak detectors on the line: the highest and the lowest voltage of the last period."""

    __slots__ = ("_negative", "_negative_reset", "_positive", "_positive_reset", "_sleep")

    def __init__(self, pins: PilotPins, sleep: Sleep) -> None:
        self._positive = AnalogInput(pins.positive_peak, "pilot_adc")
        self._negative = AnalogInput(pins.negative_peak, "pilot_adc")
        self._positive_reset = _inactive(pins.positive_reset, "pilot_adc")
        self._negative_reset = _inactive(pins.negative_reset, "pilot_adc")
        self._sleep = sleep

    def open(self, sleep: Sleep | None = None) -> None:
        """Open both reset lines and both channels. Raises BoardError."""
        self._positive_reset.open(sleep)
        self._negative_reset.open(sleep)
        self._positive.open()
        self._negative.open()

    def close(self) -> None:
        """Close the files."""
        for part in (self._positive_reset, self._negative_reset, self._positive, self._negative):
            part.close()

    def measure(self) -> tuple[int, int]:
        """Return the positive and the negative peak in mV. Takes 3.5 ms. Raises BoardError."""
        positive, negative = self._positive_reset, self._negative_reset
        try:
            positive.write(not positive.safe)
            negative.write(not negative.safe)
            self._sleep(_RESET_S)
        finally:
            try:
                positive.write(positive.safe)
            finally:
                negative.write(negative.safe)
        self._sleep(_ACQUIRE_S)
        return self._positive.read_mv(), self._negative.read_mv()

"""The digital inputs' common threshold (guide 7.9.1). The inputs and outputs themselves are GPIO lines."""

from __future__ import annotations

from chargectl.board.profile import BoardProfile
from chargectl.board.pwm import PwmOutput
from chargectl.board.sysfs import Sleep


def threshold_duty_ns(threshold_mv: int, period_ns: int, full_scale_mv: int) -> int:
    """Return the high time (ns) that sets the threshold: 6 V of 12 V at 40 000 ns are 20 000 ns.

    Raises ValueError for a threshold outside of 0..full scale.
    """
    if not 0 <= threshold_mv <= full_scale_mv:
        raise ValueError(f"input threshold {threshold_mv} mV: 0 to {full_scale_mv} is allowed")
    return threshold_mv * period_ns // full_scale_mv


class InputThreshold:
    """The voltage above which every digital input reads high."""

    __slots__ = ("_duty_ns", "_pwm")

    def __init__(self, profile: BoardProfile, threshold_mv: int) -> None:
        """Take the threshold in mV (0..12000). Raises ValueError for another one."""
        channel, full_scale_mv = profile.input_threshold, profile.input_threshold_full_scale_mv
        self._duty_ns = threshold_duty_ns(threshold_mv, channel.period_ns, full_scale_mv)
        self._pwm = PwmOutput(channel, "input_threshold")

    @property
    def works(self) -> bool:
        """Whether the threshold was set."""
        return self._pwm.is_open

    def open(self, sleep: Sleep | None = None) -> None:
        """Set the threshold and start its PWM. Raises BoardError."""
        self._pwm.open(sleep)
        self._pwm.set_duty_ns(self._duty_ns)
        self._pwm.enable(True)

    def close(self) -> None:
        """Close the files; the threshold stays."""
        self._pwm.close()

"""Faults of the board's devices, injected by name.

A name says what fails and how; :data:`FAULTS` lists the forms. The same name removes a fault.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

FAULTS: Final = {
    "gpio/N:ERRNO": "every access to GPIO line N fails, also on open descriptors (gpio/131:EIO)",
    "gpio/N=0|1": "line N reads this level, whatever is connected (gpio/131=1)",
    "adc/N:ERRNO": "reading ADC channel N fails (adc/2:EIO)",
    "adc/N=RAW": "ADC channel N reads this raw value (adc/5=4095)",
    "pwm/NAME:ERRNO": "every access to the PWM chip fails (pwm/20fc000.pwm:EIO)",
    "led/NAME:ERRNO": "every access to the LED fails (led/green:boot:EIO)",
    "w1/ID:ERRNO": "reading the 1-Wire sensor fails (w1/28-0000075a1b2c:EIO)",
    "/sys/PATH:ERRNO": "every access to this file, or to all below this folder, fails",
    "vanish /sys/PATH": "this file or folder is gone; open descriptors fail with ENODEV",
}
"""The forms of a fault's name, with their meaning."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A parsed fault: ``number`` (an errno) or ``value`` (a stuck reading) on a device or a path."""

    name: str
    target: str
    number: int | None = None
    value: int | None = None
    vanished: bool = False


def parse(name: str) -> Fault:
    """Read a fault's name; raises ValueError naming the allowed forms."""
    name = name.strip()
    if name.startswith("vanish "):
        path = name.removeprefix("vanish ").strip().rstrip("/")
        if path.startswith("/sys/"):
            return Fault(f"vanish {path}", path, errno.ENODEV, vanished=True)
        raise _unreadable(name)
    kind, _, rest = name.partition("/")
    if kind in ("gpio", "adc") and "=" in rest:
        number, _, value = rest.partition("=")
        if number.isdigit() and value.isdigit():
            return Fault(name, f"{kind}/{number}", value=int(value))
    target, separator, error = name.rpartition(":")
    number_of = getattr(errno, error, None)
    known = kind in ("gpio", "adc", "pwm", "led", "w1") or name.startswith("/sys/")
    if separator and isinstance(number_of, int) and known:
        return Fault(name, target.rstrip("/"), number_of)
    raise _unreadable(name)


def _unreadable(name: str) -> ValueError:
    return ValueError(f"fault {name!r}: one of {', '.join(FAULTS)} is allowed")


class FaultSet:
    """The faults that are active now."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    @property
    def names(self) -> list[str]:
        """Names of the active faults."""
        return list(self._faults)

    def add(self, name: str) -> None:
        """Inject a fault; raises ValueError for a name of no known form."""
        fault = parse(name)
        self._faults[fault.name] = fault

    def remove(self, name: str | None) -> None:
        """Remove one fault, or all of them; raises ValueError when it is not active."""
        if name is None:
            self._faults.clear()
        elif self._faults.pop(parse(name).name, None) is None:
            active = ", ".join(self._faults) or "none"
            raise ValueError(f"fault {name!r} is not active; active: {active}")

    def stuck(self, device: str) -> int | None:
        """The reading at which a device (``gpio/131``, ``adc/2``) is stuck, or None."""
        for fault in self._faults.values():
            if fault.value is not None and fault.target == device:
                return fault.value
        return None

    def errno_for(self, device: str, path: str) -> int | None:
        """The errno with which an access to a device's file fails, or None."""
        for fault in self._faults.values():
            if fault.number is not None and (fault.target == device or _covers(fault.target, path)):
                return fault.number
        return None

    def vanished(self, path: str) -> bool:
        """Whether a path is gone."""
        return any(fault.vanished and _covers(fault.target, path) for fault in self._faults.values())


def _covers(target: str, path: str) -> bool:
    return path == target or path.startswith(target + "/")

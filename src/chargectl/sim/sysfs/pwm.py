"""``/sys/class/pwm``: chips that are told apart by their ``device`` link, with the kernel's checks.

Source: Documentation/driver-api/pwm.rst and the behaviour of drivers/pwm/sysfs.c.
"""

from __future__ import annotations

import errno
from typing import Final

from chargectl.sim.sysfs.nodes import Folder, SysfsError, invalid, to_int, to_unsigned, word
from chargectl.sim.world import Pwm, World

BUSES: Final = {"20fc000.pwm": "2000000.bus", "2084000.pwm": "2000000.bus"}


class PwmChip:
    """One chip with one channel."""

    def __init__(self, world: World, root: Folder, name: str, index: int) -> None:
        self._world = world
        self._pwm: Pwm = world.pwms[name]
        self._exported = False
        device = f"pwm/{name}"
        platform = f"devices/platform/soc/{BUSES[name]}/{name}"
        root.folder(platform).text("modalias", f"of:Npwm{name}")
        self._chip = root.folder(f"class/pwm/pwmchip{index}", device)
        self._chip.text("npwm", "1")
        self._chip.file("export", write=self._export)
        self._chip.file("unexport", write=self._unexport)
        self._chip.link("device", f"../../../{platform}")

    def _export(self, text: str) -> None:
        self._channel(text)
        if self._exported:
            raise SysfsError(errno.EBUSY)
        self._exported = True
        channel = Folder(device=self._chip.device)
        pwm = self._pwm
        channel.file("period", lambda: f"{pwm.period_ns}\n", self._set_period)
        channel.file("duty_cycle", lambda: f"{pwm.duty_ns}\n", self._set_duty)
        channel.file("enable", lambda: f"{int(pwm.running)}\n", self._set_enable)
        channel.file("polarity", lambda: "inversed\n" if pwm.inversed else "normal\n", self._set_polarity)
        self._chip.add("pwm0", channel)

    def _unexport(self, text: str) -> None:
        self._channel(text)
        if not self._exported:
            raise SysfsError(errno.ENODEV)
        self._exported = False
        self._chip.remove("pwm0")

    def _channel(self, text: str) -> None:
        if to_unsigned(text) != 0:
            raise SysfsError(errno.ENODEV)

    def _apply(self, period_ns: int, duty_ns: int, *, running: bool, inversed: bool) -> None:
        if period_ns == 0 or duty_ns > period_ns:
            raise invalid()
        pwm = self._pwm
        pwm.period_ns, pwm.duty_ns, pwm.running, pwm.inversed = period_ns, duty_ns, running, inversed
        self._world.settle()

    def _set_period(self, text: str) -> None:
        pwm = self._pwm
        self._apply(to_unsigned(text), pwm.duty_ns, running=pwm.running, inversed=pwm.inversed)

    def _set_duty(self, text: str) -> None:
        pwm = self._pwm
        self._apply(pwm.period_ns, to_unsigned(text), running=pwm.running, inversed=pwm.inversed)

    def _set_enable(self, text: str) -> None:
        pwm = self._pwm
        value = to_int(text)
        if value not in (0, 1):
            raise invalid()
        self._apply(pwm.period_ns, pwm.duty_ns, running=value == 1, inversed=pwm.inversed)

    def _set_polarity(self, text: str) -> None:
        pwm = self._pwm
        polarity = word(text)
        if polarity not in ("normal", "inversed"):
            raise invalid()
        self._apply(pwm.period_ns, pwm.duty_ns, running=pwm.running, inversed=polarity == "inversed")

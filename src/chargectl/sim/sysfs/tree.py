"""The whole tree over one world, with faults applied at every access."""

from __future__ import annotations

import errno

from chargectl.sim.sysfs.gpio import GpioClass
from chargectl.sim.sysfs.leds import LedDevice
from chargectl.sim.sysfs.nodes import Attribute, Folder, Node, SysfsError
from chargectl.sim.sysfs.pwm import PwmChip
from chargectl.sim.sysfs.sensors import OneWire, add_cpu, add_iio, add_thermal
from chargectl.sim.world import World


class SysfsTree:
    """``/sys`` of one simulated board."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.root = Folder(path="/sys")
        options = world.options
        gpio = GpioClass(world, self.root)
        world.on_level = gpio.on_level
        for name, index in options.pwm_index.items():
            PwmChip(world, self.root, name, index)
        for name in world.leds:
            LedDevice(world, self.root, name)
        add_iio(world, self.root, options.iio_index)
        self._one_wire = OneWire(world, self.root)
        add_thermal(world, self.root, fan=options.variant == 300)
        add_cpu(self.root)

    def check(self, node: Node) -> None:
        """Raise what an access to an entry must fail with now: SysfsError ENODEV, or an injected errno."""
        if node.gone:
            raise SysfsError(errno.ENODEV)
        number = self.world.faults.errno_for(node.device, node.path)
        if number is not None:
            raise SysfsError(number)

    def child(self, folder: Folder, name: str) -> Node:
        """The entry of a folder; raises SysfsError ENOENT."""
        self._one_wire.refresh()
        node = folder.children.get(name)
        if node is None or self.world.faults.vanished(node.path):
            raise SysfsError(errno.ENOENT)
        return node

    def entries(self, folder: Folder) -> list[tuple[str, Node]]:
        """The entries of a folder that have not vanished."""
        self._one_wire.refresh()
        vanished = self.world.faults.vanished
        return [(name, node) for name, node in folder.children.items() if not vanished(node.path)]

    def read(self, node: Attribute) -> bytes:
        """The attribute's content; raises SysfsError."""
        self.check(node)
        if node.read is None:
            raise SysfsError(errno.EACCES)
        return node.read().encode()

    def write(self, node: Attribute, data: bytes) -> None:
        """Store into the attribute; raises SysfsError."""
        self.check(node)
        if node.write is None:
            raise SysfsError(errno.EACCES)
        node.write(data.decode("ascii", "replace"))

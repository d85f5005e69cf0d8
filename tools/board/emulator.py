"""One emulated board: a QEMU process with its sockets and ports.

QEMU's ``mcimx6ul-evk`` is the same SoC family as the board's: five GPIO banks with the same numbers,
watchdogs, an SD host for the eMMC, Ethernet, USB host. The console is the fourth UART (``ttymxc3``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.board import build
from tools.board.qmp import Qmp, QmpError
from tools.plant.qtest import QTest

UBOOT_ADDRESS: Final = 0x87800000
"""CONFIG_TEXT_BASE of U-Boot's mx6ull_14x14_evk."""
SERVICES: Final[Mapping[str, int]] = {"ssh": 22, "mqtt": 1883, "web": 80, "plant": 7000}
"""What is forwarded from the host, and to which port of the board."""
USUAL_PORTS: Final[Mapping[str, int]] = {"ssh": 2222, "mqtt": 11883, "web": 8080, "plant": 17000}
START_S: Final = 10.0
"""For QEMU to make its sockets; it takes 0.1 s on an idle machine."""
MAC: Final = "00:01:87:00:00:01"
ICOUNT: Final = "shift=1,sleep=on"
"""The board's clock runs by instructions, 2 ns each, or by wall time while the processor idles. So the board
has the speed of a constant 500 million instructions a second however busy the host is (an 800 MHz Cortex-A7
does about that many), and each time limit of its programs keeps its meaning."""
CONSOLE_UCR2: Final = 0x021F_0084
CONSOLE_UCR2_OPEN: Final = 0x4027
"""Control register 2 of the console's UART, and what Linux has in it while the console is open: receiver and
transmitter on, 8 bits, no handshake. QEMU forgets it in a saved state."""
USB_BUS: Final = "usb-bus.1"
"""The second controller: the first is the OTG port."""


def free_port(wanted: int = 0) -> int:
    """A TCP port nobody listens on: the wanted one where possible."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no TCP port is free")


def plug_stick(qmp: Qmp, image: Path, name: str = "stick") -> None:
    """Plug a USB stick with the contents of that image in."""
    file = {"driver": "file", "filename": str(image)}
    qmp.command("blockdev-add", **{"driver": "raw", "node-name": name, "read-only": False, "file": file})
    qmp.command("device_add", driver="usb-storage", id=f"usb-{name}", drive=name, bus=USB_BUS)


def pull_stick(qmp: Qmp, name: str = "stick") -> None:
    """Pull the stick out, whatever the board does with it."""
    qmp.command("device_del", id=f"usb-{name}")
    deadline = time.monotonic() + START_S
    while True:
        try:
            qmp.command("blockdev-del", **{"node-name": name})
        except QmpError:
            # Still in use until the device has gone.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@dataclass
class Emulator:
    """What to run, and once started the running QEMU.

    ``folder`` holds sockets, logs and state.json. ``clock`` is the time the board's RTC starts at, as QEMU's
    ``-rtc base=`` takes it; None for the host's present time. ``with_plant`` wires a station and a car to the
    pins (tools/plant); without, ``qtest`` is free for another client.
    """

    folder: Path
    card: Path
    uboot: Path | None = None
    direct: build.DirectBoot | None = None
    card_format: str = "raw"
    snapshot: str | None = None
    clock: str | None = None
    memory_mib: int = 512
    with_plant: bool = True
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._plant: subprocess.Popen[bytes] | None = None
        self._qmp: Qmp | None = None

    @property
    def plant(self) -> Path:
        """Control socket of the station and the car, for ``chargectl sim do ... --socket``."""
        return self.folder / "plant"

    @property
    def console(self) -> Path:
        """Socket of the serial console."""
        return self.folder / "console"

    @property
    def qtest(self) -> Path:
        """Socket for the pins; QEMU serves one client at a time."""
        return self.folder / "qtest"

    def command(self) -> list[str]:
        """The command line."""
        forwards = ",".join(
            f"hostfwd=tcp:127.0.0.1:{self.ports[name]}-:{port}" for name, port in SERVICES.items()
        )
        # Ends with this process, however that ends.
        words = ["setpriv", "--pdeathsig", "KILL", str(build.qemu()), "-M", "mcimx6ul-evk"]
        words += ["-accel", "tcg,tb-size=256", "-icount", ICOUNT, "-m", str(self.memory_mib)]
        words += [
            "-display",
            "none",
            "-monitor",
            "none",
            *["-serial", "null"] * 3,
            "-serial",
            "chardev:console",
        ]
        words += ["-chardev", f"socket,id=console,path={self.console},server=on,wait=off"]
        words += ["-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"]
        words += ["-qtest", f"unix:{self.qtest},server=on,wait=off", "-qtest-log", "/dev/null"]
        words += ["-drive", f"if=sd,index=1,format={self.card_format},file={self.card}"]
        words += ["-device", "ds1338,bus=i2c-bus.3,address=0x68"]
        words += ["-nic", f"user,mac={MAC},{forwards}"]
        # In step with the board's own clock, or the board would not trust it.
        words += ["-rtc", f"base={self.clock or 'utc'},clock=vm"]
        if self.uboot:
            words += ["-device", f"loader,file={self.uboot},addr={UBOOT_ADDRESS:#x},cpu-num=0"]
        if self.direct:
            words += ["-kernel", str(self.direct.kernel), "-dtb", str(self.direct.device_tree)]
            words += ["-initrd", str(self.direct.initramfs), "-append", self.direct.command_line]
        if self.snapshot:
            words += ["-loadvm", self.snapshot]
        return words

    def start(self) -> None:
        """Power on.

        Raises:
            RuntimeError: QEMU did not start; what it said.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("qmp", "qtest", "console"):
            (self.folder / name).unlink(missing_ok=True)
        for name in SERVICES:
            self.ports.setdefault(name, free_port())
        with open(self.folder / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                self._qmp = Qmp(self.folder / "qmp")
                break
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.power_off()
                raise RuntimeError(f"QEMU did not start: {(self.folder / 'qemu.log').read_text().strip()}")
            time.sleep(0.02)
        if self.snapshot:
            self._open_console()
        if self.with_plant:
            self._start_plant()
        self._write_state()

    def _open_console(self) -> None:
        pins = QTest(self.qtest)
        pins.write(CONSOLE_UCR2, CONSOLE_UCR2_OPEN)
        pins.close()

    def _start_plant(self) -> None:
        words: list[str | Path] = [
            sys.executable,
            "-m",
            "tools.plant",
            "--qtest",
            self.qtest,
            "--socket",
            self.plant,
        ]
        words += ["--relay-port", str(self.ports["plant"])]
        self.plant.unlink(missing_ok=True)
        with open(self.folder / "plant.log", "ab") as log:
            self._plant = subprocess.Popen(
                words, cwd=build.CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _write_state(self) -> None:
        state = {
            "pid": self.process.pid,
            "card": str(self.card),
            "ports": self.ports,
            "console": str(self.console),
            "qmp": str(self.folder / "qmp"),
            "qtest": str(self.qtest),
            "plant": str(self.plant),
        }
        temporary = self.folder / "state.json.new"
        temporary.write_text(json.dumps(state, indent=2) + "\n")
        temporary.replace(self.folder / "state.json")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running QEMU."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def qmp(self) -> Qmp:
        """The connection to the running QEMU."""
        assert self._qmp is not None, "not started"
        return self._qmp

    @property
    def running(self) -> bool:
        """Whether the power is on."""
        return self._process is not None

    def cpu_seconds(self) -> float:
        """Processor time the emulation has taken so far: unlike wall time little disturbed by other load."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def power_off(self) -> None:
        """Cut the power: QEMU is killed, the board gets no chance to write anything."""
        if self._qmp:
            self._qmp.close()
            self._qmp = None
        if self._plant:
            self._plant.kill()
            self._plant.wait()
            self._plant = None
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None
        (self.folder / "state.json").unlink(missing_ok=True)

    def power_cycle(self) -> None:
        """Cut the power and start again from the same card."""
        self.power_off()
        self.start()

    def plug_stick(self, image: Path, name: str = "stick") -> None:
        """Plug a USB stick with the contents of that image in."""
        plug_stick(self.qmp, image, name)

    def pull_stick(self, name: str = "stick") -> None:
        """Pull the stick out, whatever the board does with it."""
        pull_stick(self.qmp, name)

    def save(self, name: str) -> None:
        """Save memory and card (qcow2) under that name, to be resumed by ``snapshot``."""
        self.qmp.monitor(f"savevm {name}")

"""Run by test_plant.py in namespaces of its own: what the board's side sees of the plant, and the reverse."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chargectl.sim.client import SimClient
from chargectl.sim.lines import Line
from tools.plant.qtest import BANKS, QTest

ROOT = Path(__file__).parents[2]
RELAY = ROOT / "overlays/charge-control-c-qemu/usr/lib/chargectl-emulated/plant-relay"
PATIENCE_S = 30.0


class Soc:
    """The emulated CPU's side of the pins. QEMU serves one qtest client: this one stands between and lets
    the plant's commands through, as the CPU's bus accesses and the plant's pins also meet in QEMU."""

    def __init__(self, qemu: Path, plant: Path) -> None:
        self._qemu = QTest(qemu)
        self._lock = threading.Lock()
        self._answers: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(plant))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()
        self._outputs: dict[int, int] = {}
        self._directions: dict[int, int] = {}

    def _serve(self) -> None:
        link, _ = self._listener.accept()

        def news(gpio: int, level: bool) -> None:
            link.sendall(f"IRQ {'raise' if level else 'lower'} {gpio % 32}\n".encode())

        for line in link.makefile("r"):
            with self._lock:
                self._qemu.on_output = news
                if line.startswith("irq_intercept_out"):
                    self._qemu.intercept(int(line.strip()[-1]))
                    answer = ""
                else:
                    answer = self._qemu._ask(line.strip())
                link.sendall(f"OK {answer}\n".encode())

    def write(self, line: int, level: bool) -> None:
        bank, bit = line // 32, 1 << line % 32
        with self._lock:
            self._directions[bank] = self._directions.get(bank, 0) | bit
            levels = self._outputs.get(bank, 0)
            self._outputs[bank] = levels | bit if level else levels & ~bit
            self._qemu._ask(f"writel {BANKS[bank] + 4:#x} {self._directions[bank]:#x}")
            self._qemu._ask(f"writel {BANKS[bank]:#x} {self._outputs[bank]:#x}")

    def read(self, line: int) -> bool:
        with self._lock:
            value = int(self._qemu._ask(f"readl {BANKS[line // 32] + 8:#x}"), 16)
        return bool(value >> line % 32 & 1)


def until(what: str, condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            if condition():
                print(f"seen: {what}", flush=True)
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise AssertionError(f"not seen: {what}")
        time.sleep(0.02)


def peak_mv(soc: Soc, adc: Path) -> float:
    """The positive peak as portd measures it: reset, wait, read."""
    for level in (True, False):
        soc.write(Line.CP_POSITIVE_RESET, level)
        soc.write(Line.CP_NEGATIVE_RESET, level)
    raw = int((adc / "in_voltage2_raw").read_text())
    return raw * 3300 / 4095 * 4561 / 476 - 16013


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    mount = ["mount", "-t", "tmpfs", "none"]
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for place in ("/run", "/sys"):
        subprocess.run([*mount, place], check=True)
    for place in ("/sys/bus/iio/devices", "/sys/class/pwm"):
        os.makedirs(place)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(str(folder / "notify"))
    machine = ["qemu-system-arm", "-M", "mcimx6ul-evk", "-accel", "tcg", "-S", "-display", "none"]
    machine += ["-nodefaults", "-serial", "none", "-qtest-log", "/dev/null"]
    qemu = subprocess.Popen([*machine, "-qtest", f"unix:{folder}/qemu,server=on,wait=off"])
    started = [qemu]
    try:
        until("QEMU", (folder / "qemu").exists)
        soc = Soc(folder / "qemu", folder / "pins")
        started.append(
            subprocess.Popen([sys.executable, RELAY], env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"})
        )
        plant_words = ["--qtest", f"{folder}/pins", "--relay-port", "7000", "--socket", f"{folder}/control"]
        started.append(subprocess.Popen([sys.executable, "-m", "tools.plant", *plant_words]))
        notify.settimeout(PATIENCE_S)
        assert notify.recv(100) == b"READY=1"
        (adc,) = (
            path
            for path in Path("/sys/bus/iio/devices").iterdir()
            if (path / "name").read_text() == "2198000.adc\n"
        )
        with SimClient(f"{folder}/control") as board:
            tell(soc, adc, board)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            process.wait()
    print("the story is told")


def tell(soc: Soc, adc: Path, board: SimClient) -> None:
    soc.write(Line.CP_INVERT, True)
    (chip,) = (
        path
        for path in Path("/sys/class/pwm").iterdir()
        if os.readlink(path / "device").endswith("20fc000.pwm")
    )
    (chip / "export").write_text("0")
    for name, value in (("period", 1_000_000), ("duty_cycle", 1_000_000), ("enable", 1)):
        (chip / "pwm0" / name).write_text(str(value))
    until("12 V on a free line", lambda: abs(peak_mv(soc, adc) - 12_000) < 300)
    assert not soc.read(Line.SENSE_1)
    board.do("plug")
    until("9 V with a car", lambda: abs(peak_mv(soc, adc) - 9_000) < 300)
    until("the cable's resistor", lambda: int((adc / "in_voltage5_raw").read_text()) < 2000)
    sense = soc.read(Line.SENSE_1)
    soc.write(Line.RELAY_1, True)
    until("the contactor's feedback", lambda: soc.read(Line.SENSE_1) != sense)
    until("the contactor in the world", lambda: board.state()["contactors"][0]["closed"])
    soc.write(Line.RELAY_1, False)
    until("the contactor open again", lambda: soc.read(Line.SENSE_1) == sense)
    board.do("unplug")
    until("12 V again", lambda: abs(peak_mv(soc, adc) - 12_000) < 300)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

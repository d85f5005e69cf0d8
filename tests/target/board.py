"""A board under test: its console and what can be done to it from outside, whichever kind it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chargectl.sim.client import SimClient
from tests.target.console import PROMPT, Console
from tools.board import build
from tools.board.emulator import Emulator

SCALE = float(os.environ.get("CHARGECTL_BOARD_SCALE", "4"))
"""Limits on the emulated board are those of a machine of its own times this: tests run on busy ones."""
BOOT_S = 300.0
"""From power-on to a boot that was accepted: 50 s of the board's own time."""
SAVED = "accepted"
"""Name of the saved state."""
SLOT_LINE = r"chargectl: slot (?P<slot>[AB]), tries left: A (?P<a>\d), B (?P<b>\d)"
"""What U-Boot says about each try."""
EMULATED_HOST = "10.0.2.2"
"""This machine, as QEMU's user network shows it to the board."""
PATIENCE_S = 120.0
"""For the station and the car: the board needs five seconds for one of its own while it is busy."""


@dataclass
class Board:
    """``emulator`` is None for a real board: tests that need it say so by calling ``needs_emulator``.

    ``resumed``: it goes on from a saved state, up and logged in, and cannot be restarted. ``host``: the
    address under which the board reaches this machine; empty when it cannot.
    """

    console: Console
    emulator: Emulator | None
    folder: Path
    console_log: Path
    resumed: bool = False
    host: str = EMULATED_HOST

    def plant(self) -> SimClient:
        """The station and the car at the emulated board's pins."""
        return SimClient(str(self.needs_emulator().plant))

    def until(self, reached: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Wait for a state of the station and the car, as the emulated board's pins show it."""
        deadline = time.monotonic() + PATIENCE_S
        with self.plant() as plant:
            while not reached(state := plant.state()):
                assert time.monotonic() < deadline, f"{what}: {state}"
                time.sleep(0.2)

    def note(self, text: str) -> None:
        """Write into the log what the test does."""
        running = self.emulator is not None and self.emulator.running
        cpu = f" (cpu {self.needs_emulator().cpu_seconds():.0f} s)" if running else ""
        self.console.log.note(text + cpu)

    def needs_emulator(self) -> Emulator:
        if self.emulator is None:
            pytest.skip("a real board cannot be powered, plugged or frozen from here")
        return self.emulator

    def reconnect(self) -> None:
        """After the emulator was started anew."""
        self.console.close()
        self.console = Console.of_socket(self.needs_emulator().console, self.console_log, SCALE)

    def power_cycle(self) -> None:
        """Cut the power in this very moment, and give it back."""
        self.note("power cut")
        self.needs_emulator().power_cycle()
        self.reconnect()

    def reboot(self) -> None:
        """The orderly way."""
        self.note("reboot")
        self.console.send("systemctl reboot\r")

    def booting(self, seconds: float = 60) -> re.Match[str]:
        """Wait for U-Boot's choice of a slot: groups slot, a, b."""
        match = self.console.expect(SLOT_LINE, seconds)
        self.note(f"boot loader chose {match['slot']}, left A {match['a']} B {match['b']}")
        return match

    def accepted(self, seconds: float = BOOT_S) -> None:
        """Log in and wait until this boot has been accepted."""
        self.console.login(seconds)
        self.console.wait_until("test -e /run/chargectl/healthy", seconds)
        self.note(f"accepted after {self.uptime():.0f} s of uptime")

    def boots(self, slot: str, seconds: float = BOOT_S) -> None:
        """The next boot is one of this slot, and is accepted."""
        assert self.booting(seconds)["slot"] == slot
        self.accepted(seconds)
        assert self.slot() == slot

    def up(self) -> None:
        """Wait until the board is up, for tests that need no start of their own."""
        if self.resumed:
            self.console.send("\r")
            self.console.expect(re.escape(PROMPT), 60)
            self.console.ok(f"date -s @{time.time():.0f}")
            # The plant's connection was not saved, and its files went with it.
            self.console.ok(
                "systemctl restart plant-relay && systemctl restart chargectl-pins chargectl-portd", 120
            )
        elif self.emulator:
            self.boots("A")
        else:
            self.accepted()

    def slot(self) -> str:
        """The slot that runs."""
        match = re.search(r"rauc\.slot=([AB])", self.console.ok("cat /proc/cmdline"))
        assert match, "no rauc.slot= on the kernel command line"
        return match[1]

    def uptime(self) -> float:
        """The board's own seconds since its kernel started."""
        return float(self.console.ok("cut -d' ' -f1 /proc/uptime"))

    def release(self) -> dict[str, str]:
        """/etc/chargectl-release."""
        lines = self.console.ok("cat /etc/chargectl-release").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def retained(self, topic: str) -> str:
        """The broker's retained message of that topic."""
        said = self.console.ok(f"mosquitto_sub -h 127.0.0.1 -t {topic} -C 1 -W 30", 60)
        return said.splitlines()[-1] if said else ""

    def json(self, command: str) -> Any:
        """What a command prints, as JSON."""
        return json.loads(self.console.ok(command))


def other(slot: str) -> str:
    """The slot that is not this one."""
    return {"A": "B", "B": "A"}[slot]


def charges(state: dict[str, Any]) -> bool:
    """Whether the car at the emulated board draws current."""
    return bool(state["contactors"][0]["closed"] and state["car"]["current_a"])


def safe(state: dict[str, Any]) -> bool:
    """Whether the car at the emulated board has no power."""
    return not state["contactors"][0]["closed"] and not state["car"]["current_a"]


def card_from(base: Path, folder: Path) -> Path:
    """A card of one's own, with the contents of that one."""
    card = folder / "card.img"
    card.unlink(missing_ok=True)
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", base, card], check=True)
    return card


def _fresh(name: str) -> tuple[Path, Path]:
    """An empty folder and a log that is not there yet."""
    folder = build.RUN / "tests" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = build.RUN / "logs" / f"{name}.log"
    log.unlink(missing_ok=True)
    return folder, log


def start(name: str, base: Path, clock: str | None = None) -> Board:
    """Power an emulated board on, with a fresh copy of that card and logs under .run/board/logs/NAME.log."""
    folder, log = _fresh(name)
    emulator = Emulator(folder, card_from(base, folder), build.uboot(), clock=clock)
    emulator.start()
    return Board(Console.of_socket(emulator.console, log, SCALE), emulator, folder, log)


def save(name: str, base: Path) -> Path:
    """A qcow2 card with the state of a board that is up and logged in, for :func:`resume`.

    The boot loader only gets as far as to write its variables: QEMU cannot resume what it has started.
    """
    saved = build.RUN / "tests" / "saved.qcow2"
    board = start(name, base)
    try:
        board.booting()
        board.console.expect("Starting kernel", 60)
        emulator = board.needs_emulator()
        emulator.power_off()
        card = board.folder / "saved.qcow2"
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", emulator.card, card], check=True)
        emulator.card, emulator.card_format, emulator.uboot = card, "qcow2", None
        emulator.direct = build.direct()
        emulator.start()
        board.reconnect()
        board.accepted()
        emulator.save(SAVED)
        emulator.power_off()
        card.replace(saved)
    finally:
        stop(board)
    return saved


def resume(name: str, saved: Path) -> Board:
    """Go on from a saved board, in a second."""
    folder, log = _fresh(name)
    emulator = Emulator(folder, card_from(saved, folder), card_format="qcow2", snapshot=SAVED)
    emulator.direct = build.direct()
    emulator.start()
    return Board(Console.of_socket(emulator.console, log, SCALE), emulator, folder, log, resumed=True)


def stop(board: Board) -> None:
    """Power it off and remove its card; the logs stay."""
    board.note("the end")
    board.console.close()
    if board.emulator:
        board.emulator.power_off()
        shutil.rmtree(board.folder, ignore_errors=True)


def stick_image(path: Path, files: list[Path], mib: int = 256, label: str = "STICK") -> Path:
    """The image of a USB stick with one FAT32 partition that holds these files."""
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        file.truncate(mib << 20)
    environment = {**os.environ, "PATH": os.environ["PATH"] + ":/sbin:/usr/sbin", "MTOOLS_SKIP_CHECK": "1"}

    def run(*words: str | Path, said: str | None = None) -> None:
        subprocess.run(words, input=said, text=True, check=True, env=environment)

    run("sfdisk", "--quiet", path, said="label: dos\nstart=1MiB, type=c\n")
    sectors = str((mib - 1) * 2048)
    run("mformat", "-i", f"{path}@@1M", "-F", "-v", label, "-T", sectors, "-h", "64", "-s", "32", "::")
    for source in files:
        run("mcopy", "-i", f"{path}@@1M", source, "::")
    return path


def waited(start: float) -> str:
    """Seconds since that time.monotonic(), for a note."""
    return f"{time.monotonic() - start:.1f} s"

"""A board under test: its console and what can be done to it from outside, whichever kind it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.target.console import Console
from tools.board import build
from tools.board.emulator import Emulator

SCALE = float(os.environ.get("CHARGECTL_BOARD_SCALE", "4"))
"""Time limits are those of an idle machine times this: the machines that run tests are busy."""
BOOT_S = 150.0
"""From power-on to a boot that was accepted, on an idle machine."""
SLOT_LINE = r"chargectl: slot (?P<slot>[AB]), tries left: A (?P<a>\d), B (?P<b>\d)"
"""What U-Boot says about each try."""


@dataclass
class Board:
    """``emulator`` is None for a real board: tests that need it say so by calling ``needs_emulator``."""

    console: Console
    emulator: Emulator | None
    folder: Path
    console_log: Path

    def note(self, text: str) -> None:
        """Write into the log what the test does."""
        cpu = f" (cpu {self.emulator.cpu_seconds():.0f} s)" if self.emulator else ""
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
        self.note("accepted after " + self.console.ok("cut -d' ' -f1 /proc/uptime") + " s of uptime")

    def boots(self, slot: str, seconds: float = BOOT_S) -> None:
        """The next boot is one of this slot, and is accepted."""
        assert self.booting(seconds)["slot"] == slot
        self.accepted(seconds)
        assert self.slot() == slot

    def slot(self) -> str:
        """The slot that runs."""
        match = re.search(r"rauc\.slot=([AB])", self.console.ok("cat /proc/cmdline"))
        assert match, "no rauc.slot= on the kernel command line"
        return match[1]

    def release(self) -> dict[str, str]:
        """/etc/chargectl-release."""
        lines = self.console.ok("cat /etc/chargectl-release").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def json(self, command: str) -> Any:
        """What a command prints, as JSON."""
        return json.loads(self.console.ok(command))


def card_from(base: Path, folder: Path) -> Path:
    """A card of one's own, with the contents of that one."""
    card = folder / "card.img"
    card.unlink(missing_ok=True)
    subprocess.run(["cp", "--reflink=auto", "--sparse=always", base, card], check=True)
    return card


def start(name: str, base: Path, clock: str | None = None) -> Board:
    """Power an emulated board on, with a fresh copy of that card and logs under .run/board/logs/NAME.log."""
    folder = build.RUN / "tests" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log = build.RUN / "logs" / f"{name}.log"
    log.unlink(missing_ok=True)
    emulator = Emulator(folder, card_from(base, folder), build.uboot(), clock=clock)
    emulator.start()
    return Board(Console.of_socket(emulator.console, log, SCALE), emulator, folder, log)


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

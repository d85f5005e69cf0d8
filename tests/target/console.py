"""The serial console of the emulated board or of a real one, as a person at a terminal uses it."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path
from typing import IO, Any

import pexpect  # type: ignore[import-untyped]
from pexpect import fdpexpect

SHELL = r"root@[\w.-]+:[^\n]*[#$] $"
"""The prompt of a shell that has just been begun; a lone # or $ can stand in what the kernel says."""
PROMPT = "<chargectl-test> "
BAUD = 115200
USER = "root"
PRINTED_PASSWORD = "zebematado"
"""The guide's, chapter 13: known to everybody, so the first login demands a new one."""
PASSWORD = "Kirsche-17-Umspannwerk"
"""What the tests change it to."""
QUIET_S = 5.0
"""A prompt that does not come within this long is asked for again with a line end."""


class ConsoleError(AssertionError):
    """The board did not say what was waited for; the message holds the end of what it did say."""


class _Log:
    """A readable log: each line with the time since the start and without control characters."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = open(path, "a", buffering=1)  # noqa: SIM115 - as long as the console
        self._start = time.monotonic()
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            # What a carriage return or an escape sequence does on a screen says nothing in a file.
            clean = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]", "", line)
            self._file.write(f"{time.monotonic() - self._start:8.2f}  {clean}\n")

    def note(self, text: str) -> None:
        self.write(f"--- {text}\n")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Console:
    """Says commands and hears answers. ``scale`` multiplies every limit: busy machines emulate slowly."""

    def __init__(self, child: Any, log: Path, scale: float = 1.0) -> None:
        self._child = child
        self._scale = scale
        self.log = _Log(log)
        child.logfile_read = self.log

    @classmethod
    def of_socket(cls, path: Path, log: Path, scale: float = 1.0) -> Console:
        """The console of an emulated board."""
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(path))
        return cls(fdpexpect.fdspawn(link.detach(), encoding="latin-1", codec_errors="replace"), log, scale)

    @classmethod
    def of_serial(cls, device: str, log: Path) -> Console:
        """The console of a real board."""
        import serial  # type: ignore[import-untyped]

        line = serial.Serial(device, BAUD, exclusive=True)
        child = fdpexpect.fdspawn(os.dup(line.fileno()), encoding="latin-1", codec_errors="replace")
        child.serial = line  # kept open as long as the child
        return cls(child, log)

    def close(self) -> None:
        self._child.close()
        self.log.close()

    def expect(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until the board says something that matches; what was before it is in ``before``."""
        try:
            self._child.expect(pattern, timeout=seconds * self._scale)
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            said = (self._child.before or "")[-2000:]
            why = (
                "the console is closed" if isinstance(error, pexpect.EOF) else f"{seconds * self._scale:g} s"
            )
            raise ConsoleError(f"waited for {pattern!r} ({why}); the board said last:\n{said}") from None
        match: re.Match[str] = self._child.match
        return match

    def expect_one(self, patterns: list[str], seconds: float) -> int:
        """Wait for the first of several; its index."""
        joined = "|".join(f"(?P<p{index}>{pattern})" for index, pattern in enumerate(patterns))
        match = self.expect(joined, seconds)
        return next(index for index in range(len(patterns)) if match[f"p{index}"] is not None)

    @property
    def before(self) -> str:
        """What the board said before the last match."""
        return str(self._child.before).replace("\r", "")

    def send(self, text: str) -> None:
        """Type text; a line ends with a carriage return."""
        self._child.send(text)

    def login(self, seconds: float = 120) -> None:
        """Log in as root, changing the printed password on the first time, to a quiet shell."""
        deadline = time.monotonic() + seconds * self._scale
        password = PASSWORD
        while True:
            self.send("\r")
            try:
                seen = self.expect_one([r" login: ", re.escape(PROMPT), SHELL], QUIET_S)
            except ConsoleError:
                if time.monotonic() > deadline:
                    raise
                continue
            if seen == 1:
                return
            if seen == 2:
                break
            self.send(f"{USER}\r")
            self.expect("Password: ", 60)
            self.send(f"{password}\r")
            asked = [r"Login incorrect", r"[Nn]ew password: ", SHELL, r"[Cc]urrent password: "]
            seen = self.expect_one(asked, 60)
            if seen == 0:
                password = PRINTED_PASSWORD if password == PASSWORD else PASSWORD
                continue
            if seen == 3:
                self.send(f"{password}\r")
                seen = self.expect_one(asked[:2], 60)
            if seen == 1:
                self.send(f"{PASSWORD}\r")
                self.expect("[Rr]etype new password: ", 60)
                self.send(f"{PASSWORD}\r")
                self.expect(SHELL, 60)
            break
        # One prompt, no echo of what is typed, no colours, no pager, no kernel messages in between.
        self.send(f"stty -echo; dmesg -n 1; export PAGER=cat SYSTEMD_PAGER=cat TERM=dumb; PS1='{PROMPT}'\r")
        self.expect(re.escape(PROMPT), 60)
        self.run("stty cols 240")

    def run(self, command: str, seconds: float = 60) -> tuple[int, str]:
        """Run a shell command: its exit code and what it printed."""
        self.send(f"{command}\recho status=$?\r")
        self.expect(r"status=(\d+)\r*\n", seconds)
        status, output = int(self._child.match[1]), self.before
        self.expect(re.escape(PROMPT), 60)
        return status, output.replace(PROMPT, "").strip()

    def ok(self, command: str, seconds: float = 60) -> str:
        """Run a command that has to succeed; what it printed."""
        status, output = self.run(command, seconds)
        assert status == 0, f"{command}: exit code {status}\n{output}"
        return output

    def wait_until(self, command: str, seconds: float) -> str:
        """Repeat a command until it succeeds; what it printed then."""
        deadline = time.monotonic() + seconds * self._scale
        while True:
            status, output = self.run(command)
            if status == 0:
                return output
            if time.monotonic() > deadline:
                raise ConsoleError(
                    f"{command}: still exit code {status} after {seconds * self._scale:g} s\n{output}"
                )
            self.run("sleep 1")

"""Programs of others, and our commands, in the namespaces of a wire (``tests.v2g.netns``)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.v2g.netns import Station

ROOT: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Program:
    """A running program and its log."""

    process: subprocess.Popen[bytes]
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Wait until the log has a text, or the program has ended."""
        _until(seconds, lambda: text in self.log or self.process.poll() is not None)

    def wait_end(self, seconds: float) -> int | None:
        """Wait until the program has ended; its exit code."""
        _until(seconds, lambda: self.process.poll() is not None)
        return self.process.poll()

    def has(self, *texts: str) -> bool:
        """Whether the log has these texts, in this order."""
        log, at = self.log, 0
        for text in texts:
            at = log.find(text, at)
            if at < 0:
                return False
            at += len(text)
        return True


@contextmanager
def program(
    station: Station,
    log: Path,
    *command: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """A program in a station's namespace, stopped at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            station.command(*command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )
    try:
        yield Program(process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def ours(station: Station, folder: Path, role: str, *arguments: str) -> Iterator[Program]:
    """Our ``v2g evse`` or ``v2g pev``."""
    command = (sys.executable, "-m", "v2g.cli.main", role, "-i", station.interface, *arguments)
    environment = {"PYTHONPATH": str(ROOT / "src")}
    with program(station, folder / f"ours-{role}.log", *command, environment=environment) as made:
        yield made


def _until(seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)

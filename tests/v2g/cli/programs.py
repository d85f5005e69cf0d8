"""Rig: `v2g` commands that run at a station of a wire, their lines read meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
V2G = (sys.executable, "-m", "v2g.cli.main")
PATIENCE_S = 90


class Program:
    """A program at a station; its lines are read while it runs."""

    def __init__(self, station, *arguments):
        self.process = subprocess.Popen(
            station.command(*V2G, *arguments, "-i", station.interface),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern):
        """Wait for a line."""

        def found():
            return self._ended or any(re.search(pattern, line) for line in self.lines)

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE_S), (pattern, self.lines)
            assert any(re.search(pattern, line) for line in self.lines), (pattern, self.lines)

    def end(self, number=None):
        """Wait for the end, after a signal if one is given; exit code and complaints."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code, self.process.stderr.read()

    @property
    def text(self):
        return "\n".join(self.lines)


@contextlib.contextmanager
def program(station, *arguments) -> Iterator[Program]:
    program = Program(station, *arguments)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait()
        program.process.stdout.close()
        program.process.stderr.close()

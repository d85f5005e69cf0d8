"""Runs the signed script of a stick (guide 10.2.2, 10.2.3)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from chargectl.config.store import write_atomic
from chargectl.system.stick_mount import PATH
from chargectl.system.stick_stop import Stop
from chargectl.update.stick_executed import added, contains

EXECUTED: Final = Path("/var/cache/usb-autorun/executed.list")
"""Named by the guide: scripts change it."""
SCRIPT_S: Final = 30 * 60.0
"""The longest that a script may run: more than any customisation takes; other sticks wait meanwhile."""
SHUTDOWN_S: Final = 60.0
"""A script that called ``reboot`` may run on for so long while the system goes down."""
END_S: Final = 10.0
"""What a script that has to end gets for tidying up before it is killed."""
LARGEST_LIST: Final = 1 << 20
"""Some 30,000 sums; a list that is larger is none of ours."""
_SLICE_S: Final = 1.0

_ENVIRONMENT: Final = {
    "PATH": PATH,
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/sh",
    "LANG": "C.UTF-8",
}


class AutorunError(RuntimeError):
    """A script is not run, or did not end by itself; the text says why."""


class Executed:
    """The list of what has run. It is read anew each time: scripts and people edit it."""

    def __init__(self, path: Path = EXECUTED) -> None:
        self._path = path

    def contains(self, md5: str) -> bool:
        """Whether a script has run. Raises AutorunError when the list cannot be read."""
        return contains(self._content(), md5)

    def add(self, md5: str) -> None:
        """Note a script, so that it outlives a power cut. Raises AutorunError, the list unchanged."""
        content = added(self._content(), md5)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, content, 0o644)
        except OSError as error:
            raise AutorunError(
                f"{self._path}: cannot be written: {(error.strerror or str(error)).lower()}; a script that "
                "is not noted there would run at every start"
            ) from None

    def _content(self) -> bytes:
        try:
            with open(self._path, "rb") as file:
                content = file.read(LARGEST_LIST + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise AutorunError(
                f"{self._path}: cannot be read: {(error.strerror or str(error)).lower()}"
            ) from None
        if len(content) > LARGEST_LIST:
            raise AutorunError(f"{self._path}: larger than {LARGEST_LIST} bytes; remove it")
        return content


def md5_of(script: Path) -> str:
    """The sum by which the list knows a script. Raises OSError."""
    return hashlib.md5(script.read_bytes(), usedforsecurity=False).hexdigest()


def run_script(copy: Path, name: str, folder: Path, stop: Stop, limit_s: float = SCRIPT_S) -> int:
    """Run the verified copy by /bin/sh, in ``folder``; returns its exit status, negative for a signal.

    ``$0`` is ``name``, as if it had been started by that name where it lies: ``dirname "$0"`` is the folder.
    The script writes to where this program writes; what it leaves in the background is not waited for. When
    ``stop`` is requested meanwhile it gets SHUTDOWN_S to end. Raises AutorunError when it has to be killed.
    """
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f". {shlex.quote(str(copy))}", name],
            cwd=folder,
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise AutorunError(f"cannot be started: {(error.strerror or str(error)).lower()}") from None
    deadline = time.monotonic() + limit_s
    ended = os.pidfd_open(process.pid)
    try:
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        shutdown = False
        while not waiting.poll(_SLICE_S * 1000):
            now = time.monotonic()
            if stop.requested and not shutdown:
                shutdown = True
                deadline = min(deadline, now + SHUTDOWN_S)
            if now >= deadline:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, number)
                    if waiting.poll(END_S * 1000):
                        break
                process.wait()
                reason = "the system shuts down" if shutdown else f"has run for {limit_s:g} s"
                raise AutorunError(f"was ended: {reason}")
    finally:
        os.close(ended)
    return process.wait()

"""updated as a process of its own, as systemd starts it: real broker, real RAUC, real curl."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.broker import Recorder
from tests.rauc_rig import RaucRig

STATE = "firmware/update/state/actual"
PROGRESS = "firmware/update/state/progress"
RESULT = "firmware/update/result/state"
MESSAGE = "firmware/update/result/message"
URL = "firmware/update/target/url"
TRIALS = "firmware/update/target/max_trials"
INTERVAL = "firmware/update/target/interval"


class Process:
    """The daemon."""

    def __init__(
        self, root: Path, rig: RaucRig, port: int, *, wait: bool = True, environ: dict[str, str] | None = None
    ) -> None:
        root.mkdir(exist_ok=True)
        self.folder = root / "download"
        self.file = self.folder / "file" / "update.image"
        self.log = root / "log"
        self.boots = root / "boots.json"
        self.healthy = root / "healthy"
        self.release = root / "release"
        notify = root / "notify"
        notify.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(notify))
        self.notify.settimeout(30)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "chargectl.daemons.updated", "--mqtt-port", str(port)),
                    *("--download-dir", str(self.folder), "--boots", str(self.boots), "--bus", rig.address),
                    *("--healthy", str(self.healthy), "--release", str(self.release)),
                ],
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(sys.path),
                    "NOTIFY_SOCKET": str(notify),
                    "WATCHDOG_USEC": "200000",
                    **(environ or {}),
                },
                start_new_session=True,
            )
        if wait:
            self.wait_notified("READY=1")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGKILL)
        if error is not None:
            print(self.log.read_text())

    def wait_notified(self, text: str) -> None:
        while self.notify.recv(4096).decode() != text:
            pass

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it; SIGKILL takes what it has started with it, as systemd does."""
        if self.process.poll() is None:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        self.notify.close()
        return self.process.wait(10)

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "request.json").read_text())
        return found


def wait_listening(recorder: Recorder) -> None:
    """Wait until updated hears what is published: its subscription follows its online message."""
    recorder.wait_for("chargectl/updated/online", "1")
    recorder.wait_for(RESULT)


def states(recorder: Recorder) -> list[str]:
    """The states in order; the same one twice in a row is one."""
    found: list[str] = []
    for state in recorder.payloads(STATE):
        if found[-1:] != [state]:
            found.append(state)
    return found


def request(recorder: Recorder, url: str, trials: str | None = None, interval: str | None = None) -> None:
    """Ask for an update as the customer's software does: the URL last."""
    if trials is not None:
        recorder.publish(TRIALS, trials)
    if interval is not None:
        recorder.publish(INTERVAL, interval)
    recorder.publish(URL, url)

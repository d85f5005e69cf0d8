"""Stations to be measured, in a network namespace: ours, and that of the ``iso15118`` package (Josev)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.v2g.peers import rig
from tests.v2gexi import josev_rig
from tests.v2gexi.josev_rig import ROOT

OURS: Final = "v2g"
JOSEV: Final = "Josev"
JOSEV_FAST: Final = "Josev with v2gexi's codec"


@contextmanager
def station(kind: str, folder: Path, net: int, protocol: str, mode: str) -> Iterator[int]:
    """A station that waits for cars; its process id."""
    if kind == OURS:
        settings = ("--set", f"mode={mode}", "--set", "cable_check_s=0", "--set", "contactor_s=0")
        arguments = ("--protocols", protocol, "--set", "ramp_v_per_s=1e6", *settings)
        with rig.ours(folder, net, "evse", *arguments) as (process, log):
            rig.wait_for(process, log, "listening on")
            yield process.pid
        return
    codec: Any = "java" if kind == JOSEV else "v2gexi"
    process = josev_rig.start(folder, "secc", codec, net, {"AUTH_MODES": "EIM"})
    try:
        josev_rig.wait_ready(folder / "secc.out", process)
        yield process.pid
    finally:
        josev_rig.stop(process)


def drive(net: int, protocol: str, mode: str, loops: int, sessions: int) -> list[list[tuple[str, float]]]:
    """Charge at a station; the times of each session's answers.

    Raises:
        RuntimeError: a session failed.
    """
    nsenter = shutil.which("nsenter")
    assert nsenter is not None
    command = [nsenter, f"--net=/proc/{net}/ns/net", sys.executable, "-m", "benchmarks.v2g.ev", "evcc"]
    done = subprocess.run(
        [*command, protocol, mode, str(loops), str(sessions)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{protocol} {mode}: {done.stderr.strip()[-500:]}")
    result: list[list[tuple[str, float]]] = json.loads(done.stdout)
    return result

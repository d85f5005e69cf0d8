"""Our charger or car (``v2g evse``, ``v2g pev``) in a network namespace, against somebody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.v2gexi import josev_rig
from tests.v2gexi.josev_rig import ROOT

END_S: Final = 20.0
"""For our side to notice the end and be done: the station waits 5 s for the car to close the connection."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What our side did."""

    exit_code: int | None
    log: str

    def has(self, *texts: str) -> bool:
        """Whether the log has these texts, in this order."""
        at = 0
        for text in texts:
            at = self.log.find(text, at)
            if at < 0:
                return False
        return True


@contextmanager
def ours(
    folder: Path, net: int, role: str, *arguments: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Our command in a namespace, stopped at the end; its process and its log."""
    log = folder / f"ours-{role}.log"
    nsenter = shutil.which("nsenter")
    assert nsenter is not None
    interface = "secc" if role == "evse" else "evcc"
    command = [nsenter, f"--net=/proc/{net}/ns/net", sys.executable, "-m", "v2g.cli.main", role]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "-i", interface, "--no-slac", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
    try:
        yield process, log
    finally:
        josev_rig.stop(process)


def wait_for(process: subprocess.Popen[bytes], log: Path, text: str, seconds: float = 30.0) -> None:
    """Wait until a log has a text, or its process has ended."""
    _until(seconds, lambda: text in log.read_text(errors="replace") or process.poll() is not None)


def _until(seconds: float, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)


def charge_josevs_car(
    folder: Path, vehicle: Mapping[str, Any], settings: Mapping[str, str], *arguments: str
) -> tuple[josev_rig.Side, Ours]:
    """A session of Josev's car at our charger."""
    import json

    configuration = folder / "vehicle.json"
    configuration.write_text(json.dumps(vehicle))
    with (
        josev_rig.network() as (station_net, vehicle_net),
        ours(folder, station_net, "evse", "--once", *arguments) as (station, log),
    ):
        wait_for(station, log, "listening on")
        car = josev_rig.start(folder, "evcc", "v2gexi", vehicle_net, settings, configuration)
        try:
            josev_rig.wait_end(folder / "evcc.out", car)
        finally:
            josev_rig.stop(car)
        _until(END_S, lambda: station.poll() is not None)
    return josev_rig.side(folder, "evcc", car.returncode), Ours(station.returncode, log.read_text())


def charge_at_josevs_station(
    folder: Path, settings: Mapping[str, str], *arguments: str
) -> tuple[josev_rig.Side, Ours]:
    """A session of our car at Josev's station."""
    with josev_rig.network() as (station_net, vehicle_net):
        station = josev_rig.start(folder, "secc", "v2gexi", station_net, settings)
        try:
            josev_rig.wait_ready(folder / "secc.out", station)
            with ours(folder, vehicle_net, "pev", *arguments) as (car, log):
                _until(josev_rig.SESSION_S, lambda: car.poll() is not None)
        finally:
            josev_rig.stop(station)
    return josev_rig.side(folder, "secc", station.returncode), Ours(car.returncode, log.read_text())

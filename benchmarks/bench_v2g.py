"""V2G: answers beside Josev's at the same car, the way from the plug to the charge loop, and 200 sessions."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.v2g.plug_in import plugged_in
from benchmarks.v2g.stations import JOSEV, JOSEV_FAST, OURS, drive, station
from tests.v2gexi import josev_rig

CASES = (("din", "dc"), ("iso2", "dc"), ("iso2", "ac"), ("iso20", "dc"))
PROTOCOLS = ("din", "iso2", "iso20")
LOOPS = 60
"""Requests of the charge loop in a session."""
SESSIONS = 5
WARM_UP = 1
"""Sessions before those that count: codecs and classes are loaded by then."""
MANY = 200


def figures() -> Iterator[Figure]:
    """Answers of each station, then what many sessions leave behind."""
    kinds = [OURS]
    if not josev_rig.missing():
        kinds += [JOSEV_FAST, JOSEV]
    for protocol, mode in CASES:
        ours: dict[str, float] = {}
        for kind in kinds:
            for name, value in _answers(kind, protocol, mode).items():
                label = f"{protocol} {mode}, {kind}, {name}"
                yield Figure(label, value, "ms")
                if kind == OURS:
                    ours[name] = value
                else:
                    yield Figure(label, value / ours[name], "x", OURS)
    yield from _plugged_in()
    yield from _many()


def _plugged_in() -> Iterator[Figure]:
    """The whole way, SLAC with its ten sounds included: what is left are the protocols' own times."""
    for protocol in PROTOCOLS:
        times = plugged_in(protocol)
        whole = times["Total of all groups"]
        yield Figure(f"{protocol}, plug-in to charge loop", whole, "ms")
        yield Figure(f"{protocol}, of that SLAC", times["SLAC match"], "ms")


def _answers(kind: str, protocol: str, mode: str) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as name,
        josev_rig.network() as (station_net, car_net),
        station(kind, Path(name), station_net, protocol, mode),
    ):
        if kind == JOSEV:
            # Its answers take 200 ms, and it takes the next connection late: one session says enough.
            sessions = drive(car_net, protocol, mode, LOOPS, 1)
        else:
            sessions = drive(car_net, protocol, mode, LOOPS, WARM_UP + SESSIONS)[WARM_UP:]
    return _summary([ms for session in sessions for _, ms in session])


def _summary(times: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {"median": cuts[49], "p95": cuts[94], "p99": cuts[98]}


def _many() -> Iterator[Figure]:
    """200 sessions one after the other: what the station's process holds after 20 and after all of them."""
    with (
        tempfile.TemporaryDirectory() as name,
        josev_rig.network() as (station_net, car_net),
        station(OURS, Path(name), station_net, "iso2", "dc") as pid,
    ):
        drive(car_net, "iso2", "dc", 20, 20)
        early = _held(pid)
        drive(car_net, "iso2", "dc", 20, MANY - 20)
        late = _held(pid)
    yield Figure("station's resident memory", early["rss"], "KiB")
    yield Figure(f"its growth from 20 to {MANY} sessions", late["rss"] - early["rss"], "KiB")
    yield Figure("growth of its descriptors", late["descriptors"] - early["descriptors"], "descriptors")
    yield Figure("growth of its threads", late["threads"] - early["threads"], "threads")


def _held(pid: int) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    values = dict(line.split(":", 1) for line in status.splitlines())
    return {
        "rss": float(values["VmRSS"].split()[0]),
        "threads": float(values["Threads"]),
        "descriptors": float(len(os.listdir(f"/proc/{pid}/fd"))),
    }

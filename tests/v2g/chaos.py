"""Whatever may go wrong between both cores and around them, at any time and in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.v2g.link import Link
from v2g.evcc import effects as ev
from v2g.secc import effects as evse

_FRAMES: Final[dict[str, Callable[[bytes], Sequence[bytes]]]] = {
    "drop": lambda data: (),
    "twice": lambda data: (data, data),
    "halves": lambda data: (data[: len(data) // 2], data[len(data) // 2 :]),
    "garbage": lambda data: (data[:8] + bytes(each ^ 0x5A for each in data[8:]),),
}
"""What becomes of the next frame."""
_ACTS: Final[dict[str, Callable[[Link], None]]] = {
    "cut": lambda made: made.cut(),
    "late": lambda made: setattr(made.delays, "to_vehicle", 400),
    "stop": lambda made: made.vehicle_changed(stop=True),
    "abort": lambda made: made.vehicle_changed(abort=True),
    "pause": lambda made: made.vehicle_changed(pause=True),
    "renegotiate": lambda made: made.vehicle_changed(renegotiate=True),
    "station stop": lambda made: made.station_changed(stop=True),
    "station abort": lambda made: made.station_changed(abort=True),
    "station pause": lambda made: made.station_changed(pause=True),
    "station renegotiate": lambda made: made.station_changed(renegotiate=True),
    "station service": lambda made: made.station_changed(renegotiate_service=True),
    "not ready": lambda made: made.station_changed(parameters_ready=False),
}
DIN: Final = (*_FRAMES, "cut", "late", "stop", "abort", "station stop", "station abort")
"""What a message set knows of it: DIN SPEC 70121 neither pauses nor renegotiates."""
ISO_2: Final = (*DIN, "pause", "renegotiate", "station renegotiate")
ISO_20: Final = (*_FRAMES, *_ACTS)


@dataclass(frozen=True)
class Chaos:
    """What happens to a session.

    Attributes:
        events: after how many milliseconds, and what.
        to_station, to_vehicle: delays of the line, in milliseconds.
        obeys: the plant confirms contactors and locks.
    """

    events: Sequence[tuple[int, str]]
    to_station: int
    to_vehicle: int
    obeys: bool


def chaos(names: Sequence[str], within_ms: int) -> SearchStrategy[Chaos]:
    """Up to six things that happen."""
    delay = st.integers(0, 120)
    event = st.tuples(st.integers(0, within_ms), st.sampled_from(names))
    return st.builds(Chaos, st.lists(event, max_size=6), delay, delay, st.booleans())


def ends_safely(made: Link, what: Chaos) -> None:
    """Play it: the session ends, nothing hangs, and power is safe."""
    made.obeys = what.obeys
    made.delays.to_station, made.delays.to_vehicle = what.to_station, what.to_vehicle
    next_frame: list[str] = []

    def spoil(from_vehicle: bool, data: bytes) -> Sequence[bytes]:
        return _FRAMES[next_frame.pop()](data) if next_frame else (data,)

    def happens(name: str) -> None:
        if name in _FRAMES:
            next_frame.append(name)
        else:
            _ACTS[name](made)

    made.filter = spoil
    for after_ms, name in what.events:
        made.at(after_ms, lambda name=name: happens(name))  # type: ignore[misc]
    made.run(within_ms=20_000)
    if made.ended is None:
        made.vehicle_changed(stop=True)
    made.run(within_ms=200_000)
    assert made.ended is not None
    power_is_safe(made)
    assert made.evcc.deadline() is None
    assert made.secc.deadline() is None


def power_is_safe(made: Link) -> None:
    """The EV closes contactors only while the station's relays are, and both end open."""
    station = vehicle = False
    effect: Any
    for _, effect in made.times:
        match effect:
            case evse.Contactor(closed):
                station = closed
            case ev.Contactors(closed):
                assert not closed or station, "the EV closes on a station that is off"
                vehicle = closed
            case _:
                pass
    assert not station
    assert not vehicle

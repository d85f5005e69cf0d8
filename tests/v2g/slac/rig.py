"""A power line in virtual time: cores, the modems beside them, and faults on the way."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from pathlib import Path
from typing import Any

from v2g.common.checkpoints import CHECKPOINTS
from v2g.common.effects import Checkpoint
from v2g.homeplug.frame import BROADCAST, LOCAL_MODEM, Frame
from v2g.homeplug.slac import (
    GROUPS,
    AttenProfileInd,
    MnbcSoundInd,
    SetKeyCnf,
    SetKeyReq,
    message_of,
)
from v2g.slac.effects import AskLinkStatus, SendFrame, SetPilotLoad
from v2g.slac.events import Command, FrameReceived, LinkStatus, PilotState, Tick

DATA = Path(__file__).parents[1] / "data"
LINE_MS = 2
Fate = Callable[[int, Any], list[int]]
"""What becomes of the n-th frame with some message: milliseconds after which a copy arrives, one a copy."""


def intact(_number: int, _message: Any) -> list[int]:
    return [LINE_MS]


def random_bytes(seed: str) -> Callable[[int], bytes]:
    """Bytes that are the same in every run."""
    counter = 0

    def draw(length: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.sha512(f"{seed} {counter}".encode()).digest()[:length]

    return draw


def captured(name: str) -> list[tuple[int, bytes]]:
    """The frames of a file in tests/v2g/data: milliseconds, bytes."""
    lines = (DATA / name).read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [(int(row[0]), bytes.fromhex(row[2])) for row in rows]


class Modem:
    """A modem as its host sees it. Answers as a Qualcomm does, but for what a test changes."""

    def __init__(self, mac: bytes, profile: bytes | None = bytes((9,)) * GROUPS) -> None:
        self.mac = mac
        self.nmk = b""
        self.results: list[int | None] = []
        """Results of the next CM_SET_KEY.CNF; None: no answer. Then 1."""
        self.profile = profile
        self.profiles: list[bytes] = []
        """Profiles of the next sounds; then ``profile``."""
        self.keys_taken = 0

    def set_key(self, request: SetKeyReq) -> SetKeyCnf | None:
        result = self.results.pop(0) if self.results else 1
        if result is None:
            return None
        if result == 1:
            self.nmk = request.new_key
            self.keys_taken += 1
        return SetKeyCnf(result, 0x11223344, request.my_nonce, 4, 0, 0xFF, 0)


class Station:
    """A core, its modem and all it did: ``done`` holds (milliseconds, effect)."""

    def __init__(self, core: Any, mac: bytes, modem: Modem) -> None:
        self.core = core
        self.mac = mac
        self.modem = modem
        self.done: list[tuple[int, Any]] = []
        self.cabled: list[Station] = []
        """Who else sees the pilot that this station loads."""

    def of(self, kind: type) -> list[Any]:
        return [effect for _, effect in self.done if isinstance(effect, kind)]

    def sent(self) -> list[Any]:
        """Messages sent, keys too."""
        return [message_of(Frame.parse(effect.data)) for effect in self.of(SendFrame)]


class Line:
    """All stations on one line."""

    def __init__(self, fate: Fate = intact) -> None:
        self.now = 0
        self.stations: list[Station] = []
        self._queue: list[tuple[int, int, Station, Any]] = []
        self._number = 0
        self._frames = 0
        self.fate = fate
        self.modems_tell = True
        """Whether modems answer questions for the link."""

    def add(self, station: Station) -> Station:
        self.stations.append(station)
        return station

    def at(self, when: int, station: Station, event: Any) -> None:
        self._number += 1
        heapq.heappush(self._queue, (when, self._number, station, event))

    def plug(self, *stations: Station, state: Any = "B") -> None:
        for station in stations:
            self.at(self.now, station, PilotState(state))

    def tell(self, station: Station, command: Command) -> None:
        self.at(self.now, station, command)

    def run(self, until: int) -> None:
        """Let time pass. More steps than any conversation has are a core that runs in a circle."""
        for _ in range(200_000):
            dues = [
                (due, station) for station in self.stations if (due := station.core.deadline()) is not None
            ]
            due, waiting = min(dues, key=lambda pair: pair[0], default=(None, None))
            queued = self._queue[0][0] if self._queue else None
            times = [time for time in (due, queued) if time is not None and time <= until]
            if not times:
                self.now = until
                return
            if due is not None and due <= min(times):
                self.now = max(self.now, due)
                self._feed(waiting, Tick())
            else:
                when, _, station, event = heapq.heappop(self._queue)
                self.now = max(self.now, when)
                self._feed(station, event)
        raise AssertionError("no end")

    def _feed(self, station: Station | None, event: Any) -> None:
        assert station is not None
        before = station.core.deadline()
        for effect in station.core.handle(event, self.now):
            station.done.append((self.now, effect))
            assert not isinstance(effect, Checkpoint) or effect.number in CHECKPOINTS
            self._carry_out(station, effect)
        if isinstance(event, Tick) and before is not None and before <= self.now:
            after = station.core.deadline()
            assert after is None or after > self.now, "a deadline that a tick does not serve"

    def _carry_out(self, station: Station, effect: Any) -> None:
        if isinstance(effect, SendFrame):
            self._send(station, effect.data)
        elif isinstance(effect, AskLinkStatus) and self.modems_tell:
            others = [other for other in self.stations if other is not station]
            joined = any(other.modem.nmk and other.modem.nmk == station.modem.nmk for other in others)
            self.at(self.now + 1, station, LinkStatus(joined))
        elif isinstance(effect, SetPilotLoad):
            for other in (station, *station.cabled):
                self.at(self.now, other, PilotState(effect.state))

    def _send(self, station: Station, data: bytes) -> None:
        frame = Frame.parse(data)
        self._frames += 1
        message = message_of(frame)
        delays = self.fate(self._frames, message)
        if frame.destination == LOCAL_MODEM:
            for delay in delays:
                assert isinstance(message, SetKeyReq)
                answer = station.modem.set_key(message)
                if answer is not None:
                    reply = answer.frame(station.mac, station.modem.mac)
                    self.at(self.now + delay, station, FrameReceived(reply))
            return
        for delay in delays:
            self.line(data, frame, station, delay)

    def line(self, data: bytes, frame: Frame, sender: Station | None, delay: int = LINE_MS) -> None:
        for other in self.stations:
            if other is sender or frame.destination not in (BROADCAST, other.mac):
                continue
            self.at(self.now + delay, other, FrameReceived(data))
            sound = message_of(frame)
            if isinstance(sound, MnbcSoundInd) and other.modem.profile is not None:
                modem = other.modem
                heard = modem.profiles.pop(0) if modem.profiles else other.modem.profile
                profile = AttenProfileInd(frame.source, heard)
                told = profile.frame(other.mac, other.modem.mac)
                self.at(self.now + delay + 1, other, FrameReceived(told))

    def inject(self, data: bytes) -> None:
        """A frame of a station that has no core."""
        self.line(data, Frame.parse(data), None)

"""The shell of a matching core: whom it believes about the link, and whether a flood starves the rest."""

from __future__ import annotations

import asyncio
import errno
from itertools import pairwise
from typing import Any

import pytest

from v2g.homeplug.frame import BROADCAST, Frame
from v2g.homeplug.qualcomm import PlLnkStatusCnf
from v2g.homeplug.slac import SlacParmReq
from v2g.net.link import LinkShell
from v2g.net.packet import FRAMES_A_TURN, PacketSocket
from v2g.slac.events import Event, FrameReceived, LinkStatus

OWN, MODEM, OTHER = (bytes.fromhex("0200000000" + last) for last in ("01", "0a", "ff"))
LIMIT_S = 20.0
FLOOD = 20_000
PARM = SlacParmReq(0, 0, bytes(8)).frame(BROADCAST, OTHER)


class Core:
    """Writes down what happens."""

    def __init__(self, modem: bytes | None = MODEM) -> None:
        self.modem = modem
        self.events: list[Event] = []

    def handle(self, event: Event, now_ms: int) -> list[Any]:
        self.events.append(event)
        return []

    def deadline(self) -> int | None:
        return None


class Packets:
    """Frames that come one after the other, and then nothing."""

    mac, interface = OWN, "test0"

    def __init__(self, *frames: bytes) -> None:
        self._frames = list(frames)
        self.drained = asyncio.Event()

    async def receive(self) -> bytes:
        if not self._frames:
            self.drained.set()
            await asyncio.get_running_loop().create_future()
        return self._frames.pop(0)

    def send(self, frame: bytes) -> None:
        raise AssertionError(frame)

    def close(self) -> None:
        pass


def status(link: int, destination: bytes = OWN, source: bytes = MODEM) -> bytes:
    return PlLnkStatusCnf(0, link).frame(destination, source)


def heard(modem: bytes | None, *frames: bytes) -> list[Event]:
    """What a core hears of frames."""
    core = Core(modem)

    async def main() -> None:
        packets = Packets(*frames)
        shell = LinkShell(packets, core, lambda effect: None)  # type: ignore[arg-type]
        shell.start()
        await asyncio.wait_for(packets.drained.wait(), LIMIT_S)
        await shell.close()

    asyncio.run(main())
    return core.events[1:-1]  # between START and STOP


def test_the_own_modems_answer_about_the_link() -> None:
    assert heard(MODEM, status(1), status(0)) == [LinkStatus(True), LinkStatus(False)]


@pytest.mark.parametrize(
    ("modem", "frame"),
    [
        (MODEM, status(1, source=OTHER)),
        (MODEM, status(0, source=OTHER)),
        (MODEM, status(1, destination=OTHER)),
        (MODEM, status(1, destination=BROADCAST)),
        (None, status(1)),
        (MODEM, Frame(OWN, MODEM, PlLnkStatusCnf.MMTYPE, b"\0\1", 0, b"\0\x16\xe8").pack()),
    ],
    ids=["stranger", "stranger-lost", "to-another", "broadcast", "modem-unknown", "another-vendor"],
)
def test_nobody_else_is_believed(modem: bytes | None, frame: bytes) -> None:
    assert heard(modem, frame) == [FrameReceived(frame)]


class FloodedSocket:
    """A packet socket at which there is always a frame, up to a number of them."""

    def __init__(self, outgoing: bool = False) -> None:
        self.taken = 0
        self._kind = 4 if outgoing else 0

    def gettimeout(self) -> float:
        return 0.0

    def fileno(self) -> int:
        return -1

    def recvfrom(self, room: int) -> tuple[bytes, tuple[str, int, int, int, bytes]]:
        if self.taken >= FLOOD:
            raise OSError(errno.EIO, "the flood is over")
        self.taken += 1
        return PARM[:room], ("test0", 0x88E1, self._kind, 1, OTHER)

    def close(self) -> None:
        pass


def flooded(outgoing: bool = False) -> tuple[PacketSocket, FloodedSocket]:
    packets = object.__new__(PacketSocket)
    raw = FloodedSocket(outgoing)
    packets.interface, packets.mac = "test0", OWN
    packets._mtu, packets._room, packets._turn = 1500, 1514, 0
    packets._socket = raw  # type: ignore[assignment]
    return packets, raw


def test_a_flood_does_not_keep_timers_waiting() -> None:
    async def main() -> int:
        packets, raw = flooded()
        shell = LinkShell(packets, Core(), lambda effect: None)
        shell.start()
        fired = asyncio.Event()
        asyncio.get_running_loop().call_later(0.0, fired.set)
        await asyncio.wait_for(fired.wait(), LIMIT_S)
        taken = raw.taken
        await shell.close()
        return taken

    # A few turns of the event loop.
    assert asyncio.run(main()) <= 10 * FRAMES_A_TURN


@pytest.mark.parametrize("what", ["receive", "overhear", "own frames"])
def test_others_have_their_turn_within_so_many_frames(what: str) -> None:
    async def main() -> list[int]:
        packets, raw = flooded(outgoing=what == "own frames")
        take = packets.overhear if what == "overhear" else packets.receive

        async def reader() -> None:
            while raw.taken < FLOOD:
                await take()

        reading = asyncio.create_task(reader())
        seen = []
        while not reading.done():
            seen.append(raw.taken)
            await asyncio.sleep(0)
        await asyncio.gather(reading, return_exceptions=True)
        return seen

    seen = asyncio.run(main())
    assert max(later - earlier for earlier, later in pairwise(seen)) <= FRAMES_A_TURN


def test_a_fault_of_the_core_leaves_slac_listening() -> None:
    class Faulty(Core):
        def handle(self, event: Event, now_ms: int) -> list[Any]:
            super().handle(event, now_ms)
            if isinstance(event, FrameReceived):
                raise RuntimeError("a fault")
            return []

    async def listen() -> int:
        core: Any = Faulty()
        packets: Any = Packets(PARM, PARM)
        shell = LinkShell(packets, core, lambda effect: None)
        shell.start()
        await asyncio.wait_for(packets.drained.wait(), LIMIT_S)
        await shell.close()
        return sum(isinstance(event, FrameReceived) for event in core.events)

    assert asyncio.run(listen()) == 2

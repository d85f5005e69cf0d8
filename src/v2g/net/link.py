"""SLAC on an interface: a matching core, the modem's packets, and time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from v2g.common.effects import Log
from v2g.homeplug.frame import LOCAL_MODEM, Frame, FrameError
from v2g.homeplug.message import parse_as
from v2g.homeplug.qualcomm import PlLnkStatusCnf, PlLnkStatusReq
from v2g.net.clock import Alarm, now_ms
from v2g.net.guarded import guarded
from v2g.net.interfaces import InterfaceError
from v2g.net.packet import PacketSocket
from v2g.slac.effects import AskLinkStatus, Effect, SendFrame
from v2g.slac.events import Command, Event, FrameReceived, LinkStatus, PilotLetter, PilotState, Tick

REOPEN_S: Final = 1.0
"""Between two tries to use an interface that went down or away."""


class Core(Protocol):
    """A matching core, the station's or the car's."""

    @property
    def modem(self) -> bytes | None:
        """The own modem's address, once it is known."""

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """What an event makes necessary."""

    def deadline(self) -> int | None:
        """When it wants a tick."""


class LinkShell:
    """Runs a matching core on an interface.

    Args:
        interface: to the modem.
        core: the core; its own address has to be the interface's.
        watch: gets every effect that is not carried out here: the link's state, failures, checkpoints, logs.
        frames: gets every frame, with whether it was sent, for recordings.
    """

    def __init__(
        self,
        packets: PacketSocket,
        core: Core,
        watch: Callable[[Effect], None],
        frames: Callable[[bytes, bool], None] | None = None,
    ) -> None:
        self._packets = packets
        self._core = core
        self._watch = watch
        self._frames = frames
        self._alarm = Alarm(lambda: self.happened(Tick()))
        self._queue: deque[Event] = deque()
        self._busy = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Receive frames and begin to match. Has to be called in a running event loop."""
        self._task = asyncio.create_task(self._receive())
        self.happened(Command.START)

    def pilot(self, state: PilotLetter) -> None:
        """The control pilot has changed."""
        self.happened(PilotState(state))

    def happened(self, event: Event) -> None:
        """Give the core an event and carry out what it wants.

        What ``watch`` makes happen in turn waits until the effects before it are done."""
        self._queue.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                guarded(self._handle, self._queue.popleft())
        finally:
            self._busy = False
        self._alarm.set(self._core.deadline())

    def _handle(self, event: Event) -> None:
        for effect in self._core.handle(event, now_ms()):
            guarded(self._carry_out, effect)

    async def close(self) -> None:
        """Leave the network, and receive no more."""
        self.happened(Command.STOP)
        self._alarm.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._packets.close()

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, SendFrame):
            self._send(effect.data)
        elif isinstance(effect, AskLinkStatus):
            question = PlLnkStatusReq()
            frame = Frame(
                LOCAL_MODEM, self._packets.mac, question.MMTYPE, question.pack(), question.MMV, question.OUI
            )
            self._send(frame.pack())
        else:
            self._watch(effect)

    def _send(self, frame: bytes) -> None:
        try:
            self._packets.send(frame)
        except InterfaceError as error:
            # The core's timers notice that nobody answers.
            self._watch(Log(f"SLAC: a frame was not sent: {error}"))
            return
        self._seen(frame, True)

    def _seen(self, frame: bytes, sent: bool) -> None:
        if self._frames is not None:
            guarded(self._frames, frame, sent)

    async def _receive(self) -> None:
        while True:
            try:
                data = await self._packets.receive()
            except InterfaceError as error:
                # The core finds the link lost by itself: nobody answers its questions.
                guarded(self._watch, Log(f"SLAC: nothing can be received: {error}"))
                await self._reopen()
                continue
            self._seen(data, False)
            self.happened(_link_status(data, self._packets.mac, self._core.modem) or FrameReceived(data))

    async def _reopen(self) -> None:
        """Wait until the interface can be used again."""
        name = self._packets.interface
        while True:
            await asyncio.sleep(REOPEN_S)
            try:
                packets = PacketSocket(name)
            except InterfaceError:
                continue
            self._packets.close()
            self._packets = packets
            guarded(self._watch, Log(f"SLAC: {name} can be used again"))
            return


def _link_status(data: bytes, own: bytes, modem: bytes | None) -> LinkStatus | None:
    """The own modem's answer about the link, if the frame is one; whoever else says so is not believed.

    Whether it was asked is for the core to know."""
    try:
        frame = Frame.parse(data)
        if frame.mmtype != PlLnkStatusCnf.MMTYPE or (frame.destination, frame.source) != (own, modem):
            return None
        answer = parse_as(PlLnkStatusCnf, frame)
    except FrameError:
        return None
    return LinkStatus(answer.status == 0 and answer.link == 1)

"""The wiring of iso15118d: portd, the modem, the V2G session and MQTT around the core."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chargectl.bus.inbox import Inbox
from chargectl.bus.limiter import WarningLimiter
from chargectl.bus.message import Message
from chargectl.bus.payload import PayloadError, Value
from chargectl.declarations.port_link import PortStatus
from chargectl.declarations.types import Topic
from chargectl.hlc import effects as hlc
from chargectl.hlc.charging import HlcCharging
from chargectl.hlc.customer import SESSION_ID_BYTES
from chargectl.hlc.settings import HlcSettings
from chargectl.system.port_link_client import PortLinkClient
from v2g.common.effects import Checkpoint, Log
from v2g.net.charger import ChargerShell, Ports
from v2g.net.clock import Alarm, now_ms
from v2g.net.interfaces import InterfaceError, interface_index, is_up, wait_link_local
from v2g.net.link import LinkShell
from v2g.net.packet import PacketSocket
from v2g.sdp import TlsPolicy
from v2g.secc.effects import Contactor
from v2g.secc.engine import Secc
from v2g.secc.iso2.protocol import PROTOCOL as ISO_2
from v2g.slac import effects as slac
from v2g.slac.events import Command
from v2g.slac.evse import EvseSlac
from v2g.slac.matching import EvseConfig

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

RETRY_S: Final = 2.0
"""Between two attempts to use the interface to the modem."""
LOOK_S: Final = 1.0
"""How often the interface is looked at."""
ADDRESS_S: Final = 10.0
"""How long the link-local address of the interface is waited for."""

Publish = Callable[[Topic, Value, bool], None]


class Service:
    """One port's high-level charging.

    Args:
        settings: the configuration.
        interface: to the modem.
        socket: where portd listens.
        tls: context for TLS, unless it is prohibited.
        publish: puts a value on a topic.
    """

    def __init__(
        self,
        settings: HlcSettings,
        interface: str,
        socket: Path,
        tls: ssl.SSLContext | None,
        publish: Publish,
    ) -> None:
        self._interface = interface
        self._policy = TlsPolicy(settings.tls)
        self._tls = tls
        self._publish = publish
        self._charging = HlcCharging(settings)
        self._port = PortLinkClient(socket, self._status)
        self._alarm = Alarm(self._tick)
        self._warnings = WarningLimiter()
        self._shell: ChargerShell | None = None
        self._link: LinkShell | None = None
        self._secc: Secc | None = None
        self._connected = False
        self._pilot = "F"
        self._away = ""
        self.inbox = Inbox()
        """Messages of the customer's software; :meth:`messages` works on them."""

    async def run(self) -> None:
        """Work until it is cancelled; the port gets its wish back then."""
        self._do(self._charging.start())
        port = asyncio.create_task(self._port.run())
        try:
            while True:
                try:
                    await self._serve()
                except OSError as error:  # the interface, its address, or a port
                    self._modem_away(str(error))
                except InterfaceError as error:
                    self._modem_away(str(error))
                await asyncio.sleep(RETRY_S)
        finally:
            port.cancel()
            self._alarm.cancel()
            await asyncio.gather(port, return_exceptions=True)

    def messages(self) -> None:
        """Work on what the inbox holds."""
        for message in self.inbox.drain():
            self._message(message)

    # ------------------------------------------------------------------ the interface to the modem

    async def _serve(self) -> None:
        """Charge while the interface is there."""
        await wait_link_local(self._interface, ADDRESS_S)
        packets = PacketSocket(self._interface)
        core = Secc(self._charging.station, (ISO_2,), self._random, self._unix_s)
        ports = Ports(self._interface)
        shell = ChargerShell(core, ports, self._watch, policy=self._policy, tls=self._tls)
        matching = EvseSlac(EvseConfig(packets.mac), secrets.token_bytes)
        link = LinkShell(packets, matching, shell.slac)
        try:
            self._secc, self._shell, self._link = core, shell, link
            await shell.start(link)
            log.info("%s: the modem's interface is in use", self._interface)
            self._away = ""
            # The pilot may have changed while nobody was here.
            shell.pilot(self._pilot)  # type: ignore[arg-type]  # a letter from A to F
            while interface_index(self._interface) == packets.index and is_up(self._interface):
                await asyncio.sleep(LOOK_S)
            raise InterfaceError(self._interface, "it is gone or was switched off")
        finally:
            await shell.close()
            packets.close()
            self._secc = self._shell = self._link = None
            self._do(self._charging.modem(False))
            self._do(self._charging.link(False))
            self._look_at_connection()

    def _modem_away(self, why: str) -> None:
        if why != self._away:
            self._away = why
            log.warning("%s; trying again every %g s", why, RETRY_S)

    def _random(self, count: int) -> bytes:
        # The session's id is the only thing of this length that a session asks for.
        wanted = self._charging.session_id
        return wanted if wanted is not None and count == SESSION_ID_BYTES else secrets.token_bytes(count)

    def _unix_s(self) -> int:
        return self._charging.unix_s(now_ms(), int(time.time()))

    # ------------------------------------------------------------------ what happens

    def _status(self, status: PortStatus | None) -> None:
        self._do(self._charging.port(status, now_ms()))

    def _tick(self) -> None:
        self._do(self._charging.tick(now_ms()))

    def _message(self, message: Message) -> None:
        topic, value, retained = message.topic, message.value, message.retained
        self._do(self._charging.message(topic, value, now_ms(), retained=retained))

    def _watch(self, effect: Any) -> None:
        """An effect of SLAC, of the V2G session, or of their shells."""
        charging = self._charging
        if isinstance(effect, Contactor):
            # Before anything that may fail.
            self._do(charging.told((effect,), now_ms()))
            return
        self._look_at_connection()
        match effect:
            case Log(text):
                log.info("%s", text)
            case Checkpoint(number, text):
                log.debug("%d %s", number, text)
            case slac.ModemReady(ready):
                self._do(charging.modem(ready))
            case slac.Matched(ev_mac=mac):
                self._do(charging.matched(mac))
            case slac.DLinkReady(ready):
                self._do(charging.link(ready))
                # The connection goes with the link, and the shell says so to nobody.
                asyncio.get_running_loop().call_soon(self._look_at_connection)
            case slac.RequestErrorRoutine():
                self._do(charging.nobody_heard())
            case slac.Failed(reason, final):
                log.info("SLAC: %s%s", reason.value, "; nothing more before the EV is unplugged" * final)
            case slac.SavePower():
                pass
            case _:
                self._do(charging.told((effect,), now_ms()))

    def _look_at_connection(self) -> None:
        connected = self._shell is not None and self._shell.connected
        if connected is not self._connected:
            self._connected = connected
            self._do(self._charging.tcp(connected))

    # ------------------------------------------------------------------ what is wanted

    def _do(self, wanted: list[hlc.Effect]) -> None:
        for effect in wanted:
            match effect:
                case hlc.Wish(wish):
                    self._port.wish(wish)
                case hlc.Publish(topic, value, again):
                    self._tell(topic, value, again)
                case hlc.PublishTime(topic):
                    self._tell(topic, datetime.now().astimezone(), True)
                case hlc.StationChanged():
                    self._changed()
                case hlc.Pilot(state):
                    self._pilot = state
                    if self._shell is not None:
                        self._shell.pilot(state)  # type: ignore[arg-type]  # a letter from A to F
                case hlc.Leave():
                    if self._link is not None:
                        self._link.happened(Command.ERROR)
                case hlc.Note(text, problem):
                    self._note(text, problem)
        self._alarm.set(self._charging.deadline())

    def _changed(self) -> None:
        if self._secc is None or self._shell is None:
            return
        session = self._secc.session
        if session is not None:
            # Only the delay of notifications changes within a session; the rest is settled before it.
            session.setup = self._charging.station.setup
        self._shell.changed()

    def _tell(self, topic: Topic, value: Value, again: bool) -> None:
        try:
            self._publish(topic, value, again)
        except PayloadError as error:
            # What an EV says may not fit its topic; it stays unsaid.
            self._note(str(error), True)

    def _note(self, text: str, problem: bool) -> None:
        count = self._warnings.count(text.partition(":")[0], now_ms())
        if count:
            level = logging.WARNING if problem else logging.INFO
            log.log(level, "%s%s", text, f" ({count} such messages)" if count > 1 else "")

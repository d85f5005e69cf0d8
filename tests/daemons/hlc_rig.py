"""A whole station that charges by ISO 15118-2, and a car: portd on a simulated board, iso15118d, a broker,
and simulated modems with a power line between their interfaces.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from chargectl.declarations import topics
from chargectl.declarations.types import Topic
from chargectl.sim.client import SimClient, SimError
from tests.broker import PrivateBroker, Recorder
from v2g.common.terms import ISO_2, EnergyMode
from v2g.evcc import effects
from v2g.evcc.engine import Evcc
from v2g.evcc.iso2.protocol import PROTOCOL
from v2g.evcc.vehicle import OnBoardCharger, Setup, Vehicle
from v2g.homeplug.pib import SlacMode
from v2g.modem import veth
from v2g.modem.core import Modem
from v2g.modem.line import Powerline
from v2g.modem.options import ModemOptions, sloping
from v2g.modem.segment import Segment
from v2g.net.car import CarShell
from v2g.net.link import LinkShell
from v2g.net.packet import PacketSocket
from v2g.slac.effects import DLinkReady
from v2g.slac.ev import EvSlac
from v2g.slac.ev_attempt import EvConfig

START_S = 30.0
MODEM_MACS = (bytes.fromhex("00b052000010"), bytes.fromhex("00b052000011"))
CAR_MAC = bytes.fromhex("020102030405")
EVSE_ID = "DE*ABC*E0815"
Wait = Callable[[], bool]


class Processes:
    """Board with portd, and iso15118d."""

    def __init__(
        self, folder: Path, mqtt_port: int, interface: str, port: dict[str, Any] | None = None
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._mqtt_port = mqtt_port
        self._interface = interface
        values = {"evse_current_limit": 32, "charging_type": "highlevel", "evse_id": EVSE_ID, **(port or {})}
        (folder / "customer.json").write_text(json.dumps({"ports": [values]}), encoding="utf-8")
        for name in ("leds.json", "rotaryencd.json"):
            (folder / name).write_text("{}", encoding="utf-8")
        self.portd = self._portd()
        self.board = self._connect()
        self.iso15118d = self.start_iso15118d()

    def _portd(self) -> subprocess.Popen[bytes]:
        folder = str(self.folder)
        return self._start(
            "portd",
            *("-m", "chargectl.sim", "serve", "--socket", f"{folder}/board", "--", sys.executable),
            *("-m", "chargectl.daemons.portd", "--config-dir", folder, "--backup-dir", f"{folder}/backups"),
            *("--heartbeat", f"{folder}/heartbeat", "--mqtt-port", str(self._mqtt_port)),
            *("--session-socket", f"{folder}/session.sock"),
        )

    def start_iso15118d(self) -> subprocess.Popen[bytes]:
        """Start the daemon, perhaps again."""
        folder = str(self.folder)
        self.iso15118d = self._start(
            "iso15118d",
            *("-m", "chargectl.daemons.iso15118d", "--config-dir", folder, "--interface", self._interface),
            *("--backup-dir", f"{folder}/backups", "--session-socket", f"{folder}/session.sock"),
            *("--mqtt-port", str(self._mqtt_port), "--certificates", folder),
        )
        return self.iso15118d

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def _connect(self) -> SimClient:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.portd.poll() is None:
            try:
                return SimClient(str(self.folder / "board"))
            except SimError:
                time.sleep(0.02)
        raise AssertionError(f"no board: {self.log}")

    @property
    def log(self) -> str:
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """End all."""
        self.iso15118d.kill()
        self.iso15118d.wait(START_S)
        self.board.close()
        self.portd.send_signal(signal.SIGTERM)
        self.portd.wait(START_S)


class TestCar:
    """The car: its session, its S2 on the board's pilot, and a plug that locks itself."""

    __test__ = False

    def __init__(self, interface: str, board: SimClient) -> None:
        self.interface = interface
        self._board = board
        self.vehicle = Vehicle(
            setup=Setup(
                mac=CAR_MAC,
                protocols=(ISO_2,),
                energy_modes=(EnergyMode.AC_THREE_PHASE,),
                longest_pace_ms=100,
            ),
            charger=OnBoardCharger(),
        )
        self.tls: ssl.SSLContext | None = None
        """Only with TLS, by this context."""
        self.seen: list[Any] = []
        self.ended: effects.SessionEnded | None = None
        self.shell: CarShell | None = None
        self.obeys = True
        """Whether it does what the charger asks for."""

    def begin(self) -> None:
        """Look for the charger."""
        self.ended = None
        packets = PacketSocket(self.interface)
        core = Evcc(self.vehicle, (PROTOCOL,), os.urandom, lambda: int(time.time()))
        self.shell = CarShell(core, self.interface, self._take, tls=self.tls, tls_only=self.tls is not None)
        link = LinkShell(packets, EvSlac(EvConfig(packets.mac), os.urandom), self.shell.slac)
        self.shell.start(link)
        self.shell.pilot("B")

    @contextlib.asynccontextmanager
    async def matched(self) -> AsyncIterator[None]:
        """Only SLAC: within, data can pass."""
        packets = PacketSocket(self.interface)
        ready = asyncio.Event()

        def watch(effect: Any) -> None:
            if effect == DLinkReady(True):
                ready.set()

        link = LinkShell(packets, EvSlac(EvConfig(packets.mac), os.urandom), watch)
        link.start()
        link.pilot("B")
        try:
            await asyncio.wait_for(ready.wait(), START_S)
            yield
        finally:
            await link.close()

    async def close(self) -> None:
        if self.shell is not None:
            await self.shell.close()
            self.shell = None

    def set(self, **facts: object) -> None:
        """Something changes in the car."""
        for name, value in facts.items():
            setattr(self.vehicle, name, value)
        if self.shell is not None:
            self.shell.changed()

    def answers(self, name: str) -> list[Any]:
        """The bodies of all responses of a name."""
        return [
            each.message.Body.BodyElement
            for each in self.seen
            if isinstance(each, effects.MessageSeen) and each.name == name
        ]

    def _take(self, effect: Any) -> None:
        self.seen.append(effect)
        match effect:
            case effects.PilotState(state):
                self._board.do("stick_s2" if state == "C" else "free_s2")
            case effects.LockConnector(locked):
                self._soon(connector_locked=locked)
            case effects.Contactors(closed):
                self._soon(contactors_closed=closed)
            case effects.SessionEnded():
                self.ended = effect

    def _soon(self, **facts: object) -> None:
        asyncio.get_running_loop().call_later(0.01, lambda: self.set(**facts))


class Station:
    """All of it; made by :func:`station`."""

    def __init__(self, processes: Processes, recorder: Recorder, car: TestCar) -> None:
        self.processes = processes
        self.recorder = recorder
        self.car = car

    @property
    def board(self) -> SimClient:
        return self.processes.board

    async def wait(self, condition: Wait, what: str, timeout_s: float = START_S) -> None:
        """Wait for a condition while the power line works."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not condition():
            if loop.time() > deadline:
                seen = [f"{m.path}={m.text[:40]}" for m in self.recorder.messages[-30:]]
                raise AssertionError(f"{what}: not within {timeout_s:g} s; {seen}; {self.processes.log}")
            await asyncio.sleep(0.01)

    async def published(self, topic: Topic, text: str, timeout_s: float = START_S) -> None:
        """Wait until a value was published since the recorder was last cleared."""
        await self.wait(lambda: text in self.said(topic), f"{topic.path} {text}", timeout_s)

    def said(self, topic: Topic) -> list[str]:
        """All payloads of a topic."""
        return self.recorder.payloads(topic.path)

    def tell(self, topic: Topic, value: object) -> None:
        """The customer's software publishes."""
        text = value if isinstance(value, str) else json.dumps(value)
        self.recorder.publish(topic.path, text)

    @property
    def closed(self) -> bool:
        """The contactor has really closed."""
        return bool(self.board.fact("contactor_1"))

    @property
    def duty(self) -> str:
        return self.said(topics.TOPIC_CHARGE_PWM_STATUS)[-1]

    async def plug(self) -> None:
        """Plug the car in; returns when the pilot has 5 %."""
        self.board.do("plug")
        await self.published(topics.TOPIC_CHARGE_INIT_STATUS, "started")
        await self.published(topics.TOPIC_CHARGE_PWM_STATUS, "5.00")

    async def charge(self) -> None:
        """From plug-in to the charge loop; free charging."""
        await self.plug()
        self.car.begin()
        self.tell(topics.TOPIC_EVSE_PARAMETER_EVSEPROCESSING, 0)
        await self.published(topics.TOPIC_CHARGE_CHARGE_STATUS, "started")
        await self.wait(lambda: bool(self.car.answers("ChargingStatusRes")), "the charge loop")


@contextlib.asynccontextmanager
async def station(
    folder: Path, broker: PrivateBroker, port: dict[str, Any] | None = None, *, serves: bool = True
) -> AsyncIterator[Station]:
    """A running station with a car that is not plugged in; ``serves``: sessions are possible."""
    number = os.getpid() % 100_000
    pairs = [veth.create(f"hlc{number}c"), veth.create(f"hlc{number}s")]
    modems = [
        Modem(mac, ModemOptions(role=role), os.urandom)
        for mac, role in zip(MODEM_MACS, (SlacMode.PEV, SlacMode.EVSE), strict=True)
    ]
    line = Powerline(os.urandom, None, sloping(12))
    ports = [(line.attach(modem), pair.modem) for modem, pair in zip(modems, pairs, strict=True)]
    processes = None
    try:
        async with Segment(line, ports):
            with Recorder(broker.port) as recorder:
                processes = Processes(folder, broker.port, pairs[1].host, port)
                car = TestCar(pairs[0].host, processes.board)
                made = Station(processes, recorder, car)
                try:
                    await made.published(topics.TOPIC_CHARGE_CP_STATUS, "A")
                    if serves:
                        log = processes.folder / "iso15118d.log"
                        lines = ("the modem's interface is in use", "portd: connected")
                        await made.wait(lambda: all(line in log.read_text() for line in lines), str(lines))
                    yield made
                finally:
                    await car.close()
    finally:
        if processes is not None:
            processes.close()
        for pair in pairs:
            pair.remove()

"""A whole port in lockstep: the real loop on the real board layer, on the simulated board's ``/sys``, in
virtual time. Nothing runs by itself, so a test is exact to the cycle and takes no longer than its work.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chargectl.board.port_board import PortBoard, PortWiring
from chargectl.board.profile import BoardProfile, profile_for
from chargectl.bus.message import Message
from chargectl.bus.payload import Value, decode, encode
from chargectl.config.configuration import Configuration
from chargectl.config.document import Document
from chargectl.config.load import shape_of, shipped_content
from chargectl.config.validate import validate
from chargectl.daemons.port_loop import PERIOD_MS, ControlLoop
from chargectl.daemons.port_requests import subscriptions
from chargectl.daemons.port_setup import (
    rcd_test_gpio,
    read_grid_limit,
    settings_of,
    status_leds,
    wiring_of,
)
from chargectl.declarations import topics
from chargectl.declarations.types import ConfigFile, Topic
from chargectl.hmi.status_led import Indicator
from chargectl.port.machine import Port
from chargectl.sim.client import SimClient
from chargectl.system.heartbeat import Heartbeat
from chargectl.system.notify import Notifier

START_UTC = datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)
"""Time of day when the board's time is zero."""

_GUARD_MS = 6_100
_LONG_MS = 100

CONTACTOR = 76
CONTACTOR_SENSE = 131
RELAY_2 = 77
RELAY_2_SENSE = 130
RCD_TEST = 87
STATUS_LED = 84


class RigClock:
    """The board's time for control; a time of day that a test may set.

    All time passes through here, so it is known without asking the board.
    """

    def __init__(self, board: SimClient) -> None:
        self._board = board
        self._now_us = round(board.now_ms() * 1000)
        self.utc_step = timedelta(0)

    def monotonic_ms(self) -> int:
        return self._now_us // 1000

    def monotonic(self) -> float:
        """Seconds."""
        return self._now_us / 1e6

    def sleep(self, seconds: float) -> None:
        """Let the board's time pass."""
        micros = round(seconds * 1e6)
        self._board.advance(micros / 1000)
        self._now_us += micros

    def utc_now(self) -> datetime:
        return START_UTC + timedelta(milliseconds=self.monotonic_ms()) + self.utc_step


class RecordingBus:
    """Writes down what is published, as the bytes that would leave: a value that cannot be written fails."""

    def __init__(self, clock: RigClock) -> None:
        self._clock = clock
        self.sent: list[tuple[int, str, str]] = []

    def publish(self, topic: Topic, value: Value, *, again: bool = False) -> bool:
        self.sent.append((self._clock.monotonic_ms(), topic.path, encode(topic, value)))
        return True


class RecordingNotifier(Notifier):
    """A service manager that expects a sign of life each second."""

    def __init__(self, clock: RigClock) -> None:
        super().__init__({"WATCHDOG_USEC": "2000000"})
        self._clock = clock
        self.signs: list[int] = []

    def watchdog(self) -> bool:
        self.signs.append(self._clock.monotonic_ms())
        return True


class RecordingHeartbeat(Heartbeat):
    """Counts its beats; touches no file."""

    def __init__(self, clock: RigClock) -> None:
        super().__init__(Path("unused"))
        self._clock = clock
        self.beats: list[int] = []

    def beat(self) -> bool:
        self.beats.append(self._clock.monotonic_ms())
        return True


class LockstepBoard(PortBoard):
    """The real board layer, but waiting for an edge lets the board's time pass, ``step_ms`` at a time."""

    def __init__(self, profile: BoardProfile, wiring: PortWiring, clock: RigClock) -> None:
        super().__init__(profile, wiring, clock.sleep)
        self._clock = clock
        self.step_ms: float = PERIOD_MS
        self.blind = False
        """Edges are not noticed, as on a line without an interrupt."""
        self.in_wait: list[Callable[[], None]] = []
        """Done once, after the next wait's first step."""

    def wait_urgent(self, timeout_s: float) -> bool:
        until = self._clock.monotonic() + timeout_s
        while True:
            if not self.blind and super().wait_urgent(0):
                return True
            left = until - self._clock.monotonic()
            if left <= 1e-9:
                return False
            self._clock.sleep(min(left, self.step_ms / 1000))
            while self.in_wait:
                self.in_wait.pop()()


def customer_text(port: dict[str, Any], **station: Any) -> str:
    """A customer.json with one port."""
    return json.dumps({"ports": [{"evse_current_limit": 32, **port}], **station})


def configuration(file: ConfigFile, text: str) -> Configuration:
    """The configuration in a text, which must have no problems: a key misspelt in a test proves nothing."""
    checked = validate(Document(text, file.value), shape_of(file))
    assert checked.problems == []
    return checked.configuration


class Rig:
    """Station, car and portd's control loop; started, with nothing plugged in.

    ``options`` equip the simulated board. Leaving the rig checks that nothing dangerous has happened.
    """

    def __init__(
        self,
        world: SimClient,
        port: dict[str, Any] | None = None,
        *,
        variant: int = 200,
        rotary_text: str = "{}",
        leds: str | None = None,
        station: dict[str, Any] | None = None,
        prepare: Callable[[SimClient], None] | None = None,
        **options: Any,
    ) -> None:
        world.reset(variant=variant, **options)
        if prepare is not None:
            prepare(world)
        self._build(world, port or {}, variant, rotary_text, leds, station or {})

    def _build(
        self,
        world: SimClient,
        port: dict[str, Any],
        variant: int,
        rotary_text: str,
        leds: str | None,
        station: dict[str, Any],
    ) -> None:
        self.world = world
        self.hazards: list[str] = []
        """What a test expects to be dangerous."""
        self.clock = RigClock(world)
        self.bus = RecordingBus(self.clock)
        self.notifier = RecordingNotifier(self.clock)
        self.heartbeat = RecordingHeartbeat(self.clock)
        self._inbox: list[Message] = []
        profile = profile_for("charge-control-c", variant)
        customer = configuration(ConfigFile.CUSTOMER, customer_text(port, **station))
        grid = read_grid_limit(profile, configuration(ConfigFile.ROTARY, rotary_text), self.clock.sleep)
        self.settings = settings_of(profile, customer, grid)
        self._subscribed = {topic.path for topic in subscriptions(self.settings)}
        text = shipped_content(ConfigFile.LEDS) if leds is None else leds
        faces = status_leds(configuration(ConfigFile.LEDS, text), {rcd_test_gpio(customer, self.settings)})
        gpios = tuple(gpio for face in faces for gpio in face.gpios)
        self.board = LockstepBoard(profile, wiring_of(profile, customer, self.settings, gpios), self.clock)
        self.faults_at_start = self.board.open()
        self.port = Port(self.settings, self.clock.monotonic_ms())
        self.loop = ControlLoop(
            self.port,
            self.board,
            bus=self.bus,
            receive=self._receive,
            clock=self.clock,
            notifier=self.notifier,
            heartbeat=self.heartbeat,
            indicator=Indicator(faces),
        )
        self.loop.start()
        self.cycle()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.board.close()
        if kind is None:
            assert self.world.hazards() == self.hazards

    # ------------------------------------------------------------------ time

    @property
    def now(self) -> int:
        """Board time in ms."""
        return self.clock.monotonic_ms()

    def cycle(self) -> None:
        """One control cycle and the wait until the next is due, as ``ControlLoop.run`` does it."""
        next_at = self.now + PERIOD_MS
        self.loop.cycle()
        while self.loop.wait(next_at):
            pass

    def run_ms(self, milliseconds: float) -> None:
        """Let whole cycles pass for at least this long."""
        end = self.now + milliseconds
        while self.now < end:
            self.cycle()

    def run_long(self, milliseconds: float) -> None:
        """Like ``run_ms`` with cycles of 100 ms: cheaper, for a time in which nothing urgent happens."""
        end = self.now + milliseconds
        while self.now < end:
            self.loop.cycle()
            self.clock.sleep(_LONG_MS / 1000)

    def pass_guard(self) -> None:
        """Let the 6 s pass in which no contactor closes after a start or after opening."""
        self.run_long(_GUARD_MS)

    def until(self, condition: Callable[[], bool], limit_ms: float, what: str = "the condition") -> int:
        """Run until the condition holds, at most ``limit_ms``; return how long it took (ms)."""
        started = self.now
        while not condition():
            late = f"{what}: not within {limit_ms:g} ms; published: {self.latest()}"
            assert self.now - started <= limit_ms, late
            self.cycle()
        return self.now - started

    def skip_ms(self, milliseconds: float) -> None:
        """Let time pass without a cycle, as a stalled process would; watch out, it is late afterwards."""
        self.clock.sleep(milliseconds / 1000)

    # ------------------------------------------------------------------ messages

    def send(self, path: str, text: str, *, retained: bool = False) -> None:
        """Deliver a message to the loop as the bus does: decoded, and only where it is subscribed to."""
        found = topics.match(path)
        assert found is not None, f"{path} is not declared"
        topic, name = found
        assert topic.path in self._subscribed, f"{path} is not subscribed to"
        self._inbox.append(Message(topic, name, decode(topic, text.encode()), retained, len(text)))

    def _receive(self) -> list[Message]:
        taken, self._inbox = self._inbox, []
        return taken

    def latest(self) -> dict[str, str]:
        """The last payload of each topic."""
        return {path: text for _, path, text in self.bus.sent}

    def value(self, topic: Topic) -> str | None:
        """The last payload of one topic, None before the first."""
        return self.latest().get(topic.path)

    def sent(self, topic: Topic, since_ms: int = 0) -> list[str]:
        """All payloads of one topic, in order."""
        return [text for at, path, text in self.bus.sent if path == topic.path and at >= since_ms]

    # ------------------------------------------------------------------ what a test wants to know

    @property
    def errors(self) -> list[str]:
        """The published errors."""
        value: list[str] = json.loads(self.value(topics.TOPIC_PORTD_ERRORS) or "[]")
        return value

    @property
    def closed(self) -> bool:
        """The contactor has really closed."""
        return bool(self.world.fact("contactor_1"))

    @property
    def current_a(self) -> float:
        """What the car draws per phase."""
        return float(self.world.fact("current_a"))

    def charge(self, limit_ms: float = 20_000) -> None:
        """Plug in and run until the car draws current."""
        self.pass_guard()
        self.world.do("plug")
        self.until_charging(limit_ms)

    def until_charging(self, limit_ms: float = 20_000) -> None:
        """Run until the car draws current."""
        self.until(lambda: self.port.path.on, limit_ms, "power is switched on")
        self.until(lambda: self.current_a > 0, 1_000, "the car draws current")

    def changes(self, fact: str, since_ms: float = 0) -> list[tuple[float, Any]]:
        """When a fact of the station changed (ms) and to what."""
        return [
            (event["at_ms"], event["value"])
            for event in self.world.history()
            if event["name"] == fact and event["at_ms"] >= since_ms
        ]

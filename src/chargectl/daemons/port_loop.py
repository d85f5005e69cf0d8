"""The control loop: read the board, tell the port, carry out what it wants, every 20 ms.

Between two cycles the loop sleeps on the edges of the emergency and RCD inputs, so that these are acted on at
once. Nothing in here waits for the network: messages come from an inbox, publications go to a queue.

The watchdog is told that all is well only while the loop keeps its period and every relay that is to be off
is off. If either stops being so, systemd and the hardware reset the board.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, Protocol

from chargectl.board.errors import BoardError
from chargectl.board.port_board import Inputs, Urgent
from chargectl.bus.message import Message
from chargectl.bus.payload import PayloadError, Value
from chargectl.daemons.port_observer import PortObserver
from chargectl.daemons.port_outputs import OutputBoard, PortOutputs
from chargectl.daemons.port_requests import PortRequests
from chargectl.declarations.port_link import PortStatus, SessionWish
from chargectl.declarations.types import Topic
from chargectl.hmi.status_led import Indicator
from chargectl.port import effects, events
from chargectl.port.indication import Indication
from chargectl.port.machine import Port
from chargectl.port.session_status import status_of
from chargectl.system.clock import Clock
from chargectl.system.heartbeat import Heartbeat
from chargectl.system.notify import Notifier

log = logging.getLogger(__name__)

PERIOD_MS: Final = 20
"""One control cycle: three of them confirm a pilot state within the 100 ms that IEC 61851-1 leaves."""

LATE_MS: Final = 200
"""A cycle that comes this late after the last one has missed its period: no sign of life for the watchdog."""


STOP_MS: Final = 5_000
"""An EV has 3 s to stop; contactor and lock take the rest. Then the program ends in any case."""


class LoopBoard(OutputBoard, Protocol):
    """The part of the board that the loop needs."""

    def sample(self) -> Inputs:
        """Read everything once."""

    def wait_urgent(self, timeout_s: float) -> bool:
        """Sleep until an edge on an urgent input; return False on timeout."""

    def read_urgent(self) -> Urgent:
        """Read the emergency input and the RCD's feedback."""

    def set_output(self, gpio: int, high: bool) -> None:
        """Set a digital output."""


class Publishing(Protocol):
    """The part of the bus that the loop needs."""

    def publish(self, topic: Topic, value: Value, *, again: bool = False) -> bool:
        """Publish without waiting."""


class SessionLink(Protocol):
    """The daemon of high-level charging."""

    def exchange(self, status: PortStatus, now_ms: int) -> list[SessionWish | None]:
        """Tell the status, and return what was wished."""


class ControlLoop:
    """Everything that happens in a cycle; time and devices are handed in."""

    def __init__(
        self,
        port: Port,
        board: LoopBoard,
        *,
        bus: Publishing,
        receive: Callable[[], list[Message]],
        clock: Clock,
        notifier: Notifier,
        heartbeat: Heartbeat,
        indicator: Indicator,
        session_link: SessionLink | None = None,
    ) -> None:
        self._port = port
        self._board = board
        self._bus = bus
        self._receive = receive
        self._clock = clock
        self._notifier = notifier
        self._heartbeat = heartbeat
        self._indicator = indicator
        self._session_link = session_link
        self._indication = Indication()
        self._observer = PortObserver(port.settings.lock if port.settings.pluggable else None)
        self._outputs = PortOutputs(board)
        self._requests = PortRequests()
        self._broken_leds: set[int] = set()
        self._show_at: int | None = 0
        """When the LEDs are due (ms), None while nothing but an event can change them."""
        self._cycle_at: int | None = None
        self._watchdog_at = 0
        self._watchdog_ok = True
        self._stop_asked = 0
        self._stop_until: int | None = None

    def stop(self) -> None:
        """Ask :meth:`run` to end the session and return, the second time at once.

        May be called from a signal handler.
        """
        self._stop_asked += 1

    def start(self) -> None:
        """Put the outputs to their first state and publish everything once."""
        now = self._clock.monotonic_ms()
        self._carry_out(self._port.start(now), now)

    def run(self) -> None:
        """Run cycles until :meth:`stop` is called and the port is at rest, or STOP_MS later."""
        while not self._ended():
            started = self._clock.monotonic_ms()
            self.cycle()
            # The next cycle starts one period after this one did, not after it ended.
            next_at = started + PERIOD_MS
            while self.wait(next_at):
                pass

    def _ended(self) -> bool:
        if not self._stop_asked:
            return False
        now = self._clock.monotonic_ms()
        if self._stop_until is None:
            self._stop_until = now + STOP_MS
            self._tell(events.Stop(), now)
        return self._stop_asked > 1 or now >= self._stop_until or self._port.at_rest(now)

    def wait(self, until_ms: int) -> bool:
        """Sleep until ``until_ms`` or an urgent edge, which is handled at once; return True if there was
        one.
        """
        timeout_ms = until_ms - self._clock.monotonic_ms()
        if timeout_ms <= 0 or not self._board.wait_urgent(timeout_ms / 1000):
            return False
        urgent = self._board.read_urgent()
        now = self._clock.monotonic_ms()
        for event in self._observer.urgent(urgent.emergency, urgent.rcd_healthy):
            self._tell(event, now)
        return True

    def cycle(self) -> None:
        """Do one cycle."""
        inputs = self._board.sample()
        now = self._clock.monotonic_ms()
        for event in self._observer.observe(inputs):
            self._tell(event, now)
        for source, failing in self._outputs.retry():
            self._tell(events.BoardFault(source, failing), now)
        for event in self._requests.take(self._receive(), now):
            self._tell(event, now)
        deadline = self._port.deadline()
        if deadline is not None and now >= deadline:
            self._tell(events.Tick(), now)
        if self._session_link is not None:
            self._exchange(self._session_link, now)
        if self._show_at is not None and now >= self._show_at:
            self._show(now)
        self._prove_life(now)

    def _exchange(self, link: SessionLink, now_ms: int) -> None:
        for wish in link.exchange(status_of(self._port, now_ms), now_ms):
            self._tell(events.SessionWished(wish), now_ms)

    def _tell(self, event: events.Event, now_ms: int) -> None:
        self._show_at = now_ms
        self._carry_out(self._port.handle(event, now_ms), now_ms)

    def _carry_out(self, wanted: list[effects.Effect], now_ms: int) -> None:
        changes: list[tuple[str, bool]] = []
        for effect in wanted:
            match effect:
                case effects.Publish(topic, value, again):
                    self._publish(topic, value, again)
                case effects.PublishTime(topic):
                    self._bus.publish(topic, self._clock.utc_now())
                case effects.Note(text, problem):
                    log.log(logging.WARNING if problem else logging.INFO, "%s", text)
                case _:
                    change = self._outputs.carry_out(effect)
                    if isinstance(effect, effects.SetPilot):
                        self._observer.pilot_set(effect.duty_centi)
                    if change is not None:
                        changes.append(change)
        # Only now: what the port answers builds on all the effects above having been carried out.
        for source, failing in changes:
            self._tell(events.BoardFault(source, failing), now_ms)

    def _publish(self, topic: Topic, value: Value, again: bool) -> None:
        try:
            self._bus.publish(topic, value, again=again)
        except PayloadError as error:
            # A value that its topic does not allow stays unsaid; it must not end the loop.
            log.error("%s", error)

    def _show(self, now_ms: int) -> None:
        conditions = self._indication.conditions(self._port, now_ms)
        for gpio, high in self._indicator.update(conditions, now_ms).items():
            try:
                self._board.set_output(gpio, high)
                self._broken_leds.discard(gpio)
            except BoardError as error:
                # A dark LED is no reason to stop charging; it is reported once and tried again.
                self._indicator.forget(gpio)
                if gpio not in self._broken_leds:
                    self._broken_leds.add(gpio)
                    log.error("%s", error)
        due = (self._indication.deadline(now_ms), self._indicator.deadline)
        retry = now_ms if self._broken_leds else None
        self._show_at = min((time for time in (*due, retry) if time is not None), default=None)

    def _prove_life(self, now_ms: int) -> None:
        late = self._cycle_at is not None and now_ms - self._cycle_at > LATE_MS
        self._cycle_at = now_ms
        if late or self._outputs.stuck:
            self._watchdog_ok = False
        else:
            self._heartbeat.beat()
        interval_s = self._notifier.watchdog_interval_s
        if interval_s is None or now_ms < self._watchdog_at:
            return
        if self._watchdog_ok:
            self._notifier.watchdog()
        # A fault within an interval costs that interval's sign of life; a lasting one costs all.
        self._watchdog_ok = True
        # A third of the manager's patience, so that one lost sign does not end a process that works.
        self._watchdog_at = now_ms + int(interval_s * 1000) * 2 // 3

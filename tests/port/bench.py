"""A port on a test bench: obedient contactors, lock, RCD and EV around the pure machine, in simulated time.

What the port switches answers after a realistic delay; every device can be told not to. A pilot line that the
port holds at 0 V or -12 V reads E or F, whatever the EV shows. Time moves only by :meth:`Bench.run`, from
deadline to deadline, so a test of 24 hours takes milliseconds.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from functools import partial

from chargectl.declarations.types import LockFeedback, Topic
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import effects, events
from chargectl.port.events import LockPosition
from chargectl.port.machine import Port
from chargectl.port.settings import Feedback, PortSettings

CONTACTOR_MS = 20
RCD_MS = 30
LOCK_TRAVEL_MS = 300
PILOT_MS = 60


class Bench:
    """A started port; ``log`` holds every effect with its time."""

    def __init__(
        self,
        settings: PortSettings | None = None,
        *,
        settle: bool = True,
        rcd_pulse_ms: tuple[int, int] | None = None,
    ) -> None:
        self.settings = settings or PortSettings(evse_limit_a=32, grid_limit_a=32)
        self.now = 0
        self.port = Port(self.settings, 0)
        self.log: list[tuple[int, effects.Effect]] = []
        self.values: dict[str, effects.PublishedValue] = {}
        self.published: list[tuple[int, str, effects.PublishedValue]] = []
        self.relay = {1: False, 2: False}
        self.contactor = {1: False, 2: False}
        self.contactor_follows = {1: True, 2: True}
        self.duty_centi: int | None = 10_000
        self.ev = CpState.A
        self.motion = effects.LockMotion.OFF
        self.lock_position = LockPosition.UNLOCKED
        self.lock_jammed = False
        self.rcd_test_output = False
        self.rcd_answers = True
        self.rcd_pulse_ms = rcd_pulse_ms
        """For an RCD that takes the trigger for a pulse: from when to when it is tripped after it."""
        self.rcd_tripped = False
        self._later: list[tuple[int, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._apply(self.port.start(0))
        for index in (1, 2):
            self._send_sense(index)
        self._send_lock()
        self.send(events.LockCapacitor(True))
        if self.settings.rcd.enable:
            self.send(events.RcdFeedback(True))
        self.send(events.ProximitySeen(Cable.NONE))
        self.send(events.PilotSeen(CpState.A))
        if settle:
            self.run(10_000)

    # ---------------------------------------------------------------- driving

    def send(self, *sent: events.Event) -> Bench:
        """Deliver events now."""
        for event in sent:
            if isinstance(event, events.PilotSeen) and event.state not in (CpState.E, CpState.F):
                self.ev = event.state
            self._apply(self.port.handle(event, self.now))
        return self

    def run(self, ms: int) -> Bench:
        """Let time pass; deadlines and answers of the devices come when they are due."""
        end = self.now + ms
        while True:
            due = [end]
            deadline = self.port.deadline()
            if deadline is not None:
                assert deadline > self.now, "a deadline in the past would make the shell spin"
                due.append(deadline)
            if self._later:
                due.append(self._later[0][0])
            moment = min(due)
            self.now = moment
            answered = False
            while self._later and self._later[0][0] <= moment:
                heapq.heappop(self._later)[2]()
                answered = True
            if not answered and moment == end and (deadline is None or deadline > end):
                return self
            self.send(events.Tick())
            if moment == end and not (self._later and self._later[0][0] <= end):
                return self

    def plug(self, cable: Cable = Cable.A32, state: CpState = CpState.B, settle_ms: int = 5_000) -> Bench:
        """Put a cable with an EV in, and let the port do what it does then."""
        return self.send(events.ProximitySeen(cable)).pilot(state, settle_ms)

    def unplug(self, settle_ms: int = 5_000) -> Bench:
        """Pull the plug."""
        return self.pilot(CpState.A).send(events.ProximitySeen(Cable.NONE)).run(settle_ms)

    def pilot(self, state: CpState, settle_ms: int = 0) -> Bench:
        """Let the EV show a pilot state; on a line held at 0 V or -12 V nobody sees it."""
        self.ev = state
        self._send_pilot()
        return self.run(settle_ms)

    def charge(self) -> Bench:
        """Bring the port to charging: plugged, authorized by the settings, state C, contactor closed."""
        self.plug().run(10_000).pilot(CpState.C, 1_000)
        assert self.charging, self.describe()
        return self

    # ---------------------------------------------------------------- looking

    @property
    def charging(self) -> bool:
        """Whether the primary contactor is closed."""
        return self.contactor[1]

    @property
    def error_codes(self) -> list[str]:
        """Codes of the active errors, as published."""
        value = self.values["chargectl/portd/errors"]
        assert isinstance(value, list)
        return [str(code) for code in value]

    def value(self, topic: Topic) -> effects.PublishedValue | None:
        """The value published last on ``topic``."""
        return self.values.get(topic.path)

    def history(self, topic: Topic) -> list[effects.PublishedValue]:
        """Every value published on ``topic``."""
        return [value for _, path, value in self.published if path == topic.path]

    def times(self, effect: effects.Effect) -> list[int]:
        """When ``effect`` was wanted (ms)."""
        return [time for time, logged in self.log if logged == effect]

    def since(self, moment: int) -> list[effects.Effect]:
        """Effects from ``moment`` (ms) on that are not publications or notes."""
        return [
            logged
            for time, logged in self.log
            if time >= moment and not isinstance(logged, effects.Publish | effects.PublishTime | effects.Note)
        ]

    def describe(self) -> str:
        """The port in a line, for failing assertions."""
        return (
            f"t={self.now} cp={self.port.pilot.state} duty={self.duty_centi} relay={self.relay} "
            f"lock={self.lock_position} errors={self.error_codes}"
        )

    # ---------------------------------------------------------------- devices

    def _apply(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            self.log.append((self.now, effect))
            match effect:
                case effects.SetRelay(index, on):
                    self.relay[index] = on
                    self._after(CONTACTOR_MS, partial(self._follow, index))
                case effects.SetPilot(duty):
                    held = self.duty_centi in (None, 0)
                    self.duty_centi = duty
                    if held or duty in (None, 0):
                        self._after(PILOT_MS, self._send_pilot)
                case effects.DriveLock(motion):
                    self.motion = motion
                    if motion is not effects.LockMotion.OFF:
                        self._after(LOCK_TRAVEL_MS, partial(self._travel, motion))
                case effects.SetRcdTest(active):
                    self.rcd_test_output = active
                    self._trigger_rcd(active)
                case effects.Publish(topic, value, _):
                    self.values[topic.path] = value
                    self.published.append((self.now, topic.path, value))
                case _:
                    pass

    def later(self, ms: int, *sent: events.Event) -> Bench:
        """Deliver events after ``ms``."""
        self._after(ms, lambda: self.send(*sent))
        return self

    def _trigger_rcd(self, active: bool) -> None:
        if not self.rcd_answers:
            return
        if self.rcd_pulse_ms is None:
            self._after(RCD_MS, self.send_rcd)
        elif active:
            trips, recovers = self.rcd_pulse_ms
            self.later(trips, events.RcdFeedback(False)).later(recovers, events.RcdFeedback(True))

    def _after(self, ms: int, action: Callable[[], object]) -> None:
        heapq.heappush(self._later, (self.now + ms, next(self._order), action))

    def _follow(self, index: int) -> None:
        if self.contactor_follows[index] and self.contactor[index] != self.relay[index]:
            self.contactor[index] = self.relay[index]
            self._send_sense(index)

    def _send_sense(self, index: int) -> None:
        closed = self.contactor[index]
        if index == 1:
            feedback = self.settings.contactor_feedback
            self.send(events.PrimarySense(closed is (feedback is not Feedback.NORMALLY_CLOSED)))
        else:
            switching = self.settings.phase_switching
            feedback = self.settings.phases.feedback if switching else self.settings.ventilation.feedback
            self.send(events.SecondarySense(closed is (feedback is not Feedback.NORMALLY_CLOSED)))

    def show_contactor(self, index: int, closed: bool) -> Bench:
        """Let a contactor move by itself."""
        self.contactor[index] = closed
        self._send_sense(index)
        return self

    def _send_pilot(self) -> None:
        line = {None: CpState.E, 0: CpState.F}.get(self.duty_centi, self.ev)
        self._apply(self.port.handle(events.PilotSeen(line), self.now))

    def _send_lock(self) -> None:
        blind = self.settings.lock.feedback is LockFeedback.NONE
        self.send(events.LockSense(LockPosition.UNKNOWN if blind else self.lock_position))

    def show_lock(self, position: LockPosition) -> Bench:
        """Let the lock's bolt move by itself."""
        self.lock_position = position
        self._send_lock()
        return self

    def _travel(self, motion: effects.LockMotion) -> None:
        if self.lock_jammed or self.motion is not motion:
            return
        locked = motion is effects.LockMotion.LOCK
        self.lock_position = LockPosition.LOCKED if locked else LockPosition.UNLOCKED
        self._send_lock()

    def trip_rcd(self, tripped: bool = True) -> Bench:
        """Trip the RCD by a residual current, or let it go back."""
        self.rcd_tripped = tripped
        self.send_rcd()
        return self

    def send_rcd(self) -> None:
        """Report the RCD's feedback as it is now."""
        self.send(events.RcdFeedback(not (self.rcd_tripped or (self.rcd_test_output and self.rcd_answers))))

"""A world around a port: devices that obey or do not, a line, and time with punctual or late ticks."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from functools import partial

from chargectl.declarations.types import LockFeedback
from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import effects, events
from chargectl.port.effects import LockMotion
from chargectl.port.events import LockPosition
from chargectl.port.machine import Port
from chargectl.port.settings import Feedback, PortSettings
from tests.port.world_oracle import Judge

CONTACTOR_MS = 20
RCD_MS = 30
LOCK_TRAVEL_MS = 300
LINE_MS = 60
TICKS_A_RUN = 150
"""A longer stretch of time ends with one late tick: 25 h of a lock that retries are many."""


class World:
    """Drives one port; every step is judged."""

    def __init__(self, settings: PortSettings, *, silent_start: bool = False) -> None:
        self.settings = settings
        self.now = 0
        self.port = Port(settings, 0)
        self.judge = Judge(settings, 0)
        self.blind = settings.lock.feedback is LockFeedback.NONE
        self.stuck = {1: False, 2: False}
        self.jammed = False
        self.rcd_mute = False
        self.rcd_tripped = False
        self.ev = CpState.A
        self.line_shows_output = True
        self.lock = LockPosition.UNKNOWN if self.blind else LockPosition.UNLOCKED
        self._closed = {1: False, 2: False}
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._steps = 0
        first = self.port.start(0)
        self.judge.judge(self.port, None, 0, first)
        self._obey(first)
        if not silent_start:
            self.announce()

    # ---------------------------------------------------------------- events and time

    def send(self, event: events.Event) -> None:
        """Deliver one event now and judge the answer."""
        done = self.port.handle(event, self.now)
        self.judge.judge(self.port, event, self.now, done)
        self._steps += 1
        if self._steps % 4 == 0:
            again = self.port.handle(events.Tick(), self.now)
            assert not again, f"a second look at the same moment changes {again}"
        self._obey(done)

    def announce(self) -> None:
        """Tell every input's level, as the shell does at its start."""
        self._tell_contactor(1)
        self._tell_contactor(2)
        self.tell_lock()
        self.send(events.LockCapacitor(True))
        self._tell_rcd()
        self.send(events.ProximitySeen(Cable.NONE))
        self.send(events.PilotSeen(CpState.A))

    def run(self, ms: int, late_ms: int = 0) -> None:
        """Let time pass; each tick comes ``late_ms`` after its deadline, what the devices do on time."""
        end = self.now + ms
        for _ in range(TICKS_A_RUN):
            deadline = self.port.deadline()
            tick = end + 1 if deadline is None else deadline + late_ms
            device = self._later[0][0] if self._later else end + 1
            if min(tick, device) > end:
                break
            self.now = max(self.now, min(tick, device))
            if device <= tick:
                heapq.heappop(self._later)[2]()
            else:
                self.send(events.Tick())
        self.sleep(end - self.now)

    def sleep(self, ms: int) -> None:
        """Let time pass unnoticed, then let the devices and one tick tell of it."""
        self.now += ms
        while self._later and self._later[0][0] <= self.now:
            heapq.heappop(self._later)[2]()
        self.send(events.Tick())

    # ---------------------------------------------------------------- devices

    def _after(self, ms: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.now + ms, next(self._order), action))

    def _obey(self, done: list[effects.Effect]) -> None:
        for effect in done:
            match effect:
                case effects.SetRelay(index, _):
                    self._after(CONTACTOR_MS, partial(self._follow, index))
                case effects.SetPilot():
                    self._after(LINE_MS, self.tell_line)
                case effects.DriveLock(motion) if motion is not LockMotion.OFF:
                    self._after(LOCK_TRAVEL_MS, partial(self._travel, motion))
                case effects.SetRcdTest(active):
                    # After a short trigger a real device stays tripped until it has been looked at.
                    rcd = self.settings.rcd
                    held = 0 if active else max(rcd.check_tripped_ms - rcd.trigger_ms, 0)
                    self._after(RCD_MS + held, self._tell_rcd)
                case _:
                    pass

    def _follow(self, index: int) -> None:
        relay = self.judge.relay1 if index == 1 else self.judge.relay2
        if not self.stuck[index] and self._closed[index] is not relay:
            self._closed[index] = relay
            self._tell_contactor(index)

    def release(self, index: int) -> None:
        """Let a stuck contactor move again."""
        self.stuck[index] = False
        self._follow(index)

    def _tell_contactor(self, index: int) -> None:
        closed = self._closed[index]
        if index == 1:
            level = closed is (self.settings.contactor_feedback is not Feedback.NORMALLY_CLOSED)
            self.send(events.PrimarySense(level))
        else:
            feedback = self.judge.facts.secondary_feedback
            self.send(events.SecondarySense(closed is (feedback is not Feedback.NORMALLY_CLOSED)))

    def _travel(self, motion: LockMotion) -> None:
        if self.jammed or self.judge.motor is not motion:
            return
        if not self.blind:
            locked = motion is LockMotion.LOCK
            self.lock = LockPosition.LOCKED if locked else LockPosition.UNLOCKED
            self.tell_lock()

    def tell_lock(self) -> None:
        """Tell the lock's position."""
        self.send(events.LockSense(self.lock))

    def trip(self, tripped: bool) -> None:
        """Trip the RCD by a residual current, or let it go back."""
        self.rcd_tripped = tripped
        self._tell_rcd()

    def _tell_rcd(self) -> None:
        if self.settings.rcd.enable:
            under_test = self.judge.rcd_test and not self.rcd_mute
            self.send(events.RcdFeedback(not (self.rcd_tripped or under_test)))

    def tell_line(self) -> None:
        """Tell the pilot's state: the EV's, or what the port itself puts on the line."""
        state = self.ev
        if self.line_shows_output and self.judge.duty is None:
            state = CpState.E
        elif self.line_shows_output and self.judge.duty == 0:
            state = CpState.F
        if state is not self.judge.facts.pilot:
            self.send(events.PilotSeen(state))

    def show(self, state: CpState, *, diode_ok: bool = True) -> None:
        """The EV, or a fault of the line, puts the pilot to ``state``."""
        if state not in (CpState.E, CpState.F):
            self.ev = state
        self.send(events.PilotSeen(state, diode_ok))

    # ---------------------------------------------------------------- stories

    def plug(self, cable: Cable = Cable.A32) -> None:
        """Put in a cable with an EV."""
        self.send(events.ProximitySeen(cable))
        self.show(CpState.B)

    def unplug(self) -> None:
        """Pull the plug."""
        self.show(CpState.A)
        self.send(events.ProximitySeen(Cable.NONE))

    def allow(self, allowed: bool) -> None:
        """Authorize in whatever way the settings name."""
        self.send(events.Authorization(allowed, session=False))
        self.send(events.KeySwitch(allowed))

    def charge(self) -> bool:
        """Try to charge from wherever the world is; return whether power came on."""
        self.allow(True)
        if self.ev is CpState.A:
            self.plug()
        self.wait(13_000)
        self.show(CpState.C)
        self.wait(1_000)
        return self.judge.relay1

    def wait(self, ms: int) -> None:
        """Let time pass while whoever publishes limits keeps publishing them."""
        end = self.now + ms
        while self.now < end:
            for name, ampere in self.judge.facts.limits().items():
                self.send(events.DynamicLimit(name, ampere))
            self.run(min(end - self.now, 900 if self.settings.dynamic_limit_maximum_age_s else ms))

    def repair(self) -> None:
        """Put everything in order that a person or a device can put in order, and take the EV away."""
        self.stuck = {1: False, 2: False}
        self.jammed = self.rcd_mute = False
        self.line_shows_output = True
        for source in list(self.judge.facts.faults):
            self.send(events.BoardFault(source, active=False))
        self.send(events.EmergencyInput(asserted=False))
        self.send(events.LockDriverFault(active=False))
        self.send(events.LockCapacitor(charged=True))
        self.send(events.StationLimit(-1))
        for name in self.judge.facts.limits():
            self.send(events.DynamicLimit(name, -1))
        self._closed = {1: self.judge.relay1, 2: self.judge.relay2}
        self._tell_contactor(1)
        self._tell_contactor(2)
        self.tell_lock()
        self.trip(False)
        self.unplug()

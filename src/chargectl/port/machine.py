"""The charging port: facts and time in, effects and the next deadline out.

How it works. Every event changes a fact in one of the parts (pilot, cable, RCD, lock, contactors, limits,
...). Then the port settles: it derives from the facts what everything should be, in the order of safety, and
lets the parts take their next step, until nothing changes any more. There is no table of port states that
could miss a combination; what may happen is decided in three places only:

* ``reactions.combined``: what the active errors demand;
* :meth:`Port._may_offer`: whether current is put on offer;
* :meth:`Port._power`: whether the contactor is to be on.

Nothing here reads a clock or touches a pin.
"""

from __future__ import annotations

from typing import Final

from chargectl.declarations import errors
from chargectl.declarations.types import ContactorDemand, Duty, ErrorRow, LockDemand
from chargectl.pilot.duty import NEGATIVE_CENTI, STEADY_CENTI, duty_for_current
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import Effect, Note
from chargectl.port.high_level import HighLevel
from chargectl.port.intake import take
from chargectl.port.outputs import Outputs, output_effects
from chargectl.port.publications import Publisher
from chargectl.port.reactions import combined
from chargectl.port.settings import PortSettings
from chargectl.port.state import PortState
from chargectl.port.timing import EV_STOP_MS

_PASSES: Final = 20
"""More settling steps than the parts have states to walk through; reaching it is a fault of this program."""


class Port(PortState):
    """One charging port after IEC 61851-1, mode 3, case B (socket) or C (fixed cable)."""

    def __init__(self, settings: PortSettings, now_ms: int) -> None:
        super().__init__(settings, now_ms)
        self._stop_since: int | None = None
        self._outputs = Outputs()
        self._publisher = Publisher()
        self._now = now_ms

    # ------------------------------------------------------------------ the three calls of the shell

    def start(self, now_ms: int) -> list[Effect]:
        """Return the effects that bring the outputs to their first state and publish everything once."""
        self._settle(now_ms)
        return [*output_effects(None, self._outputs), *self._publisher.changes(self)]

    def handle(self, event: events.Event, now_ms: int) -> list[Effect]:
        """Take one event at ``now_ms`` (monotonic milliseconds, never going back); return the effects in
        order.
        """
        before = self._outputs
        take(self, event, now_ms)
        self._settle(now_ms)
        effects = output_effects(before, self._outputs)
        effects += self._publisher.changes(self)
        if self.notes:
            effects += self.notes
            self.notes = []
        return effects

    def deadline(self) -> int | None:
        """Return when the port wants a :class:`~chargectl.port.events.Tick` (ms), None when time changes
        nothing.
        """
        now = self._now
        times = (
            self.pilot.deadline(),
            self.cable.deadline(now) if self.settings.pluggable else None,
            self.limits.deadline(now),
            self.rcd.deadline(now),
            self.lock.deadline() if self.settings.pluggable else None,
            self.path.deadline(now),
            self.board.deadline(now),
            self.wake_up.deadline(),
            None if self.high_level is None else self.high_level.deadline(),
            None if self._stop_since is None else self._stop_since + EV_STOP_MS,
        )
        return min((time for time in times if time is not None and time > now), default=None)

    def at_rest(self, now_ms: int) -> bool:
        """Whether nothing is left to do before the program may end: power off, the plug free."""
        free = not self.settings.pluggable or self.lock.unlocked or self.lock.failure is not None
        return self.path.confirmed_open(now_ms) and free

    @property
    def outputs(self) -> Outputs:
        """What the pins are meant to show."""
        return self._outputs

    # ------------------------------------------------------------------ settling

    def _settle(self, now_ms: int) -> None:
        self._now = now_ms
        for _ in range(_PASSES):
            before = self._signature(now_ms)
            self._pass(now_ms)
            outputs = self._derive_outputs(now_ms)
            if outputs != self._outputs:
                self._outputs = outputs
            elif self._signature(now_ms) == before:
                return
        raise AssertionError("the port does not settle")

    def _signature(self, now_ms: int) -> tuple[object, ...]:
        """What one pass may change that another decision of the next pass looks at."""
        return (
            self.active_errors,
            self.path.failed,
            self.path.on,
            self.lock.failure,
            self.lock.target,
            self.lock.held,
            self.lock.locked,
            self.rcd.ready,
            self.offered_a,
            self.blocked,
            self.connected,
            self.wake_up.pulsing,
            None if self.high_level is None else self.high_level.facts,
            self.path.pausing(now_ms),
            self.path.confirmed_open(now_ms),
            self.path.secondary is not None and self.path.secondary.target,
            self._ventilated(),
        )

    def _pass(self, now_ms: int) -> None:
        self.pilot.step(now_ms)
        self.board.step(now_ms)
        self._follow_connection(now_ms)
        self._step_rcd(now_ms)
        if self.settings.pluggable:
            self.cable.step(now_ms, self.path.on)
            self.limits.cable_a = self.cable.limit_a
        self._judge_errors()
        self._aim_lock(now_ms)
        if self.ventilation is not None:
            safe = self.reaction.contactor is not ContactorDemand.OPEN
            self.ventilation.step(self.pilot.state, safe)
        self.offered_a = self.limits.offered_a(now_ms)
        if self.high_level is None:
            offered = self._may_offer(now_ms)
        else:
            offered = False
            self.high_level.step(self._may_signal(), self.offered_a, self.path.on, now_ms)
        if self.connected and self.path.pausing(now_ms):
            self.wake_up.spend()
        self.wake_up.step(offered, self.pilot.state, now_ms)
        self.duty_centi = self._duty(offered)
        self.pilot.imposed(self.duty_centi in (None, NEGATIVE_CENTI), now_ms)
        if self.high_level is None:
            power = self._power(offered, now_ms)
        else:
            power = self._power_for_session(self.high_level, now_ms)
        self.path.step(power, now_ms)
        if self.settings.pluggable and self.pilot.known:
            self.lock.step(now_ms, self._may_unlock(now_ms))

    def _follow_connection(self, now_ms: int) -> None:
        connected = self.pilot.connected
        if self.blocked and not self.emergency and self.pilot.state is CpState.A:
            self.blocked = False
        if self.settings.pluggable:
            self.cable.connected(connected, now_ms)
        if connected is self.connected:
            return
        self.connected = connected
        self.rcd.connected(connected)
        if connected:
            self._publisher.plugged_in()
        else:
            self.authorization.unplugged()
            self.wake_up.new_session()
            if self.high_level is not None:
                self.high_level.unplugged()

    def _step_rcd(self, now_ms: int) -> None:
        self.rcd.step(now_ms, self.path.confirmed_open(now_ms))
        if self.rcd.finished:
            self.rcd.finished = False
            self._publisher.rcd_test_ended()
        if self.rcd.unanswered:
            self.rcd.unanswered = False
            self._publisher.rcd_answered()

    def _judge_errors(self) -> None:
        found: list[ErrorRow] = []
        if self.path.failed:
            found.append(errors.POWER_SWITCH_FAILURE)
        if self.settings.pluggable and self.lock.failure is not None:
            found.append(self.lock.failure)
        if self.rcd.error is not None:
            found.append(self.rcd.error)
        if self.emergency:
            found.append(errors.EMERGENCY_SHUTDOWN)
        if self.board.failed:
            found.append(errors.BOARD_FAILURE)
        found.extend(self.pilot.active_errors())
        if self.settings.pluggable and self.cable.error is not None:
            found.append(self.cable.error)
        active = tuple(found)
        if active != self.active_errors:
            self._note_errors(active)
            self.active_errors = active
        self.reaction = combined(active, self.connected)

    def _note_errors(self, active: tuple[ErrorRow, ...]) -> None:
        for row in active:
            if row not in self.active_errors:
                sources = f" ({', '.join(self.board.sources)})" if row is errors.BOARD_FAILURE else ""
                self.notes.append(Note(f"{row.code}: {row.meaning}{sources}", problem=True))
        for row in self.active_errors:
            if row not in active:
                self.notes.append(Note(f"{row.code} is over"))

    # ------------------------------------------------------------------ the lock

    def _may_unlock(self, now_ms: int) -> bool:
        if self.path.confirmed_open(now_ms) or self.reaction.lock is LockDemand.UNLOCK_NOW:
            return True
        # Without an EV no current flows; an unreadable feedback must not hold an empty cable for ever.
        gone = self.pilot.state is CpState.A and not self.connected
        return gone and self.path.primary.presumed_open(now_ms)

    def _aim_lock(self, now_ms: int) -> None:
        if not self.settings.pluggable or not self.pilot.known:
            return
        demand = self.reaction.lock
        if demand is LockDemand.KEEP and self.connected:
            return
        lock_it = demand is LockDemand.UNCHANGED and self._session_allowed()
        if lock_it and self.lock.target is events.LockPosition.UNLOCKED:
            # A new session locks once the line is in order and the RCD test, which may yet fail, is over.
            # One that is locked already, as after a restart, is not opened for the test.
            in_order = self.rcd.ready or self.lock.position is events.LockPosition.LOCKED
            lock_it = self.pilot.state in (CpState.B, CpState.C, CpState.D) and in_order
        if lock_it:
            self.lock.aim(events.LockPosition.LOCKED)
        elif self._may_unlock(now_ms):
            self.lock.aim(events.LockPosition.UNLOCKED)

    def _session_allowed(self) -> bool:
        cable_ok = not self.settings.pluggable or self.cable.limit_a is not None
        return (
            self.connected
            and self.authorization.allowed
            and not self.blocked
            and not self.stopping
            and cable_ok
        )

    # ------------------------------------------------------------------ offer and power

    def _ventilated(self) -> bool:
        """Whether state D, if that is what the EV shows, can be served."""
        if self.pilot.state is not CpState.D:
            return True
        if self.ventilation is None:
            return self.settings.ventilation.always_accept_state_d
        return self.ventilation.accepts_state_d()

    def _may_offer_but_for_limit(self, now_ms: int) -> bool:
        no_error = (
            self.reaction.contactor is ContactorDemand.UNCHANGED and self.reaction.duty is Duty.UNCHANGED
        )
        rcd = self.rcd.healthy if self.path.on else self.rcd.ready
        lock = not self.settings.pluggable or self.lock.held
        return (
            no_error
            and rcd
            and lock
            and self._session_allowed()
            and self._ventilated()
            and not self.path.pausing(now_ms)
        )

    def _may_offer(self, now_ms: int) -> bool:
        return self.offered_a > 0 and self._may_offer_but_for_limit(now_ms)

    def _duty(self, offered: bool) -> int | None:
        if self.reaction.duty is Duty.NEGATIVE:
            return NEGATIVE_CENTI
        if self.wake_up.pulsing:
            return None
        if self.high_level is not None:
            return self.high_level.duty_centi
        if offered:
            return duty_for_current(round(self.offered_a * 1000))
        return STEADY_CENTI

    def _power(self, offered: bool, now_ms: int) -> bool:
        """Decide whether the contactor is to be on."""
        ev_ready = self.pilot.state in (CpState.C, CpState.D)
        if not ev_ready or self.reaction.contactor is ContactorDemand.OPEN or not self.rcd.healthy:
            self._stop_since = None
            return False
        if not self.path.on:
            self._stop_since = None
            locked = not self.settings.pluggable or self.lock.locked
            return offered and locked and not self.wake_up.pulsing
        if offered or self._may_offer_but_for_limit(now_ms):
            # A limit below 6 A withdraws the offer and leaves the contactor as it is (guide Table 74).
            self._stop_since = None
            return True
        # The offer is withdrawn for another reason: the EV has its time to stop, then it is switched off.
        if self._stop_since is None:
            self._stop_since = now_ms
        return now_ms < self._stop_since + EV_STOP_MS

    # ------------------------------------------------------------------ high-level charging

    def _may_signal(self) -> bool:
        """Whether nothing of the port's own speaks against 5 %: an EV is there, and it could be charged.

        Who may charge is asked within the session. An RCD test that is due comes before it: a session has no
        time for one once the EV wants power.
        """
        no_error = (
            self.reaction.contactor is ContactorDemand.UNCHANGED and self.reaction.duty is Duty.UNCHANGED
        )
        begun = self.high_level is not None and self.high_level.begun
        rcd = self.rcd.healthy if begun else self.rcd.ready
        cable_ok = not self.settings.pluggable or self.cable.limit_a is not None
        return self.connected and no_error and rcd and cable_ok and not self.blocked and not self.stopping

    def may_close(self, now_ms: int) -> bool:
        """Whether a V2G session and an EV in state C or D would get power."""
        locked = not self.settings.pluggable or self.lock.locked
        session = self.high_level
        return session is not None and session.signalling and locked and self._may_offer(now_ms)

    def _power_for_session(self, session: HighLevel, now_ms: int) -> bool:
        ev_ready = self.pilot.state in (CpState.C, CpState.D)
        possible = ev_ready and self.reaction.contactor is not ContactorDemand.OPEN and self.rcd.healthy
        if self.path.on:
            # A limit of 0 A is told to the EV, which takes nothing then: the contactor stays as it is.
            return session.keep(possible, self._may_offer_but_for_limit(now_ms), now_ms)
        return possible and session.power and self.may_close(now_ms)

    def _derive_outputs(self, now_ms: int) -> Outputs:
        secondary = self.path.secondary
        if secondary is not None:
            relay2 = secondary.target
        else:
            relay2 = self.ventilation is not None and self.ventilation.target
        return Outputs(
            relay1=self.path.primary.target,
            relay2=relay2 if self.settings.phases.two_relays else None,
            duty_centi=self.duty_centi,
            lock=self.lock.motion if self.settings.pluggable else None,
            rcd_test=self.rcd.trigger if self.rcd.tests else None,
        )

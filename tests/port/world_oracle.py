"""The judge: replays a port's effects and holds them against the safety requirements.

The requirements are the guide's (chapters 3.3.4, 15.13-15.20, Table 14), IEC 61851-1's and this project's
own; the figures stand here again on purpose. :meth:`Judge.judge` raises AssertionError with what is wrong.
"""

from __future__ import annotations

from chargectl.declarations import topics
from chargectl.declarations.errors import BY_CODE
from chargectl.declarations.types import ContactorDemand, Duty, ErrorRow, LockFeedback
from chargectl.pilot.levels import CpState
from chargectl.port import effects, events
from chargectl.port.effects import LockMotion
from chargectl.port.events import LockPosition
from chargectl.port.machine import Port
from chargectl.port.publications import Publisher
from chargectl.port.settings import Feedback, PortSettings
from tests.port.world_facts import POWER_STATES, Facts

GUARD_MS = 6_000
EV_STOP_MS = 3_000
REACTION_MS = 500
BOARD_CLEAR_MS = 1_000


class Judge:
    """Knows what was switched and what was told, and checks each step of the port."""

    def __init__(self, settings: PortSettings, now: int) -> None:
        self.settings = settings
        self.facts = Facts(settings, now)
        self.relay1 = False
        self.relay2 = False
        self.duty: int | None = 10_000
        self.motor = LockMotion.OFF
        self.rcd_test = False
        self.testing = False
        self.published: dict[str, effects.PublishedValue] = {}
        self.opened_at = now
        self.relay2_off_at = now
        self.mismatch_since: int | None = None
        self._may_close_until = {1: now, 2: now}
        self.phases_used: int | None = None
        self._least_delay_s = self.facts.delay_s
        self.blind_locked = False
        self._motor_since = self._off_at = now
        self._withdrawn_since: int | None = None

    # ---------------------------------------------------------------- one step

    def judge(self, port: Port, event: events.Event | None, now: int, done: list[effects.Effect]) -> None:
        """Check ``done``, the port's answer to ``event`` (None: its start)."""
        was_closed, failed_before = self.facts.closed, self.failed
        relay1_before = self.relay1
        if event is not None:
            explained = self.testing or bool(self.published[topics.TOPIC_RCD_ERROR.path])
            self.facts.take(event, now, trip_explained=explained)
        if was_closed and self.facts.closed is False and not self.relay1:
            self.opened_at = now
        if self.facts.closed:
            self._may_close_until[1] = now
        if self.facts.secondary_closed:
            self._may_close_until[2] = now
        if self.facts.driver_fault and self.motor is not LockMotion.OFF:
            self.blind_locked = False
        self._least_delay_s = min(self._least_delay_s, self.facts.delay_s)
        due_before = self.mismatch_since
        self._follow_mismatch(now)
        published_first = dict(self.published)
        for effect in done:
            if isinstance(effect, effects.Publish):
                self.published[effect.topic.path] = effect.value
            elif isinstance(effect, effects.PublishTime):
                assert self.testing, "the end of a test that did not run"
                self.testing = False
        for effect in done:
            self._carry_out(effect, now)
        self._follow_mismatch(now)
        if self.relay1:
            self.facts.powered(now)
        self._check_failure(now, due_before, failed_before)
        self._check_standing(now)
        self._check_opening(relay1_before, now)
        self._check_offer(now)
        self._check_published(port, published_first)
        deadline = port.deadline()
        assert deadline is None or deadline > now, f"deadline {deadline} is not after {now}"

    def _follow_mismatch(self, now: int) -> None:
        if self.facts.closed is None or self.facts.closed is self.relay1:
            self.mismatch_since = None
        elif self.mismatch_since is None:
            self.mismatch_since = now

    def _carry_out(self, effect: effects.Effect, now: int) -> None:
        match effect:
            case effects.SetRelay(1, True):
                self._check_closing(now)
                self.relay1, self.phases_used = True, self.facts.phases
            case effects.SetRelay(1, False):
                if self.relay1:
                    self.opened_at = self._off_at = now
                    self._least_delay_s = self.facts.delay_s
                    self._may_close_until[1] = now if self.facts.closed else now + REACTION_MS
                self.relay1 = False
            case effects.SetRelay(2, on):
                self._check_relay2(on, now)
                if self.relay2 and not on:
                    self._may_close_until[2] = now if self.facts.secondary_closed else now + REACTION_MS
                self.relay2 = on
            case effects.SetPilot(duty):
                self.duty = duty
            case effects.DriveLock(motion):
                self._follow_motor(motion, now)
            case effects.SetRcdTest(active):
                if active:
                    assert self.settings.rcd.enable, "an RCD test without monitoring"
                    assert self.settings.rcd.test, "an RCD test without test output"
                    self._check_open(now, "an RCD test starts")
                    self.testing = True
                self.rcd_test = active
            case _:
                pass

    def _follow_motor(self, motion: LockMotion, now: int) -> None:
        if motion is LockMotion.LOCK:
            # A plug that may not be opened yet stays wanted closed.
            held = self.lock_failed or self.facts.closed is not False
            assert self.facts.connected or held, "locked without an EV"
            self.blind_locked = not self.facts.driver_fault
        elif motion is LockMotion.UNLOCK or now < self._motor_since + self.settings.lock.drive_ms:
            self.blind_locked = False
        self.motor, self._motor_since = motion, now

    # ---------------------------------------------------------------- what is published

    @property
    def errors(self) -> list[ErrorRow]:
        """The active errors, by what the port says."""
        codes = self.published.get(topics.TOPIC_PORTD_ERRORS.path, [])
        assert isinstance(codes, list)
        return [BY_CODE[str(code)] for code in codes]

    @property
    def failed(self) -> bool:
        """Whether a contactor failure was published."""
        return bool(self.published.get(topics.TOPIC_CONTACTOR_ERROR.path, False))

    @property
    def lock_failed(self) -> bool:
        """Whether a lock failure was published."""
        return bool(self.published.get(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE.path, ""))

    def demands(self, *demands: ContactorDemand) -> list[str]:
        """Codes of the active errors that demand one of ``demands`` of the contactor."""
        connected = self.facts.connected
        return [
            row.code
            for row in self.errors
            if (row.connected if connected else row.disconnected).contactor in demands
        ]

    def duty_demands(self, duty: Duty) -> list[str]:
        """Codes of the active errors that demand ``duty``."""
        connected = self.facts.connected
        return [
            row.code for row in self.errors if (row.connected if connected else row.disconnected).duty is duty
        ]

    # ---------------------------------------------------------------- predicates

    def _check_open(self, now: int, what: str) -> None:
        assert not self.relay1, f"{what} while the contactor is on"
        if self.settings.contactor_feedback is Feedback.NONE:
            assert now >= self.opened_at + REACTION_MS, f"{what} before the contactor had time to open"
        else:
            assert self.facts.closed is False, f"{what} and the contactor's feedback says {self.facts.closed}"
            assert now >= self._may_close_until[1], f"{what} while the contactor may still be closing"

    def _check_closing(self, now: int) -> None:
        facts = self.facts
        assert not self.relay1, "switched on twice"
        self._check_open(now, "switched on")
        assert facts.pilot in POWER_STATES, f"switched on in state {facts.pilot}"
        assert facts.authorized, "switched on without authorization"
        assert not facts.emergency, "switched on during an emergency"
        assert not facts.unplug_needed, "switched on after an emergency without unplugging"
        assert facts.rcd_in_order, "switched on with a bad RCD"
        assert not self.published[topics.TOPIC_RCD_ERROR.path], "switched on with an RCD error"
        assert not self.testing, "switched on during an RCD test"
        assert self.duty is not None, "switched on with the pilot at 0 V"
        assert 1_000 <= self.duty <= 9_600, f"switched on at {self.duty / 100} %"
        assert now >= self.opened_at + GUARD_MS, f"switched on {now - self.opened_at} ms after it was opened"
        assert not self.demands(ContactorDemand.OPEN, ContactorDemand.STAY_OPEN), "switched on with an error"
        assert not self.failed, "switched on after a contactor failure"
        assert not facts.diode_missing, "switched on without the EV's diode"
        assert facts.board_works(now), "switched on while the board fails"
        if facts.fault_cleared is not None and BY_CODE["BoardFailure"] in self.errors:
            raise AssertionError("switched on during a board failure")
        if facts.pilot is CpState.D:
            assert facts.serves_ventilation(self.relay2), "switched on in state D without ventilation"
        if self.settings.pluggable:
            self._check_locked()
            if facts.cable_known(now):
                assert facts.cable_a(now) is not None, "switched on without a valid cable"
        if self.settings.phase_switching:
            three = facts.phases == 3
            if self.phases_used not in (None, facts.phases):
                pause = now - self._off_at
                assert pause >= self._least_delay_s * 1000, f"other phases after {pause} ms"
            assert self.relay2 is three, f"switched on for {facts.phases} phases, secondary {self.relay2}"
            if self.settings.phases.feedback is Feedback.NONE:
                assert three or now >= self.relay2_off_at + REACTION_MS, (
                    "switched on before the secondary opened"
                )
            else:
                assert facts.secondary_closed is three, "switched on before the secondary followed"
                assert three or now >= self._may_close_until[2], (
                    "switched on while the secondary may be closing"
                )

    def _check_locked(self) -> None:
        assert self.motor is LockMotion.OFF, "switched on while the lock moves"
        if self.settings.lock.feedback is LockFeedback.NONE:
            assert self.blind_locked, "switched on and the lock was not driven closed"
        else:
            assert self.facts.lock is LockPosition.LOCKED, f"switched on and the lock is {self.facts.lock}"

    def _check_relay2(self, on: bool, now: int) -> None:
        if not self.settings.phase_switching:
            return
        assert not self.relay1, "the secondary is switched while the primary is on"
        if self.relay2 and not on:
            self.relay2_off_at = now
        if on is self.relay2 or self.failed:
            return
        self._check_open(now, "the secondary is switched")
        if on:
            assert now >= self.relay2_off_at + GUARD_MS or self.relay2_off_at == 0, (
                "secondary closed too soon"
            )

    def _check_failure(self, now: int, mismatch_before: int | None, failed_before: bool) -> None:
        if self.mismatch_since is not None and now >= self.mismatch_since + REACTION_MS:
            assert self.failed, "the contactor does not follow and nobody noticed"
        if self.failed and not failed_before and not self.settings.phase_switching:
            assert mismatch_before is not None, "a contactor failure without a reason"
            assert now >= mismatch_before + REACTION_MS, "a contactor failure too soon"

    def _check_standing(self, now: int) -> None:
        facts = self.facts
        if facts.emergency:
            assert BY_CODE["EmergencyShutdown"] in self.errors, "an emergency is not reported"
        if self.relay1:
            assert facts.pilot in POWER_STATES, f"power in state {facts.pilot}"
            assert not self.demands(ContactorDemand.OPEN), (
                f"power despite {self.demands(ContactorDemand.OPEN)}"
            )
            assert not facts.emergency, "power during an emergency"
            assert facts.rcd_in_order, "power with a bad RCD"
            assert not self.testing, "power during an RCD test"
            assert not self.rcd_test, "the RCD is being tripped while power is on"
            assert not facts.diode_missing, "power without the EV's diode"
            assert facts.board_works(now), "power while the board fails"
        if self.motor is LockMotion.UNLOCK and not self.failed:
            # Where nothing can be read and no EV is there, time must do.
            unread = facts.closed is None and facts.pilot is CpState.A and not self.relay1
            if not (unread and now >= self.opened_at + REACTION_MS):
                self._check_open(now, "the lock is driven open")
        if self.relay2 and not self.settings.phase_switching:
            assert not self.demands(ContactorDemand.OPEN), "the fan is on in the safe state"
        negative = self.duty_demands(Duty.NEGATIVE)
        assert (self.duty == 0) is bool(negative), f"duty {self.duty} with {negative}"
        if self.duty is None:
            assert self.settings.force_wake_up or self.settings.wake_up_after_timeout, (
                "a wake-up nobody wants"
            )
            assert not self.relay1, "a wake-up while power is on"

    def _withdrawn(self) -> bool:
        """Whether the offer must be withdrawn for another reason than a limit below 6 A."""
        facts = self.facts
        return (
            not facts.authorized
            or facts.unplug_needed
            or bool(self.duty_demands(Duty.STEADY))
            or (facts.pilot is CpState.D and not facts.serves_ventilation(self.relay2))
            or (self.settings.phase_switching and facts.phases != self.phases_used)
        )

    def _check_opening(self, before: bool, now: int) -> None:
        """After a withdrawn offer power goes within 3 s; and it goes for a reason only."""
        if not before:
            self._withdrawn_since = None
            return
        if not self._withdrawn():
            self._withdrawn_since = None
        elif self._withdrawn_since is None:
            self._withdrawn_since = now
        over = self._withdrawn_since is not None and now >= self._withdrawn_since + EV_STOP_MS
        if over:
            assert not self.relay1, "power 3 s after the offer was withdrawn"
        if not self.relay1:
            at_once = (
                self.facts.pilot not in POWER_STATES
                or self.demands(ContactorDemand.OPEN)
                or not self.facts.rcd_in_order
            )
            assert over or at_once, "power taken away without a reason"

    def _check_offer(self, now: int) -> None:
        facts = self.facts
        least = facts.least_limit_a(now)
        ratings = [facts.least_cable] if self.settings.pluggable and facts.least_cable is not None else []
        cable = facts.cable_a(now)
        if self.settings.pluggable and cable is not None and facts.connected:
            ratings.append(cable)
        offered = self.published[topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT.path]
        assert isinstance(offered, int | float)
        most = min([least, *ratings])
        if self.published[topics.TOPIC_SESSION_PROXIMITY_ERROR.path] in ("", "ProximityChanged"):
            assert offered <= (most if most >= 6 else 0), f"{offered} A published, the limit is {most} A"
        if self.duty is None or not 0 < self.duty < 10_000:
            return
        assert 1_000 <= self.duty <= 9_600, f"a duty of {self.duty / 100} % says nothing"
        milliampere = self.duty * 6 if self.duty <= 8_500 else (self.duty - 6_400) * 25
        assert milliampere <= most * 1000 + 0.5, f"{milliampere} mA on offer, the limit is {most} A"
        assert facts.connected, "an offer without an EV"
        assert facts.authorized, "an offer without authorization"
        assert not facts.unplug_needed, "an offer after an emergency without unplugging"
        assert not self.testing, "an offer during an RCD test"
        errors = self.duty_demands(Duty.STEADY) + self.demands(
            ContactorDemand.OPEN, ContactorDemand.STAY_OPEN
        )
        assert not errors, f"an offer with {errors}"

    def _check_published(self, port: Port, before: dict[str, effects.PublishedValue]) -> None:
        fresh = {
            effect.topic.path: effect.value
            for effect in Publisher().changes(port)
            if isinstance(effect, effects.Publish)
        }
        wrong = {
            path: (self.published.get(path), value)
            for path, value in fresh.items()
            if self.published.get(path) != value
        }
        assert not wrong, f"published is not what is: {wrong}"
        outputs = port.outputs
        assert (self.relay1, self.duty) == (outputs.relay1, outputs.duty_centi)
        assert outputs.relay2 in (None, self.relay2)
        assert outputs.lock in (None, self.motor)
        assert outputs.rcd_test in (None, self.rcd_test)
        charging = self.published[topics.TOPIC_CHARGING.path]
        assert not charging or self.relay1, "charging is published while the contactor is off"
        priorities = [row.priority for row in self.errors]
        assert priorities == sorted(priorities), "errors are not in order of their priority"

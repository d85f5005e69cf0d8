"""Every disturbance in every phase of a session: what must never happen, and that the port comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from chargectl.pilot.levels import CpState
from chargectl.pilot.proximity import Cable
from chargectl.port import effects, events
from chargectl.port.effects import LockMotion
from chargectl.port.events import LockPosition
from chargectl.port.settings import AuthenticationMode, PhaseSettings, PortSettings, RcdSettings
from tests.port.bench import Bench

SETTINGS = PortSettings(
    evse_limit_a=16,
    emergency_enable=True,
    rcd=RcdSettings(enable=True),
    authentication=AuthenticationMode.MQTT,
    wake_up_after_timeout=True,
    phases=PhaseSettings(enable=True),
)
ALLOW, FORBID = events.Authorization(True, session=True), events.Authorization(False, session=True)
HOUR_MS = 3_600_000


class Watched(Bench):
    """A bench that judges every switching of relay and lock by what the devices around the port show."""

    allowed = False
    opened_at = -6_000

    def _apply(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            if effect == effects.SetRelay(1, True):
                self._judge_closing()
            elif effect == effects.SetRelay(1, False):
                self.opened_at = self.now
            elif effect == effects.DriveLock(LockMotion.UNLOCK):
                welded = "PowerSwitchFailure" in self.error_codes
                assert not self.contactor[1] or welded or "PowerSwitchFailure" in str(wanted), "under power"
        super()._apply(wanted)

    def _judge_closing(self) -> None:
        assert self.ev in (CpState.C, CpState.D), "the EV does not ask"
        assert self.allowed, "nobody was authorized"
        assert self.lock_position is LockPosition.LOCKED, "the plug is free"
        assert not self.rcd_tripped
        assert not self.rcd_test_output
        assert self.error_codes in ([], ["ProximityChanged"])
        assert self.now - self.opened_at >= 6_000, "within the guard"
        assert not self.contactor[1]
        if self.settings.phase_switching:
            assert self.contactor[2] is (self.port.path.wanted_phases == 3)

    def send(self, *sent: events.Event) -> Bench:
        for event in sent:
            if isinstance(event, events.Authorization):
                self.allowed = event.allowed
            super().send(event)
        return self


Step = Callable[[Watched], object]

PHASES: dict[str, Step] = {
    "idle": lambda bench: bench.run(1_000),
    "session test": lambda bench: bench.plug(settle_ms=500),
    "plugged": lambda bench: bench.plug(),
    "locking": lambda bench: bench.plug().send(ALLOW).run(100),
    "offered": lambda bench: bench.plug().send(ALLOW).run(5_000),
    "wake-up": lambda bench: bench.plug().send(ALLOW).run(32_000),
    "closing": lambda bench: bench.plug().send(ALLOW).run(5_000).pilot(CpState.C, 25),
    "charging": lambda bench: bench.send(ALLOW).charge().run(10_000),
    "stopping": lambda bench: bench.send(ALLOW).charge().send(FORBID).run(1_000),
    "guard": lambda bench: bench.send(ALLOW).charge().pilot(CpState.B, 500).pilot(CpState.C, 500),
    "paused": lambda bench: bench.send(ALLOW).charge().pilot(CpState.B, 10_000),
    "unlocking": lambda bench: bench.plug().send(ALLOW).run(5_000).send(FORBID).run(100),
    "phase switch asked": lambda bench: bench.send(ALLOW).charge().send(events.PhaseTarget(1)).run(1_000),
    "phase switch pause": lambda bench: bench.send(ALLOW).charge().send(events.PhaseTarget(1)).run(10_000),
    "limited": lambda bench: bench.send(ALLOW).charge().send(events.StationLimit(5)).run(10_000),
}


def jam(bench: Watched) -> None:
    bench.lock_jammed = True
    bench.show_lock(LockPosition.MOVING)


def weld(bench: Watched) -> None:
    bench.contactor_follows[1] = False
    if bench.port.connected:
        bench.pilot(CpState.B)


def open_by_itself(bench: Watched) -> None:
    bench.contactor_follows[1] = False
    bench.show_contactor(1, False)


def flicker(bench: Watched) -> None:
    for _ in range(20):
        bench.pilot(CpState.B, 60).pilot(CpState.C, 60)


def shake_authorization(bench: Watched) -> None:
    for _ in range(20):
        bench.send(FORBID, FORBID).run(70).send(ALLOW, ALLOW).run(70)
    bench.send(FORBID)


def shake_phases(bench: Watched) -> None:
    for count in (1, 3, 1, 3, 3, 1):
        bench.send(events.PhaseTarget(count)).run(400)


SHORTLY = {
    "unplugged": lambda bench: bench.unplug(),
    "authorization withdrawn": lambda bench: bench.send(FORBID),
    "emergency": lambda bench: bench.send(events.EmergencyInput(True)),
    "lock jam": jam,
    "RCD trip": lambda bench: bench.trip_rcd(),
    "welded": weld,
    "opens by itself": open_by_itself,
    "limit below 6 A": lambda bench: bench.send(events.DynamicLimit("a", 3)),
    "board fault": lambda bench: bench.send(events.BoardFault("pilot_adc", True)),
    "sense lost": lambda bench: bench.send(events.BoardFault("relay1_sense", True)),
    "no diode": lambda bench: bench.send(events.PilotSeen(bench.ev, diode_ok=False)),
    "no cable": lambda bench: bench.send(events.ProximitySeen(Cable.NONE)),
    "short": lambda bench: bench.send(events.PilotSeen(CpState.E)),
    "capacitor empty": lambda bench: bench.send(events.LockCapacitor(False)),
    "flicker": flicker,
    "authorization shaken": shake_authorization,
    "phases shaken": shake_phases,
    "test asked": lambda bench: bench.send(events.RcdTestRequest()),
    "state D": lambda bench: bench.pilot(CpState.D) if bench.port.connected else bench,
}
DISTURBANCES: dict[str, Step] = SHORTLY
"""What happens in the middle of a phase."""

ENDS_POWER = {
    "unplugged",
    "authorization withdrawn",
    "emergency",
    "lock jam",
    "RCD trip",
    "board fault",
    "sense lost",
    "no cable",
    "short",
    "authorization shaken",
    "state D",
}
FOREVER = {"welded", "opens by itself"}
"""After these the contactor counts as failed, if it was meant to be elsewhere."""


def begun(phase: str) -> Watched:
    bench = Watched(SETTINGS)
    PHASES[phase](bench)
    return bench


def cure(bench: Watched) -> None:
    """Take every disturbance back and pull the plug."""
    bench.lock_jammed = False
    bench.contactor_follows = {1: True, 2: True}
    for index in (1, 2):
        bench.show_contactor(index, bench.relay[index])
    bench.send(
        events.EmergencyInput(False),
        events.BoardFault("pilot_adc", False),
        events.BoardFault("relay1_sense", False),
        events.LockCapacitor(True),
        events.StationLimit(-1),
        events.DynamicLimit("a", -1),
        events.PhaseTarget(3),
    )
    bench.run(100).send(FORBID).unplug(settle_ms=60_000)
    if bench.rcd_tripped:
        bench.trip_rcd(False).send(events.RcdTestRequest()).run(5_000)
    bench.run(60_000)


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("phase", PHASES)
def test_a_disturbance_is_survived(phase: str, disturbance: str) -> None:
    bench = begun(phase)
    DISTURBANCES[disturbance](bench)
    bench.run(5_000)
    if disturbance in ENDS_POWER:
        assert not bench.relay[1], bench.describe()
    bench.run(120_000)
    if disturbance in ENDS_POWER:
        assert not bench.relay[1], bench.describe()
    cure(bench)
    if "PowerSwitchFailure" in bench.error_codes:
        assert disturbance in FOREVER
        assert bench.duty_centi == 0
        return
    assert bench.error_codes == [], bench.describe()
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.duty_centi == 10_000
    bench.send(ALLOW).charge()


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("phase", PHASES)
def test_unplugging_right_after_a_disturbance_is_survived(phase: str, disturbance: str) -> None:
    bench = begun(phase)
    DISTURBANCES[disturbance](bench)
    bench.unplug(settle_ms=120_000)
    assert not bench.relay[1]
    cure(bench)
    assert bench.error_codes in ([], ["PowerSwitchFailure"]), bench.describe()


@pytest.mark.parametrize("second", ["emergency", "RCD trip", "lock jam", "board fault", "short", "unplugged"])
@pytest.mark.parametrize(
    "first", ["emergency", "RCD trip", "lock jam", "welded", "no cable", "limit below 6 A"]
)
@pytest.mark.parametrize("phase", ["wake-up", "charging", "phase switch pause", "unlocking"])
def test_two_disturbances_are_survived(phase: str, first: str, second: str) -> None:
    bench = begun(phase)
    DISTURBANCES[first](bench)
    bench.run(250)
    DISTURBANCES[second](bench)
    bench.run(120_000)
    assert not bench.relay[1]
    cure(bench)
    if "PowerSwitchFailure" not in bench.error_codes:
        assert bench.error_codes == [], bench.describe()
        bench.send(ALLOW).charge()


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("phase", ["idle", "charging", "phase switch pause"])
def test_nothing_keeps_the_port_busy_for_an_hour(phase: str, disturbance: str) -> None:
    bench = begun(phase)
    DISTURBANCES[disturbance](bench)
    bench.run(120_000)
    ticks = 0
    handle = bench.port.handle

    def counted(event: events.Event, now_ms: int) -> list[effects.Effect]:
        nonlocal ticks
        ticks += 1
        return handle(event, now_ms)

    bench.port.handle = counted  # type: ignore[method-assign]
    bench.run(HOUR_MS)
    # The busiest is a jammed lock: two rounds of four drives every 30 s, with a dozen moments each.
    assert ticks < 5_000


@pytest.mark.parametrize("phase", PHASES)
def test_a_flood_of_ticks_changes_nothing(phase: str) -> None:
    bench = begun(phase).send(events.Tick())
    count = len(bench.log)
    for _ in range(100):
        bench.send(events.Tick())
    assert len(bench.log) == count


@pytest.mark.parametrize("phase", PHASES)
def test_facts_that_are_told_again_change_nothing(phase: str) -> None:
    bench = begun(phase).send(events.Tick())
    count = len(bench.log)
    for _ in range(3):
        bench.send(
            events.PilotSeen(bench.port.pilot.state),
            events.LockSense(bench.lock_position),
            events.LockCapacitor(True),
            events.LockDriverFault(False),
            events.PrimarySense(bench.contactor[1]),
            events.SecondarySense(bench.contactor[2]),
            events.EmergencyInput(False),
            events.KeySwitch(False),
            events.PhaseTarget(bench.port.path.wanted_phases),
            events.PhaseSwitchDelay(20),
        )
        bench.send_rcd()
    assert len(bench.log) == count


@pytest.mark.parametrize("phase", PHASES)
def test_a_step_finer_than_any_timer_gives_the_same_session(phase: str) -> None:
    """A shell that ticks every 7 ms and one that waits for deadlines see the same port."""
    lazy, eager = begun(phase), begun(phase)
    lazy.send(FORBID).run(40_000)
    eager.send(FORBID)
    for _ in range(40_000 // 7 + 1):
        eager.send(events.Tick()).run(7)
    assert [effect for _, effect in lazy.log] == [effect for _, effect in eager.log]


@pytest.mark.parametrize("source", ["pilot_adc", "relay1_sense", "rcd_feedback", "lock_adc"])
def test_after_a_board_failure_the_charge_resumes(source: str) -> None:
    bench = begun("charging").send(events.BoardFault(source, True)).run(10_000)
    assert not bench.relay[1]
    assert bench.lock_position is LockPosition.UNLOCKED
    bench.send(events.BoardFault(source, False), events.PrimarySense(bench.contactor[1]))
    bench.send_rcd()
    bench.run(10_000)
    assert bench.charging
    assert bench.error_codes == []


def test_an_outage_of_a_second_in_the_guard_does_not_shorten_it() -> None:
    bench = begun("charging").send(events.BoardFault("relay1_sense", True)).run(1_000)
    bench.send(events.BoardFault("relay1_sense", False), events.PrimarySense(False)).run(20_000)
    closings = bench.times(effects.SetRelay(1, True))
    assert closings[-1] - bench.times(effects.SetRelay(1, False))[-1] >= 6_000


def test_a_car_that_waits_in_state_c_gets_power_only_with_an_offer() -> None:
    settings = replace(SETTINGS, rcd=RcdSettings(), phases=PhaseSettings())
    bench = Watched(settings).plug(state=CpState.C).run(HOUR_MS)
    assert not bench.relay[1]
    bench.send(events.StationLimit(3), ALLOW).run(HOUR_MS)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]
    bench.send(events.StationLimit(6)).run(1_000)
    assert bench.charging

"""The plug lock: when it locks and opens, its failures, their recovery (guide 3.3.4.2-6, 15.13)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chargectl.declarations import locks, topics
from chargectl.declarations.types import LockType
from chargectl.pilot.levels import CpState
from chargectl.port import events
from chargectl.port.effects import DriveLock, LockMotion, SetRelay
from chargectl.port.events import LockPosition
from chargectl.port.lock import position_for_voltage
from chargectl.port.settings import AuthenticationMode, PortSettings
from chargectl.port.timing import LOCK_CAPACITOR_MS, LOCK_RETRY_MS, LOCK_SETTLE_MS, LOCK_UNEXPECTED_MS
from tests.port.bench import Bench

MQTT = PortSettings(evse_limit_a=16, authentication=AuthenticationMode.MQTT)
LOCK, UNLOCK, OFF = DriveLock(LockMotion.LOCK), DriveLock(LockMotion.UNLOCK), DriveLock(LockMotion.OFF)
DRIVE_MS = PortSettings().lock.drive_ms


def allow(bench: Bench, allowed: bool = True) -> Bench:
    return bench.send(events.Authorization(allowed, session=True))


def drives(bench: Bench, moment: int) -> list[object]:
    return [effect for effect in bench.since(moment) if effect in (LOCK, UNLOCK)]


def blind_bench() -> Bench:
    lock = locks.by_name("SCAME-200.23261BL")
    assert lock is not None
    return Bench(PortSettings(evse_limit_a=16, lock=lock, authentication=AuthenticationMode.MQTT))


@pytest.mark.spec(29)
def test_a_fixed_cable_has_no_lock() -> None:
    bench = Bench(PortSettings(pluggable=False, fixed_cable_limit_a=16)).plug().pilot(CpState.C, 1_000)
    assert not [effect for _, effect in bench.log if isinstance(effect, DriveLock)]
    assert bench.value(topics.TOPIC_CHARGE_PLUG_STATUS) == "unknown"
    assert PortSettings().pluggable


@pytest.mark.spec(29)
def test_a_socket_locks_the_plug_when_the_user_is_authorized() -> None:
    bench = Bench(MQTT).plug()
    assert bench.lock_position is LockPosition.UNLOCKED
    allow(bench).run(2_000)
    assert bench.lock_position is LockPosition.LOCKED
    assert bench.value(topics.TOPIC_PLUG_LOCK) is True


def test_the_contactor_waits_for_the_lock() -> None:
    bench = Bench(MQTT).plug(state=CpState.C)
    bench.lock_jammed = True
    authorized = bench.now
    allow(bench).run(20_000)
    assert SetRelay(1, True) not in bench.since(authorized)
    assert bench.duty_centi == 10_000


def test_the_motor_is_driven_for_the_time_of_the_lock_type() -> None:
    for name in locks.LOCK_NAMES:
        lock = locks.by_name(name)
        assert lock is not None
        bench = Bench(PortSettings(evse_limit_a=16, lock=lock)).plug()
        assert bench.times(OFF)[-1] - bench.times(LOCK)[-1] == lock.drive_ms, name


@pytest.mark.spec(30)
def test_the_position_is_published() -> None:
    bench = Bench(MQTT).plug()
    allow(bench).run(2_000)
    allow(bench, False).run(2_000)
    assert bench.history(topics.TOPIC_CHARGE_PLUG_STATUS) == ["unknown", "unlocked", "locked", "unlocked"]
    bench.show_lock(LockPosition.MOVING)
    assert bench.value(topics.TOPIC_CHARGE_PLUG_STATUS) == "unknown"


@pytest.mark.spec(30)
def test_without_a_position_switch_the_position_is_unknown_and_driving_is_trusted() -> None:
    bench = blind_bench().plug()
    allow(bench).run(2_000).pilot(CpState.C, 1_000)
    assert bench.charging
    assert bench.history(topics.TOPIC_CHARGE_PLUG_STATUS) == ["unknown"]


def test_without_a_position_switch_a_fault_of_the_driver_fails_the_drive() -> None:
    bench = blind_bench().plug()
    allow(bench).run(100).send(events.LockDriverFault(True)).run(DRIVE_MS + LOCK_SETTLE_MS)
    assert bench.error_codes == ["PlugLockCannotLock"]
    bench.send(events.LockDriverFault(False)).run(5_000)
    assert bench.error_codes == []
    assert bench.duty_centi == 2666


def test_without_a_position_switch_a_fault_from_before_the_drive_fails_it_too() -> None:
    bench = blind_bench().plug().send(events.LockDriverFault(True))
    allow(bench).run(60_000).pilot(CpState.C, 10_000)
    assert bench.error_codes == ["PlugLockCannotLock"]
    assert not bench.charging


@pytest.mark.parametrize("lock", [lock for lock in locks.LOCKS if lock.unlocked_mv != lock.locked_mv])
@pytest.mark.spec(27, 28)
def test_the_sense_windows(lock: LockType) -> None:
    low, high = lock.unlocked_mv
    assert position_for_voltage(lock, low) is LockPosition.UNLOCKED
    assert position_for_voltage(lock, high) is LockPosition.UNLOCKED
    assert position_for_voltage(lock, low - 1) is LockPosition.MOVING
    low, high = lock.locked_mv
    assert position_for_voltage(lock, low) is LockPosition.LOCKED
    assert position_for_voltage(lock, high) is LockPosition.LOCKED
    assert position_for_voltage(lock, high + 1) is LockPosition.MOVING


def test_without_a_switch_every_voltage_is_unknown() -> None:
    lock = locks.by_name("SCAME-200.23261BL")
    assert lock is not None
    assert {position_for_voltage(lock, level) for level in (0, 1_500, 3_300)} == {LockPosition.UNKNOWN}


@pytest.mark.spec(31)
def test_a_capacitor_that_is_not_charged_in_time() -> None:
    bench = Bench(MQTT).plug().send(events.LockCapacitor(False))
    allow(bench).run(LOCK_CAPACITOR_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == ["PlugLockMotorCapNotCharged"]
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockMotorCapNotCharged"
    bench.pilot(CpState.C, 60_000)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]


@pytest.mark.spec(31)
def test_the_lock_waits_for_a_capacitor_that_charges_in_time() -> None:
    bench = Bench(MQTT).plug().send(events.LockCapacitor(False))
    started = bench.now
    allow(bench).run(LOCK_CAPACITOR_MS - 1_000)
    assert drives(bench, started) == []
    bench.send(events.LockCapacitor(True)).run(2_000)
    assert drives(bench, started) == [LOCK]
    assert bench.error_codes == []


@pytest.mark.spec(31)
def test_a_capacitor_charged_too_late_still_ends_the_failure() -> None:
    bench = Bench(MQTT).plug().send(events.LockCapacitor(False))
    allow(bench).run(60_000).send(events.LockCapacitor(True)).run(2_000)
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == ""
    assert bench.pilot(CpState.C, 1_000).charging


@pytest.mark.spec(32)
def test_a_lock_that_opens_while_charging_interrupts() -> None:
    bench = Bench(MQTT)
    allow(bench).charge()
    bench.lock_jammed = True
    bench.show_lock(LockPosition.UNLOCKED).run(LOCK_UNEXPECTED_MS - 1)
    assert bench.charging
    assert bench.error_codes == []
    opened = bench.now + 1
    bench.run(1)
    assert bench.error_codes == ["PlugLockMotorUnexpectedOpen"]
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockMotorUnexpectedOpen"
    assert bench.duty_centi == 10_000
    assert bench.since(opened)[0] == SetRelay(1, False)


@pytest.mark.spec(32)
@pytest.mark.parametrize("position", [LockPosition.MOVING, LockPosition.UNLOCKED])
def test_any_other_position_than_locked_counts_as_open(position: LockPosition) -> None:
    bench = Bench(MQTT)
    allow(bench).charge().show_lock(position).run(LOCK_UNEXPECTED_MS)
    assert bench.error_codes == ["PlugLockMotorUnexpectedOpen"]
    assert not bench.relay[1]


def test_a_bounce_of_the_position_switch_changes_nothing() -> None:
    bench = Bench(MQTT)
    allow(bench).charge()
    started = bench.now
    bench.show_lock(LockPosition.MOVING).run(LOCK_UNEXPECTED_MS - 1)
    bench.show_lock(LockPosition.LOCKED).run(5_000)
    assert bench.since(started) == []


@pytest.mark.spec(33)
def test_a_lock_that_closes_by_itself() -> None:
    bench = Bench(MQTT)
    bench.lock_jammed = True
    bench.show_lock(LockPosition.LOCKED).run(LOCK_UNEXPECTED_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == ["PlugLockMotorUnexpectedClose"]
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockMotorUnexpectedClose"
    assert bench.duty_centi == 10_000


@pytest.mark.spec(33)
def test_a_lock_that_closed_by_itself_is_opened_again() -> None:
    bench = Bench(MQTT).show_lock(LockPosition.LOCKED).run(5_000)
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.error_codes == []


@pytest.mark.spec(34)
def test_a_lock_that_does_not_lock() -> None:
    bench = Bench(MQTT).plug()
    bench.lock_jammed = True
    allow(bench).run(DRIVE_MS + LOCK_SETTLE_MS - 1)
    assert bench.error_codes == []
    bench.run(1)
    assert bench.error_codes == ["PlugLockCannotLock"]
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockCannotLock"
    bench.pilot(CpState.C, 60_000)
    assert bench.duty_centi == 10_000
    assert not bench.relay[1]


@pytest.mark.spec(34)
def test_a_lock_that_does_not_open() -> None:
    bench = Bench(MQTT)
    allow(bench).charge().pilot(CpState.B, 1_000)
    bench.lock_jammed = True
    allow(bench, False).run(DRIVE_MS + LOCK_SETTLE_MS)
    assert bench.error_codes == ["PlugLockCannotUnlock"]
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockCannotUnlock"
    assert bench.duty_centi == 10_000


@pytest.mark.spec(35)
def test_recovery_from_a_jam_while_locking_drives_back_and_there_again() -> None:
    bench = Bench(MQTT).plug()
    bench.lock_jammed = True
    started = bench.now
    allow(bench).run(DRIVE_MS + LOCK_SETTLE_MS)
    bench.lock_jammed = False
    bench.run(2 * (DRIVE_MS + LOCK_SETTLE_MS))
    assert drives(bench, started) == [LOCK, UNLOCK, LOCK]
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == ""
    assert bench.duty_centi == 2666
    assert bench.pilot(CpState.C, 1_000).charging


@pytest.mark.spec(35)
def test_recovery_from_a_jam_while_unlocking_drives_back_and_there_again() -> None:
    bench = Bench(MQTT).plug()
    allow(bench).run(5_000)
    bench.lock_jammed = True
    started = bench.now
    allow(bench, False).run(DRIVE_MS + LOCK_SETTLE_MS)
    bench.lock_jammed = False
    bench.run(2 * (DRIVE_MS + LOCK_SETTLE_MS))
    assert drives(bench, started) == [UNLOCK, LOCK, UNLOCK]
    assert bench.error_codes == []
    assert bench.lock_position is LockPosition.UNLOCKED


@pytest.mark.spec(35)
def test_recovery_of_a_lock_that_opened_resumes_charging_after_the_guard() -> None:
    bench = Bench(MQTT)
    allow(bench).charge().show_lock(LockPosition.UNLOCKED).run(20_000)
    assert bench.error_codes == []
    assert bench.charging
    assert bench.times(SetRelay(1, True))[-1] - bench.times(SetRelay(1, False))[-1] >= 6_000


def test_after_three_rounds_the_recovery_pauses_and_never_gives_up() -> None:
    bench = Bench(MQTT).plug()
    bench.lock_jammed = True
    started = bench.now
    allow(bench).run(20_000)
    assert drives(bench, started) == [LOCK, UNLOCK, LOCK, UNLOCK, LOCK, UNLOCK, LOCK]
    gave_up = bench.times(OFF)[-1] + LOCK_SETTLE_MS
    paused = bench.now
    bench.run(gave_up + LOCK_RETRY_MS - bench.now - 1)
    assert drives(bench, paused) == []
    bench.run(3_600_000)
    assert len(drives(bench, paused)) > 100
    bench.lock_jammed = False
    bench.run(LOCK_RETRY_MS + 5_000)
    assert bench.error_codes == []


def test_unplugging_ends_a_failure_to_lock() -> None:
    bench = Bench(MQTT).plug()
    bench.lock_jammed = True
    allow(bench).run(20_000).unplug()
    assert bench.error_codes == []
    assert bench.value(topics.TOPIC_PLUG_LOCK) is False


def test_the_motor_rests_between_drives() -> None:
    bench = Bench(MQTT).plug()
    bench.lock_jammed = True
    allow(bench).run(60_000)
    motions = [effect for effect in bench.since(0) if isinstance(effect, DriveLock)]
    for one, other in pairwise(motions):
        assert OFF in (one, other)


def test_a_lock_found_closed_at_the_start_is_opened() -> None:
    bench = Bench(MQTT, settle=False).show_lock(LockPosition.LOCKED).run(5_000)
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.error_codes == []


def test_the_plug_is_free_only_after_the_contactor_opened() -> None:
    bench = Bench(MQTT)
    allow(bench).charge()
    bench.contactor_follows[1] = False
    stopped = bench.now
    bench.pilot(CpState.A).run(400)
    assert drives(bench, stopped) == []
    bench.show_contactor(1, False)
    assert drives(bench, stopped) == [UNLOCK]


def test_authorization_withdrawn_in_mid_drive_ends_unlocked() -> None:
    bench = Bench(MQTT).plug()
    allow(bench).run(DRIVE_MS // 2)
    allow(bench, False).run(5_000)
    assert bench.lock_position is LockPosition.UNLOCKED
    assert bench.error_codes == []


def test_authorization_given_in_mid_drive_ends_locked() -> None:
    bench = Bench(MQTT).plug()
    allow(bench).run(5_000)
    allow(bench, False).run(DRIVE_MS // 2)
    allow(bench).run(5_000)
    assert bench.lock_position is LockPosition.LOCKED
    assert bench.duty_centi == 2666
    assert bench.error_codes == []


def test_a_hand_that_pulls_the_emergency_release_cures_a_jam() -> None:
    bench = Bench(MQTT).plug()
    allow(bench).run(5_000)
    bench.lock_jammed = True
    allow(bench, False).run(20_000)
    assert bench.error_codes == ["PlugLockCannotUnlock"]
    bench.show_lock(LockPosition.UNLOCKED).run(1_000)
    assert bench.error_codes == []

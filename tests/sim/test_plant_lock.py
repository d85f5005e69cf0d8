"""The plug lock: travel, sense windows, capacitor and failures (board facts; guide 7.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.declarations.locks import LOCKS
from chargectl.declarations.types import LockFeedback, LockType
from chargectl.sim.plant.lock import Drive, PlugLock, drive_of

WITH_SWITCH = [lock for lock in LOCKS if lock.feedback is not LockFeedback.NONE]


def within(window: tuple[int, int], mv: float) -> bool:
    return window[0] <= mv <= window[1]


def drive(lock: PlugLock, direction: Drive, ms: int) -> None:
    lock.drive = direction
    lock.advance(lock.now_us + ms * 1000)
    lock.drive = Drive.COAST


def test_drive_logic_of_the_two_inputs() -> None:
    """M+ = IN1 and not IN2, M- = IN2 and not IN1."""
    assert drive_of(True, False) is Drive.LOCK
    assert drive_of(False, True) is Drive.UNLOCK
    assert drive_of(False, False) is Drive.COAST
    assert drive_of(True, True) is Drive.BRAKE


@pytest.mark.parametrize("kind", WITH_SWITCH, ids=lambda kind: kind.name)
def test_driving_for_the_types_time_reaches_the_end_and_its_window(kind: LockType) -> None:
    lock = PlugLock(kind)
    assert within(kind.unlocked_mv, lock.sense_mv)
    drive(lock, Drive.LOCK, kind.drive_ms)
    assert lock.locked
    assert within(kind.locked_mv, lock.sense_mv)
    drive(lock, Drive.UNLOCK, kind.drive_ms)
    assert lock.unlocked
    assert within(kind.unlocked_mv, lock.sense_mv)


@pytest.mark.parametrize("kind", WITH_SWITCH, ids=lambda kind: kind.name)
def test_between_the_ends_the_sense_is_in_no_window(kind: LockType) -> None:
    lock = PlugLock(kind)
    drive(lock, Drive.LOCK, kind.drive_ms // 4)
    assert not lock.locked
    assert not lock.unlocked
    assert not within(kind.locked_mv, lock.sense_mv)
    assert not within(kind.unlocked_mv, lock.sense_mv)


def test_lock_without_a_switch_moves_but_does_not_tell() -> None:
    kind = next(lock for lock in LOCKS if lock.feedback is LockFeedback.NONE)
    lock = PlugLock(kind)
    before = lock.sense_mv
    drive(lock, Drive.LOCK, kind.drive_ms)
    assert lock.locked
    assert lock.sense_mv == before


def test_braking_and_coasting_do_not_move_the_bolt() -> None:
    lock = PlugLock(LOCKS[0])
    drive(lock, Drive.BRAKE, 1000)
    drive(lock, Drive.COAST, 1000)
    assert lock.position == 0


def test_jam_holds_the_bolt_on_its_side() -> None:
    lock = PlugLock(LOCKS[0])
    lock.blocked_at = 0.4
    drive(lock, Drive.LOCK, 2000)
    assert lock.position == pytest.approx(0.4)
    drive(lock, Drive.UNLOCK, 200)
    assert lock.position == pytest.approx(0.4), "jammed where it is, in both directions"
    lock.blocked_at = None
    drive(lock, Drive.LOCK, 2000)
    assert lock.locked


def test_driving_drains_the_capacitor_and_rest_charges_it() -> None:
    lock = PlugLock(LOCKS[0])
    drive(lock, Drive.LOCK, 600)
    drained = lock.capacitor_mv
    assert drained == pytest.approx(10_500)
    lock.advance(lock.now_us + 10_000_000)
    assert lock.capacitor_mv > 11_900
    assert lock.capacitor_raw * 3300 / 4095 * 90 / 22 == pytest.approx(lock.capacitor_mv, abs=5)


def test_empty_capacitor_reports_a_fault_and_moves_nothing() -> None:
    lock = PlugLock(LOCKS[0])
    lock.capacitor_mv, lock.capacitor_broken = 0.0, True
    assert lock.fault
    drive(lock, Drive.LOCK, 600)
    assert lock.position == 0
    lock.advance(lock.now_us + 60_000_000)
    assert lock.capacitor_mv == 0


def test_broken_switch_and_driver() -> None:
    lock = PlugLock(LOCKS[0])
    drive(lock, Drive.LOCK, 600)
    lock.sense_broken = True
    assert lock.sense_mv == 3300
    lock.driver_fault = True
    assert lock.fault
    drive(lock, Drive.UNLOCK, 600)
    assert lock.locked


@given(
    st.lists(st.tuples(st.sampled_from(list(Drive)), st.integers(1, 900), st.integers(1, 5)), max_size=12),
)
def test_travel_does_not_depend_on_how_time_is_cut(steps: list[tuple[Drive, int, int]]) -> None:
    whole, cut = PlugLock(LOCKS[0]), PlugLock(LOCKS[0])
    for direction, ms, pieces in steps:
        whole.drive = cut.drive = direction
        end_us = whole.now_us + ms * 1000
        whole.advance(end_us)
        for piece in range(1, pieces + 1):
            cut.advance(end_us - ms * 1000 + ms * 1000 * piece // pieces)
        if whole.fault or cut.fault:
            return
        assert cut.position == pytest.approx(whole.position, abs=1e-6)
        assert cut.capacitor_mv == pytest.approx(whole.capacitor_mv, abs=0.01)
        assert 0 <= cut.position <= 1

"""When a fault of the board is believed, and when it is over."""

from __future__ import annotations

from chargectl.port.board_health import BoardHealth
from chargectl.port.timing import BOARD_FAULT_CLEAR_MS, BOARD_FAULT_CONFIRM_MS


def test_a_fault_counts_once_it_has_lasted() -> None:
    health = BoardHealth()
    health.fault("pilot_adc", True, 1_000)
    assert health.deadline(1_000) == 1_000 + BOARD_FAULT_CONFIRM_MS
    health.step(1_000 + BOARD_FAULT_CONFIRM_MS - 1)
    assert not health.failed
    health.step(1_000 + BOARD_FAULT_CONFIRM_MS)
    assert health.failed
    assert health.sources == ("pilot_adc",)


def test_a_source_that_fails_in_two_of_three_cycles_is_not_good() -> None:
    health = BoardHealth()
    health.fault("pilot_adc", True, 0)
    health.fault("pilot_adc", False, 40)
    health.step(40)
    health.fault("pilot_adc", True, 60)
    health.step(60 + BOARD_FAULT_CONFIRM_MS - 40 - 1)
    assert not health.failed
    health.step(60 + BOARD_FAULT_CONFIRM_MS - 40)
    assert health.failed


def test_it_is_over_when_everything_has_worked_for_a_while() -> None:
    health = BoardHealth()
    health.fault("a", True, 0)
    health.fault("b", True, 0)
    health.step(100)
    health.fault("a", False, 100)
    health.step(100 + BOARD_FAULT_CLEAR_MS)
    assert health.failed
    health.fault("b", False, 2_000)
    assert health.deadline(2_000) == 2_000 + BOARD_FAULT_CLEAR_MS
    health.step(2_000 + BOARD_FAULT_CLEAR_MS - 1)
    assert health.failed
    health.step(2_000 + BOARD_FAULT_CLEAR_MS)
    assert not health.failed
    assert health.deadline(5_000) is None


def test_a_short_disturbance_is_forgotten() -> None:
    health = BoardHealth()
    for number in range(10):
        start = number * 2 * BOARD_FAULT_CLEAR_MS
        health.fault("a", True, start)
        health.fault("a", False, start + BOARD_FAULT_CONFIRM_MS - 1)
        health.step(start + BOARD_FAULT_CLEAR_MS + BOARD_FAULT_CONFIRM_MS)
        assert not health.failed
        assert health.sources == ()

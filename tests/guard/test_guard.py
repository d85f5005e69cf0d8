"""The guard under MicroPython beside a real portd, on a simulated board, with a watchdog that bites."""

from __future__ import annotations

import signal

import pytest

from chargectl.board.profile import CHARGE_CONTROL_C_300
from tests.guard.rig import Program, Station

PROMISE_MS = 2_000
"""From portd's standstill to the open contactor."""


def start(station: Station, *, charge: bool = True) -> tuple[Program, Program]:
    """Boot: guard, portd, and the boot found healthy; a car charges, or none is there."""
    guard = station.start_guard()
    station.wait(lambda: "READY=1" in station.manager.told, "the guard is ready")
    portd = station.start_portd()
    station.wait_status("portd is at work")
    (station.run / "healthy").touch()
    if charge:
        station.charge()
    return guard, portd


def check_safe(station: Station) -> None:
    profile = CHARGE_CONTROL_C_300
    motors = (profile.plug_lock, profile.cover_lock)
    pins = [
        *(relay.enable for relay in profile.relays),
        *(pin for motor in motors for pin in (motor.in1, motor.in2)),
        profile.pilot.invert,
    ]
    assert {pin.number: station.board.gpio(pin.number) for pin in pins} == {
        pin.number: pin.active_low for pin in pins
    }
    assert all(station.board.is_output(pin.number) for pin in pins)


@pytest.mark.spec(307)
def test_a_hung_portd_costs_the_contactor_within_2_s_and_then_the_board_is_reset(station: Station) -> None:
    guard, portd = start(station)
    stopped_ms = station.board.now_ms()
    portd.send(signal.SIGSTOP)
    assert station.wait_happened("relay_1", False, stopped_ms) <= PROMISE_MS
    station.wait_happened("current_a", 0, stopped_ms)
    station.wait_status("outputs safe")
    check_safe(station)
    assert station.watchdog.timeouts == [10], "it is fed while portd may still wake up"
    assert (station.run / "guard.taken").read_text().strip() == str(portd.process.pid)

    station.wait(lambda: station.watchdog.bitten, "the watchdog resets the board")
    assert station.watchdog.timeouts == [10, 1]
    fed = station.watchdog.feedings
    # However it goes on: a heartbeat is too late now.
    portd.send(signal.SIGCONT)
    assert portd.wait() == 1
    assert station.watchdog.feedings == fed
    assert station.status() == "portd hangs: no heartbeat for 5 s"
    assert "<3>portd hangs" in guard.log
    check_safe(station)


@pytest.mark.spec(307)
def test_a_killed_portd_leaves_safe_outputs_and_the_next_one_charges(station: Station) -> None:
    guard, portd = start(station)
    killed_ms = station.board.now_ms()
    portd.send(signal.SIGKILL)
    assert station.wait_happened("relay_1", False, killed_ms) <= PROMISE_MS
    portd.wait()
    station.wait_status("portd is not there: outputs safe")
    check_safe(station)
    station.wait_fed()

    again_ms = station.board.now_ms()
    station.start_portd()
    station.wait_status("portd is at work")
    station.wait_happened("relay_1", True, again_ms)
    station.wait_fed()
    assert not station.watchdog.bitten
    assert station.watchdog.timeouts == [10]
    assert "<3>" not in guard.log


@pytest.mark.spec(307)
def test_a_portd_that_is_stopped_on_purpose_costs_no_reset(station: Station) -> None:
    guard, portd = start(station)
    portd.send(signal.SIGTERM)
    assert portd.wait() == 0
    station.wait_status("portd is stopped on purpose")
    assert (station.run / "portd.heartbeat").read_text() == "stopped\n"
    station.wait(lambda: not station.board.gpio(13), "the pilot is off the line")
    check_safe(station)
    station.wait_fed()
    assert "portd stands still" not in guard.log
    station.start_portd()
    station.wait_status("portd is at work")
    assert (station.run / "portd.heartbeat").read_text() == ""
    assert station.watchdog.timeouts == [10]


@pytest.mark.spec(307)
def test_a_portd_that_wakes_up_again_ends_because_its_outputs_were_taken(station: Station) -> None:
    _, portd = start(station)
    stopped_ms = station.board.now_ms()
    portd.send(signal.SIGSTOP)
    station.wait_happened("relay_1", False, stopped_ms)
    portd.send(signal.SIGCONT)
    assert portd.wait() == 1
    assert "the guard has taken the outputs over" in portd.log
    assert "Traceback" not in portd.log
    station.wait_status("portd is not there: outputs safe")
    check_safe(station)
    station.start_portd()
    station.wait_status("portd is at work")
    assert (station.run / "guard.taken").read_text() == ""
    station.wait_happened("relay_1", True, station.board.now_ms())
    assert station.watchdog.timeouts == [10]


def test_a_heartbeat_that_somebody_replaces_saves_no_hung_portd(station: Station) -> None:
    _, portd = start(station, charge=False)
    heartbeat = station.run / "portd.heartbeat"
    stopped_ms = station.board.now_ms()
    portd.send(signal.SIGSTOP)
    fresh = station.run / "fresh"

    def cut_off() -> bool:
        fresh.touch()
        fresh.rename(heartbeat)
        return station.happened_ms("pilot", "off", stopped_ms) is not None

    station.wait(cut_off, "the pilot is taken from the line")
    assert station.wait_happened("pilot", "off", stopped_ms) <= PROMISE_MS
    heartbeat.unlink()
    station.wait(lambda: station.watchdog.timeouts == [10, 1], "the watchdog bites")


def test_a_heartbeat_that_somebody_removes_comes_back(station: Station) -> None:
    guard, _ = start(station, charge=False)
    (station.run / "portd.heartbeat").unlink()
    station.wait((station.run / "portd.heartbeat").exists, "the heartbeat is there again")
    station.wait_fed()
    assert station.board.gpio(CHARGE_CONTROL_C_300.pilot.invert.number) is True
    assert "outputs safe" not in guard.log.partition("portd is at work")[2]


def test_a_guard_that_is_killed_leaves_the_watchdog_counting_and_the_next_one_feeds_it(
    station: Station,
) -> None:
    guard, _ = start(station, charge=False)
    guard.send(signal.SIGKILL)
    guard.wait()
    assert not station.watchdog.disarmed
    assert 0 < station.watchdog.left_s <= 10
    station.start_guard()
    station.wait(lambda: station.manager.count("READY=1") == 2, "the guard is ready again")
    station.wait_fed()
    assert station.board.gpio(CHARGE_CONTROL_C_300.pilot.invert.number) is True, "portd goes on"
    assert not station.watchdog.bitten


def test_at_a_shutdown_the_watchdog_goes_on_with_a_longer_time(station: Station) -> None:
    guard = station.start_guard()
    station.wait(lambda: "READY=1" in station.manager.told, "the guard is ready")
    guard.send(signal.SIGTERM)
    assert guard.wait() == 0
    assert station.watchdog.timeouts == [10, 120]
    assert not station.watchdog.disarmed
    assert station.watchdog.left_s > 60
    station.wait(lambda: "STOPPING=1" in station.manager.told, "it says that it ends")


def test_it_tells_the_service_manager_that_it_lives_and_asks_whether_that_does(station: Station) -> None:
    station.start_guard()
    station.wait(lambda: station.manager.count("WATCHDOG=1") >= 2, "signs of life")
    station.wait(lambda: station.manager.count("BARRIER=1") >= 2, "PID 1 is asked again")


def test_without_a_watchdog_device_it_guards_the_outputs_and_is_not_ready(station: Station) -> None:
    guard = station.run_guard("main.py", "--run-dir", str(station.run), "--watchdog", "/dev/nonexistent")
    portd = station.start_portd()
    station.wait_status("portd is at work")
    stopped_ms = station.board.now_ms()
    portd.send(signal.SIGSTOP)
    assert station.wait_happened("pilot", "off", stopped_ms) <= PROMISE_MS
    assert "READY=1" not in station.manager.told
    assert guard.log.count("<3>watchdog /dev/nonexistent: ENOENT") == 1


@pytest.mark.spec(307)
def test_safe_brings_every_output_to_its_safe_level(station: Station) -> None:
    # The guard is away too: nobody else does it.
    for program in start(station):
        program.send(signal.SIGKILL)
        program.wait()
    assert station.fact("relay_1") is True
    assert station.run_guard("safe.py").wait() == 0
    check_safe(station)
    assert station.fact("relay_1") is False


def test_safe_reports_a_pin_that_cannot_be_put_there_and_tries_the_others(station: Station) -> None:
    station.board.fault("gpio/76:EIO")
    program = station.run_guard("safe.py")
    assert program.wait() == 1
    assert "<3>relay 1: /sys/class/gpio/gpio76/direction: EIO" in program.log
    assert program.log.count("<3>") == 1
    assert station.board.is_output(13)

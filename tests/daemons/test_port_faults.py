"""Devices that fail while a car charges: the loop goes on, power goes off where it must, and comes back."""

from __future__ import annotations

import logging

import pytest

from chargectl.declarations import topics
from chargectl.sim.client import SimClient
from tests.daemons.rig import CONTACTOR, STATUS_LED, Rig

ALL = {
    "emergency_alarm": {"enable": True},
    "rcd_monitor": {"enable": True},
    "ventilation": {"enable": True},
    "user_authentication": "key-switch",
}
LIMIT = "ci/global/dyn_current_limit"
DROP_OUT_MS = 20

DEMANDING = {
    "gpio/121:EIO": "emergency_input",
    "gpio/122:EIO": "rcd_feedback",
    "gpio/124:EIO": "key_switch",
    "gpio/130:EIO": "relay2_sense",
    "gpio/131:EIO": "relay1_sense",
    "gpio/19:EIO": "lock_fault",
    "gpio/138:EIO": "pilot_adc",
    "adc/2:EIO": "pilot_adc",
    "adc/3:ETIMEDOUT": "pilot_adc",
    "adc/0:EIO": "lock_adc",
    "adc/4:EIO": "capacitor_adc",
    "adc/5:EIO": "proximity_adc",
    "/sys/class/gpio/gpio131/value:EIO": "relay1_sense",
    "vanish /sys/class/gpio/gpio131": "relay1_sense",
    "vanish /sys/class/gpio/gpio121/value": "emergency_input",
    "vanish /sys/class/gpio/gpio122": "rcd_feedback",
    "vanish /sys/bus/iio/devices/iio:device3": "pilot_adc",
    "vanish /sys/bus/iio/devices/iio:device3/in_voltage5_raw": "proximity_adc",
}
"""Faults of what is read in each cycle, and the source that they are reported as."""

QUIET = (
    "gpio/84:EIO",
    "gpio/71:EIO",
    "gpio/72:EIO",
    "gpio/87:EIO",
    "pwm/20fc000.pwm:EIO",
    "pwm/2084000.pwm:EIO",
    "led/green:boot:EIO",
    "w1/28-0000075a1b2c:EIO",
    "vanish /sys/class/gpio/gpio84",
)
"""Faults of what is not needed as long as nothing changes."""


def _charging(world: SimClient) -> Rig:
    rig = Rig(world, ALL)
    world.do("key_on")
    rig.charge()
    return rig


def _kind(fault: str) -> str:
    return "vanished" if fault.startswith("vanish") else "adc" if fault.startswith("adc") else "gpio"


@pytest.mark.parametrize("kind", ["gpio", "adc", "vanished"])
def test_a_source_that_fails_ends_charging_within_100_ms_until_it_works_again(
    sim_world: SimClient, kind: str
) -> None:
    with _charging(sim_world) as rig:
        for fault in (fault for fault in DEMANDING if _kind(fault) == kind):
            failed = sim_world.now_ms()
            sim_world.fault(fault)
            rig.run_ms(160)
            (opened, closed) = rig.changes("contactor_1", failed)[0]
            assert not closed, fault
            assert opened - DROP_OUT_MS - failed <= 100, fault
            assert rig.errors == ["BoardFailure"], fault
            assert DEMANDING[fault] in rig.port.board.sources
            rig.run_long(1_500)
            # Only a contactor that nobody can see open keeps the plug of a connected car.
            held = DEMANDING[fault] == "relay1_sense"
            assert sim_world.fact("lock") == ("locked" if held else "unlocked"), fault
            assert rig.errors == ["BoardFailure"], fault
            sim_world.clear()
            rig.run_long(1_500)
            assert rig.errors == [], f"{fault}: the error has ended"
            rig.run_long(3_200)
            rig.until_charging(6_000)


def test_what_is_not_needed_now_may_fail_without_ending_the_charge(sim_world: SimClient) -> None:
    with _charging(sim_world) as rig:
        for fault in QUIET:
            sim_world.fault(fault)
            rig.run_ms(200)
            assert rig.current_a > 0, fault
            assert rig.errors == [], fault
        # The status LED blinks, so this is long enough to fail in writing it.
        rig.run_ms(1_200)
        sim_world.clear()
        rig.run_ms(500)
        assert rig.current_a > 0
        assert rig.errors == []


@pytest.mark.parametrize(
    "fault", ["gpio/131=0", "gpio/121=1", "gpio/122=0", "gpio/124=0", "adc/2=4095", "adc/5=4095"]
)
def test_a_reading_that_is_stuck_is_taken_for_what_it_says(sim_world: SimClient, fault: str) -> None:
    told = {
        "gpio/131=0": ["PowerSwitchFailure"],
        "gpio/121=1": ["EmergencyShutdown"],
        "gpio/122=0": ["RcdGroundFailure"],
        "gpio/124=0": [],
        "adc/2=4095": [],
        "adc/5=4095": ["ProximityNoCable"],
    }
    with _charging(sim_world) as rig:
        sim_world.fault(fault)
        rig.run_ms(700)
        assert rig.errors == told[fault]
        if fault in ("gpio/131=0", "gpio/121=1", "gpio/122=0", "adc/2=4095"):
            assert not sim_world.gpio(CONTACTOR)
        rig.hazards = sim_world.hazards() if fault == "gpio/131=0" else []


def test_faults_all_at_once_and_their_end_do_not_upset_the_loop(sim_world: SimClient) -> None:
    with _charging(sim_world) as rig:
        for fault in DEMANDING:
            if not fault.startswith("vanish"):
                sim_world.fault(fault)
        rig.run_ms(300)
        assert not rig.closed
        assert rig.errors == ["BoardFailure"]
        sim_world.fault("vanish /sys/class/gpio")
        rig.run_ms(300)
        sim_world.clear()
        rig.until(lambda: rig.errors == [], 3_000, "the error ends")
        rig.pass_guard()
        rig.until_charging(4_000)


def test_a_pilot_that_cannot_be_set_ends_charging(sim_world: SimClient) -> None:
    with _charging(sim_world) as rig:
        sim_world.fault("pwm/20fc000.pwm:EIO")
        changed = sim_world.now_ms()
        rig.send(f"{LIMIT}/solar", "8")
        rig.run_ms(160)
        (opened, _) = rig.changes("contactor_1", changed)[0]
        assert opened - DROP_OUT_MS - changed <= 100
        assert rig.errors == ["BoardFailure"]
        sim_world.clear()
        rig.pass_guard()
        rig.until_charging(6_000)
        assert rig.current_a == pytest.approx(8, abs=0.02)
        assert rig.errors == []


# ---------------------------------------------------------------------- sign of life


@pytest.mark.spec(307)
def test_a_relay_that_cannot_be_opened_silences_the_watchdog_until_it_is_open(
    sim_world: SimClient, caplog: pytest.LogCaptureFixture
) -> None:
    with _charging(sim_world) as rig, caplog.at_level(logging.ERROR):
        rig.run_ms(1_100)
        assert rig.notifier.signs
        assert rig.heartbeat.beats[-1] >= rig.now - 25
        sim_world.fault("gpio/76:EIO")
        sim_world.do("press_emergency")
        rig.run_ms(100)
        stuck = rig.now
        rig.run_ms(2_500)
        assert rig.closed, "the relay could not be opened"
        assert [at for at in rig.heartbeat.beats if at > stuck] == []
        # The interval in which it began had been healthy; from the next one on nothing is sent.
        assert [at for at in rig.notifier.signs if at > stuck] == []
        assert sum("relay1" in record.message for record in caplog.records) <= 4
        sim_world.clear()
        cleared = rig.now
        rig.run_ms(60)
        assert not sim_world.gpio(CONTACTOR)
        assert not rig.closed
        rig.run_ms(2_100)
        assert [at for at in rig.heartbeat.beats if at > cleared]
        assert [at for at in rig.notifier.signs if at > cleared]
        rig.hazards = [text for text in sim_world.hazards() if text == "plug unlocked under voltage"]


@pytest.mark.spec(307)
def test_cycles_that_come_late_silence_the_watchdog(sim_world: SimClient) -> None:
    with Rig(sim_world) as rig:
        rig.run_ms(1_100)
        assert rig.notifier.signs
        late = rig.now
        for _ in range(12):
            rig.skip_ms(250)
            rig.cycle()
        assert [at for at in rig.notifier.signs if at > late + 25] == []
        assert [at for at in rig.heartbeat.beats if at > late + 25] == []
        rig.run_ms(2_100)
        assert rig.notifier.signs[-1] > rig.now - 1_100
        assert rig.heartbeat.beats[-1] > rig.now - 25


@pytest.mark.spec(307)
def test_one_late_cycle_costs_one_sign_of_life_only(sim_world: SimClient) -> None:
    with Rig(sim_world) as rig:
        rig.run_ms(1_500)
        rig.skip_ms(300)
        rig.run_ms(3_000)
        gaps = [b - a for a, b in zip(rig.notifier.signs, rig.notifier.signs[1:], strict=False)]
        assert max(gaps) <= 2_050
        assert min(gaps) <= 1_025


def test_a_status_led_that_fails_is_reported_once_and_lit_when_it_works(
    sim_world: SimClient, caplog: pytest.LogCaptureFixture
) -> None:
    with _charging(sim_world) as rig, caplog.at_level(logging.ERROR):
        sim_world.fault(f"gpio/{STATUS_LED}:EIO")
        rig.run_ms(2_500)
        assert rig.closed
        assert rig.errors == []
        assert sum(f"gpio{STATUS_LED}" in record.message for record in caplog.records) == 1
        sim_world.clear()
        levels = set()
        for _ in range(110):
            rig.cycle()
            levels.add(sim_world.gpio(STATUS_LED))
        assert levels == {True, False}, "it blinks again"


def test_a_board_that_fails_at_start_is_served_when_it_works(sim_world: SimClient) -> None:
    def broken(world: SimClient) -> None:
        world.fault("vanish /sys/class/pwm/pwmchip0")
        world.fault("gpio/131:EIO")

    with Rig(sim_world, prepare=broken) as rig:
        assert len(rig.faults_at_start) == 2
        rig.run_ms(300)
        assert rig.value(topics.TOPIC_PORTD_ERRORS) == '["BoardFailure"]'
        sim_world.clear()
        rig.until(lambda: rig.errors == [], 2_000)
        rig.charge()


def test_a_status_led_that_failed_at_start_shows_the_state_once_it_works(sim_world: SimClient) -> None:
    with Rig(sim_world, prepare=lambda world: world.fault(f"gpio/{STATUS_LED}:EIO")) as rig:
        rig.run_ms(200)
        assert not sim_world.gpio(STATUS_LED)
        assert rig.errors == []
        sim_world.clear()
        rig.run_ms(100)
        assert sim_world.gpio(STATUS_LED)


@pytest.mark.parametrize("fault", ["gpio/131:EIO", "gpio/130:EIO", "gpio/122:EIO", "adc/0:EIO", "adc/5:EIO"])
def test_what_reads_the_same_before_and_after_a_fault_is_known_again(
    sim_world: SimClient, fault: str
) -> None:
    with Rig(sim_world, ALL, car={"ventilation": True}) as rig:
        sim_world.do("key_on")
        rig.pass_guard()
        sim_world.fault(fault)
        rig.run_ms(200)
        assert rig.errors == ["BoardFailure"]
        sim_world.clear()
        rig.run_long(1_500)
        assert rig.errors == []
        sim_world.do("plug")
        rig.until_charging(6_000)


def test_a_secondary_contactor_is_known_again_after_a_fault(sim_world: SimClient) -> None:
    with Rig(sim_world, {"switch3to1phase": {"enable": True}}, relay_2="phases") as rig:
        sim_world.fault("gpio/130:EIO")
        rig.run_ms(200)
        assert rig.errors == ["BoardFailure"]
        sim_world.clear()
        rig.charge()
        assert sim_world.state()["safety"]["phases_in_use"] == 3

"""What must end or prevent charging: emergency, RCD, contactor, lock and pilot, at the pins."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from chargectl.declarations import topics
from chargectl.sim.client import SimClient
from tests.daemons.rig import CONTACTOR, RCD_TEST, START_UTC, Rig

EMERGENCY = {"emergency_alarm": {"enable": True}}
RCD = {"rcd_monitor": {"enable": True}}
WESTERN, BENDER = "western-automation-rcm14-01", "bender-rcd-121"
DROP_OUT_MS = 20
"""The simulated contactor's own time from its coil to its contacts."""


def _coil_off_ms(rig: Rig, since_ms: float) -> float:
    """How long after a moment the relay opened the contactor."""
    (opened,) = [at for at, closed in rig.changes("contactor_1", since_ms) if not closed]
    return opened - DROP_OUT_MS - since_ms


# ---------------------------------------------------------------------- emergency


@pytest.mark.spec(11, 107, 108)
@pytest.mark.parametrize("polarity", ["active_high", "active_low"])
def test_the_emergency_switch_opens_the_contactor_within_a_millisecond(
    sim_world: SimClient, polarity: str
) -> None:
    port = {"emergency_alarm": {"enable": True, "polarity": polarity}}
    with Rig(sim_world, port, emergency_active_high=polarity == "active_high") as rig:
        assert rig.value(topics.TOPIC_EMERGENCY_SHUTDOWN) == "0"
        rig.charge()
        rig.board.step_ms = 1
        pressed: list[float] = []

        def press() -> None:
            pressed.append(sim_world.now_ms())
            sim_world.do("press_emergency")

        rig.board.in_wait.append(press)
        rig.cycle()
        assert not sim_world.gpio(CONTACTOR)
        rig.board.step_ms = 20
        rig.run_ms(100)
        assert _coil_off_ms(rig, pressed[0]) <= 1
        assert rig.value(topics.TOPIC_EMERGENCY_SHUTDOWN) == "1"
        assert sim_world.fact("pilot") == "steady -12 V"
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 2_000, "the plug is free")
        sim_world.do("release_emergency")
        rig.run_ms(100)
        assert rig.value(topics.TOPIC_EMERGENCY_SHUTDOWN) == "0"


@pytest.mark.spec(108)
def test_an_emergency_is_noticed_without_edges_within_two_cycles(sim_world: SimClient) -> None:
    with Rig(sim_world, EMERGENCY) as rig:
        rig.charge()
        rig.board.blind, rig.board.step_ms = True, 1
        pressed: list[float] = []

        def press() -> None:
            pressed.append(sim_world.now_ms())
            sim_world.do("press_emergency")

        rig.board.in_wait.append(press)
        rig.run_ms(80)
        assert _coil_off_ms(rig, pressed[0]) <= 40
        assert rig.errors == ["EmergencyShutdown"]


@pytest.mark.spec(107)
def test_an_emergency_input_is_not_watched_unless_configured(sim_world: SimClient) -> None:
    with Rig(sim_world) as rig:
        rig.charge()
        sim_world.do("press_emergency")
        rig.run_ms(500)
        assert rig.closed
        assert rig.errors == []
        assert rig.value(topics.TOPIC_EMERGENCY_SHUTDOWN) == "0"


@pytest.mark.spec(108)
def test_a_released_emergency_switch_restarts_nothing_before_the_car_was_unplugged(
    sim_world: SimClient,
) -> None:
    with Rig(sim_world, EMERGENCY) as rig:
        rig.charge()
        sim_world.do("press_emergency")
        rig.run_ms(1_500)
        sim_world.do("release_emergency")
        released = rig.now
        rig.pass_guard()
        rig.run_ms(2_000)
        assert rig.changes("contactor_1", released) == []
        sim_world.do("unplug")
        rig.run_ms(500)
        rig.charge()
        assert rig.errors == []


# ---------------------------------------------------------------------- RCD


@pytest.mark.spec(11, 12, 91, 92, 93)
@pytest.mark.parametrize("feedback", ["active_high", "active_low"])
@pytest.mark.parametrize("trigger", ["active_high", "active_low"])
def test_every_polarity_of_the_rcd(sim_world: SimClient, feedback: str, trigger: str) -> None:
    port = {"rcd_monitor": {"enable": True, "polarity": feedback, "test_gpio_polarity": trigger}}
    equipment: dict[str, Any] = {
        "rcd_healthy_high": feedback == "active_high",
        "rcd_test_active_high": trigger == "active_high",
    }
    with Rig(sim_world, port, **equipment) as rig:
        rig.pass_guard()
        assert [active for _, active in rig.changes("rcd_test")] == [True, False]
        assert sim_world.gpio(RCD_TEST) == (trigger == "active_low")
        assert rig.value(topics.TOPIC_RCD_FEEDBACK_AVAILABLE) == "1"
        assert rig.value(topics.TOPIC_RCD_TEST_AVAILABLE) == "1"
        assert rig.value(topics.TOPIC_RCD_STATE_ACTUAL) == "1"
        assert rig.errors == []
        sim_world.do("plug")
        rig.until_charging(8_000)
        rig.board.step_ms = 1
        tripped: list[float] = []

        def trip() -> None:
            tripped.append(sim_world.now_ms())
            sim_world.do("trip_rcd")

        rig.board.in_wait.append(trip)
        rig.cycle()
        rig.board.step_ms = 20
        rig.run_ms(100)
        assert _coil_off_ms(rig, tripped[0]) <= 1
        assert rig.value(topics.TOPIC_RCD_ERROR) == "RcdGroundFailure"
        assert rig.value(topics.TOPIC_RCD_STATE_ACTUAL) == "0"


@pytest.mark.spec(91)
def test_an_rcd_is_not_watched_unless_configured(sim_world: SimClient) -> None:
    with Rig(sim_world) as rig:
        rig.charge()
        sim_world.do("trip_rcd")
        rig.run_ms(500)
        assert rig.closed
        assert rig.errors == []
        assert rig.changes("rcd_test") == []
        assert not sim_world.is_output(RCD_TEST)
        assert rig.value(topics.TOPIC_RCD_FEEDBACK_AVAILABLE) == "0"
        assert rig.value(topics.TOPIC_RCD_TEST_AVAILABLE) == "0"


@pytest.mark.spec(93)
def test_without_a_test_output_the_rcd_is_still_watched(sim_world: SimClient) -> None:
    with Rig(sim_world, {"rcd_monitor": {"enable": True, "test_gpio": -1}}) as rig:
        rig.charge()
        assert rig.changes("rcd_test") == []
        assert not sim_world.is_output(RCD_TEST)
        assert rig.value(topics.TOPIC_RCD_TEST_AVAILABLE) == "0"
        sim_world.do("trip_rcd")
        rig.run_ms(100)
        assert not rig.closed
        assert rig.errors == ["RcdGroundFailure"]


@pytest.mark.spec(94, 95, 103)
@pytest.mark.parametrize(
    ("kind", "times", "passes"),
    [
        (WESTERN, (815, 810, 410), True),
        (WESTERN, (1000, 900, 600), True),
        # Looks before the monitor has tripped (500 ms after the rise).
        (WESTERN, (815, 400, 410), False),
        # Looks before the monitor has recovered (250 ms after the fall).
        (WESTERN, (815, 810, 100), False),
        # Tripped 500 to 1500 ms after the rise of an impulse that is long over by then.
        (BENDER, (50, 1000, 1600), True),
        (BENDER, (50, 1000, 1300), False),
    ],
)
def test_the_times_of_an_rcd_test(
    sim_world: SimClient, kind: str, times: tuple[int, int, int], passes: bool
) -> None:
    trigger, tripped, normal = times
    monitor = {
        "enable": True,
        "test_trigger_time": trigger,
        "test_check_tripped_time": tripped,
        "test_check_normal_time": normal,
    }
    with Rig(sim_world, {"rcd_monitor": monitor}, rcd=kind) as rig:
        rig.until(lambda: rig.sent(topics.TOPIC_RCD_TEST_TIMESTAMP) != [], 4_000, "the test ends")
        ends = rig.now
        rig.run_ms(40)
        (began, _), (fell, _) = rig.changes("rcd_test")
        if passes:
            assert trigger <= fell - began <= trigger + 25
            assert trigger + normal <= ends - began <= trigger + normal + 45
        (ended, _, text) = next(
            sent for sent in rig.bus.sent if sent[1] == topics.TOPIC_RCD_TEST_TIMESTAMP.path
        )
        assert rig.value(topics.TOPIC_RCD_ERROR) == ("" if passes else "RcdTestError")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
        expected = START_UTC + timedelta(milliseconds=ended)
        assert text == expected.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.spec(103)
def test_an_rcd_test_on_request_is_told_with_its_time(sim_world: SimClient) -> None:
    with Rig(sim_world, RCD) as rig:
        rig.pass_guard()
        requested = rig.now
        rig.send("port0/rcd/test/perform", "1")
        rig.run_ms(2_000)
        assert len(rig.changes("rcd_test", requested)) == 2
        assert len(rig.sent(topics.TOPIC_RCD_TEST_TIMESTAMP, requested)) == 1
        assert rig.sent(topics.TOPIC_RCD_ERROR, requested) == [""]


@pytest.mark.parametrize("action", ["break_rcd_test", "stick_rcd"])
def test_an_rcd_that_fails_its_test_gets_no_power(sim_world: SimClient, action: str) -> None:
    with Rig(sim_world, RCD, prepare=lambda world: world.do(action)) as rig:
        rig.pass_guard()
        assert rig.errors == ["RcdTestError"]
        sim_world.do("plug")
        rig.run_ms(3_000)
        assert rig.changes("contactor_1") == []
        assert rig.errors == ["RcdTestError"]


@pytest.mark.parametrize("step", [timedelta(days=365), timedelta(days=-365)])
def test_a_step_of_the_time_of_day_moves_neither_the_rcd_test_nor_the_guard(
    sim_world: SimClient, step: timedelta
) -> None:
    with Rig(sim_world, RCD) as rig:
        rig.charge()
        charging = rig.now
        rig.clock.utc_step = step
        rig.run_ms(1_000)
        assert rig.closed
        assert rig.changes("rcd_test", charging) == []
        sim_world.do("refuse_energy")
        rig.until(lambda: not rig.closed, 3_000)
        opened = rig.now
        rig.clock.utc_step = -step
        sim_world.do("want_energy")
        rig.until(lambda: rig.closed, 8_000, "power comes back")
        assert rig.changes("contactor_1", opened)[-1][0] - opened >= 5_950
        assert rig.changes("rcd_test", charging) == []


# ---------------------------------------------------------------------- contactor, lock, pilot


@pytest.mark.spec(39)
def test_a_welded_contactor_takes_the_port_out_of_service_and_frees_the_plug(sim_world: SimClient) -> None:
    with Rig(sim_world) as rig:
        # The guide frees the plug although it may be live (3.3.4.1).
        rig.hazards = ["plug unlocked under voltage"]
        rig.charge()
        sim_world.do("weld_contactor")
        sim_world.do("refuse_energy")
        rig.until(lambda: rig.errors == ["PowerSwitchFailure"], 4_000, "the error")
        assert rig.value(topics.TOPIC_CONTACTOR_ERROR) == "1"
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 2_000, "the plug is free")
        assert sim_world.fact("pilot") == "steady -12 V"
        assert rig.value(topics.TOPIC_CHARGE_PWM_STATUS) == "0.00"


@pytest.mark.spec(39)
def test_a_contactor_that_does_not_close_takes_the_port_out_of_service(sim_world: SimClient) -> None:
    with Rig(sim_world, prepare=lambda world: world.do("block_contactor")) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.until(lambda: rig.errors == ["PowerSwitchFailure"], 6_000, "the error")
        rig.run_ms(40)
        assert not sim_world.gpio(CONTACTOR)
        assert rig.value(topics.TOPIC_CONTACTOR_ERROR) == "1"
        assert sim_world.fact("pilot") == "steady -12 V"


def test_a_jammed_lock_is_tried_again_and_no_power_comes_before_it_holds(sim_world: SimClient) -> None:
    with Rig(sim_world, prepare=lambda world: world.do("jam_lock", at=0.3)) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.until(lambda: rig.errors == ["PlugLockCannotLock"], 4_000, "the error")
        assert rig.value(topics.TOPIC_PLUG_LOCK_PERMANENT_FAILURE) == "PlugLockCannotLock"
        rig.run_ms(500)
        assert rig.changes("contactor_1") == []
        sim_world.do("heal_lock")
        rig.until_charging(10_000)
        assert rig.errors == []


def test_a_dead_lock_capacitor_is_reported_and_the_motor_stands_still(sim_world: SimClient) -> None:
    def empty(world: SimClient) -> None:
        world.do("break_lock_capacitor")
        world.do("discharge_lock")

    with Rig(sim_world, prepare=empty) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.until(lambda: rig.errors == ["PlugLockMotorCapNotCharged"], 11_000, "the error")
        assert rig.changes("contactor_1") == []
        assert rig.changes("lock") == []


@pytest.mark.parametrize("before", [True, False], ids=["before plugging in", "while charging"])
def test_a_car_without_its_diode_gets_no_power(sim_world: SimClient, before: bool) -> None:
    with Rig(sim_world) as rig:
        if before:
            sim_world.do("remove_diode")
            rig.pass_guard()
            sim_world.do("plug")
        else:
            rig.charge()
            sim_world.do("remove_diode")
        rig.until(lambda: rig.errors == ["PilotDiodeMissing"], 3_000, "the error")
        rig.run_ms(100)
        assert not rig.closed
        assert sim_world.fact("duty") == 100


def test_a_car_that_leaves_while_it_charges_is_off_within_100_ms(sim_world: SimClient) -> None:
    with Rig(
        sim_world, {"pluggable": False, "pp": {"cable_current_limit": 16}}, socket=False, lock=None
    ) as rig:
        rig.hazards = ["plug pulled under voltage"]
        rig.charge()
        torn = sim_world.now_ms()
        sim_world.do("unplug")
        rig.run_ms(200)
        assert _coil_off_ms(rig, torn) <= 100

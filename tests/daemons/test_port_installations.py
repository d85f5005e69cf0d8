"""The port on every kind of installation that the configuration knows: the pins do what the wiring needs."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from chargectl.declarations import topics
from chargectl.declarations.locks import LOCKS
from chargectl.sim.client import SimClient
from tests.daemons.rig import CONTACTOR, CONTACTOR_SENSE, RELAY_2, RELAY_2_SENSE, STATUS_LED, Rig


@pytest.mark.spec(36)
@pytest.mark.parametrize("feedback", ["no", "nc", "none"])
def test_every_kind_of_contactor_feedback(sim_world: SimClient, feedback: str) -> None:
    port = {"contactor": {"feedback_type": feedback}}
    with Rig(sim_world, port, contactor_feedback=feedback) as rig:
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) == "0"
        rig.charge()
        assert sim_world.gpio(CONTACTOR)
        assert sim_world.gpio(CONTACTOR_SENSE) == (feedback == "no")
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_TARGET) == "1"
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) == "1"
        sim_world.do("refuse_energy")
        rig.until(lambda: not rig.closed, 3_000)
        rig.run_ms(60)
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) == "0"
        assert rig.errors == []


@pytest.mark.parametrize("variant", [100, 200, 300])
def test_every_board_variant_charges(sim_world: SimClient, variant: int) -> None:
    with Rig(sim_world, variant=variant) as rig:
        rig.charge()
        assert rig.current_a == pytest.approx(16, abs=0.02)
        assert sim_world.is_output(RELAY_2) == (variant != 100)
        assert rig.errors == []


def test_a_fixed_cable_charges_with_its_own_limit_and_no_lock(sim_world: SimClient) -> None:
    port = {"pluggable": False, "pp": {"cable_current_limit": 13}}
    with Rig(sim_world, port, socket=False, lock=None) as rig:
        rig.charge()
        assert rig.current_a == pytest.approx(13, abs=0.02)
        assert rig.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == "-1"
        assert rig.value(topics.TOPIC_CHARGE_PLUG_STATUS) == "unknown"
        assert sim_world.state()["lock"]["drive"] == "coast"
        assert rig.errors == []


@pytest.mark.parametrize("lock", [*(lock.name for lock in LOCKS), *LOCKS[0].aliases[:1]])
def test_every_lock_locks_before_power_and_opens_afterwards(sim_world: SimClient, lock: str) -> None:
    with Rig(sim_world, {"plug_lock": {"type": lock}}, lock=lock) as rig:
        rig.charge()
        assert sim_world.fact("lock") == "locked"
        assert rig.value(topics.TOPIC_PLUG_LOCK) == "1"
        (locked_at, _) = rig.changes("lock")[-1]
        assert locked_at < rig.changes("contactor_1")[0][0]
        sim_world.do("refuse_energy")
        rig.until(lambda: not rig.closed, 3_000)
        sim_world.do("unplug", force=True)
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 3_000)
        rig.run_ms(1_000)
        assert rig.errors == []


@pytest.mark.spec(11, 68)
def test_the_key_switch_on_the_third_input_authorizes(sim_world: SimClient) -> None:
    with Rig(sim_world, {"user_authentication": "key-switch"}) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.run_ms(2_000)
        assert rig.changes("contactor_1") == []
        assert sim_world.fact("duty") == 100
        sim_world.do("key_on")
        rig.until_charging(5_000)
        sim_world.do("key_off")
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 5_000, "the plug is free")
        assert not rig.closed


@pytest.mark.parametrize(
    ("position", "override", "phases", "ampere"),
    [
        (0x9, "{}", 3, 10),
        (0x9, json.dumps({"rotary_switch_1": [{"phase_count": 3, "current_limit": 8}] * 16}), 3, 8),
        (0x2, "{}", 1, 13),
    ],
)
def test_the_rotary_switch_and_its_override_limit_the_grid(
    sim_world: SimClient, position: int, override: str, phases: int, ampere: int
) -> None:
    with Rig(sim_world, rotary_text=override, rotary=position) as rig:
        assert (rig.settings.phase_count, rig.settings.grid_limit_a) == (phases, ampere)
        rig.charge()
        assert rig.current_a == pytest.approx(ampere, abs=0.02)
        assert rig.value(topics.TOPIC_EVSE_GRID_CURRENT_LIMIT_ACTUAL) == str(ampere)


def test_a_rotary_switch_between_two_positions_means_the_lowest_limit(sim_world: SimClient) -> None:
    def between(world: SimClient) -> None:
        world.do("turn_rotary", position=0xB, between=True)

    with Rig(sim_world, prepare=between) as rig:
        rig.charge()
        assert rig.current_a == pytest.approx(6, abs=0.02)


@pytest.mark.spec(12, 296)
def test_the_status_led_blinks_as_the_guide_says(sim_world: SimClient) -> None:
    with Rig(sim_world, {"emergency_alarm": {"enable": True}}) as rig:
        assert _toggles(rig, 2_500) == []
        assert sim_world.gpio(STATUS_LED)
        rig.charge()
        for length in _lengths(_toggles(rig, 5_000)):
            assert length == pytest.approx(1_000, abs=25)
        sim_world.do("press_emergency")
        rig.run_ms(100)
        lengths = _lengths(_toggles(rig, 1_000))
        assert len(lengths) >= 7
        for length in lengths:
            assert length == pytest.approx(100, abs=25)


def _toggles(rig: Rig, milliseconds: int) -> list[int]:
    """When the status LED's pin changed."""
    found, end, before = [], rig.now + milliseconds, rig.world.gpio(STATUS_LED)
    while rig.now < end:
        rig.cycle()
        level = rig.world.gpio(STATUS_LED)
        if level != before:
            found.append(rig.now)
            before = level
    return found


def _lengths(times: list[int]) -> list[int]:
    assert len(times) > 2
    return [later - earlier for earlier, later in itertools.pairwise(times)]


PHASES: dict[str, Any] = {"switch3to1phase": {"enable": True, "switch_delay": 10}}


@pytest.mark.spec(55, 56)
def test_phases_switch_in_the_order_that_spares_the_contactors(sim_world: SimClient) -> None:
    with Rig(sim_world, PHASES, relay_2="phases") as rig:
        rig.charge()
        assert _relays(rig, 0) == [("contactor_2", True), ("contactor_1", True)]
        assert sim_world.gpio(RELAY_2)
        assert sim_world.gpio(RELAY_2_SENSE)
        assert sim_world.state()["safety"]["phases_in_use"] == 3
        assert rig.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == "3"

        changed = rig.now
        rig.send("port0/ci/evse/phase/target", "1")
        rig.until(lambda: rig.closed is False, 5_000, "the contactor opens")
        opened = rig.now
        rig.until_charging(15_000)
        assert _relays(rig, changed) == [
            ("contactor_1", False),
            ("contactor_2", False),
            ("contactor_1", True),
        ]
        assert rig.changes("contactor_1", opened)[-1][0] - opened >= 9_900
        assert sim_world.state()["safety"]["phases_in_use"] == 1
        assert rig.value(topics.TOPIC_EVSE_PHASE_ACTUAL) == "1"
        assert not sim_world.gpio(RELAY_2)
        assert rig.errors == []


def _relays(rig: Rig, since_ms: float) -> list[tuple[str, Any]]:
    return [
        (event["name"], event["value"])
        for event in rig.world.history()
        if event["name"] in ("contactor_1", "contactor_2") and event["at_ms"] >= since_ms
    ]


@pytest.mark.spec(37, 43)
def test_an_internal_ventilation_runs_before_power_and_after_the_request_no_more(
    sim_world: SimClient,
) -> None:
    port = {"ventilation": {"enable": True}}
    with Rig(sim_world, port, car={"ventilation": True}) as rig:
        assert rig.sent(topics.TOPIC_VENTILATION_AVAILABLE) == ["1"]
        rig.charge()
        assert rig.value(topics.TOPIC_CHARGE_CP_STATUS) == "D"
        assert _relays(rig, 0) == [("contactor_2", True), ("contactor_1", True)]
        assert sim_world.gpio(RELAY_2)
        assert sim_world.gpio(RELAY_2_SENSE)
        assert rig.value(topics.TOPIC_VENTILATION_STATE_TARGET) == "1"
        assert rig.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) == "1"
        sim_world.do("refuse_energy")
        rig.until(lambda: not sim_world.fact("contactor_2"), 3_000, "the ventilation stops")
        rig.run_ms(60)
        assert rig.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) == "0"
        assert rig.sent(topics.TOPIC_VENTILATION_AVAILABLE) == ["1"]


@pytest.mark.spec(43)
def test_without_a_ventilation_none_is_available_and_state_d_is_not_served(sim_world: SimClient) -> None:
    with Rig(sim_world, car={"ventilation": True}) as rig:
        assert rig.sent(topics.TOPIC_VENTILATION_AVAILABLE) == ["0"]
        rig.pass_guard()
        sim_world.do("plug")
        rig.run_ms(4_000)
        assert rig.changes("contactor_1") == []


@pytest.mark.spec(44)
def test_an_external_ventilation_is_the_customers(sim_world: SimClient) -> None:
    port = {"ventilation": {"enable": True, "control": "external"}}
    with Rig(sim_world, port, car={"ventilation": True}) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.run_ms(3_000)
        assert rig.changes("contactor_1") == [], "state D is not served before ventilation is available"
        rig.send("port0/ventilation/available", "1")
        rig.send("port0/ventilation/state/target", "1")
        rig.until_charging(5_000)
        assert sim_world.fact("contactor_2")
        assert rig.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) == "1"
        assert rig.sent(topics.TOPIC_VENTILATION_AVAILABLE) == []
        assert rig.sent(topics.TOPIC_VENTILATION_STATE_TARGET) == []


@pytest.mark.spec(37, 46)
def test_a_relay_2_that_is_no_ventilation_follows_the_customer(sim_world: SimClient) -> None:
    port = {"ventilation": {"enable": False, "control": "external"}}
    with Rig(sim_world, port, relay_2="free") as rig:
        for wanted in ("1", "0", "1"):
            rig.send("port0/ventilation/state/target", wanted)
            rig.run_ms(100)
            assert sim_world.gpio(RELAY_2) == (wanted == "1") == sim_world.fact("contactor_2")
            assert rig.value(topics.TOPIC_VENTILATION_STATE_ACTUAL) == wanted


@pytest.mark.spec(71)
def test_a_forced_wake_up_holds_the_pilot_at_zero_volt(sim_world: SimClient) -> None:
    with Rig(sim_world, {"force_wake_up": True}, car={"sleepy": True}) as rig:
        rig.charge()
        waves = rig.changes("pilot")
        (pulse,) = [index for index, (at, wave) in enumerate(waves) if wave == "off" and at > 6_000]
        assert waves[pulse + 1][0] - waves[pulse][0] == pytest.approx(4_000, abs=30)
        assert rig.errors == []


def test_without_a_wake_up_a_sleepy_car_sleeps_on(sim_world: SimClient) -> None:
    with Rig(sim_world, car={"sleepy": True}) as rig:
        rig.pass_guard()
        plugged = rig.now
        sim_world.do("plug")
        rig.run_ms(6_000)
        assert [wave for _, wave in rig.changes("pilot", plugged)] == ["PWM"]
        assert rig.changes("contactor_1") == []

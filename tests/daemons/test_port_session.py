"""A charging session from plug to unplug, seen from the pins, the car and the broker."""

from __future__ import annotations

import pytest

from chargectl.declarations import topics
from chargectl.sim.client import SimClient
from tests.daemons.rig import CONTACTOR, CONTACTOR_SENSE, Rig

RCD = {"rcd_monitor": {"enable": True}}


@pytest.mark.spec(36, 60, 61, 62, 63, 73, 85)
def test_a_session_from_plug_to_unplug(sim_world: SimClient) -> None:
    with Rig(sim_world, {"user_authentication": "free", **RCD}) as rig:
        rig.pass_guard()
        assert rig.value(topics.TOPIC_CHARGE_CP_STATUS) == "A"
        assert rig.value(topics.TOPIC_CHARGE_PWM_STATUS) == "100.00"
        assert rig.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == "-1"
        plugged = rig.now
        sim_world.do("plug", cable_a=13)
        rig.until(lambda: rig.current_a > 0, 15_000, "the car charges")

        order = [(name, value) for name, value in _steps(rig, plugged)]
        assert order[:-1] == [
            ("rcd_test", True),
            ("rcd_tripped", True),
            ("rcd_test", False),
            ("rcd_tripped", False),
            ("lock", "between"),
            ("lock", "locked"),
            ("pilot", "PWM"),
            ("contactor_1", True),
        ]
        assert order[-1] == ("current_a", pytest.approx(13, abs=0.02))
        assert rig.sent(topics.TOPIC_CHARGE_CP_STATUS, plugged) == ["B", "C"]
        assert rig.sent(topics.TOPIC_CHARGE_PWM_STATUS, plugged) == ["21.66"]
        assert rig.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == "13"
        assert rig.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == "13.0"
        assert rig.value(topics.TOPIC_CHARGE_CONTACTOR_STATUS) == "closed"
        assert rig.value(topics.TOPIC_CHARGING) == "1"
        assert rig.value(topics.TOPIC_RCD_STATE_ACTUAL) == "1"
        assert sim_world.gpio(CONTACTOR)
        assert sim_world.gpio(CONTACTOR_SENSE)
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_TARGET) == "1"
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) == "1"

        rig.send("ci/global/dyn_current_limit/solar", "6.4")
        rig.until(lambda: rig.current_a < 7, 1_000, "the car follows the limit")
        assert sim_world.fact("duty") == pytest.approx(10.66)
        assert rig.value(topics.TOPIC_EVSE_BASIC_OFFERED_CURRENT_LIMIT) == "6.4"
        assert rig.value(topics.TOPIC_CHARGE_PWM_STATUS) == "10.66"

        sim_world.do("refuse_energy")
        rig.until(lambda: not rig.closed, 3_000, "the contactor opens")
        rig.run_ms(100)
        assert rig.value(topics.TOPIC_CHARGE_CP_STATUS) == "B"
        assert rig.value(topics.TOPIC_CONTACTOR_STATE_ACTUAL) == "0"
        assert not sim_world.gpio(CONTACTOR)
        assert not sim_world.gpio(CONTACTOR_SENSE)
        sim_world.do("unplug", force=True)
        rig.until(lambda: rig.value(topics.TOPIC_CHARGE_CP_STATUS) == "A", 200, "state A")
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 3_000, "the lock opens")
        rig.run_ms(500)
        assert rig.value(topics.TOPIC_CHARGE_PLUG_STATUS) == "unlocked"
        assert rig.value(topics.TOPIC_CABLE_CURRENT_LIMIT) == "-1"
        assert sim_world.fact("duty") == 100
        assert rig.errors == []


def _steps(rig: Rig, since_ms: int) -> list[tuple[str, object]]:
    told = ("rcd_test", "rcd_tripped", "lock", "contactor_1", "current_a", "pilot")
    return [
        (event["name"], event["value"])
        for event in rig.world.history()
        if event["at_ms"] >= since_ms and event["name"] in told
    ]


@pytest.mark.spec(36)
def test_a_withdrawn_authorization_ends_the_session_and_frees_the_plug(sim_world: SimClient) -> None:
    with Rig(sim_world, {"user_authentication": "mqtt"}) as rig:
        rig.pass_guard()
        sim_world.do("plug")
        rig.run_ms(3_000)
        assert not rig.changes("contactor_1")
        assert sim_world.fact("duty") == 100
        rig.send("port0/session/authorization_status", "1")
        rig.until(lambda: rig.current_a > 0, 5_000, "the car charges")
        withdrawn = rig.now
        rig.send("port0/session/authorization_status", "0")
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 5_000, "the plug is free")
        # The car has its time to stop before the contactor opens, so it opens without current.
        currents = rig.changes("current_a", withdrawn)
        (opened,) = rig.changes("contactor_1", withdrawn)
        assert opened[1] is False
        assert opened[0] > 1_000 + withdrawn
        assert [current for _, current in currents] == [0]
        assert rig.changes("lock", withdrawn)[0][0] > opened[0]
        sim_world.do("unplug")
        rig.run_ms(500)
        assert rig.errors == []


def test_an_authorization_of_one_session_does_not_start_the_next(sim_world: SimClient) -> None:
    with Rig(sim_world, {"user_authentication": "mqtt"}) as rig:
        rig.send("port0/session/authorization_status", "1")
        rig.charge()
        sim_world.do("refuse_energy")
        rig.until(lambda: not rig.closed, 3_000)
        sim_world.do("unplug", force=True)
        rig.until(lambda: sim_world.fact("lock") == "unlocked", 3_000)
        sim_world.do("want_energy")
        rig.pass_guard()
        sim_world.do("plug")
        again = rig.now
        rig.run_ms(3_000)
        assert rig.changes("contactor_1", again) == []
        assert sim_world.fact("duty") == 100

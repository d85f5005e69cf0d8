"""``v2g evse`` and ``v2g pev`` over SLAC: each side sees the other close before the modems part."""

from __future__ import annotations

from pathlib import Path

from tests.v2g.netns import modem_wire, needs_netns
from tests.v2g.peers.outside import ours

pytestmark = needs_netns


def test_the_cars_close_reaches_the_charger_before_the_car_leaves_the_network(tmp_path: Path):
    with (
        modem_wire() as wire,
        ours(wire.evse, tmp_path, "evse", "--protocols", "din", "--once") as charger,
    ):
        charger.wait_for("the modem has the key")
        with ours(wire.ev, tmp_path, "pev", "--protocols", "din", "--set", "loop_s=0.2") as car:
            assert car.wait_end(60) == 0, car.log
        assert charger.wait_end(20) == 0, charger.log
    assert charger.has("SessionStopRes  OK", "(D-LINK_TERMINATE)"), charger.log
    assert charger.has("SessionStopRes  OK", "connection ended"), charger.log
    assert "the link was lost" not in charger.log


def test_a_refused_car_closes_before_it_leaves_the_network(tmp_path: Path):
    with (
        modem_wire() as wire,
        ours(
            wire.evse,
            tmp_path,
            "evse",
            "--protocols",
            "din",
            "--once",
            "--fault",
            "code@CableCheckRes=FAILED",
        ) as charger,
    ):
        charger.wait_for("the modem has the key")
        with ours(wire.ev, tmp_path, "pev", "--protocols", "din") as car:
            assert car.wait_end(60) == 1, car.log
        charger.wait_end(20)
    assert charger.has("CableCheckRes", "connection ended"), charger.log
    assert "the link was lost" not in charger.log

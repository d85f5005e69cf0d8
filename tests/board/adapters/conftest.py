"""A port on the simulated board, with everything connected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chargectl.board.port_board import PortBoard, PortWiring
from chargectl.board.profile import profile_for
from chargectl.sim.client import SimClient
from tests.simboard import SimClock

PROFILE = profile_for("charge-control-c", 200)
WIRING = PortWiring(
    emergency_gpio=121,
    rcd_gpio=122,
    rcd_test_gpio=87,
    key_switch_gpio=124,
    status_led_gpios=(84,),
    use_relay2=True,
)


@pytest.fixture
def wiring() -> PortWiring:
    return WIRING


@pytest.fixture
def board(sim_world: SimClient, sim_clock: SimClock, wiring: PortWiring) -> Iterator[PortBoard]:
    board = PortBoard(PROFILE, wiring, sim_clock.sleep)
    assert board.open() == ()
    yield board
    board.close()

"""The yellow LED is the one of the board that the unit names."""

from __future__ import annotations

import logging

import pytest

from chargectl.cli.usb import _yellow
from chargectl.system.stick_session import Light
from tests.simboard import in_sys

YELLOW = "class/leds/yellow:programming"


@pytest.mark.spec(294)
@pytest.mark.usefixtures("sim_world")
@pytest.mark.parametrize("variant", [200, 300])
def test_the_led_of_the_board(variant: int) -> None:
    light = _yellow("charge-control-c", variant, logging.getLogger())
    light(Light.FOUND)
    assert in_sys(f"{YELLOW}/brightness") != "0"
    light(Light.OFF)
    assert in_sys(f"{YELLOW}/brightness") == "0"


@pytest.mark.usefixtures("sim_world")
def test_a_board_that_nobody_knows_costs_the_light_only(caplog: pytest.LogCaptureFixture) -> None:
    before = in_sys(f"{YELLOW}/trigger")
    light = _yellow("toaster", 200, logging.getLogger())
    light(Light.FOUND)
    light(Light.OFF)
    [said] = caplog.messages
    assert said.startswith("board 'toaster', variant 200: not known; known are charge-control-c")
    assert in_sys(f"{YELLOW}/trigger") == before

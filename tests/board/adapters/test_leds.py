"""The three LEDs on the board."""

from __future__ import annotations

from typing import Any

import pytest

from chargectl.board.errors import BoardError
from chargectl.board.leds import BoardLeds, GreenLed, RedLed, YellowLed
from chargectl.board.profile import profile_for
from chargectl.sim.client import SimClient

LEDS = BoardLeds(profile_for("charge-control-c", 300).leds)


def led(sim_world: SimClient, name: str) -> dict[str, Any]:
    state: dict[str, Any] = sim_world.state()["leds"][name]
    return state


@pytest.mark.spec(293)
def test_green_blinks_while_booting_and_is_steady_when_operational(sim_world: SimClient) -> None:
    LEDS.green(GreenLed.BOOTING)
    state = led(sim_world, "green:boot")
    assert (state["trigger"], state["delay_on_ms"], state["delay_off_ms"]) == ("timer", 500, 500)
    LEDS.green(GreenLed.OPERATIONAL)
    state = led(sim_world, "green:boot")
    assert (state["trigger"], state["brightness"]) == ("none", 255)


@pytest.mark.spec(294)
def test_yellow_shows_search_update_and_the_end(sim_world: SimClient) -> None:
    LEDS.yellow(YellowLed.SEARCHING)
    state = led(sim_world, "yellow:programming")
    assert (state["trigger"], state["brightness"]) == ("none", 255)
    LEDS.yellow(YellowLed.UPDATING)
    state = led(sim_world, "yellow:programming")
    assert (state["trigger"], state["delay_on_ms"], state["delay_off_ms"]) == ("timer", 250, 250)
    LEDS.yellow(YellowLed.OFF)
    state = led(sim_world, "yellow:programming")
    assert (state["trigger"], state["brightness"]) == ("none", 0)


@pytest.mark.spec(295)
def test_red_is_the_heartbeat(sim_world: SimClient) -> None:
    LEDS.red(RedLed.RUNNING)
    assert led(sim_world, "red:heartbeat")["trigger"] == "heartbeat"


@pytest.mark.spec(319)
def test_red_blinks_evenly_while_booting_and_is_the_heartbeat_afterwards(sim_world: SimClient) -> None:
    LEDS.red(RedLed.BOOTING)
    state = led(sim_world, "red:heartbeat")
    assert (state["trigger"], state["delay_on_ms"], state["delay_off_ms"]) == ("timer", 500, 500)
    LEDS.red(RedLed.RUNNING)
    assert led(sim_world, "red:heartbeat")["trigger"] == "heartbeat"


@pytest.mark.spec(293, 294, 295)
def test_names_of_older_device_trees(sim_world: SimClient) -> None:
    sim_world.reset(old_led_names=True)
    LEDS.green(GreenLed.BOOTING)
    LEDS.yellow(YellowLed.UPDATING)
    LEDS.red(RedLed.RUNNING)
    names = ("evse:green:led1", "evse:yellow:led2", "evse:red:led3")
    assert [led(sim_world, name)["trigger"] for name in names] == ["timer", "timer", "heartbeat"]


def test_a_missing_led_is_an_error_with_its_name(sim_world: SimClient) -> None:
    sim_world.fault("vanish /sys/class/leds/green:boot")
    with pytest.raises(BoardError) as caught:
        LEDS.green(GreenLed.OPERATIONAL)
    assert str(caught.value) == (
        "green_led: /sys/class/leds/green:boot: no such file or directory: "
        "is the LED driver loaded, and is this the right board profile?"
    )


def test_an_led_that_refuses_is_an_error(sim_world: SimClient) -> None:
    sim_world.fault("/sys/class/leds/green:boot/brightness:EIO")
    with pytest.raises(BoardError, match=r"green_led: /sys/class/leds/green:boot.*hardware"):
        LEDS.green(GreenLed.OPERATIONAL)
    sim_world.fault("led/yellow:programming:EACCES")
    with pytest.raises(BoardError, match=r"yellow_led: .*udev rule"):
        LEDS.yellow(YellowLed.OFF)

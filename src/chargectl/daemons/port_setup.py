"""From the configuration files to the port's settings, the board's wiring and the status LEDs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container

from chargectl.board.errors import BoardError
from chargectl.board.port_board import PortWiring
from chargectl.board.profile import BoardProfile
from chargectl.board.rotary import GridLimit, grid_limit, read_position
from chargectl.config.configuration import Configuration
from chargectl.hmi.status_led import Behaviour, StatusLed
from chargectl.port.settings import AuthenticationMode, PortSettings

log = logging.getLogger(__name__)

KEY_SWITCH_INPUT = 3
"""DIG_IN_3 carries the authorization key switch (guide Table 26)."""


def read_grid_limit(
    profile: BoardProfile, rotary: Configuration, sleep: Callable[[float], None]
) -> GridLimit:
    """Read the rotary switch and what rotaryencd.json makes of its position; the least limit when
    unreadable.
    """
    try:
        position = read_position(profile, sleep)
    except BoardError as error:
        log.error("%s; the lowest limit of the switch applies", error)
        position = None
    override = [
        (
            rotary.integer(f"rotary_switch_1[{index}]/phase_count"),
            rotary.integer(f"rotary_switch_1[{index}]/current_limit"),
        )
        for index in range(rotary.length("rotary_switch_1"))
    ]
    return grid_limit(position, override)


def settings_of(profile: BoardProfile, customer: Configuration, grid: GridLimit) -> PortSettings:
    """Return the port's settings; log where a wanted feature lacks its preconditions."""
    settings = PortSettings.read(
        customer,
        phase_count=grid.phase_count,
        grid_limit_a=grid.current_limit_a,
        two_relays=len(profile.relays) > 1,
    )
    if settings.phases.enable and not settings.phase_switching:
        log.warning(
            "phase switching is ignored: it needs two relays, the rotary switch on three phases, "
            'charging_type "basic" and ventilation disabled'
        )
    return settings


def rcd_test_gpio(customer: Configuration, settings: PortSettings) -> int | None:
    """Return the output that triggers the RCD's test, None without one."""
    tested = settings.rcd.enable and settings.rcd.test
    return customer.integer("ports[0]/rcd_monitor/test_gpio") if tested else None


def wiring_of(
    profile: BoardProfile,
    customer: Configuration,
    settings: PortSettings,
    led_gpios: tuple[int, ...],
) -> PortWiring:
    """Return which pins the port uses."""
    threshold = customer.integer("io/digital_input_threshold_voltage")
    key_switch = settings.authentication is AuthenticationMode.KEY_SWITCH
    monitored = settings.rcd.enable
    return PortWiring(
        emergency_gpio=customer.integer("ports[0]/emergency_alarm/gpio")
        if settings.emergency_enable
        else None,
        emergency_active_low=customer.string("ports[0]/emergency_alarm/polarity") == "active_low",
        rcd_gpio=customer.integer("ports[0]/rcd_monitor/gpio") if monitored else None,
        # "active_low" is the level of a healthy RCD: 0 V (guide Table 47).
        rcd_healthy_high=customer.string("ports[0]/rcd_monitor/polarity") == "active_high",
        rcd_test_gpio=rcd_test_gpio(customer, settings),
        rcd_test_active_high=customer.string("ports[0]/rcd_monitor/test_gpio_polarity") == "active_high",
        key_switch_gpio=profile.inputs[KEY_SWITCH_INPUT - 1].number if key_switch else None,
        threshold_mv=threshold,
        status_led_gpios=led_gpios,
        use_relay2=settings.phases.two_relays,
        pluggable=settings.pluggable,
    )


def status_leds(leds: Configuration, taken: Container[int | None]) -> list[StatusLed]:
    """Return the status LEDs of leds.json; what cannot be shown is left out and logged.

    ``taken`` are outputs that serve the port: an LED on the RCD's test output would trip it in a session.
    """
    found = []
    for index in range(leds.length("leds")):
        path = f"leds[{index}]"
        behaviours = []
        for number in range(leds.length(f"{path}/behaviors")):
            place = f"{path}/behaviors[{number}]"
            try:
                behaviour = Behaviour(
                    condition=leds.string(f"{place}/condition"),
                    mode=leds.string(f"{place}/mode"),
                    color=leds.string(f"{place}/color"),
                    duration=leds.integer(f"{place}/duration"),
                )
            except ValueError as error:
                log.warning("leds.json: %s left out: %s", place, error)
            else:
                behaviours.append(behaviour)
        gpios = leds.integers(f"{path}/gpios")[:3]
        if gpios and not any(gpio in taken for gpio in gpios):
            found.append(StatusLed(gpios, tuple(behaviours)))
        else:
            log.error(
                "leds.json: %s left out: gpios needs one to three outputs that the port does not use", path
            )
    return found

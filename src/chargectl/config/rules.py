"""Rules that tie several keys of customer.json together. One function each; all findings are warnings.

A rule whose keys are not declared finds nothing, so that the checks work with any set of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chargectl.config.configuration import Configuration
from chargectl.config.network import PATHS, bridge_settings
from chargectl.declarations.types import JsonValue

PORT = "ports[0]/"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule objects to: ``path`` is the key to look at, ``instead`` the values that apply instead."""

    path: str
    message: str
    instead: dict[str, JsonValue] = field(default_factory=dict)


Rule = Callable[[Configuration], Iterator[Finding]]


def _declares(values: Configuration, *paths: str) -> bool:
    return all(values.declares(path) for path in paths)


def rcd_test_timing(values: Configuration) -> Iterator[Finding]:
    """The tripped check must come before the final check (guide, table 71).

    t_check_tripped < t_trigger + t_check_normal; otherwise the three defaults apply.
    """
    trigger, tripped, normal = (
        f"{PORT}rcd_monitor/test_{name}_time" for name in ("trigger", "check_tripped", "check_normal")
    )
    if not _declares(values, trigger, tripped, normal):
        return
    if values.integer(tripped) >= values.integer(trigger) + values.integer(normal):
        instead = {path: values.key(path).default for path in (trigger, tripped, normal)}
        shown = ", ".join(str(value) for value in instead.values())
        yield Finding(
            tripped,
            f"{values[tripped]} ms is not before test_trigger_time + test_check_normal_time "
            f"({values[trigger]} + {values[normal]} ms); the defaults {shown} ms apply to the three",
            instead,
        )


def phase_switching_excludes_ventilation(values: Configuration) -> Iterator[Finding]:
    """Relay 2 switches either phases or the fan (guide, table 82); phase switching wins."""
    switching, ventilation = f"{PORT}switch3to1phase/enable", f"{PORT}ventilation/enable"
    if not _declares(values, switching, ventilation):
        return
    if values.boolean(switching) and values.boolean(ventilation):
        message = f"relay 2 is used by {switching}; the ventilation is disabled"
        yield Finding(ventilation, message, {ventilation: False})


def silent_limits_need_a_failsafe(values: Configuration) -> Iterator[Finding]:
    """A dynamic limit that grows too old falls to the failsafe limit, so there should be one."""
    age, failsafe = f"{PORT}dynamic_limit_maximum_age", f"{PORT}failsafe_current_limit"
    if _declares(values, age, failsafe) and values.integer(age) > 0 and values.integer(failsafe) < 0:
        yield Finding(age, f"a limit that grows too old falls to 0 A: {failsafe} is off")


def ocpp_needs(values: Configuration) -> Iterator[Finding]:
    """The OCPP client needs an address and a meter; OCPP authentication needs the client."""
    enable, uri, meter = "ocpp/enable", "ocpp/uri", f"{PORT}meter/enable"
    authentication = f"{PORT}user_authentication"
    if not _declares(values, enable, uri, meter, authentication):
        return
    address = values.optional_string(uri)
    if values.boolean(enable):
        if not address:
            yield Finding(enable, f"the OCPP client cannot connect: {uri} is not set")
        if not values.boolean(meter):
            yield Finding(enable, f"OCPP needs a meter, but {meter} is false")
    elif values.string(authentication) == "ocpp":
        yield Finding(authentication, f"nobody can be authorised: {enable} is false")
    if address and not address.startswith(("ws://", "wss://")):
        yield Finding(uri, "the address must begin with ws:// or wss:// in lower case")


def static_address(values: Configuration) -> Iterator[Finding]:
    """Without DHCP the interface needs an address."""
    dhcp, address = "network/ipv4/dhcp", "network/ipv4/address"
    if _declares(values, dhcp, address) and not values.boolean(dhcp) and not values[address]:
        yield Finding(dhcp, f"DHCP is off and {address} is not set; only the fallback address remains")


def network_addresses(values: Configuration) -> Iterator[Finding]:
    """What is no address is left out of the network's configuration (guide, table 51)."""
    if _declares(values, *PATHS):
        for path, message in bridge_settings(values).problems:
            yield Finding(path, message)


def one_function_per_gpio(values: Configuration) -> Iterator[Finding]:
    """A GPIO line can serve one enabled function only."""
    users: dict[int, str] = {}
    for enable, gpio in (
        (f"{PORT}emergency_alarm/enable", f"{PORT}emergency_alarm/gpio"),
        (f"{PORT}rcd_monitor/enable", f"{PORT}rcd_monitor/gpio"),
        (f"{PORT}rcd_monitor/enable", f"{PORT}rcd_monitor/test_gpio"),
    ):
        if not _declares(values, enable, gpio) or not values.boolean(enable):
            continue
        line = values.integer(gpio)
        if line >= 0 and line in users:
            yield Finding(gpio, f"GPIO {line} is already used by {users[line]}")
        users.setdefault(line, gpio)


def one_setting_per_bus(values: Configuration) -> Iterator[Finding]:
    """Devices on the same UART must agree on baud rate and parity."""
    seen: dict[str, tuple[str, JsonValue, JsonValue]] = {}
    for device in ("meter", "recloser", "rfid"):
        base = f"{PORT}{device}/"
        paths = [f"{base}{name}" for name in ("enable", "port", "baudrate", "parity")]
        if not _declares(values, *paths) or not values.boolean(paths[0]):
            continue
        port, baudrate, parity = (values[path] for path in paths[1:])
        other = seen.setdefault(str(port), (device, baudrate, parity))
        if other[1:] != (baudrate, parity):
            yield Finding(
                paths[2],
                f"{device} uses {baudrate} Bd, parity {parity} on {port}, "
                f"but {other[0]} there uses {other[1]} Bd, parity {other[2]}",
            )


RULES: tuple[Rule, ...] = (
    rcd_test_timing,
    phase_switching_excludes_ventilation,
    silent_limits_need_a_failsafe,
    ocpp_needs,
    static_address,
    network_addresses,
    one_function_per_gpio,
    one_setting_per_bus,
)

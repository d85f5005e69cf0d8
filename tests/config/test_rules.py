"""Rules that tie keys of customer.json together."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.load import shape_of
from chargectl.config.problem import Severity
from chargectl.config.validate import Checked
from chargectl.declarations.types import ConfigFile, JsonValue
from tests.config.conftest import check

RCD = "ports[0]/rcd_monitor/"
SHAPE = shape_of(ConfigFile.CUSTOMER)


def checked(**parts: JsonValue) -> Checked:
    """A customer.json with ``port`` as its port and the other parts beside it."""
    port = parts.pop("port", {})
    return check(json.dumps({"ports": [port], **parts}), SHAPE)


def timing(found: Checked) -> tuple[int, int, int]:
    names = ("test_trigger_time", "test_check_tripped_time", "test_check_normal_time")
    trigger, tripped, normal = (found.configuration.integer(RCD + name) for name in names)
    return trigger, tripped, normal


def rcd(trigger: int, tripped: int, normal: int) -> Checked:
    return checked(
        port={
            "rcd_monitor": {
                "test_trigger_time": trigger,
                "test_check_tripped_time": tripped,
                "test_check_normal_time": normal,
            }
        }
    )


@pytest.mark.spec(96)
@pytest.mark.parametrize("times", [(815, 810, 410), (50, 750, 2000), (400, 809, 410), (1, 1, 1)])
def test_rcd_timings_that_fit(times: tuple[int, int, int]) -> None:
    found = rcd(*times)
    assert found.problems == []
    assert timing(found) == times


@pytest.mark.spec(96)
@pytest.mark.parametrize("times", [(400, 810, 410), (1, 5000, 1), (50, 2050, 2000)])
def test_rcd_timings_that_do_not_fit(times: tuple[int, int, int]) -> None:
    found = rcd(*times)
    assert timing(found) == (815, 810, 410)
    (problem,) = found.problems
    assert problem.severity is Severity.WARNING
    assert problem.path == RCD + "test_check_tripped_time"
    assert problem.column > 1


@pytest.mark.spec(96)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000))
def test_rcd_timings_in_force_always_fit(trigger: int, tripped: int, normal: int) -> None:
    found = timing(rcd(trigger, tripped, normal))
    assert found[1] < found[0] + found[2]
    assert found in ((trigger, tripped, normal), (815, 810, 410))


@pytest.mark.spec(50)
@pytest.mark.parametrize(("switching", "ventilation"), [(True, True), (True, False), (False, True)])
def test_phase_switching_excludes_ventilation(switching: bool, ventilation: bool) -> None:
    found = checked(port={"switch3to1phase": {"enable": switching}, "ventilation": {"enable": ventilation}})
    both = switching and ventilation
    assert found.configuration.boolean("ports[0]/ventilation/enable") is (ventilation and not switching)
    assert found.configuration.boolean("ports[0]/switch3to1phase/enable") is switching
    assert [problem.path for problem in found.problems] == ["ports[0]/ventilation/enable"] * both


GOOD_OCPP: dict[str, JsonValue] = {"enable": True, "uri": "wss://example.com/1"}
METER: JsonValue = {"enable": True}


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({"port": {"dynamic_limit_maximum_age": 60}}, ["ports[0]/dynamic_limit_maximum_age"]),
        ({"port": {"dynamic_limit_maximum_age": 60, "failsafe_current_limit": 6}}, []),
        ({"port": {"failsafe_current_limit": 6}}, []),
        ({"ocpp": GOOD_OCPP, "port": {"meter": METER}}, []),
        ({"ocpp": GOOD_OCPP}, ["ocpp/enable"]),
        ({"ocpp": {"enable": True}, "port": {"meter": METER}}, ["ocpp/enable"]),
        ({"ocpp": {"uri": "WS://x"}}, ["ocpp/uri"]),
        ({"ocpp": {"uri": "https://x"}}, ["ocpp/uri"]),
        ({"port": {"user_authentication": "ocpp"}}, ["ports[0]/user_authentication"]),
        ({"ocpp": GOOD_OCPP, "port": {"user_authentication": "ocpp", "meter": METER}}, []),
        ({"network": {"ipv4": {"dhcp": False}}}, ["network/ipv4/dhcp"]),
        ({"network": {"ipv4": {"dhcp": False, "address": "10.0.0.2/24"}}}, []),
        (
            {"port": {"emergency_alarm": {"enable": True}, "rcd_monitor": {"enable": True, "gpio": 121}}},
            ["ports[0]/rcd_monitor/gpio"],
        ),
        ({"port": {"emergency_alarm": {"enable": True}, "rcd_monitor": {"gpio": 121}}}, []),
        (
            {"port": {"meter": {"enable": True, "baudrate": 19200}, "recloser": {"enable": True}}},
            ["ports[0]/recloser/baudrate"],
        ),
        (
            {
                "port": {
                    "meter": {"enable": True, "baudrate": 19200},
                    "recloser": {"enable": True, "port": "/dev/ttymxc4"},
                }
            },
            [],
        ),
    ],
)
def test_combinations(parts: dict[str, JsonValue], paths: list[str]) -> None:
    found = checked(**parts)
    assert [problem.path for problem in found.problems] == paths
    assert all(problem.severity is Severity.WARNING for problem in found.problems)

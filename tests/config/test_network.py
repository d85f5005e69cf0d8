"""The network section of customer.json: what is used, what is left out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargectl.config.load import shape_of
from chargectl.config.network import BridgeSettings, bridge_settings
from chargectl.declarations.types import ConfigFile, JsonValue
from tests.config.conftest import check

SHAPE = shape_of(ConfigFile.CUSTOMER)


def settings(**network: JsonValue) -> BridgeSettings:
    return bridge_settings(check(json.dumps({"network": network}), SHAPE).configuration)


def test_nothing_said_means_dhcp() -> None:
    assert settings() == BridgeSettings(managed=True, dhcp=True)


@pytest.mark.spec(281)
def test_a_static_configuration() -> None:
    found = settings(
        ipv4={
            "dhcp": False,
            "address": "192.168.178.2/24",
            "gateway": "192.168.178.254",
            "dns": ["1.1.1.1", "9.9.9.9"],
        },
        ntp=["pool.example.org", "10.0.0.1"],
    )
    assert found == BridgeSettings(
        managed=True,
        dhcp=False,
        addresses=("192.168.178.2/24",),
        gateways=("192.168.178.254",),
        dns=("1.1.1.1", "9.9.9.9"),
        ntp=("pool.example.org", "10.0.0.1"),
    )


@pytest.mark.spec(282)
@pytest.mark.parametrize(("value", "managed"), [(True, False), (False, True), ("true", True), (1, True)])
def test_only_the_json_value_true_leaves_the_network_alone(value: JsonValue, managed: bool) -> None:
    assert settings(skip_configuration=value).managed is managed


@pytest.mark.spec(281)
@pytest.mark.parametrize("value", ["false", 0, None])
def test_dhcp_of_another_kind_counts_as_true(value: JsonValue) -> None:
    assert settings(ipv4={"dhcp": value}).dhcp


@pytest.mark.parametrize(
    "address",
    [
        "192.168.178.2",
        "192.168.178.2/255.255.255.0",
        "192.168.178.0/24",
        "192.168.178.255/24",
        "192.168.178.2/0",
        "224.0.0.1/4",
        "0.0.0.0/8",
        "192.168.178.2/33",
        "192.168.178.2/+24",
        "fe80::1/64",
        "host/24",
        "192.168.178.2/24\nGateway=6.6.6.6",
    ],
)
def test_what_is_no_host_address_is_left_out_and_reported(address: str) -> None:
    found = settings(ipv4={"dhcp": False, "address": address, "dns": "9.9.9.9"})
    assert found.addresses == ()
    assert found.dns == ("9.9.9.9",)
    ((path, message),) = found.problems
    assert path == "network/ipv4/address"
    assert "192.168.178.2/24" in message


def test_point_to_point_addresses_are_host_addresses() -> None:
    assert settings(ipv4={"address": "10.0.0.0/31"}).addresses == ("10.0.0.0/31",)


def test_one_bad_server_does_not_cost_the_others() -> None:
    found = settings(ntp=["time.example.org", "two words", "", "-x", "a" * 254])
    assert found.ntp == ("time.example.org",)
    assert [path for path, _ in found.problems] == ["network/ntp"] * 4


def test_the_check_reports_them_with_their_place() -> None:
    (problem,) = check('{"network": {"ipv4": {\n  "dns": "nine"}}}', SHAPE).problems
    assert (problem.line, problem.path) == (2, "network/ipv4/dns")


@given(st.text(), st.lists(st.text()), st.lists(st.text()))
def test_no_value_brings_a_line_of_its_own(
    address: str, servers: list[JsonValue], gateways: list[JsonValue]
) -> None:
    found = settings(ipv4={"address": address, "gateway": gateways, "dns": servers}, ntp=servers)
    for value in (*found.addresses, *found.gateways, *found.dns, *found.ntp):
        assert value.isascii()
        assert not set(value) & set(" \n\r#;=[]%")

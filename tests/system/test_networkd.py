"""br0's drop-in for systemd-networkd."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from chargectl.cli.main import main
from chargectl.config.network import BridgeSettings
from chargectl.system.networkd import DROP_IN, apply, text_of

STATIC = BridgeSettings(
    managed=True,
    dhcp=False,
    addresses=("192.168.178.2/24",),
    gateways=("192.168.178.254", "192.168.178.1"),
    dns=("9.9.9.9",),
    ntp=("time.example.org",),
)
FACTORY = BridgeSettings(managed=True, dhcp=True)
ROOT = Path(__file__).parents[2]


def test_the_drop_in_belongs_to_the_factory_file() -> None:
    factory = ROOT / "overlays/common/usr/lib/systemd/network" / DROP_IN.parent.name.removesuffix(".d")
    text = factory.read_text(encoding="utf-8")
    assert "Name=br0" in text


@pytest.mark.spec(281)
def test_static_settings() -> None:
    lines = text_of(STATIC).splitlines()
    assert lines[1:] == [
        "[Network]",
        "DHCP=no",
        "Address=192.168.178.2/24",
        "Gateway=192.168.178.254",
        "Gateway=192.168.178.1",
        "DNS=9.9.9.9",
        "NTP=time.example.org",
    ]


@pytest.mark.spec(281)
def test_with_dhcp_only_the_servers_are_added() -> None:
    parsed = configparser.ConfigParser()
    parsed.read_string(
        text_of(BridgeSettings(managed=True, dhcp=True, addresses=("10.0.0.2/8",), ntp=("a",)))
    )
    assert dict(parsed["Network"]) == {"ntp": "a"}


@pytest.mark.spec(282)
def test_an_owner_who_manages_the_network_gets_no_file(tmp_path: Path) -> None:
    assert apply(STATIC, tmp_path)
    assert apply(BridgeSettings(managed=False, dhcp=False, addresses=("10.0.0.2/8",)), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_applying_twice_changes_nothing(tmp_path: Path) -> None:
    assert apply(STATIC, tmp_path)
    before = (tmp_path / DROP_IN).stat()
    assert not apply(STATIC, tmp_path)
    assert (tmp_path / DROP_IN).stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_mode & 0o777 == 0o644


def test_factory_settings_need_no_file(tmp_path: Path) -> None:
    assert not apply(FACTORY, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "customer.json").write_text('{"network": {"ipv4": {"dhcp": false, "address": "10.0.0.2"}}}')
    words = ["network", "--config-dir", str(tmp_path), "--backup-dir", str(tmp_path)]
    assert main([*words, "apply", "--network-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("customer.json: network/ipv4/address: '10.0.0.2' is no address of a host; allowed:")
    assert (tmp_path / DROP_IN).read_text().splitlines()[1:] == ["[Network]", "DHCP=no"]
    assert main([*words, "show"]) == 0
    assert capsys.readouterr().out == (tmp_path / DROP_IN).read_text()


def test_a_folder_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "customer.json").write_text('{"network": {"ntp": "time.example.org"}}')
    (tmp_path / "file").touch()
    words = ["network", "--config-dir", str(tmp_path), "--backup-dir", str(tmp_path)]
    assert main([*words, "apply", "--network-dir", str(tmp_path / "file")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Not a directory" in line

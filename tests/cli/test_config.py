"""`chargectl config` with and without configd."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.cli.main import main
from chargectl.config.load import shipped_content
from chargectl.config.owner import Owner
from chargectl.daemons.configd import Configd
from chargectl.declarations.types import ConfigFile
from chargectl.system.notify import Notifier

LIMIT = "ports[0]/evse_current_limit"
PASSWORD = "uplink/apn_password"


class Device:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self.backups, self.socket = root / "etc", root / "backups", root / "configd.sock"
        self.directory.mkdir()
        for file in ConfigFile:
            (self.directory / file.value).write_text(shipped_content(file))
        self.path = self.directory / "customer.json"
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        options = ["--config-dir", str(self.directory), "--backup-dir", str(self.backups)]
        code = main(["config", *options, "--socket", str(self.socket), *words])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Device:
    return Device(tmp_path, capsys)


@pytest.fixture
def configd(device: Device) -> Iterator[Configd]:
    owner = Owner(device.directory, device.backups)
    daemon = Configd(owner, device.socket, lambda _paths: True, Notifier({}))
    thread = threading.Thread(target=daemon.run)
    thread.start()
    yield daemon
    daemon.stop()
    thread.join(5)


def test_set_through_configd(device: Device, configd: Configd) -> None:
    assert device.run("set", LIMIT, "16") == (0, "", "")
    assert device.run("get", LIMIT) == (0, "16\n", "")
    expected = shipped_content(ConfigFile.CUSTOMER).replace(
        '"evse_current_limit": 6', '"evse_current_limit": 16'
    )
    assert device.path.read_text() == expected
    code, out, err = device.run("set", LIMIT, "16000")
    assert (code, out) == (1, "")
    assert err == f"refused: {LIMIT}: 16000 is out of range; allowed: Integer (-1, 0 - 1000)\n"
    assert device.path.read_text() == expected
    assert device.run("unset", LIMIT)[0] == 0
    assert device.run("get", LIMIT) == (0, "6\n", "")


def test_set_without_configd_says_so(device: Device) -> None:
    code, out, err = device.run("set", LIMIT, "16")
    assert (code, out) == (0, "")
    assert err == f"configd is not running; {device.path} is edited directly\n"
    assert device.run("get", LIMIT) == (0, "16\n", "")
    assert (device.backups / "customer.json").read_text() == device.path.read_text()
    assert device.run("set", LIMIT, "yes")[0] == 1


def test_doubtful_combinations_are_told(device: Device, configd: Configd) -> None:
    code, _, err = device.run("set", "network/ipv4/dhcp", "false")
    assert code == 0
    assert "network/ipv4/address is not set" in err


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("ports[0]/pluggable", "false", False),
        ("ocpp/uri", "wss://example.com/1", "wss://example.com/1"),
        ("ocpp/chargePointModel", "12345", "12345"),
        ("ocpp/chargePointModel", "true", "true"),
        ("ocpp/chargePointModel", '"quoted"', "quoted"),
        ("uplink/apn_username", "null", None),
        ("network/ntp", "pool.ntp.org", "pool.ntp.org"),
        ("network/ntp", '["a", "b"]', ["a", "b"]),
        ("ocpp/StopTxnSampledData", '["Energy.Active.Import.Register"]', ["Energy.Active.Import.Register"]),
        ("rotary_switch_1[3]/current_limit", "11", 11),
        ("leds[0]/behaviors[1]/color", "green", "green"),
    ],
)
def test_typed_values(device: Device, path: str, text: str, value: object) -> None:
    assert device.run("set", path, text)[0] == 0
    _, out, _ = device.run("get", path)
    assert out == (value if isinstance(value, str) else json.dumps(value)) + "\n"
    file = {"rot": "rotaryencd.json", "led": "leds.json"}.get(path[:3], "customer.json")
    node = json.loads(device.run("export", file, "--with-secrets")[1])
    for part in path.replace("]", "").replace("[", "/").split("/"):
        node = node[int(part)] if part.isdigit() else node[part]
    assert node == value


def test_several_keys_at_once(device: Device) -> None:
    base = "ports[0]/rcd_monitor/test_"
    assert device.run("set", f"{base}check_tripped_time", "750", f"{base}trigger_time", "50")[0] == 1
    words = [
        f"{base}check_tripped_time",
        "750",
        f"{base}trigger_time",
        "50",
        f"{base}check_normal_time",
        "2000",
    ]
    assert device.run("set", *words)[0] == 0
    assert device.run("get", f"{base}trigger_time")[1] == "50\n"


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["get", "ports[0]/evse_curent_limit"], 'did you mean "ports[0]/evse_current_limit"?'),
        (["set", "xyzzy", "1"], "there is no key xyzzy; see: chargectl config list"),
        (["set", LIMIT], "needs a value for each key"),
        (["unset", "xyzzy"], "there is no key xyzzy"),
        (["set", LIMIT, "6", "rotary_switch_1[0]/current_limit", "6"], "one file at a time"),
        (["export", "passwd"], "invalid choice"),
        (["frob"], "invalid choice"),
    ],
)
def test_wrong_command_lines(device: Device, words: list[str], part: str) -> None:
    code, out, err = device.run(*words)
    assert (code, out) == (2, "")
    assert part in err
    assert device.path.read_text() == shipped_content(ConfigFile.CUSTOMER)


def test_list_and_diff(device: Device) -> None:
    device.run("set", LIMIT, "16", "ports[0]/meter/address", "3")
    _, out, err = device.run("list")
    assert err == ""
    lines = out.splitlines()
    assert "# leds.json" in lines
    assert "  ports[0]/pluggable = true  (default)" in lines
    assert f"* {LIMIT} = 16  (default: 6)" in lines
    assert "* ports[0]/meter/address = 3  (default: not set)" in lines
    _, out, _ = device.run("list", "ports[0]/meter/ad")
    assert out.splitlines() == ["# customer.json", "* ports[0]/meter/address = 3  (default: not set)"]
    _, out, _ = device.run("diff")
    assert f"{LIMIT}: 6 -> 16" in out.splitlines()
    assert "ports[0]/meter/address: not set -> 3" in out.splitlines()
    assert "pluggable" not in out
    assert "leds" not in out


def test_secrets_are_masked(device: Device) -> None:
    device.run("set", PASSWORD, "hunter2hunter2")
    for words in (["list"], ["diff"], ["export"], ["get", PASSWORD]):
        _, out, err = device.run(*words)
        assert "hunter2" not in out + err
        assert "***" in out
        assert "hunter2hunter2" in device.run(*words, "--with-secrets")[1]
    _, out, err = device.run("set", PASSWORD, '["hunter2"]')
    assert "hunter2" not in out + err


def test_export_is_plain_json(device: Device) -> None:
    code, out, _ = device.run("export")
    assert code == 0
    assert json.loads(out)["ports"][0]["evse_current_limit"] == 6


def test_export_of_a_broken_or_missing_file(device: Device) -> None:
    device.path.write_text('{"a" 1}')
    code, out, err = device.run("export")
    assert (code, out) == (1, "")
    assert "customer.json:1:5: error" in err
    device.path.unlink()
    assert device.run("export")[0] == 1


def test_problems_are_pointed_out_when_reading(device: Device) -> None:
    device.path.write_text('{"what": 1}')
    assert device.run("get", LIMIT) == (0, "6\n", "1 problem; see: chargectl check\n")


def test_schema_and_shipped(device: Device) -> None:
    _, out, _ = device.run("schema")
    assert (
        json.loads(out)["properties"]["ports"]["prefixItems"][0]["properties"]["pluggable"]["type"]
        == "boolean"
    )
    for file in ConfigFile:
        assert device.run("shipped", file.value)[1] == shipped_content(file)


def test_configd_that_hangs_up(device: Device) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(device.socket))
        listener.listen()

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        code, _, err = device.run("set", LIMIT, "16")
        thread.join(5)
    assert code == 1
    assert "configd cannot be asked" in err
    assert device.path.read_text() == shipped_content(ConfigFile.CUSTOMER)

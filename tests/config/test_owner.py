"""The owner of the files: start, edits by others, changes by request."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from chargectl.config import owner as owner_module
from chargectl.config.document import Document
from chargectl.config.load import shipped_content
from chargectl.config.owner import OCPP, Owner, RefusedError
from chargectl.config.tree import plain
from chargectl.declarations.keys import keys_of
from chargectl.declarations.types import ConfigFile, JsonValue

CUSTOMER = ConfigFile.CUSTOMER
LIMIT = "ports[0]/evse_current_limit"
TEXT = """{
  // keep me
  "ports": [ { "evse_current_limit": 16 /* A */ } ]
}
"""


class Device:
    def __init__(self, root: Path) -> None:
        self.directory, self.backups = root / "etc", root / "backups"
        self.directory.mkdir()
        for file in ConfigFile:
            (self.directory / file.value).write_text(shipped_content(file))
        self.path = self.directory / "customer.json"
        self.backup = self.backups / "customer.json"
        self.path.write_text(TEXT)
        self.owner = Owner(self.directory, self.backups)

    def change(self, values: dict[str, JsonValue], **more: str) -> owner_module.Report:
        return self.owner.change(CUSTOMER, values, **more)

    def value(self, path: str) -> JsonValue:
        node = Document.read(self.path).find(path)
        return plain(node) if node else None


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


@pytest.mark.spec(277)
def test_start_backs_up_what_is_good(device: Device) -> None:
    report = device.owner.start()
    assert report.problems == ()
    assert report.events == ()
    assert device.backup.read_text() == TEXT
    assert sorted(os.listdir(device.backups)) == ["customer.json", "leds.json", "rotaryencd.json"]
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 16


@pytest.mark.spec(275)
def test_start_recovers_and_never_backs_up_rubbish(device: Device) -> None:
    device.backups.mkdir()
    device.backup.write_text(TEXT.replace("16", "13"))
    device.path.write_text("")
    report = device.owner.start()
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 13
    assert device.path.read_text() == device.backup.read_text()
    assert report.events[-1] == f"{device.path} restored from the backup"


def test_a_key_given_twice_is_not_backed_up(device: Device) -> None:
    device.path.write_text('{"io": {}, "io": {}}')
    device.owner.start()
    assert not device.backup.exists()


def test_an_edit_is_noticed_once_it_stands_still(device: Device) -> None:
    device.owner.start()
    device.path.write_text(TEXT.replace("16", "13"))
    assert device.owner.poll().changed == ()
    device.path.write_text(TEXT.replace("16", "10") + "\n")
    assert device.owner.poll().changed == ()
    assert device.owner.poll().changed == (LIMIT,)
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 10
    assert device.backup.read_text() == TEXT.replace("16", "10") + "\n"
    assert device.owner.poll().changed == ()


def test_a_comment_changes_no_key(device: Device) -> None:
    device.owner.start()
    device.path.write_text("// new\n" + TEXT)
    assert [device.owner.poll().changed for _ in range(3)] == [(), (), ()]
    assert device.backup.read_text() == "// new\n" + TEXT


def test_a_broken_edit_leaves_the_last_values_in_force(device: Device) -> None:
    device.owner.start()
    device.path.write_text(TEXT.replace("16", "13 13"))
    device.owner.poll()
    report = device.owner.poll()
    assert report.changed == ()
    assert report.problems[0].line == 3
    assert "last values stay in force" in report.events[0]
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 16
    assert device.backup.read_text() == TEXT
    assert device.owner.poll().problems == ()
    device.path.write_text(TEXT.replace("16", "13"))
    device.owner.poll()
    assert device.owner.poll().changed == (LIMIT,)


def test_a_vanished_file_leaves_the_last_values_in_force(device: Device) -> None:
    device.owner.start()
    device.path.unlink()
    device.owner.poll()
    assert device.owner.poll().events == (
        f"{device.path}: No such file or directory; the last values stay in force",
    )
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 16
    assert device.change({LIMIT: 20}).changed == (LIMIT,)
    assert device.value(LIMIT) == 20


@pytest.mark.spec(1, 7)
def test_a_change_keeps_the_comments_and_persists(device: Device) -> None:
    device.owner.start()
    report = device.change({LIMIT: 20, "ocpp/ConnectionTimeOut": 90}, writer=OCPP)
    assert report.changed == (LIMIT, "ocpp/ConnectionTimeOut")
    assert report.problems == ()
    expected = TEXT.replace("16", "20").replace(
        " } ]\n", ' } ],\n  "ocpp": {\n    "ConnectionTimeOut": 90\n  }\n'
    )
    assert device.path.read_text() == expected
    assert device.backup.read_text() == expected
    again = Owner(device.directory, device.backups)
    again.start()
    assert again.configuration(CUSTOMER).integer("ocpp/ConnectionTimeOut") == 90


@pytest.mark.spec(7)
def test_the_heartbeat_interval_has_no_place_in_the_file(device: Device) -> None:
    device.owner.start()
    with pytest.raises(RefusedError, match="there is no such key"):
        device.change({"ocpp/HeartbeatInterval": 300}, writer=OCPP)
    assert device.path.read_text() == TEXT


@pytest.mark.spec(6)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable", True),
        ("uri", "wss://x"),
        ("verifyCert", False),
        ("chargePointModel", "m"),
        ("chargePointVendor", "v"),
        ("chargePointSerialNumber", "s"),
    ],
)
def test_ocpp_may_not_write_these(device: Device, name: str, value: JsonValue) -> None:
    device.owner.start()
    with pytest.raises(RefusedError, match="cannot be changed over OCPP"):
        device.change({LIMIT: 20, f"ocpp/{name}": value}, writer=OCPP)
    assert device.path.read_text() == TEXT
    device.change({f"ocpp/{name}": value})
    assert device.value(f"ocpp/{name}") == value
    with pytest.raises(RefusedError, match="cannot be changed over OCPP"):
        device.owner.change(CUSTOMER, {}, [f"ocpp/{name}"], writer=OCPP)


@pytest.mark.spec(6)
def test_ocpp_may_write_all_others(device: Device) -> None:
    device.owner.start()
    for key in keys_of(CUSTOMER):
        if (
            key.ocpp_writable
            and isinstance(key.default, bool | int | str)
            and "*" not in key.path
            and "[]" not in key.path
        ):
            device.change({key.path: key.default}, writer=OCPP)
            assert device.value(key.path) == key.default


BAD: list[tuple[dict[str, JsonValue], str]] = [
    ({"ports[0]/evse_curent_limit": 16}, 'did you mean "ports[0]/evse_current_limit"?'),
    ({"ports[1]/evse_current_limit": 16}, "there is no such key in customer.json"),
    ({"": 1}, "there is no such key"),
    ({"a//b[": 1}, "there is no such key"),
    ({LIMIT: "16"}, "of the wrong type; allowed: Integer"),
    ({LIMIT: True}, "of the wrong type"),
    ({LIMIT: 10**6}, "out of range; allowed: Integer"),
    ({LIMIT: None}, "null is of the wrong type"),
    ({"ocpp/chargePointModel": "x" * 21}, "21 characters are too many; allowed: String (at most 20"),
    ({"ports[0]/contactor/feedback_type": "NO"}, 'did you mean "no"?'),
    ({"fake_highlevel_dc_vendors": {"T": {"switch_method": 9}}}, "vendors/T/switch_method: 9 is"),
    ({"fake_highlevel_dc_vendors": {"T": {"what": 9}}}, "vendors/T/what: there is no such key"),
    ({"ports[0]/rcd_monitor/test_check_tripped_time": 5000}, "5000 ms is not before"),
    (
        {"ports[0]/rcd_monitor/test_trigger_time": 1, "ports[0]/rcd_monitor/test_check_normal_time": 1},
        "is not before",
    ),
    ({"ports[0]/rfid/remote_ports[3]/uri": "mqtt://x"}, "needs the elements before it first"),
    ({"ocpp/chargePointModel": "\ud800"}, "could not be set"),
]


@pytest.mark.parametrize(("values", "part"), BAD)
def test_a_bad_value_is_refused_and_nothing_written(
    device: Device, values: dict[str, JsonValue], part: str
) -> None:
    device.owner.start()
    before = device.path.stat()
    with pytest.raises(RefusedError) as caught:
        device.change({"ports[0]/pluggable": False, **values})
    assert part in str(caught.value)
    assert device.path.stat() == before
    assert device.owner.configuration(CUSTOMER).boolean("ports[0]/pluggable") is True


def test_what_a_rule_would_switch_off_is_refused(device: Device) -> None:
    device.owner.start()
    device.change({"ports[0]/switch3to1phase/enable": True})
    with pytest.raises(RefusedError, match="relay 2 is used by"):
        device.change({"ports[0]/ventilation/enable": True})
    assert device.value("ports[0]/ventilation/enable") is None


def test_a_doubtful_combination_is_made_and_told(device: Device) -> None:
    device.owner.start()
    report = device.change({"network/ipv4/dhcp": False})
    assert device.value("network/ipv4/dhcp") is False
    assert [problem.path for problem in report.problems] == ["network/ipv4/dhcp"]


def test_several_keys_are_changed_together(device: Device) -> None:
    device.owner.start()
    base = "ports[0]/rcd_monitor/test_"
    device.change(
        {f"{base}trigger_time": 50, f"{base}check_tripped_time": 750, f"{base}check_normal_time": 2000}
    )
    assert device.owner.configuration(CUSTOMER).integer(f"{base}check_tripped_time") == 750


def test_removing_a_key_brings_back_its_default(device: Device) -> None:
    device.owner.start()
    report = device.owner.change(CUSTOMER, {}, [LIMIT])
    assert report.changed == (LIMIT,)
    assert device.path.read_text() == TEXT.replace('"evse_current_limit": 16', "")
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 6
    assert device.owner.change(CUSTOMER, {}, [LIMIT]).changed == ()


def test_a_change_meets_an_edit_that_was_not_seen_yet(device: Device) -> None:
    device.owner.start()
    device.path.write_text(TEXT.replace("16", "13").replace("keep", "keep both"))
    report = device.change({"ports[0]/pluggable": False})
    assert set(report.changed) == {LIMIT, "ports[0]/pluggable"}
    assert "keep both" in device.path.read_text()
    assert device.value(LIMIT) == 13


def test_a_broken_file_is_not_edited(device: Device) -> None:
    device.owner.start()
    device.path.write_text('{"io": }')
    with pytest.raises(RefusedError, match=r"must be mended first: customer\.json:1:8"):
        device.change({LIMIT: 20})
    assert device.path.read_text() == '{"io": }'


def test_a_full_disk(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    device.owner.start()

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(owner_module, "write_atomic", full)
        with pytest.raises(RefusedError, match="cannot be written: No space left on device"):
            device.change({LIMIT: 20})
    assert device.owner.configuration(CUSTOMER).integer(LIMIT) == 16
    with monkeypatch.context() as patch:
        patch.setattr(owner_module, "back_up", full)
        report = device.change({LIMIT: 20})
    assert report.changed == (LIMIT,)
    assert "cannot be backed up" in report.events[0]


def test_without_start_a_change_is_told_against_the_file(device: Device) -> None:
    assert device.change({LIMIT: 20}).changed == (LIMIT,)
    assert device.value(LIMIT) == 20

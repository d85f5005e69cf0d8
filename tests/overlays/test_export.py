"""Exporting the pins: each that the port needs, for the group and for nobody else; and recovering files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from chargectl.board import export
from chargectl.board.export import channels_of, main, pins_of, share
from chargectl.board.profile import CHARGE_CONTROL_C_100, CHARGE_CONTROL_C_300, PROFILES, BoardProfile
from chargectl.cli.main import main as chargectl

GROUP = 12345


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """The kernel's folders with all lines exported; what is written to export is kept for the test."""
    gpio, pwm = tmp_path / "gpio", tmp_path / "pwm"
    for pin in pins_of(CHARGE_CONTROL_C_300):
        folder = gpio / f"gpio{pin.number}"
        folder.mkdir(parents=True)
        for name in ("direction", "value", "active_low", "uevent"):
            (folder / name).touch(0o644)
    for number, channel in enumerate(channels_of(CHARGE_CONTROL_C_300)):
        (tmp_path / channel.device).mkdir()
        folder = pwm / f"pwmchip{number}" / f"pwm{channel.channel}"
        folder.mkdir(parents=True)
        (pwm / f"pwmchip{number}/device").symlink_to(tmp_path / channel.device)
        for name in ("period", "duty_cycle", "enable", "polarity", "uevent"):
            (folder / name).touch(0o644)
    return tmp_path


def run(sysfs: Path, profile: BoardProfile) -> tuple[str, ...]:
    return share(profile, GROUP, str(sysfs / "gpio"), str(sysfs / "pwm"))


def test_files_belong_to_the_group(sysfs: Path, as_root: None) -> None:
    assert run(sysfs, CHARGE_CONTROL_C_300) == ()
    for path in sysfs.rglob("*"):
        if path.is_file():
            mine = path.name != "uevent"
            assert path.stat().st_gid == (GROUP if mine else 0)
            assert path.stat().st_mode & 0o777 == (0o664 if mine else 0o644)
            assert path.stat().st_uid == 0


def test_a_missing_line_does_not_keep_the_others_back(sysfs: Path, as_root: None) -> None:
    number = CHARGE_CONTROL_C_300.relays[0].enable.number
    for name in ("direction", "value", "active_low", "uevent"):
        (sysfs / f"gpio/gpio{number}/{name}").unlink()
    (sysfs / f"gpio/gpio{number}").rmdir()
    (problem,) = run(sysfs, CHARGE_CONTROL_C_300)
    assert f"gpio{number}" in problem
    assert (sysfs / "gpio/export").read_text() == str(number)
    (sysfs / "gpio/export").unlink()
    assert all(path.stat().st_gid == GROUP for path in sysfs.glob("gpio/*/value"))


def test_a_missing_chip(sysfs: Path, as_root: None) -> None:
    (sysfs / "pwm/pwmchip0/device").unlink()
    (problem,) = run(sysfs, CHARGE_CONTROL_C_300)
    assert channels_of(CHARGE_CONTROL_C_300)[0].device in problem


@pytest.mark.parametrize("profile", PROFILES)
def test_every_pin_of_the_port_once(profile: BoardProfile) -> None:
    numbers = [pin.number for pin in pins_of(profile)]
    assert len(numbers) == len(set(numbers))
    for relay in profile.relays:
        assert {relay.enable.number, relay.sense.number} <= set(numbers)
    for motor in (profile.plug_lock, profile.cover_lock):
        assert {motor.in1.number, motor.in2.number, motor.fault.number} <= set(numbers)
    # Resets of modems and of the serial controller, and what drivers hold, are not for daemons.
    others = [profile.serial_mcu_reset, profile.serial_mcu_boot, *profile.straps]
    others += [port.driver_enable for port in profile.serial_ports]
    for modem in (profile.pilot_powerline, profile.mains_powerline):
        others += [modem.reset, modem.bootloader] if modem else []
    assert not {pin.number for pin in others} & set(numbers)


def test_a_board_with_one_relay_gets_one() -> None:
    assert len(pins_of(CHARGE_CONTROL_C_100)) == len(pins_of(CHARGE_CONTROL_C_300)) - 2


@pytest.mark.parametrize(
    ("board", "variant", "group", "said"),
    [
        ("charge-control-x", "200", "root", "known are charge-control-c 100"),
        ("charge-control-c", "201", "root", "known are charge-control-c 100"),
        ("charge-control-c", "200", "no-such-group", "no-such-group"),
    ],
)
def test_mistakes(
    board: str, variant: str, group: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--board", board, "--variant", variant, "--group", group]) == 2
    assert said in capsys.readouterr().err


def recover(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    words = ["--config-dir", str(folder / "secc"), "--backup-dir", str(folder / "backups")]
    code = chargectl(["config", *words, "recover"])
    return code, capsys.readouterr().err


@pytest.mark.spec(275)
def test_recovery_from_the_backup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secc").mkdir()
    (tmp_path / "backups").mkdir()
    (tmp_path / "secc/customer.json").touch()
    (tmp_path / "secc/customer.json.shipped").write_text('{"ports": [{"evse_current_limit": 6}]}')
    (tmp_path / "backups/customer.json").write_text('{"ports": [{"evse_current_limit": 10}]}')
    code, said = recover(tmp_path, capsys)
    assert code == 0
    assert "customer.json restored from the backup" in said
    assert (tmp_path / "secc/customer.json").read_text() == '{"ports": [{"evse_current_limit": 10}]}'


@pytest.mark.spec(276)
def test_recovery_from_the_shipped_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secc").mkdir()
    (tmp_path / "secc/customer.json.shipped").write_text('{"ports": [{"evse_current_limit": 6}]}')
    assert recover(tmp_path, capsys)[0] == 0
    assert (tmp_path / "secc/customer.json").read_text() == '{"ports": [{"evse_current_limit": 6}]}'
    # A good file is left alone, without a word.
    before = os.stat(tmp_path / "secc/customer.json")
    assert recover(tmp_path, capsys) == (0, "")
    assert os.stat(tmp_path / "secc/customer.json") == before


def test_recovery_that_is_not_possible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secc").write_text("no folder")
    code, said = recover(tmp_path, capsys)
    assert code == 1
    assert "cannot be restored" in said


def test_waits_for_a_driver_that_is_still_loading(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no longer than that: what is missing then, is reported."""
    answers = [("not there",), ("not there",), ()]
    pauses: list[float] = []
    monkeypatch.setattr(export, "share", lambda _profile, _group: answers.pop(0) if answers else ("never",))
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(pauses))
    words = ["--board", "charge-control-c", "--variant", "200", "--group", "root", "--wait", "1"]
    assert main(words) == 0
    assert (len(pauses), capsys.readouterr().err) == (2, "")
    assert main(words) == 0
    assert capsys.readouterr().err == "<4>pins: never\n"
    assert 1 <= sum(pauses) < 1.5

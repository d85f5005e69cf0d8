"""udev's rules, as udev evaluates them for devices of this machine that are made to look like a board's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[2] / "meta-chargectl/recipes-kernel/linux/files"
SOLDERED = {
    "QCA7000_SPI": "spi",
    "W1_MASTER_DS2482": "i2c",
    "IIO_ST_ACCEL_3AXIS": "i2c",
    "W1_MASTER_GPIO": "platform",
    "SENSORS_PWM_FAN": "platform",
    "W1_SLAVE_THERM": "w1",
}
"""Modules whose devices were there before udevd, by the bus that tells of them."""
COMES_WITH = {"QCA7000": "QCA7000_SPI", "W1": "W1_MASTER_DS2482"}
"""Modules that another one needs."""
WANTS = "SYSTEMD_WANTS=chargectl-usb@{}.service"

pytestmark = [
    pytest.mark.usefixtures("as_root"),
    pytest.mark.skipif(shutil.which("udevadm") is None, reason="udev is not installed"),
]


def evaluate(installed: Path, device: str, seems: str, tmp_path: Path, prepare: str = "") -> str:
    """What udev makes of a device about which earlier rules have found out what ``seems`` says."""
    (tmp_path / "69-seems.rules").write_text(f"{seems}\n")
    rules = installed / "usr/lib/udev/rules.d/70-chargectl.rules"
    commands = f"""
        mount -t tmpfs tmpfs /run
        mkdir -p /run/udev/rules.d
        cp {rules} {tmp_path}/69-seems.rules /run/udev/rules.d
        for name in /usr/lib/udev/rules.d /lib/udev/rules.d /etc/udev/rules.d; do
            mount -t tmpfs tmpfs $name 2>/dev/null || :
        done
        {prepare}
        udevadm test --action=add {device} 2>&1
    """
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", commands],
        text=True,
        capture_output=True,
        check=False,
    ).stdout


def block(bus: str, kind: str, usage: str, table: str = "") -> str:
    return (
        f'SUBSYSTEM=="block", ENV{{ID_BUS}}="{bus}", ENV{{ID_TYPE}}="{kind}", ENV{{ID_FS_USAGE}}="{usage}", '
        f'ENV{{ID_PART_TABLE_TYPE}}="{table}"'
    )


@pytest.fixture
def disk() -> str:
    found = sorted(Path("/sys/class/block").glob("loop*"))
    if not found:
        pytest.skip("this machine has no loop devices")
    return str(found[0])


@pytest.mark.spec(264)
def test_a_file_system_on_a_usb_stick_starts_its_service(installed: Path, tmp_path: Path, disk: str) -> None:
    output = evaluate(installed, disk, block("usb", "disk", "filesystem"), tmp_path)
    assert WANTS.format(Path(disk).name) in output
    assert "TAGS=:systemd:" in output


@pytest.mark.spec(264)
def test_a_partition_starts_it_and_its_disk_does_not(installed: Path, tmp_path: Path, disk: str) -> None:
    """udev lets partitions inherit what it knows of the disk, its table included."""
    seems = block("usb", "disk", "filesystem", "dos")
    assert "chargectl-usb" not in evaluate(installed, disk, seems, tmp_path)
    as_partition = changed(installed, tmp_path, 'ENV{DEVTYPE}=="disk"', 'ENV{DEVTYPE}!="disk"')
    assert WANTS.format(Path(disk).name) in evaluate(as_partition, disk, seems, tmp_path)


def changed(installed: Path, tmp_path: Path, old: str, new: str) -> Path:
    """The rules for a device that this machine lacks, made to fit one that it has."""
    rules = (installed / "usr/lib/udev/rules.d/70-chargectl.rules").read_text()
    assert old in rules
    folder = tmp_path / "changed/usr/lib/udev/rules.d"
    folder.mkdir(parents=True)
    (folder / "70-chargectl.rules").write_text(rules.replace(old, new))
    return tmp_path / "changed"


@pytest.mark.parametrize(
    ("offered", "chosen"), [("[none] mq-deadline bfq", "bfq"), ("[none] mq-deadline", "")]
)
def test_the_scheduler_with_weights(
    installed: Path, tmp_path: Path, disk: str, offered: str, chosen: str
) -> None:
    """The rule of the eMMC, under a loop device's name, with a file in the place of the scheduler's."""
    rules = changed(installed, tmp_path, 'KERNEL=="mmcblk[0-9]"', f'KERNEL=="{Path(disk).name}"')
    scheduler = tmp_path / "scheduler"
    scheduler.write_text(f"{offered}\n")
    evaluate(rules, disk, "", tmp_path, f"mount --bind {scheduler} {disk}/queue/scheduler")
    # The kernel makes a choice of what is written; in a file it replaces the beginning.
    assert scheduler.read_text() == (chosen + f"{offered}\n"[len(chosen) :] if chosen else f"{offered}\n")


@pytest.mark.parametrize(
    "seems",
    [
        block("usb", "disk", "filesystem", "dos"),
        block("usb", "cd", "filesystem"),
        block("usb", "disk", ""),
        block("usb", "disk", "crypto"),
        block("usb", "disk", "raid"),
        block("ata", "disk", "filesystem"),
        block("", "disk", "filesystem"),
    ],
)
def test_nothing_else_does(installed: Path, tmp_path: Path, disk: str, seems: str) -> None:
    output = evaluate(installed, disk, seems, tmp_path)
    assert "ACTION=add" in output
    assert "chargectl-usb" not in output


def test_the_rules_have_no_mistakes(installed: Path, tmp_path: Path, disk: str) -> None:
    output = evaluate(installed, disk, "", tmp_path)
    complaints = [line for line in output.splitlines() if "70-chargectl.rules" in line]
    # The users are those of a board.
    complaints = [line for line in complaints if "Unknown group 'chargectl-guard'" not in line]
    complaints = [line for line in complaints if not line.startswith("Reading rules file")]
    assert complaints == []


def test_the_serial_ports_have_the_guides_names_too(installed: Path) -> None:
    """No such device can be made here: the rule is read, not run."""
    rules = (installed / "usr/lib/udev/rules.d/70-chargectl.rules").read_text()
    (rule,) = [line for line in rules.splitlines() if "ttymxc" in line and not line.startswith("#")]
    parts = {part.strip() for part in rule.split(",")}
    assert parts == {
        'SUBSYSTEM=="tty"',
        'KERNEL=="ttymxc[0-9]"',
        'GROUP="dialout"',
        'MODE="0660"',
        'SYMLINK+="ttymx%n"',
    }


def triggers(installed: Path) -> list[list[str]]:
    """The commands that have the kernel tell of devices again."""
    unit = installed / "usr/lib/systemd/system/systemd-udev-trigger.service.d/50-chargectl.conf"
    return [line.split() for line in re.findall(r"^ExecStart=-(.+)$", unit.read_text(), re.M)]


def test_modules_for_what_is_soldered_to_the_board_are_loaded(installed: Path) -> None:
    """Every module of the board's kernel: its device is triggered, is plugged in later, or it is listed."""
    modules = set(re.findall(r"^CONFIG_(\w+)=m$", (KERNEL / "board.cfg").read_text(), re.M))
    pluggable = {name for name in modules if name.startswith("USB_")}
    listed = (installed / "usr/lib/modules-load.d/chargectl.conf").read_text().splitlines()
    told = {
        word.removeprefix("--subsystem-match=")
        for command in triggers(installed)
        for word in command
        if not any(other.startswith("--sysname-match") for other in command)
    }
    for name in sorted(modules - pluggable):
        bus = SOLDERED.get(COMES_WITH.get(name, name), "?")
        assert bus in told or name.lower() in listed, f"{name}: nothing loads it"


def test_udev_understands_what_it_is_to_tell_of(installed: Path) -> None:
    told = ""
    for command in triggers(installed):
        assert command[:3] == ["udevadm", "trigger", "--action=add"]
        done = subprocess.run(
            [*command, "--dry-run", "--verbose"], text=True, capture_output=True, check=True
        )
        told += done.stdout
    platform = [str(path.resolve()) for path in Path("/sys/bus/platform/devices").glob("*")]
    assert set(platform) <= set(told.splitlines())

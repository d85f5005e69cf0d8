"""How a boot is decided, under a real systemd: whatever fails, its reason is recorded once; and what a new
system takes over from the old one at its first start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chargectl.system.migration import pending
from chargectl.system.migration_record import RECORD, Record, close, write_record
from chargectl.system.migration_root import Root
from tests.overlays.machine_rig import Machine, require

pytestmark = pytest.mark.usefixtures("real_sys")

CHARGECTL = """
echo "$*" >>/run/calls
case "$1 $2" in
"health --wait") exit "$(cat /run/health)" ;;
"boot good") exit "$(cat /run/good)" ;;
esac
"""
"""In the place of chargectl: says that it was called, and does what the test wants."""
SHIPPED = "--board charge-control-c --variant 200"
GOOD = f"boot good {SHIPPED}"
UNITS = ("boot-record", "health", "mark-good", "boot-failed")
PREPARE = """
mkdir -p /run/units/boot-complete.target.requires
printf '[Unit]\\nDefaultDependencies=no\\n' >/run/units/boot-complete.target
ln -sf ../chargectl-health.service /run/units/boot-complete.target.requires/
# This machine's root file system takes no other: the script only says that it was started.
printf '#!/bin/sh\\necho late >>/run/calls\\n' >/usr/lib/chargectl/migrate-late
systemctl daemon-reload
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    require()
    with Machine(tmp_path_factory.mktemp("machine"), (), {"chargectl": CHARGECTL}) as running:
        result = running.run("sh", "-euc", PREPARE)
        assert result.returncode == 0, result.stderr
        yield running


def decide(machine: Machine, health: int, good: int) -> list[str]:
    """Let a boot come to its end; returns what was called."""
    machine.run("sh", "-c", f"rm -f /run/calls; echo {health} >/run/health; echo {good} >/run/good")
    names = [f"chargectl-{unit}.service" for unit in UNITS]
    machine.run("systemctl", "stop", "boot-complete.target", *names)
    machine.run("systemctl", "reset-failed")
    machine.run("systemctl", "start", "chargectl-boot-record.service", "chargectl-mark-good.service")
    machine.wait(lambda: machine.run("systemctl", "list-jobs").stdout.startswith("No jobs"))
    return machine.file("/run/calls").splitlines()


def test_a_good_boot_is_accepted(machine: Machine) -> None:
    assert decide(machine, 0, 0) == ["boot record", "health --wait 120", GOOD]


def test_an_unhealthy_boot_is_recorded_once(machine: Machine) -> None:
    """The check fails, and with it what needs it: both lead to the same record."""
    assert decide(machine, 1, 0) == ["boot record", "health --wait 120", "boot failed"]
    assert machine.show("chargectl-mark-good.service", "ActiveState") == "inactive"


def test_a_boot_that_cannot_be_accepted_is_recorded_too(machine: Machine) -> None:
    assert decide(machine, 0, 1) == ["boot record", "health --wait 120", GOOD, "boot failed"]


def test_the_check_can_be_repeated(machine: Machine) -> None:
    """As chargectl-health-retry.timer does it in a system that stays up."""
    assert decide(machine, 1, 0)[-1] == "boot failed"
    machine.run("sh", "-c", "rm /run/calls; echo 0 >/run/health")
    assert machine.run("systemctl", "start", "chargectl-mark-good.service").returncode == 0
    assert machine.file("/run/calls").splitlines() == ["health --wait 120", GOOD]


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("chargectl-leds.service", "boot leds {}"),
        ("chargectl-mark-good.service", "boot good {}"),
        ("chargectl-usb@sdz9.service", "usb run {} /dev/sdz9"),
    ],
)
def test_the_leds_are_those_of_the_board(machine: Machine, unit: str, words: str) -> None:
    """Of the image's board, or of the one that the owner has named."""
    machine.run("sh", "-c", "mkdir -p /run/chargectl; touch /run/chargectl/healthy; echo 0 >/run/health")
    machine.run("sh", "-c", "echo 0 >/run/good; mkdir -p /etc/chargectl")
    owned = "CHARGECTL_BOARD=other\nCHARGECTL_VARIANT=300\n"
    try:
        for text, expected in (("", SHIPPED), (owned, "--board other --variant 300")):
            machine.run("tee", "/etc/chargectl/board.env", text=text)
            machine.run("sh", "-c", f"systemctl stop {unit}; rm -f /run/calls")
            machine.run("systemctl", "start", unit)
            machine.wait(lambda: machine.run("test", "-s", "/run/calls").returncode == 0)
            assert machine.file("/run/calls").splitlines()[-1] == words.format(expected)
    finally:
        machine.run("rm", "-f", "/etc/chargectl/board.env", "/run/chargectl/healthy")


def record(late: str, tmp_path: Path) -> str:
    with Root(tmp_path) as root:
        write_record(root, Record("1.0", {"/etc/hostname": "a"}, {"/etc/hostname": "b"}, late))
    assert pending(tmp_path) is (not late)
    return (tmp_path / RECORD.lstrip("/")).read_text()


@pytest.mark.parametrize("late", ["", "done", 'failed: "late": ""', "none", "closed"])
def test_the_first_start_takes_over_and_no_other(machine: Machine, tmp_path: Path, late: str) -> None:
    machine.run("sh", "-c", f"rm -f /run/calls {RECORD}; mkdir -p {Path(RECORD).parent}")
    if late == "closed":
        record("", tmp_path)
        assert close(tmp_path)
        machine.run("tee", RECORD, text=(tmp_path / RECORD.lstrip("/")).read_text())
    elif late != "none":
        machine.run("tee", RECORD, text=record(late, tmp_path))
    machine.run("touch", "/run/calls")
    assert machine.run("systemctl", "start", "chargectl-migrate-late.service").returncode == 0
    assert machine.file("/run/calls").splitlines() == (["late"] if late == "" else [])
    machine.run("systemctl", "stop", "chargectl-migrate-late.service")

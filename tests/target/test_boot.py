"""A factory-new board: from power-on to a boot that was accepted, and what runs then."""

from __future__ import annotations

import re

import pytest

from tests.target.board import BOOT_S, Board

DAEMONS = [
    "chargectl-configd",
    "chargectl-portd",
    "chargectl-iso15118d",
    "chargectl-updated",
    "chargectl-guard",
    "mosquitto",
]
OURS = "chargectl-*.service"
EXPOSURE = 3.0
"""What `systemd-analyze security` says about a unit of ours at most."""
EXEMPT = {
    "chargectl-log": "mounts for the whole system",
    "chargectl-srv": "mounts for the whole system",
    "chargectl-check-srv": "checks, and where it must makes, the file system of a partition",
    "chargectl-migrate-late": "mounts the other slot and copies what an update takes over",
    "chargectl-boot-record": "asks and sets the boot loader's variables in the eMMC",
    "chargectl-mark-good": "asks and sets the boot loader's variables in the eMMC",
    "chargectl-boot-failed": "restarts the board",
    "chargectl-health": "writes to each file system as the daemons would",
    "chargectl-rauc-clock": "restarts RAUC",
}
"""No daemons: they run once, for seconds, as root. Why each needs more than a daemon may have."""


def test_a_new_board_comes_up_in_slot_a(board: Board) -> None:
    if board.emulator:
        tried = board.booting()
        assert (tried["slot"], tried["a"], tried["b"]) == ("A", "2", "3")
    board.accepted()
    if board.emulator:
        assert board.slot() == "A"


def test_nothing_has_failed(board: Board) -> None:
    assert board.console.ok("systemctl --failed --no-legend --plain") == ""


@pytest.mark.spec(306)
@pytest.mark.parametrize("daemon", DAEMONS)
def test_each_daemon_runs(board: Board, daemon: str) -> None:
    assert board.console.ok(f"systemctl is-active {daemon}") == "active"


def test_the_tries_are_given_back(board: Board) -> None:
    printed = board.console.ok("fw_printenv BOOT_ORDER BOOT_A_LEFT")
    assert "BOOT_A_LEFT=3" in printed
    assert re.search(r"^BOOT_ORDER=A", printed, re.MULTILINE)


@pytest.mark.spec(258)
def test_the_version_is_told_on_mqtt(board: Board) -> None:
    topic = "ci/global/version/charging_software"
    told = board.console.ok(f"mosquitto_sub -h 127.0.0.1 -t {topic} -C 1 -W 30", 60)
    assert told.splitlines()[-1] == board.release()["VERSION"]


def test_update_status_knows_both_slots(board: Board) -> None:
    status = board.json("chargectl update status --json")
    assert {slot["slot"] for slot in status["slots"]} == {"A", "B"}
    assert status["booted"] == board.slot()


@pytest.mark.spec(240)
def test_the_log_is_on_the_slots_own_partition(board: Board) -> None:
    number = {"A": 6, "B": 7}[board.slot()]
    assert board.console.ok("findmnt -no PARTUUID /var/log") == f"c4a26ec1-0{number}"


def test_every_unit_of_ours_is_confined(board: Board) -> None:
    if board.console.run("command -v systemd-analyze")[0]:
        pytest.skip("the image has no systemd-analyze; chargectl-image-dev has (make image WITH=dev)")
    units = board.console.ok(
        f"systemctl list-units --all --no-legend --plain '{OURS}' | cut -d' ' -f1"
    ).split()
    assert len(units) > len(DAEMONS)
    said = board.console.ok(
        "systemd-analyze security --no-pager " + " ".join(units) + " | grep -i 'overall exposure'", 600
    )
    levels = {match[1]: float(match[2]) for match in re.finditer(r"for (\S+): ([\d.]+)", said)}
    assert levels.keys() == set(units)
    loose = {unit.removesuffix(".service") for unit, level in levels.items() if level > EXPOSURE}
    assert loose == EXEMPT.keys()


def test_it_comes_up_again_after_a_power_cut(board: Board) -> None:
    board.needs_emulator()
    board.power_cycle()
    board.boots("A", BOOT_S)

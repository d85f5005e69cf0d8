"""An update from a USB stick, and what comes along with it. test_network_update.py has the other ways."""

from __future__ import annotations

import pytest

from tests.target.board import Board, stick_image
from tests.target.bundles import Workshop
from tests.target.installing import INSTALL_S

STICK_S = 30.0
MARK = "/etc/systemd/network/90-of-the-owner.network"


def test_the_factory_system_is_accepted(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    board.console.ok(f"printf '[Match]\\nName=none0\\n' >{MARK}; sync")


@pytest.mark.spec(241, 244, 258)
def test_a_stick_brings_the_system_in_b(board: Board, workshop: Workshop) -> None:
    stick = stick_image(board.folder / "stick.img", [workshop.bundle("2.0")])
    board.note("stick plugged in")
    board.needs_emulator().plug_stick(stick)
    # Nobody types anything: the stick is found, its update is installed, the board restarts.
    assert board.booting(INSTALL_S)["slot"] == "B"
    board.accepted()
    board.needs_emulator().pull_stick()
    assert board.release()["VERSION"] == "2.0"


@pytest.mark.spec(263)
def test_the_owners_files_came_along(board: Board) -> None:
    assert "none0" in board.console.ok(f"cat {MARK}")


@pytest.mark.spec(260)
def test_the_good_boot_took_the_other_slot_out_of_use(board: Board) -> None:
    status = board.json("chargectl update status --json")
    by_name = {slot["slot"]: slot for slot in status["slots"]}
    assert by_name["B"]["version"] == "2.0"
    assert by_name["B"]["boot_status"] == "good"
    assert by_name["A"]["boot_status"] == "bad"


@pytest.mark.spec(243)
def test_the_same_stick_again_does_nothing(board: Board) -> None:
    since = board.uptime()
    cursor = board.console.ok("journalctl -b -n 0 --show-cursor --no-pager").rpartition("cursor: ")[2]
    board.needs_emulator().plug_stick(board.folder / "stick.img", "again")
    seen = f"journalctl --after-cursor '{cursor}' -u 'chargectl-usb@*'"
    board.console.wait_until(f"{seen} | grep 'nothing is left to do'", STICK_S)
    board.needs_emulator().pull_stick("again")
    assert board.slot() == "B"
    assert board.uptime() > since, "the board was not restarted"

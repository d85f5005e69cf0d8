"""Power cuts at the worst moments of an update: always one system that comes up, configuration intact."""

from __future__ import annotations

import pytest

from tests.target.board import BOOT_S, Board
from tests.target.bundles import Workshop
from tests.target.installing import INSTALL_S, install, served
from tests.target.test_update import MARK

SETTING = 13


def intact(board: Board) -> None:
    """What the owner has set is what the running system works with."""
    assert board.console.ok("chargectl config get 'ports[0]/evse_current_limit'") == str(SETTING)
    assert "none0" in board.console.ok(f"cat {MARK}")
    status = board.json("chargectl update status --json")
    assert status["booted"] == board.slot()


def test_the_factory_system_with_settings_of_an_owner(board: Board) -> None:
    board.needs_emulator()
    board.boots("A")
    board.console.ok(f"chargectl config set 'ports[0]/evse_current_limit' {SETTING}")
    board.console.ok(f"printf '[Match]\\nName=none0\\n' >{MARK}; sync")
    intact(board)


@pytest.mark.spec(263)
def test_while_the_image_is_written(board: Board, workshop: Workshop) -> None:
    bundle = workshop.bundle("2.0")
    with served(board, bundle) as (address, _):
        board.console.send(f"rauc install {address}\r")
        board.console.expect(r"Copying image to rootfs", INSTALL_S)
        board.console.expect(r"\d+% ", INSTALL_S)
        board.power_cycle()
    board.boots("A")
    intact(board)


@pytest.mark.spec(263)
def test_in_the_moment_of_the_switch(board: Board, workshop: Workshop) -> None:
    bundle = workshop.bundle("2.0")
    with served(board, bundle) as (address, _):
        board.console.send(f"rauc install {address}\r")
        # The boot loader's variables are being written: either system is right.
        board.console.expect(r"Activating|Updating slots done", INSTALL_S)
        board.power_cycle()
    slot = board.booting()["slot"]
    board.accepted(BOOT_S)
    assert board.slot() == slot
    intact(board)
    if slot == "A":
        install(board, bundle)


@pytest.mark.spec(259, 263)
def test_during_the_first_start_of_the_new_system(board: Board) -> None:
    if board.slot() == "A":
        board.reboot()
        tried = board.booting(BOOT_S)
        assert (tried["slot"], tried["b"]) == ("B", "2")
        board.console.expect(r"login: ", BOOT_S)
        board.power_cycle()
        tried = board.booting(BOOT_S)
        assert (tried["slot"], tried["b"]) == ("B", "1"), "each start costs a try"
    else:
        board.power_cycle()
        assert board.booting(BOOT_S)["slot"] == "B"
    board.accepted(BOOT_S)
    assert board.slot() == "B"
    assert board.release()["VERSION"] == "2.0"
    intact(board)

"""The life of a board in short: first start, an update to the other system, a bad update and the way back.

Each change has to keep it. ``--until`` says when the time is up: what would not be finished then is skipped.
"""

from __future__ import annotations

import time

import pytest

from tests.target.board import BOOT_S, Board, other
from tests.target.bundles import CHANGED_DAEMON, Workshop
from tests.target.installing import install
from tests.target.test_rollback import RESET_S

UPDATE_S = 17 * 60
ROLLBACK_S = 20 * 60
"""What an update and a rollback take, each with its installation, on a machine of two busy processors."""


def in_time(request: pytest.FixtureRequest, seconds: float) -> None:
    """Skip what would take longer than there is time."""
    until = request.config.getoption("--until")
    if until is not None and time.time() + seconds > until:
        pytest.skip(f"there is no time left for what takes {seconds / 60:.0f} min")


def test_the_boot_loader_counts_the_try_and_the_system_comes_up_to_its_login(board: Board) -> None:
    board.needs_emulator()
    tried = board.booting()
    assert (tried["slot"], tried["a"], tried["b"]) == ("A", "2", "3"), "a try is counted before it begins"
    board.console.expect(r"login: $", BOOT_S)
    board.note("the console asks for a login")


def test_the_boot_is_accepted(board: Board) -> None:
    board.accepted()
    assert board.console.ok("systemctl --failed --no-legend --plain") == ""


@pytest.mark.spec(260)
def test_an_update_brings_the_system_in_b(
    board: Board, workshop: Workshop, request: pytest.FixtureRequest
) -> None:
    in_time(request, UPDATE_S)
    install(board, workshop.bundle("2.0", CHANGED_DAEMON))
    board.reboot()
    board.boots("B")
    assert board.release()["VERSION"] == "2.0"


@pytest.mark.spec(259)
def test_a_system_that_panics_has_three_tries(
    board: Board, workshop: Workshop, request: pytest.FixtureRequest
) -> None:
    in_time(request, ROLLBACK_S)
    good = board.slot()
    bad = other(good)
    install(board, workshop.panics("2.2"))
    board.reboot()
    for left in ("2", "1", "0"):
        tried = board.booting(RESET_S)
        assert (tried["slot"], tried[bad.lower()]) == (bad, left)
    assert board.booting(RESET_S)["slot"] == good
    board.accepted(BOOT_S)
    assert "2.2" in board.json("chargectl update status --json")["rollback"]

"""Systems that do not come up: three tries, then back, with the reason on record.

On a real board with a broken bundle of its maker's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.target.board import BOOT_S, Board, other
from tests.target.bundles import Workshop
from tests.target.installing import Update, install

RESET_S = 300.0
"""Until a boot that fails has been given up: the health check's patience, or the watchdog's."""

BAD: dict[str, tuple[Callable[[Workshop], Path], str]] = {
    "never ready": (lambda workshop: workshop.never_ready("2.1"), "portd"),
    "panic": (lambda workshop: workshop.panics("2.2"), "2.2"),
    "hang": (lambda workshop: workshop.hangs("2.3"), "2.3"),
}
"""The bundle, and a word of the reason that has to be on record."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A real board has the broken bundle that is given, the emulated one all of ours."""
    if "kind" in metafunc.fixturenames:
        given = metafunc.config.getoption("--broken-bundle")
        metafunc.parametrize("kind", ["given"] if given else list(BAD))


def test_the_board_is_up(board: Board) -> None:
    board.up()


@pytest.mark.spec(259)
def test_three_tries_and_back(
    board: Board, workshop: Workshop, kind: str, request: pytest.FixtureRequest
) -> None:
    if kind == "given":
        update = Update.of(request.config.getoption("--broken-bundle"))
        bundle, word = update.bundle, update.version
    else:
        board.needs_emulator()
        make, word = BAD[kind]
        bundle = make(workshop)
    good = board.slot()
    bad = other(good)
    install(board, bundle)
    board.reboot()
    for left in ("2", "1", "0"):
        tried = board.booting(RESET_S)
        assert (tried["slot"], tried[bad.lower()]) == (bad, left)
    assert board.booting(RESET_S)["slot"] == good
    board.accepted(BOOT_S)
    status = board.json("chargectl update status --json")
    assert word in status["rollback"]
    topic = "firmware/update/result/message"
    assert word in board.console.ok(f"mosquitto_sub -h 127.0.0.1 -t {topic} -C 1 -W 30", 60)
    assert "rolled back" in board.console.ok("journalctl -b --no-pager | grep -i 'rolled back'")

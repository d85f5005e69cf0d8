"""From power-on to the login on the console: boot loader, kernel, systemd. Each change has to keep it."""

from __future__ import annotations

from tests.target.board import BOOT_S, Board


def test_the_boot_loader_counts_the_try_and_the_system_comes_up_to_its_login(board: Board) -> None:
    board.needs_emulator()
    tried = board.booting()
    assert (tried["slot"], tried["a"], tried["b"]) == ("A", "2", "3"), "a try is counted before it begins"
    board.console.expect(r"login: $", BOOT_S)
    board.note("the console asks for a login")
